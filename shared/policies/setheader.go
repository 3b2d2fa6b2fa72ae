package policies

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"toolgate/shared/policy"
)

func init() { registered["set-header"] = func() policy.Statement { return &setHeader{} } }

// setHeader sets, adds to or deletes a header of the message: the request in
// inbound and backend, the response in outbound and on-error.
type setHeader struct {
	Name         policy.Value[string]   `attr:"name,required"`
	ExistsAction policy.Value[string]   `attr:"exists-action"`
	Values       []policy.Value[string] `elements:"value"`

	canonical string   // of a literal name
	literal   []string // the values, when they are no expressions; nil otherwise
}

func (p *setHeader) Prepare(c *policy.Compilation) {
	if !slices.ContainsFunc(p.Values, func(v policy.Value[string]) bool { _, ok := v.Literal(); return !ok }) {
		p.literal, _ = p.values(nil) // literals need no exchange, and do not fail
	}
	name, ok := p.Name.Literal()
	if !ok {
		return
	}
	if p.canonical = http.CanonicalHeaderKey(strings.TrimSpace(name)); slices.Contains(ownHeaders, p.canonical) {
		c.Fault(c.Element.At, "remove the policy", "the header %s is the gateway's own", p.canonical)
	}
}

// ownHeaders are those of the connection, which policies cannot set.
var ownHeaders = []string{"Connection", "Content-Length", "Keep-Alive", "Transfer-Encoding"}

// separateHeaders are those whose values stand on lines of their own; those of
// others are joined by commas.
var separateHeaders = []string{
	"User-Agent", "Www-Authenticate", "Proxy-Authenticate", "Cookie", "Set-Cookie", "Warning", "Date", "Expires",
	"If-Modified-Since", "If-Unmodified-Since", "Last-Modified", "Retry-After",
}

func (p *setHeader) Apply(_ context.Context, x *policy.Exchange) error {
	name := p.canonical
	if name == "" {
		text, err := p.Name.Get(x)
		if err != nil {
			return err
		}
		name = http.CanonicalHeaderKey(strings.TrimSpace(text))
		if slices.Contains(ownHeaders, name) {
			return nil
		}
	}
	action, err := p.ExistsAction.Get(x)
	if err != nil {
		return err
	}
	before := x.Target.Header()[name]
	if action == "delete" {
		x.SetHeader(name, nil)
		return nil
	}
	if action == "skip" && before != nil {
		return nil
	}
	values := p.literal
	if values == nil {
		if values, err = p.values(x); err != nil {
			return err
		}
	}
	if action == "append" {
		values = slices.Concat(before, values)
	}
	if len(values) > 1 && !slices.Contains(separateHeaders, name) {
		values = []string{strings.Join(values, ",")}
	}
	x.SetHeader(name, values)
	return nil
}

// values are those that the policy sets.
func (p *setHeader) values(x *policy.Exchange) ([]string, error) {
	values := make([]string, 0, len(p.Values))
	for i := range p.Values {
		v, err := p.Values[i].Get(x)
		if err != nil {
			return nil, err
		}
		values = append(values, oneLine(v))
	}
	return values, nil
}

// oneLine takes line ends out of a value, which would begin another header.
func oneLine(value string) string {
	if !strings.ContainsAny(value, "\r\n\x00") {
		return value
	}
	return strings.NewReplacer("\r", "", "\n", " ", "\x00", "").Replace(value)
}

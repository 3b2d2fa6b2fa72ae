package policies

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"toolgate/shared/policy"
)

func init() { registered["check-header"] = func() policy.Statement { return &checkHeader{} } }

// checkHeader refuses a request that lacks a header, or whose header has none of
// the values, with the status and message that the document sets.
type checkHeader struct {
	Name       policy.Value[string]   `attr:"name,required"`
	Status     policy.Value[int]      `attr:"failed-check-httpcode,required"`
	Message    policy.Value[string]   `attr:"failed-check-error-message,required"`
	IgnoreCase policy.Value[bool]     `attr:"ignore-case,required"`
	Values     []policy.Value[string] `elements:"value"`
}

func (p *checkHeader) Apply(_ context.Context, x *policy.Exchange) error {
	name, err := p.Name.Get(x)
	if err != nil {
		return err
	}
	lines := x.Request.Headers[http.CanonicalHeaderKey(strings.TrimSpace(name))]
	if len(lines) == 0 {
		return p.refuse(x, policy.NewError("check-header", policy.ReasonHeaderNotFound, name))
	}
	if len(p.Values) == 0 {
		return nil
	}
	fold, err := p.IgnoreCase.Get(x)
	if err != nil {
		return err
	}
	all := strings.Join(lines, ",")
	for i := range p.Values {
		value, err := p.Values[i].Get(x)
		if err != nil {
			return err
		}
		same := func(line string) bool { return line == value || fold && strings.EqualFold(line, value) }
		if same(all) || slices.ContainsFunc(lines, same) {
			return nil
		}
	}
	return p.refuse(x, policy.NewError("check-header", policy.ReasonHeaderValueNotAllowed, name, shownValue(name, all)))
}

// shownValue is the value of a header as messages have it: not that of one that
// holds a credential, to judge by its name.
func shownValue(name, value string) string {
	name = strings.ToLower(name)
	for _, word := range []string{"auth", "cookie", "key", "secret", "token"} {
		if strings.Contains(name, word) {
			return "***"
		}
	}
	return value
}

// refuse is a failure with the status and message of the document; the one of
// its reason is for the log.
func (p *checkHeader) refuse(x *policy.Exchange, e *policy.Error) error {
	status, err := p.Status.Get(x)
	if err != nil {
		return err
	}
	message, err := p.Message.Get(x)
	if err != nil {
		return err
	}
	e.Status, e.Public = status, true
	if message != "" {
		e.Cause, e.Message = errors.New(e.Message), message
	}
	return e
}

package policies

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"toolgate/shared/expr"
	"toolgate/shared/policy"
)

func init() { registered["invoke-request"] = func() policy.Statement { return &invokeRequest{} } }

// invokeRequest sends a request of its own, to a URL or to a backend of the
// configuration with its credentials; the URL is below that of the backend
// then. Without a variable the response is that of the call: before the backend
// it goes on to outbound, behind it it is sent.
type invokeRequest struct {
	URL         policy.Value[string]        `attr:"url"`
	Method      policy.Value[string]        `attr:"method"`
	BackendID   policy.Value[string]        `attr:"backend-id"`
	Variable    policy.Value[string]        `attr:"response-variable-name"`
	Timeout     policy.Value[time.Duration] `attr:"timeout"`
	IgnoreError policy.Value[bool]          `attr:"ignore-error"`
	Policies    policy.Block                `policies:"set-header,set-body"`

	sender   policy.Sender
	backends policy.Backends
	backend  *policy.BackendEntity // of a literal
	literal  *url.URL              // of a literal without a backend
	ends     error                 // how the section ends without a variable
}

func (p *invokeRequest) Prepare(c *policy.Compilation) {
	p.sender, p.backends = c.Services.Sender, c.Services.Backends
	if p.sender == nil {
		c.Fault(c.Element.At, "remove the policy", "invoke-request cannot send: there is no connection to the outside")
	}
	p.backend = literalBackend(c, &p.BackendID)
	if text, ok := p.URL.Literal(); ok && !p.BackendID.IsSet() {
		u, err := httpURL(text)
		if err != nil {
			c.Fault(attributeAt(c.Element, "url"), "write an absolute URL, or a backend-id", "the attribute url is %v", err)
		}
		p.literal = u
	}
	p.ends = policy.Returned
	if c.Element.Section == policy.Inbound || c.Element.Section == policy.Backend {
		p.ends = policy.Answered
	}
}

func (p *invokeRequest) Apply(ctx context.Context, x *policy.Exchange) error {
	response, err := p.invoke(ctx, x)
	if err != nil {
		ignored, failed := p.IgnoreError.Get(x)
		if failed != nil || !ignored || !unsent(err) {
			return err
		}
		response = nil
	}
	if p.Variable.IsSet() {
		name, err := p.Variable.Get(x)
		if err != nil {
			return err
		}
		if response == nil {
			x.SetVariable(name, nil)
		} else {
			x.SetVariable(name, response)
		}
		return nil
	}
	if response == nil {
		return nil
	}
	x.Respond(response)
	return p.ends
}

// invoke sends the request.
func (p *invokeRequest) invoke(ctx context.Context, x *policy.Exchange) (*expr.Response, error) {
	timeout, err := p.Timeout.Get(x)
	if err != nil {
		return nil, err
	}
	method, err := p.Method.Get(x)
	if err != nil {
		return nil, err
	}
	u, id, err := p.target(x)
	if err != nil {
		return nil, err
	}
	r := &expr.Request{Method: http.MethodGet, Headers: http.Header{}, URL: u}
	if method != "" {
		r.Method = strings.ToUpper(strings.TrimSpace(method))
	}
	out, err := made(ctx, x, r, &p.Policies)
	if err != nil {
		return nil, err
	}
	out.Timeout, out.BackendID = timeout, id
	return send(ctx, p.sender, "invoke-request", out)
}

// target is where the request goes, and the backend whose credentials it has.
func (p *invokeRequest) target(x *policy.Exchange) (u *url.URL, backendID string, err error) {
	if p.literal != nil {
		return p.literal, "", nil
	}
	text, err := p.URL.Get(x)
	if err != nil {
		return nil, "", err
	}
	if !p.BackendID.IsSet() {
		if u, err = httpURL(text); err != nil {
			return nil, "", notSendable("invoke-request", err)
		}
		return u, "", nil
	}
	b, err := backendOf(x, "invoke-request", p.backend, &p.BackendID, p.backends)
	if err != nil {
		return nil, "", err
	}
	return below(b.URL, text), b.ID, nil
}

// below is a path with a query below the URL of a backend. Of an absolute URL
// the path and the query count: credentials of a backend go nowhere else.
func below(base *url.URL, reference string) *url.URL {
	u := *base
	r, err := url.Parse(strings.TrimSpace(reference))
	if err != nil || reference == "" {
		return &u
	}
	joined := strings.TrimSuffix(u.EscapedPath(), "/") + "/" + strings.TrimPrefix(r.EscapedPath(), "/")
	if r.Path == "" {
		joined = u.EscapedPath()
	}
	if plain, err := url.PathUnescape(joined); err == nil {
		u.Path, u.RawPath = plain, joined
	}
	u.RawQuery = r.RawQuery
	return &u
}

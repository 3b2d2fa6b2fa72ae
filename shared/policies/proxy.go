package policies

import (
	"context"
	"net/http"
	"net/url"

	"toolgate/shared/policy"
)

func init() { registered["proxy"] = func() policy.Statement { return &proxy{} } }

// proxy sends the request, that to the backend or the one that a policy makes,
// by way of an HTTP proxy.
type proxy struct {
	URL      policy.Value[string] `attr:"url,required"`
	Username policy.Value[string] `attr:"username"`
	Password policy.Value[string] `attr:"password"`

	literal *url.URL // of a literal URL; nil otherwise
}

func (p *proxy) Prepare(c *policy.Compilation) {
	if text, ok := p.URL.Literal(); ok {
		u, err := httpURL(text)
		if err != nil {
			c.Fault(attributeAt(c.Element, "url"), "write the URL of a proxy, such as http://proxy.contoso.com:8080", "the attribute url is %v", err)
		}
		p.literal = u
	}
}

func (p *proxy) Apply(_ context.Context, x *policy.Exchange) error {
	u, err := p.url(x)
	if err != nil {
		return err
	}
	username, err := p.Username.Get(x)
	if err != nil {
		return err
	}
	password, err := p.Password.Get(x)
	if err != nil {
		return err
	}
	if username != "" {
		signed := *u
		signed.User = url.UserPassword(username, password)
		u = &signed
	}
	x.Proxy = u
	return nil
}

func (p *proxy) url(x *policy.Exchange) (*url.URL, error) {
	if p.literal != nil {
		return p.literal, nil
	}
	text, err := p.URL.Get(x)
	if err != nil {
		return nil, err
	}
	u, err := httpURL(text)
	if err != nil {
		return nil, &policy.Error{
			Source: "proxy", Reason: "ProxyUrlInvalid", Status: http.StatusInternalServerError,
			Message: "The URL of the proxy is not valid.", Cause: err,
		}
	}
	return u, nil
}

package policies

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"toolgate/shared/fault"
	"toolgate/shared/policy"
)

func init() {
	registered["set-backend-service"] = func() policy.Statement { return &setBackendService{} }
}

// setBackendService chooses where the request goes: to a URL, or to a backend
// of the configuration with its credentials. The request keeps its path and its
// query.
type setBackendService struct {
	BaseURL   policy.Value[string] `attr:"base-url"`
	BackendID policy.Value[string] `attr:"backend-id"`

	backends policy.Backends
	scope    policy.Scope
	url      *url.URL              // of a literal
	backend  *policy.BackendEntity // of a literal
}

func (p *setBackendService) Prepare(c *policy.Compilation) {
	p.scope, p.backends = c.Element.Scope, c.Services.Backends
	if text, ok := p.BaseURL.Literal(); ok {
		u, err := serviceURL(text)
		if err != nil {
			c.Fault(attributeAt(c.Element, "base-url"), "write the URL of a service, such as https://orders.contoso.com/v1", "the attribute base-url is %v", err)
		}
		p.url = u
	}
	p.backend = literalBackend(c, &p.BackendID)
}

// literalBackend is the backend that a literal names. One that there is not is
// a fault.
func literalBackend(c *policy.Compilation, id *policy.Value[string]) *policy.BackendEntity {
	if !id.IsSet() {
		return nil
	}
	if c.Services.Backends == nil {
		c.Fault(attributeAt(c.Element, "backend-id"), "add a backend to the configuration", "there are no backends")
		return nil
	}
	name, ok := id.Literal()
	if !ok {
		return nil
	}
	b := c.Services.Backends.Backend(name)
	if b == nil {
		known := c.Services.Backends.IDs()
		slices.Sort(known)
		c.Fault(attributeAt(c.Element, "backend-id"), fault.Suggest(name, known, "add the backend to the configuration"), "unknown backend %q", name)
	}
	return b
}

// attributeAt is the place of the value of an attribute.
func attributeAt(e *policy.Element, name string) fault.Position {
	if a, ok := e.Attribute(name); ok {
		return a.Value.At
	}
	return e.At
}

func (p *setBackendService) Apply(_ context.Context, x *policy.Exchange) error {
	if p.BackendID.IsSet() {
		b, err := backendOf(x, "set-backend-service", p.backend, &p.BackendID, p.backends)
		if err != nil {
			return err
		}
		x.ChooseBackend(b, p.scope)
		return nil
	}
	u := p.url
	if u == nil {
		text, err := p.BaseURL.Get(x)
		if err != nil {
			return err
		}
		if u, err = serviceURL(text); err != nil {
			return &policy.Error{
				Source: "set-backend-service", Reason: "BackendUrlInvalid", Status: http.StatusInternalServerError,
				Message: "The URL of the backend is not valid.", Cause: err,
			}
		}
	}
	x.ChooseService(u, p.scope)
	return nil
}

// backendOf is the backend that a policy names, the literal one or that of its
// expression.
func backendOf(x *policy.Exchange, source string, literal *policy.BackendEntity, id *policy.Value[string], backends policy.Backends) (*policy.BackendEntity, error) {
	if literal != nil {
		return literal, nil
	}
	name, err := id.Get(x)
	if err != nil {
		return nil, err
	}
	if b := backends.Backend(name); b != nil {
		return b, nil
	}
	return nil, &policy.Error{
		Source: source, Reason: "BackendNotFound", Status: http.StatusInternalServerError,
		Message: fmt.Sprintf("There is no backend %q.", name),
	}
}

// serviceURL reads the URL of a backend.
func serviceURL(text string) (*url.URL, error) {
	u, err := httpURL(text)
	if err == nil && u.Fragment != "" {
		return nil, errors.New("a URL with a fragment")
	}
	return u, err
}

// httpURL reads an absolute URL of the scheme http or https. The error does not
// repeat the URL, which may hold a secret.
func httpURL(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	switch {
	case err != nil:
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		return nil, fmt.Errorf("no URL: %w", err)
	case !strings.EqualFold(u.Scheme, "http") && !strings.EqualFold(u.Scheme, "https"):
		return nil, errors.New("no URL that begins with http:// or https://")
	case u.Host == "":
		return nil, errors.New("a URL without a host")
	}
	return u, nil
}

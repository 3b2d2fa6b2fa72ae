package policies

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"toolgate/shared/policy"
)

func init() {
	registered["validate-headers"] = func() policy.Statement { return &validateHeaders{} }
}

// validateHeaders checks the headers of a response by the operation's OpenAPI
// document.
type validateHeaders struct {
	SpecifiedAction   policy.Value[string] `attr:"specified-header-action,required"`
	UnspecifiedAction policy.Value[string] `attr:"unspecified-header-action,required"`
	Variable          string               `attr:"errors-variable-name"`
	Headers           []namedAction        `elements:"header"`

	services *policy.Services
	scope    policy.Scope
}

func (p *validateHeaders) Prepare(c *policy.Compilation) {
	p.services, p.scope = c.Services, c.Element.Scope
	needsOperations(c)
}

func (p *validateHeaders) Apply(_ context.Context, x *policy.Exchange) error {
	if isMCP(p.scope, x) || x.Response == nil {
		return nil
	}
	v := &validation{x: x, policy: "validate-headers", variable: p.Variable, response: true}
	e := &evaluation{x: x}
	specified, unspecified := evaluate(e, &p.SpecifiedAction), evaluate(e, &p.UnspecifiedAction)
	d := described(p.services, x)
	if d == nil {
		v.add(stricter(specified, unspecified), missingSchema)
		return cmp.Or(e.err, v.end())
	}
	var headers []policy.ParameterDescription
	if r := describedResponse(d, x.Response.StatusCode); r != nil {
		headers = r.Headers
	}
	const in, kind = "header", "ResponseHeader"
	for i := range headers {
		h := &headers[i]
		v.checkParameter(actionOf(e, p.Headers, h.Name, true, specified), h, in, kind, valuesOf(x.Response.Headers, h.Name, true))
	}
	for _, name := range sortedNames(x.Response.Headers) {
		if !slices.ContainsFunc(headers, func(h policy.ParameterDescription) bool { return strings.EqualFold(h.Name, name) }) {
			v.unspecified(actionOf(e, p.Headers, name, true, unspecified), name, in, kind)
		}
	}
	if e.err != nil {
		return e.err
	}
	return v.end()
}

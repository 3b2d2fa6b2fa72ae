package policies

import (
	"cmp"
	"context"
	"fmt"
	"strconv"

	"toolgate/shared/policy"
)

func init() {
	registered["validate-status-code"] = func() policy.Statement { return &validateStatusCode{} }
}

// validateStatusCode checks the status of a response by the operation's OpenAPI
// document. Its exceptions are for codes that the document does not have.
type validateStatusCode struct {
	UnspecifiedAction policy.Value[string] `attr:"unspecified-status-code-action,required"`
	Variable          string               `attr:"errors-variable-name"`
	Codes             []statusAction       `elements:"status-code"`

	services *policy.Services
	scope    policy.Scope
}

// statusAction is the action for one code.
type statusAction struct {
	Code   int                  `attr:"code,required"`
	Action policy.Value[string] `attr:"action,required"`
}

func (p *validateStatusCode) Prepare(c *policy.Compilation) {
	p.services, p.scope = c.Services, c.Element.Scope
	needsOperations(c)
}

func (p *validateStatusCode) Apply(_ context.Context, x *policy.Exchange) error {
	if isMCP(p.scope, x) || x.Response == nil {
		return nil
	}
	v := &validation{x: x, policy: "validate-status-code", variable: p.Variable, response: true}
	e := &evaluation{x: x}
	code := x.Response.StatusCode
	d := described(p.services, x)
	if d == nil {
		v.add(evaluate(e, &p.UnspecifiedAction), missingSchema)
		return cmp.Or(e.err, v.end())
	}
	if describedResponse(d, code) != nil {
		return nil
	}
	action := evaluate(e, &p.UnspecifiedAction)
	for i := range p.Codes {
		if p.Codes[i].Code == code {
			action = evaluate(e, &p.Codes[i].Action)
		}
	}
	text := fmt.Sprintf("Response status code %d is not allowed.", code)
	v.add(action, validationError{name: strconv.Itoa(code), kind: "StatusCode", rule: "Unspecified", details: text})
	if e.err != nil {
		return e.err
	}
	return v.end()
}

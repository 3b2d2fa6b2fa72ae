package build

import (
	"strings"

	"toolgate/shared/config"
	"toolgate/shared/expr"
)

// tokenVariable is the variable that has the token of a call: what an expression of
// allow may name.
const tokenVariable = "jwt"

// allow notes who may call a tool.
func (p *serverPolicies) allow(name string, list []config.Allow) {
	if list == nil {
		return
	}
	if p.allowed == nil {
		p.allowed = map[string][]config.Allow{}
	}
	p.allowed[name] = list
}

// checkAllows compiles the expressions of all that a server says of who may use
// what.
func (b *builder) checkAllows(s *config.Server) {
	for _, a := range s.Allows() {
		if a.Expression != "" {
			b.checkAllowed(&a)
		}
	}
}

// checkAllowed checks one expression. It is of the caller and the request, so that a
// list and a call find the same: what differs between them it cannot read.
func (b *builder) checkAllowed(a *config.Allow) {
	kind := expr.Single
	if strings.HasPrefix(a.Expression, "@{") {
		kind = expr.Statements
	}
	program, errs := expr.Compile(a.Expression[2:len(a.Expression)-1], kind, expr.Position{Line: 1, Column: 3})
	for _, e := range errs {
		b.fault(a.ExpressionAt, e.Fix, "the expression cannot be compiled: %v of it: %s", e.Position, e.Message)
	}
	if program == nil {
		return
	}
	switch program.Type() {
	case "bool", "dynamic", "object":
	default:
		b.fault(a.ExpressionAt, "compare it with something", "the expression is a %s, and must be true or false", program.Type())
	}
	if program.NeedsRequestBody() || program.NeedsResponseBody() {
		b.fault(a.ExpressionAt, "look at the headers, the token, the user or the product", "the expression reads a body, which is another one in a list than in a call")
	}
	names, _ := program.ReadsVariables()
	for _, name := range names {
		if name != tokenVariable {
			b.fault(a.ExpressionAt, `the token is the variable "jwt"; look at the request for the rest`, "the expression reads the variable %q, and no policy has run yet that could set it", name)
		}
	}
}

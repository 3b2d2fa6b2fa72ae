package policies

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"toolgate/shared/policy"
)

func init() {
	registered["validate-parameters"] = func() policy.Statement { return &validateParameters{} }
}

// validateParameters checks the headers, the query and the path parameters of a
// request by the operation's OpenAPI document.
type validateParameters struct {
	SpecifiedAction   policy.Value[string] `attr:"specified-parameter-action,required"`
	UnspecifiedAction policy.Value[string] `attr:"unspecified-parameter-action,required"`
	Variable          string               `attr:"errors-variable-name"`
	Headers           *parameterActions    `element:"headers"`
	Query             *parameterActions    `element:"query"`
	Path              *parameterActions    `element:"path"`

	services *policy.Services
	scope    policy.Scope
}

// parameterActions are the actions for one place of parameters, where they
// differ from those of the policy.
type parameterActions struct {
	SpecifiedAction   policy.Value[string] `attr:"specified-parameter-action"`
	UnspecifiedAction policy.Value[string] `attr:"unspecified-parameter-action"`
	Parameters        []namedAction        `elements:"parameter"`
}

// namedAction is the action for one parameter or header.
type namedAction struct {
	Name   policy.Value[string] `attr:"name,required"`
	Action policy.Value[string] `attr:"action,required"`
}

func (p *validateParameters) Prepare(c *policy.Compilation) {
	p.services, p.scope = c.Services, c.Element.Scope
	needsOperations(c)
}

// place is where parameters are.
type place struct {
	in      string // as OpenAPI says
	name    string // in errors
	kind    string // in errors
	actions *parameterActions
	values  map[string][]string
	fold    bool // letter case does not count
}

func (p *validateParameters) Apply(_ context.Context, x *policy.Exchange) error {
	if isMCP(p.scope, x) {
		return nil
	}
	v := &validation{x: x, policy: "validate-parameters", variable: p.Variable}
	e := &evaluation{x: x}
	d := described(p.services, x)
	if d == nil {
		v.add(stricter(evaluate(e, &p.SpecifiedAction), evaluate(e, &p.UnspecifiedAction)), missingSchema)
		return cmp.Or(e.err, v.end())
	}
	for _, place := range p.places(x) {
		if v.blocked == nil {
			p.check(e, v, d, &place)
		}
	}
	if e.err != nil {
		return e.err
	}
	return v.end()
}

func (p *validateParameters) places(x *policy.Exchange) []place {
	path := map[string][]string{}
	for name, value := range x.Request.MatchedParameters {
		path[name] = []string{value}
	}
	query := map[string][]string{}
	if x.Request.URL != nil {
		for _, pair := range queryPairs(x.Request.URL.RawQuery) {
			query[pair.name] = append(query[pair.name], valueOf(pair.raw))
		}
	}
	return []place{
		{"path", "path parameter", "PathParameter", p.Path, path, false},
		{"query", "query parameter", "QueryParameter", p.Query, query, false},
		{"header", "header", "RequestHeader", p.Headers, x.Request.Headers, true},
	}
}

// check validates the parameters of one place.
func (p *validateParameters) check(e *evaluation, v *validation, d *policy.OperationDescription, at *place) {
	specified, unspecified := evaluate(e, &p.SpecifiedAction), evaluate(e, &p.UnspecifiedAction)
	var named []namedAction
	if a := at.actions; a != nil {
		specified = cmp.Or(evaluate(e, &a.SpecifiedAction), specified)
		unspecified = cmp.Or(evaluate(e, &a.UnspecifiedAction), unspecified)
		named = a.Parameters
	}
	for i := range d.Parameters {
		if parameter := &d.Parameters[i]; parameter.In == at.in {
			action := actionOf(e, named, parameter.Name, at.fold, specified)
			v.checkParameter(action, parameter, at.name, at.kind, valuesOf(at.values, parameter.Name, at.fold))
		}
	}
	if at.in == "path" {
		return // the template of the operation has no others
	}
	for _, name := range sortedNames(at.values) {
		if !slices.ContainsFunc(d.Parameters, func(d policy.ParameterDescription) bool { return at.has(&d, name) }) {
			v.unspecified(actionOf(e, named, name, at.fold, unspecified), name, at.name, at.kind)
		}
	}
}

// has tells whether a description is the one of a name at this place. The
// template of an operation may have the query's parameters too.
func (at *place) has(d *policy.ParameterDescription, name string) bool {
	return d.In == at.in && sameName(d.Name, name, at.fold)
}

// stricter is the stricter one of two actions, for what neither could be asked
// about.
func stricter(a, b string) string {
	if a == prevent || b == ignore {
		return a
	}
	return b
}

func sameName(a, b string, fold bool) bool { return a == b || fold && strings.EqualFold(a, b) }

// actionOf is the action for a name.
func actionOf(e *evaluation, named []namedAction, name string, fold bool, otherwise string) string {
	for i := range named {
		if sameName(strings.TrimSpace(evaluate(e, &named[i].Name)), name, fold) {
			return evaluate(e, &named[i].Action)
		}
	}
	return otherwise
}

// valuesOf are the values of a parameter or header.
func valuesOf(values map[string][]string, name string, fold bool) []string {
	if list, ok := values[name]; ok || !fold {
		return list
	}
	return values[http.CanonicalHeaderKey(name)]
}

func sortedNames(values map[string][]string) []string {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

package policies

import (
	"context"
	"slices"
	"strings"

	"toolgate/shared/policy"
)

func init() {
	registered["set-query-parameter"] = func() policy.Statement { return &setQueryParameter{} }
}

// setQueryParameter sets, adds to or deletes a parameter of the request's query.
// Several values are several parameters of the name. Letter case of names does
// not count, so that a backend which ignores it sees no other value.
type setQueryParameter struct {
	Name         policy.Value[string]   `attr:"name,required"`
	ExistsAction policy.Value[string]   `attr:"exists-action"`
	Values       []policy.Value[string] `elements:"value"`

	literal []pair // of the name and the values, when they are no expressions; nil otherwise
}

func (p *setQueryParameter) Prepare(*policy.Compilation) {
	name, ok := p.Name.Literal()
	if !ok || slices.ContainsFunc(p.Values, func(v policy.Value[string]) bool { _, ok := v.Literal(); return !ok }) {
		return
	}
	p.literal, _ = p.pairs(nil, name, "") // literals need no exchange, and do not fail
}

func (p *setQueryParameter) Apply(_ context.Context, x *policy.Exchange) error {
	request := x.Target.Request
	if request == nil || request.URL == nil {
		return nil
	}
	name, err := p.Name.Get(x)
	if err != nil {
		return err
	}
	action, err := p.ExistsAction.Get(x)
	if err != nil {
		return err
	}
	pairs := queryPairs(request.URL.RawQuery)
	isNamed := func(q pair) bool { return strings.EqualFold(q.name, name) }
	at := slices.IndexFunc(pairs, isNamed)
	if at >= 0 && action == "skip" || at < 0 && action == "delete" {
		return nil
	}
	values, err := p.pairs(x, name, action)
	if err != nil {
		return err
	}
	switch {
	case action == "append", at < 0:
		pairs = append(pairs, values...)
	default: // those in the place of the first one
		pairs = slices.DeleteFunc(pairs, isNamed)
		pairs = slices.Insert(pairs, min(at, len(pairs)), values...)
	}
	setQuery(x, queryString(pairs))
	return nil
}

// pairs are the parameters that the policy sets, none to delete.
func (p *setQueryParameter) pairs(x *policy.Exchange, name, action string) ([]pair, error) {
	if action == "delete" {
		return nil, nil
	}
	if p.literal != nil {
		return p.literal, nil
	}
	values := make([]pair, 0, len(p.Values))
	for i := range p.Values {
		value, err := p.Values[i].Get(x)
		if err != nil {
			return nil, err
		}
		values = append(values, newPair(name, value))
	}
	return values, nil
}

// setQuery sets the query of the target, a request.
func setQuery(x *policy.Exchange, raw string) {
	if x.Target.Request == x.Request {
		x.SetPath(x.Path(), raw)
		return
	}
	u := *x.Target.Request.URL
	u.RawQuery = raw
	x.Target.Request.URL = &u
}

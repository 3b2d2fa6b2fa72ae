package config

import (
	"slices"
	"strings"

	"toolgate/shared/fault"
	"toolgate/shared/pattern"

	"go.yaml.in/yaml/v4"
)

// Allow is who may use something: everything that it says must hold of a caller.
// Of a list of them one is enough; an empty list is everybody.
type Allow struct {
	// Scopes must all be among those of the token.
	Scopes []string `json:"scopes,omitzero"`
	// Roles and Groups are values of the claims of those names, of which a token
	// needs one of each.
	Roles  []string `json:"roles,omitzero"`
	Groups []string `json:"groups,omitzero"`
	// Claims must all be there, each with one of its values.
	Claims []AllowedClaim `json:"claims,omitzero"`
	// Products are those of which the call has to be under one.
	Products []string `json:"products,omitzero"`
	// Expression is a policy expression with its brackets, which must be true;
	// empty for none.
	Expression string         `json:"expression,omitzero"`
	At         fault.Position `json:"-"`
	// ExpressionAt is where the expression begins in the file.
	ExpressionAt fault.Position `json:"-"`
}

// AllowedClaim is a claim and the values of which it needs one.
type AllowedClaim struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
}

// ofToken tells whether the caller needs a token.
func (a *Allow) ofToken() bool {
	return a.Scopes != nil || a.Roles != nil || a.Groups != nil || a.Claims != nil
}

// Published is what of an upstream's resources or prompts is published, and for
// whom.
type Published struct {
	// Pattern is one of URIs or of names: * stands for any characters but slashes,
	// and ** for any.
	Pattern string         `json:"pattern"`
	Allow   []Allow        `json:"allow,omitzero"`
	At      fault.Position `json:"-"`
}

// allowKeys refuse an empty mapping, which would let everybody pass.
var allowKeys = vocabulary[Allow]{kind: "allow", check: notEmpty[Allow]("say who, as in { roles: [ buyer ] }, or remove it"), keys: []key[Allow]{
	{name: "scopes", decode: func(d *decoder, v value, a *Allow) { a.Scopes = d.distinct(v, (*decoder).scope) }},
	{name: "roles", decode: func(d *decoder, v value, a *Allow) { a.Roles = d.distinct(v, (*decoder).str) }},
	{name: "groups", decode: func(d *decoder, v value, a *Allow) { a.Groups = d.distinct(v, (*decoder).str) }},
	{name: "claims", decode: func(d *decoder, v value, a *Allow) { a.Claims = d.allowedClaims(v) }},
	{name: "products", decode: func(d *decoder, v value, a *Allow) {
		a.Products = d.distinct(v, func(d *decoder, v value) string { return d.declaredName(v, "product", d.declared["product"]) })
	}},
	{name: "expression", decode: func(d *decoder, v value, a *Allow) {
		a.Expression, a.ExpressionAt = d.matching(v, expressionPattern, "write it as @(…) or @{…}"), v.at
	}},
}}

// expressionPattern is the outer form of a policy expression. Whether it is C#, the
// build says.
var expressionPattern = pattern.Lazy(`^@(\([\s\S]*\)|\{[\s\S]*\})$`)

// allow decodes one mapping, or a list of them.
func (d *decoder) allow(v value) []Allow {
	if v.node.Kind != yaml.SequenceNode {
		return []Allow{d.allowed(v)}
	}
	var list []Allow
	for item := range d.list(v) {
		list = append(list, d.allowed(item))
	}
	return list
}

func (d *decoder) allowed(v value) Allow {
	a := Allow{At: v.at}
	decodeMapping(d, v, allowKeys, &a)
	return a
}

// allowedClaims decodes a mapping of claims to one value or several.
func (d *decoder) allowedClaims(v value) []AllowedClaim {
	entries, ok := d.entries(v)
	if ok && len(entries) == 0 {
		d.fault(v.at, "give at least one, or remove the key", "%s is an empty mapping", v.what)
	}
	var claims []AllowedClaim
	for _, e := range entries {
		if e.name == "" {
			d.fault(e.value.key, "write the name of a claim", "%s has a claim without a name", v.what)
			continue
		}
		claims = append(claims, AllowedClaim{Name: e.name, Values: d.oneOrMore(e.value, (*decoder).claimValue)})
	}
	return claims
}

// claimValue returns text, or the JSON text of a number or a boolean.
func (d *decoder) claimValue(v value) string {
	if isText(v.node) {
		return d.str(v)
	}
	s, _ := d.scalar(v, "text, a number or true or false")
	if s.tag == "!!bool" {
		return strings.ToLower(s.text)
	}
	return s.decimal()
}

// publishedKeys are those of an item of resources or of prompts, whose pattern has
// the given key.
func publishedKeys(kind, pattern string) vocabulary[Published] {
	return vocabulary[Published]{kind: kind, keys: []key[Published]{
		{name: pattern, required: true, decode: func(d *decoder, v value, p *Published) { p.Pattern = d.pattern(v) }},
		{name: "allow", decode: func(d *decoder, v value, p *Published) { p.Allow = d.allow(v) }},
	}}
}

var (
	resourceKeys = publishedKeys("resource", "uri")
	promptKeys   = publishedKeys("prompt", "prompt")
)

func (d *decoder) pattern(v value) string {
	s := d.str(v)
	if strings.Contains(s, "***") {
		d.fault(v.at, `let "*" stand for any characters but slashes, or "**" for any`, "%s is %s", v.what, quote(s))
		return ""
	}
	return s
}

// published decodes what of an upstream's resources or prompts is published: true
// or false for all or none, or a list.
func (d *decoder) published(v value, y vocabulary[Published], all *bool) []Published {
	if v.node.Kind != yaml.SequenceNode {
		d.flag(v, all)
		return nil
	}
	var list []Published
	for item := range d.list(v) {
		p := Published{At: item.at}
		if isMapping(item.node) {
			decodeMapping(d, item, y, &p)
		} else {
			p.Pattern = d.pattern(item)
		}
		for _, before := range list {
			if p.Pattern != "" && before.Pattern == p.Pattern {
				d.fault(item.at, "remove one; the first decides", "%s is %s, as an item before it", item.what, quote(p.Pattern))
			}
		}
		list = append(list, p)
	}
	return list
}

// Allows are all that the server says of who may use what.
func (s *Server) Allows() []Allow {
	all := s.Allow
	add := func(more []Allow) { all = append(slices.Clip(all), more...) }
	if s.API != nil {
		for _, t := range s.API.Tools {
			add(t.Override.Allow)
		}
	}
	if u := s.Upstream; u != nil {
		for _, t := range u.Tools {
			add(t.Override.Allow)
		}
		for _, list := range [][]Published{u.ResourceRules, u.PromptRules} {
			for _, p := range list {
				add(p.Allow)
			}
		}
	}
	return all
}

package config

import (
	"slices"
	"strings"

	"toolgate/shared/pattern"

	"go.yaml.in/yaml/v4"
)

var memberKeys = vocabulary[Member]{kind: "member", keys: []key[Member]{
	{name: "server", required: true, decode: func(d *decoder, v value, m *Member) { m.Server = d.memberServer(v) }},
	{name: "prefix", decode: func(d *decoder, v value, m *Member) {
		prefix, ok := d.possiblyEmpty(v)
		m.Prefix, m.Bare = prefix, ok && prefix == ""
	}},
}}

// prefixPattern leaves a name 64 - 32 - 1 characters.
var prefixPattern = pattern.Lazy(`^[A-Za-z0-9_-]{1,32}$`)

const prefixFix = `give a "prefix" of letters, digits, "_" and "-", 32 at most, or "" for none`

// member decodes one member of a federation: a server's name, or a mapping.
func (d *decoder) member(v value) Member {
	m := Member{At: v.at}
	if !isMapping(v.node) {
		m.Server = d.memberServer(v)
		m.Prefix = m.Server
	} else if present := decodeMapping(d, v, memberKeys, &m); present != nil {
		if _, given := present["prefix"]; !given {
			m.Prefix = m.Server
		}
	}
	if m.Prefix != "" && !prefixPattern().MatchString(m.Prefix) {
		d.fault(v.at, prefixFix, "%s has the prefix %s", v.what, quote(m.Prefix))
	}
	return m
}

func (d *decoder) memberServer(v value) string {
	return d.declaredName(v, "server", d.members)
}

// isFederation reports whether a server, not decoded yet, is over others.
func (d *decoder) isFederation(v value) bool {
	if v.node.Kind != yaml.MappingNode {
		return false
	}
	entries, _ := d.entries(v)
	return slices.Contains(chosenKinds(entries), "federate")
}

// checkFederations checks what needs all servers: that members are no
// federations, and that a name can belong to one member alone.
func (d *decoder) checkFederations(c *Config) {
	federations := map[string]bool{}
	for _, s := range c.Servers {
		federations[s.Name] = len(s.Federate) > 0
	}
	for _, s := range c.Servers {
		for i, m := range s.Federate {
			d.checkMember(s, m, s.Federate[:i], federations)
		}
	}
}

// checkMember checks one member of s against those before it.
func (d *decoder) checkMember(s Server, m Member, before []Member, federations map[string]bool) {
	if m.Server == "" {
		return // has a fault already
	}
	same := func(other Member) bool { return other.Server == m.Server }
	switch {
	case m.Server == s.Name:
		d.fault(m.At, "remove it", "server %s federates itself", quote(s.Name))
	case federations[m.Server]:
		d.fault(m.At, "federate the servers that it has", "server %s federates %s, which is a federation", quote(s.Name), quote(m.Server))
	case slices.ContainsFunc(before, same):
		d.fault(m.At, "remove one", "server %s federates %s twice", quote(s.Name), quote(m.Server))
		return // with the same prefix, very likely
	}
	for _, other := range before {
		if other.Server != "" && prefixesMeet(m.Prefix, other.Prefix) {
			d.fault(m.At, `give one of them another "prefix"`, "in server %s the prefixes %s and %s can make the same name",
				quote(s.Name), quote(other.Prefix), quote(m.Prefix))
		}
	}
}

// prefixesMeet reports whether a name with one prefix can also be read as a
// name with the other. Members without a prefix are not told apart by it.
func prefixesMeet(a, b string) bool {
	if a == "" || b == "" {
		return false
	}
	return strings.HasPrefix(a+"_", b+"_") || strings.HasPrefix(b+"_", a+"_")
}

package config

import (
	"net/netip"
	"net/url"
	"slices"

	"toolgate/shared/fault"
	"toolgate/shared/pattern"

	"go.yaml.in/yaml/v4"
)

// ServerAuthorization says which bearer tokens a server takes, and so makes it a
// protected resource (2025-11-25, basic/authorization).
type ServerAuthorization struct {
	// Issuers are whose tokens it takes, as iss has them: https URLs, or http ones
	// on loopback, whose keys are discovered.
	Issuers []string `json:"issuers"`
	// Audiences are the values of aud of which a token needs one; nil: the URL of
	// the server (RFC 8707).
	Audiences []string `json:"audiences,omitzero"`
	// Scopes are those that every token needs; nil: none.
	Scopes []string `json:"scopes,omitzero"`
	// AuthorizationServers are where clients get tokens; nil: Issuers.
	AuthorizationServers []string `json:"authorizationServers,omitzero"`
	// ClientIDs are the client applications whose tokens it takes; nil: all.
	ClientIDs []string       `json:"clientIds,omitzero"`
	At        fault.Position `json:"-"`
}

// scopeToken is a scope (RFC 6749, section 3.3).
var scopeToken = pattern.Lazy(`^[!#-\[\]-~]+$`)

const scopeFix = "write one scope, without spaces, quotes and backslashes"

var serverAuthorizationKeys = vocabulary[ServerAuthorization]{kind: "serverAuthorization", check: checkIssuers, keys: []key[ServerAuthorization]{
	{name: "issuer", decode: func(d *decoder, v value, a *ServerAuthorization) {
		if issuer := d.issuer(v); issuer != "" {
			a.Issuers = []string{issuer}
		}
	}},
	{name: "issuers", decode: func(d *decoder, v value, a *ServerAuthorization) { a.Issuers = d.distinct(v, (*decoder).issuer) }},
	{name: "audience", decode: func(d *decoder, v value, a *ServerAuthorization) { a.Audiences = d.oneOrMore(v, (*decoder).str) }},
	{name: "scopes", decode: func(d *decoder, v value, a *ServerAuthorization) { a.Scopes = d.distinct(v, (*decoder).scope) }},
	{name: "authorizationServers", decode: func(d *decoder, v value, a *ServerAuthorization) {
		a.AuthorizationServers = d.distinct(v, (*decoder).issuer)
	}},
	{name: "clientIds", decode: func(d *decoder, v value, a *ServerAuthorization) { a.ClientIDs = d.distinct(v, (*decoder).str) }},
}}

// checkIssuers wants one of the two keys.
func checkIssuers(d *decoder, v value, present map[string]value, _ *ServerAuthorization) {
	_, one := present["issuer"]
	several, more := present["issuers"]
	switch {
	case one && more:
		d.fault(several.key, "keep one of them", `%s stands beside "issuer"`, several.what)
	case !one && !more:
		d.fault(v.key, "add it", `missing key %s`, v.in(`"issuer"`))
	}
}

func (d *decoder) serverAuthorization(v value) *ServerAuthorization {
	a := &ServerAuthorization{At: v.key}
	decodeMapping(d, v, serverAuthorizationKeys, a)
	return a
}

// issuer returns the identifier of an authorization server (RFC 8414, section 2),
// as it is written: it is compared with iss as text.
func (d *decoder) issuer(v value) string {
	s := d.absoluteURL(v, false)
	u, err := url.Parse(s)
	if s == "" || err != nil || u.Scheme == "https" {
		return s
	}
	address, _ := netip.ParseAddr(u.Hostname())
	if u.Hostname() != "localhost" && !address.IsLoopback() {
		d.fault(v.at, "write https; http is for loopback", "%s is %s, whose keys anybody on the way could replace", v.what, quote(s))
		return ""
	}
	return s
}

func (d *decoder) scope(v value) string { return d.matching(v, scopeToken, scopeFix) }

// oneOrMore decodes text, or a list of texts.
func (d *decoder) oneOrMore(v value, decode func(*decoder, value) string) []string {
	if v.node.Kind == yaml.SequenceNode {
		return d.distinct(v, decode)
	}
	if s := decode(d, v); s != "" {
		return []string{s}
	}
	return nil
}

// distinct decodes a list of texts, each of which stands there once.
func (d *decoder) distinct(v value, decode func(*decoder, value) string) []string {
	var list []string
	for item := range d.list(v) {
		s := decode(d, item)
		switch {
		case s == "":
		case slices.Contains(list, s):
			d.fault(item.at, "remove one", "%s is %s, as an item before it", item.what, quote(s))
		default:
			list = append(list, s)
		}
	}
	return list
}

// checkAuthorizations checks what needs all servers: that the URL of a protected
// one is known, and that what an allow asks of tokens can be there.
func (d *decoder) checkAuthorizations(c *Config) {
	byName := make(map[string]*Server, len(c.Servers))
	for i := range c.Servers {
		byName[c.Servers[i].Name] = &c.Servers[i]
	}
	for i := range c.Servers {
		s := &c.Servers[i]
		if s.Authorization != nil {
			if c.PublicURL == "" && len(c.AllowedHosts) > 0 {
				d.fault(s.Authorization.At, `give the gateway a "publicUrl"`,
					`server %s has "authorization", but the URL for which clients ask for tokens is not known`, quote(s.Name))
			}
			continue
		}
		for _, a := range s.Allows() {
			if a.ofToken() {
				d.fault(a.At, `add "authorization" to the server`,
					`"allow" in server %s asks for what is in tokens, and the server takes none`, quote(s.Name))
			}
		}
		for _, m := range s.Federate {
			if member := byName[m.Server]; member != nil && member.Authorization != nil {
				d.fault(m.At, federatedFix, `server %s federates %s, which has "authorization", and takes no tokens itself: nobody could use it`, quote(s.Name), quote(m.Server))
			}
		}
	}
}

const federatedFix = `add "authorization" to the federation as well, with the same issuer`

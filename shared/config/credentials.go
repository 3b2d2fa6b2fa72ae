package config

import (
	"slices"
	"strings"

	"toolgate/shared/pattern"
)

var credentialsKeys = vocabulary[Credentials]{kind: "credentials", check: checkAuthorization, keys: []key[Credentials]{
	{name: "header", decode: func(d *decoder, v value, c *Credentials) { c.Header = d.headers(v) }},
	{name: "query", decode: func(d *decoder, v value, c *Credentials) { c.Query = d.queryParameters(v) }},
	{name: "authorization", decode: func(d *decoder, v value, c *Credentials) {
		c.Authorization = &Authorization{}
		decodeMapping(d, v, authorizationKeys, c.Authorization)
	}},
	{name: "managedIdentity", decode: func(d *decoder, v value, c *Credentials) {
		c.ManagedIdentity = &ManagedIdentity{}
		decodeMapping(d, v, managedIdentityKeys, c.ManagedIdentity)
	}},
	{name: "clientCredentials", decode: func(d *decoder, v value, c *Credentials) {
		c.ClientCredentials = &TokenClient{}
		decodeMapping(d, v, clientCredentialsKeys, c.ClientCredentials)
	}},
	{name: "onBehalfOf", decode: func(d *decoder, v value, c *Credentials) {
		c.OnBehalfOf = &OnBehalfOf{Grant: grants[0]}
		decodeMapping(d, v, onBehalfOfKeys, c.OnBehalfOf)
	}},
	{name: "sigv4", decode: func(d *decoder, v value, c *Credentials) {
		c.SigV4 = &SigV4{}
		decodeMapping(d, v, sigV4Keys, c.SigV4)
	}},
	{name: "certificate", decode: func(d *decoder, v value, c *Credentials) {
		c.Certificate = d.declaredName(v, "certificate", d.declared["certificate"])
	}},
}}

var authorizationKeys = vocabulary[Authorization]{kind: "authorization", keys: []key[Authorization]{
	{name: "scheme", required: true, decode: func(d *decoder, v value, a *Authorization) {
		a.Scheme = d.matching(v, token, "write an authentication scheme, such as Bearer")
	}},
	{name: "parameter", required: true, decode: func(d *decoder, v value, a *Authorization) {
		a.Parameter = d.headerText(v)
	}},
}}

var secretKeys = vocabulary[string]{kind: "secret", keys: []key[string]{
	{name: "secret", required: true, decode: func(d *decoder, v value, ref *string) { *ref = d.secretRef(v) }},
}}

// text returns a value in which secrets may stand, or a mapping that refers to
// one; empty after a fault.
func (d *decoder) text(v value) Text {
	if isMapping(v.node) {
		var ref string
		decodeMapping(d, v, secretKeys, &ref)
		if ref == "" {
			return Text{}
		}
		return Text{Parts: []Part{{Secret: ref}}}
	}
	if !isText(v.node) {
		d.wrongType(v, "text")
		return Text{}
	}
	text, ok := d.replace(v, v.node.Value, true)
	switch {
	case !ok:
		return Text{}
	case len(text.Parts) == 0:
		d.fault(v.at, "give text, or remove it", "%s is empty", v.what)
	}
	return text
}

// headerText is text that can be the value of a header field.
func (d *decoder) headerText(v value) Text {
	text := d.text(v)
	for _, part := range text.Parts {
		if !FieldValue(part.Literal) {
			d.fault(v.at, "write it on one line", "%s has a character that no header can hold", v.what)
			return Text{}
		}
	}
	return text
}

// isControl reports what RFC 9110 section 5.5 keeps out of field values.
func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// sealingKey returns a text that is one secret.
func (d *decoder) sealingKey(v value) Text {
	text := d.text(v)
	if len(text.Parts) > 0 && (len(text.Parts) != 1 || text.Parts[0].Secret == "") {
		d.fault(v.at, "write { secret: env:NAME }", "%s is not a secret: everyone who reads the file would know it", v.what)
		return Text{}
	}
	return text
}

// token is the tchar syntax of RFC 9110 section 5.6.2.
var token = pattern.Lazy("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

// ownHeaders are fields that follow from the message or the connection; a
// credential in their place would break the call.
var ownHeaders = []string{
	"Accept", "Accept-Encoding", "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Expect", "Host",
	"Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
}

func (d *decoder) headers(v value) []Credential {
	entries, _ := d.entries(v)
	var headers []Credential
	for _, e := range entries {
		same := func(name string) bool { return strings.EqualFold(name, e.name) }
		switch {
		case !token().MatchString(e.name):
			d.fault(e.value.key, "write the name of a header, such as x-functions-key", "%s is not a header name", e.value.what)
		case slices.ContainsFunc(ownHeaders, same) || len(e.name) > 4 && strings.EqualFold(e.name[:4], "Mcp-"):
			d.fault(e.value.key, "remove it", "%s is a header that the gateway sets itself", e.value.what)
		case slices.ContainsFunc(headers, func(h Credential) bool { return same(h.Name) }):
			d.fault(e.value.key, "remove one; the case of letters does not count", "%s is there twice", e.value.what)
		}
		headers = append(headers, Credential{Name: e.name, Value: d.headerText(e.value)})
	}
	return headers
}

func (d *decoder) queryParameters(v value) []Credential {
	entries, _ := d.entries(v)
	var parameters []Credential
	for _, e := range entries {
		if e.name == "" {
			d.fault(e.value.key, "write the name of a query parameter", "%s has no name", e.value.what)
		}
		parameters = append(parameters, Credential{Name: e.name, Value: d.text(e.value)})
	}
	return parameters
}

package importer

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"toolgate/shared/config"
)

// Kinds of credentials that have names.
const (
	headerField    = "header"
	queryParameter = "parameter"
)

// parameters are those of the query of a URL, which become credentials.
func (g *drafting) parameters(place, query string) (out inline) {
	query, _, _ = strings.Cut(query, "#") // no server is sent a fragment
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		plain := unescaped(value)
		switch {
		case pair == "":
		case len(referenced(plain)) != len(referenced(value)):
			g.remark(place, notTaken, queryParameter, name, bracesOfItsOwn)
		default:
			out = g.credential(place, queryParameter, out, unescaped(name), []string{plain})
		}
	}
	return out
}

// unescaped is a part of a query as it is meant. A % that begins no escape stands
// for itself.
func unescaped(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}

// credentials are those of a backend, all of them references.
func (g *drafting) credentials(place string, c *backendCredentials, queries inline) object {
	if c == nil {
		return object{}.with("query", queries)
	}
	var headers inline
	for name, values := range sorted(c.Header) {
		headers = g.credential(place, headerField, headers, name, values)
	}
	for name, values := range sorted(c.Query) {
		queries = g.credential(place, queryParameter, queries, name, values)
	}
	out := object{}.with("header", headers).with("query", queries)
	return append(out, g.authorization(place, c, headers)...).with("certificate", g.certificate(place, c))
}

// Remarks of what is no credential, and why it is none.
const (
	notTaken       = "the %s %q is left out of its credentials: %s"
	noValue        = "it has no value"
	noName         = "it has no name"
	bracesOfItsOwn = "it has braces, which would refer to a named value"
)

// credential adds a header or a parameter, with the first of its values that is not
// empty.
func (g *drafting) credential(place, kind string, out inline, name string, values []string) inline {
	same := func(f field) bool { return f.key == name || kind == headerField && strings.EqualFold(f.key, name) }
	filled := slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" })
	why := ""
	switch {
	case name == "":
		why = noName
	case kind == headerField && !config.CredentialHeader(name):
		why = "no credential can have this name"
	case slices.ContainsFunc(out, same):
		why = "it is there twice"
	case len(filled) == 0:
		why = noValue
	default:
		why = g.unfit(place, kind, filled[0])
	}
	if why != "" {
		g.remark(place, notTaken, kind, name, why)
		return out
	}
	if len(values) > 1 {
		g.remark(place, "the %s %q has %d values there, and the first one that is not empty here", kind, name, len(values))
	}
	return append(out, field{name, filled[0]})
}

// unfit says why a text cannot be a credential; empty where it can. The named
// values that it refers to are declared.
func (g *drafting) unfit(place, kind, text string) string {
	for _, name := range referenced(text) {
		if len(name) > maxValueName {
			return fmt.Sprintf("it refers to a named value by more than %d characters", maxValueName)
		}
		g.needed(place, name)
	}
	switch whole, _ := g.resolved(text); {
	case whole == "":
		return noValue
	case kind == headerField && !config.FieldValue(whole):
		return "it has a character that no header can hold"
	}
	return ""
}

// referenced are the names of the named values that a text refers to.
func referenced(text string) (names []string) {
	for _, m := range config.ValueReference().FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	return names
}

// authorization is what stands in the Authorization header, besides the headers.
func (g *drafting) authorization(place string, c *backendCredentials, headers inline) (out object) {
	another := slices.ContainsFunc(headers, func(f field) bool { return strings.EqualFold(f.key, "Authorization") })
	if a := c.Authorization; a != nil && a.Scheme+a.Parameter != "" {
		why := ""
		switch {
		case another:
			why = "it has a header Authorization as well"
		case !config.AuthorizationScheme(a.Scheme):
			why = fmt.Sprintf("%q is no scheme", a.Scheme)
		default:
			why = g.unfit(place, headerField, a.Parameter)
		}
		if why == "" {
			another = true
			out = object{{"authorization", inline{{"scheme", a.Scheme}, {"parameter", a.Parameter}}}}
		} else {
			g.remark(place, "its authorization is left out: %s", why)
		}
	}
	if m := c.ManagedIdentity; m != nil && m.Resource+m.ClientID != "" {
		resource, hidden := g.resolved(m.Resource)
		client, secret := g.resolved(m.ClientID)
		secret = cmp.Or(hidden, secret)
		switch {
		case another:
			g.remark(place, "its managed identity is left out: it has another authorization")
		case resource == "":
			g.remark(place, "its managed identity is left out: it does not say whom its tokens are for")
		case secret != "":
			g.remark(place, "its managed identity is left out: it refers to the named value %s, which is a secret here or is not there", secret)
		default:
			out = object{{"managedIdentity", inline(object{{"resource", resource}}.with("clientId", client))}}
		}
	}
	return out
}

// certificate is the id of the certificate that a backend is shown; empty for none.
func (g *drafting) certificate(place string, c *backendCredentials) (shown string) {
	for _, id := range c.CertificateIDs {
		name := last(id)
		switch {
		case !slices.ContainsFunc(g.draft.certificates, func(f field) bool { return f.key == name }):
			g.remark(place, "it is shown the certificate %q, which is not among those of the service: declare it under certificates", name)
		case shown == "":
			shown = name
		default:
			g.remark(place, "it is shown the certificate %q as well: here it is shown the first one", name)
		}
	}
	if shown == "" && len(c.Certificate) > 0 {
		g.remark(place, "it is shown the certificate with the thumbprint %s: name it by its id, as certificate", c.Certificate[0])
	}
	return shown
}

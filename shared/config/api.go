package config

import (
	"fmt"
	"slices"
	"strings"

	"toolgate/shared/fault"
	"toolgate/shared/pattern"
)

// Keys of every API.
var apiKeys = []key[API]{
	{name: "title", decode: func(d *decoder, v value, a *API) { a.Title = d.str(v) }},
	{name: "version", decode: func(d *decoder, v value, a *API) { a.Version = d.str(v) }},
	{name: "path", decode: func(d *decoder, v value, a *API) { d.apiPath(v, a) }},
	{name: "backend", decode: func(d *decoder, v value, a *API) {
		a.Backend = d.declaredName(v, "backend", d.declared["backend"])
	}},
	{name: "policy", decode: func(d *decoder, v value, a *API) { a.Policy = d.localFile(v, "policy document") }},
	{name: "subscriptionRequired", decode: func(d *decoder, v value, a *API) { d.subscriptionRequired(v, "api", a.Name) }},
	{name: "subscriptionKeyNames", decode: func(d *decoder, v value, a *API) { d.subscriptionKeyNames(v, "api", a.Name) }},
}

// Keys of an API with an OpenAPI document, and of one that declares its
// operations.
var (
	describedAPIKeys = []key[API]{
		{
			name: "openapi", required: true,
			absent: `add it, or declare "operations" with their "method" and "urlTemplate"`,
			decode: func(d *decoder, v value, a *API) { a.OpenAPI = d.openAPIDocument(v) },
		},
		{name: "operations", decode: func(d *decoder, v value, a *API) {
			a.Operations = d.operations(v, describedOperationKeys)
		}},
	}
	declaredAPIKeys = []key[API]{
		{name: "operations", required: true, decode: func(d *decoder, v value, a *API) {
			a.Operations = d.operations(v, declaredOperationKeys)
			d.checkTemplates(a)
		}},
	}
)

// Keys of an operation of either kind of API.
var (
	describedOperationKeys = vocabulary[Operation]{
		kind: "operation", keys: []key[Operation]{operationPolicy(true)},
		elsewhere: map[string]string{
			"method":      "is what the OpenAPI document of the API says",
			"urlTemplate": "is what the OpenAPI document of the API says",
		},
	}
	declaredOperationKeys = vocabulary[Operation]{kind: "operation", keys: []key[Operation]{
		{name: "method", required: true, decode: func(d *decoder, v value, o *Operation) {
			o.Method = d.matching(v, method, "write an HTTP method in capitals, such as GET")
		}},
		{name: "urlTemplate", required: true, decode: func(d *decoder, v value, o *Operation) {
			o.URLTemplate = d.urlTemplate(v)
		}},
		operationPolicy(false),
	}}
)

func operationPolicy(required bool) key[Operation] {
	return key[Operation]{name: "policy", required: required, decode: func(d *decoder, v value, o *Operation) {
		o.Policy = d.localFile(v, "policy document")
	}}
}

func (d *decoder) api(name string, v value) API {
	a := API{Name: name, At: v.key}
	entries, ok := d.entries(v)
	if !ok {
		return a
	}
	kind := describedAPIKeys
	if declaresOperations(entries) {
		kind = declaredAPIKeys
	}
	decodeEntries(d, v, entries, vocabulary[API]{kind: "api", keys: slices.Concat(kind, apiKeys)}, &a)
	return a
}

// declaresOperations reports whether an API has operations and no document.
func declaresOperations(entries []entry) bool {
	known := vocabulary[API]{keys: slices.Concat(describedAPIKeys, apiKeys)}.names()
	has := map[string]bool{}
	for _, e := range entries {
		if slices.Contains(known, e.name) {
			has[e.name] = true
		} else {
			has[fault.Nearest(e.name, known)] = true
		}
	}
	return has["operations"] && !has["openapi"]
}

func (d *decoder) operations(v value, y vocabulary[Operation]) []Operation {
	entries, _ := d.entries(v)
	var list []Operation
	for _, e := range entries {
		o := Operation{Name: e.name, At: e.value.key}
		if o.Name == "" {
			d.fault(e.value.key, "name the operation by its operationId", "%s has no name", e.value.what)
		}
		decodeMapping(d, e.value, y, &o)
		list = append(list, o)
	}
	return list
}

func isURL(document string) bool { return strings.Contains(document, "://") }

// openAPIDocument returns the URL or the path of an OpenAPI document.
func (d *decoder) openAPIDocument(v value) string {
	s := d.str(v)
	switch {
	case s == "":
		return ""
	case isURL(s):
		return d.absoluteURL(v, true)
	}
	return d.localFile(v, "OpenAPI document")
}

// apiPathPattern is the path of an API: the root, or segments without a slash at
// either end.
var apiPathPattern = pattern.Lazy(`^(/|[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*)$`)

// reservedPaths are the first segments that no API can have, since others
// answer there before it.
var reservedPaths = []string{"admin", "healthz", "mcp", "runtime"}

// apiPath decodes where plain HTTP clients reach an API. Letter case does not
// tell paths apart, as in API Management.
func (d *decoder) apiPath(v value, a *API) {
	a.HasPath = true
	path := d.matching(v, apiPathPattern, `write "/", or a path without a slash at its ends, such as orders/v1`)
	if path == "" {
		return
	}
	if hasDotSegment(path) {
		d.fault(v.at, "write the path that is meant", `%s is %s, which has a "." or ".." segment`, v.what, quote(path))
		return
	}
	a.Path = strings.Trim(path, "/")
	folded := strings.ToLower(a.Path)
	first, below, _ := strings.Cut(folded, "/")
	second, _, _ := strings.Cut(below, "/")
	switch other, taken := d.paths[folded]; {
	case taken:
		d.fault(v.at, "give one of them another path", "%s is %s, which is the path of api %s", v.what, quote(path), quote(other))
	case slices.Contains(reservedPaths, first):
		d.fault(v.at, "choose another path", "%s is %s, which is reserved for %s", v.what, quote(path), reserved[first])
	case second == "mcp" && slices.Contains(d.declared["server"], first):
		d.fault(v.at, "choose another path", "%s is %s, where clients reach server %s", v.what, quote(path), quote(first))
	default:
		d.paths[folded] = a.Name
	}
}

// checkDocuments checks that every server over an API has a document to make
// tools of.
func (d *decoder) checkDocuments(c *Config) {
	for _, s := range c.Servers {
		if s.API == nil {
			continue
		}
		// An API whose "openapi" has a fault has no path either, but its operations
		// have no templates.
		declared := func(a API) bool {
			return a.Name == s.API.API && slices.ContainsFunc(a.Operations, func(o Operation) bool { return o.URLTemplate != "" })
		}
		if slices.ContainsFunc(c.APIs, declared) {
			d.fault(s.At, `give the API "openapi": tools are made from its document`,
				"server %s is over api %s, which has no OpenAPI document", quote(s.Name), quote(s.API.API))
		}
	}
}

// urlTemplate returns a URL template as API Management has them.
func (d *decoder) urlTemplate(v value) string {
	s := d.str(v)
	if s == "" {
		return ""
	}
	if message, fix := checkTemplate(s); message != "" {
		d.fault(v.at, fix, "%s is %s, %s", v.what, quote(s), message)
		return ""
	}
	return s
}

var (
	// templateParameter is {name} or {*name}.
	templateParameter = pattern.Lazy(`\{\*?([^{}/?&=*#\s]+)\}`)
	// behindRest is a path that goes on behind {*name}.
	behindRest = pattern.Lazy(`\{\*[^{}]+\}.`)
	// templateQuery is one parameter of the query of a template.
	templateQuery = pattern.Lazy(`^[^{}=&]+=(\{[^{}*]+\}|[^{}&=]*)$`)
)

// checkTemplate returns what is wrong with a URL template; an empty message for
// nothing.
func checkTemplate(template string) (message, fix string) {
	path, query, hasQuery := strings.Cut(template, "?")
	switch {
	case !strings.HasPrefix(template, "/"):
		return "which does not begin with a slash", "write it as in /orders/{id}"
	case strings.ContainsAny(template, "#\\ \t\r\n"):
		return `which has a blank, "#" or "\"`, "write it as in /orders/{id}?expand={expand}"
	case strings.ContainsAny(templateParameter().ReplaceAllString(path, ""), "{}"):
		return "whose braces hold no name", "write {name}, or {*name} for the rest of the path"
	case strings.Contains(templateParameter().ReplaceAllString(path, ""), "*"):
		return `which has a "*" outside braces`, "write {*name} for the rest of the path"
	case behindRest().MatchString(path):
		return "which goes on behind {*name}", "let {*name} stand last in the path"
	case hasDotSegment(path):
		return `which has a "." or ".." segment`, "write the path that is meant"
	}
	for parameter := range strings.SplitSeq(query, "&") {
		if hasQuery && !templateQuery().MatchString(parameter) {
			return "whose query has " + quote(parameter), "write ?name={name}, and more of them behind &"
		}
	}
	seen := map[string]bool{}
	for _, m := range templateParameter().FindAllStringSubmatch(template, -1) {
		if seen[strings.ToLower(m[1])] {
			return fmt.Sprintf("which has {%s} twice", m[1]), "give one of them another name"
		}
		seen[strings.ToLower(m[1])] = true
	}
	return "", ""
}

// checkTemplates checks that no two operations of an API answer the same
// requests.
func (d *decoder) checkTemplates(a *API) {
	first := map[string]string{}
	for _, o := range a.Operations {
		if o.Method == "" || o.URLTemplate == "" {
			continue // has a fault already
		}
		same := o.Method + " " + strings.ToLower(templateParameter().ReplaceAllStringFunc(o.URLTemplate, func(p string) string {
			if strings.HasPrefix(p, "{*") {
				return "{*}"
			}
			return "{}"
		}))
		if other, taken := first[same]; taken {
			d.fault(o.At, `change its "method" or its "urlTemplate"`, "operation %s of api %s answers the same requests as %s",
				quote(o.Name), quote(a.Name), quote(other))
			continue
		}
		first[same] = o.Name
	}
}

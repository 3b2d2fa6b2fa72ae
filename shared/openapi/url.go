package openapi

import (
	"net/url"
	"strings"
)

// URL joins a request of the operation with the URL of a backend, for example
// https://api.contoso.com/v1, and proves what came of it: scheme, authority and
// path prefix are the backend's, the rest of the path is an expansion of the
// operation's template, and nothing leads out of it. A query of base comes
// first in the query; it is a place for what the backend wants with every call.
//
// The error is a [*BindingError]: r was not made by [Binding.Bind] of this
// operation, or base is not an absolute http or https URL without userinfo and
// fragment.
func (b *Binding) URL(base *url.URL, r *Request) (*url.URL, error) {
	if fault := baseFault(base); fault != "" {
		return nil, b.urlFault("the backend's URL " + fault)
	}
	prefix := strings.TrimSuffix(base.EscapedPath(), "/")
	query := joinQuery(base.RawQuery, r.RawQuery)
	address := base.Scheme + "://" + base.Host + prefix + r.Path
	if query != "" {
		address += "?" + query
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, b.urlFault("the request's URL cannot be parsed")
	}
	switch rest, ok := strings.CutPrefix(u.EscapedPath(), prefix); {
	case u.Scheme != base.Scheme || u.Host != base.Host || u.User != nil || u.Opaque != "":
		return nil, b.urlFault("the request's URL leads to another origin")
	case !ok || rest != r.Path || !b.pathMatches(rest):
		return nil, b.urlFault("the request's path is not one of " + b.Path)
	case u.Fragment != "" || u.RawQuery != query || !isQuery(query):
		return nil, b.urlFault("the request's query has characters that must be escaped")
	}
	return u, nil
}

// baseFault says what is wrong with a backend's URL, or nothing.
func baseFault(base *url.URL) string {
	switch {
	case base == nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" || base.Opaque != "":
		return "is not an absolute http or https URL"
	case base.User != nil:
		return "must not have userinfo"
	case base.Fragment != "" || base.RawFragment != "":
		return "must not have a fragment"
	case !isEscapedPath(base.EscapedPath()):
		return "has a path with characters that must be escaped"
	}
	return ""
}

func (b *Binding) urlFault(message string) error {
	return &BindingError{Operation: b.Operation, Message: message}
}

func joinQuery(first, second string) string {
	if first == "" || second == "" {
		return first + second
	}
	return first + "&" + second
}

// isQuery reports whether a query string has only characters that may stand in
// one; brackets and other characters that browsers leave are let through.
func isQuery(query string) bool {
	for i := range len(query) {
		if c := query[i]; c <= ' ' || c >= 0x7f || c == '#' {
			return false
		}
	}
	return true
}

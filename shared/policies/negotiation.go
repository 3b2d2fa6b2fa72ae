package policies

import (
	"net/http"
	"strconv"
	"strings"
)

// prefers tells whether the header Accept of a request asks for a format, json
// or xml, at least as much as for the other one. Without the header, or with
// */*, the client takes either.
func prefers(h http.Header, format, other string) bool {
	lines := h["Accept"]
	if len(lines) == 0 {
		return true
	}
	accept := strings.Join(lines, ",")
	q := quality(accept, format)
	return q > 0 && q >= quality(accept, other)
}

// quality is how much an Accept wants a format, from 0 to 1: the most of the
// ranges that name it, or else of those that include it (RFC 9110, section
// 12.5.1).
func quality(accept, format string) float64 {
	named, included := -1.0, 0.0
	for item := range strings.SplitSeq(accept, ",") {
		kind, parameters, _ := strings.Cut(item, ";")
		q := weight(parameters)
		kind = strings.ToLower(strings.TrimSpace(kind))
		switch {
		case isMediaType(kind, format):
			named = max(named, q)
		case kind == "*/*", kind == "application/*", kind == "text/*" && format == "xml":
			included = max(included, q)
		}
	}
	if named >= 0 {
		return named
	}
	return included
}

// weight is the parameter q, 1 without it.
func weight(parameters string) float64 {
	for p := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		if q, err := strconv.ParseFloat(strings.TrimSpace(value), 64); err == nil && q >= 0 && q <= 1 {
			return q
		}
		return 0
	}
	return 1
}

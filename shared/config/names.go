package config

import (
	"slices"
	"strings"
)

// ReservedServer tells of names that no server can have, because others answer
// there.
func ReservedServer(name string) bool { return reserved[name] != "" }

// ReservedAPIPath tells of paths that no API can have, because others answer
// there.
func ReservedAPIPath(path string) bool {
	first, _, _ := strings.Cut(strings.ToLower(strings.Trim(path, "/")), "/")
	return slices.Contains(reservedPaths, first)
}

// CredentialHeader tells whether a header can be a credential of a backend: one
// that HTTP allows, and that the gateway does not set itself.
func CredentialHeader(name string) bool {
	return token().MatchString(name) && !strings.HasPrefix(strings.ToLower(name), "mcp-") &&
		!slices.ContainsFunc(ownHeaders, func(own string) bool { return strings.EqualFold(own, name) })
}

// KeyHeader tells whether a header can be the one that has a subscription key.
func KeyHeader(name string) bool { return token().MatchString(name) && !ownHeader(name) }

// AuthorizationScheme tells whether a text can be an authentication scheme (RFC
// 9110, section 11.1).
func AuthorizationScheme(text string) bool { return token().MatchString(text) }

// FieldValue tells whether a text can be the value of a header field (RFC 9110,
// section 5.5).
func FieldValue(text string) bool { return !strings.ContainsFunc(text, isControl) }

// ValidOperation tells whether a text can name an operation: an operationId, or
// "METHOD /path".
func ValidOperation(text string) bool {
	before, path, ok := strings.Cut(text, " ")
	return !ok || !strings.HasPrefix(path, "/") || method().MatchString(before)
}

// ValidURLTemplate tells whether a text can be the URL template of an operation.
func ValidURLTemplate(text string) bool {
	message, _ := checkTemplate(text)
	return message == ""
}

// ValidURL tells whether a text can be the URL of a backend, or with a query that
// of an MCP server.
func ValidURL(text string, query bool) bool {
	_, message, _ := parseURL(text, query)
	return message == ""
}

package openapi

import (
	"slices"
	"strings"
)

// mediaType returns the type and subtype of a Content-Type in lower case,
// without parameters.
func mediaType(contentType string) string {
	essence, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(essence))
}

// isJSONType reports whether a media type is one JSON value.
func isJSONType(essence string) bool {
	return essence == "application/json" || essence == "text/json" || strings.HasSuffix(essence, "+json")
}

func isFormType(essence string) bool { return essence == "application/x-www-form-urlencoded" }

// textTypes are media types outside text/ that are text.
var textTypes = []string{
	"application/ecmascript", "application/graphql", "application/javascript",
	"application/json-seq", "application/jsonl", "application/jsonlines",
	"application/ndjson", "application/sql", "application/toml",
	"application/x-javascript", "application/x-jsonlines",
	"application/x-ndjson", "application/x-sh", "application/x-www-form-urlencoded",
	"application/x-yaml", "application/xml", "application/xml-dtd", "application/yaml",
}

// isTextType reports whether content of a media type can be shown as text.
func isTextType(essence string) bool {
	return strings.HasPrefix(essence, "text/") || isJSONType(essence) || isXMLType(essence) ||
		strings.HasSuffix(essence, "+yaml") || slices.Contains(textTypes, essence)
}

func isXMLType(essence string) bool {
	return essence == "application/xml" || essence == "text/xml" || strings.HasSuffix(essence, "+xml")
}

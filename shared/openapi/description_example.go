package openapi

import (
	"slices"
	"strconv"
	"strings"
)

// Response is the response for a status: that of the status itself, of its
// range, or the default. It is nil when there is none.
func (d *Description) Response(status int) *ResponseDescription {
	for _, name := range []string{strconv.Itoa(status), strconv.Itoa(status/100) + "XX", "default"} {
		if i := slices.IndexFunc(d.Responses, func(r ResponseDescription) bool { return r.Status == name }); i >= 0 {
			return &d.Responses[i]
		}
	}
	return nil
}

// Example is an example of a response, by its index from 0. A content type of ""
// stands for the first that has examples; the one that the example is of is
// returned. ok is false when there is no such example.
func (d *Description) Example(status int, contentType string, index int) (found, body string, ok bool) {
	r := d.Response(status)
	if r == nil {
		return "", "", false
	}
	content := r.exampleOf(contentType)
	if content == nil || index < 0 || index >= len(content.Examples) {
		return "", "", false
	}
	switch {
	case contentType != "":
		found = contentType
	case strings.Contains(content.Type, "*"):
		found = "application/json" // as which examples of a range are written
	default:
		found = content.Type
	}
	return found, content.Examples[index], true
}

// exampleOf is the content with examples of a type; nil for none.
func (r *ResponseDescription) exampleOf(contentType string) *ContentDescription {
	essence := mediaType(contentType)
	group, _, _ := strings.Cut(essence, "/")
	ranges := []string{essence}
	if isJSONType(essence) {
		ranges = append(ranges, group+"/*", "*/*")
	}
	for _, name := range ranges {
		for i := range r.Content {
			if c := &r.Content[i]; len(c.Examples) > 0 && (essence == "" || c.Type == name) {
				return c
			}
		}
	}
	return nil
}

package profile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// maxShort is how long a value may be, in bytes, that is put into words.
const maxShort = 160

// sentences put keywords into words; the others are written as they are.
var sentences = map[string]string{
	"exclusiveMinimum": "More than %s.",
	"exclusiveMaximum": "Less than %s.",
	"minimum":          "At least %s.",
	"maximum":          "At most %s.",
	"multipleOf":       "A multiple of %s.",
	"minLength":        "At least %s characters.",
	"maxLength":        "At most %s characters.",
	"minItems":         "At least %s items.",
	"maxItems":         "At most %s items.",
	"minProperties":    "At least %s members.",
	"maxProperties":    "At most %s members.",
	"const":            "Always %s.",
	"default":          "Default: %s.",
	"format":           "Format: %s.",
	"pattern":          "Pattern: %s",
	"contentEncoding":  "Encoding: %s.",
	"contentMediaType": "Content: %s.",
	"enum":             "One of %s.",
	"examples":         "For example %s.",
	"example":          "For example %s.",
	"not":              "Not: %s",
}

// annotations say nothing that a model needs, or nothing of the value.
var annotations = []string{
	"$schema", "$id", "$anchor", "$dynamicAnchor", "$comment", "$defs", "definitions", "$vocabulary", "readOnly", "writeOnly", "xml", "externalDocs", "discriminator",
}

// DroppableKeywords are those that a profile of a configuration can have left out.
var DroppableKeywords = []string{
	"$comment", "$id", "$schema", "additionalProperties", "const", "contains", "contentEncoding", "contentMediaType", "default", "dependentRequired", "dependentSchemas",
	"deprecated", "enum", "example", "examples", "exclusiveMaximum", "exclusiveMinimum", "format", "if", "then", "else", "maxContains", "maxItems", "maxLength",
	"maxProperties", "maximum", "minContains", "minItems", "minLength", "minProperties", "minimum", "multipleOf", "not", "pattern", "patternProperties",
	"propertyNames", "readOnly", "title", "unevaluatedItems", "unevaluatedProperties", "uniqueItems", "writeOnly",
}

// wordsFor says in words what a keyword says; empty where that is nothing, or too much.
func wordsFor(keyword string, value any) string {
	if slices.Contains(annotations, keyword) || strings.HasPrefix(keyword, "x-") || keyword == "title" {
		return ""
	}
	written := string(appendValue(nil, value))
	if isText(value) {
		written = text(value)
	}
	if list, ok := value.([]any); ok && (keyword == "enum" || keyword == "examples") {
		parts := make([]string, len(list))
		for i, item := range list {
			parts[i] = string(appendValue(nil, item))
		}
		written = strings.Join(parts, ", ")
	}
	if len(written) > maxShort || strings.ContainsAny(written, "\n\r") {
		return ""
	}
	switch keyword {
	case "additionalProperties", "unevaluatedProperties":
		if _, isSchema := value.(*object); !isSchema || written == "{}" {
			return ""
		}
		return "Other names may be given, with values by: " + written
	case "deprecated", "uniqueItems":
		if written != "true" {
			return ""
		}
		return map[string]string{"deprecated": "Deprecated.", "uniqueItems": "No item twice."}[keyword]
	}
	if sentence := sentences[keyword]; sentence != "" {
		return fmt.Sprintf(sentence, written)
	}
	return keyword + ": " + written
}

// maxSaid bounds what descriptions of arguments become, in bytes.
const maxSaid = 2000

// say adds words to the description of a schema, once.
func (o *object) say(words string) {
	before, _ := o.text("description")
	if words == "" || strings.Contains(before, words) || len(before)+len(words) > max(maxSaid, len(before)) {
		return
	}
	if before != "" {
		before += " "
	} else if i := o.index("anyOf"); i >= 0 && !o.has("description") { // where it is read first
		o.members = slices.Insert(o.members, i, member{name: "description"})
	}
	o.set("description", quoted(before+words))
}

// leave takes a keyword out of a schema, and puts it into words.
func (a *adaptation) leave(s *object, keyword string) {
	value := s.take(keyword)
	if value == nil {
		return
	}
	a.dropped(keyword)
	s.say(wordsFor(keyword, value))
}

// Keywords whose values are schemas, or have schemas as their members or items.
var (
	schemaKeywords = []string{
		"items", "not", "if", "then", "else", "additionalProperties", "contains", "propertyNames", "unevaluatedItems", "unevaluatedProperties", "contentSchema",
	}
	schemaMaps  = []string{"properties", "$defs", "definitions", "patternProperties", "dependentSchemas"}
	schemaLists = []string{"oneOf", "anyOf", "allOf", "prefixItems"}
)

// prune takes the keywords out of a schema and of those in it that the client does not
// take, and gives arrays a schema of their items. It changes the schema, which is no
// part of the original.
func (a *adaptation) prune(s *object, depth int) *object {
	if depth == 0 {
		s = a.copy(s)
	}
	for _, m := range slices.Clone(s.members) {
		if slices.Contains(a.profile.Drop, m.name) && Droppable(m.name) {
			a.leave(s, m.name)
			continue
		}
		for _, part := range parts(m) {
			a.prune(part, depth+1)
		}
	}
	if a.profile.ItemsNeeded && isArray(s) && !s.has("items") {
		s.set("items", &object{})
		a.dropped("items, which were not described")
	}
	return s
}

// parts are the schemas that the value of a keyword holds.
func parts(m member) []*object {
	var list []any
	switch {
	case slices.Contains(schemaKeywords, m.name):
		list = []any{m.value}
	case slices.Contains(schemaMaps, m.name):
		if of, ok := m.value.(*object); ok {
			for _, one := range of.members {
				list = append(list, one.value)
			}
		}
	case slices.Contains(schemaLists, m.name):
		list, _ = m.value.([]any)
	}
	var found []*object
	for _, item := range list {
		if of, ok := item.(*object); ok {
			found = append(found, of)
		}
	}
	return found
}

func isArray(s *object) bool {
	return slices.Contains(types(s), "array")
}

// types are the types that a schema names; nil: it names none.
func types(s *object) []string {
	if name, ok := s.text("type"); ok {
		return []string{name}
	}
	return s.names("type")
}

// number tells whether a value is a JSON number.
func number(value any) bool {
	v, ok := value.(jsontext.Value)
	return ok && v.Kind() == '0'
}

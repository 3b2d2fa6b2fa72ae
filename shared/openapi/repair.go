package openapi

import (
	"slices"
	"strings"
)

// schemaTypes are the types of JSON Schema.
var schemaTypes = []string{"string", "number", "integer", "boolean", "object", "array", "null"}

// strayTypes are names that documents use for types, though JSON Schema does
// not know them.
var strayTypes = map[string]string{
	"int": "integer", "int32": "integer", "int64": "integer", "long": "integer", "short": "integer",
	"float": "number", "double": "number", "decimal": "number", "bool": "boolean",
	"str": "string", "text": "string", "date": "string", "date-time": "string", "datetime": "string",
	"uuid": "string", "uri": "string", "email": "string", "password": "string", "byte": "string", "char": "string",
	"list": "array", "dict": "object", "map": "object", "hash": "object",
}

// readType reads a type or a list of them. The type "file" of OpenAPI 2.0 is a
// string that is bytes.
func (s *schemaReader) readType(_ string, value *node) {
	var types []string
	anything := false
	for _, t := range typeNodes(value) {
		name := t.text
		if t.kind == nullNode {
			name = "null"
		}
		switch {
		case slices.Contains(schemaTypes, name):
		case name == "any":
			anything = true
			continue
		case name == "file":
			s.out.set("format", newString("binary"))
			name = "string"
		case strayTypes[name] != "":
			s.lose(s.out, value, "type %q is taken as %s", name, strayTypes[name])
			name = strayTypes[name]
		default:
			s.drop("type "+name, value, "it is not a type of JSON Schema")
			anything = true
			continue
		}
		if !slices.Contains(types, name) {
			types = append(types, name)
		}
	}
	if !anything {
		s.setTypes(types)
	}
}

// typeNodes are the nodes that name types: value or its items.
func typeNodes(value *node) (types []*node) {
	if value.kind != arrayNode {
		return []*node{value}
	}
	for _, m := range value.members {
		types = append(types, m.value)
	}
	return types
}

// setTypes writes one type as a string and several as a list.
func (s *schemaReader) setTypes(types []string) {
	switch len(types) {
	case 0:
		s.out.remove("type")
	case 1:
		s.out.set("type", newString(types[0]))
	default:
		s.out.set("type", newStrings(types))
	}
}

// typesOf are the types that a normalized schema names itself.
func typesOf(n *node) (types []string) {
	value := n.get("type")
	switch {
	case value.is(stringNode):
		return []string{value.text}
	case value.is(arrayNode):
		for _, m := range value.members {
			types = append(types, m.value.text)
		}
	}
	return types
}

// readEnum keeps each value once.
func (s *schemaReader) readEnum(name string, value *node) {
	if value.kind != arrayNode || len(value.members) == 0 {
		s.drop(name, value, "it is not a list of values")
		return
	}
	if !quotable(value) {
		s.drop(name, value, "it is too large")
		return
	}
	values := &node{kind: arrayNode, members: make([]member, 0, len(value.members))}
	seen := make(map[string]bool, len(value.members))
	for _, m := range value.members {
		key := string(rune('0'+m.value.kind)) + m.value.text
		if m.value.kind < arrayNode && seen[key] {
			continue
		}
		seen[key] = true
		values.members = append(values.members, m)
	}
	s.out.set(name, values)
}

// readFormat keeps the format; what it says about bytes is said in the words of
// 2020-12 as well.
func (s *schemaReader) readFormat(name string, value *node) {
	if value.kind != stringNode || visible(value.text) != value.text || len(value.text) > 100 {
		s.drop(name, value, "it is not the name of a format")
		return
	}
	s.out.set(name, value)
	if value.text == "byte" && s.in.get("contentEncoding") == nil {
		s.out.set("contentEncoding", newString("base64"))
	}
}

// maxExamples is how many examples of a schema are shown.
const maxExamples = 3

// exampleBytes bounds one example; a longer one teaches less than it costs.
const exampleBytes = 1024

func (s *schemaReader) readExample(_ string, value *node) {
	if s.in.get("examples") == nil {
		s.addExamples([]member{{value: value}})
	}
}

func (s *schemaReader) readExamples(_ string, value *node) {
	if value.kind == arrayNode {
		s.addExamples(value.members)
	}
}

// addExamples keeps the first few examples that are not too long.
func (s *schemaReader) addExamples(values []member) {
	if kept := someExamples(values); kept != nil {
		s.out.set("examples", kept)
	}
}

// someExamples is a list of the first few values that are not too long; nil
// when there is none.
func someExamples(values []member) *node {
	kept := &node{kind: arrayNode}
	for _, m := range values {
		if len(kept.members) == maxExamples {
			break
		}
		_, short := valueOf(m.value, exampleBytes)
		if short && m.value.kind != nullNode && modestNumbers(m.value) && readable(m.value) {
			kept.add("", m.value)
		}
	}
	if len(kept.members) == 0 {
		return nil
	}
	return kept
}

// readable tells whether a value has no text that people would not see.
func readable(value *node) bool {
	if value.kind == stringNode && visible(value.text) != strings.ReplaceAll(value.text, "\r", "") {
		return false
	}
	for _, m := range value.members {
		if visible(m.name) != m.name || !readable(m.value) {
			return false
		}
	}
	return true
}

// readDiscriminator says in the description what the keyword, which JSON Schema
// does not have, says about the variants.
func (s *schemaReader) readDiscriminator(_ string, value *node) {
	property := value.str("propertyName")
	if value.kind == stringNode { // OpenAPI 2.0
		property = value.text
	}
	if property == "" {
		return
	}
	text := "The property " + inOneLine(plainText(property)) + " selects the variant"
	var pairs []string
	for _, m := range value.object("mapping") {
		if m.value.kind == stringNode {
			pairs = append(pairs, inOneLine(plainText(m.name))+" = "+definitionName(m.value.text))
		}
	}
	if len(pairs) == 0 {
		for _, keyword := range []string{"oneOf", "anyOf"} {
			for _, m := range s.in.items(keyword) {
				if ref := m.value.str("$ref"); ref != "" {
					pairs = append(pairs, definitionName(ref))
				}
			}
		}
	}
	if len(pairs) > 0 {
		text += ": " + strings.Join(pairs, ", ")
	}
	s.remarks = append(s.remarks, text+".")
	if s.direction == request && s.in.get("oneOf") == nil && s.in.get("anyOf") == nil && len(s.document.extending(s.in)) > 0 {
		s.lose(s.out, s.in, "the properties of the variants that %s selects are not described", property)
		if s.in.get("additionalProperties") == nil {
			s.out.set("additionalProperties", newBool(true))
		}
	}
}

// finishDescription ends the description with the remarks.
func (s *schemaReader) finishDescription() {
	if len(s.remarks) == 0 {
		return
	}
	text := shorten(strings.Join(s.remarks, "\n"), descriptionLimit)
	if description := plainText(s.in.str("description")); description != "" {
		text = shorten(description, max(descriptionLimit/2, descriptionLimit-len(text)-1)) + "\n" + text
	}
	s.out.set("description", newString(text))
}

// extending are the named schemas that extend base by allOf.
func (d *Document) extending(base *node) []*node {
	if d.subtypes == nil {
		d.subtypes = make(map[*node][]*node)
		schemas := d.root.object("definitions")
		if d.Dialect != "2.0" {
			schemas = d.root.get("components").object("schemas")
		}
		for _, m := range schemas {
			for _, part := range m.value.items("allOf") {
				if target, fault := d.follow(part.value); fault == nil && target != part.value {
					d.subtypes[target] = append(d.subtypes[target], m.value)
				}
			}
		}
	}
	return d.subtypes[base]
}

// readHeader keeps x-mcp-header in requests; whether it may stay is decided
// where the whole input schema is known, see headerChecker.
func (s *schemaReader) readHeader(name string, value *node) {
	if s.direction == request {
		s.out.set(name, value)
	}
}

// readDynamic takes a dynamic reference for a plain one, which is the same in
// schemas that nobody extends.
func (s *schemaReader) readDynamic(name string, value *node) {
	if value.kind != stringNode || s.out.get("$ref") != nil {
		s.drop(name, value, "it is not a reference")
		return
	}
	target, base, fault := s.resolve(s.in, value)
	if fault != nil {
		s.refuse(s.out, fault)
		return
	}
	s.lose(s.out, value, "%s is taken as $ref", name)
	s.out.add("$ref", &node{kind: referenceNode, definition: s.define(target, base)})
}

// readDialect accepts schemas of other drafts, which this reader understands as
// far as OpenAPI goes, and says so of those it does not know.
func (s *schemaReader) readDialect(_ string, value *node) {
	if !knownDialect(value.text) {
		s.lose(s.out, value, "the schema dialect %q is taken as JSON Schema 2020-12", value.text)
	}
}

// knownDialect tells whether a dialect is a draft of JSON Schema or OpenAPI's.
func knownDialect(address string) bool {
	return strings.Contains(address, "json-schema.org/draft") || strings.Contains(address, "spec.openapis.org/oas/")
}

package openapi

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// finish settles what several keywords say together.
func (s *schemaReader) finish() {
	s.finishDescription()
	s.finishBounds()
	s.finishRequired()
	if types := typesOf(s.out); len(types) > 0 && !slices.Contains(types, "array") {
		s.out.remove("uniqueItems") // which says nothing about other types
	}
	s.finishEnum()
	s.finishAllOf()
	if s.in.flag("nullable") || s.in.flag("x-nullable") {
		s.finishNullable()
	}
}

// finishBounds makes the bounds exclusive that a boolean says are.
func (s *schemaReader) finishBounds() {
	for _, pair := range [][2]string{{"exclusiveMinimum", "minimum"}, {"exclusiveMaximum", "maximum"}} {
		if !s.in.flag(pair[0]) {
			continue
		}
		for i := range s.out.members {
			if s.out.members[i].name == pair[1] {
				s.out.members[i].name = pair[0]
			}
		}
	}
}

// finishRequired takes the properties out of required that were omitted, and
// adds those that demand it themselves.
func (s *schemaReader) finishRequired() {
	names, _ := stringList(s.out.get("required"))
	names = slices.DeleteFunc(names, func(name string) bool { return slices.Contains(s.omitted, name) })
	for _, name := range s.demanded {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		s.out.remove("required")
		return
	}
	s.out.set("required", newStrings(names))
}

// finishEnum mends the values of an enum that its type does not allow: numbers
// and booleans of a string, which YAML makes of unquoted text, and quoted
// numbers and booleans.
func (s *schemaReader) finishEnum() {
	values, types := s.out.get("enum"), typesOf(s.out)
	if values == nil || len(types) == 0 {
		return
	}
	mended := &node{kind: arrayNode, members: make([]member, 0, len(values.members))}
	changed := false
	for _, m := range values.members {
		value := m.value
		if !allowsKind(types, value) {
			if value = asType(value, types); value == nil {
				value = m.value
			} else {
				changed = true
			}
		}
		mended.add("", value)
	}
	if changed {
		s.lose(s.out, values, "values of enum are taken as type %s, which they are not", strings.Join(types, " or "))
		s.out.set("enum", mended)
	}
}

// allowsKind tells whether a value is of one of the types.
func allowsKind(types []string, value *node) bool {
	switch value.kind {
	case nullNode:
		return slices.Contains(types, "null")
	case boolNode:
		return slices.Contains(types, "boolean")
	case numberNode:
		return slices.Contains(types, "number") || slices.Contains(types, "integer")
	case stringNode:
		return slices.Contains(types, "string")
	case arrayNode:
		return slices.Contains(types, "array")
	default:
		return slices.Contains(types, "object")
	}
}

// asType is a scalar as a value of one of the types; nil when it cannot be one.
func asType(value *node, types []string) *node {
	switch value.kind {
	case boolNode, numberNode:
		if slices.Contains(types, "string") {
			return newString(value.text)
		}
	case stringNode:
		for _, kind := range []nodeKind{numberNode, boolNode} {
			v := jsontext.Value(value.text)
			candidate := &node{kind: kind, text: value.text}
			ofKind := v.Kind() == '0' && kind == numberNode || (v.Kind() == 't' || v.Kind() == 'f') && kind == boolNode
			if ofKind && v.IsValid() && allowsKind(types, candidate) {
				return candidate
			}
		}
	}
	return nil
}

// finishAllOf replaces an allOf that holds one reference by that reference:
// both mean the same, and documents before 3.1 had no other way to describe
// what a property refers to.
func (s *schemaReader) finishAllOf() {
	all := s.out.get("allOf")
	if all == nil || len(all.members) != 1 || s.out.get("$ref") != nil {
		return
	}
	part := all.members[0].value
	if ref := part.get("$ref"); ref != nil && len(part.members) == 1 {
		for i := range s.out.members {
			if s.out.members[i].name == "allOf" {
				s.out.members[i] = member{"$ref", ref}
			}
		}
	}
}

// finishNullable lets null be a value.
func (s *schemaReader) finishNullable() {
	null := &node{kind: nullNode}
	if values := s.out.get("enum"); values != nil {
		if !slices.ContainsFunc(values.members, func(m member) bool { return m.value.kind == nullNode }) {
			s.out.set("enum", newArray(append(nodesOf(values), null)...))
		}
	}
	if types := typesOf(s.out); len(types) > 0 {
		if !slices.Contains(types, "null") {
			s.setTypes(append(types, "null"))
		}
		if s.out.get("$ref") == nil && s.out.get("allOf") == nil && s.out.get("oneOf") == nil && s.out.get("anyOf") == nil {
			return
		}
	}
	s.orNull()
}

// orNull makes s.out a choice between what it says and null, where it says that
// by reference or composition. Annotations stay outside.
func (s *schemaReader) orNull() {
	if s.addNullChoice() {
		return
	}
	composed := false
	inner, outer := &node{kind: objectNode}, &node{kind: objectNode}
	for _, m := range s.out.members {
		switch m.name {
		case "title", "description", "default", "examples", "deprecated", "x-mcp-header":
			outer.members = append(outer.members, m)
			continue
		case "$ref", "allOf", "oneOf", "anyOf", "const", "not":
			composed = true
		}
		inner.members = append(inner.members, m)
	}
	if !composed {
		return
	}
	// Notes of inner were made on s.out, which holds it.
	outer.add("anyOf", newArray(inner, typed("null")))
	s.out.members = outer.members
}

// addNullChoice adds null to the alternatives where s.out is nothing but these
// and none of them may be null already.
func (s *schemaReader) addNullChoice() bool {
	var choice string
	for _, m := range s.out.members {
		switch m.name {
		case "title", "description", "default", "examples", "deprecated", "x-mcp-header":
		case "oneOf", "anyOf":
			if choice != "" {
				return false
			}
			choice = m.name
		default:
			return false
		}
	}
	if choice == "" {
		return false
	}
	choices := s.out.get(choice)
	for _, m := range choices.members {
		if types := typesOf(m.value); len(types) == 0 || slices.Contains(types, "null") {
			return false
		}
	}
	s.out.set(choice, newArray(append(nodesOf(choices), typed("null"))...))
	return true
}

// nodesOf are the items of an array.
func nodesOf(array *node) []*node {
	values := make([]*node, 0, len(array.members))
	for _, m := range array.members {
		values = append(values, m.value)
	}
	return values
}

// typed is a schema that names a type and nothing else.
func typed(name string) *node {
	n := &node{kind: objectNode}
	n.add("type", newString(name))
	return n
}

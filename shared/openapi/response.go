package openapi

import (
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// success is a response of the operation that is one.
type success struct {
	code string
	// types are the content types it may have, with their schemas.
	types []responseType
}

type responseType struct {
	contentType string
	schema      *node // nil for none
}

// readResponses sets what the tool asks for and makes of the response, and
// gives its output schema, nil for none.
func (c *conversion) readResponses() jsontext.Value {
	successes := c.successes()
	c.binding.Accept = accept(successes)
	if c.options.Output == OutputNone || c.operation.Method == http.MethodHead {
		return nil
	}
	schema := c.responseSchema(successes)
	if schema == nil {
		return nil
	}
	outputs := c.document.outputs
	normal := outputs.schema(schema)
	if c.options.Output == OutputExact {
		c.addNotes(outputs, normal)
		return c.exactOutput(normal)
	}
	return c.permissiveOutput(normal)
}

// successes are the responses with a status of 2xx; without any, the default.
func (c *conversion) successes() (all []success) {
	var fallback *node
	for _, m := range c.operation.node.object("responses") {
		code := strings.ToUpper(m.name)
		switch {
		case code == "DEFAULT":
			fallback = m.value
		case len(code) == 3 && code[0] == '2':
			all = append(all, c.success(code, m.value))
		}
	}
	if len(all) == 0 && fallback != nil {
		all = append(all, c.success("default", fallback))
	}
	return all
}

func (c *conversion) success(code string, use *node) success {
	s := success{code: code}
	response, fault := c.document.follow(use)
	if fault != nil {
		c.lose("the response %s is not described: %s", code, fault)
		return s
	}
	if c.document.Dialect == "2.0" {
		return c.success2(s, response)
	}
	for _, m := range response.object("content") {
		media, fault := c.document.follow(m.value)
		if fault != nil {
			c.lose("the response %s is not described: %s", code, fault)
			continue
		}
		s.types = append(s.types, responseType{m.name, media.get("schema")})
	}
	return s
}

// success2 reads a response of OpenAPI 2.0: one schema in all that the operation
// produces.
func (c *conversion) success2(s success, response *node) success {
	schema := response.get("schema")
	if schema == nil {
		return s
	}
	types := c.mediaTypes2("produces")
	if len(types) == 0 {
		types = []string{"application/json"}
	}
	for _, contentType := range types {
		s.types = append(s.types, responseType{contentType, schema})
	}
	return s
}

// accept is the Accept header: JSON first, then the other types the document
// names, and in the end anything, for errors and for servers that differ from
// their document.
func accept(successes []success) string {
	var first, rest []string
	for _, s := range successes {
		for _, t := range s.types {
			essence := mediaType(t.contentType)
			kind, subtype, found := strings.Cut(essence, "/")
			switch {
			case !found || !isToken(strings.ReplaceAll(kind, "*", "x")) || !isToken(strings.ReplaceAll(subtype, "*", "x")), essence == "*/*":
			case isJSONType(essence):
				first = append(first, essence)
			default:
				rest = append(rest, essence)
			}
		}
	}
	if len(first) > 0 {
		for i, essence := range rest {
			rest[i] = essence + ";q=0.5"
		}
	} else if len(rest) == 0 {
		first = []string{"application/json"}
	}
	slices.SortStableFunc(first, func(a, b string) int {
		switch {
		case a == b:
			return 0
		case a == "application/json":
			return -1
		case b == "application/json":
			return 1
		}
		return 0
	})
	types := append(append(first, rest...), "*/*;q=0.1")
	seen := make(map[string]bool, len(types))
	types = slices.DeleteFunc(types, func(t string) bool {
		known := seen[t]
		seen[t] = true
		return known
	})
	return strings.Join(types, ", ")
}

// responseSchema is the one schema of all JSON responses; nil when there is
// none, or several, or when an exact output schema could not hold for every
// success.
func (c *conversion) responseSchema(successes []success) *node {
	var schema *node
	for _, s := range successes {
		described := false
		for _, t := range s.types {
			if essence := mediaType(t.contentType); !isJSONType(essence) && essence != "*/*" {
				continue
			}
			if t.schema == nil || schema != nil && !c.document.sameSchema(offer{schema: schema}, offer{schema: t.schema}) {
				return nil
			}
			schema, described = t.schema, true
		}
		if !described && c.options.Output == OutputExact {
			return nil // no content, or content that is not JSON
		}
	}
	return schema
}

// permissiveShare is the part of MaxSchemaBytes that an output schema may take
// which only describes: one in so many.
const permissiveShare = 4

// permissiveKey identifies an output schema that several operations share.
type permissiveKey struct {
	definition *definition
	limit      int
}

// permissiveOutput makes an output schema that every result conforms to.
func (c *conversion) permissiveOutput(normal *node) jsontext.Value {
	limit := c.options.MaxSchemaBytes / permissiveShare
	c.binding.Structured = StructuredWrapped
	if describesObject(normal) {
		c.binding.Structured = StructuredObject
	}
	ref := normal.get("$ref")
	if ref == nil || len(normal.members) > 1 {
		return c.writePermissive(normal, limit)
	}
	key := permissiveKey{ref.definition, limit}
	known := c.document.permissive[key]
	if known == nil {
		known = c.writePermissive(normal, limit)
		c.document.permissive[key] = known
	}
	return known
}

func (c *conversion) writePermissive(normal *node, limit int) jsontext.Value {
	out := typed("object")
	described := permissive(normal)
	if c.binding.Structured == StructuredObject {
		out.members = append(out.members, derefSchema(described).members...)
	} else {
		properties := &node{kind: objectNode}
		properties.add("result", described)
		out.add("properties", properties)
	}
	schema, _, ok := fitSchema(out, limit)
	if !ok {
		schema, _ = renderSchema(typed("object"), maxRendered)
	}
	return schema
}

// exactOutput makes the output schema that the document gives.
func (c *conversion) exactOutput(normal *node) jsontext.Value {
	out := typed("object")
	if describesObject(normal) && !allowsNull(normal) {
		c.binding.Structured = StructuredObject
		for _, m := range derefSchema(normal).members {
			if m.name != "type" {
				out.members = append(out.members, m)
			}
		}
	} else {
		c.binding.Structured = StructuredWrapped
		properties := &node{kind: objectNode}
		properties.add("result", normal)
		out.add("properties", properties)
		out.add("required", newStrings([]string{"result"}))
	}
	schema, trimmed, ok := fitSchema(out, c.options.MaxSchemaBytes)
	switch {
	case !ok:
		c.lose("the output schema exceeds %d bytes and is not published", c.options.MaxSchemaBytes)
		c.binding.Structured = StructuredNone
		return nil
	case trimmed != "":
		c.lose("the output schema exceeds %d bytes: %s", c.options.MaxSchemaBytes, trimmed)
	}
	return schema
}

// describesObject tells whether every value of a normalized schema, apart from
// null, is an object.
func describesObject(schema *node) bool {
	return objectSchemas{}.object(schema)
}

// objectSchemas remembers which schemas were found to describe objects; one that
// is still being looked at does not, so that one which contains itself ends.
type objectSchemas map[*node]bool

func (known objectSchemas) object(schema *node) bool {
	if !schema.is(objectNode) {
		return false
	}
	if is, met := known[schema]; met {
		return is
	}
	known[schema] = false
	known[schema] = known.find(schema)
	return known[schema]
}

func (known objectSchemas) find(schema *node) bool {
	if types := typesOf(schema); len(types) > 0 {
		stray := func(name string) bool { return name != "object" && name != "null" }
		return !slices.ContainsFunc(types, stray) && slices.Contains(types, "object")
	}
	if ref := schema.get("$ref"); ref != nil {
		return known.object(ref.definition.schema)
	}
	for _, part := range schema.items("allOf") {
		if known.object(part.value) {
			return true
		}
	}
	for _, keyword := range []string{"oneOf", "anyOf"} {
		parts := schema.items(keyword)
		if len(parts) == 0 {
			continue
		}
		objects := 0
		for _, part := range parts {
			switch {
			case known.object(part.value):
				objects++
			case !isNullSchema(part.value):
				return false
			}
		}
		return objects > 0
	}
	return schema.get("properties") != nil
}

func isNullSchema(schema *node) bool {
	types := typesOf(schema)
	return len(types) == 1 && types[0] == "null"
}

// allowsNull tells whether null may be a value of a schema that describesObject
// says is about objects.
func allowsNull(schema *node) bool {
	schema = derefSchema(schema)
	if slices.Contains(typesOf(schema), "null") {
		return true
	}
	for _, keyword := range []string{"oneOf", "anyOf"} {
		for _, part := range schema.items(keyword) {
			if isNullSchema(part.value) || slices.Contains(typesOf(derefSchema(part.value)), "null") {
				return true
			}
		}
	}
	return false
}

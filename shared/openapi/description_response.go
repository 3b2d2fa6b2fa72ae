package openapi

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// response describes one response.
func (c *describing) response(status string, use *node) {
	found, fault := c.document.follow(use)
	if fault != nil {
		c.refuse("the response %s is not described: %s", status, fault)
		found = &node{kind: objectNode}
	}
	r := ResponseDescription{Status: status}
	for _, m := range found.object("headers") {
		header, fault := c.document.follow(m.value)
		if fault != nil {
			c.refuse("%s", fault)
			continue
		}
		r.Headers = append(r.Headers, c.parameters(declared{node: header, use: m.value, in: string(InHeader), name: m.name})...)
	}
	if c.document.Dialect == "2.0" {
		r.Content = c.content2(found)
	} else {
		r.Content = c.content(status, found)
	}
	c.out.Responses = append(c.out.Responses, r)
}

func (c *describing) content(status string, found *node) (list []ContentDescription) {
	for _, m := range found.object("content") {
		media, fault := c.document.follow(m.value)
		if fault != nil {
			c.refuse("the response %s is not described: %s", status, fault)
			continue
		}
		list = addContent(list, c.body(mediaType(m.name), media.get("schema"), c.exampleValues(media)))
	}
	return list
}

// content2 are the content types of a response of OpenAPI 2.0: all that the
// operation produces, and those of the examples.
func (c *describing) content2(found *node) (list []ContentDescription) {
	schema, examples := found.get("schema"), found.object("examples")
	var types []string
	if schema != nil {
		if types = c.mediaTypes2("produces"); len(types) == 0 && len(examples) == 0 {
			types = []string{"application/json"}
		}
	}
	for _, m := range examples {
		if strings.Contains(m.name, "/") && !slices.ContainsFunc(types, func(t string) bool { return mediaType(t) == mediaType(m.name) }) {
			types = append(types, m.name)
		}
	}
	for _, name := range types {
		var values []example
		for _, m := range examples {
			if mediaType(m.name) == mediaType(name) {
				values = append(values, example{value: m.value})
			}
		}
		list = addContent(list, c.body(mediaType(name), schema, values))
	}
	return list
}

// body describes a body of a content type. schema is that of the document and
// may be nil.
func (c *describing) body(essence string, schema *node, examples []example) ContentDescription {
	content := ContentDescription{Type: essence}
	normal := c.document.outputs.schema(schema)
	content.Schema = c.contentNumber(c.document.outputs, essence, normal)
	if !c.wanted.Examples {
		return content
	}
	if len(examples) == 0 && schema != nil {
		examples = c.schemaExamples(schema)
	}
	for _, e := range examples {
		if text, ok := e.body(essence); ok && len(content.Examples) < maxBodies {
			content.Examples = append(content.Examples, text)
		}
	}
	if len(content.Examples) == 0 && schema != nil {
		if text, ok := (example{value: sampleOf(normal)}).body(essence); ok {
			content.Examples = []string{text}
		}
	}
	return content
}

// The bounds of the examples of one content type.
const (
	maxBodies = 20
	bodyBytes = 256 << 10
)

// example is a body as a document gives it: as a value, or as it is sent.
type example struct {
	value      *node
	serialized string // counts where value is nil
}

// exampleValues are the examples of a media type object: those with names first,
// for who names examples has more to say.
func (c *describing) exampleValues(media *node) (list []example) {
	for _, m := range media.object("examples") {
		named, fault := c.document.follow(m.value)
		if fault != nil {
			continue // an example more or less
		}
		switch value, data := named.get("value"), named.get("dataValue"); {
		case named.get("serializedValue").is(stringNode):
			list = append(list, example{serialized: named.str("serializedValue")})
		case value != nil:
			list = append(list, example{value: value})
		case data != nil:
			list = append(list, example{value: data})
		}
	}
	if value := media.get("example"); value != nil {
		list = append(list, example{value: value})
	}
	return list
}

// schemaExamples are the examples that a schema of the document gives for its
// values as a whole.
func (c *describing) schemaExamples(schema *node) (list []example) {
	followed, fault := c.document.follow(schema)
	if fault != nil {
		return nil
	}
	for _, m := range followed.items("examples") {
		list = append(list, example{value: m.value})
	}
	if value := followed.get("example"); value != nil {
		list = append(list, example{value: value})
	}
	return list
}

// body is the example as content of that type. ok is false when it cannot be,
// or is too long.
func (e example) body(essence string) (text string, ok bool) {
	switch {
	case e.value == nil:
		return e.serialized, len(e.serialized) <= bodyBytes
	case isJSONType(essence) || strings.Contains(essence, "*"):
		if e.value.kind == stringNode && isJSONText(e.value.text) {
			return e.value.text, len(e.value.text) <= bodyBytes
		}
		value, ok := valueOf(e.value, bodyBytes)
		return string(value), ok && len(value) <= bodyBytes
	case e.value.kind == stringNode:
		return e.value.text, len(e.value.text) <= bodyBytes
	case isTextType(essence) && !isXMLType(essence) && e.value.kind != nullNode:
		value, ok := valueOf(e.value, bodyBytes)
		return string(value), ok && len(value) <= bodyBytes
	}
	return "", false
}

// isJSONText tells whether a text is an object or array already: many documents
// quote their examples.
func isJSONText(text string) bool {
	value := jsontext.Value(strings.TrimSpace(text))
	return (value.Kind() == '{' || value.Kind() == '[') && value.IsValid()
}

package openapi

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Description is what a document says of the messages of an operation, for
// those who compare messages with it or answer in its place.
type Description struct {
	// Parameters are those in path, query and header.
	Parameters []ParameterDescription `json:"parameters,omitzero"`
	// Request are the content types of the body; none where it has no body.
	Request   []ContentDescription  `json:"request,omitzero"`
	Responses []ResponseDescription `json:"responses,omitzero"`
	// Schemas are the schemas of all these, each once and each complete in
	// itself: JSON Schema 2020-12 without titles, descriptions and examples.
	Schemas []jsontext.Value `json:"schemas,omitzero"`
}

// SchemaNumber is the number of a schema among [Description.Schemas], from 1; 0
// is the schema that lets every value pass.
type SchemaNumber int

// ParameterDescription is one parameter, or one header of a response.
type ParameterDescription struct {
	Name     string       `json:"name"`
	In       In           `json:"in"`
	Required bool         `json:"required,omitzero"`
	Schema   SchemaNumber `json:"schema,omitzero"` // of its value as JSON
	// Text says that the value is a string, whatever it looks like.
	Text bool `json:"text,omitzero"`
}

// ContentDescription is one content type of a message.
type ContentDescription struct {
	// Type is in lower case and without parameters. It may be a range such as
	// application/*.
	Type   string       `json:"type"`
	Schema SchemaNumber `json:"schema,omitzero"`
	// Examples are bodies: those of the document or, where it has none, one made
	// of the schema.
	Examples []string `json:"examples,omitzero"`
}

// ResponseDescription is a response of an operation.
type ResponseDescription struct {
	// Status is three digits, a range such as 4XX, or default.
	Status  string                 `json:"status"`
	Headers []ParameterDescription `json:"headers,omitzero"`
	Content []ContentDescription   `json:"content,omitzero"`
}

// DescriptionOptions choose what of a description is wanted besides names.
type DescriptionOptions struct {
	Schemas, Examples bool
}

// describedSchemaBytes bounds a schema, as API Management bounds those that its
// validation policies use.
const describedSchemaBytes = 4 << 20

// Describe describes an operation. The verdict says what the description
// leaves out: where a schema cannot be used, it lets pass what it should not.
func (d *Document) Describe(o *Operation, opt DescriptionOptions) (*Description, Verdict) {
	c := &describing{
		conversion: conversion{document: d, operation: o, options: &ToolOptions{}},
		wanted:     opt, numbers: map[string]SchemaNumber{}, out: &Description{},
	}
	for _, p := range c.declaredParameters() {
		switch In(p.in) {
		case InPath, InQuery, InHeader:
			c.out.Parameters = append(c.out.Parameters, c.parameters(p)...)
		case InQueryString:
			c.lose("the parameters in the query are described as a whole, which is not compared with requests%s", placeOf(p.node))
		}
	}
	c.requestBody()
	for _, m := range o.node.object("responses") {
		if status := responseStatus(m.name); status != "" {
			c.response(status, m.value)
		}
	}
	return c.out, c.verdict()
}

// describing makes one description. The conversion reads the document and keeps
// the findings.
type describing struct {
	conversion
	wanted  DescriptionOptions
	numbers map[string]SchemaNumber // by the text of the schema
	out     *Description
}

// responseStatus is the name of a response in one way of writing; empty when it
// is none, such as x-note.
func responseStatus(name string) string {
	name = strings.ToUpper(name)
	switch {
	case name == "DEFAULT":
		return "default"
	case len(name) != 3 || name[0] < '1' || name[0] > '9':
		return ""
	case name[1:] == "XX":
		return name
	case strings.Trim(name, "0123456789") == "":
		return name
	}
	return ""
}

// parameters describes a parameter: as one, or as those that the properties of
// an object are in a query.
func (c *describing) parameters(p declared) []ParameterDescription {
	whole := ParameterDescription{Name: p.name, In: In(p.in), Required: p.node.flag("required") || p.in == string(InPath)}
	if In(p.in) == InHeader && !isToken(p.name) {
		c.lose("header parameter %q has a name that HTTP does not allow%s", p.name, placeOf(p.node))
		return nil
	}
	param := Param{Name: p.name, In: In(p.in)}
	schema := c.parameterSchema(p, &param)
	if param.In == InQuery && param.Content == "" && (param.Style == styleDeepObject || param.Style == styleForm && param.Explode) {
		if shape, ok := flatten(schema); ok {
			return c.properties(whole, &param, shape)
		}
	}
	types := typesOf(derefSchema(schema))
	switch {
	case plainStyles[param.Style] || param.Content != "":
		if p.node.flag("allowEmptyValue") {
			schema = orEmpty(schema)
		}
		whole.Schema = c.number(c.document.inputs, schema)
		whole.Text = len(types) == 1 && types[0] == "string" && !isJSONType(mediaType(param.Content))
	case c.wanted.Schemas:
		c.lose("%s parameter %s is written in the style %s: its value is not compared with the schema%s", p.in, p.name, param.Style, placeOf(p.node))
	}
	return []ParameterDescription{whole}
}

// plainStyles are those in which a value stands as it is, and a list with commas
// or as several values.
var plainStyles = map[string]bool{styleSimple: true, styleForm: true}

// orEmpty is a schema with the empty text beside it.
func orEmpty(schema *node) *node {
	empty, both := &node{kind: objectNode}, &node{kind: objectNode}
	empty.add("const", newString(""))
	both.add("anyOf", newArray(schema, empty))
	return both
}

// properties are the parameters that an object is made of: filter[state] in the
// style deepObject, and else state.
func (c *describing) properties(whole ParameterDescription, param *Param, shape *objectShape) []ParameterDescription {
	list := make([]ParameterDescription, 0, len(shape.properties))
	required := map[string]bool{}
	for _, name := range shape.required {
		required[name] = whole.Required
	}
	for _, m := range shape.properties {
		name := m.name
		if param.Style == styleDeepObject {
			name = whole.Name + "[" + name + "]"
		}
		types := typesOf(derefSchema(m.value))
		list = append(list, ParameterDescription{
			Name: name, In: whole.In, Required: required[m.name], Schema: c.number(c.document.inputs, m.value),
			Text: len(types) == 1 && types[0] == "string",
		})
	}
	return list
}

// requestBody describes the body.
func (c *describing) requestBody() {
	if c.document.Dialect == "2.0" {
		c.requestBody2()
		return
	}
	use := c.operation.node.get("requestBody")
	if !use.is(objectNode) {
		return
	}
	body, fault := c.document.follow(use)
	if fault != nil {
		c.refuse("%s", fault)
		return
	}
	for _, m := range body.object("content") {
		media, fault := c.document.follow(m.value)
		if fault != nil {
			c.refuse("%s", fault)
			continue
		}
		content := ContentDescription{Type: mediaType(m.name)}
		content.Schema = c.contentNumber(c.document.inputs, content.Type, c.document.inputs.schema(media.get("schema")))
		c.out.Request = addContent(c.out.Request, content)
	}
}

// requestBody2 describes the body of an operation of OpenAPI 2.0.
func (c *describing) requestBody2() {
	types, otherwise := c.mediaTypes2("consumes"), ""
	var schema *node
	for _, p := range c.declaredParameters() {
		switch p.in {
		case "body":
			otherwise = "application/json"
			schema = c.document.inputs.schema(p.node.get("schema"))
		case "formData":
			if p.node.str("type") == "file" {
				otherwise = "multipart/form-data"
			} else if otherwise == "" {
				otherwise = "application/x-www-form-urlencoded"
			}
		}
	}
	if otherwise == "" {
		return
	}
	if len(types) == 0 {
		types = []string{otherwise}
	}
	for _, name := range types {
		content := ContentDescription{Type: mediaType(name)}
		if schema != nil {
			content.Schema = c.contentNumber(c.document.inputs, content.Type, schema)
		}
		c.out.Request = addContent(c.out.Request, content)
	}
}

// addContent adds a content type unless it is there: types that only differ in
// parameters are one.
func addContent(list []ContentDescription, content ContentDescription) []ContentDescription {
	for i := range list {
		if list[i].Type == content.Type {
			return list
		}
	}
	return append(list, content)
}

// contentNumber is the number of the schema of a content type: of one whose
// values are no JSON, the schema says nothing that could be compared.
func (c *describing) contentNumber(z *normalizer, essence string, schema *node) SchemaNumber {
	if isXMLType(essence) || isFormType(essence) || strings.HasPrefix(essence, "multipart/") {
		return 0
	}
	return c.number(z, schema)
}

// number keeps a normalized schema, without what describes it, and returns its
// number.
func (c *describing) number(z *normalizer, schema *node) SchemaNumber {
	if !c.wanted.Schemas {
		return 0
	}
	c.addNotes(z, schema)
	bare := constraints(schema)
	if allowsAnything(bare) {
		return 0
	}
	text, ok := renderSchema(c.vary(bare), describedSchemaBytes)
	if !ok {
		c.refuse("a schema of more than %d bytes is not compared with messages", describedSchemaBytes)
		return 0
	}
	if known, ok := c.numbers[string(text)]; ok {
		return known
	}
	if err := c.document.check(text); err != nil {
		c.refuse("a schema cannot be used: %v", err)
		return 0
	}
	c.out.Schemas = append(c.out.Schemas, text)
	c.numbers[string(text)] = SchemaNumber(len(c.out.Schemas))
	return c.numbers[string(text)]
}

// check tells whether a schema compiles. Operations share most of theirs.
func (d *Document) check(schema jsontext.Value) error {
	err, known := d.usable[string(schema)]
	if !known {
		_, err = CompileSchema(schema)
		d.usable[string(schema)] = err
	}
	return err
}

// constraints is a normalized schema without what only describes its values.
func constraints(schema *node) *node {
	r := &stripper{known: map[*node]*node{}}
	out := r.strip(schema)
	r.drain(func(original *definition) *node { return r.strip(original.schema) })
	return out
}

type stripper struct {
	rewriter
	known map[*node]*node
}

func (r *stripper) strip(schema *node) *node {
	if schema.kind != objectNode {
		return schema
	}
	if known := r.known[schema]; known != nil {
		return known
	}
	out := mapSubschemas(schema, func(_ string, sub *node) *node { return r.strip(sub) })
	for _, name := range []string{"title", "description", "examples", "default", "deprecated", "x-mcp-header"} {
		out.remove(name)
	}
	if ref := out.get("$ref"); ref != nil {
		out.set("$ref", r.reference(ref.definition))
	}
	r.known[schema] = out
	return out
}

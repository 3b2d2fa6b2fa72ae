package openapi

import (
	"slices"
	"strings"
)

// inlineSchema is the schema that a parameter of OpenAPI 2.0 is itself, apart
// from the members that say where it goes.
func inlineSchema(p *node) *node {
	schema := &node{kind: objectNode, file: p.file, line: p.line, column: p.column}
	for _, m := range p.members {
		switch m.name {
		case "name", "in", "description", "required", "collectionFormat", "allowEmptyValue",
			"style", "explode", "schema", "content", "example", "examples":
		default:
			schema.members = append(schema.members, m)
		}
	}
	return schema
}

// setCollectionFormat sets the style that says what the collectionFormat of a
// parameter of OpenAPI 2.0 does.
func (c *conversion) setCollectionFormat(p *node, param *Param) {
	param.Style, param.Explode = c.collectionStyle(p, param.Name, param.In)
}

func (c *conversion) collectionStyle(p *node, name string, in In) (style string, explode bool) {
	plain := styles[in][0]
	for items := p.get("items"); items != nil; items = items.get("items") {
		if format := items.str("collectionFormat"); format != "" && items.str("type") == "array" {
			c.lose("the arrays inside parameter %s are sent as JSON, not as %s%s", name, format, placeOf(p))
			break
		}
	}
	format := p.str("collectionFormat")
	if in != InQuery && format != "" && format != "csv" {
		c.lose("%s parameter %s is sent with commas between items, not as %s%s", in, name, format, placeOf(p))
		return plain, false
	}
	switch format {
	case "ssv":
		return styleSpaceDelimited, false
	case "tsv":
		return styleTabDelimited, false
	case "pipes":
		return stylePipeDelimited, false
	case "multi":
		return styleForm, true
	case "", "csv":
		return plain, false
	}
	c.lose("parameter %s has the collectionFormat %q, which is not one: it is sent as csv%s", name, format, placeOf(p))
	return plain, false
}

// readBody2 makes the body of an operation of OpenAPI 2.0 from its parameters
// in body and formData.
func (c *conversion) readBody2() {
	var whole *declared
	var form []declared
	for _, p := range c.declaredParameters() {
		switch p.in {
		case "body":
			if whole != nil {
				c.refuse("the operation has several body parameters%s", placeOf(p.node))
				return
			}
			whole = &p
		case "formData":
			form = append(form, p)
		}
	}
	switch {
	case whole != nil && len(form) > 0:
		c.refuse("the operation has a body parameter and form parameters%s", placeOf(whole.node))
	case whole != nil:
		c.readWholeBody2(whole.node)
	case len(form) > 0:
		c.readForm2(form)
	}
}

// mediaTypes2 are the content types that consumes or produces lists: those of
// the operation, else those of the document.
func (c *conversion) mediaTypes2(name string) []string {
	list := c.operation.node.get(name)
	if list == nil {
		list = c.document.root.get(name)
	}
	types, _ := stringList(list)
	return types
}

// readWholeBody2 reads a body parameter: one schema in every content type that
// the operation consumes.
func (c *conversion) readWholeBody2(p *node) {
	types := c.mediaTypes2("consumes")
	if len(types) == 0 {
		types = []string{"application/json"}
	}
	media := &node{kind: objectNode, file: p.file, line: p.line, column: p.column}
	if schema := p.get("schema"); schema != nil {
		media.add("schema", schema)
	}
	offers := make([]offer, 0, len(types))
	for _, contentType := range types {
		offers = append(offers, c.document.offer(contentType, media))
	}
	c.readOffers(offers, p.flag("required"), p, p)
}

// readForm2 reads formData parameters, which are the properties of a form.
func (c *conversion) readForm2(form []declared) {
	body := &Body{Kind: BodyForm, ContentType: "application/x-www-form-urlencoded"}
	types := c.mediaTypes2("consumes")
	isMultipart := func(t string) bool { return strings.HasPrefix(mediaType(t), "multipart/") }
	isForm := func(t string) bool { return isFormType(mediaType(t)) }
	hasFile := slices.ContainsFunc(form, func(p declared) bool { return p.node.str("type") == "file" })
	if hasFile || slices.ContainsFunc(types, isMultipart) && !slices.ContainsFunc(types, isForm) {
		body.Kind, body.ContentType = BodyMultipart, "multipart/form-data"
	}
	c.binding.Body = body
	for _, p := range form {
		property := BodyProperty{Name: p.name, Required: p.node.flag("required")}
		schema := c.annotated(c.document.inputs.schema(inlineSchema(p.node)), p.use, p.node)
		switch {
		case p.node.str("type") == "file":
			property.Binary, property.FileName = true, p.name
			schema = c.base64(schema, "")
		case body.Kind == BodyForm:
			property.Style, property.Explode = c.collectionStyle(p.node, p.name, InQuery)
		case p.node.str("type") == "array" && p.node.str("collectionFormat") != "multi":
			c.lose("the items of %s are sent as parts of their own, not as one%s", p.name, placeOf(p.node))
		}
		body.Required = body.Required || property.Required
		body.Properties = append(body.Properties, property)
		c.fields = append(c.fields, &field{
			in: inBody, wire: p.name, schema: schema, required: property.Required, property: len(body.Properties) - 1,
		})
	}
}

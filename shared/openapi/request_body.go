package openapi

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// readBody makes the body of the operation from its requestBody, or from the
// parameters of OpenAPI 2.0.
func (c *conversion) readBody() {
	if c.document.Dialect == "2.0" {
		c.readBody2()
		return
	}
	use := c.operation.node.get("requestBody")
	if use == nil || use.kind == nullNode {
		return
	}
	body, fault := c.document.follow(use)
	if fault != nil {
		c.refuse("%s", fault)
		return
	}
	required := body.flag("required")
	var offers []offer
	for _, m := range body.object("content") {
		media, fault := c.document.follow(m.value)
		if fault != nil {
			c.refuse("%s", fault)
			return
		}
		offers = append(offers, c.document.offer(m.name, media))
	}
	if len(offers) == 0 {
		c.losePart(required, body, "the request body names no content type and is not sent")
		return
	}
	c.readOffers(offers, required, use, body)
}

// readOffers chooses one of the content types and makes the body of it. use and
// n are where the body is named and what it is.
func (c *conversion) readOffers(offers []offer, required bool, use, n *node) {
	if c.operation.Method == http.MethodTrace {
		c.losePart(required, n, "a TRACE request has no body (RFC 9110 section 9.3.8)")
		return
	}
	chosen := slices.MinFunc(offers, func(a, b offer) int { return cmp.Compare(a.rank, b.rank) })
	body := &Body{Kind: chosen.kind, ContentType: chosen.contentType, Required: required}
	if chosen.rank == rankUnfit {
		c.refuse("a body of type %s is an array, but its schema describes an object%s", chosen.contentType, placeOf(n))
	}
	if chosen.guessed {
		c.lose("the content type %s of the body is taken for JSON%s", chosen.contentType, placeOf(n))
	}
	c.binding.Body = body
	schema := c.document.inputs.schema(chosen.schema)
	c.addNotes(c.document.inputs, schema)
	for _, other := range offers {
		if other.contentType != chosen.contentType && !c.carries(chosen, schema, other) {
			c.lose("the body is sent as %s, and %s is not offered%s", chosen.contentType, other.contentType, placeOf(n))
		}
	}
	switch chosen.kind {
	case BodyText, BodyBinary:
		c.addWholeBody(c.contentSchema(chosen, schema), chosen, use, n)
	default:
		c.readStructuredBody(chosen, schema, use, n)
	}
}

// readStructuredBody makes each property of the body an argument where that
// says all, and else the body one argument.
func (c *conversion) readStructuredBody(chosen offer, schema, use, n *node) {
	if shape, ok := flatten(schema); ok {
		c.addProperties(chosen, shape, n)
		return
	}
	if chosen.kind == BodyMultipart {
		switch types := typesOf(schema); {
		case len(types) > 0 && !slices.Contains(types, "object"):
			c.refuse("the parts of the %s body have no names%s", chosen.contentType, placeOf(n))
		case !allowsAnything(schema):
			c.lose("the parts of the %s body are given in one argument and cannot be files%s", chosen.contentType, placeOf(n))
		}
	}
	c.addWholeBody(schema, chosen, use, n)
}

// carries tells whether everything that could be sent in another content type
// can be said in the chosen one.
func (c *conversion) carries(chosen offer, schema *node, other offer) bool {
	if other.schema == nil || c.document.sameSchema(chosen, other) {
		return true
	}
	if chosen.kind == BodyText && other.kind == BodyText {
		return true
	}
	all, ok := flatten(schema)
	if !ok {
		return false
	}
	some, ok := flatten(c.document.inputs.schema(other.schema))
	if !ok {
		return false
	}
	for _, p := range some.properties {
		if other.kind == BodyMultipart && binarySchema(p.value, "") {
			return false
		}
		if !slices.ContainsFunc(all.properties, func(m member) bool { return m.name == p.name }) {
			return false
		}
	}
	return true
}

// contentSchema is the schema of a body that is text or bytes.
func (c *conversion) contentSchema(chosen offer, schema *node) *node {
	if chosen.kind == BodyBinary {
		return c.base64(schema, chosen.contentType)
	}
	if chosen.media.get("itemSchema") != nil || chosen.schema != nil && !textual(schema) {
		c.lose("the body is given as text of type %s, whose structure is not described%s", chosen.contentType, placeOf(chosen.media))
		text := typed("string")
		if description := schema.str("description"); description != "" {
			text.add("description", newString(description))
		}
		return text
	}
	if allowsAnything(schema) {
		return typed("string")
	}
	return schema
}

// base64 is the schema of bytes, which an argument gives in base64; it keeps
// the description of schema. contentType may be empty.
func (c *conversion) base64(schema *node, contentType string) *node {
	out := typed("string")
	description := "Base64-encoded bytes."
	if text := descriptionOf(schema); text != "" {
		description = text + "\n" + description
	}
	out.add("description", newString(description))
	out.add("contentEncoding", newString("base64"))
	if contentType != "" && !strings.ContainsAny(contentType, "*,") {
		out.add("contentMediaType", newString(contentType))
	}
	return out
}

// descriptionOf is the description of a normalized schema, or of what it refers
// to.
func descriptionOf(schema *node) string {
	for range maxHops {
		if text := schema.str("description"); text != "" {
			return text
		}
		ref := schema.get("$ref")
		if ref == nil {
			break
		}
		schema = ref.definition.schema
	}
	return ""
}

// addWholeBody makes the body one argument.
func (c *conversion) addWholeBody(schema *node, chosen offer, use, n *node) {
	described := c.annotated(schema, use, n)
	if chosen.kind == BodyBinary { // the description says how the bytes are given
		described.set("description", schema.get("description"))
	}
	if described.get("examples") == nil && chosen.kind != BodyBinary {
		examples := c.mediaExamples(chosen.media)
		if examples != nil && (chosen.kind != BodyText || examples.members[0].value.is(stringNode)) {
			described.set("examples", examples)
		}
	}
	if essence := mediaType(chosen.contentType); essence != "application/json" && chosen.kind != BodyBinary {
		text := descriptionOf(described)
		described.set("description", newString(strings.TrimSpace(text+"\nSent as "+essence+".")))
	}
	c.fields = append(c.fields, &field{
		in: inBody, wire: "body", schema: described, required: c.binding.Body.Required, whole: true,
	})
}

// addProperties makes every property of the body an argument.
func (c *conversion) addProperties(chosen offer, shape *objectShape, n *node) {
	body := c.binding.Body
	if shape.rest != nil {
		body.Rest, c.rest = true, shape.rest
	}
	if shape.nullable && body.Required {
		c.lose("a body of null cannot be sent%s", placeOf(n))
	}
	if examples := c.mediaExamples(chosen.media); examples != nil {
		shape.examples = append(nodesOf(examples), shape.examples...)
	}
	encodings := chosen.media.get("encoding")
	for _, m := range shape.properties {
		property := BodyProperty{Name: m.name, Required: slices.Contains(shape.required, m.name)}
		schema := c.vary(m.value)
		if chosen.kind != BodyJSON {
			schema = c.encode(&property, schema, chosen.kind, encodings.get(m.name))
		}
		if examples := exampleOf(shape.examples, m.name); examples != nil && schema.get("examples") == nil && schema.get("default") == nil {
			schema.set("examples", examples)
		}
		body.Properties = append(body.Properties, property)
		c.fields = append(c.fields, &field{
			in: inBody, wire: m.name, schema: schema, required: property.Required, property: len(body.Properties) - 1,
		})
	}
}

// exampleOf takes the value of one property out of examples of the whole body,
// where it shows more than the type does.
func exampleOf(examples []*node, name string) *node {
	var values []member
	for _, example := range examples {
		value := example.get(name)
		if value != nil && value.kind > boolNode && (value.kind < arrayNode || len(value.members) > 0) {
			values = append(values, member{value: value})
		}
	}
	return someExamples(values)
}

// encode sets how a property of a form or multipart body is serialized, as its
// encoding object and its schema say, and gives the schema of its argument.
func (c *conversion) encode(property *BodyProperty, schema *node, kind BodyKind, encoding *node) *node {
	property.ContentType = encoding.str("contentType")
	if headers := encoding.object("headers"); len(headers) > 0 {
		c.lose("the headers of the part %s are not sent%s", property.Name, placeOf(encoding))
	}
	if kind == BodyMultipart {
		return c.encodePart(property, schema)
	}
	style, explode, reserved := encoding.str("style"), encoding.get("explode"), encoding.get("allowReserved")
	if style == "" && explode == nil && reserved == nil && (property.ContentType != "" || structured(schema)) {
		// OpenAPI 3.1.1, "encoding": without the three, the content type says how
		// objects are written, by default JSON.
		property.ContentType = cmp.Or(property.ContentType, "application/json")
		return schema
	}
	property.ContentType = ""
	property.Style = styleForm
	if style != "" && slices.Contains(styles[InQuery], style) {
		property.Style = style
	} else if style != "" {
		c.lose("the property %s has the style %q, which is not one of a form: it is sent as form%s", property.Name, style, placeOf(encoding))
	}
	property.Explode = property.Style == styleForm
	if value, ok := encoding.boolean("explode"); ok {
		property.Explode = value
	}
	property.AllowReserved = encoding.flag("allowReserved")
	return schema
}

// encodePart gives the schema of the argument of one part: base64 where the
// part is bytes.
func (c *conversion) encodePart(property *BodyProperty, schema *node) *node {
	if binarySchema(schema, property.ContentType) {
		property.Binary, property.FileName = true, property.Name
		return c.base64(schema, property.ContentType)
	}
	items := derefSchema(schema).get("items")
	if items != nil && binarySchema(items, property.ContentType) {
		property.Binary, property.FileName = true, property.Name
		list := copyOf(derefSchema(schema))
		list.set("items", c.base64(items, property.ContentType))
		if text := descriptionOf(schema); text != "" {
			list.set("description", newString(text))
		}
		return list
	}
	return schema
}

// derefSchema is a normalized schema, or what it refers to.
func derefSchema(schema *node) *node {
	for range maxHops {
		ref := schema.get("$ref")
		if ref == nil {
			break
		}
		schema = ref.definition.schema
	}
	return schema
}

// binarySchema tells whether a normalized schema of a part is about bytes.
// contentType is that of its encoding object, or empty.
func binarySchema(schema *node, contentType string) bool {
	schema = derefSchema(schema)
	if schema.get("contentEncoding") != nil {
		return false // the part is text that encodes bytes
	}
	types := typesOf(schema)
	if len(types) > 0 && !slices.Contains(types, "string") {
		return false
	}
	if schema.str("format") == "binary" {
		return true
	}
	media := cmp.Or(schema.str("contentMediaType"), contentType)
	if media == "" || schema.get("contentMediaType") == nil && len(types) > 0 {
		return false
	}
	first, _, _ := strings.Cut(media, ",")
	return !isTextType(mediaType(first)) && !structured(schema)
}

// structured tells whether a normalized schema is about objects, or arrays of
// them.
func structured(schema *node) bool {
	schema = derefSchema(schema)
	if slices.Contains(typesOf(schema), "object") || schema.get("properties") != nil {
		return true
	}
	for _, keyword := range []string{"allOf", "oneOf", "anyOf"} {
		for _, part := range schema.items(keyword) {
			if structuredPart(part.value) {
				return true
			}
		}
	}
	items := schema.get("items")
	return items.is(objectNode) && structuredPart(items)
}

// structuredPart looks one level deep, since schemas may contain themselves.
func structuredPart(schema *node) bool {
	schema = derefSchema(schema)
	return slices.Contains(typesOf(schema), "object") || schema.get("properties") != nil
}

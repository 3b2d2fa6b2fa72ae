package openapi

import (
	"slices"
	"strconv"
)

// objectShape is a body that can be given property by property.
type objectShape struct {
	properties []member
	index      map[string]int // by name
	// said are the schemas that the parts give for each property.
	said     [][]*node
	required []string
	// rest is the schema of properties that are not listed; nil when the
	// document does not say that there may be any.
	rest        *node
	description string
	examples    []*node
	// nullable says that the body may be null as well, which properties cannot
	// express.
	nullable bool
	// closed are the sets of names beyond which a part allows none.
	closed [][]string
	// parts is the number of schemas that list properties.
	parts int
	// least is the largest minProperties.
	least int
	// taken are the schemas met: false while they are being taken, true after.
	taken map[*node]bool
}

// flatten gives the shape of a normalized schema, or ok false when arguments of
// their own could not say all that it says: it is not an object, or a choice
// between several, or it has rules that concern the object as a whole.
func flatten(schema *node) (shape *objectShape, ok bool) {
	shape = &objectShape{index: make(map[string]int), taken: make(map[*node]bool)}
	if !shape.take(schema) || len(shape.properties) == 0 || shape.least > len(shape.required) {
		return nil, false
	}
	if shape.rest != nil && !allowsAnything(shape.rest) && shape.parts > 1 {
		// A schema for further properties concerns those that other parts list.
		return nil, false
	}
	for _, names := range shape.closed {
		for _, p := range shape.properties {
			if !slices.Contains(names, p.name) {
				return nil, false // parts that exclude each other's properties
			}
		}
	}
	if len(shape.closed) > 0 {
		shape.rest = nil
	}
	for _, name := range shape.required {
		if _, known := shape.index[name]; !known {
			if len(shape.closed) > 0 {
				return nil, false // no value has what it requires and excludes
			}
			rest := shape.rest
			if rest == nil {
				rest = &node{kind: objectNode}
			}
			shape.addProperty(member{name, rest})
		}
	}
	return shape, true
}

// allowsAnything tells whether a normalized schema is true or empty.
func allowsAnything(schema *node) bool {
	return schema.is(boolNode) && schema.text == "true" || schema.is(objectNode) && len(schema.members) == 0
}

// take adds what a schema says to the shape, once; a schema that contains itself
// has none.
func (b *objectShape) take(schema *node) bool {
	if !schema.is(objectNode) {
		return false
	}
	if done, met := b.taken[schema]; met {
		return done
	}
	b.taken[schema] = false
	var names []string
	properties := schema.object("properties")
	if len(properties) > 0 {
		b.parts++
	}
	for _, m := range properties {
		names = append(names, m.name)
		b.addProperty(m)
	}
	for _, m := range schema.members {
		ok := true
		switch m.name {
		case "$ref":
			ok = b.take(m.value.definition.schema)
		case "allOf":
			for _, part := range m.value.members {
				ok = ok && b.take(part.value)
			}
		default:
			ok = b.takeKeyword(m, names)
		}
		if !ok {
			return false
		}
	}
	b.taken[schema] = true
	return true
}

// takeKeyword adds a keyword that does not compose schemas; names are the
// properties beside it.
func (b *objectShape) takeKeyword(m member, names []string) bool {
	switch m.name {
	case "properties", "title", "default", "deprecated", "x-mcp-header":
		return true
	case "type":
		return b.takeType(m.value)
	case "required":
		for _, name := range m.value.members {
			if !slices.Contains(b.required, name.value.text) {
				b.required = append(b.required, name.value.text)
			}
		}
		return true
	case "additionalProperties":
		return b.takeRest(m.value, names)
	case "description":
		if b.description == "" {
			b.description = m.value.text
		}
		return true
	case "examples":
		b.examples = append(b.examples, nodesOf(m.value)...)
		return true
	case "minProperties":
		least, err := strconv.Atoi(m.value.text)
		b.least = max(b.least, least)
		return err == nil
	default:
		return false
	}
}

func (b *objectShape) takeType(value *node) bool {
	switch {
	case value.is(stringNode):
		return value.text == "object"
	case len(value.members) == 2:
		names, _ := stringList(value)
		if slices.Contains(names, "object") && slices.Contains(names, "null") {
			b.nullable = true
			return true
		}
	}
	return false
}

// takeRest notes which further properties a part allows.
func (b *objectShape) takeRest(value *node, names []string) bool {
	switch {
	case value.is(boolNode) && value.text == "false":
		b.closed = append(b.closed, names)
	case b.rest == nil || allowsAnything(b.rest):
		b.rest = value
	case !allowsAnything(value):
		return false
	}
	return true
}

// addProperty adds a property, or what another part says about one that is
// there.
func (b *objectShape) addProperty(m member) {
	i, known := b.index[m.name]
	if !known {
		b.index[m.name] = len(b.properties)
		b.properties = append(b.properties, m)
		b.said = append(b.said, []*node{m.value})
		return
	}
	if slices.ContainsFunc(b.said[i], func(said *node) bool { return same(said, m.value) }) {
		return
	}
	b.said[i] = append(b.said[i], m.value)
	both := &node{kind: objectNode}
	if text := b.said[i][0].str("description"); text != "" {
		both.add("description", newString(text))
	}
	both.add("allOf", newArray(b.said[i]...))
	b.properties[i].value = both
}

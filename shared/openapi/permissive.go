package openapi

// permissive gives the form of a normalized schema that describes a value
// without constraining it: names, descriptions and structure. Whatever the
// value, it is valid. The definitions it refers to are made once for all tools.
func permissive(schema *node) *node {
	r := &describer{known: make(map[*node]*node)}
	out := r.describe(schema)
	for len(r.queue) > 0 {
		next := r.queue[len(r.queue)-1]
		r.queue = r.queue[:len(r.queue)-1]
		next.described.schema = r.describe(next.schema)
	}
	return out
}

type describer struct {
	queue []*definition // whose permissive form is not made yet
	known map[*node]*node
}

func (r *describer) describe(schema *node) *node {
	out := &node{kind: objectNode}
	if schema.kind != objectNode {
		return out
	}
	if known := r.known[schema]; known != nil {
		return known
	}
	r.known[schema] = out
	for _, m := range schema.members {
		switch m.name {
		case "description", "deprecated":
			out.members = append(out.members, m)
		case "$ref":
			if describes(m.value.definition.schema) {
				out.add("$ref", &node{kind: referenceNode, definition: r.define(m.value.definition)})
			}
		case "properties", "patternProperties":
			properties := &node{kind: objectNode, members: make([]member, 0, len(m.value.members))}
			for _, p := range m.value.members {
				properties.add(p.name, r.describe(p.value))
			}
			out.add(m.name, properties)
		case "items", "additionalProperties":
			if described := r.describe(m.value); len(described.members) > 0 {
				out.add(m.name, described)
			}
		case "allOf", "anyOf", "oneOf", "prefixItems":
			r.describeList(out, m)
		}
	}
	return out
}

// describeList keeps the parts that describe something. Of alternatives nothing
// is known that could tell them apart, so that oneOf becomes anyOf.
func (r *describer) describeList(out *node, m member) {
	list := &node{kind: arrayNode}
	for _, part := range m.value.members {
		described := r.describe(part.value)
		if len(described.members) > 0 || m.name == "prefixItems" {
			list.add("", described)
		}
	}
	name := m.name
	if name == "oneOf" {
		name = "anyOf"
	}
	if len(list.members) == 0 {
		return
	}
	if out.get(name) == nil {
		out.add(name, list)
	}
}

// define is the permissive form of a definition.
func (r *describer) define(d *definition) *definition {
	if d.described == nil {
		d.described = &definition{name: d.name}
		r.queue = append(r.queue, d)
	}
	return d.described
}

// describes tells whether the permissive form of a schema says anything.
func describes(schema *node) bool {
	for _, m := range schema.members {
		switch m.name {
		case "description", "deprecated", "$ref", "properties", "patternProperties", "items",
			"additionalProperties", "allOf", "anyOf", "oneOf", "prefixItems":
			return true
		}
	}
	return false
}

package openapi

import "strings"

// headerAnnotated tells whether x-mcp-header occurs anywhere in the document.
func (d *Document) headerAnnotated() bool {
	for _, f := range d.files {
		if f.headerAnnotated {
			return true
		}
	}
	return false
}

// checkHeaders gives the input schema without the annotations x-mcp-header that
// break the rules of MCP 2026-07-28, since clients drop a tool with such a one:
// the name is a token, and unique whatever its case; the value is a string, an
// integer or a boolean; and the property is reached from the root by the
// keyword properties alone.
func (c *conversion) checkHeaders(root *node) *node {
	h := &headerChecker{conversion: c, names: make(map[string]bool), reached: make(map[*node]bool), checked: make(map[*node]*node)}
	out := h.schema(root, "", true)
	h.drain(func(original *definition) *node { return h.schema(original.schema, "", false) })
	return out
}

type headerChecker struct {
	*conversion
	rewriter
	names map[string]bool
	// reached are the schemas that properties alone have led to, which they do
	// once; checked are those met in other ways.
	reached map[*node]bool
	checked map[*node]*node
}

// schema checks the schema of a property; reached tells whether it is reached
// by properties alone.
func (h *headerChecker) schema(n *node, property string, reached bool) *node {
	if n.kind != objectNode {
		return n
	}
	reached = reached && !h.reached[n]
	if known := h.checked[n]; known != nil && !reached {
		return known
	}
	out := &node{kind: objectNode, members: make([]member, 0, len(n.members))}
	if reached {
		h.reached[n] = true
	} else {
		h.checked[n] = out
	}
	for _, m := range n.members {
		switch {
		case m.name == "x-mcp-header":
			if why := h.fault(n, m.value, reached); why != "" {
				h.lose("x-mcp-header of %s is left out: %s%s", property, why, placeOf(m.value))
				continue
			}
			out.members = append(out.members, m)
		case m.name == "properties" && reached:
			properties := &node{kind: objectNode, members: make([]member, 0, len(m.value.members))}
			for _, p := range m.value.members {
				properties.add(p.name, h.schema(p.value, p.name, true))
			}
			out.add(m.name, properties)
		case m.name == "$ref":
			out.add(m.name, h.reference(m.value.definition))
		default:
			one := &node{kind: objectNode, members: []member{m}}
			changed := mapSubschemas(one, func(_ string, sub *node) *node { return h.schema(sub, property, false) })
			out.members = append(out.members, changed.members...)
		}
	}
	return out
}

// fault says why an annotation may not stay; empty when it may.
func (h *headerChecker) fault(schema, value *node, reached bool) string {
	if !value.is(stringNode) || !isToken(value.text) {
		return "it is not the name of a header"
	}
	switch types := typesOf(schema); {
	case len(types) != 1, types[0] != "string" && types[0] != "integer" && types[0] != "boolean":
		return "the value is not a string, an integer or a boolean"
	case !reached:
		return "the property is not reached by properties alone"
	}
	folded := strings.ToLower(value.text)
	if h.names[folded] {
		return "another property has the same header"
	}
	h.names[folded] = true
	return ""
}

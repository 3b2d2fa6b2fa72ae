package openapi

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// fitSchema writes a schema in at most limit bytes. What does not fit is
// described in less and less detail: first without examples and with shorter
// descriptions, then without what lies deep inside. trimmed says what is
// missing, and is empty when nothing is. A trimmed schema accepts all that the
// whole one does.
func fitSchema(root *node, limit int) (schema jsontext.Value, trimmed string, ok bool) {
	if schema, ok = renderSchema(root, limit); ok {
		return schema, "", true
	}
	depths := measureDepths(root)
	for _, step := range []trimStep{
		{prose: 200}, {prose: 80}, {prose: 0},
		{prose: 80, depth: 10}, {prose: 80, depth: 8}, {prose: 80, depth: 6}, {prose: 80, depth: 5},
		{prose: 80, depth: 4}, {prose: 80, depth: 3}, {prose: 80, depth: 2}, {prose: 80, depth: 1}, {depth: 1, scant: true},
	} {
		t := &trimmer{trimStep: step, depths: depths, trimmed: make(map[depthVisit]*node)}
		if schema, ok = renderSchema(t.trim(root), limit); ok {
			return schema, step.String(), true
		}
	}
	return nil, "", false
}

// trimStep is one degree of detail.
type trimStep struct {
	// prose is the length of descriptions below the root's properties.
	prose int
	// depth is how many levels are described; 0 is all.
	depth int
	// scant leaves out the descriptions of the root's properties too.
	scant bool
}

func (s trimStep) String() string {
	switch {
	case s.depth == 0:
		return "examples and long descriptions are left out"
	case s.scant:
		return "only the types of the arguments are described"
	}
	return fmt.Sprintf("what is nested more than %d deep is not described", s.depth)
}

// measureDepths finds how deep each definition is used at least.
func measureDepths(root *node) map[*definition]int {
	depths := make(map[*definition]int)
	queue := []depthVisit{{root, 0}}
	var measure func(schema *node, depth int)
	seen := make(map[depthVisit]bool)
	measure = func(schema *node, depth int) {
		if schema.kind != objectNode || seen[depthVisit{schema, depth}] {
			return
		}
		seen[depthVisit{schema, depth}] = true
		if ref := schema.get("$ref"); ref != nil {
			if known, ok := depths[ref.definition]; !ok || depth < known {
				depths[ref.definition] = depth
				queue = append(queue, depthVisit{ref.definition.schema, depth})
			}
		}
		for _, m := range schema.members {
			below := depth + 1
			if sameInstance(m.name) {
				below = depth
			}
			switch subschemas[m.name] {
			case oneSchema:
				measure(m.value, below)
			case schemaList, schemaMap:
				for _, sub := range m.value.members {
					measure(sub.value, below)
				}
			}
		}
	}
	for len(queue) > 0 {
		next := queue[0]
		queue = queue[1:]
		measure(next.schema, next.depth)
	}
	return depths
}

// trimmer leaves out of a schema what a step leaves out.
type trimmer struct {
	trimStep
	rewriter
	depths  map[*definition]int
	trimmed map[depthVisit]*node
}

// depthVisit is a schema met at a depth.
type depthVisit struct {
	schema *node
	depth  int
}

func (t *trimmer) trim(root *node) *node {
	out := t.schema(root, 0)
	t.drain(func(original *definition) *node { return t.schema(original.schema, t.depths[original]) })
	return out
}

// schema trims one schema, which stands at a depth.
func (t *trimmer) schema(n *node, depth int) *node {
	if n.kind != objectNode {
		return n
	}
	if t.depth > 0 && depth >= t.depth {
		return t.stub(n)
	}
	if known := t.trimmed[depthVisit{n, depth}]; known != nil {
		return known
	}
	out := mapSubschemas(n, func(keyword string, sub *node) *node {
		if sameInstance(keyword) {
			return t.schema(sub, depth)
		}
		return t.schema(sub, depth+1)
	})
	if ref := out.get("$ref"); ref != nil {
		out.set("$ref", t.reference(ref.definition))
	}
	t.shortenProse(out, depth)
	t.trimmed[depthVisit{n, depth}] = out
	return out
}

// shortenProse drops examples and cuts descriptions, save for those of the
// arguments themselves.
func (t *trimmer) shortenProse(out *node, depth int) {
	out.remove("examples")
	out.remove("title")
	if depth <= 1 && !t.scant {
		return
	}
	description := out.get("description")
	switch {
	case !description.is(stringNode):
	case t.prose == 0:
		out.remove("description")
	case len(description.text) > t.prose:
		// The beginning is enough to cut from: four bytes for each character.
		text := strings.ToValidUTF8(description.text[:min(len(description.text), 4*t.prose+utf8.UTFMax)], "")
		out.set("description", newString(shorten(inOneLine(text), t.prose)))
	}
}

// stub keeps of a schema what it says about the value itself, and nothing about
// what is inside it.
func (t *trimmer) stub(n *node) *node {
	described := descriptionOf(n)
	n = derefSchema(n)
	out := &node{kind: objectNode}
	if n.kind != objectNode {
		return out
	}
	for _, m := range n.members {
		if subschemas[m.name] == 0 && m.name != "$ref" && m.name != "default" && m.name != "description" {
			out.members = append(out.members, m)
		}
	}
	if described != "" {
		out.add("description", newString(described))
	}
	t.shortenProse(out, t.depth+1)
	return out
}

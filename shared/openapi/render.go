package openapi

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// maxRendered bounds the text of any schema, whatever its options say, while it
// is written.
const maxRendered = 16 << 20

// schemaWriter writes a normalized schema with the definitions it needs, and no
// others, in "$defs".
type schemaWriter struct {
	dst   []byte
	limit int
	// names are those of the definitions met so far, in that order.
	names map[*definition]string
	order []*definition
	taken map[string]bool
}

// renderSchema writes the object schema root. ok is false when that takes more
// than limit bytes. The same schema always gives the same bytes: definitions
// are named and ordered by where they are first referred to.
func renderSchema(root *node, limit int) (schema jsontext.Value, ok bool) {
	w := &schemaWriter{limit: limit, names: make(map[*definition]string), taken: make(map[string]bool)}
	w.dst = append(w.dst, '{')
	for _, m := range root.members {
		if !w.member(m, len(w.dst) == 1) {
			return nil, false
		}
	}
	if len(w.order) > 0 {
		if len(w.dst) > 1 {
			w.dst = append(w.dst, ',')
		}
		w.dst = append(w.dst, `"$defs":{`...)
		for i := 0; i < len(w.order); i++ { // grows while it is written
			if !w.member(member{w.names[w.order[i]], w.order[i].schema}, i == 0) {
				return nil, false
			}
		}
		w.dst = append(w.dst, '}')
	}
	w.dst = append(w.dst, '}')
	return w.dst, len(w.dst) <= limit
}

// member writes one member of an object.
func (w *schemaWriter) member(m member, first bool) bool {
	if !first {
		w.dst = append(w.dst, ',')
	}
	w.dst = append(appendString(w.dst, m.name), ':')
	return w.node(m.value)
}

func (w *schemaWriter) node(n *node) bool {
	if len(w.dst) > w.limit {
		return false
	}
	switch n.kind {
	case referenceNode:
		w.dst = appendString(w.dst, "#/$defs/"+w.name(n.definition))
		return true
	case objectNode:
		w.dst = append(w.dst, '{')
		for i, m := range n.members {
			if !w.member(m, i == 0) {
				return false
			}
		}
		w.dst = append(w.dst, '}')
		return true
	case arrayNode:
		w.dst = append(w.dst, '[')
		for i, m := range n.members {
			if i > 0 {
				w.dst = append(w.dst, ',')
			}
			if !w.node(m.value) {
				return false
			}
		}
		w.dst = append(w.dst, ']')
		return true
	default:
		w.dst, _ = appendValue(w.dst, n, len(w.dst)) // a scalar is always written
		return true
	}
}

// name is that of a definition: its own, or with a number when another one has
// it already.
func (w *schemaWriter) name(d *definition) string {
	if name, ok := w.names[d]; ok {
		return name
	}
	name := d.name
	for i := 2; w.taken[name]; i++ {
		name = d.name + "_" + strconv.Itoa(i)
	}
	w.taken[name] = true
	w.names[d] = name
	w.order = append(w.order, d)
	return name
}

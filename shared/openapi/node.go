package openapi

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// nodeKind is the type of a node: those of JSON, and one of our own.
type nodeKind uint8

const (
	nullNode nodeKind = iota
	boolNode
	numberNode
	stringNode
	arrayNode
	objectNode
	// referenceNode is the value of "$ref" in a normalized schema: it points to
	// a definition, whose name is only known when the schema is written.
	referenceNode
)

// node is a value of a document, the same for JSON and YAML. Objects keep the
// order of their members and numbers their text. Nodes are read-only once the
// file is read; normalized schemas are made of new nodes that share the values
// they only quote.
type node struct {
	kind nodeKind
	// shared marks a node that is reached in several ways, which YAML's aliases
	// make possible.
	shared bool
	// line and column count from 1; 0 in nodes made by the conversion.
	line, column int
	file         *file // nil in nodes made by the conversion
	// text is the value of a string, the text of a number, "true" or "false".
	text string
	// members are those of an object, or the items of an array, whose names are
	// empty.
	members []member
	// definition is set in a referenceNode.
	definition *definition
}

// member is one member of an object or, without a name, one item of an array.
type member struct {
	name  string
	value *node
}

// indexFrom is the number of members from which objects are looked up by an
// index rather than by reading along.
const indexFrom = 24

// maxNesting bounds how deep a document may be nested. The deepest public
// documents stay below a tenth of it.
const maxNesting = 500

// get is the member of that name; nil when n is no object or has none.
func (n *node) get(name string) *node {
	if n == nil || n.kind != objectNode {
		return nil
	}
	if len(n.members) >= indexFrom && n.file != nil {
		if i, ok := n.file.index(n)[name]; ok {
			return n.members[i].value
		}
		return nil
	}
	for i := range n.members {
		if n.members[i].name == name {
			return n.members[i].value
		}
	}
	return nil
}

// at is the value at a path of member names; nil when one is missing.
func (n *node) at(names ...string) *node {
	for _, name := range names {
		n = n.get(name)
	}
	return n
}

// is tells whether n exists and has that kind.
func (n *node) is(kind nodeKind) bool { return n != nil && n.kind == kind }

// str is the text of a string member; empty when absent or not a string.
func (n *node) str(name string) string {
	if v := n.get(name); v.is(stringNode) {
		return v.text
	}
	return ""
}

// scalar is the text of a member that is a string, number or boolean; YAML
// turns an unquoted 1.0 into a number where a string is meant.
func (n *node) scalar(name string) string {
	if v := n.get(name); v != nil && v.kind >= boolNode && v.kind <= stringNode {
		return v.text
	}
	return ""
}

// boolean reads a boolean member, also where it was quoted; ok is false when it
// is absent or something else.
func (n *node) boolean(name string) (value, ok bool) {
	v := n.get(name)
	if !v.is(boolNode) && !v.is(stringNode) {
		return false, false
	}
	switch v.text {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

// flag is a boolean member that is false when absent.
func (n *node) flag(name string) bool {
	value, _ := n.boolean(name)
	return value
}

// items are the items of an array member, or nil.
func (n *node) items(name string) []member {
	if v := n.get(name); v.is(arrayNode) {
		return v.members
	}
	return nil
}

// object are the members of an object member, or nil.
func (n *node) object(name string) []member {
	if v := n.get(name); v.is(objectNode) {
		return v.members
	}
	return nil
}

// add appends a member to an object under construction.
func (n *node) add(name string, value *node) {
	n.members = append(n.members, member{name, value})
}

// set replaces the member of that name, or appends it, in an object under
// construction.
func (n *node) set(name string, value *node) {
	for i := range n.members {
		if n.members[i].name == name {
			n.members[i].value = value
			return
		}
	}
	n.add(name, value)
}

// remove deletes a member from an object under construction.
func (n *node) remove(name string) {
	for i := range n.members {
		if n.members[i].name == name {
			n.members = append(n.members[:i:i], n.members[i+1:]...)
			return
		}
	}
}

// copyOf is a new object with the members of n.
func copyOf(n *node) *node {
	return &node{kind: n.kind, text: n.text, definition: n.definition, members: append([]member(nil), n.members...)}
}

func newString(text string) *node { return &node{kind: stringNode, text: text} }

func newBool(b bool) *node { return &node{kind: boolNode, text: strconv.FormatBool(b)} }

func newArray(values ...*node) *node {
	a := &node{kind: arrayNode, members: make([]member, 0, len(values))}
	for _, v := range values {
		a.add("", v)
	}
	return a
}

// stringsOf is an array of strings.
func newStrings(texts []string) *node {
	a := &node{kind: arrayNode, members: make([]member, 0, len(texts))}
	for _, text := range texts {
		a.add("", newString(text))
	}
	return a
}

// appendValue appends n as JSON. It stops with ok false once dst is longer than
// limit, so that no document can make it write without end.
func appendValue(dst []byte, n *node, limit int) (out []byte, ok bool) {
	if len(dst) > limit {
		return dst, false
	}
	switch n.kind {
	case boolNode, numberNode:
		return append(dst, n.text...), true
	case stringNode:
		return appendString(dst, n.text), true
	case arrayNode:
		dst = append(dst, '[')
		for i, m := range n.members {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, ok = appendValue(dst, m.value, limit); !ok {
				return dst, false
			}
		}
		return append(dst, ']'), true
	case objectNode:
		dst = append(dst, '{')
		for i, m := range n.members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendString(dst, m.name), ':')
			if dst, ok = appendValue(dst, m.value, limit); !ok {
				return dst, false
			}
		}
		return append(dst, '}'), true
	default:
		return append(dst, "null"...), true
	}
}

// appendString appends text as a JSON string. Bytes that are not UTF-8 become
// the replacement character.
func appendString(dst []byte, text string) []byte {
	dst, _ = jsontext.AppendQuote(dst, text) // the error only says that bytes were replaced
	return dst
}

// valueOf is n as JSON text, or ok false when it is longer than limit bytes.
func valueOf(n *node, limit int) (value jsontext.Value, ok bool) {
	return appendValue(nil, n, limit)
}

// equalNodes tells whether two values are the same. The budget bounds the
// comparison of values that aliases have blown up; beyond it the answer is no.
func equalNodes(a, b *node, budget *int) bool {
	if a == b {
		return true
	}
	if *budget--; *budget < 0 || a == nil || b == nil {
		return false
	}
	if a.kind != b.kind || a.text != b.text || a.definition != b.definition || len(a.members) != len(b.members) {
		return false
	}
	for i := range a.members {
		if a.members[i].name != b.members[i].name || !equalNodes(a.members[i].value, b.members[i].value, budget) {
			return false
		}
	}
	return true
}

// same is equalNodes with a budget that every ordinary schema fits into.
func same(a, b *node) bool {
	budget := 20_000
	return equalNodes(a, b, &budget)
}

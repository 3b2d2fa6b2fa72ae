package openapi

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// direction says what a schema describes: requests have no properties that are
// readOnly, responses none that are writeOnly.
type direction uint8

const (
	request direction = iota
	response
)

// normalizer turns the schemas of a document, of whatever version, into JSON
// Schema 2020-12. What a $ref names is normalized once and becomes a
// definition that all tools share.
type normalizer struct {
	document    *Document
	direction   direction
	keywords    map[string]keywordReader
	definitions map[*node]*definition
	// shared holds what became of nodes with several parents.
	shared map[*node]*node
	// queue are the definitions that are named but not normalized yet, so that
	// long chains of references do not nest.
	queue []*definition
	// notes say what was lost, by the normalized schema it is missing from.
	notes map[*node][]note
}

// definition is a schema that others refer to.
type definition struct {
	// name is the one proposed for it in "$defs".
	name   string
	source *node
	schema *node
	// described is its permissive form, see permissive; nil until asked for.
	described *definition
}

// note is a loss, or the reason why a schema cannot be used at all.
type note struct {
	text   string
	refuse bool
}

func newNormalizer(d *Document, dir direction) *normalizer {
	return &normalizer{
		document: d, direction: dir, keywords: keywordReaders(),
		definitions: make(map[*node]*definition),
		shared:      make(map[*node]*node),
		notes:       make(map[*node][]note),
	}
}

// schema normalizes a schema together with all that it refers to. A nil n gives
// the schema that allows everything.
func (z *normalizer) schema(n *node) *node {
	if n == nil {
		return &node{kind: objectNode}
	}
	out := z.convert(n)
	z.drain()
	return out
}

// drain normalizes the definitions that are waiting, and those they name.
func (z *normalizer) drain() {
	for len(z.queue) > 0 {
		next := z.queue[len(z.queue)-1]
		z.queue = z.queue[:len(z.queue)-1]
		next.schema = z.convert(next.source)
	}
}

// lose notes on a normalized schema that something of n was lost.
func (z *normalizer) lose(out, n *node, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if at := faultAt(n, "", "").at(); at != "" {
		text += " (" + at + ")"
	}
	z.notes[out] = append(z.notes[out], note{text: text})
}

// refuse notes that a schema cannot be used.
func (z *normalizer) refuse(out *node, fault *Error) {
	z.notes[out] = append(z.notes[out], note{text: fault.Error(), refuse: true})
}

// convert normalizes one schema.
func (z *normalizer) convert(n *node) *node {
	if n.is(boolNode) {
		return newBool(n.text == "true")
	}
	if known := z.shared[n]; known != nil {
		return known
	}
	out := &node{kind: objectNode}
	if !n.is(objectNode) {
		z.lose(out, n, "a schema that is no object is taken to allow everything")
		return out
	}
	if n.shared {
		z.shared[n] = out
	}
	s := &schemaReader{normalizer: z, in: n, out: out}
	if ref := n.get("$ref"); ref.is(stringNode) {
		s.reference()
		return out
	}
	s.read()
	return out
}

// reference makes out a reference to what n's $ref names. Before OpenAPI 3.1
// only its description counts beside it; since then all members do.
func (s *schemaReader) reference() {
	z := s.normalizer
	target, name, fault := z.resolve(s.in, s.in.get("$ref"))
	if fault != nil {
		z.refuse(s.out, fault)
		return
	}
	beside := s.besides()
	if annotationsOnly(beside) && scalarSchema(target) {
		scalar := &schemaReader{normalizer: z, in: target, out: s.out}
		scalar.read()
		if s.in.str("description") != "" {
			s.remarks = scalar.remarks
		}
	} else {
		s.out.add("$ref", &node{kind: referenceNode, definition: z.define(target, name)})
	}
	if len(beside) > 0 {
		s.readMembers(beside)
		s.finish()
	}
}

// besides are the members that count beside a $ref.
func (s *schemaReader) besides() (members []member) {
	for _, m := range s.in.members {
		switch {
		case m.name == "$ref":
		case s.normalizer.document.since31(), m.name == "description":
			members = append(members, m)
		}
	}
	return members
}

// annotationsOnly tells whether keywords constrain nothing.
func annotationsOnly(members []member) bool {
	for _, m := range members {
		switch m.name {
		case "description", "title", "summary", "default", "example", "examples", "deprecated":
		default:
			if !strings.HasPrefix(m.name, "x-") {
				return false
			}
		}
	}
	return true
}

// scalarSchema tells whether n, a schema of the document, describes a string, a
// number or a boolean and nothing below it. Such schemas are written where they
// are used: a reference would be longer and is followed by fewer clients.
func scalarSchema(n *node) bool {
	switch n.str("type") {
	case "string", "integer", "number", "boolean":
	default:
		return false
	}
	for _, m := range n.members {
		switch m.name {
		case "$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "not", "if", "properties", "items", "discriminator":
			return false
		case "enum":
			if len(m.value.members) > 32 {
				return false
			}
		}
	}
	return true
}

// resolve gives the schema that ref, a string inside from, names in the end, and
// a name for it.
func (z *normalizer) resolve(from, ref *node) (target *node, name string, fault *Error) {
	start := ref
	for range maxHops {
		if target, fault = z.document.target(from, ref); fault != nil {
			return nil, "", fault
		}
		name = definitionName(ref.text)
		if target.kind != objectNode && target.kind != boolNode {
			return nil, "", faultAt(ref, "point it at a schema", "$ref %q names something that is not a schema", ref.text)
		}
		next := target.get("$ref")
		if !next.is(stringNode) || z.document.since31() && len(target.members) > 1 {
			return target, name, nil
		}
		from, ref = target, next
	}
	return nil, "", faultAt(start, "let the chain of references end in a schema", "$ref %q leads back to itself", start.text)
}

// define is the definition of target, which is normalized later if it is new.
func (z *normalizer) define(target *node, name string) *definition {
	known := z.definitions[target]
	if known == nil {
		known = &definition{name: name, source: target}
		z.definitions[target] = known
		z.queue = append(z.queue, known)
	}
	return known
}

// placeTokens are the tokens of a pointer that say where a schema stands and
// not what it is.
var placeTokens = []string{
	"schema", "schemas", "items", "properties", "additionalProperties", "allOf", "anyOf", "oneOf", "not",
	"content", "application/json", "$defs", "definitions", "components", "requestBody", "responses", "parameters", "paths",
}

// definitionName is the name for what a reference names: the last token of its
// pointer that says something, or the name of the file. It depends on nothing
// else, so that a definition has the same name in every tool.
func definitionName(ref string) string {
	address, fragment, _ := strings.Cut(ref, "#")
	if decoded, err := url.PathUnescape(fragment); err == nil {
		fragment = decoded
	}
	tokens := strings.Split(fragment, "/")
	var parts []string
	for _, token := range slices.Backward(tokens) {
		token = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		if token == "" {
			continue
		}
		place := slices.Contains(placeTokens, token) || strings.Trim(token, "0123456789") == ""
		if len(parts) > 0 && place {
			continue
		}
		parts = append(parts, token)
		if !place {
			break
		}
	}
	slices.Reverse(parts)
	name := strings.Join(parts, "_")
	if name == "" {
		name = address[strings.LastIndexAny(address, "/:")+1:]
		name, _, _ = strings.Cut(name, ".")
	}
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '.' || r == '-' {
			return r
		}
		return '_'
	}, name)
	if len(name) > 100 {
		name = name[:93] + "_" + shortHash(name, hashDigits)
	}
	if name == "" {
		return "schema"
	}
	return name
}

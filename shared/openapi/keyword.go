package openapi

import (
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// schemaReader normalizes one schema: in is that of the document, out the new
// one.
type schemaReader struct {
	*normalizer
	in, out *node
	// omitted are the properties that this direction does not have.
	omitted []string
	// demanded are the properties that say themselves that they are required,
	// as draft 3 of JSON Schema had it.
	demanded []string
	// remarks are what keywords that are not written are worth in words.
	remarks []string
}

// keywordReader reads one keyword of a schema into s.out. Keywords without a
// reader are not written: annotations of other tools, and keywords that the
// conversion has acted upon.
type keywordReader func(s *schemaReader, name string, value *node)

// keywordReaders is the table of all keywords.
func keywordReaders() map[string]keywordReader {
	readers := make(map[string]keywordReader)
	for _, row := range []struct {
		read  keywordReader
		names []string
	}{
		{(*schemaReader).readText, []string{"title", "description"}},
		{(*schemaReader).readType, []string{"type"}},
		{(*schemaReader).readEnum, []string{"enum"}},
		{(*schemaReader).readValue, []string{"default", "const"}},
		{(*schemaReader).readExample, []string{"example"}},
		{(*schemaReader).readExamples, []string{"examples"}},
		{(*schemaReader).readBoolean, []string{"uniqueItems", "deprecated"}},
		{(*schemaReader).readFormat, []string{"format"}},
		{(*schemaReader).readString, []string{"contentMediaType", "contentEncoding"}},
		{(*schemaReader).readPattern, []string{"pattern"}},
		{(*schemaReader).readNumber, []string{"minimum", "maximum", "multipleOf"}},
		{(*schemaReader).readExclusive, []string{"exclusiveMinimum", "exclusiveMaximum"}},
		{(*schemaReader).readCount, []string{
			"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minContains", "maxContains",
		}},
		{(*schemaReader).readSchema, []string{
			"not", "if", "then", "else", "contains", "additionalProperties", "propertyNames",
			"unevaluatedItems", "unevaluatedProperties", "contentSchema",
		}},
		{(*schemaReader).readSchemas, []string{"allOf", "anyOf", "oneOf", "prefixItems"}},
		{(*schemaReader).readSchemaMap, []string{"patternProperties", "dependentSchemas"}},
		{(*schemaReader).readItems, []string{"items"}},
		{(*schemaReader).readProperties, []string{"properties"}},
		{(*schemaReader).readRequired, []string{"required"}},
		{(*schemaReader).readDependentRequired, []string{"dependentRequired"}},
		{(*schemaReader).readDependencies, []string{"dependencies"}},
		{(*schemaReader).readDiscriminator, []string{"discriminator"}},
		{(*schemaReader).readDynamic, []string{"$dynamicRef", "$recursiveRef"}},
		{(*schemaReader).readDialect, []string{"$schema"}},
		{(*schemaReader).readHeader, []string{"x-mcp-header"}},
	} {
		for _, name := range row.names {
			readers[name] = row.read
		}
	}
	return readers
}

// read normalizes all of s.in.
func (s *schemaReader) read() {
	s.readMembers(s.in.members)
	s.finish()
}

func (s *schemaReader) readMembers(members []member) {
	for _, m := range members {
		if reader := s.keywords[m.name]; reader != nil {
			reader(s, m.name, m.value)
		}
	}
}

// drop notes that the value of a keyword is not valid and not written.
func (s *schemaReader) drop(name string, value *node, why string) {
	s.lose(s.out, value, "%s is left out: %s", name, why)
}

func (s *schemaReader) readText(name string, value *node) {
	if value.kind != stringNode {
		return
	}
	text := plainText(value.text)
	if name == "title" {
		text = shorten(inOneLine(text), titleLimit)
	} else {
		text = shorten(text, descriptionLimit)
	}
	if text != "" {
		s.out.set(name, newString(text))
	}
}

// readValue keeps a value as it is, within reason.
func (s *schemaReader) readValue(name string, value *node) {
	if !quotable(value) {
		s.drop(name, value, "it is too large")
		return
	}
	s.out.set(name, value)
}

// quotedBytes bounds a value that a schema quotes: a default, a constant, an
// enum.
const quotedBytes = 64 << 10

// quotable tells whether a schema may quote a value: not when it is long, which
// a few aliases of YAML can make it, nor when it has numbers that no validator
// should be made to compute with.
func quotable(value *node) bool {
	if _, ok := valueOf(value, quotedBytes); !ok {
		return false
	}
	return modestNumbers(value)
}

func modestNumbers(value *node) bool {
	if value.kind == numberNode {
		return isModest(value.text)
	}
	for _, m := range value.members {
		if !modestNumbers(m.value) {
			return false
		}
	}
	return true
}

func (s *schemaReader) readBoolean(name string, value *node) {
	flag, ok := s.in.boolean(name)
	if !ok {
		s.drop(name, value, "it is not a boolean")
		return
	}
	if flag {
		s.out.set(name, newBool(true))
	}
}

func (s *schemaReader) readString(name string, value *node) {
	if value.kind != stringNode {
		s.drop(name, value, "it is not a string")
		return
	}
	s.out.set(name, value)
}

// readNumber keeps a number, also one that was quoted.
func (s *schemaReader) readNumber(name string, value *node) {
	text := strings.TrimSpace(value.text)
	v := jsontext.Value(text)
	if value.kind != numberNode && (value.kind != stringNode || v.Kind() != '0' || !v.IsValid()) {
		s.drop(name, value, "it is not a number")
		return
	}
	if !isModest(text) {
		s.drop(name, value, "it is too large")
		return
	}
	if name == "multipleOf" && !positive(text) {
		s.drop(name, value, "it is not above zero")
		return
	}
	s.out.set(name, &node{kind: numberNode, text: text})
}

// positive tells whether the text of a number is above zero.
func positive(text string) bool {
	return !strings.HasPrefix(text, "-") && strings.ContainsAny(strings.SplitN(strings.ToLower(text), "e", 2)[0], "123456789")
}

// readCount keeps a whole number that is not negative.
func (s *schemaReader) readCount(name string, value *node) {
	count, ok := wholeNumber(value)
	if !ok {
		s.drop(name, value, "it is not a whole number from 0")
		return
	}
	s.out.set(name, &node{kind: numberNode, text: count})
}

// wholeNumber writes 3, "3" and 3.0 as 3. Numbers beyond 64 bits bound nothing
// that exists and are not whole in this sense.
func wholeNumber(value *node) (text string, ok bool) {
	if value.kind != numberNode && value.kind != stringNode || len(value.text) > 40 {
		return "", false
	}
	if n, err := strconv.ParseUint(value.text, 10, 63); err == nil {
		return strconv.FormatUint(n, 10), true
	}
	if f, err := strconv.ParseFloat(value.text, 64); err != nil || f < 0 || f > 1<<53 {
		return "", false
	}
	r, ok := new(big.Rat).SetString(value.text)
	if !ok || !r.IsInt() {
		return "", false
	}
	return r.Num().String(), true
}

// readExclusive reads the number of 2020-12; the boolean of 3.0 and earlier
// makes the bound beside it exclusive.
func (s *schemaReader) readExclusive(name string, value *node) {
	exclusive, ok := s.in.boolean(name)
	if !ok {
		s.readNumber(name, value)
		return
	}
	bound := map[string]string{"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}[name]
	if exclusive && s.in.get(bound) == nil {
		s.drop(name, value, "there is no "+bound+" that it could make exclusive")
	}
}

func (s *schemaReader) readSchema(name string, value *node) {
	if flag, ok := s.in.boolean(name); ok {
		s.out.set(name, newBool(flag))
		return
	}
	if value.kind != objectNode {
		s.drop(name, value, "it is not a schema")
		return
	}
	s.out.set(name, s.convert(value))
}

func (s *schemaReader) readSchemas(name string, value *node) {
	if value.kind != arrayNode || len(value.members) == 0 {
		s.drop(name, value, "it is not a list of schemas")
		return
	}
	schemas := &node{kind: arrayNode, members: make([]member, 0, len(value.members))}
	for _, m := range value.members {
		schemas.add("", s.convert(m.value))
	}
	if name == "oneOf" && s.in.get("discriminator") != nil {
		// The discriminator selects the variant, which need not differ otherwise:
		// a value that fits several by their schemas is not at fault.
		name = "anyOf"
	}
	if name == "anyOf" && s.out.get(name) != nil { // both keywords, with a discriminator
		also := &node{kind: objectNode}
		also.add(name, schemas)
		name, schemas = "allOf", newArray(also)
	}
	if name == "allOf" {
		if parts := s.out.get(name); parts != nil {
			schemas = newArray(append(nodesOf(parts), nodesOf(schemas)...)...)
		}
	}
	s.out.set(name, schemas)
}

// readItems reads a schema, or the list of them that drafts before 2020-12 had
// for tuples.
func (s *schemaReader) readItems(name string, value *node) {
	if value.kind != arrayNode {
		s.readSchema(name, value)
		return
	}
	if len(value.members) > 0 {
		s.readSchemas("prefixItems", value)
	}
	if rest := s.in.get("additionalItems"); rest != nil {
		if flag, ok := s.in.boolean("additionalItems"); ok {
			s.out.set("items", newBool(flag))
		} else if rest.kind == objectNode {
			s.out.set("items", s.convert(rest))
		}
	}
}

func (s *schemaReader) readSchemaMap(name string, value *node) {
	if value.kind != objectNode {
		s.drop(name, value, "it is not an object of schemas")
		return
	}
	schemas := &node{kind: objectNode, members: make([]member, 0, len(value.members))}
	for _, m := range value.members {
		key := m.name
		if name == "patternProperties" {
			var why string
			if key, why = portablePattern(key); why != "" {
				s.drop(name, m.value, "the pattern "+strconv.Quote(m.name)+" "+why)
				continue
			}
		}
		schemas.add(key, s.convert(m.value))
	}
	if len(schemas.members) > 0 {
		s.out.set(name, schemas)
	}
}

// readProperties leaves out the properties that this direction does not have.
func (s *schemaReader) readProperties(name string, value *node) {
	if value.kind != objectNode {
		s.drop(name, value, "it is not an object of schemas")
		return
	}
	properties := &node{kind: objectNode, members: make([]member, 0, len(value.members))}
	for _, m := range value.members {
		if s.omits(m.value) {
			s.omitted = append(s.omitted, m.name)
			continue
		}
		if m.value.flag("required") {
			s.demanded = append(s.demanded, m.name)
		}
		properties.add(m.name, s.convert(m.value))
	}
	if len(properties.members) > 0 {
		s.out.set(name, properties)
	}
}

// omits tells whether a property is not part of this direction: it says so
// itself, or what it refers to does.
func (s *schemaReader) omits(property *node) bool {
	flag := "readOnly"
	if s.direction == response {
		flag = "writeOnly"
	}
	for range maxHops {
		ref := property.get("$ref")
		refers := ref.is(stringNode)
		if property.flag(flag) && (!refers || s.document.since31()) {
			return true
		}
		if !refers {
			return false
		}
		target, fault := s.document.target(property, ref)
		if fault != nil {
			return false
		}
		property = target
	}
	return false
}

// readRequired keeps the names; a boolean belongs to the object above and is
// read there.
func (s *schemaReader) readRequired(name string, value *node) {
	if _, ok := s.in.boolean(name); ok {
		return
	}
	names, ok := stringList(value)
	if !ok {
		s.drop(name, value, "it is not a list of names")
		return
	}
	s.out.set(name, newStrings(names))
}

// stringList are the strings of an array, each once.
func stringList(value *node) (texts []string, ok bool) {
	if !value.is(arrayNode) {
		return nil, false
	}
	for _, m := range value.members {
		if m.value.kind != stringNode && m.value.kind != numberNode && m.value.kind != boolNode {
			return nil, false
		}
		if !slices.Contains(texts, m.value.text) {
			texts = append(texts, m.value.text)
		}
	}
	return texts, true
}

func (s *schemaReader) readDependentRequired(name string, value *node) {
	if value.kind != objectNode {
		s.drop(name, value, "it is not an object of lists")
		return
	}
	lists := &node{kind: objectNode}
	for _, m := range value.members {
		names, ok := stringList(m.value)
		if !ok {
			s.drop(name, m.value, "it is not a list of names")
			continue
		}
		lists.add(m.name, newStrings(names))
	}
	s.out.set(name, lists)
}

// readDependencies splits the keyword of earlier drafts into the two that
// followed it.
func (s *schemaReader) readDependencies(name string, value *node) {
	required, schemas := &node{kind: objectNode}, &node{kind: objectNode}
	for _, m := range value.members {
		if names, ok := stringList(m.value); ok {
			required.add(m.name, newStrings(names))
		} else if m.value.kind == objectNode || m.value.kind == boolNode {
			schemas.add(m.name, s.convert(m.value))
		} else {
			s.drop(name, m.value, "it is neither a list of names nor a schema")
		}
	}
	if len(required.members) > 0 {
		s.out.set("dependentRequired", required)
	}
	if len(schemas.members) > 0 {
		s.out.set("dependentSchemas", schemas)
	}
}

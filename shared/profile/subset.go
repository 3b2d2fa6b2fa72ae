package profile

import (
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// The subset of OpenAPI 3.0 that Gemini takes as parameters (Gemini API reference, Schema:
// type, format, title, description, nullable, enum, maxItems, minItems, properties,
// required, minProperties, maxProperties, minLength, maxLength, pattern, anyOf,
// propertyOrdering, default, items, minimum, maximum; "Unknown name … Cannot find field"
// for others). A keyword must be one of its type ("field predicate failed: $type ==
// Type.ARRAY", anomalyco/opencode/pull/49392).
var (
	subsetGeneral = []string{"type", "title", "description", "nullable", "default"}
	subsetOfType  = map[string][]string{
		"object":  {"properties", "required", "minProperties", "maxProperties", "propertyOrdering"},
		"array":   {"items", "minItems", "maxItems"},
		"string":  {"enum", "format", "minLength", "maxLength", "pattern"},
		"number":  {"format", "minimum", "maximum"},
		"integer": {"format", "minimum", "maximum"},
		"boolean": {},
	}
	// subsetFormats: "only 'enum' and 'date-time' are supported for STRING type"
	// (hideya/langchain-mcp-tools-ts/issues/36); Schema, format, for the others.
	subsetFormats = map[string][]string{"string": {"date-time"}, "number": {"float", "double"}, "integer": {"int32", "int64"}}
)

// maxNodes bounds the schemas that are made of one: the subset has no references, and
// what they lead to stands in each place. What is beyond is described as anything of its
// type, as is a schema within itself.
const maxNodes = 5000

// header is not for models: by it a client knows what to repeat in headers.
const header = "x-mcp-header"

// subset makes the schema of the arguments, which has no combinations at its top, one of
// the subset.
func (a *adaptation) subset(input *object) *object {
	made := a.reduced(input, nil)
	made.take("anyOf")
	made.take("nullable")
	if name, _ := made.text("type"); name != "object" {
		made = &object{members: []member{{"type", quoted("object")}}}
	}
	return made
}

// reduced is the schema in the subset. The references that lead to it are those it is in.
func (a *adaptation) reduced(value any, refs []string) *object {
	s, ok := value.(*object)
	if !ok { // true, or false, which describes nothing that could be given
		s = &object{}
		if v, isValue := value.(jsontext.Value); isValue && v.Kind() == 'f' {
			s.say("Leave it out.")
		}
	}
	s, refs = a.plain(s, refs)
	if a.nodes++; a.nodes > maxNodes || len(refs) > maxDepth {
		a.dropped("what is nested too deeply")
		return anything(s)
	}
	a.constants(s)
	if made := a.split(s, refs); made != nil {
		return made
	}
	return a.typed(s, refs)
}

// plain is a copy of a schema without $ref and allOf.
func (a *adaptation) plain(s *object, refs []string) (*object, []string) {
	made := &object{members: slices.Clone(s.members)}
	for range maxCombined {
		ref := made.take("$ref")
		if ref == nil {
			break
		}
		a.dropped("$ref")
		target, ok := a.resolve(text(ref))
		if !ok {
			continue
		}
		if slices.Contains(refs, text(ref)) {
			return anything(target), refs
		}
		refs = append(slices.Clip(refs), text(ref))
		other := a.copy(target)
		other.take(header)
		made = a.copy(made)
		a.conjoin(made, withoutHeaders(other))
	}
	list, ok := made.list("allOf")
	if !ok {
		return made, refs
	}
	made = a.copy(made)
	made.take("allOf")
	a.dropped("allOf")
	for _, item := range list {
		if branch, ok := item.(*object); ok && len(refs) <= maxCombined {
			var plain *object
			plain, refs = a.plain(branch, append(slices.Clip(refs), ""))
			a.conjoin(made, a.copy(plain))
		}
	}
	return made, refs
}

// anything stands for a schema that is not described further.
func anything(s *object) *object {
	made := &object{}
	for _, keyword := range []string{"title", "description"} {
		if value := s.get(keyword); isText(value) {
			made.set(keyword, value)
		}
	}
	switch named := types(s); {
	case slices.Contains(named, "object") || s.has("properties"):
		made.set("type", quoted("object"))
	case len(named) > 0 && subsetOfType[named[0]] != nil:
		made.set("type", quoted(named[0]))
		if named[0] == "array" {
			made.set("items", anyValue())
		}
	default:
		return described(anyValue(), made)
	}
	return made
}

// anyValue is the schema of any value that is no list: the subset has no word for all.
func anyValue() *object {
	var list []any
	for _, name := range []string{"string", "number", "boolean", "object"} {
		list = append(list, &object{members: []member{{"type", quoted(name)}}})
	}
	return &object{members: []member{{"anyOf", list}}}
}

// described gives a schema what another one says for people, and puts that before all
// else.
func described(s, other *object) *object {
	made := &object{}
	for _, keyword := range []string{"title", "description", "nullable", "default"} {
		for _, from := range []*object{s, other} {
			if value := from.get(keyword); value != nil && !made.has(keyword) {
				made.set(keyword, value)
			}
		}
	}
	for _, m := range s.members {
		if !made.has(m.name) {
			made.members = append(made.members, m)
		}
	}
	return made
}

// constants makes of const and enum what the subset has: texts to choose from.
func (a *adaptation) constants(s *object) {
	if value := s.take("const"); value != nil {
		a.dropped("const")
		if !s.has("enum") {
			s.set("enum", []any{value})
		}
	}
	list, ok := s.list("enum")
	if !ok {
		s.take("enum")
		return
	}
	isNull := func(item any) bool { v, ok := item.(jsontext.Value); return ok && v.Kind() == 'n' }
	if slices.ContainsFunc(list, isNull) {
		list = slices.DeleteFunc(slices.Clone(list), isNull)
		s.set("nullable", jsontext.Value("true"))
		s.set("enum", list)
	}
	named := types(s)
	ofTexts := len(list) > 0 && !slices.ContainsFunc(list, func(item any) bool { return !isText(item) || text(item) == "" })
	if ofTexts && (named == nil || slices.Contains(named, "string")) {
		s.set("type", quoted("string"))
		return
	}
	if named == nil && len(list) > 0 && number(list[0]) {
		s.set("type", quoted("number"))
	}
	a.leave(s, "enum")
}

// split makes a schema that is one of several a list of them, each with what holds for
// all; nil for one that is not.
func (a *adaptation) split(s *object, refs []string) *object {
	branches, ok := s.list("anyOf")
	if other := s.take("oneOf"); other != nil {
		a.dropped("oneOf")
		if list, isList := other.([]any); isList && !ok {
			branches, ok = list, true
		}
	}
	s.take("anyOf")
	if named := types(s); !ok && len(named) > 1 {
		for _, name := range named {
			branches = append(branches, &object{members: []member{{"type", quoted(name)}}})
		}
		s.take("type")
		a.dropped("type of several")
	} else if !ok {
		return nil
	}
	rest, known := general(s), map[string]bool{}
	var list []any
	for _, item := range branches {
		branch, _ := item.(*object)
		if branch == nil || len(list) >= maxBranches {
			continue
		}
		if named := types(branch); len(named) == 1 && named[0] == "null" {
			s.set("nullable", jsontext.Value("true"))
			continue
		}
		one := a.copy(branch)
		a.conjoin(one, a.copy(rest))
		made := a.reduced(one, append(slices.Clip(refs), ""))
		if written := string(appendValue(nil, made)); !known[written] {
			known[written] = true
			list = append(list, made)
		}
	}
	switch len(list) {
	case 0:
		return described(anyValue(), s)
	case 1:
		made, _ := list[0].(*object)
		return described(made, s)
	}
	return described(&object{members: []member{{"anyOf", list}}}, s)
}

// general is a schema without what it says for people.
func general(s *object) *object {
	made := &object{}
	for _, m := range s.members {
		if m.name != "title" && m.name != "description" && m.name != "default" && m.name != "nullable" {
			made.members = append(made.members, m)
		}
	}
	return made
}

// typed is a schema of one type, with the keywords of that type.
func (a *adaptation) typed(s *object, refs []string) *object {
	name := typeOf(s)
	if name == "" {
		made := described(anyValue(), s)
		a.leaveOthers(s, made, slices.Concat(subsetGeneral, []string{header}))
		return described(made, &object{})
	}
	if s.has("type") {
		s.set("type", quoted(name))
	} else {
		s.members = slices.Insert(s.members, 0, member{"type", quoted(name)})
		a.dropped("type, which was not named")
	}
	made := &object{members: slices.Clone(s.members)}
	if format, ok := made.text("format"); made.has("format") && (!ok || !slices.Contains(subsetFormats[name], format)) {
		a.leave(made, "format")
	}
	a.leaveOthers(s, made, slices.Concat(subsetGeneral, subsetOfType[name], []string{header}))
	switch name {
	case "object":
		a.objectOf(made, refs)
	case "array":
		made.set("items", a.itemsOf(s, refs))
	}
	return made
}

// leaveOthers takes all keywords out of what is made of a schema but those.
func (a *adaptation) leaveOthers(s, made *object, keywords []string) {
	for _, m := range s.members {
		if slices.Contains(keywords, m.name) {
			continue
		}
		made.take(m.name)
		a.dropped(m.name)
		made.say(wordsFor(m.name, m.value))
	}
}

func (a *adaptation) objectOf(made *object, refs []string) {
	properties, ok := made.object("properties")
	if !ok {
		made.take("properties")
		made.take("required")
		return
	}
	reduced := &object{}
	for _, m := range properties.members {
		reduced.members = append(reduced.members, member{m.name, a.reduced(m.value, refs)})
	}
	made.set("properties", reduced)
	var required []string
	for _, name := range made.names("required") {
		if reduced.has(name) && !slices.Contains(required, name) {
			required = append(required, name)
		}
	}
	if made.take("required"); len(required) > 0 {
		made.set("required", texts(required))
	}
}

// itemsOf is the schema of the items of an array, which the subset needs ("items: missing
// field", kkrishnan90/gemini-desktop/pull/7).
func (a *adaptation) itemsOf(s *object, refs []string) *object {
	if items := s.get("items"); items != nil {
		return a.reduced(items, refs)
	}
	list, _ := s.list("prefixItems")
	if len(list) == 0 {
		return anyValue()
	}
	return a.reduced(&object{members: []member{{"anyOf", list}}}, refs)
}

// typeOf is the type of a schema, which it may not name; empty: any.
func typeOf(s *object) string {
	for _, name := range types(s) {
		if subsetOfType[name] != nil {
			return name
		}
	}
	for _, implied := range []struct{ keyword, name string }{
		{"properties", "object"}, {"required", "object"}, {"additionalProperties", "object"}, {"items", "array"}, {"prefixItems", "array"},
		{"pattern", "string"}, {"minLength", "string"}, {"maxLength", "string"}, {"format", "string"}, {"enum", "string"}, {"minimum", "number"}, {"maximum", "number"},
	} {
		if s.has(implied.keyword) {
			return implied.name
		}
	}
	return ""
}

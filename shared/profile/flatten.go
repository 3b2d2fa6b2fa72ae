package profile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// alternatives are the keywords by which a schema offers schemas to choose from, and what
// is said of them in words.
var alternatives = []struct{ keyword, words string }{
	{"oneOf", "Give exactly one of these sets of arguments: "},
	{"anyOf", "Give at least one of these sets of arguments: "},
}

// maxBranches bounds the alternatives that are made one, and maxCombined how deep they
// may be in one another.
const (
	maxBranches = 100
	maxCombined = 20
)

// flatten makes the schema of the arguments one object with properties: those of all
// alternatives. Arguments that were valid are valid by it too; which of them go together
// is said in words. It shares parts with the original.
func (a *adaptation) flatten(input *object) *object {
	kind, _ := input.text("type")
	needed := kind != "object" || input.has("$ref") || input.has("allOf") || input.has("oneOf") || input.has("anyOf") ||
		input.has("not") || input.has("enum") || input.has("const")
	if !needed {
		return input
	}
	made := a.combined(input, nil, true)
	for _, keyword := range []string{"not", "enum", "const"} {
		if value := made.take(keyword); value != nil {
			a.dropped(keyword)
			a.remark(wordsFor(keyword, value))
		}
	}
	if kind != "object" {
		made.set("type", quoted("object"))
		a.dropped("type, which was not object")
	}
	return made
}

// remark says something of the arguments as a whole.
func (a *adaptation) remark(words string) {
	if words != "" && !slices.Contains(a.notes, words) {
		a.notes = append(a.notes, words)
	}
}

// combined is a schema without references and combinations at its top. The references
// that lead to it are those it is in. Of the top itself the alternatives are said.
func (a *adaptation) combined(s *object, refs []string, top bool) *object {
	made := a.copy(s)
	if ref := made.take("$ref"); ref != nil {
		target, ok := a.resolve(text(ref))
		if ok && !slices.Contains(refs, text(ref)) && len(refs) < maxCombined {
			a.dropped("$ref")
			a.conjoin(made, withoutHeaders(a.combined(target, append(slices.Clip(refs), text(ref)), top)))
		} else {
			a.dropped("$ref, which leads nowhere")
		}
	}
	refs = append(slices.Clip(refs), "") // counts as one more
	for _, branch := range a.branches(made, "allOf", refs) {
		branch.take("additionalProperties")
		a.conjoin(made, branch)
	}
	for _, alternative := range alternatives {
		branches := a.branches(made, alternative.keyword, refs)
		if len(branches) == 0 {
			continue
		}
		if top {
			a.remark(choices(alternative.words, branches))
		}
		a.conjoin(made, a.union(branches))
	}
	return made
}

// branches takes the alternatives of a keyword out of a schema, each without references
// and combinations at its top.
func (a *adaptation) branches(s *object, keyword string, refs []string) []*object {
	taken := s.take(keyword)
	if taken == nil {
		return nil
	}
	a.dropped("top-level " + keyword)
	list, _ := taken.([]any)
	var branches []*object
	for _, item := range list {
		branch, ok := item.(*object)
		if !ok || len(refs) > maxCombined || len(branches) >= maxBranches {
			a.dropped("alternative of " + keyword)
			continue
		}
		branches = append(branches, withoutHeaders(a.combined(branch, refs, false)))
	}
	return branches
}

// withoutHeaders takes from properties that they are repeated in headers: what a client
// finds through a combination or a reference it must not repeat (2026-07-28,
// server/tools, x-mcp-header), and here it does not see that it was one.
func withoutHeaders(s *object) *object {
	if properties, ok := s.object("properties"); ok {
		for _, m := range properties.members {
			if property, ok := m.value.(*object); ok {
				property.take("x-mcp-header")
			}
		}
	}
	return s
}

// union is the object that has the properties of all alternatives, and requires those
// that all of them require.
func (a *adaptation) union(branches []*object) *object {
	made, properties := &object{}, &object{}
	var required []string
	for i, branch := range branches {
		own, _ := branch.object("properties")
		if own != nil {
			for _, m := range own.members {
				addAlternative(properties, m)
			}
		}
		names := branch.names("required")
		if i == 0 {
			required = names
		} else {
			required = slices.DeleteFunc(required, func(name string) bool { return !slices.Contains(names, name) })
		}
	}
	if len(properties.members) > 0 {
		made.set("properties", properties)
	}
	if len(required) > 0 {
		made.set("required", texts(required))
	}
	return made
}

// addAlternative adds a property to those of other alternatives. Where they have it too
// and say something else of it, it is one or the other.
func addAlternative(properties *object, m member) {
	before := properties.get(m.name)
	switch known, isObject := before.(*object); {
	case before == nil:
		properties.set(m.name, m.value)
	case equal(before, m.value):
	case isObject && len(known.members) == 1 && known.has("anyOf"):
		list, _ := known.list("anyOf")
		if !slices.ContainsFunc(list, func(one any) bool { return equal(one, m.value) }) {
			known.set("anyOf", append(list, m.value))
		}
	default:
		properties.set(m.name, &object{members: []member{{"anyOf", []any{before, m.value}}}})
	}
}

// conjoin adds to a schema what another one says that holds as well. Where both say
// something of the same, the first is kept, but for properties: what is left out is
// still held against the original.
func (a *adaptation) conjoin(s, other *object) {
	for _, m := range other.members {
		before := s.get(m.name)
		switch {
		case before == nil:
			s.set(m.name, m.value)
		case m.name == "required":
			names := s.names("required")
			for _, name := range other.names("required") {
				if !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
			s.set("required", texts(names))
		case m.name == "properties", m.name == "items":
			a.conjoinValues(before, m.value, m.name == "properties")
		case equal(before, m.value), m.name == "type", m.name == "description", m.name == "title", m.name == "$defs", m.name == "$schema":
		default:
			a.dropped(m.name + " said twice")
		}
	}
}

func (a *adaptation) conjoinValues(before, after any, properties bool) {
	s, ok := before.(*object)
	other, isObject := after.(*object)
	if !ok || !isObject {
		return
	}
	if !properties {
		a.conjoin(s, other)
		return
	}
	for _, m := range other.members {
		if of := s.get(m.name); of != nil {
			a.conjoinValues(of, m.value, false)
			continue
		}
		s.set(m.name, m.value)
	}
}

// choices say in words which arguments go together; empty where that is nothing.
func choices(words string, branches []*object) string {
	var list []string
	for _, branch := range branches {
		var parts []string
		for _, name := range branch.names("required") {
			parts = append(parts, name+constant(branch, name))
		}
		if said := strings.Join(parts, ", "); said != "" && !slices.Contains(list, said) {
			list = append(list, said)
		}
	}
	if len(list) < 2 {
		return ""
	}
	return words + strings.Join(list, "; ") + "."
}

// constant is the one value that a property of an alternative has, by which it is told
// from the others; empty for none.
func constant(branch *object, name string) string {
	properties, _ := branch.object("properties")
	if properties == nil {
		return ""
	}
	property, ok := properties.object(name)
	if !ok {
		return ""
	}
	value, ok := property.get("const").(jsontext.Value)
	if list, isList := property.list("enum"); !ok && isList && len(list) == 1 {
		value, ok = list[0].(jsontext.Value)
	}
	if !ok || len(value) > maxShort {
		return ""
	}
	return fmt.Sprintf(" = %s", value)
}

// resolve finds what a reference into the original schema leads to.
func (a *adaptation) resolve(ref string) (*object, bool) {
	path, ok := strings.CutPrefix(ref, "#")
	if !ok || path != "" && path[0] != '/' {
		return nil, false
	}
	var at any = a.root
	for part := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if path == "" {
			break
		}
		part = strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")
		switch v := at.(type) {
		case *object:
			at = v.get(part)
		case []any:
			i := 0
			if _, err := fmt.Sscanf(part, "%d", &i); err != nil || i < 0 || i >= len(v) {
				return nil, false
			}
			at = v[i]
		default:
			return nil, false
		}
	}
	found, ok := at.(*object)
	return found, ok
}

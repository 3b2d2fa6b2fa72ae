package profile

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"toolgate/shared/openapi"

	"github.com/go-json-experiment/json/jsontext"
)

// obeys checks that what was made is what the profile accepts, that it is a schema, and
// that it is not changed again.
func obeys(t *testing.T, p *Profile, got Tool) {
	t.Helper()
	parsed, err := parse(got.Definition)
	if err != nil {
		t.Fatalf("%s: %v", p.Name, err)
	}
	tool, _ := parsed.(*object)
	name, _ := tool.text("name")
	if p.NameLength > 0 && (name == "" || len(name) > p.NameLength || !madeOf(name, p.NameCharacters)) {
		t.Errorf("%s: the name %q", p.Name, name)
	}
	if said, _ := tool.text("description"); p.Description > 0 && utf8.RuneCountInString(said) > p.Description {
		t.Errorf("%s: a description of %d characters", p.Name, utf8.RuneCountInString(said))
	}
	if input, ok := tool.object("inputSchema"); ok {
		obeysSchema(t, p, input)
		if _, err := openapi.CompileSchema(appendValue(nil, input)); err != nil {
			t.Errorf("%s: the schema is none: %v\n%s", p.Name, err, got.Definition)
		}
	}
	again, err := p.Adapt(got.Definition, name)
	if err != nil {
		t.Fatalf("%s: %v", p.Name, err)
	}
	if string(again.Definition) != string(got.Definition) {
		t.Errorf("%s: adapted again\ngot  %s\nwant %s", p.Name, again.Definition, got.Definition)
	}
}

func madeOf(name string, characters Characters) bool {
	for i, r := range name {
		if !characters.takes(r, i == 0) {
			return false
		}
	}
	return true
}

func obeysSchema(t *testing.T, p *Profile, input *object) {
	t.Helper()
	if p.Flat {
		for _, keyword := range []string{"oneOf", "anyOf", "allOf", "not", "enum", "const", "$ref"} {
			if input.has(keyword) {
				t.Errorf("%s: %s at the top", p.Name, keyword)
			}
		}
		if name, _ := input.text("type"); name != "object" && input.has("type") {
			t.Errorf("%s: the type %q at the top", p.Name, name)
		}
	}
	if properties, ok := input.object("properties"); ok && p.ArgumentLength > 0 {
		for _, m := range properties.members {
			if m.name == "" || len(m.name) > p.ArgumentLength || !madeOf(m.name, p.ArgumentCharacters) {
				t.Errorf("%s: the argument %q", p.Name, m.name)
			}
		}
	}
	if p.Subset {
		inSubset(t, input, true)
	}
	if p.ItemsNeeded {
		hasItems(t, p, input)
	}
}

func hasItems(t *testing.T, p *Profile, s *object) {
	t.Helper()
	if isArray(s) && !s.has("items") {
		t.Errorf("%s: an array without items: %s", p.Name, appendValue(nil, s))
	}
	for _, m := range s.members {
		for _, part := range parts(m) {
			hasItems(t, p, part)
		}
	}
}

// inSubset states the subset anew.
func inSubset(t *testing.T, s *object, top bool) {
	t.Helper()
	name, typed := s.text("type")
	if list, ok := s.list("anyOf"); ok {
		if len(list) < 2 || typed || top {
			t.Errorf("anyOf of %d with the type %q", len(list), name)
		}
		for _, item := range list {
			one, ok := item.(*object)
			if !ok {
				t.Fatalf("got %s in anyOf, want a schema", appendValue(nil, item))
			}
			inSubset(t, one, false)
		}
	} else if !typed || !slices.Contains([]string{"object", "array", "string", "number", "integer", "boolean"}, name) {
		t.Errorf("the type %q in %s", name, appendValue(nil, s))
	}
	for _, m := range s.members {
		allowed := strings.Fields("type title description nullable default anyOf x-mcp-header")
		switch name {
		case "object":
			allowed = append(allowed, strings.Fields("properties required minProperties maxProperties propertyOrdering")...)
		case "array":
			allowed = append(allowed, strings.Fields("items minItems maxItems")...)
		case "string":
			allowed = append(allowed, strings.Fields("enum format minLength maxLength pattern")...)
		case "number", "integer":
			allowed = append(allowed, strings.Fields("format minimum maximum")...)
		}
		if !slices.Contains(allowed, m.name) {
			t.Errorf("%q in a schema of type %q", m.name, name)
		}
	}
	if items, ok := s.object("items"); ok {
		inSubset(t, items, false)
	} else if name == "array" {
		t.Error("an array without items")
	}
	for _, item := range first(s.list("enum")) {
		if !isText(item) {
			t.Errorf("got %s in enum, want texts", appendValue(nil, item))
		}
	}
	properties, _ := s.object("properties")
	for _, required := range s.names("required") {
		if properties == nil || !properties.has(required) {
			t.Errorf("%q is required and no property", required)
		}
	}
	if properties != nil {
		for _, m := range properties.members {
			of, ok := m.value.(*object)
			if !ok {
				t.Fatalf("got %s as a property, want a schema", appendValue(nil, m.value))
			}
			inSubset(t, of, false)
		}
	}
}

func first[T any](v T, _ bool) T { return v }

func FuzzAdapt(f *testing.F) {
	for _, seed := range []string{
		`{"name":"a/b","description":"d","inputSchema":{"type":"object","anyOf":[{"required":["a"]},{"$ref":"#/$defs/b"}],"properties":{"$a":{"type":["string","null"],"format":"x"}},"$defs":{"b":{"oneOf":[{"type":"null"},{"const":1}],"allOf":[{"items":false}]}}}}`,
		`{"name":"","inputSchema":{"allOf":[{"$ref":"#"}],"not":{},"enum":[{}],"properties":{"":true,"b":{"type":"array","prefixItems":[{},true]},"c":{"enum":[null,"",2]},"d":{"$ref":"#/properties/d"}},"required":["","z"]}}`,
		`{"name":"a","inputSchema":{"type":["object","null"],"properties":{"p":{"anyOf":[{"required":["a"]},{"type":"object"}],"properties":{"a":{"exclusiveMinimum":1,"deprecated":true}}}}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, definition []byte) {
		value := jsontext.Value(definition)
		if !value.IsValid() {
			return
		}
		valid := false // a schema that is none is not made one
		if parsed, err := parse(value); err == nil {
			if tool, ok := parsed.(*object); ok {
				if input, ok := tool.object("inputSchema"); ok && isText(tool.get("name")) {
					_, err := openapi.CompileSchema(appendValue(nil, input))
					valid = err == nil
				}
			}
		}
		for _, name := range KnownNames() {
			p := Known(name).For("server")
			own := ""
			if parsed, err := parse(value); err == nil {
				if tool, ok := parsed.(*object); ok {
					own, _ = tool.text("name")
				}
			}
			known := own
			if made, ok := p.Names([]string{own})[own]; ok {
				known = made
			}
			got, err := p.Adapt(value, known)
			if err != nil {
				continue
			}
			if !got.Definition.IsValid() {
				t.Fatalf("%s: got %s, want JSON", name, got.Definition)
			}
			if valid {
				obeys(t, p, got)
			}
		}
	})
}

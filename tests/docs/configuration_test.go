package docs_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"toolgate/tests/peer"

	"github.com/go-json-experiment/json/jsontext"
)

var update = flag.Bool("update", false, "write local/docs/configuration.md")

const configurationIntroduction = `# Configuration

Every key of ` + "`gateway.yaml`" + `. The page is generated from [gateway.schema.json](../../gateway.schema.json), which is also what editors complete from, and which the tests hold against what is read: do not edit it, run ` + "`go test ./tests/docs -run TestConfiguration -update`" + `.

In every text, ` + "`{{name}}`" + ` is replaced by the named value of that name; numbers and true or false may be one as well. Paths are relative to the folder of the file. An unknown key is a fault.

`

// TestConfiguration compares the page of configuration with gateway.schema.json. With
// -update it writes the page.
func TestConfiguration(t *testing.T) {
	root := peer.Root(t)
	data, err := os.ReadFile(filepath.Join(root, "gateway.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	schema, err := readSchema(data)
	if err != nil {
		t.Fatalf("reading gateway.schema.json: %v", err)
	}
	want := configurationPage(schema)
	file := filepath.Join(root, filepath.FromSlash(guides), "configuration.md")
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil || string(got) != want {
		t.Errorf("%s is stale, %v: go test ./tests/docs -run TestConfiguration -update writes it", file, err)
	}
	for _, s := range configurationSections(schema) {
		for _, m := range s.keys {
			if describe(schema, m.value) == "" {
				t.Errorf("gateway.schema.json: %q of %s has no description", m.name, s.name)
			}
		}
	}
}

// object is a JSON object in the order of its members.
type object []member

type member struct {
	name  string
	value any // object, []any, or jsontext.Value
}

// get is a member; nil when there is none.
func (o object) get(name string) any {
	for _, m := range o {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// text is a member that is a string; empty when there is none.
func (o object) text(name string) string {
	value, ok := o.get(name).(jsontext.Value)
	if !ok {
		return ""
	}
	text, _ := jsontext.AppendUnquote(nil, value)
	return string(text)
}

func (o object) object(name string) object {
	value, _ := o.get(name).(object)
	return value
}

func (o object) list(name string) []any {
	value, _ := o.get(name).([]any)
	return value
}

// texts are the strings of a list.
func (o object) texts(name string) (list []string) {
	for _, v := range o.list(name) {
		if value, ok := v.(jsontext.Value); ok {
			text, _ := jsontext.AppendUnquote(nil, value)
			list = append(list, string(text))
		}
	}
	return list
}

func readSchema(data []byte) (object, error) {
	value, err := readValue(jsontext.NewDecoder(bytes.NewReader(data)))
	if err != nil {
		return nil, err
	}
	schema, _ := value.(object)
	return schema, nil
}

// readValue reads the next value, with the order of members.
func readValue(d *jsontext.Decoder) (any, error) {
	switch d.PeekKind() {
	case '{':
		_, err := d.ReadToken()
		o := object{}
		for err == nil && d.PeekKind() != '}' {
			var name jsontext.Token
			if name, err = d.ReadToken(); err != nil {
				break
			}
			m := member{name: name.String()}
			m.value, err = readValue(d)
			o = append(o, m)
		}
		if err == nil {
			_, err = d.ReadToken()
		}
		return o, err
	case '[':
		_, err := d.ReadToken()
		list := []any{}
		for err == nil && d.PeekKind() != ']' {
			var v any
			v, err = readValue(d)
			list = append(list, v)
		}
		if err == nil {
			_, err = d.ReadToken()
		}
		return list, err
	}
	value, err := d.ReadValue()
	return value.Clone(), err
}

// section is a mapping of the configuration.
type section struct {
	name, description string
	schema            object
	keys              []member
}

// configurationSections are the file itself and the mappings of $defs, in their order.
func configurationSections(schema object) []section {
	list := []section{{name: "gateway.yaml", description: schema.text("description"), schema: schema, keys: schema.object("properties")}}
	for _, m := range schema.object("$defs") {
		def, _ := m.value.(object)
		if mapping := mappingOf(def); mapping != nil {
			list = append(list, section{name: m.name, description: def.text("description"), schema: mapping, keys: mapping.object("properties")})
		}
	}
	return list
}

// mappingOf is what has the keys of a definition: itself, or one of its forms that has
// no name of its own.
func mappingOf(def object) object {
	if def.get("properties") != nil {
		return def
	}
	for _, form := range def.list("anyOf") {
		if o, _ := form.(object); o.get("properties") != nil {
			return o
		}
	}
	return nil
}

// valueDefs are definitions of single values that have a description of their own.
func valueDefs(schema object) (list []member) {
	for _, m := range schema.object("$defs") {
		def, _ := m.value.(object)
		if m.name != "replaced" && mappingOf(def) == nil && def.text("description") != "" && len(def.list("oneOf")) == 0 && isValue(def) {
			list = append(list, m)
		}
	}
	return list
}

// isValue reports whether the definition is text or a number of a certain form.
func isValue(def object) bool {
	if def.text("type") == "string" {
		return true
	}
	forms := def.list("anyOf")
	return len(forms) > 0 && !slices.ContainsFunc(forms, func(form any) bool {
		o, _ := form.(object)
		return o.text("type") == "" && o.get("pattern") == nil && o.text("$ref") != "#/$defs/replaced" || o.text("type") == "array"
	})
}

func configurationPage(schema object) string {
	var b strings.Builder
	b.WriteString(configurationIntroduction)
	sections := configurationSections(schema)
	users := usersOf(schema, sections)
	for _, s := range sections {
		fmt.Fprintf(&b, "## %s\n\n", s.name)
		if s.description != "" {
			b.WriteString(s.description + "\n\n")
		}
		if places := users[s.name]; len(places) > 0 {
			fmt.Fprintf(&b, "At: %s.\n\n", strings.Join(places, ", "))
		}
		b.WriteString("| key | type | default | description |\n|---|---|---|---|\n")
		writeKeys(&b, schema, s.schema, "")
		b.WriteString("\n")
		for _, sentence := range conditions(s.schema) {
			fmt.Fprintf(&b, "%s\n\n", sentence)
		}
	}
	b.WriteString("## Values\n\n")
	for _, m := range valueDefs(schema) {
		def, _ := m.value.(object)
		fmt.Fprintf(&b, "### %s\n\n%s%s\n\n", m.name, def.text("description"), example(def))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// usersOf are the keys where a section stands, by the names of sections.
func usersOf(schema object, sections []section) map[string][]string {
	users := map[string][]string{}
	var add func(place string, v any)
	add = func(place string, v any) {
		switch v := v.(type) {
		case object:
			name, def := definition(schema, v)
			switch {
			case def == nil:
			case mappingOf(def) == nil:
				add(place, def) // a choice, of which one may be a section
			case !slices.Contains(users[name], place):
				users[name] = append(users[name], place)
			}
			for _, m := range v {
				if m.name != "examples" && m.name != "default" {
					add(place, m.value)
				}
			}
		case []any:
			for _, e := range v {
				add(place, e)
			}
		}
	}
	for _, s := range sections {
		for _, m := range s.keys {
			add(fmt.Sprintf("`%s` of [%s](#%s)", m.name, s.name, anchor(s.name)), m.value)
		}
	}
	return users
}

// writeKeys writes the rows of a mapping, and of those that stand in it without a name.
func writeKeys(b *strings.Builder, schema, mapping object, prefix string) {
	required := mapping.texts("required")
	for _, m := range mapping.object("properties") {
		key, _ := m.value.(object)
		name := "`" + prefix + m.name + "`"
		if slices.Contains(required, m.name) {
			name += " (required)"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", name, typeOf(schema, key),
			cell(jsonText(inherited(schema, key, "default"))), strings.ReplaceAll(describe(schema, key)+example(resolved(schema, key)), "|", `\|`))
		if key.get("properties") != nil {
			writeKeys(b, schema, key, prefix+m.name+".")
		}
	}
}

// cell is text as code of a table; empty stays empty.
func cell(text string) string {
	if text == "" {
		return ""
	}
	return "`" + strings.ReplaceAll(text, "|", `\|`) + "`"
}

// definition is what a $ref names: a definition, or something within one, which has no
// name.
func definition(schema, key object) (name string, def object) {
	pointer, ok := strings.CutPrefix(key.text("$ref"), "#/")
	if !ok {
		return "", nil
	}
	def = schema
	for step := range strings.SplitSeq(pointer, "/") {
		def = def.object(step)
	}
	if name, ok = strings.CutPrefix(pointer, "$defs/"); !ok || strings.Contains(name, "/") {
		name = ""
	}
	return name, def
}

// inherited is a member of a schema, or of what it refers to.
func inherited(schema, key object, name string) any {
	for range 8 {
		if value := key.get(name); value != nil {
			return value
		}
		_, def := definition(schema, key)
		if def == nil {
			return nil
		}
		key = def
	}
	return nil
}

// resolved is a key with the example of what it refers to, where it has none and that is
// no section of its own.
func resolved(schema, key object) object {
	_, def := definition(schema, key)
	if key.get("examples") != nil || def == nil || mappingOf(def) != nil {
		return key
	}
	return def
}

// describe is the description of a key: its own, or of what it refers to.
func describe(schema object, key any) string {
	o, _ := key.(object)
	value, _ := inherited(schema, o, "description").(jsontext.Value)
	text, _ := jsontext.AppendUnquote(nil, value)
	return string(text)
}

// example is a sentence with the first example.
func example(key object) string {
	examples := key.list("examples")
	if len(examples) == 0 {
		return ""
	}
	return " Example: `" + jsonText(examples[0]) + "`."
}

// jsonText writes a value in one line; text without quotes, and nothing for nil.
func jsonText(v any) string {
	switch v := v.(type) {
	case jsontext.Value:
		if v.Kind() == '"' {
			text, _ := jsontext.AppendUnquote(nil, v)
			return string(text)
		}
		return string(v)
	case object:
		var members []string
		for _, m := range v {
			members = append(members, m.name+": "+quoted(m.value))
		}
		return "{ " + strings.Join(members, ", ") + " }"
	case []any:
		var elements []string
		for _, e := range v {
			elements = append(elements, quoted(e))
		}
		return "[ " + strings.Join(elements, ", ") + " ]"
	}
	return ""
}

// quoted is jsonText within a flow of YAML, where some texts need their quotes.
func quoted(v any) string {
	if value, ok := v.(jsontext.Value); ok && value.Kind() == '"' && strings.ContainsAny(jsonText(v), `{}[],:#&*!|>'"%@ `) {
		return string(value)
	}
	return jsonText(v)
}

// typeOf says what a value may be.
func typeOf(schema, key object) string {
	if name, def := definition(schema, key); def != nil {
		return typeOfDefinition(schema, name, def)
	}
	if enum := key.list("enum"); enum != nil {
		var values []string
		for _, v := range enum {
			values = append(values, cell(jsonText(v)))
		}
		return strings.Join(values, ", ")
	}
	if forms := slices.Concat(key.list("anyOf"), key.list("oneOf")); len(forms) > 0 && key.get("properties") == nil {
		return typeOfForms(schema, forms)
	}
	if kinds := key.texts("type"); len(kinds) > 0 {
		var forms []any
		for _, kind := range kinds {
			forms = append(forms, object{{name: "type", value: jsontext.Value(`"` + kind + `"`)}})
		}
		return typeOfForms(schema, forms)
	}
	switch key.text("type") {
	case "string":
		return "text"
	case "boolean":
		return "true or false"
	case "integer":
		return "whole number" + bounds(key)
	case "number":
		return "number" + bounds(key)
	case "array":
		return "list of " + typeOf(schema, key.object("items"))
	case "object":
		if value := key.object("additionalProperties"); value != nil {
			return "by name: " + typeOf(schema, value)
		}
		return "mapping"
	}
	return "any value"
}

func typeOfDefinition(schema object, name string, def object) string {
	switch {
	case name == "text":
		return "text"
	case name == "boolean":
		return "true or false"
	case def.get("properties") != nil,
		mappingOf(def) != nil,
		slices.ContainsFunc(valueDefs(schema), func(m member) bool { return m.name == name }):
		return fmt.Sprintf("[%s](#%s)", name, anchor(name))
	}
	return typeOf(schema, def)
}

// typeOfForms says each form once. That text may have named values stands at the
// beginning of the page.
func typeOfForms(schema object, forms []any) string {
	var list []string
	for _, form := range forms {
		o, _ := form.(object)
		if o.text("$ref") == "#/$defs/replaced" {
			continue
		}
		if text := typeOf(schema, o); !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return strings.Join(list, ", or ")
}

// bounds are those of a number.
func bounds(key object) string {
	least, most := jsonText(key.get("minimum")), jsonText(key.get("maximum"))
	switch {
	case least != "" && most != "":
		return ", " + least + " to " + most
	case least != "":
		return ", at least " + least
	}
	return ""
}

// conditions are sentences for what a mapping needs besides required keys.
func conditions(mapping object) (list []string) {
	for _, all := range append([]any{mapping}, mapping.list("allOf")...) {
		o, _ := all.(object)
		for keyword, sentence := range map[string]string{"oneOf": "Exactly one of %s is needed.", "anyOf": "One of %s is needed."} {
			var choices []string
			for _, form := range o.list(keyword) {
				choice, _ := form.(object)
				if keys := choice.texts("required"); len(keys) > 0 {
					choices = append(choices, "`"+strings.Join(keys, "` with `")+"`")
				}
			}
			if len(choices) > 1 {
				list = append(list, fmt.Sprintf(sentence, strings.Join(choices, ", ")))
			}
		}
	}
	for _, m := range mapping.object("dependentRequired") {
		list = append(list, fmt.Sprintf("`%s` needs `%s`.", m.name, strings.Join(mapping.object("dependentRequired").texts(m.name), "` and `")))
	}
	return list
}

package projection

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

func compiled(t *testing.T, text string) *Expression {
	t.Helper()
	e, err := Compile(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return e
}

func TestApply(t *testing.T) {
	const answer = `{"items":[{"id":12345678901234567890,"n":1.50,"who":{"name":"Ann"}},{"id":2,"n":2e2,"who":{"name":"Bo"}}],"next":null,"tiny":1e-999}`
	for _, tt := range []struct{ expression, want string }{
		{"items[].id", `[12345678901234567890,2]`},
		{"items[].{who: who.name, id: id}", `[{"id":12345678901234567890,"who":"Ann"},{"id":2,"who":"Bo"}]`},
		{"items[?n > `100`].who.name", `["Bo"]`},
		{"sum(items[].n)", `201.5`},
		{"items[0]", `{"id":12345678901234567890,"n":1.5,"who":{"name":"Ann"}}`},
		{"nothing", `null`},
		{"items[5:]", `[]`},
		{"tiny", `1e-999`},
		{"sort_by(items, &who.name)[-1].who.name", `"Bo"`},
	} {
		got, err := compiled(t, tt.expression).Apply(jsontext.Value(answer))
		if err != nil || string(got) != tt.want {
			t.Errorf("%s: got %s, %v, want %s", tt.expression, got, err, tt.want)
		}
	}
}

// What cannot be selected is an error, and never a panic.
func TestApplyFails(t *testing.T) {
	for _, tt := range []struct{ expression, answer string }{
		{"length(a)", `{"a":1}`},
		{"a / b", `{"a":1,"b":0}`},
		{"a", `{"a":1,"a":2}`},
		{"a", `{`},
		{"&a", `{}`},
	} {
		if got, err := compiled(t, tt.expression).Apply(jsontext.Value(tt.answer)); err == nil {
			t.Errorf("%s over %s: got %s, want an error", tt.expression, tt.answer, got)
		}
	}
}

func TestCompileFails(t *testing.T) {
	for _, tt := range []struct {
		expression string
		column     int
	}{
		{"", 1}, {"items[", 7}, {"items[].{id}", 12}, {"é.b", 1}, {"\"é\" ?? b", 5}, {"a\u0080", 2}, {"lengt(a)", 1}, {"a | foo(b)", 5}, {"a[`1`]", 4}, {"a || `{`", 1},
	} {
		_, err := Compile(tt.expression)
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Column != tt.column {
			t.Errorf("%q: got %v, want an error at character %d", tt.expression, err, tt.column)
		}
	}
	_, err := Compile("lengt(a)")
	if e, ok := errors.AsType[*Error](err); !ok || e.Name != "lengt" || !slices.Contains(e.Near, "length") {
		t.Errorf("got %#v", err)
	}
}

// An expression that is nested without end is refused, and does not fill the stack.
func TestLongExpression(t *testing.T) {
	for _, open := range []string{"!", "(", "[", "*[", "a[?"} {
		_, err := Compile(strings.Repeat(open, 4<<20/len(open)))
		if at, ok := errors.AsType[*Error](err); !ok || at.Column != 1 || !strings.Contains(at.Message, "16384 at most") {
			t.Errorf("%s: got %v", open, err)
		}
		if _, err := Compile(strings.Repeat(open, maxText/len(open))); err == nil {
			t.Errorf("%s: got no error", open)
		}
	}
	if _, err := Compile("a" + strings.Repeat(".a", maxText/2-1)); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestSchema(t *testing.T) {
	const schema = `{"type":"object","required":["items"],"properties":{
		"items":{"type":"array","items":{"$ref":"#/$defs/Item"}},
		"map":{"type":"object","additionalProperties":{"type":"string","description":"A text."}},
		"choice":{"oneOf":[{"properties":{"x":{"description":"One."}}},{"properties":{"x":{"description":"Two."}}}]}},
		"$defs":{"Item":{"type":"object","properties":{"id":{"type":"integer","description":"The id."},"parent":{"$ref":"#/$defs/Item"},"tags":{"type":"array","items":{"type":"array","items":{"description":"A tag."}}}}},
		"Unused":{"type":"string"}}}`
	for _, tt := range []struct{ expression, want, definitions string }{
		{"items[].id", `{"items":{"description":"The id."}}`, ""},
		{"items[].{id: id, up: parent}", `{"items":{"properties":{"id":{"description":"The id."},"up":{"$ref":"#/$defs/Item"}}}}`, "Item"},
		{"items[0].[id, parent.id]", `{"prefixItems":[{"description":"The id."},{"description":"The id."}]}`, ""},
		{"items[].tags[][]", `{"items":{"description":"A tag."}}`, ""},
		{"items[?id == `1`] | [0].id", `{"description":"The id."}`, ""},
		{"sort_by(items, &id)[1:].id", `{"items":{"description":"The id."}}`, ""},
		{"map(&id, items)", `{"items":{"description":"The id."}}`, ""},
		{"max_by(items, &id).id || 'none'", `{"description":"The id."}`, ""},
		{"map.*", `{"items":{"description":"A text."}}`, ""},
		{"choice.x", `{"anyOf":[{"description":"One."},{"description":"Two."}]}`, ""},
		{"length(items)", `{}`, ""},
		{"nothing.at[].all", `{}`, ""},
	} {
		got, definitions, err := compiled(t, tt.expression).Schema(jsontext.Value(schema))
		if err != nil || string(got) != tt.want || strings.Contains(string(definitions), `"Item"`) != (tt.definitions != "") || strings.Contains(string(definitions), "Unused") {
			t.Errorf("%s: got %s, %s, %v, want %s", tt.expression, got, definitions, err, tt.want)
		}
	}
}

// A schema that unfolds without end, as a server behind may give one, is described
// within bounds.
func TestSchemaIsBounded(t *testing.T) {
	nine := strings.TrimSuffix(strings.Repeat(`{"$ref":"#/$defs/A"},`, 9), ",")
	schema := `{"$ref":"#/$defs/A","$defs":{"A":{"description":"` + strings.Repeat("x", 5000) + `","anyOf":[` + nine + `],"items":{"anyOf":[` + nine + `]}}}}`
	for _, expression := range []string{"a.b.c", "[][][].a", "@", "[[@,@,@],[@,@,@],[@,@,@]].[@,@]"} {
		result, definitions, err := compiled(t, expression).Schema(jsontext.Value(schema))
		if err != nil || len(result)+len(definitions) > 2*maxDescription {
			t.Errorf("%s: got %d and %d bytes, %v", expression, len(result), len(definitions), err)
		}
	}
}

func TestCut(t *testing.T) {
	long := strings.Repeat("x", 50)
	for _, tt := range []struct {
		name, value string
		from        int
		budget      Budget
		want        string
		page        Page
	}{
		{"all", `[1, 2, 3]`, 0, Budget{Bytes: 100}, `[1,2,3]`, Page{Total: 3, Next: 3}},
		{"first page", `[1,2,3]`, 0, Budget{Items: 2, Bytes: 100}, `[1,2]`, Page{Total: 3, Next: 2}},
		{"last page", `[1,2,3]`, 2, Budget{Items: 2, Bytes: 100}, `[3]`, Page{Total: 3, Next: 3}},
		{"behind the end", `[1,2,3]`, 7, Budget{Items: 2, Bytes: 100}, `[]`, Page{Total: 3, Next: 3}},
		{"no room", `[111,222,333]`, 0, Budget{Bytes: 9}, `[111,222]`, Page{Total: 3, Next: 2}},
		{"in an object", `{"n":3,"items":[1,2,3]}`, 1, Budget{Items: 1, Bytes: 100}, `{"n":3,"items":[2]}`, Page{Total: 3, Next: 2}},
		{"two lists are none", `{"a":[1],"b":[2]}`, 0, Budget{Items: 1, Bytes: 100}, `{"a":[1],"b":[2]}`, Page{}},
		{"an item too large", `[1,"` + long + `",3]`, 0, Budget{Bytes: 20}, `[1,3]`, Page{Total: 3, Next: 3, Omitted: 1}},
		{"an item too large counts", `["` + long + `",3]`, 0, Budget{Items: 1, Bytes: 20}, `[]`, Page{Total: 2, Next: 1, Omitted: 1}},
		{"members", `{"id":1,"text":"` + long + `"}`, 0, Budget{Bytes: 20}, `{"id":1}`, Page{Members: []string{"text"}}},
		{"members around a list", `{"text":"` + long + `","items":[1]}`, 0, Budget{Bytes: 20}, `{"items":[1]}`, Page{Members: []string{"text"}}},
		{"a text", `"` + long + `"`, 0, Budget{Bytes: 20}, `null`, Page{Omitted: 1}},
		{"an empty list", `[]`, 0, Budget{Items: 1, Bytes: 20}, `[]`, Page{}},
	} {
		got, err := Cut(jsontext.Value(tt.value), tt.from, tt.budget)
		if err != nil || string(got.Value) != tt.want || got.Total != tt.page.Total || got.Next != tt.page.Next ||
			got.Omitted != tt.page.Omitted || !slices.Equal(got.Members, tt.page.Members) {
			t.Errorf("%s: got %s %+v, %v, want %s %+v", tt.name, got.Value, got, err, tt.want, tt.page)
		}
	}
}

func TestDefine(t *testing.T) {
	s := Shape{Select: compiled(t, "[].id"), Paged: true, Wrapped: true}
	for _, tt := range []struct{ name, definition, want string }{
		{"all", `{"name":"a","inputSchema":{"type":"object","properties":{"q":{}}},"outputSchema":{"type":"object","properties":{"result":{"items":{"properties":{"id":{"description":"I."}}}}}}}`,
			`{"name":"a","inputSchema":{"type":"object","properties":{"q":{},"pageCursor":` + cursorSchema + `}},"outputSchema":{"type":"object","properties":{"result":{"items":{"description":"I."}},"more":` + moreSchema + `}}}`},
		{"no arguments", `{"inputSchema":{"type":"object"}}`, `{"inputSchema":{"type":"object","properties":{"pageCursor":` + cursorSchema + `}}}`},
		{"empty", `{"inputSchema":{}}`, `{"inputSchema":{"properties":{"pageCursor":` + cursorSchema + `}}}`},
		{"no properties", `{"inputSchema":{"properties":{}}}`, `{"inputSchema":{"properties":{"pageCursor":` + cursorSchema + `}}}`},
		{"its own", `{"inputSchema":{"properties":{"pageCursor":{"type":"integer"}}}}`, `{"inputSchema":{"properties":{"pageCursor":` + cursorSchema + `}}}`},
	} {
		got, err := s.Define(jsontext.Value(tt.definition))
		if err != nil || string(got) != tt.want || !got.IsValid() {
			t.Errorf("%s: got %s, %v, want %s", tt.name, got, err, tt.want)
		}
	}
}

func FuzzExpression(f *testing.F) {
	f.Add("items[].{id: id}", `{"items":[{"id":1}]}`, 1, 30)
	f.Add("a[?b == `1`] | [0]", `{"a":[{"b":1}]}`, 0, 10)
	f.Add("a\u0080", `[1,2,3]`, 0, 4)
	f.Fuzz(func(t *testing.T, text, value string, from, size int) {
		e, err := Compile(text)
		if err != nil {
			if at, ok := errors.AsType[*Error](err); !ok || at.Column < 1 {
				t.Fatalf("%q: got %v, want an error with a place", text, err)
			}
			return
		}
		if !jsontext.Value(value).IsValid() {
			return
		}
		if schema, definitions, err := e.Schema(jsontext.Value(value)); err == nil && (!schema.IsValid() || definitions != nil && !definitions.IsValid()) {
			t.Fatalf("%q: the schema is %s, %s", text, schema, definitions)
		}
		selected, err := e.Apply(jsontext.Value(value))
		if err != nil {
			return
		}
		page, err := Cut(selected, from, Budget{Items: 2, Bytes: max(4, size)})
		if err != nil || !page.Value.IsValid() || len(page.Value) > max(4, size) {
			t.Fatalf("%q over %s: the page is %s, %v", text, selected, page.Value, err)
		}
	})
}

package openapi

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// schemaMaker makes random schemas of bodies in flow YAML, out of a few names so
// that parts meet.
type schemaMaker struct{ *rand.Rand }

func (m schemaMaker) scalar() string {
	return []string{
		"{type: string}", "{type: integer}", "{type: string, enum: [x, y]}", "{type: integer, minimum: 2}",
		"{type: boolean}", "{}", "{type: string, nullable: true}", "{$ref: '#/components/schemas/S'}",
	}[m.IntN(8)]
}

func (m schemaMaker) object(depth int) string {
	var parts []string
	if m.IntN(3) > 0 {
		parts = append(parts, "type: object")
	}
	var properties, required []string
	for _, name := range []string{"a", "b", "c"} {
		if m.IntN(2) == 0 {
			properties = append(properties, name+": "+m.scalar())
		}
		if m.IntN(4) == 0 {
			required = append(required, name)
		}
	}
	if len(properties) > 0 {
		parts = append(parts, "properties: {"+strings.Join(properties, ", ")+"}")
	}
	if len(required) > 0 {
		parts = append(parts, "required: ["+strings.Join(required, ", ")+"]")
	}
	switch m.IntN(8) {
	case 0:
		parts = append(parts, "additionalProperties: false")
	case 1:
		parts = append(parts, "additionalProperties: "+m.scalar())
	case 2:
		parts = append(parts, fmt.Sprintf("minProperties: %d", m.IntN(3)))
	}
	if depth > 0 && m.IntN(2) == 0 {
		var all []string
		for range 1 + m.IntN(3) {
			part := m.object(depth - 1)
			if m.IntN(3) == 0 {
				part = fmt.Sprintf("{$ref: '#/components/schemas/O%d'}", m.IntN(3))
			}
			all = append(all, part)
		}
		parts = append(parts, "allOf: ["+strings.Join(all, ", ")+"]")
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// value is a random object of the names that the schemas have.
func (m schemaMaker) value() jsontext.Value {
	var members []string
	for _, name := range []string{"a", "b", "c"} {
		if m.IntN(3) > 0 {
			members = append(members, fmt.Sprintf("%q:%s", name, []string{`"x"`, `"z"`, "1", "3", "true", "null"}[m.IntN(6)]))
		}
	}
	return jsontext.Value("{" + strings.Join(members, ",") + "}")
}

// TestFlattenedBodiesMeanTheSame makes random bodies and random values. Where a
// body became arguments of their own, these must be accepted exactly if the
// schema of the body accepts the object they make up, but for properties that
// the document does not list.
func TestFlattenedBodiesMeanTheSame(t *testing.T) {
	m := schemaMaker{rand.New(rand.NewPCG(7, 11))}
	flattened, accepted := 0, 0
	for range 400 {
		text := withOperation("3.0", jsonBodyOf(m.object(2))) + "components:\n  schemas:\n    S: {type: string, maxLength: 1}\n"
		for i := range 3 {
			text += fmt.Sprintf("    O%d: %s\n", i, m.object(0))
		}
		d := parseText(t, text)
		tool, verdict := d.Tool(d.Operations[0], "tool", ToolOptions{})
		if tool == nil {
			t.Fatalf("%v: %s", verdict, text)
		}
		if tool.Binding.Body.Arg != "" {
			continue
		}
		flattened++
		body := d.inputs.schema(d.Operations[0].node.at("requestBody", "content", "application/json", "schema"))
		rendered, _ := renderSchema(body, maxRendered)
		whole, arguments := compiled(t, string(rendered)), compiled(t, string(tool.InputSchema))
		for range 40 {
			value := m.value()
			if !onlyListed(tool, value) {
				continue
			}
			got, want := arguments.Check(value), whole.CheckValue(value)
			if (got == nil) != (want == nil) {
				t.Fatalf("%s: got %v for the arguments %s and %v for the body %s", value, got, tool.InputSchema, want, rendered)
			}
			if got == nil {
				accepted++
			}
		}
	}
	if flattened < 50 || accepted < 200 {
		t.Errorf("got %d bodies with %d accepted values, which is too few to tell", flattened, accepted)
	}
}

// onlyListed tells whether all members of a value are arguments, or the body
// takes others.
func onlyListed(tool *Tool, value jsontext.Value) bool {
	for name := range jsonMembers(value) {
		if tool.Binding.property(string(name)) == nil && !tool.Binding.Body.Rest {
			return false
		}
	}
	return true
}

// property is the property of the body with that name, or nil.
func (b *Binding) property(name string) *BodyProperty {
	for i := range b.Body.Properties {
		if b.Body.Properties[i].Name == name {
			return &b.Body.Properties[i]
		}
	}
	return nil
}

// TestConvertedToolsBind binds arguments by the bindings that documents gave.
func TestConvertedToolsBind(t *testing.T) {
	tests := []struct{ document, operation, args, want string }{
		{"petstore-2.0.yaml", "listPets", `{"limit":5,"status":["sold","reserved"],"color":["red","blue"],"X-Request-Id":"r1"}`, "GET /pets?limit=5&status=sold&status=reserved&color=red%7Cblue r1 "},
		{"petstore-2.0.yaml", "addPet", `{"name":"Rex","weight":12.50,"parents":[]}`, `POST /pets? {"name":"Rex","weight":12.50,"parents":[]}`},
		{"petstore-2.0.yaml", "placeOrder", `{"pet":7,"options":["a","b"]}`, "POST /orders? pet=7&options=a,b"},
		{"petstore-3.0.json", "pets/list", `{"filter":{"color":"red","olderThan":3},"near":{"lat":1.0,"lon":2}}`, "GET /pets?filter%5Bcolor%5D=red&filter%5BolderThan%5D=3&near=%7B%22lat%22%3A1.0%2C%22lon%22%3A2%7D "},
		{"petstore-3.0.json", "pets/move", `{"id_in_path":1,"id":2}`, `PATCH /pets/1? {"id":2}`},
		{"petstore-3.0.json", "pets/move", `{"id_in_path":1}`, `PATCH /pets/1? `},
		{"petstore-3.0.json", "orders/place", `{"buyer":{"kind":"Person"},"pets":[1]}`, `POST /orders? {"pets":[1],"buyer":{"kind":"Person"}}`},
		{"petstore-3.0.json", "POST /search", `{"body":"red"}`, `POST /search? "red"`},
	}
	for _, tt := range tests {
		t.Run(tt.operation, func(t *testing.T) {
			d := parseFile(t, tt.document)
			tool, verdict := d.Tool(operationOf(t, d, tt.operation), "tool", ToolOptions{})
			if tool == nil {
				t.Fatal(verdict)
			}
			if err := compiled(t, string(tool.InputSchema)).Check(jsontext.Value(tt.args)); err != nil {
				t.Fatal(err)
			}
			r, err := tool.Binding.Bind(jsontext.Value(tt.args))
			if err != nil {
				t.Fatal(err)
			}
			got := r.Method + " " + r.Path + "?" + r.RawQuery + " "
			if id := r.Header.Get("X-Request-Id"); id != "" {
				got += id + " "
			}
			if got += string(r.Body); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

package openapi

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

func TestSample(t *testing.T) {
	const components = `
components:
  schemas:
    Node: {type: object, required: [next], properties: {id: {type: integer}, next: {$ref: '#/components/schemas/Node'}, list: {type: array, items: {$ref: '#/components/schemas/Node'}}}}
    Named: {type: object, properties: {name: {type: string}}}
`
	for _, c := range []struct{ schema, want string }{
		{`{}`, `{}`},
		{`{type: string}`, `"string"`},
		{`{type: string, minLength: 8}`, `"stringst"`},
		{`{type: string, maxLength: 3}`, `"str"`},
		{`{type: string, minLength: 5000000}`, `"` + strings.Repeat("string", 167)[:1000] + `"`},
		{`{type: string, format: date-time}`, `"2026-01-01T00:00:00Z"`},
		{`{type: string, format: byte}`, `"c3RyaW5n"`},
		{`{type: string, enum: [b, a]}`, `"b"`},
		{`{type: string, default: d, example: e}`, `"e"`},
		{`{type: boolean}`, `true`},
		{`{type: integer}`, `0`},
		{`{type: integer, minimum: 3}`, `3`},
		{`{type: integer, minimum: 3, exclusiveMinimum: true}`, `4`},
		{`{type: integer, maximum: -2}`, `-2`},
		{`{type: integer, maximum: 0, exclusiveMaximum: true}`, `-1`},
		{`{type: integer, minimum: 4, multipleOf: 3}`, `6`},
		{`{type: integer, minimum: 1.5}`, `2`},
		{`{type: integer, minimum: -7.5, maximum: -3.5}`, `-3`},
		{`{type: number, minimum: 0, exclusiveMinimum: true, maximum: 1, exclusiveMaximum: true}`, `0.5`},
		{`{type: number, maximum: -1e300}`, `-1` + strings.Repeat("0", 300)},
		{`{type: string, nullable: true}`, `"string"`},
		{`{type: array, items: {type: integer}}`, `[0]`},
		{`{type: array, minItems: 2, items: {type: integer}}`, `[0,0]`},
		{`{type: array, minItems: 1000000, items: {type: integer}}`, `[0,0,0,0,0,0,0,0,0,0]`},
		{`{type: array, maxItems: 0, items: {type: integer}}`, `[]`},
		{`{type: array}`, `[]`},
		{`{items: {type: integer}}`, `[0]`},
		{`{type: object, additionalProperties: {type: integer}}`, `{"property":0}`},
		{`{properties: {b: {type: string}, a: {}}}`, `{"b":"string","a":{}}`},
		{`{oneOf: [{type: integer}, {type: string}]}`, `0`},
		{`{allOf: [{$ref: '#/components/schemas/Named'}, {type: object, properties: {n: {type: integer}}}]}`, `{"name":"string","n":0}`},
		{`{type: object, properties: {a: {type: integer}}, anyOf: [{$ref: '#/components/schemas/Named'}]}`, `{"name":"string","a":0}`},
		{`{$ref: '#/components/schemas/Node'}`, `{"id":0,"list":[]}`},
	} {
		d, _ := describeOnly(t, withOperation("3.0", "responses: {'200': {content: {application/json: {schema: "+c.schema+"}}}}")+components, DescriptionOptions{Examples: true})
		if _, got, _ := d.Example(200, "", 0); got != c.want {
			t.Errorf("%s: got %s, want %s", c.schema, got, c.want)
		}
	}
}

// A sample has bounds whatever the schema is like: each level of this one
// doubles what is below it.
func TestSampleBounds(t *testing.T) {
	var text strings.Builder
	text.WriteString(withOperation("3.0", "responses: {'200': {content: {application/json: {schema: {$ref: '#/components/schemas/S0'}}}}}"))
	text.WriteString("\ncomponents:\n  schemas:\n")
	for i := range 40 {
		n := func(i int) string { return "S" + string(rune('0'+i/10)) + string(rune('0'+i%10)) }
		name := n(i)
		if i == 0 {
			name = "S0"
		}
		text.WriteString("    " + name + ": {type: object, properties: {a: {$ref: '#/components/schemas/" + n(i+1) + "'}, b: {$ref: '#/components/schemas/" + n(i+1) + "'}}}\n")
	}
	text.WriteString("    S40: {type: string}\n")
	d, _ := describeOnly(t, text.String(), DescriptionOptions{Examples: true})
	if _, got, ok := d.Example(200, "", 0); !ok || len(got) > 20*sampleValues {
		t.Errorf("got %d bytes, %v", len(got), ok)
	}
}

// What is made of a schema conforms to it.
func TestSamplesConform(t *testing.T) {
	documents, err := filepath.Glob("testdata/petstore-?.?.*")
	if err != nil || len(documents) == 0 {
		t.Fatalf("got no documents: %v", err)
	}
	for _, path := range documents {
		if strings.HasSuffix(path, ".golden.json") {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		d, err := Parse(path, data, nil)
		if err != nil {
			t.Fatal(err)
		}
		compared := 0
		for _, o := range d.Operations {
			description, _ := d.Describe(o, DescriptionOptions{Schemas: true, Examples: true})
			for _, r := range description.Responses {
				for _, content := range r.Content {
					if content.Schema == 0 || !isJSONType(content.Type) || len(content.Examples) == 0 {
						continue
					}
					schema, err := CompileSchema(description.Schemas[content.Schema-1])
					if err != nil {
						t.Fatal(err)
					}
					if err := schema.CheckValue(jsontext.Value(content.Examples[0])); err != nil {
						t.Errorf("%s: %s %s: %s: %v", path, o.Key(), r.Status, content.Examples[0], err)
					}
					compared++
				}
			}
		}
		if compared == 0 {
			t.Errorf("%s: no sample was compared", path)
		}
	}
}

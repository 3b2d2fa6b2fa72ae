package openapi

import (
	"strings"
	"testing"
)

func TestAccept(t *testing.T) {
	tests := []struct{ name, version, in, want string }{
		{"none", "3.0", "responses: {}", "application/json, */*;q=0.1"},
		{"json first", "3.0", "responses: {'200': {content: {text/csv: {}, application/vnd.x+json: {}, application/json: {}}}}", "application/json, application/vnd.x+json, text/csv;q=0.5, */*;q=0.1"},
		{"all successes", "3.0", "responses: {'200': {content: {image/png: {}}}, '201': {content: {text/plain: {}}}, '400': {content: {application/json: {}}}}", "image/png, text/plain, */*;q=0.1"},
		{"wildcard", "3.0", "responses: {'200': {content: {'*/*': {}}}}", "application/json, */*;q=0.1"},
		{"odd types", "3.0", "responses: {2XX: {content: {json: {}, 'a b/c': {}, 'text/*; charset=x': {}}}}", "text/*, */*;q=0.1"},
		{"default", "3.0", "responses: {default: {content: {text/plain: {}}}}", "text/plain, */*;q=0.1"},
		{"default beside a success", "3.0", "responses: {default: {content: {text/plain: {}}}, '204': {}}", "application/json, */*;q=0.1"},
		{"2.0", "2.0", "produces: [application/xml, application/json]\nresponses: {200: {schema: {type: object}}}", "application/json, application/xml;q=0.5, */*;q=0.1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tool, verdict := convertOnly(t, parseText(t, withOperation(tt.version, tt.in)), ToolOptions{})
			wantVerdict(t, verdict, Exact)
			if got := tool.Binding.Accept; got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestOutput(t *testing.T) {
	response := func(schema string) string {
		return "responses: {'200': {content: {application/json: {schema: " + schema + "}}}}"
	}
	const list = "{type: array, items: {$ref: '#/components/schemas/Node'}}"
	const nodeDef = `"$defs":{"Node":{"type":"object","required":["id"],"properties":{"id":{"type":"integer","description":"Its id."},"next":{"$ref":"#/$defs/Node"}}}}`
	const nodeSaid = `"$defs":{"Node":{"properties":{"id":{"description":"Its id."},"next":{"$ref":"#/$defs/Node"}}}}`
	tests := []struct {
		name, version, in string
		mode              OutputMode
		want              string
		structured        Structured
	}{
		{name: "object", in: response("{$ref: '#/components/schemas/Node'}"), want: `{"type":"object","properties":{"id":{"description":"Its id."},"next":{"$ref":"#/$defs/Node"}},` + nodeSaid + `}`, structured: StructuredObject},
		{name: "object, exact", mode: OutputExact, in: response("{$ref: '#/components/schemas/Node'}"), want: `{"type":"object","required":["id"],"properties":{"id":{"type":"integer","description":"Its id."},"next":{"$ref":"#/$defs/Node"}},` + nodeDef + `}`, structured: StructuredObject},
		{name: "array", in: response(list), want: `{"type":"object","properties":{"result":{"items":{"$ref":"#/$defs/Node"}}},` + nodeSaid + `}`, structured: StructuredWrapped},
		{name: "array, exact", mode: OutputExact, in: response(list), want: `{"type":"object","properties":{"result":{"type":"array","items":{"$ref":"#/$defs/Node"}}},"required":["result"],` + nodeDef + `}`, structured: StructuredWrapped},
		{name: "none", mode: OutputNone, in: response(list)},
		{name: "nullable object", in: response("{type: object, nullable: true}"), want: `{"type":"object"}`, structured: StructuredObject},
		{name: "nullable object, exact", mode: OutputExact, in: response("{type: object, nullable: true}"), want: `{"type":"object","properties":{"result":{"type":["object","null"]}},"required":["result"]}`, structured: StructuredWrapped},
		{name: "string", in: response("{type: string, enum: [a], description: D}"), want: `{"type":"object","properties":{"result":{"description":"D"}}}`, structured: StructuredWrapped},
		{name: "choice of objects", in: response("{oneOf: [{type: object, description: A, required: [a]}, {properties: {b: {}}}]}"), want: `{"type":"object","anyOf":[{"description":"A"},{"properties":{"b":{}}}]}`, structured: StructuredObject},
		{name: "choice of more", in: response("{anyOf: [{type: object}, {type: string}]}"), want: `{"type":"object","properties":{"result":{}}}`, structured: StructuredWrapped},
		{name: "object by allOf, exact", mode: OutputExact, in: response("{allOf: [{$ref: '#/components/schemas/Node'}, {required: [x]}]}"), want: `{"type":"object","allOf":[{"$ref":"#/$defs/Node"},{"required":["x"]}],` + nodeDef + `}`, structured: StructuredObject},
		{name: "constraints", in: response("{type: object, properties: {a: {not: {}, contains: {}, minItems: 3, pattern: x}, b: false}, additionalProperties: false, minProperties: 1}"), want: `{"type":"object","properties":{"a":{},"b":{}}}`, structured: StructuredObject},
		{name: "write-only", mode: OutputExact, in: response("{type: object, required: [p], properties: {p: {writeOnly: true}, q: {readOnly: true}}}"), want: `{"type":"object","properties":{"q":{}}}`, structured: StructuredObject},
		{name: "no schema", in: "responses: {'200': {content: {application/json: {}}}}"},
		{name: "not JSON", in: "responses: {'200': {content: {text/plain: {schema: {type: string}}}}}"},
		{name: "two of the same", in: "responses: {'200': {content: {application/json: {schema: {type: object}}}}, '201': {content: {application/json: {schema: {type: object}}}}}", want: `{"type":"object"}`, structured: StructuredObject},
		{name: "two that differ", in: "responses: {'200': {content: {application/json: {schema: {type: object}}}}, '201': {content: {application/json: {schema: {type: array}}}}}"},
		{name: "no content as well", in: "responses: {'200': {content: {application/json: {schema: {type: object}}}}, '204': {}}", want: `{"type":"object"}`, structured: StructuredObject},
		{name: "no content as well, exact", mode: OutputExact, in: "responses: {'200': {content: {application/json: {schema: {type: object}}}}, '204': {}}"},
		{name: "reference", in: "responses: {'200': {$ref: '#/components/responses/R'}}", want: `{"type":"object"}`, structured: StructuredObject},
		{name: "2.0", version: "2.0", in: "responses: {'200': {schema: {type: object, properties: {a: {type: string}}}}}", want: `{"type":"object","properties":{"a":{}}}`, structured: StructuredObject},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			version := tt.version
			if version == "" {
				version = "3.0"
			}
			text := withOperation(version, tt.in) + `
components:
  responses: {R: {content: {application/json: {schema: {type: object}}}}}
  schemas:
    Node: {type: object, required: [id], properties: {id: {type: integer, description: Its id.}, next: {$ref: '#/components/schemas/Node'}}}
`
			tool, verdict := convertOnly(t, parseText(t, text), ToolOptions{Output: tt.mode})
			wantVerdict(t, verdict, Exact)
			_, got, _ := strings.Cut(string(tool.Definition), `"outputSchema":`)
			got, _, _ = strings.Cut(got, `,"annotations":`)
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if tool.Binding.Structured != tt.structured {
				t.Errorf("got %q, want %q", tool.Binding.Structured, tt.structured)
			}
			if exact := tt.mode == OutputExact && tt.want != ""; exact != (tool.OutputSchema != nil) {
				t.Errorf("got output schema %s to check", tool.OutputSchema)
			}
			if got != "" {
				if _, err := CompileSchema([]byte(got)); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestOutputFaults(t *testing.T) {
	text := withOperation("3.0", "responses: {'200': {content: {application/json: {schema: {type: object, properties: {a: {$ref: '#/none'}}}}}}}")
	_, verdict := convertOnly(t, parseText(t, text), ToolOptions{})
	wantVerdict(t, verdict, Exact) // a permissive schema leaves it open as well
	_, verdict = convertOnly(t, parseText(t, text), ToolOptions{Output: OutputExact})
	wantVerdict(t, verdict, Lossy, `$ref "#/none" names nothing`)
	_, verdict = convertOnly(t, parseText(t, withOperation("3.0", "responses: {'200': {$ref: '#/none'}}")), ToolOptions{})
	wantVerdict(t, verdict, Lossy, "the response 200 is not described")
}

func TestHeadHasNoOutput(t *testing.T) {
	d := parseText(t, "openapi: 3.0.0\npaths: {/x: {head: {responses: {'200': {content: {application/json: {schema: {type: object}}}}}}}}\n")
	tool, verdict := convertOnly(t, d, ToolOptions{})
	wantVerdict(t, verdict, Exact)
	if tool.Binding.Structured != StructuredNone || strings.Contains(string(tool.Definition), "outputSchema") {
		t.Errorf("got %s", tool.Definition)
	}
}

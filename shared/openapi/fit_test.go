package openapi

import (
	"fmt"
	"strings"
	"testing"
)

// largeBody is a request body whose schema is nested deep and described at
// length.
func largeBody() string {
	prose := strings.Repeat("Many words. ", 80)
	var b strings.Builder
	b.WriteString("requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/L0'}}}}\n")
	text := withOperation("3.0", b.String()) + "components:\n  schemas:\n"
	for i := range 12 {
		text += fmt.Sprintf("    L%d: {type: object, required: [name], description: '%s', properties: {name: {type: string, description: '%s', example: '%s'}, next: {$ref: '#/components/schemas/L%d'}, list: {type: array, items: {$ref: '#/components/schemas/L%d'}}}, additionalProperties: false}\n",
			i, prose, prose, prose, i+1, i+1)
	}
	return text + "    L12: {type: object, properties: {end: {type: string}}}\n"
}

func TestFitSchema(t *testing.T) {
	tests := []struct {
		limit  int
		kind   VerdictKind
		reason string
		have   string // in the schema
		lack   string
	}{
		{1 << 20, Exact, "", `"L12"`, "…"},
		{12_000, Lossy, "the input schema exceeds 12000 bytes: examples and long descriptions are left out", `"L12"`, `"examples"`},
		{3_700, Lossy, "what is nested more than", `"L1"`, `"L12"`},
		{1_500, Lossy, "what is nested more than 1 deep", `"next":{"type":"object","required":["name"]`, `"$defs"`},
		{300, Lossy, "only the types of the arguments are described", `"next":{"type":"object","required":["name"]}`, "Many"},
		{100, Refused, "the input schema exceeds 100 bytes even without", "", ""},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.limit), func(t *testing.T) {
			tool, verdict := convertOnly(t, parseText(t, largeBody()), ToolOptions{MaxSchemaBytes: tt.limit})
			if tt.reason == "" {
				wantVerdict(t, verdict, tt.kind)
			} else {
				wantVerdict(t, verdict, tt.kind, tt.reason)
			}
			if tool == nil {
				return
			}
			schema := string(tool.InputSchema)
			if len(schema) > tt.limit {
				t.Errorf("got %d bytes, want at most %d", len(schema), tt.limit)
			}
			if !strings.Contains(schema, tt.have) || strings.Contains(schema, tt.lack) && tt.lack != "" {
				t.Errorf("got %s\nwant %s in it and not %s", schema, tt.have, tt.lack)
			}
			if tt.lack != "Many" && !strings.Contains(schema, "Many words. Many words. Many") {
				t.Errorf("got %s\nwant the descriptions of the arguments", schema)
			}
		})
	}
}

// TestTrimmedSchemaAcceptsMore checks values that the whole schema accepts
// against schemas of all degrees of detail.
func TestTrimmedSchemaAcceptsMore(t *testing.T) {
	d := parseText(t, largeBody())
	const value = `{"name":"a","next":{"name":"b","next":{"name":"c","list":[{"name":"d","next":{"name":"e"}}]}}}`
	for _, limit := range []int{1 << 20, 12_000, 8_000, 6_000, 4_000, 3_000, 2_500, 2_000, 1_500, 1_200} {
		tool, verdict := d.Tool(d.Operations[0], "tool", ToolOptions{MaxSchemaBytes: limit})
		if tool == nil {
			t.Fatalf("%d: got %v", limit, verdict)
		}
		schema, err := CompileSchema(tool.InputSchema)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Check([]byte(value)); err != nil {
			t.Errorf("%d: got %v, want no error", limit, err)
		}
	}
}

func TestHeaders(t *testing.T) {
	text := withOperation("3.1", `
parameters:
  - {name: region, in: query, schema: {type: string, x-mcp-header: Region}}
  - {name: tenant, in: header, x-mcp-header: Tenant, schema: {type: integer}}
  - {name: again, in: query, schema: {type: boolean, x-mcp-header: REGION}}
  - {name: size, in: query, schema: {type: number, x-mcp-header: Size}}
  - {name: maybe, in: query, schema: {type: [string, 'null'], x-mcp-header: Maybe}}
  - {name: bad, in: query, schema: {type: string, x-mcp-header: 'a b'}}
requestBody:
  content:
    application/json:
      schema:
        $ref: '#/components/schemas/Body'
`) + `
components:
  schemas:
    Body:
      properties:
        kind: {type: string, x-mcp-header: Kind}
        in: {type: object, properties: {deep: {type: string, x-mcp-header: Deep}}}
        list: {type: array, items: {type: string, x-mcp-header: Item}}
        other: {$ref: '#/components/schemas/Other'}
        x-mcp-header: {type: string}
    Other: {type: object, properties: {o: {type: string, x-mcp-header: Other}}}
`
	tool, verdict := convertOnly(t, parseText(t, text), ToolOptions{})
	wantVerdict(t, verdict, Lossy,
		"x-mcp-header of again is left out: another property has the same header",
		"x-mcp-header of size is left out: the value is not a string, an integer or a boolean",
		"x-mcp-header of maybe is left out",
		"x-mcp-header of bad is left out: it is not the name of a header",
		"x-mcp-header of list is left out: the property is not reached by properties alone",
		"the property is not reached by properties alone",
	)
	schema := string(tool.InputSchema)
	for _, want := range []string{
		`"region":{"type":"string","x-mcp-header":"Region"}`, `"tenant":{"type":"integer","x-mcp-header":"Tenant"}`,
		`"kind":{"type":"string","x-mcp-header":"Kind"}`, `"deep":{"type":"string","x-mcp-header":"Deep"}`,
		`"again":{"type":"boolean"}`, `"items":{"type":"string"}`, `"o":{"type":"string"}`, `"x-mcp-header":{"type":"string"}`,
	} {
		if !strings.Contains(schema, want) {
			t.Errorf("got %s\nwant %s in it", schema, want)
		}
	}
}

// TestDiamonds converts schemas that refer to the next one several times: what
// is done for each reference must be done once.
func TestDiamonds(t *testing.T) {
	for _, keyword := range []string{"allOf", "oneOf", "properties", "prefixItems"} {
		text := "openapi: 3.1.0\npaths:\n  /x:\n    put:\n      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/D0'}}}}\n" +
			"      responses: {'200': {content: {application/json: {schema: {$ref: '#/components/schemas/D0'}}}}}\ncomponents:\n  schemas:\n"
		for i := range 60 {
			ref := fmt.Sprintf("{$ref: '#/components/schemas/D%d'}", i+1)
			value := "[" + ref + ", " + ref + "]"
			if keyword == "properties" {
				value = "{a: " + ref + ", b: " + ref + "}"
			}
			text += fmt.Sprintf("    D%d: {%s: %s}\n", i, keyword, value)
		}
		text += "    D60: {type: object, properties: {end: {type: string}}}\n"
		for _, mode := range []OutputMode{OutputPermissive, OutputExact} {
			for _, limit := range []int{0, 2_000} {
				d := parseText(t, text)
				d.Tool(d.Operations[0], "tool", ToolOptions{Output: mode, MaxSchemaBytes: limit})
			}
		}
	}
}

package openapi

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// paramText writes a parameter of a binding as JSON, without its name.
func paramText(t *testing.T, p Param) string {
	t.Helper()
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestParameterStyles(t *testing.T) {
	tests := []struct {
		name, version, in string
		want              string
		notes             []string
	}{
		{name: "query", in: "{name: a, in: query, schema: {}}", want: `{"arg":"a","name":"a","in":"query","style":"form","explode":true}`},
		{name: "query exploded not", in: "{name: a, in: query, explode: false, allowReserved: true, required: true}", want: `{"arg":"a","name":"a","in":"query","style":"form","allowReserved":true,"required":true}`},
		{name: "deepObject", in: "{name: a, in: query, style: deepObject, explode: true, schema: {type: object}}", want: `{"arg":"a","name":"a","in":"query","style":"deepObject","explode":true}`},
		{name: "spaceDelimited", in: "{name: a, in: query, style: spaceDelimited}", want: `{"arg":"a","name":"a","in":"query","style":"spaceDelimited"}`},
		{name: "pipeDelimited", in: "{name: a, in: query, style: pipeDelimited}", want: `{"arg":"a","name":"a","in":"query","style":"pipeDelimited"}`},
		{name: "path", in: "{name: id, in: path, schema: {type: string}}", want: `{"arg":"id","name":"id","in":"path","style":"simple","required":true}`},
		{name: "label", in: "{name: id, in: path, style: label, explode: true}", want: `{"arg":"id","name":"id","in":"path","style":"label","explode":true,"required":true}`},
		{name: "matrix", in: "{name: id, in: path, style: matrix}", want: `{"arg":"id","name":"id","in":"path","style":"matrix","required":true}`},
		{name: "header", in: "{name: X-Id, in: header, allowReserved: true}", want: `{"arg":"X-Id","name":"X-Id","in":"header","style":"simple"}`},
		{name: "cookie", in: "{name: s, in: cookie}", want: `{"arg":"s","name":"s","in":"cookie","style":"form","explode":true}`},
		{name: "cookie style of 3.2", version: "3.2", in: "{name: s, in: cookie, style: cookie}", want: `{"arg":"s","name":"s","in":"cookie","style":"form","explode":true}`},
		{name: "querystring of 3.2", version: "3.2", in: "{name: q, in: querystring, content: {application/x-www-form-urlencoded: {schema: {type: object}}}}", want: `{"arg":"q","name":"q","in":"querystring","style":"form","explode":true,"content":"application/x-www-form-urlencoded"}`},
		{name: "content", in: "{name: a, in: query, content: {application/xml: {}, application/json: {schema: {type: object}}}}", want: `{"arg":"a","name":"a","in":"query","style":"form","explode":true,"content":"application/json"}`},
		{
			name: "content that is XML", in: "{name: a, in: query, content: {application/xml: {schema: {type: object}}}}",
			want:  `{"arg":"a","name":"a","in":"query","style":"form","explode":true,"content":"application/xml"}`,
			notes: []string{"query parameter a is given as text of type application/xml"},
		},
		{
			name: "style of another location", in: "{name: a, in: query, style: matrix}",
			want:  `{"arg":"a","name":"a","in":"query","style":"form","explode":true}`,
			notes: []string{`query parameter a has the style "matrix"`},
		},
		{name: "collectionFormat csv", version: "2.0", in: "{name: a, in: query, type: array, items: {type: string}}", want: `{"arg":"a","name":"a","in":"query","style":"form"}`},
		{name: "collectionFormat multi", version: "2.0", in: "{name: a, in: query, type: array, collectionFormat: multi, items: {type: string}}", want: `{"arg":"a","name":"a","in":"query","style":"form","explode":true}`},
		{name: "collectionFormat ssv", version: "2.0", in: "{name: a, in: query, type: array, collectionFormat: ssv, items: {type: string}}", want: `{"arg":"a","name":"a","in":"query","style":"spaceDelimited"}`},
		{name: "collectionFormat tsv", version: "2.0", in: "{name: a, in: query, type: array, collectionFormat: tsv, items: {type: string}}", want: `{"arg":"a","name":"a","in":"query","style":"tabDelimited"}`},
		{name: "collectionFormat pipes", version: "2.0", in: "{name: a, in: query, type: array, collectionFormat: pipes, items: {type: string}}", want: `{"arg":"a","name":"a","in":"query","style":"pipeDelimited"}`},
		{
			name: "collectionFormat in a header", version: "2.0", in: "{name: a, in: header, type: array, collectionFormat: pipes, items: {type: string}}",
			want:  `{"arg":"a","name":"a","in":"header","style":"simple"}`,
			notes: []string{"header parameter a is sent with commas between items, not as pipes"},
		},
		{
			name: "collectionFormat inside", version: "2.0", in: "{name: a, in: query, type: array, items: {type: array, collectionFormat: ssv, items: {type: string}}}",
			want:  `{"arg":"a","name":"a","in":"query","style":"form"}`,
			notes: []string{"the arrays inside parameter a are sent as JSON"},
		},
		{
			name: "unknown collectionFormat", version: "2.0", in: "{name: a, in: query, type: array, collectionFormat: lines}",
			want: `{"arg":"a","name":"a","in":"query","style":"form"}`, notes: []string{`the collectionFormat "lines"`},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			version := tt.version
			if version == "" {
				version = "3.0"
			}
			text := withOperation(version, "parameters: ["+tt.in+"]")
			if strings.Contains(tt.in, "in: path") {
				text = strings.Replace(text, "/things:", "'/things/{id}':", 1)
			}
			tool, verdict := convertOnly(t, parseText(t, text), ToolOptions{})
			kind := Exact
			if len(tt.notes) > 0 {
				kind = Lossy
			}
			wantVerdict(t, verdict, kind, tt.notes...)
			if tool == nil || len(tool.Binding.Params) != 1 {
				t.Fatalf("got %+v, want one parameter", tool)
			}
			if got := paramText(t, tool.Binding.Params[0]); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestParameterSchemas(t *testing.T) {
	tests := []struct{ name, version, in, want string }{
		{"of its own", "3.0", "{name: a, in: query, description: 'An **a**', deprecated: true, example: 3, schema: {type: integer, description: other}}", `{"type":"integer","description":"An a","deprecated":true,"examples":[3]}`},
		{"examples", "3.0", "{name: a, in: query, schema: {type: string}, examples: {one: {value: x}, two: {externalValue: u}, three: {value: y}}}", `{"type":"string","examples":["x","y"]}`},
		{"2.0", "2.0", "{name: a, in: query, description: d, type: integer, format: int32, maximum: 5, exclusiveMaximum: true, default: 1, allowEmptyValue: true}", `{"type":"integer","format":"int32","exclusiveMaximum":5,"default":1,"description":"d"}`},
		{"2.0 style in 3.0", "3.0", "{name: a, in: query, type: integer}", `{"type":"integer"}`},
		{"reference", "3.0", "{name: a, in: query, description: d, schema: {$ref: '#/components/schemas/S'}}", `{"$ref":"#/$defs/S","description":"d"}`},
		{"no schema", "3.0", "{name: a, in: query}", `{}`},
		{"boolean schema", "3.1", "{name: a, in: query, description: d, schema: true}", `{"description":"d"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := withOperation(tt.version, "parameters: ["+tt.in+"]") + "components: {schemas: {S: {type: object}}}\n"
			tool, verdict := convertOnly(t, parseText(t, text), ToolOptions{})
			wantVerdict(t, verdict, Exact)
			if want := `{"type":"object","properties":{"a":` + tt.want + `},"additionalProperties":false`; !strings.HasPrefix(string(tool.InputSchema), want) {
				t.Errorf("got  %s\nwant %s", tool.InputSchema, want)
			}
		})
	}
}

func TestParametersOfPathAndOperation(t *testing.T) {
	d := parseText(t, `
openapi: 3.1.0
paths:
  /x:
    parameters:
      - {name: a, in: query, schema: {type: string}}
      - {$ref: '#/components/parameters/B', description: Mine}
    get:
      parameters:
        - {name: a, in: header, schema: {type: integer}}
        - {name: a, in: query, schema: {type: boolean}}
        - {name: c, in: query, schema: {type: boolean}}
components:
  parameters:
    B: {name: b, in: query, description: Yours, schema: {type: number}}
`)
	tool, verdict := convertOnly(t, d, ToolOptions{})
	wantVerdict(t, verdict, Exact)
	const want = `{"type":"object","properties":{"a_in_query":{"type":"boolean"},"b":{"type":"number","description":"Mine"},` +
		`"a_in_header":{"type":"integer"},"c":{"type":"boolean"}},"additionalProperties":false}`
	if got := string(tool.InputSchema); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestParametersThatAreNotArguments(t *testing.T) {
	var list []string
	for _, name := range []string{"Authorization", "cookie", "Content-Type", "accept", "Host", "Content-Length", "Connection", "Proxy-Authorization", "TE", "Transfer-Encoding", "Accept-Encoding"} {
		list = append(list, "{name: "+name+", in: header, required: true}")
	}
	list = append(list, "{name: x-api-key, in: header, required: true}", "{name: token, in: query}", "{name: sid, in: cookie}", "{name: X-Kept, in: header}", "{name: sid, in: query}")
	text := withOperation("3.0", "parameters: ["+strings.Join(list, ", ")+"]") + `
components:
  securitySchemes:
    one: {type: apiKey, in: header, name: X-API-Key}
    two: {$ref: '#/components/securitySchemes/three'}
    three: {type: apiKey, in: query, name: token}
    four: {type: apiKey, in: cookie, name: sid}
    five: {type: http, scheme: basic}
`
	tool, verdict := convertOnly(t, parseText(t, text), ToolOptions{})
	wantVerdict(t, verdict, Exact)
	var got []string
	for _, p := range tool.Binding.Params {
		got = append(got, string(p.In)+":"+p.Name)
	}
	if want := []string{"header:X-Kept", "query:sid"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}

	tool, verdict = convertOnly(t, parseText(t, withOperation("2.0", "parameters: [{name: key, in: query, type: string}]")+
		"securityDefinitions: {k: {type: apiKey, in: query, name: key}}\n"), ToolOptions{})
	wantVerdict(t, verdict, Exact)
	if len(tool.Binding.Params) != 0 {
		t.Errorf("got %+v, want none", tool.Binding.Params)
	}
}

func TestParameterFaults(t *testing.T) {
	tests := []struct {
		name, version, in string
		kind              VerdictKind
		reasons           []string
	}{
		{"no name", "3.0", "{in: query}", Lossy, []string{"a parameter without name or location is left out (api.yaml:7:20)"}},
		{"no name, required", "3.0", "{in: query, required: true}", Refused, []string{"a parameter without name or location"}},
		{"unknown location", "3.0", "{name: a, in: body}", Lossy, []string{`parameter a is in "body", which is not a location`}},
		{"querystring before 3.2", "3.1", "{name: a, in: querystring, required: true}", Refused, []string{"which came with OpenAPI 3.2"}},
		{"header that is no token", "3.0", "{name: 'a b', in: header}", Lossy, []string{`header parameter "a b" has a name that HTTP does not allow`}},
		{"required cookie that is no token", "3.0", "{name: 'a;b', in: cookie, required: true}", Refused, []string{"cookie parameter"}},
		{"not in the path", "3.0", "{name: id, in: path}", Lossy, []string{"path parameter id is not in the path /things and is left out"}},
		{"twice", "3.0", "{name: a, in: query}, {name: a, in: query}", Lossy, []string{"query parameter a is declared twice"}},
		{"missing", "3.0", "{$ref: '#/components/parameters/P'}", Refused, []string{`$ref "#/components/parameters/P" names nothing`}},
		{"missing schema", "3.0", "{name: a, in: query, schema: {$ref: '#/components/schemas/P'}}", Refused, []string{`$ref "#/components/schemas/P" names nothing`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, verdict := convertOnly(t, parseText(t, withOperation(tt.version, "parameters: ["+tt.in+"]")), ToolOptions{})
			wantVerdict(t, verdict, tt.kind, tt.reasons...)
		})
	}
}

func TestPathPlaceholders(t *testing.T) {
	convert := func(path, parameters string) (*Tool, Verdict) {
		return convertOnly(t, parseText(t, "openapi: 3.0.0\npaths: {'"+path+"': {get: {parameters: ["+parameters+"]}}}\n"), ToolOptions{})
	}
	tool, verdict := convert("/a/{x}/{y}.{z}", "{name: y, in: path, schema: {type: integer}}, {name: q, in: query}")
	wantVerdict(t, verdict, Lossy, "path parameter x is not declared", "path parameter z is not declared")
	const want = `{"type":"object","properties":{"y":{"type":"integer"},"q":{},"x":{"type":"string"},"z":{"type":"string"}},"required":["y","x","z"],"additionalProperties":false}`
	if got := string(tool.InputSchema); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	tool, verdict = convert("/a/{proxy+}", "{name: proxy, in: path}, {name: other, in: path}, {name: q, in: query}")
	wantVerdict(t, verdict, Lossy, "path parameter proxy may span several segments", "path parameter other is not in the path")
	var got []string
	for _, p := range tool.Binding.Params {
		got = append(got, p.Arg+"→"+p.Name)
	}
	if want := []string{"proxy→proxy+", "q→q"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// boundNames lists argument names with what they are bound to.
func boundNames(tool *Tool) (names []string) {
	for _, p := range tool.Binding.Params {
		names = append(names, fmt.Sprintf("%s=%s %s", p.Arg, p.In, p.Name))
	}
	if body := tool.Binding.Body; body != nil {
		if body.Arg != "" {
			names = append(names, body.Arg+"=body")
		}
		for _, p := range body.Properties {
			names = append(names, fmt.Sprintf("%s=body %s", p.Arg, p.Name))
		}
	}
	return names
}

func TestArgumentNames(t *testing.T) {
	long := strings.Repeat("long", 20)
	tests := []struct {
		name, parameters, body string
		want                   []string
	}{
		{
			name: "body before parameter", parameters: "{name: id, in: path}, {name: name, in: query}, {name: q, in: query}",
			body: "{type: object, properties: {name: {}, id: {}}}",
			want: []string{"id_in_path=path id", "name_in_query=query name", "q=query q", "name=body name", "id=body id"},
		},
		{
			name: "whole body before parameter", parameters: "{name: id, in: path}, {name: body, in: query}", body: "{type: array}",
			want: []string{"id=path id", "body_in_query=query body", "body=body"},
		},
		{
			name: "parameters of one name", parameters: "{name: id, in: path}, {name: id, in: query}, {name: id, in: header}, {name: id, in: cookie}",
			want: []string{"id_in_path=path id", "id_in_query=query id", "id_in_header=header id", "id_in_cookie=cookie id"},
		},
		{
			name: "odd characters", parameters: "{name: id, in: path}, {name: 'filter[name]', in: query}, {name: $top, in: query}, {name: '@', in: query}, {name: a.b-c_d, in: query}",
			want: []string{"id=path id", "filter_name=query filter[name]", "top=query $top", "arg_" + shortHash("@", 6) + "=query @", "a.b-c_d=query a.b-c_d"},
		},
		{
			name: "odd names that become one", parameters: "{name: id, in: path}, {name: 'a[]', in: query}, {name: a, in: query}, {name: 'a!', in: query}",
			want: []string{"id=path id", "a_" + shortHash("query:a[]", 6) + "=query a[]", "a=query a", "a_" + shortHash("query:a!", 6) + "=query a!"},
		},
		{
			name: "the name for a collision is taken", parameters: "{name: id, in: path}, {name: id_in_path, in: query}", body: "{type: object, properties: {id: {}}}",
			want: []string{"id_" + shortHash("path:id", 6) + "=path id", "id_in_path=query id_in_path", "id=body id"},
		},
		{
			name: "long", parameters: "{name: id, in: path}, {name: " + long + ", in: query}",
			want: []string{"id=path id", long[:57] + "_" + shortHash(long, 6) + "=query " + long},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			operation := "parameters: [" + tt.parameters + "]\n"
			if tt.body != "" {
				operation += "requestBody: {content: {application/json: {schema: " + tt.body + "}}}\n"
			}
			text := strings.Replace(withOperation("3.0", operation), "/things:", "'/things/{id}':", 1)
			tool, verdict := convertOnly(t, parseText(t, text), ToolOptions{})
			wantVerdict(t, verdict, Exact)
			if got := boundNames(tool); !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

package openapi

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// describeOnly describes the only operation of a document.
func describeOnly(t *testing.T, text string, opt DescriptionOptions) (*Description, Verdict) {
	t.Helper()
	d := parseText(t, text)
	if len(d.Operations) != 1 {
		t.Fatalf("got %d operations, want 1", len(d.Operations))
	}
	return d.Describe(d.Operations[0], opt)
}

func TestDescription(t *testing.T) {
	const components = `
components:
  parameters: {Page: {name: page, in: query, schema: {type: integer}}}
  headers: {Left: {required: true, schema: {type: integer}}}
  responses: {Wrong: {content: {application/problem+json: {schema: {$ref: '#/components/schemas/Problem'}}}}}
  schemas:
    Problem: {type: object, title: A problem, required: [code], properties: {code: {type: string, description: D}, description: {type: string}, cause: {$ref: '#/components/schemas/Problem'}}}
`
	const problem = `{"type":"object","required":["code"],"properties":{"code":{"type":"string"},"description":{"type":"string"},"cause":{"$ref":"#/$defs/Problem"}}}`
	for _, c := range []struct {
		name, version, in string
		want              string // without schemas
		schemas           []string
		verdict           string // a part of the only reason
	}{
		{
			name: "parameters", in: `parameters: [{name: id, in: path, schema: {type: string, maxLength: 3}}, {$ref: '#/components/parameters/Page'}, {name: X-A, in: header, required: true, schema: {type: string, enum: [a, b]}}, {name: c, in: cookie, schema: {type: string}}]`,
			want:    `{"parameters":[{"name":"id","in":"path","required":true,"schema":1,"text":true},{"name":"page","in":"query","schema":2},{"name":"X-A","in":"header","required":true,"schema":3,"text":true}]}`,
			schemas: []string{`{"type":"string","maxLength":3}`, `{"type":"integer"}`, `{"type":"string","enum":["a","b"]}`},
		},
		{
			name: "one schema for all that are equal", in: `parameters: [{name: a, in: query, schema: {type: integer, description: A}}, {name: b, in: query, schema: {type: integer, example: 1}}]`,
			want:    `{"parameters":[{"name":"a","in":"query","schema":1},{"name":"b","in":"query","schema":1}]}`,
			schemas: []string{`{"type":"integer"}`},
		},
		{
			name: "anything", in: `parameters: [{name: a, in: query, schema: {description: A}}, {name: b, in: query}]`,
			want: `{"parameters":[{"name":"a","in":"query"},{"name":"b","in":"query"}]}`,
		},
		{
			name: "empty values", in: `parameters: [{name: a, in: query, allowEmptyValue: true, schema: {type: integer}}]`,
			want:    `{"parameters":[{"name":"a","in":"query","schema":1}]}`,
			schemas: []string{`{"anyOf":[{"type":"integer"},{"const":""}]}`},
		},
		{
			name: "JSON in a parameter", in: `parameters: [{name: a, in: query, content: {application/json: {schema: {type: object, required: [b]}}}}]`,
			want:    `{"parameters":[{"name":"a","in":"query","schema":1}]}`,
			schemas: []string{`{"type":"object","required":["b"]}`},
		},
		{
			name: "object in the query", in: `parameters: [{name: f, in: query, required: true, schema: {type: object, required: [a], properties: {a: {type: string}, b: {type: integer}}}}]`,
			want:    `{"parameters":[{"name":"a","in":"query","required":true,"schema":1,"text":true},{"name":"b","in":"query","schema":2}]}`,
			schemas: []string{`{"type":"string"}`, `{"type":"integer"}`},
		},
		{
			name: "deep object", in: `parameters: [{name: f, in: query, style: deepObject, explode: true, schema: {type: object, properties: {a: {type: string}}}}]`,
			want:    `{"parameters":[{"name":"f[a]","in":"query","schema":1,"text":true}]}`,
			schemas: []string{`{"type":"string"}`},
		},
		{
			name: "style that is not compared", in: `parameters: [{name: a, in: query, style: pipeDelimited, schema: {type: array, items: {type: integer}}}]`,
			want: `{"parameters":[{"name":"a","in":"query"}]}`, verdict: "written in the style pipeDelimited",
		},
		{
			name: "request", in: `requestBody: {content: {application/json: {schema: {type: object, properties: {id: {readOnly: true, type: string}, n: {type: integer, nullable: true}}}}, Text/XML: {schema: {type: object}}, 'application/json; v=2': {}}}`,
			want:    `{"request":[{"type":"application/json","schema":1},{"type":"text/xml"}]}`,
			schemas: []string{`{"type":"object","properties":{"n":{"type":["integer","null"]}}}`},
		},
		{
			name: "responses", in: `responses: {'200': {headers: {X-Left: {$ref: '#/components/headers/Left'}}, content: {text/plain: {schema: {type: string, minLength: 1}}}}, 4xx: {$ref: '#/components/responses/Wrong'}, default: {}, x-note: {}, 20: {}}`,
			want:    `{"responses":[{"status":"200","headers":[{"name":"X-Left","in":"header","required":true,"schema":1}],"content":[{"type":"text/plain","schema":2}]},{"status":"4XX","content":[{"type":"application/problem+json","schema":3}]},{"status":"default"}]}`,
			schemas: []string{`{"type":"integer"}`, `{"type":"string","minLength":1}`, `{"$ref":"#/$defs/Problem","$defs":{"Problem":` + problem + `}}`},
		},
		{
			name: "broken reference", in: `requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/None'}}}}`,
			want: `{"request":[{"type":"application/json"}]}`, verdict: "names nothing",
		},
		{
			name: "no value", in: `requestBody: {content: {application/json: {schema: {type: object, additionalProperties: false, properties: {a: {not: {}}}}}}}`,
			want:    `{"request":[{"type":"application/json","schema":1}]}`,
			schemas: []string{`{"type":"object","additionalProperties":false,"properties":{"a":{"not":{}}}}`},
		},
		{
			name: "2.0", version: "2.0", in: `consumes: [application/json, application/xml]
produces: [application/json]
parameters: [{name: ids, in: query, type: array, items: {type: integer}}, {name: b, in: body, schema: {type: object}}, {name: l, in: query, type: array, collectionFormat: pipes, items: {type: string}}]
responses: {200: {headers: {X-Left: {type: integer}}, schema: {type: array, items: {type: string}}}}`,
			want:    `{"parameters":[{"name":"ids","in":"query","schema":1},{"name":"l","in":"query"}],"request":[{"type":"application/json","schema":2},{"type":"application/xml"}],"responses":[{"status":"200","headers":[{"name":"X-Left","in":"header","schema":3}],"content":[{"type":"application/json","schema":4}]}]}`,
			schemas: []string{`{"type":"array","items":{"type":"integer"}}`, `{"type":"object"}`, `{"type":"integer"}`, `{"type":"array","items":{"type":"string"}}`},
			verdict: "written in the style pipeDelimited",
		},
		{
			name: "2.0 form", version: "2.0", in: `parameters: [{name: a, in: formData, type: string}, {name: f, in: formData, type: file}]`,
			want: `{"request":[{"type":"multipart/form-data"}]}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			version := c.version
			if version == "" {
				version = "3.0"
			}
			got, verdict := describeOnly(t, withOperation(version, c.in)+components, DescriptionOptions{Schemas: true})
			var schemas []string
			for _, schema := range got.Schemas {
				schemas = append(schemas, string(schema))
			}
			got.Schemas = nil
			text, err := json.Marshal(got)
			if err != nil || string(text) != c.want {
				t.Errorf("got  %s, %v,\nwant %s", text, err, c.want)
			}
			if strings.Join(schemas, "\n") != strings.Join(c.schemas, "\n") {
				t.Errorf("got schemas\n%s,\nwant\n%s", strings.Join(schemas, "\n"), strings.Join(c.schemas, "\n"))
			}
			if reasons := strings.Join(verdict.Reasons, "; "); (reasons == "") != (c.verdict == "") || !strings.Contains(reasons, c.verdict) {
				t.Errorf("got the verdict %v, want %q", verdict, c.verdict)
			}
		})
	}
}

// What is not wanted is not looked at: no schema stands in a description for
// examples, and no example in one for schemas.
func TestDescriptionOptions(t *testing.T) {
	text := withOperation("3.0", `responses: {'200': {content: {application/json: {schema: {type: integer}, example: 7}}}}`)
	for _, c := range []struct {
		opt               DescriptionOptions
		schemas, examples int
	}{
		{DescriptionOptions{}, 0, 0},
		{DescriptionOptions{Schemas: true}, 1, 0},
		{DescriptionOptions{Examples: true}, 0, 1},
		{DescriptionOptions{Schemas: true, Examples: true}, 1, 1},
	} {
		got, _ := describeOnly(t, text, c.opt)
		content := got.Responses[0].Content[0]
		if len(got.Schemas) != c.schemas || int(content.Schema) != c.schemas || len(content.Examples) != c.examples {
			t.Errorf("%+v: got %+v", c.opt, got)
		}
	}
}

func TestExample(t *testing.T) {
	const one = "responses: {'200': {content: {application/json: {schema: {type: object, properties: {id: {type: integer}}}, "
	for _, c := range []struct {
		name, version, in string
		status            int
		contentType       string
		index             int
		wantType, want    string // empty: there is none
	}{
		{name: "of the schema", in: one + "}}}}", status: 200, wantType: "application/json", want: `{"id":0}`},
		{name: "example", in: one + "example: {id: 7}}}}}", status: 200, wantType: "application/json", want: `{"id":7}`},
		{name: "examples", in: one + "examples: {a: {value: {id: 1}}, b: {value: {id: 2}}}}}}}", status: 200, index: 1, wantType: "application/json", want: `{"id":2}`},
		{name: "beyond the examples", in: one + "examples: {a: {value: {id: 1}}}}}}}", status: 200, index: 1},
		{name: "negative index", in: one + "}}}}", status: 200, index: -1},
		{name: "example in quotes", in: one + `example: '{"id": 7}'}}}}`, status: 200, wantType: "application/json", want: `{"id": 7}`},
		{name: "example of the schema", in: `responses: {'200': {content: {application/json: {schema: {type: object, example: {id: 9}}}}}}`, status: 200, wantType: "application/json", want: `{"id":9}`},
		{name: "examples of 3.1", version: "3.1", in: `responses: {'200': {content: {application/json: {schema: {type: integer, examples: [4, 5]}}}}}`, status: 200, index: 1, wantType: "application/json", want: `5`},
		{name: "serialized", version: "3.2", in: `responses: {'200': {content: {text/csv: {examples: {a: {dataValue: [1], serializedValue: "a\n1\n"}}}}}}`, status: 200, wantType: "text/csv", want: "a\n1\n"},
		{name: "string as JSON", in: `responses: {'200': {content: {application/json: {example: hello}}}}`, status: 200, wantType: "application/json", want: `"hello"`},
		{name: "string as text", in: `responses: {'200': {content: {text/plain: {schema: {type: string}}}}}`, status: 200, wantType: "text/plain", want: `string`},
		{name: "XML in text", in: `responses: {'200': {content: {application/xml: {example: <a/>}}}}`, status: 200, wantType: "application/xml", want: `<a/>`},
		{name: "XML by value", in: `responses: {'200': {content: {application/xml: {example: {a: 1}}}}}`, status: 200},
		{name: "first with examples", in: `responses: {'200': {content: {image/png: {schema: {type: object}}, application/json: {example: 1}}}}`, status: 200, wantType: "application/json", want: `1`},
		{name: "as asked", in: one + "}}}}", status: 200, contentType: "Application/JSON; charset=utf-8", wantType: "Application/JSON; charset=utf-8", want: `{"id":0}`},
		{name: "another type", in: one + "}}}}", status: 200, contentType: "text/plain"},
		{name: "range of types", in: `responses: {'200': {content: {'*/*': {example: {a: 1}}}}}`, status: 200, wantType: "application/json", want: `{"a":1}`},
		{name: "range of types, asked", in: `responses: {'200': {content: {'application/*': {example: {a: 1}}}}}`, status: 200, contentType: "application/hal+json", wantType: "application/hal+json", want: `{"a":1}`},
		{name: "range of types, not JSON", in: `responses: {'200': {content: {'*/*': {example: {a: 1}}}}}`, status: 200, contentType: "text/html"},
		{name: "another status", in: one + "}}}}", status: 404},
		{name: "range", in: `responses: {4XX: {content: {application/json: {example: 1}}}, default: {content: {application/json: {example: 2}}}}`, status: 404, wantType: "application/json", want: `1`},
		{name: "default", in: `responses: {4XX: {content: {application/json: {example: 1}}}, default: {content: {application/json: {example: 2}}}}`, status: 500, wantType: "application/json", want: `2`},
		{name: "no content", in: `responses: {'204': {}}`, status: 204},
		{name: "write-only", in: `responses: {'200': {content: {application/json: {schema: {type: object, properties: {a: {type: string}, b: {type: string, writeOnly: true}}}}}}}`, status: 200, wantType: "application/json", want: `{"a":"string"}`},
		{name: "2.0", version: "2.0", in: "responses: {200: {schema: {type: object}, examples: {application/json: {a: 1}, text/csv: 'a,b'}}}", status: 200, contentType: "text/csv", wantType: "text/csv", want: "a,b"},
		{name: "2.0 by schema", version: "2.0", in: "responses: {200: {schema: {type: boolean}}}", status: 200, wantType: "application/json", want: "true"},
	} {
		t.Run(c.name, func(t *testing.T) {
			version := c.version
			if version == "" {
				version = "3.0"
			}
			d, verdict := describeOnly(t, withOperation(version, c.in), DescriptionOptions{Examples: true})
			wantVerdict(t, verdict, Exact)
			contentType, body, ok := d.Example(c.status, c.contentType, c.index)
			if contentType != c.wantType || body != c.want || ok != (c.wantType != "") {
				t.Errorf("got %q %q %v, want %q %q", contentType, body, ok, c.wantType, c.want)
			}
		})
	}
}

func TestExampleBounds(t *testing.T) {
	long := strings.Repeat("x", bodyBytes)
	d, _ := describeOnly(t, withOperation("3.0", "responses: {'200': {content: {application/json: {schema: {type: integer}, example: "+long+"}}}}"), DescriptionOptions{Examples: true})
	if _, body, ok := d.Example(200, "", 0); !ok || body != "0" {
		t.Errorf("got %.20q %v, want the sample in place of an example that is too long", body, ok)
	}
	many := strings.Builder{}
	for i := range 2 * maxBodies {
		fmt.Fprintf(&many, "e%d: {value: 1}, ", i)
	}
	d, _ = describeOnly(t, withOperation("3.0", "responses: {'200': {content: {application/json: {examples: {"+many.String()+"}}}}}"), DescriptionOptions{Examples: true})
	if got := len(d.Responses[0].Content[0].Examples); got != maxBodies {
		t.Errorf("got %d examples, want %d", got, maxBodies)
	}
}

func TestURLTemplate(t *testing.T) {
	for _, c := range []struct{ name, path, parameters, want string }{
		{"path alone", "/a/{id}", "[]", "/a/{id}"},
		{"required", "/a", "[{name: q, in: query, required: true}, {name: o, in: query}, {name: $filter, in: query, required: true}]", "/a?q={q}&$filter={$filter}"},
		{"named as in the path", "/a/{Id}", "[{name: id, in: query, required: true}]", "/a/{Id}"},
		{"query in the path", "/a?k=v", "[{name: q, in: query, required: true}]", "/a?k=v&q={q}"},
		{"no name of a template", "/a", "[{name: 'a&b', in: query, required: true}, {name: 'f[a]', in: query, required: true}]", "/a?f[a]={f[a]}"},
		{"deep object", "/a", "[{name: f, in: query, required: true, style: deepObject}]", "/a"},
		{"header", "/a", "[{name: h, in: header, required: true}]", "/a"},
	} {
		d := parseText(t, "openapi: 3.0.0\npaths:\n  '"+c.path+"':\n    parameters: "+c.parameters+"\n    get: {}\n")
		if got := d.URLTemplate(d.Operations[0]); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

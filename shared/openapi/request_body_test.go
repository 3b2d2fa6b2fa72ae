package openapi

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

type bodyTest struct {
	name, version, in string
	schema            string // the input schema without its frame
	body              string
	notes             []string
}

func runBodyTests(t *testing.T, tests []bodyTest) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			version := tt.version
			if version == "" {
				version = "3.0"
			}
			text := withOperation(version, tt.in) + `
components:
  schemas:
    A: {type: object, required: [a], properties: {a: {type: string}}}
    B: {type: object, properties: {b: {type: string}}}
    Broken: {type: object, properties: {x: {$ref: '#/nowhere'}, me: {$ref: '#/components/schemas/Broken'}}}
    Loop: {type: object, properties: {n: {}}, allOf: [{$ref: '#/components/schemas/Loop'}]}
`
			tool, verdict := convertOnly(t, parseText(t, text), ToolOptions{})
			kind := Exact
			if len(tt.notes) > 0 {
				kind = Lossy
			}
			if tt.schema == "" {
				kind = Refused
			}
			wantVerdict(t, verdict, kind, tt.notes...)
			if tool == nil {
				return
			}
			if want := `{"type":"object",` + tt.schema + `}`; string(tool.InputSchema) != want {
				t.Errorf("got  %s\nwant %s", tool.InputSchema, want)
			}
			got := "null"
			if tool.Binding.Body != nil {
				data, err := json.Marshal(tool.Binding.Body)
				if err != nil {
					t.Fatal(err)
				}
				got = string(data)
			}
			if got != tt.body {
				t.Errorf("got  %s\nwant %s", got, tt.body)
			}
		})
	}
}

// jsonBodyOf is a request body of JSON with a schema.
func jsonBodyOf(schema string) string {
	return "requestBody: {required: true, content: {application/json: {schema: " + schema + "}}}"
}

const wholeJSON = `{"kind":"json","contentType":"application/json","required":true,"arg":"body"}`

func TestBodyShapes(t *testing.T) {
	whole := func(schema string) string {
		return `"properties":{"body":` + schema + `},"required":["body"],"additionalProperties":false`
	}
	runBodyTests(t, []bodyTest{
		{
			name: "properties", in: jsonBodyOf("{type: object, required: [b], properties: {a: {type: string}, b: {type: integer}}}"),
			schema: `"properties":{"a":{"type":"string"},"b":{"type":"integer"}},"required":["b"],"additionalProperties":false`,
			body:   `{"kind":"json","contentType":"application/json","required":true,"properties":[{"arg":"a","name":"a"},{"arg":"b","name":"b","required":true}]}`,
		},
		{
			name: "further properties", in: jsonBodyOf("{properties: {a: {}}, additionalProperties: {type: string}}"),
			schema: `"properties":{"a":{}},"additionalProperties":{"type":"string"}`,
			body:   `{"kind":"json","contentType":"application/json","required":true,"properties":[{"arg":"a","name":"a"}],"rest":true}`,
		},
		{
			name: "any further properties", in: jsonBodyOf("{properties: {a: {}}, additionalProperties: true}"),
			schema: `"properties":{"a":{}},"additionalProperties":true`,
			body:   `{"kind":"json","contentType":"application/json","required":true,"properties":[{"arg":"a","name":"a"}],"rest":true}`,
		},
		{
			name: "required without a schema", in: jsonBodyOf("{required: [x], properties: {a: {}}}"),
			schema: `"properties":{"a":{},"x":{}},"required":["x"],"additionalProperties":false`,
			body:   `{"kind":"json","contentType":"application/json","required":true,"properties":[{"arg":"a","name":"a"},{"arg":"x","name":"x","required":true}]}`,
		},
		{
			name: "allOf", in: jsonBodyOf("{allOf: [{$ref: '#/components/schemas/A'}, {$ref: '#/components/schemas/B'}], properties: {c: {}}, required: [c]}"),
			schema: `"properties":{"c":{},"a":{"type":"string"},"b":{"type":"string"}},"required":["c","a"],"additionalProperties":false`,
			body:   `{"kind":"json","contentType":"application/json","required":true,"properties":[{"arg":"c","name":"c","required":true},{"arg":"a","name":"a","required":true},{"arg":"b","name":"b"}]}`,
		},
		{
			name: "allOf with one property twice", in: jsonBodyOf("{allOf: [{properties: {a: {type: string, description: A}}}, {properties: {a: {maxLength: 3}}}, {properties: {a: {maxLength: 3}}}]}"),
			schema: `"properties":{"a":{"description":"A","allOf":[{"type":"string","description":"A"},{"maxLength":3}]}},"additionalProperties":false`,
			body:   `{"kind":"json","contentType":"application/json","required":true,"properties":[{"arg":"a","name":"a"}]}`,
		},
		{
			name: "allOf of parts that exclude each other", in: jsonBodyOf("{allOf: [{properties: {a: {}}, additionalProperties: false}, {properties: {b: {}}}]}"),
			schema: whole(`{"allOf":[{"properties":{"a":{}},"additionalProperties":false},{"properties":{"b":{}}}]}`), body: wholeJSON,
		},
		{
			name: "allOf with a schema for the rest", in: jsonBodyOf("{allOf: [{properties: {a: {}}, additionalProperties: {type: string}}, {properties: {b: {}}}]}"),
			schema: whole(`{"allOf":[{"properties":{"a":{}},"additionalProperties":{"type":"string"}},{"properties":{"b":{}}}]}`), body: wholeJSON,
		},
		{
			name: "allOf that contains itself", in: jsonBodyOf("{$ref: '#/components/schemas/Loop'}"),
			schema: whole(`{"$ref":"#/$defs/Loop"}`) + `,"$defs":{"Loop":{"type":"object","properties":{"n":{}},"$ref":"#/$defs/Loop"}}`, body: wholeJSON,
		},
		{name: "array", in: jsonBodyOf("{type: array, items: {type: string}}"), schema: whole(`{"type":"array","items":{"type":"string"}}`), body: wholeJSON},
		{name: "oneOf", in: jsonBodyOf("{oneOf: [{$ref: '#/components/schemas/B'}, {type: string}]}"), schema: whole(`{"oneOf":[{"$ref":"#/$defs/B"},{"type":"string"}]}`) + `,"$defs":{"B":{"type":"object","properties":{"b":{"type":"string"}}}}`, body: wholeJSON},
		{name: "anyOf beside properties", in: jsonBodyOf("{properties: {a: {}, b: {}}, anyOf: [{required: [a]}, {required: [b]}]}"), schema: whole(`{"properties":{"a":{},"b":{}},"anyOf":[{"required":["a"]},{"required":["b"]}]}`), body: wholeJSON},
		{name: "map", in: jsonBodyOf("{type: object, additionalProperties: {type: integer}}"), schema: whole(`{"type":"object","additionalProperties":{"type":"integer"}}`), body: wholeJSON},
		{name: "any object", in: jsonBodyOf("{type: object}"), schema: whole(`{"type":"object"}`), body: wholeJSON},
		{name: "no schema", in: "requestBody: {required: true, content: {application/json: {}}}", schema: whole(`{}`), body: wholeJSON},
		{name: "at least one property", in: jsonBodyOf("{properties: {a: {}, b: {}}, minProperties: 1}"), schema: whole(`{"properties":{"a":{},"b":{}},"minProperties":1}`), body: wholeJSON},
		{
			name: "at least as many as required", in: jsonBodyOf("{minProperties: 1, required: [a], properties: {a: {}}}"),
			schema: `"properties":{"a":{}},"required":["a"],"additionalProperties":false`,
			body:   `{"kind":"json","contentType":"application/json","required":true,"properties":[{"arg":"a","name":"a","required":true}]}`,
		},
		{
			name: "optional with required properties", in: "requestBody: {content: {application/json: {schema: {required: [a, c], properties: {a: {description: First}, b: {}, c: {}}}}}}",
			schema: `"properties":{"a":{"description":"First\nRequired when any property of the body is given."},"b":{},"c":{"description":"Required when any property of the body is given."}},` +
				`"dependentRequired":{"a":["c"],"b":["a","c"],"c":["a"]},"additionalProperties":false`,
			body: `{"kind":"json","contentType":"application/json","properties":[{"arg":"a","name":"a","required":true},{"arg":"b","name":"b"},{"arg":"c","name":"c","required":true}]}`,
		},
		{
			name: "nullable", in: jsonBodyOf("{type: object, nullable: true, properties: {a: {}}}"), schema: `"properties":{"a":{}},"additionalProperties":false`,
			body:  `{"kind":"json","contentType":"application/json","required":true,"properties":[{"arg":"a","name":"a"}]}`,
			notes: []string{"a body of null cannot be sent"},
		},
		{
			name: "optional and nullable", in: "requestBody: {content: {application/json: {schema: {type: object, nullable: true, properties: {a: {}}}}}}",
			schema: `"properties":{"a":{}},"additionalProperties":false`,
			body:   `{"kind":"json","contentType":"application/json","properties":[{"arg":"a","name":"a"}]}`,
		},
		{
			name:   "example of the whole",
			in:     "requestBody: {required: true, content: {application/json: {schema: {properties: {a: {}, b: {example: own}, c: {type: boolean}}}, examples: {x: {value: {a: 1, b: 2, c: true}}, y: {value: {a: 2}}}}}}",
			schema: `"properties":{"a":{"examples":[1,2]},"b":{"examples":["own"]},"c":{"type":"boolean"}},"additionalProperties":false`,
			body:   `{"kind":"json","contentType":"application/json","required":true,"properties":[{"arg":"a","name":"a"},{"arg":"b","name":"b"},{"arg":"c","name":"c"}]}`,
		},
		{name: "missing schema", in: jsonBodyOf("{properties: {a: {$ref: '#/nowhere'}}}"), notes: []string{`$ref "#/nowhere" names nothing`}},
		{name: "missing schema of a definition", in: jsonBodyOf("{properties: {a: {$ref: '#/components/schemas/Broken'}}}"), notes: []string{`$ref "#/nowhere" names nothing`}},
		{name: "missing body", in: "requestBody: {$ref: '#/components/requestBodies/B'}", notes: []string{"names nothing"}},
		{name: "no content", in: "requestBody: {content: {}}", schema: `"additionalProperties":false`, body: "null", notes: []string{"the request body names no content type"}},
		{name: "no content, required", in: "requestBody: {required: true}", notes: []string{"the request body names no content type"}},
	})
}

func TestBodyContentTypes(t *testing.T) {
	content := func(types string) string { return "requestBody: {content: {" + types + "}}" }
	const a = "{schema: {$ref: '#/components/schemas/A'}}"
	const b = "{schema: {$ref: '#/components/schemas/B'}}"
	const noB = `"properties":{"b":{"type":"string"}},"additionalProperties":false`
	const bodyB = `{"kind":"json","contentType":"application/json","properties":[{"arg":"b","name":"b"}]}`
	runBodyTests(t, []bodyTest{
		{name: "json of several that are the same", in: content("application/xml: " + b + ", multipart/form-data: " + b + ", application/json: " + b), schema: noB, body: bodyB},
		{name: "others without a schema", in: content("application/json: " + b + ", text/csv: {}"), schema: noB, body: bodyB},
		{name: "another schema", in: content("application/json: " + b + ", application/x-www-form-urlencoded: " + a), schema: noB, body: bodyB, notes: []string{"the body is sent as application/json, and application/x-www-form-urlencoded is not offered"}},
		{name: "a file that JSON cannot carry", in: content("application/json: {schema: {properties: {b: {type: string}}}}, multipart/form-data: {schema: {properties: {b: {type: string, format: binary}}}}"), schema: noB, body: bodyB, notes: []string{"multipart/form-data is not offered"}},
		{name: "part of the same", in: content("application/json: " + b + ", application/x-www-form-urlencoded: {schema: {properties: {b: {}}}}"), schema: noB, body: bodyB},
		{name: "with parameters", in: content("'application/json; charset=utf-8': " + b), schema: noB, body: `{"kind":"json","contentType":"application/json; charset=utf-8","properties":[{"arg":"b","name":"b"}]}`},
		{name: "any type", in: content("'*/*': " + b), schema: noB, body: bodyB},
		{name: "suffix", in: content("application/vnd.contoso+json: " + b), schema: noB, body: `{"kind":"json","contentType":"application/vnd.contoso+json","properties":[{"arg":"b","name":"b"}]}`},
		{name: "vendor type of an object", in: content("application/vnd.contoso: " + b), schema: noB, body: `{"kind":"json","contentType":"application/vnd.contoso","properties":[{"arg":"b","name":"b"}]}`, notes: []string{"the content type application/vnd.contoso of the body is taken for JSON"}},
		{name: "vendor type without a type", in: content("application/vnd.contoso: {schema: {properties: {b: {type: string}}}}"), schema: noB, body: `{"kind":"json","contentType":"application/vnd.contoso","properties":[{"arg":"b","name":"b"}]}`, notes: []string{"is taken for JSON"}},
		{
			name: "patches", in: content("application/json-patch+json: {schema: {type: object}}, application/merge-patch+json: {schema: {type: object}}"),
			schema: `"properties":{"body":{"type":"object","description":"Sent as application/merge-patch+json."}},"additionalProperties":false`,
			body:   `{"kind":"json","contentType":"application/merge-patch+json","arg":"body"}`,
		},
		{name: "a patch that fits nothing", in: content("application/json-patch+json: {schema: {type: object}}"), notes: []string{"a body of type application/json-patch+json is an array"}},
		{
			name: "text", in: content("text/plain: {schema: {type: string, description: Words}, example: hi}, text/x-markdown: {schema: {type: string}}"),
			schema: `"properties":{"body":{"type":"string","description":"Words\nSent as text/plain.","examples":["hi"]}},"additionalProperties":false`,
			body:   `{"kind":"text","contentType":"text/plain","arg":"body"}`,
		},
		{
			name: "xml", in: content("application/xml: " + a), schema: `"properties":{"body":{"type":"string","description":"Sent as application/xml."}},"additionalProperties":false`,
			body:  `{"kind":"text","contentType":"application/xml","arg":"body"}`,
			notes: []string{"the body is given as text of type application/xml"},
		},
		{
			name: "sequence of 3.2", version: "3.2", in: content("application/jsonl: {itemSchema: {type: object}}"),
			schema: `"properties":{"body":{"type":"string","description":"Sent as application/jsonl."}},"additionalProperties":false`,
			body:   `{"kind":"text","contentType":"application/jsonl","arg":"body"}`,
			notes:  []string{"the body is given as text of type application/jsonl"},
		},
		{
			name: "bytes", in: "requestBody: {required: true, content: {image/png: {schema: {type: string, format: binary, description: The image.}}}}",
			schema: `"properties":{"body":{"type":"string","description":"The image.\nBase64-encoded bytes.","contentEncoding":"base64","contentMediaType":"image/png"}},"required":["body"],"additionalProperties":false`,
			body:   `{"kind":"binary","contentType":"image/png","required":true,"arg":"body"}`,
		},
		{
			name: "text that the document leaves open", in: content("'text/*': {}"),
			schema: `"properties":{"body":{"type":"string","description":"Sent as text/plain."}},"additionalProperties":false`,
			body:   `{"kind":"text","contentType":"text/plain","arg":"body"}`,
		},
		{
			name: "any image", in: content("'image/*': {}"),
			schema: `"properties":{"body":{"type":"string","description":"Base64-encoded bytes.","contentEncoding":"base64","contentMediaType":"application/octet-stream"}},"additionalProperties":false`,
			body:   `{"kind":"binary","contentType":"application/octet-stream","arg":"body"}`,
		},
		{
			name: "any bytes", in: content("'*/*': {schema: {type: string, format: binary}}"),
			schema: `"properties":{"body":{"type":"string","description":"Base64-encoded bytes.","contentEncoding":"base64","contentMediaType":"application/octet-stream"}},"additionalProperties":false`,
			body:   `{"kind":"binary","contentType":"application/octet-stream","arg":"body"}`,
		},
	})
}

func TestFormBodies(t *testing.T) {
	runBodyTests(t, []bodyTest{
		{
			name: "form", in: `
requestBody:
  content:
    application/x-www-form-urlencoded:
      schema:
        properties: {a: {type: string}, list: {type: array, items: {type: string}}, deep: {type: object}, map: {type: object}, csv: {type: array}, odd: {type: string}}
      encoding:
        deep: {style: deepObject, explode: true}
        csv: {explode: false, allowReserved: true}
        odd: {style: matrix, contentType: text/plain}
`,
			schema: `"properties":{"a":{"type":"string"},"list":{"type":"array","items":{"type":"string"}},"deep":{"type":"object"},"map":{"type":"object"},"csv":{"type":"array"},"odd":{"type":"string"}},"additionalProperties":false`,
			body: `{"kind":"form","contentType":"application/x-www-form-urlencoded","properties":[` +
				`{"arg":"a","name":"a","style":"form","explode":true},{"arg":"list","name":"list","style":"form","explode":true},` +
				`{"arg":"deep","name":"deep","style":"deepObject","explode":true},{"arg":"map","name":"map","contentType":"application/json"},` +
				`{"arg":"csv","name":"csv","style":"form","allowReserved":true},{"arg":"odd","name":"odd","style":"form","explode":true}]}`,
			notes: []string{`the property odd has the style "matrix"`},
		},
		{
			name: "multipart", in: `
requestBody:
  required: true
  content:
    multipart/form-data:
      schema:
        required: [file]
        properties:
          note: {type: string}
          file: {type: string, format: binary, description: A picture.}
          more: {type: array, description: Others., items: {type: string, format: binary}}
          meta: {type: object}
      encoding:
        file: {contentType: 'image/png, image/jpeg', headers: {X-Size: {schema: {type: integer}}}}
        meta: {contentType: application/vnd.meta+json}
`,
			schema: `"properties":{"note":{"type":"string"},"file":{"type":"string","description":"A picture.\nBase64-encoded bytes.","contentEncoding":"base64"},` +
				`"more":{"type":"array","description":"Others.","items":{"type":"string","description":"Base64-encoded bytes.","contentEncoding":"base64"}},"meta":{"type":"object"}},"required":["file"],"additionalProperties":false`,
			body: `{"kind":"multipart","contentType":"multipart/form-data","required":true,"properties":[{"arg":"note","name":"note"},` +
				`{"arg":"file","name":"file","required":true,"contentType":"image/png, image/jpeg","binary":true,"fileName":"file"},` +
				`{"arg":"more","name":"more","binary":true,"fileName":"more"},{"arg":"meta","name":"meta","contentType":"application/vnd.meta+json"}]}`,
			notes: []string{"the headers of the part file are not sent"},
		},
		{
			name: "multipart of 3.1", version: "3.1", in: `
requestBody:
  content:
    multipart/form-data:
      schema: {properties: {png: {contentMediaType: image/png}, text: {type: string, contentMediaType: image/png, contentEncoding: base64}, any: {}}}
      encoding: {any: {contentType: application/zip}}
`,
			schema: `"properties":{"png":{"type":"string","description":"Base64-encoded bytes.","contentEncoding":"base64"},` +
				`"text":{"type":"string","contentMediaType":"image/png","contentEncoding":"base64"},` +
				`"any":{"type":"string","description":"Base64-encoded bytes.","contentEncoding":"base64","contentMediaType":"application/zip"}},"additionalProperties":false`,
			body: `{"kind":"multipart","contentType":"multipart/form-data","properties":[{"arg":"png","name":"png","binary":true,"fileName":"png"},{"arg":"text","name":"text"},` +
				`{"arg":"any","name":"any","contentType":"application/zip","binary":true,"fileName":"any"}]}`,
		},
		{name: "multipart without names", in: "requestBody: {content: {multipart/mixed: {schema: {type: array}}}}", notes: []string{"the parts of the multipart/mixed body have no names"}},
		{
			name: "multipart that cannot be taken apart", in: "requestBody: {content: {multipart/form-data: {schema: {oneOf: [{type: object}]}}}}",
			schema: `"properties":{"body":{"oneOf":[{"type":"object"}],"description":"Sent as multipart/form-data."}},"additionalProperties":false`,
			body:   `{"kind":"multipart","contentType":"multipart/form-data","arg":"body"}`,
			notes:  []string{"the parts of the multipart/form-data body are given in one argument"},
		},
		{
			name: "form that is a map", in: "requestBody: {content: {application/x-www-form-urlencoded: {schema: {type: object, additionalProperties: {type: string}}}}}",
			schema: `"properties":{"body":{"type":"object","additionalProperties":{"type":"string"},"description":"Sent as application/x-www-form-urlencoded."}},"additionalProperties":false`,
			body:   `{"kind":"form","contentType":"application/x-www-form-urlencoded","arg":"body"}`,
		},
	})
}

func TestBodiesOfVersion2(t *testing.T) {
	runBodyTests(t, []bodyTest{
		{
			name: "body", version: "2.0", in: "consumes: [application/xml, application/json]\nparameters: [{name: thing, in: body, required: true, description: The thing., schema: {type: array}}]",
			schema: `"properties":{"body":{"type":"array","description":"The thing."}},"required":["body"],"additionalProperties":false`, body: wholeJSON,
		},
		{
			name: "body without consumes", version: "2.0", in: "parameters: [{name: thing, in: body, schema: {properties: {a: {type: string}}}}]",
			schema: `"properties":{"a":{"type":"string"}},"additionalProperties":false`,
			body:   `{"kind":"json","contentType":"application/json","properties":[{"arg":"a","name":"a"}]}`,
		},
		{
			name: "form", version: "2.0", in: "parameters: [{name: a, in: formData, type: string, required: true}, {name: b, in: formData, type: array, items: {type: string}, collectionFormat: pipes}]",
			schema: `"properties":{"a":{"type":"string"},"b":{"type":"array","items":{"type":"string"}}},"required":["a"],"additionalProperties":false`,
			body:   `{"kind":"form","contentType":"application/x-www-form-urlencoded","required":true,"properties":[{"arg":"a","name":"a","required":true,"style":"form"},{"arg":"b","name":"b","style":"pipeDelimited"}]}`,
		},
		{
			name: "file", version: "2.0", in: "consumes: [application/x-www-form-urlencoded]\nparameters: [{name: f, in: formData, type: file, description: A file.}, {name: b, in: formData, type: array, items: {type: string}}]",
			schema: `"properties":{"f":{"type":"string","description":"A file.\nBase64-encoded bytes.","contentEncoding":"base64"},"b":{"type":"array","items":{"type":"string"}}},"additionalProperties":false`,
			body:   `{"kind":"multipart","contentType":"multipart/form-data","properties":[{"arg":"f","name":"f","binary":true,"fileName":"f"},{"arg":"b","name":"b"}]}`,
			notes:  []string{"the items of b are sent as parts of their own"},
		},
		{name: "two bodies", version: "2.0", in: "parameters: [{name: a, in: body}, {name: b, in: body}]", notes: []string{"several body parameters"}},
		{name: "body and form", version: "2.0", in: "parameters: [{name: a, in: body}, {name: b, in: formData, type: string}]", notes: []string{"a body parameter and form parameters"}},
	})
}

func TestTraceHasNoBody(t *testing.T) {
	d := parseText(t, "openapi: 3.0.0\npaths: {/x: {trace: {requestBody: {content: {application/json: {}}}}}}\n")
	tool, verdict := convertOnly(t, d, ToolOptions{})
	wantVerdict(t, verdict, Lossy, "a TRACE request has no body")
	if tool.Binding.Body != nil || strings.Contains(string(tool.InputSchema), "body") {
		t.Errorf("got %+v", tool.Binding)
	}
}

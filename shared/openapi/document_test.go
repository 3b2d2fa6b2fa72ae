package openapi

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestDialects(t *testing.T) {
	tests := []struct{ in, want, fault string }{
		{"swagger: '2.0'", "2.0", ""},
		{"swagger: 2.0", "2.0", ""},
		{"swagger: 2", "2.0", ""},
		{"openapi: 3.0.4", "3.0", ""},
		{"openapi: 3.1", "3.1", ""},
		{"openapi: 3.1.0-rc1", "3.1", ""},
		{"openapi: '3'", "3.0", ""},
		{"openapi: 3.2.0", "3.2", ""},
		{"swagger: '1.2'", "", `api.yaml:1:10: OpenAPI "1.2" is not among the versions 2.0, 3.0, 3.1 and 3.2 (convert it to OpenAPI 3.1)`},
		{"openapi: 4.0.0", "", `OpenAPI "4.0.0" is not among`},
		{"openapi: [3]", "", "the version of OpenAPI is not a string"},
		{"openapi:", "", "the version of OpenAPI is not a string"},
		{"paths: {}", "", "it has no member openapi or swagger"},
		{"asyncapi: 3.0.0", "", "AsyncAPI"},
		{"- openapi", "", "its root is not an object"},
		{"hello", "", "its root is not an object"},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			d, err := Parse("./api.yaml", []byte(tt.in), nil)
			if tt.fault != "" {
				var fault *Error
				if !errors.As(err, &fault) || !strings.Contains(fault.Error(), tt.fault) {
					t.Errorf("got %v, want %q", err, tt.fault)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d.Dialect != tt.want {
				t.Errorf("got %q, want %q", d.Dialect, tt.want)
			}
		})
	}
}

func TestDocumentInfo(t *testing.T) {
	d := parseText(t, "openapi: 3.0.0\ninfo: {title: Pets, description: All of them, version: 1.0}\n")
	if d.Title != "Pets" || d.Description != "All of them" || d.Version != "1.0" {
		t.Errorf("got %q, %q, %q", d.Title, d.Description, d.Version)
	}
}

func TestOperations(t *testing.T) {
	d := parseText(t, `
openapi: 3.2.0
x-mcp: {name: ignored, annotations: {openWorldHint: false}}
paths:
  x-note: none
  /a:
    x-mcp: {enabled: false}
    summary: Path A
    parameters: []
    get: {operationId: getA, tags: [one, 2], deprecated: true}
    query: {x-mcp: {enabled: true}}
    additionalOperations: {COPY: {summary: Copies}, Get: {}}
    x-extra: {}
  /b: {$ref: '#/components/pathItems/B', summary: mine}
  /c: {$ref: '#/components/pathItems/Missing'}
  /d: nothing
  /e: {put: nothing}
components:
  pathItems:
    B: {summary: theirs, post: {}}
webhooks:
  hook: {post: {}}
`)
	type row struct {
		key, summary string
		disabled     bool
	}
	var got []row
	for _, o := range d.Operations {
		got = append(got, row{o.Key(), o.Summary, o.Disabled})
	}
	want := []row{
		{"getA", "Path A", true}, {"QUERY /a", "Path A", false}, {"COPY /a", "Copies", true}, {"POST /b", "mine", false},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	o := d.Operations[0]
	if !slices.Equal(o.Tags, []string{"one", "2"}) || !o.Deprecated || o.Line != 10 || o.Column != 10 || o.File != "api.yaml" {
		t.Errorf("got %+v", o)
	}
	if o.extension.name != "" || o.extension.annotations.OpenWorld == nil {
		t.Errorf("got extension %+v, want the annotations of the root and not its name", o.extension)
	}
	for i, want := range []string{"Get is not an additional method", `path /c: $ref "#/components/pathItems/Missing" names nothing`, "path /d is not an object", "operation PUT /e is not an object"} {
		if i >= len(d.Warnings) || !strings.Contains(d.Warnings[i].Error(), want) {
			t.Errorf("got warnings %v, want %q", d.Warnings, want)
		}
	}
}

func TestQueryIsOf32(t *testing.T) {
	d := parseText(t, "openapi: 3.1.0\npaths: {/a: {query: {}, additionalOperations: {COPY: {}}}}\n")
	if len(d.Operations) != 0 || len(d.Warnings) != 1 {
		t.Errorf("got %d operations and %v, want none and one warning", len(d.Operations), d.Warnings)
	}
}

func TestFiles(t *testing.T) {
	files := map[string]string{
		"apis/paths/pets.json": `{"get": {"operationId": "listPets", "parameters": [{"$ref": "../common.yaml#/limit"}],
			"responses": {"200": {"content": {"application/json": {"schema": {"$ref": "../schemas/Pet.yaml"}}}}}}}`,
		"apis/common.yaml":             "limit: {name: limit, in: query, schema: {$ref: '#/number'}}\nnumber: {type: integer, maximum: 10}\n",
		"apis/schemas/Pet.yaml":        "type: object\nproperties: {owner: {$ref: 'Owner%20File.yaml#/Owner'}, mate: {$ref: '#'}, me: {$ref: '../api.yaml#/components/schemas/Me'}}\n",
		"apis/schemas/Owner File.yaml": "Owner: {type: object, properties: {pets: {type: array, items: {$ref: Pet.yaml}}}}\n",
		"apis/broken.yaml":             "a: [\n",
	}
	files["apis/schemas/Owner File.yaml"] += "$id: https://contoso.com/owners\n"
	files["apis/schemas/Pet.yaml"] = strings.Replace(files["apis/schemas/Pet.yaml"], "mate:", "keeper: {$ref: 'https://contoso.com/owners#/Owner'}, mate:", 1)
	const text = `
openapi: 3.0.0
paths:
  /pets: {$ref: paths/pets.json}
  /broken: {get: {parameters: [{$ref: broken.yaml#/a}]}}
  /missing: {get: {parameters: [{$ref: missing.yaml#/a}]}}
  /void: {get: {parameters: [{$ref: 'common.yaml#/none'}]}}
components: {schemas: {Me: {type: object, properties: {id: {}}}}}
`
	d, err := Parse("./apis/api.yaml", []byte(text), filesLoader(files))
	if err != nil {
		t.Fatal(err)
	}
	tool, verdict := d.Tool(operationOf(t, d, "listPets"), "listPets", ToolOptions{Output: OutputExact})
	wantVerdict(t, verdict, Exact)
	if got, want := string(tool.InputSchema), `{"type":"object","properties":{"limit":{"type":"integer","maximum":10}},"additionalProperties":false}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	const want = `{"type":"object","properties":{"owner":{"$ref":"#/$defs/Owner"},"keeper":{"$ref":"#/$defs/Owner"},"mate":{"$ref":"#/$defs/Pet"},"me":{"$ref":"#/$defs/Me"}},` +
		`"$defs":{"Owner":{"type":"object","properties":{"pets":{"type":"array","items":{"$ref":"#/$defs/Pet"}}}},` +
		`"Pet":{"type":"object","properties":{"owner":{"$ref":"#/$defs/Owner"},"keeper":{"$ref":"#/$defs/Owner"},"mate":{"$ref":"#/$defs/Pet"},"me":{"$ref":"#/$defs/Me"}}},` +
		`"Me":{"type":"object","properties":{"id":{}}}}}`
	if got := string(tool.OutputSchema); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for key, reason := range map[string]string{
		"GET /broken":  `api.yaml:5:39: $ref "broken.yaml#/a": apis/broken.yaml:`,
		"GET /missing": `api.yaml:6:40: $ref "missing.yaml#/a": file does not exist`,
		"GET /void":    `apis/api.yaml:7:37: $ref "common.yaml#/none" names nothing`,
	} {
		_, verdict := d.Tool(operationOf(t, d, key), "x", ToolOptions{})
		wantVerdict(t, verdict, Refused, reason)
	}
}

func TestFilesWithoutLoader(t *testing.T) {
	d := parseText(t, withOperation("3.0", "parameters: [{$ref: other.yaml}]"))
	_, verdict := convertOnly(t, d, ToolOptions{})
	wantVerdict(t, verdict, Refused, "other.yaml is another file")
}

func TestSelf(t *testing.T) {
	files := map[string]string{"https://contoso.com/apis/common.yaml": "P: {name: p, in: query, schema: {$ref: 'https://contoso.com/apis/main#/components/schemas/S'}}"}
	d, err := Parse("local/x.yaml", []byte(`
openapi: 3.2.0
$self: https://contoso.com/apis/main
servers: [{url: v1/}]
paths: {/a: {get: {parameters: [{$ref: 'common.yaml#/P'}]}}}
components: {schemas: {S: {type: integer}}}
`), filesLoader(files))
	if err != nil {
		t.Fatal(err)
	}
	tool, verdict := convertOnly(t, d, ToolOptions{})
	wantVerdict(t, verdict, Exact)
	if got := string(tool.InputSchema); !strings.Contains(got, `"p":{"type":"integer"}`) {
		t.Errorf("got %s", got)
	}
	if got, err := d.ServerURL(d.Operations[0]); err != nil || got != "https://contoso.com/apis/v1" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestLocate(t *testing.T) {
	tests := []struct{ base, ref, want string }{
		{"api.yaml", "common.yaml", "common.yaml"},
		{"a/b/api.yaml", "../c/x.yaml", "a/c/x.yaml"},
		{"a/b/api.yaml", "./x%20y.yaml", "a/b/x y.yaml"},
		{"/a/api.yaml", "/b/x.yaml", "/b/x.yaml"},
		{"a/api.yaml", "", "a/api.yaml"},
		{"a/api.yaml", "https://contoso.com/x", "https://contoso.com/x"},
		{"https://contoso.com/a/api.yaml", "../x.yaml", "https://contoso.com/x.yaml"},
		{"https://contoso.com/a/api.yaml", "/y", "https://contoso.com/y"},
		{"urn:contoso:api", "x.yaml", "x.yaml"},
		{"C:/apis/api.yaml", "x.yaml", "C:/apis/x.yaml"},
	}
	for _, tt := range tests {
		if got := locate(tt.base, tt.ref); got != tt.want {
			t.Errorf("locate(%q, %q): got %q, want %q", tt.base, tt.ref, got, tt.want)
		}
	}
}

func TestServerURL(t *testing.T) {
	tests := []struct{ name, location, in, want, fault string }{
		{"document", "api.yaml", "servers: [{url: 'https://contoso.com/v1/'}, {url: 'https://other'}]", "https://contoso.com/v1", ""},
		{"path", "api.yaml", "servers: [{url: 'https://a'}]\npaths: {/x: {servers: [{url: 'https://b'}], get: {}}}", "https://b", ""},
		{"operation", "api.yaml", "servers: [{url: 'https://a'}]\npaths: {/x: {servers: [{url: 'https://b'}], get: {servers: [{url: 'https://c'}]}}}", "https://c", ""},
		{"variables", "api.yaml", "servers: [{url: 'https://{region}.contoso.com:{port}/{base}', variables: {region: {default: eu}, port: {default: 8443}, base: {enum: [v2, v1]}}}]", "https://eu.contoso.com:8443/v2", ""},
		{"empty variable", "api.yaml", "servers: [{url: 'https://contoso.com{base}', variables: {base: {default: ''}}}]", "https://contoso.com", ""},
		{"unknown variable", "api.yaml", "servers: [{url: 'https://{region}.contoso.com'}]", "", "the variable {region} of the server URL has no default"},
		{"relative to a URL", "https://contoso.com/docs/api.yaml", "servers: [{url: ../v1}]", "https://contoso.com/v1", ""},
		{"relative to a file", "api.yaml", "servers: [{url: /v1}]", "", `the document names no host: its server URL is "/v1"`},
		{"none, at a URL", "https://contoso.com/docs/api.yaml", "", "https://contoso.com", ""},
		{"none, in a file", "api.yaml", "", "", "the document names no host"},
		{"no url", "api.yaml", "servers: [{description: x}]", "", "the server has no url"},
		{"another scheme", "api.yaml", "servers: [{url: 'ftp://contoso.com'}]", "", "is not an http or https URL"},
		{"user", "api.yaml", "servers: [{url: 'https://me:pw@contoso.com'}]", "", "the server URL has a user name"},
		{"query", "api.yaml", "servers: [{url: 'https://contoso.com?x=1'}]", "", "has a query or fragment"},
		{"not a URL", "api.yaml", "servers: [{url: 'https://[x'}]", "", "is not a URL"},
		{"2.0", "api.yaml", "swagger: '2.0'\nschemes: [ws, http, https]\nhost: contoso.com:8080\nbasePath: v1/", "https://contoso.com:8080/v1", ""},
		{"2.0 by operation", "api.yaml", "swagger: '2.0'\nschemes: [https]\nhost: contoso.com\npaths: {/x: {get: {schemes: [http]}}}", "http://contoso.com", ""},
		{"2.0 without schemes", "api.yaml", "swagger: '2.0'\nhost: contoso.com", "https://contoso.com", ""},
		{"2.0 without host", "http://contoso.com/api.yaml", "swagger: '2.0'\nbasePath: /v1", "http://contoso.com/v1", ""},
		{"2.0 scheme of its location", "http://contoso.com/api.yaml", "swagger: '2.0'\nhost: other.contoso.com", "http://other.contoso.com", ""},
		{"2.0 in a file", "api.yaml", "swagger: '2.0'\nbasePath: /v1", "", "names no host"},
		{"2.0 only sockets", "api.yaml", "swagger: '2.0'\nschemes: [ws]\nhost: contoso.com", "", "none of the schemes is https or http"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := tt.in
			if !strings.Contains(text, "swagger:") {
				text = "openapi: 3.0.0\n" + text
			}
			if !strings.Contains(text, "paths:") {
				text += "\npaths: {/x: {get: {}}}\n"
			}
			d, err := Parse(tt.location, []byte(text), nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := d.ServerURL(d.Operations[0])
			var fault *Error
			switch {
			case tt.fault == "" && err != nil:
				t.Errorf("got %v, want %q", err, tt.want)
			case tt.fault != "" && (!errors.As(err, &fault) || !strings.Contains(err.Error(), tt.fault)):
				t.Errorf("got %v, want %q", err, tt.fault)
			case got != tt.want:
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestExtensions(t *testing.T) {
	d := parseText(t, `
openapi: 3.1.0
jsonSchemaDialect: https://contoso.com/dialect
x-mcp: false
paths:
  /a: {get: {}, put: {x-mcp: true}, post: {x-mcp: [odd]}, patch: {x-mcp: {enabled: true, annotations: {title: T}}}}
components: {securitySchemes: {k: {$ref: '#/none'}}}
`)
	var disabled []bool
	for _, o := range d.Operations {
		disabled = append(disabled, o.Disabled)
	}
	if want := []bool{true, false, true, false}; !slices.Equal(disabled, want) {
		t.Errorf("got %v, want %v", disabled, want)
	}
	if got := d.Operations[3].title(&ToolOptions{}); got != "T" {
		t.Errorf("got the title %q, want T", got)
	}
	for i, want := range []string{"the schema dialect", `$ref "#/none" names nothing`, "x-mcp is neither a boolean nor an object"} {
		if i >= len(d.Warnings) || !strings.Contains(d.Warnings[i].Message, want) {
			t.Errorf("got warnings %v, want %q", d.Warnings, want)
		}
	}
}

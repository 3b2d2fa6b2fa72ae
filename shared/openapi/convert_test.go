package openapi

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// parseText parses a document of one file.
func parseText(t testing.TB, text string) *Document {
	t.Helper()
	d, err := Parse("api.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// filesLoader loads from memory.
func filesLoader(files map[string]string) Loader {
	return func(location string) ([]byte, error) {
		text, ok := files[location]
		if !ok {
			return nil, fs.ErrNotExist
		}
		return []byte(text), nil
	}
}

// operationOf is the operation with that key.
func operationOf(t testing.TB, d *Document, key string) *Operation {
	t.Helper()
	for _, o := range d.Operations {
		if o.Key() == key {
			return o
		}
	}
	t.Fatalf("no operation %q", key)
	return nil
}

// convertOnly converts the only operation of a document and compiles what it
// publishes, as validators of clients do.
func convertOnly(t *testing.T, d *Document, opt ToolOptions) (*Tool, Verdict) {
	t.Helper()
	if len(d.Operations) != 1 {
		t.Fatalf("got %d operations, want 1", len(d.Operations))
	}
	tool, verdict := d.Tool(d.Operations[0], "tool", opt)
	if tool == nil {
		return nil, verdict
	}
	if !tool.Definition.IsValid() {
		t.Fatalf("not JSON: %s", tool.Definition)
	}
	if _, err := CompileSchema(tool.InputSchema); err != nil {
		t.Errorf("input schema: %v", err)
	}
	return tool, verdict
}

// wantVerdict checks the kind of a verdict and that each reason contains its
// text.
func wantVerdict(t *testing.T, got Verdict, kind VerdictKind, reasons ...string) {
	t.Helper()
	if got.Kind != kind || len(got.Reasons) != len(reasons) {
		t.Errorf("got verdict %s %q, want %s %q", got.Kind, got.Reasons, kind, reasons)
		return
	}
	for i, reason := range reasons {
		if !strings.Contains(got.Reasons[i], reason) {
			t.Errorf("got reason %q, want %q in it", got.Reasons[i], reason)
		}
	}
}

// indent shifts a block of YAML to the right.
func indent(text string, spaces int) string {
	prefix := strings.Repeat(" ", spaces)
	lines := strings.Split(strings.Trim(text, "\n"), "\n")
	for i, line := range lines {
		if line != "" {
			lines[i] = prefix + line
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// withOperation is a document of a version with one operation, POST /things.
func withOperation(version, operation string) string {
	head := "openapi: " + version + ".0\n"
	if version == "2.0" {
		head = "swagger: '2.0'\n"
	}
	return head + "info: {title: Things, version: '1'}\npaths:\n  /things:\n    post:\n      operationId: makeThing\n" + indent(operation, 6)
}

func TestToolRefusesUnusableTargets(t *testing.T) {
	tests := []struct{ name, path, method, tool, want string }{
		{"relative path", "things", "get", "ok", `the path "things" does not start with a slash`},
		{"query in path", "/things?kind=a", "get", "ok", "has a query or fragment"},
		{"fragment in path", "/#X-Action=List", "get", "ok", "has a query or fragment"},
		{"tool name with a dot", "/things", "get", "a.b", `the tool name "a.b" does not match`},
		{"no tool name", "/things", "get", "", `the tool name "" does not match`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := parseText(t, "openapi: 3.0.0\npaths:\n  '"+tt.path+"':\n    "+tt.method+": {}\n")
			tool, verdict := d.Tool(d.Operations[0], tt.tool, ToolOptions{})
			if tool != nil {
				t.Error("got a tool, want none")
			}
			wantVerdict(t, verdict, Refused, tt.want)
		})
	}
}

func TestDefinitionOrder(t *testing.T) {
	d := parseText(t, withOperation("3.0", `
summary: Make a thing.
parameters:
  - {name: size, in: query, required: true, schema: {type: integer}}
responses:
  '200': {content: {application/json: {schema: {type: object, properties: {id: {type: string}}}}}}
`))
	tool, verdict := convertOnly(t, d, ToolOptions{})
	wantVerdict(t, verdict, Exact)
	const want = `{"name":"tool","title":"Make a thing.","description":"Make a thing.",` +
		`"inputSchema":{"type":"object","properties":{"size":{"type":"integer"}},"required":["size"],"additionalProperties":false},` +
		`"outputSchema":{"type":"object","properties":{"id":{}}},` +
		`"annotations":{"readOnlyHint":false,"destructiveHint":true,"idempotentHint":false}}`
	if got := string(tool.Definition); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if tool.OutputSchema != nil {
		t.Errorf("got an output schema to check in permissive mode: %s", tool.OutputSchema)
	}
}

func TestNoArguments(t *testing.T) {
	d := parseText(t, withOperation("3.0", "responses: {}"))
	tool, verdict := convertOnly(t, d, ToolOptions{})
	wantVerdict(t, verdict, Exact)
	if got, want := string(tool.InputSchema), `{"type":"object","additionalProperties":false}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := tool.Binding.Accept, "application/json, */*;q=0.1"; got != want {
		t.Errorf("got Accept %q, want %q", got, want)
	}
}

// TestToolIsStable converts operations in different orders and selections: the
// bytes must not depend on what was converted before.
func TestToolIsStable(t *testing.T) {
	text := `
openapi: 3.0.0
paths:
  /a: {get: {operationId: a, responses: {'200': {$ref: '#/components/responses/Tree'}}}}
  /b: {put: {operationId: b, requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Tree'}}}}}}
  /c: {put: {operationId: c, requestBody: {content: {application/json: {schema: {properties: {tree: {$ref: '#/components/schemas/Tree'}, leaf: {$ref: '#/components/schemas/Leaf'}}}}}}}}
components:
  responses:
    Tree: {content: {application/json: {schema: {$ref: '#/components/schemas/Tree'}}}}
  schemas:
    Tree: {type: object, properties: {leaf: {$ref: '#/components/schemas/Leaf'}, left: {$ref: '#/components/schemas/Tree'}, right: {$ref: '#/components/schemas/Tree'}}}
    Leaf: {type: object, properties: {color: {type: string}}}
`
	render := func(keys ...string) map[string]string {
		d := parseText(t, text)
		got := make(map[string]string)
		for _, key := range keys {
			tool, verdict := d.Tool(operationOf(t, d, key), key, ToolOptions{})
			wantVerdict(t, verdict, Exact)
			got[key] = string(tool.Definition)
		}
		return got
	}
	forward, backward := render("a", "b", "c"), render("c", "b", "a")
	for key, want := range forward {
		if got := backward[key]; got != want {
			t.Errorf("%s in another order: got %s\nwant %s", key, got, want)
		}
		if got := render(key)[key]; got != want {
			t.Errorf("%s alone: got %s\nwant %s", key, got, want)
		}
	}
}

func TestConfiguredValues(t *testing.T) {
	text := withOperation("3.0", `
parameters:
  - {name: limit, in: query, schema: {type: integer, maximum: 100}}
  - {name: $top, in: query, schema: {type: integer}}
  - {name: version, in: header, required: true, schema: {type: string}}
requestBody:
  required: true
  content:
    application/json:
      schema: {type: object, required: [name, kind], properties: {name: {type: string}, kind: {type: string, enum: [a, b]}}}
`)
	value := func(name, json string) map[string]jsontext.Value {
		return map[string]jsontext.Value{name: jsontext.Value(json)}
	}
	t.Run("hidden and default", func(t *testing.T) {
		tool, verdict := convertOnly(t, parseText(t, text), ToolOptions{
			Hidden:   map[string]jsontext.Value{"version": jsontext.Value(`"2"`), "kind": jsontext.Value(`"a"`)},
			Defaults: map[string]jsontext.Value{"limit": jsontext.Value(` 20 `), "name": jsontext.Value(`"x"`)},
		})
		wantVerdict(t, verdict, Exact)
		const want = `{"type":"object","properties":{"limit":{"type":"integer","maximum":100,"default":20},"top":{"type":"integer"},` +
			`"name":{"type":"string","default":"x"}},"additionalProperties":false}`
		if got := string(tool.InputSchema); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
		b := tool.Binding
		if p := b.Params[0]; p.Arg != "limit" || string(p.Value) != "20" {
			t.Errorf("got parameter %+v, want a value of 20", p)
		}
		if p := b.Params[2]; p.Arg != "" || string(p.Value) != `"2"` {
			t.Errorf("got parameter %+v, want a hidden value", p)
		}
		if p := b.Body.Properties[1]; p.Arg != "" || string(p.Value) != `"a"` || !p.Required {
			t.Errorf("got property %+v, want a hidden value", p)
		}
	})
	t.Run("by the name of the parameter", func(t *testing.T) {
		tool, verdict := convertOnly(t, parseText(t, text), ToolOptions{Defaults: value("$top", "5")})
		wantVerdict(t, verdict, Exact)
		if p := tool.Binding.Params[1]; p.Arg != "top" || string(p.Value) != "5" {
			t.Errorf("got parameter %+v, want a value of 5", p)
		}
	})
	faults := []struct {
		name string
		opt  ToolOptions
		want string
	}{
		{"unknown", ToolOptions{Defaults: value("limmit", "1")}, `default for "limmit", which is not an argument of makeThing: did you mean "limit"?`},
		{"unknown hidden", ToolOptions{Hidden: value("nam", "1")}, `did you mean "name"?`},
		{"wrong type", ToolOptions{Defaults: value("limit", `"many"`)}, `default for "limit"`},
		{"out of bounds", ToolOptions{Hidden: value("limit", "101")}, `hidden value for "limit"`},
		{"not JSON", ToolOptions{Hidden: value("limit", "{")}, "is not valid JSON"},
		{"both", ToolOptions{Hidden: value("limit", "1"), Defaults: value("limit", "1")}, "has a default and is hidden as well"},
	}
	for _, tt := range faults {
		t.Run(tt.name, func(t *testing.T) {
			_, verdict := convertOnly(t, parseText(t, text), tt.opt)
			wantVerdict(t, verdict, Refused, tt.want)
		})
	}
	t.Run("whole body", func(t *testing.T) {
		d := parseText(t, withOperation("3.0", "requestBody: {content: {application/json: {schema: {type: array}}}}"))
		_, verdict := convertOnly(t, d, ToolOptions{Defaults: value("body", "[]")})
		wantVerdict(t, verdict, Refused, "is the whole body")
	})
}

func TestAnnotations(t *testing.T) {
	yes, no := true, false
	tests := []struct {
		name, method, extension string
		configured              Annotations
		want                    string
	}{
		{name: "get", method: "get", want: `{"readOnlyHint":true,"destructiveHint":false,"idempotentHint":true}`},
		{name: "put", method: "put", want: `{"readOnlyHint":false,"destructiveHint":true,"idempotentHint":true}`},
		{name: "delete", method: "delete", want: `{"readOnlyHint":false,"destructiveHint":true,"idempotentHint":true}`},
		{name: "patch", method: "patch", want: `{"readOnlyHint":false,"destructiveHint":true,"idempotentHint":false}`},
		{name: "post", method: "post", want: `{"readOnlyHint":false,"destructiveHint":true,"idempotentHint":false}`},
		{
			name: "a search by post", method: "post", extension: "x-mcp: {annotations: {readOnlyHint: true}}",
			want: `{"readOnlyHint":true,"destructiveHint":false,"idempotentHint":true}`,
		},
		{
			name: "a get that writes", method: "get", configured: Annotations{ReadOnly: &no},
			want: `{"readOnlyHint":false,"destructiveHint":true,"idempotentHint":false}`,
		},
		{
			name: "configuration before document", method: "post", extension: "x-mcp: {annotations: {destructiveHint: false, openWorldHint: true}}",
			configured: Annotations{Destructive: &yes, OpenWorld: &no},
			want:       `{"readOnlyHint":false,"destructiveHint":true,"idempotentHint":false,"openWorldHint":false}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := parseText(t, "openapi: 3.0.0\npaths:\n  /x:\n    "+tt.method+":\n      responses: {}\n      "+tt.extension+"\n")
			tool, verdict := convertOnly(t, d, ToolOptions{Annotations: tt.configured})
			wantVerdict(t, verdict, Exact)
			_, got, _ := strings.Cut(string(tool.Definition), `"annotations":`)
			if got != tt.want+"}" {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

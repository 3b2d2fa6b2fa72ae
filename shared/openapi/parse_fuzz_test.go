package openapi

import (
	"errors"
	"io/fs"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// FuzzParse reads anything as a document and publishes whatever operations it
// has. Nothing may panic or hang; errors have a place; what is published is
// valid: names, JSON, and schemas that compile.
func FuzzParse(f *testing.F) {
	// Seeds are short, since the fuzzer spends its time on making them shorter.
	for _, seed := range []string{
		"openapi: 3.2.0\npaths: {/a/{b}: {get: {parameters: [{$ref: other}], responses: {default: {content: {a/b: {schema: true}}}}}}}",
		"openapi: 3.1.0\nx: &x {properties: {a: {$ref: '#/x'}}}\npaths: {/a: {put: {requestBody: {content: {application/json: {schema: *x}}}}}}",
		`{"swagger":"2.0","paths":{"/":{"post":{"parameters":[{"in":"formData","name":"f","type":"file"}]}}}}`,
		`{"openapi":"3.0.0","paths":{"/":{"post":{"requestBody":{"content":{"multipart/form-data":{"schema":{"allOf":[{"$ref":"other#/s"},{"properties":{"a":{"type":"string","format":"binary","nullable":true,"enum":[1]}},"required":["a"]}]},"encoding":{"a":{"contentType":"a/b"}}}}}}}}}`,
		`{"openapi":"3.0.0","paths":{"/{a}{b}":{"get":{"parameters":[{"name":"a","in":"path","schema":{"pattern":"(?!a)\\u00e4","minimum":1e9,"exclusiveMinimum":true}},{"name":"a","in":"query","content":{"a/json":{}}}],"responses":{"2XX":{"content":{"application/json":{"schema":{"oneOf":[{"type":["object","null"]}],"discriminator":{"propertyName":"k"}}}}}}}}}}`,
		"a: &a [*a]", "{<<: [{a: 1}, x]}", `{"$id":"x","openapi":"3.1","components":{"schemas":{"$id":"y","$anchor":"z"}}}`,
	} {
		f.Add([]byte(seed), []byte(`{"name":"p","in":"query","s":{"$ref":"#/s"}}`))
	}
	f.Fuzz(func(t *testing.T, data, other []byte) {
		d, err := Parse("api", data, func(location string) ([]byte, error) {
			if location == "other" {
				return other, nil
			}
			return nil, fs.ErrNotExist
		})
		if err != nil {
			if fault, ok := errors.AsType[*Error](err); !ok || fault.Message == "" || fault.File == "" {
				t.Errorf("got %#v, want an *Error with a file", err)
			}
			return
		}
		checkDocument(t, d)
	})
}

// checkDocument publishes the first operations of a document in every mode.
func checkDocument(t *testing.T, d *Document) {
	t.Helper()
	names := d.Names(0)
	taken := make(map[string]bool)
	for i, o := range d.Operations {
		name := names[o]
		if !toolName().MatchString(name) || len(name) > defaultNameLength || taken[name] {
			t.Errorf("%s: got the name %q", o.Key(), name)
		}
		taken[name] = true
		if i >= 20 {
			continue
		}
		if _, err := d.ServerURL(o); err != nil {
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Errorf("got %v, want an *Error", err)
			}
		}
		for _, opt := range []ToolOptions{{}, {Output: OutputExact, MaxSchemaBytes: 500}} {
			tool, verdict := d.Tool(o, name, opt)
			checkTool(t, o, tool, verdict)
		}
		checkDescription(t, d, o)
	}
}

func checkTool(t *testing.T, o *Operation, tool *Tool, verdict Verdict) {
	t.Helper()
	if (tool == nil) != (verdict.Kind == Refused) || (verdict.Kind == Exact) != (len(verdict.Reasons) == 0) {
		t.Fatalf("%s: got tool %v with verdict %v", o.Key(), tool, verdict)
	}
	if tool == nil {
		return
	}
	if !tool.Definition.IsValid() || !utf8.Valid(tool.Definition) {
		t.Errorf("%s: not JSON: %s", o.Key(), tool.Definition)
	}
	for _, schema := range []jsontext.Value{tool.InputSchema, tool.OutputSchema} {
		if schema == nil {
			continue
		}
		if _, err := CompileSchema(schema); err != nil {
			t.Errorf("%s: %v: %s", o.Key(), err, schema)
		}
	}
}

func checkDescription(t *testing.T, d *Document, o *Operation) {
	t.Helper()
	description, _ := d.Describe(o, DescriptionOptions{Schemas: true, Examples: true})
	text, err := json.Marshal(description)
	if err != nil {
		t.Fatalf("%s: %v", o.Key(), err)
	}
	if err := json.Unmarshal(text, new(Description)); err != nil {
		t.Errorf("%s: %v: %s", o.Key(), err, text)
	}
	for _, schema := range description.Schemas {
		if _, err := CompileSchema(schema); err != nil {
			t.Errorf("%s: %v: %s", o.Key(), err, schema)
		}
	}
	d.URLTemplate(o)
}

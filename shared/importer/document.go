package importer

import (
	"bytes"
	"cmp"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// operation is one operation of an OpenAPI document that is made here.
type operation struct {
	id, method, path     string
	summary, description string
	parameters           []parameter // of the path
	body                 *schema     // nil: there is none
	unknown              bool        // nothing is known of the body: it may be left out
	responses            []response
}

type parameter struct {
	name   string
	schema object
}

type response struct {
	status, description string
	schema              *schema // nil: nothing is known of the body
}

// schema is a JSON Schema as somebody else wrote it.
type schema struct{ jsontext.Value }

// anything is the schema of a JSON object of which nothing is known.
func anything() *schema { return &schema{jsontext.Value(`{"type":"object"}`)} }

// document is an OpenAPI document of operations.
func document(title, description string, operations []operation) []byte {
	d := documentWriter{components: object{}}
	var paths object
	for _, o := range operations {
		i := 0
		for i < len(paths) && paths[i].key != o.path {
			i++
		}
		if i == len(paths) {
			paths = append(paths, field{o.path, object{}})
		}
		item, _ := paths[i].value.(object)
		paths[i].value = append(item, field{strings.ToLower(o.method), d.operation(&o)})
	}
	root := object{
		{"openapi", "3.1.0"},
		{"info", object{{"title", title}}.with("description", description).with("version", "1.0.0")},
		{"paths", paths},
	}
	if len(d.components) > 0 {
		root = append(root, field{"components", object{{"schemas", d.components}}})
	}
	return jsonOf(root)
}

// documentWriter makes the parts of a document.
type documentWriter struct {
	components object
}

func (d *documentWriter) operation(o *operation) object {
	out := object{{"operationId", o.id}}.with("summary", o.summary).with("description", o.description)
	var parameters []any
	for _, p := range o.parameters {
		parameters = append(parameters, object{{"name", p.name}, {"in", "path"}, {"required", true}, {"schema", p.schema}})
	}
	out = out.with("parameters", parameters)
	if o.body != nil {
		content := object{{"application/json", object{{"schema", d.schema(o.id, o.body)}}}}
		out = append(out, field{"requestBody", object{{"required", !o.unknown}, {"content", content}}})
	}
	var responses object
	for _, r := range o.responses {
		one := object{{"description", cmp.Or(r.description, "The response.")}}
		if r.schema != nil {
			one = append(one, field{"content", object{{"application/json", object{{"schema", d.schema(o.id+"-"+r.status, r.schema)}}}}})
		}
		responses = append(responses, field{r.status, one})
	}
	return append(out, field{"responses", responses})
}

// ownReference is a reference of a schema to a part of itself.
var ownReference = regexp.MustCompile(`("\$ref"\s*:\s*"#)([^"]*")`)

// schema is a schema where it is used. One that refers to parts of itself becomes
// a component, since the references are to what is in the document.
func (d *documentWriter) schema(name string, s *schema) any {
	if !ownReference.Match(s.Value) {
		return s.Value
	}
	name = notFile.ReplaceAllString(name, "-")
	there := "/components/schemas/" + name
	d.components = append(d.components, field{name, jsontext.Value(ownReference.ReplaceAll(s.Value, []byte("${1}"+strings.ReplaceAll(there, "$", "$$")+"${2}")))})
	return object{{"$ref", "#" + there}}
}

// jsonOf writes a value as JSON, in the order of its members.
func jsonOf(value any) []byte {
	var out bytes.Buffer
	enc := jsontext.NewEncoder(&out, jsontext.Multiline(true), jsontext.WithIndent("  "), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	writeJSON(enc, value)
	return out.Bytes()
}

// writeJSON writes a value. A Buffer takes everything, and the order of tokens is
// that of a value, so that there are no errors.
func writeJSON(enc *jsontext.Encoder, value any) {
	switch v := value.(type) {
	case object:
		_ = enc.WriteToken(jsontext.BeginObject)
		for _, f := range v {
			_ = enc.WriteToken(jsontext.String(f.key))
			writeJSON(enc, f.value)
		}
		_ = enc.WriteToken(jsontext.EndObject)
	case []any:
		_ = enc.WriteToken(jsontext.BeginArray)
		for _, item := range v {
			writeJSON(enc, item)
		}
		_ = enc.WriteToken(jsontext.EndArray)
	case string:
		_ = enc.WriteToken(jsontext.String(v))
	case bool:
		_ = enc.WriteToken(jsontext.Bool(v))
	case int:
		_ = enc.WriteToken(jsontext.Int(int64(v)))
	case jsontext.Value:
		if v.IsValid() {
			_ = enc.WriteValue(v)
		} else {
			_ = enc.WriteToken(jsontext.Null)
		}
	}
}

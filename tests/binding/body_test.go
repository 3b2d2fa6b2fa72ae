package binding_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"toolgate/shared/openapi"
)

// property is a property of a body with the shape of its values.
type property struct {
	openapi.BodyProperty
	shape shape
}

// TestBodies sends random bodies of every kind and has them read back.
func TestBodies(t *testing.T) {
	tests := []struct {
		name       string
		body       openapi.Body
		properties []property
		avoid      string
	}{
		{"JSON", openapi.Body{Kind: openapi.BodyJSON, ContentType: "application/json"}, []property{
			{openapi.BodyProperty{Name: "a"}, text}, {openapi.BodyProperty{Name: `b "x"`}, integer}, {openapi.BodyProperty{Name: "c"}, nested}, {openapi.BodyProperty{Name: "d"}, list}}, ""},
		{"form", openapi.Body{Kind: openapi.BodyForm, ContentType: "application/x-www-form-urlencoded"}, []property{
			{openapi.BodyProperty{Name: "a"}, text}, {openapi.BodyProperty{Name: "b"}, integer}, {openapi.BodyProperty{Name: "c"}, list}, {openapi.BodyProperty{Name: "d"}, boolean}}, ""},
		{"form, not exploded", openapi.Body{Kind: openapi.BodyForm, ContentType: "application/x-www-form-urlencoded"}, []property{
			{openapi.BodyProperty{Name: "a", Style: "form"}, list}, {openapi.BodyProperty{Name: "b", Style: "form"}, object}}, ","},
		{"form, pipes", openapi.Body{Kind: openapi.BodyForm, ContentType: "application/x-www-form-urlencoded"}, []property{
			{openapi.BodyProperty{Name: "a", Style: "pipeDelimited"}, list}}, "|"},
		{"form, brackets", openapi.Body{Kind: openapi.BodyForm, ContentType: "application/x-www-form-urlencoded"}, []property{
			{openapi.BodyProperty{Name: "a", Style: "deepObject", Explode: true}, nested}, {openapi.BodyProperty{Name: "b"}, text}}, "[]"},
		{"multipart", openapi.Body{Kind: openapi.BodyMultipart, ContentType: "multipart/form-data"}, []property{
			{openapi.BodyProperty{Name: "a"}, text}, {openapi.BodyProperty{Name: "b"}, integer}, {openapi.BodyProperty{Name: "c"}, list}, {openapi.BodyProperty{Name: "d"}, nested},
			{openapi.BodyProperty{Name: "e", Binary: true, FileName: "e.bin"}, text}}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newBackend(t)
			binding := bodyBinding(test.body, test.properties)
			random := values{seeded(t.Name()), test.avoid, false}
			for range rounds {
				sent, want := bodyValues(test.properties, random)
				args := marshal(t, sent)
				if reason := b.send(t, binding, args, decodeBody(test.body, test.properties, want)); reason != "" {
					t.Errorf("%s: %s", args, reason)
				}
			}
			sent, _ := bodyValues(test.properties, random)
			_, other := bodyValues(test.properties, random)
			if b.send(t, binding, marshal(t, sent), decodeBody(test.body, test.properties, other)) == "" {
				t.Errorf("the reference decoder takes %v for %v", sent, other)
			}
		})
	}
}

// TestWholeBodies sends bodies that are one argument.
func TestWholeBodies(t *testing.T) {
	for _, s := range []shape{text, integer, boolean, list, object, nested} {
		t.Run(s.String(), func(t *testing.T) {
			b := newBackend(t)
			body := openapi.Body{Kind: openapi.BodyJSON, ContentType: "application/json", Arg: "body", Required: true}
			binding := bodyBinding(body, nil)
			random := values{seeded(t.Name()), "", false}
			for range rounds {
				value := random.of(s)
				args := argument(t, "body", value)
				if reason := b.send(t, binding, args, decodeWith(body, schemaOf(value), nil)); reason != "" {
					t.Errorf("%s: %s", args, reason)
				}
			}
		})
	}
}

func bodyBinding(body openapi.Body, properties []property) *openapi.Binding {
	for i, p := range properties {
		p.Arg = fmt.Sprintf("arg%d", i)
		body.Properties = append(body.Properties, p.BodyProperty)
	}
	return &openapi.Binding{Operation: "test", Method: http.MethodPost, Path: "/x", Body: &body, Accept: "*/*"}
}

// bodyValues makes the arguments of a body and the body that they should
// become. A binary property is given as base64.
func bodyValues(properties []property, random values) (sent, want map[string]any) {
	sent, want = map[string]any{}, map[string]any{}
	for i, p := range properties {
		value := random.of(p.shape)
		want[p.Name] = value
		if p.Binary {
			value = base64.StdEncoding.EncodeToString([]byte(value.(string)))
		}
		sent[fmt.Sprintf("arg%d", i)] = value
	}
	return sent, want
}

func marshal(t *testing.T, value any) jsontext.Value {
	t.Helper()
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// decodeBody has the reference decode the body and compare.
func decodeBody(body openapi.Body, properties []property, want map[string]any) func(*http.Request) error {
	schema := schemaOf(want)
	encoding := map[string]*openapi3.Encoding{}
	for _, p := range properties {
		if p.Binary {
			schema.Properties[p.Name].Value.Format = "binary"
		}
		if p.Style != "" {
			encoding[p.Name] = &openapi3.Encoding{Style: p.Style, Explode: &p.Explode}
		}
	}
	return decodeWith(body, schema, encoding)
}

func decodeWith(body openapi.Body, schema *openapi3.Schema, encoding map[string]*openapi3.Encoding) func(*http.Request) error {
	return func(r *http.Request) error {
		in, err := input(r)
		if err != nil {
			return err
		}
		media := openapi3.NewMediaType().WithSchema(schema)
		media.Encoding = encoding
		return openapi3filter.ValidateRequestBody(r.Context(), in, &openapi3.RequestBody{Required: true, Content: openapi3.Content{body.ContentType: media}})
	}
}

package openapi

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// getBinding is an ordinary GET with a parameter in the path and two in the
// query.
var getBinding = Binding{Operation: "getPet", Method: "GET", Path: "/owners/{owner}/pets", Accept: "application/json", Params: []Param{
	{Name: "owner", Arg: "owner", In: InPath, Style: "simple", Required: true},
	{Name: "limit", Arg: "limit", In: InQuery, Style: "form", Explode: true},
	{Name: "name", Arg: "name", In: InQuery, Style: "form", Explode: true},
}}

const getArguments = `{"owner":"contoso/1","limit":20,"name":"Bello the dog"}`

// TestBindAllocations keeps a call cheap: what remains is the request itself.
func TestBindAllocations(t *testing.T) {
	args := jsontext.Value(getArguments)
	got := testing.AllocsPerRun(1000, func() {
		if _, err := getBinding.Bind(args); err != nil {
			t.Fatal(err)
		}
	})
	if got > 15 {
		t.Errorf("got %v allocations, want at most 15", got)
	}
}

func BenchmarkBindGet(b *testing.B) {
	args := jsontext.Value(getArguments)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := getBinding.Bind(args); err != nil {
			b.Fatal(err)
		}
	}
}

// kilobyte is a JSON object of about 1 KB.
var kilobyte = `{"items":[` + strings.Repeat(`{"id":12345,"name":"Bello","tags":["a","b"],"weight":7.5},`, 17) + `{"id":0}]}`

func BenchmarkBindJSONBody(b *testing.B) {
	binding := withBody(Body{Kind: BodyJSON, ContentType: "application/json", Required: true, Properties: []BodyProperty{
		{Arg: "name", Name: "name", Required: true}, {Arg: "order", Name: "order"}}})
	args := jsontext.Value(`{"name":"x","order":` + kilobyte + `}`)
	b.ReportAllocs()
	b.SetBytes(int64(len(args)))
	for b.Loop() {
		if _, err := binding.Bind(args); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendResult(b *testing.B) {
	binding := getBinding
	binding.Structured = StructuredObject
	r := Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(kilobyte)}
	var dst []byte
	b.ReportAllocs()
	b.SetBytes(int64(len(r.Body)))
	for b.Loop() {
		dst, _ = binding.AppendResult(dst[:0], r, ResultOptions{})
	}
}

func BenchmarkCheck(b *testing.B) {
	s, err := CompileSchema(jsontext.Value(`{"type":"object","properties":{"owner":{"type":"string"},"limit":{"type":"integer","maximum":100},"name":{"type":"string"}},"required":["owner"],"additionalProperties":false}`))
	if err != nil {
		b.Fatal(err)
	}
	args := jsontext.Value(getArguments)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Check(args); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompileSchema(b *testing.B) {
	schema := jsontext.Value(`{"type":"object","properties":{"owner":{"type":"string"},"limit":{"type":"integer","maximum":100},"name":{"type":"string"}},"required":["owner"],"additionalProperties":false}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := CompileSchema(schema); err != nil {
			b.Fatal(err)
		}
	}
}

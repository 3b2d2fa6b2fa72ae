package mcp

import (
	"errors"
	"net/http"
	"reflect"
	"testing"
)

func TestParamHeaders(t *testing.T) {
	schema := `{"type":"object","properties":{
		"region":{"type":"string","x-mcp-header":"Region"},
		"where":{"type":"object","properties":{"zone":{"type":"integer","x-mcp-header":"Zone"}}},
		"list":{"type":"array","items":{"type":"string","x-mcp-header":"Ignored"}},
		"other":{"type":"string"}}}`
	got, err := ParamHeaders([]byte(schema))
	want := []ParamHeader{{[]string{"region"}, "Region"}, {[]string{"where", "zone"}, "Zone"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func TestParamHeadersRefuses(t *testing.T) {
	for _, c := range []struct{ name, schema string }{
		{"number", `{"properties":{"a":{"type":"number","x-mcp-header":"A"}}}`},
		{"object", `{"properties":{"a":{"type":"object","x-mcp-header":"A"}}}`},
		{"no type", `{"properties":{"a":{"x-mcp-header":"A"}}}`},
		{"empty", `{"properties":{"a":{"type":"string","x-mcp-header":""}}}`},
		{"no token", `{"properties":{"a":{"type":"string","x-mcp-header":"A B"}}}`},
		{"line break", `{"properties":{"a":{"type":"string","x-mcp-header":"A\r\nB"}}}`},
		{"no string", `{"properties":{"a":{"type":"string","x-mcp-header":5}}}`},
		{"taken", `{"properties":{"a":{"type":"string","x-mcp-header":"A"},"b":{"type":"string","x-mcp-header":"a"}}}`},
	} {
		if got, err := ParamHeaders([]byte(c.schema)); err == nil {
			t.Errorf("%s: got %v, want an error", c.name, got)
		}
	}
}

func TestCheckParamHeaders(t *testing.T) {
	params := []ParamHeader{{[]string{"region"}, "Region"}, {[]string{"where", "zone"}, "Zone"}}
	for _, c := range []struct {
		name, arguments string
		header          http.Header
		ok              bool
	}{
		{"equal", `{"region":"eu","where":{"zone":7}}`, header("Mcp-Param-Region", "eu", "Mcp-Param-Zone", "7"), true},
		{"encoded", `{"region":"Zürich"}`, header("Mcp-Param-Region", "=?base64?WsO8cmljaA==?="), true},
		{"absent", `{}`, header(), true},
		{"null", `{"region":null}`, header(), true},
		{"integer written with a fraction", `{"where":{"zone":7.0}}`, header("Mcp-Param-Zone", "7"), true},
		{"another value", `{"region":"eu"}`, header("Mcp-Param-Region", "us"), false},
		{"another case", `{"region":"eu"}`, header("Mcp-Param-Region", "EU"), false},
		{"header missing", `{"region":"eu"}`, header(), false},
		{"header without argument", `{}`, header("Mcp-Param-Region", "eu"), false},
		{"twice", `{"region":"eu"}`, header("Mcp-Param-Region", "eu", "Mcp-Param-Region", "eu"), false},
		{"no base64", `{"region":"Hello"}`, header("Mcp-Param-Region", "=?base64?SGVsbG8?="), false},
		{"beyond 2^53", `{"where":{"zone":9007199254740993}}`, header("Mcp-Param-Zone", "9007199254740993"), false},
		{"a fraction", `{"where":{"zone":7.5}}`, header("Mcp-Param-Zone", "7.5"), false},
	} {
		err := CheckParamHeaders(params, []byte(c.arguments), c.header)
		if (err == nil) != c.ok {
			t.Errorf("%s: got %v, want ok %v", c.name, err, c.ok)
		}
		if _, isError := errors.AsType[*Error](err); err != nil && !isError {
			t.Errorf("%s: got %T, want *Error", c.name, err)
		}
	}
}

func TestSetParamHeadersAgreesWithCheck(t *testing.T) {
	params := []ParamHeader{{[]string{"a"}, "A"}, {[]string{"b"}, "B"}, {[]string{"c"}, "C"}}
	args := []byte(`{"a":" \u00fc\n","b":true,"c":-12}`)
	h := http.Header{}
	if err := SetParamHeaders(params, args, h); err != nil {
		t.Fatal(err)
	}
	if err := CheckParamHeaders(params, args, h); err != nil {
		t.Errorf("got %v for %v", err, h)
	}
}

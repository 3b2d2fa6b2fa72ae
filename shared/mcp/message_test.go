package mcp

import (
	"errors"
	"strings"
	"testing"
)

func TestScan(t *testing.T) {
	raw := `{"jsonrpc":"2.0","params": {"arguments":{"a":1.0},"name":"caf\u00e9","_meta":{"progressToken":7,"io.modelcontextprotocol/protocolVersion":"2026-07-28"},"uri":"x:y"},"id":12345678901234567890,"method":"tools/call"}`
	m, err := Scan([]byte(raw), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ what, got, want string }{
		{"id", string(m.Bytes(m.ID)), "12345678901234567890"},
		{"method", m.Method, "tools/call"},
		{"name", m.Text(m.Name), "café"},
		{"arguments", string(m.Bytes(m.Arguments)), `{"a":1.0}`},
		{"progressToken", string(m.Bytes(m.Meta.ProgressToken)), "7"},
		{"protocolVersion", m.Text(m.Meta.ProtocolVersion), "2026-07-28"},
		{"_meta", string(m.Bytes(m.Meta.Span)), `{"progressToken":7,"io.modelcontextprotocol/protocolVersion":"2026-07-28"}`},
		{"params", string(m.Bytes(m.Params)), raw[strings.Index(raw, `{"arguments`):strings.Index(raw, `,"id"`)]},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %s, want %s", c.what, c.got, c.want)
		}
	}
	if m.Kind != KindRequest {
		t.Errorf("got kind %v, want a request", m.Kind)
	}
}

func TestScanNames(t *testing.T) {
	for _, c := range []struct{ method, want string }{
		{"tools/call", "n"},
		{"prompts/get", "n"},
		{"resources/read", "u"},
		{"tasks/get", "t"},
		{"tools/list", ""},
		{"vendor/method", ""},
	} {
		m, err := Scan([]byte(`{"jsonrpc":"2.0","id":"a","method":"`+c.method+`","params":{"name":"n","uri":"u","taskId":"t"}}`), 0)
		if err != nil || m.Text(m.Name) != c.want {
			t.Errorf("%s: got %q, %v, want %q", c.method, m.Text(m.Name), err, c.want)
		}
	}
}

func TestScanKinds(t *testing.T) {
	for _, c := range []struct {
		raw  string
		want Kind
	}{
		{`{"jsonrpc":"2.0","id":1,"method":"ping"}`, KindRequest},
		{`{"jsonrpc":"2.0","id":1,"method":"ping","params":null}`, KindRequest},
		{`{"jsonrpc":"2.0","method":"notifications/initialized"}`, KindNotification},
		{`{"jsonrpc":"2.0","id":1,"result":{}}`, KindResponse},
		{`{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}}`, KindResponse},
	} {
		m, err := Scan([]byte(c.raw), 0)
		if err != nil || m.Kind != c.want {
			t.Errorf("%s: got %v, %v, want %v", c.raw, m.Kind, err, c.want)
		}
	}
}

func TestScanRefuses(t *testing.T) {
	deep := strings.Repeat("[", 200) + strings.Repeat("]", 200)
	for _, c := range []struct {
		name, raw string
		want      Code
	}{
		{"no JSON", `hello`, CodeParseError},
		{"empty", ``, CodeParseError},
		{"cut", `{"jsonrpc":"2.0","id":1`, CodeParseError},
		{"two values", `{"jsonrpc":"2.0","id":1,"method":"ping"} {}`, CodeParseError},
		{"invalid UTF-8", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"p\xffing\"}", CodeParseError},
		{"duplicate method", `{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}`, CodeParseError},
		{"duplicate name", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}`, CodeParseError},
		{"duplicate escaped name", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","n\u0061me":"b"}}`, CodeParseError},
		{"duplicate deep inside", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"arguments":{"x":[{"a":1,"a":2}]}}}`, CodeParseError},
		{"an array", `[]`, CodeInvalidRequest},
		{"a string", `"ping"`, CodeInvalidRequest},
		{"no version", `{"id":1,"method":"ping"}`, CodeInvalidRequest},
		{"another version", `{"jsonrpc":"1.0","id":1,"method":"ping"}`, CodeInvalidRequest},
		{"no method", `{"jsonrpc":"2.0","id":1}`, CodeInvalidRequest},
		{"method is a number", `{"jsonrpc":"2.0","id":1,"method":5}`, CodeInvalidRequest},
		{"id is null", `{"jsonrpc":"2.0","id":null,"method":"ping"}`, CodeInvalidRequest},
		{"id is an object", `{"jsonrpc":"2.0","id":{},"method":"ping"}`, CodeInvalidRequest},
		{"params is an array", `{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}`, CodeInvalidRequest},
		{"_meta is a string", `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":""}}`, CodeInvalidParams},
		{"too deep", `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":` + deep + `}}`, CodeInvalidRequest},
	} {
		_, err := Scan([]byte(c.raw), 128)
		if !errors.Is(err, &Error{Code: c.want}) {
			t.Errorf("%s: got %v, want code %d", c.name, err, c.want)
		}
	}
}

func TestScanKeepsTheIDOfAFaultyRequest(t *testing.T) {
	m, err := Scan([]byte(`{"jsonrpc":"2.0","id":7,"method":"ping","params":[]}`), 0)
	if err == nil || string(m.Bytes(m.ID)) != "7" {
		t.Errorf("got id %s, %v, want 7 and an error", m.Bytes(m.ID), err)
	}
}

func TestBracketsInStringsAreNoNesting(t *testing.T) {
	if got := nesting([]byte(`{"a":"[[[{\"{{","b":[1]}`)); got != 2 {
		t.Errorf("got %d, want 2", got)
	}
}

func FuzzScan(f *testing.F) {
	f.Add([]byte(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{},"_meta":{}}}`))
	f.Add([]byte(`{"jsonrpc":"2.0","method":"x","params": { "_meta" : {"progressToken":"\u0041"}}}`))
	f.Add([]byte(`[{"jsonrpc":"2.0"}]`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := Scan(raw, 0)
		if err != nil {
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Errorf("got %T, want *Error", err)
			}
			return
		}
		for _, s := range []Span{m.ID, m.Params, m.Name, m.Arguments, m.Meta.Span, m.Meta.ProtocolVersion, m.Result, m.Failure, m.Ref, m.Cursor} {
			if v := m.Bytes(s); v != nil && !v.IsValid() {
				t.Errorf("span %v of %q is %q, no JSON value", s, raw, v)
			}
		}
	})
}

func BenchmarkScan(b *testing.B) {
	raw := []byte(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"getPet","arguments":{"id":42,"verbose":true},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"}}}}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Scan(raw, 0); err != nil {
			b.Fatal(err)
		}
	}
}

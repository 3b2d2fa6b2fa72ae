package rpc

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"toolgate/shared/mcp"
)

func TestNew(t *testing.T) {
	const meta = `"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"contoso-test","version":"1.0.0"},` +
		`"io.modelcontextprotocol/clientCapabilities":` + Capabilities
	for _, c := range []struct {
		name               string
		version            mcp.Version
		id, method, params string
		body               string
		protocol, mirrored string // headers
		mirroredName       string
	}{
		{name: "modern", version: mcp.V20260728, id: "1", method: "tools/list",
			body: `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{` + meta + `}}}`, protocol: "2026-07-28", mirrored: "tools/list"},
		{name: "modern with params", version: mcp.V20260728, id: `"a"`, method: "tools/call", params: `{"name":"é"}`,
			body:     `{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"_meta":{` + meta + `},"name":"é"}}`,
			protocol: "2026-07-28", mirrored: "tools/call", mirroredName: "=?base64?w6k=?="},
		{name: "modern with _meta", version: mcp.V20260728, id: "1", method: "tools/call", params: `{"_meta":{"progressToken":7},"name":"a"}`,
			body:     `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{` + meta + `,"progressToken":7},"name":"a"}}`,
			protocol: "2026-07-28", mirrored: "tools/call", mirroredName: "a"},
		{name: "legacy", version: mcp.V20250618, id: "1", method: "ping", body: `{"jsonrpc":"2.0","id":1,"method":"ping"}`, protocol: "2025-06-18"},
		{name: "legacy without the header", version: mcp.V20250326, id: "1", method: "ping", body: `{"jsonrpc":"2.0","id":1,"method":"ping"}`},
		{name: "initialize", version: mcp.V20251125, id: "1", method: "initialize", params: `{}`, body: `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}`},
		{name: "notification", version: mcp.V20251125, method: "notifications/initialized", body: `{"jsonrpc":"2.0","method":"notifications/initialized"}`, protocol: "2025-11-25"},
	} {
		r := New(c.version, c.id, c.method, c.params)
		if r.Body != c.body {
			t.Errorf("%s: got %s, want %s", c.name, r.Body, c.body)
		}
		for header, want := range map[string]string{
			mcp.HeaderProtocolVersion: c.protocol, mcp.HeaderMethod: c.mirrored, mcp.HeaderName: c.mirroredName,
		} {
			if got := r.Header.Get(header); got != want {
				t.Errorf("%s: header %s: got %q, want %q", c.name, header, got, want)
			}
		}
	}
}

func TestPost(t *testing.T) {
	for _, c := range []struct {
		name, contentType, body string
		messages                []string
	}{
		{"JSON", "application/json; charset=utf-8", " {\"a\":1}\n", []string{`{"a":1}`}},
		{"stream", "text/event-stream", "id: 1\ndata:\n\ndata: {\"a\":1}\n\nevent: message\ndata: {\"b\":\ndata: 2}\n\n", []string{`{"a":1}`, "{\"b\":\n2}"}},
		{"text", "text/plain", "no", nil},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", c.contentType)
			_, _ = w.Write([]byte(c.body))
		}))
		a := Post(t, s.URL, New(mcp.Latest, "1", "tools/list", ""))
		s.Close()
		if len(a.Messages) != len(c.messages) || a.Status != http.StatusOK {
			t.Errorf("%s: got %d %q, want 200 %q", c.name, a.Status, a.Messages, c.messages)
			continue
		}
		for i, want := range c.messages {
			if string(a.Messages[i]) != want {
				t.Errorf("%s: got %s, want %s", c.name, a.Messages[i], want)
			}
		}
	}
}

func TestMember(t *testing.T) {
	a := Answer{Messages: nil}
	if got := a.Member("result"); got != nil {
		t.Errorf("got %s, want nothing", got)
	}
	a.Messages = append(a.Messages, []byte(`{"method":"m"}`), []byte(`{"result":{"tools":[1]}}`))
	if got := string(a.Member("result", "tools")); got != "[1]" {
		t.Errorf("got %s, want [1]", got)
	}
	if got := a.Member("result", "nothing"); got != nil {
		t.Errorf("got %s, want nothing", got)
	}
	if got := len(a.Notifications()); got != 1 {
		t.Errorf("notifications: got %d, want 1", got)
	}
}

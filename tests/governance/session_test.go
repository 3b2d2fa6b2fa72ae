package governance_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"toolgate/shared/gateway"
	"toolgate/shared/mcp"
	"toolgate/shared/services"
	"toolgate/tests/internal/folder"
)

// keyed is an MCP server of the legacy era, with sessions, that answers nothing
// without a key.
func keyed(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if r.Header.Get("X-Functions-Key") != "k" {
			t.Errorf("%s without the key: %s", r.Method, body)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		m, err := mcp.Scan(body, 0)
		switch {
		case r.Method == http.MethodDelete:
			w.WriteHeader(http.StatusNoContent)
		case r.Method == http.MethodGet:
			w.Header().Set("Content-Type", mcp.ContentSSE)
		case err == nil && m.Method == mcp.MethodInitialize:
			w.Header().Set("Content-Type", mcp.ContentJSON)
			w.Header().Set(mcp.HeaderSessionID, "of the server")
			_, _ = w.Write(mcp.AppendResult(nil, m.Bytes(m.ID), []byte(`{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"keyed","version":"1"}}`)))
		case err != nil || r.Header.Get(mcp.HeaderSessionID) != "of the server":
			http.Error(w, "no session", http.StatusBadRequest)
		case m.Kind == mcp.KindRequest:
			w.Header().Set("Content-Type", mcp.ContentJSON)
			_, _ = w.Write(mcp.AppendResult(nil, m.Bytes(m.ID), []byte(`{"content":[]}`)))
		default:
			w.WriteHeader(http.StatusAccepted)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// A key that a policy sets goes with all that clients do with a session, and
// with what the gateway asks on its own behalf.
func TestHeadersOfPoliciesReachSessions(t *testing.T) {
	dir := folder.Write(t, map[string]string{
		"gateway.yaml": "name: contoso\nservers:\n  keyed: { upstream: { url: \"" + keyed(t) + "\" }, policy: policy.xml }\n",
		"policy.xml":   `<policies><inbound><base /><set-header name="x-functions-key"><value>k</value></set-header></inbound><backend><base /></backend></policies>`,
	})
	url := folder.Serve(t, dir, nil, gateway.Options{Services: services.New(services.Options{})}) + "/keyed/mcp"
	const call = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"any"}}`
	session := ""
	for _, step := range []struct {
		name, method, body string
		status             int
	}{
		{"a call without a session", http.MethodPost, call, http.StatusOK},
		{"the handshake", http.MethodPost, `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`, http.StatusOK},
		{"its end", http.MethodPost, `{"jsonrpc":"2.0","method":"notifications/initialized"}`, http.StatusAccepted},
		{"a call", http.MethodPost, call, http.StatusOK},
		{"the standalone stream", http.MethodGet, "", http.StatusOK},
		{"the end of the session", http.MethodDelete, "", http.StatusNoContent},
	} {
		req, err := http.NewRequestWithContext(t.Context(), step.method, url, strings.NewReader(step.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = http.Header{
			"Content-Type": {mcp.ContentJSON}, "Accept": {mcp.ContentJSON + ", " + mcp.ContentSSE}, mcp.HeaderProtocolVersion: {"2025-11-25"},
		}
		if session != "" {
			req.Header.Set(mcp.HeaderSessionID, session)
		}
		res := do(t, req)
		body, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != step.status || strings.Contains(string(body), `"error"`) {
			t.Errorf("%s: got %d %s, %v, want %d", step.name, res.StatusCode, body, err, step.status)
		}
		if id := res.Header.Get(mcp.HeaderSessionID); id != "" {
			session = id
		}
	}
	if session == "" {
		t.Error("the client got no session")
	}
}

// Methods that a server never takes are refused without its policies, but for
// OPTIONS, which they may answer.
func TestMethodsNeverTaken(t *testing.T) {
	dir := folder.Write(t, map[string]string{
		"gateway.yaml":     "name: contoso\nbackends:\n  orders: { url: \"https://orders.test\" }\napis:\n  orders: { openapi: apis/orders.yaml, backend: orders }\nservers:\n  shop: { api: orders, policy: policy.xml }\n  notes: { upstream: { url: \"https://notes.test/mcp\" }, policy: policy.xml }\n",
		"apis/orders.yaml": "openapi: 3.1.0\ninfo: { title: Orders, version: \"1\" }\npaths:\n  /orders:\n    get: { operationId: listOrders, responses: { \"200\": { description: The orders. } } }\n",
		"policy.xml":       `<policies><inbound><base /><return-response><set-status code="418" /></return-response></inbound></policies>`,
	})
	base := folder.Serve(t, dir, nil, gateway.Options{Services: services.New(services.Options{})})
	for _, c := range []struct {
		server, method string
		status         int
	}{
		{"shop", http.MethodGet, http.StatusMethodNotAllowed},
		{"shop", http.MethodDelete, http.StatusMethodNotAllowed},
		{"shop", http.MethodPut, http.StatusMethodNotAllowed},
		{"shop", http.MethodOptions, http.StatusTeapot},
		{"notes", http.MethodPut, http.StatusMethodNotAllowed},
		{"notes", http.MethodHead, http.StatusMethodNotAllowed},
		{"notes", http.MethodGet, http.StatusTeapot},
		{"notes", http.MethodDelete, http.StatusTeapot},
		{"notes", http.MethodOptions, http.StatusTeapot},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, fmt.Sprintf("%s/%s/mcp", base, c.server), nil)
		if err != nil {
			t.Fatal(err)
		}
		if res := do(t, req); res.StatusCode != c.status || (res.Header.Get("Allow") != "") != (c.status == http.StatusMethodNotAllowed) {
			t.Errorf("%s %s: got %d, Allow %q, want %d", c.method, c.server, res.StatusCode, res.Header.Get("Allow"), c.status)
		}
	}
}

package governance_test

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"toolgate/shared/gateway"
	"toolgate/shared/services"
	"toolgate/shared/state"
	"toolgate/shared/trace"
	"toolgate/tests/internal/folder"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const traceKey = "a sealing key of tests, and of nobody else"

// tracedGateway is a gateway with a store for traces, whose clock can be set.
type tracedGateway struct {
	*gateway.Gateway
	seals   *trace.Sealer
	store   *state.Memory
	backend recorder

	mu  sync.Mutex
	now time.Time
}

func (g *tracedGateway) clock() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.now
}

func (g *tracedGateway) pass(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now = g.now.Add(d)
}

// answer is that of the backend: an MCP server of the legacy revisions, and an API.
func (g *tracedGateway) answer(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var message struct {
		ID     jsontext.Value `json:"id"`
		Method string         `json:"method"`
	}
	if err == nil && len(body) > 0 {
		err = json.Unmarshal(body, &message)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	g.backend.ServeHTTP(httptest.NewRecorder(), r)
	w.Header().Set("Content-Type", "application/json")
	result := `"result":{"content":[]}`
	switch {
	case err != nil || len(body) == 0:
		_, _ = io.WriteString(w, "{}")
		return
	case message.ID == nil:
		w.WriteHeader(http.StatusAccepted)
		return
	case message.Method == "initialize":
		result = `"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"a","version":"1"}}`
	case message.Method == "server/discover":
		result = `"error":{"code":-32601,"message":"unknown"}`
	}
	_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":`+string(message.ID)+`,`+result+`}`)
}

func newTracedGateway(t *testing.T) *tracedGateway {
	t.Helper()
	g := &tracedGateway{store: &state.Memory{}, now: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)}
	server := httptest.NewServer(http.HandlerFunc(g.answer))
	t.Cleanup(server.Close)
	dir := folder.Write(t, map[string]string{
		"gateway.yaml": `name: contoso
sealingKey: { secret: "env:SEALING_KEY" }
namedValues: { key: { secret: "env:KEY" } }
backends: { echo: { url: "` + server.URL + `" } }
apis:
  echo: { path: echo, backend: echo, policy: echo.xml, operations: { get: { method: GET, urlTemplate: "/{id}" } } }
servers:
  notes: { upstream: { url: "` + server.URL + `/mcp" }, policy: notes.xml }
  other: { upstream: { url: "` + server.URL + `/mcp" } }
`,
		"notes.xml": `<policies>
  <inbound>
    <set-header name="X-Key" exists-action="override"><value>{{key}}</value></set-header>
    <set-variable name="basic" value="@(context.Request.Headers.GetValueOrDefault("Authorization", ""))" />
    <set-variable name="tracing" value="@(context.Tracing)" />
    <set-variable name="noted" value="@{ context.Trace("noted " + context.Tracing); return 1; }" />
  </inbound>
  <backend><forward-request /></backend>
</policies>`,
		"echo.xml": `<policies><inbound><base /><set-query-parameter name="a" exists-action="override"><value>1</value></set-query-parameter></inbound><backend><forward-request /></backend></policies>`,
	})
	g.Gateway = folder.Open(t, dir, map[string]string{"SEALING_KEY": traceKey, "KEY": "planted-named-value"}, gateway.Options{
		Traces: g.store, Services: services.New(services.Options{Now: g.clock}),
	})
	var err error
	if g.seals, err = trace.NewSealer([]byte(traceKey)); err != nil {
		t.Fatal(err)
	}
	return g
}

func (g *tracedGateway) token(t *testing.T, of string, bodies int) string {
	t.Helper()
	token, err := g.seals.Issue(trace.Token{Server: of, Expires: g.clock().Add(time.Hour), Bodies: bodies}, g.clock())
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (g *tracedGateway) ask(t *testing.T, method, target, token, body string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://127.0.0.1"+target, strings.NewReader(body))
	if body == "" {
		r.Body = http.NoBody
	} else {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("ann:planted-password")))
	r.Header.Set("Cookie", "c=planted-cookie")
	if token != "" {
		r.Header.Set("Apim-Debug-Authorization", token)
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	res := w.Result()
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

const callFind = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"find","arguments":{"word":"x"}}}`

// The holder of a debug token gets the way that a request took, without secrets.
func TestDebugToken(t *testing.T) {
	g := newTracedGateway(t)
	token := g.token(t, "notes", 512)
	res := g.ask(t, http.MethodPost, "/notes/mcp", token, callFind)
	id := res.Header.Get("Apim-Trace-Id")
	if res.StatusCode != http.StatusOK || len(id) != 32 {
		t.Fatalf("got status %d and the trace %q", res.StatusCode, id)
	}
	if log := g.backend.take(); strings.Contains(log, token) || strings.Contains(log, "Apim-Debug") {
		t.Errorf("the backend saw the token:\n%s", log)
	}
	got := g.ask(t, http.MethodGet, "/notes/trace/"+id, token, "")
	content, err := io.ReadAll(got.Body)
	if err != nil || got.StatusCode != http.StatusOK {
		t.Fatalf("got status %d: %s, %v", got.StatusCode, content, err)
	}
	for _, wanted := range []string{
		id, `"name":"set-header"`, `"at":"notes.xml:3:5"`, `"scope":"server"`, `"after":"True"`, `"name":"context.Trace","after":"noted True"`,
		`"name":"forward-request"`, `"name":"POST http://127.0.0.1:`, `"params":{"name":"find","arguments":{"word":"x"}}`,
	} {
		if !bytes.Contains(content, []byte(wanted)) {
			t.Errorf("the trace lacks %s:\n%s", wanted, content)
		}
	}
	for _, secret := range []string{"planted", base64.StdEncoding.EncodeToString([]byte("ann:planted-password")), token} {
		if bytes.Contains(content, []byte(secret)) {
			t.Errorf("the trace shows %q:\n%s", secret, content)
		}
	}
	if row, err := g.store.Get(t.Context(), state.Key{Space: "trace", ID: id}); err != nil || bytes.Contains(row.Data, []byte("notes")) {
		t.Errorf("the row is not sealed: %v", err)
	}
	g.pass(time.Hour)
	fresh := g.token(t, "notes", 0)
	if got := g.ask(t, http.MethodGet, "/notes/trace/"+id, fresh, ""); got.StatusCode != http.StatusNotFound {
		t.Errorf("after an hour: got status %d, want 404", got.StatusCode)
	}
}

// A token that is not good has the request served all the same, and untraced.
func TestDebugTokenRefused(t *testing.T) {
	g := newTracedGateway(t)
	old := g.token(t, "notes", 0)
	g.pass(time.Hour)
	for _, c := range []struct{ name, token, header, value string }{
		{"none", "", "", ""},
		{"forged", strings.Repeat("A", 90), "", ""},
		{"expired", old, "Apim-Debug-Authorization-Expired", "The token expired at 2026-01-31T13:00:00Z."},
		{"of another server", g.token(t, "other", 0), "Apim-Debug-Authorization-WrongAPI", `The token is for "other".`},
	} {
		res := g.ask(t, http.MethodPost, "/notes/mcp", c.token, callFind)
		if res.StatusCode != http.StatusOK || res.Header.Get("Apim-Trace-Id") != "" || c.header != "" && res.Header.Get(c.header) != c.value {
			t.Errorf("%s: got status %d and %v", c.name, res.StatusCode, res.Header)
		}
		if log := g.backend.take(); c.token != "" && strings.Contains(log, c.token) {
			t.Errorf("%s: the backend saw the token", c.name)
		}
		want := http.StatusUnauthorized
		if c.token == "" { // what such paths lead to without a token
			want = http.StatusNotFound
		}
		if res := g.ask(t, http.MethodGet, "/notes/trace/0123456789abcdef0123456789abcdef", c.token, ""); res.StatusCode != want {
			t.Errorf("%s: got status %d for a trace, want %d", c.name, res.StatusCode, want)
		}
	}
}

// An API that HTTP clients reach is traced likewise, and its traces are its own.
func TestDebugTokenOfAPI(t *testing.T) {
	g := newTracedGateway(t)
	token := g.token(t, "echo", 0)
	res := g.ask(t, http.MethodGet, "/echo/1?token=planted-query", token, "")
	id := res.Header.Get("Apim-Trace-Id")
	if res.StatusCode != http.StatusOK || id == "" {
		t.Fatalf("got status %d and the trace %q", res.StatusCode, id)
	}
	if log := g.backend.take(); strings.Contains(log, "Apim-Debug") {
		t.Errorf("the backend saw the token:\n%s", log)
	}
	content, err := io.ReadAll(g.ask(t, http.MethodGet, "/echo/trace/"+id, token, "").Body)
	if err != nil || !bytes.Contains(content, []byte(`"name":"set-query-parameter"`)) || bytes.Contains(content, []byte("planted")) {
		t.Errorf("got %v\n%s", err, content)
	}
	if res := g.ask(t, http.MethodGet, "/notes/trace/"+id, g.token(t, "notes", 0), ""); res.StatusCode != http.StatusNotFound {
		t.Errorf("with a token for another server: got status %d, want 404", res.StatusCode)
	}
}

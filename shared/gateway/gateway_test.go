package gateway

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"toolgate/shared/config"
	"toolgate/shared/mcp"
	"toolgate/shared/snapshot"

	"github.com/go-json-experiment/json/jsontext"
)

// serverFunc is a server of one function.
type serverFunc func(ctx context.Context, req *mcp.Request, reply mcp.Reply) error

func (f serverFunc) Serve(ctx context.Context, req *mcp.Request, reply mcp.Reply) error {
	return f(ctx, req, reply)
}

// fake answers by the name of the tool that is called.
func fake(_ context.Context, req *mcp.Request, reply mcp.Reply) error {
	switch req.Text(req.Name) {
	case "notify":
		if err := reply.Notify(jsontext.Value(`{"jsonrpc":"2.0","method":"notifications/message"}`)); err != nil {
			return err
		}
	case "unknown":
		return mcp.Errorf(mcp.CodeInvalidParams, "unknown tool")
	case "secret":
		return errors.New("dial 10.0.0.7: key hunter2 refused")
	case "panic":
		panic("hunter2")
	case "notify-fail":
		_ = reply.Notify(jsontext.Value(`{"jsonrpc":"2.0","method":"notifications/message"}`))
		return errors.New("hunter2")
	}
	if req.Kind != mcp.KindRequest {
		return nil
	}
	return reply.Result(jsontext.Value(`{"ok":true}`))
}

// newTest makes a gateway with one server "x".
func newTest(s mcp.Server, m snapshot.Manifest) *Gateway {
	return &Gateway{
		servers: map[string]endpoint{"x": {Server: s}}, admission: newAdmission(&m, false),
		maxBody: 1000, log: discard, index: renderIndex(&m, "abc"),
	}
}

func post(g http.Handler, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w
}

func TestPost(t *testing.T) {
	g := newTest(serverFunc(fake), snapshot.Manifest{})
	call := func(tool string) string {
		return `{"jsonrpc":"2.0","id":9007199254740993,"method":"tools/call","params":{"name":"` + tool + `"}}`
	}
	const id = `{"jsonrpc":"2.0","id":9007199254740993,`
	for _, c := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"result", call("a"), 200, id + `"result":{"ok":true}}`},
		{"notification", `{"jsonrpc":"2.0","method":"notifications/initialized"}`, 202, ""},
		{"response", `{"jsonrpc":"2.0","id":1,"result":{}}`, 202, ""},
		{"unknown tool", call("unknown"), 200, id + `"error":{"code":-32602,"message":"unknown tool"}}`},
		{"internal", call("secret"), 200, id + `"error":{"code":-32603,"message":"internal error"}}`},
		{"panic", call("panic"), 200, id + `"error":{"code":-32603,"message":"internal error"}}`},
		{"no JSON", "hello", 400, `"code":-32700`},
		{"empty", "", 400, `"code":-32700`},
		{"large", call(strings.Repeat("x", 1000)), 413, `the limit of this gateway`},
		{"modern method of the legacy era", `{"jsonrpc":"2.0","id":1,"method":"server/discover"}`, 200, `"code":-32601`},
		{"events", call("notify"), 200, "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\nevent: message\ndata: " + id + "\"result\":{\"ok\":true}}\n\n"},
		{"error after an event", call("notify-fail"), 200, "data: " + id + `"error":{"code":-32603,"message":"internal error"}}`},
	} {
		w := post(g, "/x/mcp", c.body)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) || strings.Contains(w.Body.String(), "hunter2") {
			t.Errorf("%s: got %d %s, want %d %s", c.name, w.Code, w.Body, c.status, c.want)
		}
	}
}

func TestRoutes(t *testing.T) {
	g := newTest(serverFunc(fake), snapshot.Manifest{Name: "n", Version: "1", Servers: []snapshot.Server{{Name: "x"}}})
	for _, c := range []struct {
		method, path string
		status       int
		want         string
	}{
		{"GET", "/", 200, `{"name":"n","version":"1","snapshot":"abc","servers":[{"name":"x","url":"/x/mcp"}]}`},
		{"POST", "/", 405, "takes GET"},
		{"GET", "/x/mcp", 405, "takes POST"},
		{"DELETE", "/x/mcp", 405, "takes POST"},
		{"PUT", "/x/mcp", 405, "takes POST"},
		{"POST", "/y/mcp", 404, `no server \"y\"`},
		{"POST", "/x", 404, "/{server}/mcp"},
		{"POST", "/x/y/mcp", 404, "/{server}/mcp"},
		{"POST", "/mcp", 404, "/{server}/mcp"},
		{"POST", "//mcp", 404, "/{server}/mcp"},
	} {
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequest(c.method, "http://localhost"+c.path, nil))
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s %s: got %d %s, want %d %s", c.method, c.path, w.Code, w.Body, c.status, c.want)
		}
		if c.status == 405 && w.Header().Get("Allow") == "" {
			t.Errorf("%s %s: 405 without Allow", c.method, c.path)
		}
	}
}

func TestAdmission(t *testing.T) {
	local := snapshot.Manifest{}
	public := snapshot.Manifest{PublicURL: "https://tools.contoso.com", AllowedHosts: []string{"inner:8443", "plain"}, AllowedOrigins: []string{"https://app.contoso.com"}}
	for _, c := range []struct {
		name         string
		m            snapshot.Manifest
		anyHost      bool
		host, origin string
		ok           bool
	}{
		{"loopback", local, false, "127.0.0.1:8080", "", true},
		{"localhost", local, false, "localhost:9", "http://localhost:3000", true},
		{"IPv6 loopback", local, false, "[::1]:8080", "", true},
		{"rebound name", local, false, "evil.example:8080", "", false},
		{"name that begins like loopback", local, false, "127.0.0.1.evil.example", "", false},
		{"foreign page", local, false, "127.0.0.1:8080", "http://evil.example", false},
		{"opaque origin", local, false, "127.0.0.1:8080", "null", false},
		{"public host", public, false, "tools.contoso.com", "", true},
		{"public host in capitals", public, false, "Tools.Contoso.COM", "https://Tools.contoso.com", true},
		{"allowed host with port", public, false, "inner:8443", "", true},
		{"allowed host, other port", public, false, "inner:1", "", false},
		{"allowed host, any port", public, false, "plain:1", "", true},
		{"own page", public, false, "tools.contoso.com", "https://tools.contoso.com", true},
		{"allowed page", public, false, "tools.contoso.com", "https://app.contoso.com", true},
		{"page of another scheme", public, false, "tools.contoso.com", "http://tools.contoso.com", false},
		{"loopback page at a public gateway", public, false, "tools.contoso.com", "http://localhost:3000", false},
		{"any host", local, true, "abc.lambda-url.on.aws", "", true},
		{"any host, but some are named", public, true, "evil.example", "", false},
	} {
		a := newAdmission(&c.m, c.anyHost)
		r := httptest.NewRequest(http.MethodPost, "/x/mcp", nil)
		r.Host = c.host
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		if err := cmp.Or(a.checkHost(r), a.checkOrigin(r)); (err == nil) != c.ok {
			t.Errorf("%s: got %v, want ok %v", c.name, err, c.ok)
		}
	}
	w := post(newTest(serverFunc(fake), local), "/x/mcp", `{}`, "Origin", "http://evil.example")
	if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "allowedOrigins") {
		t.Errorf("got %d %s, want 403", w.Code, w.Body)
	}
}

func TestContentType(t *testing.T) {
	g := newTest(serverFunc(fake), snapshot.Manifest{})
	for contentType, status := range map[string]int{
		"application/json":                  200,
		"application/json; charset=utf-8":   200,
		"Application/JSON":                  200,
		"text/plain":                        415,
		"application/x-www-form-urlencoded": 415,
		"":                                  415,
	} {
		w := post(g, "/x/mcp", `{"jsonrpc":"2.0","id":1,"method":"ping"}`, "Content-Type", contentType)
		if w.Code != status {
			t.Errorf("%q: got %d, want %d", contentType, w.Code, status)
		}
	}
}

func TestNotificationsNeedAStream(t *testing.T) {
	g := newTest(serverFunc(fake), snapshot.Manifest{})
	w := post(g, "/x/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"notify"}}`, "Accept", "application/json")
	if want := `{"jsonrpc":"2.0","id":1,"result":{"ok":true}}`; w.Body.String() != want {
		t.Errorf("got %s, want %s", w.Body, want)
	}
}

func TestBatch(t *testing.T) {
	g := newTest(serverFunc(fake), snapshot.Manifest{})
	one := `{"jsonrpc":"2.0","id":1,"method":"ping"}`
	for _, c := range []struct {
		name, body, version string
		status              int
		want                string
	}{
		{"requests", "[" + one + `,{"jsonrpc":"2.0","id":"b","method":"tools/call","params":{"name":"unknown"}},{"jsonrpc":"2.0","method":"notifications/initialized"}]`, "", 200,
			`[{"jsonrpc":"2.0","id":1,"result":{"ok":true}},{"jsonrpc":"2.0","id":"b","error":{"code":-32602,"message":"unknown tool"}}]`},
		{"notifications", `[{"jsonrpc":"2.0","method":"notifications/initialized"}]`, "2025-03-26", 202, ""},
		{"faulty member", `[{"jsonrpc":"2.0","id":4}]`, "", 200, `[{"jsonrpc":"2.0","id":4,"error":{"code":-32600,`},
		{"later revision", "[" + one + "]", "2025-06-18", 400, "batches ended"},
		{"modern", "[" + one + "]", "2026-07-28", 400, "batches ended"},
		{"empty", "[]", "", 400, "1 to 64"},
		{"no JSON", "[1", "", 400, "1 to 64"},
	} {
		w := post(g, "/x/mcp", c.body, "MCP-Protocol-Version", c.version)
		if c.version == "" {
			w = post(g, "/x/mcp", c.body)
		}
		if w.Code != c.status || !strings.HasPrefix(w.Body.String(), c.want) && !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s: got %d %s, want %d %s", c.name, w.Code, w.Body, c.status, c.want)
		}
	}
}

// The first event of a relayed stream reaches the client while the server still
// has more to say.
func TestRelayStreams(t *testing.T) {
	read := make(chan struct{})
	server := serverFunc(func(_ context.Context, _ *mcp.Request, reply mcp.Reply) error {
		r, w := io.Pipe()
		go func() {
			_, _ = io.WriteString(w, "data: 1\n\n")
			<-read
			_, _ = io.WriteString(w, "data: 2\n\n")
			w.Close()
		}()
		return reply.Relay(200, http.Header{"Content-Type": {"text/event-stream"}, "Mcp-Session-Id": {"s"}, "Www-Authenticate": {"no"}}, r)
	})
	ts := httptest.NewServer(newTest(server, snapshot.Manifest{}))
	defer ts.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, ts.URL+"/x/mcp", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"ping"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := ts.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body := bufio.NewReader(res.Body)
	if line, err := body.ReadString('\n'); err != nil || line != "data: 1\n" {
		t.Fatalf("got %q, %v", line, err)
	}
	close(read)
	rest, err := io.ReadAll(body)
	if err != nil || string(rest) != "\ndata: 2\n\n" {
		t.Errorf("got %q, %v", rest, err)
	}
	if res.Header.Get("Mcp-Session-Id") != "s" || res.Header.Get("Www-Authenticate") != "" {
		t.Errorf("got header %v", res.Header)
	}
}

func TestObserve(t *testing.T) {
	var calls []Call
	g := newTest(serverFunc(fake), snapshot.Manifest{})
	g.observe = func(c Call) { calls = append(calls, c) }
	post(g, "/x/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"secret"}}`)
	post(g, "/nowhere", `{}`)
	if len(calls) != 2 {
		t.Fatalf("got %d calls", len(calls))
	}
	if c := calls[0]; c.Server != "x" || c.Method != "tools/call" || c.Name != "secret" || c.Status != 200 || c.Version != mcp.V20250326 || c.Err == nil {
		t.Errorf("got %+v", c)
	}
	if c := calls[1]; c.Method != "POST" || c.Status != 404 {
		t.Errorf("got %+v", c)
	}
}

func TestAccepts(t *testing.T) {
	for _, c := range []struct {
		accept []string
		want   bool
	}{
		{nil, true},
		{[]string{"application/json, text/event-stream"}, true},
		{[]string{"application/json", "text/event-stream;q=0.5"}, true},
		{[]string{"*/*"}, true},
		{[]string{"text/*"}, true},
		{[]string{"application/json"}, false},
	} {
		if got := accepts(c.accept, mcp.ContentSSE); got != c.want {
			t.Errorf("%q: got %v, want %v", c.accept, got, c.want)
		}
	}
}

func TestSecretsMustResolve(t *testing.T) {
	m := snapshot.Manifest{Version: "1", Servers: []snapshot.Server{{Name: "up", Upstream: &config.Upstream{
		URL:         "http://127.0.0.1:1/mcp",
		Credentials: config.Credentials{Header: []config.Credential{{Name: "x-key", Value: config.Text{Parts: []config.Part{{Secret: "env:ABSENT"}}}}}},
	}}}}
	_, err := New(&snapshot.Snapshot{Manifest: m}, Options{Secrets: func(string) (string, error) { return "", errors.New("ABSENT is not set") }})
	if err == nil || !strings.Contains(err.Error(), `server "up"`) || !strings.Contains(err.Error(), "ABSENT is not set") {
		t.Errorf("got %v", err)
	}
}

var discard = slog.New(slog.DiscardHandler)

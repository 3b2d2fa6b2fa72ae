package hosts_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"toolgate/shared/mcp"
	"toolgate/tests/hosts"
	"toolgate/tests/internal/folder"
	"toolgate/tests/internal/rpc"
	"toolgate/tests/peer"
)

// patience is how long a test waits for what should take milliseconds.
const patience = 30 * time.Second

// megabytes is how large /big is: more than AWS Lambda takes at once.
const megabytes = 7

// backend is the API behind the gateway.
type backend struct {
	url  string
	more chan struct{} // one for each second half of /halves
	meet chan struct{} // closed once four calls of /meet are under way
}

func newBackend(t *testing.T) *backend {
	t.Helper()
	b := &backend{more: make(chan struct{}, 1), meet: make(chan struct{})}
	var mu sync.Mutex
	met := 0
	mux := http.NewServeMux()
	mux.HandleFunc("GET /fast", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"ok":true}`)
	})
	mux.HandleFunc("GET /slow", func(_ http.ResponseWriter, r *http.Request) { wait(r.Context(), nil) })
	mux.HandleFunc("GET /meet", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		if met++; met == 4 {
			close(b.meet)
		}
		mu.Unlock()
		wait(r.Context(), b.meet)
		_, _ = io.WriteString(w, "met")
	})
	mux.HandleFunc("GET /halves", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: 1\n\n")
		_ = http.NewResponseController(w).Flush()
		wait(r.Context(), b.more)
		_, _ = io.WriteString(w, "data: 2\n\n")
	})
	mux.HandleFunc("GET /big", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write(bytes.Repeat([]byte("a"), megabytes<<20))
	})
	mux.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		w.Header().Set("X-Saw", r.Header.Get("Cookie")+"|"+r.URL.RawQuery+"|"+r.URL.EscapedPath())
		w.Header()["Set-Cookie"] = []string{"a=1; Path=/", "b=2"}
		_, _ = w.Write(body)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	b.url = s.URL
	return b
}

// wait waits for as long as somebody is interested, and no longer than a test is.
func wait(ctx context.Context, until <-chan struct{}) {
	select {
	case <-until:
	case <-ctx.Done():
	case <-time.After(patience):
	}
}

const openAPI = `openapi: 3.1.0
info: { title: Things, version: "1" }
paths:
  /fast: { get: { operationId: fast, responses: { "200": { description: ok, content: { application/json: {} } } } } }
  /slow: { get: { operationId: slow, responses: { "200": { description: ok, content: { application/json: {} } } } } }
`

// app deploys the gateway of these tests to a folder, for a platform's door at url.
func app(t *testing.T, platform, backendURL, url string) string {
	t.Helper()
	hosts.Needed(t)
	configuration := folder.Write(t, map[string]string{
		"things.yaml": openAPI,
		"who.xml": `<policies><inbound><base /><return-response><set-status code="200" reason="OK" />` +
			`<set-body>@(context.Request.Headers.GetValueOrDefault("X-MS-CLIENT-PRINCIPAL", "nobody"))</set-body></return-response></inbound>` +
			`<backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>`,
		"gateway.yaml": `name: contoso
publicUrl: ` + url + `
allowedHosts: [ a1b2c3.lambda-url.eu-west-1.on.aws, a1b2c3.execute-api.eu-west-1.amazonaws.com ]
limits: { requestBytes: 16777216, timeout: 60s }
backends:
  things: { url: "` + backendURL + `", timeout: 60s }
apis:
  things: { openapi: things.yaml, backend: things }
  plain:
    path: plain
    backend: things
    operations:
      slow: { method: GET, urlTemplate: /slow }
      meet: { method: GET, urlTemplate: /meet }
      halves: { method: GET, urlTemplate: /halves }
      big: { method: GET, urlTemplate: /big }
      echo: { method: POST, urlTemplate: /echo }
      who: { method: GET, urlTemplate: /who, policy: who.xml }
servers:
  things: { api: things }
  guarded: { api: things, authorization: { issuer: "https://login.contoso.com" } }
`,
	})
	to := filepath.Join(t.TempDir(), "app")
	if err := hosts.Deploy(t.Context(), peer.GatewayProgram(t), hosts.Package(t, platform), configuration, to); err != nil {
		t.Fatal(err)
	}
	return to
}

func listener(t *testing.T) net.Listener {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// asked is an answer to one request.
type asked struct {
	status int
	header http.Header
	body   string
}

// ask sends a request; a change may be nil.
func ask(t *testing.T, method, url, body string, change func(*http.Request)) asked {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(req)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	return asked{res.StatusCode, res.Header, string(content)}
}

// callTool calls a tool of a server of the app.
func callTool(t *testing.T, url, server, tool string, change func(*http.Request)) asked {
	t.Helper()
	r := rpc.New(mcp.Latest, "1", mcp.MethodCallTool, `{"name":"`+tool+`","arguments":{}}`)
	return ask(t, http.MethodPost, url+"/"+server+"/mcp", r.Body, func(req *http.Request) {
		req.Header = r.Header
		if change != nil {
			change(req)
		}
	})
}

// checkHalves tells whether the first half of an answer comes before there is a
// second.
func checkHalves(t *testing.T, url string, b *backend) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/plain/halves", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	half := make([]byte, len("data: 1\n\n"))
	if _, err := io.ReadFull(res.Body, half); err != nil || string(half) != "data: 1\n\n" {
		t.Fatalf("got %q, %v, want the first half", half, err)
	}
	b.more <- struct{}{}
	if rest, err := io.ReadAll(res.Body); err != nil || string(rest) != "data: 2\n\n" {
		t.Errorf("got %q, %v, want the second half", rest, err)
	}
}

// checkSlow tells whether the answer of a backend that is too slow is the gateway's
// own, and one that a model can read.
func checkSlow(t *testing.T, url string) {
	t.Helper()
	got := callTool(t, url, "things", "slow", nil)
	if got.status != http.StatusOK || !strings.Contains(got.body, `"isError":true`) || !strings.Contains(got.body, "time") {
		t.Errorf("a tool of a backend that is too slow: got %d %s", got.status, got.body)
	}
	if got := ask(t, http.MethodGet, url+"/plain/slow", "", nil); got.status < 500 || !strings.Contains(got.body, `"statusCode"`) {
		t.Errorf("an API of a backend that is too slow: got %d %s", got.status, got.body)
	}
}

// state is that of a process: T is stopped (proc(5)).
func state(t *testing.T, pid string) string {
	t.Helper()
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return rest[:1]
}

package telemetry_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	traces "go.opentelemetry.io/proto/otlp/trace/v1"
)

// Of 10,000 calls of which a tenth is kept, every one that failed is.
func TestFailuresAreKept(t *testing.T) {
	collector := newReceiver(t)
	backend, _ := pets(t)
	g := start(t, petGateway(t, collector.URL, backend, "  sampling: { ratio: 0.1 }\n"), 20*time.Millisecond)
	const calls, every = 10_000, 100
	good, bad := callTool("getPet", `{"id":1}`, ""), callTool("broken", `{}`, "")
	for i := range calls {
		r := good
		if i%every == 0 {
			r = bad
		}
		g.call(t, "pets", r)
	}
	g.flush(t)
	collector.check(t)
	kept, failed := 0, 0
	for _, s := range collector.all() {
		switch {
		case s.Kind != traces.Span_SPAN_KIND_SERVER:
		case s.Status.GetCode() == traces.Status_STATUS_CODE_ERROR:
			failed++
		default:
			kept++
		}
	}
	if failed != calls/every || kept < 800 || kept > 1200 || g.recorder.Dropped() != 0 {
		t.Errorf("got %d that failed, of %d, and %d others; %d dropped", failed, calls/every, kept, g.recorder.Dropped())
	}
	var counted uint64
	for _, m := range collector.allMetrics() {
		if m.Name == "mcp.server.operation.duration" {
			for _, p := range m.GetHistogram().DataPoints {
				counted += p.Count
			}
		}
	}
	if counted != calls {
		t.Errorf("metrics: got %d calls, want %d", counted, calls)
	}
}

func TestSamplingOfServers(t *testing.T) {
	collector := newReceiver(t)
	upstream, _ := notebook(t)
	backend, _ := pets(t)
	g := start(t, notesGateway(collector.URL, upstream, backend, "  sampling: { ratio: 0, servers: { notes: 1 } }\n"), -1)
	for range 3 {
		g.call(t, "pets", callTool("getPet", `{"id":1}`, ""))
		g.call(t, "notes", callTool("note", `{}`, ""))
	}
	g.flush(t)
	n := 0
	for _, s := range collector.all() {
		if s.Name == "tools/call getPet" {
			t.Errorf("got %v", s)
		}
		if s.Kind == traces.Span_SPAN_KIND_SERVER {
			n++
		}
	}
	if n != 3 {
		t.Errorf("got %d calls, want 3", n)
	}
}

// A collector that takes connections and never answers costs calls nothing, and what
// does not fit is counted.
func TestCollectorThatHangs(t *testing.T) {
	done := make(chan struct{})
	hangs := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-done }))
	defer hangs.Close()
	defer close(done)
	backend, _ := pets(t)
	g := start(t, petGateway(t, hangs.URL, backend, ""), time.Millisecond)
	slowest := time.Duration(0)
	for range 5000 {
		begun := time.Now()
		if body := text(t, g.call(t, "pets", callTool("getPet", `{"id":1}`, ""))); !strings.Contains(body, "Mia") {
			t.Fatalf("got %s", body)
		}
		slowest = max(slowest, time.Since(begun))
	}
	if slowest > 2*time.Second { // an export waits for ten
		t.Errorf("the slowest call took %v", slowest)
	}
	if g.recorder.Dropped() == 0 {
		t.Error("got nothing dropped, of more than the queue holds")
	}
}

// What is written down of an event stream is its beginning; the stream passes as it
// comes.
func TestStreamsAreNotHeldBack(t *testing.T) {
	collector := newReceiver(t)
	second := make(chan struct{})
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, `data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1,"secret":"hunter2"}}`+"\n\n")
		w.(http.Flusher).Flush()
		<-second
		_, _ = io.WriteString(w, `data: {"jsonrpc":"2.0","id":"7","result":{"content":[],"resultType":"complete"}}`+"\n\n")
	}))
	defer upstream.Close()
	backend, _ := pets(t)
	f := notesGateway(collector.URL, upstream.URL, backend, `  diagnostics: { bodies: { frontendRequest: 8192, frontendResponse: 150, backendRequest: 8192, backendResponse: 150 }, mask: { properties: [ secret, params.arguments.iban ] } }
`)
	g := start(t, f, -1)
	front := httptest.NewServer(g)
	defer front.Close()
	r := callTool("note", `{"iban":"DE00","n":1}`, "")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, front.URL+"/notes/mcp", strings.NewReader(r.Body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = r.Header
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	first := make([]byte, 1024)
	if n, err := res.Body.Read(first); err != nil || !strings.Contains(string(first[:n]), "hunter2") {
		t.Fatalf("got %q, %v, want the first event", first[:n], err)
	}
	close(second)
	if rest, err := io.ReadAll(res.Body); err != nil || !strings.Contains(string(rest), "complete") {
		t.Fatalf("got %q, %v", rest, err)
	}
	for deadline := time.Now().Add(5 * time.Second); len(collector.all()) == 0 && time.Now().Before(deadline); {
		g.flush(t) // the call ends a little later than its answer
	}
	collector.check(t)
	for _, s := range collector.all() {
		for key, value := range attributes(s.Attributes) {
			if text, ok := value.(string); ok && (strings.Contains(text, "hunter2") || strings.Contains(text, "DE00")) {
				t.Errorf("span %q: %s is %s", s.Name, key, text)
			}
		}
		if s.Kind == traces.Span_SPAN_KIND_SERVER {
			if got, _ := attributes(s.Attributes)["gen_ai.tool.call.arguments"].(string); got != `{"iban":"[masked]","n":1}` {
				t.Errorf("arguments: got %s", got)
			}
		}
	}
}

// A gateway of which telemetry is not asked leaves headers alone.
func TestOff(t *testing.T) {
	backend, requests := pets(t)
	f := files{"pets.yaml": petDocument, "gateway.yaml": `name: contoso
backends: { pets: { url: "` + backend + `" } }
apis: { pets: { openapi: pets.yaml, backend: pets } }
servers: { pets: { api: pets } }
`}
	g := start(t, f, -1)
	res := g.call(t, "pets", callTool("getPet", `{"id":1}`, ""), "Traceparent", parent)
	if got := (<-requests).header; got.Get("Traceparent") != "" || got.Get("X-Request-Id") != "" || res.Header.Get("X-Request-Id") != "" || g.recorder != nil {
		t.Errorf("got %v and %v", got, res.Header)
	}
}

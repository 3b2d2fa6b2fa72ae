package telemetry_test

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	traces "go.opentelemetry.io/proto/otlp/trace/v1"

	"toolgate/shared/mcp"
	"toolgate/tests/internal/rpc"
)

// notebook is an MCP server of 2026-07-28 with one tool; it tells what it was sent.
func notebook(t *testing.T) (url string, requests chan seen) {
	t.Helper()
	requests = make(chan seen, 1024)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		m, err := mcp.Scan(body, 0)
		if err != nil {
			t.Errorf("got %s: %v", body, err)
		}
		result := `{"content":[{"type":"text","text":"noted"}],"resultType":"complete"}`
		switch m.Method {
		case mcp.MethodDiscover:
			result = `{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"serverInfo":{"name":"notes","version":"1"},"ttlMs":60000,"cacheScope":"public"}`
		case mcp.MethodListTools:
			result = `{"resultType":"complete","tools":[{"name":"note","inputSchema":{"type":"object"}}],"ttlMs":60000,"cacheScope":"public"}`
		case mcp.MethodCallTool:
			requests <- seen{r.Header, string(body)}
		}
		_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":`+string(m.Bytes(m.ID))+`,"result":`+result+`}`)
	}))
	t.Cleanup(s.Close)
	return s.URL, requests
}

func notesGateway(collector, upstream, backend, more string) files {
	return files{"pets.yaml": petDocument, "gateway.yaml": `name: contoso
backends: { pets: { url: "` + backend + `" } }
apis: { pets: { openapi: pets.yaml, backend: pets } }
servers:
  pets: { api: pets }
  notes: { upstream: { url: "` + upstream + `", protocolVersion: "2026-07-28" } }
  everything: { federate: [ pets, notes ] }
telemetry:
  endpoint: ` + collector + `
` + more}
}

// toUpstream checks the spans of a message to an MCP server below one, and the
// contexts that it carried.
func toUpstream(t *testing.T, spans []*traces.Span, below *traces.Span, sent seen) {
	t.Helper()
	of := children(spans, below)
	if len(of) != 1 {
		t.Fatalf("got %v below %q, want one span", of, below.Name)
	}
	message := of[0]
	requests := children(spans, message)
	if len(requests) == 0 {
		t.Fatalf("got no request below %q", message.Name)
	}
	request := requests[len(requests)-1] // others found out what the server speaks
	nested(t, below, message)
	nested(t, message, request)
	if message.Kind != traces.Span_SPAN_KIND_CLIENT || request.Kind != traces.Span_SPAN_KIND_CLIENT || message.Name != "tools/call note" || request.Name != "POST" {
		t.Errorf("got %v %q and %v %q", message.Kind, message.Name, request.Kind, request.Name)
	}
	wantAttributes(t, message, map[string]any{"mcp.method.name": "tools/call", "gen_ai.tool.name": "note", "mcp.protocol.version": "2026-07-28"})
	trace := "00-" + hex.EncodeToString(below.TraceId) + "-"
	if got, want := sent.header.Get("Traceparent"), trace+hex.EncodeToString(request.SpanId)+"-01"; got != want {
		t.Errorf("traceparent: got %s, want %s", got, want)
	}
	if want := `"traceparent":"` + trace + hex.EncodeToString(message.SpanId) + `-01"`; strings.Count(sent.body, "traceparent") != 1 || !strings.Contains(sent.body, want) {
		t.Errorf("got %s, want %s", sent.body, want)
	}
}

func TestProxiedTool(t *testing.T) {
	for _, meta := range []string{"", `{"traceparent":"` + parent + `","tracestate":"a=b"}`} {
		collector := newReceiver(t)
		upstream, sent := notebook(t)
		backend, _ := pets(t)
		g := start(t, notesGateway(collector.URL, upstream, backend, ""), -1)
		if body := text(t, g.call(t, "notes", callTool("note", `{"n":1}`, meta))); !strings.Contains(body, "noted") {
			t.Fatalf("got %s", body)
		}
		g.flush(t)
		collector.check(t)
		spans := collector.all()
		i := slices.IndexFunc(spans, func(s *traces.Span) bool { return s.Kind == traces.Span_SPAN_KIND_SERVER })
		toUpstream(t, spans, spans[i], <-sent)
	}
}

func TestFederation(t *testing.T) {
	collector := newReceiver(t)
	upstream, sent := notebook(t)
	backend, _ := pets(t)
	g := start(t, notesGateway(collector.URL, upstream, backend, ""), -1)
	if body := text(t, g.call(t, "everything", callTool("notes_note", `{}`, ""))); !strings.Contains(body, "noted") {
		t.Fatalf("got %s", body)
	}
	g.flush(t)
	collector.check(t)
	spans := collector.all()
	server := named(t, spans, "tools/call notes_note")
	member := named(t, spans, "tools/call note at notes")
	nested(t, server, member)
	wantAttributes(t, member, map[string]any{"toolgate.server": "notes"})
	toUpstream(t, spans, member, <-sent)
}

// Each attempt of retry is a span, and says how many there were before; requests of
// policies are others.
func TestRetriesAndSubrequests(t *testing.T) {
	collector := newReceiver(t)
	backend, requests := pets(t)
	f := petGateway(t, collector.URL, backend, "  diagnostics: { verbosity: verbose }\n")
	f["api.xml"] = `<policies><inbound><base />
  <send-request mode="new" response-variable-name="r" timeout="5"><set-url>` + backend + `/audit</set-url><set-method>PUT</set-method></send-request>
</inbound><backend>
  <retry condition="@(context.Response.StatusCode == 503)" count="2" interval="0"><forward-request /></retry>
</backend><outbound><base /></outbound><on-error><base /></on-error></policies>`
	f["gateway.yaml"] = strings.Replace(f["gateway.yaml"], "openapi: pets.yaml,", "openapi: pets.yaml, policy: api.xml,", 1)
	g := start(t, f, -1)
	g.call(t, "pets", callTool("broken", `{}`, ""))
	g.flush(t)
	collector.check(t)
	spans := collector.all()
	server := named(t, spans, "tools/call broken")
	retry := named(t, spans, "retry")
	nested(t, server, retry)
	wantAttributes(t, retry, map[string]any{"toolgate.policy.section": "backend"})
	nested(t, named(t, spans, "send-request"), named(t, spans, "PUT"))
	var attempts []any
	for _, s := range spans {
		if s.Name == "GET" {
			wantAttributes(t, s, map[string]any{"error.type": "503", "http.response.status_code": int64(503)})
			attempts = append(attempts, attributes(s.Attributes)["http.request.resend_count"])
		}
	}
	slices.SortFunc(attempts, func(a, b any) int { x, _ := a.(int64); y, _ := b.(int64); return int(x - y) })
	if want := []any{nil, int64(1), int64(2)}; !slices.Equal(attempts, want) {
		t.Errorf("attempts: got %v, want %v", attempts, want)
	}
	wantAttributes(t, server, map[string]any{"error.type": "tool_error"})
	if server.Status.GetCode() != traces.Status_STATUS_CODE_ERROR {
		t.Errorf("got the status %v", server.Status)
	}
	for range 4 {
		if got := (<-requests).header.Get("Traceparent"); !strings.HasPrefix(got, "00-"+hex.EncodeToString(server.TraceId)) {
			t.Errorf("got %s", got)
		}
	}
}

func TestBatch(t *testing.T) {
	collector := newReceiver(t)
	backend, _ := pets(t)
	g := start(t, petGateway(t, collector.URL, backend, ""), -1)
	one := rpc.New(mcp.V20250326, "1", mcp.MethodCallTool, `{"name":"getPet","arguments":{"id":1}}`)
	two := rpc.New(mcp.V20250326, "2", mcp.MethodCallTool, `{"name":"none","arguments":{}}`)
	one.Body = "[" + one.Body + "," + two.Body + "]"
	g.call(t, "pets", one)
	g.flush(t)
	collector.check(t)
	spans := collector.all()
	root := named(t, spans, "POST /pets/mcp")
	good, bad := named(t, spans, "tools/call getPet"), named(t, spans, "tools/call none")
	nested(t, root, good)
	nested(t, root, bad)
	nested(t, good, named(t, spans, "GET"))
	wantAttributes(t, bad, map[string]any{"error.type": "-32602", "gen_ai.tool.name": "none"})
}

// A retry of a message to an MCP server counts as one too.
func TestRetriesOfMessages(t *testing.T) {
	collector := newReceiver(t)
	n := 0
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		m, err := mcp.Scan(body, 0)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		answer := `"error":{"code":-32603,"message":"not now"}`
		if n++; n == 2 {
			answer = `"result":{"content":[],"resultType":"complete"}`
		}
		_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":`+string(m.Bytes(m.ID))+`,`+answer+`}`)
	}))
	defer upstream.Close()
	backend, _ := pets(t)
	f := notesGateway(collector.URL, upstream.URL, backend, "")
	f["notes.xml"] = `<policies><inbound /><backend><retry condition="@(context.Response.Body.As<string>(preserveContent: true).Contains("not now"))" count="3" interval="0"><forward-request /></retry></backend><outbound /><on-error /></policies>`
	f["gateway.yaml"] = strings.Replace(f["gateway.yaml"], "notes: { upstream", "notes: { policy: notes.xml, upstream", 1)
	g := start(t, f, -1)
	g.call(t, "notes", callTool("note", `{}`, ""))
	g.flush(t)
	collector.check(t)
	var attempts []any
	for _, s := range collector.all() {
		if s.Name == "POST" {
			attempts = append(attempts, attributes(s.Attributes)["http.request.resend_count"])
		}
	}
	slices.SortFunc(attempts, func(a, b any) int { x, _ := a.(int64); y, _ := b.(int64); return int(x - y) })
	if want := []any{nil, int64(1)}; !slices.Equal(attempts, want) {
		t.Errorf("got %v, want %v", attempts, want)
	}
}

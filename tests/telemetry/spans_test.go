package telemetry_test

import (
	"encoding/hex"
	"net/url"
	"strings"
	"testing"

	traces "go.opentelemetry.io/proto/otlp/trace/v1"
)

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func petGateway(t *testing.T, collector, backend, more string) files {
	t.Helper()
	return files{"pets.yaml": petDocument, "gateway.yaml": `name: contoso
backends: { pets: { url: "` + backend + `" } }
apis: { pets: { openapi: pets.yaml, backend: pets } }
servers: { pets: { api: pets } }
telemetry:
  endpoint: ` + collector + `
` + more}
}

func TestTool(t *testing.T) {
	collector := newReceiver(t)
	backend, requests := pets(t)
	g := start(t, petGateway(t, collector.URL, backend, "  headers: { api-key: { secret: env:KEY } }\n"), -1)
	res := g.call(t, "pets", callTool("getPet", `{"id":1}`, ""), "Traceparent", parent, "Tracestate", "a=b", "Baggage", "k=v")
	if body := text(t, res); !strings.Contains(body, "Mia") {
		t.Fatalf("got %s", body)
	}
	g.flush(t)
	collector.check(t)
	spans := collector.all()
	server := named(t, spans, "tools/call getPet")
	client := named(t, spans, "GET")
	nested(t, server, client)
	if got := hex.EncodeToString(server.TraceId) + hex.EncodeToString(server.ParentSpanId); got != "0af7651916cd43dd8448eb211c80319cb7ad6b7169203331" || server.TraceState != "a=b" {
		t.Errorf("got the parent %s, %s", got, server.TraceState)
	}
	if server.Kind != traces.Span_SPAN_KIND_SERVER || client.Kind != traces.Span_SPAN_KIND_CLIENT || len(spans) != 2 {
		t.Errorf("got the kinds %v and %v, of %d spans", server.Kind, client.Kind, len(spans))
	}
	id := res.Header.Get("X-Request-Id")
	at, err := url.Parse(backend)
	if err != nil {
		t.Fatal(err)
	}
	wantAttributes(t, server, map[string]any{
		"mcp.method.name": "tools/call", "gen_ai.tool.name": "getPet", "gen_ai.operation.name": "execute_tool", "jsonrpc.request.id": "7",
		"mcp.protocol.version": "2026-07-28", "toolgate.server": "pets", "http.response.status_code": int64(200), "http.request.method": "POST",
		"http.route": "/pets/mcp", "url.path": "/pets/mcp", "url.scheme": "http", "network.protocol.name": "http", "network.protocol.version": "1.1",
		"user_agent.original": "contoso/1", "client.address": "192.0.2.1", "auth.type": "none", "api.type": "Mcp", "toolgate.request.id": id,
		"error.type": nil, "toolgate.request.body": nil, "gen_ai.tool.call.arguments": nil,
	})
	wantAttributes(t, client, map[string]any{
		"http.request.method": "GET", "url.full": backend + "/pets/1", "server.address": at.Hostname(), "http.response.status_code": int64(200),
		"http.request.resend_count": nil, "error.type": nil,
	})
	sent := <-requests
	want := "00-" + hex.EncodeToString(client.TraceId) + "-" + hex.EncodeToString(client.SpanId) + "-01"
	if h := sent.header; h.Get("Traceparent") != want || h.Get("Tracestate") != "a=b" || h.Get("Baggage") != "k=v" || h.Get("X-Request-Id") != id || id == "" {
		t.Errorf("got %v, want %s and the request id %q", h, want, id)
	}
	if got := collector.header.Get("Api-Key"); got != "the secret of env:KEY" {
		t.Errorf("got the key %q", got)
	}
	if collector.resource["service.name"] != "contoso" || collector.resource["service.instance.id"] == nil {
		t.Errorf("got the resource %v", collector.resource)
	}
	if c := g.observed[0]; c.RequestID != id || c.Span.TraceID.String() != hex.EncodeToString(server.TraceId) || c.Span.SpanID.String() != hex.EncodeToString(server.SpanId) {
		t.Errorf("got %+v", c)
	}
}

// The context in _meta is that of the message; that of the transport is a link.
func TestMetaIsPreferred(t *testing.T) {
	collector := newReceiver(t)
	backend, _ := pets(t)
	g := start(t, petGateway(t, collector.URL, backend, ""), -1)
	const own = "00-11111111111111111111111111111111-2222222222222222-01"
	g.call(t, "pets", callTool("getPet", `{"id":1}`, `{"traceparent":"`+own+`"}`), "Traceparent", parent)
	g.flush(t)
	server := named(t, collector.all(), "tools/call getPet")
	if hex.EncodeToString(server.TraceId) != strings.Repeat("1", 32) || len(server.Links) != 1 || hex.EncodeToString(server.Links[0].SpanId) != "b7ad6b7169203331" {
		t.Errorf("got %v", server)
	}
}

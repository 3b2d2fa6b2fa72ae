package telemetry_test

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	logs "go.opentelemetry.io/proto/otlp/logs/v1"
)

// What policies report goes where it belongs: messages to log records, values to
// metrics, events to their hub.
func TestReportsOfPolicies(t *testing.T) {
	collector := newReceiver(t)
	events := make(chan seen, 8)
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		events <- seen{r.Header, r.URL.Path + " " + string(body)}
		w.WriteHeader(http.StatusCreated)
	}))
	defer hub.Close()
	backend, _ := pets(t)
	f := petGateway(t, collector.URL, backend, `  logs: true
  eventHubs: { audit: { url: "`+hub.URL+`/audit", keyName: send, key: { secret: env:HUB_KEY } } }
policy: global.xml
`)
	f["global.xml"] = `<policies><inbound>
  <trace source="contoso" severity="error"><message>It begins.</message><metadata name="step" value="1" /></trace>
  <emit-metric name="pets" namespace="contoso" value="2.5"><dimension name="API ID" /></emit-metric>
  <log-to-eventhub logger-id="audit" partition-key="@("k")">@("called " + context.Mcp.ToolName)</log-to-eventhub>
</inbound><backend><forward-request /></backend><outbound /><on-error /></policies>`
	g := start(t, f, -1)
	g.call(t, "pets", callTool("getPet", `{"id":1}`, ""))
	g.flush(t)
	collector.check(t)
	event := <-events
	if event.body != `/audit/messages [{"Body":"called getPet","BrokerProperties":{"PartitionKey":"k"}}]` && !strings.Contains(event.body, "called getPet") {
		t.Errorf("got %s", event.body)
	}
	if got := event.header.Get("Authorization"); !strings.HasPrefix(got, "SharedAccessSignature sr=") || strings.Contains(got, "the secret") {
		t.Errorf("got %s", got)
	}
	var trace, call *logs.LogRecord
	for _, l := range collector.records {
		switch l.EventName {
		case "toolgate.trace":
			trace = l
		case "toolgate.call":
			call = l
		}
	}
	if trace == nil || trace.Body.GetStringValue() != "It begins." || trace.SeverityText != "ERROR" || attributes(trace.Attributes)["step"] != "1" {
		t.Errorf("trace: got %v", trace)
	}
	server := named(t, collector.all(), "tools/call getPet")
	if call == nil || call.Body.GetStringValue() != "tools/call getPet" || hex.EncodeToString(call.TraceId) != hex.EncodeToString(server.TraceId) || attributes(call.Attributes)["gen_ai.tool.name"] != "getPet" {
		t.Errorf("call: got %v", call)
	}
	for _, m := range collector.allMetrics() {
		if m.Name == "pets" {
			if p := m.GetHistogram().DataPoints[0]; p.GetSum() != 5 || p.Count != 2 || attributes(p.Attributes)["API ID"] != "pets" {
				t.Errorf("got %v", p)
			}
			return
		}
	}
	t.Error("got no metric")
}

// Names of API Management are for its queries; Request-Id is for its older clients.
func TestAPIManagementNames(t *testing.T) {
	collector := newReceiver(t)
	backend, requests := pets(t)
	g := start(t, petGateway(t, collector.URL, backend, "  names: apiManagement\n  correlation: legacy\n  requestIdHeader: x-correlation-id\n"), -1)
	res := g.call(t, "pets", callTool("getPet", `{"id":1}`, ""), "Request-Id", "|0af7651916cd43dd8448eb211c80319c.b7ad6b7169203331.")
	g.flush(t)
	server := named(t, collector.all(), "tools/call getPet")
	wantAttributes(t, server, map[string]any{"gen_ai.operation.name": "tools/call", "api.type": "Mcp", "API Type": "mcp"})
	if got := hex.EncodeToString(server.TraceId); got != "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("got the trace %s", got)
	}
	sent := (<-requests).header
	if !strings.HasPrefix(sent.Get("Request-Id"), "|0af7651916cd43dd8448eb211c80319c.") || sent.Get("X-Correlation-Id") == "" || sent.Get("X-Correlation-Id") != res.Header.Get("X-Correlation-Id") || sent.Get("X-Request-Id") != "" {
		t.Errorf("got %v and %v", sent, res.Header)
	}
}

package telemetry_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/semconv/v1.41.0/genaiconv"
	"go.opentelemetry.io/otel/semconv/v1.41.0/httpconv"
	"go.opentelemetry.io/otel/semconv/v1.41.0/mcpconv"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"

	"toolgate/shared/telemetry"
)

// conventions are the names of the published conventions for those of ours.
var conventions = map[string]attribute.Key{
	telemetry.ErrorType: semconv.ErrorTypeKey, telemetry.ClientAddress: semconv.ClientAddressKey, telemetry.EndUserID: semconv.EnduserIDKey,
	telemetry.GenAIConversationID: semconv.GenAIConversationIDKey, telemetry.GenAIOperationName: semconv.GenAIOperationNameKey,
	telemetry.GenAIPromptName: semconv.GenAIPromptNameKey, telemetry.GenAITokenType: semconv.GenAITokenTypeKey,
	telemetry.GenAIToolArguments: semconv.GenAIToolCallArgumentsKey, telemetry.GenAIToolName: semconv.GenAIToolNameKey,
	telemetry.GenAIToolType: semconv.GenAIToolTypeKey, telemetry.HTTPRequestMethod: semconv.HTTPRequestMethodKey,
	telemetry.HTTPRequestBodySize: semconv.HTTPRequestBodySizeKey, telemetry.HTTPRequestResendCount: semconv.HTTPRequestResendCountKey,
	telemetry.HTTPResponseBodySize: semconv.HTTPResponseBodySizeKey, telemetry.HTTPResponseStatusCode: semconv.HTTPResponseStatusCodeKey,
	telemetry.HTTPRoute: semconv.HTTPRouteKey, telemetry.JSONRPCRequestID: semconv.JSONRPCRequestIDKey, telemetry.MCPMethodName: semconv.McpMethodNameKey,
	telemetry.MCPProtocolVersion: semconv.McpProtocolVersionKey, telemetry.MCPResourceURI: semconv.McpResourceURIKey, telemetry.MCPSessionID: semconv.McpSessionIDKey,
	telemetry.NetworkProtocolName: semconv.NetworkProtocolNameKey, telemetry.NetworkProtocolVersion: semconv.NetworkProtocolVersionKey,
	telemetry.NetworkTransport: semconv.NetworkTransportKey, telemetry.RPCResponseStatusCode: semconv.RPCResponseStatusCodeKey,
	telemetry.ServerAddress: semconv.ServerAddressKey, telemetry.ServerPort: semconv.ServerPortKey, telemetry.ServiceInstanceID: semconv.ServiceInstanceIDKey,
	telemetry.ServiceName: semconv.ServiceNameKey, telemetry.ServiceVersion: semconv.ServiceVersionKey, telemetry.URLFull: semconv.URLFullKey,
	telemetry.URLPath: semconv.URLPathKey, telemetry.URLScheme: semconv.URLSchemeKey, telemetry.UserAgentName: semconv.UserAgentNameKey,
	telemetry.UserAgentOriginal: semconv.UserAgentOriginalKey, telemetry.UserAgentVersion: semconv.UserAgentVersionKey,
}

// ours are names without a convention: those of the gateway, and those of API
// Management, whose queries run over them.
func ours(key string) bool {
	return strings.HasPrefix(key, "toolgate.") || slices.Contains([]string{
		telemetry.APIType, telemetry.APITypeSpaced, telemetry.AuthType, telemetry.ErrorMessage, telemetry.ToolCount,
	}, key)
}

// header tells whether a name is that of a header, which ends it.
func header(key string) bool {
	return strings.HasPrefix(key, "http.request.header.") || strings.HasPrefix(key, "http.response.header.")
}

func TestConventions(t *testing.T) {
	for got, want := range conventions {
		if got != string(want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for _, c := range []struct {
		i          *telemetry.Instrument
		name, unit string
	}{
		{telemetry.MCPServerDuration, mcpconv.ServerOperationDuration{}.Name(), mcpconv.ServerOperationDuration{}.Unit()},
		{telemetry.HTTPServerDuration, httpconv.ServerRequestDuration{}.Name(), httpconv.ServerRequestDuration{}.Unit()},
		{telemetry.HTTPClientDuration, httpconv.ClientRequestDuration{}.Name(), httpconv.ClientRequestDuration{}.Unit()},
		{telemetry.TokenUsage, genaiconv.ClientTokenUsage{}.Name(), genaiconv.ClientTokenUsage{}.Unit()},
	} {
		if c.i.Name != c.name || c.i.Unit != c.unit {
			t.Errorf("got %s in %s, want %s in %s", c.i.Name, c.i.Unit, c.name, c.unit)
		}
	}
}

// Every attribute that leaves the gateway has a name that is known.
func TestNamesThatAreExported(t *testing.T) {
	collector := newReceiver(t)
	upstream, _ := notebook(t)
	backend, _ := pets(t)
	f := notesGateway(collector.URL, upstream, backend, `  logs: true
  diagnostics: { verbosity: verbose, headers: [ user-agent, content-type ], bodies: { frontendRequest: 100, frontendResponse: 100, backendRequest: 100, backendResponse: 100 } }
`)
	f["global.xml"] = `<policies><inbound><emit-metric name="calls" namespace="contoso"><dimension name="API ID" /></emit-metric>
<choose><when condition="@(context.Mcp.ToolName == "refused")"><return-response><set-status code="403" reason="No" /></return-response></when></choose></inbound>
<backend><forward-request /></backend><outbound /><on-error /></policies>`
	f["gateway.yaml"] += "policy: global.xml\n"
	g := start(t, f, -1)
	for _, tool := range []string{"pets_getPet", "pets_broken", "notes_note", "none", "refused"} {
		g.call(t, "everything", callTool(tool, `{"id":1}`, ""), "Authorization", "Bearer hunter2", "Ocp-Apim-Subscription-Key", "hunter2")
	}
	g.flush(t)
	collector.check(t)
	known := map[string]bool{}
	for _, key := range conventions {
		known[string(key)] = true
	}
	seen := map[string]bool{}
	note := func(of string, m map[string]any, more ...string) {
		for key, value := range m {
			if !known[key] && !ours(key) && !header(key) && !slices.Contains(more, key) {
				t.Errorf("%s has the attribute %q, of no convention", of, key)
			}
			if text, ok := value.(string); ok && strings.Contains(text, "hunter2") && !strings.HasSuffix(key, ".body") {
				t.Errorf("%s has a secret in %s", of, key)
			}
			seen[key] = true
		}
	}
	for _, s := range collector.all() {
		note("the span "+s.Name, attributes(s.Attributes))
	}
	for _, l := range collector.records {
		note("a record", attributes(l.Attributes), "error.type")
	}
	names := map[string]bool{}
	for _, m := range collector.allMetrics() {
		names[m.Name] = true
		switch points := m.Data.(type) {
		case *metrics.Metric_Histogram:
			if points.Histogram.AggregationTemporality != metrics.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA {
				t.Errorf("%s: got %v", m.Name, points.Histogram.AggregationTemporality)
			}
			for _, p := range points.Histogram.DataPoints {
				if len(p.BucketCounts) != len(p.ExplicitBounds)+1 || p.StartTimeUnixNano > p.TimeUnixNano {
					t.Errorf("%s: got %v", m.Name, p)
				}
				note(m.Name, attributes(p.Attributes), "API ID", "namespace")
			}
		case *metrics.Metric_Sum:
			for _, p := range points.Sum.DataPoints {
				note(m.Name, attributes(p.Attributes))
			}
		}
	}
	if want := []string{"calls", "http.client.request.duration", "http.server.request.duration", "mcp.server.operation.duration"}; !slices.Equal(slices.Sorted(maps.Keys(names)), want) {
		t.Errorf("metrics: got %q, want %q", slices.Sorted(maps.Keys(names)), want)
	}
	for _, key := range []string{"toolgate.request.body", "toolgate.response.body", "http.request.header.user-agent", "gen_ai.tool.call.arguments"} {
		if !seen[key] {
			t.Errorf("nothing has %s", key)
		}
	}
}

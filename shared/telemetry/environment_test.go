package telemetry

import (
	"strings"
	"testing"
	"time"
)

func TestFromEnvironment(t *testing.T) {
	for _, c := range []struct {
		name                  string
		env                   map[string]string
		traces, metrics, logs string
		err                   string
	}{
		{name: "nothing"},
		{name: "one endpoint", env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318/"}, traces: "http://c:4318/v1/traces", metrics: "http://c:4318/v1/metrics"},
		{name: "logs", env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_LOGS_EXPORTER": "otlp", "OTEL_METRICS_EXPORTER": "none"}, traces: "http://c/v1/traces", logs: "http://c/v1/logs"},
		{name: "of a signal", env: map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://c/in"}, traces: "https://c/in"},
		{name: "no URL", env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "c:4318"}, err: "OTEL_EXPORTER_OTLP_ENDPOINT is no absolute"},
		{name: "grpc", env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, err: "4318"},
		{name: "headers", env: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_EXPORTER_OTLP_HEADERS": "hunter2"}, err: "OTEL_EXPORTER_OTLP_HEADERS is no list"},
	} {
		e, err := FromEnvironment(func(name string) (string, bool) { v, ok := c.env[name]; return v, ok })
		if (err != nil) != (c.err != "") || err != nil && (!strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.err)
		}
		if e.Traces.URL != c.traces || e.Metrics.URL != c.metrics || e.Logs.URL != c.logs {
			t.Errorf("%s: got %+v", c.name, e)
		}
	}
	env := map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_EXPORTER_OTLP_HEADERS": "api-key=a%20b, x=1", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "x=2",
		"OTEL_EXPORTER_OTLP_TIMEOUT": "1500", "OTEL_SERVICE_NAME": "orders", "OTEL_RESOURCE_ATTRIBUTES": "service.name=other,team=a", "OTEL_SDK_DISABLED": "TRUE",
	}
	e, err := FromEnvironment(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	if e.Traces.Header.Get("Api-Key") != "a b" || e.Traces.Header.Get("X") != "2" || e.Metrics.Header.Get("X") != "1" || e.Timeout != 1500*time.Millisecond || !e.Disabled {
		t.Errorf("got %+v", e)
	}
	if len(e.Resource) != 2 || e.Resource[0] != String(ServiceName, "orders") || e.Resource[1] != String("team", "a") {
		t.Errorf("got %v", e.Resource)
	}
}

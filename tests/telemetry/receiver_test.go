// Package telemetry_test looks at what a gateway exports, from the side of the
// collector: a receiver of OTLP/HTTP that decodes by the protocol's own definitions.
package telemetry_test

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"

	common "go.opentelemetry.io/proto/otlp/common/v1"
	"google.golang.org/protobuf/proto"
)

// receiver is a collector.
type receiver struct {
	URL string

	mu       sync.Mutex
	spans    []*traces.Span
	metrics  []*metrics.Metric
	records  []*logs.LogRecord
	resource map[string]any
	header   http.Header // of the last export
	faults   []string
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	r.URL = s.URL
	return r
}

// ServeHTTP takes an export. The requests of exports are those of the whole signal,
// field by field (opentelemetry-proto, collector/trace/v1 and its kin).
func (r *receiver) ServeHTTP(_ http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.header = req.Header
	if got := req.Header.Get("Content-Type"); got != "application/x-protobuf" {
		r.faults = append(r.faults, "content type "+got)
	}
	switch req.URL.Path {
	case "/v1/traces":
		var m traces.TracesData
		if err = proto.Unmarshal(body, &m); err == nil {
			for _, resource := range m.ResourceSpans {
				r.resource = attributes(resource.Resource.Attributes)
				for _, scope := range resource.ScopeSpans {
					r.spans = append(r.spans, scope.Spans...)
				}
			}
		}
	case "/v1/metrics":
		var m metrics.MetricsData
		if err = proto.Unmarshal(body, &m); err == nil {
			for _, resource := range m.ResourceMetrics {
				for _, scope := range resource.ScopeMetrics {
					r.metrics = append(r.metrics, scope.Metrics...)
				}
			}
		}
	case "/v1/logs":
		var m logs.LogsData
		if err = proto.Unmarshal(body, &m); err == nil {
			for _, resource := range m.ResourceLogs {
				for _, scope := range resource.ScopeLogs {
					r.records = append(r.records, scope.LogRecords...)
				}
			}
		}
	default:
		r.faults = append(r.faults, "an export to "+req.URL.Path)
	}
	if err != nil {
		r.faults = append(r.faults, req.URL.Path+": "+err.Error())
	}
}

// check fails the test for what no collector would take.
func (r *receiver) check(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.faults {
		t.Error(f)
	}
	for _, s := range r.spans {
		if len(s.TraceId) != 16 || len(s.SpanId) != 8 || s.Name == "" || s.StartTimeUnixNano == 0 || s.EndTimeUnixNano < s.StartTimeUnixNano {
			t.Errorf("got the span %v", s)
		}
	}
}

func (r *receiver) all() []*traces.Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.spans)
}

func (r *receiver) allMetrics() []*metrics.Metric {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.metrics)
}

// attributes are a list of attributes as Go values.
func attributes(list []*common.KeyValue) map[string]any {
	m := map[string]any{}
	for _, kv := range list {
		switch v := kv.Value.Value.(type) {
		case *common.AnyValue_StringValue:
			m[kv.Key] = v.StringValue
		case *common.AnyValue_IntValue:
			m[kv.Key] = v.IntValue
		case *common.AnyValue_DoubleValue:
			m[kv.Key] = v.DoubleValue
		case *common.AnyValue_BoolValue:
			m[kv.Key] = v.BoolValue
		}
	}
	return m
}

// named finds the one span of a name.
func named(t *testing.T, spans []*traces.Span, name string) *traces.Span {
	t.Helper()
	var found []*traces.Span
	var names []string
	for _, s := range spans {
		names = append(names, s.Name)
		if s.Name == name {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		t.Fatalf("got %d spans of the name %q among %q, want 1", len(found), name, names)
	}
	return found[0]
}

// children are the spans below one, in the order of their beginning.
func children(spans []*traces.Span, of *traces.Span) []*traces.Span {
	var list []*traces.Span
	for _, s := range spans {
		if string(s.ParentSpanId) == string(of.SpanId) {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b *traces.Span) int { return int(int64(a.StartTimeUnixNano) - int64(b.StartTimeUnixNano)) })
	return list
}

// nested checks that a span is inside of another: of one trace, and of its time.
func nested(t *testing.T, outer, inner *traces.Span) {
	t.Helper()
	if string(outer.TraceId) != string(inner.TraceId) || string(inner.ParentSpanId) != string(outer.SpanId) ||
		inner.StartTimeUnixNano < outer.StartTimeUnixNano || inner.EndTimeUnixNano > outer.EndTimeUnixNano {
		t.Errorf("got %s %q (below %s, %v) and inside of it %s %q (below %s, %v)",
			hex.EncodeToString(outer.SpanId), outer.Name, hex.EncodeToString(outer.ParentSpanId), took(outer),
			hex.EncodeToString(inner.SpanId), inner.Name, hex.EncodeToString(inner.ParentSpanId), took(inner))
	}
}

func took(s *traces.Span) [2]time.Time {
	return [2]time.Time{time.Unix(0, int64(s.StartTimeUnixNano)), time.Unix(0, int64(s.EndTimeUnixNano))}
}

// wantAttributes compares those attributes of a span that are wanted; nil wants that
// there is none.
func wantAttributes(t *testing.T, s *traces.Span, want map[string]any) {
	t.Helper()
	got := attributes(s.Attributes)
	for key, value := range want {
		if got[key] != value {
			t.Errorf("span %q: %s: got %v, want %v", s.Name, key, got[key], value)
		}
	}
}

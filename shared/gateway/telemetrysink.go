package gateway

import (
	"sync"

	"toolgate/shared/policy"
	"toolgate/shared/telemetry"
)

// telemetrySink exports what policies report, and leaves the rest to another sink. It
// serves policy.Sink.
type telemetrySink struct {
	policy.Sink
	recorder *telemetry.Recorder
	redact   func(string) string

	mu          sync.Mutex
	instruments map[string]*telemetry.Instrument
}

// maxInstruments bounds the metrics of policies: a name may be computed.
const maxInstruments = 200

// tokenTypes are the metrics of language models that a convention has a name for.
var tokenTypes = map[string]string{"Prompt Tokens": "input", "Completion Tokens": "output"}

// Trace exports a message as a log record too. No sampling leaves it out.
func (s *telemetrySink) Trace(x *policy.Exchange, r policy.TraceRecord) {
	s.Sink.Trace(x, r)
	if !s.recorder.LogsExported() {
		return
	}
	severity := telemetry.SeverityInformation
	switch r.Severity {
	case "verbose":
		severity = telemetry.SeverityDebug
	case "error":
		severity = telemetry.SeverityError
	}
	attrs := append(s.attrs(r.Metadata), telemetry.String(telemetry.PolicySource, r.Source), telemetry.String(telemetry.RequestID, x.RequestID.String()))
	s.recorder.Log(telemetry.Record{Time: s.recorder.Now(), Severity: severity, Event: "toolgate.trace", Body: s.redact(r.Message), Attrs: attrs})
}

// Metric adds a value to a metric.
func (s *telemetrySink) Metric(x *policy.Exchange, m policy.Metric) {
	if !s.recorder.MetricsExported() {
		s.Sink.Metric(x, m)
		return
	}
	attrs := append(s.attrs(m.Dimensions), telemetry.String("namespace", m.Namespace))
	s.recorder.Measure(s.instrument(m.Name), m.Value, attrs...)
	if kind := tokenTypes[m.Name]; kind != "" {
		s.recorder.Measure(telemetry.TokenUsage, m.Value, append([]telemetry.Attr{
			telemetry.String(telemetry.GenAIOperationName, "chat"), telemetry.String(telemetry.GenAITokenType, kind),
		}, attrs...)...)
	}
}

// instrument is that of a name: values with their sum, least and greatest, as
// Application Insights keeps them.
func (s *telemetrySink) instrument(name string) *telemetry.Instrument {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.instruments[name]
	if i == nil {
		if len(s.instruments) >= maxInstruments {
			name = "toolgate.metrics.overflow"
		}
		i = &telemetry.Instrument{Name: name}
		s.instruments[name] = i
	}
	return i
}

func (s *telemetrySink) attrs(list []policy.Attr) []telemetry.Attr {
	attrs := make([]telemetry.Attr, 0, len(list)+4)
	for _, a := range list {
		attrs = append(attrs, telemetry.String(a.Name, s.redact(a.Value)))
	}
	return attrs
}

// Event sends a message to the hub of its logger, and to the log where there is none.
func (s *telemetrySink) Event(x *policy.Exchange, e policy.Event) {
	if !s.recorder.Send(e.Logger, telemetry.Event{Body: e.Text, PartitionKey: e.PartitionKey, PartitionID: e.PartitionID}) {
		s.Sink.Event(x, e)
	}
}

package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"toolgate/shared/backend"
	"toolgate/shared/expr"
	"toolgate/shared/openapi"
	"toolgate/shared/policy"
	"toolgate/shared/snapshot"
)

// sender sends requests of policies. It serves policy.Sender.
type sender struct {
	*backend.Sender
	backends backends
}

// toBackend is the request to a backend of the configuration, with its
// credentials.
func (s sender) toBackend(ctx context.Context, d *destination, o *policy.Outgoing) (*http.Response, error) {
	client := d.pick()
	target := *o.URL
	target.Scheme, target.Host = client.URL().Scheme, client.URL().Host // of a pool's member
	target.RawQuery = client.AddQuery(target.RawQuery)
	req := (&http.Request{Method: o.Method, URL: &target, Host: target.Host, Header: endToEnd(o.Header), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}).WithContext(backend.WithHeader(ctx, nil))
	setBody(req, o.Body)
	send := backend.SendOptions{Proxy: o.Proxy}
	if o.Certificate != nil {
		send.Certificate = &o.Certificate.Certificate
	}
	return client.Send(req, send)
}

// Send sends a request and keeps the response's body for the policies.
func (s sender) Send(ctx context.Context, o *policy.Outgoing) (*expr.Response, error) {
	r := backend.Request{
		Method: o.Method, URL: o.URL, Header: o.Header, Body: o.Body, Timeout: o.Timeout, Proxy: o.Proxy,
	}
	if o.Certificate != nil {
		r.Certificate = &o.Certificate.Certificate
	}
	var res *http.Response
	var err error
	if d := s.backends[o.BackendID]; o.BackendID != "" && d != nil {
		if o.Timeout > 0 {
			limited, cancel := context.WithTimeout(ctx, o.Timeout)
			defer cancel()
			ctx = limited
		}
		res, err = s.toBackend(ctx, d, o)
	} else {
		res, err = s.Sender.Send(ctx, r)
	}
	if err != nil {
		e, ok := errors.AsType[*backend.Error](err)
		return nil, &policy.SendError{Timeout: ok && e.Reason == backend.Timeout, Err: err}
	}
	defer res.Body.Close()
	body, more, err := backend.ReadBody(res, policy.MaxBody)
	if more {
		err = policy.ErrBodyTooLarge
	}
	if err != nil {
		return nil, &policy.SendError{Err: err}
	}
	return &expr.Response{StatusCode: res.StatusCode, StatusReason: reason(res), Headers: endToEnd(res.Header), Body: policy.NewBody(body)}, nil
}

// logSink writes what policies report to the log. It serves policy.Sink.
type logSink struct{ log *slog.Logger }

// Trace writes a message of trace.
func (s logSink) Trace(x *policy.Exchange, r policy.TraceRecord) {
	level := map[string]slog.Level{"verbose": slog.LevelDebug, "error": slog.LevelError}[r.Severity]
	s.log.LogAttrs(context.Background(), level, "trace", append([]slog.Attr{
		slog.String("requestId", x.RequestID.String()), slog.String("source", r.Source), slog.String("message", r.Message),
	}, logAttrs(r.Metadata)...)...)
}

// Metric writes a value of a metric.
func (s logSink) Metric(x *policy.Exchange, m policy.Metric) {
	s.log.LogAttrs(context.Background(), slog.LevelInfo, "metric", append([]slog.Attr{
		slog.String("requestId", x.RequestID.String()), slog.String("namespace", m.Namespace), slog.String("name", m.Name), slog.Float64("value", m.Value),
	}, logAttrs(m.Dimensions)...)...)
}

// Event writes a message to a logger.
func (s logSink) Event(x *policy.Exchange, e policy.Event) {
	s.log.LogAttrs(context.Background(), slog.LevelInfo, "event",
		slog.String("requestId", x.RequestID.String()), slog.String("logger", e.Logger),
		slog.String("partition", e.PartitionID+e.PartitionKey), slog.String("text", e.Text))
}

func logAttrs(list []policy.Attr) []slog.Attr {
	attrs := make([]slog.Attr, len(list))
	for i, a := range list {
		attrs[i] = slog.String(a.Name, a.Value)
	}
	return attrs
}

// schemas are the JSON schemas of the configuration. They serve policy.Schemas.
type schemas map[string]policy.JSONSchema

// Schema returns nil when there is none of the id.
func (s schemas) Schema(id string) policy.JSONSchema { return s[id] }

// schema serves policy.JSONSchema.
type schema struct{ *openapi.Schema }

// Violations are what is wrong in a value.
func (s schema) Violations(value []byte) []policy.Violation {
	var list []policy.Violation
	for _, f := range s.Faults(value) {
		list = append(list, policy.Violation{Path: f.Pointer, Keyword: f.Keyword, Message: f.Message})
	}
	return list
}

func newSchemas(s *snapshot.Snapshot) (schemas, error) {
	made := make(schemas, len(s.Schemas))
	var errs []error
	for _, id := range s.Schemas {
		text, err := s.Schema(id)
		if err == nil {
			var compiled *openapi.Schema
			if compiled, err = openapi.CompileSchema(text); err == nil {
				made[id] = schema{compiled}
			}
		}
		errs = append(errs, err)
	}
	return made, errors.Join(errs...)
}

package gateway

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"toolgate/shared/backend"
	"toolgate/shared/config"
	"toolgate/shared/expr"
	"toolgate/shared/mcp"
	"toolgate/shared/policy"
	"toolgate/shared/snapshot"
	"toolgate/shared/telemetry"

	"github.com/go-json-experiment/json/jsontext"
)

// observing is what a gateway with telemetry does with every call. It does not
// change.
type observing struct {
	recorder *telemetry.Recorder
	settings config.Telemetry
	ratios   map[string]float64 // by server or API, where it is not that of all
	headers  map[string]string  // attribute by the name of a header that is written down
	mask     telemetry.Mask
	redact   func(string) string // takes secrets out of a text
}

// newObserving is nil for a gateway without telemetry.
func newObserving(s *snapshot.Snapshot, r *telemetry.Recorder, redact func(string) string) *observing {
	if r == nil {
		return nil
	}
	o := &observing{recorder: r, redact: redact, settings: TelemetryOf(&s.Manifest), ratios: map[string]float64{}}
	for _, server := range o.settings.Sampling.Servers {
		o.ratios[server.Name] = server.Ratio
	}
	d := &o.settings.Diagnostics
	o.mask = telemetry.NewMask(d.Mask.Headers, d.Mask.Properties)
	o.headers = make(map[string]string, len(d.Headers))
	for _, name := range d.Headers {
		o.headers[http.CanonicalHeaderKey(name)] = name
	}
	return o
}

// observation is what a call leaves behind, as it grows.
type observation struct {
	telemetry.Call
	of        *observing
	watcher   watcher // of the requests that belong to the call itself
	requestID expr.Guid
	text      string         // of requestID
	requests  telemetry.Body // of the client
	responses telemetry.Body // to the client
	tools     int            // in a list of tools, if the call was for one
	heard     overheard      // what another server answered
	store     storeUse
}

// watch begins the telemetry of the call, once: with the context that the message
// has, or else the HTTP request. It returns the context for what the call does.
func (x *exchange) watch(ctx context.Context, req *mcp.Request) context.Context {
	o := x.gateway.observing
	if o == nil {
		return ctx
	}
	if x.watched == nil {
		x.beginWatch(o, req)
	}
	return backend.WithObserver(ctx, &x.watched.watcher)
}

func (x *exchange) beginWatch(o *observing, req *mcp.Request) {
	t := &observation{of: o, tools: -1}
	x.watched = t
	b := telemetry.Beginning{Start: x.start, Ratio: o.settings.Sampling.Ratio, FailuresOnly: o.settings.Diagnostics.Verbosity == config.VerbosityError}
	if ratio, ok := o.ratios[x.server]; ok {
		b.Ratio = ratio
	}
	h := x.r.Header
	b.Parent = telemetry.ParseContext(h.Get("Traceparent"), h.Get("Tracestate"), h.Get("Baggage"))
	if !b.Parent.Valid() && o.settings.LegacyCorrelation {
		if c, ok := telemetry.ParseRequestID(h.Get("Request-Id")); ok {
			b.Parent = c
		}
	}
	if req != nil && req.Meta.TraceParent.Present() {
		own := telemetry.ParseContext(req.Text(req.Meta.TraceParent), req.Text(req.Meta.TraceState), req.Text(req.Meta.Baggage))
		if own.Valid() {
			b.Parent, b.Link = own, b.Parent
		}
	}
	o.recorder.Begin(&t.Call, b)
	t.watcher = watcher{tracing: t, span: t.Root()}
	t.requestID = newRequestID(x.gateway.random)
	t.text = t.requestID.String()
	if name := o.settings.RequestIDHeader; name != "" && x.status == 0 {
		x.w.Header()[name] = []string{t.text}
	}
	bodies := &o.settings.Diagnostics.Bodies
	t.requests.Limit, t.responses.Limit = bodies.FrontendRequest, bodies.FrontendResponse
	if bodies.FrontendResponse > 0 {
		x.w = &teeWriter{ResponseWriter: x.w, to: &t.responses}
	}
	if x.plain && bodies.FrontendRequest > 0 && x.r.Body != nil && x.r.Body != http.NoBody {
		x.r.Body = &tee{ReadCloser: x.r.Body, to: &t.requests}
	}
}

// teeWriter keeps what is written to a client. It passes on what it gets when it
// gets it.
type teeWriter struct {
	http.ResponseWriter
	to *telemetry.Body
}

func (w *teeWriter) Write(p []byte) (int, error) {
	_, _ = w.to.Write(p) // never fails
	return w.ResponseWriter.Write(p)
}

// Unwrap serves http.ResponseController.
func (w *teeWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// watchMessage is watch for a message. One of a batch has a span of its own below
// that of the request.
func (x *exchange) watchMessage(ctx context.Context, req *mcp.Request, reply replier) context.Context {
	if x.gateway.observing == nil {
		return ctx
	}
	c, ofBatch := reply.(*collector)
	if !ofBatch {
		ctx = x.watch(ctx, req)
	} else {
		ctx, c.span = inside(x.watch(ctx, nil), telemetry.KindServer, operationName(req))
	}
	if x.watched.requests.Limit > 0 {
		_, _ = x.watched.requests.Write(req.Raw) // never fails
	}
	return ctx
}

// listed notes how many tools a list has, and whether the result of a tool failed.
func (x *exchange) listed(result jsontext.Value) {
	if x.watched == nil {
		return
	}
	if x.req.Method == mcp.MethodCallTool && bytes.Contains(result, isErrorText) {
		x.watched.heard.result(result)
	}
	if !x.watched.Sampled() || x.req.Method != mcp.MethodListTools {
		return
	}
	if span, ok := mcp.Lookup(result, "tools"); ok {
		n := 0
		if mcp.EachElement(result[span.Start:span.End], func(jsontext.Value) error { n++; return nil }) == nil {
			x.watched.tools = n
		}
	}
}

// id is the id of the request, which policies see as context.RequestId.
func (x *exchange) id() expr.Guid {
	if x.gateway.candidate && x.record != nil && x.record.beside != nil {
		return x.record.beside.requestID
	}
	if x.watched != nil {
		return x.watched.requestID
	}
	if x.gateway.audit != nil { // who asks later has to find the same
		if x.requestID == (expr.Guid{}) {
			x.requestID = newRequestID(x.gateway.random)
		}
		return x.requestID
	}
	return newRequestID(x.gateway.random)
}

// spanOf is the span that a context belongs to; nil for none.
func spanOf(ctx context.Context) *watcher {
	w, _ := backend.ObserverOf(ctx).(*watcher)
	return w
}

// inside begins a span below that of the context, and the context for what happens
// in it. Both are as they were where nothing is recorded.
func inside(ctx context.Context, kind telemetry.Kind, name string) (context.Context, *telemetry.Span) {
	w := spanOf(ctx)
	if w == nil {
		return ctx, nil
	}
	s := w.span.Child(kind, name, time.Now())
	if s == nil {
		return ctx, nil
	}
	return backend.WithObserver(ctx, &watcher{tracing: w.tracing, span: s, resend: w.resend}), s
}

// again gives a context the number of attempts before the one that it is for.
func again(ctx context.Context, attempts int) context.Context {
	w := spanOf(ctx)
	if w == nil || attempts == 0 {
		return ctx
	}
	return backend.WithObserver(ctx, &watcher{tracing: w.tracing, span: w.span, resend: attempts})
}

// watchedMember is one of a federation, whose work is a span.
type watchedMember struct {
	mcp.Server
	name string
}

// Serve answers a message.
func (m *watchedMember) Serve(ctx context.Context, req *mcp.Request, reply mcp.Reply) error {
	ctx, s := inside(ctx, telemetry.KindInternal, operationName(req)+" at "+m.name)
	err := m.Server.Serve(ctx, req, reply)
	endSpan(s, err)
	if s.Sampled() {
		s.Set(telemetry.String(telemetry.Server, m.name))
	}
	return err
}

// operationName is the name of a span: the method and, of tools and prompts, which
// one it is. What else a message names has no few values.
func operationName(req *mcp.Request) string {
	switch req.Method {
	case mcp.MethodCallTool, mcp.MethodGetPrompt:
		if name := req.Text(req.Name); name != "" {
			return req.Method + " " + name
		}
	}
	return req.Method
}

// endSpan ends a span with an error; nil is none.
func endSpan(s *telemetry.Span, err error) {
	if s == nil {
		return
	}
	if err != nil {
		s.Fail(errorType(err), "")
	}
	s.End(time.Now())
}

// upstreamTracer serves mcpproxy.Tracer.
type upstreamTracer struct{}

// Begin begins the span of a message to an MCP server.
func (upstreamTracer) Begin(ctx context.Context, req *mcp.Request) (context.Context, func(error)) {
	ctx, s := inside(ctx, telemetry.KindClient, operationName(req))
	if s == nil {
		return ctx, func(error) {}
	}
	return ctx, func(err error) {
		if s.Sampled() || err != nil {
			s.Set(messageAttrs(req)...)
		}
		endSpan(s, err)
	}
}

// Context is what messages carry in their _meta.
func (upstreamTracer) Context(ctx context.Context) (traceparent, tracestate string) {
	w := spanOf(ctx)
	if w == nil {
		return "", ""
	}
	c := w.span.Context()
	return c.Traceparent(), c.State
}

// policySpans makes spans of policies. It serves policy.Tracer.
type policySpans struct{}

// Enter begins the span of a policy.
func (p policySpans) Enter(ctx context.Context, _ *policy.Exchange, e *policy.Element) (context.Context, policy.Tracer, func(*policy.Exchange, error)) {
	ctx, s := inside(ctx, telemetry.KindInternal, e.Name)
	return ctx, p, func(_ *policy.Exchange, err error) {
		if err == policy.Returned || err == policy.Answered { //nolint:errorlint // never wrapped
			err = nil
		}
		s.Set(telemetry.String(telemetry.PolicyID, e.ID), telemetry.String(telemetry.PolicySection, e.Section.String()), telemetry.String(telemetry.PolicyPath, e.Path))
		endSpan(s, err)
	}
}

// Note is for those who show what policies do; a span is enough here.
func (policySpans) Note(policy.Note) {}

// followed gives an exchange spans of its policies, where the diagnostics are verbose.
func (x *exchange) followed(p *policy.Exchange) {
	if t := x.watched; t != nil && p.Tracer == nil && t.of.settings.Diagnostics.Verbosity == config.Verbose {
		p.Tracer = policySpans{}
	}
}

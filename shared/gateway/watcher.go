package gateway

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"toolgate/shared/backend"
	"toolgate/shared/telemetry"
)

// watcher makes a span of each request that is sent with its context. It serves
// backend.Observer.
type watcher struct {
	tracing *observation
	span    *telemetry.Span // under which the spans are
	resend  int             // the attempts before
}

// Sends begins the span of a request and gives the request its context.
func (w *watcher) Sends(req *http.Request) backend.Observation {
	t := w.tracing
	s := &sending{tracing: t, start: time.Now(), resend: w.resend, method: req.Method, scheme: req.URL.Scheme, host: req.URL.Host, path: req.URL.Path}
	if s.method == "" {
		s.method = http.MethodGet
	}
	s.span = w.span.Child(telemetry.KindClient, s.method, s.start)
	context := w.span.Context()
	if s.span != nil {
		context = s.span.Context()
	}
	h := req.Header
	h["Traceparent"] = []string{context.Traceparent()}
	set(h, "Tracestate", context.State)
	set(h, "Baggage", context.Baggage)
	settings := &t.of.settings
	if settings.LegacyCorrelation {
		h["Request-Id"] = []string{context.RequestID()}
	}
	if name := settings.RequestIDHeader; name != "" && h[name] == nil { // a policy may have said another
		h[name] = []string{t.text}
	}
	bodies := &settings.Diagnostics.Bodies
	if len(t.of.headers) == 0 && bodies.BackendRequest <= 0 && bodies.BackendResponse <= 0 {
		return s
	}
	s.written = &written{requestHeader: t.of.written(telemetry.HTTPRequestHeader, h)}
	if bodies.BackendRequest > 0 && req.Body != nil && req.Body != http.NoBody {
		s.written.request.Limit = bodies.BackendRequest
		req.Body = &tee{ReadCloser: req.Body, to: &s.written.request}
	}
	s.written.response.Limit = bodies.BackendResponse
	return s
}

// set sets a header, or takes it away where there is no value.
func set(h http.Header, name, value string) {
	if value == "" {
		delete(h, name)
	} else {
		h[name] = []string{value}
	}
}

// tee keeps what is read of a body. It passes on what it gets when it gets it.
type tee struct {
	io.ReadCloser
	to *telemetry.Body
}

func (t *tee) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	_, _ = t.to.Write(p[:n]) // never fails
	return n, err
}

// sending is a request on its way, and the body of its response.
type sending struct {
	io.ReadCloser // of the response; nil until there is one
	tracing       *observation
	span          *telemetry.Span // nil: the call had ended

	method, scheme, host, path string
	start                      time.Time
	resend, status             int
	major, minor               int8
	ended                      atomic.Bool
	errorType                  string
	size                       int64    // of the response's body, as far as it was read
	written                    *written // nil: nothing is written down
}

// written is what is written down of a request and its response.
type written struct {
	requestHeader, responseHeader []telemetry.Attr
	request, response             telemetry.Body
}

// Ends is told what came of the request. The span lasts until the body was read.
func (s *sending) Ends(res *http.Response, err error) {
	if err != nil {
		s.errorType = errorType(err)
		s.end()
		return
	}
	s.status, s.major, s.minor = res.StatusCode, int8(min(res.ProtoMajor, 9)), int8(min(res.ProtoMinor, 9)) //nolint:gosec // one digit
	if res.StatusCode >= 400 {
		s.errorType = strconv.Itoa(res.StatusCode)
	}
	if s.written != nil {
		s.written.responseHeader = s.tracing.of.written(telemetry.HTTPResponseHeader, res.Header)
	}
	if res.Body == nil || res.Body == http.NoBody {
		s.end()
		return
	}
	s.ReadCloser, res.Body = res.Body, s
}

// Read reads the response's body.
func (s *sending) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	if n > 0 && !s.ended.Load() {
		s.size += int64(n)
		if s.written != nil {
			_, _ = s.written.response.Write(p[:n]) // never fails
		}
	}
	if err != nil {
		if err != io.EOF && !s.ended.Load() {
			s.errorType = errorType(err)
		}
		s.end()
	}
	return n, err
}

// Close closes it. What was not read was not wanted.
func (s *sending) Close() error {
	s.end()
	return s.ReadCloser.Close()
}

func (s *sending) end() {
	if s.ended.Swap(true) {
		return
	}
	now := time.Now()
	if s.errorType != "" {
		s.span.Fail(s.errorType, "")
	}
	if s.span != nil {
		s.span.Describe(s)
	}
	s.span.End(now)
	host, port := s.server()
	s.tracing.of.recorder.Measure(telemetry.HTTPClientDuration, now.Sub(s.start).Seconds(),
		telemetry.String(telemetry.HTTPRequestMethod, s.method), telemetry.String(telemetry.ServerAddress, host), telemetry.Int(telemetry.ServerPort, port),
		telemetry.Int(telemetry.HTTPResponseStatusCode, s.status), telemetry.String(telemetry.ErrorType, s.errorType), telemetry.String(telemetry.URLScheme, s.scheme))
}

// server is where the request went.
func (s *sending) server() (host string, port int) {
	host, text, found := strings.Cut(s.host, ":")
	if strings.HasPrefix(s.host, "[") {
		address, rest, _ := strings.Cut(s.host[1:], "]")
		host, text, found = address, strings.TrimPrefix(rest, ":"), rest != ""
	}
	if n, err := strconv.Atoi(text); found && err == nil {
		return host, n
	}
	if s.scheme == "http" {
		return host, 80
	}
	return host, 443
}

// Describe makes the attributes of the span. The query is left out: it may hold a
// key.
func (s *sending) Describe() []telemetry.Attr {
	host, port := s.server()
	attrs := []telemetry.Attr{
		telemetry.String(telemetry.HTTPRequestMethod, s.method), telemetry.String(telemetry.URLFull, s.scheme+"://"+s.host+s.path),
		telemetry.String(telemetry.ServerAddress, host), telemetry.Int(telemetry.ServerPort, port),
	}
	if s.status != 0 {
		attrs = append(attrs, telemetry.Int(telemetry.HTTPResponseStatusCode, s.status),
			telemetry.String(telemetry.NetworkProtocolVersion, protocolVersion(int(s.major), int(s.minor))), telemetry.Int(telemetry.HTTPResponseBodySize, int(s.size)))
	}
	if s.resend > 0 {
		attrs = append(attrs, telemetry.Int(telemetry.HTTPRequestResendCount, s.resend))
	}
	w := s.written
	if w == nil {
		return attrs
	}
	o := s.tracing.of
	attrs = append(append(attrs, w.requestHeader...), w.responseHeader...)
	return append(attrs, telemetry.String(telemetry.RequestBody, o.body(&w.request)), telemetry.String(telemetry.ResponseBody, o.body(&w.response)))
}

// protocolVersion is a version of HTTP as the conventions write it.
func protocolVersion(major, minor int) string {
	switch {
	case major == 1 && minor == 1:
		return "1.1"
	case major == 1:
		return "1.0"
	}
	return strconv.Itoa(major)
}

// written are the headers that are written down, as attributes.
func (o *observing) written(prefix string, h http.Header) []telemetry.Attr {
	if len(o.headers) == 0 {
		return nil
	}
	var attrs []telemetry.Attr
	for canonical, name := range o.headers {
		if values := h[canonical]; values != nil {
			attrs = append(attrs, telemetry.String(prefix+name, o.redact(o.mask.Header(name, strings.Join(values, ", ")))))
		}
	}
	return attrs
}

// body is what of a body is written down.
func (o *observing) body(b *telemetry.Body) string {
	if text := b.Text(o.mask); text != "" {
		return o.redact(text)
	}
	return ""
}

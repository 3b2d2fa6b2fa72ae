package policytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"toolgate/shared/expr"
	"toolgate/shared/policy"
)

// forward answers the request to the backend.
func (r *run) forward(_ context.Context, x *policy.Exchange) error {
	body, err := policy.Message{Request: x.Request}.Body().Bytes(true)
	if err != nil {
		return policy.BodyError("forward-request", err)
	}
	response, err := r.answer("backend", x.Request.Method, x.Request.URL, x.Certificate, x.Request.Headers, body)
	if sent, ok := errors.AsType[*policy.SendError](err); ok {
		reason := policy.ReasonBackendConnectionFailure
		if sent.Timeout {
			reason = policy.ReasonTimeout
		}
		return policy.NewError("forward-request", reason)
	}
	x.Response = response
	return err
}

// Send serves policy.Sender.
func (r *run) Send(_ context.Context, o *policy.Outgoing) (*expr.Response, error) {
	return r.answer("send", o.Method, o.URL, o.Certificate, o.Header, o.Body)
}

// answer writes a request into the transcript and finds the response to it.
func (r *run) answer(kind, method string, u *url.URL, certificate *policy.Certificate, header http.Header, body []byte) (*expr.Response, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(&r.out, "%s %s %s\n", kind, method, u)
	if certificate != nil {
		fmt.Fprintf(&r.out, "  presents %s\n", certificate.Public.Subject)
	}
	r.message(header, body)
	a := r.next(method, u.String())
	if a == nil {
		return &expr.Response{StatusCode: http.StatusOK, StatusReason: "OK", Headers: http.Header{}, Body: policy.NewBody(nil)}, nil
	}
	switch a.first {
	case "unreachable", "timeout":
		return nil, &policy.SendError{Timeout: a.first == "timeout", Err: errors.New(a.first)}
	}
	status, err := statusOf(a.first)
	if err != nil {
		return nil, err
	}
	scripted := policy.NewBody(a.body)
	if strings.HasPrefix(a.header.Get("Content-Type"), "text/event-stream") {
		scripted = policy.NewStream(io.NopCloser(bytes.NewReader(a.body)), -1)
	}
	return &expr.Response{StatusCode: status, StatusReason: http.StatusText(status), Headers: a.header.Clone(), Body: scripted}, nil
}

// next is the next scripted response for a request, nil when the script has
// none that matches.
func (r *run) next(method, u string) *answer {
	var last *answer
	for _, a := range r.script {
		if a.method != "" && (!matches(a.method, method) || !matches(a.url, u)) {
			continue
		}
		last = a
		if !a.used {
			break
		}
	}
	if last != nil {
		last.used = true
	}
	return last
}

// matches tells whether a text matches a pattern, in which * stands for
// anything.
func matches(pattern, text string) bool {
	first, rest, more := strings.Cut(pattern, "*")
	if !more {
		return pattern == text
	}
	text, ok := strings.CutPrefix(text, first)
	if !ok {
		return false
	}
	for i := range len(text) + 1 {
		if matches(rest, text[i:]) {
			return true
		}
	}
	return false
}

// message writes headers, in order of their names, and a body.
func (r *run) message(header http.Header, body []byte) {
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			fmt.Fprintf(&r.out, "  %s: %s\n", name, value)
		}
	}
	if len(body) == 0 {
		return
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(string(body), "\n"), "\n") {
		fmt.Fprintf(&r.out, "  | %s\n", strings.TrimSuffix(line, "\r"))
	}
}

// Trace, Metric and Event serve policy.Sink.
func (r *run) Trace(_ *policy.Exchange, t policy.TraceRecord) {
	fmt.Fprintf(&r.out, "trace %s %s: %s%s\n", t.Severity, t.Source, t.Message, attrs(t.Metadata))
}

// Metric writes a metric.
func (r *run) Metric(_ *policy.Exchange, m policy.Metric) {
	fmt.Fprintf(&r.out, "metric %s/%s %v%s\n", m.Namespace, m.Name, m.Value, attrs(m.Dimensions))
}

// Event writes an event.
func (r *run) Event(_ *policy.Exchange, e policy.Event) {
	fmt.Fprintf(&r.out, "event %s %s%s: %s\n", e.Logger, e.PartitionID, e.PartitionKey, e.Text)
}

func attrs(list []policy.Attr) string {
	var out strings.Builder
	for _, a := range list {
		fmt.Fprintf(&out, " %s=%s", a.Name, a.Value)
	}
	return out.String()
}

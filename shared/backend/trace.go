package backend

import (
	"context"
	"net/http"
)

// Trace is told of each request as it is sent, with the credentials of its
// destination. What it returns is called with what came of it, before the body is
// read.
type Trace func(req *http.Request) func(res *http.Response, err error)

type traceKey struct{}

// WithTrace makes a context whose requests a trace is told of.
func WithTrace(ctx context.Context, t Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, t)
}

// traced tells the trace of a request's context, if there is one.
func traced(req *http.Request) func(*http.Response, error) {
	if t, ok := req.Context().Value(traceKey{}).(Trace); ok {
		return t(req) //nolint:bodyclose // the response is the caller's of Send
	}
	return nil
}

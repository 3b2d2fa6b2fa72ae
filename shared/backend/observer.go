package backend

import (
	"context"
	"net/http"
)

// Observer is told of the requests that are sent with a context, each redirect
// and each attempt by itself.
type Observer interface {
	// Sends is told of a request right before it is sent, and may set headers. What
	// it returns is told how it ended.
	Sends(req *http.Request) Observation
}

// Observation is told how a request ended that an [Observer] was told of: by a
// response, whose body it may replace by one that reads it, or by an error.
type Observation interface {
	Ends(res *http.Response, err error)
}

// observerKey is the context's key of [WithObserver].
type observerKey struct{}

// WithObserver makes a context whose requests an observer is told of.
func WithObserver(ctx context.Context, o Observer) context.Context {
	return context.WithValue(ctx, observerKey{}, o)
}

// ObserverOf returns the observer that [WithObserver] gave a context; nil for none.
func ObserverOf(ctx context.Context) Observer {
	o, _ := ctx.Value(observerKey{}).(Observer)
	return o
}

// carry sends a request under the eyes of the context's observer.
func carry(rt http.RoundTripper, req *http.Request) (*http.Response, error) {
	o := ObserverOf(req.Context())
	if _, follows := rt.(*redirects); follows || o == nil { // it carries each by itself
		return rt.RoundTrip(req)
	}
	if req.Header == nil {
		req.Header = http.Header{}
	}
	sent := o.Sends(req)
	res, err := rt.RoundTrip(req)
	sent.Ends(res, err)
	return res, err
}

// Package lambda runs an http.Handler as an AWS Lambda function. It is apart from
// package host so that the other hosts do not carry the Lambda runtime.
package lambda

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"toolgate/shared/host"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/go-json-experiment/json/jsontext"
)

// Options are what a host may do besides. The zero value does nothing more.
type Options struct {
	// RuntimeAPI is the host and port of the Runtime API: AWS_LAMBDA_RUNTIME_API.
	RuntimeAPI string
	// Buffered says that the Function URL has the invoke mode BUFFERED. What comes
	// from an HTTP API is answered whole in any case.
	Buffered bool
	// AfterResponse is called after each response and before the process is frozen,
	// with a context of 200 ms; it is called as well before the platform ends the
	// process. Nil is nothing.
	AfterResponse func(context.Context)
	// Ending is called before the platform ends the process, and has 300 ms. Nil is
	// nothing.
	Ending func()
	// Log receives what operators should know; nil discards it.
	Log *slog.Logger
}

const (
	// beforeTimeout is what is left of the time of an invocation when the context of
	// its request ends, so that an answer goes out before the platform ends the call.
	beforeTimeout = 500 * time.Millisecond
	// httpAPI is how long an HTTP API waits for the whole response.
	httpAPI = 29 * time.Second
	// keepAlive is the longest pause in an event stream.
	keepAlive = 30 * time.Second
)

// ReadInvokeMode reads the invoke mode of the Function URL, by its name in the API of
// AWS Lambda; empty is RESPONSE_STREAM.
func ReadInvokeMode(name string) (buffered bool, err error) {
	switch name {
	case "", "RESPONSE_STREAM":
		return false, nil
	case "BUFFERED":
		return true, nil
	}
	return false, fmt.Errorf("the invoke mode is %q: write RESPONSE_STREAM or BUFFERED, as the Function URL has it", name)
}

// Serve serves h as an AWS Lambda function behind a Function URL or an HTTP API. It
// returns only when the runtime ends the process.
func Serve(h http.Handler, o Options) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	f := &function{handler: h, buffered: o.Buffered, log: o.Log}
	f.attend(o)
	lambda.Start(f.invoke)
}

// attend registers the extension by which the process is told of its end, and does
// what is to be done after responses.
func (f *function) attend(o Options) {
	if o.AfterResponse == nil && o.Ending == nil {
		return
	}
	ctx := context.Background()
	e, err := register(ctx, o.RuntimeAPI, o.AfterResponse)
	switch {
	case err == nil && o.AfterResponse != nil:
		f.handler = e.counting(f.handler)
		go e.run(ctx)
	case err == nil:
		go e.run(ctx) // asks once: it waits for nothing
	case o.AfterResponse != nil:
		f.handler = flushing(f.handler, o.AfterResponse)
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM) // comes where there is an extension, 500 ms ahead of SIGKILL
	go func() {
		<-ended
		endWithin(300*time.Millisecond, o.Ending)
		if o.AfterResponse != nil {
			last, cancel := context.WithTimeout(ctx, flushTime/2)
			defer cancel()
			o.AfterResponse(last)
		}
		os.Exit(0)
	}()
}

// endWithin calls ending, which may be nil, and waits no longer than limit.
func endWithin(limit time.Duration, ending func()) {
	if ending == nil {
		return
	}
	done := make(chan struct{})
	go func() { defer close(done); ending() }()
	select {
	case <-done:
	case <-time.After(limit):
	}
}

// function serves invocations. It is safe for concurrent use, as managed instances
// need it.
type function struct {
	handler  http.Handler
	buffered bool
	log      *slog.Logger
}

// invoke serves one invocation.
func (f *function) invoke(ctx context.Context, payload jsontext.Value) (io.Reader, error) {
	e, err := readEvent(payload)
	if err != nil {
		return nil, err
	}
	if e.ofFunctionURL() && !f.buffered {
		return f.stream(ctx, e)
	}
	return f.whole(ctx, e)
}

// serve has the handler answer, and returns with what it panicked.
func (f *function) serve(h http.Handler, w http.ResponseWriter, r *http.Request) (panicked any) {
	defer func() {
		panicked = recover()
		if err, ok := panicked.(error); panicked != nil && (!ok || !errors.Is(err, http.ErrAbortHandler)) {
			f.log.Error("panic while serving", "cause", fmt.Sprint(panicked), "stack", string(debug.Stack()))
		}
	}()
	h.ServeHTTP(w, r)
	return nil
}

// stream answers with the parts of the response as they come.
func (f *function) stream(ctx context.Context, e *event) (io.Reader, error) {
	ctx, cancel := beforeEnd(ctx, 0)
	r, err := e.request(ctx)
	if err != nil {
		cancel()
		return nil, err
	}
	w, body := newStreamed()
	go func() {
		defer cancel()
		w.end(f.serve(host.Wall{KeepAlive: keepAlive}.Before(f.handler), w, r))
	}()
	begun := <-w.begun
	return &events.LambdaFunctionURLStreamingResponse{
		StatusCode: begun.StatusCode, Headers: begun.Headers, Cookies: begun.Cookies, Body: body,
	}, nil
}

// whole answers with the response once it has ended.
func (f *function) whole(ctx context.Context, e *event) (io.Reader, error) {
	limit := httpAPI
	if e.ofFunctionURL() {
		limit = 0
	}
	ctx, cancel := beforeEnd(ctx, limit)
	defer cancel()
	r, err := e.request(ctx)
	if err != nil {
		return nil, err
	}
	w := &buffered{header: http.Header{}}
	if f.serve(f.handler, w, r) != nil {
		w = failed()
	}
	if w.large {
		f.log.Error("a response is not sent", "error", errLarge.Error(), "path", r.URL.Path)
	}
	return whole{bytes.NewReader(w.payload())}, nil
}

// beforeEnd ends a context before the platform ends the invocation, and within limit
// where there is one.
func beforeEnd(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	ends, ok := ctx.Deadline()
	if ok {
		ends = ends.Add(-beforeTimeout)
	}
	if own := time.Now().Add(limit); limit > 0 && (!ok || own.Before(ends)) {
		ends, ok = own, true
	}
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, ends)
}

package lambda

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// extensionsAPI stands in for the platform: each event is an invocation, and a
// request for the next one says that the process may be frozen.
type extensionsAPI struct {
	events chan struct{}
	asked  chan struct{}
}

func (a *extensionsAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/2020-01-01/extension/register":
		if body, _ := io.ReadAll(r.Body); string(body) != `{"events":["INVOKE"]}` || r.Header.Get("Lambda-Extension-Name") == "" {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		w.Header().Set("Lambda-Extension-Identifier", "one")
	case "/2020-01-01/extension/event/next":
		if r.Header.Get("Lambda-Extension-Identifier") != "one" {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		a.asked <- struct{}{}
		select {
		case <-a.events:
		case <-r.Context().Done():
		}
	}
}

// The process may be frozen only after what follows a response was done, and that
// does not begin before the response has ended.
func TestExtension(t *testing.T) {
	api := &extensionsAPI{events: make(chan struct{}), asked: make(chan struct{}, 8)}
	s := httptest.NewServer(api)
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	var flushed atomic.Int32
	e, err := register(ctx, strings.TrimPrefix(s.URL, "http://"), func(ctx context.Context) {
		if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > flushTime {
			t.Errorf("got the deadline %v, want one within %v", deadline, flushTime)
		}
		flushed.Add(1)
	})
	if err != nil {
		t.Fatal(err)
	}
	leave := make(chan struct{})
	h := e.counting(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-leave }))
	ended := make(chan struct{})
	go func() { e.run(ctx); close(ended) }()
	<-api.asked
	for n := range int32(3) {
		api.events <- struct{}{}
		served := make(chan struct{})
		go func() { h.ServeHTTP(nil, nil); close(served) }()
		if got := flushed.Load(); got != n {
			t.Errorf("during call %d: got %d flushes, want %d", n, got, n)
		}
		leave <- struct{}{}
		<-served
		<-api.asked
		if got := flushed.Load(); got != n+1 {
			t.Errorf("after call %d: got %d flushes, want %d", n, got, n+1)
		}
	}
	cancel()
	<-ended
}

func TestExtensionRefused(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	if _, err := register(t.Context(), strings.TrimPrefix(s.URL, "http://"), nil); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("got %v, want what the platform answered", err)
	}
	flushed := false
	h := flushing(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "done") }), func(context.Context) { flushed = true })
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if !flushed || w.Body.String() != "done" {
		t.Errorf("got %v, %q", flushed, w.Body)
	}
}

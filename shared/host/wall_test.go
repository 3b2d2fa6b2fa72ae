package host

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// answered is what a handler in front of a wall answers.
func answered(wall Wall, h http.HandlerFunc) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	wall.Before(h).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
	return w
}

// An answer that is late is told before the platform has one of its own.
func TestWallEndsTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		w := answered(Wall{Answer: time.Minute}, func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			if cause := context.Cause(r.Context()); !errors.Is(cause, context.DeadlineExceeded) {
				t.Errorf("got the cause %v, want that the deadline was exceeded", cause)
			}
			w.WriteHeader(http.StatusGatewayTimeout)
		})
		if took := time.Since(start); took != time.Minute || w.Code != http.StatusGatewayTimeout {
			t.Errorf("got %d after %v", w.Code, took)
		}
	})
}

// A response that has begun may last.
func TestWallLetsResponsesLast(t *testing.T) {
	for name, begin := range map[string]func(http.ResponseWriter){
		"header": func(w http.ResponseWriter) { w.WriteHeader(http.StatusOK) },
		"body":   func(w http.ResponseWriter) { _, _ = io.WriteString(w, "a") },
		"flush":  func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				answered(Wall{Answer: time.Minute}, func(w http.ResponseWriter, r *http.Request) {
					begin(w)
					time.Sleep(time.Hour)
					if err := r.Context().Err(); err != nil {
						t.Errorf("got %v, want that the context goes on", err)
					}
				})
			})
		})
	}
}

// Comments keep a stream alive, and stand between events alone.
func TestWallKeepsStreamsAlive(t *testing.T) {
	wall := Wall{KeepAlive: 30 * time.Second}
	for _, c := range []struct {
		name, contentType, want string
		parts                   []string // written a minute after each other
	}{
		{"events", "text/event-stream", ": keep-alive\n\ndata: 1\n\n: keep-alive\n\ndata: 2\n\n: keep-alive\n\n", []string{"data: 1\n\n", "data: 2\n\n"}},
		{"in the midst of an event", "text/event-stream; charset=utf-8", ": keep-alive\n\ndata: 1\ndata: 2\n\n: keep-alive\n\n", []string{"data: 1\n", "data: 2\n\n"}},
		{"an empty line in two parts", "text/event-stream", ": keep-alive\n\ndata: 1\r\n\r\n: keep-alive\n\n", []string{"data: 1\r\n\r", "\n"}},
		{"carriage returns", "text/event-stream", ": keep-alive\n\na\r\r: keep-alive\n\n", []string{"a\r\r"}},
		{"no stream", "application/json", "{}", []string{"{", "}"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := answered(wall, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", c.contentType)
					w.WriteHeader(http.StatusOK)
					for _, part := range c.parts {
						time.Sleep(45 * time.Second)
						_, _ = io.WriteString(w, part)
					}
					time.Sleep(45 * time.Second)
				})
				time.Sleep(time.Minute) // nothing comes after the end
				if got := w.Body.String(); got != c.want {
					t.Errorf("got %q, want %q", got, c.want)
				}
			})
		})
	}
}

func TestAzureWall(t *testing.T) {
	for _, c := range []struct {
		text string
		want time.Duration
		ok   bool
	}{{"", 220 * time.Second, true}, {"45s", 45 * time.Second, true}, {"45", 0, false}, {"-1s", 0, false}} {
		got, err := AzureWall(func(string) string { return c.text })
		if got.Answer != c.want || (err == nil) != c.ok {
			t.Errorf("%q: got %v, %v", c.text, got.Answer, err)
		}
	}
}

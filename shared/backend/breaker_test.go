package backend

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// transportFunc is a destination without a connection.
type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func respond(req *http.Request, status int, header http.Header) *http.Response {
	return &http.Response{StatusCode: status, Header: header, Body: http.NoBody, Request: req}
}

// outcome is what a destination does with a request: a status with a
// Retry-After, or an error.
type outcome struct {
	status     int
	retryAfter string
	err        error
}

// scripted is a client whose destination does what next says, and a clock.
type scripted struct {
	*Client
	next  outcome
	clock time.Time
	sent  int
}

func script(t *testing.T, b BreakerOptions) *scripted {
	t.Helper()
	s := &scripted{clock: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	s.Client = client(t, Options{
		URL: "https://contoso.com", Breaker: b, Now: func() time.Time { return s.clock },
		Transport: transportFunc(func(req *http.Request) (*http.Response, error) {
			s.sent++
			if s.next.err != nil {
				return nil, s.next.err
			}
			h := http.Header{}
			if s.next.retryAfter != "" {
				h.Set("Retry-After", s.next.retryAfter)
			}
			return respond(req, s.next.status, h), nil
		}),
	})
	return s
}

// do sends a request and says what came of it: a status, or a reason.
func (s *scripted) do(t *testing.T, ctx context.Context, next outcome) (int, Reason) {
	t.Helper()
	s.next = next
	res, err := s.Do((&http.Request{Method: http.MethodGet, URL: s.URL()}).WithContext(ctx))
	if err == nil {
		return res.StatusCode, ""
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("got %v, want an *Error", err)
	}
	return 0, e.Reason
}

var serverErrors = []StatusRange{{429, 429}, {500, 599}}

func TestBreakerTripsAndCloses(t *testing.T) {
	s := script(t, BreakerOptions{Failures: 3, Interval: time.Minute, TripDuration: 30 * time.Second, StatusCodes: serverErrors})
	failed, reset := outcome{status: 503}, outcome{err: errors.New("connection reset")}
	for i, step := range []struct {
		after  time.Duration
		next   outcome
		status int
		reason Reason
		open   bool // afterwards
	}{
		{0, failed, 503, "", false},
		{0, outcome{status: 404}, 404, "", false},
		{30 * time.Second, reset, 0, Unreachable, false},
		{30 * time.Second, outcome{status: 429}, 429, "", false}, // the first is a minute ago
		{29 * time.Second, outcome{status: 200}, 200, "", false},
		{0, failed, 503, "", true},
		{0, outcome{status: 200}, 0, Tripped, true},
		{29 * time.Second, outcome{status: 200}, 0, Tripped, true},
		{time.Second, failed, 503, "", false}, // closed, and counting from the start
		{0, failed, 503, "", false},
		{0, failed, 503, "", true},
	} {
		s.clock = s.clock.Add(step.after)
		status, reason := s.do(t, t.Context(), step.next)
		if open := s.Open(s.clock); status != step.status || reason != step.reason || open != step.open {
			t.Fatalf("step %d: got %d, %q, open %v, want %d, %q, %v", i, status, reason, open, step.status, step.reason, step.open)
		}
	}
	if s.sent != 9 {
		t.Errorf("%d requests reached the destination, want 9", s.sent)
	}
}

func TestBreakerPause(t *testing.T) {
	const trip = 30 * time.Second
	for _, c := range []struct {
		name, retryAfter string
		ignore           bool
		want             time.Duration
	}{
		{"none", "", false, trip},
		{"seconds", "90", false, 90 * time.Second},
		{"shorter", "2", false, 2 * time.Second},
		{"date", "Thu, 01 Jan 2026 00:10:00 GMT", false, 10 * time.Minute},
		{"date that has passed", "Wed, 31 Dec 2025 00:10:00 GMT", false, trip},
		{"zero", "0", false, trip},
		{"no number", "soon", false, trip},
		{"negative", "-5", false, trip},
		{"for ever", "9999999999999999", false, maxRetryAfter},
		{"date for ever", "Fri, 01 Jan 2100 00:00:00 GMT", false, maxRetryAfter},
		{"not accepted", "90", true, trip},
	} {
		s := script(t, BreakerOptions{Failures: 1, Interval: time.Minute, TripDuration: trip, StatusCodes: serverErrors, AcceptRetryAfter: !c.ignore})
		s.do(t, t.Context(), outcome{status: 503, retryAfter: c.retryAfter})
		if !s.Open(s.clock.Add(c.want-1)) || s.Open(s.clock.Add(c.want)) {
			t.Errorf("%s: want it open for %s", c.name, c.want)
		}
	}
}

func TestBreakerCountsTheDestinationOnly(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	past, cancelPast := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancelPast()
	reset := outcome{err: errors.New("connection reset")}
	for _, c := range []struct {
		name   string
		ctx    context.Context
		header http.Header
		want   Reason
		open   bool
	}{
		{"no connection", t.Context(), nil, Unreachable, true},
		{"time-out", past, nil, Timeout, true},
		{"client gone", gone, nil, Cancelled, false},
		{"control character in a header", t.Context(), http.Header{"X-A": {"a\nb"}}, Refused, false},
		{"no name of a header", t.Context(), http.Header{"X A": {"a"}}, Refused, false},
	} {
		s := script(t, BreakerOptions{Failures: 1, Interval: time.Minute, TripDuration: time.Minute})
		s.next = reset
		_, err := s.Do((&http.Request{Method: http.MethodGet, URL: s.URL(), Header: c.header}).WithContext(c.ctx))
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Reason != c.want || s.Open(s.clock) != c.open {
			t.Errorf("%s: got %v, open %v, want %s, %v", c.name, err, s.Open(s.clock), c.want, c.open)
		}
	}
}

// TestBreakerClientBody sends bodies that clients do not send to the end.
func TestBreakerClientBody(t *testing.T) {
	for _, c := range []struct {
		name string
		body func() io.ReadCloser
		want Reason
		open bool
	}{
		{"broken off", func() io.ReadCloser {
			r, w := io.Pipe()
			w.CloseWithError(io.ErrUnexpectedEOF)
			return r
		}, Cancelled, false},
		{"stuck", func() io.ReadCloser {
			r, _ := io.Pipe()
			return r
		}, Timeout, false},
		{"read, and no answer", func() io.ReadCloser { return io.NopCloser(strings.NewReader("x")) }, Timeout, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			k := client(t, Options{
				URL: "https://contoso.com", Timeout: time.Minute,
				Breaker: BreakerOptions{Failures: 1, Interval: time.Hour, TripDuration: time.Hour},
				Transport: transportFunc(func(req *http.Request) (*http.Response, error) {
					read := make(chan error, 1)
					go func() {
						_, err := io.Copy(io.Discard, req.Body)
						if err != nil {
							read <- err
						}
					}()
					select {
					case err := <-read:
						return nil, err
					case <-req.Context().Done():
						req.Body.Close()
						return nil, req.Context().Err()
					}
				}),
			})
			_, err := k.Do((&http.Request{Method: http.MethodPost, URL: k.URL(), Body: c.body(), ContentLength: -1}).WithContext(t.Context()))
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Reason != c.want || k.Open(time.Now()) != c.open {
				t.Errorf("%s: got %v, open %v, want %s, %v", c.name, err, k.Open(time.Now()), c.want, c.open)
			}
		})
	}
}

// TestBreakerBackendBreaksOff has the destination fail while the client sends.
func TestBreakerBackendBreaksOff(t *testing.T) {
	k := client(t, Options{
		URL: "https://contoso.com", Breaker: BreakerOptions{Failures: 1, Interval: time.Hour, TripDuration: time.Hour},
		Transport: transportFunc(func(req *http.Request) (*http.Response, error) {
			req.Body.Close()
			_, _ = req.Body.Read(make([]byte, 1)) // returns io.ErrClosedPipe
			return nil, errors.New("connection reset")
		}),
	})
	body, _ := io.Pipe()
	_, err := k.Do((&http.Request{Method: http.MethodPost, URL: k.URL(), Body: body, ContentLength: -1}).WithContext(t.Context()))
	if e, ok := errors.AsType[*Error](err); !ok || e.Reason != Unreachable || !k.Open(time.Now()) {
		t.Errorf("got %v, open %v, want no connection", err, k.Open(time.Now()))
	}
}

// TestBreakerLateFailure has requests fail that were under way when the breaker
// tripped.
func TestBreakerLateFailure(t *testing.T) {
	s := script(t, BreakerOptions{Failures: 1, Interval: time.Minute, TripDuration: time.Minute})
	s.breaker.fail(nil)
	s.clock = s.clock.Add(59 * time.Second)
	s.breaker.fail(nil)
	if s.Open(s.clock.Add(time.Second)) {
		t.Error("a late failure keeps the breaker open")
	}
}

func TestBreakerOptions(t *testing.T) {
	for _, b := range []BreakerOptions{
		{Failures: -1, Interval: 1, TripDuration: 1}, {Failures: 1, TripDuration: 1}, {Failures: 1, Interval: 1},
	} {
		if _, err := New(Options{URL: "https://contoso.com", Breaker: b}); err == nil {
			t.Errorf("%+v was taken", b)
		}
	}
	if c := client(t, Options{URL: "https://contoso.com"}); c.Open(time.Now()) {
		t.Error("a client without a breaker is open")
	}
}

func TestBreakerConcurrent(t *testing.T) {
	var mu sync.Mutex
	reached := 0
	k := client(t, Options{
		URL:     "https://contoso.com",
		Breaker: BreakerOptions{Failures: 50, Interval: time.Hour, TripDuration: time.Hour, StatusCodes: serverErrors},
		Transport: transportFunc(func(req *http.Request) (*http.Response, error) {
			mu.Lock()
			defer mu.Unlock()
			reached++
			return respond(req, 500, nil), nil
		}),
	})
	const callers = 8
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for range 100 {
				res, err := k.Do((&http.Request{Method: http.MethodGet, URL: k.URL()}).WithContext(t.Context()))
				if err == nil {
					res.Body.Close()
				}
			}
		})
	}
	wg.Wait()
	if reached < 50 || reached > 50+callers || !k.Open(time.Now()) {
		t.Errorf("%d requests reached the destination, want about 50", reached)
	}
}

func TestRefusedRequestClosesItsBody(t *testing.T) {
	s := script(t, BreakerOptions{Failures: 1, Interval: time.Minute, TripDuration: time.Minute})
	s.do(t, t.Context(), outcome{err: errors.New("connection reset")})
	body, sender := io.Pipe()
	_, err := s.Do((&http.Request{Method: http.MethodPost, URL: s.URL(), Body: body}).WithContext(t.Context()))
	e, ok := errors.AsType[*Error](err)
	if want := "The backend is left alone for a while after failures."; !ok || e.Reason != Tripped || e.Public() != want {
		t.Errorf("got %v, want %q", err, want)
	}
	if _, err := sender.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the body is open: %v", err)
	}
}

package host

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Wall is how long a platform waits for a handler before it ends a call by itself
// and with an answer of its own, which no client understands.
type Wall struct {
	// Answer is how long a response may take to begin. The context of the request
	// then ends, by context.DeadlineExceeded, so that the handler says why it has no
	// answer. Zero is no limit.
	Answer time.Duration
	// KeepAlive is the longest pause within an event stream. A comment is sent then,
	// between two events. Zero sends none.
	KeepAlive time.Duration
}

// Before puts the wall in front of a handler.
func (l Wall) Before(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := &walled{ResponseWriter: w, pause: l.KeepAlive}
		if l.Answer > 0 {
			ctx, cancel := context.WithCancelCause(r.Context())
			defer cancel(nil)
			s.wall = time.AfterFunc(l.Answer, func() { cancel(context.DeadlineExceeded) })
			r = r.WithContext(ctx)
		}
		defer s.end()
		h.ServeHTTP(s, r)
	})
}

// walled is a response in front of a wall.
type walled struct {
	http.ResponseWriter
	wall  *time.Timer // nil: there is none
	pause time.Duration

	mu    sync.Mutex
	begun bool
	ended bool
	alive *time.Timer // nil: the response is no event stream
	tail  [4]byte     // what was written last
}

// Unwrap is for http.ResponseController.
func (s *walled) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// WriteHeader serves http.ResponseWriter.
func (s *walled) WriteHeader(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if status >= http.StatusOK {
		s.begin()
	}
	s.ResponseWriter.WriteHeader(status)
}

// Write serves http.ResponseWriter.
func (s *walled) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begin()
	n, err := s.ResponseWriter.Write(p)
	if s.alive != nil {
		s.remember(p[:n])
		s.alive.Reset(s.pause)
	}
	return n, err
}

// FlushError serves http.ResponseController.
func (s *walled) FlushError() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begin()
	return http.NewResponseController(s.ResponseWriter).Flush()
}

// begin takes note that the response begins. The caller holds mu.
func (s *walled) begin() {
	if s.begun {
		return
	}
	s.begun = true
	if s.wall != nil {
		s.wall.Stop()
	}
	if s.pause > 0 && strings.HasPrefix(s.Header().Get("Content-Type"), "text/event-stream") {
		s.tail = [4]byte{'\r', '\n', '\r', '\n'} // nothing is between two events as well
		s.alive = time.AfterFunc(s.pause, s.keepAlive)
	}
}

func (s *walled) remember(p []byte) {
	if len(p) >= len(s.tail) {
		copy(s.tail[:], p[len(p)-len(s.tail):])
		return
	}
	copy(s.tail[:], s.tail[len(p):])
	copy(s.tail[len(s.tail)-len(p):], p)
}

// betweenEvents tells whether an empty line came last.
func (s *walled) betweenEvents() bool {
	last := s.tail[:]
	return bytes.HasSuffix(last, []byte("\n\n")) || bytes.HasSuffix(last, []byte("\r\r")) || bytes.HasSuffix(last, []byte("\r\n\r\n"))
}

// keepAlive sends a comment, unless an event is being written.
func (s *walled) keepAlive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	if s.betweenEvents() {
		if _, err := s.ResponseWriter.Write([]byte(": keep-alive\n\n")); err != nil {
			return // the handler is told with its next event
		}
		err := http.NewResponseController(s.ResponseWriter).Flush()
		if err != nil && !errors.Is(err, http.ErrNotSupported) {
			return
		}
	}
	s.alive.Reset(s.pause)
}

// end is when the handler has returned: nothing may be written any more.
func (s *walled) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	if s.wall != nil {
		s.wall.Stop()
	}
	if s.alive != nil {
		s.alive.Stop()
	}
}

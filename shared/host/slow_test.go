package host

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// patience is how long a test waits for what should take milliseconds.
const patience = 20 * time.Second

// listening starts a server and returns its address.
func listening(t *testing.T, h http.Handler) string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	served, address := make(chan error, 1), make(chan string, 1)
	go func() { served <- Listen(ctx, "127.0.0.1:0", h, func(a net.Addr) { address <- a.String() }) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return <-address
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

// A client that sends its header a piece at a time is not waited for.
func TestSlowHeader(t *testing.T) {
	s := newServer(http.NotFoundHandler())
	if s.ReadHeaderTimeout <= 0 || s.ReadHeaderTimeout > time.Minute || s.IdleTimeout <= 0 || s.IdleTimeout > 5*time.Minute || s.MaxHeaderBytes <= 0 {
		t.Fatalf("a header may take %v, an idle connection %v, a header has %d bytes", s.ReadHeaderTimeout, s.IdleTimeout, s.MaxHeaderBytes)
	}
	s.ReadHeaderTimeout = 50 * time.Millisecond
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	defer func() { _, _ = s.Close(), <-served }()
	c := dial(t, l.Addr().String())
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nX-Slow"); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(c); err != nil || strings.Contains(string(answer), "404") {
		t.Errorf("got %q, %v, want the end of the connection", answer, err)
	}
}

// A header that is too large is refused before it was read.
func TestLargeHeader(t *testing.T) {
	called := false
	c := dial(t, listening(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true })))
	go func() {
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nX-Large: ")
		for range 1 << 10 {
			if _, err := io.WriteString(c, strings.Repeat("a", 1<<10)); err != nil {
				return // the server has had enough
			}
		}
	}()
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "HTTP/1.1 431") || called {
		t.Errorf("got %q, %v; the handler was called: %v", line, err, called)
	}
}

// A client that stops reading does not hold the one who writes.
func TestClientThatStopsReading(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	wrote := make(chan error, 1)
	s := newServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		piece := make([]byte, 1<<20)
		for {
			if _, err := w.Write(piece); err != nil {
				wrote <- err
				return
			}
		}
	}))
	served := make(chan error, 1)
	go func() { served <- s.Serve(bounded{l, 100 * time.Millisecond}) }()
	defer func() { _, _ = s.Close(), <-served }()
	if _, err := io.WriteString(dial(t, l.Addr().String()), "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-wrote:
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v, want that the deadline was exceeded", err)
		}
	case <-time.After(patience):
		t.Error("it is still written")
	}
}

// Requests that two servers could take apart in different ways are refused, and
// what follows them on the connection is not looked at (RFC 9112, section 11.2).
func TestSmuggledRequests(t *testing.T) {
	seen := make(chan string, 8)
	address := listening(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		seen <- r.URL.Path
		w.WriteHeader(http.StatusNoContent)
	}))
	const next = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
	for _, c := range []struct{ name, head, body string }{
		{"two lengths", "Content-Length: 0\r\nContent-Length: 5\r\n", ""},
		{"a list of lengths", "Content-Length: 0, 5\r\n", ""},
		{"a length with a sign", "Content-Length: +0\r\n", ""},
		{"a negative length", "Content-Length: -1\r\n", ""},
		{"another transfer coding", "Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"},
		{"a disguised transfer coding", "Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"},
		{"two transfer codings", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n"},
		{"a space before the colon", "Content-Length : 0\r\n", ""},
		{"a name with a control character", "X\x01: a\r\n", ""},
		{"a value with a control character", "X: a\x00b\r\n", ""},
		{"a bare carriage return", "X: a\rTransfer-Encoding: chunked\r\n", ""},
		{"two hosts", "Host: b\r\n", ""},
	} {
		conn := dial(t, address)
		if _, err := io.WriteString(conn, "POST /first HTTP/1.1\r\nHost: a\r\n"+c.head+"\r\n"+c.body+next); err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(conn) // it may be reset
		if status := strings.SplitN(string(answer)+"  ", " ", 3)[1]; status != "400" && status != "501" {
			t.Errorf("%s: got %q, want a refusal", c.name, answer)
		}
		if n := len(seen); n > 0 {
			t.Errorf("%s: %d requests were served, the first %s", c.name, n, <-seen)
		}
	}
	// With both, the coding counts (section 6.1): the length is not looked at.
	conn := dial(t, address)
	if _, err := io.WriteString(conn, "POST /both HTTP/1.1\r\nHost: a\r\nContent-Length: 999\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if got := <-seen; err != nil || got != "/both" || strings.Count(string(answer), "HTTP/1.1 204") != 1 {
		t.Errorf("with both: got %s, %q, %v", got, answer, err)
	}
}

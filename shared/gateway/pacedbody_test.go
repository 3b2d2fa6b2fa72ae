package gateway

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// A client that trickles its body is given up, wherever it is sent to.
func TestSlowBody(t *testing.T) {
	read := make(chan error, 1)
	messages := &Gateway{maxBody: 1 << 20, bodyTimeout: 100 * time.Millisecond, log: discard}
	for name, h := range map[string]http.HandlerFunc{
		"message": func(w http.ResponseWriter, r *http.Request) {
			x := exchange{gateway: messages, w: w, r: r, start: time.Now()}
			_, err := x.readBody()
			read <- err
		},
		"request to an API": func(w http.ResponseWriter, r *http.Request) {
			x := exchange{gateway: messages, w: w, r: r, start: time.Now()}
			x.pace()
			_, err := io.ReadAll(x.r.Body)
			read <- err
		},
	} {
		s := httptest.NewServer(h)
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		const head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 900000\r\n\r\n{"
		if _, err := io.WriteString(conn, head); err != nil {
			t.Fatal(err)
		}
		stop := make(chan struct{})
		go func() { // a byte now and then
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					_, _ = io.WriteString(conn, " ")
				case <-stop:
					return
				}
			}
		}()
		select {
		case err := <-read:
			if err == nil {
				t.Errorf("%s: the body was read", name)
			}
		case <-time.After(20 * time.Second):
			t.Errorf("%s: it is still waited for", name)
		}
		close(stop)
		_ = conn.Close()
		s.Close()
	}
}

// deadlines is a connection that notes until when it may be read.
type deadlines struct {
	http.ResponseWriter
	set []time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.set = append(d.set, t)
	return nil
}

// The more has come, the longer a body may take, and no deadline stays behind.
func TestPacedBody(t *testing.T) {
	w, start := &deadlines{}, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	x := exchange{gateway: &Gateway{bodyTimeout: time.Second}, w: w, r: httptest.NewRequest(http.MethodPost, "/", strings.NewReader("")), start: start}
	x.r.Body = io.NopCloser(strings.NewReader(strings.Repeat("a", 3*minPace)))
	came := x.r
	x.pace()
	if _, err := io.ReadFull(x.r.Body, make([]byte, 3*minPace)); err != nil {
		t.Fatal(err)
	}
	if n, err := x.r.Body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("got %d, %v", n, err)
	}
	want := []time.Time{start.Add(time.Second), {}, start.Add(4 * time.Second).Truncate(time.Second), {}}
	for i := range w.set { // the rate is whole nanoseconds for a byte
		w.set[i] = w.set[i].Add(time.Millisecond).Truncate(time.Second)
	}
	if !slices.Equal(w.set, want) {
		t.Errorf("got %v, want %v", w.set, want)
	}
	if _, isPaced := came.Body.(*pacedBody); isPaced {
		t.Error("the request of the server was changed")
	}
}

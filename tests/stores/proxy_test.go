package stores_test

import (
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// fault answers a request in the place of the service. It may have the service
// serve it first, which forward does.
type fault func(t testing.TB, w http.ResponseWriter, r *http.Request, forward http.HandlerFunc)

// proxy stands between a store and a server, counts what passes and does what the
// server never would.
type proxy struct {
	address  string // host:port
	requests atomic.Int64
	serving  sync.RWMutex          // each request has it for reading
	fault    atomic.Pointer[fault] // nil for none
}

func newProxy(t testing.TB, server string) *proxy {
	t.Helper()
	p := &proxy{}
	forward := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: server})
	forward.Transport = &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Second} // Azurite closes idle ones after five seconds
	forward.ErrorHandler = func(w http.ResponseWriter, r *http.Request, err error) {
		if r.Context().Err() == nil {
			t.Errorf("forwarding a request: %v", err)
		}
		w.WriteHeader(http.StatusBadGateway)
	}
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.requests.Add(1)
		p.serving.RLock()
		defer p.serving.RUnlock()
		if f := p.fault.Load(); f != nil {
			(*f)(t, w, r, forward.ServeHTTP)
			return
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(listener.Close)
	p.address = listener.Listener.Addr().String()
	return p
}

// settle waits until no request is being served: a store may have given up on one
// that the service has yet to see.
func (p *proxy) settle() {
	p.serving.Lock()
	defer p.serving.Unlock()
}

// counted runs an operation and returns how many requests it made.
func (p *proxy) counted(operation func()) int64 {
	before := p.requests.Load()
	operation()
	return p.requests.Load() - before
}

// answers is a fault that answers without the service. A body that begins with {
// is JSON, as DynamoDB has it.
func answers(status int, retryAfter int, body string) fault {
	return func(_ testing.TB, w http.ResponseWriter, r *http.Request, _ http.HandlerFunc) {
		_, _ = io.Copy(io.Discard, r.Body)
		switch {
		case strings.HasPrefix(body, "{\"odata"):
			w.Header().Set("Content-Type", "application/json")
		case strings.HasPrefix(body, "{"):
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		}
		if retryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// silent never answers; the request does not reach the service.
func silent(_ testing.TB, _ http.ResponseWriter, r *http.Request, _ http.HandlerFunc) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// late never answers; the service has served the request.
func late(_ testing.TB, _ http.ResponseWriter, r *http.Request, forward http.HandlerFunc) {
	served(r, forward)
	<-r.Context().Done()
}

// resetBefore breaks the connection; the request does not reach the service.
func resetBefore(t testing.TB, w http.ResponseWriter, r *http.Request, _ http.HandlerFunc) {
	_, _ = io.Copy(io.Discard, r.Body)
	reset(t, w)
}

// resetAfter breaks the connection; the service has served the request.
func resetAfter(t testing.TB, w http.ResponseWriter, r *http.Request, forward http.HandlerFunc) {
	served(r, forward)
	reset(t, w)
}

// served has the service serve a request, whether or not the store still waits.
func served(r *http.Request, forward http.HandlerFunc) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	forward(answer, r.WithContext(context.WithoutCancel(r.Context())))
	return answer
}

// cutOff breaks the connection in the middle of the answer.
func cutOff(t testing.TB, w http.ResponseWriter, r *http.Request, forward http.HandlerFunc) {
	answer := served(r, forward)
	maps.Copy(w.Header(), answer.Header())
	w.Header().Set("Content-Length", strconv.Itoa(answer.Body.Len()+10))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(answer.Body.Bytes())
	_ = http.NewResponseController(w).Flush()
	reset(t, w)
}

func reset(t testing.TB, w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Errorf("taking over a connection: %v", err)
		return
	}
	_ = conn.(*net.TCPConn).SetLinger(0) // RST in the place of FIN
	_ = conn.Close()
}

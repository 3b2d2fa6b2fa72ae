package host

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAzureTimer(t *testing.T) {
	const invoked = `{"Outputs":{},"Logs":[],"ReturnValue":null}`
	for _, c := range []struct {
		name, method, path, header string
		err                        error
		status                     int
		body                       string
	}{
		{"timer", "POST", "/sweep", "X-Azure-Functions-InvocationId", nil, 200, invoked},
		{"timer that fails", "POST", "/sweep", "X-Azure-Functions-InvocationId", errors.New("hunter2"), 500, invoked},
		{"client", "POST", "/sweep", "x-ms-invocation-id", nil, 418, "next"},
		{"client of a public name", "POST", "/sweep", "X-Forwarded-Host", nil, 418, "next"},
		{"client of an address", "POST", "/sweep", "X-Forwarded-For", nil, 418, "next"},
		{"client of a scheme", "POST", "/sweep", "X-Forwarded-Proto", nil, 418, "next"},
		{"another method", "GET", "/sweep", "Accept", nil, 418, "next"},
		{"another path", "POST", "/sweep/mcp", "Accept", nil, 418, "next"},
		{"the path in other letters", "POST", "/Sweep", "Accept", nil, 418, "next"},
	} {
		fired := 0
		h := AzureTimer("sweep", func(context.Context) error { fired++; return c.err }, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusTeapot)
			_, _ = w.Write([]byte("next"))
		}))
		r := httptest.NewRequest(c.method, c.path, strings.NewReader(`{"Data":{"timer":{}},"Metadata":{}}`))
		r.Header.Set(c.header, "")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if wantFired := c.status != http.StatusTeapot; w.Code != c.status || w.Body.String() != c.body || fired == 1 != wantFired {
			t.Errorf("%s: got %d %s, fired %d times; want %d %s", c.name, w.Code, w.Body, fired, c.status, c.body)
		}
	}
}

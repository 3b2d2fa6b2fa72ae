package lambda

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestOnLambda(t *testing.T) {
	for _, c := range []struct{ remote, want string }{
		{"192.0.2.1", "192.0.2.1:0"},
		{"2001:db8::1", "[2001:db8::1]:0"},
		{"192.0.2.1:443", "192.0.2.1:443"},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.RemoteAddr = c.remote
		onLambda(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.RemoteAddr != c.want {
				t.Errorf("%s: got %s, want %s", c.remote, r.RemoteAddr, c.want)
			}
		})).ServeHTTP(httptest.NewRecorder(), r)
	}
}

// A panic must not end the process, which would fail the next calls too.
func TestPanicIsAnAnswer(t *testing.T) {
	w := httptest.NewRecorder()
	onLambda(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("x") })).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
	if w.Code != http.StatusInternalServerError {
		t.Errorf("got %d, want 500", w.Code)
	}
}

package gateway

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A panic in the middle of a request to an API is answered in the form of APIs.
func TestPanicInAPI(t *testing.T) {
	w := httptest.NewRecorder()
	x := exchange{gateway: &Gateway{log: discard}, w: w, r: httptest.NewRequest(http.MethodGet, "/orders", nil), plain: true}
	func() {
		defer x.recover()
		panic("hunter2")
	}()
	if w.Code != http.StatusInternalServerError || !strings.HasPrefix(w.Body.String(), `{"statusCode":500`) || strings.Contains(w.Body.String(), "hunter2") {
		t.Errorf("got %d %s, want 500 in API Management's form", w.Code, w.Body)
	}
}

package policies

import (
	"fmt"
	"net/http"
	"testing"

	"toolgate/shared/expr"
	"toolgate/shared/policy"
)

// examples knows examples of the operation get of the API orders.
type examples struct{}

func (examples) Example(api, operation string, status int, contentType string, index int) (found string, body []byte, ok bool) {
	if api != "orders" || operation != "get" || status != http.StatusOK || contentType != "" && contentType != "application/json" {
		return "", nil, false
	}
	return "application/json", fmt.Appendf(nil, `{"example":%d}`, index), true
}

func (examples) Described(string, string) *policy.OperationDescription { return nil }

func TestMockResponseExamples(t *testing.T) {
	for _, c := range []struct{ attributes, operation, contentType, body string }{
		{"", "get", "application/json", `{"example":0}`},
		{`index="2"`, "get", "application/json", `{"example":2}`},
		{`content-type="application/json" status-code="200"`, "get", "application/json", `{"example":0}`},
		{`content-type="text/plain"`, "get", "text/plain", ""},
		{`status-code="404"`, "get", "", ""},
		{"", "list", "", ""},
	} {
		p := pipelineOf(t, "<mock-response "+c.attributes+" />", &policy.Services{Operations: examples{}})
		x := callOf(http.MethodGet, nil)
		x.Api, x.Operation = &expr.Api{ID: "orders"}, &expr.Operation{ID: c.operation}
		p.Run(t.Context(), x)
		body, _ := policy.Message{Response: x.Response}.Body().Held()
		if got := x.Response.Headers.Get("Content-Type"); got != c.contentType || string(body) != c.body {
			t.Errorf("%s of %s: got %s %q, want %s %q", c.attributes, c.operation, got, body, c.contentType, c.body)
		}
	}
}

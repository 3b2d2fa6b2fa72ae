package mcpproxy

import (
	"context"
	"testing"

	"toolgate/shared/mcp"
)

// tracer has one context for all messages.
type tracer struct{ parent, state string }

func (tr tracer) Begin(ctx context.Context, _ *mcp.Request) (context.Context, func(error)) {
	return ctx, func(error) {}
}
func (tr tracer) Context(context.Context) (string, string) { return tr.parent, tr.state }

func TestTraced(t *testing.T) {
	for _, c := range []struct{ name, params, want string }{
		{"none", `{"name":"a"}`, `{"name":"a"}`},
		{"empty", `{"name":"a","_meta":{}}`, `{"name":"a","_meta":{"traceparent":"p"}}`},
		{"others", `{"name":"a","_meta":{"x":1}}`, `{"name":"a","_meta":{"traceparent":"p","x":1}}`},
		{"theirs", `{"_meta":{"tracestate":"old","traceparent": "old","x":1},"name":"a"}`, `{"_meta":{"tracestate":"s","traceparent": "p","x":1},"name":"a"}`},
		{"no text", `{"_meta":{"traceparent":{"traceparent":1}},"name":"a"}`, `{"_meta":{"traceparent":"p"},"name":"a"}`},
	} {
		const head, tail = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":`, `}`
		m, err := mcp.Scan([]byte(head+c.params+tail), 0)
		if err != nil {
			t.Fatal(err)
		}
		p := &Proxy{tracer: tracer{"p", "s"}}
		if got := string(p.traced(t.Context(), &mcp.Request{Message: m})); got != head+c.want+tail {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
		for _, p := range []*Proxy{{}, {tracer: tracer{}}} {
			if got := string(p.traced(t.Context(), &mcp.Request{Message: m})); got != head+c.params+tail {
				t.Errorf("%s: got %s, want it as it was", c.name, got)
			}
		}
	}
}

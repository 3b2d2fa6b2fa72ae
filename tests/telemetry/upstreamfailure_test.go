package telemetry_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"toolgate/shared/mcp"
)

// What a server behind the gateway answers as a failure is one for telemetry as well,
// and so is kept; what only looks like one is not.
func TestFailuresOfUpstreams(t *testing.T) {
	for _, c := range []struct {
		name, answer string // RESULT and ERROR are members of the response
		stream       bool
		want         string // error.type; empty: the call is not kept
		code         any
	}{
		{"result", `"result":{"content":[{"type":"text","text":"\"isError\":true"}],"resultType":"complete"}`, false, "", nil},
		{"isError in structured content", `"result":{"content":[],"structuredContent":{"isError":true,"error":{"code":1}},"resultType":"complete"}`, false, "", nil},
		{"isError", `"result":{"content":[],"isError":true,"resultType":"complete"}`, false, "tool_error", nil},
		{"isError in an event", `"result":{"content":[],"isError" : true,"resultType":"complete"}`, true, "tool_error", nil},
		{"error", `"error":{"code":-32000,"message":"no"}`, false, "-32000", "-32000"},
		{"error in an event", `"error":{"code":-32000,"message":"no"}`, true, "-32000", "-32000"},
	} {
		for _, policies := range []bool{false, true} {
			collector := newReceiver(t)
			upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				m, err := mcp.Scan(body, 0)
				if err != nil {
					t.Error(err)
				}
				answer := `{"jsonrpc":"2.0","id":` + string(m.Bytes(m.ID)) + `,` + c.answer + `}`
				w.Header().Set("Content-Type", "application/json")
				if c.stream {
					w.Header().Set("Content-Type", "text/event-stream")
					answer = `data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":{"isError":true}}}` + "\n\ndata: " + answer + "\n\n"
				}
				_, _ = io.WriteString(w, answer)
			}))
			backend, _ := pets(t)
			f := notesGateway(collector.URL, upstream.URL, backend, "  sampling: { ratio: 0 }\n")
			if policies {
				f["notes.xml"] = `<policies><inbound /><backend><forward-request /></backend><outbound><set-header name="X-A" exists-action="override"><value>@(context.Response.Body.As<string>(preserveContent: true).Length.ToString())</value></set-header></outbound><on-error /></policies>`
				f["gateway.yaml"] = strings.Replace(f["gateway.yaml"], "notes: { upstream", "notes: { policy: notes.xml, upstream", 1)
			}
			g := start(t, f, -1)
			g.call(t, "notes", callTool("note", `{}`, ""))
			g.flush(t)
			upstream.Close()
			collector.check(t)
			spans := collector.all()
			if c.want == "" {
				if len(spans) != 0 {
					t.Errorf("%s, policies %v: got %v, want nothing kept", c.name, policies, spans)
				}
				continue
			}
			found := false
			for _, s := range spans {
				if s.Kind == 2 {
					found = true
					wantAttributes(t, s, map[string]any{"error.type": c.want, "rpc.response.status_code": c.code})
				}
			}
			if !found {
				t.Errorf("%s, policies %v: got %v, want the call", c.name, policies, spans)
			}
		}
	}
}

package governance_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"toolgate/shared/gateway"
	"toolgate/shared/mcp"
	"toolgate/shared/services"
	"toolgate/tests/internal/folder"

	"github.com/go-json-experiment/json/jsontext"
)

// patience is how long a peer waits for what only comes when nothing on the way
// holds it back.
const patience = 5 * time.Second

// await waits for a signal and reports whether it came.
func await(ctx context.Context, signal <-chan struct{}) bool {
	select {
	case <-signal:
		return true
	case <-time.After(patience):
	case <-ctx.Done():
	}
	return false
}

// legacyServer is an MCP server of the legacy era that logs, and answers calls of its
// tools by a stream of events, which call writes.
func legacyServer(t *testing.T, call func(w http.ResponseWriter, r *http.Request, id jsontext.Value)) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		m, err := mcp.Scan(body, 0)
		switch {
		case err != nil || m.Method == mcp.MethodDiscover:
			w.Header().Set("Content-Type", mcp.ContentJSON)
			_, _ = w.Write(mcp.AppendError(nil, m.Bytes(m.ID), mcp.MethodNotFound(m.Method)))
		case m.Method == mcp.MethodInitialize:
			w.Header().Set("Content-Type", mcp.ContentJSON)
			_, _ = w.Write(mcp.AppendResult(nil, m.Bytes(m.ID), []byte(`{"protocolVersion":"2025-11-25","capabilities":{"tools":{},"logging":{}},"serverInfo":{"name":"legacy","version":"1"}}`)))
		case m.Method == mcp.MethodCallTool:
			w.Header().Set("Content-Type", mcp.ContentSSE)
			call(w, r, m.Bytes(m.ID))
		default:
			w.WriteHeader(http.StatusAccepted)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// notifying is an MCP server of the legacy era whose tool sends a notification,
// waits until its client has it, and then sends the result.
func notifying(t *testing.T, received <-chan struct{}) string {
	t.Helper()
	return legacyServer(t, func(w http.ResponseWriter, r *http.Request, id jsontext.Value) {
		_, _ = w.Write(mcp.AppendEvent(nil, "", []byte(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":1}}`)))
		_ = http.NewResponseController(w).Flush()
		if !await(r.Context(), received) {
			t.Error("the notification was held back until the result was there")
		}
		_, _ = w.Write(mcp.AppendEvent(nil, "", mcp.AppendResult(nil, id, []byte(`{"content":[{"type":"text","text":"a secret"}]}`))))
	})
}

// governedUpstream is a folder of one MCP server with policies in outbound.
func governedUpstream(t *testing.T, url, outbound string) string {
	t.Helper()
	return folder.Write(t, map[string]string{
		"gateway.yaml": "name: contoso\nservers:\n  slow: { upstream: { url: \"" + url + "\" }, policy: policy.xml }\n",
		"policy.xml":   "<policies><inbound><base /></inbound><backend><base /></backend><outbound><base />" + outbound + "</outbound></policies>",
	})
}

// Notifications of an MCP server arrive as they are sent, although policies read
// the result that follows them.
func TestNotificationsAreNotHeldBack(t *testing.T) {
	for _, c := range []struct{ name, outbound, want string }{
		{"nothing looks", ``, "a secret"},
		{"a header", `<set-header name="Seen"><value>yes</value></set-header>`, "a secret"},
		{"outbound reads", `<find-and-replace from="secret" to="******" />`, "a ******"},
		{"an expression reads", `<set-body>@(context.Response.Body.As<string>().Replace("secret", "message"))</set-body>`, "a message"},
	} {
		t.Run(c.name, func(t *testing.T) {
			received := make(chan struct{})
			dir := governedUpstream(t, notifying(t, received), c.outbound)
			base := folder.Serve(t, dir, nil, gateway.Options{Services: services.New(services.Options{})})
			res := postMessage(t, base+"/slow/mcp", `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"any","arguments":{},"_meta":{"progressToken":"p"}}}`)
			if got := res.Header.Get("Content-Type"); res.StatusCode != http.StatusOK || !strings.HasPrefix(got, mcp.ContentSSE) {
				t.Fatalf("got %d %s", res.StatusCode, got)
			}
			events := mcp.NewEventReader(res.Body, 1<<20)
			first, err := events.Next()
			if err != nil || !strings.Contains(string(first.Data), "notifications/progress") {
				t.Fatalf("got %s, %v as the first event", first.Data, err)
			}
			close(received)
			second, err := events.Next()
			if err != nil || !strings.Contains(string(second.Data), c.want) || !strings.Contains(string(second.Data), `"id":7`) {
				t.Errorf("got %s, %v as the result, want %q in it", second.Data, err, c.want)
			}
			if _, err := events.Next(); err != io.EOF {
				t.Errorf("got %v after the result, want the end", err)
			}
		})
	}
}

func postMessage(t *testing.T, url, body string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{
		"Content-Type": {mcp.ContentJSON}, "Accept": {mcp.ContentJSON + ", " + mcp.ContentSSE}, mcp.HeaderProtocolVersion: {"2025-11-25"},
	}
	return do(t, req)
}

func do(t *testing.T, req *http.Request) *http.Response {
	t.Helper()
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// The bodies of a plain HTTP API pass in pieces: the backend has the first line
// before the client sends the second, and the client the first event before the
// backend sends the next.
func TestBodiesAreStreamed(t *testing.T) {
	arrived, received := make(chan struct{}), make(chan struct{})
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lines := bufio.NewScanner(r.Body)
		if !lines.Scan() || lines.Text() != "one" {
			t.Errorf("got %q first, %v", lines.Text(), lines.Err())
		}
		close(arrived)
		if !lines.Scan() || lines.Text() != "two" {
			t.Errorf("got %q second, %v", lines.Text(), lines.Err())
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: three\n\n")
		_ = http.NewResponseController(w).Flush()
		if !await(r.Context(), received) {
			t.Error("the first event was held back until the second was there")
		}
		_, _ = io.WriteString(w, "data: four\n\n")
	}))
	t.Cleanup(backend.Close)
	dir := folder.Write(t, map[string]string{
		"gateway.yaml": "name: contoso\nbackends: { slow: { url: \"" + backend.URL + "\" } }\n" +
			"apis:\n  slow: { path: slow, backend: slow, operations: { post: { method: POST, urlTemplate: / } }, policy: policy.xml }\n",
		"policy.xml": `<policies><inbound><set-header name="A"><value>b</value></set-header></inbound><backend><forward-request buffer-response="false" /></backend>` +
			`<outbound><set-header name="Operation"><value>@(context.Operation.Id)</value></set-header></outbound></policies>`,
	})
	base := folder.Serve(t, dir, nil, gateway.Options{Services: services.New(services.Options{})})
	body, send := io.Pipe()
	go func() {
		defer send.Close()
		_, _ = io.WriteString(send, "one\n")
		if !await(t.Context(), arrived) {
			t.Error("the first line was held back until the second was there")
		}
		_, _ = io.WriteString(send, "two\n")
	}()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/slow", body)
	if err != nil {
		t.Fatal(err)
	}
	res := do(t, req)
	if got := res.Header.Get("Operation"); res.StatusCode != http.StatusOK || got != "post" {
		t.Fatalf("got %d, operation %q", res.StatusCode, got)
	}
	events := mcp.NewEventReader(res.Body, 1<<20)
	if e, err := events.Next(); err != nil || string(e.Data) != "three" {
		t.Errorf("got %q, %v, want three", e.Data, err)
	}
	close(received)
	if e, err := events.Next(); err != nil || string(e.Data) != "four" {
		t.Errorf("got %q, %v, want four", e.Data, err)
	}
}

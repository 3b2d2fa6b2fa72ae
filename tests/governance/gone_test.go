package governance_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"toolgate/shared/gateway"
	"toolgate/shared/services"
	"toolgate/tests/internal/folder"

	"github.com/go-json-experiment/json/jsontext"
)

const slowFolder = `
name: contoso
namedValues: { backend: { env: BACKEND }, desk: { env: DESK } }
backends: { slow: { url: "{{backend}}" } }
apis:
  plain: { openapi: slow.yaml, backend: slow, path: plain }
  handled: { openapi: slow.yaml, backend: slow, path: handled, policy: handled.xml }
  retried: { openapi: slow.yaml, backend: slow, path: retried, policy: retried.xml }
  computed: { openapi: slow.yaml, backend: slow, path: computed, policy: computed.xml }
servers:
  bare: { api: plain }
  governed: { api: plain, policy: handled.xml }
  waiting: { api: plain, policy: retried.xml }
  computing: { api: plain, policy: computed.xml }
  desk: { upstream: { url: "{{desk}}" } }
  governed-desk: { upstream: { url: "{{desk}}" }, policy: handled.xml }
  silent: { upstream: { url: "{{backend}}/mcp" } }
  governed-silent: { upstream: { url: "{{backend}}/mcp" }, policy: handled.xml }
`

const slowDocument = `
openapi: 3.1.0
info: { title: Slow, version: "1" }
paths: { /: { get: { operationId: call, responses: { "200": { description: Late. } } } } }
`

// slowGateway is a gateway whose backends do not answer. Its calls come as they end.
func slowGateway(t *testing.T) (http.Handler, <-chan gateway.Call) {
	t.Helper()
	policy := func(inbound string) string {
		const header = `<set-header name="Seen"><value>yes</value></set-header>`
		return "<policies><inbound>" + inbound + "</inbound><backend><base /></backend><outbound>" + header + "</outbound><on-error>" + header + "</on-error></policies>"
	}
	dir := folder.Write(t, map[string]string{
		"gateway.yaml": slowFolder,
		"slow.yaml":    slowDocument,
		"handled.xml":  policy(""),
		"retried.xml":  policy(`<retry condition="@(true)" count="1" interval="60"><set-variable name="tried" value="@(true)" /></retry>`),
		"computed.xml": policy(`<cache-value key="one" variable-name="one"><value>
<send-request response-variable-name="r"><set-url>{{backend}}</set-url></send-request><set-variable name="one" value="1" /></value></cache-value>`),
	})
	backend := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else the server does not hear that its client has gone
		<-r.Context().Done()
	}))
	t.Cleanup(backend.Close)
	desk := legacyServer(t, func(_ http.ResponseWriter, r *http.Request, _ jsontext.Value) { <-r.Context().Done() })
	calls := make(chan gateway.Call, 2)
	return folder.Open(t, dir, map[string]string{"BACKEND": backend.URL, "DESK": desk}, gateway.Options{
		Services: services.New(services.Options{}),
		Observe:  func(c gateway.Call) { calls <- c },
	}), calls
}

// slowCall is a request that slowGateway has to wait for.
func slowCall(ctx context.Context, path string) *http.Request {
	method, body := http.MethodGet, ""
	if strings.HasSuffix(path, "/mcp") {
		method, body = http.MethodPost, `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"call","arguments":{}}}`
	}
	r := httptest.NewRequestWithContext(ctx, method, "http://127.0.0.1/"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	return r
}

// A client that goes while its call waits makes no fault of the gateway: the log says
// that it went. Two at a time, since calls wait for each other, too.
func TestClientGoes(t *testing.T) {
	h, calls := slowGateway(t)
	for _, path := range []string{
		"plain", "handled", "retried", "computed", "bare/mcp", "governed/mcp", "waiting/mcp", "computing/mcp",
		"desk/mcp", "governed-desk/mcp", "silent/mcp", "governed-silent/mcp",
	} {
		t.Run(path, func(t *testing.T) {
			ctx, goes := context.WithCancel(t.Context())
			time.AfterFunc(200*time.Millisecond, goes)
			var both sync.WaitGroup
			for range 2 {
				both.Go(func() { h.ServeHTTP(httptest.NewRecorder(), slowCall(ctx, path)) })
			}
			both.Wait()
			for range 2 {
				c := <-calls
				gone := c.Status == 499 || c.Status == http.StatusOK && c.Failed // the result of a tool says it
				if !gone || c.Err == nil || !strings.Contains(c.Err.Error(), "context canceled") {
					t.Errorf("the log has status %d, error %v", c.Status, c.Err)
				}
			}
		})
	}
}

// A client whose call the platform would end soon is told so.
func TestCallIsLate(t *testing.T) {
	h, calls := slowGateway(t)
	for path, want := range map[string]string{
		"plain":               `500 {"statusCode":500,"message":"Internal server error",`,
		"retried":             `500 {"statusCode":500,"message":"The gateway has no answer in the time that its platform gives a call."`,
		"computed":            `500 {"statusCode":500,"message":"The gateway has no answer in the time that its platform gives a call."`,
		"bare/mcp":            `200 {"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"The backend did not answer in time."}],"isError":true`,
		"waiting/mcp":         `500 {"statusCode":500,"message":"The gateway has no answer in the time that its platform gives a call."`,
		"silent/mcp":          `200 {"jsonrpc":"2.0","id":7,"error":{"code":-32603,"message":"The gateway has no answer in the time that its platform gives a call.`,
		"governed-silent/mcp": `200 {"jsonrpc":"2.0","id":7,"error":{"code":-32603,"message":"The MCP server behind this gateway did not answer in time."}`,
	} {
		t.Run(path, func(t *testing.T) {
			ctx, end := context.WithCancelCause(t.Context())
			time.AfterFunc(200*time.Millisecond, func() { end(context.DeadlineExceeded) })
			w := httptest.NewRecorder()
			h.ServeHTTP(w, slowCall(ctx, path))
			if got := fmt.Sprintf("%d %s", w.Code, w.Body); !strings.HasPrefix(got, want) {
				t.Errorf("got %s, want %s", got, want)
			}
			if c := <-calls; c.Err == nil || c.Status != w.Code {
				t.Errorf("the log has status %d, error %v, and the client got %d", c.Status, c.Err, w.Code)
			}
		})
	}
}

// What an MCP server failed with is in the log, although policies saw its error as a
// response.
func TestGovernedServerFails(t *testing.T) {
	url := legacyServer(t, func(w http.ResponseWriter, _ *http.Request, _ jsontext.Value) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `{"jsonrpc"`)
	})
	calls := make(chan gateway.Call, 1)
	base := folder.Serve(t, governedUpstream(t, url, `<set-header name="Seen"><value>yes</value></set-header>`), nil, gateway.Options{
		Services: services.New(services.Options{}),
		Observe:  func(c gateway.Call) { calls <- c },
	})
	res := postMessage(t, base+"/slow/mcp", `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"any","arguments":{}}}`)
	if res.StatusCode != http.StatusOK || res.Header.Get("Seen") != "yes" {
		t.Errorf("got %d %v", res.StatusCode, res.Header)
	}
	if c := <-calls; c.Err == nil || !strings.Contains(c.Err.Error(), "broke off its answer") {
		t.Errorf("the log has status %d, error %v", c.Status, c.Err)
	}
}

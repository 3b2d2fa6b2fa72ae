package interop_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"toolgate/shared/gateway"
	"toolgate/shared/policy"
	"toolgate/shared/state"
	"toolgate/tests/internal/folder"
	"toolgate/tests/peer"
)

// sseClients are the clients of HTTP+SSE, the transport of 2024-11-05. Some speak
// later revisions over it.
var sseClients = []client{
	{"go-sdk 2024-11-05", true, goSSE("2024-11-05", &http.Client{})},
	{"go-sdk 2025-11-25", true, goSSE("2025-11-25", &http.Client{})},
	{"TypeScript v1", true, script("client-v1.mjs", "sse")},
}

// goSSE is go-sdk's client of HTTP+SSE.
func goSSE(version string, c *http.Client) func(*testing.T, string, plan) []answer {
	return func(t *testing.T, url string, p plan) []answer {
		t.Helper()
		return carryOut(t, &mcp.SSEClientTransport{Endpoint: url, HTTPClient: c}, version, p)
	}
}

// key is a subscription key, which one subscription has.
const key = "0123456789abcdef"

type oneSubscription struct{}

func (oneSubscription) Find(_ context.Context, k string) (*policy.Subscription, error) {
	if k != key {
		return nil, policy.ErrSubscriptionKey
	}
	return &policy.Subscription{ID: "agents", Scope: policy.SubscriptionScope{Kind: policy.AllScope}}, nil
}

// sseGateway serves servers with clients of HTTP+SSE from this many instances and
// returns the URL of a proxy that gives each request to the next one.
func sseGateway(t *testing.T, instances int, store state.Store) string {
	t.Helper()
	document, err := os.ReadFile(filepath.Join("testdata", "orders.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	dir := folder.Write(t, map[string]string{
		"orders.yaml": string(document),
		// Outbound looks at answers, and so they take another way than without.
		"looking.xml": `<policies>
  <inbound><base /></inbound><backend><base /></backend>
  <outbound><base /><set-header name="X-Seen" exists-action="override"><value>@(context.Response.Body.As<string>(preserveContent: true).Length.ToString())</value></set-header></outbound>
  <on-error><base /></on-error>
</policies>`,
		"deleting.xml": `<policies>
  <inbound><base /><choose><when condition='@(context.Mcp?.ToolName == "getLabel")'><return-response><set-status code="401" reason="Unauthorized" /><set-body>not you</set-body></return-response></when></choose></inbound>
  <backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error>
</policies>`,
		"gateway.yaml": fmt.Sprintf(`name: contoso
backends:
  orders: { url: %q }
apis:
  orders: { openapi: orders.yaml, backend: orders }
servers:
  orders: { api: orders, legacySSE: true, outputSchema: none }
  looked: { api: orders, legacySSE: true, policy: looking.xml }
  guarded: { api: orders, legacySSE: true, policy: deleting.xml }
  keyed: { api: orders, legacySSE: true, subscriptionRequired: true }
  stateful: { upstream: { url: %q }, legacySSE: true }
  lookedstate: { upstream: { url: %[2]q }, legacySSE: true, policy: looking.xml }
  modern: { upstream: { url: %[3]q }, legacySSE: true }
  plain: { api: orders }
`, orders(t).URL+"/v1", peer.EverythingServer(t, false), peer.EverythingServer(t, true)),
	})
	secret := []byte(strings.Repeat("s", 32))
	proxies := make([]http.Handler, instances)
	for i := range proxies {
		base, err := url.Parse(folder.Serve(t, dir, nil, gateway.Options{SealingSecret: secret, Streams: store, Subscriptions: oneSubscription{}}))
		if err != nil {
			t.Fatal(err)
		}
		proxies[i] = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(base) }, FlushInterval: -1}
	}
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proxies[n.Add(1)%int64(instances)].ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.URL
}

// ssePlans are what clients do with the servers of sseGateway.
var ssePlans = map[string]plan{
	"orders": {
		{Method: "tools/list", want: `{"result":{"tools":{"getOrder":{"title":"Get an order"},"getLabel":{}}}}`},
		{
			Method: "tools/call", Params: []byte(`{"name":"getOrder","arguments":{"orderId":"7","Accept-Currency":"EUR"}}`),
			want: `{"result":{"content":[{"type":"text","text":"{\"id\":9007199254740993,\"customer\":\"/v1/orders/7?\",\"lines\":[{\"article\":\"EUR\",\"amount\":1.50}]}"}]}}`,
		},
		{Method: "tools/call", Params: []byte(`{"name":"getOrder","arguments":{"orderId":"404"}}`), want: `{"result":{"isError":true,"content":[{"type":"text"}]}}`},
		{Method: "tools/call", Params: []byte(`{"name":"deleteOrder","arguments":{}}`), want: `{"error":{"code":-32602}}`},
	},
	"stateful": append(plan{
		{
			Method: "tools/call", Params: []byte(`{"name":"test_tool_with_progress","arguments":{}}`), Progress: true,
			want: `{"result":{"content":[{"type":"text"}]},"progress":[{"progress":0},{"progress":50},{"progress":100}]}`,
		},
		{Method: "resources/read", Params: []byte(`{"uri":"test://static-text"}`), want: `{"result":{"contents":[{"text":"This is the content of the static text resource."}]}}`},
	}, asking...),
	"modern": {
		{Method: "tools/call", Params: []byte(`{"name":"test_simple_text","arguments":{}}`), want: `{"result":{"content":[{"type":"text"}]}}`},
	},
}

// TestLegacySSE tries clients of HTTP+SSE with one instance, and with two whose
// streams and messages meet at random.
func TestLegacySSE(t *testing.T) {
	for _, instances := range []int{1, 2} {
		var store state.Store
		if instances > 1 {
			store = &state.Memory{}
		}
		base := sseGateway(t, instances, store)
		for server, p := range map[string]plan{
			"orders": ssePlans["orders"], "looked": ssePlans["orders"], "stateful": ssePlans["stateful"], "lookedstate": ssePlans["stateful"], "modern": ssePlans["modern"],
		} {
			t.Run(fmt.Sprintf("%d %s", instances, server), func(t *testing.T) {
				try(t, sseClients, base+"/"+server+"/sse", p)
			})
		}
	}
}

// A policy that reads an event stream leaves one message of it, which is JSON.
func TestStreamThatPoliciesRead(t *testing.T) {
	try(t, []client{{"go-sdk 2025-11-25", true, goSDK("2025-11-25")}}, sseGateway(t, 1, nil)+"/lookedstate/mcp", ssePlans["stateful"])
}

// withKey sends a subscription key.
type withKey struct{}

func (withKey) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Ocp-Apim-Subscription-Key", key)
	return http.DefaultTransport.RoundTrip(r)
}

func TestLegacySSEIsGoverned(t *testing.T) {
	base := sseGateway(t, 2, &state.Memory{})
	t.Run("with a key", func(t *testing.T) {
		ssePlans["orders"].judge(t, true, goSSE("2024-11-05", &http.Client{Transport: withKey{}})(t, base+"/keyed/sse", ssePlans["orders"]))
	})
	t.Run("a policy refuses a tool", func(t *testing.T) {
		p := plan{
			{Method: "tools/list", want: `{"result":{"tools":{"getLabel":{}}}}`},
			{Method: "tools/call", Params: []byte(`{"name":"getLabel","arguments":{"orderId":"7"}}`), want: `{"error":{}}`},
		}
		answers := goSSE("2024-11-05", &http.Client{})(t, base+"/guarded/sse", p)
		p.judge(t, true, answers)
		if got := string(answers[1].Error); !strings.Contains(got, "Unauthorized") {
			t.Errorf("got %s, want that of status 401", got)
		}
	})
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{http.MethodGet, "/keyed/sse", http.StatusUnauthorized},
		{http.MethodPost, "/keyed/messages?sessionId=x", http.StatusUnauthorized},
		{http.MethodGet, "/plain/sse", http.StatusNotFound},
		{http.MethodPost, "/plain/messages?sessionId=x", http.StatusNotFound},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, base+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != c.status {
			t.Errorf("%s %s: got %d %s, want %d", c.method, c.path, res.StatusCode, body, c.status)
		}
	}
}

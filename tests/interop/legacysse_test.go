package interop_test

import (
	"bufio"
	"context"
	"errors"
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
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"toolgate/shared/gateway"
	"toolgate/shared/policy"
	"toolgate/shared/state"
	"toolgate/tests/hosts"
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

// sseFolder makes a folder with servers that take clients of HTTP+SSE, and one that
// does not.
func sseFolder(t *testing.T) string {
	t.Helper()
	return ordersFolder(t, fmt.Sprintf(`name: contoso
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
`, orders(t).URL+"/v1", peer.EverythingServer(t, false), peer.EverythingServer(t, true)))
}

// ordersFolder makes a folder with a gateway.yaml, the document of the orders API and
// policies for servers.
func ordersFolder(t *testing.T, yaml string) string {
	t.Helper()
	document, err := os.ReadFile(filepath.Join("testdata", "orders.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return folder.Write(t, map[string]string{
		"gateway.yaml": yaml, "orders.yaml": string(document),
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
	})
}

// sseGateway is a gateway with the servers of sseFolder.
type sseGateway struct {
	url string
	key string // of a subscription
}

// sseLocal serves from this many instances in this process.
func sseLocal(t *testing.T, instances int, store state.Store) sseGateway {
	t.Helper()
	dir, secret := sseFolder(t), []byte(strings.Repeat("s", 32))
	urls := make([]string, instances)
	for i := range urls {
		urls[i] = folder.Serve(t, dir, nil, gateway.Options{SealingSecret: secret, Streams: store, Subscriptions: oneSubscription{}})
	}
	return sseGateway{url: inTurn(t, urls), key: key}
}

// ssePlatform serves on a platform, from instances that share its store: two apps in
// front of which requests are given out in turn, as the platform does over instances,
// or a function, of which an instance serves one request at a time and so never both a
// stream and its messages.
func ssePlatform(t *testing.T, platform string) sseGateway {
	t.Helper()
	dir, store := sseFolder(t), hosts.Store(t, platform)
	made := sseGateway{key: newKey(t, dir, store)}
	urls := make([]string, 1)
	if platform == hosts.Azure {
		urls = make([]string, 2)
	}
	for i := range urls {
		urls[i] = hosts.StartWith(t, hosts.ServeOptions{
			Platform: platform, Configuration: dir, Env: []string{"TOOLGATE_STORE=" + store},
			Lambda: hosts.LambdaOptions{MaxInstances: 64}, // each stream has one until the timeout: nobody tells it that its client has gone
		}).URL
	}
	made.url = inTurn(t, urls)
	return made
}

// newKey makes a subscription in a store, as its owner does, and returns a key of it.
func newKey(t *testing.T, dir, store string) string {
	t.Helper()
	out := peer.Run(t, peer.Command{
		Path: peer.GatewayProgram(t), Args: []string{"keys", "create", "--folder", dir, "--store", store, "--scope", "all", "--id", "agents"},
		Env: []string{"AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret"},
	})
	_, after, found := strings.Cut(string(out.Stdout), "primary key")
	fields := strings.Fields(after)
	if out.ExitCode != 0 || !found || len(fields) == 0 {
		t.Fatalf("making a key: exit code %d\n%s%s", out.ExitCode, out.Stdout, out.Stderr)
	}
	return fields[0]
}

// inTurn serves a proxy that gives each request to the next of these URLs, and returns
// its URL.
func inTurn(t *testing.T, urls []string) string {
	t.Helper()
	proxies := make([]http.Handler, len(urls))
	for i := range urls {
		base, err := url.Parse(urls[i])
		if err != nil {
			t.Fatal(err)
		}
		proxies[i] = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(base) }, FlushInterval: -1}
	}
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proxies[n.Add(1)%int64(len(proxies))].ServeHTTP(w, r)
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

// everywhere tries all clients with all servers on the platforms as well; without it,
// one client is tried there, with a server of each kind.
var everywhere = os.Getenv("TOOLGATE_EVERYWHERE") != ""

// TestLegacySSE tries clients of HTTP+SSE with one instance, with two whose streams and
// messages meet at random, and on the platforms.
func TestLegacySSE(t *testing.T) {
	servers := map[string]plan{
		"orders": ssePlans["orders"], "looked": ssePlans["orders"],
		"stateful": ssePlans["stateful"], "lookedstate": ssePlans["stateful"], "modern": ssePlans["modern"],
	}
	t.Run("one instance", func(t *testing.T) { trySSE(t, sseLocal(t, 1, nil), sseClients, servers) })
	t.Run("two instances", func(t *testing.T) {
		g := sseLocal(t, 2, &state.Memory{})
		trySSE(t, g, sseClients, servers)
		governSSE(t, g)
	})
	clients := sseClients
	if !everywhere {
		clients, servers = sseClients[:1], ssePlans
	}
	for _, platform := range platforms[1:] {
		t.Run(on(platform), func(t *testing.T) {
			g := ssePlatform(t, platform)
			trySSE(t, g, clients, servers)
			governSSE(t, g)
		})
	}
}

func trySSE(t *testing.T, g sseGateway, clients []client, servers map[string]plan) {
	for server, p := range servers {
		t.Run(server, func(t *testing.T) { try(t, clients, g.url+"/"+server+"/sse", p) })
	}
	// A policy that reads an event stream leaves one message of it, which is JSON.
	t.Run("Streamable HTTP that policies read", func(t *testing.T) {
		try(t, []client{{"go-sdk 2025-11-25", true, goSDK("2025-11-25")}}, g.url+"/lookedstate/mcp", ssePlans["stateful"])
	})
}

// withKey sends a subscription key.
type withKey string

func (k withKey) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Ocp-Apim-Subscription-Key", string(k))
	return http.DefaultTransport.RoundTrip(r)
}

// governSSE tells whether policies and keys are for streams and their messages too.
func governSSE(t *testing.T, g sseGateway) {
	t.Run("with a key", func(t *testing.T) {
		ssePlans["orders"].judge(t, true, goSSE("2024-11-05", &http.Client{Transport: withKey(g.key)})(t, g.url+"/keyed/sse", ssePlans["orders"]))
	})
	t.Run("a policy refuses a tool", func(t *testing.T) {
		p := plan{
			{Method: "tools/list", want: `{"result":{"tools":{"getLabel":{}}}}`},
			{Method: "tools/call", Params: []byte(`{"name":"getLabel","arguments":{"orderId":"7"}}`), want: `{"error":{}}`},
		}
		answers := goSSE("2024-11-05", &http.Client{})(t, g.url+"/guarded/sse", p)
		p.judge(t, true, answers)
		if got := string(answers[1].Error); !strings.Contains(got, "Unauthorized") {
			t.Errorf("got %s, want that of status 401", got)
		}
	})
	t.Run("refused", func(t *testing.T) { refuseSSE(t, g) })
}

func refuseSSE(t *testing.T, g sseGateway) {
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{http.MethodGet, "/keyed/sse", http.StatusUnauthorized},
		{http.MethodPost, "/keyed/messages?sessionId=x", http.StatusUnauthorized},
		{http.MethodGet, "/plain/sse", http.StatusNotFound},
		{http.MethodPost, "/plain/messages?sessionId=x", http.StatusNotFound},
	} {
		res := ask(t, c.method, g.url+c.path, "")
		body, _ := io.ReadAll(res.Body)
		if res.StatusCode != c.status {
			t.Errorf("%s %s: got %d %s, want %d", c.method, c.path, res.StatusCode, body, c.status)
		}
	}
}

// ask sends a request with a body of JSON, whose answer is open until the test ends.
func ask(t *testing.T, method, url, body string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// What HTTP+SSE cannot do on AWS Lambda is said at once: a door that sends whole
// responses opens no stream, and without a store messages do not reach one.
func TestLegacySSEWhereItCannotWork(t *testing.T) {
	dir := ordersFolder(t, "name: contoso\nbackends: { orders: { url: \"http://127.0.0.1:9\" } }\napis: { orders: { openapi: orders.yaml, backend: orders } }\n"+
		"servers: { orders: { api: orders, legacySSE: true } }\n")
	start := func(t *testing.T, o hosts.LambdaOptions) *hosts.Gateway {
		return hosts.StartWith(t, hosts.ServeOptions{Platform: hosts.Lambda, Configuration: dir, Lambda: o})
	}
	for _, door := range []string{hosts.FunctionURLBuffered, hosts.HTTPAPI} {
		t.Run("whole responses by "+door, func(t *testing.T) {
			t.Parallel()
			res := ask(t, http.MethodGet, start(t, hosts.LambdaOptions{Door: door}).URL+"/orders/sse", "")
			if body, err := io.ReadAll(res.Body); res.StatusCode != http.StatusNotImplemented || !strings.Contains(string(body), "POST to /{server}/mcp") {
				t.Errorf("got %d %s, %v, want 501 and where to go", res.StatusCode, body, err)
			}
		})
	}
	t.Run("no store", func(t *testing.T) {
		t.Parallel()
		g := start(t, hosts.LambdaOptions{Timeout: 5 * time.Second})
		stream := ask(t, http.MethodGet, g.URL+"/orders/sse", "")
		events := bufio.NewReader(stream.Body)
		_, err := events.ReadString('\n') // event: endpoint
		endpoint, err2 := events.ReadString('\n')
		if err = errors.Join(err, err2); err != nil || stream.StatusCode != http.StatusOK {
			t.Fatalf("opening a stream: got %d %q, %v", stream.StatusCode, endpoint, err)
		}
		messages := g.URL + strings.TrimSpace(strings.TrimPrefix(endpoint, "data: "))
		res := ask(t, http.MethodPost, messages, `{"jsonrpc":"2.0","id":1,"method":"ping"}`)
		if body, err := io.ReadAll(res.Body); res.StatusCode != http.StatusNotFound || !strings.Contains(string(body), "share no store") {
			t.Errorf("a message: got %d %s, %v, want 404 and why", res.StatusCode, body, err)
		}
		// The stream ends before the platform ends the call, and so as it should.
		if rest, err := io.ReadAll(events); err != nil || strings.Contains(g.Log(), "timed out") {
			t.Errorf("the end of the stream: got %q, %v, with the log\n%s", rest, err, g.Log())
		}
	})
}

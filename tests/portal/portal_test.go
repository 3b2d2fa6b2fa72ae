// Package portal_test has a real browser on the page of the servers: it finds a tool,
// signs in at a real OpenID provider through the gateway's authorization server, calls
// tools, and copies a configuration that a client of the SDK then uses.
package portal_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"toolgate/shared/gateway"
	"toolgate/shared/policy"
	"toolgate/shared/services"
	"toolgate/shared/state"
	"toolgate/shared/trace"
	"toolgate/tests/internal/folder"
	"toolgate/tests/peer"
)

func TestMain(m *testing.M) { peer.Main(m) }

const configuration = `name: contoso
title: Contoso tools
version: 2.3.0
publicUrl: %[1]s
sealingKey: { secret: env:SEALING_KEY }
registry:
  namespace: com.contoso
  servers:
    tickets: { url: "https://tickets.contoso.com/mcp", title: Tickets, description: The help desk., owner: Support, lifecycle: preview }
authorizationServer:
  issuer: %[2]s
  clientId: gateway
  clientSecret: { secret: env:CLIENT_SECRET }
  claims: [roles]
backends:
  orders: { url: %[3]q }
apis:
  orders: { backend: orders, openapi: orders.yaml }
servers:
  orders:
    title: Orders
    description: Orders of contoso, for buyers and sellers.
    api: orders
    tools:
      - { operation: getOrder, allow: { roles: [buyer] }, approval: false }
      - { operation: cancelOrder, allow: { roles: [seller] } }
    authorization: { issuer: %[1]s, scopes: [orders.read] }
  shop: { title: Shop, description: What there is in stock., api: orders, policy: shop.xml, tools: [ getStock, { operation: cancelOrder, approval: { message: "Cancel order {id}?" } } ] }
  partners: { title: Partners, api: orders, tools: [ { operation: getStock, policy: tool.xml } ] }
  hidden: { api: orders, registry: false }
products:
  partners: { title: Partners of contoso, servers: [ partners ], policy: product.xml }
`

const document = `openapi: 3.1.0
info: { title: Orders, version: "1" }
paths:
  /orders/{id}:
    parameters: [ { name: id, in: path, required: true, description: The number of the order., schema: { type: string } } ]
    get: { operationId: getOrder, summary: Get an order, responses: { "200": { description: The order. } } }
    delete: { operationId: cancelOrder, summary: Cancel an order, responses: { "200": { description: It is cancelled. } } }
  /stock:
    get:
      operationId: getStock
      summary: Look up stock
      parameters:
        - { name: item, in: query, required: true, description: What to look for., schema: { type: string, minLength: 2 } }
        - { name: warehouse, in: query, schema: { type: string, enum: [ north, south ], default: north } }
      responses: { "200": { description: The stock. } }
`

const limited = `<policies><inbound><base />%s</inbound><backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>`

// key is that of the one subscription.
const key = "the-key-of-ada"

// created is when its first period began.
var created = time.Now().Add(-time.Hour)

type oneKey struct{}

func (oneKey) Find(_ context.Context, text string) (*policy.Subscription, error) {
	if text != key {
		return nil, policy.ErrSubscriptionKey
	}
	return &policy.Subscription{ID: "ada", Name: "Of Ada", Created: created, Scope: policy.SubscriptionScope{Kind: policy.ProductScope, Name: "partners"}}, nil
}

// start serves a gateway and returns its URL, and a debug token of the server partners.
func start(t *testing.T) (public, debug string) {
	t.Helper()
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "<b>"+r.Method+" "+r.URL.RequestURI()+"</b>")
	}))
	t.Cleanup(backend.Close)
	var listen net.ListenConfig
	l, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	public = "http://" + l.Addr().String()
	provider := peer.Provider(t, public+"/oauth/callback")
	dir := folder.Write(t, map[string]string{
		"gateway.yaml": fmt.Sprintf(configuration, public, provider, backend.URL), "orders.yaml": document,
		"shop.xml":    fmt.Sprintf(limited, `<rate-limit-by-key calls="20" renewal-period="60" counter-key="all" />`),
		"product.xml": fmt.Sprintf(limited, `<quota calls="100" renewal-period="86400" />`),
		"tool.xml":    fmt.Sprintf(limited, `<quota-by-key calls="500" renewal-period="3600" counter-key="all" />`),
	})
	env := map[string]string{"SEALING_KEY": strings.Repeat("k", 40), "CLIENT_SECRET": "the secret & of the gateway: +%"}
	options := gateway.Options{Services: services.New(services.Options{}), Subscriptions: oneKey{}, Traces: &state.Memory{}}
	g := folder.Open(t, dir, env, options)
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: g, ReadHeaderTimeout: time.Minute}}
	s.Start()
	t.Cleanup(s.Close)
	return public, debugToken(t, env["SEALING_KEY"])
}

// debugToken issues one for the server partners, as the command does.
func debugToken(t *testing.T, sealingKey string) string {
	t.Helper()
	sealer, err := trace.NewSealer([]byte(sealingKey))
	if err != nil {
		t.Fatal(err)
	}
	token, err := sealer.Issue(trace.Token{Server: "partners", Expires: time.Now().Add(10 * time.Minute)}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// chromium finds the browser, which npm does not have.
func chromium(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("TOOLGATE_CHROMIUM"); path != "" {
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("TOOLGATE_EVERYWHERE") != "" {
		t.Fatal("there is no Chromium: install it, or name it in TOOLGATE_CHROMIUM")
	}
	t.Skip("there is no Chromium: install it, or name it in TOOLGATE_CHROMIUM")
	return ""
}

// findings are what portal.mjs prints.
type findings struct {
	Violations, Problems, Strangers, Pages, Search         []string
	Health, Before, After, Open, Schema, Wrong, Key, Trace string
	Configuration, Cursor, Install, SignedIn, Usage        string
	Asked, Approved, Refused                               string
}

func TestPortal(t *testing.T) {
	browser := chromium(t)
	public, debug := start(t)
	shots := os.Getenv("TOOLGATE_SCREENSHOTS")
	if shots == "" {
		shots = t.TempDir()
	}
	given, err := json.Marshal(map[string]string{"key": key, "debug": debug, "user": "ada"})
	if err != nil {
		t.Fatal(err)
	}
	out := peer.Script(t, "portal.mjs", public+"/catalog/", browser, shots, string(given))
	if out.ExitCode != 0 {
		t.Fatalf("portal.mjs ended with %d:\n%s%s", out.ExitCode, out.Stdout, out.Stderr)
	}
	var f findings
	if err := json.Unmarshal(out.Stdout, &f, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatalf("%v: %s", err, out.Stdout)
	}
	for what, list := range map[string][]string{"accessibility": f.Violations, "problem": f.Problems, "request to somebody else": f.Strangers} {
		for _, one := range list {
			t.Errorf("%s: %s", what, one)
		}
	}
	holds := func(what, got string, wants ...string) {
		for _, want := range wants {
			if !strings.Contains(got, want) {
				t.Errorf("%s: got %q, want %q in it", what, got, want)
			}
		}
	}
	holds("health", f.Health, "healthy")
	holds("before signing in", f.Before, "Sign in to see the tools.", "com.contoso/orders")
	if strings.Contains(f.Before, "getOrder") || strings.Contains(f.After, "cancelOrder") {
		t.Errorf("tools that the caller may not see are shown: %q, %q", f.Before, f.After)
	}
	holds("search", strings.Join(f.Search, "\n"), "1 of 4 servers match", "Shop", "getStock")
	holds("a call", f.Open, "succeeded", "<b>GET /stock?item=tea</b>", " ms, status 200")
	holds("a question", f.Asked, "asked", "Cancel order 9?", "Decision")
	holds("a call that was approved", f.Approved, "succeeded", "<b>DELETE /orders/9</b>")
	holds("a call that was refused", f.Refused, "failed")
	holds("schema", f.Schema, "item", "string", "yes", "What to look for. — at least 2 characters", `"north" or "south"`, `default "north"`)
	holds("arguments that are not JSON", f.Wrong, "The arguments are not JSON")
	holds("a call with a key", f.Key, "succeeded", "GET /stock?item=tea")
	holds("usage", f.Usage, "Of Ada to Partners of contoso", "2 of 100 calls used, renewed in 23 hours")
	holds("trace", f.Trace, "What acted", "quota-by-key")
	holds("after signing in", f.After, "signed in", "getOrder")
	holds("a call with a token", f.SignedIn, "succeeded", "GET /orders/7")
	holds("pages", strings.Join(f.Pages, "\n"), "Allow access?", "Sign-in")
	holds("configuration of Cursor", f.Cursor, `"Ocp-Apim-Subscription-Key": "YOUR-KEY"`, public+"/partners/mcp")
	holds("installation", f.Install, "vscode:mcp/install?%7B%22name%22%3A%22partners%22", "promptString")
	use(t, f.Configuration)
}

// use connects a client of the SDK with the configuration that was copied.
func use(t *testing.T, configuration string) {
	t.Helper()
	var file struct {
		Servers map[string]struct{ Type, URL string } `json:"servers"`
	}
	if err := json.Unmarshal([]byte(configuration), &file, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatalf("the configuration: %v: %s", err, configuration)
	}
	server := file.Servers["shop"]
	if server.Type != "http" {
		t.Errorf("the configuration: got %s", configuration)
	}
	client := mcp.NewClient(&mcp.Implementation{Name: "portal", Version: "1"}, nil)
	session, err := client.Connect(t.Context(), &mcp.StreamableClientTransport{Endpoint: server.URL}, nil)
	if err != nil {
		t.Fatalf("connecting to %s: %v", server.URL, err)
	}
	defer session.Close()
	result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "getStock", Arguments: map[string]any{"item": "tea"}})
	if err != nil || result.IsError {
		t.Errorf("calling: %v, %v", result, err)
	}
}

// get is what is at a URL, for a request with these headers; it follows no redirection.
func get(t *testing.T, url string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

// TestFiles looks at what the page consists of.
func TestFiles(t *testing.T) {
	dir := folder.Write(t, map[string]string{"gateway.yaml": "name: contoso\nregistry: {}\nservers: { wiki: { upstream: { url: \"https://wiki.contoso.com/mcp\" }, authorization: { issuer: \"https://login.contoso.com/tenant\" } } }\npublicUrl: https://tools.contoso.com/gateway\n"})
	base := folder.Serve(t, dir, nil, gateway.Options{Services: services.New(services.Options{})})
	if res, _ := get(t, base+"/catalog"); res.StatusCode != http.StatusFound || res.Header.Get("Location") != "catalog/" {
		t.Errorf("/catalog: got %d to %s", res.StatusCode, res.Header.Get("Location"))
	}
	res, _ := get(t, base+"/catalog/")
	csp := res.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self';", "style-src 'self';", "connect-src 'self' https://login.contoso.com;", "frame-ancestors 'none'", "require-trusted-types-for 'script'"} {
		if !strings.Contains(csp, want) {
			t.Errorf("the policy is %q, want %q in it", csp, want)
		}
	}
	if again, body := get(t, base+"/catalog/", "If-None-Match", res.Header.Get("ETag")); again.StatusCode != http.StatusNotModified || body != "" {
		t.Errorf("a file that the browser has: got %d", again.StatusCode)
	}
	_, content := get(t, base+"/catalog/servers.json")
	for _, want := range []string{`"url":"https://tools.contoso.com/gateway/wiki/mcp"`, `"issuers":["https://login.contoso.com/tenant"]`} {
		if !strings.Contains(content, want) {
			t.Errorf("content: got %s, want %s in it", content, want)
		}
	}
	names, err := filepath.Glob("../../shared/portal/static/*")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	total := 0
	for _, name := range names {
		res, body := get(t, base+"/catalog/"+filepath.Base(name))
		if total += len(body); res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") == "" {
			t.Errorf("%s: got %d", name, res.StatusCode)
		}
		if n := strings.Count(body, "\n"); n > 500 {
			t.Errorf("%s has %d lines, want 500 at most", name, n)
		}
	}
	if total > 300<<10 {
		t.Errorf("the page has %d bytes, want 300 KiB at most", total)
	}
}

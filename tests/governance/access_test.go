package governance_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync"
	"testing"
	"time"

	"toolgate/shared/access"
	"toolgate/shared/gateway"
	"toolgate/shared/policy"
	"toolgate/shared/services"
	"toolgate/shared/state"
	"toolgate/tests/internal/folder"
)

// recorder is a backend, of REST and of MCP, that keeps what it was sent.
type recorder struct {
	mu  sync.Mutex
	log strings.Builder
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	dump, err := httputil.DumpRequest(req, true)
	r.mu.Lock()
	fmt.Fprintf(&r.log, "%s%v\n", dump, err)
	r.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"a","version":"1"},"content":[]}}`)
}

// take is what was kept since the last time.
func (r *recorder) take() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	text := r.log.String()
	r.log.Reset()
	return text
}

// away is a store that can stop answering.
type away struct {
	state.Memory
	mu   sync.Mutex
	gone bool
}

func (a *away) Get(ctx context.Context, key state.Key) (state.Record, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.gone {
		return state.Record{}, state.ErrBusy
	}
	return a.Memory.Get(ctx, key)
}

func (a *away) set(gone bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.gone = gone
}

// gate is a gateway with subscriptions in a store, on a clock of its own.
type gate struct {
	access.Registry
	base    string
	backend recorder
	store   away
	log     bytes.Buffer

	mu  sync.Mutex
	now time.Time
}

func (g *gate) time() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.now
}

func (g *gate) pass(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now = g.now.Add(d)
}

const accessFolder = `
name: contoso
publicUrl: https://tools.contoso.com
allowedHosts: [ 127.0.0.1 ]
policy: policies/global.xml
backends: { orders: { url: "{{backend}}" } }
namedValues: { backend: { env: BACKEND } }
apis:
  orders: { backend: orders, path: orders, operations: { get: { method: GET, urlTemplate: "/{id}" } } }
servers:
  wiki: { upstream: { url: "{{backend}}/mcp", protocolVersion: 2025-11-25 } }
products:
  starter: { apis: [ orders ], servers: [ wiki ] }
`

// The policy tells a backend of all that policies can see of the request.
const telling = `<policies>
  <inbound>
    <set-header name="Seen"><value>@(string.Join(" ", context.Request.Headers.Select(h => h.Key + "=" + string.Join(",", h.Value))) + context.Request.Url + context.Request.OriginalUrl + context.Subscription.Id)</value></set-header>
  </inbound>
  <backend><forward-request /></backend>
  <outbound />
</policies>`

func newGate(t *testing.T) *gate {
	t.Helper()
	g := &gate{now: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)}
	g.Registry = access.Registry{Store: &g.store, Now: g.time}
	backend := httptest.NewServer(&g.backend)
	t.Cleanup(backend.Close)
	log := slog.New(slog.NewTextHandler(&g.log, nil))
	g.base = folder.Serve(t, folder.Write(t, map[string]string{"gateway.yaml": accessFolder, "policies/global.xml": telling}), map[string]string{"BACKEND": backend.URL}, gateway.Options{
		Services:      services.New(services.Options{}),
		Subscriptions: access.New(access.Options{Store: &g.store, Now: g.time, Log: log}),
		Observe:       gateway.LogCalls(log),
	})
	return g
}

// send sends a request with a key in a header and in the query; empty is none.
func (g *gate) send(t *testing.T, method, path, inHeader, inQuery string) (*http.Response, string) {
	t.Helper()
	body := ""
	if method == http.MethodPost {
		body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a"}}`
	}
	target := g.base + path + "?a=1"
	if inQuery != "" {
		target += "&subscription-key=" + inQuery
	}
	req, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("MCP-Protocol-Version", "2025-11-25")
	if inHeader != "" {
		req.Header.Set("Ocp-Apim-Subscription-Key", inHeader)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(answer)
}

// entrances are the requests that need a key.
var entrances = []struct{ method, path, realm string }{
	{http.MethodGet, "/orders/5", "https://tools.contoso.com/orders"},
	{http.MethodPost, "/wiki/mcp", "https://tools.contoso.com/wiki"},
	{http.MethodGet, "/wiki/mcp", "https://tools.contoso.com/wiki"},
	{http.MethodDelete, "/wiki/mcp", "https://tools.contoso.com/wiki"},
	{http.MethodPut, "/wiki/mcp", "https://tools.contoso.com/wiki"},
}

// The refusals are those of API Management, byte for byte.
func TestSubscriptionRefusals(t *testing.T) {
	g := newGate(t)
	wrong := strings.Repeat("0", 64)
	for _, e := range entrances {
		for _, c := range []struct{ header, query, want string }{
			{"", "", `{"statusCode":401,"message":"Access denied due to missing subscription key. Make sure to include subscription key when making requests to an API."}`},
			{wrong, "", `{"statusCode":401,"message":"Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription."}`},
			{"", "wrong", `{"statusCode":401,"message":"Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription."}`},
		} {
			res, body := g.send(t, e.method, e.path, c.header, c.query)
			challenge := `AzureApiManagementKey realm="` + e.realm + `",name="Ocp-Apim-Subscription-Key",type="header"`
			if res.StatusCode != 401 || body != c.want || res.Header.Get("WWW-Authenticate") != challenge || res.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s %s with %q, %q: got %d %s %v, want 401 %s and %s", e.method, e.path, c.header, c.query, res.StatusCode, body, res.Header, c.want, challenge)
			}
		}
	}
	if sent := g.backend.take(); sent != "" {
		t.Errorf("the backend was sent\n%s", sent)
	}
}

// A key opens what its subscription is for, and neither the backend nor a policy,
// nor the log, sees it in the request.
func TestSubscriptionKeyStops(t *testing.T) {
	g := newGate(t)
	_, keys, err := g.Create(t.Context(), access.Subscription{ID: "team-a", Scope: policy.SubscriptionScope{Kind: policy.ProductScope, Name: "starter"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entrances[:4] {
		for _, sent := range [][2]string{{keys.Primary, ""}, {"", keys.Secondary}, {keys.Primary, keys.Secondary}, {keys.Secondary, "other"}} {
			res, body := g.send(t, e.method, e.path, sent[0], sent[1])
			if res.StatusCode == 401 || res.StatusCode >= 500 {
				t.Errorf("%s %s: got %d %s", e.method, e.path, res.StatusCode, body)
			}
			seen := g.backend.take()
			if strings.Contains(seen, keys.Primary) || strings.Contains(seen, keys.Secondary) || strings.Contains(strings.ToLower(seen), "subscription-key") {
				t.Errorf("%s %s: the backend was sent the key:\n%s", e.method, e.path, seen)
			}
			if e.method != http.MethodGet && e.method != http.MethodPost {
				continue
			}
			if e.path != "/wiki/mcp" && (!strings.Contains(seen, "?a=1 HTTP") || !strings.Contains(seen, "team-a")) {
				t.Errorf("%s %s: the backend was sent\n%s", e.method, e.path, seen)
			}
		}
	}
	if log := g.log.String(); strings.Contains(log, keys.Primary) || strings.Contains(log, keys.Secondary) || !strings.Contains(log, "subscription=team-a") {
		t.Errorf("the log has a key, or not the subscription:\n%s", log)
	}
}

// What was taken back is refused within the documented time, and while the store
// does not answer nothing passes that is not known.
func TestSubscriptionBounds(t *testing.T) {
	g := newGate(t)
	ctx := t.Context()
	_, keys, err := g.Create(ctx, access.Subscription{ID: "a", Scope: policy.SubscriptionScope{Kind: policy.AllScope}})
	if err != nil {
		t.Fatal(err)
	}
	status := func(key string, want int, when string) {
		t.Helper()
		for _, e := range entrances[:2] {
			if res, body := g.send(t, e.method, e.path, key, ""); res.StatusCode != want {
				t.Errorf("%s: %s %s: got %d %s, want %d", when, e.method, e.path, res.StatusCode, body, want)
			}
		}
	}
	status(keys.Primary, 200, "at first")
	if _, err := g.SetState(ctx, "a", access.Suspended); err != nil {
		t.Fatal(err)
	}
	g.pass(access.MaxAge)
	status(keys.Primary, 401, "suspended")
	if _, err := g.SetState(ctx, "a", access.Active); err != nil {
		t.Fatal(err)
	}
	g.pass(access.MaxAge)
	status(keys.Primary, 200, "activated")
	rotated, err := g.Rotate(ctx, "a", access.Primary)
	if err != nil {
		t.Fatal(err)
	}
	status(rotated, 200, "a new key")
	status(keys.Secondary, 200, "the other key")
	g.pass(access.MaxAge)
	status(keys.Primary, 401, "a replaced key")

	status(rotated, 200, "before the store goes away")
	g.store.set(true)
	g.pass(access.MaxAge - 1)
	status(rotated, 200, "known while the store is away")
	status(keys.Secondary, 503, "not known while the store is away")
	res, body := g.send(t, http.MethodGet, "/orders/5", keys.Secondary, "")
	if want := `{"statusCode":503,"message":"The subscription key could not be verified. Try again later."}`; body != want || res.Header.Get("WWW-Authenticate") != "" {
		t.Errorf("got %s and %v, want %s", body, res.Header, want)
	}
	if !strings.Contains(g.log.String(), "subscription keys cannot be looked up") {
		t.Errorf("the log does not say so:\n%s", &g.log)
	}
	g.pass(1)
	status(rotated, 503, "known too long ago")
	g.store.set(false)
	status(rotated, 200, "the store is back")
	if err := g.Delete(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	g.pass(access.MaxAge)
	status(rotated, 401, "deleted")
}

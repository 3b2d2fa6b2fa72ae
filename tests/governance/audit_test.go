package governance_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"toolgate/shared/access"
	"toolgate/shared/audit"
	"toolgate/shared/gateway"
	"toolgate/shared/host"
	"toolgate/shared/services"
	"toolgate/shared/snapshot"
	"toolgate/shared/state"
	"toolgate/tests/internal/folder"
)

const auditFolder = `
name: contoso
allowedHosts: [ 127.0.0.1 ]
sealingKey: { secret: env:SEALING_KEY }
backends: { orders: { url: "{{backend}}" } }
namedValues: { backend: { env: BACKEND }, token: { secret: env:TOKEN } }
telemetry: { endpoint: "http://127.0.0.1:1", diagnostics: { mask: { properties: [ params.arguments.iban ] } } }
audit: { log: true, %s }
apis:
  orders: { openapi: apis/orders.yaml, backend: orders, policy: policies/api.xml, path: orders }
servers:
  shop: { api: orders, tools: [ getOrder, { operation: createOrder, name: create_order, policy: policies/tool.xml } ] }
  keys: { api: orders, tools: [ getOrder ], subscriptionRequired: true }
  few: { api: orders, tools: [ getOrder, { operation: createOrder, allow: { products: [ gold ] } } ], policy: policies/server.xml }
  plain: { api: orders, tools: [ { operation: createOrder, allow: { products: [ gold ] } } ] }
  all: { federate: [ shop, few ] }
products: { gold: { servers: [ keys ] } }
`

var auditFiles = map[string]string{
	"apis/orders.yaml": `
openapi: 3.1.0
info: { title: Orders, version: "1" }
paths:
  /orders:
    post:
      operationId: createOrder
      requestBody: { required: true, content: { application/json: { schema: { type: object, properties: { item: { type: string }, iban: { type: string } } } } } }
      responses: { "201": { description: The order. } }
  /orders/{id}:
    get:
      operationId: getOrder
      parameters: [ { name: id, in: path, required: true, schema: { type: integer } } ]
      responses: { "200": { description: The order. } }
`,
	"policies/api.xml":    `<policies><inbound><choose><when condition="@(context.Request.Url.Path.EndsWith("/403"))"><ip-filter id="inner" action="allow"><address>10.0.0.1</address></ip-filter></when></choose></inbound><backend><forward-request /></backend></policies>`,
	"policies/tool.xml":   `<policies><inbound><base /><check-header id="must" name="X-Must" failed-check-httpcode="401" failed-check-error-message="no" ignore-case="true" /></inbound><backend><base /></backend></policies>`,
	"policies/server.xml": `<policies><inbound><base /><set-header name="X-A" exists-action="override"><value>b</value></set-header></inbound><backend><base /></backend></policies>`,
}

// unwritten is a store that can stop taking writes.
type unwritten struct {
	state.Memory
	refuses atomic.Bool
}

func (u *unwritten) Put(ctx context.Context, key state.Key, r state.Record) (string, error) {
	if u.refuses.Load() {
		return "", state.ErrBusy
	}
	return u.Memory.Put(ctx, key, r)
}

// audited is a gateway with an audit.
type audited struct {
	base  string
	with  http.Handler // what base reaches
	bare  http.Handler // the same without audit
	store *unwritten
	trail *audit.Trail
	log   *bytes.Buffer
	key   []byte
}

// newAudited serves the folder with more settings of the audit.
func newAudited(t *testing.T, settings string) *audited {
	t.Helper()
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/500") {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = io.WriteString(w, `{"ok":true}`)
	}))
	t.Cleanup(backend.Close)
	files := map[string]string{"gateway.yaml": fmt.Sprintf(auditFolder, settings)}
	maps.Copy(files, auditFiles)
	env := map[string]string{"BACKEND": backend.URL, "TOKEN": "a very secret token", "SEALING_KEY": strings.Repeat("k", 40)}
	content, err := folder.Compile(t.Context(), folder.Write(t, files), env)
	if err != nil {
		t.Fatal(err)
	}
	snap, err := snapshot.Load(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	a := &audited{store: &unwritten{}, log: &bytes.Buffer{}}
	resolve := host.Secrets(func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	log := slog.New(slog.NewJSONHandler(a.log, nil))
	if a.trail, err = gateway.OpenAudit(snap, gateway.AuditOptions{Store: a.store, Secrets: resolve, Log: log}); err != nil {
		t.Fatal(err)
	}
	if a.key, err = gateway.AuditKey(&snap.Manifest, resolve)(); err != nil {
		t.Fatal(err)
	}
	subscriptions := access.New(access.Options{Store: &state.Memory{}})
	var both []*gateway.Gateway
	for _, trail := range []*audit.Trail{a.trail, nil} {
		g, err := gateway.New(snap, gateway.Options{Secrets: resolve, Audit: trail, Services: services.New(services.Options{}), Subscriptions: subscriptions})
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, g)
	}
	a.with, a.bare = both[0], both[1]
	server := httptest.NewServer(a.with)
	a.base = server.URL
	t.Cleanup(func() {
		server.Close()
		for _, g := range both {
			_ = g.Close()
		}
		_ = snap.Close()
	})
	return a
}

// post sends a message, or a batch, of revision 2025-03-26, and returns the status.
func (a *audited) post(t *testing.T, server, body string, header ...string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.base+"/"+server+"/mcp", strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return 0
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	req.Header.Set("MCP-Protocol-Version", "2025-03-26")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

func toolCall(name, arguments string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, name, arguments)
}

// calls are the calls that were recorded since the last time, in short; the chains
// are sound.
func (a *audited) calls(t *testing.T, before int) []string {
	t.Helper()
	if err := a.trail.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	contents, err := audit.Read(t.Context(), a.store, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	inLog, err := audit.ReadLog(strings.NewReader(a.log.String()))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*audit.Contents{contents, inLog} {
		for _, r := range c.Verify(audit.VerifyOptions{Keys: [][]byte{a.key}, Now: time.Now()}) {
			for _, f := range r.Faults {
				t.Error(f)
			}
		}
	}
	if got, want := len(inLog.Calls()), len(contents.Calls()); got != want {
		t.Errorf("the log has %d calls, the store %d", got, want)
	}
	var list []string
	for _, r := range contents.Calls() {
		c := r.Call
		if c.RequestID == "" || c.Snapshot == "" || c.ClientAddress != "127.0.0.1" {
			t.Errorf("got %+v, want a request id, a snapshot and an address", c)
		}
		at := strings.Join([]string{c.Source, c.PolicyID, c.Scope, c.Section}, " ")
		list = append(list, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s: %s %d %s %s", c.Server, c.Method, c.Tool, c.Decision, c.Status, c.Reason, at)), " "))
	}
	return list[min(before, len(list)):]
}

// Each decision is recorded with its reason, wherever it was made.
func TestAuditDecisions(t *testing.T) {
	a := newAudited(t, "")
	seen := 0
	for _, c := range []struct {
		name, server, body string
		header             []string
		want               []string
	}{
		{"allowed", "shop", toolCall("getOrder", `{"id":1}`), nil, []string{"shop tools/call getOrder: allowed 200"}},
		{"a list is not recorded", "shop", `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, nil, nil},
		{"refused by a policy of the tool", "shop", toolCall("create_order", `{"item":"a"}`), nil, []string{"shop tools/call create_order: refused 401 HeaderNotFound check-header must tool inbound"}},
		{"let through by it", "shop", toolCall("create_order", `{"item":"a"}`), []string{"X-Must", "1"}, []string{"shop tools/call create_order: allowed 200"}},
		{"refused by a policy of the API", "shop", toolCall("getOrder", `{"id":403}`), nil, []string{"shop tools/call getOrder: refused 200 CallerIpNotAllowed ip-filter inner api inbound"}},
		{"failed at the backend", "shop", toolCall("getOrder", `{"id":500}`), nil, []string{"shop tools/call getOrder: failed 200 tool_error"}},
		{"wrong arguments", "shop", toolCall("getOrder", `{"id":"x"}`), nil, []string{"shop tools/call getOrder: failed 200 invalid_arguments"}},
		{"no such tool", "shop", toolCall("drop", `{}`), nil, []string{"shop tools/call drop: failed 200 -32602"}},
		{"without a key", "keys", toolCall("getOrder", `{"id":1}`), nil, []string{"keys POST : refused 401 SubscriptionKeyNotFound authorization"}},
		{"not for the caller", "plain", toolCall("createOrder", `{}`), nil, []string{"plain tools/call createOrder: refused 200 CallerNotAllowed authorization"}},
		{"not for the caller, behind policies", "few", toolCall("createOrder", `{}`), nil, []string{"few tools/call createOrder: refused 200 CallerNotAllowed authorization"}},
		{"by way of a federation", "all", toolCall("few_getOrder", `{"id":1}`), nil, []string{"all tools/call few_getOrder: allowed 200"}},
		{"refused by a member", "all", toolCall("shop_create_order", `{"item":"a"}`), nil, []string{"all tools/call shop_create_order: refused 401 HeaderNotFound check-header must tool inbound"}},
		{"a batch", "shop", "[" + toolCall("getOrder", `{"id":1}`) + `,{"jsonrpc":"2.0","id":2,"method":"ping"},` + toolCall("create_order", `{}`) + "," + toolCall("getOrder", `{"id":500}`) + "]", nil, []string{
			"shop tools/call getOrder: allowed 200",
			"shop tools/call create_order: refused 200 HeaderNotFound check-header must tool inbound",
			"shop tools/call getOrder: failed 200 tool_error",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a.post(t, c.server, c.body, c.header...)
			got := a.calls(t, seen)
			seen += len(got)
			var want []string
			for _, w := range c.want {
				want = append(want, strings.Join(strings.Fields(w), " "))
			}
			if strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// With include: all, requests of every kind are recorded.
func TestAuditOfAll(t *testing.T) {
	a := newAudited(t, "include: all")
	a.post(t, "shop", `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
	a.post(t, "shop", `no JSON`)
	_, _ = get(t, a.base+"/orders/orders/1")
	_, _ = get(t, a.base+"/orders/none")
	_, _ = get(t, a.base+"/")
	got := strings.Join(a.calls(t, 0), "\n")
	want := "shop tools/list : allowed 200\nshop POST : failed 400 -32700\norders GET getOrder: allowed 200\norders GET : failed 404 OperationNotFound configuration"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Arguments are recorded without secrets and without what the mask names, and not at
// all unless the configuration says so.
func TestAuditArguments(t *testing.T) {
	for settings, want := range map[string]string{
		"":                `""`,
		"arguments: full": `"{\"item\":\"[secret]\",\"iban\":\"[masked]\"}"`,
	} {
		a := newAudited(t, settings)
		a.post(t, "shop", toolCall("create_order", `{"item":"a very secret token","iban":"DE02"}`))
		a.calls(t, 0)
		contents, err := audit.Read(t.Context(), a.store, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		c := contents.Calls()[0].Call
		if got := fmt.Sprintf("%q", c.Arguments); got != want || len(c.ArgumentsHash) != 64 {
			t.Errorf("%s: got %s and the hash %s, want %s", settings, got, c.ArgumentsHash, want)
		}
		if strings.Contains(a.log.String(), "very secret") || strings.Contains(a.log.String(), "DE02") {
			t.Errorf("the log has what it must not:\n%s", a.log)
		}
	}
}

// A store that does not answer does not stop calls, unless the configuration says so.
func TestAuditStoreAway(t *testing.T) {
	for settings, want := range map[string]int{"": 200, "onStoreFailure: refuse": 503} {
		a := newAudited(t, settings)
		a.store.refuses.Store(true)
		if got := a.post(t, "shop", toolCall("getOrder", `{"id":1}`)); got != 200 {
			t.Errorf("%s: got %d before anything failed, want 200", settings, got)
		}
		if err := a.trail.Flush(t.Context()); err == nil {
			t.Error("the store has answered")
		}
		for _, server := range []string{"shop", "all"} {
			name := map[string]string{"shop": "getOrder", "all": "shop_getOrder"}[server]
			if got := a.post(t, server, toolCall(name, `{"id":2}`)); got != want {
				t.Errorf("%s: %s: got %d, want %d", settings, server, got, want)
			}
		}
		if got := a.post(t, "shop", `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`); got != 200 {
			t.Errorf("%s: got %d for a list, want 200", settings, got)
		}
		a.store.refuses.Store(false)
		list := a.calls(t, 0)
		if last := list[len(list)-1]; len(list) != 3 || want == 503 && last != "all tools/call shop_getOrder: refused 503 AuditUnavailable audit" {
			t.Errorf("%s: got %q", settings, list)
		}
		if got := a.post(t, "shop", toolCall("getOrder", `{"id":3}`)); got != 200 {
			t.Errorf("%s: got %d when the store is back, want 200", settings, got)
		}
	}
}

// Without a store the gateway does not begin, rather than record nothing.
func TestAuditNeedsStore(t *testing.T) {
	dir := folder.Write(t, map[string]string{"gateway.yaml": "name: contoso\naudit: {}\nservers: { a: { upstream: { url: \"https://a.contoso.com\" } } }\n"})
	content, err := folder.Compile(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	snap, err := snapshot.Load(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	if _, err := gateway.OpenAudit(snap, gateway.AuditOptions{}); err == nil || !strings.Contains(err.Error(), "TOOLGATE_STORE") {
		t.Errorf("got %v, want what to do about it", err)
	}
}

// Instances under load record each call once, and calls of one user are told apart.
func TestAuditConcurrent(t *testing.T) {
	a := newAudited(t, "")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 25 {
				a.post(t, "shop", toolCall("getOrder", `{"id":1}`))
			}
		})
	}
	all.Wait()
	if got := len(a.calls(t, 0)); got != 200 {
		t.Errorf("got %d records, want 200", got)
	}
}

// The audit costs a call few allocations; the rest is done beside calls.
func TestAuditCost(t *testing.T) {
	a := newAudited(t, "")
	body := toolCall("getOrder", `{"id":"x"}`) // goes to no backend
	allocations := func(h http.Handler) float64 {
		return testing.AllocsPerRun(100, func() { // fewer than are written at once
			req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/shop/mcp", strings.NewReader(body))
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("MCP-Protocol-Version", "2025-03-26")
			h.ServeHTTP(httptest.NewRecorder(), req)
		})
	}
	without := allocations(a.bare)
	with := allocations(a.with)
	t.Logf("%.0f allocations a call, %.0f without audit", with, without)
	if with-without > 10 {
		t.Errorf("got %.0f allocations a call, %.0f without audit: want 10 more at most", with, without)
	}
}

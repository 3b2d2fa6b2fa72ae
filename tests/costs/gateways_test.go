package costs_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"toolgate/shared/access"
	"toolgate/shared/gateway"
	"toolgate/shared/policy"
	"toolgate/shared/services"
	"toolgate/shared/snapshot"
)

// policies are the documents of the HTTP APIs, by the name of the API. A call of an
// API has what it counts by in the query.
var policies = map[string]string{
	"rate":   inbound(`<rate-limit-by-key calls="6000" renewal-period="60" counter-key="@(context.Request.OriginalUrl.QueryString)" />` + ok),
	"late":   inbound(`<rate-limit-by-key calls="6000" renewal-period="60" counter-key="@(context.Request.OriginalUrl.QueryString)" increment-condition="@(context.Response.StatusCode == 200)" />` + ok),
	"quota":  inbound(`<quota-by-key calls="1000000" renewal-period="86400" counter-key="@(context.Request.OriginalUrl.QueryString)" />` + ok),
	"bytes":  inbound(`<quota-by-key bandwidth="1000000" renewal-period="86400" counter-key="@(context.Request.OriginalUrl.QueryString)" />` + ok),
	"budget": inbound(`<budget amount="100000" currency="EUR" renewal-period="86400" price-per-call="0.002" counter-key="@(context.Request.OriginalUrl.QueryString)" />` + ok),
	"work":   inbound(`<limit-concurrency key="@(context.Request.OriginalUrl.QueryString)" max-count="100"><retry condition="@(true)" count="1" interval="1"><set-variable name="tried" value="1" /></retry></limit-concurrency>` + ok),
	"cached": `<policies><inbound><cache-lookup vary-by-developer="false" vary-by-developer-groups="false" /></inbound><backend><forward-request /></backend><outbound><cache-store duration="3600" /></outbound></policies>`,
	"value":  inbound(`<cache-value key="@(context.Request.OriginalUrl.QueryString)" variable-name="v" expires-after="3600"><value><set-variable name="v" value="1" /></value></cache-value>` + ok),
	"slow":   inbound(`<cache-value key="@(context.Request.OriginalUrl.QueryString)" variable-name="v" expires-after="3600"><value><retry condition="@(true)" count="1" interval="1"><set-variable name="v" value="1" /></retry></value></cache-value>` + ok),
	"tokens": `<policies><inbound><llm-token-limit counter-key="@(context.Request.OriginalUrl.QueryString)" tokens-per-minute="600000" estimate-prompt-tokens="false" /></inbound><backend><forward-request /></backend></policies>`,
	"keyed":  inbound(ok),
}

const ok = `<return-response><set-body>ok</set-body></return-response>`

func inbound(statements string) string {
	return `<policies><inbound>` + statements + `</inbound></policies>`
}

// gatewayFolder is the gateway that all situations call.
func gatewayFolder() map[string]string {
	files := map[string]string{}
	var yaml strings.Builder
	yaml.WriteString("name: contoso\nbackends: { any: { url: \"https://orders.contoso.com\" } }\napis:\n")
	for name, document := range policies {
		files[name+".xml"] = document
		yaml.WriteString("  " + name + ": { backend: any, path: " + name + ", policy: " + name + ".xml, subscriptionRequired: " + strconv.FormatBool(name == "keyed") +
			", operations: { call: { method: " + methodOf(name) + ", urlTemplate: / } } }\n")
	}
	files["orders.yaml"] = `openapi: 3.1.0
info: { title: Orders, version: "1" }
paths:
  /orders/{id}:
    get:
      operationId: getOrder
      parameters: [ { name: id, in: path, required: true, schema: { type: integer } } ]
      responses: { "200": { description: The order. } }
`
	yaml.WriteString(`  orders: { openapi: orders.yaml, backend: any }
servers:
  orders: { api: orders, legacySSE: true, cache: { duration: 1h } }
`)
	files["gateway.yaml"] = yaml.String()
	return files
}

// methodOf is the method of an API's operation: models are asked by POST.
func methodOf(api string) string {
	if api == "tokens" {
		return http.MethodPost
	}
	return http.MethodGet
}

// completion is what the backend answers, whoever asks: it counts 100 tokens.
const completion = `{"id":1,"usage":{"prompt_tokens":60,"completion_tokens":40,"total_tokens":100}}`

// backend answers every request.
type backend struct{}

// RoundTrip implements http.RoundTripper.
func (backend) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(completion)), ContentLength: int64(len(completion)),
	}, nil
}

// world are instances of a gateway that share a store.
type world struct {
	store     countingStore
	instances []*gateway.Gateway
	key       string // of a subscription
}

// newWorld makes so many instances, until the test ends.
func newWorld(t *testing.T, content []byte, instances int) *world {
	t.Helper()
	w := &world{}
	_, keys, err := (&access.Registry{Store: &w.store.Memory}).Create(t.Context(), access.Subscription{ID: "agents", Name: "agents", Scope: policy.SubscriptionScope{Kind: policy.AllScope}})
	if err != nil {
		t.Fatalf("making a subscription: %v", err)
	}
	w.key = keys.Primary
	for range instances {
		snap, err := snapshot.Load(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			t.Fatalf("loading the gateway: %v", err)
		}
		g, err := gateway.New(snap, gateway.Options{
			AnyHost: true, Transport: backend{}, SealingSecret: []byte("a secret of tests, and of nobody else"),
			Services:      services.New(services.Options{Store: &w.store}),
			Subscriptions: access.New(access.Options{Store: &w.store}),
			Streams:       &w.store,
		})
		if err != nil {
			t.Fatalf("starting the gateway: %v", err)
		}
		w.instances = append(w.instances, g)
		t.Cleanup(func() {
			_ = g.Close() // nothing of it outlives the test
			_ = snap.Close()
		})
	}
	return w
}

// api calls an HTTP API on an instance, and returns the status.
func (w *world) api(ctx context.Context, instance int, api, query string) int {
	r := httptest.NewRequestWithContext(ctx, methodOf(api), "http://gateway/"+api+"?"+query, nil)
	if api == "keyed" { // a key that comes is looked up, wherever it comes
		r.Header.Set("Ocp-Apim-Subscription-Key", w.key)
	}
	return w.serve(instance, r)
}

// tool calls the tool on an instance, and returns the status.
func (w *world) tool(ctx context.Context, instance int, id string) int {
	r := post(ctx, "/orders/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"getOrder","arguments":{"id":`+id+`}}}`)
	r.Header.Set("MCP-Protocol-Version", "2025-11-25")
	return w.serve(instance, r)
}

func post(ctx context.Context, path, body string) *http.Request {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "http://gateway"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	return r
}

func (w *world) serve(instance int, r *http.Request) int {
	answer := httptest.NewRecorder()
	w.instances[instance].ServeHTTP(answer, r)
	return answer.Code
}

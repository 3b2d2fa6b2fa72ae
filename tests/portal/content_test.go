package portal_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"toolgate/shared/gateway"
	"toolgate/shared/portal"
	"toolgate/shared/services"
	"toolgate/tests/internal/folder"
	"toolgate/tests/internal/rpc"
)

const governedConfiguration = `name: contoso
sealingKey: { secret: env:SEALING_KEY }
registry: { namespace: com.contoso, visibility: VISIBILITY }
policy: global.xml
namedValues:
  tenth: "10"
backends: { orders: { url: "https://orders.contoso.com" } }
apis: { orders: { backend: orders, openapi: orders.yaml, policy: api.xml } }
servers:
  shop:
    api: orders
    policy: server.xml
    approval: true
    tools:
      - { operation: getStock, policy: tool.xml, approval: false }
      - { operation: getOrder, allow: { expression: "@(context.Request.Headers.GetValueOrDefault(\"Team\", \"\") == \"sales\")" } }
      - { operation: cancelOrder, policy: tool.xml, allow: { products: [ partners ] } }
  partners: { api: orders, tools: [ { operation: getStock, policy: tool.xml } ] }
  old: { api: orders, registry: { status: deleted } }
products:
  partners: { servers: [ partners, shop ], policy: product.xml }
  open: { title: Open, servers: [ shop ], subscriptionRequired: false }
`

// serveContent serves a gateway, and returns its URL.
func serveContent(t *testing.T, visibility string) string {
	t.Helper()
	policies := func(inbound string) string {
		return `<policies><inbound><base />` + inbound + `</inbound><backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>`
	}
	dir := folder.Write(t, map[string]string{
		"gateway.yaml": strings.ReplaceAll(governedConfiguration, "VISIBILITY", visibility), "orders.yaml": document,
		"global.xml":           `<policies><inbound><include-fragment fragment-id="limits" /></inbound><backend><forward-request /></backend><outbound /><on-error /></policies>`,
		"fragments/limits.xml": `<fragment><limit-concurrency key="all" max-count="3"><set-variable name="a" value="b" /></limit-concurrency></fragment>`,
		"api.xml":              policies(`<choose><when condition="@(true)"><rate-limit-by-key calls="{{tenth}}" renewal-period="60" counter-key="a" /></when></choose>`),
		"server.xml":           policies(`<rate-limit-by-key calls="@(5 + 5)" renewal-period="30" counter-key="a" />`),
		"product.xml":          policies(`<budget amount="5.00" currency="EUR" budget-period="Monthly" counter-key="a" price-per-call="0.01" /><quota calls="100" renewal-period="86400" />`),
		"tool.xml":             policies(`<quota-by-key calls="7" bandwidth="100" renewal-period="3600" counter-key="a" />`),
	})
	return folder.Serve(t, dir, map[string]string{"SEALING_KEY": "a-secret-of-32-characters-or-more"}, gateway.Options{Services: services.New(services.Options{}), Subscriptions: oneKey{}})
}

func contentOf(t *testing.T, visibility string, header ...string) map[string]portal.Server {
	t.Helper()
	return contentAt(t, serveContent(t, visibility), header...)
}

// contentAt is what a caller is shown, by the names of servers.
func contentAt(t *testing.T, base string, header ...string) map[string]portal.Server {
	t.Helper()
	_, body := get(t, base+"/catalog/servers.json", header...)
	var content portal.Content
	if err := json.Unmarshal([]byte(body), &content); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	found := map[string]portal.Server{}
	for _, s := range content.Servers {
		found[s.ID] = s
	}
	return found
}

// TestContent looks at limits, who may call, and what of it a caller is shown.
func TestContent(t *testing.T) {
	shown := contentOf(t, "public")
	if len(shown) != 2 {
		t.Errorf("got %v, want shop and partners", shown)
	}
	shop := shown["shop"]
	want := []portal.Limit{
		{Scope: "global", Policy: "limit-concurrency", Text: "3 calls at once"},
		{Scope: "product", Policy: "budget", Text: "5.00 EUR monthly"},
		{Scope: "product", Policy: "quota", Text: "100 calls in 86400 seconds"},
		{Scope: "server", Policy: "rate-limit-by-key", Text: "a computed number of calls in 30 seconds"},
		{Scope: "api", Policy: "rate-limit-by-key", Text: "10 calls in 60 seconds, under conditions"},
	}
	if !slices.Equal(shop.Limits, want) {
		t.Errorf("limits: got %v, want %v", shop.Limits, want)
	}
	if !shop.Admitted || shop.KeyRequired || shop.KeyHeader == "" || len(shop.Products) != 2 {
		t.Errorf("shop: got %+v", shop)
	}
	stock := shop.Tools["getStock"]
	if len(shop.Tools) != 1 || stock.Approval || len(stock.Limits) != 1 || stock.Limits[0].Text != "7 calls and 100 KB in 3600 seconds" {
		t.Errorf("tools for anybody: got %+v", shop.Tools)
	}
	if partners := shown["partners"]; partners.Admitted || !partners.KeyRequired || partners.Tools != nil {
		t.Errorf("partners: got %+v", partners)
	}
	withKey := contentOf(t, "public", "Ocp-Apim-Subscription-Key", key)
	if tool := withKey["shop"].Tools["cancelOrder"]; !tool.Approval || !slices.Equal(tool.Allow, []string{"product partners"}) || len(tool.Limits) != 1 {
		t.Errorf("a tool for partners: got %+v", withKey["shop"].Tools)
	}
	if !withKey["partners"].Admitted {
		t.Error("the key does not open partners")
	}
	asSales := contentOf(t, "public", "Team", "sales")
	if tool := asSales["shop"].Tools["getOrder"]; !slices.Equal(tool.Allow, []string{"a condition of the gateway"}) {
		t.Errorf("a tool for sales: got %+v", asSales["shop"].Tools)
	}
}

// TestContentOfCallers shows nobody what they may not use.
func TestContentOfCallers(t *testing.T) {
	if shown := contentOf(t, "callers"); len(shown) != 1 || shown["shop"].ID == "" {
		t.Errorf("nobody: got %v", shown)
	}
	if shown := contentOf(t, "callers", "Ocp-Apim-Subscription-Key", key); len(shown) != 2 {
		t.Errorf("a key: got %v", shown)
	}
}

// TestUsage counts what a subscription has used, and uses nothing of it by looking.
func TestUsage(t *testing.T) {
	base := serveContent(t, "callers")
	messages := []rpc.Request{
		rpc.New("2025-11-25", "1", "tools/list", "{}"), rpc.New("2025-11-25", "1", "tools/list", "{}"),
		rpc.New("2026-07-28", "1", "tools/call", `{"name":"getStock","arguments":{"item":"tea"}}`), rpc.New("2025-11-25", "1", "tools/call", `{"name":"getStock","arguments":{}}`),
	}
	for i := range len(messages) + 1 {
		want := int64(i)
		usage := contentAt(t, base, "Ocp-Apim-Subscription-Key", key)["partners"].Subscription.Usage
		if len(usage) != 1 || usage[0].Calls != 100 || usage[0].CallsUsed != want || usage[0].RenewalSecs < 3600 {
			t.Errorf("look %d: got %+v, want %d of 100", i, usage, want)
		}
		if i < len(messages) {
			rpc.Post(t, base+"/partners/mcp", messages[i].With("Ocp-Apim-Subscription-Key", key))
		}
	}
	if other := contentAt(t, base, "Ocp-Apim-Subscription-Key", "wrong")["shop"].Subscription; other != nil {
		t.Errorf("a wrong key has a subscription: %+v", other)
	}
}

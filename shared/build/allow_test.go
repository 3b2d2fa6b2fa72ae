package build

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// Who may call a tool stands under its published name, and a later selection without
// allow leaves what an earlier one says.
func TestAllow(t *testing.T) {
	r, err := buildFolder(t, `name: shop
publicUrl: https://tools.contoso.com
apis: { shop: { openapi: shop.yaml } }
servers:
  shop:
    api: shop
    authorization: { issuer: https://login.contoso.com }
    allow: { groups: [ staff ] }
    tools:
      - { tag: orders, allow: { roles: [ clerk ] } }
      - { tag: admin, allow: { roles: [ admin ] } }
      - { operation: deleteOrder, name: drop_order }
      - getFile
  wiki:
    upstream: { url: https://wiki.contoso.com }
    authorization: { issuer: https://login.contoso.com }
    tools: [ search, { tool: close, name: close_ticket, allow: { scopes: [ write ] } } ]
`)
	if err != nil {
		t.Fatal(err)
	}
	servers := load(t, r).Servers
	shop, wiki := servers[0], servers[1]
	for name, want := range map[string]string{"listOrders": "clerk", "getOrder": "clerk", "createOrder": "clerk", "drop_order": "admin"} {
		if got := shop.ToolAllow[name]; len(got) != 1 || !slices.Equal(got[0].Roles, []string{want}) {
			t.Errorf("%s: got %+v, want the role %s", name, got, want)
		}
	}
	if len(shop.ToolAllow) != 4 || shop.Allow[0].Groups[0] != "staff" || shop.Authorization.Issuers[0] != "https://login.contoso.com" {
		t.Errorf("got %+v", shop)
	}
	if got := slices.Collect(maps.Keys(wiki.ToolAllow)); !slices.Equal(got, []string{"close_ticket"}) || wiki.ToolAllow["close_ticket"][0].Scopes[0] != "write" {
		t.Errorf("got %+v", wiki.ToolAllow)
	}
}

func TestAllowFaults(t *testing.T) {
	for _, c := range []struct{ expression, want string }{
		{"@(context.Nothing)", "gateway.yaml:3:102: the expression cannot be compiled"},
		{"@(1)", "the expression is a int, and must be true or false: compare it with something"},
		{`@(context.Variables.ContainsKey("jwt"))`, ""},
		{`@(context.Variables.GetValueOrDefault("other", "") == "")`, `reads the variable "other"`},
	} {
		_, err := buildFolder(t, "name: shop\nservers:\n  wiki: { upstream: { url: https://wiki.contoso.com }, tools: [ { tool: search, allow: { expression: '"+c.expression+"' } } ] }\n")
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %s", c.expression, err, c.want)
		}
	}
}

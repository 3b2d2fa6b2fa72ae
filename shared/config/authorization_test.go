package config

import (
	"reflect"
	"testing"

	"toolgate/shared/fault"

	"github.com/go-json-experiment/json"
)

// authorized uses every key of who may use what.
const authorized = `
name: contoso
namedValues: { tenant: 1111, group: staff }
publicUrl: https://tools.contoso.com
products: { gold: { servers: [ wiki ] } }
apis: { orders: { openapi: apis/orders.yaml } }
servers:
  wiki:
    upstream: { url: https://wiki.contoso.com }
    authorization:
      issuers: [ "https://login.contoso.com/{{tenant}}/v2.0", "http://localhost:9000/" ]
      audience: [ "api://tools", tools ]
      scopes: [ "api://tools/read" ]
      authorizationServers: [ https://sign-in.contoso.com ]
      clientIds: [ cli ]
    allow: { groups: [ "{{group}}" ] }
    tools: [ a, { tool: b, allow: [ { scopes: [ c, d ], roles: [ e, f ] }, { claims: { g: [ h, 2, true ], i: 0x10 }, products: [ gold ], expression: "@(true)" } ] } ]
    resources: [ docs://a/*, { uri: docs://**, allow: { roles: [ e ] } } ]
    prompts: [ { prompt: "j-*" } ]
  orders:
    api: orders
    authorization: { issuer: https://login.contoso.com, audience: api://orders }
    tools: [ { tag: k, allow: { scopes: [ l ] } } ]
  all: { federate: [ wiki, orders ], authorization: { issuer: https://login.contoso.com } }
`

func TestAuthorized(t *testing.T) {
	c, faults := parseText(t, authorized)
	if faults != nil {
		t.Fatalf("got faults\n%v", faults)
	}
	wiki, orders := c.Servers[0], c.Servers[1]
	none := fault.Position{}
	for i := range wiki.Allow {
		wiki.Allow[i].At = none
	}
	for _, a := range []*ServerAuthorization{wiki.Authorization, orders.Authorization} {
		if a.At.Line == 0 {
			t.Error("an authorization has no place")
		}
		a.At = none
	}
	tool := wiki.Upstream.Tools[1].Override.Allow
	if at := tool[1].ExpressionAt; at.Line != 17 {
		t.Errorf("got an expression in line %d", at.Line)
	}
	for i := range tool {
		tool[i].At, tool[i].ExpressionAt = none, none
	}
	resources := wiki.Upstream.ResourceRules
	resources[0].At, resources[1].At, resources[1].Allow[0].At = none, none, none
	for _, c := range []struct{ got, want any }{
		{wiki.Authorization, &ServerAuthorization{
			Issuers: []string{"https://login.contoso.com/1111/v2.0", "http://localhost:9000/"}, Audiences: []string{"api://tools", "tools"},
			Scopes: []string{"api://tools/read"}, AuthorizationServers: []string{"https://sign-in.contoso.com"}, ClientIDs: []string{"cli"},
		}},
		{orders.Authorization, &ServerAuthorization{Issuers: []string{"https://login.contoso.com"}, Audiences: []string{"api://orders"}}},
		{wiki.Allow, []Allow{{Groups: []string{"staff"}}}},
		{tool, []Allow{
			{Scopes: []string{"c", "d"}, Roles: []string{"e", "f"}},
			{Claims: []AllowedClaim{{"g", []string{"h", "2", "true"}}, {"i", []string{"16"}}}, Products: []string{"gold"}, Expression: "@(true)"},
		}},
		{resources, []Published{{Pattern: "docs://a/*"}, {Pattern: "docs://**", Allow: []Allow{{Roles: []string{"e"}}}}}},
		{wiki.Upstream.PromptRules[0].Pattern, "j-*"},
		{wiki.Upstream.Resources && wiki.Upstream.Prompts, true},
		{orders.API.Tools[0].Override.Allow[0].Scopes, []string{"l"}},
		{len(wiki.Allows()), 4},
		{len(orders.Allows()), 1},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("got %+v, want %+v", c.got, c.want)
		}
	}
	text, err := json.Marshal(tool)
	var back []Allow
	if err == nil {
		err = json.Unmarshal(text, &back)
	}
	if err != nil || !reflect.DeepEqual(back, tool) {
		t.Errorf("got %+v from %s, %v", back, text, err)
	}
}

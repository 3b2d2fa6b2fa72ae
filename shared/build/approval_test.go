package build

import (
	"strings"
	"testing"
	"time"
)

// What holds for a tool is what it says itself over what its server says, under its
// published name.
func TestApproval(t *testing.T) {
	r, err := buildFolder(t, `name: shop
publicUrl: https://tools.contoso.com
apis: { shop: { openapi: shop.yaml } }
servers:
  shop:
    api: shop
    approval: { expires: 1m }
    tools:
      - { tag: orders, approval: { message: "Order?" } }
      - { operation: deleteOrder, name: drop_order, approval: { message: "Delete order {id}?", expires: 2m } }
      - { operation: listOrders, approval: false }
      - getFile
  wiki:
    upstream: { url: https://wiki.contoso.com }
    tools: [ search, { tool: close, name: close_ticket, approval: true } ]
  both: { federate: [ shop, wiki ] }
`)
	if err != nil {
		t.Fatal(err)
	}
	servers := load(t, r).Servers
	shop, wiki, both := servers[0], servers[1], servers[2]
	if shop.Approval == nil || shop.Approval.Expires != time.Minute || wiki.Approval != nil || both.Approval != nil || both.ToolApproval != nil {
		t.Errorf("got %+v, %+v, %+v", shop.Approval, wiki.Approval, both)
	}
	for name, want := range map[string]struct {
		message string
		expires time.Duration
	}{"getOrder": {"Order?", time.Minute}, "createOrder": {"Order?", time.Minute}, "drop_order": {"Delete order {id}?", 2 * time.Minute}} {
		if got := shop.ToolApproval[name]; got == nil || got.Message != want.message || got.Expires != want.expires {
			t.Errorf("%s: got %+v, want %v", name, got, want)
		}
	}
	if waived, there := shop.ToolApproval["listOrders"]; waived != nil || !there {
		t.Errorf("listOrders: got %+v, %t", waived, there)
	}
	if _, there := shop.ToolApproval["getFile"]; there {
		t.Error("getFile differs from its server")
	}
	if got := wiki.ToolApproval["close_ticket"]; len(wiki.ToolApproval) != 1 || got == nil || got.Expires != 5*time.Minute {
		t.Errorf("got %+v", wiki.ToolApproval)
	}
	var report strings.Builder
	r.Report.Write(&report, false)
	for _, want := range []string{
		"shop: a person is asked before its tools may be called; ", "wiki: a person is asked before close_ticket may be called; ", "(TOOLGATE_STORE)", "one sealingKey",
	} {
		if !strings.Contains(report.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, report.String())
		}
	}
}

func TestApprovalFaults(t *testing.T) {
	_, err := buildFolder(t, `name: shop
apis: { shop: { openapi: shop.yaml } }
servers:
  shop:
    api: shop
    tools: [ { operation: deleteOrder, approval: { message: "Delete {iD} of {shelf}?" } } ]
`)
	want := []string{
		`gateway.yaml:6:50: the message shows {iD}, and the tool "deleteOrder" has no such argument: did you mean "id"?`,
		`gateway.yaml:6:50: the message shows {shelf}, and the tool "deleteOrder" has no such argument`,
	}
	for _, text := range want {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("got %v, want %s", err, text)
		}
	}
}

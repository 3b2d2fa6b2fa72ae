package config

import (
	"testing"
	"time"
)

func TestRegistry(t *testing.T) {
	c, faults := parseText(t, `name: a
version: 1.2.0
publicUrl: https://tools.contoso.com/gateway
registry:
  basePath: /workspaces/default/
  visibility: callers
  servers:
    tickets: { url: "https://tickets.contoso.com/mcp", description: Tickets., lifecycle: production, owner: Support, published: 2026-11-01 }
servers:
  orders: { upstream: { url: "https://o.contoso.com" } }
  orders-v2: { upstream: { url: "https://o.contoso.com" }, registry: { name: orders, version: 2.0.0, updated: "2026-11-02T10:00:00+01:00" } }
  inner: { upstream: { url: "https://o.contoso.com" }, registry: false }
`)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	r := c.Registry
	if r.Namespace != "com.contoso.tools" || r.Path != "/workspaces/default" || !r.Callers || r.ServerCards {
		t.Errorf("registry: got %+v", r)
	}
	if s := r.Servers[0]; s.Name != "com.contoso.tools/tickets" || s.Version != "1.0.0" || s.Transport != StreamableHTTP ||
		s.Lifecycle != "production" || !s.Published.Equal(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("external server: got %+v", s)
	}
	for i, want := range []string{"com.contoso.tools/orders 1.2.0", "com.contoso.tools/orders 2.0.0", "com.contoso.tools/inner 1.2.0"} {
		if l := c.Servers[i].Listing; l.Name+" "+l.Version != want || l.Hidden != (i == 2) {
			t.Errorf("server %d: got %+v, want %s", i, l, want)
		}
	}
	if got, want := c.Servers[1].Listing.Updated, time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC); got != want {
		t.Errorf("updated: got %v, want %v", got, want)
	}
}

func TestNamespaceOf(t *testing.T) {
	for in, want := range map[string]string{
		"": "localhost", "http://127.0.0.1:8080": "localhost", "http://[::1]:80/x": "localhost",
		"https://tools.contoso.com": "com.contoso.tools", "https://Tools.contoso.com.:8443/a": "com.contoso.tools",
	} {
		if got := namespaceOf(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

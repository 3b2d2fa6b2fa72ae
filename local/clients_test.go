package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const clientsGateway = `name: contoso
backends: { orders: { url: "https://orders.test" } }
apis: { orders: { openapi: orders.yaml, backend: orders } }
profiles: { short: { like: openai, nameLength: 24 } }
servers:
  orders: { api: orders, clientProfiles: { default: short } }
  desk: { upstream: { url: "https://desk.test/mcp" }, clientProfiles: { default: short } }
  all: { federate: [ orders, desk ] }
`

const clientsDocument = `openapi: 3.1.0
info: { title: Orders, version: "1" }
paths:
  /orders:
    get:
      operationId: findOrdersOfOneCustomerInAllShops
      parameters: [ { name: top, in: query, schema: { type: integer, exclusiveMinimum: 0 } } ]
      responses: { "200": { description: Orders. } }
`

func TestClients(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"gateway.yaml": clientsGateway, "orders.yaml": clientsDocument} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args string
		code int
		want []string
	}{
		{"", 0, []string{"orders for short: 1 of 1 tools are adapted\n  findOrdersOfOneCustomerInAllShops\n    name: findOrders_Shops_", "desk: its tools are known when the MCP server is asked for them: --live\n"}},
		{"--profile gemini --server orders --definitions", 0, []string{"orders for gemini: 1 of 1", "exclusiveMinimum: 1×", `"description":"More than 0."`}},
		{"--profile none", 0, []string{"orders for none: 0 of 1", "all: its tools are those of its members"}},
		{"--profile gemni", 1, []string{`there is no profile "gemni": did you mean "gemini"?`}},
		{"--server ordrs", 1, []string{`there is no server "ordrs" with profiles`, `did you mean "orders"?`}},
	} {
		var out bytes.Buffer
		env := func(string) (string, bool) { return "", false }
		if code := run(t.Context(), append([]string{"clients", dir}, strings.Fields(c.args)...), &out, &out, env); code != c.code {
			t.Errorf("%s: got exit code %d, want %d", c.args, code, c.code)
		}
		for _, want := range c.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: got %s, want %q in it", c.args, out.String(), want)
			}
		}
	}
	var out bytes.Buffer
	if code := run(t.Context(), []string{"validate", "--all", dir}, &out, &out, func(string) (string, bool) { return "", false }); code != 0 || !strings.Contains(out.String(), "orders: for clients of the profile short, 1 of 1 tools are adapted\n  findOrdersOfOneCustomerInAllShops\n    name: ") {
		t.Errorf("validate: got %d %s", code, out.String())
	}
}

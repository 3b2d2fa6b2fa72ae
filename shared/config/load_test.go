package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"toolgate/shared/fault"
)

// example uses every key but those of policies, which governed has.
const example = `
name: contoso
title: Contoso tools
description: What agents may do
version: "2.1"
publicUrl: https://tools.contoso.com/agents/
allowedHosts: [Tools.internal, "[::1]:8080"]
allowedOrigins: [https://app.contoso.com, "https://Old.contoso.com:443"]
sealingKey: { secret: env:SEALING_KEY }
limits: { requestBytes: 1MiB, depth: 64, resultBytes: 65536, timeout: 1m30s, listPage: 100, listTtl: 10m }
namedValues:
  tenant-id: 1111
  region: { env: REGION, default: westeurope }
  zone: { env: ZONE, default: 2 }
  orders-key: { secret: env:ORDERS_KEY }
backends:
  orders:
    url: https://{{region}}.contoso.com/v1/
    timeout: 10s
    credentials:
      header: { x-functions-key: "{{orders-key}}", x-zone: "zone {{zone}}" }
      query: { code: { secret: env:CODE } }
      authorization: { scheme: Bearer, parameter: "{{tenant-id}}.{{orders-key}}!" }
  stock: {}
apis:
  orders: { openapi: apis/orders.yaml, backend: orders }
  stock: { openapi: "https://stock.contoso.com/openapi.json?v=3" }
servers:
  orders:
    title: Orders
    description: Orders of tenant {{tenant-id}}
    instructions: |
      Ask before you buy.
    api: orders
    tools:
      - getOrder
      - operation: POST /orders
        name: create_order
        title: Create
        description: Creates an order
        annotations: { readOnly: false, destructive: false, idempotent: true, openWorld: false }
        defaults: { limit: 20, region: "{{region}}" }
        hidden: { api-version: "2024-01", options: [1, null, { big: 12345678901234567890123, half: .5, hex: 0x10 }] }
      - tag: orders
        annotations: { readOnly: true }
      - { method: GET }
      - { path: /orders/**, method: GET }
    exclude: [ deleteOrder, { tag: admin } ]
    acceptLossy: true
    nameLength: 32
    outputSchema: exact
    openWorld: false
  helpdesk:
    upstream:
      url: https://helpdesk.contoso.com/mcp?code=1
      transport: sse
      protocolVersion: 2025-11-25
      timeout: 60
      credentials: { header: { x-key: { secret: env:HELPDESK_KEY } } }
    tools: [ search, { tool: close, name: close_ticket, title: Close, description: Closes a ticket, annotations: { destructive: true } } ]
    resources: true
    prompts: false
  stock:
    api: stock
  wiki:
    upstream: { url: http://localhost:9000 }
  everything:
    federate: [ orders, { server: helpdesk, prefix: hd }, { server: wiki, prefix: "" }, { server: stock } ]
`

var exampleFiles = fstest.MapFS{
	"apis/orders.yaml":   {},
	"schemas/order.json": {},
	"policies/a.xml":     {},
	"policies/b.xml":     {},
}

// environment is what the tests see of it: secrets are not there, and must not
// be asked for.
func environment(t testing.TB) func(string) (string, bool) {
	return func(name string) (string, bool) {
		if name == "ORDERS_KEY" || name == "SEALING_KEY" {
			t.Errorf("the secret %s was read", name)
		}
		text, ok := map[string]string{"REGION": "northeurope", "LATIN": "\xe9", "LONG": strings.Repeat("x", 5000)}[name]
		return text, ok
	}
}

func parseText(t testing.TB, text string) (*Config, fault.Faults) {
	t.Helper()
	return parse("", "gateway.yaml", []byte(text), environment(t), exampleFiles)
}

func TestParseExample(t *testing.T) {
	got, faults := parseText(t, example)
	if faults != nil {
		t.Fatalf("got faults\n%v", faults)
	}
	at := func(line, column int) fault.Position {
		return fault.Position{File: "gateway.yaml", Line: line, Column: column}
	}
	text := func(s string) Text { return Text{Parts: []Part{{Literal: s}}} }
	secret := func(ref string) Text { return Text{Parts: []Part{{Secret: ref}}} }
	yes, no := true, false
	want := &Config{
		Files: []string{"gateway.yaml", "apis/orders.yaml", "fragments"},
		Name:  "contoso", Title: "Contoso tools", Description: "What agents may do", Version: "2.1",
		PublicURL:      "https://tools.contoso.com/agents",
		AllowedHosts:   []string{"tools.internal", "[::1]:8080"},
		AllowedOrigins: []string{"https://app.contoso.com", "https://old.contoso.com"},
		SealingKey:     secret("env:SEALING_KEY"),
		Limits:         Limits{RequestBytes: 1 << 20, Depth: 64, ResultBytes: 65536, Timeout: 90 * time.Second, ListPage: 100, ListTTL: 10 * time.Minute},
		NamedValues: []NamedValue{
			{Name: "tenant-id", Value: text("1111")}, {Name: "region", Value: text("northeurope")},
			{Name: "zone", Value: text("2")}, {Name: "orders-key", Value: secret("env:ORDERS_KEY")},
		},
		Backends: []Backend{{
			Name: "orders", URL: "https://northeurope.contoso.com/v1", Timeout: 10 * time.Second,
			Credentials: Credentials{
				Header: []Credential{{"x-functions-key", secret("env:ORDERS_KEY")}, {"x-zone", text("zone 2")}},
				Query:  []Credential{{"code", secret("env:CODE")}},
				Authorization: &Authorization{
					"Bearer", Text{Parts: []Part{{Literal: "1111."}, {Secret: "env:ORDERS_KEY"}, {Literal: "!"}}},
				},
			},
		}, {Name: "stock"}},
		APIs: []API{
			{Name: "orders", OpenAPI: "apis/orders.yaml", Backend: "orders", At: at(26, 3)},
			{Name: "stock", OpenAPI: "https://stock.contoso.com/openapi.json?v=3", At: at(27, 3)},
		},
		Servers: []Server{{
			Name: "orders", Title: "Orders", Description: "Orders of tenant 1111", Instructions: "Ask before you buy.\n", At: at(29, 3),
			API: &APIServer{
				API: "orders",
				Tools: []Selection{{Operation: "getOrder", At: at(36, 9)}, {
					Operation: "POST /orders",
					Override: Override{
						Name: "create_order", Title: "Create", Description: "Creates an order",
						Annotations: Annotations{&no, &no, &yes, &no},
						Defaults: []Value{
							{"limit", []byte("20"), at(42, 21)}, {"region", []byte(`"northeurope"`), at(42, 32)},
						},
						Hidden: []Value{
							{"api-version", []byte(`"2024-01"`), at(43, 19)},
							{"options", []byte(`[1,null,{"big":12345678901234567890123,"half":0.5,"hex":16}]`), at(43, 43)},
						},
					},
					At: at(37, 9),
				}, {
					Tag: "orders", Override: Override{Annotations: Annotations{ReadOnly: &yes}}, At: at(44, 9),
				}, {Method: "GET", At: at(46, 9)}, {Method: "GET", Path: "/orders/**", At: at(47, 9)}},
				Exclude:     []Selection{{Operation: "deleteOrder", At: at(48, 16)}, {Tag: "admin", At: at(48, 29)}},
				AcceptLossy: true, NameLength: 32, OutputSchema: "exact", OpenWorld: &no,
			},
		}, {
			Name: "helpdesk", At: at(53, 3),
			Upstream: &Upstream{
				URL: "https://helpdesk.contoso.com/mcp?code=1", Transport: SSE, ProtocolVersion: "2025-11-25", Timeout: time.Minute,
				Credentials: Credentials{Header: []Credential{{"x-key", secret("env:HELPDESK_KEY")}}},
				Tools: []Selection{{Tool: "search", At: at(60, 14)}, {
					Tool: "close", At: at(60, 22), Override: Override{
						Name: "close_ticket", Title: "Close", Description: "Closes a ticket", Annotations: Annotations{Destructive: &yes},
					},
				}},
				Resources: true, ToolLimits: ToolLimits{16384, 131072, 512},
			},
		}, {
			Name: "stock", At: at(63, 3), API: &APIServer{API: "stock", NameLength: 48, OutputSchema: "permissive"},
		}, {
			Name: "wiki", At: at(65, 3),
			Upstream: &Upstream{URL: "http://localhost:9000", Transport: StreamableHTTP, Resources: true, Prompts: true, ToolLimits: ToolLimits{16384, 131072, 512}},
		}, {
			Name: "everything", At: at(67, 3),
			Federate: []Member{
				{Server: "orders", Prefix: "orders", At: at(68, 17)}, {Server: "helpdesk", Prefix: "hd", At: at(68, 25)},
				{Server: "wiki", Bare: true, At: at(68, 59)}, {Server: "stock", Prefix: "stock", At: at(68, 89)},
			},
		}},
	}
	compareFields(t, "", reflect.ValueOf(*got), reflect.ValueOf(*want))
}

// compareFields compares structs field by field, so that a difference is shown
// where it is.
func compareFields(t *testing.T, path string, got, want reflect.Value) {
	t.Helper()
	switch {
	case got.Kind() == reflect.Struct:
		for i := range got.NumField() {
			compareFields(t, path+"."+got.Type().Field(i).Name, got.Field(i), want.Field(i))
		}
	case got.Kind() == reflect.Pointer && !got.IsNil() && !want.IsNil():
		compareFields(t, path, got.Elem(), want.Elem())
	case got.Kind() == reflect.Slice && got.Type().Elem().Kind() == reflect.Struct && got.Len() == want.Len():
		for i := range got.Len() {
			compareFields(t, fmt.Sprintf("%s[%d]", path, i), got.Index(i), want.Index(i))
		}
	case !reflect.DeepEqual(got.Interface(), want.Interface()):
		t.Errorf("%s: got %q, want %q", path, fmt.Sprint(got), fmt.Sprint(want))
	}
}

func TestParseDefaults(t *testing.T) {
	got, faults := parseText(t, "name: contoso")
	if faults != nil {
		t.Fatalf("got faults %v", faults)
	}
	want := &Config{
		Name: "contoso", Version: "1.0.0", Files: []string{"gateway.yaml", "fragments"},
		Limits: Limits{RequestBytes: 4 << 20, Depth: 128, ResultBytes: 256 << 10, Timeout: 30 * time.Second, ListPage: 250, ListTTL: 5 * time.Minute},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestParseJSON(t *testing.T) {
	got, faults := parseText(t, `{"name": "contoso", "limits": {"timeout": 5}, "servers": {"wiki": {"upstream": {"url": "https://wiki.contoso.com"}}}}`)
	if faults != nil || got.Limits.Timeout != 5*time.Second || got.Servers[0].Upstream.URL != "https://wiki.contoso.com" {
		t.Errorf("got %+v, %v", got, faults)
	}
}

func TestParseAnchors(t *testing.T) {
	got, faults := parseText(t, `
name: contoso
backends:
  a: &base { url: https://a.contoso.com, timeout: &time 10s, credentials: &keys { header: { x-key: k } } }
  b: { <<: *base, url: https://b.contoso.com }
  c: { <<: [ { timeout: 20s }, *base ] }
limits: { timeout: *time }
servers:
  wiki: { upstream: { url: https://wiki.contoso.com, credentials: *keys } }
`)
	if faults != nil {
		t.Fatalf("got faults\n%v", faults)
	}
	keys := Credentials{Header: []Credential{{"x-key", Text{Parts: []Part{{Literal: "k"}}}}}}
	want := []Backend{
		{Name: "a", URL: "https://a.contoso.com", Timeout: 10 * time.Second, Credentials: keys},
		{Name: "b", URL: "https://b.contoso.com", Timeout: 10 * time.Second, Credentials: keys},
		{Name: "c", URL: "https://a.contoso.com", Timeout: 20 * time.Second, Credentials: keys},
	}
	if !reflect.DeepEqual(got.Backends, want) {
		t.Errorf("got %+v, want %+v", got.Backends, want)
	}
	if got.Limits.Timeout != 10*time.Second || !reflect.DeepEqual(got.Servers[0].Upstream.Credentials, keys) {
		t.Errorf("got %v and %v through aliases", got.Limits.Timeout, got.Servers[0].Upstream.Credentials)
	}
}

func TestLoad(t *testing.T) {
	for _, name := range []string{"gateway.yaml", "gateway.yml"} {
		dir := t.TempDir()
		write(t, dir, name, strings.Replace(example, "apis/orders.yaml", "orders.json", 1))
		write(t, dir, "orders.json", "{}")
		got, faults := Load(dir, environment(t))
		if faults != nil {
			t.Fatalf("%s: got faults\n%v", name, faults)
		}
		want := []string{filepath.Join(dir, name), filepath.Join(dir, "orders.json"), filepath.Join(dir, "fragments")}
		if got.Dir != dir || !slices.Equal(got.Files, want) || got.APIs[0].OpenAPI != want[1] {
			t.Errorf("got dir %q, files %q, document %q; want %q, %q, %q",
				got.Dir, got.Files, got.APIs[0].OpenAPI, dir, want, want[1])
		}
	}
}

func TestLoadUnreadable(t *testing.T) {
	empty, both, large, folder := t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()
	write(t, both, "gateway.yaml", "name: a")
	write(t, both, "gateway.yml", "name: a")
	write(t, large, "gateway.yaml", "name: a\n"+strings.Repeat("# more\n", maxFileBytes/7))
	if err := os.Mkdir(filepath.Join(folder, "gateway.yml"), 0o700); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, dir, want string }{
		{"none", empty, fmt.Sprintf("gateway.yaml: the folder %q has no such file: create it, or name the folder that has it", empty)},
		{"two", both, "gateway.yml: the folder has gateway.yaml as well: keep one of them"},
		{"large", large, "gateway.yaml: the file is larger than 4 MiB: use more than one gateway"},
		{"folder", folder, fmt.Sprintf("gateway.yml: the file cannot be read: read %s: is a directory: make it a readable file",
			filepath.Join(folder, "gateway.yml"))},
	}
	for _, tt := range tests {
		got, faults := Load(tt.dir, environment(t))
		if got != nil || faults.Error() != tt.want {
			t.Errorf("%s: got %v, %v, want %s", tt.name, got, faults, tt.want)
		}
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

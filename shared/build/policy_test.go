package build

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"toolgate/shared/config"
	"toolgate/shared/fault"
	"toolgate/shared/snapshot"
)

// document is a policy document with one policy in inbound, which a marker
// tells from those of other documents.
func document(marker string) string {
	return "<policies>\n  <inbound><base /><set-header name=\"x\"><value>" + marker +
		"</value></set-header></inbound>\n  <backend><base /></backend>\n</policies>\n"
}

// compile builds a folder as `go run ./local build` does.
func compile(t *testing.T, files map[string]string) (*Result, error) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, faults := config.Load(dir, func(string) (string, bool) { return "", false })
	if cfg == nil {
		t.Fatal(faults)
	}
	r, err := Build(t.Context(), cfg, func(context.Context, string) ([]byte, error) { return nil, errors.New("404 Not Found") })
	if more, ok := errors.AsType[fault.Faults](err); ok || len(faults) > 0 {
		return nil, append(faults, more...).Sorted()
	}
	return r, err
}

const governed = `
name: shop
policy: policies/global.xml
schemas: { order: schemas/order.json }
namedValues: { limit: 5, key: { secret: env:KEY } }
backends:
  east: { url: https://east.contoso.com, circuitBreaker: { failures: 5, interval: 1m, tripDuration: 30s } }
  both: { pool: [ { backend: east } ] }
apis:
  shop:
    openapi: shop.yaml
    title: Shop
    version: v1
    path: shop/v1
    policy: policies/shared.xml
    operations:
      getOrder: { policy: policies/operation.xml }
      DELETE /orders/{id}: { policy: policies/shared.xml }
  inner: { openapi: shop.yaml, backend: both, operations: { createOrder: { policy: policies/operation.xml } } }
  mock: { path: /, backend: both, operations: { ping: { method: GET, urlTemplate: "/ping/{*rest}", policy: policies/shared.xml } } }
  unused: { openapi: shop.yaml }
servers:
  shop:
    api: inner
    policy: policies/shared.xml
    tools: [ getOrder, { operation: createOrder, name: create_order, policy: policies/tool.xml } ]
  wiki: { upstream: { url: https://wiki.contoso.com }, tools: [ search, { tool: edit, policy: policies/tool.xml }, { tool: drop, name: remove, policy: policies/shared.xml } ] }
  all: { federate: [ shop, wiki ], policy: policies/shared.xml }
products:
  starter: { title: Starter, apis: [ inner ], servers: [ shop ], policy: policies/product.xml, subscriptionRequired: false }
`

func governedFiles() map[string]string {
	return map[string]string{
		"gateway.yaml": governed, "shop.yaml": shop,
		"relative.yaml":          "openapi: 3.1.0\ninfo: { title: a, version: b }\npaths: { /b: { get: { responses: {} } } }\n",
		"policies/global.xml":    document("{{key}} of {{limit}}"),
		"policies/shared.xml":    document("shared"),
		"policies/operation.xml": document("operation"),
		"policies/tool.xml":      document("@(\"{{key}}\" + context.RequestId)"),
		"policies/product.xml":   "<policies><inbound><base /><include-fragment fragment-id=\"note\" /></inbound></policies>",
		"fragments/note.xml":     "<fragment><set-header name=\"y\"><value>{{limit}}</value></set-header></fragment>",
		"schemas/order.json":     "{\n  \"type\": \"object\"\n}\n",
	}
}

func TestPolicies(t *testing.T) {
	files := governedFiles()
	r, err := compile(t, files)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Report.Warnings) > 0 {
		t.Errorf("got warnings %v", r.Report.Warnings)
	}
	s := load(t, r)
	number := map[string]int{}
	for i, p := range s.Policies {
		number[strings.TrimSuffix(filepath.Base(p.File), ".xml")] = i + 1
		if source, err := s.Policy(i + 1); err != nil || string(source) != files[filepath.ToSlash(p.File)] {
			t.Errorf("%s: got %s, %v, want what was written", p.File, source, err)
		}
	}
	if names := slices.Sorted(maps.Keys(number)); len(s.Policies) != 5 || !slices.Equal(names, []string{"global", "operation", "product", "shared", "tool"}) {
		t.Errorf("got documents %v, want each once", s.Policies)
	}
	fragment, err := s.Fragment("note")
	if err != nil || string(fragment) != files["fragments/note.xml"] {
		t.Errorf("got %s, %v", fragment, err)
	}
	schema, err := s.Schema("order")
	if err != nil || string(schema) != `{"type":"object"}` {
		t.Errorf("got %s, %v", schema, err)
	}
	tools := func(i int) map[string]int { return s.Servers[i].ToolPolicies }
	for _, tt := range []struct {
		what      string
		got, want any
	}{
		{"global", s.GlobalPolicy, number["global"]},
		{"servers", []int{s.Servers[0].Policy, s.Servers[1].Policy, s.Servers[2].Policy}, []int{number["shared"], 0, number["shared"]}},
		{"tools of an API", tools(0), map[string]int{"create_order": number["tool"]}},
		{"tools of an upstream", tools(1), map[string]int{"edit": number["tool"], "remove": number["shared"]}},
		{"tools of a federation", tools(2), map[string]int(nil)},
		{"fragments", s.Fragments, []snapshot.Fragment{{ID: "note", File: "fragments/note.xml"}}},
		{"schemas", s.Schemas, []string{"order"}},
		{"named values", s.NamedValues, []config.NamedValue{
			{Name: "limit", Value: config.Text{Parts: []config.Part{{Literal: "5"}}}},
			{Name: "key", Value: config.Text{Parts: []config.Part{{Secret: "env:KEY"}}}},
		}},
		{"products", s.Products, []snapshot.Product{
			{Name: "starter", Title: "Starter", APIs: []string{"inner"}, Servers: []string{"shop"}, Open: true, Policy: number["product"]},
		}},
		{"subscription keys", []any{*s.Servers[0].SubscriptionKeys, s.Servers[1].SubscriptionKeys == nil, *s.APIs[1].SubscriptionKeys, s.APIs[0].SubscriptionKeys == nil}, []any{
			config.SubscriptionKeys{Header: "Ocp-Apim-Subscription-Key", Query: "subscription-key"}, true,
			config.SubscriptionKeys{Header: "Ocp-Apim-Subscription-Key", Query: "subscription-key"}, true,
		}},
		{"backends", []any{len(s.Backends), s.Backends[0].CircuitBreaker.Failures, s.Backends[1].Pool[0].Backend}, []any{2, 5, "east"}},
		{"destinations of tools", []any{s.Servers[0].API.Name, len(s.Servers[0].API.Backends), s.Servers[0].API.Backends[0].Name}, []any{"inner", 1, "both"}},
	} {
		if !reflect.DeepEqual(tt.got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.what, tt.got, tt.want)
		}
	}
	tool, err := s.Tool("shop", "create_order")
	want := snapshot.Operation{ID: "createOrder", Method: "POST", URLTemplate: "/orders", Policy: number["operation"]}
	if err != nil || tool.Operation != want {
		t.Errorf("got the operation %+v, %v, want %+v", tool.Operation, err, want)
	}
	t.Run("apis", func(t *testing.T) { checkAPIs(t, s, number) })
}

func checkAPIs(t *testing.T, s *snapshot.Snapshot, number map[string]int) {
	var names []string
	for _, a := range s.APIs {
		names = append(names, a.Name)
	}
	if !slices.Equal(names, []string{"shop", "inner", "mock"}) {
		t.Fatalf("got APIs %v: one that nothing reaches is none", names)
	}
	a := s.APIs[0]
	if a.Title != "Shop" || a.Version != "v1" || !a.HasPath || a.Path != "shop/v1" || a.Backend != "" || a.Policy != number["shared"] || len(a.Backends) != 2 {
		t.Errorf("got %+v", a)
	}
	operations, err := s.Operations("shop")
	want := []snapshot.Operation{
		{ID: "listOrders", Method: "GET", URLTemplate: "/orders"},
		{ID: "createOrder", Method: "POST", URLTemplate: "/orders"},
		{ID: "getOrder", Method: "GET", URLTemplate: "/orders/{id}", Policy: number["operation"]},
		{ID: "deleteOrder", Method: "DELETE", URLTemplate: "/orders/{id}", Policy: number["shared"]},
		{ID: "getFile", Method: "GET", URLTemplate: "/files/{id}", Backend: 1},
		{ID: "status", Method: "GET", URLTemplate: "/status"},
	}
	if err != nil || !slices.Equal(operations, want) {
		t.Errorf("got %+v, %v, want %+v", operations, err, want)
	}
	if a := s.APIs[1]; a.HasPath || a.Backend != "both" || a.Backends != nil {
		t.Errorf("got %+v", a)
	}
	if _, err := s.Operations("inner"); err == nil {
		t.Error("an API without a path has an entry with its operations")
	}
	if a := s.APIs[2]; !a.HasPath || a.Path != "" || len(a.Backends) != 1 || a.Backends[0].Pool == nil {
		t.Errorf("got %+v", a)
	}
	operations, err = s.Operations("mock")
	want = []snapshot.Operation{{ID: "ping", Method: "GET", URLTemplate: "/ping/{*rest}", Policy: number["shared"]}}
	if err != nil || !slices.Equal(operations, want) {
		t.Errorf("got %+v, %v, want %+v", operations, err, want)
	}
}

// Each case changes one file of a folder without faults.
func TestPolicyFaults(t *testing.T) {
	replaced := func(old, new string) string { return strings.Replace(governed, old, new, 1) }
	const quota = "<policies><inbound><base />\n<quota calls=\"5\" renewal-period=\"60\" /></inbound></policies>"
	for _, c := range []struct{ name, file, content, want string }{
		{"syntax", "policies/shared.xml", "<policies>\n  <inbound>\n</policies>", "policies/shared.xml:2:3: "},
		{"unknown policy", "policies/shared.xml", "<policies>\n  <inbound><set-heder /></inbound></policies>",
			`policies/shared.xml:2:12: unknown policy "set-heder": did you mean "set-header"?`},
		{"expression", "policies/tool.xml", strings.Replace(document("@(context.Requst.Method)"), "\n", "\n\n", 1), `policies/tool.xml:3:58: IContext has no member "Requst": did you mean "Request"?`},
		{"unknown named value", "policies/operation.xml", document("{{limt}}"),
			`policies/operation.xml:2:48: unknown named value "limt": did you mean "limit"?`},
		{"scope of an API", "policies/shared.xml", quota, "policies/shared.xml:2:1: quota must not stand in a document of the scope api: move it to"},
		{"scope of an operation", "policies/shared.xml", quota, "policies/shared.xml:2:1: quota must not stand in a document of the scope operation: move it to"},
		{"scope of a server", "policies/shared.xml", quota, "policies/shared.xml:2:1: quota must not stand in a document of the scope server: move it to"},
		{"scope of a tool", "policies/shared.xml", quota, "policies/shared.xml:2:1: quota must not stand in a document of the scope tool: move it to"},
		{"scope of the gateway", "policies/global.xml", quota, "policies/global.xml:2:1: quota must not stand in a document of the scope global: move it to"},
		{"fragment in a document's place", "policies/shared.xml", "<fragment><trace source=\"a\" /></fragment>", "policies/shared.xml: the document of the scope"},
		{"document in a fragment's place", "fragments/note.xml", document("a"), "fragments/note.xml:1:1: the fragment note has no <fragment>: write <fragment> around its policies"},
		{"policy of a fragment", "fragments/note.xml", "<fragment>\n<set-heder /></fragment>", `fragments/note.xml:2:1: unknown policy "set-heder": did you mean "set-header"?`},
		{"unknown fragment", "policies/product.xml", "<policies><inbound>\n<include-fragment fragment-id=\"not\" /></inbound></policies>",
			`policies/product.xml:2:32: unknown fragment "not": did you mean "note"?`},
		{"composition", "fragments/note.xml", "<fragment>\n<include-fragment fragment-id=\"note\" /></fragment>", "fragments/note.xml:2:32: the fragment note includes itself"},
		{"unknown operation", "gateway.yaml", replaced("getOrder: {", "getOrdr: {"), `gateway.yaml:17:7: API "shop" has no operation "getOrdr": did you mean "getOrder"?`},
		{"operation twice", "gateway.yaml", replaced("DELETE /orders", "GET /orders"), `gateway.yaml:18:7: operation "getOrder" of API "shop" stands under ` + "`operations` twice: remove one"},
		{"schema syntax", "schemas/order.json", "{\n  \"type\": object }", `schemas/order.json:2:11: the schema "order" cannot be used: invalid character 'o' at start of value: correct it`},
		{"schema", "schemas/order.json", `{"type": "objekt"}`, `schemas/order.json: the schema "order" cannot be used: compiling a JSON Schema`},
		{"both", "gateway.yaml", replaced("getOrder: { policy: policies/operation.xml", "getOrdr: { policy: policies/absent.xml"),
			`gateway.yaml:17:26: "policy" in "getOrdr" in "operations" in api "shop" is "policies/absent.xml", and there is no such file`},
		{"no address of a document", "gateway.yaml", "name: a\napis: { a: { path: a, openapi: relative.yaml } }",
			`gateway.yaml:2:9: operation "GET /b" of API "a" has no usable address: `},
		{"no address", "gateway.yaml", "name: a\napis: { a: { path: a, operations: { b: { method: GET, urlTemplate: / } } } }",
			`gateway.yaml:2:37: operation "b" of API "a" has no usable address: the API has no backend: set`},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := governedFiles()
			files[c.file] = c.content
			_, err := compile(t, files)
			if err == nil || !slices.ContainsFunc(strings.Split(err.Error(), "\n"), func(line string) bool { return strings.HasPrefix(line, c.want) }) {
				t.Errorf("got\n%v\nwant a line %s…", err, c.want)
			}
		})
	}
}

// An API in several products is composed under each of them, and under none.
func TestProducts(t *testing.T) {
	const one = "<policies><inbound /><backend><forward-request /></backend></policies>"
	files := map[string]string{
		"gateway.yaml": `
name: shop
apis: { a: { path: a, operations: { b: { method: GET, urlTemplate: / } } } }
products: { bare: { apis: [ a ] }, gold: { apis: [ a ], policy: gold.xml }, silver: { apis: [ a ], policy: silver.xml } }
`,
		"gold.xml": one, "silver.xml": strings.Replace(one, "<inbound />", "<inbound><cache-lookup vary-by-developer=\"false\" vary-by-developer-groups=\"false\" /></inbound>", 1),
	}
	r, err := compile(t, files)
	if err != nil {
		t.Fatal(err)
	}
	s := load(t, r)
	want := []snapshot.Product{
		{Name: "bare", APIs: []string{"a"}}, {Name: "gold", APIs: []string{"a"}, Policy: 1}, {Name: "silver", APIs: []string{"a"}, Policy: 2},
	}
	if !reflect.DeepEqual(s.Products, want) || !s.APIs[0].SubscriptionKeys.Required {
		t.Errorf("got %+v and %+v, want %+v", s.Products, s.APIs[0], want)
	}
	files["silver.xml"] = strings.Replace(one, "<inbound />", "<inbound><include-fragment fragment-id=\"not\" /></inbound>", 1)
	if _, err := compile(t, files); err == nil || !strings.Contains(err.Error(), "silver.xml:1:") {
		t.Errorf("got %v, want the fault of the second product", err)
	}
}

// One mistake in a document that is used in many places is one fault.
func TestPolicyFaultOnce(t *testing.T) {
	for _, file := range []string{"policies/shared.xml", "policies/global.xml", "fragments/note.xml"} {
		files := governedFiles()
		files[file] = strings.Replace(files[file], "set-header", "set-heder", 2)
		_, err := compile(t, files)
		faults, _ := errors.AsType[fault.Faults](err)
		if len(faults) != 1 {
			t.Errorf("%s: got %v, want one fault", file, err)
		}
	}
}

// Operations without an address are served where a policy may answer.
func TestPolicyInPlaceOfAddress(t *testing.T) {
	for _, policies := range []string{
		"apis: { a: { path: a, openapi: relative.yaml, policy: policies/tool.xml } }",
		"apis: { a: { path: a, openapi: relative.yaml, operations: { GET /b: { policy: policies/tool.xml } } } }",
		"apis: { a: { path: a, operations: { b: { method: GET, urlTemplate: /b } } } }\npolicy: policies/tool.xml",
		"apis: { a: { path: a, openapi: relative.yaml } }\nproducts: { p: { apis: [a], subscriptionRequired: false, policy: policies/tool.xml } }",
	} {
		files := governedFiles()
		files["gateway.yaml"] = "name: a\nnamedValues: { key: a, limit: 5 }\n" + policies
		r, err := compile(t, files)
		if err != nil {
			t.Errorf("%s: %v", policies, err)
			continue
		}
		if list, err := load(t, r).Operations("a"); err != nil || len(list) != 1 || list[0].Backend != -1 {
			t.Errorf("%s: got %+v, %v, want one operation without a destination", policies, list, err)
		}
	}
}

// A secret may stand where a number must, since it is put in at start; another
// document is held to its types all the same.
func TestSecretsStayReferences(t *testing.T) {
	files := governedFiles()
	limit := `<policies><inbound><base /><rate-limit-by-key calls="VALUE" renewal-period="60" counter-key="a" /></inbound></policies>`
	files["policies/operation.xml"] = strings.Replace(limit, "VALUE", "{{key}}", 1)
	r, err := compile(t, files)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(r.Snapshot), os.TempDir()) {
		t.Error("the snapshot knows a path of this machine")
	}
	for _, value := range []string{"${calls}", "many"} {
		files["policies/operation.xml"] = strings.Replace(limit, "VALUE", value, 1)
		if _, err := compile(t, files); err == nil || !strings.Contains(err.Error(), `the attribute calls is "`) {
			t.Errorf("%s: got %v, want a fault", value, err)
		}
	}
}

// Documents of older tools are UTF-16; the snapshot has UTF-8.
func TestUTF16(t *testing.T) {
	files := governedFiles()
	text := document("ä {{key}}")
	wide := "\xff\xfe"
	for _, r := range text {
		wide += string([]byte{byte(r), byte(r >> 8)})
	}
	files["policies/shared.xml"] = wide
	r, err := compile(t, files)
	if err != nil {
		t.Fatal(err)
	}
	s := load(t, r)
	if got, err := s.Policy(s.Servers[0].Policy); err != nil || string(got) != text {
		t.Errorf("got %q, %v, want %q", got, err, text)
	}
}

// What is doubtful stands in the report, and keeps nothing from being built.
func TestWarnings(t *testing.T) {
	files := governedFiles()
	files["policies/tool.xml"] = strings.Replace(document("a"), "<inbound>", "<inbound><!-- \xe9 -->", 1)
	r, err := compile(t, files)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	r.Report.Write(&out, false)
	if want := "policies/tool.xml:2:17: warning: the text is not UTF-8: save the document as UTF-8\n"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("got\n%s\nwant %s", out.String(), want)
	}
}

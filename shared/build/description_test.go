package build

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"toolgate/shared/fault"
	"toolgate/shared/openapi"
)

const described = `
openapi: 3.1.0
info: { title: Shop, version: "1" }
servers: [ { url: https://shop.contoso.com/v1 } ]
paths:
  /orders:
    get:
      operationId: listOrders
      parameters: [ { name: state, in: query, required: true, schema: { type: string } }, { name: page, in: query, schema: { type: integer } } ]
      responses: { "200": { description: ok, content: { application/json: { schema: { type: array, items: { type: integer } } } } } }
    post: { operationId: createOrder, responses: { "201": { description: ok, content: { application/json: { schema: { $ref: "#/nowhere" } } } } } }
  /orders/{id}:
    delete: { responses: { "204": { description: ok } } }
`

// asking is a document with one policy that asks for descriptions.
func asking(section, policy string) string {
	return "<policies><" + section + "><base />" + policy + "</" + section + "></policies>"
}

const (
	mocks  = `<mock-response />`
	checks = `<validate-parameters specified-parameter-action="prevent" unspecified-parameter-action="ignore" />`
)

// TestDescriptions looks at which operations are described, and how far.
func TestDescriptions(t *testing.T) {
	const all = "listOrders createOrder DELETE /orders/{id}"
	for _, c := range []struct {
		name, gateway string
		policies      map[string]string
		described     string // the operations
		want          openapi.DescriptionOptions
	}{
		{name: "none asks", gateway: "apis: { shop: { openapi: shop.yaml, path: shop, policy: a.xml } }", policies: map[string]string{"a.xml": document("a")}},
		{name: "API", gateway: "apis: { shop: { openapi: shop.yaml, path: shop, policy: a.xml } }",
			policies: map[string]string{"a.xml": asking("inbound", mocks)}, described: all, want: openapi.DescriptionOptions{Examples: true}},
		{name: "global", gateway: "policy: a.xml\napis: { shop: { openapi: shop.yaml, path: shop } }",
			policies: map[string]string{"a.xml": asking("inbound", checks)}, described: all, want: openapi.DescriptionOptions{Schemas: true}},
		{name: "product", gateway: "apis: { shop: { openapi: shop.yaml, path: shop } }\nproducts: { p: { apis: [ shop ], policy: a.xml, subscriptionRequired: false } }",
			policies: map[string]string{"a.xml": asking("outbound", `<validate-status-code unspecified-status-code-action="prevent" />`)}, described: all},
		{name: "operation", gateway: "apis: { shop: { openapi: shop.yaml, path: shop, operations: { listOrders: { policy: a.xml } } } }",
			policies: map[string]string{"a.xml": asking("inbound", checks+mocks)}, described: "listOrders", want: openapi.DescriptionOptions{Schemas: true, Examples: true}},
		{name: "operation without base", gateway: "policy: a.xml\napis: { shop: { openapi: shop.yaml, path: shop, operations: { listOrders: { policy: b.xml } } } }",
			policies:  map[string]string{"a.xml": asking("inbound", mocks), "b.xml": "<policies><inbound /></policies>"},
			described: "createOrder DELETE /orders/{id}", want: openapi.DescriptionOptions{Examples: true}},
		{name: "within others", gateway: "fragments: { f: f.xml }\napis: { shop: { openapi: shop.yaml, path: shop, policy: a.xml } }",
			policies: map[string]string{
				"a.xml": asking("inbound", `<choose><when condition="@(true)"><include-fragment fragment-id="f" /></when></choose>`),
				"f.xml": "<fragment>" + mocks + "</fragment>",
			}, described: all, want: openapi.DescriptionOptions{Examples: true}},
		{name: "tools", gateway: "apis: { shop: { openapi: shop.yaml, policy: a.xml } }\nservers: { s: { api: shop, tools: [ listOrders ] } }",
			policies: map[string]string{"a.xml": asking("inbound", mocks)}, described: "listOrders", want: openapi.DescriptionOptions{Examples: true}},
		{name: "server", gateway: "apis: { shop: { openapi: shop.yaml } }\nservers: { s: { api: shop, policy: a.xml } }",
			policies: map[string]string{"a.xml": asking("inbound", mocks)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := map[string]string{"gateway.yaml": "name: shop\n" + c.gateway + "\n", "shop.yaml": described}
			maps.Copy(files, c.policies)
			r, err := compile(t, files)
			if err != nil {
				t.Fatal(err)
			}
			s := load(t, r)
			var found []string
			for _, id := range []string{"listOrders", "createOrder", "DELETE /orders/{id}"} {
				d, err := s.Description("shop", id)
				if err != nil {
					t.Fatal(err)
				}
				if d == nil {
					continue
				}
				found = append(found, id)
				if id != "listOrders" {
					continue
				}
				if examples := len(d.Responses[0].Content[0].Examples) > 0; len(d.Parameters) != 2 || examples != c.want.Examples || (len(d.Schemas) > 0) != c.want.Schemas {
					t.Errorf("got %+v, want %+v", d, c.want)
				}
			}
			if got := strings.Join(found, " "); got != c.described {
				t.Errorf("got descriptions of %q, want of %q", got, c.described)
			}
		})
	}
}

// What a document says that policies cannot use is reported where it stands.
func TestDescriptionWarnings(t *testing.T) {
	r, err := compile(t, map[string]string{
		"gateway.yaml": "name: shop\napis: { shop: { openapi: shop.yaml, path: shop, policy: a.xml } }\n",
		"shop.yaml":    described,
		"a.xml":        asking("outbound", `<validate-content unspecified-content-type-action="prevent" max-size="1000" size-exceeded-action="prevent"><content type="application/json" validate-as="json" action="prevent" /></validate-content>`),
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = "shop.yaml:11:11: warning: policies know operation createOrder in part only: "
	if !slices.ContainsFunc(r.Report.Warnings, func(f fault.Fault) bool {
		return strings.HasPrefix(f.String(), want) && strings.Contains(f.Message, `$ref "#/nowhere" names nothing`)
	}) {
		t.Errorf("got warnings %v, want one with %q", r.Report.Warnings, want)
	}
}

func TestURLTemplateOfDocuments(t *testing.T) {
	r, err := compile(t, map[string]string{"gateway.yaml": "name: shop\napis: { shop: { openapi: shop.yaml, path: shop } }\nservers: { s: { api: shop, tools: [ listOrders ] } }\n", "shop.yaml": described})
	if err != nil {
		t.Fatal(err)
	}
	s := load(t, r)
	const want = "/orders?state={state}"
	if list, err := s.Operations("shop"); err != nil || list[0].URLTemplate != want || list[1].URLTemplate != "/orders" {
		t.Errorf("got %+v, %v", list, err)
	}
	if tool, err := s.Tool("s", s.Tools("s")[0]); err != nil || tool.Operation.URLTemplate != want {
		t.Errorf("got %+v, %v", tool, err)
	}
}

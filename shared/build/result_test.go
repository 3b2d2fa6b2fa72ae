package build

import (
	"slices"
	"strings"
	"testing"
)

const resultFolder = `name: shop
publicUrl: https://tools.contoso.com
apis: { shop: { openapi: shop.yaml } }
servers:
  shop:
    api: shop
    tools:
      - { method: GET, result: { select: "items[].id", pageSize: 5 } }
      - { operation: getFile, result: { maxBytes: 2KiB } }
      - deleteOrder
  wiki:
    upstream: { url: https://wiki.contoso.com }
    tools: [ search, { tool: find, name: find_page, result: { select: pages } } ]
`

// What is shown of results stands in the snapshot by the published names of tools, and
// in their definitions.
func TestResults(t *testing.T) {
	r, err := buildFolder(t, resultFolder)
	if err != nil {
		t.Fatal(err)
	}
	s := load(t, r)
	shop, wiki := s.Servers[0], s.Servers[1]
	if got := shop.ToolResults["getOrder"]; got == nil || got.Select != "items[].id" || got.PageSize != 5 {
		t.Errorf("getOrder: got %+v", got)
	}
	if got := shop.ToolResults["getFile"]; got == nil || got.Select != "" || got.MaxBytes != 2<<10 {
		t.Errorf("getFile: got %+v, want the later selection's alone", got)
	}
	if got := wiki.ToolResults["find_page"]; len(wiki.ToolResults) != 1 || got == nil || got.Select != "pages" {
		t.Errorf("find_page: got %+v", got)
	}
	page, err := s.Page("shop", 0)
	if err != nil || strings.Count(string(page), `"pageCursor":{"type":"string","description":"Asks`) != 2 {
		t.Errorf("got %s, %v, want two tools with pageCursor", page, err)
	}
	if !slices.ContainsFunc(r.Report.Notes, func(n string) bool { return strings.HasPrefix(n, "shop: the results of 2 tools have pages; ") }) {
		t.Errorf("got the notes %q", r.Report.Notes)
	}
}

func TestResultFaults(t *testing.T) {
	for _, c := range []struct{ name, tools, want string }{
		{"expression", `[ { operation: getOrder, result: { select: "items[].{id id}" } } ]`, `gateway.yaml:6:68: ` + "`select` is wrong at character 13: "},
		{"function", `[ { operation: getOrder, result: { select: "a | lengt(b)" } } ]`, "gateway.yaml:6:60: `select` is wrong at character 5: there is no function \"lengt\": did you mean \"length\"?"},
		{"one fault for several tools", `[ { method: GET, result: { select: "a[" } } ]`, "character 3"},
		{"writes", `[ { operation: createOrder, result: { pageSize: 5 } } ]`, `tool "createOrder" changes something, and each page of its results is a call: remove`},
		{"long", `[ { operation: getOrder, longRunning: true, result: { maxBytes: 1KiB } } ]`, `calls of tool "getOrder" go on`},
	} {
		_, err := buildFolder(t, "name: shop\napis: { shop: { openapi: shop.yaml } }\nservers:\n  shop:\n    api: shop\n    tools: "+c.tools+"\n")
		if err == nil || strings.Count(err.Error(), c.want) != 1 {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
	_, err := buildFolder(t, "name: shop\nservers:\n  wiki:\n    upstream: { url: https://wiki.contoso.com }\n    tools: [ { tool: close, annotations: { readOnly: false }, result: { pageSize: 5, select: '=' } } ]\n")
	if err == nil || !strings.Contains(err.Error(), `tool "close" is not read-only`) || !strings.Contains(err.Error(), "5:95: `select` is wrong at character 1") {
		t.Errorf("got %v", err)
	}
}

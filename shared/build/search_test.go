package build

import (
	"strings"
	"testing"

	"toolgate/shared/search"
)

// The snapshot of a server that publishes by search has an index, which says where the
// definitions are; that of another has none.
func TestSearchIndex(t *testing.T) {
	r, err := buildFolder(t, `name: shop
apis: { shop: { openapi: shop.yaml } }
limits: { listPage: 2 }
servers:
  shop: { api: shop, publish: search }
  other: { api: shop, publish: tools }
`)
	if err != nil {
		t.Fatal(err)
	}
	s := load(t, r)
	content, err := s.SearchIndex("shop")
	if err != nil {
		t.Fatal(err)
	}
	x, err := search.Open(content)
	if err != nil {
		t.Fatal(err)
	}
	if names := s.Tools("shop"); x.Len() != len(names) || !s.Servers[0].Search || s.Servers[1].Search {
		t.Errorf("got %d tools in the index, want %d", x.Len(), len(names))
	}
	for _, name := range s.Tools("shop") {
		hit, ok := x.Find(name)
		if !ok {
			t.Errorf("the index lacks %s", name)
			continue
		}
		definition, err := s.Definition("shop", hit.Place.Page, hit.Place.Start, hit.Place.End)
		if err != nil || !strings.HasPrefix(string(definition), `{"name":"`+name+`"`) || !definition.IsValid() {
			t.Errorf("%s: got %s, %v", name, definition, err)
		}
	}
	if _, err := s.SearchIndex("other"); err == nil {
		t.Error("got an index of a server that lists its tools")
	}
	if _, err := s.Definition("shop", 0, 5, 1<<30); err == nil {
		t.Error("got a definition beyond the page")
	}
}

// A tool may not have the name of one by which tools are found.
func TestSearchNames(t *testing.T) {
	_, err := buildFolder(t, `name: shop
apis: { shop: { openapi: shop.yaml } }
servers:
  shop:
    api: shop
    publish: search
    tools: [ { operation: getOrder, name: call_tool } ]
  wiki:
    upstream: { url: https://wiki.contoso.com }
    publish: search
    tools: [ search, { tool: close, name: describe_tool } ]
  plain: { upstream: { url: https://wiki.contoso.com }, tools: [ search_tools ] }
`)
	const want = "gateway.yaml:4:3: server \"shop\" publishes its tools by search, and has a tool \"call_tool\" of its own: give it another `name`\n" +
		"gateway.yaml:11:22: server \"wiki\" publishes its tools by search, and has a tool \"describe_tool\" of its own: give it another `name`"
	if err == nil || strings.TrimSpace(err.Error()) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

package build

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"toolgate/shared/config"
	"toolgate/shared/snapshot"
)

const shop = `
openapi: 3.1.0
info: { title: Shop, version: "1" }
servers: [ { url: https://shop.contoso.com/v1 } ]
paths:
  /orders:
    get: { operationId: listOrders, tags: [orders], responses: { "200": { description: ok } } }
    post: { operationId: createOrder, tags: [orders], responses: { "200": { description: ok } } }
  /orders/{id}:
    parameters: [ { name: id, in: path, required: true, schema: { type: string } } ]
    get: { operationId: getOrder, tags: [orders], responses: { "200": { description: ok } } }
    delete: { operationId: deleteOrder, tags: [orders, admin], responses: { "200": { description: ok } } }
  /files/{id}:
    servers: [ { url: https://files.contoso.com } ]
    parameters: [ { name: id, in: path, required: true, schema: { type: string } } ]
    get: { operationId: getFile, responses: { "200": { description: ok } } }
  /status:
    get: { operationId: status, x-mcp: { enabled: false }, responses: { "200": { description: ok } } }
`

// folder writes a folder with the shop's document and the given gateway.yaml.
func folder(t *testing.T, yaml string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"gateway.yaml": yaml, "shop.yaml": shop} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func buildFolder(t *testing.T, yaml string) (*Result, error) {
	t.Helper()
	cfg, faults := config.Load(folder(t, yaml), func(string) (string, bool) { return "", false })
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return Build(t.Context(), cfg, func(_ context.Context, url string) ([]byte, error) {
		if url == "https://docs.contoso.com/shop.yaml" {
			return []byte(shop), nil
		}
		return nil, errors.New("404 Not Found")
	})
}

func load(t *testing.T, r *Result) *snapshot.Snapshot {
	t.Helper()
	s, err := snapshot.Load(bytes.NewReader(r.Snapshot), int64(len(r.Snapshot)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSelection(t *testing.T) {
	for _, c := range []struct{ name, server, want string }{
		{"all", "", "listOrders createOrder getOrder deleteOrder getFile"},
		{"operations", "tools: [getOrder, listOrders]", "listOrders getOrder"},
		{"method and path", `tools: ["GET /orders/{id}"]`, "getOrder"},
		{"tag", "tools: [{tag: admin}]", "deleteOrder"},
		{"method", "tools: [{method: GET}]", "listOrders getOrder getFile"},
		{"path", "tools: [{path: /orders/*}]", "getOrder deleteOrder"},
		{"any depth", "tools: [{path: /**}]", "listOrders createOrder getOrder deleteOrder getFile"},
		{"any depth below", "tools: [{path: /orders/**}]", "listOrders createOrder getOrder deleteOrder"},
		{"method and path pattern", "tools: [{path: /orders/*, method: DELETE}]", "deleteOrder"},
		{"exclude", "exclude: [deleteOrder, {tag: admin}, {path: /files/*}]", "listOrders createOrder getOrder"},
		{"exclude wins", "tools: [{tag: orders}, deleteOrder]\n    exclude: [{tag: admin}]", "listOrders createOrder getOrder"},
		{"disabled, by name", "tools: [status]", "status"},
		{"disabled, by a group", "tools: [{method: GET}, {path: /status}]", "listOrders getOrder getFile"},
		{"renamed", "tools: [{tag: admin}, {operation: deleteOrder, name: drop_order}]", "drop_order"},
	} {
		r, err := buildFolder(t, "name: shop\napis: { shop: { openapi: shop.yaml } }\nservers:\n  shop:\n    api: shop\n    "+c.server+"\n")
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := strings.Join(load(t, r).Tools("shop"), " "); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestFaults(t *testing.T) {
	for _, c := range []struct{ name, yaml, want string }{
		{"nothing matches", "apis: { shop: { openapi: shop.yaml } }\nservers: { shop: { api: shop, tools: [getOrdr] } }",
			`gateway.yaml:3:39: no operation of API "shop" matches operation "getOrdr": did you mean "getOrder"?`},
		{"no tag matches", "apis: { shop: { openapi: shop.yaml } }\nservers: { shop: { api: shop, exclude: [{tag: admins}] } }",
			`no operation of API "shop" matches tag "admins": did you mean "admin"?`},
		{"one name twice", "apis: { shop: { openapi: shop.yaml } }\nservers: { shop: { api: shop, tools: [getOrder, {operation: listOrders, name: getOrder}] } }",
			`would both be the tool "getOrder": give one of them another ` + "`name`"},
		{"URL that does not answer", "apis: { shop: { openapi: https://docs.contoso.com/absent.yaml } }\nservers: { shop: { api: shop } }",
			`the document of API "shop" cannot be read: 404 Not Found`},
		{"unknown default", "apis: { shop: { openapi: shop.yaml } }\nservers: { shop: { api: shop, tools: [{operation: getOrder, defaults: {idd: x}}] } }",
			`operation "getOrder" cannot be a tool`},
	} {
		_, err := buildFolder(t, "name: shop\n"+c.yaml+"\n")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
}

func TestDocumentByURL(t *testing.T) {
	r, err := buildFolder(t, "name: shop\napis: { shop: { openapi: https://docs.contoso.com/shop.yaml } }\nservers: { shop: { api: shop } }\n")
	if err != nil {
		t.Fatal(err)
	}
	if got := len(load(t, r).Tools("shop")); got != 5 {
		t.Errorf("got %d tools, want 5", got)
	}
	if len(r.Files) != 0 {
		t.Errorf("got files %v to watch", r.Files)
	}
}

// An operation with a server of its own has a backend of its own, unless the
// configuration says where the API is.
func TestBackends(t *testing.T) {
	r, err := buildFolder(t, "name: shop\napis: { shop: { openapi: shop.yaml } }\nservers: { shop: { api: shop } }\n")
	if err != nil {
		t.Fatal(err)
	}
	s := load(t, r)
	if b := s.Servers[0].API.Backends; len(b) != 2 || b[0].URL != "https://shop.contoso.com/v1" || b[1].URL != "https://files.contoso.com" {
		t.Errorf("got backends %+v", b)
	}
	if tool, err := s.Tool("shop", "getFile"); err != nil || tool.Backend != 1 {
		t.Errorf("got %+v, %v", tool, err)
	}
	r, err = buildFolder(t, "name: shop\nbackends: { here: { url: http://127.0.0.1:9 } }\napis: { shop: { openapi: shop.yaml, backend: here } }\nservers: { shop: { api: shop } }\n")
	if err != nil {
		t.Fatal(err)
	}
	if b := load(t, r).Servers[0].API.Backends; len(b) != 1 || b[0].URL != "http://127.0.0.1:9" {
		t.Errorf("got backends %+v", b)
	}
}

func TestPages(t *testing.T) {
	r, err := buildFolder(t, "name: shop\nlimits: { listPage: 2 }\napis: { shop: { openapi: shop.yaml } }\nservers: { shop: { api: shop } }\n")
	if err != nil {
		t.Fatal(err)
	}
	s := load(t, r)
	var sizes []int
	for i := range s.Servers[0].API.Pages {
		page, err := s.Page("shop", i)
		if err != nil || !page.IsValid() {
			t.Fatalf("page %d: %s, %v", i, page, err)
		}
		sizes = append(sizes, bytes.Count(page, []byte(`"inputSchema"`)))
	}
	if len(sizes) != 3 || sizes[0] != 2 || sizes[1] != 2 || sizes[2] != 1 {
		t.Errorf("got pages of %v tools, want 2, 2 and 1", sizes)
	}
}

func TestReport(t *testing.T) {
	r, err := buildFolder(t, "name: shop\napis: { shop: { openapi: shop.yaml } }\nservers: { shop: { api: shop, exclude: [deleteOrder] } }\n")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	r.Report.Write(&out, true)
	want := `shop: of 6 operations in shop.yaml, 4 exact, 2 not selected
  exact        listOrders
  exact        createOrder
  exact        getOrder
  not selected deleteOrder
  exact        getFile
  not selected status
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

package interop_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"toolgate/tests/hosts"
)

// orders is the backend of testdata/orders.yaml. Its answers say what arrived.
func orders(t *testing.T) *httptest.Server {
	t.Helper()
	pixel, err := base64.StdEncoding.DecodeString(image)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("id") == "404" {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"title":"No such order","detail":"There is no order 404."}`)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		// 2^53 + 1: a number that does not survive a float64.
		_, _ = fmt.Fprintf(w, `{"id":9007199254740993,"customer":%q,"lines":[{"article":%q,"amount":1.50}]}`,
			r.URL.EscapedPath()+"?"+r.URL.RawQuery, r.Header.Get("Accept-Currency"))
	})
	mux.HandleFunc("POST /v1/orders", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Content-Type") != "application/json" {
			w.WriteHeader(http.StatusUnsupportedMediaType)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(body)
	})
	mux.HandleFunc("GET /v1/orders/{id}/label", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		_, _ = w.Write(pixel)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// ordersGateway serves the orders API as the MCP server "orders" on a platform, and
// returns its endpoint.
func ordersGateway(t *testing.T, platform string) string {
	t.Helper()
	dir := ordersFolder(t, fmt.Sprintf(`name: contoso
backends:
  orders: { url: %q }
apis:
  orders: { openapi: orders.yaml, backend: orders }
servers:
  orders:
    title: Orders
    api: orders
    tools:
      - getOrder
      - { operation: createOrder, name: create_order, description: Create an order. }
      - getLabel
`, orders(t).URL+"/v1"))
	return hosts.Start(t, platform, dir) + "/orders/mcp"
}

// TestREST tries every client with a REST API behind the gateway.
func TestREST(t *testing.T) {
	p := plan{
		{
			Method: "tools/list",
			want: `{"result":{"tools":[
				{"name":"getOrder","title":"Get an order",
					"annotations":{"readOnlyHint":true},
					"inputSchema":{"type":"object","required":["orderId"],"properties":{
						"orderId":{"type":"string","description":"Number of the order."},
						"expand":{"type":"array","items":{"type":"string","enum":["lines","customer"]}},
						"Accept-Currency":{"type":"string","default":"EUR"}
					}}},
				{"name":"create_order","description":"Create an order.",
					"annotations":{"readOnlyHint":false},
					"inputSchema":{"type":"object","required":["customer","lines"],"properties":{"customer":{"type":"string","minLength":1}}}},
				{"name":"getLabel"}
			]}}`,
		},
		{
			Method: "tools/call", Params: []byte(`{"name":"getOrder","arguments":{"orderId":"A 1/2","expand":["lines","customer"],"Accept-Currency":"CHF"}}`),
			want: `{"result":{
				"structuredContent":{"customer":"/v1/orders/A%201%2F2?expand=lines&expand=customer","lines":[{"article":"CHF","amount":1.5}]},
				"content":[{"type":"text","text":"{\"id\":9007199254740993,\"customer\":\"/v1/orders/A%201%2F2?expand=lines&expand=customer\",\"lines\":[{\"article\":\"CHF\",\"amount\":1.50}]}"}]
			}}`,
		},
		{
			Method: "tools/call", Params: []byte(`{"name":"create_order","arguments":{"customer":"Zoë","lines":[{"article":"a","amount":2,"replaces":{"article":"b"}}]}}`),
			want: `{"result":{"structuredContent":{"customer":"Zoë","lines":[{"article":"a","amount":2,"replaces":{"article":"b"}}]}}}`,
		},
		{
			Method: "tools/call", Params: []byte(`{"name":"getLabel","arguments":{"orderId":"7"}}`),
			want: `{"result":{"content":[{"type":"image","mimeType":"image/png","data":"` + image + `"}]}}`,
		},
		{ // What the API refuses, a model is told.
			Method: "tools/call", Params: []byte(`{"name":"getOrder","arguments":{"orderId":"404"}}`),
			want: `{"result":{"isError":true,"content":[{"type":"text"}]}}`,
		},
		{ // What the schema refuses never reaches the API.
			Method: "tools/call", Params: []byte(`{"name":"create_order","arguments":{"customer":"","lines":1}}`),
			want: `{"result":{"isError":true,"content":[{"type":"text"}]}}`,
		},
		{ // A path that leaves the operation's does not either.
			Method: "tools/call", Params: []byte(`{"name":"getLabel","arguments":{"orderId":".."}}`),
			want: `{"result":{"isError":true,"content":[{"type":"text"}]}}`,
		},
		{
			Method: "tools/call", Params: []byte(`{"name":"deleteOrder","arguments":{}}`),
			want: `{"error":{"code":-32602}}`,
		},
	}
	for _, platform := range platforms {
		t.Run(on(platform), func(t *testing.T) { try(t, clients, ordersGateway(t, platform), p) })
	}
}

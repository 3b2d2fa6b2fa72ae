package authorization_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"toolgate/shared/gateway"
	"toolgate/shared/mcp"
	"toolgate/shared/services"
	"toolgate/shared/snapshot"
	"toolgate/tests/internal/folder"
	"toolgate/tests/internal/rpc"

	"github.com/golang-jwt/jwt/v5"
)

// nowhere is a response that nobody reads.
type nowhere struct {
	header http.Header
	status int
}

func (n *nowhere) Header() http.Header         { return n.header }
func (n *nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (n *nowhere) WriteHeader(status int)      { n.status = status }

// BenchmarkList is a list of 300 tools without the network: for everybody, and by a
// token and a rule for each tool.
func BenchmarkList(b *testing.B) {
	i := newIssuer(b)
	token := i.token(b, jwt.MapClaims{"scope": "orders.read orders.write", "roles": []string{"buyer"}, "groups": []string{"staff"}, "level": 2})
	for _, limited := range []bool{false, true} {
		paths, list, authorization := "", "", ""
		for n := range 300 {
			allow := ""
			if limited {
				allow = []string{", allow: { scopes: [ orders.write ] }", ", allow: { roles: [ buyer ] }", ", allow: { groups: [ staff ] }", ", allow: { claims: { level: 2 } }", ", allow: { roles: [ nobody ] }"}[n%5]
				authorization = `    authorization: { issuer: "` + i.url + `" }` + "\n"
			}
			list += fmt.Sprintf("      - { operation: tool%d%s }\n", n, allow)
			paths += fmt.Sprintf("  /%d: { get: { operationId: tool%d, description: %q, responses: { \"200\": { description: ok } } } }\n", n, n, strings.Repeat("What it does. ", 30))
		}
		content, err := folder.Compile(b.Context(), folder.Write(b, map[string]string{
			"gateway.yaml": "name: contoso\npublicUrl: " + public + "\nlimits: { listPage: 300 }\nbackends: { orders: { url: \"http://127.0.0.1:9\" } }\napis: { orders: { openapi: orders.yaml, backend: orders } }\nservers:\n  orders:\n    api: orders\n" + authorization + "    tools:\n" + list,
			"orders.yaml":  "openapi: 3.1.0\ninfo: { title: Orders, version: \"1\" }\npaths:\n" + paths,
		}), nil)
		if err != nil {
			b.Fatal(err)
		}
		snap, err := snapshot.Load(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			b.Fatal(err)
		}
		g, err := gateway.New(snap, gateway.Options{Services: services.New(services.Options{})})
		if err != nil {
			b.Fatal(err)
		}
		request := rpc.New(mcp.Latest, "1", mcp.MethodListTools, "").With("Authorization", "Bearer "+token)
		b.Run(fmt.Sprintf("limited=%t", limited), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, public+"/orders/mcp", strings.NewReader(request.Body))
				r.Header = request.Header
				w := &nowhere{header: http.Header{}}
				if g.ServeHTTP(w, r); w.status != 200 {
					b.Fatalf("got %d", w.status)
				}
			}
		})
		if err := g.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

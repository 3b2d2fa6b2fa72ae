// Package edge_test sends the same requests to what was written for the edge and to
// the gateway: the one never refuses what the other lets through.
package edge_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	restrictions "toolgate/shared/edge"
	"toolgate/shared/gateway"
	"toolgate/shared/services"
	"toolgate/shared/snapshot"
	"toolgate/tests/internal/folder"
)

const door = "11111111-2222-3333-4444-555555555555"

// clientAddress is how the gateway is told of clients, behind each edge.
var clientAddress = map[restrictions.Target]string{
	restrictions.FrontDoor: "clientAddress: { frontDoor: " + door + " }\n",
	restrictions.WAF:       "clientAddress: { header: X-Forwarded-For, from: [ 130.176.0.0/16 ] }\n",
}

const document = `{"openapi":"3.1.0","info":{"title":"x","version":"1"},"servers":[{"url":"https://x.contoso.com"}],"paths":{"/a":{"get":{"operationId":"a","responses":{"200":{"description":"ok"}}}},"/b":{"put":{"operationId":"b","responses":{"200":{"description":"ok"}}}}}}`

// inbound is a policy document with an inbound section, and what on-error has.
func inbound(policies, onError string) string {
	return "<policies><inbound>" + policies + "</inbound><backend><base /></backend><outbound><base /></outbound><on-error>" + onError + "</on-error></policies>"
}

const (
	allow  = `<ip-filter action="allow"><address>192.0.2.1</address><address-range from="192.0.2.64" to="192.0.2.90" /><address>2001:db8::/48</address></ip-filter>`
	forbid = `<ip-filter action="forbid"><address>192.0.2.66</address><address>2001:db8:0:1::/64</address></ip-filter>`
	answer = `<return-response><set-status code="200" /></return-response>`
)

// gateways are configurations, and which restrictions the edge has of each at least.
var gateways = []struct {
	name  string
	yaml  string
	files map[string]string
	want  string // names of restrictions, with commas
}{
	{"one server", "servers: { x: { api: x } }", nil, "UnknownPath, UnknownMethod, TooLarge"},
	{"an allow-list for all", "policy: g.xml\nservers: { x: { api: x }, y: { federate: [ x ] } }", map[string]string{"g.xml": inbound(allow+forbid, "")}, "UnknownPath, UnknownMethod, TooLarge, Address1"},
	{"a server without its base", "policy: g.xml\nservers: { x: { api: x, policy: s.xml }, y: { api: x } }", map[string]string{"g.xml": inbound(forbid, ""), "s.xml": inbound("", "")}, "UnknownPath, UnknownMethod, TooLarge, Address1"},
	{"a tool without its base", "servers: { x: { api: x, policy: g.xml, tools: [ a, { operation: b, policy: s.xml } ] } }", map[string]string{"g.xml": inbound(allow, ""), "s.xml": inbound("", "")}, "UnknownPath, UnknownMethod, TooLarge"},
	{"an answer before the filter", "policy: g.xml\nservers: { x: { api: x } }", map[string]string{"g.xml": inbound(`<choose><when condition="@(true)">`+answer+`</when></choose>`+forbid, "")}, "UnknownPath, UnknownMethod"},
	{"an answer behind the filter", "policy: g.xml\nservers: { x: { api: x } }", map[string]string{"g.xml": inbound(forbid+answer, "")}, "UnknownPath, UnknownMethod, Address1"},
	{"an answer on error", "policy: g.xml\nservers: { x: { api: x } }", map[string]string{"g.xml": inbound(forbid, answer)}, "UnknownPath, UnknownMethod"},
	{"a product with a filter", "servers: { x: { api: x } }\nproducts: { p: { servers: [ x ], subscriptionRequired: false, policy: g.xml } }", map[string]string{"g.xml": inbound(allow, "")}, "UnknownPath, UnknownMethod, TooLarge"},
	{"computed addresses", "policy: g.xml\nservers: { x: { api: x } }", map[string]string{"g.xml": inbound(`<ip-filter action="allow"><address>@("192.0.2.1")</address></ip-filter><ip-filter action="forbid"><address>@("192.0.2.9")</address><address>192.0.2.66</address></ip-filter>`, "")}, "UnknownPath, UnknownMethod, TooLarge, Address1"},
	{"an API below a path", "policy: g.xml\nservers: { x: { api: x } }", map[string]string{"g.xml": inbound(forbid+`<cors><allowed-origins><origin>*</origin></allowed-origins></cors>`, answer), "path": "x/y"}, "UnknownPath, UnknownMethod"},
	{"pages of other origins", "policy: g.xml\nservers: { x: { api: x } }", map[string]string{"g.xml": inbound(`<cors terminate-unmatched-request="true"><allowed-origins><origin>http://localhost</origin></allowed-origins></cors>`+forbid, "")}, "UnknownPath, UnknownMethod, TooLarge, Address1"},
	{"an API at the root", "policy: g.xml\nservers: { x: { api: x } }", map[string]string{"g.xml": inbound(forbid, ""), "path": "/"}, "TooLarge, Address1"},
	{"the other transport", "servers: { x: { api: x, legacySSE: true } }\nsealingKey: { secret: env:KEY }", nil, "UnknownPath, UnknownMethod, TooLarge"},
	{"tokens", "publicUrl: https://tools.contoso.com\nservers: { x: { api: x, authorization: { issuer: \"https://login.contoso.com\" } } }", nil, "UnknownPath, UnknownMethod, TooLarge"},
}

// TestEdgeRefusesLess sends requests made by chance.
func TestEdgeRefusesLess(t *testing.T) {
	for _, target := range []restrictions.Target{restrictions.FrontDoor, restrictions.WAF} {
		for _, c := range gateways {
			t.Run(string(target)+"/"+c.name, func(t *testing.T) {
				files := map[string]string{"x.json": document}
				api := "apis: { x: { openapi: x.json } }\n"
				for name, content := range c.files {
					if name == "path" {
						api = "apis: { x: { openapi: x.json, path: " + content + " } }\n"
						continue
					}
					files[name] = content
				}
				files["gateway.yaml"] = "name: contoso\nlimits: { requestBytes: 2000 }\n" + clientAddress[target] + api + c.yaml + "\n"
				s, g, reached := serve(t, files)
				r, err := restrictions.Restrict(s, target)
				if err != nil {
					t.Fatal(err)
				}
				var names []string
				for _, one := range r.List {
					names = append(names, one.Name)
				}
				if got := strings.Join(names, ", "); got != c.want {
					t.Errorf("got the restrictions %s, want %s; left: %q", got, c.want, r.Left)
				}
				e := written(t, r, target)
				refused := 0
				chance := rand.New(rand.NewPCG(1, 2))
				for range 1500 {
					q := anyRequest(chance)
					if !e.refuses(&q) {
						continue
					}
					refused++
					*reached = false
					if status := send(g, &q, target, chance.IntN(2) == 0); *reached || status != 403 && status != 404 && status != 405 && status != 413 && status != 401 && status != 415 {
						t.Fatalf("the edge refuses %+v, and the gateway answers %d (backend reached: %v)", q, status, *reached)
					}
				}
				if refused == 0 {
					t.Error("the edge refuses nothing")
				}
			})
		}
	}
}

// TestEdgeRefuses has requests that the edge is there to refuse, and some that it must
// let through.
func TestEdgeRefuses(t *testing.T) {
	s, _, _ := serve(t, map[string]string{
		"x.json": document, "g.xml": inbound(allow, ""),
		"gateway.yaml": "name: contoso\nlimits: { requestBytes: 2000 }\n" + clientAddress[restrictions.WAF] + "policy: g.xml\napis: { x: { openapi: x.json } }\nservers: { x: { api: x } }\n",
	})
	r, err := restrictions.Restrict(s, restrictions.WAF)
	if err != nil {
		t.Fatal(err)
	}
	e := written(t, r, restrictions.WAF)
	good := netip.MustParseAddr("192.0.2.1")
	for _, c := range []struct {
		request
		want bool
	}{
		{request{"POST", "/x/mcp", "2000", good, good}, false},
		{request{"POST", "/x/mcp", "2001", good, good}, true},
		{request{"POST", "/x/mcp", "19999", good, good}, true},
		{request{"POST", "/x/mcp", "999", good, good}, false},
		{request{"POST", "/x/mcp", "", netip.MustParseAddr("192.0.2.2"), good}, true},
		{request{"POST", "/x/mcp", "", netip.MustParseAddr("2001:db8::7"), good}, false},
		{request{"POST", "/x/mcp", "", netip.MustParseAddr("2001:db9::7"), good}, true},
		{request{"OPTIONS", "/x/mcp", "", netip.MustParseAddr("192.0.2.2"), good}, false},
		{request{"GET", "/x/mcp", "", good, good}, false},
		{request{"PUT", "/x/mcp", "", good, good}, true},
		{request{"GET", "/.env", "", good, good}, true},
		{request{"GET", "/", "", good, good}, false},
		{request{"GET", "/?x", "", good, good}, false},
		{request{"POST", "/x%2Fmcp", "", good, good}, false},
		{request{"GET", "/.well-known/oauth-protected-resource/x/mcp", "", good, good}, false},
		{request{"GET", "/wp-login.php", "", good, good}, true},
	} {
		if got := e.refuses(&c.request); got != c.want {
			t.Errorf("%+v: got %v, want %v", c.request, got, c.want)
		}
	}
}

// TestLeft says why addresses are left to the gateway where the edge sees others.
func TestLeft(t *testing.T) {
	for target, want := range map[restrictions.Target]string{restrictions.FrontDoor: "frontDoor: ID", restrictions.WAF: "CloudFront"} {
		s, _, _ := serve(t, map[string]string{
			"x.json": document, "g.xml": inbound(allow, ""), "gateway.yaml": "name: contoso\npolicy: g.xml\napis: { x: { openapi: x.json } }\nservers: { x: { api: x } }\n",
		})
		r, err := restrictions.Restrict(s, target)
		if err != nil {
			t.Fatal(err)
		}
		if left := strings.Join(r.Left, "\n"); !strings.Contains(left, want) || len(r.List) != 3 {
			t.Errorf("%s: got %v left, and %d restrictions", target, left, len(r.List))
		}
	}
}

func written(t *testing.T, r *restrictions.Restrictions, target restrictions.Target) edge {
	t.Helper()
	if target == restrictions.FrontDoor {
		content, err := r.FrontDoor()
		if err != nil {
			t.Fatal(err)
		}
		return unmarshal[frontDoor](t, content)
	}
	content, err := r.WAF()
	if err != nil {
		t.Fatal(err)
	}
	return unmarshal[webACL](t, content)
}

// backend notes that it was reached.
type backend bool

func (b *backend) RoundTrip(r *http.Request) (*http.Response, error) {
	*b = true
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

func serve(t *testing.T, files map[string]string) (*snapshot.Snapshot, *gateway.Gateway, *bool) {
	t.Helper()
	content, err := folder.Compile(t.Context(), folder.Write(t, files), nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := snapshot.Load(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	reached := new(backend)
	g, err := gateway.New(s, gateway.Options{
		AnyHost: true, Transport: reached, Services: services.New(services.Options{Transport: reached}), Secrets: func(string) (string, error) { return strings.Repeat("a secret of tests", 4), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return s, g, (*bool)(reached)
}

func pick[T any](chance *rand.Rand, list ...T) T { return list[chance.IntN(len(list))] }

// anyRequest is one by chance, most of them near what some gateway takes.
func anyRequest(chance *rand.Rand) request {
	q := request{
		method: pick(chance, "GET", "POST", "POST", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE", "QUERY"),
		target: pick(chance, "/", "", "//") + pick(chance, "x", "y", "x/y", "%78", "X", "oauth", ".well-known", "healthz", "approvals", "z", "a", "") +
			pick(chance, "/mcp", "/mcp", "/mcp", "/mcp/", "%2Fmcp", "/MCP", "/sse", "/messages", "/a", "/b", "/../x/mcp", "") + pick(chance, "", "", "?a=/x/mcp", "?%2F"),
		length: pick(chance, "", "0", "7", "1999", "2000", "2001", "02001", "20000", "99999999"),
	}
	if !strings.HasPrefix(q.target, "/") {
		q.target = "/" + q.target
	}
	address := func() netip.Addr {
		return netip.MustParseAddr(pick(chance, "192.0.2.1", "192.0.2.2", "192.0.2.9", "192.0.2.64", "192.0.2.66", "192.0.2.90", "192.0.2.91", "2001:db8::1", "2001:db8:0:1::1", "2001:db9::1"))
	}
	q.socket = address()
	q.remote = q.socket
	if chance.IntN(4) == 0 {
		q.remote = address()
	}
	return q
}

// send has the gateway answer what the edge would hand on. Which of its two addresses
// Front Door tells is not said, so either may be.
func send(g *gateway.Gateway, q *request, target restrictions.Target, remote bool) int {
	body := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{}}}`
	n := -1
	if q.length != "" {
		_, _ = fmt.Sscanf(q.length, "%d", &n)
		body = strings.Repeat(" ", max(0, min(n, 30_000)-len(body))) + body
		body = body[:min(len(body), max(n, 0))]
	}
	r := httptest.NewRequest(q.method, "https://tools.contoso.com"+q.target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	r.Header.Set("MCP-Protocol-Version", "2025-11-25")
	if q.method != http.MethodPost { // as pages send it
		r.Header.Set("Origin", "http://localhost")
		r.Header.Set("Access-Control-Request-Method", http.MethodPost)
	}
	if n >= 0 {
		r.ContentLength = int64(n)
	}
	r.RemoteAddr = "130.176.0.1:443"
	if target == restrictions.WAF {
		r.Header.Set("X-Forwarded-For", "192.0.2.1, "+q.socket.String())
	} else {
		r.Header.Set("X-Azure-FDID", door)
		r.Header.Set("X-Azure-SocketIP", q.socket.String())
		if remote {
			r.Header.Set("X-Azure-SocketIP", q.remote.String())
		}
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w.Code
}

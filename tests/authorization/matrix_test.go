// Package authorization_test shows who may use what of a gateway, from its front
// door: every kind of caller, with every tool, in lists and in calls.
package authorization_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"toolgate/shared/gateway"
	"toolgate/shared/mcp"
	"toolgate/shared/policy"
	"toolgate/shared/services"
	"toolgate/tests/internal/folder"
	"toolgate/tests/internal/rpc"

	"github.com/go-json-experiment/json"
	"github.com/golang-jwt/jwt/v5"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

const public = "https://tools.contoso.com"

// traits are what rules look at. A caller has a set of them.
type traits uint

const (
	writes  traits = 1 << iota // the scope orders.write
	buyer                      // a role
	staff                      // a group
	trusted                    // the claim level, 2 or 3
	gold                       // a subscription to the product
	every   traits = 1<<iota - 1
)

// need is one alternative of a rule.
type need traits

// tools are all tools with their rules: as gateway.yaml has them, and as the test
// knows them.
var tools = []struct {
	name, allow string
	needs       []need // one of them; nil: everybody
}{
	{"open", "", nil},
	{"scoped", "{ scopes: [ orders.write ] }", []need{need(writes)}},
	{"roled", "{ roles: [ chief, buyer ] }", []need{need(buyer)}},
	{"grouped", "{ groups: [ staff ] }", []need{need(staff)}},
	{"claimed", "{ claims: { level: [ 2, 3 ], client_id: cli } }", []need{need(trusted)}},
	{"sold", "{ products: [ gold ] }", []need{need(gold)}},
	{"both", "{ roles: [ buyer ], scopes: [ orders.write ] }", []need{need(buyer | writes)}},
	{"either", "[ { roles: [ buyer ] }, { groups: [ staff ], scopes: [ orders.write ] } ]", []need{need(buyer), need(staff | writes)}},
	{"computed", `{ expression: '@(context.User.Groups.Any(g => g.Id == "staff") && ((Jwt)context.Variables["jwt"]).Claims.ContainsKey("level"))' }`, []need{need(staff | trusted)}},
	{"never", "{ roles: [ nobody ], scopes: [ orders.write ] }", []need{need(every + 1)}},
}

// may is whether traits satisfy a rule, or would with scopes that they lack.
func may(needs []need, t traits) (allowed, stepUp bool) {
	if needs == nil {
		return true, false
	}
	for _, n := range needs {
		missing := traits(n) &^ t
		allowed = allowed || missing == 0
		stepUp = stepUp || missing == writes
	}
	return allowed, stepUp && !allowed
}

// servers are the endpoints. Names of tools in the federation have prefixes.
var servers = []struct {
	name     string
	prefixes []string
}{
	{"orders", []string{""}}, {"wiki", []string{""}}, {"old", []string{""}}, {"all", []string{"orders_", "wiki_"}},
}

// configuration is the gateway; what governed says is added to the servers, and what
// tool says to one tool.
func configuration(issuer, governed, tool string) string {
	authorization := `authorization: { issuer: "` + issuer + `", scopes: [ orders.read ], clientIds: [ cli ] }, subscriptionRequired: false` + governed
	rest, upstream := "", ""
	for _, t := range tools {
		allow := ""
		if t.allow != "" {
			allow = ", allow: " + t.allow
		}
		if t.name == "roled" {
			allow += tool
		}
		rest += "      - { operation: " + t.name + allow + " }\n"
		upstream += "      - { tool: " + t.name + allow + " }\n"
	}
	return `name: contoso
publicUrl: ` + public + `
allowedHosts: [ 127.0.0.1 ]
namedValues: { rest: { env: REST }, mcp: { env: MCP } }
backends: { orders: { url: "{{rest}}" } }
apis: { orders: { openapi: orders.yaml, backend: orders } }
products: { gold: { servers: [ orders, wiki, old, all ] }, silver: { servers: [ orders, wiki, old, all ] } }
servers:
  orders:
    <<: { ` + authorization + ` }
    api: orders
    tools:
` + rest + `  wiki:
    <<: { ` + authorization + ` }
    upstream: { url: "{{mcp}}" }
    tools:
` + upstream + `  old:
    <<: { ` + authorization + ` }
    upstream: { url: "{{mcp}}", protocolVersion: 2025-11-25 }
    tools:
` + upstream + `  all:
    <<: { ` + authorization + ` }
    federate: [ orders, wiki ]
`
}

// onError shows that the policies of a server see a refusal.
const onError = `<policies><inbound /><backend><forward-request /></backend><outbound><set-header name="Seen"><value>outbound</value></set-header></outbound>
<on-error><set-header name="Seen"><value>@(context.LastError.Source + " " + context.LastError.Reason)</value></set-header></on-error></policies>`

// straight is onError for answers that no policy looks at.
const straight = `<policies><inbound /><backend><forward-request /></backend><outbound />
<on-error><set-header name="Seen"><value>@(context.LastError.Source + " " + context.LastError.Reason)</value></set-header></on-error></policies>`

// documents are the policies of the servers; empty for none.
var documents = []string{"", onError, straight}

// ofTool says that it ran: not for those to whom the tool is unknown.
const ofTool = `<policies><inbound><base /></inbound><backend><base /></backend><outbound><base /><set-header name="Tool"><value>roled</value></set-header></outbound><on-error><base /></on-error></policies>`

// subscriptions have the names of products as keys.
type subscriptions struct{}

func (subscriptions) Find(_ context.Context, key string) (*policy.Subscription, error) {
	if key != "gold" && key != "silver" {
		return nil, policy.ErrSubscriptionKey
	}
	return &policy.Subscription{ID: "s", Scope: policy.SubscriptionScope{Kind: policy.ProductScope, Name: key}}, nil
}

// site is a gateway with what is around it.
type site struct {
	issuer *issuer
	base   string
}

func newSite(t testing.TB, document string) *site {
	t.Helper()
	s := &site{issuer: newIssuer(t)}
	rest := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"called":%q,"token":%q}`, strings.TrimPrefix(r.URL.Path, "/"), r.Header.Get("Authorization"))
	}))
	t.Cleanup(rest.Close)
	paths, server := "", sdk.NewServer(&sdk.Implementation{Name: "wiki", Version: "1"}, nil)
	for _, tool := range tools {
		paths += "  /" + tool.name + ": { get: { operationId: " + tool.name + ", responses: { \"200\": { description: ok } } } }\n"
		sdk.AddTool(server, &sdk.Tool{Name: tool.name}, func(_ context.Context, r *sdk.CallToolRequest, _ struct{}) (*sdk.CallToolResult, any, error) {
			text := fmt.Sprintf(`{"called":%q,"token":%q}`, tool.name, r.Extra.Header.Get("Authorization"))
			return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: text}}}, nil, nil
		})
	}
	upstream := httptest.NewServer(sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return server }, &sdk.StreamableHTTPOptions{Stateless: true, JSONResponse: true}))
	t.Cleanup(upstream.Close)
	files := map[string]string{
		"gateway.yaml": configuration(s.issuer.url, "", ""),
		"orders.yaml":  "openapi: 3.1.0\ninfo: { title: Orders, version: \"1\" }\npaths:\n" + paths,
	}
	if document != "" {
		files["gateway.yaml"] = configuration(s.issuer.url, ", policy: on-error.xml", ", policy: tool.xml")
		files["on-error.xml"], files["tool.xml"] = document, ofTool
	}
	s.base = folder.Serve(t, folder.Write(t, files), map[string]string{"REST": rest.URL, "MCP": upstream.URL}, gateway.Options{
		Services: services.New(services.Options{}), Subscriptions: subscriptions{},
	})
	return s
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// ask sends a message. The token and the key may be empty.
func (s *site) ask(t testing.TB, server, token, key string, r rpc.Request) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.base+"/"+server+"/mcp", strings.NewReader(r.Body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = r.Header
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if key != "" {
		req.Header.Set("Ocp-Apim-Subscription-Key", key)
	}
	return do(t, req)
}

func do(t testing.TB, req *http.Request) answer {
	t.Helper()
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(body)}
}

var eras = []mcp.Version{mcp.Latest, mcp.LatestLegacy}

func call(v mcp.Version, tool string) rpc.Request {
	return rpc.New(v, "1", mcp.MethodCallTool, `{"name":"`+tool+`","arguments":{}}`)
}

// tokenOf is a token of a caller with traits, and the key.
func (s *site) tokenOf(t testing.TB, has traits) (token, key string) {
	t.Helper()
	claims := jwt.MapClaims{"scope": "orders.read", "roles": []string{"reader"}}
	if has&writes != 0 {
		claims["scope"] = "orders.read orders.write"
	}
	if has&buyer != 0 {
		claims["roles"] = []string{"reader", "buyer"}
	}
	if has&staff != 0 {
		claims["groups"] = []string{"staff"}
	}
	if has&trusted != 0 {
		claims["level"] = 2
	}
	switch {
	case has&gold != 0:
		key = "gold"
	case has&buyer != 0:
		key = "silver"
	}
	return s.issuer.token(t, claims), key
}

// Everybody sees what they may call, may call what they see, and is told nothing of
// the rest.
func TestMatrix(t *testing.T) {
	for _, document := range documents {
		s := newSite(t, document)
		for has := range every + 1 {
			token, key := s.tokenOf(t, has)
			for _, server := range servers {
				for _, v := range eras {
					name := fmt.Sprintf("governed %t, traits %05b, %s, %s", document != "", has, server.name, v)
					s.checkList(t, name, server.name, server.prefixes, token, key, v, has)
					for _, prefix := range server.prefixes {
						for _, tool := range tools {
							s.checkCall(t, document != "", name+", "+tool.name, server.name, prefix, tool.name, token, key, v, has, tool.needs)
						}
					}
				}
			}
		}
	}
}

func (s *site) checkList(t *testing.T, name, server string, prefixes []string, token, key string, v mcp.Version, has traits) {
	t.Helper()
	var want []string
	for _, prefix := range prefixes {
		for _, tool := range tools {
			if allowed, _ := may(tool.needs, has); allowed {
				want = append(want, prefix+tool.name)
			}
		}
	}
	a := s.ask(t, server, token, key, rpc.New(v, "1", mcp.MethodListTools, ""))
	var list struct {
		Result struct {
			Tools []struct {
				Name string `json:"name"`
			} `json:"tools"`
			Scope string `json:"cacheScope"`
		} `json:"result"`
	}
	err := json.Unmarshal([]byte(lastEvent(a.body)), &list)
	var got []string
	for _, tool := range list.Result.Tools {
		got = append(got, tool.Name)
	}
	slices.Sort(got)
	slices.Sort(want)
	if a.status != 200 || err != nil || !slices.Equal(got, want) {
		t.Errorf("%s: got %d, tools %v (%v) of %.300s, want %v", name, a.status, got, err, a.body, want)
	}
	if v.Modern() && list.Result.Scope != "private" {
		t.Errorf("%s: got the cacheScope %q of a list for one caller", name, list.Result.Scope)
	}
}

// lastEvent is the body, or the data of its last event.
func lastEvent(body string) string {
	if i := strings.LastIndex(body, "data: "); i >= 0 {
		return body[i+len("data: "):]
	}
	return body
}

func (s *site) checkCall(t *testing.T, governed bool, name, server, prefix, tool, token, key string, v mcp.Version, has traits, needs []need) {
	t.Helper()
	allowed, stepUp := may(needs, has)
	a := s.ask(t, server, token, key, call(v, prefix+tool))
	switch {
	case allowed:
		if a.status != 200 || !strings.Contains(a.body, `called`) || !strings.Contains(a.body, tool) || strings.Contains(a.body, "Bearer") || strings.Contains(a.body, token) {
			t.Errorf("%s: got %d %s, want the result, without the token", name, a.status, a.body)
		}
	case stepUp:
		challenge := `Bearer resource_metadata="` + public + `/.well-known/oauth-protected-resource/` + server + `/mcp", error="insufficient_scope", scope="orders.read orders.write"`
		if a.status != 403 || a.header.Get("WWW-Authenticate") != challenge || !strings.Contains(a.body, `{"statusCode":403,"message":"Access denied: the token lacks scopes. This needs: orders.read orders.write"`) {
			t.Errorf("%s: got %d %v %s, want 403 and %s", name, a.status, a.header, a.body, challenge)
		}
		if seen := a.header.Get("Seen"); governed != (seen == "authorization InsufficientScope") {
			t.Errorf("%s: got the header of on-error %q", name, seen)
		}
	default:
		// As long as the name: the answer may tell neither by its text nor by its length.
		absent := strings.Repeat("x", len(tool))
		unknown := s.ask(t, server, token, key, call(v, prefix+absent))
		if want := strings.ReplaceAll(unknown.body, absent, tool); a.status != unknown.status || a.body != want || !strings.Contains(a.body, "unknown tool") {
			t.Errorf("%s: got %d %s, want what an unknown tool gets: %d %s", name, a.status, a.body, unknown.status, want)
		}
		a.header.Del("Date")
		unknown.header.Del("Date")
		if fmt.Sprint(a.header) != fmt.Sprint(unknown.header) {
			t.Errorf("%s: got the header %v, want that of an unknown tool, %v", name, a.header, unknown.header)
		}
	}
}

// strangers are callers without a valid token.
func (s *site) strangers(t *testing.T) map[string]string {
	alg := jwt.MapClaims{"scope": "orders.read orders.write", "roles": []string{"buyer"}}
	point, err := s.issuer.key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	other := newIssuer(t)
	good := s.issuer.token(t, alg)
	sum := sha256.Sum256([]byte("another"))
	with := func(name string, value any) string {
		return s.issuer.token(t, jwt.MapClaims{"scope": "orders.read", name: value})
	}
	return map[string]string{
		"garbage":              "abc",
		"three parts":          "a.b.c",
		"changed":              good[:len(good)-6] + "AAAAAA",
		"expired":              with("exp", time.Now().Add(-time.Hour).Unix()),
		"without exp":          with("exp", nil),
		"not valid yet":        with("nbf", time.Now().Add(time.Hour).Unix()),
		"wrong audience":       with("aud", "https://tools.contoso.com"),
		"audience of a prefix": with("aud", public+"/orders"),
		"no audience":          with("aud", nil),
		"issuer of another":    with("iss", other.url),
		"no issuer":            with("iss", nil),
		"another issuer":       other.token(t, alg),
		"another key":          sign(t, s.issuer.claims(alg), jwt.SigningMethodES256, newKey(t)),
		"unsigned":             sign(t, s.issuer.claims(alg), jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType),
		"the key as a secret":  sign(t, s.issuer.claims(alg), jwt.SigningMethodHS256, point),
		"a secret":             sign(t, s.issuer.claims(alg), jwt.SigningMethodHS256, sum[:]),
		"two":                  good + "," + good,
	}
}

// Who has no valid token learns where to get one, and nothing else.
func TestStrangers(t *testing.T) {
	for _, document := range documents {
		s := newSite(t, document)
		callers := s.strangers(t)
		callers[""] = ""
		for kind, token := range callers {
			for _, server := range servers {
				s.checkStranger(t, document != "", kind, server.name, token)
			}
		}
	}
}

func (s *site) checkStranger(t *testing.T, governed bool, kind, server, token string) {
	t.Helper()
	prefix := `Bearer resource_metadata="` + public + `/.well-known/oauth-protected-resource/` + server + `/mcp", `
	bodies := map[string]bool{}
	var requests []rpc.Request
	for _, v := range eras {
		requests = append(requests, rpc.New(v, "1", mcp.MethodListTools, ""), call(v, "open"), call(v, "absent"))
	}
	requests = append(requests, rpc.Request{Header: http.Header{"Content-Type": {"application/json"}}, Body: "no JSON"},
		rpc.New(mcp.LatestLegacy, "1", mcp.MethodInitialize, `{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"a","version":"1"}}`))
	for _, r := range requests {
		a := s.ask(t, server, token, "", r)
		challenge := a.header.Get("WWW-Authenticate")
		ok := strings.HasPrefix(challenge, prefix) && strings.HasSuffix(challenge, `scope="orders.read"`) && strings.Contains(challenge, `error="invalid_token"`) == (token != "")
		if a.status != 401 || !ok || len(a.header["Www-Authenticate"]) != 1 {
			t.Errorf("%q at %s: got %d %q", kind, server, a.status, a.header["Www-Authenticate"])
		}
		if seen := a.header.Get("Seen"); governed != strings.HasPrefix(seen, "authorization ") {
			t.Errorf("%q at %s: got the header of on-error %q", kind, server, seen)
		}
		bodies[a.body] = true
	}
	if len(bodies) != 1 {
		t.Errorf("%q at %s: got answers that differ by what is asked for: %v", kind, server, bodies)
	}
	for _, method := range []string{http.MethodGet, http.MethodDelete, http.MethodPut, http.MethodOptions} {
		req, err := http.NewRequestWithContext(t.Context(), method, s.base+"/"+server+"/mcp", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		if a := do(t, req); a.status != 401 || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), prefix) {
			t.Errorf("%s by %q at %s: got %d %v", method, kind, server, a.status, a.header)
		}
	}
}

// A token that lacks the scopes of the server, or is of another client, is refused
// at the door.
func TestDoor(t *testing.T) {
	s := newSite(t, "")
	for _, c := range []struct {
		name      string
		claims    jwt.MapClaims
		challenge string
		message   string
	}{
		{"no scopes", nil, `error="insufficient_scope", scope="orders.read"`, "lacks scopes"},
		{"other scopes", jwt.MapClaims{"scope": "orders.readall orders"}, `error="insufficient_scope", scope="orders.read"`, "lacks scopes"},
		{"another client", jwt.MapClaims{"scope": "orders.read", "client_id": "other"}, "", "client application"},
		{"no client", jwt.MapClaims{"scope": "orders.read", "client_id": nil}, "", "client application"},
	} {
		for _, server := range servers {
			a := s.ask(t, server.name, s.issuer.token(t, c.claims), "", call(mcp.Latest, "open"))
			if got := a.header.Get("WWW-Authenticate"); a.status != 403 || !strings.HasSuffix(got, c.challenge) || (got == "") != (c.challenge == "") || !strings.Contains(a.body, c.message) {
				t.Errorf("%s at %s: got %d %q %s", c.name, server.name, a.status, got, a.body)
			}
		}
	}
	for _, claim := range []string{"azp", "appid"} { // as Microsoft Entra names the client, and the scopes
		token := s.issuer.token(t, jwt.MapClaims{"client_id": nil, claim: "cli", "scp": "orders.read"})
		if a := s.ask(t, "orders", token, "", call(mcp.Latest, "open")); a.status != 200 {
			t.Errorf("the client in %s: got %d %s", claim, a.status, a.body)
		}
	}
}

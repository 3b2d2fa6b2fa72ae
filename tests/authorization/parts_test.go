package authorization_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"toolgate/shared/gateway"
	"toolgate/shared/mcp"
	"toolgate/shared/services"
	"toolgate/shared/snapshot"
	"toolgate/tests/internal/folder"
	"toolgate/tests/internal/rpc"

	"github.com/golang-jwt/jwt/v5"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// library is an upstream with resources and prompts, some of which are not for
// everybody.
func library(t testing.TB) string {
	t.Helper()
	s := sdk.NewServer(&sdk.Implementation{Name: "library", Version: "1"}, &sdk.ServerOptions{
		CompletionHandler: func(context.Context, *sdk.CompleteRequest) (*sdk.CompleteResult, error) {
			return &sdk.CompleteResult{Completion: sdk.CompletionResultDetails{Values: []string{"completed"}}}, nil
		},
	})
	read := func(_ context.Context, r *sdk.ReadResourceRequest) (*sdk.ReadResourceResult, error) {
		return &sdk.ReadResourceResult{Contents: []*sdk.ResourceContents{{URI: r.Params.URI, Text: "content"}}}, nil
	}
	for _, uri := range []string{"docs://public/a", "docs://secret/b", "docs://other/c"} {
		s.AddResource(&sdk.Resource{URI: uri, Name: uri}, read)
	}
	for _, template := range []string{"docs://public/{page}", "docs://secret/{+page}"} {
		s.AddResourceTemplate(&sdk.ResourceTemplate{URITemplate: template, Name: template}, read)
	}
	for _, name := range []string{"summarize", "review-code", "internal"} {
		s.AddPrompt(&sdk.Prompt{Name: name}, func(context.Context, *sdk.GetPromptRequest) (*sdk.GetPromptResult, error) {
			return &sdk.GetPromptResult{Messages: []*sdk.PromptMessage{{Role: "user", Content: &sdk.TextContent{Text: "content"}}}}, nil
		})
	}
	sdk.AddTool(s, &sdk.Tool{Name: "search"}, func(context.Context, *sdk.CallToolRequest, struct{}) (*sdk.CallToolResult, any, error) {
		return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: "content"}}}, nil, nil
	})
	h := httptest.NewServer(sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return s }, &sdk.StreamableHTTPOptions{Stateless: true, JSONResponse: true}))
	t.Cleanup(h.Close)
	return h.URL
}

func newLibrary(t testing.TB) *site {
	t.Helper()
	s := &site{issuer: newIssuer(t)}
	authorization := `authorization: { issuer: "` + s.issuer.url + `" }`
	s.base = folder.Serve(t, folder.Write(t, map[string]string{"gateway.yaml": `name: contoso
publicUrl: ` + public + `
allowedHosts: [ 127.0.0.1 ]
namedValues: { mcp: { env: MCP } }
servers:
  wiki:
    upstream: { url: "{{mcp}}" }
    ` + authorization + `
    resources: [ docs://public/**, { uri: docs://secret/**, allow: { scopes: [ secrets ], roles: [ editor ] } } ]
    prompts: [ summarize, { prompt: review-*, allow: { roles: [ editor ] } } ]
  all: { federate: [ { server: wiki, prefix: "" } ], ` + authorization + ` }
`}), map[string]string{"MCP": library(t)}, gateway.Options{Services: services.New(services.Options{})})
	return s
}

// Resources and prompts are those of their rules, through a federation as well.
func TestResourcesAndPrompts(t *testing.T) {
	s := newLibrary(t)
	reader := s.issuer.token(t, nil)
	half := s.issuer.token(t, jwt.MapClaims{"roles": []string{"editor"}})
	editor := s.issuer.token(t, jwt.MapClaims{"roles": []string{"editor"}, "scope": "secrets"})
	uri := func(text string) string { return `{"uri":"` + text + `"}` }
	name := func(text string) string { return `{"name":"` + text + `"}` }
	reference := func(kind, member, text string) string {
		return `{"ref":{"type":"` + kind + `","` + member + `":"` + text + `"},"argument":{"name":"a","value":"b"}}`
	}
	for _, c := range []struct {
		method, params, token string
		want, unwanted        string // parts of the answer
	}{
		{mcp.MethodListResources, "", reader, "docs://public/a", "secret"},
		{mcp.MethodListResources, "", half, "docs://public/a", "secret"},
		{mcp.MethodListResources, "", editor, "docs://secret/b", "docs://other"},
		{mcp.MethodListResourceTemplates, "", reader, "docs://public/{page}", "secret"},
		{mcp.MethodListResourceTemplates, "", editor, "docs://secret/{+page}", "other"},
		{mcp.MethodListPrompts, "", reader, "summarize", "review"},
		{mcp.MethodListPrompts, "", editor, "review-code", "internal"},
		{mcp.MethodReadResource, uri("docs://public/a"), reader, "content", "error"},
		{mcp.MethodReadResource, uri("docs://secret/b"), reader, "unknown resource", "content"},
		{mcp.MethodReadResource, uri("docs://secret/b"), half, "lacks scopes. This needs: secrets", "content"},
		{mcp.MethodReadResource, uri("docs://secret/b"), editor, "content", "error"},
		{mcp.MethodReadResource, uri("docs://other/c"), editor, "unknown resource", "content"},
		{mcp.MethodReadResource, uri("docs://public/../secret/b"), reader, "unknown resource", "content"},
		{mcp.MethodReadResource, uri("docs://public/%2e%2e/secret/b"), reader, "unknown resource", "content"},
		{mcp.MethodReadResource, uri("docs://public/..%5csecret/b"), reader, "unknown resource", "content"},
		{mcp.MethodReadResource, uri(`docs://secret\u002fb`), reader, "unknown resource", "content"},
		{mcp.MethodReadResource, uri("docs://absent/c"), reader, "unknown resource", "content"},
		{mcp.MethodGetPrompt, name("summarize"), reader, "content", "error"},
		{mcp.MethodGetPrompt, name("review-code"), reader, "unknown prompt", "content"},
		{mcp.MethodGetPrompt, name("review-code"), editor, "content", "error"},
		{mcp.MethodGetPrompt, name("internal"), editor, "unknown prompt", "content"},
		{mcp.MethodComplete, reference("ref/prompt", "name", "summarize"), reader, "completed", "error"},
		{mcp.MethodComplete, reference("ref/prompt", "name", "review-code"), reader, "unknown prompt", "completed"},
		{mcp.MethodComplete, reference("ref/prompt", "name", "review-code"), editor, "completed", "error"},
		{mcp.MethodComplete, reference("ref/resource", "uri", "docs://secret/{+page}"), reader, "unknown re", "completed"},
		{mcp.MethodComplete, reference("ref/resource", "uri", "docs://secret/{+page}"), editor, "completed", "error"},
		{mcp.MethodCallTool, `{"name":"search","arguments":{}}`, reader, "content", "error"},
	} {
		for _, server := range []string{"wiki", "all"} {
			for _, v := range eras {
				a := s.ask(t, server, c.token, "", rpc.New(v, "1", c.method, c.params))
				if !strings.Contains(a.body, c.want) || strings.Contains(a.body, c.unwanted) {
					t.Errorf("%s %s %s at %s: got %d %s, want %q and not %q", v, c.method, c.params, server, a.status, a.body, c.want, c.unwanted)
				}
				if v.Modern() && strings.HasSuffix(c.method, "/list") && !strings.Contains(a.body, `"cacheScope":"private"`) {
					t.Errorf("%s at %s: got %s, want a private list", c.method, server, a.body)
				}
			}
		}
	}
}

// Nobody can listen to, or subscribe to, what they may not read.
func TestSubscriptionsToResources(t *testing.T) {
	s := newLibrary(t)
	reader := s.issuer.token(t, nil)
	listen := rpc.New(mcp.Latest, "1", mcp.MethodListen, `{"notifications":{"resourceSubscriptions":["docs://public/a","docs://secret/b"]}}`)
	if a := s.ask(t, "wiki", reader, "", listen); !strings.Contains(a.body, `unknown resource \"docs://secret/b\"`) {
		t.Errorf("got %d %s", a.status, a.body)
	}
	for _, method := range []string{mcp.MethodSubscribe, mcp.MethodUnsubscribe} {
		a := s.ask(t, "wiki", reader, "", rpc.New(mcp.LatestLegacy, "1", method, `{"uri":"docs://secret/b"}`))
		if !strings.Contains(a.body, `"code":-32002,"message":"unknown resource \"docs://secret/b\""`) {
			t.Errorf("%s: got %d %s", method, a.status, a.body)
		}
	}
}

// metadata asks for a document.
func (s *site) metadata(t testing.TB, method, path string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.base+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, req)
}

func TestResourceMetadata(t *testing.T) {
	s := &site{issuer: &issuer{url: "https://login.contoso.com/tenant"}}
	serve := func(publicURL, servers string) {
		s.base = folder.Serve(t, folder.Write(t, map[string]string{
			"gateway.yaml": "name: contoso\n" + publicURL + "servers:\n  open: { upstream: { url: \"https://wiki.contoso.com\" } }\n" + servers,
		}), nil, gateway.Options{Services: services.New(services.Options{})})
	}
	const path = "/.well-known/oauth-protected-resource"
	const one = `  wiki:
    title: The "wiki"
    upstream: { url: "https://wiki.contoso.com" }
    authorization: { issuer: https://login.contoso.com/tenant, scopes: [ read, offline_access ] }
    tools: [ { tool: a, allow: [ { scopes: [ write, read ] }, { roles: [ b ], scopes: [ admin ] } ] } ]
    resources: [ { uri: c, allow: { scopes: [ files ] } } ]
    legacySSE: true
`
	document := func(resource string) string {
		return `{"resource":"` + resource + `","authorization_servers":["https://login.contoso.com/tenant"],"scopes_supported":["admin","files","read","write"],"bearer_methods_supported":["header"],"resource_name":"The \"wiki\""}`
	}
	check := func(name, path, want string) {
		t.Helper()
		a := s.metadata(t, http.MethodGet, path)
		if want == "" {
			if a.status != 404 {
				t.Errorf("%s: %s: got %d %s, want 404", name, path, a.status, a.body)
			}
			return
		}
		if a.status != 200 || a.body != want || a.header.Get("Access-Control-Allow-Origin") != "*" || a.header.Get("Cache-Control") != "public, max-age=3600" || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %s: got %d %v %s, want %s", name, path, a.status, a.header, a.body, want)
		}
	}
	serve("publicUrl: "+public+"\nallowedHosts: [ 127.0.0.1 ]\n", one)
	check("public", path+"/wiki/mcp", document(public+"/wiki/mcp"))
	check("public", path+"/wiki/mcp/", document(public+"/wiki/mcp"))
	check("public", path+"/wiki/sse", document(public+"/wiki/sse"))
	check("public", path, document(public+"/wiki/mcp"))
	check("public", path+"/open/mcp", "")
	check("public", path+"/absent/mcp", "")
	check("public", path+"/wiki", "")
	check("public", path+"x", "")
	if a := s.metadata(t, http.MethodOptions, path+"/wiki/mcp"); a.status != 204 || a.header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(a.header.Get("Access-Control-Allow-Headers"), "MCP-Protocol-Version") {
		t.Errorf("a preflight: got %d %v", a.status, a.header)
	}
	if a := s.metadata(t, http.MethodPost, path+"/wiki/mcp"); a.status != 405 || a.header.Get("Allow") != "GET, HEAD, OPTIONS" {
		t.Errorf("POST: got %d %v", a.status, a.header)
	}
	if a := s.metadata(t, http.MethodGet, "/wiki/sse"); a.status != 401 || !strings.Contains(a.header.Get("WWW-Authenticate"), `resource_metadata="`+public+path+`/wiki/sse"`) {
		t.Errorf("HTTP+SSE: got %d %v", a.status, a.header)
	}
	if a := s.metadata(t, http.MethodPost, "/wiki/messages?sessionId=a"); a.status != 401 || !strings.Contains(a.header.Get("WWW-Authenticate"), path+`/wiki/sse"`) {
		t.Errorf("messages of HTTP+SSE: got %d %v", a.status, a.header)
	}

	serve("publicUrl: https://contoso.com/tools/\nallowedHosts: [ 127.0.0.1 ]\n", one)
	for _, p := range []string{path + "/wiki/mcp", path + "/tools/wiki/mcp", path, path + "/tools"} {
		check("with a path", p, document("https://contoso.com/tools/wiki/mcp"))
	}

	serve("", one)
	check("loopback", path+"/wiki/mcp", document(s.base+"/wiki/mcp"))

	serve("", one+strings.Replace(one, "wiki:", "other:", 1))
	check("several", path, "")
	check("several", path+"/other/mcp", document(s.base+"/other/mcp"))
}

// A federation that takes no tokens asks its members' rules all the same.
func TestProductsOfMembers(t *testing.T) {
	s := &site{}
	s.base = folder.Serve(t, folder.Write(t, map[string]string{"gateway.yaml": `name: contoso
namedValues: { mcp: { env: MCP } }
products: { gold: { servers: [ all, wiki, closed ] } }
servers:
  wiki: { upstream: { url: "{{mcp}}" }, subscriptionRequired: false, tools: [ { tool: search, allow: { products: [ gold ] } } ] }
  closed: { upstream: { url: "{{mcp}}" }, subscriptionRequired: false, allow: { products: [ gold ] } }
  all: { federate: [ { server: wiki, prefix: "" }, closed ], subscriptionRequired: false }
`}), map[string]string{"MCP": library(t)}, gateway.Options{Services: services.New(services.Options{}), Subscriptions: subscriptions{}})
	for _, key := range []string{"", "gold", ""} { // what one caller is shown is nothing to the next
		list := s.ask(t, "all", "", key, rpc.New(mcp.Latest, "1", mcp.MethodListTools, ""))
		shown := strings.Contains(list.body, `"search"`) && strings.Contains(list.body, `"closed_search"`)
		hidden := strings.Contains(list.body, `"tools":[]`)
		if shown != (key == "gold") || hidden != (key == "") || !strings.Contains(list.body, `"cacheScope":"private"`) {
			t.Errorf("key %q: got %s", key, list.body)
		}
		for _, tool := range []string{"search", "closed_search"} {
			a := s.ask(t, "all", "", key, call(mcp.LatestLegacy, tool))
			if (key == "gold") != strings.Contains(a.body, "content") || (key == "") != strings.Contains(a.body, "unknown tool") {
				t.Errorf("%s with key %q: got %d %s", tool, key, a.status, a.body)
			}
		}
		a := s.ask(t, "closed", "", key, call(mcp.Latest, "search"))
		if key == "" && (a.status != 403 || !strings.Contains(a.body, "not for the caller") || a.header.Get("WWW-Authenticate") != "") || key == "gold" && a.status != 200 {
			t.Errorf("a server for others with key %q: got %d %v %s", key, a.status, a.header, a.body)
		}
	}
	if a := s.ask(t, "all", "", "bronze", call(mcp.Latest, "search")); a.status != 401 || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "AzureApiManagementKey") {
		t.Errorf("a wrong key: got %d %v", a.status, a.header)
	}
}

// In a batch each message is decided on its own.
func TestBatch(t *testing.T) {
	for _, document := range documents {
		s := newSite(t, document)
		token, _ := s.tokenOf(t, buyer)
		body := `[`
		for i, tool := range []string{"open", "scoped", "grouped", "roled"} {
			body += fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%q}},`, i, tool)
		}
		for _, server := range []string{"orders", "all"} {
			text := body
			if server == "all" {
				text = strings.ReplaceAll(text, `"name":"`, `"name":"orders_`)
			}
			r := rpc.New(mcp.V20250326, "1", mcp.MethodPing, "").WithBody(strings.TrimSuffix(text, ",") + `]`)
			a := s.ask(t, server, token, "", r)
			for _, want := range []string{`called\":\"open`, `This needs: orders.read orders.write`, `unknown tool \"grouped\"`, `called\":\"roled`} {
				if !strings.Contains(a.body, want) {
					t.Errorf("governed %t, %s: got %d %s, want %s", document != "", server, a.status, a.body, want)
				}
			}
		}
	}
}

// An issuer that cannot be reached is no fault of the token.
func TestIssuerAway(t *testing.T) {
	s := newSite(t, "")
	token := s.issuer.token(t, jwt.MapClaims{"scope": "orders.read"})
	away := httptest.NewServer(http.NotFoundHandler())
	base := folder.Serve(t, folder.Write(t, map[string]string{"gateway.yaml": `name: contoso
servers: { wiki: { upstream: { url: "https://wiki.contoso.com" }, authorization: { issuer: "` + away.URL + `", audience: ` + public + `/wiki/mcp } } }
`}), nil, gateway.Options{Services: services.New(services.Options{})})
	away.Close()
	s.base = base
	if a := s.ask(t, "wiki", token, "", call(mcp.Latest, "a")); a.status != 503 || a.header.Get("WWW-Authenticate") != "" || !strings.Contains(a.body, "could not be verified") {
		t.Errorf("got %d %v %s", a.status, a.header, a.body)
	}
}

// A platform that hides the host leaves no URL for which clients could ask for tokens.
func TestNeedsPublicURL(t *testing.T) {
	content, err := folder.Compile(t.Context(), folder.Write(t, map[string]string{"gateway.yaml": `name: contoso
servers: { wiki: { upstream: { url: "https://wiki.contoso.com" }, authorization: { issuer: https://login.contoso.com } } }
`}), nil)
	if err != nil {
		t.Fatal(err)
	}
	for want, o := range map[string]gateway.Options{
		`give gateway.yaml a "publicUrl"`:       {AnyHost: true, Services: services.New(services.Options{})},
		"was given nothing that validates them": {},
	} {
		snap, err := snapshot.Load(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := gateway.New(snap, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// Expressions of allow are compiled at build, and cannot look at what differs between
// a list and a call.
func TestExpressionFaults(t *testing.T) {
	for _, c := range []struct{ expression, want string }{
		{"@(context.User.Nam == 1)", "cannot be compiled"},
		{"@(5)", "must be true or false"},
		{`@(context.Request.Body.As<string>() == "a")`, "reads a body"},
		{`@((string)context.Variables["x"] == "a")`, `reads the variable "x"`},
		{`@{ return context.User != null; }`, ""},
	} {
		_, err := folder.Compile(t.Context(), folder.Write(t, map[string]string{"gateway.yaml": `name: contoso
servers:
  wiki: { upstream: { url: "https://wiki.contoso.com" }, allow: { expression: '` + c.expression + `' } }
`}), nil)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), "gateway.yaml:3:") || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", c.expression, err, c.want)
		}
	}
}

// The rule of a tool that is published under another name is that of this name.
func TestRenamed(t *testing.T) {
	s := &site{issuer: newIssuer(t)}
	authorization := `authorization: { issuer: "` + s.issuer.url + `" }`
	s.base = folder.Serve(t, folder.Write(t, map[string]string{"gateway.yaml": `name: contoso
publicUrl: ` + public + `
allowedHosts: [ 127.0.0.1 ]
namedValues: { mcp: { env: MCP } }
servers:
  wiki:
    upstream: { url: "{{mcp}}" }
    ` + authorization + `
    tools: [ { tool: search, name: find, allow: { roles: [ editor ] } } ]
`}), map[string]string{"MCP": library(t)}, gateway.Options{Services: services.New(services.Options{})})
	reader, editor := s.issuer.token(t, nil), s.issuer.token(t, jwt.MapClaims{"roles": "editor"})
	for _, v := range eras {
		for _, c := range []struct {
			token string
			may   []string
		}{{reader, nil}, {editor, []string{"find"}}} {
			list := s.ask(t, "wiki", c.token, "", rpc.New(v, "1", mcp.MethodListTools, ""))
			for _, tool := range []string{"find", "search"} {
				a := s.ask(t, "wiki", c.token, "", call(v, tool))
				may := slices.Contains(c.may, tool)
				if strings.Contains(list.body, `"name":"`+tool+`"`) != may || strings.Contains(a.body, "content") != may {
					t.Errorf("%s %s: got %d %s of %s, want %t", v, tool, a.status, a.body, list.body, may)
				}
			}
		}
	}
}

// A session of an upstream is its user's, whoever else has its id.
func TestSessionsAreOfUsers(t *testing.T) {
	s := &site{issuer: newIssuer(t)}
	server := sdk.NewServer(&sdk.Implementation{Name: "wiki", Version: "1"}, nil)
	h := httptest.NewServer(sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return server }, &sdk.StreamableHTTPOptions{JSONResponse: true}))
	t.Cleanup(h.Close)
	s.base = folder.Serve(t, folder.Write(t, map[string]string{"gateway.yaml": `name: contoso
publicUrl: ` + public + `
allowedHosts: [ 127.0.0.1 ]
namedValues: { mcp: { env: MCP } }
servers: { wiki: { upstream: { url: "{{mcp}}", protocolVersion: 2025-11-25 }, authorization: { issuer: "` + s.issuer.url + `" } } }
`}), map[string]string{"MCP": h.URL}, gateway.Options{Services: services.New(services.Options{})})
	alice, bob := s.issuer.token(t, nil), s.issuer.token(t, jwt.MapClaims{"sub": "bob"})
	a := s.ask(t, "wiki", alice, "", rpc.New(mcp.LatestLegacy, "1", mcp.MethodInitialize, `{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"a","version":"1"}}`))
	session := a.header.Get(mcp.HeaderSessionID)
	if a.status != 200 || session == "" {
		t.Fatalf("got %d %v %s", a.status, a.header, a.body)
	}
	ping := rpc.New(mcp.LatestLegacy, "2", mcp.MethodPing, "").With(mcp.HeaderSessionID, session)
	for _, c := range []struct {
		token string
		want  int
	}{{bob, 404}, {alice, 200}} {
		if a := s.ask(t, "wiki", c.token, "", ping); a.status != c.want {
			t.Errorf("got %d %s, want %d", a.status, a.body, c.want)
		}
	}
	for _, c := range []struct {
		token string
		want  int
	}{{bob, 404}, {alice, 204}} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, s.base+"/wiki/mcp", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = http.Header{"Authorization": {"Bearer " + c.token}, mcp.HeaderSessionID: {session}, mcp.HeaderProtocolVersion: {"2025-11-25"}}
		if a := do(t, req); a.status != c.want {
			t.Errorf("DELETE: got %d %s, want %d", a.status, a.body, c.want)
		}
	}
}

// A federation may take tokens that a member does not: then the member is not there.
func TestMembersOfOtherIssuers(t *testing.T) {
	s := &site{issuer: newIssuer(t)}
	other := newIssuer(t)
	s.base = folder.Serve(t, folder.Write(t, map[string]string{"gateway.yaml": `name: contoso
publicUrl: ` + public + `
allowedHosts: [ 127.0.0.1 ]
namedValues: { mcp: { env: MCP } }
servers:
  wiki:
    upstream: { url: "{{mcp}}" }
    authorization: { issuer: "` + s.issuer.url + `", scopes: [ wiki ], clientIds: [ cli ], audience: api://wiki }
  open: { upstream: { url: "{{mcp}}" } }
  all: { federate: [ wiki, open ], authorization: { issuers: [ "` + s.issuer.url + `", "` + other.url + `" ] } }
`}), map[string]string{"MCP": library(t)}, gateway.Options{Services: services.New(services.Options{})})
	scope := jwt.MapClaims{"scope": "wiki"}
	for _, c := range []struct {
		name, token string
		shown       bool
		want        string // of a call
	}{
		{"its issuer", s.issuer.token(t, scope), true, "content"},
		{"another issuer", other.token(t, scope), false, "unknown tool"},
		{"another client", s.issuer.token(t, jwt.MapClaims{"scope": "wiki", "client_id": "x"}), false, "unknown tool"},
		{"without its scope", s.issuer.token(t, nil), false, "This needs: wiki"},
	} {
		list := s.ask(t, "all", c.token, "", rpc.New(mcp.Latest, "1", mcp.MethodListTools, ""))
		if strings.Contains(list.body, `"wiki_search"`) != c.shown || !strings.Contains(list.body, `"open_search"`) {
			t.Errorf("%s: got %s", c.name, list.body)
		}
		for _, v := range eras {
			if a := s.ask(t, "all", c.token, "", call(v, "wiki_search")); !strings.Contains(a.body, c.want) {
				t.Errorf("%s: got %d %s, want %s", c.name, a.status, a.body, c.want)
			}
		}
	}
}

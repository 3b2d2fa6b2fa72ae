package governance_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"toolgate/shared/gateway"

	"github.com/go-json-experiment/json"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const clientsFolder = `
name: contoso
namedValues: { backend: { env: BACKEND }, desk: { env: DESK } }
backends: { orders: { url: "{{backend}}" } }
apis: { orders: { openapi: orders.yaml, backend: orders } }
profiles:
  short: { like: openai, description: 64, drop: [ pattern ] }
servers:
  orders: { api: orders, nameLength: 64, legacySSE: true, policy: policy.xml, clientProfiles: { auto: true, clients: { "contoso-*": short, plain: none } } }
  usual: { api: orders, nameLength: 64, clientProfiles: { default: anthropic } }
  own: { api: orders, nameLength: 64 }
  orders-of-the-best-customers:
    api: orders
    nameLength: 64
    clientProfiles: { default: cursor }
    tools: [ { operation: findOrdersOfOneCustomerInAllTheShopsOfTheCompanyInTheNorth, allow: { expression: '@(context.Request.Url.Query.ContainsKey("pro"))' } } ]
  desk: { upstream: { url: "{{desk}}" }, clientProfiles: { auto: true } }
  all: { federate: [ own, { server: desk, prefix: desk-of-customers-in-the-north } ], clientProfiles: { auto: true } }
`

const clientsDocument = `
openapi: 3.1.0
info: { title: Orders, version: "1" }
paths:
  /orders:
    get:
      operationId: findOrdersOfOneCustomerInAllTheShopsOfTheCompanyInTheNorth
      summary: Finds the orders of a customer in all shops, the newest first, with their lines.
      parameters:
        - { name: top, in: query, schema: { type: integer, exclusiveMinimum: 0 } }
        - { name: name, in: query, required: true, schema: { type: string, pattern: "^[a-z]+$" } }
      responses: { "200": { description: Orders. } }
`

// profiled is a gateway whose servers have profiles for clients, before an API and an
// MCP server.
type profiled struct {
	front

	// Under the lock of the front.
	queries []string // what the API was asked
	lists   int      // how often the MCP server was asked for its tools
}

const deskTool = "tickets/find.by-the-words-that-the-customer-said-when-the-call-was-taken"

func newProfiled(t *testing.T) *profiled {
	t.Helper()
	p := &profiled{}
	api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.queries = append(p.queries, r.URL.RawQuery)
		p.mu.Unlock()
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, "tea")
	})
	server := mcp.NewServer(&mcp.Implementation{Name: "desk", Version: "1"}, nil)
	server.AddTool(&mcp.Tool{Name: deskTool, Description: "Finds tickets.", InputSchema: map[string]any{
		"type": "object", "properties": map[string]any{"$text": map[string]any{"type": "string"}, "id": map[string]any{"type": "integer"}},
		"anyOf": []any{map[string]any{"required": []string{"$text"}}, map[string]any{"required": []string{"id"}}},
	}}, func(_ context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		if !strings.Contains(string(req.Params.Arguments), "$text") {
			return &mcp.CallToolResult{IsError: true, Content: []mcp.Content{&mcp.TextContent{Text: "give $text to " + req.Params.Name}}}, nil
		}
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: string(req.Params.Arguments)}}}, nil
	})
	server.AddReceivingMiddleware(func(next mcp.MethodHandler) mcp.MethodHandler {
		return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
			if method == "tools/list" {
				p.mu.Lock()
				p.lists++
				p.mu.Unlock()
			}
			return next(ctx, method, req)
		}
	})
	p.open(t, map[string]string{
		"gateway.yaml": clientsFolder, "orders.yaml": clientsDocument,
		"policy.xml": `<policies><inbound><base /><set-header name="Tool"><value>@(context.Mcp.ToolName)</value></set-header></inbound><backend><base /></backend><outbound><base /><set-header name="Tool"><value>@(context.Mcp.ToolName)</value></set-header></outbound></policies>`,
	}, api, server)
	return p
}

func (p *profiled) seen() (last gateway.Call, queries []string, lists int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last, slices.Clone(p.queries), p.lists
}

// as is a session of a client that calls itself so.
func (p *profiled) as(client, server, version string) *mcp.ClientSession {
	p.t.Helper()
	c := mcp.NewClient(&mcp.Implementation{Name: client, Version: "1"}, nil)
	s, err := c.Connect(p.t.Context(), &mcp.StreamableClientTransport{Endpoint: p.base + "/" + server, MaxRetries: -1, DisableStandaloneSSE: true}, &mcp.ClientSessionOptions{ProtocolVersion: version})
	if err != nil {
		p.t.Fatalf("%s at %s in %s: %v", client, server, version, err)
	}
	p.t.Cleanup(func() { _ = s.Close() })
	return s
}

// only is the one tool of a list, with its arguments.
func (p *profiled) only(s *mcp.ClientSession) (tool *mcp.Tool, arguments []string) {
	p.t.Helper()
	list, err := s.ListTools(p.t.Context(), nil)
	if err != nil || len(list.Tools) != 1 {
		p.t.Fatalf("got the list %v, %v, want one tool", list, err)
	}
	schema, _ := list.Tools[0].InputSchema.(map[string]any)
	properties, _ := schema["properties"].(map[string]any)
	for name := range properties {
		arguments = append(arguments, name)
	}
	slices.Sort(arguments)
	return list.Tools[0], arguments
}

func (p *profiled) call(s *mcp.ClientSession, name string, arguments map[string]any) string {
	p.t.Helper()
	res, err := s.CallTool(p.t.Context(), &mcp.CallToolParams{Name: name, Arguments: arguments})
	if err != nil {
		return "error: " + err.Error()
	}
	said := ""
	for _, c := range res.Content {
		if t, ok := c.(*mcp.TextContent); ok {
			said += t.Text
		}
	}
	if res.IsError {
		said = "failed: " + said
	}
	return said
}

const ordersTool = "findOrdersOfOneCustomerInAllTheShopsOfTheCompanyInTheNorth"

// A client is known by its name in both eras, gets definitions that it accepts, and
// calls the tool by them and by its own name.
func TestClientProfiles(t *testing.T) {
	const whole, top = "Finds the orders of a customer in all shops, the newest first, with their lines.", `map[exclusiveMinimum:0 type:integer]`
	p := newProfiled(t)
	for _, version := range []string{"2025-11-25", "2026-07-28"} {
		for _, c := range []struct {
			client, server string
			made           bool // the tool has another name
			profile        string
			description    string
			top            string // the schema of an argument
		}{
			{"claude-ai", "orders/mcp", false, "anthropic", whole, top},
			{"claude-code", "orders/mcp", true, "claude-code", whole, top},
			{"Visual Studio Code", "orders/mcp", true, "vscode", whole, top},
			{"contoso-agent", "orders/mcp", false, "short", "Finds the orders of a customer in all shops, the newest first…", top},
			{"plain", "orders/mcp", false, "", whole, top},
			{"someone", "orders/mcp", false, "", whole, top},
			{"someone", "orders/mcp?client-profile=gemini", false, "gemini", whole, "map[description:More than 0. type:integer]"},
			{"claude-code", "orders/mcp?client-profile=none", false, "", whole, top},
			{"someone", "usual/mcp", false, "anthropic", whole, top},
			{"claude-code", "own/mcp", false, "", whole, top},
		} {
			t.Run(version+" "+c.client+" "+c.server, func(t *testing.T) {
				p.t = t
				s := p.as(c.client, c.server, version)
				tool, _ := p.only(s)
				schema, _ := tool.InputSchema.(map[string]any)
				properties, _ := schema["properties"].(map[string]any)
				if got := fmt.Sprint(properties["top"]); (tool.Name != ordersTool) != c.made || tool.Description != c.description || got != c.top {
					t.Errorf("got %q, %q and %s", tool.Name, tool.Description, got)
				}
				for _, name := range []string{tool.Name, ordersTool} {
					if got := p.call(s, name, map[string]any{"name": "ann", "top": 3}); got != "tea" {
						t.Errorf("%s: got %q, want tea", name, got)
					}
					last, _, _ := p.seen()
					if last.Name != ordersTool || last.Profile != c.profile {
						t.Errorf("the log has %q by %q, want %q by %q", last.Name, last.Profile, ordersTool, c.profile)
					}
				}
				// What the schema for the client does not say any more is still held to.
				if got := p.call(s, tool.Name, map[string]any{"name": "ann", "top": 0}); !strings.HasPrefix(got, "failed: ") || !strings.Contains(got, `"top"`) {
					t.Errorf("got %q, want a failure", got)
				}
			})
		}
	}
}

// What an MCP server lists when it runs is adapted as well, and a call by a name that
// another instance made is understood.
func TestClientProfilesOfUpstreams(t *testing.T) {
	for _, version := range []string{"2025-11-25", "2026-07-28"} {
		t.Run(version, func(t *testing.T) {
			p := newProfiled(t)
			s := p.as("cursor-vscode", "desk/mcp", version)
			tool, arguments := p.only(s)
			if len("desk"+tool.Name) > 59 || !strings.HasPrefix(tool.Name, "tickets_find_by") || !slices.Equal(arguments, []string{"id", "text_5541fa"}) {
				t.Errorf("got %q with %q", tool.Name, arguments)
			}
			schema, _ := tool.InputSchema.(map[string]any)
			if schema["anyOf"] != nil || !strings.Contains(tool.Description, "Give at least one of these sets of arguments: $text; id.") {
				t.Errorf("got %v and %q, want what the schema says in words", schema, tool.Description)
			}
			other := newProfiled(t) // which has listed nothing
			again := other.as("cursor-vscode", "desk/mcp", version)
			for i, session := range []*mcp.ClientSession{s, again} {
				if got, want := p.call(session, tool.Name, map[string]any{"text_5541fa": "tea"}), `{"$text":"tea"}`; got != want {
					t.Errorf("session %d: got %q, want %q", i, got, want)
				}
				if got, want := p.call(session, tool.Name, map[string]any{"id": 1}), "failed: give text_5541fa to "+tool.Name; got != want {
					t.Errorf("session %d: got %q, want %q", i, got, want)
				}
				if got, want := p.call(session, deskTool, map[string]any{"$text": "tea"}), `{"$text":"tea"}`; got != want {
					t.Errorf("session %d, by its own name: got %q, want %q", i, got, want)
				}
			}
			if last, _, _ := p.seen(); last.Name != deskTool || last.Profile != "cursor" {
				t.Errorf("the log has %q by %q", last.Name, last.Profile)
			}
			_, _, before := other.seen()
			for range 5 { // nobody makes the gateway ask again and again
				if got := p.call(again, "nothing_1a2b3c", nil); !strings.Contains(got, "nothing_1a2b3c") {
					t.Errorf("got %q, want the name in it", got)
				}
			}
			if _, _, after := other.seen(); after-before > 1 {
				t.Errorf("the server was asked %d times", after-before)
			}
		})
	}
}

// The names of a federation are those of its members with prefixes, and are adapted as
// its own; the members are not.
func TestClientProfilesOfFederations(t *testing.T) {
	p := newProfiled(t)
	s := p.as("claude-code", "all/mcp", "2025-11-25")
	list, err := s.ListTools(t.Context(), nil)
	if err != nil || len(list.Tools) != 2 {
		t.Fatalf("got %v, %v, want two tools", list, err)
	}
	for _, tool := range list.Tools {
		if len("mcp__all__"+tool.Name) > 64 {
			t.Errorf("the name %q is too long", tool.Name)
		}
		arguments := map[string]any{"text_5541fa": "tea"}
		want := `{"$text":"tea"}`
		if strings.HasPrefix(tool.Name, "own") {
			arguments, want = map[string]any{"name": "ann"}, "tea"
		}
		if got := p.call(s, tool.Name, arguments); got != want {
			t.Errorf("%s: got %q, want %q", tool.Name, got, want)
		}
	}
}

// What a caller may not use stays unknown, by the name that the caller knows.
func TestClientProfilesKeepRules(t *testing.T) {
	p := newProfiled(t)
	tool, _ := p.only(p.as("someone", "orders-of-the-best-customers/mcp?pro=1", "2026-07-28"))
	if tool.Name == ordersTool || len("orders-of-the-best-customers"+tool.Name) > 59 {
		t.Errorf("got the name %q", tool.Name)
	}
	s := p.as("someone", "orders-of-the-best-customers/mcp", "2026-07-28")
	if list, err := s.ListTools(t.Context(), nil); err != nil || len(list.Tools) != 0 {
		t.Errorf("got %v, %v, want nothing", list, err)
	}
	if got, want := p.call(s, tool.Name, map[string]any{"name": "ann"}), `unknown tool "`+tool.Name+`"`; !strings.Contains(got, want) || strings.Contains(got, ordersTool) {
		t.Errorf("got %q, want %q in it", got, want)
	}
	if _, queries, _ := p.seen(); len(queries) != 0 {
		t.Errorf("the API was asked %q", queries)
	}
}

// A list that depends on the client is for nobody to share.
func TestClientProfilesAreNotShared(t *testing.T) {
	p := newProfiled(t)
	scope := func(server, client string) (string, string) {
		body := `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":` + fmt.Sprintf("%q", client) + `,"version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}`
		res := p.post(server, body, map[string]string{"Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/list"})
		var message struct {
			Result struct {
				CacheScope string `json:"cacheScope"`
			} `json:"result"`
		}
		raw, err := io.ReadAll(res.Body)
		if err == nil {
			err = json.Unmarshal(raw, &message)
		}
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		return message.Result.CacheScope, string(raw)
	}
	for _, c := range []struct{ server, client, want string }{
		{"orders", "claude-ai", "private"}, {"orders", "someone", "private"}, {"usual", "someone", "public"}, {"own", "someone", "public"},
	} {
		got, first := scope(c.server, c.client)
		if got != c.want {
			t.Errorf("%s for %s: got %q, want %q", c.server, c.client, got, c.want)
		}
		if _, again := scope(c.server, c.client); again != first {
			t.Errorf("%s for %s: got %s, and before %s", c.server, c.client, again, first)
		}
	}
}

// post sends a message and is the response.
func (p *profiled) post(server, body string, header map[string]string) *http.Response {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.base+"/"+strings.Replace(server, "?", "/mcp?", 1)+map[bool]string{false: "/mcp"}[strings.Contains(server, "?")], strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	for name, value := range header {
		req.Header.Set(name, value)
	}
	res, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// A client of the legacy era has its profile in its session; one of whom nothing is said
// gets none.
func TestClientProfilesOfSessions(t *testing.T) {
	p := newProfiled(t)
	open := func(server, client string) string {
		body := fmt.Sprintf(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":%q,"version":"1"}}}`, client)
		return p.post(server, body, nil).Header.Get("Mcp-Session-Id")
	}
	list := func(server, session string) (int, string) {
		header := map[string]string{"Mcp-Protocol-Version": "2025-11-25"}
		if session != "" {
			header["Mcp-Session-Id"] = session
		}
		res := p.post(server, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, header)
		raw, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(raw)
	}
	known, unknown := open("orders", "gemini-cli-mcp-client"), open("orders", "someone")
	if !strings.HasPrefix(known, "client.gemini.") || unknown != "" || open("orders", "gemini-cli-mcp-client") == known {
		t.Errorf("got the sessions %q and %q", known, unknown)
	}
	for _, c := range []struct{ server, session, want string }{
		{"orders", known, "More than"}, {"orders", "", "exclusiveMinimum"}, {"orders", "client.gone.1", "exclusiveMinimum"}, {"orders", "client.", "exclusiveMinimum"},
		{"orders?client-profile=none", known, "exclusiveMinimum"}, {"orders?client-profile=openai", "", "exclusiveMinimum"}, {"orders?client-profile=gemini", "", "More than"},
	} {
		if _, got := list(c.server, c.session); !strings.Contains(got, c.want) {
			t.Errorf("%s %q: got %s, want %s in it", c.server, c.session, got, c.want)
		}
	}
	if status, got := list("orders?client-profile=bedrok", ""); status != http.StatusBadRequest || !strings.Contains(got, `did you mean \"bedrock\"?`) {
		t.Errorf("got %d %s", status, got)
	}
	if _, got := list("own?client-profile=bedrok", ""); !strings.Contains(got, "exclusiveMinimum") {
		t.Errorf("a server without profiles: got %s", got)
	}
	body := `[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + ordersTool + `","arguments":{"name":"ann"}}}]`
	if raw, _ := io.ReadAll(p.post("orders", body, map[string]string{"Mcp-Session-Id": known}).Body); !strings.Contains(string(raw), "tea") {
		t.Errorf("in a batch: got %s", raw)
	}
}

// A client of HTTP+SSE says who it is as others of its era do.
func TestClientProfilesOfStreams(t *testing.T) {
	p := newProfiled(t)
	c := mcp.NewClient(&mcp.Implementation{Name: "claude-code", Version: "1"}, nil)
	s, err := c.Connect(t.Context(), &mcp.SSEClientTransport{Endpoint: p.base + "/orders/sse"}, &mcp.ClientSessionOptions{ProtocolVersion: "2025-03-26"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tool, _ := p.only(s)
	if tool.Name == ordersTool || len("mcp__orders__"+tool.Name) > 64 {
		t.Errorf("got the name %q", tool.Name)
	}
	if got := p.call(s, tool.Name, map[string]any{"name": "ann"}); got != "tea" {
		t.Errorf("got %q, want tea", got)
	}
}

package mcpproxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json/jsontext"
)

// fakeMember is a server in memory. answers are results by method; an *mcp.Error
// or another error instead of a text is returned.
type fakeMember struct {
	mu      sync.Mutex
	got     []received
	answers map[string]any
	serve   func(ctx context.Context, req *mcp.Request, reply mcp.Reply) error // instead of answers; nil: not
}

func (m *fakeMember) Serve(ctx context.Context, req *mcp.Request, reply mcp.Reply) error {
	m.mu.Lock()
	m.got = append(m.got, received{header: req.Header.Clone(), body: string(req.Raw), msg: req.Message})
	answer, serve := m.answers[req.Method], m.serve
	m.mu.Unlock()
	if serve != nil {
		return serve(ctx, req, reply)
	}
	switch a := answer.(type) {
	case string:
		return reply.Result(jsontext.Value(a))
	case func(*mcp.Request) string:
		return reply.Result(jsontext.Value(a(req)))
	case error:
		return a
	}
	return mcp.MethodNotFound(req.Method)
}

func (m *fakeMember) requests(method string) []received {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []received
	for _, g := range m.got {
		if g.msg.Method == method {
			out = append(out, g)
		}
	}
	return out
}

func (m *fakeMember) set(method string, answer any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answers[method] = answer
}

// toolMember is a member with tools that answer by their names.
func toolMember(names ...string) *fakeMember {
	var tools []string
	for _, n := range names {
		tools = append(tools, `{"name":"`+n+`","inputSchema":{"type":"object"},"n":1.0}`)
	}
	return &fakeMember{answers: map[string]any{
		"tools/list": `{"tools":[` + strings.Join(tools, ",") + `],"ttlMs":30000,"cacheScope":"public"}`,
		"tools/call": func(req *mcp.Request) string { return `{"called":"` + req.Text(req.Name) + `"}` },
	}}
}

const (
	federationInfo = `{"name":"all","version":"1"}`
	federationMeta = `"_meta":{"io.modelcontextprotocol/serverInfo":` + federationInfo
)

func newFederation(t testing.TB, change func(*FederationOptions), members ...Member) *client {
	t.Helper()
	o := FederationOptions{
		Name: "all", Implementation: mcp.Implementation{Name: "all", Version: "1"}, Members: members,
		Hint: mcp.CacheHint{TTL: time.Minute, Public: true},
	}
	if change != nil {
		change(&o)
	}
	return newClient(t, serve(t, NewFederation(o)).URL)
}

func TestFederationListsTools(t *testing.T) {
	long := strings.Repeat("x", 70)
	a, b, bare := toolMember("get", "a_b_c", long), toolMember("get", "c"), toolMember("get", "a_get", "free")
	c := newFederation(t, nil,
		Member{Name: "a", Prefix: "a", Server: a}, Member{Name: "bee", Prefix: "a_a_b", Server: b}, Member{Name: "bare", Bare: true, Server: bare})
	short := "a_" + strings.Repeat("x", 53) + "_43afd6bc"
	tool := func(name string) string {
		return `{"name":"` + name + `","inputSchema":{"type":"object"},"n":1.0}`
	}
	tools := `{"tools":[` + strings.Join([]string{tool("a_get"), tool("a_a_b_c"), tool(short), tool("a_a_b_get"), tool("get"), tool("free")}, ",") + `]`
	omitted := `"toolgate/omitted":[{"member":"bee","name":"a_a_b_c"},{"member":"bare","name":"a_get"}]`
	_, _, got := c.modern("1", "tools/list", "", "")
	want := `{"jsonrpc":"2.0","id":1,"result":` + tools + `,"ttlMs":30000,"cacheScope":"public","resultType":"complete",` + federationMeta + `,` + omitted + `}}}`
	if len(short) != maxName || got != want {
		t.Errorf("modern: got %s, want %s", got, want)
	}
	_, _, got = c.legacyPost("1", "tools/list", `{"cursor":null}`)
	if want := `{"jsonrpc":"2.0","id":1,"result":` + tools + `,"_meta":{` + omitted + `}}}`; got != want {
		t.Errorf("legacy: got %s, want %s", got, want)
	}
	if status, _, got := c.modern("1", "tools/list", `,"cursor":"2"`, ""); status != 400 || !strings.Contains(got, `"code":-32602`) {
		t.Errorf("a cursor that was never given: got %d %s", status, got)
	}

	for name, want := range map[string]struct {
		member *fakeMember
		name   string
	}{
		"a_get": {a, "get"}, "a_a_b_c": {a, "a_b_c"}, short: {a, long}, "a_a_b_get": {b, "get"}, "get": {bare, "get"}, "free": {bare, "free"},
	} {
		if _, _, got := c.modernCall("1", name, `{"n":1.0}`); !strings.Contains(got, `"called":"`+want.name+`"`) {
			t.Errorf("%s: got %s", name, got)
			continue
		}
		calls := want.member.requests("tools/call")
		if last := calls[len(calls)-1]; last.header.Get("Mcp-Name") != want.name || !strings.Contains(last.body, `"arguments":{"n":1.0}`) {
			t.Errorf("%s: the member got %s with %v", name, last.body, last.header)
		}
	}
	for _, name := range []string{"nothing", "b_get", ""} {
		c := newFederation(t, nil, Member{Name: "a", Server: a}, Member{Name: "b1", Bare: true, Server: b}, Member{Name: "b2", Bare: true, Server: b})
		if status, _, got := c.modernCall("1", name, `{}`); status != 400 || !strings.Contains(got, fmt.Sprintf(`"message":"unknown tool \"%s\""`, name)) {
			t.Errorf("%q: got %d %s, want unknown tool", name, status, got)
		}
	}
}

func TestFederationCallsWithoutAList(t *testing.T) {
	a, b := toolMember("get"), toolMember("get")
	c := newFederation(t, nil, Member{Name: "a", Server: a}, Member{Name: "b", Server: b})
	_, _, got := c.post(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"b_get",`+modernMeta()+`}}`,
		append(modernHeaders("tools/call", "b_get"), "Mcp-Session-Id", "made-up", "Mcp-Param-X", "1")...)
	if !strings.Contains(got, `"called":"get"`) {
		t.Errorf("got %s", got)
	}
	if a.got != nil || len(b.got) != 1 || b.got[0].header.Get("Mcp-Param-X") != "1" || b.got[0].header.Get("Mcp-Session-Id") != "" {
		t.Errorf("a got %v, b got %v", a.got, b.got)
	}
}

func TestFederationReadsAllPages(t *testing.T) {
	pages := &fakeMember{answers: map[string]any{"tools/list": func(req *mcp.Request) string {
		switch req.Text(req.Cursor) {
		case "":
			return `{"tools":[{"name":"one"}],"nextCursor":"2","ttlMs":9000,"cacheScope":"public"}`
		case "2":
			return `{"tools":[ ],"nextCursor":"3","ttlMs":8000,"cacheScope":"private"}`
		}
		return `{"tools":[{"name":"two"}],"nextCursor":"3","ttlMs":9000,"cacheScope":"public"}`
	}}}
	c := newFederation(t, nil, Member{Name: "a", Server: pages}, Member{Name: "b", Server: toolMember("three")})
	_, _, got := c.modern("1", "tools/list", "", "")
	if !strings.Contains(got, `"tools":[{"name":"a_one"},{"name":"a_two"},{"name":"b_three",`) || !strings.Contains(got, `"ttlMs":8000,"cacheScope":"private"`) {
		t.Errorf("got %s", got)
	}
	if got := len(pages.requests("tools/list")); got != 3 {
		t.Errorf("asked for %d pages, want 3: a cursor that repeats ends the list", got)
	}
	for _, g := range pages.requests("tools/list") {
		if v, err := mcp.Detect(&g.msg, g.header); v != mcp.Latest || err != nil {
			t.Errorf("a modern member would refuse %s: %v", g.body, err)
		}
	}
}

func TestFederationWithoutAMember(t *testing.T) {
	down := &failure{behind("did not answer in time"), errors.New("secret")}
	tests := []struct {
		name, reason string
		set          func(m *fakeMember)
	}{
		{"down", "The MCP server behind this gateway did not answer in time.", func(m *fakeMember) { m.set("tools/list", down) }},
		{"slow", "The MCP server behind this gateway did not answer in time.", func(m *fakeMember) {
			m.serve = func(ctx context.Context, _ *mcp.Request, _ mcp.Reply) error {
				<-ctx.Done()
				return ctx.Err()
			}
		}},
		{"deaf", "The MCP server behind this gateway did not answer in time.", func(m *fakeMember) {
			release := make(chan struct{})
			t.Cleanup(func() { close(release) })
			m.serve = func(context.Context, *mcp.Request, mcp.Reply) error { <-release; return nil }
		}},
		{"unreadable", "The MCP server behind this gateway sent an answer that cannot be read.", func(m *fakeMember) {
			m.set("tools/list", `{"tools":[1,{"name"]}`)
		}},
		{"silent", "The MCP server behind this gateway broke off its answer.", func(m *fakeMember) {
			m.serve = func(context.Context, *mcp.Request, mcp.Reply) error { return nil }
		}},
		{"panics", "The MCP server behind this gateway could not be reached.", func(m *fakeMember) {
			m.serve = func(context.Context, *mcp.Request, mcp.Reply) error { panic("at once") }
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bad, good := toolMember("get"), toolMember("get")
			c := newFederation(t, func(o *FederationOptions) { o.Timeout = 50 * time.Millisecond },
				Member{Name: "bad", Server: bad}, Member{Name: "good", Server: good}, Member{Name: "empty", Server: &fakeMember{}})
			before, _, _ := c.modern("1", "tools/list", "", "")
			tt.set(bad)
			_, _, got := c.modern("1", "tools/list", "", "")
			want := `{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"good_get","inputSchema":{"type":"object"},"n":1.0}],"ttlMs":5000,"cacheScope":"public","resultType":"complete",` +
				federationMeta + `,"toolgate/unavailable":[{"member":"bad","reason":"` + tt.reason + `"}]}}}`
			if before != 200 || got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if _, _, got := c.modernCall("1", "good_get", `{}`); !strings.Contains(got, `"called":"get"`) {
				t.Errorf("another member: got %s", got)
			}
		})
	}
}

// TestFederationFindsAMemberThatIsDown is a name that needs the lists, of a
// member that cannot be listed: what was known of it still leads to it.
func TestFederationFindsAMemberThatIsDown(t *testing.T) {
	first, second := toolMember("get"), toolMember("put")
	c := newFederation(t, nil, Member{Name: "first", Bare: true, Server: first}, Member{Name: "second", Bare: true, Server: second})
	c.modern("1", "tools/list", "", "")
	second.set("tools/list", errors.New("down"))
	c.modern("1", "tools/list", "", "")
	if _, _, got := c.modernCall("1", "put", `{}`); !strings.Contains(got, `"called":"put"`) {
		t.Errorf("got %s", got)
	}
}

func TestFederationReadsListsAgainForUnknownNames(t *testing.T) {
	first, second := toolMember("get"), toolMember("put")
	clock := newClock()
	c := newFederation(t, func(o *FederationOptions) { o.Now = clock.now },
		Member{Name: "first", Bare: true, Server: first}, Member{Name: "second", Bare: true, Server: second})
	call := func() string {
		_, _, got := c.modernCall("1", "new", `{}`)
		return got
	}
	for range 3 {
		if got := call(); !strings.Contains(got, "unknown tool") {
			t.Errorf("got %s", got)
		}
	}
	if got := len(second.requests("tools/list")); got != 1 {
		t.Errorf("read the list %d times within the pause, want 1", got)
	}
	second.set("tools/list", `{"tools":[{"name":"new"}]}`)
	clock.add(namePause)
	if got := call(); !strings.Contains(got, `"called":"new"`) {
		t.Errorf("got %s", got)
	}
}

func TestFederationRelaysTheMembersAnswer(t *testing.T) {
	s := modernServer(t, plainDiscover, func(w http.ResponseWriter, _ *http.Request, g received) {
		writeSSE(w, `{"jsonrpc":"2.0","method":"notifications/x","n":1.0}`, resultFor(g, odd))
	})
	c := newFederation(t, nil, Member{Name: "a", Server: newProxy(t, s.URL, nil)})
	_, _, got := c.modernCall("12345678901234567890", "a_get", "{}")
	if want := events(`{"jsonrpc":"2.0","method":"notifications/x","n":1.0}`, `{"jsonrpc":"2.0","id":12345678901234567890,"result":`+odd+`}`); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := s.only(t, "tools/call").header.Get("Mcp-Name"); got != "get" {
		t.Errorf("the server got the name %q, want get", got)
	}
}

func TestFederationOfProxiesInBothEras(t *testing.T) {
	noLeak(t)
	tools := func(w http.ResponseWriter, _ *http.Request, g received) {
		switch g.msg.Method {
		case mcp.MethodListTools:
			writeJSON(w, 200, resultFor(g, `{"tools":[{"name":"get"}]}`))
		case mcp.MethodCallTool:
			writeJSON(w, 200, resultFor(g, `{"content":[]}`))
		default:
			writeJSON(w, 404, errorFor(g, `{"code":-32601,"message":"no"}`))
		}
	}
	modern, stateful, stateless := modernServer(t, plainDiscover, tools), newStateful(t, tools), legacyServer(t, "", tools)
	c := newFederation(t, nil, Member{Name: "new", Server: newProxy(t, modern.URL, nil)},
		Member{Name: "old", Server: newProxy(t, stateful.URL, nil)}, Member{Name: "bare", Server: newProxy(t, stateless.URL, nil)})
	for range 2 {
		for era, ask := range map[string]func(method, params, name string) string{
			"modern": func(method, params, name string) string {
				_, _, got := c.modern("1", method, params, name)
				return got
			},
			"legacy": func(method, params, _ string) string {
				_, _, got := c.legacyPost("1", method, "{"+strings.TrimPrefix(params, ",")+"}")
				return got
			},
		} {
			if got := ask("tools/list", "", ""); !strings.Contains(got, `"tools":[{"name":"new_get"},{"name":"old_get"},{"name":"bare_get"}]`) || strings.Contains(got, "unavailable") {
				t.Errorf("%s: got %s", era, got)
			}
			for _, name := range []string{"new_get", "old_get", "bare_get"} {
				if got := ask("tools/call", `,"name":"`+name+`"`, name); !strings.Contains(got, `"content":[]`) {
					t.Errorf("%s: %s: got %s", era, name, got)
				}
			}
		}
	}
	c.handshake()
	if got := len(stateful.requests("initialize")); got != 1 {
		t.Errorf("made %d sessions, want the gateway's own", got)
	}
}

func TestFederationDescribesItself(t *testing.T) {
	a := &fakeMember{answers: map[string]any{"server/discover": `{"capabilities":{"tools":{"listChanged":true},"logging":{},"extensions":{"x":{"a":1}}},"instructions":"A.","ttlMs":20000,"cacheScope":"public"}`}}
	b := &fakeMember{answers: map[string]any{"server/discover": `{"capabilities":{"tools":{},"resources":{"subscribe":true,"listChanged":true},"extensions":{"x":{"b":2},"y":{}}},"instructions":"B.","ttlMs":30000,"cacheScope":"private"}`}}
	c := newFederation(t, nil, Member{Name: "a", Server: a}, Member{Name: "b", Server: b})
	capabilities := `{"tools":{},"logging":{},"extensions":{"x":{"a":1},"y":{}},"resources":{}}`
	described := `"capabilities":` + capabilities + `,"instructions":"a: A.\n\nb: B.","ttlMs":20000,"cacheScope":"private","resultType":"complete",` + federationMeta
	_, _, got := c.modern("1", "server/discover", "", "")
	want := `{"jsonrpc":"2.0","id":1,"result":{"supportedVersions":["2026-07-28","2025-11-25","2025-06-18","2025-03-26"],` + described + `}}}`
	if got != want {
		t.Errorf("modern: got %s, want %s", got, want)
	}
	_, got = c.handshake()
	want = `{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":` + capabilities + `,"serverInfo":` + federationInfo + `,"instructions":"a: A.\n\nb: B."}}`
	if got != want {
		t.Errorf("legacy: got %s, want %s", got, want)
	}
	for _, g := range b.requests("server/discover") {
		if v, err := mcp.Detect(&g.msg, g.header); v != mcp.Latest || err != nil {
			t.Errorf("a modern member would refuse %s: %v", g.body, err)
		}
	}

	b.set("server/discover", errors.New("down"))
	_, _, got = c.modern("1", "server/discover", "", "")
	want = `{"jsonrpc":"2.0","id":1,"result":{"supportedVersions":["2026-07-28","2025-11-25","2025-06-18","2025-03-26"],` + strings.Replace(described, "20000", "5000", 1) +
		`,"toolgate/unavailable":[{"member":"b","reason":"The MCP server behind this gateway could not be reached."}]}}}`
	if got != want {
		t.Errorf("with a member down: got %s, want %s", got, want)
	}

	own := newFederation(t, func(o *FederationOptions) { o.Instructions, o.Hint = "Own.", mcp.CacheHint{} }, Member{Name: "a", Server: a})
	if _, _, got := own.modern("1", "server/discover", "", ""); !strings.Contains(got, `"instructions":"Own.","ttlMs":0,"cacheScope":"private"`) {
		t.Errorf("its own instructions and hint: got %s", got)
	}
	for method, want := range map[string]string{"ping": `"result":{}`, "logging/setLevel": `"result":{}`, "resources/subscribe": `"code":-32601`, "com.contoso/x": `"code":-32601`} {
		if _, _, got := c.legacyPost("1", method, `{}`); !strings.Contains(got, want) {
			t.Errorf("%s: got %s, want %s", method, got, want)
		}
	}
	if _, _, got := c.modern("1", "subscriptions/listen", `,"notifications":{}`, ""); !strings.Contains(got, mcp.NotificationAcknowledged) || !strings.Contains(got, `"id":1,"result"`) {
		t.Errorf("listen: got %s", got)
	}
	if status, _, _ := c.post(`{"jsonrpc":"2.0","method":"notifications/initialized"}`, legacyVersion...); status != http.StatusAccepted {
		t.Errorf("notification: got %d, want 202", status)
	}
}

// resourceMember reads the URIs given and lists some resources and templates.
func resourceMember(resources, templates string, uris ...string) *fakeMember {
	m := &fakeMember{answers: map[string]any{
		"resources/list":           `{"resources":[` + resources + `]}`,
		"resources/templates/list": `{"resourceTemplates":[` + templates + `]}`,
	}}
	m.serve = func(_ context.Context, req *mcp.Request, reply mcp.Reply) error {
		if answer, ok := m.answers[req.Method].(string); ok {
			return reply.Result(jsontext.Value(answer))
		}
		asked := req.Text(req.Name)
		if req.Method == mcp.MethodComplete {
			asked = text(lookup(req.Bytes(req.Ref), "uri"))
		}
		for _, uri := range uris {
			if uri == asked {
				if err := reply.Notify(jsontext.Value(`{"jsonrpc":"2.0","method":"notifications/x"}`)); err != nil {
					return err
				}
				return reply.Result(jsontext.Value(`{"by":"` + uris[0] + `"}`))
			}
		}
		return mcp.Errorf(mcp.CodeInvalidParams, "unknown")
	}
	return m
}

func TestFederationReadsResources(t *testing.T) {
	a := resourceMember(`{"uri":"x:1"},{"uri":"x:2"}`, `{"uriTemplate":"t:{id}"}`, "A", "x:1", "x:2", "t:1", "t:1/2", "ui://both")
	b := resourceMember(`{"uri":"x:2"},{"uri":"x:3","n":1.0}`, `{"uriTemplate":"t:{id}"},{"uriTemplate":"t:{+path}"}`, "B", "x:2", "x:3", "t:1", "t:1/2", "ui://both", "ui://b")
	down := &fakeMember{answers: map[string]any{"resources/read": errors.New("down")}}
	clock := newClock()
	c := newFederation(t, func(o *FederationOptions) { o.Now = clock.now },
		Member{Name: "none", Server: toolMember()}, Member{Name: "a", Server: a}, Member{Name: "b", Server: b})
	for uri, want := range map[string]string{
		"x:1": `"by":"A"`, "x:2": `"by":"A"`, "x:3": `"by":"B"`, "t:1": `"by":"A"`, "t:1/2": `"by":"B"`, "ui://both": `"by":"A"`, "ui://b": `"by":"B"`,
		"nowhere:1": `"error":{"code":-32602,"message":"unknown resource \"nowhere:1\"","data":{"uri":"nowhere:1"}}`,
	} {
		_, _, got := c.modern("1", "resources/read", `,"uri":"`+uri+`"`, uri)
		if !strings.Contains(got, want) || strings.Contains(want, "by") != strings.Contains(got, "notifications/x") {
			t.Errorf("%s: got %s, want %s", uri, got, want)
		}
	}
	if _, _, got := c.legacyPost("1", "resources/read", `{"uri":"nowhere:1"}`); !strings.Contains(got, `"code":-32002`) {
		t.Errorf("legacy: got %s", got)
	}
	if got := len(a.requests("resources/list")); got != 1 {
		t.Errorf("read the list %d times, want once within the pause", got)
	}
	if _, _, got := c.modern("1", "resources/list", "", ""); !strings.Contains(got, `"resources":[{"uri":"x:1"},{"uri":"x:2"},{"uri":"x:3","n":1.0}]`) || !strings.Contains(got, `"toolgate/omitted":[{"member":"b","name":"x:2"}]`) {
		t.Errorf("list: got %s", got)
	}
	if _, _, got := c.modern("1", "resources/templates/list", "", ""); !strings.Contains(got, `"resourceTemplates":[{"uriTemplate":"t:{id}"},{"uriTemplate":"t:{+path}"}]`) {
		t.Errorf("templates: got %s", got)
	}
	c = newFederation(t, nil, Member{Name: "down", Server: down}, Member{Name: "a", Server: a})
	if _, _, got := c.modern("1", "resources/read", `,"uri":"ui://both"`, "ui://both"); !strings.Contains(got, `"by":"A"`) {
		t.Errorf("with a member down: got %s", got)
	}
	if _, _, got := c.modern("1", "resources/read", `,"uri":"nowhere:1"`, "nowhere:1"); !strings.Contains(got, "could not be reached") {
		t.Errorf("a resource that may be the absent member's: got %s", got)
	}
}

func TestFederationCompletes(t *testing.T) {
	a := resourceMember(``, `{"uriTemplate":"t:{a}"}`, "A", "t:{a}")
	b := resourceMember(``, `{"uriTemplate":"t:{b}"}`, "B", "t:{b}", "unlisted:{x}")
	prompts := &fakeMember{answers: map[string]any{
		"prompts/list":        `{"prompts":[{"name":"p"}]}`,
		"prompts/get":         func(req *mcp.Request) string { return `{"got":"` + req.Text(req.Name) + `"}` },
		"completion/complete": func(req *mcp.Request) string { return `{"of":` + string(req.Bytes(req.Ref)) + `}` },
	}}
	c := newFederation(t, nil, Member{Name: "a", Server: a}, Member{Name: "b", Server: b}, Member{Name: "p", Server: prompts})
	for _, tt := range []struct{ method, params, name, want string }{
		{"prompts/list", "", "", `"prompts":[{"name":"p_p"}]`},
		{"prompts/get", `,"name":"p_p"`, "p_p", `"got":"p"`},
		{"prompts/get", `,"name":"nothing"`, "nothing", `unknown prompt \"nothing\"`},
		{"completion/complete", `,"ref":{"type":"ref/prompt","name":"p_p","n":1.0}`, "", `"of":{"type":"ref/prompt","name":"p","n":1.0}`},
		{"completion/complete", `,"ref":{"type":"ref/resource","uri":"t:{a}"}`, "", `"by":"A"`},
		{"completion/complete", `,"ref":{"type":"ref/resource","uri":"t:{b}"}`, "", `"by":"B"`},
		{"completion/complete", `,"ref":{"type":"ref/resource","uri":"unlisted:{x}"}`, "", `"by":"B"`},
		{"completion/complete", `,"ref":{"type":"ref/prompt"}`, "", `"code":-32602`},
	} {
		if _, _, got := c.modern("1", tt.method, tt.params, tt.name); !strings.Contains(got, tt.want) {
			t.Errorf("%s %s: got %s, want %s", tt.method, tt.params, got, tt.want)
		}
	}
}

func TestFederationFindsTheOwnerOfATask(t *testing.T) {
	s := modernServer(t, plainDiscover, func(w http.ResponseWriter, r *http.Request, g received) {
		if g.msg.Text(g.msg.Name) == "t-1" && r.Header.Get(mcp.HeaderName) == "t-1" || g.msg.Method == mcp.MethodCallTool {
			writeSSE(w, `{"jsonrpc":"2.0","method":"notifications/x"}`, resultFor(g, odd))
			return
		}
		writeJSON(w, 400, errorFor(g, `{"code":-32602,"message":"no such task"}`))
	})
	c := newFederation(t, nil, Member{Name: "a", Server: toolMember()}, Member{Name: "b", Server: newProxy(t, s.URL, nil)})
	knowing := strings.Replace(modernMeta(), `clientCapabilities":{}`, `clientCapabilities":{"extensions":{"`+mcp.ExtensionTasks+`":{}}}`, 1)
	ask := func(method, members, name string) (int, string) {
		t.Helper()
		status, _, got := c.post(`{"jsonrpc":"2.0","id":1,"method":"`+method+`","params":{`+knowing+members+`}}`, modernHeaders(method, name)...)
		return status, got
	}
	want := events(`{"jsonrpc":"2.0","method":"notifications/x"}`, `{"jsonrpc":"2.0","id":1,"result":`+strings.Replace(odd, `"t-1"`, `"b~t-1"`, 1)+`}`)
	if _, got := ask("tools/call", `,"name":"b_x","arguments":{}`, "b_x"); got != want {
		t.Errorf("a call: got %s, want %s", got, want)
	}
	if _, got := ask("tasks/get", `,"taskId":"b~t-1"`, "b~t-1"); got != want {
		t.Errorf("its task: got %s, want %s", got, want)
	}
	for id, want := range map[string]string{"t-1": "the task is not known", "c~t-1": "the task is not known", "b~t-2": "no such task"} {
		if status, got := ask("tasks/get", `,"taskId":"`+id+`"`, id); status != 400 || !strings.Contains(got, want) {
			t.Errorf("%s: got %d %s, want %s", id, status, got, want)
		}
	}
	if status, _, got := c.modern("1", "tasks/get", `,"taskId":"b~t-1"`, "b~t-1"); status != 400 || !strings.Contains(got, `"code":-32021`) {
		t.Errorf("a client without tasks: got %d %s", status, got)
	}
	if _, _, got := c.post(`{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"taskId":"t-9"}}`, legacyVersion...); !strings.Contains(got, `unknown task \"t-9\"`) {
		t.Errorf("a client of the legacy era: got %s", got)
	}
}

func TestCollectorIsBounded(t *testing.T) {
	big := jsontext.Value(`"` + strings.Repeat("x", maxMemberAnswer/2) + `"`)
	c := new(collector)
	if err := c.Notify(big); err != nil {
		t.Fatal(err)
	}
	if err := c.Result(big); err == nil {
		t.Error("want an error beyond the bound")
	}
	c = new(collector)
	err := c.Relay(200, http.Header{"Content-Type": {"application/json"}}, io.MultiReader(strings.NewReader(`"`), neverEnding('x')))
	if err == nil {
		t.Error("want an error beyond the bound")
	}
}

// neverEnding is a body of one byte again and again.
type neverEnding byte

func (b neverEnding) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(b)
	}
	return len(p), nil
}

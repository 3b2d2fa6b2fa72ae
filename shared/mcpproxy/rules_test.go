package mcpproxy

import (
	"net/http"
	"strings"
	"testing"

	"toolgate/shared/mcp"
)

// cells are the four pairs of eras, each with a client's request and a server
// that answers a list, so that rules are seen to hold in all.
func cells(t *testing.T, options func(*Options), test func(t *testing.T, ask func(method, params, name string) (int, string), s *scripted)) {
	for _, clientEra := range []string{"modern", "legacy"} {
		for _, serverEra := range []mcp.Version{mcp.V20260728, mcp.V20251125} {
			t.Run(clientEra+" to "+string(serverEra), func(t *testing.T) {
				s := newScripted(t, func(w http.ResponseWriter, _ *http.Request, g received) {
					switch g.msg.Method {
					case mcp.MethodDiscover:
						writeJSON(w, 200, resultFor(g, plainDiscover))
					case mcp.MethodInitialize:
						writeSSE(w, `{"jsonrpc":"2.0","method":"notifications/early"}`, resultFor(g, legacyInitialize))
					case mcp.MethodListTools:
						writeJSON(w, 200, resultFor(g, `{"nextCursor":"2","tools":[`+
							`{"name":"a","title":"A","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":false,"title":"t"},"_meta":{"ui":{"resourceUri":"ui://a"}},"n":1.0},`+
							`{"name":"b","inputSchema":{"type":"object"}},{"name":"c","inputSchema":{"type":"object"},"annotations":1}]}`))
					default:
						if g.msg.Kind != mcp.KindRequest {
							w.WriteHeader(http.StatusAccepted)
							return
						}
						writeJSON(w, 200, resultFor(g, `{"ok":1}`))
					}
				})
				p := newProxy(t, s.URL, func(o *Options) {
					o.ProtocolVersion = serverEra
					options(o)
				})
				c := newClient(t, serve(t, p).URL)
				test(t, func(method, params, name string) (int, string) {
					if clientEra == "legacy" {
						status, _, got := c.legacyPost("1", method, "{"+strings.TrimPrefix(params, ",")+"}")
						return status, got
					}
					status, _, got := c.modern("1", method, params, name)
					return status, got
				}, s)
			})
		}
	}
}

func TestToolSelections(t *testing.T) {
	rules := []ToolSelection{
		{Tool: "a", Name: "größe", Description: "D", Annotations: mcp.Annotations{ReadOnly: new(true), OpenWorld: new(false)}},
		{Tool: "a", Name: "again", Title: "T"},
		{Tool: "c", Annotations: mcp.Annotations{Destructive: new(true), Idempotent: new(false)}},
		{Tool: "b", Name: "again"}, // taken
		{Tool: "gone"},
	}
	cells(t, func(o *Options) { o.Tools = rules }, func(t *testing.T, ask func(method, params, name string) (int, string), s *scripted) {
		_, got := ask("tools/list", "", "")
		want := `"tools":[` +
			`{"name":"größe","title":"A","inputSchema":{"type":"object"},"annotations":{"title":"t","openWorldHint":false,"readOnlyHint":true},"_meta":{"ui":{"resourceUri":"ui://a"}},"n":1.0,"description":"D"},` +
			`{"name":"again","title":"T","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":false,"title":"t"},"_meta":{"ui":{"resourceUri":"ui://a"}},"n":1.0},` +
			`{"name":"c","inputSchema":{"type":"object"},"annotations":{"destructiveHint":true,"idempotentHint":false}}]`
		if !strings.Contains(got, want) || !strings.Contains(got, `"nextCursor":"2"`) {
			t.Errorf("got %s, want %s", got, want)
		}
		for name, sent := range map[string]string{"größe": "a", "again": "a", "c": "c"} {
			if _, got := ask("tools/call", `,"name":"`+name+`","arguments":{"n":1.0}`, mcp.EncodeHeader(name)); !strings.Contains(got, `"ok":1`) {
				t.Errorf("%s: got %s", name, got)
			}
			calls := s.requests("tools/call")
			last := calls[len(calls)-1]
			if last.msg.Text(last.msg.Name) != sent || !strings.Contains(last.body, `"arguments":{"n":1.0}`) {
				t.Errorf("%s: the server got %s", name, last.body)
			}
			if v, err := mcp.Detect(&last.msg, last.header); err != nil {
				t.Errorf("%s: the server would refuse it: %v, %v", name, v, err)
			}
		}
		before := len(s.requests("tools/call"))
		for _, name := range []string{"a", "b", "gone?", ""} {
			_, got := ask("tools/call", `,"name":"`+name+`"`, name)
			if want := `"error":{"code":-32602,"message":"unknown tool \"` + name + `\""}`; !strings.Contains(got, want) {
				t.Errorf("%q: got %s, want %s", name, got, want)
			}
		}
		if len(s.requests("tools/call")) != before {
			t.Error("a tool that is not selected was called")
		}
	})
}

func TestNoToolIsSelected(t *testing.T) {
	cells(t, func(o *Options) { o.Tools = []ToolSelection{} }, func(t *testing.T, ask func(method, params, name string) (int, string), _ *scripted) {
		if _, got := ask("tools/list", "", ""); !strings.Contains(got, `"tools":[]`) {
			t.Errorf("got %s", got)
		}
	})
}

func TestHiddenKinds(t *testing.T) {
	hide := func(o *Options) { o.HideResources, o.HidePrompts = true, true }
	cells(t, hide, func(t *testing.T, ask func(method, params, name string) (int, string), s *scripted) {
		for _, m := range []struct{ method, params, name string }{
			{"resources/list", "", ""}, {"resources/templates/list", "", ""}, {"resources/read", `,"uri":"a:b"`, "a:b"},
			{"prompts/list", "", ""}, {"prompts/get", `,"name":"a"`, "a"},
		} {
			if _, got := ask(m.method, m.params, m.name); !strings.Contains(got, `"code":-32601`) {
				t.Errorf("%s: got %s, want method not found", m.method, got)
			}
		}
		for _, kind := range []string{"ref/prompt", "ref/resource"} {
			if _, got := ask("completion/complete", `,"ref":{"type":"`+kind+`"}`, ""); !strings.Contains(got, `"code":-32602`) {
				t.Errorf("completing %s: got %s, want invalid params", kind, got)
			}
		}
		for _, g := range s.requests("") {
			if strings.HasPrefix(g.msg.Method, "resources/") || strings.HasPrefix(g.msg.Method, "prompts/") || g.msg.Method == "completion/complete" {
				t.Errorf("the server got %s", g.body)
			}
		}
		for _, method := range []string{"server/discover", "initialize"} {
			_, got := ask(method, "", "")
			capabilities := string(lookup(lookup([]byte(got), "result"), "capabilities"))
			if capabilities != "" && (strings.Contains(capabilities, "resources") || strings.Contains(capabilities, "prompts") || !strings.Contains(capabilities, "tools")) {
				t.Errorf("%s: got %s", method, got)
			}
		}
	})
}

func TestInitializeWithHiddenKindsKeepsTheSession(t *testing.T) {
	s := newStateful(t, func(w http.ResponseWriter, _ *http.Request, g received) { writeJSON(w, 200, resultFor(g, `{"ok":1}`)) })
	c := newClient(t, serve(t, newProxy(t, s.URL, func(o *Options) { o.HidePrompts = true })).URL)
	id, body := c.handshake()
	if want := `{"jsonrpc":"2.0","id":0,"result":` + strings.Replace(legacyInitialize, `,"prompts":{}`, "", 1) + `}`; body != want {
		t.Errorf("got %s, want %s", body, want)
	}
	if _, _, got := c.post(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, "Mcp-Session-Id", id); !strings.Contains(got, `"ok":1`) {
		t.Errorf("got %s", got)
	}
}

func TestListenLeavesOutWhatIsHidden(t *testing.T) {
	s := modernServer(t, plainDiscover, func(w http.ResponseWriter, _ *http.Request, g received) { writeSSE(w, resultFor(g, `{}`)) })
	c := newClient(t, serve(t, newProxy(t, s.URL, func(o *Options) { o.HideResources, o.HidePrompts = true, true })).URL)
	c.modern("1", "subscriptions/listen", `,"notifications":{"toolsListChanged":true,"promptsListChanged":true,"resourceSubscriptions":["a:b"],"resourcesListChanged":true,"x":1.0}`, "")
	if got := s.only(t, "subscriptions/listen").body; !strings.Contains(got, `"notifications":{"toolsListChanged":true,"x":1.0}`) {
		t.Errorf("the server got %s", got)
	}
}

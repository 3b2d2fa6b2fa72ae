package mcpproxy

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"toolgate/shared/mcp"
)

const gatewayMeta = `"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"contoso","version":"1.0.0"},"io.modelcontextprotocol/clientCapabilities":{}`
const gatewayLevel = `,"io.modelcontextprotocol/logLevel":"info"`

// legacyPost is a request of a legacy client.
func (c *client) legacyPost(id, method, params string) (int, http.Header, string) {
	c.t.Helper()
	body := `{"jsonrpc":"2.0","id":` + id + `,"method":"` + method + `"`
	if params != "" {
		body += `,"params":` + params
	}
	return c.post(body+"}", legacyVersion...)
}

func TestLegacyToModernHandshake(t *testing.T) {
	s := modernServer(t, plainDiscover, nil)
	clock := newClock()
	c := newClient(t, serve(t, newProxy(t, s.URL, func(o *Options) { o.Now = clock.now })).URL)
	capabilities := `{"tools":{},"resources":{},"prompts":{},"logging":{}}`
	for _, tt := range []struct{ asked, want string }{
		{"2025-11-25", "2025-11-25"}, {"2025-06-18", "2025-06-18"}, {"2025-03-26", "2025-03-26"}, {"2024-11-05", "2025-11-25"},
	} {
		status, header, got := c.post(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"` + tt.asked + `","capabilities":{}}}`)
		want := `{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"` + tt.want + `","capabilities":` + capabilities + `,"serverInfo":{"name":"backend","version":"9"},"instructions":"Be kind."}}`
		if status != 200 || got != want || header.Get("Mcp-Session-Id") != "" {
			t.Errorf("%s: got %d %s, want %s", tt.asked, status, got, want)
		}
	}
	for _, body := range []string{
		`{"jsonrpc":"2.0","method":"notifications/initialized"}`,
		`{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}`,
		`{"jsonrpc":"2.0","id":3,"result":{}}`,
	} {
		if status, _, got := c.post(body, legacyVersion...); status != http.StatusAccepted || got != "" {
			t.Errorf("%s: got %d %q, want 202", body, status, got)
		}
	}
	for method, want := range map[string]string{
		"ping":                  `"result":{}`,
		"logging/setLevel":      `"result":{}`,
		"resources/subscribe":   `"error":{"code":-32601,"message":"method \"resources/subscribe\" is not implemented"}`,
		"resources/unsubscribe": `"error":{"code":-32601,"message":"method \"resources/unsubscribe\" is not implemented"}`,
	} {
		if status, _, got := c.legacyPost(`"a"`, method, `{"level":"info","uri":"a:b"}`); status != 200 || got != `{"jsonrpc":"2.0","id":"a",`+want+`}` {
			t.Errorf("%s: got %d %s, want %s", method, status, got, want)
		}
	}
	s.only(t, mcp.MethodDiscover)
	clock.add(time.Minute) // its ttlMs
	c.handshake()
	if got := len(s.requests(mcp.MethodDiscover)); got != 2 {
		t.Errorf("discovered %d times, want again after ttlMs", got)
	}
	if got := s.requests(""); len(got) != 2 {
		t.Errorf("the server got %v", got)
	}
}

func TestLegacyToModernRequest(t *testing.T) {
	s := modernServer(t, plainDiscover, func(w http.ResponseWriter, _ *http.Request, g received) {
		writeJSON(w, 200, resultFor(g, `{"tools":[]}`))
	})
	c := newClient(t, serve(t, newProxy(t, s.URL, nil)).URL)
	tests := []struct {
		name, sent, want string
		method, asked    string
	}{
		{"no params", `{"jsonrpc":"2.0","id":1,"method":"prompts/list"}`,
			`{"jsonrpc":"2.0","id":1,"method":"prompts/list","params":{"_meta":{` + gatewayMeta + `}}}`, "prompts/list", ""},
		{"null for params", ` {"params":null,"jsonrpc":"2.0","id":1,"method":"prompts/list"} `,
			`{"jsonrpc":"2.0","id":1,"method":"prompts/list","params":{"_meta":{` + gatewayMeta + `}}}`, "prompts/list", ""},
		{"no _meta", `{"jsonrpc":"2.0", "id":1.0,"method":"prompts/get","params":{"name":"größe","arguments":{"a":1.0}},"z":[ ]}`,
			`{"jsonrpc":"2.0", "id":1.0,"method":"prompts/get","params":{"name":"größe","arguments":{"a":1.0},"_meta":{` + gatewayMeta + gatewayLevel + `}},"z":[ ]}`, "prompts/get", "=?base64?Z3LDtsOfZQ==?="},
		{"empty params", `{"jsonrpc":"2.0","id":1,"method":"prompts/list","params":{ }}`,
			`{"jsonrpc":"2.0","id":1,"method":"prompts/list","params":{"_meta":{` + gatewayMeta + `}}}`, "prompts/list", ""},
		{"_meta", `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"_meta":{"progressToken":7.0,"io.modelcontextprotocol/clientInfo":"x","traceparent":"t"},"uri":"a:b"}}`,
			`{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"_meta":{"progressToken":7.0,"traceparent":"t",` + gatewayMeta + gatewayLevel + `},"uri":"a:b"}}`, "resources/read", "a:b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c.post(tt.sent, append([]string{"Mcp-Session-Id", "x", "Mcp-Name", "made-up", "Traceparent", "t"}, legacyVersion...)...)
			all := s.requests(tt.method)
			got := all[len(all)-1]
			if got.body != tt.want {
				t.Errorf("the server got %s, want %s", got.body, tt.want)
			}
			if v, err := mcp.Detect(&got.msg, got.header); v != mcp.Latest || err != nil {
				t.Errorf("the server would refuse it: %v, %v", v, err)
			}
			if got.header.Get("Mcp-Name") != tt.asked || got.header.Get("Mcp-Session-Id") != "" || got.header.Get("Traceparent") != "t" {
				t.Errorf("the server got %v", got.header)
			}
		})
	}
}

func TestLegacyToModernResults(t *testing.T) {
	tests := []struct {
		name, method, params, answer, want string
		status                             int
	}{
		{"a call", "tools/call", `{"name":"get"}`,
			`"result":{"resultType":"complete","content":[ {"n":1.0} ],"structuredContent":{"a":1e400},"_meta":{"a":1}}`,
			`"result":{"content":[ {"n":1.0} ],"structuredContent":{"a":1e400},"_meta":{"a":1}}`, 200},
		{"structured content of another kind", "tools/call", `{"name":"get"}`,
			`"result":{"resultType":"complete","content":[],"structuredContent":[1]}`, `"result":{"content":[]}`, 200},
		{"a list", "prompts/list", "", `"result":{"prompts":[],"ttlMs":5,"cacheScope":"public","resultType":"complete","nextCursor":"2"}`,
			`"result":{"prompts":[],"nextCursor":"2"}`, 200},
		{"unknown resource", "resources/read", `{"uri":"a:b"}`, `"error":{"code":-32602,"message":"no","data":{"uri":"a:b"}}`,
			`"error":{"code":-32002,"message":"no","data":{"uri":"a:b"}}`, 400},
		{"invalid parameters", "prompts/get", `{"name":"get"}`, `"error":{"code":-32602,"message":"no"}`, `"error":{"code":-32602,"message":"no"}`, 400},
		{"unknown method", "com.contoso/x", "", `"error":{"code":-32601,"message":"no"}`, `"error":{"code":-32601,"message":"no"}`, 404},
		{"a capability that the client has not", "tools/call", `{"name":"get"}`, `"error":{"code":-32021,"message":"needs sampling","data":{"requiredCapabilities":{"sampling":{}}}}`,
			`"result":{"content":[{"type":"text","text":"needs sampling"}],"isError":true}`, 400},
		{"the same of a prompt", "prompts/get", `{"name":"get"}`, `"error":{"code":-32021,"message":"needs sampling"}`, `"error":{"code":-32021,"message":"needs sampling"}`, 400},
		{"input required", "tools/call", `{"name":"get"}`,
			`"result":{"resultType":"input_required","inputRequests":{"a":{"method":"elicitation/create","params":{"message":"Your name?"}},"b":{"method":"sampling/createMessage","params":{}},"c":{"method":"roots/list"},"d":1},"requestState":"s"}`,
			`"result":{"content":[{"type":"text","text":"The call was not completed: the tool needs an answer of the user: Your name?; and a completion of the client's model; and the client's roots; and input of a kind that the gateway does not know. This client's protocol version has no way to give it through the gateway."}],"isError":true}`, 200},
		{"repetition required", "tools/call", `{"name":"get"}`, `"result":{"resultType":"input_required","requestState":"s"}`,
			`"result":{"content":[{"type":"text","text":"The call was not completed: the tool asks for the call to be repeated later, which this client's protocol version has no way to do."}],"isError":true}`, 200},
		{"input required by a prompt", "prompts/get", `{"name":"get"}`, `"result":{"resultType":"input_required","inputRequests":{"a":{"method":"roots/list"}}}`,
			`"error":{"code":-32603,"message":"The request was not completed: the server needs the client's roots. This client's protocol version has no way to give it through the gateway."}`, 200},
	}
	for _, tt := range tests {
		for _, kind := range []string{"JSON", "SSE"} {
			t.Run(tt.name+"/"+kind, func(t *testing.T) {
				s := modernServer(t, plainDiscover, func(w http.ResponseWriter, _ *http.Request, g received) {
					if g.msg.Method == mcp.MethodListTools {
						writeJSON(w, 200, resultFor(g, `{"tools":[]}`))
						return
					}
					message := `{"jsonrpc":"2.0","id":` + idOf(g) + `,` + tt.answer + `}`
					if kind == "SSE" {
						writeSSE(w, message)
						return
					}
					writeJSON(w, tt.status, message)
				})
				status, _, got := newClient(t, serve(t, newProxy(t, s.URL, nil)).URL).legacyPost("12345678901234567890", tt.method, tt.params)
				if want := `{"jsonrpc":"2.0","id":12345678901234567890,` + tt.want + `}`; status != 200 || got != want {
					t.Errorf("got %d %s, want 200 %s", status, got, want)
				}
			})
		}
	}
}

func TestLegacyToModernNotificationsPass(t *testing.T) {
	note := `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1.0}}`
	s := modernServer(t, plainDiscover, func(w http.ResponseWriter, _ *http.Request, g received) {
		if g.msg.Method == mcp.MethodListTools {
			writeJSON(w, 200, resultFor(g, `{"tools":[]}`))
			return
		}
		writeSSE(w, note, `{"jsonrpc":"2.0","id":9,"method":"ping"}`, resultFor(g, `{}`))
	})
	_, _, got := newClient(t, serve(t, newProxy(t, s.URL, nil)).URL).legacyPost("1", "tools/call", `{"name":"get"}`)
	if want := events(note, `{"jsonrpc":"2.0","id":1,"result":{}}`); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestToolsOfAModernServerForALegacyClient(t *testing.T) {
	tools := []string{
		`{"name":"plain","inputSchema":{"type":"object"},"outputSchema":{"type":"object"},"x":1.0}`,
		`{"name":"array","inputSchema":{"type":"object"},"outputSchema":{"type":"array"},"x":1.0}`,
		`{"name":"faulty","inputSchema":{"type":"object","properties":{"a":{"type":"number","x-mcp-header":"A"}}}}`,
	}
	s := modernServer(t, plainDiscover, func(w http.ResponseWriter, _ *http.Request, g received) {
		writeJSON(w, 200, resultFor(g, `{"tools":[`+strings.Join(tools, ",")+`],"ttlMs":0,"cacheScope":"private","resultType":"complete"}`))
	})
	c := newClient(t, serve(t, newProxy(t, s.URL, nil)).URL)
	_, _, got := c.legacyPost("1", "tools/list", "")
	if want := `{"jsonrpc":"2.0","id":1,"result":{"tools":[` + tools[0] + `,{"name":"array","inputSchema":{"type":"object"},"x":1.0}]}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, _, got := c.legacyPost("1", "tools/call", `{"name":"faulty"}`); got != `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"unknown tool \"faulty\""}}` {
		t.Errorf("a tool that is not listed: got %s", got)
	}
}

func TestParamHeadersAreFoundInTheSchemas(t *testing.T) {
	var mu sync.Mutex
	name := "Region"
	s := modernServer(t, plainDiscover, func(w http.ResponseWriter, r *http.Request, g received) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case g.msg.Method == mcp.MethodListTools && g.msg.Text(g.msg.Cursor) == "":
			writeJSON(w, 200, resultFor(g, `{"tools":[{"name":"first","inputSchema":{}}],"nextCursor":"2","ttlMs":0}`))
		case g.msg.Method == mcp.MethodListTools:
			writeJSON(w, 200, resultFor(g, `{"tools":[{"name":"get","inputSchema":{"properties":{"in":{"properties":{"region":{"type":"string","x-mcp-header":"`+name+`"}}}}}}],"nextCursor":"2","ttlMs":0}`))
		case r.Header.Get("Mcp-Param-"+name) != "=?base64?w7Y=?=":
			writeJSON(w, 400, errorFor(g, `{"code":-32020,"message":"the header is missing"}`))
		default:
			writeJSON(w, 200, resultFor(g, `{"ok":1}`))
		}
	})
	clock := newClock()
	c := newClient(t, serve(t, newProxy(t, s.URL, func(o *Options) { o.Now = clock.now })).URL)
	call := func() string {
		_, _, got := c.legacyPost("1", "tools/call", `{"name":"get","arguments":{"in":{"region":"ö"}}}`)
		return got
	}
	lists := func() int { return len(s.requests(mcp.MethodListTools)) }
	for range 2 {
		if got := call(); got != `{"jsonrpc":"2.0","id":1,"result":{"ok":1}}` {
			t.Fatalf("got %s", got)
		}
	}
	if got := lists(); got != 2 {
		t.Errorf("read %d pages, want the two once, although ttlMs is 0", got)
	}
	mu.Lock()
	name = "Area"
	mu.Unlock()
	if got := call(); got != `{"jsonrpc":"2.0","id":1,"result":{"ok":1}}` || lists() != 4 {
		t.Errorf("after a mismatch the schemas are read anew: got %s, %d pages", got, lists())
	}
	clock.add(paramsTTL)
	if got := call(); got != `{"jsonrpc":"2.0","id":1,"result":{"ok":1}}` || lists() != 6 {
		t.Errorf("after their time the schemas are read anew: got %s, %d pages", got, lists())
	}
}

func TestCallsAreMadeWhereToolsCannotBeListed(t *testing.T) {
	for _, list := range []int{404, 500} {
		s := modernServer(t, plainDiscover, func(w http.ResponseWriter, _ *http.Request, g received) {
			if g.msg.Method == mcp.MethodListTools {
				writeJSON(w, list, errorFor(g, `{"code":-32601,"message":"no"}`))
				return
			}
			writeJSON(w, 200, resultFor(g, `{"ok":1}`))
		})
		_, _, got := newClient(t, serve(t, newProxy(t, s.URL, nil)).URL).legacyPost("1", "tools/call", `{"name":"get"}`)
		if got != `{"jsonrpc":"2.0","id":1,"result":{"ok":1}}` {
			t.Errorf("%d: got %s", list, got)
		}
	}
}

func TestServerOfBothErasIsSpokenToInTheClients(t *testing.T) {
	s := modernServer(t, strings.Replace(plainDiscover, `["2026-07-28"]`, `["2026-07-28","2025-11-25"]`, 1), func(w http.ResponseWriter, _ *http.Request, g received) {
		writeJSON(w, 200, resultFor(g, odd))
	})
	c := newClient(t, serve(t, newProxy(t, s.URL, nil)).URL)
	c.handshake()
	c.modernCall("1", "a", "{}")
	c.legacyPost("1", "tools/call", `{"name":"b"}`)
	calls := s.requests("tools/call")
	if len(calls) != 2 || !calls[0].msg.Meta.ProtocolVersion.Present() || calls[1].body != `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"b"}}` {
		t.Errorf("the server got %v", calls)
	}
	s.only(t, "initialize")
}

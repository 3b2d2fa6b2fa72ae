package mcpproxy

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"toolgate/shared/mcp"
)

const oldInfo = `{"name":"old","version":"3"}`

func events(messages ...string) string {
	var out []byte
	for _, m := range messages {
		out = mcp.AppendEvent(out, "", []byte(m))
	}
	return string(out)
}

func TestModernToLegacyResults(t *testing.T) {
	info := `"io.modelcontextprotocol/serverInfo":` + oldInfo
	tests := []struct {
		name, method, params, asked string
		answer                      string // result or error object, with ID for the response's id
		status                      int
		want                        string // result or error object
	}{
		{"a call", "tools/call", `,"name":"get"`, "get", `"result":{"content":[],"n":1.0}`, 200,
			`"result":{"content":[],"n":1.0,"resultType":"complete","_meta":{` + info + `}}`},
		{"a result that is empty", "tools/call", `,"name":"get"`, "get", `"result":{ }`, 200,
			`"result":{"resultType":"complete","_meta":{` + info + `}}`},
		{"_meta of its own", "tools/call", `,"name":"get"`, "get", `"result":{"_meta":{"a":1}}`, 200,
			`"result":{"_meta":{"a":1,` + info + `},"resultType":"complete"}`},
		{"a list", "tools/list", "", "", `"result":{"tools":[],"nextCursor":"2"}`, 200,
			`"result":{"tools":[],"nextCursor":"2","resultType":"complete","ttlMs":0,"cacheScope":"private","_meta":{` + info + `}}`},
		{"what it says itself", "resources/read", `,"uri":"a:b"`, "a:b", `"result":{"contents":[],"ttlMs":5,"cacheScope":"public","resultType":"x","_meta":{"io.modelcontextprotocol/serverInfo":1}}`, 200,
			`"result":{"contents":[],"ttlMs":5,"cacheScope":"public","resultType":"x","_meta":{"io.modelcontextprotocol/serverInfo":1}}`},
		{"unknown resource", "resources/read", `,"uri":"a:b"`, "a:b", `"error":{"code":-32002,"message":"Resource not found","data":{"uri":"a:b"}}`, 400,
			`"error":{"code":-32602,"message":"Resource not found","data":{"uri":"a:b"}}`},
		{"unknown method", "com.contoso/x", "", "", `"error":{"code":-32601,"message":"no"}`, 404,
			`"error":{"code":-32601,"message":"no"}`},
		{"an error of its own", "tools/call", `,"name":"get"`, "get", `"error":{"code":7,"message":"no","data":[1.0]}`, 200,
			`"error":{"code":7,"message":"no","data":[1.0]}`},
		{"a URL to open, undeclared", "tools/call", `,"name":"get"`, "get", `"error":{"code":-32042,"message":"open","data":{"elicitations":[]}}`, 400,
			`"error":{"code":-32021,"message":"the server needs the client capability elicitation, which the request does not declare","data":{"requiredCapabilities":{"elicitation":{"url":{}}}}}`},
		{"a URL to open, where no input may be required", "completion/complete", `,"ref":{"type":"ref/prompt","name":"p"}`, "", `"error":{"code":-32042,"message":"open"}`, 200,
			`"error":{"code":-32603,"message":"open"}`},
	}
	for _, tt := range tests {
		for _, kind := range []string{"JSON", "SSE"} {
			for _, session := range []string{"", "up/1"} {
				t.Run(tt.name+"/"+kind+"/"+session, func(t *testing.T) {
					s := legacyServer(t, session, func(w http.ResponseWriter, _ *http.Request, g received) {
						message := `{"jsonrpc":"2.0","id":` + idOf(g) + `,` + tt.answer + `}`
						if kind == "SSE" {
							writeSSE(w, message)
							return
						}
						writeJSON(w, http.StatusOK, message)
					})
					c := newClient(t, serve(t, newProxy(t, s.URL, nil)).URL)
					status, _, got := c.modern(`"x"`, tt.method, tt.params, tt.asked)
					if want := `{"jsonrpc":"2.0","id":"x",` + tt.want + `}`; status != tt.status || got != want {
						t.Errorf("got %d %s, want %d %s", status, got, tt.status, want)
					}
				})
			}
		}
	}
}

func TestMethodThatALegacyServerRefusesInWords(t *testing.T) {
	for _, session := range []string{"", "up/1"} {
		clock := newClock()
		s := legacyServer(t, session, func(w http.ResponseWriter, _ *http.Request, _ received) { http.Error(w, "method not found", 400) })
		c := newClient(t, serve(t, newProxy(t, s.URL, func(o *Options) { o.Now = clock.now })).URL)
		for range 2 {
			status, _, got := c.modern("1", "com.contoso/x", "", "")
			if want := `{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"method \"com.contoso/x\" is not implemented"}}`; status != 404 || got != want {
				t.Errorf("got %d %s, want 404 %s", status, got, want)
			}
			clock.add(forgetAfter + 1)
		}
		s.only(t, "initialize")
	}
}

func TestModernToLegacyRequest(t *testing.T) {
	s := legacyServer(t, "up/1", func(w http.ResponseWriter, _ *http.Request, g received) { writeJSON(w, 200, resultFor(g, "{}")) })
	c := newClient(t, serve(t, newProxy(t, s.URL, nil)).URL)
	headers := append(modernHeaders("tools/call", "get"), "Mcp-Param-Region", "eu", "Traceparent", "00-1-2-03", "Mcp-Session-Id", "made-up")
	c.post(`{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"arguments":{"n":1.0},"inputResponses":{},"name":"get","requestState":"s","_meta":{"traceparent":"t","io.modelcontextprotocol/protocolVersion":"2026-07-28","progressToken":"p","io.modelcontextprotocol/clientCapabilities":{"elicitation":{}},"io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"},"io.modelcontextprotocol/related-task":{"taskId":"1"},"com.contoso/x":1.0}}}`, headers...)
	got := s.only(t, "tools/call")
	want := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"arguments":{"n":1.0},"name":"get","_meta":{"traceparent":"t","progressToken":1,"io.modelcontextprotocol/related-task":{"taskId":"1"},"com.contoso/x":1.0}}}`
	if got.body != want {
		t.Errorf("the server got %s, want %s", got.body, want)
	}
	for name, want := range map[string]string{
		"Mcp-Session-Id": "up/1", "Mcp-Protocol-Version": "2025-06-18", "Traceparent": "00-1-2-03",
		"Mcp-Method": "", "Mcp-Name": "", "Mcp-Param-Region": "",
	} {
		if got.header.Get(name) != want {
			t.Errorf("got header %s %q, want %q", name, got.header.Get(name), want)
		}
	}
	handshake := s.only(t, "initialize")
	if want := `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"contoso","version":"1.0.0"}}}`; handshake.body != want {
		t.Errorf("the handshake was %s, want %s", handshake.body, want)
	}
	if got := s.only(t, "notifications/initialized").header; got.Get("Mcp-Session-Id") != "up/1" || got.Get("Mcp-Protocol-Version") != "2025-06-18" {
		t.Errorf("initialized was sent with %v", got)
	}
}

func TestModernToLegacyDiscovery(t *testing.T) {
	s := legacyServer(t, "up/1", nil)
	c := newClient(t, serve(t, newProxy(t, s.URL, nil)).URL)
	_, _, got := c.modern("1", "server/discover", "", "")
	want := `{"jsonrpc":"2.0","id":1,"result":{"supportedVersions":["2026-07-28","2025-11-25","2025-06-18","2025-03-26"],"capabilities":{"tools":{},"resources":{},"prompts":{},"logging":{}},"instructions":"Be old.","ttlMs":60000,"cacheScope":"private","resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":` + oldInfo + `}}}`
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	_, _, got = c.modern(`"l"`, "subscriptions/listen", `,"notifications":{"toolsListChanged":true}`, "")
	want = events(
		`{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{},"_meta":{"io.modelcontextprotocol/subscriptionId":"l"}}}`,
		`{"jsonrpc":"2.0","id":"l","result":{"resultType":"complete","_meta":{"io.modelcontextprotocol/subscriptionId":"l","io.modelcontextprotocol/serverInfo":`+oldInfo+`}}}`)
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	s.only(t, "initialize")
}

func TestModernToLegacyNotifications(t *testing.T) {
	s := legacyServer(t, "up/1", func(w http.ResponseWriter, _ *http.Request, g received) {
		if g.msg.Method == mcp.MethodSetLevel {
			writeJSON(w, 200, resultFor(g, "{}"))
			return
		}
		id := idOf(g)
		writeSSE(w,
			`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":`+id+`,"progress":1.0}}`,
			`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":99,"progress":"of another"}}`,
			`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}`,
			`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"error","data":2}}`,
			`{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`,
			`{"jsonrpc":"2.0","id":98,"result":"of another"}`,
			resultFor(g, "{}"))
	})
	result := `{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":` + oldInfo + `}}}`
	tests := []struct {
		name string
		meta []string
		want string
	}{
		{"nothing asked for", nil, result},
		{"progress", []string{`"progressToken":1.50`},
			events(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1.50,"progress":1.0}}`, result)},
		{"logs from warning", []string{`"io.modelcontextprotocol/logLevel":"warning"`},
			events(`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"error","data":2}}`, result)},
		{"logs from debug", []string{`"io.modelcontextprotocol/logLevel":"debug"`},
			events(`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}`,
				`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"error","data":2}}`, result)},
		{"logs from critical", []string{`"io.modelcontextprotocol/logLevel":"critical"`}, result},
	}
	c := newClient(t, serve(t, newProxy(t, s.URL, nil)).URL)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, _, got := c.modernCall("1", "get", "{}", tt.meta...); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	var levels []string
	for _, g := range s.requests(mcp.MethodSetLevel) {
		levels = append(levels, text(lookup(g.msg.Bytes(g.msg.Params), "level")))
	}
	if got := fmt.Sprint(levels); got != "[warning debug]" {
		t.Errorf("the server was told the levels %s, want those that are more verbose only: [warning debug]", got)
	}
}

func TestServerRequestsAreDeclined(t *testing.T) {
	tests := []struct {
		name, request, capabilities string
		answer                      string // what the server gets
		want                        string // what the client gets; empty: the result
	}{
		{"ping", `"method":"ping"`, `{}`, `{"jsonrpc":"2.0","id":"s","result":{}}`, ""},
		{"elicitation, declared", `"method":"elicitation/create","params":{}`, `{"elicitation":{}}`, `{"jsonrpc":"2.0","id":"s","error":{"code":-32601,"message":"method \"elicitation/create\" is not implemented"}}`, ""},
		{"elicitation, undeclared", `"method":"elicitation/create","params":{}`, `{}`, `{"jsonrpc":"2.0","id":"s","error":{"code":-32601,"message":"method \"elicitation/create\" is not implemented"}}`,
			`{"code":-32021,"message":"the server needs the client capability elicitation, which the request does not declare","data":{"requiredCapabilities":{"elicitation":{}}}}`},
		{"sampling, undeclared", `"method":"sampling/createMessage","params":{}`, `{"elicitation":{}}`, `{"jsonrpc":"2.0","id":"s","error":{"code":-32601,"message":"method \"sampling/createMessage\" is not implemented"}}`,
			`{"code":-32021,"message":"the server needs the client capability sampling, which the request does not declare","data":{"requiredCapabilities":{"sampling":{}}}}`},
		{"unknown", `"method":"com.contoso/x"`, `{}`, `{"jsonrpc":"2.0","id":"s","error":{"code":-32601,"message":"method \"com.contoso/x\" is not implemented"}}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			noLeak(t)
			answered := make(chan string, 1)
			cancelled := make(chan string, 1)
			s := legacyServer(t, "up/1", func(w http.ResponseWriter, r *http.Request, g received) {
				switch {
				case g.msg.Kind == mcp.KindResponse:
					answered <- g.body
					w.WriteHeader(http.StatusAccepted)
				case g.msg.Method == mcp.NotificationCancelled:
					cancelled <- string(lookup(g.msg.Bytes(g.msg.Params), "requestId"))
					w.WriteHeader(http.StatusAccepted)
				default:
					writeSSE(w, `{"jsonrpc":"2.0","id":"s",`+tt.request+`}`)
					_ = http.NewResponseController(w).Flush()
					if got := <-answered; got != tt.answer {
						t.Errorf("the server got %s, want %s", got, tt.answer)
					}
					writeSSE(w, resultFor(g, `{"after":1}`))
				}
			})
			c := newClient(t, serve(t, newProxy(t, s.URL, nil)).URL)
			status, _, got := c.post(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":`+tt.capabilities+`}}}`, modernHeaders("tools/call", "get")...)
			if tt.want == "" {
				if status != 200 || !strings.Contains(got, `"after":1`) {
					t.Errorf("got %d %s, want the result", status, got)
				}
				return
			}
			if want := `{"jsonrpc":"2.0","id":1,"error":` + tt.want + `}`; status != http.StatusBadRequest || got != want {
				t.Errorf("got %d %s, want 400 %s", status, got, want)
			}
			if got := <-cancelled; got != "1" {
				t.Errorf("the server was told to cancel %s, want 1", got)
			}
		})
	}
}

func TestURLElicitationBecomesRequiredInput(t *testing.T) {
	s := legacyServer(t, "", func(w http.ResponseWriter, _ *http.Request, g received) {
		writeJSON(w, 200, errorFor(g, `{"code":-32042,"message":"open","data":{"elicitations":[{"mode":"url","elicitationId":"e","url":"https://contoso.com","message":"m"},{"mode":"url"}]}}`))
	})
	c := newClient(t, serve(t, newProxy(t, s.URL, nil)).URL)
	_, _, got := c.post(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{"url":{}}}}}}`, modernHeaders("tools/call", "get")...)
	want := `{"jsonrpc":"2.0","id":1,"result":{"resultType":"input_required","inputRequests":{"url1":{"method":"elicitation/create","params":{"mode":"url","elicitationId":"e","url":"https://contoso.com","message":"m"}},"url2":{"method":"elicitation/create","params":{"mode":"url"}}},"_meta":{"io.modelcontextprotocol/serverInfo":` + oldInfo + `}}}`
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestOwnSessionIsSharedAndRemade(t *testing.T) {
	noLeak(t)
	s := newStateful(t, func(w http.ResponseWriter, _ *http.Request, g received) {
		writeJSON(w, 200, resultFor(g, `{"echo":`+string(g.msg.Bytes(g.msg.Arguments))+`}`))
	})
	p := newProxy(t, s.URL, nil)
	c := newClient(t, serve(t, p).URL)
	call := func(n int) {
		_, _, got := c.modernCall("1", "get", fmt.Sprint(n))
		if !strings.Contains(got, fmt.Sprintf(`"id":1,"result":{"echo":%d,`, n)) {
			t.Errorf("call %d: got %s", n, got)
		}
	}
	var calls sync.WaitGroup
	for n := range 20 {
		calls.Go(func() { call(n) })
	}
	calls.Wait()
	s.only(t, "initialize")
	ids := map[string]bool{}
	for _, g := range s.requests("tools/call") {
		ids[idOf(g)] = true
	}
	if len(ids) != 20 {
		t.Errorf("got %d different ids on the session, want 20", len(ids))
	}
	s.forget()
	call(20)
	if got := s.requests("tools/call"); len(s.requests("initialize")) != 2 || got[len(got)-1].header.Get("Mcp-Session-Id") != "up/2" {
		t.Error("the session was not made again")
	}
	if err := p.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if got := s.only(t, http.MethodDelete).header.Get("Mcp-Session-Id"); got != "up/2" {
		t.Errorf("Close ended session %q, want up/2", got)
	}
}

// TestSessionRefusedWithBadRequest is how some servers say 404.
func TestSessionRefusedWithBadRequest(t *testing.T) {
	clock := newClock()
	n := 0
	var s *scripted
	s = legacyServer(t, "up", func(w http.ResponseWriter, r *http.Request, g received) {
		switch {
		case len(s.requests("initialize")) <= n:
			writeJSON(w, 400, `{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"Bad Request: No valid session ID provided"}}`)
		default:
			writeJSON(w, 200, resultFor(g, `{"ok":1}`))
		}
	})
	p := newProxy(t, s.URL, func(o *Options) { o.Now, o.ProtocolVersion = clock.now, mcp.V20251125 })
	c := newClient(t, serve(t, p).URL)
	call := func() string {
		_, _, got := c.modernCall("1", "get", "{}")
		return got
	}
	if got := call(); !strings.Contains(got, `"ok":1`) {
		t.Fatalf("got %s", got)
	}
	n = 1
	if got := call(); strings.Contains(got, `"ok":1`) || len(s.requests("initialize")) != 1 {
		t.Errorf("a session that was just made is not made again, got %s", got)
	}
	clock.add(forgetAfter + 1)
	if got := call(); !strings.Contains(got, `"ok":1`) || len(s.requests("initialize")) != 2 {
		t.Errorf("got %s", got)
	}
}

func TestHandshakeThatFails(t *testing.T) {
	tests := []struct {
		name   string
		answer func(w http.ResponseWriter, g received)
		want   string
	}{
		{"an error", func(w http.ResponseWriter, g received) {
			writeJSON(w, 200, errorFor(g, `{"code":-32602,"message":"secret"}`))
		}, "did not open a session."},
		{"500", func(w http.ResponseWriter, _ received) { w.WriteHeader(500) }, "failed (HTTP 500)."},
		{"no result", func(w http.ResponseWriter, g received) { writeJSON(w, 200, resultFor(g, `[]`)) }, "sent an answer that cannot be read."},
		{"nothing", func(w http.ResponseWriter, _ received) { writeSSE(w) }, "broke off its answer."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fails := true
			s := newScripted(t, func(w http.ResponseWriter, _ *http.Request, g received) {
				switch {
				case g.msg.Method != mcp.MethodInitialize && g.msg.Kind == mcp.KindRequest:
					writeJSON(w, 200, resultFor(g, "{}"))
				case g.msg.Kind != mcp.KindRequest:
					w.WriteHeader(http.StatusAccepted)
				case fails:
					tt.answer(w, g)
				default:
					writeJSON(w, 200, resultFor(g, legacyInitialize))
				}
			})
			p := newProxy(t, s.URL, func(o *Options) { o.ProtocolVersion = mcp.V20251125 })
			c := newClient(t, serve(t, p).URL)
			if _, _, got := c.modernCall("1", "get", "{}"); !strings.Contains(got, "The MCP server behind this gateway "+tt.want) || strings.Contains(got, "secret") {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			fails = false
			if _, _, got := c.modernCall("1", "get", "{}"); !strings.Contains(got, `"resultType":"complete"`) {
				t.Errorf("the failure was remembered: got %s", got)
			}
		})
	}
}

func TestClientThatGoesCancelsOnTheSession(t *testing.T) {
	noLeak(t)
	started := make(chan struct{})
	cancelled := make(chan string, 1)
	s := legacyServer(t, "up/1", func(w http.ResponseWriter, r *http.Request, g received) {
		switch {
		case g.msg.Method == mcp.NotificationCancelled:
			cancelled <- g.body
			w.WriteHeader(http.StatusAccepted)
		default:
			w.Header().Set("Content-Type", "text/event-stream")
			_ = http.NewResponseController(w).Flush()
			close(started)
			<-r.Context().Done()
		}
	})
	c := newClient(t, serve(t, newProxy(t, s.URL, nil)).URL)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-started
		cancel()
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, strings.NewReader(`{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"get",`+modernMeta()+`}}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = c.header.Clone()
	for i, h := 0, modernHeaders("tools/call", "get"); i < len(h); i += 2 {
		req.Header.Set(h[i], h[i+1])
	}
	if res, err := http.DefaultTransport.RoundTrip(req); err == nil {
		res.Body.Close()
		t.Error("want the call to end with its client")
	}
	want := `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"reason":"the client no longer waits"}}`
	if got := <-cancelled; got != want {
		t.Errorf("the server got %s, want %s", got, want)
	}
}

// TestStreamIsResumed is a server that ends the stream of a request before its
// response, as 2025-11-25 allows.
func TestStreamIsResumed(t *testing.T) {
	noLeak(t)
	tests := []struct {
		name    string
		streams []string // of the POST, then of each GET; "cut" ends the connection
		want    string
		resumed []string // Last-Event-ID of each GET
	}{
		{"priming event", []string{"retry: 1\nid: 1_0\ndata: \n\n", "id: 1_1\ndata: RESPONSE\n\n"}, `"ok":1`, []string{"1_0"}},
		{"several times", []string{"retry: 1\nid: 1_0\n\n", "", "id: 1_1\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}\n\n", "data: RESPONSE\n\n"}, `"ok":1`, []string{"1_0", "1_0", "1_1"}},
		{"cut off", []string{"retry: 1\nid: 1_0\ndata: \n\ncut", "data: RESPONSE\n\n"}, `"ok":1`, []string{"1_0"}},
		{"nothing to resume by", []string{"retry: 1\n\n"}, "broke off its answer", nil},
		{"resumption refused", []string{"retry: 1\nid: 1_0\n\n", "400"}, "refused the request (HTTP 400)", []string{"1_0"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var mu sync.Mutex
			n, call := 0, received{}
			s := legacyServer(t, "up/1", func(w http.ResponseWriter, r *http.Request, g received) {
				mu.Lock()
				defer mu.Unlock()
				if r.Method == http.MethodPost {
					call = g
				}
				stream := tt.streams[n]
				n++
				if stream == "400" {
					w.WriteHeader(400)
					return
				}
				w.Header().Set("Content-Type", "text/event-stream")
				stream, cut := strings.CutSuffix(stream, "cut")
				_, _ = io.WriteString(w, strings.Replace(stream, "RESPONSE", resultFor(call, `{"ok":1}`), 1))
				if cut {
					_ = http.NewResponseController(w).Flush()
					panic(http.ErrAbortHandler)
				}
			})
			_, _, got := newClient(t, serve(t, newProxy(t, s.URL, nil)).URL).modernCall("1", "get", "{}")
			if !strings.Contains(got, tt.want) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			var resumed []string
			for _, g := range s.requests(http.MethodGet) {
				resumed = append(resumed, g.header.Get("Last-Event-Id"))
				if g.header.Get("Mcp-Session-Id") != "up/1" || g.header.Get("Accept") != "text/event-stream" {
					t.Errorf("resumed with %v", g.header)
				}
			}
			if fmt.Sprint(resumed) != fmt.Sprint(tt.resumed) {
				t.Errorf("resumed from %v, want %v", resumed, tt.resumed)
			}
		})
	}
}

// A legacy server cannot compare the headers that repeat arguments, so it is
// done for it.
func TestModernToLegacyChecksParamHeaders(t *testing.T) {
	s := legacyServer(t, "up/1", func(w http.ResponseWriter, _ *http.Request, g received) {
		writeJSON(w, http.StatusOK, resultFor(g, `{"content":[]}`))
	})
	c := newClient(t, serve(t, newProxy(t, s.URL, nil)).URL)
	for _, tt := range []struct {
		name, arguments string
		headers         []string
		status          int
	}{
		{"equal", `{"region":"eu"}`, []string{"Mcp-Param-Region", "eu"}, http.StatusOK},
		{"encoded", `{"region":"eu"}`, []string{"Mcp-Param-Region", "=?base64?ZXU=?="}, http.StatusOK},
		{"neither", `{}`, nil, http.StatusOK},
		{"missing", `{"region":"eu"}`, nil, http.StatusBadRequest},
		{"another", `{"region":"eu"}`, []string{"Mcp-Param-Region", "us"}, http.StatusBadRequest},
		{"no base64", `{"region":"eu"}`, []string{"Mcp-Param-Region", "=?base64?ZXU?="}, http.StatusBadRequest},
	} {
		body := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"mirror","arguments":` + tt.arguments + `,` + modernMeta() + `}}`
		status, _, got := c.post(body, append(modernHeaders("tools/call", "mirror"), tt.headers...)...)
		if status != tt.status || status != http.StatusOK && !strings.Contains(got, "-32020") {
			t.Errorf("%s: got %d %s, want %d", tt.name, status, got, tt.status)
		}
	}
	if n := len(s.requests("tools/call")); n != 3 {
		t.Errorf("the server got %d calls, want 3", n)
	}
}

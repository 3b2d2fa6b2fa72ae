package mcpproxy

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"toolgate/shared/backend"
	"toolgate/shared/mcp"
)

// odd is a result that no decoder gives back as it was: unknown members, a large
// id, numbers whose text matters, white space, and members in no order.
const odd = `{ "zz":1.0, "content":[{"type":"hologram","x":12345678901234567890}],"structuredContent":{"n":1e400,"d":0.10},"_meta":{"ui":{"resourceUri":"ui://a"},"x.y/z":null},"resultType":"task","taskId":"t-1" }`

func TestModernToModernIsLossless(t *testing.T) {
	tests := []struct {
		name, contentType, answer string
		status                    int
	}{
		{"JSON", "application/json", ` {"id":12345678901234567890,"result":` + odd + `,"jsonrpc":"2.0","extra":true}`, 200},
		{"JSON with a charset", "application/json; charset=utf-8", `{"jsonrpc":"2.0","id":12345678901234567890,"result":{}}`, 200},
		{"SSE", "text/event-stream", ": hi\nevent: message\nid: 7\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}\n\ndata: {\"jsonrpc\":\"2.0\",\"id\":12345678901234567890,\ndata: \"result\":{}}\n\n", 200},
		{"JSON-RPC error with 400", "application/json", `{"jsonrpc":"2.0","id":12345678901234567890,"error":{"code":-32602,"message":"no","data":{"z":1.0},"more":1}}`, 400},
		{"JSON-RPC error with 404", "application/json", `{"jsonrpc":"2.0","id":12345678901234567890,"error":{"code":-32601,"message":"no"}}`, 404},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := modernServer(t, plainDiscover, func(w http.ResponseWriter, _ *http.Request, _ received) {
				w.Header().Set("Content-Type", tt.contentType)
				w.Header().Set("Mcp-Session-Id", "the server's")
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.answer)
			})
			c := newClient(t, serve(t, newProxy(t, s.URL, nil)).URL)
			body := `{ "id":12345678901234567890, "jsonrpc":"2.0","method":"tools/call","params":{"arguments":{"n":1.0,"e":1e400},"x":[ ],"name":"größe",` + modernMeta(`"progressToken":1.50`, `"com.contoso/x":1`) + `}}`
			status, header, got := c.post(body, modernHeaders("tools/call", mcp.EncodeHeader("größe"))...)
			if status != tt.status || got != tt.answer {
				t.Errorf("got %d %s, want %d %s", status, got, tt.status, tt.answer)
			}
			if id := header.Get(mcp.HeaderSessionID); id != "" {
				t.Errorf("got session id %q, want none", id)
			}
			if sent := s.only(t, "tools/call"); sent.body != body {
				t.Errorf("the server got %s, want %s", sent.body, body)
			}
		})
	}
}

func TestModernHeaders(t *testing.T) {
	s := modernServer(t, plainDiscover, func(w http.ResponseWriter, _ *http.Request, g received) {
		writeJSON(w, http.StatusOK, resultFor(g, `{}`))
	})
	c := newClient(t, serve(t, newProxy(t, s.URL, nil)).URL)
	headers := append(modernHeaders("tools/call", "get"),
		"Mcp-Param-Region", "=?base64?w7Y=?=", "Mcp-Future", "1",
		"Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "Tracestate", "a=b", "Baggage", "k=v",
		"Authorization", "Bearer client", "Cookie", "a=b", "X-Forwarded-For", "10.0.0.1", "Forwarded", "for=x", "Mcp-Session-Id", "made-up",
		"X-Key", "client", "Last-Event-Id", "1", "Te", "trailers", "Proxy-Authorization", "x", "Accept-Encoding", "gzip")
	c.post(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get",`+modernMeta()+`}}`, headers...)
	got := s.only(t, "tools/call").header
	want := map[string]string{
		"Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "get",
		"Mcp-Param-Region": "=?base64?w7Y=?=", "Mcp-Future": "1",
		"Traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "Tracestate": "a=b", "Baggage": "k=v",
		"X-Key": "secret", "Content-Type": "application/json", "Accept": "application/json, text/event-stream",
		"Accept-Encoding": "identity", "User-Agent": "contoso", "Content-Length": got.Get("Content-Length"),
	}
	for name := range got {
		if got.Get(name) != want[name] || len(got[name]) != 1 {
			t.Errorf("got header %s: %q, want %q", name, got[name], want[name])
		}
	}
	for name := range want {
		if got.Get(name) == "" {
			t.Errorf("the header %s is missing", name)
		}
	}
}

func TestFirstEventPassesBeforeTheAnswerEnds(t *testing.T) {
	noLeak(t)
	seen := make(chan struct{})
	s := modernServer(t, plainDiscover, func(w http.ResponseWriter, _ *http.Request, g received) {
		w.Header().Set("Content-Type", "text/event-stream")
		rc := http.NewResponseController(w)
		_ = rc.Flush()
		_, _ = io.WriteString(w, "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\"}\n\n")
		_ = rc.Flush()
		<-seen
		_, _ = io.WriteString(w, "data: "+resultFor(g, "{}")+"\n\n")
	})
	c := newClient(t, serve(t, newProxy(t, s.URL, nil)).URL)
	res := c.open(t.Context(), http.MethodPost, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get",`+modernMeta()+`}}`, modernHeaders("tools/call", "get")...)
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	line, err := lines.ReadString('\n')
	if err != nil || !strings.Contains(line, "notifications/progress") {
		t.Fatalf("got %q, %v, want the progress", line, err)
	}
	close(seen)
	rest, err := io.ReadAll(lines)
	if err != nil || !strings.Contains(string(rest), `"result":{}`) {
		t.Errorf("got %q, %v, want the result", rest, err)
	}
}

func TestClientThatGoesCancelsAtTheServer(t *testing.T) {
	noLeak(t)
	gone := make(chan struct{})
	s := modernServer(t, plainDiscover, func(w http.ResponseWriter, r *http.Request, _ received) {
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(gone)
	})
	c := newClient(t, serve(t, newProxy(t, s.URL, nil)).URL)
	ctx, cancel := context.WithCancel(t.Context())
	res := c.open(ctx, http.MethodPost, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get",`+modernMeta()+`}}`, modernHeaders("tools/call", "get")...)
	cancel()
	<-gone
	res.Body.Close()
}

func TestModernNotificationIsAccepted(t *testing.T) {
	s := modernServer(t, plainDiscover, func(w http.ResponseWriter, _ *http.Request, _ received) {
		writeJSON(w, http.StatusOK, `{}`) // some servers answer notifications
	})
	c := newClient(t, serve(t, newProxy(t, s.URL, nil)).URL)
	status, _, body := c.post(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`, "MCP-Protocol-Version", "2026-07-28")
	if status != http.StatusAccepted || body != "" {
		t.Errorf("got %d %q, want 202 and no body", status, body)
	}
	if got := s.only(t, "notifications/cancelled").body; !strings.Contains(got, `"requestId":1`) {
		t.Errorf("the server got %s", got)
	}
}

func TestDiscoverNamesTheGatewaysVersions(t *testing.T) {
	s := modernServer(t, plainDiscover, nil)
	c := newClient(t, serve(t, newProxy(t, s.URL, nil)).URL)
	_, _, got := c.modern(`"a"`, "server/discover", "", "")
	want := `{"jsonrpc":"2.0","id":"a","result":` + strings.Replace(plainDiscover, `["2026-07-28"]`, `["2026-07-28","2025-11-25","2025-06-18","2025-03-26"]`, 1) + `}`
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestFailuresOfTheServer holds for every cell: what a client is told when the
// server does not answer as it should.
func TestFailuresOfTheServer(t *testing.T) {
	tests := []struct {
		name   string
		answer func(w http.ResponseWriter, g received)
		want   string
	}{
		{"401", func(w http.ResponseWriter, _ received) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="internal"`)
			writeJSON(w, 401, `{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"key secret is wrong"}}`)
		}, "refused the gateway's credentials (HTTP 401)."},
		{"403", func(w http.ResponseWriter, _ received) { http.Error(w, "secret", 403) }, "refused the gateway's credentials (HTTP 403)."},
		{"429", func(w http.ResponseWriter, _ received) { http.Error(w, "secret", 429) }, "has too many requests to answer (HTTP 429); try again later."},
		{"500", func(w http.ResponseWriter, _ received) { http.Error(w, "secret", 500) }, "failed (HTTP 500)."},
		{"503", func(w http.ResponseWriter, _ received) { http.Error(w, "secret", 503) }, "failed (HTTP 503)."},
		{"302", func(w http.ResponseWriter, _ received) {
			w.Header().Set("Location", "http://secret/")
			w.WriteHeader(302)
		}, "has moved (HTTP 302); the gateway's configuration must name its new URL."},
		{"415", func(w http.ResponseWriter, _ received) { http.Error(w, "secret", 415) }, "refused the request (HTTP 415)."},
		{"HTML", func(w http.ResponseWriter, _ received) { _, _ = io.WriteString(w, "<html>secret") }, "sent an answer that cannot be read."},
		{"compressed unasked", func(w http.ResponseWriter, _ received) {
			w.Header().Set("Content-Encoding", "gzip")
			writeJSON(w, 200, "secret")
		}, "sent an answer that cannot be read."},
		{"connection cut", func(http.ResponseWriter, received) { panic(http.ErrAbortHandler) }, "could not be reached."},
	}
	eras := map[string]func(c *client) (int, http.Header, string){
		"modern": func(c *client) (int, http.Header, string) { return c.modernCall("1", "get", "{}") },
		"legacy": func(c *client) (int, http.Header, string) {
			return c.post(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get"}}`, legacyVersion...)
		},
	}
	for _, tt := range tests {
		for clientEra, call := range eras {
			for serverEra, pinned := range map[string]mcp.Version{"modern": mcp.V20260728, "legacy": mcp.V20251125} {
				t.Run(tt.name+"/"+clientEra+" to "+serverEra, func(t *testing.T) {
					s := legacyServer(t, "", func(w http.ResponseWriter, _ *http.Request, g received) {
						if g.msg.Method == mcp.MethodListTools {
							writeJSON(w, http.StatusOK, resultFor(g, `{"tools":[]}`))
							return
						}
						tt.answer(w, g)
					})
					p := newProxy(t, s.URL, func(o *Options) { o.ProtocolVersion = pinned })
					status, header, got := call(newClient(t, serve(t, p).URL))
					want := `{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"The MCP server behind this gateway ` + tt.want + `"}}`
					if status != http.StatusOK || got != want {
						t.Errorf("got %d %s, want 200 %s", status, got, want)
					}
					if header.Get("WWW-Authenticate") != "" {
						t.Error("the server's challenge reached the client")
					}
				})
			}
		}
	}
}

func TestUnreachableServer(t *testing.T) {
	for _, pinned := range []mcp.Version{"", mcp.V20260728, mcp.V20251125} {
		// Port 1 is not one that a test server could be given meanwhile.
		p := newProxy(t, "http://127.0.0.1:1", func(o *Options) { o.ProtocolVersion = pinned })
		_, _, got := newClient(t, serve(t, p).URL).modernCall("1", "get", "{}")
		if !strings.Contains(got, "The MCP server behind this gateway could not be reached.") {
			t.Errorf("pinned %q: got %s", pinned, got)
		}
	}
}

func TestSlowServer(t *testing.T) {
	release := make(chan struct{})
	s := newScripted(t, func(http.ResponseWriter, *http.Request, received) { <-release })
	defer close(release)
	client, err := backend.New(backend.Options{URL: s.URL, Timeout: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, pinned := range []mcp.Version{"", mcp.V20260728, mcp.V20251125} {
		p := newProxy(t, s.URL, func(o *Options) { o.ProtocolVersion, o.Client = pinned, client })
		_, _, got := newClient(t, serve(t, p).URL).modernCall("1", "get", "{}")
		if !strings.Contains(got, "The MCP server behind this gateway did not answer in time.") {
			t.Errorf("pinned %q: got %s", pinned, got)
		}
	}
}

func TestAnswerLargerThanMayBeHeld(t *testing.T) {
	long := `{"tools":[],"x":"` + strings.Repeat("x", 2000) + `"}`
	for name, write := range map[string]func(w http.ResponseWriter, body string){
		"JSON": func(w http.ResponseWriter, body string) { writeJSON(w, 200, body) },
		"SSE":  func(w http.ResponseWriter, body string) { writeSSE(w, body) },
	} {
		t.Run(name, func(t *testing.T) {
			s := modernServer(t, plainDiscover, func(w http.ResponseWriter, _ *http.Request, g received) { write(w, resultFor(g, long)) })
			p := newProxy(t, s.URL, func(o *Options) { o.MaxMessage, o.Tools = 1500, []ToolSelection{{Tool: "a"}} })
			c := newClient(t, serve(t, p).URL)
			if _, _, got := c.modern("1", "tools/list", "", ""); !strings.Contains(got, "sent an answer larger than 1500 bytes.") {
				t.Errorf("got %s", got)
			}
			if _, _, got := c.modern("1", "prompts/list", "", ""); !strings.Contains(got, strings.Repeat("x", 2000)) {
				t.Errorf("what only passes through must have no bound, got %s", got)
			}
		})
	}
}

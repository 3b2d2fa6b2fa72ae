package mcpproxy

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"toolgate/shared/mcp"
)

// statefulServer has sessions "up/1", "up/2" …, made by initialize; known says
// which are alive.
type statefulServer struct {
	*scripted
	known map[string]bool
	n     int
}

func newStateful(t testing.TB, answer func(w http.ResponseWriter, r *http.Request, g received)) *statefulServer {
	s := &statefulServer{known: map[string]bool{}}
	s.scripted = newScripted(t, func(w http.ResponseWriter, r *http.Request, g received) {
		id := r.Header.Get("Mcp-Session-Id")
		s.mu.Lock()
		alive := s.known[id]
		s.mu.Unlock()
		switch {
		case g.msg.Method == mcp.MethodDiscover:
			writeJSON(w, http.StatusBadRequest, `{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"Bad Request: No valid session ID provided"}}`)
		case g.msg.Method == mcp.MethodInitialize:
			s.mu.Lock()
			s.n++
			id = fmt.Sprint("up/", s.n)
			s.known[id] = true
			s.mu.Unlock()
			w.Header().Set("Mcp-Session-Id", id)
			writeJSON(w, http.StatusOK, resultFor(g, legacyInitialize))
		case id == "":
			http.Error(w, "no session", http.StatusBadRequest)
		case !alive:
			http.Error(w, "session not found", http.StatusNotFound)
		case r.Method == http.MethodDelete:
			s.mu.Lock()
			delete(s.known, id)
			s.mu.Unlock()
			w.WriteHeader(http.StatusNoContent)
		case g.msg.Kind != mcp.KindRequest:
			w.WriteHeader(http.StatusAccepted)
		default:
			w.Header().Set("Mcp-Session-Id", id) // as the TypeScript SDK does
			answer(w, r, g)
		}
	})
	return s
}

func (s *statefulServer) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.known)
}

// handshake opens a session and returns its id as the client sees it.
func (c *client) handshake() (string, string) {
	c.t.Helper()
	status, header, body := c.post(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`)
	if status != http.StatusOK {
		c.t.Fatalf("initialize: got %d %s", status, body)
	}
	return header.Get("Mcp-Session-Id"), body
}

func TestLegacyToLegacy(t *testing.T) {
	s := newStateful(t, func(w http.ResponseWriter, _ *http.Request, g received) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "id: 1_0\ndata: \n\nid: 1_1\ndata: "+resultFor(g, odd)+"\n\n")
	})
	c := newClient(t, serve(t, newProxy(t, s.URL, nil)).URL)
	id, body := c.handshake()
	if want := `{"jsonrpc":"2.0","id":0,"result":` + legacyInitialize + `}`; body != want {
		t.Errorf("initialize: got %s, want %s", body, want)
	}
	if id == "" || strings.Contains(id, "up/") {
		t.Fatalf("got session id %q, want a sealed one", id)
	}
	session := append([]string{"Mcp-Session-Id", id}, legacyVersion...)
	if status, _, body := c.post(`{"jsonrpc":"2.0","method":"notifications/initialized"}`, session...); status != http.StatusAccepted || body != "" {
		t.Errorf("initialized: got %d %q, want 202", status, body)
	}
	sent := `{"jsonrpc":"2.0", "id":12345678901234567890,"method":"tools/call","params":{"name":"get","_meta":{"progressToken":1.0}}}`
	status, header, got := c.post(sent, session...)
	want := "id: 1_0\ndata: \n\nid: 1_1\ndata: {\"jsonrpc\":\"2.0\",\"id\":12345678901234567890,\"result\":" + odd + "}\n\n"
	if status != http.StatusOK || got != want {
		t.Errorf("got %d %q, want %q", status, got, want)
	}
	if again := header.Get("Mcp-Session-Id"); again != id {
		t.Errorf("got session id %q again, want the one that the client has, %q", again, id)
	}
	if status, _, body := c.post(`{"jsonrpc":"2.0","id":7,"result":{"action":"accept"}}`, session...); status != http.StatusAccepted || body != "" {
		t.Errorf("response: got %d %q, want 202", status, body)
	}
	call := s.only(t, "tools/call")
	if call.body != sent || call.header.Get("Mcp-Session-Id") != "up/1" || call.header.Get("Mcp-Protocol-Version") != "2025-11-25" {
		t.Errorf("the server got %s with %v", call.body, call.header)
	}
	if got := len(s.requests("initialize")); got != 1 {
		t.Errorf("the server saw %d handshakes, want the client's only", got)
	}
}

func TestSessionIDsOfOthersAreNotFound(t *testing.T) {
	s := newStateful(t, nil)
	other := newProxy(t, s.URL, func(o *Options) { o.Name = "invoices" })
	url := serve(t, newProxy(t, s.URL, nil)).URL
	tests := map[string]string{
		"the server's own":  "up/1",
		"of another server": other.seal(t.Context(), "up/1"),
		"altered":           other.seal(t.Context(), "up/1") + "A",
		"not base64":        "?",
	}
	for name, id := range tests {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, url)
			for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodDelete} {
				status, header, body := c.do(t.Context(), method, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, "Mcp-Session-Id", id)
				if status != http.StatusNotFound || body != "session not found\n" || !strings.HasPrefix(header.Get("Content-Type"), "text/plain") {
					t.Errorf("%s: got %d %q, want 404", method, status, body)
				}
			}
		})
	}
	if got := s.requests("tools/list"); got != nil {
		t.Errorf("the server got %v", got)
	}
}

func TestSessionThatTheServerForgot(t *testing.T) {
	s := newStateful(t, nil)
	c := newClient(t, serve(t, newProxy(t, s.URL, nil)).URL)
	id, _ := c.handshake()
	s.forget()
	status, _, body := c.post(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, "Mcp-Session-Id", id)
	if status != http.StatusNotFound || body != "session not found\n" {
		t.Errorf("got %d %q, want 404", status, body)
	}
}

func TestSessionOutlivesTheInstance(t *testing.T) {
	s := newStateful(t, func(w http.ResponseWriter, _ *http.Request, g received) { writeJSON(w, 200, resultFor(g, `{}`)) })
	first, second := newClient(t, serve(t, newProxy(t, s.URL, nil)).URL), newClient(t, serve(t, newProxy(t, s.URL, nil)).URL)
	id, _ := first.handshake()
	status, _, body := second.post(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, "Mcp-Session-Id", id)
	if status != http.StatusOK || body != `{"jsonrpc":"2.0","id":1,"result":{}}` {
		t.Errorf("another instance: got %d %s", status, body)
	}
}

func TestServeSession(t *testing.T) {
	noLeak(t)
	seen := make(chan struct{})
	s := newStateful(t, nil)
	inner := s.answer
	s.answer = func(w http.ResponseWriter, r *http.Request, g received) {
		s.mu.Lock()
		alive := s.known["up/1"]
		s.mu.Unlock()
		if r.Method != http.MethodGet || !alive {
			inner(w, r, g)
			return
		}
		switch r.Header.Get("Last-Event-Id") {
		case "gone":
			http.Error(w, "secret", http.StatusBadRequest)
		case "busy":
			http.Error(w, "secret", http.StatusConflict)
		case "broken":
			http.Error(w, "secret", http.StatusInternalServerError)
		default:
			w.Header().Set("Content-Type", "text/event-stream")
			rc := http.NewResponseController(w)
			_ = rc.Flush()
			_, _ = io.WriteString(w, ": ok\n\n")
			_ = rc.Flush()
			<-seen
			_, _ = io.WriteString(w, "id: 5\ndata: {}\n\n")
		}
	}
	c := newClient(t, serve(t, newProxy(t, s.URL, nil)).URL)
	id, _ := c.handshake()

	res := c.open(t.Context(), http.MethodGet, "", "Mcp-Session-Id", id, "Last-Event-Id", "1_4", "Mcp-Protocol-Version", "2025-11-25", "Authorization", "Bearer client")
	lines := bufio.NewReader(res.Body)
	if line, err := lines.ReadString('\n'); err != nil || line != ": ok\n" {
		t.Errorf("got %q, %v, want the first comment while the stream is open", line, err)
	}
	close(seen)
	if rest, err := io.ReadAll(lines); err != nil || string(rest) != "\nid: 5\ndata: {}\n\n" {
		t.Errorf("got %q, %v", rest, err)
	}
	res.Body.Close()
	got := s.requests(http.MethodGet)[0].header
	if got.Get("Mcp-Session-Id") != "up/1" || got.Get("Last-Event-Id") != "1_4" || got.Get("Accept") != "text/event-stream" || got.Get("Authorization") != "" || got.Get("X-Key") != "secret" {
		t.Errorf("the server got %v", got)
	}

	for last, want := range map[string]int{"gone": 400, "busy": 409, "broken": 502} {
		status, _, body := c.do(t.Context(), http.MethodGet, "", "Mcp-Session-Id", id, "Last-Event-Id", last)
		if status != want || strings.Contains(body, "secret") {
			t.Errorf("%s: got %d %q, want %d", last, status, body, want)
		}
	}
	if status, _, body := c.do(t.Context(), http.MethodDelete, "", "Mcp-Session-Id", id); status != http.StatusNoContent || body != "" {
		t.Errorf("DELETE: got %d %q, want 204", status, body)
	}
	if status, _, _ := c.do(t.Context(), http.MethodGet, "", "Mcp-Session-Id", id); status != http.StatusNotFound {
		t.Errorf("GET after DELETE: got %d, want 404", status)
	}
}

func TestServeSessionRefuses(t *testing.T) {
	s := newStateful(t, nil)
	p := newProxy(t, s.URL, nil)
	c := newClient(t, serve(t, p).URL)
	tests := []struct {
		name, method string
		headers      []string
	}{
		{"GET without a session", http.MethodGet, nil},
		{"DELETE without a session", http.MethodDelete, nil},
		{"another method", http.MethodPut, []string{"Mcp-Session-Id", p.seal(t.Context(), "up/1")}},
		{"a modern client", http.MethodGet, []string{"Mcp-Session-Id", p.seal(t.Context(), "up/1"), "Mcp-Protocol-Version", "2026-07-28"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, header, _ := c.do(t.Context(), tt.method, "", tt.headers...)
			if status != http.StatusMethodNotAllowed || header.Get("Allow") != "POST" {
				t.Errorf("got %d, Allow %q, want 405, POST", status, header.Get("Allow"))
			}
		})
	}
}

func TestStatelessLegacyServer(t *testing.T) {
	s := legacyServer(t, "", func(w http.ResponseWriter, _ *http.Request, g received) {
		if g.msg.Kind != mcp.KindRequest {
			w.WriteHeader(http.StatusAccepted)
			return
		}
		writeJSON(w, http.StatusOK, resultFor(g, odd))
	})
	sent := `{"jsonrpc":"2.0","id":1.0,"method":"tools/call","params":{"name":"get"}}`
	want := `{"jsonrpc":"2.0","id":1.0,"result":` + odd + `}`

	t.Run("after a handshake", func(t *testing.T) {
		c := newClient(t, serve(t, newProxy(t, s.URL, nil)).URL)
		if id, _ := c.handshake(); id != "" {
			t.Fatalf("got session id %q, want none", id)
		}
		before := len(s.requests("initialize"))
		if _, _, got := c.post(sent, legacyVersion...); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if made := len(s.requests("initialize")) - before; made != 0 {
			t.Errorf("the gateway made %d handshakes of its own, want 0", made)
		}
	})
	t.Run("in an instance that saw none", func(t *testing.T) {
		c := newClient(t, serve(t, newProxy(t, s.URL, nil)).URL)
		if _, _, got := c.post(sent, legacyVersion...); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		got := s.requests("tools/call")
		if last := got[len(got)-1]; last.body != sent || last.header.Get("Mcp-Session-Id") != "" {
			t.Errorf("the server got %s", last.body)
		}
		if status, _, _ := c.post(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`, legacyVersion...); status != http.StatusAccepted {
			t.Errorf("notification: got %d, want 202", status)
		}
		if len(s.requests("notifications/cancelled")) != 1 {
			t.Error("the notification did not reach the server")
		}
	})
}

// TestLegacyClientWithoutHandshake is one that was told nothing of sessions, as
// the clients of a federation are.
func TestLegacyClientWithoutHandshake(t *testing.T) {
	s := newStateful(t, func(w http.ResponseWriter, _ *http.Request, g received) {
		token := string(g.msg.Bytes(g.msg.Meta.ProgressToken))
		writeSSE(w,
			`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":`+token+`,"progress":1}}`,
			`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"debug","data":1}}`,
			`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":2}}`,
			`{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`,
			resultFor(g, odd))
	})
	c := newClient(t, serve(t, newProxy(t, s.URL, nil)).URL)
	_, _, got := c.post(`{"jsonrpc":"2.0","id":"7","method":"tools/call","params":{"name":"get","_meta":{"progressToken":"p","k":1}}}`, legacyVersion...)
	want := string(mcp.AppendEvent(nil, "", []byte(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":1}}`))) +
		string(mcp.AppendEvent(nil, "", []byte(`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":2}}`))) +
		string(mcp.AppendEvent(nil, "", []byte(`{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`))) +
		string(mcp.AppendEvent(nil, "", []byte(`{"jsonrpc":"2.0","id":"7","result":`+odd+`}`)))
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	call := s.only(t, "tools/call")
	if want := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get","_meta":{"progressToken":1,"k":1}}}`; call.body != want {
		t.Errorf("the server got %s, want %s", call.body, want)
	}
	if call.header.Get("Mcp-Session-Id") != "up/1" || call.header.Get("Mcp-Protocol-Version") != "2025-06-18" {
		t.Errorf("the server got %v", call.header)
	}
	for method, want := range map[string]string{
		"ping":                `{"jsonrpc":"2.0","id":1,"result":{}}`,
		"logging/setLevel":    `{"jsonrpc":"2.0","id":1,"result":{}}`,
		"resources/subscribe": `{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"method \"resources/subscribe\" is not implemented"}}`,
	} {
		if _, _, got := c.post(`{"jsonrpc":"2.0","id":1,"method":"`+method+`","params":{"level":"debug","uri":"a:b"}}`, legacyVersion...); got != want {
			t.Errorf("%s: got %s, want %s", method, got, want)
		}
	}
	if status, _, body := c.post(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`, legacyVersion...); status != http.StatusAccepted || body != "" {
		t.Errorf("notification: got %d %q, want 202", status, body)
	}
	if got := s.requests("notifications/cancelled"); got != nil {
		t.Errorf("a request of another client may have been cancelled: %v", got)
	}
}

// TestServerThatBecomesStateful is one that is updated while the gateway runs.
func TestServerThatBecomesStateful(t *testing.T) {
	for name, call := range map[string]func(c *client) string{
		"modern": func(c *client) string {
			_, _, got := c.modernCall("1", "get", "{}")
			return got
		},
		"legacy": func(c *client) string {
			_, _, got := c.legacyPost("1", "tools/call", `{"name":"get"}`)
			return got
		},
	} {
		for _, handshake := range []bool{false, true} {
			stateful := newStateful(t, func(w http.ResponseWriter, _ *http.Request, g received) { writeJSON(w, 200, resultFor(g, `{"ok":1}`)) })
			stateless := legacyServer(t, "", func(w http.ResponseWriter, _ *http.Request, g received) { writeJSON(w, 200, resultFor(g, `{"ok":1}`)) })
			inner, now := stateful.answer, stateless.answer
			stateful.answer = func(w http.ResponseWriter, r *http.Request, g received) { now(w, r, g) }
			clock := newClock()
			p := newProxy(t, stateful.URL, func(o *Options) { o.Now, o.ProtocolVersion = clock.now, mcp.V20251125 })
			c := newClient(t, serve(t, p).URL)
			if handshake {
				c.handshake()
			}
			if got := call(c); !strings.Contains(got, `"ok":1`) {
				t.Fatalf("%s: before: got %s", name, got)
			}
			now = inner
			clock.add(forgetAfter + 1)
			call(c) // a legacy client's first call may be what tells
			if got := call(c); !strings.Contains(got, `"ok":1`) {
				t.Errorf("%s: after: got %s", name, got)
			}
		}
	}
}

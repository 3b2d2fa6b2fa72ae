package mcpproxy

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"toolgate/shared/backend"
	"toolgate/shared/mcp"
)

// sseServer speaks HTTP+SSE. What answer returns is sent on the stream.
type sseServer struct {
	*httptest.Server
	endpoint string // to post to

	mu      sync.Mutex
	posted  []received
	streams int
	out     chan string   // to the open stream
	end     chan struct{} // ends it
	refuse  int           // status for posts; 0: accepted
	answer  func(g received) []string
}

func newSSEServer(t testing.TB, endpoint string, answer func(g received) []string) *sseServer {
	s := &sseServer{endpoint: endpoint, answer: answer, out: make(chan string, 100), end: make(chan struct{})}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			s.stream(w, r)
			return
		}
		s.post(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *sseServer) stream(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.streams++
	end := s.end
	s.mu.Unlock()
	w.Header().Set("Content-Type", "text/event-stream")
	rc := http.NewResponseController(w)
	fmt.Fprintf(w, "event: endpoint\ndata: %s\n\n", s.endpoint)
	_ = rc.Flush()
	for {
		select {
		case m := <-s.out:
			_, _ = w.Write(mcp.AppendEvent(nil, "", []byte(m)))
			_ = rc.Flush()
		case <-end:
			return
		case <-r.Context().Done():
			return
		}
	}
}

func (s *sseServer) post(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	g := received{method: r.Method + " " + r.URL.RequestURI(), header: r.Header, body: string(body)}
	g.msg, _ = mcp.Scan(body, 0)
	s.mu.Lock()
	s.posted = append(s.posted, g)
	refuse := s.refuse
	s.mu.Unlock()
	if refuse != 0 {
		w.WriteHeader(refuse)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	if g.msg.Method == mcp.MethodInitialize {
		s.out <- resultFor(g, strings.Replace(legacyInitialize, "2025-06-18", "2024-11-05", 1))
		return
	}
	if ownList(g) {
		s.out <- resultFor(g, `{"tools":[]}`)
		return
	}
	for _, m := range s.answer(g) {
		s.out <- m
	}
}

// drop ends the open stream.
func (s *sseServer) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.end)
	s.end = make(chan struct{})
}

func (s *sseServer) requests(method string) []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []received
	for _, g := range s.posted {
		if g.msg.Method == method {
			out = append(out, g)
		}
	}
	return out
}

func newSSEProxy(t testing.TB, url string) *Proxy {
	return newProxy(t, url, func(o *Options) {
		client, err := backend.New(backend.Options{
			URL: url, Header: []backend.Credential{{Name: "X-Key", Value: "secret"}}, Query: []backend.Credential{{Name: "code", Value: "q"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		o.SSE, o.Client = true, client
	})
}

func TestSSEServer(t *testing.T) {
	noLeak(t)
	s := newSSEServer(t, "/messages?session=1&code=theirs", func(g received) []string {
		if g.msg.Kind != mcp.KindRequest {
			return nil
		}
		token := string(g.msg.Bytes(g.msg.Meta.ProgressToken))
		if token == "" {
			token = "null"
		}
		if g.msg.Method == mcp.MethodReadResource {
			return []string{errorFor(g, `{"code":-32002,"message":"no <b>","data":{"n":1.0}}`)}
		}
		return []string{
			`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":` + token + `,"progress":1.0}}`,
			`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":77,"progress":1}}`,
			`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"error","data":"of anybody"}}`,
			`{"jsonrpc":"2.0","id":"s","method":"ping"}`,
			`{"jsonrpc":"2.0","id":4,"method":"sampling/createMessage","params":{}}`,
			`no JSON`,
			resultFor(g, `{"content":[{"n":1.0,"text":"<b>","big":12345678901234567890}]}`),
		}
	})
	p := newSSEProxy(t, s.URL)
	c := newClient(t, serve(t, p).URL)
	_, _, got := c.modernCall(`"m"`, "get", `{"n":1.0,"t":"<b>"}`, `"progressToken":"p"`, `"io.modelcontextprotocol/logLevel":"debug"`)
	want := events(
		`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":1.0}}`,
		`{"jsonrpc":"2.0","id":"m","result":{"content":[{"n":1.0,"text":"<b>","big":12345678901234567890}],"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":`+oldInfo+`}}}`)
	if got != want {
		t.Errorf("modern: got %s, want %s", got, want)
	}
	_, _, got = c.legacyPost("12345678901234567890", "tools/call", `{"name":"get"}`)
	if want := `{"jsonrpc":"2.0","id":12345678901234567890,"result":{"content":[{"n":1.0,"text":"<b>","big":12345678901234567890}]}}`; got != want {
		t.Errorf("legacy: got %s, want %s", got, want)
	}
	if status, _, got := c.modern("1", "resources/read", `,"uri":"a:b"`, "a:b"); status != 400 || got != `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no <b>","data":{"n":1.0}}}` {
		t.Errorf("an error: got %d %s", status, got)
	}
	id, body := c.handshake()
	if want := `{"protocolVersion":"2025-11-25","capabilities":{"tools":{},"resources":{},"prompts":{}},"serverInfo":` + oldInfo + `,"instructions":"Be old."}`; id != "" || body != `{"jsonrpc":"2.0","id":0,"result":`+want+`}` {
		t.Errorf("handshake: got %q %s, want %s", id, body, want)
	}
	if _, _, got := c.modern("1", "server/discover", "", ""); !strings.Contains(got, `"capabilities":{"tools":{},"resources":{},"prompts":{}}`) {
		t.Errorf("discover: got %s", got)
	}
	for method, want := range map[string]string{"ping": `"result":{}`, "logging/setLevel": `"result":{}`, "resources/subscribe": `"code":-32601`} {
		if _, _, got := c.legacyPost("1", method, `{}`); !strings.Contains(got, want) {
			t.Errorf("%s: got %s, want %s", method, got, want)
		}
	}
	if status, _, _ := c.do(t.Context(), http.MethodGet, "", "Mcp-Session-Id", p.seal(t.Context(), "x")); status != http.StatusMethodNotAllowed {
		t.Errorf("GET: got %d, want 405", status)
	}

	call := s.requests("tools/call")[0]
	if call.method != "POST /messages?session=1&code=q" || call.header.Get("X-Key") != "secret" || call.header.Get("User-Agent") != "contoso" {
		t.Errorf("the server got %s with %v", call.method, call.header)
	}
	if s.streams != 1 {
		t.Errorf("opened %d streams, want 1", s.streams)
	}
}

func TestSSEServerGetsAnswersToItsRequests(t *testing.T) {
	answers := make(chan string, 2)
	s := newSSEServer(t, "/m", func(g received) []string {
		if g.msg.Kind == mcp.KindResponse {
			answers <- g.body
		}
		if g.msg.Kind != mcp.KindRequest {
			return nil
		}
		return []string{`{"jsonrpc":"2.0","id":"s","method":"ping"}`, `{"jsonrpc":"2.0","id":"t","method":"roots/list"}`, resultFor(g, "{}")}
	})
	newClient(t, serve(t, newSSEProxy(t, s.URL)).URL).modernCall("1", "get", "{}")
	if got := <-answers; got != `{"jsonrpc":"2.0","id":"s","result":{}}` {
		t.Errorf("ping: got %s", got)
	}
	if got := <-answers; !strings.Contains(got, `"id":"t"`) || !strings.Contains(got, `"code":-32601`) {
		t.Errorf("roots/list: got %s", got)
	}
}

func TestSSEStreamIsMadeAgain(t *testing.T) {
	noLeak(t)
	s := newSSEServer(t, "/m", func(g received) []string {
		if g.msg.Text(g.msg.Name) == "hang" || g.msg.Kind != mcp.KindRequest {
			return nil
		}
		return []string{resultFor(g, `{"ok":1}`)}
	})
	p := newSSEProxy(t, s.URL)
	c := newClient(t, serve(t, p).URL)
	call := func() {
		t.Helper()
		if _, _, got := c.modernCall("1", "get", "{}"); !strings.Contains(got, `"ok":1`) {
			t.Errorf("got %s", got)
		}
	}
	call()
	wire := p.own.plain.Load().wire.(*sseWire)
	s.drop()
	<-wire.done
	call()
	if s.streams != 2 {
		t.Errorf("opened %d streams, want 2", s.streams)
	}

	lost := make(chan string)
	go func() {
		_, _, got := c.modernCall("1", "hang", "{}")
		lost <- got
	}()
	for {
		calls := s.requests("tools/call")
		if calls[len(calls)-1].msg.Text(calls[len(calls)-1].msg.Name) == "hang" {
			break
		}
	}
	s.drop()
	if got := <-lost; !strings.Contains(got, "broke off its answer.") {
		t.Errorf("a call that waits when the stream ends: got %s", got)
	}
	if got := len(s.requests("tools/call")); got != 3 {
		t.Errorf("the server got %d calls; one that may have been made must not be made again", got)
	}
	call()

	s.mu.Lock()
	s.refuse = http.StatusInternalServerError
	s.mu.Unlock()
	if _, _, got := c.modernCall("1", "get", "{}"); !strings.Contains(got, "failed (HTTP 500).") {
		t.Errorf("got %s", got)
	}
}

func TestSSECallIsCancelled(t *testing.T) {
	noLeak(t)
	started, cancelled := make(chan struct{}), make(chan string, 1)
	s := newSSEServer(t, "/m", func(g received) []string {
		switch g.msg.Method {
		case mcp.MethodCallTool:
			close(started)
		case mcp.NotificationCancelled:
			cancelled <- string(lookup(g.msg.Bytes(g.msg.Params), "requestId"))
		}
		return nil
	})
	p := newSSEProxy(t, s.URL)
	req := &mcp.Request{Version: mcp.Latest, Header: http.Header{}}
	var err error
	req.Message, err = mcp.Scan([]byte(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get",`+modernMeta()+`}}`), 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-started
		cancel()
	}()
	if err := p.Serve(ctx, req, new(collector)); err == nil {
		t.Error("want the end of the client's context")
	}
	if got := <-cancelled; got != "1" {
		t.Errorf("the server was told to cancel %s, want 1", got)
	}
}

func TestSSEServersThatCannotBeUsed(t *testing.T) {
	elsewhere := newScripted(t, func(w http.ResponseWriter, _ *http.Request, _ received) { w.WriteHeader(202) })
	tests := []struct {
		name   string
		server func(t *testing.T) string
		want   string
	}{
		{"another host to post to", func(t *testing.T) string {
			return newSSEServer(t, elsewhere.URL+"/m", nil).URL
		}, "The request is not allowed to leave the gateway."},
		{"401", func(t *testing.T) string {
			return newScripted(t, func(w http.ResponseWriter, _ *http.Request, _ received) { w.WriteHeader(401) }).URL
		}, "refused the gateway's credentials (HTTP 401)."},
		{"no endpoint", func(t *testing.T) string {
			return newScripted(t, func(w http.ResponseWriter, _ *http.Request, _ received) { writeSSE(w, "{}") }).URL
		}, "could not be reached."},
		{"unreachable", func(*testing.T) string { return "http://127.0.0.1:1" }, "could not be reached."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			noLeak(t)
			p := newSSEProxy(t, tt.server(t))
			_, _, got := newClient(t, serve(t, p).URL).modernCall("1", "get", "{}")
			if !strings.Contains(got, tt.want) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if _, err := p.session(t.Context()); err == nil || strings.Contains(err.Error(), "code=") {
				t.Errorf("got %v, want an error without the credentials of the URL", err)
			}
		})
	}
	if got := elsewhere.requests(""); got != nil {
		t.Errorf("credentials went to another host: %v", got)
	}
}

func TestSlowClientOfAnSSEServerHoldsNobodyUp(t *testing.T) {
	w := &sseWire{calls: map[string]*sseCall{}, done: make(chan struct{})}
	c := &sseCall{notes: make(chan *mcp.Message, maxNotes), response: make(chan *mcp.Message, 1)}
	w.calls["1"] = c
	note, err := mcp.Scan([]byte(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1}}`), 0)
	if err != nil {
		t.Fatal(err)
	}
	response, err := mcp.Scan([]byte(`{"jsonrpc":"2.0","id":1,"result":{}}`), 0)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 * maxNotes {
		w.deal(t.Context(), &note)
	}
	w.deal(t.Context(), &response)
	w.deal(t.Context(), &response)
	var kinds []mcp.Kind
	err = w.await(t.Context(), c, func(m *mcp.Message) (bool, error) {
		kinds = append(kinds, m.Kind)
		return m.Kind == mcp.KindResponse, nil
	})
	if err != nil || len(kinds) != maxNotes+1 || kinds[maxNotes] != mcp.KindResponse {
		t.Errorf("got %v, %v, want %d notifications and then the response", kinds, err, maxNotes)
	}
}

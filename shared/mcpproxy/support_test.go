package mcpproxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"toolgate/shared/backend"
	"toolgate/shared/mcp"
	"toolgate/shared/seal"

	"github.com/go-json-experiment/json/jsontext"
)

// door is the smallest gateway that a server can be tested behind over HTTP.
type door struct {
	server  mcp.Server
	session http.HandlerFunc // nil: none
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		if d.session == nil {
			onlyPost(w)
			return
		}
		d.session(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	req := &mcp.Request{Header: r.Header}
	if req.Message, err = mcp.Scan(body, 0); err == nil {
		req.Version, err = mcp.Detect(&req.Message, r.Header)
	}
	if err == nil && req.Kind != mcp.KindResponse && !mcp.Served(req.Method, req.Version) {
		err = mcp.MethodNotFound(req.Method)
	}
	reply := &httpReply{w: w, req: req}
	if err == nil {
		err = d.server.Serve(r.Context(), req, reply)
	}
	reply.end(err)
}

// httpReply writes a reply in the form of the client's era.
type httpReply struct {
	w    http.ResponseWriter
	req  *mcp.Request
	sent bool // the header
	sse  bool
}

func (r *httpReply) send(status int, message []byte) error {
	if r.sse {
		_, err := r.w.Write(mcp.AppendEvent(nil, "", message))
		return errors.Join(err, http.NewResponseController(r.w).Flush())
	}
	r.sent = true
	r.w.Header().Set("Content-Type", mcp.ContentJSON)
	r.w.WriteHeader(status)
	_, err := r.w.Write(message)
	return err
}

func (r *httpReply) Notify(message jsontext.Value) error {
	if !r.sse {
		r.sse, r.sent = true, true
		r.w.Header().Set("Content-Type", mcp.ContentSSE)
	}
	return r.send(0, message)
}

func (r *httpReply) Result(result jsontext.Value) error {
	return r.send(http.StatusOK, mcp.AppendResult(nil, r.req.Bytes(r.req.ID), result))
}

func (r *httpReply) Relay(status int, header http.Header, body io.Reader) error {
	r.sent = true
	for _, name := range []string{"Content-Type", mcp.HeaderSessionID} {
		if v, ok := header[name]; ok {
			r.w.Header()[name] = v
		}
	}
	r.w.WriteHeader(status)
	stream := strings.HasPrefix(header.Get("Content-Type"), mcp.ContentSSE)
	if !stream {
		_, err := io.Copy(r.w, body)
		return err
	}
	rc := http.NewResponseController(r.w)
	if err := rc.Flush(); err != nil {
		return err
	}
	return copyFlushing(r.w, rc, body)
}

func (r *httpReply) end(err error) {
	switch {
	case err == nil && !r.sent:
		r.w.WriteHeader(http.StatusAccepted)
	case err == nil || r.sent && !r.sse:
	default:
		e, ok := errors.AsType[*mcp.Error](err)
		if !ok {
			e = mcp.Errorf(mcp.CodeInternalError, "internal error")
		}
		_ = r.send(e.HTTPStatus(r.req.Version), mcp.AppendError(nil, r.req.Bytes(r.req.ID), e))
	}
}

// received is a request as the scripted server got it.
type received struct {
	method string
	header http.Header
	body   string
	msg    mcp.Message
}

// scripted is an MCP server that answers from a script and remembers what it
// was sent.
type scripted struct {
	*httptest.Server
	mu  sync.Mutex
	got []received
	// answer answers a request; the lock is not held.
	answer func(w http.ResponseWriter, r *http.Request, got received)
}

func newScripted(t testing.TB, answer func(w http.ResponseWriter, r *http.Request, got received)) *scripted {
	t.Helper()
	s := &scripted{answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got := received{method: r.Method, header: r.Header.Clone(), body: string(body)}
		got.msg, _ = mcp.Scan(body, 0)
		s.mu.Lock()
		s.got = append(s.got, got)
		s.mu.Unlock()
		s.answer(w, r, got)
	}))
	t.Cleanup(s.Close)
	return s
}

// requests returns what the server got, of one JSON-RPC or HTTP method if given.
func (s *scripted) requests(method string) []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []received
	for _, g := range s.got {
		if method == "" || g.msg.Method == method || g.msg.Method == "" && g.method == method {
			out = append(out, g)
		}
	}
	return out
}

// only returns the one request of a method.
func (s *scripted) only(t testing.TB, method string) received {
	t.Helper()
	got := s.requests(method)
	if len(got) != 1 {
		t.Fatalf("got %d requests %s, want 1", len(got), method)
	}
	return got[0]
}

func writeJSON(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func writeSSE(w http.ResponseWriter, messages ...string) {
	w.Header().Set("Content-Type", "text/event-stream")
	for _, m := range messages {
		_, _ = w.Write(mcp.AppendEvent(nil, "", []byte(m)))
	}
}

// idOf is the id of a request, as text.
func idOf(g received) string { return string(g.msg.Bytes(g.msg.ID)) }

func resultFor(g received, result string) string {
	return `{"jsonrpc":"2.0","id":` + idOf(g) + `,"result":` + result + `}`
}

func errorFor(g received, e string) string {
	return `{"jsonrpc":"2.0","id":` + idOf(g) + `,"error":` + e + `}`
}

// clock is a time that tests set.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// newProxy makes a proxy for a server; change may alter the options.
func newProxy(t testing.TB, url string, change func(*Options)) *Proxy {
	t.Helper()
	b := backend.Options{URL: url, Header: []backend.Credential{{Name: "X-Key", Value: "secret"}}, Timeout: 10 * time.Second}
	client, err := backend.New(b)
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := seal.New(bytes.Repeat([]byte("k"), seal.MinSecret), "session")
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Name: "orders", Client: client, Sealer: sealer,
		Implementation: mcp.Implementation{Name: "contoso", Version: "1.0.0"},
	}
	if testing.Verbose() {
		o.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if change != nil {
		change(&o)
	}
	p := New(o)
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return p
}

// serve puts a server behind a door on loopback.
func serve(t testing.TB, s mcp.Server) *httptest.Server {
	t.Helper()
	d := &door{server: s}
	if p, ok := s.(*Proxy); ok {
		d.session = p.ServeSession
	}
	ts := httptest.NewServer(d)
	t.Cleanup(ts.Close)
	return ts
}

// client sends messages to a door.
type client struct {
	t      testing.TB
	url    string
	header http.Header
}

func newClient(t testing.TB, url string) *client {
	return &client{t, url, http.Header{
		"Content-Type": {"application/json"}, "Accept": {"application/json, text/event-stream"},
	}}
}

// post sends one message with more headers, given as name and value in turn,
// and returns the status, header and body of the answer.
func (c *client) post(body string, headers ...string) (int, http.Header, string) {
	c.t.Helper()
	return c.do(c.t.Context(), http.MethodPost, body, headers...)
}

func (c *client) do(ctx context.Context, method, body string, headers ...string) (int, http.Header, string) {
	c.t.Helper()
	res := c.open(ctx, method, body, headers...)
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatalf("reading the answer: %v", err)
	}
	return res.StatusCode, res.Header, string(got)
}

func (c *client) open(ctx context.Context, method, body string, headers ...string) *http.Response {
	c.t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, c.url, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header = c.header.Clone()
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		c.t.Fatal(err)
	}
	return res
}

// modernMeta is the _meta of a modern request, with more members if given.
func modernMeta(more ...string) string {
	return `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}` +
		strings.Join(append([]string{""}, more...), ",") + `}`
}

// modernHeaders are the headers of a modern request.
func modernHeaders(method, name string) []string {
	h := []string{"MCP-Protocol-Version", "2026-07-28", "Mcp-Method", method}
	if name != "" {
		h = append(h, "Mcp-Name", name)
	}
	return h
}

// modernCall is tools/call of a modern client.
func (c *client) modernCall(id, tool, arguments string, meta ...string) (int, http.Header, string) {
	c.t.Helper()
	return c.post(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{"name":%q,"arguments":%s,%s}}`, id, tool, arguments, modernMeta(meta...)),
		modernHeaders("tools/call", tool)...)
}

// modern is any other request of a modern client; params follow _meta.
func (c *client) modern(id, method, params, name string) (int, http.Header, string) {
	c.t.Helper()
	return c.post(`{"jsonrpc":"2.0","id":`+id+`,"method":"`+method+`","params":{`+modernMeta()+params+`}}`, modernHeaders(method, name)...)
}

// legacyVersion is the header of a legacy client after its handshake.
var legacyVersion = []string{"MCP-Protocol-Version", "2025-11-25"}

// modernServer answers server/discover as a modern server and gives everything
// else to answer.
func modernServer(t testing.TB, discover string, answer func(w http.ResponseWriter, r *http.Request, g received)) *scripted {
	return newScripted(t, func(w http.ResponseWriter, r *http.Request, g received) {
		if g.msg.Method == mcp.MethodDiscover {
			writeJSON(w, http.StatusOK, resultFor(g, discover))
			return
		}
		answer(w, r, g)
	})
}

const plainDiscover = `{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},"prompts":{},"logging":{}},"instructions":"Be kind.","ttlMs":60000,"cacheScope":"public","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"backend","version":"9"}}}`

// legacyServer makes the handshake of a legacy server, with a session id if
// given, and gives everything else to answer.
func legacyServer(t testing.TB, session string, answer func(w http.ResponseWriter, r *http.Request, g received)) *scripted {
	return newScripted(t, func(w http.ResponseWriter, r *http.Request, g received) {
		switch {
		case g.msg.Method == mcp.MethodDiscover:
			writeJSON(w, http.StatusBadRequest, `{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"Bad Request: Server not initialized"}}`)
		case g.msg.Method == mcp.MethodInitialize:
			if session != "" {
				w.Header().Set("Mcp-Session-Id", session)
			}
			writeJSON(w, http.StatusOK, resultFor(g, legacyInitialize))
		case g.msg.Method == mcp.NotificationInitialized:
			w.WriteHeader(http.StatusAccepted)
		case r.Method == http.MethodDelete:
			w.WriteHeader(http.StatusNoContent)
		case ownList(g):
			writeJSON(w, http.StatusOK, resultFor(g, mirroringTools))
		default:
			answer(w, r, g)
		}
	})
}

// ownList reports whether the proxy itself asks for the tools, to know which of
// their arguments headers repeat.
func ownList(g received) bool { return idOf(g) == `"tools/list"` }

// mirroringTools has one tool with such an argument.
const mirroringTools = `{"tools":[{"name":"mirror","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}}}]}`

const legacyInitialize = `{"protocolVersion":"2025-06-18","capabilities":{"tools":{"listChanged":true},"resources":{"subscribe":true},"prompts":{},"logging":{}},"serverInfo":{"name":"old","version":"3"},"instructions":"Be old."}`

// noLeak fails the test if goroutines of this package outlive it.
func noLeak(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		deadline := time.Now().Add(5 * time.Second)
		for {
			buf := make([]byte, 1<<20)
			stacks := string(buf[:runtime.Stack(buf, true)])
			leaked := ""
			for g := range strings.SplitSeq(stacks, "\n\n") {
				if strings.Contains(g, "toolgate/shared/mcpproxy.(*") && !strings.Contains(g, "testing.tRunner") {
					leaked = g
				}
			}
			if leaked == "" {
				return
			}
			if time.Now().After(deadline) {
				t.Errorf("a goroutine outlives the test:\n%s", leaked)
				return
			}
			runtime.Gosched()
		}
	})
}

// deaf is a wire that nobody is at the other end of.
type deaf struct{}

func (deaf) call(context.Context, http.Header, string, []byte, visitor) error { return errSessionLost }
func (deaf) send(context.Context, []byte) error                               { return nil }
func (deaf) close() error                                                     { return nil }

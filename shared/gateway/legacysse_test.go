package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"toolgate/shared/mcp"
	"toolgate/shared/seal"
	"toolgate/shared/snapshot"
	"toolgate/shared/state"

	"github.com/go-json-experiment/json/jsontext"
)

// newInstance makes an instance of a gateway whose servers "x" and "y" have clients
// of HTTP+SSE; "z" has none. Instances with the same secret and store are one
// gateway.
func newInstance(t *testing.T, s mcp.Server, store state.Store, secret []byte) *Gateway {
	t.Helper()
	g := newTest(s, snapshot.Manifest{})
	seals, err := seal.New(secret, "legacy stream")
	if err != nil {
		t.Fatal(err)
	}
	g.sse = newLegacySSE(seals, store)
	g.servers["x"] = endpoint{Server: s, legacySSE: true}
	g.servers["y"] = endpoint{Server: s, legacySSE: true}
	g.servers["z"] = endpoint{Server: s}
	return g
}

func listen(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		s.CloseClientConnections() // streams do not end by themselves
		s.Close()
	})
	return s.URL
}

// stream is an open stream as its client has it.
type stream struct {
	t      *testing.T
	url    string // for messages
	events *mcp.EventReader
	close  func()
}

func open(t *testing.T, base, server string) *stream {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	res := do(t, ctx, http.MethodGet, base+"/"+server+"/sse", "", "Accept", mcp.ContentSSE)
	t.Cleanup(func() { cancel(); _ = res.Body.Close() })
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != mcp.ContentSSE {
		t.Fatalf("opening the stream: got %d %s", res.StatusCode, bodyOf(res))
	}
	s := &stream{t: t, events: mcp.NewEventReader(res.Body, 16<<20), close: cancel}
	e, err := s.events.Next()
	if err != nil || e.Type != "endpoint" || !strings.HasPrefix(string(e.Data), "/"+server+"/messages?sessionId=") {
		t.Fatalf("first event: got %s %s, %v", e.Type, e.Data, err)
	}
	s.url = base + string(e.Data)
	return s
}

func do(t *testing.T, ctx context.Context, method, url, body string, header ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", mcp.ContentJSON)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func bodyOf(res *http.Response) string {
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	return string(body)
}

// post sends a message to the stream and wants a status.
func (s *stream) post(message string, status int, header ...string) {
	s.t.Helper()
	res := do(s.t, s.t.Context(), http.MethodPost, s.url, message, header...)
	body := bodyOf(res)
	if res.StatusCode != status {
		s.t.Fatalf("POST %.100s: got %d %s, want %d", message, res.StatusCode, body, status)
	}
}

// next is the next message of the stream.
func (s *stream) next() string {
	s.t.Helper()
	e, err := s.events.Next()
	if err != nil {
		s.t.Fatalf("reading the stream: %v", err)
	}
	return string(e.Data)
}

func (s *stream) want(messages ...string) {
	s.t.Helper()
	for _, want := range messages {
		if got := s.next(); got != want {
			s.t.Fatalf("event: got %.200s, want %.200s", got, want)
		}
	}
}

func toolCall(id, tool string) string {
	return `{"jsonrpc":"2.0","id":` + id + `,"method":"tools/call","params":{"name":"` + tool + `"}}`
}

const (
	aNotification = `{"jsonrpc":"2.0","method":"notifications/message"}`
	internalError = `"error":{"code":-32603,"message":"internal error"}}`
)

// conversation is what any stream has to do, wherever its messages arrive.
func conversation(s *stream) {
	s.t.Helper()
	s.post(toolCall("1", "a"), 202)
	s.want(`{"jsonrpc":"2.0","id":1,"result":{"ok":true}}`)
	s.post(`{"jsonrpc":"2.0","method":"notifications/initialized"}`, 202)
	s.post(`{"jsonrpc":"2.0","id":1,"result":{}}`, 202)
	s.post(toolCall(`"a\u0062"`, "notify"), 202)
	s.want(aNotification, `{"jsonrpc":"2.0","id":"a\u0062","result":{"ok":true}}`)
	s.post(toolCall("2", "unknown"), 202)
	s.want(`{"jsonrpc":"2.0","id":2,"error":{"code":-32602,"message":"unknown tool"}}`)
	s.post(toolCall("3", "secret"), 202)
	s.want(`{"jsonrpc":"2.0","id":3,` + internalError)
	s.post(toolCall("4", "panic"), 202)
	s.want(`{"jsonrpc":"2.0","id":4,` + internalError)
	s.post(toolCall("5", "notify-fail"), 202)
	s.want(aNotification, `{"jsonrpc":"2.0","id":5,`+internalError)
	s.post("hello", 400)
	s.post(`[]`, 400)
	s.post(toolCall("6", "large"), 202)
	if got := s.next(); len(got) < largeResult {
		s.t.Errorf("large result: got %d bytes", len(got))
	}
}

const largeResult = 200_000

// speaker is fake, with large results as well.
func speaker(ctx context.Context, req *mcp.Request, reply mcp.Reply) error {
	if req.Text(req.Name) == "large" {
		return reply.Result(jsontext.Value(`{"text":"` + strings.Repeat("x", largeResult) + `"}`))
	}
	return fake(ctx, req, reply)
}

func TestLegacySSE(t *testing.T) {
	secret := seal.RandomSecret()
	t.Run("one instance", func(t *testing.T) {
		conversation(open(t, listen(t, newInstance(t, serverFunc(speaker), nil, secret)), "x"))
	})
	t.Run("messages elsewhere", func(t *testing.T) {
		store := &state.Memory{}
		s := open(t, listen(t, newInstance(t, serverFunc(speaker), store, secret)), "x")
		_, path, _ := strings.Cut(s.url, "/x/")
		s.url = listen(t, newInstance(t, serverFunc(speaker), store, secret)) + "/x/" + path
		conversation(s)
	})
	t.Run("messages here and elsewhere", func(t *testing.T) {
		store := &state.Memory{}
		here, there := newInstance(t, serverFunc(speaker), store, secret), newInstance(t, serverFunc(speaker), store, secret)
		var n atomic.Int32
		both := listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n.Add(1)%2 == 0 {
				there.ServeHTTP(w, r)
				return
			}
			here.ServeHTTP(w, r)
		}))
		conversation(open(t, both, "x"))
		conversation(open(t, both, "y"))
	})
}

// What is told to one instance of the session, the others know too.
func TestLegacySSESession(t *testing.T) {
	server := serverFunc(func(_ context.Context, req *mcp.Request, reply mcp.Reply) error {
		if req.Method == mcp.MethodInitialize {
			body := `{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"` + string(req.Version) + `"}}`
			return reply.Relay(200, http.Header{"Content-Type": {mcp.ContentJSON}, "Mcp-Session-Id": {"s-1"}}, strings.NewReader(body))
		}
		h := req.Header
		return reply.Result(jsontext.Value(`{"session":"` + h.Get(mcp.HeaderSessionID) + `","header":"` + h.Get(mcp.HeaderProtocolVersion) + `","version":"` + string(req.Version) + `"}`))
	})
	secret, store := seal.RandomSecret(), &state.Memory{}
	here, there := listen(t, newInstance(t, server, store, secret)), listen(t, newInstance(t, server, store, secret))
	for _, c := range []struct {
		name, first, second string
		asked, answered     string
		then                string
	}{
		{"here, there", here, there, "2024-11-05", "2024-11-05", `"header":"2024-11-05","version":"2025-03-26"`},
		{"there, here", there, here, "2025-06-18", "2025-06-18", `"header":"2025-06-18","version":"2025-06-18"`},
		{"here, here", here, here, "1999-01-01", "2025-11-25", `"header":"2025-11-25","version":"2025-11-25"`},
	} {
		s := open(t, here, "x")
		path := strings.TrimPrefix(s.url, here)
		s.url = c.first + path
		s.post(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"`+c.asked+`"}}`, 202)
		s.want(`{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"` + c.answered + `"}}`)
		s.url = c.second + path
		s.post(toolCall("2", "a"), 202, mcp.HeaderSessionID, "stolen")
		s.want(`{"jsonrpc":"2.0","id":2,"result":{"session":"s-1",` + c.then + `}}`)
		s.close()
	}
}

// A message that takes long is accepted meanwhile, and its answer comes all the same:
// an answer of the client, which the call waits for, is not held up by it.
func TestLegacySSEAcceptsEarly(t *testing.T) {
	answered := make(chan struct{})
	server := serverFunc(func(ctx context.Context, req *mcp.Request, reply mcp.Reply) error {
		if req.Kind == mcp.KindResponse {
			close(answered)
			return nil
		}
		if err := reply.Notify(jsontext.Value(`{"jsonrpc":"2.0","id":7,"method":"elicitation/create"}`)); err != nil {
			return err
		}
		select {
		case <-answered:
			return reply.Result(jsontext.Value(`{}`))
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	g := newInstance(t, server, nil, seal.RandomSecret())
	g.sse.acceptAfter = time.Millisecond
	s := open(t, listen(t, g), "x")
	s.post(toolCall("1", "a"), 202)
	s.want(`{"jsonrpc":"2.0","id":7,"method":"elicitation/create"}`)
	s.post(`{"jsonrpc":"2.0","id":7,"result":{}}`, 202)
	s.want(`{"jsonrpc":"2.0","id":1,"result":{}}`)
}

func TestLegacySSERefusals(t *testing.T) {
	secret := seal.RandomSecret()
	store := &state.Memory{}
	g := newInstance(t, serverFunc(fake), store, secret)
	base := listen(t, g)
	s := open(t, base, "x")
	path := strings.TrimPrefix(s.url, base)
	other := open(t, listen(t, newInstance(t, serverFunc(fake), store, seal.RandomSecret())), "x")
	_, foreign, _ := strings.Cut(other.url, "/x/")
	elsewhere := listen(t, newInstance(t, serverFunc(fake), nil, secret))
	never, err := g.sse.seal(streamID(), time.Now().Add(time.Hour), []byte("x\x00"))
	if err != nil {
		t.Fatal(err)
	}
	expired, err := g.sse.seal(streamID(), time.Now(), []byte("x\x00"))
	if err != nil {
		t.Fatal(err)
	}
	subscribed, err := g.sse.seal(streamID(), time.Now().Add(time.Hour), []byte("x\x00alice"))
	if err != nil {
		t.Fatal(err)
	}
	call := toolCall("1", "a")
	for _, c := range []struct {
		name, method, url, body string
		header                  [2]string
		status                  int
		want                    string
	}{
		{name: "no session", url: base + "/x/messages", status: 404, want: "no such stream"},
		{name: "no session id", url: base + "/x/messages?sessionId=", status: 404, want: "no such stream"},
		{name: "nonsense", url: base + "/x/messages?sessionId=%00%ff", status: 404, want: "no such stream"},
		{name: "session of another gateway", url: base + "/x/" + foreign, status: 404, want: "no such stream"},
		{name: "session of another server", url: base + strings.Replace(path, "/x/", "/y/", 1), status: 404, want: "no such stream"},
		{name: "session of another subscription", url: base + "/x/messages?sessionId=" + subscribed, status: 404, want: "no such stream"},
		{name: "altered session", url: s.url + "A", status: 404, want: "no such stream"},
		{name: "expired session", url: base + "/x/messages?sessionId=" + expired, status: 404, want: "no such stream"},
		{name: "stream that never was", url: base + "/x/messages?sessionId=" + never, status: 404, want: "no such stream"},
		{name: "stream of another instance, without a store", url: elsewhere + path, status: 404, want: "share no store"},
		{name: "large", body: toolCall("1", strings.Repeat("x", 1000)), status: 413, want: "the limit of this gateway"},
		{name: "no JSON", header: [2]string{"Content-Type", "text/plain"}, status: 415, want: "application/json"},
		{name: "batch", body: "[" + call + "]", status: 400, want: "one message a request"},
		{name: "modern by header", header: [2]string{mcp.HeaderProtocolVersion, "2026-07-28"}, status: 400, want: "not spoken over HTTP+SSE"},
		{name: "modern by _meta", body: `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`, status: 400, want: "not spoken over HTTP+SSE"},
		{name: "page of another origin", header: [2]string{"Origin", "https://evil.example"}, status: 403, want: "Origin"},
		{name: "GET of messages", method: "GET", status: 405, want: "takes POST"},
		{name: "POST to the stream", url: base + "/x/sse", status: 405, want: "takes GET"},
		{name: "OPTIONS", method: "OPTIONS", url: base + "/x/sse", status: 405, want: "takes GET"},
		{name: "stream that is not accepted", method: "GET", url: base + "/x/sse", header: [2]string{"Accept", "application/json"}, status: 406, want: "text/event-stream"},
		{name: "stream for a page of another origin", method: "GET", url: base + "/x/sse", header: [2]string{"Origin", "https://evil.example"}, status: 403, want: "Origin"},
		{name: "server without the transport", method: "GET", url: base + "/z/sse", status: 404, want: "there is nothing here"},
		{name: "no server", method: "GET", url: base + "/a/sse", status: 404, want: "there is nothing here"},
		{name: "no name", method: "GET", url: base + "/sse", status: 404, want: "there is nothing here"},
	} {
		method, url, body := c.method, c.url, c.body
		if method == "" {
			method = http.MethodPost
		}
		if url == "" {
			url = s.url
		}
		if body == "" {
			body = call
		}
		header := c.header[:]
		if header[0] == "" {
			header = nil
		}
		res := do(t, t.Context(), method, url, body, header...)
		if got := bodyOf(res); res.StatusCode != c.status || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %d %s, want %d %s", c.name, res.StatusCode, got, c.status, c.want)
		}
	}
	conversationGoesOn := toolCall("2", "a")
	s.post(conversationGoesOn, 202)
	s.want(`{"jsonrpc":"2.0","id":2,"result":{"ok":true}}`)
}

// A client is told at once what would come to nothing: a response that is sent whole
// has no event before its end.
func TestLegacySSENeedsAResponseThatStreams(t *testing.T) {
	g := newInstance(t, serverFunc(fake), nil, seal.RandomSecret())
	base := listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.ServeHTTP(struct{ http.ResponseWriter }{w}, r)
	}))
	res := do(t, t.Context(), http.MethodGet, base+"/x/sse", "")
	if got := bodyOf(res); res.StatusCode != http.StatusNotImplemented || !strings.Contains(got, "POST to /{server}/mcp") {
		t.Errorf("got %d %s, want 501 and where to go", res.StatusCode, got)
	}
	if n := len(g.sse.streams); n != 0 {
		t.Errorf("got %d streams, want none", n)
	}
}

// After its end a stream takes no messages, here or elsewhere, and leaves nothing
// behind.
func TestLegacySSEEnds(t *testing.T) {
	secret, store := seal.RandomSecret(), &state.Memory{}
	here, there := newInstance(t, serverFunc(fake), store, secret), newInstance(t, serverFunc(fake), store, secret)
	for _, c := range []struct {
		name string
		end  func(s *stream)
	}{
		{"the client goes", func(s *stream) { s.close() }},
		{"the gateway closes", func(*stream) { here.EndStreams() }},
	} {
		gone := make(chan struct{})
		base := listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			here.ServeHTTP(w, r)
			if r.Method == http.MethodGet {
				close(gone)
			}
		}))
		s := open(t, base, "x")
		path := strings.TrimPrefix(s.url, base)
		c.end(s)
		<-gone
		s.post(toolCall("1", "a"), 404)
		s.url = listen(t, there) + path
		s.post(toolCall("1", "a"), 404)
		if n, err := store.Sweep(t.Context(), time.Now().Add(24*time.Hour), 1000); n != 0 || err != nil {
			t.Errorf("%s: %d rows are left, %v", c.name, n, err)
		}
	}
}

// A call ends with its stream.
func TestLegacySSEEndsCalls(t *testing.T) {
	began := make(chan struct{})
	ended := make(chan error, 1)
	g := newInstance(t, serverFunc(func(ctx context.Context, _ *mcp.Request, _ mcp.Reply) error {
		close(began)
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	}), nil, seal.RandomSecret())
	s := open(t, listen(t, g), "x")
	status := make(chan int, 1)
	go func() {
		res := do(t, t.Context(), http.MethodPost, s.url, toolCall("1", "a"))
		_ = res.Body.Close()
		status <- res.StatusCode
	}()
	<-began
	s.close()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if got := <-status; got != http.StatusNotFound && got != http.StatusAccepted {
		t.Errorf("got %d", got)
	}
}

func TestLegacySSEBounds(t *testing.T) {
	g := newInstance(t, serverFunc(fake), nil, seal.RandomSecret())
	g.sse.keepAlive, g.sse.maxAge = time.Millisecond, 50*time.Millisecond
	base := listen(t, g)
	res := do(t, t.Context(), http.MethodGet, base+"/x/sse", "")
	body := bodyOf(res) // to its end
	if !strings.Contains(body, "\n\n: keep-alive\n\n") {
		t.Errorf("got %q, want comments", body)
	}
	for range maxStreams {
		if !g.sse.add(&legacyStream{id: streamID(), cancel: func() {}}) {
			t.Fatal("a stream within the bounds is refused")
		}
	}
	res = do(t, t.Context(), http.MethodGet, base+"/x/sse", "")
	if got := bodyOf(res); res.StatusCode != 503 || res.Header.Get("Retry-After") == "" || !strings.Contains(got, "as many streams") {
		t.Errorf("too many streams: got %d %s", res.StatusCode, got)
	}
	for range maxOutstanding {
		g.sse.begin()
	}
	s := &legacyStream{id: streamID(), ctx: t.Context(), cancel: func() {}}
	g.sse.streams[s.id] = s
	session, err := g.sse.seal(s.id, time.Now().Add(time.Hour), []byte("x\x00"))
	if err != nil {
		t.Fatal(err)
	}
	res = do(t, t.Context(), http.MethodPost, base+"/x/messages?sessionId="+session, toolCall("1", "a"))
	if got := bodyOf(res); res.StatusCode != 429 || !strings.Contains(got, "too many messages") {
		t.Errorf("too many messages: got %d %s", res.StatusCode, got)
	}
}

// unreachableStore is busy forever.
type unreachableStore struct{ state.Memory }

func (*unreachableStore) Put(context.Context, state.Key, state.Record) (string, error) {
	return "", state.ErrBusy
}

func (*unreachableStore) Get(context.Context, state.Key) (state.Record, error) {
	return state.Record{}, state.ErrBusy
}

func TestLegacySSEWithoutItsStore(t *testing.T) {
	secret := seal.RandomSecret()
	g := newInstance(t, serverFunc(fake), &unreachableStore{}, secret)
	base := listen(t, g)
	res := do(t, t.Context(), http.MethodGet, base+"/x/sse", "")
	if got := bodyOf(res); res.StatusCode != 503 || !strings.Contains(got, "try again later") {
		t.Errorf("stream: got %d %s", res.StatusCode, got)
	}
	s := open(t, listen(t, newInstance(t, serverFunc(fake), nil, secret)), "x")
	_, path, _ := strings.Cut(s.url, "/x/")
	res = do(t, t.Context(), http.MethodPost, base+"/x/"+path, toolCall("1", "a"))
	if got := bodyOf(res); res.StatusCode != 503 || !strings.Contains(got, "try again later") {
		t.Errorf("message: got %d %s", res.StatusCode, got)
	}
}

func FuzzLegacySession(f *testing.F) {
	seals, err := seal.New(seal.RandomSecret(), "legacy stream")
	if err != nil {
		f.Fatal(err)
	}
	l := newLegacySSE(seals, nil)
	f.Add("", "")
	f.Add(seals.Seal([]byte("short"), []byte("x")), "x")
	f.Fuzz(func(t *testing.T, text, context string) {
		if _, _, ok := l.open(text, []byte(context)); ok {
			t.Errorf("opened %q", text)
		}
	})
}

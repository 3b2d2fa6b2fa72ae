package gateway

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"toolgate/shared/cache"
	"toolgate/shared/config"
	"toolgate/shared/expr"
	"toolgate/shared/mcp"
	"toolgate/shared/policy"
	"toolgate/shared/snapshot"
	"toolgate/shared/state"

	"github.com/go-json-experiment/json/jsontext"
)

// counting answers each call of a tool with its number.
func counting(calls *atomic.Int32) serverFunc {
	return func(_ context.Context, req *mcp.Request, reply mcp.Reply) error {
		return reply.Result(fmt.Appendf(nil, `{"n":%d}`, calls.Add(1)))
	}
}

// newCached makes a gateway with one server "x" whose results are kept. Its clock
// stands still unless it is a test's of synctest.
func newCached(inner mcp.Server, settings config.Cache) *Gateway {
	settings.Duration, settings.MaxSize = time.Minute, 4<<10
	g := newTest(nil, snapshot.Manifest{})
	g.maxBody, g.caches = 1<<20, true
	c := &cached{
		inner: inner, name: "x", build: "1", settings: &settings, clock: time.Now, log: discard,
		cache: cache.New(cache.Options{Random: func() float64 { return 0 }}), tools: map[string]bool{},
	}
	for _, t := range settings.Tools {
		c.tools[t.Name] = true
	}
	g.servers["x"] = endpoint{Server: c}
	return g
}

var readTool = []config.CachedTool{{Name: "read"}, {Name: "other"}}

// callOf is a message that calls a tool.
func callOf(params string) string {
	return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{` + params + `}}`
}

// sent is a request to the server.
func sent(params string, change func(*http.Request)) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/x/mcp", strings.NewReader(callOf(params)))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer ann")
	if change != nil {
		change(r)
	}
	return r
}

func answer(g http.Handler, r *http.Request) string {
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w.Body.String()
}

// Nobody gets a result of another caller, whatever is sent; and who sends the same
// once more gets what was kept.
func TestNobodyGetsResultsOfOthers(t *testing.T) {
	const params = `"name":"read","arguments":{"q":"a"}`
	header := func(name string, values ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header[name] = values }
	}
	also := func(list ...func(*http.Request)) func(*http.Request) {
		return func(r *http.Request) {
			for _, change := range list {
				change(r)
			}
		}
	}
	certificate := func(raw string) func(*http.Request) {
		return func(r *http.Request) {
			r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{Raw: []byte(raw)}}}
		}
	}
	target := func(query string) func(*http.Request) { return func(r *http.Request) { r.URL.RawQuery = query } }
	for _, tt := range []struct {
		name            string
		victim, thief   func(*http.Request)
		victims, thiefs string // parameters; empty: params
	}{
		{name: "another token", thief: header("Authorization", "Bearer bob")},
		{name: "no token", thief: header("Authorization")},
		{name: "a token that is absent", thief: func(r *http.Request) { r.Header.Del("Authorization") }},
		{name: "an empty token", thief: header("Authorization", "")},
		{name: "two tokens", thief: header("Authorization", "Bearer bob", "Bearer ann")},
		{name: "two tokens, the other way round", thief: header("Authorization", "Bearer ann", "Bearer bob")},
		{name: "one header for two", victim: header("Authorization", "a", "b"), thief: header("Authorization", "a,b")},
		{name: "a header that ends elsewhere", victim: also(header("Authorization", "ab"), header("Cookie", "c")), thief: also(header("Authorization", "a"), header("Cookie", "bc"))},
		{name: "a value as a name", victim: also(header("X-Api-Key", "Cookie"), header("Cookie", "c")), thief: also(header("X-Api-Key"), header("Cookie", "Cookie", "c"))},
		{name: "the token in another header", thief: also(header("Authorization"), header("X-Token", "Bearer ann"))},
		{name: "another letter case of the header", thief: also(header("authorization", "Bearer bob"), func(r *http.Request) { delete(r.Header, "Authorization") })},
		{name: "both letter cases", thief: header("authorization", "Bearer bob")},
		{name: "another token at a proxy", victim: header("Proxy-Authorization", "a"), thief: header("Proxy-Authorization", "b")},
		{name: "another cookie", victim: header("Cookie", "s=1"), thief: header("Cookie", "s=2")},
		{name: "another key", victim: header("Ocp-Apim-Subscription-Key", "1"), thief: header("Ocp-Apim-Subscription-Key", "2")},
		{name: "another key of a function", victim: header("X-Functions-Key", "1"), thief: header("X-Functions-Key", "2")},
		{name: "another principal", victim: header("X-Ms-Client-Principal", "1"), thief: header("X-Ms-Client-Principal", "2")},
		{name: "another forwarded certificate", victim: header("X-Arr-Clientcert", "1"), thief: header("X-Arr-Clientcert", "2")},
		{name: "another user", victim: header("X-Forwarded-User", "1"), thief: header("X-Forwarded-User", "2")},
		{name: "another session", victim: header("Mcp-Session-Id", "1"), thief: header("Mcp-Session-Id", "2")},
		{name: "another key in the query", victim: target("code=1"), thief: target("code=2")},
		{name: "a key in the query for one in a header", victim: target("code=1"), thief: header("X-Functions-Key", "code=1")},
		{name: "another certificate", victim: certificate("1"), thief: certificate("2")},
		{name: "no certificate", victim: certificate("1")},
		{name: "another user in _meta", victims: params + `,"_meta":{"com.contoso/subject":"ann"}`, thiefs: params + `,"_meta":{"com.contoso/subject":"bob"}`},
		{name: "no user in _meta", victims: params + `,"_meta":{"com.contoso/subject":"ann"}`},
		{name: "other arguments", thiefs: `"name":"read","arguments":{"q":"b"}`},
		{name: "arguments of another type", victims: `"name":"read","arguments":{"q":1}`, thiefs: `"name":"read","arguments":{"q":"1"}`},
		{name: "another text of a number", victims: `"name":"read","arguments":{"q":1}`, thiefs: `"name":"read","arguments":{"q":1.0}`},
		{name: "a large number", victims: `"name":"read","arguments":{"q":9007199254740993}`, thiefs: `"name":"read","arguments":{"q":9007199254740992}`},
		{name: "no arguments", thiefs: `"name":"read"`},
		{name: "another tool", thiefs: `"name":"other","arguments":{"q":"a"}`},
		{name: "capabilities in _meta", thiefs: params + `,"_meta":{"io.modelcontextprotocol/clientCapabilities":{"elicitation":{}}}`},
		{name: "another mirrored parameter", victim: header("Mcp-Param-Q", "a"), thief: header("Mcp-Param-Q", "b")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var calls atomic.Int32
			g := newCached(counting(&calls), config.Cache{Tools: readTool})
			victims, thiefs := tt.victims, tt.thiefs
			if victims == "" {
				victims = params
			}
			if thiefs == "" {
				thiefs = params
			}
			first := answer(g, sent(victims, tt.victim))
			if got := answer(g, sent(victims, tt.victim)); got != first || calls.Load() != 1 {
				t.Fatalf("the caller itself has %s, and then %s", first, got)
			}
			if got := answer(g, sent(thiefs, tt.thief)); got == first || calls.Load() != 2 {
				t.Errorf("another caller has %s", got)
			}
			if got := answer(g, sent(victims, tt.victim)); got != first {
				t.Errorf("the caller itself has %s, want %s as before", got, first)
			}
		})
	}
}

// Instances that share a store share results, and nobody gets those of others from
// there either.
func TestInstancesShareResults(t *testing.T) {
	store := &state.Memory{}
	var calls atomic.Int32
	instance := func(build string) *Gateway {
		g := newCached(counting(&calls), config.Cache{Tools: readTool})
		c := g.servers["x"].Server.(*cached)
		c.cache, c.build = cache.New(cache.Options{Store: store}), build
		return g
	}
	one, other, newer := instance("1"), instance("1"), instance("2")
	first := answer(one, sent(`"name":"read"`, nil))
	if got := answer(other, sent(`"name":"read"`, nil)); got != first || calls.Load() != 1 {
		t.Errorf("another instance answers %s, want %s", got, first)
	}
	if got := answer(other, sent(`"name":"read"`, func(r *http.Request) { r.Header.Set("Authorization", "Bearer bob") })); got == first {
		t.Errorf("another caller has %s at another instance", got)
	}
	if got := answer(newer, sent(`"name":"read"`, nil)); got == first {
		t.Errorf("another build of the gateway answers %s", got)
	}
}

// What does not change a result does not change its key.
func TestEqualCalls(t *testing.T) {
	var calls atomic.Int32
	g := newCached(counting(&calls), config.Cache{Tools: readTool})
	first := answer(g, sent(`"name":"read","arguments":{"q":"é","n":{"b":1,"a":[1, 2]}}`, nil))
	for _, r := range []*http.Request{
		sent(`"arguments" : { "n":{"a":[1,2],"b":1}, "q":"\u00e9" },"name":"re\u0061d"`, nil),
		sent(`"name":"read","arguments":{"q":"é","n":{"b":1,"a":[1, 2]}},"_meta":{"progressToken":7,"traceparent":"00-1"}`, nil),
		sent(`"name":"read","arguments":{"q":"é","n":{"b":1,"a":[1, 2]}}`, func(r *http.Request) {
			r.Header.Set("User-Agent", "another")
			r.Header.Set("Traceparent", "00-2")
			r.Header.Set("X-Forwarded-For", "192.0.2.7:4711")
		}),
	} {
		if got := answer(g, r); got != first {
			t.Errorf("got %s, want %s", got, first)
		}
	}
}

// In the public scope who calls does not count, but for what the configuration
// says.
func TestPublicScope(t *testing.T) {
	var calls atomic.Int32
	g := newCached(counting(&calls), config.Cache{Tools: readTool, Public: true, Headers: []string{"Accept-Language"}})
	const params = `"name":"read"`
	first := answer(g, sent(params, nil))
	if got := answer(g, sent(params+`,"_meta":{"com.contoso/subject":"bob"}`, func(r *http.Request) { r.Header.Set("Authorization", "Bearer bob") })); got != first {
		t.Errorf("another caller: got %s, want %s", got, first)
	}
	if got := answer(g, sent(params, func(r *http.Request) { r.Header.Set("Accept-Language", "de") })); got == first {
		t.Errorf("another language: got %s as well", got)
	}
}

// What policies know of a call counts: the subscription where it is to, the product,
// and the headers that they set for what is behind.
func TestKeyOfGovernedCalls(t *testing.T) {
	message, err := mcp.Scan([]byte(callOf(`"name":"read"`)), 0)
	if err != nil {
		t.Fatal(err)
	}
	key := func(c config.Cache, id identity, change func(*policy.Exchange)) string {
		s := &cached{name: "x", settings: &c}
		x := &policy.Exchange{}
		x.Request = &expr.Request{Headers: http.Header{}}
		x.Target = policy.Message{Request: x.Request}
		if change != nil {
			change(x)
		}
		ctx := context.WithValue(withExchange(t.Context(), x), identityKey{}, &id)
		k, ok := s.key(ctx, &mcp.Request{Message: message, Version: mcp.V20251125, Header: http.Header{}})
		if !ok {
			t.Fatal("there is no key")
		}
		return k
	}
	public, bySubscription := config.Cache{Public: true}, config.Cache{Public: true, Subscription: true}
	if key(public, identity{subscription: "1"}, nil) != key(public, identity{subscription: "2"}, nil) {
		t.Error("a public result depends on the subscription")
	}
	if key(bySubscription, identity{subscription: "1"}, nil) == key(bySubscription, identity{user: "1"}, nil) {
		t.Error("a subscription is taken for a user")
	}
	product := func(x *policy.Exchange) { x.Product = &expr.Product{ID: "starter"} }
	if key(public, identity{}, nil) == key(public, identity{}, product) {
		t.Error("the product does not count")
	}
	s := &cached{name: "x", settings: &public}
	if _, ok := s.key(t.Context(), &mcp.Request{Message: message}); ok {
		t.Error("a call of which nobody knows who makes it has a key")
	}
}

// events is an event stream of messages.
func events(messages ...string) string {
	var out []byte
	for _, m := range messages {
		out = mcp.AppendEvent(out, "", []byte(m))
	}
	return string(out)
}

// Which answers are kept, however the server behind gives them; the first caller
// has each as it was given.
func TestWhatIsKept(t *testing.T) {
	const note = `{"jsonrpc":"2.0","method":"notifications/message","params":{}}`
	message := func(result string) string { return `{"jsonrpc":"2.0","id":1,"result":` + result + `}` }
	relay := func(status int, contentType, body string) serverFunc {
		return func(_ context.Context, _ *mcp.Request, reply mcp.Reply) error {
			return reply.Relay(status, http.Header{"Content-Type": {contentType}}, strings.NewReader(body))
		}
	}
	result := func(text string) serverFunc {
		return func(_ context.Context, _ *mcp.Request, reply mcp.Reply) error {
			return reply.Result(jsontext.Value(text))
		}
	}
	large := `{"text":"` + strings.Repeat("x", 8<<10) + `"}`
	for _, tt := range []struct {
		name   string
		server serverFunc
		public bool
		kept   bool
		want   string // of the first answer; empty: not looked at
	}{
		{"a result", result(`{"content":[]}`), false, true, message(`{"content":[]}`)},
		{"no error", result(`{"isError":false}`), false, true, message(`{"isError":false}`)},
		{"an error", result(`{"isError":true}`), false, false, message(`{"isError":true}`)},
		{"an odd error", result(`{"isError":"yes"}`), false, false, ""},
		{"complete", result(`{"resultType":"complete"}`), false, true, ""},
		{"input is required", result(`{"resultType":"input_required"}`), false, false, ""},
		{"a task", result(`{"task":{"taskId":"1"}}`), false, false, ""},
		{"too large", result(large), false, false, message(large)},
		{"stale at once", result(`{"ttlMs":0}`), false, false, ""},
		{"stale by mistake", result(`{"ttlMs":-1}`), false, false, ""},
		{"private for its caller", result(`{"cacheScope":"private"}`), false, true, ""},
		{"private for all", result(`{"cacheScope":"private"}`), true, false, ""},
		{"an unknown scope for all", result(`{"cacheScope":"shared"}`), true, false, ""},
		{"public for all", result(`{"cacheScope":"public"}`), true, true, ""},
		{"a protocol error", func(context.Context, *mcp.Request, mcp.Reply) error {
			return mcp.Errorf(mcp.CodeInvalidParams, "no such tool")
		}, false, false, `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no such tool"}}`},
		{"a failure", func(_ context.Context, _ *mcp.Request, reply mcp.Reply) error {
			reply.(interface{ Failed(error) }).Failed(errors.New("cause"))
			return reply.Result(jsontext.Value(`{"content":[]}`))
		}, false, false, ""},
		{"a notification", func(_ context.Context, _ *mcp.Request, reply mcp.Reply) error {
			_ = reply.Notify(jsontext.Value(note))
			return reply.Result(jsontext.Value(`{"content":[]}`))
		}, false, false, events(note, message(`{"content":[]}`))},
		{"relayed JSON", relay(200, "application/json", message(`{"content":[]}`)), false, true, message(`{"content":[]}`)},
		{"relayed error", relay(200, "application/json", `{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"m"}}`), false, false, `{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"m"}}`},
		{"relayed isError", relay(200, "application/json", message(`{"isError":true}`)), false, false, message(`{"isError":true}`)},
		{"relayed status", relay(400, "application/json", message(`{"content":[]}`)), false, false, message(`{"content":[]}`)},
		{"relayed event", relay(200, "text/event-stream", ": hello\n\nid: 1\ndata:\n\n"+events(message(`{"content":[]}`))), false, true, ": hello\n\nid: 1\ndata:\n\n" + events(message(`{"content":[]}`))},
		{"relayed events", relay(200, "text/event-stream", events(note, message(`{"content":[]}`))), false, false, events(note, message(`{"content":[]}`))},
		{"relayed and too large", relay(200, "application/json", message(large)), false, false, message(large)},
		{"relayed and much too large", relay(200, "application/json", message(`"`+strings.Repeat("x", 64<<10)+`"`)), false, false, message(`"` + strings.Repeat("x", 64<<10) + `"`)},
		{"relayed and cut off", relay(200, "text/event-stream", "data: {"), false, false, "data: {"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			calls := 0
			g := newCached(serverFunc(func(ctx context.Context, req *mcp.Request, reply mcp.Reply) error {
				calls++
				return tt.server(ctx, req, reply)
			}), config.Cache{Tools: readTool, Public: tt.public})
			first := answer(g, sent(`"name":"read"`, nil))
			if tt.want != "" && first != tt.want {
				t.Errorf("the first answer is %.300q, want %.300q", first, tt.want)
			}
			second := answer(g, sent(`"name":"read"`, nil))
			if kept := calls == 1; kept != tt.kept {
				t.Errorf("kept is %v, want %v", kept, tt.kept)
			}
			if !strings.Contains(first, "event") && second != first {
				t.Errorf("the second answer is %.300q, want %.300q", second, first)
			}
		})
	}
	for _, params := range []string{`"name":"close"`, `"name":"read","task":{}`, `"name":"read","inputResponses":{}`} {
		var calls atomic.Int32
		g := newCached(counting(&calls), config.Cache{Tools: readTool})
		if first := answer(g, sent(params, nil)); answer(g, sent(params, nil)) == first {
			t.Errorf("%s: the result was kept", params)
		}
	}
}

func TestCachedCallsAreObserved(t *testing.T) {
	var calls atomic.Int32
	g := newCached(counting(&calls), config.Cache{Tools: readTool})
	var log bytes.Buffer
	write := LogCalls(slog.New(slog.NewTextHandler(&log, nil)))
	var seen []bool
	g.observe = func(c Call) {
		seen = append(seen, c.Cached)
		write(c)
	}
	for range 2 {
		answer(g, sent(`"name":"read"`, nil))
	}
	if fmt.Sprint(seen) != "[false true]" || strings.Count(log.String(), "cached=true") != 1 {
		t.Errorf("got %v and the log %s", seen, &log)
	}
}

// A result ages: its time to live is what is left of it.
func TestAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		g := newCached(serverFunc(func(_ context.Context, _ *mcp.Request, reply mcp.Reply) error {
			calls++
			return reply.Result(jsontext.Value(`{"ttlMs": 20000,"content":[]}`))
		}), config.Cache{Tools: readTool})
		for _, want := range []string{`"ttlMs": 20000,`, `"ttlMs": 15000,`, `"ttlMs": 10000,`, `"ttlMs": 5000,`, `"ttlMs": 20000,`} {
			if got := answer(g, sent(`"name":"read"`, nil)); !strings.Contains(got, want) {
				t.Errorf("got %s, want %s", got, want)
			}
			time.Sleep(5 * time.Second)
		}
		if calls != 2 {
			t.Errorf("the server was asked %d times, want twice", calls)
		}
	})
}

// Of equal calls at the same time one is made. Where there is nothing to keep,
// all are, and none waits for one after another.
func TestEqualCallsTogether(t *testing.T) {
	for _, tt := range []struct {
		result string
		want   int32
	}{{`{"content":[]}`, 1}, {`{"isError":true}`, 50}} {
		synctest.Test(t, func(t *testing.T) {
			var calls atomic.Int32
			g := newCached(serverFunc(func(_ context.Context, _ *mcp.Request, reply mcp.Reply) error {
				calls.Add(1)
				time.Sleep(time.Second)
				return reply.Result(jsontext.Value(tt.result))
			}), config.Cache{Tools: readTool})
			start := time.Now()
			var all sync.WaitGroup
			for range 50 {
				all.Go(func() {
					if got := answer(g, sent(`"name":"read"`, nil)); !strings.Contains(got, tt.result) {
						t.Errorf("got %s", got)
					}
				})
			}
			all.Wait()
			if took := time.Since(start); calls.Load() != tt.want || took > 2*time.Second {
				t.Errorf("%s: %d calls in %v, want %d in two seconds", tt.result, calls.Load(), took, tt.want)
			}
		})
	}
}

// stuck is the response to a client that does not read.
type stuck struct {
	*httptest.ResponseRecorder
	until chan struct{}
}

func (s stuck) Write(p []byte) (int, error) {
	<-s.until
	return s.ResponseRecorder.Write(p)
}

// A client that reads slowly holds up nobody who waits for the same result.
func TestSlowClientHoldsUpNobody(t *testing.T) {
	const note = `{"jsonrpc":"2.0","method":"notifications/message","params":{}}`
	for name, body := range map[string]string{
		"kept": events(`{"jsonrpc":"2.0","id":1,"result":{}}`), "not kept": events(note, `{"jsonrpc":"2.0","id":1,"result":{}}`),
	} {
		synctest.Test(t, func(t *testing.T) {
			g := newCached(serverFunc(func(_ context.Context, _ *mcp.Request, reply mcp.Reply) error {
				time.Sleep(time.Second)
				return reply.Relay(200, http.Header{"Content-Type": {mcp.ContentSSE}}, strings.NewReader(body))
			}), config.Cache{Tools: readTool})
			until := make(chan struct{})
			var all sync.WaitGroup
			all.Go(func() { g.ServeHTTP(stuck{httptest.NewRecorder(), until}, sent(`"name":"read"`, nil)) })
			synctest.Wait()
			start := time.Now()
			answer(g, sent(`"name":"read"`, nil))
			if took := time.Since(start); took > 3*time.Second {
				t.Errorf("%s: another caller waited for %v", name, took)
			}
			close(until)
			all.Wait()
		})
	}
}

// A server whose tools say of themselves that they only read is asked for their
// list once, page by page, in the revision of the caller.
func TestHintsOfUpstream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lists, calls int
		broken := false
		inner := serverFunc(func(_ context.Context, req *mcp.Request, reply mcp.Reply) error {
			if req.Method == mcp.MethodCallTool {
				calls++
				return reply.Result(fmt.Appendf(nil, `{"n":%d}`, calls))
			}
			lists++
			switch {
			case broken:
				return errors.New("no list")
			case req.Method != mcp.MethodListTools || req.Version != mcp.V20251125 || req.Header.Get(mcp.HeaderName) != "":
				t.Errorf("asked for %s in %s with %v", req.Method, req.Version, req.Header)
			case req.Cursor.Present():
				return reply.Result(jsontext.Value(`{"tools":[{"name":"read","annotations":{"readOnlyHint":true}}]}`))
			}
			page := `{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"write","annotations":{"readOnlyHint":false}},{"name":"unsaid"}],"nextCursor":"2"}}`
			return reply.Relay(200, http.Header{"Content-Type": {mcp.ContentJSON}}, strings.NewReader(page))
		})
		g := newCached(inner, config.Cache{})
		c := g.servers["x"].Server.(*cached)
		c.tools, c.hints = nil, &toolHints{lifetime: 5 * time.Minute}
		call := func(tool string) string {
			return answer(g, sent(`"name":"`+tool+`"`, func(r *http.Request) { r.Header.Set(mcp.HeaderProtocolVersion, string(mcp.V20251125)) }))
		}
		for tool, want := range map[string]bool{"read": true, "write": false, "unsaid": false, "absent": false} {
			first := call(tool)
			if kept := call(tool) == first; kept != want {
				t.Errorf("%s: kept is %v, want %v", tool, kept, want)
			}
		}
		if lists != 2 {
			t.Errorf("the server was asked for %d pages of its list, want 2", lists)
		}
		broken = true
		time.Sleep(6 * time.Minute)
		first := call("read")
		if second := call("read"); second != first || call("read") != first || lists != 3 {
			t.Errorf("a server that does not list its tools any more was asked %d times, want once more", lists)
		}
	})
}

func TestDestructiveToolIsNotKept(t *testing.T) {
	var calls atomic.Int32
	inner := serverFunc(func(ctx context.Context, req *mcp.Request, reply mcp.Reply) error {
		if req.Method == mcp.MethodListTools {
			return reply.Result(jsontext.Value(`{"tools":[{"name":"read","annotations":{"destructiveHint":true}},{"name":"other"}]}`))
		}
		return counting(&calls)(ctx, req, reply)
	})
	g := newCached(inner, config.Cache{Tools: readTool})
	c := g.servers["x"].Server.(*cached)
	var log bytes.Buffer
	c.hints, c.log = &toolHints{lifetime: time.Hour}, slog.New(slog.NewTextHandler(&log, nil))
	for range 3 {
		answer(g, sent(`"name":"read"`, nil))
	}
	if calls.Load() != 3 || strings.Count(log.String(), "destructive") != 1 {
		t.Errorf("%d calls were made, want 3; the log has %s", calls.Load(), &log)
	}
	first := answer(g, sent(`"name":"other"`, nil))
	if answer(g, sent(`"name":"other"`, nil)) != first {
		t.Error("the results of a named tool that says nothing are not kept")
	}
}

func BenchmarkCachedCall(b *testing.B) {
	var calls atomic.Int32
	g := newCached(counting(&calls), config.Cache{Tools: readTool})
	body := callOf(`"name":"read","arguments":{"id":17,"full":true}`)
	r := sent("", nil)
	b.ReportAllocs()
	for b.Loop() {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		g.ServeHTTP(httptest.NewRecorder(), r)
	}
}

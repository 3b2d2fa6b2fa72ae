package mcpproxy

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"toolgate/shared/mcp"
)

// whoseSession has a stateful server answer with who opened the session, and
// fail the test when somebody else uses it.
func whoseSession(t testing.TB, answer func(w http.ResponseWriter, g received)) *statefulServer {
	t.Helper()
	s := newStateful(t, func(w http.ResponseWriter, _ *http.Request, g received) { answer(w, g) })
	inner, owners := s.answer, sync.Map{}
	s.answer = func(w http.ResponseWriter, r *http.Request, g received) {
		who := r.Header.Get("Authorization")
		if id := r.Header.Get("Mcp-Session-Id"); id != "" {
			if owner, ok := owners.Load(id); ok && owner != who {
				t.Errorf("%s %s: session %s of %q is used by %q", r.Method, g.msg.Method, id, owner, who)
			}
		}
		inner(w, r, g)
		if g.msg.Method == mcp.MethodInitialize {
			owners.Store(w.Header().Get("Mcp-Session-Id"), who)
		}
	}
	return s
}

func echoed(w http.ResponseWriter, g received) {
	writeJSON(w, 200, resultFor(g, `{"in":"`+g.header.Get("Mcp-Session-Id")+`"}`))
}

func (c *client) sessionOf(t testing.TB) string {
	t.Helper()
	_, _, got := c.modernCall("1", "get", "{}", `"io.modelcontextprotocol/logLevel":"debug"`)
	_, rest, ok := strings.Cut(got, `"in":"`)
	if !ok {
		t.Fatalf("got %s", got)
	}
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

func TestCallersHaveSessionsOfTheirOwn(t *testing.T) {
	noLeak(t)
	s := whoseSession(t, echoed)
	p := newProxy(t, s.URL, nil)
	url := govern(t, p).URL
	clients := []*client{newClient(t, url), as(t, url, "ada"), as(t, url, "bob"), as(t, url, "ada, with a new key")}
	seen := map[string]bool{}
	for i, c := range clients {
		first := c.sessionOf(t)
		if seen[first] {
			t.Errorf("caller %d got the session of another", i)
		}
		seen[first] = true
		c.header.Set("Set-Traceparent", fmt.Sprint(i)) // of the message, not of the caller
		if again := c.sessionOf(t); again != first {
			t.Errorf("caller %d got session %s and then %s", i, first, again)
		}
		if _, _, got := c.legacyPost("1", "tools/call", `{"name":"get"}`); !strings.Contains(got, `"in":"`+first+`"`) {
			t.Errorf("legacy: caller %d got %s, want session %s", i, got, first)
		}
	}
	for method, want := range map[string]int{mcp.MethodInitialize: 4, mcp.MethodSetLevel: 4, mcp.MethodDiscover: 1} {
		if got := len(s.requests(method)); got != want {
			t.Errorf("%d requests %s, want %d", got, method, want)
		}
	}
	if err := p.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if got := len(s.requests(http.MethodDelete)); got != 4 {
		t.Errorf("Close ended %d sessions, want 4", got)
	}
}

func TestCallersSessionIsOpenedOnceAndRemade(t *testing.T) {
	noLeak(t)
	s := whoseSession(t, echoed)
	url := govern(t, newProxy(t, s.URL, nil)).URL
	var calls sync.WaitGroup
	for n := range 20 {
		calls.Go(func() { as(t, url, fmt.Sprint(n%2)).modernCall("1", "get", "{}") })
	}
	calls.Wait()
	if got := len(s.requests(mcp.MethodInitialize)); got != 2 {
		t.Errorf("%d sessions were opened for two callers", got)
	}
	s.forget()
	for n := range 2 {
		as(t, url, fmt.Sprint(n)).sessionOf(t)
	}
	if got := len(s.requests(mcp.MethodInitialize)); got != 4 {
		t.Errorf("%d sessions were opened, want one more for each caller", got)
	}
}

func TestSSECallersHaveStreamsOfTheirOwn(t *testing.T) {
	noLeak(t)
	var mu sync.Mutex
	streams := map[string]int{}
	s := newSSEServer(t, "/m", nil)
	s.answer = func(g received) []string {
		return []string{resultFor(g, `{"ok":1}`)}
	}
	inner := s.Config.Handler
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			mu.Lock()
			streams[r.Header.Get("Authorization")]++
			mu.Unlock()
		}
		inner.ServeHTTP(w, r)
	})
	p := newSSEProxy(t, s.URL)
	for _, who := range []string{"ada", "bob"} {
		// One after the other: the server has one way out for all its streams.
		c := as(t, govern(t, p).URL, who)
		for range 2 {
			if _, _, got := c.modernCall("1", "get", "{}"); !strings.Contains(got, `"ok":1`) {
				t.Errorf("%s: got %s", who, got)
			}
		}
		_, key := callerOf(withPolicies(t.Context(), c.header))
		wire := p.own.peek(key).wire.(*sseWire)
		s.drop()
		<-wire.done
	}
	mu.Lock()
	defer mu.Unlock()
	if streams["ada"] != 1 || streams["bob"] != 1 || len(streams) != 2 {
		t.Errorf("streams were opened for %v, want one for each caller", streams)
	}
}

func TestSessionsAreBounded(t *testing.T) {
	noLeak(t)
	started, release := make(chan struct{}), make(chan struct{})
	s := whoseSession(t, func(w http.ResponseWriter, g received) {
		if g.msg.Text(g.msg.Name) == "slow" {
			close(started)
			<-release
		}
		echoed(w, g)
	})
	ended := make(chan string, maxSessions)
	inner := s.answer
	s.answer = func(w http.ResponseWriter, r *http.Request, g received) {
		inner(w, r, g)
		if r.Method == http.MethodDelete {
			ended <- r.Header.Get("Mcp-Session-Id")
		}
	}
	p := newProxy(t, s.URL, nil)
	url := govern(t, p).URL
	slow := make(chan string)
	go func() {
		_, _, got := as(t, url, "slow").modernCall("1", "slow", "{}")
		slow <- got
	}()
	<-started
	var idle []string
	for n := range maxSessions + 1 { // the first makes room for nobody: the slow one is older
		idle = append(idle, as(t, url, fmt.Sprint(n)).sessionOf(t))
		if n == 1 {
			as(t, url, "0").sessionOf(t) // is now the younger
		}
	}
	if got := <-ended; got != idle[1] {
		t.Errorf("%s was ended, want the one used least recently, %s", got, idle[1])
	}
	if len(ended) > 0 {
		t.Errorf("%s was ended too", <-ended)
	}
	close(release)
	got := <-slow
	if !strings.Contains(got, `"in":"up/1"`) {
		t.Errorf("the slow call: got %s", got)
	}
	if got := <-ended; got != "up/1" {
		t.Errorf("%s was ended after the slow call, want its own", got)
	}
	if got := len(p.own.byCaller); got != maxSessions {
		t.Errorf("%d sessions are kept, want %d", got, maxSessions)
	}
}

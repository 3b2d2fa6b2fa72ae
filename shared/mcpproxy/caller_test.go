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

// governed is a proxy whose clients are their own policies: a header Set-X of a
// client is the header X that a policy sets.
type governed struct{ *Proxy }

func (g governed) Serve(ctx context.Context, req *mcp.Request, reply mcp.Reply) error {
	return g.Proxy.Serve(withPolicies(ctx, req.Header), req, reply)
}

func withPolicies(ctx context.Context, client http.Header) context.Context {
	h := http.Header{}
	for name, values := range client {
		if set, ok := strings.CutPrefix(name, "Set-"); ok {
			h[set] = values
		}
	}
	if len(h) == 0 {
		return ctx
	}
	return backend.WithHeader(ctx, h)
}

// govern puts a proxy behind a door, with policies.
func govern(t testing.TB, p *Proxy) *httptest.Server {
	t.Helper()
	ts := httptest.NewServer(&door{server: governed{p}, session: func(w http.ResponseWriter, r *http.Request) {
		p.ServeSession(w, r.WithContext(withPolicies(r.Context(), r.Header)))
	}})
	t.Cleanup(ts.Close)
	return ts
}

// as is a client for which a policy sets Authorization.
func as(t testing.TB, url, who string) *client {
	c := newClient(t, url)
	c.header.Set("Set-Authorization", who)
	return c
}

// guarded lets only requests with a key through to a server, and notes those
// without it.
func guarded(t testing.TB, server http.Handler) string {
	t.Helper()
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Functions-Key") != "k" {
			body, _ := io.ReadAll(r.Body)
			t.Errorf("%s without the key: %s", r.Method, body)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		server.ServeHTTP(w, r)
	}))
	t.Cleanup(ts.Close)
	return ts.URL
}

func TestNewCaller(t *testing.T) {
	seen := map[caller]int{}
	for i, h := range []http.Header{
		{"A": {"b"}}, {"A": {"b", ""}}, {"A": {""}}, {"A": nil}, {"B": {"b"}}, {"A": {"b"}, "B": {"b"}},
		{"A": {"bB"}}, {"Ab": {""}}, {"A": {"b", "c"}}, {"A": {"bc"}}, {"A": {"c", "b"}},
	} {
		_, c := callerOf(backend.WithHeader(t.Context(), h))
		if other, ok := seen[c]; ok || c == (caller{}) {
			t.Errorf("headers %d and %d make one caller", i, other)
		}
		seen[c] = i
	}
	ofMessages := http.Header{
		"Accept": {"a"}, "Content-Type": {"a"}, "Traceparent": {"a"}, "Mcp-Session-Id": {"a"}, "Mcp-Param-Region": {"a"}, "Mcp-Method": {"a"},
	}
	if h, c := callerOf(backend.WithHeader(t.Context(), ofMessages)); h != nil || c != (caller{}) {
		t.Errorf("headers of a message make a caller: %v", h)
	}
	ofMessages["A"] = []string{"b"}
	if h, c := callerOf(backend.WithHeader(t.Context(), ofMessages)); len(h) != 1 || c != newCaller(http.Header{"A": {"b"}}) {
		t.Errorf("got %v, want the header A only", h)
	}
	if h, c := callerOf(t.Context()); h != nil || c != (caller{}) {
		t.Errorf("got %v of no headers", h)
	}
}

func TestHeadersOfPoliciesReachEveryRequest(t *testing.T) {
	ok := func(w http.ResponseWriter, r *http.Request, g received) {
		switch {
		case r.Method == http.MethodGet:
			writeSSE(w, "{}")
		case g.msg.Kind != mcp.KindRequest:
			w.WriteHeader(http.StatusAccepted)
		case g.msg.Method == mcp.MethodListTools:
			writeJSON(w, http.StatusOK, resultFor(g, mirroringTools))
		default:
			writeSSE(w, `{"jsonrpc":"2.0","id":"s","method":"ping"}`, resultFor(g, `{"ok":1}`))
		}
	}
	sse := func(t testing.TB) http.Handler {
		return newSSEServer(t, "/m", func(g received) []string {
			if g.msg.Kind != mcp.KindRequest {
				return nil
			}
			return []string{`{"jsonrpc":"2.0","id":"s","method":"ping"}`, resultFor(g, `{"ok":1}`)}
		}).Config.Handler
	}
	servers := map[string]func(testing.TB) http.Handler{
		"modern":    func(t testing.TB) http.Handler { return modernServer(t, plainDiscover, ok).Config.Handler },
		"stateful":  func(t testing.TB) http.Handler { return newStateful(t, ok).Config.Handler },
		"stateless": func(t testing.TB) http.Handler { return legacyServer(t, "", ok).Config.Handler },
		"HTTP+SSE":  sse,
	}
	for name, server := range servers {
		for _, first := range []string{"modern", "legacy", "handshake"} {
			t.Run(name+"/"+first, func(t *testing.T) {
				noLeak(t)
				p := newProxy(t, guarded(t, server(t)), func(o *Options) { o.SSE = name == "HTTP+SSE" })
				c := newClient(t, govern(t, p).URL)
				c.header.Set("Set-X-Functions-Key", "k")
				var session []string
				steps := map[string]func() string{
					"modern": func() string {
						_, _, got := c.modernCall("1", "get", "{}", `"io.modelcontextprotocol/logLevel":"debug"`)
						return got
					},
					"legacy": func() string {
						_, _, got := c.legacyPost("1", "tools/call", `{"name":"get"}`)
						return got
					},
					"handshake": func() string {
						if id, _ := c.handshake(); id != "" {
							session = []string{"Mcp-Session-Id", id}
						}
						_, _, got := c.post(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get"}}`, append(legacyVersion, session...)...)
						return got
					},
				}
				for _, step := range []string{first, "modern", "legacy", "handshake"} {
					if got := steps[step](); !strings.Contains(got, `"ok":1`) {
						t.Errorf("%s: got %s", step, got)
					}
				}
				if session == nil {
					return
				}
				for _, step := range []struct {
					method string
					want   int
				}{{http.MethodGet, http.StatusOK}, {http.MethodDelete, http.StatusNoContent}} {
					if status, _, _ := c.do(t.Context(), step.method, "", session...); status != step.want {
						t.Errorf("%s: got %d, want %d", step.method, status, step.want)
					}
				}
			})
		}
	}
}

// refusing answers callers whose Authorization is not good in one way.
func refusing(t testing.TB, status int, inner http.Handler) string {
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "good" {
			w.WriteHeader(status)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(ts.Close)
	return ts.URL
}

func TestRefusedCallerDecidesForNobody(t *testing.T) {
	ok := func(w http.ResponseWriter, _ *http.Request, g received) { writeJSON(w, 200, resultFor(g, `{"ok":1}`)) }
	for name, server := range map[string]func() *scripted{
		"modern":    func() *scripted { return modernServer(t, plainDiscover, ok) },
		"stateful":  func() *scripted { return newStateful(t, ok).scripted },
		"stateless": func() *scripted { return legacyServer(t, "", ok) },
	} {
		for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
			t.Run(fmt.Sprint(name, " ", status), func(t *testing.T) {
				noLeak(t)
				s := server()
				url := govern(t, newProxy(t, refusing(t, status, s.Config.Handler), nil)).URL
				good, bad := as(t, url, "good"), as(t, url, "bad")
				both := func() {
					t.Helper()
					for range 2 {
						if _, _, got := bad.modernCall("1", "get", "{}"); !strings.Contains(got, fmt.Sprintf("refused the gateway's credentials (HTTP %d)", status)) {
							t.Errorf("bad: got %s", got)
						}
						if _, _, got := bad.legacyPost("1", "tools/call", `{"name":"get"}`); !strings.Contains(got, "refused the gateway's credentials") {
							t.Errorf("bad, legacy: got %s", got)
						}
						if _, _, got := good.modernCall("1", "get", "{}"); !strings.Contains(got, `"ok":1`) {
							t.Errorf("good: got %s", got)
						}
						if _, _, got := good.legacyPost("1", "tools/call", `{"name":"get"}`); !strings.Contains(got, `"ok":1`) {
							t.Errorf("good, legacy: got %s", got)
						}
					}
				}
				both()
				for method, want := range map[string]int{mcp.MethodDiscover: 1, mcp.MethodInitialize: 1} {
					if name == "modern" && method == mcp.MethodInitialize {
						want = 0
					}
					if got := len(s.requests(method)); got != want {
						t.Errorf("good caused %d requests %s, want %d", got, method, want)
					}
				}
			})
		}
	}
}

// TestRefusedCallerRaisesNoDoubt is at a server that is known to have no sessions.
func TestRefusedCallerRaisesNoDoubt(t *testing.T) {
	s := legacyServer(t, "", func(w http.ResponseWriter, _ *http.Request, g received) { writeJSON(w, 200, resultFor(g, `{"ok":1}`)) })
	url := govern(t, newProxy(t, refusing(t, http.StatusUnauthorized, s.Config.Handler), nil)).URL
	good, bad := as(t, url, "good"), as(t, url, "bad")
	good.handshake()
	if _, _, got := bad.legacyPost("1", "tools/call", `{"name":"get"}`); !strings.Contains(got, "HTTP 401") {
		t.Errorf("bad: got %s", got)
	}
	if _, _, got := good.legacyPost("1", "tools/call", `{"name":"get"}`); !strings.Contains(got, `"ok":1`) {
		t.Errorf("good: got %s", got)
	}
	s.only(t, mcp.MethodInitialize) // the client's own
}

// TestCallersDoNotWaitForEachOther has a caller whose question hangs.
func TestCallersDoNotWaitForEachOther(t *testing.T) {
	noLeak(t)
	asked, release := make(chan struct{}), make(chan struct{})
	s := newScripted(t, func(w http.ResponseWriter, r *http.Request, g received) {
		if r.Header.Get("Authorization") == "bad" {
			close(asked)
			<-release
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		writeJSON(w, 200, resultFor(g, plainDiscover))
	})
	url := govern(t, newProxy(t, s.URL, nil)).URL
	var waiting sync.WaitGroup
	waiting.Go(func() {
		if _, _, got := as(t, url, "bad").modernCall("1", "get", "{}"); !strings.Contains(got, "HTTP 401") {
			t.Errorf("bad: got %s", got)
		}
	})
	<-asked
	if _, _, got := as(t, url, "good").modernCall("1", "get", "{}"); !strings.Contains(got, `"result"`) {
		t.Errorf("good: got %s", got)
	}
	close(release)
	waiting.Wait()
}

// TestGuessOfOneCaller is a server that says 400 to a token that it cannot read,
// as a legacy server does to a modern question.
func TestGuessOfOneCaller(t *testing.T) {
	s := modernServer(t, plainDiscover, func(w http.ResponseWriter, _ *http.Request, g received) { writeJSON(w, 200, resultFor(g, `{"ok":1}`)) })
	clock := newClock()
	p := newProxy(t, refusing(t, http.StatusBadRequest, s.Config.Handler), func(o *Options) { o.Now = clock.now })
	url := govern(t, p).URL
	good, bad := as(t, url, "good"), as(t, url, "bad")
	call := func(c *client, want string) {
		t.Helper()
		if _, _, got := c.modernCall("1", "get", "{}"); !strings.Contains(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	call(good, `"ok":1`)
	clock.add(eraPause)
	call(bad, "refused the request (HTTP 400)")
	call(good, `"ok":1`)
	if e := p.eras.Load(); !e.modern {
		t.Errorf("the server is taken for %+v", e)
	}
	s.only(t, mcp.MethodDiscover)
}

func TestPrivateDiscoveryIsOfOneCaller(t *testing.T) {
	for scope, want := range map[string]string{"private": "a b", "public": "a a"} {
		s := newScripted(t, func(w http.ResponseWriter, r *http.Request, g received) {
			d := strings.Replace(plainDiscover, "Be kind.", "To "+r.Header.Get("Authorization")+".", 1)
			writeJSON(w, 200, resultFor(g, strings.Replace(d, `"public"`, `"`+scope+`"`, 1)))
		})
		url := govern(t, newProxy(t, s.URL, nil)).URL
		var told []string
		for _, who := range []string{"a", "b"} {
			_, body := as(t, url, who).handshake()
			_, rest, _ := strings.Cut(body, `"instructions":"To `)
			name, _, _ := strings.Cut(rest, ".")
			told = append(told, name)
		}
		if got := strings.Join(told, " "); got != want {
			t.Errorf("%s: got what was said to %s, want to %s", scope, got, want)
		}
	}
}

package mcpproxy

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"toolgate/shared/mcp"
)

func TestEraIsFoundByAsking(t *testing.T) {
	type answer struct {
		status int
		body   string // ID stands for the id
	}
	rpc := func(status int, code, data string) answer {
		return answer{status, `{"jsonrpc":"2.0","id":ID,"error":{"code":` + code + `,"message":"no"` + data + `}}`}
	}
	tests := []struct {
		name           string
		answer         answer
		modern, legacy bool
		err            string
	}{
		{"modern", answer{200, `{"jsonrpc":"2.0","id":ID,"result":` + plainDiscover + `}`}, true, false, ""},
		{"both", answer{200, `{"jsonrpc":"2.0","id":ID,"result":{"supportedVersions":["2026-07-28","2025-11-25"],"capabilities":{}}}`}, true, true, ""},
		{"names legacy ones only", answer{200, `{"jsonrpc":"2.0","id":ID,"result":{"supportedVersions":["2025-11-25","2024-11-05"]}}`}, false, true, ""},
		{"names future ones only", answer{200, `{"jsonrpc":"2.0","id":ID,"result":{"supportedVersions":["2030-01-01"]}}`}, false, false, "speaks revisions of the protocol that the gateway does not"},
		{"a result that means nothing", answer{200, `{"jsonrpc":"2.0","id":ID,"result":{}}`}, false, true, ""},
		{"no JSON-RPC at all", answer{200, `<html>`}, false, true, ""},
		{"method not found with 200", rpc(200, "-32601", ""), false, true, ""},
		{"method not found with 404", rpc(404, "-32601", ""), true, false, ""},
		{"404 without a body", answer{404, ""}, false, true, ""},
		{"400 without a session", rpc(400, "-32000", ""), false, true, ""},
		{"400 in words", answer{400, "Bad Request"}, false, true, ""},
		{"header mismatch", rpc(400, "-32020", ""), true, false, ""},
		{"missing capability", rpc(400, "-32021", ""), true, false, ""},
		{"unsupported version, legacy named", rpc(400, "-32022", `,"data":{"supported":["2025-11-25"],"requested":"2026-07-28"}`), false, true, ""},
		{"unsupported version, none named", rpc(400, "-32022", ""), false, true, ""},
		{"unsupported version, future named", rpc(400, "-32022", `,"data":{"supported":["2030-01-01"]}`), false, false, "speaks revisions"},
		{"500", answer{500, ""}, false, true, ""},
		{"401", answer{401, ""}, false, false, "HTTP 401"},
		{"403", answer{403, ""}, false, false, "HTTP 403"},
		{"302", answer{302, ""}, false, false, "HTTP 302"},
		{"429", answer{429, ""}, false, false, "HTTP 429"},
		{"503", answer{503, ""}, false, false, "HTTP 503"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScripted(t, func(w http.ResponseWriter, _ *http.Request, g received) {
				writeJSON(w, tt.answer.status, strings.Replace(tt.answer.body, "ID", idOf(g), 1))
			})
			p := newProxy(t, s.URL, nil)
			e, err := p.era(t.Context())
			if tt.err != "" {
				if err == nil || !strings.Contains(publicOf(err).Message+err.Error()+publicMessage(err), tt.err) {
					t.Fatalf("got %v, %v, want %q", e, err, tt.err)
				}
				if p.eras.Load() != nil {
					t.Error("the failure was remembered")
				}
				return
			}
			if err != nil || e.modern != tt.modern || e.legacy != tt.legacy {
				t.Errorf("got %+v, %v, want modern %v, legacy %v", e, err, tt.modern, tt.legacy)
			}
			asked := s.only(t, mcp.MethodDiscover)
			if asked.header.Get("Mcp-Method") != mcp.MethodDiscover || asked.header.Get("Mcp-Protocol-Version") != "2026-07-28" {
				t.Errorf("asked with %v", asked.header)
			}
			if v, err := mcp.Detect(&asked.msg, asked.header); v != mcp.Latest || err != nil {
				t.Errorf("the question is not one of the modern era: %v, %v", v, err)
			}
		})
	}
}

func TestEraIsAskedOnceByMany(t *testing.T) {
	noLeak(t)
	release := make(chan struct{})
	s := newScripted(t, func(w http.ResponseWriter, _ *http.Request, g received) {
		<-release
		writeJSON(w, 200, resultFor(g, plainDiscover))
	})
	p := newProxy(t, s.URL, nil)
	var asking sync.WaitGroup
	for range 20 {
		asking.Go(func() {
			if e, err := p.era(t.Context()); err != nil || !e.modern {
				t.Errorf("got %+v, %v", e, err)
			}
		})
	}
	close(release)
	asking.Wait()
	s.only(t, mcp.MethodDiscover)
}

func TestEraIsAskedAgainAfterItsTime(t *testing.T) {
	noLeak(t)
	var broken sync.Mutex
	down := false
	s := newScripted(t, func(w http.ResponseWriter, _ *http.Request, g received) {
		broken.Lock()
		defer broken.Unlock()
		if down {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		writeJSON(w, 200, resultFor(g, plainDiscover))
	})
	time := newClock()
	p := newProxy(t, s.URL, func(o *Options) { o.Now = time.now })
	ask := func() *era {
		e, err := p.era(t.Context())
		if err != nil || !e.modern {
			t.Fatalf("got %+v, %v", e, err)
		}
		return e
	}
	first := ask()
	time.add(eraTTL - 1)
	if ask() != first || len(s.requests("")) != 1 {
		t.Error("asked again before the time")
	}
	time.add(1)
	broken.Lock()
	down = true
	broken.Unlock()
	if ask() != first {
		t.Error("what is known must be used while it is asked for anew")
	}
	if _, err := p.asking.join(t.Context(), &p.background, p.ask).wait(t.Context()); err == nil {
		t.Error("want the failure of the server")
	}
	if ask() != first {
		t.Error("what is known must be used while the server is down")
	}
}

// TestServerThatChangesItsEra is one that is updated, or rolled back, while the
// gateway runs.
func TestServerThatChangesItsEra(t *testing.T) {
	modernAnswer := func(w http.ResponseWriter, r *http.Request, g received) {
		switch {
		case r.Header.Get("Mcp-Protocol-Version") != "2026-07-28":
			http.Error(w, "Bad Request: Unsupported protocol version", http.StatusBadRequest)
		case g.msg.Method == mcp.MethodDiscover:
			writeJSON(w, 200, resultFor(g, plainDiscover))
		default:
			writeJSON(w, 200, resultFor(g, `{"resultType":"complete","modern":1}`))
		}
	}
	legacyAnswer := func(w http.ResponseWriter, r *http.Request, g received) {
		switch {
		case r.Header.Get("Mcp-Protocol-Version") == "2026-07-28":
			writeJSON(w, 400, errorFor(g, `{"code":-32022,"message":"unsupported","data":{"supported":["2025-11-25"]}}`))
		case g.msg.Method == mcp.MethodInitialize:
			writeJSON(w, 200, resultFor(g, legacyInitialize))
		case g.msg.Kind != mcp.KindRequest:
			w.WriteHeader(http.StatusAccepted)
		default:
			writeJSON(w, 200, resultFor(g, `{"legacy":1}`))
		}
	}
	type answerFunc = func(http.ResponseWriter, *http.Request, received)
	tests := []struct {
		name          string
		before, after answerFunc
		want          string
	}{
		{"updated", legacyAnswer, modernAnswer, `"modern":1`},
		{"rolled back", modernAnswer, legacyAnswer, `"legacy":1`},
	}
	for _, tt := range tests {
		for _, clientEra := range []string{"modern", "legacy"} {
			t.Run(tt.name+"/"+clientEra, func(t *testing.T) {
				var mu sync.Mutex
				now := tt.before
				s := newScripted(t, func(w http.ResponseWriter, r *http.Request, g received) {
					mu.Lock()
					answer := now
					mu.Unlock()
					answer(w, r, g)
				})
				clock := newClock()
				p := newProxy(t, s.URL, func(o *Options) { o.Now = clock.now })
				c := newClient(t, serve(t, p).URL)
				call := func() string {
					if clientEra == "modern" {
						_, _, body := c.modern("1", "prompts/list", "", "")
						return body
					}
					_, _, body := c.post(`{"jsonrpc":"2.0","id":1,"method":"prompts/list"}`, legacyVersion...)
					return body
				}
				if got := call(); strings.Contains(got, tt.want) || strings.Contains(got, "error") {
					t.Fatalf("before: got %s", got)
				}
				mu.Lock()
				now = tt.after
				mu.Unlock()
				asked := len(s.requests(mcp.MethodDiscover))
				if call(); len(s.requests(mcp.MethodDiscover)) != asked {
					t.Error("asked again at once, which would let a client cause it with each request")
				}
				clock.add(eraPause)
				if got := call(); !strings.Contains(got, tt.want) {
					t.Errorf("after: got %s, want %s", got, tt.want)
				}
				if e := p.eras.Load(); e.modern != strings.Contains(tt.want, "modern") {
					t.Errorf("after: got %+v", e)
				}
			})
		}
	}
}

func TestPinnedVersionIsNotAsked(t *testing.T) {
	s := newScripted(t, func(w http.ResponseWriter, _ *http.Request, g received) {
		writeJSON(w, 400, errorFor(g, `{"code":-32022,"message":"no"}`))
	})
	p := newProxy(t, s.URL, func(o *Options) { o.ProtocolVersion = mcp.V20260728 })
	status, _, body := newClient(t, serve(t, p).URL).modernCall("1", "get", "{}")
	if status != 400 || body != `{"jsonrpc":"2.0","id":1,"error":{"code":-32022,"message":"no"}}` {
		t.Errorf("got %d %s, want the server's own word", status, body)
	}
	if got := s.requests(mcp.MethodDiscover); got != nil {
		t.Errorf("asked %v", got)
	}
}

func TestCloseEndsWhatRunsInTheBackground(t *testing.T) {
	noLeak(t)
	asked := make(chan struct{})
	s := newScripted(t, func(_ http.ResponseWriter, r *http.Request, _ received) {
		close(asked)
		<-r.Context().Done()
	})
	p := newProxy(t, s.URL, nil)
	ctx, cancel := context.WithCancel(t.Context())
	waited := make(chan error)
	go func() {
		_, err := p.era(ctx)
		waited <- err
	}()
	<-asked
	cancel()
	if err := <-waited; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the end of the caller's own context", err)
	}
	if err := p.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if _, err := p.era(t.Context()); !errors.Is(err, errClosed) {
		t.Errorf("after Close: got %v, want %v", err, errClosed)
	}
}

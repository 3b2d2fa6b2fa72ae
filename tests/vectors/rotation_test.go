package vectors_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// clock is a clock that tests move.
type clock struct{ moved atomic.Int64 }

func (c *clock) now() time.Time       { return noon.Add(time.Duration(c.moved.Load())) }
func (c *clock) move(d time.Duration) { c.moved.Add(int64(d)) }

// ways are the servers of a door, with the least time between two fetches for keys
// that are missing: five minutes as API Management documents them, and ten seconds.
var ways = []struct {
	server string
	pause  time.Duration
}{{"policy", 5 * time.Minute}, {"native", 10 * time.Second}}

// generation is a signing key and a token of it that lasts as long as the test.
type generation struct {
	jwk, token string
	calls      atomic.Int64 // that were answered
}

func newGeneration(t testing.TB, issuer string, n int) *generation {
	t.Helper()
	key, kid := newEC(p256().Curve)(), fmt.Sprint("key-", n)
	m := &mint{t, issuer}
	return &generation{
		jwk:   jwk(kid, &key.PublicKey),
		token: m.with("ES256", key, fmt.Sprintf(`{"alg":"ES256","kid":%q}`, kid), m.claims(`"exp":1900000000`)),
	}
}

// status is that of a call.
func (d *door) status(t testing.TB, server, token string) int {
	t.Helper()
	res := d.call(t, server, token)
	res.Body.Close()
	return res.StatusCode
}

// eventually waits for what another goroutine brings about.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

const (
	rotations = 20
	callers   = 8
	// callsEach is how many calls are answered between two rotations.
	callsEach = 40
)

// An issuer rotates its key while clients call, and signs with the newest as soon as
// it is published. Nobody is refused, and the keys are fetched once for each rotation.
func TestRotationUnderLoad(t *testing.T) {
	for _, way := range ways {
		t.Run(way.server, func(t *testing.T) {
			server, c := newIssuers(t), &clock{}
			issuer := server.publish("default", ordinary())
			d := newDoor(t, issuer, c.now)
			var current atomic.Pointer[generation]
			var published []string
			rotate := func(n int) *generation {
				g := newGeneration(t, issuer, n)
				published = append(published, g.jwk)
				server.publish("default", keySet(published...))
				current.Store(g)
				return g
			}
			g, stop := rotate(0), make(chan struct{})
			var running sync.WaitGroup
			for range callers {
				running.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
						}
						g := current.Load()
						if status := d.status(t, way.server, g.token); status != http.StatusOK {
							t.Errorf("got %d, want 200", status)
							return
						}
						g.calls.Add(1)
					}
				})
			}
			for n := range rotations {
				eventually(t, "calls with a key", func() bool { return t.Failed() || g.calls.Load() >= callsEach })
				c.move(way.pause)
				g = rotate(n + 1)
			}
			eventually(t, "calls with the last key", func() bool { return t.Failed() || g.calls.Load() >= callsEach })
			close(stop)
			running.Wait()
			hours := int(c.now().Sub(noon) / time.Hour)
			if got, most := server.fetched(), 1+rotations+hours; got > most {
				t.Errorf("the keys were fetched %d times, want at most %d", got, most)
			}
		})
	}
}

// Tokens of keys that nobody has make the gateway ask, and not more often than it may.
func TestUnknownKeysUnderLoad(t *testing.T) {
	const steps, step = 30, time.Minute
	for _, way := range ways {
		t.Run(way.server, func(t *testing.T) {
			server, c := newIssuers(t), &clock{}
			issuer := server.publish("default", ordinary())
			d, m := newDoor(t, issuer, c.now), &mint{t, issuer}
			good := m.good("RS256", `"exp":1900000000`)
			for range steps {
				var running sync.WaitGroup
				for caller := range callers {
					running.Go(func() {
						unknown := m.with("ES256", strangerP256(), fmt.Sprintf(`{"alg":"ES256","kid":"%d-%d"}`, caller, c.now().Unix()), m.claims())
						if status := d.status(t, way.server, unknown); status != http.StatusUnauthorized {
							t.Errorf("an unknown key: got %d, want 401", status)
						}
						if status := d.status(t, way.server, good); status != http.StatusOK {
							t.Errorf("a known key: got %d, want 200", status)
						}
					})
				}
				running.Wait()
				c.move(step)
			}
			// One to begin with, and one for each time that there may be one.
			most := 2 + int(steps*step/max(way.pause, step))
			if got := server.fetched(); got > most {
				t.Errorf("the keys were fetched %d times, want at most %d", got, most)
			}
		})
	}
}

// A key that was published before it was used costs no fetch of its own, and one that
// was removed is refused within the hour that keys are kept.
func TestPublishedAheadAndRemoved(t *testing.T) {
	for _, way := range ways {
		t.Run(way.server, func(t *testing.T) {
			server, c := newIssuers(t), &clock{}
			issuer := server.publish("default", "")
			first, second := newGeneration(t, issuer, 1), newGeneration(t, issuer, 2)
			server.publish("default", keySet(first.jwk))
			d := newDoor(t, issuer, c.now)
			call := func(name string, g *generation, status, fetched int) {
				t.Helper()
				if got := d.status(t, way.server, g.token); got != status {
					t.Fatalf("%s: got %d, want %d", name, got, status)
				}
				eventually(t, name, func() bool { return server.fetched() >= fetched })
				if got := server.fetched(); got != fetched {
					t.Fatalf("%s: the keys were fetched %d times, want %d", name, got, fetched)
				}
			}
			call("the first key", first, http.StatusOK, 1)
			server.publish("default", keySet(first.jwk, second.jwk)) // ahead
			c.move(time.Hour)
			call("the hour is over: the keys are refreshed for the next call", first, http.StatusOK, 2)
			eventually(t, "the second key", func() bool { return d.status(t, way.server, second.token) == http.StatusOK })
			seen := server.fetched() // one more, where a call came before the refresh had ended
			call("the second key, known ahead", second, http.StatusOK, seen)
			server.publish("default", keySet(second.jwk)) // removed
			c.move(time.Hour - time.Second)
			call("the removed key, within the hour", first, http.StatusOK, seen)
			c.move(time.Second)
			call("the hour is over", second, http.StatusOK, seen+1)
			eventually(t, "the removed key is refused", func() bool { return d.status(t, way.server, first.token) == http.StatusUnauthorized })
			call("and the second is not", second, http.StatusOK, server.fetched())
		})
	}
}

// Where nobody called for long, the first call waits for the keys: a removed one is
// not good for it.
func TestRemovedWhileIdle(t *testing.T) {
	for _, way := range ways {
		t.Run(way.server, func(t *testing.T) {
			server, c := newIssuers(t), &clock{}
			issuer := server.publish("default", "")
			first, second := newGeneration(t, issuer, 1), newGeneration(t, issuer, 2)
			server.publish("default", keySet(first.jwk))
			d := newDoor(t, issuer, c.now)
			if got := d.status(t, way.server, first.token); got != http.StatusOK {
				t.Fatalf("got %d, want 200", got)
			}
			server.publish("default", keySet(second.jwk))
			c.move(65 * time.Minute)
			if got := d.status(t, way.server, first.token); got != http.StatusUnauthorized {
				t.Errorf("the removed key: got %d, want 401", got)
			}
			if got := d.status(t, way.server, second.token); got != http.StatusOK {
				t.Errorf("the key in its place: got %d, want 200", got)
			}
			// That there is no answer is no sign that keys are not published any more.
			server.publish("default", strings.Repeat("[", 10))
			c.move(24 * time.Hour)
			if got := d.status(t, way.server, second.token); got != http.StatusOK {
				t.Errorf("a provider that is out of order: got %d, want 200", got)
			}
		})
	}
}

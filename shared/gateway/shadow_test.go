package gateway

import (
	"context"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"toolgate/shared/expr"
	"toolgate/shared/shadow"
	"toolgate/shared/snapshot"
	"toolgate/shared/trace"
)

// beside is a gateway with a candidate that is never reached.
func beside(sample float64) *Gateway {
	g := newTest(serverFunc(fake), snapshot.Manifest{})
	if sample > 0 {
		g.shadow = &shadowing{live: g, sample: sample, log: discard, told: time.Now(), options: Options{Shadow: &ShadowOptions{AfterResponse: true}}}
	}
	return g
}

// sampledOut is a share so small that no call of a test is in it.
const sampledOut = 1e-18

const fakeCall = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a"}}`

// Calls that are not in the sample cost no memory.
func TestShadowSampledOut(t *testing.T) {
	// The least of several runs: a pool may be emptied at any time, and is at random
	// under the race detector.
	allocations := func(g *Gateway) float64 {
		least := math.Inf(1)
		for range 100 {
			least = min(least, testing.AllocsPerRun(1, func() {
				r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/x/mcp", strings.NewReader(fakeCall))
				r.Header.Set("Content-Type", "application/json")
				g.ServeHTTP(&unsent{header: http.Header{}}, r)
			}))
		}
		return least
	}
	if off, out := allocations(beside(0)), allocations(beside(sampledOut)); out > off {
		t.Errorf("got %v allocations for a call that is not in the sample, want %v", out, off)
	}
}

// No more than so many calls are kept, and what is beyond is counted.
func TestShadowBound(t *testing.T) {
	g := beside(1)
	for range maxBeside + 3 {
		if w := post(g, "/x/mcp", fakeCall); w.Code != http.StatusOK {
			t.Fatalf("got %d", w.Code)
		}
	}
	s := g.shadow
	if len(s.waiting) != maxBeside || s.counts != (shadow.Counts{Dropped: 3}) || s.kept.Load() != maxBeside {
		t.Errorf("got %d waiting and %+v, want %d and 3 dropped", len(s.waiting), s.counts, maxBeside)
	}
}

// Calls whose clients have gone are not compared.
func TestShadowClientGone(t *testing.T) {
	g := beside(1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "http://127.0.0.1/x/mcp", strings.NewReader(fakeCall))
	r.Header.Set("Content-Type", "application/json")
	g.ServeHTTP(httptest.NewRecorder(), r)
	if s := g.shadow; len(s.waiting) != 0 || s.counts != (shadow.Counts{Incomparable: 1}) || s.kept.Load() != 0 {
		t.Errorf("got %d waiting and %+v", len(s.waiting), s.counts)
	}
}

// On hosts that freeze, calls wait for the time after a response, and the candidate has
// the address, the id and the body of the live call.
func TestShadowAfterResponse(t *testing.T) {
	g := beside(1)
	var seen []string
	candidate := newTest(serverFunc(fake), snapshot.Manifest{})
	candidate.candidate, candidate.trace = true, func(tr *trace.Trace) { seen = append(seen, tr.Method+" "+tr.Name) }
	s := g.shadow
	s.once.Do(func() { s.candidate = candidate })
	s.transport = shadow.NewTransport(nil, nil)
	post(g, "/x/mcp", fakeCall)
	if len(seen) > 0 || len(s.waiting) != 1 {
		t.Fatalf("got %v and %d waiting, want a call that waits", seen, len(s.waiting))
	}
	c := s.waiting[0]
	c.address, c.requestID = "192.0.2.7", expr.Guid{1}
	renewing := &Renewing{}
	renewing.current.Store(g)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if renewing.EvaluateShadow(ended); len(s.waiting) != 1 {
		t.Error("nothing is run when there is no time")
	}
	renewing.EvaluateShadow(t.Context())
	if len(seen) != 1 || seen[0] != "tools/call a" || len(s.waiting) != 0 || s.counts != (shadow.Counts{Same: 1}) || s.kept.Load() != 0 {
		t.Errorf("got %v, %d waiting, %+v", seen, len(s.waiting), s.counts)
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
}

// BenchmarkShadow has the memory of a call without a candidate, of one that is not in
// the sample, and of one that is, as far as the client could wait for it.
func BenchmarkShadow(b *testing.B) {
	for _, c := range []struct {
		name   string
		sample float64
	}{{"off", 0}, {"sampled out", sampledOut}, {"sampled", 1}} {
		b.Run(c.name, func(b *testing.B) {
			g := beside(c.sample)
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/x/mcp", strings.NewReader(fakeCall))
				r.Header.Set("Content-Type", "application/json")
				g.ServeHTTP(&unsent{header: http.Header{}}, r)
				if s := g.shadow; s != nil && len(s.waiting) > 0 {
					s.waiting = s.waiting[:0]
					s.kept.Store(0)
				}
			}
		})
	}
}

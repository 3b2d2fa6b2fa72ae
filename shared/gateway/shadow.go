package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"toolgate/shared/backend"
	"toolgate/shared/expr"
	"toolgate/shared/mcp"
	"toolgate/shared/policy"
	"toolgate/shared/shadow"
	"toolgate/shared/snapshot"
	"toolgate/shared/telemetry"
	"toolgate/shared/trace"
)

// ShadowOptions are how a host has a candidate run beside the live configuration.
type ShadowOptions struct {
	// Services are those of the candidate: limits, quotas and caches in memory, which
	// nobody else has. What would reach a network is put in the place of by the gateway.
	Services policy.Services
	// Log receives a line for each call that is treated otherwise; nil: the gateway's.
	Log *slog.Logger
	// AfterResponse leaves the work to [Renewing.EvaluateShadow], for hosts whose process is
	// frozen between calls.
	AfterResponse bool
}

// Bounds of the calls that are run through the candidate.
const (
	maxBeside     = 32 // kept at a time, from the beginning of the live call
	maxEvaluating = 2  // run at a time
	// evaluationTimeout bounds one run, which waits for nothing but itself.
	evaluationTimeout = 5 * time.Second
	// lastWork is how long what waits goes on to be run when the gateway is closed.
	lastWork = time.Second
	// countsEvery is the least time between two lines with counts.
	countsEvery = time.Minute
)

// shadowing runs a sample of the calls of a gateway through a candidate, after their
// answers. Nil runs none.
type shadowing struct {
	live      *Gateway
	options   Options // of the live gateway, of which the candidate's are made
	sample    float64
	transport *shadow.Transport
	log       *slog.Logger
	ignore    []string        // headers that the live gateway alone sets
	sessions  map[string]bool // servers whose sessions the candidate cannot open
	apart     map[string]bool // servers that are reached by connections of their own

	once      sync.Once
	candidate *Gateway    // made at the first call; nil: not made, or it cannot be
	failed    atomic.Bool // it cannot be made
	kept      atomic.Int32

	mu      sync.Mutex
	waiting []*besideCall
	workers int
	counts  shadow.Counts
	told    time.Time
	until   time.Time // when work ends at the latest; zero: it is not to end
	working sync.WaitGroup
}

// besideCall is a call as the live gateway and the candidate share it.
type besideCall struct {
	kept      *shadow.Call
	request   *http.Request // as the live gateway got it, without its body
	server    string
	start     time.Time
	address   string
	requestID expr.Guid
	take      func() *trace.Trace
	candidate *trace.Trace // what the candidate made of it
}

// newShadowing makes what runs the candidate of a snapshot; nil where there is none,
// or the host does not want it. The options of the live gateway are changed so that
// what it finds out about callers is heard.
func newShadowing(g *Gateway, s *snapshot.Snapshot, o *Options) *shadowing {
	if s.Shadow == nil || o.Shadow == nil || s.Shadow.Sample <= 0 {
		return nil
	}
	made := &shadowing{live: g, sample: s.Shadow.Sample, log: o.Shadow.Log, told: time.Now(), sessions: bound(&s.Manifest), apart: connected(&s.Manifest)}
	if made.log == nil {
		made.log = o.Log
	}
	if t := s.Telemetry; t != nil && t.RequestIDHeader != "" {
		made.ignore = append(made.ignore, t.RequestIDHeader)
	}
	if o.SealingSecret == nil && len(s.SealingKey.Parts) == 0 {
		o.SealingSecret, _ = sealingSecret(&s.Manifest, *o) // made at random, which cannot fail
	}
	made.options = *o
	if o.Services.Tokens != nil {
		o.Services.Tokens = shadow.HeardTokens{Tokens: o.Services.Tokens}
	}
	if o.Subscriptions != nil {
		o.Subscriptions = shadow.HeardSubscriptions{Subscriptions: o.Subscriptions}
	}
	g.services.Tokens, g.subscriptions = o.Services.Tokens, o.Subscriptions
	return made
}

// hears is told of the requests of a live call; nil where it is not kept, and for the
// candidate's own.
func (s *shadowing) hears(c *besideCall) backend.Trace {
	if s == nil || c == nil {
		return nil
	}
	return c.kept.Hear
}

type besideKey struct{}

// beginShadow begins to keep a call, where it is one of the sample; of the candidate's
// it is the call that was kept.
func (x *exchange) beginShadow() *besideCall {
	g := x.gateway
	if g.candidate {
		c, _ := x.r.Context().Value(besideKey{}).(*besideCall)
		if c != nil {
			x.address, x.start = c.address, c.start
		}
		return c
	}
	s := g.shadow
	if s == nil || s.failed.Load() || !x.plain && x.r.Method != http.MethodPost || s.sample < 1 && rand.Float64() >= s.sample { //nolint:gosec // nothing is protected by it
		return nil
	}
	if s.kept.Add(1) > maxBeside {
		s.kept.Add(-1)
		s.count(x.server, shadow.Dropped)
		return nil
	}
	c := &besideCall{kept: shadow.NewCall(), server: x.server, start: x.start}
	c.request = x.r.Clone(context.Background())
	c.request.Body = nil
	x.r = x.r.WithContext(c.kept.With(x.r.Context())) // a copy: the server's own is not to be changed
	x.r.Body = c.kept.Keep(x.r.Body, x.r.ContentLength)
	return c
}

// endShadow gives the trace of a call that was kept to who wants it.
func (x *exchange) endShadow(t *trace.Trace) {
	if x.gateway.candidate {
		x.record.beside.candidate = t
		return
	}
	x.gateway.shadow.end(x, func() *trace.Trace { return t })
}

// end has a call run through the candidate soon. Nobody waits for that.
func (s *shadowing) end(x *exchange, take func() *trace.Trace) {
	c := x.record.beside
	c.take, c.address = take, x.clientAddress()
	if x.r.Context().Err() != nil || s.apart[c.server] || s.sessions[c.server] && c.request.Header.Get(mcp.HeaderSessionID) != "" {
		s.kept.Add(-1)
		s.count(c.server, shadow.Incomparable)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.until.IsZero() {
		s.kept.Add(-1)
		return
	}
	s.waiting = append(s.waiting, c) // no more than are kept
	if s.options.Shadow.AfterResponse || s.workers >= maxEvaluating {
		return
	}
	s.workers++
	s.working.Go(func() { s.work(context.Background()) })
}

// work runs what waits, until nothing does or the context ends.
func (s *shadowing) work(ctx context.Context) {
	for {
		s.mu.Lock()
		if len(s.waiting) == 0 || ctx.Err() != nil || !s.until.IsZero() && time.Now().After(s.until) {
			s.workers--
			s.mu.Unlock()
			return
		}
		c := s.waiting[0]
		s.waiting = s.waiting[1:]
		s.mu.Unlock()
		s.evaluate(ctx, c)
		s.kept.Add(-1)
	}
}

// evaluate runs a call through the candidate, and says what differs.
func (s *shadowing) evaluate(ctx context.Context, c *besideCall) {
	candidate := s.opened()
	if candidate == nil {
		s.count(c.server, shadow.Incomparable)
		return
	}
	defer func() {
		if cause := recover(); cause != nil { // nobody but this call has a part in it
			s.live.log.Error("panic while running the candidate", "server", c.server, "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
			s.count(c.server, shadow.Incomparable)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, evaluationTimeout)
	defer cancel()
	live := c.take()
	s.transport.Learn(c.kept)
	lost := s.transport.Lost()
	w := &unsent{header: http.Header{}}
	candidate.ServeHTTP(w, c.again(ctx))
	if s.transport.Lost() != lost || ctx.Err() != nil {
		c.kept.Doubt()
	}
	if c.candidate == nil { // turned away before anything is recorded
		c.candidate = &trace.Trace{Status: w.status}
	}
	difference, outcome := s.transport.Compare(c.kept, live, c.candidate, s.ignore)
	if outcome == shadow.Different {
		difference.Log(s.log)
	}
	s.count(c.server, outcome)
}

// again is the request for the candidate.
func (c *besideCall) again(ctx context.Context) *http.Request {
	r := c.request.WithContext(context.WithValue(c.kept.With(ctx), besideKey{}, c))
	r.Body, r.ContentLength = c.kept.Body()
	return r
}

// count counts a call, and says now and then how many there were.
func (s *shadowing) count(server string, o shadow.Outcome) {
	if w := s.live.observing; w != nil {
		w.recorder.Measure(telemetry.ShadowCalls, 1, telemetry.String(telemetry.Server, server), telemetry.String("toolgate.shadow.outcome", string(o)))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Add(o)
	if now := time.Now(); now.Sub(s.told) >= countsEvery {
		s.told = now
		s.tell()
	}
}

// tell writes the counts. The caller holds mu.
func (s *shadowing) tell() {
	s.counts.Log(s.log)
	s.counts = shadow.Counts{}
}

// close ends the work, for which there is a second left.
func (s *shadowing) close() error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	first := s.until.IsZero()
	if first {
		s.until = time.Now().Add(lastWork)
	}
	s.mu.Unlock()
	if !first {
		return nil
	}
	s.working.Wait()
	s.mu.Lock()
	for range s.waiting {
		s.counts.Add(shadow.Dropped)
	}
	s.waiting = nil
	s.tell()
	s.mu.Unlock()
	if err := s.shut(); err != nil {
		return fmt.Errorf("closing the candidate: %w", err)
	}
	return nil
}

// EvaluateShadow runs the calls that wait for the candidate, until the context ends. It
// is for hosts with AfterResponse, before their process is frozen.
func (r *Renewing) EvaluateShadow(ctx context.Context) {
	g := r.current.Load()
	if g == nil || g.shadow == nil {
		return
	}
	s := g.shadow
	s.mu.Lock()
	s.workers++
	s.mu.Unlock()
	s.work(ctx)
}

// unsent takes an answer that nobody gets.
type unsent struct {
	header http.Header
	status int
}

// Header serves http.ResponseWriter.
func (w *unsent) Header() http.Header { return w.header }

// WriteHeader serves http.ResponseWriter.
func (w *unsent) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
}

// Write serves http.ResponseWriter.
func (w *unsent) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return len(p), nil
}

// Flush serves http.Flusher.
func (w *unsent) Flush() { w.WriteHeader(http.StatusOK) }

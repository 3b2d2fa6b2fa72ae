package mcpproxy

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// sessions are the gateway's own at a legacy server, one for each caller. The
// zero value has none.
type sessions struct {
	// plain is the session for calls without headers of policies: there is one
	// such caller only, and it waits for nobody.
	plain atomic.Pointer[session]

	mu       sync.Mutex
	byCaller map[caller]*session
	turn     int64
}

// maxSessions bounds the sessions that are kept for callers with headers of
// policies. Beyond it the one that was used least recently is ended; one that
// is in use ends with its last call.
const maxSessions = 128

// tenure is what sessions know of one that is kept for a caller with headers.
type tenure struct {
	calls   int   // that use the session
	used    int64 // the turn of the last one
	evicted bool
}

// peek returns the session of a caller without a claim to it; nil when there is
// none.
func (o *sessions) peek(c caller) *session {
	if c == (caller{}) {
		return o.plain.Load()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.byCaller[c]
}

// take returns the session of a caller; nil when there is none. It is not ended
// for want of room before it is let go.
func (o *sessions) take(c caller) *session {
	if c == (caller{}) {
		return o.plain.Load()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.byCaller[c]
	if s != nil {
		o.turn++
		s.tenure.used = o.turn
		s.tenure.calls++
	}
	return s
}

// letGo is for a session that was taken. It reports whether the session is to
// be ended.
func (o *sessions) letGo(s *session) (ends bool) {
	if s.caller == (caller{}) {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	s.tenure.calls--
	return s.tenure.evicted && s.tenure.calls == 0
}

// add makes a session the one of its caller. It returns the session that is to
// be ended to make room; nil when there is none.
func (o *sessions) add(s *session) (ends *session) {
	if s.caller == (caller{}) {
		o.plain.Store(s)
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.byCaller == nil {
		o.byCaller = make(map[caller]*session)
	}
	o.turn++
	s.tenure.used = o.turn
	o.byCaller[s.caller] = s
	if len(o.byCaller) <= maxSessions {
		return nil
	}
	oldest := s
	for _, other := range o.byCaller {
		if other.tenure.used < oldest.tenure.used {
			oldest = other
		}
	}
	delete(o.byCaller, oldest.caller)
	oldest.tenure.evicted = true
	if oldest.tenure.calls > 0 {
		return nil
	}
	return oldest
}

// drop forgets a session that the server has lost.
func (o *sessions) drop(s *session) {
	if s.caller == (caller{}) {
		o.plain.CompareAndSwap(s, nil)
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.byCaller[s.caller] == s {
		delete(o.byCaller, s.caller)
	}
}

// close ends all sessions at the server, at once.
func (o *sessions) close() error {
	var all []*session
	if s := o.plain.Swap(nil); s != nil {
		all = append(all, s)
	}
	o.mu.Lock()
	for _, s := range o.byCaller {
		all = append(all, s)
	}
	o.byCaller = nil
	o.mu.Unlock()
	errs := make([]error, len(all))
	var ending sync.WaitGroup
	for i, s := range all {
		ending.Go(func() { errs[i] = s.wire.close() })
	}
	ending.Wait()
	return errors.Join(errs...)
}

// session returns the gateway's own session for the caller of a context, and
// opens it if need be. Whoever gets it returns it with done.
func (p *Proxy) session(ctx context.Context) (*session, error) {
	_, c := callerOf(ctx)
	for {
		if s := p.own.take(c); s != nil {
			return s, nil
		}
		if _, err := p.opening.join(ctx, &p.background, p.open).wait(ctx); err != nil {
			return nil, err
		}
	}
}

// done is for a session that is not used any more by one call.
func (p *Proxy) done(s *session) {
	if p.own.letGo(s) {
		p.end(s)
	}
}

// end ends a session at the server, which no call waits for.
func (p *Proxy) end(s *session) {
	goodbye := func() {
		if err := s.wire.close(); err != nil {
			p.log.Debug("a session was not ended at the server", "error", err)
		}
	}
	if !p.background.run(func(context.Context) { goodbye() }) {
		goodbye() // the proxy is being closed
	}
}

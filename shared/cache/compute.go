package cache

import (
	"context"
	"time"

	"toolgate/shared/policy"
)

const (
	// worthClaiming is the cost from which on a computation is claimed in the
	// store, so that other instances wait for it: one more write for each
	// computation, and a few reads for each instance that waits. One that nothing
	// is known of is claimed too.
	worthClaiming = 250 * time.Millisecond
	// A claim lasts twice the cost within these bounds, and unknownClaim where the
	// cost is not known. An instance that ends while it computes holds others up
	// for no longer.
	minClaim, unknownClaim, maxClaim = time.Second, 5 * time.Second, 10 * time.Second
	// Waiting instances look whether the value is there after an eighth of the cost
	// within these bounds, and then after ever longer pauses.
	minPause, maxPause = 25 * time.Millisecond, 400 * time.Millisecond
	// unsharedFor is for how long callers compute without waiting for one another
	// after a computation that made nothing to share.
	unsharedFor = time.Second
)

// Compute returns the value of a key, computed where there is none. Of callers at
// the same time one computes: within an instance always, and across instances
// where computing takes longer than worthClaiming, or nobody knows how long. The
// others wait, or have the old value where there is one. After a computation that
// made nothing to keep, callers that waited compute on their own.
//
// A value whose computation began before the key was set or removed is not kept
// in this instance, nor in the store when the computation was claimed.
func (c *Cache) Compute(ctx context.Context, o *policy.Computation) (value []byte, ran bool, err error) {
	for {
		now := c.clock()
		e := c.first.look(o.Key, now)
		if e.present && !o.Anew && !e.due(now, c.random()) {
			return e.value, false, nil
		}
		f, own := c.flights.join(o.Key)
		if own {
			l := lead{Cache: c, o: o, kind: kindOf(o.Key, o.Kind), flight: f, mark: c.first.mark(o.Key), old: e.record}
			return l.run(ctx)
		}
		switch {
		case e.present:
			return e.value, false, nil
		case e.unshared:
			return alone(ctx, o)
		}
		select {
		case <-f.served:
		case <-ctx.Done():
			return nil, false, ctx.Err()
		}
		if f.value != nil {
			return f.value, false, nil
		}
		if !f.gone {
			return alone(ctx, o)
		}
	}
}

// alone computes a value for one caller.
func alone(ctx context.Context, o *policy.Computation) (value []byte, ran bool, err error) {
	made, err := o.Run(ctx, func() {})
	return made.Value, true, err
}

// lead is the work of the caller who computes.
type lead struct {
	*Cache
	o      *policy.Computation
	kind   string
	flight *flight
	mark   uint32 // of the first level, when the work began
	old    record // what goes on to be served while this instance computes

	row     row  // in the second level, as it was before it was claimed, but for its version
	stored  bool // the row is known
	claimed bool // and it says that this instance computes
}

func (l *lead) run(ctx context.Context) (value []byte, ran bool, err error) {
	defer l.flights.end(l.o.Key, l.flight)
	if value = l.look(ctx); value != nil {
		l.flight.serve(value)
		return value, false, nil
	}
	if ctx.Err() != nil {
		l.flight.leave()
		return nil, false, ctx.Err()
	}
	finished := false
	defer func() {
		if !finished { // it panicked
			l.release(ctx)
		}
	}()
	start := l.clock()
	made, err := l.o.Run(ctx, l.alone)
	finished = true
	cost := l.clock() - start
	large := len(made.Value) > maxValue
	if large {
		l.tellTooLarge(l.kind, len(made.Value))
	}
	if err != nil || made.Value == nil || made.Keep.Milliseconds() <= 0 || large {
		return l.unshared(ctx, made.Value, err)
	}
	l.kinds.spent(l.kind, cost)
	now := l.clock()
	r := record{created: now, expires: now + made.Keep.Milliseconds(), cost: max(cost, 0), value: made.Value, present: true}
	if made.Refresh > 0 {
		r.refresh = now + made.Refresh.Milliseconds()
	}
	l.flight.serve(made.Value)
	l.keep(ctx, &r)
	return made.Value, true, nil
}

// look returns the value of the second level, if that is the one to serve. Else
// it is known, and claimed where that is worth it.
func (l *lead) look(ctx context.Context) []byte {
	if l.second == nil {
		l.serveOld()
		return nil
	}
	if l.row, l.stored = l.second.read(ctx, l.o.Key); !l.stored {
		l.serveOld()
		return nil
	}
	if now := l.clock(); l.row.live(now) {
		l.old = l.row.record
		l.fill(l.o.Key, &l.row.record, l.mark)
		if !l.o.Anew && !l.row.due(now, l.random()) {
			return l.row.value
		}
	}
	l.serveOld()
	cost := l.cost()
	if !l.o.Once && cost > 0 && cost < worthClaiming && l.row.claim <= l.clock() {
		return nil
	}
	return l.claim(ctx, cost)
}

// serveOld lets those who wait go on with the value that is there.
func (l *lead) serveOld() {
	if l.old.live(l.clock()) {
		l.flight.serve(l.old.value)
	}
}

// cost is what computing the value is expected to take; 0: nobody knows.
func (l *lead) cost() time.Duration {
	cost, known := l.kinds.cost(l.kind)
	if l.row.cost > 0 || known {
		cost = max(cost, l.row.cost, 1)
	}
	return time.Duration(cost) * time.Millisecond
}

// claim says in the row that this instance computes, or waits for the one that
// said so before and returns its value. It returns nil when the value is to be
// computed here.
func (l *lead) claim(ctx context.Context, cost time.Duration) []byte {
	lasts := unknownClaim
	if cost > 0 {
		lasts = min(max(2*cost, minClaim), maxClaim)
	}
	end := l.clock() + maxClaim.Milliseconds()
	for pause := min(max(cost/8, minPause), maxPause); ; pause = min(pause*3/2, maxPause) {
		now := l.clock()
		if now >= end {
			return nil
		}
		if l.row.claim <= now {
			claimed := l.row.record
			claimed.claim = now + lasts.Milliseconds()
			version, o := l.second.write(ctx, l.o.Key, &claimed, l.row.version)
			switch o {
			case written:
				l.row.version, l.claimed = version, true
				return nil
			case unknown:
				l.stored = false // the row may be another one now
				return nil
			case tooLarge:
				return nil
			case conflict:
			}
		} else {
			if l.row.live(now) {
				return l.row.value // another instance is at it
			}
			if l.sleep(ctx, pause) != nil {
				return nil
			}
		}
		if l.row, l.stored = l.second.read(ctx, l.o.Key); !l.stored {
			return nil
		}
		now = l.clock()
		if l.row.live(now) && (l.row.claim > now || !l.row.due(now, 0)) {
			l.fill(l.o.Key, &l.row.record, l.mark)
			return l.row.value
		}
	}
}

// keep keeps what was computed. A row that has changed meanwhile stays: it was
// removed, or set, or another instance was faster.
func (l *lead) keep(ctx context.Context, r *record) {
	// The key may be set at any time: what came before this mark is seen by the
	// next line, and what comes after it by the first level.
	mark := l.first.mark(l.o.Key)
	if !l.flights.current(l.flight) {
		l.release(ctx)
		return
	}
	if l.second == nil || !l.stored {
		l.fill(l.o.Key, r, mark)
		return
	}
	switch _, o := l.second.write(ctx, l.o.Key, r, l.row.version); o {
	case written, unknown:
		l.fill(l.o.Key, r, mark)
	case tooLarge:
		l.tellTooLarge(l.kind, len(r.value))
		l.fill(l.o.Key, r, mark)
		if l.row.version != "" {
			_ = l.second.remove(ctx, l.o.Key, l.row.version)
		}
	case conflict:
	}
}

// alone lets those who wait compute on their own, and those who come.
func (l *lead) alone() {
	if !l.old.live(l.clock()) {
		l.first.put(l.o.Key, entry{unshared: true, until: l.clock() + unsharedFor.Milliseconds()}, l.mark)
	}
	l.flight.serve(nil)
}

// unshared ends a computation that made nothing to keep: the old value is served
// where there is one.
func (l *lead) unshared(ctx context.Context, value []byte, err error) ([]byte, bool, error) {
	if value == nil && l.old.live(l.clock()) {
		value = l.old.value
	}
	if ctx.Err() != nil {
		l.flight.leave()
	} else {
		l.alone()
	}
	l.release(ctx)
	return value, true, err
}

// release takes back a claim: the row is as it was before.
func (l *lead) release(ctx context.Context) {
	if !l.claimed {
		return
	}
	l.claimed = false
	if before := l.row.record; before.live(l.clock()) {
		before.claim = 0
		_, _ = l.second.write(ctx, l.o.Key, &before, l.row.version)
		return
	}
	_ = l.second.remove(ctx, l.o.Key, l.row.version) // it expires
}

// Package limit knows how instances count together: rate limits, quotas and
// what is at work, over a store in which each write costs a round trip.
//
// # Leases
//
// A counter is one row of the store. An instance that needs more than one call
// of it leases them: one write charges them to the row before they are used,
// and until the lease ends they are admitted from memory. A lease grows and
// shrinks with the demand that the instance sees, so that a hot counter costs a
// few hundredths of a store operation per call and a cold one a round trip. While a
// third of a rate limit is left, a lease lasts a quarter of the period, 15 seconds
// at most; when little is left a fiftieth, because what one instance holds back
// another one needs.
//
// The row of a rate limit is a log of what was charged. A lease is charged at
// the time at which it ends: every call is admitted no later than the time that
// the log has for it. When a lease is granted, what the log has of the last
// period, with the lease, is at most the limit; so that in no interval of a
// period more calls are admitted than that, whatever instances are killed or
// frozen in between. What a lease did not use goes back at the next visit of the
// store, or when the period is over. A lease ends by the wall clock, because the
// monotonic one may stand still while an instance is frozen.
//
// # What is promised
//
//   - Rate limits: in any interval of the renewal period, all instances together
//     admit at most the calls of the limit, as long as the store answers and
//     their clocks agree. Clocks that differ by d shorten the interval by d; one
//     that differs by more than five seconds may let calls pass again.
//   - A call may be refused although capacity is left: near the limit, and when
//     many instances start at once on one counter. RetryAfter is then when to ask
//     again, which is not sooner than it could pass.
//   - Quotas: calls are never more than the quota, except for what is counted
//     after the call, and an increment of several, which only needs one to be
//     left. A killed instance takes with it at most the calls that it had leased
//     and not used: two seconds of its demand, and a hundredth of the quota.
//     Bandwidth is known afterwards: the excess is what is on the way when the
//     quota runs out, and for each instance the lesser of 1 MiB and a hundredth
//     of the quota, which is also what a killed instance may fail to count.
//   - Calls at work: at most so many on all instances together. The places of a
//     killed instance are free again after ten seconds.
//
// # When the store does not answer
//
// After a visit that failed, the store is left alone for about a second, and the
// log says so once. Leases are honoured until they end. Calls beyond them are
// allowed by rate limits and refused by quotas, unless the policy says otherwise.
package limit

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"log/slog"
	"time"

	"toolgate/shared/policy"
	"toolgate/shared/state"
)

// Options are what Limits are made with. The zero value works.
type Options struct {
	// Now is the clock; nil is time.Now. Its wall clock counts.
	Now func() time.Time
	// Random is a source of random numbers; nil is crypto/rand.
	Random func() uint64
	// Log receives that the store does not answer, and that it does again; nil
	// discards it.
	Log *slog.Logger
}

// Limits count in a store that instances share. They are safe for concurrent
// use, run nothing in the background except while work of limit-concurrency is
// going on, and hold a bounded number of counters in memory.
type Limits struct {
	rows    *rows
	windows table[windowKey, *windowCounter]
	quotas  table[quotaKey, *quotaCounter]
	places  table[string, *placeCounter]
	id      uint64 // of this instance among those at work
}

var (
	_ policy.Limiter     = (*Limits)(nil)
	_ policy.Quotas      = (*Limits)(nil)
	_ policy.Concurrency = (*Limits)(nil)
)

// maxCounters is how many counters of a kind are kept in memory, about 500 bytes
// each and 1 KiB more for the log of a hot one. One that has to go is read again
// from the store when it is needed; what it had leased stays charged.
const maxCounters = 10_000

// New makes Limits that count in a store.
func New(store state.Store, o Options) *Limits {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = random
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	l := &Limits{rows: &rows{store: store, now: o.Now, random: o.Random, log: o.Log}}
	l.id = o.Random()
	l.windows.init(maxCounters)
	l.quotas.init(maxCounters)
	l.places.init(maxCounters)
	return l
}

// random is a number that nobody can guess.
func random() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	return binary.LittleEndian.Uint64(b[:])
}

// Stats are what Limits did since they were made.
type Stats struct {
	Reads, Writes uint64 // of the store, with those that failed
	Conflicts     uint64 // writes that came after somebody else's
	Unanswered    uint64 // operations that the store did not answer
	Openings      uint64 // how often the store was left alone because it did not answer
	Allowed       uint64 // calls that passed without being counted
	Refused       uint64 // calls that did not pass because they could not be counted
}

// Stats returns the numbers since the start.
func (l *Limits) Stats() Stats {
	r := l.rows
	return Stats{
		Reads: r.reads.Load(), Writes: r.writes.Load(), Conflicts: r.conflicts.Load(), Unanswered: r.unanswered.Load(),
		Openings: r.breaker.openings.Load(), Allowed: r.allowed.Load(), Refused: r.refused.Load(),
	}
}

// uncounted is what becomes of a call that cannot be counted.
func (l *Limits) uncounted(allow bool) error {
	if allow {
		l.rows.allowed.Add(1)
		return nil
	}
	l.rows.refused.Add(1)
	return &policy.UncountedError{RetryAfter: l.rows.breaker.left(l.rows.clock())}
}

// Enter serves policy.Concurrency. Calling leave again has no effect. Calls pass
// while the store does not answer.
func (l *Limits) Enter(ctx context.Context, key string, most int) (leave func(), err error) {
	return l.enter(ctx, key, int64(most))
}

// Package memory knows what one instance remembers: counters of limits and
// quotas, what is at work, and what is kept of budgets for calls that are on the
// way, behind the interfaces of package policy. Instances
// share nothing of it: each counts its own calls only, so that n instances
// together let through up to n times a limit, and what was counted is gone when
// the instance ends.
package memory

import (
	"time"

	"toolgate/shared/policy"
)

// Options are what a Store is made with.
type Options struct {
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Store is the memory of one instance. It is safe for concurrent use, and what
// it holds is bounded: expired entries are removed as calls go on, and beyond
// the bounds those that were not used for the longest time.
type Store struct {
	now     func() time.Time
	windows guarded[*window]
	periods guarded[*period]
	work    work

	reserves reserves
}

var (
	_ policy.Limiter     = (*Store)(nil)
	_ policy.Quotas      = (*Store)(nil)
	_ policy.Concurrency = (*Store)(nil)
	_ policy.Reserves    = (*Store)(nil)
)

// The bounds of a Store. A counter that has to go for another one begins anew
// when it is needed again, which takes more keys at a time than these.
const (
	maxCounters = 1 << 16
)

// New makes an empty Store.
func New(o Options) *Store {
	s := &Store{now: o.Now}
	if s.now == nil {
		s.now = time.Now
	}
	s.windows.table = newTable[*window](maxCounters)
	s.periods.table = newTable[*period](maxCounters)
	s.work.running = map[string]int{}
	s.reserves.kept, s.reserves.kinds = map[string]policy.Money{}, map[string]*lastPrices{}
	return s
}

// clock is the time in nanoseconds since 1970. It is the wall clock, because the
// monotonic one may stand still while an instance is frozen.
func (s *Store) clock() int64 { return s.now().UnixNano() }

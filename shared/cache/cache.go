// Package cache knows how a value is kept and found again: in the memory of one
// instance for a moment (the first level), in the store that all instances share
// for as long as it lasts (the second), and computed once where many ask for it.
//
// What it promises:
//
//   - A store that fails is a miss, never an error; only a removal that may not
//     have happened is one.
//   - Writes have ended when a method returns, since an instance may be frozen
//     afterwards.
//   - An instance sees its own writes at once. It sees those of others, removals
//     among them, within 10 seconds ([firstLifetime]).
//   - A value of more than 2 MiB is not kept; one that takes more than a row of the
//     store when compressed ([state.MaxData]) stays in the first level, and the log
//     says so once for each kind of value.
//
// What a call costs in operations of the store, as TestOperations counts them:
//
//	                                                   reads  writes  deletes
//	found in the first level                               0       0        0
//	found in the second level, or nowhere                  1       0        0
//	set                                                    0       1        0
//	removed                                                0       0        1
//	computed in less than 250 ms                           1       1        0
//	computed in more, or the first of its kind             1       2        0
//	another instance that waits for it, for each second    6       0        0
//
// With 40 callers a second on 8 instances, a value that takes two seconds and lives
// for a minute is computed 1.1 times a minute at 0.03 operations for each caller,
// and one that takes 100 ms 6.7 times at 0.03 (TestSteadyLoad).
package cache

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"toolgate/shared/policy"
	"toolgate/shared/state"
)

const (
	// firstBytes bounds the first level, and maxValue one value, so that none
	// empties it.
	firstBytes = 16 << 20
	maxValue   = firstBytes / 8
	// firstLifetime bounds how long a value of the second level is served from the
	// first: until then, what other instances do to it is not seen.
	firstLifetime = 10 * time.Second
)

// Options are what a Cache is made with. The zero value works.
type Options struct {
	// Store is the second level; nil: there is none, and values live in the memory
	// of this instance for all of their time.
	Store state.Store
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Sleep waits for what another instance computes, and returns early with the
	// context's error; nil waits by a timer.
	Sleep func(ctx context.Context, d time.Duration) error
	// Random is a number of 0 up to 1, exclusive; nil is the system's. It must be
	// safe for concurrent use.
	Random func() float64
	// Log receives what operators should know; nil discards it.
	Log *slog.Logger
}

// Cache keeps values. It is safe for concurrent use, and starts no goroutines.
type Cache struct {
	now     func() time.Time
	sleep   func(ctx context.Context, d time.Duration) error
	random  func() float64
	log     *slog.Logger
	first   level1
	second  *level2 // nil: there is none
	flights flights
	kinds   kinds
}

var _ policy.Cache = (*Cache)(nil)

// New makes a Cache.
func New(o Options) *Cache {
	c := &Cache{now: o.Now, sleep: o.Sleep, random: o.Random, log: o.Log}
	if c.now == nil {
		c.now = time.Now
	}
	if c.sleep == nil {
		c.sleep = (&policy.Services{}).Wait
	}
	if c.random == nil {
		c.random = rand.Float64
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if o.Store != nil {
		c.second = &level2{store: o.Store, log: c.log, clock: c.clock}
	}
	return c
}

// clock is the time in milliseconds since 1970. It is the wall clock, because the
// monotonic one may stand still while an instance is frozen.
func (c *Cache) clock() int64 { return c.now().UnixMilli() }

// Get returns the value of a key, or nil. The error is always nil.
func (c *Cache) Get(ctx context.Context, key string) ([]byte, error) {
	mark := c.first.mark(key)
	if e, ok := c.first.get(key, c.clock()); ok || c.second == nil {
		return e.value, nil
	}
	row, ok := c.second.read(ctx, key)
	if !ok || !row.live(c.clock()) {
		return nil, nil
	}
	c.fill(key, &row.record, mark)
	return row.value, nil
}

// Set keeps a value for a time; a duration of 0 or less removes it, which is the
// one thing that can fail. What is being computed for the key meanwhile is not
// kept.
func (c *Cache) Set(ctx context.Context, key string, value []byte, d time.Duration) error {
	before := c.forget(key)
	if d.Milliseconds() <= 0 || len(value) > maxValue {
		// Who asked meanwhile found the old value in the store.
		defer c.forget(key)
		return c.remove(ctx, key)
	}
	now := c.clock()
	r := record{created: now, expires: now + d.Milliseconds(), value: value, present: true}
	if c.second != nil {
		if _, outcome := c.second.write(ctx, key, &r, state.AnyVersion); outcome == tooLarge {
			c.tellTooLarge(kindOf(key, ""), len(value))
			_ = c.remove(ctx, key) // of an older one, which would come back
		}
	}
	// Of writes at the same time the store knows which was the last.
	if mark := c.forget(key); mark == before+1 {
		c.fill(key, &r, mark)
	}
	return nil
}

// forget takes a key out of the first level, and keeps out what was read or begun
// to be computed before. It returns the key's new mark.
func (c *Cache) forget(key string) (mark uint32) {
	c.flights.forget(key) // before it leaves the first level, see lead.keep
	return c.first.remove(key)
}

// remove takes a value from the second level.
func (c *Cache) remove(ctx context.Context, key string) error {
	if c.second == nil {
		return nil
	}
	return c.second.remove(ctx, key, state.AnyVersion)
}

// fill puts a record into the first level, unless the key was written since mark.
func (c *Cache) fill(key string, r *record, mark uint32) {
	until := r.expires
	if c.second != nil {
		until = min(until, c.clock()+firstLifetime.Milliseconds())
	}
	value := r.value
	if value == nil {
		value = []byte{} // nil is for a key that is not there
	}
	c.first.put(key, entry{record: record{
		created: r.created, expires: r.expires, refresh: r.refresh, cost: r.cost, value: value, present: true,
	}, until: until}, mark)
}

// kindOf is what a value is one of: what the caller says, else what its key
// begins with.
func kindOf(key, kind string) string {
	prefix, _, _ := strings.Cut(key, " ")
	return cmp.Or(kind, prefix)
}

func (c *Cache) tellTooLarge(kind string, size int) {
	if c.kinds.tell(kind) {
		c.log.Warn("a value is too large to be shared between instances",
			"kind", kind, "bytes", size, "rowBytes", state.MaxData)
	}
}

package memory

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"toolgate/shared/policy"
)

// clock is a clock that tests set.
type clock struct{ nanoseconds atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.nanoseconds.Store(time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.nanoseconds.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.nanoseconds.Add(int64(d)) }

func newStore() (*Store, *clock) {
	c := newClock()
	return New(Options{Now: c.now}), c
}

func TestExpiredEntriesAreRemoved(t *testing.T) {
	s, c := newStore()
	take := func(key string, period time.Duration) {
		if _, err := s.Take(t.Context(), key, policy.Limit{Calls: 1, Period: period}, 1); err != nil {
			t.Fatal(err)
		}
	}
	const n = 1000
	for i := range n {
		take(fmt.Sprint(i), time.Duration(i%7+1)*time.Second)
	}
	c.advance(10 * time.Second)
	for range n {
		take("other", time.Hour)
	}
	if got := len(s.windows.table.entries); got != 1 {
		t.Errorf("%d entries are left, want 1", got)
	}
	if got := len(s.windows.table.due); got != 1 {
		t.Errorf("%d checks are left, want 1", got)
	}
}

func TestTableDropsWhatWasUsedLeast(t *testing.T) {
	table := newTable[int](3)
	for i, key := range []string{"a", "b", "c"} {
		table.put(key, i, 0)
	}
	table.get("a", 1)
	table.put("d", 3, 0)
	for key, want := range map[string]bool{"a": true, "b": false, "c": true, "d": true} {
		if got := table.get(key, 1) != nil; got != want {
			t.Errorf("%s is there: %v, want %v", key, got, want)
		}
	}
}

package memory

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"
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
	const n = 1000
	for i := range n {
		set(t, s, fmt.Sprint(i), "value", time.Duration(i%7+1)*time.Second)
	}
	c.advance(10 * time.Second)
	for range n {
		set(t, s, "other", "value", time.Hour)
	}
	if got := len(s.cached.table.entries); got != 1 {
		t.Errorf("%d entries are left, want 1", got)
	}
	if got := len(s.cached.table.due); got != 1 {
		t.Errorf("%d checks are left, want 1", got)
	}
	if got, want := s.cached.table.size, overhead+len("other")+len("value"); got != want {
		t.Errorf("the size is %d, want %d", got, want)
	}
}

func TestTableDropsWhatWasUsedLeast(t *testing.T) {
	table := newTable[int](3, 0)
	for i, key := range []string{"a", "b", "c"} {
		table.put(key, i, 0, 0)
	}
	table.get("a", 1)
	table.put("d", 3, 0, 0)
	for key, want := range map[string]bool{"a": true, "b": false, "c": true, "d": true} {
		if got := table.get(key, 1) != nil; got != want {
			t.Errorf("%s is there: %v, want %v", key, got, want)
		}
	}
}

func TestTableIsBoundInBytes(t *testing.T) {
	table := newTable[int](100, 3*(overhead+1+10))
	for i := range 10 {
		table.put(fmt.Sprint(i), i, 10, 0)
	}
	if got := len(table.entries); got != 3 {
		t.Errorf("%d entries fit, want 3", got)
	}
	if table.oldest.key != "7" || table.newest.key != "9" {
		t.Errorf("got %s to %s, want 7 to 9", table.oldest.key, table.newest.key)
	}
}

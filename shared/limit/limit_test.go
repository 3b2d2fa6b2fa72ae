package limit

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"toolgate/shared/policy"
	"toolgate/shared/state"
)

// alone is one instance on a store without a line in between.
func alone() (*Limits, *state.Memory) {
	m := &state.Memory{}
	return New(m, Options{}), m
}

// times is how often do passes of n times.
func times(n int, do func() bool) int {
	passed := 0
	for range n {
		if do() {
			passed++
		}
	}
	return passed
}

func TestTakeIsExactForOneInstance(t *testing.T) {
	for _, calls := range []int{1, 2, 10, 100, 1000} {
		synctest.Test(t, func(t *testing.T) {
			l, _ := alone()
			limit := policy.Limit{Calls: calls, Period: time.Minute}
			var last policy.Spent
			take := func() bool {
				s, err := l.Take(t.Context(), "k", limit, 1)
				if err != nil {
					t.Fatal(err)
				}
				last = s
				time.Sleep(5 * time.Millisecond)
				return !s.Exceeded
			}
			for i := range calls {
				if !take() || last.Remaining != calls-i-1 {
					t.Fatalf("call %d of %d: got %+v, want that it passes and %d remain", i+1, calls, last, calls-i-1)
				}
			}
			if take() {
				t.Fatalf("more than %d passed", calls)
			}
			if last.Remaining != 0 || last.RetryAfter > time.Minute || last.RetryAfter < 50*time.Second {
				t.Errorf("refused with %+v", last)
			}
			time.Sleep(last.RetryAfter)
			if !take() {
				t.Errorf("refused again with %+v after RetryAfter", last)
			}
		})
	}
}

func TestTakeCosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := alone()
		limit := policy.Limit{Calls: 100, Period: time.Minute}
		for _, step := range []struct {
			cost      int
			late      bool
			exceeded  bool
			remaining int
		}{
			{0, false, false, 100}, {40, false, false, 60}, {61, false, true, 60}, {30, false, false, 30}, {0, false, false, 30},
			{20, true, false, 10}, {11, false, true, 10}, {10, false, false, 0}, {0, false, true, 0}, {1, false, true, 0}, {50, true, false, 0}, {101, false, true, 0},
		} {
			do := l.Take
			if step.late {
				do = l.Add
			}
			got, err := do(t.Context(), "k", limit, step.cost)
			if err != nil || got.Exceeded != step.exceeded || got.Remaining != step.remaining {
				t.Errorf("%+v: got %+v, %v", step, got, err)
			}
			if got.Exceeded != (got.RetryAfter > 0) {
				t.Errorf("%+v: RetryAfter is %v", step, got.RetryAfter)
			}
			time.Sleep(time.Millisecond)
		}
		time.Sleep(59 * time.Second)
		if s, _ := l.Take(t.Context(), "k", limit, 1); !s.Exceeded {
			t.Errorf("the period is not over: got %+v", s)
		}
		time.Sleep(3 * time.Second)
		if s, _ := l.Take(t.Context(), "k", limit, 100); s.Exceeded {
			t.Errorf("the period is over: got %+v", s)
		}
	})
}

// What was added late counts for others, even while a lease is there.
func TestLimitsOfOneKeyShareACounter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := alone()
		few, many := policy.Limit{Calls: 10, Period: time.Minute}, policy.Limit{Calls: 1000, Period: time.Minute}
		take := func(limit policy.Limit) func() bool {
			return func() bool {
				s, err := l.Take(t.Context(), "k", limit, 1)
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Millisecond)
				return !s.Exceeded
			}
		}
		if got := times(8, take(many)); got != 8 {
			t.Errorf("%d of 8 passed", got)
		}
		time.Sleep(5 * time.Second)
		if got := times(8, take(few)); got != 2 {
			t.Errorf("%d passed by the limit of 10 after 8 others, want 2", got)
		}
		if got := times(500, take(many)); got != 500 {
			t.Errorf("%d of 500 passed by the limit of 1000", got)
		}
		if got := times(1, take(few)); got != 0 {
			t.Error("one passed by the limit of 10")
		}
		if s, _ := l.Take(t.Context(), "k", policy.Limit{Calls: 10, Period: time.Second}, 1); s.Exceeded {
			t.Error("another period is another counter")
		}
	})
}

// Callers of one instance share visits.
func TestVisitsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, fleetOptions{n: 1, seed: 1})
		limit := policy.Limit{Calls: 1000, Period: time.Minute}
		var wg sync.WaitGroup
		for range 1200 {
			wg.Go(func() { f.take(f.instances[0], limit) })
		}
		wg.Wait()
		if len(f.admitted) != 1000 {
			t.Errorf("%d passed, want 1000", len(f.admitted))
		}
		if got := f.ops.Load(); got > 8 {
			t.Errorf("%d store operations for 1200 calls at once, want few", got)
		}
	})
}

// Refused calls do not visit the store.
func TestRefusalsAreFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, fleetOptions{n: 2, seed: 1})
		limit := policy.Limit{Calls: 5, Period: time.Minute}
		for range 10_000 {
			for _, in := range f.instances {
				f.take(in, limit)
			}
			time.Sleep(5 * time.Millisecond)
		}
		if len(f.admitted) != 5 && len(f.admitted) != 10 {
			t.Errorf("%d passed", len(f.admitted))
		}
		if got := f.ops.Load(); got > 100 {
			t.Errorf("%d store operations for 20,000 calls, want few", got)
		}
	})
}

// A row from a clock that is an hour ahead holds the counter back for a period
// and not for an hour.
func TestClockFarAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, m := alone()
		limit := policy.Limit{Calls: 5, Period: time.Minute}
		ahead := New(m, Options{Now: func() time.Time { return time.Now().Add(time.Hour) }})
		times(5, func() bool { s, _ := ahead.Take(t.Context(), "k", limit, 1); return !s.Exceeded })
		if s, _ := l.Take(t.Context(), "k", limit, 1); !s.Exceeded {
			t.Error("the limit is reached")
		}
		time.Sleep(limit.Period + (longestLease+trusted)*time.Millisecond)
		if s, _ := l.Take(t.Context(), "k", limit, 1); s.Exceeded {
			t.Errorf("the counter is held back still: %+v", s)
		}
	})
}

// A lease is over when the clock is set back: nobody knows how old it is.
func TestClockSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var back time.Duration
		l := New(&state.Memory{}, Options{Now: func() time.Time { return time.Now().Add(-back) }})
		limit := policy.Limit{Calls: 1000, Period: time.Minute}
		take := func() bool {
			s, _ := l.Take(t.Context(), "k", limit, 1)
			time.Sleep(time.Millisecond)
			return !s.Exceeded
		}
		c := l.window("k", limit.Period)
		passed := times(200, take)
		for ; c.tokens < 10; passed++ {
			take()
		}
		before := l.Stats().Writes
		back = time.Minute
		if !take() || l.Stats().Writes == before {
			t.Error("the lease was used")
		}
		if passed += 1 + times(2000, take); passed > 1000 {
			t.Errorf("%d passed, want at most 1000", passed)
		}
	})
}

func TestTableIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := alone()
		l.windows.init(4)
		limit := policy.Limit{Calls: 1000, Period: time.Minute}
		take := func(key string) policy.Spent {
			s, err := l.Take(t.Context(), key, limit, 1)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		for range 50 { // they get leases with something left
			for i := range 4 {
				take(fmt.Sprint(i))
				time.Sleep(time.Millisecond)
			}
		}
		for i := range 20 {
			if s := take(fmt.Sprint("other ", i)); s.Exceeded || s.Remaining != 999 {
				t.Errorf("got %+v", s)
			}
		}
		for i := range 4 {
			if l.windows.places[windowKey{fmt.Sprint(i), 60_000}] == nil {
				t.Errorf("counter %d has gone with its lease", i)
			}
		}
		time.Sleep(2 * time.Second)
		for i := range 20 {
			take(fmt.Sprint("other ", i))
		}
		if got := len(l.windows.places); got != 4 || l.windows.recent.Len() != 4 {
			t.Errorf("%d counters are kept, want 4", got)
		}
		if s := take("0"); s.Remaining > 949 || s.Remaining < 900 {
			t.Errorf("%d remain when the counter is back, want 949 and what its lease had left", s.Remaining)
		}
	})
}

// An admission from a lease allocates nothing.
func TestAdmissionDoesNotAllocate(t *testing.T) {
	l, _ := alone()
	limit := policy.Limit{Calls: 1 << 30, Period: 300 * time.Second}
	quota := policy.Quota{Calls: 1 << 30, Period: time.Hour}
	ctx := t.Context()
	take := func() { _, _ = l.Take(ctx, "k", limit, 1) }
	use := func() { _, _ = l.Use(ctx, "k", quota, policy.Usage{Calls: 1}, false) }
	for range 20_000 {
		take()
		use()
	}
	if got := testing.AllocsPerRun(1000, take); got > 0 {
		t.Errorf("%v allocations for a call, want 0", got)
	}
	if got := testing.AllocsPerRun(1000, use); got > 0 {
		t.Errorf("%v allocations for a call by quota, want 0", got)
	}
}

func BenchmarkTake(b *testing.B) {
	l, _ := alone()
	limit := policy.Limit{Calls: 1 << 40, Period: 300 * time.Second}
	b.ReportAllocs()
	for b.Loop() {
		if s, err := l.Take(b.Context(), "k", limit, 1); err != nil || s.Exceeded {
			b.Fatal(s, err)
		}
	}
}

func BenchmarkVisit(b *testing.B) {
	m := &state.Memory{}
	limit := policy.Limit{Calls: 1 << 40, Period: 60 * time.Second}
	var now atomic.Int64
	now.Store(time.Now().UnixMilli())
	var all []*Limits
	for range 4 {
		all = append(all, New(m, Options{Now: func() time.Time { return time.UnixMilli(now.Load()) }}))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		now.Add(317)
		if s, err := all[i%4].Take(b.Context(), "k", limit, 1); err != nil || s.Exceeded {
			b.Fatal(s, err)
		}
	}
}

package memory

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"toolgate/shared/policy"
)

func TestTake(t *testing.T) {
	s, c := newStore()
	limit := policy.Limit{Calls: 3, Period: 10 * time.Second}
	steps := []struct {
		after time.Duration
		cost  int
		want  policy.Spent
	}{
		{0, 0, policy.Spent{Remaining: 3}},
		{0, 1, policy.Spent{Remaining: 2}},
		{4 * time.Second, 2, policy.Spent{Exceeded: false, Remaining: 0, RetryAfter: 6 * time.Second}},
		{0, 1, policy.Spent{Exceeded: true, RetryAfter: 6 * time.Second}},
		{0, 0, policy.Spent{Exceeded: true, RetryAfter: 6 * time.Second}},
		{6*time.Second - 1, 1, policy.Spent{Exceeded: true, RetryAfter: 1}},
		{1, 1, policy.Spent{Remaining: 0, RetryAfter: 4 * time.Second}},
		{4 * time.Second, 3, policy.Spent{Exceeded: true, Remaining: 2, RetryAfter: 6 * time.Second}},
		{0, 2, policy.Spent{Remaining: 0, RetryAfter: 6 * time.Second}},
		{0, 4, policy.Spent{Exceeded: true, RetryAfter: 10 * time.Second}},
		{time.Minute, 0, policy.Spent{Remaining: 3}},
	}
	for i, step := range steps {
		c.advance(step.after)
		got, err := s.Take(t.Context(), "key", limit, step.cost)
		if err != nil || got != step.want {
			t.Errorf("step %d: got %+v, %v, want %+v", i, got, err, step.want)
		}
	}
}

// take takes one that must pass.
func take(t *testing.T, s *Store, key string, l policy.Limit) {
	t.Helper()
	if got, err := s.Take(t.Context(), key, l, 1); err != nil || got.Exceeded {
		t.Fatalf("got %+v, %v, want it passed", got, err)
	}
}

func TestAddCountsInAnyCase(t *testing.T) {
	s, c := newStore()
	limit := policy.Limit{Calls: 3, Period: time.Minute}
	got, _ := s.Add(t.Context(), "key", limit, 10)
	if want := (policy.Spent{RetryAfter: time.Minute}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, _ := s.Take(t.Context(), "key", limit, 0); !got.Exceeded {
		t.Errorf("got %+v, want it exceeded", got)
	}
	c.advance(time.Minute)
	if got, _ := s.Take(t.Context(), "key", limit, 3); got.Exceeded {
		t.Errorf("got %+v a period later, want it passed", got)
	}
}

func TestCountersAreToldApart(t *testing.T) {
	s, _ := newStore()
	one := policy.Limit{Calls: 1, Period: time.Minute}
	take(t, s, "a", one)
	for _, tt := range []struct {
		name  string
		key   string
		limit policy.Limit
		want  bool
	}{
		{"another key", "b", one, false},
		{"another period", "a", policy.Limit{Calls: 1, Period: time.Second}, false},
		{"another number of calls", "a", policy.Limit{Calls: 2, Period: time.Minute}, false},
		{"the same", "a", one, true},
	} {
		if got, _ := s.Take(t.Context(), tt.key, tt.limit, 0); got.Exceeded != tt.want {
			t.Errorf("%s: exceeded is %v, want %v", tt.name, got.Exceeded, tt.want)
		}
	}
}

func TestClockSetBack(t *testing.T) {
	s, c := newStore()
	limit := policy.Limit{Calls: 1, Period: time.Minute}
	take(t, s, "key", limit)
	c.advance(-time.Hour)
	if got, _ := s.Take(t.Context(), "key", limit, 1); !got.Exceeded {
		t.Error("a clock that was set back let a call through")
	}
}

// In no period are more calls let through than the limit; up to as many calls
// as there are runs, none is refused that would fit.
func TestWindowIsNeverExceeded(t *testing.T) {
	for _, calls := range []int{1, 7, maxRuns, 10 * maxRuns} {
		t.Run(fmt.Sprint(calls), func(t *testing.T) {
			s, c := newStore()
			r := rand.New(rand.NewPCG(1, uint64(calls))) // the same in every run
			limit := policy.Limit{Calls: calls, Period: time.Second}
			var passed []int64
			for range 8 * calls {
				c.advance(time.Duration(r.Int64N(int64(time.Second) / int64(calls))))
				now := c.nanoseconds.Load()
				got, _ := s.Take(t.Context(), "key", limit, 1)
				full := len(passed) >= calls && passed[len(passed)-calls] > now-int64(time.Second)
				if full && !got.Exceeded {
					t.Fatalf("call %d passed beyond the limit", len(passed))
				}
				if !full && got.Exceeded && calls <= maxRuns {
					t.Fatalf("a call was refused that fits, after %d", len(passed))
				}
				if !got.Exceeded {
					passed = append(passed, now)
				}
				if n := len(s.windows.table.newest.value.runs); n > maxRuns+2 {
					t.Fatalf("%d runs are kept, want at most %d", n, maxRuns+2)
				}
			}
			if seconds := float64(passed[len(passed)-1]-passed[0]) / 1e9; float64(len(passed)) < 0.97*float64(calls)*(seconds-1) {
				t.Errorf("%d calls passed in %.1f seconds, want about %d a second", len(passed), seconds, calls)
			}
		})
	}
}

func TestTakeInParallel(t *testing.T) {
	s, _ := newStore()
	var passed atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				if got, _ := s.Take(t.Context(), "key", policy.Limit{Calls: 300, Period: time.Minute}, 1); !got.Exceeded {
					passed.Add(1)
				}
			}
		})
	}
	all.Wait()
	if got := passed.Load(); got != 300 {
		t.Errorf("%d calls passed, want 300", got)
	}
}

func BenchmarkTake(b *testing.B) {
	for _, shards := range []int{1, 16} {
		b.Run(fmt.Sprintf("stores=%d", shards), func(b *testing.B) {
			stores := make([]*Store, shards)
			for i := range stores {
				stores[i] = New(Options{})
			}
			keys := make([]string, 1024)
			for i := range keys {
				keys[i] = fmt.Sprintf("rate-limit-by-key subscription-%d", i)
			}
			limit := policy.Limit{Calls: 100, Period: time.Minute}
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				i := rand.IntN(1024)
				for pb.Next() {
					i = (i + 7) % len(keys)
					_, _ = stores[i%shards].Take(b.Context(), keys[i], limit, 1)
				}
			})
		})
	}
}

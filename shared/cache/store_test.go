package cache

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"toolgate/shared/state"
)

// counted is a store in memory with a round trip, which counts its operations
// and can be made to fail.
type counted struct {
	state.Memory
	roundTrip         time.Duration
	late              time.Duration // after which writes and deletes are applied
	broken            atomic.Bool
	loses             atomic.Bool // the answer of the next write, which is applied
	gets, puts, drops atomic.Int32
	failures          atomic.Int32
}

func (s *counted) arrive(n *atomic.Int32) error {
	if s.broken.Load() {
		s.failures.Add(1)
		return state.ErrBusy
	}
	n.Add(1)
	time.Sleep(s.roundTrip)
	return nil
}

func (s *counted) Get(ctx context.Context, k state.Key) (state.Record, error) {
	if err := s.arrive(&s.gets); err != nil {
		return state.Record{}, err
	}
	return s.Memory.Get(ctx, k)
}

func (s *counted) Put(ctx context.Context, k state.Key, r state.Record) (string, error) {
	if err := s.arrive(&s.puts); err != nil {
		return "", err
	}
	time.Sleep(s.late)
	version, err := s.Memory.Put(ctx, k, r)
	if s.loses.Swap(false) {
		return "", state.ErrBusy
	}
	return version, err
}

func (s *counted) Delete(ctx context.Context, k state.Key, version string) error {
	if err := s.arrive(&s.drops); err != nil {
		return err
	}
	time.Sleep(s.late)
	return s.Memory.Delete(ctx, k, version)
}

// operations are those since the last time: reads, writes and deletes.
func (s *counted) operations() [3]int32 {
	return [3]int32{s.gets.Swap(0), s.puts.Swap(0), s.drops.Swap(0)}
}

// clock is a clock that tests set.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// never is a random number that refreshes nothing early.
func never() float64 { return 0 }

func set(t testing.TB, c *Cache, key, value string, d time.Duration) {
	t.Helper()
	if err := c.Set(t.Context(), key, []byte(value), d); err != nil {
		t.Fatal(err)
	}
}

// want compares the value of a key; "-" is for one that is not there.
func want(t *testing.T, c *Cache, key, value string) {
	t.Helper()
	got, err := c.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	text := "-"
	if got != nil {
		text = string(got)
	}
	if len(text) > 40 {
		text = text[:40]
	}
	if text != value {
		t.Errorf("%s is %q, want %q", key, text, value)
	}
}

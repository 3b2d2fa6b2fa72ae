package limit

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"toolgate/shared/policy"
	"toolgate/shared/state"
)

// Instances freeze and thaw, in the middle of visits too, and are killed and
// replaced: never are more calls admitted.
func TestLimitHoldsWhateverInstancesDo(t *testing.T) {
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) {
			limit := policy.Limit{Calls: 600, Period: 20 * time.Second}
			o := fleetOptions{n: 8, seed: seed, lost: 0.03, busy: 0.01}
			f := newFleet(t, o)
			var dead []*instance
			stop := make(chan struct{})
			var chaos sync.WaitGroup
			chaos.Go(func() {
				r := rand.New(rand.NewPCG(seed, 99))
				for stream := uint64(1000); ; stream++ {
					select {
					case <-stop:
						return
					case <-time.After(time.Duration(r.Float64() * float64(2*time.Second))):
					}
					f.mu.Lock()
					i := r.IntN(len(f.instances))
					in := f.instances[i]
					in.gate.freeze()
					if r.Float64() < 0.3 {
						dead = append(dead, in)
						f.instances[i] = f.start(o, stream)
					} else {
						time.AfterFunc(time.Duration(r.Float64()*float64(40*time.Second)), in.gate.thaw)
					}
					f.mu.Unlock()
				}
			})
			f.end = func() {
				close(stop)
				chaos.Wait()
				for _, in := range append(dead, f.instances...) {
					in.gate.thaw()
				}
			}
			f.arrive(90, 2*time.Minute, func(in *instance) { f.take(in, limit) })
			var allowed uint64
			for _, in := range append(dead, f.instances...) {
				allowed += in.Stats().Allowed
			}
			t.Logf("peak %d, %d admitted, %d refused, %d not counted", f.peak(limit.Period), len(f.admitted), f.refused, allowed)
			if got := f.peak(limit.Period); got > limit.Calls+int(allowed) {
				t.Errorf("seed %d: %d were admitted in a period, want at most %d and %d that were not counted", seed, got, limit.Calls, allowed)
			}
			if allowed > 20 {
				t.Errorf("seed %d: %d calls were not counted, want few", seed, allowed)
			}
			if got, least := len(f.admitted), limit.Calls*5/2; got < least {
				t.Errorf("seed %d: %d were admitted, want at least %d", seed, got, least)
			}
		})
	}
}

// A store that is gone opens the breaker once, and each kind does what it is
// told to.
func TestStoreFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		f := newFleet(t, fleetOptions{n: 1, seed: 3})
		in := f.instances[0]
		in.rows.log = slog.New(slog.NewTextHandler(&out, nil))
		limit := policy.Limit{Calls: 10, Period: 10 * time.Second}
		quota := policy.Quota{Calls: 10, Period: time.Hour}
		take := func(key string, failure policy.StoreFailure) (policy.Spent, error) {
			l := limit
			l.OnStoreFailure = failure
			return in.Take(t.Context(), key, l, 1)
		}
		use := func(key string, failure policy.StoreFailure) error {
			q := quota
			q.OnStoreFailure = failure
			_, err := in.Use(t.Context(), key, q, policy.Usage{Calls: 1}, false)
			return err
		}
		f.allBusy.Store(true)
		for range 100 {
			if s, err := take("a", policy.UncountedByKind); err != nil || s.Exceeded {
				t.Fatalf("a rate limit: got %+v, %v, want that it passes", s, err)
			}
			if err := use("b", policy.AllowUncounted); err != nil {
				t.Fatalf("a quota that allows: %v", err)
			}
			var uncounted *policy.UncountedError
			if _, err := take("c", policy.RefuseUncounted); !errors.As(err, &uncounted) || uncounted.RetryAfter <= 0 {
				t.Fatalf("a rate limit that refuses: got %v", err)
			}
			if err := use("d", policy.UncountedByKind); !errors.As(err, &uncounted) {
				t.Fatalf("a quota: got %v", err)
			}
			if leave, err := in.Enter(t.Context(), "e", 1); err != nil || leave == nil {
				t.Fatalf("limit-concurrency: got %v, want that it passes", err)
			}
			time.Sleep(50 * time.Millisecond)
		}
		if got := strings.Count(out.String(), "level=WARN"); got != 1 {
			t.Errorf("%d warnings, want 1:\n%s", got, out.String())
		}
		s := in.Stats()
		if s.Openings != 1 || s.Allowed != 300 || s.Refused != 200 || s.Unanswered > 40 {
			t.Errorf("got %+v, want 1 opening, 300 allowed, 200 refused and few operations", s)
		}
		f.allBusy.Store(false)
		time.Sleep(mostAway)
		passed := 0
		for range 20 {
			if s, err := take("a", policy.RefuseUncounted); err == nil && !s.Exceeded {
				passed++
			}
		}
		if passed != 10 {
			t.Errorf("%d of 10 pass when the store is back", passed)
		}
		if !strings.Contains(out.String(), "answers again") {
			t.Errorf("the log does not say that the store is back:\n%s", out.String())
		}
	})
}

// A lease is honoured while the store does not answer, and no longer.
func TestLeaseOutlivesTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, fleetOptions{n: 1, seed: 3})
		in := f.instances[0]
		limit := policy.Limit{Calls: 10_000, Period: 100 * time.Second, OnStoreFailure: policy.RefuseUncounted}
		for range 100 {
			f.take(in, limit)
			time.Sleep(20 * time.Millisecond)
		}
		c := in.window("k", limit.Period)
		tokens := c.tokens
		if tokens < 10 {
			t.Fatalf("the lease has %d left, want more", tokens)
		}
		f.allBusy.Store(true)
		if s, err := in.Take(t.Context(), "k", limit, 1); err != nil || s.Exceeded {
			t.Errorf("with a lease: got %+v, %v", s, err)
		}
		time.Sleep(longestLease * time.Millisecond)
		if _, err := in.Take(t.Context(), "k", limit, 1); err == nil {
			t.Error("a lease that has ended was honoured")
		}
	})
}

// Storms of errors: nothing is counted twice to the caller's harm for longer than
// a period, and never too little.
func TestBusyStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := policy.Limit{Calls: 300, Period: 10 * time.Second, OnStoreFailure: policy.RefuseUncounted}
		f := newFleet(t, fleetOptions{n: 6, seed: 5, lost: 0.3, busy: 0.3})
		f.arrive(90, time.Minute, func(in *instance) {
			s, err := in.Take(t.Context(), "k", limit, 1)
			f.mu.Lock()
			defer f.mu.Unlock()
			if err == nil && !s.Exceeded {
				f.admitted = append(f.admitted, time.Now())
			}
		})
		if got := f.peak(limit.Period); got > limit.Calls {
			t.Errorf("%d were admitted in a period, want at most %d", got, limit.Calls)
		}
		if len(f.admitted) < 600 {
			t.Errorf("%d were admitted in a minute, want at least 600", len(f.admitted))
		}
	})
}

// A row that nobody can read begins anew, and the log says so.
func TestUnknownFormat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, fleetOptions{n: 1, seed: 3})
		in := f.instances[0]
		var out bytes.Buffer
		in.rows.log = slog.New(slog.NewTextHandler(&out, nil))
		limit := policy.Limit{Calls: 1, Period: 10 * time.Second}
		quota := policy.Quota{Calls: 1, Period: time.Hour}
		for _, w := range []*row{&in.window("k", limit.Period).row, &in.quota("k", quota).row, &in.placesOf("k").row} {
			if _, err := f.memory.Put(t.Context(), w.key, state.Record{Data: []byte{99, 1, 2}, Version: state.AnyVersion}); err != nil {
				t.Fatal(err)
			}
		}
		if s, err := in.Take(t.Context(), "k", limit, 1); err != nil || s.Exceeded {
			t.Errorf("Take: got %+v, %v", s, err)
		}
		if s, err := in.Use(t.Context(), "k", quota, policy.Usage{Calls: 1}, false); err != nil || s.CallsExceeded {
			t.Errorf("Use: got %+v, %v", s, err)
		}
		leave, err := in.Enter(t.Context(), "k", 1)
		if err != nil || leave == nil {
			t.Fatalf("Enter: %v", err)
		}
		leave()
		if got := strings.Count(out.String(), "begins anew"); got != 3 {
			t.Errorf("the log says %d times that a counter begins anew, want 3", got)
		}
	})
}

// lossy applies writes without an answer, and does not answer reads, while it is
// lost.
type lossy struct {
	state.Store
	lost bool
}

func (s *lossy) Get(ctx context.Context, key state.Key) (state.Record, error) {
	if s.lost {
		return state.Record{}, state.ErrBusy
	}
	return s.Store.Get(ctx, key)
}

func (s *lossy) Put(ctx context.Context, key state.Key, r state.Record) (string, error) {
	version, err := s.Store.Put(ctx, key, r)
	if s.lost {
		return "", state.ErrBusy
	}
	return version, err
}

// After a visit that failed with a write of which nobody knows, the next one
// knows that it may have been applied, and the one after that need not.
func TestDoubtOutlivesAVisit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &lossy{Store: &state.Memory{}}
		l := New(store, Options{})
		w := &row{key: rowKey("rate", "k")}
		var doubts []bool
		plan := func(_ []byte, k knowledge) change[int] {
			doubts = append(doubts, k.doubt)
			return change[int]{write: head(l.rows.random(), 0)}
		}
		var errs []error
		for _, lost := range []bool{false, true, false, false} {
			store.lost = lost
			_, err := visit(t.Context(), l.rows, w, plan)
			errs = append(errs, err)
		}
		if want := []error{nil, errUnanswered, nil, nil}; !slices.Equal(errs, want) {
			t.Errorf("the visits end with %v, want %v", errs, want)
		}
		if want := []bool{false, false, true, false}; !slices.Equal(doubts, want) {
			t.Errorf("doubts are %v, want %v", doubts, want)
		}
	})
}

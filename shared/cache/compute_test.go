package cache

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"toolgate/shared/policy"
	"toolgate/shared/state"
)

// source is what values are computed from: each computation takes a time, and
// makes the number of the version that it began with.
type source struct {
	takes   time.Duration
	version atomic.Int64
	runs    atomic.Int32
	err     error
}

func (s *source) computation(key string, keep time.Duration) *policy.Computation {
	return &policy.Computation{Key: key, Kind: "kind", Run: func(ctx context.Context, _ func()) (policy.Computed, error) {
		s.runs.Add(1)
		version := s.version.Load()
		time.Sleep(s.takes)
		if s.err != nil || ctx.Err() != nil {
			return policy.Computed{}, errors.Join(s.err, ctx.Err())
		}
		return policy.Computed{Value: strconv.AppendInt(nil, version, 10), Keep: keep}, nil
	}}
}

// compute returns the value, or the error.
func compute(ctx context.Context, c *Cache, o *policy.Computation) string {
	value, _, err := c.Compute(ctx, o)
	if err != nil {
		return err.Error()
	}
	return string(value)
}

// instances are caches over one store.
func instances(n int, s *counted, number func() float64) []*Cache {
	list := make([]*Cache, n)
	for i := range list {
		list[i] = New(Options{Store: s, Random: number})
	}
	return list
}

// stampede has callers on all instances ask at the same time, and returns how
// long the last one waited.
func stampede(ctx context.Context, t *testing.T, on []*Cache, callers int, o *policy.Computation, want string) time.Duration {
	t.Helper()
	start := time.Now()
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			if got := compute(ctx, on[i%len(on)], o); got != want {
				t.Errorf("caller %d has %q, want %q", i, got, want)
			}
		})
	}
	all.Wait()
	return time.Since(start)
}

const roundTrip = 5 * time.Millisecond

// Of 200 callers on 4 instances one computes, and nobody waits much longer than
// that takes: when nothing is there, when it has expired, and when it is time to
// refresh it.
func TestStampede(t *testing.T) {
	for _, tt := range []struct {
		takes            time.Duration
		first, refreshed int32 // computations
		operations       int32 // of the second stampede, at most
	}{
		{2 * time.Second, 1, 1, 40},
		{400 * time.Millisecond, 1, 1, 24},
		{100 * time.Millisecond, 1, 4, 8}, // not worth waiting for, once it is known
	} {
		t.Run(tt.takes.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &counted{roundTrip: roundTrip}
				on := instances(4, s, never)
				src := &source{takes: tt.takes}
				o := src.computation("tool a", time.Minute)
				took := stampede(t.Context(), t, on, 200, o, "0")
				if got := src.runs.Swap(0); got != tt.first {
					t.Errorf("at first: %d computations, want %d", got, tt.first)
				}
				if most := tt.takes + maxPause + 4*roundTrip; took > most {
					t.Errorf("at first: the last one waited for %v, want at most %v", took, most)
				}
				t.Logf("at first: %v, reads, writes, deletes %v", took, s.operations())
				// Every instance learns the cost from a computation of its own.
				for i, c := range on {
					compute(t.Context(), c, src.computation(fmt.Sprint("tool warm", i), time.Minute))
				}
				src.runs.Store(0)
				s.operations()
				time.Sleep(time.Minute)
				src.version.Store(1)
				took = stampede(t.Context(), t, on, 200, o, "1")
				operations := s.operations()
				t.Logf("expired: %v, reads, writes, deletes %v", took, operations)
				if got := src.runs.Swap(0); got != tt.refreshed {
					t.Errorf("expired: %d computations, want %d", got, tt.refreshed)
				}
				if got := operations[0] + operations[1] + operations[2]; got > tt.operations {
					t.Errorf("expired: %d operations of the store, want at most %d", got, tt.operations)
				}
				if took = stampede(t.Context(), t, on, 200, o, "1"); took > 2*roundTrip {
					t.Errorf("a hit took %v", took)
				}
			})
		})
	}
}

// From its refresh on, one instance computes a value anew, and all others go on
// with the old one.
func TestRefreshAcrossInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &counted{roundTrip: roundTrip}
		on := instances(4, s, never)
		src := &source{takes: time.Second}
		o := src.computation("tool a", time.Hour)
		run := o.Run
		o.Run = func(ctx context.Context, alone func()) (policy.Computed, error) {
			made, err := run(ctx, alone)
			made.Refresh = time.Minute
			return made, err
		}
		stampede(t.Context(), t, on, 200, o, "0")
		time.Sleep(2 * time.Minute)
		src.runs.Store(0)
		src.version.Store(1)
		var old, fresh atomic.Int32
		var all sync.WaitGroup
		for i := range 200 {
			all.Go(func() {
				switch got := compute(t.Context(), on[i%4], o); got {
				case "0":
					old.Add(1)
				case "1":
					fresh.Add(1)
				default:
					t.Errorf("got %q", got)
				}
			})
		}
		all.Wait()
		if got := src.runs.Load(); got != 1 || fresh.Load() != 1 || old.Load() != 199 {
			t.Errorf("%d computations, %d callers have the old value, %d the new one, want 1, 199, 1", got, old.Load(), fresh.Load())
		}
	})
}

// A value is refreshed ahead of its end by chance, the earlier the more it costs.
func TestEarlyRefresh(t *testing.T) {
	for _, tt := range []struct {
		cost   int64
		number float64
		left   int64 // milliseconds until it is refreshed
	}{
		{0, 0.999, 0}, {1000, 0, 0}, {1000, 0.6321206, 1000}, {2000, 0.6321206, 2000}, {1000, 0.9502130, 3000},
	} {
		r := record{expires: 60_000, cost: tt.cost, present: true}
		at := 60_000 - tt.left
		if r.due(at-2, tt.number) || !r.due(at+1, tt.number) {
			t.Errorf("a cost of %d with %v: is not due %d ms ahead", tt.cost, tt.number, tt.left)
		}
	}
}

// After a failure, those who waited compute on their own, and a failure is not
// kept; while an old value is there, it is returned beside the error.
func TestFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &counted{roundTrip: roundTrip}
		on := instances(2, s, never)
		src := &source{takes: time.Second, err: errors.New("broken")}
		o := src.computation("tool a", time.Minute)
		if took := stampede(t.Context(), t, on, 20, o, "broken"); took > 4*time.Second {
			t.Errorf("the failures took %v: they waited for one another", took)
		}
		if got := src.runs.Load(); got != 20 {
			t.Errorf("%d computations, want one for each of 20 callers", got)
		}
		src.err = nil
		if got := compute(t.Context(), on[0], o); got != "0" {
			t.Errorf("after the failure: got %q", got)
		}
		want(t, on[1], "tool a", "0")
		src.err = errors.New("broken again")
		anew := *o
		anew.Anew = true
		value, ran, err := on[0].Compute(t.Context(), &anew)
		if string(value) != "0" || !ran || err == nil {
			t.Errorf("got %q, %v, %v, want the old value and the error", value, ran, err)
		}
		time.Sleep(firstLifetime)
		want(t, on[0], "tool a", "0") // the claim was taken back
		want(t, on[1], "tool a", "0")
	})
}

// When the caller who computes goes, another one computes.
func TestCallerGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{Random: never})
		src := &source{takes: time.Second}
		o := src.computation("tool a", time.Minute)
		ctx, cancel := context.WithCancel(t.Context())
		go compute(ctx, c, o)
		synctest.Wait()
		var all sync.WaitGroup
		all.Go(func() { stampede(t.Context(), t, []*Cache{c}, 10, o, "0") })
		synctest.Wait()
		cancel()
		all.Wait()
		if got := src.runs.Load(); got != 2 {
			t.Errorf("%d computations, want the one that was given up and one more", got)
		}
		waiting, stop := context.WithCancel(t.Context())
		other := src.computation("tool b", time.Minute)
		go compute(t.Context(), c, other)
		synctest.Wait()
		stop()
		if got := compute(waiting, c, other); got != context.Canceled.Error() {
			t.Errorf("one who waits and goes has %q", got)
		}
		time.Sleep(2 * time.Second)
	})
}

// An instance that ends while it computes holds others up no longer than its
// claim lasts.
func TestInstanceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &counted{roundTrip: roundTrip}
		on := instances(2, s, never)
		src := &source{takes: time.Second}
		frozen := &policy.Computation{Key: "tool a", Run: func(context.Context, func()) (policy.Computed, error) {
			time.Sleep(time.Hour)
			return policy.Computed{Value: []byte("late"), Keep: time.Hour}, nil
		}}
		go compute(t.Context(), on[0], frozen)
		synctest.Wait()
		start := time.Now()
		if got := compute(t.Context(), on[1], src.computation("tool a", time.Minute)); got != "0" {
			t.Errorf("got %q", got)
		}
		if took := time.Since(start); took > unknownClaim+src.takes+maxPause+10*roundTrip {
			t.Errorf("the other instance waited for %v", took)
		}
		time.Sleep(2 * time.Hour)
		set(t, on[1], "tool a", "new", time.Hour)
		want(t, on[0], "tool a", "new")
	})
}

// Values are set, removed and computed at the same time: an instance never serves
// what it has removed itself, and no instance serves what was removed anywhere
// more than 10 seconds ago.
func TestConcurrentInvalidation(t *testing.T) {
	for _, takes := range []time.Duration{time.Second, 300 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			s := &counted{roundTrip: roundTrip}
			on := instances(4, s, nil)
			src := &source{takes: takes}
			var removed, removedLong atomic.Int64 // versions that nobody, and that nobody but for 10 s, may serve
			end := time.Now().Add(5 * time.Minute)
			var all sync.WaitGroup
			for i := range 12 {
				all.Go(func() {
					for time.Now().Before(end) {
						at := on[i%4]
						own, long := removed.Load(), removedLong.Load()
						version, err := strconv.ParseInt(compute(t.Context(), at, src.computation("tool a", 20*time.Second)), 10, 64)
						if err != nil {
							t.Error(err)
						}
						if i%4 == 0 && version < own {
							t.Errorf("the instance serves version %d, and has removed all below %d", version, own)
						}
						if version < long {
							t.Errorf("version %d is served 10 s after all below %d were removed", version, long)
						}
						time.Sleep(time.Duration(50+7*i) * time.Millisecond)
					}
				})
			}
			all.Go(func() {
				for time.Now().Before(end) {
					time.Sleep(3700 * time.Millisecond)
					version := src.version.Add(1)
					set(t, on[0], "tool a", "", 0)
					removed.Store(version)
					time.AfterFunc(firstLifetime+takes, func() { removedLong.Store(version) })
				}
			})
			all.Wait()
			time.Sleep(time.Minute)
		})
	}
}

// While the store is told that a value is set or removed, others on the instance
// still find the old one there. They may serve it, but it does not stay.
func TestReadWhileWritten(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{{"removed", "", "-"}, {"set", "new", "new"}} {
		for _, read := range []struct {
			name string
			do   func(*Cache)
		}{
			{"get", func(c *Cache) { _, _ = c.Get(t.Context(), "tool a") }},
			{"compute", func(c *Cache) {
				compute(t.Context(), c, (&source{}).computation("tool a", time.Hour))
			}},
		} {
			t.Run(tt.name+" and "+read.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := &counted{}
					on := instances(2, s, never)
					set(t, on[1], "tool a", "old", time.Hour)
					s.late = time.Second
					var writing sync.WaitGroup
					writing.Go(func() { set(t, on[0], "tool a", tt.value, time.Duration(len(tt.value))*time.Hour) })
					synctest.Wait()
					read.do(on[0])
					writing.Wait()
					want(t, on[0], "tool a", tt.want)
				})
			})
		}
	}
}

// TestOperations counts what callers cost in operations of the store. The table
// stands in the package's documentation of Compute.
func TestOperations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &counted{}
		on := instances(2, s, never)
		cheap := &source{takes: 50 * time.Millisecond}
		dear := &source{takes: time.Second}
		costs := func(name string, want [3]int32, do func()) {
			t.Helper()
			s.operations()
			do()
			if got := s.operations(); got != want {
				t.Errorf("%s: %v reads, writes, deletes, want %v", name, got, want)
			}
		}
		ofKind := func(src *source, kind string) *policy.Computation {
			o := src.computation(kind, time.Hour)
			o.Kind = kind
			return o
		}
		value := func() { compute(t.Context(), on[0], ofKind(cheap, "cheap")) }
		costs("the first value of a kind", [3]int32{1, 2, 0}, value)
		costs("a hit in the first level", [3]int32{0, 0, 0}, value)
		time.Sleep(firstLifetime)
		costs("a hit in the second level", [3]int32{1, 0, 0}, value)
		time.Sleep(time.Hour)
		costs("a miss that costs little", [3]int32{1, 1, 0}, value)
		value = func() { compute(t.Context(), on[0], ofKind(dear, "dear")) }
		value()
		time.Sleep(time.Hour)
		costs("a miss that costs much", [3]int32{1, 2, 0}, value)
		time.Sleep(time.Hour)
		costs("with another instance that waits", [3]int32{7, 2, 0}, func() {
			go compute(t.Context(), on[0], ofKind(dear, "dear"))
			synctest.Wait()
			compute(t.Context(), on[1], ofKind(dear, "dear"))
		})
		costs("set", [3]int32{0, 1, 0}, func() { set(t, on[0], "a", "1", time.Hour) })
		costs("get of what was set", [3]int32{0, 0, 0}, func() { want(t, on[0], "a", "1") })
		costs("get by another instance", [3]int32{1, 0, 0}, func() { want(t, on[1], "a", "1") })
		costs("get of nothing", [3]int32{1, 0, 0}, func() { want(t, on[1], "b", "-") })
		costs("remove", [3]int32{0, 0, 1}, func() { set(t, on[0], "a", "", 0) })
	})
}

// What was being computed when its key was removed or set is not kept, wherever
// that happened; who waited for it has it.
func TestRemovedMeanwhile(t *testing.T) {
	for _, tt := range []struct {
		name   string
		store  state.Store
		by     int // the instance that removes
		remove func(*Cache)
		want   string
	}{
		{"one instance", nil, 0, func(c *Cache) { set(t, c, "tool a", "", 0) }, "-"},
		{"set in one instance", nil, 0, func(c *Cache) { set(t, c, "tool a", "set", time.Hour) }, "set"},
		{"the same instance", &counted{roundTrip: roundTrip}, 0, func(c *Cache) { set(t, c, "tool a", "", 0) }, "-"},
		{"another instance", &counted{roundTrip: roundTrip}, 1, func(c *Cache) { set(t, c, "tool a", "", 0) }, "-"},
		{"set by another instance", &counted{roundTrip: roundTrip}, 1, func(c *Cache) { set(t, c, "tool a", "set", time.Hour) }, "set"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				on := []*Cache{New(Options{Store: tt.store, Random: never}), New(Options{Store: tt.store, Random: never})}
				src := &source{takes: time.Second}
				o := src.computation("tool a", time.Hour)
				var all sync.WaitGroup
				all.Go(func() { stampede(t.Context(), t, on[:1], 5, o, "0") })
				time.Sleep(500 * time.Millisecond)
				tt.remove(on[tt.by])
				all.Wait()
				want(t, on[0], "tool a", tt.want)
				if tt.store != nil {
					want(t, on[1], "tool a", tt.want)
				}
			})
		})
	}
}

// Under a steady load nearly all callers are served at once. In its lifetime a
// value is computed about once in all instances together, or once in each where
// that takes no time to speak of.
func TestSteadyLoad(t *testing.T) {
	for takes, most := range map[time.Duration]int32{100 * time.Millisecond: 8, 2 * time.Second: 2} {
		synctest.Test(t, func(t *testing.T) {
			const lifetimes, callers = 20, 40
			s := &counted{roundTrip: roundTrip}
			on := instances(8, s, nil)
			src := &source{takes: takes}
			var asked, waited atomic.Int32
			end := time.Now().Add(lifetimes * time.Minute)
			var all sync.WaitGroup
			for i := range callers {
				all.Go(func() {
					time.Sleep(time.Duration(i) * 37 * time.Millisecond)
					for time.Now().Before(end) {
						start := time.Now()
						compute(t.Context(), on[i%8], src.computation("tool a", time.Minute))
						asked.Add(1)
						if time.Since(start) > 4*roundTrip {
							waited.Add(1)
						}
						time.Sleep(time.Second)
					}
				})
			}
			all.Wait()
			operations := s.operations()
			t.Logf("computing takes %v: %d calls, %d waited, %.1f computations a lifetime, reads, writes, deletes %v",
				takes, asked.Load(), waited.Load(), float64(src.runs.Load())/lifetimes, operations)
			if got := src.runs.Load(); got > most*lifetimes {
				t.Errorf("%v: %d computations in %d lifetimes", takes, got, lifetimes)
			}
			if got, most := waited.Load(), asked.Load()/50; got > most {
				t.Errorf("%v: %d of %d callers waited, want at most %d", takes, got, asked.Load(), most)
			}
			if got, most := operations[0]+operations[1]+operations[2], asked.Load()/20; got > most {
				t.Errorf("%v: %d operations for %d calls, want at most %d", takes, got, asked.Load(), most)
			}
		})
	}
}

// A claim whose answer is lost costs the other instances no more than it lasts,
// and this one keeps what it computed.
func TestLostClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &counted{roundTrip: roundTrip}
		on := instances(2, s, never)
		src := &source{takes: time.Second}
		o := src.computation("tool a", time.Minute)
		s.loses.Store(true)
		if got := compute(t.Context(), on[0], o) + compute(t.Context(), on[0], o); got != "00" || src.runs.Load() != 1 {
			t.Errorf("got %q from %d computations, want one", got, src.runs.Load())
		}
		start := time.Now()
		if got := compute(t.Context(), on[1], o); got != "0" {
			t.Errorf("another instance has %q", got)
		}
		if took := time.Since(start); took > unknownClaim+src.takes+maxPause {
			t.Errorf("another instance waited for %v", took)
		}
		want(t, on[1], "tool a", "0")
	})
}

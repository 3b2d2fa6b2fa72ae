package limit

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"toolgate/shared/policy"
	"toolgate/shared/state"
)

// far is a store at the end of a line: operations take a while, and some go
// wrong. It runs in a bubble of synctest, in virtual time.
type far struct {
	state.Store
	trip    func(r *rand.Rand) time.Duration
	lost    float64 // part of the writes that are applied without an answer
	busy    float64 // part of the operations that are refused
	mu      sync.Mutex
	random  *rand.Rand
	gate    *gate // freezes the instance in front; nil: never
	ops     *atomic.Int64
	allBusy *atomic.Bool
}

func (s *far) travel(ctx context.Context) (lost bool, err error) {
	s.mu.Lock()
	d, lost, busy := s.trip(s.random), s.random.Float64() < s.lost, s.random.Float64() < s.busy
	s.mu.Unlock()
	s.ops.Add(1)
	if busy || s.allBusy != nil && s.allBusy.Load() {
		time.Sleep(d)
		return false, state.ErrBusy
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return lost, nil
	case <-ctx.Done():
		return false, fmt.Errorf("%w: %w", state.ErrBusy, ctx.Err())
	}
}

func (s *far) Get(ctx context.Context, key state.Key) (state.Record, error) {
	s.gate.pass()
	defer s.gate.pass()
	if _, err := s.travel(ctx); err != nil {
		return state.Record{}, err
	}
	return s.Store.Get(context.WithoutCancel(ctx), key)
}

func (s *far) Put(ctx context.Context, key state.Key, r state.Record) (string, error) {
	s.gate.pass()
	defer s.gate.pass()
	lost, err := s.travel(ctx)
	if err != nil {
		return "", err
	}
	version, err := s.Store.Put(context.WithoutCancel(ctx), key, r)
	if lost {
		return "", state.ErrBusy
	}
	return version, err
}

// gate is what a frozen instance stops at, and a killed one never passes.
type gate struct {
	mu     sync.Mutex
	frozen chan struct{} // closed when it thaws; nil: it runs
}

func (g *gate) pass() {
	if g == nil {
		return
	}
	g.mu.Lock()
	c := g.frozen
	g.mu.Unlock()
	if c != nil {
		<-c
	}
}

func (g *gate) freeze() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.frozen == nil {
		g.frozen = make(chan struct{})
	}
}

func (g *gate) thaw() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.frozen != nil {
		close(g.frozen)
		g.frozen = nil
	}
}

// roundTrip is log-normal around 5 ms; few take much longer.
func roundTrip(r *rand.Rand) time.Duration {
	d := 4.8 * math.Exp(0.3*r.NormFloat64())
	if r.Float64() < 0.005 {
		d *= 4 + 11*r.Float64()
	}
	return time.Duration(d * float64(time.Millisecond))
}

// fleet is a number of instances on one store.
type fleet struct {
	t         *testing.T
	instances []*instance
	ops       atomic.Int64
	allBusy   atomic.Bool
	random    *rand.Rand // of the one who drives
	memory    *state.Memory
	end       func() // when no more calls arrive; nil: nothing

	mu       sync.Mutex // of what follows, and of instances
	admitted []time.Time
	waited   []time.Duration
	refused  int
}

type instance struct {
	*Limits
	gate *gate
}

type fleetOptions struct {
	seed       uint64
	n          int
	trip       func(*rand.Rand) time.Duration
	lost, busy float64
	skew       time.Duration // clocks differ by up to this, either way
}

func newFleet(t *testing.T, o fleetOptions) *fleet {
	f := &fleet{t: t, random: rand.New(rand.NewPCG(o.seed, 0)), memory: &state.Memory{}}
	for i := range o.n {
		f.instances = append(f.instances, f.start(o, uint64(i)+1))
	}
	return f
}

func (f *fleet) start(o fleetOptions, stream uint64) *instance {
	r := rand.New(rand.NewPCG(o.seed, stream))
	in := &instance{gate: &gate{}}
	if o.trip == nil {
		o.trip = roundTrip
	}
	store := &far{Store: f.memory, trip: o.trip, lost: o.lost, busy: o.busy, random: rand.New(rand.NewPCG(o.seed+1, stream)), gate: in.gate, ops: &f.ops, allBusy: &f.allBusy}
	off := time.Duration((2*r.Float64() - 1) * float64(o.skew))
	var mu sync.Mutex
	in.Limits = New(store, Options{
		Now: func() time.Time { return time.Now().Add(off) },
		Random: func() uint64 {
			mu.Lock()
			defer mu.Unlock()
			return r.Uint64()
		},
	})
	return in
}

// arrive calls do at random times for a while, and waits until all have come
// back.
func (f *fleet) arrive(perSecond float64, d time.Duration, do func(in *instance)) {
	var wg sync.WaitGroup
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(time.Duration(f.random.ExpFloat64() / perSecond * float64(time.Second)))
		f.mu.Lock()
		in := f.instances[f.random.IntN(len(f.instances))]
		f.mu.Unlock()
		wg.Go(func() { do(in) })
	}
	if f.end != nil {
		f.end()
	}
	wg.Wait()
}

// take counts a call by a limit.
func (f *fleet) take(in *instance, l policy.Limit) {
	in.gate.pass()
	began := time.Now()
	s, err := in.Take(f.t.Context(), "k", l, 1)
	if err != nil {
		f.t.Errorf("Take: %v", err)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if s.Exceeded {
		f.refused++
		if s.RetryAfter <= 0 {
			f.t.Errorf("refused with RetryAfter %v", s.RetryAfter)
		}
		return
	}
	f.admitted = append(f.admitted, time.Now())
	f.waited = append(f.waited, time.Since(began))
}

// peak is the most that was admitted in any interval of a length.
func (f *fleet) peak(period time.Duration) int {
	slices.SortFunc(f.admitted, time.Time.Compare)
	most, first := 0, 0
	for i, at := range f.admitted {
		for at.Sub(f.admitted[first]) >= period {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// quantile is a quantile of what admitted calls waited.
func (f *fleet) quantile(q float64) time.Duration {
	slices.Sort(f.waited)
	return f.waited[int(float64(len(f.waited)-1)*q)]
}

func TestLimitHolds(t *testing.T) {
	minute := policy.Limit{Calls: 6000, Period: time.Minute}
	for _, tt := range []struct {
		name     string
		o        fleetOptions
		limit    policy.Limit
		load     float64 // calls per second
		d        time.Duration
		most     int     // in any period; 0: the limit
		least    float64 // part of the ideal that has to be admitted
		perCall  float64 // store operations per call, at most; 0: not checked
		unharmed bool    // p50 is 0
	}{
		{"1 instance, 3 times the limit", fleetOptions{n: 1}, minute, 300, 3 * time.Minute, 0, 0.97, 0.05, true},
		{"4 instances, 3 times the limit", fleetOptions{n: 4}, minute, 300, 3 * time.Minute, 0, 0.97, 0.05, true},
		{"16 instances, 3 times the limit", fleetOptions{n: 16}, minute, 300, 3 * time.Minute, 0, 0.95, 0.1, true},
		{"64 instances, 3 times the limit", fleetOptions{n: 64}, minute, 300, 3 * time.Minute, 0, 0.90, 0.25, true},
		{"16 instances, half the limit", fleetOptions{n: 16}, minute, 50, 4 * time.Minute, 0, 0.99, 0.25, true},
		{"64 instances, half the limit", fleetOptions{n: 64}, minute, 50, 4 * time.Minute, 0, 0.99, 0.25, true},
		{"64 instances, 70 % of the limit", fleetOptions{n: 64}, minute, 70, 4 * time.Minute, 0, 0.99, 0, true},
		{"16 instances, 90 % of the limit", fleetOptions{n: 16}, minute, 90, 3 * time.Minute, 0, 0.97, 1, true},
		{"64 instances, 90 % of the limit", fleetOptions{n: 64}, minute, 90, 3 * time.Minute, 0, 0.95, 0, false},
		{"a small limit", fleetOptions{n: 16}, policy.Limit{Calls: 10, Period: 10 * time.Second}, 5, time.Minute, 0, 0.8, 0, false},
		{"a short period", fleetOptions{n: 8}, policy.Limit{Calls: 100, Period: time.Second}, 200, 20 * time.Second, 0, 0.8, 0, false},
		{"answers are lost", fleetOptions{n: 8, lost: 0.1}, minute, 300, 2 * time.Minute, 0, 0.8, 0, true},
		{"clocks differ by 50 ms", fleetOptions{n: 16, skew: 50 * time.Millisecond}, minute, 300, 3 * time.Minute, 0, 0.9, 0, true},
		{"clocks differ by a second", fleetOptions{n: 16, skew: time.Second}, minute, 300, 3 * time.Minute, 6000 + 6000/20, 0.9, 0, true},
		{"a slow store", fleetOptions{n: 4, trip: func(*rand.Rand) time.Duration { return 90 * time.Millisecond }}, minute, 200, 2 * time.Minute, 0, 0.85, 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.o.seed = 7
				f := newFleet(t, tt.o)
				f.arrive(tt.load, tt.d, func(in *instance) { f.take(in, tt.limit) })
				most := tt.most
				if most == 0 {
					most = tt.limit.Calls
				}
				total := len(f.admitted) + f.refused
				ideal := min(float64(total), float64(tt.limit.Calls)*math.Ceil(float64(tt.d)/float64(tt.limit.Period)))
				part, perCall := float64(len(f.admitted))/ideal, float64(f.ops.Load())/float64(total)
				t.Logf("peak %d, admitted %.3f of the ideal, %.3f operations per call, p50 %v, p99 %v", f.peak(tt.limit.Period), part, perCall, f.quantile(0.5), f.quantile(0.99))
				if got := f.peak(tt.limit.Period); got > most {
					t.Errorf("%d were admitted in a period, want at most %d", got, most)
				}
				if part < tt.least {
					t.Errorf("%.3f of the ideal were admitted, want at least %.2f", part, tt.least)
				}
				if tt.perCall > 0 && perCall > tt.perCall {
					t.Errorf("%.3f store operations per call, want at most %.2f", perCall, tt.perCall)
				}
				if tt.unharmed && f.quantile(0.5) > 0 {
					t.Errorf("half of the calls waited %v or more, want none", f.quantile(0.5))
				}
			})
		})
	}
}

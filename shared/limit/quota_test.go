package limit

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"toolgate/shared/policy"
	"toolgate/shared/state"
)

func TestUse(t *testing.T) {
	type use = policy.Usage
	hour := time.Hour
	epoch := time.Date(1999, 12, 31, 12, 0, 0, 0, time.UTC) // before a bubble's time
	type step struct {
		after        time.Duration
		use          use
		late         bool
		calls, bytes bool // exceeded
		left         use
	}
	for _, tt := range []struct {
		name  string
		quota policy.Quota
		steps []step
	}{
		{"calls", policy.Quota{Calls: 3, Period: hour, Start: epoch}, []step{
			{0, use{}, false, false, false, use{Calls: 3}},
			{0, use{Calls: 1}, false, false, false, use{Calls: 2}},
			{0, use{Calls: 5}, false, false, false, use{Calls: -3}},
			{0, use{Calls: 1}, false, true, false, use{Calls: -3}},
			{0, use{}, false, true, false, use{Calls: -3}},
			{hour, use{}, false, false, false, use{Calls: 3}},
			{0, use{Calls: 7}, true, true, false, use{Calls: -4}},
			{hour, use{Calls: 1}, false, false, false, use{Calls: 2}},
		}},
		{"bytes", policy.Quota{Bytes: 1000, Period: hour, Start: epoch}, []step{
			{0, use{Calls: 1}, false, false, false, use{Bytes: 1000}},
			{0, use{Bytes: 600}, true, false, false, use{Bytes: 400}},
			{0, use{Calls: 1}, false, false, false, use{Bytes: 400}},
			{0, use{Bytes: 500}, true, false, true, use{Bytes: -100}},
			{0, use{Calls: 1}, false, false, true, use{Bytes: -100}},
			{hour, use{Calls: 1}, false, false, false, use{Bytes: 1000}},
		}},
		{"for ever", policy.Quota{Calls: 2, Bytes: 1000}, []step{
			{0, use{Calls: 1}, false, false, false, use{Calls: 1, Bytes: 1000}},
			{1000 * hour, use{Calls: 1}, false, false, false, use{Bytes: 1000}},
			{1000 * hour, use{Calls: 1}, false, true, false, use{Bytes: 1000}},
		}},
		{"before the first period", policy.Quota{Calls: 1, Period: hour, Start: epoch.AddDate(100, 0, 0)}, []step{
			{0, use{Calls: 1}, false, false, false, use{}},
			{100 * hour, use{Calls: 1}, false, true, false, use{}},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, _ := alone()
				for i, step := range tt.steps {
					time.Sleep(step.after + time.Millisecond)
					got, err := l.Use(t.Context(), "k", tt.quota, step.use, step.late)
					if err != nil || got.CallsExceeded != step.calls || got.BytesExceeded != step.bytes || got.Remaining != step.left {
						t.Errorf("step %d: got %+v, %v, want %+v", i, got, err, step)
					}
					if renews := got.Renewal > 0; renews != (tt.quota.Period > 0) || tt.quota.Start.Before(epoch.AddDate(1, 0, 0)) && got.Renewal > tt.quota.Period {
						t.Errorf("step %d: renewal in %v", i, got.Renewal)
					}
				}
			})
		})
	}
}

// Quotas are exact in calls whatever happens, and lose no more than leases.
func TestQuotaHolds(t *testing.T) {
	for seed := range uint64(4) {
		synctest.Test(t, func(t *testing.T) {
			quota := policy.Quota{Calls: 5000, Period: time.Hour, OnStoreFailure: policy.RefuseUncounted}
			o := fleetOptions{n: 16, seed: seed, lost: 0.02, busy: 0.01}
			f := newFleet(t, o)
			var lost []*instance
			killed := 0
			passed, asked := 0, 0
			begin := time.Now().Truncate(time.Hour).Add(time.Hour)
			time.Sleep(time.Until(begin))
			stream := uint64(1000)
			r := rand.New(rand.NewPCG(seed, 99))
			f.end = func() {
				for _, in := range append(lost, f.instances...) {
					in.gate.thaw()
				}
			}
			f.arrive(80, 2*time.Minute, func(in *instance) {
				in.gate.pass()
				s, err := in.Use(t.Context(), "k", quota, policy.Usage{Calls: 1}, false)
				f.mu.Lock()
				defer f.mu.Unlock()
				asked++
				if err == nil && !s.CallsExceeded {
					passed++
				}
				if asked%400 == 0 {
					i := r.IntN(len(f.instances))
					f.instances[i].gate.freeze()
					lost = append(lost, f.instances[i])
					stream++
					f.instances[i] = f.start(o, stream)
					killed++
				}
			})
			t.Logf("%d of %d passed, %d killed, %.2f operations per call", passed, asked, killed, float64(f.ops.Load())/float64(asked))
			if passed > int(quota.Calls) {
				t.Errorf("%d passed, want at most %d", passed, quota.Calls)
			}
			if least := int(quota.Calls)*97/100 - killed*50/10; passed < least {
				t.Errorf("%d passed, want at least %d", passed, least)
			}
		})
	}
}

// An hour later everything may be used again, and no lease of the hour before
// counts.
func TestQuotaRollsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, fleetOptions{n: 4, seed: 1, skew: 20 * time.Millisecond})
		quota := policy.Quota{Calls: 1000, Period: 10 * time.Second}
		passed := map[int64]int{}
		f.arrive(400, time.Minute, func(in *instance) {
			now := in.rows.clock() / 1000
			s, err := in.Use(t.Context(), "k", quota, policy.Usage{Calls: 1}, false)
			if err != nil {
				t.Errorf("Use: %v", err)
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			if !s.CallsExceeded {
				passed[now/10]++
			}
		})
		full := 0
		for period, n := range passed {
			if n > 1000+20 { // a call may begin in one period and be counted in the next
				t.Errorf("%d passed in period %d, want about 1000", n, period)
			}
			if n > 900 {
				full++
			}
		}
		if full < 6 {
			t.Errorf("%d periods of %v were used up, want at least 6", full, passed)
		}
	})
}

// Bandwidth is over by what is on the way and by what instances owe.
func TestBandwidth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, size = 8, 20 << 10
		quota := policy.Quota{Bytes: 40 << 20, Period: time.Hour}
		f := newFleet(t, fleetOptions{n: n, seed: 2})
		r := rand.New(rand.NewPCG(1, 1))
		var mu sync.Mutex
		var sent int64
		var ops, calls int64
		f.arrive(100, time.Minute, func(in *instance) {
			s, err := in.Use(t.Context(), "k", quota, policy.Usage{Calls: 1}, false)
			if err != nil {
				t.Errorf("Use: %v", err)
			}
			if s.BytesExceeded {
				return
			}
			mu.Lock()
			bytes := r.Int64N(2 * size)
			sent += bytes
			calls++
			ops = f.ops.Load()
			mu.Unlock()
			time.Sleep(50 * time.Millisecond)
			if _, err := in.Use(t.Context(), "k", quota, policy.Usage{Bytes: bytes}, true); err != nil {
				t.Errorf("late Use: %v", err)
			}
		})
		t.Logf("sent %.3f of the quota, %.2f operations per call", float64(sent)/float64(quota.Bytes), float64(ops)/float64(calls))
		if most := quota.Bytes + n*min(quota.Bytes/100, 1<<20) + 20*2*size; sent > most {
			t.Errorf("%d bytes were sent, want at most %d", sent, most)
		}
		if least := quota.Bytes * 85 / 100; sent < least {
			t.Errorf("%d bytes were sent, want at least %d", sent, least)
		}
		s, _ := f.instances[0].Use(t.Context(), "k", quota, policy.Usage{}, false)
		if !s.BytesExceeded {
			t.Errorf("the quota is not exceeded: %+v", s)
		}
	})
}

// Late uses are all counted, by whichever instance.
func TestLateUses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, fleetOptions{n: 4, seed: 2})
		quota := policy.Quota{Calls: 1 << 40, Period: 24 * time.Hour}
		r := rand.New(rand.NewPCG(3, 3))
		var mu sync.Mutex
		var want int64
		f.arrive(50, 20*time.Second, func(in *instance) {
			mu.Lock()
			n := r.Int64N(5000)
			want += n
			mu.Unlock()
			if _, err := in.Use(context.Background(), "k", quota, policy.Usage{Calls: n}, true); err != nil {
				t.Errorf("Use: %v", err)
			}
		})
		var held int64
		for _, in := range f.instances {
			held += in.quota("k", quota).tokens.calls
		}
		row, err := f.memory.Get(t.Context(), f.instances[0].quota("k", quota).row.key)
		if err != nil {
			t.Fatal(err)
		}
		u, err := decodeUsage(row.Data)
		if err != nil || u.calls-held != want {
			t.Errorf("%d are counted, want %d (%v)", u.calls-held, want, err)
		}
		if got := f.ops.Load(); got > 2000 {
			t.Errorf("%d store operations for about 1000 uses", got)
		}
		t.Logf("%d store operations for about 1000 uses", f.ops.Load())
	})
}

// What a lease of the period before had left is worth nothing in the next one.
func TestLeaseEndsWithThePeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := alone()
		quota := policy.Quota{Calls: 1000, Period: time.Hour, Start: time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC)}
		use := func() bool {
			s, err := l.Use(t.Context(), "k", quota, policy.Usage{Calls: 1}, false)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
			return !s.CallsExceeded
		}
		c := l.quota("k", quota)
		for times(100, use); c.tokens.calls < 5; {
			use()
		}
		time.Sleep(time.Hour)
		if got := times(1100, use); got != 1000 {
			t.Errorf("%d passed in the next period, want 1000", got)
		}
	})
}

// When nobody knows whether a write was applied, what it gave back is not given
// back again.
func TestNothingIsGivenBackTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := alone()
		now := l.rows.clock()
		w := l.window("k", time.Minute)
		w.pending = settlement{at: now, tag: w.tag, granted: 10, used: 4, last: now}
		rate := window{{now, w.tag, 10}, {now + 1, w.tag + 1, 20}}.encode(head(1, 0))
		q := l.quota("k", policy.Quota{Calls: 100})
		q.pending = amounts{calls: 6}
		used := usage{calls: 30}.encode(head(1, 0))
		for _, doubt := range []bool{false, true} {
			wantRate, wantQuota := int64(24+1), int64(24+1)
			if doubt {
				wantRate, wantQuota = 30+1, 30+1
			}
			k := knowledge{fresh: true, doubt: doubt}
			log, err := decodeWindow(w.plan(t.Context(), &flight[int64]{limit: 100, want: 1, least: 1}, rate, k).write)
			if got := log.used(); err != nil || got != wantRate {
				t.Errorf("doubt %v: the log has %d, want %d (%v)", doubt, got, wantRate, err)
			}
			u, err := decodeUsage(q.plan(t.Context(), &flight[amounts]{limit: amounts{100, 1 << 50}, want: 1, least: 1}, used, k).write)
			if err != nil || u.calls != wantQuota {
				t.Errorf("doubt %v: the row has %d, want %d (%v)", doubt, u.calls, wantQuota, err)
			}
		}
	})
}

// Many instances share a hot quota without refusing calls that they may not.
func TestHotQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, fleetOptions{n: 64, seed: 1})
		quota := policy.Quota{Calls: 1 << 30, Period: 24 * time.Hour}
		calls, refused := 0, 0
		var waited []time.Duration
		f.arrive(500, 30*time.Second, func(in *instance) {
			began := time.Now()
			s, err := in.Use(t.Context(), "k", quota, policy.Usage{Calls: 1}, false)
			f.mu.Lock()
			defer f.mu.Unlock()
			calls++
			if err != nil || s.CallsExceeded {
				refused++
			}
			waited = append(waited, time.Since(began))
		})
		f.waited = waited
		t.Logf("%d calls, %d refused, %.3f operations per call, p50 %v, p99 %v", calls, refused, float64(f.ops.Load())/float64(calls), f.quantile(0.5), f.quantile(0.99))
		if refused > calls/1000 {
			t.Errorf("%d of %d calls were refused", refused, calls)
		}
		if got := float64(f.ops.Load()) / float64(calls); got > 0.6 {
			t.Errorf("%.2f store operations per call", got)
		}
	})
}

// A store that panics leaves nobody waiting.
func TestPanickingStore(t *testing.T) {
	l := New(panicking{}, Options{})
	for range 2 {
		for _, do := range []func(){
			func() { _, _ = l.Take(t.Context(), "k", policy.Limit{Calls: 1, Period: time.Minute}, 1) },
			func() { _, _ = l.Use(t.Context(), "k", policy.Quota{Calls: 1}, policy.Usage{Calls: 1}, false) },
			func() { _, _ = l.Enter(t.Context(), "k", 1) },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Error("the panic was swallowed")
					}
				}()
				do()
			}()
		}
	}
}

type panicking struct{ state.Store }

func (panicking) Get(context.Context, state.Key) (state.Record, error) { panic("broken") }

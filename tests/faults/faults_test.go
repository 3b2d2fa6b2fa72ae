// Package faults_test kills gateway processes (SIGKILL) and freezes them (SIGSTOP,
// SIGCONT) while clients call, and holds what package limit promises against what
// the clients saw.
package faults_test

import (
	"cmp"
	"context"
	"flag"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"toolgate/tests/peer"
)

func TestMain(m *testing.M) { peer.Main(m) }

var (
	seed     = flag.Uint64("seed", 0, "whom and when to kill and to freeze; 0 takes one by chance")
	duration = flag.Duration("for", 22*time.Second, "how long to kill and to freeze")
)

// instances is how many share the limits.
const instances = 6

// chaos kills and freezes instances of a fleet.
type chaos struct {
	fleet *fleet

	mu             sync.Mutex
	random         *rand.Rand
	kills, freezes int
}

// count counts what was done to an instance.
func (c *chaos) count(n *int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*n++
}

// between is a random length.
func (c *chaos) between(least, most time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return least + time.Duration(c.random.Int64N(int64(most-least)))
}

// victim is a random instance to which nobody does anything yet. It is locked.
func (c *chaos) victim() *instance {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if i := c.fleet.all[c.random.IntN(instances)]; i.mu.TryLock() {
			return i
		}
	}
}

// killing kills instances, one after the other, and starts them again.
func (c *chaos) killing(ctx context.Context) error {
	for wait(ctx, c.between(200*time.Millisecond, 1500*time.Millisecond)) {
		i := c.victim()
		err := i.killed()
		if err == nil {
			err = i.start(context.WithoutCancel(ctx))
		}
		i.mu.Unlock()
		if err != nil {
			return err
		}
		c.count(&c.kills)
	}
	return nil
}

// freezing freezes instances, one after the other, for longer than the period of
// the rate limit and for less than the lease of a place.
func (c *chaos) freezing(ctx context.Context) error {
	for wait(ctx, c.between(100*time.Millisecond, 800*time.Millisecond)) {
		i := c.victim()
		err := freeze(i.pid)
		if err == nil {
			wait(context.WithoutCancel(ctx), c.between(ratePeriod+100*time.Millisecond, ratePeriod+1500*time.Millisecond))
			err = thaw(i.pid)
		}
		i.mu.Unlock()
		if err != nil {
			return err
		}
		c.count(&c.freezes)
	}
	return nil
}

// wait waits, and reports whether the context goes on.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// TestLimitsHold kills and freezes instances under load. A place of
// limit-concurrency is not lost in a freeze that is shorter than its lease, so that
// bound is strict, too.
func TestLimitsHold(t *testing.T) {
	needSignals(t)
	t.Parallel()
	f := newFleet(t, instances, gatewayFolder())
	c := &chaos{fleet: f}
	chosen := cmp.Or(*seed, rand.Uint64()) //nolint:gosec // it says which test this is
	c.random = rand.New(rand.NewPCG(chosen, 0))
	t.Logf("-seed %d", chosen)

	ctx, cancel := context.WithTimeout(t.Context(), *duration)
	defer cancel()
	stop := make(chan struct{})
	errs := make(chan error, 3)
	go func() { errs <- c.killing(ctx) }()
	for range 2 {
		go func() { errs <- c.freezing(ctx) }()
	}
	go func() {
		for range cap(errs) {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		close(stop) // when all instances run again, so that every call gets its answer
	}()
	began := time.Now()
	got := f.run(t.Context(), stop, []load{
		{"rate", 4, 40 * time.Millisecond},
		{"quota", 2, 40 * time.Millisecond},
		{"turn", 1, 30 * time.Millisecond},
		{"bytes", 2, 40 * time.Millisecond},
		{"work", 4, 150 * time.Millisecond},
	})
	took := time.Since(began)
	t.Logf("%d kills and %d freezes in %v", c.kills, c.freezes, took)
	for api, s := range got {
		t.Logf("%s: %v", api, s)
	}
	if c.kills < 5 || c.freezes < 4 {
		t.Errorf("got %d kills and %d freezes, which is too few to say anything", c.kills, c.freezes)
	}
	t.Run("rate limit", func(t *testing.T) { checkRate(t, got["rate"], took) })
	t.Run("quota in periods", func(t *testing.T) { checkTurns(t, got["turn"], took) })
	t.Run("concurrency", func(t *testing.T) { checkWork(t, got["work"]) })
	t.Run("quota of calls", func(t *testing.T) { c.checkQuota(t, got["quota"]) })
	t.Run("quota of bandwidth", func(t *testing.T) { c.checkBytes(t, got["bytes"]) })
	t.Run("nothing is stuck", func(t *testing.T) { c.checkFresh(t) })
}

func checkRate(t *testing.T, s *seen, took time.Duration) {
	if got := peak(s.admitted, ticks(ratePeriod)); got > rateCalls {
		t.Errorf("in a period %d calls were admitted, want at most %d", got, rateCalls)
	}
	full := rateCalls * int(took/ratePeriod)
	t.Logf("at most %d of %d in a period, %d of %d in all", peak(s.admitted, ticks(ratePeriod)), rateCalls, len(s.admitted), full)
	if len(s.admitted) < full/2 {
		t.Errorf("%d calls were admitted, which is too few to say anything: want about %d", len(s.admitted), full)
	}
	if !s.only(http.StatusOK, http.StatusTooManyRequests) {
		t.Errorf("got %v, want only 200 and 429", s)
	}
}

func checkTurns(t *testing.T, s *seen, took time.Duration) {
	got, full := byPeriod(s.admitted, ticks(turnPeriod)), turnCalls*int(took/turnPeriod)
	t.Logf("at most %d of %d in a period, %d of %d in all", got, turnCalls, len(s.admitted), full)
	if got > turnCalls {
		t.Errorf("in a period %d calls were admitted, want at most %d", got, turnCalls)
	}
	if len(s.admitted) < full/2 {
		t.Errorf("%d calls were admitted, which is too few to say anything: want about %d", len(s.admitted), full)
	}
}

func checkWork(t *testing.T, s *seen) {
	got := together(s.admitted)
	t.Logf("at most %d of %d at work, %d in all", got, workPlaces, len(s.admitted))
	if got > workPlaces {
		t.Errorf("%d calls were at work together, want at most %d", got, workPlaces)
	}
	if got < workPlaces/2 {
		t.Errorf("only %d calls were at work together, which is too few to say anything", got)
	}
}

// exhaust calls all instances until none of them admits any more.
func (c *chaos) exhaust(t *testing.T, api string, s *seen) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, i := range c.fleet.all {
		for refused := 0; refused < 5; {
			a, err := i.call(ctx, api)
			if err != nil {
				t.Fatalf("using up what is left: %v", err)
			}
			s.add(a, nil)
			switch a.status {
			case http.StatusOK:
				refused = 0
			case http.StatusForbidden:
				refused++
			default: // the store did not answer
				wait(ctx, 100*time.Millisecond)
			}
		}
	}
}

// checkQuota: a kill may lose a lease, which is at most a hundredth of the quota; a
// freeze, too, when it comes while the row is being written.
func (c *chaos) checkQuota(t *testing.T, s *seen) {
	c.exhaust(t, "quota", s)
	missing := quotaCalls - len(s.admitted)
	most := (c.kills+c.freezes)*quotaCalls/100 + s.lost
	t.Logf("%d of %d calls were admitted, %d were lost, at most %d may be", len(s.admitted), quotaCalls, missing, most)
	if missing < 0 {
		t.Errorf("%d calls were admitted, want at most %d", len(s.admitted), quotaCalls)
	}
	if missing > most {
		t.Errorf("%d calls of the quota were lost by %d kills and %d freezes, want at most %d", missing, c.kills, c.freezes, most)
	}
}

// checkBytes: over is at most what is on the way when the quota runs out, and what
// each instance, or one that was killed, had not counted yet: a hundredth of it.
func (c *chaos) checkBytes(t *testing.T, s *seen) {
	c.exhaust(t, "bytes", s)
	over := s.bytes - bytesQuota
	most := (instances+c.kills)*bytesQuota/100 + instances*2*bytesBody
	t.Logf("%d of %d bytes, at most %d over", s.bytes, bytesQuota, most)
	if over > most {
		t.Errorf("%d bytes over the quota, want at most %d", over, most)
	}
	if least := (instances + c.kills + c.freezes) * bytesQuota / 100; over < -least-s.lost*bytesBody {
		t.Errorf("%d bytes of the quota were lost, want at most %d", -over, least)
	}
}

// checkFresh asks a new instance.
func (c *chaos) checkFresh(t *testing.T) {
	i := c.fleet.add(t)
	for api, limit := range map[string]time.Duration{
		"rate": 2 * ratePeriod, "turn": 2 * turnPeriod, "work": placeLease,
	} {
		took, _ := i.until(t, api, http.StatusOK, limit)
		t.Logf("%s: admits after %v", api, took)
	}
	for _, api := range []string{"quota", "bytes"} {
		i.until(t, api, http.StatusForbidden, 0)
	}
}

// slow is what a busy machine may add to a bound.
const slow = 3 * time.Second

// until calls until an answer has a status, and fails the test when that takes
// longer than a limit. It returns how long that took, and how many answers came
// before.
func (i *instance) until(t *testing.T, api string, status int, limit time.Duration) (time.Duration, int) {
	t.Helper()
	began := time.Now()
	for others := 0; ; others++ {
		a, err := i.call(t.Context(), api)
		if err != nil {
			t.Fatalf("calling %s: %v", api, err)
		}
		if took := time.Since(began); a.status == status {
			return took, others
		} else if took > limit+slow {
			t.Fatalf("%s: got %d for %v, want %d within %v", api, a.status, took, status, limit)
		}
		wait(t.Context(), 20*time.Millisecond)
	}
}

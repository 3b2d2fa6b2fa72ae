package limit

import (
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestEnter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, fleetOptions{n: 2, seed: 1})
		a, b := f.instances[0], f.instances[1]
		enter := func(in *instance, most int) func() {
			time.Sleep(placePacing * 2)
			leave, err := in.Enter(t.Context(), "k", most)
			if err != nil {
				t.Fatal(err)
			}
			return leave
		}
		first, second := enter(a, 2), enter(b, 2)
		if first == nil || second == nil {
			t.Fatal("two have to find a place")
		}
		if enter(a, 2) != nil || enter(b, 2) != nil {
			t.Error("a third one found a place")
		}
		if enter(a, 0) != nil {
			t.Error("there is never a place for none")
		}
		third := enter(a, 3)
		if third == nil {
			t.Error("by a limit of three, a third one has to find a place")
		}
		first()
		first()
		if enter(b, 2) != nil {
			t.Error("of three, two are at work still")
		}
		third()
		fourth := enter(b, 2)
		if fourth == nil {
			t.Error("a place is free")
		}
		second()
		fourth()
	})
}

// Never are more at work than may be, over all instances, however long they
// work; and places come back.
func TestConcurrencyHolds(t *testing.T) {
	for _, most := range []int{1, 5, 50} {
		synctest.Test(t, func(t *testing.T) {
			f := newFleet(t, fleetOptions{n: 8, seed: 4, lost: 0.02, busy: 0.01})
			r := rand.New(rand.NewPCG(1, 1))
			var mu sync.Mutex
			running, peak, entered, refused := 0, 0, 0, 0
			f.arrive(60, 2*time.Minute, func(in *instance) {
				leave, err := in.Enter(t.Context(), "k", most)
				if err != nil {
					t.Errorf("Enter: %v", err)
				}
				mu.Lock()
				if leave == nil {
					refused++
					mu.Unlock()
					return
				}
				running++
				entered++
				peak = max(peak, running)
				work := time.Duration(r.ExpFloat64() * float64(time.Second))
				if r.IntN(20) == 0 {
					work *= 20 // longer than a lease
				}
				mu.Unlock()
				time.Sleep(work)
				mu.Lock()
				running--
				mu.Unlock()
				leave()
			})
			var allowed uint64
			for _, in := range f.instances {
				allowed += in.Stats().Allowed
			}
			t.Logf("at most %d: peak %d, %d entered, %d refused, %.2f operations per call, %d not counted", most, peak, entered, refused, float64(f.ops.Load())/float64(entered+refused), allowed)
			if peak > most+int(allowed) {
				t.Errorf("%d were at work, want at most %d", peak, most)
			}
			if peak < most*9/10 {
				t.Errorf("%d were at work, want about %d", peak, most)
			}
		})
	}
}

// The places of a killed instance are free after its lease.
func TestPlacesOfAKilledInstance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, fleetOptions{n: 2, seed: 1})
		a, b := f.instances[0], f.instances[1]
		leave, err := a.Enter(t.Context(), "k", 1)
		if err != nil || leave == nil {
			t.Fatal("there is a place", err)
		}
		a.gate.freeze()
		defer time.Sleep(time.Second) // for the visits under way
		defer leave()
		defer a.gate.thaw()
		began := time.Now()
		for {
			leave, err := b.Enter(t.Context(), "k", 1)
			if err != nil {
				t.Fatal(err)
			}
			if leave != nil {
				leave()
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		if got := time.Since(began); got < 9*time.Second || got > 11*time.Second {
			t.Errorf("the place was free after %v, want about %v", got, placeLease)
		}
	})
}

// On an instance that has room, calls come and go without the store.
func TestEnterIsFreeWithRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, fleetOptions{n: 1, seed: 1})
		for range 1000 {
			leave, err := f.instances[0].Enter(t.Context(), "k", 20)
			if err != nil || leave == nil {
				t.Fatal("there is a place", err)
			}
			time.Sleep(20 * time.Millisecond)
			leave()
		}
		if got := f.ops.Load(); got > 20 {
			t.Errorf("%d store operations, want few", got)
		}
	})
}

package faults_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"
)

// placeLease is after how long the places of a killed instance are free again, as
// package limit documents.
const placeLease = 10 * time.Second

// TestPlacesComeBack kills an instance whose calls have all places. While the store
// does not answer, calls pass without a place: a fault then says nothing of places.
func TestPlacesComeBack(t *testing.T) {
	needSignals(t)
	t.Parallel()
	const fleets = 3
	for range fleets {
		f := newFleet(t, 2, gatewayFolder())
		faults := placesComeBack(t, f.all[0], f.all[1])
		if len(faults) > 0 && f.away.count() > 0 {
			t.Logf("again, because the store did not answer at times: %v", faults)
			continue
		}
		for _, fault := range faults {
			t.Error(fault)
		}
		return
	}
	t.Errorf("the store did not answer at times in each of %d runs: run the test on a machine with less to do", fleets)
}

// placesComeBack kills the holder of all places, and returns what was wrong with what
// came of that.
func placesComeBack(t *testing.T, holder, other *instance) []error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var faults collected
	var held sync.WaitGroup
	for range 3 * workPlaces { // some may pass without a place
		held.Go(func() {
			for { // one that is refused met the look below
				a, err := holder.call(ctx, "hold")
				if err != nil {
					return
				}
				if a.status != http.StatusTooManyRequests {
					faults.add("a call of the killed instance was answered with %d", a.status)
				}
				wait(ctx, 200*time.Millisecond)
			}
		})
	}
	if _, _, err := holder.answers(ctx, "enter", http.StatusTooManyRequests, placeLease); err != nil {
		cancel()
		held.Wait()
		return append(faults.all, err)
	}
	if err := holder.killed(); err != nil {
		t.Fatal(err)
	}
	held.Wait()
	took, refused, err := other.answers(ctx, "enter", http.StatusOK, placeLease)
	if err != nil {
		return append(faults.all, err)
	}
	t.Logf("the places were free after %v", took)
	if refused == 0 {
		faults.add("the places were free at once: they were not held in the store")
	}
	var all sync.WaitGroup
	for range workPlaces {
		all.Go(func() {
			if a, err := other.call(ctx, "share"); err != nil || a.status != http.StatusOK {
				faults.add("got %d, %v, want 200: all places are free", a.status, err)
			}
		})
	}
	all.Wait()
	return faults.all
}

// collected are faults that count once it is known that the store answered.
type collected struct {
	mu  sync.Mutex
	all []error
}

func (c *collected) add(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, fmt.Errorf(format, args...))
}

package faults_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"
)

// placeLease is after how long the places of a killed instance are free again, as
// package limit documents.
const placeLease = 10 * time.Second

// TestPlacesComeBack kills an instance whose calls have all places.
func TestPlacesComeBack(t *testing.T) {
	needSignals(t)
	t.Parallel()
	f := newFleet(t, 2, gatewayFolder())
	holder, other := f.all[0], f.all[1]
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var held sync.WaitGroup
	for range workPlaces {
		held.Go(func() {
			for { // one that is refused met the look below
				a, err := holder.call(ctx, "hold")
				if err != nil {
					return
				}
				if a.status != http.StatusTooManyRequests {
					t.Errorf("a call of the killed instance was answered with %d", a.status)
				}
				wait(ctx, 200*time.Millisecond)
			}
		})
	}
	holder.until(t, "enter", http.StatusTooManyRequests, placeLease)
	if err := holder.killed(); err != nil {
		t.Fatal(err)
	}
	held.Wait()
	took, refused := other.until(t, "enter", http.StatusOK, placeLease)
	t.Logf("the places were free after %v", took)
	if refused == 0 {
		t.Error("the places were free at once: they were not held in the store")
	}
	var all sync.WaitGroup
	for range workPlaces {
		all.Go(func() {
			if a, err := other.call(ctx, "share"); err != nil || a.status != http.StatusOK {
				t.Errorf("got %d, %v, want 200: all places are free", a.status, err)
			}
		})
	}
	all.Wait()
}

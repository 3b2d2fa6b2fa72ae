package statetest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"toolgate/shared/state"
)

// sweepTime is the time before which rows of the sweep's cases expire.
var sweepTime = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// swept sweeps and compares how many rows it has removed.
func swept(t testing.TB, s state.Store, limit, want int) {
	t.Helper()
	got, err := s.Sweep(t.Context(), sweepTime, limit)
	if err != nil || got != want {
		t.Errorf("sweeping at most %d: got %d and error %v, want %d", limit, got, err, want)
	}
}

// expiring creates a row and returns its key.
func expiring(t testing.TB, s state.Store, at time.Time) state.Key {
	t.Helper()
	key := NewKey("rate")
	put(t, s, key, state.Record{Data: []byte("one"), Expires: at})
	return key
}

func sweep(t *testing.T, s state.Store) {
	swept(t, s, 10, 0)
	long := expiring(t, s, sweepTime.Add(-48*time.Hour))
	just := expiring(t, s, sweepTime.Add(-time.Millisecond))
	at := expiring(t, s, sweepTime)
	after := expiring(t, s, sweepTime.Add(time.Millisecond))
	never := expiring(t, s, time.Time{})
	extended := expiring(t, s, sweepTime.Add(-time.Hour))
	put(t, s, extended, state.Record{Version: get(t, s, extended).Version, Expires: sweepTime.Add(time.Hour)})
	kept := expiring(t, s, sweepTime.Add(-time.Hour))
	put(t, s, kept, state.Record{Version: get(t, s, kept).Version})
	shortened := expiring(t, s, sweepTime.Add(time.Hour))
	put(t, s, shortened, state.Record{Version: get(t, s, shortened).Version, Expires: sweepTime.Add(-time.Hour)})
	removed := expiring(t, s, sweepTime.Add(-time.Hour))
	if err := s.Delete(t.Context(), removed, state.AnyVersion); err != nil {
		t.Fatal(err)
	}
	remade := expiring(t, s, sweepTime.Add(-time.Hour))
	if err := s.Delete(t.Context(), remade, state.AnyVersion); err != nil {
		t.Fatal(err)
	}
	put(t, s, remade, state.Record{})

	swept(t, s, 100, 3)
	for _, key := range []state.Key{long, just, shortened, removed} {
		absent(t, s, key)
	}
	for _, key := range []state.Key{at, after, never, extended, kept, remade} {
		get(t, s, key)
	}
	swept(t, s, 100, 0)
}

func sweepLimit(t *testing.T, s state.Store) {
	for range 7 {
		expiring(t, s, sweepTime.Add(-time.Hour))
	}
	live := expiring(t, s, sweepTime.Add(time.Hour))
	swept(t, s, 0, 0)
	swept(t, s, 3, 3)
	swept(t, s, 3, 3)
	swept(t, s, 3, 1)
	swept(t, s, 3, 0)
	get(t, s, live)
}

// sweepBesideWriters makes expired rows live again while they are being swept:
// either the writer finds its row gone, or the row stays.
func sweepBesideWriters(t *testing.T, s state.Store) {
	const rows = 20
	keys := make([]state.Key, rows)
	records := make([]state.Record, rows)
	for i := range keys {
		keys[i] = expiring(t, s, sweepTime.Add(-time.Hour))
		records[i] = state.Record{Version: get(t, s, keys[i]).Version, Expires: sweepTime.Add(time.Hour)}
	}
	var done sync.WaitGroup
	var rewritten [rows]atomic.Bool
	done.Go(func() {
		for i, key := range keys {
			_, err := s.Put(t.Context(), key, records[i])
			rewritten[i].Store(err == nil)
		}
	})
	deleted := 0
	done.Go(func() {
		var err error
		if deleted, err = s.Sweep(t.Context(), sweepTime, rows); err != nil {
			t.Errorf("sweeping: %v", err)
		}
	})
	done.Wait()
	live := 0
	for i, key := range keys {
		if rewritten[i].Load() {
			get(t, s, key)
			live++
		}
	}
	if live+deleted != rows {
		t.Errorf("of %d rows %d were written again and %d swept, want all of them", rows, live, deleted)
	}
}

// sweepTwice lets two instances sweep at the same time.
func sweepTwice(t *testing.T, s state.Store) {
	const rows = 12
	for range rows {
		expiring(t, s, sweepTime.Add(-time.Hour))
	}
	var done sync.WaitGroup
	var deleted atomic.Int64
	for range 2 {
		done.Go(func() {
			n, err := s.Sweep(t.Context(), sweepTime, 100)
			if err != nil {
				t.Errorf("sweeping: %v", err)
			}
			deleted.Add(int64(n))
		})
	}
	done.Wait()
	// A row that both delete is counted by both in stores that do not say who did.
	if got := deleted.Load(); got < rows {
		t.Errorf("two sweeps at once: %d rows were removed, want %d at least", got, rows)
	}
	swept(t, s, 100, 0)
}

func sweepDoesNothing(t *testing.T, s state.Store) {
	key := expiring(t, s, time.Now().Add(-time.Second))
	if got, err := s.Sweep(t.Context(), time.Now(), 10); got != 0 || err != nil {
		t.Errorf("sweeping: got %d and error %v, want 0 and none", got, err)
	}
	get(t, s, key)
}

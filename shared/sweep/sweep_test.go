package sweep

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"toolgate/shared/state"
)

// fill puts n rows into a store that expire at a time.
func fill(t *testing.T, s state.Store, prefix string, n int, expires time.Time) {
	t.Helper()
	for i := range n {
		key := state.Key{Space: "rate", ID: fmt.Sprintf("%s-%d", prefix, i)}
		if _, err := s.Put(t.Context(), key, state.Record{Expires: expires}); err != nil {
			t.Fatal(err)
		}
	}
}

// left counts the rows that fill made and that are still there.
func left(t *testing.T, s state.Store, prefix string, n int) (count int) {
	t.Helper()
	for i := range n {
		if _, err := s.Get(t.Context(), state.Key{Space: "rate", ID: fmt.Sprintf("%s-%d", prefix, i)}); err == nil {
			count++
		}
	}
	return count
}

func TestOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &state.Memory{}
		fill(t, store, "old", 2*batch+1, time.Now().Add(-grace-time.Second))
		fill(t, store, "fresh", 3, time.Now().Add(-grace+time.Second))
		fill(t, store, "ever", 3, time.Time{})
		var log strings.Builder
		o := Options{Store: store, Log: slog.New(slog.NewTextHandler(&log, nil))}
		for range 2 { // twice does no harm
			if err := Once(t.Context(), o); err != nil {
				t.Fatal(err)
			}
		}
		if a, b, c := left(t, store, "old", 2*batch+1), left(t, store, "fresh", 3), left(t, store, "ever", 3); a != 0 || b != 3 || c != 3 {
			t.Errorf("left: got %d old, %d fresh, %d without end, want 0, 3, 3", a, b, c)
		}
		if got := log.String(); !strings.Contains(got, fmt.Sprintf("removed=%d", 2*batch+1)) || strings.Count(got, "\n") != 1 {
			t.Errorf("log: got %s", got)
		}
	})
}

// endless is a store that always has more to remove, and takes its time.
type endless struct {
	state.Memory
	calls int
	err   error
}

func (e *endless) Sweep(context.Context, time.Time, int) (int, error) {
	e.calls++
	time.Sleep(50 * time.Second) // of the test's clock
	return batch, e.err
}

func TestOnceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &endless{}
		if err := Once(t.Context(), Options{Store: s}); err != nil || s.calls != 4 {
			t.Errorf("got %d calls, %v; want 4", s.calls, err)
		}
		s = &endless{err: state.ErrBusy}
		err := Once(t.Context(), Options{Store: s})
		if !errors.Is(err, state.ErrBusy) || s.calls != 1 || !strings.Contains(err.Error(), "after 500 of them") {
			t.Errorf("got %d calls, %v", s.calls, err)
		}
	})
}

func TestHourly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &state.Memory{}
		fill(t, store, "a", 1, time.Now().Add(-grace-time.Second))
		fill(t, store, "b", 1, time.Now().Add(30*time.Minute))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			Hourly(ctx, Options{Store: store})
		}()
		synctest.Wait()
		if a, b := left(t, store, "a", 1), left(t, store, "b", 1); a != 0 || b != 1 {
			t.Errorf("at start: got %d, %d, want 0, 1", a, b)
		}
		time.Sleep(2*Interval + time.Minute)
		synctest.Wait()
		if got := left(t, store, "b", 1); got != 0 {
			t.Errorf("later: got %d, want 0", got)
		}
		cancel()
		<-ended
	})
}

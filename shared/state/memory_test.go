package state_test

import (
	"testing"
	"time"

	"toolgate/shared/state"
	"toolgate/shared/state/statetest"
)

func TestMemory(t *testing.T) {
	statetest.Suite{Open: func(*testing.T) state.Store { return &state.Memory{} }}.Run(t)
}

// BenchmarkMemory is the cost of one operation in a store of 1,000 rows.
func BenchmarkMemory(b *testing.B) {
	s := &state.Memory{}
	statetest.Bench(b, s)
}

func TestMilli(t *testing.T) {
	for _, c := range []struct {
		in   time.Time
		want int64
	}{
		{time.Time{}, 0},
		{time.Unix(0, 0), 1},
		{time.Unix(-5, 0), 1},
		{time.Time{}.Add(1), 1},
		{time.UnixMilli(1500), 1500},
		{time.UnixMilli(1500).Add(1), 1501},
		{time.UnixMilli(1500).Add(-1), 1500},
		{time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC), 253402300799999},
		{time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC), 253402300799999},
		{time.Unix(1<<62, 0), 253402300799999},
	} {
		if got := state.ToMilli(c.in); got != c.want {
			t.Errorf("ToMilli(%v): got %d, want %d", c.in, got, c.want)
		}
	}
	if got := state.FromMilli(0); !got.IsZero() {
		t.Errorf("FromMilli(0): got %v, want the zero time", got)
	}
	if got, want := state.FromMilli(1500), time.UnixMilli(1500); !got.Equal(want) {
		t.Errorf("FromMilli(1500): got %v, want %v", got, want)
	}
}

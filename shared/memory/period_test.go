package memory

import (
	"testing"
	"time"

	"toolgate/shared/policy"
)

func TestUse(t *testing.T) {
	s, c := newStore() // at noon
	start := time.Date(2026, 1, 31, 11, 50, 0, 0, time.UTC)
	q := policy.Quota{Calls: 2, Bytes: 100, Period: 30 * time.Minute, Start: start}
	steps := []struct {
		name  string
		after time.Duration
		use   policy.Usage
		late  bool
		want  policy.QuotaState
	}{
		{"looking", 0, policy.Usage{}, false, policy.QuotaState{Remaining: policy.Usage{Calls: 2, Bytes: 100}, Renewal: 20 * time.Minute}},
		{"the first call", 0, policy.Usage{Calls: 1}, false, policy.QuotaState{Remaining: policy.Usage{Calls: 1, Bytes: 100}, Renewal: 20 * time.Minute}},
		{"its bytes", 0, policy.Usage{Bytes: 120}, true, policy.QuotaState{BytesExceeded: true, Remaining: policy.Usage{Calls: 1, Bytes: -20}, Renewal: 20 * time.Minute}},
		{"beyond the bytes", 0, policy.Usage{Calls: 1}, false, policy.QuotaState{BytesExceeded: true, Remaining: policy.Usage{Calls: 1, Bytes: -20}, Renewal: 20 * time.Minute}},
		{"the next period", 20 * time.Minute, policy.Usage{Calls: 2}, false, policy.QuotaState{Remaining: policy.Usage{Bytes: 100}, Renewal: 30 * time.Minute}},
		{"beyond the calls", time.Minute, policy.Usage{Calls: 1}, false, policy.QuotaState{CallsExceeded: true, Remaining: policy.Usage{Bytes: 100}, Renewal: 29 * time.Minute}},
	}
	for _, step := range steps {
		c.advance(step.after)
		got, err := s.Use(t.Context(), "key", q, step.use, step.late)
		if err != nil || got != step.want {
			t.Errorf("%s: got %+v, %v, want %+v", step.name, got, err, step.want)
		}
	}
}

// use counts one call that must pass.
func use(t *testing.T, s *Store, q policy.Quota) {
	t.Helper()
	if got, err := s.Use(t.Context(), "key", q, policy.Usage{Calls: 1}, false); err != nil || got.CallsExceeded {
		t.Fatalf("got %+v, %v, want it passed", got, err)
	}
}

func TestQuotaForEver(t *testing.T) {
	s, c := newStore()
	q := policy.Quota{Calls: 1}
	use(t, s, q)
	c.advance(1000 * 24 * time.Hour)
	got, _ := s.Use(t.Context(), "key", q, policy.Usage{Calls: 1}, false)
	if want := (policy.QuotaState{CallsExceeded: true}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestPeriodOf(t *testing.T) {
	year1 := time.Time{}.Unix()
	for _, tt := range []struct {
		name                string
		now, start, seconds int64
		index, end          int64
	}{
		{"for ever", 5, 0, 0, 0, 0},
		{"the first", 5, 0, 10, 0, 10},
		{"at its end", 10, 0, 10, 1, 20},
		{"before it", -25, 0, 10, 0, 10},
		{"from the year 1", 0, year1, 86400, 719162, 86400},
	} {
		if index, end := periodOf(tt.now, tt.start, tt.seconds); index != tt.index || end != tt.end {
			t.Errorf("%s: got %d until %d, want %d until %d", tt.name, index, end, tt.index, tt.end)
		}
	}
}

func TestQuotaClockSetBack(t *testing.T) {
	s, c := newStore()
	q := policy.Quota{Calls: 1, Period: time.Hour}
	use(t, s, q)
	c.advance(-3 * time.Hour)
	if got, _ := s.Use(t.Context(), "key", q, policy.Usage{Calls: 1}, false); !got.CallsExceeded {
		t.Error("a clock that was set back let a call through")
	}
}

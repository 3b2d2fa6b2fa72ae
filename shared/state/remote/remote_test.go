package remote_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"toolgate/shared/state"
	"toolgate/shared/state/remote"
)

func TestDeadline(t *testing.T) {
	for _, c := range []struct{ timeout, first, next time.Duration }{
		{0, 2 * time.Second, 250 * time.Millisecond},
		{time.Second, 2 * time.Second, time.Second},
		{5 * time.Second, 5 * time.Second, 5 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := remote.NewDeadline(c.timeout)
			took := func() time.Duration {
				ctx, cancel := d.Limit(t.Context())
				defer cancel()
				start := time.Now()
				<-ctx.Done()
				return time.Since(start)
			}
			if first, again := took(), took(); first != c.first || again != c.first {
				t.Errorf("limit %v, before an answer: got %v and %v, want %v", c.timeout, first, again, c.first)
			}
			d.Answered()
			d.Answered()
			if got := took(); got != c.next {
				t.Errorf("limit %v, after an answer: got %v, want %v", c.timeout, got, c.next)
			}
		})
	}
}

func TestUnanswered(t *testing.T) {
	cause := errors.New("reset")
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	limited, stop := context.WithTimeout(t.Context(), 0)
	defer stop()
	<-limited.Done()
	for _, c := range []struct {
		name         string
		caller       context.Context
		busy, caused bool
	}{
		{"waiting", t.Context(), true, true},
		{"out of time", limited, true, true},
		{"gone", canceled, false, false},
	} {
		err := remote.Unanswered(c.caller, cause)
		if errors.Is(err, state.ErrBusy) != c.busy || errors.Is(err, cause) != c.caused || errors.Is(err, context.Canceled) == c.busy {
			t.Errorf("a caller that is %s: got %v", c.name, err)
		}
	}
}

func TestBusy(t *testing.T) {
	for status, want := range map[int]bool{200: false, 400: false, 404: false, 408: true, 412: false, 429: true, 499: false, 500: true, 503: true, 504: true} {
		if got := remote.Busy(status); got != want {
			t.Errorf("status %d: got %v, want %v", status, got, want)
		}
	}
}

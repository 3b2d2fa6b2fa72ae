package main

import (
	"io"
	"testing"
	"time"

	"toolgate/shared/policy"
	"toolgate/shared/state"
)

func TestIdealAndPeak(t *testing.T) {
	begin := time.Now()
	var arrivals []time.Time
	var admitted []answered
	for i := range 2 * sharedLimit.Calls {
		at := begin.Add(time.Duration(i) * 5 * time.Millisecond)
		arrivals = append(arrivals, at)
		admitted = append(admitted, answered{at, at.Add(time.Millisecond)})
	}
	if got := ideal(arrivals); got != sharedLimit.Calls {
		t.Errorf("within a period: got %d, want %d", got, sharedLimit.Calls)
	}
	if got := peak(admitted); got != 2*sharedLimit.Calls {
		t.Errorf("the peak is %d, want %d", got, 2*sharedLimit.Calls)
	}
	for i := range 10 {
		arrivals = append(arrivals, begin.Add(sharedLimit.Period+time.Duration(i)*5*time.Millisecond))
		admitted = append(admitted, answered{begin.Add(sharedLimit.Period), begin.Add(sharedLimit.Period + time.Millisecond)})
	}
	if got, want := ideal(arrivals), sharedLimit.Calls+10; got != want {
		t.Errorf("in the next period: got %d, want %d", got, want)
	}
	if got, want := peak(admitted[1:]), 2*sharedLimit.Calls-1+10; got != want {
		t.Errorf("the peak is %d, want %d", got, want)
	}
}

func TestSwapLimiterCounts(t *testing.T) {
	s := swapLimiter{&state.Memory{}}
	passed := 0
	for range 20 {
		spent, err := s.Take(t.Context(), "k", policy.Limit{Calls: 7, Period: time.Minute}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if !spent.Exceeded {
			passed++
		}
	}
	if passed != 7 {
		t.Errorf("%d passed, want 7", passed)
	}
}

func TestStateCommandLine(t *testing.T) {
	for _, args := range [][]string{{"state", "-instances", "0"}, {"state", "-instances", "1,x"}, {"state", "more"}, {"state", "-nothing"}} {
		if got := command(t.Context(), args, io.Discard, io.Discard); got != 2 {
			t.Errorf("%q ends with %d, want 2", args, got)
		}
	}
	if got := command(t.Context(), []string{"state", "-store", "paper"}, io.Discard, io.Discard); got != 1 {
		t.Errorf("a store that there is not ends with %d, want 1", got)
	}
}

package faults_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"
)

// span is the time between two moments, in ticks of 100 ns since the year 1.
type span struct{ began, ended int64 }

// ticks is a length in ticks.
func ticks(d time.Duration) int64 { return int64(d / 100) }

// now is the time in ticks.
func now() int64 {
	const unixEpoch = 621_355_968_000_000_000
	return unixEpoch + ticks(time.Duration(time.Now().UnixNano()))
}

// spanOf is the span that a response tells.
func spanOf(h http.Header) (s span, err error) {
	if s.began, err = strconv.ParseInt(h.Get("X-Began"), 10, 64); err != nil {
		return span{}, fmt.Errorf("reading when the call began: %w", err)
	}
	if s.ended, err = strconv.ParseInt(h.Get("X-Ended"), 10, 64); err != nil {
		return span{}, fmt.Errorf("reading when the call ended: %w", err)
	}
	return s, nil
}

// peak is the most spans that lie in one interval of a length, its end excluded.
// What is admitted in a span is admitted in any interval that the span lies in.
func peak(spans []span, length int64) int {
	spans = slices.Clone(spans)
	slices.SortFunc(spans, func(a, b span) int { return int(a.began - b.began) })
	most := 0
	for i, first := range spans {
		n := 0
		for _, s := range spans[i:] {
			if s.began >= first.began+length {
				break
			}
			if s.ended < first.began+length {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// together is the most spans that share a moment.
func together(spans []span) int {
	type edge struct {
		at    int64
		delta int
	}
	var edges []edge
	for _, s := range spans {
		edges = append(edges, edge{s.began, 1}, edge{s.ended, -1})
	}
	slices.SortFunc(edges, func(a, b edge) int {
		if a.at != b.at {
			return int(a.at - b.at)
		}
		return a.delta - b.delta // who leaves makes room for who comes
	})
	n, most := 0, 0
	for _, e := range edges {
		n += e.delta
		most = max(most, n)
	}
	return most
}

// byPeriod is the most spans that lie in one of the periods that follow each other.
func byPeriod(spans []span, length int64) int {
	counts, most := map[int64]int{}, 0
	for _, s := range spans {
		if s.began/length == s.ended/length {
			counts[s.began/length]++
			most = max(most, counts[s.began/length])
		}
	}
	return most
}

func TestSpans(t *testing.T) {
	for _, c := range []struct {
		name                     string
		spans                    []span
		peak, together, byPeriod int
	}{
		{"none", nil, 0, 0, 0},
		{"over the border of a period", []span{{6, 7}, {8, 9}, {10, 11}, {12, 13}}, 4, 1, 2},
		{"a whole length apart", []span{{0, 1}, {10, 11}}, 1, 1, 1},
		{"one that took longer than that", []span{{0, 30}, {5, 6}, {6, 7}}, 2, 2, 2},
		{"one after the other", []span{{0, 4}, {4, 8}}, 2, 1, 2},
		{"out of order", []span{{7, 9}, {1, 8}, {3, 4}}, 3, 2, 3},
	} {
		if got := [3]int{peak(c.spans, 10), together(c.spans), byPeriod(c.spans, 10)}; got != [3]int{c.peak, c.together, c.byPeriod} {
			t.Errorf("%s: got %v, want %v", c.name, got, [3]int{c.peak, c.together, c.byPeriod})
		}
	}
}

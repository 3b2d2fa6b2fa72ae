package memory

import (
	"context"
	"slices"
	"strconv"
	"time"

	"toolgate/shared/policy"
)

// window is what was counted within one period back from now.
type window struct {
	runs []run // in order of time
	used int   // the sum of the runs
}

// run is what was counted at one time.
type run struct {
	at int64 // nanoseconds since 1970
	n  int
}

// maxRuns bounds the runs of a window. Up to as many times are kept exactly;
// beyond that, times within one 256th of the period count as the latest of
// them: what was counted then is given back that much later, never earlier.
const maxRuns = 256

// Take serves policy.Limiter. Counters are told apart by key and period; limits
// of different numbers of calls share one.
func (s *Store) Take(_ context.Context, key string, l policy.Limit, cost int) (policy.Spent, error) {
	return s.count(key, l, cost, false), nil
}

// Add serves policy.Limiter.
func (s *Store) Add(_ context.Context, key string, l policy.Limit, cost int) (policy.Spent, error) {
	return s.count(key, l, cost, true), nil
}

func (s *Store) count(key string, l policy.Limit, cost int, always bool) policy.Spent {
	period := int64(max(l.Period, 1))
	key = counterKey(period, key)
	s.windows.Lock()
	defer s.windows.Unlock()
	now := s.clock()
	e := s.windows.table.get(key, now)
	if e == nil {
		if cost <= 0 || !always && cost > l.Calls {
			return (&window{}).spent(now, period, l.Calls, cost)
		}
		e = s.windows.table.put(key, &window{}, now+period)
	}
	w := e.value
	if n := len(w.runs); n > 0 {
		now = max(now, w.runs[n-1].at) // a clock that was set back does not let more through
	}
	w.prune(now - period)
	spent := w.spent(now, period, l.Calls, cost)
	if cost > 0 && (always || !spent.Exceeded) {
		w.add(now, period, cost)
		e.expires = now + period
		spent = w.spent(now, period, l.Calls, 0)
		spent.Exceeded = false
	}
	return spent
}

// counterKey is the key of a counter for a period.
func counterKey(period int64, key string) string {
	var buf [128]byte
	out := strconv.AppendInt(buf[:0], period, 36)
	out = append(out, ' ')
	return string(append(out, key...))
}

// prune drops what was counted at a time or before.
func (w *window) prune(before int64) {
	n := 0
	for n < len(w.runs) && w.runs[n].at <= before {
		w.used -= w.runs[n].n
		n++
	}
	if n == len(w.runs) {
		w.runs = w.runs[:0]
	} else if n > 0 {
		w.runs = slices.Delete(w.runs, 0, n)
	}
}

// spent is the state for one who wants cost more. A cost of 0 asks whether one
// more would pass.
func (w *window) spent(now, period int64, calls, cost int) policy.Spent {
	s := policy.Spent{Remaining: max(0, calls-w.used)}
	if w.used+max(cost, 1) <= calls {
		return s
	}
	s.Exceeded = true
	s.RetryAfter = time.Duration(period)
	left := w.used
	for _, r := range w.runs {
		if left -= r.n; left+max(cost, 1) <= calls {
			s.RetryAfter = time.Duration(r.at + period - now)
			break
		}
	}
	return s
}

// add counts n at a time that no run is behind.
func (w *window) add(now, period int64, n int) {
	w.used += n
	last := len(w.runs) - 1
	if last >= 0 && w.runs[last].at == now {
		w.runs[last].n += n
		return
	}
	if len(w.runs) >= maxRuns {
		if cell := max(period/maxRuns, 1); w.runs[last].at/cell == now/cell {
			w.runs[last] = run{now, w.runs[last].n + n}
			return
		}
		w.compact(period) // once for each cell, not for each call
	}
	w.runs = append(w.runs, run{now, n})
}

// compact makes one run of those in the same 256th of the period, at the time
// of the last of them.
func (w *window) compact(period int64) {
	cell := max(period/maxRuns, 1)
	kept := w.runs[:1]
	for _, r := range w.runs[1:] {
		if last := &kept[len(kept)-1]; last.at/cell == r.at/cell {
			last.at, last.n = r.at, last.n+r.n
		} else {
			kept = append(kept, r)
		}
	}
	w.runs = kept
}

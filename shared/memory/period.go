package memory

import (
	"context"
	"strconv"
	"time"

	"toolgate/shared/policy"
)

// period is what was used of a quota in one period.
type period struct {
	index int64 // of the period, from the first one on
	used  policy.Usage
}

// Use serves policy.Quotas. Counters are told apart by key, length of the
// period and its start; quotas of different amounts share one. The state of a
// late use tells whether the quota is exhausted now.
func (s *Store) Use(_ context.Context, key string, q policy.Quota, u policy.Usage, late bool) (policy.QuotaState, error) {
	seconds, start := int64(q.Period/time.Second), q.Start.Unix()
	key = strconv.FormatInt(seconds, 36) + " " + strconv.FormatInt(start, 36) + " " + key
	s.periods.Lock()
	defer s.periods.Unlock()
	now := s.now()
	index, end := periodOf(now.Unix(), start, seconds)
	e := s.periods.table.get(key, now.UnixNano())
	var none period
	p := &none
	if e != nil {
		p = e.value
		if p.index < index {
			p.index, p.used = index, policy.Usage{}
		}
	}
	state := policy.QuotaState{
		CallsExceeded: q.Calls > 0 && p.used.Calls >= q.Calls,
		BytesExceeded: q.Bytes > 0 && p.used.Bytes >= q.Bytes,
	}
	if u != (policy.Usage{}) && (late || !state.CallsExceeded && !state.BytesExceeded) {
		if e == nil {
			p = &period{index: index}
			e = s.periods.table.put(key, p, nanoseconds(end))
		}
		e.expires = max(e.expires, nanoseconds(end))
		p.used.Calls += u.Calls
		p.used.Bytes += u.Bytes
		if late {
			state.CallsExceeded = q.Calls > 0 && p.used.Calls >= q.Calls
			state.BytesExceeded = q.Bytes > 0 && p.used.Bytes >= q.Bytes
		}
	}
	if q.Calls > 0 {
		state.Remaining.Calls = q.Calls - p.used.Calls
	}
	if q.Bytes > 0 {
		state.Remaining.Bytes = q.Bytes - p.used.Bytes
	}
	if end != 0 {
		state.Renewal = time.Unix(end, 0).Sub(now)
	}
	return state, nil
}

// periodOf is the period of a time, and when it ends; an end of 0 is never. All
// are in seconds since 1970. What is before the first period belongs to it.
func periodOf(now, start, seconds int64) (index, end int64) {
	if seconds <= 0 {
		return 0, 0
	}
	index = max(0, (now-start)/seconds)
	return index, start + (index+1)*seconds
}

// nanoseconds is a time in seconds as the expiry of an entry.
func nanoseconds(seconds int64) int64 {
	const most = 1<<63 - 1
	if seconds > most/int64(time.Second) {
		return most
	}
	return seconds * int64(time.Second)
}

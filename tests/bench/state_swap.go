package main

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"math/rand/v2"
	"time"

	"toolgate/shared/policy"
	"toolgate/shared/state"
)

// swapLimiter is the plain way to count together, to compare with: each call
// reads the row, counts and writes it back, until nobody else was in between.
type swapLimiter struct{ store state.Store }

// swapped is the content of its row: calls by the 128th of the period.
type swapped struct {
	Cells []struct{ Cell, N int64 }
}

// errGivenUp is a call that did not get through.
var errGivenUp = errors.New("nobody would wait as long")

// giveUp is how long a call tries.
const giveUp = 2 * time.Second

func (s swapLimiter) Take(ctx context.Context, key string, l policy.Limit, _ int) (policy.Spent, error) {
	k := state.Key{Space: "swap", ID: key}
	cell := l.Period.Milliseconds() / 128
	for end, attempt := time.Now().Add(giveUp), 0; time.Now().Before(end); attempt++ {
		if attempt > 0 {
			time.Sleep(rand.N(min(80*time.Millisecond, 6*time.Millisecond<<min(attempt, 8)))) //nolint:gosec // who waits how long is no secret
		}
		record, err := s.store.Get(ctx, k)
		if err != nil && !errors.Is(err, state.ErrNotFound) {
			continue
		}
		var row swapped
		if len(record.Data) > 0 {
			if err := gob.NewDecoder(bytes.NewReader(record.Data)).Decode(&row); err != nil {
				return policy.Spent{}, err
			}
		}
		now := time.Now().UnixMilli() / cell
		var used int64
		kept := row.Cells[:0]
		for _, c := range row.Cells {
			if c.Cell > now-128-1 {
				kept = append(kept, c)
				used += c.N
			}
		}
		if row.Cells = kept; used >= int64(l.Calls) {
			return policy.Spent{Exceeded: true, RetryAfter: time.Second}, nil
		}
		if last := len(kept) - 1; last >= 0 && kept[last].Cell == now {
			kept[last].N++
		} else {
			row.Cells = append(kept, struct{ Cell, N int64 }{now, 1})
		}
		var out bytes.Buffer
		if err := gob.NewEncoder(&out).Encode(row); err != nil {
			return policy.Spent{}, err
		}
		if _, err := s.store.Put(ctx, k, state.Record{Data: out.Bytes(), Version: record.Version}); err == nil {
			return policy.Spent{}, nil
		}
	}
	return policy.Spent{}, errGivenUp
}

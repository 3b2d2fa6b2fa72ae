package limit

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// breaker keeps visits away from a store that does not answer. After each
// interval one visit tries; the others stay away until it is back.
type breaker struct {
	until    atomic.Int64 // milliseconds since 1970; 0: closed
	openings atomic.Uint64

	mu      sync.Mutex
	probing int64 // when the visit that tries began; 0: none
}

// Between these the store is left alone, at random, so that instances do not
// come back all at once.
const (
	leastAway = 500 * time.Millisecond
	mostAway  = 1500 * time.Millisecond
)

// away tells whether a visit has to stay away. One that need not must be
// followed by came.
func (b *breaker) away(now int64) bool {
	until := b.until.Load()
	if until == 0 {
		return false
	}
	if now < until && until-now <= int64(mostAway/time.Millisecond) { // else the clock was set back
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.probing != 0 && now >= b.probing && now-b.probing < int64(visitTimeout/time.Millisecond)*2 {
		return true
	}
	b.probing = now
	return false
}

// left is how long the store is left alone still.
func (b *breaker) left(now int64) time.Duration {
	return min(max(time.Second, time.Duration(b.until.Load()-now)*time.Millisecond), mostAway)
}

// answered closes the breaker.
func (b *breaker) answered(ctx context.Context, log *slog.Logger) {
	if b.until.Load() == 0 {
		return
	}
	b.mu.Lock()
	b.probing = 0
	was := b.until.Swap(0)
	b.mu.Unlock()
	if was != 0 {
		log.InfoContext(ctx, "the store of counters answers again")
	}
}

// failed opens the breaker, or keeps it open.
func (b *breaker) failed(ctx context.Context, log *slog.Logger, now int64, random uint64, err error) {
	b.mu.Lock()
	b.probing = 0
	was := b.until.Swap(now + between(random, int64(leastAway/time.Millisecond), int64(mostAway/time.Millisecond)))
	b.mu.Unlock()
	if was == 0 {
		b.openings.Add(1)
		log.WarnContext(ctx, "the store of counters does not answer: rate limits let calls pass and quotas refuse them, unless on-store-failure says otherwise",
			slog.Any("error", err))
	}
}

// between is a number from least to most by a random one.
func between(random uint64, least, most int64) int64 {
	return least + int64(random%uint64(max(1, most-least+1))) //nolint:gosec // the remainder is less than a positive int64
}

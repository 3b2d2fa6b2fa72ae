// Package sweep knows when the rows of a store that have expired are removed, and
// how much of that is done at once. Nothing depends on it but the size and the cost
// of the store.
package sweep

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"toolgate/shared/state"
)

const (
	// Interval is the time from one sweep to the next.
	Interval = time.Hour
	// grace is how long rows stay after they have expired: clocks differ, and who
	// reads a row that is over may want to say so.
	grace = time.Hour
	// batch is the number of rows of one call of the store. Azure Tables deletes
	// them one by one.
	batch = 500
	// box is how long a sweep goes on; the next one does the rest. It is well below
	// the five minutes that Azure Functions gives a call.
	box = 3 * time.Minute
	// batchTimeout bounds one call of the store.
	batchTimeout = time.Minute
)

// Options are what a sweep is given.
type Options struct {
	Store state.Store
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Log is told what was removed; nil discards it.
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Once removes the rows that expired an hour ago and before, or as many of them as
// it can in three minutes. Several instances may do it at once. What was removed
// stays removed when there is an error.
func Once(ctx context.Context, o Options) error {
	o = o.withDefaults()
	begun := o.Now()
	before := begun.Add(-grace)
	removed := 0
	var err error
	for err == nil && o.Now().Sub(begun) < box {
		var n int
		n, err = once(ctx, o.Store, before)
		removed += n
		if n == 0 {
			break
		}
	}
	spent := o.Now().Sub(begun)
	if err != nil {
		return fmt.Errorf("removing expired rows, after %d of them: %w", removed, err)
	}
	level := slog.LevelInfo
	if removed == 0 {
		level = slog.LevelDebug
	}
	o.Log.LogAttrs(ctx, level, "sweep", slog.Int("removed", removed), slog.Float64("ms", float64(spent.Microseconds())/1000))
	return nil
}

func once(ctx context.Context, store state.Store, before time.Time) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, batchTimeout)
	defer cancel()
	return store.Sweep(ctx, before, batch)
}

// Hourly sweeps now and every hour, until ctx ends. It is for a process that has
// the store to itself; platforms have timers.
func Hourly(ctx context.Context, o Options) {
	o = o.withDefaults()
	ticker := time.NewTicker(Interval)
	defer ticker.Stop()
	for {
		if err := Once(ctx, o); err != nil && !errors.Is(err, context.Canceled) {
			o.Log.LogAttrs(ctx, slog.LevelError, "sweep", slog.String("error", err.Error()))
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

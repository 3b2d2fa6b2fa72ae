package limit

import (
	"context"
	"sync"
)

// flight is a visit of a counter, which calls of this instance share: one leads,
// the others wait for it.
type flight[L comparable] struct {
	limit L     // of those who share it
	want  int64 // the sum of what they want
	least int64 // what one of them wants at least; 0: nobody wants anything
	done  chan struct{}
	err   error // when it is done
}

// join adds to the flight under way, or begins one, which the caller then leads.
// One who is content with a look wants 0, and one with another limit only waits.
func join[L comparable](under **flight[L], limit L, want int64) (f *flight[L], leads bool) {
	f = *under
	if leads = f == nil; leads {
		f = &flight[L]{limit: limit, done: make(chan struct{}), err: errUnanswered} // should the store panic
		*under = f
	}
	if f.limit != limit || want <= 0 {
		return f, leads
	}
	if f.least == 0 || want < f.least {
		f.least = want
	}
	f.want += want
	return f, leads
}

// wait waits for the flight.
func (f *flight[L]) wait(ctx context.Context) error {
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// visits are those of one counter to its row: one at a time, which the calls of
// this instance share.
type visits[L comparable] struct {
	rows *rows

	mu     sync.Mutex // of the whole counter
	flight *flight[L]
	row    row // of the one who leads the flight
}

// visit has the store visited for a call: by this one, with fly, which sets the
// flight's error, or by another one. The counter is locked, and is unlocked here.
func (v *visits[L]) visit(ctx context.Context, now int64, limit L, want int64, fly func(context.Context, *flight[L])) error {
	if v.flight == nil && v.rows.breaker.away(now) {
		v.mu.Unlock()
		return errUnanswered
	}
	f, leads := join(&v.flight, limit, want)
	v.mu.Unlock()
	if !leads {
		if err := f.wait(ctx); err != nil {
			return err
		}
		return f.err
	}
	defer v.land(f)
	fly(ctx, f)
	return f.err
}

// land lets those go on who wait for a flight.
func (v *visits[L]) land(f *flight[L]) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.flight = nil
	close(f.done)
}

// maxRounds is how often a call visits the store, or waits for others who do,
// because others of its instance took what it came for.
const maxRounds = 8

// demand learns how much a counter should lease at a time.
type demand struct {
	block   int64 // what a lease of the longest kind should hold, for those who wait and those to come
	most    int64 // what the next one may hold: twice the last
	began   int64 // the lease in milliseconds; 0: there was none
	lasts   int64
	granted int64
	unmet   int64 // when the lease did not do for a call first; 0: it did for all
}

// lack notes that the lease does not do for a call.
func (d *demand) lack(now int64) {
	if d.unmet == 0 {
		d.unmet = now
	}
}

// ended sets the block by how a lease went: the used part of one that was too
// large, or else as much as is needed at the rate at which it was used up. One that
// ends early for another reason changes nothing.
func (d *demand) ended(left, longest int64, early bool) {
	took := d.unmet - d.began
	switch {
	case d.granted <= 0:
		return
	case early && d.unmet == 0:
	case left > 0 && !early:
		d.block, d.most = scaled(d.granted-left, longest, d.lasts), 2*d.granted
	default:
		d.block, d.most = scaled(d.granted, longest, max(took, 1)), 2*d.granted
	}
	d.granted = 0
}

// scaled is what n in one time is in another.
func scaled(n, to, from int64) int64 {
	if from <= 0 || n > maxAmount/max(to, 1) {
		return n
	}
	return n * to / from
}

// lease notes a new lease.
func (d *demand) lease(now, granted, lasts int64) {
	d.began, d.granted, d.lasts, d.unmet = now, granted, lasts, 0
}

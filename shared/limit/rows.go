package limit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"toolgate/shared/state"
)

// rows is the store, as counters visit it.
type rows struct {
	store   state.Store
	now     func() time.Time
	random  func() uint64
	log     *slog.Logger
	breaker breaker

	reads, writes, conflicts, unanswered, allowed, refused atomic.Uint64

	trip atomic.Int64 // about what a write takes, in microseconds
}

// What a visit may take. One of many instances on a hot row is refused in time
// rather than served late.
const (
	operationTimeout = 250 * time.Millisecond
	visitTimeout     = 500 * time.Millisecond // after which it tries no more
	maxAttempts      = 8
	maxUnanswered    = 3 // operations of a visit in a row, after which it failed
)

// What a visit may end with besides its outcome.
var (
	errContended  = errors.New("too many others write the row")
	errUnanswered = errors.New("the store does not answer")
)

// clock is the wall clock in milliseconds since 1970.
func (r *rows) clock() int64 { return r.now().UnixMilli() }

// rowKey is the row of what the fields say. Fields are told apart by their
// lengths, and nothing of them can be read in the key.
func rowKey(space string, fields ...string) state.Key {
	h := sha256.New()
	var n [binary.MaxVarintLen64]byte
	for _, f := range fields {
		h.Write(n[:binary.PutUvarint(n[:], uint64(len(f)))])
		h.Write([]byte(f))
	}
	id := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(h.Sum(nil))
	return state.Key{Space: space, ID: strings.ToLower(id)}
}

// row is what this instance knows of a row. One visit at a time uses it.
type row struct {
	key     state.Key
	content []byte // as last read or written; nil: there was none
	version string
	known   bool // it was read or written before
	alone   bool // nobody else wrote between the last two times we looked
	doubt   bool // a write of the last visit may have been applied, unseen
}

// change is what a plan makes of the content of a row.
type change[T any] struct {
	outcome T
	write   []byte // nil: nothing
	expires time.Time
	look    bool // the content may be out of date, and that would matter
}

// plan decides what to do by the content of a row. Each write must differ from
// any other, by whomever.
type plan[T any] func(content []byte, k knowledge) change[T]

// knowledge is what a visit knows of the content of a row.
type knowledge struct {
	fresh bool // it was read in this visit
	alone bool // nobody else wrote since the visit before
	doubt bool // a write of this visit, or of the last one, may have been applied, unseen
	crowd bool // a write of this visit came after somebody else's
}

// visit carries a plan out. Others may wait for it, so it does not end with the
// context of its caller.
func visit[T any](ctx context.Context, r *rows, w *row, p plan[T]) (T, error) {
	ctx = context.WithoutCancel(ctx)
	v := &visiting[T]{rows: r, row: w, plan: p, alone: w.alone}
	began := r.now()
	for attempt := range maxAttempts {
		if attempt > 0 {
			r.pause(attempt)
		}
		if r.now().Sub(began) >= visitTimeout {
			break
		}
		if v.attempt(ctx) {
			if v.err == nil {
				r.breaker.answered(ctx, r.log)
			}
			return v.outcome, v.err
		}
	}
	w.alone = false
	if v.silent > 1 {
		return v.outcome, v.fail(ctx)
	}
	r.breaker.answered(ctx, r.log)
	return v.outcome, errContended
}

// visiting is a visit under way.
type visiting[T any] struct {
	*rows
	row     *row
	plan    plan[T]
	fresh   bool        // the content was read in this visit and nothing happened since
	alone   bool        // nobody else wrote since we last looked before this visit
	crowd   bool        // somebody else wrote during this visit
	doubted []change[T] // writes of which nobody knows whether they were applied
	silent  int         // operations in a row without an answer
	cause   error       // of the last one
	outcome T
	err     error
}

// attempt tries once, and tells whether the visit is over.
func (v *visiting[T]) attempt(ctx context.Context) bool {
	w := v.row
	if !v.fresh && !w.alone {
		if done := v.read(ctx); done || !v.fresh {
			return done
		}
	}
	c := v.plan(w.content, v.knowledge())
	if c.look && !v.fresh {
		if done := v.read(ctx); done || !v.fresh {
			return done
		}
		c = v.plan(w.content, v.knowledge())
	}
	if v.outcome = c.outcome; c.write == nil {
		w.alone, w.doubt = v.alone, false
		return true
	}
	return v.write(ctx, c)
}

func (v *visiting[T]) knowledge() knowledge {
	return knowledge{fresh: v.fresh, alone: v.alone, doubt: v.row.doubt, crowd: v.crowd}
}

// read reads the row, and tells whether the visit is over: because a write was
// applied after all, or because the store does not answer.
func (v *visiting[T]) read(ctx context.Context) bool {
	w := v.row
	v.reads.Add(1)
	op, cancel := context.WithTimeout(ctx, operationTimeout)
	record, err := v.store.Get(op, w.key)
	cancel()
	if err != nil && !errors.Is(err, state.ErrNotFound) {
		return v.noAnswer(ctx, err)
	}
	v.silent = 0
	absent := err != nil
	if absent {
		record = state.Record{Version: state.MustNotExist}
	}
	v.alone = !w.known && absent || w.known && w.version == record.Version
	w.content, w.version, w.known = record.Data, record.Version, true
	v.fresh, w.alone = true, false
	if i := slices.IndexFunc(v.doubted, func(c change[T]) bool { return bytes.Equal(c.write, record.Data) }); i >= 0 {
		v.outcome, w.doubt = v.doubted[i].outcome, false
		return true
	}
	return false
}

// write writes the row, and tells whether the visit is over.
func (v *visiting[T]) write(ctx context.Context, c change[T]) bool {
	w := v.row
	v.writes.Add(1)
	op, cancel := context.WithTimeout(ctx, operationTimeout)
	began := v.now()
	version, err := v.store.Put(op, w.key, state.Record{Data: c.write, Version: w.version, Expires: c.expires})
	cancel()
	v.fresh = false
	switch {
	case err == nil:
		v.took(v.now().Sub(began))
		w.content, w.version, w.known, w.alone, w.doubt = c.write, version, true, v.alone, false
		return true
	case errors.Is(err, state.ErrConflict):
		v.conflicts.Add(1)
		v.silent, v.alone, w.alone, v.crowd = 0, false, false, true
		return false
	}
	w.alone, w.doubt = false, true
	v.doubted = append(v.doubted, c)
	return v.noAnswer(ctx, err)
}

// took learns what a write takes. One that took much longer than others did does
// not change it much.
func (r *rows) took(d time.Duration) {
	old := r.trip.Load()
	next := min(max(d.Microseconds(), 0), 4*old+4000)
	r.trip.Store(old + (next-old)/8)
}

// noAnswer counts an operation without an answer, and tells whether the visit is
// over.
func (v *visiting[T]) noAnswer(ctx context.Context, err error) bool {
	v.unanswered.Add(1)
	v.silent++
	v.cause = err
	if v.silent < maxUnanswered {
		return false
	}
	v.row.alone = false
	v.err = v.fail(ctx)
	return true
}

// fail opens the breaker.
func (v *visiting[T]) fail(ctx context.Context) error {
	v.breaker.failed(ctx, v.log, v.clock(), v.random(), v.cause)
	return errUnanswered
}

// pause waits before another attempt, longer each time and at random, so that
// those who are in each other's way part.
func (r *rows) pause(attempt int) {
	most := min(80*time.Millisecond, 6*time.Millisecond<<(attempt-1))
	time.Sleep(time.Duration(between(r.random(), 0, int64(most))))
}

// Package audit knows what is recorded of calls for those who ask later: who called
// what and what was decided, in records that are chained by hash, so that one that is
// missing, changed or moved shows.
//
// # Chains
//
// Each instance writes chains of its own, one a day. A record has the hash of the one
// before it; with a key the hash is an HMAC. A chain begins with a genesis, which names
// the chain before it, and ends with an end where the process ends by itself. A batch
// of records is a segment: one row, written once, and one more write for the head, the
// row that says how far the chain is. A directory lists the chains of each day. Every
// ten minutes, while it writes, an instance records in its own chain where others are.
// All rows of a chain expire together, so that what the sweep leaves is whole.
//
// # What shows
//
// A record that was changed, moved, put in or taken out breaks the chain. Records
// missing at the end show by the head, a chain that is gone by the directory and by the
// chains that name it. Whoever can write rows can also put back an older head, or take
// the directory's line away together with a chain: that shows once another chain, or
// the next one of the instance, has recorded it. Without a key they can also make a
// chain anew; with the key, which is derived from the sealing key, they cannot.
//
// # What it costs, and what is lost
//
// A call appends to a queue in memory. Batches are written two seconds after their
// first record, or when there are 200, or on Flush: a killed instance takes with it
// the calls of the last two seconds and those of a write on the way, and longer while
// the store does not answer. Of those at most 4096 wait; then calls are refused, or
// not recorded and counted in the chain.
package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"toolgate/shared/state"
)

// Options are what a Trail is made with. It needs a Store, or Lines, or both.
type Options struct {
	// Store has the rows. It stays open until after Close; nil: there are none.
	Store state.Store
	// Lines gets each record as the attribute "audit" of a line; nil: none.
	Lines *slog.Logger
	// Key is what hashes are made with, as [DeriveKey] makes it. It is called when a
	// chain begins; an error is that of a store that does not answer. Nil: there is
	// no key.
	Key func() ([]byte, error)
	// Snapshot is the hash of the configuration.
	Snapshot string
	// Retention is how long records are kept at least, in whole days.
	Retention time.Duration
	// Refuse has calls refused while they cannot be recorded.
	Refuse bool
	// Arguments makes arguments, a JSON object, what is recorded of them besides their
	// hash; nil: nothing. It is called beside calls.
	Arguments func([]byte) string
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Log receives that records cannot be written; nil discards it.
	Log *slog.Logger
}

// The bounds of a Trail.
const (
	interval     = 2 * time.Second // from a record to its batch
	batchCalls   = 200             // that are written at once, without waiting
	maxWaiting   = 4096            // calls that are not written yet
	maxSegment   = 56 << 10        // bytes; one record alone is never more
	maxHeld      = 2 << 10         // bytes of arguments that wait; more are hashed by their call
	maxArguments = 8 << 10         // bytes of arguments that are recorded
	patience     = 2 * time.Second // for one write, with all that belongs to it
	quiet        = time.Minute     // between two lines of the log
)

// Trail collects records and writes them. It is safe for concurrent use.
type Trail struct {
	options  Options
	instance string

	mu       sync.Mutex
	queue    []entry // that came since the last batch
	spare    []entry // empty, to be the next queue
	waiting  int     // calls in queue, in taken and in pending
	lost     int64   // calls since the last batch that found no room
	away     error   // why the last write failed; nil: it did not
	complain time.Time
	timer    *time.Timer // nil: nothing was ever recorded
	armed    bool
	closed   bool

	// writing is held by whoever has what follows.
	writing    chan struct{}
	taken      []entry
	at         int    // of the next in taken
	chain      *chain // nil: none has begun
	pending    *batch
	anchored   map[string]int64 // the last record of other chains that was recorded
	nextAnchor time.Time
}

// entry is a call that waits, or something else to be recorded.
type entry struct {
	call      Call
	arguments []byte   // to be hashed; nil: none
	anchors   []Anchor // in place of a call
}

// New makes a Trail. Nothing is written before the first call.
func New(o Options) *Trail {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Trail{options: o, instance: random(8), writing: make(chan struct{}, 1), anchored: map[string]int64{}}
}

// Add records a call that began at a time, and its arguments, which are JSON or nil.
// It does not wait.
func (t *Trail) Add(at time.Time, c Call, arguments []byte) {
	e := entry{call: c}
	e.call.time = at
	if len(arguments) > maxHeld {
		t.describe(&e.call, arguments)
	} else {
		e.arguments = bytes.Clone(arguments)
	}
	room := maxWaiting
	if t.options.Refuse {
		room *= 2 // for those that were let in when there was room
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || t.waiting >= room {
		t.lost++
		return
	}
	t.waiting++
	t.queue = append(t.queue, e)
	t.arm()
}

// arm has what waits written later, or now where it is much. The caller holds mu.
func (t *Trail) arm() {
	urgent := len(t.queue) == batchCalls && t.away == nil
	switch {
	case t.timer == nil:
		t.timer = time.AfterFunc(interval, t.tick)
	case !t.armed:
		t.timer.Reset(interval)
	case urgent:
		t.timer.Reset(0)
	}
	t.armed = true
}

// describe says of arguments what is recorded of them.
func (t *Trail) describe(c *Call, arguments []byte) {
	c.ArgumentsHash = digest(arguments)
	if t.options.Arguments == nil {
		return
	}
	if text := t.options.Arguments(arguments); len(text) <= maxArguments {
		c.Arguments = fit(text, maxArguments)
	}
}

// errFull is a queue without room.
var errFull = fmt.Errorf("%d calls wait to be recorded", maxWaiting)

// Unavailable is why calls are to be refused; nil: they are not.
func (t *Trail) Unavailable() error {
	if !t.options.Refuse {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.away == nil && t.waiting >= maxWaiting {
		return errFull
	}
	return t.away
}

// tick writes what waits, and comes again while something does.
func (t *Trail) tick() {
	ctx := context.Background()
	err := t.flush(ctx, false)
	if err == nil && t.options.Store != nil {
		t.lookAround(ctx)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.armed = t.waiting > 0 || len(t.queue) > 0; t.armed {
		t.timer.Reset(interval)
	}
}

// Flush writes what waits. What cannot be written stays for the next time.
func (t *Trail) Flush(ctx context.Context) error { return t.flush(ctx, false) }

// Close writes what waits and ends the chain. Calls should have ended.
func (t *Trail) Close(ctx context.Context) error {
	t.mu.Lock()
	t.closed = true
	if t.timer != nil {
		t.timer.Stop()
	}
	t.mu.Unlock()
	if err := t.flush(ctx, true); err != nil {
		return fmt.Errorf("recording the last calls: %w", err)
	}
	return nil
}

// CloseWithin closes a Trail, which may be nil, within a time. What cannot be written
// is told to the log.
func (t *Trail) CloseWithin(limit time.Duration) {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := t.Close(ctx); err != nil {
		t.options.Log.Error("audit", "error", err.Error())
	}
}

// flush writes batch after batch. With end, the last one has the end of the chain.
func (t *Trail) flush(ctx context.Context, end bool) error {
	select {
	case t.writing <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-t.writing }()
	for {
		err := t.next(end)
		if err == nil && t.pending == nil {
			return nil
		}
		if err == nil {
			err = t.put(ctx)
		}
		if ctx.Err() == nil { // it is the store that is slow, and nobody's hurry
			t.note(err)
		}
		if err != nil {
			return err
		}
	}
}

// put writes the pending batch.
func (t *Trail) put(ctx context.Context) error {
	b := t.pending
	if t.options.Store != nil {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		if err := b.write(ctx, t.options.Store, t.options.Now()); err != nil {
			return err
		}
	}
	if b.overwrites {
		t.options.Log.Error("a row of the audit was there before it was written, and was replaced", "chain", b.Chain, "segment", b.Segment)
	}
	t.pending = nil
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting -= b.calls
	return nil
}

// note remembers how a write went, and tells the log once in a while.
func (t *Trail) note(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before, now := t.away, t.options.Now()
	t.away = err
	switch {
	case err == nil && before != nil:
		t.complain = time.Time{}
		t.options.Log.Info("calls are recorded for the audit again", "waiting", t.waiting)
	case err != nil && !now.Before(t.complain):
		t.complain = now.Add(quiet)
		text := "calls cannot be recorded for the audit now, and go on: beyond a bound they are only counted"
		if t.options.Refuse {
			text = "calls cannot be recorded for the audit now, and are refused"
		}
		t.options.Log.Error(text, "waiting", t.waiting, "lost", t.lost, "error", err.Error())
	}
}

// take has the next entries at hand, and returns how many calls were lost.
func (t *Trail) take() (lost int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.taken) == 0 {
		t.taken, t.queue, t.spare = t.queue, t.spare, nil
	}
	lost, t.lost = t.lost, 0
	return lost
}

// errNoKey is a key that cannot be had.
var errNoKey = errors.New("the key of the audit is not known")

// lookAround records where other chains are, when it is time.
func (t *Trail) lookAround(ctx context.Context) {
	t.writing <- struct{}{}
	now := t.options.Now()
	due := t.chain != nil && !now.Before(t.nextAnchor)
	own := ""
	if due {
		own, t.nextAnchor = t.chain.id, now.Add(anchorInterval)
	}
	<-t.writing
	if !due {
		return
	}
	found, err := t.others(ctx, own, now)
	if err != nil {
		t.options.Log.Warn("where other chains of the audit are is not recorded now", "error", err.Error())
	}
	if len(found) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		t.queue = append(t.queue, entry{anchors: found})
		t.arm()
	}
}

const (
	// anchorInterval is the time from one record of other chains to the next.
	anchorInterval = 10 * time.Minute
	// maxAnchors is how many chains are looked at each time, by chance where there
	// are more.
	maxAnchors = 32
)

// others are the chains of today and of yesterday that have grown.
func (t *Trail) others(ctx context.Context, own string, now time.Time) ([]Anchor, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*patience)
	defer cancel()
	var ids []string
	for _, at := range []time.Time{now, now.Add(-day)} {
		list, err := listed(ctx, t.options.Store, dayOf(at))
		if err != nil {
			return nil, err
		}
		ids = append(ids, list...)
	}
	rand.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] }) //nolint:gosec // a sample
	var found []Anchor
	t.mu.Lock()
	known := t.anchored
	t.mu.Unlock()
	seen := make(map[string]int64, len(ids))
	for n, id := range ids {
		seq, was := known[id]
		if was {
			seen[id] = seq
		}
		if id == own || n >= maxAnchors {
			continue
		}
		h, err := getHead(ctx, t.options.Store, id)
		if errors.Is(err, errShape) || errors.Is(err, state.ErrNotFound) {
			continue // whoever verifies is told
		}
		if err != nil {
			return found, err
		}
		if h.Chain == id && (!was || h.Seq > seq) {
			found, seen[id] = append(found, Anchor{Chain: id, Seq: h.Seq, Hash: fit(h.Hash, maxText)}), h.Seq
		}
	}
	t.mu.Lock()
	t.anchored = seen
	t.mu.Unlock()
	return found, nil
}

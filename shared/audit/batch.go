package audit

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"toolgate/shared/state"
)

// next makes the pending batch, unless there is one or nothing to write. With end,
// the last one has the end of the chain.
func (t *Trail) next(end bool) error {
	if t.pending != nil {
		return nil
	}
	lost := t.take()
	if len(t.taken) == 0 && lost == 0 && (!end || t.chain == nil || t.chain.ended) {
		return nil
	}
	now := t.options.Now()
	over := t.chain != nil && !t.chain.ended && (t.chain.day != dayOf(now) || len(t.taken) == 0 && lost == 0)
	p := segmentWriter{trail: t, now: now}
	switch {
	case over: // the day, or the process
		t.giveBack(lost)
		p.add(&Record{Kind: KindEnd, Time: now})
		t.chain.ended = true
	case t.chain == nil || t.chain.ended:
		if err := t.begin(&p); err != nil {
			t.giveBack(lost)
			return err
		}
		fallthrough
	default:
		if lost > 0 {
			p.add(&Record{Kind: KindLost, Time: now, Lost: lost})
		}
		p.fill()
	}
	t.pending = p.finish()
	return nil
}

// giveBack puts back what take took.
func (t *Trail) giveBack(lost int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lost += lost
}

// begin begins a chain, which continues the one before.
func (t *Trail) begin(p *segmentWriter) error {
	var key []byte
	if t.options.Key != nil {
		var err error
		if key, err = t.options.Key(); err != nil {
			return fmt.Errorf("%w: %w", errNoKey, err)
		}
	}
	before := t.chain.anchor()
	t.chain = &chain{id: newID(p.now, t.options.Retention), key: key, day: dayOf(p.now)}
	genesis := &Record{Kind: KindGenesis, Time: p.now, Genesis: &Genesis{Instance: t.instance, Snapshot: t.options.Snapshot, Key: keyID(key), Continues: before}}
	if before != nil {
		genesis.Prev = before.Hash
	}
	p.first = true
	p.add(genesis)
	return nil
}

// segmentWriter collects the records of a batch.
type segmentWriter struct {
	trail *Trail
	now   time.Time
	data  []byte // of the segment; nil: it is empty
	count int
	calls int
	first bool
}

// add appends a record, and reports false where the segment has no room for it.
func (p *segmentWriter) add(r *Record) bool {
	c := p.trail.chain
	before := *c
	written, err := c.link(r)
	if err != nil { // none that a Trail makes
		p.trail.options.Log.Error("a record of the audit is left out", "error", err.Error())
		return true
	}
	if p.count > 0 && len(p.data)+len(written) > maxSegment {
		*c = before
		return false
	}
	if p.count++; p.count == 1 {
		p.data = fmt.Appendf(nil, `{"format":%d,"records":[`, format)
	} else {
		p.data = append(p.data, ',')
	}
	p.data = append(p.data, written...)
	if lines := p.trail.options.Lines; lines != nil {
		lines.LogAttrs(context.Background(), levelOf(r), "audit", lineAttr(written))
	}
	return true
}

// fill adds what waits, as long as there is room.
func (p *segmentWriter) fill() {
	t := p.trail
	for ; t.at < len(t.taken); t.at++ {
		e := &t.taken[t.at]
		r := &Record{Kind: KindAnchor, Time: p.now, Anchors: e.anchors}
		if e.anchors == nil {
			r = p.call(e)
		}
		if !p.add(r) {
			return
		}
		if r.Call != nil {
			p.calls++
		}
		*e = entry{}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.spare, t.taken, t.at = t.taken[:0], nil, 0
}

// call is the record of a call.
func (p *segmentWriter) call(e *entry) *Record {
	c := &e.call
	if e.arguments != nil {
		p.trail.describe(c, e.arguments)
		e.arguments = nil
	}
	c.cut()
	c.Snapshot = cmp.Or(c.Snapshot, p.trail.options.Snapshot)
	return &Record{Kind: KindCall, Time: c.time, Call: c}
}

// finish is the batch.
func (p *segmentWriter) finish() *batch {
	c := p.trail.chain
	b := &batch{
		head: head{Format: format, Chain: c.id, Segment: c.segment, Seq: c.seq - 1, Hash: c.last},
		day:  c.day, data: append(p.data, "]}"...), first: p.first, calls: p.calls,
	}
	c.segment++
	return b
}

// A segment fits a row.
var _ [state.MaxData - maxSegment]struct{}

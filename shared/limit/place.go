package limit

import (
	"cmp"
	"context"
	"encoding/binary"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// place says how many calls an instance may have at work, until when.
type place struct {
	instance uint64
	n        int64
	expires  int64 // milliseconds since 1970
}

// encodePlaces appends places to the head of a row.
func encodePlaces(out []byte, list []place) []byte {
	out = binary.AppendUvarint(out, uint64(len(list)))
	for _, p := range list {
		out = binary.LittleEndian.AppendUint64(out, p.instance)
		out = binary.AppendUvarint(out, uint64(p.n))       //nolint:gosec // never negative
		out = binary.AppendUvarint(out, uint64(p.expires)) //nolint:gosec // never negative
	}
	return out
}

// decodePlaces reads a row; an absent one is empty.
func decodePlaces(row []byte) ([]place, error) {
	if row == nil {
		return nil, nil
	}
	d := newDecoder(row)
	n := d.number(maxEntries)
	var list []place
	for range n {
		p := place{instance: d.id(), n: d.number(maxAmount / maxEntries), expires: d.number(maxTime)}
		if d.err != nil {
			return nil, d.err
		}
		list = append(list, p)
	}
	return list, d.end()
}

// Of the places of an instance.
const (
	placeLease  = 10 * time.Second       // what a killed one holds is free after that
	placeRenew  = placeLease / 3         // while work is going on
	placePacing = 100 * time.Millisecond // for which one that found none asks no more, about
	maxPlaces   = 2048                   // instances that can have calls of a key at work
)

// placeCounter counts the calls of a key that are at work.
type placeCounter struct {
	visits[int64]
	id uint64

	running int64
	peak    int64 // the most of them since the last renewal
	held    int64 // places, with those of running
	expires int64 // of held, in milliseconds
	limit   int64 // with which they were got
	spare   int64 // how many idle ones may be held, because there is room for others
	timer   *time.Timer

	refused   int64 // until then, calls with at most the following limit are refused
	refusedAt int64
}

func (l *Limits) placesOf(key string) *placeCounter {
	c, _ := l.places.get(key, l.rows, func(key string) *placeCounter {
		return &placeCounter{visits: visits[int64]{rows: l.rows, row: row{key: rowKey("work", "1", key)}}, id: l.id}
	})
	return c
}

// busy serves counter.
func (c *placeCounter) busy(now int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.flight != nil || c.running > 0 || c.held > 0 && now < c.expires
}

func (l *Limits) enter(ctx context.Context, key string, most int64) (leave func(), err error) {
	c := l.placesOf(key)
	for range maxRounds {
		c.mu.Lock()
		now := l.rows.clock()
		if c.running < c.held && now < c.expires && c.limit <= most {
			c.begin(ctx)
			c.mu.Unlock()
			return sync.OnceFunc(func() { c.leave(ctx) }), nil
		}
		if most <= 0 || now < c.refused && c.refused-now < 2*placePacing.Milliseconds() && most <= c.refusedAt {
			c.mu.Unlock()
			return nil, nil
		}
		err := c.visit(ctx, now, most, 1, c.fly)
		if err == errUnanswered { //nolint:errorlint // it is never wrapped
			l.rows.allowed.Add(1)
			return func() {}, nil
		}
		if err == errContended { //nolint:errorlint // it is never wrapped
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// begin lets a call work.
func (c *placeCounter) begin(ctx context.Context) {
	c.running++
	c.peak = max(c.peak, c.running)
	if c.timer == nil {
		ctx = context.WithoutCancel(ctx)
		c.timer = time.AfterFunc(placeRenew, func() { c.renew(ctx) })
	}
}

// leave ends the work of a call. Its place is given back now unless there is
// room enough for others.
func (c *placeCounter) leave(ctx context.Context) {
	c.mu.Lock()
	c.running--
	if c.running == 0 && c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	for range maxRounds {
		now := c.rows.clock()
		if now >= c.expires || c.held-c.running <= c.spare {
			break
		}
		if c.visit(context.WithoutCancel(ctx), now, c.limit, 0, c.fly) != nil {
			return // the place is free when its lease ends
		}
		c.mu.Lock()
	}
	c.mu.Unlock()
}

// renew keeps the places of work that is going on.
func (c *placeCounter) renew(ctx context.Context) {
	c.mu.Lock()
	if c.running == 0 {
		c.mu.Unlock()
		return
	}
	c.peak = c.running
	_ = c.visit(ctx, c.rows.clock(), c.limit, 0, c.fly) // or else the next time
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running > 0 && c.timer != nil {
		c.timer.Reset(placeRenew)
	}
}

// fly visits the store for all who share a flight.
func (c *placeCounter) fly(ctx context.Context, f *flight[int64]) {
	out, err := visit(ctx, c.rows, &c.row, func(content []byte, k knowledge) change[placeGrant] {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.plan(ctx, f, content, k)
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.err = err; err == nil {
		c.grant(f, out)
	}
}

// placeGrant is what a visit brings back.
type placeGrant struct {
	held, spare, expires int64
	refused              bool
}

// plan decides how many places to hold.
func (c *placeCounter) plan(ctx context.Context, f *flight[int64], content []byte, k knowledge) change[placeGrant] {
	list, err := decodePlaces(content)
	if err != nil {
		list = nil
		c.rows.log.WarnContext(ctx, "a counter begins anew, because its row is not in a known format", slog.String("row", c.row.key.String()), slog.Any("error", err))
	}
	now := c.rows.clock()
	var others int64
	list = slices.DeleteFunc(list, func(p place) bool { return p.expires <= now || p.instance == c.id })
	for _, p := range list {
		others += p.n
	}
	room := max(0, f.limit-others-c.running)
	granted := min(room, f.want)
	if len(list) >= maxPlaces {
		granted = 0
	}
	g := placeGrant{refused: f.want > 0 && granted == 0, spare: (room - granted) / 8, expires: now + placeLease.Milliseconds()}
	if g.refused {
		if !k.fresh {
			return change[placeGrant]{look: true}
		}
		if c.held == c.running && now < c.expires {
			g.held, g.expires = c.held, c.expires
			return change[placeGrant]{outcome: g}
		}
	}
	g.held = c.running + granted + max(0, min(c.peak-c.running-granted, g.spare))
	c.held = min(c.held, g.held) // nobody takes what is being given back
	if g.held > 0 {
		list = append(list, place{c.id, g.held, g.expires})
	} else if g.refused {
		return change[placeGrant]{outcome: g}
	}
	expires := slices.MaxFunc(append(list, place{expires: now}), func(a, b place) int { return cmp.Compare(a.expires, b.expires) }).expires
	return change[placeGrant]{outcome: g, write: encodePlaces(head(c.rows.random(), 18*len(list)), list), expires: time.UnixMilli(expires)}
}

// grant takes over what a visit brought.
func (c *placeCounter) grant(f *flight[int64], g placeGrant) {
	c.held, c.spare, c.expires, c.limit = g.held, g.spare, g.expires, f.limit
	c.refused = 0
	if g.refused {
		pacing := placePacing.Milliseconds()
		c.refused, c.refusedAt = c.rows.clock()+between(c.rows.random(), pacing/2, pacing*3/2), f.limit
	}
}

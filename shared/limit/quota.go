package limit

import (
	"context"
	"log/slog"
	"math"
	"strconv"
	"time"

	"toolgate/shared/policy"
)

// quotaKey tells counters of quotas apart. Quotas of different amounts share one.
type quotaKey struct {
	key string
	calendar
}

// amounts are what a quota limits.
type amounts struct{ calls, bytes int64 } // math.MaxInt64: no limit

// quotaCounter is a quota's counter as this instance knows it.
type quotaCounter struct {
	visits[amounts]
	calendar calendar
	alone    bool // it serves one call, because there is no place to keep it

	demand demand

	period  int64 // of everything below
	total   usage // what the row had when it was last seen, with all of the lease
	tokens  amounts
	limit   amounts // for which the lease was granted
	expires int64   // when the lease ends, in milliseconds
	pending amounts // what the lease before did not use, to give back
	owed    amounts // used without a lease, and not in the row yet
	owedAt  int64   // the last of it

	seen  int64 // until when what is known is good enough to refuse or to look
	looks int64 // how many may see that there is room without visiting
	mean  int64 // bytes of a call, about
}

// Of quotas.
const (
	quotaLease  = 1000     // milliseconds for which calls are leased
	quotaPart   = 100      // no lease has more than this part of a quota
	mostDebt    = 1 << 20  // bytes
	firstMean   = 64 << 10 // bytes of a call, before there was one
	quotaMemory = 10_000   // milliseconds for which an unused lease keeps its counter in memory
)

func (l *Limits) quota(key string, q policy.Quota) *quotaCounter {
	k := quotaKey{key, calendar{q.Start.Unix(), int64(q.Period / time.Second)}}
	c, kept := l.quotas.get(k, l.rows, func(k quotaKey) *quotaCounter {
		start, length := strconv.FormatInt(k.start, 10), strconv.FormatInt(k.length, 10)
		return &quotaCounter{
			visits:   visits[amounts]{rows: l.rows, row: row{key: rowKey("quota", "1", length, start, k.key)}},
			calendar: k.calendar, mean: firstMean,
		}
	})
	if !kept {
		c.alone = true
	}
	return c
}

// busy serves counter.
func (c *quotaCounter) busy(now int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.flight != nil || c.tokens != (amounts{}) && now < min(c.expires, c.demand.began+quotaMemory) ||
		c.owed != (amounts{}) && now < c.owedAt+quotaMemory
}

// Use serves policy.Quotas.
func (l *Limits) Use(ctx context.Context, key string, q policy.Quota, u policy.Usage, late bool) (policy.QuotaState, error) {
	c := l.quota(key, q)
	limit := amounts{orNone(q.Calls), orNone(q.Bytes)}
	use := amounts{max(u.Calls, 0), max(u.Bytes, 0)}
	if late {
		return c.add(ctx, limit, use)
	}
	contended := 0
	for range maxRounds {
		c.mu.Lock()
		now := l.rows.clock()
		if s, ok := c.local(now, limit, use); ok {
			c.mu.Unlock()
			return s, nil
		}
		err := c.visit(ctx, now, limit, use.calls, c.fly)
		if err == errUnanswered { //nolint:errorlint // it is never wrapped
			return c.unchecked(limit), l.uncounted(q.OnStoreFailure == policy.AllowUncounted)
		}
		if err == errContended { //nolint:errorlint // it is never wrapped
			if contended++; contended > 2 {
				break
			}
			err = nil
		}
		if err != nil {
			return policy.QuotaState{}, err
		}
	}
	return policy.QuotaState{}, l.uncounted(false)
}

// orNone is an amount, or that there is none.
func orNone(n int64) int64 {
	if n <= 0 {
		return math.MaxInt64
	}
	return n
}

// add counts what was used already. What cannot be counted now is counted when
// the store answers, unless the instance ends before; so are a few bytes.
func (c *quotaCounter) add(ctx context.Context, limit, use amounts) (policy.QuotaState, error) {
	c.mu.Lock()
	now := c.rows.clock()
	c.turn(now)
	c.owe(now, use)
	if use.bytes > 0 {
		c.mean += (use.bytes - c.mean) / 8
	}
	for range maxRounds {
		if c.owed.calls == 0 && c.owed.bytes <= min(mostDebt, limit.bytes/quotaPart) {
			break
		}
		err := c.visit(ctx, c.rows.clock(), limit, 0, c.fly)
		if err == errUnanswered || err == errContended { //nolint:errorlint // they are never wrapped
			return c.unchecked(limit), nil
		}
		if err != nil {
			return policy.QuotaState{}, err
		}
		c.mu.Lock()
	}
	defer c.mu.Unlock()
	return c.state(c.rows.clock(), limit), nil
}

// turn begins the period of a time, if the one before is over: what was leased
// or owed for that is over with it.
func (c *quotaCounter) turn(now int64) {
	period := c.calendar.period(now / 1000)
	if period <= c.period {
		return
	}
	c.period, c.total = period, usage{period: period}
	c.tokens, c.pending, c.owed = amounts{}, amounts{}, amounts{}
	c.seen = 0
}

// owe counts what was used: by the lease as far as it goes.
func (c *quotaCounter) owe(now int64, use amounts) {
	n := amounts{min(use.calls, c.tokens.calls), min(use.bytes, c.tokens.bytes)}
	c.tokens.calls -= n.calls
	c.tokens.bytes -= n.bytes
	use.calls -= n.calls
	use.bytes -= n.bytes
	if use == (amounts{}) {
		return
	}
	if use.calls > 0 {
		c.demand.lack(now)
	}
	c.owed = amounts{min(c.owed.calls+use.calls, maxAmount), min(c.owed.bytes+use.bytes, maxAmount)}
	c.owedAt = now
}

// local decides without the store, if it can.
func (c *quotaCounter) local(now int64, limit, use amounts) (policy.QuotaState, bool) {
	c.turn(now)
	s := c.state(now, limit)
	seen := now < c.seen && c.seen-now <= 2*quotaLease
	if seen && s.BytesExceeded {
		return s, true
	}
	held := now < c.expires && (c.total.calls <= limit.calls || c.limit.calls <= limit.calls)
	switch {
	case held && use.calls > 0 && c.tokens.calls >= use.calls:
		c.owe(now, use)
		return c.left(now, limit), true
	case held && use.calls == 0 && c.tokens.calls > 0, seen && s.CallsExceeded:
		return s, true
	case use == (amounts{}) && seen && c.looks > 0:
		c.looks--
		return s, true
	}
	if use.calls > 0 {
		c.demand.lack(now)
	}
	return policy.QuotaState{}, false
}

// used is what is known to be used.
func (c *quotaCounter) used() amounts {
	return amounts{c.total.calls - c.tokens.calls + c.owed.calls, c.total.bytes - c.tokens.bytes + c.owed.bytes}
}

// state is the state as far as it is known.
func (c *quotaCounter) state(now int64, limit amounts) policy.QuotaState {
	s, used := c.left(now, limit), c.used()
	s.CallsExceeded, s.BytesExceeded = used.calls >= limit.calls, used.bytes >= limit.bytes
	return s
}

// left is the state of a quota that is not exceeded.
func (c *quotaCounter) left(now int64, limit amounts) policy.QuotaState {
	var s policy.QuotaState
	used := c.used()
	if limit.calls != math.MaxInt64 {
		s.Remaining.Calls = limit.calls - used.calls
	}
	if limit.bytes != math.MaxInt64 {
		s.Remaining.Bytes = limit.bytes - used.bytes
	}
	if end := c.calendar.end(max(c.period, c.total.period)); end != 0 {
		s.Renewal = time.Duration(min(max(end*1000-now, 1), math.MaxInt64/int64(time.Millisecond))) * time.Millisecond
	}
	return s
}

// unchecked is the state when the store does not answer: nothing is known to be
// exceeded.
func (c *quotaCounter) unchecked(limit amounts) policy.QuotaState {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.left(c.rows.clock(), limit)
}

// fly visits the store for all who share a flight.
func (c *quotaCounter) fly(ctx context.Context, f *flight[amounts]) {
	c.mu.Lock()
	c.close()
	c.mu.Unlock()
	out, err := visit(ctx, c.rows, &c.row, func(content []byte, k knowledge) change[quotaGrant] {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.plan(ctx, f, content, k)
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.err = err; err == nil {
		c.grant(out)
	}
}

// close ends the lease. What it did not use is given back when the row is
// written.
func (c *quotaCounter) close() {
	now := c.rows.clock()
	c.turn(now)
	c.demand.ended(c.tokens.calls, quotaLease, now < c.expires)
	c.pending.calls += c.tokens.calls
	c.pending.bytes += c.tokens.bytes
	c.total.add(-c.tokens.calls, -c.tokens.bytes)
	c.tokens = amounts{}
}

// quotaGrant is what a visit brings back.
type quotaGrant struct {
	total   usage // in the row, with what was granted
	granted amounts
	paid    amounts // of what was owed
	limit   amounts
	wrote   bool
	expires int64
}

// plan decides how much to charge.
func (c *quotaCounter) plan(ctx context.Context, f *flight[amounts], content []byte, k knowledge) change[quotaGrant] {
	u, err := decodeUsage(content)
	if err != nil {
		c.rows.log.WarnContext(ctx, "a counter begins anew, because its row is not in a known format", slog.String("row", c.row.key.String()), slog.Any("error", err))
	}
	now := c.rows.clock()
	c.turn(now)
	u = u.in(c.period)
	if k.doubt {
		c.pending = amounts{} // it may have been given back already
	}
	if u.period != c.period { // for others, what was leased here is over
		c.pending = amounts{}
	}
	u.add(-c.pending.calls, -c.pending.bytes)
	g := quotaGrant{paid: c.owed, limit: f.limit}
	u.add(c.owed.calls, c.owed.bytes)
	left := amounts{f.limit.calls - u.calls, f.limit.bytes - u.bytes}
	switch {
	case !k.fresh && (left.calls <= 0 || left.bytes <= 0 || f.want == 0 && c.owed == (amounts{})):
		return change[quotaGrant]{look: true}
	case left.calls > 0 && left.bytes > 0:
		g.granted = c.lease(f, left, k.crowd)
	}
	g.total = u
	if g.granted == (amounts{}) && c.owed == (amounts{}) {
		return change[quotaGrant]{outcome: g}
	}
	u.add(g.granted.calls, g.granted.bytes)
	g.total, g.wrote, g.expires = u, true, c.ends(now, u.period)
	if f.limit.bytes != math.MaxInt64 {
		g.expires = min(g.expires, now+quotaLease) // bandwidth wants to be looked at
	}
	var expires time.Time
	if end := c.calendar.end(u.period); end != 0 {
		expires = time.Unix(end, 0)
	}
	return change[quotaGrant]{outcome: g, write: u.encode(head(c.rows.random(), 32)), expires: expires}
}

// ends is when a lease for a period ends. One for a period that has not begun
// here yet, because a clock is behind, ends soon.
func (c *quotaCounter) ends(now, period int64) int64 {
	end := c.calendar.end(period)
	switch {
	case end == 0:
		return math.MaxInt64
	case period != c.period:
		return now + quotaLease
	}
	return end * 1000
}

// lease is how much to lease: what is wanted and as much as was used lately, but
// not what others may want, and no more than a small part of the quota, because
// it is lost if this instance is killed.
func (c *quotaCounter) lease(f *flight[amounts], left amounts, crowd bool) amounts {
	var g amounts
	block := min(c.demand.block, c.demand.most)
	if crowd {
		block *= 2 // who comes half as often is half as often in the way
	}
	g.calls = min(left.calls, f.want)
	g.calls = max(g.calls, f.least) // one left is enough for an increment of several
	if !c.alone && g.calls == f.want {
		extra := min(block-f.want-c.owed.calls, (left.calls-f.want)/4, f.limit.calls/quotaPart-f.want)
		g.calls += max(0, extra)
	}
	if g.calls > 0 && !c.alone && f.limit.bytes != math.MaxInt64 && g.calls <= maxAmount/max(c.mean, 1) {
		g.bytes = max(0, min(c.mean*g.calls, left.bytes/4, f.limit.bytes/quotaPart))
	}
	return g
}

// grant takes over what a visit brought.
func (c *quotaCounter) grant(g quotaGrant) {
	now := c.rows.clock()
	c.turn(now)
	if g.total.period < c.period {
		return // it is over already
	}
	c.total = g.total
	c.seen = now + between(c.rows.random(), quotaLease/2, quotaLease*3/2)
	c.looks = max(1, (g.limit.calls-g.total.calls)/8)
	if !g.wrote {
		// What was not used before is in the row still: it is counted as given
		// back, and will be.
		return
	}
	c.owed = amounts{max(0, c.owed.calls-g.paid.calls), max(0, c.owed.bytes-g.paid.bytes)}
	c.pending = amounts{}
	c.tokens, c.limit, c.expires = g.granted, g.limit, g.expires
	if n := g.granted.calls + g.paid.calls; n > 0 {
		c.demand.lease(now, n, quotaLease)
	}
}

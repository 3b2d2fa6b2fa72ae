package limit

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"toolgate/shared/policy"
)

// windowKey tells counters of rate limits apart. Limits of different numbers of
// calls share one.
type windowKey struct {
	key    string
	period int64 // milliseconds
}

// windowCounter is a rate limit's counter as this instance knows it. All times
// are by its own clock, in milliseconds; those in the log may be ahead of it.
type windowCounter struct {
	visits[int64]
	period  int64
	length  int64 // of a lease when little is left of the limit
	longest int64 // of one when there is plenty
	tag     uint16
	alone   bool // it serves one call, because there is no place to keep it

	demand demand

	tokens  int64 // left of the lease
	expires int64 // when they are worth nothing
	uses    []use // of the lease, about a length apart
	began   int64 // the last of them
	settled []use // of pending
	total   int64 // what the log had when it was last seen, with all tokens of the lease
	lease   settlement
	pending settlement // of the lease before; its granted is 0 when there is none

	owed      int64 // counted without a lease, and not in the log yet
	owedUntil int64 // when that has no meaning any more

	denied     int64 // until then, what finds no more room than below is refused
	deniedRoom int64

	looks     int64 // how many may see that there is room without visiting
	looksUsed int64 // what was in the log
	looksEnd  int64

	late int // how much sooner than the last writes came back leases ended, as a shift
}

// settlement is what becomes of a charge in the log. Times are the log's.
type settlement struct {
	at      int64
	began   int64
	ahead   int64 // of the log's clock before ours
	tag     uint16
	granted int64
	used    int64
	earlier []use // of what was used, in order
	last    int64 // when the rest was
}

// use is how much of a lease was used at a time or shortly before.
type use struct{ at, n int64 }

// Bounds of leases, in milliseconds. A shorter one would end before the write
// came back, a longer one would hold back too much.
const (
	leastLease   = 20
	mostLease    = 5000
	longestLease = 15_000
	mostSlack    = 500
	trusted      = 5000 // as much ahead may another clock be
)

// There is plenty while a third of the limit is left. Leases then last a
// quarter of the period, so that an instance with a call a second need not visit
// the store for each. They become shorter as less is left, down to a fiftieth at
// a seventh: what one instance then holds back, another one needs.
const (
	plenty = 35 // per cent
	scarce = 15
)

// maxCalls is as many as a limit may have, and a call may cost, so that nothing
// overflows.
const maxCalls = 1 << 40

func bounded(n int) int64 { return min(max(int64(n), 0), maxCalls) }

func (l *Limits) window(key string, period time.Duration) *windowCounter {
	k := windowKey{key, max(period.Milliseconds(), 1)}
	c, kept := l.windows.get(k, l.rows, func(k windowKey) *windowCounter {
		length := min(max(k.period/50, leastLease), mostLease)
		return &windowCounter{
			visits: visits[int64]{rows: l.rows, row: row{key: rowKey("rate", "1", strconv.FormatInt(k.period, 10), k.key)}},
			period: k.period, length: length, longest: max(min(k.period/4, longestLease), length),
			tag: uint16(l.rows.random()), //nolint:gosec // any 16 bits
		}
	})
	if !kept {
		c.alone = true
	}
	return c
}

// busy serves counter.
func (c *windowCounter) busy(now int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.flight != nil || c.tokens > 0 && c.live(now) || c.owed > 0 && now < c.owedUntil
}

// Take serves policy.Limiter.
func (l *Limits) Take(ctx context.Context, key string, lim policy.Limit, cost int) (policy.Spent, error) {
	c := l.window(key, lim.Period)
	calls, n := bounded(lim.Calls), bounded(cost)
	for range maxRounds {
		c.mu.Lock()
		now := l.rows.clock()
		if s, ok := c.local(now, calls, n); ok {
			c.mu.Unlock()
			return s, nil
		}
		err := c.visit(ctx, now, calls, n, c.fly)
		if err == errUnanswered { //nolint:errorlint // it is never wrapped
			return c.unchecked(calls), l.uncounted(lim.OnStoreFailure != policy.RefuseUncounted)
		}
		if err != nil && err != errContended { //nolint:errorlint // it is never wrapped
			return policy.Spent{}, err
		}
	}
	return policy.Spent{Exceeded: true, RetryAfter: time.Duration(c.length) * time.Millisecond}, nil
}

// Add serves policy.Limiter. What cannot be counted now is counted when the
// store answers, unless the instance ends before.
func (l *Limits) Add(ctx context.Context, key string, lim policy.Limit, cost int) (policy.Spent, error) {
	c := l.window(key, lim.Period)
	calls := bounded(lim.Calls)
	c.mu.Lock()
	c.owe(l.rows.clock(), bounded(cost))
	for range maxRounds {
		if c.owed == 0 {
			break
		}
		err := c.visit(ctx, l.rows.clock(), calls, 0, c.fly)
		if err == errUnanswered || err == errContended { //nolint:errorlint // they are never wrapped
			return c.unchecked(calls), nil
		}
		if err != nil {
			return policy.Spent{}, err
		}
		c.mu.Lock()
	}
	defer c.mu.Unlock()
	return c.spent(calls), nil
}

// owe counts what was used already: by the lease as far as it goes.
func (c *windowCounter) owe(now, cost int64) {
	if cost == 0 {
		return
	}
	if c.tokens > 0 && c.live(now) {
		n := min(cost, c.tokens)
		c.use(now, n)
		cost -= n
	}
	if cost > 0 {
		c.demand.lack(now)
		c.owed = min(c.owed+cost, maxCalls)
		c.owedUntil = now + c.period
	}
}

// use takes from the lease. What a long one was used for is noted in pieces, so
// that the first of it does not count for longer because of the last.
func (c *windowCounter) use(now, n int64) {
	c.tokens -= n
	if last := len(c.uses) - 1; last >= 0 && now-c.began < c.length {
		c.uses[last] = use{max(now, c.uses[last].at), c.uses[last].n + n}
		return
	}
	c.began = now
	c.uses = append(c.uses, use{now, n})
}

// live tells whether the lease has not ended. One that begins in the future has:
// the clock was set back since.
func (c *windowCounter) live(now int64) bool { return c.demand.began <= now && now < c.expires }

// local decides without the store, if it can.
func (c *windowCounter) local(now, calls, cost int64) (policy.Spent, bool) {
	if c.tokens > 0 && !c.live(now) {
		c.denied = 0 // what is left of the lease may be had again
	}
	if c.tokens >= max(cost, 1) && c.live(now) && c.total <= calls {
		if cost > 0 {
			c.use(now, cost)
		}
		return c.spent(calls), true
	}
	room := calls - max(cost, 1)
	if now < c.denied && c.denied-now <= 2*c.period && room <= c.deniedRoom {
		s := c.spent(calls)
		s.Exceeded, s.RetryAfter = true, time.Duration(c.denied-now)*time.Millisecond
		return s, true
	}
	if cost == 0 && c.looks > 0 && now < c.looksEnd && c.looksUsed+c.owed <= room {
		c.looks--
		return c.spent(calls), true
	}
	c.demand.lack(now)
	return policy.Spent{}, false
}

// spent is the state as far as it is known.
func (c *windowCounter) spent(calls int64) policy.Spent {
	return policy.Spent{Remaining: int(max(0, calls-c.total-c.owed+c.tokens))}
}

// unchecked is the state when the store does not answer.
func (c *windowCounter) unchecked(calls int64) policy.Spent {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.spent(calls)
}

// fly visits the store for all who share a flight.
func (c *windowCounter) fly(ctx context.Context, f *flight[int64]) {
	c.mu.Lock()
	c.close()
	c.mu.Unlock()
	out, err := visit(ctx, c.rows, &c.row, func(content []byte, k knowledge) change[windowGrant] {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.plan(ctx, f, content, k)
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.err = err; err == errContended { //nolint:errorlint // it is never wrapped
		now := c.rows.clock()
		c.deny(now+max(100, c.jitter()), f.limit-max(f.least, 1))
	} else if err == nil {
		c.grant(f, out)
	}
}

// close ends the lease. What it did not use is settled when the row is written.
func (c *windowCounter) close() {
	now := c.rows.clock()
	c.demand.ended(c.tokens, c.longest, now < c.expires)
	if c.lease.granted > 0 {
		c.pending = c.lease
		c.pending.used -= c.tokens
		c.pending.last = c.lease.began
		c.settled, c.uses = c.uses, c.settled[:0]
		for i := range c.settled {
			c.settled[i].at = min(max(c.settled[i].at, 0)+c.lease.ahead, c.lease.at)
			c.pending.last = c.settled[i].at
		}
		c.pending.earlier = c.settled[:max(0, len(c.settled)-1)]
		c.lease = settlement{}
	}
	c.total -= c.tokens
	c.tokens = 0
}

// windowGrant is what a visit brings back.
type windowGrant struct {
	used    int64 // in the log, with what was granted
	granted int64 // for those who wait and those to come
	paid    int64 // of what was owed
	expires int64
	wrote   bool
	lease   settlement

	denied, room int64 // as of the counter; 0: nobody is refused
	own          bool  // until what is used now is given back
}

// plan decides how much to charge.
func (c *windowCounter) plan(ctx context.Context, f *flight[int64], content []byte, k knowledge) change[windowGrant] {
	log, err := decodeWindow(content)
	if err != nil {
		log = nil
		c.rows.log.WarnContext(ctx, "a counter begins anew, because its row is not in a known format", slog.String("row", c.row.key.String()), slog.Any("error", err))
	}
	local := c.rows.clock()
	lead := max(2*c.length, c.longest, mostSlack) // no charge is further ahead of the clock of who made it
	mended := log.mend(local + lead + trusted)
	now := max(local, log.newest()-lead) // a clock that is behind does not charge too early
	if k.doubt {
		c.pending = settlement{} // it may have been settled already
	}
	if p := c.pending; p.granted > 0 {
		log.settle(p, c.period)
	}
	log.prune(now - c.period)
	if local >= c.owedUntil {
		c.owed = 0
	}
	used, owed := log.used(), c.owed
	avail := f.limit - used - owed
	g, slack := windowGrant{used: used + owed, paid: owed}, c.slack()
	if avail < max(f.least, 1) {
		if !k.fresh {
			return change[windowGrant]{look: true}
		}
		g.room = f.limit - max(f.least, 1)
		g.denied = local + c.wait(log, now, g.room-owed, k.alone)
	} else if f.want > 0 || owed > 0 {
		length := c.lasting(avail, f.limit)
		if k.crowd {
			length = max(min(2*length, c.longest), 2*c.length) // who comes half as often is half as often in the way
		}
		g.granted = min(avail, f.want+c.extra(length, f.want, owed, avail))
		if g.granted > f.want {
			slack = max(slack, length)
		}
	} else if !k.fresh {
		return change[windowGrant]{look: true}
	}
	if g.granted+owed == 0 && !mended {
		return change[windowGrant]{outcome: g}
	}
	g.wrote = true
	c.charge(&g, &log, local, now, slack)
	if left := avail - g.granted; g.denied == 0 && g.granted > 0 {
		if left == 0 {
			g.room, g.denied = f.limit-1, local+c.wait(log, now, f.limit-1, k.alone)
			at, _ := log.free(f.limit-1, c.period)
			g.own = g.granted == f.want && at == g.lease.at+c.period
		} else if !k.alone && left < f.limit*c.length/c.period {
			g.room, g.denied = f.limit-1, local+c.jitter() // the last ones are not worth the crowd
		}
	}
	log.compact(c.period)
	row := log.encode(head(c.rows.random(), 8*len(log)))
	return change[windowGrant]{outcome: g, write: row, expires: time.UnixMilli(log.newest() + c.period)}
}

// charge adds to the log what is granted and what was owed.
func (c *windowCounter) charge(g *windowGrant, log *window, local, now, slack int64) {
	n := g.granted + g.paid
	g.used += g.granted
	g.expires = local + slack
	g.lease = settlement{at: now + slack, began: now, ahead: now - local, tag: c.tag, granted: n, used: n}
	log.add(g.lease.at, c.tag, n)
}

// lasting is how long a lease should last when so much of the limit is available.
func (c *windowCounter) lasting(avail, limit int64) int64 {
	share := avail * 100 / max(limit, 1)
	if share <= scarce {
		return c.length
	}
	return c.length + (c.longest-c.length)*min(share-scarce, plenty-scarce)/(plenty-scarce)
}

// extra is how much to lease beyond what is wanted: as much as was used lately,
// but not what others may want.
func (c *windowCounter) extra(length, want, owed, avail int64) int64 {
	if c.alone {
		return 0
	}
	n, most := scaled(c.demand.block, length, c.longest), c.demand.most
	if length == c.longest { // calls do not come evenly, and a guess costs nobody anything
		n, most = n+n/2, 2*most
	}
	return max(0, min(n, most, (avail-want)/4+want+owed)-want-owed)
}

// slack is how long a lease lasts for those who wait for it: so long that the
// write comes back in time.
func (c *windowCounter) slack() int64 {
	base := max(min(25, c.period/40), 3*c.rows.trip.Load()/1000, 1)
	return min(base<<c.late, mostSlack)
}

// wait is until there could be room, but not sooner than half of a lease, and
// not at the same time as others, because many may wait for the same.
func (c *windowCounter) wait(log window, now, room int64, alone bool) int64 {
	until := c.period
	if at, ok := log.free(room, c.period); ok {
		until = at - now
	}
	if !alone {
		until += between(c.rows.random(), 0, c.length/2)
	}
	return max(until, c.jitter())
}

// jitter is half of a lease to one and a half.
func (c *windowCounter) jitter() int64 {
	return between(c.rows.random(), c.length/2, c.length*3/2)
}

func (c *windowCounter) deny(until, room int64) { c.denied, c.deniedRoom = until, room }

// grant takes over what a visit brought.
func (c *windowCounter) grant(f *flight[int64], g windowGrant) {
	now := c.rows.clock()
	c.owed = max(0, c.owed-g.paid)
	c.total, c.denied = g.used, 0
	if g.own { // when it is settled, it is as of now
		g.denied = now + c.period
	}
	if g.denied > 0 {
		c.deny(g.denied, g.room)
	}
	if !g.wrote {
		if f.want == 0 && g.denied == 0 {
			c.looks, c.looksUsed, c.looksEnd = max(1, (f.limit-g.used)/8), g.used, now+c.length
		}
		return
	}
	c.pending = settlement{}
	c.lease, c.tokens, c.expires, c.uses = g.lease, g.granted, g.expires, c.uses[:0]
	c.demand.lease(now, g.lease.granted, g.expires-now)
	switch {
	case g.granted > 0 && now >= c.expires:
		c.late = min(c.late+2, 8)
	case c.late > 0:
		c.late--
	}
}

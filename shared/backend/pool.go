package backend

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// PoolMember is one destination of a pool.
type PoolMember struct {
	Client   *Client
	Priority int // of its group; lower numbers are asked first
	Weight   int // its share of the requests of its group; less than 1 counts as 1
}

// Pool spreads requests over destinations, as API Management's backend pool
// does: a group of members of one priority is asked only when the breakers of
// all members of the groups before it are open. Each process spreads its own
// requests. It is safe for concurrent use.
type Pool struct {
	now func() time.Time

	mu     sync.Mutex
	groups [][]poolMember // by priority
}

// poolMember is a member with its turn in the weighted round robin: the member
// with the highest credit is next.
type poolMember struct {
	PoolMember
	credit int
}

// NewPool makes a pool of the members, of which there is at least one. The
// clock is the one of the members' breakers; nil is time.Now.
func NewPool(members []PoolMember, now func() time.Time) *Pool {
	return newPool(members, now, rand.IntN)
}

// maxStart bounds the steps of the round robin that a pool may start behind.
const maxStart = 1 << 12

// newPool starts each group at a step that start picks below n, so that not
// every process sends its first request to the same member.
func newPool(members []PoolMember, now func() time.Time, start func(n int) int) *Pool {
	p := &Pool{now: now}
	if now == nil {
		p.now = time.Now
	}
	sorted := slices.SortedStableFunc(slices.Values(members), func(a, b PoolMember) int {
		return cmp.Compare(a.Priority, b.Priority)
	})
	for i, m := range sorted {
		m.Weight = max(m.Weight, 1)
		if i == 0 || m.Priority != sorted[i-1].Priority {
			p.groups = append(p.groups, nil)
		}
		group := &p.groups[len(p.groups)-1]
		*group = append(*group, poolMember{PoolMember: m})
	}
	for _, group := range p.groups {
		total := 0
		for i := range group {
			total += group[i].Weight
		}
		for range start(min(total, maxStart)) {
			next(group, p.now())
		}
	}
	return p
}

// Pick returns the destination of the next request. When the breakers of all
// members are open, it is the one whose breaker closes first, and its Do says
// [Tripped]: API Management answers 503 when it has no member to send to.
func (p *Pool) Pick() *Client {
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, group := range p.groups {
		if c := next(group, now); c != nil {
			return c
		}
	}
	return p.first()
}

// Clients are the destinations of the pool, in the order of their priorities.
func (p *Pool) Clients() []*Client {
	var all []*Client
	for _, group := range p.groups { // which do not change, but for their credits
		for i := range group {
			all = append(all, group[i].Client)
		}
	}
	return all
}

// next takes a step of smooth weighted round robin: all members whose breaker
// is closed gain their weight, and the one that has most pays for all. A member
// of weight 2 beside two of 1 so has every other turn, rather than two in a row.
// It returns nil when all breakers are open.
func next(group []poolMember, now time.Time) *Client {
	var best *poolMember
	total := 0
	for i := range group {
		m := &group[i]
		if m.Client.Open(now) {
			continue
		}
		m.credit += m.Weight
		total += m.Weight
		if best == nil || m.credit > best.credit {
			best = m
		}
	}
	if best == nil {
		return nil
	}
	best.credit -= total
	return best.Client
}

// first is the member whose breaker closes first, whatever its priority.
func (p *Pool) first() *Client {
	var first *Client
	var at time.Time
	for _, group := range p.groups {
		for i := range group {
			c := group[i].Client
			if closes := c.breaker.closes(); first == nil || closes.Before(at) {
				first, at = c, closes
			}
		}
	}
	return first
}

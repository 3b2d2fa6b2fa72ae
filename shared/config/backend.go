package config

import (
	"slices"
	"strconv"

	"toolgate/shared/pattern"
)

var backendKeys = vocabulary[Backend]{kind: "backend", check: checkPool, keys: []key[Backend]{
	{name: "title", decode: func(d *decoder, v value, b *Backend) { b.Title = d.str(v) }},
	{name: "url", decode: func(d *decoder, v value, b *Backend) { b.URL = d.baseURL(v) }},
	{name: "timeout", decode: func(d *decoder, v value, b *Backend) { d.timeout(v, &b.Timeout) }},
	{name: "credentials", decode: func(d *decoder, v value, b *Backend) {
		decodeMapping(d, v, credentialsKeys, &b.Credentials)
	}},
	{name: "circuitBreaker", decode: func(d *decoder, v value, b *Backend) {
		b.CircuitBreaker = &CircuitBreaker{StatusCodes: slices.Clone(defaultStatusCodes)}
		decodeMapping(d, v, circuitBreakerKeys, b.CircuitBreaker)
	}},
	{name: "pool", decode: func(d *decoder, v value, b *Backend) { b.Pool = d.pool(v) }},
}}

// maxFailures bounds the failures that a circuit breaker counts.
const maxFailures = 10_000

var circuitBreakerKeys = vocabulary[CircuitBreaker]{kind: "circuitBreaker", keys: []key[CircuitBreaker]{
	{name: "failures", required: true, decode: func(d *decoder, v value, b *CircuitBreaker) {
		d.integer(v, 1, maxFailures, &b.Failures)
	}},
	{name: "interval", required: true, decode: func(d *decoder, v value, b *CircuitBreaker) { d.timeout(v, &b.Interval) }},
	{name: "tripDuration", required: true, decode: func(d *decoder, v value, b *CircuitBreaker) { d.timeout(v, &b.TripDuration) }},
	{name: "statusCodes", decode: func(d *decoder, v value, b *CircuitBreaker) { b.StatusCodes = d.statusCodes(v) }},
	{name: "acceptRetryAfter", decode: func(d *decoder, v value, b *CircuitBreaker) { d.flag(v, &b.AcceptRetryAfter) }},
}}

// Bounds and defaults of the members of pools, those of API Management; a
// weight of 0, which it allows, would be a member that is none.
const (
	maxPriority     = 100
	maxWeight       = 100
	defaultPriority = 1
	defaultWeight   = 1
)

var poolMemberKeys = vocabulary[PoolMember]{kind: "poolMember", keys: []key[PoolMember]{
	{name: "backend", required: true, decode: func(d *decoder, v value, m *PoolMember) {
		m.Backend, m.At = d.declaredName(v, "backend", d.declared["backend"]), v.at
	}},
	{name: "priority", decode: func(d *decoder, v value, m *PoolMember) { d.integer(v, 0, maxPriority, &m.Priority) }},
	{name: "weight", decode: func(d *decoder, v value, m *PoolMember) { d.integer(v, 1, maxWeight, &m.Weight) }},
}}

func (d *decoder) backend(name string, v value) Backend {
	b := Backend{Name: name}
	decodeMapping(d, v, backendKeys, &b)
	return b
}

// pool decodes the members of a pool. It is never nil, so that what is meant to
// be a pool is one.
func (d *decoder) pool(v value) []PoolMember {
	members := []PoolMember{}
	for item := range d.list(v) {
		m := PoolMember{Priority: defaultPriority, Weight: defaultWeight}
		decodeMapping(d, item, poolMemberKeys, &m)
		same := func(other PoolMember) bool { return other.Backend == m.Backend }
		if m.Backend != "" && slices.ContainsFunc(members, same) {
			d.fault(m.At, "remove one", "%s is backend %s, as an item before it", item.what, quote(m.Backend))
			continue
		}
		members = append(members, m)
	}
	return members
}

// checkPool checks that a pool says nothing of its own connections, which are
// those of its members, and notes which backends have a URL.
func checkPool(d *decoder, _ value, present map[string]value, b *Backend) {
	if _, ok := present["url"]; ok {
		d.addressed = append(d.addressed, b.Name)
	}
	if _, ok := present["pool"]; !ok {
		return
	}
	for _, name := range []string{"url", "timeout", "credentials", "circuitBreaker"} {
		if given, ok := present[name]; ok {
			d.fault(given.key, "give it to the backends of the pool", `%s stands beside "pool"`, given.what)
		}
	}
}

// checkPools checks what needs all backends: that the members of pools are
// single backends that can be reached.
func (d *decoder) checkPools(c *Config) {
	byName := map[string]Backend{}
	for _, b := range c.Backends {
		byName[b.Name] = b
	}
	for _, b := range c.Backends {
		for _, m := range b.Pool {
			switch member := byName[m.Backend]; {
			case m.Backend == "":
				// has a fault already
			case m.Backend == b.Name:
				d.fault(m.At, "remove it", "pool %s is a member of itself", quote(b.Name))
			case member.Pool != nil:
				d.fault(m.At, "list the backends that it has", "pool %s has the member %s, which is a pool", quote(b.Name), quote(m.Backend))
			case !slices.Contains(d.addressed, m.Backend):
				d.fault(m.At, `give that backend a "url"`, "pool %s has the member %s, which has no URL", quote(b.Name), quote(m.Backend))
			}
		}
	}
}

// defaultStatusCodes are failures where a circuit breaker does not say which
// are.
var defaultStatusCodes = []StatusRange{{500, 599}}

var statusRange = pattern.Lazy(`^([2-5][0-9]{2})(?:-([2-5][0-9]{2}))?$`)

func (d *decoder) statusCodes(v value) []StatusRange {
	var ranges []StatusRange
	for item := range d.list(v) {
		const wanted = `a status code from 200 to 599, or a range such as "500-599"`
		s, ok := d.scalar(item, wanted)
		if !ok {
			continue
		}
		r, ok := parseStatusRange(s.decimal())
		if !ok {
			d.outOfRange(item, s, wanted)
			continue
		}
		ranges = append(ranges, r)
	}
	return ranges
}

func parseStatusRange(text string) (StatusRange, bool) {
	match := statusRange().FindStringSubmatch(text)
	if match == nil {
		return StatusRange{}, false
	}
	low, err := strconv.Atoi(match[1])
	high := low
	if err == nil && match[2] != "" {
		high, err = strconv.Atoi(match[2])
	}
	return StatusRange{Low: low, High: high}, err == nil && low <= high
}

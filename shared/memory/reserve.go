package memory

import (
	"sync"

	"toolgate/shared/policy"
)

// reserves are what is kept for calls that are on the way, and what calls of a kind
// cost.
type reserves struct {
	mu    sync.Mutex
	kept  map[string]policy.Money // by counter
	kinds map[string]*lastPrices
}

// lastPrices are those of the last calls of a kind, in no order.
type lastPrices struct {
	prices [8]policy.Money
	next   int
}

// maxKinds bounds the kinds of which prices are remembered: a client may write any
// name of a tool. Beyond it one is forgotten for another.
const maxKinds = 4096

// Reserve serves policy.Reserves. The dearest of the last eight calls counts.
func (s *Store) Reserve(r policy.Reservation) (kept policy.Money, settle func(price policy.Money)) {
	s.reserves.mu.Lock()
	defer s.reserves.mu.Unlock()
	kept = min(max(r.Least, s.reserves.dearest(r.Kind)), r.Most)
	others := s.reserves.kept[r.Counter]
	if r.Left-others < kept {
		return kept, nil
	}
	more := kept - r.Least // what is charged at once is in what is left
	if more > 0 {
		s.reserves.kept[r.Counter] = others + more
	}
	return kept, func(price policy.Money) { s.reserves.settle(r, more, price) }
}

// dearest is the highest of the last prices of a kind.
func (s *reserves) dearest(kind string) policy.Money {
	var most policy.Money
	if k := s.kinds[kind]; k != nil {
		for _, price := range k.prices {
			most = max(most, price)
		}
	}
	return most
}

// settle gives back what was kept, and learns the price.
func (s *reserves) settle(r policy.Reservation, kept, price policy.Money) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if left := s.kept[r.Counter] - kept; left > 0 {
		s.kept[r.Counter] = left
	} else {
		delete(s.kept, r.Counter)
	}
	if price < 0 {
		return
	}
	k := s.kinds[r.Kind]
	if k == nil {
		if len(s.kinds) >= maxKinds {
			for other := range s.kinds { // any one
				delete(s.kinds, other)
				break
			}
		}
		k = &lastPrices{}
		s.kinds[r.Kind] = k
	}
	k.prices[k.next] = price
	k.next = (k.next + 1) % len(k.prices)
}

package limit

import (
	"container/list"
	"sync"
)

// counter is what a table keeps.
type counter interface {
	// busy tells whether something would be lost if it had to go.
	busy(now int64) bool
}

// table keeps counters by key. Beyond its bound, those go that were not used for
// the longest time, except the busy ones.
type table[K comparable, C counter] struct {
	mu     sync.Mutex
	places map[K]*list.Element // of entry[K, C]
	recent list.List           // the newest in front
	most   int
}

type entry[K comparable, C counter] struct {
	key     K
	counter C
}

// searched is how many busy counters one call passes over in search of one that
// may go.
const searched = 8

func (t *table[K, C]) init(most int) {
	t.places = map[K]*list.Element{}
	t.most = most
}

// get returns the counter of a key, which made makes if there is none. It is not
// kept when the table is full of busy ones; kept says so.
func (t *table[K, C]) get(key K, r *rows, made func(K) C) (c C, kept bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.places[key]; e != nil {
		t.recent.MoveToFront(e)
		return e.Value.(*entry[K, C]).counter, true
	}
	c = made(key)
	if len(t.places) >= t.most && !t.drop(r.clock()) {
		return c, false
	}
	t.places[key] = t.recent.PushFront(&entry[K, C]{key, c})
	return c, true
}

// drop removes the counter that was not used for the longest time and is not
// busy. Busy ones that it meets are looked at again when the others are through.
func (t *table[K, C]) drop(now int64) bool {
	for range searched {
		e := t.recent.Back()
		old := e.Value.(*entry[K, C])
		if !old.counter.busy(now) {
			t.recent.Remove(e)
			delete(t.places, old.key)
			return true
		}
		t.recent.MoveToFront(e)
	}
	return false
}

package memory

import (
	"container/heap"
	"sync"
)

// guarded is a table with its mutex.
type guarded[V any] struct {
	sync.Mutex
	table *table[V]
}

// table holds values by key until they expire, or until it is full and they
// were not used for the longest time.
type table[V any] struct {
	entries        map[string]*entry[V]
	newest, oldest *entry[V] // in order of use
	due            schedule[V]
	most           int // entries
}

// entry is a value with its key. Its user may set expires later; it is looked
// at when it was to expire first.
type entry[V any] struct {
	key          string
	value        V
	expires      int64 // nanoseconds since 1970; 0: never
	newer, older *entry[V]
	check        int64 // when expires is looked at
	place        int   // in the schedule; -1: never checked
}

// swept is how many expired entries one call removes at most, so that none
// pays for many. It is more than the one that a call may add.
const swept = 4

func newTable[V any](most int) *table[V] {
	return &table[V]{entries: map[string]*entry[V]{}, most: most}
}

// get returns the entry of a key, or nil.
func (t *table[V]) get(key string, now int64) *entry[V] {
	t.sweep(now)
	e := t.entries[key]
	if e == nil {
		return nil
	}
	if e.expires != 0 && e.expires <= now {
		t.remove(e)
		return nil
	}
	t.unlink(e)
	t.link(e)
	return e
}

// put adds an entry under a key that has none.
func (t *table[V]) put(key string, value V, expires int64) *entry[V] {
	e := &entry[V]{key: key, value: value, expires: expires, place: -1}
	t.entries[key] = e
	t.link(e)
	if expires != 0 {
		e.check = expires
		heap.Push(&t.due, e)
	}
	for t.oldest != e && len(t.entries) > t.most {
		t.remove(t.oldest)
	}
	return e
}

func (t *table[V]) remove(e *entry[V]) {
	delete(t.entries, e.key)
	t.unlink(e)
	if e.place >= 0 {
		heap.Remove(&t.due, e.place)
	}
}

// sweep removes entries that have expired.
func (t *table[V]) sweep(now int64) {
	for range swept {
		if len(t.due) == 0 || t.due[0].check > now {
			return
		}
		e := t.due[0]
		if e.expires > now {
			e.check = e.expires
			heap.Fix(&t.due, 0)
			continue
		}
		t.remove(e)
	}
}

// link makes an entry the newest.
func (t *table[V]) link(e *entry[V]) {
	e.older, e.newer = t.newest, nil
	if t.newest != nil {
		t.newest.newer = e
	} else {
		t.oldest = e
	}
	t.newest = e
}

func (t *table[V]) unlink(e *entry[V]) {
	if e.newer != nil {
		e.newer.older = e.older
	} else {
		t.newest = e.older
	}
	if e.older != nil {
		e.older.newer = e.newer
	} else {
		t.oldest = e.newer
	}
}

// schedule has the entry that is to be checked first at its front.
type schedule[V any] []*entry[V]

func (s schedule[V]) Len() int           { return len(s) }
func (s schedule[V]) Less(i, j int) bool { return s[i].check < s[j].check }
func (s schedule[V]) Swap(i, j int) {
	s[i], s[j] = s[j], s[i]
	s[i].place, s[j].place = i, j
}

// Push serves heap.Interface.
func (s *schedule[V]) Push(x any) {
	e := x.(*entry[V]) // only put pushes
	e.place = len(*s)
	*s = append(*s, e)
}

// Pop serves heap.Interface.
func (s *schedule[V]) Pop() any {
	last := len(*s) - 1
	e := (*s)[last]
	(*s)[last] = nil
	*s = (*s)[:last]
	e.place = -1
	return e
}

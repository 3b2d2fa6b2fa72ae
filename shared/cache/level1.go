package cache

import (
	"hash/maphash"
	"sync"
)

// level1 keeps values in memory until they expire, or until it is full and they
// were not used for the longest time. The zero value is empty.
type level1 struct {
	mu             sync.Mutex
	entries        map[string]*entry
	newest, oldest *entry
	size           int // in bytes
	// writes counts, by the hash of keys, what was set or removed, so that what
	// was read before is not put over it.
	writes [256]uint32
}

// entry is a value of the first level.
type entry struct {
	record
	until        int64 // when it leaves the first level
	unshared     bool  // there is no value, and none is waited for
	key          string
	newer, older *entry
}

// entryOverhead is about what an entry takes besides its key and value, in bytes.
const entryOverhead = 200

func (e *entry) bytes() int { return entryOverhead + len(e.key) + len(e.value) }

var seed = maphash.MakeSeed()

func slot(key string) int { return int(maphash.String(seed, key) % 256) }

// mark is what put asks for: the state of a key before it was read elsewhere.
func (l *level1) mark(key string) uint32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.writes[slot(key)]
}

// get returns the entry of a key as far as it has a value.
func (l *level1) get(key string, now int64) (entry, bool) {
	e := l.look(key, now)
	return e, e.present
}

// look returns a copy of the entry of a key; the zero entry where there is none.
func (l *level1) look(key string, now int64) entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.entries[key]
	if e == nil {
		return entry{}
	}
	if e.until <= now {
		l.drop(e)
		return entry{}
	}
	l.unlink(e)
	l.link(e)
	return *e
}

// put keeps an entry, unless the key was written since mark, or the value is too
// large.
func (l *level1) put(key string, e entry, mark uint32) {
	if len(e.value) > maxValue {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.writes[slot(key)] != mark {
		return
	}
	if old := l.entries[key]; old != nil {
		l.drop(old)
	}
	if l.entries == nil {
		l.entries = map[string]*entry{}
	}
	e.key = key
	l.entries[key] = &e
	l.size += e.bytes()
	l.link(&e)
	for l.size > firstBytes && l.oldest != &e {
		l.drop(l.oldest)
	}
}

// remove takes away an entry, and keeps what was read before from coming in. It
// returns the new mark of the key.
func (l *level1) remove(key string) (mark uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writes[slot(key)]++
	if e := l.entries[key]; e != nil {
		l.drop(e)
	}
	return l.writes[slot(key)]
}

func (l *level1) drop(e *entry) {
	delete(l.entries, e.key)
	l.size -= e.bytes()
	l.unlink(e)
}

// link makes an entry the newest.
func (l *level1) link(e *entry) {
	e.older, e.newer = l.newest, nil
	if l.newest != nil {
		l.newest.newer = e
	} else {
		l.oldest = e
	}
	l.newest = e
}

func (l *level1) unlink(e *entry) {
	if e.newer != nil {
		e.newer.older = e.older
	} else {
		l.newest = e.older
	}
	if e.older != nil {
		e.older.newer = e.newer
	} else {
		l.oldest = e.newer
	}
}

package cache

import "sync"

// flights are the computations that run in this instance, by their keys.
type flights struct {
	mu      sync.Mutex
	running map[string]*flight
}

// flight is one computation.
type flight struct {
	outdated bool          // the key was set or removed meanwhile; guarded by the flights' mutex
	served   chan struct{} // closed when there is a value to serve, or will be none
	once     sync.Once

	// May be read when served is closed:
	value []byte // nil: there is none to share
	gone  bool   // the caller who computed has gone: another one has to
}

// join returns the computation of a key, which is the caller's own where none
// runs: it must call end then.
func (f *flights) join(key string) (flying *flight, own bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if flying = f.running[key]; flying != nil {
		return flying, false
	}
	if f.running == nil {
		f.running = map[string]*flight{}
	}
	flying = &flight{served: make(chan struct{})}
	f.running[key] = flying
	return flying, true
}

// forget keeps those who ask from now on from joining: the value was set or
// removed, and what is being computed is of before.
func (f *flights) forget(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if flying := f.running[key]; flying != nil {
		flying.outdated = true
		delete(f.running, key)
	}
}

// current tells whether the key was neither set nor removed while it was computed.
func (f *flights) current(flying *flight) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !flying.outdated
}

// end takes a computation away that has ended.
func (f *flights) end(key string, flying *flight) {
	f.mu.Lock()
	if f.running[key] == flying {
		delete(f.running, key)
	}
	f.mu.Unlock()
	flying.serve(nil)
}

// serve gives a value to those who wait; the first one counts.
func (f *flight) serve(value []byte) {
	f.once.Do(func() {
		f.value = value
		close(f.served)
	})
}

// leave says that the caller who computes has gone.
func (f *flight) leave() {
	f.once.Do(func() {
		f.gone = true
		close(f.served)
	})
}

// maxKinds bounds the kinds of values that are told apart. There are as many as
// policies and tools.
const maxKinds = 4096

// kinds remember what is alike for the values of a kind. The zero value is empty.
type kinds struct {
	mu    sync.Mutex
	costs map[string]int64 // of the latest computations, in milliseconds
	told  map[string]bool
}

// cost is what computing a value of the kind takes, in milliseconds.
func (k *kinds) cost(kind string) (milliseconds int64, known bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	milliseconds, known = k.costs[kind]
	return milliseconds, known
}

// spent notes what computing a value took. A new one counts for a quarter.
func (k *kinds) spent(kind string, milliseconds int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	before, known := k.costs[kind]
	switch {
	case known:
		milliseconds = (3*before + milliseconds) / 4
	case len(k.costs) >= maxKinds:
		return
	case k.costs == nil:
		k.costs = map[string]int64{}
	}
	k.costs[kind] = milliseconds
}

// tell reports whether the log is to be told of a kind, which it is once.
func (k *kinds) tell(kind string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.told[kind] || len(k.told) >= maxKinds {
		return false
	}
	if k.told == nil {
		k.told = map[string]bool{}
	}
	k.told[kind] = true
	return true
}

package memory

import (
	"context"
	"sync"
)

// work is how many are at work for each key; keys without any are not in it.
type work struct {
	sync.Mutex
	running map[string]int
}

// Enter serves policy.Concurrency. Calling leave again has no effect.
func (s *Store) Enter(_ context.Context, key string, most int) (leave func(), err error) {
	w := &s.work
	w.Lock()
	defer w.Unlock()
	if w.running[key] >= most {
		return nil, nil
	}
	w.running[key]++
	return sync.OnceFunc(func() { w.leave(key) }), nil
}

func (w *work) leave(key string) {
	w.Lock()
	defer w.Unlock()
	if w.running[key]--; w.running[key] <= 0 {
		delete(w.running, key)
	}
}

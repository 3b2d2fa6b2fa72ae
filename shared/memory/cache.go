package memory

import (
	"context"
	"time"
)

// maxValue bounds one value of the cache, so that no value empties it.
const maxValue = maxCacheBytes / 8

// Get serves policy.Cache.
func (s *Store) Get(_ context.Context, key string) ([]byte, error) {
	s.cached.Lock()
	defer s.cached.Unlock()
	if e := s.cached.table.get(key, s.clock()); e != nil {
		return e.value, nil
	}
	return nil, nil
}

// Set serves policy.Cache. A value of more than 2 MiB is not kept, and takes
// away the one that was there.
func (s *Store) Set(_ context.Context, key string, value []byte, d time.Duration) error {
	s.cached.Lock()
	defer s.cached.Unlock()
	now := s.clock()
	if e := s.cached.table.get(key, now); e != nil {
		s.cached.table.remove(e)
	}
	if d <= 0 || len(value) > maxValue {
		return nil
	}
	if value == nil {
		value = []byte{} // nil is for a key that is not there
	}
	s.cached.table.put(key, value, len(value), now+int64(d))
	return nil
}

package statetest

import (
	"context"
	"sync"

	"toolgate/shared/state"
)

// Unreliable is a store in memory that counts operations, and can lose answers or
// not answer at all. The zero value answers. It is safe for concurrent use.
type Unreliable struct {
	state.Memory
	mu            sync.Mutex
	reads, writes int
	away          bool
	lost          func() bool
}

// Get serves state.Store.
func (s *Unreliable) Get(ctx context.Context, key state.Key) (state.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	if s.away {
		return state.Record{}, state.ErrBusy
	}
	return s.Memory.Get(ctx, key)
}

// Put serves state.Store.
func (s *Unreliable) Put(ctx context.Context, key state.Key, r state.Record) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	if s.away || s.lost != nil && s.lost() {
		return "", state.ErrBusy
	}
	version, err := s.Memory.Put(ctx, key, r)
	if err == nil && s.lost != nil && s.lost() {
		return "", state.ErrBusy
	}
	return version, err
}

// SetAway says whether the store does not answer from now on.
func (s *Unreliable) SetAway(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
}

// Operations are those since the last time.
func (s *Unreliable) Operations() (reads, writes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	reads, writes = s.reads, s.writes
	s.reads, s.writes = 0, 0
	return reads, writes
}

// Lose says which writes are lost from now on: lost is asked before a write is
// applied, and again before it is answered. Nil: none is.
func (s *Unreliable) Lose(lost func() bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost = lost
}

package faults_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"time"
)

// load is what clients ask of one API: so many of them at each instance, each one
// call after the other, a pace apart.
type load struct {
	api     string
	clients int
	pace    time.Duration
}

// seen is what became of the calls of a load.
type seen struct {
	mu       sync.Mutex
	admitted []span
	bytes    int
	statuses map[int]int
	lost     int // without an answer: the instance was killed
}

func (s *seen) add(a answer, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.lost++
		return
	}
	if s.statuses == nil {
		s.statuses = map[int]int{}
	}
	s.statuses[a.status]++
	if a.status == http.StatusOK {
		s.admitted = append(s.admitted, a.span)
		s.bytes += a.bytes
	}
}

// only reports whether there were no other answers than these.
func (s *seen) only(statuses ...int) bool {
	rest := maps.Clone(s.statuses)
	for _, status := range statuses {
		delete(rest, status)
	}
	return len(rest) == 0
}

func (s *seen) String() string {
	return fmt.Sprintf("%v, and %d without an answer", s.statuses, s.lost)
}

// run calls until stop is closed, and returns when all calls have ended.
func (f *fleet) run(ctx context.Context, stop <-chan struct{}, loads []load) map[string]*seen {
	results := map[string]*seen{}
	var clients sync.WaitGroup
	for _, l := range loads {
		s := &seen{}
		results[l.api] = s
		for _, i := range f.all {
			for range l.clients {
				clients.Go(func() { i.client(ctx, stop, l, s) })
			}
		}
	}
	clients.Wait()
	return results
}

// client calls an instance until stop is closed.
func (i *instance) client(ctx context.Context, stop <-chan struct{}, l load, s *seen) {
	next := time.NewTicker(l.pace)
	defer next.Stop()
	for {
		select {
		case <-stop:
			return
		case <-next.C:
		}
		s.add(i.call(ctx, l.api))
	}
}

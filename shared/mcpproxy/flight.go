package mcpproxy

import (
	"context"
	"errors"
	"sync"
	"time"
)

// flight lets calls that want the same thing at the same time share one run of
// the function that gets it. Each caller has a run of its own: the server may
// refuse one and answer another.
type flight[T any] struct {
	mu  sync.Mutex
	now map[caller]*run[T]
}

// run is one run of the function; value and err are set when done is closed.
type run[T any] struct {
	done  chan struct{}
	value T
	err   error
}

// join starts get in the background, on behalf of the context's caller, unless
// a run for that caller is under way. No call's end ends it, since others wait
// for it too.
func (f *flight[T]) join(ctx context.Context, b *background, get func(context.Context) (T, error)) *run[T] {
	h, c := callerOf(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	if r := f.now[c]; r != nil {
		return r
	}
	r := &run[T]{done: make(chan struct{})}
	finish := func(value T, err error) {
		r.value, r.err = value, err
		f.mu.Lock()
		delete(f.now, c)
		f.mu.Unlock()
		close(r.done)
	}
	if !b.run(func(ctx context.Context) { finish(get(onBehalf(ctx, h))) }) {
		r.err = errClosed
		close(r.done)
		return r
	}
	if f.now == nil {
		f.now = make(map[caller]*run[T])
	}
	f.now[c] = r
	return r
}

// idle reports whether no run is under way.
func (f *flight[T]) idle() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.now) == 0
}

// wait returns what the run got, or the context's cause when that ends first.
func (r *run[T]) wait(ctx context.Context) (T, error) {
	select {
	case <-r.done:
		return r.value, r.err
	case <-ctx.Done():
		var zero T
		return zero, context.Cause(ctx)
	}
}

var errClosed = errors.New("the proxy is closed")

// handshakeTimeout bounds what is done on behalf of several requests: asking a
// server what it speaks, and opening a session.
const handshakeTimeout = 30 * time.Second

// background holds the goroutines that outlive a request. They end with close.
// The zero background is not open; see open.
type background struct {
	ctx    context.Context
	cancel context.CancelFunc

	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
}

func (b *background) open() { b.ctx, b.cancel = context.WithCancel(context.Background()) }

// run calls f in a goroutine, with a context that ends after handshakeTimeout;
// false when the background is closed.
func (b *background) run(f func(context.Context)) bool {
	return b.stay(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
		defer cancel()
		f(ctx)
	})
}

// stay is run without a bound in time.
func (b *background) stay(f func(context.Context)) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.running.Go(func() { f(b.ctx) })
	return true
}

// close ends what runs and waits for it.
func (b *background) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.cancel()
	b.running.Wait()
}

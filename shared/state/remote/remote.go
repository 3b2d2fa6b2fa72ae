// Package remote knows what stores behind HTTP have in common: how long an
// operation may take, and what it means when there is no answer.
package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"toolgate/shared/state"
)

const (
	// DefaultTimeout is how long an operation may take unless the host says
	// otherwise: some fifty times what one takes within a region, and short enough
	// for a call to go on without the store.
	DefaultTimeout = 250 * time.Millisecond
	// firstTimeout is the least time that operations have until the store has
	// answered once: a cold instance gets a token and makes a TLS connection first.
	firstTimeout = 2 * time.Second
)

// Deadline gives each operation its time limit.
type Deadline struct {
	timeout  time.Duration
	answered atomic.Bool
}

// NewDeadline returns a limit for each operation; 0 is [DefaultTimeout].
func NewDeadline(timeout time.Duration) *Deadline {
	return &Deadline{timeout: cmp.Or(timeout, DefaultTimeout)}
}

// Limit returns the context of one operation. Until the store has answered once
// operations have at least two seconds.
func (d *Deadline) Limit(ctx context.Context) (context.Context, context.CancelFunc) {
	timeout := d.timeout
	if !d.answered.Load() {
		timeout = max(timeout, firstTimeout)
	}
	return context.WithTimeout(ctx, timeout)
}

// Answered notes that the store has answered, be it with an error.
func (d *Deadline) Answered() {
	if !d.answered.Load() { // most often it is noted, and instances share the cache line
		d.answered.Store(true)
	}
}

// Unanswered is the error of an operation that has no answer. It is
// [state.ErrBusy] unless the caller gave up; the caller's context is not the one
// of the operation, which has its own limit.
func Unanswered(caller context.Context, err error) error {
	if errors.Is(caller.Err(), context.Canceled) {
		return fmt.Errorf("waiting for the store: %w", caller.Err())
	}
	return fmt.Errorf("%w: %w", state.ErrBusy, err)
}

// Busy reports whether a status says that the store cannot serve the request now.
func Busy(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests:
		return true
	}
	return status >= 500
}

// Transport returns the transport of a store. It keeps as many connections as an
// instance has operations under way at once, so that a burst makes no TLS
// handshakes, and bounds how long it holds those that nobody uses.
func Transport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		MaxIdleConns:           64,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    5 * time.Second,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

package gateway

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"toolgate/shared/snapshot"
)

const (
	// handover is how long calls get to end that are on their way through a gateway
	// whose secrets have changed.
	handover = time.Minute
	// notReadyFor is when a client may try again while secrets are missing, in
	// seconds.
	notReadyFor = 5
)

// Secrets are those of vaults, which change.
type Secrets interface {
	// Read reads the secrets of references for the first time. The error names those
	// that could not be read, which another try may find.
	Read(ctx context.Context, refs []string) error
	// Resolve returns the secret of a reference as it was read last.
	Resolve(ref string) (string, error)
	// Due tells whether it is time to look for changes.
	Due() bool
	// Renew reads secrets again and tells whether one has changed. The error names
	// those that could never be read.
	Renew(ctx context.Context) (changed bool, err error)
}

// Renewing serves a snapshot by a gateway that never changes, and by another one
// once a secret has: secrets stand in policy documents and credentials that are
// made at start. It looks for changes when calls come, and calls do not wait for
// it. A vault that does not answer at start is asked again; until then calls are
// refused with 503.
//
// It is an http.Handler, safe for concurrent use.
type Renewing struct {
	snapshot *snapshot.Snapshot
	options  Options
	secrets  Secrets
	current  atomic.Pointer[Gateway] // nil: secrets are missing

	mu      sync.Mutex
	looking chan struct{} // closed when the look for changes has ended; nil: there is none
	closed  bool
	old     []*Gateway // that were handed over, and not closed yet
}

// NewRenewing reads the secrets of a snapshot and makes its gateway; the options
// need no Secrets. The error is one that trying again does not mend: where a vault
// gives no secret, there is none, and the log says which.
func NewRenewing(ctx context.Context, s *snapshot.Snapshot, o Options, secrets Secrets) (*Renewing, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Secrets = secrets.Resolve
	r := &Renewing{snapshot: s, options: o, secrets: secrets}
	if err := secrets.Read(ctx, s.SecretReferences()); err != nil {
		o.Log.Error("the gateway waits for its secrets", "error", err.Error())
		return r, nil
	}
	g, err := New(s, o)
	if err != nil {
		return nil, err
	}
	r.current.Store(g)
	return r, nil
}

// ServeHTTP serves the request by the gateway that is current.
func (r *Renewing) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var look <-chan struct{}
	if r.secrets.Due() {
		look = r.look()
	}
	g := r.current.Load()
	if g == nil && look != nil {
		select {
		case <-look:
		case <-req.Context().Done():
		}
		g = r.current.Load()
	}
	if g == nil {
		w.Header().Set("Retry-After", strconv.Itoa(notReadyFor))
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "The gateway waits for its secrets. Its log says which.\n") // the client may have gone
		return
	}
	g.ServeHTTP(w, req)
}

// Ready tells whether there is a gateway.
func (r *Renewing) Ready() bool { return r.current.Load() != nil }

// look begins to look for changes, unless somebody does. It returns what is closed
// at its end.
func (r *Renewing) look() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.looking != nil || r.closed {
		return r.looking
	}
	done := make(chan struct{})
	r.looking = done
	go func() {
		defer close(done)
		r.renew()
		r.mu.Lock()
		defer r.mu.Unlock()
		r.looking = nil
	}()
	return done
}

// renew reads the secrets again, and makes a gateway where they have changed. It
// has no part in the context of a call; the time that secrets are given bounds it.
func (r *Renewing) renew() {
	changed, err := r.secrets.Renew(context.Background())
	before := r.current.Load()
	switch {
	case before == nil && err != nil:
		r.options.Log.Error("the gateway waits for its secrets", "error", err.Error())
		return
	case before != nil && !changed:
		return
	}
	g, err := New(r.snapshot, r.options)
	if err != nil {
		// What a secret stands in may not take its new value.
		r.options.Log.Error("the changed secrets are not taken: the gateway goes on with the old ones", "error", err.Error())
		return
	}
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		_ = g.Close() // it served nothing
		return
	}
	r.current.Store(g)
	if before != nil {
		r.old = append(r.old, before)
	}
	r.mu.Unlock()
	if before == nil {
		r.options.Log.Info("the gateway has its secrets")
		return
	}
	r.options.Log.Info("the gateway serves with the changed secrets")
	before.EndStreams() // their clients open others, which the new one serves
	time.AfterFunc(handover, func() { r.retire(before) })
}

// retire closes a gateway that was handed over.
func (r *Renewing) retire(g *Gateway) {
	r.mu.Lock()
	there := false
	for i, other := range r.old {
		if other == g {
			r.old, there = append(r.old[:i:i], r.old[i+1:]...), true
			break
		}
	}
	r.mu.Unlock()
	if there {
		_ = g.Close() // what it could not let go of ends with the process
	}
}

// EndStreams ends the streams of HTTP+SSE.
func (r *Renewing) EndStreams() {
	if g := r.current.Load(); g != nil {
		g.EndStreams()
	}
}

// Close closes the gateway, and those that were handed over. Calls should have
// ended.
func (r *Renewing) Close() error {
	r.mu.Lock()
	r.closed = true
	list := r.old
	r.old = nil
	looking := r.looking
	r.mu.Unlock()
	if looking != nil {
		<-looking
	}
	var errs []error
	for _, g := range list {
		errs = append(errs, g.Close())
	}
	if g := r.current.Load(); g != nil {
		errs = append(errs, g.Close())
	}
	return errors.Join(errs...)
}

var _ http.Handler = (*Renewing)(nil)

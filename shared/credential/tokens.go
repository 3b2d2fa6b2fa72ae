package credential

import (
	"context"
	"sync"
	"time"
)

const (
	// renewBefore is how long before its end a token is renewed, if it is good for
	// five times as long; otherwise it is a fifth.
	renewBefore = 5 * time.Minute
	// waitBefore is how long before its end calls wait for the next token.
	waitBefore = 5 * time.Second
	// renewEvery lies between two attempts to renew a token that is still good.
	renewEvery = 30 * time.Second
	// obtainTimeout bounds a fetch, of which several calls may wait.
	obtainTimeout = 20 * time.Second
	// mostTokens bounds what is kept where each caller has a token.
	mostTokens = 4096
)

// Token is an answer of a token endpoint.
type Token struct {
	Text    string
	Expires time.Time
	// Assumed says that the answer did not say when it expires.
	Assumed bool
	// Refresh is a refresh token; empty for none.
	Refresh string
	Scope   string // what was granted; empty: what was asked for
}

// Tokens keep tokens by keys until shortly before they expire. Of callers of one
// key at the same time, one fetches. It is safe for concurrent use.
type Tokens struct {
	now   func() time.Time
	most  int
	share Share // nil: this instance is on its own

	mu   sync.Mutex
	kept map[string]*keptToken
}

// keptToken is guarded by the mutex of the tokens.
type keptToken struct {
	text    string
	renew   time.Time // from then on it is fetched anew
	expires time.Time
	asked   time.Time // start of the last fetch
	used    time.Time
	running *fetch // nil: none
}

// fetch is a fetch that calls wait for.
type fetch struct {
	done chan struct{}
	text string
	err  error
}

// Share returns the token of a key that another instance has obtained, or obtains
// it for all of them.
type Share func(ctx context.Context, key string, obtain func(context.Context) (Token, error)) (Token, error)

// NewTokens makes one that keeps nothing yet. The clock nil is time.Now.
func NewTokens(now func() time.Time) *Tokens { return NewSharedTokens(now, nil) }

// NewSharedTokens is [NewTokens] for tokens that instances share; nil is not to.
func NewSharedTokens(now func() time.Time, share Share) *Tokens {
	if now == nil {
		now = time.Now
	}
	return &Tokens{now: now, most: mostTokens, share: share, kept: map[string]*keptToken{}}
}

func (t *Tokens) time() time.Time { return t.now() }

// Get returns the token of a key, and obtains it where there is none that is good
// for long enough. The context bounds the wait; a fetch goes on for others.
func (t *Tokens) Get(ctx context.Context, key string, obtain func(context.Context) (Token, error)) (string, error) {
	text, f := t.look(ctx, key, obtain)
	if text != "" {
		return text, nil
	}
	select {
	case <-f.done:
		return f.text, f.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// look returns the token that is there, or the fetch to wait for.
func (t *Tokens) look(ctx context.Context, key string, obtain func(context.Context) (Token, error)) (string, *fetch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	k := t.kept[key]
	if k == nil {
		t.makeRoom()
		k = &keptToken{}
		t.kept[key] = k
	}
	k.used = now
	if now.Before(k.renew) {
		return k.text, nil
	}
	good := k.expires.Sub(now) > waitBefore
	if k.running == nil && (!good || now.Sub(k.asked) >= renewEvery) {
		k.running, k.asked = &fetch{done: make(chan struct{})}, now
		if t.share != nil {
			alone := obtain
			obtain = func(ctx context.Context) (Token, error) { return t.share(ctx, key, alone) }
		}
		go t.run(context.WithoutCancel(ctx), k, k.running, obtain)
	}
	if good {
		return k.text, nil
	}
	return "", k.running
}

// run obtains a token. A failure leaves the one that is there.
func (t *Tokens) run(ctx context.Context, k *keptToken, f *fetch, obtain func(context.Context) (Token, error)) {
	ctx, cancel := context.WithTimeout(ctx, obtainTimeout)
	defer cancel()
	token, err := obtain(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		k.text, k.expires = token.Text, token.Expires
		k.renew = token.Expires.Add(-RenewBefore(token.Expires.Sub(t.now())))
	}
	f.text, f.err, k.running = token.Text, err, nil
	close(f.done)
}

// RenewBefore is how long before its end a token is renewed that is good for so
// long.
func RenewBefore(life time.Duration) time.Duration { return min(renewBefore, life/5) }

// makeRoom forgets the token that was not used for longest if there are too many.
func (t *Tokens) makeRoom() {
	if len(t.kept) < t.most {
		return
	}
	oldest, first := "", true
	for key, k := range t.kept {
		if first || k.used.Before(t.kept[oldest].used) {
			oldest, first = key, false
		}
	}
	delete(t.kept, oldest)
}

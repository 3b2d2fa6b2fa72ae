package access

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"toolgate/shared/policy"
	"toolgate/shared/state"
)

// How long an answer of the store is taken for true.
const (
	// MaxAge bounds how long a gateway may go on as it knows a subscription: a key
	// that was replaced, suspended or deleted is refused everywhere after that.
	MaxAge = 30 * time.Second
	// maxRefusalAge is the same for a key that was refused, so that a new or
	// activated one works soon.
	maxRefusalAge = 10 * time.Second
)

// How many answers are kept: of keys that work, and of others, which anybody can
// make up.
const (
	maxKnown   = 10_000
	maxRefused = 2_000
)

// lookupTimeout bounds one look into the store, which has a time limit of its own
// that is shorter.
const lookupTimeout = 2 * time.Second

// Options are those of a Verifier. Store is needed.
type Options struct {
	Store state.Store
	Now   func() time.Time // nil: time.Now
	Log   *slog.Logger     // receives that the store cannot be reached; nil discards it
}

// Verifier finds the subscriptions of keys. It keeps answers for at most MaxAge,
// and asks the store for one key once at a time. While the store does not answer,
// what is kept holds until its age is reached; every other key is an error. It
// serves policy.Subscriptions.
type Verifier struct {
	store state.Store
	now   func() time.Time
	log   *slog.Logger

	mu       sync.Mutex
	known    recent
	refused  recent
	lookups  map[digest]*lookup
	nextNote time.Time // when a store that does not answer is worth another line in the log
}

// answer is what the store says of a key.
type answer struct {
	subscription *Subscription // nil: no row has the key
	found        *policy.Subscription
	// The answer holds from asked until until, by the wall clock: that of the
	// process stands still while a platform freezes it.
	asked, until time.Time
}

func (a *answer) holds(now time.Time) bool { return !now.Before(a.asked) && now.Before(a.until) }

// lookup is a question to the store that is under way.
type lookup struct {
	done   chan struct{}
	answer answer
	err    error
}

// New makes a verifier.
func New(o Options) *Verifier {
	v := &Verifier{
		store: o.Store, now: o.Now, log: o.Log,
		known: newRecent(maxKnown), refused: newRecent(maxRefused), lookups: map[digest]*lookup{},
	}
	if v.now == nil {
		v.now = time.Now
	}
	if v.log == nil {
		v.log = slog.New(slog.DiscardHandler)
	}
	return v
}

// Find returns the active subscription of a key. The error is
// policy.ErrSubscriptionKey when there is none; another one means that the store
// did not say.
func (v *Verifier) Find(ctx context.Context, key string) (*policy.Subscription, error) {
	if !wellFormed(key) {
		return nil, policy.ErrSubscriptionKey
	}
	a, err := v.look(ctx, digestOf(key))
	switch {
	case err != nil:
		return nil, fmt.Errorf("looking up a subscription key: %w", err)
	case a.subscription == nil:
		return nil, policy.ErrSubscriptionKey
	}
	if err := a.subscription.refusal(v.now()); err != nil {
		return nil, err
	}
	return a.found, nil
}

// look returns the answer that is kept, or asks the store.
func (v *Verifier) look(ctx context.Context, d digest) (answer, error) {
	v.mu.Lock()
	now := v.now().Round(0) // without the clock of the process
	for _, kept := range []*recent{&v.known, &v.refused} {
		if a, ok := kept.get(d); ok && a.holds(now) {
			v.mu.Unlock()
			return a, nil
		}
	}
	l, underway := v.lookups[d]
	if !underway {
		l = &lookup{done: make(chan struct{}), err: errors.New("the look-up did not end")}
		v.lookups[d] = l
	}
	v.mu.Unlock()
	if !underway {
		v.run(ctx, d, l, now)
		return l.answer, l.err
	}
	select {
	case <-l.done:
		return l.answer, l.err
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
}

// run asks the store. The others who wait for the answer do not depend on the
// call that asks, so its end does not end the question.
func (v *Verifier) run(ctx context.Context, d digest, l *lookup, now time.Time) {
	defer close(l.done)
	defer func() {
		v.mu.Lock()
		delete(v.lookups, d)
		v.mu.Unlock()
	}()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookupTimeout)
	defer cancel()
	if l.answer, l.err = v.ask(ctx, d); l.err != nil {
		v.note(l.err, now)
		return
	}
	// The age counts from before the question: a change after it may have been
	// missed.
	kept, age := &v.known, MaxAge
	if s := l.answer.subscription; s == nil || s.refusal(now) != nil {
		kept, age = &v.refused, maxRefusalAge
	}
	l.answer.asked, l.answer.until = now, now.Add(age)
	v.mu.Lock()
	defer v.mu.Unlock()
	kept.put(d, l.answer)
}

// ask reads the row of a key.
func (v *Verifier) ask(ctx context.Context, d digest) (answer, error) {
	row, err := v.store.Get(ctx, d.key())
	if errors.Is(err, state.ErrNotFound) {
		return answer{}, nil
	}
	if err != nil {
		return answer{}, err
	}
	var k keyRecord
	if err := decode(row.Data, &k, func(k *keyRecord) int { return k.Format }); err != nil {
		return answer{}, err
	}
	if subtle.ConstantTimeCompare(k.Digest[:], d[:]) != 1 {
		return answer{}, nil
	}
	s := &k.Subscription
	return answer{subscription: s, found: &policy.Subscription{
		ID: s.ID, Name: s.Name, OwnerID: s.OwnerID, OwnerEmail: s.OwnerEmail, Scope: s.Scope,
		Created: s.Created, Start: s.Start, End: s.End, Secondary: k.Slot == Secondary,
	}}, nil
}

// note tells the log, not for each call that meets it.
func (v *Verifier) note(err error, now time.Time) {
	v.mu.Lock()
	due := !now.Before(v.nextNote)
	if due {
		v.nextNote = now.Add(MaxAge)
	}
	v.mu.Unlock()
	if due {
		v.log.Error("subscription keys cannot be looked up: calls whose key was not seen lately are answered 503", "error", err.Error())
	}
}

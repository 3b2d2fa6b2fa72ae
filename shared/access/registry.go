package access

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"toolgate/shared/state"
)

// attempts is how often a change is begun anew because another one came between.
const attempts = 10

// Registry manages the subscriptions in a store. It is safe for concurrent use, by
// several programs too.
type Registry struct {
	Store  state.Store
	Now    func() time.Time // nil: time.Now
	Random io.Reader        // for keys and ids; nil: crypto/rand
}

// Keys are the keys of a subscription. They are told once, when they are made.
type Keys struct{ Primary, Secondary string }

func (r *Registry) now() time.Time {
	if r.Now != nil {
		return r.Now()
	}
	return time.Now()
}

func (r *Registry) random() io.Reader {
	if r.Random != nil {
		return r.Random
	}
	return rand.Reader
}

// idBytes is the randomness of an id that nobody chose.
const idBytes = 12

// Create makes a subscription and its keys. An ID of "" is made up, a State of ""
// is active, and Created is now. After an error there may be a subscription whose
// keys nobody knows; it is in the list, and can be deleted.
func (r *Registry) Create(ctx context.Context, s Subscription) (Subscription, Keys, error) {
	if s.ID == "" {
		var b [idBytes]byte
		if _, err := io.ReadFull(r.random(), b[:]); err != nil {
			return s, Keys{}, fmt.Errorf("making an id: %w", err)
		}
		s.ID = hex.EncodeToString(b[:])
	}
	s.State = cmp.Or(s.State, Active)
	s.Created = r.now().UTC().Truncate(time.Second)
	if err := s.check(); err != nil {
		return s, Keys{}, err
	}
	switch _, _, err := r.read(ctx, s.ID); {
	case err == nil:
		return s, Keys{}, fmt.Errorf("%q: %w", s.ID, ErrExists)
	case !errors.Is(err, ErrNotFound):
		return s, Keys{}, err
	}
	var keys [2]string
	rec := record{Format: format, Revision: 1, Subscription: s}
	for slot := range keys {
		var err error
		if keys[slot], err = newKey(r.random()); err != nil {
			return s, Keys{}, err
		}
		rec.Keys[slot] = digestOf(keys[slot])
	}
	// In this order whatever is left of a creation that fails is in the list, or
	// opens nothing that anybody has the key of.
	if err := r.addID(ctx, s.ID); err != nil {
		return s, Keys{}, err
	}
	for slot := range keys {
		if err := r.addKey(ctx, &rec, Slot(slot)); err != nil {
			return s, Keys{}, err
		}
	}
	err := r.commit(ctx, rec, state.MustNotExist)
	if errors.Is(err, state.ErrConflict) {
		err = errors.Join(fmt.Errorf("%q: %w", s.ID, ErrExists), r.dropKey(ctx, rec.Keys[Primary]), r.dropKey(ctx, rec.Keys[Secondary]))
	}
	if err != nil {
		return s, Keys{}, err
	}
	return s, Keys{keys[Primary], keys[Secondary]}, nil
}

// Show returns a subscription.
func (r *Registry) Show(ctx context.Context, id string) (Subscription, error) {
	rec, _, err := r.read(ctx, id)
	return rec.Subscription, err
}

// readers is how many rows List reads at a time.
const readers = 8

// List returns all subscriptions, the oldest first.
func (r *Registry) List(ctx context.Context) ([]Subscription, error) {
	ids, err := r.ids(ctx)
	if err != nil {
		return nil, err
	}
	list, errs := make([]Subscription, len(ids)), make([]error, len(ids))
	var next sync.WaitGroup
	for first := range min(readers, len(ids)) {
		next.Go(func() {
			for i := first; i < len(ids); i += readers {
				list[i], errs[i] = r.Show(ctx, ids[i])
			}
		})
	}
	next.Wait()
	for i, err := range errs {
		if errors.Is(err, ErrNotFound) { // its creation or its deletion is under way, or was not finished
			list[i], errs[i] = Subscription{}, nil
		}
	}
	list = slices.DeleteFunc(list, func(s Subscription) bool { return s.ID == "" })
	slices.SortFunc(list, func(a, b Subscription) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	return list, errors.Join(errs...)
}

// Rotate replaces one key of a subscription. The other one goes on working; the
// one that is replaced ends with this, for a gateway within [MaxAge].
func (r *Registry) Rotate(ctx context.Context, id string, slot Slot) (key string, err error) {
	_, err = r.change(ctx, id, func(rec *record) error {
		if key, err = newKey(r.random()); err != nil {
			return err
		}
		rec.Keys[slot] = digestOf(key)
		return nil
	})
	if err != nil {
		return "", err
	}
	return key, nil
}

// SetState changes the state of a subscription.
func (r *Registry) SetState(ctx context.Context, id string, to State) (Subscription, error) {
	rec, err := r.change(ctx, id, func(rec *record) error {
		if to == Active && rec.Subscription.ended(r.now()) {
			return fmt.Errorf("%q has ended at %s, so make another one: %w", id, rec.Subscription.End.Format(time.RFC3339), ErrInvalid)
		}
		if rec.Keys == [2]digest{} {
			return fmt.Errorf("%q is being deleted, so delete it once more: %w", id, ErrInvalid)
		}
		rec.Subscription.State = to
		return rec.Subscription.check()
	})
	return rec.Subscription, err
}

// Delete deletes a subscription and its keys.
func (r *Registry) Delete(ctx context.Context, id string) error {
	_, err := r.change(ctx, id, func(rec *record) error {
		rec.Subscription.State, rec.Keys = Cancelled, [2]digest{}
		return nil
	})
	if err == nil {
		err = r.Store.Delete(ctx, subscriptionKey(id), state.AnyVersion)
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("deleting subscription %q: %w", id, err)
	}
	listed, failed := r.removeID(ctx, id)
	if failed != nil {
		return failed
	}
	if err != nil && !listed {
		return err
	}
	return nil
}

// change changes the row of a subscription and then the rows of its keys. It
// begins with what an earlier change may have left undone.
func (r *Registry) change(ctx context.Context, id string, apply func(*record) error) (record, error) {
	for range attempts {
		rec, version, err := r.read(ctx, id)
		if err != nil {
			return record{}, err
		}
		if err := r.dropRetired(ctx, &rec); err != nil {
			return record{}, err
		}
		next := rec
		next.Retired = nil
		next.Revision++
		if err := apply(&next); err != nil {
			return record{}, err
		}
		if err := r.replaceKeys(ctx, &rec, &next); err != nil {
			return record{}, err
		}
		err = r.commit(ctx, next, version)
		if errors.Is(err, state.ErrConflict) {
			if err := r.dropNew(ctx, &rec, &next); err != nil {
				return record{}, err
			}
			continue
		}
		if err != nil {
			return record{}, err
		}
		if err := r.dropRetired(ctx, &next); err != nil {
			return record{}, err
		}
		return next, r.refresh(ctx, &next)
	}
	return record{}, fmt.Errorf("subscription %q: %w", id, ErrContended)
}

// replaceKeys creates the rows of keys that a change makes, before the change is
// written, and notes which ones end with it.
func (r *Registry) replaceKeys(ctx context.Context, old, next *record) error {
	for slot := range next.Keys {
		if next.Keys[slot] == old.Keys[slot] {
			continue
		}
		if old.Keys[slot] != (digest{}) {
			next.Retired = append(next.Retired, old.Keys[slot])
		}
		if next.Keys[slot] != (digest{}) {
			if err := r.addKey(ctx, next, Slot(slot)); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropNew deletes the rows of keys that a change made which was not written.
func (r *Registry) dropNew(ctx context.Context, old, next *record) error {
	for slot := range next.Keys {
		if next.Keys[slot] != old.Keys[slot] && next.Keys[slot] != (digest{}) {
			if err := r.dropKey(ctx, next.Keys[slot]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *Registry) dropRetired(ctx context.Context, rec *record) error {
	for _, d := range rec.Retired {
		if err := r.dropKey(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

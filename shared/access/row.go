package access

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"toolgate/shared/state"

	"github.com/go-json-experiment/json"
)

// format is the version of what rows hold. A row of another one is not read.
const format = 1

// record is the row of a subscription.
type record struct {
	Format       int          `json:"format"`
	Revision     int64        `json:"revision"` // one more with each change
	Subscription Subscription `json:"subscription"`
	// Keys are the digests of the primary and of the secondary key; zero is none.
	Keys [2]digest `json:"keys"`
	// Retired are keys whose rows the last change had to delete. The next one
	// deletes them again, for a change that ended before it did.
	Retired []digest `json:"retired,omitzero"`
}

// keyRecord is the row of a key: a copy of the subscription.
type keyRecord struct {
	Format       int          `json:"format"`
	Revision     int64        `json:"revision"` // of the subscription
	Subscription Subscription `json:"subscription"`
	Digest       digest       `json:"digest"`
	Slot         Slot         `json:"slot"`
}

func subscriptionKey(id string) state.Key { return state.Key{Space: "sub", ID: rowID(id)} }

// decode reads a row into one of the records, whose format is then checked.
func decode[T any](data []byte, to *T, formatOf func(*T) int) error {
	if err := json.Unmarshal(data, to); err != nil {
		return fmt.Errorf("the row of a subscription cannot be read: %w", err)
	}
	if f := formatOf(to); f != format {
		return fmt.Errorf("the row of a subscription has format %d, this version reads %d: use the version that wrote it", f, format)
	}
	return nil
}

// read reads the row of a subscription.
func (r *Registry) read(ctx context.Context, id string) (record, string, error) {
	var rec record
	row, err := r.Store.Get(ctx, subscriptionKey(id))
	if errors.Is(err, state.ErrNotFound) {
		return rec, "", fmt.Errorf("%q: %w", id, ErrNotFound)
	}
	if err != nil {
		return rec, "", fmt.Errorf("reading subscription %q: %w", id, err)
	}
	if err := decode(row.Data, &rec, func(r *record) int { return r.Format }); err != nil {
		return rec, "", fmt.Errorf("%q: %w", id, err)
	}
	if rec.Subscription.ID != id {
		return rec, "", fmt.Errorf("%q: %w", id, ErrNotFound)
	}
	return rec, row.Version, nil
}

// commit writes the row of a subscription on condition of a version. Where the
// store leaves open whether it did, the row is read again.
func (r *Registry) commit(ctx context.Context, rec record, version string) error {
	data, err := json.Marshal(rec)
	if err != nil {
		return fmt.Errorf("writing subscription %q: %w", rec.Subscription.ID, err)
	}
	key := subscriptionKey(rec.Subscription.ID)
	_, err = r.Store.Put(ctx, key, state.Record{Data: data, Version: version})
	if err == nil || errors.Is(err, state.ErrConflict) {
		return err
	}
	if row, again := r.Store.Get(ctx, key); again == nil && bytes.Equal(row.Data, data) {
		return nil
	}
	return fmt.Errorf("writing subscription %q, which may or may not have happened: %w", rec.Subscription.ID, err)
}

// addKey creates the row of a key of the subscription.
func (r *Registry) addKey(ctx context.Context, rec *record, slot Slot) error {
	k := rec.copyFor(slot)
	data, err := json.Marshal(k)
	if err == nil {
		_, err = r.Store.Put(ctx, k.Digest.key(), state.Record{Data: data, Version: state.MustNotExist})
	}
	if err != nil {
		return fmt.Errorf("writing the %s key of subscription %q: %w", slot, rec.Subscription.ID, err)
	}
	return nil
}

func (rec *record) copyFor(slot Slot) keyRecord {
	return keyRecord{Format: format, Revision: rec.Revision, Subscription: rec.Subscription, Digest: rec.Keys[slot], Slot: slot}
}

// dropKey deletes the row of a key, which need not be there.
func (r *Registry) dropKey(ctx context.Context, d digest) error {
	if err := r.Store.Delete(ctx, d.key(), state.AnyVersion); err != nil {
		return fmt.Errorf("deleting a key that was replaced, which may still work; do it once more: %w", err)
	}
	return nil
}

// refresh brings the rows of the keys to the state of the subscription. It only
// replaces rows, and only with a later revision: a row that another change
// deleted stays so.
func (r *Registry) refresh(ctx context.Context, rec *record) error {
	for slot, d := range rec.Keys {
		if d == (digest{}) {
			continue
		}
		if err := r.refreshKey(ctx, rec.copyFor(Slot(slot))); err != nil {
			return fmt.Errorf("the subscription %q is changed, and the change is not in force for its %s key; do it once more: %w", rec.Subscription.ID, Slot(slot), err)
		}
	}
	return nil
}

func (r *Registry) refreshKey(ctx context.Context, k keyRecord) error {
	data, err := json.Marshal(k)
	if err != nil {
		return err
	}
	for range attempts {
		row, err := r.Store.Get(ctx, k.Digest.key())
		if errors.Is(err, state.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		var there keyRecord
		if err := decode(row.Data, &there, func(k *keyRecord) int { return k.Format }); err != nil {
			return err
		}
		if there.Revision >= k.Revision {
			return nil
		}
		if _, err = r.Store.Put(ctx, k.Digest.key(), state.Record{Data: data, Version: row.Version}); !errors.Is(err, state.ErrConflict) {
			return err
		}
	}
	return ErrContended
}

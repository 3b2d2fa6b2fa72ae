package connection

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"toolgate/shared/state"
	"toolgate/shared/state/index"
)

// ids are those of the connections of a provider.
func (k *Keeper) ids(provider string) *index.Index {
	return &index.Index{Store: k.Store, PageIDs: 800, MaxPages: 10, Key: func(n int) state.Key {
		digest := sha256.Sum256([]byte(provider + "\x00" + strconv.Itoa(n)))
		return state.Key{Space: "connindex", ID: hex.EncodeToString(digest[:])}
	}}
}

// save keeps a connection, in place of one of the same id.
func (k *Keeper) save(ctx context.Context, rec *record) error {
	if _, err := k.ids(rec.Provider).Add(ctx, rec.ID, 0); err != nil {
		return fmt.Errorf("the index of the connections of %s: %w", rec.Provider, err)
	}
	if _, err := k.write(ctx, rec, state.AnyVersion); err != nil {
		return err
	}
	return k.expire(ctx, rec.Provider, rec.ID)
}

// List returns the connections of all providers. One that cannot be read is among
// the errors, and the others are returned with it.
func (k *Keeper) List(ctx context.Context) ([]Connection, error) {
	var list []Connection
	var errs []error
	for _, p := range k.Providers {
		ids, err := k.ids(p.Name).IDs(ctx)
		if err != nil {
			errs = append(errs, fmt.Errorf("the index of the connections of %s: %w", p.Name, err))
		}
		for _, id := range ids {
			rec, _, err := k.read(ctx, p.Name, id)
			switch {
			case errors.Is(err, ErrNotFound): // was removed, or never made
			case err != nil:
				errs = append(errs, err)
			default:
				list = append(list, rec.Connection)
			}
		}
	}
	return list, errors.Join(errs...)
}

// Remove removes a connection. What it gives access to ends within [MaxAge]; the
// grant at the provider stays until it is revoked there.
func (k *Keeper) Remove(ctx context.Context, provider, id string) error {
	if _, _, err := k.read(ctx, provider, id); errors.Is(err, ErrNotFound) {
		return err
	}
	if err := k.Store.Delete(ctx, keyOf(provider, id), state.AnyVersion); err != nil {
		return fmt.Errorf("removing the connection %s/%s: %w", provider, id, err)
	}
	if _, err := k.ids(provider).Remove(ctx, id); err != nil {
		return fmt.Errorf("the connection %s/%s is removed, but not from the index of its provider: %w", provider, id, err)
	}
	return nil
}

// Test returns a connection whose access is good, after renewing it where it is
// time.
func (k *Keeper) Test(ctx context.Context, provider, id string) (Connection, error) {
	p := k.provider(provider)
	if p == nil {
		return Connection{}, fmt.Errorf("provider %q: %w", provider, errNoProvider)
	}
	rec, err := k.fresh(ctx, p, id, "")
	return rec.Connection, err
}

package access

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"toolgate/shared/state"
	"toolgate/shared/state/index"
)

// The size of the index of ids.
const (
	pageIDs  = 800 // of 64 characters at most, which fits a row
	maxPages = 100 // 80,000 subscriptions
)

func pageKey(n int) state.Key {
	return state.Key{Space: "subindex", ID: rowID("page " + strconv.Itoa(n))}
}

// index lists the ids of all subscriptions.
func (r *Registry) index() *index.Index {
	return &index.Index{Store: r.Store, Key: pageKey, PageIDs: pageIDs, MaxPages: maxPages}
}

// indexError is that of the index, in the words of the registry.
func indexError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, index.ErrFull):
		return fmt.Errorf("there are %d: %w", maxPages*pageIDs, ErrFull)
	case errors.Is(err, index.ErrContended):
		err = ErrContended
	}
	return fmt.Errorf("the index of subscriptions: %w", err)
}

// addID adds an id to the index, unless it is in it.
func (r *Registry) addID(ctx context.Context, id string) error {
	_, err := r.index().Add(ctx, id, 0)
	return indexError(err)
}

// removeID takes an id out of the index, and reports whether it was in it.
func (r *Registry) removeID(ctx context.Context, id string) (found bool, err error) {
	found, err = r.index().Remove(ctx, id)
	return found, indexError(err)
}

// ids are those in the index, in order and each once.
func (r *Registry) ids(ctx context.Context) ([]string, error) {
	list, err := r.index().IDs(ctx)
	return list, indexError(err)
}

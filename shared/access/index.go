package access

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"toolgate/shared/state"

	"github.com/go-json-experiment/json"
)

// A store has no queries, so the ids of all subscriptions stand in pages: rows
// that are numbered from 0 and full before the next one is begun. A page that was
// begun is never deleted. Adding an id reads the pages before the first with
// room, listing reads them all.
const (
	pageIDs  = 800 // of 64 characters at most, which fits a row
	maxPages = 100 // 80,000 subscriptions
)

// page is one row of the index.
type page struct {
	Format int      `json:"format"`
	IDs    []string `json:"ids"`
}

func pageKey(n int) state.Key {
	return state.Key{Space: "subindex", ID: rowID("page " + strconv.Itoa(n))}
}

// readPage reads a page; the error is state.ErrNotFound behind the last one.
func (r *Registry) readPage(ctx context.Context, n int) (page, string, error) {
	var p page
	row, err := r.Store.Get(ctx, pageKey(n))
	if err != nil {
		return p, "", fmt.Errorf("reading the index of subscriptions: %w", err)
	}
	return p, row.Version, decode(row.Data, &p, func(p *page) int { return p.Format })
}

func (r *Registry) writePage(ctx context.Context, n int, ids []string, version string) error {
	data, err := json.Marshal(page{Format: format, IDs: ids})
	if err == nil {
		_, err = r.Store.Put(ctx, pageKey(n), state.Record{Data: data, Version: version})
	}
	if err != nil {
		return fmt.Errorf("writing the index of subscriptions: %w", err)
	}
	return nil
}

// addID puts an id into the index, unless it is there.
func (r *Registry) addID(ctx context.Context, id string) error {
	for n := range maxPages {
		added, err := r.addToPage(ctx, n, id)
		if added || err != nil {
			return err
		}
	}
	return fmt.Errorf("there are %d: %w", maxPages*pageIDs, ErrFull)
}

// addToPage reports false for a page without room.
func (r *Registry) addToPage(ctx context.Context, n int, id string) (bool, error) {
	for range attempts {
		p, version, err := r.readPage(ctx, n)
		if errors.Is(err, state.ErrNotFound) {
			version, err = state.MustNotExist, nil
		}
		if err != nil {
			return false, err
		}
		if slices.Contains(p.IDs, id) {
			return true, nil
		}
		if len(p.IDs) >= pageIDs {
			return false, nil
		}
		if err = r.writePage(ctx, n, append(p.IDs, id), version); !errors.Is(err, state.ErrConflict) {
			return err == nil, err
		}
	}
	return false, fmt.Errorf("the index of subscriptions: %w", ErrContended)
}

// removeID takes an id out of the index, and reports whether it was in it.
func (r *Registry) removeID(ctx context.Context, id string) (found bool, err error) {
	for n := range maxPages {
		removed, err := r.removeFromPage(ctx, n, id)
		if errors.Is(err, state.ErrNotFound) {
			return found, nil
		}
		if err != nil {
			return found, err
		}
		found = found || removed
	}
	return found, nil
}

func (r *Registry) removeFromPage(ctx context.Context, n int, id string) (bool, error) {
	for range attempts {
		p, version, err := r.readPage(ctx, n)
		if err != nil {
			return false, err
		}
		at := slices.Index(p.IDs, id)
		if at < 0 {
			return false, nil
		}
		if err = r.writePage(ctx, n, slices.Delete(p.IDs, at, at+1), version); !errors.Is(err, state.ErrConflict) {
			return err == nil, err
		}
	}
	return false, fmt.Errorf("the index of subscriptions: %w", ErrContended)
}

// ids are those in the index, in order and each once.
func (r *Registry) ids(ctx context.Context) ([]string, error) {
	var list []string
	for n := range maxPages {
		p, _, err := r.readPage(ctx, n)
		if errors.Is(err, state.ErrNotFound) {
			break
		}
		if err != nil {
			return nil, err
		}
		list = append(list, p.IDs...)
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

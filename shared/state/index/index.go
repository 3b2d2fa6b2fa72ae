// Package index knows how to list what is in a store that has no queries: the ids
// stand in pages, which are rows that are numbered from 0 and full before the next
// one is begun. Each change is one write of one page, on condition that it is as it
// was read, so that changes by several programs all happen.
package index

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"toolgate/shared/state"

	"github.com/go-json-experiment/json"
)

// What may become of a change. Compare with [errors.Is].
var (
	// ErrFull is an index without room for one more id.
	ErrFull = errors.New("the index is full")
	// ErrContended is a page that others keep changing.
	ErrContended = errors.New("others change the index at the same time: try again")
)

// Index is a set of ids in a store. A page that was begun is not deleted, only
// changed, until the index expires as a whole.
type Index struct {
	Store state.Store
	// Key is the row of a page.
	Key func(n int) state.Key
	// PageIDs is how many ids a page has at most, so that it fits a row, and
	// MaxPages how many pages there are at most. Adding an id reads the pages
	// before the first with room, listing reads them all.
	PageIDs, MaxPages int
	// Expires is when the pages have no further use; zero is never.
	Expires time.Time
}

const (
	// format is the version of what pages hold. A page of another one is not read.
	format = 1
	// attempts is how often a change is begun anew because another one came between.
	attempts = 10
)

// page is one row.
type page struct {
	Format int      `json:"format"`
	IDs    []string `json:"ids"`
}

// read reads a page; the error is state.ErrNotFound behind the last one.
func (x *Index) read(ctx context.Context, n int) (page, string, error) {
	var p page
	row, err := x.Store.Get(ctx, x.Key(n))
	if err != nil {
		return p, "", fmt.Errorf("reading page %d: %w", n, err)
	}
	if err := json.Unmarshal(row.Data, &p); err != nil {
		return p, "", fmt.Errorf("page %d cannot be read: %w", n, err)
	}
	if p.Format != format {
		return p, "", fmt.Errorf("page %d has format %d, this version reads %d: use the version that wrote it", n, p.Format, format)
	}
	return p, row.Version, nil
}

func (x *Index) write(ctx context.Context, n int, ids []string, version string) error {
	data, err := json.Marshal(page{Format: format, IDs: ids})
	if err == nil {
		_, err = x.Store.Put(ctx, x.Key(n), state.Record{Data: data, Version: version, Expires: x.Expires})
	}
	if err != nil {
		return fmt.Errorf("writing page %d: %w", n, err)
	}
	return nil
}

// Add adds an id, unless it is there, and returns its page. It begins with the page
// from: 0 looks for the id in all pages; one that Add returned before saves reading
// those that were full then, and the id may come to stand in two of them.
func (x *Index) Add(ctx context.Context, id string, from int) (page int, err error) {
	for n := from; n < x.MaxPages; n++ {
		added, err := x.addToPage(ctx, n, id)
		if added || err != nil {
			return n, err
		}
	}
	return x.MaxPages, fmt.Errorf("there are %d: %w", x.MaxPages*x.PageIDs, ErrFull)
}

// addToPage reports false for a page without room.
func (x *Index) addToPage(ctx context.Context, n int, id string) (bool, error) {
	for range attempts {
		p, version, err := x.read(ctx, n)
		if errors.Is(err, state.ErrNotFound) {
			version, err = state.MustNotExist, nil
		}
		if err != nil {
			return false, err
		}
		if slices.Contains(p.IDs, id) {
			return true, nil
		}
		if len(p.IDs) >= x.PageIDs {
			return false, nil
		}
		if err = x.write(ctx, n, append(p.IDs, id), version); !errors.Is(err, state.ErrConflict) {
			return err == nil, err
		}
	}
	return false, ErrContended
}

// Remove takes an id out, and reports whether it was there.
func (x *Index) Remove(ctx context.Context, id string) (found bool, err error) {
	for n := range x.MaxPages {
		removed, err := x.removeFromPage(ctx, n, id)
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

func (x *Index) removeFromPage(ctx context.Context, n int, id string) (bool, error) {
	for range attempts {
		p, version, err := x.read(ctx, n)
		if err != nil {
			return false, err
		}
		at := slices.Index(p.IDs, id)
		if at < 0 {
			return false, nil
		}
		if err = x.write(ctx, n, slices.Delete(p.IDs, at, at+1), version); !errors.Is(err, state.ErrConflict) {
			return err == nil, err
		}
	}
	return false, ErrContended
}

// IDs are all ids, in order and each once.
func (x *Index) IDs(ctx context.Context) ([]string, error) {
	var list []string
	for n := range x.MaxPages {
		p, _, err := x.read(ctx, n)
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

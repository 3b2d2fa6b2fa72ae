package ledger

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"toolgate/shared/state"
	"toolgate/shared/state/index"
)

// period is a period of budgets, in seconds since 1970.
type period struct {
	start, end int64 // an end of forEver is never
}

const forEver = 1<<63 - 1

func periodOf(start, end time.Time) period {
	if end.IsZero() {
		return period{start.Unix(), forEver}
	}
	return period{start.Unix(), end.Unix()}
}

// String is the id of the period in the index of periods.
func (p period) String() string {
	return strconv.FormatInt(p.start, 10) + "/" + strconv.FormatInt(p.end, 10)
}

// parsePeriod reads an id of the index.
func parsePeriod(id string) (period, error) {
	start, end, _ := strings.Cut(id, "/")
	var p period
	var err error
	if p.start, err = strconv.ParseInt(start, 10, 64); err == nil {
		p.end, err = strconv.ParseInt(end, 10, 64)
	}
	if err != nil || p.end <= p.start {
		return p, fmt.Errorf("%q is no period", id)
	}
	return p, nil
}

// over tells whether nobody asks for the period any more: the one after it has
// ended too.
func (p period) over(now time.Time) bool {
	return p.end != forEver && now.Unix() >= p.end+(p.end-p.start)
}

// keptUntil is when rows of the period have no further use; zero is never.
func (p period) keptUntil() time.Time {
	if p.end == forEver {
		return time.Time{}
	}
	return time.Unix(p.end+(p.end-p.start), 0)
}

// The sizes of the indexes. Pages are small, because a whole one is written for
// each new key.
const (
	pageIDs     = 100
	maxPages    = 500 // 50,000 keys in a period
	periodPages = 10
)

// periodIndex lists the periods.
func periodIndex(store state.Store) *index.Index {
	return &index.Index{Store: store, Key: pageKey("periods"), PageIDs: pageIDs, MaxPages: periodPages}
}

// accountIndex lists the accounts of a period.
func accountIndex(store state.Store, p period) *index.Index {
	return &index.Index{Store: store, Key: pageKey(p.String()), PageIDs: pageIDs, MaxPages: maxPages, Expires: p.keptUntil()}
}

// periods are those that this instance knows to be listed, with the page of the
// period's own index that had room when it was last written.
type periods struct {
	mu    sync.Mutex
	pages map[period]int
}

// page returns the page of a period; ok is false for one that may not be listed.
func (p *periods) page(of period) (page int, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	page, ok = p.pages[of]
	return page, ok
}

// set notes the page of a period, and forgets periods that are over.
func (p *periods) set(of period, page int, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for known := range p.pages {
		if known.over(now) {
			delete(p.pages, known)
		}
	}
	p.pages[of] = page
}

// list puts a row into the index of its period, and the period into that of the
// periods. It is done before the row is written, so that no row is without it.
func (l *Ledger) list(ctx context.Context, p period, id string) error {
	page, known := l.periods.page(p)
	if !known {
		if err := l.listPeriod(ctx, p); err != nil {
			return fmt.Errorf("the index of periods: %w", err)
		}
	}
	page, err := accountIndex(l.store, p).Add(ctx, id, page)
	if err != nil {
		return fmt.Errorf("the index of what was spent: %w", err)
	}
	l.periods.set(p, page, l.now())
	return nil
}

// listPeriod puts a period into the index, and takes those out that are over.
func (l *Ledger) listPeriod(ctx context.Context, p period) error {
	x := periodIndex(l.store)
	ids, err := x.IDs(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if old, err := parsePeriod(id); err == nil && !old.over(l.now()) {
			continue
		}
		if _, err := x.Remove(ctx, id); err != nil {
			return err
		}
	}
	_, err = x.Add(ctx, p.String(), 0)
	return err
}

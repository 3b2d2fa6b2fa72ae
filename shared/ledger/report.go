package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"toolgate/shared/policy"
	"toolgate/shared/state"
)

// Account is what one key spent in one period.
type Account struct {
	Key, Currency string
	Budget        policy.Money // of the period, as the last call had it
	Start, End    time.Time    // of the period; a zero End is never
	Current       bool         // it is the current period, not the last one
	Spent         policy.Money
	Tools         []Tool // by name
}

// Tool is what was spent for one tool.
type Tool struct {
	Name  string
	Calls int64
	Spent policy.Money
}

// readers is how many rows Read reads at a time.
const readers = 8

// Read returns the accounts of the current and of the last period of each length,
// the current ones first, in order of their keys.
func Read(ctx context.Context, store state.Store, now time.Time) ([]Account, error) {
	ids, err := periodIndex(store).IDs(ctx)
	if err != nil {
		return nil, fmt.Errorf("the index of periods: %w", err)
	}
	var all []Account
	for _, id := range ids {
		p, err := parsePeriod(id)
		if err != nil {
			return nil, fmt.Errorf("the index of periods: %w", err)
		}
		if p.over(now) {
			continue
		}
		list, err := readPeriod(ctx, store, p, now)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	slices.SortFunc(all, func(a, b Account) int {
		return cmp.Or(cmp.Compare(age(a), age(b)), a.Start.Compare(b.Start), a.End.Compare(b.End),
			cmp.Compare(a.Key, b.Key), cmp.Compare(a.Currency, b.Currency))
	})
	return all, nil
}

// age is 0 for the current period and 1 for the last one.
func age(a Account) int {
	if a.Current {
		return 0
	}
	return 1
}

// readPeriod reads the accounts of a period, in no order.
func readPeriod(ctx context.Context, store state.Store, p period, now time.Time) ([]Account, error) {
	ids, err := accountIndex(store, p).IDs(ctx)
	if err != nil {
		return nil, fmt.Errorf("the index of what was spent: %w", err)
	}
	list, errs := make([]Account, len(ids)), make([]error, len(ids))
	var reading sync.WaitGroup
	for first := range min(readers, len(ids)) {
		reading.Go(func() {
			for i := first; i < len(ids); i += readers {
				list[i], errs[i] = readAccount(ctx, store, p, ids[i], now)
			}
		})
	}
	reading.Wait()
	list = slices.DeleteFunc(list, func(a Account) bool { return a.Tools == nil })
	return list, errors.Join(errs...)
}

// readAccount reads one; it is empty when its first write is under way, or was not
// finished.
func readAccount(ctx context.Context, store state.Store, p period, id string, now time.Time) (Account, error) {
	r, _, err := read(ctx, store, id)
	if errors.Is(err, state.ErrNotFound) {
		return Account{}, nil
	}
	if err != nil {
		return Account{}, err
	}
	a := Account{Key: r.Key, Currency: r.Currency, Budget: r.Budget, Start: time.Unix(p.start, 0).UTC(), Current: now.Unix() < p.end}
	if p.end != forEver {
		a.End = time.Unix(p.end, 0).UTC()
	}
	for _, t := range r.Tools {
		a.Tools = append(a.Tools, Tool{t.Tool, t.Calls, t.Amount})
		a.Spent = a.Spent.Plus(t.Amount)
	}
	return a, nil
}

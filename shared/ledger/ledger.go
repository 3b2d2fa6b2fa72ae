// Package ledger knows what was spent of budgets, by which key and for which tool,
// in a store that instances share. Nothing is decided by it: budgets are counted by
// quotas, and the ledger is what the report reads.
//
// # Rows
//
// An account is what one key spent in one period: a row, with a line for each tool.
// A store has no queries, so a report finds accounts by indexes (package index): one
// lists the periods, and each of these has one that lists its accounts. Rows are
// kept for one more period after their own.
//
// # What it costs, and what is lost
//
// An instance collects in memory and writes an account at most every five seconds:
// one read and one write, and a few more for the first of a key in a period. The
// first call after five quiet seconds is written at its end, and what others leave
// in memory within five seconds, or when the gateway ends. A killed instance takes
// with it what its calls of the last five seconds spent, longer while the store does
// not answer; an instance that is frozen without calls, as on AWS Lambda, writes
// when it goes on. Nothing is written twice: a write without an answer is looked
// for in the row before it is done again.
package ledger

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"toolgate/shared/policy"
	"toolgate/shared/state"
)

// Options are what a Ledger is made with.
type Options struct {
	// Store has the rows. It stays open until after the last Flush.
	Store state.Store
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Log receives that something cannot be recorded; nil discards it.
	Log *slog.Logger
}

// Ledger collects what is spent and writes it into a store. It is safe for
// concurrent use.
type Ledger struct {
	store state.Store
	now   func() time.Time
	log   *slog.Logger

	mu       sync.Mutex
	accounts map[accountID]*account
	written  sync.Cond   // of mu: some account was
	timer    *time.Timer // nil while there are no accounts
	complain time.Time   // when the log is to be told the next time

	periods periods
}

var _ policy.Ledger = (*Ledger)(nil)

// The bounds of a Ledger.
const (
	interval    = 5 * time.Second // between two writes of an account
	maxAccounts = 10_000          // in memory: those of the last seconds, and what cannot be written
	patience    = 2 * time.Second // for a write, with all that belongs to it
	quiet       = time.Minute     // between two lines of the log
)

// New makes a Ledger.
func New(o Options) *Ledger {
	l := &Ledger{store: o.Store, now: o.Now, log: o.Log, accounts: map[accountID]*account{}}
	if l.now == nil {
		l.now = time.Now
	}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	l.written.L = &l.mu
	l.periods.pages = map[period]int{}
	return l
}

// accountID tells accounts apart.
type accountID struct {
	period
	currency, key string
}

// account is what was spent and is not in the store yet.
type account struct {
	accountID
	budget  policy.Money
	open    lines     // collected since the last write began
	batch   lines     // being written, or written without an answer
	id      uint64    // of the batch
	writing bool      // by one at a time
	due     time.Time // for the next write
}

// line is what was spent for one tool.
type line struct {
	calls  int64
	amount policy.Money
}

// lines are those of the tools.
type lines map[string]line

// add adds to the line of a tool. Beyond the bound of tools, others share one.
func (l lines) add(tool string, more line) {
	if _, known := l[tool]; !known && len(l) >= maxTools {
		tool = OtherTools
	}
	sum := l[tool]
	sum.calls += more.calls
	sum.amount = sum.amount.Plus(more.amount)
	l[tool] = sum
}

// Record serves policy.Ledger.
func (l *Ledger) Record(ctx context.Context, s policy.Spending) {
	a, write := l.collect(s)
	if a == nil {
		l.warn(ctx, fmt.Errorf("%d keys wait for the store", maxAccounts))
	}
	if write {
		_ = l.write(ctx, a) // it was told, and is tried again
	}
}

// collect adds to an account, and tells whether it is to be written now. The
// account is nil when there is no room for it.
func (l *Ledger) collect(s policy.Spending) (a *account, write bool) {
	id := accountID{period: periodOf(s.Start, s.End), currency: s.Currency, key: fit(s.Key, maxKey)}
	l.mu.Lock()
	defer l.mu.Unlock()
	if a = l.accounts[id]; a == nil {
		if len(l.accounts) >= maxAccounts {
			return nil, false
		}
		a = &account{accountID: id}
		l.accounts[id] = a
		if l.timer == nil {
			l.timer = time.AfterFunc(interval, l.tick)
		}
	}
	if a.open == nil {
		a.open = lines{}
	}
	a.budget = s.Budget
	a.open.add(fit(s.Tool, maxTool), line{1, s.Amount})
	if a.writing || l.now().Before(a.due) {
		return a, false
	}
	a.writing = true
	return a, true
}

// tick writes what has waited, forgets the accounts of which there is nothing to
// write, and comes again while there are others.
func (l *Ledger) tick() {
	for _, a := range l.claim(false) {
		_ = l.write(context.Background(), a) // it was told, and is tried again
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	maps.DeleteFunc(l.accounts, func(_ accountID, a *account) bool {
		return !a.writing && a.open == nil && a.batch == nil && !now.Before(a.due)
	})
	if len(l.accounts) == 0 {
		l.timer = nil
		return
	}
	l.timer.Reset(interval)
}

// claim takes the accounts that are to be written: those that are due, or all.
func (l *Ledger) claim(all bool) []*account {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []*account
	now := l.now()
	for _, a := range l.accounts {
		if !a.writing && (a.open != nil || a.batch != nil) && (all || !now.Before(a.due)) {
			a.writing = true
			list = append(list, a)
		}
	}
	return list
}

// Flush serves policy.Ledger. What cannot be written stays for the next time.
func (l *Ledger) Flush(ctx context.Context) error {
	var errs []error
	for range 2 { // a batch that waited for its answer, and what was collected since
		l.wait()
		for _, a := range l.claim(true) {
			if err := ctx.Err(); err != nil {
				errs = append(errs, l.end(a, err))
				continue
			}
			errs = append(errs, l.write(ctx, a))
		}
	}
	return errors.Join(errs...)
}

// wait waits for those who write: what they cannot write is left to write again.
func (l *Ledger) wait() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.accounts {
		for a.writing {
			l.written.Wait()
		}
	}
}

// write writes an account, which the caller has claimed.
func (l *Ledger) write(ctx context.Context, a *account) (err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	e := l.begin(a)
	if len(e.lines) == 0 {
		return l.end(a, nil)
	}
	err = errUnfinished
	defer func() {
		if l.end(a, err) != nil {
			l.warn(ctx, err)
		}
	}()
	err = l.settle(ctx, e)
	return err
}

// errUnfinished is for the case that a store panics.
var errUnfinished = errors.New("writing what was spent did not come to its end")

// random is a number that no other batch has.
func random() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	return binary.LittleEndian.Uint64(b[:])
}

// begin makes a batch of what was collected, unless there is one to try again.
func (l *Ledger) begin(a *account) entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	fresh := a.batch == nil
	if fresh {
		a.batch, a.open = a.open, nil
		a.id = random()
	}
	return entry{accountID: a.accountID, budget: a.budget, lines: a.batch, id: a.id, fresh: fresh}
}

// end notes how a write went, and returns its error.
func (l *Ledger) end(a *account, err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	a.writing = false
	a.due = l.now().Add(interval)
	if err == nil {
		a.batch = nil
	}
	l.written.Broadcast()
	return err
}

// warn tells the log, once in a while.
func (l *Ledger) warn(ctx context.Context, err error) {
	l.mu.Lock()
	now := l.now()
	tell := !now.Before(l.complain)
	if tell {
		l.complain = now.Add(quiet)
	}
	l.mu.Unlock()
	if tell {
		l.log.WarnContext(ctx, "what was spent cannot be recorded for the report of budgets now; the budgets themselves are counted elsewhere", slog.Any("error", err))
	}
}

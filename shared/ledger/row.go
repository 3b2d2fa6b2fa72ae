package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"toolgate/shared/policy"
	"toolgate/shared/state"

	"github.com/go-json-experiment/json"
)

// The bounds of a row, so that it fits, although JSON may need two bytes for one of
// a text.
const (
	maxTools = 100
	maxTool  = 200  // bytes
	maxKey   = 1000 // bytes, beyond which keys are not told apart
	// remembered is how many batches a row remembers, to tell whether one was
	// written: as many instances may write between a write and its next try.
	remembered = 256
	// attempts is how often a write is begun anew because another one came between.
	attempts = 10
)

// OtherTools is the line of tools beyond the bound of an account.
const OtherTools = "(others)"

// format is the version of what rows hold. A row of another one is not read.
const format = 1

// record is the row of an account.
type record struct {
	Format   int          `json:"format"`
	Key      string       `json:"key"`
	Currency string       `json:"currency"`
	Budget   policy.Money `json:"budget"` // as the last call had it
	Tools    []toolRecord `json:"tools"`
	Batches  []uint64     `json:"batches"` // the last ones, the newest last
}

type toolRecord struct {
	Tool   string       `json:"tool"`
	Calls  int64        `json:"calls"`
	Amount policy.Money `json:"amount"`
}

// fit is a text as long as a row has room for, without what JSON writes at length.
func fit(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if len(text) <= most {
		return text
	}
	for !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

// rowID names a row by what it is for.
func rowID(fields ...string) string {
	h := sha256.New()
	for _, f := range fields {
		fmt.Fprintf(h, "%d ", len(f))
		h.Write([]byte(f))
	}
	return hex.EncodeToString(h.Sum(nil)[:sha256.Size/2])
}

// rowID is the id of the account's row, which its period's index lists.
func (a accountID) rowID() string { return rowID(a.period.String(), a.currency, a.key) }

func rowKey(id string) state.Key { return state.Key{Space: "spending", ID: id} }

// entry is a batch of an account that is written.
type entry struct {
	accountID
	budget policy.Money
	lines  lines
	id     uint64
	fresh  bool // it was not tried before
}

// settle adds a batch to the row of its account, unless it is in it.
func (l *Ledger) settle(ctx context.Context, e entry) error {
	id := e.rowID()
	for range attempts {
		r, version, err := read(ctx, l.store, id)
		if errors.Is(err, state.ErrNotFound) {
			if err := l.list(ctx, e.period, id); err != nil {
				return err
			}
			r, version, err = record{Format: format, Key: e.key, Currency: e.currency}, state.MustNotExist, nil
		}
		if err != nil {
			return err
		}
		if !e.fresh && slices.Contains(r.Batches, e.id) {
			return nil
		}
		r.apply(e)
		data, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("writing what was spent: %w", err)
		}
		_, err = l.store.Put(ctx, rowKey(id), state.Record{Data: data, Version: version, Expires: e.keptUntil()})
		if err == nil {
			return nil
		}
		if !errors.Is(err, state.ErrConflict) {
			return fmt.Errorf("writing what was spent: %w", err)
		}
	}
	return errors.New("writing what was spent: others change it at the same time")
}

// read reads the row of an account.
func read(ctx context.Context, store state.Store, id string) (record, string, error) {
	var r record
	row, err := store.Get(ctx, rowKey(id))
	if err != nil {
		return r, "", fmt.Errorf("reading what was spent: %w", err)
	}
	if err := json.Unmarshal(row.Data, &r); err != nil {
		return r, "", fmt.Errorf("a row of what was spent cannot be read: %w", err)
	}
	if r.Format != format {
		return r, "", fmt.Errorf("a row of what was spent has format %d, this version reads %d: use the version that wrote it", r.Format, format)
	}
	return r, row.Version, nil
}

// apply adds a batch.
func (r *record) apply(e entry) {
	all := lines{}
	for _, t := range r.Tools {
		all[t.Tool] = line{t.Calls, t.Amount}
	}
	for tool, more := range e.lines {
		all.add(tool, more)
	}
	r.Tools = r.Tools[:0]
	for tool, sum := range all {
		r.Tools = append(r.Tools, toolRecord{tool, sum.calls, sum.amount})
	}
	slices.SortFunc(r.Tools, func(a, b toolRecord) int { return strings.Compare(a.Tool, b.Tool) })
	r.Budget = e.budget
	r.Batches = append(r.Batches, e.id)
	r.Batches = r.Batches[max(0, len(r.Batches)-remembered):]
}

// pageKey is a page of an index.
func pageKey(name string) func(n int) state.Key {
	return func(n int) state.Key {
		return state.Key{Space: "spendindex", ID: rowID(name, strconv.Itoa(n))}
	}
}

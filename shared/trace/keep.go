package trace

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"toolgate/shared/state"
)

// Kept is how long a trace is kept.
const Kept = time.Hour

// space is that of the rows.
const space = "trace"

// ErrNotFound says that no trace of an id is kept: there was none, or its hour is
// over, or it is of another server.
var ErrNotFound = errors.New("there is no such trace; traces are kept for an hour")

// Keeper keeps traces in a store, compressed and sealed.
type Keeper struct {
	Store  state.Store
	Sealer *Sealer
	Now    func() time.Time // nil: time.Now
}

func (k *Keeper) now() time.Time {
	if k.Now != nil {
		return k.Now()
	}
	return time.Now()
}

// Put keeps a trace. Of one that is too large, as much is kept as there is room for:
// first the values of the effects go, and then the last steps.
func (k *Keeper) Put(ctx context.Context, t *Trace) error {
	sealed, err := k.fit(t)
	if err != nil {
		return err
	}
	_, err = k.Store.Put(ctx, state.Key{Space: space, ID: t.ID}, state.Record{Data: sealed, Version: state.MustNotExist, Expires: k.now().Add(Kept)})
	if err != nil {
		return &Error{Doing: "keeping the trace " + t.ID, Err: err}
	}
	return nil
}

// fit is a trace as a row that is not too large.
func (k *Keeper) fit(t *Trace) ([]byte, error) {
	for _, limit := range []int{0, 64, 1} {
		if limit > 0 {
			shorten(t, limit)
		}
		if sealed, err := k.seal(t); err != nil || len(sealed) <= state.MaxData {
			return sealed, err
		}
	}
	for len(t.Steps) > 0 {
		last := t.Steps[len(t.Steps)-1]
		if n := len(last.Steps); n > 1 {
			t.Omitted += count(last.Steps[n/2:])
			t.Steps[len(t.Steps)-1].Steps = last.Steps[:n/2]
		} else {
			t.Omitted += count(t.Steps[len(t.Steps)/2:])
			t.Steps = t.Steps[:len(t.Steps)/2]
		}
		if sealed, err := k.seal(t); err != nil || len(sealed) <= state.MaxData {
			return sealed, err
		}
	}
	return nil, &Error{Doing: "keeping the trace " + t.ID, Err: state.ErrTooLarge}
}

// shorten cuts the values of the effects.
func shorten(t *Trace, limit int) {
	for _, s := range t.All() {
		for i := range s.Effects {
			e := &s.Effects[i]
			for _, text := range []*string{&e.Before, &e.After} {
				if len(*text) > limit {
					*text = cut((*text)[:limit] + "…")
				}
			}
		}
	}
}

// count is the number of steps, with those inside.
func count(list []Step) int {
	n := 0
	each(list, 0, func(int, *Step) bool { n++; return true })
	return n
}

func (k *Keeper) seal(t *Trace) ([]byte, error) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write(t.JSON())
	if err = errors.Join(err, z.Close()); err != nil {
		return nil, &Error{Doing: "keeping the trace " + t.ID, Err: err}
	}
	return []byte(k.Sealer.traces.Seal(packed.Bytes(), []byte(t.ID))), nil
}

// maxTrace bounds what a row unpacks to, in bytes.
const maxTrace = 8 << 20

// Get finds a trace. The error is ErrNotFound where there is none. A server other
// than "" finds its own only.
func (k *Keeper) Get(ctx context.Context, id, server string) (*Trace, error) {
	key := state.Key{Space: space, ID: id}
	if key.Check() != nil {
		return nil, ErrNotFound
	}
	row, err := k.Store.Get(ctx, key)
	switch {
	case errors.Is(err, state.ErrNotFound) || err == nil && !k.now().Before(row.Expires):
		return nil, ErrNotFound
	case err != nil:
		return nil, &Error{Doing: "finding the trace " + id, Err: err}
	}
	packed, err := k.Sealer.traces.Open(string(row.Data), []byte(id))
	if err != nil {
		return nil, &Error{Doing: "opening the trace " + id, Err: fmt.Errorf("%w: the sealing key is another one", err)}
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, &Error{Doing: "opening the trace " + id, Err: err}
	}
	content, err := io.ReadAll(io.LimitReader(z, maxTrace))
	if err != nil {
		return nil, &Error{Doing: "opening the trace " + id, Err: err}
	}
	t, err := Parse(content)
	if err == nil && server != "" && t.Server != server {
		return nil, ErrNotFound
	}
	return t, err
}

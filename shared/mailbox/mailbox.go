// Package mailbox knows how messages get from the instance that has them to the
// instance that holds the stream of their client: through one row of the store.
//
// The instance with the stream makes the row and is its only [Reader]: it looks
// into it, takes what is there and removes it at the end. Any other instance is a
// [Writer]: it appends on condition that the row is as it saw it, so no message is
// lost and those of one writer stay in order. What is too large for the row lies
// in rows of its own. A writer that does not know whether its write was applied
// writes again; the reader knows each message by its writer and number, and hands
// it on once.
package mailbox

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"toolgate/shared/state"

	"github.com/go-json-experiment/json"
)

// ErrGone is a mailbox that nobody reads: it was never made, its reader has closed
// it, or its time is over.
var ErrGone = errors.New("nobody reads this mailbox")

// Space is that of the rows in the store.
const Space = "sse"

// Session is what has to be known of the client's session to serve its next
// message, wherever that is. The zero value is nothing yet.
type Session struct {
	// ID is what the server behind the gateway gave the session; empty for none.
	ID string `json:"id,omitzero"`
	// Version is the revision that was negotiated; empty before that.
	Version string `json:"version,omitzero"`
}

// Options are what reader and writer of a mailbox are given alike.
type Options struct {
	Store state.Store
	// ID names the mailbox: 32 hexadecimal digits of chance.
	ID string
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

const (
	// maxInline is the size up to which a message lies in the row itself, in bytes,
	// so that several have room there.
	maxInline = 12 << 10
	// partLife is how long the rows of a large message are of use.
	partLife = 5 * time.Minute
)

// letter is one message in the row.
type letter struct {
	From    string `json:"from"` // the writer
	Number  int    `json:"n"`    // of the message among those of the writer, from 0
	Message []byte `json:"message,omitzero"`
	// Parts is the number of rows that hold the message instead; 0 for none.
	Parts int `json:"parts,omitzero"`
}

// content is what the row holds.
type content struct {
	Session Session  `json:"session,omitzero"`
	Letters []letter `json:"letters,omitzero"`
}

// box is a mailbox as either side has it.
type box struct {
	store state.Store
	id    string
	now   func() time.Time
}

func newBox(o Options) box {
	if o.Now == nil {
		o.Now = time.Now
	}
	return box{store: o.Store, id: o.ID, now: o.Now}
}

func (b *box) key() state.Key { return state.Key{Space: Space, ID: b.id} }

// partKey is the key of part n of a letter.
func (b *box) partKey(l letter, n int) state.Key {
	return state.Key{Space: Space, ID: b.id + "-" + l.From + "-" + strconv.Itoa(l.Number) + "-" + strconv.Itoa(n)}
}

// get reads the row. The error is ErrGone when there is none, or when it has
// expired.
func (b *box) get(ctx context.Context) (content, state.Record, error) {
	var c content
	r, err := b.store.Get(ctx, b.key())
	switch {
	case errors.Is(err, state.ErrNotFound):
		return c, r, ErrGone
	case err != nil:
		return c, r, err
	case !r.Expires.After(b.now()):
		return c, r, ErrGone
	}
	if err := json.Unmarshal(r.Data, &c); err != nil {
		return c, r, fmt.Errorf("reading the mailbox %s: %w", b.id, err)
	}
	return c, r, nil
}

// put replaces the row that r was read from.
func (b *box) put(ctx context.Context, c content, r state.Record) error {
	data, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("writing the mailbox %s: %w", b.id, err)
	}
	r.Data = data
	_, err = b.store.Put(ctx, b.key(), r)
	return err
}

// wait lets time pass; it returns early with the error of a context that ends.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

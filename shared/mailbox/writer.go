package mailbox

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"toolgate/shared/state"
)

const (
	// patience is how long a writer tries to put one message into a mailbox that is
	// full, or whose store is busy.
	patience = 15 * time.Second
	// retryPause is the first pause between two tries. It doubles.
	retryPause = 10 * time.Millisecond
	maxRetry   = 500 * time.Millisecond
)

// Writer is the side without the stream, for the answer to one message of the
// client. It is used by one goroutine.
type Writer struct {
	box
	from    string
	number  int
	session Session
}

// Open opens a mailbox to write to. The error is ErrGone when nobody reads it.
func Open(ctx context.Context, o Options) (*Writer, error) {
	var from [8]byte
	_, _ = rand.Read(from[:]) // never fails (crypto/rand)
	w := &Writer{box: newBox(o), from: hex.EncodeToString(from[:])}
	c, _, err := w.get(ctx)
	if errors.Is(err, state.ErrBusy) {
		c, _, err = w.get(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the mailbox %s: %w", w.id, err)
	}
	w.session = c.Session
	return w, nil
}

// Session is what is known of the client's session.
func (w *Writer) Session() Session { return w.session }

// SetSession notes what has become known of the session, for whoever serves the
// next message. What is empty in s stays as it was.
func (w *Writer) SetSession(ctx context.Context, s Session) error {
	err := w.change(ctx, func(c *content) bool {
		c.Session = Session{ID: cmp.Or(s.ID, c.Session.ID), Version: cmp.Or(s.Version, c.Session.Version)}
		w.session = c.Session
		return true
	})
	if err != nil {
		return fmt.Errorf("noting the session in mailbox %s: %w", w.id, err)
	}
	return nil
}

// errFull is a row without room.
var errFull = errors.New("the mailbox is full")

// Send puts a message into the mailbox, after those that this writer sent before.
// The error is ErrGone when nobody reads it any more.
func (w *Writer) Send(ctx context.Context, message []byte) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	l := letter{From: w.from, Number: w.number, Message: message}
	w.number++
	err := errFull
	if len(message) <= maxInline {
		err = w.append(ctx, l)
	}
	if errors.Is(err, errFull) { // the message; there is room for where it is
		if err = w.writeParts(ctx, &l); err == nil {
			err = w.append(ctx, l)
		}
	}
	if err != nil {
		return fmt.Errorf("writing to mailbox %s: %w", w.id, err)
	}
	return nil
}

// writeParts writes the message of a letter into rows of its own.
func (w *Writer) writeParts(ctx context.Context, l *letter) error {
	for part := range slices.Chunk(l.Message, state.MaxData) {
		record := state.Record{Data: part, Version: state.AnyVersion, Expires: w.now().Add(partLife)}
		err := retried(ctx, func() error {
			_, err := w.store.Put(ctx, w.partKey(*l, l.Parts), record)
			return err
		})
		if err != nil {
			return err
		}
		l.Parts++
	}
	l.Message = nil
	return nil
}

// append puts a letter into the row. A letter with its message waits for no room:
// the error is errFull then.
func (w *Writer) append(ctx context.Context, l letter) error {
	full := false
	err := w.change(ctx, func(c *content) bool {
		if slices.ContainsFunc(c.Letters, func(o letter) bool { return o.From == l.From && o.Number == l.Number }) {
			return false // of a try whose answer was lost
		}
		if full = l.Parts == 0 && len(l.Message) > room(c); full {
			return false
		}
		c.Letters = append(c.Letters, l)
		return true
	})
	if full {
		return errFull
	}
	return err
}

// room is how many bytes of a message the row has room for, beside some references.
func room(c *content) int {
	used := 0
	for _, l := range c.Letters {
		used += len(l.Message) + len(l.Message)/3 + letterOverhead // base64
	}
	return (state.MaxData*3/4 - used) * 3 / 4
}

// letterOverhead is what a letter takes beside its message, in bytes, at most.
const letterOverhead = 96

// change changes the row, until it is done or ctx ends. to reports false for a row
// that is as it should be; it may be called several times.
func (w *Writer) change(ctx context.Context, to func(*content) bool) error {
	return retried(ctx, func() error {
		c, r, err := w.get(ctx)
		if err != nil || !to(&c) {
			return err
		}
		err = w.put(ctx, c, r)
		if errors.Is(err, state.ErrConflict) {
			return fmt.Errorf("%w: %w", state.ErrBusy, err) // somebody else was faster
		}
		return err
	})
}

// retried tries until the store answers something else than that it is busy or has
// no room, or until ctx ends or patience has.
func retried(ctx context.Context, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for pause := retryPause; ; pause = min(2*pause, maxRetry) {
		err := try()
		if !errors.Is(err, state.ErrBusy) && !errors.Is(err, state.ErrTooLarge) {
			return err
		}
		if wait(ctx, pause) != nil {
			return err
		}
	}
}

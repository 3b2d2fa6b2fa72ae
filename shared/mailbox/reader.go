package mailbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"toolgate/shared/state"

	"github.com/go-json-experiment/json"
)

// Pauses between two looks into a mailbox: short after a message, since an answer
// and the next request are often close, and longer while nothing comes.
const (
	shortestPause = 50 * time.Millisecond
	longestPause  = time.Second
)

// maxKnown bounds the writers that a reader remembers. A writer is one POST of a
// client, and writes again within seconds or not at all.
const maxKnown = 1024

// Reader is the side with the client's stream. It is used by one goroutine.
type Reader struct {
	box
	known map[string]int // of a writer, the number of its next message
	order []string       // of the writers, the oldest first
}

// Create makes the mailbox, which is of no use after expires.
func Create(ctx context.Context, o Options, expires time.Time) (*Reader, error) {
	r := &Reader{box: newBox(o), known: map[string]int{}}
	data, err := json.Marshal(content{})
	if err != nil {
		return nil, fmt.Errorf("making the mailbox %s: %w", r.id, err)
	}
	// The id is new, so a row that is there is this one, written by an attempt whose
	// answer was lost.
	_, err = r.store.Put(ctx, r.key(), state.Record{Data: data, Version: state.MustNotExist, Expires: expires})
	if errors.Is(err, state.ErrBusy) {
		_, err = r.store.Put(ctx, r.key(), state.Record{Data: data, Version: state.MustNotExist, Expires: expires})
	}
	if err != nil && !errors.Is(err, state.ErrConflict) {
		return nil, fmt.Errorf("making the mailbox %s: %w", r.id, err)
	}
	return r, nil
}

// Read hands messages to deliver as they come, one at a time, until ctx ends, the
// mailbox is gone or deliver returns an error. The session is the one that was
// known when the message was written. A store that is busy is asked again.
func (r *Reader) Read(ctx context.Context, deliver func(message []byte, s Session) error) error {
	pause := shortestPause
	for {
		if err := wait(ctx, pause); err != nil {
			return err
		}
		found, err := r.look(ctx, deliver)
		switch {
		case err != nil && !errors.Is(err, state.ErrBusy):
			return err
		case found:
			pause = shortestPause
		default:
			pause = min(pause*3/2, longestPause)
		}
	}
}

// look hands on what is in the mailbox, and empties it. It reports whether there
// was something new.
func (r *Reader) look(ctx context.Context, deliver func([]byte, Session) error) (found bool, err error) {
	c, record, err := r.get(ctx)
	if err != nil || len(c.Letters) == 0 {
		return false, err
	}
	for _, l := range c.Letters {
		if l.Number < r.known[l.From] {
			continue // handed on before
		}
		message, err := r.message(ctx, l)
		if err != nil {
			return found, err
		}
		if message != nil {
			if err := deliver(message, c.Session); err != nil {
				return found, err
			}
		}
		found = true
		r.remember(l)
		for n := range l.Parts {
			_ = r.store.Delete(ctx, r.partKey(l, n), state.AnyVersion) // what stays is swept
		}
	}
	c.Letters = nil
	// Where this fails, the next look sees letters that it knows, and tries again.
	if err := r.put(ctx, c, record); err != nil && !errors.Is(err, state.ErrConflict) {
		return found, err
	}
	return found, nil
}

// message is that of a letter; nil when its parts are gone.
func (r *Reader) message(ctx context.Context, l letter) ([]byte, error) {
	if l.Parts == 0 {
		return l.Message, nil
	}
	var message []byte
	for n := range l.Parts {
		part, err := r.store.Get(ctx, r.partKey(l, n))
		if errors.Is(err, state.ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		message = append(message, part.Data...)
	}
	return message, nil
}

func (r *Reader) remember(l letter) {
	if _, ok := r.known[l.From]; !ok {
		if len(r.order) == maxKnown {
			delete(r.known, r.order[0])
			r.order = r.order[1:]
		}
		r.order = append(r.order, l.From)
	}
	r.known[l.From] = l.Number + 1
}

// Close removes the mailbox. Writers learn with their next message that nobody
// reads it.
func (r *Reader) Close(ctx context.Context) error {
	if err := r.store.Delete(ctx, r.key(), state.AnyVersion); err != nil {
		return fmt.Errorf("removing the mailbox %s: %w", r.id, err)
	}
	return nil
}

package cache

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"toolgate/shared/state"
)

// space is the kind of the rows of the cache.
const space = "cache"

// restAfterFailure is for how long a store that failed is left alone, so that
// calls do not wait for it one after the other.
const restAfterFailure = time.Second

// level2 keeps values in a store, one row each.
type level2 struct {
	store state.Store
	log   *slog.Logger
	clock func() int64
	rests atomic.Int64 // until when, in milliseconds since 1970
	down  atomic.Bool  // the last operation failed
}

// row is a record with its version in the store.
type row struct {
	record
	version string
}

// rowKey is the row of a key. The key is not kept, so the hash is all that tells
// two values apart.
func rowKey(key string) state.Key {
	h := sha256.New()
	var length [9]byte
	length[0] = recordFormat
	binary.BigEndian.PutUint64(length[1:], uint64(len(key)))
	h.Write(length[:])
	h.Write([]byte(key))
	return state.Key{Space: space, ID: hex.EncodeToString(h.Sum(nil))}
}

// read reads a row: an absent one, or one that cannot be understood, is a row
// without a value. It reports false where the store does not answer.
func (l *level2) read(ctx context.Context, key string) (row, bool) {
	if l.resting() {
		return row{}, false
	}
	stored, err := l.store.Get(ctx, rowKey(key))
	switch {
	case errors.Is(err, state.ErrNotFound):
		l.answered()
		return row{version: state.MustNotExist}, true
	case err != nil:
		l.failed(ctx, err)
		return row{}, false
	}
	l.answered()
	found := row{version: stored.Version}
	if r, err := decode(stored.Data); err == nil {
		found.record = r
	}
	return found, true
}

// outcome is what became of a write.
type outcome uint8

const (
	written outcome = iota
	conflict
	tooLarge
	unknown
)

// write writes a record on condition of a version, and returns the new one. It
// ends even when the caller has gone.
func (l *level2) write(ctx context.Context, key string, r *record, version string) (string, outcome) {
	if l.resting() {
		return "", unknown
	}
	data := r.encode()
	if len(data) > state.MaxData {
		return "", tooLarge
	}
	ctx = context.WithoutCancel(ctx)
	version, err := l.store.Put(ctx, rowKey(key), state.Record{
		Data: data, Version: version, Expires: time.UnixMilli(max(r.expires, r.claim)),
	})
	switch {
	case err == nil:
		l.answered()
		return version, written
	case errors.Is(err, state.ErrConflict):
		l.answered()
		return "", conflict
	}
	l.failed(ctx, err)
	return "", unknown
}

// remove removes a row that has a version.
func (l *level2) remove(ctx context.Context, key, version string) error {
	if l.resting() {
		return fmt.Errorf("removing a value: %w", state.ErrBusy)
	}
	ctx = context.WithoutCancel(ctx)
	err := l.store.Delete(ctx, rowKey(key), version)
	if err == nil || errors.Is(err, state.ErrConflict) {
		l.answered()
		return err
	}
	l.failed(ctx, err)
	return fmt.Errorf("removing a value: %w", err)
}

func (l *level2) resting() bool { return l.clock() < l.rests.Load() }

// failed leaves the store alone for a while, unless it was the caller who went.
func (l *level2) failed(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	l.rests.Store(l.clock() + restAfterFailure.Milliseconds())
	if !l.down.Swap(true) {
		l.log.Warn("the store does not answer: until it does, each instance has the values of its own memory only", "error", err)
	}
}

func (l *level2) answered() {
	if l.down.Load() && l.down.Swap(false) {
		l.log.Info("the store of the cache answers again")
	}
}

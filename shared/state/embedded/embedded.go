// Package embedded knows how rows are kept in one file on one machine: a store
// that needs no service and survives a restart.
//
// A write is answered when it is on the disk (fsync), so a crash of the process or
// of the machine loses nothing that was answered; a write that was under way is
// there as a whole or not at all. Writes happen one after another, each with an
// fsync of its own. One process has the file at a time.
package embedded

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"toolgate/shared/state"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// lockTimeout is how long Open waits for another process to let go of the file,
// as one does that is just being restarted.
const lockTimeout = 700 * time.Millisecond

// The buckets of the file. The number in the name of the outer one is the format.
var (
	rootBucket   = []byte("toolgate state 1")
	rowBucket    = []byte("rows")    // key → row
	expiryBucket = []byte("expires") // expiry, key → nothing; rows that never expire are not in it
)

// header is the length of what stands before the data in a row: version and
// expiry, 8 bytes each.
const header = 16

// Store keeps rows in a file. It serves [state.Store].
type Store struct {
	db      *bbolt.DB
	damaged atomic.Bool // the library gave up in the middle of something
}

// Open opens a file, which it makes if there is none; its folder is there. It
// refuses a file that another process has.
func Open(path string) (*Store, error) {
	s := &Store{}
	err := s.guard(func() error { return s.open(path) })
	switch {
	case err == nil:
		return s, nil
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("opening the state file %s: another process has it; end that one, or give this one a file of its own: %w", path, err)
	case errors.As(err, new(*fs.PathError)):
		return nil, fmt.Errorf("opening the state file: %w", err)
	}
	if s.db != nil && !s.damaged.Load() {
		_ = s.db.Close() // nothing was written
	}
	return nil, fmt.Errorf("opening the state file %s: it is not a state file, or of another version, or damaged; move it away to begin with an empty one: %w", path, err)
}

func (s *Store) open(path string) (err error) {
	s.db, err = bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout: lockTimeout,
		// The list of free pages is written with each write (NoFreelistSync is not
		// set): rebuilding it when the file is opened happens in a goroutine of the
		// library, whose panic over a damaged file nobody can recover.
		FreelistType: bbolt.FreelistMapType,
	})
	if err != nil {
		return err
	}
	return s.db.Update(prepare)
}

var errDamaged = errors.New("the state file is damaged; end the program and move the file away to begin with an empty one")

// guard runs what reads or writes the file. The library panics over a page that
// is not what it should be, and the file is mapped into memory, where a page that
// cannot be read is a fault. After either the library may hold its locks, so it is
// not called again.
func (s *Store) guard(run func() error) (err error) {
	if s.damaged.Load() {
		return errDamaged
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			s.damaged.Store(true)
			err = fmt.Errorf("%w: %v", errDamaged, p)
		}
	}()
	return run()
}

func (s *Store) view(read func(tables) error) error {
	return s.guard(func() error {
		return s.db.View(func(tx *bbolt.Tx) error { return read(tablesOf(tx)) })
	})
}

// update commits what write does, or nothing of it when it returns an error.
func (s *Store) update(write func(tables) error) error {
	return s.guard(func() error {
		return s.db.Update(func(tx *bbolt.Tx) error { return write(tablesOf(tx)) })
	})
}

var errOtherBucket = errors.New("it has buckets of something else")

// prepare makes the buckets of a new file.
func prepare(tx *bbolt.Tx) error {
	if name, _ := tx.Cursor().First(); name != nil && !bytes.Equal(name, rootBucket) {
		return errOtherBucket
	}
	root, err := tx.CreateBucketIfNotExists(rootBucket)
	if err != nil {
		return err
	}
	for _, name := range [][]byte{rowBucket, expiryBucket} {
		if _, err := root.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	return nil
}

// row is what is kept of a record. A nil data is a row that is not there.
type row struct {
	version uint64
	expires int64 // milliseconds, as of state.ToMilli
	data    []byte
}

// decode takes a row apart. It shares the bytes of the file.
func decode(value []byte) (row, error) {
	if value == nil {
		return row{}, nil
	}
	if len(value) < header {
		return row{}, errDamaged
	}
	return row{
		version: binary.BigEndian.Uint64(value),
		expires: int64(binary.BigEndian.Uint64(value[8:])), //nolint:gosec // it was an int64 when it was written
		data:    value[header:],
	}, nil
}

func (r row) encode() []byte {
	value := make([]byte, header, header+len(r.data))
	binary.BigEndian.PutUint64(value, r.version)
	binary.BigEndian.PutUint64(value[8:], uint64(r.expires)) //nolint:gosec // milliseconds since 1970, never negative
	return append(value, r.data...)
}

func (r row) exists() bool { return r.data != nil }

// check compares the row with the condition of a write.
func (r row) check(version string) error {
	ok := version == state.AnyVersion
	if version == state.MustNotExist {
		ok = !r.exists()
	} else if r.exists() && version == formatVersion(r.version) {
		ok = true
	}
	if !ok {
		return state.ErrConflict
	}
	return nil
}

func formatVersion(v uint64) string { return strconv.FormatUint(v, 36) }

// expiryKey is the key of a row in the order in which rows expire.
func expiryKey(expires int64, key []byte) []byte {
	at := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(key)), uint64(expires)) //nolint:gosec // never negative
	return append(at, key...)
}

// tables are the buckets within one transaction.
type tables struct{ rows, expiry *bbolt.Bucket }

func tablesOf(tx *bbolt.Tx) tables {
	root := tx.Bucket(rootBucket)
	return tables{rows: root.Bucket(rowBucket), expiry: root.Bucket(expiryBucket)}
}

// remove deletes a row and its place in the order.
func (t tables) remove(key []byte, old row) error {
	if old.expires != 0 {
		if err := t.expiry.Delete(expiryKey(old.expires, key)); err != nil {
			return err
		}
	}
	return t.rows.Delete(key)
}

// Get serves [state.Store].
func (s *Store) Get(ctx context.Context, key state.Key) (state.Record, error) {
	var record state.Record
	err := state.CheckGet(ctx, key)
	if err == nil {
		err = s.view(func(t tables) error {
			r, err := decode(t.rows.Get([]byte(key.String())))
			if err != nil {
				return err
			}
			if !r.exists() {
				return state.ErrNotFound
			}
			record = state.Record{Data: slices.Clone(r.data), Version: formatVersion(r.version), Expires: state.FromMilli(r.expires)}
			return nil
		})
	}
	if err != nil {
		return state.Record{}, fmt.Errorf("reading row %s: %w", key, err)
	}
	return record, nil
}

// Put serves [state.Store]. It returns when the row is on the disk.
func (s *Store) Put(ctx context.Context, key state.Key, record state.Record) (string, error) {
	var version string
	err := state.CheckPut(ctx, key, record)
	if err == nil {
		err = s.update(func(t tables) (err error) {
			version, err = t.put([]byte(key.String()), record)
			return err
		})
	}
	if err != nil {
		return "", fmt.Errorf("writing row %s: %w", key, err)
	}
	return version, nil
}

func (t tables) put(key []byte, record state.Record) (string, error) {
	old, err := decode(t.rows.Get(key))
	if err != nil {
		return "", err
	}
	if err := old.check(record.Version); err != nil {
		return "", err
	}
	r := row{expires: state.ToMilli(record.Expires), data: record.Data}
	// The sequence is kept in the file and never goes back, so that a version is
	// never given twice.
	if r.version, err = t.rows.NextSequence(); err != nil {
		return "", err
	}
	if old.expires != r.expires {
		if old.expires != 0 {
			if err := t.expiry.Delete(expiryKey(old.expires, key)); err != nil {
				return "", err
			}
		}
		if r.expires != 0 {
			if err := t.expiry.Put(expiryKey(r.expires, key), nil); err != nil {
				return "", err
			}
		}
	}
	return formatVersion(r.version), t.rows.Put(key, r.encode())
}

// Delete serves [state.Store].
func (s *Store) Delete(ctx context.Context, key state.Key, version string) error {
	err := state.CheckDelete(ctx, key, version)
	if err == nil {
		err = s.update(func(t tables) error {
			old, err := decode(t.rows.Get([]byte(key.String())))
			if err != nil || !old.exists() {
				return err
			}
			if err := old.check(version); err != nil {
				return err
			}
			return t.remove([]byte(key.String()), old)
		})
	}
	if err != nil {
		return fmt.Errorf("deleting row %s: %w", key, err)
	}
	return nil
}

// Sweep serves [state.Store]. It looks at no row that it does not remove, and
// removes them all or none.
func (s *Store) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	deleted := 0
	err := ctx.Err()
	if err == nil {
		err = s.update(func(t tables) (err error) {
			deleted, err = t.sweep(state.ToMilli(before), limit)
			return err
		})
	}
	if err != nil {
		return 0, fmt.Errorf("removing expired rows: %w", err)
	}
	return deleted, nil
}

func (t tables) sweep(end int64, limit int) (int, error) {
	// A cursor loses its place when rows are deleted, so the keys come first.
	var expired [][]byte
	c := t.expiry.Cursor()
	for at, _ := c.First(); at != nil && len(expired) < limit; at, _ = c.Next() {
		if len(at) < 8 {
			return 0, errDamaged
		}
		if int64(binary.BigEndian.Uint64(at)) >= end { //nolint:gosec // it was an int64 when it was written
			break
		}
		expired = append(expired, slices.Clone(at))
	}
	for _, at := range expired {
		if err := t.expiry.Delete(at); err != nil {
			return 0, err
		}
		if err := t.rows.Delete(at[8:]); err != nil {
			return 0, err
		}
	}
	return len(expired), nil
}

// Close serves [state.Store]. Another process may have the file afterwards; one
// that is damaged is let go of when this process ends.
func (s *Store) Close() error {
	if err := s.guard(s.db.Close); err != nil {
		return fmt.Errorf("closing the state file: %w", err)
	}
	return nil
}

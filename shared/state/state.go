// Package state knows what a store of rows promises: the rows that all instances
// of a gateway share, such as counters, cached responses and subscriptions.
//
// A [Store] reads and writes one small row at a time, each write on condition
// that the row is as the writer last saw it. That is what Azure Tables, Cosmos DB
// for Table, DynamoDB and a file on one machine have in common; what needs more
// than one row, or an order of rows, is built by the packages above. Package
// statetest holds every store to the contract that stands here.
package state

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// MaxData is the size of the largest [Record.Data], in bytes. A property of Azure
// Tables holds 64 KiB; some of it is left for what a format may need later.
const MaxData = 60 << 10

// Versions that are conditions and not the version of a row.
const (
	// MustNotExist is the condition that there is no row.
	MustNotExist = ""
	// AnyVersion is no condition.
	AnyVersion = "*"
)

// What a store answers. Compare with [errors.Is]: a store adds what it was doing
// and why. Any other error, such as the one of a context, leaves the result of a
// write as unknown as ErrBusy does.
var (
	// ErrNotFound is a row to read that is not there.
	ErrNotFound = errors.New("no such row")
	// ErrConflict is a row that is not, or no longer, as the condition says.
	// Nothing was written.
	ErrConflict = errors.New("the row has changed")
	// ErrTooLarge is data of more than [MaxData] bytes. Nothing was written.
	ErrTooLarge = errors.New("the data is larger than a row may be")
	// ErrBusy is a store that throttles, cannot be reached, or did not answer in
	// time. The result of a write is unknown: it may have been applied, it may yet
	// be, or never. Who needs to know reads the row again and looks for something
	// in it that only this write could have put there.
	ErrBusy = errors.New("the store does not answer")
	// ErrInvalid is a key or a version that no store takes: a fault of the program.
	// Nothing was written.
	ErrInvalid = errors.New("no store takes it")
)

// Limits of a [Key]. Together they stay well below what stores allow (512
// characters), and have no character that some store refuses or reads otherwise.
const (
	maxSpace = 12
	maxID    = 100
)

// Key says which row.
type Key struct {
	// Space is the kind of row, such as rate or cache: 1 to 12 letters a-z.
	Space string
	// ID is the row among those of its kind: 1 to 100 characters of a-z, 0-9 and -.
	// It is a hash, or begins with one, so that rows spread evenly over the
	// partitions of a store, and no text of a user stands in a key.
	ID string
}

// String is the key as stores keep it. The space has no hyphen, so two keys never
// have the same string.
func (k Key) String() string { return k.Space + "-" + k.ID }

// Check returns an error that is [ErrInvalid] when the key is outside its limits.
func (k Key) Check() error {
	if n := len(k.Space); n == 0 || n > maxSpace || !only(k.Space, letter) {
		return fmt.Errorf("the space %.40q of a key is not 1 to %d letters a-z: %w", k.Space, maxSpace, ErrInvalid)
	}
	if n := len(k.ID); n == 0 || n > maxID || !only(k.ID, letterOrDigit) {
		return fmt.Errorf("the id %.40q of a key is not 1 to %d characters of a-z, 0-9 and -: %w", k.ID, maxID, ErrInvalid)
	}
	return nil
}

func letter(c byte) bool        { return 'a' <= c && c <= 'z' }
func letterOrDigit(c byte) bool { return letter(c) || '0' <= c && c <= '9' || c == '-' }

// only reports whether a text has no other characters.
func only(text string, allowed func(byte) bool) bool {
	for i := range len(text) {
		if !allowed(text[i]) {
			return false
		}
	}
	return true
}

// Record is what a row holds.
type Record struct {
	// Data is at most [MaxData] bytes of any value. It is not shared with the
	// store: either side may change its own afterwards.
	Data []byte
	// Version is opaque: it is compared by the store that gave it and by nobody
	// else. Two writes of a row never have the same one, not even across a delete.
	// In a [Store.Put] it is the condition.
	Version string
	// Expires is when the row has no further use, kept to the millisecond and
	// rounded up; the zero value is never. A store removes the row some time
	// later, or not at all, and a reader has to look at the time itself.
	Expires time.Time
}

// Store keeps rows. It is safe for concurrent use. Each call is one attempt: no
// write is sent again behind the caller's back, and none takes longer than the time
// limit of the store, which is longer for the first ones of a cold instance. A
// context that is done before a call makes it fail without effect; one that ends
// during a write leaves its result unknown.
type Store interface {
	// Get reads a row, as it is after the last write that was answered. The error
	// is ErrNotFound when there is none. It may return a row that has expired.
	Get(ctx context.Context, key Key) (Record, error)

	// Put writes a whole row, none of what was there before stays, and returns its
	// new version. With [MustNotExist] it only creates: the error is ErrConflict
	// when there is a row, even one that has expired. With a version that was read
	// or returned before it only replaces that very version: the error is
	// ErrConflict when the row has another one, and also when there is no row. With
	// [AnyVersion] it writes in any case.
	Put(ctx context.Context, key Key, record Record) (version string, err error)

	// Delete removes a row that has this version, or in any case with [AnyVersion].
	// The error is ErrConflict when the row has another version; a row that is not
	// there is no error. [MustNotExist] is no condition to delete on.
	Delete(ctx context.Context, key Key, version string) error

	// Sweep removes rows that expire before a time, at most so many, and returns
	// how many it has removed, also with an error. A row that is written meanwhile
	// stays. Sweeping is housekeeping, for one instance or several at once; in a
	// store that removes expired rows by itself it does nothing.
	Sweep(ctx context.Context, before time.Time, limit int) (deleted int, err error)

	// Close releases what the store holds. No other method is called afterwards.
	Close() error
}

// CheckGet is what every store asks before it reads.
func CheckGet(ctx context.Context, key Key) error {
	if err := key.Check(); err != nil {
		return err
	}
	return ctx.Err()
}

// CheckPut is what every store asks before it writes.
func CheckPut(ctx context.Context, key Key, record Record) error {
	if n := len(record.Data); n > MaxData {
		return fmt.Errorf("writing %d bytes to a row of %d at most: %w", n, MaxData, ErrTooLarge)
	}
	return CheckGet(ctx, key)
}

// CheckDelete is what every store asks before it deletes.
func CheckDelete(ctx context.Context, key Key, version string) error {
	if version == MustNotExist {
		return fmt.Errorf("deleting a row on condition that there is none: %w", ErrInvalid)
	}
	return CheckGet(ctx, key)
}

// latest is the last time that every store can keep.
var latest = time.Date(9999, time.December, 31, 23, 59, 59, int(999*time.Millisecond), time.UTC).UnixMilli()

// ToMilli is a time as stores keep it: milliseconds since 1970, rounded up, at
// least 1, and not after the year 9999. The zero time is 0.
func ToMilli(t time.Time) int64 {
	switch {
	case t.IsZero():
		return 0
	case t.Year() > 9999:
		return latest
	}
	ms := t.UnixMilli()
	if t.Nanosecond()%int(time.Millisecond) != 0 {
		ms++
	}
	return min(max(ms, 1), latest)
}

// FromMilli is the time that [ToMilli] was given, in UTC; 0 is the zero time.
func FromMilli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

package state

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Memory is a store in this process: rows are lost when it ends, and no other
// instance sees them. Nothing but [Memory.Sweep] and [Memory.Delete] removes a
// row. The zero value is an empty store.
type Memory struct {
	mu      sync.Mutex
	rows    map[Key]memoryRow
	version uint64 // of the last write
}

type memoryRow struct {
	data    []byte
	version uint64
	expires int64 // milliseconds, as of ToMilli
}

// matches reports whether the row, there or not, is as the version says.
func (r memoryRow) matches(there bool, version string) bool {
	switch version {
	case AnyVersion:
		return true
	case MustNotExist:
		return !there
	}
	return there && version == formatVersion(r.version)
}

func formatVersion(v uint64) string { return strconv.FormatUint(v, 36) }

// Get serves [Store].
func (m *Memory) Get(ctx context.Context, key Key) (Record, error) {
	if err := CheckGet(ctx, key); err != nil {
		return Record{}, fmt.Errorf("reading row %s: %w", key, err)
	}
	m.mu.Lock()
	row, ok := m.rows[key]
	m.mu.Unlock()
	if !ok {
		return Record{}, fmt.Errorf("reading row %s: %w", key, ErrNotFound)
	}
	// A row's data is replaced and never changed, so it can be copied here.
	return Record{Data: slices.Clone(row.data), Version: formatVersion(row.version), Expires: FromMilli(row.expires)}, nil
}

// Put serves [Store].
func (m *Memory) Put(ctx context.Context, key Key, record Record) (string, error) {
	if err := CheckPut(ctx, key, record); err != nil {
		return "", fmt.Errorf("writing row %s: %w", key, err)
	}
	row := memoryRow{data: slices.Clone(record.Data), expires: ToMilli(record.Expires)}
	m.mu.Lock()
	defer m.mu.Unlock()
	if old, there := m.rows[key]; !old.matches(there, record.Version) {
		return "", fmt.Errorf("writing row %s: %w", key, ErrConflict)
	}
	m.version++
	row.version = m.version
	if m.rows == nil {
		m.rows = map[Key]memoryRow{}
	}
	m.rows[key] = row
	return formatVersion(row.version), nil
}

// Delete serves [Store].
func (m *Memory) Delete(ctx context.Context, key Key, version string) error {
	if err := CheckDelete(ctx, key, version); err != nil {
		return fmt.Errorf("deleting row %s: %w", key, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	old, there := m.rows[key]
	if there && !old.matches(there, version) {
		return fmt.Errorf("deleting row %s: %w", key, ErrConflict)
	}
	delete(m.rows, key)
	return nil
}

// Sweep serves [Store]. It looks at every row.
func (m *Memory) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("removing expired rows: %w", err)
	}
	end, deleted := ToMilli(before), 0
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, row := range m.rows {
		if deleted >= limit {
			break
		}
		if row.expires != 0 && row.expires < end {
			delete(m.rows, key)
			deleted++
		}
	}
	return deleted, nil
}

// Close serves [Store].
func (m *Memory) Close() error { return nil }

// MemoryOpener opens memory: as a new [Memory].
func MemoryOpener() Opener {
	return Opener{Scheme: "memory", Form: "memory:", Open: func(_ context.Context, u *url.URL) (Store, error) {
		if *u != (url.URL{Scheme: u.Scheme}) {
			return nil, fmt.Errorf("a store in memory has neither a name nor settings; write memory: %w", ErrURL)
		}
		return &Memory{}, nil
	}}
}

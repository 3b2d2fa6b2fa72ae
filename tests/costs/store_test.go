package costs_test

import (
	"context"
	"sync"
	"time"

	"toolgate/shared/state"
)

// roundTrip is what an operation of the store takes.
const roundTrip = 5 * time.Millisecond

// operations are what was asked of a store.
type operations struct {
	reads, writes         int // a delete is a write
	readUnits, writeUnits int // of DynamoDB
}

func (o operations) minus(p operations) operations {
	return operations{o.reads - p.reads, o.writes - p.writes, o.readUnits - p.readUnits, o.writeUnits - p.writeUnits}
}

// countingStore is a store at the end of a line, and counts its operations, those
// that fail too: they are paid for.
type countingStore struct {
	state.Memory

	mu    sync.Mutex
	count operations
}

// What DynamoDB charges by, in bytes. A row has its key and the names of its
// attributes besides its data.
const (
	readUnit  = 4096 // of a consistent read
	writeUnit = 1024
	rowExtra  = 150
)

func units(data, unit int) int { return (data + rowExtra + unit - 1) / unit }

func (s *countingStore) add(o operations) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count.reads += o.reads
	s.count.writes += o.writes
	s.count.readUnits += o.readUnits
	s.count.writeUnits += o.writeUnits
}

func (s *countingStore) counted() operations {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

func (s *countingStore) Get(ctx context.Context, key state.Key) (state.Record, error) {
	time.Sleep(roundTrip) // of the clock of the test
	r, err := s.Memory.Get(ctx, key)
	s.add(operations{reads: 1, readUnits: units(len(r.Data), readUnit)})
	return r, err
}

func (s *countingStore) Put(ctx context.Context, key state.Key, r state.Record) (string, error) {
	time.Sleep(roundTrip)
	s.add(operations{writes: 1, writeUnits: units(len(r.Data), writeUnit)})
	return s.Memory.Put(ctx, key, r)
}

func (s *countingStore) Delete(ctx context.Context, key state.Key, version string) error {
	time.Sleep(roundTrip)
	r, _ := s.Memory.Get(ctx, key) // it is charged by the size of what goes
	s.add(operations{writes: 1, writeUnits: units(len(r.Data), writeUnit)})
	return s.Memory.Delete(ctx, key, version)
}

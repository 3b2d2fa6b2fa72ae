package gateway

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"toolgate/shared/state"
	"toolgate/shared/telemetry"
)

// storeUse is what a call did at the store.
type storeUse struct {
	operations, failures, nanoseconds atomic.Int64
}

// attrs are none for a call without operations.
func (u *storeUse) attrs() []telemetry.Attr {
	n := u.operations.Load()
	if n == 0 {
		return nil
	}
	return []telemetry.Attr{
		telemetry.Int(telemetry.StoreCount, int(n)), telemetry.Int(telemetry.StoreFailures, int(u.failures.Load())),
		telemetry.Float(telemetry.StoreTime, time.Duration(u.nanoseconds.Load()).Seconds()),
	}
}

// ObserveStore is a store whose operations are measured, and counted to the calls
// that they are for. It is the store itself where nothing is recorded, or where
// there is none.
func ObserveStore(s state.Store, r *telemetry.Recorder) state.Store {
	if s == nil || r == nil {
		return s
	}
	return &observedStore{s, r}
}

// observedStore measures operations. Sweeping and closing are not for calls.
type observedStore struct {
	state.Store
	recorder *telemetry.Recorder
}

// Get reads a row.
func (s *observedStore) Get(ctx context.Context, key state.Key) (state.Record, error) {
	start := time.Now()
	record, err := s.Store.Get(ctx, key)
	s.did(ctx, "get", key.Space, start, err)
	return record, err
}

// Put writes a row.
func (s *observedStore) Put(ctx context.Context, key state.Key, record state.Record) (string, error) {
	start := time.Now()
	version, err := s.Store.Put(ctx, key, record)
	s.did(ctx, "put", key.Space, start, err)
	return version, err
}

// Delete removes a row.
func (s *observedStore) Delete(ctx context.Context, key state.Key, version string) error {
	start := time.Now()
	err := s.Store.Delete(ctx, key, version)
	s.did(ctx, "delete", key.Space, start, err)
	return err
}

// did counts an operation. A row that is not there, or was changed by another, is an
// answer.
func (s *observedStore) did(ctx context.Context, operation, space string, start time.Time, err error) {
	took := time.Since(start)
	failure := ""
	if err != nil && !errors.Is(err, state.ErrNotFound) && !errors.Is(err, state.ErrConflict) {
		failure = errorType(err)
		if errors.Is(err, state.ErrBusy) {
			failure = "busy"
		}
	}
	s.recorder.Measure(telemetry.StoreDuration, took.Seconds(), telemetry.String(telemetry.StoreOperation, operation),
		telemetry.String(telemetry.StoreSpace, space), telemetry.String(telemetry.ErrorType, failure))
	w := spanOf(ctx)
	if w == nil {
		return
	}
	u := &w.tracing.store
	u.operations.Add(1)
	u.nanoseconds.Add(int64(took))
	if failure != "" {
		u.failures.Add(1)
	}
}

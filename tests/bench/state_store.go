package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"toolgate/shared/state"
	"toolgate/shared/state/aztables"
	"toolgate/tests/peer"
)

// farStore is a store at the end of a line, and counts its operations.
type farStore struct {
	state.Store
	trip       time.Duration // added to each operation
	operations *atomic.Int64
}

func (s farStore) Get(ctx context.Context, key state.Key) (state.Record, error) {
	s.operations.Add(1)
	time.Sleep(s.trip)
	return s.Store.Get(ctx, key)
}

func (s farStore) Put(ctx context.Context, key state.Key, r state.Record) (string, error) {
	s.operations.Add(1)
	time.Sleep(s.trip)
	return s.Store.Put(ctx, key, r)
}

// openStore opens the store to measure on: memory, or an Azurite that is started
// for it and ends with this process.
func openStore(ctx context.Context, name string) (state.Store, error) {
	switch name {
	case "memory":
		return &state.Memory{}, nil
	case "azurite":
		address, err := startAzurite(ctx)
		if err != nil {
			return nil, err
		}
		// Azurite is one thread, and is given the time that it needs.
		store, err := aztables.NewAzurite(address, "t"+rand.Text(), aztables.Options{Timeout: 2 * time.Second})
		if err != nil {
			return nil, fmt.Errorf("opening the store: %w", err)
		}
		_, err = store.Get(ctx, state.Key{Space: "warm", ID: "up"})
		if err != nil && !errors.Is(err, state.ErrNotFound) {
			return nil, fmt.Errorf("reading from Azurite: %w", err)
		}
		return store, nil
	}
	return nil, fmt.Errorf("there is no store %q: write azurite or memory", name)
}

// startAzurite starts the one that tests use.
func startAzurite(ctx context.Context) (address string, err error) {
	s := &serverStarter{ctx: ctx}
	defer func() {
		if failed, ok := recover().(startFailure); ok {
			err = fmt.Errorf("starting Azurite: %s", string(failed))
		}
	}()
	return peer.Azurite(s), nil
}

// serverStarter starts what tests start, outside of a test. What it does not have,
// package peer does not use to start a server.
type serverStarter struct {
	testing.TB
	ctx context.Context
}

// startFailure is what a serverStarter panics with.
type startFailure string

func (*serverStarter) Helper()                        {}
func (s *serverStarter) Context() context.Context     { return s.ctx }
func (*serverStarter) Fatal(args ...any)              { panic(startFailure(fmt.Sprint(args...))) }
func (*serverStarter) Fatalf(format string, a ...any) { panic(startFailure(fmt.Sprintf(format, a...))) }
func (*serverStarter) Log(...any)                     {}
func (*serverStarter) Logf(string, ...any)            {}

package index

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"toolgate/shared/state"
)

func newIndex(store state.Store) *Index {
	return &Index{Store: store, Key: func(n int) state.Key { return state.Key{Space: "index", ID: fmt.Sprint("page-", n)} }, PageIDs: 3, MaxPages: 4}
}

func wantIDs(t *testing.T, x *Index, want ...string) {
	t.Helper()
	if got, err := x.IDs(t.Context()); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func add(t *testing.T, x *Index, id string, from, want int) {
	t.Helper()
	if page, err := x.Add(t.Context(), id, from); err != nil || page != want {
		t.Errorf("%s: got page %d, %v, want %d", id, page, err, want)
	}
}

// The index goes on in another page when one is full, and room in one is used again.
func TestPages(t *testing.T) {
	x := newIndex(&state.Memory{})
	wantIDs(t, x)
	for i, id := range []string{"d", "c", "b", "a"} {
		add(t, x, id, 0, i/3)
	}
	add(t, x, "c", 0, 0)
	add(t, x, "c", 1, 1)
	wantIDs(t, x, "a", "b", "c", "d")
	for _, step := range []struct {
		id   string
		want bool
	}{{"c", true}, {"c", false}, {"e", false}} {
		if found, err := x.Remove(t.Context(), step.id); err != nil || found != step.want {
			t.Errorf("removing %s: got %t, %v", step.id, found, err)
		}
	}
	add(t, x, "e", 0, 0)
	wantIDs(t, x, "a", "b", "d", "e")
	for i := range 8 {
		add(t, x, fmt.Sprint("f", i), 0, (i+4)/3)
	}
	if _, err := x.Add(t.Context(), "g", 0); !errors.Is(err, ErrFull) {
		t.Errorf("got %v, want ErrFull", err)
	}
	add(t, x, "a", 0, 1)
}

func TestExpires(t *testing.T) {
	store := &state.Memory{}
	x := newIndex(store)
	x.Expires = time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)
	add(t, x, "a", 0, 0)
	if row, err := store.Get(t.Context(), x.Key(0)); err != nil || !row.Expires.Equal(x.Expires) {
		t.Errorf("got %v, %v, want %v", row.Expires, err, x.Expires)
	}
}

// Changes of several programs at a time all happen, or say that they did not.
func TestConcurrentChanges(t *testing.T) {
	store := &state.Memory{}
	x := newLarge(store)
	add(t, x, "old", 0, 0)
	var all sync.WaitGroup
	var want []string
	for i := range 8 {
		want = append(want, fmt.Sprint("id-", i))
	}
	for _, id := range want {
		all.Go(func() {
			for {
				if _, err := newLarge(store).Add(context.Background(), id, 0); !errors.Is(err, ErrContended) {
					return
				}
			}
		})
	}
	all.Go(func() {
		for {
			if _, err := newLarge(store).Remove(context.Background(), "old"); !errors.Is(err, ErrContended) {
				return
			}
		}
	})
	all.Wait()
	wantIDs(t, x, want...)
}

func newLarge(store state.Store) *Index {
	x := newIndex(store)
	x.PageIDs = 100
	return x
}

// broken is a store in which somebody else is always faster.
type broken struct{ state.Memory }

func (b *broken) Put(context.Context, state.Key, state.Record) (string, error) {
	return "", state.ErrConflict
}

func TestFaults(t *testing.T) {
	b := &broken{}
	x := newIndex(b)
	if _, err := x.Add(t.Context(), "a", 0); !errors.Is(err, ErrContended) {
		t.Errorf("got %v, want ErrContended", err)
	}
	for _, data := range []string{`{"format":2,"ids":["a"]}`, `no JSON`} {
		if _, err := b.Memory.Put(t.Context(), x.Key(0), state.Record{Data: []byte(data), Version: state.AnyVersion}); err != nil {
			t.Fatal(err)
		}
		if ids, err := x.IDs(t.Context()); err == nil {
			t.Errorf("%s: got %v, want an error", data, ids)
		}
		if _, err := x.Remove(t.Context(), "a"); err == nil {
			t.Errorf("%s: an id was removed", data)
		}
	}
	if _, err := b.Memory.Put(t.Context(), x.Key(0), state.Record{Data: []byte(`{"format":1,"ids":["a"]}`), Version: state.AnyVersion}); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Remove(t.Context(), "a"); !errors.Is(err, ErrContended) {
		t.Errorf("got %v, want ErrContended", err)
	}
}

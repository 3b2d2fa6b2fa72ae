package access

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"toolgate/shared/state"
)

// Whatever write fails, before it was applied or after, and whether the change is
// repeated or not: the key that was replaced does not come back, nothing is left
// that works and is not known, and repeating the change mends all.
func TestInterrupted(t *testing.T) {
	for _, lost := range []bool{false, true} {
		for failing := 1; ; failing++ {
			r, _, store, _ := setUp()
			_, keys := create(t, r, Subscription{ID: "a", Scope: all})
			reached := false
			first := store.writes
			fail := func(n int, _ state.Key) error {
				if n == first+failing {
					reached = true
					return state.ErrBusy
				}
				return nil
			}
			if lost {
				store.after = fail
			} else {
				store.before = fail
			}
			name := fmt.Sprintf("write %d, lost answer %t", failing, lost)
			rotated, err := r.Rotate(t.Context(), "a", Primary)
			if !reached {
				break
			}
			if err != nil {
				if rotated, err = r.Rotate(t.Context(), "a", Primary); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			wantKey(t, r, keys.Primary, "")
			wantKey(t, r, keys.Secondary, "a")
			wantKey(t, r, rotated, "a")
			if _, err := r.SetState(t.Context(), "a", Suspended); err != nil {
				t.Fatal(err)
			}
			wantKey(t, r, keys.Secondary, "")
			wantKey(t, r, rotated, "")
		}
	}
}

// A deletion that fails anywhere is finished by the next one.
func TestInterruptedDelete(t *testing.T) {
	for failing := 1; ; failing++ {
		r, _, store, _ := setUp()
		_, keys := create(t, r, Subscription{ID: "a", Scope: all})
		reached, first := false, store.writes
		store.before = func(n int, _ state.Key) error {
			if n == first+failing {
				reached = true
				return state.ErrBusy
			}
			return nil
		}
		err := r.Delete(t.Context(), "a")
		if !reached {
			break
		}
		if !errors.Is(err, state.ErrBusy) {
			t.Errorf("write %d: got %v, want ErrBusy", failing, err)
		}
		if _, err := r.SetState(t.Context(), "a", Active); failing > 1 && err == nil {
			t.Errorf("write %d: a subscription that is being deleted was activated", failing)
		}
		if err := r.Delete(t.Context(), "a"); err != nil {
			t.Errorf("write %d: %v", failing, err)
		}
		wantKey(t, r, keys.Primary, "")
		wantKey(t, r, keys.Secondary, "")
		if len(store.rows) != 1 {
			t.Errorf("write %d: got rows %v, want the index alone", failing, store.rows)
		}
	}
}

// A state that is late must not bring back a key that was replaced meanwhile.
func TestLateState(t *testing.T) {
	r, _, store, _ := setUp()
	_, keys := create(t, r, Subscription{ID: "a", Scope: all, State: Suspended})
	var rotated string
	store.before = func(_ int, key state.Key) error {
		if key == digestOf(keys.Primary).key() && rotated == "" { // activated, and about to say so to the key
			rotated = "soon"
			var err error
			if rotated, err = (&Registry{Store: store, Now: r.Now}).Rotate(context.Background(), "a", Primary); err != nil {
				t.Error(err)
			}
		}
		return nil
	}
	if _, err := r.SetState(t.Context(), "a", Active); err != nil {
		t.Fatal(err)
	}
	wantKey(t, r, keys.Primary, "")
	wantKey(t, r, keys.Secondary, "a")
	wantKey(t, r, rotated, "a")
}

// A state that is late must not undo one that came after it.
func TestLateActivation(t *testing.T) {
	r, _, store, _ := setUp()
	_, keys := create(t, r, Subscription{ID: "a", Scope: all, State: Suspended})
	again := false
	store.before = func(_ int, key state.Key) error {
		if key == digestOf(keys.Primary).key() && !again { // activated, and about to say so to the key
			again = true
			if _, err := r.SetState(context.Background(), "a", Cancelled); err != nil {
				t.Error(err)
			}
		}
		return nil
	}
	if _, err := r.SetState(t.Context(), "a", Active); err != nil {
		t.Fatal(err)
	}
	wantKey(t, r, keys.Primary, "")
	wantKey(t, r, keys.Secondary, "")
	if s, err := r.Show(t.Context(), "a"); err != nil || s.State != Cancelled {
		t.Errorf("got %v, %v, want it to be cancelled", s.State, err)
	}
}

// An answer that was lost is found out.
func TestLostAnswer(t *testing.T) {
	r, _, store, _ := setUp()
	store.after = func(_ int, key state.Key) error {
		if key.Space == "sub" {
			return state.ErrBusy
		}
		return nil
	}
	_, keys := create(t, r, Subscription{ID: "a", Scope: all})
	rotated, err := r.Rotate(t.Context(), "a", Primary)
	if err != nil {
		t.Fatal(err)
	}
	wantKey(t, r, keys.Primary, "")
	wantKey(t, r, rotated, "a")
}

// What is left of a creation that fails anywhere can be deleted, and the id be
// used again.
func TestInterruptedCreate(t *testing.T) {
	for failing := 1; ; failing++ {
		r, _, store, _ := setUp()
		reached := false
		store.before = func(n int, _ state.Key) error {
			if n == failing {
				reached = true
				return state.ErrBusy
			}
			return nil
		}
		_, keys, err := r.Create(t.Context(), Subscription{ID: "a", Scope: all})
		if !reached {
			break
		}
		if !errors.Is(err, state.ErrBusy) || keys != (Keys{}) {
			t.Errorf("write %d: got %v, %v, want ErrBusy and no keys", failing, keys, err)
		}
		if err := r.Delete(t.Context(), "a"); err != nil && failing > 1 {
			t.Errorf("write %d: deleting what is left: %v", failing, err)
		}
		if ids, err := r.ids(t.Context()); err != nil || len(ids) != 0 {
			t.Errorf("write %d: got %v, %v in the index, want none", failing, ids, err)
		}
		create(t, r, Subscription{ID: "a", Scope: all})
	}
}

package access

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"toolgate/shared/policy"
	"toolgate/shared/state"
)

var start = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

var all = policy.SubscriptionScope{Kind: policy.AllScope}

// watched is a store in memory that can be looked through, and that can be made to
// fail before or after a write.
type watched struct {
	state.Memory
	mu   sync.Mutex
	rows map[state.Key][]byte
	gets int
	// before and after are called with each write and deletion, and its number; an
	// error is the answer, of before without effect.
	before, after func(n int, key state.Key) error
	writes        int
	busy          bool // reads fail
}

func (k *watched) Get(ctx context.Context, key state.Key) (state.Record, error) {
	k.mu.Lock()
	k.gets++
	busy := k.busy
	k.mu.Unlock()
	if busy {
		return state.Record{}, state.ErrBusy
	}
	return k.Memory.Get(ctx, key)
}

func (k *watched) write(key state.Key, do func() error) error {
	k.mu.Lock()
	k.writes++
	n, before, after := k.writes, k.before, k.after
	k.mu.Unlock()
	if before != nil {
		if err := before(n, key); err != nil {
			return err
		}
	}
	err := do()
	if err == nil && after != nil {
		err = after(n, key)
	}
	return err
}

func (k *watched) Put(ctx context.Context, key state.Key, r state.Record) (version string, err error) {
	err = k.write(key, func() (err error) {
		if version, err = k.Memory.Put(ctx, key, r); err == nil {
			k.mu.Lock()
			defer k.mu.Unlock()
			if k.rows == nil {
				k.rows = map[state.Key][]byte{}
			}
			k.rows[key] = slices.Clone(r.Data)
		}
		return err
	})
	return version, err
}

func (k *watched) Delete(ctx context.Context, key state.Key, version string) error {
	return k.write(key, func() error {
		err := k.Memory.Delete(ctx, key, version)
		if err == nil {
			k.mu.Lock()
			defer k.mu.Unlock()
			delete(k.rows, key)
		}
		return err
	})
}

// keyRows is the number of rows of keys.
func (k *watched) keyRows() (n int) {
	for key := range k.rows {
		if key.Space == "subkey" {
			n++
		}
	}
	return n
}

// clock is a time that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// setUp makes a registry, a verifier over the same store, and their clock.
func setUp() (*Registry, *Verifier, *watched, *clock) {
	c, store := &clock{now: start}, &watched{}
	return &Registry{Store: store, Now: c.time}, New(Options{Store: store, Now: c.time}), store, c
}

func create(t *testing.T, r *Registry, s Subscription) (Subscription, Keys) {
	t.Helper()
	made, keys, err := r.Create(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return made, keys
}

// wantKey checks whether a key works for a verifier that knows nothing yet.
func wantKey(t *testing.T, r *Registry, key, subscription string) {
	t.Helper()
	s, err := New(Options{Store: r.Store, Now: r.Now}).Find(t.Context(), key)
	switch {
	case subscription == "" && !errors.Is(err, policy.ErrSubscriptionKey):
		t.Errorf("got %v, %v, want no subscription", s, err)
	case subscription != "" && (err != nil || s.ID != subscription):
		t.Errorf("got %v, %v, want subscription %s", s, err, subscription)
	}
}

func TestCreate(t *testing.T) {
	r, v, store, _ := setUp()
	scope := policy.SubscriptionScope{Kind: policy.ProductScope, Name: "starter"}
	end := start.Add(time.Hour)
	made, keys := create(t, r, Subscription{ID: "team-a", Name: "Team A", OwnerID: "adele", OwnerEmail: "adele@contoso.com", Scope: scope, End: end})
	want := Subscription{ID: "team-a", Name: "Team A", OwnerID: "adele", OwnerEmail: "adele@contoso.com", Scope: scope, State: Active, Created: start, End: end}
	if made != want {
		t.Errorf("got %+v, want %+v", made, want)
	}
	if shown, err := r.Show(t.Context(), "team-a"); err != nil || shown != want {
		t.Errorf("got %+v, %v, want %+v", shown, err, want)
	}
	if !wellFormed(keys.Primary) || !wellFormed(keys.Secondary) || keys.Primary == keys.Secondary {
		t.Errorf("got keys %+v", keys)
	}
	for slot, key := range []string{keys.Primary, keys.Secondary} {
		got, err := v.Find(t.Context(), key)
		want := policy.Subscription{
			ID: "team-a", Name: "Team A", OwnerID: "adele", OwnerEmail: "adele@contoso.com", Scope: scope, Created: start, End: end, Secondary: slot == 1,
		}
		if err != nil || *got != want {
			t.Errorf("%v: got %+v, %v, want %+v", Slot(slot), got, err, want)
		}
		sum := sha256.Sum256([]byte(key))
		for row, content := range store.rows {
			if bytes.Contains(content, []byte(key)) || strings.Contains(row.ID, key) || strings.Contains(row.ID, hex.EncodeToString(sum[:])) {
				t.Errorf("the row %s has the key, or its name the whole hash", row)
			}
		}
	}
	if _, _, err := r.Create(t.Context(), Subscription{ID: "team-a", Scope: all}); !errors.Is(err, ErrExists) {
		t.Errorf("got %v, want ErrExists", err)
	}
	if n := store.keyRows(); n != 2 {
		t.Errorf("got %d keys, want 2", n)
	}
	if other, _ := create(t, r, Subscription{Scope: all}); len(other.ID) != 2*idBytes || !validID(other.ID) {
		t.Errorf("got the id %q", other.ID)
	}
}

func TestCreateRefuses(t *testing.T) {
	r, _, store, _ := setUp()
	long := strings.Repeat("a", 101)
	for name, s := range map[string]Subscription{
		"no scope":                 {},
		"unknown scope":            {Scope: policy.SubscriptionScope{Kind: "workspace", Name: "a"}},
		"scope of all with a name": {Scope: policy.SubscriptionScope{Kind: policy.AllScope, Name: "a"}},
		"id":                       {ID: "A", Scope: all},
		"long id":                  {ID: long, Scope: all},
		"id that begins with -":    {ID: "-a", Scope: all},
		"name":                     {Name: long, Scope: all},
		"owner":                    {OwnerID: long, Scope: all},
		"email without an owner":   {OwnerEmail: "a@contoso.com", Scope: all},
		"state":                    {State: "new", Scope: all},
		"state that time brings":   {State: Expired, Scope: all},
		"end before start":         {Start: start, End: start, Scope: all},
	} {
		if _, keys, err := r.Create(t.Context(), s); !errors.Is(err, ErrInvalid) || keys != (Keys{}) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
	if len(store.rows) != 0 {
		t.Errorf("got rows %v, want none", store.rows)
	}
	r.Random = io.LimitReader(strings.NewReader("short"), 5)
	if _, _, err := r.Create(t.Context(), Subscription{ID: "a", Scope: all}); err == nil || len(store.rows) != 0 {
		t.Errorf("without randomness: got %v and rows %v", err, store.rows)
	}
}

func TestRotate(t *testing.T) {
	r, _, store, _ := setUp()
	_, keys := create(t, r, Subscription{ID: "a", Scope: all})
	primary, err := r.Rotate(t.Context(), "a", Primary)
	if err != nil {
		t.Fatal(err)
	}
	wantKey(t, r, keys.Primary, "")
	wantKey(t, r, keys.Secondary, "a")
	wantKey(t, r, primary, "a")
	secondary, err := r.Rotate(t.Context(), "a", Secondary)
	if err != nil {
		t.Fatal(err)
	}
	wantKey(t, r, keys.Secondary, "")
	wantKey(t, r, primary, "a")
	wantKey(t, r, secondary, "a")
	if n := store.keyRows(); n != 2 {
		t.Errorf("got %d keys, want 2", n)
	}
	if _, err := r.Rotate(t.Context(), "b", Primary); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}

func TestSetState(t *testing.T) {
	r, _, _, c := setUp()
	_, keys := create(t, r, Subscription{ID: "a", Scope: all, State: Submitted, Start: start.Add(time.Minute), End: start.Add(time.Hour)})
	wantKey(t, r, keys.Primary, "")
	for _, step := range []struct {
		state State
		pass  time.Duration
		works bool
	}{
		{Active, 0, false}, {Active, time.Minute, true}, {Suspended, 0, false}, {Active, 0, true}, {Rejected, 0, false},
		{Cancelled, 0, false}, {Active, 58 * time.Minute, true}, {Active, 0, true},
	} {
		c.pass(step.pass)
		s, err := r.SetState(t.Context(), "a", step.state)
		if err != nil || s.State != step.state {
			t.Fatalf("got %+v, %v, want %s", s, err, step.state)
		}
		want := ""
		if step.works {
			want = "a"
		}
		wantKey(t, r, keys.Primary, want)
		wantKey(t, r, keys.Secondary, want)
	}
	c.pass(time.Minute)
	wantKey(t, r, keys.Primary, "")
	s, err := r.Show(t.Context(), "a")
	if at := s.StateAt(c.time()); err != nil || at != Expired {
		t.Errorf("got %s, %v, want %s", at, err, Expired)
	}
	for _, to := range []State{Active, Expired, "open"} {
		if _, err := r.SetState(t.Context(), "a", to); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", to, err)
		}
	}
}

func TestDelete(t *testing.T) {
	r, _, store, _ := setUp()
	_, keys := create(t, r, Subscription{ID: "a", Scope: all})
	if err := r.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	wantKey(t, r, keys.Primary, "")
	wantKey(t, r, keys.Secondary, "")
	if _, err := r.Show(t.Context(), "a"); !errors.Is(err, ErrNotFound) || len(store.rows) != 1 {
		t.Errorf("got %v and rows %v, want the index alone", err, store.rows)
	}
	if err := r.Delete(t.Context(), "a"); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	if _, err := r.SetState(t.Context(), "a", Active); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	create(t, r, Subscription{ID: "a", Scope: all})
}

func TestList(t *testing.T) {
	r, _, _, c := setUp()
	if list, err := r.List(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("got %v, %v, want none", list, err)
	}
	var want []string
	for i := range 20 {
		id := fmt.Sprintf("s-%d", 20-i)
		create(t, r, Subscription{ID: id, Scope: all})
		want = append(want, id)
		c.pass(time.Second)
	}
	if err := r.Delete(t.Context(), "s-7"); err != nil {
		t.Fatal(err)
	}
	list, err := r.List(t.Context())
	var got []string
	for _, s := range list {
		got = append(got, s.ID)
	}
	want = slices.DeleteFunc(want, func(id string) bool { return id == "s-7" })
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

// A page of the longest ids fits a row, and a full index refuses another one.
func TestIndexIsBounded(t *testing.T) {
	r, _, store, _ := setUp()
	ctx := t.Context()
	ids := make([]string, pageIDs)
	for i := range ids {
		ids[i] = fmt.Sprintf("%064d", i)
	}
	for n := range maxPages {
		data := []byte(`{"format":1,"ids":["` + strings.Join(ids, `","`) + `"]}`)
		if _, err := r.Store.Put(ctx, pageKey(n), state.Record{Data: data, Version: state.AnyVersion}); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := r.ids(ctx); err != nil || !slices.Equal(list, ids) {
		t.Errorf("got %d ids, %v, want %d", len(list), err, len(ids))
	}
	if _, _, err := r.Create(ctx, Subscription{ID: "e", Scope: all}); !errors.Is(err, ErrFull) || store.keyRows() != 0 {
		t.Errorf("got %v and %d keys, want ErrFull and none", err, store.keyRows())
	}
	if found, err := r.removeID(ctx, ids[5]); err != nil || !found {
		t.Errorf("got %t, %v", found, err)
	}
	if err := r.addID(ctx, "e"); err != nil {
		t.Errorf("got %v with room for another one", err)
	}
}

// Changes of several programs at a time all happen.
func TestConcurrentChanges(t *testing.T) {
	r, _, store, _ := setUp()
	create(t, r, Subscription{ID: "a", Scope: all})
	var made sync.WaitGroup
	for i := range 4 {
		made.Go(func() {
			if _, _, err := r.Create(t.Context(), Subscription{ID: fmt.Sprint("b-", i), Scope: all}); err != nil {
				t.Error(err)
			}
		})
		made.Go(func() {
			if _, err := r.Rotate(t.Context(), "a", Slot(i%2)); err != nil {
				t.Error(err)
			}
		})
	}
	made.Wait()
	if list, err := r.List(t.Context()); err != nil || len(list) != 5 || store.keyRows() != 10 {
		t.Errorf("got %d subscriptions, %v, and %d keys, want 5 and 10", len(list), err, store.keyRows())
	}
	rec, _, err := r.read(t.Context(), "a")
	if err != nil || rec.Revision != 5 {
		t.Errorf("got revision %d, %v, want 5", rec.Revision, err)
	}
}

func TestOtherFormat(t *testing.T) {
	r, v, store, _ := setUp()
	_, keys := create(t, r, Subscription{ID: "a", Scope: all})
	for key, content := range store.rows {
		for _, broken := range [][]byte{bytes.Replace(content, []byte(`"format":1`), []byte(`"format":2`), 1), []byte("{"), nil} {
			if _, err := store.Memory.Put(t.Context(), key, state.Record{Data: broken, Version: state.AnyVersion}); err != nil {
				t.Fatal(err)
			}
			_, shown := r.Show(t.Context(), "a")
			_, listed := r.List(t.Context())
			_, found := v.Find(t.Context(), keys.Primary)
			_, other := v.Find(t.Context(), keys.Secondary)
			if shown == nil && listed == nil && (found == nil || errors.Is(found, policy.ErrSubscriptionKey)) && (other == nil || errors.Is(other, policy.ErrSubscriptionKey)) {
				t.Errorf("the row %s: %s was read", key, broken)
			}
		}
		if _, err := store.Memory.Put(t.Context(), key, state.Record{Data: content, Version: state.AnyVersion}); err != nil {
			t.Fatal(err)
		}
		v = New(Options{Store: store, Now: r.Now})
	}
}

package access

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"toolgate/shared/policy"
	"toolgate/shared/state"
)

// A key that is taken back is refused within MaxAge by a gateway that has just
// used it, and a key that becomes valid works within maxRefusalAge.
func TestAges(t *testing.T) {
	r, v, _, c := setUp()
	_, keys := create(t, r, Subscription{ID: "a", Scope: all})
	works := func(key string, want bool, when string) {
		t.Helper()
		_, err := v.Find(t.Context(), key)
		if (err == nil) != want || err != nil && !errors.Is(err, policy.ErrSubscriptionKey) {
			t.Errorf("%s: got %v, want it to work: %t", when, err, want)
		}
	}
	works(keys.Primary, true, "at first")
	if _, err := r.SetState(t.Context(), "a", Suspended); err != nil {
		t.Fatal(err)
	}
	c.pass(MaxAge - 1)
	works(keys.Primary, true, "just before the bound")
	c.pass(1)
	works(keys.Primary, false, "at the bound")
	works(keys.Secondary, false, "the other key, which was not used before")
	if _, err := r.SetState(t.Context(), "a", Active); err != nil {
		t.Fatal(err)
	}
	works(keys.Primary, false, "activated just now")
	c.pass(maxRefusalAge)
	works(keys.Primary, true, "activated a while ago")
	replaced := keys.Primary
	fresh, err := r.Rotate(t.Context(), "a", Primary)
	if err != nil {
		t.Fatal(err)
	}
	works(fresh, true, "a new key at once")
	works(replaced, true, "a replaced key, within the bound")
	c.pass(MaxAge)
	works(replaced, false, "a replaced key")
	works(keys.Secondary, true, "the other key")
	c.pass(-time.Hour) // a clock that is set back makes nothing last longer
	if err := r.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	works(fresh, false, "deleted")
}

// An end that passes needs no look into the store.
func TestEnd(t *testing.T) {
	r, v, store, c := setUp()
	_, keys := create(t, r, Subscription{ID: "a", Scope: all, End: start.Add(5 * time.Second)})
	if _, err := v.Find(t.Context(), keys.Primary); err != nil {
		t.Fatal(err)
	}
	gets := store.gets
	c.pass(5 * time.Second)
	if _, err := v.Find(t.Context(), keys.Primary); !errors.Is(err, policy.ErrSubscriptionKey) || store.gets != gets {
		t.Errorf("got %v after %d reads, want a refusal without any", err, store.gets-gets)
	}
}

func TestOperations(t *testing.T) {
	r, v, store, c := setUp()
	_, keys := create(t, r, Subscription{ID: "a", Scope: all})
	store.gets = 0
	for _, key := range []string{keys.Primary, keys.Primary, strings.Repeat("0", 64), strings.Repeat("0", 64)} {
		_, _ = v.Find(t.Context(), key)
	}
	if store.gets != 2 {
		t.Errorf("got %d reads, want one for each key", store.gets)
	}
	for _, key := range []string{"", "a", strings.Repeat("0", 63), strings.Repeat("0", 65), strings.Repeat("G", 64), strings.ToUpper(keys.Primary), keys.Primary + " "} {
		if _, err := v.Find(t.Context(), key); !errors.Is(err, policy.ErrSubscriptionKey) {
			t.Errorf("%q: got %v", key, err)
		}
	}
	if store.gets != 2 {
		t.Errorf("got %d reads: what cannot be a key was looked up", store.gets)
	}
	c.pass(MaxAge)
	_, _ = v.Find(t.Context(), keys.Primary)
	if store.gets != 3 {
		t.Errorf("got %d reads, want another one after a while", store.gets)
	}
}

// While the store does not answer, what is known holds and all else is an error.
func TestStoreAway(t *testing.T) {
	r, _, store, c := setUp()
	var log bytes.Buffer
	v := New(Options{Store: store, Now: c.time, Log: slog.New(slog.NewTextHandler(&log, nil))})
	_, keys := create(t, r, Subscription{ID: "a", Scope: all})
	if _, err := v.Find(t.Context(), keys.Primary); err != nil {
		t.Fatal(err)
	}
	store.busy = true
	for range 3 {
		if _, err := v.Find(t.Context(), keys.Secondary); !errors.Is(err, state.ErrBusy) || errors.Is(err, policy.ErrSubscriptionKey) {
			t.Errorf("got %v, want ErrBusy", err)
		}
	}
	c.pass(MaxAge - 1)
	if _, err := v.Find(t.Context(), keys.Primary); err != nil {
		t.Errorf("known: got %v", err)
	}
	c.pass(1)
	if _, err := v.Find(t.Context(), keys.Primary); !errors.Is(err, state.ErrBusy) {
		t.Errorf("known once: got %v, want ErrBusy", err)
	}
	if n := strings.Count(log.String(), "subscription keys cannot be looked up"); n != 2 || strings.Contains(log.String(), keys.Secondary) {
		t.Errorf("got %d lines, want one each %v:\n%s", n, MaxAge, &log)
	}
	store.busy = false
	if _, err := v.Find(t.Context(), keys.Secondary); err != nil {
		t.Errorf("back again: got %v", err)
	}
}

// slow is a store that answers after a while, unless the context ends.
type slow struct{ *watched }

func (s slow) Get(ctx context.Context, key state.Key) (state.Record, error) {
	select {
	case <-time.After(time.Second):
		return s.watched.Get(ctx, key)
	case <-ctx.Done():
		return state.Record{}, ctx.Err()
	}
}

// Calls with one key at a time ask the store once. One that goes away takes no
// other with it.
func TestSingleLookup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &watched{}
		r := &Registry{Store: store}
		_, keys := create(t, r, Subscription{ID: "a", Scope: all})
		v := New(Options{Store: slow{store}})
		store.gets = 0
		first, leave := context.WithCancel(t.Context())
		var calls sync.WaitGroup
		find := func(ctx context.Context, want error) {
			calls.Go(func() {
				if _, err := v.Find(ctx, keys.Primary); !errors.Is(err, want) {
					t.Errorf("got %v, want %v", err, want)
				}
			})
		}
		find(first, nil)
		synctest.Wait()
		for range 10 {
			find(t.Context(), nil)
		}
		impatient, cancel := context.WithCancel(t.Context())
		find(impatient, context.Canceled)
		synctest.Wait()
		leave()
		cancel()
		calls.Wait()
		if store.gets != 1 {
			t.Errorf("got %d reads, want 1", store.gets)
		}
	})
}

// A row whose name fits and whose hash differs is of another key.
func TestDigestIsCompared(t *testing.T) {
	r, _, store, _ := setUp()
	_, keys := create(t, r, Subscription{ID: "a", Scope: all})
	d := digestOf(keys.Primary)
	rec, _, err := r.read(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	for i := range d {
		other := d
		other[i] ^= 1
		rec.Keys[Primary] = other
		if err := r.dropKey(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		k := rec.copyFor(Primary)
		if i < sha256.Size/2 && k.Digest.key() == d.key() {
			t.Errorf("byte %d of the hash is not in the name of the row", i)
		}
		if err := r.addKey(t.Context(), &rec, Primary); err != nil {
			t.Fatal(err)
		}
		if _, err := New(Options{Store: store, Now: r.Now}).Find(t.Context(), keys.Primary); !errors.Is(err, policy.ErrSubscriptionKey) {
			t.Errorf("byte %d: got %v, want a refusal", i, err)
		}
		if err := r.dropKey(t.Context(), other); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRecent(t *testing.T) {
	r := newRecent(2)
	d := func(b byte) digest { return digest{b} }
	r.put(d(1), answer{asked: start})
	r.put(d(2), answer{})
	r.get(d(1))
	r.put(d(3), answer{})
	if _, ok := r.get(d(2)); ok {
		t.Error("the one that was not used last is still there")
	}
	r.put(d(1), answer{until: start})
	if a, ok := r.get(d(1)); !ok || a.until != start || !a.asked.IsZero() {
		t.Errorf("got %v, %t, want the last one", a, ok)
	}
	if r.order.Len() != 2 || len(r.byKey) != 2 {
		t.Errorf("got %d and %d, want 2", r.order.Len(), len(r.byKey))
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"format":1,"revision":1,"subscription":{"id":"a","name":"","scope":"all","state":"active","created":"2026-01-31T12:00:00Z"},"digest":"","slot":0}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		store, key := &state.Memory{}, strings.Repeat("0", 64)
		if len(data) > state.MaxData {
			return
		}
		if _, err := store.Put(t.Context(), digestOf(key).key(), state.Record{Data: data}); err != nil {
			t.Fatal(err)
		}
		if s, err := New(Options{Store: store}).Find(t.Context(), key); err == nil && !bytes.Contains(data, []byte("active")) {
			t.Errorf("got %+v of %q", s, data)
		}
	})
}

// BenchmarkFind is the cost of a key that is known.
func BenchmarkFind(b *testing.B) {
	r, v, _, _ := setUp()
	_, keys, err := r.Create(b.Context(), Subscription{ID: "a", Scope: all})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Find(b.Context(), keys.Primary); err != nil {
			b.Fatal(err)
		}
	}
}

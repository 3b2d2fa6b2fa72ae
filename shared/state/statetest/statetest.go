// Package statetest knows what every store of package state must do, as tests.
package statetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"toolgate/shared/state"
)

// Suite is the contract of [state.Store], held against one kind of store.
type Suite struct {
	// Open returns an empty store that no other test uses; the suite closes it.
	Open func(t *testing.T) state.Store
	// SweptByService is a store whose service removes expired rows: Sweep does
	// nothing.
	SweptByService bool
}

// Run runs the suite, each case with a store of its own.
func (s Suite) Run(t *testing.T) {
	cases := []struct {
		name string
		run  func(*testing.T, state.Store)
	}{
		{"get of an absent row", getAbsent},
		{"create", create},
		{"replace", replace},
		{"replace with equal bytes", replaceWithEqual},
		{"replace a stale version", replaceStale},
		{"replace an absent row", replaceAbsent},
		{"replace a row that was made again", replaceRemade},
		{"write in any case", writeAny},
		{"a write replaces everything", replacesEverything},
		{"data of every kind", dataOfEveryKind},
		{"data that is too large", tooLarge},
		{"data is not shared", notShared},
		{"delete", deleteRow},
		{"delete of an absent row", deleteAbsent},
		{"expired rows", expiredRows},
		{"expiry to the millisecond", expiryRoundTrip},
		{"spaces and ids", spacesAndIDs},
		{"invalid keys", invalidKeys},
		{"a context that is done", doneContext},
		{"concurrent increments", concurrentIncrements},
		{"concurrent creators", concurrentCreators},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.run(t, s.open(t)) })
	}
	if s.SweptByService {
		t.Run("sweep does nothing", func(t *testing.T) { sweepDoesNothing(t, s.open(t)) })
		return
	}
	t.Run("sweep", func(t *testing.T) { sweep(t, s.open(t)) })
	t.Run("sweep honours its limit", func(t *testing.T) { sweepLimit(t, s.open(t)) })
	t.Run("sweep beside writers", func(t *testing.T) { sweepBesideWriters(t, s.open(t)) })
	t.Run("two sweeps at once", func(t *testing.T) { sweepTwice(t, s.open(t)) })
}

func (s Suite) open(t *testing.T) state.Store {
	t.Helper()
	store := s.Open(t)
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return store
}

// NewKey returns the key of a row that there is not yet.
func NewKey(space string) state.Key {
	return state.Key{Space: space, ID: strings.ToLower(rand.Text()) + "-0"}
}

func get(t testing.TB, s state.Store, key state.Key) state.Record {
	t.Helper()
	r, err := s.Get(t.Context(), key)
	if err != nil {
		t.Fatalf("reading: got %v, want no error", err)
	}
	return r
}

// put writes and returns the new version.
func put(t testing.TB, s state.Store, key state.Key, r state.Record) string {
	t.Helper()
	version, err := s.Put(t.Context(), key, r)
	if err != nil {
		t.Fatalf("writing: got %v, want no error", err)
	}
	if version == state.MustNotExist || version == state.AnyVersion {
		t.Fatalf("writing: got version %q, want one that is no condition", version)
	}
	return version
}

// refused writes and wants an error.
func refused(t testing.TB, s state.Store, key state.Key, r state.Record, want error) {
	t.Helper()
	version, err := s.Put(t.Context(), key, r)
	if !errors.Is(err, want) || version != "" {
		t.Errorf("writing on version %.20q: got version %q and error %v, want none and %v", r.Version, version, err, want)
	}
}

// holds compares the data and the version of a row.
func holds(t testing.TB, s state.Store, key state.Key, data, version string) {
	t.Helper()
	if r := get(t, s, key); string(r.Data) != data || r.Version != version {
		t.Errorf("reading: got %.40q in version %q, want %.40q in version %q", r.Data, r.Version, data, version)
	}
}

func absent(t testing.TB, s state.Store, key state.Key) {
	t.Helper()
	if r, err := s.Get(t.Context(), key); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("reading: got %+v and error %v, want %v", r, err, state.ErrNotFound)
	}
}

func text(data string) state.Record { return state.Record{Data: []byte(data)} }

func on(version, data string) state.Record {
	return state.Record{Data: []byte(data), Version: version}
}

func getAbsent(t *testing.T, s state.Store) { absent(t, s, NewKey("rate")) }

func create(t *testing.T, s state.Store) {
	key := NewKey("rate")
	version := put(t, s, key, text("one"))
	holds(t, s, key, "one", version)
	refused(t, s, key, text("two"), state.ErrConflict)
	holds(t, s, key, "one", version)
}

func replace(t *testing.T, s state.Store) {
	key := NewKey("rate")
	first := put(t, s, key, text("one"))
	second := put(t, s, key, on(first, "two"))
	holds(t, s, key, "two", second)
	third := put(t, s, key, on(get(t, s, key).Version, "three"))
	holds(t, s, key, "three", third)
	if first == second || second == third || first == third {
		t.Errorf("versions: got %q, %q and %q, want three", first, second, third)
	}
}

func replaceWithEqual(t *testing.T, s state.Store) {
	key := NewKey("rate")
	first := put(t, s, key, text("one"))
	second := put(t, s, key, on(first, "one"))
	if first == second {
		t.Errorf("two writes of equal bytes: got version %q twice, want two", first)
	}
	refused(t, s, key, on(first, "one"), state.ErrConflict)
	holds(t, s, key, "one", second)
}

func replaceStale(t *testing.T, s state.Store) {
	key := NewKey("rate")
	first := put(t, s, key, text("one"))
	second := put(t, s, key, on(first, "two"))
	refused(t, s, key, on(first, "three"), state.ErrConflict)
	holds(t, s, key, "two", second)
}

func replaceAbsent(t *testing.T, s state.Store) {
	first, second := NewKey("rate"), NewKey("rate")
	version := put(t, s, first, text("one"))
	refused(t, s, second, on(version, "two"), state.ErrConflict)
	absent(t, s, second)
	if err := s.Delete(t.Context(), first, version); err != nil {
		t.Fatalf("deleting: %v", err)
	}
	refused(t, s, first, on(version, "two"), state.ErrConflict)
	absent(t, s, first)
}

// replaceRemade: a version is of one row and not of the next one with its key.
func replaceRemade(t *testing.T, s state.Store) {
	key := NewKey("rate")
	first := put(t, s, key, text("one"))
	if err := s.Delete(t.Context(), key, first); err != nil {
		t.Fatalf("deleting: %v", err)
	}
	second := put(t, s, key, text("one"))
	refused(t, s, key, on(first, "two"), state.ErrConflict)
	if err := s.Delete(t.Context(), key, first); !errors.Is(err, state.ErrConflict) {
		t.Errorf("deleting the version of the row before: got %v, want %v", err, state.ErrConflict)
	}
	holds(t, s, key, "one", second)
}

func writeAny(t *testing.T, s state.Store) {
	key := NewKey("cache")
	first := put(t, s, key, on(state.AnyVersion, "one"))
	holds(t, s, key, "one", first)
	second := put(t, s, key, on(state.AnyVersion, "two"))
	holds(t, s, key, "two", second)
	if first == second {
		t.Errorf("two writes: got version %q twice, want two", first)
	}
	refused(t, s, key, on(first, "three"), state.ErrConflict)
	put(t, s, key, on(second, "three"))
}

func replacesEverything(t *testing.T, s state.Store) {
	for _, condition := range []func(string) string{
		func(version string) string { return version },
		func(string) string { return state.AnyVersion },
	} {
		key := NewKey("rate")
		first := put(t, s, key, state.Record{Data: []byte("one"), Expires: time.Now().Add(time.Hour)})
		put(t, s, key, state.Record{Version: condition(first)})
		if r := get(t, s, key); len(r.Data) != 0 || !r.Expires.IsZero() {
			t.Errorf("after a write without data and expiry: got %q and %v, want neither", r.Data, r.Expires)
		}
	}
}

func dataOfEveryKind(t *testing.T, s state.Store) {
	all := make([]byte, state.MaxData)
	for i := range all {
		all[i] = byte((i ^ i>>8) & 0xff)
	}
	for name, data := range map[string][]byte{
		"nil": nil, "empty": {}, "a zero byte": {0}, "no UTF-8": {0xff, 0xfe, 0xc0}, "JSON": []byte(`{"a":"\u0000"}`), "the largest": all,
	} {
		key := NewKey("cache")
		put(t, s, key, state.Record{Data: data})
		if r := get(t, s, key); !bytes.Equal(r.Data, data) {
			t.Errorf("%s: got %d bytes %.20x…, want %d bytes %.20x…", name, len(r.Data), r.Data, len(data), data)
		}
	}
}

func tooLarge(t *testing.T, s state.Store) {
	key := NewKey("cache")
	version := put(t, s, key, text("one"))
	for _, condition := range []string{state.MustNotExist, state.AnyVersion, version} {
		refused(t, s, key, state.Record{Data: make([]byte, state.MaxData+1), Version: condition}, state.ErrTooLarge)
	}
	holds(t, s, key, "one", version)
}

func notShared(t *testing.T, s state.Store) {
	key := NewKey("cache")
	data := []byte("one")
	version := put(t, s, key, state.Record{Data: data})
	data[0] = 'X'
	got := get(t, s, key)
	got.Data[0] = 'Y'
	holds(t, s, key, "one", version)
}

func deleteRow(t *testing.T, s state.Store) {
	key := NewKey("rate")
	first := put(t, s, key, text("one"))
	second := put(t, s, key, on(first, "two"))
	if err := s.Delete(t.Context(), key, first); !errors.Is(err, state.ErrConflict) {
		t.Errorf("deleting a stale version: got %v, want %v", err, state.ErrConflict)
	}
	if err := s.Delete(t.Context(), key, state.MustNotExist); !errors.Is(err, state.ErrInvalid) {
		t.Errorf("deleting on condition that there is no row: got %v, want %v", err, state.ErrInvalid)
	}
	holds(t, s, key, "two", second)
	if err := s.Delete(t.Context(), key, second); err != nil {
		t.Errorf("deleting: got %v, want no error", err)
	}
	absent(t, s, key)
	put(t, s, key, text("three"))
	if err := s.Delete(t.Context(), key, state.AnyVersion); err != nil {
		t.Errorf("deleting in any case: got %v, want no error", err)
	}
	absent(t, s, key)
}

func deleteAbsent(t *testing.T, s state.Store) {
	key := NewKey("rate")
	version := put(t, s, key, text("one"))
	for _, condition := range []string{version, version, state.AnyVersion} {
		if err := s.Delete(t.Context(), key, condition); err != nil {
			t.Errorf("deleting: got %v, want no error", err)
		}
	}
	absent(t, s, key)
}

func expiredRows(t *testing.T, s state.Store) {
	key := NewKey("rate")
	// Services that remove rows by themselves take minutes at the least.
	expired := time.Now().Add(-time.Second)
	version := put(t, s, key, state.Record{Data: []byte("one"), Expires: expired})
	holds(t, s, key, "one", version)
	refused(t, s, key, text("two"), state.ErrConflict)
	put(t, s, key, on(version, "two"))
}

func expiryRoundTrip(t *testing.T, s state.Store) {
	at := time.Date(2030, time.February, 3, 4, 5, 6, 789_000_000, time.UTC)
	for _, c := range []struct{ in, want time.Time }{
		{time.Time{}, time.Time{}},
		{at, at},
		{at.In(time.FixedZone("east", 3600)), at},
		{at.Add(-999_999), at},
		{at.Add(1), at.Add(time.Millisecond)},
		{at.Truncate(time.Second), at.Truncate(time.Second)},
		{time.Date(9999, time.December, 31, 23, 59, 59, 999_000_000, time.UTC), time.Date(9999, time.December, 31, 23, 59, 59, 999_000_000, time.UTC)},
	} {
		key := NewKey("rate")
		put(t, s, key, state.Record{Expires: c.in})
		if got := get(t, s, key).Expires; !got.Equal(c.want) || got.IsZero() != c.want.IsZero() {
			t.Errorf("expiry %v: got %v, want %v", c.in, got, c.want)
		}
	}
}

func spacesAndIDs(t *testing.T, s state.Store) {
	keys := []state.Key{
		{Space: "a", ID: "0"},
		{Space: "a", ID: "a-0"},
		{Space: "aa", ID: "0"},
		{Space: "aa", ID: "-"},
		{Space: strings.Repeat("z", 12), ID: strings.Repeat("z", 100)},
		{Space: strings.Repeat("z", 12), ID: strings.Repeat("z", 99)},
	}
	for i, key := range keys {
		put(t, s, key, text(strconv.Itoa(i)))
	}
	for i, key := range keys {
		if got := get(t, s, key); string(got.Data) != strconv.Itoa(i) {
			t.Errorf("row %s: got %q, want %d", key, got.Data, i)
		}
	}
}

func invalidKeys(t *testing.T, s state.Store) {
	for _, key := range []state.Key{
		{}, {Space: "rate"}, {ID: "0"}, {Space: "Rate", ID: "0"}, {Space: "ra-te", ID: "0"}, {Space: "rate1", ID: "0"}, {Space: strings.Repeat("a", 13), ID: "0"},
		{Space: "rate", ID: "A"}, {Space: "rate", ID: "a/b"}, {Space: "rate", ID: "a b"}, {Space: "rate", ID: "é"}, {Space: "rate", ID: "a'b"},
		{Space: "rate", ID: "a\x00"}, {Space: "rate", ID: strings.Repeat("a", 101)},
	} {
		_, err := s.Get(t.Context(), key)
		if !errors.Is(err, state.ErrInvalid) {
			t.Errorf("reading %+v: got %v, want %v", key, err, state.ErrInvalid)
		}
		refused(t, s, key, text("one"), state.ErrInvalid)
		if err := s.Delete(t.Context(), key, state.AnyVersion); !errors.Is(err, state.ErrInvalid) {
			t.Errorf("deleting %+v: got %v, want %v", key, err, state.ErrInvalid)
		}
	}
}

func doneContext(t *testing.T, s state.Store) {
	key := NewKey("rate")
	version := put(t, s, key, state.Record{Data: []byte("one"), Expires: time.Now().Add(-time.Hour)})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, getErr := s.Get(ctx, key)
	_, putErr := s.Put(ctx, key, on(version, "two"))
	_, sweepErr := s.Sweep(ctx, time.Now(), 10)
	for name, err := range map[string]error{"Get": getErr, "Put": putErr, "Delete": s.Delete(ctx, key, version)} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want %v", name, err, context.Canceled)
		}
	}
	if sweepErr != nil && !errors.Is(sweepErr, context.Canceled) {
		t.Errorf("Sweep: got %v, want %v", sweepErr, context.Canceled)
	}
	holds(t, s, key, "one", version)
}

// attempts is how often a writer tries again after a conflict: more than there
// are other writes.
const attempts = 1000

// increment adds one to the number in a row.
func increment(ctx context.Context, s state.Store, key state.Key) error {
	for range attempts {
		r, err := s.Get(ctx, key)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(r.Data))
		if err != nil {
			return err
		}
		r.Data = strconv.AppendInt(nil, int64(n)+1, 10)
		if _, err = s.Put(ctx, key, r); !errors.Is(err, state.ErrConflict) {
			return err
		}
	}
	return errors.New("every attempt was a conflict")
}

func concurrentIncrements(t *testing.T, s state.Store) {
	const writers, each = 8, 25
	key := NewKey("rate")
	put(t, s, key, text("0"))
	var done sync.WaitGroup
	for range writers {
		done.Go(func() {
			for range each {
				if err := increment(t.Context(), s, key); err != nil {
					t.Errorf("incrementing: %v", err)
				}
			}
		})
	}
	done.Wait()
	if got, want := string(get(t, s, key).Data), strconv.Itoa(writers*each); got != want {
		t.Errorf("after %s increments: got %s", want, got)
	}
}

func concurrentCreators(t *testing.T, s state.Store) {
	const creators = 16
	key := NewKey("rate")
	var done sync.WaitGroup
	won := make(chan string, creators)
	for i := range creators {
		done.Go(func() {
			data := strconv.Itoa(i)
			_, err := s.Put(t.Context(), key, text(data))
			switch {
			case err == nil:
				won <- data
			case !errors.Is(err, state.ErrConflict):
				t.Errorf("creating: got %v, want %v", err, state.ErrConflict)
			}
		})
	}
	done.Wait()
	if len(won) != 1 {
		t.Fatalf("%d creators of one row: %d succeeded, want 1", creators, len(won))
	}
	if got, want := string(get(t, s, key).Data), <-won; got != want {
		t.Errorf("the row: got that of %s, want that of %s", got, want)
	}
}

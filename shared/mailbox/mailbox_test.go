package mailbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"toolgate/shared/state"
)

const id = "0123456789abcdef0123456789abcdef"

// flaky is a store whose answers can be lost: busy decides by the number of the
// write, from 1, whether the caller is told that the store is busy. The write is
// applied all the same.
type flaky struct {
	state.Memory
	busy   func(n int) bool
	mu     sync.Mutex
	writes int
}

func (f *flaky) Put(ctx context.Context, key state.Key, r state.Record) (string, error) {
	version, err := f.Memory.Put(ctx, key, r)
	f.mu.Lock()
	f.writes++
	lost := f.busy != nil && f.busy(f.writes)
	f.mu.Unlock()
	if err == nil && lost {
		return "", state.ErrBusy
	}
	return version, err
}

// read starts a reader and returns what it hands on, once it has want messages.
func read(t *testing.T, store state.Store) (o Options, messages func(want int) []string) {
	t.Helper()
	o = Options{Store: store, ID: id}
	r, err := Create(t.Context(), o, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var got []string
	enough, ended := make(chan int, 1), make(chan struct{})
	go func() {
		defer close(ended)
		want := -1
		for want < 0 || len(got) < want {
			_, _ = r.look(ctx, func(m []byte, _ Session) error { got = append(got, string(m)); return nil }) // or the store is busy
			select {
			case want = <-enough:
			default:
			}
			if wait(ctx, time.Millisecond) != nil {
				return
			}
		}
	}()
	return o, func(want int) []string {
		t.Helper()
		enough <- want
		select {
		case <-ended:
		case <-time.After(time.Minute):
		}
		cancel()
		<-ended
		return got
	}
}

func send(t *testing.T, o Options, messages ...string) {
	t.Helper()
	w, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		if err := w.Send(t.Context(), []byte(m)); err != nil {
			t.Fatal(err)
		}
	}
}

// Messages of one writer stay in order, each comes once, and large ones come whole,
// even when the answers of the store are lost.
func TestMessages(t *testing.T) {
	large := strings.Repeat("0123456789", 20_000)
	medium := strings.Repeat("m", maxInline)
	for _, c := range []struct {
		name string
		busy func(n int) bool
	}{
		{"store that answers", nil},
		{"every third answer is lost", func(n int) bool { return n%3 == 0 }},
		{"two of three answers are lost", func(n int) bool { return n%3 != 0 }},
	} {
		synctest.Test(t, func(t *testing.T) {
			store := &flaky{}
			store.busy = c.busy
			o, messages := read(t, store)
			want := []string{"a", "b", large, "c", medium, medium, medium, medium, medium, "d"}
			send(t, o, want...)
			got := messages(len(want))
			if strings.Join(got, "|") != strings.Join(want, "|") {
				t.Errorf("%s: got %d messages, want %d: %.80q", c.name, len(got), len(want), got)
			}
		})
	}
}

// Writers at once lose nothing and keep each its own order.
func TestWriters(t *testing.T) {
	o, messages := read(t, &state.Memory{})
	const writers, each = 8, 20
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			var list []string
			for n := range each {
				list = append(list, fmt.Sprintf("%d %d", w, n))
			}
			send(t, o, list...)
		})
	}
	all.Wait()
	next := [writers]int{}
	got := messages(writers * each)
	for _, m := range got {
		var w, n int
		if _, err := fmt.Sscanf(m, "%d %d", &w, &n); err != nil {
			t.Fatal(err)
		}
		if n != next[w] {
			t.Errorf("of writer %d: got %d, want %d", w, n, next[w])
		}
		next[w] = n + 1
	}
	if len(got) != writers*each {
		t.Errorf("got %d messages, want %d", len(got), writers*each)
	}
}

// A mailbox that nobody empties takes what the row has room for and then refuses.
func TestFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &state.Memory{}
		o := Options{Store: store, ID: id}
		if _, err := Create(t.Context(), o, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		w, err := Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		var sent int
		for err = w.Send(t.Context(), make([]byte, 1000)); err == nil && sent < 10_000; err = w.Send(t.Context(), make([]byte, 1000)) {
			sent++
		}
		if !errors.Is(err, state.ErrTooLarge) || sent < 100 {
			t.Errorf("got %v after %d messages", err, sent)
		}
	})
}

func TestSession(t *testing.T) {
	store := &state.Memory{}
	o := Options{Store: store, ID: id}
	r, err := Create(t.Context(), o, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	w, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []Session{{ID: "s"}, {Version: "2025-06-18"}} {
		if err := w.SetSession(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Send(t.Context(), []byte("m")); err != nil {
		t.Fatal(err)
	}
	want := Session{ID: "s", Version: "2025-06-18"}
	_, err = r.look(t.Context(), func(_ []byte, s Session) error {
		if s != want {
			t.Errorf("with the message: got %v, want %v", s, want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if w, err = Open(t.Context(), o); err != nil || w.Session() != want {
		t.Errorf("of another writer: got %v, %v, want %v", w.Session(), err, want)
	}
}

func TestGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &state.Memory{}
		o := Options{Store: store, ID: id}
		if _, err := Open(t.Context(), o); !errors.Is(err, ErrGone) {
			t.Errorf("never made: got %v, want %v", err, ErrGone)
		}
		r, err := Create(t.Context(), o, time.Now().Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		w, err := Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := w.Send(t.Context(), []byte("m")); !errors.Is(err, ErrGone) {
			t.Errorf("closed: got %v, want %v", err, ErrGone)
		}
		if _, err = Create(t.Context(), o, time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if _, err := Open(t.Context(), o); !errors.Is(err, ErrGone) {
			t.Errorf("expired: got %v, want %v", err, ErrGone)
		}
	})
}

// Reading goes on when the store is busy, looks less often while nothing comes, and
// ends with the context.
func TestRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &counting{}
		o := Options{Store: store, ID: id}
		r, err := Create(t.Context(), o, time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err = r.Read(ctx, func([]byte, Session) error { return nil })
		if !errors.Is(err, context.DeadlineExceeded) || store.gets < 60 || store.gets > 75 {
			t.Errorf("in a minute of silence: got %d looks, %v", store.gets, err)
		}
		send(t, o, "m")
		store.busy = 3
		stop := errors.New("enough")
		err = r.Read(t.Context(), func(m []byte, _ Session) error {
			if !bytes.Equal(m, []byte("m")) {
				t.Errorf("got %q", m)
			}
			return stop
		})
		if !errors.Is(err, stop) {
			t.Errorf("got %v, want %v", err, stop)
		}
	})
}

// counting counts reads, of which the next few find the store busy.
type counting struct {
	state.Memory
	gets, busy int
}

func (c *counting) Get(ctx context.Context, key state.Key) (state.Record, error) {
	c.gets++
	if c.busy > 0 {
		c.busy--
		return state.Record{}, state.ErrBusy
	}
	return c.Memory.Get(ctx, key)
}

package cache

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"toolgate/shared/state"
)

func TestOneInstance(t *testing.T) {
	clk := newClock()
	c := New(Options{Now: clk.now})
	want(t, c, "a", "-")
	set(t, c, "a", "1", time.Minute)
	set(t, c, "empty", "", time.Minute)
	want(t, c, "a", "1")
	want(t, c, "empty", "")
	set(t, c, "a", "2", time.Hour)
	clk.advance(time.Minute)
	want(t, c, "a", "2")
	want(t, c, "empty", "-")
	set(t, c, "a", "", 0)
	want(t, c, "a", "-")
	set(t, c, "b", "1", time.Second)
	clk.advance(time.Second)
	want(t, c, "b", "-")
}

func TestSharedByInstances(t *testing.T) {
	clk, s := newClock(), &counted{}
	one, other := New(Options{Now: clk.now, Store: s}), New(Options{Now: clk.now, Store: s})
	set(t, one, "a", "1", time.Minute)
	want(t, other, "a", "1")
	set(t, other, "empty", "", time.Minute)
	want(t, one, "empty", "")
	large := strings.Repeat("0123456789", 2000)
	set(t, one, "large", large, time.Minute)
	if got, _ := other.Get(t.Context(), "large"); string(got) != large {
		t.Errorf("a value that is compressed came back as %d bytes, want %d", len(got), len(large))
	}
	// What another instance does is seen when the first level has forgotten.
	set(t, one, "a", "2", time.Minute)
	want(t, one, "a", "2")
	want(t, other, "a", "1")
	clk.advance(firstLifetime)
	want(t, other, "a", "2")
	set(t, one, "a", "", 0)
	want(t, one, "a", "-")
	clk.advance(firstLifetime)
	want(t, other, "a", "-")
	// The store keeps what has expired.
	set(t, one, "b", "1", 2*time.Minute)
	clk.advance(2 * time.Minute)
	want(t, one, "b", "-")
	want(t, other, "b", "-")
}

// random are bytes that no compression makes smaller.
func random(n int) []byte {
	r := rand.NewChaCha8([32]byte{1})
	b := make([]byte, n)
	_, _ = r.Read(b)
	return b
}

func TestTooLargeForTheStore(t *testing.T) {
	clk, s := newClock(), &counted{}
	var log bytes.Buffer
	c := New(Options{Now: clk.now, Store: s, Log: slog.New(slog.NewTextHandler(&log, nil))})
	other := New(Options{Now: clk.now, Store: s})
	set(t, c, "value a", "small", time.Hour)
	for range 3 {
		if err := c.Set(t.Context(), "value a", random(state.MaxData), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := c.Get(t.Context(), "value a"); len(got) != state.MaxData {
		t.Errorf("the instance itself has %d bytes, want %d", len(got), state.MaxData)
	}
	want(t, other, "value a", "-") // rather than the small one that was there before
	clk.advance(firstLifetime)
	want(t, c, "value a", "-")
	if got := strings.Count(log.String(), "too large"); got != 1 || !strings.Contains(log.String(), "kind=value ") {
		t.Errorf("the log says it %d times, want once:\n%s", got, &log)
	}
}

func TestFirstLevelIsBound(t *testing.T) {
	clk := newClock()
	c := New(Options{Now: clk.now})
	set(t, c, "a", "small", time.Hour)
	if err := c.Set(t.Context(), "a", make([]byte, maxValue+1), time.Hour); err != nil {
		t.Fatal(err)
	}
	want(t, c, "a", "-")
	for i := range 20 {
		if err := c.Set(t.Context(), fmt.Sprint(i), make([]byte, maxValue-1000), time.Hour); err != nil {
			t.Fatal(err)
		}
		if got := c.first.size; got > firstBytes {
			t.Fatalf("the first level holds %d bytes, want at most %d", got, firstBytes)
		}
		if got, _ := c.Get(t.Context(), "0"); got == nil {
			t.Fatal("what is used most has gone")
		}
	}
	if got := len(c.first.entries); got != 8 {
		t.Errorf("%d values are left, want 8", got)
	}
	for key := range c.first.entries {
		set(t, c, key, "", 0)
	}
	if c.first.size != 0 || c.first.newest != nil || c.first.oldest != nil {
		t.Errorf("an empty first level has the size %d", c.first.size)
	}
}

// A store that fails has nothing, and is not asked again for a second; only a
// removal tells of it.
func TestBrokenStore(t *testing.T) {
	clk, s := newClock(), &counted{}
	var log bytes.Buffer
	c := New(Options{Now: clk.now, Store: s, Log: slog.New(slog.NewTextHandler(&log, nil))})
	set(t, c, "a", "1", time.Hour)
	s.broken.Store(true)
	want(t, c, "a", "1")
	clk.advance(firstLifetime)
	want(t, c, "a", "-")
	set(t, c, "b", "1", time.Hour)
	want(t, c, "b", "1")
	want(t, c, "c", "-")
	if got := s.failures.Load(); got != 1 {
		t.Errorf("the store was asked %d times in a second, want once", got)
	}
	if err := c.Set(t.Context(), "a", nil, 0); !errors.Is(err, state.ErrBusy) {
		t.Errorf("a removal: got %v, want ErrBusy", err)
	}
	s.broken.Store(false)
	clk.advance(restAfterFailure)
	want(t, c, "a", "1") // the removal did not happen
	if got := strings.Count(log.String(), "level=WARN"); got != 1 || strings.Count(log.String(), "answers again") != 1 {
		t.Errorf("the log has %d warnings, want one, and one that it is over:\n%s", got, &log)
	}
}

func TestRecord(t *testing.T) {
	for _, r := range []record{
		{},
		{created: 1, expires: 2, refresh: 3, cost: 4, claim: 5},
		{created: 1_800_000_000_000, expires: 1_800_000_060_000, present: true, value: []byte{}},
		{present: true, value: []byte("text")},
		{present: true, value: bytes.Repeat([]byte("text "), 1000), cost: 1},
		{present: true, value: random(5000)},
	} {
		b := r.encode()
		got, err := decode(b)
		if err != nil || got.present != r.present || !bytes.Equal(got.value, r.value) {
			t.Errorf("got %v with %d bytes, %v, want %v with %d", got.present, len(got.value), err, r.present, len(r.value))
		}
		got.value, r.value = nil, nil
		if fmt.Sprint(got) != fmt.Sprint(r) {
			t.Errorf("got %+v, want %+v", got, r)
		}
	}
	if n := len((&record{present: true, value: bytes.Repeat([]byte("text "), 1000)}).encode()); n > 200 {
		t.Errorf("a value of 5,000 bytes that repeats itself takes %d", n)
	}
	bomb := (&record{present: true, value: make([]byte, maxValue+1)}).encode()
	if _, err := decode(bomb); err == nil {
		t.Error("a value that expands to more than the bound was read")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add((&record{present: true, value: []byte("x"), claim: 1}).encode())
	f.Add((&record{present: true, value: make([]byte, 2000)}).encode())
	f.Add([]byte{1, 3, 0, 0, 0, 0, 0, 31})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decode(b)
		if err != nil {
			return
		}
		again, err := decode(r.encode())
		if err != nil || !bytes.Equal(again.value, r.value) || again.expires != r.expires {
			t.Errorf("%q is %+v, and then %+v, %v", b, r, again, err)
		}
	})
}

func TestRowKey(t *testing.T) {
	k := rowKey("value a")
	if err := k.Check(); err != nil {
		t.Error(err)
	}
	if k == rowKey("value b") {
		t.Error("two keys have one row")
	}
}

func BenchmarkCache(b *testing.B) {
	c := New(Options{})
	keys := make([]string, 1024)
	for i := range keys {
		keys[i] = fmt.Sprintf("value key-%d", i)
		set(b, c, keys[i], "some value", time.Hour)
	}
	b.Run("get", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			_, _ = c.Get(b.Context(), keys[i%len(keys)])
		}
	})
	b.Run("set", func(b *testing.B) {
		value := make([]byte, 1000)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			_ = c.Set(b.Context(), keys[i%len(keys)], value, time.Hour)
		}
	})
	for _, size := range []int{512, 8 << 10, 32 << 10} {
		r := record{present: true, value: bytes.Repeat([]byte(`{"id":17,"name":"tea","price":2.5},`), size/34)}
		b.Run(fmt.Sprintf("encode/%d", size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = r.encode()
			}
		})
	}
}

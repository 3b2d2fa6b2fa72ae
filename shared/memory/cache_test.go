package memory

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

func set(t testing.TB, s *Store, key, value string, d time.Duration) {
	t.Helper()
	if err := s.Set(t.Context(), key, []byte(value), d); err != nil {
		t.Fatal(err)
	}
}

// want compares the value of a key; "-" is for one that is not there.
func want(t *testing.T, s *Store, key, value string) {
	t.Helper()
	got, err := s.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	text := "-"
	if got != nil {
		text = string(got)
	}
	if text != value {
		t.Errorf("%s is %q, want %q", key, text, value)
	}
}

func TestCache(t *testing.T) {
	s, c := newStore()
	want(t, s, "a", "-")
	set(t, s, "a", "1", time.Minute)
	set(t, s, "empty", "", time.Minute)
	want(t, s, "a", "1")
	want(t, s, "empty", "")
	set(t, s, "a", "2", time.Hour)
	c.advance(time.Minute)
	want(t, s, "a", "2")
	want(t, s, "empty", "-")
	set(t, s, "a", "", 0)
	want(t, s, "a", "-")
	set(t, s, "b", "1", time.Second)
	c.advance(time.Second)
	want(t, s, "b", "-")
}

func TestLargeValues(t *testing.T) {
	s, _ := newStore()
	set(t, s, "a", "small", time.Hour)
	if err := s.Set(t.Context(), "a", make([]byte, maxValue+1), time.Hour); err != nil {
		t.Fatal(err)
	}
	want(t, s, "a", "-")
	for i := range 20 {
		if err := s.Set(t.Context(), fmt.Sprint(i), make([]byte, maxValue), time.Hour); err != nil {
			t.Fatal(err)
		}
		if got := s.cached.table.size; got > maxCacheBytes {
			t.Fatalf("the cache holds %d bytes, want at most %d", got, maxCacheBytes)
		}
	}
}

func TestEnter(t *testing.T) {
	s, _ := newStore()
	first, _ := s.Enter(t.Context(), "key", 2)
	second, _ := s.Enter(t.Context(), "key", 2)
	if first == nil || second == nil {
		t.Fatal("two did not get in")
	}
	if third, _ := s.Enter(t.Context(), "key", 2); third != nil {
		t.Error("a third one got in")
	}
	if other, _ := s.Enter(t.Context(), "other", 1); other == nil {
		t.Error("another key is full")
	} else {
		other()
	}
	first()
	first() // leaving twice frees one place
	if _, ok := s.work.running["other"]; ok {
		t.Error("a key without anybody at work is kept")
	}
	third, _ := s.Enter(t.Context(), "key", 2)
	if fourth, _ := s.Enter(t.Context(), "key", 2); third == nil || fourth != nil {
		t.Error("one that left twice freed more than its own place")
	}
}

func BenchmarkCache(b *testing.B) {
	for _, shards := range []int{1, 16} {
		b.Run(fmt.Sprintf("get/stores=%d", shards), func(b *testing.B) {
			stores := make([]*Store, shards)
			keys := make([]string, 1024)
			for i := range keys {
				keys[i] = fmt.Sprintf("value key-%d", i)
			}
			for i := range stores {
				stores[i] = New(Options{})
				for _, key := range keys {
					set(b, stores[i], key, "some value", time.Hour)
				}
			}
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				i := rand.IntN(1024)
				for pb.Next() {
					i = (i + 7) % len(keys)
					_, _ = stores[i%shards].Get(b.Context(), keys[i])
				}
			})
		})
	}
	b.Run("set", func(b *testing.B) {
		s := New(Options{})
		value := make([]byte, 1000)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			_ = s.Set(b.Context(), fmt.Sprint(i), value, time.Hour)
		}
	})
}

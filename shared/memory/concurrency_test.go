package memory

import "testing"

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

package memory

import (
	"fmt"
	"testing"

	"toolgate/shared/policy"
)

func TestReserve(t *testing.T) {
	s, _ := newStore()
	reserve := func(left policy.Money) (policy.Money, func(policy.Money)) {
		return s.Reserve(policy.Reservation{Counter: "k", Kind: "a", Least: 2, Most: 10, Left: left})
	}
	if _, settle := reserve(1); settle != nil {
		t.Error("2 were kept of 1")
	}
	kept, settle := reserve(2)
	if kept != 2 || settle == nil {
		t.Fatalf("got %d of 2, want 2", kept)
	}
	settle(7)
	_, one := reserve(20)
	_, two := reserve(18) // 2 of the first call are charged, 5 kept
	if one == nil || two == nil {
		t.Fatal("a call was refused that 7 are left for")
	}
	if kept, settle := reserve(16); kept != 7 || settle != nil {
		t.Errorf("got %d, want none of 16, of which 10 are kept", kept)
	}
	if _, other := s.Reserve(policy.Reservation{Counter: "k", Kind: "b", Most: 10, Left: 10}); other == nil {
		t.Error("a call of a kind that costs nothing so far was refused")
	} else {
		other(policy.Unpriced)
	}
	one(policy.Unpriced)
	two(policy.Unpriced)
	if len(s.reserves.kept) != 0 {
		t.Errorf("something is kept without a call: %v", s.reserves.kept)
	}
	for range len(lastPrices{}.prices) {
		_, settle := reserve(100)
		settle(3)
	}
	kept, settle = reserve(100)
	if kept != 3 {
		t.Errorf("got %d, want 3: the 7 are not of the last calls", kept)
	}
	settle(50)
	if kept, settle := reserve(10); kept != 10 || settle == nil {
		t.Errorf("got %d of 10, want a whole period's money to do", kept)
	}
}

func TestKindsAreBounded(t *testing.T) {
	s, _ := newStore()
	for i := range 2 * maxKinds {
		_, settle := s.Reserve(policy.Reservation{Counter: "k", Kind: fmt.Sprint(i), Most: 1, Left: 1})
		settle(1)
	}
	if got := len(s.reserves.kinds); got != maxKinds {
		t.Errorf("%d kinds are remembered, want %d", got, maxKinds)
	}
}

package gateway

import (
	"net/http"
	"slices"
	"testing"
)

// parts are the statuses of what a coroutine hands over, up to a number of them.
func parts(c *coroutine, most int) []int {
	var got []int
	for len(got) < most {
		p, ok := c.more()
		if !ok {
			break
		}
		got = append(got, p.status)
	}
	return got
}

// saying is a server whose answer has these parts; told becomes whether it was heard
// to the end.
func saying(told *bool, statuses ...int) func(func(part) bool) {
	return func(yield func(part) bool) {
		for _, status := range statuses {
			if !yield(part{status: status}) {
				return
			}
		}
		*told = true
	}
}

func TestCoroutine(t *testing.T) {
	for len(resting) > 0 { // those of other tests
		(<-resting).stop()
	}
	var told bool
	first := start(saying(&told, 200, 201))
	if got := parts(first, 9); !slices.Equal(got, []int{200, 201}) || !told {
		t.Errorf("got %v, %t, want both parts", got, told)
	}
	told = false
	second := start(saying(&told))
	if second != first || len(parts(second, 9)) > 0 || !told {
		t.Errorf("got %p, %t, want the coroutine that rests, and no part", second, told)
	}

	told = false
	left := start(saying(&told, 200, 201))
	if got := parts(left, 1); !slices.Equal(got, []int{200}) {
		t.Errorf("got %v, want a part", got)
	}
	other := start(saying(&told, 300))
	if other == left {
		t.Error("a coroutine runs two servers")
	}
	left.stop()
	if told {
		t.Error("a server that was left was heard to the end")
	}
	if got := parts(other, 9); !slices.Equal(got, []int{300}) || start(saying(&told)) != other {
		t.Errorf("got %v, want the part, and the coroutine that rests then", got)
	}

	broken := start(func(func(part) bool) { panic(http.ErrAbortHandler) })
	func() {
		defer func() {
			if got := recover(); got != http.ErrAbortHandler { //nolint:errorlint // the value itself
				t.Errorf("got %v, want the server's panic", got)
			}
		}()
		broken.more()
	}()
	broken.stop()
	if len(resting) != 0 {
		t.Error("a coroutine rests that has ended")
	}
}

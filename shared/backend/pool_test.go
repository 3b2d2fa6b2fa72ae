package backend

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// poolOf makes a pool of clients a, b, c … with a clock and what trips one.
func poolOf(t *testing.T, start int, members ...PoolMember) (p *Pool, names map[*Client]string, clock *time.Time, trip func(name string, d time.Duration)) {
	t.Helper()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	clock = &at
	now := func() time.Time { return *clock }
	names = map[*Client]string{}
	for i := range members {
		members[i].Client = client(t, Options{
			URL: "https://contoso.com", Now: now,
			Breaker:   BreakerOptions{Failures: 1, Interval: time.Hour, TripDuration: time.Hour},
			Transport: transportFunc(func(*http.Request) (*http.Response, error) { return nil, errors.New("connection reset") }),
		})
		names[members[i].Client] = string(rune('a' + i))
	}
	trip = func(name string, d time.Duration) {
		for c, n := range names {
			if n == name {
				c.breaker.TripDuration = d
				c.breaker.fail(nil)
			}
		}
	}
	return newPool(members, now, func(n int) int { return start % n }), names, clock, trip
}

func picks(p *Pool, names map[*Client]string, n int) string {
	var b strings.Builder
	for range n {
		b.WriteString(names[p.Pick()])
	}
	return b.String()
}

func TestPoolSpreads(t *testing.T) {
	for _, c := range []struct {
		name    string
		start   int
		members []PoolMember
		want    string
	}{
		{"one", 0, []PoolMember{{}}, "aaaa"},
		{"evenly", 0, []PoolMember{{}, {Weight: 1}, {Weight: -3}}, "abcabc"},
		{"from elsewhere", 2, []PoolMember{{}, {}, {}}, "cabcab"},
		{"by weight, smoothly", 0, []PoolMember{{Weight: 5}, {Weight: 1}, {Weight: 1}}, "aabacaaaabacaa"},
		{"by weight, from elsewhere", 3, []PoolMember{{Weight: 5}, {Weight: 1}, {Weight: 1}}, "acaaaab"},
		{"by priority", 0, []PoolMember{{Priority: 2}, {Priority: 1}, {Priority: 1}, {Priority: 3}}, "bcbcbc"},
		{"heavy", 0, []PoolMember{{Weight: 1 << 30}}, "aa"},
	} {
		p, names, _, _ := poolOf(t, c.start, c.members...)
		if got := picks(p, names, len(c.want)); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestPoolLeavesOutWhatTripped(t *testing.T) {
	p, names, clock, trip := poolOf(t, 0, PoolMember{Priority: 1, Weight: 2}, PoolMember{Priority: 1}, PoolMember{Priority: 2}, PoolMember{Priority: 2})
	step := func(after time.Duration, want string) {
		t.Helper()
		*clock = clock.Add(after)
		if got := picks(p, names, len(want)); got != want {
			t.Errorf("at %s: got %s, want %s", clock.Format(time.TimeOnly), got, want)
		}
	}
	step(0, "aba")
	trip("a", time.Minute)
	step(0, "bbb")
	trip("b", 3*time.Minute)
	step(0, "cdc")
	trip("c", 2*time.Minute)
	trip("d", 90*time.Second)
	step(0, "aa") // all are open: a closes first
	if !p.Pick().Open(*clock) {
		t.Error("a is not open")
	}
	step(59*time.Second, "aa")
	step(time.Second, "aa") // a is closed
	trip("a", time.Hour)
	step(0, "dd") // all are open again: d closes first
	step(30*time.Second, "ddd")
	step(90*time.Second, "bbb") // b is closed, whatever c and d are
}

func TestPoolStartsAnywhere(t *testing.T) {
	first := map[string]bool{}
	a, b := client(t, Options{URL: "https://a.contoso.com"}), client(t, Options{URL: "https://b.contoso.com"})
	for range 200 {
		first[NewPool([]PoolMember{{Client: a}, {Client: b}}, nil).Pick().URL().Host] = true
	}
	if len(first) != 2 {
		t.Errorf("200 pools started with %v, want both", first)
	}
	if got := NewPool(nil, nil).Pick(); got != nil {
		t.Errorf("a pool of none picked %v", got)
	}
}

func TestPoolConcurrent(t *testing.T) {
	p, names, _, trip := poolOf(t, 0, PoolMember{Weight: 3}, PoolMember{})
	var mu sync.Mutex
	count := map[string]int{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			got := picks(p, names, 100)
			mu.Lock()
			defer mu.Unlock()
			for _, name := range got {
				count[string(name)]++
			}
		})
	}
	wg.Wait()
	if count["a"] != 600 || count["b"] != 200 {
		t.Errorf("got %v, want 600 and 200", count)
	}
	wg.Go(func() { trip("a", time.Hour) })
	wg.Go(func() { picks(p, names, 100) })
	wg.Wait()
	if got := picks(p, names, 3); got != "bbb" {
		t.Errorf("got %s, want bbb", got)
	}
}

package costs_test

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// situation is how calls of one kind come. Call n goes to instance n modulo their
// number.
type situation struct {
	policy, how string
	instances   int
	every       time.Duration // between two calls
	warm, calls int           // those of warm come first, and are not counted
	call        func(ctx context.Context, w *world, instance, n int) int
	refused     bool // a part of them is
}

// api calls an API by one key.
func api(name string) func(context.Context, *world, int, int) int {
	return func(ctx context.Context, w *world, instance, _ int) int { return w.api(ctx, instance, name, "key") }
}

// anew calls an API by a key of its own each time.
func anew(name string) func(context.Context, *world, int, int) int {
	return func(ctx context.Context, w *world, instance, n int) int {
		return w.api(ctx, instance, name, strconv.Itoa(n))
	}
}

// tool calls the tool with the same arguments, or others each time.
func tool(same bool) func(context.Context, *world, int, int) int {
	return func(ctx context.Context, w *world, instance, n int) int {
		if same {
			n = 0
		}
		return w.tool(ctx, instance, strconv.Itoa(n))
	}
}

const (
	limits = "`rate-limit`, `rate-limit-by-key`"
	models = "`llm-token-limit`"
	quotas = "`quota`, `quota-by-key`"
	budget = "`budget`"
	atWork = "`limit-concurrency`"
	cached = "`cache-lookup` and `cache-store`"
	value  = "`cache-value`"
	tools  = "`cache` of a server"
	keys   = "subscription keys"
	stream = "`legacySSE`"

	// perSecond300 is three times the limit, of 6000 calls a minute.
	perSecond300 = time.Second / 300
	perSecond50  = time.Second / 50
	beyondFirst  = 11 * time.Second // what the first level keeps is older then
)

var situations = []situation{
	{policy: limits, how: "each call has a key of its own", instances: 1, every: time.Second, warm: 1, calls: 100, call: anew("rate")},
	{policy: limits, how: "1 call a minute, 1 instance", instances: 1, every: time.Minute, warm: 3, calls: 60, call: api("rate")},
	{policy: limits, how: "1 call a minute, 16 instances", instances: 16, every: time.Minute, warm: 32, calls: 160, call: api("rate")},
	{policy: limits, how: "half the limit (50 calls a second), 1 instance", instances: 1, every: perSecond50, warm: 3000, calls: 6000, call: api("rate")},
	{policy: limits, how: "half the limit, 16 instances", instances: 16, every: perSecond50, warm: 3000, calls: 6000, call: api("rate")},
	{policy: limits, how: "3 × the limit, 1 instance", instances: 1, every: perSecond300, warm: 18000, calls: 54000, call: api("rate"), refused: true},
	{policy: limits, how: "3 × the limit, 16 instances", instances: 16, every: perSecond300, warm: 18000, calls: 54000, call: api("rate"), refused: true},
	{policy: limits, how: "with an `increment-condition` on the response, half the limit, 16 instances", instances: 16, every: perSecond50, warm: 3000, calls: 6000, call: api("late")},
	{policy: models, how: "50 calls a second of 100 tokens, half the limit, 1 instance", instances: 1, every: perSecond50, warm: 3000, calls: 6000, call: api("tokens")},
	{policy: models, how: "the same, 16 instances", instances: 16, every: perSecond50, warm: 3000, calls: 6000, call: api("tokens")},

	{policy: quotas, how: "each call has a key of its own", instances: 1, every: time.Second, warm: 1, calls: 100, call: anew("quota")},
	{policy: quotas, how: "50 calls a second, 1 instance", instances: 1, every: perSecond50, warm: 500, calls: 3000, call: api("quota")},
	{policy: quotas, how: "50 calls a second, 16 instances", instances: 16, every: perSecond50, warm: 500, calls: 3000, call: api("quota")},
	{policy: quotas, how: "`bandwidth`, 50 calls a second, 16 instances", instances: 16, every: perSecond50, warm: 500, calls: 3000, call: api("bytes")},

	{policy: budget, how: "each call has a key of its own", instances: 1, every: time.Second, warm: 1, calls: 100, call: anew("budget")},
	{policy: budget, how: "50 calls a second, 1 instance", instances: 1, every: perSecond50, warm: 500, calls: 3000, call: api("budget")},
	{policy: budget, how: "50 calls a second, 16 instances", instances: 16, every: perSecond50, warm: 500, calls: 3000, call: api("budget")},

	{policy: atWork, how: "each call has a key of its own", instances: 1, every: 2 * time.Second, warm: 1, calls: 100, call: anew("work")},
	{policy: atWork, how: "50 calls a second of 1 second, at most 100 together, 1 instance", instances: 1, every: perSecond50, warm: 500, calls: 3000, call: api("work")},
	{policy: atWork, how: "the same, 16 instances", instances: 16, every: perSecond50, warm: 500, calls: 3000, call: api("work")},
	{policy: atWork, how: "150 calls a second of 1 second, at most 100 together, 16 instances", instances: 16, every: time.Second / 150, warm: 1500, calls: 9000, call: api("work"), refused: true},

	{policy: cached, how: "found in the first level", instances: 1, every: 50 * time.Millisecond, warm: 1, calls: 100, call: api("cached")},
	{policy: cached, how: "found in the second level", instances: 1, every: beyondFirst, warm: 1, calls: 100, call: api("cached")},
	{policy: cached, how: "not found, and kept", instances: 1, every: time.Second, warm: 1, calls: 100, call: anew("cached")},
	{policy: value, how: "found in the first level", instances: 1, every: 50 * time.Millisecond, warm: 1, calls: 100, call: api("value")},
	{policy: value, how: "found in the second level", instances: 1, every: beyondFirst, warm: 1, calls: 100, call: api("value")},
	{policy: value, how: "computed in less than 250 ms", instances: 1, every: time.Second, warm: 1, calls: 100, call: anew("value")},
	{policy: value, how: "computed in 1 second", instances: 1, every: 2 * time.Second, warm: 1, calls: 100, call: anew("slow")},
	{policy: tools, how: "result found in the first level", instances: 1, every: 50 * time.Millisecond, warm: 1, calls: 100, call: tool(true)},
	{policy: tools, how: "result found in the second level", instances: 1, every: beyondFirst, warm: 1, calls: 100, call: tool(true)},
	{policy: tools, how: "result not found, and kept", instances: 1, every: time.Second, warm: 1, calls: 100, call: tool(false)},

	{policy: keys, how: "10 calls a second with one key, 1 instance", instances: 1, every: time.Second / 10, warm: 1, calls: 3000, call: api("keyed")},
	{policy: keys, how: "1 call a minute with one key", instances: 1, every: time.Minute, warm: 1, calls: 100, call: api("keyed")},
}

// measured is what a situation costs.
type measured struct {
	policy, how string
	operations
	calls int
}

// measure counts the operations of a situation, on the clock of the test.
func (s *situation) measure(t *testing.T, content []byte) measured {
	m := measured{policy: s.policy, how: s.how, calls: s.calls}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, content, s.instances)
		statuses := map[int]int{}
		var mu sync.Mutex
		var under sync.WaitGroup
		var before operations
		for n := range s.warm + s.calls {
			if n == s.warm {
				before = w.store.counted()
			}
			under.Go(func() {
				status := s.call(t.Context(), w, n%s.instances, n)
				mu.Lock()
				defer mu.Unlock()
				statuses[status]++
			})
			time.Sleep(s.every)
		}
		under.Wait()
		m.operations = w.store.counted().minus(before)
		time.Sleep(time.Minute) // what was begun in the background ends
		// Where many instances meet, a limit may refuse a call although there is room.
		all := s.warm + s.calls
		refused := statuses[http.StatusTooManyRequests]
		if statuses[http.StatusOK]+refused != all || refused == all || s.refused != (refused > all/100) {
			t.Errorf("%s, %s: got the statuses %v", s.policy, s.how, statuses)
		}
	})
	return m
}

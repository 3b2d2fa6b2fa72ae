package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"toolgate/shared/state"
	"toolgate/shared/state/statetest"
)

var testKey = bytes.Repeat([]byte{7}, 32)

func keyed() ([]byte, error) { return testKey, nil }

func newTrail(store state.Store) *Trail {
	return New(Options{Store: store, Key: keyed, Snapshot: "abc", Retention: 90 * day})
}

// add records n calls of a tool.
func add(t *Trail, tool string, n int) {
	for i := range n {
		t.Add(time.Now(), Call{Server: "orders", Method: "tools/call", Tool: tool, Decision: Allowed, Status: 200}, fmt.Appendf(nil, `{"n": %d}`, i))
	}
}

// verified verifies a store, and returns its calls by tool.
func verified(t *testing.T, store state.Store) map[string]int {
	t.Helper()
	contents, err := Read(context.Background(), store, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	compare(t, contents.Verify(VerifyOptions{Keys: [][]byte{testKey}, Now: time.Now()}))
	calls := map[string]int{}
	for _, r := range contents.Calls() {
		calls[r.Call.Tool]++
	}
	return calls
}

// compare compares faults with texts that are wanted in them, in order.
func compare(t *testing.T, reports []ChainReport, want ...string) {
	t.Helper()
	var got []string
	for _, r := range reports {
		for _, f := range r.Faults {
			got = append(got, f.String())
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %d faults, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
		return
	}
	for i := range want {
		if !strings.Contains(got[i], want[i]) {
			t.Errorf("fault %d: got %s, want %s", i, got[i], want[i])
		}
	}
}

// Calls of two seconds are one segment: one row, and the head.
func TestBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &statetest.Unreliable{}
		trail := newTrail(store)
		add(trail, "get", 3)
		if reads, writes := store.Operations(); reads+writes != 0 {
			t.Errorf("got %d reads and %d writes by a call, want none", reads, writes)
		}
		time.Sleep(interval)
		synctest.Wait()
		if got := verified(t, store); got["get"] != 3 {
			t.Errorf("got %v after two seconds, want 3 calls", got)
		}
		store.Operations()
		add(trail, "get", 50)
		time.Sleep(interval)
		synctest.Wait()
		if reads, writes := store.Operations(); reads != 0 || writes != 2 {
			t.Errorf("got %d reads and %d writes for 50 calls, want 0 and 2", reads, writes)
		}
		add(trail, "get", batchCalls) // is not waited for
		synctest.Wait()
		if got := verified(t, store); got["get"] != 53+batchCalls {
			t.Errorf("got %v at once, want %d calls", got, 53+batchCalls)
		}
		time.Sleep(time.Minute)
		store.Operations()
		time.Sleep(time.Hour)
		if reads, writes := store.Operations(); reads+writes != 0 {
			t.Errorf("got %d reads and %d writes without calls, want none", reads, writes)
		}
		if err := trail.Close(t.Context()); err != nil {
			t.Error(err)
		}
		contents, err := Read(t.Context(), store, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		r := contents.Verify(VerifyOptions{Keys: [][]byte{testKey}, Now: time.Now()})
		if len(r) != 1 || !r[0].Ended || !r[0].Keyed || r[0].Records != 53+batchCalls+2 || r[0].Instance == "" {
			t.Errorf("got %+v, want one chain with genesis and end", r)
		}
	})
}

// A record says the same for the same arguments, whatever they look like.
func TestArguments(t *testing.T) {
	for _, c := range []struct{ a, b string }{
		{`{"a":1,"b":[true,null]}`, ` { "b" : [ true , null ], "a" : 1 } `},
		{`{"a":"é"}`, `{"a":"\u00e9"}`},
	} {
		if digest([]byte(c.a)) != digest([]byte(c.b)) {
			t.Errorf("%s and %s differ", c.a, c.b)
		}
	}
	if digest([]byte(`{"a":9007199254740993}`)) == digest([]byte(`{"a":9007199254740992}`)) {
		t.Error("large numbers are taken for each other")
	}
	const empty = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" // sha256 of {}
	if got := digest([]byte("{ }")); got != empty {
		t.Errorf("got %s, want %s", got, empty)
	}
	synctest.Test(t, func(t *testing.T) {
		store := &state.Memory{}
		trail := New(Options{Store: store, Retention: day, Arguments: func(b []byte) string { return strings.ToUpper(string(b)) }})
		trail.Add(time.Now(), Call{Tool: "short"}, []byte(`{"a":"b"}`))
		trail.Add(time.Now(), Call{Tool: "held"}, []byte(`{"a":"`+strings.Repeat("x", maxHeld)+`"}`))
		trail.Add(time.Now(), Call{Tool: "long"}, []byte(`{"a":"`+strings.Repeat("x", maxArguments)+`"}`))
		trail.Add(time.Now(), Call{Tool: "none"}, nil)
		if err := trail.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		contents, _ := Read(t.Context(), store, time.Now())
		for _, r := range contents.Calls() {
			c := r.Call
			if wantHash, wantText := c.Tool != "none", c.Tool == "short" || c.Tool == "held"; (c.ArgumentsHash != "") != wantHash || (c.Arguments != "") != wantText {
				t.Errorf("%s: got hash %q and arguments %.20q", c.Tool, c.ArgumentsHash, c.Arguments)
			}
		}
	})
}

// While the store is away calls wait, then are counted; the chain says how many.
func TestStoreAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &statetest.Unreliable{}
		var log bytes.Buffer
		trail := New(Options{Store: store, Key: keyed, Retention: day, Log: slog.New(slog.NewTextHandler(&log, nil))})
		add(trail, "before", 1)
		time.Sleep(interval)
		synctest.Wait()
		store.SetAway(true)
		add(trail, "away", maxWaiting+100)
		if err := trail.Unavailable(); err != nil {
			t.Errorf("calls are refused: %v", err)
		}
		time.Sleep(50 * time.Second)
		synctest.Wait() // the log is written by then
		if got := strings.Count(log.String(), "cannot be recorded"); got != 1 {
			t.Errorf("the log says %d times that the store is away, want once:\n%s", got, &log)
		}
		store.SetAway(false)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if !strings.Contains(log.String(), "recorded for the audit again") {
			t.Errorf("the log does not say that it goes on:\n%s", &log)
		}
		if got := verified(t, store); got["away"] != maxWaiting || got["before"] != 1 {
			t.Errorf("got %v, want %d", got, maxWaiting)
		}
		contents, _ := Read(t.Context(), store, time.Now())
		if r := contents.Verify(VerifyOptions{Keys: [][]byte{testKey}, Now: time.Now()}); r[0].Lost != 100 {
			t.Errorf("the chain says that %d calls were lost, want 100", r[0].Lost)
		}
	})
}

// With Refuse, calls are refused from the first write that fails to the next that
// does not; those on their way are recorded.
func TestRefuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &statetest.Unreliable{}
		store.SetAway(true)
		trail := New(Options{Store: store, Key: keyed, Retention: day, Refuse: true})
		add(trail, "a", 10)
		if err := trail.Unavailable(); err != nil {
			t.Errorf("refused before anything failed: %v", err)
		}
		time.Sleep(interval)
		synctest.Wait()
		if err := trail.Unavailable(); !errors.Is(err, state.ErrBusy) {
			t.Errorf("got %v, want %v", err, state.ErrBusy)
		}
		store.SetAway(false)
		time.Sleep(interval)
		synctest.Wait()
		if err := trail.Unavailable(); err != nil {
			t.Errorf("still refused: %v", err)
		}
		if got := verified(t, store); got["a"] != 10 {
			t.Errorf("got %v, want 10", got)
		}
		trail = New(Options{Store: store, Refuse: true, Retention: day, Key: func() ([]byte, error) { return nil, errors.New("no vault") }})
		add(trail, "b", maxWaiting)
		if err := trail.Unavailable(); !errors.Is(err, errFull) {
			t.Errorf("got %v, want %v", err, errFull)
		}
		time.Sleep(interval)
		synctest.Wait()
		if err := trail.Unavailable(); !errors.Is(err, errNoKey) {
			t.Errorf("got %v, want %v", err, errNoKey)
		}
	})
}

// slow is a store whose writes take their time.
type slow struct {
	state.Memory
	takes time.Duration
}

func (s *slow) Put(ctx context.Context, key state.Key, r state.Record) (string, error) {
	select {
	case <-time.After(s.takes):
		return s.Memory.Put(ctx, key, r)
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// A flush that is given little time is no failure of the store.
func TestHurriedFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trail := New(Options{Store: &slow{takes: time.Second}, Retention: day, Refuse: true})
		add(trail, "a", 1)
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		if err := trail.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want that time was up", err)
		}
		if err := trail.Unavailable(); err != nil {
			t.Errorf("calls are refused: %v", err)
		}
	})
}

// Whatever answers are lost, each call is recorded once and the chain is whole.
func TestLostAnswers(t *testing.T) {
	for seed := range uint64(5) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			store := &statetest.Unreliable{}
			store.Lose(func() bool { return r.IntN(4) == 0 })
			for name := range 3 {
				trail := newTrail(store)
				for range 20 {
					add(trail, fmt.Sprint(name), 10)
					time.Sleep(time.Second)
				}
				for trail.Close(t.Context()) != nil {
					time.Sleep(time.Second)
				}
			}
			if got := verified(t, store); len(got) != 3 || got["0"] != 200 || got["1"] != 200 || got["2"] != 200 {
				t.Errorf("got %v, want 200 of each", got)
			}
		})
	}
}

// A chain lasts a day, the next one continues it, and rows go when they have expired,
// in any order, without a fault.
func TestRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &statetest.Unreliable{}
		trail := New(Options{Store: store, Key: keyed, Retention: 2 * day})
		for range 6*24 + 12 {
			add(trail, "hourly", 1)
			time.Sleep(time.Hour)
		}
		contents, err := Read(t.Context(), store, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		reports := contents.Verify(VerifyOptions{Keys: [][]byte{testKey}, Now: time.Now()})
		compare(t, reports)
		for i, r := range reports[:len(reports)-1] {
			if !r.Ended || r.NamedBy == 0 {
				t.Errorf("chain %d of %d: got %+v, want that it is ended and named by the next", i, len(reports), r)
			}
		}
		if len(reports) != 3 {
			t.Errorf("got %d chains, want those of two days and of today", len(reports))
		}
		for limit := range 5 { // as a sweep that ends in the middle
			if _, err := store.Sweep(t.Context(), time.Now(), 7*limit); err != nil {
				t.Fatal(err)
			}
			if got := verified(t, store); got["hourly"] != 60 {
				t.Errorf("got %v, want the 60 of these days", got)
			}
		}
	})
}

// Instances record where the others are.
func TestAnchors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &statetest.Unreliable{}
		var trails []*Trail
		for range 4 {
			trails = append(trails, newTrail(store))
		}
		for range 40 {
			for i, trail := range trails {
				add(trail, fmt.Sprint(i), 1)
			}
			time.Sleep(time.Minute)
		}
		synctest.Wait()
		contents, err := Read(t.Context(), store, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		reports := contents.Verify(VerifyOptions{Keys: [][]byte{testKey}, Now: time.Now()})
		compare(t, reports)
		for _, r := range reports {
			if r.NamedBy < 6 || r.NamedBy > 15 {
				t.Errorf("chain %s is named by %d records of 3 others in 40 minutes, want about 9", r.ID, r.NamedBy)
			}
		}
	})
}

// A process that is killed loses the calls of the last two seconds, and no chain is
// faulty for it.
func TestKilled(t *testing.T) {
	for _, stop := range []int{0, 1, 2, 3, 4, 5, 6, 7, 8} { // writes that are still applied
		synctest.Test(t, func(t *testing.T) {
			store := &statetest.Unreliable{}
			trail := newTrail(store)
			add(trail, "first", 5)
			time.Sleep(interval + time.Millisecond)
			synctest.Wait()
			left := stop
			store.Lose(func() bool { left--; return left < 0 })
			for range 10 {
				add(trail, "later", 1)
				time.Sleep(time.Second)
			}
			got := verified(t, store)
			if got["first"] != 5 {
				t.Errorf("after %d writes: got %v, want the calls that were written", stop, got)
			}
		})
	}
}

// Calls and flushes at the same time are recorded once each.
func TestConcurrent(t *testing.T) {
	store := &state.Memory{}
	trail := newTrail(store)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 20 {
				add(trail, fmt.Sprint(i), 10)
				if err := trail.Flush(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if err := trail.Close(t.Context()); err != nil {
		t.Error(err)
	}
	got := verified(t, store)
	for i := range 8 {
		if got[fmt.Sprint(i)] != 200 {
			t.Errorf("got %v, want 200 of each", got)
		}
	}
}

// The cost of a call is a copy of its arguments and room in the queue.
func TestAllocations(t *testing.T) {
	trail := newTrail(&state.Memory{})
	c, arguments := Call{Server: "orders", Method: "tools/call", Tool: "get", Decision: Allowed}, []byte(`{"id":1}`)
	now := time.Now()
	for range 3 {
		for range 1000 {
			trail.Add(now, c, arguments)
		}
		if err := trail.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := testing.AllocsPerRun(900, func() { trail.Add(now, c, arguments) }); got > 2 {
		t.Errorf("got %v allocations a call, want 2 at most", got)
	}
}

func BenchmarkAdd(b *testing.B) {
	trail := New(Options{Retention: day, Lines: slog.New(slog.DiscardHandler)})
	c, arguments := Call{Server: "orders", Method: "tools/call", Tool: "get", Decision: Allowed}, []byte(`{"id":1}`)
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		trail.Add(now, c, arguments)
	}
}

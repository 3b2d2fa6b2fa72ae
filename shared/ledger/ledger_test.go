package ledger

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"toolgate/shared/policy"
	"toolgate/shared/state"
	"toolgate/shared/state/statetest"
)

// spent is of the hour that has begun.
func spent(key, tool string, amount policy.Money) policy.Spending {
	start := time.Now().UTC().Truncate(time.Hour)
	return policy.Spending{Key: key, Tool: tool, Currency: "EUR", Budget: 5_000_000, Start: start, End: start.Add(time.Hour), Amount: amount}
}

// brief is a report in short.
func brief(t *testing.T, s state.Store) string {
	t.Helper()
	accounts, err := Read(t.Context(), s, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, a := range accounts {
		when := "last"
		if a.Current {
			when = "current"
		}
		text := fmt.Sprintf("%s %s %s %s of %s:", when, a.Key, a.Currency, a.Spent, a.Budget)
		for _, tool := range a.Tools {
			text += fmt.Sprintf(" %s %d %s", tool.Name, tool.Calls, tool.Spent)
		}
		out = append(out, text)
	}
	return strings.Join(out, "\n")
}

func want(t *testing.T, s state.Store, lines ...string) {
	t.Helper()
	if got := brief(t, s); got != strings.Join(lines, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(lines, "\n"))
	}
}

// The first call is written at once, and others with the next write of the account.
func TestRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &statetest.Unreliable{}
		want(t, store)
		l := New(Options{Store: store})
		ctx := t.Context()
		l.Record(ctx, spent("team-a", "orders/get", 2000))
		want(t, store, "current team-a EUR 0.002 of 5.00: orders/get 1 0.002")
		store.Operations()
		for range 1000 {
			l.Record(ctx, spent("team-a", "orders/get", 1000))
			l.Record(ctx, spent("team-a", "orders/save", 10_000))
		}
		l.Record(ctx, spent("team-b", "orders/get", 1))
		if reads, writes := store.Operations(); reads != 2 || writes != 2 {
			t.Errorf("got %d reads and %d writes for the first call of a key, want 2 and 2", reads, writes)
		}
		want(t, store, "current team-a EUR 0.002 of 5.00: orders/get 1 0.002", "current team-b EUR 0.000001 of 5.00: orders/get 1 0.000001")
		store.Operations()
		time.Sleep(2 * interval)
		synctest.Wait()
		if reads, writes := store.Operations(); reads != 1 || writes != 1 {
			t.Errorf("got %d reads and %d writes for 2000 calls, want 1 and 1", reads, writes)
		}
		want(t, store, "current team-a EUR 11.002 of 5.00: orders/get 1001 1.002 orders/save 1000 10.00", "current team-b EUR 0.000001 of 5.00: orders/get 1 0.000001")
		time.Sleep(2 * interval)
		synctest.Wait()
		if len(l.accounts) != 0 || l.timer != nil {
			t.Errorf("%d accounts are kept without need", len(l.accounts))
		}
	})
}

// Accounts are those of the current and of the last period, and rows and indexes
// go with their periods.
func TestPeriods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &statetest.Unreliable{}
		l := New(Options{Store: store})
		ctx := t.Context()
		time.Sleep(time.Until(time.Now().Truncate(time.Hour).Add(time.Hour)))
		ever := spent("ever", "a", 5)
		ever.End, ever.Currency = time.Time{}, "USD"
		l.Record(ctx, ever)
		l.Record(ctx, spent("a", "x", 1))
		time.Sleep(time.Hour)
		l.Record(ctx, spent("b", "x", 2))
		l.Record(ctx, spent("a", "x", 3))
		want(t, store, "current ever USD 0.000005 of 5.00: a 1 0.000005", "current a EUR 0.000003 of 5.00: x 1 0.000003", "current b EUR 0.000002 of 5.00: x 1 0.000002", "last a EUR 0.000001 of 5.00: x 1 0.000001")
		time.Sleep(time.Hour)
		want(t, store, "current ever USD 0.000005 of 5.00: a 1 0.000005", "last a EUR 0.000003 of 5.00: x 1 0.000003", "last b EUR 0.000002 of 5.00: x 1 0.000002")
		l.Record(ctx, spent("c", "x", 1))
		time.Sleep(time.Hour)
		want(t, store, "current ever USD 0.000005 of 5.00: a 1 0.000005", "last c EUR 0.000001 of 5.00: x 1 0.000001")
		l.Record(ctx, spent("c", "x", 1))
		if ids, err := periodIndex(store).IDs(ctx); err != nil || len(ids) != 3 {
			t.Errorf("the index has the periods %v, %v, want 3", ids, err)
		}
		if len(l.periods.pages) != 3 {
			t.Errorf("%d periods are remembered, want 3", len(l.periods.pages))
		}
		removed, err := store.Sweep(ctx, time.Now().Add(24*time.Hour), 100)
		if err != nil || removed != 9 {
			t.Errorf("%d rows expired, %v, want 5 accounts and 4 indexes", removed, err)
		}
		want(t, store, "current ever USD 0.000005 of 5.00: a 1 0.000005")
	})
}

// What cannot be written is written later, and the log says so once in a while.
func TestStoreAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &statetest.Unreliable{}
		store.SetAway(true)
		var log bytes.Buffer
		l := New(Options{Store: store, Log: slog.New(slog.NewTextHandler(&log, nil))})
		ctx := t.Context()
		for range 30 {
			l.Record(ctx, spent("a", "x", 1))
			time.Sleep(time.Second)
		}
		if got := strings.Count(log.String(), "cannot be recorded"); got != 1 {
			t.Errorf("the log says %d times that it cannot be recorded, want 1:\n%s", got, &log)
		}
		if err := l.Flush(ctx); err == nil {
			t.Error("Flush has no error")
		}
		store.SetAway(false)
		if err := l.Flush(ctx); err != nil {
			t.Errorf("Flush: %v", err)
		}
		want(t, store, "current a EUR 0.00003 of 5.00: x 30 0.00003")
		store.Operations()
		if err := l.Flush(ctx); err != nil {
			t.Errorf("Flush: %v", err)
		}
		if reads, writes := store.Operations(); reads+writes != 0 {
			t.Errorf("%d reads and %d writes for nothing", reads, writes)
		}
	})
}

// Whatever answers are lost, instances together record each call once.
func TestNothingIsCountedTwice(t *testing.T) {
	for seed := range uint64(5) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			store := &statetest.Unreliable{}
			store.Lose(func() bool { return r.IntN(10) == 0 })
			var all []*Ledger
			for range 4 {
				all = append(all, New(Options{Store: store}))
			}
			var calls sync.WaitGroup
			for _, l := range all {
				calls.Go(func() {
					for i := range 400 {
						l.Record(context.Background(), spent(fmt.Sprint("k", i%3), fmt.Sprint("t", i%2), 10))
						time.Sleep(time.Second)
					}
				})
			}
			calls.Wait()
			for _, l := range all {
				for l.Flush(t.Context()) != nil {
				}
			}
			store.Lose(nil)
			sums := map[string]int64{}
			accounts, err := Read(t.Context(), store, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range accounts {
				for _, tool := range a.Tools {
					sums[tool.Name] += tool.Calls
					if tool.Spent != policy.Money(10*tool.Calls) {
						t.Errorf("%d calls spent %d", tool.Calls, tool.Spent)
					}
				}
			}
			if wants := map[string]int64{"t0": 800, "t1": 800}; !reflect.DeepEqual(sums, wants) {
				t.Errorf("got %v, want %v", sums, wants)
			}
		})
	}
}

// The largest row fits, whatever clients write.
func TestRowFits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &statetest.Unreliable{}
		l := New(Options{Store: store})
		hostile := strings.Repeat("\"\\", 5000)
		for i := range remembered + 2 {
			tools := maxTools
			if i > 2 {
				tools = 1
			}
			for j := range tools {
				s := spent(hostile, fmt.Sprintf("%d %s\x00\xff", j, hostile), policy.MaxMoney)
				s.Tool = s.Tool[:min(len(s.Tool), 150+i%100)]
				l.Record(t.Context(), s)
			}
			time.Sleep(interval)
		}
		if err := l.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		accounts, err := Read(t.Context(), store, time.Now())
		if err != nil || len(accounts) == 0 {
			t.Fatalf("got %d accounts, %v", len(accounts), err)
		}
		for _, a := range accounts {
			if len(a.Tools) > maxTools+1 || a.Spent != policy.MaxMoney {
				t.Errorf("got %d tools, %s", len(a.Tools), a.Spent)
			}
		}
	})
}

func TestFit(t *testing.T) {
	for _, tt := range []struct {
		text string
		most int
		want string
	}{{"abc", 3, "abc"}, {"abcd", 3, "abc"}, {"a€", 3, "a"}, {"a€", 4, "a€"}, {"\x00\x7f\xff", 3, "???"}, {"", 3, ""}} {
		if got := fit(tt.text, tt.most); got != tt.want {
			t.Errorf("%q in %d: got %q, want %q", tt.text, tt.most, got, tt.want)
		}
	}
}

func TestTooManyKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &statetest.Unreliable{}
		store.SetAway(true)
		var log bytes.Buffer
		l := New(Options{Store: store, Log: slog.New(slog.NewTextHandler(&log, nil))})
		for i := range maxAccounts + 5 {
			l.Record(t.Context(), spent(fmt.Sprint(i), "x", 1))
		}
		if len(l.accounts) != maxAccounts {
			t.Errorf("%d accounts are kept, want %d", len(l.accounts), maxAccounts)
		}
	})
}

func TestUnknownFormats(t *testing.T) {
	for _, data := range []string{`{"format":2}`, `no JSON`} {
		store := &statetest.Unreliable{}
		l := New(Options{Store: store})
		s := spent("a", "x", 1)
		id := accountID{periodOf(s.Start, s.End), "EUR", "a"}.rowID()
		if err := l.list(t.Context(), periodOf(s.Start, s.End), id); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Memory.Put(t.Context(), rowKey(id), state.Record{Data: []byte(data)}); err != nil {
			t.Fatal(err)
		}
		l.Record(t.Context(), s)
		if err := l.Flush(t.Context()); err == nil {
			t.Errorf("%s: it was written over", data)
		}
		if list, err := Read(t.Context(), store, time.Now()); err == nil {
			t.Errorf("%s: got %v, want an error", data, list)
		}
		l.timer.Stop()
	}
}

func FuzzParsePeriod(f *testing.F) {
	for _, id := range []string{"1/2", "-62135596800/9223372036854775807", "2/1", "/", "a"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		p, err := parsePeriod(id)
		if err != nil {
			return
		}
		if again, err := parsePeriod(p.String()); err != nil || again != p {
			t.Errorf("%q: got %v, %v again", id, again, err)
		}
	})
}

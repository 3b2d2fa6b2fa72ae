package policies

import (
	"context"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"toolgate/shared/expr"
	"toolgate/shared/memory"
	"toolgate/shared/policy"
)

// book is a ledger.
type book struct{ entries []policy.Spending }

func (b *book) Record(_ context.Context, s policy.Spending) { b.entries = append(b.entries, s) }
func (b *book) Flush(context.Context) error                 { return nil }

// till is a budget with a price that the backend says.
type till struct {
	*policy.Pipeline
	book book
}

func newTill(t *testing.T, attributes string) *till {
	t.Helper()
	now := func() time.Time { return time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC) }
	made := &till{}
	counters := memory.New(memory.Options{Now: now})
	made.Pipeline = pipelineBefore(t, `<budget amount="1" currency="EUR" counter-key="k" budget-period="Monthly" price-header="Cost" `+attributes+` />`, "<forward-request />",
		&policy.Services{Quotas: counters, Reserves: counters, Ledger: &made.book, Now: now})
	return made
}

// call makes a call up to its response, which says what it costs.
func (m *till) call(t *testing.T, tool string, cost ...string) *policy.Exchange {
	t.Helper()
	x := callOf(http.MethodGet, nil)
	x.Mcp = &expr.Mcp{Method: "tools/call", ServerName: "shop", ToolName: tool}
	x.Forward = func(context.Context, policy.ForwardOptions) error {
		r := answered()
		r.Headers["Cost"] = cost
		x.Respond(r)
		return nil
	}
	m.Run(t.Context(), x)
	return x
}

// pay makes a whole call, and tells whether it passed.
func (m *till) pay(t *testing.T, tool string, cost ...string) bool {
	t.Helper()
	x := m.call(t, tool, cost...)
	x.End(t.Context())
	return x.Failure == nil
}

// What calls that are on the way may cost is not there for others.
func TestBudgetOfCallsOnTheWay(t *testing.T) {
	m := newTill(t, `price-per-call="0.1"`)
	if !m.pay(t, "dear", "0.2") { // costs 0.3 in all
		t.Fatal("the first call was refused")
	}
	var under []*policy.Exchange
	for range 2 {
		under = append(under, m.call(t, "dear", "0"))
	}
	third := m.call(t, "dear", "0")
	if under[0].Failure != nil || under[1].Failure != nil || third.Failure == nil || third.Failure.Reason != "BudgetExceeded" {
		t.Errorf("got %v, %v and %v, want that two calls of 0.30 pass beside one another with 0.70 left", under[0].Failure, under[1].Failure, third.Failure)
	}
	if !m.pay(t, "cheap") {
		t.Error("a call of 0.10 was refused with 0.10 left")
	}
	for _, x := range append(under, third) {
		x.End(t.Context())
	}
	if !m.pay(t, "dear") { // 0.40 is left and 0.30 needed
		t.Error("what was kept for calls was not given back")
	}
}

// A tool's last eight prices count, and not those of others.
func TestBudgetLearnsPrices(t *testing.T) {
	m := newTill(t, "")
	if !m.pay(t, "a", "0.4") {
		t.Fatal("the first call was refused")
	}
	for i := range 8 {
		if !m.pay(t, "a", "0.02") {
			t.Fatalf("cheap call %d was refused", i)
		}
	}
	if !m.pay(t, "a", "0.07") || !m.pay(t, "a", "0.3") { // with 0.44 and 0.37 left
		t.Error("a price counts that is none of the last eight")
	}
	if m.pay(t, "a") {
		t.Error("a call passed with 0.07 left that may cost 0.30")
	}
	if !m.pay(t, "b", "0.05", "0.02") {
		t.Error("another tool's prices count")
	}
	if m.pay(t, "b") || m.pay(t, "c") {
		t.Error("a call passed with nothing left")
	}
}

// The ledger gets what a call costs in all, of its tool and in its period.
func TestBudgetRecords(t *testing.T) {
	m := newTill(t, `price-per-call="0.1"`)
	m.pay(t, "a", "0.2")
	m.pay(t, "b", "-5")
	m.pay(t, "b", "0.3", "x")
	m.pay(t, "a", "9")
	m.pay(t, "a") // refused
	want := policy.Spending{
		Key: "k", Currency: "EUR", Budget: 1_000_000, Start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), End: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC),
	}
	var wants []policy.Spending
	for _, w := range []struct {
		tool   string
		amount policy.Money
	}{{"shop/a", 300_000}, {"shop/b", 100_000}, {"shop/b", 400_000}} {
		want.Tool, want.Amount = w.tool, w.amount
		wants = append(wants, want)
	}
	if !reflect.DeepEqual(m.book.entries, wants) {
		t.Errorf("got %+v, want %+v", m.book.entries, wants)
	}
}

func TestPeriodAt(t *testing.T) {
	day := func(d int) time.Time { return time.Date(2026, 1, d, 0, 0, 0, 0, time.UTC) }
	for _, tt := range []struct {
		name       string
		now, first time.Time
		length     time.Duration
		start, end time.Time
	}{
		{"the first", day(1).Add(time.Hour), day(1), 24 * time.Hour, day(1), day(2)},
		{"its end", day(2), day(1), 24 * time.Hour, day(2), day(3)},
		{"before it", day(1), day(5), 24 * time.Hour, day(5), day(6)},
		{"from the year 1", day(7).Add(time.Minute), time.Time{}, 24 * time.Hour, day(7), day(8)},
		{"for ever", day(7), day(1), 0, day(1), time.Time{}},
	} {
		if start, end := periodAt(tt.now, tt.first, tt.length); !start.Equal(tt.start) || !end.Equal(tt.end) {
			t.Errorf("%s: got %v to %v, want %v to %v", tt.name, start, end, tt.start, tt.end)
		}
	}
}

func TestToolOf(t *testing.T) {
	api, operation := &expr.Api{ID: "orders"}, &expr.Operation{ID: "get"}
	var got []string
	for _, c := range []expr.Context{
		{Api: api, Operation: operation, Mcp: &expr.Mcp{ServerName: "shop", Method: "tools/call", ToolName: "getOrder"}},
		{Mcp: &expr.Mcp{ServerName: "shop", Method: "tools/list"}}, {Api: api, Operation: operation}, {Api: api}, {},
	} {
		got = append(got, toolOf(&policy.Exchange{Context: c}))
	}
	if want := "shop/getOrder, shop tools/list, orders/get, orders, "; strings.Join(got, ", ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

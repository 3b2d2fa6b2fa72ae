package governance_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"toolgate/shared/gateway"
	"toolgate/shared/ledger"
	"toolgate/shared/policy"
	"toolgate/shared/services"
	"toolgate/shared/state"
	"toolgate/tests/internal/folder"
)

const budgetFolder = `
name: contoso
allowedHosts: [ 127.0.0.1 ]
backends: { orders: { url: "{{backend}}" } }
namedValues: { backend: { env: BACKEND } }
apis:
  orders:
    backend: orders
    path: orders
    policy: policies/api.xml
    operations: { get: { method: GET, urlTemplate: "/{id}" }, count: { method: GET, urlTemplate: "/count/{id}" } }
`

const budgetPolicy = `<policies>
  <inbound><budget amount="1.00" currency="EUR" renewal-period="0" counter-key="all" %s /></inbound>
  <backend><forward-request /></backend>
  <outbound />
</policies>`

// budgets are gateways that share a store.
type budgets struct {
	bases []string
	store state.Memory
	flush []func(context.Context) error
	calls int // of the backend
	mu    sync.Mutex
}

func newBudgets(t *testing.T, gateways int, prices string) *budgets {
	t.Helper()
	b := &budgets{}
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		b.mu.Lock()
		b.calls++
		b.mu.Unlock()
		w.Header().Set("X-Cost", "0.015")
	}))
	t.Cleanup(backend.Close)
	dir := folder.Write(t, map[string]string{"gateway.yaml": budgetFolder, "policies/api.xml": fmt.Sprintf(budgetPolicy, prices)})
	for range gateways {
		s := services.New(services.Options{Store: &b.store})
		b.flush = append(b.flush, s.Ledger.Flush)
		b.bases = append(b.bases, folder.Serve(t, dir, map[string]string{"BACKEND": backend.URL}, gateway.Options{Services: s}))
	}
	return b
}

// use makes calls until the budget is exceeded, so many at a time through each
// gateway, and returns how many passed.
func (b *budgets) use(t *testing.T, callers int) int {
	t.Helper()
	var all sync.WaitGroup
	for i, base := range b.bases {
		for range callers {
			all.Go(func() {
				for n := range 1000 {
					path := []string{"/orders/1", "/orders/count/1"}[(i+n)%2]
					status, body := get(t, base+path)
					if status == http.StatusForbidden && body == `{"statusCode":403,"message":"Budget exceeded."}` {
						return
					}
					if status != http.StatusOK {
						t.Errorf("%s: got %d %s", path, status, body)
						return
					}
				}
				t.Error("the budget is never exceeded")
			})
		}
	}
	all.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.calls
}

func get(t *testing.T, target string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Error(err)
	}
	return res.StatusCode, string(body)
}

// A budget by price-per-call is exact over gateways that share a store, and the
// report agrees with what their backends saw.
func TestBudgetOfManyGateways(t *testing.T) {
	b := newBudgets(t, 4, `price-per-call="0.003"`)
	if calls := b.use(t, 3); calls > 334 || calls < 320 {
		t.Errorf("%d calls passed, want 333 of 0.003, one more at most", calls)
	}
	b.report(t, 3000)
}

// One by prices that come with the response is exceeded by what is on the way.
func TestBudgetByDeclaredPrices(t *testing.T) {
	b := newBudgets(t, 3, `price-header="X-Cost"`)
	if calls := b.use(t, 2); calls > 67+6 || calls < 60 {
		t.Errorf("%d calls passed, want 67 of 0.015, and at most the 6 on the way besides", calls)
	}
	b.report(t, 15_000)
}

// report compares what was recorded with the calls of the backend.
func (b *budgets) report(t *testing.T, price policy.Money) {
	t.Helper()
	for _, flush := range b.flush {
		if err := flush(t.Context()); err != nil {
			t.Errorf("Flush: %v", err)
		}
	}
	accounts, err := ledger.Read(t.Context(), &b.store, time.Now())
	if err != nil || len(accounts) != 1 || len(accounts[0].Tools) != 2 {
		t.Fatalf("got %+v, %v, want one account of two operations", accounts, err)
	}
	a := accounts[0]
	var calls int64
	for _, tool := range a.Tools {
		if !strings.HasPrefix(tool.Name, "orders/") {
			t.Errorf("got the operation %q", tool.Name)
		}
		calls += tool.Calls
	}
	if calls != int64(b.calls) || a.Spent != price*policy.Money(calls) || a.Key != "all" || a.Currency != "EUR" || a.Budget.String() != "1.00" || !a.Current || !a.End.IsZero() {
		t.Errorf("got %+v, want %d calls of %s", a, b.calls, price)
	}
}

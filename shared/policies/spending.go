package policies

import (
	"context"
	"sync"
	"time"

	"toolgate/shared/policy"
)

// spending is one call's part of a budget.
type spending struct {
	*budget
	name, key  string // the counter's, as the document says it and as quotas tell it apart
	tool       string
	quota      policy.Quota // Calls are millionths of the currency
	start, end time.Time    // of the period
	held       policy.Money // kept from others until the price is known
	charged    policy.Money // before the call
	passed     func() int64 // bytes of the response so far; nil: they cost nothing
	declared   []string     // by the response's headers
	responded  bool
}

// admit refuses the call, or charges what it costs in any case and says what is
// left then.
func (s *spending) admit(ctx context.Context, x *policy.Exchange) (left policy.Money, err error) {
	quotas := s.services.Quotas
	state, err := quotas.Use(ctx, s.key, s.quota, policy.Usage{}, false)
	if err != nil {
		return 0, countingError(x, "budget", s.name, err)
	}
	left = policy.Money(state.Remaining.Calls)
	need := min(max(s.perCall, s.memory.dearest(s.tool)), s.amount)
	if state.CallsExceeded || !s.memory.hold(s.key, left, need, need-s.perCall) {
		return 0, s.exceeded(x, state)
	}
	s.held = need - s.perCall
	if s.perCall == 0 {
		return left, nil
	}
	state, err = quotas.Use(ctx, s.key, s.quota, policy.Usage{Calls: int64(s.perCall)}, false)
	if err != nil {
		err = countingError(x, "budget", s.name, err)
	} else if state.CallsExceeded {
		err = s.exceeded(x, state)
	}
	if err != nil {
		s.memory.release(s.key, s.held)
		return 0, err
	}
	s.charged = s.perCall
	return max(0, policy.Money(state.Remaining.Calls)), nil
}

// follow has the rest of the price charged at the end, and all of it recorded.
func (s *spending) follow(x *policy.Exchange) {
	if s.late() {
		x.OnResponse(func(context.Context) error { return s.came(x) })
	}
	x.AtEnd(func(ctx context.Context) {
		s.memory.release(s.key, s.held)
		var rest policy.Money
		if s.responded {
			rest = s.rest(x)
			s.memory.remember(s.tool, s.charged.Plus(rest))
		}
		if rest > 0 {
			_, _ = s.services.Quotas.Use(ctx, s.key, s.quota, policy.Usage{Calls: int64(rest)}, true) // the call is answered already
		}
		if s.services.Ledger != nil {
			s.services.Ledger.Record(ctx, policy.Spending{
				Key: s.name, Tool: s.tool, Currency: s.Currency, Budget: s.amount, Start: s.start, End: s.end, Amount: s.charged.Plus(rest),
			})
		}
	})
}

// came takes from the response what policies of outbound may change.
func (s *spending) came(x *policy.Exchange) error {
	s.responded = true
	message := policy.Message{Response: x.Response}
	if s.Header != "" {
		s.declared = message.Header().Values(s.Header)
	}
	if s.perKilobyte > 0 {
		message.Body().Watch(func([]byte, bool) {})
		s.passed = func() int64 { return policy.Message{Response: x.Response}.Body().Passed() }
	}
	if s.Price.Reads().Response {
		if err := message.Body().Hold(); err != nil {
			return policy.BodyError("forward-request", err)
		}
	}
	return nil
}

// rest is what the response costs. A price that cannot be read is as high as the
// highest of the last ones: nobody gets around a budget by making it fail.
func (s *spending) rest(x *policy.Exchange) policy.Money {
	var sum policy.Money
	readable := true
	add := func(text string, err error) {
		var price policy.Money
		if err == nil {
			price, _, err = policy.ParseMoney(text)
		}
		if readable = readable && err == nil; err == nil {
			sum = sum.Plus(price)
		}
	}
	for _, text := range s.declared {
		add(text, nil)
	}
	if s.Price.IsSet() {
		add(s.Price.Get(x))
	}
	if s.passed != nil {
		sum = sum.Plus(s.perKilobyte.Times(s.passed(), kilobyte))
	}
	if !readable {
		sum = max(sum, s.memory.dearest(s.tool)-s.charged)
	}
	return sum
}

// spendingMemory is what an instance knows of the prices of a budget's calls.
type spendingMemory struct {
	mu    sync.Mutex
	held  map[string]policy.Money // by counter, for calls that are on the way
	tools map[string]*lastPrices
}

// lastPrices are those of the last calls of a tool, in no order.
type lastPrices struct {
	prices [8]policy.Money
	next   int
}

// maxPricedTools bounds the tools of which prices are remembered: a client may
// write any name. Beyond it one is forgotten for another.
const maxPricedTools = 1024

func newSpendingMemory() *spendingMemory {
	return &spendingMemory{held: map[string]policy.Money{}, tools: map[string]*lastPrices{}}
}

// dearest is the highest of the last prices of a tool.
func (m *spendingMemory) dearest(tool string) policy.Money {
	m.mu.Lock()
	defer m.mu.Unlock()
	var most policy.Money
	if t := m.tools[tool]; t != nil {
		for _, price := range t.prices {
			most = max(most, price)
		}
	}
	return most
}

// remember notes the price of a call.
func (m *spendingMemory) remember(tool string, price policy.Money) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.tools[tool]
	if t == nil {
		if len(m.tools) >= maxPricedTools {
			for other := range m.tools { // any one
				delete(m.tools, other)
				break
			}
		}
		t = &lastPrices{}
		m.tools[tool] = t
	}
	t.prices[t.next] = price
	t.next = (t.next + 1) % len(t.prices)
}

// hold keeps something of a counter for a call, if what is left and not kept for
// others covers what the call needs.
func (m *spendingMemory) hold(key string, left, need, hold policy.Money) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	held := m.held[key]
	if left-held < need {
		return false
	}
	if hold > 0 {
		m.held[key] = held + hold
	}
	return true
}

// release gives back what was kept.
func (m *spendingMemory) release(key string, hold policy.Money) {
	if hold == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.held[key] -= hold; m.held[key] <= 0 {
		delete(m.held, key)
	}
}

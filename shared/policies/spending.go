package policies

import (
	"context"
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
	kept       policy.Money // from others, until the price is known; with what is charged before
	settle     func(policy.Money)
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
	s.kept, s.settle = s.services.Reserves.Reserve(policy.Reservation{Counter: s.key, Kind: s.place + " " + s.tool, Least: s.perCall, Most: s.amount, Left: left})
	if state.CallsExceeded || s.settle == nil {
		s.settled(policy.Unpriced)
		return 0, s.exceeded(x, state)
	}
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
		s.settled(policy.Unpriced)
		return 0, err
	}
	s.charged = s.perCall
	return max(0, policy.Money(state.Remaining.Calls)), nil
}

// settled gives back what was kept for the call, if anything.
func (s *spending) settled(price policy.Money) {
	if s.settle != nil {
		s.settle(price)
	}
}

// follow has the rest of the price charged at the end, and all of it recorded.
func (s *spending) follow(x *policy.Exchange) {
	if s.late() {
		x.OnResponse(func(context.Context) error { return s.came(x) })
	}
	x.AtEnd(func(ctx context.Context) {
		rest, price := policy.Money(0), policy.Unpriced
		if s.responded {
			rest = s.rest(x)
			price = s.charged.Plus(rest)
		}
		if rest > 0 {
			_, _ = s.services.Quotas.Use(ctx, s.key, s.quota, policy.Usage{Calls: int64(rest)}, true) // the call is answered already
		}
		s.settled(price)
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

// rest is what the response costs. A price that cannot be read is as high as what was
// kept for the call: nobody gets around a budget by making it fail.
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
		sum = max(sum, s.kept-s.charged)
	}
	return sum
}

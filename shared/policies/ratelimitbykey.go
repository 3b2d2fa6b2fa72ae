package policies

import (
	"context"
	"time"

	"toolgate/shared/policy"
)

func init() { registered["rate-limit-by-key"] = func() policy.Statement { return &rateLimitByKey{} } }

// rateLimitByKey allows at most calls per renewal-period for each counter-key
// and answers 429 with Retry-After beyond that. Policies of any documents that
// have a key and a period in common share its counter. What an expression
// decides is counted when the response was sent; the limit is then noticed one
// call late.
type rateLimitByKey struct {
	Calls  policy.Value[int]           `attr:"calls,required"`
	Period policy.Value[time.Duration] `attr:"renewal-period,required"`
	Key    policy.Value[string]        `attr:"counter-key,required"`
	increment
	storeFailure
	limitNames
	mcpMethods

	limiter policy.Limiter
}

func (p *rateLimitByKey) Prepare(c *policy.Compilation) {
	p.increment.prepare(c)
	p.mcpMethods.prepare()
	if p.limiter = c.Services.Limiter; p.limiter == nil {
		c.Fault(c.Element.At, "remove the policy", "%s needs a store of counters", c.Element.Name)
	}
}

func (p *rateLimitByKey) Apply(ctx context.Context, x *policy.Exchange) error {
	if p.leaveOut(x) {
		return nil
	}
	key, err := p.Key.Get(x)
	if err != nil {
		return err
	}
	l := policy.Limit{OnStoreFailure: p.chosen()}
	if l.Calls, err = p.Calls.Get(x); err != nil {
		return err
	}
	if l.Period, err = p.Period.Get(x); err != nil {
		return err
	}
	key = "rate-limit-by-key " + key
	cost := 0
	if p.late {
		p.follow(x)
	} else {
		cost = p.amount(x)
	}
	s, err := p.limiter.Take(ctx, key, l, cost)
	if err != nil {
		return countingError(x, "rate-limit-by-key", key, err)
	}
	p.tell(x, s, l.Calls)
	if s.Exceeded {
		return rateLimitExceeded("rate-limit-by-key", s)
	}
	if p.late {
		x.AtEnd(func(ctx context.Context) {
			if n := p.amount(x); n > 0 {
				_, _ = p.limiter.Add(ctx, key, l, n) // the call is answered already
			}
		})
	}
	return nil
}

package policies

import (
	"context"
	"time"

	"toolgate/shared/policy"
)

func init() { registered["quota-by-key"] = func() policy.Statement { return &quotaByKey{} } }

// quotaByKey allows so many calls or kilobytes for each counter-key in each
// period since first-period-start, and answers 403 with Retry-After beyond that.
// Policies of any documents that have a key and periods in common share its
// counter, which a call increments once. What an expression decides is counted
// when the response was sent.
type quotaByKey struct {
	amounts
	Period time.Duration        `attr:"renewal-period,required"`
	Key    policy.Value[string] `attr:"counter-key,required"`
	First  string               `attr:"first-period-start"`
	increment
	storeFailure

	quotas policy.Quotas
	quota  policy.Quota
}

func (p *quotaByKey) Prepare(c *policy.Compilation) {
	p.increment.prepare(c)
	if p.quotas = c.Services.Quotas; p.quotas == nil {
		c.Fault(c.Element.At, "remove the policy", "%s needs a store of counters", c.Element.Name)
	}
	p.quota = p.amounts.quota(p.Period)
	p.quota.OnStoreFailure = p.chosen()
	if p.quota.Bytes > 0 {
		c.NeedsResponse()
	}
	var err error
	if p.quota.Start, err = time.Parse(time.RFC3339, p.First); err != nil {
		c.Fault(c.Element.At, "write a time such as 2026-01-31T00:00:00Z", "first-period-start is no time")
	}
}

func (p *quotaByKey) Apply(ctx context.Context, x *policy.Exchange) error {
	key, err := p.Key.Get(x)
	if err != nil {
		return err
	}
	use := quotaUse{source: "quota-by-key", quotas: p.quotas, key: "quota-by-key " + key, quota: p.quota}
	calls := 0
	if !p.late {
		calls = p.amount(x)
	}
	first, err := use.begin(ctx, x, calls)
	if err != nil || !first || !p.late && p.quota.Bytes == 0 {
		return err
	}
	p.follow(x)
	var t transferred
	if p.quota.Bytes > 0 {
		t = measure(x)
	}
	x.AtEnd(func(ctx context.Context) {
		n := p.amount(x)
		if n == 0 {
			return
		}
		var later policy.Usage
		if p.late {
			later.Calls = int64(n)
		}
		if p.quota.Bytes > 0 {
			later.Bytes = t.bytes(x)
		}
		use.later(ctx, later)
	})
	return nil
}

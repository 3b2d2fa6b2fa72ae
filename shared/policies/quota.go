package policies

import (
	"context"
	"fmt"
	"slices"
	"time"

	"toolgate/shared/expr"
	"toolgate/shared/policy"
)

func init() { registered["quota"] = func() policy.Statement { return &quota{} } }

// quota allows a subscription so many calls or kilobytes in each period that
// began with the subscription, and less for single APIs and operations, and
// answers 403 beyond that. Calls without a subscription pass.
type quota struct {
	amounts
	Period time.Duration `attr:"renewal-period,required"`
	storeFailure
	APIs []struct {
		limited
		amounts
		Period     policy.Value[time.Duration] `attr:"renewal-period"`
		Operations []struct {
			limited
			amounts
			Period policy.Value[time.Duration] `attr:"renewal-period"`
		} `elements:"operation"`
	} `elements:"api"`

	quotas policy.Quotas
	limits []subscriptionQuota
}

// amounts are what may be used in a period; 0 sets no limit.
type amounts struct {
	Calls     int `attr:"calls"`
	Bandwidth int `attr:"bandwidth"` // kilobytes of requests and responses
}

// kilobyte is the unit of bandwidth, in bytes.
const kilobyte = 1024

// quota is the quota of the amounts in periods of a length.
func (a amounts) quota(period time.Duration) policy.Quota {
	return policy.Quota{Calls: int64(a.Calls), Bytes: int64(a.Bandwidth) * kilobyte, Period: period}
}

// subscriptionQuota is one of the quotas of the policy.
type subscriptionQuota struct {
	api, operation *limited // nil: any
	key            string   // to which the subscription's id is added
	quota          policy.Quota
}

func (p *quota) Prepare(c *policy.Compilation) {
	if p.quotas = c.Services.Quotas; p.quotas == nil {
		c.Fault(c.Element.At, "remove the policy", "%s needs a store of counters", c.Element.Name)
	}
	at := counterOf(c)
	p.add(c, nil, nil, at, p.amounts.quota(p.Period))
	for i := range p.APIs {
		a := &p.APIs[i]
		key := fmt.Sprintf("%s api[%d]", at, i)
		period := periodOr(a.Period, p.Period)
		p.add(c, &a.limited, nil, key, a.amounts.quota(period))
		for j := range a.Operations {
			o := &a.Operations[j]
			p.add(c, &a.limited, &o.limited, fmt.Sprintf("%s operation[%d]", key, j), o.amounts.quota(periodOr(o.Period, period)))
		}
	}
}

// periodOr is the period of an element, or else that of the one around it.
func periodOr(own policy.Value[time.Duration], outer time.Duration) time.Duration {
	if period, ok := own.Literal(); ok {
		return period
	}
	return outer
}

// add adds a quota; one without amounts has none, because the element is there
// for the operations in it.
func (p *quota) add(c *policy.Compilation, api, operation *limited, key string, q policy.Quota) {
	if q.Calls == 0 && q.Bytes == 0 {
		return
	}
	if q.Bytes > 0 {
		c.NeedsResponse()
	}
	q.OnStoreFailure = p.chosen()
	p.limits = append(p.limits, subscriptionQuota{api, operation, key + " ", q})
}

// firstPeriod is when the periods of a subscription began.
func firstPeriod(s *expr.Subscription) time.Time {
	if s.StartDate != nil {
		return *s.StartDate
	}
	return s.CreatedDate
}

// Left serves policy.SubscriptionQuotas, for the quotas that are for all APIs.
func (p *quota) Left(ctx context.Context, s *expr.Subscription) ([]policy.Left, error) {
	var all []policy.Left
	for _, l := range p.limits {
		if l.api != nil || l.operation != nil {
			continue
		}
		q := l.quota
		q.Start = firstPeriod(s)
		state, err := p.quotas.Use(ctx, l.key+s.ID, q, policy.Usage{}, false)
		if err != nil {
			return nil, fmt.Errorf("looking what subscription %q has left: %w", s.ID, err)
		}
		all = append(all, policy.Left{Quota: q, State: state})
	}
	return all, nil
}

func (p *quota) Apply(ctx context.Context, x *policy.Exchange) error {
	if x.Subscription == nil {
		return nil
	}
	start := firstPeriod(x.Subscription)
	var bandwidth []quotaUse
	for _, l := range slices.Backward(p.limits) { // the narrow ones first: a call that one refuses does not count for the wide ones
		if !applies(x, l.api, l.operation) {
			continue
		}
		use := quotaUse{source: "quota", quotas: p.quotas, key: l.key + x.Subscription.ID, quota: l.quota}
		use.quota.Start = start
		if _, err := use.begin(ctx, x, 1); err != nil {
			return err
		}
		if l.quota.Bytes > 0 {
			bandwidth = append(bandwidth, use)
		}
	}
	if len(bandwidth) > 0 {
		t := measure(x)
		x.AtEnd(func(ctx context.Context) {
			for _, use := range bandwidth {
				use.later(ctx, policy.Usage{Bytes: t.bytes(x)})
			}
		})
	}
	return nil
}

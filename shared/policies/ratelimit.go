package policies

import (
	"context"
	"fmt"
	"strings"
	"time"

	"toolgate/shared/policy"
)

func init() { registered["rate-limit"] = func() policy.Statement { return &rateLimit{} } }

// rateLimit allows a subscription at most calls per renewal-period, and more or
// fewer for single APIs and operations, and answers 429 with Retry-After beyond
// that. Calls without a subscription pass.
type rateLimit struct {
	callLimit
	storeFailure
	limitNames
	mcpMethods
	APIs []struct {
		limited
		callLimit
		Operations []struct {
			limited
			callLimit
		} `elements:"operation"`
	} `elements:"api"`

	limiter policy.Limiter
	limits  []subscriptionLimit
}

// callLimit is a number of calls in a period.
type callLimit struct {
	Calls  int           `attr:"calls,required"`
	Period time.Duration `attr:"renewal-period,required"`
}

// limited names an API or an operation. The id counts when there is one.
type limited struct {
	ID   string `attr:"id"`
	Name string `attr:"name"`
}

// is tells whether the API or operation of an id and a name is meant.
func (l limited) is(id, name string) bool {
	if l.ID != "" {
		return strings.EqualFold(l.ID, id)
	}
	return strings.EqualFold(l.Name, name)
}

// applies tells whether a call is for an API, and for an operation of it; nil is
// for any.
func applies(x *policy.Exchange, api, operation *limited) bool {
	return (api == nil || x.Api != nil && api.is(x.Api.ID, x.Api.Name)) &&
		(operation == nil || x.Operation != nil && operation.is(x.Operation.ID, x.Operation.Name))
}

// subscriptionLimit is one of the limits of the policy.
type subscriptionLimit struct {
	api, operation *limited // nil: any
	key            string   // to which the subscription's id is added
	limit          policy.Limit
}

func (p *rateLimit) Prepare(c *policy.Compilation) {
	p.mcpMethods.prepare()
	if p.limiter = c.Services.Limiter; p.limiter == nil {
		c.Fault(c.Element.At, "remove the policy", "%s needs a store of counters", c.Element.Name)
	}
	at := counterOf(c)
	p.add(nil, nil, at, p.callLimit)
	for i := range p.APIs {
		a := &p.APIs[i]
		key := fmt.Sprintf("%s api[%d]", at, i)
		p.add(&a.limited, nil, key, a.callLimit)
		for j := range a.Operations {
			o := &a.Operations[j]
			p.add(&a.limited, &o.limited, fmt.Sprintf("%s operation[%d]", key, j), o.callLimit)
		}
	}
}

// counterOf is the beginning of the key of counters that belong to a policy as
// it stands in its document.
func counterOf(c *policy.Compilation) string { return c.Element.Name + " " + c.Element.At.String() }

func (p *rateLimit) add(api, operation *limited, key string, l callLimit) {
	limit := policy.Limit{Calls: l.Calls, Period: l.Period, OnStoreFailure: p.chosen()}
	p.limits = append(p.limits, subscriptionLimit{api, operation, key + " ", limit})
}

func (p *rateLimit) Apply(ctx context.Context, x *policy.Exchange) error {
	if x.Subscription == nil || p.leaveOut(x) {
		return nil
	}
	var few [4]*subscriptionLimit
	apply := few[:0]
	for i := range p.limits {
		if l := &p.limits[i]; applies(x, l.api, l.operation) {
			apply = append(apply, l)
		}
	}
	if len(apply) > 1 { // a call that one of them refuses counts for none
		if err := p.take(ctx, x, apply, 0); err != nil {
			return err
		}
	}
	return p.take(ctx, x, apply, 1)
}

// take takes from all limits, and tells about the one of which least is left.
func (p *rateLimit) take(ctx context.Context, x *policy.Exchange, limits []*subscriptionLimit, cost int) error {
	var least policy.Spent
	calls := 0
	for i, l := range limits {
		s, err := p.limiter.Take(ctx, l.key+x.Subscription.ID, l.limit, cost)
		if err != nil {
			return countingError(x, "rate-limit", l.key, err)
		}
		if s.Exceeded {
			p.tell(x, s, l.limit.Calls)
			return rateLimitExceeded("rate-limit", s)
		}
		if i == 0 || s.Remaining < least.Remaining {
			least, calls = s, l.limit.Calls
		}
	}
	p.tell(x, least, calls)
	return nil
}

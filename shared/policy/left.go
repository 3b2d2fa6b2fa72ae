package policy

import (
	"context"

	"toolgate/shared/expr"
)

// Left is what a subscription has left of a quota.
type Left struct {
	Policy string // the name of the element
	Quota  Quota
	State  QuotaState
}

// SubscriptionQuotas is a statement that counts by subscriptions.
type SubscriptionQuotas interface {
	// Left looks what a subscription has left, and uses nothing of it.
	Left(ctx context.Context, s *expr.Subscription) ([]Left, error)
}

// Left is what a subscription has left of the quotas that hold for every message:
// those of inbound that are under no condition.
func (p *Pipeline) Left(ctx context.Context, s *expr.Subscription) ([]Left, error) {
	var all []Left
	for _, one := range p.section(Inbound).statements {
		counts, ok := one.Statement.(SubscriptionQuotas)
		if !ok {
			continue
		}
		left, err := counts.Left(ctx, s)
		if err != nil {
			return nil, err
		}
		for _, l := range left {
			l.Policy = one.element.Name
			all = append(all, l)
		}
	}
	return all, nil
}

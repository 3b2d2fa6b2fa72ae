package policies

import (
	"context"

	"toolgate/shared/policy"
)

func init() { registered["choose"] = func() policy.Statement { return &choose{} } }

// choose runs the policies of the first branch whose condition is true.
type choose struct {
	When      []when       `elements:"when"`
	Otherwise policy.Block `element:"otherwise"`
}

type when struct {
	Condition policy.Value[bool] `attr:"condition,required"`
	Policies  policy.Block       `policies:"*"`
}

func (p *choose) Apply(ctx context.Context, x *policy.Exchange) error {
	for i := range p.When {
		w := &p.When[i]
		chosen, err := w.Condition.Get(x)
		if err != nil {
			return err
		}
		if chosen {
			return w.Policies.Run(ctx, x)
		}
	}
	return p.Otherwise.Run(ctx, x)
}

package policies

import (
	"context"
	"fmt"

	"toolgate/shared/policy"
)

func init() { registered["choose"] = func() policy.Statement { return &choose{} } }

// choose runs the policies of the first branch whose condition is true.
type choose struct {
	When      []when       `elements:"when"`
	Otherwise policy.Block `element:"otherwise"`

	conditions []string // of When, as the document has them
}

type when struct {
	Condition policy.Value[bool] `attr:"condition,required"`
	Policies  policy.Block       `policies:"*"`
}

func (p *choose) Prepare(c *policy.Compilation) {
	for _, child := range c.Element.Children {
		if child.Name == "when" {
			condition, _ := child.Attribute("condition")
			p.conditions = append(p.conditions, condition.Value.Source)
		}
	}
}

// note tells which branch was taken: one of When, or the one behind them.
func (p *choose) note(x *policy.Exchange, branch int) {
	switch {
	case x.Tracer == nil:
	case branch < len(p.conditions):
		x.Note(policy.NoteBranch, fmt.Sprintf("when[%d]", branch+1), p.conditions[branch])
	case p.Otherwise.Len() > 0:
		x.Note(policy.NoteBranch, "otherwise", nil)
	default:
		x.Note(policy.NoteBranch, "none", nil)
	}
}

func (p *choose) Apply(ctx context.Context, x *policy.Exchange) error {
	for i := range p.When {
		w := &p.When[i]
		chosen, err := w.Condition.Get(x)
		if err != nil {
			return err
		}
		if chosen {
			p.note(x, i)
			return w.Policies.Run(ctx, x)
		}
	}
	p.note(x, len(p.When))
	return p.Otherwise.Run(ctx, x)
}

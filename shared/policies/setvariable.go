package policies

import (
	"context"

	"toolgate/shared/policy"
)

func init() { registered["set-variable"] = func() policy.Statement { return &setVariable{} } }

// setVariable sets a variable of the context. An expression keeps its type.
type setVariable struct {
	Name  string            `attr:"name,required"`
	Value policy.Value[any] `attr:"value,required"`
}

func (p *setVariable) Apply(_ context.Context, x *policy.Exchange) error {
	value, err := p.Value.Get(x)
	if err != nil {
		return err
	}
	x.SetVariable(p.Name, value)
	return nil
}

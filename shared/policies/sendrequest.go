package policies

import (
	"context"

	"toolgate/shared/policy"
)

func init() { registered["send-request"] = func() policy.Statement { return &sendRequest{} } }

// sendRequest sends a request of its own and puts the response, whatever its
// status, into a variable. With ignore-error the variable is null when there is
// no response.
type sendRequest struct {
	outgoing
	Variable    policy.Value[string] `attr:"response-variable-name,required"`
	IgnoreError bool                 `attr:"ignore-error"`
}

func (p *sendRequest) Prepare(c *policy.Compilation) { p.prepare(c) }

func (p *sendRequest) Apply(ctx context.Context, x *policy.Exchange) error {
	name, err := p.Variable.Get(x)
	if err != nil {
		return err
	}
	r, err := p.request(ctx, x)
	if err == nil {
		response, failed := send(ctx, p.sender, "send-request", r)
		if failed == nil {
			x.SetVariable(name, response)
			return nil
		}
		err = failed
	}
	if p.IgnoreError && unsent(err) {
		x.SetVariable(name, nil)
		return nil
	}
	return err
}

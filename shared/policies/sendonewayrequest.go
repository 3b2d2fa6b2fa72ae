package policies

import (
	"context"

	"toolgate/shared/policy"
)

func init() {
	registered["send-one-way-request"] = func() policy.Statement { return &sendOneWayRequest{} }
}

// sendOneWayRequest sends a request of its own when the response of the call
// was sent: nobody waits for what comes of it. The request is made at once,
// with the values of this moment.
type sendOneWayRequest struct {
	outgoing
}

func (p *sendOneWayRequest) Prepare(c *policy.Compilation) { p.prepare(c) }

func (p *sendOneWayRequest) Apply(ctx context.Context, x *policy.Exchange) error {
	r, err := p.request(ctx, x)
	if err != nil {
		if unsent(err) {
			return nil // as if it had been sent in vain
		}
		return err
	}
	x.AtEnd(func(ctx context.Context) {
		if response, err := p.sender.Send(ctx, r); err == nil {
			_ = policy.Message{Response: response}.Body().Close()
		}
	})
	return nil
}

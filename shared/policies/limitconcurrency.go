package policies

import (
	"context"
	"fmt"
	"net/http"

	"toolgate/shared/policy"
)

func init() { registered["limit-concurrency"] = func() policy.Statement { return &limitConcurrency{} } }

// limitConcurrency runs the policies inside unless max-count calls of the same
// key are inside of such a policy already, and answers 429 then. The key counts
// wherever it stands.
type limitConcurrency struct {
	Key      policy.Value[string] `attr:"key,required"`
	MaxCount int                  `attr:"max-count,required"`
	Policies policy.Block         `policies:"*"`

	concurrency policy.Concurrency
}

func (p *limitConcurrency) Prepare(c *policy.Compilation) {
	p.concurrency = c.Services.Concurrency
	if p.concurrency == nil {
		c.Fault(c.Element.At, "remove the policy", "limit-concurrency has nothing to count with")
	}
}

func (p *limitConcurrency) Apply(ctx context.Context, x *policy.Exchange) error {
	key, err := p.Key.Get(x)
	if err != nil {
		return err
	}
	leave, err := p.concurrency.Enter(ctx, key, p.MaxCount)
	if err != nil {
		return fmt.Errorf("counting the calls at work for a key: %w", err)
	}
	if leave == nil {
		return &policy.Error{
			Source: "limit-concurrency", Reason: "ConcurrencyLimitExceeded", Status: http.StatusTooManyRequests,
			Message: "Too many concurrent requests. Try again later.",
		}
	}
	defer leave()
	return p.Policies.Run(ctx, x)
}

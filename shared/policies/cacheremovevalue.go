package policies

import (
	"context"
	"fmt"

	"toolgate/shared/policy"
)

func init() {
	registered["cache-remove-value"] = func() policy.Statement { return &cacheRemoveValue{} }
}

// cacheRemoveValue removes a value from the cache. A cache that cannot be
// reached is an error only with fail-on-cache-removal-error.
type cacheRemoveValue struct {
	Key  policy.Value[string] `attr:"key,required"`
	Fail policy.Value[bool]   `attr:"fail-on-cache-removal-error"`

	cache policy.Cache
}

func (p *cacheRemoveValue) Prepare(c *policy.Compilation) { p.cache = withCache(c).Cache }

func (p *cacheRemoveValue) Apply(ctx context.Context, x *policy.Exchange) error {
	key, err := p.Key.Get(x)
	if err != nil {
		return err
	}
	fail, err := p.Fail.Get(x)
	if err != nil {
		return err
	}
	if err := p.cache.Set(ctx, valueKey(key), nil, 0); err != nil && fail {
		return fmt.Errorf("removing %q from the cache: %w", key, err)
	}
	return nil
}

package policies

import (
	"context"
	"time"

	"toolgate/shared/expr"
	"toolgate/shared/policy"
)

func init() { registered["cache-store-value"] = func() policy.Statement { return &cacheStoreValue{} } }

// cacheStoreValue keeps a value for a time, with its type. Null is not kept.
type cacheStoreValue struct {
	Key      policy.Value[string]        `attr:"key,required"`
	Value    policy.Value[any]           `attr:"value,required"`
	Duration policy.Value[time.Duration] `attr:"duration,required"`

	cache policy.Cache
}

func (p *cacheStoreValue) Prepare(c *policy.Compilation) { p.cache = withCache(c).Cache }

func (p *cacheStoreValue) Apply(ctx context.Context, x *policy.Exchange) error {
	key, err := p.Key.Get(x)
	if err != nil {
		return err
	}
	value, err := p.Value.Get(x)
	if err != nil {
		return err
	}
	d, err := p.Duration.Get(x)
	if err != nil || value == nil {
		return err
	}
	encoded, err := encodeValue("cache-store-value", value)
	if err != nil {
		return err
	}
	_ = p.cache.Set(ctx, valueKey(key), encoded, d) // what was not kept is computed again
	return nil
}

// encodeValue is a value as the cache keeps it.
func encodeValue(source string, value any) ([]byte, error) {
	encoded, err := expr.Encode(value)
	if err != nil {
		e := policy.NewError(source, policy.ReasonExpressionValueEvaluationFailure, err)
		e.Cause = err
		return nil, e
	}
	return encoded, nil
}

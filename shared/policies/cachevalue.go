package policies

import (
	"context"
	"errors"
	"time"

	"toolgate/shared/expr"
	"toolgate/shared/policy"
)

func init() { registered["cache-value"] = func() policy.Statement { return &cacheValue{} } }

// cacheValue sets a variable to a value of the cache. When there is none, the
// policies inside compute it, by setting the variable, and it is kept. From
// refresh-after on, one call computes it anew while others go on with the old
// one, which stays when computing fails. Of calls at the same time one computes
// the value of a key; the others wait when there is none yet. Instances that share
// a store wait for one another where computing takes longer than 250 ms.
type cacheValue struct {
	Key      policy.Value[string]        `attr:"key,required"`
	Variable string                      `attr:"variable-name,required"`
	Default  policy.Value[any]           `attr:"default-value"`
	Expires  policy.Value[time.Duration] `attr:"expires-after"`
	Refresh  policy.Value[time.Duration] `attr:"refresh-after"`
	Value    policy.Block                `element:"value"`

	services *policy.Services
}

func (p *cacheValue) Prepare(c *policy.Compilation) { p.services = withCache(c) }

func (p *cacheValue) Apply(ctx context.Context, x *policy.Exchange) error {
	key, err := p.Key.Get(x)
	if err != nil {
		return err
	}
	c := policy.Computation{Key: computedKey(key), Kind: "cache-value " + p.Variable}
	if p.Refresh.IsSet() {
		refresh, err := p.Refresh.Get(x)
		if err != nil {
			return err
		}
		c.Anew = refresh == 0
	}
	var value any
	c.Run = func(ctx context.Context, _ func()) (made policy.Computed, err error) {
		value, made, err = p.compute(ctx, x)
		return made, err
	}
	stored, ran, err := p.services.Cache.Compute(ctx, &c)
	if !ran && err == nil {
		if value, err = expr.Decode(stored); err == nil {
			x.SetVariable(p.Variable, value)
			return nil
		}
		// What cannot be understood is not there.
		c.Anew = true
		stored, ran, err = p.services.Cache.Compute(ctx, &c)
	}
	if !ran && err != nil {
		return policy.Interrupted(ctx, "cache-value")
	}
	if ran {
		x.Note(policy.NoteCache, "value", "computed")
	} else {
		x.Note(policy.NoteCache, "value", "found")
	}
	return p.set(x, value, stored, err)
}

func computedKey(key string) string { return "computed " + key }

// set sets the variable to the value that was computed. Without one, the old one
// goes on to serve, or else the default.
func (p *cacheValue) set(x *policy.Exchange, value any, old []byte, err error) error {
	if value == nil && old != nil {
		value, _ = expr.Decode(old)
	}
	ends := errors.Is(err, policy.Returned) || errors.Is(err, policy.Answered)
	switch {
	case err != nil && (ends || value == nil):
		return err
	case value == nil && p.Default.IsSet():
		if value, err = p.Default.Get(x); err != nil {
			return err
		}
	}
	x.SetVariable(p.Variable, value)
	return nil
}

// compute runs the policies inside. A variable that was there before is not
// taken for their value, and stays when they end the call.
func (p *cacheValue) compute(ctx context.Context, x *policy.Exchange) (value any, made policy.Computed, err error) {
	before, existed := x.Variable(p.Variable)
	x.SetVariable(p.Variable, nil)
	if err := p.Value.Run(ctx, x); err != nil {
		if existed {
			x.SetVariable(p.Variable, before)
		}
		return nil, made, err
	}
	if value, _ = x.Variable(p.Variable); value == nil {
		return nil, made, nil
	}
	if made.Keep, err = p.Expires.Get(x); err != nil {
		return nil, made, err
	}
	if p.Refresh.IsSet() {
		if made.Refresh, err = p.Refresh.Get(x); err != nil {
			return nil, made, err
		}
	}
	if made.Value, err = encodeValue("cache-value", value); err != nil {
		return nil, policy.Computed{}, err
	}
	return value, made, nil
}

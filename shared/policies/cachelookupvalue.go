package policies

import (
	"context"

	"toolgate/shared/expr"
	"toolgate/shared/policy"
)

func init() {
	registered["cache-lookup-value"] = func() policy.Statement { return &cacheLookupValue{} }
}

// cacheLookupValue sets a variable to a value of the cache, which has the type
// that it was kept with, or to the default. Without either, the variable stays
// as it is: absent.
type cacheLookupValue struct {
	Key      policy.Value[string] `attr:"key,required"`
	Variable string               `attr:"variable-name,required"`
	Default  policy.Value[any]    `attr:"default-value"`

	cache policy.Cache
}

func (p *cacheLookupValue) Prepare(c *policy.Compilation) { p.cache = withCache(c).Cache }

// valueKey is the key of the cache for the key of a document.
func valueKey(key string) string { return "value " + key }

func (p *cacheLookupValue) Apply(ctx context.Context, x *policy.Exchange) error {
	key, err := p.Key.Get(x)
	if err != nil {
		return err
	}
	// A cache that cannot be reached, or cannot be understood, has nothing.
	if stored, err := p.cache.Get(ctx, valueKey(key)); err == nil && stored != nil {
		if value, err := expr.Decode(stored); err == nil {
			x.Note(policy.NoteCache, "value", "found")
			x.SetVariable(p.Variable, value)
			return nil
		}
	}
	x.Note(policy.NoteCache, "value", "not found")
	if !p.Default.IsSet() {
		return nil
	}
	value, err := p.Default.Get(x)
	if err != nil {
		return err
	}
	x.SetVariable(p.Variable, value)
	return nil
}

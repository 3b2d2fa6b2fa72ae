package policies

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"toolgate/shared/expr"
	"toolgate/shared/policy"
)

func init() { registered["cache-value"] = func() policy.Statement { return &cacheValue{} } }

// cacheValue sets a variable to a value of the cache. When there is none, the
// policies inside compute it, by setting the variable, and it is kept. From
// refresh-after on, one call computes it anew while others go on with the old
// one, which stays when computing fails. In one instance, at most one call at a
// time computes the value of a key; the others wait when there is none yet.
type cacheValue struct {
	Key      policy.Value[string]        `attr:"key,required"`
	Variable string                      `attr:"variable-name,required"`
	Default  policy.Value[any]           `attr:"default-value"`
	Expires  policy.Value[time.Duration] `attr:"expires-after"`
	Refresh  policy.Value[time.Duration] `attr:"refresh-after"`
	Value    policy.Block                `element:"value"`

	services *policy.Services
	running  flights
}

// flights are the computations that run, by their keys.
type flights struct {
	mu   sync.Mutex
	done map[string]chan struct{} // closed when the computation has ended
}

// begin makes the caller the one that computes; done is nil then, and it must
// call end. Otherwise done tells when the other one has ended.
func (f *flights) begin(key string) (done <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if running := f.done[key]; running != nil {
		return running
	}
	if f.done == nil {
		f.done = map[string]chan struct{}{}
	}
	f.done[key] = make(chan struct{})
	return nil
}

func (f *flights) end(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.done[key])
	delete(f.done, key)
}

func (p *cacheValue) Prepare(c *policy.Compilation) { p.services = withCache(c) }

func (p *cacheValue) Apply(ctx context.Context, x *policy.Exchange) error {
	key, err := p.Key.Get(x)
	if err != nil {
		return err
	}
	always := false
	if p.Refresh.IsSet() {
		refresh, err := p.Refresh.Get(x)
		if err != nil {
			return err
		}
		always = refresh == 0
	}
	for {
		stored, fresh := p.lookup(ctx, key)
		if stored != nil && fresh && !always {
			x.SetVariable(p.Variable, stored.value)
			return nil
		}
		others := p.running.begin(key)
		if others == nil {
			return p.refresh(ctx, x, key, stored)
		}
		if stored != nil {
			x.SetVariable(p.Variable, stored.value)
			return nil
		}
		select {
		case <-others:
		case <-ctx.Done():
			return policy.NewError("cache-value", policy.ReasonClientConnectionFailure)
		}
	}
}

// storedValue is a value of the cache.
type storedValue struct{ value any }

// lookup returns nil when the cache has no value. A value is fresh until it is
// to be computed anew. What the cache keeps is the time of that, in
// milliseconds since 1970, and the value.
func (p *cacheValue) lookup(ctx context.Context, key string) (s *storedValue, fresh bool) {
	encoded, err := p.services.Cache.Get(ctx, computedKey(key))
	if err != nil || len(encoded) < 8 {
		return nil, false
	}
	value, err := expr.Decode(encoded[8:])
	if err != nil {
		return nil, false
	}
	refresh := binary.BigEndian.Uint64(encoded)
	return &storedValue{value}, p.services.Time().UnixMilli() < int64(refresh) //nolint:gosec // written from an int64
}

func computedKey(key string) string { return "computed " + key }

// refresh computes the value and keeps it. Without a new one, the old one goes
// on to serve, or else the default.
func (p *cacheValue) refresh(ctx context.Context, x *policy.Exchange, key string, old *storedValue) error {
	defer p.running.end(key)
	value, err := p.compute(ctx, x, key)
	ends := errors.Is(err, policy.Returned) || errors.Is(err, policy.Answered)
	switch {
	case err != nil && (ends || old == nil):
		return err
	case value != nil:
	case old != nil:
		value = old.value
	case p.Default.IsSet():
		if value, err = p.Default.Get(x); err != nil {
			return err
		}
	}
	x.SetVariable(p.Variable, value)
	return nil
}

// compute runs the policies inside. A variable that was there before is not
// taken for their value, and stays when they end the call.
func (p *cacheValue) compute(ctx context.Context, x *policy.Exchange, key string) (any, error) {
	before, existed := x.Variable(p.Variable)
	x.SetVariable(p.Variable, nil)
	if err := p.Value.Run(ctx, x); err != nil {
		if existed {
			x.SetVariable(p.Variable, before)
		}
		return nil, err
	}
	value, _ := x.Variable(p.Variable)
	if value == nil {
		return nil, nil
	}
	expires, err := p.Expires.Get(x)
	if err != nil {
		return nil, err
	}
	refresh := expires
	if p.Refresh.IsSet() {
		if refresh, err = p.Refresh.Get(x); err != nil {
			return nil, err
		}
	}
	encoded, err := encodeValue("cache-value", value)
	if err != nil {
		return nil, err
	}
	at := p.services.Time().Add(refresh).UnixMilli()
	out := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(encoded)), uint64(at))
	_ = p.services.Cache.Set(ctx, computedKey(key), append(out, encoded...), expires) // what was not kept is computed again
	return value, nil
}

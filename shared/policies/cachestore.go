package policies

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"time"

	"toolgate/shared/policy"
)

func init() { registered["cache-store"] = func() policy.Statement { return &cacheStore{} } }

// cacheStore keeps the response of a call that cache-lookup looked for, as it is
// at this place: one of status 200, or any for which cache-response is true. A
// response that is still on its way is kept when all of it has passed.
type cacheStore struct {
	Duration      policy.Value[time.Duration] `attr:"duration,required"`
	CacheResponse policy.Value[bool]          `attr:"cache-response"`

	services *policy.Services
}

// maxCachedBody bounds the body of a response that is kept, in bytes.
const maxCachedBody = 2 << 20

func (p *cacheStore) Prepare(c *policy.Compilation) { p.services = withCache(c) }

func (p *cacheStore) Apply(_ context.Context, x *policy.Exchange) error {
	caching, _ := x.Kept(responseCachingKey{}).(*responseCaching)
	if caching == nil || caching.hit {
		return nil
	}
	keep := x.Response.StatusCode == http.StatusOK
	if p.CacheResponse.IsSet() {
		var err error
		if keep, err = p.CacheResponse.Get(x); err != nil {
			return err
		}
	}
	if !keep {
		return nil
	}
	d, err := p.Duration.Get(x)
	if err != nil || d <= 0 {
		return err
	}
	caching.limitDownstream(x, d)
	p.keep(x, caching.key, d)
	return nil
}

// keep gathers the response as it passes, and stores it when it was sent.
func (p *cacheStore) keep(x *policy.Exchange, key string, d time.Duration) {
	r := &cachedResponse{
		expires: p.services.Time().Add(d), status: x.Response.StatusCode, reason: x.Response.StatusReason,
		header: maps.Clone(policy.Message{Response: x.Response}.Header()),
	}
	// What policies of inbound set is of this call, and set again for the next.
	own := http.Header{}
	x.AddResponseHeaders(own)
	delete(own, "Vary")
	maps.DeleteFunc(r.header, func(name string, _ []string) bool { return own[name] != nil })
	var body bytes.Buffer
	whole, large := false, false
	policy.Message{Response: x.Response}.Body().Watch(func(part []byte, done bool) {
		if large = large || body.Len()+len(part) > maxCachedBody; !large {
			body.Write(part)
		} else {
			body = bytes.Buffer{}
		}
		whole = done
	})
	x.AtEnd(func(ctx context.Context) {
		if whole && !large {
			r.body = body.Bytes()
			_ = p.services.Cache.Set(ctx, key, r.encode(), d) // what was not kept is computed again
		}
	})
}

package policies

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"toolgate/shared/policy"
)

func init() { registered["cache-lookup"] = func() policy.Statement { return &cacheLookup{} } }

// cacheLookup answers a GET from the cache when cache-store has kept a response
// for it: what is left of inbound and the backend is passed over, and outbound
// runs. A request with Authorization is not looked up, nor its response kept,
// unless allow-private-response-caching is true. Without
// vary-by-query-parameter the whole query counts.
type cacheLookup struct {
	Developer      policy.Value[bool]     `attr:"vary-by-developer,required"`
	Groups         policy.Value[bool]     `attr:"vary-by-developer-groups,required"`
	Downstream     policy.Value[string]   `attr:"downstream-caching-type"`
	MustRevalidate policy.Value[bool]     `attr:"must-revalidate"`
	Private        policy.Value[bool]     `attr:"allow-private-response-caching"`
	Headers        []policy.Value[string] `elements:"vary-by-header"`
	Parameters     []policy.Value[string] `elements:"vary-by-query-parameter"`

	services *policy.Services
}

func (p *cacheLookup) Prepare(c *policy.Compilation) { p.services = withCache(c) }

// withCache are the services of a policy that needs a cache.
func withCache(c *policy.Compilation) *policy.Services {
	if c.Services.Cache == nil {
		c.Fault(c.Element.At, "remove the policy", "%s needs a cache", c.Element.Name)
	}
	return c.Services
}

func (p *cacheLookup) Apply(ctx context.Context, x *policy.Exchange) error {
	if x.Request.Method != http.MethodGet {
		return nil
	}
	if x.Request.Headers["Authorization"] != nil {
		if private, err := p.Private.Get(x); err != nil || !private {
			return err
		}
	}
	caching := &responseCaching{}
	var err error
	if caching.key, err = p.key(x); err != nil {
		return err
	}
	if caching.downstream, err = p.Downstream.Get(x); err != nil {
		return err
	}
	if caching.mustRevalidate, err = p.MustRevalidate.Get(x); err != nil {
		return err
	}
	x.Keep(responseCachingKey{}, caching)
	stored, err := p.services.Cache.Get(ctx, caching.key)
	if err != nil || stored == nil {
		x.Note(policy.NoteCache, "response", "not found")
		return nil //nolint:nilerr // a cache that cannot be reached has nothing
	}
	r, err := decodeResponse(stored)
	if err != nil {
		return nil //nolint:nilerr // what cannot be read is not there
	}
	left := r.expires.Sub(p.services.Time())
	if left <= 0 {
		return nil
	}
	caching.hit = true
	x.Note(policy.NoteCache, "response", "found")
	x.Respond(r.response())
	caching.limitDownstream(x, left)
	return policy.Answered
}

// key is made of what the response depends on.
func (p *cacheLookup) key(x *policy.Exchange) (string, error) {
	var api, operation string
	if x.Api != nil {
		api = x.Api.ID + ";" + x.Api.Revision
	}
	if x.Operation != nil {
		operation = x.Operation.ID
	}
	who, err := p.who(x)
	if err != nil {
		return "", err
	}
	names, err := texts(x, p.Headers)
	if err != nil {
		return "", err
	}
	parts := []string{api, operation, x.Path(), who}
	for _, name := range names {
		name = http.CanonicalHeaderKey(name)
		parts = append(parts, name+": "+strings.Join(x.Request.Headers[name], ","))
	}
	query, err := p.query(x)
	return cacheKey("response", append(parts, query)...), err
}

// who is the developer and the groups, as far as the response depends on them.
func (p *cacheLookup) who(x *policy.Exchange) (string, error) {
	developer, err := p.Developer.Get(x)
	if err != nil {
		return "", err
	}
	groups, err := p.Groups.Get(x)
	if err != nil {
		return "", err
	}
	who := url.Values{}
	if x.User == nil {
		if developer && x.Subscription != nil { // of nobody in particular
			who.Set("subscription", x.Subscription.ID)
		}
		return who.Encode(), nil
	}
	if developer {
		who.Set("user", x.User.ID)
	}
	if groups {
		ids := make([]string, len(x.User.Groups))
		for i, g := range x.User.Groups {
			ids[i] = g.ID
		}
		slices.Sort(ids)
		who["group"] = ids
	}
	return who.Encode(), nil
}

// query is the query of the request, or the parameters of it that count, in
// order of their names.
func (p *cacheLookup) query(x *policy.Exchange) (string, error) {
	all := x.Request.URL.Query()
	if len(p.Parameters) == 0 {
		return all.Encode(), nil
	}
	lists, err := texts(x, p.Parameters)
	if err != nil {
		return "", err
	}
	some := url.Values{}
	for _, list := range lists {
		for name := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ';' || r == ',' || r == ' ' }) {
			if values := all[name]; values != nil {
				some[name] = values
			}
		}
	}
	return some.Encode(), nil
}

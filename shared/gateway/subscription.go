package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	"toolgate/shared/config"
	"toolgate/shared/expr"
	"toolgate/shared/policy"
	"toolgate/shared/snapshot"
)

// entrance is what a server or an API asks of who calls it by HTTP: a subscription
// key. It does not change.
type entrance struct {
	kind     policy.ScopeKind // ServerScope or APIScope
	name     string
	path     string // below the gateway's URL, for the challenge; empty for the root
	header   string // in canonical form
	written  string // the header as the configuration has it
	query    string
	required bool
	open     *expr.Product            // the open product that it is in; nil: none
	products map[string]*expr.Product // all products that it is in
}

// caller is who a request comes from, as its key tells. The zero value is anybody.
type caller struct {
	subscription *expr.Subscription
	user         *expr.User
	product      *expr.Product // under which the call runs; nil: none
	principal    *principal    // who the token speaks for; nil: no tokens are looked at
}

// entrance makes that of a server or an API; nil where no keys are looked at.
func (a *assembly) entrance(kind policy.ScopeKind, name, path string, keys *config.SubscriptionKeys, products []*snapshot.Product) (*entrance, error) {
	if keys == nil {
		return nil, nil
	}
	if keys.Required && a.options.Subscriptions == nil {
		return nil, fmt.Errorf("%s %q requires subscription keys, and the gateway was given no store to look them up in: name one, such as by TOOLGATE_STORE", kind, name)
	}
	e := &entrance{
		kind: kind, name: name, path: path,
		header: textproto.CanonicalMIMEHeaderKey(keys.Header), written: keys.Header, query: keys.Query,
		required: keys.Required, products: make(map[string]*expr.Product, len(products)),
	}
	for _, p := range products {
		e.products[p.Name] = productEntity(p)
		if p.Open {
			e.open = e.products[p.Name]
		}
	}
	return e, nil
}

func productEntity(p *snapshot.Product) *expr.Product {
	return &expr.Product{ID: p.Name, Name: cmp.Or(p.Title, p.Name), State: "Published", SubscriptionRequired: !p.Open}
}

// identify finds out who calls, and takes the key out of the request: policies know
// it as context.Subscription.Key, and nobody behind the gateway does. It returns
// why the call is refused; nil when it is not.
//
// As in API Management a key that is sent has to be valid, even where none is
// needed.
func (x *exchange) identify(e *entrance) *policy.Error {
	switch {
	case e == nil:
		return nil
	case x.record != nil:
		return x.tracedIdentify(e)
	}
	return x.find(e)
}

// find is identify, for an entrance that asks for keys.
func (x *exchange) find(e *entrance) *policy.Error {
	var key string
	if key, x.r = e.take(x.r); key == "" {
		if x.caller.product = e.open; e.open != nil || !e.required {
			return nil
		}
		x.challenge = x.challengeOf(e)
		return policy.NewError("authorization", policy.ReasonSubscriptionKeyNotFound)
	}
	s, err := x.gateway.subscription(x.r.Context(), key)
	if err == nil {
		x.call.Subscription = s.ID
		product, covered := e.covers(s.Scope)
		if covered {
			x.caller = callerOf(s, key, product)
			return nil
		}
		err = fmt.Errorf("subscription %q is for %s, not for %s %q: %w", s.ID, s.Scope, e.kind, e.name, policy.ErrSubscriptionKey)
	}
	if errors.Is(err, policy.ErrSubscriptionKey) {
		x.challenge = x.challengeOf(e)
		refusal := policy.NewError("authorization", policy.ReasonSubscriptionKeyInvalid)
		refusal.Cause = err
		return refusal
	}
	return &policy.Error{
		Source: "authorization", Reason: "SubscriptionKeyUnverified", Status: http.StatusServiceUnavailable, Public: true,
		Message: "The subscription key could not be verified. Try again later.", Cause: err,
	}
}

// subscription finds the subscription of a key.
func (g *Gateway) subscription(ctx context.Context, key string) (*policy.Subscription, error) {
	if g.subscriptions == nil {
		return nil, policy.ErrSubscriptionKey
	}
	return g.subscriptions.Find(ctx, key)
}

// covers tells whether a scope has the server or API in it, and under which product
// the call then runs; nil is under none.
func (e *entrance) covers(s policy.SubscriptionScope) (*expr.Product, bool) {
	switch s.Kind {
	case policy.AllScope:
		return nil, true
	case policy.ProductScope:
		p := e.products[s.Name]
		return p, p != nil
	}
	return nil, s.Kind == e.kind && s.Name == e.name
}

func callerOf(s *policy.Subscription, key string, product *expr.Product) caller {
	entity := &expr.Subscription{ID: s.ID, Name: s.Name, Key: key, CreatedDate: s.Created}
	if s.Secondary { // of the other key only a hash is known
		entity.SecondaryKey = key
	} else {
		entity.PrimaryKey = key
	}
	if !s.Start.IsZero() {
		entity.StartDate = &s.Start
	}
	if !s.End.IsZero() {
		entity.EndDate = &s.End
	}
	c := caller{subscription: entity, product: product}
	if s.OwnerID != "" {
		c.user = &expr.User{ID: s.OwnerID, Email: s.OwnerEmail}
	}
	return c
}

// take finds the key in a request, the header before the query, and returns the
// request without either. A request without a key stays as it is.
func (e *entrance) take(r *http.Request) (key string, without *http.Request) {
	inHeader := r.Header[e.header]
	inQuery, query, found := cutParameter(r.URL.RawQuery, e.query)
	if inHeader == nil && !found {
		return "", r
	}
	r = r.WithContext(r.Context()) // a copy: the server's own is not to be changed
	if inHeader != nil {
		key = strings.TrimSpace(inHeader[0])
		r.Header = maps.Clone(r.Header)
		delete(r.Header, e.header)
	}
	if found {
		key = cmp.Or(key, inQuery)
		u := *r.URL
		u.RawQuery = query
		r.URL = &u
	}
	return key, r
}

// cutParameter finds the first value of a parameter in a query, and returns the
// query without the parameter, otherwise as it was.
func cutParameter(query, name string) (value, rest string, found bool) {
	if query == "" {
		return "", "", false
	}
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		n, v, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(n); err != nil || plain != name {
			kept = append(kept, pair)
			continue
		}
		if !found {
			value, _ = url.QueryUnescape(v) // what has no meaning is no key
		}
		found = true
	}
	if !found {
		return "", query, false
	}
	return value, strings.Join(kept, "&"), true
}

// challengeOf is the WWW-Authenticate of a refusal, as API Management writes it.
func (x *exchange) challengeOf(e *entrance) string {
	realm := "http://" + x.r.Host // reached on loopback only, or by the platform's name
	if public := x.gateway.public; public != nil {
		realm = strings.TrimSuffix(public.String(), "/")
	}
	if e.path != "" {
		realm += "/" + e.path
	}
	return `AzureApiManagementKey realm="` + quotable.Replace(realm) + `",name="` + e.written + `",type="header"`
}

// quotable escapes what a quoted string cannot hold (RFC 9110, section 5.6.4).
var quotable = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// admit finds out who calls, by key and by token, and whether they may. It returns
// why the call is refused; nil when it is not.
func (x *exchange) admit(s endpoint) *policy.Error {
	if refusal := x.identify(s.entrance); refusal != nil {
		return refusal
	}
	return x.authorize(s)
}

// turnAway answers a request to the endpoint of a server that was refused: on-error
// of the server's policies may have something to say, under the product of a key that
// was found good.
func (x *exchange) turnAway(s endpoint, refusal *policy.Error) {
	ctx, p := x.r.Context(), x.newExchange(s.around)
	defer p.End(ctx)
	p.Operation = httpOperation(x.r)
	var pipeline *policy.Pipeline
	if governed, ok := s.Server.(*governed); ok {
		pipeline = governed.rulings.under(x.caller.product).pipeline
	}
	x.refuse(ctx, pipeline, p, refusal)
}

// refuse runs on-error of a pipeline, which may be nil, for a failure before any
// policy, and sends the response. A preflight carries neither key nor token, so
// policies that know such requests answer it all the same.
func (x *exchange) refuse(ctx context.Context, pipeline *policy.Pipeline, p *policy.Exchange, refusal *policy.Error) {
	if pipeline == nil {
		pipeline = x.gateway.plain
	}
	if p.IsPreflight() && pipeline.Preflight(ctx, p) {
		x.sendResponse(p)
		return
	}
	if x.challenge != "" {
		p.SetResponseHeader("Www-Authenticate", x.challenge)
	}
	pipeline.Refuse(ctx, p, refusal)
	x.sendResponse(p)
}

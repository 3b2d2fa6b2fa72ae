package auth

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// freshFor is how long what a provider answered is used without asking again.
	freshFor = time.Hour
	// askEvery is how much time lies between two fetches of the same configuration on
	// schedule, after a failure, or for a key that it did not have. The first such
	// key is asked for at once, however short a time ago the configuration was
	// fetched on schedule.
	askEvery = 5 * time.Minute
	// askSoon is that time for an authority that never answered, without whose keys
	// nobody gets in, or that is asked for a key it did not have: API Management
	// documents the five minutes for OpenID configurations of policies only.
	askSoon = 10 * time.Second
	// idleFor is how long a provider was not asked when a call waits for its answer,
	// though it has keys of it: nobody knows which of them are still published.
	idleFor = freshFor + askEvery
	// fetchTimeout bounds a fetch of a configuration and its keys together.
	fetchTimeout = 10 * time.Second
	// maxProviders bounds what is kept: the tenant of a policy may be computed from
	// the request.
	maxProviders = 256
)

// provider is an OpenID provider and what it last answered. What it answered
// works on when it cannot be reached any more: that it is down is no sign that
// its keys are compromised.
type provider struct {
	url string
	// authority says that url is the issuer's identifier, not the place of its
	// configuration.
	authority bool
	set       atomic.Pointer[keySet] // nil before the first answer

	mu      sync.Mutex
	asked   time.Time // start of the last fetch; zero for none
	missed  time.Time // start of the last fetch for a key that was not in the set; zero for none
	err     error     // of the last fetch
	running *fetch    // nil for none

	used time.Time // guarded by the validator's mu
}

// providerKey tells providers apart: the identifier of an issuer may be the place of a
// configuration as well.
func providerKey(url string, authority bool) string {
	if authority {
		return "issuer " + url
	}
	return url
}

// fetch is a fetch under way, which those who need it wait for together.
type fetch struct {
	done chan struct{} // closed at the end
	idle bool          // the keys that there are were not looked after for idleFor
	err  error         // read after done
}

// providersOf are the providers that the rules name.
func (v *Validator) providersOf(r *Rules) ([]*provider, error) {
	urls := r.OpenIDConfigs
	own := len(urls)
	urls = append(slices.Clip(urls), r.Authorities...)
	if r.Entra != nil {
		place, err := r.Entra.configuration()
		if err != nil {
			return nil, &Error{Kind: TokenIssuerNotAllowed, Err: err}
		}
		urls = append(urls, place)
	}
	if len(urls) == 0 {
		return nil, nil
	}
	now := v.now()
	v.mu.Lock()
	defer v.mu.Unlock()
	providers := make([]*provider, 0, len(urls))
	for i, u := range urls {
		authority := i >= own && i < own+len(r.Authorities)
		key := providerKey(u, authority)
		p := v.providers[key]
		if p == nil {
			p = &provider{url: u, authority: authority}
			v.makeRoom()
			v.providers[key] = p
		}
		p.used = now
		providers = append(providers, p)
	}
	return providers, nil
}

// makeRoom forgets the provider that was not used for longest, if there are too
// many. The caller holds mu.
func (v *Validator) makeRoom() {
	if len(v.providers) < maxProviders {
		return
	}
	var oldest *provider
	for _, p := range v.providers {
		if oldest == nil || p.used.Before(oldest.used) {
			oldest = p
		}
	}
	delete(v.providers, providerKey(oldest.url, oldest.authority))
}

// keySets returns what the providers last answered as soon as that is enough.
// Only when it is not does it ask those that may be asked again, all at the same
// time, and wait for the answers or the end of the context. The error says why
// providers could not answer.
func (v *Validator) keySets(ctx context.Context, providers []*provider, enough func([]*keySet) bool) ([]*keySet, error) {
	now := v.now()
	sets := cached(providers)
	if v.refresh(ctx, sets, now) {
		sets = cached(providers)
	}
	if enough(sets) {
		return sets, nil
	}
	sets, joined, err := v.missing(ctx, providers, sets, now, enough)
	if joined && ctx.Err() == nil && !enough(sets) {
		// What was under way may have been answered before the key was published.
		sets, _, err = v.missing(ctx, providers, sets, now, enough)
	}
	return sets, err
}

// refresh asks for sets that are not fresh any more: for the next call, because this
// one waits only where nobody called for long. It reports whether it waited.
func (v *Validator) refresh(ctx context.Context, sets []*keySet, now time.Time) (waited bool) {
	var idle []*fetch
	for _, set := range sets {
		if now.Sub(set.fetched) < freshFor {
			continue
		}
		if f, _, _ := v.ask(set.from, now, false); f != nil && f.idle {
			idle = append(idle, f)
		}
	}
	for _, f := range idle {
		_ = f.wait(ctx) // the keys that there are do when it fails
	}
	return len(idle) > 0
}

// missing asks all providers that may be asked for what their sets lack, which are
// known not to be enough. Joined says that one was being asked already.
func (v *Validator) missing(ctx context.Context, providers []*provider, sets []*keySet, now time.Time, enough func([]*keySet) bool) (latest []*keySet, joined bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan error, len(providers))
	var errs []error
	waiting := 0
	for _, p := range providers {
		f, running, err := v.ask(p, now, true)
		if f == nil {
			errs = append(errs, err)
			continue
		}
		joined = joined || running
		waiting++
		go func() { answers <- f.wait(ctx) }()
	}
	for {
		// Others may have fetched since the sets were looked at.
		if latest := cached(providers); !slices.Equal(latest, sets) {
			sets = latest
			if enough(sets) {
				return sets, false, nil
			}
		}
		if waiting == 0 {
			return sets, joined, errors.Join(errs...)
		}
		errs = append(errs, <-answers)
		waiting--
	}
}

// cached are the sets of the providers that have one.
func cached(providers []*provider) []*keySet {
	sets := make([]*keySet, 0, len(providers))
	for _, p := range providers {
		if set := p.set.Load(); set != nil {
			sets = append(sets, set)
		}
	}
	return sets
}

// ask returns the fetch that is under way, which is running, or begins one: because
// a key is missing, or on schedule. It returns nil when the last one is not long
// enough ago, with the error of that.
func (v *Validator) ask(p *provider, now time.Time, missing bool) (f *fetch, running bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running != nil {
		return p.running, true, nil
	}
	known := p.set.Load() != nil
	pause, last := askEvery, p.asked
	if p.authority && (missing || !known) {
		pause = askSoon
	}
	if missing && known && p.err == nil {
		last = p.missed
	}
	if !last.IsZero() && now.Sub(last) < pause {
		return nil, false, p.err
	}
	p.running = &fetch{done: make(chan struct{}), idle: known && now.Sub(p.asked) >= idleFor}
	p.asked = now
	if missing && known {
		p.missed = now
	}
	go v.run(p, p.running)
	return p.running, false, nil
}

// run fetches. It has no part in the context of a call, because others wait for
// it too.
func (v *Validator) run(p *provider, f *fetch) {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	set, err := v.fetchProvider(ctx, p)
	if err == nil {
		set.from, set.fetched = p, v.now()
		p.set.Store(set)
	} else if p.set.Load() != nil { // calls go on and nobody else is told
		v.log.LogAttrs(ctx, slog.LevelWarn, "keeping the keys of an OpenID provider that cannot be refreshed", slog.String("url", p.url), slog.Any("error", err))
	}
	p.mu.Lock()
	p.err, p.running, f.err = err, nil, err
	p.mu.Unlock()
	close(f.done)
}

// wait waits for the end of the fetch or of the context.
func (f *fetch) wait(ctx context.Context) error {
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

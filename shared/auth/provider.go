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
	// askEvery is how much time lies between two fetches of the same configuration,
	// whatever came of the first.
	askEvery = 5 * time.Minute
	// askSoon is that time for an authority that never answered: without its keys
	// nobody gets in.
	askSoon = 10 * time.Second
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
	for _, set := range sets {
		if now.Sub(set.fetched) >= freshFor {
			_, _ = v.ask(set.from, now) // for the next call: this one does not wait
		}
	}
	if enough(sets) {
		return sets, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make(chan error, len(providers))
	var errs []error
	waiting := 0
	for _, p := range providers {
		f, err := v.ask(p, now)
		if f == nil {
			errs = append(errs, err)
			continue
		}
		waiting++
		go func() { answers <- f.wait(ctx) }()
	}
	for {
		if latest := cached(providers); !slices.Equal(latest, sets) {
			sets = latest
			if enough(sets) {
				return sets, nil
			}
		}
		if waiting == 0 {
			return sets, errors.Join(errs...)
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

// ask returns the fetch that is under way, or begins one. It returns nil when the
// last one is not long enough ago, with the error of that.
func (v *Validator) ask(p *provider, now time.Time) (*fetch, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running != nil {
		return p.running, nil
	}
	pause := askEvery
	if p.authority && p.set.Load() == nil {
		pause = askSoon
	}
	if !p.asked.IsZero() && now.Sub(p.asked) < pause {
		return nil, p.err
	}
	p.asked = now
	p.running = &fetch{done: make(chan struct{})}
	go v.run(p, p.running)
	return p.running, nil
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

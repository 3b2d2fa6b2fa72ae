package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// IMDS is the endpoint of the Azure Instance Metadata Service, which virtual
// machines and scale sets have.
const IMDS = "http://169.254.169.254/metadata/identity/oauth2/token"

const (
	// renewBefore is how long before its end a token is renewed.
	renewBefore = 5 * time.Minute
	// usableFor is how long a token has to be good for to be used while it is being
	// renewed; with less, calls wait.
	usableFor = time.Minute
	// renewEvery is how much time lies between two attempts to renew a token that
	// is still good.
	renewEvery = 30 * time.Second
	// obtainTimeout bounds all attempts to obtain a token together: more than the
	// 70 seconds that an update of IMDS takes.
	obtainTimeout = 90 * time.Second
	// maxIdentityTokens bounds what is kept: the resource of a policy may be computed
	// from the request.
	maxIdentityTokens = 256
)

// ManagedIdentityOptions say where the tokens of the gateway's own identity come
// from. The zero value is a host that has no managed identity.
type ManagedIdentityOptions struct {
	// Endpoint is what IDENTITY_ENDPOINT has on Azure App Service and Azure
	// Functions, or [IMDS]; empty is a host without managed identity.
	Endpoint string
	// Header is what IDENTITY_HEADER has: the secret of the endpoint. IMDS has none.
	Header string
	// Transport carries the requests; nil is one of our own, which uses no proxy:
	// the endpoint is on this machine.
	Transport http.RoundTripper
	// Now is the clock; nil is [time.Now].
	Now func() time.Time
	// Log is told of a renewal that failed while the token is still good; nil
	// discards that.
	Log *slog.Logger
}

// ManagedIdentity gets access tokens of the identity that Azure gives the host of
// the gateway. It is safe for concurrent use.
type ManagedIdentity struct {
	endpoint, header string
	client           http.Client
	now              func() time.Time
	log              *slog.Logger

	mu     sync.Mutex
	tokens map[identityKey]*identityToken
}

// identityKey says whose token it is, and for whom.
type identityKey struct{ resource, clientID string }

// identityToken is a token that is kept and renewed.
type identityToken struct {
	key identityKey

	mu      sync.Mutex
	text    string    // empty before the first answer
	expires time.Time // of text
	asked   time.Time // start of the last fetch; zero for none
	running *fetch    // nil for none

	used time.Time // guarded by the identity's mu
}

// NewManagedIdentity returns an identity that has no tokens yet.
func NewManagedIdentity(o ManagedIdentityOptions) *ManagedIdentity {
	m := &ManagedIdentity{endpoint: o.Endpoint, header: o.Header, now: o.Now, log: o.Log, tokens: map[identityKey]*identityToken{}}
	if m.now == nil {
		m.now = time.Now
	}
	m.log = cmp.Or(m.log, slog.New(slog.DiscardHandler))
	m.client = http.Client{
		Transport: o.Transport,
		// The secret of the endpoint is for the endpoint.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if m.client.Transport == nil {
		m.client.Transport = &http.Transport{MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10}
	}
	return m
}

// Token returns an access token for a resource, such as https://vault.azure.net
// or api://orders, of the user-assigned identity with the client ID, or of the
// system-assigned one when that is empty. It is kept until five minutes before it
// expires; from then on it is renewed, while calls go on with it until the last
// minute. The context bounds the wait for a token, which goes on being fetched
// for others.
func (m *ManagedIdentity) Token(ctx context.Context, resource, clientID string) (string, error) {
	if err := m.check(resource); err != nil {
		return "", err
	}
	t := m.tokenOf(identityKey{resource, clientID})
	f := m.renew(t)
	if text := t.goodFor(m.now(), usableFor); text != "" {
		return text, nil
	}
	var err error
	if f != nil {
		err = f.wait(ctx)
	}
	if text := t.goodFor(m.now(), 0); text != "" {
		return text, nil
	}
	return "", fmt.Errorf("getting a token of the managed identity for %q: %w", resource, cmp.Or(err, errExpired))
}

var (
	errNoIdentity = errors.New("this host has no managed identity: assign one, so that it has IDENTITY_ENDPOINT")
	errNoHeader   = errors.New("the endpoint of the managed identity has no IDENTITY_HEADER: both come from the host")
	errNoResource = errors.New("a token of the managed identity is for a resource, and it is empty: give its application ID URI")
	errExpired    = errors.New("it has expired")
)

// check says what is missing.
func (m *ManagedIdentity) check(resource string) error {
	switch {
	case m.endpoint == "":
		return errNoIdentity
	case m.header == "" && m.endpoint != IMDS:
		return errNoHeader
	case resource == "":
		return errNoResource
	}
	return nil
}

// tokenOf returns the token of a key, and forgets the one that was not used for
// longest if there are too many.
func (m *ManagedIdentity) tokenOf(key identityKey) *identityToken {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.tokens[key]
	if t == nil {
		if len(m.tokens) >= maxIdentityTokens {
			var oldest *identityToken
			for _, other := range m.tokens {
				if oldest == nil || other.used.Before(oldest.used) {
					oldest = other
				}
			}
			delete(m.tokens, oldest.key)
		}
		t = &identityToken{key: key}
		m.tokens[key] = t
	}
	t.used = m.now()
	return t
}

// goodFor returns the text of the token if it is good for longer than that;
// otherwise it is empty.
func (t *identityToken) goodFor(now time.Time, d time.Duration) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.expires.Sub(now) <= d {
		return ""
	}
	return t.text
}

// renew returns the fetch that is under way, or begins one when it is time; nil
// is none. A token that is still good is not asked for again and again.
func (m *ManagedIdentity) renew(t *identityToken) *fetch {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := m.now()
	left := t.expires.Sub(now)
	if t.running != nil || left > renewBefore || left > 0 && now.Sub(t.asked) < renewEvery {
		return t.running
	}
	t.asked = now
	t.running = &fetch{done: make(chan struct{})}
	go m.run(t, t.running)
	return t.running
}

// run fetches. It has no part in the context of a call, because others wait for
// it too.
func (m *ManagedIdentity) run(t *identityToken, f *fetch) {
	ctx, cancel := context.WithTimeout(context.Background(), obtainTimeout)
	defer cancel()
	text, expires, err := m.obtain(ctx, t.key)
	if err != nil && t.goodFor(m.now(), 0) != "" { // calls go on and nobody else is told
		m.log.LogAttrs(ctx, slog.LevelWarn, "keeping a token of the managed identity that cannot be renewed", slog.String("resource", t.key.resource), slog.Any("error", err))
	}
	t.mu.Lock()
	if err == nil {
		t.text, t.expires = text, expires
	}
	t.running, f.err = nil, err
	t.mu.Unlock()
	close(f.done)
}

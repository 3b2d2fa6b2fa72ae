// Package oauthclient makes the gateway a client of the authorization that an MCP
// server behind it asks for (MCP, basic/authorization). It knows how a challenge
// leads to the server's metadata, to its authorization server and to a registration
// there, and which token a request is given: one that a person consented to, kept
// as a connection, or one in the gateway's own name.
package oauthclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"toolgate/shared/connection"
	"toolgate/shared/credential"
	"toolgate/shared/seal"
	"toolgate/shared/state"
)

// Options describe the gateway as a client of one MCP server.
type Options struct {
	Name string // of the server, and of the provider of its connections
	URL  string // the MCP endpoint
	// Issuer is the one authorization server that is taken; empty: the first that
	// the MCP server names.
	Issuer string
	// ClientID and Secret are those of a client that was registered by hand; empty:
	// none was, or it has no secret.
	ClientID, Secret string
	// Assertion makes what stands for the secret at an issuer (RFC 7523); nil: the
	// secret does.
	Assertion func(ctx context.Context, issuer string) (string, error)
	// Workload makes the token by which access is asked for at an issuer (RFC 7523,
	// 2.1); nil: access is asked for with the client's own credentials.
	Workload func(ctx context.Context, issuer string) (string, error)
	// Authentication is how the secret is shown, post or basic; empty: as the
	// authorization server says.
	Authentication string
	// MetadataURL is the URL of a client ID metadata document that stands elsewhere;
	// empty: [Client.Document] is it.
	MetadataURL string
	ClientName  string
	Scopes      []string // to be asked for besides those of the challenge
	// Store and SealingSecret keep registrations; a client that needs none has neither.
	Store         state.Store
	SealingSecret []byte
	// Transport carries the requests to URLs that were found: it says where these
	// may lead. Nil is one without bounds.
	Transport http.RoundTripper
	Now       func() time.Time // nil: time.Now
	Log       *slog.Logger     // nil discards it
}

const (
	// foundLife is for how long what was found by a challenge is taken for true.
	foundLife = time.Minute
	// serverLife is for how long the metadata of an authorization server is kept for
	// renewals, which no challenge leads to.
	serverLife = 10 * time.Minute
	// discoveryTimeout bounds a discovery and a registration.
	discoveryTimeout = 20 * time.Second
	maxServers       = 16
	// failedLife is for how long a discovery that failed is not tried again: calls
	// would wait for each other.
	failedLife = 5 * time.Second
	// maxURL and maxScopes bound what is found and asked for, in bytes: it travels in
	// URLs.
	maxURL    = 2048
	maxScopes = 2048
)

// Client finds where an MCP server's tokens come from, and is registered there. It
// is safe for concurrent use.
type Client struct {
	o      Options
	url    *url.URL
	http   http.Client
	sealer *seal.Sealer // nil without a store

	turn chan struct{} // one discovers or registers at a time

	mu      sync.Mutex
	last    challenge
	found   *found                // nil: nothing yet
	servers map[string]keptServer // by issuer
	failure *failure              // of the last discovery; nil: it succeeded
	refused string                // the token that was refused last
}

// found is what a challenge led to.
type found struct {
	challenge
	resource *resource
	server   *server
	until    time.Time
}

// failure is why a challenge led nowhere.
type failure struct {
	metadata string
	err      error
	until    time.Time
}

type keptServer struct {
	*server
	until time.Time
}

// NewClient makes a client. It asks nothing yet.
func NewClient(o Options) (*Client, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("%q is no absolute URL", o.URL)
	}
	bare := *u // a query may have a key
	bare.RawQuery, bare.Fragment, bare.User = "", "", nil
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Transport == nil {
		o.Transport = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 64 << 10}
	}
	c := &Client{o: o, url: &bare, turn: make(chan struct{}, 1), servers: map[string]keptServer{}}
	c.http = http.Client{
		Transport: o.Transport, Timeout: discoveryTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if o.Store != nil {
		c.sealer, err = seal.New(o.SealingSecret, "registration")
	}
	return c, err
}

// Error says why there is no token for an MCP server. Its text has no secret.
type Error struct {
	Server string
	Err    error
}

// Error is for the log.
func (e *Error) Error() string {
	return fmt.Sprintf("getting access to the MCP server %q: %v", e.Server, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Public is what a caller is told.
func (e *Error) Public() string {
	return "The gateway could not get access to the MCP server behind it. Its log says why."
}

func (c *Client) failed(err error) error { return &Error{c.o.Name, err} }

// locked runs something while nobody else discovers or registers.
func (c *Client) locked(ctx context.Context, run func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, discoveryTimeout)
	defer cancel()
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-c.turn }()
	return run(ctx)
}

// challenged discovers what a challenge leads to. What was found before is good for
// a while, unless fresh asks for it anew.
func (c *Client) challenged(ctx context.Context, said challenge, fresh bool) (f *found, err error) {
	err = c.locked(ctx, func(ctx context.Context) error {
		f, err = c.discover(ctx, said, fresh)
		return err
	})
	return f, err
}

func (c *Client) discover(ctx context.Context, said challenge, fresh bool) (*found, error) {
	c.mu.Lock()
	known, failed := c.found, c.failure
	c.last = said
	c.mu.Unlock()
	if failed != nil && failed.metadata == said.metadata && c.o.Now().Before(failed.until) {
		return nil, failed.err
	}
	if known != nil && !fresh && known.metadata == said.metadata && c.o.Now().Before(known.until) {
		again := *known
		again.challenge = said
		return &again, nil
	}
	r, s, err := c.lookUp(ctx, said.metadata)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failure = nil
	if err != nil {
		c.failure = &failure{said.metadata, err, c.o.Now().Add(failedLife)}
		return nil, err
	}
	f := &found{challenge: said, resource: r, server: s, until: c.o.Now().Add(foundLife)}
	c.found = f
	c.keepServer(s)
	c.o.Log.Debug("found where tokens come from", "server", c.o.Name, "issuer", s.Issuer, "resource", r.Resource)
	return f, nil
}

// lookUp reads the metadata of the MCP server, and of the authorization server that it
// names.
func (c *Client) lookUp(ctx context.Context, said string) (*resource, *server, error) {
	r, err := c.resource(ctx, said)
	if err != nil {
		return nil, nil, err
	}
	issuer, err := c.choose(r)
	if err != nil {
		return nil, nil, err
	}
	s, err := c.server(ctx, issuer)
	return r, s, err
}

// keepServer needs the lock.
func (c *Client) keepServer(s *server) {
	if len(c.servers) >= maxServers {
		clear(c.servers)
	}
	c.servers[s.Issuer] = keptServer{s, c.o.Now().Add(serverLife)}
}

// anew tells whether a token is refused for the first time: what was found is then
// looked up anew.
func (c *Client) anew(token string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := c.refused != token
	c.refused = token
	return first
}

// challenge is the last one that was seen; where none was, the MCP server is asked
// for one.
func (c *Client) challenge(ctx context.Context) (challenge, error) {
	c.mu.Lock()
	said, seen := c.last, c.found != nil
	c.mu.Unlock()
	if seen {
		return said, nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.o.URL, bytes.NewReader([]byte(`{"jsonrpc":"2.0","id":0,"method":"ping"}`)))
	if err != nil {
		return said, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := c.http.Do(req)
	if err != nil {
		return said, fmt.Errorf("asking the MCP server what access it wants: %w", errors.Unwrap(err))
	}
	defer res.Body.Close()
	return parseChallenge(res.Header["Www-Authenticate"]), nil
}

// Authorization is where a person consents, and to what.
func (c *Client) Authorization(ctx context.Context, redirectURI string, scopes []string) (a *connection.Authorization, err error) {
	err = c.locked(ctx, func(ctx context.Context) error {
		said, err := c.challenge(ctx)
		if err != nil {
			return err
		}
		f, err := c.discover(ctx, said, false)
		if err != nil {
			return err
		}
		s := f.server
		switch {
		case s.AuthorizationEndpoint == "":
			return fmt.Errorf("%s has no authorization_endpoint: nobody can consent there", s.Issuer)
		case !slices.Contains(s.CodeChallengeMethods, "S256"):
			return fmt.Errorf("%s does not say that it supports PKCE with S256, without which codes can be stolen (MCP, authorization code protection)", s.Issuer)
		}
		r, err := c.register(ctx, s, redirectURI, true)
		if err != nil {
			return err
		}
		asked := c.scopes(f, scopes)
		if len(strings.Join(asked, " ")) > maxScopes {
			return fmt.Errorf(`there are more scopes to ask for than %d bytes: name those that are needed, by "scopes" under credentials.oauth or by connections add -scope`, maxScopes)
		}
		a = &connection.Authorization{
			URL: s.AuthorizationEndpoint, Issuer: s.Issuer, NamesItself: s.NamesItself, ClientID: r.ID,
			Resource: f.resource.Resource, Scopes: asked,
		}
		return nil
	})
	if err != nil {
		return nil, c.failed(err)
	}
	return a, nil
}

// scopes are those to ask for: what the challenge names, or else all that the
// resource has (MCP, scope selection strategy), and those that are wanted besides. A
// refresh token is asked for where the authorization server says how (SEP-2207).
func (c *Client) scopes(f *found, wanted []string) []string {
	asked := union(wanted)
	if len(asked) == 0 {
		asked = f.scopes
	}
	if len(asked) == 0 && len(c.o.Scopes) == 0 {
		asked = f.resource.ScopesSupported
	}
	asked = union(asked, c.o.Scopes)
	if slices.Contains(f.server.ScopesSupported, "offline_access") {
		asked = union(asked, []string{"offline_access"})
	}
	return asked
}

// Tokens is the client of an issuer's token endpoint, for a code or a refresh token
// that is the issuer's own.
func (c *Client) Tokens(ctx context.Context, issuer, redirectURI string) (t *credential.Client, err error) {
	err = c.locked(ctx, func(ctx context.Context) error {
		s, err := c.known(ctx, issuer)
		if err != nil {
			return err
		}
		r, err := c.register(ctx, s, redirectURI, false)
		if err == nil {
			t = c.tokens(s, r)
		}
		return err
	})
	if err != nil {
		return nil, c.failed(err)
	}
	return t, nil
}

// known is the metadata of an issuer, which is kept for a while.
func (c *Client) known(ctx context.Context, issuer string) (*server, error) {
	if c.o.Issuer != "" && issuer != c.o.Issuer {
		return nil, fmt.Errorf(`the access is of %q, and gateway.yaml has "issuer" %q: connect again`, issuer, c.o.Issuer)
	}
	c.mu.Lock()
	kept := c.servers[issuer]
	c.mu.Unlock()
	if kept.server != nil && c.o.Now().Before(kept.until) {
		return kept.server, nil
	}
	s, err := c.server(ctx, issuer)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.keepServer(s)
	c.mu.Unlock()
	return s, nil
}

// Forget is told that a token endpoint knows the gateway no more: it registers again
// when the next person consents.
func (c *Client) Forget(ctx context.Context, issuer, redirectURI string) error {
	if c.o.ClientID != "" {
		return nil
	}
	return c.forget(ctx, issuer, redirectURI)
}

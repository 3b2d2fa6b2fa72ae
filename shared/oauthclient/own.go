package oauthclient

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"toolgate/shared/credential"
)

// InOwnName gives requests tokens of the gateway itself (RFC 6749, 4.4). It is safe
// for concurrent use.
type InOwnName struct {
	client *Client
	kept   *credential.Tokens

	mu     sync.Mutex
	source *source // nil: no challenge was seen yet
}

// source is where tokens come from. It does not change.
type source struct {
	issuer, resource string
	scopes           []string
	tokens           *credential.Client
	number           int       // tells sources apart
	made             time.Time // when the token of the one before was refused
}

// refusals lies between two tokens that are fetched because the MCP server refused
// one that had not expired.
const refusals = 30 * time.Second

// NewInOwnName makes one that has no token yet.
func NewInOwnName(c *Client) *InOwnName {
	return &InOwnName{client: c, kept: credential.NewTokens(c.o.Now)}
}

// Authorize sets the token of a request. Before the first challenge there is none.
func (a *InOwnName) Authorize(ctx context.Context, req *http.Request) error {
	delete(req.Header, "Authorization")
	a.mu.Lock()
	s := a.source
	a.mu.Unlock()
	if s == nil {
		return nil
	}
	token, err := a.kept.Get(ctx, fmt.Sprint(s.number), func(ctx context.Context) (credential.Token, error) {
		form := url.Values{"grant_type": {"client_credentials"}, "resource": {s.resource}}
		if a.client.o.Workload != nil {
			token, err := a.client.o.Workload(ctx, s.issuer)
			if err != nil {
				return credential.Token{}, fmt.Errorf("getting the token of the workload: %w", err)
			}
			form.Set("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
			form.Set("assertion", token)
		}
		if len(s.scopes) > 0 {
			form.Set("scope", strings.Join(s.scopes, " "))
		}
		return s.tokens.Grant(ctx, form)
	})
	if err != nil {
		return a.client.failed(err)
	}
	setBearer(req, token)
	return nil
}

// Challenged is told of an answer 401 or 403, and tells whether the request may be
// sent again.
func (a *InOwnName) Challenged(ctx context.Context, req *http.Request, res *http.Response) (again bool, err error) {
	said, sent := parseChallenge(res.Header["Www-Authenticate"]), sentToken(req)
	a.mu.Lock()
	before := a.source
	a.mu.Unlock()
	if sent == "" && before != nil {
		return true, nil // found since the request left
	}
	var scopes []string
	if before != nil {
		scopes = before.scopes
	}
	if res.StatusCode == http.StatusForbidden &&
		(said.err != "insufficient_scope" || !slices.ContainsFunc(said.scopes, func(s string) bool { return !slices.Contains(scopes, s) })) {
		return false, nil
	}
	f, err := a.client.challenged(ctx, said, sent != "" && a.client.anew(sent))
	if err != nil {
		return false, a.client.failed(err)
	}
	wanted := union(scopes, said.scopes)
	if len(wanted) == 0 && len(a.client.o.Scopes) == 0 {
		wanted = f.resource.ScopesSupported
	}
	return a.move(before, f, union(wanted, a.client.o.Scopes)), nil
}

// move takes a new source, unless the one that there is was made for a refusal a
// moment ago and is the same.
func (a *InOwnName) move(before *source, f *found, scopes []string) (again bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.source != before {
		return true // another call has moved
	}
	now := a.client.o.Now()
	next := &source{issuer: f.server.Issuer, resource: f.resource.Resource, scopes: scopes, number: 1, made: now}
	if before != nil {
		same := before.issuer == next.issuer && before.resource == next.resource && slices.Equal(before.scopes, scopes)
		if same && now.Sub(before.made) < refusals {
			return false
		}
		next.number = before.number + 1
	}
	next.tokens = a.client.tokens(f.server, a.client.fixed(f.server, ""))
	a.source = next
	return true
}

package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"toolgate/shared/auth"
	"toolgate/shared/backend"
	"toolgate/shared/config"
	"toolgate/shared/oauthclient"
	"toolgate/shared/snapshot"
)

// consentedUpstreams are the servers whose upstreams people give access to.
func consentedUpstreams(m *snapshot.Manifest) []*snapshot.Server {
	var list []*snapshot.Server
	for i := range m.Servers {
		s := &m.Servers[i]
		if s.Upstream != nil && s.Upstream.Credentials.OAuth != nil && s.Upstream.Credentials.OAuth.AuthorizationCode() {
			list = append(list, s)
		}
	}
	return list
}

// oauthClient makes the client of the authorization of a server's upstream. The
// sealing secret keeps registrations; empty: it needs none.
func oauthClient(m *snapshot.Manifest, s *snapshot.Server, o Options, sealing string) (*oauthclient.Client, error) {
	u, c := s.Upstream, s.Upstream.Credentials.OAuth
	secret, err := resolve(c.ClientSecret, o)
	if err != nil {
		return nil, fmt.Errorf("resolving the client secret: %w", err)
	}
	assertion, err := clientAssertion(c, o)
	if err != nil {
		return nil, err
	}
	made := oauthclient.Options{
		Name: s.Name, URL: u.URL, Issuer: c.Issuer, ClientID: c.ClientID, Secret: secret, Assertion: assertion,
		Authentication: c.ClientAuthentication, MetadataURL: c.ClientMetadataURL, ClientName: cmp.Or(m.Title, m.Name), Scopes: c.Scopes,
		Now: o.Services.Now, Log: o.Log,
	}
	if c.Grant == config.GrantJWTBearer {
		made.Workload, made.Assertion = made.Assertion, nil
	}
	if sealing != "" {
		made.Store, made.SealingSecret = o.Connections, []byte(sealing)
	}
	e := &m.Egress
	guard := backend.GuardOptions{
		Hosts: slices.Clone(e.Hosts), Addresses: e.Addresses, NotPublic: e.NotPublic, Private: e.Private, Loopback: m.PublicURL == "",
	}
	for _, configured := range []string{u.URL, c.Issuer} { // what is found besides must be allowed
		if at, err := url.Parse(configured); err == nil && at.Host != "" {
			guard.Hosts = append(guard.Hosts, hostPort(at))
		}
	}
	made.Transport = backend.NewGuard(o.Transport, guard)
	return oauthclient.NewClient(made)
}

// clientAssertion makes what stands for the secret of a client; nil where the secret
// does.
func clientAssertion(c *config.OAuth, o Options) (func(ctx context.Context, issuer string) (string, error), error) {
	switch m := c.Assertion; {
	case m != nil && o.Services.Identity == nil:
		return nil, errors.New("assertion: this host has no managed identity")
	case m != nil:
		return func(ctx context.Context, _ string) (string, error) {
			return o.Services.Identity.Token(ctx, m.Resource, m.ClientID)
		}, nil
	case len(c.AssertionSecret.Parts) > 0:
		token, err := resolve(c.AssertionSecret, o)
		if err != nil {
			return nil, fmt.Errorf("resolving the assertion: %w", err)
		}
		return func(context.Context, string) (string, error) { return strings.TrimSpace(token), nil }, nil
	case len(c.PrivateKey.Parts) == 0:
		return nil, nil
	}
	text, err := resolve(c.PrivateKey, o)
	if err != nil {
		return nil, fmt.Errorf("resolving the private key: %w", err)
	}
	key, err := auth.NewClientKey([]byte(text), o.Services.Now)
	if err != nil {
		return nil, fmt.Errorf("privateKey: %w", err)
	}
	return func(_ context.Context, issuer string) (string, error) { return key.Assertion(c.ClientID, issuer) }, nil
}

// upstreamClient makes the client of a server's upstream.
func (a *assembly) upstreamClient(s *snapshot.Server) (*backend.Client, error) {
	u := s.Upstream
	o, err := a.clientOptions(&config.Backend{URL: u.URL, Credentials: u.Credentials}, cmp.Or(u.Timeout, a.snapshot.Limits.Timeout))
	if err != nil {
		return nil, err
	}
	switch c := u.Credentials.OAuth; {
	case c == nil:
	case c.AuthorizationCode():
		given := &oauthclient.Consented{
			Client: a.upstreams[s.Name], Keeper: a.gateway.connections, Connection: c.Connection, CallersConsent: c.CallersConsent, Subject: subjectOf,
		}
		o.Authorize, o.Challenged = given.Authorize, given.Challenged
	default:
		client, err := oauthClient(&a.snapshot.Manifest, s, a.options, "")
		if err != nil {
			return nil, err
		}
		own := oauthclient.NewInOwnName(client)
		o.Authorize, o.Challenged = own.Authorize, own.Challenged
	}
	return backend.New(o)
}

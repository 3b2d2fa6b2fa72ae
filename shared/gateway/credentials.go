package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"toolgate/shared/backend"
	"toolgate/shared/config"
	"toolgate/shared/credential"
	"toolgate/shared/policy"
)

// Signer signs requests to services of AWS.
type Signer interface {
	// Sign signs a request for a service; an empty region is that of the host.
	Sign(ctx context.Context, req *http.Request, service, region string) error
}

// authorize makes what sets the credentials of each request; nil where there is
// nothing to make for each.
func (a *assembly) authorize(c *config.Credentials) (backend.Authorize, error) {
	switch {
	case c.ManagedIdentity != nil:
		m := c.ManagedIdentity
		i, err := a.identity()
		return credential.ManagedIdentity(i, m.Resource, m.ClientID), err
	case c.ClientCredentials != nil:
		client, err := a.tokenClient(c.ClientCredentials)
		if err != nil {
			return nil, err
		}
		tokens, err := a.tokens(c.ClientCredentials, "client_credentials")
		return credential.ClientCredentials(client, access(c.ClientCredentials), tokens), err
	case c.OnBehalfOf != nil:
		o := c.OnBehalfOf
		client, err := a.tokenClient(&o.TokenClient)
		if err != nil {
			return nil, err
		}
		tokens, err := a.tokens(&o.TokenClient, o.Grant)
		return credential.OnBehalfOf(client, credential.Exchange{
			Access: access(&o.TokenClient), RFC8693: o.Grant == config.GrantTokenExchange, Subject: subjectOf,
		}, tokens), err
	case c.SigV4 != nil:
		signer, v := a.options.AWS, c.SigV4
		if signer == nil {
			return nil, errors.New("sigv4: this host has no AWS credentials to sign with")
		}
		return func(ctx context.Context, req *http.Request) error { return signer.Sign(ctx, req, v.Service, v.Region) }, nil
	}
	return nil, nil
}

func access(c *config.TokenClient) credential.Access {
	return credential.Access{Scope: c.Scope, Audience: c.Audience}
}

// identity is that of the host.
func (a *assembly) identity() (credential.Identity, error) {
	if a.options.Services.Identity == nil {
		return nil, errors.New("managedIdentity: this host has no managed identity")
	}
	return a.options.Services.Identity, nil
}

// tokenClient makes the client of an authorization server, with its secret
// resolved.
func (a *assembly) tokenClient(c *config.TokenClient) (*credential.Client, error) {
	o := credential.ClientOptions{
		TokenURL: c.TokenURL, Issuer: c.Issuer, ID: c.ClientID, Basic: c.Basic,
		Transport: a.options.Transport, Now: a.options.Services.Now,
	}
	var err error
	if m := c.Assertion; m != nil {
		var i credential.Identity
		i, err = a.identity()
		o.Assertion = func(ctx context.Context) (string, error) { return i.Token(ctx, m.Resource, m.ClientID) }
	} else {
		o.Secret, err = resolve(c.ClientSecret, a.options)
	}
	return credential.NewClient(o), err
}

// subjectOf is the access token of the caller: the one for which the server was
// opened, or that a policy of the message found valid; empty for none.
func subjectOf(ctx context.Context) string {
	if token := backend.SubjectOf(ctx); token != "" {
		return token // of a call that gave rise to this one
	}
	if x := exchangeOf(ctx); x != nil && x.Subject != "" {
		return x.Subject
	}
	if v := visitorOf(ctx); v != nil && v.caller.principal != nil {
		return v.caller.principal.token
	}
	return ""
}

// guard is the transport of requests whose URLs policies made.
func (a *assembly) guard() http.RoundTripper {
	e := &a.snapshot.Egress
	o := backend.GuardOptions{
		Hosts: slices.Clone(e.Hosts), Addresses: e.Addresses, NotPublic: e.NotPublic, Private: e.Private,
		Loopback: a.snapshot.PublicURL == "",
	}
	for _, d := range a.gateway.backends {
		if d.pool == nil {
			o.Hosts = append(o.Hosts, hostPort(d.url()))
		}
	}
	return backend.NewGuard(a.options.Transport, o)
}

// certificate is the client certificate of a destination; nil for none.
func (a *assembly) certificate(id string) (*policy.Certificate, error) {
	if id == "" {
		return nil, nil
	}
	if c := a.gateway.certificates.Certificate(id, ""); c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("there is no certificate %q", id)
}

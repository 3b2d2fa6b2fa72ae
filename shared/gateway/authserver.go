package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"toolgate/shared/authserver"
	"toolgate/shared/backend"
	"toolgate/shared/policy"
	"toolgate/shared/seal"
	"toolgate/shared/snapshot"
)

// assertionAudience is what Microsoft Entra wants of a managed identity's token
// that takes the place of a secret.
const assertionAudience = "api://AzureADTokenExchange"

// authorizationServer makes the authorization server of the gateway; nil where the
// configuration has none.
func (a *assembly) authorizationServer() (*authserver.Server, error) {
	c := a.snapshot.AuthorizationServer
	if c == nil {
		return nil, nil
	}
	secret, err := sealingSecret(&a.snapshot.Manifest, a.options)
	if err != nil {
		return nil, err
	}
	o := authserver.Options{
		URL: a.snapshot.PublicURL, Claims: c.Claims, AllowedClients: c.AllowedClients, RefuseLoopback: c.RefuseLoopback,
		TokenLifetime: c.TokenLifetime, RefreshLifetime: c.RefreshLifetime,
		Provider: authserver.ProviderOptions{Issuer: c.Issuer, ClientID: c.ClientID, Scopes: c.Scopes},
		Secret:   secret, Store: a.options.SignIns, Transport: a.options.Transport, Now: a.options.Services.Now, Log: a.options.Log,
	}
	// Nothing that egress allows is for URLs that anybody may write.
	o.Documents = backend.NewGuard(a.options.Transport, backend.GuardOptions{})
	if c.ManagedIdentity {
		identity := a.options.Services.Identity
		if identity == nil {
			return nil, errors.New("the authorization server authenticates by a managed identity, and this host has none: give it a clientSecret")
		}
		o.Provider.Assertion = func(ctx context.Context) (string, error) { return identity.Token(ctx, assertionAudience, "") }
	} else if o.Provider.Secret, err = resolve(c.ClientSecret, a.options); err != nil {
		return nil, fmt.Errorf("the authorization server: %w", err)
	}
	for i := range a.snapshot.Servers {
		if s := &a.snapshot.Servers[i]; slices.Contains(c.Resources, s.Name) {
			o.Resources = append(o.Resources, a.resource(s))
		}
	}
	made, err := authserver.New(o)
	if err != nil {
		return nil, fmt.Errorf("the authorization server: %w", err)
	}
	if tokens := a.options.Services.Tokens; tokens != nil {
		a.options.Services.Tokens = ownTokens{tokens, made}
	}
	return made, nil
}

// resource is a server as tokens can be for it. Its scopes are all that its
// metadata announces: a client asks for more of them when it is told that it lacks
// some.
func (a *assembly) resource(s *snapshot.Server) authserver.Resource {
	r := authserver.Resource{Name: s.Name, URL: a.snapshot.PublicURL + "/" + s.Name + "/mcp", Scopes: a.announced(s)}
	if s.Authorization != nil && len(s.Authorization.Audiences) > 0 {
		r.Audience = s.Authorization.Audiences[0]
	}
	return r
}

// ownTokens validates tokens of the gateway's own authorization server with the
// key that it has, and all others as before: a gateway that asked itself for its
// key would need an instance to spare for the answer.
type ownTokens struct {
	policy.Tokens
	server *authserver.Server
}

// Validate returns nil for a token that satisfies the rules. Who a token says it is
// from decides which key it has to be signed with, and that one alone.
func (t ownTokens) Validate(ctx context.Context, token string, r *policy.TokenRules) *policy.TokenFailure {
	issuer := t.server.Issuer()
	if !slices.Contains(r.Authorities, issuer) {
		return t.Tokens.Validate(ctx, token, r)
	}
	rules := *r
	if t.server.Issued(token) {
		rules.Authorities, rules.OpenIDConfigs, rules.Issuers = nil, nil, []string{issuer}
		rules.Keys = []policy.TokenKey{{ID: t.server.KeyID(), Public: t.server.PublicKey()}}
		return t.Tokens.Validate(ctx, token, &rules)
	}
	rules.Authorities = slices.DeleteFunc(slices.Clone(r.Authorities), func(other string) bool { return other == issuer })
	if len(rules.Authorities)+len(rules.OpenIDConfigs)+len(rules.Issuers) == 0 {
		return &policy.TokenFailure{Reason: policy.ReasonTokenIssuerNotAllowed}
	}
	return t.Tokens.Validate(ctx, token, &rules)
}

// serveAuthorization answers the requests to the authorization server, and reports
// false for everything else.
func (g *Gateway) serveAuthorization(x *exchange) bool {
	if g.authorization == nil || !g.authorization.Serves(x.r.URL.Path) {
		return false
	}
	x.call.Method = x.r.Method
	deadline := http.NewResponseController(x.w) // as for messages
	_ = deadline.SetReadDeadline(x.start.Add(bodyTimeout))
	defer func() { _ = deadline.SetReadDeadline(time.Time{}) }()
	g.authorization.ServeHTTP(x, x.r)
	return true
}

// sealingSecret is the secret from which keys are derived.
func sealingSecret(m *snapshot.Manifest, o Options) ([]byte, error) {
	if len(m.SealingKey.Parts) > 0 {
		text, err := resolve(m.SealingKey, o)
		if err != nil {
			return nil, fmt.Errorf("resolving the sealing key: %w", err)
		}
		return []byte(text), nil
	}
	if o.SealingSecret != nil {
		return o.SealingSecret, nil
	}
	return seal.RandomSecret(), nil
}

// Package services puts together what policies reach beyond their call: limits,
// quotas and caches, over a store that instances share or in the memory of one,
// and the validation of tokens.
package services

import (
	"context"
	"crypto/rsa"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"toolgate/shared/auth"
	"toolgate/shared/cache"
	"toolgate/shared/ledger"
	"toolgate/shared/limit"
	"toolgate/shared/memory"
	"toolgate/shared/policy"
	"toolgate/shared/state"
)

// Options are what a host gives. The zero value works.
type Options struct {
	// Transport fetches the keys of token issuers; nil is the default.
	Transport http.RoundTripper
	// Store is what instances share for limits, quotas and caches; nil: counters
	// and values are those of this instance alone.
	Store state.Store
	// Identity gets tokens for the gateway's own identity; nil: it has none.
	Identity policy.Identity
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Log receives what operators should know; nil discards it.
	Log *slog.Logger
}

// Notes say of policies what this version does not do for them, for the report
// of a build.
var Notes = map[string]string{
	"validate-client-certificate":     "does not look at revocation: validate-revocation asks for a trusted issuer, as validate-trust does",
	"authentication-managed-identity": "gets tokens on Azure, where the gateway has a managed identity, and on AWS Lambda by federation with Microsoft Entra",
}

// New makes the services.
func New(o Options) policy.Services {
	if o.Identity == nil {
		o.Identity = noIdentity{}
	}
	made := policy.Services{
		Cache:    cache.New(cache.Options{Store: o.Store, Now: o.Now, Log: o.Log}),
		Tokens:   tokens{auth.New(auth.Options{Transport: o.Transport, Now: o.Now, Log: o.Log})},
		Identity: o.Identity,
		Now:      o.Now,
	}
	local := memory.New(memory.Options{Now: o.Now})
	made.Reserves = local
	if o.Store == nil {
		made.Limiter, made.Quotas, made.Concurrency = local, local, local
		return made
	}
	shared := limit.New(o.Store, limit.Options{Now: o.Now, Log: o.Log})
	made.Limiter, made.Quotas, made.Concurrency = shared, shared, shared
	made.Ledger = ledger.New(ledger.Options{Store: o.Store, Now: o.Now, Log: o.Log})
	return made
}

// noIdentity stands for a gateway without a managed identity.
type noIdentity struct{}

func (noIdentity) Token(context.Context, string, string) (string, error) {
	return "", errors.New("this gateway has no managed identity")
}

// tokens serves policy.Tokens by auth.
type tokens struct{ *auth.Validator }

// Validate returns nil for a token that satisfies the rules.
func (t tokens) Validate(ctx context.Context, token string, r *policy.TokenRules) *policy.TokenFailure {
	rules := &auth.Rules{
		OpenIDConfigs: r.OpenIDConfigs, Authorities: r.Authorities, Audiences: r.Audiences, Issuers: r.Issuers,
		RequireExpiration: r.RequireExpiration, RequireSigned: r.RequireSigned, ClockSkew: r.ClockSkew,
	}
	var err error
	if rules.Keys, err = keys(r.Keys); err == nil {
		rules.DecryptionKeys, err = keys(r.DecryptionKeys)
	}
	if err != nil {
		return &policy.TokenFailure{Reason: policy.ReasonTokenSignatureKeyNotFound, Err: err}
	}
	for _, c := range r.Claims {
		rules.Claims = append(rules.Claims, auth.Claim(c))
	}
	if e := r.Entra; e != nil {
		rules.Entra = &auth.Entra{Tenant: e.Tenant, Endpoint: e.Endpoint, ClientIDs: e.ClientIDs, BackendIDs: e.BackendIDs}
	}
	valid, err := t.Validator.Validate(ctx, token, rules)
	if err == nil && r.Decrypted != nil && valid.Raw != token {
		r.Decrypted(valid.Raw)
	}
	if failed, ok := errors.AsType[*auth.Error](err); ok {
		return &policy.TokenFailure{Reason: policy.Reason(failed.Kind), Claim: failed.Claim, Value: failed.Value, Unavailable: failed.Unavailable, Err: failed.Err}
	}
	if err != nil {
		return &policy.TokenFailure{Reason: policy.ReasonJWTInvalid, Err: err}
	}
	return nil
}

// keys are those of a document as auth has them.
func keys(list []policy.TokenKey) ([]auth.Key, error) {
	made := make([]auth.Key, 0, len(list))
	for _, k := range list {
		key := auth.Key{ID: k.ID, Secret: k.Secret}
		switch {
		case k.Public != nil:
			key.Public = k.Public
		case k.Certificate != nil:
			key.Public = k.Certificate.Public.PublicKey
			key.Private, _ = k.Certificate.PrivateKey.(*rsa.PrivateKey)
		case k.N != "":
			public, err := auth.ParseRSA(k.N, k.E)
			if err != nil {
				return nil, err
			}
			key.Public = public
		}
		made = append(made, key)
	}
	return made, nil
}

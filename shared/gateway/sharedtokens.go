package gateway

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"toolgate/shared/config"
	"toolgate/shared/credential"
	"toolgate/shared/policy"
	"toolgate/shared/seal"

	"github.com/go-json-experiment/json"
)

const (
	// tokenKind is what the keys of shared tokens begin with.
	tokenKind = "token"
	// aheadOfRenewal is how much earlier the shared token is due than the one that an
	// instance keeps: whoever comes first has to find it due.
	aheadOfRenewal = 2 * time.Second
	// shortestShared is the life of a token from which on sharing it saves a request.
	shortestShared = time.Minute
)

// tokens keep the access tokens that a client is granted; all instances share them
// where they can.
func (a *assembly) tokens(c *config.TokenClient, grant string) (*credential.Tokens, error) {
	now := a.options.Services.Now
	if !a.options.ShareTokens || a.options.Services.Cache == nil || len(a.snapshot.SealingKey.Parts) == 0 {
		return credential.NewTokens(now), nil
	}
	secret, err := sealingSecret(&a.snapshot.Manifest, a.options)
	if err != nil {
		return nil, err
	}
	sealer, err := seal.New(secret, "access token")
	if err != nil {
		return nil, err
	}
	s := &sharedTokens{cache: a.options.Services.Cache, sealer: sealer, secret: secret, now: now, of: c, grant: grant}
	if now == nil {
		s.now = time.Now
	}
	return credential.NewSharedTokens(now, s.share), nil
}

// sharedTokens are access tokens in the cache that instances share, sealed.
type sharedTokens struct {
	cache  policy.Cache
	sealer *seal.Sealer
	secret []byte
	now    func() time.Time
	of     *config.TokenClient
	grant  string
}

// sharedToken is what is sealed.
type sharedToken struct {
	Text    string    `json:"text"`
	Expires time.Time `json:"expires"`
}

// errUnshared reports a token that this gateway did not seal.
var errUnshared = errors.New("the store has an access token that this gateway did not seal")

// share serves credential.Share. Where the store does not answer, each instance
// gets its own.
func (s *sharedTokens) share(ctx context.Context, key string, obtain func(context.Context) (credential.Token, error)) (credential.Token, error) {
	c := policy.Computation{Key: s.key(key), Kind: tokenKind, Once: true}
	var own credential.Token
	c.Run = func(ctx context.Context, _ func()) (policy.Computed, error) {
		token, err := obtain(ctx)
		if err != nil {
			return policy.Computed{}, err
		}
		own = token
		life := token.Expires.Sub(s.now())
		if life < shortestShared {
			return policy.Computed{}, nil // each caller has to get its own
		}
		plain, err := json.Marshal(sharedToken{token.Text, token.Expires})
		if err != nil {
			return policy.Computed{}, fmt.Errorf("sealing an access token: %w", err)
		}
		return policy.Computed{
			Value: []byte(s.sealer.Seal(plain, []byte(c.Key))), Keep: life, Refresh: life - credential.RenewBefore(life) - aheadOfRenewal,
		}, nil
	}
	value, _, err := s.cache.Compute(ctx, &c)
	if err != nil || own.Text != "" {
		return own, err
	}
	if token, err := s.open(value, c.Key); err == nil {
		return token, nil
	}
	return obtain(ctx)
}

func (s *sharedTokens) open(value []byte, key string) (credential.Token, error) {
	var found sharedToken
	plain, err := s.sealer.Open(string(value), []byte(key))
	if err != nil || json.Unmarshal(plain, &found) != nil || found.Text == "" || !found.Expires.After(s.now()) {
		return credential.Token{}, errUnshared
	}
	return credential.Token{Text: found.Text, Expires: found.Expires}, nil
}

// key stands for who is granted a token and what for. It tells nothing to who has
// not the sealing key, and gateways with another one have other rows.
func (s *sharedTokens) key(of string) string {
	h := hmac.New(sha256.New, s.secret)
	for _, part := range []string{"access token", s.of.TokenURL, s.of.Issuer, s.of.ClientID, s.of.Scope, s.of.Audience, s.grant, of} {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return tokenKind + " " + hex.EncodeToString(h.Sum(nil))
}

package gatewaytest

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"toolgate/shared/policy"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ownTokens makes tokens for requests that are explained, and finds them valid as
// far as their claims are: who has issued them and where its keys are is not asked.
type ownTokens struct {
	policy.Tokens // for tokens of others
	secret        []byte

	mu   sync.Mutex
	made map[string]bool
}

func newOwnTokens() *ownTokens {
	secret := make([]byte, sha512.Size)
	_, _ = rand.Read(secret) // never fails (crypto/rand)
	return &ownTokens{secret: secret, made: map[string]bool{}}
}

// before puts the own tokens before those that others validate.
func (o *ownTokens) before(others policy.Tokens) policy.Tokens {
	o.Tokens = others
	return o
}

// make makes a token of claims, with what they lack.
func (o *ownTokens) make(claims jsontext.Value, issuer, audience string, expires time.Time) (string, error) {
	all := map[string]jsontext.Value{}
	if err := json.Unmarshal(claims, &all); err != nil {
		return "", fmt.Errorf("reading the claims of the token: %w", err)
	}
	if all == nil {
		return "", errors.New("the claims of a token are a JSON object")
	}
	for name, value := range map[string]any{"iss": issuer, "aud": audience, "exp": expires.Unix()} {
		if all[name] != nil || value == "" {
			continue
		}
		text, err := json.Marshal(value)
		if err != nil {
			return "", fmt.Errorf("writing the claim %s: %w", name, err)
		}
		all[name] = text
	}
	payload, err := json.Marshal(all, json.Deterministic(true))
	if err != nil {
		return "", fmt.Errorf("writing the claims of the token: %w", err)
	}
	signed := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS512","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(payload)
	mac := hmac.New(sha512.New, o.secret)
	mac.Write([]byte(signed))
	token := signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	o.mu.Lock()
	defer o.mu.Unlock()
	o.made[token] = true
	return token, nil
}

// Validate serves policy.Tokens.
func (o *ownTokens) Validate(ctx context.Context, token string, r *policy.TokenRules) *policy.TokenFailure {
	o.mu.Lock()
	own := o.made[strings.TrimPrefix(token, "Bearer ")]
	o.mu.Unlock()
	if !own {
		return o.Tokens.Validate(ctx, token, r)
	}
	rules := *r
	rules.Keys, rules.Entra = []policy.TokenKey{{Secret: o.secret}}, nil
	rules.Issuers = slices.Concat(r.Issuers, r.Authorities)
	if len(r.OpenIDConfigs) > 0 { // whose issuers are not known here
		rules.Issuers = nil
	}
	rules.OpenIDConfigs, rules.Authorities = nil, nil
	return o.Tokens.Validate(ctx, token, &rules)
}

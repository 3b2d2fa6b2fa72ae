package shadow

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"toolgate/shared/expr"
	"toolgate/shared/policy"

	"github.com/go-json-experiment/json"
)

// HeardTokens are the tokens of the live gateway: what was found of those of a call
// that is kept, the candidate takes over.
type HeardTokens struct{ policy.Tokens }

// Validate serves policy.Tokens.
func (h HeardTokens) Validate(ctx context.Context, token string, r *policy.TokenRules) *policy.TokenFailure {
	failure := h.Tokens.Validate(ctx, token, r)
	if c := Of(ctx); c != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.tokens == nil {
			c.tokens = map[string]*policy.TokenFailure{}
		}
		if known, ok := c.tokens[token]; !ok || known != nil { // by one set of rules it was good
			c.tokens[token] = failure
		}
	}
	return failure
}

// HeardSubscriptions are the subscriptions of the live gateway.
type HeardSubscriptions struct{ policy.Subscriptions }

// Find serves policy.Subscriptions.
func (h HeardSubscriptions) Find(ctx context.Context, key string) (*policy.Subscription, error) {
	s, err := h.Subscriptions.Find(ctx, key)
	if c := Of(ctx); c != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.keys == nil {
			c.keys = map[string]found{}
		}
		c.keys[key] = found{s, err}
	}
	return s, err
}

// GivenSubscriptions are those of the candidate: the live call has found them. A key
// that it did not look for cannot be looked for without the store.
type GivenSubscriptions struct{}

// Find serves policy.Subscriptions.
func (GivenSubscriptions) Find(ctx context.Context, key string) (*policy.Subscription, error) {
	c := Of(ctx)
	if c == nil {
		return nil, policy.ErrSubscriptionKey
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if f, ok := c.keys[key]; ok {
		return f.subscription, f.err
	}
	c.uncertain = true
	return nil, policy.ErrSubscriptionKey
}

// GivenTokens are those of the candidate: signatures are what the live call found
// them to be, or good where it did not look, and claims are held against the rules
// of the candidate. No keys are fetched.
type GivenTokens struct {
	validator policy.Tokens
	secret    []byte
}

// NewGivenTokens makes one of a validator that needs no network for tokens whose
// keys are in the rules.
func NewGivenTokens(validator policy.Tokens) *GivenTokens {
	secret := make([]byte, sha512.Size)
	_, _ = rand.Read(secret) // never fails (crypto/rand)
	return &GivenTokens{validator: validator, secret: secret}
}

// ofSignature are the failures that have nothing to do with what the rules want of
// the claims.
var ofSignature = []policy.Reason{
	policy.ReasonTokenSignatureInvalid, policy.ReasonTokenSignatureKeyNotFound, policy.ReasonJWTInvalid, policy.ReasonTokenNotPresent,
}

// Validate serves policy.Tokens.
func (g *GivenTokens) Validate(ctx context.Context, token string, r *policy.TokenRules) *policy.TokenFailure {
	var failure *policy.TokenFailure
	heard := false
	if c := Of(ctx); c != nil {
		c.mu.Lock()
		failure, heard = c.tokens[token]
		c.mu.Unlock()
	}
	if failure != nil && (failure.Unavailable || slices.Contains(ofSignature, failure.Reason)) {
		return failure
	}
	again, err := g.sign(token, r.RequireSigned)
	switch {
	case err == nil:
	case heard && failure == nil: // encrypted: its claims are not to be seen
		return nil
	default:
		return &policy.TokenFailure{Reason: policy.ReasonJWTInvalid, Err: err}
	}
	rules := *r
	rules.Keys, rules.DecryptionKeys, rules.Entra, rules.Decrypted = []policy.TokenKey{{Secret: g.secret}}, nil, nil, nil
	rules.Issuers = slices.Concat(r.Issuers, r.Authorities)
	if len(r.OpenIDConfigs) > 0 { // whose issuers are not known without asking
		rules.Issuers = nil
	}
	rules.OpenIDConfigs, rules.Authorities = nil, nil
	return g.validator.Validate(ctx, again, &rules)
}

// errToken says that a token has no claims that can be read.
var errToken = errors.New("the token is not a signed one in compact form")

// sign is a token of the same claims with a signature that can be verified here.
func (g *GivenTokens) sign(token string, signed bool) (string, error) {
	parts := strings.Split(strings.TrimPrefix(token, "Bearer "), ".")
	if len(parts) != 3 {
		return "", errToken
	}
	var header struct {
		Algorithm string `json:"alg"`
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil || json.Unmarshal(text, &header) != nil || signed && (parts[2] == "" || strings.EqualFold(header.Algorithm, "none")) {
		return "", errToken
	}
	content := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS512","typ":"JWT"}`)) + "." + parts[1]
	mac := hmac.New(sha512.New, g.secret)
	mac.Write([]byte(content))
	return content + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), nil
}

// standIn is what the candidate has in place of what would have to be fetched.
const standIn = "shadow"

// Identity is that of the candidate: it gets no tokens, and has something in their
// place. It serves policy.Identity.
type Identity struct{}

// Token serves policy.Identity.
func (Identity) Token(context.Context, string, string) (string, error) { return standIn, nil }

// Connections are those of the candidate. They serve policy.Connections.
type Connections struct{}

// Authorization serves policy.Connections.
func (Connections) Authorization(context.Context, policy.ConnectionRequest) (*expr.Authorization, error) {
	return &expr.Authorization{AccessToken: standIn}, nil
}

// Silence hears nothing of what the candidate's policies report. It serves
// policy.Sink.
type Silence struct{}

// Trace serves policy.Sink.
func (Silence) Trace(*policy.Exchange, policy.TraceRecord) {}

// Metric serves policy.Sink.
func (Silence) Metric(*policy.Exchange, policy.Metric) {}

// Event serves policy.Sink.
func (Silence) Event(*policy.Exchange, policy.Event) {}

var (
	_ policy.Tokens        = HeardTokens{}
	_ policy.Tokens        = (*GivenTokens)(nil)
	_ policy.Subscriptions = HeardSubscriptions{}
	_ policy.Subscriptions = GivenSubscriptions{}
	_ policy.Identity      = Identity{}
	_ policy.Connections   = Connections{}
	_ policy.Sink          = Silence{}
)

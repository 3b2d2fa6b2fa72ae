// Package auth validates JSON Web Tokens (RFC 7519): it knows their signatures
// and claims, the keys of OpenID providers and how long those keep, and the
// tenants of Microsoft Entra.
//
// What is checked, and in which order: the form of the token, its signature,
// its lifetime, audience, issuer, client application, and claims. The first
// that is not satisfied is the [Kind] of the [Error].
//
// A key is bound to its algorithm before it is tried (RFC 8725, 3.1): a secret
// verifies HS256, HS384 and HS512 and nothing else, an RSA key RS* and PS*, an
// elliptic key the one ES* of its curve. Nothing in the header of a token adds a
// key: jwk, jku, x5c and x5u have no say.
//
// Whether a key verifies a token holds for good, and is remembered for some
// minutes; whether the key may be used, and what the rules want, is looked at for
// each call.
//
// The other way round, [ManagedIdentity] gets the tokens that the gateway itself
// shows to backends.
package auth

import (
	"context"
	"crypto"
	"crypto/rsa"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxToken is the greatest length of a token, in bytes.
const MaxToken = 64 << 10

// Options are what a validator needs of its surroundings. The zero value works.
type Options struct {
	// Transport carries the requests to OpenID providers; nil is one of our own.
	Transport http.RoundTripper
	// Now is the clock; nil is [time.Now].
	Now func() time.Time
	// Log is told of a refresh that failed while older keys keep working; nil
	// discards that.
	Log *slog.Logger
}

// Validator validates JSON Web Tokens. It keeps the keys of the OpenID providers
// that its callers name, and for a few minutes what it found out about the
// signatures of tokens. It is safe for concurrent use.
type Validator struct {
	client http.Client
	now    func() time.Time
	log    *slog.Logger

	mu        sync.Mutex
	providers map[string]*provider // by providerKey

	kept keptTokens
}

// New returns a validator that has no keys of providers yet.
func New(o Options) *Validator {
	v := &Validator{now: o.Now, log: o.Log, providers: map[string]*provider{}}
	if v.now == nil {
		v.now = time.Now
	}
	if v.log == nil {
		v.log = slog.New(slog.DiscardHandler)
	}
	v.client = http.Client{
		Transport: o.Transport,
		// A redirect would take the place of keys out of the hands of who configured it.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if v.client.Transport == nil {
		v.client.Transport = &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			ForceAttemptHTTP2:      true,
			MaxIdleConnsPerHost:    2,
			IdleConnTimeout:        30 * time.Second,
			TLSHandshakeTimeout:    fetchTimeout,
			MaxResponseHeaderBytes: 64 << 10,
		}
	}
	return v
}

// Rules say which tokens are valid. They are not changed by a validation, and
// are cheap to copy: what a policy computes for each call is set in a copy.
type Rules struct {
	// OpenIDConfigs are the URLs of OpenID configurations: https, or http to a
	// loopback host. Their keys join Keys and their issuers join Issuers, but the
	// issuer of a configuration counts only for tokens that one of its own keys
	// signed, or one of Keys (RFC 8725, 3.8).
	OpenIDConfigs []string
	// Authorities are issuers whose keys are found by their identifiers: https URLs,
	// or http ones of a loopback host. The issuer of what is found is the identifier
	// itself (RFC 8414, 3.3), and counts as that of an OpenID configuration.
	Authorities []string
	// Keys verify signatures. They are tried in turn, whatever their IDs.
	Keys []Key
	// DecryptionKeys decrypt tokens that are encrypted; nil refuses those.
	DecryptionKeys []Key
	// Audiences are the values of aud of which a token needs one; nil does not
	// check it, and empty allows none.
	Audiences []string
	// Issuers are the values of iss of which a token needs one; nil does not check
	// it unless there are OpenIDConfigs or Authorities. Entra has its own.
	Issuers []string
	// RequireExpiration refuses tokens without exp.
	RequireExpiration bool
	// RequireSigned refuses tokens whose alg is none. A token that has a signature
	// is always verified.
	RequireSigned bool
	// ClockSkew is how far the clock of an issuer may be off; less than zero is zero.
	ClockSkew time.Duration
	Claims    []Claim
	// Entra makes them the rules of a Microsoft Entra tenant; nil for others.
	Entra *Entra
}

// Key verifies or decrypts tokens. One of the fields besides ID is set.
type Key struct {
	// ID is for the log only: keys of policies are tried in turn.
	ID string
	// Secret verifies HS256, HS384 and HS512, for which RFC 7518 (3.2) wants at
	// least 32, 48 and 64 bytes, or decrypts with dir.
	Secret []byte
	// Public is an *[rsa.PublicKey] or *[ecdsa.PublicKey]; that of a certificate is
	// its PublicKey, and [ParseRSA] reads a modulus and an exponent. The validator
	// remembers it beyond the call: what it points to is never changed.
	Public crypto.PublicKey
	// Private decrypts with RSA-OAEP and RSA-OAEP-256; it does not verify.
	Private *rsa.PrivateKey
}

// ParseRSA reads the modulus and the exponent of an RSA public key, both in
// base64url as in a JSON Web Key; padding and plain base64 are read as well.
func ParseRSA(n, e string) (*rsa.PublicKey, error) {
	text := strings.NewReplacer("+", "-", "/", "_", "=", "")
	document := []byte(`{"kty":"RSA","n":`)
	document, errN := jsontext.AppendQuote(document, text.Replace(strings.TrimSpace(n)))
	document = append(document, `,"e":`...)
	document, errE := jsontext.AppendQuote(document, text.Replace(strings.TrimSpace(e)))
	document = append(document, '}')
	key, ok := parseKey(document, minRSA)
	if errN != nil || errE != nil || !ok {
		return nil, fmt.Errorf("modulus (n) and exponent (e) are no RSA public key of 1024 to %d bits: give both in base64url, as in a JSON Web Key", jose.MaxRSAModulusBits)
	}
	return key.key.(*rsa.PublicKey), nil // by its kty
}

// Claim is a claim that a token needs.
type Claim struct {
	Name string
	// Values are what the claim must have; none wants the claim only.
	Values []string
	// All wants each of Values in the claim, otherwise one is enough.
	All bool
	// Separator splits the text of the claim into several values; empty does not.
	Separator string
}

// Token is a token that was found valid.
type Token struct {
	// Raw is the signed token in compact form: header, payload and signature. Of an
	// encrypted token it is what was inside.
	Raw string
}

// Kind is why a token is not valid, in the words of API Management.
type Kind string

// The kinds of errors.
const (
	TokenNotPresent           Kind = "TokenNotPresent"
	TokenSignatureInvalid     Kind = "TokenSignatureInvalid"
	TokenSignatureKeyNotFound Kind = "TokenSignatureKeyNotFound"
	TokenExpired              Kind = "TokenExpired"
	TokenAudienceNotAllowed   Kind = "TokenAudienceNotAllowed"
	TokenIssuerNotAllowed     Kind = "TokenIssuerNotAllowed"
	TokenClaimNotFound        Kind = "TokenClaimNotFound"
	TokenClaimValueNotAllowed Kind = "TokenClaimValueNotAllowed"
	JwtInvalid                Kind = "JwtInvalid"
)

// Error says why a token is not valid.
type Error struct {
	Kind Kind
	// Claim is the name of the claim of TokenClaimNotFound and
	// TokenClaimValueNotAllowed.
	Claim string
	// Value is what the claim of TokenClaimValueNotAllowed has, its values joined by
	// commas, or what is wrong with a token that is JwtInvalid, in words for the
	// client.
	Value string
	// Unavailable says that a provider which may have the key of a
	// TokenSignatureKeyNotFound or a TokenSignatureInvalid never answered.
	Unavailable bool
	// Err is the cause, for the log only; it may be nil.
	Err error
}

// Error is for the log.
func (e *Error) Error() string {
	text := string(e.Kind)
	if e.Claim != "" {
		text += " " + e.Claim
	}
	if e.Value != "" {
		text += ": " + e.Value
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// invalid is a JwtInvalid, with what is wrong in words for the client.
func invalid(what string, cause error) *Error {
	return &Error{Kind: JwtInvalid, Value: what, Err: cause}
}

// Validate checks a token, in compact form and without its scheme, against the
// rules. The context bounds the wait for keys, which go on being fetched for
// others. The error is an *[Error].
func (v *Validator) Validate(ctx context.Context, token string, r *Rules) (*Token, error) {
	if token == "" {
		return nil, &Error{Kind: TokenNotPresent}
	}
	now := v.now()
	t, err := v.read(token, r, now)
	if err != nil {
		return nil, err
	}
	trusted, err := v.verify(ctx, t, r)
	if err != nil {
		return nil, err
	}
	if err := t.claims.checkLifetime(r, v.now()); err != nil {
		return nil, err
	}
	if err := t.claims.checkAudience(r); err != nil {
		return nil, err
	}
	if err := t.claims.checkIssuer(r, trusted); err != nil {
		return nil, err
	}
	if err := t.claims.checkClient(r.Entra); err != nil {
		return nil, err
	}
	if err := t.claims.checkRequired(r.Claims); err != nil {
		return nil, err
	}
	return &Token{Raw: t.raw}, nil
}

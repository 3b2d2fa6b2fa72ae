package auth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxDocument is the greatest length of a document of a provider, in bytes.
const maxDocument = 1 << 20

// The least lengths of a modulus, in bits. RFC 7518 (3.3) wants 2048, and gets it of
// providers. Who writes a key into a policy may have an old one, of which API
// Management takes 1024; crypto/rsa does not verify with less.
const (
	minRSA       = 1024
	minPublished = 2048
)

// keySet is what a provider answered. It does not change.
type keySet struct {
	from    *provider
	fetched time.Time
	issuer  string
	keys    []publicKey
}

// publicKey is a key of a JSON Web Key Set that verifies signatures.
type publicKey struct {
	kid    string // may be empty
	alg    string // the one it is limited to; empty for any that takes it
	issuer string // a member of Entra: who it is limited to; empty for anybody
	key    crypto.PublicKey
}

// equal reports whether it is the same key.
func (k *publicKey) equal(other crypto.PublicKey) bool { return sameKey(k.key, other) }

// sameKey reports whether two RSA or elliptic public keys are equal, as their own
// Equal does, which takes copies of them.
func sameKey(a, b crypto.PublicKey) bool {
	switch a := a.(type) {
	case *rsa.PublicKey:
		b, ok := b.(*rsa.PublicKey)
		return ok && (a == b || a.E == b.E && a.N.Cmp(b.N) == 0)
	case *ecdsa.PublicKey:
		b, ok := b.(*ecdsa.PublicKey)
		return ok && (a == b || a.Equal(b))
	}
	return false
}

// fetchKeySet fetches an OpenID configuration (OpenID Connect Discovery 1.0, 4)
// and the keys it names.
func (v *Validator) fetchKeySet(ctx context.Context, place string) (*keySet, error) {
	var configuration struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	local, err := checkURL(place, true)
	if err != nil {
		return nil, fmt.Errorf("the URL of an OpenID configuration: %w", err)
	}
	document, err := v.get(ctx, place)
	if err != nil {
		return nil, fmt.Errorf("fetching an OpenID configuration: %w", err)
	}
	if err := json.Unmarshal(document, &configuration); err != nil {
		return nil, fmt.Errorf("reading the OpenID configuration at %s: %w", place, err)
	}
	if configuration.Issuer == "" || configuration.JWKSURI == "" {
		return nil, fmt.Errorf("the OpenID configuration at %s has no issuer or no jwks_uri", place)
	}
	if _, err := checkURL(configuration.JWKSURI, local); err != nil {
		return nil, fmt.Errorf("the jwks_uri of %s: %w", place, err)
	}
	if document, err = v.get(ctx, configuration.JWKSURI); err != nil {
		return nil, fmt.Errorf("fetching a JSON Web Key Set: %w", err)
	}
	keys, err := parseKeySet(document)
	if err != nil {
		return nil, fmt.Errorf("reading the JSON Web Key Set at %s: %w", configuration.JWKSURI, err)
	}
	return &keySet{issuer: configuration.Issuer, keys: keys}, nil
}

// checkURL wants https, or http to a loopback host where a local one may be
// named: only a configuration on this machine may name keys on this machine.
func checkURL(text string, mayBeLocal bool) (local bool, err error) {
	u, err := url.Parse(text)
	if err != nil {
		return false, err
	}
	addr, _ := netip.ParseAddr(u.Hostname())
	local = u.Hostname() == "localhost" || addr.IsLoopback()
	switch {
	case u.Hostname() == "" || u.User != nil:
		return false, fmt.Errorf("%q is no absolute URL of a host", u.Redacted())
	case local && !mayBeLocal:
		return false, fmt.Errorf("%q is this machine, and its configuration is not", text)
	case u.Scheme != "https" && !(u.Scheme == "http" && local):
		return false, fmt.Errorf("%q is not https", text)
	}
	return local, nil
}

// get fetches a document.
func (v *Validator) get(ctx context.Context, place string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, place, http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	res, err := v.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered status %d", place, res.StatusCode)
	}
	document, err := io.ReadAll(io.LimitReader(res.Body, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("reading the answer of %s: %w", place, err)
	}
	if len(document) > maxDocument {
		return nil, fmt.Errorf("the answer of %s is longer than %d bytes", place, maxDocument)
	}
	return document, nil
}

// webKey is what we heed of a JSON Web Key (RFC 7517, 4). Its certificates are
// not read: they add nothing to the key, and a fault in one would cost the key.
type webKey struct {
	Kty    string   `json:"kty"`
	Use    string   `json:"use,omitzero"`
	KeyOps []string `json:"key_ops,omitzero"`
	Alg    string   `json:"alg,omitzero"`
	Kid    string   `json:"kid,omitzero"`
	Issuer string   `json:"issuer,omitzero"`

	N   string `json:"n,omitzero"`
	E   string `json:"e,omitzero"`
	Crv string `json:"crv,omitzero"`
	X   string `json:"x,omitzero"`
	Y   string `json:"y,omitzero"`
}

// parseKeySet reads a JSON Web Key Set. Keys that do not verify signatures, or
// that we do not know, are left out (RFC 7517, 5); so are secrets, which nobody
// publishes, and what is private in a key is not read. A set without any key is
// an error, because it must not take the place of one that works.
func parseKeySet(document []byte) ([]publicKey, error) {
	var set struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if err := json.Unmarshal(document, &set); err != nil {
		return nil, err
	}
	var keys []publicKey
	for _, text := range set.Keys {
		if key, ok := parseKey(text, minPublished); ok {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("it has no key that verifies signatures with RSA of 2048 bits or an elliptic curve")
	}
	return keys, nil
}

// parseKey reads a JSON Web Key; not ok is one to leave out. That is an RSA key, too,
// whose modulus is shorter than bits, or whose exponent crypto/rsa refuses.
func parseKey(text jsontext.Value, bits int) (key publicKey, ok bool) {
	var w webKey
	if json.Unmarshal(text, &w) != nil {
		return key, false
	}
	switch {
	case w.Kty != "RSA" && w.Kty != "EC", w.Use != "" && w.Use != "sig", w.KeyOps != nil && !slices.Contains(w.KeyOps, "verify"):
		return key, false
	}
	public, err := json.Marshal(webKey{Kty: w.Kty, N: w.N, E: w.E, Crv: w.Crv, X: w.X, Y: w.Y})
	if err != nil {
		return key, false
	}
	var parsed jose.JSONWebKey
	if parsed.UnmarshalJSON(public) != nil || !parsed.Valid() {
		return key, false
	}
	if key, isRSA := parsed.Key.(*rsa.PublicKey); isRSA && (key.N.BitLen() < bits || key.N.Bit(0) == 0 || key.E&1 == 0 || key.E < 3 || key.E > math.MaxInt32) {
		return publicKey{}, false
	}
	return publicKey{kid: w.Kid, alg: w.Alg, issuer: w.Issuer, key: parsed.Key}, true
}

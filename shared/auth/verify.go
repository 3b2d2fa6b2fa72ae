package auth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"

	"github.com/golang-jwt/jwt/v5"
)

// algorithm is what a signature algorithm takes as key.
type algorithm struct {
	method jwt.SigningMethod
	secret int            // the least length of its secret, in bytes (RFC 7518, 3.2); 0 when it takes public keys
	curve  elliptic.Curve // nil for RSA
}

// algorithms are the ones we verify. none is not one of them, nor is anything
// that has no registered name.
var algorithms = map[string]algorithm{
	"HS256": {method: jwt.SigningMethodHS256, secret: 32},
	"HS384": {method: jwt.SigningMethodHS384, secret: 48},
	"HS512": {method: jwt.SigningMethodHS512, secret: 64},
	"RS256": {method: jwt.SigningMethodRS256},
	"RS384": {method: jwt.SigningMethodRS384},
	"RS512": {method: jwt.SigningMethodRS512},
	"PS256": {method: saltOfHash(jwt.SigningMethodPS256)},
	"PS384": {method: saltOfHash(jwt.SigningMethodPS384)},
	"PS512": {method: saltOfHash(jwt.SigningMethodPS512)},
	"ES256": {method: jwt.SigningMethodES256, curve: elliptic.P256()},
	"ES384": {method: jwt.SigningMethodES384, curve: elliptic.P384()},
	"ES512": {method: jwt.SigningMethodES512, curve: elliptic.P521()},
}

// saltOfHash wants a salt as long as the hash (RFC 7518, 3.5); golang-jwt takes any
// when it verifies.
func saltOfHash(m *jwt.SigningMethodRSAPSS) jwt.SigningMethod {
	return &jwt.SigningMethodRSAPSS{SigningMethodRSA: m.SigningMethodRSA, Options: &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}}
}

// takes reports whether the algorithm is one for the public key.
func (a algorithm) takes(key crypto.PublicKey) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return a.secret == 0 && a.curve == nil && key != nil && key.N != nil
	case *ecdsa.PublicKey:
		return a.curve != nil && key != nil && key.Curve == a.curve
	}
	return false
}

// verifying is a token whose signature is being verified.
type verifying struct {
	kid       string
	alg       algorithm
	token     *signed
	signature []byte // decoded when it is first needed
	verdicts  []verdict
	tried     int   // keys that are for the algorithm
	known     bool  // a provider has a key of that kid
	short     error // secrets that are too short
}

// verify verifies the signature of a token and returns who vouches for its
// issuer.
func (v *Validator) verify(ctx context.Context, t *signed, r *Rules) ([]voucher, error) {
	providers, err := v.providersOf(r)
	if err != nil {
		return nil, err
	}
	if t.header.Alg == "none" {
		if r.RequireSigned || r.Entra != nil || t.signature() != "" {
			return nil, &Error{Kind: TokenSignatureInvalid, Err: errors.New("alg is none")}
		}
		return v.vouchers(ctx, t, r, providers), nil
	}
	s, err := verification(t)
	if err != nil {
		return nil, err
	}
	if s.inline(r.Keys) {
		v.keep(s)
		return v.vouchers(ctx, t, r, providers), nil
	}
	var key crypto.PublicKey
	sets, unavailable := v.keySets(ctx, providers, func(sets []*keySet) bool {
		all := len(sets) == len(providers)
		if key == nil {
			key = s.find(sets)
		}
		if key == nil { // what has the kid and does not verify would not after a refresh
			return all && s.known
		}
		return all || t.claims.issuedAs(r, vouching(sets, key)) // several may share the key
	})
	if key != nil {
		v.keep(s)
		return vouching(sets, key), nil
	}
	why := errors.Join(s.short, fmt.Errorf("none of %d keys of the policy verifies it", len(r.Keys)))
	away := len(sets) < len(providers)
	if s.tried > 0 || s.known {
		return nil, &Error{Kind: TokenSignatureInvalid, Unavailable: away, Err: errors.Join(fmt.Errorf("%d keys for %s do not verify kid %.100q", s.tried, t.header.Alg, s.kid), why, unavailable)}
	}
	return nil, &Error{Kind: TokenSignatureKeyNotFound, Unavailable: away, Err: errors.Join(fmt.Errorf("no key for %s with kid %.100q", t.header.Alg, s.kid), why, unavailable)}
}

// verification prepares a token for its keys.
func verification(t *signed) (*verifying, error) {
	alg, ok := algorithms[t.header.Alg]
	if !ok {
		return nil, &Error{Kind: TokenSignatureInvalid, Err: fmt.Errorf("alg is %.100q", t.header.Alg)}
	}
	if t.header.misfit != nil {
		return nil, invalid("its header is not understood", t.header.misfit)
	}
	return &verifying{kid: t.header.Kid, alg: alg, token: t, verdicts: t.verdicts}, nil
}

// inline tries keys of the rules, and reports whether one verifies.
func (s *verifying) inline(keys []Key) bool {
	for _, k := range keys {
		if s.alg.secret > 0 && len(k.Secret) > 0 {
			s.tried++
			if len(k.Secret) < s.alg.secret {
				s.short = errors.Join(s.short, fmt.Errorf("key %q has %d bytes, and %s needs at least %d", k.ID, len(k.Secret), s.alg.method.Alg(), s.alg.secret))
				continue
			}
			if s.verify(k.Secret) { // each time: no secret outlives its rules, and it costs no more than to look it up
				return true
			}
		}
		if s.verifiedBy(k.Public) {
			return true
		}
	}
	return false
}

// verify verifies the signature with a key that is for the algorithm.
func (s *verifying) verify(key any) bool {
	if s.signature == nil {
		var err error
		if s.signature, err = decode(s.token.signature()); err != nil { // cannot be: it was read
			return false
		}
	}
	return s.alg.method.Verify(s.token.input(), s.signature, key) == nil
}

// verifiedBy tries a public key. What it finds out holds for good, because it is
// said of these bytes and this key; whether the key may be used is not said.
func (s *verifying) verifiedBy(key crypto.PublicKey) bool {
	if !s.alg.takes(key) {
		return false
	}
	s.tried++
	for _, w := range s.verdicts {
		if sameKey(w.key, key) {
			return w.valid
		}
	}
	valid := s.verify(key)
	s.verdicts = append(slices.Clip(s.verdicts), verdict{key, valid}) // those of others are shared
	return valid
}

// find returns the key of providers that verifies the token, or nil. With a kid
// those of that kid are tried, and those that have none; without, all.
func (s *verifying) find(sets []*keySet) crypto.PublicKey {
	for _, set := range sets {
		for _, k := range set.keys {
			if s.kid != "" && k.kid != "" && k.kid != s.kid {
				continue
			}
			s.known = s.known || s.kid != "" && k.kid == s.kid
			if k.alg != "" && k.alg != s.alg.method.Alg() {
				continue
			}
			if s.verifiedBy(k.key) {
				return k.key
			}
		}
	}
	return nil
}

// vouching are the providers that have the key, which several may share.
func vouching(sets []*keySet, key crypto.PublicKey) []voucher {
	var list []voucher
	for _, set := range sets {
		for _, k := range set.keys {
			if k.equal(key) {
				list = append(list, voucher{issuer: set.issuer, keyIssuer: k.issuer})
			}
		}
	}
	return list
}

// vouchers are all providers: a key of the rules is good for any of their
// issuers, and so are rules that take unsigned tokens. It waits for those that
// were never fetched, unless the issuer is found without them.
func (v *Validator) vouchers(ctx context.Context, t *signed, r *Rules, providers []*provider) []voucher {
	var list []voucher
	_, _ = v.keySets(ctx, providers, func(sets []*keySet) bool { // without its issuer the token is refused
		list = list[:0]
		for _, set := range sets {
			list = append(list, voucher{issuer: set.issuer})
		}
		return len(sets) == len(providers) || t.claims.issuedAs(r, list)
	})
	return list
}

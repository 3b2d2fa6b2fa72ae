package authserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/big"

	"github.com/golang-jwt/jwt/v5"
)

// signer signs access tokens with ES256.
type signer struct {
	key    *ecdsa.PrivateKey
	id     string
	header string // of every token, encoded
}

// newSigner derives the key from the sealing key, so that all instances have the
// same without having to keep or hand around one: 128 bits more than the order of
// the curve, reduced (FIPS 186-5, A.2.1).
func newSigner(secret []byte) (*signer, error) {
	const purpose = "toolgate oauth access token ES256"
	seed, err := hkdf.Key(sha256.New, secret, nil, purpose, 48)
	if err != nil {
		return nil, fmt.Errorf("deriving the key that signs tokens: %w", err)
	}
	one := big.NewInt(1)
	d := new(big.Int).SetBytes(seed)
	d.Mod(d, new(big.Int).Sub(elliptic.P256().Params().N, one)).Add(d, one)
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), d.FillBytes(make([]byte, 32)))
	if err != nil {
		return nil, fmt.Errorf("deriving the key that signs tokens: %w", err)
	}
	s := &signer{key: key}
	w := s.webKey()
	// The thumbprint (RFC 7638): the members that make the key, in their order.
	print := sha256.Sum256(fmt.Appendf(nil, `{"crv":%q,"kty":%q,"x":%q,"y":%q}`, w.Crv, w.Kty, w.X, w.Y))
	s.id = base64.RawURLEncoding.EncodeToString(print[:])
	s.header = base64.RawURLEncoding.EncodeToString(marshal(struct {
		Alg string `json:"alg"`
		Typ string `json:"typ"`
		Kid string `json:"kid"`
	}{"ES256", "at+jwt", s.id}))
	return s, nil
}

// webKey is a JSON Web Key (RFC 7517).
type webKey struct {
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	X   string `json:"x"`
	Y   string `json:"y"`
	Use string `json:"use"`
	Alg string `json:"alg"`
	Kid string `json:"kid"`
}

// webKey is the public key.
func (s *signer) webKey() webKey {
	w := webKey{Kty: "EC", Crv: "P-256", Use: "sig", Alg: "ES256", Kid: s.id}
	if point, err := s.key.PublicKey.Bytes(); err == nil && len(point) == 65 { // always: it is a key of P-256
		w.X, w.Y = base64.RawURLEncoding.EncodeToString(point[1:33]), base64.RawURLEncoding.EncodeToString(point[33:])
	}
	return w
}

// sign makes a token of claims.
func (s *signer) sign(claims any) (string, error) {
	input := s.header + "." + base64.RawURLEncoding.EncodeToString(marshal(claims))
	signature, err := jwt.SigningMethodES256.Sign(input, s.key)
	if err != nil {
		return "", fmt.Errorf("signing a token: %w", err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"math/big"

	"github.com/go-json-experiment/json"
	"github.com/golang-jwt/jwt/v5"
)

// Signer signs access tokens of the gateway's own (RFC 9068) with ES256. It is safe
// for concurrent use.
type Signer struct {
	key    *ecdsa.PrivateKey
	id     string
	header string // of every token, encoded
}

// NewSigner derives the key from a secret that all instances share, so that none
// has to be kept or handed around, and for one purpose, so that it is no key of
// another.
func NewSigner(secret []byte, purpose string) (*Signer, error) {
	// 128 bits more than the order of the curve, reduced (FIPS 186-5, A.2.1).
	seed, err := hkdf.Key(sha256.New, secret, nil, "toolgate "+purpose+" ES256", 48)
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
	s := &Signer{key: key}
	w, err := s.webKey()
	if err != nil {
		return nil, err
	}
	// The thumbprint: the members that make the key, in their order (RFC 7638, 3).
	thumbprint := sha256.Sum256(fmt.Appendf(nil, `{"crv":%q,"kty":%q,"x":%q,"y":%q}`, w.Crv, w.Kty, w.X, w.Y))
	s.id = strict.EncodeToString(thumbprint[:])
	s.header = strict.EncodeToString(fmt.Appendf(nil, `{"alg":"ES256","typ":"at+jwt","kid":%q}`, s.id))
	return s, nil
}

// ID is the kid of the key.
func (s *Signer) ID() string { return s.id }

// PublicKey verifies the tokens. It is not to be changed.
func (s *Signer) PublicKey() *ecdsa.PublicKey { return &s.key.PublicKey }

func (s *Signer) webKey() (webKey, error) {
	point, err := s.key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		return webKey{}, fmt.Errorf("encoding the key that verifies tokens: %w", err)
	}
	return webKey{
		Kty: "EC", Use: "sig", Alg: "ES256", Kid: s.id, Crv: "P-256",
		X: strict.EncodeToString(point[1:33]), Y: strict.EncodeToString(point[33:]),
	}, nil
}

// KeySet is the JSON Web Key Set with the public key (RFC 7517, 5).
func (s *Signer) KeySet() ([]byte, error) {
	w, err := s.webKey()
	if err != nil {
		return nil, err
	}
	return json.Marshal(struct {
		Keys []webKey `json:"keys"`
	}{[]webKey{w}})
}

// Sign makes a token of claims, which are marshalled as JSON.
func (s *Signer) Sign(claims any) (string, error) {
	payload, err := json.Marshal(claims, json.Deterministic(true))
	if err != nil {
		return "", fmt.Errorf("writing the claims of a token: %w", err)
	}
	input := s.header + "." + strict.EncodeToString(payload)
	signature, err := jwt.SigningMethodES256.Sign(input, s.key)
	if err != nil {
		return "", fmt.Errorf("signing a token: %w", err)
	}
	return input + "." + strict.EncodeToString(signature), nil
}

package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// assertionLife is for how long an assertion of a client is good.
const assertionLife = 5 * time.Minute

// ClientKey is the private key by which a client shows who it is (private_key_jwt;
// RFC 7523, 2.2). It is safe for concurrent use.
type ClientKey struct {
	key    crypto.PrivateKey
	method jwt.SigningMethod
	now    func() time.Time
}

// NewClientKey reads a private key in PEM: RSA, a curve of NIST, or Ed25519. The clock
// nil is time.Now.
func NewClientKey(text []byte, now func() time.Time) (*ClientKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it is no private key in PEM")
	}
	key, err := parsePrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("it is no private key that can be read: give it in PKCS #8, and not encrypted")
	}
	if now == nil {
		now = time.Now
	}
	k := &ClientKey{key: key, now: now}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		if key.N.BitLen() < 2048 {
			return nil, fmt.Errorf("its RSA key has %d bits, and needs 2048 at least", key.N.BitLen())
		}
		k.method = jwt.SigningMethodRS256
	case *ecdsa.PrivateKey:
		k.method = map[int]jwt.SigningMethod{256: jwt.SigningMethodES256, 384: jwt.SigningMethodES384, 521: jwt.SigningMethodES512}[key.Curve.Params().BitSize]
	case ed25519.PrivateKey:
		k.method = jwt.SigningMethodEdDSA
	}
	if k.method == nil {
		return nil, fmt.Errorf("a key of the type %T signs no assertions", key)
	}
	return k, nil
}

func parsePrivateKey(der []byte) (crypto.PrivateKey, error) {
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key, nil
	}
	return x509.ParsePKCS1PrivateKey(der)
}

// Assertion says to an issuer, once, who the client is.
func (k *ClientKey) Assertion(client, issuer string) (string, error) {
	now := k.now()
	text, err := jwt.NewWithClaims(k.method, jwt.MapClaims{
		"iss": client, "sub": client, "aud": issuer, "jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(assertionLife).Unix(),
	}).SignedString(k.key)
	if err != nil {
		return "", fmt.Errorf("signing an assertion: %w", err)
	}
	return text, nil
}

package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// TestClientKey: keys of each kind sign what they verify, for one client and issuer.
func TestClientKey(t *testing.T) {
	curve := func(c elliptic.Curve) crypto.Signer {
		key, err := ecdsa.GenerateKey(c, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	large, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for want, key := range map[string]crypto.Signer{
		"ES256": curve(elliptic.P256()), "ES384": curve(elliptic.P384()), "ES512": curve(elliptic.P521()), "RS256": large, "EdDSA": edwards,
	} {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		k, err := NewClientKey(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), func() time.Time { return now })
		if err != nil {
			t.Errorf("%s: %v", want, err)
			continue
		}
		text, err := k.Assertion("gateway", "https://login.contoso.com")
		if err != nil {
			t.Errorf("%s: %v", want, err)
			continue
		}
		token, err := jwt.Parse(text, func(*jwt.Token) (any, error) { return key.Public(), nil },
			jwt.WithValidMethods([]string{want}), jwt.WithAudience("https://login.contoso.com"), jwt.WithIssuer("gateway"), jwt.WithSubject("gateway"), jwt.WithExpirationRequired())
		if err != nil {
			t.Errorf("%s: %v", want, err)
		} else if claims, _ := token.Claims.(jwt.MapClaims); claims["jti"] == "" {
			t.Errorf("%s: it has no jti", want)
		}
	}
	for name, text := range map[string]string{
		"nothing": "", "no key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"P-224": string(encoded(t, curve(elliptic.P224()))),
	} {
		if k, err := NewClientKey([]byte(text), nil); err == nil {
			t.Errorf("%s: got %v", name, k)
		}
	}
}

func encoded(t *testing.T, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

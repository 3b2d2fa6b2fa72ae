package vectors_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
)

// noon is the time of the tests.
var noon = time.Unix(1_800_000_000, 0)

// secret is the key of HS*; its first half decrypts with dir.
var secret = []byte(strings.Repeat("0123456789abcdef", 4))

// Keys take time to make: each is made once.
var (
	rsaKey, strangerRSA = sync.OnceValue(newRSA(2048)), sync.OnceValue(newRSA(2048))
	shortRSA            = sync.OnceValue(newRSA(1024))
	p256, strangerP256  = sync.OnceValue(newEC(elliptic.P256())), sync.OnceValue(newEC(elliptic.P256()))
	p384, p521          = sync.OnceValue(newEC(elliptic.P384())), sync.OnceValue(newEC(elliptic.P521()))
	edKey               = ed25519.NewKeyFromSeed(secret[:32])
)

func newRSA(bits int) func() *rsa.PrivateKey {
	return func() *rsa.PrivateKey {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			panic(err)
		}
		return key
	}
}

func newEC(curve elliptic.Curve) func() *ecdsa.PrivateKey {
	return func() *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			panic(err)
		}
		return key
	}
}

// mint makes the tokens of one vector.
type mint struct {
	t      testing.TB
	issuer string
}

func b64(b []byte) string     { return base64.RawURLEncoding.EncodeToString(b) }
func part(text string) string { return b64([]byte(text)) }

// claims are good ones. More adds some, or takes the place of those of its names.
func (m *mint) claims(more ...string) string {
	all := []string{
		fmt.Sprintf(`"iss":%q`, m.issuer), `"aud":"api://tools"`, fmt.Sprintf(`"exp":%d`, noon.Unix()+3600),
		`"sub":"alice"`, `"client_id":"cli"`, `"scope":"read"`,
	}
	var kept []string
	for _, member := range all {
		name, _, _ := strings.Cut(member, ":")
		replaced := false
		for _, other := range more {
			replaced = replaced || strings.HasPrefix(other, name+":")
		}
		if !replaced {
			kept = append(kept, member)
		}
	}
	for _, member := range more {
		if !strings.HasSuffix(member, ":-") { // which takes it away
			kept = append(kept, member)
		}
	}
	return "{" + strings.Join(kept, ",") + "}"
}

// keyOf are the private key and the kid of an algorithm.
func keyOf(alg string) (key any, kid string) {
	switch alg {
	case "HS256", "HS384", "HS512":
		return secret, "s"
	case "ES256":
		return p256(), "e"
	case "ES384":
		return p384(), "e384"
	case "ES512":
		return p521(), "e521"
	}
	return rsaKey(), "r"
}

// signature is one over any text.
func (m *mint) signature(alg string, key any, input string) []byte {
	m.t.Helper()
	signature, err := jwt.GetSigningMethod(alg).Sign(input, key)
	if err != nil {
		m.t.Fatalf("signing with %s: %v", alg, err)
	}
	return signature
}

// raw signs a header and a payload of any kind with the key of an algorithm.
func (m *mint) raw(alg, header, payload string) string {
	m.t.Helper()
	key, _ := keyOf(alg)
	return m.with(alg, key, header, payload)
}

// with is raw with any key.
func (m *mint) with(alg string, key any, header, payload string) string {
	m.t.Helper()
	input := part(header) + "." + part(payload)
	return input + "." + b64(m.signature(alg, key, input))
}

// good is a valid token, with more claims.
func (m *mint) good(alg string, more ...string) string {
	m.t.Helper()
	_, kid := keyOf(alg)
	return m.raw(alg, fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":"at+jwt"}`, alg, kid), m.claims(more...))
}

// members adds members to the header of a token that is valid without them.
func (m *mint) members(members string) string {
	m.t.Helper()
	return m.raw("RS256", fmt.Sprintf(`{"alg":"RS256",%s}`, members), m.claims())
}

// forged is a token with any signature.
func (m *mint) forged(header string, signature []byte) string {
	return part(header) + "." + part(m.claims()) + "." + b64(signature)
}

// relabelled is a valid token of one algorithm whose header names another.
func (m *mint) relabelled(alg, as string) string {
	m.t.Helper()
	_, kid := keyOf(alg)
	_, rest, _ := strings.Cut(m.good(alg), ".")
	return part(fmt.Sprintf(`{"alg":%q,"kid":%q}`, as, kid)) + "." + rest
}

// parts are those of a token.
func parts(token string) (header, payload, signature string) {
	list := strings.SplitN(token, ".", 3)
	return list[0], list[1], list[2]
}

// resigned changes the signature of a valid token.
func (m *mint) resigned(alg string, change func([]byte) []byte) string {
	m.t.Helper()
	token := m.good(alg)
	i := strings.LastIndexByte(token, '.')
	signature, err := base64.RawURLEncoding.DecodeString(token[i+1:])
	if err != nil {
		m.t.Fatal(err)
	}
	return token[:i+1] + b64(change(signature))
}

// encrypted encrypts a text for the gateway.
func (m *mint) encrypted(alg jose.KeyAlgorithm, enc jose.ContentEncryption, key any, plain string, options jose.EncrypterOptions) string {
	m.t.Helper()
	encrypter, err := jose.NewEncrypter(enc, jose.Recipient{Algorithm: alg, Key: key, PBES2Count: 1000}, &options)
	if err != nil {
		m.t.Fatal(err)
	}
	made, err := encrypter.Encrypt([]byte(plain))
	if err != nil {
		m.t.Fatal(err)
	}
	token, err := made.CompactSerialize()
	if err != nil {
		m.t.Fatal(err)
	}
	return token
}

// jwk is a public key as a provider publishes it, with more members.
func jwk(kid string, key any, more ...string) string {
	text, err := (&jose.JSONWebKey{KeyID: kid, Key: key}).MarshalJSON()
	if err != nil {
		panic(err)
	}
	for _, member := range more {
		text = fmt.Appendf(nil, "{%s,%s", member, text[1:])
	}
	return string(text)
}

// rsaJWK is an RSA key of any numbers.
func rsaJWK(n, e *big.Int) string {
	return fmt.Sprintf(`{"kty":"RSA","kid":"r","n":%q,"e":%q}`, b64(n.Bytes()), b64(e.Bytes()))
}

func keySet(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }

// ordinary is what the provider publishes unless a vector says otherwise.
var ordinary = sync.OnceValue(func() string {
	return keySet(jwk("r", &rsaKey().PublicKey), jwk("e", &p256().PublicKey), jwk("e384", &p384().PublicKey), jwk("e521", &p521().PublicKey))
})

// Forms of public keys that were mistaken for secrets.
func pkix(key any) []byte {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		panic(err)
	}
	return der
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

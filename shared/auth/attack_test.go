package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Attacks on signatures that JWT libraries have fallen to (RFC 8725, 2).
func TestAttacks(t *testing.T) {
	p := newIDP(t, "i", web("r", &rsaKey().PublicKey), web("e", &p256().PublicKey), jose.JSONWebKey{KeyID: "limited", Key: &otherRSA().PublicKey, Algorithm: "PS256"}, jose.JSONWebKey{KeyID: "s", Key: secret})
	rules := &Rules{OpenIDConfigs: []string{p.url()}, Keys: []Key{{ID: "inline", Public: &rsaKey().PublicKey}}, RequireSigned: true}
	der, err := x509.MarshalPKIXPublicKey(&rsaKey().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	// mac signs with HMAC under any key, as the attacker does.
	mac := func(header string, key []byte) string {
		input := part(header) + "." + part(always("i"))
		h := hmac.New(sha256.New, key)
		h.Write([]byte(input))
		return input + "." + base64.RawURLEncoding.EncodeToString(h.Sum(nil))
	}
	embedded := func(name string) string {
		jwk, err := jose.JSONWebKey{Key: &p384().PublicKey}.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf(`{"alg":"ES384",%q:%s}`, name, jwk)
	}
	rs := sign(t, "RS256", rsaKey(), always("i"), "kid", "r")
	_, rest, _ := strings.Cut(rs, ".")
	own, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES384, Key: p384()}, &jose.SignerOptions{EmbedJWK: true})
	if err != nil {
		t.Fatal(err)
	}
	signature, err := own.Sign([]byte(always("i")))
	if err != nil {
		t.Fatal(err)
	}
	withJWK, err := signature.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	pemKey := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})

	tests := []struct{ name, token, want string }{
		{"the token itself", rs, ""},
		{"HMAC under the public key, DER", mac(`{"alg":"HS256","kid":"r"}`, der), "TokenSignatureInvalid"},
		{"HMAC under the public key, PEM", mac(`{"alg":"HS256"}`, pemKey), "TokenSignatureKeyNotFound"},
		{"HMAC under the modulus", mac(`{"alg":"HS256","kid":"r"}`, rsaKey().N.Bytes()), "TokenSignatureInvalid"},
		{"HMAC under nothing", mac(`{"alg":"HS256"}`, nil), "TokenSignatureKeyNotFound"},
		{"a secret of the provider is none", mac(`{"alg":"HS256","kid":"s"}`, secret), "TokenSignatureKeyNotFound"},
		{"none", unsigned(`{"alg":"none","kid":"r"}`, always("i")), "TokenSignatureInvalid"},
		{"none with the old signature", part(`{"alg":"none"}`) + "." + rest, "TokenSignatureInvalid"},
		{"nOnE", unsigned(`{"alg":"nOnE"}`, always("i")), "TokenSignatureInvalid"},
		{"no signature", strings.TrimRight(rs, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), "TokenSignatureInvalid"},
		{"RS256 said to be PS256", part(`{"alg":"PS256","kid":"r"}`) + "." + rest, "TokenSignatureInvalid"},
		{"RS256 said to be ES256", part(`{"alg":"ES256","kid":"r"}`) + "." + rest, "TokenSignatureInvalid"},
		{"ES256 with the kid of an RSA key", sign(t, "ES256", p256(), always("i"), "kid", "r"), "TokenSignatureInvalid"},
		{"RS256 with the kid of an elliptic key", sign(t, "RS256", otherRSA(), always("i"), "kid", "e"), "TokenSignatureInvalid"},
		{"ES384 for a key of P-256", sign(t, "ES384", p384(), always("i"), "kid", "e"), "TokenSignatureInvalid"},
		{"an alg the key is not for", sign(t, "RS256", otherRSA(), always("i"), "kid", "limited"), "TokenSignatureInvalid"},
		{"the alg the key is for", sign(t, "PS256", otherRSA(), always("i"), "kid", "limited"), ""},
		{"elliptic signature of zeros", part(`{"alg":"ES256","kid":"e"}`) + "." + part(always("i")) + "." + part(strings.Repeat("\x00", 64)), "TokenSignatureInvalid"},
		{"kid that is a path", mac(`{"alg":"HS256","kid":"../../../../dev/null"}`, nil), "TokenSignatureKeyNotFound"},
		{"kid that is SQL", mac(`{"alg":"HS256","kid":"x' UNION SELECT 'a"}`, []byte("a")), "TokenSignatureKeyNotFound"},
		{"kid that is a list", mac(`{"alg":"HS256","kid":["r"]}`, der), "JwtInvalid  its header is not a JSON object with unique names and texts for alg and kid"},
		{"kid that is a URL", sign(t, "ES384", p384(), always("i"), "kid", p.server.URL+"/evil"), "TokenSignatureKeyNotFound"},
		{"key in the header", withJWK, "TokenSignatureKeyNotFound"},
		{"secret in the header", mac(`{"alg":"HS256","jwk":{"kty":"oct","k":"AAAA"}}`, []byte{0, 0, 0}), "JwtInvalid  its header is not understood"},
		{"key in the header of another's", part(embedded("jwk")) + "." + rest, "TokenSignatureKeyNotFound"},
		{"keys by reference", sign(t, "ES384", p384(), always("i"), "jku", p.server.URL+"/keys", "x5u", p.server.URL+"/cert"), "TokenSignatureKeyNotFound"},
		{"critical extension", mac(`{"alg":"HS256","crit":["http://contoso.com"],"http://contoso.com":1}`, nil), "JwtInvalid  its header has an extension that is not understood"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := atNoon().Validate(t.Context(), test.token, rules)
			if got := kindOf(t, err); got != test.want {
				t.Errorf("got %q (%v), want %q", got, err, test.want)
			}
		})
	}
}

// Whatever of a token is changed, it is not valid any more.
func TestEveryByteCounts(t *testing.T) {
	token := sign(t, "ES256", p256(), payload(""), "kid", "1")
	v, rules := atNoon(), &Rules{Keys: []Key{{Public: &p256().PublicKey}}}
	for i := range token {
		for _, b := range []byte{'A', 'B', '_', '.', '\n'} {
			if token[i] == b {
				continue
			}
			changed := token[:i] + string(b) + token[i+1:]
			if _, err := v.Validate(t.Context(), changed, rules); err == nil {
				t.Fatalf("valid with %q at %d", b, i)
			}
		}
	}
}

// No input makes a validation panic, and none that was not signed is valid.
func FuzzValidate(f *testing.F) {
	signedTokens := map[string]bool{}
	for _, token := range []string{
		sign(f, "HS256", secret, payload(`"aud":["a"],"scp":"a b"`)),
		sign(f, "RS256", rsaKey(), payload(`"iss":"a","tid":"b"`), "kid", "1"),
		sign(f, "ES512", p521(), payload("")),
	} {
		signedTokens[token] = true
		f.Add(token)
	}
	f.Add(encrypt(f, jose.DIRECT, jose.A256GCM, secret[:32], sign(f, "HS256", secret, payload(""))))
	f.Add(unsigned(`{"alg":"none","crit":[],"jwk":{}}`, `{"exp":1e999,"aud":[[]],"c":{"a":[null]}}`))
	f.Add("....")
	v := New(Options{Now: func() time.Time { return noon }, Transport: scripted{"contoso.com": keySetText(web("1", &rsaKey().PublicKey))}})
	rules := []*Rules{
		{
			Keys:           []Key{{Secret: secret}, {Public: &rsaKey().PublicKey}, {Public: &p521().PublicKey}},
			DecryptionKeys: []Key{{Secret: secret[:32]}, {Private: rsaKey()}},
			RequireSigned:  true,
		},
		{
			Audiences: []string{"a"}, Issuers: []string{"a"}, ClockSkew: time.Minute,
			Claims: []Claim{{Name: "c", Values: []string{"a"}, Separator: " "}, {Name: "scp", Separator: " "}},
		},
		{Entra: &Entra{Tenant: "common", Endpoint: "https://contoso.com", ClientIDs: []string{"a"}, BackendIDs: []string{"a"}}},
	}
	f.Fuzz(func(t *testing.T, token string) {
		for i, r := range rules {
			valid, err := v.Validate(t.Context(), token, r)
			if err != nil {
				kindOf(t, err)
				continue
			}
			// Only a token of the seeds, or one inside of an encrypted one, is signed.
			if i != 1 && !signedTokens[valid.Raw] && strings.Count(token, ".") != 4 {
				t.Errorf("valid: %q", token)
			}
		}
	})
}

// No document of a provider makes reading it panic, and what is read verifies.
func FuzzKeySet(f *testing.F) {
	f.Add([]byte(keySetText(web("1", &rsaKey().PublicKey), web("2", &p384().PublicKey), jose.JSONWebKey{Key: secret})))
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-521","x":"","y":""},{"kty":"RSA","n":"","e":""}]}`))
	token, err := verification(&signed{raw: sign(f, "RS256", rsaKey(), `{}`), header: header{Alg: "RS256"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		keys, err := parseKeySet(document)
		if (err == nil) != (len(keys) > 0) {
			t.Errorf("got %d keys and %v", len(keys), err)
		}
		token.find([]*keySet{{keys: keys}})
	})
}

func BenchmarkValidate(b *testing.B) {
	const config = "https://contoso.com/openid-configuration"
	v := New(Options{Now: func() time.Time { return noon }, Transport: scripted{"contoso.com": keySetText(web("r", &rsaKey().PublicKey), web("e", &p256().PublicKey))}})
	claims := payload(`"iss":"contoso.com","aud":"a","scp":"a b","roles":["x","y"]`)
	for name, token := range map[string]string{
		"RS256": sign(b, "RS256", rsaKey(), claims, "kid", "r"),
		"ES256": sign(b, "ES256", p256(), claims, "kid", "e"),
		"HS256": sign(b, "HS256", secret, claims),
	} {
		r := &Rules{
			OpenIDConfigs: []string{config}, Keys: []Key{{Secret: secret}}, Audiences: []string{"a"}, RequireExpiration: true, RequireSigned: true,
			Claims: []Claim{{Name: "scp", Values: []string{"a"}, Separator: " "}},
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Validate(b.Context(), token, r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

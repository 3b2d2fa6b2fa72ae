package auth

import (
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// encrypt encrypts a text for a key.
func encrypt(t testing.TB, alg jose.KeyAlgorithm, enc jose.ContentEncryption, key any, plain string) string {
	t.Helper()
	return encryptWith(t, alg, enc, key, plain, &jose.EncrypterOptions{})
}

func encryptWith(t testing.TB, alg jose.KeyAlgorithm, enc jose.ContentEncryption, key any, plain string, o *jose.EncrypterOptions) string {
	t.Helper()
	encrypter, err := jose.NewEncrypter(enc, jose.Recipient{Algorithm: alg, Key: key}, o)
	if err != nil {
		t.Fatal(err)
	}
	encrypted, err := encrypter.Encrypt([]byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	token, err := encrypted.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestEncrypted(t *testing.T) {
	inner := sign(t, "HS256", secret, payload(""))
	shared, private := Key{Secret: secret[:32]}, Key{Private: rsaKey()}
	tampered := func(token string) string {
		i := strings.LastIndexByte(token, '.') - 2
		b := byte('A')
		if token[i] == b {
			b = 'B'
		}
		return token[:i] + string(b) + token[i+1:]
	}
	tests := []struct {
		name, token string
		keys        []Key
		want        string
	}{
		{"dir, A128CBC-HS256", encrypt(t, jose.DIRECT, jose.A128CBC_HS256, secret[:32], inner), []Key{private, shared}, ""},
		{"dir, A256GCM", encrypt(t, jose.DIRECT, jose.A256GCM, secret[:32], inner), []Key{{}, {Secret: secret[:16]}, shared}, ""},
		{"RSA-OAEP, A256GCM", encrypt(t, jose.RSA_OAEP, jose.A256GCM, &rsaKey().PublicKey, inner), []Key{shared, {Private: otherRSA()}, private}, ""},
		{"RSA-OAEP-256, A128CBC-HS256", encrypt(t, jose.RSA_OAEP_256, jose.A128CBC_HS256, &rsaKey().PublicKey, inner), []Key{private}, ""},
		{"another secret", encrypt(t, jose.DIRECT, jose.A256GCM, secret[1:33], inner), []Key{shared}, "JwtInvalid  it cannot be decrypted"},
		{"another private key", encrypt(t, jose.RSA_OAEP, jose.A256GCM, &rsaKey().PublicKey, inner), []Key{{Private: otherRSA()}}, "JwtInvalid  it cannot be decrypted"},
		{"no key of the kind", encrypt(t, jose.RSA_OAEP, jose.A256GCM, &rsaKey().PublicKey, inner), []Key{shared}, "JwtInvalid  it cannot be decrypted"},
		{"tampered", tampered(encrypt(t, jose.DIRECT, jose.A128CBC_HS256, secret[:32], inner)), []Key{shared}, "JwtInvalid  it cannot be decrypted"},
		{"RSA1_5", encrypt(t, jose.RSA1_5, jose.A256GCM, &rsaKey().PublicKey, inner), []Key{private}, "JwtInvalid  it is encrypted in a way that is not understood"},
		{"key wrap", encrypt(t, jose.A256KW, jose.A256GCM, secret[:32], inner), []Key{shared}, "JwtInvalid  it is encrypted in a way that is not understood"},
		{"compressed", encryptWith(t, jose.DIRECT, jose.A256GCM, secret[:32], inner, &jose.EncrypterOptions{Compression: jose.DEFLATE}), []Key{shared}, "JwtInvalid  it is compressed"},
		{"header is no JSON", "AAAA.a.b.c.d", []Key{shared}, "JwtInvalid  its header is not a JSON object with unique names and texts for alg and kid"},
		{"claims, not signed", encrypt(t, jose.DIRECT, jose.A256GCM, secret[:32], payload("")), []Key{shared}, "JwtInvalid  it does not have three parts"},
		{"encrypted twice", encrypt(t, jose.DIRECT, jose.A256GCM, secret[:32], encrypt(t, jose.DIRECT, jose.A256GCM, secret[:32], inner)), []Key{shared}, "JwtInvalid  it does not have three parts"},
		{"signed by another", encrypt(t, jose.DIRECT, jose.A256GCM, secret[:32], sign(t, "RS256", rsaKey(), payload(""))), []Key{shared}, "TokenSignatureKeyNotFound"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			valid, err := atNoon().Validate(t.Context(), test.token, &Rules{Keys: []Key{{Secret: secret}}, DecryptionKeys: test.keys})
			if got := kindOf(t, err); got != test.want {
				t.Errorf("got %q (%v), want %q", got, err, test.want)
			}
			if err == nil && valid.Raw != inner {
				t.Errorf("got %q, want what was inside", valid.Raw)
			}
		})
	}
}

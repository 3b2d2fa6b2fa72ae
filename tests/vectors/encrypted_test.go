package vectors_test

import (
	"fmt"
	"math/big"
	"strings"

	"toolgate/shared/auth"

	"github.com/go-jose/go-jose/v4"
)

// encryptions are ways to encrypt that the gateway does not take (RFC 7518, 4 and 5;
// RFC 8725, 3.2 and 3.6).
func encryptions() []vector {
	of := func(comment string, alg jose.KeyAlgorithm, key func() any, o jose.EncrypterOptions) vector {
		return vector{group: "JWE", comment: comment, want: auth.JwtInvalid, token: func(m *mint) string {
			return m.encrypted(alg, jose.A256GCM, key(), m.good("RS256"), o)
		}}
	}
	public, shared := func() any { return &rsaKey().PublicKey }, func() any { return secret[:32] }
	header := func(comment, header string) vector { // whose other parts are of any kind
		return vector{group: "JWE", comment: comment, want: auth.JwtInvalid, token: func(*mint) string {
			return part(header) + "." + b64(secret[:40]) + "." + b64(secret[:12]) + "." + b64(secret) + "." + b64(secret[:16])
		}}
	}
	huge := fmt.Sprintf(`{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":%d,"p2s":%q}`, 1<<31-1, b64(secret[:16]))
	return []vector{
		of("RSA1_5", jose.RSA1_5, public, jose.EncrypterOptions{}),
		of("A256KW", jose.A256KW, shared, jose.EncrypterOptions{}), of("A256GCMKW", jose.A256GCMKW, shared, jose.EncrypterOptions{}),
		of("PBES2", jose.PBES2_HS256_A128KW, shared, jose.EncrypterOptions{}), header("PBES2 with a huge count", huge),
		of("ECDH-ES", jose.ECDH_ES, func() any { return &p256().PublicKey }, jose.EncrypterOptions{}),
		of("ECDH-ES with key wrap", jose.ECDH_ES_A128KW, func() any { return &p256().PublicKey }, jose.EncrypterOptions{}),
		header("ECDH-ES with a point that is not on the curve", fmt.Sprintf(`{"alg":"ECDH-ES","enc":"A256GCM","epk":{"kty":"EC","crv":"P-256","x":%q,"y":%q}}`, b64(big.NewInt(1).FillBytes(make([]byte, 32))), b64(big.NewInt(1).FillBytes(make([]byte, 32))))),
		of("compressed", jose.DIRECT, shared, jose.EncrypterOptions{Compression: jose.DEFLATE}),
		{group: "JWE", comment: "a zip bomb", want: auth.JwtInvalid, token: func(m *mint) string {
			return m.encrypted(jose.DIRECT, jose.A256GCM, secret[:32], strings.Repeat("A", 16<<20), jose.EncrypterOptions{Compression: jose.DEFLATE})
		}},
		header("zip that is null", `{"alg":"dir","enc":"A256GCM","zip":null}`),
		header("no enc", `{"alg":"RSA-OAEP"}`), header("alg none", `{"alg":"none","enc":"A256GCM"}`), header("alg of a signature", `{"alg":"RS256","enc":"A256GCM"}`),
		header("enc none", `{"alg":"dir","enc":"none"}`), header("enc twice", `{"alg":"dir","enc":"A256GCM","enc":"A128GCM"}`),
		header("crit", `{"alg":"dir","enc":"A256GCM","crit":["exp"],"exp":1}`), header("a key in the header", `{"alg":"dir","enc":"A256GCM","jwk":{"kty":"oct","k":"AAAA"}}`),
		header("dir with RSA-OAEP's parts", `{"alg":"dir","enc":"A256GCM"}`), header("RSA-OAEP with a short key", `{"alg":"RSA-OAEP","enc":"A256GCM"}`),
		of("dir under another secret", jose.DIRECT, func() any { return secret[1:33] }, jose.EncrypterOptions{}),
		{group: "JWE", comment: "no keys to decrypt with", want: auth.JwtInvalid, rules: func(r *auth.Rules) { r.DecryptionKeys = nil }, token: func(m *mint) string {
			return m.encrypted(jose.DIRECT, jose.A256GCM, secret[:32], m.good("RS256"), jose.EncrypterOptions{})
		}},
		{group: "JWE", comment: "claims that are not signed", want: auth.JwtInvalid, token: func(m *mint) string {
			return m.encrypted(jose.RSA_OAEP, jose.A256GCM, &rsaKey().PublicKey, m.claims(), jose.EncrypterOptions{})
		}},
		{group: "JWE", comment: "signed by another", want: auth.TokenSignatureInvalid, token: func(m *mint) string {
			return m.encrypted(jose.RSA_OAEP, jose.A256GCM, &rsaKey().PublicKey, m.with("RS256", strangerRSA(), `{"alg":"RS256","kid":"r"}`, m.claims()), jose.EncrypterOptions{})
		}},
		{group: "JWE", comment: "signed with the secret that decrypts", want: auth.TokenSignatureInvalid, token: func(m *mint) string {
			return m.encrypted(jose.DIRECT, jose.A256GCM, secret[:32], m.with("HS256", secret[:32], `{"alg":"HS256"}`, m.claims()), jose.EncrypterOptions{})
		}},
		{group: "JWE", comment: "encrypted twice", want: auth.JwtInvalid, token: func(m *mint) string {
			inner := m.encrypted(jose.DIRECT, jose.A256GCM, secret[:32], m.good("RS256"), jose.EncrypterOptions{})
			return m.encrypted(jose.DIRECT, jose.A256GCM, secret[:32], inner, jose.EncrypterOptions{})
		}},
		{group: "JWE", comment: "expired inside", want: auth.TokenExpired, token: func(m *mint) string {
			return m.encrypted(jose.DIRECT, jose.A256GCM, secret[:32], m.good("RS256", `"exp":1`), jose.EncrypterOptions{})
		}},
	}
}

// encryptedParts change the parts of an encrypted token that is valid.
func encryptedParts() []vector {
	of := func(comment string, enc jose.ContentEncryption, change func(p []string)) vector {
		return vector{group: "JWE part", comment: comment, want: auth.JwtInvalid, token: func(m *mint) string {
			p := strings.Split(m.encrypted(jose.DIRECT, enc, secret[:32], m.good("RS256"), jose.EncrypterOptions{}), ".")
			change(p)
			return strings.Join(p, ".")
		}}
	}
	last := func(text string) string { // with other bits left over, or another last byte
		i := len(text) - 1
		next := byte('A')
		if text[i] == next {
			next = 'B'
		}
		return text[:i] + string(next)
	}
	return []vector{
		of("tag cut off to 12 bytes", jose.A256GCM, func(p []string) { p[4] = p[4][:16] }), of("tag cut off to 4 bytes", jose.A256GCM, func(p []string) { p[4] = p[4][:6] }),
		of("empty tag", jose.A256GCM, func(p []string) { p[4] = "" }), of("empty tag of CBC", jose.A128CBC_HS256, func(p []string) { p[4] = "" }),
		of("tag of CBC cut off to 8 bytes", jose.A128CBC_HS256, func(p []string) { p[4] = p[4][:11] }), of("another tag", jose.A256GCM, func(p []string) { p[4] = "A" + last(p[4][1:]) }),
		of("empty initialization vector", jose.A256GCM, func(p []string) { p[2] = "" }), of("long initialization vector", jose.A256GCM, func(p []string) { p[2] += "AAAA" }),
		of("initialization vector of CBC too short", jose.A128CBC_HS256, func(p []string) { p[2] = p[2][:4] }),
		of("empty ciphertext", jose.A256GCM, func(p []string) { p[3] = "" }), of("ciphertext of CBC of no whole block", jose.A128CBC_HS256, func(p []string) { p[3] = p[3][:20] }),
		of("a key where there is none to bring", jose.A256GCM, func(p []string) { p[1] = "AAAA" }),
		of("padding", jose.A256GCM, func(p []string) { p[4] += "==" }), of("a line break", jose.A256GCM, func(p []string) { p[3] += "\n" }),
		of("bits left over in the tag", jose.A256GCM, func(p []string) { p[4] = p[4][:21] + string(p[4][21]+1) }),
		of("another header", jose.A256GCM, func(p []string) { p[0] = part(`{"enc":"A256GCM","alg":"dir"}`) }),
	}
}

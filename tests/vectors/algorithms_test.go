package vectors_test

import (
	"crypto/x509"
	"fmt"
	"strings"

	"toolgate/shared/auth"

	"github.com/go-jose/go-jose/v4"
)

// controls are tokens that are valid, one for each documented algorithm.
func controls() []vector {
	var list []vector
	for _, alg := range []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "HS256", "HS384", "HS512"} {
		list = append(list, vector{group: "valid", comment: alg, token: func(m *mint) string { return m.good(alg) }, door: !strings.HasPrefix(alg, "HS")})
	}
	for _, enc := range []jose.ContentEncryption{jose.A128CBC_HS256, jose.A256GCM} {
		list = append(list, vector{group: "valid", comment: "dir with " + string(enc), token: func(m *mint) string {
			return m.encrypted(jose.DIRECT, enc, secret[:32], m.good("RS256"), jose.EncrypterOptions{})
		}})
	}
	for _, enc := range []jose.ContentEncryption{jose.A128CBC_HS256, jose.A192CBC_HS384, jose.A256CBC_HS512, jose.A128GCM, jose.A192GCM, jose.A256GCM} {
		for _, alg := range []jose.KeyAlgorithm{jose.RSA_OAEP, jose.RSA_OAEP_256} {
			list = append(list, vector{group: "valid", comment: string(alg) + " with " + string(enc), token: func(m *mint) string {
				return m.encrypted(alg, enc, &rsaKey().PublicKey, m.good("ES256"), jose.EncrypterOptions{})
			}})
		}
	}
	return append(list,
		vector{group: "valid", comment: "no kid", token: func(m *mint) string { return m.raw("ES256", `{"alg":"ES256"}`, m.claims()) }, door: true},
		vector{group: "valid", comment: "header with white space and members nobody knows", token: func(m *mint) string {
			return m.raw("RS256", "{ \"typ\" : \"JWT\",\r\n \"alg\" : \"RS256\", \"x\" : [ { } ] }", m.claims())
		}, door: true},
		vector{group: "valid", comment: "members of the header written with escapes", token: func(m *mint) string {
			return m.raw("RS256", `{"\u0061lg":"RS\u0032\u0035\u0036"}`, m.claims())
		}},
	)
}

// nones are tokens without a signature that say so, however it is written (RFC 8725,
// 2.1 and 3.1).
func nones() []vector {
	var list []vector
	for i := range 16 {
		alg := []byte("none")
		for bit := range alg {
			if i>>bit&1 == 1 {
				alg[bit] -= 'a' - 'A'
			}
		}
		list = append(list, vector{group: "none", comment: string(alg), want: auth.TokenSignatureInvalid, door: i == 0 || i == 1 || i == 15, token: func(m *mint) string {
			return m.forged(fmt.Sprintf(`{"alg":%q,"kid":"r"}`, alg), nil)
		}})
	}
	header := func(comment, header string, want auth.Kind) {
		list = append(list, vector{group: "none", comment: comment, want: want, token: func(m *mint) string { return m.forged(header, nil) }})
	}
	header("no alg", `{"kid":"r"}`, auth.TokenSignatureInvalid)
	header("empty alg", `{"alg":""}`, auth.TokenSignatureInvalid)
	header("alg is null", `{"alg":null}`, auth.TokenSignatureInvalid)
	header("alg is a number", `{"alg":0}`, auth.JwtInvalid)
	header("alg is an array", `{"alg":["none"]}`, auth.JwtInvalid)
	header("alg with a zero byte", `{"alg":"none\u0000"}`, auth.TokenSignatureInvalid)
	header("alg with a space", `{"alg":" none"}`, auth.TokenSignatureInvalid)
	header("ALG in place of alg", `{"ALG":"none"}`, auth.TokenSignatureInvalid)
	header("alg in full width letters", `{"alg":"ｎｏｎｅ"}`, auth.TokenSignatureInvalid)
	return append(list,
		vector{group: "none", comment: "with the signature of another token", want: auth.TokenSignatureInvalid, door: true, token: func(m *mint) string { return m.relabelled("RS256", "none") }},
		vector{group: "none", comment: "inside of an encrypted token", want: auth.TokenSignatureInvalid, token: func(m *mint) string {
			return m.encrypted(jose.DIRECT, jose.A256GCM, secret[:32], m.forged(`{"alg":"none"}`, nil), jose.EncrypterOptions{})
		}},
	)
}

// confusions sign with HMAC under what the provider publishes (RFC 8725, 2.1).
func confusions() []vector {
	forms := []struct {
		comment string
		bytes   func() []byte
	}{
		{"the RSA key in PEM", func() []byte { return pemOf("PUBLIC KEY", pkix(&rsaKey().PublicKey)) }},
		{"the RSA key in PEM without its last line break", func() []byte {
			return []byte(strings.TrimSpace(string(pemOf("PUBLIC KEY", pkix(&rsaKey().PublicKey)))))
		}},
		{"the RSA key in PEM of PKCS 1", func() []byte { return pemOf("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rsaKey().PublicKey)) }},
		{"the RSA key in DER", func() []byte { return pkix(&rsaKey().PublicKey) }},
		{"the RSA key in DER of PKCS 1", func() []byte { return x509.MarshalPKCS1PublicKey(&rsaKey().PublicKey) }},
		{"the modulus", func() []byte { return rsaKey().N.Bytes() }},
		{"the modulus in base64url", func() []byte { return []byte(b64(rsaKey().N.Bytes())) }},
		{"the RSA key as a JWK", func() []byte { return []byte(jwk("r", &rsaKey().PublicKey)) }},
		{"the whole key set", func() []byte { return []byte(ordinary()) }},
		{"the elliptic key in PEM", func() []byte { return pemOf("PUBLIC KEY", pkix(&p256().PublicKey)) }},
		{"the elliptic key in DER", func() []byte { return pkix(&p256().PublicKey) }},
		{"the elliptic key as a JWK", func() []byte { return []byte(jwk("e", &p256().PublicKey)) }},
		{"nothing", func() []byte { return []byte{} }},
		{"the kid", func() []byte { return []byte("r") }},
	}
	var list []vector
	for i, form := range forms {
		alg := []string{"HS256", "HS384", "HS512"}[i%3]
		list = append(list, vector{group: "HMAC under a public key", comment: alg + " under " + form.comment, want: auth.TokenSignatureInvalid, door: i < 4, token: func(m *mint) string {
			return m.with(alg, form.bytes(), fmt.Sprintf(`{"alg":%q,"kid":"r"}`, alg), m.claims())
		}})
	}
	return append(list, vector{
		group: "HMAC under a public key", comment: "without any secret in the rules", want: auth.TokenSignatureKeyNotFound,
		rules: func(r *auth.Rules) { r.Keys = nil },
		token: func(m *mint) string {
			return m.with("HS256", pkix(&rsaKey().PublicKey), `{"alg":"HS256"}`, m.claims())
		},
	})
}

// relabels name another algorithm than the one that was signed with.
func relabels() []vector {
	var list []vector
	add := func(alg, as string) {
		list = append(list, vector{group: "another alg", comment: alg + " as " + as, want: auth.TokenSignatureInvalid, door: alg == "RS256" && as == "HS256", token: func(m *mint) string { return m.relabelled(alg, as) }})
	}
	for _, as := range []string{"RS384", "PS256", "ES256", "HS256", "EdDSA", "rs256", "RS256 ", "SHA256withRSA"} {
		add("RS256", as)
	}
	add("PS256", "RS256")
	add("PS256", "PS512")
	add("ES256", "ES384")
	add("ES256", "RS256")
	add("ES256", "ES256K")
	add("ES512", "ES256")
	add("HS256", "HS512")
	return append(list,
		vector{group: "another alg", comment: "HS256 as RS256", want: auth.TokenSignatureKeyNotFound, token: func(m *mint) string { return m.relabelled("HS256", "RS256") }},
		vector{group: "another alg", comment: "PS256 with a key that the provider limits to RS256", want: auth.TokenSignatureInvalid, keys: keySet(jwk("r", &rsaKey().PublicKey, `"alg":"RS256"`)), token: func(m *mint) string { return m.good("PS256") }},
		vector{group: "another alg", comment: "RS256 with a key that the provider limits to RS256", keys: keySet(jwk("r", &rsaKey().PublicKey, `"alg":"RS256"`)), token: func(m *mint) string { return m.good("RS256") }},
	)
}

package vectors_test

import (
	"fmt"
	"slices"
	"strings"

	"toolgate/shared/auth"

	"github.com/go-jose/go-jose/v4"
)

// hostileSets are what a provider must not publish, or what has to be left out of it
// (RFC 7517, 4 and 5).
func hostileSets() []vector {
	good := jwk("e", &p256().PublicKey)
	of := func(comment, keys string, want auth.Kind) vector {
		return vector{group: "key set", comment: comment, keys: keys, want: want, token: func(m *mint) string { return m.good("ES256") }}
	}
	hmac := func(comment, keys string, key []byte, kid string, want auth.Kind) vector {
		return vector{group: "key set", comment: comment, keys: keys, want: want, rules: func(r *auth.Rules) { r.Keys = nil }, token: func(m *mint) string {
			return m.with("HS256", key, fmt.Sprintf(`{"alg":"HS256","kid":%q}`, kid), m.claims())
		}}
	}
	oct := fmt.Sprintf(`{"kty":"oct","kid":"s","k":%q}`, b64(secret))
	member := func(members string) string { return keySet(jwk("e", &p256().PublicKey, members)) }
	x, y := b64(p256().X.FillBytes(make([]byte, 32))), b64(p256().Y.FillBytes(make([]byte, 32)))
	point := func(crv, x, y string) string {
		return keySet(fmt.Sprintf(`{"kty":"EC","kid":"e","crv":%q,"x":%q,"y":%q}`, crv, x, y))
	}
	const no = auth.TokenSignatureKeyNotFound
	many := slices.Repeat([]string{jwk("x", &p384().PublicKey)}, 500)
	return []vector{
		of("one key", keySet(good), ""), of("use sig", member(`"use":"sig"`), ""), of("key_ops verify", member(`"key_ops":["sign","verify"]`), ""),
		of("use enc", member(`"use":"enc"`), no), of("use of something unknown", member(`"use":"x"`), no), of("use is no text", member(`"use":["sig"]`), no),
		of("key_ops without verify", member(`"key_ops":["sign"]`), no), of("key_ops of nothing", member(`"key_ops":[]`), no), of("key_ops is no list", member(`"key_ops":"verify"`), no),
		of("use sig and key_ops encrypt", member(`"use":"sig","key_ops":["encrypt"]`), no), of("alg of another", member(`"alg":"ES384"`), auth.TokenSignatureInvalid), of("alg none", member(`"alg":"none"`), auth.TokenSignatureInvalid),
		of("a private key, of which the public one is used", keySet(jwk("e", p256())), ""),
		of("the kid twice, the wrong key first", keySet(jwk("e", &strangerP256().PublicKey), good), ""), of("the kid twice, neither ours", keySet(jwk("e", &strangerP256().PublicKey), jwk("e", &p384().PublicKey)), auth.TokenSignatureInvalid),
		of("a member of a key twice", keySet(`{"kid":"e",`+good[1:]), no), of("a member of the set twice", `{"keys":[],"keys":[`+good+`]}`, no),
		of("keys nobody knows", keySet(`{"kty":"X"}`, `{"kty":"AKP","alg":"ML-DSA-44","pub":"AA"}`, `7`, `null`, `{}`, good), ""),
		of("kty in lower case", strings.Replace(keySet(good), `"EC"`, `"ec"`, 1), no), of("kty is not that of the key", strings.Replace(keySet(good), `"EC"`, `"RSA"`, 1), no),
		of("many keys before it", keySet(append(many, good)...), ""),
		of("no keys", keySet(), no), of("null", `null`, no), of("an array", `[`+good+`]`, no), of("one key in place of a set", good, no), of("no JSON", `<html>`, no), of("nothing", ` `, no),
		of("a point that is not on the curve", point("P-256", x, x), no), of("the point at infinity", point("P-256", b64(make([]byte, 32)), b64(make([]byte, 32))), no),
		of("a point of another curve", point("P-384", x, y), no), of("coordinates too short", point("P-256", x[:40], y), no), of("coordinates too long", point("P-256", "AAAA"+x, y), no),
		of("a curve nobody knows", point("secp256k1", x, y), no), of("a coordinate in plain base64", point("P-256", x+"=", y), no),
		hmac("a secret", keySet(oct, good), secret, "s", no), hmac("only a secret", keySet(oct), secret, "s", no), hmac("the name of a key as its secret", keySet(good), []byte("e"), "e", auth.TokenSignatureInvalid),
	}
}

// sizes are large and small tokens.
func sizes() []vector {
	of := func(comment string, want auth.Kind, bytes int) vector {
		return vector{group: "size", comment: comment, want: want, token: func(m *mint) string {
			return m.good("ES256", fmt.Sprintf(`"x":%q`, strings.Repeat("x", bytes)))
		}}
	}
	return []vector{
		of("8 KiB, not kept", "", 8<<10), of("45 KiB", "", 45<<10), of("64 KiB and more", auth.JwtInvalid, 64<<10), of("1 MiB", auth.JwtInvalid, 1<<20),
		{group: "size", comment: "1 MiB of dots", want: auth.JwtInvalid, token: func(*mint) string { return strings.Repeat(".", 1<<20) }},
		{group: "size", comment: "64 KiB of dots", want: auth.JwtInvalid, token: func(*mint) string { return strings.Repeat(".", 64<<10) }},
		{group: "size", comment: "1 MiB, encrypted", want: auth.JwtInvalid, token: func(m *mint) string {
			return m.encrypted(jose.DIRECT, jose.A256GCM, secret[:32], strings.Repeat("x", 1<<20), jose.EncrypterOptions{})
		}},
		{group: "size", comment: "many claims", token: func(m *mint) string {
			claims := make([]string, 2000)
			for i := range claims {
				claims[i] = fmt.Sprintf(`"c%d":%d`, i, i)
			}
			return m.good("ES256", claims...)
		}},
	}
}

// published are examples of RFCs, of keys and issuers that the gateway does not know.
func published() []vector {
	of := func(comment, token string, want auth.Kind) vector {
		return vector{group: "published", comment: comment, want: want, token: func(*mint) string { return token }}
	}
	const joe = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
	return []vector{
		of("RFC 7519, 6.1: not secured", "eyJhbGciOiJub25lIn0."+joe+".", auth.TokenSignatureInvalid),
		of("RFC 7515, A.1: HS256", "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."+joe+".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", auth.TokenSignatureInvalid),
		of("RFC 7515, A.3: ES256", "eyJhbGciOiJFUzI1NiJ9."+joe+".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q", auth.TokenSignatureInvalid),
		of("RFC 8037, A.4: EdDSA over what is no JSON", "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg", auth.JwtInvalid),
	}
}

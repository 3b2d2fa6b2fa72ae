package expr

import (
	"encoding/base64"
	"strings"
)

// jwt is a Jwt. It is parsed, never verified.
type jwt struct {
	header, claims *JObject
}

func (*jwt) typeName() string { return "Jwt" }

// parseJWT reads a token; "Bearer " before it is allowed.
func parseJWT(f *frame, s string) (j *jwt, ok bool) {
	s = strings.TrimSpace(s)
	if len(s) > 7 && strings.EqualFold(s[:7], "bearer ") {
		s = s[7:]
	}
	parts := strings.Split(s, ".")
	if len(parts) != 3 && len(parts) != 5 {
		return nil, false
	}
	header, okHeader := jwtPart(f, parts[0])
	claims, okClaims := jwtPart(f, parts[1])
	return &jwt{header, claims}, okHeader && okClaims
}

func jwtPart(f *frame, s string) (o *JObject, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "="))
	if err != nil {
		return nil, false
	}
	e := caught(f, func() { o, ok = parseJSON(f, string(raw)).(*JObject) })
	return o, ok && e == nil
}

// claimTexts are the values of a claim as text.
func claimTexts(t JToken) []string {
	switch t := t.(type) {
	case *JArray:
		var list []string
		for _, item := range t.items {
			list = append(list, claimTexts(item)...)
		}
		return list
	case *JValue:
		if b, ok := t.v.(bool); ok {
			return []string{strings.ToLower(toText(b))}
		}
		if t.k == jsonDate {
			return []string{strings.Trim(writeJSON(t, false), `"`)}
		}
		return []string{display(t)}
	}
	return []string{writeJSON(t, false)}
}

func (j *jwt) claim(name string) any {
	if t := j.claims.get(name); t != nil {
		if list := claimTexts(t); len(list) > 0 {
			return list[0]
		}
	}
	return nil
}

func (j *jwt) time(name string) any {
	v, ok := j.claims.get(name).(*JValue)
	if !ok || rank(v.scalar()) == 0 {
		return nil
	}
	seconds, _ := toNumber(v.scalar(), "long")
	d := fromUnix(seconds.(int64), ticksPerSecond)
	return DateTime{d.ticks, kindUTC}
}

func (j *jwt) all() multiValues {
	claims := multiValues{}
	for _, p := range j.claims.props {
		claims[p.name] = claimTexts(p.value)
	}
	return claims
}

// parseBasic reads "Basic base64(user:password)".
func parseBasic(s string) *BasicAuthCredentials {
	s = strings.TrimSpace(s)
	if len(s) < 6 || !strings.EqualFold(s[:6], "basic ") {
		return nil
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(s[6:]))
	if err != nil {
		return nil
	}
	user, password, ok := strings.Cut((&encoding{"utf-8"}).decode(raw), ":")
	if !ok {
		return nil
	}
	return &BasicAuthCredentials{user, password}
}

func asJWT(f *frame, v any) any {
	s, isText := v.(string)
	if !isText {
		return nil
	}
	j, ok := parseJWT(f, s)
	if !ok {
		return nil
	}
	return j
}

// ParseJwt reads a token, without a scheme, into the Jwt that expressions see;
// nil for what is no signed token. It verifies nothing.
func ParseJwt(token string) any {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil
	}
	j := &jwt{jwtObject(parts[0]), jwtObject(parts[1])}
	if j.header == nil || j.claims == nil {
		return nil
	}
	return j
}

// jwtObject is nil where the part of a token is no JSON object.
func jwtObject(part string) *JObject {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return nil
	}
	t, err := ParseJSON(string(raw))
	if err != nil {
		return nil
	}
	o, _ := t.(*JObject)
	return o
}

// sampleJWT is {"alg":"none","typ":"JWT"}.{"sub":"a","aud":["x","y"],"exp":60}.
const sampleJWT = `"eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJhIiwiYXVkIjpbIngiLCJ5Il0sImV4cCI6NjB9."`

var tokenMembers = []memberTable{
	{"string", []row{
		{"extension Jwt AsJwt()", func(f *frame, a []any) any { return asJWT(f, a[0]) }, sampleJWT + `.AsJwt().Subject`, "a"},
		{"extension bool TryParseJwt(out Jwt result)", func(f *frame, a []any) any {
			j := asJWT(f, a[0])
			setOut(a[1], j)
			return j != nil
		}, `"x".TryParseJwt(out Jwt j)`, "False"},
		{"extension BasicAuthCredentials AsBasic()", func(_ *frame, a []any) any { return orNull(parseBasic(toText(a[0]))) }, `"Basic dTpw".AsBasic().UserId`, "u"},
		{"extension bool TryParseBasic(out BasicAuthCredentials result)", func(_ *frame, a []any) any {
			c := parseBasic(toText(a[0]))
			setOut(a[1], orNull(c))
			return c != nil
		}, `"Basic dTpw".TryParseBasic(out var c)`, "True"},
	}},
	{"BasicAuthCredentials", []row{
		{"string UserId", get(func(c *BasicAuthCredentials) any { return c.UserID }), `"Basic dTpw".AsBasic().UserId`, "u"},
		{"string Username", get(func(c *BasicAuthCredentials) any { return c.UserID }), `"Basic dTpw".AsBasic().Username`, "u"},
		{"string Password", get(func(c *BasicAuthCredentials) any { return c.Password }), `"Basic dTpw".AsBasic().Password`, "p"},
	}},
	{"Jwt", []row{
		{"string Algorithm", get(func(j *jwt) any {
			if t := j.header.get("alg"); t != nil {
				return display(t)
			}
			return nil
		}), sampleJWT + `.AsJwt().Algorithm`, "none"},
		{"IEnumerable<string> Audiences", get(func(j *jwt) any { return stringArray(j.all()["aud"]) }), sampleJWT + `.AsJwt().Audiences.Count()`, "2"},
		{"IMultiValues Claims", get(func(j *jwt) any { return j.all() }), sampleJWT + `.AsJwt().Claims.GetValueOrDefault("aud")`, "x,y"},
		{"DateTime? ExpirationTime", get(func(j *jwt) any { return j.time("exp") }), sampleJWT + `.AsJwt().ExpirationTime.Value.ToString("s")`, "1970-01-01T00:01:00"},
		{"string Id", get(func(j *jwt) any { return j.claim("jti") }), sampleJWT + `.AsJwt().Id == null`, "True"},
		{"string Issuer", get(func(j *jwt) any { return j.claim("iss") }), sampleJWT + `.AsJwt().Issuer == null`, "True"},
		{"DateTime? IssuedAt", get(func(j *jwt) any { return j.time("iat") }), sampleJWT + `.AsJwt().IssuedAt == null`, "True"},
		{"DateTime? NotBefore", get(func(j *jwt) any { return j.time("nbf") }), sampleJWT + `.AsJwt().NotBefore.HasValue`, "False"},
		{"string Subject", get(func(j *jwt) any { return j.claim("sub") }), sampleJWT + `.AsJwt().Subject`, "a"},
		{"string Type", get(func(j *jwt) any {
			if t := j.header.get("typ"); t != nil {
				return display(t)
			}
			return nil
		}), sampleJWT + `.AsJwt().Type`, "JWT"},
	}},
}

package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// noon is the time of the tests.
var noon = time.Unix(1_800_000_000, 0)

// secret is long enough for every algorithm.
var secret = []byte(strings.Repeat("0123456789abcdef", 4))

// Keys take time to make: each is made once.
var (
	rsaKey, otherRSA = sync.OnceValue(newRSA), sync.OnceValue(newRSA)
	p256, p384, p521 = newEC(elliptic.P256()), newEC(elliptic.P384()), newEC(elliptic.P521())
)

func newRSA() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

func newEC(curve elliptic.Curve) func() *ecdsa.PrivateKey {
	return sync.OnceValue(func() *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			panic(err)
		}
		return key
	})
}

// sign signs a payload. Extra are names and values of the header.
func sign(t testing.TB, alg string, key any, payload string, extra ...string) string {
	t.Helper()
	options := &jose.SignerOptions{}
	for i := 0; i < len(extra); i += 2 {
		options.WithHeader(jose.HeaderKey(extra[i]), extra[i+1])
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := signer.Sign([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	token, err := signature.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// part is a part of a token.
func part(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// unsigned is a token with a header and a payload of any kind.
func unsigned(header, payload string) string { return part(header) + "." + part(payload) + "." }

// payload has a good exp, and what is added.
func payload(more string) string {
	if more != "" {
		more = "," + more
	}
	return fmt.Sprintf(`{"exp":%d%s}`, noon.Unix()+60, more)
}

// kindOf is the kind of an error, with its claim and value.
func kindOf(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %T, want an *Error", err)
	}
	return strings.TrimSpace(fmt.Sprint(e.Kind, " ", e.Claim, " ", e.Value))
}

func atNoon() *Validator { return New(Options{Now: func() time.Time { return noon }}) }

func TestRules(t *testing.T) {
	good := func() Rules {
		return Rules{Keys: []Key{{Secret: secret}}, RequireExpiration: true, RequireSigned: true}
	}
	at := func(name string, seconds int64) string { return fmt.Sprintf(`{%q:%d}`, name, noon.Unix()+seconds) }
	tests := []struct {
		name    string
		payload string
		change  func(*Rules)
		want    string
	}{
		{"nothing asked", payload(""), nil, ""},
		{"exp not yet", at("exp", 1), nil, ""},
		{"exp now", at("exp", 0), nil, "TokenExpired"},
		{"exp with a fraction", `{"exp":1800000000.5}`, nil, ""},
		{"exp within the skew", at("exp", -9), func(r *Rules) { r.ClockSkew = 10 * time.Second }, ""},
		{"exp beyond the skew", at("exp", -10), func(r *Rules) { r.ClockSkew = 10 * time.Second }, "TokenExpired"},
		{"negative skew", at("exp", 1), func(r *Rules) { r.ClockSkew = -10 * time.Second }, ""},
		{"no exp", `{}`, nil, "JwtInvalid  it has no exp"},
		{"no exp needed", `{}`, func(r *Rules) { r.RequireExpiration = false }, ""},
		{"exp is checked though not needed", at("exp", -1), func(r *Rules) { r.RequireExpiration = false }, "TokenExpired"},
		{"exp is a text", `{"exp":"1900000000"}`, nil, "JwtInvalid  exp is not a number"},
		{"exp is null", `{"exp":null}`, nil, "JwtInvalid  exp is not a number"},
		{"exp is beyond all numbers", `{"exp":1e999}`, nil, "JwtInvalid  exp is not a time"},
		{"exp is large", `{"exp":1e300}`, nil, ""},
		{"exp is negative", `{"exp":-1e300}`, nil, "TokenExpired"},
		{"nbf now", payload(`"nbf":1800000000`), nil, ""},
		{"nbf later", payload(`"nbf":1800000001`), nil, "JwtInvalid  it is not valid yet"},
		{"nbf within the skew", payload(`"nbf":1800000010`), func(r *Rules) { r.ClockSkew = 10 * time.Second }, ""},
		{"nbf is a text", payload(`"nbf":"x"`), nil, "JwtInvalid  nbf is not a number"},
		{"iat is not checked", payload(`"iat":1900000000`), nil, ""},

		{"aud", payload(`"aud":"b"`), func(r *Rules) { r.Audiences = []string{"a", "b"} }, ""},
		{"aud in an array", payload(`"aud":["x","b"]`), func(r *Rules) { r.Audiences = []string{"a", "b"} }, ""},
		{"another aud", payload(`"aud":"B"`), func(r *Rules) { r.Audiences = []string{"a", "b"} }, "TokenAudienceNotAllowed"},
		{"no aud", payload(``), func(r *Rules) { r.Audiences = []string{"a"} }, "TokenAudienceNotAllowed"},
		{"an empty aud is none", payload(`"aud":""`), func(r *Rules) { r.Audiences = []string{""} }, "TokenAudienceNotAllowed"},
		{"no audience is allowed", payload(`"aud":"a"`), func(r *Rules) { r.Audiences = []string{} }, "TokenAudienceNotAllowed"},
		{"iss", payload(`"iss":"b"`), func(r *Rules) { r.Issuers = []string{"a", "b"} }, ""},
		{"another iss", payload(`"iss":"c"`), func(r *Rules) { r.Issuers = []string{"a", "b"} }, "TokenIssuerNotAllowed"},
		{"iss is an array", payload(`"iss":["a"]`), func(r *Rules) { r.Issuers = []string{"a"} }, "TokenIssuerNotAllowed"},
		{"no iss", payload(``), func(r *Rules) { r.Issuers = []string{"a", ""} }, "TokenIssuerNotAllowed"},
		{"expired comes before audience", `{"exp":1,"aud":"x"}`, func(r *Rules) { r.Audiences = []string{"a"} }, "TokenExpired"},
		{"audience comes before issuer", payload(`"aud":"x","iss":"x"`), func(r *Rules) { r.Audiences, r.Issuers = []string{"a"}, []string{"a"} }, "TokenAudienceNotAllowed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := good()
			if test.change != nil {
				test.change(&r)
			}
			token := sign(t, "HS256", secret, test.payload)
			valid, err := atNoon().Validate(t.Context(), token, &r)
			if got := kindOf(t, err); got != test.want {
				t.Errorf("got %q (%v), want %q", got, err, test.want)
			}
			if err == nil && valid.Raw != token {
				t.Errorf("got %q, want the token", valid.Raw)
			}
		})
	}
}

func TestRequiredClaims(t *testing.T) {
	tests := []struct {
		name, claims string
		want         Claim
		kind         string
	}{
		{"there", `"c":"a"`, Claim{Name: "c"}, ""},
		{"not there", `"C":"a"`, Claim{Name: "c"}, "TokenClaimNotFound c"},
		{"null is nothing", `"c":null`, Claim{Name: "c"}, "TokenClaimNotFound c"},
		{"no item is nothing", `"c":[]`, Claim{Name: "c"}, "TokenClaimNotFound c"},
		{"one of", `"c":"a"`, Claim{Name: "c", Values: []string{"b", "a"}}, ""},
		{"none of", `"c":"a"`, Claim{Name: "c", Values: []string{"b", "A"}}, "TokenClaimValueNotAllowed c a"},
		{"all of one", `"c":"a"`, Claim{Name: "c", Values: []string{"a"}, All: true}, ""},
		{"all of an array", `"c":["a","b","x"]`, Claim{Name: "c", Values: []string{"b", "a"}, All: true}, ""},
		{"not all of an array", `"c":["a","x"]`, Claim{Name: "c", Values: []string{"a", "b"}, All: true}, "TokenClaimValueNotAllowed c a,x"},
		{"one of an array", `"c":["x","a"]`, Claim{Name: "c", Values: []string{"a", "b"}}, ""},
		{"not separated", `"scp":"a b"`, Claim{Name: "scp", Values: []string{"a"}}, "TokenClaimValueNotAllowed scp a b"},
		{"separated", `"scp":"a b c"`, Claim{Name: "scp", Values: []string{"c", "a"}, All: true, Separator: " "}, ""},
		{"separated, missing", `"scp":"a b"`, Claim{Name: "scp", Values: []string{"a", "c"}, All: true, Separator: " "}, "TokenClaimValueNotAllowed scp a,b"},
		{"items are separated", `"c":["a;b","c"]`, Claim{Name: "c", Values: []string{"b", "c"}, All: true, Separator: ";"}, ""},
		{"number", `"c":5`, Claim{Name: "c", Values: []string{"5"}}, ""},
		{"number by its text", `"c":5.0`, Claim{Name: "c", Values: []string{"5"}}, "TokenClaimValueNotAllowed c 5.0"},
		{"a large number is exact", `"c":12345678901234567890`, Claim{Name: "c", Values: []string{"12345678901234567890"}}, ""},
		{"true", `"c":true`, Claim{Name: "c", Values: []string{"true"}}, ""},
		{"escapes", `"c":"\u0061\n"`, Claim{Name: "c", Values: []string{"a\n"}}, ""},
		{"object", `"c":{"a":1}`, Claim{Name: "c", Values: []string{`{"a":1}`}}, ""},
		{"array in an array", `"c":[["a"]]`, Claim{Name: "c", Values: []string{`["a"]`}}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := Rules{Keys: []Key{{Secret: secret}}, Claims: []Claim{test.want}}
			_, err := atNoon().Validate(t.Context(), sign(t, "HS256", secret, payload(test.claims)), &r)
			if got := kindOf(t, err); got != test.kind {
				t.Errorf("got %q, want %q", got, test.kind)
			}
		})
	}
}

func TestForm(t *testing.T) {
	good := sign(t, "HS256", secret, payload(""))
	head, rest, _ := strings.Cut(good, ".")
	body, mac, _ := strings.Cut(rest, ".")
	hs := part(`{"alg":"HS256"}`)
	tests := []struct{ name, token, want string }{
		{"empty", "", "TokenNotPresent"},
		{"a word", "x", "JwtInvalid  it does not have three parts"},
		{"two parts", head + "." + body, "JwtInvalid  it does not have three parts"},
		{"four parts", good + ".x", "JwtInvalid  it does not have three parts"},
		{"scheme left on", "Bearer " + good, "JwtInvalid  its header is not base64url"},
		{"too long", strings.Repeat("a", MaxToken+1), "JwtInvalid  it is longer than 65536 bytes"},
		{"encrypted", "a.b.c.d.e", "JwtInvalid  it is encrypted, and there are no keys to decrypt it"},
		{"padding", head + "=." + body + "." + mac, "JwtInvalid  its header is not base64url"},
		{"plain base64", good + "+", "JwtInvalid  its signature is not base64url"},
		{"line break", head + "\n." + body + "." + mac, "JwtInvalid  its header is not base64url"},
		{"line break in the signature", good + "\n", "JwtInvalid  its signature is not base64url"},
		{"bits left over", head + "." + body + "." + mac[:len(mac)-1] + string(mac[len(mac)-1]+1), "JwtInvalid  its signature is not base64url"},
		{"header is an array", part(`[]`) + "." + body + "." + mac, "JwtInvalid  its header is not a JSON object with unique names and texts for alg and kid"},
		{"alg twice", part(`{"alg":"none","alg":"HS256"}`) + "." + body + "." + mac, "JwtInvalid  its header is not a JSON object with unique names and texts for alg and kid"},
		{"kid is a number", part(`{"alg":"HS256","kid":1}`) + "." + body + "." + mac, "JwtInvalid  its header is not a JSON object with unique names and texts for alg and kid"},
		{"crit", part(`{"alg":"HS256","crit":["exp"],"exp":1}`) + "." + body + "." + mac, "JwtInvalid  its header has an extension that is not understood"},
		{"b64", part(`{"alg":"HS256","b64":false}`) + "." + body + "." + mac, "JwtInvalid  its header has an extension that is not understood"},
		{"payload is not base64", hs + ".!." + mac, "JwtInvalid  its payload is not base64url"},
		{"payload is no JSON", sign(t, "HS256", secret, `{`), "JwtInvalid  its payload is not a JSON object with unique names"},
		{"payload is null", sign(t, "HS256", secret, `null`), "JwtInvalid  its payload is not a JSON object with unique names"},
		{"a claim twice", sign(t, "HS256", secret, `{"aud":"a","aud":"b"}`), "JwtInvalid  its payload is not a JSON object with unique names"},
		{"a name twice within", sign(t, "HS256", secret, `{"a":{"b":1,"b":2}}`), "JwtInvalid  its payload is not a JSON object with unique names"},
		{"no UTF-8", sign(t, "HS256", secret, "{\"a\":\"\xff\"}"), "JwtInvalid  its payload is not a JSON object with unique names"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := atNoon().Validate(t.Context(), test.token, &Rules{Keys: []Key{{Secret: secret}}})
			if got := kindOf(t, err); got != test.want {
				t.Errorf("got %q (%v), want %q", got, err, test.want)
			}
		})
	}
}

// Every algorithm with its own key is valid, and with every other it is not.
func TestAlgorithms(t *testing.T) {
	keys := map[string]struct {
		private, own any
		key          Key
	}{
		"HS": {secret, nil, Key{Secret: secret}},
		"RS": {rsaKey(), nil, Key{Public: &rsaKey().PublicKey}},
		"E2": {p256(), nil, Key{Public: &p256().PublicKey}},
		"E3": {p384(), nil, Key{Public: &p384().PublicKey}},
		"E5": {p521(), nil, Key{Public: &p521().PublicKey}},
	}
	own := map[string]string{
		"HS256": "HS", "HS384": "HS", "HS512": "HS", "RS256": "RS", "RS384": "RS", "RS512": "RS",
		"PS256": "RS", "PS384": "RS", "PS512": "RS", "ES256": "E2", "ES384": "E3", "ES512": "E5",
	}
	for alg, mine := range own {
		token := sign(t, alg, keys[mine].private, payload(""))
		for name, k := range keys {
			_, err := atNoon().Validate(t.Context(), token, &Rules{Keys: []Key{k.key}, RequireSigned: true})
			want := "TokenSignatureKeyNotFound"
			if name == mine {
				want = ""
			}
			if got := kindOf(t, err); got != want {
				t.Errorf("%s with a key of %s: got %q, want %q", alg, name, got, want)
			}
		}
		_, err := atNoon().Validate(t.Context(), token, &Rules{
			Keys: []Key{{ID: "other", Public: &otherRSA().PublicKey}, keys["E5"].key, keys["E3"].key, keys["E2"].key, keys["RS"].key, {Secret: secret[:16]}, keys["HS"].key},
		})
		if err != nil {
			t.Errorf("%s with keys in turn: got %v, want none", alg, err)
		}
	}
}

func TestSignature(t *testing.T) {
	token := sign(t, "RS256", rsaKey(), payload(""))
	head, rest, _ := strings.Cut(token, ".")
	_, mac, _ := strings.Cut(rest, ".")
	own := Key{ID: "own", Public: &rsaKey().PublicKey}
	var noKey *rsa.PublicKey
	tests := []struct {
		name, token string
		keys        []Key
		want        string
	}{
		{"payload exchanged", head + "." + part(payload(`"admin":true`)) + "." + mac, []Key{own}, "TokenSignatureInvalid"},
		{"signature cut off", strings.TrimSuffix(token, mac), []Key{own}, "TokenSignatureInvalid"},
		{"another key", token, []Key{{Public: &otherRSA().PublicKey}}, "TokenSignatureInvalid"},
		{"no keys", token, nil, "TokenSignatureKeyNotFound"},
		{"an empty key", token, []Key{{}}, "TokenSignatureKeyNotFound"},
		{"a nil key", token, []Key{{Public: noKey}}, "TokenSignatureKeyNotFound"},
		{"a hollow key", token, []Key{{Public: &rsa.PublicKey{}}}, "TokenSignatureKeyNotFound"},
		{"a private key is not for it", token, []Key{{Private: rsaKey()}}, "TokenSignatureKeyNotFound"},
		{"kid of another inline key", sign(t, "RS256", rsaKey(), payload(""), "kid", "other"), []Key{{ID: "other", Public: &otherRSA().PublicKey}, own}, ""},
		{"short secret", sign(t, "HS256", secret[:32], payload("")), []Key{{ID: "short", Secret: secret[:31]}}, "TokenSignatureInvalid"},
		{"secret as long as the hash", sign(t, "HS256", secret[:32], payload("")), []Key{{Secret: secret[:32]}}, ""},
		{"unknown alg", unsigned(`{"alg":"EdDSA"}`, payload("")) + mac, []Key{own}, "TokenSignatureInvalid"},
		{"no alg", unsigned(`{}`, payload("")) + mac, []Key{own}, "TokenSignatureInvalid"},
		{"alg in lower case", unsigned(`{"alg":"rs256"}`, payload("")) + mac, []Key{own}, "TokenSignatureInvalid"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := atNoon().Validate(t.Context(), test.token, &Rules{Keys: test.keys})
			if got := kindOf(t, err); got != test.want {
				t.Errorf("got %q (%v), want %q", got, err, test.want)
			}
		})
	}
}

func TestUnsigned(t *testing.T) {
	none := unsigned(`{"alg":"none"}`, payload(`"iss":"a"`))
	tests := []struct {
		name, token string
		rules       Rules
		want        string
	}{
		{"allowed", none, Rules{}, ""},
		{"not allowed", none, Rules{RequireSigned: true}, "TokenSignatureInvalid"},
		{"never for Entra", none, Rules{Entra: &Entra{Tenant: "common"}}, "TokenSignatureInvalid"},
		{"with a signature", none + "AAAA", Rules{}, "TokenSignatureInvalid"},
		{"written otherwise", unsigned(`{"alg":"None"}`, payload("")), Rules{}, "TokenSignatureInvalid"},
		{"signed, without a signature", unsigned(`{"alg":"HS256"}`, payload("")), Rules{Keys: []Key{{Secret: secret}}}, "TokenSignatureInvalid"},
		{"signed, without a key", sign(t, "HS256", secret, payload("")), Rules{}, "TokenSignatureKeyNotFound"},
		{"the rest is checked", none, Rules{Issuers: []string{"b"}}, "TokenIssuerNotAllowed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := atNoon().Validate(t.Context(), test.token, &test.rules)
			if got := kindOf(t, err); got != test.want {
				t.Errorf("got %q (%v), want %q", got, err, test.want)
			}
		})
	}
}

func TestParseRSA(t *testing.T) {
	n := base64.RawURLEncoding.EncodeToString(rsaKey().N.Bytes())
	for _, text := range []string{n, n + "=", " " + n + "\n", strings.NewReplacer("-", "+", "_", "/").Replace(n)} {
		key, err := ParseRSA(text, "AQAB")
		if err != nil || !key.Equal(&rsaKey().PublicKey) {
			t.Errorf("got %v, %v, want the key", key, err)
		}
	}
	for _, pair := range [][2]string{{"", "AQAB"}, {n, ""}, {n, "!"}, {n, "AQABAQABAQABAQAB"}, {"\xff", "AQAB"}, {`","kty":"oct`, "AQAB"}, {"AA", "AQAB"}} {
		if key, err := ParseRSA(pair[0], pair[1]); err == nil {
			t.Errorf("ParseRSA(%q, %q): got %v, want an error", pair[0], pair[1], key)
		}
	}
}

func TestErrorText(t *testing.T) {
	cause := errors.New("cause")
	tests := []struct {
		err  Error
		want string
	}{
		{Error{Kind: TokenExpired}, "TokenExpired"},
		{Error{Kind: TokenClaimValueNotAllowed, Claim: "roles", Value: "a,b", Err: cause}, "TokenClaimValueNotAllowed roles: a,b: cause"},
	}
	for _, test := range tests {
		if got := test.err.Error(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
	if !errors.Is(&Error{Kind: JwtInvalid, Err: context.Canceled}, context.Canceled) {
		t.Error("the cause is not found")
	}
}

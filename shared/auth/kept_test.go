package auth

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// keptOf is what a validator keeps of a token at a time; nil for nothing.
func keptOf(v *Validator, token string, now time.Time) *keptToken {
	return v.kept.find(sha256.Sum256([]byte(token)), now)
}

// A key that is gone verifies nothing, also not a token that it verified before.
func TestKeptRotation(t *testing.T) {
	tests := []struct {
		name, kid string
		key       jose.JSONWebKey // in place of the first
		want      string
	}{
		{"another kid", "2", web("2", &otherRSA().PublicKey), "TokenSignatureKeyNotFound"},
		{"the same kid", "2", web("1", &otherRSA().PublicKey), "TokenSignatureInvalid"},
		{"the key for another alg", "2", jose.JSONWebKey{KeyID: "1", Key: &rsaKey().PublicKey, Algorithm: "PS256"}, "TokenSignatureInvalid"},
		{"the key as of another kid", "2", web("3", &rsaKey().PublicKey), "TokenSignatureKeyNotFound"},
		{"the same key", "2", web("1", &rsaKey().PublicKey), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := newIDP(t, "i", web("1", &rsaKey().PublicKey))
			c := &clock{}
			v := New(Options{Now: c.now})
			rules := &Rules{OpenIDConfigs: []string{p.url()}, RequireSigned: true}
			token := sign(t, "RS256", rsaKey(), always("i"), "kid", "1")
			validate := func(token string) string {
				_, err := v.Validate(t.Context(), token, rules)
				v.settle()
				return kindOf(t, err)
			}
			if got := validate(sign(t, "RS256", rsaKey(), always("i"), "kid", "1", "typ", "first")); got != "" {
				t.Fatalf("got %q, want none", got)
			}
			c.move(4 * time.Minute)
			if got := validate(token); got != "" {
				t.Fatalf("got %q, want none", got)
			}
			p.answer(200, test.key)
			c.move(time.Minute)
			validate(sign(t, "ES256", p256(), always("i"), "kid", "unknown")) // makes it ask
			if keptOf(v, token, c.now()) == nil || p.requests() != 2 {
				t.Fatalf("the token is not kept, or the keys were not refreshed: %d requests", p.requests())
			}
			if got := validate(token); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// What rules say holds for each call, whatever was found out under others.
func TestKeptRules(t *testing.T) {
	v := atNoon()
	token := sign(t, "RS256", rsaKey(), payload(`"aud":"a","iss":"i","roles":["x"]`), "kid", "1")
	mac := sign(t, "HS256", secret, payload(""))
	inner := encrypt(t, jose.DIRECT, jose.A256GCM, secret[:32], token)
	own := []Key{{Public: &rsaKey().PublicKey}}
	tests := []struct {
		name, token string
		rules       Rules
		want        string
	}{
		{"its key", token, Rules{Keys: own}, ""},
		{"no key", token, Rules{}, "TokenSignatureKeyNotFound"},
		{"another key", token, Rules{Keys: []Key{{Public: &otherRSA().PublicKey}}}, "TokenSignatureInvalid"},
		{"a key of another kind", token, Rules{Keys: []Key{{Secret: secret}}}, "TokenSignatureKeyNotFound"},
		{"both", token, Rules{Keys: []Key{{Public: &otherRSA().PublicKey}, own[0]}}, ""},
		{"audience", token, Rules{Keys: own, Audiences: []string{"b"}}, "TokenAudienceNotAllowed"},
		{"issuer", token, Rules{Keys: own, Issuers: []string{"j"}}, "TokenIssuerNotAllowed"},
		{"claims", token, Rules{Keys: own, Claims: []Claim{{Name: "roles", Values: []string{"y"}}}}, "TokenClaimValueNotAllowed roles x"},
		{"all of these", token, Rules{Keys: own, Audiences: []string{"a"}, Issuers: []string{"i"}, Claims: []Claim{{Name: "roles", Values: []string{"x"}}}}, ""},
		{"encrypted", inner, Rules{Keys: own, DecryptionKeys: []Key{{Secret: secret[:32]}}}, ""},
		{"encrypted, without the key", inner, Rules{Keys: own}, "JwtInvalid  it is encrypted, and there are no keys to decrypt it"},
		{"its secret", mac, Rules{Keys: []Key{{Secret: secret}}}, ""},
		{"another secret", mac, Rules{Keys: []Key{{Secret: secret[1:]}}}, "TokenSignatureInvalid"},
		{"no secret", mac, Rules{}, "TokenSignatureKeyNotFound"},
		{"its secret again", mac, Rules{Keys: []Key{{Secret: secret}}}, ""},
	}
	for range 2 {
		for _, test := range tests {
			_, err := v.Validate(t.Context(), test.token, &test.rules)
			if got := kindOf(t, err); got != test.want {
				t.Errorf("%s: got %q (%v), want %q", test.name, got, err, test.want)
			}
		}
	}
}

func TestKeptLifetime(t *testing.T) {
	rules := &Rules{Keys: []Key{{Public: &p256().PublicKey}}, ClockSkew: 10 * time.Second}
	tests := []struct {
		name, payload string
		at            time.Duration // after the first call
		kept          bool          // at that time, before that call
		want          string
	}{
		{"before exp", `{"exp":1800000060}`, time.Minute - 1, true, ""},
		{"at exp, within the skew", `{"exp":1800000060}`, time.Minute, false, ""},
		{"after exp and skew", `{"exp":1800000060}`, 70 * time.Second, false, "TokenExpired"},
		{"a moment before five minutes", `{"exp":1900000000}`, 5*time.Minute - 1, true, ""},
		{"at five minutes", `{"exp":1900000000}`, 5 * time.Minute, false, ""},
		{"without exp", `{}`, 5*time.Minute - 1, true, ""},
		{"without exp, at five minutes", `{}`, 5 * time.Minute, false, ""},
		{"the clock goes back before nbf", `{"nbf":1800000000}`, -time.Minute, true, "JwtInvalid  it is not valid yet"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := &clock{}
			v := New(Options{Now: c.now})
			token := sign(t, "ES256", p256(), test.payload)
			if _, err := v.Validate(t.Context(), token, rules); err != nil {
				t.Fatal(err)
			}
			c.move(test.at)
			if got := keptOf(v, token, c.now()) != nil; got != test.kept {
				t.Errorf("got kept %v, want %v", got, test.kept)
			}
			_, err := v.Validate(t.Context(), token, rules)
			if got := kindOf(t, err); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// Whatever of a token that is kept is changed, it is not valid.
func TestKeptTampering(t *testing.T) {
	for alg, key := range map[string]any{"RS256": rsaKey(), "HS256": secret} {
		token := sign(t, alg, key, payload(`"aud":"a"`), "kid", "1")
		v, rules := atNoon(), &Rules{Keys: []Key{{Public: &rsaKey().PublicKey}, {Secret: secret}}}
		for i := range token {
			if _, err := v.Validate(t.Context(), token, rules); err != nil || keptOf(v, token, noon) == nil {
				t.Fatalf("%s: got %v, want none and the token kept", alg, err)
			}
			b := byte('A')
			if token[i] == b {
				b = 'B'
			}
			changed := token[:i] + string(b) + token[i+1:]
			if _, err := v.Validate(t.Context(), changed, rules); err == nil || keptOf(v, changed, noon) != nil {
				t.Fatalf("%s: valid or kept with %q at %d", alg, b, i)
			}
		}
	}
}

// What is not kept: tokens without a valid signature, those that are too long, and
// secrets.
func TestNotKept(t *testing.T) {
	long := payload(fmt.Sprintf(`"x":%q`, strings.Repeat("x", maxKeptToken)))
	many := Rules{Keys: []Key{{Public: &rsaKey().PublicKey}}}
	for range maxVerdicts {
		many.Keys = append([]Key{{Public: &newRSA().PublicKey}}, many.Keys...)
	}
	own := Rules{Keys: []Key{{Public: &rsaKey().PublicKey}, {Secret: secret}}}
	rs := sign(t, "RS256", rsaKey(), payload(""))
	tests := []struct {
		name, token string
		rules       Rules
		valid, kept bool
		verdicts    int
	}{
		{"a valid one", rs, own, true, true, 1},
		{"one of a secret", sign(t, "HS256", secret, payload("")), own, true, true, 0},
		{"expired", sign(t, "RS256", rsaKey(), `{"exp":1800000000}`), own, false, false, 0},
		{"expired for ages", sign(t, "RS256", rsaKey(), `{"exp":-1e300}`), own, false, false, 0},
		{"exp is a text", sign(t, "RS256", rsaKey(), `{"exp":"1"}`), own, false, false, 0},
		{"of another", sign(t, "RS256", otherRSA(), payload("")), own, false, false, 0},
		{"unsigned", unsigned(`{"alg":"none"}`, payload("")), own, true, false, 0},
		{"too long", sign(t, "RS256", rsaKey(), long), own, true, false, 0},
		{"too many keys", rs, many, true, false, 0},
		{"as many keys as may be", rs, Rules{Keys: many.Keys[1:]}, true, true, maxVerdicts},
	}
	for _, test := range tests {
		v := atNoon()
		for range 2 {
			_, err := v.Validate(t.Context(), test.token, &test.rules)
			k := keptOf(v, test.token, noon)
			if (err == nil) != test.valid || (k != nil) != test.kept || (len(v.kept.byDigest) > 0) != test.kept || k != nil && len(k.verdicts) != test.verdicts {
				t.Errorf("%s: got %v, kept %+v, want valid %v, kept %v with %d verdicts", test.name, err, k, test.valid, test.kept, test.verdicts)
			}
		}
	}
}

// A signature is computed once: afterwards it is what is kept that counts.
func TestKeptIsUsed(t *testing.T) {
	v := atNoon()
	token := sign(t, "RS256", rsaKey(), payload(""))
	rules := &Rules{Keys: []Key{{Public: &rsaKey().PublicKey}}}
	if _, err := v.Validate(t.Context(), token, rules); err != nil {
		t.Fatal(err)
	}
	keptOf(v, token, noon).verdicts[0].valid = false
	for _, key := range []*Key{{Public: &rsaKey().PublicKey}, {Public: parsedAgain(t)}} {
		_, err := v.Validate(t.Context(), token, &Rules{Keys: []Key{*key}})
		if got := kindOf(t, err); got != "TokenSignatureInvalid" {
			t.Errorf("got %q, want TokenSignatureInvalid as was kept", got)
		}
	}
}

// parsedAgain is an equal key at another place.
func parsedAgain(t *testing.T) any {
	t.Helper()
	keys, err := parseKeySet([]byte(keySetText(web("1", &rsaKey().PublicKey))))
	if err != nil {
		t.Fatal(err)
	}
	return keys[0].key
}

// What is kept is bounded: the oldest goes, and what came again is not the oldest.
func TestKeptBound(t *testing.T) {
	var c keptTokens
	of := func(i int) digest { return sha256.Sum256(fmt.Append(nil, i)) }
	put := func(i int) { c.put(of(i), &keptToken{until: noon.Add(1)}) }
	for i := range maxKept {
		put(i)
	}
	put(4) // again, in place of 0
	for i := range 4 {
		put(maxKept + i) // in place of 1, 2, 3, and of where 4 was first
	}
	for i, want := range map[int]bool{0: false, 1: false, 2: false, 3: false, 4: true, 5: true, maxKept: true, maxKept + 3: true} {
		if got := c.find(of(i), noon) != nil; got != want {
			t.Errorf("token %d: got kept %v, want %v", i, got, want)
		}
	}
	for i := range 3 * maxKept {
		put(i % (maxKept + 7))
		if len(c.byDigest) > maxKept || len(c.slots) > maxKept {
			t.Fatalf("got %d tokens in %d slots, want at most %d", len(c.byDigest), len(c.slots), maxKept)
		}
	}
}

// Calls at the same time, under rules of different keys, share what is kept.
func TestKeptTogether(t *testing.T) {
	v := atNoon()
	var calls sync.WaitGroup
	for i := range 8 {
		token := sign(t, "ES256", p256(), payload(fmt.Sprintf(`"n":%d`, i%2)))
		for range 4 {
			calls.Go(func() {
				for _, key := range []Key{{Public: &p256().PublicKey}, {Public: &newEC(p256().Curve)().PublicKey}} {
					_, err := v.Validate(t.Context(), token, &Rules{Keys: []Key{key}})
					if valid := key.Public == &p256().PublicKey; valid != (err == nil) {
						t.Errorf("got %v, want valid %v", err, valid)
					}
				}
			})
		}
	}
	calls.Wait()
}

// What a header brings along has to be what it says it is.
func TestBrought(t *testing.T) {
	public := strings.TrimSuffix(strings.TrimPrefix(keySetText(web("", &p384().PublicKey)), `{"keys":[`), "]}")
	private := strings.TrimSuffix(strings.TrimPrefix(keySetText(web("", p384())), `{"keys":[`), "]}")
	const refused = "JwtInvalid  its header is not understood"
	tests := []struct{ header, want string }{
		{`"jwk":` + public, ""},
		{`"jwk":` + private, refused},
		{`"jwk":null`, ""},
		{`"jwk":{}`, refused},
		{`"jwk":5`, refused},
		{`"jwk":{"kty":"oct","k":"AAAA"}`, refused},
		{`"jwk":{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}`, refused},
		{`"jwk":` + strings.Replace(public, "{", `{"p":"AA",`, 1), refused},
		{`"jwk":` + strings.Replace(public, "{", `{"p":null,`, 1), ""},
		{`"x5c":[]`, ""},
		{`"x5c":null`, ""},
		{`"x5c":["AAAA"]`, refused},
		{`"x5c":["!"]`, refused},
		{`"x5c":[5]`, refused},
		{`"nonce":"x"`, ""},
		{`"nonce":5`, refused},
		{`"x5u":5,"other":{"a":[1]}`, ""},
	}
	for _, test := range tests {
		var h header
		h, err := readHeader(part(`{"alg":"ES256",` + test.header + `}`))
		if err != nil {
			t.Fatal(err)
		}
		_, err = verification(&signed{header: h})
		if got := kindOf(t, err); got != test.want {
			t.Errorf("%s: got %q, want %q", test.header, got, test.want)
		}
	}
}

// A token that was not seen before; see BenchmarkValidate for those that were.
func BenchmarkValidateFirst(b *testing.B) {
	v := atNoon()
	for _, alg := range []string{"RS256", "ES256", "HS256"} {
		key := map[string]any{"RS256": rsaKey(), "ES256": p256(), "HS256": secret}[alg]
		token := sign(b, alg, key, payload(`"iss":"contoso.com","aud":"a","scp":"a b","roles":["x","y"]`))
		r := &Rules{Keys: []Key{{Secret: secret}, {Public: &rsaKey().PublicKey}, {Public: &p256().PublicKey}}, Audiences: []string{"a"}}
		b.Run(alg, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				clear(v.kept.byDigest)
				if _, err := v.Validate(b.Context(), token, r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

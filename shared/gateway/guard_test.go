package gateway

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"toolgate/shared/config"
	"toolgate/shared/expr"
	"toolgate/shared/policy"
)

func TestPlainURI(t *testing.T) {
	for _, c := range []struct{ uri, want string }{ // empty: refused
		{"docs://public/a", "docs://public/a"},
		{"DOCS://Public/A", "docs://public/A"},
		{"docs://public/%61", "docs://public/a"},
		{"docs://public/%2561", "docs://public/a"},
		{"docs://public//a///b", "docs://public/a/b"},
		{"docs://public", "docs://public/"},
		{"urn:isbn:1", "urn:isbn:1"},
		{"file:///a", "file:///a"},
		{"docs://public/100%", "docs://public/100%"},
		{"docs://public/.hidden/a..b", "docs://public/.hidden/a..b"},
		{"docs://public/../secret", ""},
		{"docs://public/..", ""},
		{"docs://public/%2e%2E/secret", ""},
		{"docs://public/%252e%252e/secret", ""},
		{`docs://public/..\secret`, ""},
		{"docs://public/./a", ""},
		{"../a", ""},
		{"docs://public/a?b=/../c", ""},
		{"", ""},
	} {
		got, ok := plainURI(c.uri)
		if got != c.want || ok != (c.want != "" || c.uri == "") {
			t.Errorf("%s: got %q, %t, want %q", c.uri, got, ok, c.want)
		}
	}
}

func FuzzPlainURI(f *testing.F) {
	f.Add("docs://public/%2e%2e/secret")
	f.Fuzz(func(t *testing.T, uri string) {
		plain, ok := plainURI(uri)
		if ok && (strings.Contains(plain, "/../") || strings.HasSuffix(plain, "/..")) {
			t.Errorf("%q: got %q", uri, plain)
		}
	})
}

func TestPatternOf(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"a", "a", true}, {"a", "ab", false}, {"a", "xa", false}, {"a.c", "abc", false},
		{"a*", "abc", true}, {"a*", "a", true}, {"a*", "a/b", false}, {"a**", "a/b", true},
		{"docs://*/b", "docs://a/b", true}, {"docs://*/b", "docs://a/c/b", false}, {"docs://**/b", "docs://a/c/b", true},
		{"**", "a\nb", true}, {"(", "(", true},
	} {
		if got := patternOf(c.pattern).MatchString(c.name); got != c.want {
			t.Errorf("%s with %q: got %t", c.pattern, c.name, got)
		}
	}
}

func TestBearer(t *testing.T) {
	for _, c := range []struct {
		header []string
		token  string
		reason policy.Reason
	}{
		{nil, "", policy.ReasonTokenNotPresent},
		{[]string{""}, "", policy.ReasonTokenNotPresent},
		{[]string{"Bearer a.b.c"}, "a.b.c", ""},
		{[]string{" bearer  a "}, "a", ""},
		{[]string{"Bearer"}, "", policy.ReasonTokenNotPresent},
		{[]string{"Bearer "}, "", policy.ReasonTokenNotPresent},
		{[]string{"Basic YTpi"}, "", policy.ReasonTokenNotPresent},
		{[]string{"BearerX a"}, "", policy.ReasonTokenNotPresent},
		{[]string{"Bearer a", "Bearer b"}, "", policy.ReasonJWTInvalid},
	} {
		token, failure := bearer(c.header)
		if token != c.token || (failure == nil) != (c.reason == "") || failure != nil && failure.Reason != c.reason {
			t.Errorf("%q: got %q, %+v", c.header, token, failure)
		}
	}
}

// principalOf reads a token with claims, which nobody verifies here.
func principalOf(t *testing.T, claims string, several bool, audiences ...string) *principal {
	t.Helper()
	p, err := newPrincipal("e30."+base64.RawURLEncoding.EncodeToString([]byte(claims))+".x", audiences, several)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPrincipal(t *testing.T) {
	entra := `{"iss":"https://login/1","sub":"s","oid":"o","tid":"t","azp":"cli","scp":"read write","roles":["a","b"],"groups":["g"],"email":"e@contoso.com","n":5,"b":true,"z":null,"m":["x",1,false],"\u0061ud":"guid"}`
	p := principalOf(t, entra, false, "api://tools/", "https://tools.contoso.com/a/mcp")
	if u := p.user; u.ID != "o" || u.Email != "e@contoso.com" || len(u.Groups) != 1 || u.Groups[0] != (expr.Group{ID: "g", Name: "g"}) || u.Identities[0] != (expr.UserIdentity{ID: "s", Provider: "https://login/1"}) {
		t.Errorf("got the user %+v", u)
	}
	if p.client != "cli" || p.issuer != "https://login/1" {
		t.Errorf("got %q of %q", p.client, p.issuer)
	}
	for _, c := range []struct {
		scope string
		want  bool
	}{
		{"read", true}, {"write", true}, {"rea", false}, {"read write", false}, {"api://tools/read", true}, {"api://guid/write", true},
		{"api://other/read", false}, {"api://tools/admin", false}, {"https://tools.contoso.com/a/mcp/read", true}, {"guid/read", false}, {"", false},
	} {
		if got := p.hasScopes([]string{c.scope}); got != c.want {
			t.Errorf("scope %q: got %t", c.scope, got)
		}
	}
	for _, c := range []struct {
		claim, value string
		want         bool
	}{
		{"roles", "b", true}, {"roles", "c", false}, {"n", "5", true}, {"b", "true", true}, {"z", "", false}, {"z", "null", false},
		{"m", "x", true}, {"m", "1", true}, {"m", "false", true}, {"absent", "", false},
	} {
		if got := p.has(c.claim, []string{"?", c.value}); got != c.want {
			t.Errorf("%s with %q: got %t", c.claim, c.value, got)
		}
	}
	if p := principalOf(t, `{"iss":"i","sub":"s","oid":"o"}`, true); p.user.ID != "i|s" { // an oid of nobody knows which tenant
		t.Errorf("got the user %q of one of several issuers", p.user.ID)
	}
	for _, bad := range []string{"", "a.b", "e30.e30", "e30.!.x", "e30.W10.x", "e30.eyJhIjoxLCJhIjoyfQ.x"} {
		if _, err := newPrincipal(bad, nil, false); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestPrincipals(t *testing.T) {
	var c principals
	p, first := &principal{}, principalKey{"a", "x"}
	c.add(first, p)
	c.add(principalKey{strings.Repeat("a", maxPrincipalToken+1), ""}, p)
	if c.find(first) != p || c.find(principalKey{"a", "y"}) != nil || len(c.young) != 1 {
		t.Errorf("got %d principals", len(c.young))
	}
	for i := range 10 * maxPrincipals {
		c.add(principalKey{fmt.Sprint(i), ""}, p)
		if i%100 == 0 && c.find(first) != p {
			t.Fatalf("one that is used is gone after %d", i)
		}
		if len(c.young) > maxPrincipals || len(c.old) > maxPrincipals {
			t.Fatalf("got %d and %d principals", len(c.young), len(c.old))
		}
	}
	if c.find(principalKey{"0", ""}) != nil {
		t.Error("one that was not used is there")
	}
}

func TestOutcomes(t *testing.T) {
	a, b := outcome{allowed, []string{"a"}}, outcome{lacksScopes, []string{"a", "b"}}
	for _, c := range []struct {
		got, want outcome
	}{
		{a.and(a), a}, {a.and(b), b}, {b.and(a), b}, {a.and(outcome{}), outcome{scopes: a.scopes}},
		{outcome{verdict: allowed}.and(b), b},
	} {
		if c.got.verdict != c.want.verdict || !slices.Equal(c.got.scopes, c.want.scopes) {
			t.Errorf("got %+v, want %+v", c.got, c.want)
		}
	}
	if _ = a.and(b); len(a.scopes) != 1 {
		t.Errorf("an outcome was changed to %+v", a)
	}
}

// Nobody is whom the calls are of that no request led to.
func TestNobody(t *testing.T) {
	var all rules
	r, err := all.rule([]config.Allow{{Products: []string{"gold"}}})
	if err != nil {
		t.Fatal(err)
	}
	g := &guard{tools: map[string]*rule{"a": r}, distinct: all.distinct}
	if o := g.tool(visitorOf(t.Context()), "b"); o.verdict != denied {
		t.Errorf("got %+v", o)
	}
	if again, err := all.rule([]config.Allow{{Products: []string{"gold"}}}); err != nil || again != r || len(all.distinct) != 1 {
		t.Errorf("got %v, %v: a rule was made twice", again, err)
	}
	if key := g.class(nil); len(key) != 1 || key[0] != 0 {
		t.Errorf("got the class %v", key)
	}
	if _, err := all.rule([]config.Allow{{Expression: "@(nothing)"}}); err == nil {
		t.Error("an expression that cannot be compiled is a rule")
	}
}

package policies

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"toolgate/shared/expr"
	"toolgate/shared/policy"
)

func TestEscapeQuery(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"a", "b", "a=b"},
		{"a b", "c+d", "a%20b=c%2Bd"},
		{"$filter", "x eq 'y'", "$filter=x%20eq%20'y'"},
		{"a=b&c", "d=e&f#g;h", "a%3Db%26c=d=e%26f%23g%3Bh"},
		{"ü", "\n\x00", "%C3%BC=%0A%00"},
		{"a", "", "a="},
	} {
		p := newPair(c.name, c.value)
		if p.raw != c.want {
			t.Errorf("%q=%q: got %s, want %s", c.name, c.value, p.raw, c.want)
		}
		q, err := url.ParseQuery(p.raw)
		if err != nil || q.Get(c.name) != c.value {
			t.Errorf("%s: is read as %v, %v", p.raw, q, err)
		}
	}
}

func TestNegotiation(t *testing.T) {
	for _, c := range []struct {
		accept string
		want   bool
	}{
		{"application/json", true},
		{"application/problem+json", true},
		{"text/json;q=0.1", true},
		{"*/*", true},
		{"application/*", true},
		{"application/xml", false},
		{"application/xml, application/json", true},
		{"application/xml;q=0.9, application/json;q=0.8", false},
		{"application/xml;q=0.8, */*;q=0.9", true},
		{"application/json;q=0, */*", false},
		{"application/json;q=two", false},
		{"text/html", false},
		{"", false},
	} {
		if got := prefers(http.Header{"Accept": {c.accept}}, "json", "xml"); got != c.want {
			t.Errorf("%q: got %v, want %v", c.accept, got, c.want)
		}
	}
	if !prefers(http.Header{}, "json", "xml") {
		t.Error("a client without Accept takes anything")
	}
}

func TestShortened(t *testing.T) {
	for _, c := range []struct {
		text string
		most int
		want string
	}{{"abc", 3, "abc"}, {"abcd", 3, "abc"}, {"aü", 2, "a"}, {"üü", 3, "ü"}, {"", 0, ""}, {"ü", 1, ""}} {
		if got := shortened(c.text, c.most); got != c.want {
			t.Errorf("%q to %d: got %q, want %q", c.text, c.most, got, c.want)
		}
	}
}

// FuzzRewrite looks for templates and parameters that lead the request away from
// the backend, or make a URL that cannot be sent.
func FuzzRewrite(f *testing.F) {
	f.Add("/a/{x}/b?c={x}&d=1", "v", "q=1")
	f.Add("{*x}", "../..", "")
	f.Add("/{x}?{x}={x}#{x}", "a b%", "a=%zz&&=")
	f.Add("/{}{x", "..", "?")
	f.Fuzz(func(t *testing.T, template, value, query string) {
		p := &rewriteURI{parsed: parseURITemplate(template)}
		x := &policy.Exchange{}
		x.Request = &expr.Request{MatchedParameters: map[string]string{"x": value}, URL: &url.URL{RawQuery: query}}
		x.SetPath("/", query)
		x.SetService(&url.URL{Scheme: "https", Host: "backend.test", Path: "/base"})
		if p.Apply(t.Context(), x) != nil {
			return
		}
		u, err := url.Parse(x.Request.URL.String())
		if err != nil {
			t.Fatalf("%q: %v", x.Request.URL, err)
		}
		if u.Host != "backend.test" || !strings.HasPrefix(u.EscapedPath(), "/base") || u.Fragment != "" {
			t.Errorf("the request goes to %s", u)
		}
		if strings.Contains(value, ".") && !strings.Contains(template, ".") && hasDotSegment(u.EscapedPath()) {
			t.Errorf("the parameter %q leads away: %s", value, u)
		}
	})
}

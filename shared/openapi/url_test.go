package openapi

import (
	"net/url"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// templates have every shape of placeholder that documents use.
var templates = []struct {
	path   string
	params []Param
}{
	{"/pets/{id}", []Param{{Name: "id", Style: "simple"}}},
	{"/a/{x}.{y}", []Param{{Name: "x", Style: "simple"}, {Name: "y", Style: "simple"}}},
	{"/a/{x}{y}/z", []Param{{Name: "x", Style: "simple"}, {Name: "y", Style: "simple"}}},
	{"/repos/{owner}/{repo}/compare/{base}...{head}", []Param{
		{Name: "owner", Style: "simple"}, {Name: "repo", Style: "simple"},
		{Name: "base", Style: "simple"}, {Name: "head", Style: "simple"}}},
	{"/users{x}/roles{y}", []Param{{Name: "x", Style: "matrix"}, {Name: "y", Style: "label"}}},
	{"/users/{x}/", []Param{{Name: "x", Style: "matrix", Explode: true}}},
	{"/.{x}", []Param{{Name: "x", Style: "simple", Explode: true}}},
	{"/{x}.", []Param{{Name: "x", Style: "label", Explode: true}}},
	{"/Entities(ID='{x}',N={y})/caf\u00e9 1", []Param{{Name: "x", Style: "simple"}, {Name: "y", Style: "simple"}}},
}

// hostileValues try to leave the segment, the path, the origin.
var hostileValues = []string{
	"a", "a.b", "a...b", "..", ".", "../", "a/../b", "a/..", "../../etc/passwd", `..\..\windows`, "..;/x", "/../x",
	"%2e%2e", "%2E%2E%2F", "%252e%252e%252f", "%25252e%25252e", "..%2f", "%c0%ae%c0%ae%c0%af", ".%2e/",
	"a/b", "a\\b", "a%2fb", "%", "%zz", "%2", "//evil.example", "http://evil.example/", "@evil.example", ":80",
	"?x=1", "#x", "a?b#c", "a b", "a+b", "\r\nHost: x", "\x00", "\x7f", "\u202e", "\uff0e\uff0e\uff0f", "é", "",
	" ", ".. ", " ..", "...", "....", ";", ";x=1", ",", "=", "&", "{x}", "}", "{", "v1..v2", "~", "-", "_",
}

// TestURLCannotBeBent binds every hostile value to every template. Whatever
// Bind accepts must stay inside the template, and must be read by the backend
// as the values that were given.
func TestURLCannotBeBent(t *testing.T) {
	base, err := url.Parse("https://api.contoso.com:8443/v1/base")
	if err != nil {
		t.Fatal(err)
	}
	bound := 0
	for _, template := range templates {
		b := &Binding{Operation: "o", Method: "GET", Path: template.path, Accept: "*/*"}
		for _, p := range template.params {
			p.In, p.Arg, p.Required = InPath, p.Name, true
			b.Params = append(b.Params, p)
		}
		for i := range b.Params {
			for _, hostile := range hostileValues {
				for _, shape := range []any{hostile, []string{hostile, hostile}, map[string]string{hostile: hostile}} {
					if checkBent(t, b, i, shape, base) {
						bound++
					}
				}
			}
		}
	}
	if bound < 500 {
		t.Errorf("got %d requests, want more: the test proves nothing", bound)
	}
}

// checkBent reports whether Bind accepted the value for the i-th parameter.
func checkBent(t *testing.T, b *Binding, i int, value any, base *url.URL) bool {
	t.Helper()
	args := map[string]any{}
	for j, p := range b.Params {
		args[p.Name] = "ok"
		if i == j {
			args[p.Name] = value
		}
	}
	raw, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.Bind(raw)
	if err != nil {
		return false
	}
	u, err := b.URL(base, r)
	if err != nil {
		t.Errorf("%s with %s: Bind gave %q, which URL refuses: %v", b.Path, raw, r.Path, err)
		return true
	}
	checkURL(t, b, base, u)
	return true
}

// checkURL proves what URL promises, by other means than URL itself.
func checkURL(t *testing.T, b *Binding, base, u *url.URL) {
	t.Helper()
	again, err := url.Parse(u.String())
	if err != nil {
		t.Fatalf("%s: %v", u, err)
	}
	if again.Scheme != base.Scheme || again.Host != base.Host || again.User != nil || again.Fragment != "" {
		t.Errorf("%s is not at the origin of %s", u, base)
	}
	prefix := strings.TrimSuffix(base.EscapedPath(), "/") + "/"
	if got := again.ResolveReference(&url.URL{}).EscapedPath(); got != again.EscapedPath() {
		t.Errorf("%s: the path resolves to %s", u, got)
	}
	if !strings.HasPrefix(again.EscapedPath(), prefix) {
		t.Errorf("%s does not start with %s", u, prefix)
	}
	got := strings.Count(again.EscapedPath(), "/")
	want := strings.Count(prefix, "/") - 1 + strings.Count(b.Path, "/")
	if got != want {
		t.Errorf("%s has %d segments, want %d", u, got, want)
	}
	for segment := range strings.SplitSeq(again.Path, "/") {
		if segment == "." || segment == ".." {
			t.Errorf("%s has a dot segment", u)
		}
	}
}

func TestURL(t *testing.T) {
	b := &Binding{Operation: "compare", Path: "/repos/{owner}/compare/{base}...{head}", Params: []Param{
		{Name: "owner", In: InPath, Style: "simple"}, {Name: "base", In: InPath, Style: "simple"}, {Name: "head", In: InPath, Style: "simple"}}}
	const good = "/repos/o/compare/a...b"
	tests := []struct {
		name, base, path, query string
		want                    string // an error where it starts with !
	}{
		{"root", "https://contoso.com", good, "", "https://contoso.com/repos/o/compare/a...b"},
		{"slash", "https://contoso.com/", good, "", "https://contoso.com/repos/o/compare/a...b"},
		{"prefix", "http://127.0.0.1:8080/v1/", good, "a=b", "http://127.0.0.1:8080/v1/repos/o/compare/a...b?a=b"},
		{"escaped prefix", "https://contoso.com/a%2Fb", good, "", "https://contoso.com/a%2Fb/repos/o/compare/a...b"},
		{"query of the base", "https://contoso.com/v1?code=x", good, "a=b", "https://contoso.com/v1/repos/o/compare/a...b?code=x&a=b"},
		{"query of the base alone", "https://contoso.com/v1?code=x", good, "", "https://contoso.com/v1/repos/o/compare/a...b?code=x"},
		{"IPv6", "https://[::1]:443", good, "", "https://[::1]:443/repos/o/compare/a...b"},
		{"dots in a value", "https://contoso.com", "/repos/o/compare/v1.0...v1...1", "", "https://contoso.com/repos/o/compare/v1.0...v1...1"},

		{"relative base", "/v1", good, "", "!the backend's URL is not an absolute http or https URL"},
		{"other scheme", "ftp://contoso.com", good, "", "!the backend's URL is not an absolute http or https URL"},
		{"userinfo", "https://a:b@contoso.com", good, "", "!the backend's URL must not have userinfo"},
		{"fragment", "https://contoso.com#x", good, "", "!the backend's URL must not have a fragment"},
		{"another literal", "https://contoso.com", "/repos/o/commits/a...b", "", "!the request's path is not one of /repos/{owner}/compare/{base}...{head}"},
		{"a missing literal", "https://contoso.com", "/repos/o/compare/a..b", "", "!the request's path is not one of /repos/{owner}/compare/{base}...{head}"},
		{"nothing for a parameter", "https://contoso.com", "/repos/o/compare/...b", "", "!the request's path is not one of /repos/{owner}/compare/{base}...{head}"},
		{"nothing for the last parameter", "https://contoso.com", "/repos/o/compare/a...", "", "!the request's path is not one of /repos/{owner}/compare/{base}...{head}"},
		{"one segment more", "https://contoso.com", "/repos/o/compare/a...b/c", "", "!the request's path is not one of /repos/{owner}/compare/{base}...{head}"},
		{"one segment less", "https://contoso.com", "/repos/o/compare", "", "!the request's path is not one of /repos/{owner}/compare/{base}...{head}"},
		{"dot segment", "https://contoso.com", "/repos/../compare/a...b", "", "!the request's path is not one of /repos/{owner}/compare/{base}...{head}"},
		{"escaped dot segment", "https://contoso.com", "/repos/%252e%252e/compare/a...b", "", "!the request's path is not one of /repos/{owner}/compare/{base}...{head}"},
		{"query in the path", "https://contoso.com", "/repos/o/compare/a...b?c", "", "!the request's path is not one of /repos/{owner}/compare/{base}...{head}"},
		{"authority in the path", "https://contoso.com", "@evil.example/repos/o/compare/a...b", "", "!the request's URL leads to another origin"},
		{"port in the path", "https://contoso.com", ":1/repos/o/compare/a...b", "", "!the request's URL leads to another origin"},
		{"host in the path", "https://contoso.com", ".evil.example/repos/o/compare/a...b", "", "!the request's URL leads to another origin"},
		{"fragment in the query", "https://contoso.com", good, "a#b", "!the request's query has characters that must be escaped"},
		{"line break in the query", "https://contoso.com", good, "a\r\nb", "!the request's URL cannot be parsed"},
		{"space in the query", "https://contoso.com", good, "a b", "!the request's query has characters that must be escaped"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			base, err := url.Parse(test.base)
			if err != nil {
				t.Fatal(err)
			}
			u, err := b.URL(base, &Request{Path: test.path, RawQuery: test.query})
			got := ""
			if err != nil {
				got = "!" + strings.TrimPrefix(err.Error(), `binding operation "compare": `)
			} else {
				got = u.String()
			}
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestURLOfNothing(t *testing.T) {
	b := &Binding{Operation: "o", Path: "/"}
	if _, err := b.URL(nil, &Request{Path: "/"}); err == nil {
		t.Error("got no error for a nil base")
	}
}

// TestDotSegments has values that are refused in a path, and values like them
// that are not.
func TestDotSegments(t *testing.T) {
	b := oneParam(Param{In: InPath, Name: "p", Style: "simple"})
	refused := []string{"..", ".", "../a", "a/..", "a/./b", `..\a`, `a\..`, "..;a/b", "a/..;b", "%2e%2e", "%2E.", "%252e%252e/",
		"%25252e%25252e%25252fa", "a%2f..%2fb", "%c0%ae%c0%ae", "%c0%ae.%c0%afa", "%e0%80%ae.", "..%5c", " .. ", "a/.. /b", "%0a", "%00", "a%7fb"}
	for _, value := range refused {
		if r, err := b.Bind(argsOf(t, "p", value)); err == nil {
			t.Errorf("%q: got %q, want an error", value, r.Path)
		}
	}
	accepted := []string{"...", "a..b", "..a", "a..", ".a", "a.", "v1..v2", "a/b", "a//b", "50%", "10%de", "100%25", "%41", "src/main.go", ".github/workflows"}
	for _, value := range accepted {
		r, err := b.Bind(argsOf(t, "p", value))
		if err != nil {
			t.Errorf("%q: %v", value, err)
			continue
		}
		if got, err := url.PathUnescape(r.Path); err != nil || got != "/"+value {
			t.Errorf("got %q (%v), want %q", got, err, "/"+value)
		}
		if strings.Count(r.Path, "/") != 1 {
			t.Errorf("%q: got %q, want one segment", value, r.Path)
		}
	}
}

// argsOf is an argument object with one argument.
func argsOf(t *testing.T, name string, value any) jsontext.Value {
	t.Helper()
	raw, err := json.Marshal(map[string]any{name: value})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

package oauthclient

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"toolgate/shared/backend"
	"toolgate/shared/credential"
)

// TestHostile: what a server or its metadata cannot lead the gateway to.
func TestHostile(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(w *world)
		want   string // of the error of a call; empty: the page's
		page   string
	}{
		{"another resource", func(w *world) { w.metadata["resource"] = "https://evil.contoso.com/mcp" }, "metadata of another resource", ""},
		{"a sibling", func(w *world) { w.metadata["resource"] = w.resource.URL + "/mc" }, "metadata of another resource", ""},
		{"no resource", func(w *world) { delete(w.metadata, "resource") }, "metadata of another resource", ""},
		{"no servers", func(w *world) { w.metadata["authorization_servers"] = []string{} }, "names no authorization server", ""},
		{"a server without https", func(w *world) { w.metadata["authorization_servers"] = []string{"http://evil.contoso.com"} }, "no https URL", ""},
		{"a server that is no URL", func(w *world) { w.metadata["authorization_servers"] = []string{"javascript:alert(1)"} }, "no https URL", ""},
		{"another type", func(w *world) { w.metadata["authorization_servers"] = "https://a.contoso.com" }, "no JSON document of this kind", ""},
		{"huge", func(w *world) { w.metadata["x"] = strings.Repeat("x", credential.MaxAnswer) }, "longer than", ""},
		{"another issuer", func(w *world) { w.server["issuer"] = "https://evil.contoso.com" }, "metadata of another issuer", ""},
		{"an issuer with a slash", func(w *world) { w.server["issuer"] = w.issuer.URL + "/" }, "metadata of another issuer", ""},
		{"a token endpoint without https", func(w *world) { w.server["token_endpoint"] = "http://evil.contoso.com/token" }, "token_endpoint that is no https URL", ""},
		{"no token endpoint", func(w *world) { delete(w.server, "token_endpoint") }, "token_endpoint that is no https URL", ""},
		{"a registration endpoint without https", func(w *world) { w.server["registration_endpoint"] = "http://evil.contoso.com/" }, "registration_endpoint that is no https URL", ""},
		{"an authorization endpoint that is a script", func(w *world) { w.server["authorization_endpoint"] = "javascript:alert(1)//" }, "authorization_endpoint that is no https URL", ""},
		{"a pinned issuer", func(w *world) { w.options.Issuer, w.options.ClientID = "https://login.contoso.com", "a" }, "takes tokens of", ""},
		{"endless scopes", func(w *world) {
			w.server["scopes_supported"], w.options.Scopes = []string{"offline_access"}, []string{strings.Repeat("x", maxScopes)}
		}, "", "could not be made"},
		{"an endless issuer", func(w *world) {
			w.metadata["authorization_servers"] = []string{"https://a.contoso.com/" + strings.Repeat("x", maxURL)}
		}, "no https URL", ""},
		{"no PKCE", func(w *world) { delete(w.server, "code_challenge_methods_supported") }, "", "could not be made"},
		{"plain PKCE", func(w *world) { w.server["code_challenge_methods_supported"] = []string{"plain"} }, "", "could not be made"},
		{"no registration", func(w *world) { delete(w.server, "registration_endpoint") }, "", "could not be made"},
		{"no document", func(w *world) {
			w.issuer.Config.Handler = http.NotFoundHandler()
		}, "no such document", ""},
		{"a redirect", func(w *world) {
			w.issuer.Config.Handler = http.RedirectHandler(w.resource.URL+"/elsewhere", http.StatusFound)
		}, "status 302", ""},
		{"two of one name", func(w *world) {
			w.issuer.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				fmt.Fprintf(rw, `{"issuer":%q,"issuer":%q}`, w.issuer.URL, w.issuer.URL)
			})
		}, "no JSON document of this kind", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.callers = true
			c.change(w)
			i := w.instance("shared")
			if c.page != "" {
				if page := i.follow(i.wanted(t.Context()).Path); !strings.Contains(page, c.page) {
					t.Errorf("got %s, want %q", page, c.page)
				}
			} else if got, err := i.call(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			} else if told, ok := errors.AsType[*Error](err); !ok || strings.Contains(told.Public(), "evil") {
				t.Errorf("got %T, which tells %q", err, told.Public())
			}
			for _, path := range []string{"/token", "/elsewhere", "/authorize"} {
				if w.count(path) != 0 {
					t.Errorf("%s was asked", path)
				}
			}
		})
	}
}

// TestEgress: what is found may lead no further than the gateway's rules allow.
func TestEgress(t *testing.T) {
	w := newWorld(t)
	at, err := url.Parse(w.resource.URL)
	if err != nil {
		t.Fatal(err)
	}
	w.options.Transport = backend.NewGuard(&http.Transport{}, backend.GuardOptions{Hosts: []string{at.Host}})
	i := w.instance("shared")
	if _, err := i.call(t.Context()); err == nil || !strings.Contains(err.Error(), "egress") {
		t.Errorf("got %v, want that the authorization server is out of bounds", err)
	}
	if w.count("/.well-known/oauth-protected-resource/mcp") != 1 || w.count("/.well-known/oauth-authorization-server") != 0 {
		t.Error("the MCP server's own host was refused, or that of the authorization server was not")
	}
}

// TestPlaces: without a word in the challenge the well-known places are tried, and
// then the origin of the MCP server is its authorization server, as in 2025-03-26.
func TestPlaces(t *testing.T) {
	for _, c := range []struct{ name, found, issuer, metadata string }{
		{"of the path", "/.well-known/oauth-protected-resource/mcp", "/t", "/.well-known/oauth-authorization-server/t"},
		{"of the host", "/.well-known/oauth-protected-resource", "/t", "/.well-known/openid-configuration/t"},
		{"below the issuer", "/.well-known/oauth-protected-resource", "/t", "/t/.well-known/openid-configuration"},
		{"its own", "", "", "/.well-known/oauth-authorization-server"},
	} {
		var resource *httptest.Server
		resource = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case c.found:
				fmt.Fprintf(rw, `{"resource":%q,"authorization_servers":[%q]}`, resource.URL, resource.URL+c.issuer)
			case c.metadata:
				fmt.Fprintf(rw, `{"issuer":%q,"token_endpoint":%q}`, resource.URL+c.issuer, resource.URL+"/token")
			default:
				http.NotFound(rw, r)
			}
		}))
		client, err := NewClient(Options{Name: "helpdesk", URL: resource.URL + "/mcp"})
		if err != nil {
			t.Fatal(err)
		}
		got, err := client.challenged(t.Context(), challenge{}, false)
		resource.Close()
		if err != nil || got.server.Issuer != resource.URL+c.issuer {
			t.Errorf("%s: got %+v, %v", c.name, got, err)
		}
	}
}

func TestCovers(t *testing.T) {
	for _, c := range []struct {
		identifier, target string
		want               bool
	}{
		{"https://a.contoso.com/mcp", "https://a.contoso.com/mcp", true},
		{"https://A.contoso.com:443", "https://a.contoso.com/mcp", true},
		{"https://a.contoso.com/", "https://a.contoso.com/x/mcp", true},
		{"https://a.contoso.com/x", "https://a.contoso.com/x/mcp", true},
		{"https://a.contoso.com/x/", "https://a.contoso.com/x", true},
		{"https://a.contoso.com/x", "https://a.contoso.com/xy", false},
		{"https://a.contoso.com/x/y", "https://a.contoso.com/x", false},
		{"https://a.contoso.com:8443/x", "https://a.contoso.com/x", false},
		{"http://a.contoso.com/x", "https://a.contoso.com/x", false},
		{"https://a.contoso.com/x#y", "https://a.contoso.com/x", false},
		{"https://u@a.contoso.com/x", "https://a.contoso.com/x", false},
		{"https://a.contoso.com/x?y", "https://a.contoso.com/x", false},
		{"urn:x", "https://a.contoso.com/x", false},
		{"", "https://a.contoso.com/x", false},
		{":", "https://a.contoso.com/x", false},
	} {
		target, err := url.Parse(c.target)
		if err != nil {
			t.Fatal(err)
		}
		if got := covers(c.identifier, target); got != c.want {
			t.Errorf("%s for %s: got %v, want %v", c.identifier, c.target, got, c.want)
		}
	}
}

func TestParseChallenge(t *testing.T) {
	for _, c := range []struct {
		headers  []string
		metadata string
		err      string
		scopes   string
	}{
		{nil, "", "", ""},
		{[]string{`Bearer`}, "", "", ""},
		{[]string{`bearer resource_metadata="https://a/b", scope="a b a", error=invalid_token`}, "https://a/b", "invalid_token", "a b"},
		{[]string{`Basic realm="Bearer, scope=x"`, `Bearer Scope = "a\"b\\"`}, "", "", `a"b\`},
		{[]string{`Negotiate abc==, Bearer scope="x", DPoP scope="y"`}, "", "", "x"},
		{[]string{`DPoP scope="y", Bearer error="insufficient_scope"`}, "", "insufficient_scope", ""},
		{[]string{`Bearer scope="a", scope="b"`}, "", "", "a"},
		{[]string{`Bearer scope="open`}, "", "", "open"},
		{[]string{`,,=;Bearer ,=, scope=a;b`}, "", "", "a;b"},
		{[]string{`Digest scope="a"`}, "", "", ""},
	} {
		got := parseChallenge(c.headers)
		if got.metadata != c.metadata || got.err != c.err || strings.Join(got.scopes, " ") != c.scopes {
			t.Errorf("%q: got %+v", c.headers, got)
		}
	}
}

func FuzzParseChallenge(f *testing.F) {
	f.Add(`Bearer resource_metadata="https://a/b", scope="a b", error=invalid_token`)
	f.Add(`Basic x==, Bearer scope="\`)
	f.Fuzz(func(t *testing.T, s string) {
		for _, scope := range parseChallenge([]string{s}).scopes {
			if scope == "" || strings.ContainsAny(scope, " \t\n") {
				t.Errorf("got the scope %q", scope)
			}
		}
	})
}

// TestWithoutRegistering: a client that was registered by hand, or has a document,
// does not register.
func TestWithoutRegistering(t *testing.T) {
	for _, c := range []struct {
		name          string
		change        func(w *world)
		id, basic     string
		secret, proof string
	}{
		{"a public client", func(w *world) { w.options.ClientID = "mine" }, "mine", "", "", ""},
		{"post", func(w *world) { w.options.ClientID, w.options.Secret = "mine", "s" }, "mine", "", "s", ""},
		{"basic", func(w *world) {
			w.options.ClientID, w.options.Secret, w.options.Authentication = "mine", "s", "basic"
		}, "mine", "mine", "", ""},
		{"a document elsewhere", func(w *world) {
			w.options.MetadataURL, w.server["client_id_metadata_document_supported"] = "https://contoso.com/client.json", true
		}, "https://contoso.com/client.json", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.callers = true
			c.change(w)
			i := w.instance("shared")
			i.consent(t.Context())
			i.expect(t.Context(), "200 token-1 says hello")
			if w.asked.Get("client_id") != c.id || w.basic != c.basic || w.last.Get("client_secret") != c.secret || w.count("/register") != 0 {
				t.Errorf("got %v, and %v as %q", w.asked, w.last, w.basic)
			}
		})
	}
}

// TestDocument: the gateway's own document is at the URL that is its client id.
func TestDocument(t *testing.T) {
	w := newWorld(t)
	c, err := NewClient(w.options)
	if err != nil {
		t.Fatal(err)
	}
	text, err := c.Document("https://tools.contoso.com/connections/helpdesk/callback")
	const want = `"client_id":"https://tools.contoso.com/connections/helpdesk/client-metadata.json"`
	if err != nil || !strings.Contains(string(text), want) || !strings.Contains(string(text), `"application_type":"web"`) {
		t.Errorf("got %s, %v", text, err)
	}
	if text, err := c.Document("http://127.0.0.1/connections/helpdesk/callback"); err == nil {
		t.Errorf("got %s, which nobody can read", text)
	}
}

// TestInOwnName: one token for all calls, others for more scopes, and for a token
// that is refused, but not with each call.
func TestInOwnName(t *testing.T) {
	w := newWorld(t)
	w.options.Issuer, w.options.ClientID, w.options.Secret, w.options.Store = w.issuer.URL, "mine", "a secret", nil
	c, err := NewClient(w.options)
	if err != nil {
		t.Fatal(err)
	}
	own := NewInOwnName(c)
	i := &instance{world: w, client: c}
	i.to = i.backend(own.Authorize, own.Challenged)
	i.expect(t.Context(), "200 token-1 says hello")
	if w.last.Get("grant_type") != "client_credentials" || w.last.Get("resource") != w.resource.URL+"/mcp" || w.last.Get("scope") != "tools" {
		t.Errorf("the token endpoint got %v", w.last)
	}
	i.expect(t.Context(), "200 token-1 says hello")
	w.change(func() { w.needed = "write" })
	i.expect(t.Context(), "200 token-2 says hello")
	if w.last.Get("scope") != "tools write" {
		t.Errorf("the token endpoint got %v", w.last)
	}
	w.pass(time.Minute)
	w.change(func() { delete(w.valid, "token-2") })
	i.expect(t.Context(), "200 token-3 says hello")
	w.change(func() { clear(w.valid) })
	i.expect(t.Context(), "401 ")
	i.expect(t.Context(), "401 ")
	if w.count("/token") != 3 {
		t.Errorf("got %d tokens, want 3", w.count("/token"))
	}
	w.pass(time.Minute)
	w.change(func() { w.answer = func(url.Values) (int, string) { return 400, `{"error":"invalid_scope"}` } })
	i.expect(t.Context(), "invalid_scope")
}

// TestWorkload: access is asked for by the token of a workload, and a refusal of it is
// not followed by another attempt.
func TestWorkload(t *testing.T) {
	w := newWorld(t)
	w.options.Issuer, w.options.ClientID, w.options.Store = w.issuer.URL, "mine", nil
	w.options.Workload = func(_ context.Context, issuer string) (string, error) { return "workload at " + issuer, nil }
	c, err := NewClient(w.options)
	if err != nil {
		t.Fatal(err)
	}
	own := NewInOwnName(c)
	i := &instance{world: w, client: c}
	i.to = i.backend(own.Authorize, own.Challenged)
	w.answer = func(url.Values) (int, string) { return 400, `{"error":"invalid_grant"}` }
	i.expect(t.Context(), "invalid_grant")
	if w.count("/token") != 1 || w.last.Get("assertion") != "workload at "+w.issuer.URL || w.last.Get("client_id") != "mine" ||
		w.last.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || w.last.Has("client_assertion") || w.last.Has("client_secret") {
		t.Errorf("the token endpoint got %v, the last of %d", w.last, w.count("/token"))
	}
	w.answer = w.grant
	i.expect(t.Context(), "200 token-1 says hello")
}

package authserver

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

	"toolgate/shared/auth"
)

// TestProviderAuthentication: how the gateway shows at the provider who it is.
func TestProviderAuthentication(t *testing.T) {
	tests := []struct {
		name    string
		change  func(*Options)
		methods []string
		want    url.Values // in the form, of the members looked at
	}{
		{"basic, the default", nil, nil, url.Values{}},
		{"basic", nil, []string{"client_secret_basic"}, url.Values{}},
		{"post", nil, []string{"private_key_jwt", "client_secret_post"}, url.Values{"client_id": {"gateway"}, "client_secret": {"s3cr&t"}}},
		{"an assertion", func(o *Options) {
			o.Provider.Secret = ""
			o.Provider.Assertion = func(context.Context) (string, error) { return "a.b.c", nil }
		}, nil, url.Values{"client_id": {"gateway"}, "client_assertion": {"a.b.c"}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}}},
	}
	for _, tt := range tests {
		w := newWorld(t, tt.change)
		w.provider.set(func(p *fakeProvider) { p.methods, p.noSecret = tt.methods, tt.want.Has("client_id") })
		w.signedIn()
		form := w.provider.asked[0]
		for _, name := range []string{"client_id", "client_secret", "client_assertion", "client_assertion_type"} {
			if form.Get(name) != tt.want.Get(name) {
				t.Errorf("%s: %s: got %q, want %q", tt.name, name, form.Get(name), tt.want.Get(name))
			}
		}
		if !verifierForm().MatchString(form.Get("code_verifier")) {
			t.Errorf("%s: no PKCE", tt.name)
		}
	}
	w := newWorld(t, func(o *Options) {
		o.Provider.Assertion = func(context.Context) (string, error) { return "", errors.New("no identity") }
	})
	client := w.register(redirect1)
	b := w.browser()
	provider := target(t, b.open(issuer+pathConsent, b.consent(ask(client, redirect1))))
	if u := target(t, b.open(w.atProvider(provider), nil)); u.Query().Get("error") != "temporarily_unavailable" {
		t.Errorf("without assertion: got %s", u)
	}
}

// TestProviderMetadata: metadata that is not believed, and what lasts of it.
func TestProviderMetadata(t *testing.T) {
	for name, change := range map[string]func(map[string]any){
		"of another issuer":   func(m map[string]any) { m["issuer"] = "https://evil.example" },
		"without issuer":      func(m map[string]any) { delete(m, "issuer") },
		"http to elsewhere":   func(m map[string]any) { m["token_endpoint"] = "http://evil.example/token" },
		"a script":            func(m map[string]any) { m["authorization_endpoint"] = "javascript:alert(1)" },
		"a user":              func(m map[string]any) { m["token_endpoint"] = "https://a:b@contoso.com/" },
		"no token endpoint":   func(m map[string]any) { delete(m, "token_endpoint") },
		"http for revocation": func(m map[string]any) { m["revocation_endpoint"] = "http://evil.example/" },
		"too long":            func(m map[string]any) { m["x"] = strings.Repeat("a", maxProviderAnswer) },
	} {
		w := newWorld(t, nil)
		w.provider.set(func(p *fakeProvider) { p.metadata = change })
		client := w.register(redirect1)
		b := w.browser()
		u := target(t, b.open(issuer+pathConsent, b.consent(ask(client, redirect1))))
		if u.Query().Get("error") != "temporarily_unavailable" || !strings.HasPrefix(u.String(), redirect1) {
			t.Errorf("%s: got %s", name, u)
		}
		w.provider.set(func(p *fakeProvider) { p.metadata = nil })
		w.clock.forward(metadataPause)
		w.signedIn()
		w.provider.set(func(p *fakeProvider) { p.metadata = change })
		w.clock.forward(metadataAge)
		b = w.browser()
		if u := target(t, b.open(issuer+pathConsent, b.consent(ask(client, redirect1)))); u.Query().Get("error") != "" {
			t.Errorf("%s, when it was another before: got %s", name, u)
		}
	}
}

// itself carries requests to the server under test.
type itself struct{ server *Server }

func (i itself) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	i.server.ServeHTTP(rec, r)
	return rec.Result(), nil
}

// TestKeysAreFound: who validates tokens by the metadata alone, finds the key.
func TestKeysAreFound(t *testing.T) {
	w := newWorld(t, nil)
	_, got := w.signedIn()
	v := auth.New(auth.Options{Transport: itself{w.Server}, Now: w.clock.Now})
	rules := auth.Rules{
		OpenIDConfigs: []string{issuer + "/.well-known/openid-configuration"}, Audiences: []string{orders}, RequireExpiration: true, RequireSigned: true,
	}
	if _, err := v.Validate(t.Context(), got.AccessToken, &rules); err != nil {
		t.Error(err)
	}
	rules.Audiences = []string{helpdesk}
	if _, err := v.Validate(t.Context(), got.AccessToken, &rules); err == nil {
		t.Error("it is good for another server")
	}
	w.clock.forward(DefaultTokenLifetime)
	rules.Audiences = []string{orders}
	if _, err := v.Validate(t.Context(), got.AccessToken, &rules); err == nil {
		t.Error("it does not expire")
	}
}

// TestSignInsBounded: a page that begins one sign-in after the other does not fill
// the requests of a browser.
func TestSignInsBounded(t *testing.T) {
	w := newWorld(t, nil)
	client := w.register(redirect1)
	b := w.browser()
	b.signIn(ask(client, redirect1))
	for range 3 * maxSignIns {
		b.open(issuer+pathAuthorize+"?"+ask(client, redirect1).Encode(), nil)
	}
	size := 0
	for name, value := range b.cookies {
		size += len(name) + len(value)
	}
	if len(b.cookies) > maxSignIns+2 || size > 16<<10 {
		t.Errorf("%d cookies of %d bytes", len(b.cookies), size)
	}
	long := w.register(redirect1 + "?" + strings.Repeat("a", 460))
	b = w.browser()
	b.signIn(ask(long, redirect1+"?"+strings.Repeat("a", 460), "state", strings.Repeat("b", maxState)))
	for name, value := range b.cookies {
		if len(name)+len(value) > 4096 {
			t.Errorf("a cookie has %d bytes", len(name)+len(value))
		}
	}
}

// TestEveryLifetime: a token does not outlive its sign-in.
func TestEveryLifetime(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.TokenLifetime, o.RefreshLifetime = time.Hour, 90*time.Minute })
	client, got := w.signedIn()
	if got.ExpiresIn != 3600 {
		t.Errorf("expires_in: got %d", got.ExpiresIn)
	}
	w.clock.forward(time.Hour)
	if got = w.token(refreshing(client, got.RefreshToken)); got.ExpiresIn != 1800 {
		t.Errorf("expires_in of the last: got %+v", got)
	}
	w.clock.forward(30 * time.Minute)
	if got = w.token(refreshing(client, got.RefreshToken)); got.Error != "invalid_grant" {
		t.Errorf("after the end: got %s", fmt.Sprint(got))
	}
}

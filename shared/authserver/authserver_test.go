package authserver

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"toolgate/shared/state"

	"github.com/go-json-experiment/json"
)

// both runs a test with sign-ins in a store, and carried by clients.
func both(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	for _, stored := range []bool{true, false} {
		t.Run(fmt.Sprintf("stored=%t", stored), func(t *testing.T) {
			test(t, newWorld(t, func(o *Options) {
				if !stored {
					o.Store = nil
				}
			}))
		})
	}
}

func TestSignIn(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		client, got := w.signedIn()
		claims := w.claimsOf(got.AccessToken)
		for name, want := range map[string]any{
			"iss": issuer, "aud": orders, "sub": "ada", "client_id": client, "scope": "orders.read", "roles": []any{"buyer"},
			"exp": float64(w.clock.Now().Add(10 * time.Minute).Unix()), "email": nil, "nonce": nil,
		} {
			if fmt.Sprint(claims[name]) != fmt.Sprint(want) {
				t.Errorf("%s: got %v, want %v", name, claims[name], want)
			}
		}
		if got.ExpiresIn != 600 || got.Scope != "orders.read" || got.RefreshToken == "" {
			t.Errorf("got %+v", got)
		}
		if !w.Issued(got.AccessToken) || w.Issued("a.b.c") {
			t.Error("Issued does not tell whose a token says it is")
		}
	})
}

func TestRefresh(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		client, got := w.signedIn()
		for i := range 3 {
			w.clock.forward(9 * time.Minute)
			next := w.token(refreshing(client, got.RefreshToken, "resource", orders))
			if next.Status != http.StatusOK || next.RefreshToken == got.RefreshToken {
				t.Fatalf("refresh %d: got %+v", i, next)
			}
			got = next
		}
		if sub := w.claimsOf(got.AccessToken)["sub"]; sub != "ada" {
			t.Errorf("sub: got %v", sub)
		}
		w.provider.set(func(p *fakeProvider) { p.claims["roles"] = []string{"nobody"} })
		if got = w.token(refreshing(client, got.RefreshToken)); fmt.Sprint(w.claimsOf(got.AccessToken)["roles"]) != "[nobody]" {
			t.Error("a change of roles at the provider is not seen")
		}
		w.clock.forward(31 * 24 * time.Hour)
		if got = w.token(refreshing(client, got.RefreshToken)); got.Error != "invalid_grant" {
			t.Errorf("after the end of the sign-in: got %+v", got)
		}
	})
}

// TestRefreshRefused: what the provider has ended, is over; what it cannot answer
// now, is not.
func TestRefreshRefused(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		client, first := w.signedIn()
		w.provider.set(func(p *fakeProvider) { p.status = http.StatusBadGateway })
		if got := w.token(refreshing(client, first.RefreshToken)); got.Status != http.StatusServiceUnavailable {
			t.Fatalf("with the provider down: got %+v", got)
		}
		w.clock.forward(time.Minute)
		w.provider.set(func(p *fakeProvider) { p.status = 0 })
		got := w.token(refreshing(client, first.RefreshToken))
		if got.Status != http.StatusOK {
			t.Fatalf("with the provider up again: got %+v", got)
		}
		w.clock.forward(time.Minute)
		w.provider.set(func(p *fakeProvider) { p.claims["sub"] = "eve" })
		if other := w.token(refreshing(client, got.RefreshToken)); other.Error != "temporarily_unavailable" && other.Error != "invalid_grant" {
			t.Errorf("with another user: got %+v", other)
		}
		client, got = w.signedIn()
		w.clock.forward(time.Minute)
		w.provider.set(func(p *fakeProvider) { p.refuse = "invalid_grant" })
		for range 2 {
			if over := w.token(refreshing(client, got.RefreshToken)); over.Status != http.StatusBadRequest || over.Error != "invalid_grant" {
				t.Fatalf("ended by the provider: got %+v", over)
			}
		}
	})
}

// TestWithoutProviderRefresh: where the provider gives no refresh token it is not
// asked, and rotation works all the same.
func TestWithoutProviderRefresh(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		w.provider.set(func(p *fakeProvider) { p.refresh = -1 })
		client, first := w.signedIn()
		w.clock.forward(time.Minute)
		second := w.token(refreshing(client, first.RefreshToken))
		if len(w.provider.asked) != 1 || second.Status != http.StatusOK {
			t.Fatalf("the provider was asked %d times, got %+v", len(w.provider.asked), second)
		}
		w.clock.forward(time.Minute)
		again := w.token(refreshing(client, first.RefreshToken))
		if stored := w.sessions != nil; stored != (again.Error == "invalid_grant") {
			t.Errorf("the first refresh token again: got %+v", again)
		}
	})
}

// TestRefreshReuse: a refresh token that comes again ends the sign-in, unless its
// answer may have been lost.
func TestRefreshReuse(t *testing.T) {
	w := newWorld(t, nil)
	client, first := w.signedIn()
	second := w.token(refreshing(client, first.RefreshToken))
	w.clock.forward(5 * time.Second)
	asked := len(w.provider.asked)
	lost := w.token(refreshing(client, first.RefreshToken))
	if lost.Status != http.StatusOK || len(w.provider.asked) != asked {
		t.Fatalf("at once: got %+v, the provider was asked %d times more", lost, len(w.provider.asked)-asked)
	}
	if third := w.token(refreshing(client, lost.RefreshToken)); third.Status != http.StatusOK {
		t.Fatalf("with what came instead of a lost answer: got %+v", third)
	}
	w.clock.forward(time.Minute)
	for _, token := range []string{second.RefreshToken, lost.RefreshToken, first.RefreshToken} {
		if got := w.token(refreshing(client, token)); got.Error != "invalid_grant" {
			t.Errorf("an old one: got %+v", got)
		}
	}
}

func TestRevoke(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		client, got := w.signedIn()
		revoke := func(changes ...string) int {
			form := url.Values{"client_id": {client}, "token": {got.RefreshToken}}
			for pair := range slices.Chunk(changes, 2) {
				form.Set(pair[0], pair[1])
			}
			return w.post(pathRevoke, "application/x-www-form-urlencoded", form.Encode()).StatusCode
		}
		if s := revoke("client_id", w.register(redirect1)); s != http.StatusOK || len(w.provider.revoked) != 0 {
			t.Errorf("of another client: status %d, the provider was told %v", s, w.provider.revoked)
		}
		if s := revoke("token", got.AccessToken); s != http.StatusBadRequest {
			t.Errorf("an access token: status %d", s)
		}
		if s := revoke("token", "nonsense"); s != http.StatusOK {
			t.Errorf("nonsense: status %d", s)
		}
		if s := revoke("client_id", "nobody"); s != http.StatusUnauthorized {
			t.Errorf("an unknown client: status %d", s)
		}
		if s := revoke(); s != http.StatusOK || fmt.Sprint(w.provider.revoked) != "[provider-1]" {
			t.Errorf("status %d, the provider was told %v", s, w.provider.revoked)
		}
		w.provider.set(func(p *fakeProvider) { p.refuse = "invalid_grant" })
		if after := w.token(refreshing(client, got.RefreshToken)); after.Error != "invalid_grant" {
			t.Errorf("after the revocation: got %+v", after)
		}
	})
}

// TestInstances: what one instance began, another one ends.
func TestInstances(t *testing.T) {
	store := &state.Memory{}
	with := func(o *Options) { o.Store = store }
	a := newWorld(t, with)
	b := newWorld(t, func(o *Options) { o.Store, o.Provider.Issuer = store, a.provider.URL })
	b.provider, b.clock = a.provider, a.clock
	if a.KeyID() != b.KeyID() {
		t.Error("the keys of two instances differ")
	}
	client := a.register(redirect1)
	request := ask(client, redirect1)
	one, two := a.browser(), b.browser()
	form := one.consent(request)
	two.cookies = one.cookies
	provider := target(t, two.open(issuer+pathConsent, form))
	back := target(t, one.open(a.atProvider(provider), nil)).Query()
	got := b.token(redemption(client, back.Get("code")))
	if got.Status != http.StatusOK {
		t.Fatalf("got %+v", got)
	}
	a.claimsOf(got.AccessToken)
	if got = a.token(refreshing(client, got.RefreshToken)); got.Status != http.StatusOK {
		t.Errorf("got %+v", got)
	}
	other := newWorld(t, func(o *Options) { o.Secret = []byte(strings.Repeat("x", 40)) })
	if other.KeyID() == a.KeyID() {
		t.Error("another secret makes the same key")
	}
}

// TestRace: of many who redeem a code, or refresh, at the same time, as many as may
// get tokens.
func TestRace(t *testing.T) {
	w := newWorld(t, nil)
	client := w.register(redirect1)
	code := w.browser().signIn(ask(client, redirect1))
	results := make(chan int)
	for range 8 {
		go func() { results <- w.token(redemption(client, code)).Status }()
	}
	good := 0
	for range 8 {
		if <-results == http.StatusOK {
			good++
		}
	}
	if good != 1 {
		t.Errorf("a code was redeemed %d times", good)
	}
	client, got := w.signedIn()
	asked := len(w.provider.asked)
	for range 4 {
		go func() { results <- w.token(refreshing(client, got.RefreshToken)).Status }()
	}
	for range 4 {
		if s := <-results; s != http.StatusOK {
			t.Errorf("refreshing at the same time: status %d", s)
		}
	}
	if n := len(w.provider.asked) - asked; n != 1 {
		t.Errorf("the provider was asked %d times", n)
	}
}

func TestMetadata(t *testing.T) {
	const prefixed = "https://contoso.com/tools"
	w := newWorld(t, func(o *Options) { o.URL = prefixed })
	for path, openID := range map[string]bool{
		"/.well-known/oauth-authorization-server": false, "/.well-known/oauth-authorization-server/tools": false,
		"/.well-known/openid-configuration": true, "/.well-known/openid-configuration/tools": true,
	} {
		rec := httptest.NewRecorder()
		w.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, http.NoBody))
		var got map[string]any
		if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil || rec.Code != http.StatusOK {
			t.Fatalf("%s: status %d, %v", path, rec.Code, err)
		}
		for name, want := range map[string]any{
			"issuer": prefixed, "authorization_endpoint": prefixed + "/oauth/authorize", "token_endpoint": prefixed + "/oauth/token",
			"registration_endpoint": prefixed + "/oauth/register", "revocation_endpoint": prefixed + "/oauth/revoke", "jwks_uri": prefixed + "/oauth/jwks",
			"code_challenge_methods_supported": []any{"S256"}, "client_id_metadata_document_supported": true,
			"authorization_response_iss_parameter_supported": true, "token_endpoint_auth_methods_supported": []any{"none"},
			"scopes_supported": []any{"offline_access", "orders.read", "orders.write"}, "grant_types_supported": []any{"authorization_code", "refresh_token"},
		} {
			if fmt.Sprint(got[name]) != fmt.Sprint(want) {
				t.Errorf("%s: %s: got %v, want %v", path, name, got[name], want)
			}
		}
		if _, has := got["subject_types_supported"]; has != openID {
			t.Errorf("%s: subject_types_supported: got %t", path, has)
		}
		if rec.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: no page may read it", path)
		}
	}
}

func TestMethods(t *testing.T) {
	w := newWorld(t, nil)
	tests := []struct {
		method, path string
		want         int
	}{
		{"GET", "/oauth/jwks", 200}, {"HEAD", "/oauth/jwks", 200}, {"OPTIONS", "/oauth/jwks", 204}, {"POST", "/oauth/jwks", 405},
		{"GET", "/oauth/token", 405}, {"OPTIONS", "/oauth/token", 204}, {"OPTIONS", "/oauth/authorize", 405}, {"HEAD", "/oauth/authorize", 405},
		{"HEAD", "/oauth/callback", 405}, {"POST", "/oauth/callback", 405}, {"GET", "/oauth/consent", 405}, {"GET", "/oauth/other", 404},
		{"GET", "/.well-known/oauth-authorization-server/orders/mcp", 404},
	}
	for _, tt := range tests {
		rec := httptest.NewRecorder()
		w.ServeHTTP(rec, httptest.NewRequest(tt.method, tt.path, http.NoBody))
		if rec.Code != tt.want {
			t.Errorf("%s %s: got %d, want %d", tt.method, tt.path, rec.Code, tt.want)
		}
		if cors := rec.Header().Get("Access-Control-Allow-Origin") != ""; cors && strings.Contains("/oauth/authorize /oauth/callback /oauth/consent", tt.path) {
			t.Errorf("%s %s: pages of other sites may read it", tt.method, tt.path)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"http":         func(o *Options) { o.URL = "http://tools.contoso.com" },
		"no URL":       func(o *Options) { o.URL = "" },
		"short secret": func(o *Options) { o.Secret = secret[:31] },
		"no resources": func(o *Options) { o.Resources = nil },
		"no transport": func(o *Options) { o.Documents = nil },
	} {
		o := Options{URL: issuer, Secret: secret, Documents: &site{}, Resources: []Resource{{Name: "orders", URL: orders}}}
		change(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s: it was made", name)
		}
	}
}

// TestResources: a token is for what was asked for and granted.
func TestResources(t *testing.T) {
	w := newWorld(t, nil)
	client := w.register(redirect1)
	request := ask(client, redirect1, "scope", "")
	request["resource"] = []string{orders, strings.ToUpper(issuer[:8]) + issuer[8:] + "/helpdesk/mcp/"}
	code := w.browser().signIn(request)
	got := w.token(redemption(client, code))
	if claims := w.claimsOf(got.AccessToken); fmt.Sprint(claims["aud"]) != fmt.Sprint([]any{orders, helpdesk}) || got.Scope != "orders.read orders.write" {
		t.Errorf("both: got aud %v, scope %q", claims["aud"], got.Scope)
	}
	one := w.token(refreshing(client, got.RefreshToken, "resource", helpdesk))
	if claims := w.claimsOf(one.AccessToken); claims["aud"] != helpdesk || one.Scope != "" || claims["scope"] != nil {
		t.Errorf("one: got aud %v, scope %q", claims["aud"], one.Scope)
	}
	less := w.token(refreshing(client, one.RefreshToken, "scope", "orders.write"))
	if less.Scope != "orders.write" {
		t.Errorf("less: got %+v", less)
	}
	if more := w.token(refreshing(client, less.RefreshToken, "scope", "orders.delete")); more.Error != "invalid_scope" {
		t.Errorf("more: got %+v", more)
	}
}

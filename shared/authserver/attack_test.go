package authserver

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"toolgate/shared/state"
)

// TestRedirectURIs: which may be registered.
func TestRedirectURIs(t *testing.T) {
	w := newWorld(t, nil)
	strict := newWorld(t, func(o *Options) { o.RefuseLoopback = true })
	tests := []struct {
		uri  string
		good bool
	}{
		{"https://app.contoso.com/callback", true},
		{"https://app.contoso.com/callback?a=b", true},
		{"https://app.contoso.com:8443/callback", true},
		{"http://127.0.0.1:33418/", true},
		{"http://[::1]:33418/callback", true},
		{"http://localhost/callback", true},
		{"vscode://vscode.github-authentication/did-authenticate", true},
		{"cursor://anysphere.cursor-mcp/oauth/callback", true},
		{"com.contoso.app:/callback", true},

		{"", false},
		{"/callback", false},
		{"//app.contoso.com/callback", false},
		{"app.contoso.com/callback", false},
		{"https:///callback", false},
		{"https:app.contoso.com", false},
		{"http://app.contoso.com/callback", false},
		{"http://127.0.0.1.evil.example/callback", false},
		{"http://localhost.evil.example/callback", false},
		{"http://2130706433/callback", false},
		{"http://0.0.0.0/callback", false},
		{"http://169.254.169.254/", false},
		{"http://localhost@evil.example/", false},
		{"https://app.contoso.com@evil.example/", false},
		{"https://user:pass@app.contoso.com/", false},
		{"https://app.contoso.com/callback#", false},
		{"https://app.contoso.com/callback#fragment", false},
		{"https://app.contoso.com\\@evil.example/", false},
		{"https://app.contoso.com/call back", false},
		{"https://app.contoso.com/\r\nSet-Cookie:a", false},
		{"https://app.contoso.com/\x00", false},
		{"https://äpp.contoso.com/", false},
		{"https://app.contoso.com/\"><script>", false},
		{" https://app.contoso.com/", false},
		{"ms-msdt:/id", false},
		{"search-ms:query=x", false},
		{"intent://scan/", false},
		{"javascript:alert(1)", false},
		{"javascript://app.contoso.com/%0aalert(1)", false},
		{"JavaScript://app.contoso.com/%0aalert(1)", false},
		{"data:text/html,x", false},
		{"data://text/html,x", false},
		{"file:///etc/passwd", false},
		{"vbscript:x", false},
		{"blob://x", false},
		{"about:blank", false},
		{"ws://127.0.0.1/", false},
		{"ftp://app.contoso.com/", false},
		{"mailto:a@contoso.com", false},
		{"https://app.contoso.com/" + strings.Repeat("a", 512), false},
	}
	for _, tt := range tests {
		if got := w.checkRedirectURI(tt.uri); (got == "") != tt.good {
			t.Errorf("%q: got %q, want good = %t", tt.uri, got, tt.good)
		}
		if strings.HasPrefix(tt.uri, "http:") && strict.checkRedirectURI(tt.uri) == "" {
			t.Errorf("%q is let where loopback is refused", tt.uri)
		}
	}
}

// TestRedirectURIMatch: with which a registered client may come.
func TestRedirectURIMatch(t *testing.T) {
	tests := []struct {
		registered, given string
		want              bool
	}{
		{redirect1, redirect1, true},
		{"http://127.0.0.1/callback", "http://127.0.0.1:51004/callback", true},
		{"http://127.0.0.1:3000/callback", "http://127.0.0.1:51004/callback", true},
		{"http://localhost:3000/callback", "http://localhost/callback", true},
		{"http://[::1]/callback?a=b", "http://[::1]:51004/callback?a=b", true},

		{redirect1, redirect1 + "/", false},
		{redirect1, redirect1 + "?a=b", false},
		{redirect1, redirect1 + "/../evil", false},
		{redirect1, redirect1 + "%2f..", false},
		{redirect1, "https://app.contoso.com:8443/callback", false},
		{redirect1, "https://app.contoso.com.evil.example/callback", false},
		{redirect1, "https://APP.contoso.com/callback", false},
		{redirect1, "http://app.contoso.com/callback", false},
		{"http://127.0.0.1/callback", "http://localhost/callback", false},
		{"http://127.0.0.1/callback", "http://127.0.0.2/callback", false},
		{"http://127.0.0.1/callback", "http://127.0.0.1:1@evil.example/callback", false},
		{"http://127.0.0.1/callback", "http://127.0.0.1:51004/other", false},
		{"http://127.0.0.1/callback", "http://127.0.0.1:51004/callback?a=b", false},
		{"http://127.0.0.1/callback", "https://127.0.0.1:51004/callback", false},
		{"http://127.0.0.1:3000/callback", "http://127.0.0.1:3000:3000/callback", false},
		{"vscode://a/b", "vscode://a:1/b", false},
	}
	w := newWorld(t, nil)
	for _, tt := range tests {
		c := &client{redirectURIs: []string{tt.registered}}
		if got := c.allows(w.Server, tt.given); got != tt.want {
			t.Errorf("%q for %q: got %t, want %t", tt.given, tt.registered, got, tt.want)
		}
	}
}

// TestAuthorizeRefuses: requests that come to no consent page. Those whose redirect
// URI is not sure do not leave this server, and no other goes to a site that nobody
// has consented to.
func TestAuthorizeRefuses(t *testing.T) {
	w := newWorld(t, nil)
	web, desktop := w.register(redirect1), w.register(native)
	foreign := newWorld(t, func(o *Options) { o.Secret = []byte(strings.Repeat("y", 32)) }).register(redirect1)
	otherIssuer := newWorld(t, func(o *Options) { o.URL = "https://other.contoso.com" })
	otherID := sealed(otherIssuer.seals.client, registration{RedirectURIs: []string{redirect1}, Expires: w.in(time.Hour)}, otherIssuer.issuer)
	expired := sealed(w.seals.client, registration{RedirectURIs: []string{redirect1}, Expires: w.in(0)}, w.issuer)
	form := w.browser().consent(ask(web, redirect1))
	tests := []struct {
		name    string
		request url.Values
		stays   bool // the client is told nothing
		want    string
	}{
		{"no client", ask("", redirect1), true, "invalid_client"},
		{"an unknown client", ask("nobody", redirect1), true, "invalid_client"},
		{"a client of another secret", ask(foreign, redirect1), true, "invalid_client"},
		{"a client of another issuer", ask(otherID, redirect1), true, "invalid_client"},
		{"an expired client", ask(expired, redirect1), true, "invalid_client"},
		{"a sealed request as a client", ask(form.Get("request"), redirect1), true, "invalid_client"},
		{"a cut client", ask(web[:len(web)-2], redirect1), true, "invalid_client"},
		{"a huge client", ask(strings.Repeat("a", maxClientID+1), redirect1), true, "invalid_client"},
		{"no redirect URI", ask(web, ""), true, "invalid_request"},
		{"another redirect URI", ask(web, "https://evil.example/"), true, "invalid_request"},
		{"the redirect URI of another client", ask(web, native), true, "invalid_request"},
		{"two clients", url.Values{"client_id": {web, desktop}, "redirect_uri": {redirect1}}, true, "invalid_request"},
		{"two redirect URIs", url.Values{"client_id": {web}, "redirect_uri": {redirect1, "https://evil.example/"}}, true, "invalid_request"},
		{"too long", ask(web, redirect1, "x", strings.Repeat("a", maxQuery)), true, "invalid_request"},
		{"a control character", ask(web, redirect1, "state", "a\r\nb"), true, "invalid_request"},

		{"no PKCE", ask(desktop, native, "code_challenge", ""), false, "invalid_request"},
		{"plain PKCE", ask(desktop, native, "code_challenge_method", "plain"), false, "invalid_request"},
		{"PKCE without method, which is plain", ask(desktop, native, "code_challenge_method", ""), false, "invalid_request"},
		{"a challenge that is no hash", ask(desktop, native, "code_challenge", "short"), false, "invalid_request"},
		{"implicit", ask(desktop, native, "response_type", "token"), false, "unsupported_response_type"},
		{"hybrid", ask(desktop, native, "response_type", "code id_token"), false, "unsupported_response_type"},
		{"no response type", ask(desktop, native, "response_type", ""), false, "unsupported_response_type"},
		{"fragment", ask(desktop, native, "response_mode", "fragment"), false, "invalid_request"},
		{"a request object", ask(desktop, native, "request", "a.b.c"), false, "request_not_supported"},
		{"a request URI", ask(desktop, native, "request_uri", "https://evil.example/"), false, "request_uri_not_supported"},
		{"another resource", ask(desktop, native, "resource", "https://evil.example/mcp"), false, "invalid_target"},
		{"a resource with a query", ask(desktop, native, "resource", orders+"?a"), false, "invalid_target"},
		{"a resource with a fragment", ask(desktop, native, "resource", orders+"#"), false, "invalid_target"},
		{"no resource among several", ask(desktop, native, "resource", ""), false, "invalid_target"},
		{"another scope", ask(desktop, native, "scope", "admin"), false, "invalid_scope"},
		{"without asking", ask(desktop, native, "prompt", "none"), false, "interaction_required"},
		{"a long state", ask(desktop, native, "state", strings.Repeat("a", maxState+1)), false, "invalid_request"},
	}
	for _, tt := range tests {
		res := w.browser().open(issuer+pathAuthorize+"?"+tt.request.Encode(), nil)
		if tt.stays {
			body := text(res)
			if res.Header.Get("Location") != "" || !strings.Contains(body, tt.want) || strings.Contains(body, "href") || res.StatusCode != 400 {
				t.Errorf("%s: got status %d, Location %q, %s", tt.name, res.StatusCode, res.Header.Get("Location"), body)
			}
			continue
		}
		u := target(t, res)
		if q := u.Query(); res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(u.String(), native) || q.Get("error") != tt.want || q.Get("iss") != issuer || q.Get("code") != "" {
			t.Errorf("%s: got status %d, %s", tt.name, res.StatusCode, u)
		}
		// The same mistake of a client at another site is shown, with a way there.
		request := tt.request
		request.Set("client_id", web)
		request.Set("redirect_uri", redirect1)
		res = w.browser().open(issuer+pathAuthorize+"?"+request.Encode(), nil)
		if res.Header.Get("Location") != "" || res.StatusCode != http.StatusBadRequest || target(t, res).Query().Get("error") != tt.want {
			t.Errorf("%s at another site: got status %d, Location %q", tt.name, res.StatusCode, res.Header.Get("Location"))
		}
	}
}

// TestConsentPage: what it shows is what was asked for, as text, and it cannot be
// framed.
func TestConsentPage(t *testing.T) {
	w := newWorld(t, nil)
	res := w.post(pathRegister, "application/json", `{"redirect_uris":["https://app.contoso.com/callback?a='b'"],"client_name":"<script>\u202e\u0000\n`+strings.Repeat("a", 200)+`"}`)
	var id string
	if _, rest, ok := strings.Cut(text(res), `"client_id":"`); ok {
		id, _, _ = strings.Cut(rest, `"`)
	}
	page := w.browser().open(issuer+pathAuthorize+"?"+ask(id, "https://app.contoso.com/callback?a='b'").Encode(), nil)
	body := text(page)
	for _, wrong := range []string{"<script", "\u202e", "?a='b'", strings.Repeat("a", 100)} {
		if strings.Contains(body, wrong) {
			t.Errorf("the page has %q", wrong)
		}
	}
	for _, want := range []string{"&lt;script&gt;", "app.contoso.com", orders, "orders.read", "nobody has checked"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if csp := page.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || !strings.Contains(csp, "form-action 'self'") {
		t.Errorf("Content-Security-Policy: got %q", csp)
	}
	if page.Header.Get("X-Frame-Options") != "DENY" {
		t.Error("it can be framed")
	}
}

// TestConsentForgery: an answer counts in the browser that was asked, and there
// only.
func TestConsentForgery(t *testing.T) {
	w := newWorld(t, nil)
	client := w.register(redirect1)
	victim, attacker := w.browser(), w.browser()
	form, theirs := victim.consent(ask(client, redirect1)), attacker.consent(ask(client, redirect1))
	forged := func(b *browser, form url.Values, change func(url.Values), origin string) int {
		copied := url.Values{"request": form["request"], "answer": {"allow"}}
		if change != nil {
			change(copied)
		}
		if b.header = (http.Header{}); origin != "" {
			b.header.Set("Origin", origin)
		}
		res := b.open(issuer+pathConsent, copied)
		if body := text(res); strings.Contains(body, w.provider.URL) || strings.Contains(body, "href") {
			t.Errorf("it went on: %s", body)
		}
		return res.StatusCode
	}
	if got := forged(victim, theirs, nil, ""); got != http.StatusForbidden {
		t.Errorf("a page of the attacker in the browser of the victim: status %d", got)
	}
	if got := forged(w.browser(), form, nil, ""); got != http.StatusForbidden {
		t.Errorf("without cookie: status %d", got)
	}
	for _, origin := range []string{"https://evil.example", "null", issuer + ".evil.example", "http://tools.contoso.com"} {
		if got := forged(victim, form, nil, origin); got != http.StatusForbidden {
			t.Errorf("from %s: status %d", origin, got)
		}
	}
	if got := forged(victim, form, func(v url.Values) { v.Del("request") }, issuer); got != http.StatusBadRequest {
		t.Errorf("without request: status %d", got)
	}
	if got := forged(victim, form, func(v url.Values) { v.Set("request", client) }, issuer); got != http.StatusBadRequest {
		t.Errorf("with something else that is sealed: status %d", got)
	}
	w.clock.forward(consentTime)
	if got := forged(victim, form, nil, issuer); got != http.StatusBadRequest {
		t.Errorf("too late: status %d", got)
	}
	refusal := victim.consent(ask(client, redirect1))
	refusal.Set("answer", "deny")
	u := target(t, victim.open(issuer+pathConsent, refusal))
	if u.Query().Get("error") != "access_denied" || u.Query().Get("state") != "xyz" || !strings.HasPrefix(u.String(), redirect1) {
		t.Errorf("refused: got %s", u)
	}
	if res := victim.open(issuer+pathAuthorize+"?"+ask(client, redirect1).Encode(), nil); res.Header.Get("Location") != "" {
		t.Error("a refusal was remembered as consent")
	}
}

// TestConsentRemembered: who is asked about again.
func TestConsentRemembered(t *testing.T) {
	w := newWorld(t, nil)
	web, other, desktop := w.register(redirect1, redirect1+"2"), w.register(redirect1), w.register(native)
	b := w.browser()
	b.signIn(ask(web, redirect1))
	b.signIn(ask(desktop, native))
	tests := []struct {
		name    string
		request url.Values
		browser *browser
		asked   bool
	}{
		{"the same again", ask(web, redirect1, "state", "other"), b, false},
		{"who wants to be asked", ask(web, redirect1, "prompt", "consent"), b, true},
		{"another client", ask(other, redirect1), b, true},
		{"another redirect URI", ask(web, redirect1+"2"), b, true},
		{"more scopes", ask(web, redirect1, "scope", "orders.read orders.write"), b, true},
		{"another resource", ask(web, redirect1, "resource", helpdesk), b, true},
		{"another browser", ask(web, redirect1), w.browser(), true},
		{"an application on this machine", ask(desktop, native), b, true},
	}
	for _, tt := range tests {
		res := tt.browser.open(issuer+pathAuthorize+"?"+tt.request.Encode(), nil)
		if asked := strings.Contains(text(res), "<form"); asked != tt.asked || !asked && !strings.HasPrefix(res.Header.Get("Location"), w.provider.URL) {
			t.Errorf("%s: got status %d, asked = %t", tt.name, res.StatusCode, asked)
		}
	}
	w.clock.forward(consentLifetime)
	if res := b.open(issuer+pathAuthorize+"?"+ask(web, redirect1).Encode(), nil); !strings.Contains(text(res), "<form") {
		t.Error("consent does not end")
	}
}

// TestCallbackRefuses: responses of the provider that make no code.
func TestCallbackRefuses(t *testing.T) {
	tests := []struct {
		name    string
		changes []string // of the response
		claims  map[string]any
		iss     bool
		want    string // the error that the client is told; empty: it is told nothing
	}{
		{"another state", []string{"state", strings.Repeat("A", 43)}, nil, false, ""},
		{"no state", []string{"state", ""}, nil, false, ""},
		{"no code", []string{"code", ""}, nil, false, "server_error"},
		{"refused", []string{"code", "", "error", "access_denied"}, nil, false, "access_denied"},
		{"failed", []string{"code", "", "error", "server_error"}, nil, false, "server_error"},
		{"of another issuer (mix-up)", []string{"iss", "https://evil.example"}, nil, false, "server_error"},
		{"without the issuer that was announced (mix-up)", nil, nil, true, "server_error"},
		{"another nonce (injection of a code)", []string{"code", "stolen"}, nil, false, "server_error"},
		{"no nonce", nil, map[string]any{"nonce": nil}, false, "server_error"},
		{"an ID token for another client", nil, map[string]any{"aud": "other"}, false, "server_error"},
		{"an ID token of another issuer", nil, map[string]any{"iss": "https://evil.example"}, false, "server_error"},
		{"an ID token for another party", nil, map[string]any{"aud": []string{"gateway", "other"}, "azp": "other"}, false, "server_error"},
		{"an expired ID token", nil, map[string]any{"exp": 1000}, false, "server_error"},
		{"an ID token that does not expire", nil, map[string]any{"exp": nil}, false, "server_error"},
		{"an ID token without sub", nil, map[string]any{"sub": nil}, false, "server_error"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.provider.set(func(p *fakeProvider) { p.claims, p.iss = tt.claims, tt.iss })
			client := w.register(redirect1)
			b := w.browser()
			provider := target(t, b.open(issuer+pathConsent, b.consent(ask(client, redirect1))))
			res := b.open(w.atProvider(provider, tt.changes...), nil)
			if tt.want == "" {
				if res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" {
					t.Fatalf("got status %d, Location %q", res.StatusCode, res.Header.Get("Location"))
				}
				return
			}
			u := target(t, res)
			if q := u.Query(); q.Get("error") != tt.want || q.Get("code") != "" || q.Get("state") != "xyz" || q.Get("iss") != issuer {
				t.Errorf("got %s", u)
			}
			if d := u.Query().Get("error_description"); strings.Contains(d, w.provider.URL) || strings.Contains(d, "evil") {
				t.Errorf("the client is told %q", d)
			}
		})
	}
}

// TestCallbackBrowser: a response is good once, in the browser that it was asked for
// in.
func TestCallbackBrowser(t *testing.T) {
	w := newWorld(t, nil)
	client := w.register(redirect1)
	victim, attacker := w.browser(), w.browser()
	response := w.atProvider(target(t, attacker.open(issuer+pathConsent, attacker.consent(ask(client, redirect1)))))
	victim.signIn(ask(client, redirect1))
	if res := victim.open(response, nil); res.StatusCode != http.StatusBadRequest {
		t.Errorf("the attacker's response in the victim's browser: status %d", res.StatusCode)
	}
	for name, value := range attacker.cookies { // one cookie under the name of another
		if strings.Contains(name, cookieSignIn) {
			b := w.browser()
			b.cookies[w.cookieName(cookieSignIn+strings.Repeat("A", 16))] = value
			if res := b.open(issuer+pathCallback+"?code=a&state="+strings.Repeat("A", 43), nil); res.StatusCode != http.StatusBadRequest {
				t.Errorf("a cookie of another state: status %d", res.StatusCode)
			}
		}
	}
	if res := attacker.open(response, nil); res.StatusCode != http.StatusSeeOther {
		t.Errorf("in its own browser: status %d", res.StatusCode)
	}
	if res := attacker.open(response, nil); res.StatusCode != http.StatusBadRequest {
		t.Errorf("again: status %d", res.StatusCode)
	}
	late := w.atProvider(target(t, attacker.open(issuer+pathConsent, attacker.consent(ask(client, redirect1, "prompt", "consent")))))
	w.clock.forward(signInTime)
	if res := attacker.open(late, nil); res.StatusCode != http.StatusBadRequest {
		t.Errorf("too late: status %d", res.StatusCode)
	}
}

// TestCodeRefused: attempts to redeem a code. None of them uses it up.
func TestCodeRefused(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		client, other := w.register(redirect1), w.register(redirect1)
		code := w.browser().signIn(ask(client, redirect1))
		form := w.browser().consent(ask(client, redirect1))
		tests := []struct {
			name    string
			changes []string
			want    string
		}{
			{"another client", []string{"client_id", other}, "invalid_grant"},
			{"no client", []string{"client_id", ""}, "invalid_client"},
			{"an unknown client", []string{"client_id", "nobody"}, "invalid_client"},
			{"a client with a secret", []string{"client_secret", "x"}, "invalid_client"},
			{"another redirect URI", []string{"redirect_uri", redirect1 + "2"}, "invalid_grant"},
			{"no verifier", []string{"code_verifier", ""}, "invalid_grant"},
			{"the challenge as verifier (PKCE downgrade)", []string{"code_verifier", challengeOf(verifier)}, "invalid_grant"},
			{"another verifier", []string{"code_verifier", strings.Repeat("b", 43)}, "invalid_grant"},
			{"a short verifier", []string{"code_verifier", "short"}, "invalid_grant"},
			{"a long verifier", []string{"code_verifier", strings.Repeat("b", 129)}, "invalid_grant"},
			{"no code", []string{"code", ""}, "invalid_grant"},
			{"a cut code", []string{"code", code[:len(code)-1]}, "invalid_grant"},
			{"a registration as code", []string{"code", client}, "invalid_grant"},
			{"a consent page as code", []string{"code", form.Get("request")}, "invalid_grant"},
			{"a resource that was not granted", []string{"resource", helpdesk}, "invalid_target"},
			{"a resource of somebody else", []string{"resource", "https://evil.example/mcp"}, "invalid_target"},
			{"no grant type", []string{"grant_type", ""}, "invalid_request"},
			{"password", []string{"grant_type", "password"}, "unsupported_grant_type"},
			{"client credentials", []string{"grant_type", "client_credentials"}, "unsupported_grant_type"},
			{"as a refresh token", []string{"grant_type", grantRefresh, "refresh_token", code}, "invalid_grant"},
		}
		for _, tt := range tests {
			if got := w.token(redemption(client, code, tt.changes...)); got.Error != tt.want || got.AccessToken != "" || got.RefreshToken != "" {
				t.Errorf("%s: got %+v, want %s", tt.name, got, tt.want)
			}
		}
		got := w.token(redemption(client, code, "resource", orders))
		if got.Status != http.StatusOK {
			t.Fatalf("as it should be: got %+v", got)
		}
		for name, form := range map[string]url.Values{
			"a refresh token as code": redemption(client, got.RefreshToken),
			"of another client":       refreshing(other, got.RefreshToken),
			"an access token":         refreshing(client, got.AccessToken),
			"another resource":        refreshing(client, got.RefreshToken, "resource", helpdesk),
		} {
			if refused := w.token(form); refused.Error != "invalid_grant" && refused.Error != "invalid_target" {
				t.Errorf("%s: got %+v", name, refused)
			}
		}
		late := w.browser().signIn(ask(client, redirect1))
		w.clock.forward(codeLifetime)
		if got := w.token(redemption(client, late)); got.Error != "invalid_grant" {
			t.Errorf("too late: got %+v", got)
		}
	})
}

// TestCodeReplay: a code that comes again ends the sign-in that it began.
func TestCodeReplay(t *testing.T) {
	w := newWorld(t, nil)
	client := w.register(redirect1)
	code := w.browser().signIn(ask(client, redirect1))
	first := w.token(redemption(client, code))
	if again := w.token(redemption(client, code)); again.Error != "invalid_grant" {
		t.Fatalf("again: got %+v", again)
	}
	if got := w.token(refreshing(client, first.RefreshToken)); got.Error != "invalid_grant" {
		t.Errorf("the refresh token of the first: got %+v", got)
	}
}

// TestTokenForms: bodies that are no form.
func TestTokenForms(t *testing.T) {
	w := newWorld(t, nil)
	for _, tt := range []struct {
		contentType, body string
		want              int
	}{
		{"application/json", `{"grant_type":"authorization_code"}`, 400},
		{"", "grant_type=authorization_code", 400},
		{"application/x-www-form-urlencoded", "grant_type=a&grant_type=b", 400},
		{"application/x-www-form-urlencoded", "grant_type=%zz", 400},
		{"application/x-www-form-urlencoded", strings.Repeat("a", maxForm+1), 413},
	} {
		if res := w.post(pathToken, tt.contentType, tt.body); res.StatusCode != tt.want {
			t.Errorf("%s %.40s: got %d, want %d", tt.contentType, tt.body, res.StatusCode, tt.want)
		}
	}
}

// TestRegisterRefuses: registrations.
func TestRegisterRefuses(t *testing.T) {
	w := newWorld(t, nil)
	for _, tt := range []struct{ body, want string }{
		{`{}`, "invalid_redirect_uri"},
		{`{"redirect_uris":[]}`, "invalid_redirect_uri"},
		{`{"redirect_uris":["http://evil.example/"]}`, "invalid_redirect_uri"},
		{`{"redirect_uris":["https://a.contoso.com/","javascript:x"]}`, "invalid_redirect_uri"},
		{`{"redirect_uris":["https://a.contoso.com/"],"grant_types":["client_credentials"]}`, "invalid_client_metadata"},
		{`{"redirect_uris":["https://a.contoso.com/"],"response_types":["token"]}`, "invalid_client_metadata"},
		{`{"redirect_uris":["https://a.contoso.com/"],"application_type":"x"}`, "invalid_client_metadata"},
		{`{"redirect_uris":["https://a.contoso.com/"],"redirect_uris":["https://b.contoso.com/"]}`, "invalid_client_metadata"},
		{`{"redirect_uris":"https://a.contoso.com/"}`, "invalid_client_metadata"},
		{`[]`, "invalid_client_metadata"},
		{``, "invalid_client_metadata"},
		{`{"redirect_uris":[` + strings.Repeat(`"https://a.contoso.com/",`, 10) + `"https://a.contoso.com/"]}`, "invalid_redirect_uri"},
		{`{"redirect_uris":["https://a.contoso.com/` + strings.Repeat(strings.Repeat("a", 480)+`","https://a.contoso.com/`, 8) + `"]}`, "invalid_redirect_uri"},
		{`{"client_name":"` + strings.Repeat("a", maxForm) + `"}`, "invalid_request"},
	} {
		if res := w.post(pathRegister, "application/json", tt.body); !strings.Contains(text(res), `"`+tt.want+`"`) || res.StatusCode < 400 {
			t.Errorf("%.80s: got status %d, want %s", tt.body, res.StatusCode, tt.want)
		}
	}
	closed := newWorld(t, func(o *Options) { o.AllowedClients = []string{"*.contoso.com"} })
	if res := closed.post(pathRegister, "application/json", `{"redirect_uris":["https://a.contoso.com/"]}`); res.StatusCode != http.StatusNotFound {
		t.Errorf("where only some clients are allowed: got status %d", res.StatusCode)
	}
	if res := closed.browser().open(issuer+pathAuthorize+"?"+ask(w.register(redirect1), redirect1).Encode(), nil); res.StatusCode != http.StatusBadRequest {
		t.Errorf("one that registered before: got status %d", res.StatusCode)
	}
}

// TestStoreDown: a store that does not answer is said to be so, and lets nobody in.
func TestStoreDown(t *testing.T) {
	store := &faultyStore{Store: &state.Memory{}}
	w := newWorld(t, func(o *Options) { o.Store = store })
	w.provider.set(func(p *fakeProvider) { p.refresh = -1 }) // it knows but one
	client, got := w.signedIn()
	code := w.browser().signIn(ask(client, redirect1))
	store.down = true
	for name, form := range map[string]url.Values{"a code": redemption(client, code), "a refresh": refreshing(client, got.RefreshToken)} {
		if answer := w.token(form); answer.Status != http.StatusServiceUnavailable || answer.AccessToken != "" {
			t.Errorf("%s: got %+v", name, answer)
		}
	}
	b := w.browser()
	provider := target(t, b.open(issuer+pathConsent, b.consent(ask(client, redirect1))))
	if u := target(t, b.open(w.atProvider(provider), nil)); u.Query().Get("error") != "temporarily_unavailable" {
		t.Errorf("a sign-in: got %s", u)
	}
	store.down = false
	if answer := w.token(refreshing(client, got.RefreshToken)); answer.Status != http.StatusOK {
		t.Errorf("up again: got %+v", answer)
	}
}

// TestLongClaims: what does not fit into a code is refused, and said.
func TestLongClaims(t *testing.T) {
	groups := make([]string, 200)
	for i := range groups {
		groups[i] = "11111111-2222-3333-4444-555555555555"
	}
	for _, stored := range []bool{true, false} {
		w := newWorld(t, func(o *Options) {
			if !stored {
				o.Store = nil
			}
		})
		w.provider.set(func(p *fakeProvider) { p.claims["roles"] = groups })
		client := w.register(redirect1)
		b := w.browser()
		provider := target(t, b.open(issuer+pathConsent, b.consent(ask(client, redirect1))))
		q := target(t, b.open(w.atProvider(provider), nil)).Query()
		if got := q.Get("code") != ""; got != stored {
			t.Errorf("stored = %t: got %v", stored, q)
		}
	}
}

// faultyStore does not answer when it is down.
type faultyStore struct {
	state.Store
	down bool
}

var errDown = errors.New("down")

func (s *faultyStore) Get(ctx context.Context, key state.Key) (state.Record, error) {
	if s.down {
		return state.Record{}, errors.Join(errDown, state.ErrBusy)
	}
	return s.Store.Get(ctx, key)
}

func (s *faultyStore) Put(ctx context.Context, key state.Key, r state.Record) (string, error) {
	if s.down {
		return "", errors.Join(errDown, state.ErrBusy)
	}
	return s.Store.Put(ctx, key, r)
}

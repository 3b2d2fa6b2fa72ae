package connection

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"toolgate/shared/credential"
	"toolgate/shared/policy"
	"toolgate/shared/state"
)

// world is a provider, a store, a clock and gateways that share them.
type world struct {
	t         *testing.T
	store     state.Store
	provider  *httptest.Server
	mu        sync.Mutex
	now       time.Time
	challenge string // of the last sign-in
	refresh   string // the one that is taken
	refreshes atomic.Int64
	answer    func(form url.Values) (int, string)
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, store: &state.Memory{}, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), refresh: "refresh-0"}
	w.answer = w.grant
	w.provider = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/authorize" {
			q := r.URL.Query()
			w.challenge = q.Get("code_challenge")
			http.Redirect(rw, r, q.Get("redirect_uri")+"?code=code-of-"+q.Get("client_id")+"&state="+url.QueryEscape(q.Get("state")), http.StatusFound)
			return
		}
		_ = r.ParseForm()
		w.mu.Lock()
		status, body := w.answer(r.PostForm)
		w.mu.Unlock()
		rw.WriteHeader(status)
		fmt.Fprint(rw, body)
	}))
	t.Cleanup(w.provider.Close)
	return w
}

// grant is a provider that rotates refresh tokens.
func (w *world) grant(form url.Values) (int, string) {
	switch form.Get("grant_type") {
	case "authorization_code":
		if form.Get("code") != "code-of-gateway" || form.Get("code_verifier") == "" {
			return 400, `{"error":"invalid_grant"}`
		}
		return 200, `{"access_token":"access-0","refresh_token":"refresh-0","expires_in":3600,"scope":"repo"}`
	case "refresh_token":
		n := w.refreshes.Add(1)
		if form.Get("refresh_token") != w.refresh {
			return 400, `{"error":"invalid_grant"}`
		}
		w.refresh = fmt.Sprint("refresh-", n)
		return 200, fmt.Sprintf(`{"access_token":"access-%d","refresh_token":%q,"expires_in":3600}`, n, w.refresh)
	}
	return 400, `{"error":"unsupported_grant_type"}`
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// keeper is one instance.
func (w *world) keeper() *Keeper {
	w.t.Helper()
	client := func(id string) *credential.Client {
		return credential.NewClient(credential.ClientOptions{TokenURL: w.provider.URL + "/token", ID: id, Secret: "client-secret", Now: w.clock})
	}
	k, err := New(Options{
		Store: w.store, Secret: []byte("a secret of tests, and of nobody else"), Now: w.clock, Tokens: signed{},
		Providers: []Provider{
			{Name: "github", AuthorizationURL: w.provider.URL + "/authorize?prompt=consent", Client: client("gateway"), Scopes: []string{"repo", "<b>"}, Identity: &policy.TokenRules{}},
			{Name: "other", AuthorizationURL: w.provider.URL + "/authorize", Client: client("other")},
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return k
}

// signed takes tokens whose signature is "good".
type signed struct{}

func (signed) Validate(_ context.Context, token string, _ *policy.TokenRules) *policy.TokenFailure {
	if strings.HasSuffix(token, ".good") {
		return nil
	}
	return &policy.TokenFailure{Reason: policy.ReasonTokenSignatureInvalid}
}

// serve makes the keeper's pages a site.
func (w *world) serve(k *Keeper) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { _ = k.Serve(rw, r) }))
	w.t.Cleanup(s.Close)
	return s
}

func browser(t *testing.T) *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar}
}

func (w *world) get(b *http.Client, address string, form url.Values) (int, string, *http.Response) {
	w.t.Helper()
	method, body := http.MethodGet, strings.NewReader("")
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, address, body)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := b.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	var text strings.Builder
	_, _ = fmt.Fprint(&text, readAll(res))
	return res.StatusCode, text.String(), res
}

func readAll(res *http.Response) string {
	var b strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := res.Body.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			return b.String()
		}
	}
}

var hidden = regexp.MustCompile(`name="ticket" value="([^"]+)"`)

// connect makes a connection as a person does.
func (w *world) connect(k *Keeper, id string, identities ...string) {
	w.t.Helper()
	site, b := w.serve(k), browser(w.t)
	path, err := k.Ticket("github", id, identities, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	_, text, _ := w.get(b, site.URL+path, nil)
	found := hidden.FindStringSubmatch(text)
	if found == nil {
		w.t.Fatalf("got %s", text)
	}
	status, text, _ := w.get(b, site.URL+path, url.Values{"ticket": {html.UnescapeString(found[1])}})
	if status != 200 || !strings.Contains(text, "is connected") {
		w.t.Fatalf("got %d %s", status, text)
	}
}

func (w *world) token(k *Keeper, id, kind, identity string) string {
	a, err := k.Authorization(w.t.Context(), policy.ConnectionRequest{Provider: "github", Authorization: id, IdentityType: kind, Identity: identity})
	if err != nil {
		return "error: " + err.Error()
	}
	return a.AccessToken
}

func TestConnect(t *testing.T) {
	w := newWorld(t)
	k, other := w.keeper(), w.keeper()
	w.connect(k, "shared")
	w.connect(k, "alice@contoso.com", "oid-a")
	a := "e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"oid":"oid-a"}`))
	b := "e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"oid":"oid-b"}`))
	for _, c := range []struct{ id, kind, identity, want string }{
		{"shared", "managed", "", "access-0"},
		{"shared", "", "", "access-0"},
		{"shared", "jwt", a + ".good", "not for this identity"},
		{"alice@contoso.com", "jwt", a + ".good", "access-0"},
		{"alice@contoso.com", "jwt", b + ".good", "not for this identity"},
		{"alice@contoso.com", "jwt", a + ".forged", "TokenSignatureInvalid"},
		{"alice@contoso.com", "jwt", "x.y.good", "not for this identity"},
		{"alice@contoso.com", "managed", "", "belongs to identities"},
		{"bob", "managed", "", "no such connection"},
		{"../x", "managed", "", "no id of a connection"},
	} {
		if got := w.token(other, c.id, c.kind, c.identity); !strings.Contains(got, c.want) {
			t.Errorf("%s as %s: got %s, want %s", c.id, c.kind, got, c.want)
		}
	}
	if _, err := k.Authorization(t.Context(), policy.ConnectionRequest{Provider: "gitlab", Authorization: "shared"}); err == nil {
		t.Error("a provider that is none was found")
	}
	list, err := other.List(t.Context())
	if err != nil || len(list) != 2 || list[1].ID != "shared" || !list[1].Renewable || list[1].Scope != "repo" {
		t.Errorf("got %+v, %v", list, err)
	}
	row, err := w.store.Get(t.Context(), keyOf("github", "shared"))
	if err != nil || strings.Contains(string(row.Data), "access-0") {
		t.Errorf("the row is not sealed: %s, %v", row.Data, err)
	}
	if err := k.Remove(t.Context(), "github", "shared"); err != nil {
		t.Fatal(err)
	}
	if got := w.token(other, "shared", "managed", ""); got != "access-0" {
		t.Errorf("got %s", got) // what it has read, for a while
	}
	w.pass(MaxAge + time.Second)
	if got := w.token(other, "shared", "managed", ""); !strings.Contains(got, "no such connection") {
		t.Errorf("a connection that was removed: got %s", got)
	}
	if err := k.Remove(t.Context(), "github", "shared"); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

// Many calls at several instances renew once: the provider rotates, and would take
// a second use of the refresh token for theft.
func TestRenewedOnce(t *testing.T) {
	w := newWorld(t)
	w.connect(w.keeper(), "shared")
	w.pass(59*time.Minute + 30*time.Second)
	var calls sync.WaitGroup
	for range 4 {
		k := w.keeper()
		for range 10 {
			calls.Go(func() {
				if got := w.token(k, "shared", "managed", ""); got != "access-0" && got != "access-1" {
					t.Errorf("got %s", got)
				}
			})
		}
	}
	calls.Wait()
	w.pass(2 * time.Minute)
	if got := w.token(w.keeper(), "shared", "managed", ""); got != "access-1" || w.refreshes.Load() != 1 {
		t.Errorf("got %s after %d renewals, want access-1 after one", got, w.refreshes.Load())
	}
	w.pass(2 * time.Hour)
	for i := range 2 { // one that has ended is waited for
		k := w.keeper()
		calls.Go(func() {
			if got := w.token(k, "shared", "managed", ""); got != "access-2" {
				t.Errorf("call %d: got %s", i, got)
			}
		})
	}
	calls.Wait()
	if w.refreshes.Load() != 2 {
		t.Errorf("got %d renewals", w.refreshes.Load())
	}
}

func TestRenewalFails(t *testing.T) {
	w := newWorld(t)
	k := w.keeper()
	w.connect(k, "shared")
	w.answer = func(url.Values) (int, string) { return 503, `{}` }
	w.pass(59*time.Minute + 30*time.Second)
	if got := w.token(k, "shared", "managed", ""); got != "access-0" {
		t.Errorf("while the token is good: got %s", got)
	}
	w.pass(time.Minute)
	if got := w.token(k, "shared", "managed", ""); !strings.Contains(got, "status 503") {
		t.Errorf("got %s", got)
	}
	w.answer = w.grant
	if got := w.token(k, "shared", "managed", ""); got != "access-1" {
		t.Errorf("after it is back: got %s", got)
	}
	w.refresh = "another"
	w.pass(2 * time.Hour)
	for range 2 {
		got := w.token(k, "shared", "managed", "")
		if !strings.Contains(got, "connect again") || strings.Contains(got, "refresh-") || strings.Contains(got, "client-secret") {
			t.Errorf("got %s", got)
		}
	}
	if w.refreshes.Load() != 2 {
		t.Errorf("got %d renewals, want no more after the refusal", w.refreshes.Load())
	}
	w.refresh = "refresh-0"
	w.connect(k, "shared")
	if got := w.token(w.keeper(), "shared", "managed", ""); got != "access-0" {
		t.Errorf("connected again: got %s", got)
	}
	w.answer = func(url.Values) (int, string) { return 200, `{"access_token":"forever"}` }
	w.connect(k, "classic")
	w.pass(1000 * time.Hour)
	if got := w.token(w.keeper(), "classic", "managed", ""); got != "forever" {
		t.Errorf("a token without an end: got %s", got)
	}
}

func TestAttacksOnSignIn(t *testing.T) {
	w := newWorld(t)
	k := w.keeper()
	site := w.serve(k)
	good := func() string {
		path, err := k.Ticket("github", "shared", nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	ticketOf := func(path string) string { _, text, _ := strings.Cut(path, "ticket="); return text }
	expect := func(what string, want, status int, text string) {
		t.Helper()
		if status != want || strings.Contains(text, "is connected") {
			t.Errorf("%s: got %d %s, want %d", what, status, text, want)
		}
	}
	still := func() *http.Client {
		b := browser(t)
		b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		return b
	}
	path := good()
	status, text, res := w.get(still(), site.URL+path, nil)
	if status != 200 || strings.Contains(text, "<b>") || !strings.Contains(res.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the page: got %d %s %v", status, text, res.Header)
	}
	status, text, _ = w.get(still(), site.URL+Path+"github/shared?ticket=forged", nil)
	expect("a forged ticket", 403, status, text)
	status, text, _ = w.get(still(), site.URL+Path+"github/admin?ticket="+ticketOf(path), nil)
	expect("the ticket of another connection", 403, status, text)
	status, text, _ = w.get(still(), site.URL+Path+"other/shared?ticket="+ticketOf(path), nil)
	expect("the ticket of another provider", 403, status, text)
	status, text, _ = w.get(still(), site.URL+Path+"nobody/shared", nil)
	expect("another provider", 404, status, text)

	b := still()
	status, text, res = w.get(b, site.URL+path, url.Values{"ticket": {ticketOf(path)}})
	expect("the ticket", 303, status, text)
	to, err := url.Parse(res.Header.Get("Location"))
	if err != nil || to.Query().Get("prompt") != "consent" || to.Query().Get("code_challenge_method") != "S256" || to.Query().Get("redirect_uri") != site.URL+"/connections/github/callback" {
		t.Fatalf("got %v, %v", to, err)
	}
	status, text, _ = w.get(still(), site.URL+path, url.Values{"ticket": {ticketOf(path)}})
	expect("the ticket once more", 403, status, text)

	back := func(b *http.Client, provider, code string) (int, string) {
		status, text, _ := w.get(b, site.URL+Path+provider+"/callback?code="+code+"&state="+url.QueryEscape(to.Query().Get("state")), nil)
		return status, text
	}
	status, text = back(still(), "github", "code-of-gateway")
	expect("in another browser", 403, status, text)
	status, text = back(b, "other", "code-of-gateway")
	expect("from another provider", 403, status, text)
	w.pass(signInLife + time.Second)
	status, text = back(b, "github", "code-of-gateway")
	expect("too late", 403, status, text)
	status, text, _ = w.get(still(), site.URL+good()+"x", nil)
	expect("an altered ticket", 403, status, text)

	path, b = good(), still()
	_, _, res = w.get(b, site.URL+path, url.Values{"ticket": {ticketOf(path)}})
	to, _ = url.Parse(res.Header.Get("Location"))
	status, text, _ = w.get(b, site.URL+Path+"github/callback?error=access_denied&error_description=%3Cscript%3E&state="+url.QueryEscape(to.Query().Get("state")), nil)
	expect("no access", 403, status, text)
	if strings.Contains(text, "script") || !strings.Contains(text, "access_denied") {
		t.Errorf("got %s", text)
	}
	status, text = back(b, "github", "code-of-gateway")
	expect("a state once more", 403, status, text)

	late := good()
	w.pass(ticketLife + time.Second)
	status, text, _ = w.get(still(), site.URL+late, nil)
	expect("an old ticket", 403, status, text)
	if list, err := k.List(t.Context()); err != nil || len(list) > 0 {
		t.Errorf("got %v, %v", list, err)
	}
}

// Rows of another sealing key, or in the place of another row, are not read.
func TestForeignRows(t *testing.T) {
	w := newWorld(t)
	k := w.keeper()
	w.connect(k, "shared")
	row, err := w.store.Get(t.Context(), keyOf("github", "shared"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.Put(t.Context(), keyOf("github", "victim"), state.Record{Data: row.Data}); err != nil {
		t.Fatal(err)
	}
	if got := w.token(k, "victim", "managed", ""); !strings.Contains(got, "sealed by another") {
		t.Errorf("got %s", got)
	}
	foreign, err := New(Options{Store: w.store, Secret: []byte("another secret of tests, and of nobody"), Providers: k.Providers, Now: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	if got := w.token(foreign, "shared", "managed", ""); !strings.Contains(got, "sealed by another") {
		t.Errorf("got %s", got)
	}
}

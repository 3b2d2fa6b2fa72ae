package authserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"toolgate/shared/state"

	"github.com/go-json-experiment/json"
	"github.com/golang-jwt/jwt/v5"
)

const (
	issuer    = "https://tools.contoso.com"
	orders    = issuer + "/orders/mcp"
	helpdesk  = issuer + "/helpdesk/mcp"
	redirect1 = "https://app.contoso.com/callback"
	native    = "http://127.0.0.1/callback"
)

var secret = []byte(strings.Repeat("0123456789abcdef", 3))

// world is a server and everybody around it.
type world struct {
	*Server
	t        *testing.T
	provider *fakeProvider
	clock    *clock
}

// clock is a clock that the test sets.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// newWorld makes a server with a store, unless the options are changed.
func newWorld(t *testing.T, change func(*Options)) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{now: time.Now().Truncate(time.Second)}}
	w.provider = newFakeProvider(t, w.clock)
	o := Options{
		Documents: &site{answer: http.NotFound},
		URL:       issuer, Secret: secret, Store: &state.Memory{}, Now: w.clock.Now, Claims: []string{"roles"},
		Provider: ProviderOptions{Issuer: w.provider.URL, ClientID: "gateway", Secret: "s3cr&t", Scopes: []string{"profile", "offline_access"}},
		Resources: []Resource{
			{Name: "orders", URL: orders, Scopes: []string{"orders.read", "orders.write"}},
			{Name: "helpdesk", URL: helpdesk},
		},
	}
	if change != nil {
		change(&o)
	}
	var err error
	if w.Server, err = New(o); err != nil {
		t.Fatal(err)
	}
	return w
}

// fakeProvider is an OpenID provider. Its codes are the nonces of requests.
type fakeProvider struct {
	*httptest.Server
	clock *clock
	key   *ecdsa.PrivateKey

	mu      sync.Mutex
	claims  map[string]any // beside the usual ones; nil values remove
	refuse  string         // the error of the token endpoint; empty for none
	status  int            // that of the token endpoint in place of an answer; 0 for none
	iss     bool           // the metadata announces the iss parameter
	refresh int            // the number of the refresh token that is good; -1 gives none
	asked   []url.Values   // at the token endpoint
	revoked []string
	// methods are announced; none are not. Without secret, none is looked for.
	methods  []string
	noSecret bool
	// metadata changes it; nil does not.
	metadata func(map[string]any)
}

func newFakeProvider(t *testing.T, c *clock) *fakeProvider {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &fakeProvider{clock: c, key: key, claims: map[string]any{}}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *fakeProvider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	answer := map[string]any{}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		answer = map[string]any{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token",
			"jwks_uri": p.URL + "/jwks", "revocation_endpoint": p.URL + "/revoke", "authorization_response_iss_parameter_supported": p.iss,
		}
		if p.methods != nil {
			answer["token_endpoint_auth_methods_supported"] = p.methods
		}
		if p.metadata != nil {
			p.metadata(answer)
		}
	case "/jwks":
		point, err := p.key.PublicKey.Bytes()
		if err != nil {
			panic(err)
		}
		answer["keys"] = []map[string]string{{
			"kty": "EC", "crv": "P-256", "kid": "1",
			"x": base64.RawURLEncoding.EncodeToString(point[1:33]), "y": base64.RawURLEncoding.EncodeToString(point[33:]),
		}}
	case "/revoke":
		p.revoked = append(p.revoked, form.Get("token"))
	case "/token":
		p.asked = append(p.asked, form)
		id, pass, _ := r.BasicAuth()
		switch {
		case p.status != 0:
			w.WriteHeader(p.status)
		case p.refuse != "" || !p.noSecret && (id != "gateway" || pass != url.QueryEscape("s3cr&t")):
			w.WriteHeader(http.StatusBadRequest)
			answer["error"] = p.refuse
		case form.Get("grant_type") == grantRefresh && form.Get("refresh_token") != fmt.Sprintf("provider-%d", p.refresh):
			w.WriteHeader(http.StatusBadRequest)
			answer["error"] = "invalid_grant"
		default:
			if p.refresh >= 0 {
				p.refresh++
				answer["refresh_token"] = fmt.Sprintf("provider-%d", p.refresh)
			}
			answer["access_token"] = "for nobody"
			answer["id_token"] = p.idToken(form.Get("code"))
		}
	default:
		w.WriteHeader(http.StatusNotFound)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(marshal(answer))
}

func (p *fakeProvider) idToken(nonce string) string {
	now := p.clock.Now()
	claims := map[string]any{
		"iss": p.URL, "aud": "gateway", "sub": "ada", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "nonce": nonce,
		"roles": []string{"buyer"}, "email": "ada@contoso.com",
	}
	maps.Copy(claims, p.claims)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims(claims))
	token.Header["kid"] = "1"
	text, err := token.SignedString(p.key)
	if err != nil {
		panic(err)
	}
	return text
}

// set changes the provider.
func (p *fakeProvider) set(change func(p *fakeProvider)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}

// browser keeps cookies, as browsers do.
type browser struct {
	w       *world
	cookies map[string]string
	header  http.Header // added to requests
}

func (w *world) browser() *browser {
	return &browser{w: w, cookies: map[string]string{}, header: http.Header{}}
}

// open sends a request; a form makes it a POST.
func (b *browser) open(target string, form url.Values) *http.Response {
	b.w.t.Helper()
	req := httptest.NewRequest(http.MethodGet, target, http.NoBody)
	if form != nil {
		req = httptest.NewRequest(http.MethodPost, target, strings.NewReader(form.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	maps.Copy(req.Header, b.header)
	for name, value := range b.cookies {
		req.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	rec := httptest.NewRecorder()
	b.w.ServeHTTP(rec, req)
	res := rec.Result()
	for _, c := range res.Cookies() {
		if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || !strings.HasPrefix(c.Name, "__Host-") {
			b.w.t.Errorf("cookie %v lacks an attribute", c)
		}
		if b.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	if got := res.Header.Get("Cache-Control"); got != "no-store" && !strings.HasPrefix(target, issuer+"/.well-known") && !strings.HasSuffix(target, "/jwks") {
		b.w.t.Errorf("%s: Cache-Control: got %q", target, got)
	}
	return res
}

func text(res *http.Response) string {
	body, _ := io.ReadAll(res.Body)
	return string(body)
}

var (
	hidden = regexp.MustCompile(`name="request" value="([^"]*)"`)
	link   = regexp.MustCompile(`id="(?:continue|return)"[^>]* href="([^"]*)"`)
)

// target is where a page leads, or a redirect does.
func target(t *testing.T, res *http.Response) *url.URL {
	t.Helper()
	place, body := res.Header.Get("Location"), ""
	if place == "" {
		body = text(res)
		m := link.FindStringSubmatch(body)
		if m == nil {
			t.Fatalf("status %d leads nowhere: %s", res.StatusCode, body)
		}
		place = html.UnescapeString(m[1])
	}
	u, err := url.Parse(place)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// register registers a client and returns its id.
func (w *world) register(uris ...string) string {
	w.t.Helper()
	res := w.post(pathRegister, "application/json", string(marshal(map[string]any{"client_name": "Example", "redirect_uris": uris})))
	var answer struct {
		ClientID string `json:"client_id"`
	}
	if err := json.UnmarshalRead(res.Body, &answer); err != nil || res.StatusCode != http.StatusCreated {
		w.t.Fatalf("registering: status %d, %v", res.StatusCode, err)
	}
	return answer.ClientID
}

func (w *world) post(path, contentType, body string) *http.Response {
	req := httptest.NewRequest(http.MethodPost, issuer+path, strings.NewReader(body))
	req.Header.Set("Content-Type", contentType)
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, req)
	return rec.Result()
}

// verifier is the code_verifier of all clients here.
const verifier = "the-verifier-of-the-client-which-has-43-or-more"

// request is an authorization request of a client; changes are pairs of name and
// value, and an empty value removes.
func ask(client, redirect string, changes ...string) url.Values {
	v := url.Values{
		"response_type": {"code"}, "client_id": {client}, "redirect_uri": {redirect}, "state": {"xyz"}, "scope": {"orders.read"},
		"code_challenge": {challengeOf(verifier)}, "code_challenge_method": {"S256"}, "resource": {orders},
	}
	for pair := range slices.Chunk(changes, 2) {
		if v.Set(pair[0], pair[1]); pair[1] == "" {
			v.Del(pair[0])
		}
	}
	return v
}

// consent opens the consent page and returns the form.
func (b *browser) consent(request url.Values) url.Values {
	b.w.t.Helper()
	res := b.open(issuer+pathAuthorize+"?"+request.Encode(), nil)
	body := text(res)
	m := hidden.FindStringSubmatch(body)
	if m == nil {
		b.w.t.Fatalf("no consent page: status %d, Location %q, %s", res.StatusCode, res.Header.Get("Location"), body)
	}
	return url.Values{"request": {html.UnescapeString(m[1])}, "answer": {"allow"}}
}

// atProvider is the response of the provider to an authorization request.
func (w *world) atProvider(u *url.URL, changes ...string) string {
	w.t.Helper()
	q := u.Query()
	if q.Get("code_challenge_method") != "S256" || q.Get("nonce") == "" || q.Get("redirect_uri") != issuer+pathCallback {
		w.t.Errorf("the request to the provider lacks something: %v", q)
	}
	v := url.Values{"code": {q.Get("nonce")}, "state": {q.Get("state")}}
	for pair := range slices.Chunk(changes, 2) {
		if v.Set(pair[0], pair[1]); pair[1] == "" {
			v.Del(pair[0])
		}
	}
	return issuer + pathCallback + "?" + v.Encode()
}

// signIn goes all the way to the code of a client.
func (b *browser) signIn(request url.Values) string {
	b.w.t.Helper()
	form := b.consent(request)
	provider := target(b.w.t, b.open(issuer+pathConsent, form))
	back := target(b.w.t, b.open(b.w.atProvider(provider), nil))
	q := back.Query()
	if q.Get("code") == "" || q.Get("state") != request.Get("state") || q.Get("iss") != issuer {
		b.w.t.Fatalf("the response has no code, or not the state or issuer: %v", back)
	}
	return q.Get("code")
}

// tokens is an answer of the token endpoint.
type tokens struct {
	Status       int    `json:"-"`
	Error        string `json:"error"`
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	ExpiresIn    int    `json:"expires_in"`
	Scope        string `json:"scope"`
}

// token posts a form to the token endpoint.
func (w *world) token(form url.Values) tokens {
	w.t.Helper()
	res := w.post(pathToken, "application/x-www-form-urlencoded", form.Encode())
	answer := tokens{Status: res.StatusCode}
	if err := json.UnmarshalRead(res.Body, &answer); err != nil {
		w.t.Fatalf("the token endpoint: status %d, %v", res.StatusCode, err)
	}
	if got := res.Header.Get("Cache-Control"); got != "no-store" {
		w.t.Errorf("the token endpoint: Cache-Control: got %q", got)
	}
	return answer
}

func redemption(client, code string, changes ...string) url.Values {
	v := url.Values{
		"grant_type": {grantCode}, "client_id": {client}, "redirect_uri": {redirect1}, "code": {code}, "code_verifier": {verifier},
	}
	for pair := range slices.Chunk(changes, 2) {
		if v.Set(pair[0], pair[1]); pair[1] == "" {
			v.Del(pair[0])
		}
	}
	return v
}

func refreshing(client, token string, changes ...string) url.Values {
	v := url.Values{"grant_type": {grantRefresh}, "client_id": {client}, "refresh_token": {token}}
	for pair := range slices.Chunk(changes, 2) {
		v.Set(pair[0], pair[1])
	}
	return v
}

// signedIn is a client with tokens.
func (w *world) signedIn() (client string, got tokens) {
	w.t.Helper()
	client = w.register(redirect1)
	got = w.token(redemption(client, w.browser().signIn(ask(client, redirect1))))
	if got.Status != http.StatusOK {
		w.t.Fatalf("redeeming: got %+v", got)
	}
	return client, got
}

// claimsOf verifies an access token and returns its claims.
func (w *world) claimsOf(token string) map[string]any {
	w.t.Helper()
	parsed, err := jwt.Parse(token, func(*jwt.Token) (any, error) { return w.PublicKey(), nil },
		jwt.WithValidMethods([]string{"ES256"}), jwt.WithTimeFunc(w.clock.Now), jwt.WithExpirationRequired())
	if err != nil {
		w.t.Fatalf("the access token: %v", err)
	}
	if parsed.Header["typ"] != "at+jwt" || parsed.Header["kid"] != w.KeyID() {
		w.t.Errorf("header of the access token: got %v", parsed.Header)
	}
	return parsed.Claims.(jwt.MapClaims)
}

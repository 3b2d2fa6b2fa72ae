package oauthclient

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"toolgate/shared/backend"
	"toolgate/shared/connection"
	"toolgate/shared/state"

	"github.com/go-json-experiment/json"
)

// world is an MCP server, an authorization server and a gateway between.
type world struct {
	t        *testing.T
	resource *httptest.Server
	issuer   *httptest.Server
	store    state.Store
	options  Options
	callers  bool

	mu       sync.Mutex
	now      time.Time
	metadata map[string]any    // of the resource
	server   map[string]any    // of the issuer
	valid    map[string]string // the scopes of the tokens that the resource takes
	needed   string
	iss      *string // in the answer to the browser; nil: the issuer
	counts   map[string]int
	last     url.Values // that the token endpoint got
	basic    string     // and as whom
	answer   func(form url.Values) (int, string)
	asked    url.Values // that the browser brought
	issued   int
	anew     http.Handler // in place of the resource; nil: it answers itself
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, store: &state.Memory{}, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), valid: map[string]string{}, counts: map[string]int{},
		needed: "tools",
	}
	w.resource = httptest.NewServer(http.HandlerFunc(w.serveResource))
	w.issuer = httptest.NewServer(http.HandlerFunc(w.serveIssuer))
	t.Cleanup(w.resource.Close)
	t.Cleanup(w.issuer.Close)
	w.metadata = map[string]any{"resource": w.resource.URL + "/mcp", "authorization_servers": []string{w.issuer.URL}, "scopes_supported": []string{"all"}}
	w.server = map[string]any{
		"issuer": w.issuer.URL, "authorization_endpoint": w.issuer.URL + "/authorize", "token_endpoint": w.issuer.URL + "/token",
		"registration_endpoint": w.issuer.URL + "/register", "code_challenge_methods_supported": []string{"S256"},
		"authorization_response_iss_parameter_supported": true, "token_endpoint_auth_methods_supported": []string{"client_secret_post"},
	}
	w.answer = w.grant
	w.options = Options{
		Name: "helpdesk", URL: w.resource.URL + "/mcp", ClientName: "contoso", Store: w.store, SealingSecret: []byte("a secret of tests, and of nobody else"),
		Now: w.clock,
	}
	return w
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

func (w *world) change(do func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	do()
}

func (w *world) count(what string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.counts[what]
}

func (w *world) serveResource(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.anew != nil {
		w.anew.ServeHTTP(rw, r)
		return
	}
	w.counts[r.URL.Path]++
	switch r.URL.Path {
	case "/.well-known/oauth-protected-resource/mcp":
		w.write(rw, w.metadata)
	case "/mcp":
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		scopes, ok := w.valid[token]
		known := `resource_metadata="` + w.resource.URL + `/.well-known/oauth-protected-resource/mcp"`
		switch {
		case !ok:
			rw.Header().Set("WWW-Authenticate", `Bearer scope="tools", `+known)
			rw.WriteHeader(http.StatusUnauthorized)
		case !slices.Contains(strings.Fields(scopes), w.needed):
			rw.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope", scope="`+w.needed+`", `+known)
			rw.WriteHeader(http.StatusForbidden)
		default:
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(rw, "%s says %s", token, body)
		}
	default:
		http.NotFound(rw, r)
	}
}

func (w *world) write(rw http.ResponseWriter, value any) {
	rw.Header().Set("Content-Type", "application/json")
	if err := json.MarshalWrite(rw, value); err != nil {
		w.t.Error(err)
	}
}

func (w *world) serveIssuer(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[r.URL.Path]++
	switch r.URL.Path {
	case "/.well-known/oauth-authorization-server":
		w.write(rw, w.server)
	case "/register":
		var form map[string]any
		if err := json.UnmarshalRead(r.Body, &form); err != nil || form["application_type"] != "native" {
			w.t.Errorf("registering: got %v, %v", form, err)
		}
		rw.WriteHeader(http.StatusCreated)
		fmt.Fprintf(rw, `{"client_id":"client-%d","client_secret":"secret"}`, w.counts["/register"])
	case "/authorize":
		q := r.URL.Query()
		w.asked = q
		back := url.Values{"code": {"code"}, "state": {q.Get("state")}}
		if w.iss == nil {
			back.Set("iss", w.issuer.URL)
		} else if *w.iss != "" {
			back.Set("iss", *w.iss)
		}
		http.Redirect(rw, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
	case "/token":
		_ = r.ParseForm()
		w.last = r.PostForm
		w.basic, _, _ = r.BasicAuth()
		status, body := w.answer(r.PostForm)
		rw.WriteHeader(status)
		fmt.Fprint(rw, body)
	default:
		http.NotFound(rw, r)
	}
}

// grant is a token endpoint that grants what was asked for. It needs the lock.
func (w *world) grant(form url.Values) (int, string) {
	w.issued++
	token, scope := fmt.Sprint("token-", w.issued), form.Get("scope")
	if form.Get("grant_type") == "authorization_code" {
		scope = w.asked.Get("scope")
	}
	if form.Get("grant_type") == "refresh_token" {
		scope = "tools write"
	}
	w.valid[token] = scope
	return 200, fmt.Sprintf(`{"access_token":%q,"refresh_token":"refresh-%d","expires_in":3600,"scope":%q}`, token, w.issued, scope)
}

// instance is a gateway.
type instance struct {
	*world
	client *Client
	keeper *connection.Keeper
	to     *backend.Client
	site   *httptest.Server
}

// subjectKey is the context's key of the token of a caller.
type subjectKey struct{}

func (w *world) instance(id string) *instance {
	w.t.Helper()
	c, err := NewClient(w.options)
	if err != nil {
		w.t.Fatal(err)
	}
	k, err := connection.New(connection.Options{
		Store: w.store, Secret: w.options.SealingSecret, Now: w.clock, Providers: []connection.Provider{{Name: "helpdesk", Discovered: c}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	given := &Consented{Client: c, Keeper: k, Connection: id, CallersConsent: w.callers, Subject: func(ctx context.Context) string {
		token, _ := ctx.Value(subjectKey{}).(string)
		return token
	}}
	i := &instance{world: w, client: c, keeper: k}
	i.to = i.backend(given.Authorize, given.Challenged)
	i.site = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { _ = k.Serve(rw, r) }))
	w.t.Cleanup(i.site.Close)
	return i
}

func (i *instance) backend(a backend.Authorize, c backend.Challenged) *backend.Client {
	i.t.Helper()
	to, err := backend.New(backend.Options{URL: i.options.URL, Authorize: a, Challenged: c, Transport: &http.Transport{}})
	if err != nil {
		i.t.Fatal(err)
	}
	return to
}

// call is what the MCP server answers, or the error.
func (i *instance) call(ctx context.Context) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, i.options.URL, strings.NewReader("hello"))
	if err != nil {
		return "", err
	}
	res, err := i.to.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return fmt.Sprint(res.StatusCode, " ", string(body)), err
}

// wanted is the consent that a call wants.
func (i *instance) wanted(ctx context.Context) *ConsentError {
	i.t.Helper()
	got, err := i.call(ctx)
	wanted, ok := errors.AsType[*ConsentError](err)
	if !ok {
		i.t.Fatalf("got %q, %v, want a call for consent", got, err)
	}
	return wanted
}

var hidden = regexp.MustCompile(`name="ticket" value="([^"]+)"`)

// follow follows a link as a person does, and returns the page at its end.
func (i *instance) follow(path string) string {
	i.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		i.t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	visit := func(method string, form url.Values) string {
		req, err := http.NewRequestWithContext(i.t.Context(), method, i.site.URL+path, strings.NewReader(form.Encode()))
		if err != nil {
			i.t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		res, err := browser.Do(req)
		if err != nil {
			i.t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			i.t.Fatal(err)
		}
		return string(text)
	}
	page := visit(http.MethodGet, nil)
	found := hidden.FindStringSubmatch(page)
	if found == nil {
		return page
	}
	return visit(http.MethodPost, url.Values{"ticket": {html.UnescapeString(found[1])}})
}

func (i *instance) consent(ctx context.Context) {
	i.t.Helper()
	if page := i.follow(i.wanted(ctx).Path); !strings.Contains(page, "is connected") {
		i.t.Fatalf("got %s", page)
	}
}

func (i *instance) expect(ctx context.Context, want string) {
	i.t.Helper()
	got, err := i.call(ctx)
	if err != nil {
		got = err.Error()
	}
	if !strings.Contains(got, want) {
		i.t.Errorf("got %q, want %q", got, want)
	}
}

// jwt is a token with claims, which nobody signed.
func jwt(claims string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".x"
}

package credential

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// provider is a token endpoint that answers by a function of the form.
type provider struct {
	*httptest.Server
	calls atomic.Int64
}

func newProvider(t *testing.T, answer func(form url.Values, r *http.Request) (int, string)) *provider {
	t.Helper()
	p := &provider{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.calls.Add(1)
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		status, body := answer(r.PostForm, r)
		if strings.HasPrefix(body, "{") {
			w.Header().Set("Content-Type", "application/json")
		} else {
			w.Header().Set("Content-Type", "application/x-www-form-urlencoded")
		}
		if status == http.StatusFound {
			w.Header().Set("Location", body)
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(p.Close)
	return p
}

func request(t *testing.T) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://orders.contoso.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestClientCredentials(t *testing.T) {
	ok := func(url.Values, *http.Request) (int, string) { return 200, `{"access_token":"at","expires_in":"3600"}` }
	assertion := func(context.Context) (string, error) { return "signed", nil }
	for _, c := range []struct {
		name      string
		basic     bool
		assertion func(context.Context) (string, error)
		access    Access
		answer    func(url.Values, *http.Request) (int, string)
		form      string // that is wanted
		user      string // of HTTP Basic
		want      string // the header, or what the error has
	}{
		{"post", false, nil, Access{"s", "a"}, ok, "audience=a&client_id=id&client_secret=secret%2B&grant_type=client_credentials&scope=s", "", "Bearer at"},
		{"basic", true, nil, Access{}, ok, "grant_type=client_credentials", "id:secret%2B", "Bearer at"},
		{"assertion", false, assertion, Access{}, ok, "client_assertion=signed&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_id=id&grant_type=client_credentials", "", "Bearer at"},
		{"a form", false, nil, Access{}, func(url.Values, *http.Request) (int, string) { return 200, "access_token=gh&token_type=bearer" }, "", "", "Bearer gh"},
		{"refused", false, nil, Access{}, func(url.Values, *http.Request) (int, string) {
			return 401, `{"error":"invalid_client","error_description":"secret+ is wrong"}`
		}, "", "", "status 401, invalid_client: … is wrong (compare clientId"},
		{"refused with 200", false, nil, Access{}, func(url.Values, *http.Request) (int, string) { return 200, `{"error":"bad_verification_code"}` }, "", "", "bad_verification_code"},
		{"no token", false, nil, Access{}, func(url.Values, *http.Request) (int, string) { return 200, `{}` }, "", "", "no access_token"},
		{"no JSON", false, nil, Access{}, func(url.Values, *http.Request) (int, string) { return 500, `{` }, "", "", "status 500"},
		{"another type", false, nil, Access{}, func(url.Values, *http.Request) (int, string) {
			return 200, `{"access_token":"at","token_type":"mac"}`
		}, "", "", "not Bearer"},
		{"no header", false, nil, Access{}, func(url.Values, *http.Request) (int, string) { return 200, `{"access_token":"a\nb"}` }, "", "", "cannot be sent"},
		{"too long", false, nil, Access{}, func(url.Values, *http.Request) (int, string) { return 200, "{" + strings.Repeat(" ", MaxAnswer) }, "", "", "longer than"},
		{"a redirect", false, nil, Access{}, func(url.Values, *http.Request) (int, string) { return 302, "https://evil.contoso.com/" }, "", "", "status 302"},
	} {
		var form url.Values
		var user string
		p := newProvider(t, func(f url.Values, r *http.Request) (int, string) {
			form = f
			if name, password, ok := r.BasicAuth(); ok {
				user = name + ":" + password
			}
			return c.answer(f, r)
		})
		client := NewClient(ClientOptions{TokenURL: p.URL, ID: "id", Secret: "secret+", Basic: c.basic, Assertion: c.assertion})
		req := request(t)
		err := ClientCredentials(client, c.access, NewTokens(nil))(t.Context(), req)
		got := req.Header.Get("Authorization")
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, c.want) || strings.Contains(got, "secret+") {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		if c.form != "" && form.Encode() != c.form || user != c.user {
			t.Errorf("%s: sent %s as %q, want %s as %q", c.name, form.Encode(), user, c.form, c.user)
		}
	}
}

func TestIssuer(t *testing.T) {
	for _, c := range []struct{ name, path, issuer, endpoint, want string }{
		{"OpenID", "/t/.well-known/openid-configuration", "/t", "/token", "Bearer at"},
		{"RFC 8414", "/.well-known/oauth-authorization-server/t", "/t", "/token", "Bearer at"},
		{"another's", "/t/.well-known/openid-configuration", "/other", "/token", "another issuer"},
		{"no https", "/t/.well-known/openid-configuration", "/t", "http://evil.contoso.com/", "no https token endpoint"},
		{"none", "/elsewhere", "/t", "/token", "status 404, and no metadata"},
	} {
		var p *provider
		p = newProvider(t, func(_ url.Values, r *http.Request) (int, string) {
			switch r.URL.Path {
			case c.path:
				endpoint := c.endpoint
				if strings.HasPrefix(endpoint, "/") {
					endpoint = p.URL + endpoint
				}
				return 200, fmt.Sprintf(`{"issuer":%q,"token_endpoint":%q}`, p.URL+c.issuer, endpoint)
			case "/token":
				return 200, `{"access_token":"at"}`
			}
			return 404, `{}`
		})
		client := NewClient(ClientOptions{Issuer: p.URL + "/t", ID: "id", Secret: "s"})
		req := request(t)
		got := ""
		for range 2 { // the second finds the endpoint kept
			if err := ClientCredentials(client, Access{}, NewTokens(nil))(t.Context(), req); err != nil {
				got = err.Error()
			} else {
				got = req.Header.Get("Authorization")
			}
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// jwt is a token with an end, which nobody signed.
func jwt(exp int64) string {
	return "e30." + base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"exp":%d}`, exp)) + ".x"
}

func TestOnBehalfOf(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	clock := func() time.Time { return now }
	var form url.Values
	p := newProvider(t, func(f url.Values, _ *http.Request) (int, string) {
		form = f
		subject := f.Get("assertion") + f.Get("subject_token")
		if subject == "unconsented" {
			return 400, `{"error":"interaction_required","error_description":"AADSTS65001 unconsented"}`
		}
		return 200, fmt.Sprintf(`{"access_token":"for-%d","expires_in":3600}`, len(subject))
	})
	client := NewClient(ClientOptions{TokenURL: p.URL, ID: "id", Secret: "s", Now: clock})
	shown := ""
	subject := func(context.Context) string { return shown }
	entra := OnBehalfOf(client, Exchange{Access: Access{Scope: "api://orders/.default"}, Subject: subject}, NewTokens(clock))
	call := func(a Authorize, token string) string {
		req := request(t)
		shown = token
		err := a(t.Context(), req)
		if told, ok := errors.AsType[*Error](err); ok {
			if token != "" && strings.Contains(err.Error(), token) {
				t.Errorf("the error %q quotes the token", err)
			}
			return told.Public()
		}
		if err != nil {
			t.Fatal(err)
		}
		return req.Header.Get("Authorization")
	}
	expect := func(what, got, want string, calls int64) {
		t.Helper()
		if got != want || p.calls.Load() != calls {
			t.Errorf("%s: got %q after %d calls, want %q after %d", what, got, p.calls.Load(), want, calls)
		}
	}
	expect("nobody", call(entra, ""), "The backend is called on behalf of the caller, who showed no access token.", 0)
	expect("a caller", call(entra, "aa"), "Bearer for-2", 1)
	if got, want := form.Encode(), "assertion=aa&client_id=id&client_secret=s&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&requested_token_use=on_behalf_of&scope=api%3A%2F%2Forders%2F.default"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	expect("the same caller", call(entra, "aa"), "Bearer for-2", 1)
	expect("another one", call(entra, "bbb"), "Bearer for-3", 2)
	expect("one who has not consented", call(entra, "unconsented"), "The identity provider gives no access to the backend on behalf of this caller: sign in again, or consent to it.", 3)

	short := jwt(now.Unix() + 60)
	expect("a token that ends soon", call(entra, short), fmt.Sprintf("Bearer for-%d", len(short)), 4)
	now = now.Add(61 * time.Second)
	expect("after its end", call(entra, short), fmt.Sprintf("Bearer for-%d", len(short)), 5) // the provider decides
	now = now.Add(opaqueSubject)
	expect("an opaque one after a while", call(entra, "aa"), "Bearer for-2", 6)

	exchange := OnBehalfOf(client, Exchange{Access: Access{Audience: "orders"}, RFC8693: true, Subject: subject}, NewTokens(clock))
	expect("exchange", call(exchange, "aa"), "Bearer for-2", 7)
	if form.Get("subject_token") != "aa" || form.Get("audience") != "orders" || form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:token-exchange" {
		t.Errorf("sent %s", form.Encode())
	}
}

// Of calls at the same time one fetches; a token is renewed behind the calls, and
// a failure to do so shows only when it has ended.
func TestTokensAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens := NewTokens(nil)
		var fetches atomic.Int64
		fail := errors.New("the endpoint is down")
		var down atomic.Bool
		obtain := func(context.Context) (Token, error) {
			n := fetches.Add(1)
			time.Sleep(time.Second)
			if down.Load() {
				return Token{}, fail
			}
			return Token{Text: fmt.Sprint(n), Expires: time.Now().Add(time.Hour)}, nil
		}
		get := func() string {
			text, err := tokens.Get(t.Context(), "", obtain)
			if err != nil {
				return err.Error()
			}
			return text
		}
		var calls sync.WaitGroup
		for range 50 {
			calls.Go(func() {
				if got := get(); got != "1" {
					t.Errorf("got %s", got)
				}
			})
		}
		calls.Wait()
		expect := func(want string, n int64) {
			t.Helper()
			got := get()
			synctest.Wait()
			if got != want || fetches.Load() != n {
				t.Errorf("got %s after %d fetches, want %s after %d", got, fetches.Load(), want, n)
			}
		}
		time.Sleep(54 * time.Minute)
		expect("1", 1)
		time.Sleep(2 * time.Minute)
		down.Store(true)
		expect("1", 2)
		time.Sleep(2 * time.Second)
		expect("1", 2) // not again at once
		time.Sleep(renewEvery)
		down.Store(false)
		expect("1", 3)
		time.Sleep(2 * time.Second)
		expect("3", 3)
		time.Sleep(2 * time.Hour)
		down.Store(true)
		expect(fail.Error(), 4)
		expect(fail.Error(), 5)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := tokens.Get(ctx, "", obtain); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		time.Sleep(time.Minute)
	})
}

func TestTokensAreBounded(t *testing.T) {
	now := time.Unix(0, 0)
	tokens := NewTokens(func() time.Time { return now })
	tokens.most = 3
	fetches := 0
	for _, key := range []string{"a", "b", "c", "a", "d", "a", "b"} { // d puts b out
		now = now.Add(time.Second)
		if _, err := tokens.Get(t.Context(), key, func(context.Context) (Token, error) {
			fetches++
			return Token{Text: key, Expires: now.Add(time.Hour)}, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if len(tokens.kept) != 3 || fetches != 5 {
		t.Errorf("got %d tokens of %d fetches, want 3 of 5", len(tokens.kept), fetches)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(200, []byte(`{"access_token":"a","expires_in":3600}`))
	f.Add(400, []byte(`{"error":"invalid_grant","error_description":"x"}`))
	f.Add(200, []byte(`{"access_token":"a","expires_in":1e400}`))
	c := NewClient(ClientOptions{ID: "id"})
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		token, err := c.read(status, body, &Error{}, nil)
		if err == nil && (token.Text == "" || !token.Expires.After(time.Now())) {
			t.Errorf("got %+v", token)
		}
		_ = formAsJSON(body)
	})
}

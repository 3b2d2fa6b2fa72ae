package oauthclient

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestConsent is the way of a caller: refused, led to the page, given access, and
// asked for more.
func TestConsent(t *testing.T) {
	w := newWorld(t)
	w.callers = true
	i, other := w.instance("shared"), w.instance("shared")
	i.consent(t.Context())
	for name, want := range map[string]string{"resource": w.resource.URL + "/mcp", "scope": "tools", "code_challenge_method": "S256", "client_id": "client-1"} {
		if got := w.asked.Get(name); got != want {
			t.Errorf("asked with %s %q, want %q", name, got, want)
		}
	}
	if w.last.Get("resource") != w.resource.URL+"/mcp" || w.last.Get("client_secret") != "secret" || w.last.Get("code_verifier") == "" {
		t.Errorf("the token endpoint got %v", w.last)
	}
	i.expect(t.Context(), "200 token-1 says hello")
	other.expect(t.Context(), "200 token-1 says hello")

	w.change(func() { w.needed = "write" })
	more := i.wanted(t.Context())
	if !more.More || strings.Join(more.Scopes, " ") != "tools write" {
		t.Errorf("got %+v, want more scopes, and those that were granted", more)
	}
	if page := i.follow(more.Path); !strings.Contains(page, "is connected") {
		t.Fatalf("got %s", page)
	}
	i.expect(t.Context(), "200 token-2 says hello")
	other.expect(t.Context(), "200 token-2 says hello")
	if got := w.count("/register"); got != 1 {
		t.Errorf("registered %d times, want once", got)
	}

	// A server that wants what was granted gains nothing by asking again.
	w.change(func() { w.valid["token-2"] = "" })
	i.expect(t.Context(), "403 ")
}

// TestWhoConsents: a shared connection is the operator's to make unless it is said
// otherwise, and that of a caller is theirs alone.
func TestWhoConsents(t *testing.T) {
	w := newWorld(t)
	i := w.instance("shared")
	wanted := i.wanted(t.Context())
	if wanted.Path != "" || !strings.Contains(wanted.Error(), "connections add helpdesk/shared") || strings.Contains(wanted.Public(), "connections add") {
		t.Errorf("got %+v", wanted)
	}
	path, err := i.keeper.Ticket("helpdesk", "shared", nil, nil) // as the command does
	if err != nil {
		t.Fatal(err)
	}
	if page := w.instance("shared").follow(path); !strings.Contains(page, "is connected") {
		t.Fatalf("got %s", page)
	}
	i.expect(t.Context(), "200 token-1 says hello")

	each := w.instance("")
	a := context.WithValue(t.Context(), subjectKey{}, jwt(`{"iss":"https://login.contoso.com","sub":"a"}`))
	b := context.WithValue(t.Context(), subjectKey{}, jwt(`{"iss":"https://other.contoso.com","sub":"a"}`))
	each.expect(t.Context(), "without a token that was validated")
	each.expect(context.WithValue(t.Context(), subjectKey{}, "opaque"), "without a token that was validated")
	each.consent(a)
	each.expect(a, "200 token-2 says hello")
	if each.wanted(b).Path == "" {
		t.Error("another caller is not led to the page")
	}
}

// TestRenewal: of many calls one renews, over all instances.
func TestRenewal(t *testing.T) {
	w := newWorld(t)
	w.callers = true
	i, other := w.instance("shared"), w.instance("shared")
	i.consent(t.Context())
	before := w.count("/token")
	w.pass(2 * time.Hour)
	var calls sync.WaitGroup
	for n := range 40 {
		calls.Go(func() { []*instance{i, other}[n%2].expect(t.Context(), "200 token-2 says hello") })
	}
	calls.Wait()
	if got := w.count("/token") - before; got != 1 {
		t.Errorf("renewed %d times, want once", got)
	}
	if w.last.Get("grant_type") != "refresh_token" || w.last.Get("refresh_token") != "refresh-1" || w.last.Get("resource") == "" {
		t.Errorf("the token endpoint got %v", w.last)
	}

	// A token that is refused before its end is renewed, but not with each call.
	w.pass(2 * time.Minute)
	w.change(func() { delete(w.valid, "token-2") })
	for range 20 {
		calls.Go(func() { i.expect(t.Context(), "200 token-3 says hello") })
	}
	calls.Wait()
	if got := w.count("/token") - before; got != 2 {
		t.Errorf("renewed %d times, want twice", got)
	}
	w.change(func() { clear(w.valid) })
	if wanted := i.wanted(t.Context()); w.count("/token")-before != 2 {
		t.Errorf("a token that is refused right after it was renewed was renewed again: %v", wanted)
	}
}

// TestMigration: a client of one authorization server is none of another, and access
// of the one is not shown to the other.
func TestMigration(t *testing.T) {
	w, next := newWorld(t), newWorld(t)
	w.callers = true
	i := w.instance("shared")
	i.consent(t.Context())
	w.change(func() {
		clear(w.valid)
		w.metadata["authorization_servers"] = []string{next.issuer.URL}
	})
	wanted := i.wanted(t.Context())
	if w.count("/token") != 1 {
		t.Error("the access was renewed at the server that was left")
	}
	if page := i.follow(wanted.Path); !strings.Contains(page, "is connected") {
		t.Fatalf("got %s", page)
	}
	if next.count("/register") != 1 || next.last.Get("client_secret") != "secret" || next.last.Get("refresh_token") != "" {
		t.Errorf("the other server got %v", next.last)
	}

	// What was given for a server that was configured before is for that one.
	w.options.URL = next.resource.URL + "/mcp"
	next.change(func() { next.valid["token-1"] = "tools" })
	if moved := w.instance("shared"); moved.wanted(t.Context()).Path == "" {
		t.Error("the token of another MCP server was shown")
	}
}

// TestIssuerOfAnswer: the answer of another provider, or of nobody, is not taken.
func TestIssuerOfAnswer(t *testing.T) {
	other, none := "https://evil.contoso.com", ""
	for _, c := range []struct {
		name     string
		promises bool
		iss      func(w *world) *string
		want     string
	}{
		{"right", true, func(*world) *string { return nil }, "is connected"},
		{"right, not promised", false, func(*world) *string { return nil }, "is connected"},
		{"none, not promised", false, func(*world) *string { return &none }, "is connected"},
		{"none", true, func(*world) *string { return &none }, "does not say whose"},
		{"wrong", true, func(*world) *string { return &other }, "another provider"},
		{"wrong, not promised", false, func(*world) *string { return &other }, "another provider"},
		{"with a slash", true, func(w *world) *string { s := w.issuer.URL + "/"; return &s }, "another provider"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.callers, w.iss = true, c.iss(w)
			w.server["authorization_response_iss_parameter_supported"] = c.promises
			i := w.instance("shared")
			page := i.follow(i.wanted(t.Context()).Path)
			if !strings.Contains(page, c.want) || (w.count("/token") > 0) != (c.want == "is connected") {
				t.Errorf("got %s after %d requests for a token, want %q", page, w.count("/token"), c.want)
			}
		})
	}
}

// TestForgotten: a client that the server knows no more is registered again.
func TestForgotten(t *testing.T) {
	w := newWorld(t)
	w.callers = true
	i := w.instance("shared")
	w.answer = func(url.Values) (int, string) { return 401, `{"error":"invalid_client"}` }
	if page := i.follow(i.wanted(t.Context()).Path); !strings.Contains(page, "could not be made") {
		t.Errorf("got %s", page)
	}
	w.answer = w.grant
	i.consent(t.Context())
	if w.count("/register") != 2 {
		t.Errorf("registered %d times, want twice", w.count("/register"))
	}
}

// TestLost: access that cannot be renewed leads to the page where that helps: when
// the client is known no more, and when the MCP server has moved to another
// authorization server. A token endpoint that is away for a while does not.
func TestLost(t *testing.T) {
	for _, c := range []struct {
		name string
		lose func(w, next *world)
		want string // of the error; empty: the page
	}{
		{"unregistered", func(w, _ *world) {
			w.answer = func(url.Values) (int, string) { return 401, `{"error":"invalid_client"}` }
		}, ""},
		{"revoked", func(w, _ *world) {
			w.answer = func(url.Values) (int, string) { return 400, `{"error":"invalid_grant"}` }
		}, ""},
		{"moved", func(w, next *world) {
			w.issuer.Config.Handler = http.NotFoundHandler()
			w.metadata["authorization_servers"] = []string{next.issuer.URL}
		}, ""},
		{"away", func(w, _ *world) { w.answer = func(url.Values) (int, string) { return 503, "" } }, "renewing the access"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, next := newWorld(t), newWorld(t)
			w.callers = true
			i := w.instance("shared")
			i.consent(t.Context())
			w.pass(2 * time.Hour)
			w.change(func() { c.lose(w, next) })
			for range 2 {
				if c.want != "" {
					i.expect(t.Context(), c.want)
				} else if i.wanted(t.Context()).Path == "" {
					t.Error("there is no link")
				}
			}
			w.change(func() { w.answer = w.grant })
			if c.want == "" {
				i.consent(t.Context())
			}
			w.pass(2 * time.Minute)
			if c.name != "moved" {
				i.expect(t.Context(), "says hello")
			}
		})
	}
}

// TestAnonymous: a server that asks for nothing gets nothing.
func TestAnonymous(t *testing.T) {
	w := newWorld(t)
	w.valid[""] = "tools"
	i := w.instance("shared")
	i.expect(t.Context(), "200  says hello")
	if w.count("/.well-known/oauth-protected-resource/mcp") != 0 {
		t.Error("something was discovered")
	}
	w.anew = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusForbidden) })
	i.expect(t.Context(), "403 ")
}

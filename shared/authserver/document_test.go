package authserver

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// site serves metadata documents in place of the internet.
type site struct {
	answer  http.HandlerFunc
	fetched atomic.Int64
}

func (s *site) RoundTrip(r *http.Request) (*http.Response, error) {
	s.fetched.Add(1)
	rec := httptest.NewRecorder()
	s.answer(rec, r)
	return rec.Result(), nil
}

const documentID = "https://client.contoso.com/metadata.json"

func document(body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		_, _ = w.Write([]byte(body))
	}
}

const goodDocument = `{"client_id":"` + documentID + `","client_name":"Example","redirect_uris":["` + redirect1 + `","javascript:x"],"grant_types":["authorization_code"]}`

// TestDocumentedClient: a client signs in by the URL of its metadata document.
func TestDocumentedClient(t *testing.T) {
	s := &site{answer: document(goodDocument)}
	w := newWorld(t, func(o *Options) { o.Documents = s })
	got := w.token(redemption(documentID, w.browser().signIn(ask(documentID, redirect1))))
	if got.Status != http.StatusOK || w.claimsOf(got.AccessToken)["client_id"] != documentID {
		t.Fatalf("got %+v", got)
	}
	page := text(w.browser().open(issuer+pathAuthorize+"?"+ask(documentID, redirect1).Encode(), nil))
	if !strings.Contains(page, "published by <code>client.contoso.com</code>") {
		t.Errorf("the page does not say whose it is: %s", page)
	}
	for _, uri := range []string{"javascript:x", "https://client.contoso.com/"} {
		if res := w.browser().open(issuer+pathAuthorize+"?"+ask(documentID, uri).Encode(), nil); res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: got status %d", uri, res.StatusCode)
		}
	}
	if n := s.fetched.Load(); n != 1 {
		t.Errorf("the document was fetched %d times", n)
	}
	w.clock.forward(defaultDocumentAge)
	w.browser().consent(ask(documentID, redirect1))
	if n := s.fetched.Load(); n != 2 {
		t.Errorf("after an hour the document was fetched %d times", n)
	}
}

// TestDocumentRefused: documents that make no client.
func TestDocumentRefused(t *testing.T) {
	redirecting := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "http://169.254.169.254/")
		w.WriteHeader(http.StatusFound)
	}
	tests := []struct {
		name   string
		answer http.HandlerFunc
	}{
		{"a redirect", redirecting},
		{"not found", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }},
		{"HTML", document(goodDocument, "Content-Type", "text/html")},
		{"no type", document(goodDocument, "Content-Type", "")},
		{"no JSON", document(`<html>`)},
		{"of another client", document(strings.Replace(goodDocument, documentID, "https://other.contoso.com/metadata.json", 1))},
		{"of a client that is nearly the same", document(strings.Replace(goodDocument, documentID, documentID+"/", 1))},
		{"a member twice", document(strings.Replace(goodDocument, "{", `{"client_id":"`+documentID+`",`, 1))},
		{"no redirect URIs", document(`{"client_id":"` + documentID + `"}`)},
		{"a secret", document(strings.Replace(goodDocument, "{", `{"client_secret":"x",`, 1))},
		{"an authentication that is not done here", document(strings.Replace(goodDocument, "{", `{"token_endpoint_auth_method":"private_key_jwt",`, 1))},
		{"too long", document(strings.Replace(goodDocument, "{", `{"a":"`+strings.Repeat("a", maxDocument)+`",`, 1))},
	}
	for _, tt := range tests {
		s := &site{answer: tt.answer}
		w := newWorld(t, func(o *Options) { o.Documents = s })
		for range 2 {
			res := w.browser().open(issuer+pathAuthorize+"?"+ask(documentID, redirect1).Encode(), nil)
			if body := text(res); res.StatusCode != http.StatusBadRequest || !strings.Contains(body, "invalid_client") || strings.Contains(body, "169.254") {
				t.Errorf("%s: got status %d, %s", tt.name, res.StatusCode, body)
			}
		}
		if n := s.fetched.Load(); n != 1 {
			t.Errorf("%s: fetched %d times within a minute", tt.name, n)
		}
	}
}

// TestDocumentURLs: which client ids are URLs of documents.
func TestDocumentURLs(t *testing.T) {
	all := newDocuments(nil, nil, time.Now)
	some := newDocuments(nil, []string{"vscode.dev", "*.contoso.com"}, time.Now)
	tests := []struct {
		id                     string
		good, goodAmongAllowed bool
	}{
		{documentID, true, true},
		{"https://vscode.dev/a", true, true},
		{"https://VSCODE.dev/a", true, true},
		{"https://a.b.contoso.com:8443/x?y=z", true, true},
		{"https://contoso.com/a", true, false},
		{"https://evilcontoso.com/a", true, false},
		{"https://a.contoso.com.evil.example/a", true, false},
		{"https://insiders.vscode.dev/a", true, false},
		{"http://client.contoso.com/a", false, false},
		{"https://client.contoso.com", false, false},
		{"https://client.contoso.com/", false, false},
		{"https://client.contoso.com/a#b", false, false},
		{"https://client.contoso.com/a#", false, false},
		{"https://user@client.contoso.com/a", false, false},
		{"https://client.contoso.com/a/../b", false, false},
		{"https://client.contoso.com/a/%2e%2e/b", false, false},
		{"https://client.contoso.com/a b", false, false},
		{"https:client.contoso.com/a", false, false},
		{"https:///a", false, false},
		{"file:///etc/passwd", false, false},
		{"javascript:x", false, false},
		{"https://%zz/a", false, false},
	}
	for _, tt := range tests {
		if _, wrong := all.check(tt.id); (wrong == "") != tt.good {
			t.Errorf("%s: got %q, want good = %t", tt.id, wrong, tt.good)
		}
		if _, wrong := some.check(tt.id); (wrong == "") != tt.goodAmongAllowed {
			t.Errorf("%s where some are allowed: got %q, want good = %t", tt.id, wrong, tt.goodAmongAllowed)
		}
	}
}

// TestDocumentsBounded: anybody may name URLs, and what that costs is bounded.
func TestDocumentsBounded(t *testing.T) {
	release := make(chan struct{})
	s := &site{answer: func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
		w.WriteHeader(http.StatusNotFound)
	}}
	c := &clock{now: time.Now()}
	d := newDocuments(s, nil, c.Now)
	ctx, cancel := context.WithCancel(t.Context())
	results := make(chan error)
	for i := range maxFetches {
		go func() {
			_, err := d.get(ctx, documentID+strings.Repeat("a", i))
			results <- err
		}()
	}
	for len(d.slots) < maxFetches {
		_, _ = d.get(canceled(ctx), documentID) // gives way
	}
	if _, err := d.get(t.Context(), documentID+"?more"); err != errManyFetches { //nolint:errorlint // it is that very one
		t.Errorf("one more: got %v, want %v", err, errManyFetches)
	}
	cancel()
	for range maxFetches {
		if err := <-results; err != context.Canceled { //nolint:errorlint // it is that very one
			t.Errorf("one that is not waited for: got %v", err)
		}
	}
	close(release)
	for i := range 2 * maxDocuments {
		for len(d.slots) > 0 {
			c.forward(time.Millisecond)
		}
		_, _ = d.get(t.Context(), documentID+"?"+strings.Repeat("b", i))
	}
	if n := len(d.kept); n > maxDocuments+maxFetches {
		t.Errorf("%d documents are kept", n)
	}
}

func canceled(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}

func TestDocumentAge(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"": defaultDocumentAge, "max-age=7200": 2 * time.Hour, "public, max-age=1": minDocumentAge, "max-age=99999999": maxDocumentAge,
		"no-store": minDocumentAge, "max-age=x": defaultDocumentAge, "Max-Age=600": 10 * time.Minute,
	} {
		if got := documentAge(header); got != want {
			t.Errorf("%q: got %v, want %v", header, got, want)
		}
	}
}

// FuzzRedirectURI: what is taken leads where it seems to.
func FuzzRedirectURI(f *testing.F) {
	for _, seed := range []string{redirect1, native, "vscode://a/b", "http://127.0.0.1:1@evil.example/", "https://a\\@b/", "http://[::1"} {
		f.Add(seed, native)
	}
	s := &Server{loopback: true}
	f.Fuzz(func(t *testing.T, given, registered string) {
		if s.checkRedirectURI(given) != "" {
			return
		}
		rest := addParameters(given, map[string][]string{"code": {"c"}})
		if !strings.HasPrefix(rest, given[:max(strings.IndexByte(given, '?'), 0)]) || strings.ContainsAny(rest, "\r\n# ") {
			t.Errorf("%q becomes %q", given, rest)
		}
		if sameRedirectURI(registered, given) && registered != given && !strings.HasPrefix(given, "http://") {
			t.Errorf("%q passes for %q", given, registered)
		}
	})
}

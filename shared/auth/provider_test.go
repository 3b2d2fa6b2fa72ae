package auth

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// web is a key of a provider.
func web(kid string, key crypto.PublicKey) jose.JSONWebKey {
	return jose.JSONWebKey{KeyID: kid, Key: key}
}

// keySetText is a JSON Web Key Set.
func keySetText(keys ...jose.JSONWebKey) string {
	texts := make([]string, len(keys))
	for i, k := range keys {
		text, err := k.MarshalJSON()
		if err != nil {
			panic(err)
		}
		texts[i] = string(text)
	}
	return `{"keys":[` + strings.Join(texts, ",") + `]}`
}

// idp is an OpenID provider on this machine.
type idp struct {
	server *httptest.Server
	issuer string

	mu     sync.Mutex
	keys   string // the JSON Web Key Set
	status int
	asked  int // requests for the configuration
}

func newIDP(t *testing.T, issuer string, keys ...jose.JSONWebKey) *idp {
	p := &idp{issuer: issuer, keys: keySetText(keys...), status: http.StatusOK}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.asked++
		w.WriteHeader(p.status)
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, p.issuer, p.server.URL+"/keys")
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		_, _ = io.WriteString(w, p.keys)
	})
	p.server = httptest.NewServer(mux)
	t.Cleanup(p.server.Close)
	return p
}

func (p *idp) url() string { return p.server.URL + "/.well-known/openid-configuration" }

// answer changes what the provider answers.
func (p *idp) answer(status int, keys ...jose.JSONWebKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status, p.keys = status, keySetText(keys...)
}

func (p *idp) requests() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

// clock is a clock that tests move.
type clock struct{ moved atomic.Int64 }

func (c *clock) now() time.Time       { return noon.Add(time.Duration(c.moved.Load())) }
func (c *clock) move(d time.Duration) { c.moved.Add(int64(d)) }

// settle waits until nothing is being fetched.
func (v *Validator) settle() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, p := range v.providers {
		p.mu.Lock()
		f := p.running
		p.mu.Unlock()
		if f != nil {
			<-f.done
		}
	}
}

// always is a payload that does not expire while tests move the clock.
func always(iss string) string { return fmt.Sprintf(`{"exp":1900000000,"iss":%q}`, iss) }

func TestProvider(t *testing.T) {
	const iss = "https://id.contoso.com/"
	p := newIDP(t, iss, web("1", &rsaKey().PublicKey))
	c := &clock{}
	v := New(Options{Now: c.now})
	rules := &Rules{OpenIDConfigs: []string{p.url()}, RequireSigned: true, RequireExpiration: true}
	token := func(alg, kid string, key any) string { return sign(t, alg, key, always(iss), "kid", kid) }
	first, second := token("RS256", "1", rsaKey()), token("RS256", "2", otherRSA())

	steps := []struct {
		name     string
		before   func()
		token    string
		want     string
		requests int
	}{
		{"the first call fetches", nil, first, "", 1},
		{"the second does not", nil, first, "", 1},
		{"an unknown kid is asked for", func() { p.answer(200, web("2", &otherRSA().PublicKey)) }, second, "", 2},
		{"the old key is gone, and not asked for so soon", nil, first, "TokenSignatureKeyNotFound", 2},
		{"nor a moment before five minutes", func() { c.move(5*time.Minute - 1) }, first, "TokenSignatureKeyNotFound", 2},
		{"a known kid with a bad signature asks nobody", func() { c.move(6 * time.Minute) }, token("RS256", "2", rsaKey()), "TokenSignatureInvalid", 2},
		{"nor does a known kid with another alg", nil, token("ES256", "2", p256()), "TokenSignatureInvalid", 2},
		{"fresh for an hour", func() { c.move(49 * time.Minute) }, second, "", 2},
		{"refreshed after an hour", func() { c.move(1) }, second, "", 3},
		{"an outage is not noticed", func() { p.answer(503); c.move(time.Hour) }, second, "", 4},
		{"and retried", func() { c.move(5 * time.Minute) }, second, "", 5},
		{"not more often", func() { c.move(time.Minute) }, second, "", 5},
		{"an unknown kid in the outage", nil, first, "TokenSignatureKeyNotFound", 5},
		{"a set without keys replaces nothing", func() { p.answer(200); c.move(5 * time.Minute) }, second, "", 6},
		{"the provider is back: the call still uses what there is", func() { p.answer(200, web("1", &rsaKey().PublicKey)); c.move(5 * time.Minute) }, second, "", 7},
		{"and the next one what is new", nil, first, "", 7},
		{"another issuer", nil, sign(t, "RS256", rsaKey(), always("https://evil/"), "kid", "1"), "TokenIssuerNotAllowed", 7},
	}
	for _, step := range steps {
		if step.before != nil {
			step.before()
		}
		_, err := v.Validate(t.Context(), step.token, rules)
		v.settle()
		if got := kindOf(t, err); got != step.want || p.requests() != step.requests {
			t.Fatalf("%s: got %q after %d requests (%v), want %q after %d", step.name, got, p.requests(), err, step.want, step.requests)
		}
	}
}

// A provider that was never reached is asked again after five minutes only.
func TestOutageAtFirst(t *testing.T) {
	p := newIDP(t, "i", web("1", &p256().PublicKey))
	p.answer(500)
	c := &clock{}
	v := New(Options{Now: c.now})
	rules := &Rules{OpenIDConfigs: []string{p.url()}}
	token := sign(t, "ES256", p256(), always("i"), "kid", "1")
	for range 3 {
		_, err := v.Validate(t.Context(), token, rules)
		if got := kindOf(t, err); got != "TokenSignatureKeyNotFound" || !strings.Contains(err.Error(), "answered status 500") || p.requests() != 1 {
			t.Fatalf("got %v after %d requests, want TokenSignatureKeyNotFound with status 500 after 1", err, p.requests())
		}
	}
	p.answer(200, web("1", &p256().PublicKey))
	c.move(5 * time.Minute)
	if _, err := v.Validate(t.Context(), token, rules); err != nil {
		t.Errorf("got %v, want none", err)
	}
}

// Without a kid all keys are tried, and the set is refreshed when none verifies.
func TestWithoutKid(t *testing.T) {
	p := newIDP(t, "i", web("1", &rsaKey().PublicKey), web("2", &p256().PublicKey))
	c := &clock{}
	v := New(Options{Now: c.now})
	rules := &Rules{OpenIDConfigs: []string{p.url()}}
	if _, err := v.Validate(t.Context(), sign(t, "ES256", p256(), always("i")), rules); err != nil {
		t.Fatalf("got %v, want none", err)
	}
	rotated := sign(t, "RS256", otherRSA(), always("i"))
	_, err := v.Validate(t.Context(), rotated, rules)
	if got := kindOf(t, err); got != "TokenSignatureInvalid" {
		t.Errorf("got %q, want TokenSignatureInvalid", got)
	}
	p.answer(200, web("", &otherRSA().PublicKey))
	c.move(5 * time.Minute)
	if _, err := v.Validate(t.Context(), rotated, rules); err != nil {
		t.Errorf("after rotation: got %v, want none", err)
	}
	// A key that has no kid is tried for every kid.
	if _, err := v.Validate(t.Context(), sign(t, "RS256", otherRSA(), always("i"), "kid", "x"), rules); err != nil {
		t.Errorf("with a kid: got %v, want none", err)
	}
}

// The issuer of a provider is accepted of its own keys, not of those of another.
func TestSeveralProviders(t *testing.T) {
	a := newIDP(t, "a", web("a", &rsaKey().PublicKey), web("both", &p256().PublicKey))
	b := newIDP(t, "b", web("b", &otherRSA().PublicKey), web("both", &p256().PublicKey))
	tests := []struct {
		name, kid string
		key       any
		alg, iss  string
		want      string
	}{
		{"a", "a", rsaKey(), "RS256", "a", ""},
		{"b", "b", otherRSA(), "RS256", "b", ""},
		{"b says a", "b", otherRSA(), "RS256", "a", "TokenIssuerNotAllowed"},
		{"a says b", "a", rsaKey(), "RS256", "b", "TokenIssuerNotAllowed"},
		{"a key of both says a", "both", p256(), "ES256", "a", ""},
		{"a key of both says b", "both", p256(), "ES256", "b", ""},
		{"an issuer of the rules", "b", otherRSA(), "RS256", "c", ""},
		{"a key of the rules says b", "x", secret, "HS256", "b", ""},
		{"a key of the rules says d", "x", secret, "HS256", "d", "TokenIssuerNotAllowed"},
	}
	rules := &Rules{OpenIDConfigs: []string{a.url(), b.url()}, Issuers: []string{"c"}, Keys: []Key{{Secret: secret}}}
	shared := atNoon()
	for _, test := range tests {
		for name, v := range map[string]*Validator{"cold": atNoon(), "warm": shared} {
			_, err := v.Validate(t.Context(), sign(t, test.alg, test.key, always(test.iss), "kid", test.kid), rules)
			if got := kindOf(t, err); got != test.want {
				t.Errorf("%s, %s: got %q (%v), want %q", test.name, name, got, err, test.want)
			}
		}
	}
	unsignedRules := &Rules{OpenIDConfigs: []string{a.url()}}
	for iss, want := range map[string]string{"a": "", "b": "TokenIssuerNotAllowed"} {
		_, err := shared.Validate(t.Context(), unsigned(`{"alg":"none"}`, always(iss)), unsignedRules)
		if got := kindOf(t, err); got != want {
			t.Errorf("unsigned, iss %s: got %q, want %q", iss, got, want)
		}
	}
}

// Two providers may use the same kid: one that has it does not speak for the other.
func TestSameKid(t *testing.T) {
	a := newIDP(t, "a", web("1", &rsaKey().PublicKey))
	b := newIDP(t, "b", web("1", &otherRSA().PublicKey))
	v := atNoon()
	for _, urls := range [][]string{{a.url()}, {a.url(), b.url()}} {
		want := map[int]string{1: "TokenSignatureInvalid", 2: ""}[len(urls)]
		_, err := v.Validate(t.Context(), sign(t, "RS256", otherRSA(), always("b"), "kid", "1"), &Rules{OpenIDConfigs: urls})
		if got := kindOf(t, err); got != want {
			t.Errorf("%d providers: got %q (%v), want %q", len(urls), got, err, want)
		}
	}
}

// scripted answers requests by host; a host that is not there never answers.
type scripted map[string]string

func (s scripted) RoundTrip(req *http.Request) (*http.Response, error) {
	text, ok := s[req.URL.Host]
	if !ok {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	if strings.HasSuffix(req.URL.Path, "/openid-configuration") {
		text = fmt.Sprintf(`{"issuer":%q,"jwks_uri":"https://%s/keys"}`, req.URL.Host, req.URL.Host)
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(text)), Request: req}, nil
}

const slow, quick = "https://slow/.well-known/openid-configuration", "https://quick/.well-known/openid-configuration"

// A provider that does not answer costs only those calls that need it, and those
// not more than the timeout or their own context.
func TestSlowProvider(t *testing.T) {
	known := sign(t, "RS256", rsaKey(), always("quick"), "kid", "1")
	unknown := sign(t, "RS256", rsaKey(), always("quick"), "kid", "2")
	synctest.Test(t, func(t *testing.T) {
		v := New(Options{Transport: scripted{"quick": keySetText(web("1", &rsaKey().PublicKey))}})
		rules := &Rules{OpenIDConfigs: []string{slow, quick}}
		took := func(token, want string, cause error, limit time.Duration) time.Duration {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			start := time.Now()
			_, err := v.Validate(ctx, token, rules)
			if got := kindOf(t, err); got != want || cause != nil && !errors.Is(err, cause) {
				t.Errorf("got %q (%v), want %q with %v", got, err, want, cause)
			}
			return time.Since(start)
		}
		if d := took(known, "", nil, time.Minute); d != 0 {
			t.Errorf("a key of the quick provider: got %v, want no wait", d)
		}
		if d := took(unknown, "TokenSignatureKeyNotFound", context.DeadlineExceeded, time.Second); d != time.Second {
			t.Errorf("bounded by the context: got %v, want 1s", d)
		}
		if d := took(known, "", nil, time.Minute); d != 0 {
			t.Errorf("a cached key, while the fetch goes on: got %v, want no wait", d)
		}
		if d := took(unknown, "TokenSignatureKeyNotFound", context.DeadlineExceeded, time.Minute); d != fetchTimeout-time.Second {
			t.Errorf("bounded by the timeout: got %v, want %v", d, fetchTimeout-time.Second)
		}
		if d := took(unknown, "TokenSignatureKeyNotFound", context.DeadlineExceeded, time.Minute); d != 0 {
			t.Errorf("after a failure: got %v, want no wait", d)
		}
		synctest.Wait()
	})
}

// A stale set is used while a provider that became slow is being asked.
func TestStaleWhileSlow(t *testing.T) {
	token := sign(t, "RS256", rsaKey(), `{"iss":"quick"}`, "kid", "1")
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		answers := scripted{"quick": keySetText(web("1", &rsaKey().PublicKey))}
		v := New(Options{Transport: answers, Log: slog.New(slog.NewTextHandler(&log, nil))})
		rules := &Rules{OpenIDConfigs: []string{quick}}
		if _, err := v.Validate(t.Context(), token, rules); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		delete(answers, "quick")
		for range 3 {
			time.Sleep(freshFor) // of the bubble: takes no time
			start := time.Now()
			_, err := v.Validate(t.Context(), token, rules)
			if d := time.Since(start); err != nil || d != 0 {
				t.Errorf("got %v after %v, want none at once", err, d)
			}
		}
		time.Sleep(fetchTimeout)
		synctest.Wait()
		if n := strings.Count(log.String(), "keeping the keys"); n != 3 {
			t.Errorf("got %d warnings, want 3: %s", n, log.String())
		}
	})
}

// Many calls wait for one fetch.
func TestOneFetch(t *testing.T) {
	p := newIDP(t, "i", web("1", &p256().PublicKey))
	v := atNoon()
	token := sign(t, "ES256", p256(), always("i"), "kid", "1")
	var calls sync.WaitGroup
	for range 50 {
		calls.Go(func() {
			if _, err := v.Validate(t.Context(), token, &Rules{OpenIDConfigs: []string{p.url()}}); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	if p.requests() != 1 {
		t.Errorf("got %d requests, want 1", p.requests())
	}
}

// A call that gives up does not spoil the fetch for others.
func TestCallerGone(t *testing.T) {
	p := newIDP(t, "i", web("1", &p256().PublicKey))
	v := atNoon()
	rules := &Rules{OpenIDConfigs: []string{p.url()}}
	token := sign(t, "ES256", p256(), always("i"), "kid", "1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.Validate(ctx, token, rules); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if _, err := v.Validate(t.Context(), token, rules); err != nil || p.requests() != 1 {
		t.Errorf("got %v after %d requests, want none after 1", err, p.requests())
	}
}

// What is kept is bounded: the provider unused for longest is forgotten.
func TestManyProviders(t *testing.T) {
	c := &clock{}
	v := New(Options{Now: c.now})
	for i := range maxProviders + 1 {
		if _, err := v.providersOf(&Rules{OpenIDConfigs: []string{quick, fmt.Sprintf("https://contoso.com/%d", i)}}); err != nil {
			t.Fatal(err)
		}
		c.move(1)
	}
	if len(v.providers) != maxProviders || v.providers[quick] == nil || v.providers["https://contoso.com/0"] != nil {
		t.Errorf("got %d providers, want %d with the used one and without the oldest", len(v.providers), maxProviders)
	}
}

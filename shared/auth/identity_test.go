package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const identitySecret = "9fbc2e6d-header"

// identityHost is an identity endpoint on this machine, in the form of App Service.
type identityHost struct {
	server *httptest.Server

	mu    sync.Mutex
	asked []url.Values
	lasts time.Duration // of the tokens, from noon
	fails int           // status to answer; 0 for none
}

func newIdentityHost(t *testing.T) *identityHost {
	h := &identityHost{lasts: time.Hour}
	h.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if r.Method != http.MethodGet || r.URL.Path != "/msi/token" || r.Header.Get("X-IDENTITY-HEADER") != identitySecret || r.Header.Get("Metadata") != "" {
			t.Errorf("got %s %s with %v", r.Method, r.URL, r.Header)
		}
		h.asked = append(h.asked, r.URL.Query())
		if h.fails != 0 {
			w.WriteHeader(h.fails)
			_, _ = fmt.Fprintf(w, `{"statusCode":%d,"message":"No managed identity, said with %s."}`, h.fails, identitySecret)
			return
		}
		_, _ = fmt.Fprintf(w, `{"access_token":"token-%d","expires_on":"%d","resource":"r","token_type":"Bearer"}`, len(h.asked), noon.Add(h.lasts).Unix())
	}))
	t.Cleanup(h.server.Close)
	return h
}

func (h *identityHost) identity(now func() time.Time) *ManagedIdentity {
	return NewManagedIdentity(ManagedIdentityOptions{Endpoint: h.server.URL + "/msi/token", Header: identitySecret, Now: now})
}

func (h *identityHost) set(lasts time.Duration, fails int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lasts, h.fails = lasts, fails
}

func (h *identityHost) requests() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.asked)
}

// settle waits until nothing is being fetched.
func (m *ManagedIdentity) settle() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range m.tokens {
		t.mu.Lock()
		f := t.running
		t.mu.Unlock()
		if f != nil {
			<-f.done
		}
	}
}

func TestManagedIdentity(t *testing.T) {
	h, c := newIdentityHost(t), &clock{}
	m := h.identity(c.now)
	steps := []struct {
		name               string
		before             func()
		resource, clientID string
		want               string
		requests           int
	}{
		{"the first call asks", nil, "https://vault.azure.net", "", "token-1", 1},
		{"the second does not", nil, "https://vault.azure.net", "", "token-1", 1},
		{"another resource", nil, "api://orders?x&y", "", "token-2", 2},
		{"another client ID", nil, "https://vault.azure.net", "c", "token-3", 3},
		{"each has its own", nil, "https://vault.azure.net", "", "token-1", 3},
		{"a moment before five minutes", func() { c.move(55*time.Minute - 1) }, "https://vault.azure.net", "", "token-1", 3},
		{"at five minutes it is renewed", func() { h.set(2*time.Hour, 0); c.move(1) }, "https://vault.azure.net", "", "token-1", 4},
		{"which the next call has", nil, "https://vault.azure.net", "", "token-4", 4},
		{"in the last minute calls wait", func() { c.move(4 * time.Minute) }, "api://orders?x&y", "", "token-5", 5},
		{"an outage is not noticed", func() { h.set(0, 403); c.move(56 * time.Minute) }, "https://vault.azure.net", "", "token-4", 6},
		{"nor asked about too often", func() { c.move(30*time.Second - 1) }, "https://vault.azure.net", "", "token-4", 6},
		{"but after half a minute", func() { c.move(1) }, "https://vault.azure.net", "", "token-4", 7},
		{"nor in the last minute", func() { c.move(4*time.Minute + 29*time.Second) }, "https://vault.azure.net", "", "token-4", 8},
		{"but at the end", func() { c.move(time.Second) }, "https://vault.azure.net", "", "", 9},
		{"and after it", func() { h.set(4*time.Hour, 0) }, "https://vault.azure.net", "", "token-10", 10},
	}
	for _, step := range steps {
		if step.before != nil {
			step.before()
		}
		got, err := m.Token(t.Context(), step.resource, step.clientID)
		m.settle()
		if got != step.want || (err == nil) != (step.want != "") || h.requests() != step.requests {
			t.Fatalf("%s: got %q after %d requests (%v), want %q after %d", step.name, got, h.requests(), err, step.want, step.requests)
		}
	}
	for i, want := range []string{
		"api-version=2019-08-01&resource=https%3A%2F%2Fvault.azure.net",
		"api-version=2019-08-01&resource=api%3A%2F%2Forders%3Fx%26y",
		"api-version=2019-08-01&client_id=c&resource=https%3A%2F%2Fvault.azure.net",
	} {
		if got := h.asked[i].Encode(); got != want {
			t.Errorf("request %d: got %s, want %s", i+1, got, want)
		}
	}
}

// What is missing, and what an endpoint must not answer, in words without secrets.
func TestManagedIdentityRefuses(t *testing.T) {
	answer := func(status int, body string) http.RoundTripper {
		return trip(func(req *http.Request) (*http.Response, error) {
			header := http.Header{"Location": {"http://127.0.0.1:1/elsewhere"}}
			return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
		})
	}
	good := ManagedIdentityOptions{Endpoint: "http://127.0.0.1:1/msi/token", Header: identitySecret}
	const named = `getting a token of the managed identity for "r": `
	tests := []struct {
		name     string
		options  ManagedIdentityOptions
		resource string
		status   int
		body     string
		want     string
	}{
		{"no endpoint", ManagedIdentityOptions{Header: identitySecret}, "r", 0, "", errNoIdentity.Error()},
		{"no header", ManagedIdentityOptions{Endpoint: good.Endpoint}, "r", 0, "", errNoHeader.Error()},
		{"no resource", good, "", 0, "", errNoResource.Error()},
		{"endpoint is no URL", ManagedIdentityOptions{Endpoint: "http://%", Header: "h"}, "r", 0, "", named + `making the request to the identity endpoint: parse "http://%": invalid URL escape "%"`},
		{"message", good, "r", 400, `{"statusCode":400,"message":"No identity of ` + identitySecret + `."}`, named + "the identity endpoint answered status 400: No identity of …."},
		{"OAuth error", good, "r", 400, `{"error":"invalid_request","error_description":"Identity not found"}`, named + "the identity endpoint answered status 400: invalid_request Identity not found"},
		{"a long message", good, "r", 401, `{"message":"` + strings.Repeat("é", 200) + `"}`, named + "the identity endpoint answered status 401: " + strings.Repeat("é", 150) + "…"},
		{"another body", good, "r", 403, `secret`, named + "the identity endpoint answered status 403"},
		{"not found is for good", good, "r", 404, `{}`, named + "the identity endpoint answered status 404"},
		{"redirect", good, "r", 302, ``, named + "the identity endpoint answered status 302"},
		{"no JSON", good, "r", 200, `secret`, named + "the answer of the identity endpoint is not JSON with an access_token"},
		{"a token that is a number", good, "r", 200, `{"access_token":5,"expires_on":"1900000000"}`, named + "the answer of the identity endpoint is not JSON with an access_token"},
		{"no token", good, "r", 200, `{"expires_on":"1900000000"}`, named + "the answer of the identity endpoint is not JSON with an access_token"},
		{"a token of two lines", good, "r", 200, `{"access_token":"secret\r\nX: y","expires_on":"1900000000"}`, named + "the access_token of the identity endpoint cannot be sent in a header"},
		{"no expires_on", good, "r", 200, `{"access_token":"secret"}`, named + "the answer of the identity endpoint has no expires_on in seconds since 1970"},
		{"expires_on is a date", good, "r", 200, `{"access_token":"secret","expires_on":"9/14/2030 00:00:00 PM +00:00"}`, named + "the answer of the identity endpoint has no expires_on in seconds since 1970"},
		{"expired", good, "r", 200, `{"access_token":"secret","expires_on":1800000000}`, named + "the token of the identity endpoint has expired already: is the clock of this host right?"},
		{"too long", good, "r", 200, strings.Repeat(" ", maxIdentityAnswer+1), named + "the answer of the identity endpoint is longer than 131072 bytes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.options.Transport = answer(test.status, test.body)
			test.options.Now = func() time.Time { return noon }
			token, err := NewManagedIdentity(test.options).Token(t.Context(), test.resource, "")
			if token != "" || err == nil || err.Error() != test.want {
				t.Errorf("got %q, %v, want %s", token, err, test.want)
			}
		})
	}
}

// trip is a transport.
type trip func(*http.Request) (*http.Response, error)

func (f trip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

var errUnreachable = errors.New("unreachable")

// imds is the metadata service: it answers these one after the other, and then a
// token. An answer is a status, with the seconds of Retry-After; 0 is no answer.
type imds struct {
	t       *testing.T
	answers [][2]int
	at      []time.Duration // of the requests
	start   time.Time
}

func (s *imds) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Host != "169.254.169.254" || req.URL.Path != "/metadata/identity/oauth2/token" || req.URL.RawQuery != "api-version=2018-02-01&client_id=c&resource=r" ||
		req.Header.Get("Metadata") != "true" || req.Header.Get("X-Identity-Header") != "" {
		s.t.Errorf("got %s with %v", req.URL, req.Header)
	}
	s.at = append(s.at, time.Since(s.start))
	res := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: req}
	body := fmt.Sprintf(`{"access_token":"token","expires_on":%d}`, time.Now().Add(time.Hour).Unix())
	if len(s.answers) > 0 {
		status, after := s.answers[0][0], s.answers[0][1]
		s.answers = s.answers[1:]
		if status == 0 {
			return nil, errUnreachable
		}
		res.StatusCode, body = status, "{}"
		if after != 0 {
			res.Header.Set("Retry-After", fmt.Sprint(after))
		}
	}
	res.Body = io.NopCloser(strings.NewReader(body))
	return res, nil
}

func TestManagedIdentityRetries(t *testing.T) {
	always := func(status int) [][2]int { return slices.Repeat([][2]int{{status, 0}}, 20) }
	tests := []struct {
		name    string
		answers [][2]int
		at      []time.Duration // of the requests, in seconds
		want    string          // of the error; empty for a token
	}{
		{"at once", nil, []time.Duration{0}, ""},
		{"throttled", [][2]int{{429, 0}, {429, 0}}, []time.Duration{0, 1, 3}, ""},
		{"Retry-After", [][2]int{{429, 5}, {503, 1}}, []time.Duration{0, 5, 7}, ""},
		{"Retry-After that is too long", [][2]int{{429, 86400}}, []time.Duration{0, 30}, ""},
		{"Retry-After in the past", [][2]int{{429, -5}}, []time.Duration{0, 1}, ""},
		{"not there yet", [][2]int{{404, 0}, {0, 0}, {408, 0}}, []time.Duration{0, 1, 3, 7}, ""},
		{"throttled for good", always(429), []time.Duration{0, 1, 3, 7}, "answered status 429"},
		{"down", always(500), []time.Duration{0, 1, 3, 7}, "answered status 500"},
		{"unreachable", always(0), []time.Duration{0, 1, 3, 7}, "unreachable"},
		{"an update", [][2]int{{410, 0}, {410, 0}, {410, 0}, {410, 0}}, []time.Duration{0, 10, 20, 30, 40}, ""},
		{"an update for good", always(410), []time.Duration{0, 10, 20, 30, 40, 50, 60, 70}, "answered status 410"},
		{"a fault of ours", always(400), []time.Duration{0}, "answered status 400"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &imds{t: t, answers: test.answers, start: time.Now()}
				m := NewManagedIdentity(ManagedIdentityOptions{Endpoint: IMDS, Transport: s})
				token, err := m.Token(t.Context(), "r", "c")
				if test.want == "" && (token != "token" || err != nil) || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
					t.Errorf("got %q, %v, want %q", token, err, test.want)
				}
				for i := range test.at {
					test.at[i] *= time.Second
				}
				if !slices.Equal(s.at, test.at) {
					t.Errorf("got requests at %v, want %v", s.at, test.at)
				}
			})
		})
	}
}

// App Service has no updates during which it says that it is not there.
func TestManagedIdentityPause(t *testing.T) {
	for status, want := range map[int]bool{0: true, 400: false, 403: false, 404: false, 408: true, 410: false, 429: true, 500: true, 503: true} {
		if d, again := (&unobtained{status: status}).pause(0, false); again != want || again && d != time.Second {
			t.Errorf("status %d: got %v, %v, want %v", status, d, again, want)
		}
	}
}

// A call waits as long as its context, and the fetch goes on for others.
func TestManagedIdentityWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &imds{t: t, answers: [][2]int{{500, 0}, {500, 0}}, start: time.Now()}
		m := NewManagedIdentity(ManagedIdentityOptions{Endpoint: IMDS, Transport: s})
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		var calls sync.WaitGroup
		for range 20 {
			calls.Go(func() {
				if token, err := m.Token(t.Context(), "r", "c"); token != "token" || err != nil {
					t.Errorf("got %q, %v, want the token", token, err)
				}
			})
		}
		_, err := m.Token(ctx, "r", "c")
		if d := time.Since(s.start); !errors.Is(err, context.DeadlineExceeded) || d != 2*time.Second {
			t.Errorf("got %v after %v, want %v after 2s", err, d, context.DeadlineExceeded)
		}
		calls.Wait()
		if d := time.Since(s.start); d != 3*time.Second || len(s.at) != 3 {
			t.Errorf("got %d requests in %v, want 3 in 3s", len(s.at), d)
		}
	})
}

// An endpoint that never answers is given up.
func TestManagedIdentitySilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		m := NewManagedIdentity(ManagedIdentityOptions{Endpoint: IMDS, Transport: scripted{}})
		_, err := m.Token(t.Context(), "r", "")
		// Four attempts and the pauses between them.
		if d := time.Since(start); err == nil || d != 4*fetchTimeout+7*time.Second {
			t.Errorf("got %v after %v, want an error after 47s", err, d)
		}
	})
}

// That a token cannot be renewed is logged while calls go on with it, without it.
func TestManagedIdentityLog(t *testing.T) {
	h, c := newIdentityHost(t), &clock{}
	var log bytes.Buffer
	m := h.identity(c.now)
	m.log = slog.New(slog.NewTextHandler(&log, nil))
	for range 2 {
		if got, err := m.Token(t.Context(), "r", ""); got != "token-1" || err != nil {
			t.Fatalf("got %q, %v, want token-1", got, err)
		}
		m.settle()
		h.set(0, 400)
		c.move(56 * time.Minute)
	}
	if text := log.String(); strings.Count(text, "keeping a token") != 1 || strings.Contains(text, "token-1") || strings.Contains(text, identitySecret) {
		t.Errorf("got %s, want one warning without secrets", text)
	}
}

// What is kept is bounded: the token unused for longest is forgotten.
func TestManagedIdentityBound(t *testing.T) {
	c := &clock{}
	m := NewManagedIdentity(ManagedIdentityOptions{Now: c.now})
	for i := range maxIdentityTokens + 1 {
		m.tokenOf(identityKey{resource: "used"})
		c.move(1)
		m.tokenOf(identityKey{resource: fmt.Sprint(i)})
		c.move(1)
	}
	if len(m.tokens) != maxIdentityTokens || m.tokens[identityKey{resource: "used"}] == nil || m.tokens[identityKey{resource: "0"}] != nil {
		t.Errorf("got %d tokens, want %d with the used one and without the oldest", len(m.tokens), maxIdentityTokens)
	}
}

// No answer makes reading it panic, and what is read can be sent.
func FuzzIdentityToken(f *testing.F) {
	f.Add([]byte(`{"access_token":"a","expires_on":"1900000000"}`))
	f.Add([]byte(`{"access_token":"a\n","expires_on":19e8}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		text, expires, err := readIdentityToken(body, noon)
		if err == nil && (text == "" || strings.ContainsAny(text, "\r\n\x00 ") || !expires.After(noon)) {
			t.Errorf("got %q until %v", text, expires)
		}
		NewManagedIdentity(ManagedIdentityOptions{}).reason(body)
	})
}

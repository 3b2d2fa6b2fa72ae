package backend

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func request(t *testing.T, ctx context.Context, c *Client, path string) *http.Request {
	t.Helper()
	u := *c.URL()
	u.Path = path
	u.RawQuery = c.AddQuery("a=1&key=theirs")
	return (&http.Request{Method: http.MethodGet, URL: &u, Header: http.Header{"Authorization": {"theirs"}}}).WithContext(ctx)
}

func client(t *testing.T, o Options) *Client {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDoSetsCredentials(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get("Authorization")+" "+r.URL.RawQuery)
	}))
	defer s.Close()
	c := client(t, Options{URL: s.URL, Timeout: time.Minute, Header: []Credential{{"authorization", "ours"}}, Query: []Credential{{"key", "o&rs"}}})
	res, err := c.Do(request(t, t.Context(), c, "/x"))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, _, err := ReadBody(res, 100)
	if want := "ours a=1&key=o%26rs"; err != nil || string(body) != want {
		t.Errorf("got %q, %v, want %q", body, err, want)
	}
}

func TestDoFollowsNoRedirect(t *testing.T) {
	s := httptest.NewServer(http.RedirectHandler("http://127.0.0.1:1/", http.StatusFound))
	defer s.Close()
	c := client(t, Options{URL: s.URL})
	res, err := c.Do(request(t, t.Context(), c, "/x"))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusFound {
		t.Errorf("got %d, want 302", res.StatusCode)
	}
}

func TestDoErrors(t *testing.T) {
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer s.Close()
	defer close(release)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	past, cancelPast := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancelPast()
	for _, c := range []struct {
		name    string
		url     string
		timeout time.Duration
		ctx     context.Context
		want    Reason
	}{
		{"no header in time", s.URL, 10 * time.Millisecond, t.Context(), Timeout},
		{"deadline of the caller", s.URL, 0, past, Timeout},
		{"client gone", s.URL, time.Minute, cancelled, Cancelled},
		{"nobody listens", "http://127.0.0.1:1", time.Minute, t.Context(), Unreachable},
	} {
		k := client(t, Options{URL: c.url, Timeout: c.timeout, Query: []Credential{{"key", "hunter2"}}})
		_, err := k.Do(request(t, c.ctx, k, "/x"))
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Reason != c.want {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error shows the key: %v", c.name, err)
		}
	}
}

func TestDoRefusesAnotherHost(t *testing.T) {
	c := client(t, Options{URL: "https://contoso.com"})
	for _, target := range []string{"https://contoso.com.evil.example/", "http://contoso.com/", "https://contoso.com:444/"} {
		u, err := url.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Do((&http.Request{URL: u, Header: http.Header{}}).WithContext(t.Context()))
		if e, ok := errors.AsType[*Error](err); !ok || e.Reason != Refused {
			t.Errorf("%s: got %v, want a refusal", target, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for _, bad := range []string{"", "contoso.com", "/path", "ftp://contoso.com", "http://", "http://a b"} {
		if _, err := New(Options{URL: bad}); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestAddQuery(t *testing.T) {
	c := client(t, Options{URL: "https://contoso.com", Query: []Credential{{"code", "k"}}})
	for _, q := range []struct{ raw, want string }{
		{"", "code=k"},
		{"a=1", "a=1&code=k"},
		{"code=theirs&a=1&c%6Fde=x", "a=1&code=k"},
		{"a=1&&b", "a=1&b&code=k"},
	} {
		if got := c.AddQuery(q.raw); got != q.want {
			t.Errorf("%q: got %q, want %q", q.raw, got, q.want)
		}
	}
	if got := client(t, Options{URL: "https://contoso.com"}).AddQuery("a&&b="); got != "a&&b=" {
		t.Errorf("without credentials: got %q", got)
	}
}

func TestReadBody(t *testing.T) {
	for _, c := range []struct {
		size, limit int
		length      int64
		truncated   bool
	}{
		{0, 10, 0, false}, {0, 10, -1, false}, {10, 10, 10, false}, {10, 10, -1, false},
		{11, 10, 11, true}, {20000, 10000, -1, true}, {20000, 20000, -1, false}, {5, 10, 3, false},
	} {
		res := &http.Response{Body: io.NopCloser(strings.NewReader(strings.Repeat("x", c.size))), ContentLength: c.length, Request: &http.Request{}}
		body, truncated, err := ReadBody(res, c.limit)
		if err != nil || len(body) != min(c.size, c.limit) || truncated != c.truncated {
			t.Errorf("%+v: got %d bytes, %v, %v", c, len(body), truncated, err)
		}
	}
}

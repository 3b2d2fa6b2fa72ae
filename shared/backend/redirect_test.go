package backend

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

// crossroads answers /{status}?to=… with a redirect, /n with one to /n-1, and
// everything else as echo.
func crossroads(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
	switch {
	case err != nil || n == 0:
		w.Header().Set("X-Query", r.URL.RawQuery)
		echo(w, r)
	case n < 100:
		http.Redirect(w, r, "/"+strconv.Itoa(n-1), http.StatusFound)
	default:
		if to := r.URL.Query().Get("to"); to != "" {
			w.Header().Set("Location", to)
		}
		w.WriteHeader(n)
	}
}

func TestFollowMethods(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(crossroads))
	defer s.Close()
	const typed, bare = "Content-Type=text/plain User-Agent=toolgate", "User-Agent=toolgate"
	for _, c := range []struct {
		method, path string
		status       int
		want         string // of the echo: method, body, headers
	}{
		{"GET", "/302?to=/x", 200, "GET|body|" + typed},
		{"POST", "/301?to=/x", 200, "GET||" + bare},
		{"POST", "/302?to=x", 200, "GET||" + bare},
		{"PUT", "/302?to=/x", 200, "PUT|body|" + typed},
		{"PUT", "/303?to=/x", 200, "GET||" + bare},
		{"POST", "/307?to=/x", 200, "POST|body|" + typed},
		{"POST", "/308?to=/303%3Fto=/307%253Fto=/x", 200, "GET||" + bare},
		{"POST", "/300?to=/x", 300, ""},
		{"POST", "/304?to=/x", 304, ""},
		{"GET", "/302", 302, ""},
		{"GET", "/302?to=ftp://contoso.com/", 302, ""},
		{"GET", "/302?to=http://%25zz/", 302, ""},
		{"DELETE", "/10", 200, "DELETE|body|" + typed},
		{"DELETE", "/11", 302, ""},
	} {
		res, err := NewSender(SenderOptions{}).Send(t.Context(), Request{
			Method: c.method, URL: address(t, s.URL+c.path), Body: []byte("body"),
			Header: http.Header{"Content-Type": {"text/plain"}}, Timeout: time.Minute, Follow: true,
		})
		if err != nil {
			t.Fatalf("%s %s: %v", c.method, c.path, err)
		}
		got := strings.Replace(read(t, res), "|"+strings.TrimPrefix(s.URL, "http://"), "", 1)
		if res.StatusCode != http.StatusOK {
			got = ""
		}
		if res.StatusCode != c.status || got != c.want {
			t.Errorf("%s %s: got %d %s, want %d %s", c.method, c.path, res.StatusCode, got, c.status, c.want)
		}
	}
}

// TestFollowCredentials sends a request with credentials of the destination and
// of its own within the destination, and out of it.
func TestFollowCredentials(t *testing.T) {
	home := httptest.NewServer(http.HandlerFunc(crossroads))
	defer home.Close()
	away := httptest.NewServer(http.HandlerFunc(crossroads))
	defer away.Close()
	c := client(t, Options{URL: home.URL, Header: []Credential{{"X-Functions-Key", "ours"}}, Query: []Credential{{"code", "k"}}})
	for _, to := range []struct{ name, to, header, query string }{
		{"within", "/x?a=1", "Authorization=theirs Cookie=c=1 Referer=r User-Agent=toolgate X-A=1 X-Functions-Key=ours", "a=1&code=k"},
		{"out", away.URL + "/x?a=1", "User-Agent=toolgate X-A=1", "a=1"},
		{"out and back", away.URL + "/302?to=" + home.URL + "/x", "User-Agent=toolgate X-A=1", ""},
	} {
		u := address(t, home.URL+"/307")
		u.RawQuery = c.AddQuery("to=" + strings.NewReplacer("?", "%3F", "&", "%26").Replace(to.to))
		res, err := c.Send((&http.Request{Method: http.MethodGet, URL: u, Header: http.Header{
			"Authorization": {"theirs"}, "Cookie": {"c=1"}, "Referer": {"r"}, "X-A": {"1"}, "User-Agent": {"toolgate"},
		}}).WithContext(t.Context()), SendOptions{FollowRedirects: true, Timeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		_, header, _ := strings.Cut(read(t, res), "||")
		if query := res.Header.Get("X-Query"); header != to.header || query != to.query {
			t.Errorf("%s: got %s with %q, want %s with %q", to.name, header, query, to.header, to.query)
		}
	}
}

func TestFollowNotFromTLS(t *testing.T) {
	s := httptest.NewTLSServer(http.RedirectHandler("http://127.0.0.1:1/", http.StatusFound))
	defer s.Close()
	res, err := NewSender(SenderOptions{Transport: s.Client().Transport}).Send(t.Context(), Request{URL: address(t, s.URL), Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	if read(t, res); res.StatusCode != http.StatusFound {
		t.Errorf("got %d, want 302", res.StatusCode)
	}
}

// TestFollowStream redirects a body that cannot be sent again.
func TestFollowStream(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(crossroads))
	defer s.Close()
	c := client(t, Options{URL: s.URL})
	for path, want := range map[string]int{"/307?to=/x": 307, "/303?to=/x": 200} {
		req := &http.Request{Method: http.MethodPost, URL: address(t, s.URL+path), Body: io.NopCloser(strings.NewReader("body")), ContentLength: 4}
		res, err := c.Send(req.WithContext(t.Context()), SendOptions{FollowRedirects: true})
		if err != nil {
			t.Fatal(err)
		}
		if read(t, res); res.StatusCode != want {
			t.Errorf("%s: got %d, want %d", path, res.StatusCode, want)
		}
	}
}

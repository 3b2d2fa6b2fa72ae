package backend

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// Credentials that are made for a request are made anew for a redirect within the
// destination, and go no further.
func TestAuthorizeAndRedirects(t *testing.T) {
	var elsewhere http.Header
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { elsewhere = r.Header }))
	defer other.Close()
	var seen []string
	first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization")+" "+r.Header.Get("X-Signed"))
		if r.URL.Path == "/a" {
			http.Redirect(w, r, "/b", http.StatusFound)
			return
		}
		http.Redirect(w, r, other.URL, http.StatusFound)
	}))
	defer first.Close()
	n := 0
	c := client(t, Options{URL: first.URL, Authorize: func(_ context.Context, req *http.Request) error {
		n++
		req.Header.Set("Authorization", fmt.Sprint("Bearer ", n))
		req.Header.Set("X-Signed", req.URL.Path)
		return nil
	}})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, first.URL+"/a", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Plain", "1")
	res, err := c.Send(req, SendOptions{FollowRedirects: true})
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if got, want := strings.Join(seen, ","), "Bearer 1 /a,Bearer 2 /b"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if elsewhere.Get("X-Plain") != "1" || elsewhere.Get("Authorization") != "" || elsewhere.Get("X-Signed") != "" {
		t.Errorf("elsewhere: got %v", elsewhere)
	}
}

type told struct{}

func (told) Error() string  { return "in detail" }
func (told) Public() string { return "in short" }

// A request without its credentials is not sent, and does not count as a failure
// of the destination.
func TestAuthorizeFails(t *testing.T) {
	for _, c := range []struct {
		err    error
		public string
	}{
		{errors.New("the endpoint says no"), "The gateway could not obtain its credentials for the backend."},
		{fmt.Errorf("asking: %w", told{}), "in short"},
	} {
		sent := false
		b := client(t, Options{
			URL: "https://contoso.com", Authorize: func(context.Context, *http.Request) error { return c.err },
			Transport: transportFunc(func(*http.Request) (*http.Response, error) { sent = true; return nil, errors.New("sent") }),
			Breaker:   BreakerOptions{Failures: 1, Interval: 1e9, TripDuration: 1e12},
		})
		for range 2 {
			res, err := b.Do((&http.Request{URL: b.URL()}).WithContext(t.Context()))
			if err == nil {
				res.Body.Close()
			}
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Reason != Unauthorized || e.Public() != c.public || !errors.Is(err, c.err) || sent {
				t.Errorf("got %v, sent %v", err, sent)
			}
		}
	}
}

// A client certificate is presented to the destination, and not to where a
// redirect leads.
func TestCertificateAndRedirects(t *testing.T) {
	var presented []int
	server := func(h http.HandlerFunc) *httptest.Server {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			presented = append(presented, len(r.TLS.PeerCertificates))
			h(w, r)
		}))
		s.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
		s.StartTLS()
		t.Cleanup(s.Close)
		return s
	}
	other := server(func(http.ResponseWriter, *http.Request) {})
	first := server(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) })
	own := first.TLS.Certificates[0] // any will do
	transport, _ := first.Client().Transport.(*http.Transport)
	u, err := url.Parse(first.URL)
	if err != nil {
		t.Fatal(err)
	}
	res, err := NewSender(SenderOptions{Transport: transport}).Send(t.Context(), Request{URL: u, Certificate: &own, Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	c := client(t, Options{URL: first.URL, Certificate: &own, Transport: transport})
	if res, err = c.Send((&http.Request{URL: u}).WithContext(t.Context()), SendOptions{FollowRedirects: true}); err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if got, want := fmt.Sprint(presented), "[1 0 1 0]"; got != want {
		t.Errorf("got %s certificates, want %s", got, want)
	}
}

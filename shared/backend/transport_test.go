package backend

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"
)

// protocol answers with the version of the request and the name in the client's
// certificate.
func protocol(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, r.Proto)
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		_, _ = io.WriteString(w, " "+r.TLS.PeerCertificates[0].Subject.CommonName)
	}
}

// start runs a server with TLS or without that speaks the given versions.
func start(t *testing.T, secure bool, versions ...HTTPVersion) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(protocol))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Config.Protocols = new(http.Protocols)
	for _, v := range versions {
		switch {
		case v == HTTP1:
			s.Config.Protocols.SetHTTP1(true)
		case secure:
			s.EnableHTTP2 = true
			s.Config.Protocols.SetHTTP2(true)
		default:
			s.Config.Protocols.SetUnencryptedHTTP2(true)
		}
	}
	if secure {
		s.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

// trusting is a transport that trusts a server. It speaks HTTP/2, and is used
// already.
func trusting(t *testing.T, s *httptest.Server) *http.Transport {
	t.Helper()
	rt := &http.Transport{ForceAttemptHTTP2: true}
	if s.TLS != nil {
		roots := x509.NewCertPool()
		roots.AddCert(s.Certificate())
		rt.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	t.Cleanup(rt.CloseIdleConnections)
	if res, err := rt.RoundTrip(request(t, t.Context(), client(t, Options{URL: s.URL}), "/")); err == nil {
		res.Body.Close()
	}
	return rt
}

func TestSendHTTPVersion(t *testing.T) {
	both, old := start(t, true, HTTP1, HTTP2), start(t, true, HTTP1)
	plain, plainBoth := start(t, false, HTTP1), start(t, false, HTTP1, HTTP2)
	silent := httptest.NewUnstartedServer(http.HandlerFunc(protocol)) // does not choose a protocol
	silent.Config.ErrorLog = log.New(io.Discard, "", 0)
	silent.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return &tls.Config{Certificates: silent.TLS.Certificates, MinVersion: tls.VersionTLS12}, nil
	}}
	silent.StartTLS()
	defer silent.Close()
	for _, c := range []struct {
		name    string
		server  *httptest.Server
		version HTTPVersion
		want    string // empty: Unreachable
	}{
		{"default", both, "", "HTTP/2.0"},
		{"1", both, HTTP1, "HTTP/1.1"},
		{"2or1", both, HTTP2Or1, "HTTP/2.0"},
		{"2", both, HTTP2, "HTTP/2.0"},
		{"2or1 of 1", old, HTTP2Or1, "HTTP/1.1"},
		{"2 of 1", old, HTTP2, ""},
		{"2 of none", silent, HTTP2, ""},
		{"1 without TLS", plainBoth, HTTP1, "HTTP/1.1"},
		{"2or1 without TLS", plainBoth, HTTP2Or1, "HTTP/1.1"},
		{"2 without TLS", plainBoth, HTTP2, "HTTP/2.0"},
		{"2 of 1 without TLS", plain, HTTP2, ""},
	} {
		k := client(t, Options{URL: c.server.URL, Transport: trusting(t, c.server), Timeout: time.Minute})
		res, err := k.Send(request(t, t.Context(), k, "/"), SendOptions{HTTPVersion: c.version})
		if c.want == "" {
			if e, ok := errors.AsType[*Error](err); !ok || e.Reason != Unreachable {
				t.Errorf("%s: got %v, %v, want no connection", c.name, res, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := read(t, res); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
	k := client(t, Options{URL: plain.URL})
	_, err := k.Send(request(t, t.Context(), k, "/"), SendOptions{HTTPVersion: "3"})
	if e, ok := errors.AsType[*Error](err); !ok || e.Reason != Refused {
		t.Errorf("3: got %v, want a refusal", err)
	}
}

// certificate makes a client certificate.
func certificate(t *testing.T, name string) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestSendCertificate(t *testing.T) {
	s := start(t, true, HTTP1, HTTP2)
	rt := trusting(t, s)
	a, b := certificate(t, "a"), certificate(t, "b")
	k, sender := client(t, Options{URL: s.URL, Transport: rt}), NewSender(SenderOptions{Transport: rt})
	again := *a
	for _, c := range []struct {
		certificate *tls.Certificate
		version     HTTPVersion
		want        string
	}{
		{a, "", "HTTP/2.0 a"}, {b, HTTP1, "HTTP/1.1 b"}, {nil, "", "HTTP/2.0"}, {&again, "", "HTTP/2.0 a"}, {b, "", "HTTP/2.0 b"},
	} {
		res, err := k.Send(request(t, t.Context(), k, "/"), SendOptions{Certificate: c.certificate, HTTPVersion: c.version})
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, res); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
	res, err := sender.Send(t.Context(), Request{URL: k.URL(), Certificate: a})
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, res); got != "HTTP/2.0 a" {
		t.Errorf("got %s, want a", got)
	}
	old := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: rt.TLSClientConfig.RootCAs, MinVersion: tls.VersionTLS12}}
	defer old.CloseIdleConnections()
	res, err = NewSender(SenderOptions{Transport: old}).Send(t.Context(), Request{URL: k.URL(), Certificate: a})
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, res); got != "HTTP/1.1 a" { // as the transport speaks otherwise
		t.Errorf("got %s, want HTTP/1.1", got)
	}
	for name, bad := range map[string]*tls.Certificate{
		"empty":             {},
		"unreadable":        {Certificate: [][]byte{{1}}, PrivateKey: a.PrivateKey},
		"no key":            {Certificate: a.Certificate},
		"the key of others": {Certificate: a.Certificate, PrivateKey: b.PrivateKey},
	} {
		_, err := k.Send(request(t, t.Context(), k, "/"), SendOptions{Certificate: bad})
		if e, ok := errors.AsType[*Error](err); !ok || e.Reason != Refused {
			t.Errorf("%s: got %v, want a refusal", name, err)
		}
	}
}

func TestSendProxy(t *testing.T) {
	var got *http.Request
	proxy := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r }))
	defer proxy.Close()
	through := address(t, proxy.URL)
	through.User = url.UserPassword("contoso", "hunter2")
	k := client(t, Options{URL: "http://contoso.invalid", Header: []Credential{{"X-Key", "ours"}}})
	res, err := k.Send(request(t, t.Context(), k, "/x"), SendOptions{Proxy: through})
	if err != nil {
		t.Fatal(err)
	}
	read(t, res)
	want := "http://contoso.invalid/x?a=1&key=theirs"
	if got == nil || got.URL.String() != want || got.Header.Get("Proxy-Authorization") == "" || got.Header.Get("X-Key") != "ours" {
		t.Errorf("the proxy got %+v, want %s with credentials", got, want)
	}
	same := *through
	through.Host = "127.0.0.1:1" // which is not for the transport of before
	if res, err = k.Send(request(t, t.Context(), k, "/x"), SendOptions{Proxy: &same}); err != nil {
		t.Fatal(err)
	}
	read(t, res)
	if res, err = NewSender(SenderOptions{}).Send(t.Context(), Request{URL: k.URL(), Proxy: through}); err == nil {
		res.Body.Close()
		t.Error("a proxy where nobody listens sent a request")
	}
}

// TestTransports looks at which transports are kept.
func TestTransports(t *testing.T) {
	kept, rt := transports{most: 2}, &http.Transport{}
	via := func(o SendOptions) http.RoundTripper {
		t.Helper()
		got, err := kept.via(rt, o)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if via(SendOptions{Timeout: 1, FollowRedirects: true}) != rt {
		t.Error("options that change no connection made a transport")
	}
	one, a := via(SendOptions{HTTPVersion: HTTP1}), via(SendOptions{Proxy: address(t, "http://a")})
	if one == rt || one == a || via(SendOptions{HTTPVersion: HTTP1}) != one {
		t.Error("transports are not told apart, or not kept")
	}
	via(SendOptions{Proxy: address(t, "http://b")}) // in place of a
	if len(kept.kept) != 2 || via(SendOptions{HTTPVersion: HTTP1}) != one || via(SendOptions{Proxy: address(t, "http://a")}) == a {
		t.Errorf("%d transports are kept, or other ones than the last two", len(kept.kept))
	}
}

func TestSendTimeout(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer s.Close()
	k := client(t, Options{URL: s.URL, Timeout: time.Hour})
	_, err := k.Send(request(t, t.Context(), k, "/"), SendOptions{Timeout: 10 * time.Millisecond})
	if e, ok := errors.AsType[*Error](err); !ok || e.Reason != Timeout {
		t.Errorf("got %v, want a time-out", err)
	}
}

func TestWithHeader(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(echo))
	defer s.Close()
	k := client(t, Options{URL: s.URL, Header: []Credential{{"X-Key", "ours"}}})
	ctx := WithHeader(t.Context(), http.Header{
		"X-Key": {"policy"}, "X-A": {"1", "2"}, "Authorization": nil, "User-Agent": {"mine"}, "Host": {"contoso.com"}, "Connection": {"close"}, "Te": {"trailers"},
	})
	res, err := k.Do(request(t, ctx, k, "/"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := read(t, res), "GET|contoso.com||User-Agent=mine X-A=1+2 X-Key=ours"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	again := WithHeader(t.Context(), HeaderOf(ctx))
	if got := HeaderOf(again); len(got) != 7 || HeaderOf(t.Context()) != nil || HeaderOf(WithHeader(ctx, nil)) != nil {
		t.Errorf("got %v of a context with headers, or some of one without", got)
	}
}

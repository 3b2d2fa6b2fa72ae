package backend

import (
	"compress/gzip"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

func TestGuardAllows(t *testing.T) {
	for _, c := range []struct {
		address                   string
		public, private, loopback bool // whether each option alone allows it
	}{
		{"8.8.8.8", true, true, true},
		{"2606:4700::1111", true, true, true},
		{"127.0.0.1", false, false, true},
		{"127.9.9.9", false, false, true},
		{"::1", false, false, true},
		{"::ffff:127.0.0.1", false, false, true},
		{"10.1.2.3", false, true, false},
		{"172.31.255.255", false, true, false},
		{"172.32.0.1", true, true, true},
		{"192.168.0.1", false, true, false},
		{"100.64.0.1", false, true, false},
		{"fc00::1", false, true, false},
		{"::ffff:10.0.0.1", false, true, false},
		{"64:ff9b::a00:1", false, true, false}, // 10.0.0.1
		{"2002:a00:1::", false, true, false},
		{"::10.0.0.1", false, true, false},
		{"64:ff9b::808:808", true, true, true},
		{"169.254.169.254", false, false, false},
		{"::ffff:169.254.169.254", false, false, false},
		{"64:ff9b::a9fe:a9fe", false, false, false},
		{"169.254.170.2", false, false, false},
		{"168.63.129.16", false, false, false},
		{"fd00:ec2::254", false, false, false},
		{"fd20:ce::254", false, false, false},
		{"100.100.100.200", false, false, false},
		{"0.0.0.0", false, false, false},
		{"::", false, false, false},
		{"fe80::1%eth0", false, false, false},
		{"224.0.0.1", false, false, false},
		{"255.255.255.255", false, false, false},
		{"ff02::1", false, false, false},
		{"2001::1", false, false, false},
	} {
		a := netip.MustParseAddr(c.address)
		for option, want := range map[addressKinds]bool{{}: c.public, {private: true}: c.private, {loopback: true}: c.loopback} {
			g := guard{GuardOptions{Private: option.private, Loopback: option.loopback}}
			if got := g.allows(a); got != want {
				t.Errorf("%s with %+v: got %v, want %v", c.address, option, got, want)
			}
		}
		if g := (guard{GuardOptions{NotPublic: true}}); g.allows(a) {
			t.Errorf("%s is allowed where nothing is", c.address)
		}
		if g := (guard{GuardOptions{NotPublic: true, Addresses: []netip.Prefix{netip.PrefixFrom(a.Unmap().WithZone(""), a.Unmap().BitLen())}}}); !g.allows(a) {
			t.Errorf("%s is not allowed although it is named", c.address)
		}
	}
}

// addressKinds are options as the key of a map.
type addressKinds struct{ private, loopback bool }

func TestGuardHosts(t *testing.T) {
	g := guard{GuardOptions{Hosts: []string{"a.contoso.com", "*.internal", "b.contoso.com:8443"}}}
	for address, want := range map[string]bool{
		"a.contoso.com:443":  true,
		"A.Contoso.com.:443": true,
		"xa.contoso.com:443": false,
		"x.internal:80":      true,
		"internal:80":        false,
		"xinternal:80":       false,
		"b.contoso.com:8443": true,
		"b.contoso.com:443":  false,
	} {
		if got := g.allowsHost(address); got != want {
			t.Errorf("%s: got %v, want %v", address, got, want)
		}
	}
}

// A guarded sender refuses by what a name resolves to, also behind a redirect.
func TestGuardedSender(t *testing.T) {
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer inside.Close()
	named := strings.Replace(inside.URL, "127.0.0.1", "localhost", 1)
	redirecting := httptest.NewServer(http.RedirectHandler(named, http.StatusFound))
	defer redirecting.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(redirecting.URL, "http://"), ":")
	for _, c := range []struct {
		name, url string
		options   GuardOptions
		refused   bool
	}{
		{"an address", inside.URL, GuardOptions{}, true},
		{"a name", named, GuardOptions{}, true},
		{"private is not loopback", named, GuardOptions{Private: true}, true},
		{"loopback", named, GuardOptions{Loopback: true}, false},
		{"a named host", named, GuardOptions{Hosts: []string{"localhost"}}, false},
		{"a redirect from a named host", redirecting.URL, GuardOptions{Hosts: []string{"127.0.0.1:" + port}}, true},
		{"its address alone", named, GuardOptions{Addresses: prefixes("127.0.0.0/8", "::1/128"), NotPublic: true}, false},
	} {
		s := NewSender(SenderOptions{Transport: NewGuard(nil, c.options)})
		u, err := url.Parse(c.url)
		if err != nil {
			t.Fatal(err)
		}
		res, err := s.Send(t.Context(), Request{URL: u, Follow: true})
		if err == nil {
			res.Body.Close()
		}
		e, _ := errors.AsType[*Error](err)
		if refused := e != nil && e.Reason == Refused; refused != c.refused || err != nil && !c.refused {
			t.Errorf("%s: got %v, want refused %v", c.name, err, c.refused)
		}
		if _, ok := errors.AsType[*RefusedAddressError](err); c.refused && !ok {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}

// The destination of a request through a proxy is checked before.
func TestGuardThroughProxy(t *testing.T) {
	asked := false
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer proxy.Close()
	via, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	s := NewSender(SenderOptions{Transport: NewGuard(nil, GuardOptions{Hosts: []string{via.Host}})})
	_, err = s.Send(t.Context(), Request{URL: &url.URL{Scheme: "http", Host: "169.254.169.254"}, Proxy: via})
	if e, ok := errors.AsType[*Error](err); !ok || e.Reason != Refused || asked {
		t.Errorf("got %v, want refused; the proxy was asked: %v", err, asked)
	}
}

// What inflates is read as far as the limit, and no further.
func TestReadBodyOfABomb(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		for range 1 << 10 {
			if _, err := z.Write(make([]byte, 1<<20)); err != nil {
				return // the client has had enough
			}
		}
		_ = z.Close()
	}))
	defer site.Close()
	u, err := url.Parse(site.URL)
	if err != nil {
		t.Fatal(err)
	}
	res, err := NewSender(SenderOptions{}).Send(t.Context(), Request{URL: u})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, more, err := ReadBody(res, 1<<20)
	if len(body) != 1<<20 || !more || err != nil {
		t.Errorf("got %d bytes, more %v, %v", len(body), more, err)
	}
}

// The token of a caller is not sent, and tells callers apart.
func TestSubject(t *testing.T) {
	ctx := WithSubject(WithHeader(t.Context(), http.Header{"X-A": {"1"}}), "token")
	var sent http.Header
	c := client(t, Options{URL: "https://contoso.com", Transport: transportFunc(func(req *http.Request) (*http.Response, error) {
		sent = req.Header
		return nil, errors.New("enough")
	})})
	if res, err := c.Do((&http.Request{URL: c.URL()}).WithContext(ctx)); err == nil {
		res.Body.Close()
	}
	if len(sent) != 1 || sent.Get("X-A") != "1" || SubjectOf(ctx) != "token" || len(HeaderOf(ctx)) != 2 {
		t.Errorf("sent %v, the context has %v", sent, HeaderOf(ctx))
	}
	if of := SubjectOf(WithSubject(ctx, "")); of != "" || SubjectOf(t.Context()) != "" {
		t.Errorf("got %q", of)
	}
}

package auth

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func TestMetadataOf(t *testing.T) {
	for _, c := range []struct {
		issuer string
		want   []string
	}{
		{"https://login.contoso.com", []string{
			"https://login.contoso.com/.well-known/openid-configuration", "https://login.contoso.com/.well-known/oauth-authorization-server",
		}},
		{"https://login.contoso.com/", []string{
			"https://login.contoso.com/.well-known/openid-configuration", "https://login.contoso.com/.well-known/oauth-authorization-server",
		}},
		{"https://login.contoso.com:8443/a%2Fb/v2.0", []string{
			"https://login.contoso.com:8443/a%2Fb/v2.0/.well-known/openid-configuration",
			"https://login.contoso.com:8443/.well-known/oauth-authorization-server/a%2Fb/v2.0",
			"https://login.contoso.com:8443/.well-known/openid-configuration/a%2Fb/v2.0",
		}},
	} {
		if got, err := metadataOf(c.issuer); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, %v, want %q", c.issuer, got, err, c.want)
		}
	}
	if _, err := metadataOf("https://[::"); err == nil {
		t.Error("what is no URL has places")
	}
}

// The metadata of an issuer is found in each of its places, and is that of the
// issuer alone.
func TestAuthorities(t *testing.T) {
	key := rsaKey()
	for _, c := range []struct {
		name, place, issuer string // where the metadata is, and whose it says it is
		want                Kind
		away                bool
	}{
		{name: "OpenID", place: "/tenant/.well-known/openid-configuration"},
		{name: "RFC 8414", place: "/.well-known/oauth-authorization-server/tenant"},
		{name: "OpenID, inserted", place: "/.well-known/openid-configuration/tenant"},
		{name: "of the host", place: "/.well-known/openid-configuration", want: TokenSignatureKeyNotFound, away: true},
		{name: "of another issuer", place: "/tenant/.well-known/openid-configuration", issuer: "https://contoso.com/other", want: TokenSignatureKeyNotFound, away: true},
		{name: "of a trailing slash", place: "/tenant/.well-known/openid-configuration", issuer: "/", want: TokenSignatureKeyNotFound, away: true},
	} {
		mux := http.NewServeMux()
		s := httptest.NewServer(mux)
		issuer := s.URL + "/tenant"
		said := issuer
		switch {
		case c.issuer == "/":
			said += "/"
		case c.issuer != "":
			said = c.issuer
		}
		mux.HandleFunc(c.place, func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, said, s.URL+"/keys")
		})
		mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, keySetText(web("1", &key.PublicKey)))
		})
		v := New(Options{Now: new(clock).now})
		for _, iss := range []string{issuer, said, "https://contoso.com"} {
			token := sign(t, "RS256", key, always(iss), "kid", "1")
			_, err := v.Validate(t.Context(), token, &Rules{Authorities: []string{issuer}})
			got, _ := err.(*Error) //nolint:errorlint // it is that or nil
			want := c.want
			if want == "" && iss != issuer {
				want = TokenIssuerNotAllowed
			}
			if want == "" && err != nil || want != "" && (got == nil || got.Kind != want || got.Unavailable != c.away) {
				t.Errorf("%s, token of %s: got %v, want %q", c.name, iss, err, want)
			}
		}
		s.Close()
	}
}

// The identifier of an issuer and the place of a configuration may be one URL.
func TestAuthorityIsNotAConfiguration(t *testing.T) {
	key := rsaKey()
	p := newIDP(t, "x", web("1", &key.PublicKey))
	p.issuer = p.server.URL
	v := New(Options{Now: new(clock).now})
	token := sign(t, "RS256", key, always(p.issuer), "kid", "1")
	if _, err := v.Validate(t.Context(), token, &Rules{OpenIDConfigs: []string{p.server.URL}}); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("got %v, want a configuration that is not there", err)
	}
	if _, err := v.Validate(t.Context(), token, &Rules{Authorities: []string{p.server.URL}}); err != nil {
		t.Errorf("got %v", err)
	}
}

// An issuer that never answered is asked again soon: nobody gets in without its keys.
func TestAuthorityIsAskedAgain(t *testing.T) {
	key := rsaKey()
	p := newIDP(t, "", web("1", &key.PublicKey))
	p.issuer = p.server.URL
	p.answer(http.StatusServiceUnavailable, web("1", &key.PublicKey))
	c := new(clock)
	v := New(Options{Now: c.now})
	validate := func() error {
		_, err := v.Validate(t.Context(), sign(t, "RS256", key, always(p.issuer), "kid", "1"), &Rules{Authorities: []string{p.issuer}})
		return err
	}
	if err := validate(); err == nil {
		t.Error("a token was found valid without keys")
	}
	p.answer(http.StatusOK, web("1", &key.PublicKey))
	c.move(askSoon - 1)
	if err := validate(); err == nil {
		t.Error("the issuer was asked again at once")
	}
	c.move(1)
	if err := validate(); err != nil {
		t.Errorf("got %v", err)
	}
}

package auth

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

func TestCheckURL(t *testing.T) {
	tests := []struct {
		url               string
		mayBeLocal, local bool
		ok                bool
	}{
		{"https://contoso.com/x", false, false, true},
		{"https://contoso.com/x", true, false, true},
		{"http://contoso.com/x", true, false, false},
		{"http://127.0.0.1:1/x", true, true, true},
		{"http://127.9.9.9/x", true, true, true},
		{"http://[::1]:1/x", true, true, true},
		{"http://localhost/x", true, true, true},
		{"http://localhost.contoso.com/x", true, false, false},
		{"http://10.0.0.1/x", true, false, false},
		{"http://127.0.0.1/x", false, true, false},
		{"https://127.0.0.1/x", false, true, false},
		{"ftp://localhost/x", true, true, false},
		{"https://user:password@contoso.com/", true, false, false},
		{"https:///x", true, false, false},
		{"/x", true, false, false},
		{"https://%", true, false, false},
	}
	for _, test := range tests {
		local, err := checkURL(test.url, test.mayBeLocal)
		if (err == nil) != test.ok || test.ok && local != test.local {
			t.Errorf("%s, %v: got %v, %v, want %v, ok %v", test.url, test.mayBeLocal, local, err, test.local, test.ok)
		}
	}
}

// What a provider must not answer.
func TestFetchRefuses(t *testing.T) {
	serve := func(config string) *httptest.Server {
		return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/away" {
				http.Redirect(w, r, "/config", http.StatusFound)
				return
			}
			_, _ = io.WriteString(w, config)
		}))
	}
	tests := []struct{ name, path, config, want string }{
		{"redirect", "/away", `{}`, "answered status 302"},
		{"no JSON", "/", `<html>`, "reading the OpenID configuration"},
		{"no issuer", "/", `{"jwks_uri":"https://contoso.com"}`, "has no issuer or no jwks_uri"},
		{"no jwks_uri", "/", `{"issuer":"x"}`, "has no issuer or no jwks_uri"},
		{"jwks_uri without TLS", "/", `{"issuer":"x","jwks_uri":"http://contoso.com"}`, "is not https"},
		{"too long", "/", strings.Repeat(" ", maxDocument+1), "is longer than 1048576 bytes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := serve(test.config)
			defer s.Close()
			_, err := New(Options{}).fetchKeySet(t.Context(), s.URL+test.path)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	remote := scripted{"contoso.com": `{"keys":[]}`}
	if _, err := New(Options{Transport: remote}).fetchKeySet(t.Context(), "https://contoso.com/openid-configuration"); err == nil || !strings.Contains(err.Error(), "has no key") {
		t.Errorf("got %v, want a set without keys refused", err)
	}
	if _, err := New(Options{}).fetchKeySet(t.Context(), "http://contoso.com/x"); err == nil || !strings.Contains(err.Error(), "is not https") {
		t.Errorf("got %v, want http refused", err)
	}
}

func TestParseKeySet(t *testing.T) {
	good := keySetText(web("1", &p256().PublicKey))
	member := func(name, value string) string {
		return strings.Replace(good, `{"kty"`, fmt.Sprintf(`{%q:%s,"kty"`, name, value), 1)
	}
	private := keySetText(jose.JSONWebKey{KeyID: "1", Key: p256()})
	tests := []struct {
		name, text string
		want       int
	}{
		{"good", good, 1},
		{"for signatures", member("use", `"sig"`), 1},
		{"for encryption", member("use", `"enc"`), 0},
		{"to verify", member("key_ops", `["verify"]`), 1},
		{"to encrypt", member("key_ops", `["encrypt"]`), 0},
		{"for nothing", member("key_ops", `[]`), 0},
		{"a certificate that cannot be read", member("x5c", `["AAAA"]`), 1},
		{"unknown member", member("oth", `{"a":1}`), 1},
		{"a private key is read as its public one", private, 1},
		{"secret", keySetText(jose.JSONWebKey{KeyID: "1", Key: secret}), 0},
		{"unknown type", `{"keys":[{"kty":"X"}]}`, 0},
		{"among others", strings.Replace(good, "[", `[{"kty":"X"},{"kty":5},7,{"kty":"EC","crv":"P-256","x":"AA","y":"AA"},`, 1), 1},
		{"small RSA", `{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}`, 0},
		{"curve exchanged", strings.Replace(good, "P-256", "P-384", 1), 0},
	}
	for _, test := range tests {
		keys, err := parseKeySet([]byte(test.text))
		if len(keys) != test.want || (err == nil) != (test.want > 0) {
			t.Errorf("%s: got %d keys, %v, want %d", test.name, len(keys), err, test.want)
		}
		for _, k := range keys {
			if !k.equal(&p256().PublicKey) || k.kid != "1" {
				t.Errorf("%s: got another key: %+v", test.name, k)
			}
		}
	}
	for _, text := range []string{``, `[]`, `{"keys":5}`, `{}`, `{"keys":[],"keys":[]}`} {
		if keys, err := parseKeySet([]byte(text)); err == nil {
			t.Errorf("%s: got %v, want an error", text, keys)
		}
	}
}

package authorization_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// issuer is an authorization server on this machine, as far as its tokens go.
type issuer struct {
	url string
	key *ecdsa.PrivateKey
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newIssuer serves metadata in the form of RFC 8414 alone.
func newIssuer(t testing.TB) *issuer {
	t.Helper()
	i := &issuer{key: newKey(t)}
	mux := http.NewServeMux()
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	i.url = s.URL + "/tenant"
	point, err := i.key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	mux.HandleFunc("/.well-known/oauth-authorization-server/tenant", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, i.url, s.URL+"/keys")
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"keys":[{"kty":"EC","crv":"P-256","kid":"1","x":%q,"y":%q}]}`, encode(point[1:33]), encode(point[33:]))
	})
	return i
}

// sign makes a token.
func sign(t testing.TB, claims jwt.MapClaims, method jwt.SigningMethod, key any) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	token.Header["kid"] = "1"
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// claims are those of a token for the gateway's servers.
func (i *issuer) claims(more jwt.MapClaims) jwt.MapClaims {
	c := jwt.MapClaims{
		"iss": i.url, "sub": "alice", "aud": []string{public + "/orders/mcp", public + "/wiki/mcp", public + "/old/mcp", public + "/all/mcp"},
		"exp": time.Now().Add(time.Hour).Unix(), "client_id": "cli", "email": "alice@contoso.com",
	}
	for name, value := range more {
		if value == nil {
			delete(c, name)
		} else {
			c[name] = value
		}
	}
	return c
}

func (i *issuer) token(t testing.TB, more jwt.MapClaims) string {
	t.Helper()
	return sign(t, i.claims(more), jwt.SigningMethodES256, i.key)
}

package vectors_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"toolgate/shared/gateway"
	"toolgate/shared/mcp"
	"toolgate/shared/services"
	"toolgate/tests/internal/folder"
	"toolgate/tests/internal/rpc"

	"github.com/go-jose/go-jose/v4"
)

// both is a gateway that takes tokens in the two ways there are: a policy document of
// API Management, which says with a header why it refuses, and authorization.
const both = `name: contoso
publicUrl: https://tools.contoso.com
allowedHosts: [ 127.0.0.1 ]
namedValues: { rest: { env: REST } }
backends: { orders: { url: "{{rest}}" } }
apis: { orders: { openapi: orders.yaml, backend: orders } }
servers:
  policy: { api: orders, policy: validate.xml, tools: [ getOrder ] }
  native:
    api: orders
    authorization: { issuer: "ISSUER", audience: api://tools, scopes: [ read ] }
    tools: [ getOrder ]
`

const validating = `<policies><inbound>
<validate-jwt header-name="Authorization" require-scheme="Bearer" output-token-variable-name="jwt">
<openid-config url="ISSUER/.well-known/openid-configuration" />
<issuer-signing-keys><key>SECRET</key></issuer-signing-keys>
<audiences><audience>api://tools</audience></audiences>
<required-claims><claim name="scope" match="all" separator=" "><value>read</value></claim></required-claims>
<decryption-keys><key>SHARED</key></decryption-keys>
</validate-jwt>
<set-header name="User"><value>@(((Jwt)context.Variables["jwt"]).Subject)</value></set-header>
</inbound><backend><forward-request /></backend><outbound />
<on-error><set-header name="Reason"><value>@(context.LastError.Reason)</value></set-header></on-error></policies>`

const operation = `openapi: 3.1.0
info: { title: Orders, version: "1" }
paths:
  /order: { get: { operationId: getOrder, responses: { "200": { description: ok } } } }
`

// door is a gateway before which callers stand.
type door struct {
	gateway http.Handler
	reached atomic.Int64 // calls of the backend
}

// newDoor serves both ways for tokens of an issuer. A clock that is nil stands.
func newDoor(t testing.TB, issuer string, now func() time.Time) *door {
	t.Helper()
	d := &door{}
	rest := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		d.reached.Add(1)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"called":true}`)
	}))
	t.Cleanup(rest.Close)
	fill := strings.NewReplacer("ISSUER", issuer, "SECRET", b64(secret), "SHARED", b64(secret[:32]))
	dir := folder.Write(t, map[string]string{"gateway.yaml": fill.Replace(both), "validate.xml": fill.Replace(validating), "orders.yaml": operation})
	d.gateway = folder.Open(t, dir, map[string]string{"REST": rest.URL}, gateway.Options{Services: services.New(services.Options{Now: now})})
	return d
}

// call calls the tool, and returns what came back.
func (d *door) call(t testing.TB, server, token string) *http.Response {
	t.Helper()
	request := rpc.New(mcp.Latest, "1", mcp.MethodCallTool, `{"name":"getOrder","arguments":{}}`)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://tools.contoso.com/"+server+"/mcp", strings.NewReader(request.Body))
	r.Header = request.Header.Clone()
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	d.gateway.ServeHTTP(w, r)
	return w.Result()
}

// The variable of validate-jwt has the token that was inside of an encrypted one; where
// there are no keys to decrypt it, it gets nowhere.
func TestEncryptedAtTheDoor(t *testing.T) {
	server := newIssuers(t)
	issuer := server.publish("default", ordinary())
	d, m := newDoor(t, issuer, func() time.Time { return noon }), &mint{t, issuer}
	seal := func(inner string) string {
		return m.encrypted(jose.DIRECT, jose.A256GCM, secret[:32], inner, jose.EncrypterOptions{})
	}
	for _, c := range []struct {
		way, inner string
		status     int
	}{
		{"policy", m.good("RS256"), http.StatusOK}, {"native", m.good("RS256"), http.StatusUnauthorized},
		{"policy", m.good("RS256", `"exp":1`), http.StatusUnauthorized}, {"policy", m.forged(`{"alg":"none"}`, nil), http.StatusUnauthorized},
	} {
		if got := d.status(t, c.way, seal(c.inner)); got != c.status {
			t.Errorf("%s: got %d, want %d", c.way, got, c.status)
		}
	}
	if got := d.reached.Load(); got != 1 {
		t.Errorf("got %d calls of the backend, want 1", got)
	}
}

// What the verifier refuses gets nowhere, with the reason in a policy's words and as a
// challenge, and what it accepts reaches the backend, by both ways.
func TestFrontDoor(t *testing.T) {
	server := newIssuers(t)
	issuer := server.publish("default", ordinary())
	d := newDoor(t, issuer, func() time.Time { return noon })
	for i, c := range all() {
		if !c.door {
			continue
		}
		if c.keys != "" || c.rules != nil {
			t.Errorf("%s: the door has the ordinary keys and rules", c.id(i))
		}
		token := c.token(&mint{t, issuer})
		for _, way := range []string{"policy", "native"} {
			before := d.reached.Load()
			res := d.call(t, way, token)
			body, err := io.ReadAll(res.Body)
			res.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			reached := d.reached.Load() - before
			got := fmt.Sprintf("%s by %s: got %d, %d calls of the backend, %q %q %.200s", c.id(i), way, res.StatusCode, reached, res.Header.Get("Reason"), res.Header.Get("WWW-Authenticate"), body)
			switch {
			case c.want == "" && (res.StatusCode != http.StatusOK || reached != 1 || !strings.Contains(string(body), "called")):
				t.Errorf("%s, want the call", got)
			case c.want != "" && (res.StatusCode != http.StatusUnauthorized || reached != 0):
				t.Errorf("%s, want it refused", got)
			case c.want != "" && way == "policy" && res.Header.Get("Reason") != string(c.want):
				t.Errorf("%s, want the reason %s", got, c.want)
			case c.want != "" && way == "native" && !strings.Contains(res.Header.Get("WWW-Authenticate"), `error="invalid_token"`):
				t.Errorf("%s, want a challenge", got)
			case strings.Contains(string(body), token):
				t.Errorf("%s, and the token in the answer", got)
			}
		}
	}
}

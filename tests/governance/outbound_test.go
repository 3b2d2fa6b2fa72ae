package governance_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"toolgate/shared/connection"
	"toolgate/shared/gateway"
	"toolgate/shared/host"
	"toolgate/shared/services"
	"toolgate/shared/snapshot"
	"toolgate/shared/state"
	"toolgate/tests/internal/folder"

	"github.com/go-json-experiment/json"
)

// tokenEndpoint is an authorization server that tells in its tokens what it was
// asked for.
func tokenEndpoint(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		f := r.PostForm
		w.Header().Set("Content-Type", "application/json")
		if f.Get("client_secret") != "planted-client-secret" && f.Get("client_assertion") != "identity-of-api://AzureADTokenExchange" {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprintf(w, `{"error":"invalid_client","error_description":"no client has the secret %s"}`, f.Get("client_secret"))
			return
		}
		of := f.Get("assertion") + f.Get("subject_token")
		if i := strings.LastIndex(of, "."); i >= 0 {
			of = of[i+1:]
		}
		fmt.Fprintf(w, `{"access_token":"for-%s-%s","expires_in":3600}`, of, f.Get("scope"))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// identity is a managed identity.
type identity struct{}

func (identity) Token(_ context.Context, resource, clientID string) (string, error) {
	if resource == "api://none" {
		return "", errors.New("the identity has no access to it")
	}
	return "identity-of-" + resource + clientID, nil
}

// signer marks requests.
type signer struct{}

func (signer) Sign(_ context.Context, req *http.Request, service, region string) error {
	req.Header.Set("Authorization", "AWS4 "+service+" "+region)
	return nil
}

// hs256 is a token that the key of tests signed.
func hs256(claims string) string {
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	h := hmac.New(sha256.New, []byte("a key of tests, and of nobody else"))
	h.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

const validating = `<policies>
  <inbound>
    <validate-jwt header-name="Authorization" require-scheme="Bearer">
      <issuer-signing-keys><key>{{jwt-key}}</key></issuer-signing-keys>
    </validate-jwt>
    <set-header name="Authorization" exists-action="delete" />
  </inbound>
  <backend><forward-request /></backend>
  <outbound />
</policies>`

const outboundFolder = `
name: contoso
namedValues: { backend: { env: BACKEND }, issuer: { env: ISSUER }, jwt-key: { secret: env:JWT_KEY } }
backends: { orders: { url: "{{backend}}", credentials: %s } }
apis:
  orders: { backend: orders, path: orders, operations: { get: { method: GET, urlTemplate: "/{id}", policy: %s } } }
servers:
  wiki: { upstream: { url: "{{backend}}/mcp", protocolVersion: 2025-11-25, credentials: %[1]s }, policy: %[2]s }
`

// What a backend is shown, over plain HTTP and MCP, is what its credentials say and
// nothing of the client's.
func TestBackendCredentials(t *testing.T) {
	issuer := tokenEndpoint(t)
	alice := hs256(`{"sub":"alice","exp":4000000000}`)
	ofAlice := "for-" + alice[strings.LastIndex(alice, ".")+1:] + "-"
	for _, c := range []struct{ name, credentials, policy, token, want string }{
		{"managed identity", `{ managedIdentity: { resource: "api://orders", clientId: "#1" } }`, "", "", "Bearer identity-of-api://orders#1"},
		{"client credentials", `{ clientCredentials: { tokenUrl: "{{issuer}}/t", clientId: g, clientSecret: { secret: env:CLIENT }, scope: s } }`, "", "", "Bearer for--s"},
		{"an assertion", `{ clientCredentials: { tokenUrl: "{{issuer}}/t", clientId: g, assertion: { managedIdentity: {} } } }`, "", "", "Bearer for--"},
		{"a wrong secret", `{ clientCredentials: { tokenUrl: "{{issuer}}/t", clientId: g, clientSecret: { secret: env:JWT_KEY } } }`, "", "", "could not obtain its credentials"},
		{"no access", `{ managedIdentity: { resource: "api://none" } }`, "", "", "could not obtain its credentials"},
		{"on behalf", `{ onBehalfOf: { tokenUrl: "{{issuer}}/t", clientId: g, clientSecret: { secret: env:CLIENT }, scope: s } }`, "validate.xml", alice, "Bearer " + ofAlice + "s"},
		{"exchange", `{ onBehalfOf: { tokenUrl: "{{issuer}}/t", clientId: g, clientSecret: { secret: env:CLIENT }, grant: token-exchange, audience: orders } }`, "validate.xml", alice, "Bearer " + ofAlice},
		{"on behalf of nobody valid", `{ onBehalfOf: { tokenUrl: "{{issuer}}/t", clientId: g, clientSecret: { secret: env:CLIENT } } }`, "", alice, "on behalf of the caller"},
		{"SigV4", `{ sigv4: { service: lambda, region: eu-west-1 } }`, "", alice, "AWS4 lambda eu-west-1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			backend := &recorder{}
			site := httptest.NewServer(backend)
			defer site.Close()
			policy := c.policy
			if policy == "" {
				policy = "none.xml"
			}
			dir := folder.Write(t, map[string]string{
				"gateway.yaml": fmt.Sprintf(outboundFolder, c.credentials, policy), "validate.xml": validating, "none.xml": `<policies><inbound /><backend><forward-request /></backend><outbound /></policies>`,
			})
			base := folder.Serve(t, dir, map[string]string{
				"BACKEND": site.URL, "ISSUER": issuer, "CLIENT": "planted-client-secret",
				"JWT_KEY": base64.StdEncoding.EncodeToString([]byte("a key of tests, and of nobody else")),
			}, gateway.Options{Services: services.New(services.Options{Identity: identity{}}), AWS: signer{}})
			for _, path := range []string{"/orders/1", "/wiki/mcp"} {
				answer := request(t, base+path, c.token)
				sent := backend.take()
				if !strings.Contains(sent+answer, c.want) {
					t.Errorf("%s: the backend got\n%s\nand the client\n%s\nwant %s", path, sent, answer, c.want)
				}
				if c.token != "" && strings.Contains(sent, c.token) || strings.Contains(answer, "planted") {
					t.Errorf("%s: the backend got\n%s\nthe client\n%s", path, sent, answer)
				}
				if strings.HasPrefix(c.want, "Bearer") != strings.Contains(sent, "Authorization: Bearer") {
					t.Errorf("%s: the backend got\n%s", path, sent)
				}
			}
		})
	}
}

// request sends a request to an API, or a message to a server.
func request(t *testing.T, address, token string) string {
	t.Helper()
	method, body := http.MethodGet, ""
	if strings.HasSuffix(address, "/mcp") {
		method, body = http.MethodPost, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a"}}`
	}
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Client-Secret", "planted-client-header")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return answerOf(t, http.DefaultTransport, req)
}

func answerOf(t *testing.T, rt http.RoundTripper, req *http.Request) string {
	t.Helper()
	res, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(res.StatusCode, " ", string(content))
}

// authority makes certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// issue makes a certificate; nil issues itself.
func (a *authority) issue(t *testing.T, name string, until time.Time) (*authority, string, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: until.Add(-1000 * time.Hour), NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, DNSNames: []string{"localhost"},
	}
	issuer, signing := template, key
	if a != nil {
		issuer, signing = a.certificate, a.key
	} else {
		template.IsCA, template.KeyUsage, template.ExtKeyUsage = true, x509.KeyUsageCertSign, nil
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, &key.PublicKey, signing)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{made, key},
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
}

// A backend is shown the certificate of its credentials, and policies find it by
// its id and thumbprint.
func TestBackendCertificate(t *testing.T) {
	_, chain, key := (*authority)(nil).issue(t, "gateway", time.Now().Add(time.Hour))
	site := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, c := range r.TLS.PeerCertificates {
			fmt.Fprint(w, "shown ", c.Subject.CommonName)
		}
	}))
	site.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	site.StartTLS()
	defer site.Close()
	site.Config.ErrorLog = nil
	const policy = `<policies><inbound>
  <set-header name="Known"><value>@(context.Deployment.Certificates["mine"].Subject + context.Deployment.Certificates["mine"].HasPrivateKey)</value></set-header>
  %s
</inbound><backend><forward-request /></backend><outbound><set-header name="Known"><value>@(context.Request.Headers.GetValueOrDefault("Known"))</value></set-header></outbound></policies>`
	dir := folder.Write(t, map[string]string{
		"gateway.yaml": `
name: contoso
certificates: { mine: { cert: mine.pem, key: mine.key } }
backends:
  with: { url: "` + site.URL + `", credentials: { certificate: mine } }
  without: { url: "` + site.URL + `" }
apis:
  with: { backend: with, path: with, operations: { get: { method: GET, urlTemplate: /, policy: plain.xml } } }
  without: { backend: without, path: without, operations: { get: { method: GET, urlTemplate: /, policy: plain.xml } } }
  policy: { backend: without, path: policy, operations: { get: { method: GET, urlTemplate: /, policy: id.xml } } }
`, "mine.pem": chain, "mine.key": key,
		"plain.xml": fmt.Sprintf(policy, ""), "id.xml": fmt.Sprintf(policy, `<authentication-certificate certificate-id="mine" />`),
	})
	transport, _ := site.Client().Transport.(*http.Transport)
	base := folder.Serve(t, dir, nil, gateway.Options{Services: services.New(services.Options{}), Files: os.DirFS(dir), Transport: transport})
	for path, want := range map[string]string{"/with": "200 shown gateway", "/without": "200 ", "/policy": "200 shown gateway"} {
		if got := request(t, base+path, ""); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	if content, err := folder.Compile(t.Context(), dir, nil); err != nil || bytes.Contains(content, []byte("PRIVATE KEY")) {
		t.Errorf("the snapshot has the key: %v", err)
	}
}

// The certificate of a client comes by the header that is named, or by TLS.
func TestClientCertificates(t *testing.T) {
	ca, trusted, _ := (*authority)(nil).issue(t, "authority", time.Now().Add(time.Hour))
	good, goodPEM, goodKey := ca.issue(t, "good", time.Now().Add(time.Hour))
	old, _, _ := ca.issue(t, "old", time.Now().Add(-time.Hour))
	foreign, _, _ := (*authority)(nil).issue(t, "foreign", time.Now().Add(time.Hour))
	dir := folder.Write(t, map[string]string{
		"gateway.yaml": `
name: contoso
clientCertificates: { header: X-ARR-ClientCert, trust: [ trust.pem ] }
apis:
  a: { path: a, operations: { get: { method: GET, urlTemplate: /, policy: a.xml }, dates: { method: GET, urlTemplate: /dates, policy: dates.xml } } }
`, "trust.pem": trusted,
		"a.xml":     `<policies><inbound><validate-client-certificate validate-trust="true" validate-not-before="true" validate-not-after="true" validate-revocation="false" ignore-error="false" /><return-response><set-body>@(context.Request.Certificate.Subject)</set-body></return-response></inbound></policies>`,
		"dates.xml": `<policies><inbound><validate-client-certificate validate-trust="true" validate-not-before="false" validate-not-after="false" validate-revocation="false" ignore-error="false" /><return-response><set-body>@("" + context.Request.Certificate.Verify())</set-body></return-response></inbound></policies>`,
	})
	functions := gateway.Options{Services: services.New(services.Options{}), CertificateHeader: host.AzureCertificateHeader}
	base := folder.Serve(t, dir, nil, functions)
	send := func(path, header, value string) string {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(header, value)
		return answerOf(t, http.DefaultTransport, req)
	}
	der := func(a *authority) string { return base64.StdEncoding.EncodeToString(a.certificate.Raw) }
	for _, c := range []struct{ name, path, header, value, want string }{
		{"DER in base64", "/a", "X-ARR-ClientCert", der(good), "200 CN=good"},
		{"RFC 9440", "/a", "X-ARR-ClientCert", ":" + der(good) + ":", "200 CN=good"},
		{"PEM", "/a", "X-ARR-ClientCert", url.PathEscape(goodPEM), "200 CN=good"},
		{"another header", "/a", "X-Client-Cert", der(good), "403 "},
		{"another authority", "/a", "X-ARR-ClientCert", der(foreign), "403 "},
		{"an old one", "/a", "X-ARR-ClientCert", der(old), "403 "},
		{"an old one where dates do not count", "/a/dates", "X-ARR-ClientCert", der(old), "200 True"},
		{"no certificate", "/a", "X-ARR-ClientCert", "AAAA", "403 "},
	} {
		if got := send(c.path, c.header, c.value); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
	pair, err := tls.X509KeyPair([]byte(goodPEM), []byte(goodKey))
	if err != nil {
		t.Fatal(err)
	}
	g := folder.Open(t, dir, nil, gateway.Options{Services: services.New(services.Options{})})
	secure := httptest.NewUnstartedServer(g)
	secure.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	secure.StartTLS()
	defer secure.Close()
	for _, presented := range []bool{true, false} {
		transport, _ := secure.Client().Transport.(*http.Transport)
		transport = transport.Clone()
		want := "403 "
		if presented {
			transport.TLSClientConfig.Certificates, want = []tls.Certificate{pair}, "200 CN=good"
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, secure.URL+"/a", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-ARR-ClientCert", der(good)) // counts for nothing over TLS
		if got := answerOf(t, transport, req); !strings.HasPrefix(got, want) {
			t.Errorf("over TLS, presented %v: got %s, want %s", presented, got, want)
		}
	}
}

// Requests whose URLs policies make go to public addresses and to backends.
func TestEgress(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "inside") }))
	defer site.Close()
	redirect := httptest.NewServer(http.RedirectHandler(site.URL, http.StatusFound))
	defer redirect.Close()
	named := strings.Replace(site.URL, "127.0.0.1", "localhost", 1)
	const policy = `<policies><inbound>
  <choose><when condition="@(context.Request.Url.Query.ContainsKey(&quot;send&quot;))">
    <send-request mode="new" response-variable-name="r" ignore-error="true"><set-url>@(context.Request.Url.Query.GetValueOrDefault("to"))</set-url><set-method>GET</set-method></send-request>
    <return-response><set-body>@(context.Variables.GetValueOrDefault&lt;IResponse&gt;("r")?.Body.As&lt;string&gt;() ?? "refused")</set-body></return-response>
  </when><otherwise><set-backend-service base-url="@(context.Request.Url.Query.GetValueOrDefault(&quot;to&quot;))" /></otherwise></choose>
</inbound><backend><forward-request follow-redirects="true" /></backend><outbound /></policies>`
	for _, c := range []struct {
		name, yaml, to string
		allowed        bool
	}{
		{"public", "publicUrl: https://tools.contoso.com\nallowedHosts: [ 127.0.0.1 ]", site.URL, false},
		{"by name", "publicUrl: https://tools.contoso.com\nallowedHosts: [ 127.0.0.1 ]", named, false},
		{"metadata of clouds", "egress: { private: true }", "http://169.254.169.254/latest/meta-data", false},
		{"unspecified", "name: contoso", "http://0.0.0.0" + site.URL[strings.LastIndex(site.URL, ":"):], false},
		{"in development", "", site.URL, true},
		{"allowed by address", "publicUrl: https://tools.contoso.com\nallowedHosts: [ 127.0.0.1 ]\negress: { allow: [ 127.0.0.0/8 ] }", site.URL, true},
		{"allowed by name", "publicUrl: https://tools.contoso.com\nallowedHosts: [ 127.0.0.1 ]\negress: { allow: [ localhost ], public: false }", named, true},
		{"a backend", "publicUrl: https://tools.contoso.com\nallowedHosts: [ 127.0.0.1 ]\nbackends: { b: { url: \"" + site.URL + "\" } }", site.URL, true},
		{"a redirect of a backend", "publicUrl: https://tools.contoso.com\nallowedHosts: [ 127.0.0.1 ]\nbackends: { b: { url: \"" + redirect.URL + "\" } }", redirect.URL, false},
	} {
		yaml := "name: contoso\n" + strings.TrimPrefix(c.yaml, "name: contoso") + "\napis: { a: { path: a, operations: { get: { method: GET, urlTemplate: /, policy: a.xml } } } }\n"
		base := folder.Serve(t, folder.Write(t, map[string]string{"gateway.yaml": yaml, "a.xml": policy}), nil, gateway.Options{Services: services.New(services.Options{})})
		for _, send := range []string{"", "&send=1"} {
			got := request(t, base+"/a?to="+url.QueryEscape(c.to)+send, "")
			if allowed := strings.Contains(got, "inside"); allowed != c.allowed {
				t.Errorf("%s%s: got %s, want allowed %v", c.name, send, got, c.allowed)
			}
		}
	}
}

// A connection is made on the gateway's page, and its token is the policies' to use.
func TestConnections(t *testing.T) {
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/authorize" {
			q := r.URL.Query()
			http.Redirect(w, r, q.Get("redirect_uri")+"?code=c&state="+url.QueryEscape(q.Get("state")), http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, `{"access_token":"planted-access-token","expires_in":3600}`)
	}))
	defer provider.Close()
	dir := folder.Write(t, map[string]string{
		"gateway.yaml": `
name: contoso
sealingKey: { secret: env:SEALING }
namedValues: { provider: { env: PROVIDER } }
connections: { github: { authorizationUrl: "{{provider}}/authorize", tokenUrl: "{{provider}}/token", clientId: g, clientSecret: { secret: env:CLIENT } } }
apis: { a: { path: a, operations: { get: { method: GET, urlTemplate: /, policy: a.xml } } } }
`,
		"a.xml": `<policies><inbound><get-authorization-context provider-id="github" authorization-id="shared" context-variable-name="auth" identity-type="managed" ignore-error="true" /><return-response><set-body>@(((Authorization)context.Variables.GetValueOrDefault("auth"))?.AccessToken ?? "none")</set-body></return-response></inbound></policies>`,
	})
	env := map[string]string{"SEALING": strings.Repeat("s", 32), "PROVIDER": provider.URL, "CLIENT": "planted-client-secret"}
	store := &state.Memory{}
	base := folder.Serve(t, dir, env, gateway.Options{Services: services.New(services.Options{}), Connections: store})
	keeper := keeperOf(t, dir, env, store)
	if got := request(t, base+"/a", ""); got != "200 none" {
		t.Errorf("before: got %s", got)
	}
	path, err := keeper.Ticket("github", "shared", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	page := visit(t, browser, http.MethodGet, base+path, "")
	ticket := regexp.MustCompile(`name="ticket" value="([^"]+)"`).FindStringSubmatch(page)
	if ticket == nil {
		t.Fatalf("got %s", page)
	}
	if page = visit(t, browser, http.MethodPost, base+path, url.Values{"ticket": {ticket[1]}}.Encode()); !strings.Contains(page, "is connected") || strings.Contains(page, "planted") {
		t.Fatalf("got %s", page)
	}
	if got := request(t, base+"/a", ""); got != "200 planted-access-token" {
		t.Errorf("after: got %s", got)
	}
}

func visit(t *testing.T, browser *http.Client, method, address, form string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := browser.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// keeperOf is what the command connections works with.
func keeperOf(t *testing.T, dir string, env map[string]string, store state.Store) *connection.Keeper {
	t.Helper()
	content, err := folder.Compile(t.Context(), dir, env)
	if err != nil {
		t.Fatal(err)
	}
	snap, err := snapshot.Load(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	k, err := gateway.Connections(&snap.Manifest, gateway.Options{
		Connections: store, Secrets: host.Secrets(func(name string) (string, bool) { v, ok := env[name]; return v, ok }),
	})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// sessions is an MCP server of the legacy era whose sessions belong to the token
// that opened them.
type sessions struct {
	mu     sync.Mutex
	tokens []string // by session
	faults []string
}

func (s *sessions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var m struct {
		ID     int64  `json:"id"`
		Method string `json:"method"`
	}
	_ = json.UnmarshalRead(r.Body, &m)
	token := r.Header.Get("Authorization")
	w.Header().Set("Content-Type", "application/json")
	if m.Method == "initialize" {
		w.Header().Set("Mcp-Session-Id", fmt.Sprint(len(s.tokens)))
		s.tokens = append(s.tokens, token)
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%d,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"a","version":"1"}}}`, m.ID)
		return
	}
	i, err := strconv.Atoi(r.Header.Get("Mcp-Session-Id"))
	if err != nil || i >= len(s.tokens) || s.tokens[i] != token || !strings.HasPrefix(token, "Bearer for-") {
		s.faults = append(s.faults, fmt.Sprintf("%s in session %q with %s", m.Method, r.Header.Get("Mcp-Session-Id"), token))
	}
	switch m.Method {
	case "tools/list":
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%d,"result":{"tools":[{"name":"of","description":%q,"inputSchema":{"type":"object"}}]}}`, m.ID, token)
	case "tools/call":
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%d,"result":{"content":[{"type":"text","text":%q}]}}`, m.ID, token)
	default:
		w.WriteHeader(http.StatusAccepted)
	}
}

// Callers on whose behalf an MCP server is called share nothing there: no session,
// no list, no token.
func TestCallersAreKeptApart(t *testing.T) {
	upstream := &sessions{}
	site := httptest.NewServer(upstream)
	t.Cleanup(site.Close) // after the gateway, which ends its sessions
	dir := folder.Write(t, map[string]string{
		"gateway.yaml": fmt.Sprintf(outboundFolder, `{ onBehalfOf: { tokenUrl: "{{issuer}}/t", clientId: g, clientSecret: { secret: env:CLIENT } } }`, "validate.xml"), "validate.xml": validating,
	})
	base := folder.Serve(t, dir, map[string]string{
		"BACKEND": site.URL, "ISSUER": tokenEndpoint(t), "CLIENT": "planted-client-secret",
		"JWT_KEY": base64.StdEncoding.EncodeToString([]byte("a key of tests, and of nobody else")),
	}, gateway.Options{Services: services.New(services.Options{})})
	var calls sync.WaitGroup
	for caller := range 4 {
		token := hs256(fmt.Sprintf(`{"sub":"caller-%d","exp":4000000000}`, caller))
		want := "Bearer for-" + token[strings.LastIndex(token, ".")+1:]
		calls.Go(func() {
			for i := range 6 {
				method := []string{`tools/call","params":{"name":"of","arguments":{},`, `tools/list","params":{`}[i%2]
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/wiki/mcp", strings.NewReader(
					`{"jsonrpc":"2.0","id":1,"method":"`+method+`"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`))
				if err != nil {
					t.Error(err)
					return
				}
				req.Header.Set("Content-Type", "application/json")
				req.Header.Set("Authorization", "Bearer "+token)
				req.Header.Set("MCP-Protocol-Version", "2026-07-28")
				req.Header.Set("Mcp-Method", method[:10])
				if i%2 == 0 {
					req.Header.Set("Mcp-Name", "of")
				}
				if got := answerOf(t, http.DefaultTransport, req); !strings.Contains(got, want) {
					t.Errorf("caller %d: got %s, want %s", caller, got, want)
				}
			}
		})
	}
	calls.Wait()
	if len(upstream.faults) > 0 || len(upstream.tokens) != 4 {
		t.Errorf("got %d sessions, and %q", len(upstream.tokens), upstream.faults)
	}
}

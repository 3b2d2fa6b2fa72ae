package e2e

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"toolgate/tests/peer"

	"github.com/go-json-experiment/json"
)

// clouds are the services of Azure and AWS that a function asks, behind a proxy:
// the program reaches them by their own names over TLS.
type clouds struct {
	proxy    *httptest.Server
	env      []string
	accepted chan net.Conn
	ended    chan struct{}
	end      sync.Once

	mu    sync.Mutex
	asked []string
}

// Accept, Close and Addr serve net.Listener: what comes through the proxy.
func (c *clouds) Accept() (net.Conn, error) {
	select {
	case conn := <-c.accepted:
		return conn, nil
	case <-c.ended:
		return nil, net.ErrClosed
	}
}

func (c *clouds) Addr() net.Addr { return &net.TCPAddr{} }

func (c *clouds) Close() error {
	c.end.Do(func() { close(c.ended) })
	return nil
}

func startClouds(t *testing.T) *clouds {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "clouds"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"*.vault.azure.net", "*.eu-west-1.amazonaws.com", "login.microsoftonline.com"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	authority := filepath.Join(t.TempDir(), "clouds.pem")
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &clouds{accepted: make(chan net.Conn), ended: make(chan struct{})}
	terms := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	inside := &http.Server{Handler: http.HandlerFunc(c.answer), ReadHeaderTimeout: time.Minute}
	go func() { _ = inside.Serve(c) }() // until the test ends
	c.proxy = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			c.answer(w, r)
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
		select {
		case c.accepted <- tls.Server(conn, terms):
		case <-c.ended:
			_ = conn.Close()
		}
	}))
	t.Cleanup(func() {
		_ = inside.Close()
		c.proxy.CloseClientConnections()
		c.proxy.Close()
	})
	c.env = []string{"HTTPS_PROXY=" + c.proxy.URL, "NO_PROXY=", "SSL_CERT_FILE=" + authority}
	return c
}

// answer is what the clouds say.
func (c *clouds) answer(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	target := r.Host + r.URL.Path + " " + r.Header.Get("X-Amz-Target")
	c.mu.Lock()
	c.asked = append(c.asked, strings.TrimSpace(target))
	c.mu.Unlock()
	bearer := r.Header.Get("Authorization")
	signed := strings.HasPrefix(bearer, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/") && r.Header.Get("X-Amz-Security-Token") == "planted-session"
	text := ""
	switch {
	case r.URL.Path == "/identity" && r.Header.Get("X-IDENTITY-HEADER") == "planted-identity-header":
		text = fmt.Sprintf(`{"access_token":"planted-token-for-%s","expires_on":"%d"}`, r.URL.Query().Get("resource"), time.Now().Add(time.Hour).Unix())
	case r.Host == "contoso.vault.azure.net:443" || r.Host == "contoso.vault.azure.net":
		if strings.HasPrefix(bearer, "Bearer planted-token-for-https://vault.azure.net") {
			text = `{"value":"planted-of` + strings.ReplaceAll(strings.TrimPrefix(r.URL.Path, "/secrets"), "/", "-") + `"}`
		}
	case strings.HasPrefix(r.Host, "secretsmanager.") && signed:
		text = `{"Name":"orders","SecretString":"{\"key\":\"planted-of-manager\"}"}`
	case strings.HasPrefix(r.Host, "ssm.") && signed:
		text = `{"Parameters":[{"Name":"/named","Value":"planted-of-parameter"}]}`
	case strings.HasPrefix(r.Host, "sts.") && signed && bytes.Contains(body, []byte("Action=GetWebIdentityToken")):
		text = `<R><GetWebIdentityTokenResult><WebIdentityToken>planted-web-identity</WebIdentityToken></GetWebIdentityTokenResult></R>`
	case strings.HasPrefix(r.Host, "login.microsoftonline.com") && bytes.Contains(body, []byte("client_assertion=planted-web-identity")):
		text = `{"access_token":"planted-token-for-https://vault.azure.net","token_type":"Bearer","expires_in":3600}`
	}
	if text == "" {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	_, _ = io.WriteString(w, text)
}

// quoting is a backend that notes the headers it gets.
func quoting(t *testing.T) (address string, got func() string) {
	t.Helper()
	var mu sync.Mutex
	var all strings.Builder
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(&all, r.Header)
		_, _ = io.WriteString(w, "fine")
	}))
	t.Cleanup(s.Close)
	return s.URL, func() string {
		mu.Lock()
		defer mu.Unlock()
		return all.String()
	}
}

// buildVaults builds a gateway whose secrets are in vaults.
func buildVaults(t *testing.T, backend, named, key string) string {
	t.Helper()
	dir := writeFiles(t, map[string]string{
		"gateway.yaml": fmt.Sprintf(`
name: contoso
namedValues: { named: { secret: %q } }
backends: { orders: { url: %q, credentials: { header: { X-Key: { secret: %q } } } } }
apis: { orders: { backend: orders, path: orders, operations: { get: { method: GET, urlTemplate: /, policy: a.xml } } } }
`, named, backend, key),
		"a.xml": `<policies><inbound><set-header name="X-Named"><value>{{named}}</value></set-header><authentication-managed-identity resource="https://vault.azure.net" /></inbound><backend><forward-request /></backend><outbound /></policies>`,
	})
	out := filepath.Join(dir, "gateway.snapshot")
	ended := peer.Run(t, peer.Command{Path: peer.Build(t, "./local"), Args: []string{"build", dir, "-o", out}})
	if ended.ExitCode != 0 {
		t.Fatalf("build: exit code %d\n%s%s", ended.ExitCode, ended.Stdout, ended.Stderr)
	}
	return out
}

// The function app has its secrets from Key Vault, with its managed identity.
func TestAzureKeyVault(t *testing.T) {
	c := startClouds(t)
	backend, got := quoting(t)
	const vault = "keyvault:https://contoso.vault.azure.net/secrets/"
	snapshot := buildVaults(t, backend, vault+"named", vault+"key/0123456789abcdef0123456789abcdef")
	port := freePort(t)
	p, err := peer.Start(peer.Command{Path: peer.Build(t, "./functions/azure"), Env: append(c.env,
		"FUNCTIONS_CUSTOMHANDLER_PORT="+strconv.Itoa(port), "TOOLGATE_SNAPSHOT="+snapshot,
		"IDENTITY_ENDPOINT="+c.proxy.URL+"/identity", "IDENTITY_HEADER=planted-identity-header")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	base := "http://127.0.0.1:" + strconv.Itoa(port)
	waitFor(t, base+"/")
	wantText(t, get(t, http.DefaultTransport, base+"/orders"), "200 OK", "fine")
	wantText(t, got(), "planted-of-named", "planted-of-key-0123456789abcdef0123456789abcdef", "planted-token-for-https://vault.azure.net")
	if log := p.Log(); strings.Contains(log, "planted") {
		t.Errorf("the log has a secret:\n%s", log)
	}
}

// A vault that gives no secret: the log says which and why, and calls are refused
// until it does.
func TestAzureWithoutVault(t *testing.T) {
	c := startClouds(t)
	backend, _ := quoting(t)
	snapshot := buildVaults(t, backend, "keyvault:https://contoso.vault.azure.net/secrets/named", "ssm:/orders/key")
	port := freePort(t)
	p, err := peer.Start(peer.Command{Path: peer.Build(t, "./functions/azure"), Env: append(c.env,
		"FUNCTIONS_CUSTOMHANDLER_PORT="+strconv.Itoa(port), "TOOLGATE_SNAPSHOT="+snapshot,
		"IDENTITY_ENDPOINT="+c.proxy.URL+"/identity", "IDENTITY_HEADER=planted-wrong-header")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	base := "http://127.0.0.1:" + strconv.Itoa(port)
	waitFor(t, base+"/")
	wantText(t, get(t, http.DefaultTransport, base+"/orders"), "503", "waits for its secrets")
	wantText(t, p.Log(), "secrets/named", "identity endpoint answered status 403", "this host cannot reach the parameter store of AWS Systems Manager")
	if log := p.Log(); strings.Contains(log, "planted") {
		t.Errorf("the log has a secret:\n%s", log)
	}
}

// The Lambda function has its secrets from Secrets Manager and Systems Manager with
// its role, and is an application of Microsoft Entra by federation.
func TestLambdaVaultsAndFederation(t *testing.T) {
	for _, x := range []struct{ name, key, want string }{
		{"ssm:/named", "secretsmanager:orders#key", "planted-of-manager"},
		{"ssm:/named", "keyvault:https://contoso.vault.azure.net/secrets/key", "planted-of-key"}, // of the other cloud
	} {
		c := startClouds(t)
		backend, got := quoting(t)
		event, err := json.Marshal(map[string]any{
			"version": "2.0", "rawPath": "/orders", "rawQueryString": "", "headers": map[string]string{}, "isBase64Encoded": false,
			"requestContext": map[string]any{
				"domainName": "abc.lambda-url.eu-west-1.on.aws", "http": map[string]any{"method": "GET", "path": "/orders", "sourceIp": "192.0.2.1"},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		api := &runtimeAPI{event: event, handed: make(chan struct{}, 1), response: make(chan invocationResponse, 1), done: t.Context().Done()}
		api.handed <- struct{}{}
		runtime := httptest.NewServer(api)
		t.Cleanup(runtime.CloseClientConnections)
		p, err := peer.Start(peer.Command{Path: peer.Build(t, "./functions/lambda"), Env: append(c.env,
			"AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(runtime.URL, "http://"), "TOOLGATE_SNAPSHOT="+buildVaults(t, backend, x.name, x.key),
			"AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=planted-secret-access-key", "AWS_SESSION_TOKEN=planted-session",
			"AZURE_TENANT_ID=contoso", "AZURE_CLIENT_ID=gateway", "AZURE_FEDERATED_TOKEN_FILE=", "AZURE_AUTHORITY_HOST=")})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Stop)
		select {
		case res := <-api.response:
			wantText(t, string(res.body), "fine")
		case <-time.After(30 * time.Second):
			t.Fatalf("the function did not answer:\n%s", p.Log())
		}
		wantText(t, got(), "planted-of-parameter", x.want, "Bearer planted-token-for-https://vault.azure.net")
		if log := p.Log(); strings.Contains(log, "planted") {
			t.Errorf("the log has a secret:\n%s", log)
		}
	}
}

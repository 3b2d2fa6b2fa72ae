package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"toolgate/tests/peer"
)

// writeFiles makes a folder of files.
func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const connectionsFolder = `
name: contoso
sealingKey: { secret: env:SEALING_KEY }
connections:
  hub: { authorizationUrl: "https://hub.contoso.com/authorize", tokenUrl: "https://hub.contoso.com/token", clientId: g, clientSecret: { secret: env:HUB_SECRET }, scopes: [ read ] }
servers:
  helpdesk: { upstream: { url: "http://127.0.0.1:1/mcp", credentials: { oauth: {} } } }
`

// The link that the command prints opens a page of the gateway, once it is served
// with the same key.
func TestConnectionsCommand(t *testing.T) {
	dir := writeFiles(t, map[string]string{"gateway.yaml": connectionsFolder})
	env := []string{"SEALING_KEY=" + strings.Repeat("k", 32), "HUB_SECRET=planted-secret"}
	run := func(code int, args ...string) string {
		t.Helper()
		ended := peer.Run(t, peer.Command{Path: peer.Build(t, "./local"), Args: append([]string{"connections", "--folder", dir}, args...), Dir: peer.Root(t), Env: env})
		out := string(ended.Stdout) + string(ended.Stderr)
		if ended.ExitCode != code || strings.Contains(out, "planted") {
			t.Fatalf("connections %s: got exit code %d, want %d\n%s", strings.Join(args, " "), ended.ExitCode, code, out)
		}
		return out
	}
	wantText(t, run(0, "list"), "there are no connections")
	wantText(t, run(1, "add", "bub/x"), "no such provider")
	wantText(t, run(1, "add", "hub/callback"), "no id of a connection")
	wantText(t, run(2, "add"), "PROVIDER/ID")
	wantText(t, run(2, "lst"), `did you mean "list"?`)
	wantText(t, run(1, "test", "hub/shared"), "no such connection")
	wantText(t, run(1, "test", "helpdesk/shared"), "no such connection")
	wantText(t, run(0, "add", "helpdesk/shared", "--scope", "read write"), "/connections/helpdesk/shared?ticket=")
	wantText(t, run(1, "remove", "hub/shared"), "no such connection")

	p, err := peer.Start(peer.Command{
		Path: peer.Build(t, "./local"), Args: []string{"serve", dir, "--listen", "127.0.0.1:0"}, Dir: peer.Root(t), Env: env,
		Ready: regexp.MustCompile(`(?m)^listening on (http://127\.0\.0\.1:\d+)$`),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	base, err := p.AwaitReady(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := run(0, "add", "hub/shared", "--url", base)
	link := regexp.MustCompile(`(?m)^http://\S+$`).FindString(out)
	page := get(t, http.DefaultTransport, link)
	wantText(t, page, "200", "hub.contoso.com", "hub/shared", "read")
	wantText(t, get(t, http.DefaultTransport, link[:len(link)-2]), "403", "not valid")
}

func get(t *testing.T, rt http.RoundTripper, address string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.Status + "\n" + string(content)
}

// certificate makes a certificate that issued itself, and its key.
func certificate(t *testing.T, name string) (certificatePEM, keyPEM string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
}

// serve takes TLS, and policies see the client's certificate.
func TestServeTLS(t *testing.T) {
	server, serverKey := certificate(t, "server")
	client, clientKey := certificate(t, "client")
	foreign, foreignKey := certificate(t, "foreign")
	dir := writeFiles(t, map[string]string{
		"gateway.yaml": "name: contoso\nclientCertificates: { trust: [ client.pem ] }\napis: { who: { path: who, operations: { get: { method: GET, urlTemplate: /, policy: who.xml } } } }\n",
		"who.xml":      `<policies><inbound><validate-client-certificate validate-trust="true" validate-revocation="false" ignore-error="false" /><return-response><set-body>@(context.Request.Certificate.Subject)</set-body></return-response></inbound></policies>`,
		"server.pem":   server, "server.key": serverKey, "client.pem": client,
	})
	for _, strict := range []bool{false, true} {
		args := []string{"serve", dir, "--listen", "127.0.0.1:0", "--tls-cert", filepath.Join(dir, "server.pem"), "--tls-key", filepath.Join(dir, "server.key")}
		if strict {
			args = append(args, "--client-ca", filepath.Join(dir, "client.pem"))
		}
		p, err := peer.Start(peer.Command{
			Path: peer.Build(t, "./local"), Args: args, Dir: peer.Root(t),
			Ready: regexp.MustCompile(`(?m)^listening on (https://127\.0\.0\.1:\d+)$`),
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Stop)
		base, err := p.AwaitReady(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM([]byte(server))
		with := func(certificatePEM, keyPEM string) *http.Transport {
			c := &tls.Config{RootCAs: roots}
			if certificatePEM != "" {
				pair, err := tls.X509KeyPair([]byte(certificatePEM), []byte(keyPEM))
				if err != nil {
					t.Fatal(err)
				}
				c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
			}
			return &http.Transport{TLSClientConfig: c}
		}
		wantText(t, get(t, with(client, clientKey), base+"/who"), "200 OK", "CN=client")
		wantText(t, get(t, with("", ""), base+"/who"), "403")
		if !strict {
			wantText(t, get(t, with(foreign, foreignKey), base+"/who"), "403")
			continue
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/who", nil)
		if err != nil {
			t.Fatal(err)
		}
		if res, err := with(foreign, foreignKey).RoundTrip(req); err == nil {
			res.Body.Close()
			t.Errorf("a client of another authority got %s", res.Status)
		}
	}
}

package docs_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// network is what the reader's commands reach beyond this machine: a proxy that leads
// to handlers of the test, by the names of hosts and with a certificate that the
// commands trust. Nothing else is reached, and what asks for it fails the test.
type network struct {
	hosts map[string]http.Handler
	fault func(format string, args ...any)
	tls   *httptest.Server
}

// metadata is where machines of Azure have the tokens of their identities. The Azure
// SDK looks whether this is one; the reader's is not.
const metadata = "169.254.169.254"

// newNetwork starts it, and returns the environment that leads commands there. The
// certificate is written to a folder.
func newNetwork(t *testing.T, dir string, hosts map[string]http.Handler) (env []string) {
	t.Helper()
	n := &network{hosts: hosts, fault: t.Errorf}
	certificate, key := selfSigned(t, slices.Sorted(maps.Keys(hosts))...)
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	n.tls = httptest.NewUnstartedServer(http.HandlerFunc(n.serve))
	n.tls.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	n.tls.StartTLS()
	t.Cleanup(n.tls.Close)
	proxy := httptest.NewServer(http.HandlerFunc(n.connect))
	t.Cleanup(proxy.Close)
	authority := filepath.Join(dir, "authority.pem")
	writeFile(t, authority, string(certificate), 0o600)
	// Requests to this machine have no proxy in any case; a NO_PROXY that is empty
	// would leave it to no_proxy, which the machine may have.
	return []string{"HTTPS_PROXY=" + proxy.URL, "HTTP_PROXY=" + proxy.URL, "NO_PROXY=localhost", "SSL_CERT_FILE=" + authority}
}

// serve answers as the host does that the request is for.
func (n *network) serve(w http.ResponseWriter, r *http.Request) {
	if h := n.hosts[r.Host]; h != nil {
		h.ServeHTTP(w, r)
		return
	}
	n.fault("a command asks %s for %s", r.Host, r.URL.Path)
	w.WriteHeader(http.StatusMisdirectedRequest)
}

// connect serves the proxy. Requests without TLS have no host to go to.
func (n *network) connect(w http.ResponseWriter, r *http.Request) {
	client, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		n.fault("serving the proxy: %v", err)
		return
	}
	defer client.Close()
	host, port, _ := net.SplitHostPort(r.Host)
	switch {
	case r.Method != http.MethodConnect && r.Host == metadata:
		return // as where no such host is
	case r.Method != http.MethodConnect, n.hosts[host] == nil, port != "443":
		n.fault("a command wants to reach %s %s, for which nothing stands in", r.Method, r.Host)
		_, _ = io.WriteString(client, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n") // the command may be gone
		return
	}
	if err := n.tunnel(r.Context(), client); err != nil {
		n.fault("reaching %s: %v", r.Host, err)
	}
}

// tunnel connects a client with the server until one of them ends.
func (n *network) tunnel(ctx context.Context, client net.Conn) error {
	var d net.Dialer
	server, err := d.DialContext(ctx, "tcp", n.tls.Listener.Addr().String())
	if err != nil {
		return err
	}
	defer server.Close()
	// Errors from here on are those of a command that has ended.
	_, _ = io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n")
	ended := make(chan struct{}, 2)
	for _, ends := range [][2]net.Conn{{client, server}, {server, client}} {
		go func() {
			_, _ = io.Copy(ends[0], ends[1])
			ended <- struct{}{}
		}()
	}
	<-ended
	return nil
}

// selfSigned makes a certificate and its private key, in PEM.
func selfSigned(t *testing.T, hosts ...string) (certificate, private []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: hosts}
	content, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: content}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

// TestNetworkRefuses asks the proxy for what nothing stands in for.
func TestNetworkRefuses(t *testing.T) {
	var faults atomic.Int32
	n := &network{hosts: map[string]http.Handler{"example.com": http.NotFoundHandler()}, fault: func(string, ...any) { faults.Add(1) }}
	proxy := httptest.NewServer(http.HandlerFunc(n.connect))
	defer proxy.Close()
	requests := []string{"CONNECT contoso.com:443", "CONNECT example.com:80", "GET http://example.com/"}
	for _, request := range requests {
		var d net.Dialer
		conn, err := d.DialContext(t.Context(), "tcp", proxy.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, err = fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: example.com\r\n\r\n", request)
		answer, _ := io.ReadAll(conn)
		if err = errors.Join(err, conn.Close()); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 502 ") {
			t.Errorf("%s: got %q, %v, want 502", request, answer, err)
		}
	}
	if got := int(faults.Load()); got != len(requests) {
		t.Errorf("got %d faults, want %d", got, len(requests))
	}
}

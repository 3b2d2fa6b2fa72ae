package governance_test

import (
	"bytes"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"toolgate/shared/gateway"
	"toolgate/shared/host"
	"toolgate/shared/services"
	"toolgate/tests/internal/folder"
)

const addressPolicy = `<policies><inbound>
  <ip-filter action="forbid"><address>127.0.0.1</address></ip-filter>
  <rate-limit-by-key calls="1" renewal-period="300" counter-key="@(context.Request.IpAddress)" />
  <return-response><set-body>@(context.Request.IpAddress)</set-body></return-response>
</inbound></policies>`

// Policies and the log have the address of the client from whom the host has it,
// and nothing that a client sends makes it another: not a way past ip-filter, and no
// way to a limit of its own.
func TestForgedAddresses(t *testing.T) {
	const door = "11111111-2222-3333-4444-555555555555"
	azure := host.AzureAddressHeaders()
	for _, c := range []struct {
		name, yaml string
		platform   []string
		trusted    http.Header // from who is in front
		forged     http.Header // from the client
		want       string
	}{
		{"local", "", nil, nil, http.Header{"X-Forwarded-For": {"203.0.113.1"}, "Client-Ip": {"203.0.113.1"}, "X-Real-Ip": {"203.0.113.1"}}, "403 127.0.0.1"},
		{"Azure", "", azure, http.Header{"Client-Ip": {"203.0.113.9:4711"}}, http.Header{"X-Forwarded-For": {"203.0.113.1"}, "X-Azure-Socketip": {"203.0.113.1"}}, "200 203.0.113.9"},
		{"Front Door", "clientAddress: { frontDoor: " + door + " }", azure,
			http.Header{"Client-Ip": {"147.243.0.1:1"}, "X-Azure-Socketip": {"203.0.113.9"}, "X-Azure-Fdid": {door}}, http.Header{"X-Forwarded-For": {"203.0.113.1"}}, "200 203.0.113.9"},
		{"past Front Door", "clientAddress: { frontDoor: " + door + " }", azure,
			http.Header{"Client-Ip": {"203.0.113.9:1"}}, http.Header{"X-Azure-Socketip": {"203.0.113.1"}, "X-Azure-Fdid": {"99999999-2222-3333-4444-555555555555"}}, "200 203.0.113.9"},
		{"a proxy", "clientAddress: { header: X-Forwarded-For, from: [ 127.0.0.1 ] }", nil,
			http.Header{"X-Forwarded-For": {"203.0.113.1, 203.0.113.9"}}, nil, "200 203.0.113.9"},
		{"past the proxy", "clientAddress: { header: X-Forwarded-For, from: [ 10.0.0.0/8 ] }", nil, nil, http.Header{"X-Forwarded-For": {"203.0.113.1"}}, "403 127.0.0.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := folder.Write(t, map[string]string{
				"gateway.yaml": "name: contoso\n" + c.yaml + "\napis: { a: { path: a, operations: { get: { method: GET, urlTemplate: /, policy: a.xml } } } }\n", "a.xml": addressPolicy,
			})
			calls := make(chan gateway.Call, 2)
			base := folder.Serve(t, dir, nil, gateway.Options{
				Services: services.New(services.Options{}), AddressHeaders: c.platform, Observe: func(call gateway.Call) { calls <- call },
			})
			status, address, _ := strings.Cut(c.want, " ")
			for i, forged := range []http.Header{nil, c.forged} {
				want := c.want
				switch {
				case status != "200":
					want = status
				case i == 1:
					want = "429" // the same caller still
				}
				if got := getWith(t, base+"/a", c.trusted, forged); !strings.HasPrefix(got, want) {
					t.Errorf("request %d: got %s, want %s", i+1, got, want)
				}
				if call := <-calls; call.Client != address {
					t.Errorf("request %d: got %q in the log, want %q", i+1, call.Client, address)
				}
			}
		})
	}
}

// getWith sends a request with all headers, those of several names twice.
func getWith(t *testing.T, url string, headers ...http.Header) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		for name, values := range h {
			req.Header[name] = append(req.Header[name], values...)
		}
	}
	return answerOf(t, http.DefaultTransport, req)
}

// A certificate is no secret: a header with one counts where the platform, or a
// proxy, has set it, and nowhere else.
func TestForgedCertificates(t *testing.T) {
	ca, trusted, _ := (*authority)(nil).issue(t, "authority", time.Now().Add(time.Hour))
	good, _, _ := ca.issue(t, "good", time.Now().Add(time.Hour))
	der := base64.StdEncoding.EncodeToString(good.certificate.Raw)
	for _, c := range []struct {
		name, clients, platform string
		header                  http.Header
		want                    string
		warns                   bool
	}{
		{"Azure", "header: X-ARR-ClientCert", host.AzureCertificateHeader, http.Header{"X-Arr-Clientcert": {der}}, "200 CN=good", false},
		{"Azure, one before the platform's", "header: X-ARR-ClientCert", host.AzureCertificateHeader, http.Header{"X-Arr-Clientcert": {der, der}}, "403 ", false},
		{"Azure, another header", "header: X-Client-Cert", host.AzureCertificateHeader, http.Header{"X-Client-Cert": {der}, "X-Arr-Clientcert": {der}}, "403 ", true},
		{"Azure, no header asked for", "", host.AzureCertificateHeader, http.Header{"X-Arr-Clientcert": {der}}, "403 ", false},
		{"elsewhere", "header: X-ARR-ClientCert", "", http.Header{"X-Arr-Clientcert": {der}}, "403 ", true},
		{"a proxy", "header: X-Client-Cert, from: [ 127.0.0.0/8 ]", "", http.Header{"X-Client-Cert": {der}}, "200 CN=good", false},
		{"past the proxy", "header: X-Client-Cert, from: [ 10.0.0.0/8 ]", "", http.Header{"X-Client-Cert": {der}, "X-Forwarded-For": {"10.0.0.1"}}, "403 ", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			clients := strings.TrimPrefix(c.clients+", trust: [ trust.pem ]", ", ")
			dir := folder.Write(t, map[string]string{
				"gateway.yaml": "name: contoso\nclientCertificates: { " + clients + " }\napis: { a: { path: a, operations: { get: { method: GET, urlTemplate: /, policy: a.xml } } } }\n",
				"trust.pem":    trusted,
				"a.xml":        `<policies><inbound><validate-client-certificate validate-trust="true" validate-not-before="true" validate-not-after="true" validate-revocation="false" ignore-error="false" /><return-response><set-body>@(context.Request.Certificate.Subject)</set-body></return-response></inbound></policies>`,
			})
			var log lockedLog
			base := folder.Serve(t, dir, nil, gateway.Options{
				Services: services.New(services.Options{}), CertificateHeader: c.platform, Log: slog.New(slog.NewTextHandler(&log, nil)),
			})
			if got := getWith(t, base+"/a", c.header); !strings.HasPrefix(got, c.want) {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if warned := strings.Contains(log.String(), "the header of client certificates is not looked at"); warned != c.warns {
				t.Errorf("warned: got %v, want %v, in %s", warned, c.warns, log.String())
			}
		})
	}
}

// lockedLog collects the log of a gateway.
type lockedLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

var _ io.Writer = (*lockedLog)(nil)

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

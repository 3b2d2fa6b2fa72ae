package gateway

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"toolgate/shared/config"
	"toolgate/shared/expr"
	"toolgate/shared/policies"
	"toolgate/shared/policy"
)

// certificates are those of the configuration, by their ids. They serve
// policy.Certificates.
type certificates map[string]*policy.Certificate

// Certificate finds one by its id or by its thumbprint.
func (c certificates) Certificate(id, thumbprint string) *policy.Certificate {
	if id != "" {
		return c[id]
	}
	for _, found := range c {
		if found.Public.Thumbprint() == thumbprint {
			return found
		}
	}
	return nil
}

// public are the certificates as expressions see them.
func (c certificates) public() map[string]*expr.Certificate {
	made := make(map[string]*expr.Certificate, len(c))
	for id, found := range c {
		made[id] = found.Public
	}
	return made
}

// equip lets expressions see the certificates of the configuration.
func (a *assembly) equip(s *surroundings) *surroundings {
	s.deployment.Certificates = a.gateway.certificates.public()
	return s
}

// maxCertificate bounds a file with a private key, in bytes.
const maxCertificate = 1 << 20

// openCertificates reads the certificates of the configuration.
func (a *assembly) openCertificates() (certificates, error) {
	made := make(certificates, len(a.snapshot.Certificates))
	var errs []error
	for i := range a.snapshot.Certificates {
		c := &a.snapshot.Certificates[i]
		found, err := a.openCertificate(c)
		if err != nil {
			errs = append(errs, fmt.Errorf("certificate %q: %w", c.ID, err))
			continue
		}
		made[c.ID] = found
	}
	return made, errors.Join(errs...)
}

func (a *assembly) openCertificate(c *config.Certificate) (*policy.Certificate, error) {
	if c.PEM == "" {
		content, err := a.secretBytes(c.PFX, true)
		if err != nil {
			return nil, err
		}
		password, err := resolve(c.Password, a.options)
		if err != nil {
			return nil, err
		}
		return policies.OpenCertificate(content, password)
	}
	key, err := a.secretBytes(c.Key, false)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair([]byte(c.PEM), key)
	if err != nil {
		return nil, errors.New("the certificate and the key are no pair, or not in PEM: give an unencrypted private key that is the certificate's")
	}
	return &policy.Certificate{Certificate: pair, Public: &expr.Certificate{Certificate: pair.Leaf, HasPrivateKey: true, Key: pair.PrivateKey}}, nil
}

// secretBytes is a secret, or the content of the file that holds it. A secret of
// a binary file is in base64.
func (a *assembly) secretBytes(s config.Secret, binary bool) ([]byte, error) {
	if s.File == "" {
		text, err := resolve(s.Text, a.options)
		if err != nil || !binary {
			return []byte(text), err
		}
		content, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
		if err != nil {
			return nil, errors.New("the secret is no base64: `base64 -w0 FILE` prints that of a file")
		}
		return content, nil
	}
	if a.options.Files == nil {
		return nil, fmt.Errorf("this host reads no files such as %s: give a secret", s.File)
	}
	f, err := a.options.Files.Open(s.File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no file %s: deploy it beside the snapshot, under this path, or give a secret", s.File)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the file: %w", err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxCertificate+1))
	if err == nil && len(content) > maxCertificate {
		err = fmt.Errorf("%s is larger than %d bytes", s.File, maxCertificate)
	}
	return content, err
}

// hostPort is the host of a URL with its port, in lower case.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return strings.ToLower(net.JoinHostPort(u.Hostname(), port))
}

// clientCertificates find the certificates of clients, and say which are trusted.
type clientCertificates struct {
	header string         // empty: those of TLS connections alone
	from   []netip.Prefix // of proxies that set header; nil: the platform does
	roots  *x509.CertPool // nil: none is trusted
	now    func() time.Time
}

// newClientCertificates is nil where the configuration has none. A certificate is no
// secret, so that a header which clients can send proves nothing: one that neither
// the platform sets nor a proxy is not looked at, and the log says so.
func newClientCertificates(c *config.ClientCertificates, o *Options) (*clientCertificates, error) {
	if c == nil {
		return nil, nil
	}
	made := &clientCertificates{header: http.CanonicalHeaderKey(c.Header), from: c.From, now: o.Services.Now}
	if made.header != "" && made.from == nil && made.header != http.CanonicalHeaderKey(o.CertificateHeader) {
		o.Log.Warn("the header of client certificates is not looked at: clients can send it to this host", "header", c.Header,
			"fix", `give clientCertificates the addresses of the proxies that set it, as "from"`)
		made.header = ""
	}
	if made.now == nil {
		made.now = time.Now
	}
	for i, text := range c.Trust {
		for rest := []byte(text); ; {
			var block *pem.Block
			if block, rest = pem.Decode(rest); block == nil {
				break
			}
			authority, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, fmt.Errorf("file %d under trust of clientCertificates: %w", i+1, err)
			}
			if made.roots == nil {
				made.roots = x509.NewCertPool()
			}
			made.roots.AddCert(authority)
		}
	}
	return made, nil
}

// of finds the certificate of a request's client, and the issuers that came with
// it; nil for none. That of a TLS connection proves that the client has its key,
// and the header says nothing beside it.
func (c *clientCertificates) of(r *http.Request, addresses *clientAddresses) (leaf *x509.Certificate, issuers []*x509.Certificate) {
	if r.TLS != nil {
		if len(r.TLS.PeerCertificates) == 0 {
			return nil, nil
		}
		return r.TLS.PeerCertificates[0], r.TLS.PeerCertificates[1:]
	}
	if values := r.Header[c.header]; c.header != "" && len(values) == 1 && (c.from == nil || addresses.peerIsFrom(c.from, r)) {
		list := parseCertificates(values[0])
		if len(list) > 0 {
			return list[0], list[1:]
		}
	}
	return nil, nil
}

// parseCertificates reads what platforms put into a header: DER in base64, also
// between colons (RFC 9440), or PEM in percent-encoding. It is nil for anything
// else.
func parseCertificates(text string) []*x509.Certificate {
	if strings.HasPrefix(text, "-----BEGIN") {
		plain, err := url.PathUnescape(text)
		if err != nil {
			return nil
		}
		var list []*x509.Certificate
		for rest := []byte(plain); ; {
			var block *pem.Block
			if block, rest = pem.Decode(rest); block == nil {
				return list
			}
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil
			}
			list = append(list, c)
		}
	}
	der, err := base64.StdEncoding.DecodeString(strings.Trim(text, ": "))
	if err != nil {
		return nil
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil
	}
	return []*x509.Certificate{c}
}

// identify puts the client's certificate into an exchange, and what verifies it.
func (c *clientCertificates) identify(x *policy.Exchange, r *http.Request, addresses *clientAddresses) {
	leaf, issuers := c.of(r, addresses)
	if leaf == nil {
		return
	}
	x.Request.Certificate = &expr.Certificate{Certificate: leaf}
	if c.roots == nil {
		return
	}
	x.Verify = func(asked *expr.Certificate) error { return c.verify(asked.Certificate, issuers) }
}

// verify tells whether a trusted authority issued a certificate for clients.
// Revocation is not looked at. When the certificate is in force is another
// question: the chain is verified as of a time at which it is.
func (c *clientCertificates) verify(leaf *x509.Certificate, issuers []*x509.Certificate) error {
	between := x509.NewCertPool()
	for _, i := range issuers {
		between.AddCert(i)
	}
	at := c.now()
	if at.Before(leaf.NotBefore) {
		at = leaf.NotBefore
	}
	if at.After(leaf.NotAfter) {
		at = leaf.NotAfter
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots: c.roots, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return err
}

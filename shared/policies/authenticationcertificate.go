package policies

import (
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"toolgate/shared/expr"
	"toolgate/shared/policy"

	"software.sslmate.com/src/go-pkcs12"
)

func init() {
	registered["authentication-certificate"] = func() policy.Statement { return &authenticationCertificate{} }
}

// authenticationCertificate presents a client certificate to the backend: one of
// the configuration, or a PKCS #12 file (RFC 7292).
type authenticationCertificate struct {
	Thumbprint    policy.Value[string] `attr:"thumbprint"`
	CertificateID policy.Value[string] `attr:"certificate-id"`
	Body          policy.Value[any]    `attr:"body"`
	Password      policy.Value[string] `attr:"password"`

	services *policy.Services
	last     atomic.Pointer[openedCertificate]
}

// openedCertificate is a file that was opened: deriving its key from the
// password takes thousands of hashes.
type openedCertificate struct {
	file        [sha256.Size]byte // of it and its password
	certificate *policy.Certificate
}

func (p *authenticationCertificate) Prepare(c *policy.Compilation) {
	p.services = c.Services
	e := evaluation{}
	if _, err := p.certificate(&e); !e.varies && err != nil {
		c.Fault(c.Element.At, "name a certificate of the configuration, or give a file in PKCS #12", "%v", err)
	}
	if !p.Body.IsSet() && c.Services.Certificates == nil {
		c.Fault(c.Element.At, "give the certificate as body", "this gateway has no certificates of its own")
	}
}

func (p *authenticationCertificate) Apply(_ context.Context, x *policy.Exchange) error {
	e := evaluation{x: x}
	certificate, err := p.certificate(&e)
	if e.err != nil {
		return e.err
	}
	if err != nil {
		return &policy.Error{
			Source: "authentication-certificate", Reason: "CertificateNotFound", Status: http.StatusInternalServerError,
			Message: "The client certificate is not available.", Cause: err,
		}
	}
	x.Certificate = certificate
	return nil
}

// certificate finds or opens the certificate. Those of the configuration are
// looked up for each call, since they are renewed.
func (p *authenticationCertificate) certificate(e *evaluation) (*policy.Certificate, error) {
	id, thumbprint := evaluate(e, &p.CertificateID), hexDigits(evaluate(e, &p.Thumbprint))
	body, password := evaluate(e, &p.Body), evaluate(e, &p.Password)
	if e.err != nil || e.varies && e.x == nil {
		return nil, e.err
	}
	if !p.Body.IsSet() {
		return namedCertificate(p.services, id, thumbprint)
	}
	content, err := fileContent(body)
	if err != nil {
		return nil, err
	}
	h := sha256.New()
	fmt.Fprintf(h, "%d:", len(content)) // keeps file and password apart
	h.Write(content)
	h.Write([]byte(password))
	file := [sha256.Size]byte(h.Sum(nil))
	if last := p.last.Load(); last != nil && last.file == file {
		return last.certificate, nil
	}
	certificate, err := OpenCertificate(content, password)
	if err == nil {
		p.last.Store(&openedCertificate{file, certificate})
	}
	return certificate, err
}

// fileContent is a file as bytes, or as their base64.
func fileContent(body any) ([]byte, error) {
	switch body := body.(type) {
	case []byte:
		return body, nil
	case string:
		content, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(body), ""))
		if err != nil {
			return nil, errors.New("the body is no base64")
		}
		return content, nil
	default:
		return nil, errors.New("the body is no byte array")
	}
}

// OpenCertificate opens a PKCS #12 file (RFC 7292).
func OpenCertificate(content []byte, password string) (*policy.Certificate, error) {
	key, leaf, chain, err := pkcs12.DecodeChain(content, password)
	if err != nil {
		return nil, fmt.Errorf("opening a PKCS #12 file: %w", err)
	}
	if _, ok := key.(crypto.Signer); !ok {
		return nil, errors.New("the key of the PKCS #12 file cannot sign")
	}
	c := &policy.Certificate{
		Certificate: tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf},
		Public:      &expr.Certificate{Certificate: leaf, HasPrivateKey: true, Key: key},
	}
	for _, issuer := range chain {
		c.Certificate.Certificate = append(c.Certificate.Certificate, issuer.Raw)
	}
	return c, nil
}

// namedCertificate is a certificate of the configuration.
func namedCertificate(s *policy.Services, id, thumbprint string) (*policy.Certificate, error) {
	if id == "" && thumbprint == "" {
		return nil, errors.New("the name of the certificate is empty")
	}
	if s.Certificates != nil {
		if c := s.Certificates.Certificate(id, thumbprint); c != nil {
			return c, nil
		}
	}
	if id != "" {
		return nil, fmt.Errorf("there is no certificate %q", id)
	}
	return nil, fmt.Errorf("there is no certificate with the thumbprint %s", thumbprint)
}

// hexDigits are the hexadecimal digits of a thumbprint or serial number, in
// upper case: people copy them with spaces, colons and marks that nobody sees.
func hexDigits(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'A' && r <= 'F':
			return r
		case r >= 'a' && r <= 'f':
			return r - 'a' + 'A'
		default:
			return -1
		}
	}, text)
}

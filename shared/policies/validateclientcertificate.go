package policies

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"toolgate/shared/expr"
	"toolgate/shared/policy"
)

func init() {
	registered["validate-client-certificate"] = func() policy.Statement { return &validateClientCertificate{} }
}

// validateClientCertificate lets a request pass whose client certificate is in
// force, trusted, and has one of the identities. Trust and revocation are one
// question here, which whoever holds the trusted certificates answers.
type validateClientCertificate struct {
	Revocation  bool       `attr:"validate-revocation"`
	Trust       bool       `attr:"validate-trust"`
	NotBefore   bool       `attr:"validate-not-before"`
	NotAfter    bool       `attr:"validate-not-after"`
	IgnoreError bool       `attr:"ignore-error"`
	Identities  []identity `elements:"identities/identity"`

	services *policy.Services
}

// identity are the properties that a certificate must have together.
type identity struct {
	Thumbprint          string `attr:"thumbprint"`
	SerialNumber        string `attr:"serial-number"`
	CommonName          string `attr:"common-name"`
	Subject             string `attr:"subject"`
	DNSName             string `attr:"dns-name"`
	IssuerSubject       string `attr:"issuer-subject"`
	IssuerThumbprint    string `attr:"issuer-thumbprint"`
	IssuerCertificateID string `attr:"issuer-certificate-id"`

	subject, issuerSubject distinguishedName
	hasIssuer              bool              // issuer counts
	issuer                 *x509.Certificate // of the thumbprint or the id; nil: none that could be it
}

func (p *validateClientCertificate) Prepare(c *policy.Compilation) {
	p.services = c.Services
	for i := range p.Identities {
		if err := p.Identities[i].prepare(c.Services); err != nil {
			c.Fault(c.Element.At, "correct the identity", "%v", err)
		}
	}
}

func (i *identity) prepare(s *policy.Services) (err error) {
	written := *i
	i.Thumbprint, i.IssuerThumbprint = hexDigits(i.Thumbprint), hexDigits(i.IssuerThumbprint)
	i.SerialNumber = strings.TrimLeft(hexDigits(i.SerialNumber), "0")
	// What is left of a property must not be nothing: the certificate would need
	// one property less.
	if written.Thumbprint != "" && i.Thumbprint == "" || written.SerialNumber != "" && i.SerialNumber == "" ||
		written.IssuerThumbprint != "" && i.IssuerThumbprint == "" {
		return errors.New("a thumbprint or a serial number has no hexadecimal digits")
	}
	if i.Thumbprint+i.SerialNumber+i.CommonName+i.Subject+i.DNSName+i.IssuerSubject+i.IssuerThumbprint+i.IssuerCertificateID == "" {
		return errors.New("an identity is empty: any certificate would have it")
	}
	if i.Subject != "" {
		if i.subject, err = parseDistinguishedName(i.Subject); err != nil {
			return err
		}
	}
	if i.IssuerSubject != "" {
		if i.issuerSubject, err = parseDistinguishedName(i.IssuerSubject); err != nil {
			return err
		}
	}
	if i.IssuerThumbprint != "" || i.IssuerCertificateID != "" {
		// A certificate does not say which one it was signed with.
		found, err := namedCertificate(s, i.IssuerCertificateID, i.IssuerThumbprint)
		if err != nil {
			return fmt.Errorf("the issuer: %w", err)
		}
		if found.Public != nil {
			i.issuer = found.Public.Certificate
		}
		i.hasIssuer = true
	}
	return nil
}

func (p *validateClientCertificate) Apply(_ context.Context, x *policy.Exchange) error {
	err := p.check(x, x.Request.Certificate)
	if err == nil || p.IgnoreError {
		return nil
	}
	return &policy.Error{
		Source: "validate-client-certificate", Reason: "ClientCertificateInvalid", Status: http.StatusForbidden,
		Message: "Invalid client certificate", Cause: err,
	}
}

// check tells what is wrong with a certificate.
func (p *validateClientCertificate) check(x *policy.Exchange, c *expr.Certificate) error {
	if c == nil || c.Certificate == nil {
		return errors.New("the client presented no certificate")
	}
	now := p.services.Time()
	if p.NotBefore && now.Before(c.Certificate.NotBefore) {
		return fmt.Errorf("the certificate is in force from %s on", c.Certificate.NotBefore.Format(time.RFC3339))
	}
	if p.NotAfter && now.After(c.Certificate.NotAfter) {
		return fmt.Errorf("the certificate was in force until %s", c.Certificate.NotAfter.Format(time.RFC3339))
	}
	if p.Trust || p.Revocation {
		if x.Verify == nil {
			return errors.New("the gateway trusts no client certificates")
		}
		if err := x.Verify(c); err != nil {
			return fmt.Errorf("verifying the certificate: %w", err)
		}
	}
	if len(p.Identities) > 0 && !slices.ContainsFunc(p.Identities, func(i identity) bool { return i.matches(c) }) {
		return errors.New("the certificate has none of the identities")
	}
	return nil
}

// matches tells whether a certificate has all properties of the identity.
func (i *identity) matches(c *expr.Certificate) bool {
	cert := c.Certificate
	return (i.Thumbprint == "" || i.Thumbprint == c.Thumbprint()) &&
		(i.SerialNumber == "" || i.SerialNumber == fmt.Sprintf("%X", cert.SerialNumber)) &&
		(i.CommonName == "" || strings.EqualFold(i.CommonName, cert.Subject.CommonName)) &&
		(i.subject == nil || i.subject.equal(certificateName(cert.Subject))) &&
		(i.DNSName == "" || slices.ContainsFunc(cert.DNSNames, func(name string) bool { return strings.EqualFold(name, i.DNSName) })) &&
		(i.issuerSubject == nil || i.issuerSubject.equal(certificateName(cert.Issuer))) &&
		(!i.hasIssuer || i.issuer != nil && cert.CheckSignatureFrom(i.issuer) == nil)
}

package expr

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/pem"
	"strings"
)

func certificate(a []any) *Certificate {
	c := a[0].(*Certificate)
	if c.Certificate == nil {
		throwCrypto("The certificate is empty.")
	}
	return c
}

// parseCertificate reads DER or PEM.
func parseCertificate(f *frame, raw []byte) any {
	f.step(200)
	if block, _ := pem.Decode(raw); block != nil {
		raw = block.Bytes
	}
	c, err := x509.ParseCertificate(raw)
	if err != nil {
		throwCrypto("Cannot find the requested object: %v. PKCS #12 files need a certificate of the gateway.", err)
	}
	return &Certificate{Certificate: c}
}

// distinguished writes a name with spaces after commas, as .NET does.
func distinguished(s string) string { return strings.ReplaceAll(s, ",", ", ") }

// dName is an X500DistinguishedName, and keyOf a PublicKey.
type (
	dName struct{ text string }
	keyOf struct{ c *x509.Certificate }
)

func (*dName) typeName() string { return "X500DistinguishedName" }
func (d *dName) String() string { return d.text }
func (*keyOf) typeName() string { return "PublicKey" }

func field(get func(c *Certificate) any) func(*frame, []any) any {
	return func(_ *frame, a []any) any { return get(certificate(a)) }
}

func thumbprint(c *Certificate) []byte {
	sum := sha1.Sum(c.Raw) //nolint:gosec // a thumbprint is SHA-1
	return sum[:]
}

// Thumbprint is the SHA-1 of the certificate in upper-case hexadecimal digits.
func (c *Certificate) Thumbprint() string { return hexText(thumbprint(c), "") }

func publicRSA(c *Certificate) any {
	if k, ok := c.PublicKey.(*rsa.PublicKey); ok {
		return &rsaKey{public: k}
	}
	return nil
}

func privateRSA(c *Certificate) any {
	if k, ok := c.Key.(*rsa.PrivateKey); ok {
		return &rsaKey{&k.PublicKey, k}
	}
	return nil
}

func keyID(c *Certificate) *oid {
	if _, ok := c.PublicKey.(*ecdsa.PublicKey); ok {
		return &oid{"1.2.840.10045.2.1", "ECC"}
	}
	return &oid{"1.2.840.113549.1.1.1", "RSA"}
}

func verify(f *frame, a []any) any {
	c := certificate(a)
	return f.x.Verify != nil && f.x.Verify(c) == nil
}

var certificateMembers = []memberTable{
	{"X509Certificate", []row{
		{"string Subject", field(func(c *Certificate) any { return distinguished(c.Subject.String()) }), "", ""},
		{"string Issuer", field(func(c *Certificate) any { return distinguished(c.Issuer.String()) }), "", ""},
		{"byte[] GetCertHash()", field(func(c *Certificate) any { return thumbprint(c) }), "", ""},
		{"string GetCertHashString()", field(func(c *Certificate) any { return hexText(thumbprint(c), "") }), "", ""},
		{"byte[] GetRawCertData()", field(func(c *Certificate) any { return c.Raw }), "", ""},
		{"string GetSerialNumberString()", field(func(c *Certificate) any { return hexText(c.SerialNumber.Bytes(), "") }), "", ""},
		{"string GetExpirationDateString()", field(func(c *Certificate) any { return DateTimeOf(c.NotAfter).String() }), "", ""},
		{"string GetEffectiveDateString()", field(func(c *Certificate) any { return DateTimeOf(c.NotBefore).String() }), "", ""},
	}},
	{"X509Certificate2", []row{
		{"new(byte[] rawData)", func(f *frame, a []any) any { return parseCertificate(f, bytesArgument(a, 0)) }, "", ""},
		{"new(byte[] rawData, string password)", func(f *frame, a []any) any { return parseCertificate(f, bytesArgument(a, 0)) }, "", ""},
		{"string Thumbprint", field(func(c *Certificate) any { return hexText(thumbprint(c), "") }), "", ""},
		{"string SerialNumber", field(func(c *Certificate) any { return hexText(c.SerialNumber.Bytes(), "") }), "", ""},
		{"string FriendlyName", field(func(*Certificate) any { return "" }), "", ""},
		{"int Version", field(func(c *Certificate) any { return int32(c.Version) }), "", ""},
		{"DateTime NotAfter", field(func(c *Certificate) any { return DateTime{DateTimeOf(c.NotAfter).ticks, kindLocal} }), "", ""},
		{"DateTime NotBefore", field(func(c *Certificate) any { return DateTime{DateTimeOf(c.NotBefore).ticks, kindLocal} }), "", ""},
		{"bool HasPrivateKey", field(func(c *Certificate) any { return c.HasPrivateKey || c.Key != nil }), "", ""},
		{"byte[] RawData", field(func(c *Certificate) any { return c.Raw }), "", ""},
		{"X500DistinguishedName SubjectName", field(func(c *Certificate) any { return &dName{distinguished(c.Subject.String())} }), "", ""},
		{"X500DistinguishedName IssuerName", field(func(c *Certificate) any { return &dName{distinguished(c.Issuer.String())} }), "", ""},
		{"Oid SignatureAlgorithm", field(func(c *Certificate) any { return &oid{"", c.Certificate.SignatureAlgorithm.String()} }), "", ""},
		{"PublicKey PublicKey", field(func(c *Certificate) any { return &keyOf{c.Certificate} }), "", ""},
		{"RSA GetRSAPublicKey()", field(publicRSA), "", ""},
		{"RSA GetRSAPrivateKey()", field(privateRSA), "", ""},
		{"bool Verify()", verify, "", ""},
		{"bool VerifyNoRevocation()", verify, "", ""},
	}},
	{"X500DistinguishedName", []row{{"string Name", func(_ *frame, a []any) any { return a[0].(*dName).text }, "", ""}}},
	{"PublicKey", []row{{"Oid Oid", func(_ *frame, a []any) any { return keyID(&Certificate{Certificate: a[0].(*keyOf).c}) }, "", ""}}},
}

package config

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
)

// Certificate is a certificate of the gateway with its private key: a file in
// PKCS #12, or a chain and a key. Secrets are read when the gateway starts, and so
// are files that hold one: no snapshot has them.
type Certificate struct {
	ID       string `json:"id"`
	PFX      Secret `json:"pfx,omitzero"`      // as a secret, in base64
	Password Text   `json:"password,omitzero"` // of PFX; zero: none
	// PEM is the certificate and its issuers, in PEM; empty where PFX is set.
	PEM string `json:"pem,omitzero"`
	Key Secret `json:"key,omitzero"` // of that
}

// Secret is a secret text, or a file that holds it. One is set, or none.
type Secret struct {
	Text Text `json:"text,omitzero"`
	// File is a path with slashes, below the folder of gateway.yaml, or that of the
	// snapshot on a platform.
	File string `json:"file,omitzero"`
}

// IsZero tells whether there is none.
func (s Secret) IsZero() bool { return s.File == "" && len(s.Text.Parts) == 0 }

// ClientCertificates say how the certificates of clients come in, and whose are
// trusted.
type ClientCertificates struct {
	// Header is the one in which the platform, or a proxy, hands on a certificate;
	// empty: only TLS connections of the gateway itself have certificates.
	Header string `json:"header,omitzero"`
	// From are the addresses of proxies that set Header, and let no client's own
	// pass. Nil: it is looked at where the platform is known to set it alone.
	From []netip.Prefix `json:"from,omitzero"`
	// Trust are the certificates of authorities, in PEM.
	Trust []string `json:"trust,omitzero"`
}

// Connection is a provider of OAuth connections, of get-authorization-context.
type Connection struct {
	Provider         string   `json:"provider"`
	AuthorizationURL string   `json:"authorizationUrl"`
	TokenURL         string   `json:"tokenUrl"`
	ClientID         string   `json:"clientId"`
	ClientSecret     Text     `json:"clientSecret"`
	Basic            bool     `json:"basic,omitzero"`
	Scopes           []string `json:"scopes,omitzero"`
	// Identity says whose tokens are valid for the identity type jwt; nil: none.
	Identity *ConnectionIdentity `json:"identity,omitzero"`
}

// ConnectionIdentity are what the tokens must be whose subjects use connections of
// their own.
type ConnectionIdentity struct {
	OpenIDConfig string `json:"openidConfig"` // URL
	Audience     string `json:"audience"`
}

// managerAudience is what API Management wants such tokens to be for.
const managerAudience = "https://azure-api.net/authorization-manager"

var connectionIdentityKeys = vocabulary[ConnectionIdentity]{kind: "identity", keys: []key[ConnectionIdentity]{
	{name: "openidConfig", required: true, decode: func(d *decoder, v value, i *ConnectionIdentity) { i.OpenIDConfig = d.secureURL(v, true) }},
	{name: "audience", decode: func(d *decoder, v value, i *ConnectionIdentity) { i.Audience = d.str(v) }},
}}

// Egress says where requests may go whose URLs are not those of backends.
type Egress struct {
	Hosts     []string       `json:"hosts,omitzero"` // in lower case; *.NAME for all below NAME
	Addresses []netip.Prefix `json:"addresses,omitzero"`
	Private   bool           `json:"private,omitzero"` // private networks
	// NotPublic refuses what is public too, unless it is one of the others.
	NotPublic bool `json:"notPublic,omitzero"`
}

var certificateKeys = vocabulary[Certificate]{kind: "certificate", check: checkCertificate, keys: []key[Certificate]{
	{name: "pfx", decode: func(d *decoder, v value, c *Certificate) { c.PFX = d.secretOrFile(v, "PKCS #12 file") }},
	{name: "password", decode: func(d *decoder, v value, c *Certificate) { c.Password = d.sealingKey(v) }},
	{name: "cert", decode: func(d *decoder, v value, c *Certificate) { c.PEM = d.pemFile(v) }},
	{name: "key", decode: func(d *decoder, v value, c *Certificate) { c.Key = d.secretOrFile(v, "private key") }},
}}

// checkCertificate checks which keys stand together.
func checkCertificate(d *decoder, v value, present map[string]value, _ *Certificate) {
	has := func(name string) bool { _, ok := present[name]; return ok }
	switch {
	case has("pfx") == has("cert"):
		d.fault(v.key, `give "pfx", with its "password", or "cert" and "key"`, `%s must have exactly one of "pfx" and "cert"`, v.what)
	case has("cert") && !has("key"):
		d.fault(v.key, "add it", `%s has no "key"`, v.what)
	case has("cert") && has("password"):
		d.fault(present["password"].key, "remove it, and give a key that is not encrypted", `%s belongs to "pfx"`, present["password"].what)
	case has("pfx") && has("key"):
		d.fault(present["key"].key, "remove it", `%s belongs to "cert"`, present["key"].what)
	}
}

func (d *decoder) certificate(name string, v value) Certificate {
	c := Certificate{ID: name}
	decodeMapping(d, v, certificateKeys, &c)
	return c
}

// declareCertificates notes which certificates there are. Their ids are those of
// API Management, as are those of fragments.
func (d *decoder) declareCertificates(v value) {
	for id, item := range d.entities(v, "certificate") {
		if !fileID().MatchString(id) {
			d.fault(item.key, fileIDFix, "certificate id %s is not valid", quote(id))
		}
		d.declared["certificate"] = append(d.declared["certificate"], id)
	}
}

// secretOrFile is a secret, or the path of a file in the folder that holds it.
func (d *decoder) secretOrFile(v value, kind string) Secret {
	if !isText(v.node) || ValueReference().MatchString(v.node.Value) {
		return Secret{Text: d.sealingKey(v)}
	}
	path := d.localFile(v, kind)
	if path == "" {
		return Secret{}
	}
	rel, err := filepath.Rel(d.dir, path)
	if err != nil || !filepath.IsLocal(rel) {
		d.fault(v.at, "put it into the folder, and give its path there", "%s is outside of the folder of %s", v.what, d.file)
		return Secret{}
	}
	return Secret{File: filepath.ToSlash(rel)}
}

// maxPEM bounds a file of certificates, in bytes.
const maxPEM = 1 << 20

// pemFile is the content of a file of certificates.
func (d *decoder) pemFile(v value) string {
	path := d.localFile(v, "file of certificates")
	if path == "" {
		return ""
	}
	content, err := d.disk.ReadFile(path)
	switch {
	case os.IsNotExist(err):
		return "" // localFile has said so
	case err != nil:
		d.fault(v.at, "make it a readable file", "%s cannot be read: %v", v.what, err)
	case len(content) > maxPEM:
		d.fault(v.at, "give the certificates alone", "%s is larger than %d bytes", v.what, maxPEM)
	case strings.Contains(string(content), "PRIVATE KEY-----"):
		d.fault(v.at, `give the key as "key", and the certificate alone`, "%s has a private key in it, and the file is put into the snapshot", v.what)
	case !strings.Contains(string(content), "-----BEGIN CERTIFICATE-----"):
		d.fault(v.at, "give certificates in PEM", "%s has no certificate in PEM", v.what)
	default:
		return string(content)
	}
	return ""
}

var clientCertificatesKeys = vocabulary[ClientCertificates]{kind: "clientCertificates", check: checkClientCertificates, keys: []key[ClientCertificates]{
	{name: "header", decode: func(d *decoder, v value, c *ClientCertificates) {
		c.Header = d.matching(v, token, "write the name of a header, such as X-ARR-ClientCert")
	}},
	{name: "from", decode: func(d *decoder, v value, c *ClientCertificates) { c.From = d.addressRanges(v) }},
	{name: "trust", decode: func(d *decoder, v value, c *ClientCertificates) {
		for item := range d.list(v) {
			if text := d.pemFile(item); text != "" {
				c.Trust = append(c.Trust, text)
			}
		}
	}},
}}

// checkClientCertificates checks which keys stand together.
func checkClientCertificates(d *decoder, _ value, present map[string]value, _ *ClientCertificates) {
	from, hasFrom := present["from"]
	if _, hasHeader := present["header"]; hasFrom && !hasHeader {
		d.fault(from.key, `add "header", or remove it`, `%s says which proxies set "header", and there is none`, from.what)
	}
}

var connectionKeys = vocabulary[Connection]{kind: "connection", keys: []key[Connection]{
	{name: "authorizationUrl", required: true, decode: func(d *decoder, v value, c *Connection) { c.AuthorizationURL = d.secureURL(v, true) }},
	{name: "tokenUrl", required: true, decode: func(d *decoder, v value, c *Connection) { c.TokenURL = d.secureURL(v, true) }},
	{name: "clientId", required: true, decode: func(d *decoder, v value, c *Connection) { c.ClientID = d.str(v) }},
	{name: "clientSecret", required: true, decode: func(d *decoder, v value, c *Connection) { c.ClientSecret = d.sealingKey(v) }},
	{name: "clientAuthentication", decode: func(d *decoder, v value, c *Connection) {
		c.Basic = d.oneOf(v, clientAuthentications...) == "basic"
	}},
	{name: "scopes", decode: func(d *decoder, v value, c *Connection) {
		for item := range d.list(v) {
			c.Scopes = append(c.Scopes, d.str(item))
		}
	}},
	{name: "identity", decode: func(d *decoder, v value, c *Connection) {
		c.Identity = &ConnectionIdentity{Audience: managerAudience}
		decodeMapping(d, v, connectionIdentityKeys, c.Identity)
	}},
}}

func (d *decoder) connection(name string, v value) Connection {
	c := Connection{Provider: name}
	decodeMapping(d, v, connectionKeys, &c)
	return c
}

var egressKeys = vocabulary[Egress]{kind: "egress", keys: []key[Egress]{
	{name: "allow", decode: func(d *decoder, v value, e *Egress) {
		for item := range d.list(v) {
			d.allowedDestination(item, e)
		}
	}},
	{name: "private", decode: func(d *decoder, v value, e *Egress) { d.flag(v, &e.Private) }},
	{name: "public", decode: func(d *decoder, v value, e *Egress) {
		public := true
		d.flag(v, &public)
		e.NotPublic = !public
	}},
}}

// allowedDestination adds a host, an address or a range of addresses.
func (d *decoder) allowedDestination(v value, e *Egress) {
	const fix = "write a host, host:port, *.domain, an address, or a range such as 10.1.0.0/16"
	s := strings.ToLower(d.str(v))
	if s == "" {
		return
	}
	if p, ok := d.addressRange(v, s); ok {
		e.Addresses = append(e.Addresses, p)
		return
	}
	name, _ := strings.CutPrefix(s, "*.")
	host, port, hasPort := strings.Cut(name, ":")
	if !validHost(host, port) || hasPort && port == "" || name != s && hasPort {
		d.fault(v.at, fix, "%s is %s, which is no destination", v.what, quote(s))
		return
	}
	e.Hosts = append(e.Hosts, s)
}

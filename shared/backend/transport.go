package backend

import (
	"crypto"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// HTTPVersion is a version of HTTP to speak, in the words of forward-request.
type HTTPVersion string

const (
	HTTP1    HTTPVersion = "1"
	HTTP2Or1 HTTPVersion = "2or1" // what the server chooses; without TLS 1
	HTTP2    HTTPVersion = "2"    // also without TLS, by prior knowledge (RFC 9113, 3.3)
)

// shared is the transport of all destinations, so that they share connections.
// Connections stay open between the calls of a warm instance.
var shared = &http.Transport{
	Proxy:                 http.ProxyFromEnvironment,
	DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
	ForceAttemptHTTP2:     true,
	MaxIdleConns:          512,
	MaxIdleConnsPerHost:   128,
	IdleConnTimeout:       90 * time.Second,
	TLSHandshakeTimeout:   10 * time.Second,
	ExpectContinueTimeout: time.Second,

	MaxResponseHeaderBytes: 256 << 10, // it is read as a whole before anybody can refuse it
}

// connections are the transports that differ from another one, for all clients
// and senders.
var connections = transports{most: 32}

// transports keeps transports that are made from others. It keeps a few, since
// policies may compute proxies and certificates, and gives up the one that was
// not used for longest. It is safe for concurrent use.
type transports struct {
	most int

	mu   sync.Mutex
	uses uint64
	kept map[connection]*keptTransport
}

// connection is what requests must have alike to share connections.
type connection struct {
	from        *http.Transport
	version     HTTPVersion
	proxy       string
	certificate [sha256.Size]byte // zero: none
}

type keptTransport struct {
	*http.Transport
	used uint64 // the number of the last use
}

// via returns the transport for a request with the options. One that is no
// *http.Transport serves them all.
func (t *transports) via(rt http.RoundTripper, o SendOptions) (http.RoundTripper, error) {
	if o.Proxy == nil && o.Certificate == nil && o.HTTPVersion == "" {
		return rt, nil
	}
	if o.Proxy != nil && (o.Proxy.Scheme != "http" || o.Proxy.Host == "") {
		return nil, errors.New("a proxy has an absolute http URL")
	}
	protocols, err := o.HTTPVersion.protocols()
	if err != nil {
		return nil, err
	}
	if g, ok := rt.(*guarded); ok {
		derived, err := t.via(g.Transport, o)
		if err != nil {
			return nil, err
		}
		made, _ := derived.(*http.Transport) // of one
		return &guarded{Transport: made, guard: g.guard, proxied: o.Proxy != nil}, nil
	}
	from, ok := rt.(*http.Transport)
	if !ok {
		return rt, nil
	}
	key := connection{from: from, version: o.HTTPVersion}
	if o.Proxy != nil {
		key.proxy = o.Proxy.String()
	}
	if o.Certificate != nil {
		if key.certificate, err = identity(o.Certificate); err != nil {
			return nil, err
		}
	}
	return t.get(key, func() *http.Transport { return derive(from, protocols, o) }), nil
}

func (t *transports) get(key connection, derive func() *http.Transport) *http.Transport {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.uses++
	k := t.kept[key]
	if k == nil {
		if t.kept == nil {
			t.kept = map[connection]*keptTransport{}
		}
		if len(t.kept) >= t.most {
			t.giveUp()
		}
		k = &keptTransport{Transport: derive()}
		t.kept[key] = k
	}
	k.used = t.uses
	return k.Transport
}

// giveUp removes the transport that was not used for longest. Requests that it
// carries go on.
func (t *transports) giveUp() {
	var oldest connection
	least := t.uses
	for key, k := range t.kept {
		if k.used < least {
			oldest, least = key, k.used
		}
	}
	t.kept[oldest].CloseIdleConnections()
	delete(t.kept, oldest)
}

// derive makes a transport like another one, but for what the options say.
func derive(from *http.Transport, protocols http.Protocols, o SendOptions) *http.Transport {
	t := from.Clone()
	if t.TLSClientConfig == nil {
		t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if protocols == (http.Protocols{}) {
		protocols = spoken(t)
	}
	// What the other transport made of its own protocols is not for this one.
	t.Protocols, t.TLSNextProto, t.TLSClientConfig.NextProtos = &protocols, nil, nil
	if o.HTTPVersion == HTTP2 {
		t.TLSClientConfig.VerifyConnection = requireHTTP2(t.TLSClientConfig.VerifyConnection)
	}
	if o.Proxy != nil {
		proxy := *o.Proxy
		t.Proxy = http.ProxyURL(&proxy)
	}
	if certificate := o.Certificate; certificate != nil {
		// Not Certificates: that holds a certificate back from a server that does
		// not list its issuer.
		t.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return certificate, nil
		}
	}
	return t
}

// spoken are the protocols of the transport that t is a clone of. Unless they
// were set, they show in what it offers to servers only: a clone with a TLS
// configuration would not speak HTTP/2, but offer it.
func spoken(t *http.Transport) (p http.Protocols) {
	if t.Protocols != nil {
		return *t.Protocols
	}
	p.SetHTTP1(true)
	p.SetHTTP2(slices.Contains(t.TLSClientConfig.NextProtos, "h2"))
	return p
}

// requireHTTP2 refuses a server that does not choose a protocol: the transport
// would speak HTTP/1.1 with it.
func requireHTTP2(verify func(tls.ConnectionState) error) func(tls.ConnectionState) error {
	return func(s tls.ConnectionState) error {
		if s.NegotiatedProtocol != "h2" {
			return errors.New("the server does not speak HTTP/2")
		}
		if verify != nil {
			return verify(s)
		}
		return nil
	}
}

// protocols are none for those of the transport that another is made from.
func (v HTTPVersion) protocols() (p http.Protocols, err error) {
	switch v {
	case "":
	case HTTP1:
		p.SetHTTP1(true)
	case HTTP2Or1:
		p.SetHTTP1(true)
		p.SetHTTP2(true)
	case HTTP2:
		p.SetHTTP2(true)
		p.SetUnencryptedHTTP2(true)
	default:
		return p, fmt.Errorf("%q is no version of HTTP", string(v))
	}
	return p, nil
}

// identity tells certificates apart. Two with the same chain are the same: the
// private key must be the certificate's, or else one that has not the right key
// would use connections opened with the right one.
func identity(c *tls.Certificate) (id [sha256.Size]byte, err error) {
	if len(c.Certificate) == 0 {
		return id, errors.New("a client certificate is empty")
	}
	leaf := c.Leaf
	if leaf == nil {
		if leaf, err = x509.ParseCertificate(c.Certificate[0]); err != nil {
			return id, fmt.Errorf("reading a client certificate: %w", err)
		}
	}
	key, ok := c.PrivateKey.(crypto.Signer)
	if !ok {
		return id, errors.New("a client certificate has no private key")
	}
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(leaf.PublicKey) {
		return id, errors.New("the private key of a client certificate is not its own")
	}
	hash := sha256.New()
	for _, der := range c.Certificate {
		hash.Write(der)
	}
	return [sha256.Size]byte(hash.Sum(nil)), nil
}

package host

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
)

// TLSConfig is what a server of this machine needs for TLS: its certificate and
// key, and the authorities whose certificates clients may present, all in PEM.
// Without authorities, certificates of clients are asked for and left to policies
// to judge; with some, another's ends the connection.
func TLSConfig(certificate, key, authorities []byte) (*tls.Config, error) {
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate and the key of the server: %w", err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, ClientAuth: tls.RequestClientCert}
	if authorities == nil {
		return c, nil
	}
	c.ClientCAs, c.ClientAuth = x509.NewCertPool(), tls.VerifyClientCertIfGiven
	if !c.ClientCAs.AppendCertsFromPEM(authorities) {
		return nil, errors.New("reading the authorities of clients: there is no certificate in PEM")
	}
	return c, nil
}

// ListenTLS is [Listen] with TLS.
func ListenTLS(ctx context.Context, address string, c *tls.Config, h http.Handler, ready func(net.Addr)) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", address, err)
	}
	return serve(ctx, tls.NewListener(bounded{l, writeTimeout}, c), h, ready)
}

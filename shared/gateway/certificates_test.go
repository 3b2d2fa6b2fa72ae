package gateway

import (
	"net/http"
	"strings"
	"testing"

	"toolgate/shared/config"
)

// What a client puts into the header is a certificate, or nothing.
func FuzzParseCertificates(f *testing.F) {
	for _, text := range []string{"", ":AAAA:", "-----BEGIN CERTIFICATE-----%0AAAAA%0A-----END CERTIFICATE-----", "%", "MIIB"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, c := range parseCertificates(text) {
			if c == nil {
				t.Error("got a nil certificate")
			}
		}
	})
}

func TestClientCertificatesAreOff(t *testing.T) {
	o := &Options{Log: discard}
	if c, err := newClientCertificates(nil, o); c != nil || err != nil {
		t.Errorf("got %v, %v", c, err)
	}
	c, err := newClientCertificates(&config.ClientCertificates{}, o)
	if err != nil {
		t.Fatal(err)
	}
	if leaf, _ := c.of(&http.Request{Header: http.Header{"": {"x"}, "X-Arr-Clientcert": {"x"}}}, &clientAddresses{}); leaf != nil {
		t.Errorf("got %v", leaf)
	}
	bad := &config.ClientCertificates{Trust: []string{"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}}
	if _, err := newClientCertificates(bad, o); err == nil || !strings.Contains(err.Error(), "file 1 under trust") {
		t.Errorf("got %v", err)
	}
}

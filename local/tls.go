package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"os"

	"toolgate/shared/gateway"
	"toolgate/shared/host"
	"toolgate/shared/sigv4"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// tlsFiles are the files for serving with TLS.
type tlsFiles struct{ certificate, key, authorities string }

func (f *tlsFiles) flags(flags *flag.FlagSet) {
	flags.StringVar(&f.certificate, "tls-cert", "", "serve with TLS: the `file` with the certificate in PEM")
	flags.StringVar(&f.key, "tls-key", "", "serve with TLS: the `file` with the private key in PEM")
	flags.StringVar(&f.authorities, "client-ca", "", "with TLS: the `file` with the authorities whose client certificates are let in; without it policies decide")
}

// config is nil where there are none.
func (f *tlsFiles) config() (*tls.Config, error) {
	if *f == (tlsFiles{}) {
		return nil, nil
	}
	if f.certificate == "" || f.key == "" {
		return nil, errors.New("serving with TLS needs both --tls-cert and --tls-key")
	}
	var content [3][]byte
	for i, name := range [...]string{f.certificate, f.key, f.authorities} {
		if name == "" {
			continue
		}
		var err error
		if content[i], err = os.ReadFile(name); err != nil {
			return nil, fmt.Errorf("serving with TLS: %w", err)
		}
	}
	return host.TLSConfig(content[0], content[1], content[2])
}

// environmentSigner signs with the AWS credentials of the environment.
func environmentSigner(env func(string) (string, bool)) gateway.Signer {
	region, _ := env("AWS_REGION")
	return sigv4.New(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return environmentCredentials(env) }), region, nil)
}

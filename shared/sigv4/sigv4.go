// Package sigv4 signs requests to services of AWS. It knows what the signature
// covers, and leaves how it is computed to the SDK of AWS; the credentials are
// those that a host has.
package sigv4

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// maxBody bounds the body of a request that is signed, in bytes: it is held, since
// the signature, which goes ahead of it, covers it.
const maxBody = 16 << 20

// Signer signs with the credentials of a host. It is safe for concurrent use.
type Signer struct {
	credentials aws.CredentialsProvider
	region      string
	now         func() time.Time
	signer      *v4.Signer
}

// New makes a signer. The region is where services are that name none; empty:
// they have to. The clock nil is time.Now.
func New(credentials aws.CredentialsProvider, region string, now func() time.Time) *Signer {
	if now == nil {
		now = time.Now
	}
	return &Signer{credentials: credentials, region: region, now: now, signer: v4.NewSigner()}
}

// Sign signs a request for a service, such as execute-api or lambda, in a region;
// empty is that of the host.
func (s *Signer) Sign(ctx context.Context, req *http.Request, service, region string) error {
	if region == "" {
		region = s.region
	}
	if region == "" {
		return fmt.Errorf("signing a request for %s: the host names no region: write it in gateway.yaml", service)
	}
	found, err := s.credentials.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("finding the AWS credentials of the host: %w", err)
	}
	if !found.HasKeys() {
		return errors.New("finding the AWS credentials of the host: it has none")
	}
	hash, err := payloadHash(req)
	if err != nil {
		return fmt.Errorf("signing a request for %s: %w", service, err)
	}
	if req.Header == nil {
		req.Header = http.Header{}
	}
	// What a client sent must not take part.
	for _, name := range []string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-Sha256"} {
		req.Header.Del(name)
	}
	if service == "s3" {
		req.Header.Set("X-Amz-Content-Sha256", hash)
	}
	err = s.signer.SignHTTP(ctx, found, req, hash, service, region, s.now(), func(o *v4.SignerOptions) {
		o.DisableURIPathEscaping = service == "s3"
	})
	if err != nil {
		return fmt.Errorf("signing a request for %s: %w", service, err)
	}
	return nil
}

// payloadHash is the hash of a request's body, which is held where it cannot be
// read twice.
func payloadHash(req *http.Request) (string, error) {
	h := sha256.New()
	if req.Body == nil || req.Body == http.NoBody {
		return hex.EncodeToString(h.Sum(nil)), nil
	}
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return "", fmt.Errorf("reading the body: %w", err)
		}
		defer body.Close()
		if _, err := io.Copy(h, body); err != nil {
			return "", fmt.Errorf("reading the body: %w", err)
		}
		return hex.EncodeToString(h.Sum(nil)), nil
	}
	content, err := io.ReadAll(io.LimitReader(req.Body, maxBody+1))
	closed := req.Body.Close()
	if err := errors.Join(err, closed); err != nil {
		return "", fmt.Errorf("reading the body: %w", err)
	}
	if len(content) > maxBody {
		return "", fmt.Errorf("the body is longer than %d bytes", maxBody)
	}
	h.Write(content)
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	req.Body, _ = req.GetBody()
	req.ContentLength, req.TransferEncoding = int64(len(content)), nil
	return hex.EncodeToString(h.Sum(nil)), nil
}

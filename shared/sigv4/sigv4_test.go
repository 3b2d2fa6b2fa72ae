package sigv4

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// example are the credentials of AWS's published test suite of signatures.
var example = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}, nil
})

func clock() time.Time { return time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC) }

func request(t *testing.T, method, address, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader(body)), -1
	}
	return req
}

// The first row is get-vanilla of AWS's test suite.
func TestSign(t *testing.T) {
	vanilla := request(t, http.MethodGet, "https://example.amazonaws.com/", "")
	vanilla.Header.Set("Authorization", "Bearer of a client")
	if err := New(example, "us-east-1", clock).Sign(t.Context(), vanilla, "service", ""); err != nil {
		t.Fatal(err)
	}
	want := "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
	if got := vanilla.Header.Get("Authorization"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A body that is a stream is signed, and still sent.
func TestSignBody(t *testing.T) {
	signature := map[string]string{}
	for _, body := range []string{"a", "b"} {
		req := request(t, http.MethodPost, "https://x.execute-api.eu-west-1.amazonaws.com/p", body)
		for range 2 { // a redirect signs again
			if err := New(example, "", clock).Sign(t.Context(), req, "execute-api", "eu-west-1"); err != nil {
				t.Fatal(err)
			}
		}
		signature[body] = req.Header.Get("Authorization")
		if got, err := io.ReadAll(req.Body); err != nil || string(got) != body || req.ContentLength != 1 {
			t.Errorf("got %q, %v", got, err)
		}
	}
	if signature["a"] == signature["b"] {
		t.Error("the signature does not cover the body")
	}
	s3 := request(t, http.MethodPut, "https://b.s3.amazonaws.com/k", "a")
	if err := New(example, "us-east-1", clock).Sign(t.Context(), s3, "s3", ""); err != nil || s3.Header.Get("X-Amz-Content-Sha256") == "" {
		t.Errorf("got %v, %v", s3.Header, err)
	}
}

func TestSignFails(t *testing.T) {
	broken := errors.New("no role")
	failing := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, broken })
	empty := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, nil })
	for _, c := range []struct {
		name, region, body, want string
		credentials              aws.CredentialsProvider
	}{
		{"no region", "", "", "names no region", example},
		{"no credentials", "us-east-1", "", "no role", failing},
		{"empty credentials", "us-east-1", "", "it has none", empty},
		{"a long body", "us-east-1", strings.Repeat("x", maxBody+1), "longer than", example},
	} {
		err := New(c.credentials, c.region, nil).Sign(t.Context(), request(t, http.MethodPost, "https://a.amazonaws.com", c.body), "lambda", "")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
}

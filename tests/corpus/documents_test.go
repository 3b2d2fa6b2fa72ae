package corpus_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"toolgate/shared/expr"
	"toolgate/shared/openapi"
	"toolgate/shared/policies"
	"toolgate/shared/policy"
	"toolgate/shared/policy/policytest"
	"toolgate/shared/services"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/tools/txtar"
)

// TestDocuments runs public policy documents: the files of testdata/documents
// name them by their paths below TOOLGATE_CORPUS. Besides the sections of package
// policytest they have
//
//	token NAME [SECRET]   the claims of a token; {token NAME} stands for it in all
//	                      other sections and in the transcript. It is signed by RS256
//	                      with the key of the identity provider, or by HS256 with a
//	                      secret in base64
//	schema ID             a JSON schema of the configuration
//	operation             what an OpenAPI document says of the operation
//	unordered             requests that follow one another are sorted in the
//	                      transcript: they are sent at the same time
//
// The identity provider answers at login.microsoftonline.com for every tenant.
func TestDocuments(t *testing.T) {
	folder := os.Getenv("TOOLGATE_CORPUS")
	if folder == "" {
		t.Skip("TOOLGATE_CORPUS does not name a folder of policy documents")
	}
	provider := newProvider(t)
	policytest.RunFiles(t, "testdata/documents/*.txtar", *update, func(ctx context.Context, a *txtar.Archive) (string, error) {
		s, err := newSurroundings(a, provider)
		if err != nil {
			return "", err
		}
		transcript, err := policytest.Transcript(ctx, s.archive, policytest.Options{
			Policies: policies.Registry(),
			Services: s.services,
			Document: func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(folder, filepath.FromSlash(name))) },
		})
		transcript = s.hidden.Replace(transcript)
		if s.unordered {
			transcript = sortRequests(transcript)
		}
		return transcript, err
	})
}

// sortRequests sorts those parts of a transcript that begin with "send", as far
// as no other stands between them.
func sortRequests(transcript string) string {
	var parts []string
	for line := range strings.Lines(transcript) {
		if strings.HasPrefix(line, "  ") && len(parts) > 0 {
			parts[len(parts)-1] += line
		} else {
			parts = append(parts, line)
		}
	}
	for from := 0; from < len(parts); from++ {
		to := from
		for to < len(parts) && strings.HasPrefix(parts[to], "send ") {
			to++
		}
		slices.Sort(parts[from:to])
		from = max(from, to-1)
	}
	return strings.Join(parts, "")
}

// surroundings are those of one test.
type surroundings struct {
	archive   *txtar.Archive    // what is left for package policytest
	hidden    *strings.Replacer // of tokens in a transcript
	provider  *provider
	schemas   map[string]policy.JSONSchema
	operation *policy.OperationDescription
	unordered bool
}

// newSurroundings takes its own sections from an archive.
func newSurroundings(a *txtar.Archive, p *provider) (*surroundings, error) {
	s := &surroundings{archive: &txtar.Archive{Comment: a.Comment}, provider: p, schemas: map[string]policy.JSONSchema{}}
	var shown, hidden []string
	for _, section := range policytest.Sections(a) {
		var err error
		switch section.Kind {
		case "token":
			name, secret, _ := strings.Cut(section.Rest, " ")
			var token string
			token, err = p.sign(section.Data, secret)
			shown, hidden = append(shown, "{token "+name+"}", token), append(hidden, token, "{token "+name+"}")
		case "schema":
			s.schemas[section.Rest], err = newSchema(section.Data)
		case "unordered":
			s.unordered = true
		case "operation":
			s.operation, err = newOperation(section.Data)
		default:
			data := []byte(strings.NewReplacer(shown...).Replace(string(section.Data)))
			s.archive.Files = append(s.archive.Files, txtar.File{Name: section.Name(), Data: data})
		}
		if err != nil {
			return nil, section.Fault(0, err)
		}
	}
	s.hidden = strings.NewReplacer(hidden...)
	return s, nil
}

func (s *surroundings) services(now func() time.Time) *policy.Services {
	made := services.New(services.Options{Transport: s.provider, Now: now})
	made.Identity, made.Connections, made.Certificates = identity{}, connections{}, certificates{}
	made.Schemas, made.Operations = s, s
	return &made
}

// Schema serves policy.Schemas.
func (s *surroundings) Schema(id string) policy.JSONSchema { return s.schemas[id] }

// Example and Described serve policy.Operations.
func (s *surroundings) Example(string, string, int, string, int) (string, []byte, bool) {
	return "", nil, false
}

func (s *surroundings) Described(string, string) *policy.OperationDescription { return s.operation }

// schema serves policy.JSONSchema.
type schema struct{ *openapi.Schema }

func newSchema(text []byte) (policy.JSONSchema, error) {
	s, err := openapi.CompileSchema(jsontext.Value(text))
	return schema{s}, err
}

func (s schema) Violations(value []byte) []policy.Violation {
	var list []policy.Violation
	for _, f := range s.Faults(value) {
		list = append(list, policy.Violation{Path: f.Pointer, Keyword: f.Keyword, Message: f.Message})
	}
	return list
}

// newOperation reads a description: of parameters with their name, place and
// schema, and of responses, by status, with the names of their headers.
func newOperation(text []byte) (*policy.OperationDescription, error) {
	var described struct {
		Parameters []struct {
			Name     string         `json:"name"`
			In       string         `json:"in"`
			Required bool           `json:"required"`
			Schema   jsontext.Value `json:"schema"`
		} `json:"parameters"`
		Responses map[int][]string `json:"responses"`
	}
	if err := json.Unmarshal(text, &described); err != nil {
		return nil, err
	}
	o := &policy.OperationDescription{Responses: map[int]policy.ResponseDescription{}}
	for _, p := range described.Parameters {
		s, err := newSchema(p.Schema)
		if err != nil {
			return nil, err
		}
		o.Parameters = append(o.Parameters, policy.ParameterDescription{Name: p.Name, In: p.In, Required: p.Required, Schema: s})
	}
	for status, headers := range described.Responses {
		var r policy.ResponseDescription
		for _, name := range headers {
			r.Headers = append(r.Headers, policy.ParameterDescription{Name: name, In: "header"})
		}
		o.Responses[status] = r
	}
	return o, nil
}

// identity has a token for every resource.
type identity struct{}

func (identity) Token(_ context.Context, resource, clientID string) (string, error) {
	return strings.TrimSuffix("identity-token "+resource+" "+clientID, " "), nil
}

// connections has every connection.
type connections struct{}

func (connections) Authorization(_ context.Context, r policy.ConnectionRequest) (*expr.Authorization, error) {
	return &expr.Authorization{AccessToken: "connection-token " + r.Provider + " " + r.Authorization}, nil
}

// certificates has one of every name. No connection is made that would need its
// key.
type certificates struct{}

func (certificates) Certificate(id, thumbprint string) *policy.Certificate {
	leaf := &x509.Certificate{Subject: pkix.Name{CommonName: id + thumbprint}}
	return &policy.Certificate{Public: &expr.Certificate{Certificate: leaf}}
}

// provider is an identity provider as Microsoft Entra is one. It serves
// http.RoundTripper.
type provider struct{ key *rsa.PrivateKey }

// signingKey is made once: it takes long.
var signingKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func newProvider(t *testing.T) *provider {
	t.Helper()
	key, err := signingKey()
	if err != nil {
		t.Fatal(err)
	}
	return &provider{key}
}

const keyID = "provider-key"

func (p *provider) sign(claims []byte, secret string) (string, error) {
	var c jwt.MapClaims
	if err := json.Unmarshal(claims, &c); err != nil {
		return "", err
	}
	if secret != "" {
		key, err := base64.StdEncoding.DecodeString(secret)
		if err != nil {
			return "", err
		}
		return jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString(key)
	}
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, c)
	token.Header["kid"] = keyID
	return token.SignedString(p.key)
}

// RoundTrip answers requests for the configuration of a tenant and for the keys.
func (p *provider) RoundTrip(req *http.Request) (*http.Response, error) {
	tenant, path, _ := strings.Cut(strings.TrimPrefix(req.URL.Path, "/"), "/")
	if strings.Contains(tenant, ".") { // a domain; issuers have ids
		tenant = "33333333-3333-3333-3333-333333333333"
	}
	issuer := "https://sts.windows.net/" + tenant + "/"
	if strings.HasPrefix(path, "v2.0/") {
		issuer = "https://login.microsoftonline.com/" + tenant + "/v2.0"
	}
	body, status := "", http.StatusOK
	switch {
	case req.URL.Host == "login.microsoftonline.com" && strings.HasSuffix(path, ".well-known/openid-configuration"):
		body = fmt.Sprintf(`{"issuer": %q, "jwks_uri": "https://login.microsoftonline.com/%s/discovery/keys"}`, issuer, tenant)
	case req.URL.Host == "login.microsoftonline.com" && path == "discovery/keys":
		encode := base64.RawURLEncoding.EncodeToString
		body = fmt.Sprintf(`{"keys": [{"kty": "RSA", "use": "sig", "kid": %q, "n": %q, "e": %q}]}`,
			keyID, encode(p.key.N.Bytes()), encode(big.NewInt(int64(p.key.E)).Bytes()))
	default:
		status = http.StatusNotFound
	}
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader([]byte(body))),
	}, nil
}

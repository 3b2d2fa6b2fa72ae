package policies

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"toolgate/shared/auth"
	"toolgate/shared/expr"
	"toolgate/shared/openapi"
	"toolgate/shared/policy"

	"github.com/go-json-experiment/json/jsontext"
)

// withIdentities has what the policies of authentication reach, for tests.
func withIdentities(s *policy.Services, now func() time.Time) {
	s.Tokens = validTokens{auth.New(auth.Options{Now: now})}
	s.Identity, s.Connections, s.Certificates = ownIdentity{}, storedConnections{}, storedCertificates{}
}

// withSchemas has what the policies of validation reach, for tests.
func withSchemas(s *policy.Services) { s.Schemas, s.Operations = storedSchemas{}, petOperations{} }

// validTokens validate by keys that stand in the policy.
type validTokens struct{ *auth.Validator }

func (v validTokens) Validate(ctx context.Context, token string, r *policy.TokenRules) *policy.TokenFailure {
	if r.Entra != nil { // there is no provider: the rules are what the test sees
		return &policy.TokenFailure{
			Reason: policy.ReasonTokenIssuerNotAllowed,
			Err:    fmt.Errorf("%+v, audiences %q, claims %+v", *r.Entra, r.Audiences, r.Claims),
		}
	}
	rules := &auth.Rules{
		OpenIDConfigs: r.OpenIDConfigs, Audiences: r.Audiences, Issuers: r.Issuers,
		RequireExpiration: r.RequireExpiration, RequireSigned: r.RequireSigned, ClockSkew: r.ClockSkew,
	}
	for _, k := range r.Keys {
		key := auth.Key{ID: k.ID, Secret: k.Secret}
		if k.Certificate != nil {
			key.Public = k.Certificate.Public.PublicKey
		}
		rules.Keys = append(rules.Keys, key)
	}
	for _, c := range r.Claims {
		rules.Claims = append(rules.Claims, auth.Claim(c))
	}
	_, err := v.Validator.Validate(ctx, token, rules)
	if e, ok := errors.AsType[*auth.Error](err); ok {
		return &policy.TokenFailure{Reason: policy.Reason(e.Kind), Claim: e.Claim, Value: e.Value}
	}
	return nil
}

// ownIdentity has tokens for every resource but one.
type ownIdentity struct{}

func (ownIdentity) Token(_ context.Context, resource, clientID string) (string, error) {
	if resource == "https://unavailable.test" {
		return "", errors.New("the identity endpoint does not answer")
	}
	return fmt.Sprintf("token-of-%s-for-%s", clientID, resource), nil
}

// storedConnections has one connection.
type storedConnections struct{}

func (storedConnections) Authorization(_ context.Context, r policy.ConnectionRequest) (*expr.Authorization, error) {
	if r.Provider != "github" {
		return nil, errors.New("there is no provider " + r.Provider)
	}
	token := "token-of-" + r.Authorization + "-by-" + r.IdentityType + r.Identity
	return &expr.Authorization{AccessToken: token, Claims: map[string]string{"login": "ann"}}, nil
}

// Certificates of a client and of its authority, in force in 2026.
const (
	authorityDER = "MIIBqDCCAU+gAwIBAgIBATAKBggqhkjOPQQDAjA8MQswCQYDVQQGEwJVUzEWMBQGA1UEChMNQ29udG9zbywgSW5jLjEVMBMGA1UEAxMMQ29udG9zbyBSb290MB4XDTI2MDEwMTAwMDAwMFoXDTM1MTIzMTAwMDAwMFowPDELMAkGA1UEBhMCVVMxFjAUBgNVBAoTDUNvbnRvc28sIEluYy4xFTATBgNVBAMTDENvbnRvc28gUm9vdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABLfBEiBOZ0WCYqnFpL/z2EWo5soP76zgsQhfuakR+atFmQ/g6ga85yvd/Owy1nRYIx/FKZUB4IlBVH9dy5iXfbejQjBAMA4GA1UdDwEB/wQEAwICBDAPBgNVHRMBAf8EBTADAQH/MB0GA1UdDgQWBBTh960rLnSh0Ht0LbI6WnnvHNlGsTAKBggqhkjOPQQDAgNHADBEAiBX9APwNUvsdMJKG289FxQN+J9C6rSiD/LnCuAFAp/AqwIgJrRl4/Ot+zlVHsdJ9zn8gSVxmY+H39G/hh6dlV/uVfs="
	clientDER    = "MIIBuzCCAWCgAwIBAgIDChssMAoGCCqGSM49BAMCMDwxCzAJBgNVBAYTAlVTMRYwFAYDVQQKEw1Db250b3NvLCBJbmMuMRUwEwYDVQQDEwxDb250b3NvIFJvb3QwHhcNMjYwMTAxMDAwMDAwWhcNMjYxMjMxMDAwMDAwWjA2MQswCQYDVQQGEwJVUzEWMBQGA1UEChMNQ29udG9zbywgSW5jLjEPMA0GA1UEAxMGY2xpZW50MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEpehRaJ3qwnSL5EnYKK82zcimvoIcKvZpTayhtb6IkDCBmpHpLpWVoiCdfPfQ3rVywKv3EyYnSxjR/Acl0q8RRqNXMFUwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHwYDVR0jBBgwFoAU4fetKy50odB7dC2yOlp57xzZRrEwHQYDVR0RBBYwFIISY2xpZW50LmNvbnRvc28uY29tMAoGCCqGSM49BAMCA0kAMEYCIQDa5xZgbIVvqgp+4XuZV0Kqcq7AFABgnLKMTVjkdk3lJgIhAJT+jEQ/VlxF1oiDgQI6kJ0IvY58hhdjCUGPPrI00Ye/"
)

// storedCertificates has both.
type storedCertificates struct{}

func (storedCertificates) Certificate(id, thumbprint string) *policy.Certificate {
	for name, encoded := range map[string]string{"authority": authorityDER, "client": clientDER} {
		der, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			return nil
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil
		}
		public := &expr.Certificate{Certificate: c}
		if name == id || thumbprint == public.Thumbprint() {
			return &policy.Certificate{Certificate: tls.Certificate{Certificate: [][]byte{der}, Leaf: c}, Public: public}
		}
	}
	return nil
}

// storedSchemas has one schema.
type storedSchemas struct{}

func (storedSchemas) Schema(id string) policy.JSONSchema {
	if id != "pet" {
		return nil
	}
	return schema(`{"type": "object", "required": ["name"], "additionalProperties": false,
		"properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}}}`)
}

// jsonSchema is a schema as policies see it.
type jsonSchema struct{ *openapi.Schema }

func schema(text string) policy.JSONSchema {
	s, err := openapi.CompileSchema(jsontext.Value(text))
	if err != nil {
		panic(err)
	}
	return jsonSchema{s}
}

func (s jsonSchema) Violations(value []byte) []policy.Violation {
	var list []policy.Violation
	for _, f := range s.Faults(value) {
		list = append(list, policy.Violation{Path: f.Pointer, Keyword: f.Keyword, Message: f.Message})
	}
	return list
}

// petOperations describe one operation.
type petOperations struct{}

func (petOperations) Example(_, _ string, _ int, _ string, _ int) (string, []byte, bool) {
	return "", nil, false
}

func (petOperations) Described(api, operation string) *policy.OperationDescription {
	if api != "pets" || operation != "savePet" {
		return nil
	}
	pet := storedSchemas{}.Schema("pet")
	return &policy.OperationDescription{
		Parameters: []policy.ParameterDescription{
			{Name: "id", In: "path", Required: true, Schema: schema(`{"type": "integer"}`)},
			{Name: "dry", In: "query", Schema: schema(`{"type": "boolean"}`)},
			{Name: "tag", In: "query", Schema: schema(`{"type": "array", "items": {"enum": ["a", "b"]}}`)},
			{Name: "X-Trace", In: "header", Required: true, Schema: schema(`{"type": "string", "maxLength": 4}`), Text: true},
		},
		Request: map[string]policy.JSONSchema{"application/json": pet, "text/*": nil},
		Responses: map[int]policy.ResponseDescription{
			200: {
				Headers: []policy.ParameterDescription{
					{Name: "X-Count", In: "header", Schema: schema(`{"type": "integer"}`)}, {Name: "Content-Type", In: "header"},
				},
				Content: map[string]policy.JSONSchema{"application/json": pet},
			},
			404: {},
		},
	}
}

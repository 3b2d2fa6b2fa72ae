package secret

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"
)

// keyVaultVersion is the version of the REST API, which Key Vault wants of each
// request.
const keyVaultVersion = "7.4"

// Identity gets tokens of the gateway's own identity.
type Identity interface {
	// Token returns one for a resource, such as https://vault.azure.net; the empty
	// client id is the identity of the host.
	Token(ctx context.Context, resource, clientID string) (string, error)
}

type keyVault struct {
	identity Identity
	client   *http.Client
}

// NewKeyVault makes Azure Key Vault, which is asked with the gateway's identity. A
// nil transport is one of our own.
func NewKeyVault(i Identity, rt http.RoundTripper) Vault { return &keyVault{i, newClient(rt)} }

// Read reads secrets by their URLs, each by a request: Key Vault knows no other way.
func (v *keyVault) Read(ctx context.Context, names []string) []Outcome {
	return each(ctx, names, v.get)
}

func (v *keyVault) get(ctx context.Context, name string) (string, error) {
	vault := title(KeyVault)
	u, err := url.Parse(name)
	if err != nil {
		return "", &Error{Vault: vault, Err: errors.New("the reference has no URL")}
	}
	_, domain, _ := strings.Cut(u.Host, ".")
	token, err := v.identity.Token(ctx, "https://"+strings.ToLower(domain), "")
	if err != nil {
		return "", &Error{Vault: vault, Temporary: true, Err: err}
	}
	u.RawQuery = "api-version=" + keyVaultVersion
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return "", &Error{Vault: vault, Err: errors.New("the reference has no URL")}
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", "application/json")
	status, body, err := send(v.client, req)
	if err != nil {
		return "", &Error{Vault: vault, Status: status, Temporary: temporary(status), Err: err}
	}
	var answer struct {
		Value *string `json:"value"`
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	parsed := json.Unmarshal(body, &answer)
	if status != http.StatusOK {
		return "", refused(vault, status, answer.Error.Code, strings.ReplaceAll(answer.Error.Message, token, "…"), keyVaultAdvice(status, u.Host))
	}
	if parsed != nil || answer.Value == nil {
		return "", &Error{Vault: vault, Status: status, Err: errors.New("its answer has no value")}
	}
	return *answer.Value, nil
}

// keyVaultAdvice says what to do about a status.
func keyVaultAdvice(status int, host string) string {
	switch status {
	case http.StatusUnauthorized:
		return "the vault does not take tokens of the tenant of the gateway's identity"
	case http.StatusForbidden:
		return fmt.Sprintf("give the gateway's identity the role Key Vault Secrets User on %s, let the vault's firewall pass it, and look whether the secret is enabled", host)
	case http.StatusNotFound:
		return "there is no such secret, or version of it"
	}
	return ""
}

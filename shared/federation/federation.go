// Package federation knows how a workload of another platform gets tokens of
// Microsoft Entra without a secret: by a token that its own platform gives it, which
// an application or a user-assigned identity trusts as a federated credential.
package federation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"toolgate/shared/credential"
)

// Audience is what Microsoft Entra wants the tokens of other platforms to be for.
const Audience = "api://AzureADTokenExchange"

// publicAuthority is where tokens are got, except in sovereign clouds.
const publicAuthority = "https://login.microsoftonline.com"

// Source gives a token of the platform that the workload is on.
type Source interface {
	// Token returns a token for an audience, good for the next minute at least.
	Token(ctx context.Context, audience string) (string, error)
}

// Options say who the workload is to Microsoft Entra, as the variables of workload
// identity do.
type Options struct {
	Authority string // AZURE_AUTHORITY_HOST; empty: that of the public cloud
	Tenant    string // AZURE_TENANT_ID
	// ClientID is the application, or the user-assigned identity: AZURE_CLIENT_ID.
	ClientID string
	Source   Source
	// Transport carries the requests; nil is one of our own.
	Transport http.RoundTripper
	Now       func() time.Time // nil: time.Now
}

// Identity gets access tokens. It is safe for concurrent use.
type Identity struct {
	Options
	tokens *credential.Tokens

	mu      sync.Mutex
	clients map[string]*credential.Client // by client id
}

// maxClients bounds the client ids that policies may name.
const maxClients = 64

// New makes an identity that has no tokens yet. The error says which variable is
// missing or wrong.
func New(o Options) (*Identity, error) {
	o.Authority = strings.TrimRight(cmp.Or(o.Authority, publicAuthority), "/")
	u, err := url.Parse(o.Authority)
	switch {
	case o.Tenant == "" || o.ClientID == "":
		return nil, errors.New("federation with Microsoft Entra wants both AZURE_TENANT_ID and AZURE_CLIENT_ID")
	case strings.ContainsAny(o.Tenant, "/?#%"):
		return nil, errors.New("AZURE_TENANT_ID is no tenant: give its id or its domain")
	case err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "":
		return nil, errors.New("AZURE_AUTHORITY_HOST is no https URL: leave it out, or write one such as https://login.microsoftonline.us")
	case o.Source == nil:
		return nil, errors.New("federation with Microsoft Entra has no token of this platform")
	}
	return &Identity{Options: o, tokens: credential.NewTokens(o.Now), clients: map[string]*credential.Client{}}, nil
}

// Token returns an access token for a resource, such as https://vault.azure.net, of
// the application or identity with the client id, or of that of the options when it
// is empty. It is kept until shortly before it expires. For [Audience] it is the
// token of the platform itself: what trusts a managed identity there trusts the
// workload here.
func (i *Identity) Token(ctx context.Context, resource, clientID string) (string, error) {
	switch resource {
	case "":
		return "", errors.New("a token is for a resource, and it is empty: give its application ID URI")
	case Audience:
		return i.platform(ctx)
	}
	clientID = cmp.Or(clientID, i.ClientID)
	token, err := i.tokens.Get(ctx, clientID+" "+resource, func(ctx context.Context) (credential.Token, error) {
		return i.client(clientID).Grant(ctx, url.Values{"grant_type": {"client_credentials"}, "scope": {scopeOf(resource)}})
	})
	if err != nil {
		return "", fmt.Errorf("getting a token of Microsoft Entra for %q: %w", resource, err)
	}
	return token, nil
}

// scopeOf is all that the application may do at a resource. A slash at the end of
// the resource is part of it.
func scopeOf(resource string) string {
	if strings.HasSuffix(resource, "/.default") {
		return resource
	}
	return resource + "/.default"
}

func (i *Identity) platform(ctx context.Context) (string, error) {
	token, err := i.Source.Token(ctx, Audience)
	if err != nil {
		return "", fmt.Errorf("getting a token of this platform for Microsoft Entra: %w", err)
	}
	return token, nil
}

// client is the client with an id.
func (i *Identity) client(id string) *credential.Client {
	i.mu.Lock()
	defer i.mu.Unlock()
	c := i.clients[id]
	if c == nil {
		if len(i.clients) >= maxClients {
			clear(i.clients) // they hold nothing that is dear
		}
		c = credential.NewClient(credential.ClientOptions{
			TokenURL: i.Authority + "/" + i.Tenant + "/oauth2/v2.0/token", ID: id, Assertion: i.platform,
			Transport: i.Transport, Now: i.Now,
		})
		i.clients[id] = c
	}
	return c
}

package aztables

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

const (
	// tokenTimeout bounds one attempt to get a token.
	tokenTimeout = 60 * time.Second
	// freshFor is how long a token has to be good for to be handed on without
	// asking: the SDK renews one five minutes before its end.
	freshFor = 6 * time.Minute
)

// detached gets tokens in the background. An operation waits for one only within
// its own time limit, which is shorter than what an identity endpoint may take;
// were the request ended with the operation, there would never be a token.
type detached struct {
	source azcore.TokenCredential

	mu      sync.Mutex
	token   azcore.AccessToken // the last one; nobody may have waited for it
	running *fetch             // nil for none
}

// fetch is a request for a token.
type fetch struct {
	done  chan struct{}
	token azcore.AccessToken
	err   error
}

// GetToken serves azcore.TokenCredential.
func (d *detached) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if o.Claims != "" { // the service refused the last token and says what it wants
		return d.source.GetToken(ctx, o)
	}
	d.mu.Lock()
	if time.Until(d.token.ExpiresOn) > freshFor && (d.token.RefreshOn.IsZero() || time.Now().Before(d.token.RefreshOn)) {
		token := d.token
		d.mu.Unlock()
		return token, nil
	}
	f := d.running
	if f == nil {
		f = &fetch{done: make(chan struct{})}
		d.running = f
		go d.run(context.WithoutCancel(ctx), o, f)
	}
	d.mu.Unlock()
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return azcore.AccessToken{}, fmt.Errorf("waiting for a token: %w", ctx.Err())
	}
}

func (d *detached) run(ctx context.Context, o policy.TokenRequestOptions, f *fetch) {
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	f.token, f.err = d.source.GetToken(ctx, o)
	d.mu.Lock()
	if f.err == nil {
		d.token = f.token
	}
	d.running = nil
	d.mu.Unlock()
	close(f.done)
}

// Identity gets access tokens for a resource, such as https://storage.azure.com,
// and keeps them until they have to be renewed. An empty client ID is the identity
// that the host has anyway.
type Identity interface {
	Token(ctx context.Context, resource, clientID string) (string, error)
}

// identityAsks is how soon an [Identity], which keeps its tokens itself and does
// not say how long, is asked again.
const identityAsks = time.Minute

// IdentityCredential makes the gateway's own identity a credential for [Options].
func IdentityCredential(i Identity) azcore.TokenCredential { return identityCredential{i} }

type identityCredential struct{ identity Identity }

// GetToken serves azcore.TokenCredential.
func (c identityCredential) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if len(o.Scopes) != 1 {
		return azcore.AccessToken{}, fmt.Errorf("getting a token for the table: %d scopes are asked for, and an identity has tokens for one", len(o.Scopes))
	}
	text, err := c.identity.Token(ctx, strings.TrimSuffix(o.Scopes[0], "/.default"), "")
	if err != nil {
		return azcore.AccessToken{}, fmt.Errorf("getting a token for the table: %w", err)
	}
	return azcore.AccessToken{Token: text, ExpiresOn: time.Now().Add(identityAsks)}, nil
}

// Package credential gets what the gateway shows to backends in its own name, or
// on behalf of a caller: access tokens of OAuth 2.0 authorization servers
// (RFC 6749) and of managed identities. It knows token endpoints, and for how long
// a token is kept; a request gets its token just before it is sent.
package credential

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// Authorize sets the credentials of a request.
type Authorize = func(ctx context.Context, req *http.Request) error

// setBearer sets the Authorization header (RFC 6750, 2.1).
func setBearer(req *http.Request, token string) {
	if req.Header == nil {
		req.Header = http.Header{}
	}
	req.Header["Authorization"] = []string{"Bearer " + token}
}

// Identity gets tokens for the gateway's own identity, and keeps them.
type Identity interface {
	Token(ctx context.Context, resource, clientID string) (string, error)
}

// ManagedIdentity shows tokens of the gateway's own identity, of the user-assigned
// one of a client id where that is not empty.
func ManagedIdentity(i Identity, resource, clientID string) Authorize {
	return func(ctx context.Context, req *http.Request) error {
		token, err := i.Token(ctx, resource, clientID)
		if err != nil {
			return err
		}
		setBearer(req, token)
		return nil
	}
}

// Access is whom a token is asked for. Empty fields are not sent.
type Access struct{ Scope, Audience string }

func (a Access) form(grant string) url.Values {
	form := url.Values{"grant_type": {grant}}
	if a.Scope != "" {
		form.Set("scope", a.Scope)
	}
	if a.Audience != "" {
		form.Set("audience", a.Audience)
	}
	return form
}

// ClientCredentials shows tokens of the gateway as a client (RFC 6749, 4.4).
func ClientCredentials(c *Client, a Access, kept *Tokens) Authorize {
	return func(ctx context.Context, req *http.Request) error {
		token, err := kept.Get(ctx, "", func(ctx context.Context) (Token, error) {
			return c.Grant(ctx, a.form("client_credentials"))
		})
		if err != nil {
			return err
		}
		setBearer(req, token)
		return nil
	}
}

// Exchange says how the token of a caller is exchanged.
type Exchange struct {
	Access
	// RFC8693 is token exchange; otherwise the grant is jwt-bearer, as Microsoft
	// Entra has it.
	RFC8693 bool
	// Subject is the caller's access token, which was found valid; empty: the call
	// came without one.
	Subject func(ctx context.Context) string
}

// OnBehalfOf shows tokens that the caller's own were exchanged for. A token is kept
// for the caller who showed the very same token, and no longer than that one is
// good for.
func OnBehalfOf(c *Client, e Exchange, kept *Tokens) Authorize {
	return func(ctx context.Context, req *http.Request) error {
		of := e.Subject(ctx)
		if of == "" {
			return errNoSubject
		}
		digest := sha256.Sum256([]byte(of))
		token, err := kept.Get(ctx, string(digest[:]), func(ctx context.Context) (Token, error) {
			token, err := c.Grant(ctx, e.form(of))
			if failed, ok := errors.AsType[*Error](err); ok && (failed.Code == "invalid_grant" || failed.Code == "interaction_required") {
				failed.public = "The identity provider gives no access to the backend on behalf of this caller: sign in again, or consent to it."
			}
			if end := subjectEnd(of, kept.time()); end.Before(token.Expires) {
				token.Expires = end
			}
			return token, err
		})
		if err != nil {
			return err
		}
		setBearer(req, token)
		return nil
	}
}

// form is what is asked for with the token of a caller.
func (e *Exchange) form(token string) url.Values {
	if e.RFC8693 {
		form := e.Access.form("urn:ietf:params:oauth:grant-type:token-exchange")
		form.Set("subject_token", token)
		form.Set("subject_token_type", "urn:ietf:params:oauth:token-type:access_token")
		form.Set("requested_token_type", "urn:ietf:params:oauth:token-type:access_token")
		return form
	}
	form := e.Access.form("urn:ietf:params:oauth:grant-type:jwt-bearer")
	form.Set("assertion", token)
	form.Set("requested_token_use", "on_behalf_of")
	return form
}

// errNoSubject is the error of a call whose caller showed no token.
var errNoSubject = &Error{
	Doing:  "exchanging the caller's access token",
	Err:    errors.New("the call came without one that was validated: give the server an authorization, or put validate-jwt or validate-azure-ad-token into its inbound policies"),
	public: "The backend is called on behalf of the caller, who showed no access token.",
}

// opaqueSubject is for how long what an opaque token was exchanged for is kept:
// nobody tells when the token itself ends.
const opaqueSubject = 5 * time.Minute

// subjectEnd is when a token ends. It is read without a look at the signature:
// the authorization server has looked at it.
func subjectEnd(token string, now time.Time) time.Time {
	var claims struct {
		Exp float64 `json:"exp"`
	}
	parts := strings.Split(token, ".")
	if len(parts) == 3 {
		if text, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil && json.Unmarshal(text, &claims) == nil && claims.Exp > 0 && claims.Exp < math.MaxInt32*4 {
			return time.Unix(int64(claims.Exp), 0)
		}
	}
	return now.Add(opaqueSubject)
}

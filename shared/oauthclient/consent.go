package oauthclient

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"toolgate/shared/connection"
)

// Consented gives requests the tokens of connections, to which people consented. It
// is safe for concurrent use.
type Consented struct {
	Client *Client
	Keeper *connection.Keeper
	// Connection is the id of the one that all callers share; empty: each has one of
	// their own.
	Connection string
	// CallersConsent hands the link to a shared connection to whoever calls.
	CallersConsent bool
	// Subject is the token of the caller, which was found valid; empty for none. It is
	// asked where callers have connections of their own.
	Subject func(ctx context.Context) string
}

// ConsentError says that there is no access yet, or not enough, and that somebody
// has to consent.
type ConsentError struct {
	Server string
	// Path leads to the consent page, below the URL of the gateway; empty: it is the
	// operator who gives the access.
	Path string
	// Connection is the one to be made, with its provider.
	Connection string
	Scopes     []string // to be asked for; nil: those of the challenge
	// More says that there is access, but not enough.
	More bool
}

// Error is for the log.
func (e *ConsentError) Error() string {
	text := fmt.Sprintf("the MCP server %q asks for access that nobody has given yet", e.Server)
	if e.More {
		text = fmt.Sprintf("the MCP server %q asks for more access than was given", e.Server)
	}
	if e.Path == "" {
		text += ": run go run ./local connections add " + e.Connection
		if len(e.Scopes) > 0 {
			text += fmt.Sprintf(" -scope %q", strings.Join(e.Scopes, " "))
		}
	}
	return text
}

// Public is what a caller is told who cannot be given the link.
func (e *ConsentError) Public() string {
	who := "somebody has to consent to it"
	if e.Path == "" {
		who = "its operator has to give it: the log says how"
	}
	if e.More {
		return "The gateway needs more access to the MCP server behind it: " + who + "."
	}
	return "The gateway has no access to the MCP server behind it yet: " + who + "."
}

// errNoSubject is the error of a call whose caller showed no token.
var errNoSubject = &subjectError{}

type subjectError struct{}

func (*subjectError) Error() string {
	return "each caller has a connection of their own, and the call came without a token that was validated: give the server an authorization, or put validate-jwt or validate-azure-ad-token into its inbound policies"
}

func (*subjectError) Public() string {
	return "The MCP server behind the gateway is called with the caller's own access, and the caller showed no access token."
}

// owner is whose connection is used: its id, and the identity that alone may use it;
// empty for a shared one.
func (a *Consented) owner(ctx context.Context) (id, identity string, err error) {
	if a.Connection != "" {
		return a.Connection, "", nil
	}
	token := a.Subject(ctx)
	if token == "" {
		return "", "", errNoSubject
	}
	issuer, identity := connection.Identity(token)
	if identity == "" {
		return "", "", errNoSubject
	}
	digest := sha256.Sum256([]byte(issuer + "\x00" + identity))
	return "caller-" + hex.EncodeToString(digest[:20]), identity, nil
}

// access is that of the owner; nil where there is none that is good for the server.
// Where it could not be renewed, the error says why, and the access has no token.
func (a *Consented) access(ctx context.Context, id, identity string, anew bool) (*connection.Access, error) {
	got, err := a.Keeper.Access(ctx, a.Client.o.Name, id, anew)
	switch {
	case errors.Is(err, connection.ErrNotFound), errors.Is(err, connection.ErrExpired):
		return nil, nil
	case err != nil && got.Issuer == "":
		return nil, a.Client.failed(err)
	case !covers(got.Resource, a.Client.url), a.Client.o.Issuer != "" && got.Issuer != a.Client.o.Issuer:
		return nil, nil // of a server, or an issuer, that was configured before
	case identity == "" && len(got.Identities) > 0, identity != "" && !slices.Contains(got.Identities, identity):
		return nil, a.Client.failed(fmt.Errorf("connection %s/%s: %w", a.Client.o.Name, id, connection.ErrForbidden))
	case err != nil:
		return got, a.Client.failed(err)
	}
	return got, nil
}

// Authorize sets the token of a request. Without access it is sent as it is: the
// server's challenge says what is needed, and of whom, which may have changed since
// the access was given that cannot be renewed.
func (a *Consented) Authorize(ctx context.Context, req *http.Request) error {
	delete(req.Header, "Authorization")
	id, identity, err := a.owner(ctx)
	if err != nil {
		return err
	}
	got, err := a.access(ctx, id, identity, false)
	switch {
	case got == nil:
		return err
	case err == nil:
		setBearer(req, got.Token)
	}
	return nil
}

// Challenged is told of an answer 401 or 403, and tells whether the request may be
// sent again. Its error says what is to be done where it may not; nil leaves the
// answer as it is.
func (a *Consented) Challenged(ctx context.Context, req *http.Request, res *http.Response) (again bool, err error) {
	said := parseChallenge(res.Header["Www-Authenticate"])
	id, identity, err := a.owner(ctx)
	if err != nil {
		return false, err
	}
	got, unrenewed := a.access(ctx, id, identity, true) // somebody may have consented elsewhere
	sent := sentToken(req)
	switch {
	case got == nil && unrenewed != nil:
		return false, unrenewed
	case got != nil && sent != got.Token:
		return true, nil // renewed, or made, since the request left
	case res.StatusCode == http.StatusForbidden:
		return false, a.tooFew(ctx, said, got, id, identity)
	}
	f, err := a.Client.challenged(ctx, said, sent != "" && a.Client.anew(sent))
	if err != nil {
		return false, a.Client.failed(err)
	}
	if got != nil && got.Issuer == f.server.Issuer {
		if unrenewed != nil {
			return false, unrenewed
		}
		if a.renewed(ctx, got, id) {
			return true, nil
		}
	}
	return false, a.ask(&ConsentError{Scopes: said.scopes}, id, identity)
}

// renewed renews access whose token the server refused, as far as that is possible.
func (a *Consented) renewed(ctx context.Context, got *connection.Access, id string) bool {
	if !got.Renewable {
		return false
	}
	err := a.Keeper.Renew(ctx, a.Client.o.Name, id, got.Token)
	if err != nil {
		a.Client.o.Log.Info("the access that the MCP server refused could not be renewed", "server", a.Client.o.Name, "error", err)
	}
	return err == nil
}

// tooFew asks for more access, where more is what the server wants: what was
// granted already is asked for again with it. A server that wants what was granted
// gains nothing by another consent (MCP, step-up; retry limits).
func (a *Consented) tooFew(ctx context.Context, said challenge, got *connection.Access, id, identity string) error {
	if said.err != "insufficient_scope" || got == nil {
		return nil
	}
	granted := strings.Fields(got.Scope)
	if !slices.ContainsFunc(said.scopes, func(s string) bool { return !slices.Contains(granted, s) }) {
		return nil
	}
	if _, err := a.Client.challenged(ctx, said, false); err != nil {
		return a.Client.failed(err)
	}
	return a.ask(&ConsentError{Scopes: union(granted, said.scopes), More: true}, id, identity)
}

// ask makes the link, where whoever calls may have it.
func (a *Consented) ask(e *ConsentError, id, identity string) error {
	e.Server, e.Connection = a.Client.o.Name, a.Client.o.Name+"/"+id
	var identities []string
	if identity != "" {
		identities = []string{identity}
	} else if !a.CallersConsent {
		return e
	}
	var err error
	if e.Path, err = a.Keeper.Ticket(a.Client.o.Name, id, identities, e.Scopes); err != nil {
		return a.Client.failed(err)
	}
	return e
}

// setBearer sets the Authorization header (RFC 6750, 2.1).
func setBearer(req *http.Request, token string) {
	if req.Header == nil {
		req.Header = http.Header{}
	}
	req.Header["Authorization"] = []string{"Bearer " + token}
}

// sentToken is the token that a request was sent with; empty for none.
func sentToken(req *http.Request) string {
	token, _ := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer ")
	return token
}

package connection

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"toolgate/shared/credential"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Discovered is the authorization server of a provider that is found rather than
// configured, as that of an MCP server is.
type Discovered interface {
	// Authorization is where somebody consents to scopes; without any, to those that
	// are found. The redirect URI is registered there.
	Authorization(ctx context.Context, redirectURI string, scopes []string) (*Authorization, error)
	// Tokens is the client of an issuer's token endpoint, as it was registered for a
	// redirect URI.
	Tokens(ctx context.Context, issuer, redirectURI string) (*credential.Client, error)
	// Forget is told that the token endpoint knows that client no more.
	Forget(ctx context.Context, issuer, redirectURI string) error
	// Document is the client ID metadata document for a redirect URI.
	Document(redirectURI string) ([]byte, error)
}

// Authorization is where somebody consents, and to what.
type Authorization struct {
	URL      string // the authorization endpoint
	ClientID string
	Issuer   string // empty for a provider that was configured
	// NamesItself says that the answer has to name the issuer (RFC 9207).
	NamesItself bool
	Resource    string // that tokens are for (RFC 8707); empty: not said
	Scopes      []string
}

// document is the id that stands for none: under it is the client ID metadata
// document of a provider.
const document = "client-metadata.json"

// Access is an access token of a connection to a provider that was discovered, and
// what it is good for.
type Access struct {
	Token      string
	Issuer     string
	Resource   string
	Scope      string // that was granted
	Identities []string
	Renewable  bool
}

// renewalPause lies between two renewals of a connection because its token was
// refused: a server that refuses every token is not to cost one with each call.
const renewalPause = time.Minute

// Access returns the access token of a connection, whoever it belongs to: that is
// for the caller to look at. Anew has the row read, where an instance otherwise goes
// on with what it has read. With an error there is no token, but what else is known
// of the connection.
func (k *Keeper) Access(ctx context.Context, provider, id string, anew bool) (*Access, error) {
	p := k.provider(provider)
	if p == nil || p.Discovered == nil {
		return &Access{}, fmt.Errorf("provider %q: %w", provider, errNoProvider)
	}
	if anew {
		if err := k.expire(ctx, p.Name, id); err != nil {
			return &Access{}, err
		}
	}
	rec, err := k.fresh(ctx, p, id, "")
	if err != nil {
		return &Access{Issuer: rec.Issuer, Resource: rec.Resource, Identities: rec.Identities}, err
	}
	return &Access{
		Token: rec.Access, Issuer: rec.Issuer, Resource: rec.Resource, Scope: rec.Scope, Identities: rec.Identities, Renewable: rec.Renewable,
	}, nil
}

// Renew renews the access of a connection whose token was refused before its end,
// unless somebody did so meanwhile.
func (k *Keeper) Renew(ctx context.Context, provider, id, refused string) error {
	p := k.provider(provider)
	if p == nil {
		return fmt.Errorf("provider %q: %w", provider, errNoProvider)
	}
	rec, err := k.fresh(ctx, p, id, refused)
	if err == nil && rec.Access == refused {
		return fmt.Errorf("connection %s/%s: %w", provider, id, errRefused)
	}
	return err
}

var errRefused = errors.New("the token was refused, and it was renewed a moment ago")

// authorization is where somebody consents to a provider.
func (k *Keeper) authorization(r *http.Request, p *Provider, scopes []string) (*Authorization, error) {
	if p.Discovered != nil {
		return p.Discovered.Authorization(r.Context(), k.redirectURI(r, p), scopes)
	}
	return &Authorization{URL: p.AuthorizationURL, ClientID: p.Client.ID, Scopes: p.Scopes}, nil
}

// grant asks the token endpoint of a provider, for a connection that is there or is
// being made.
func (p *Provider) grant(ctx context.Context, rec *record, form url.Values) (credential.Token, error) {
	if p.Discovered == nil {
		return p.Client.Grant(ctx, form)
	}
	client, err := p.Discovered.Tokens(ctx, rec.Issuer, rec.RedirectURI)
	if err != nil {
		return credential.Token{}, err
	}
	if rec.Resource != "" {
		form.Set("resource", rec.Resource)
	}
	token, err := client.Grant(ctx, form)
	if e, ok := errors.AsType[*credential.Error](err); ok && e.Code == "invalid_client" {
		err = errors.Join(err, p.Discovered.Forget(ctx, rec.Issuer, rec.RedirectURI))
	}
	return token, err
}

// checkIssuer compares the issuer that an answer names with the one that was asked,
// as text (RFC 9207, 2.4): the answer of another is not taken.
func (s *signIn) checkIssuer(q url.Values) error {
	named := q["iss"]
	switch {
	case s.Issuer == "":
		return nil
	case len(named) == 0 && !s.NamesItself:
		return nil
	case len(named) == 0:
		return &refusal{http.StatusForbidden, "The answer does not say whose it is, and was not taken.", fmt.Errorf("the answer of %s has no iss, which its metadata promises", s.Issuer)}
	case len(named) > 1 || named[0] != s.Issuer:
		return &refusal{http.StatusForbidden, "The answer is another provider's than the one that was asked, and was not taken.", fmt.Errorf("the answer of %s has the iss %.100q", s.Issuer, strings.Join(named, " "))}
	}
	return nil
}

// serveDocument serves the client ID metadata document of a provider.
func (k *Keeper) serveDocument(w http.ResponseWriter, r *http.Request, p *Provider) error {
	if p.Discovered == nil {
		return errNothing
	}
	text, err := p.Discovered.Document(k.redirectURI(r, p))
	if err != nil {
		return errNothing
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(text) // the reader has gone
	return nil
}

// Identity is whom a valid token names, and whose word that is: the object id of
// Microsoft Entra, or else the subject. They are empty for a token without them.
func Identity(token string) (issuer, identity string) {
	issuer = claim(token, "iss")
	return issuer, identityOf(token)
}

// claim is a claim of a token that is a text; empty for none.
func claim(token, name string) string {
	value := claims(token)[name]
	if value.Kind() != '"' {
		return ""
	}
	var text string
	if json.Unmarshal(value, &text) != nil {
		return ""
	}
	return text
}

// claims are those of a token in compact form.
func claims(token string) map[string]jsontext.Value {
	payload := payloadOf(token)
	var all map[string]jsontext.Value
	if payload == nil || json.Unmarshal(payload, &all) != nil {
		return nil
	}
	return all
}

package authserver

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/go-json-experiment/json"
)

const (
	// registrationLifetime is how long a client id is good.
	registrationLifetime = 365 * 24 * time.Hour
	maxClientID          = 4 << 10 // bytes
	maxClientName        = 80      // characters
)

// client is who asks for tokens. None has a secret: what it proves is PKCE's.
type client struct {
	id           string
	name         string // as it names itself; may be empty
	host         string // of its metadata document; empty for one that registered
	redirectURIs []string
}

// registration is what is sealed into a client id.
type registration struct {
	Name         string   `json:"n,omitzero"`
	RedirectURIs []string `json:"r"`
	Expires      int64    `json:"e"` // seconds since 1970
}

// client finds a client by its id.
func (s *Server) client(ctx context.Context, id string) (*client, error) {
	if id == "" || len(id) > maxClientID {
		return nil, refuse("invalid_client", "there is no client_id, or it is too long")
	}
	if strings.Contains(id, ":") {
		return s.documentedClient(ctx, id)
	}
	var r registration
	if !s.dynamic || !s.unseal(s.seals.client, id, s.issuer, &r) {
		return nil, refuse("invalid_client", "the client_id is not one of this server")
	}
	if s.expired(r.Expires) {
		return nil, refuse("invalid_client", "the registration has expired")
	}
	return &client{id: id, name: r.Name, redirectURIs: r.RedirectURIs}, nil
}

// documentedClient finds a client whose id is the URL of its metadata document
// (draft-ietf-oauth-client-id-metadata-document).
func (s *Server) documentedClient(ctx context.Context, id string) (*client, error) {
	u, wrong := s.documents.check(id)
	if wrong != "" {
		return nil, refuse("invalid_client", "the client_id "+wrong)
	}
	d, err := s.documents.get(ctx, id)
	if err != nil {
		return nil, &oauthError{status: 400, code: "invalid_client", description: "the metadata document of the client cannot be used", cause: err}
	}
	c := &client{id: id, name: displayName(d.Name), host: u.Host}
	for _, uri := range d.RedirectURIs {
		if s.checkRedirectURI(uri) == "" { // those that are not allowed here do not match
			c.redirectURIs = append(c.redirectURIs, uri)
		}
	}
	return c, nil
}

// allows reports whether a redirect URI is one of the client's. The rules may be
// stricter than when it registered.
func (c *client) allows(s *Server, uri string) bool {
	return s.checkRedirectURI(uri) == "" &&
		slices.ContainsFunc(c.redirectURIs, func(registered string) bool { return sameRedirectURI(registered, uri) })
}

// displayName is a name as a page may show it: of one line, and without what
// turns the direction of the text or cannot be seen.
func displayName(name string) string {
	var b strings.Builder
	n := 0
	for _, r := range strings.Join(strings.Fields(name), " ") {
		if !unicode.IsPrint(r) {
			continue
		}
		if n++; n > maxClientName {
			b.WriteRune('…')
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}

// machine reports whether a redirect URI leads to an application on the user's
// machine, whose identity nobody can know (RFC 8252, 8.6).
func machine(redirectURI string) bool {
	u, err := url.Parse(redirectURI)
	return err != nil || u.Scheme != "https"
}

// listens reports whether a redirect URI leads to a client that listens on the
// user's machine: to no site, and to nothing that a URI could start.
func listens(redirectURI string) bool { return strings.HasPrefix(redirectURI, "http://") }

// sealer seals; it is a [seal.Sealer].
type sealer interface {
	Seal(plain, context []byte) string
	Open(text string, context []byte) ([]byte, error)
}

// sealed seals a record.
func sealed(by sealer, v any, context string) string { return by.Seal(marshal(v), []byte(context)) }

// unseal opens a record; not ok is one that was not sealed here, for this purpose
// and context.
func (s *Server) unseal(by sealer, text, context string, to any) bool {
	plain, err := by.Open(text, []byte(context))
	return err == nil && json.Unmarshal(plain, to) == nil
}

// expired reports whether a time has come.
func (s *Server) expired(unix int64) bool { return s.now().Unix() >= unix }

// in is the time that far from now.
func (s *Server) in(d time.Duration) int64 { return s.now().Add(d).Unix() }

package authserver

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"toolgate/shared/pattern"
)

// codeLifetime is how long a code is good (RFC 6749, 4.1.2, allows ten times that).
const codeLifetime = time.Minute

// The grant types (RFC 6749, 4.1.3 and 6).
const (
	grantCode    = "authorization_code"
	grantRefresh = "refresh_token"
)

// maxCode is how long a code may be, in bytes: it stands in a URL, of which servers
// take 8 KiB.
const maxCode = 6 << 10

// code is what is sealed into an authorization code.
type code struct {
	grant
	Redirect  string `json:"u"` // the digest of the redirect URI
	Challenge string `json:"p"`
	Expires   int64  `json:"e"`
	// ID is the row of the sign-in; empty: Session is the sign-in.
	ID      string   `json:"i,omitzero"`
	Session *session `json:"n,omitzero"`
}

// refreshToken is what is sealed into a refresh token.
type refreshToken struct {
	Client string `json:"c"` // the digest of its id
	// ID is the row of the sign-in; empty: Session and Grant are what it would hold.
	ID         string   `json:"i,omitzero"`
	Generation int      `json:"g,omitzero"`
	Session    *session `json:"n,omitzero"`
	Grant      *grant   `json:"r,omitzero"`
}

var errLongCode = errors.New("the claims of a user, and the provider's refresh token, are too long to travel in a code: give the gateway a store, or name fewer claims")

// newCode makes the code for a sign-in.
func (s *Server) newCode(ctx context.Context, in *signingIn, who *session) (string, error) {
	c := code{grant: in.grant, Redirect: digest(in.Redirect), Challenge: in.Challenge, Expires: s.in(codeLifetime)}
	if s.sessions != nil {
		var err error
		if c.ID, err = s.sessions.create(ctx, who, &in.grant); err != nil {
			return "", unavailable(err)
		}
	} else {
		c.Session = who
	}
	text := sealed(s.seals.code, c, s.issuer)
	if len(text) > maxCode {
		return "", broken(errLongCode)
	}
	return text, nil
}

// serveToken is the token endpoint.
func (s *Server) serveToken(w http.ResponseWriter, r *http.Request) {
	p, err := s.clientForm(w, r)
	var answer *tokenAnswer
	if err == nil {
		switch p.get("grant_type") {
		case grantCode:
			answer, err = s.redeemCode(r.Context(), p)
		case grantRefresh:
			answer, err = s.refreshTokens(r.Context(), p)
		case "":
			err = refuse("invalid_request", "there is no grant_type")
		default:
			err = refuse("unsupported_grant_type", "")
		}
	}
	if err != nil {
		s.sendError(w, r, err)
		return
	}
	w.Header().Set("Pragma", "no-cache")
	send(w, http.StatusOK, marshal(answer))
}

// clientForm reads a form of a client that is known. It has no secret to show; the
// code, or the refresh token, says whose it is.
func (s *Server) clientForm(w http.ResponseWriter, r *http.Request) (parameters, error) {
	p, err := readForm(w, r)
	if err != nil {
		return p, err
	}
	id := p.get("client_id")
	if r.Header.Get("Authorization") != "" || p.get("client_secret") != "" || !s.knows(id) {
		return p, &oauthError{status: http.StatusUnauthorized, code: "invalid_client", description: "the client has a client_id of this server, and nothing else to show"}
	}
	return p, nil
}

// knows reports whether an id is one that a client may have here, without asking
// anybody. That of a registration that has expired is: its tokens have an end of
// their own.
func (s *Server) knows(id string) bool {
	if len(id) > maxClientID {
		return false
	}
	if strings.Contains(id, ":") {
		_, wrong := s.documents.check(id)
		return wrong == ""
	}
	var r registration
	return s.dynamic && s.unseal(s.seals.client, id, s.issuer, &r)
}

// verifier is a code_verifier (RFC 7636, 4.1).
var verifierForm = pattern.Lazy(`^[A-Za-z0-9._~-]{43,128}$`)

// challengeOf is the code_challenge of a verifier (RFC 7636, 4.2).
func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// redeemCode exchanges a code for tokens.
func (s *Server) redeemCode(ctx context.Context, p parameters) (*tokenAnswer, error) {
	invalid := refuse("invalid_grant", "the code is not good, or not for this client")
	var c code
	if !s.unseal(s.seals.code, p.get("code"), s.issuer, &c) || s.expired(c.Expires) {
		return nil, invalid
	}
	// Before the code is used up: who has stolen it cannot take it from its client.
	switch redirect := p.get("redirect_uri"); {
	case !equal(c.Client, digest(p.get("client_id"))),
		redirect != "" && !equal(c.Redirect, digest(redirect)), // OAuth 2.1 does without: PKCE binds more
		!verifierForm().MatchString(p.get("code_verifier")),
		!equal(c.Challenge, challengeOf(p.get("code_verifier"))):
		return nil, invalid
	}
	targets, scopes, err := s.narrow(&c.grant, p)
	if err != nil {
		return nil, err
	}
	next := refreshToken{Client: c.Client, ID: c.ID}
	who := c.Session
	if c.ID != "" {
		row, err := s.redeemRow(ctx, c.ID)
		if err != nil {
			return nil, err
		}
		who = &row.Session
	} else {
		next.Session, next.Grant = who, &c.grant
	}
	return s.answer(who, targets, scopes, p.get("client_id"), &next)
}

func (s *Server) redeemRow(ctx context.Context, id string) (*sessionRow, error) {
	if s.sessions == nil {
		return nil, refuse("invalid_grant", "the code is not good")
	}
	row, err := s.sessions.redeem(ctx, id)
	if err != nil {
		return nil, invalidGrant(err)
	}
	return row, nil
}

// invalidGrant is what the client is told of a sign-in that cannot be used.
func invalidGrant(err error) error {
	switch {
	case errors.Is(err, errReused):
		return &oauthError{status: http.StatusBadRequest, code: "invalid_grant", description: "it was used before", cause: err}
	case errors.Is(err, errGone):
		return refuse("invalid_grant", "the sign-in has ended")
	}
	return unavailable(err)
}

// narrow returns the resources and the scopes of one token, all of the grant unless
// the client wants less (RFC 8707, 2.2; RFC 6749, 6). What the configuration does
// not have any more is not granted any more.
func (s *Server) narrow(g *grant, p parameters) ([]*Resource, []string, error) {
	names := g.Resources
	if asked := slices.DeleteFunc(slices.Clone(p.all("resource")), func(v string) bool { return v == "" }); len(asked) > 0 {
		var err error
		if names, err = s.requestedResources(asked); err != nil {
			return nil, nil, err
		}
		if slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(g.Resources, name) }) {
			return nil, nil, refuse("invalid_target", "the grant is not for that resource")
		}
	}
	var targets []*Resource
	for _, name := range names {
		if found := s.resourceNamed(name); found != nil {
			targets = append(targets, found)
		}
	}
	if targets == nil {
		return nil, nil, refuse("invalid_grant", "the resource is not there any more")
	}
	scopes := slices.DeleteFunc(slices.Clone(g.Scopes), func(scope string) bool {
		return !slices.ContainsFunc(targets, func(t *Resource) bool { return slices.Contains(t.Scopes, scope) })
	})
	if p.get("grant_type") != grantRefresh || p.get("scope") == "" {
		return targets, scopes, nil
	}
	wanted := strings.Fields(p.get("scope"))
	for _, w := range wanted {
		if w != offlineAccess && !slices.Contains(g.Scopes, w) {
			return nil, nil, refuse("invalid_scope", "the grant has no such scope")
		}
	}
	return targets, slices.DeleteFunc(scopes, func(scope string) bool { return !slices.Contains(wanted, scope) }), nil
}

// tokenAnswer is the answer of the token endpoint (RFC 6749, 5.1).
type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"` // seconds
	RefreshToken string `json:"refresh_token"`
	Scope        string `json:"scope,omitzero"`
}

// answer makes the tokens (RFC 9068).
func (s *Server) answer(who *session, targets []*Resource, scopes []string, clientID string, next *refreshToken) (*tokenAnswer, error) {
	now := s.now()
	lifetime := min(s.token, who.left(now))
	if lifetime < time.Second {
		return nil, refuse("invalid_grant", "the sign-in has ended")
	}
	claims := make(map[string]any, len(who.Claims)+9)
	for name, value := range maps.All(who.Claims) {
		claims[name] = value
	}
	audiences := make([]string, len(targets))
	for i, t := range targets {
		audiences[i] = t.audience()
	}
	claims["iss"], claims["sub"], claims["client_id"], claims["jti"] = s.issuer, who.Subject, clientID, random()[:22]
	claims["iat"], claims["exp"] = now.Unix(), now.Add(lifetime).Unix()
	if claims["aud"] = any(audiences); len(audiences) == 1 {
		claims["aud"] = audiences[0]
	}
	scope := strings.Join(scopes, " ")
	if delete(claims, "scope"); scope != "" {
		claims["scope"] = scope
	}
	text, err := s.signer.Sign(claims)
	if err != nil {
		return nil, broken(err)
	}
	return &tokenAnswer{
		AccessToken: text, TokenType: "Bearer", ExpiresIn: int64(lifetime / time.Second), Scope: scope,
		RefreshToken: sealed(s.seals.refresh, next, s.issuer),
	}, nil
}

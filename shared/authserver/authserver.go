// Package authserver is an OAuth authorization server in front of an OpenID
// provider that MCP clients cannot use by themselves, because it knows neither
// dynamic registration nor resource indicators, as Microsoft Entra.
//
// A client registers here, or names the URL of its metadata document; the user
// is asked whether this client may act for them, and signs in at the provider,
// where the gateway is the one client that is registered. What comes back from
// the provider stays here. The client gets a token of the gateway, good for the
// servers it asked for and for nothing else.
//
// Next to nothing is remembered. A client id is the sealed registration; what
// has to survive the way through the browser is in its cookies, sealed. With a
// [state.Store] each sign-in is one row, encrypted: then a code is good once, a
// refresh token that comes twice ends the sign-in, and revocation works. Without
// one the sign-in travels sealed in the code and in the refresh token: a code is
// then good for as many times as fit into 60 seconds, to who has the PKCE verifier,
// and a refresh token until the sign-in ends.
//
// What is checked follows RFC 9700 (Best Current Practice for OAuth 2.0
// Security); other sections are named where they apply.
package authserver

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"toolgate/shared/auth"
	"toolgate/shared/seal"
	"toolgate/shared/state"

	"github.com/go-json-experiment/json"
)

// Lifetimes where the options give none.
const (
	DefaultTokenLifetime   = 10 * time.Minute
	DefaultRefreshLifetime = 30 * 24 * time.Hour
)

// Options say what the server stands for.
type Options struct {
	// URL is the public URL of the gateway, without a slash at the end: the issuer.
	// It is https, or http to a loopback host.
	URL      string
	Provider ProviderOptions
	// Resources are the servers that tokens can be for; at least one.
	Resources []Resource
	// TokenLifetime is that of an access token, RefreshLifetime that of a sign-in,
	// whatever is refreshed in between. Zero is the default.
	TokenLifetime, RefreshLifetime time.Duration
	// Claims are those of the provider's ID token that access tokens have too.
	Claims []string
	// AllowedClients are the hosts of client ID metadata documents that may be
	// used, *.contoso.com for all below that one. Nil allows all; otherwise there is
	// no dynamic registration either, where anybody can take any name.
	AllowedClients []string
	// RefuseLoopback refuses clients that listen on the user's machine.
	RefuseLoopback bool
	// Secret is the sealing key, which all instances share; at least
	// [seal.MinSecret] bytes. The key that signs tokens is derived from it.
	Secret []byte
	// Store keeps sign-ins; nil: clients carry them.
	Store state.Store
	// Transport carries requests to the provider; nil is one of our own.
	Transport http.RoundTripper
	// Documents carries requests for client ID metadata documents, whose URLs
	// anybody may choose: it must reach public addresses only.
	Documents http.RoundTripper
	// Now is the clock; nil is [time.Now].
	Now func() time.Time
	// Log receives what operators should know; nil discards it.
	Log *slog.Logger
}

// Resource is a server that tokens can be for.
type Resource struct {
	Name string // of the server; for people, and in what is sealed
	URL  string // the resource identifier (RFC 8707)
	// Audience is the aud of tokens for it; empty is the URL.
	Audience string
	// Scopes are those that a client may have; it gets all where it names none.
	Scopes []string
}

func (r *Resource) audience() string { return cmp.Or(r.Audience, r.URL) }

// Server is the authorization server. It is an [http.Handler], safe for
// concurrent use.
type Server struct {
	issuer    string
	origin    string // of the issuer
	secure    bool   // it is https
	resources []Resource
	token     time.Duration
	refresh   time.Duration
	claims    []string
	loopback  bool // clients on the user's machine are let
	dynamic   bool // there is dynamic registration
	provider  *provider
	documents *documents
	sessions  *sessions // nil: clients carry them
	signer    *auth.Signer
	seals     seals
	now       func() time.Time
	log       *slog.Logger
	routes    map[string]route

	metadata, openID, keys []byte // documents, rendered once
}

// seals are one sealer for each kind of what is sealed, so that none passes as
// another.
type seals struct{ client, request, signIn, consent, code, refresh *seal.Sealer }

// New makes the server. It fetches nothing.
func New(o Options) (*Server, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopbackHost(u.Hostname())) {
		return nil, fmt.Errorf("the authorization server has the URL %q: OAuth wants https, or http on this machine", o.URL)
	}
	if o.Documents == nil {
		return nil, errors.New("the authorization server has no transport for the metadata documents of clients")
	}
	if len(o.Resources) == 0 {
		return nil, errors.New("the authorization server has no resources: give a server an authorization")
	}
	s := &Server{
		issuer: o.URL, origin: u.Scheme + "://" + u.Host, secure: u.Scheme == "https", resources: o.Resources,
		token: cmp.Or(o.TokenLifetime, DefaultTokenLifetime), refresh: cmp.Or(o.RefreshLifetime, DefaultRefreshLifetime),
		claims: o.Claims, loopback: !o.RefuseLoopback, dynamic: o.AllowedClients == nil, now: o.Now, log: o.Log,
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.log = cmp.Or(s.log, slog.New(slog.DiscardHandler))
	if err := s.derive(o); err != nil {
		return nil, err
	}
	s.provider = newProvider(&o, s.now, s.log)
	s.documents = newDocuments(o.Documents, o.AllowedClients, s.now)
	s.render()
	s.routes = s.routing(strings.TrimSuffix(u.Path, "/"))
	return s, nil
}

// derive makes the keys.
func (s *Server) derive(o Options) (err error) {
	for _, kind := range []struct {
		purpose string
		sealer  **seal.Sealer
	}{
		{"oauth client", &s.seals.client}, {"oauth request", &s.seals.request}, {"oauth sign-in", &s.seals.signIn},
		{"oauth consent", &s.seals.consent}, {"oauth code", &s.seals.code}, {"oauth refresh token", &s.seals.refresh},
	} {
		if *kind.sealer, err = seal.New(o.Secret, kind.purpose); err != nil {
			return err
		}
	}
	if o.Store != nil {
		rows, err := seal.New(o.Secret, "oauth session")
		if err != nil {
			return err
		}
		s.sessions = &sessions{store: o.Store, sealer: rows, now: s.now}
	}
	if s.signer, err = auth.NewSigner(o.Secret, "oauth access token"); err != nil {
		return err
	}
	s.keys, err = s.signer.KeySet()
	return err
}

// Issuer is the issuer of the tokens.
func (s *Server) Issuer() string { return s.issuer }

// PublicKey verifies the tokens, for who would otherwise fetch it from this very
// process.
func (s *Server) PublicKey() *ecdsa.PublicKey { return s.signer.PublicKey() }

// KeyID is the kid of the key.
func (s *Server) KeyID() string { return s.signer.ID() }

// Issued reports whether a token says it is of this server. Whether it is, only
// its signature tells.
func (s *Server) Issued(token string) bool {
	_, rest, _ := strings.Cut(token, ".")
	payload, _, _ := strings.Cut(rest, ".")
	text, err := base64.RawURLEncoding.DecodeString(payload)
	var claims struct {
		Issuer string `json:"iss"`
	}
	return err == nil && json.Unmarshal(text, &claims) == nil && claims.Issuer == s.issuer
}

// route is what answers at a path.
type route struct {
	get, post http.HandlerFunc // nil: not taken
	// cors lets pages of any origin call: what answers looks at no cookie.
	cors bool
}

// routing are the paths, as the gateway sees them. Prefix is the path of the
// issuer, which is behind /.well-known/ in some of them (RFC 8414, 3.1; OpenID
// Connect Discovery 1.0, 4).
func (s *Server) routing(prefix string) map[string]route {
	metadata, openID := route{get: s.document(&s.metadata), cors: true}, route{get: s.document(&s.openID), cors: true}
	routes := map[string]route{
		"/.well-known/oauth-authorization-server":          metadata,
		"/.well-known/oauth-authorization-server" + prefix: metadata,
		"/.well-known/openid-configuration":                openID,
		"/.well-known/openid-configuration" + prefix:       openID,

		pathKeys:      {get: s.document(&s.keys), cors: true},
		pathToken:     {post: s.serveToken, cors: true},
		pathRevoke:    {post: s.serveRevoke, cors: true},
		pathAuthorize: {get: s.serveAuthorize},
		pathConsent:   {post: s.serveConsent},
		pathCallback:  {get: s.serveCallback},
	}
	if s.dynamic {
		routes[pathRegister] = route{post: s.serveRegister, cors: true}
	}
	return routes
}

// The paths below the issuer.
const (
	pathAuthorize = "/oauth/authorize"
	pathConsent   = "/oauth/consent"
	pathCallback  = "/oauth/callback"
	pathToken     = "/oauth/token" //nolint:gosec // G101: a path
	pathRegister  = "/oauth/register"
	pathRevoke    = "/oauth/revoke"
	pathKeys      = "/oauth/jwks"
)

// Serves reports whether a path is one of the server's.
func (s *Server) Serves(path string) bool {
	_, ok := s.routes[path]
	return ok
}

// ServeHTTP answers at the paths of the server, and with 404 elsewhere.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	at, ok := s.routes[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	if at.cors {
		h.Set("Access-Control-Allow-Origin", "*")
	}
	switch {
	case at.get != nil && (r.Method == http.MethodGet || r.Method == http.MethodHead && at.cors):
		at.get(w, r)
	case at.post != nil && r.Method == http.MethodPost:
		at.post(w, r)
	case at.cors && r.Method == http.MethodOptions:
		h.Set("Access-Control-Allow-Methods", at.methods())
		h.Set("Access-Control-Allow-Headers", "Content-Type, MCP-Protocol-Version")
		h.Set("Access-Control-Max-Age", "7200")
		w.WriteHeader(http.StatusNoContent)
	default:
		h.Set("Allow", at.methods())
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	}
}

func (r *route) methods() string {
	switch {
	case r.get == nil:
		return http.MethodPost
	case r.cors:
		return "GET, HEAD"
	}
	return http.MethodGet // who looks at a link must not use it up
}

// resourceOf finds a resource by its identifier. Clients write the same URL with
// and without a slash at the end, and hosts in any case.
func (s *Server) resourceOf(identifier string) *Resource {
	for i := range s.resources {
		if canonical(s.resources[i].URL) == canonical(identifier) {
			return &s.resources[i]
		}
	}
	return nil
}

func (s *Server) resourceNamed(name string) *Resource {
	for i := range s.resources {
		if s.resources[i].Name == name {
			return &s.resources[i]
		}
	}
	return nil
}

// canonical is the form in which resource identifiers are compared; one with a
// fragment or a query is none of ours (RFC 8707, 2).
func canonical(identifier string) string {
	u, err := url.Parse(identifier)
	if err != nil || u.Opaque != "" || u.User != nil || u.Fragment != "" || u.RawQuery != "" || strings.Contains(identifier, "#") {
		return "\x00" + identifier // equal to none
	}
	return strings.ToLower(u.Scheme) + "://" + strings.ToLower(u.Host) + strings.TrimSuffix(u.EscapedPath(), "/")
}

// loopbackHost reports whether a host without port is this machine.
func loopbackHost(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.IsLoopback()
}

// digest stands for a text whose value is not needed any more.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

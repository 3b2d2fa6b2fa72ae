package authserver

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"toolgate/shared/pattern"
)

// grant is what a client may get tokens for.
type grant struct {
	Client    string   `json:"c"` // the digest of its id
	Resources []string `json:"r"` // names
	Scopes    []string `json:"s,omitzero"`
}

// request is an authorization request that was found good (RFC 6749, 4.1.1).
type request struct {
	grant
	Redirect  string `json:"u"`
	State     string `json:"t,omitzero"`
	Challenge string `json:"p"`
}

// s256 is a code_challenge of method S256 (RFC 7636, 4.2).
var s256 = pattern.Lazy(`^[A-Za-z0-9_-]{43}$`)

// serveAuthorize begins a sign-in.
func (s *Server) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	if len(r.URL.RawQuery) > maxQuery {
		s.showError(w, r, refuse("invalid_request", "the request is too long"))
		return
	}
	p, err := parse(r.URL.RawQuery)
	if err != nil {
		s.showError(w, r, err)
		return
	}
	c, err := s.client(r.Context(), p.get("client_id"))
	if err != nil {
		s.showError(w, r, err)
		return
	}
	if !c.allows(s, p.get("redirect_uri")) {
		s.showError(w, r, refuse("invalid_request", "the redirect_uri is not one that the client has registered"))
		return
	}
	q := &request{
		grant: grant{Client: digest(c.id)}, Redirect: p.get("redirect_uri"), State: p.get("state"), Challenge: p.get("code_challenge"),
	}
	if len(q.State) > maxState {
		q.State = ""
		s.refuseClient(w, r, c, q, refuse("invalid_request", "the state is too long"))
		return
	}
	if err := s.checkRequest(q, p); err != nil {
		s.refuseClient(w, r, c, q, err)
		return
	}
	asks := strings.Fields(p.get("prompt"))
	if slices.Contains(asks, "none") {
		s.refuseClient(w, r, c, q, refuse("interaction_required", "the user has to be asked"))
		return
	}
	if !slices.Contains(asks, "consent") && s.consented(r, c, q) {
		target, err := s.signIn(w, r, q)
		if err != nil {
			s.refuseClient(w, r, c, q, err)
			return
		}
		redirect(w, target)
		return
	}
	s.showConsent(w, r, c, q)
}

// checkRequest checks what is not about who asks, and decides what for.
func (s *Server) checkRequest(q *request, p parameters) error {
	switch {
	case p.get("request") != "":
		return refuse("request_not_supported", "")
	case p.get("request_uri") != "":
		return refuse("request_uri_not_supported", "")
	case p.get("response_type") != "code":
		return refuse("unsupported_response_type", "response_type is code")
	case p.get("response_mode") != "" && p.get("response_mode") != "query":
		return refuse("invalid_request", "response_mode is query")
	case q.Challenge == "" || p.get("code_challenge_method") != "S256":
		return refuse("invalid_request", "PKCE with S256 is required")
	case !s256().MatchString(q.Challenge):
		return refuse("invalid_request", "the code_challenge is no SHA-256")
	}
	var err error
	if q.Resources, err = s.requestedResources(p.all("resource")); err != nil {
		return err
	}
	q.Scopes, err = s.requestedScopes(q.Resources, p.get("scope"))
	return err
}

// requestedResources are the names of resources that a client wants tokens for.
// Clients of older revisions do not say; that is enough where there is but one.
func (s *Server) requestedResources(identifiers []string) ([]string, error) {
	var names []string
	for _, identifier := range identifiers {
		if identifier == "" {
			continue
		}
		found := s.resourceOf(identifier)
		if found == nil || len(names) == maxResource {
			return nil, refuse("invalid_target", "a resource is not one of this server")
		}
		if !slices.Contains(names, found.Name) {
			names = append(names, found.Name)
		}
	}
	if names != nil {
		return names, nil
	}
	if len(s.resources) > 1 {
		return nil, refuse("invalid_target", "name the resource: the URL of the MCP server")
	}
	return []string{s.resources[0].Name}, nil
}

// requestedScopes are those of the scopes that a client wants which the resources
// have; all of them where it wants none. What is about the sign-in itself has no
// meaning here.
func (s *Server) requestedScopes(resources []string, scope string) ([]string, error) {
	if len(scope) > maxScope {
		return nil, refuse("invalid_scope", "the scope is too long")
	}
	var has []string
	for _, name := range resources {
		if found := s.resourceNamed(name); found != nil {
			has = append(has, found.Scopes...)
		}
	}
	slices.Sort(has)
	has = slices.Compact(has)
	wanted := slices.DeleteFunc(strings.Fields(scope), func(w string) bool {
		return slices.Contains([]string{offlineAccess, "openid", "profile", "email"}, w) && !slices.Contains(has, w)
	})
	if len(wanted) == 0 || len(has) == 0 {
		return has, nil
	}
	got := slices.DeleteFunc(has, func(h string) bool { return !slices.Contains(wanted, h) })
	if len(got) == 0 {
		return nil, refuse("invalid_scope", "none of the scopes is one of the resource")
	}
	return got, nil
}

// refuseClient tells a client why it gets no code. Whoever registers can have
// people sent to any place by a request with a mistake in it, so that a place
// nobody has consented to yet is shown and not gone to (RFC 9700, 4.11.2).
func (s *Server) refuseClient(w http.ResponseWriter, r *http.Request, c *client, q *request, err error) {
	if !listens(q.Redirect) && !s.consented(r, c, q) {
		s.showErrorOf(w, err, s.errorTarget(r, q, err))
		return
	}
	redirect(w, s.errorTarget(r, q, err))
}

// errorTarget is where a client is told of an error.
func (s *Server) errorTarget(r *http.Request, q *request, err error) string {
	e, ok := errors.AsType[*oauthError](err)
	if !ok {
		e = broken(err)
	}
	if e.cause != nil {
		s.log.WarnContext(r.Context(), "authorization server", "path", r.URL.Path, "error", e.Error())
	}
	values := url.Values{"error": {e.code}}
	if e.description != "" {
		values.Set("error_description", e.description)
	}
	return s.clientTarget(q, values)
}

// clientTarget is the redirect URI with the parameters of a response, which names
// its issuer (RFC 9207).
func (s *Server) clientTarget(q *request, values url.Values) string {
	values.Set("iss", s.issuer)
	if q.State != "" {
		values.Set("state", q.State)
	}
	return addParameters(q.Redirect, values)
}

// redirect sends the browser on with GET, whatever it came with.
func redirect(w http.ResponseWriter, target string) {
	// Not http.Redirect: that rewrites targets, and ours are as clients wrote them.
	w.Header().Set("Location", target)
	w.WriteHeader(http.StatusSeeOther)
}

// random is text that nobody can guess: 256 bits.
func random() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

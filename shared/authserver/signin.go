package authserver

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// signInTime is how long the user may take at the provider.
const signInTime = 15 * time.Minute

// signingIn is what is sealed into a cookie while the user is at the provider. The
// state that the provider brings back is not in it: it is what the cookie opens
// with, so that a response is good in the browser it was asked for in, and there
// alone (RFC 9700, 4.7).
type signingIn struct {
	request
	Nonce    string `json:"n"`
	Verifier string `json:"v"` // of PKCE towards the provider
	Expires  int64  `json:"e"`
}

// signIn begins a sign-in at the provider and returns where the browser has to go.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request, q *request) (string, error) {
	meta, err := s.provider.metadata(r.Context())
	if err != nil {
		return "", unavailable(err)
	}
	state := random()
	in := signingIn{request: *q, Nonce: random(), Verifier: random(), Expires: s.in(signInTime)}
	value := sealed(s.seals.signIn, in, s.issuer+" "+state)
	if len(value) > maxCookie {
		return "", refuse("invalid_request", "the redirect_uri, the state and the scope are too long together")
	}
	s.forgetSignIns(w, r)
	s.setCookie(w, cookieSignIn+state[:16], value, signInTime)
	return addParameters(meta.AuthorizationEndpoint, url.Values{
		"response_type": {"code"}, "client_id": {s.provider.clientID}, "redirect_uri": {s.issuer + pathCallback},
		"scope": {strings.Join(s.provider.scopes, " ")}, "state": {state}, "nonce": {in.Nonce},
		"code_challenge": {challengeOf(in.Verifier)}, "code_challenge_method": {"S256"},
	}), nil
}

// serveCallback takes the response of the provider.
func (s *Server) serveCallback(w http.ResponseWriter, r *http.Request) {
	p, err := parse(r.URL.RawQuery)
	if err != nil || len(r.URL.RawQuery) > maxQuery {
		s.showError(w, r, refuse("invalid_request", "the response of the sign-in cannot be read"))
		return
	}
	state := p.get("state")
	var in signingIn
	if len(state) != 43 || !s.unseal(s.seals.signIn, s.cookie(r, cookieSignIn+state[:16]), s.issuer+" "+state, &in) {
		s.showError(w, r, refuse("invalid_request", "this sign-in was not begun in this browser, or has ended already"))
		return
	}
	s.setCookie(w, cookieSignIn+state[:16], "", -time.Second) // once
	if s.expired(in.Expires) {
		s.showError(w, r, refuse("invalid_request", "the sign-in took too long; begin anew in the application"))
		return
	}
	code, err := s.finish(r, p, &in)
	if err != nil {
		redirect(w, s.errorTarget(r, &in.request, err))
		return
	}
	redirect(w, s.clientTarget(&in.request, url.Values{"code": {code}}))
}

// finish makes our code of the one of the provider.
func (s *Server) finish(r *http.Request, p parameters, in *signingIn) (string, error) {
	ctx := r.Context()
	meta, err := s.provider.metadata(ctx)
	if err != nil {
		return "", unavailable(err)
	}
	// Before anything else of the response is believed (RFC 9207, 2.4).
	if iss := p.get("iss"); iss != s.provider.issuer && (iss != "" || meta.IssParameter) {
		return "", broken(fmt.Errorf("the response of a sign-in says it is of %.200q, and the provider is %q", iss, s.provider.issuer))
	}
	if refused := p.get("error"); refused != "" {
		if refused == "access_denied" {
			return "", refuse("access_denied", "the user was not signed in")
		}
		return "", broken(fmt.Errorf("the provider did not sign a user in: %.80q %.200q", refused, p.get("error_description")))
	}
	if p.get("code") == "" {
		return "", broken(errors.New("the response of the provider has no code"))
	}
	who, err := s.provider.exchange(ctx, p.get("code"), in.Verifier, in.Nonce, s.issuer+pathCallback)
	if err != nil {
		if refused, ok := errors.AsType[*providerError](err); ok && refused.down {
			return "", unavailable(err)
		}
		return "", broken(err)
	}
	return s.newCode(ctx, in, s.newSession(who))
}

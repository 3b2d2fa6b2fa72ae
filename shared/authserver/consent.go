package authserver

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// consentTime is how long a consent page may be looked at.
const consentTime = 15 * time.Minute

// asked is what is sealed into a consent page.
type asked struct {
	request
	Key     string `json:"k"` // of the consent
	Browser string `json:"b"` // the digest of the browser's cookie
	Expires int64  `json:"e"`
}

// consented reports whether the user need not be asked. Applications on the user's
// machine are asked about each time: whoever they say they are, another one can say
// so too (RFC 8252, 8.6).
func (s *Server) consented(r *http.Request, c *client, q *request) bool {
	return !machine(q.Redirect) && slices.Contains(s.remembered(r).Digests, consentKey(c, q))
}

// showConsent asks the user. The provider knows one client, the gateway: that a
// user has consented to that one must not do for whoever comes along (2025-11-25,
// basic/security_best_practices, confused deputy).
func (s *Server) showConsent(w http.ResponseWriter, r *http.Request, c *client, q *request) {
	browser := s.cookie(r, cookieBrowser)
	if len(browser) < 43 {
		browser = random()
		s.setCookie(w, cookieBrowser, browser, 0)
	}
	a := asked{request: *q, Key: consentKey(c, q), Browser: digest(browser), Expires: s.in(consentTime)}
	p := consentPage{
		Name: c.name, Host: c.host, Machine: machine(q.Redirect), Redirect: q.Redirect, Scopes: q.Scopes,
		Action: s.issuer + pathConsent, Request: sealed(s.seals.request, a, s.issuer),
	}
	if u, err := url.Parse(q.Redirect); err == nil {
		p.Target = u.Host
		if p.Machine && u.Scheme != "http" {
			p.Target = u.Scheme + ":"
		}
	}
	for _, name := range q.Resources {
		if found := s.resourceNamed(name); found != nil {
			p.Resources = append(p.Resources, *found)
		}
	}
	s.show(w, http.StatusOK, pages.consent, p)
}

// serveConsent takes the answer.
func (s *Server) serveConsent(w http.ResponseWriter, r *http.Request) {
	p, err := readForm(w, r)
	if err != nil {
		s.showError(w, r, err)
		return
	}
	// Browsers say where a form stands; what is no browser needs the cookie all the same.
	if origin := r.Header.Get("Origin"); origin != "" && origin != s.origin {
		s.showError(w, r, &oauthError{status: http.StatusForbidden, code: "access_denied", description: "the form is of another site"})
		return
	}
	var a asked
	if !s.unseal(s.seals.request, p.get("request"), s.issuer, &a) || s.expired(a.Expires) {
		s.showError(w, r, refuse("invalid_request", "the page was open for too long; begin anew in the application"))
		return
	}
	browser := digest(s.cookie(r, cookieBrowser))
	if subtle.ConstantTimeCompare([]byte(browser), []byte(a.Browser)) != 1 {
		s.showError(w, r, &oauthError{status: http.StatusForbidden, code: "access_denied", description: "the page was shown in another browser, or cookies are off"})
		return
	}
	if p.get("answer") != "allow" {
		refused := refuse("access_denied", "the user has refused")
		if target := s.errorTarget(r, &a.request, refused); listens(a.Redirect) {
			s.leave(w, target)
		} else { // whom the user does not trust does not get them sent there either
			s.showErrorOf(w, refused, target)
		}
		return
	}
	target, err := s.signIn(w, r, &a.request)
	if err != nil {
		s.leave(w, s.errorTarget(r, &a.request, err))
		return
	}
	if !machine(a.Redirect) {
		s.remember(w, r, a.Key)
	}
	s.leave(w, target)
}

// leave sends the browser on after a form. Not by a redirect: browsers hold those
// against the form-action of the page, and the way goes through sites that nobody
// can list.
func (s *Server) leave(w http.ResponseWriter, target string) {
	s.show(w, http.StatusOK, pages.leave, leavePage{Target: target})
}

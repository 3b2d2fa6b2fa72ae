package authserver

import (
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// Names of cookies, after the prefix.
const (
	cookieBrowser = "browser" // ties a consent page to the browser that it was shown in
	cookieConsent = "consent" // what the user has consented to
	cookieSignIn  = "sign-in-"
)

const (
	maxCookie = 3800 // bytes of a value; browsers take 4096 with the name
	// maxSignIns is how many sign-ins a browser may have begun; more are forgotten,
	// so that a page which begins one after the other does not fill its requests.
	maxSignIns = 8
	// maxConsents is how many clients are remembered, the latest.
	maxConsents     = 32
	consentLifetime = 90 * 24 * time.Hour
)

// cookieName is the whole name. With the prefix browsers keep other hosts of the
// same domain from setting it; it asks for https.
func (s *Server) cookieName(name string) string {
	if s.secure {
		return "__Host-toolgate-" + name
	}
	return "toolgate-" + name
}

// setCookie sets a cookie for so long; zero is as long as the browser runs, and
// less removes it. It comes along when the provider sends the browser back, and so
// is not strict.
func (s *Server) setCookie(w http.ResponseWriter, name, value string, age time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: s.cookieName(name), Value: value, Path: "/", Secure: s.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		MaxAge: int(age / time.Second),
	})
}

// cookie is the value of a cookie; empty when it is not there.
func (s *Server) cookie(r *http.Request, name string) string {
	c, err := r.Cookie(s.cookieName(name))
	if err != nil {
		return ""
	}
	return c.Value
}

// forgetSignIns removes the sign-ins of a browser that has too many.
func (s *Server) forgetSignIns(w http.ResponseWriter, r *http.Request) {
	prefix, begun := s.cookieName(cookieSignIn), []string(nil)
	for _, c := range r.Cookies() {
		if name, ok := strings.CutPrefix(c.Name, prefix); ok {
			begun = append(begun, name)
		}
	}
	if len(begun) < maxSignIns {
		return
	}
	for _, name := range begun {
		s.setCookie(w, cookieSignIn+name, "", -time.Second)
	}
}

// consents are what the user of a browser has consented to: digests of client,
// redirect URI, resource and scopes.
type consents struct {
	Digests []string `json:"d"`
	Expires int64    `json:"e"`
}

// consentKey is what is remembered of a request. A client that comes with another
// redirect URI, or wants more, is asked about again.
func consentKey(c *client, q *request) string {
	return digest(c.id, q.Redirect, strings.Join(q.Resources, " "), strings.Join(q.Scopes, " "))[:22]
}

// remembered are the consents of a browser.
func (s *Server) remembered(r *http.Request) consents {
	var list consents
	plain, err := s.seals.consent.Open(s.cookie(r, cookieConsent), []byte(s.issuer))
	if err != nil || json.Unmarshal(plain, &list) != nil || s.expired(list.Expires) {
		return consents{}
	}
	return list
}

// remember adds a consent.
func (s *Server) remember(w http.ResponseWriter, r *http.Request, key string) {
	list := s.remembered(r)
	list.Digests = append(list.Digests, key)
	list.Digests = list.Digests[max(0, len(list.Digests)-maxConsents):]
	list.Expires = s.in(consentLifetime)
	s.setCookie(w, cookieConsent, sealed(s.seals.consent, list, s.issuer), consentLifetime)
}

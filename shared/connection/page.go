package connection

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"toolgate/shared/state"

	"github.com/go-json-experiment/json"
)

// Path is the path of the pages, below the gateway's URL.
const Path = "/connections/"

// callback is the id that stands for none: the redirect URI of a provider is
// /connections/{provider}/callback. Each has one of its own, so that the answer of
// one is not taken for that of another (RFC 9700, 4.4).
const callback = "callback"

const (
	ticketLife = 10 * time.Minute
	// signInLife is how long a person may take at the provider.
	signInLife = 10 * time.Minute
	// cookieName holds what ties the answer of the provider to the browser that
	// asked. With https it has the prefix that keeps other hosts from setting it.
	cookieName = "toolgate-connection"
	maxText    = 8 << 10 // of a ticket, a state or a code, in bytes
)

// ticket lets its bearer make one connection, once.
type ticket struct {
	Provider   string    `json:"provider"`
	ID         string    `json:"id"`
	Identities []string  `json:"identities,omitzero"`
	Scopes     []string  `json:"scopes,omitzero"` // of a provider that is discovered; nil: those that are found
	Nonce      string    `json:"nonce"`
	Expires    time.Time `json:"expires"`
}

// signIn is what travels to the provider and back.
type signIn struct {
	ticket
	Verifier string `json:"verifier"` // of PKCE (RFC 7636)
	Browser  string `json:"browser"`  // the hash of the cookie
	// Of a provider that was discovered, as [Authorization] has them.
	Issuer      string   `json:"issuer,omitzero"`
	NamesItself bool     `json:"namesItself,omitzero"`
	Resource    string   `json:"resource,omitzero"`
	Asked       []string `json:"asked,omitzero"`
}

// Ticket makes a link under which a connection is made: below the URL of the
// gateway, once, within ten minutes. Whoever opens it decides whose access is given.
// Scopes are those to ask for at a provider that is discovered.
func (k *Keeper) Ticket(provider, id string, identities, scopes []string) (path string, err error) {
	if k.provider(provider) == nil {
		return "", fmt.Errorf("provider %q: %w", provider, errNoProvider)
	}
	if err := CheckID(id); err != nil {
		return "", err
	}
	t := ticket{Provider: provider, ID: id, Identities: identities, Scopes: scopes, Nonce: random(), Expires: k.Now().Add(ticketLife)}
	text, err := json.Marshal(t)
	if err != nil {
		return "", fmt.Errorf("making a ticket: %w", err)
	}
	return Path + provider + "/" + url.PathEscape(id) + "?ticket=" + k.tickets.Seal(text, nil), nil
}

// random is a text that nobody guesses.
func random() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// refusal is what a person is told, and with which status.
type refusal struct {
	status int
	text   string
	cause  error // for the log; may be nil
}

func (r *refusal) Error() string { return r.text }
func (r *refusal) Unwrap() error { return r.cause }

var (
	errNothing = &refusal{http.StatusNotFound, "There is nothing here.", nil}
	errTicket  = &refusal{http.StatusForbidden, "This link is not valid, or not any more: ask for a new one.", nil}
	errSignIn  = &refusal{http.StatusForbidden, "This sign-in was not begun in this browser, or took too long: open the link again, or ask for a new one.", nil}
)

// Serve serves the pages: /connections/{provider}/{id} asks for consent, and
// /connections/{provider}/callback is where the provider leads back to. It returns
// what is for the log.
func (k *Keeper) Serve(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", policyOf("'none'"))
	name, id, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, Path), "/")
	p := k.provider(name)
	var err error
	switch {
	case p == nil || id == "" || strings.Contains(id, "/"):
		err = errNothing
	case id == document && r.Method == http.MethodGet:
		err = k.serveDocument(w, r, p)
	case id == callback && r.Method == http.MethodGet:
		err = k.complete(w, r, p)
	case id != callback && r.Method == http.MethodGet:
		err = k.ask(w, r, p, id)
	case id != callback && r.Method == http.MethodPost:
		err = k.begin(w, r, p, id)
	default:
		h.Set("Allow", "GET, POST")
		err = &refusal{http.StatusMethodNotAllowed, "This page takes GET and POST.", nil}
	}
	if err == nil {
		return nil
	}
	told, ok := errors.AsType[*refusal](err)
	if !ok {
		told = &refusal{http.StatusBadGateway, "The connection could not be made. The log of the gateway says why.", err}
	}
	page(w, told.status, "Not connected", "<p>"+html.EscapeString(told.text)+"</p>")
	return cmp.Or(told.cause, err)
}

// policyOf is a content security policy under which forms go only there.
func policyOf(forms string) string {
	return "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action " + forms
}

// page writes a page. The body is HTML.
func page(w http.ResponseWriter, status int, title, body string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>%[1]s</title></head>\n<body><h1>%[1]s</h1>\n%[2]s\n</body></html>\n", html.EscapeString(title), body) // the browser has gone
}

// open reads a ticket for a page. It is not used up.
func (k *Keeper) open(text string, p *Provider, id string) (*ticket, error) {
	var t ticket
	if len(text) > maxText {
		return nil, errTicket
	}
	plain, err := k.tickets.Open(text, nil)
	if err != nil || json.Unmarshal(plain, &t) != nil || t.Provider != p.Name || t.ID != id || !t.Expires.After(k.Now()) {
		return nil, errTicket
	}
	return &t, nil
}

// ask shows who would get access to what.
func (k *Keeper) ask(w http.ResponseWriter, r *http.Request, p *Provider, id string) error {
	text := r.URL.Query().Get("ticket")
	t, err := k.open(text, p, id)
	if err != nil {
		return err
	}
	at, err := k.authorization(r, p, t.Scopes)
	if err != nil {
		return err
	}
	to, err := url.Parse(at.URL)
	if err != nil {
		return fmt.Errorf("the authorization URL of %s: %w", p.Name, err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "<p>This gateway will get access to your account at <strong>%s</strong>, and keep it as the connection <strong>%s</strong>.</p>\n", html.EscapeString(to.Host), html.EscapeString(t.Provider+"/"+t.ID))
	if len(at.Scopes) > 0 {
		fmt.Fprintf(&b, "<p>It asks for: %s</p>\n", html.EscapeString(strings.Join(at.Scopes, ", ")))
	}
	if at.Resource != "" {
		fmt.Fprintf(&b, "<p>The access is to: %s</p>\n", html.EscapeString(at.Resource))
	}
	if len(t.Identities) > 0 {
		fmt.Fprintf(&b, "<p>It may be used by: %s</p>\n", html.EscapeString(strings.Join(t.Identities, ", ")))
	} else {
		b.WriteString("<p>It may be used by every call whose policies ask for it.</p>\n")
	}
	fmt.Fprintf(&b, `<form method="post"><input type="hidden" name="ticket" value="%s"><button>Continue to %s</button></form>`, html.EscapeString(text), html.EscapeString(to.Host))
	// Browsers hold the redirect behind a form against form-action as well.
	w.Header().Set("Content-Security-Policy", policyOf("'self' "+to.Scheme+"://"+to.Host))
	page(w, http.StatusOK, "Connect "+p.Name, b.String())
	return nil
}

// once reports whether something is done for the first time, over all instances.
func (k *Keeper) once(ctx context.Context, what, nonce string, until time.Time) (bool, error) {
	digest := sha256.Sum256([]byte(what + "\x00" + nonce))
	_, err := k.Store.Put(ctx, state.Key{Space: "connonce", ID: hex.EncodeToString(digest[:])},
		state.Record{Data: []byte(what), Version: state.MustNotExist, Expires: until.Add(time.Hour)})
	if errors.Is(err, state.ErrConflict) {
		return false, nil
	}
	return err == nil, err
}

// begin uses the ticket up, and leads to the provider.
func (k *Keeper) begin(w http.ResponseWriter, r *http.Request, p *Provider, id string) error {
	r.Body = http.MaxBytesReader(w, r.Body, 2*maxText)
	if err := r.ParseForm(); err != nil {
		return errTicket
	}
	t, err := k.open(r.PostForm.Get("ticket"), p, id)
	if err != nil {
		return err
	}
	// Before the ticket is used up: what is found may be out of reach for a moment.
	at, err := k.authorization(r, p, t.Scopes)
	if err != nil {
		return err
	}
	first, err := k.once(r.Context(), "ticket", t.Nonce, t.Expires)
	if err != nil {
		return fmt.Errorf("using up a ticket: %w", err)
	}
	if !first {
		return errTicket
	}
	s := signIn{ticket: *t, Verifier: random(), Issuer: at.Issuer, NamesItself: at.NamesItself, Resource: at.Resource, Asked: at.Scopes}
	browser := random()
	target, err := k.target(r, p, at, &s, browser)
	if err != nil {
		return err
	}
	http.SetCookie(w, k.cookie(browser, int(signInLife.Seconds())))
	w.Header().Set("Content-Security-Policy", policyOf("'self' "+target.Scheme+"://"+target.Host))
	w.Header().Set("Location", target.String())
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// target is where the browser is sent, to come back with the state.
func (k *Keeper) target(r *http.Request, p *Provider, at *Authorization, s *signIn, browser string) (*url.URL, error) {
	digest := sha256.Sum256([]byte(browser))
	s.Browser, s.Nonce, s.Expires = hex.EncodeToString(digest[:]), random(), k.Now().Add(signInLife)
	text, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("making the state: %w", err)
	}
	target, err := url.Parse(at.URL)
	if err != nil {
		return nil, fmt.Errorf("the authorization URL of %s: %w", p.Name, err)
	}
	challenge := sha256.Sum256([]byte(s.Verifier))
	q := target.Query()
	for name, value := range map[string]string{
		"response_type": "code", "client_id": at.ClientID, "redirect_uri": k.redirectURI(r, p),
		"scope": strings.Join(at.Scopes, " "), "state": k.states.Seal(text, nil), "resource": at.Resource,
		"code_challenge": base64.RawURLEncoding.EncodeToString(challenge[:]), "code_challenge_method": "S256",
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	target.RawQuery = q.Encode()
	return target, nil
}

// cookie ties a sign-in to a browser. It has to come along when the provider leads
// back, which is a navigation from another site. An age below 0 removes it.
func (k *Keeper) cookie(value string, age int) *http.Cookie {
	c := &http.Cookie{Name: cookieName, Value: value, Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if strings.HasPrefix(k.PublicURL, "https:") {
		c.Name, c.Secure = "__Host-"+cookieName, true
	}
	return c
}

// redirectURI is where a provider leads back to.
func (k *Keeper) redirectURI(r *http.Request, p *Provider) string {
	return cmp.Or(k.PublicURL, "http://"+r.Host) + Path + p.Name + "/" + callback
}

// complete takes the answer of the provider.
func (k *Keeper) complete(w http.ResponseWriter, r *http.Request, p *Provider) error {
	q := r.URL.Query()
	s, err := k.signIn(r, q, p)
	if err != nil {
		return err
	}
	http.SetCookie(w, k.cookie("", -1))
	first, err := k.once(r.Context(), "state", s.Nonce, s.Expires)
	if err != nil {
		return fmt.Errorf("using up a state: %w", err)
	}
	if !first {
		return errSignIn
	}
	if err := s.checkIssuer(q); err != nil {
		return err
	}
	code := q.Get("code")
	if refused := q.Get("error"); refused != "" || code == "" || len(code) > maxText {
		text := "The provider gave no access."
		if slices.Contains([]string{"access_denied", "invalid_scope", "server_error", "temporarily_unavailable", "unauthorized_client"}, refused) {
			text = "The provider gave no access: " + refused + "."
		}
		return &refusal{http.StatusForbidden, text, fmt.Errorf("provider %s: error %.40q", p.Name, refused)}
	}
	rec := s.record(p)
	rec.Created, rec.RedirectURI = k.Now().UTC().Truncate(time.Second), k.redirectURI(r, p)
	token, err := p.grant(r.Context(), rec, url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {rec.RedirectURI}, "code_verifier": {s.Verifier},
	})
	if err != nil {
		return fmt.Errorf("provider %s: %w", p.Name, err)
	}
	rec.take(token)
	if err := k.save(r.Context(), rec); err != nil {
		return err
	}
	page(w, http.StatusOK, "Connected", "<p>"+html.EscapeString(p.Name+"/"+s.ID)+" is connected. You can close this page.</p>")
	return nil
}

// record is the connection that a sign-in makes, without its tokens.
func (s *signIn) record(p *Provider) *record {
	asked := p.Scopes
	if p.Discovered != nil {
		asked = s.Asked
	}
	return &record{
		Connection: Connection{Provider: p.Name, ID: s.ID, Identities: s.Identities, Scope: strings.Join(asked, " ")},
		Issuer:     s.Issuer, Resource: s.Resource,
	}
}

// signIn opens the state that came back, in the browser that it was made for.
func (k *Keeper) signIn(r *http.Request, q url.Values, p *Provider) (*signIn, error) {
	var s signIn
	text := q.Get("state")
	if len(text) > maxText || len(q["state"]) != 1 {
		return nil, errSignIn
	}
	plain, err := k.states.Open(text, nil)
	if err != nil || json.Unmarshal(plain, &s) != nil || s.Provider != p.Name || !s.Expires.After(k.Now()) {
		return nil, errSignIn
	}
	cookie, err := r.Cookie(k.cookie("", 0).Name)
	if err != nil {
		return nil, errSignIn
	}
	digest := sha256.Sum256([]byte(cookie.Value))
	if subtle.ConstantTimeCompare([]byte(hex.EncodeToString(digest[:])), []byte(s.Browser)) != 1 {
		return nil, errSignIn
	}
	return &s, nil
}

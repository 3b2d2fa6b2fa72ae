package credential

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	// defaultLife is that of a token whose answer does not say (RFC 6749, 5.1).
	defaultLife = 5 * time.Minute
	maxLife     = 366 * 24 * time.Hour
	// maxDetail bounds what an error takes from an answer, in bytes.
	maxDetail = 300
)

// ClientOptions describe the gateway as a client of an authorization server.
type ClientOptions struct {
	// TokenURL is the token endpoint; empty: it is found in the metadata of Issuer.
	TokenURL, Issuer string
	ID, Secret       string
	// Basic sends the secret as HTTP Basic, rather than in the form.
	Basic bool
	// Assertion makes what stands for the secret (RFC 7523, 2.2); nil: the secret
	// does.
	Assertion func(ctx context.Context) (string, error)
	// Transport carries the requests; nil is one of our own.
	Transport http.RoundTripper
	Now       func() time.Time // nil: time.Now
}

// Client gets tokens of an authorization server. It is safe for concurrent use.
type Client struct {
	ClientOptions
	http     http.Client
	endpoint atomic.Pointer[string] // that was found by Issuer
}

// NewClient makes a client. It asks nothing yet.
func NewClient(o ClientOptions) *Client {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Transport == nil {
		o.Transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 2,
			IdleConnTimeout: 30 * time.Second, TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		}
	}
	c := &Client{ClientOptions: o}
	c.http = http.Client{
		Transport: o.Transport,
		// What is sent is for the endpoint alone.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c
}

// Error says why there is no token. Its text has no secret.
type Error struct {
	Doing  string
	Status int    // of the answer; 0 for none
	Code   string // of the answer, such as invalid_client; empty for none
	Err    error

	public string // what a caller is told; empty: nothing in particular
}

// Error is for the log.
func (e *Error) Error() string { return e.Doing + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Public is what a caller is told.
func (e *Error) Public() string {
	if e.public != "" {
		return e.public
	}
	return "The gateway could not obtain its credentials for the backend."
}

// advice says what to do about an error of a token endpoint (RFC 6749, 5.2).
var advice = map[string]string{
	"invalid_client":         "compare clientId and clientSecret with those of the application, and look whether the secret has expired",
	"unauthorized_client":    "allow this grant for the application at the provider",
	"unsupported_grant_type": "the provider does not know this grant",
	"invalid_scope":          "correct the scope: for client credentials Microsoft Entra wants the one that ends in /.default",
	"invalid_target":         "correct the audience",
	"invalid_grant":          "what was shown has expired, was revoked, or is not for this application",
	"interaction_required":   "the user has to consent, or an administrator for all users",
	"consent_required":       "the user has to consent, or an administrator for all users",
}

// Grant asks for a token. The form says what for; who asks is added to it.
func (c *Client) Grant(ctx context.Context, form url.Values) (Token, error) {
	endpoint, err := c.tokenURL(ctx)
	if err != nil {
		return Token{}, &Error{Doing: "finding the token endpoint of " + c.Issuer, Err: err}
	}
	place, _ := url.Parse(endpoint)
	if place == nil {
		return Token{}, &Error{Doing: "getting an access token", Err: errors.New("the token endpoint has no URL")}
	}
	failed := &Error{Doing: "getting an access token of " + place.Host}
	form, secrets, err := c.authenticated(ctx, form)
	if err != nil {
		failed.Err = err
		return Token{}, failed
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		failed.Err = errors.New("the token endpoint has no URL")
		return Token{}, failed
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if c.Basic && c.Assertion == nil {
		req.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.Secret)) // RFC 6749, 2.3.1
	}
	answer, err := c.ask(req)
	failed.Status = answer.Status
	if err != nil {
		failed.Err = err
		return Token{}, failed
	}
	token, err := c.read(answer.Status, answer.Body, failed, secrets)
	if err != nil {
		failed.Err = err
		return Token{}, failed
	}
	return token, nil
}

// authenticated is the form with who asks, and what of it no error may quote.
func (c *Client) authenticated(ctx context.Context, form url.Values) (out url.Values, secrets []string, err error) {
	out = url.Values{}
	for name, values := range form {
		out[name] = values
		switch name {
		case "assertion", "subject_token", "code", "code_verifier", "refresh_token":
			secrets = append(secrets, values...)
		}
	}
	switch {
	case c.Assertion != nil:
		assertion, err := c.Assertion(ctx)
		if err != nil {
			return nil, nil, fmt.Errorf("making the client's assertion: %w", err)
		}
		out.Set("client_id", c.ID)
		out.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		out.Set("client_assertion", assertion)
		secrets = append(secrets, assertion)
	case !c.Basic:
		out.Set("client_id", c.ID)
		if c.Secret != "" { // otherwise a public client (RFC 6749, 2.1)
			out.Set("client_secret", c.Secret)
		}
	}
	if c.Secret != "" {
		secrets = append(secrets, c.Secret)
	}
	return out, secrets, nil
}

// ask sends a request. Providers that heed no Accept may answer with a form.
func (c *Client) ask(req *http.Request) (Answer, error) {
	answer, err := Ask(&c.http, req)
	if answer.MediaType == "application/x-www-form-urlencoded" {
		answer.Body = formAsJSON(answer.Body)
	}
	return answer, err
}

// formAsJSON is a form as an object of texts; nil for what is no form.
func formAsJSON(body []byte) []byte {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil
	}
	object := map[string]string{}
	for name := range form {
		object[name] = form.Get(name)
	}
	text, err := json.Marshal(object)
	if err != nil {
		return nil
	}
	return text
}

// read reads the answer of a token endpoint (RFC 6749, 5). It puts the code of an
// error into failed.
func (c *Client) read(status int, body []byte, failed *Error, secrets []string) (Token, error) {
	var answer struct {
		AccessToken  string         `json:"access_token"`
		TokenType    string         `json:"token_type"`
		ExpiresIn    jsontext.Value `json:"expires_in"`
		RefreshToken string         `json:"refresh_token"`
		Scope        string         `json:"scope"`
		Error        string         `json:"error"`
		Description  string         `json:"error_description"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return Token{}, fmt.Errorf("status %d, with a body that is no answer of a token endpoint (RFC 6749)", status)
	}
	if status != http.StatusOK || answer.Error != "" {
		failed.Code = answer.Error
		return Token{}, refusal(status, answer.Error, answer.Description, secrets)
	}
	switch {
	case answer.AccessToken == "":
		return Token{}, errors.New("the answer has no access_token")
	case answer.TokenType != "" && !strings.EqualFold(answer.TokenType, "bearer"):
		return Token{}, errors.New("the token is of a type that is not Bearer")
	case strings.ContainsFunc(answer.AccessToken, func(r rune) bool { return r <= ' ' || r > '~' }):
		return Token{}, errors.New("the access_token cannot be sent in a header")
	}
	token := Token{Text: answer.AccessToken, Refresh: answer.RefreshToken, Scope: answer.Scope}
	life := defaultLife
	token.Assumed = true
	if seconds, err := strconv.ParseFloat(strings.Trim(string(answer.ExpiresIn), `"`), 64); err == nil && seconds > 0 {
		life = time.Duration(min(seconds, maxLife.Seconds()) * float64(time.Second))
		token.Assumed = false
	}
	token.Expires = c.Now().Add(life)
	return token, nil
}

// refusal is an error with what to do about it. What the provider says is cut,
// and without the secrets that it may quote.
func refusal(status int, code, description string, secrets []string) error {
	text := code
	if description != "" {
		text = strings.TrimSpace(code + ": " + description)
	}
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "…")
		}
	}
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
	if len(text) > maxDetail {
		text = strings.ToValidUTF8(text[:maxDetail], "") + "…"
	}
	if text == "" {
		return fmt.Errorf("the token endpoint answered status %d", status)
	}
	if what := advice[code]; what != "" {
		return fmt.Errorf("the token endpoint answered status %d, %s (%s)", status, text, what)
	}
	return fmt.Errorf("the token endpoint answered status %d, %s", status, text)
}

// tokenURL is the token endpoint. The one that an issuer names is kept for good.
func (c *Client) tokenURL(ctx context.Context) (string, error) {
	if c.TokenURL != "" {
		return c.TokenURL, nil
	}
	if found := c.endpoint.Load(); found != nil {
		return *found, nil
	}
	var errs []error
	for _, place := range metadataURLs(c.Issuer) {
		found, err := c.metadata(ctx, place)
		if err == nil {
			c.endpoint.Store(&found)
			return found, nil
		}
		errs = append(errs, err)
	}
	return "", errors.Join(errs...)
}

// metadataURLs are where the metadata of an issuer is (OpenID Connect Discovery
// 1.0, 4; RFC 8414, 3).
func metadataURLs(issuer string) []string {
	issuer = strings.TrimRight(issuer, "/")
	places := []string{issuer + "/.well-known/openid-configuration"}
	if u, err := url.Parse(issuer); err == nil {
		places = append(places, u.Scheme+"://"+u.Host+"/.well-known/oauth-authorization-server"+u.EscapedPath())
	}
	return places
}

// metadata reads the token endpoint from metadata.
func (c *Client) metadata(ctx context.Context, place string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, place, http.NoBody)
	if err != nil {
		return "", err
	}
	answer, err := c.ask(req)
	if err != nil {
		return "", fmt.Errorf("%s: %w", place, err)
	}
	var metadata struct {
		Issuer        string `json:"issuer"`
		TokenEndpoint string `json:"token_endpoint"`
	}
	if answer.Status != http.StatusOK || json.Unmarshal(answer.Body, &metadata) != nil {
		return "", fmt.Errorf("%s answered status %d, and no metadata", place, answer.Status)
	}
	if strings.TrimRight(metadata.Issuer, "/") != strings.TrimRight(c.Issuer, "/") {
		return "", fmt.Errorf("%s is the metadata of another issuer, %q", place, metadata.Issuer)
	}
	if !secure(metadata.TokenEndpoint, c.Issuer) {
		return "", fmt.Errorf("%s names no https token endpoint", place)
	}
	return metadata.TokenEndpoint, nil
}

// secure tells whether secrets may be sent to an endpoint that an issuer names:
// it is https, or both are on this machine.
func secure(endpoint, issuer string) bool {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.User != nil {
		return false
	}
	i, err := url.Parse(issuer)
	return u.Scheme == "https" || err == nil && u.Scheme == "http" && loopback(u) && loopback(i)
}

func loopback(u *url.URL) bool {
	a, _ := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || a.IsLoopback()
}

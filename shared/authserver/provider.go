package authserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"toolgate/shared/auth"

	"github.com/go-json-experiment/json"
)

// ProviderOptions say where users sign in.
type ProviderOptions struct {
	// Issuer is the OpenID provider, as its tokens have it in iss: https, or http to
	// a loopback host.
	Issuer string
	// ClientID is the gateway at the provider, where URL + /oauth/callback is
	// registered as its redirect URI.
	ClientID string
	// Secret authenticates the gateway, or Assertion, a JWT (RFC 7523); neither: PKCE
	// alone does.
	Secret    string
	Assertion func(context.Context) (string, error)
	// Scopes are what to ask the provider for. With offline_access, where it has that,
	// each refresh asks it whether the user may still come in.
	Scopes []string
}

const (
	providerTimeout   = 10 * time.Second
	maxProviderAnswer = 512 << 10 // bytes
	// metadataAge is how long the provider's metadata is used, and metadataPause how
	// long after a failure it is asked again.
	metadataAge   = time.Hour
	metadataPause = 2 * time.Second
	providerSkew  = time.Minute
)

// provider is the OpenID provider.
type provider struct {
	issuer, clientID, secret string
	assertion                func(context.Context) (string, error)
	scopes                   []string
	claims                   []string
	client                   http.Client
	validator                *auth.Validator
	now                      func() time.Time
	log                      *slog.Logger

	turn    chan struct{} // held by who reads or writes what follows
	known   *providerMetadata
	asked   time.Time
	failure error // of the last attempt; nil for none
}

// providerMetadata is what we heed of the provider's metadata.
type providerMetadata struct {
	Issuer                string   `json:"issuer"`
	AuthorizationEndpoint string   `json:"authorization_endpoint"`
	TokenEndpoint         string   `json:"token_endpoint"`
	RevocationEndpoint    string   `json:"revocation_endpoint"`
	AuthMethods           []string `json:"token_endpoint_auth_methods_supported"`
	IssParameter          bool     `json:"authorization_response_iss_parameter_supported"`
}

func newProvider(o *Options, now func() time.Time, log *slog.Logger) *provider {
	p := &provider{
		issuer: o.Provider.Issuer, clientID: o.Provider.ClientID, secret: o.Provider.Secret, assertion: o.Provider.Assertion,
		scopes: slices.Clone(o.Provider.Scopes), claims: o.Claims, now: now, log: log, turn: make(chan struct{}, 1),
		validator: auth.New(auth.Options{Transport: o.Transport, Now: now, Log: log}),
	}
	if !slices.Contains(p.scopes, "openid") {
		p.scopes = append([]string{"openid"}, p.scopes...)
	}
	p.client = http.Client{
		Transport: o.Transport, Timeout: providerTimeout,
		// What is sent has the secret in it.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if p.client.Transport == nil {
		p.client.Transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 8, IdleConnTimeout: 30 * time.Second,
			TLSHandshakeTimeout: providerTimeout, MaxResponseHeaderBytes: 64 << 10,
		}
	}
	return p
}

// configuration is the URL of the provider's metadata.
func (p *provider) configuration() string {
	return strings.TrimSuffix(p.issuer, "/") + "/.well-known/openid-configuration"
}

// metadata returns the provider's metadata. What it answered once works on when it
// cannot be reached.
func (p *provider) metadata(ctx context.Context) (*providerMetadata, error) {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	age := p.now().Sub(p.asked)
	switch {
	case p.failure == nil && p.known != nil && age < metadataAge:
		return p.known, nil
	case p.failure != nil && age < metadataPause:
	default:
		// Not for this request alone: what was fetched is good for the next.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), providerTimeout)
		defer cancel()
		fetched, err := p.fetchMetadata(ctx)
		p.asked, p.failure = p.now(), err
		if err == nil {
			p.known = fetched
		}
	}
	if p.known == nil {
		return nil, p.failure
	}
	if p.failure != nil {
		p.log.WarnContext(ctx, "using metadata of the provider that cannot be renewed", "error", p.failure.Error())
	}
	return p.known, nil
}

func (p *provider) fetchMetadata(ctx context.Context) (*providerMetadata, error) {
	place := p.configuration()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, place, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("fetching the metadata of the provider: %w", err)
	}
	req.Header.Set("Accept", "application/json")
	status, body, err := p.do(req)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s answered status %d", place, status)
	}
	if err != nil {
		return nil, fmt.Errorf("fetching the metadata of the provider: %w", err)
	}
	var m providerMetadata
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, fmt.Errorf("reading %s: %w", place, err)
	}
	if m.Issuer != p.issuer { // OpenID Connect Discovery 1.0, 4.3
		return nil, fmt.Errorf("%s is of the issuer %.200q: write that as the issuer, if it is the one that is meant", place, m.Issuer)
	}
	for _, endpoint := range []string{m.AuthorizationEndpoint, m.TokenEndpoint, cmp.Or(m.RevocationEndpoint, m.TokenEndpoint)} {
		if err := p.checkEndpoint(endpoint); err != nil {
			return nil, fmt.Errorf("reading %s: %w", place, err)
		}
	}
	return &m, nil
}

// checkEndpoint wants https; http to this machine for a provider on this machine.
func (p *provider) checkEndpoint(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return fmt.Errorf("%.200q is no URL of an endpoint", text)
	}
	own, err := url.Parse(p.issuer)
	if err == nil && u.Scheme == "http" && loopbackHost(u.Hostname()) && loopbackHost(own.Hostname()) {
		return nil
	}
	if u.Scheme != "https" {
		return fmt.Errorf("the endpoint %.200q is not https", text)
	}
	return nil
}

// do sends a request and reads a bounded answer.
func (p *provider) do(req *http.Request) (status int, body []byte, err error) {
	res, err := p.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err = io.ReadAll(io.LimitReader(res.Body, maxProviderAnswer+1))
	if err == nil && len(body) > maxProviderAnswer {
		err = fmt.Errorf("the answer is longer than %d bytes", maxProviderAnswer)
	}
	return res.StatusCode, body, err
}

// providerError is a request that the provider did not grant.
type providerError struct {
	code  string // invalid_grant and others; empty where there was no answer in that form
	down  bool   // another attempt may do
	cause error
}

// Error is for the log.
func (e *providerError) Error() string { return "asking the provider for tokens: " + e.cause.Error() }

// Unwrap is the cause.
func (e *providerError) Unwrap() error { return e.cause }

// providerTokens is what we heed of an answer with tokens. The access token is for
// nobody and not read.
type providerTokens struct {
	IDToken      string `json:"id_token"`
	RefreshToken string `json:"refresh_token"`
}

// ask asks the token endpoint.
func (p *provider) ask(ctx context.Context, form url.Values) (*providerTokens, error) {
	meta, err := p.metadata(ctx)
	if err != nil {
		return nil, &providerError{down: true, cause: err}
	}
	status, body, err := p.post(ctx, meta, meta.TokenEndpoint, form)
	if err != nil {
		return nil, &providerError{down: true, cause: err}
	}
	if status != http.StatusOK {
		var answer struct {
			Error       string `json:"error"`
			Description string `json:"error_description"`
		}
		_ = json.Unmarshal(body, &answer) // what is no JSON says nothing
		return nil, &providerError{
			code: answer.Error, down: status >= 500 || status == http.StatusTooManyRequests,
			cause: fmt.Errorf("status %d: %.80q %.300q", status, answer.Error, answer.Description),
		}
	}
	var tokens providerTokens
	if err := json.Unmarshal(body, &tokens); err != nil {
		return nil, &providerError{cause: errors.New("the answer is not JSON")} // err may quote it
	}
	return &tokens, nil
}

// post posts a form to an endpoint of the provider, as the gateway.
func (p *provider) post(ctx context.Context, meta *providerMetadata, endpoint string, form url.Values) (status int, body []byte, err error) {
	basic := false
	switch {
	case p.assertion != nil:
		assertion, err := p.assertion(ctx)
		if err != nil {
			return 0, nil, fmt.Errorf("getting an assertion of the managed identity: %w", err)
		}
		form.Set("client_id", p.clientID)
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", assertion)
	case p.secret != "" && slices.Contains(meta.AuthMethods, "client_secret_post"):
		form.Set("client_id", p.clientID)
		form.Set("client_secret", p.secret)
	case p.secret != "":
		basic = true // the default (OpenID Connect Discovery 1.0, 3)
	default:
		form.Set("client_id", p.clientID)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	if basic { // RFC 6749, 2.3.1
		req.SetBasicAuth(url.QueryEscape(p.clientID), url.QueryEscape(p.secret))
	}
	return p.do(req)
}

// exchange exchanges a code of the provider for who has signed in.
func (p *provider) exchange(ctx context.Context, code, verifier, nonce, callback string) (*identity, error) {
	tokens, err := p.ask(ctx, url.Values{
		"grant_type": {grantCode}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier},
	})
	if err != nil {
		return nil, err
	}
	who, err := p.identify(ctx, tokens.IDToken, auth.Claim{Name: "nonce", Values: []string{nonce}})
	if err != nil {
		return nil, err
	}
	who.refresh = tokens.RefreshToken
	return who, nil
}

// renew asks the provider about a user who has signed in before. Not every provider
// says again who it is; then nothing of the session has changed but the token.
func (p *provider) renew(ctx context.Context, old *session) (*session, error) {
	tokens, err := p.ask(ctx, url.Values{"grant_type": {grantRefresh}, "refresh_token": {old.Refresh}})
	if err != nil {
		return nil, err
	}
	renewed := *old
	renewed.Refresh = cmp.Or(tokens.RefreshToken, old.Refresh)
	if tokens.IDToken == "" {
		return &renewed, nil
	}
	who, err := p.identify(ctx, tokens.IDToken)
	if err == nil && who.subject != old.Subject { // OpenID Connect Core 1.0, 12.2
		err = errors.New("the ID token of a refresh is of another user")
	}
	if err != nil {
		return nil, err
	}
	renewed.Claims = who.claims
	return &renewed, nil
}

// revoke lets the provider forget a refresh token, as far as it does that.
func (p *provider) revoke(ctx context.Context, token string) (done bool) {
	meta, err := p.metadata(ctx)
	if token == "" || err != nil || meta.RevocationEndpoint == "" {
		return false
	}
	status, _, err := p.post(ctx, meta, meta.RevocationEndpoint, url.Values{"token": {token}, "token_type_hint": {"refresh_token"}})
	if err != nil || status != http.StatusOK {
		p.log.WarnContext(ctx, "the provider has not revoked a refresh token", "status", status)
		return false
	}
	return true
}

package oauthclient

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"toolgate/shared/connection"
	"toolgate/shared/credential"
	"toolgate/shared/state"

	"github.com/go-json-experiment/json"
)

// The ways in which a client shows who it is (RFC 8414, 2).
const (
	authBasic = "client_secret_basic"
	authPost  = "client_secret_post"
	authNone  = "none"
)

// registration is the gateway as a client of one authorization server. It is good at
// that one alone.
type registration struct {
	ID      string    `json:"id"`
	Secret  string    `json:"secret,omitzero"`
	Method  string    `json:"method"`
	Expires time.Time `json:"expires,omitzero"` // of the secret; zero: it does not
}

// registrationRow is the format of a row.
type registrationRow struct {
	Format int    `json:"format"`
	Sealed string `json:"sealed"`
}

const registrationFormat = 1

// fixed is the registration that needs no request: one that was made by hand, or a
// client ID metadata document; nil for neither.
func (c *Client) fixed(s *server, redirectURI string) *registration {
	if c.o.ClientID != "" {
		method := authNone
		if c.o.Secret != "" {
			method = c.method(s)
		}
		return &registration{ID: c.o.ClientID, Secret: c.o.Secret, Method: method}
	}
	if id := c.document(redirectURI); id != "" && s.TakesDocuments {
		return &registration{ID: id, Method: authNone}
	}
	return nil
}

// document is the URL of the gateway's client ID metadata document; empty for none.
func (c *Client) document(redirectURI string) string {
	if c.o.MetadataURL != "" {
		return c.o.MetadataURL
	}
	base, ok := strings.CutSuffix(redirectURI, "/callback")
	if !ok || !strings.HasPrefix(base, "https://") {
		return "" // no authorization server could read it
	}
	return base + "/" + DocumentName
}

// DocumentName is the last segment of the path of the gateway's own client ID
// metadata document.
const DocumentName = "client-metadata.json"

// method is how a secret is shown to a server.
func (c *Client) method(s *server) string {
	switch c.o.Authentication {
	case "post":
		return authPost
	case "basic":
		return authBasic
	}
	if len(s.TokenAuthMethods) > 0 && !slices.Contains(s.TokenAuthMethods, authBasic) && slices.Contains(s.TokenAuthMethods, authPost) {
		return authPost
	}
	return authBasic // the default (RFC 8414, 2)
}

// metadata is what the gateway says of itself as a client (RFC 7591, 2).
type metadata struct {
	ClientID        string   `json:"client_id,omitzero"`
	ClientName      string   `json:"client_name"`
	RedirectURIs    []string `json:"redirect_uris"`
	GrantTypes      []string `json:"grant_types"`
	ResponseTypes   []string `json:"response_types"`
	TokenAuthMethod string   `json:"token_endpoint_auth_method"`
	ApplicationType string   `json:"application_type"`
}

func (c *Client) metadata(redirectURI, method string) *metadata {
	m := &metadata{
		ClientName: c.o.ClientName, RedirectURIs: []string{redirectURI}, GrantTypes: []string{"authorization_code", "refresh_token"},
		ResponseTypes: []string{"code"}, TokenAuthMethod: method, ApplicationType: "native",
	}
	if strings.HasPrefix(redirectURI, "https:") {
		m.ApplicationType = "web"
	}
	return m
}

// Document is the gateway's client ID metadata document.
func (c *Client) Document(redirectURI string) ([]byte, error) {
	m := c.metadata(redirectURI, authNone)
	if m.ClientID = c.document(redirectURI); m.ClientID == "" || c.o.MetadataURL != "" || c.o.ClientID != "" {
		return nil, errAbsent
	}
	return json.Marshal(m)
}

// register finds the registration at a server, and makes it where there is none and
// making is asked for.
func (c *Client) register(ctx context.Context, s *server, redirectURI string, making bool) (*registration, error) {
	if r := c.fixed(s, redirectURI); r != nil {
		return r, nil
	}
	kept, version, err := c.registered(ctx, s.Issuer, redirectURI)
	if err != nil || kept != nil && (kept.Expires.IsZero() || kept.Expires.After(c.o.Now())) {
		return kept, err
	}
	switch {
	case !making:
		return nil, fmt.Errorf("%s: %w", s.Issuer, connection.ErrUnregistered)
	case s.RegistrationEndpoint == "":
		return nil, fmt.Errorf(`%s registers no clients: register the redirect URI %s there by hand, and give "issuer" and "clientId" under credentials.oauth`, s.Issuer, redirectURI)
	}
	made, err := c.registerAt(ctx, s, redirectURI)
	if err != nil {
		return nil, fmt.Errorf("registering at %s: %w", s.Issuer, err)
	}
	err = c.keep(ctx, s.Issuer, redirectURI, made, version)
	if errors.Is(err, state.ErrConflict) { // another instance was faster: its client is the one
		kept, _, err = c.registered(ctx, s.Issuer, redirectURI)
		if err == nil && kept == nil {
			err = errors.New("the registration was removed meanwhile: try again")
		}
		return kept, err
	}
	return made, err
}

// registerAt registers the gateway (RFC 7591, 3.1).
func (c *Client) registerAt(ctx context.Context, s *server, redirectURI string) (*registration, error) {
	method := authNone
	if len(s.TokenAuthMethods) == 0 || !slices.Contains(s.TokenAuthMethods, authNone) {
		method = c.method(s)
	}
	body, err := json.Marshal(c.metadata(redirectURI, method))
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.RegistrationEndpoint, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the registration endpoint has no URL")
	}
	req.Header.Set("Content-Type", "application/json")
	answer, err := c.ask(req)
	if err != nil {
		return nil, err
	}
	var client struct {
		ClientID      string  `json:"client_id"`
		ClientSecret  string  `json:"client_secret"`
		SecretExpires float64 `json:"client_secret_expires_at"`
		Method        string  `json:"token_endpoint_auth_method"`
		Error         string  `json:"error"`
	}
	if err := json.Unmarshal(answer.Body, &client); err != nil || answer.Status != http.StatusCreated && answer.Status != http.StatusOK || client.ClientID == "" {
		return nil, fmt.Errorf("it answered status %d, %.60q, and no client", answer.Status, client.Error)
	}
	made := &registration{ID: client.ClientID, Secret: client.ClientSecret, Method: cmp.Or(client.Method, method)}
	if client.SecretExpires > 0 && client.SecretExpires < 1<<40 {
		made.Expires = time.Unix(int64(client.SecretExpires), 0)
	}
	switch made.Method {
	case authNone:
		made.Secret = ""
	case authBasic, authPost:
		if made.Secret == "" {
			return nil, fmt.Errorf("it wants %s, and gave no secret", made.Method)
		}
	default:
		return nil, fmt.Errorf("it wants clients to authenticate by %.40q, which the gateway was not registered for", made.Method)
	}
	return made, nil
}

func (c *Client) rowKey(issuer, redirectURI string) state.Key {
	digest := sha256.Sum256([]byte(c.o.Name + "\x00" + issuer + "\x00" + redirectURI))
	return state.Key{Space: "oauthclient", ID: hex.EncodeToString(digest[:])}
}

// registered reads the registration; nil for none, or one that cannot be read.
func (c *Client) registered(ctx context.Context, issuer, redirectURI string) (*registration, string, error) {
	key := c.rowKey(issuer, redirectURI)
	found, err := c.o.Store.Get(ctx, key)
	if errors.Is(err, state.ErrNotFound) {
		return nil, state.MustNotExist, nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("reading the registration at %s: %w", issuer, err)
	}
	return c.opened(key, found.Data), found.Version, nil
}

// opened is the registration in a row; nil for one that cannot be read, such as of
// another sealing key: it is made anew.
func (c *Client) opened(key state.Key, data []byte) *registration {
	var r registrationRow
	if json.Unmarshal(data, &r) != nil || r.Format != registrationFormat {
		return nil
	}
	plain, err := c.sealer.Open(r.Sealed, []byte(key.String()))
	if err != nil {
		return nil
	}
	made := new(registration)
	if json.Unmarshal(plain, made) != nil {
		return nil
	}
	return made
}

// keep writes a registration in place of the version that was read.
func (c *Client) keep(ctx context.Context, issuer, redirectURI string, r *registration, version string) error {
	key := c.rowKey(issuer, redirectURI)
	plain, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("writing the registration at %s: %w", issuer, err)
	}
	data, err := json.Marshal(registrationRow{registrationFormat, c.sealer.Seal(plain, []byte(key.String()))})
	if err == nil {
		_, err = c.o.Store.Put(ctx, key, state.Record{Data: data, Version: version})
	}
	if err != nil {
		return fmt.Errorf("writing the registration at %s: %w", issuer, err)
	}
	return nil
}

// forget removes a registration that the server knows no more.
func (c *Client) forget(ctx context.Context, issuer, redirectURI string) error {
	err := c.o.Store.Delete(ctx, c.rowKey(issuer, redirectURI), state.AnyVersion)
	if err != nil && !errors.Is(err, state.ErrNotFound) {
		return fmt.Errorf("removing the registration at %s: %w", issuer, err)
	}
	return nil
}

// tokens is the client of a token endpoint that a registration makes.
func (c *Client) tokens(s *server, r *registration) *credential.Client {
	o := credential.ClientOptions{
		TokenURL: s.TokenEndpoint, ID: r.ID, Secret: r.Secret, Basic: r.Method == authBasic, Transport: c.o.Transport, Now: c.o.Now,
	}
	if c.o.Assertion != nil {
		o.Assertion = func(ctx context.Context) (string, error) { return c.o.Assertion(ctx, s.Issuer) }
	}
	return credential.NewClient(o)
}

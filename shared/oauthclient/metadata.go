package oauthclient

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"toolgate/shared/credential"

	"github.com/go-json-experiment/json"
)

// resource is a protected resource as its metadata describes it (RFC 9728, 2).
type resource struct {
	Resource             string   `json:"resource"`
	AuthorizationServers []string `json:"authorization_servers"`
	ScopesSupported      []string `json:"scopes_supported"`
}

// server is an authorization server as its metadata describes it (RFC 8414, 2).
type server struct {
	Issuer                string   `json:"issuer"`
	AuthorizationEndpoint string   `json:"authorization_endpoint"`
	TokenEndpoint         string   `json:"token_endpoint"`
	RegistrationEndpoint  string   `json:"registration_endpoint"`
	ScopesSupported       []string `json:"scopes_supported"`
	CodeChallengeMethods  []string `json:"code_challenge_methods_supported"`
	TokenAuthMethods      []string `json:"token_endpoint_auth_methods_supported"`
	// NamesItself says that responses have iss (RFC 9207, 3).
	NamesItself bool `json:"authorization_response_iss_parameter_supported"`
	// TakesDocuments says that the id of a client may be the URL of its metadata.
	TakesDocuments bool `json:"client_id_metadata_document_supported"`
}

// errAbsent says that there is nothing at a well-known place.
var errAbsent = errors.New("there is no such document")

// get reads a JSON document. Redirects are not followed: what is found must come
// from where it was looked for.
func (c *Client) get(ctx context.Context, place string, to any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, place, http.NoBody)
	if err != nil {
		return fmt.Errorf("reading %s: %w", place, err)
	}
	answer, err := c.ask(req)
	if err != nil {
		return fmt.Errorf("reading %s: %w", place, err)
	}
	switch answer.Status {
	case http.StatusOK:
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone:
		return fmt.Errorf("reading %s: status %d: %w", place, answer.Status, errAbsent)
	default:
		return fmt.Errorf("reading %s: status %d, and no document", place, answer.Status)
	}
	if err := json.Unmarshal(answer.Body, to); err != nil {
		return fmt.Errorf("reading %s: it is no JSON document of this kind: %w", place, err)
	}
	return nil
}

// ask sends a request. A web page, as of an application that serves one for any
// path, is no answer.
func (c *Client) ask(req *http.Request) (credential.Answer, error) {
	answer, err := credential.Ask(&c.http, req)
	if answer.Status == http.StatusOK && answer.MediaType == "text/html" {
		err = fmt.Errorf("the answer is a web page: %w", errAbsent)
	}
	return answer, err
}

// resource finds the metadata of the MCP server: where its challenge says, or at the
// well-known places (RFC 9728, 3.1). A server without any is one of 2025-03-26, whose
// authorization server is at its own origin.
func (c *Client) resource(ctx context.Context, said string) (*resource, error) {
	places := []string{said}
	if said == "" {
		places = c.resourcePlaces()
	}
	for _, place := range places {
		if !c.safe(place) {
			return nil, fmt.Errorf("the MCP server says that its metadata is at %q, which is no https URL", place)
		}
		var r resource
		err := c.get(ctx, place, &r)
		if said == "" && errors.Is(err, errAbsent) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if !covers(r.Resource, c.url) {
			return nil, fmt.Errorf("%s is the metadata of another resource, %q: a token for that is not for this MCP server", place, r.Resource)
		}
		if len(r.AuthorizationServers) == 0 {
			return nil, fmt.Errorf("%s names no authorization server", place)
		}
		return &r, nil
	}
	return &resource{Resource: c.url.String(), AuthorizationServers: []string{origin(c.url)}}, nil
}

// resourcePlaces are where the metadata of a resource may be: for its path, and for
// all of its host.
func (c *Client) resourcePlaces() []string {
	const known = "/.well-known/oauth-protected-resource"
	places := []string{origin(c.url) + known}
	if path := strings.TrimRight(c.url.EscapedPath(), "/"); path != "" {
		places = slices.Insert(places, 0, origin(c.url)+known+path)
	}
	return places
}

// choose is the authorization server that is asked: the configured one, or the first.
func (c *Client) choose(r *resource) (string, error) {
	if c.o.Issuer == "" {
		return r.AuthorizationServers[0], nil
	}
	if !slices.Contains(r.AuthorizationServers, c.o.Issuer) {
		return "", fmt.Errorf(`the MCP server takes tokens of %q, and gateway.yaml has "issuer" %q: correct one of them`, r.AuthorizationServers, c.o.Issuer)
	}
	return c.o.Issuer, nil
}

// server reads the metadata of an issuer. It must be that issuer's own, which is
// compared as text (RFC 8414, 3.3), and secrets must be safe at its endpoints.
func (c *Client) server(ctx context.Context, issuer string) (*server, error) {
	if !c.safe(issuer) {
		return nil, fmt.Errorf("the authorization server %q is no https URL", issuer)
	}
	var errs []error
	for _, place := range serverPlaces(issuer) {
		var s server
		if err := c.get(ctx, place, &s); err != nil {
			errs = append(errs, err)
			continue
		}
		if s.Issuer != issuer {
			return nil, fmt.Errorf("%s is the metadata of another issuer, %q", place, s.Issuer)
		}
		for name, endpoint := range map[string]string{
			"token_endpoint": s.TokenEndpoint, "authorization_endpoint": s.AuthorizationEndpoint, "registration_endpoint": s.RegistrationEndpoint,
		} {
			if !c.safe(endpoint) && (endpoint != "" || name == "token_endpoint") {
				return nil, fmt.Errorf("%s has a %s that is no https URL, %q", place, name, endpoint)
			}
		}
		return &s, nil
	}
	return nil, errors.Join(errs...)
}

// serverPlaces are where the metadata of an issuer may be, in the order of MCP
// (2025-11-25, basic/authorization).
func serverPlaces(issuer string) []string {
	u, err := url.Parse(issuer)
	if err != nil {
		return nil
	}
	path := strings.TrimRight(u.EscapedPath(), "/")
	places := []string{
		origin(u) + "/.well-known/oauth-authorization-server" + path,
		origin(u) + "/.well-known/openid-configuration" + path,
	}
	if path != "" {
		places = append(places, origin(u)+path+"/.well-known/openid-configuration")
	}
	return places
}

func origin(u *url.URL) string { return u.Scheme + "://" + u.Host }

// safe tells whether secrets may be sent to a URL that was found: it is https, or
// both it and the MCP server are on this machine.
func (c *Client) safe(place string) bool {
	u, err := url.Parse(place)
	if len(place) > maxURL || err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Opaque != "" {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && loopback(u) && loopback(c.url)
}

func loopback(u *url.URL) bool {
	a, _ := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || a.IsLoopback()
}

// covers tells whether a resource identifier is that of a URL, or of a path above
// it (RFC 9728, 3.3; MCP servers may share one).
func covers(identifier string, target *url.URL) bool {
	u, err := url.Parse(identifier)
	if len(identifier) > maxURL || err != nil || u.Host == "" || u.User != nil || u.Fragment != "" ||
		!strings.EqualFold(u.Scheme, target.Scheme) || !strings.EqualFold(hostPort(u), hostPort(target)) {
		return false
	}
	if u.RawQuery != "" && u.RawQuery != target.RawQuery {
		return false
	}
	above, path := strings.TrimRight(u.EscapedPath(), "/"), target.EscapedPath()
	return path == above || strings.HasPrefix(path, above+"/") || path == "" && above == ""
}

// hostPort is the host of a URL with its port.
func hostPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	return u.Host + map[string]string{"https": ":443", "http": ":80"}[strings.ToLower(u.Scheme)]
}

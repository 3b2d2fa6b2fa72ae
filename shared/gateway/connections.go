package gateway

import (
	"errors"
	"fmt"
	"strings"

	"toolgate/shared/config"
	"toolgate/shared/connection"
	"toolgate/shared/credential"
	"toolgate/shared/oauthclient"
	"toolgate/shared/policy"
	"toolgate/shared/snapshot"
)

// Connections makes the keeper of the connections of a manifest; nil where it has
// neither providers nor upstreams that people give access to. The options give the
// store, and resolve secrets.
func Connections(m *snapshot.Manifest, o Options) (*connection.Keeper, error) {
	k, _, err := connections(m, o)
	return k, err
}

// connections makes the keeper, and the clients of upstreams that people give access
// to, by server.
func connections(m *snapshot.Manifest, o Options) (*connection.Keeper, map[string]*oauthclient.Client, error) {
	consented := consentedUpstreams(m)
	if len(m.Connections) == 0 && len(consented) == 0 {
		return nil, nil, nil
	}
	if o.Connections == nil {
		return nil, nil, errors.New("the connections of gateway.yaml are kept in a store, and the gateway was given none: name one, such as by TOOLGATE_STORE")
	}
	if o.AnyHost && m.PublicURL == "" {
		return nil, nil, errors.New(`connections lead people back to the gateway, whose URL is not known: give gateway.yaml a "publicUrl"`)
	}
	secret, err := resolve(m.SealingKey, o)
	if err != nil {
		return nil, nil, fmt.Errorf("resolving the sealing key: %w", err)
	}
	made := connection.Options{
		Store: o.Connections, Secret: []byte(secret), Tokens: o.Services.Tokens, Now: o.Services.Now, PublicURL: strings.TrimRight(m.PublicURL, "/"),
	}
	var errs []error
	for i := range m.Connections {
		p, err := provider(&m.Connections[i], o)
		if err != nil {
			errs = append(errs, fmt.Errorf("connection %q: %w", p.Name, err))
		}
		made.Providers = append(made.Providers, p)
	}
	clients := make(map[string]*oauthclient.Client, len(consented))
	for _, s := range consented {
		c, err := oauthClient(m, s, o, secret)
		if err != nil {
			errs = append(errs, fmt.Errorf("server %q: %w", s.Name, err))
			continue
		}
		clients[s.Name] = c
		made.Providers = append(made.Providers, connection.Provider{Name: s.Name, Discovered: c})
	}
	if err := errors.Join(errs...); err != nil {
		return nil, nil, err
	}
	k, err := connection.New(made)
	return k, clients, err
}

func provider(c *config.Connection, o Options) (connection.Provider, error) {
	secret, err := resolve(c.ClientSecret, o)
	p := connection.Provider{
		Name: c.Provider, AuthorizationURL: c.AuthorizationURL, Scopes: c.Scopes,
		Client: credential.NewClient(credential.ClientOptions{
			TokenURL: c.TokenURL, ID: c.ClientID, Secret: secret, Basic: c.Basic, Transport: o.Transport, Now: o.Services.Now,
		}),
	}
	if i := c.Identity; i != nil {
		p.Identity = &policy.TokenRules{
			OpenIDConfigs: []string{i.OpenIDConfig}, Audiences: []string{i.Audience}, RequireExpiration: true, RequireSigned: true, ClockSkew: clockSkew,
		}
	}
	return p, err
}

// serveConnections serves the pages of connections; false for other paths.
func (x *exchange) serveConnections() bool {
	k := x.gateway.connections
	if k == nil || !strings.HasPrefix(x.r.URL.Path, connection.Path) {
		return false
	}
	x.server, x.call.Method = "connections", x.r.Method
	x.call.Err = k.Serve(x, x.r)
	return true
}

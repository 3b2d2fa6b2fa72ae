package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"time"

	"toolgate/shared/backend"
	"toolgate/shared/config"
	"toolgate/shared/mcp"
	"toolgate/shared/mcpproxy"
	"toolgate/shared/snapshot"
)

// assembly makes the servers of a gateway out of a snapshot.
type assembly struct {
	snapshot *snapshot.Snapshot
	options  Options
}

// build fills servers. Federations come last, since they are made of others.
func (a *assembly) build(servers map[string]endpoint) error {
	var errs []error
	for i := range a.snapshot.Servers {
		s := &a.snapshot.Servers[i]
		if s.Federate != nil {
			continue
		}
		e, err := a.endpoint(s)
		if err != nil {
			errs = append(errs, fmt.Errorf("server %q: %w", s.Name, err))
		}
		servers[s.Name] = e
	}
	for i := range a.snapshot.Servers {
		if s := &a.snapshot.Servers[i]; s.Federate != nil {
			servers[s.Name] = endpoint{Server: a.federation(s, servers)}
		}
	}
	return errors.Join(errs...)
}

func (a *assembly) endpoint(s *snapshot.Server) (endpoint, error) {
	if s.API != nil {
		c, err := a.catalog(s)
		return endpoint{Server: c}, err
	}
	p, err := a.proxy(s)
	if err != nil {
		return endpoint{}, err
	}
	return endpoint{Server: p, session: p.ServeSession}, nil
}

// catalog makes the server of a REST API.
func (a *assembly) catalog(s *snapshot.Server) (*catalog, error) {
	names := a.snapshot.Tools(s.Name)
	c := &catalog{
		name: s.Name, snapshot: a.snapshot, manifest: s.API, limits: a.snapshot.Limits,
		tools: make(map[string]*tool, len(names)),
		pages: make([]page, s.API.Pages),
		discovery: mcp.Discovery{
			Capabilities: []byte(`{"tools":{}}`), ServerInfo: a.serverInfo(s), Instructions: s.Instructions,
			Hint: a.listHint(),
		},
	}
	for _, name := range names {
		c.tools[name] = &tool{name: name, catalog: c}
	}
	var errs []error
	for i := range s.API.Backends {
		b := &s.API.Backends[i]
		client, err := a.client(b.URL, b.Credentials, 0)
		c.backends = append(c.backends, destination{client, cmp.Or(b.Timeout, a.snapshot.Limits.Timeout)})
		errs = append(errs, err)
	}
	return c, errors.Join(errs...)
}

// listHint is the hint for lists made from the snapshot: the same for every
// caller, and good until the next deployment.
func (a *assembly) listHint() mcp.CacheHint {
	return mcp.CacheHint{TTL: a.snapshot.Limits.ListTTL, Public: true}
}

func (a *assembly) proxy(s *snapshot.Server) (*mcpproxy.Proxy, error) {
	u := s.Upstream
	client, err := a.client(u.URL, u.Credentials, cmp.Or(u.Timeout, a.snapshot.Limits.Timeout))
	if err != nil {
		return nil, err
	}
	seals, err := sealer(&a.snapshot.Manifest, a.options)
	if err != nil {
		return nil, err
	}
	return mcpproxy.New(mcpproxy.Options{
		Name: s.Name, Client: client, SSE: u.Transport == config.SSE,
		ProtocolVersion: mcp.Version(u.ProtocolVersion),
		Tools:           toolSelections(u.Tools), HideResources: !u.Resources, HidePrompts: !u.Prompts,
		Sealer: seals, Implementation: a.implementation(s), MaxMessage: maxUpstreamMessage,
		Log: a.options.Log, Now: time.Now,
	}), nil
}

// maxUpstreamMessage bounds an upstream's answer that must be held to be
// changed, such as a list of tools. What only passes through has no bound.
const maxUpstreamMessage = 16 << 20

func toolSelections(list []config.Selection) []mcpproxy.ToolSelection {
	if list == nil {
		return nil
	}
	rules := make([]mcpproxy.ToolSelection, 0, len(list))
	for _, s := range list {
		rules = append(rules, mcpproxy.ToolSelection{
			Tool: s.Tool, Name: s.Override.Name, Title: s.Override.Title, Description: s.Override.Description,
			Annotations: mcp.Annotations(s.Override.Annotations),
		})
	}
	return rules
}

func (a *assembly) federation(s *snapshot.Server, servers map[string]endpoint) *mcpproxy.Federation {
	members := make([]mcpproxy.Member, 0, len(s.Federate))
	for _, m := range s.Federate {
		members = append(members, mcpproxy.Member{Name: m.Server, Prefix: m.Prefix, Bare: m.Bare, Server: servers[m.Server].Server})
	}
	return mcpproxy.NewFederation(mcpproxy.FederationOptions{
		Name: s.Name, Implementation: a.implementation(s), Instructions: s.Instructions, Members: members,
		Timeout: a.snapshot.Limits.Timeout, Hint: a.listHint(), Log: a.options.Log, Now: time.Now,
	})
}

func (a *assembly) implementation(s *snapshot.Server) mcp.Implementation {
	return mcp.Implementation{Name: s.Name, Title: s.Title, Version: a.snapshot.Version}
}

func (a *assembly) serverInfo(s *snapshot.Server) []byte {
	return mcp.AppendImplementation(nil, a.implementation(s))
}

// client makes the client of a destination, with its secrets resolved. The
// timeout bounds the wait for a response's header; 0 is none.
func (a *assembly) client(url string, credentials config.Credentials, timeout time.Duration) (*backend.Client, error) {
	o := backend.Options{URL: url, Timeout: timeout, Transport: a.options.Transport}
	var errs []error
	value := func(t config.Text) string {
		v, err := resolve(t, a.options)
		errs = append(errs, err)
		return v
	}
	for _, h := range credentials.Header {
		o.Header = append(o.Header, backend.Credential{Name: h.Name, Value: value(h.Value)})
	}
	for _, q := range credentials.Query {
		o.Query = append(o.Query, backend.Credential{Name: q.Name, Value: value(q.Value)})
	}
	if auth := credentials.Authorization; auth != nil {
		o.Header = append(o.Header, backend.Credential{Name: "Authorization", Value: auth.Scheme + " " + value(auth.Parameter)})
	}
	c, err := backend.New(o)
	return c, errors.Join(append(errs, err)...)
}

// resolve replaces the references in a text by their secrets.
func resolve(t config.Text, o Options) (string, error) {
	lookup := o.Secrets
	if lookup == nil {
		lookup = func(ref string) (string, error) { return "", fmt.Errorf("no secrets are given to this gateway") }
	}
	return t.Resolve(lookup)
}

var _ http.Handler = (*Gateway)(nil)

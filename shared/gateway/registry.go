package gateway

import (
	"cmp"
	"net/http"
	"net/url"

	"toolgate/shared/config"
	"toolgate/shared/mcp"
	"toolgate/shared/portal"
	"toolgate/shared/registry"
	"toolgate/shared/snapshot"
)

// discovery is how clients and people find servers: the registry, and the page.
type discovery struct {
	registry *registry.Registry
	portal   *portal.Portal
	callers  bool // each is shown what they may use
}

// discovery makes that of the gateway; nil where it is no registry.
func (a *assembly) discovery() (*discovery, error) {
	c := a.snapshot.Registry
	if c == nil {
		return nil, nil
	}
	var versions []string
	for _, v := range mcp.Versions {
		versions = append(versions, string(v))
	}
	o := registry.Options{Path: c.Path, Cards: c.ServerCards}
	for i := range a.snapshot.Servers {
		s := &a.snapshot.Servers[i]
		if s.Listing == nil || s.Listing.Hidden {
			continue
		}
		e := entryOf(s.Listing)
		e.Server, e.ProtocolVersions, e.Remotes = s.Name, versions, remotesOf(s)
		e.Title, e.Description = s.Title, cmp.Or(s.Description, s.Instructions)
		o.Entries = append(o.Entries, e)
	}
	for i := range c.Servers {
		s := &c.Servers[i]
		e := entryOf(&s.Listing)
		e.Title, e.Description = s.Title, s.Description
		e.Remotes = []registry.Remote{{Type: string(s.Transport), URL: s.URL}}
		o.Entries = append(o.Entries, e)
	}
	p, err := portal.New(signInOrigins(&a.snapshot.Manifest))
	return &discovery{registry: registry.New(o), portal: p, callers: c.Callers}, err
}

func entryOf(l *config.Listing) registry.Entry {
	e := registry.Entry{
		Name: l.Name, Version: l.Version, WebsiteURL: l.WebsiteURL, Owner: l.Owner, Environment: l.Environment, Lifecycle: l.Lifecycle,
		Status: registry.Status(l.Status), StatusMessage: l.StatusMessage, Published: l.Published, Updated: l.Updated,
	}
	if r := l.Repository; r != nil {
		e.Repository = &registry.Repository{URL: r.URL, Source: r.Source, Subfolder: r.Subfolder}
	}
	return e
}

// remotesOf are the endpoints of a server, with the header that they need. Where tokens
// come from, clients find out by themselves.
func remotesOf(s *snapshot.Server) []registry.Remote {
	var headers []registry.Header
	if k := s.SubscriptionKeys; k != nil && k.Required {
		headers = []registry.Header{{Name: k.Header, Description: "The key of a subscription", IsRequired: true, IsSecret: true}}
	}
	list := []registry.Remote{{Type: registry.StreamableHTTP, URL: "/" + s.Name + "/mcp", Headers: headers}}
	if s.LegacySSE {
		list = append(list, registry.Remote{Type: registry.SSE, URL: "/" + s.Name + "/sse", Headers: headers})
	}
	return list
}

// serveDiscovery answers requests to the registry and to the page, and reports false
// for everything else.
func (g *Gateway) serveDiscovery(x *exchange) bool {
	d := g.discovery
	if d == nil {
		return false
	}
	if d.portal.Serves(x.r.URL.Path) {
		x.server, x.call.Method = "catalog", x.r.Method
		if err := d.portal.Serve(x, x.r, x.content); err != nil {
			x.call.Err = err
		}
		return true
	}
	if !d.registry.Serves(x.r.URL.EscapedPath()) {
		return false
	}
	x.server, x.call.Method = "registry", x.r.Method
	viewer := registry.Viewer{URL: x.base()}
	if d.callers {
		viewer.Sees = x.seeing()
	}
	d.registry.Serve(x, x.r, viewer)
	return true
}

// seeing tells which servers would take the key and the token of the request. A
// caller's token is for some servers and not for others, so each is asked, once.
func (x *exchange) seeing() func(server string) bool {
	known := map[string]bool{}
	return func(server string) bool {
		sees, ok := known[server]
		if !ok {
			sees = x.visitorAt(server) != nil
			known[server] = sees
		}
		return sees
	}
}

// visitorAt is who the caller is at a server; nil where the server would refuse them.
func (x *exchange) visitorAt(server string) *visitor {
	e, ok := x.gateway.servers[server]
	if !ok {
		return nil
	}
	r := x.r.Clone(x.r.Context())
	r.Method, r.URL = http.MethodPost, &url.URL{Path: "/" + server + "/mcp", RawQuery: x.r.URL.RawQuery}
	at := &exchange{gateway: x.gateway, w: x.w, r: r, start: x.start, server: server}
	if at.admit(e) != nil {
		return nil
	}
	return at.visitor()
}

package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"toolgate/shared/backend"
	"toolgate/shared/config"
	"toolgate/shared/fault"
	"toolgate/shared/mcp"
	"toolgate/shared/mcpproxy"
	"toolgate/shared/oauthclient"
	"toolgate/shared/policies"
	"toolgate/shared/policy"
	"toolgate/shared/snapshot"
	"toolgate/shared/telemetry"
	"toolgate/shared/toolslock"
)

// assembly makes the servers of a gateway out of a snapshot.
type assembly struct {
	gateway   *Gateway
	snapshot  *snapshot.Snapshot
	options   Options
	protected []string // the servers that take tokens
	// upstreams are the clients of authorizations that people consent to, by server.
	upstreams map[string]*oauthclient.Client
}

// build fills the gateway. Federations come last, since they are made of other
// servers.
func (a *assembly) build() error {
	g := a.gateway
	if err := a.reach(); err != nil {
		return err
	}
	var err error
	if g.sse, err = a.legacySSE(); err != nil {
		return err
	}
	if g.authorization, err = a.authorizationServer(); err != nil {
		return err
	}
	if g.traces, err = a.traceKeeper(); err != nil {
		return err
	}
	if g.approvals, err = a.approvalDesk(); err != nil {
		return err
	}
	if g.tasks, err = a.taskSealer(); err != nil {
		return err
	}
	var errs []error
	bare := map[string]endpoint{} // as federations have them: under their own policies only
	for _, federations := range []bool{false, true} {
		for i := range a.snapshot.Servers {
			s := &a.snapshot.Servers[i]
			if (s.Federate != nil) != federations {
				continue
			}
			var e endpoint
			var err error
			if federations {
				e = endpoint{Server: a.federation(s, bare)}
			} else if e, err = a.endpoint(s); err != nil {
				errs = append(errs, fmt.Errorf("server %q: %w", s.Name, err))
			}
			e.Server = a.approving(s, e.Server)
			e.around = a.equip(serverSurroundings(a.snapshot, s))
			e, member, refused := a.protect(s, e)
			errs = append(errs, refused)
			inner, _ := a.govern(s, member, true) // of the same documents
			e.entrance, refused = a.entrance(policy.ServerScope, s.Name, s.Name, s.SubscriptionKeys, productsOf(a.snapshot, s.Name, serversOf))
			outer, failed := a.govern(s, a.profiling(s, a.searching(s, e)), false)
			outer.legacySSE = s.LegacySSE
			errs = append(errs, refused, failed)
			g.servers[s.Name], bare[s.Name] = outer, inner
		}
	}
	if len(a.protected) == 1 {
		g.onlyProtected = a.protected[0]
	}
	var failed error
	g.discovery, failed = a.discovery()
	errs = append(errs, failed, a.apis())
	return errors.Join(errs...)
}

// reach makes what policies reach, and reads them.
func (a *assembly) reach() (err error) {
	g := a.gateway
	if g.certificates, err = a.openCertificates(); err != nil {
		return err
	}
	if len(g.certificates) > 0 {
		g.services.Certificates = g.certificates
	}
	if g.connections, a.upstreams, err = connections(&a.snapshot.Manifest, a.options); err != nil {
		return err
	}
	if len(a.snapshot.Connections) > 0 {
		g.services.Connections = g.connections
	}
	if g.clients, err = newClientCertificates(a.snapshot.ClientCertificates, &a.options); err != nil {
		return err
	}
	if g.backends, err = a.namedBackends(); err != nil {
		return err
	}
	g.egress = a.guard()
	found, err := newSchemas(a.snapshot)
	if err != nil {
		return err
	}
	g.services.Sender = sender{backend.NewSender(backend.SenderOptions{Transport: g.egress}), g.backends}
	g.services.Backends, g.services.Schemas = g.backends, found
	g.services.Operations = newDescriptions(a.snapshot, g.log)
	if g.services.Sink == nil {
		g.services.Sink = logSink{g.log}
	}
	if o := g.observing; o != nil {
		g.services.Sink = &telemetrySink{Sink: g.services.Sink, recorder: o.recorder, redact: g.redact, instruments: map[string]*telemetry.Instrument{}}
	}
	g.governance, err = newGovernance(a.snapshot, a.options, &g.services)
	return err
}

// govern puts the policies of a server around it, where it has some. As the
// member of a federation it runs under its own; the wider scopes are the
// federation's.
func (a *assembly) govern(s *snapshot.Server, e endpoint, member bool) (endpoint, error) {
	rulings, err := a.gateway.governance.serverRulings(s, member)
	if err != nil || !rulings.governs() {
		return e, err
	}
	c, isCatalog := innermost(e.Server).(*catalog)
	e.Server = &governed{
		inner: e.Server, name: s.Name, streams: !isCatalog, rulings: rulings,
		around: e.around, depth: a.snapshot.Limits.Depth, catalog: c,
	}
	return e, nil
}

// apis makes the REST APIs that HTTP clients reach.
func (a *assembly) apis() error {
	g := a.gateway
	var errs []error
	for i := range a.snapshot.APIs {
		source := &a.snapshot.APIs[i]
		if !source.HasPath {
			continue
		}
		made := &api{SourceAPI: source, gateway: g, around: a.equip(apiSurroundings(a.snapshot, source))}
		for j := range source.Backends {
			d, err := a.destination(&source.Backends[j], g.backends)
			made.backends = append(made.backends, d)
			errs = append(errs, err)
		}
		made.around.locate(made.backends)
		var err, refused error
		made.rulings, err = g.governance.apiRulings(source)
		made.entrance, refused = a.entrance(policy.APIScope, source.Name, source.Path, source.SubscriptionKeys, productsOf(a.snapshot, source.Name, apisOf))
		errs = append(errs, err, refused)
		g.apis = append(g.apis, made)
	}
	slices.SortStableFunc(g.apis, func(a, b *api) int { return len(b.Path) - len(a.Path) })
	plain, faults := policy.Compose(nil, nil)
	var none fault.Faults
	g.plain, none = policy.Compile(plain, policy.CompileOptions{Policies: policies.Registry(), Services: &g.services})
	return errors.Join(append(errs, faults.Err(), none.Err())...)
}

func (a *assembly) endpoint(s *snapshot.Server) (endpoint, error) {
	if s.API != nil {
		c, err := a.catalog(s)
		if err != nil {
			return endpoint{}, err
		}
		fitted, err := a.fitting(s, a.cached(s, c))
		return endpoint{Server: fitted}, err
	}
	p, err := a.proxy(s)
	if err != nil {
		return endpoint{}, err
	}
	fitted, err := a.fitting(s, a.cached(s, a.consenting(s, p)))
	return endpoint{Server: fitted, session: p.ServeSession}, err
}

// catalog makes the server of a REST API.
func (a *assembly) catalog(s *snapshot.Server) (*catalog, error) {
	names := a.snapshot.Tools(s.Name)
	c := &catalog{
		name: s.Name, snapshot: a.snapshot, manifest: s.API, limits: a.snapshot.Limits, gateway: a.gateway,
		tools: make(map[string]*tool, len(names)),
		pages: make([]page, s.API.Pages),
		discovery: mcp.Discovery{
			Capabilities: []byte(`{"tools":{}}`), ServerInfo: a.serverInfo(s), Instructions: s.Instructions,
			Hint: a.listHint(s),
		},
	}
	if s.API.LongRunning {
		c.discovery.Extensions = []byte(`{"` + mcp.ExtensionTasks + `":{}}`)
	}
	for _, name := range names {
		c.tools[name] = &tool{name: name, catalog: c, fits: s.ToolResults[name]}
	}
	var errs []error
	for i := range s.API.Backends {
		d, err := a.destination(&s.API.Backends[i], a.gateway.backends)
		c.backends = append(c.backends, d)
		errs = append(errs, err)
	}
	if source := sourceAPI(a.snapshot, s.API.Name); source != nil {
		var err error
		c.source = a.equip(apiSurroundings(a.snapshot, source))
		c.source.locate(c.backends)
		c.rulings, err = a.gateway.governance.apiRulings(source)
		errs = append(errs, err)
	}
	return c, errors.Join(errs...)
}

// listHint is the hint for lists made from the snapshot: good until the next
// deployment, and the same for every caller unless the server has to know who that
// is.
func (a *assembly) listHint(s *snapshot.Server) mcp.CacheHint {
	return mcp.CacheHint{TTL: a.snapshot.Limits.ListTTL, Public: s.Authorization == nil && s.Allow == nil && s.ToolAllow == nil}
}

func (a *assembly) proxy(s *snapshot.Server) (*mcpproxy.Proxy, error) {
	u := s.Upstream
	client, err := a.upstreamClient(s)
	if err != nil {
		return nil, err
	}
	seals, err := sealer(&a.snapshot.Manifest, a.options, "session")
	if err != nil {
		return nil, err
	}
	var subject func(context.Context) string
	if u.Credentials.PerCaller() {
		subject = subjectOf
	}
	var tracer mcpproxy.Tracer
	if a.gateway.observing != nil {
		tracer = upstreamTracer{}
	}
	return mcpproxy.New(mcpproxy.Options{
		Tracer:  tracer,
		Subject: subject,
		Name:    s.Name, Client: client, SSE: u.Transport == config.SSE,
		ProtocolVersion: mcp.Version(u.ProtocolVersion),
		Vetting: mcpproxy.Vetting{
			Lock: s.Lock, AllowNew: u.Lock != nil && u.Lock.AllowNew, Limits: toolslock.Limits(u.ToolLimits),
		},
		Tools: toolSelections(u.Tools), HideResources: !u.Resources, HidePrompts: !u.Prompts,
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
	members, hint := make([]mcpproxy.Member, 0, len(s.Federate)), a.listHint(s)
	for _, m := range s.Federate {
		e := servers[m.Server]
		if a.gateway.observing != nil {
			e.Server = &watchedMember{Server: e.Server, name: m.Server}
		}
		members = append(members, mcpproxy.Member{Name: m.Server, Prefix: m.Prefix, Bare: m.Bare, Server: e.Server, Shows: e.shows})
		hint.Public = hint.Public && e.shows == nil
	}
	return mcpproxy.NewFederation(mcpproxy.FederationOptions{
		Name: s.Name, Implementation: a.implementation(s), Instructions: s.Instructions, Members: members,
		Timeout: a.snapshot.Limits.Timeout, Hint: hint, Log: a.options.Log, Now: time.Now,
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
func (a *assembly) client(b *config.Backend, timeout time.Duration) (*backend.Client, error) {
	o, err := a.clientOptions(b, timeout)
	c, refused := backend.New(o)
	return c, errors.Join(err, refused)
}

// clientOptions are those of the client of a destination.
func (a *assembly) clientOptions(b *config.Backend, timeout time.Duration) (backend.Options, error) {
	o := backend.Options{URL: b.URL, Timeout: timeout, Transport: a.options.Transport, Now: a.options.Services.Now}
	credentials := b.Credentials
	if c := b.CircuitBreaker; c != nil {
		o.Breaker = backend.BreakerOptions{
			Failures: c.Failures, Interval: c.Interval, TripDuration: c.TripDuration, AcceptRetryAfter: c.AcceptRetryAfter,
		}
		for _, r := range c.StatusCodes {
			o.Breaker.StatusCodes = append(o.Breaker.StatusCodes, backend.StatusRange(r))
		}
	}
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
	authorize, err := a.authorize(&credentials)
	errs = append(errs, err)
	o.Authorize = authorize
	certificate, err := a.certificate(credentials.Certificate)
	errs = append(errs, err)
	if certificate != nil {
		o.Certificate = &certificate.Certificate
	}
	return o, errors.Join(errs...)
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

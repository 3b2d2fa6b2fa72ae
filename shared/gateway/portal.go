package gateway

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"toolgate/shared/config"
	"toolgate/shared/policy"
	"toolgate/shared/portal"
	"toolgate/shared/registry"
	"toolgate/shared/snapshot"
)

// signInOrigins are the origins of issuers, where the page gets tokens.
func signInOrigins(m *snapshot.Manifest) []string {
	var origins []string
	for i := range m.Servers {
		a := m.Servers[i].Authorization
		if a == nil {
			continue
		}
		for _, issuer := range slices.Concat(a.Issuers, a.AuthorizationServers) {
			u, err := url.Parse(issuer)
			if err != nil || u.Host == "" {
				continue
			}
			if origin := u.Scheme + "://" + u.Host; !slices.Contains(origins, origin) {
				origins = append(origins, origin)
			}
		}
	}
	return origins
}

// content is what the page shows to whoever asks.
func (x *exchange) content() (*portal.Content, error) {
	g := x.gateway
	m := &g.manifest
	c := &portal.Content{Name: m.Name, Title: m.Title, Version: m.Version, Snapshot: g.snapshot.Hash, URL: x.base(), Servers: []portal.Server{}}
	for i := range m.Servers {
		s := &m.Servers[i]
		if s.Listing == nil || s.Listing.Hidden || s.Listing.Status == string(registry.Deleted) {
			continue
		}
		v := x.visitorAt(s.Name)
		if v == nil && m.Registry.Callers {
			continue
		}
		shown, err := x.shown(s, v)
		if err != nil {
			return nil, err
		}
		shown.URL = c.URL + "/" + s.Name + "/mcp"
		c.Servers = append(c.Servers, *shown)
	}
	for i := range m.Registry.Servers {
		s := &m.Registry.Servers[i]
		if s.Status == string(registry.Deleted) {
			continue
		}
		shown := listedServer(&s.Listing)
		shown.ID, shown.Title, shown.Description = s.Name+"@"+s.Version, s.Title, s.Description
		shown.URL, shown.Transport, shown.External = s.URL, string(s.Transport), true
		c.Servers = append(c.Servers, *shown)
	}
	return c, nil
}

// listedServer is what the registry says of a server.
func listedServer(l *config.Listing) *portal.Server {
	return &portal.Server{
		Name: l.Name, Version: l.Version, Status: cmp.Or(l.Status, string(registry.Active)), StatusMessage: l.StatusMessage,
		Owner: l.Owner, Environment: l.Environment, Lifecycle: l.Lifecycle, WebsiteURL: l.WebsiteURL,
	}
}

// shown is a server as a visitor sees it, who is nil where the server does not let them
// in.
func (x *exchange) shown(s *snapshot.Server, v *visitor) (*portal.Server, error) {
	g := x.gateway
	out := listedServer(s.Listing)
	out.ID, out.Title, out.Description = s.Name, s.Title, cmp.Or(s.Description, s.Instructions)
	out.Transport, out.Admitted = registry.StreamableHTTP, v != nil
	if a := s.Authorization; a != nil {
		out.Issuers, out.Scopes = a.Issuers, a.Scopes
	}
	if k := s.SubscriptionKeys; k != nil {
		out.KeyHeader, out.KeyRequired = k.Header, k.Required
	}
	layers := []limitLayer{{"global", g.manifest.GlobalPolicy}}
	for _, p := range productsOf(g.snapshot, s.Name, serversOf) {
		out.Products = append(out.Products, portal.Product{Name: cmp.Or(p.Title, p.Name), Description: p.Description, Open: p.Open})
		layers = append(layers, limitLayer{"product", p.Policy})
	}
	layers = append(layers, limitLayer{"server", s.Policy})
	if s.API != nil {
		i := slices.IndexFunc(g.manifest.APIs, func(a snapshot.SourceAPI) bool { return a.Name == s.API.Name })
		if i >= 0 {
			layers = append(layers, limitLayer{"api", g.manifest.APIs[i].Policy})
		}
	}
	out.Allow = allowTexts(s.Allow)
	var err error
	if out.Limits, err = g.limits(layers...); err != nil || v == nil {
		return out, err
	}
	out.Subscription = x.shownSubscription(s.Name, v)
	out.Tools, err = g.shownTools(s, v)
	return out, err
}

// shownSubscription is that of the caller's key, with what they have used of it at a
// server; nil where there is none.
func (x *exchange) shownSubscription(server string, v *visitor) *portal.Subscription {
	own := v.caller.subscription
	if own == nil {
		return nil
	}
	out := &portal.Subscription{ID: own.ID, Name: own.Name}
	if own.EndDate != nil {
		out.End = *own.EndDate
	}
	if p := v.caller.product; p != nil {
		out.Product = p.Name
	}
	governed, ok := x.gateway.servers[server].Server.(*governed)
	if !ok {
		return out
	}
	pipeline := governed.rulings.under(v.caller.product).pipeline
	if pipeline == nil {
		return out
	}
	left, err := pipeline.Left(x.r.Context(), own)
	if err != nil { // the page shows the rest
		x.call.Err, out.Unknown = err, true
		return out
	}
	const kilobyte = 1024
	for _, l := range left {
		u := portal.Usage{Calls: l.Quota.Calls, Kilobytes: l.Quota.Bytes / kilobyte, RenewalSecs: int64(l.State.Renewal.Seconds())}
		if u.Calls > 0 {
			u.CallsUsed = u.Calls - max(l.State.Remaining.Calls, 0)
		}
		if u.Kilobytes > 0 {
			u.KilobytesUsed = (l.Quota.Bytes - max(l.State.Remaining.Bytes, 0)) / kilobyte
		}
		out.Usage = append(out.Usage, u)
	}
	return out
}

// shownTools is what is said of tools that the visitor may call.
func (g *Gateway) shownTools(s *snapshot.Server, v *visitor) (map[string]portal.Tool, error) {
	tools := map[string]portal.Tool{}
	rules := guardAt(g.servers[s.Name])
	change := func(name string, set func(*portal.Tool)) {
		if rules != nil && rules.tool(v, name).verdict != allowed {
			return
		}
		t := tools[name]
		set(&t)
		tools[name] = t
	}
	for name, list := range s.ToolAllow {
		change(name, func(t *portal.Tool) { t.Allow = allowTexts(list) })
	}
	for name, approval := range s.ToolApproval {
		change(name, func(t *portal.Tool) { t.Approval = approval != nil })
	}
	if s.Approval != nil {
		for _, name := range g.snapshot.Tools(s.Name) {
			if _, own := s.ToolApproval[name]; !own {
				change(name, func(t *portal.Tool) { t.Approval = true })
			}
		}
	}
	for name, number := range s.ToolPolicies {
		limits, err := g.limits(limitLayer{"tool", number})
		if err != nil {
			return nil, err
		}
		if limits != nil {
			change(name, func(t *portal.Tool) { t.Limits = limits })
		}
	}
	return tools, nil
}

// guardAt is the guard of a server; nil where it has none of its own.
func guardAt(e endpoint) *guard {
	inner := e.Server
	if governed, ok := inner.(*governed); ok {
		inner = governed.inner
	}
	if guarded, ok := inner.(*guarded); ok {
		return guarded.guard
	}
	return nil
}

// allowTexts says in words who may use something: one of them has to hold.
func allowTexts(list []config.Allow) []string {
	var texts []string
	for _, a := range list {
		var parts []string
		add := func(what string, values []string) {
			if len(values) > 0 {
				parts = append(parts, what+" "+strings.Join(values, " or "))
			}
		}
		if len(a.Scopes) > 0 {
			parts = append(parts, "scope "+strings.Join(a.Scopes, " and "))
		}
		add("role", a.Roles)
		add("group", a.Groups)
		add("product", a.Products)
		for _, c := range a.Claims {
			add("claim "+c.Name, c.Values)
		}
		if a.Expression != "" {
			parts = append(parts, "a condition of the gateway")
		}
		texts = append(texts, strings.Join(parts, ", "))
	}
	return texts
}

// limitLayer is one scope and the number of its document; 0 is none.
type limitLayer struct {
	scope  string
	number int
}

// limits are those that the documents of scopes set. Documents are read for whoever
// looks at the page, and not when the gateway starts.
func (g *Gateway) limits(layers ...limitLayer) ([]portal.Limit, error) {
	var found []portal.Limit
	for _, l := range layers {
		if l.number == 0 || g.governance == nil {
			continue
		}
		content, err := g.snapshot.Policy(l.number)
		if err != nil {
			return nil, err
		}
		d, faults := g.governance.parse(g.snapshot.Policies[l.number-1].File, content)
		if err := faults.Err(); err != nil {
			return nil, err
		}
		found = append(found, g.limitsIn(d.Elements, l.scope, false, false)...)
	}
	return found, nil
}

// limitsIn finds those among elements, and in the fragments that they include, unless
// they are of a fragment themselves. Sometimes says that they hold only under
// conditions.
func (g *Gateway) limitsIn(elements []*policy.Element, scope string, sometimes, included bool) []portal.Limit {
	var found []portal.Limit
	for _, e := range elements {
		if text := limitText(e); text != "" {
			if sometimes {
				text += ", under conditions"
			}
			found = append(found, portal.Limit{Scope: scope, Policy: e.Name, Text: g.redact(text)})
			continue
		}
		inner, within := e.Children, included
		if id, ok := e.Attribute("fragment-id"); e.Name == "include-fragment" && ok && !included {
			if d := g.governance.fragments[id.Value.Source]; d != nil {
				inner, within = d.Elements, true
			}
		}
		found = append(found, g.limitsIn(inner, scope, sometimes || e.Name == "choose", within)...)
	}
	return found
}

// limitText says what a policy limits; empty for one that limits nothing.
func limitText(e *policy.Element) string {
	value := func(name string) string {
		a, ok := e.Attribute(name)
		if ok && a.Value.Kind != policy.Literal {
			return "a computed number of"
		}
		return a.Value.Source
	}
	per := " in " + value("renewal-period") + " seconds"
	if p := value("budget-period"); p != "" {
		per = " " + strings.ToLower(p)
	}
	var parts []string
	add := func(name, unit string) {
		if v := value(name); v != "" {
			parts = append(parts, v+" "+unit)
		}
	}
	switch e.Name {
	case "rate-limit", "rate-limit-by-key", "quota", "quota-by-key":
		add("calls", "calls")
		add("bandwidth", "KB")
	case "budget":
		add("amount", cmp.Or(value("currency"), "units"))
	case "limit-concurrency":
		add("max-count", "calls at once")
		per = ""
	case "llm-token-limit", "azure-openai-token-limit":
		add("tokens-per-minute", "tokens a minute")
		add("token-quota", "tokens "+strings.ToLower(value("token-quota-period")))
		per = ""
	}
	if parts == nil {
		return ""
	}
	return strings.Join(parts, " and ") + per
}

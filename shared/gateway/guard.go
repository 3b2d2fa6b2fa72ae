package gateway

import (
	"context"
	"errors"
	"net/url"
	"regexp"
	"strings"

	"toolgate/shared/config"
	"toolgate/shared/mcp"
	"toolgate/shared/mcpproxy"
	"toolgate/shared/snapshot"

	"github.com/go-json-experiment/json/jsontext"
)

// guard says who may use what of a server. It does not change.
type guard struct {
	door      *door // nil: open to everybody
	tools     map[string]*rule
	distinct  []*rule     // of tools
	catalog   *catalog    // whose tools they are; nil for other servers
	resources []published // nil: all, for whoever may use the server
	prompts   []published // as resources
}

// published are the resources or prompts of a pattern.
type published struct {
	pattern *regexp.Regexp
	rule    *rule
}

// protect makes the door of a server, and puts a guard before what is not for
// everybody: before the server, and before the server as the member of a federation.
func (a *assembly) protect(s *snapshot.Server, e endpoint) (own, member endpoint, err error) {
	own, member = e, e
	var all rules
	if own.door, err = a.door(s, &all); err != nil {
		return own, member, err
	}
	if own.takesTokens() {
		a.protected = append(a.protected, s.Name)
	}
	g, asMember, err := a.guardOf(s, own.door, &all)
	for _, one := range []*guard{g, asMember} {
		if one != nil {
			one.catalog, _ = innermost(e.Server).(*catalog)
		}
	}
	if g != nil {
		own.Server = &guarded{guard: g, inner: e.Server}
	}
	if asMember != nil {
		member.Server, member.shows = &guarded{guard: asMember, inner: e.Server, member: true}, asMember.shows
		a.gateway.guarded = true
	}
	return own, member, err
}

// guardOf makes that of a server; nil where there is nothing to decide. As the member
// of a federation a server has nobody at its door who asks before.
func (a *assembly) guardOf(s *snapshot.Server, d *door, all *rules) (g, asMember *guard, err error) {
	g = &guard{door: d, tools: make(map[string]*rule, len(s.ToolAllow))}
	var errs []error
	doors := len(all.distinct)
	for name, list := range s.ToolAllow {
		r, err := all.rule(list)
		g.tools[name] = r
		errs = append(errs, err)
	}
	g.distinct = all.distinct[doors:]
	if d != nil && d.allow != nil {
		g.distinct = all.distinct // a tool may have the rule of the door
	}
	if u := s.Upstream; u != nil {
		var err error
		g.resources, err = all.published(u.ResourceRules)
		errs = append(errs, err)
		g.prompts, err = all.published(u.PromptRules)
		errs = append(errs, err)
	}
	own := len(g.tools) > 0 || g.resources != nil || g.prompts != nil
	if own || d != nil {
		asMember = g
	}
	if !own {
		g = nil
	}
	return g, asMember, errors.Join(errs...)
}

func (r *rules) published(list []config.Published) ([]published, error) {
	var made []published
	var errs []error
	for _, p := range list {
		one, err := r.rule(p.Allow)
		errs = append(errs, err)
		made = append(made, published{pattern: patternOf(p.Pattern), rule: one})
	}
	return made, errors.Join(errs...)
}

// patternOf compiles a pattern in which * stands for any characters but slashes and
// ** for any.
func patternOf(text string) *regexp.Regexp {
	quoted := regexp.QuoteMeta(text)
	quoted = strings.ReplaceAll(quoted, `\*\*`, "\x00")
	quoted = strings.ReplaceAll(quoted, `\*`, `[^/]*`)
	return regexp.MustCompile(`^(?s:` + strings.ReplaceAll(quoted, "\x00", ".*") + `)$`)
}

// tool is what the rules say of a visitor and a tool.
func (g *guard) tool(v *visitor, name string) outcome {
	return g.judge(v, func() outcome { return v.judge(g.tools[name]) })
}

// prompt is what they say of a prompt.
func (g *guard) prompt(v *visitor, name string) outcome {
	return g.judge(v, func() outcome { return among(v, g.prompts, name, name) })
}

// resource is what they say of a URI, or of a URI template. One that a server may
// read as another one is of no pattern.
func (g *guard) resource(v *visitor, uri string) outcome {
	return g.judge(v, func() outcome {
		plain, ok := plainURI(uri)
		if !ok && g.resources != nil {
			return outcome{}
		}
		return among(v, g.resources, uri, plain)
	})
}

// judge is the outcome of the door and of what is behind it.
func (g *guard) judge(v *visitor, behind func() outcome) outcome {
	if v == nil {
		return outcome{} // nobody
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	o := g.door.outcome(v)
	if o.verdict == denied {
		return o
	}
	return o.and(behind())
}

// among is what the first says that matches either form of a name.
func among(v *visitor, list []published, name, plain string) outcome {
	if list == nil {
		return outcome{verdict: allowed}
	}
	for _, p := range list {
		if p.pattern.MatchString(name) || p.pattern.MatchString(plain) {
			return v.judge(p.rule)
		}
	}
	return outcome{}
}

// plainURI is a URI in the form to which servers may bring it: scheme and host in
// lower case, no escapes that need not be there, and no empty segments (RFC 3986,
// section 6). It reports false for one with dot segments, however they are written.
func plainURI(uri string) (string, bool) {
	decoded := uri
	for range 2 { // an escape may be escaped itself
		if once, err := url.PathUnescape(decoded); err == nil {
			decoded = once
		}
	}
	for segment := range strings.FieldsFuncSeq(decoded, func(r rune) bool { return r == '/' || r == '\\' || r == '?' || r == '#' }) {
		if segment == "." || segment == ".." {
			return "", false
		}
	}
	scheme, rest, ok := strings.Cut(decoded, "://")
	if !ok {
		return decoded, true
	}
	host, path, _ := strings.Cut(rest, "/")
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	return strings.ToLower(scheme+"://"+host) + "/" + strings.TrimPrefix(path, "/"), true
}

// guarded is a server with its guard: what a caller may not use is unknown to them.
type guarded struct {
	*guard
	inner mcp.Server
	// member says that the server is a member of a federation, which leaves out of
	// its lists what the guard does not show.
	member bool
}

// Serve answers what the caller may ask for.
func (s *guarded) Serve(ctx context.Context, req *mcp.Request, reply mcp.Reply) error {
	v := visitorOf(ctx)
	_, err := s.decide(ctx, v, req)
	s.tell(v, req, err)
	if err != nil {
		noteDenied(ctx)
		return err
	}
	if s.member {
		return s.inner.Serve(ctx, req, reply)
	}
	c, isCatalog := innermost(s.inner).(*catalog)
	shown := s.shown(req.Method)
	switch {
	case shown == nil:
		return s.inner.Serve(ctx, req, reply)
	case isCatalog:
		return c.listFor(v, s.guard, req, reply)
	}
	return s.inner.Serve(ctx, req, &filter{Reply: reply, visitor: v, shown: shown, method: req.Method})
}

// decide is whether the caller may have a request answered. The error is that of
// something unknown, or a *scopeError.
func (g *guard) decide(ctx context.Context, v *visitor, req *mcp.Request) (verdict, error) {
	if req.Kind != mcp.KindRequest {
		return allowed, nil
	}
	var o outcome
	unknown := func() error { return mcp.MethodNotFound(req.Method) }
	switch req.Method {
	case mcp.MethodInitialize, mcp.MethodDiscover, mcp.MethodPing, mcp.MethodSetLevel,
		mcp.MethodListTools, mcp.MethodListPrompts, mcp.MethodListResources, mcp.MethodListResourceTemplates:
		return allowed, nil
	case mcp.MethodCallTool:
		name := req.Text(req.Name)
		o, unknown = g.tool(v, g.catalog.toolOf(ctx, req)), func() error { return mcpproxy.UnknownTool(name) }
	case mcp.MethodGetTask, mcp.MethodUpdateTask, mcp.MethodCancelTask: // an upstream's ids cannot be guessed
		o, unknown = g.tool(v, g.catalog.toolOf(ctx, req)), func() error { return mcp.UnknownTask() }
	case mcp.MethodGetPrompt:
		name := req.Text(req.Name)
		o, unknown = g.prompt(v, name), func() error { return mcpproxy.UnknownPrompt(name) }
	case mcp.MethodReadResource, mcp.MethodSubscribe, mcp.MethodUnsubscribe:
		uri := member(req.Bytes(req.Params), "uri")
		o, unknown = g.resource(v, uri), func() error { return mcpproxy.UnknownResource(req.Version, uri) }
	case mcp.MethodComplete:
		return g.decideReference(v, req)
	case mcp.MethodListen:
		return g.decideListen(v, req)
	default: // extensions
		o = g.judge(v, func() outcome { return outcome{verdict: allowed} })
	}
	return settle(v, o, unknown)
}

// settle makes an error of an outcome.
func settle(v *visitor, o outcome, unknown func() error) (verdict, error) {
	switch o.verdict {
	case allowed:
		return allowed, nil
	case lacksScopes:
		return lacksScopes, &scopeError{exchange: v.of, scopes: o.scopes}
	case denied:
	}
	return denied, unknown()
}

// decideReference is for completion/complete, which is of a prompt or of a resource.
func (g *guard) decideReference(v *visitor, req *mcp.Request) (verdict, error) {
	ref := req.Bytes(req.Ref)
	if name := member(ref, "name"); member(ref, "type") == "ref/prompt" {
		return settle(v, g.prompt(v, name), func() error { return mcpproxy.UnknownPrompt(name) })
	}
	uri := member(ref, "uri")
	return settle(v, g.resource(v, uri), func() error { return mcpproxy.UnknownResource(req.Version, uri) })
}

// decideListen is for subscriptions/listen: each resource that it names counts.
func (g *guard) decideListen(v *visitor, req *mcp.Request) (verdict, error) {
	if o := g.judge(v, func() outcome { return outcome{verdict: allowed} }); o.verdict != allowed {
		return settle(v, o, func() error { return mcp.MethodNotFound(req.Method) })
	}
	var wanted jsontext.Value
	params := req.Bytes(req.Params)
	if span, ok := mcp.Lookup(params, "notifications"); ok {
		wanted = params[span.Start:span.End]
	}
	span, ok := mcp.Lookup(wanted, "resourceSubscriptions")
	if !ok || wanted[span.Start] != '[' {
		return allowed, nil
	}
	verdict := allowed
	err := mcp.EachElement(wanted[span.Start:span.End], func(item jsontext.Value) error {
		m := mcp.Message{Raw: item}
		uri := m.Text(mcp.Span{End: len(item)})
		var err error
		verdict, err = settle(v, g.resource(v, uri), func() error { return mcpproxy.UnknownResource(req.Version, uri) })
		return err
	})
	return verdict, err
}

// member is the text of a member of an object; empty for anything else.
func member(raw jsontext.Value, name string) string {
	span, ok := mcp.Lookup(raw, name)
	if !ok {
		return ""
	}
	m := mcp.Message{Raw: raw}
	return m.Text(span)
}

// shown tells, for a method that lists, what the caller is shown; nil where nothing
// of the kind has rules.
func (g *guard) shown(method string) func(*visitor, string) bool {
	of := func(judge func(*visitor, string) outcome) func(*visitor, string) bool {
		return func(v *visitor, name string) bool { return judge(v, name).verdict == allowed }
	}
	switch {
	case method == mcp.MethodListTools && (len(g.tools) > 0 || g.door != nil):
		return of(g.tool)
	case method == mcp.MethodListPrompts && (g.prompts != nil || g.door != nil):
		return of(g.prompt)
	case (method == mcp.MethodListResources || method == mcp.MethodListResourceTemplates) && (g.resources != nil || g.door != nil):
		return of(g.resource)
	}
	return nil
}

// shows is for the federation that a server is a member of.
func (g *guard) shows(ctx context.Context, method, name string) bool {
	shown := g.shown(method)
	return shown == nil || shown(visitorOf(ctx), name)
}

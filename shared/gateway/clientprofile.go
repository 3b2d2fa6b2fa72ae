package gateway

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"toolgate/shared/config"
	"toolgate/shared/fault"
	"toolgate/shared/mcp"
	profiles "toolgate/shared/profile" // a test here has the name
	"toolgate/shared/snapshot"
)

// profiled is a server that gives clients definitions of its tools which their models
// accept. It stands behind the policies and before everything else: a call by a name
// that was made for a client has become one of the tool itself before anything looked at
// it (see [exchange.asClient]).
type profiled struct {
	inner   mcp.Server
	name    string
	gateway *Gateway
	terms   *config.ClientProfiles
	views   map[string]*view // by the name of the profile
	varies  bool             // lists are not the same for all clients
	catalog *catalog         // whose tools they are; nil where they are listed when it runs
	// constant says that the lists of inner are made once, and never change.
	constant bool
}

// profiling puts the profiles of clients before a server, where it has some.
func (a *assembly) profiling(s *snapshot.Server, e endpoint) endpoint {
	if s.ClientProfiles == nil {
		return e
	}
	p := &profiled{
		inner: e.Server, name: s.Name, gateway: a.gateway, terms: s.ClientProfiles, views: map[string]*view{}, varies: s.ClientProfiles.Varies(),
	}
	p.catalog, _ = innermost(e.Server).(*catalog)
	p.constant = p.catalog != nil && !e.searches
	names := profiles.KnownNames()
	for _, own := range a.snapshot.Profiles {
		names = append(names, own.Name)
	}
	for _, name := range names {
		if made := config.Resolve(a.snapshot.Profiles, name); made != nil {
			p.views[name] = &view{profile: made.For(s.Name), server: p}
		}
	}
	e.Server, e.profiles = p, p
	return e
}

// usual is the view of clients of which nothing else is known.
func (p *profiled) usual() *view {
	if v := p.views[p.terms.Default]; v != nil {
		return v
	}
	return p.views[profiles.None]
}

// of is the view of the clients of a name.
func (p *profiled) of(client string) *view {
	if client == "" {
		return p.usual()
	}
	for _, c := range p.terms.Clients {
		if v := p.views[c.Profile]; v != nil && profiles.Matches(c.Client, client) {
			return v
		}
	}
	if p.terms.Auto {
		if v := p.views[profiles.OfClient(client)]; v != nil {
			return v
		}
	}
	return p.usual()
}

// profileParameter is the parameter of a server's URL that names a profile, for clients
// that do not say who they are, or whose model is another one than usual.
const profileParameter = "client-profile"

// A client of the legacy era says who it is when it opens a session, and in no request
// after: the session id has it, before what else is in it. Nothing is protected by it.
const (
	sessionPrefix    = "client"
	sessionSeparator = "."
)

// chooseProfile finds out what of the client's profile a request says beside its
// message. What is not for the servers behind is taken out of the request.
func (x *exchange) chooseProfile(p *profiled) error {
	if p == nil {
		return nil
	}
	if parts := strings.SplitN(x.r.Header.Get(mcp.HeaderSessionID), sessionSeparator, 4); len(parts) >= 3 && parts[0] == sessionPrefix {
		x.view = p.views[parts[1]]
		x.r = x.r.WithContext(x.r.Context()) // a copy: the server's own is not to be changed
		x.r.Header = maps.Clone(x.r.Header)
		delete(x.r.Header, mcp.HeaderSessionID)
		if len(parts) == 4 {
			x.r.Header[mcp.HeaderSessionID] = parts[3:]
		}
	}
	name, _, found := cutParameter(x.r.URL.RawQuery, profileParameter)
	if !found {
		return nil
	}
	if x.view = p.views[name]; x.view == nil {
		return &mcp.Error{
			Code: mcp.CodeInvalidRequest, Status: http.StatusBadRequest,
			Message: fmt.Sprintf("%s in the URL is %q, an unknown profile: %s", profileParameter, name, fault.Suggest(name, slices.Sorted(maps.Keys(p.views)), "leave it out")),
		}
	}
	return nil
}

// session is the id of a session that is opened, where it has to say who the client is;
// otherwise the one that is given, which may be empty.
func (x *exchange) session(id string) string {
	if x.opened == nil {
		return id
	}
	parts := []string{sessionPrefix, x.opened.profile.Name, rand.Text()}
	if id != "" {
		parts = append(parts, id)
	}
	return strings.Join(parts, sessionSeparator)
}

type viewKey struct{}

// asClient finds the profile of whoever sends a message, and makes a call by a name that
// was made for the client the call of the tool that it stands for, in place.
func (x *exchange) asClient(ctx context.Context, p *profiled, req *mcp.Request) (context.Context, error) {
	v := x.view
	if v == nil {
		v = p.usual()
		opens := req.Kind == mcp.KindRequest && req.Method == mcp.MethodInitialize && !req.Version.Modern()
		switch {
		case !p.varies:
		case opens:
			if v = p.of(initializing(req)); v != p.usual() {
				x.opened = v
			}
		default:
			name, _ := clientOf(req)
			v = p.of(name)
		}
	}
	ctx = context.WithValue(ctx, viewKey{}, v)
	if v.profile.Name == profiles.None {
		return ctx, nil
	}
	x.call.Profile = v.profile.Name
	if req.Kind != mcp.KindRequest || req.Method != mcp.MethodCallTool {
		return ctx, nil
	}
	return v.retarget(ctx, req)
}

// initializing is what a client calls itself when it opens a session.
func initializing(req *mcp.Request) string {
	params := req.Bytes(req.Params)
	if span, ok := mcp.Lookup(params, "clientInfo"); ok {
		return member(params[span.Start:span.End], "name")
	}
	return ""
}

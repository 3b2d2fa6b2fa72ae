package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"toolgate/shared/mcp"
	profiles "toolgate/shared/profile" // a test here has the name

	"github.com/go-json-experiment/json/jsontext"
)

// view is what the clients of one profile are shown of a server. Lists are adapted once
// and kept.
type view struct {
	profile *profiles.Profile
	server  *profiled

	mu    sync.Mutex
	lists map[listKey]jsontext.Value
	size  int // of lists, in bytes
	// tools are those that clients know by another name, or with other names of
	// arguments, by the name that clients know.
	tools map[string]knownTool
	named bool      // tools has all names of the catalog
	asked time.Time // when the server was asked last because of a call
	told  bool      // the log knows that there are more tools than clients take
}

// knownTool is what a name that was made for clients stands for.
type knownTool struct {
	name      string
	arguments map[string]string // original names, by those that clients know
}

// listKey tells lists apart: those that never change by where they are, others by what
// they are.
type listKey struct {
	first  *byte
	length int
	sum    [sha256.Size]byte
}

// Bounds of what one view keeps. Beyond, it begins anew.
const (
	maxViewBytes = 32 << 20
	maxViewLists = 256
	maxViewTools = 20_000
)

// askAgain is how long a server is not asked for its tools again because of calls by
// names that nobody was told.
const askAgain = 10 * time.Second

// Serve answers as the server does, with definitions for the client.
func (p *profiled) Serve(ctx context.Context, req *mcp.Request, reply mcp.Reply) error {
	v, ok := ctx.Value(viewKey{}).(*view)
	if !ok || req.Kind != mcp.KindRequest {
		return p.inner.Serve(ctx, req, reply)
	}
	switch {
	case req.Method == mcp.MethodListTools && (p.varies || v.profile.Name != profiles.None):
		return p.inner.Serve(ctx, req, &viewedList{Reply: reply, view: v})
	case req.Method == mcp.MethodCallTool:
		if c, ok := ctx.Value(calledKey{}).(*calledAs); ok {
			return c.err(p.inner.Serve(ctx, req, &calledReply{Reply: reply, called: c}))
		}
	}
	return p.inner.Serve(ctx, req, reply)
}

// viewedList sends a list as a view has it.
type viewedList struct {
	mcp.Reply
	view *view
}

// Result sends the list.
func (l *viewedList) Result(result jsontext.Value) error {
	made, err := l.view.list(result)
	if err != nil {
		return err
	}
	return l.Reply.Result(made)
}

// Relay reads the list out of another server's answer.
func (l *viewedList) Relay(status int, header http.Header, body io.Reader) error {
	return relayResult(l.Reply, status, header, body, l.Result)
}

// list is the result of tools/list for the view.
func (v *view) list(result jsontext.Value) (jsontext.Value, error) {
	var key listKey
	if v.server.constant && len(result) > 0 {
		key.first, key.length = &result[0], len(result)
	} else {
		key.sum = sha256.Sum256(result)
	}
	v.mu.Lock()
	known, ok := v.lists[key]
	v.mu.Unlock()
	if ok {
		return known, nil
	}
	made, err := v.adapt(result)
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.size += len(made); v.lists == nil || v.size > maxViewBytes || len(v.lists) >= maxViewLists {
		v.lists, v.size = map[listKey]jsontext.Value{}, len(made)
	}
	v.lists[key] = made
	return made, nil
}

// adapt makes a list for the view.
func (v *view) adapt(result jsontext.Value) (jsontext.Value, error) {
	var edits []mcp.Edit
	if span, ok := mcp.Lookup(result, "tools"); ok && result[span.Start] == '[' {
		var definitions []jsontext.Value
		var names []string
		err := mcp.EachElement(result[span.Start:span.End], func(item jsontext.Value) error {
			definitions, names = append(definitions, bytes.Clone(item)), append(names, member(item, "name"))
			return nil
		})
		if err != nil {
			return nil, err
		}
		edits = append(edits, mcp.Edit{Span: span, Text: v.definitions(definitions, names)})
	}
	if span, ok := mcp.Lookup(result, "cacheScope"); ok && v.server.varies {
		edits = append(edits, mcp.Edit{Span: span, Text: []byte(`"private"`)})
	}
	return mcp.Splice(result, edits...), nil
}

// definitions are those of a list for the view, as an array.
func (v *view) definitions(list []jsontext.Value, names []string) []byte {
	all := names
	if c := v.server.catalog; c != nil && v.server.constant {
		all = c.names()
	}
	made := v.profile.Names(all)
	out := []byte{'['}
	for i, definition := range list {
		known := names[i]
		if other, ok := made[known]; ok {
			known = other
		}
		tool, err := v.profile.Adapt(definition, known)
		if err != nil { // clients may refuse it; that is theirs to say
			v.server.gateway.log.Warn("the definition of a tool cannot be adapted for a client", "server", v.server.name, "profile", v.profile.Name, "tool", names[i], "error", err)
		}
		if known != names[i] && err == nil || tool.Arguments != nil {
			v.know(known, knownTool{name: names[i], arguments: tool.Arguments})
		}
		out = append(appendComma(out), tool.Definition...)
	}
	v.tell(len(list))
	return append(out, ']')
}

// tell says once that there are more tools than clients take, where build could not.
func (v *view) tell(tools int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if limit := v.profile.Tools; limit > 0 && tools > limit && !v.server.constant && !v.told {
		v.told = true
		v.server.gateway.log.Warn("a server lists more tools than clients take: select some, or publish them by search", "server", v.server.name, "profile", v.profile.Name, "tools", tools, "limit", limit)
	}
}

func (v *view) know(name string, tool knownTool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.tools == nil || len(v.tools) >= maxViewTools && !v.server.constant { // a snapshot has as many as it has
		v.tools = map[string]knownTool{}
	}
	v.tools[name] = tool
}

// find is what a name of a call stands for. A server that lists its tools when it runs
// is asked for them where the call has a name that only a list can explain.
func (v *view) find(ctx context.Context, req *mcp.Request, name string) (knownTool, bool) {
	if c := v.server.catalog; c != nil && v.server.constant {
		return v.ofCatalog(c, name)
	}
	v.mu.Lock()
	known, ok := v.tools[name]
	now := v.server.gateway.services.Time()
	ask := !ok && (v.asked.IsZero() || now.Sub(v.asked) >= askAgain)
	if ask {
		v.asked = now
	}
	v.mu.Unlock()
	if !ask {
		return known, ok
	}
	definitions, err := listDefinitions(ctx, v.server.inner, req)
	if err != nil {
		v.server.gateway.log.Warn("a server does not list its tools, so it is not known what a client's name for one stands for", "server", v.server.name, "profile", v.profile.Name, "error", err)
		return known, false
	}
	names := make([]string, len(definitions))
	for i, definition := range definitions {
		names[i] = member(definition, "name")
	}
	v.definitions(definitions, names)
	v.mu.Lock()
	defer v.mu.Unlock()
	known, ok = v.tools[name]
	return known, ok
}

// ofCatalog is find for tools whose names the snapshot has.
func (v *view) ofCatalog(c *catalog, name string) (knownTool, bool) {
	v.mu.Lock()
	named := v.named
	v.mu.Unlock()
	if !named {
		for original, made := range v.profile.Names(c.names()) {
			v.mu.Lock()
			_, ok := v.tools[made]
			v.mu.Unlock()
			if !ok {
				v.know(made, knownTool{name: original})
			}
		}
		v.mu.Lock()
		v.named = true
		v.mu.Unlock()
	}
	v.mu.Lock()
	known, ok := v.tools[name]
	v.mu.Unlock()
	if !ok {
		known.name = name
	}
	t := c.tools[known.name]
	if known.arguments != nil || t == nil || t.load() != nil {
		return known, ok
	}
	var err error
	if known.arguments, err = v.profile.Arguments(t.record.InputSchema); err != nil || known.arguments == nil {
		return known, ok
	}
	v.know(name, known)
	return known, true
}

// names are those of all tools of the lists.
func (c *catalog) names() []string {
	names := c.snapshot.Tools(c.name)
	if c.manifest.PollTool != "" {
		names = append(slices.Clip(names), c.manifest.PollTool)
	}
	return names
}

package mcpproxy

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"toolgate/shared/mcp"
)

// directory remembers who has what of one kind. It knows as much as the lists
// said when they were last read, and is no authority: the member is.
type directory struct {
	known   atomic.Pointer[entries]
	filling sync.Mutex // one at a time
}

// entries are read-only.
type entries struct {
	byName    map[string]entry // by public name, URI or URI template
	templates []template       // in the order of the members
	at        time.Time
}

// entry is one item of a member.
type entry struct {
	member       int
	name, public string
}

const (
	// namePause is the least time between two readings of the lists that unknown
	// names give rise to; uriPause is that for URIs, of which many are never
	// listed.
	namePause = 5 * time.Second
	uriPause  = time.Minute
)

func (d *directory) load() *entries { return d.known.Load() }

func (d *directory) store(byName map[string]entry, templates []template, at time.Time) {
	d.known.Store(&entries{byName, templates, at})
}

// find returns the entry of a name.
func (d *directory) find(name string) (entry, bool) {
	known := d.load()
	if known == nil {
		return entry{}, false
	}
	e, ok := known.byName[name]
	return e, ok
}

// refresh reads a list, unless that was done within the pause.
func (f *Federation) refresh(ctx context.Context, req *mcp.Request, method string, pause time.Duration) error {
	d := f.directories[method]
	d.filling.Lock()
	defer d.filling.Unlock()
	if known := d.load(); known != nil && f.now().Sub(known.at) < pause {
		return nil
	}
	_, err := f.fill(ctx, req, method)
	return err
}

// named serves a request that names a tool or prompt at span, which the given
// method lists.
func (f *Federation) named(ctx context.Context, req *mcp.Request, reply mcp.Reply, method string, span mcp.Span) error {
	name := req.Text(span)
	m, inner, err := f.owner(ctx, req, method, name)
	switch {
	case err != nil:
		return err
	case m == nil && method == mcp.MethodListTools:
		return UnknownTool(name)
	case m == nil:
		return UnknownPrompt(name)
	}
	out, err := rename(req, span, inner)
	if err != nil {
		return err
	}
	return m.Server.Serve(withMember(ctx, m), forMember(out), reply)
}

// owner finds the member that has a tool or prompt, and the member's name for
// it; nil when there is none.
func (f *Federation) owner(ctx context.Context, req *mcp.Request, method, name string) (*member, string, error) {
	matching, bare := f.candidates(name)
	if len(matching) == 1 && len(bare) == 0 && len(name) < maxName {
		return matching[0], matching[0].inner(name), nil // whatever the lists say
	}
	d := f.directories[method]
	e, ok := d.find(name)
	if !ok {
		if err := f.refresh(ctx, req, method, namePause); err != nil {
			return nil, "", err
		}
		e, ok = d.find(name)
	}
	switch {
	case ok:
		return &f.members[e.member], e.name, nil
	case len(matching) > 0:
		// It may be one that could not be asked; if not, it knows best.
		return matching[0], matching[0].inner(name), nil
	case len(bare) == 1:
		return bare[0], name, nil
	}
	return nil, "", nil
}

// candidates are the members that a name may belong to by its prefix, and those
// that have none.
func (f *Federation) candidates(name string) (matching, bare []*member) {
	for i := range f.members {
		switch m := &f.members[i]; {
		case m.Bare:
			bare = append(bare, m)
		case strings.HasPrefix(name, m.Prefix+"_"):
			matching = append(matching, m)
		}
	}
	return matching, bare
}

func (m *member) inner(name string) string { return strings.TrimPrefix(name, m.Prefix+"_") }

// forMember is the request as a member may see it. A session id would be
// another server's.
func forMember(req *mcp.Request) *mcp.Request {
	if _, ok := req.Header[mcp.HeaderSessionID]; !ok {
		return req
	}
	out := *req
	out.Header = req.Header.Clone()
	delete(out.Header, mcp.HeaderSessionID)
	return &out
}

// read answers resources/read: by the member that lists the URI, or a template
// that it matches, or else by the first that knows it.
func (f *Federation) read(ctx context.Context, req *mcp.Request, reply mcp.Reply) error {
	uri := req.Text(req.Name)
	m := f.ownerOfURI(uri)
	if m == nil {
		for _, method := range []string{mcp.MethodListResources, mcp.MethodListResourceTemplates} {
			if err := f.refresh(ctx, req, method, uriPause); err != nil {
				return err
			}
		}
		m = f.ownerOfURI(uri)
	}
	if m == nil {
		return f.inOrder(ctx, req, reply, "unknown resource %q")
	}
	return m.Server.Serve(ctx, forMember(req), reply)
}

func (f *Federation) ownerOfURI(uri string) *member {
	if e, ok := f.directories[mcp.MethodListResources].find(uri); ok {
		return &f.members[e.member]
	}
	known := f.directories[mcp.MethodListResourceTemplates].load()
	if known == nil {
		return nil
	}
	for _, t := range known.templates {
		if t.matches(uri) {
			return &f.members[t.member]
		}
	}
	return nil
}

// complete answers completion/complete: by the member whose prompt or resource
// template is referred to.
func (f *Federation) complete(ctx context.Context, req *mcp.Request, reply mcp.Reply) error {
	ref := req.Bytes(req.Ref)
	if text(lookup(ref, "type")) == refPrompt {
		span, ok := mcp.Lookup(ref, "name")
		if !ok {
			return mcp.Errorf(mcp.CodeInvalidParams, "params.ref names no prompt")
		}
		span.Start, span.End = span.Start+req.Ref.Start, span.End+req.Ref.Start
		return f.named(ctx, req, reply, mcp.MethodListPrompts, span)
	}
	uri := text(lookup(ref, "uri"))
	if err := f.refresh(ctx, req, mcp.MethodListResourceTemplates, uriPause); err != nil {
		return err
	}
	if e, ok := f.directories[mcp.MethodListResourceTemplates].find(uri); ok {
		return f.members[e.member].Server.Serve(ctx, forMember(req), reply)
	}
	return f.inOrder(ctx, req, reply, "unknown reference %q")
}

// inOrder has one member after the other try, until one knows what is asked
// for. unknown is the message when none does.
func (f *Federation) inOrder(ctx context.Context, req *mcp.Request, reply mcp.Reply, unknown string) error {
	req = forMember(req)
	var failed error
	for i := range f.members {
		c := new(collector)
		a := f.try(ctx, &f.members[i], c, req)
		if a.err == nil {
			return c.replay(reply)
		}
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if !unknownTo(a.err) && failed == nil {
			failed = fail(a.err)
		}
	}
	if failed != nil {
		return failed
	}
	asked := req.Text(req.Name)
	if req.Method == mcp.MethodReadResource {
		return UnknownResource(req.Version, asked)
	}
	return mcp.Errorf(mcp.CodeInvalidParams, unknown, asked)
}

// try gives a member as long as it has to answer a question.
func (f *Federation) try(ctx context.Context, m *member, c *collector, req *mcp.Request) answer {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	return c.ask(ctx, m.Server, req)
}

// unknownTo reports whether a member answered that it does not know what was
// asked for.
func unknownTo(err error) bool {
	e, ok := errors.AsType[*mcp.Error](err)
	if !ok {
		return false
	}
	switch e.Code {
	case mcp.CodeInvalidParams, mcp.CodeResourceNotFound, mcp.CodeMethodNotFound:
		return true
	}
	return false
}

package mcpproxy

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json/jsontext"
)

// Member is one server of a federation.
type Member struct {
	// Name is the server's name in the configuration.
	Name string
	// Prefix stands before the names of its tools and prompts, joined by "_";
	// empty is Name.
	Prefix string
	// Bare leaves the names as they are. Of two tools of one name that of the
	// earlier member is published.
	Bare   bool
	Server mcp.Server
	// Shows tells whether the caller of a context is shown an item of the member, by
	// the method that lists it and by the name that the member lists; nil shows all.
	// Lists of the member are whole: what a federation knows of it serves all callers.
	Shows func(ctx context.Context, method, name string) bool
}

// FederationOptions describe a federation.
type FederationOptions struct {
	// Name is the federation's name in the configuration.
	Name string
	// Implementation is what it calls itself.
	Implementation mcp.Implementation
	// Instructions are for the model; empty: those of the members, each under
	// the member's name.
	Instructions string
	Members      []Member
	// Timeout bounds what a member may take to list what it has; 0 is 10 s. A
	// call has the client's time.
	Timeout time.Duration
	// Hint is how long and for whom answers may be kept at most; what members
	// say of theirs shortens it.
	Hint mcp.CacheHint
	// Log receives what operators should know; nil discards it.
	Log *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

const (
	defaultMemberTimeout = 10 * time.Second
	// degradedTTL bounds how long a list may be kept that lacks a member: it may
	// be back soon.
	degradedTTL = 5 * time.Second
)

// Keys of _meta in results of a federation: members that could not be asked,
// and names that an earlier member has already.
const (
	metaUnavailable = "toolgate/unavailable"
	metaOmitted     = "toolgate/omitted"
)

// Federation is one MCP server made of several. It is safe for concurrent use
// and has nothing to close.
type Federation struct {
	name         string
	info         jsontext.Value
	instructions string
	members      []member
	timeout      time.Duration
	hint         mcp.CacheHint
	log          *slog.Logger
	now          func() time.Time

	// directories remember who has what, for the methods that list it.
	directories map[string]*directory
}

var _ mcp.Server = (*Federation)(nil)

// member is a Member and what it said of itself last.
type member struct {
	Member
	said atomic.Pointer[discovery]
}

// NewFederation makes a federation.
func NewFederation(o FederationOptions) *Federation {
	f := &Federation{
		name: o.Name, info: mcp.AppendImplementation(nil, o.Implementation), instructions: o.Instructions,
		members: make([]member, len(o.Members)),
		timeout: o.Timeout, hint: o.Hint, log: o.Log, now: o.Now,
		directories: make(map[string]*directory, len(kinds)),
	}
	for i, m := range o.Members {
		if m.Prefix == "" {
			m.Prefix = m.Name
		}
		f.members[i].Member = m
	}
	if f.timeout <= 0 {
		f.timeout = defaultMemberTimeout
	}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	f.log = f.log.With("server", f.name)
	if f.now == nil {
		f.now = time.Now
	}
	for method := range kinds {
		f.directories[method] = new(directory)
	}
	return f
}

// Serve answers one request: by the federation itself, or by the member that
// has what is asked for.
func (f *Federation) Serve(ctx context.Context, req *mcp.Request, reply mcp.Reply) error {
	if req.Kind != mcp.KindRequest {
		return nil // the federation has no session that it could belong to
	}
	switch req.Method {
	case mcp.MethodDiscover, mcp.MethodInitialize:
		return f.discover(ctx, req, reply)
	case mcp.MethodListTools, mcp.MethodListPrompts, mcp.MethodListResources, mcp.MethodListResourceTemplates:
		return f.list(ctx, req, reply)
	case mcp.MethodCallTool:
		return f.named(ctx, req, reply, mcp.MethodListTools, req.Name)
	case mcp.MethodGetPrompt:
		return f.named(ctx, req, reply, mcp.MethodListPrompts, req.Name)
	case mcp.MethodReadResource:
		return f.read(ctx, req, reply)
	case mcp.MethodComplete:
		return f.complete(ctx, req, reply)
	case mcp.MethodGetTask, mcp.MethodUpdateTask, mcp.MethodCancelTask:
		return f.task(ctx, req, reply)
	}
	own := mcp.Discovery{ServerInfo: f.info}
	if done, err := own.Answer(req, reply); done {
		return err
	}
	return mcp.MethodNotFound(req.Method)
}

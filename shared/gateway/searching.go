package gateway

import (
	"context"
	"net/http"
	"strings"

	"toolgate/shared/mcp"
	"toolgate/shared/openapi"
	"toolgate/shared/search"
	"toolgate/shared/snapshot"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// searching is a server that lists the tools by which its own are found, described and
// called. It stands behind the policies, and before the guard: a call by call_tool has
// become one of the tool itself before anything looked at it (see [exchange.targeted]),
// so that policies, rules, approvals, limits and caches are those of the tool.
type searching struct {
	inner   mcp.Server
	guard   *guard // nil: all tools are for whoever may use the server
	catalog *searchedCatalog
	listed  *searchedList // of a server whose tools are listed when it runs; nil for a catalog
	info    jsontext.Value
	hint    mcp.CacheHint
}

// searching puts the search of a server before it, where its tools are found by one.
func (a *assembly) searching(s *snapshot.Server, e endpoint) endpoint {
	if !s.Search {
		return e
	}
	made := &searching{inner: e.Server, info: a.serverInfo(s), hint: a.listHint(s)}
	made.hint.Public = true // the three tools are the same for everybody
	lister := e.Server
	if g, ok := e.Server.(*guarded); ok {
		made.guard, lister = g.guard, g.inner
	}
	if c, ok := innermost(e.Server).(*catalog); ok {
		made.catalog = &searchedCatalog{catalog: c}
	} else {
		a.gateway.caches = true // lists are kept for the caller that was given them
		made.listed = newSearchedList(s.Name, lister, a.snapshot.Limits.ListTTL, a.gateway)
	}
	e.Server, e.searches = made, true
	return e
}

// searched are the tools of a server for one caller, with their index.
type searched interface {
	index() *search.Index
	// definition is that of a tool; nil for one that there is none of.
	definition(name string) (jsontext.Value, error)
}

// tools are those of the server for the caller of a request.
func (s *searching) tools(ctx context.Context, req *mcp.Request) (searched, error) {
	if s.listed != nil {
		return s.listed.of(ctx, req)
	}
	return s.catalog, s.catalog.load()
}

// Serve answers what is about the search, and has the server answer the rest.
func (s *searching) Serve(ctx context.Context, req *mcp.Request, reply mcp.Reply) error {
	if req.Kind != mcp.KindRequest {
		return s.inner.Serve(ctx, req, reply)
	}
	switch {
	case req.Method == mcp.MethodListTools:
		return s.list(req, reply)
	case req.Method != mcp.MethodCallTool:
		return s.inner.Serve(ctx, req, reply)
	}
	args := req.Bytes(req.Arguments)
	switch req.Text(req.Name) {
	case search.SearchTools:
		return s.find(ctx, req, reply, args)
	case search.DescribeTool:
		return s.describe(ctx, req, reply, args)
	case search.CallTool: // one that names no tool
		return s.fail(req, reply, "Not called: give the name of a tool as \"name\", and its arguments as the object \"arguments\"; search_tools finds tools.")
	}
	mirrored, err := s.mirror(ctx, req)
	if err != nil {
		return err
	}
	return s.inner.Serve(ctx, mirrored, reply)
}

// list answers tools/list.
func (s *searching) list(req *mcp.Request, reply mcp.Reply) error {
	if cursor := req.Bytes(req.Cursor); cursor != nil && cursor.Kind() != 'n' {
		return mcp.Errorf(mcp.CodeInvalidParams, "the cursor %s is not one of this list; start again without", cursor)
	}
	out := append(make([]byte, 0, len(search.Definitions)+512), `{"tools":`+search.Definitions...)
	out = mcp.AppendCacheHint(out, req.Version, s.hint)
	return reply.Result(append(mcp.AppendResultMembers(out, req.Version, s.info), '}'))
}

// find answers a search with what the caller may call.
func (s *searching) find(ctx context.Context, req *mcp.Request, reply mcp.Reply, args jsontext.Value) error {
	var wanted struct {
		Query string `json:"query"`
		Limit *int   `json:"limit"`
	}
	limit := search.DefaultLimit
	if err := json.Unmarshal(args, &wanted); err != nil || strings.TrimSpace(wanted.Query) == "" {
		return s.fail(req, reply, "Not searched: give what is to be done as the text \"query\", and the most tools to answer with, from 1 to 20, as the number \"limit\" if you like.")
	}
	if wanted.Limit != nil {
		limit = max(1, min(*wanted.Limit, search.MaxLimit))
	}
	tools, err := s.tools(ctx, req)
	if err != nil {
		return err
	}
	out := []byte(`{"tools":[`)
	for _, hit := range tools.index().Search(wanted.Query, limit, s.shown(ctx)) {
		out = append(appendComma(out), `{"name":`...)
		out = mcp.AppendString(out, hit.Name)
		out = mcp.AppendString(append(out, `,"description":`...), hit.Summary)
		if hit.Arguments != "" {
			out = mcp.AppendString(append(out, `,"arguments":`...), hit.Arguments)
		}
		out = append(out, '}')
	}
	return s.answer(req, reply, append(out, `]}`...))
}

// shown tells which tools the caller may call; nil: all.
func (s *searching) shown(ctx context.Context) func(name string) bool {
	if s.guard == nil {
		return nil
	}
	v, shown := visitorOf(ctx), s.guard.shown(mcp.MethodListTools)
	if shown == nil {
		return nil
	}
	return func(name string) bool { return shown(v, name) }
}

// describe answers with the definition of a tool.
func (s *searching) describe(ctx context.Context, req *mcp.Request, reply mcp.Reply, args jsontext.Value) error {
	name := member(args, "name")
	tools, err := s.tools(ctx, req)
	if err != nil {
		return err
	}
	definition, err := tools.definition(name)
	if err != nil {
		return err
	}
	if shown := s.shown(ctx); definition == nil || shown != nil && !shown(name) {
		return s.fail(req, reply, "There is no such tool here; give the name of one as \"name\". search_tools finds them.")
	}
	return s.answer(req, reply, definition)
}

// answer answers with a text that is JSON.
func (s *searching) answer(req *mcp.Request, reply mcp.Reply, text []byte) error {
	out := mcp.AppendString([]byte(`{"content":[{"type":"text","text":`), string(text))
	out = mcp.AppendResultMembers(append(out, `}]`...), req.Version, s.info)
	return reply.Result(append(out, '}'))
}

// fail answers with a result that has isError set, for the model to read.
func (s *searching) fail(req *mcp.Request, reply mcp.Reply, message string) error {
	noteFailed(reply, nil)
	out := openapi.AppendErrorResult([]byte{'{'}, message)
	return reply.Result(append(mcp.AppendResultMembers(out, req.Version, s.info), '}'))
}

type targetedKey struct{}

// mirror gives a call that came by call_tool the headers that repeat its arguments: a
// client cannot know which arguments of the tool they are (2026-07-28,
// basic/transports, custom headers).
func (s *searching) mirror(ctx context.Context, req *mcp.Request) (*mcp.Request, error) {
	if !req.Version.Modern() || ctx.Value(targetedKey{}) == nil {
		return req, nil
	}
	tools, err := s.tools(ctx, req)
	if err != nil {
		return nil, err
	}
	definition, err := tools.definition(req.Text(req.Name))
	if err != nil || definition == nil {
		return req, err // the server says that it has no such tool
	}
	schema, _ := mcp.Lookup(definition, "inputSchema")
	params, err := mcp.ParamHeaders(definition[schema.Start:schema.End])
	if err != nil || len(params) == 0 {
		return req, err
	}
	mirrored := *req
	mirrored.Header = req.Header.Clone()
	if err := mcp.SetParamHeaders(params, req.Bytes(req.Arguments), mirrored.Header); err != nil {
		return nil, err
	}
	return &mirrored, nil
}

// targeted makes a call of call_tool the call of the tool that it names, in place. One
// that names none stays as it is.
func (x *exchange) targeted(ctx context.Context, req *mcp.Request) (context.Context, error) {
	if req.Method != mcp.MethodCallTool || req.Text(req.Name) != search.CallTool {
		return ctx, nil
	}
	args := req.Bytes(req.Arguments)
	name, hasName := mcp.Lookup(args, "name")
	inner, hasInner := mcp.Lookup(args, "arguments")
	target := member(args, "name")
	if !hasName || target == "" || search.Publishes(target) || hasInner && args[inner.Start] != '{' && args[inner.Start] != 'n' {
		return ctx, nil
	}
	own := []byte("{}")
	if hasInner && args[inner.Start] == '{' {
		own = args[inner.Start:inner.End]
	}
	raw := mcp.Splice(req.Raw, mcp.Edit{Span: req.Name, Text: args[name.Start:name.End]}, mcp.Edit{Span: req.Arguments, Text: own})
	message, err := mcp.Scan(raw, x.gateway.depth)
	if err != nil {
		return ctx, err
	}
	header := make(http.Header, len(req.Header))
	for key, values := range req.Header {
		if !strings.HasPrefix(key, mcp.HeaderParamPrefix) {
			header[key] = values
		}
	}
	if header[mcp.HeaderName] != nil {
		header[mcp.HeaderName] = []string{mcp.EncodeHeader(target)}
	}
	req.Message, req.Header = message, header
	x.call.Via = search.CallTool
	return context.WithValue(ctx, targetedKey{}, true), nil
}

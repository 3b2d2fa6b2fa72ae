package mcpproxy

import (
	"context"
	"errors"
	"time"

	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json/jsontext"
)

// paramHeaders are the arguments of a server's tools that are repeated in
// headers. It is read-only. A modern server is sent them for a legacy client; a
// legacy server knows nothing of them, so they are checked here.
type paramHeaders struct {
	tools  map[string][]mcp.ParamHeader // those that have any
	faulty map[string]bool              // tools that must not be called
	until  time.Time
}

const (
	// paramsTTL is the least time that the list of tools is kept for, even where
	// the server asks for less: it says itself when a header is wrong, and the
	// list is read again then.
	paramsTTL = 5 * time.Minute
	// maxPages bounds the pages of a list that are read.
	maxPages = 1000
)

// paramHeaders returns what of a tool's arguments goes into headers. anew reads
// the tools again. Where they cannot be read the call is made without: most
// tools have none, and a server refuses a call that lacks them.
func (p *Proxy) paramHeaders(ctx context.Context, tool string, anew bool) ([]mcp.ParamHeader, error) {
	known := p.params.Load()
	if anew || known == nil || !p.now().Before(known.until) {
		var err error
		known, err = p.listing.join(ctx, &p.background, p.listParams).wait(ctx)
		if ctx.Err() != nil {
			return nil, err
		}
		if err != nil {
			p.log.Debug("the tools' headers are not known", "error", err)
			return nil, nil
		}
	}
	if known.faulty[tool] {
		return nil, UnknownTool(tool)
	}
	return known.tools[tool], nil
}

// listParams reads all pages of tools/list.
func (p *Proxy) listParams(ctx context.Context) (*paramHeaders, error) {
	found := &paramHeaders{tools: map[string][]mcp.ParamHeader{}, faulty: map[string]bool{}}
	ttl, said, vetted := paramsTTL, jsontext.Value(nil), p.vetting.survey()
	err := p.eachPage(ctx, func(result jsontext.Value) error {
		_, err := elements(result, func(dst []byte, tool jsontext.Value) ([]byte, error) {
			vetted.add(tool)
			return found.add(dst, tool)
		})
		if said = lookup(result, "ttlMs"); said != nil {
			ttl = max(ttl, milliseconds(said))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	found.until = p.now().Add(ttl)
	p.params.Store(found)
	vetted.finish(p.now(), said)
	return found, nil
}

// eachPage visits the results of tools/list, all pages of it.
func (p *Proxy) eachPage(ctx context.Context, visit func(result jsontext.Value) error) error {
	cursor := jsontext.Value(nil)
	for range maxPages {
		result, err := p.listTools(ctx, cursor)
		if e, ok := errors.AsType[*mcp.Error](err); ok && e.Code == mcp.CodeMethodNotFound {
			return nil // no tools
		}
		if err != nil {
			return err
		}
		if err := visit(result); err != nil {
			return &unreadable{err}
		}
		next := lookup(result, "nextCursor")
		if next.Kind() != '"' || string(next) == string(cursor) {
			return nil
		}
		cursor = next
	}
	return nil
}

// Tools asks the server for its tools, in the gateway's own name, and returns
// their definitions as the server has them.
func (p *Proxy) Tools(ctx context.Context) ([]jsontext.Value, error) {
	var tools []jsontext.Value
	err := p.eachPage(ctx, func(result jsontext.Value) error {
		_, err := elements(result, func(dst []byte, tool jsontext.Value) ([]byte, error) {
			tools = append(tools, tool)
			return dst, nil
		})
		return err
	})
	return tools, fail(err)
}

// listTools reads a page of tools/list: on the gateway's own session for the
// caller where there is one or the server is a legacy one, and without where the
// server knows no sessions.
func (p *Proxy) listTools(ctx context.Context, cursor jsontext.Value) (jsontext.Value, error) {
	member := ""
	if cursor != nil {
		member = `"cursor":` + string(cursor)
	}
	s, err := p.sessionForList(ctx)
	for again := false; s != nil && err == nil; again = true {
		result, err := s.result(ctx, mcp.MethodListTools, "{"+member+"}")
		p.done(s)
		if again || cursor != nil || !errors.Is(err, errSessionLost) {
			return result, err
		}
		p.own.drop(s)
		if s, err = p.session(ctx); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, err
	}
	if member != "" {
		member = "," + member
	}
	return p.ownRequest(ctx, mcp.MethodListTools, member)
}

// sessionForList is the session on which tools are listed; nil where none is
// needed. Whoever gets it returns it with done.
func (p *Proxy) sessionForList(ctx context.Context) (*session, error) {
	_, c := callerOf(ctx)
	if s := p.own.take(c); s != nil {
		return s, nil
	}
	if !p.sse {
		e, err := p.era(ctx)
		if err != nil || e.modern {
			return nil, err
		}
	}
	return p.session(ctx)
}

// checkParams compares the headers of a modern client with the arguments that
// they repeat, for a server that cannot.
func (p *Proxy) checkParams(ctx context.Context, req *mcp.Request) error {
	if req.Method != mcp.MethodCallTool || !req.Version.Modern() {
		return nil
	}
	headers, err := p.paramHeaders(ctx, req.Text(req.Name), false)
	if err != nil {
		return err
	}
	return mcp.CheckParamHeaders(headers, req.Bytes(req.Arguments), req.Header)
}

// add takes note of a tool; the list itself is not kept.
func (f *paramHeaders) add(dst []byte, tool jsontext.Value) ([]byte, error) {
	name := text(lookup(tool, "name"))
	headers, err := mcp.ParamHeaders(lookup(tool, "inputSchema"))
	switch {
	case err != nil:
		f.faulty[name] = true
	case len(headers) > 0:
		f.tools[name] = headers
	}
	return dst, nil
}

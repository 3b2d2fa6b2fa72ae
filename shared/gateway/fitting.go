package gateway

import (
	"context"
	"errors"
	"fmt"

	"toolgate/shared/config"
	"toolgate/shared/mcp"
	"toolgate/shared/openapi"
	"toolgate/shared/projection"
	"toolgate/shared/snapshot"

	"github.com/go-json-experiment/json/jsontext"
)

// fitting is a server of which models are shown a part of the results of some tools.
// It stands before the cache, which keeps whole results, so that one that is kept
// serves all its pages, and behind approvals and rules: each page is a call.
type fitting struct {
	inner   mcp.Server
	name    string
	info    jsontext.Value
	tools   map[string]*fitted
	ofAPI   bool // results are those of the gateway, whose definitions were made at build
	depth   int
	gateway *Gateway
}

// fitted is what becomes of the results of one tool.
type fitted struct {
	shape  projection.Shape
	text   string // the expression; empty for none
	budget projection.Budget
}

// fitting puts what makes results fit before a server, where some have to.
func (a *assembly) fitting(s *snapshot.Server, inner mcp.Server) (mcp.Server, error) {
	if len(s.ToolResults) == 0 {
		return inner, nil
	}
	made := &fitting{
		inner: inner, name: s.Name, info: a.serverInfo(s), tools: make(map[string]*fitted, len(s.ToolResults)),
		ofAPI: s.API != nil, depth: a.snapshot.Limits.Depth, gateway: a.gateway,
	}
	var errs []error
	for name, r := range s.ToolResults {
		f, err := newFitted(r, a.snapshot.Limits.ResultBytes)
		if err != nil {
			errs = append(errs, fmt.Errorf("the results of tool %q: %w", name, err))
			continue
		}
		made.tools[name] = f
		if !f.shape.Paged || a.gateway.pages != nil {
			continue
		}
		a.gateway.pages, err = sealer(&a.snapshot.Manifest, a.options, "page")
		errs = append(errs, err)
	}
	return made, errors.Join(errs...)
}

func newFitted(r *config.Result, limit int) (*fitted, error) {
	f := &fitted{text: r.Select, budget: projection.Budget{Items: r.PageSize, Bytes: limit}}
	if r.MaxBytes > 0 {
		f.budget.Bytes = r.MaxBytes
	}
	f.shape.Paged = r.PageSize > 0
	if r.Select == "" {
		return f, nil
	}
	var err error
	f.shape.Select, err = projection.Compile(r.Select)
	return f, err
}

// Serve has the server answer, and makes results fit.
func (s *fitting) Serve(ctx context.Context, req *mcp.Request, reply mcp.Reply) error {
	if req.Kind != mcp.KindRequest {
		return s.inner.Serve(ctx, req, reply)
	}
	if req.Method == mcp.MethodListTools && !s.ofAPI {
		return s.inner.Serve(ctx, req, &fittedList{Reply: reply, fitting: s})
	}
	f := s.tools[req.Text(req.Name)]
	if req.Method != mcp.MethodCallTool || f == nil {
		return s.inner.Serve(ctx, req, reply)
	}
	plain, cursor, err := s.withoutCursor(req)
	if err != nil {
		return err
	}
	call := &fittedReply{Reply: reply, fitting: s, tool: f, req: plain}
	if f.shape.Paged {
		if call.context, err = s.cursorContext(ctx, f, plain); err != nil {
			return mcp.Errorf(mcp.CodeInvalidParams, "arguments cannot be read")
		}
		if call.from, err = s.openCursor(cursor, call.context); err != nil {
			return call.fail("Not called: the "+projection.CursorArgument+" is not one that this tool gave you for these arguments. Take it from the result before as it is, and leave the other arguments as they were; or begin again without.", err)
		}
	}
	return s.inner.Serve(ctx, plain, call)
}

// fail answers with a result that has isError set.
func (r *fittedReply) fail(message string, cause error) error {
	r.Failed(cause)
	out := openapi.AppendErrorResult([]byte{'{'}, message)
	return r.Reply.Result(append(mcp.AppendResultMembers(out, r.req.Version, r.fitting.info), '}'))
}

package gateway

import (
	"context"
	"errors"
	"net/http"

	"toolgate/shared/backend"
	"toolgate/shared/expr"
	"toolgate/shared/mcp"
	"toolgate/shared/policy"
)

// governed is a server with its policies: they run around every message.
type governed struct {
	inner mcp.Server
	name  string
	// streams says that inner may send notifications or relay a stream; others
	// answer with one result.
	streams bool
	rulings rulings // with tools as parts
	around  *surroundings
	depth   int
	catalog *catalog // whose tools they are; nil for other servers
}

// serveFunc answers a message, as mcp.Server does.
type serveFunc func(ctx context.Context, req *mcp.Request, reply mcp.Reply) error

// pipelineOf is the pipeline for a message under a product; nil when no policy
// governs it.
func (s *governed) pipelineOf(ctx context.Context, req *mcp.Request, product *expr.Product) *policy.Pipeline {
	return s.rulings.under(product).of(s.catalog.toolOf(ctx, req))
}

// Serve answers a message that came by way of a federation: the policies of
// the member run as well, on an exchange of their own.
func (s *governed) Serve(ctx context.Context, req *mcp.Request, reply mcp.Reply) error {
	outer := exchangeOf(ctx)
	if outer == nil {
		return s.inner.Serve(ctx, req, reply)
	}
	x := &policy.Exchange{Context: outer.Context}
	x.Api, x.Response, x.LastError = s.around.api, nil, nil
	request := *outer.Request
	request.Headers, request.Body = outer.Request.Headers.Clone(), policy.NewBody(req.Raw)
	x.Request = &request
	x.Inherit(outer)
	return s.serve(ctx, x, req, reply, s.inner.Serve)
}

// serve runs the policies around a message that serve answers.
func (s *governed) serve(ctx context.Context, x *policy.Exchange, req *mcp.Request, reply mcp.Reply, serve serveFunc) error {
	p, few := s.decide(ctx, req, x)
	f := &forwarding{governed: s, pipeline: p, exchange: x, req: req, reply: reply, serve: serve}
	o := &f.operation
	o.ID, o.Name, o.Method, o.URLTemplate = req.Method, req.Method, http.MethodPost, "/mcp"
	describe(&f.mcp, s.name, req)
	if s.catalog != nil && s.catalog.manifest.LongRunning {
		f.mcp.ToolName = s.catalog.toolOf(ctx, req) // also of a call that is asked for
	}
	x.Operation, x.Mcp = &f.operation, &f.mcp
	if x.Mcp.ToolName != "" {
		x.Operation.ID, x.Operation.Name = x.Mcp.ToolName, x.Mcp.ToolName
	}
	ctx = withExchange(ctx, x)
	_, takesResponse := reply.(responder)
	switch {
	case few != nil && (p == nil || !takesResponse): // whoever sends the response has the challenge sent
		return few
	case p == nil:
		return serve(ctx, req, reply)
	}
	defer f.finish(ctx)
	if few != nil { // before any policy, as at the door
		x.SetResponseHeader("Www-Authenticate", few.challenge())
		p.Refuse(ctx, x, few.refusal())
		return f.send()
	}
	x.Forward = f.forward
	err := p.Inbound(ctx, x)
	if err == nil && p.Forwards() {
		return f.straight(ctx)
	}
	p.Continue(ctx, x, err)
	return f.send()
}

// decide is the pipeline for a message, and the refusal of a caller who lacks scopes
// for it. What a caller may not use is unknown to them: it has no policies of its own
// either.
func (s *governed) decide(ctx context.Context, req *mcp.Request, x *policy.Exchange) (*policy.Pipeline, *scopeError) {
	inner := s.inner
	if p, ok := inner.(*profiled); ok {
		inner = p.inner
	}
	if f, searches := inner.(*searching); searches {
		inner = f.inner
	}
	g, ok := inner.(*guarded)
	if !ok {
		return s.pipelineOf(ctx, req, x.Product), nil
	}
	v, err := g.guard.decide(ctx, visitorOf(ctx), req)
	if v == denied {
		return s.rulings.under(x.Product).pipeline, nil
	}
	few, _ := errors.AsType[*scopeError](err)
	return s.pipelineOf(ctx, req, x.Product), few
}

// failureOf is the failure behind an error of a server that policies handle; nil for
// an answer that they see as a response.
func (f *forwarding) failureOf(ctx context.Context, err error) error {
	if few, ok := errors.AsType[*scopeError](err); ok {
		f.exchange.SetResponseHeader("Www-Authenticate", few.challenge())
		return few.refusal()
	}
	if failed := connectionFailure(err); failed != nil {
		return failed
	}
	if ended := ctx.Err(); ended != nil && errors.Is(err, ended) { // while the server waited for something
		reason := backend.Cancelled
		if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
			reason = backend.Timeout
		}
		return forwardError(&backend.Error{Reason: reason, Err: err})
	}
	return nil
}

// connectionFailure is the failure of forward-request behind an error of a
// server; nil when the backend was reached.
func connectionFailure(err error) error {
	e, ok := errors.AsType[*backend.Error](err)
	if !ok {
		return nil
	}
	return forwardError(e)
}

// forwardError is the failure of forward-request.
func forwardError(e *backend.Error) *policy.Error {
	reason := policy.ReasonBackendConnectionFailure
	switch e.Reason {
	case backend.Timeout:
		reason = policy.ReasonTimeout
	case backend.Cancelled:
		reason = policy.ReasonClientConnectionFailure
	case backend.Unreachable, backend.Refused, backend.Tripped, backend.Unauthorized:
	}
	failed := policy.NewError("forward-request", reason)
	failed.Cause = e
	if e.Reason == backend.Unauthorized {
		failed.Message, failed.Public = e.Public(), true
	}
	if e.Reason == backend.Tripped { // every member of a pool, or the only one
		failed.Status, failed.Message, failed.Public = http.StatusServiceUnavailable, "The backend is not available.", true
	}
	return failed
}

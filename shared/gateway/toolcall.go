package gateway

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"toolgate/shared/backend"
	"toolgate/shared/expr"
	"toolgate/shared/mcp"
	"toolgate/shared/openapi"
	"toolgate/shared/policy"
)

// pipeline are the policies of the API and of the operation, under the product that
// the call is under; nil: there are none.
func (t *tool) pipeline(ctx context.Context) *policy.Pipeline {
	var product *expr.Product
	if outer := exchangeOf(ctx); outer != nil {
		product = outer.Product
	}
	return t.catalog.rulings.under(product).of(t.record.Operation.ID)
}

// govern sends the request of a tool through the policies of the API and of the
// operation. Where they failed, failure is what went wrong.
func (t *tool) govern(ctx context.Context, pipeline *policy.Pipeline, d *destination, target *url.URL, bound *openapi.Request, answer *backendAnswer) (failure, err error) {
	made := t.exchange(ctx, target, bound)
	p, call := &made.exchange, &made.call
	call.gateway, call.exchange, call.destination, call.base = t.catalog.gateway, p, d, d.url()
	call.follows = t.record.LongRunning != nil
	p.SetTarget(call.base, bound.Path, bound.RawQuery)
	failure, err = t.run(ctx, pipeline, made, answer)
	answer.url, answer.backend = call.sent, p.BackendID
	answer.free = p.BackendID == "" && p.Service() != call.base
	if answer.free {
		answer.base = p.Service()
	} else if chosen := t.catalog.gateway.backends[p.BackendID]; chosen != nil {
		answer.base = chosen.url()
	}
	return failure, err
}

// run runs a pipeline around the request of an exchange and reads the response.
func (t *tool) run(ctx context.Context, pipeline *policy.Pipeline, made *toolExchange, answer *backendAnswer) (failure, err error) {
	p := &made.exchange
	made.call.looks = true // the result is made of the response's body
	p.Forward = made.call.forward
	pipeline.Run(ctx, p)
	defer p.End(ctx)
	if p.Failure != nil { // as an error, nil is none
		failure = p.Failure
	}
	answer.StatusCode, answer.Header = p.Response.StatusCode, p.Response.Headers
	answer.Body, answer.Truncated, err = readResponse(p.Response, max(maxBinary, t.catalog.limits.ResultBytes))
	return failure, err
}

// withHeaders puts the headers that policies set on the MCP message into the
// request of a tool; the client's own stop at the gateway. They are the request's
// from then on, for its policies to change, and no longer the context's.
func withHeaders(ctx context.Context, h http.Header) context.Context {
	outer := exchangeOf(ctx)
	if outer == nil || len(outer.ChangedHeaders()) == 0 {
		return ctx
	}
	for _, name := range outer.ChangedHeaders() {
		if v := outer.Request.Headers[name]; v != nil && !ownOfMessage[name] {
			h[name] = slices.Clip(v) // theirs to append to
		}
	}
	return backend.WithHeader(ctx, nil)
}

// toolExchange is the exchange of a tool's request with what it begins with, in
// one piece of memory.
type toolExchange struct {
	exchange  policy.Exchange
	request   expr.Request
	operation expr.Operation
	call      restCall
}

// exchange makes the exchange of the request.
func (t *tool) exchange(ctx context.Context, target *url.URL, bound *openapi.Request) *toolExchange {
	c := &toolExchange{}
	p, r := &c.exchange, &c.request
	if outer := exchangeOf(ctx); outer != nil {
		p.Context = outer.Context
		p.Response, p.LastError = nil, nil
		r.OriginalURL, r.IPAddress, r.Certificate = outer.Request.OriginalURL, outer.Request.IPAddress, outer.Request.Certificate
		p.Inherit(outer)
	} else {
		original := *target
		r.OriginalURL = &original
	}
	r.Method, r.Headers, r.URL = bound.Method, bound.Header, target
	p.Request = r
	around := t.catalog.source
	p.Api, p.Deployment = around.api, around.deployment
	if p.Product != nil && t.catalog.rulings[p.Product.ID] == nil {
		p.Product = nil // the API is not in it
	}
	o := &t.record.Operation
	c.operation.ID, c.operation.Name, c.operation.Method, c.operation.URLTemplate = o.ID, o.ID, o.Method, o.URLTemplate
	p.Operation = &c.operation
	if bound.Body != nil {
		p.Request.Body = policy.NewBody(bound.Body)
	}
	var query url.Values
	if len(t.template.query) > 0 {
		query = target.Query()
	}
	p.Request.MatchedParameters, _ = t.template.match(strings.Split(strings.Trim(bound.Path, "/"), "/"), query)
	return c
}

// ownOfMessage are headers of the MCP message rather than of the call of a tool.
var ownOfMessage = map[string]bool{
	"Accept": true, "Content-Type": true, "Content-Length": true,
	mcp.HeaderProtocolVersion: true, mcp.HeaderSessionID: true, mcp.HeaderMethod: true, mcp.HeaderName: true, mcp.HeaderLastEventID: true,
}

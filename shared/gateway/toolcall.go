package gateway

import (
	"context"
	"net/url"
	"strings"

	"toolgate/shared/expr"
	"toolgate/shared/mcp"
	"toolgate/shared/openapi"
	"toolgate/shared/policy"
)

// govern sends the request of a tool through the policies of the API and of the
// operation.
func (t *tool) govern(ctx context.Context, d *destination, target *url.URL, bound *openapi.Request) (*openapi.Response, error) {
	p := t.exchange(ctx, target, bound)
	call := &restCall{
		gateway: t.catalog.gateway, exchange: p, destination: d, base: d.url(),
		looks: true, // the result is made of the response's body
	}
	p.SetPath(bound.Path, bound.RawQuery)
	p.SetService(call.base)
	p.Forward = call.forward
	t.pipeline.Run(ctx, p)
	defer p.End(ctx)
	if outer := exchangeOf(ctx); outer != nil && p.Failure != nil {
		outer.Failure = p.Failure
	}
	body, truncated, err := readResponse(p.Response, max(maxBinary, t.catalog.limits.ResultBytes))
	if err != nil {
		return nil, err
	}
	return &openapi.Response{StatusCode: p.Response.StatusCode, Header: p.Response.Headers, Body: body, Truncated: truncated}, nil
}

// exchange makes the exchange of the request. Of the MCP message's headers it
// has those that policies set: the client's own stop at the gateway.
func (t *tool) exchange(ctx context.Context, target *url.URL, bound *openapi.Request) *policy.Exchange {
	p := &policy.Exchange{}
	original := *target
	p.Request = &expr.Request{Method: bound.Method, Headers: bound.Header, OriginalURL: &original, URL: target}
	if outer := exchangeOf(ctx); outer != nil {
		p.Context = outer.Context
		p.Response, p.LastError = nil, nil
		p.Request = &expr.Request{
			Method: bound.Method, Headers: bound.Header, OriginalURL: outer.Request.OriginalURL, URL: target,
			IPAddress: outer.Request.IPAddress, Certificate: outer.Request.Certificate,
		}
		p.Context.Request = p.Request
		p.Inherit(outer)
		for _, name := range outer.ChangedHeaders() {
			if v := outer.Request.Headers[name]; v != nil && !ownOfMessage[name] {
				bound.Header[name] = v
			}
		}
	}
	around := t.catalog.source
	p.Api, p.Product, p.Deployment = around.api, around.product, around.deployment
	o := &t.record.Operation
	p.Operation = &expr.Operation{ID: o.ID, Name: o.ID, Method: o.Method, URLTemplate: o.URLTemplate}
	if bound.Body != nil {
		p.Request.Body = policy.NewBody(bound.Body)
	}
	p.Request.MatchedParameters, _ = t.template.match(strings.Split(strings.Trim(bound.Path, "/"), "/"), target.Query())
	return p
}

// ownOfMessage are headers of the MCP message rather than of the call of a tool.
var ownOfMessage = map[string]bool{
	"Accept": true, "Content-Type": true, "Content-Length": true,
	mcp.HeaderProtocolVersion: true, mcp.HeaderSessionID: true, mcp.HeaderMethod: true, mcp.HeaderName: true, mcp.HeaderLastEventID: true,
}

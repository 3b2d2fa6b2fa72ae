package gateway

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"sync"

	"toolgate/shared/expr"
	"toolgate/shared/policy"
	"toolgate/shared/snapshot"
)

// api is a REST API that plain HTTP clients reach under a path. What it serves
// are its operations; the policies of the API and of the operation run around
// each request.
type api struct {
	*snapshot.SourceAPI
	gateway    *Gateway
	around     *surroundings
	entrance   *entrance // nil: no keys are looked at
	backends   []*destination
	rulings    rulings // with operations as parts
	once       sync.Once
	operations operations
	err        error
}

// load reads the operations when the API is first called.
func (a *api) load(s *snapshot.Snapshot) error {
	a.once.Do(func() {
		var list []snapshot.Operation
		list, a.err = s.Operations(a.Name)
		a.operations = newOperations(list)
	})
	return a.err
}

// apiOf finds the API of a path, that with the longest, and what follows it.
func (g *Gateway) apiOf(path string) (*api, string) {
	path = strings.TrimPrefix(path, "/")
	for _, a := range g.apis { // the longest path first
		rest, ok := strings.CutPrefix(path, a.Path)
		if ok && (rest == "" || rest[0] == '/' || a.Path == "") {
			return a, "/" + strings.TrimPrefix(rest, "/")
		}
	}
	return nil, ""
}

// serves tells whether an API at the root has an operation for a path, such as the
// root itself, which the gateway otherwise answers.
func (a *api) serves(r *http.Request, path string, s *snapshot.Snapshot) bool {
	if a.load(s) != nil {
		return false
	}
	o, _ := a.operations.find(r.Method, path, r.URL.Query())
	return o != nil
}

// serveAPI answers a request to an API.
func (x *exchange) serveAPI(a *api, rest string) {
	x.plain = true
	if err := a.load(x.gateway.snapshot); err != nil {
		x.fail(err)
		return
	}
	x.server, x.call.Method = a.Name, x.r.Method
	x.beginTrace(a.Name)
	refusal := cmp.Or(x.identify(a.entrance), x.unrecordedAPI())
	query := x.r.URL.Query()
	o, matched := a.operations.find(x.r.Method, rest, query)
	if o == nil && x.r.Method == http.MethodOptions { // a preflight, for the operation that will be asked for
		o, matched = a.operations.find(x.r.Header.Get("Access-Control-Request-Method"), rest, query)
	}
	ctx := x.watch(x.r.Context(), nil)
	p := x.newExchange(a.around)
	if x.r.Body != nil && x.r.Body != http.NoBody {
		p.Request.Body = policy.NewStream(http.MaxBytesReader(x.w, x.r.Body, x.gateway.maxBody), x.r.ContentLength)
	}
	call := &restCall{gateway: x.gateway, exchange: p, plain: true}
	p.Forward = call.forward
	ctx = withExchange(ctx, p)
	defer p.End(ctx)
	rules := a.rulings.under(p.Product)
	if o == nil {
		x.refuse(ctx, rules.pipeline, p, cmp.Or(refusal, operationNotFound()))
		return
	}
	x.call.Name = o.ID
	p.Operation = &expr.Operation{ID: o.ID, Name: o.ID, Method: o.Method, URLTemplate: o.URLTemplate}
	p.Request.MatchedParameters = matched
	if refusal != nil {
		x.refuse(ctx, rules.of(o.ID), p, refusal)
		return
	}
	p.SetPath(rest, x.r.URL.RawQuery)
	if o.Backend >= 0 && o.Backend < len(a.backends) {
		call.destination = a.backends[o.Backend]
		call.base = call.destination.url()
		p.SetService(call.base)
	}
	x.run(ctx, rules.of(o.ID), p, call, o.Method != x.r.Method)
}

// run runs the pipeline of an operation and sends the response. A preflight
// that no policy answered is not for the backend.
func (x *exchange) run(ctx context.Context, pipeline *policy.Pipeline, p *policy.Exchange, call *restCall, preflight bool) {
	if preflight {
		p.Forward = func(context.Context, policy.ForwardOptions) error {
			return operationNotFound()
		}
	}
	if pipeline == nil {
		pipeline = x.gateway.plain
	}
	call.looks = pipeline.Reads(policy.Outbound).Response || pipeline.Reads(policy.OnError).Response
	pipeline.Run(ctx, p)
	x.sendResponse(p)
}

func operationNotFound() *policy.Error {
	e := policy.NewError("configuration", policy.ReasonOperationNotFound)
	e.Shown = "Resource not found"
	return e
}

func (x *exchange) sendResponse(p *policy.Exchange) {
	if p.Failure != nil {
		x.call.Err = p.Failure
	}
	if err := x.respond(p.Response, false); err != nil {
		x.call.Err = err
	}
}

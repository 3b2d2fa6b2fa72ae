package gateway

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"toolgate/shared/mcp"
	"toolgate/shared/policy"
	"toolgate/shared/trace"

	"github.com/go-json-experiment/json"
)

// Headers of request tracing, as API Management has them
// (https://learn.microsoft.com/azure/api-management/api-management-howto-api-inspector).
const (
	debugHeader        = "Apim-Debug-Authorization"
	traceIDHeader      = "Apim-Trace-Id"
	debugExpiredHeader = "Apim-Debug-Authorization-Expired"
	debugWrongHeader   = "Apim-Debug-Authorization-Wrongapi" // as net/http writes it: names are the same in any case
)

// keepTraceTimeout bounds the time that a client which traces waits at the end.
const keepTraceTimeout = 5 * time.Second

// traceKeeper makes what keeps the traces of holders of debug tokens; nil where the
// gateway has no store for them, or no key that whoever issues tokens can have too.
func (a *assembly) traceKeeper() (*trace.Keeper, error) {
	o := a.options
	if o.Traces == nil || len(a.snapshot.SealingKey.Parts) == 0 && o.SealingSecret == nil {
		return nil, nil
	}
	secret, err := sealingSecret(&a.snapshot.Manifest, o)
	if err != nil {
		return nil, err
	}
	seals, err := trace.NewSealer(secret)
	if err != nil {
		return nil, err
	}
	return &trace.Keeper{Store: o.Traces, Sealer: seals, Now: o.Services.Now}, nil
}

// record is what of a request is recorded, and for whom.
type record struct {
	*trace.Recorder
	keep      bool // for the holder of a debug token
	requestID string
	// bodies is how many bytes of bodies are shown; with some, what was asked is shown
	// as well.
	bodies int
	// beside is the call as the live gateway and the candidate share it; nil where it is
	// not run through a candidate.
	beside *besideCall
}

// beginTrace begins to record the request to a server or an API, where its debug
// token or the host asks for that. Nobody behind the gateway sees the token.
func (x *exchange) beginTrace(name string) {
	g := x.gateway
	sent := x.r.Header[debugHeader]
	if sent == nil && g.trace == nil && g.shadow == nil {
		return
	}
	beside := x.beginShadow()
	if sent == nil && g.trace == nil && beside == nil {
		return
	}
	made := &record{bodies: g.traceBodies, beside: beside}
	if sent != nil {
		x.r = x.r.WithContext(x.r.Context()) // a copy: the server's own is not to be changed
		x.r.Header = maps.Clone(x.r.Header)
		delete(x.r.Header, debugHeader)
		if t, err := x.debugToken(name, sent); err == nil {
			made.keep, made.bodies = true, max(made.bodies, t.Bodies)
		}
	}
	if !made.keep && g.trace == nil && beside == nil {
		return
	}
	made.Recorder = trace.Begin(trace.Options{Now: g.services.Now, Redact: g.redact, Bodies: made.bodies, Request: g.shadow.hears(beside)})
	made.LearnHeader(x.r.Header)
	x.call.TraceID = made.ID()
	if made.keep {
		x.w.Header().Set(traceIDHeader, made.ID())
	}
	x.record = made
	g.recording.Add(1)
	x.r = x.r.WithContext(made.Root().Context(x.r.Context()))
}

// debugToken reads a debug token for a server or an API. A token that is not good
// has the request served without a trace, and a header of the response says why; of
// one that is none of ours, nothing is said.
func (x *exchange) debugToken(name string, sent []string) (trace.Token, error) {
	g := x.gateway
	if g.traces == nil || len(sent) != 1 {
		return trace.Token{}, trace.ErrToken
	}
	t, err := g.traces.Sealer.Open(strings.TrimSpace(sent[0]), name, g.services.Time())
	switch {
	case errors.Is(err, trace.ErrTokenExpired):
		x.w.Header().Set(debugExpiredHeader, "The token expired at "+t.Expires.UTC().Format(time.RFC3339)+".")
	case errors.Is(err, trace.ErrTokenServer):
		x.w.Header().Set(debugWrongHeader, "The token is for "+strconv.Quote(t.Server)+".")
	}
	return t, err
}

// endTrace keeps the trace, and tells the host.
func (x *exchange) endTrace() {
	r, g := x.record, x.gateway
	t := trace.Trace{Server: x.server, Method: x.call.Method, Name: x.call.Name, Status: x.status, Failed: x.call.Failed, RequestID: r.requestID}
	if t.Method == "" {
		t.Method = x.r.Method
	}
	if x.req != nil {
		t.Name = x.req.Text(x.req.Name)
	}
	if x.call.Err != nil {
		t.Error = x.call.Err.Error()
	}
	if r.bodies > 0 {
		t.Call = x.tracedCall()
	}
	g.recording.Add(-1)
	if r.beside != nil && g.shadow != nil && g.trace == nil && !r.keep {
		g.shadow.end(x, func() *trace.Trace { return r.Take(t) })
		return
	}
	taken := r.Take(t)
	if r.beside != nil {
		x.endShadow(taken)
	}
	if g.trace != nil {
		g.trace(taken)
	}
	if !r.keep {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.r.Context()), keepTraceTimeout)
	defer cancel()
	if err := g.traces.Put(ctx, taken); err != nil {
		g.log.Error("a trace is not kept", "server", x.server, "traceId", taken.ID, "error", err)
		return
	}
	g.log.Info("traced", "server", x.server, "traceId", taken.ID, "requestId", r.requestID)
}

// tracedCall is what the message asked for, or the request to an API, and who called;
// nil for a larger message than bodies are shown of, and for a request to an API with a
// body, which is not kept.
func (x *exchange) tracedCall() *trace.Call {
	c := &trace.Call{IP: x.clientAddress()}
	switch {
	case x.req != nil:
		params := x.req.Bytes(x.req.Params)
		if len(params) > x.record.bodies {
			return nil
		}
		c.Params, c.Revision = params.Clone(), string(x.req.Version)
	case x.plain && x.r.ContentLength == 0:
		c.Target = trace.Target(x.r.URL)
	default:
		return nil
	}
	for name, values := range x.r.Header {
		if x.plain || !ofProtocol[name] {
			c.AddHeader(name, values)
		}
	}
	if p := x.caller.principal; p != nil {
		c.Claims, _ = json.Marshal(p.claims, json.Deterministic(true)) // they were read from JSON
	}
	if s := x.caller.subscription; s != nil {
		c.Subscription = s.ID
	}
	if p := x.caller.product; p != nil {
		c.Product = p.ID
	}
	return c
}

// ofProtocol are headers that follow from what a message says.
var ofProtocol = map[string]bool{
	"Accept": true, "Content-Type": true, "Content-Length": true, mcp.HeaderProtocolVersion: true, mcp.HeaderSessionID: true,
	mcp.HeaderMethod: true, mcp.HeaderName: true, mcp.HeaderLastEventID: true,
}

// serveTrace answers GET /{name}/trace/{id} with a trace of the server or API, for
// whoever has a debug token for it; false for other paths, and for requests without
// a token, which APIs may have use for.
func (g *Gateway) serveTrace(x *exchange) bool {
	sent := x.r.Header[debugHeader]
	if sent == nil || g.traces == nil {
		return false
	}
	name, id, ok := strings.Cut(strings.TrimPrefix(x.r.URL.Path, "/"), "/trace/")
	if !ok || strings.Contains(name, "/") || x.r.Method != http.MethodGet {
		return false
	}
	x.server, x.call.Method, x.plain = name, "trace", true
	if _, err := x.debugToken(name, sent); err != nil {
		x.failTrace(http.StatusUnauthorized, err)
		return true
	}
	t, err := g.traces.Get(x.r.Context(), id, name)
	switch {
	case errors.Is(err, trace.ErrNotFound):
		x.failTrace(http.StatusNotFound, err)
	case err != nil:
		x.fail(err)
	default:
		x.w.Header().Set("Cache-Control", "no-store")
		x.send(http.StatusOK, t.JSON())
	}
	return true
}

func (x *exchange) failTrace(status int, err error) {
	x.call.Err = err
	x.send(status, fmt.Appendf(nil, `{"statusCode":%d,"message":%s}`, status, mcp.AppendString(nil, err.Error())))
}

// step begins a step of the gateway; nil, of which everything may be asked, where
// the request is not traced.
func (x *exchange) step(name string) *trace.Span {
	if x.record == nil {
		return nil
	}
	return x.record.Root().Step(name)
}

// stepOf is step, where the request is known by the context of its call. Nobody looks
// for it there while no request is recorded.
func (g *Gateway) stepOf(ctx context.Context, name string) *trace.Span {
	if g.recording.Load() == 0 {
		return nil
	}
	return trace.Of(ctx).Step(name)
}

// endStep ends a step that may have ended with a refusal.
func endStep(s *trace.Span, refusal *policy.Error) {
	if refusal != nil {
		s.Refuse(refusal)
		return
	}
	s.End(nil)
}

// tracedIdentify is find, for a request that is traced.
func (x *exchange) tracedIdentify(e *entrance) *policy.Error {
	for _, key := range x.r.Header[e.header] {
		x.record.Learn(key)
	}
	if key, _, found := cutParameter(x.r.URL.RawQuery, e.query); found {
		x.record.Learn(key)
	}
	s := x.step("subscription key")
	refusal := x.find(e)
	if sub := x.caller.subscription; sub != nil {
		s.Say("detail", "subscription", sub.ID)
	} else if refusal == nil {
		s.Say("detail", "subscription", "none, and none is needed")
	}
	if p := x.caller.product; p != nil {
		s.Say("detail", "product", p.ID)
	}
	endStep(s, refusal)
	return refusal
}

// tracedAuthorize is pass, for a request that is traced.
func (x *exchange) tracedAuthorize(s endpoint) *policy.Error {
	step := x.step("authorization")
	refusal := x.pass(s)
	if p := x.caller.principal; p != nil {
		step.Say("detail", "issuer", p.issuer)
		if p.client != "" {
			step.Say("detail", "client", p.client)
		}
		if p.user != nil {
			step.Say("detail", "user", p.user.ID)
		}
		step.Say("detail", "scopes", strings.Join(p.scopes, " "))
	}
	if s.door.allow != nil {
		step.Say("detail", "allow", x.visitor().why(s.door.allow))
	}
	endStep(step, refusal)
	return refusal
}

// tell records who may use the tool that a message names.
func (g *guard) tell(v *visitor, req *mcp.Request, err error) {
	if v == nil || v.of.record == nil || req.Method != mcp.MethodCallTool {
		return
	}
	name := req.Text(req.Name)
	r := g.tools[name]
	if r == nil && err == nil {
		return
	}
	step := v.of.step("allow")
	step.Say("detail", "tool", name)
	if r != nil {
		step.Say("detail", "allow", v.why(r))
	}
	if err != nil {
		step.Refuse(err)
		return
	}
	step.End(nil)
}

// why says which alternative of a rule holds, or what each of them lacks.
func (v *visitor) why(r *rule) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var lacks []string
	for i := range r.alternatives {
		a := &r.alternatives[i]
		if v.meets(a).verdict == allowed {
			return fmt.Sprintf("alternative %d of %d holds", i+1, len(r.alternatives))
		}
		lacks = append(lacks, fmt.Sprintf("alternative %d: %s", i+1, v.lacks(a)))
	}
	return strings.Join(lacks, "; ")
}

// lacks says what an alternative asks for that the visitor does not have.
func (v *visitor) lacks(a *alternative) string {
	p, product := v.caller.principal, v.caller.product
	var missing []string
	miss := func(what string, wanted []string, has bool) {
		if wanted != nil && !has {
			missing = append(missing, what+" "+strings.Join(wanted, " or "))
		}
	}
	miss("the product", a.Products, product != nil && slices.Contains(a.Products, product.ID))
	miss("the role", a.Roles, p != nil && p.has("roles", a.Roles))
	miss("the group", a.Groups, p != nil && p.has("groups", a.Groups))
	for _, c := range a.Claims {
		miss("the claim "+c.Name, c.Values, p != nil && p.has(c.Name, c.Values))
	}
	if a.Scopes != nil && (p == nil || !p.hasScopes(a.Scopes)) {
		missing = append(missing, "the scopes "+strings.Join(a.Scopes, " and "))
	}
	if len(missing) == 0 {
		return "its expression is not true"
	}
	return "the caller has not " + strings.Join(missing, ", nor ")
}

// traceMessage records what a message was read as.
func (x *exchange) traceMessage(req *mcp.Request, fault error) {
	s := x.step("message")
	s.Say("detail", "method", req.Method)
	s.Say("detail", "revision", string(req.Version))
	if name := req.Text(req.Name); name != "" {
		s.Say("detail", "name", name)
	}
	s.End(fault)
}

// traceExchange has the policies of an exchange recorded.
func (x *exchange) traceExchange(p *policy.Exchange) {
	p.Tracer = policy.JoinTracers(p.Tracer, x.record.Root())
	p.Tracing = x.record.keep || x.record.beside != nil // a host that looks on changes nothing
	x.record.requestID = p.RequestID.String()
	if x.record.beside != nil {
		x.record.beside.requestID = p.RequestID
	}
	outer := p.Trace
	p.Trace = func(message string) {
		p.Note(policy.NoteMessage, "context.Trace", message)
		outer(message)
	}
}

// traceResult records the result of a tool.
func (g *Gateway) traceResult(ctx context.Context, size int, failed bool, cause error) {
	s := g.stepOf(ctx, "result")
	if s == nil {
		return
	}
	s.Say("body", "result", strconv.Itoa(size)+" bytes")
	if failed {
		s.Say("detail", "isError", "true")
		if cause != nil {
			s.Say("detail", "cause", cause.Error())
		}
	}
	s.End(nil)
}

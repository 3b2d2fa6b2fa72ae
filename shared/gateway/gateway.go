// Package gateway is the corridor: it knows what comes after what. A request of
// a client is admitted, read, matched to a revision of the protocol and handed
// to its server; what comes back is written in the form that the client's
// revision asks for. Errors become bytes here and nowhere else.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"toolgate/shared/approval"
	"toolgate/shared/audit"
	"toolgate/shared/authserver"
	"toolgate/shared/connection"
	"toolgate/shared/expr"
	"toolgate/shared/mcp"
	"toolgate/shared/mcpproxy"
	"toolgate/shared/policy"
	"toolgate/shared/seal"
	"toolgate/shared/snapshot"
	"toolgate/shared/state"
	"toolgate/shared/telemetry"
	"toolgate/shared/trace"
)

// Options are what the host gives a gateway.
type Options struct {
	// Secrets resolves a reference such as "env:ORDERS_KEY". Nil: none resolve.
	Secrets func(ref string) (string, error)
	// AnyHost accepts any Host header, for platforms that route by it and hide
	// the handler from anything else.
	AnyHost bool
	// Transport carries requests to backends; nil is the default.
	Transport http.RoundTripper
	// Connections keeps the OAuth connections of get-authorization-context; nil: a
	// configuration with providers of some keeps the gateway from being made.
	Connections state.Store
	// ShareTokens has instances share the access tokens of backends by Services.Cache,
	// sealed by the sealing key, where gateway.yaml names one. It is for a cache that
	// is over a store which all instances have.
	ShareTokens bool
	// AWS signs requests to services of AWS; nil: this host cannot.
	AWS Signer
	// Files are the files of the configuration that hold private keys, below its
	// folder or that of the snapshot; nil: there are none.
	Files fs.FS
	// SealingSecret is used when the configuration names no sealing key; nil
	// makes one that no other instance knows.
	SealingSecret []byte
	// AddressHeaders are those in which the platform in front says from which address
	// a request came, whatever the client sent: the first that has an address counts.
	// Nil takes the address of the connection.
	AddressHeaders []string
	// CertificateHeader is the one in which the platform in front hands on the
	// certificate of a client, and no other; empty: it has none.
	CertificateHeader string
	// Services are what policies reach beyond the gateway itself. What the
	// gateway makes (Sender, Backends, Schemas) takes precedence; where Sink is
	// nil, policies report to the log. Their clock is that of circuit breakers
	// as well.
	Services policy.Services
	// Subscriptions find the subscriptions of keys; nil: there are none, and a
	// server or an API that requires one keeps the gateway from being made.
	Subscriptions policy.Subscriptions
	// Streams hands the messages of HTTP+SSE, the legacy transport, to the instance
	// with the stream; nil: a message is served only where its stream is, as it has
	// to be where there is one instance.
	Streams state.Store
	// SignIns keeps the sign-ins of the authorization server, where the gateway is
	// one; nil: clients carry them, and none can be ended.
	SignIns state.Store
	// Approvals remembers which approvals of calls were used, and those that were
	// given on a page; nil: this instance alone knows.
	Approvals state.Store
	// Random has the bytes of request ids, and of what expressions make of
	// chance; nil is the system's. It is read concurrently.
	Random io.Reader
	// Log receives what operators should know; nil discards it.
	Log *slog.Logger
	// Telemetry records what calls leave behind; nil: nothing is recorded. It outlives
	// the gateway, whose configuration [OpenTelemetry] made it of.
	Telemetry *telemetry.Recorder
	// Audit records calls; nil: they are not recorded. It outlives the gateway, whose
	// configuration [OpenAudit] made it of.
	Audit *audit.Trail
	// Observe is told of every request after its answer; nil is none. It must
	// return quickly and may be called concurrently.
	Observe func(Call)
	// Traces keeps what happened to the requests of holders of a debug token; nil, or
	// no sealing key that is known elsewhere: no token is good.
	Traces state.Store
	// Trace is told what happened to every request, after its answer; nil: only
	// requests with a debug token are recorded. TraceBodies is how many bytes of
	// bodies it is told.
	Trace       func(*trace.Trace)
	TraceBodies int
	// Shadow has the candidate of the snapshot, where it has one, run beside the live
	// configuration; nil: it is not run.
	Shadow *ShadowOptions
}

// Gateway serves the MCP endpoints of one snapshot. It is an http.Handler, safe
// for concurrent use, and never changes: a new configuration is a new Gateway.
type Gateway struct {
	manifest  snapshot.Manifest
	servers   map[string]endpoint
	admission admission
	depth     int
	maxBody   int64
	index     []byte
	health    []byte
	log       *slog.Logger
	observe   func(Call)
	observing *observing // nil: nothing is recorded
	audit     *auditing  // nil: nothing is recorded for the audit

	// Of gateways with policies or APIs:
	snapshot      *snapshot.Snapshot
	public        *url.URL // nil: reached on loopback only
	addresses     clientAddresses
	bodyTimeout   time.Duration // zero is the constant of the name
	services      policy.Services
	subscriptions policy.Subscriptions // nil: there are none
	random        io.Reader            // nil: the system's
	transport     http.RoundTripper    // nil: the default
	egress        http.RoundTripper    // of requests whose URLs policies made
	certificates  certificates
	connections   *connection.Keeper  // nil: there are no providers
	clients       *clientCertificates // nil: certificates of clients are not looked at
	backends      backends
	apis          []*api             // the longest path first
	plain         *policy.Pipeline   // of APIs without policies
	governance    *governance        // nil: there are no policies
	caches        bool               // a server keeps results, or the tools that callers were told of
	guarded       bool               // a server is not for everybody in all its parts
	consents      bool               // an upstream's access needs somebody's consent
	onlyProtected string             // the one server that takes tokens; empty: there is none, or several
	authorization *authserver.Server // nil: the gateway is no authorization server
	sse           *legacySSE         // nil: no server has clients of HTTP+SSE
	approvals     *approval.Desk     // nil: no tool waits for a person
	tasks         *seal.Sealer       // of calls that go on; nil: none do
	pages         *seal.Sealer       // of results with pages; nil: there are none
	traces        *trace.Keeper      // nil: nobody has a debug token
	trace         func(*trace.Trace) // nil: nobody is told of every request
	traceBodies   int
	recording     atomic.Int32        // requests that are being recorded
	redact        func(string) string // takes secrets out of a text
	discovery     *discovery          // nil: the gateway is no registry
	shadow        *shadowing          // nil: no candidate is run beside this gateway
	candidate     bool                // it is run beside another one, without effect
}

// endpoint is one server and what of it differs by HTTP method.
type endpoint struct {
	mcp.Server
	around   *surroundings
	entrance *entrance // nil: no keys are looked at, as for the member of a federation
	door     *door     // nil: open to everybody; the member of a federation has it in its guard
	// shows tells what callers are shown of the member of a federation; nil: all.
	shows func(ctx context.Context, method, name string) bool
	// session serves GET and DELETE; nil where sessions do not exist.
	session func(http.ResponseWriter, *http.Request)
	// legacySSE lets clients use HTTP+SSE.
	legacySSE bool
	// searches says that the tools are found by a search.
	searches bool
	// profiles are those of clients; nil: all are given the same definitions.
	profiles *profiled
}

// New assembles a gateway. The snapshot must stay open as long as the gateway
// serves. The error names every secret that cannot be resolved.
func New(s *snapshot.Snapshot, o Options) (*Gateway, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	secrets := &redactor{}
	o.Secrets, o.Log, o.Observe = secrets.recording(o.Secrets), secrets.log(o.Log), secrets.observing(o.Observe)
	g := &Gateway{
		manifest: s.Manifest, servers: make(map[string]endpoint, len(s.Servers)),
		admission: newAdmission(&s.Manifest, o.AnyHost),
		depth:     s.Limits.Depth, maxBody: int64(s.Limits.RequestBytes),
		log: o.Log, observe: o.Observe, observing: newObserving(s, o.Telemetry, secrets.text),
		snapshot: s, services: o.Services, random: o.Random, transport: o.Transport,
		subscriptions: o.Subscriptions,
		trace:         o.Trace, traceBodies: o.TraceBodies, redact: secrets.text,
		audit: newAuditing(s, o.Audit),
	}
	g.addresses = newClientAddresses(o.AddressHeaders, s.ClientAddress)
	if s.PublicURL != "" {
		g.public, _ = url.Parse(s.PublicURL) // config has checked it
	}
	g.shadow = newShadowing(g, s, &o)
	a := assembly{gateway: g, snapshot: s, options: o}
	if err := a.build(); err != nil {
		return nil, secrets.err(err)
	}
	g.index, g.health = renderIndex(&s.Manifest, s.Hash), renderHealth(s.Hash)
	return g, nil
}

// Close lets go of what the gateway's servers keep open towards upstreams, and has
// written what was spent. Calls should have ended.
func (g *Gateway) Close() error {
	errs := []error{g.flush(), g.shadow.close()}
	g.EndStreams()
	for _, s := range g.servers {
		inner := s.Server
		if governed, ok := inner.(*governed); ok {
			inner = governed.inner
		}
		if p, ok := innermost(inner).(*mcpproxy.Proxy); ok {
			errs = append(errs, p.Close())
		}
	}
	return errors.Join(errs...)
}

// ServeHTTP routes /{server}/mcp and the paths of APIs, and answers / with the
// list of servers.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := exchange{gateway: g, w: w, r: r, start: time.Now()}
	defer x.finish()
	defer x.recover()
	if err := g.admission.checkHost(r); err != nil {
		x.fail(err)
		return
	}
	name, ok := serverName(r.URL.Path)
	s, isServer := g.servers[name]
	if !ok || !isServer {
		x.pace()
		if g.serveTrace(&x) || g.serveMetadata(&x) || g.serveAuthorization(&x) || g.serveLegacySSE(&x) || g.serveApprovals(&x) || g.serveDiscovery(&x) {
			return
		}
		g.serveOther(&x, name, ok)
		return
	}
	x.server = name
	x.beginTrace(name)
	if err := g.admission.checkOrigin(r); err != nil {
		x.fail(err)
		return
	}
	x.serveServer(s)
}

// serveServer answers a request to the endpoint of a server.
func (x *exchange) serveServer(s endpoint) {
	if refusal := x.admit(s); refusal != nil {
		x.turnAway(s, refusal)
		return
	}
	if err := x.chooseProfile(s.profiles); err != nil {
		x.governHTTP(s, func(context.Context) { x.fail(err) })
		return
	}
	switch {
	case x.r.Method == http.MethodPost:
		x.post(s)
	case s.session != nil && (x.r.Method == http.MethodGet || x.r.Method == http.MethodDelete):
		x.governHTTP(s, func(ctx context.Context) { s.session(x, x.r.WithContext(ctx)) })
	case x.r.Method == http.MethodOptions: // policies may answer a preflight
		x.governHTTP(s, func(context.Context) { x.onlyPost() })
	default:
		x.onlyPost()
	}
}

// onlyPost refuses a method that the server never takes, whoever asks.
func (x *exchange) onlyPost() {
	x.w.Header().Set("Allow", http.MethodPost)
	x.failHTTP(http.StatusMethodNotAllowed, "this endpoint takes POST")
}

// serverName cuts the name out of /{server}/mcp; a trailing slash is let pass.
func serverName(path string) (string, bool) {
	path = strings.TrimSuffix(path, "/")
	name, ok := strings.CutSuffix(path, "/mcp")
	if !ok || len(name) < 2 || strings.Contains(name[1:], "/") {
		return "", false
	}
	return name[1:], true
}

// serveOther answers the requests to APIs, the root, which platforms poll for
// readiness, and refuses everything else.
func (g *Gateway) serveOther(x *exchange, server string, isEndpoint bool) {
	if x.serveConnections() {
		return
	}
	root, health := x.r.URL.Path == "/", x.r.URL.Path == healthPath
	if a, rest := g.apiOf(x.r.URL.EscapedPath()); a != nil && (!root && !health || a.serves(x.r, rest, g.snapshot)) {
		x.serveAPI(a, rest)
		return
	}
	switch {
	case isEndpoint:
		x.server = server
		x.failHTTP(http.StatusNotFound, fmt.Sprintf("there is no server %q here; GET / lists the servers", server))
	case !root && !health:
		x.failHTTP(http.StatusNotFound, "there is nothing here; MCP endpoints are at /{server}/mcp")
	case x.r.Method != http.MethodGet && x.r.Method != http.MethodHead:
		x.w.Header().Set("Allow", "GET, HEAD")
		x.failHTTP(http.StatusMethodNotAllowed, x.r.URL.Path+" takes GET")
	case health:
		x.w.Header().Set("Cache-Control", "no-store") // another instance may serve another snapshot
		x.send(http.StatusOK, g.health)
	default:
		x.send(http.StatusOK, g.index)
	}
}

// healthPath answers with the snapshot that an instance serves, and nothing else of
// it: a deployment sees there when its instances have the new one.
const healthPath = "/healthz"

// renderHealth renders the answer of [healthPath] once.
func renderHealth(hash string) []byte {
	return append(mcp.AppendString([]byte(`{"status":"ok","snapshot":`), hash), "}\n"...)
}

// renderIndex renders the answer of the root once.
func renderIndex(m *snapshot.Manifest, hash string) []byte {
	out := mcp.AppendImplementation(nil, mcp.Implementation{Name: m.Name, Title: m.Title, Version: m.Version})
	out = append(out[:len(out)-1], `,"snapshot":`...)
	out = mcp.AppendString(out, hash)
	out = append(out, `,"servers":[`...)
	for i, s := range m.Servers {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, `{"name":`...)
		out = mcp.AppendString(out, s.Name)
		out = append(out, `,"url":`...)
		out = mcp.AppendString(out, m.PublicURL+"/"+s.Name+"/mcp")
		out = append(out, '}')
	}
	return append(out, "]}\n"...)
}

// post reads one message and has it answered.
func (x *exchange) post(s endpoint) {
	body, err := x.readBody()
	if err != nil {
		x.governHTTP(s, func(context.Context) { x.fail(err) })
		return
	}
	ctx := x.withIdentity(x.r.Context())
	if isBatch(body) {
		x.batch(ctx, s, body)
		return
	}
	x.answer(ctx, s, body, &x.request, x)
}

// answer scans a message into req, checks and serves it. Errors go to the reply
// as well. Policies run for a faulty message too: who may not call is not told
// what is wrong with it.
func (x *exchange) answer(ctx context.Context, s endpoint, body []byte, req *mcp.Request, reply replier) {
	var err error
	if s.legacySSE { // of which a message has the session only now
		err = x.chooseProfile(s.profiles)
	}
	req.Header = x.r.Header
	if err == nil {
		req.Message, err = mcp.Scan(body, x.gateway.depth)
	}
	if err == nil {
		req.Version, err = mcp.Detect(&req.Message, x.r.Header)
	}
	if err == nil && s.profiles != nil {
		if ctx, err = x.asClient(ctx, s.profiles, req); err == nil {
			body = req.Raw
		}
	}
	if err == nil && s.searches {
		if ctx, err = x.targeted(ctx, req); err == nil {
			body = req.Raw
		}
	}
	reply.begin(req)
	ctx = x.withAuditNote(x.watchMessage(ctx, req, reply), reply)
	if err == nil && req.Kind != mcp.KindResponse && !mcp.Served(req.Method, req.Version) {
		err = mcp.MethodNotFound(req.Method)
	}
	if err == nil {
		err = x.unrecorded(req)
	}
	if x.record != nil {
		x.traceMessage(req, err)
	}
	governed, isGoverned := s.Server.(*governed)
	var serve serveFunc
	switch fault := err; {
	case fault != nil:
		serve = func(context.Context, *mcp.Request, mcp.Reply) error { return fault }
	case isGoverned:
		serve = governed.inner.Serve
	default:
		serve = s.Serve
	}
	switch {
	case isGoverned:
		p := x.newExchange(governed.around)
		p.Request.Body = policy.NewBody(body)
		err = governed.serve(ctx, p, req, reply, serve)
	case (x.gateway.governance != nil || x.record != nil) && err == nil: // the API of a tool may have policies
		p := x.newExchange(s.around)
		p.Mcp = &expr.Mcp{}
		describe(p.Mcp, x.server, req)
		err = serve(withExchange(ctx, p), req, reply)
	default:
		err = serve(ctx, req, reply)
	}
	reply.end(err)
}

// governHTTP runs the policies of a server before a request that is no
// JSON-RPC message. The context that then gets has the headers that they set.
func (x *exchange) governHTTP(s endpoint, then func(context.Context)) {
	var pipeline *policy.Pipeline
	if governed, ok := s.Server.(*governed); ok {
		pipeline = governed.rulings.under(x.caller.product).pipeline
	}
	ctx := x.watch(x.r.Context(), nil)
	if pipeline == nil {
		then(ctx)
		return
	}
	p := x.newExchange(s.around)
	defer p.End(ctx)
	p.Operation = httpOperation(x.r)
	p.Mcp = &expr.Mcp{ServerName: x.server, ProtocolVersion: x.r.Header.Get(mcp.HeaderProtocolVersion)} // no method: there is no message
	if err := pipeline.Inbound(ctx, p); err != nil {
		pipeline.Continue(ctx, p, err)
		x.sendResponse(p)
		return
	}
	p.AddResponseHeaders(x.w.Header())
	then(withChanged(ctx, p))
}

// httpOperation is the operation of a request to an MCP endpoint that is no
// JSON-RPC message, or whose message was not looked at.
func httpOperation(r *http.Request) *expr.Operation {
	method := r.Method
	if asked := r.Header.Get("Access-Control-Request-Method"); method == http.MethodOptions && asked != "" {
		method = asked // a preflight is for the operation that will be asked for
	}
	return &expr.Operation{ID: method, Name: method, Method: method, URLTemplate: "/mcp"}
}

// replier is a reply with a beginning and an end.
type replier interface {
	mcp.Reply
	// begin is told the request before it is served; of a faulty message, as
	// much as could be read.
	begin(req *mcp.Request)
	// end completes the reply: with the error, or, where nothing was sent, as
	// accepted.
	end(err error)
}

// public is the error a client may see for err.
func public(err error) *mcp.Error {
	if e, ok := errors.AsType[*mcp.Error](err); ok {
		return e
	}
	return mcp.Errorf(mcp.CodeInternalError, "internal error")
}

func (x *exchange) recover() {
	if cause := recover(); cause != nil {
		x.gateway.log.Error("panic while serving", "server", x.server, "method", x.call.Method, "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
		x.fail(fmt.Errorf("panic: %v", cause))
	}
}

// sealer makes the sealer for session ids of one purpose.
func sealer(m *snapshot.Manifest, o Options, purpose string) (*seal.Sealer, error) {
	secret, err := sealingSecret(m, o)
	if err != nil {
		return nil, err
	}
	return seal.New(secret, purpose)
}

// Package mcpproxy knows what it takes to stand in front of existing MCP
// servers: [Proxy] forwards the messages of one endpoint to one server, and
// [Federation] makes one endpoint of several.
//
// A client and the server behind may be of different eras of the protocol; the
// four cells have a file each. Where both are of one era (modern.go, legacy.go)
// the server's bytes pass untouched, and only answers that must change, such as
// filtered lists, are held and edited. A modern client of a legacy server is
// served on a session of the gateway's own (session.go, upgrade.go), since it
// has none; a legacy client of a modern server has its handshake answered here
// (downgrade.go). No store is needed for any of it: what a client of a session
// must bring back travels sealed in the session's id (sealed.go).
package mcpproxy

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"sync/atomic"
	"time"

	"toolgate/shared/backend"
	"toolgate/shared/mcp"
	"toolgate/shared/seal"

	"github.com/go-json-experiment/json/jsontext"
)

// Options describe one MCP server behind the gateway and how it is published.
type Options struct {
	// Name is the server's name in the configuration. Session ids are sealed for
	// it, so that those of one server mean nothing at another.
	Name string
	// Client reaches the server: its base URL is the MCP endpoint itself.
	Client *backend.Client
	// SSE says that the server speaks HTTP+SSE, the transport of 2024-11-05, and
	// that the base URL is that of its event stream.
	SSE bool
	// ProtocolVersion is the revision to speak to the server; empty: found by
	// asking. A server of both eras that is not pinned is spoken to in the era
	// of each client.
	ProtocolVersion mcp.Version
	// Tools selects tools and changes how they look; nil publishes all as they
	// are.
	Tools []ToolSelection
	// Vetting says what may be read of the tools; the zero Vetting takes out what is
	// hidden and lets all tools pass that can be cleaned.
	Vetting Vetting
	// HideResources and HidePrompts withhold the server's resources, with their
	// templates, and its prompts.
	HideResources, HidePrompts bool
	// Subject is the access token of the caller on whose behalf the server is called
	// (see [backend.WithSubject]); nil: the server is called in the gateway's own
	// name.
	Subject func(ctx context.Context) string
	// Tracer is told of the messages to the server; nil: nobody is.
	Tracer Tracer
	// Sealer protects session ids. All instances must share its secret.
	Sealer *seal.Sealer
	// Implementation is what the gateway calls itself towards the server.
	Implementation mcp.Implementation
	// MaxMessage bounds, in bytes, an answer or event that must be held to be
	// changed; 0 is 16 MiB. What only passes through has no bound.
	MaxMessage int
	// Log receives what operators should know; nil discards it.
	Log *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

const defaultMaxMessage = 16 << 20

// Proxy is an MCP server that another one answers for. It is safe for
// concurrent use. Close it to let go of what it keeps open.
type Proxy struct {
	name    string
	client  *backend.Client
	target  *url.URL // the endpoint, with the credentials' query
	sse     bool
	pinned  mcp.Version
	rules   rules
	vetting vetting
	subject func(context.Context) string // nil: none
	tracer  Tracer                       // nil: none
	sealer  *seal.Sealer
	info    jsontext.Value // the gateway as clientInfo
	agent   []string       // User-Agent
	limit   int
	log     *slog.Logger
	now     func() time.Time

	background background

	eras   atomic.Pointer[era]
	asking flight[*era]
	// Of a modern server: what it says of itself, and which arguments of its
	// tools are repeated in headers. Like the revisions that it speaks these are
	// facts of the server, so what one caller learns serves all; a refusal, which
	// may be meant for one caller, is never kept. A caller with tools of its own
	// finds out what is amiss from the server, which tells of wrong headers.
	discovered  atomic.Pointer[discovered]
	discovering flight[*discovered]
	params      atomic.Pointer[paramHeaders]
	listing     flight[*paramHeaders]
	// Of a legacy server: the gateway's own sessions, and whether the server was
	// seen to answer without one.
	own       sessions
	opening   flight[*session]
	stateless atomic.Bool
}

var _ mcp.Server = (*Proxy)(nil)

// New makes a proxy. It does not connect before the first request.
func New(o Options) *Proxy {
	p := &Proxy{
		name: o.Name, client: o.Client, sse: o.SSE, pinned: o.ProtocolVersion,
		rules:   newRules(&o),
		subject: o.Subject, tracer: o.Tracer, sealer: o.Sealer, info: mcp.AppendImplementation(nil, o.Implementation),
		agent: []string{userAgent(o.Implementation)},
		limit: o.MaxMessage, log: o.Log, now: o.Now,
	}
	target := *o.Client.URL()
	target.RawQuery = o.Client.AddQuery(target.RawQuery)
	p.target = &target
	if p.limit <= 0 {
		p.limit = defaultMaxMessage
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	p.log = p.log.With("server", p.name)
	p.vetting.open(&o.Vetting, p.log)
	if p.now == nil {
		p.now = time.Now
	}
	if p.pinned != "" {
		p.eras.Store(&era{modern: p.pinned.Modern(), legacy: !p.pinned.Modern()})
	}
	p.background.open()
	return p
}

// userAgent names the gateway in the form of RFC 9110, section 10.1.5.
func userAgent(i mcp.Implementation) string {
	product := make([]byte, 0, len(i.Name))
	for _, c := range []byte(i.Name) {
		if c <= ' ' || c >= 0x7f || c == '/' || c == '(' || c == ')' {
			c = '-'
		}
		product = append(product, c)
	}
	if len(product) == 0 {
		product = append(product, "toolgate"...)
	}
	return string(product)
}

// Close ends the gateway's own sessions at the server and what runs in the
// background, and waits for it.
func (p *Proxy) Close() error {
	p.background.close()
	return p.own.close()
}

// Serve answers one request by asking the server.
func (p *Proxy) Serve(ctx context.Context, req *mcp.Request, reply mcp.Reply) (err error) {
	if p.tracer != nil {
		var end func(error)
		ctx, end = p.tracer.Begin(ctx, req)
		defer func() { end(err) }()
	}
	ctx = p.withSubject(ctx)
	reply = ofMember(ctx, req, reply)
	req, err = p.rules.admit(req)
	if err != nil {
		return err
	}
	if err := p.vet(ctx, req); err != nil {
		return err
	}
	if p.sse {
		return p.onOwnSession(ctx, req, reply)
	}
	e, err := p.era(ctx)
	if err != nil {
		return fail(err)
	}
	err = p.forward(ctx, e, req, reply)
	if r, ok := errors.AsType[*refusal](err); ok && e.contradicted(req.Version, r) {
		if again := p.askAgain(ctx, e); again.speaks(req.Version) != e.speaks(req.Version) {
			err = p.forward(ctx, again, req, reply)
		}
	}
	return p.settle(err, req, reply)
}

// forward chooses the cell by the eras of the client and of the server. It
// returns a bare *refusal where both are of one era.
func (p *Proxy) forward(ctx context.Context, e *era, req *mcp.Request, reply mcp.Reply) error {
	switch modern := e.speaks(req.Version); {
	case modern && req.Version.Modern():
		return p.modern(ctx, req, reply)
	case modern:
		return p.downgrade(ctx, req, reply)
	case req.Version.Modern():
		return p.onOwnSession(ctx, req, reply)
	}
	return p.legacy(ctx, req, reply)
}

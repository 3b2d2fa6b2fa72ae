package gateway

import (
	"context"
	"errors"
	"strings"

	"toolgate/shared/approval"
	"toolgate/shared/config"
	"toolgate/shared/mcp"
	"toolgate/shared/openapi"
	"toolgate/shared/snapshot"

	"github.com/go-json-experiment/json/jsontext"
)

// approving is a server of which some tools are called only after a person agreed.
// It stands behind the policies and the rules of the server: a person is shown what
// would be called, and only what may be. A question and its answer are two messages,
// to both of which policies apply.
type approving struct {
	inner mcp.Server
	name  string
	info  jsontext.Value
	// all holds for tools that are not in tools; nil: they are called without asking.
	all     *config.Approval
	tools   map[string]*config.Approval
	catalog *catalog // whose tools they are; nil for other servers
	gateway *Gateway
}

// approvalDesk makes that of the gateway; nil where no tool waits for a person.
func (a *assembly) approvalDesk() (*approval.Desk, error) {
	needed := false
	for i := range a.snapshot.Servers {
		needed = needed || approves(&a.snapshot.Servers[i])
	}
	if !needed {
		return nil, nil
	}
	secret, err := sealingSecret(&a.snapshot.Manifest, a.options)
	if err != nil {
		return nil, err
	}
	if a.options.Approvals == nil {
		a.options.Log.Warn("tools wait for approval, and there is no store: which approvals were used is known to this instance alone")
	}
	return approval.New(approval.Options{Store: a.options.Approvals, Secret: secret, Now: a.options.Services.Now})
}

// approves tells whether a person is asked before some tool of a server is called.
func approves(s *snapshot.Server) bool {
	for _, one := range s.ToolApproval {
		if one != nil {
			return true
		}
	}
	return s.Approval != nil
}

// approving puts the approvals of a server before it, where it has some.
func (a *assembly) approving(s *snapshot.Server, inner mcp.Server) mcp.Server {
	if !approves(s) {
		return inner
	}
	made := &approving{inner: inner, name: s.Name, info: a.serverInfo(s), all: s.Approval, tools: s.ToolApproval, gateway: a.gateway}
	made.catalog, _ = innermost(inner).(*catalog)
	return made
}

type approvedKey struct{}

// Serve asks before a tool is called that waits for a person.
func (s *approving) Serve(ctx context.Context, req *mcp.Request, reply mcp.Reply) error {
	terms := s.terms(req)
	if terms == nil || ctx.Value(approvedKey{}) != nil { // by the federation that the server is a member of
		return s.inner.Serve(ctx, req, reply)
	}
	if req.Kind != mcp.KindRequest {
		return nil // nobody can be asked in answer to a notification
	}
	if s.catalog != nil { // nobody is asked about a call that cannot work
		plain := req
		if f, ok := s.inner.(*fitting); ok {
			var err error
			if plain, _, err = f.withoutCursor(req); err != nil {
				return err
			}
		}
		if err := s.catalog.check(plain); err != nil {
			return s.catalog.refuse(req, reply, err)
		}
	}
	c := &approvedCall{approving: s, terms: terms, ctx: ctx, req: req, reply: reply}
	if c.who, _ = ctx.Value(applicantKey{}).(*applicant); c.who == nil {
		return c.fail(approvalUnavailable, "", "Not called: the tool needs the approval of a person, and nobody is known who could be asked.", nil)
	}
	return c.serve()
}

// terms are those of the tool that a request calls; nil: nobody is asked.
func (s *approving) terms(req *mcp.Request) *config.Approval {
	if req.Method != mcp.MethodCallTool {
		return nil
	}
	if own, ok := s.tools[req.Text(req.Name)]; ok {
		return own
	}
	return s.all
}

// applicant is who wants to have a call approved, as the request was before policies
// saw it.
type applicant struct {
	// call and page tell callers apart. Who has no name is known by the credentials of
	// the request; for a decision on the page, which no state of the client leads to,
	// also by the address.
	call, page [32]byte
	// user is the id of the token's user; empty for none.
	user string
	// base is the URL of the gateway; empty where it is not known.
	base string
}

type applicantKey struct{}

// withApplicant keeps who calls in the context of a request to a gateway with
// approvals, with calls that go on, or with results that have pages.
func (x *exchange) withApplicant(ctx context.Context) context.Context {
	g := x.gateway
	if g.approvals == nil && g.tasks == nil && g.pages == nil {
		return ctx
	}
	who := &applicant{base: strings.TrimRight(g.manifest.PublicURL, "/")}
	if who.base == "" && !g.admission.anyHost {
		who.base = "http://" + x.r.Host // of loopback, or of a name that is allowed
	}
	named := newFields("named caller")
	if s := x.caller.subscription; s != nil {
		named.add("subscription", s.ID)
	}
	if p := x.caller.principal; p != nil {
		who.user = p.user.ID
		named.add("principal", p.issuer, p.user.ID, p.client)
		named.sum(&who.call)
		who.page = who.call
		return context.WithValue(ctx, applicantKey{}, who)
	}
	named.add("request", x.r.URL.RawQuery)
	named.headers(x.r.Header, identifies)
	if x.r.TLS != nil && len(x.r.TLS.PeerCertificates) > 0 {
		named.add(string(x.r.TLS.PeerCertificates[0].Raw))
	}
	named.sum(&who.call)
	named.add(x.clientAddress())
	named.sum(&who.page)
	return context.WithValue(ctx, applicantKey{}, who)
}

// What becomes of an approval, for the log.
const (
	approvalAsked       = "asked"
	approvalApproved    = "approved"
	approvalRefused     = "refused"
	approvalInvalid     = "invalid"
	approvalUnavailable = "unavailable"
)

// approvalObserver is a reply that tells the log of approvals.
type approvalObserver interface{ Approval(outcome, by string) }

// Approval is called by servers of which a tool waits for a person.
func (x *exchange) Approval(outcome, by string) { x.call.Approval, x.call.ApprovedBy = outcome, by }

// Approval is for the log.
func (d *delivery) Approval(outcome, by string) { d.exchange.Approval(outcome, by) }

// Approval passes on what became of an approval.
func (c *capture) Approval(outcome, by string) { noteApproval(c.reply, outcome, by) }

func noteApproval(reply mcp.Reply, outcome, by string) {
	if o, ok := reply.(approvalObserver); ok {
		o.Approval(outcome, by)
	}
}

// serveApprovals serves the page on which people decide; false for other paths.
func (g *Gateway) serveApprovals(x *exchange) bool {
	if g.approvals == nil || x.r.URL.Path != approval.Path {
		return false
	}
	x.server, x.call.Method = "approvals", x.r.Method
	o, err := g.approvals.Serve(x, x.r)
	x.call.Name, x.call.Err = strings.TrimPrefix(o.Server+"/"+o.Tool, "/"), err
	if o.Decided {
		x.call.ApprovedBy, x.call.Approval = approvedByLink, approvalRefused
		if o.Approved {
			x.call.Approval = approvalApproved
		}
	}
	return true
}

// check is why a call of a tool cannot work; nil where the backend has to be asked.
func (c *catalog) check(req *mcp.Request) error {
	t, args, err := c.called(req, req.Text(req.Name))
	if err != nil {
		return err
	}
	if args == nil {
		args = jsontext.Value("{}")
	}
	if err := t.input.Check(args); err != nil {
		return err
	}
	_, err = t.record.Binding.Bind(args)
	return err
}

// refuse answers a call that check found a fault in, as the call itself would be.
func (c *catalog) refuse(req *mcp.Request, reply mcp.Reply, err error) error {
	if _, ok := errors.AsType[*openapi.ArgumentError](err); !ok {
		return err
	}
	return c.fail(req, reply, publicCause(err), err)
}

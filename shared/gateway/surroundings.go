package gateway

import (
	"cmp"
	"context"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net/url"
	"strings"
	"time"

	"toolgate/shared/config"
	"toolgate/shared/expr"
	"toolgate/shared/mcp"
	"toolgate/shared/policy"
	"toolgate/shared/snapshot"
)

// surroundings are what the policies of all calls of one server or API see
// alike. They are shared and must not be changed.
type surroundings struct {
	api        *expr.Api
	deployment *expr.Deployment
}

func serverSurroundings(s *snapshot.Snapshot, server *snapshot.Server) *surroundings {
	around := &surroundings{
		api: &expr.Api{
			ID: server.Name, Name: cmp.Or(server.Title, server.Name), Path: server.Name, Revision: "1", IsCurrentRevision: true,
			Protocols: []string{"https"},
		},
		deployment: deployment(s),
	}
	around.takeKeys(server.SubscriptionKeys)
	return around
}

// takeKeys says where subscription keys are looked for; nil is nowhere.
func (s *surroundings) takeKeys(k *config.SubscriptionKeys) {
	if k != nil {
		s.api.KeyHeader, s.api.KeyQuery = k.Header, k.Query
	}
}

func apiSurroundings(s *snapshot.Snapshot, a *snapshot.SourceAPI) *surroundings {
	around := &surroundings{
		api: &expr.Api{
			ID: a.Name, Name: cmp.Or(a.Title, a.Name), Path: a.Path, Version: a.Version, Revision: "1", IsCurrentRevision: true,
			Protocols: []string{"https"},
		},
		deployment: deployment(s),
	}
	around.takeKeys(a.SubscriptionKeys)
	return around
}

// locate tells policies the service URL: that of the first destination.
func (s *surroundings) locate(list []*destination) {
	if len(list) > 0 && list[0] != nil {
		s.api.ServiceURL = list[0].url()
	}
}

func deployment(s *snapshot.Snapshot) *expr.Deployment {
	return &expr.Deployment{GatewayID: "managed", InstanceID: s.Hash, ServiceID: s.Name, ServiceName: s.Name, IsManaged: true}
}

// clientExchange is the exchange of a client's HTTP request with what it begins
// with, in one piece of memory.
type clientExchange struct {
	exchange policy.Exchange
	request  expr.Request
	url      url.URL
}

// newExchange makes the exchange of a client's HTTP request. Its body is put in
// by the caller.
func (x *exchange) newExchange(around *surroundings) *policy.Exchange {
	r := x.r
	c := &clientExchange{}
	p := &c.exchange
	p.Api, p.Deployment = around.api, around.deployment
	p.Subscription, p.User, p.Product = x.caller.subscription, x.caller.user, x.caller.product
	p.RequestID, p.Timestamp, p.Random = x.id(), x.start, x.gateway.random
	if now := x.gateway.services.Now; now != nil {
		start := now()
		p.Timestamp, p.Now, p.Elapsed = start, now, func() time.Duration { return now().Sub(start) }
	}
	x.originalURL(&c.url)
	c.request.Method, c.request.Headers, c.request.IPAddress = r.Method, r.Header, x.clientAddress()
	c.request.OriginalURL, c.request.URL = &c.url, &c.url
	p.Request = &c.request
	if who := x.caller.principal; who != nil {
		p.SetVariable(tokenVariable, expr.ParseJwt(who.token))
	}
	if x.gateway.clients != nil {
		x.gateway.clients.identify(p, r, &x.gateway.addresses)
	}
	x.followed(p)
	p.Trace = func(message string) {
		x.gateway.services.Sink.Trace(p, policy.TraceRecord{Source: "context.Trace", Severity: "verbose", Message: message})
	}
	if x.record != nil {
		x.traceExchange(p)
	}
	return p
}

// originalURL makes u, which is empty, the URL that the client used: the public
// one, since the Host header is anybody's to set.
func (x *exchange) originalURL(u *url.URL) {
	u.Path, u.RawPath, u.RawQuery = x.r.URL.Path, x.r.URL.RawPath, x.r.URL.RawQuery
	if public := x.gateway.public; public != nil {
		u.Scheme, u.Host = public.Scheme, public.Host
		if prefix := strings.TrimSuffix(public.Path, "/"); prefix != "" {
			u.Path = prefix + u.Path
			if u.RawPath != "" {
				u.RawPath = prefix + u.RawPath
			}
		}
	} else {
		u.Scheme, u.Host = "http", x.r.Host // reached on loopback only
	}
}

// newRequestID is a random GUID, version 4 (RFC 9562, section 5.4), of the bytes
// of a source that is not nil. It names a call and protects nothing.
func newRequestID(source io.Reader) (id expr.Guid) {
	if source == nil || !readGUID(source, &id) {
		binary.LittleEndian.PutUint64(id[:8], rand.Uint64()) //nolint:gosec // see above
		binary.LittleEndian.PutUint64(id[8:], rand.Uint64()) //nolint:gosec // see above
	}
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

// readGUID fills id, or reports false. It reads by way of memory of its own, so
// that the ids of the system's source need none.
func readGUID(source io.Reader, id *expr.Guid) bool {
	var read expr.Guid
	if _, err := io.ReadFull(source, read[:]); err != nil {
		return false
	}
	*id = read
	return true
}

// exchangeKey finds the exchange of an MCP message in the context of its call.
type exchangeKey struct{}

func withExchange(ctx context.Context, x *policy.Exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, x)
}

// exchangeOf is nil outside of governed gateways.
func exchangeOf(ctx context.Context) *policy.Exchange {
	x, _ := ctx.Value(exchangeKey{}).(*policy.Exchange)
	return x
}

// describe describes a message to policies: it fills m, which is empty.
func describe(m *expr.Mcp, server string, req *mcp.Request) {
	m.Method, m.ProtocolVersion, m.ServerName = req.Method, string(req.Version), server
	if req.Method == mcp.MethodCallTool {
		m.ToolName = req.Text(req.Name)
		m.RawArguments = req.Bytes(req.Arguments)
	}
	m.RawClient = req.Bytes(req.Meta.ClientInfo)
}

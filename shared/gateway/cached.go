package gateway

import (
	"context"
	"encoding/binary"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"toolgate/shared/config"
	"toolgate/shared/mcp"
	"toolgate/shared/policy"
	"toolgate/shared/snapshot"

	"github.com/go-json-experiment/json/jsontext"
)

// cached is a server whose results of tools are kept: equal calls are answered
// with them. It stands behind the policies of the server, which run for every
// call, and before the catalog or the upstream, which is not asked when there is a
// result, nor are the policies of the API behind a catalog.
type cached struct {
	inner    mcp.Server
	name     string
	build    string // the snapshot, whose tools these are
	settings *config.Cache
	tools    map[string]bool // whose results are kept; nil: of those that say that they only read
	hints    *toolHints      // of an upstream; nil: what is kept was decided at build
	cache    policy.Cache
	clock    func() time.Time
	log      *slog.Logger
	told     sync.Map // names of destructive tools that the log was told of; no more than settings name
}

// cached puts the cache of a server before it, where it has one.
func (a *assembly) cached(s *snapshot.Server, inner mcp.Server) mcp.Server {
	g := a.gateway
	if s.Cache == nil || g.services.Cache == nil {
		return inner
	}
	g.caches = true
	c := &cached{
		inner: inner, name: s.Name, build: a.snapshot.Hash, settings: s.Cache, cache: g.services.Cache, clock: g.services.Time, log: g.log,
	}
	if s.Cache.Tools != nil || s.Upstream == nil {
		c.tools = make(map[string]bool, len(s.Cache.Tools))
		for _, t := range s.Cache.Tools {
			c.tools[t.Name] = true
		}
	}
	if s.Upstream != nil {
		c.hints = &toolHints{lifetime: a.snapshot.Limits.ListTTL}
	}
	return c
}

// innermost is a server without its search, its guard, its approvals, what makes its
// results fit, and its cache.
func innermost(s mcp.Server) mcp.Server {
	if p, ok := s.(*profiled); ok {
		s = p.inner
	}
	if f, ok := s.(*searching); ok {
		s = f.inner
	}
	if g, ok := s.(*guarded); ok {
		s = g.inner
	}
	if a, ok := s.(*approving); ok {
		s = a.inner
	}
	if f, ok := s.(*fitting); ok {
		s = f.inner
	}
	if c, ok := s.(*cached); ok {
		s = c.inner
	}
	if c, ok := s.(*consenting); ok {
		return c.inner
	}
	return s
}

// Serve answers a call of a tool from the cache, or has it answered and keeps the
// result.
func (s *cached) Serve(ctx context.Context, req *mcp.Request, reply mcp.Reply) error {
	if req.Method != mcp.MethodCallTool || req.Kind != mcp.KindRequest || !s.keeps(ctx, req) {
		return s.inner.Serve(ctx, req, reply)
	}
	key, ok := s.key(ctx, req)
	if !ok {
		return s.inner.Serve(ctx, req, reply)
	}
	kept := &keptReply{Reply: reply, settings: s.settings, now: s.clock}
	var served error
	value, ran, err := s.cache.Compute(ctx, &policy.Computation{
		Key: key, Kind: "tool " + s.name + "/" + req.Text(req.Name),
		Run: func(ctx context.Context, alone func()) (policy.Computed, error) {
			kept.alone = alone
			served = s.inner.Serve(ctx, req, kept)
			return kept.computed, served
		},
	})
	switch {
	case ran && kept.send != nil:
		return kept.send()
	case ran && (served == nil || kept.passed || value == nil || ctx.Err() != nil):
		return served
	case !ran && err != nil:
		return err
	}
	noteCached(reply)
	return reply.Result(aged(value, s.clock()))
}

// keeps tells whether results of the tool that a call names are kept.
func (s *cached) keeps(ctx context.Context, req *mcp.Request) bool {
	name := req.Text(req.Name)
	if s.tools != nil && !s.tools[name] {
		return false
	}
	if s.hints == nil {
		return true
	}
	hint, known := s.hints.of(ctx, s, req, name)
	if s.tools == nil {
		return known && hint.ReadOnly
	}
	if !known || hint.ReadOnly || hint.Destructive == nil || !*hint.Destructive {
		return true
	}
	if _, told := s.told.LoadOrStore(name, true); !told {
		s.log.Warn("results of a tool are not kept, since it is destructive", "server", s.name, "tool", name)
	}
	return false
}

// A value of the cache is a head and a result. The head says when the result was
// made, in milliseconds since 1970, and where its ttlMs is, if it has one.
const valueHead = 8 + 4 + 4

// appendValue makes the value of a result.
func appendValue(result jsontext.Value, made time.Time, ttl mcp.Span) []byte {
	out := make([]byte, valueHead, valueHead+len(result))
	binary.BigEndian.PutUint64(out, uint64(made.UnixMilli()))
	binary.BigEndian.PutUint32(out[8:], uint32(ttl.Start)) //nolint:gosec // a result has a bound
	binary.BigEndian.PutUint32(out[8+4:], uint32(ttl.End)) //nolint:gosec // a result has a bound
	return append(out, result...)
}

// aged is the result of a value. What it says of how long it may be kept has
// become less since.
func aged(value []byte, now time.Time) jsontext.Value {
	if len(value) < valueHead {
		return nil
	}
	made := int64(binary.BigEndian.Uint64(value)) //nolint:gosec // written from an int64
	ttl := mcp.Span{Start: int(binary.BigEndian.Uint32(value[8:])), End: int(binary.BigEndian.Uint32(value[8+4:]))}
	result := jsontext.Value(value[valueHead:])
	if !ttl.Present() || ttl.End > len(result) {
		return result
	}
	left := milliseconds(result[ttl.Start:ttl.End])
	age := max(0, now.UnixMilli()-made)
	return mcp.Splice(result, mcp.Edit{Span: ttl, Text: strconv.AppendInt(nil, max(0, left.Milliseconds()-age), 10)})
}

// milliseconds reads a ttlMs, of a year at most: one that is no positive number is
// 0.
func milliseconds(raw jsontext.Value) time.Duration {
	const year = 365 * 24 * time.Hour
	n, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || n <= 0 {
		return 0
	}
	return time.Duration(min(n, float64(year.Milliseconds()))) * time.Millisecond
}

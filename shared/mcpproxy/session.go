package mcpproxy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// session is the gateway's own at a legacy server: one in each process for each
// caller, shared by the clients that have none. At a server without sessions it
// is what the handshake told, with an empty id.
type session struct {
	caller    caller
	id        string
	version   string // negotiated; may be 2024-11-05
	wire      wire
	discovery mcp.Discovery
	logging   bool // the server has logs to set a level for

	// last is the id given last. Ids and progress tokens are made here, since
	// those of two clients may be equal.
	last atomic.Int64

	levels sync.Mutex
	level  int // the most verbose level set so far, an index of logLevels; 0 for none

	tenure tenure // guarded by the lock of the sessions
}

// wire carries the messages of a session.
type wire interface {
	// call sends a request and visits the messages that belong to it, up to its
	// response. id is the request's. The error is errSessionLost when the server
	// did not take the request because it no longer knows the session.
	call(ctx context.Context, client http.Header, id string, body []byte, visit visitor) error
	// send sends a notification or a response.
	send(ctx context.Context, body []byte) error
	// close ends the session at the server.
	close() error
}

var errSessionLost = errors.New("the MCP server no longer knows the gateway's session")

// logLevels in order of severity (2025-11-25, server/utilities/logging), from 1.
var logLevels = [...]string{"", "debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"}

func logLevel(name string) int {
	for i, l := range logLevels {
		if l == name {
			return i
		}
	}
	return 0
}

// open makes the handshake of a legacy session for the caller of the context.
func (p *Proxy) open(ctx context.Context) (*session, error) {
	h, c := callerOf(ctx)
	if s := p.own.peek(c); s != nil {
		return s, nil // opened since the call looked
	}
	s := &session{caller: c}
	var err error
	if p.sse {
		s.wire, err = p.connectSSE(h)
	} else {
		s.wire = &streamable{proxy: p, header: h, opened: p.now()}
	}
	if err != nil {
		return nil, err
	}
	if err := p.shakeHands(ctx, s); err != nil {
		_ = s.wire.close() // the handshake's error says why
		return nil, err
	}
	p.stateless.Store(s.id == "" && !p.sse)
	if ends := p.own.add(s); ends != nil {
		p.end(ends)
	}
	return s, nil
}

// shakeHands is initialize and notifications/initialized.
func (p *Proxy) shakeHands(ctx context.Context, s *session) error {
	asked := mcp.LatestLegacy
	if p.pinned != "" {
		asked = p.pinned
	}
	body := []byte(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"` + string(asked) +
		`","capabilities":{},"clientInfo":` + string(p.info) + `}}`)
	err := s.wire.call(ctx, nil, "0", body, func(m *mcp.Message) (bool, error) {
		switch {
		case m.Kind != mcp.KindResponse:
			return false, nil
		case m.Failure.Present():
			e := rpcError(m.Bytes(m.Failure))
			return true, &failure{behind("did not open a session"), fmt.Errorf("initialize: %w", e)}
		}
		return true, p.initialized(s, m.Bytes(m.Result))
	})
	if err != nil {
		return err
	}
	if w, ok := s.wire.(*streamable); ok {
		s.id, w.version = w.id, s.version
	}
	return s.wire.send(ctx, []byte(`{"jsonrpc":"2.0","method":"`+mcp.NotificationInitialized+`"}`))
}

// initialized takes the result of initialize.
func (p *Proxy) initialized(s *session, result jsontext.Value) (err error) {
	var r struct {
		ProtocolVersion string         `json:"protocolVersion"`
		Capabilities    jsontext.Value `json:"capabilities"`
		ServerInfo      jsontext.Value `json:"serverInfo"`
		Instructions    string         `json:"instructions"`
	}
	if err := json.Unmarshal(result, &r); err != nil {
		return &unreadable{err}
	}
	s.version = r.ProtocolVersion
	s.logging = lookup(r.Capabilities, "logging") != nil && !p.sse
	s.discovery, err = p.describe(r.Capabilities, r.ServerInfo, r.Instructions)
	s.discovery.Hint = mcp.CacheHint{TTL: sessionTTL}
	return err
}

// sessionTTL is how long clients may keep what a legacy server said of itself.
// It says no such thing of its own, and may be replaced by another at any time.
const sessionTTL = time.Minute

// next returns an id that the session has not seen.
func (s *session) next() string { return strconv.FormatInt(s.last.Add(1), 10) }

// logAt makes the server log at least as much as level, an index of logLevels.
// The level is the session's, and so of all its clients: it only ever becomes
// more verbose, and what a client did not ask for is filtered out for it.
func (s *session) logAt(ctx context.Context, level int) error {
	s.levels.Lock()
	defer s.levels.Unlock()
	if !s.logging || level == 0 || s.level != 0 && s.level <= level {
		return nil
	}
	id := s.next()
	body := []byte(`{"jsonrpc":"2.0","id":` + id + `,"method":"` + mcp.MethodSetLevel + `","params":{"level":"` + logLevels[level] + `"}}`)
	err := s.wire.call(ctx, nil, id, body, func(m *mcp.Message) (bool, error) {
		return m.Kind == mcp.KindResponse, nil
	})
	if err == nil {
		s.level = level
	}
	return err
}

// result makes a request of the gateway's own and returns the result, a copy; a
// JSON-RPC error is returned as an *[mcp.Error]. One of a method may be under way
// at a time: the method is its id.
func (s *session) result(ctx context.Context, method, params string) (jsontext.Value, error) {
	id := `"` + method + `"`
	body := []byte(`{"jsonrpc":"2.0","id":` + id + `,"method":"` + method + `","params":` + params + `}`)
	var result jsontext.Value
	err := s.wire.call(ctx, nil, id, body, func(m *mcp.Message) (bool, error) {
		switch {
		case m.Kind != mcp.KindResponse:
			return false, nil
		case m.Failure.Present():
			return true, rpcError(m.Bytes(m.Failure))
		}
		result = m.Bytes(m.Result).Clone()
		return true, nil
	})
	return result, err
}

// cancel tells the server that nobody waits for a request any more.
func (s *session) cancel(ctx context.Context, id string) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), goodbyeTimeout)
	defer stop()
	return s.wire.send(ctx, []byte(`{"jsonrpc":"2.0","method":"`+mcp.NotificationCancelled+`","params":{"requestId":`+id+`,"reason":"the client no longer waits"}}`))
}

// goodbyeTimeout bounds what is sent after the client has gone, or at the end
// of a session: a server that does not listen must hold nothing up.
const goodbyeTimeout = 3 * time.Second

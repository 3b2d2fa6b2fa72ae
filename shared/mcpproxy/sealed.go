package mcpproxy

import (
	"context"
	"net/http"
	"strings"

	"toolgate/shared/mcp"
)

// Session ids are the server's, sealed: the client learns nothing of the
// server, cannot make up the id of another client's session, and cannot take an
// id from one server of the gateway, or from one user, to another.

// userKey finds the user in the context of a call.
type userKey struct{}

// WithUser says which user a call is of, where the gateway knows that: sessions that
// it opens are then of no use to another one.
func WithUser(ctx context.Context, user string) context.Context {
	return context.WithValue(ctx, userKey{}, user)
}

// sealedFor is what a session id is good for.
func (p *Proxy) sealedFor(ctx context.Context) []byte {
	if user, ok := ctx.Value(userKey{}).(string); ok {
		return []byte(p.name + "\x00" + user)
	}
	return []byte(p.name)
}

// seal hides a session id of the server.
func (p *Proxy) seal(ctx context.Context, id string) string {
	return p.sealer.Seal([]byte(id), p.sealedFor(ctx))
}

// unseal returns the server's session id; false when the id was not sealed here
// for this server and this user.
func (p *Proxy) unseal(ctx context.Context, sealed string) (string, bool) {
	id, err := p.sealer.Open(sealed, p.sealedFor(ctx))
	return string(id), err == nil
}

// sealSession replaces the session id of an answer. Where it is the one that
// the client has already, the client gets the same text again: a sealed text
// differs each time, and some clients take another id for another session.
func (p *Proxy) sealSession(ctx context.Context, h http.Header, id, sealed string) {
	switch got := h.Get(mcp.HeaderSessionID); got {
	case "":
	case id:
		h[mcp.HeaderSessionID] = []string{sealed}
	default:
		h[mcp.HeaderSessionID] = []string{p.seal(ctx, got)}
	}
}

// sessionNotFound answers a request with a session id that means nothing. The
// client opens another session then (2025-11-25, basic/transports, session
// management). The body is text, since some clients take a JSON-RPC error for
// the answer to the request and keep the session.
func sessionNotFound(reply mcp.Reply) error {
	return reply.Relay(http.StatusNotFound, http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, strings.NewReader("session not found\n"))
}

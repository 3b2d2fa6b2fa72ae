package mcpproxy

import (
	"net/http"
	"strings"

	"toolgate/shared/mcp"
)

// Session ids are the server's, sealed: the client learns nothing of the
// server, cannot make up the id of another client's session, and cannot take an
// id from one server of the gateway to another.

// seal hides a session id of the server.
func (p *Proxy) seal(id string) string {
	return p.sealer.Seal([]byte(id), []byte(p.name))
}

// unseal returns the server's session id; false when the id was not sealed here
// for this server.
func (p *Proxy) unseal(sealed string) (string, bool) {
	id, err := p.sealer.Open(sealed, []byte(p.name))
	return string(id), err == nil
}

// sealSession replaces the session id of an answer. Where it is the one that
// the client has already, the client gets the same text again: a sealed text
// differs each time, and some clients take another id for another session.
func (p *Proxy) sealSession(h http.Header, id, sealed string) {
	switch got := h.Get(mcp.HeaderSessionID); got {
	case "":
	case id:
		h[mcp.HeaderSessionID] = []string{sealed}
	default:
		h[mcp.HeaderSessionID] = []string{p.seal(got)}
	}
}

// sessionNotFound answers a request with a session id that means nothing. The
// client opens another session then (2025-11-25, basic/transports, session
// management). The body is text, since some clients take a JSON-RPC error for
// the answer to the request and keep the session.
func sessionNotFound(reply mcp.Reply) error {
	return reply.Relay(http.StatusNotFound, http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, strings.NewReader("session not found\n"))
}

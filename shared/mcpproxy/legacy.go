package mcpproxy

import (
	"context"
	"errors"
	"net/http"

	"toolgate/shared/mcp"
)

// legacy forwards a message of a legacy client to a legacy server, handshake
// and all: the session is the client's own, only its id is sealed on the way.
func (p *Proxy) legacy(ctx context.Context, req *mcp.Request, reply mcp.Reply) error {
	sealed := req.Header.Get(mcp.HeaderSessionID)
	switch {
	case sealed != "":
		id, ok := p.unseal(ctx, sealed)
		if !ok {
			return sessionNotFound(reply)
		}
		return p.inSession(ctx, req, reply, id, sealed)
	case req.Kind == mcp.KindRequest && req.Method == mcp.MethodInitialize, p.stateless.Load():
		return p.inSession(ctx, req, reply, "", "")
	}
	return p.withoutHandshake(ctx, req, reply)
}

// inSession forwards a message in the client's session; id is the server's, and
// empty where it has none.
func (p *Proxy) inSession(ctx context.Context, req *mcp.Request, reply mcp.Reply, id, sealed string) error {
	res, err := p.post(ctx, p.header(req.Header, id), p.traced(ctx, req))
	if err != nil {
		if id == "" {
			p.doubt(ctx, err, req)
		}
		return err
	}
	if req.Kind == mcp.KindRequest && req.Method == mcp.MethodInitialize {
		p.stateless.Store(res.Header.Get(mcp.HeaderSessionID) == "")
	}
	p.sealSession(ctx, res.Header, id, sealed)
	return p.answer(res, req, reply)
}

// doubt forgets that the server has no sessions when it refuses a request
// without one, unless that was found out just now.
func (p *Proxy) doubt(ctx context.Context, err error, req *mcp.Request) {
	_, c := callerOf(ctx)
	s := p.own.peek(c)
	if s == nil {
		if r, ok := errors.AsType[*refusal](err); ok && !r.ofCaller() {
			p.stateless.Store(false)
		}
		return
	}
	if w, ok := s.wire.(*streamable); ok && s.id == "" && errors.Is(w.lost(err, string(req.Bytes(req.ID))), errSessionLost) {
		p.stateless.Store(false)
		p.own.drop(s)
	}
}

// withoutHandshake serves a legacy client that opened no session: a server
// without sessions is asked directly, any other on the gateway's own session.
func (p *Proxy) withoutHandshake(ctx context.Context, req *mcp.Request, reply mcp.Reply) error {
	s, err := p.session(ctx)
	if err != nil {
		return fail(err)
	}
	defer p.done(s)
	if s.id == "" {
		return p.inSession(ctx, req, reply, "", "")
	}
	return p.onOwnSession(ctx, req, reply)
}

// ServeSession serves what else clients do with a legacy session besides
// posting to it: GET for the standalone stream, or to resume a stream, and
// DELETE to end the session. Everything else is not allowed.
func (p *Proxy) ServeSession(w http.ResponseWriter, r *http.Request) {
	sealed := r.Header.Get(mcp.HeaderSessionID)
	switch {
	case p.sse, sealed == "", r.Method != http.MethodGet && r.Method != http.MethodDelete,
		mcp.Version(r.Header.Get(mcp.HeaderProtocolVersion)).Modern():
		onlyPost(w)
		return
	}
	id, ok := p.unseal(r.Context(), sealed)
	if !ok {
		http.Error(w, "session not found", http.StatusNotFound)
		return
	}
	h := p.header(r.Header, id)
	delete(h, "Content-Type")
	h["Accept"] = acceptSSE
	if last, ok := r.Header[mcp.HeaderLastEventID]; ok {
		h[mcp.HeaderLastEventID] = last
	}
	res, err := p.request(p.withSubject(r.Context()), r.Method, h)
	if err != nil {
		refuseSession(w, err)
		return
	}
	defer res.Body.Close()
	p.stream(w, res)
}

func onlyPost(w http.ResponseWriter) {
	w.Header().Set("Allow", http.MethodPost)
	http.Error(w, "this endpoint takes POST", http.StatusMethodNotAllowed)
}

// refuseSession passes on the statuses that mean something to a client of a
// session, without the server's words.
func refuseSession(w http.ResponseWriter, err error) {
	r, ok := errors.AsType[*refusal](err)
	if !ok {
		http.Error(w, publicMessage(fail(err)), http.StatusBadGateway)
		return
	}
	switch r.status {
	case http.StatusMethodNotAllowed:
		onlyPost(w)
	case http.StatusNotFound:
		http.Error(w, "session not found", http.StatusNotFound)
	case http.StatusBadRequest, http.StatusConflict, http.StatusNotAcceptable:
		http.Error(w, http.StatusText(r.status), r.status)
	default:
		http.Error(w, r.public().Message, http.StatusBadGateway)
	}
}

func publicMessage(err error) string {
	if e, ok := errors.AsType[*mcp.Error](err); ok {
		return e.Message
	}
	return http.StatusText(http.StatusBadGateway)
}

package mcpproxy

import (
	"bytes"
	"context"
	"errors"
	"net/http"

	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json/jsontext"
)

// modern forwards a message of a modern client to a modern server: the same
// body, the same MCP headers, and the answer as it comes.
func (p *Proxy) modern(ctx context.Context, req *mcp.Request, reply mcp.Reply) error {
	res, err := p.post(ctx, p.header(req.Header, ""), p.traced(ctx, req))
	if err != nil {
		return err
	}
	delete(res.Header, mcp.HeaderSessionID) // the era has no sessions
	return p.answer(res, req, reply)
}

// answer passes on the answer of a server of the client's own era, and closes
// it.
func (p *Proxy) answer(res *http.Response, req *mcp.Request, reply mcp.Reply) error {
	switch {
	case req.Kind != mcp.KindRequest:
		finish(res)
		return nil
	case !isJSON(res) && !isSSE(res):
		finish(res)
		return &unreadable{errors.New("the answer is of type " + res.Header.Get("Content-Type"))}
	case req.Method == mcp.MethodListTools || p.rules.edits(req.Method):
		return p.edited(res, req, reply)
	}
	defer res.Body.Close()
	err := reply.Relay(res.StatusCode, res.Header, res.Body)
	if err != nil && res.Request.Context().Err() == nil {
		return &broken{err}
	}
	return err
}

// edited is answer for a result that the rules change.
func (p *Proxy) edited(res *http.Response, req *mcp.Request, reply mcp.Reply) error {
	defer finish(res)
	done, _, err := p.messages(res, func(m *mcp.Message) (bool, error) {
		switch {
		case m.Kind == mcp.KindNotification && req.Method != mcp.MethodInitialize:
			return false, reply.Notify(m.Raw)
		case m.Kind != mcp.KindResponse:
			return false, nil
		case m.Failure.Present():
			return true, rpcError(m.Bytes(m.Failure))
		}
		result, err := p.edit(req, m.Bytes(m.Result))
		if err != nil {
			return true, &unreadable{err}
		}
		switch {
		case req.Method == mcp.MethodInitialize:
		case isJSON(res) && same(result, m.Bytes(m.Result)):
			return true, reply.Relay(res.StatusCode, res.Header, bytes.NewReader(m.Raw))
		default:
			return true, reply.Result(result)
		}
		// The session id of the answer must go with the result.
		res.Header["Content-Type"] = typeJSON
		return true, reply.Relay(res.StatusCode, res.Header, bytes.NewReader(mcp.AppendResult(nil, req.Bytes(req.ID), result)))
	})
	if err == nil && !done {
		err = mcp.ErrNoResponse
	}
	return err
}

// same tells whether two values are the same memory: nothing was changed.
func same(a, b jsontext.Value) bool { return len(a) == len(b) && len(a) > 0 && &a[0] == &b[0] }

// settle gives the client what became of its request. The server's own word on
// it passes as it is where both are of one era.
func (p *Proxy) settle(err error, req *mcp.Request, reply mcp.Reply) error {
	r, ok := err.(*refusal) //nolint:errorlint // a wrapped one is of a bridged cell
	switch {
	case !ok:
		return fail(err)
	case r.relayed():
		return reply.Relay(r.status, http.Header{"Content-Type": typeJSON}, bytes.NewReader(r.body))
	case r.status == http.StatusNotFound && req.Header.Get(mcp.HeaderSessionID) != "" && !req.Version.Modern():
		return sessionNotFound(reply)
	}
	return fail(err)
}

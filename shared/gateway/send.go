package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"toolgate/shared/backend"
	"toolgate/shared/expr"
	"toolgate/shared/mcp"
	"toolgate/shared/policy"
)

// responder is a reply that takes any HTTP response: that to an HTTP client.
type responder interface {
	respond(r *expr.Response, begun bool) error
	// failed is told what sent the call to on-error, or what the server failed with
	// when policies saw that as a response.
	failed(err error)
	// addResponseHeaders adds the headers that policies set so far to a response that
	// they do not see.
	addResponseHeaders(p *policy.Exchange)
}

// straight hands the message on where no policy looks at what comes back,
// except at a failure to reach the backend.
func (f *forwarding) straight(ctx context.Context) error {
	ctx, req, err := f.request(ctx)
	if err != nil {
		return err
	}
	if r, ok := f.reply.(responder); ok {
		r.addResponseHeaders(f.exchange)
	}
	end := func(error) {}
	if f.exchange.Tracer != nil {
		ctx, end = f.pipeline.EnterForward(ctx, f.exchange)
	}
	err = f.serve(ctx, req, f.reply)
	end(err)
	if err == nil {
		return nil
	}
	failed := f.failureOf(ctx, err)
	if failed == nil || !f.pipeline.HandlesFailures() {
		return err
	}
	f.pipeline.Continue(ctx, f.exchange, f.pipeline.AtForward(failed))
	return f.send()
}

// send sends the response of the exchange.
func (f *forwarding) send() error {
	x := f.exchange
	if x.Failure != nil {
		if _, unreachable := errors.AsType[*backend.Error](x.Failure.Cause); unreachable && f.err != nil && !f.pipeline.HandlesFailures() {
			return f.err // the protocol has a better word for it
		}
	}
	if r, ok := f.reply.(responder); ok {
		switch {
		case x.Failure != nil:
			r.failed(x.Failure)
		case f.err != nil:
			r.failed(f.err)
		}
		return r.respond(x.Response, f.begun)
	}
	return f.answer(x.Response)
}

// answer gives a response to a reply that takes no HTTP response, such as one
// of a batch: as the JSON-RPC response that it is, or as an error.
func (f *forwarding) answer(r *expr.Response) error {
	body := policy.Message{Response: r}.Body().Reader()
	defer body.Close()
	if r.StatusCode == http.StatusAccepted {
		return nil
	}
	content, err := io.ReadAll(io.LimitReader(body, maxUpstreamMessage))
	if err != nil {
		return err
	}
	if _, err := mcp.ReadResponse(r.Headers, bytes.NewReader(content), maxUpstreamMessage, nil); err == nil {
		return f.reply.Relay(r.StatusCode, r.Headers, bytes.NewReader(content))
	}
	return &mcp.Error{Code: mcp.CodeInternalError, Message: refusalText(r.StatusCode, content), Status: r.StatusCode}
}

// refusalText is what a response that is no JSON-RPC message says.
func refusalText(status int, body []byte) string {
	if span, ok := mcp.Lookup(body, "message"); ok {
		m := mcp.Message{Raw: body}
		if text := m.Text(span); text != "" {
			return text
		}
	}
	return "the gateway answered " + strconv.Itoa(status) + " " + http.StatusText(status)
}

// finish lets go of a server that was not heard to its end, and does what
// policies put off.
func (f *forwarding) finish(ctx context.Context) {
	noteOutcome(ctx, f.exchange.Failure, f.err)
	f.release()
	f.exchange.End(ctx)
}

func (x *exchange) addResponseHeaders(p *policy.Exchange) { p.AddResponseHeaders(x.w.Header()) }

// failed notes for the log what went wrong.
func (x *exchange) failed(err error) { x.call.Err = err }

// respond sends a response that went through policies. After events were sent
// ahead of it, it is the last one.
func (x *exchange) respond(r *expr.Response, begun bool) error {
	body := policy.Message{Response: r}.Body()
	length := body.Len()
	content, held := body.Held()
	reader := io.ReadCloser(http.NoBody)
	if !held {
		reader = body.Reader()
		defer reader.Close()
	}
	if begun && x.stream {
		if !held {
			var err error
			if content, err = io.ReadAll(reader); err != nil {
				return err
			}
		}
		last := x.lastMessage(r, content)
		if x.watched != nil {
			x.watched.heard.look(last, false)
		}
		return x.event(last)
	}
	h := x.w.Header()
	for name, values := range r.Headers {
		if !hopByHop[name] {
			h[name] = values
		}
	}
	if h["Content-Type"] == nil {
		h["Content-Type"] = nil // net/http would guess one
	}
	stream := strings.HasPrefix(r.Headers.Get("Content-Type"), mcp.ContentSSE)
	if stream {
		h["Cache-Control"] = []string{"no-cache, no-transform"}
		h["X-Accel-Buffering"] = []string{"no"}
		delete(h, "Content-Length")
	} else if length >= 0 && bodyAllowed(r.StatusCode) {
		h["Content-Length"] = []string{strconv.FormatInt(length, 10)}
	} else {
		delete(h, "Content-Length")
	}
	x.WriteHeader(r.StatusCode)
	if x.r.Method == http.MethodHead || !bodyAllowed(r.StatusCode) {
		return nil
	}
	if stream {
		x.stream = true
		if err := x.flush(); err != nil {
			return err
		}
	}
	if held {
		if len(content) == 0 {
			return nil
		}
		if x.watched != nil && !x.plain {
			x.watched.heard.look(content, stream)
		}
		_, err := x.w.Write(content)
		return err
	}
	return x.copy(reader, stream)
}

// lastMessage is the response message of a stream that was begun: the content, or
// the error that it is, so that a client does not wait for another.
func (x *exchange) lastMessage(r *expr.Response, content []byte) []byte {
	if x.req == nil {
		return content
	}
	if _, err := mcp.ReadResponse(r.Headers, bytes.NewReader(content), maxUpstreamMessage, nil); err == nil {
		return content
	}
	return mcp.AppendError(nil, x.req.Bytes(x.req.ID), &mcp.Error{Code: mcp.CodeInternalError, Message: refusalText(r.StatusCode, content)})
}

// bodyAllowed tells whether responses of a status have a body (RFC 9110,
// section 6.4.1).
func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// hopByHop are the headers of one connection (RFC 9110, section 7.6.1).
var hopByHop = map[string]bool{
	"Connection": true, "Keep-Alive": true, "Proxy-Authenticate": true, "Proxy-Authorization": true, "Proxy-Connection": true,
	"Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

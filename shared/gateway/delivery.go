package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"toolgate/shared/expr"
	"toolgate/shared/mailbox"
	"toolgate/shared/mcp"
	"toolgate/shared/policy"

	"github.com/go-json-experiment/json/jsontext"
)

// delivery is the reply to a message of a client with a stream: what the server
// says goes to the stream, and the POST that brought the message is accepted. What
// policies refuse is the response to the POST, as long as that has none.
type delivery struct {
	exchange *exchange
	ctx      context.Context
	expires  time.Time
	stream   *legacyStream   // nil: another instance has it
	writer   *mailbox.Writer // to that; nil where stream is not
	box      mailbox.Options
	req      *mcp.Request
	answered bool // the response went to the stream

	// mu guards the response to the POST, which the timer may send.
	mu     sync.Mutex
	timer  *time.Timer
	header http.Header // what policies add to the response
	over   bool
}

// startTimer has the POST accepted when its message takes longer.
func (d *delivery) startTimer(after time.Duration) {
	d.timer = time.AfterFunc(after, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if !d.over && d.exchange.status == 0 {
			d.acceptEarly()
		}
	})
}

// stopTimer returns when the timer has no more to do with the response.
func (d *delivery) stopTimer() {
	d.timer.Stop()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = true
}

// acceptEarly sends the whole response while the message is still being served.
// The connection is of no use to the client until then, so it is told to leave it.
func (d *delivery) acceptEarly() {
	x := d.exchange
	if _, ok := x.w.(http.Flusher); ok { // a connection of ours, not that of a platform
		d.addHeader("Connection", "close")
	}
	d.addHeader("Content-Length", "0")
	d.accept()
	_ = x.flush() // the client may have gone
}

func (d *delivery) addHeader(name, value string) {
	if d.header == nil {
		d.header = http.Header{}
	}
	d.header.Set(name, value)
}

func (d *delivery) accept() {
	x := d.exchange
	maps.Copy(x.w.Header(), d.header)
	x.WriteHeader(http.StatusAccepted)
}

// begin notes the request. Its client may be one that knows no other revision than
// that of the transport, which Streamable HTTP never had.
func (d *delivery) begin(req *mcp.Request) {
	if req.Method == mcp.MethodInitialize && mcp.Version(req.Text(req.InitializeVersion)) == mcp.V20241105 {
		req.Version = mcp.V20241105
	}
	d.req = req
	d.exchange.begin(req)
}

// awaited tells whether the client waits for a response on its stream.
func (d *delivery) awaited() bool {
	return d.req != nil && d.req.Kind == mcp.KindRequest && d.req.ID.Present() && !d.answered
}

// Failed and Cached are for the log.
func (d *delivery) Failed(cause error) { d.exchange.Failed(cause) }
func (d *delivery) Cached()            { d.exchange.Cached() }
func (d *delivery) failed(err error)   { d.exchange.failed(err) }

// Notify sends a message ahead of the response.
func (d *delivery) Notify(message jsontext.Value) error {
	if d.stream != nil {
		return d.stream.send(d.ctx, message)
	}
	return d.writer.Send(d.ctx, message)
}

// Result sends the result.
func (d *delivery) Result(result jsontext.Value) error {
	return d.respondWith(mcp.AppendResult(nil, d.req.Bytes(d.req.ID), result), nil)
}

// respondWith sends the response message. The header is that of the answer of
// another server, which may name a session; nil for none.
func (d *delivery) respondWith(response jsontext.Value, header http.Header) error {
	if d.req.Method == mcp.MethodInitialize {
		session := mailbox.Session{ID: header.Get(mcp.HeaderSessionID), Version: negotiated(response)}
		if session.Version != "" {
			session.ID = d.exchange.session(session.ID)
		}
		if err := d.learn(session); err != nil {
			return err
		}
	}
	d.answered = true
	return d.Notify(response)
}

// learn keeps what later messages need to know of the session, wherever they
// arrive, before the client can send one.
func (d *delivery) learn(s mailbox.Session) error {
	w := d.writer
	if s == (mailbox.Session{}) { // it failed
		return nil
	}
	if d.stream != nil {
		if d.stream.learn(s); d.box.Store == nil {
			return nil
		}
		var err error
		if w, err = mailbox.Open(d.ctx, d.box); err != nil {
			return err
		}
	}
	return w.SetSession(d.ctx, s)
}

// Relay sends on what another server answered.
func (d *delivery) Relay(status int, header http.Header, body io.Reader) error {
	if !d.awaited() {
		return nil
	}
	response, err := mcp.ReadResponse(header, body, maxUpstreamMessage, d.Notify)
	if errors.Is(err, mcp.ErrNoResponse) && status >= http.StatusBadRequest {
		return &mcp.Error{Code: mcp.CodeInternalError, Message: refusalText(status, nil)}
	}
	if err != nil {
		return err
	}
	return d.respondWith(bytes.Clone(response), header)
}

// respond sends what came of a message that went through policies.
func (d *delivery) respond(r *expr.Response, _ bool) error {
	body := policy.Message{Response: r}.Body().Reader()
	defer body.Close()
	if d.awaited() && strings.HasPrefix(r.Headers.Get("Content-Type"), mcp.ContentSSE) {
		d.addHeaders(r.Headers)
		return d.Relay(r.StatusCode, r.Headers, body)
	}
	content, err := io.ReadAll(io.LimitReader(body, maxUpstreamMessage+1))
	if err != nil {
		return err
	}
	if d.awaited() {
		if response, err := mcp.ReadResponse(r.Headers, bytes.NewReader(content), maxUpstreamMessage, nil); err == nil {
			d.addHeaders(r.Headers)
			return d.respondWith(response, r.Headers)
		}
	}
	if r.StatusCode < http.StatusBadRequest && !d.awaited() {
		d.addHeaders(r.Headers)
		return nil
	}
	return d.refuse(r, content)
}

func (d *delivery) addResponseHeaders(p *policy.Exchange) {
	h := http.Header{}
	p.AddResponseHeaders(h)
	d.addHeaders(h)
}

// addHeaders adds those headers of a response that are not about its body.
func (d *delivery) addHeaders(h http.Header) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, values := range h {
		if !hopByHop[name] && !strings.HasPrefix(name, "Content-") && name != mcp.HeaderSessionID {
			if d.header == nil {
				d.header = http.Header{}
			}
			d.header[name] = values
		}
	}
}

// refuse makes a response that is no JSON-RPC message the one to the POST. Where
// that was accepted already, or where the response is none that a client of this
// transport would take for a refusal, the stream gets its text.
func (d *delivery) refuse(r *expr.Response, content []byte) error {
	if refused, err := d.refusePost(r, content); refused || !d.awaited() {
		return err
	}
	d.addHeaders(r.Headers)
	e := &mcp.Error{Code: mcp.CodeInternalError, Message: refusalText(r.StatusCode, content)}
	return d.respondWith(mcp.AppendError(nil, d.req.Bytes(d.req.ID), e), nil)
}

// refusePost reports false where the POST cannot be refused.
func (d *delivery) refusePost(r *expr.Response, content []byte) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	x := d.exchange
	if x.status != 0 || r.StatusCode < http.StatusBadRequest {
		return false, nil
	}
	h := x.w.Header()
	for name, values := range r.Headers {
		if !hopByHop[name] {
			h[name] = values
		}
	}
	h["Content-Length"] = []string{strconv.Itoa(len(content))}
	x.WriteHeader(r.StatusCode)
	_, err := x.w.Write(content)
	return true, err
}

// end answers what was not answered yet.
func (d *delivery) end(err error) {
	x := d.exchange
	cause := err
	if err != nil && d.awaited() && !errors.Is(err, mailbox.ErrGone) {
		d.answered = true
		err = d.Notify(mcp.AppendError(nil, d.req.Bytes(d.req.ID), public(err)))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case x.status != 0:
	case err == nil:
		d.accept()
	case errors.Is(err, mailbox.ErrGone) || d.ctx.Err() != nil:
		x.fail(errStreamGone)
	default:
		x.fail(err)
	}
	if cause != nil {
		x.call.Err = errors.Join(cause, err)
	}
}

package mcpproxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// sseWire is the wire of a session over HTTP+SSE, the transport of 2024-11-05:
// requests are posted, and everything comes back on the one stream that is the
// session. A goroutine reads it and deals out the messages by id and progress
// token, until the stream ends.
type sseWire struct {
	proxy *Proxy
	conn  sdk.Connection
	end   context.CancelCauseFunc // ends the stream

	mu    sync.Mutex
	calls map[string]*sseCall // by id; nil when the stream has ended
	done  chan struct{}       // closed when the stream has ended
}

// sseCall is a request that waits for its response.
type sseCall struct {
	// notes are notifications of progress. Those that the client is too slow to
	// take are dropped: the stream belongs to other requests as well.
	notes    chan *mcp.Message
	response chan *mcp.Message
}

// maxNotes is how many notifications wait for one client.
const maxNotes = 16

// connectSSE opens the stream, with the caller's headers, within
// handshakeTimeout.
func (p *Proxy) connectSSE(h http.Header) (wire, error) {
	ctx, end := context.WithCancelCause(onBehalf(p.background.ctx, h))
	timer := time.AfterFunc(handshakeTimeout, func() { end(context.DeadlineExceeded) })
	transport := &sdk.SSEClientTransport{
		Endpoint:     p.target.String(),
		MaxEventSize: p.limit,
		HTTPClient:   &http.Client{Transport: sseTransport{p}},
	}
	conn, err := transport.Connect(ctx)
	if !timer.Stop() && err == nil {
		err = context.DeadlineExceeded
		_ = conn.Close() // the time is up
	}
	if err != nil {
		end(nil)
		return nil, fmt.Errorf("opening the event stream: %w", withoutURL(err))
	}
	w := &sseWire{proxy: p, conn: conn, end: end, calls: map[string]*sseCall{}, done: make(chan struct{})}
	if !p.background.stay(func(ctx context.Context) { w.read(onBehalf(ctx, h)) }) {
		w.lose()
		return nil, errClosed
	}
	return w, nil
}

// sseTransport sends the requests of the connection with the credentials of the
// backend, and to nowhere else: the server names the URL to post to.
type sseTransport struct{ proxy *Proxy }

// RoundTrip returns refusals as errors, so that what they mean is not lost in
// the connection's own.
func (t sseTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	p := t.proxy
	out := req.Clone(req.Context())
	if req.Method == http.MethodPost {
		out.URL.RawQuery = p.client.AddQuery(out.URL.RawQuery)
	}
	out.Header["User-Agent"] = p.agent
	out.Header["Accept-Encoding"] = identity
	return p.do(out)
}

// read deals out the messages of the stream until it ends.
func (w *sseWire) read(ctx context.Context) {
	defer w.lose()
	for {
		message, err := w.conn.Read(ctx)
		if errors.Is(err, io.EOF) || ctx.Err() != nil {
			return
		}
		var m *mcp.Message
		if err == nil {
			m, err = scanned(message)
		}
		if err != nil {
			w.proxy.log.Warn("a message of the MCP server cannot be read", "error", err)
			continue
		}
		w.deal(ctx, m)
	}
}

// lose ends the session: calls that wait are told, the next one opens another.
func (w *sseWire) lose() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.calls == nil {
		return
	}
	w.calls = nil
	close(w.done)
	_ = w.conn.Close() // it has ended
	w.end(nil)
}

func (w *sseWire) deal(ctx context.Context, m *mcp.Message) {
	switch m.Kind {
	case mcp.KindResponse:
		if c := w.waiting(m.Bytes(m.ID)); c != nil {
			select {
			case c.response <- m:
			default: // answered twice
			}
		}
	case mcp.KindRequest:
		// It belongs to no request in particular, so to no client.
		if err := w.send(ctx, declined(m)); err != nil {
			w.proxy.log.Debug("a request of the MCP server was not answered", "error", err)
		}
	case mcp.KindNotification:
		c := w.waiting(lookup(m.Bytes(m.Params), mcp.MetaProgressToken))
		if m.Method != mcp.NotificationProgress || c == nil {
			return // nobody in particular is told
		}
		select {
		case c.notes <- m:
		default:
		}
	}
}

func (w *sseWire) waiting(id jsontext.Value) *sseCall {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls[string(id)]
}

func (w *sseWire) call(ctx context.Context, _ http.Header, id string, body []byte, visit visitor) error {
	c := &sseCall{notes: make(chan *mcp.Message, maxNotes), response: make(chan *mcp.Message, 1)}
	w.mu.Lock()
	if w.calls == nil {
		w.mu.Unlock()
		return errSessionLost
	}
	w.calls[id] = c
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		delete(w.calls, id)
		w.mu.Unlock()
	}()
	if err := w.send(ctx, body); err != nil {
		return w.lost(err)
	}
	return w.await(ctx, c, visit)
}

// await visits the notifications of a call, and then its response.
func (w *sseWire) await(ctx context.Context, c *sseCall, visit visitor) error {
	for {
		select {
		case m := <-c.notes:
			if done, err := visit(m); done || err != nil {
				return err
			}
		case m := <-c.response:
			for len(c.notes) > 0 {
				if _, err := visit(<-c.notes); err != nil {
					return err
				}
			}
			_, err := visit(m)
			return err
		case <-w.done:
			if len(c.response) == 0 {
				return &broken{io.ErrUnexpectedEOF}
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// lost tells whether a request that could not be posted can be on another
// stream: the session has ended, or the server says so.
func (w *sseWire) lost(err error) error {
	r, refused := errors.AsType[*refusal](err)
	if refused && r.status != http.StatusNotFound || !refused && !errors.Is(err, io.EOF) {
		return err
	}
	w.lose()
	return errors.Join(errSessionLost, err)
}

func (w *sseWire) send(ctx context.Context, body []byte) error {
	message, err := jsonrpc.DecodeMessage(body)
	if err != nil {
		return fmt.Errorf("writing a message for the event stream: %w", err)
	}
	return withoutURL(w.conn.Write(ctx, message))
}

// withoutURL takes the URL out of an error of http.Client: its query may hold a
// credential, or the id of the session.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

func (w *sseWire) close() error {
	w.lose()
	return nil
}

// scanned writes a message of the connection as it was on the wire. Params and
// result are the server's bytes.
func scanned(message jsonrpc.Message) (*mcp.Message, error) {
	var raw []byte
	switch m := message.(type) {
	case *jsonrpc.Response:
		id, err := json.Marshal(m.ID.Raw())
		if err != nil {
			return nil, err
		}
		raw = append(append(raw, `{"jsonrpc":"2.0","id":`...), id...)
		if m.Error != nil {
			raw = append(raw, `,"error":`...)
			raw = mcp.AppendErrorObject(raw, wireError(m.Error))
		} else {
			raw = append(append(raw, `,"result":`...), m.Result...)
		}
	case *jsonrpc.Request:
		raw = append(append(raw, `{"jsonrpc":"2.0","method":`...), quote(m.Method)...)
		if m.ID.IsValid() {
			id, err := json.Marshal(m.ID.Raw())
			if err != nil {
				return nil, err
			}
			raw = append(append(raw, `,"id":`...), id...)
		}
		if len(m.Params) > 0 {
			raw = append(append(raw, `,"params":`...), m.Params...)
		}
	}
	out, err := mcp.Scan(append(raw, '}'), answerDepth)
	return &out, err
}

// wireError is an error of the server as the connection gives it.
func wireError(err error) *mcp.Error {
	e, ok := errors.AsType[*jsonrpc.Error](err)
	if !ok {
		return behind("sent an error that cannot be read")
	}
	return &mcp.Error{Code: mcp.Code(e.Code), Message: e.Message, Data: jsontext.Value(e.Data)}
}

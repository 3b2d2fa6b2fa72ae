package mcpproxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json/jsontext"
)

// sseWire is the wire of a session over HTTP+SSE, the transport of 2024-11-05:
// requests are posted, and everything comes back on the one stream that is the
// session. A goroutine reads it and deals out the messages by id and progress
// token, until the stream ends.
type sseWire struct {
	proxy    *Proxy
	stream   *http.Response
	events   *mcp.EventReader        // of the stream
	endpoint *url.URL                // to post to
	end      context.CancelCauseFunc // ends the stream

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
	w := &sseWire{proxy: p, end: end, calls: map[string]*sseCall{}, done: make(chan struct{})}
	err := w.open(ctx)
	if !timer.Stop() && err == nil {
		err = context.DeadlineExceeded
	}
	if err != nil {
		w.lose()
		return nil, fmt.Errorf("opening the event stream: %w", err)
	}
	if !p.background.stay(func(ctx context.Context) { w.read(onBehalf(ctx, h)) }) {
		w.lose()
		return nil, errClosed
	}
	return w, nil
}

// open asks for the stream. Its first event is the URL to post to, which the
// credentials go to as well: the client of the backend sends to no other host.
func (w *sseWire) open(ctx context.Context) (err error) {
	p := w.proxy
	w.stream, err = p.request(ctx, http.MethodGet, http.Header{"Accept": acceptSSE, "Accept-Encoding": identity, "User-Agent": p.agent}) //nolint:bodyclose // lose closes it
	if err != nil {
		return err
	}
	w.events = mcp.NewEventReader(w.stream.Body, p.limit)
	e, err := w.events.Next()
	if err != nil {
		return p.readError(w.stream, err)
	}
	if e.Type != "endpoint" {
		return fmt.Errorf("the first event is of type %q, not endpoint", e.Type)
	}
	if w.endpoint, err = p.target.Parse(string(bytes.TrimSpace(e.Data))); err != nil {
		return errors.New("the endpoint to post to is not a URL") // which may hold the id of the session
	}
	w.endpoint.RawQuery = p.client.AddQuery(w.endpoint.RawQuery)
	return nil
}

// read deals out the messages of the stream until it ends.
func (w *sseWire) read(ctx context.Context) {
	defer w.lose()
	for {
		e, err := w.events.Next()
		if err != nil {
			return // broken, or at its end: the next call opens another
		}
		if len(e.Data) == 0 || e.Type != "" && e.Type != "message" {
			continue
		}
		m, err := mcp.Scan(bytes.Clone(e.Data), answerDepth) // it is kept for its call
		if err != nil {
			w.proxy.log.Warn("a message of the MCP server cannot be read", "error", err)
			continue
		}
		w.deal(ctx, &m)
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
	w.end(nil)
	if w.stream != nil {
		w.stream.Body.Close()
	}
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

// send posts a message. The answer to it, if any, comes on the stream.
func (w *sseWire) send(ctx context.Context, body []byte) error {
	select {
	case <-w.done:
		return io.EOF
	default:
	}
	res, err := w.proxy.postTo(ctx, w.endpoint, http.Header{"Content-Type": typeJSON, "Accept-Encoding": identity, "User-Agent": w.proxy.agent}, body)
	if err != nil {
		return err
	}
	finish(res)
	return nil
}

func (w *sseWire) close() error {
	w.lose()
	return nil
}

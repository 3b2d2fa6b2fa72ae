package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"toolgate/shared/backend"
	"toolgate/shared/expr"
	"toolgate/shared/mcp"
	"toolgate/shared/policy"

	"github.com/go-json-experiment/json/jsontext"
)

// forwarding is one message on its way through the policies of its server: it
// is what forward-request does, and it sends what came of it all.
type forwarding struct {
	*governed
	pipeline *policy.Pipeline
	exchange *policy.Exchange
	req      *mcp.Request
	reply    mcp.Reply
	serve    serveFunc

	operation expr.Operation // of the exchange, as is mcp
	mcp       expr.Mcp
	captured  capture
	attempts  int                     // so far
	server    *coroutine              // runs the server that has more to say; nil when there is none
	cancel    context.CancelCauseFunc // of an attempt with a time-out; nil without
	// begun says that events of the answer were sent, ahead of its last one,
	// which policies look at.
	begun bool
	err   error // of the server
}

// errGone ends a server whose answer nobody wants any more.
var errGone = errors.New("the answer is not wanted any more")

// request is the message as policies left it, with the headers that they set
// for whoever answers it. A body that they read without preserving it is sent
// as it came.
func (f *forwarding) request(ctx context.Context) (context.Context, *mcp.Request, error) {
	if f.streams { // the tools of a catalog take them from the exchange
		ctx = withChanged(ctx, f.exchange)
	}
	body, _ := policy.Message{Request: f.exchange.Request}.Body().Held()
	if len(body) == 0 || same(body, f.req.Raw) {
		return ctx, f.req, nil
	}
	changed := &mcp.Request{Header: f.req.Header}
	var err error
	if changed.Message, err = mcp.Scan(body, f.depth); err == nil {
		changed.Version, err = mcp.Detect(&changed.Message, f.req.Header)
	}
	if err == nil && (changed.Method != f.req.Method || changed.Text(changed.Name) != f.req.Text(f.req.Name)) {
		// What may be called was decided on what the client asked for.
		err = errors.New("a policy changed which method or tool the message calls")
	}
	return ctx, changed, err
}

// withChanged gives a context the headers that policies set, for the requests to
// an upstream.
func withChanged(ctx context.Context, x *policy.Exchange) context.Context {
	names := x.ChangedHeaders()
	if len(names) == 0 {
		return ctx
	}
	h := make(http.Header, len(names))
	for _, name := range names {
		if v := x.Request.Headers[name]; v != nil && !strings.HasPrefix(name, ":") {
			h[name] = v
		}
	}
	return backend.WithHeader(ctx, h)
}

// same tells whether two slices are the same memory.
func same(a, b []byte) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }

// forward has the server answer and makes the answer the exchange's response.
// A stream is not waited for: its body is read as it is sent.
func (f *forwarding) forward(ctx context.Context, o policy.ForwardOptions) error {
	f.release()
	ctx, req, err := f.request(ctx)
	if err != nil {
		return err
	}
	if o.Timeout > 0 {
		limited, cancel := context.WithCancelCause(ctx)
		f.cancel = cancel
		timer := time.AfterFunc(o.Timeout, func() { cancel(context.DeadlineExceeded) })
		defer timer.Stop()
		ctx = limited
	}
	f.err = nil
	ctx = again(ctx, f.attempts)
	f.attempts++
	c := &f.captured
	*c = capture{forwarding: f, req: req}
	if !f.streams {
		f.err = f.serve(ctx, req, c)
		return f.respond(ctx, c.part, c.sent)
	}
	f.server = start(func(yield func(part) bool) {
		c.yield = yield
		f.err = f.serve(ctx, req, c)
	})
	if p, ok := f.more(); ok {
		f.exchange.Respond(f.stream(p))
		return nil
	}
	f.release()
	return f.respond(ctx, c.part, c.sent)
}

// more is the next part of the server's answer; false at its end.
func (f *forwarding) more() (p part, ok bool) {
	if f.server == nil {
		return p, false
	}
	if p, ok = f.server.more(); !ok {
		f.server = nil
	}
	return p, ok
}

// release ends a server that was stopped in the middle of its answer.
func (f *forwarding) release() {
	if f.server != nil {
		f.server.stop()
		f.server = nil
	}
	if f.cancel != nil {
		f.cancel(nil)
		f.cancel = nil
	}
}

// whole is a response that is at hand, in one piece of memory.
type whole struct {
	response expr.Response
	body     policy.Body
}

// contentJSON is shared by all responses, and not changed.
var contentJSON = []string{mcp.ContentJSON}

// respond makes a whole answer, or the server's error, the response.
func (f *forwarding) respond(ctx context.Context, p part, ok bool) error {
	a := &whole{}
	response := &a.response
	response.StatusCode, response.Body = http.StatusOK, &a.body
	switch {
	case ok && p.kind == partRelayed:
		response.StatusCode, response.Headers = p.status, relayedHeader(p.header)
		a.body.Set(p.message)
	case ok:
		a.body.Set(p.message)
	case f.err == nil: // a notification was taken
		response.StatusCode, response.Headers = http.StatusAccepted, http.Header{}
	default:
		if failed := f.failureOf(ctx, f.err); failed != nil {
			return failed
		}
		e := public(f.err)
		response.StatusCode = e.HTTPStatus(f.req.Version)
		a.body.Set(mcp.AppendError(nil, f.req.Bytes(f.req.ID), e))
	}
	if response.Headers == nil {
		response.Headers = http.Header{"Content-Type": contentJSON}
	}
	response.StatusReason = http.StatusText(response.StatusCode)
	f.exchange.Respond(response)
	return nil
}

// part is a piece of what a server says.
type part struct {
	kind    partKind
	message jsontext.Value // of a notification, or the whole response message or relayed answer
	status  int            // of a relayed answer, as are the others
	header  http.Header
	body    io.Reader
}

type partKind uint8

const (
	partResult partKind = iota
	partNotification
	partRelay   // an answer that is still coming
	partRelayed // one that has come
	partEnd     // nothing: the server has said all
)

// capture is the reply of a server whose answer goes through policies. An answer in
// one piece is kept; the server stops at the first piece of any other.
type capture struct {
	*forwarding
	req     *mcp.Request
	yield   func(part) bool // nil: the server does not stream
	yielded bool
	part    part
	sent    bool // part is the answer
}

func (c *capture) hand(p part) error {
	if whole := p.kind == partResult || p.kind == partRelayed; c.yield == nil || whole && !c.yielded {
		c.part, c.sent = p, true
		return nil
	}
	c.yielded = true
	if !c.yield(p) {
		return errGone
	}
	return nil
}

func (c *capture) Notify(message jsontext.Value) error {
	return c.hand(part{kind: partNotification, message: message})
}

func (c *capture) Result(result jsontext.Value) error {
	return c.hand(part{message: mcp.AppendResult(make([]byte, 0, len(result)+64), c.req.Bytes(c.req.ID), result)})
}

// Relay takes a short message at once: it costs less than stopping the server until
// its body has been read.
func (c *capture) Relay(status int, header http.Header, body io.Reader) error {
	p := part{kind: partRelay, status: status, header: header, body: body}
	if t := header["Content-Type"]; len(t) == 1 && strings.HasPrefix(t[0], mcp.ContentJSON) {
		head, whole, err := readShort(body, header)
		switch {
		case err != nil:
			return err
		case whole:
			p.kind, p.message = partRelayed, head
		default:
			p.body = io.MultiReader(bytes.NewReader(head), body)
		}
	}
	return c.hand(p)
}

// readShort reads a body to its end, or as far as memory is set aside for what has
// not come. The length that its header states is a hint.
func readShort(body io.Reader, header http.Header) (read []byte, whole bool, err error) {
	size := int64(1 << 10)
	if l := header["Content-Length"]; len(l) == 1 {
		if n, err := strconv.ParseInt(l[0], 10, 64); err == nil && n >= 0 {
			size = n + 1
		}
	}
	read = make([]byte, 0, min(size, trustedLength))
	for len(read) < trustedLength {
		n, err := body.Read(read[len(read):cap(read)])
		read = read[:len(read)+n]
		if err == io.EOF {
			return read, true, nil
		}
		if err != nil {
			return nil, false, err
		}
		if len(read) == cap(read) {
			read = slices.Grow(read, min(len(read), trustedLength-len(read)))
		}
	}
	return read, false, nil
}

// relayedHeader is what policies see of the headers of a relayed answer.
func relayedHeader(header http.Header) http.Header {
	h := make(http.Header, 4)
	for _, name := range [...]string{"Content-Type", mcp.HeaderSessionID} {
		if v := header[name]; v != nil {
			h[name] = v
		}
	}
	return h
}

// Failed passes on that the result has isError set.
func (c *capture) Failed(cause error) { noteFailed(c.reply, cause) }

// Cached passes on that the result is that of an earlier call.
func (c *capture) Cached() { noteCached(c.reply) }

// stream makes a response of an answer that is still coming.
func (f *forwarding) stream(p part) *expr.Response {
	if p.kind == partRelay {
		r := &expr.Response{StatusCode: p.status, StatusReason: http.StatusText(p.status), Headers: relayedHeader(p.header)}
		body := policy.NewStream(&relayed{Reader: p.body, forwarding: f}, -1)
		if strings.HasPrefix(p.header.Get("Content-Type"), mcp.ContentSSE) {
			body.Whole = func() ([]byte, error) {
				r.Headers["Content-Type"] = contentJSON // of the message that is left
				return mcp.ReadResponse(p.header, p.body, maxUpstreamMessage, f.notify)
			}
		}
		r.Body = body
		return r
	}
	r := &expr.Response{StatusCode: http.StatusOK, StatusReason: "OK", Headers: http.Header{"Content-Type": {mcp.ContentSSE}}}
	events := &eventStream{forwarding: f}
	events.add(p)
	body := policy.NewStream(events, -1)
	body.Whole = func() ([]byte, error) {
		r.Headers["Content-Type"] = contentJSON // of the message that is left
		return events.last(p)
	}
	r.Body = body
	return r
}

// notify sends an event on at once, ahead of an answer that policies look at.
func (f *forwarding) notify(message jsontext.Value) error {
	if err := f.exchange.Notified(message); err != nil {
		return err
	}
	f.begun = true
	return f.reply.Notify(message)
}

// relayed is the body of a relayed answer. Closing it lets the server end.
type relayed struct {
	io.Reader
	*forwarding
}

func (r *relayed) Close() error {
	r.release()
	return nil
}

// eventStream is what a server says as an event stream.
type eventStream struct {
	*forwarding
	pending bytes.Reader
	ended   bool
}

// Read gives one event at a time, or a piece of it.
func (s *eventStream) Read(p []byte) (int, error) {
	for s.pending.Len() == 0 {
		if s.ended {
			return 0, io.EOF
		}
		next, ok := s.more()
		if ok {
			s.add(next)
			continue
		}
		s.ended = true
		if s.err != nil {
			s.pending.Reset(mcp.AppendEvent(nil, "", s.failure()))
		}
	}
	return s.pending.Read(p)
}

func (s *eventStream) Close() error {
	s.release()
	return nil
}

func (s *eventStream) add(p part) {
	s.pending.Reset(mcp.AppendEvent(nil, "", p.message))
	s.ended = p.kind == partResult
}

// failure is the response message for the server's error.
func (s *eventStream) failure() []byte {
	return mcp.AppendError(nil, s.req.Bytes(s.req.ID), public(s.err))
}

// last is the response message, the last event, after all others were sent.
func (s *eventStream) last(p part) ([]byte, error) {
	for ok := true; ok; p, ok = s.more() {
		if p.kind == partResult {
			return p.message, nil
		}
		if err := s.notify(p.message); err != nil {
			return nil, err
		}
	}
	return s.failure(), nil
}

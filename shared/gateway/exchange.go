package gateway

import (
	"cmp"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"toolgate/shared/expr"
	"toolgate/shared/mcp"
	"toolgate/shared/policy"

	"github.com/go-json-experiment/json/jsontext"
)

// exchange is one HTTP request on its way: what is known of it so far, and the
// reply to its client. It is the one object that a request owns.
type exchange struct {
	gateway *Gateway
	w       http.ResponseWriter
	r       *http.Request
	start   time.Time
	server  string
	caller  caller
	address string // of the client; empty until it is asked for
	// challenge is the WWW-Authenticate of a refused key or token; empty otherwise.
	challenge string
	watched   *observation // nil without telemetry, and until it begins
	visits    *visitor     // nil until rules are looked at
	req       *mcp.Request // nil until a message was read
	request   mcp.Request  // what req points to, but in a batch
	call      Call
	status    int        // 0 until the header is written
	stream    bool       // the reply is an event stream
	plain     bool       // the request is for an API, not for a server
	record    *record    // nil: the request is not recorded, step by step
	note      *auditNote // of its one message; nil without audit
	requestID expr.Guid  // where it was asked for, with audit and without telemetry
	batched   bool       // its messages were recorded one by one
	view      *view      // that the request names, beside its message; nil: none
	opened    *view      // of the client that opens a session; nil: as of other clients
}

// readBody reads the message, up to the limit.
func (x *exchange) readBody() ([]byte, error) {
	if err := checkContentType(x.r.Header.Get("Content-Type")); err != nil {
		return nil, err
	}
	limit := x.gateway.maxBody
	if x.r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	// A client that trickles its body must not hold the call. Platforms that
	// hand over whole requests know no deadline, and need none.
	deadline := http.NewResponseController(x.w)
	_ = deadline.SetReadDeadline(x.start.Add(cmp.Or(x.gateway.bodyTimeout, bodyTimeout)))
	defer func() { _ = deadline.SetReadDeadline(time.Time{}) }()
	var body []byte
	var err error
	if n := x.r.ContentLength; n >= 0 && n <= trustedLength {
		body = make([]byte, n)
		_, err = io.ReadFull(x.r.Body, body)
	} else if body, err = io.ReadAll(io.LimitReader(x.r.Body, limit+1)); int64(len(body)) > limit {
		return nil, tooLarge(limit)
	}
	if err != nil {
		return nil, &mcp.Error{Code: mcp.CodeParseError, Message: "the body could not be read", Status: http.StatusBadRequest}
	}
	return body, nil
}

// trustedLength is the length up to which memory is set aside for a body before
// it has come. A longer one is only claimed so far.
const trustedLength = 64 << 10

// bodyTimeout is the time a client has for sending its message.
const bodyTimeout = 30 * time.Second

func tooLarge(limit int64) *mcp.Error {
	e := mcp.Errorf(mcp.CodeInvalidRequest, "the body is larger than %d bytes, the limit of this gateway", limit)
	e.Status = http.StatusRequestEntityTooLarge
	return e
}

// checkContentType asks for JSON. A page on another site can send the simple
// content types without a preflight; it cannot send this one.
func checkContentType(value string) error {
	if value == mcp.ContentJSON {
		return nil
	}
	if t, _, err := mime.ParseMediaType(value); err == nil && t == mcp.ContentJSON {
		return nil
	}
	return &mcp.Error{Code: mcp.CodeInvalidRequest, Message: "the Content-Type must be application/json", Status: http.StatusUnsupportedMediaType}
}

// begin notes the request, for the reply and for the log.
func (x *exchange) begin(req *mcp.Request) {
	x.req = req
	x.call.Method, x.call.Version = req.Method, req.Version
	if x.gateway.observe != nil {
		x.call.Name = req.Text(req.Name)
	}
}

// Notify sends an event, and makes the reply a stream. A client that cannot
// take a stream gets the result alone.
func (x *exchange) Notify(message jsontext.Value) error {
	if !x.stream {
		if !accepts(x.r.Header["Accept"], mcp.ContentSSE) {
			return nil
		}
		x.startStream()
	}
	return x.event(message)
}

func (x *exchange) startStream() {
	h := x.w.Header()
	h["Content-Type"] = []string{mcp.ContentSSE}
	h["Cache-Control"] = []string{"no-cache, no-transform"}
	h["X-Accel-Buffering"] = []string{"no"}
	x.WriteHeader(http.StatusOK)
	x.stream = true
}

func (x *exchange) event(message []byte) error {
	if _, err := x.w.Write(mcp.AppendEvent(nil, "", message)); err != nil {
		return err
	}
	return x.flush()
}

func (x *exchange) flush() error {
	err := http.NewResponseController(x.w).Flush()
	if errors.Is(err, http.ErrNotSupported) {
		return nil // the platform sends every write at once, or only the whole
	}
	return err
}

// Result sends the result.
func (x *exchange) Result(result jsontext.Value) error {
	x.listed(result)
	id := x.req.Bytes(x.req.ID)
	if x.stream {
		x.message(http.StatusOK, mcp.AppendResult(nil, id, result))
		return nil
	}
	// A result can be a page of a thousand tools: it is written where it lies.
	var buf [128]byte
	head := mcp.AppendResultHead(buf[:0], id)
	x.send(http.StatusOK, head, result, closing)
	return nil
}

// message sends a response, as the whole body or as the last event.
func (x *exchange) message(status int, message []byte) {
	if x.stream {
		x.call.Err = errors.Join(x.call.Err, x.event(message))
		return
	}
	x.send(status, message)
}

// closing ends the object of a response.
var closing = []byte{'}'}

// send sends a whole JSON body, given in parts.
func (x *exchange) send(status int, parts ...[]byte) {
	length := 0
	for _, p := range parts {
		length += len(p)
	}
	h := x.w.Header()
	h["Content-Type"] = []string{mcp.ContentJSON}
	h["Content-Length"] = []string{strconv.Itoa(length)}
	x.WriteHeader(status)
	for _, p := range parts {
		if _, err := x.w.Write(p); err != nil {
			x.call.Err = cmp.Or(x.call.Err, err)
			return
		}
	}
}

// Relay copies the answer of another server. An event stream is flushed with
// every read, so that the first event is not held back by the last.
func (x *exchange) Relay(status int, header http.Header, body io.Reader) error {
	h := x.w.Header()
	for _, name := range [...]string{"Content-Type", mcp.HeaderSessionID} {
		if v := header[name]; v != nil {
			h[name] = v
		}
	}
	stream := strings.HasPrefix(header.Get("Content-Type"), mcp.ContentSSE)
	if stream {
		h["Cache-Control"] = []string{"no-cache, no-transform"}
		h["X-Accel-Buffering"] = []string{"no"}
	}
	x.WriteHeader(status)
	if stream {
		x.stream = true
		if err := x.flush(); err != nil {
			return err
		}
	}
	return x.copy(body, stream)
}

func (x *exchange) copy(body io.Reader, stream bool) error {
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	for {
		n, err := body.Read(*buf)
		if n > 0 {
			if x.watched != nil && !x.plain {
				x.watched.heard.look((*buf)[:n], stream)
			}
			if _, err := x.w.Write((*buf)[:n]); err != nil {
				return err
			}
			if stream {
				if err := x.flush(); err != nil {
					return err
				}
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// end answers what was not answered yet.
func (x *exchange) end(err error) {
	few, ok := errors.AsType[*scopeError](err)
	switch {
	case ok && x.status == 0:
		x.stepUp(few)
	case err != nil:
		x.fail(err)
	case x.status == 0:
		x.WriteHeader(http.StatusAccepted)
	}
}

// fail answers with an error, unless the answer has begun and cannot be
// changed: then only the log is told.
func (x *exchange) fail(err error) {
	x.call.Err = err
	if ctx := x.r.Context(); ctx.Err() != nil {
		switch late := errors.Is(context.Cause(ctx), context.DeadlineExceeded); {
		case late && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)):
			err = errLate
		case errors.Is(err, context.Canceled):
			if x.status == 0 { // the client has gone
				x.status = policy.StatusClientClosedRequest
			}
			return
		}
	}
	if x.status != 0 && !x.stream {
		return
	}
	if x.plain { // the client of an API knows no JSON-RPC
		x.send(http.StatusInternalServerError, []byte(`{"statusCode":500,"message":"Internal server error"}`))
		return
	}
	e := public(err)
	version, id := mcp.Version(""), jsontext.Value(nil)
	if x.req != nil {
		version, id = x.req.Version, x.req.Bytes(x.req.ID)
	}
	status := e.HTTPStatus(version)
	if x.req != nil && x.req.Kind != mcp.KindRequest {
		status = max(status, http.StatusBadRequest) // there is no request for a response to answer
	}
	x.message(status, mcp.AppendError(nil, id, e))
}

// errLate is for a call that the platform would end by itself soon.
var errLate = mcp.Errorf(mcp.CodeInternalError, "The gateway has no answer in the time that its platform gives a call. Ask for less, or try again later.")

// failHTTP refuses a request that is no MCP message.
func (x *exchange) failHTTP(status int, message string) {
	x.fail(&mcp.Error{Code: mcp.CodeInvalidRequest, Message: message, Status: status})
}

// Header, Write and WriteHeader make an exchange the http.ResponseWriter of
// what passes through it, so that the status is known to the log.
func (x *exchange) Header() http.Header { return x.w.Header() }

func (x *exchange) Write(p []byte) (int, error) {
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
	return x.w.Write(p)
}

func (x *exchange) WriteHeader(status int) {
	if x.status == 0 {
		x.status = status
		if x.opened != nil && status == http.StatusOK && !x.plain {
			h := x.w.Header()
			h[mcp.HeaderSessionID] = []string{x.session(h.Get(mcp.HeaderSessionID))}
		}
		x.w.WriteHeader(status)
	}
}

// Unwrap serves http.ResponseController.
func (x *exchange) Unwrap() http.ResponseWriter { return x.w }

// Failed is called by servers whose result has isError set, with the cause where
// the result does not say all of it.
func (x *exchange) Failed(cause error) { x.call.Failed, x.call.Err = true, cause }

// Cached is called by servers that answer with a result of an earlier call.
func (x *exchange) Cached() {
	x.call.Cached = true
	if s := x.step("cache"); s != nil {
		s.Say("cache", "result", "found")
		s.End(nil)
	}
}

// clientAddress is the address of the client.
func (x *exchange) clientAddress() string {
	if x.address == "" {
		x.address = x.gateway.addresses.of(x.r)
	}
	return x.address
}

func (x *exchange) finish() {
	if x.gateway.observing != nil {
		x.endWatch()
	}
	if x.record != nil {
		x.endTrace()
	}
	if x.gateway.audit != nil {
		x.recordCall()
	}
	observe := x.gateway.observe
	if observe == nil {
		return
	}
	x.call.Time, x.call.Duration = x.start, time.Since(x.start)
	x.call.Server, x.call.Status, x.call.Client = x.server, x.status, x.clientAddress()
	if x.call.Method == "" {
		x.call.Method = x.r.Method
	}
	observe(x.call)
}

// accepts reports whether an Accept header lets contentType through. No header
// accepts everything (RFC 9110, section 12.5.1). Weights are not looked at.
func accepts(accept []string, contentType string) bool {
	if len(accept) == 0 {
		return true
	}
	kind, _, _ := strings.Cut(contentType, "/")
	for _, value := range accept {
		for item := range strings.SplitSeq(value, ",") {
			item, _, _ = strings.Cut(item, ";")
			switch strings.TrimSpace(item) {
			case contentType, "*/*", kind + "/*":
				return true
			}
		}
	}
	return false
}

// buffers are for copying what is relayed.
var buffers = sync.Pool{New: func() any {
	b := make([]byte, 32<<10)
	return &b
}}

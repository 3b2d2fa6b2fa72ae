// Package shadow knows how a candidate, a changed configuration, is run beside the
// live one without effect: what a live call asked of backends and was answered is
// answered to the candidate again, who called is taken from the live call, and what
// the two decided otherwise becomes a line of the log, and a report of such lines.
package shadow

import (
	"context"
	"io"
	"net/http"
	"sync"

	"toolgate/shared/mcp"
	"toolgate/shared/policy"
)

// Bounds of what is kept of one live call, in bytes.
const (
	// MaxCall bounds all bodies of a call together.
	MaxCall = 512 << 10
	// maxMessage bounds a message to an MCP server that is looked at for its method.
	maxMessage = 64 << 10
)

// Call is what is kept of a live call for the candidate: its body, what was asked of
// backends, and what was found out about the caller. It is safe for concurrent use.
type Call struct {
	mu        sync.Mutex
	left      int // bytes that may still be kept
	body      *recording
	exchanges []*exchange
	tokens    map[string]*policy.TokenFailure
	keys      map[string]found

	// Of the candidate:
	unanswered int
	uncertain  bool
}

// exchange is a request of the live call to a backend, and what came of it.
type exchange struct {
	method, url string
	message     string // the method of the message to an MCP server; empty where it is not known
	status      int
	header      http.Header
	body        *recording
	err         error // nil: there is a response
	taken       bool
}

// found is what a subscription key was found to be.
type found struct {
	subscription *policy.Subscription
	err          error
}

// recording is a body as far as it was read.
type recording struct {
	call  *Call
	bytes []byte
	want  int64 // its length; -1: not known
	whole bool  // it was read to its end, and all of it is kept
	cut   bool  // there was no room for more
}

// NewCall begins to keep a call.
func NewCall() *Call { return &Call{left: MaxCall} }

type callKey struct{}

// With makes a context of the call: of the live one, which is kept, or of the
// candidate's, which is answered from it.
func (c *Call) With(ctx context.Context) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// Of is the call of a context; nil where it is not kept.
func Of(ctx context.Context) *Call {
	c, _ := ctx.Value(callKey{}).(*Call)
	return c
}

// reading is a body that is kept as it is read.
type reading struct {
	io.ReadCloser
	into *recording
}

// Read serves io.Reader.
func (r *reading) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.into.add(p[:max(n, 0)], err == io.EOF)
	return n, err
}

// add keeps what was read, as long as there is room.
func (r *recording) add(p []byte, end bool) {
	r.call.mu.Lock()
	defer r.call.mu.Unlock()
	if len(p) > r.call.left {
		r.cut = true
	}
	if !r.cut {
		r.call.left -= len(p)
		r.bytes = append(r.bytes, p...)
		r.whole = r.whole || end || int64(len(r.bytes)) == r.want
	}
}

// Keep keeps the body of the live request as it is read; -1 is a length that is not
// known.
func (c *Call) Keep(body io.ReadCloser, length int64) io.ReadCloser {
	c.body = &recording{call: c, want: length, whole: length == 0}
	if body == nil || body == http.NoBody {
		c.body.whole = true
		return body
	}
	return &reading{body, c.body}
}

// Body is the body of the live request, for the candidate, and its length; -1 for
// one that is not known.
func (c *Call) Body() (io.ReadCloser, int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.body == nil || c.body.whole && len(c.body.bytes) == 0 {
		return http.NoBody, 0
	}
	if !c.body.whole {
		return &replay{call: c, rest: c.body.bytes}, -1
	}
	return &replay{call: c, rest: c.body.bytes, whole: true}, int64(len(c.body.bytes))
}

// replay is a body that is read again.
type replay struct {
	call  *Call
	rest  []byte
	whole bool
}

// Read serves io.Reader. Who reads on where the live call did not, or where nothing
// more is kept, is at the end of what can be compared.
func (r *replay) Read(p []byte) (int, error) {
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	if len(r.rest) > 0 || n > 0 {
		return n, nil
	}
	if !r.whole {
		r.call.Doubt()
	}
	return 0, io.EOF
}

// Close serves io.Closer.
func (r *replay) Close() error { return nil }

// Doubt says that what the candidate answers from here on says nothing.
func (c *Call) Doubt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.uncertain = true
}

// outcome is how much of what the candidate decided can be compared.
func (c *Call) outcome() (unanswered, uncertain bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.unanswered > 0, c.uncertain
}

// Hear keeps a request of the live call to a backend. What it returns is called with
// what came of it, before the body is read.
func (c *Call) Hear(req *http.Request) func(*http.Response, error) {
	e := &exchange{method: req.Method, url: req.URL.String(), message: messageOf(req)}
	c.mu.Lock()
	c.exchanges = append(c.exchanges, e)
	c.mu.Unlock()
	return func(res *http.Response, err error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if e.err = err; err != nil || res == nil {
			return
		}
		e.status, e.header, e.body = res.StatusCode, res.Header.Clone(), &recording{call: c, want: res.ContentLength, whole: res.ContentLength == 0}
		if res.Body == nil || res.Body == http.NoBody {
			e.body.whole = true
			return
		}
		res.Body = &reading{res.Body, e.body}
	}
}

// messageOf is the method of the JSON-RPC message that a request carries; empty for
// none, and for one that cannot be looked at.
func messageOf(req *http.Request) string {
	if req.Method != http.MethodPost || req.GetBody == nil || req.ContentLength > maxMessage {
		return ""
	}
	body, err := req.GetBody()
	if err != nil {
		return ""
	}
	defer body.Close()
	content, err := io.ReadAll(io.LimitReader(body, maxMessage+1))
	if err != nil || len(content) > maxMessage {
		return ""
	}
	m, err := mcp.Scan(content, 0)
	if err != nil {
		return ""
	}
	return m.Method
}

// take is the next request of the live call that is alike, and was not answered
// again yet; nil where there is none.
func (c *Call) take(same func(*exchange) bool) *exchange {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.exchanges {
		if !e.taken && same(e) {
			e.taken = true
			return e
		}
	}
	c.unanswered++
	return nil
}

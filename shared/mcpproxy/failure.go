package mcpproxy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"toolgate/shared/backend"
	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// refusal is an HTTP answer other than success.
type refusal struct {
	status int
	body   []byte
	// rpc is the JSON-RPC error that the body holds; nil when it holds none.
	rpc *mcp.Error
	// id is the id of the request that rpc answers; nil when it names none.
	id jsontext.Value
}

// maxRefusal bounds the body of a refusal that is read.
const maxRefusal = 64 << 10

func readRefusal(res *http.Response) *refusal {
	r := &refusal{status: res.StatusCode}
	body, more, err := backend.ReadBody(res, maxRefusal)
	if more || err != nil || !isJSON(res) {
		return r
	}
	m, err := mcp.Scan(body, answerDepth)
	if err != nil || m.Kind != mcp.KindResponse || !m.Failure.Present() {
		return r
	}
	r.body, r.rpc = body, rpcError(m.Bytes(m.Failure))
	if id := m.Bytes(m.ID); id != nil && id.Kind() != 'n' {
		r.id = id
	}
	return r
}

func (r *refusal) Error() string {
	if r.rpc != nil {
		return fmt.Sprintf("the MCP server answered HTTP %d: %v", r.status, r.rpc)
	}
	return fmt.Sprintf("the MCP server answered HTTP %d", r.status)
}

// ofCaller reports whether the server refused whoever asked rather than what was
// asked for.
func (r *refusal) ofCaller() bool {
	switch r.status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired:
		return true
	}
	return false
}

// relayed reports whether the refusal is the server's word on the request
// itself, which is the client's to read. Refusals of the gateway's credentials
// and failures of the server are not.
func (r *refusal) relayed() bool {
	if r.ofCaller() || r.status == http.StatusTooManyRequests {
		return false
	}
	return r.rpc != nil && r.status >= 400 && r.status < 500
}

// public is what a client is told of a refusal.
func (r *refusal) public() *mcp.Error {
	switch {
	case r.relayed():
		return r.rpc
	case r.ofCaller():
		return behind("refused the gateway's credentials (HTTP %d)", r.status)
	case r.status == http.StatusTooManyRequests:
		return behind("has too many requests to answer (HTTP 429); try again later")
	case r.status >= 500:
		return behind("failed (HTTP %d)", r.status)
	case r.status >= 300 && r.status < 400:
		return behind("has moved (HTTP %d); the gateway's configuration must name its new URL", r.status)
	case r.status == http.StatusNotFound, r.status == http.StatusMethodNotAllowed:
		return behind("does not answer at its configured URL (HTTP %d)", r.status)
	}
	return behind("refused the request (HTTP %d)", r.status)
}

// behind is an internal error whose message speaks of the server.
func behind(format string, args ...any) *mcp.Error {
	return mcp.Errorf(mcp.CodeInternalError, "The MCP server behind this gateway "+format+".", args...)
}

// unreadable reports an answer that is no MCP. It hides what it wraps: the
// reader's errors are made for clients that send such messages.
type unreadable struct{ err error }

func (e *unreadable) Error() string { return "reading the MCP server's answer: " + e.err.Error() }

// tooLargeError reports a message beyond the limit of what may be held.
type tooLargeError struct{ limit int }

func (e *tooLargeError) Error() string {
	return "the MCP server's answer is larger than " + strconv.Itoa(e.limit) + " bytes"
}

// broken reports an answer that ended before it was complete.
type broken struct{ err error }

func (e *broken) Error() string { return "the MCP server broke off its answer: " + e.err.Error() }
func (e *broken) Unwrap() error { return e.err }

// failure is an error with a public side: errors.As finds the *mcp.Error that a
// client is told, Error gives the cause, which is for the log.
type failure struct {
	public *mcp.Error
	cause  error
}

func (f *failure) Error() string   { return f.cause.Error() }
func (f *failure) Unwrap() []error { return []error{f.public, f.cause} }

// fail gives an error its public side, unless it has one.
func fail(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*mcp.Error](err); ok {
		return err
	}
	return &failure{publicOf(err), err}
}

func isType[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func publicOf(err error) *mcp.Error {
	if r, ok := errors.AsType[*refusal](err); ok {
		return r.public()
	}
	if e, ok := errors.AsType[*tooLargeError](err); ok {
		return behind("sent an answer larger than %d bytes", e.limit)
	}
	if isType[*broken](err) || errors.Is(err, mcp.ErrNoResponse) {
		return behind("broke off its answer")
	}
	if e, ok := errors.AsType[*backend.Error](err); ok {
		if e.Reason == backend.Unauthorized {
			return mcp.Errorf(mcp.CodeInternalError, "%s", e.Public())
		}
		return unreached(e.Reason)
	}
	switch {
	case isType[*unreadable](err):
		return behind("sent an answer that cannot be read")
	case errors.Is(err, context.DeadlineExceeded):
		return unreached(backend.Timeout)
	case errors.Is(err, context.Canceled):
		return mcp.Errorf(mcp.CodeInternalError, "The call was cancelled.")
	}
	return behind("could not be reached")
}

func unreached(reason backend.Reason) *mcp.Error {
	switch reason {
	case backend.Timeout:
		return behind("did not answer in time")
	case backend.Cancelled:
		return mcp.Errorf(mcp.CodeInternalError, "The call was cancelled.")
	case backend.Refused:
		return mcp.Errorf(mcp.CodeInternalError, "The request is not allowed to leave the gateway.")
	case backend.Tripped:
		return behind("is left alone for a while after failures")
	}
	return behind("could not be reached")
}

// rpcError reads the member "error" of a response. The message and the data are
// the server's own words to its client.
func rpcError(raw jsontext.Value) *mcp.Error {
	var e struct {
		Code    int64          `json:"code"`
		Message string         `json:"message"`
		Data    jsontext.Value `json:"data"`
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return behind("sent an error that cannot be read")
	}
	return &mcp.Error{Code: mcp.Code(e.Code), Message: e.Message, Data: e.Data}
}

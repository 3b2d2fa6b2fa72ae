package gateway

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"

	"toolgate/shared/mcp"
	"toolgate/shared/telemetry"

	"github.com/go-json-experiment/json/jsontext"
)

// maxBatch bounds the messages of a batch.
const maxBatch = 64

// isBatch reports whether a body is an array of messages.
func isBatch(body []byte) bool {
	body = bytes.TrimLeft(body, " \t\r\n")
	return len(body) > 0 && body[0] == '['
}

// batch answers an array of messages, which revision 2025-03-26 has and no
// other: one after the other, and the responses in one array. Notifications of
// the servers are left out; there is no stream to send them on.
func (x *exchange) batch(ctx context.Context, s endpoint, body []byte) {
	x.call.Method = "batch"
	if v := mcp.Version(x.r.Header.Get(mcp.HeaderProtocolVersion)); v > mcp.V20250326 {
		x.fail(mcp.Errorf(mcp.CodeInvalidRequest, "batches ended with revision 2025-03-26: send one message a request"))
		return
	}
	var messages []jsontext.Value
	err := mcp.EachElement(body, func(m jsontext.Value) error {
		messages = append(messages, m)
		return nil
	})
	if err != nil || len(messages) == 0 || len(messages) > maxBatch {
		x.fail(mcp.Errorf(mcp.CodeInvalidRequest, "a batch is an array of 1 to %d messages", maxBatch))
		return
	}
	var answers []byte
	for _, m := range messages {
		c := &collector{}
		x.answer(ctx, s, m, new(mcp.Request), c)
		x.recordMessage(c)
		if c.answer != nil {
			answers = append(append(answers, ','), c.answer...)
		}
	}
	if answers == nil {
		x.WriteHeader(http.StatusAccepted)
		return
	}
	answers[0] = '['
	x.send(http.StatusOK, append(answers, ']'))
}

// collector is the reply to one message of a batch.
type collector struct {
	req    *mcp.Request
	answer []byte
	span   *telemetry.Span // of the message; nil for none
	note   *auditNote      // nil without audit
	err    error           // that it ended with
}

func (c *collector) begin(req *mcp.Request) { c.req = req }

func (c *collector) Notify(jsontext.Value) error { return nil }

// Failed is called by servers whose result has isError set.
func (c *collector) Failed(cause error) { c.err = cmp.Or(cause, errToolFailed) }

// errToolFailed is a result with isError of which nothing else is known.
var errToolFailed = errors.New("the result has isError set")

func (c *collector) Result(result jsontext.Value) error {
	c.answer = mcp.AppendResult(nil, c.req.Bytes(c.req.ID), result)
	return nil
}

// Relay keeps the response out of another server's answer.
func (c *collector) Relay(_ int, header http.Header, body io.Reader) error {
	message, err := mcp.ReadResponse(header, body, maxUpstreamMessage, nil)
	c.answer = bytes.Clone(message)
	return err
}

func (c *collector) end(err error) {
	c.err = cmp.Or(err, c.err)
	if c.span.Sampled() || err != nil {
		c.span.Set(messageAttrs(c.req)...)
	}
	endSpan(c.span, err)
	if err != nil && c.req.Kind == mcp.KindRequest {
		c.answer = mcp.AppendError(nil, c.req.Bytes(c.req.ID), public(err))
	}
}

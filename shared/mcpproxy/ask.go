package mcpproxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"

	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json/jsontext"
)

// maxMemberAnswer bounds, in bytes, what a member may say to a question of the
// federation, with the notifications on the way.
const maxMemberAnswer = 16 << 20

// answer is what one member said to a question of the federation.
type answer struct {
	result jsontext.Value
	hint   mcp.CacheHint // of a whole list
	err    error         // an *mcp.Error is the member's own word
}

// askAll puts a question to all members at once. A member that takes longer
// than the federation waits is left behind.
func (f *Federation) askAll(ctx context.Context, ask func(context.Context, *member) answer) []answer {
	pending := make([]chan answer, len(f.members))
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	for i := range f.members {
		pending[i] = make(chan answer, 1)
		go func() { pending[i] <- f.guarded(ctx, &f.members[i], ask) }()
	}
	answers := make([]answer, len(pending))
	for i, c := range pending {
		select {
		case answers[i] = <-c:
		case <-ctx.Done():
			select {
			case answers[i] = <-c: // both at once
			default:
				answers[i].err = context.Cause(ctx)
			}
		}
	}
	return answers
}

// guarded keeps a member's panic from ending the process: unlike that of a
// request's own goroutine nobody would recover it.
func (f *Federation) guarded(ctx context.Context, m *member, ask func(context.Context, *member) answer) (a answer) {
	defer func() {
		if cause := recover(); cause != nil {
			f.log.Error("panic while asking a member", "member", m.Name, "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
			a = answer{err: errors.New("the member panicked")}
		}
	}()
	return ask(ctx, m)
}

// question is what the federation asks its members on behalf of a client. It
// outlives the client's request, in case a member does.
type question struct {
	version mcp.Version
	meta    jsontext.Value // params._meta; nil in the legacy era
	trace   http.Header
}

// ask prepares questions in revision v. In the modern era they have the client's
// own _meta, less what asks for notifications.
func (f *Federation) ask(client *mcp.Request, v mcp.Version) (*question, error) {
	q := &question{version: v, trace: http.Header{}}
	for _, name := range []string{"Traceparent", "Tracestate", "Baggage"} {
		if values, ok := client.Header[name]; ok {
			q.trace[name] = values
		}
	}
	var err error
	switch {
	case client.Version.Modern():
		q.meta, err = without(client.Bytes(client.Meta.Span), mcp.MetaProgressToken, mcp.MetaLogLevel)
	case v.Modern():
		q.meta = jsontext.Value(`{"` + mcp.MetaProtocolVersion + `":"` + string(v) + `","` + mcp.MetaClientCapabilities + `":{}}`)
	}
	return q, err
}

// put has a member answer the question that a method is. params follow _meta.
func (q *question) put(ctx context.Context, m *member, method, params string) answer {
	body := []byte(`{"jsonrpc":"2.0","id":"toolgate","method":"` + method + `","params":{`)
	if q.meta != nil {
		body = append(append(body, `"_meta":`...), q.meta...)
	}
	if params != "" {
		body = append(separate(body), params...)
	}
	message, err := mcp.Scan(append(body, "}}"...), answerDepth)
	if err != nil {
		return answer{err: err}
	}
	req := &mcp.Request{Message: message, Version: q.version, Header: q.trace.Clone()}
	req.Header[mcp.HeaderProtocolVersion] = []string{string(q.version)}
	if q.version.Modern() {
		req.Header[mcp.HeaderMethod] = []string{method}
	}
	return new(collector).ask(ctx, m.Server, req)
}

// collector is a reply that keeps what it is given.
type collector struct {
	notes  []jsontext.Value
	result jsontext.Value
	err    *mcp.Error
	size   int
}

// ask has a server answer a request.
func (c *collector) ask(ctx context.Context, s mcp.Server, req *mcp.Request) answer {
	err := s.Serve(ctx, req, c)
	switch {
	case err != nil:
		return answer{err: err}
	case c.err != nil:
		return answer{err: c.err}
	case c.result == nil:
		return answer{err: mcp.ErrNoResponse}
	}
	return answer{result: c.result}
}

// keep counts what is held.
func (c *collector) keep(raw jsontext.Value) (jsontext.Value, error) {
	if c.size += len(raw); c.size > maxMemberAnswer {
		return nil, &tooLargeError{maxMemberAnswer}
	}
	return bytes.Clone(raw), nil
}

func (c *collector) Notify(message jsontext.Value) error {
	kept, err := c.keep(message)
	c.notes = append(c.notes, kept)
	return err
}

func (c *collector) Result(result jsontext.Value) (err error) {
	c.result, err = c.keep(result)
	return err
}

// Relay reads the response out of another server's answer.
func (c *collector) Relay(_ int, header http.Header, body io.Reader) error {
	raw, err := mcp.ReadResponse(header, body, maxMemberAnswer, c.Notify)
	if err != nil {
		return err
	}
	m, err := mcp.Scan(raw, answerDepth)
	if err != nil {
		return &unreadable{err}
	}
	if m.Failure.Present() {
		c.err = rpcError(m.Bytes(m.Failure))
		return nil
	}
	return c.Result(m.Bytes(m.Result))
}

// replay gives a client what was collected.
func (c *collector) replay(reply mcp.Reply) error {
	for _, n := range c.notes {
		if err := reply.Notify(n); err != nil {
			return err
		}
	}
	return reply.Result(c.result)
}

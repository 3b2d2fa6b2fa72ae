package mcpproxy

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"toolgate/shared/backend"
	"toolgate/shared/mcp"
)

// Header values that every request has. They are shared: nothing changes them.
var (
	typeJSON   = []string{mcp.ContentJSON}
	acceptBoth = []string{mcp.ContentJSON + ", " + mcp.ContentSSE}
	acceptSSE  = []string{mcp.ContentSSE}
	// identity, because an event stream that is compressed arrives in blocks.
	identity = []string{"identity"}
)

// header makes the header of a request to the server out of the client's. Only
// what is named here passes: the client's credentials, cookies, session and
// address are not the server's business.
func (p *Proxy) header(client http.Header, session string) http.Header {
	h := make(http.Header, 14) // the most for which a map takes 16 places, not 32
	for name, values := range client {
		if passes(name) {
			h[name] = values
		}
	}
	h["Content-Type"] = typeJSON
	h["Accept"] = acceptBoth
	h["Accept-Encoding"] = identity
	h["User-Agent"] = p.agent
	if session != "" {
		h[mcp.HeaderSessionID] = []string{session}
	}
	return h
}

// passes reports whether a header of the client is the server's too: those of
// MCP, known or not (2026-07-28, basic/transports), and those of a trace.
func passes(name string) bool {
	switch name {
	case "Traceparent", "Tracestate", "Baggage":
		return true
	case mcp.HeaderSessionID:
		return false
	}
	return strings.HasPrefix(name, "Mcp-")
}

// legacyHeader is header for a legacy server whose client speaks another
// revision: of MCP's own headers only the version is left, which is the one
// negotiated with the server.
func (p *Proxy) legacyHeader(client http.Header, version, session string) http.Header {
	h := p.header(client, session)
	for name := range h {
		if strings.HasPrefix(name, "Mcp-") && name != mcp.HeaderSessionID {
			delete(h, name)
		}
	}
	if version != "" {
		h[mcp.HeaderProtocolVersion] = []string{version}
	}
	return h
}

// payload is the body of a request.
type payload struct{ bytes.Reader }

// Close has nothing to close.
func (*payload) Close() error { return nil }

func newPayload(body []byte) *payload {
	p := new(payload)
	p.Reset(body)
	return p
}

// post sends one message. The response has a 2xx status; any other is a
// *[refusal]. The caller closes the response's body.
func (p *Proxy) post(ctx context.Context, header http.Header, body []byte) (*http.Response, error) {
	return p.postTo(ctx, p.target, header, body)
}

// postTo is post to another URL of the server.
func (p *Proxy) postTo(ctx context.Context, target *url.URL, header http.Header, body []byte) (*http.Response, error) {
	req := &http.Request{
		Method: http.MethodPost, URL: target, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: newPayload(body), ContentLength: int64(len(body)),
		// A connection that the server closed while it was idle is replaced.
		GetBody: func() (io.ReadCloser, error) { return newPayload(body), nil },
	}
	return p.do(req.WithContext(ctx))
}

// request sends a request without a body.
func (p *Proxy) request(ctx context.Context, method string, header http.Header) (*http.Response, error) {
	req := &http.Request{
		Method: method, URL: p.target, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: header,
	}
	return p.do(req.WithContext(ctx))
}

func (p *Proxy) do(req *http.Request) (*http.Response, error) {
	res, err := p.client.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		defer res.Body.Close()
		return nil, readRefusal(res)
	}
	if e := res.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		res.Body.Close()
		return nil, &unreadable{errors.New("the answer is encoded as " + e + ", which was not asked for")}
	}
	return res, nil
}

// isJSON and isSSE report the content type of an answer.
func isJSON(res *http.Response) bool { return mediaType(res, mcp.ContentJSON) }
func isSSE(res *http.Response) bool  { return mediaType(res, mcp.ContentSSE) }

func mediaType(res *http.Response, want string) bool {
	got, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(got), want)
}

const (
	drainBytes = 4 << 10
	drainTime  = 100 * time.Millisecond
)

// finish closes an answer whose response was read. What little may follow is
// read too if it comes at once, so that the connection can be used again.
func finish(res *http.Response) {
	timer := time.AfterFunc(drainTime, func() { res.Body.Close() })
	// An error only means that the connection is not used again.
	_, _ = io.CopyN(io.Discard, res.Body, drainBytes)
	timer.Stop()
	res.Body.Close()
}

// visitor is given one message of an answer; it is valid during the call only.
// done says that no more are wanted.
type visitor func(m *mcp.Message) (done bool, err error)

// resumption says where a stream broke off, and when to ask for the rest.
type resumption struct {
	id    string
	after time.Duration
}

// messages visits the messages of an answer, of either content type, until the
// visitor is done. An answer that ends before is no error here: done is false.
func (p *Proxy) messages(res *http.Response, visit visitor) (done bool, from resumption, err error) {
	if isJSON(res) {
		done, err = p.single(res, visit)
		return done, from, err
	}
	if !isSSE(res) {
		return false, from, &unreadable{errors.New("the answer is of type " + res.Header.Get("Content-Type"))}
	}
	events := mcp.NewEventReader(res.Body, p.limit)
	for !done {
		e, err := events.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return false, resumption{events.LastID(), events.Retry()}, p.readError(res, err)
		}
		if len(e.Data) == 0 || e.Type != "" && e.Type != "message" {
			continue
		}
		if done, err = p.message(e.Data, visit); err != nil {
			return done, from, err
		}
	}
	return done, resumption{events.LastID(), events.Retry()}, nil
}

// single visits the one message of a JSON answer.
func (p *Proxy) single(res *http.Response, visit visitor) (bool, error) {
	body, more, err := backend.ReadBody(res, p.limit)
	switch {
	case err != nil:
		return false, p.readError(res, err)
	case more:
		return false, &tooLargeError{p.limit}
	}
	return p.message(body, visit)
}

func (p *Proxy) message(raw []byte, visit visitor) (bool, error) {
	m, err := mcp.Scan(raw, answerDepth)
	if err != nil {
		return false, &unreadable{err}
	}
	return visit(&m)
}

// answerDepth bounds the nesting of a server's message. It is generous: results
// are the server's own, and decoding keeps no state for a level but a bit.
const answerDepth = 1000

// readError is the error for an answer that broke off.
func (p *Proxy) readError(res *http.Response, err error) error {
	if errors.Is(err, mcp.ErrEventTooLarge) {
		return &tooLargeError{p.limit}
	}
	if e, ok := errors.AsType[*backend.Error](err); ok && e.Reason != backend.Unreachable {
		return err
	}
	if cause := context.Cause(res.Request.Context()); cause != nil {
		return cause
	}
	return &broken{err}
}

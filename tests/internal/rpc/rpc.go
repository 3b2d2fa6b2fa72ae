// Package rpc sends JSON-RPC messages to MCP endpoints as raw bytes, in the
// manner of any protocol revision, and takes the answers apart no further than
// into messages. Tests compare those.
package rpc

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json/jsontext"
)

// Request is one HTTP request with a JSON-RPC message.
type Request struct {
	Header http.Header
	Body   string
}

// Capabilities are those that requests of [New] declare.
const Capabilities = `{"elicitation":{"form":{}}}`

// New makes the request of a client of version v. Params is a JSON object or
// empty; id is JSON, empty for a notification. A modern request gets the
// members of _meta and the headers that 2026-07-28 asks for; a _meta of params
// is extended.
func New(v mcp.Version, id, method, params string) Request {
	r := Request{Header: http.Header{
		"Content-Type": {mcp.ContentJSON},
		"Accept":       {mcp.ContentJSON + ", " + mcp.ContentSSE},
	}}
	if v != mcp.V20250326 && method != mcp.MethodInitialize {
		r.Header.Set(mcp.HeaderProtocolVersion, string(v))
	}
	if v.Modern() {
		params = withMeta(params, v)
		r.Header.Set(mcp.HeaderMethod, method)
		for _, member := range []string{"name", "uri"} {
			if name, ok := text(params, member); ok {
				r.Header.Set(mcp.HeaderName, mcp.EncodeHeader(name))
			}
		}
	}
	r.Body = `{"jsonrpc":"2.0"`
	if id != "" {
		r.Body += `,"id":` + id
	}
	r.Body += `,"method":"` + method + `"`
	if params != "" {
		r.Body += `,"params":` + params
	}
	r.Body += `}`
	return r
}

// With returns the request with a header added; an empty value removes it.
func (r Request) With(name, value string) Request {
	r.Header = r.Header.Clone()
	r.Header.Del(name)
	if value != "" {
		r.Header.Set(name, value)
	}
	return r
}

// WithBody returns the request with another body.
func (r Request) WithBody(body string) Request {
	r.Body = body
	return r
}

func withMeta(params string, v mcp.Version) string {
	meta := `"` + mcp.MetaProtocolVersion + `":"` + string(v) + `","` + mcp.MetaClientInfo +
		`":{"name":"contoso-test","version":"1.0.0"},"` + mcp.MetaClientCapabilities + `":` + Capabilities
	if params == "" {
		params = "{}"
	}
	if span, ok := mcp.Lookup([]byte(params), "_meta"); ok {
		at := span.Start + 1
		return params[:at] + meta + comma(params[at:]) + params[at:]
	}
	return `{"_meta":{` + meta + `}` + comma(params[1:]) + params[1:]
}

// comma separates members from those that follow, if any do.
func comma(rest string) string {
	if strings.HasPrefix(strings.TrimSpace(rest), "}") {
		return ""
	}
	return ","
}

func text(object, member string) (string, bool) {
	span, ok := mcp.Lookup([]byte(object), member)
	if !ok || object[span.Start] != '"' {
		return "", false
	}
	plain, err := jsontext.AppendUnquote(nil, object[span.Start:span.End])
	return string(plain), err == nil
}

// Answer is what came back.
type Answer struct {
	Status      int
	Header      http.Header
	ContentType string // without parameters
	Body        []byte
	// Messages are the JSON-RPC messages of the body in their order; none when
	// the body is no JSON.
	Messages []jsontext.Value
}

// Response is the last message, which is the response unless there was none.
func (a *Answer) Response() jsontext.Value {
	if len(a.Messages) == 0 {
		return nil
	}
	return a.Messages[len(a.Messages)-1]
}

// Notifications are the messages ahead of the response.
func (a *Answer) Notifications() []jsontext.Value {
	return a.Messages[:max(0, len(a.Messages)-1)]
}

// Member returns the value at a path of members in the response, or nil.
func (a *Answer) Member(path ...string) jsontext.Value {
	v := a.Response()
	for _, name := range path {
		span, ok := mcp.Lookup(v, name)
		if !ok {
			return nil
		}
		v = v[span.Start:span.End]
	}
	return v
}

// maxEvent bounds an event of an answer, in bytes.
const maxEvent = 16 << 20

// Post sends a request and reads the answer to its end.
func Post(t testing.TB, url string, r Request) *Answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(r.Body))
	if err != nil {
		t.Fatalf("posting to %s: %v", url, err)
	}
	req.Header = r.Header.Clone()
	res, err := (&http.Client{}).Do(req)
	if err != nil {
		t.Fatalf("posting to %s: %v", url, err)
	}
	defer res.Body.Close()
	a := &Answer{Status: res.StatusCode, Header: res.Header}
	a.ContentType, _, _ = strings.Cut(res.Header.Get("Content-Type"), ";")
	if a.Body, err = io.ReadAll(res.Body); err != nil {
		t.Fatalf("reading the answer of %s: %v", url, err)
	}
	if a.Messages, err = messages(a.ContentType, a.Body); err != nil {
		t.Fatalf("reading the answer of %s: %v\n%s", url, err, a.Body)
	}
	return a
}

func messages(contentType string, body []byte) ([]jsontext.Value, error) {
	switch contentType {
	case mcp.ContentJSON:
		value := jsontext.Value(bytes.TrimSpace(body))
		if !value.IsValid() {
			return nil, errNotJSON
		}
		return []jsontext.Value{value}, nil
	case mcp.ContentSSE:
		return events(body)
	}
	return nil, nil
}

func events(body []byte) ([]jsontext.Value, error) {
	var list []jsontext.Value
	r := mcp.NewEventReader(bytes.NewReader(body), maxEvent)
	for {
		e, err := r.Next()
		if err == io.EOF {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		if len(e.Data) > 0 { // an event without data primes a stream
			list = append(list, jsontext.Value(bytes.Clone(e.Data)))
		}
	}
}

var errNotJSON = errors.New("the content type is JSON, the content is not")

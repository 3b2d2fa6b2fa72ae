package shadow

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"toolgate/shared/mcp"

	"github.com/go-json-experiment/json/jsontext"
)

// StatusUnanswered is the status of responses that the candidate gets where it asks
// what the live call did not: no server has sent it.
const StatusUnanswered = 599

// maxLists bounds the lists of tools that are kept of MCP servers.
const maxLists = 64

// Transport answers the requests of the candidate as those of the live call were
// answered. Nothing is sent. It serves http.RoundTripper.
type Transport struct {
	// upstreams are the URLs of the MCP servers behind the candidate.
	upstreams map[string]bool
	// members are the members of pools, by scheme and host, with the first of their
	// pool: which of them is asked says nothing.
	members map[string]string

	mu    sync.Mutex
	lists map[string][]byte // the first pages of tools of MCP servers, as they came last
	lost  int
}

// NewTransport makes one for a candidate with MCP servers behind it, and with pools
// of backends: each a list of URLs.
func NewTransport(upstreams []string, pools [][]string) *Transport {
	t := &Transport{upstreams: map[string]bool{}, members: map[string]string{}, lists: map[string][]byte{}}
	for _, u := range upstreams {
		t.upstreams[u] = true
	}
	for _, pool := range pools {
		for _, member := range pool {
			if origin := originOf(member); origin != "" && t.members[origin] == "" {
				t.members[origin] = originOf(pool[0])
			}
		}
	}
	return t
}

func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// canonical is a URL, or a request with one at its end, with the first member of a
// pool in place of any other.
func (t *Transport) canonical(address string) string {
	if len(t.members) == 0 {
		return address
	}
	start := strings.LastIndexByte(address, ' ') + 1
	origin := originOf(address[start:])
	if first := t.members[origin]; first != "" {
		return address[:start] + first + address[start+len(origin):]
	}
	return address
}

// Learn keeps the lists of tools that a live call was answered with: the candidate
// may want them in a call without one.
func (t *Transport) Learn(c *Call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.exchanges {
		if e.message != mcp.MethodListTools || e.body == nil || !e.body.whole || e.status != http.StatusOK {
			continue
		}
		t.mu.Lock()
		if _, known := t.lists[e.url]; known || len(t.lists) < maxLists {
			t.lists[e.url] = e.body.bytes
		}
		t.mu.Unlock()
	}
}

// Lost is how often the candidate asked, on behalf of no call, what nobody knows.
func (t *Transport) Lost() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lost
}

// RoundTrip serves http.RoundTripper.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := drain(req)
	if err = errors.Join(err, req.Context().Err()); err != nil {
		return nil, err
	}
	address := req.URL.String()
	if req.Method == http.MethodPost && t.upstreams[address] {
		if m, err := mcp.Scan(body, 0); err == nil {
			return t.upstream(req, address, &m)
		}
	}
	wanted, c := t.canonical(address), Of(req.Context())
	if c == nil {
		return t.lose(req), nil
	}
	e := c.take(func(e *exchange) bool { return e.method == req.Method && t.canonical(e.url) == wanted })
	if e == nil {
		return answer(req, StatusUnanswered, nil, nil), nil
	}
	return c.again(req, e)
}

// drain reads what a request carries.
func drain(req *http.Request) ([]byte, error) {
	if req.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(req.Body)
	return body, errors.Join(err, req.Body.Close())
}

// lose answers what was asked on behalf of no call.
func (t *Transport) lose(req *http.Request) *http.Response {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lost++
	return answer(req, StatusUnanswered, nil, nil)
}

// again answers as the live call was answered.
func (c *Call) again(req *http.Request, e *exchange) (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.err != nil || e.body == nil {
		c.uncertain = true // what the error was blamed on depends on its time
		return nil, errors.Join(e.err, errNoAnswer)
	}
	return answer(req, e.status, e.header.Clone(), &replay{call: c, rest: e.body.bytes, whole: e.body.whole}), nil
}

var errNoAnswer = errors.New("the live call was not answered")

// upstream answers a message to an MCP server.
func (t *Transport) upstream(req *http.Request, address string, m *mcp.Message) (*http.Response, error) {
	c := Of(req.Context())
	handshake := m.Method == mcp.MethodDiscover || m.Method == mcp.MethodInitialize || m.Method == mcp.MethodPing || m.Kind != mcp.KindRequest
	if c != nil {
		e := c.take(func(e *exchange) bool {
			return e.method == http.MethodPost && e.url == address && (e.message == m.Method || e.message == "" && !handshake)
		})
		if e != nil {
			return c.message(req, e, m)
		}
	}
	if result := t.result(address, m); result != nil {
		c.forgive()
		return answer(req, http.StatusOK, jsonHeader(), io.NopCloser(bytes.NewReader(mcp.AppendResult(nil, m.Bytes(m.ID), result)))), nil
	}
	if m.Kind != mcp.KindRequest {
		c.forgive()
		return answer(req, http.StatusAccepted, nil, nil), nil
	}
	if c == nil {
		return t.lose(req), nil
	}
	return answer(req, StatusUnanswered, nil, nil), nil
}

// forgive takes back that a request was not one of the live call: it belongs to the
// protocol and not to the call. The call may be nil.
func (c *Call) forgive() {
	if c != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.unanswered--
	}
}

// message answers a message as that of the live call was answered, with the id of
// this one.
func (c *Call) message(req *http.Request, e *exchange, m *mcp.Message) (*http.Response, error) {
	res, err := c.again(req, e)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	kept, whole := e.body.bytes, e.body.whole
	c.mu.Unlock()
	if !whole || !m.ID.Present() {
		return res, nil
	}
	sent, unread := mcp.Scan(kept, 0)
	if unread != nil || !sent.ID.Present() { // a stream, or nothing
		return res, nil //nolint:nilerr // what is no message stays as it is
	}
	own := mcp.Splice(kept, mcp.Edit{Span: sent.ID, Text: m.Bytes(m.ID)})
	res.Body = &replay{call: c, rest: own, whole: true}
	if res.Header.Get("Content-Length") != "" {
		res.Header.Set("Content-Length", strconv.Itoa(len(own)))
	}
	return res, nil
}

// result is what every MCP server behind the candidate answers of itself: it speaks
// all revisions, so that each message goes on in the revision of its client. It is
// nil for what only the live call knows.
func (t *Transport) result(address string, m *mcp.Message) jsontext.Value {
	const server = `{"name":"shadow","version":"1"}`
	switch m.Method {
	case mcp.MethodDiscover:
		versions := []byte{}
		for i, v := range mcp.Versions {
			if i > 0 {
				versions = append(versions, ',')
			}
			versions = mcp.AppendString(versions, string(v))
		}
		return jsontext.Value(`{"supportedVersions":[` + string(versions) + `],"capabilities":{"tools":{},"resources":{},"prompts":{},"completions":{},"logging":{}},"_meta":{"` +
			mcp.MetaServerInfo + `":` + server + `},"ttlMs":86400000,"cacheScope":"public","resultType":"complete"}`)
	case mcp.MethodInitialize:
		return jsontext.Value(`{"protocolVersion":` + string(m.Bytes(m.InitializeVersion)) + `,"capabilities":{"tools":{},"resources":{},"prompts":{}},"serverInfo":` + server + `}`)
	case mcp.MethodPing:
		return jsontext.Value(`{}`)
	case mcp.MethodListTools:
		t.mu.Lock()
		kept := t.lists[address]
		t.mu.Unlock()
		if sent, err := mcp.Scan(kept, 0); err == nil && sent.Result.Present() && !m.Cursor.Present() {
			return sent.Bytes(sent.Result)
		}
	}
	return nil
}

func jsonHeader() http.Header { return http.Header{"Content-Type": {mcp.ContentJSON}} }

// answer is a response without a server. A nil body is empty.
func answer(req *http.Request, status int, h http.Header, body io.ReadCloser) *http.Response {
	if h == nil {
		h = http.Header{}
	}
	length := int64(-1)
	if body == nil {
		body, length = http.NoBody, 0
	}
	return &http.Response{
		StatusCode: status, Status: strconv.Itoa(status) + " " + http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: body, ContentLength: length, Request: req,
	}
}

var _ http.RoundTripper = (*Transport)(nil)

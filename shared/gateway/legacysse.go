package gateway

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"toolgate/shared/mailbox"
	"toolgate/shared/mcp"
	"toolgate/shared/seal"
	"toolgate/shared/state"

	"github.com/go-json-experiment/json/jsontext"
)

// HTTP+SSE is the transport of 2024-11-05, for clients that know no other: GET
// /{server}/sse opens a stream whose first event names the URL for messages,
// /{server}/messages?sessionId=…; a POST there is accepted with 202, and what the
// server says to it comes as events of the stream.
//
// A POST may reach another instance than the one with the stream. It is served
// where it arrives, under the policies of any other message, and what comes of it
// goes to the stream through a mailbox in the store. Where there is no store, only
// the instance with the stream can serve its messages.
//
// The sealed session id says which stream of which server it is, of whose
// subscription, and until when; nothing is stored for it.

// Bounds of one instance.
const (
	maxStreams     = 1000
	maxOutstanding = 500 // messages of streams that are being served
)

const (
	// keepAlive is below every idle limit on the way: 230 s on Azure, 30 s in front
	// of AWS API Gateway.
	keepAlive = 25 * time.Second
	// maxStreamAge ends streams. It is the longest that AWS Lambda runs; platforms
	// may cut them earlier. Clients open another one.
	maxStreamAge = 15 * time.Minute
	// acceptAfter is how long a POST waits for what becomes of its message before
	// it is accepted in any case. Clients send one message after the other, and an
	// answer to the server's own question must not wait behind the call that asks.
	acceptAfter = time.Second
	// writeTimeout is how long a client may take to read an event.
	writeTimeout = 30 * time.Second
)

// legacySSE are the streams that this instance has. Its times are fields for tests.
type legacySSE struct {
	sealer      *seal.Sealer
	store       state.Store // nil: other instances cannot reach the streams
	keepAlive   time.Duration
	maxAge      time.Duration
	acceptAfter time.Duration

	mu          sync.Mutex
	streams     map[string]*legacyStream
	outstanding int
	closed      bool
}

// legacySSE is nil where no server asks for the transport.
func (a *assembly) legacySSE() (*legacySSE, error) {
	wanted := false
	for i := range a.snapshot.Servers {
		wanted = wanted || a.snapshot.Servers[i].LegacySSE
	}
	if !wanted {
		return nil, nil
	}
	seals, err := sealer(&a.snapshot.Manifest, a.options, "legacy stream")
	if err != nil {
		return nil, err
	}
	return newLegacySSE(seals, a.options.Streams), nil
}

func newLegacySSE(sealer *seal.Sealer, store state.Store) *legacySSE {
	return &legacySSE{
		sealer: sealer, store: store, keepAlive: keepAlive, maxAge: maxStreamAge, acceptAfter: acceptAfter,
		streams: map[string]*legacyStream{},
	}
}

// EndStreams ends the streams of HTTP+SSE and opens no others, so that their clients
// go elsewhere before a process ends or its configuration changes. Close does so too.
func (g *Gateway) EndStreams() {
	l := g.sse
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for _, s := range l.streams {
		s.cancel()
	}
}

// add makes a stream known, unless there are too many.
func (l *legacySSE) add(s *legacyStream) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.streams) >= maxStreams {
		return false
	}
	l.streams[s.id] = s
	return true
}

func (l *legacySSE) remove(s *legacyStream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.streams, s.id)
}

func (l *legacySSE) find(id string) *legacyStream {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.streams[id]
}

// begin counts a message that is being served; it reports false when there are too
// many.
func (l *legacySSE) begin() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.outstanding >= maxOutstanding {
		return false
	}
	l.outstanding++
	return true
}

func (l *legacySSE) done() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.outstanding--
}

// streamID is a new id, which nobody can guess.
func streamID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails (crypto/rand)
	return hex.EncodeToString(id[:])
}

// Layout of what is sealed into a session id.
const (
	sessionExpiry = 8 // milliseconds since 1970, big endian; the stream's id follows
	sessionLength = sessionExpiry + 16
)

// seal makes a session id.
func (l *legacySSE) seal(stream string, expires time.Time, context []byte) (string, error) {
	id, err := hex.DecodeString(stream)
	if err != nil {
		return "", fmt.Errorf("sealing the id of a stream: %w", err)
	}
	plain := binary.BigEndian.AppendUint64(make([]byte, 0, sessionLength), uint64(expires.UnixMilli()))
	return l.sealer.Seal(append(plain, id...), context), nil
}

// open reads a session id.
func (l *legacySSE) open(text string, context []byte) (stream string, expires time.Time, ok bool) {
	plain, err := l.sealer.Open(text, context)
	if err != nil || len(plain) != sessionLength {
		return "", time.Time{}, false
	}
	expires = time.UnixMilli(int64(binary.BigEndian.Uint64(plain))) //nolint:gosec // it was one
	return hex.EncodeToString(plain[sessionExpiry:]), expires, time.Now().Before(expires)
}

// sessionContext is what a session id is good for: one server, and one
// subscription and one user where the stream was opened with a key and a token.
func (x *exchange) sessionContext() []byte {
	text := x.server + "\x00"
	if s := x.caller.subscription; s != nil {
		text += s.ID
	}
	if p := x.caller.principal; p != nil {
		text += "\x00" + p.issuer + "\x00" + p.user.ID
	}
	return []byte(text)
}

// legacyPath cuts /{server}/sse and /{server}/messages. Method is what the endpoint
// takes, beside the preflights of browsers.
func legacyPath(path string) (server, method string, ok bool) {
	path = strings.TrimSuffix(path, "/")
	name, ok := strings.CutSuffix(path, "/sse")
	method = http.MethodGet
	if !ok {
		name, ok = strings.CutSuffix(path, "/messages")
		method = http.MethodPost
	}
	if !ok || len(name) < 2 || strings.Contains(name[1:], "/") {
		return "", "", false
	}
	return name[1:], method, true
}

// serveLegacySSE answers the requests to the endpoints of the transport, and
// reports false for everything else.
func (g *Gateway) serveLegacySSE(x *exchange) bool {
	name, method, ok := legacyPath(x.r.URL.Path)
	s := g.servers[name]
	if !ok || !s.legacySSE {
		return false
	}
	x.server = name
	x.beginTrace(name)
	if err := g.admission.checkOrigin(x.r); err != nil {
		x.fail(err)
		return true
	}
	if refusal := x.admit(s); refusal != nil {
		x.turnAway(s, refusal)
		return true
	}
	switch {
	case x.r.Method == method && method == http.MethodGet:
		x.governHTTP(s, func(ctx context.Context) { x.openStream(ctx, s) })
	case x.r.Method == method:
		x.postToStream(s)
	case x.r.Method == http.MethodOptions:
		x.governHTTP(s, func(context.Context) { x.only(method) })
	default:
		x.only(method)
	}
	return true
}

func (x *exchange) only(method string) {
	x.w.Header().Set("Allow", method)
	x.failHTTP(http.StatusMethodNotAllowed, "this endpoint takes "+method)
}

// messagesURL is the URL for the messages of a stream, as a path: the client
// resolves it against that of the stream.
func (x *exchange) messagesURL(session string) string {
	prefix := ""
	if public := x.gateway.public; public != nil {
		prefix = strings.TrimSuffix(public.EscapedPath(), "/")
	}
	return prefix + "/" + url.PathEscape(x.server) + "/messages?sessionId=" + session
}

// errStreamGone is the refusal of a message whose stream cannot be reached.
var errStreamGone = fmt.Errorf("%w: %w", &mcp.Error{
	Code: mcp.CodeInvalidRequest, Status: http.StatusNotFound,
	Message: "there is no such stream here: it has ended, or it was never opened for this server; open one with GET /{server}/sse",
}, mailbox.ErrGone)

// errStreamElsewhere is the same where instances share no store: the stream may well
// be there, at another instance.
var errStreamElsewhere = fmt.Errorf("%w: %w, for want of a store: name one, such as by TOOLGATE_STORE", &mcp.Error{
	Code: mcp.CodeInvalidRequest, Status: http.StatusNotFound,
	Message: "there is no such stream here: it has ended, or it was never opened for this server, or another instance has it, " +
		"and the instances of this gateway share no store by which to reach it",
}, mailbox.ErrGone)

var errTooManyMessages = &mcp.Error{
	Code: mcp.CodeInternalError, Status: http.StatusTooManyRequests,
	Message: "too many messages are being served; try again later",
}

// postToStream takes one message of a client with a stream.
func (x *exchange) postToStream(s endpoint) {
	d, body, err := x.receive()
	if err != nil { // policies first: who may not call is not told what is wrong
		x.governHTTP(s, func(context.Context) { x.fail(err) })
		return
	}
	defer x.gateway.sse.done()
	ctx, cancel := context.WithDeadline(d.ctx, d.expires)
	defer cancel()
	if d.stream != nil {
		defer context.AfterFunc(d.stream.ctx, cancel)()
	}
	d.ctx = ctx
	x.r = x.r.WithContext(ctx)
	d.startTimer(x.gateway.sse.acceptAfter)
	defer d.stopTimer()
	defer func() {
		if cause := recover(); cause != nil {
			d.end(fmt.Errorf("panic: %v", cause))
			panic(cause) // for the log
		}
	}()
	x.answer(x.withIdentity(ctx), s, body, &x.request, d)
}

// receive finds the stream of a message and reads the message. Where there is no
// error, the message is counted as outstanding.
func (x *exchange) receive() (*delivery, []byte, error) {
	l := x.gateway.sse
	session, query, _ := cutParameter(x.r.URL.RawQuery, "sessionId")
	id, expires, ok := l.open(session, x.sessionContext())
	if !ok {
		return nil, nil, errStreamGone
	}
	body, err := x.readBody()
	if err == nil {
		err = x.checkLegacy(body)
	}
	if err != nil {
		return nil, nil, err
	}
	// The client may end this request, which only asks to accept the message.
	d := &delivery{exchange: x, ctx: context.WithoutCancel(x.r.Context()), expires: expires, box: mailbox.Options{Store: l.store, ID: id}}
	known := mailbox.Session{}
	if d.stream = l.find(id); d.stream != nil {
		known = d.stream.known()
	} else if d.writer, err = l.writer(d.ctx, d.box); err == nil {
		known = d.writer.Session()
	}
	if err != nil {
		return nil, nil, err
	}
	if !l.begin() {
		return nil, nil, errTooManyMessages
	}
	x.asOf(known, query)
	return d, body, nil
}

// writer opens the mailbox of a stream of another instance.
func (l *legacySSE) writer(ctx context.Context, o mailbox.Options) (*mailbox.Writer, error) {
	if l.store == nil {
		return nil, errStreamElsewhere
	}
	w, err := mailbox.Open(ctx, o)
	switch {
	case errors.Is(err, mailbox.ErrGone):
		return nil, errStreamGone
	case err != nil:
		return nil, unreachable(err)
	}
	return w, nil
}

// unreachable is the error for a client whose stream needs a store that does not
// answer.
func unreachable(cause error) error {
	return fmt.Errorf("%w: %w", &mcp.Error{
		Code: mcp.CodeInternalError, Status: http.StatusServiceUnavailable,
		Message: "what the instances of this gateway share cannot be reached; try again later",
	}, cause)
}

// checkLegacy refuses what the transport never carried. What else is wrong with a
// message, whoever answers it says.
func (x *exchange) checkLegacy(body []byte) error {
	if isBatch(body) {
		return mcp.Errorf(mcp.CodeInvalidRequest, "HTTP+SSE takes one message a request")
	}
	m, err := mcp.Scan(body, x.gateway.depth)
	modern := err == nil && m.Meta.ProtocolVersion.Present()
	if modern || mcp.Version(x.r.Header.Get(mcp.HeaderProtocolVersion)).Modern() {
		return mcp.Errorf(mcp.CodeInvalidRequest, "revision %s is not spoken over HTTP+SSE; POST to /{server}/mcp", mcp.Latest)
	}
	return nil
}

// asOf makes the request that of a client of Streamable HTTP with a session, which
// names the session and its revision in headers.
func (x *exchange) asOf(s mailbox.Session, query string) {
	x.r = x.r.WithContext(x.r.Context()) // a copy: the server's own is not to be changed
	h := maps.Clone(x.r.Header)
	delete(h, mcp.HeaderSessionID)
	if s.ID != "" {
		h[mcp.HeaderSessionID] = []string{s.ID}
	}
	if v := mcp.Version(s.Version); h.Get(mcp.HeaderProtocolVersion) == "" && v != "" && !v.Modern() {
		h[mcp.HeaderProtocolVersion] = []string{s.Version}
	}
	x.r.Header = h
	u := *x.r.URL
	u.RawQuery = query // the session id is for nobody else
	x.r.URL = &u
}

// negotiated is the revision in the response to initialize; empty for an error.
func negotiated(response jsontext.Value) string {
	m, err := mcp.Scan(response, 0)
	if err != nil || m.Result.End == m.Result.Start {
		return ""
	}
	result := mcp.Message{Raw: m.Bytes(m.Result)}
	span, ok := mcp.Lookup(result.Raw, "protocolVersion")
	if !ok {
		return ""
	}
	return result.Text(span)
}

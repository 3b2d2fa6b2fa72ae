package lambda

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
)

// hopByHop are the headers that are between the function and nobody: the platform
// frames what it sends to clients itself (RFC 9110, section 7.6.1).
var hopByHop = [...]string{
	"Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Content-Length",
}

// head is how the platform takes the status and the headers of a response.
type head struct {
	StatusCode int               `json:"statusCode"`
	Headers    map[string]string `json:"headers,omitempty"`
	Cookies    []string          `json:"cookies,omitempty"`
}

// newHead takes the header of a handler. Values of one name are joined, as the
// platform wants, but for those of Set-Cookie, which cannot be.
func newHead(status int, h http.Header, first []byte) head {
	made := head{StatusCode: status, Headers: make(map[string]string, len(h)+1), Cookies: h["Set-Cookie"]}
	for name, values := range h {
		made.Headers[name] = strings.Join(values, ", ")
	}
	for token := range strings.SplitSeq(h.Get("Connection"), ",") {
		delete(made.Headers, http.CanonicalHeaderKey(strings.TrimSpace(token)))
	}
	for _, name := range hopByHop {
		delete(made.Headers, name)
	}
	delete(made.Headers, "Set-Cookie")
	// Where there is none, the platform has one of its own, which does not look at the
	// body.
	if _, ok := h["Content-Type"]; !ok && len(first) > 0 {
		made.Headers["Content-Type"] = http.DetectContentType(first)
	}
	return made
}

// streamed is a response whose parts go to the platform as they are written.
type streamed struct {
	header http.Header
	once   sync.Once
	begun  chan head // the one that the response has
	body   *io.PipeWriter
}

func newStreamed() (*streamed, *io.PipeReader) {
	r, w := io.Pipe()
	return &streamed{header: http.Header{}, begun: make(chan head, 1), body: w}, r
}

// Header serves http.ResponseWriter.
func (s *streamed) Header() http.Header { return s.header }

// WriteHeader serves http.ResponseWriter. Informational responses have no way to the
// client.
func (s *streamed) WriteHeader(status int) {
	if status >= http.StatusOK {
		s.begin(status, nil)
	}
}

func (s *streamed) begin(status int, first []byte) {
	s.once.Do(func() { s.begun <- newHead(status, s.header, first) })
}

// Write serves http.ResponseWriter. It returns when the runtime has taken the bytes.
func (s *streamed) Write(p []byte) (int, error) {
	s.begin(http.StatusOK, p)
	if len(p) == 0 {
		return 0, nil // it would be waited for by nobody
	}
	return s.body.Write(p)
}

// Flush serves http.Flusher: each Write is on its way already.
func (s *streamed) Flush() { s.begin(http.StatusOK, nil) }

// end ends the response. One that a panic has cut off, after it had begun, is a
// failure of the function, so that its client does not take it for whole.
func (s *streamed) end(panicked any) {
	if panicked == nil {
		s.begin(http.StatusOK, nil)
		_ = s.body.Close()
		return
	}
	if answered := s.fail(); !answered {
		_ = s.body.CloseWithError(fmt.Errorf("the handler panicked: %v", panicked))
	}
}

// fail answers with status 500, unless the response has begun.
func (s *streamed) fail() (answered bool) {
	s.once.Do(func() {
		s.begun <- internalError()
		_, _ = s.body.Write([]byte(internalErrorBody)) // the client may have gone
		_ = s.body.Close()
		answered = true
	})
	return answered
}

// internalErrorBody is what a client is told of a panic: what API Management says.
const internalErrorBody = `{"statusCode":500,"message":"Internal server error"}`

func internalError() head {
	return head{StatusCode: http.StatusInternalServerError, Headers: map[string]string{"Content-Type": "application/json"}}
}

// maxBuffered is what the platform takes of a response that is not streamed, as JSON.
const maxBuffered = 6 << 20

// buffered is a response that is sent whole. It is no http.Flusher, and that tells a
// handler so.
type buffered struct {
	header http.Header
	status int // zero until it has begun
	head   head
	body   bytes.Buffer
	large  bool // what has been written is more than the platform takes
}

// Header serves http.ResponseWriter.
func (b *buffered) Header() http.Header { return b.header }

// WriteHeader serves http.ResponseWriter.
func (b *buffered) WriteHeader(status int) {
	if status >= http.StatusOK {
		b.begin(status, nil)
	}
}

func (b *buffered) begin(status int, first []byte) {
	if b.status == 0 {
		b.status, b.head = status, newHead(status, b.header, first)
	}
}

// errLarge is what a handler is told that writes more than the platform takes.
var errLarge = fmt.Errorf("the response is larger than %d bytes, which is what AWS Lambda takes of one that is not streamed", maxBuffered)

// Write serves http.ResponseWriter.
func (b *buffered) Write(p []byte) (int, error) {
	b.begin(http.StatusOK, p)
	if b.large = b.large || b.body.Len()+len(p) > maxBuffered; b.large {
		return 0, errLarge
	}
	return b.body.Write(p)
}

// tooLarge is the answer in place of one that the platform does not take.
const tooLarge = `{"jsonrpc":"2.0","error":{"code":-32603,"message":"The response is larger than the 6 MB that AWS Lambda takes here. ` +
	`Ask for less, or call the function by a Function URL whose invoke mode is RESPONSE_STREAM."}}`

// payload is the response as the platform takes it.
func (b *buffered) payload() []byte {
	b.begin(http.StatusOK, nil)
	if !b.large {
		if whole := b.encode(b.head, b.body.Bytes()); len(whole) <= maxBuffered {
			return whole
		}
	}
	return b.encode(head{StatusCode: http.StatusBadGateway, Headers: map[string]string{"Content-Type": "application/json"}}, []byte(tooLarge))
}

// encode writes a body that is text as it is, and another in base64.
func (b *buffered) encode(h head, body []byte) []byte {
	whole := struct {
		head
		Body            string `json:"body"`
		IsBase64Encoded bool   `json:"isBase64Encoded"`
	}{head: h}
	if utf8.Valid(body) && h.Headers["Content-Encoding"] == "" {
		whole.Body = string(body)
	} else {
		whole.Body, whole.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	encoded, err := json.Marshal(whole, json.Deterministic(true))
	if err != nil { // a header is no UTF-8
		encoded = []byte(`{"statusCode":502}`)
	}
	return encoded
}

// failed is the response of a handler that panicked: none of what it wrote has been
// sent.
func failed() *buffered {
	b := &buffered{header: http.Header{}, status: http.StatusInternalServerError, head: internalError()}
	b.body.WriteString(internalErrorBody)
	return b
}

// whole is a payload for the runtime.
type whole struct{ *bytes.Reader }

// ContentType is that of the payload.
func (whole) ContentType() string { return "application/json" }

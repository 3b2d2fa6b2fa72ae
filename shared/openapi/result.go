package openapi

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Response is the HTTP response of an operation, its content coding (gzip and
// the like) already undone.
type Response struct {
	StatusCode int
	Header     http.Header
	Body       []byte
	// Truncated says that the body was longer and that Body is its beginning.
	Truncated bool
}

// ResultOptions bound the result of a call. The zero value has the defaults.
type ResultOptions struct {
	// MaxText is the number of bytes of text after which a result is cut; zero
	// means 256 KiB.
	MaxText int
	// MaxBinary is the number of bytes, before base64, that an image, audio or
	// resource block may have; zero means 3 MiB. Larger ones are described
	// instead.
	MaxBinary int
	// OutputSchema, where it is set, must accept the structuredContent of a
	// successful result; one that it does not accept becomes an error result
	// that says so. Nil for tools whose outputSchema constrains nothing.
	OutputSchema *Schema
}

const (
	defaultMaxText   = 256 << 10
	defaultMaxBinary = 3 << 20
)

// AppendResult appends the members of the CallToolResult that a response
// becomes: content, and where they apply structuredContent and isError, without
// braces around them, so that the caller can add members of its own. It reports
// whether the result is an error.
//
// A status of 2xx is a success. What follows from its Content-Type: JSON and
// text become a text block, images and audio a block of their kind, anything
// else an embedded resource. structuredContent is as [Binding.Structured] says.
func (b *Binding) AppendResult(dst []byte, r Response, o ResultOptions) (out []byte, isError bool) {
	w := resultWriter{
		binding:  b,
		response: &r,
		buf:      append(dst, `"content":[`...),
		maxText:  cmp.Or(o.MaxText, defaultMaxText),
	}
	if r.StatusCode < 200 || r.StatusCode > 299 {
		w.text([]byte(w.failure()))
		return append(w.buf, `],"isError":true`...), true
	}
	structured := w.content(cmp.Or(o.MaxBinary, defaultMaxBinary))
	w.locationNote()
	w.nextPageNote()
	if b.Structured == StructuredNone {
		return append(w.buf, ']'), false
	}
	return w.finish(structured, o.OutputSchema)
}

// AppendErrorResult appends the members of a CallToolResult that reports an
// error: one text block and isError, without braces around them.
func AppendErrorResult(dst []byte, message string) []byte {
	w := resultWriter{buf: append(dst, `"content":[`...)}
	w.text([]byte(message))
	return append(w.buf, `],"isError":true`...)
}

// resultWriter writes one result.
type resultWriter struct {
	binding  *Binding
	response *Response
	buf      []byte
	blocks   int
	maxText  int
}

// structuredContent is what a response offers as structuredContent.
type structuredContent struct {
	json []byte // one JSON value, probably: not checked yet
	text []byte // what to give where json is nil or not valid
	cut  bool   // the response was cut, so there is nothing that is not misleading
	none bool   // the response has no content
}

// content writes the content blocks of a successful response.
func (w *resultWriter) content(maxBinary int) structuredContent {
	r := w.response
	contentType := r.Header.Get("Content-Type")
	essence := mediaType(contentType)
	if len(r.Body) == 0 {
		return w.noContent()
	}
	if essence == "" {
		essence = sniff(r)
	}
	switch {
	case isXMLType(essence): // also image/svg+xml, which models read as text
	case strings.HasPrefix(essence, "image/"):
		return w.binary("image", essence, maxBinary)
	case strings.HasPrefix(essence, "audio/"):
		return w.binary("audio", essence, maxBinary)
	case !isTextType(essence):
		return w.binary("resource", essence, maxBinary)
	}
	body := r.Body
	if r.Truncated {
		body = trimPartialRune(body)
	}
	text := decodeText(contentType, body)
	if isJSONType(essence) {
		text = bytes.TrimSpace(text)
	}
	if len(text) == 0 {
		return w.noContent()
	}
	if r.Truncated || len(text) > w.maxText {
		w.cut(text)
		return structuredContent{cut: true}
	}
	w.text(text)
	if isJSONType(essence) {
		return structuredContent{json: text, text: text}
	}
	return structuredContent{text: text}
}

// sniff chooses the media type of a response that does not name one.
func sniff(r *Response) string {
	switch {
	case !r.Truncated && jsontext.Value(r.Body).IsValid():
		return "application/json"
	case utf8.Valid(trimPartialRune(r.Body)) && bytes.IndexByte(r.Body, 0) < 0:
		return "text/plain"
	}
	return "application/octet-stream"
}

func (w *resultWriter) noContent() structuredContent {
	w.text([]byte("No content: the API answered " + statusLine(w.response.StatusCode) + "."))
	return structuredContent{none: true}
}

// binary writes an image, audio or resource block, or says why there is none.
func (w *resultWriter) binary(kind, essence string, limit int) structuredContent {
	r := w.response
	description := essence + ", " + strconv.Itoa(len(r.Body)) + " bytes"
	if r.Truncated {
		description = essence + ", more than " + strconv.Itoa(len(r.Body)) + " bytes"
	}
	if r.Truncated || len(r.Body) > limit {
		w.text([]byte("The API answered with content that is too large for a result (" + description +
			"; a result may carry " + strconv.Itoa(min(limit, len(r.Body))) + " bytes)." + w.narrowing()))
		return structuredContent{cut: true}
	}
	w.beginBlock(kind)
	if kind == "resource" {
		w.buf = append(w.buf, `"resource":{"uri":`...)
		w.quote([]byte("response:///" + url.PathEscape(w.binding.Operation)))
		w.buf = append(w.buf, `,"mimeType":`...)
		w.quote([]byte(essence))
		w.buf = append(w.buf, `,"blob":"`...)
		w.buf = base64.StdEncoding.AppendEncode(w.buf, r.Body)
		w.buf = append(w.buf, `"}}`...)
	} else {
		w.buf = append(w.buf, `"data":"`...)
		w.buf = base64.StdEncoding.AppendEncode(w.buf, r.Body)
		w.buf = append(w.buf, `","mimeType":`...)
		w.quote([]byte(essence))
		w.buf = append(w.buf, '}')
	}
	return structuredContent{text: []byte(description)}
}

// cut writes the beginning of a text and says that it is one.
func (w *resultWriter) cut(text []byte) {
	first := cutText(text, w.maxText)
	if len(first) > 0 {
		w.text(first)
	}
	total := "of " + strconv.Itoa(len(text)) + " bytes"
	if w.response.Truncated {
		total = "bytes of more than " + strconv.Itoa(len(text))
	}
	w.text([]byte("[Result cut: first " + strconv.Itoa(len(first)) + " " + total + "." + w.narrowing() + "]"))
}

// finish ends content and adds structuredContent, which a tool that publishes
// an outputSchema owes with every successful result.
func (w *resultWriter) finish(s structuredContent, schema *Schema) ([]byte, bool) {
	end := len(w.buf)
	w.buf = append(w.buf, `],"structuredContent":`...)
	start := len(w.buf)
	w.structured(s)
	if schema == nil {
		return w.buf, false
	}
	err := schema.CheckValue(w.buf[start:])
	if err == nil {
		return w.buf, false
	}
	w.buf = w.buf[:end]
	message := "The API's response is not what the tool's outputSchema promises: " + err.Error()
	if s.cut {
		message = "The response cannot be given as the tool's outputSchema promises, because it is too large." + w.narrowing()
	}
	w.text([]byte(message))
	return append(w.buf, `],"isError":true`...), true
}

// structured writes the value of structuredContent. JSON is written without the
// white space between its tokens, and otherwise byte for byte; JSON that is not
// valid, or that has a name twice in one object, is given as text.
func (w *resultWriter) structured(s structuredContent) {
	if s.cut {
		w.buf = append(w.buf, `{"truncated":true}`...)
		return
	}
	start := len(w.buf)
	wrapped := len(s.json) == 0 || s.json[0] != '{' || w.binding.Structured != StructuredObject
	if wrapped {
		w.buf = append(w.buf, `{"result":`...)
	}
	if len(s.json) > 0 {
		buf, err := jsontext.AppendFormat(w.buf, s.json, jsontext.PreserveRawStrings(true))
		if err == nil {
			w.buf = buf
			if wrapped {
				w.buf = append(w.buf, '}')
			}
			return
		}
	}
	w.buf = append(w.buf[:start], `{"result":`...)
	if s.none {
		w.buf = append(w.buf, `null}`...)
		return
	}
	w.quote(s.text)
	w.buf = append(w.buf, '}')
}

// beginBlock starts a content block of a type; its members follow.
func (w *resultWriter) beginBlock(kind string) {
	if w.blocks > 0 {
		w.buf = append(w.buf, ',')
	}
	w.blocks++
	w.buf = append(w.buf, `{"type":"`...)
	w.buf = append(w.buf, kind...)
	w.buf = append(w.buf, `",`...)
}

func (w *resultWriter) text(text []byte) {
	w.beginBlock("text")
	w.buf = append(w.buf, `"text":`...)
	w.quote(text)
	w.buf = append(w.buf, '}')
}

// quote appends text as a JSON string; what is not UTF-8 is replaced.
func (w *resultWriter) quote(text []byte) {
	w.buf, _ = jsontext.AppendQuote(w.buf, text)
}

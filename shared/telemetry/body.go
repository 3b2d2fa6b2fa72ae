package telemetry

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Body is the beginning of a body that passes by: no more than Limit bytes of it.
// The zero Body keeps nothing, and counts. It is not safe for concurrent use.
type Body struct {
	Limit int
	// Path is where the body is in the JSON that paths of a mask are about; nil: it is
	// all of it.
	Path []string
	Size int64 // of all that has passed
	kept []byte
}

// Write keeps what there is room for. It never fails.
func (b *Body) Write(p []byte) (int, error) {
	b.Size += int64(len(p))
	if room := b.Limit - len(b.kept); room > 0 {
		b.kept = append(b.kept, p[:min(room, len(p))]...)
	}
	return len(p), nil
}

// Cut tells whether there was more than was kept.
func (b *Body) Cut() bool { return b.Size > int64(len(b.kept)) }

// Text is what was kept, without what the mask takes out of it; empty for nothing.
func (b *Body) Text(m Mask) string {
	if len(b.kept) == 0 {
		return ""
	}
	if len(m.properties) == 0 {
		return valid(string(b.kept))
	}
	return m.body(b.kept, b.Path)
}

// Mask says what of headers and of JSON is not written down. The zero Mask hides
// nothing.
type Mask struct {
	headers    map[string]bool
	properties map[string]bool // names, and paths with a dot
}

// Masked stands for what is not written down.
const Masked = "[masked]"

// NewMask makes a mask of names of headers, and of names and paths of properties.
// Upper and lower case are the same.
func NewMask(headers, properties []string) Mask {
	m := Mask{headers: make(map[string]bool, len(headers)), properties: make(map[string]bool, len(properties))}
	for _, name := range headers {
		m.headers[strings.ToLower(name)] = true
	}
	for _, name := range properties {
		m.properties[strings.ToLower(name)] = true
	}
	return m
}

// Header is the value of a header as it is written down.
func (m Mask) Header(name, value string) string {
	if m.headers[strings.ToLower(name)] || credentials[strings.ToLower(name)] {
		return Masked
	}
	return value
}

// credentials are headers that hold a credential and nothing else. They are never
// written down, whatever a configuration says.
var credentials = map[string]bool{
	"authorization": true, "proxy-authorization": true, "cookie": true, "set-cookie": true,
	"ocp-apim-subscription-key": true, "x-functions-key": true, "x-api-key": true, "api-key": true, "apim-debug-authorization": true,
}

// body masks a body of JSON, or of events with JSON, as far as it was kept.
func (m Mask) body(kept []byte, path []string) string {
	if bytes.HasPrefix(kept, []byte("data:")) || bytes.HasPrefix(kept, []byte("event:")) || bytes.HasPrefix(kept, []byte("id:")) {
		var out strings.Builder
		for line := range strings.Lines(string(kept)) {
			if text, ok := strings.CutPrefix(line, "data:"); ok {
				line = "data: " + m.json([]byte(strings.TrimSpace(text)), path) + "\n"
			}
			out.WriteString(line)
		}
		return valid(out.String())
	}
	return m.json(kept, path)
}

// notJSON stands for a body in which nothing can be masked, and which may hold it.
const notJSON = "[left out: no JSON, in which the mask could be applied]"

// json masks one JSON value, which may be cut off. Text is copied only as it is
// understood: what cannot be read any more is left out.
func (m Mask) json(raw []byte, path []string) string {
	w := walk{mask: m, path: slices.Clone(path), dec: jsontext.NewDecoder(bytes.NewReader(raw), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))}
	err := w.value()
	switch {
	case err != nil && len(w.out) == 0:
		return notJSON
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return valid(string(w.out)) + "…"
	case err != nil:
		return valid(string(w.out)) + "… " + notJSON
	}
	return valid(string(w.out))
}

// walk copies JSON, token by token.
type walk struct {
	mask Mask
	dec  *jsontext.Decoder
	out  []byte
	path []string
}

func (w *walk) value() error {
	t, err := w.dec.ReadToken()
	if err != nil {
		return err
	}
	switch kind := t.Kind(); kind {
	case '{':
		return w.object()
	case '[':
		return w.array()
	case '"':
		w.text(t.String())
	default:
		w.out = append(w.out, t.String()...)
	}
	return nil
}

// text writes a JSON string. Text that is no UTF-8 is replaced, and never an error.
func (w *walk) text(s string) { w.out, _ = jsontext.AppendQuote(w.out, valid(s)) }

func (w *walk) array() error {
	w.out = append(w.out, '[')
	for n := 0; w.dec.PeekKind() != ']'; n++ {
		if n > 0 {
			w.out = append(w.out, ',')
		}
		if err := w.value(); err != nil {
			return err
		}
	}
	return w.end(']')
}

func (w *walk) object() error {
	w.out = append(w.out, '{')
	for n := 0; w.dec.PeekKind() != '}'; n++ {
		name, err := w.dec.ReadToken()
		if err != nil {
			return err
		}
		if n > 0 {
			w.out = append(w.out, ',')
		}
		written := name.String() // the token is gone with the next one
		w.text(written)
		w.out = append(w.out, ':')
		w.path = append(w.path, strings.ToLower(written))
		if w.mask.hides(w.path) {
			w.text(Masked)
			err = w.dec.SkipValue()
		} else {
			err = w.value()
		}
		if err != nil {
			return err
		}
		w.path = w.path[:len(w.path)-1]
	}
	return w.end('}')
}

func (w *walk) end(bracket byte) error {
	if _, err := w.dec.ReadToken(); err != nil {
		return err
	}
	w.out = append(w.out, bracket)
	return nil
}

// hides tells whether a property is hidden: by its name, or by its path, of which
// elements of arrays are no part.
func (m Mask) hides(path []string) bool {
	return m.properties[path[len(path)-1]] || len(path) > 1 && m.properties[strings.Join(path, ".")]
}

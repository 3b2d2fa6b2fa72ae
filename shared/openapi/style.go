package openapi

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// The serialization styles of OpenAPI ("style values"), and tabDelimited for
// the collectionFormat tsv of OpenAPI 2.0.
const (
	styleSimple         = "simple"
	styleLabel          = "label"
	styleMatrix         = "matrix"
	styleForm           = "form"
	styleSpaceDelimited = "spaceDelimited"
	stylePipeDelimited  = "pipeDelimited"
	styleTabDelimited   = "tabDelimited"
	styleDeepObject     = "deepObject"
)

// textEscape appends text as its place in the request requires, or says why it
// cannot stand there.
type textEscape func(dst, text []byte) ([]byte, error)

// listFormat says how several values become one text (RFC 6570 sections 3.2.2
// to 3.2.9).
type listFormat struct {
	separator string // between items, and between members
	equals    string // between the name and the value of a member
	escape    textEscape
}

// appendValue appends a value: the text of a scalar, the items of an array, or
// the names and values of an object. Null items and members are left out, as
// RFC 6570 section 2.4.2 leaves out undefined ones; an array or object inside
// is written as JSON. It returns the number of items.
func (w *styleWriter) appendValue(dst []byte, v jsontext.Value, f listFormat) ([]byte, int, error) {
	var err error
	n := 0
	switch v.Kind() {
	case '[':
		for item := range jsonItems(v) {
			if isNull(item) {
				continue
			}
			if n++; n > 1 {
				dst = append(dst, f.separator...)
			}
			if dst, err = w.appendText(dst, item, f.escape); err != nil {
				return dst, n, err
			}
		}
	case '{':
		for name, value := range jsonMembers(v) {
			if isNull(value) {
				continue
			}
			if n++; n > 1 {
				dst = append(dst, f.separator...)
			}
			if dst, err = f.escape(dst, name); err != nil {
				return dst, n, err
			}
			dst = append(dst, f.equals...)
			if dst, err = w.appendText(dst, value, f.escape); err != nil {
				return dst, n, err
			}
		}
	default:
		n = 1
		dst, err = w.appendText(dst, v, f.escape)
	}
	return dst, n, err
}

// styleWriter holds the text of the value that is being written.
type styleWriter struct {
	text []byte
}

func (w *styleWriter) appendText(dst []byte, v jsontext.Value, escape textEscape) ([]byte, error) {
	w.text = appendPlainText(w.text[:0], v)
	return escape(dst, w.text)
}

// refusing returns an escape that refuses text with the delimiter in it, where
// the receiver could not tell it from one that separates.
func refusing(delimiter byte, name string, escape textEscape) textEscape {
	return func(dst, text []byte) ([]byte, error) {
		if bytes.IndexByte(text, delimiter) >= 0 {
			return dst, unfitError("an item must not contain a " + name + ", which separates the items")
		}
		return escape(dst, text)
	}
}

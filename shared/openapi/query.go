package openapi

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// maxQuery bounds the query string, in bytes. Servers refuse much shorter ones;
// the bound keeps nested arguments from growing without end.
const maxQuery = 64 << 10

// maxForm bounds a form-urlencoded body, in bytes.
const maxForm = 16 << 20

// pairWriter writes name=value pairs: a query string or a form. Values are
// escaped with %20 for a space, which every receiver of either understands.
type pairWriter struct {
	styleWriter
	buf   []byte
	limit int // of buf, in bytes
	// taken reports names that an object whose members become pairs of their own
	// must not use. Without it an argument could set a parameter that the
	// configuration has fixed.
	taken func(name string) bool
	// keep are the characters that values leave as they are.
	keep *byteSet
	name []byte // escaped name of the nested value that is being written
}

// pairStyle is how one parameter or property becomes pairs.
type pairStyle struct {
	style         string
	explode       bool
	allowReserved bool
	// required makes an empty array or object an empty value, where it would
	// otherwise be left out.
	required bool
}

// add writes v as one or more pairs; null is absent.
func (w *pairWriter) add(name string, v jsontext.Value, s pairStyle) error {
	if isNull(v) {
		return nil
	}
	w.keep = &unreserved
	if s.allowReserved {
		w.keep = &reservedInQuery
	}
	start := len(w.buf)
	if err := w.addStyle(name, v, s); err != nil {
		return err
	}
	if len(w.buf) == start && s.required {
		w.begin(name)
	}
	return w.checkLength()
}

// addMembers writes every member of an object as form fields are by default
// (OpenAPI 3.x, "encoding").
func (w *pairWriter) addMembers(v jsontext.Value) error {
	for name, value := range jsonMembers(v) {
		if w.taken(string(name)) {
			return takenFault(name)
		}
		if err := w.add(string(name), value, pairStyle{style: styleForm, explode: true}); err != nil {
			return err
		}
	}
	return nil
}

func (w *pairWriter) addStyle(name string, v jsontext.Value, s pairStyle) error {
	kind := v.Kind()
	switch {
	case kind != '[' && kind != '{':
		return w.pair(name, v)
	case s.style == styleDeepObject:
		r := rawReaders.Get().(*rawReader)
		defer releaseRawReader(r)
		w.name = appendEscaped(w.name[:0], name, &unreserved)
		return w.deep(r.open(v))
	case s.explode && kind == '[':
		return w.items(name, v)
	case s.explode:
		return w.members(name, v)
	}
	return w.joined(name, v, s.style)
}

// begin starts a pair: an ampersand where needed, the name, the equals sign.
func (w *pairWriter) begin(name string) {
	if len(w.buf) > 0 {
		w.buf = append(w.buf, '&')
	}
	w.buf = appendEscaped(w.buf, name, &unreserved)
	w.buf = append(w.buf, '=')
}

func (w *pairWriter) pair(name string, v jsontext.Value) error {
	w.begin(name)
	return w.endPair(v)
}

func (w *pairWriter) endPair(v jsontext.Value) error {
	w.text = appendPlainText(w.text[:0], v)
	w.buf = appendEscaped(w.buf, w.text, w.keep)
	return w.checkLength()
}

func (w *pairWriter) escape(dst, text []byte) ([]byte, error) {
	return appendEscaped(dst, text, w.keep), nil
}

func (w *pairWriter) checkLength() error {
	if len(w.buf) > w.limit {
		return tooLong(w.limit)
	}
	return nil
}

// tooLong says that a part of the request would exceed its bound.
func tooLong(limit int) error {
	return unfitError("is too long: the request would have more than " + strconv.Itoa(limit) + " bytes in that place; send less")
}

// items writes name=item for every item of an array.
func (w *pairWriter) items(name string, v jsontext.Value) error {
	for item := range jsonItems(v) {
		if isNull(item) {
			continue
		}
		if err := w.pair(name, item); err != nil {
			return err
		}
	}
	return nil
}

// members writes name=value for every member of an object. The name of the
// object itself does not appear.
func (w *pairWriter) members(object string, v jsontext.Value) error {
	for name, value := range jsonMembers(v) {
		if isNull(value) {
			continue
		}
		if string(name) != object && w.taken(string(name)) {
			return takenFault(name)
		}
		if err := w.pair(string(name), value); err != nil {
			return err
		}
	}
	return nil
}

func takenFault[T []byte | string](name T) error {
	return unfitError("must not have the member " + quoted(string(name)) + ", which is sent separately")
}

// joined writes one pair whose value has all items, or names and values of all
// members, separated as the style says.
func (w *pairWriter) joined(name string, v jsontext.Value, style string) error {
	format, err := w.joinedFormat(style)
	if err != nil {
		return err
	}
	start := len(w.buf)
	w.begin(name)
	var n int
	w.buf, n, err = w.appendValue(w.buf, v, format)
	if n == 0 {
		w.buf = w.buf[:start]
	}
	return err
}

func (w *pairWriter) joinedFormat(style string) (listFormat, error) {
	switch style {
	case styleForm:
		return listFormat{",", ",", func(dst, text []byte) ([]byte, error) {
			// The comma separates, so one in an item is escaped even where
			// allowReserved would leave it.
			return appendEscapedWithout(dst, text, w.keep, ','), nil
		}}, nil
	case styleSpaceDelimited:
		return listFormat{"%20", "%20", refusing(' ', "space", w.escape)}, nil
	case stylePipeDelimited:
		return listFormat{"%7C", "%7C", refusing('|', "vertical bar (|)", w.escape)}, nil
	case styleTabDelimited:
		return listFormat{"%09", "%09", refusing('\t', "tab", w.escape)}, nil
	}
	return listFormat{}, errNoStyle
}

// appendEscapedWithout is appendEscaped that escapes one more character.
func appendEscapedWithout(dst, text []byte, keep *byteSet, c byte) []byte {
	set := *keep
	set[c>>6] &^= 1 << (c & 63)
	return appendEscaped(dst, text, &set)
}

// deep writes the next value of dec with the path to it in brackets:
// name[member][0]=value, as deepObject is understood where OpenAPI leaves it
// open (nested objects and arrays). It reads the value once, however deep.
func (w *pairWriter) deep(dec *jsontext.Decoder) error {
	switch dec.PeekKind() {
	case '{':
		return w.deepMembers(dec)
	case '[':
		return w.deepItems(dec)
	case 'n':
		return dec.SkipValue()
	}
	v, err := dec.ReadValue()
	if err != nil {
		return unfitError("is not valid JSON")
	}
	if len(w.buf) > 0 {
		w.buf = append(w.buf, '&')
	}
	w.buf = append(w.buf, w.name...)
	w.buf = append(w.buf, '=')
	return w.endPair(v)
}

func (w *pairWriter) deepMembers(dec *jsontext.Decoder) error {
	if _, err := dec.ReadToken(); err != nil {
		return unfitError("is not valid JSON")
	}
	outer := len(w.name)
	for dec.PeekKind() == '"' {
		name, err := dec.ReadValue()
		if err != nil {
			return unfitError("is not valid JSON")
		}
		w.name = append(w.name, "%5B"...)
		w.name = appendEscaped(w.name, unquoted(name), &unreserved)
		w.name = append(w.name, "%5D"...)
		if err := w.deep(dec); err != nil {
			return err
		}
		w.name = w.name[:outer]
	}
	return endDeep(dec)
}

func (w *pairWriter) deepItems(dec *jsontext.Decoder) error {
	if _, err := dec.ReadToken(); err != nil {
		return unfitError("is not valid JSON")
	}
	outer := len(w.name)
	for i := 0; dec.PeekKind() != ']'; i++ {
		w.name = append(w.name, "%5B"...)
		w.name = strconv.AppendInt(w.name, int64(i), 10)
		w.name = append(w.name, "%5D"...)
		if err := w.deep(dec); err != nil {
			return err
		}
		w.name = w.name[:outer]
	}
	return endDeep(dec)
}

// endDeep reads the end of an object or array.
func endDeep(dec *jsontext.Decoder) error {
	if _, err := dec.ReadToken(); err != nil {
		return unfitError("is not valid JSON")
	}
	return nil
}

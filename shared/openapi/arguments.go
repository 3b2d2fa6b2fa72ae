package openapi

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// ArgumentError says which argument of a call cannot be used, why, and what to
// do about it. It is the caller's to mend, so its message is public.
type ArgumentError struct {
	// Pointer is the JSON Pointer (RFC 6901) to the argument; empty when the
	// arguments as a whole are meant.
	Pointer string
	// Message is written for the model that made the call. It names the argument
	// and never contains anything that the model has not sent or been shown.
	Message string
}

func (e *ArgumentError) Error() string { return e.Message }

// BindingError says that an operation cannot be called as it was compiled or
// configured, whatever the arguments. It is not for the caller's eyes.
type BindingError struct {
	// Operation is the operation's id, as in [Binding].
	Operation string
	Message   string
}

func (e *BindingError) Error() string {
	return "binding operation " + strconv.Quote(e.Operation) + ": " + e.Message
}

// unfitError is why a value cannot be sent. It does not know which argument
// the value came from: whoever does makes it an ArgumentError, or a
// BindingError when the configuration supplied the value.
type unfitError string

func (e unfitError) Error() string { return string(e) }

// argument is one member of the arguments of a call.
type argument struct {
	name    []byte         // decoded; may alias the arguments
	value   jsontext.Value // as written; aliases the arguments
	claimed bool           // a parameter or the body uses it
}

// argumentSet is the members of the arguments of a call in their order.
type argumentSet struct {
	list []argument
	// index finds arguments by name where there are too many to look through.
	index map[string]int
}

// indexedArguments is the number of arguments from which a map is quicker than
// looking through them. A tool seldom has as many.
const indexedArguments = 32

// scan reads the members of raw, which must be one JSON object; nothing and
// null are an empty one. Names that are given twice, at any depth, and text
// that is not UTF-8 are refused.
func (s *argumentSet) scan(r *rawReader, raw jsontext.Value) error {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	dec := r.open(raw)
	if dec.PeekKind() != '{' {
		if err := dec.SkipValue(); err != nil {
			return syntaxFault(err)
		}
		return &ArgumentError{Message: "the arguments must be one JSON object"}
	}
	if _, err := dec.ReadToken(); err != nil {
		return syntaxFault(err)
	}
	for dec.PeekKind() == '"' {
		name, err := readRaw(dec, raw)
		if err != nil {
			return syntaxFault(err)
		}
		value, err := readRaw(dec, raw)
		if err != nil {
			return syntaxFault(err)
		}
		s.list = append(s.list, argument{name: unquoted(name), value: value})
	}
	if _, err := dec.ReadToken(); err != nil {
		return syntaxFault(err)
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return &ArgumentError{Message: "the arguments must be one JSON object and nothing after it"}
	}
	return nil
}

// claim returns the value of an argument and marks it as used; nil when it is
// absent. A null argument is returned as it is.
func (s *argumentSet) claim(name string) jsontext.Value {
	if len(s.list) >= indexedArguments {
		return s.claimIndexed(name)
	}
	for i := range s.list {
		if string(s.list[i].name) == name {
			s.list[i].claimed = true
			return s.list[i].value
		}
	}
	return nil
}

func (s *argumentSet) claimIndexed(name string) jsontext.Value {
	if s.index == nil {
		s.index = make(map[string]int, len(s.list))
		for i := range s.list {
			s.index[string(s.list[i].name)] = i
		}
	}
	i, ok := s.index[name]
	if !ok {
		return nil
	}
	s.list[i].claimed = true
	return s.list[i].value
}

// reset forgets the arguments and keeps the room they took.
func (s *argumentSet) reset() {
	clear(s.list)
	s.list = s.list[:0]
	s.index = nil
}

// syntaxFault turns an error of the JSON decoder into an ArgumentError.
func syntaxFault(err error) *ArgumentError {
	e := &ArgumentError{Message: "the arguments are not valid JSON: " +
		strings.TrimPrefix(err.Error(), "jsontext: ")}
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		e.Pointer = string(syntax.JSONPointer)
		if errors.Is(err, jsontext.ErrDuplicateName) {
			e.Message = "argument " + quotedPath(e.Pointer) + ": is given more than once; give it once"
		}
	}
	return e
}

// rawReader is a decoder that is used again and again. The zero value works.
type rawReader struct {
	dec jsontext.Decoder
	src bytes.Buffer
}

// open returns the decoder, positioned before v. It reads v without copying it.
func (r *rawReader) open(v []byte) *jsontext.Decoder {
	r.src = *bytes.NewBuffer(v)
	r.dec.Reset(&r.src)
	return &r.dec
}

var rawReaders = sync.Pool{New: func() any { return new(rawReader) }}

func releaseRawReader(r *rawReader) {
	r.open(nil) // drop the reference to what was read
	rawReaders.Put(r)
}

// readRaw reads the next value of dec as a part of src, which dec reads from.
// Unlike the decoder's own result it stays valid.
func readRaw(dec *jsontext.Decoder, src []byte) (jsontext.Value, error) {
	v, err := dec.ReadValue()
	if err != nil {
		return nil, err
	}
	end := int(dec.InputOffset())
	return src[end-len(v) : end : end], nil
}

// jsonMembers yields the decoded names and raw values of an object. It ends at
// the first fault, so v must have been read as JSON before.
func jsonMembers(v jsontext.Value) iter.Seq2[[]byte, jsontext.Value] {
	return func(yield func([]byte, jsontext.Value) bool) {
		r := rawReaders.Get().(*rawReader)
		defer releaseRawReader(r)
		dec := r.open(v)
		if t, err := dec.ReadToken(); err != nil || t.Kind() != '{' {
			return
		}
		for dec.PeekKind() == '"' {
			name, err := readRaw(dec, v)
			if err != nil {
				return
			}
			value, err := readRaw(dec, v)
			if err != nil || !yield(unquoted(name), value) {
				return
			}
		}
	}
}

// jsonItems yields the raw items of an array. It ends at the first fault, so v
// must have been read as JSON before.
func jsonItems(v jsontext.Value) iter.Seq[jsontext.Value] {
	return func(yield func(jsontext.Value) bool) {
		r := rawReaders.Get().(*rawReader)
		defer releaseRawReader(r)
		dec := r.open(v)
		if t, err := dec.ReadToken(); err != nil || t.Kind() != '[' {
			return
		}
		for dec.PeekKind() != ']' {
			item, err := readRaw(dec, v)
			if err != nil || !yield(item) {
				return
			}
		}
	}
}

// unquoted returns the text of a JSON string; without escapes it is a part of
// the string itself.
func unquoted(v jsontext.Value) []byte {
	if len(v) >= 2 && bytes.IndexByte(v, '\\') < 0 {
		return v[1 : len(v)-1]
	}
	text, _ := jsontext.AppendUnquote(nil, v) // read as valid before
	return text
}

// isNull reports whether v stands for an absent value.
func isNull(v jsontext.Value) bool { return len(v) == 0 || v.Kind() == 'n' }

// appendPlainText appends the text of a value: the content of a string, and of
// anything else its JSON, numbers digit for digit as they were written.
func appendPlainText(dst []byte, v jsontext.Value) []byte {
	switch v.Kind() {
	case '"':
		if bytes.IndexByte(v, '\\') < 0 && len(v) >= 2 {
			return append(dst, v[1:len(v)-1]...)
		}
		dst, _ = jsontext.AppendUnquote(dst, v) // read as valid before
		return dst
	case '{', '[':
		return appendCompact(dst, v)
	default:
		return append(dst, v...)
	}
}

// appendCompact appends JSON without the white space between its tokens, and
// otherwise byte for byte.
func appendCompact(dst []byte, v jsontext.Value) []byte {
	dst, _ = jsontext.AppendFormat(dst, v, jsontext.PreserveRawStrings(true)) // read as valid before
	return dst
}

// argumentPointer is the JSON Pointer to a top-level argument.
func argumentPointer(name string) string {
	return string(jsontext.Pointer("").AppendToken(name))
}

// quotedPath writes a JSON Pointer the way models write paths: /tags/0/name is
// "tags[0].name".
func quotedPath(pointer string) string {
	var path strings.Builder
	for token := range jsontext.Pointer(pointer).Tokens() {
		switch {
		case path.Len() == 0:
			path.WriteString(token)
		case isIndex(token):
			path.WriteString("[" + token + "]")
		default:
			path.WriteString("." + token)
		}
	}
	const longest = 400 // bytes
	return quotedUpTo(path.String(), longest)
}

func isIndex(token string) bool {
	for i := range len(token) {
		if token[i] < '0' || token[i] > '9' {
			return false
		}
	}
	return token != ""
}

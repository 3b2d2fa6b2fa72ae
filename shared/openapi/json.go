package openapi

import (
	"bytes"
	"errors"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// jsonReader makes nodes of JSON text. Strings without escapes are slices of
// the one text, so that a large document costs its size once.
type jsonReader struct {
	file    *file
	text    string
	decoder *jsontext.Decoder
	slab    []node
	// scratch holds the members of the objects that are still being read.
	scratch []member
	// line is that of the offset, and lineStart where it begins.
	offset, line, lineStart int
}

// readJSON makes the tree of a JSON file; text is data as a string.
func (f *file) readJSON(data []byte, text string) error {
	r := &jsonReader{
		file: f, text: text, line: 1,
		decoder: jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true)),
	}
	root, err := r.value(0)
	if err != nil {
		return err
	}
	if rest := strings.TrimLeft(text[r.decoder.InputOffset():], " \t\r\n"); rest != "" {
		return r.fault(len(text)-len(rest), "text after the end of the JSON value", "remove it")
	}
	f.root = root
	return nil
}

// value reads the next value, which is nested in depth others.
func (r *jsonReader) value(depth int) (*node, error) {
	if depth > maxNesting {
		return nil, r.fault(int(r.decoder.InputOffset()), "nested too deep", "keep the nesting within 500 levels")
	}
	switch kind := r.decoder.PeekKind(); kind {
	case '{', '[':
		if _, err := r.decoder.ReadToken(); err != nil {
			return nil, r.syntax(err)
		}
		n := r.make(int(r.decoder.InputOffset()) - 1)
		return n, r.children(n, kind, depth)
	default:
		raw, err := r.decoder.ReadValue()
		if err != nil {
			return nil, r.syntax(err)
		}
		end := int(r.decoder.InputOffset())
		n := r.make(end - len(raw))
		r.setScalar(n, kind, end-len(raw), end)
		return n, nil
	}
}

// children reads the members or items of n up to the closing bracket.
func (r *jsonReader) children(n *node, kind jsontext.Kind, depth int) error {
	n.kind = objectNode
	closing := jsontext.Kind('}')
	if kind == '[' {
		n.kind, closing = arrayNode, ']'
	}
	from := len(r.scratch)
	for r.decoder.PeekKind() != closing {
		var m member
		if n.kind == objectNode {
			raw, err := r.decoder.ReadValue()
			if err != nil {
				return r.syntax(err)
			}
			end := int(r.decoder.InputOffset())
			m.name = r.unquote(end-len(raw), end)
		}
		value, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		m.value = value
		r.scratch = append(r.scratch, m)
	}
	if _, err := r.decoder.ReadToken(); err != nil {
		return r.syntax(err)
	}
	if len(r.scratch) > from {
		n.members = append(make([]member, 0, len(r.scratch)-from), r.scratch[from:]...)
		clear(r.scratch[from:])
		r.scratch = r.scratch[:from]
	}
	if n.kind == objectNode {
		r.file.finishObject(n)
	}
	return nil
}

// setScalar fills n from the text between two offsets.
func (r *jsonReader) setScalar(n *node, kind jsontext.Kind, start, end int) {
	switch kind {
	case '"':
		n.kind, n.text = stringNode, r.unquote(start, end)
	case '0':
		n.kind, n.text = numberNode, r.text[start:end]
	case 't', 'f':
		n.kind, n.text = boolNode, r.text[start:end]
	default:
		n.kind = nullNode
	}
}

// unquote is the value of the JSON string between two offsets, which the
// decoder has found valid.
func (r *jsonReader) unquote(start, end int) string {
	inner := r.text[start+1 : end-1]
	if strings.IndexByte(inner, '\\') < 0 {
		return inner
	}
	value, _ := jsontext.AppendUnquote(nil, r.text[start:end])
	return string(value)
}

// make is a new node at an offset that is not before the last one.
func (r *jsonReader) make(offset int) *node {
	if len(r.slab) == 0 {
		r.slab = make([]node, 512)
	}
	n := &r.slab[0]
	r.slab = r.slab[1:]
	n.file = r.file
	n.line, n.column = r.position(offset)
	return n
}

// position moves to an offset and gives its line and column, in bytes.
func (r *jsonReader) position(offset int) (line, column int) {
	if passed := r.text[r.offset:offset]; passed != "" {
		if last := strings.LastIndexByte(passed, '\n'); last >= 0 {
			r.line += strings.Count(passed, "\n")
			r.lineStart = r.offset + last + 1
		}
		r.offset = offset
	}
	return r.line, offset - r.lineStart + 1
}

// syntax turns an error of the decoder into one with a position.
func (r *jsonReader) syntax(err error) error {
	offset, message := len(r.text), "the JSON ends too early"
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		offset = min(int(syntactic.ByteOffset), len(r.text))
		if offset < len(r.text) {
			message = "invalid JSON: " + syntactic.Err.Error()
		}
	}
	return r.fault(offset, message, "")
}

func (r *jsonReader) fault(offset int, message, fix string) error {
	line, column := r.position(max(offset, r.offset))
	return &Error{File: r.file.location, Line: line, Column: column, Message: message, Fix: fix}
}

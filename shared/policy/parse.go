package policy

import (
	"fmt"
	"unicode/utf8"

	"toolgate/shared/fault"
)

// Form is how a document is written, the format of API Management's policy
// resources.
type Form uint8

// The forms of documents.
const (
	// RawXML lets expressions hold raw quotes, < and &&. A document in the
	// form XML can be read as RawXML too.
	RawXML Form = iota
	// XML asks for well-formed XML: expressions are escaped.
	XML
)

// ParseOptions say how to read a document. The zero value reads RawXML and
// leaves named values as they stand.
type ParseOptions struct {
	Form Form
	// NamedValues are put in for {{name}} before anything else is read. With
	// nil, references stay in the text; an empty map makes each one a fault.
	NamedValues map[string]string
}

// Limits of a document.
const (
	maxDocument   = 1 << 20 // bytes, four times what API Management allows
	maxDepth      = 200     // elements in elements
	maxAttributes = 200
)

// Parse reads a document. It reads on after a fault to find the others, so the
// Document is never nil, but it may only be used when Faults.Err is nil. The
// content is UTF-8, or UTF-16 with a byte order mark.
func Parse(file string, content []byte, o ParseOptions) (*Document, fault.Faults) {
	var faults fault.Faults
	if len(content) > maxDocument {
		faults.Add(fault.Position{File: file}, fmt.Sprintf("the document has %d bytes, more than %d", len(content), maxDocument), "take parts of it out into fragments")
		return &Document{File: file, Root: RootBare}, faults
	}
	src := newSource(file, utf8Text(content))
	if o.NamedValues != nil {
		faults = src.putNamedValues(o.NamedValues)
	}
	s := &scanner{source: src, text: src.text, at: src.start(), form: o.Form, document: &Document{File: file}, faults: faults}
	s.encoding()
	s.scan()
	s.root()
	return s.document, s.faults.Sorted()
}

// encoding warns of the first byte that is not UTF-8: older documents have
// them in comments.
func (s *scanner) encoding() {
	if utf8.ValidString(s.text) {
		return
	}
	for i := 0; i < len(s.text); {
		r, width := utf8.DecodeRuneInString(s.text[i:])
		if r == utf8.RuneError && width == 1 {
			s.faults.Warn(s.source.at(i), "the text is not UTF-8", "save the document as UTF-8")
			return
		}
		i += width
	}
}

// root finds out what the document holds.
func (s *scanner) root() {
	d := s.document
	d.Root = RootBare
	if len(d.Elements) == 0 {
		s.faults.Add(fault.Position{File: s.source.file, Line: 1, Column: 1}, "the document has no element", "write <policies> with its sections, or <fragment>")
		return
	}
	for i, e := range d.Elements {
		if e.Name != string(RootPolicies) && e.Name != string(RootFragment) {
			continue
		}
		d.Root = Root(e.Name)
		if i > 0 || len(d.Elements) > 1 {
			s.faults.Add(d.Elements[1].At, "the document has more than one element at the top", "move everything into one <"+e.Name+">")
		}
		return
	}
}

// Package policy knows the language of API Management policy documents: how
// they are written, which elements there are and where each may stand, and how
// the documents of several scopes become the effective policies of a call. It
// does not know what any element does.
package policy

import (
	"iter"

	"toolgate/shared/fault"
)

// Root is what a document holds.
type Root string

// The roots of documents.
const (
	RootPolicies Root = "policies" // <policies> with its sections
	RootFragment Root = "fragment" // <fragment>, included by other documents
	RootBare     Root = "bare"     // sections or policies without either, as samples are printed
)

// Document is a policy document as it was read. It is not changed afterwards.
type Document struct {
	File string
	Root Root
	// Elements are the elements at the top: one policies or fragment element,
	// or, for RootBare, any number.
	Elements []*Element
}

// Element is one element of a document.
type Element struct {
	Name       string
	Attributes []Attribute    // in the order of the document, names unique
	Children   []*Element     // nil for none
	Text       Text           // the text between the tags; comments are no part of it
	ID         string         // the attribute id, empty when there is none
	At         fault.Position // of the opening <

	// Of elements that Compose returns.
	Scope   Scope   // of the document in which it stands, or in which its fragment is included
	Section Section // exactly one
	Path    string  // within section and document, such as choose[1]/when[2]
}

// Attribute is a name with its value.
type Attribute struct {
	Name  string
	Value Text
	At    fault.Position // of the name
}

// Attribute returns the attribute of a name.
func (e *Element) Attribute(name string) (Attribute, bool) {
	for _, a := range e.Attributes {
		if a.Name == name {
			return a, true
		}
	}
	return Attribute{}, false
}

// Kind tells literal text from expressions.
type Kind uint8

// The kinds of a text.
const (
	Literal    Kind = iota // text as it stands
	Expression             // @(…), one C# expression
	Statements             // @{…}, C# statements that return a value
)

// String names the kind as the documents write it.
func (k Kind) String() string {
	switch k {
	case Expression:
		return "@(…)"
	case Statements:
		return "@{…}"
	default:
		return "text"
	}
}

// Text is the value of an attribute or the text of an element. The zero Text
// stands for no text.
type Text struct {
	// Source is the literal text, or the C# between the delimiters @( ) or
	// @{ }; references such as &lt; are decoded, line ends are \n.
	Source string
	Kind   Kind
	// Verbatim marks literal markup inside set-body, in which references are
	// as they were written.
	Verbatim bool
	At       fault.Position // of the first byte of Source

	marks  []mark // in order; nil when there is no source
	source *source
}

// mark says where in the scanned text a stretch of Text.Source came from.
type mark struct {
	source int // offset in Text.Source
	text   int // offset in source.text
}

// Position is the place in the document of a byte of Source.
func (t Text) Position(offset int) fault.Position {
	if t.source == nil {
		return t.At
	}
	return t.source.at(t.place(offset))
}

// place is the offset in the scanned text of a byte of Source.
func (t Text) place(offset int) int {
	place := 0
	for _, m := range t.marks {
		if m.source > offset {
			break
		}
		place = m.text + offset - m.source
	}
	return place
}

// shown is the text as its author wrote it, shortened for a message.
func (t Text) shown() string {
	s := t.Source
	if t.source != nil && len(t.source.segments) > 0 {
		s = t.source.quote(t.place(0), t.place(len(t.Source)))
	}
	const most = 60
	if letters := []rune(s); len(letters) > most {
		s = string(letters[:most]) + "…"
	}
	return s
}

// All yields the elements of the document, each before its children.
func (d *Document) All() iter.Seq[*Element] {
	return func(yield func(*Element) bool) {
		walk(d.Elements, yield)
	}
}

func walk(elements []*Element, yield func(*Element) bool) bool {
	for _, e := range elements {
		if !yield(e) || !walk(e.Children, yield) {
			return false
		}
	}
	return true
}

// Texts yields the values of the element's attributes and then its text, when
// it has one.
func (e *Element) Texts() iter.Seq[Text] {
	return func(yield func(Text) bool) {
		for _, a := range e.Attributes {
			if !yield(a.Value) {
				return
			}
		}
		if e.Text.Source != "" || e.Text.Kind != Literal {
			yield(e.Text)
		}
	}
}

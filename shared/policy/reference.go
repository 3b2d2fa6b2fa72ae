package policy

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// reference decodes the entity or character reference at the beginning of
// text, one of XML's own five or a number. The width is 0 when there is none:
// an ampersand that stands for itself is no fault in an expression, nor in a
// query string.
func reference(text string) (char rune, width int) {
	const longest = len("&#x10FFFF;")
	end := strings.IndexByte(text[:min(len(text), longest)], ';')
	if end < 2 || text[0] != '&' {
		return 0, 0
	}
	name := text[1:end]
	switch name {
	case "quot":
		return '"', end + 1
	case "amp":
		return '&', end + 1
	case "lt":
		return '<', end + 1
	case "gt":
		return '>', end + 1
	case "apos":
		return '\'', end + 1
	}
	number, numeric := strings.CutPrefix(name, "#")
	if !numeric {
		return 0, 0
	}
	radix := 10
	if hex, ok := strings.CutPrefix(strings.ToLower(number), "x"); ok {
		number, radix = hex, 16
	}
	n, err := strconv.ParseUint(number, radix, 21)
	if err != nil || !utf8.ValidRune(rune(n)) || n == 0 {
		return 0, 0
	}
	return rune(n), end + 1
}

// span is a stretch of the scanned text that becomes part of a Text.
type span struct {
	from, to int
	decode   decoding
	keep     []int // places of references that are not decoded, in order
	verbatim bool  // markup inside set-body
}

// decoding is what is done to a stretch of text on its way into a Text. Line
// ends become \n in all of them.
type decoding uint8

const (
	decodeNone      decoding = iota // CDATA and verbatim markup
	decodeText                      // references
	decodeAttribute                 // references, and white space becomes blanks
)

// textBuilder joins spans of a source into a Text.
type textBuilder struct {
	source *source
	text   []byte
	marks  []mark
}

func (b *textBuilder) add(s span) {
	text := b.source.text
	special := "\r"
	switch s.decode {
	case decodeText:
		special = "&\r"
	case decodeAttribute:
		special = "&\r\n\t"
	case decodeNone:
	}
	for from := s.from; from < s.to; {
		next := strings.IndexAny(text[from:s.to], special)
		if next < 0 {
			b.copy(from, s.to)
			return
		}
		b.copy(from, from+next)
		from += next
		from += b.decode(&s, from)
	}
}

// decode appends what the special character at a place stands for and returns
// how many bytes of the text that was.
func (b *textBuilder) decode(s *span, at int) int {
	text := b.source.text[at:s.to]
	width, char := 1, rune(text[0])
	switch char {
	case '&':
		if len(s.keep) > 0 && s.keep[0] == at {
			s.keep = s.keep[1:]
		} else if r, n := reference(text); n > 0 {
			char, width = r, n
		}
	case '\r':
		char = '\n'
		if strings.HasPrefix(text, "\r\n") {
			width = 2
		}
		if s.decode == decodeAttribute {
			char = ' '
		}
	default:
		char = ' '
	}
	b.mark(at)
	b.text = utf8.AppendRune(b.text, char)
	return width
}

func (b *textBuilder) copy(from, to int) {
	if from < to {
		b.mark(from)
		b.text = append(b.text, b.source.text[from:to]...)
	}
}

// mark notes where the next byte comes from, unless it follows from the last
// mark.
func (b *textBuilder) mark(text int) {
	if n := len(b.marks); n > 0 && b.marks[n-1].text-b.marks[n-1].source == text-len(b.text) {
		return
	}
	b.marks = append(b.marks, mark{source: len(b.text), text: text})
}

// build returns the Text of what was added; an empty one stands at a place.
func (b *textBuilder) build(kind Kind, empty int) Text {
	if len(b.marks) == 0 {
		b.marks = []mark{{text: empty}}
	}
	return Text{
		Source: string(b.text),
		Kind:   kind,
		At:     b.source.at(b.marks[0].text),
		marks:  b.marks,
		source: b.source,
	}
}

package policy

import (
	"fmt"
	"strings"
)

// attribute reads name="value" into an element.
func (s *scanner) attribute(e *Element, spaced bool) {
	start := s.at
	a := Attribute{At: s.source.at(start), Name: s.name()}
	if a.Name == "" {
		s.stray(e)
		return
	}
	s.space()
	valued := s.at < len(s.text) && s.text[s.at] == '='
	switch {
	case !spaced:
		s.faults.Add(a.At, "there is no space before the attribute "+a.Name, "write a space, or look for a quote that is missing or too many")
	case !valued:
		s.faults.Add(a.At, "the attribute "+a.Name+" has no value", "write "+a.Name+`="…"`)
	}
	if !valued {
		return
	}
	s.at++
	s.space()
	a.Value = s.value(a.Name)
	if _, twice := e.Attribute(a.Name); twice {
		s.faults.Add(a.At, "the attribute "+a.Name+" stands twice", "remove one")
		return
	}
	if len(e.Attributes) == maxAttributes {
		s.faults.Add(a.At, fmt.Sprintf("<%s> has more than %d attributes", e.Name, maxAttributes), "remove some")
		s.at = len(s.text)
		return
	}
	e.Attributes = append(e.Attributes, a)
}

// stray moves behind what is neither an attribute nor the end of the tag.
func (s *scanner) stray(e *Element) {
	from := s.at
	for s.at < len(s.text) && !isSpace(s.text[s.at]) && !strings.ContainsRune("<>", rune(s.text[s.at])) && !strings.HasPrefix(s.text[s.at:], "/>") {
		s.at++
	}
	if s.at == from {
		s.at++
	}
	at := from
	if placeholders(s.text[at:s.at]) {
		return
	}
	s.faults.Add(s.source.at(at), "what stands in <"+e.Name+"> is no attribute", `write name="value", and escape quotes inside values as &quot;`)
}

// value reads the value of an attribute.
func (s *scanner) value(name string) Text {
	if s.at >= len(s.text) {
		s.faults.Add(s.source.at(s.at), "the attribute "+name+" has no value", "write "+name+`="…"`)
		return Text{At: s.source.at(len(s.text))}
	}
	quote := s.text[s.at]
	if quote != '"' && quote != '\'' {
		return s.unquoted(name)
	}
	s.at++
	from := s.at
	if s.form == XML {
		return s.escaped(from, quote)
	}
	start := skipSpace(s.text, from)
	if kind, ok := opensExpression(s.text[start:]); ok {
		return s.attributeExpression(kind, start, quote)
	}
	end, closed := s.literalEnd(from, quote)
	s.at = end
	if closed {
		s.at++
	}
	return s.build(Literal, span{from: from, to: end, decode: decodeAttribute})
}

func (s *scanner) build(kind Kind, p span) Text {
	b := &textBuilder{source: s.source}
	b.add(p)
	return b.build(kind, p.from)
}

// attributeExpression reads an expression that is the value of an attribute.
func (s *scanner) attributeExpression(kind Kind, at int, quote byte) Text {
	var c *csharp
	var p *problem
	end := 0
	for _, uniform := range []bool{false, true} {
		c = &csharp{text: s.text, uniform: uniform}
		if end, p = c.end(at); p == nil {
			if after := skipSpace(s.text, end); after < len(s.text) && s.text[after] == quote {
				s.at = after + 1
				return s.build(kind, span{from: at + 2, to: s.closing(end), decode: decodeText, keep: c.keep})
			}
		}
	}
	if p == nil {
		end = skipSpace(s.text, end)
		s.faults.Add(s.source.at(end), "text behind the expression", "make the expression the whole value")
		end = s.recover(end, quote)
	} else {
		end = s.recover(at, quote)
		if _, own := (&csharp{text: s.text[:end]}).end(at); own != nil {
			p = own // the first reading has taken the quote for one of C#
		}
		s.broken(p)
	}
	s.at = min(end+1, len(s.text))
	return s.build(Literal, span{from: at, to: end, decode: decodeText})
}

// closing is the place of the bracket that ends at a place, which may have
// been written as a reference.
func (s *scanner) closing(end int) int {
	if s.text[end-1] == ';' {
		return strings.LastIndexByte(s.text[:end], '&')
	}
	return end - 1
}

// escaped reads a value of the form XML.
func (s *scanner) escaped(from int, quote byte) Text {
	n := strings.IndexByte(s.text[from:], quote)
	if n < 0 {
		s.faults.Add(s.source.at(from-1), "the value is not closed", "end it with "+string(quote))
		s.at = len(s.text)
		return Text{At: s.source.at(len(s.text))}
	}
	end := from + n
	s.at = end + 1
	if raw := strings.IndexByte(s.text[from:end], '<'); raw >= 0 {
		s.faults.Add(s.source.at(from+raw), "a raw < in a value", "write &lt;, or read the document as rawxml")
	}
	t := s.build(Literal, span{from: from, to: end, decode: decodeText})
	kind, opens, whole := s.wholeExpression(t)
	switch {
	case whole:
		return t.inside(kind)
	case opens:
		s.faults.Add(t.At, "the expression is not closed, or text follows it", "make one whole expression the value, with its quotes written as &quot;")
		return t
	}
	return s.build(Literal, span{from: from, to: end, decode: decodeAttribute})
}

// literalEnd is the place of the quote that ends a literal value. A value with
// a < on a later line is one whose quote was forgotten; it ends with its tag or
// its line.
func (s *scanner) literalEnd(from int, quote byte) (end int, closed bool) {
	newline := -1
	for at := from; at < len(s.text) && (newline < 0 || s.text[at] != '<'); at++ {
		switch s.text[at] {
		case quote:
			return at, true
		case '@':
			at = s.embedded(at) - 1
		case '$':
			at = max(at, template(s.text, at, quote)-1)
		case '\n':
			if newline < 0 {
				newline = at
			}
		}
	}
	s.faults.Add(s.source.at(from-1), "the value is not closed", "end it with "+string(quote))
	if newline < 0 {
		return len(s.text), false
	}
	end = from + strings.IndexAny(s.text[from:newline+1], ">\n")
	if end > from && s.text[end-1:end+1] == "/>" {
		end--
	}
	return end, false
}

// recover is the place of the quote that probably ends a value with a faulty
// expression: one with the next attribute or the end of the tag behind it.
func (s *scanner) recover(from int, quote byte) int {
	for at := from; at < len(s.text); at++ {
		if s.text[at] == '\n' && s.endsLine(from, at) {
			return at
		}
		if s.text[at] != quote {
			continue
		}
		after := skipSpace(s.text, at+1)
		if after >= len(s.text) || s.text[after] == '>' || strings.HasPrefix(s.text[after:], "/>") {
			return at
		}
		name := after
		for name < len(s.text) && isName(s.text[name]) {
			name++
		}
		if after > at+1 && name > after && strings.HasPrefix(s.text[name:], `="`) {
			return at
		}
	}
	return len(s.text)
}

// endsLine tells whether the next line begins with markup, before which the
// value must have ended.
func (s *scanner) endsLine(from, newline int) bool {
	next := skipSpace(s.text, newline)
	return newline > from && next+1 < len(s.text) && s.text[next] == '<' && (isNameStart(s.text[next+1]) || s.text[next+1] == '/')
}

// unquoted reads a value without quotes, as API Management's own samples have
// them: up to white space or the end of the tag.
func (s *scanner) unquoted(name string) Text {
	from := s.at
	if s.form == XML {
		s.faults.Add(s.source.at(from), "the value of "+name+" has no quotes", `write `+name+`="…"`)
	}
	if kind, ok := opensExpression(s.text[from:]); ok {
		c := &csharp{text: s.text}
		end, p := c.end(from)
		if p == nil {
			s.at = end
			return s.build(kind, span{from: from + 2, to: s.closing(end), decode: decodeText, keep: c.keep})
		}
		s.broken(p)
	}
	for s.at < len(s.text) && !isSpace(s.text[s.at]) && s.text[s.at] != '>' && !strings.HasPrefix(s.text[s.at:], "/>") {
		s.at++
	}
	if s.at == from {
		s.faults.Add(s.source.at(from), "the attribute "+name+" has no value", "write "+name+`="…"`)
	}
	return s.build(Literal, span{from: from, to: s.at, decode: decodeAttribute})
}

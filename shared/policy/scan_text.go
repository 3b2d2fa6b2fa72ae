package policy

import (
	"strings"
)

// characters reads text up to the next markup. Text that begins as an
// expression is read as C#, in which < is no markup.
func (s *scanner) characters() {
	if len(s.open) == 0 {
		s.outside()
		return
	}
	current := s.open[len(s.open)-1]
	start := skipSpace(s.text, s.at)
	if _, ok := opensExpression(s.text[start:]); ok && !current.filled && s.form == RawXML {
		s.literal(s.at, start)
		s.textExpression(start, current)
		return
	}
	from := s.at
	for s.at < len(s.text) && s.text[s.at] != '<' {
		next := strings.IndexAny(s.text[s.at:], "<@")
		if next < 0 {
			s.at = len(s.text)
			break
		}
		s.at += next
		if s.text[s.at] == '@' {
			s.at = s.embedded(s.at)
		}
	}
	s.literal(from, s.at)
}

// outside reads text that is in no element.
func (s *scanner) outside() {
	start := skipSpace(s.text, s.at)
	next := strings.IndexByte(s.text[s.at:], '<')
	if next < 0 {
		next = len(s.text) - s.at
	}
	end := s.at + next
	if start < end && !placeholders(s.text[start:end]) {
		s.faults.Add(s.source.at(start), "text outside of all elements", "remove it, or make it a comment")
	}
	s.at = end
}

// embedded moves behind an expression that stands inside other text, which is
// not run, or behind the @.
func (s *scanner) embedded(at int) int {
	if _, ok := opensExpression(s.text[at:]); !ok || s.form == XML || s.trials >= maxTrials {
		return at + 1
	}
	end, p := (&csharp{text: s.text}).end(at)
	if p != nil {
		s.trials++
		return at + 1
	}
	s.faults.Warn(s.source.at(at), "an expression inside other text is not run", `make it the whole value, as in @($"… {x} …")`)
	return end
}

// textExpression reads the expression that is the text of an element.
func (s *scanner) textExpression(at int, current *opened) {
	var p *problem
	end := 0
	for _, uniform := range []bool{false, true} {
		c := &csharp{text: s.text, uniform: uniform}
		if end, p = c.end(at); p == nil && s.endsText(end) {
			s.span(span{from: at, to: end, decode: decodeText, keep: c.keep}, at)
			s.at = end
			return
		}
	}
	s.at = len(s.text)
	if n := strings.Index(s.text[at:], "</"+current.Name); n >= 0 {
		s.at = at + n
	}
	if p == nil {
		s.faults.Add(s.source.at(skipSpace(s.text, end)), "text behind the expression", "make the expression the whole text")
		return
	}
	if _, own := (&csharp{text: s.text[:s.at]}).end(at); own != nil {
		p = own // the first reading has gone on into the next elements
	}
	s.broken(p)
}

// endsText tells whether nothing but markup follows.
func (s *scanner) endsText(at int) bool {
	at = skipSpace(s.text, at)
	return at >= len(s.text) || s.text[at] == '<'
}

func (s *scanner) literal(from, to int) {
	if from < to {
		s.span(span{from: from, to: to, decode: decodeText}, from)
	}
}

// span adds to the text of the current element.
func (s *scanner) span(p span, at int) {
	if len(s.open) == 0 {
		if p.from < p.to {
			s.faults.Add(s.source.at(at), "text outside of all elements", "remove it, or make it a comment")
		}
		return
	}
	current := s.open[len(s.open)-1]
	current.spans = append(current.spans, p)
	current.filled = current.filled || skipSpace(s.text[:p.to], p.from) < p.to
}

// verbatim takes the markup inside of set-body as text: an XML or HTML body,
// or a Liquid template, whose < need not be markup at all.
func (s *scanner) verbatim() {
	start := s.at
	for {
		start = skipSpace(s.text, start)
		if !strings.HasPrefix(s.text[start:], "<!--") {
			break
		}
		end := strings.Index(s.text[start:], "-->")
		if end < 0 {
			return
		}
		start += end + len("-->")
	}
	if _, ok := opensExpression(s.text[start:]); ok || strings.HasPrefix(s.text[start:], "<![CDATA[") {
		return
	}
	end := closingSetBody(s.text, start)
	if end < 0 || !hasMarkup(s.text[start:end]) {
		return
	}
	s.span(span{from: start, to: end, verbatim: true}, start)
	s.at = end
}

// hasMarkup tells whether a text has a < that begins neither a comment nor a
// CDATA section.
func hasMarkup(text string) bool {
	for {
		n := strings.IndexByte(text, '<')
		if n < 0 {
			return false
		}
		text = text[n:]
		skipped := false
		for _, c := range []struct{ begin, end string }{{"<!--", "-->"}, {"<![CDATA[", "]]>"}} {
			if !strings.HasPrefix(text, c.begin) {
				continue
			}
			if _, after, ok := strings.Cut(text, c.end); ok {
				text, skipped = after, true
			}
		}
		if !skipped {
			return true
		}
	}
}

// closingSetBody is the place of the next </set-body>, or -1.
func closingSetBody(text string, from int) int {
	const tag = "</set-body"
	for {
		n := strings.Index(text[from:], tag)
		if n < 0 {
			return -1
		}
		from += n
		after := skipSpace(text, from+len(tag))
		if after < len(text) && text[after] == '>' {
			return from
		}
		from += len(tag)
	}
}

// elementText joins what was read between the tags of an element. White space
// between children is no text.
func (s *scanner) elementText(e *opened) Text {
	if len(e.spans) == 0 || len(e.Children) > 0 && !e.filled {
		return Text{}
	}
	b := &textBuilder{source: s.source}
	for _, p := range e.spans {
		b.add(p)
	}
	t := b.build(Literal, e.begin)
	if e.spans[0].verbatim {
		t.Verbatim = true
		return t
	}
	kind, opens, whole := s.wholeExpression(t)
	switch {
	case whole:
		return t.inside(kind)
	case opens:
		s.faults.Add(t.At, "the expression is not closed, or text follows it", "make one whole expression the text")
	}
	return t
}

// wholeExpression tells whether a decoded text opens an expression, and
// whether that is all of it. An @ that was written as a reference opens none.
func (s *scanner) wholeExpression(t Text) (kind Kind, opens, whole bool) {
	start := skipSpace(t.Source, 0)
	kind, opens = opensExpression(t.Source[start:])
	if !opens || s.text[t.place(start)] != '@' {
		return Literal, false, false
	}
	end, p := (&csharp{text: plainText(t.Source)}).end(start)
	return kind, true, p == nil && skipSpace(t.Source, end) == len(t.Source)
}

// plainText hides ampersands from the C# reader: the text is decoded already.
func plainText(text string) string {
	return strings.ReplaceAll(text, "&", "+")
}

// inside is the C# of a text that is one expression.
func (t Text) inside(kind Kind) Text {
	from := skipSpace(t.Source, 0) + len("@(")
	to := strings.LastIndexAny(t.Source, ")}")
	cut := Text{Source: t.Source[from:to], Kind: kind, source: t.source}
	for i, m := range t.marks {
		last := i+1 == len(t.marks) || t.marks[i+1].source > from
		if m.source > from {
			cut.marks = append(cut.marks, mark{m.source - from, m.text})
		} else if last {
			cut.marks = append(cut.marks, mark{0, m.text + from - m.source})
		}
	}
	cut.At = cut.Position(0)
	return cut
}

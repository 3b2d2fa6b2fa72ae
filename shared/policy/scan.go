package policy

import (
	"strings"

	"toolgate/shared/fault"
)

// scanner reads the elements of a document in one pass.
type scanner struct {
	source   *source
	text     string
	at       int
	form     Form
	open     []*opened // the elements around the current place
	document *Document
	faults   fault.Faults
	trials   int // expressions looked for inside text without success
	unclosed int // expressions with a fault
}

// opened is an element whose closing tag has not been read.
type opened struct {
	*Element
	spans  []span
	filled bool // whether the spans are more than white space
	begin  int  // the place behind the opening tag
}

// Bounds of the work on expressions that are not closed, whose end is looked
// for in the whole rest of the document.
const (
	maxTrials   = 16
	maxUnclosed = 25
)

// hopeless tells whether there are so many faults that reading on is of no
// use.
func (s *scanner) hopeless() bool {
	return len(s.faults) >= fault.MaxFaults || s.unclosed >= maxUnclosed
}

// broken notes what is wrong in an expression.
func (s *scanner) broken(p *problem) {
	s.unclosed++
	s.faults.Add(s.source.at(p.at), p.message, p.fix)
}

// scan reads to the end, or until there are too many faults.
func (s *scanner) scan() {
	for s.at < len(s.text) && !s.hopeless() {
		if s.text[s.at] == '<' {
			s.markup()
		} else {
			s.characters()
		}
	}
	for len(s.open) > 0 {
		e := s.open[len(s.open)-1]
		s.faults.Add(e.At, "<"+e.Name+"> is not closed", "write </"+e.Name+"> where it ends")
		s.pop()
	}
}

// markup reads what begins with <.
func (s *scanner) markup() {
	rest := s.text[s.at:]
	switch {
	case strings.HasPrefix(rest, "<!--"):
		s.skipPast("-->", "the comment", "end it with -->")
	case strings.HasPrefix(rest, "<![CDATA["):
		s.cdata()
	case strings.HasPrefix(rest, "<?"):
		s.skipPast("?>", "the processing instruction", "end it with ?>")
	case strings.HasPrefix(rest, "<!"):
		s.faults.Add(s.source.at(s.at), "a policy document has no declarations", "remove it")
		s.skipPast(">", "the declaration", "end it with >")
	case strings.HasPrefix(rest, "</"):
		s.closingTag()
	case len(rest) > 1 && isNameStart(rest[1]):
		s.openingTag()
	default:
		s.faults.Add(s.source.at(s.at), "a raw < in text", "write &lt;")
		s.literal(s.at, s.at+1)
		s.at++
	}
}

// skipPast moves behind the next end of a construct.
func (s *scanner) skipPast(end, what, fix string) {
	n := strings.Index(s.text[s.at+1:], end)
	if n < 0 {
		s.faults.Add(s.source.at(s.at), what+" is not closed", fix)
		s.at = len(s.text)
		return
	}
	s.at += 1 + n + len(end)
}

func (s *scanner) cdata() {
	start := s.at
	from := start + len("<![CDATA[")
	s.skipPast("]]>", "the CDATA section", "end it with ]]>")
	to := max(from, s.at-len("]]>"))
	s.span(span{from: from, to: to}, start)
}

func isNameStart(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c >= 0x80
}

func isName(c byte) bool {
	return isNameStart(c) || '0' <= c && c <= '9' || c == '-' || c == '.' || c == ':'
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// name reads a name, which may be empty.
func (s *scanner) name() string {
	from := s.at
	for s.at < len(s.text) && isName(s.text[s.at]) {
		s.at++
	}
	return s.text[from:s.at]
}

// space moves behind white space and tells whether there was any.
func (s *scanner) space() bool {
	from := s.at
	s.at = skipSpace(s.text, s.at)
	return s.at > from
}

func skipSpace(text string, at int) int {
	for at < len(text) && isSpace(text[at]) {
		at++
	}
	return at
}

// openingTag reads a tag with its attributes.
func (s *scanner) openingTag() {
	e := &Element{At: s.source.at(s.at)}
	s.at++
	e.Name = s.name()
	for {
		spaced := s.space()
		switch {
		case s.at >= len(s.text), s.text[s.at] == '<', s.hopeless():
			s.faults.Add(e.At, "the tag <"+e.Name+" is not closed", "end it with > or />")
			s.push(e, false)
			return
		case s.text[s.at] == '>':
			s.at++
			s.push(e, false)
			return
		case strings.HasPrefix(s.text[s.at:], "/>"):
			s.at += 2
			s.push(e, true)
			return
		default:
			s.attribute(e, spaced)
		}
	}
}

// push makes the element a child of the current one and, unless it is empty,
// the current one.
func (s *scanner) push(e *Element, empty bool) {
	if id, ok := e.Attribute("id"); ok && id.Value.Kind == Literal {
		e.ID = id.Value.Source
	}
	if len(s.open) > 0 {
		parent := s.open[len(s.open)-1]
		parent.Children = append(parent.Children, e)
	} else {
		s.document.Elements = append(s.document.Elements, e)
	}
	if empty {
		return
	}
	if len(s.open) == maxDepth {
		s.faults.Add(e.At, "elements nest too deep", "take inner policies out into a fragment")
		s.at = len(s.text)
		return
	}
	s.open = append(s.open, &opened{Element: e, begin: s.at})
	if e.Name == "set-body" {
		s.verbatim()
	}
}

// pop ends the current element.
func (s *scanner) pop() {
	last := len(s.open) - 1
	e := s.open[last]
	s.open = s.open[:last]
	e.Text = s.elementText(e)
}

// closingTag ends the element it names. One that names an outer element ends
// those inside too, each with a fault; one that names none is a fault itself.
func (s *scanner) closingTag() {
	at := s.at
	s.at += 2
	name := s.name()
	s.space()
	if s.at < len(s.text) && s.text[s.at] == '>' {
		s.at++
	} else {
		s.faults.Add(s.source.at(at), "the tag </"+name+" is not closed", "end it with >")
		s.at = max(s.at, at+2)
	}
	depth := len(s.open) - 1
	for depth >= 0 && s.open[depth].Name != name {
		depth--
	}
	if depth < 0 {
		fix := "remove it"
		if n := len(s.open); n > 0 {
			fix = "remove it, or write </" + s.open[n-1].Name + ">"
		}
		s.faults.Add(s.source.at(at), "</"+name+"> closes nothing", fix)
		return
	}
	for len(s.open) > depth+1 {
		e := s.open[len(s.open)-1]
		s.faults.Add(e.At, "<"+e.Name+"> is not closed", "write </"+e.Name+"> before </"+name+">")
		s.pop()
	}
	s.pop()
}

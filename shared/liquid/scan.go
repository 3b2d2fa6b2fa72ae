package liquid

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"toolgate/shared/fault"
	"toolgate/shared/pattern"

	"github.com/osteele/liquid/parser"
)

// piece is a text, an output {{…}} or a tag {%…%} of a template.
type piece struct {
	kind         pieceKind
	name         string // of a tag, in lower case
	markup       string // within the output, or after the tag's name; or the text
	line, column int
}

type pieceKind int

const (
	textPiece pieceKind = iota
	outputPiece
	tagPiece
)

// tagNames are the tags as they are written; ends and clauses among them.
var tagNames = []string{
	"assign", "break", "capture", "case", "comment", "continue", "cycle", "decrement", "else", "elsif",
	"endcapture", "endcase", "endcomment", "endfor", "endif", "endifchanged", "endJSONArrayFor", "endraw",
	"endunless", "for", "if", "ifchanged", "increment", "JSONArrayFor", "raw", "unless", "when",
}

// fileTags read other templates, which no policy has.
var fileTags = []string{"include", "extends", "block", "render"}

// scanner cuts a template into pieces.
type scanner struct {
	source       string
	pos          int
	line, column int // of placed
	placed       int // a place in source, from which positions are counted on
	pieces       []piece
	depth        int
}

func scan(source string) ([]piece, *Error) {
	s := &scanner{source: source, line: 1, column: 1}
	for s.pos < len(source) {
		start := nextTag(source[s.pos:])
		if start < 0 {
			s.text(source[s.pos:], s.pos)
			break
		}
		start += s.pos
		s.text(trimBefore(source[s.pos:start], source[start:]), s.pos)
		if err := s.tag(start); err != nil {
			return nil, err
		}
	}
	return s.pieces, nil
}

// nextTag is where {{ or {% begins; -1: nowhere.
func nextTag(s string) int {
	for i := 0; ; i++ {
		n := strings.IndexByte(s[i:], '{')
		if n < 0 || i+n+1 >= len(s) {
			return -1
		}
		i += n
		if s[i+1] == '{' || s[i+1] == '%' {
			return i
		}
	}
}

// trimBefore takes spaces and tabs away before {{- and {%-.
func trimBefore(text, tag string) string {
	if strings.HasPrefix(tag[2:], "-") {
		return strings.TrimRight(text, " \t")
	}
	return text
}

var blankAfter = pattern.Lazy(`^(?:\n|\r\n|[ \t]+)`)

// trimAfter is how much white space goes after -}} and -%}: one line break, or
// spaces and tabs.
func trimAfter(text string) int { return len(blankAfter().FindString(text)) }

func (s *scanner) text(text string, at int) {
	if text != "" {
		p := piece{kind: textPiece, markup: text}
		p.line, p.column = s.position(at)
		s.pieces = append(s.pieces, p)
	}
}

// position is the line and column of a place behind the last one asked for.
func (s *scanner) position(at int) (line, column int) {
	passed := s.source[s.placed:at]
	if n := strings.Count(passed, "\n"); n > 0 {
		s.line += n
		s.column = 1
		passed = passed[strings.LastIndexByte(passed, '\n')+1:]
	}
	s.column += utf8.RuneCountInString(passed)
	s.placed = at
	return s.line, s.column
}

// tag reads the tag or output at start and moves behind it.
func (s *scanner) tag(start int) *Error {
	p := piece{kind: outputPiece}
	p.line, p.column = s.position(start)
	closing := "}}"
	if s.source[start+1] == '%' {
		p.kind, closing = tagPiece, "%}"
	}
	end := tagEnd(s.source[start+2:], closing)
	if end < 0 {
		return failure("write "+closing, "%s is not closed", s.source[start:start+2]).at(&p)
	}
	inner := s.source[start+2 : start+2+end]
	s.pos = start + 2 + end + 2
	inner = strings.TrimPrefix(inner, "-")
	trimmed := strings.HasSuffix(inner, "-")
	if trimmed {
		inner = strings.TrimSuffix(inner, "-")
		s.pos += trimAfter(s.source[s.pos:])
	}
	p.markup = strings.TrimSpace(inner)
	if p.kind == outputPiece {
		s.pieces = append(s.pieces, p)
		return nil
	}
	return s.named(p)
}

// tagEnd is where the tag closes, outside of quotes if they are paired.
func tagEnd(s, closing string) int {
	for i := 0; i+1 < len(s); i++ {
		switch {
		case s[i:i+2] == closing:
			return i
		case s[i] == '"' || s[i] == '\'':
			n := strings.IndexByte(s[i+1:], s[i])
			if n < 0 {
				return strings.Index(s, closing)
			}
			i += n + 1
		}
	}
	return strings.Index(s, closing)
}

var tagName = pattern.Lazy(`^\w+`)

func (s *scanner) named(p piece) *Error {
	written := tagName().FindString(p.markup)
	p.name, p.markup = strings.ToLower(written), strings.TrimSpace(p.markup[len(written):])
	switch {
	case slices.Contains(fileTags, p.name):
		return failure("write the text in its place", "the tag %s reads another template, and a policy has none", written).at(&p)
	case !slices.ContainsFunc(tagNames, func(name string) bool { return strings.EqualFold(name, written) }):
		return failure(fault.Suggest(written, tagNames, "use a tag of DotLiquid"), "there is no tag %q", written).at(&p)
	case p.name == "comment" || p.name == "raw":
		return s.verbatim(p)
	case p.name == "endcomment" || p.name == "endraw":
		return failure("remove it", "%s closes nothing", written).at(&p)
	case strings.HasPrefix(p.name, "end"):
		s.depth--
	case opens(p.name):
		if s.depth++; s.depth > maxNesting {
			return failure("nest less deeply", "blocks nest deeper than %d", maxNesting).at(&p)
		}
	}
	s.pieces = append(s.pieces, p)
	return nil
}

// opens reports whether a tag has an end tag.
func opens(name string) bool {
	return slices.ContainsFunc(tagNames, func(end string) bool { return strings.EqualFold(end, "end"+name) })
}

var verbatimEnds = map[string]*regexp.Regexp{
	"comment": regexp.MustCompile(`\{%(-?)\s*endcomment\s*(-?)%\}`),
	"raw":     regexp.MustCompile(`\{%(-?)\s*endraw\s*(-?)%\}`),
}

// verbatim skips a comment, or takes what stands in raw as text.
func (s *scanner) verbatim(p piece) *Error {
	rest := s.source[s.pos:]
	m := verbatimEnds[p.name].FindStringSubmatchIndex(rest)
	if m == nil {
		return failure("write {% end"+p.name+" %}", "%s is not closed", p.name).at(&p)
	}
	if p.name == "raw" {
		s.text(trimBefore(rest[:m[0]], rest[m[0]:]), s.pos)
	}
	s.pos += m[1]
	if m[4] < m[5] {
		s.pos += trimAfter(s.source[s.pos:])
	}
	return nil
}

// canonical is a template for the library: a tag for each piece, on a line of
// its own, so that the line of an error tells the piece. The markup stays with
// us: the library does not know quotes and line breaks within it.
func canonical(pieces []piece) string {
	var b strings.Builder
	for i, p := range pieces {
		name := p.name
		if p.kind != tagPiece {
			name = emitTag
		}
		fmt.Fprintf(&b, "{%%%s %d\n%%}", name, i)
	}
	return b.String()
}

// emitTag is the library's tag for texts and outputs.
const emitTag = "emit"

// unbalanced says which tag has no other end.
func unbalanced(pieces []piece, err parser.Error) *Error {
	if i := err.LineNumber(); i >= 0 && i < len(pieces) && pieces[i].kind == tagPiece {
		p := &pieces[i]
		if opens(p.name) {
			return failure("write {% end"+p.name+" %}", "%s is not closed", p.name).at(p)
		}
		return failure("write it between the beginning and the end of its block, and close blocks in order", "%s does not stand here", p.name).at(p)
	}
	return failure("close every block", "the template cannot be read: %v", err)
}

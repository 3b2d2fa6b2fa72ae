package expr

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// tokenKind says what a token is.
type tokenKind uint8

const (
	tEnd tokenKind = iota
	tName
	tLiteral // a constant: number, string or character
	tInterpolated
	tOperator
)

// token is one lexical element. Positions are byte offsets into the source.
type token struct {
	kind  tokenKind
	text  string // of names and operators
	value any    // of literals
	parts []interpolation
	pos   int
	end   int
}

// interpolation is one piece of an interpolated string: text, or a hole with
// its tokens, its alignment (0: none) and its format ("": none).
type interpolation struct {
	text   string
	hole   []token
	align  int
	format string
}

// maxNesting bounds brackets and statements within each other, so that neither
// parser nor evaluation exhausts the stack.
const maxNesting = 200

// lexer reads C# tokens. It stops at the first error.
type lexer struct {
	src   string
	pos   int
	depth int
}

// syntaxError is what lexer and parser stop with.
type syntaxError struct {
	pos          int
	message, fix string
}

func (e *syntaxError) Error() string { return e.message }

func failAt(pos int, fix, format string, args ...any) {
	panic(&syntaxError{pos, fmt.Sprintf(format, args...), fix})
}

// operators are listed so that a longer one comes before its beginning. ">>"
// is made by the parser, because it also ends two type argument lists.
var operators = []string{
	"<<=", "??=", "=>", "==", "!=", "<=", ">=", "&&", "||", "??", "?.", "?[", "++", "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<", "::",
	"(", ")", "[", "]", "{", "}", ";", ",", ".", ":", "?", "+", "-", "*", "/", "%", "=", "<", ">", "!", "&", "|", "^", "~",
}

// tokens reads until the end, or until an operator of stop stands outside of
// all brackets; that one is not consumed.
func (l *lexer) tokens(stop string) []token {
	var list []token
	level := 0
	for {
		l.space()
		if l.pos >= len(l.src) {
			return append(list, token{kind: tEnd, pos: l.pos, end: l.pos})
		}
		if level == 0 && stop != "" && strings.IndexByte(stop, l.src[l.pos]) >= 0 {
			return append(list, token{kind: tEnd, pos: l.pos, end: l.pos})
		}
		t := l.next()
		if t.kind == tOperator {
			switch t.text {
			case "(", "[", "{", "?[":
				level++
			case ")", "]", "}":
				level--
			}
			if level > maxNesting {
				failAt(t.pos, "compute parts in variables first", "brackets nest deeper than %d", maxNesting)
			}
		}
		list = append(list, t)
	}
}

// space skips white space and comments.
func (l *lexer) space() {
	for l.pos < len(l.src) {
		rest := l.src[l.pos:]
		switch r, n := utf8.DecodeRuneInString(rest); {
		case unicode.IsSpace(r) || r == '\ufeff':
			l.pos += n
		case strings.HasPrefix(rest, "//"):
			if i := strings.IndexAny(rest, "\r\n"); i >= 0 {
				l.pos += i
			} else {
				l.pos = len(l.src)
			}
		case strings.HasPrefix(rest, "/*"):
			i := strings.Index(rest[2:], "*/")
			if i < 0 {
				failAt(l.pos, "end it with */", "the comment has no end")
			}
			l.pos += i + 4
		default:
			return
		}
	}
}

func (l *lexer) next() token {
	start, rest := l.pos, l.src[l.pos:]
	t := token{pos: start}
	switch c := rest[0]; {
	case c == '"':
		l.pos++
		t.kind, t.value = tLiteral, l.quoted()
	case strings.HasPrefix(rest, `@"`):
		l.pos += 2
		t.kind, t.value = tLiteral, l.verbatim()
	case strings.HasPrefix(rest, `$@"`), strings.HasPrefix(rest, `@$"`):
		l.pos += 3
		t.kind, t.parts = tInterpolated, l.interpolated(true)
	case strings.HasPrefix(rest, `$"`):
		l.pos += 2
		t.kind, t.parts = tInterpolated, l.interpolated(false)
	case c == '\'':
		t.kind, t.value = tLiteral, l.char()
	case c >= '0' && c <= '9', c == '.' && len(rest) > 1 && rest[1] >= '0' && rest[1] <= '9':
		t.kind, t.value = tLiteral, l.number()
	case c == '@' && len(rest) > 1 && nameStart(rest[1:]):
		l.pos++
		t.kind, t.text = tName, l.name()
	case nameStart(rest):
		t.kind, t.text = tName, l.name()
		if t.text == "true" || t.text == "false" {
			t.kind, t.value = tLiteral, t.text == "true"
		}
	default:
		t.kind, t.text = tOperator, l.operator()
	}
	t.end = l.pos
	return t
}

func nameStart(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return r == '_' || unicode.IsLetter(r)
}

func (l *lexer) name() string {
	start := l.pos
	for l.pos < len(l.src) {
		r, n := utf8.DecodeRuneInString(l.src[l.pos:])
		if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			break
		}
		l.pos += n
	}
	return l.src[start:l.pos]
}

func (l *lexer) operator() string {
	rest := l.src[l.pos:]
	for _, op := range operators {
		if !strings.HasPrefix(rest, op) {
			continue
		}
		// "a?.5:b" is a condition, not a member.
		if op == "?." && len(rest) > 2 && rest[2] >= '0' && rest[2] <= '9' {
			continue
		}
		l.pos += len(op)
		return op
	}
	r, _ := utf8.DecodeRuneInString(rest)
	failAt(l.pos, "remove it", "the character %q is not of C#", r)
	return ""
}

// quoted reads the rest of a "…" literal.
func (l *lexer) quoted() string {
	start := l.pos
	var b textBuilder
	for {
		if l.pos >= len(l.src) || l.src[l.pos] == '\n' {
			failAt(start-1, `end it with ", or write @"…" for several lines`, "the string has no end")
		}
		switch c := l.src[l.pos]; c {
		case '"':
			l.pos++
			return b.String()
		case '\\':
			b.unit(l.escape())
		default:
			b.text(l.src[l.pos : l.pos+1])
			l.pos++
		}
	}
}

// verbatim reads the rest of a @"…" literal.
func (l *lexer) verbatim() string {
	start := l.pos
	var b strings.Builder
	for {
		i := strings.IndexByte(l.src[l.pos:], '"')
		if i < 0 {
			failAt(start-2, `end it with "`, "the string has no end")
		}
		b.WriteString(l.src[l.pos : l.pos+i])
		l.pos += i + 1
		if !strings.HasPrefix(l.src[l.pos:], `"`) {
			return b.String()
		}
		b.WriteByte('"')
		l.pos++
	}
}

// interpolated reads the rest of a $"…" or $@"…" literal.
func (l *lexer) interpolated(verbatim bool) []interpolation {
	start := l.pos
	var parts []interpolation
	var b textBuilder
	for {
		if l.pos >= len(l.src) {
			failAt(start-2, `end it with "`, "the interpolated string has no end")
		}
		rest := l.src[l.pos:]
		switch {
		case strings.HasPrefix(rest, "{{"), strings.HasPrefix(rest, "}}"), verbatim && strings.HasPrefix(rest, `""`):
			b.text(rest[:1])
			l.pos += 2
		case rest[0] == '"':
			l.pos++
			return append(parts, interpolation{text: b.String()})
		case rest[0] == '{':
			l.pos++
			parts = append(parts, interpolation{text: b.String()}, l.hole())
			b = textBuilder{}
		case rest[0] == '}':
			failAt(l.pos, "write }} for a brace", "a brace closes nothing in the interpolated string")
		case rest[0] == '\\' && !verbatim:
			b.unit(l.escape())
		default:
			b.text(rest[:1])
			l.pos++
		}
	}
}

// hole reads the rest of {expression[,alignment][:format]}.
func (l *lexer) hole() interpolation {
	start := l.pos
	if l.depth++; l.depth > 16 {
		failAt(start, "use variables", "interpolated strings nest deeper than 16")
	}
	defer func() { l.depth-- }()
	part := interpolation{hole: l.tokens("},:")}
	if len(part.hole) == 1 {
		failAt(start, "write {{ for a brace", "the interpolation has no expression")
	}
	if strings.HasPrefix(l.src[l.pos:], ",") {
		l.pos++
		i := strings.IndexAny(l.src[l.pos:], ":}")
		if i < 0 {
			failAt(start, "end it with }", "the interpolation has no end")
		}
		align, err := strconv.ParseInt(strings.TrimSpace(l.src[l.pos:l.pos+i]), 10, 12)
		if err != nil {
			failAt(l.pos, "write a number between -2000 and 2000", "the alignment is no number")
		}
		part.align = int(align)
		l.pos += i
	}
	if strings.HasPrefix(l.src[l.pos:], ":") {
		i := strings.IndexByte(l.src[l.pos:], '}')
		if i < 0 {
			failAt(start, "end it with }", "the interpolation has no end")
		}
		part.format = l.src[l.pos+1 : l.pos+i]
		l.pos += i
	}
	if !strings.HasPrefix(l.src[l.pos:], "}") {
		failAt(start, "end it with }", "the interpolation has no end")
	}
	l.pos++
	return part
}

func (l *lexer) char() Char {
	start := l.pos
	l.pos++
	var units []uint16
	if strings.HasPrefix(l.src[l.pos:], `\`) {
		units = utf16.AppendRune(nil, l.escape())
	} else if r, n := utf8.DecodeRuneInString(l.src[l.pos:]); n > 0 && r != '\'' {
		units = utf16.AppendRune(nil, r)
		l.pos += n
	}
	if len(units) != 1 || !strings.HasPrefix(l.src[l.pos:], "'") {
		failAt(start, `write "…" for a string`, "a character literal holds one character")
	}
	l.pos++
	return Char(units[0])
}

var escapes = map[byte]rune{'\'': '\'', '"': '"', '\\': '\\', '0': 0, 'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}

// escape reads \…; half of a surrogate pair is returned as it is.
func (l *lexer) escape() rune {
	start := l.pos
	l.pos++
	if l.pos >= len(l.src) {
		failAt(start, `write \\`, "the escape sequence has no end")
	}
	c := l.src[l.pos]
	l.pos++
	if r, ok := escapes[c]; ok {
		return r
	}
	low, high := 0, 0
	switch c {
	case 'u':
		low, high = 4, 4
	case 'U':
		low, high = 8, 8
	case 'x':
		low, high = 1, 4
	}
	n := 0
	for n < high && l.pos+n < len(l.src) && isHex(l.src[l.pos+n]) {
		n++
	}
	if high == 0 || n < low {
		failAt(start, `write \\ for a backslash, or @"…"`, "unknown escape sequence")
	}
	v, _ := strconv.ParseUint(l.src[l.pos:l.pos+n], 16, 32)
	l.pos += n
	if v > unicode.MaxRune {
		failAt(start, "write a code point", "the escape sequence is no character")
	}
	return rune(v)
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// textBuilder joins text and escaped characters, pairing surrogates.
type textBuilder struct {
	strings.Builder
	high rune // a high surrogate that waits for its low one; 0: none
}

func (b *textBuilder) text(s string) {
	b.high = 0
	b.WriteString(s)
}

func (b *textBuilder) unit(r rune) {
	if pair := utf16.DecodeRune(b.high, r); b.high != 0 && pair != unicode.ReplacementChar {
		b.high = 0
		b.WriteRune(pair)
		return
	}
	b.high = 0
	if r >= 0xD800 && r < 0xDC00 {
		b.high = r
		return
	}
	b.WriteRune(r)
}

package infra_test

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// position is a place in a file, both from 1, the column in characters.
type position struct{ line, column int }

// A token of a Bicep file.
type token struct {
	kind kind
	text string // of a string: its content up to the first interpolation, unescaped
	// parts are the interpolations of a string.
	parts []*expression
	// fresh: it is the first of its line.
	fresh bool
	at    position
}

type kind int

const (
	end kind = iota
	word
	number
	text
	sign
)

// syntaxError says where a file cannot be read. The parser panics with it, and
// [parse] returns it.
type syntaxError struct {
	at      position
	message string
}

func (e syntaxError) Error() string {
	return fmt.Sprintf("%d:%d: %s", e.at.line, e.at.column, e.message)
}

// lexer reads the tokens of a Bicep file.
type lexer struct {
	rest string
	at   position
}

// signs are those of more than one character.
var signs = []string{"::", "=>", "==", "!=", "=~", "!~", "<=", ">=", "&&", "||", "??", ".?"}

func (l *lexer) fail(format string, args ...any) {
	panic(syntaxError{l.at, fmt.Sprintf(format, args...)})
}

// skip moves over n bytes.
func (l *lexer) skip(n int) {
	for _, r := range l.rest[:n] {
		if r == '\n' {
			l.at.line, l.at.column = l.at.line+1, 1
		} else {
			l.at.column++
		}
	}
	l.rest = l.rest[n:]
}

// space moves over what means nothing, and says whether a line ended there.
func (l *lexer) space() bool {
	fresh := false
	for {
		switch {
		case strings.HasPrefix(l.rest, "\n"):
			fresh = true
			l.skip(1)
		case strings.HasPrefix(l.rest, " "), strings.HasPrefix(l.rest, "\r"), strings.HasPrefix(l.rest, "\t"):
			l.skip(1)
		case strings.HasPrefix(l.rest, "//"), strings.HasPrefix(l.rest, "#disable-next-line "):
			line, _, _ := strings.Cut(l.rest, "\n")
			l.skip(len(line))
		default:
			return fresh
		}
	}
}

func (l *lexer) next() token {
	fresh := l.space()
	t := token{fresh: fresh, at: l.at}
	if l.rest == "" {
		t.kind, t.fresh = end, true
		return t
	}
	c := l.rest[0]
	switch {
	case c == '\'':
		t.kind = text
		l.quoted(&t)
	case isLetter(c):
		t.kind, t.text = word, l.run(func(c byte) bool { return isLetter(c) || isDigit(c) })
	case isDigit(c):
		t.kind, t.text = number, l.run(isDigit)
	default:
		t.kind, t.text = sign, l.rest[:1]
		for _, s := range signs {
			if strings.HasPrefix(l.rest, s) {
				t.text = s
			}
		}
		if c >= utf8.RuneSelf || !strings.Contains("{}[]()=:,.?!@+-*/%<>|&~", string(c)) {
			l.fail("%q means nothing here", c)
		}
		l.skip(len(t.text))
	}
	return t
}

func (l *lexer) run(of func(byte) bool) string {
	n := 0
	for n < len(l.rest) && of(l.rest[n]) {
		n++
	}
	s := l.rest[:n]
	l.skip(n)
	return s
}

func isLetter(c byte) bool { return c == '_' || 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }

// escapes are what may follow a backslash, beside u{…}.
var escapes = map[byte]string{'n': "\n", 'r': "\r", 't': "\t", '\\': "\\", '\'': "'", '$': "$"}

// quoted reads a string of one line.
func (l *lexer) quoted(t *token) {
	if strings.HasPrefix(l.rest, "'''") {
		l.fail("strings of several lines are not used here")
	}
	l.skip(1)
	var content strings.Builder
	for {
		switch {
		case l.rest == "" || l.rest[0] == '\n':
			l.fail("the string does not end in its line")
		case l.rest[0] == '\'':
			l.skip(1)
			t.text = content.String()
			return
		case l.rest[0] == '\\':
			if len(l.rest) < 2 || escapes[l.rest[1]] == "" {
				l.fail("the string has an unknown escape")
			}
			content.WriteString(escapes[l.rest[1]])
			l.skip(2)
		case strings.HasPrefix(l.rest, "${"):
			l.skip(2)
			t.parts = append(t.parts, l.interpolation())
		default:
			_, n := utf8.DecodeRuneInString(l.rest)
			if len(t.parts) == 0 {
				content.WriteString(l.rest[:n])
			}
			l.skip(n)
		}
	}
}

// interpolation reads the expression of ${…} with its closing brace.
func (l *lexer) interpolation() *expression {
	inner := &parser{lexer: l}
	inner.advance()
	e := inner.expression()
	if inner.token.text != "}" || inner.token.kind != sign {
		panic(syntaxError{inner.token.at, "the interpolation does not end"})
	}
	return e // the lexer stands behind the brace: a parser looks one token ahead
}

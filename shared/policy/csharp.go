package policy

import (
	"strings"
	"unicode/utf8"
)

// csharp finds where an expression ends. It knows no more of C# than which
// brackets count: those outside strings, characters and comments. References
// such as &quot; are read as the characters they stand for.
type csharp struct {
	text string
	// uniform lets &quot; close a string that a raw quote opened. It is the
	// second try: as a rule a document escapes quotes or does not, and a
	// reference inside a string with raw quotes is that string's own.
	uniform bool
	keep    []int // the places of &quot; that belong to a string, in order
}

// problem is why an expression does not end.
type problem struct {
	at           int
	message, fix string
}

// maxHoles bounds how deep interpolated strings may nest.
const maxHoles = 32

// opensExpression tells whether an expression begins at a place of the text,
// and of which kind.
func opensExpression(text string) (Kind, bool) {
	if len(text) < 2 || text[0] != '@' {
		return Literal, false
	}
	switch text[1] {
	case '(':
		return Expression, true
	case '{':
		return Statements, true
	}
	return Literal, false
}

// end returns the place behind the closing bracket of the expression that
// begins at a place of the text.
func (c *csharp) end(at int) (int, *problem) {
	if c.text[at+1] == '(' {
		return c.block(at+2, '(', ')', 0)
	}
	return c.block(at+2, '{', '}', 0)
}

// char is the character at a place, its width in the text and whether a
// reference stands for it.
func (c *csharp) char(at int) (char rune, width int, escaped bool) {
	if at >= len(c.text) {
		return 0, 0, false
	}
	if c.text[at] == '&' {
		if r, n := reference(c.text[at:]); n > 0 {
			return r, n, true
		}
	}
	if b := c.text[at]; b < utf8.RuneSelf {
		return rune(b), 1, false
	}
	r, n := utf8.DecodeRuneInString(c.text[at:])
	return r, n, false
}

// block returns the place behind the closing bracket of a block whose opening
// bracket stands before start. holes is the number of interpolated strings
// around it; in a hole all brackets count, because a colon outside them begins
// the format.
func (c *csharp) block(start int, open, closing rune, holes int) (int, *problem) {
	depth, inner := 1, 0
	for i := start; ; {
		char, width, _ := c.char(i)
		if width == 0 {
			return 0, &problem{start - min(2, 2-min(holes, 1)), "the expression is not closed", "add the missing " + string(closing) + ", or close the string or comment that hides it"}
		}
		next := i + width
		switch char {
		case closing:
			if depth--; depth == 0 {
				return next, nil
			}
		case open:
			depth++
		case '(', '[':
			inner++
		case ')', ']':
			inner--
		case ':':
			if holes > 0 && depth == 1 && inner == 0 {
				return c.format(next, start)
			}
		case '"', '$', '@', '\'', '/':
			end, p := c.token(i, holes)
			if p != nil {
				return 0, p
			}
			next = max(next, end)
		}
		i = next
	}
}

// token skips the string, character or comment at a place; it returns 0 when
// there is none.
func (c *csharp) token(at, holes int) (int, *problem) {
	char, width, escaped := c.char(at)
	following, followingWidth, _ := c.char(at + width)
	switch char {
	case '\'':
		return c.character(at + width), nil
	case '/':
		return c.comment(at, at+width+followingWidth, following)
	case '"':
		return c.quotation(at+width, quotation{escaped: escaped})
	}
	q := quotation{verbatim: char == '@', interpolated: char == '$'}
	quote, quoteAt := following, at+width
	if following == '@' && char == '$' || following == '$' && char == '@' {
		q.verbatim, q.interpolated = true, true
		quoteAt += followingWidth
		quote, _, _ = c.char(quoteAt)
	}
	if quote != '"' {
		return 0, nil // an identifier such as @class
	}
	_, width, q.escaped = c.char(quoteAt)
	q.holes = holes
	return c.quotation(quoteAt+width, q)
}

// character returns the place behind a character literal whose opening quote
// stands before start, or start when there is none: an apostrophe in text that
// is no C# must not hide the rest of the document.
func (c *csharp) character(start int) int {
	char, width, _ := c.char(start)
	at := start + width
	if char == '\\' {
		const longest = len(`U0010FFFF`)
		for range longest + 1 {
			if char, width, _ = c.char(at); width == 0 || char == '\n' {
				return start
			}
			at += width
			if next, n, _ := c.char(at); next == '\'' {
				return at + n
			}
		}
		return start
	}
	if next, n, _ := c.char(at); next == '\'' && char != '\'' && char != '\n' {
		return at + n
	}
	return start
}

// comment returns the place behind a comment, whose second character is given
// and ends at a place, or 0 when it is none.
func (c *csharp) comment(start, at int, second rune) (int, *problem) {
	if second != '/' && second != '*' {
		return 0, nil
	}
	for {
		char, width, _ := c.char(at)
		if width == 0 {
			if second == '/' {
				return at, nil
			}
			return 0, &problem{start, "the comment is not closed", "end it with */"}
		}
		at += width
		if second == '/' && char == '\n' {
			return at, nil
		}
		if next, n, _ := c.char(at); second == '*' && char == '*' && next == '/' {
			return at + n, nil
		}
	}
}

// quotation is how a string is written.
type quotation struct {
	verbatim     bool // @"…": a backslash is itself, "" is a quote
	interpolated bool // $"…": {…} holds C#
	escaped      bool // a reference opened it
	holes        int  // interpolated strings around it
}

// quotation returns the place behind the closing quote of a string whose
// opening quote stands before start.
func (c *csharp) quotation(start int, q quotation) (int, *problem) {
	unclosed := &problem{start - 1, "the string is not closed", "end it with a quote, or write it as @\"…\" if it spans lines"}
	for at := start; ; {
		char, width, escaped := c.char(at)
		if width == 0 || char == '\n' && !q.verbatim {
			return 0, unclosed
		}
		next, nextWidth, _ := c.char(at + width)
		switch {
		case char == '"' && escaped && !q.escaped && !c.uniform:
			c.keep = append(c.keep, at)
		case char == '"' && q.verbatim && next == '"':
			width += nextWidth
		case char == '"':
			return at + width, nil
		case char == '\\' && !q.verbatim:
			width += nextWidth
		case char == '{' && q.interpolated && next == '{', char == '}' && q.interpolated && next == '}':
			width += nextWidth
		case char == '{' && q.interpolated:
			if q.holes >= maxHoles {
				return 0, &problem{at, "interpolated strings nest too deep", "take the inner ones out into variables"}
			}
			end, p := c.block(at+width, '{', '}', q.holes+1)
			if p != nil {
				return 0, p
			}
			width = end - at
		}
		at += width
	}
}

// format returns the place behind the } that ends the hole of an interpolated
// string, from its format on.
func (c *csharp) format(at, start int) (int, *problem) {
	end := strings.IndexAny(c.text[at:], "}\n\"")
	if end < 0 || c.text[at+end] != '}' {
		return 0, &problem{start - 1, "the hole of the interpolated string is not closed", "end it with }"}
	}
	return at + end + 1, nil
}

package expr

import (
	"math/big"
	"strconv"
	"strings"
)

// number reads a numeric literal.
func (l *lexer) number() any {
	start := l.pos
	rest := l.src[start:]
	base := 10
	if len(rest) > 1 && rest[0] == '0' && (rest[1]|32 == 'x' || rest[1]|32 == 'b') {
		base = map[byte]int{'x': 16, 'b': 2}[rest[1]|32]
		l.pos += 2
	}
	fraction := l.digits(base)
	digits := strings.ReplaceAll(l.src[start:l.pos], "_", "")
	suffix := ""
	for l.pos < len(l.src) && len(suffix) < 2 && strings.IndexByte("uUlLfFdDmM", l.src[l.pos]) >= 0 {
		suffix += strings.ToLower(l.src[l.pos : l.pos+1])
		l.pos++
	}
	if l.pos < len(l.src) && nameStart(l.src[l.pos:]) {
		failAt(start, "separate the number from what follows", "the number is followed by letters")
	}
	if base != 10 {
		digits = digits[2:]
	}
	v := numberLiteral(digits, base, suffix, fraction)
	if v == nil {
		failAt(start, "write a number that its type can hold", "the number %s is out of range", l.src[start:l.pos])
	}
	return v
}

// digits reads digits and says whether there is a fraction or an exponent.
func (l *lexer) digits(base int) (fraction bool) {
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		switch {
		case c >= '0' && c <= '9', c == '_', base == 16 && isHex(c):
		case base == 10 && c == '.' && !fraction && l.pos+1 < len(l.src) && l.src[l.pos+1] >= '0' && l.src[l.pos+1] <= '9':
			fraction = true
		case base == 10 && c|32 == 'e' && exponent(l.src[l.pos+1:]):
			fraction = true
			l.pos++
		default:
			return fraction
		}
		l.pos++
	}
	return fraction
}

func exponent(s string) bool {
	s = strings.TrimLeft(s, "+-")
	return s != "" && s[0] >= '0' && s[0] <= '9'
}

// numberLiteral is the value of a literal in the type that C# gives it; nil:
// out of range.
func numberLiteral(digits string, base int, suffix string, fraction bool) any {
	switch {
	case suffix == "m":
		if d, ok := parseDecimal(digits); ok {
			return d
		}
		return nil
	case suffix == "f":
		v, err := strconv.ParseFloat(digits, 32)
		if err != nil {
			return nil
		}
		return float32(v)
	case suffix == "d", fraction:
		v, err := strconv.ParseFloat(digits, 64)
		if err != nil || suffix != "" && suffix != "d" {
			return nil
		}
		return v
	}
	n, ok := new(big.Int).SetString(digits, base)
	if !ok || !n.IsUint64() {
		return nil
	}
	u := n.Uint64()
	unsigned, long := strings.Contains(suffix, "u"), strings.Contains(suffix, "l")
	switch {
	case u <= 1<<31-1 && suffix == "":
		return int32(u)
	case u <= 1<<32-1 && !long:
		return uint32(u)
	case u <= 1<<63-1 && !unsigned:
		return int64(u)
	}
	return u
}

// Extent is the length of the expression that text begins with, from the @ of
// "@(" or "@{" to its closing bracket; ok is false where there is none. Quotes,
// comments and interpolations are read as C# has them, so that brackets and
// quotes within do not end the expression.
func Extent(text string) (n int, ok bool) {
	if !strings.HasPrefix(text, "@(") && !strings.HasPrefix(text, "@{") {
		return 0, false
	}
	defer func() {
		if _, is := recover().(*syntaxError); is {
			n, ok = 0, false
		}
	}()
	l := lexer{src: text, pos: 1}
	for level := 0; ; {
		l.space()
		if l.pos >= len(text) {
			return 0, false
		}
		t := l.next()
		if t.kind != tOperator {
			continue
		}
		switch t.text {
		case "(", "[", "{", "?[":
			level++
		case ")", "]", "}":
			if level--; level == 0 {
				return l.pos, true
			}
		}
	}
}

package expr

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// floatText is the shortest text that reads back as the same number, in the form
// of .NET: an exponent from 1E+15 on and below 1E-05.
func floatText(v float64, bits int) string {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 1):
		return "Infinity"
	case math.IsInf(v, -1):
		return "-Infinity"
	case v == 0:
		if math.Signbit(v) {
			return "-0"
		}
		return "0"
	}
	limit := 15
	if bits == 32 {
		limit = 7
	}
	e := strconv.FormatFloat(v, 'E', -1, bits)
	exp, _ := strconv.Atoi(e[strings.IndexByte(e, 'E')+1:])
	if exp >= limit || exp <= -5 {
		return e
	}
	return strconv.FormatFloat(v, 'f', -1, bits)
}

// numberText is ToString() of a number.
func numberText(v any) string {
	switch v := v.(type) {
	case int32:
		return strconv.Itoa(int(v))
	case float64:
		return floatText(v, 64)
	case float32:
		return floatText(float64(v), 32)
	case Decimal:
		return v.String()
	case uint64:
		return strconv.FormatUint(v, 10)
	}
	return strconv.FormatInt(integer(v), 10)
}

// formatNumber is ToString(format) with the invariant culture.
func formatNumber(v any, format string) string {
	if format == "" {
		return numberText(v)
	}
	letter := format[0] | 32
	digits, err := -1, error(nil)
	if len(format) > 1 {
		digits, err = strconv.Atoi(format[1:])
	}
	if letter < 'a' || letter > 'z' || err != nil || digits > 999 {
		return customNumber(v, format)
	}
	switch letter {
	case 'd':
		if rank(v) > 4 {
			throwFormatSpecifier()
		}
		return pad(numberText(v), digits)
	case 'x':
		if rank(v) > 4 {
			throwFormatSpecifier()
		}
		return hexadecimal(v, digits, format[0] == 'X')
	case 'g':
		return general(v, digits, format[0])
	case 'r':
		return numberText(v)
	case 'e':
		return scientific(floating(v), digits, format[0])
	}
	if f, ok := notFinite(v); ok {
		return f
	}
	if digits < 0 {
		digits = 2
	}
	switch letter {
	case 'f':
		return fixed(v, digits)
	case 'n':
		return group(fixed(v, digits))
	case 'c':
		text := group(fixed(v, digits))
		if strings.HasPrefix(text, "-") {
			return "(¤" + text[1:] + ")"
		}
		return "¤" + text
	case 'p':
		return group(fixed(percent(v, 100), digits)) + " %"
	}
	throwFormatSpecifier()
	return ""
}

func throwFormatSpecifier() { throw("FormatException", "Format specifier was invalid.") }

func notFinite(v any) (string, bool) {
	if f := floating(v); rank(v) < 7 && (math.IsNaN(f) || math.IsInf(f, 0)) {
		return floatText(f, 64), true
	}
	return "", false
}

func percent(v any, factor int64) any {
	if rank(v) == 5 || rank(v) == 6 {
		return floating(v) * float64(factor)
	}
	return decimalArithmetic("*", toDecimal(v), decimalOf(factor))
}

// pad fills a whole number with zeros on the left.
func pad(s string, digits int) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	return sign + strings.Repeat("0", max(digits-len(s), 0)) + s
}

func hexadecimal(v any, digits int, upper bool) string {
	bits := map[string]uint{"sbyte": 8, "short": 16, "int": 32}[goTypeName(v)]
	n := uint64(integer(v)) //nolint:gosec // two's complement is wanted
	if bits != 0 {
		n &= 1<<bits - 1
	}
	s := pad(strconv.FormatUint(n, 16), digits)
	if upper {
		return strings.ToUpper(s)
	}
	return s
}

// fixed rounds halves away from zero, as .NET does on the exact value.
func fixed(v any, digits int) string {
	var n *big.Rat
	switch x := v.(type) {
	case float32:
		n, _ = new(big.Rat).SetString(strconv.FormatFloat(float64(x), 'f', -1, 32))
	case float64:
		n = new(big.Rat).SetFloat64(x)
	default:
		d := toDecimal(v)
		n = new(big.Rat).SetFrac(d.int(), power10(d.scale))
	}
	s := n.FloatString(digits)
	if strings.Trim(s, "-0.") == "" && rank(v) != 6 && rank(v) != 5 {
		return strings.TrimPrefix(s, "-")
	}
	return s
}

// group puts a comma between thousands.
func group(s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	whole, fraction, point := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if point {
		whole += "." + fraction
	}
	return sign + whole
}

func general(v any, digits int, letter byte) string {
	if digits <= 0 {
		return numberText(v)
	}
	e := strconv.FormatFloat(floating(v), 'E', digits-1, 64)
	mantissa, power, _ := strings.Cut(e, "E")
	exp, _ := strconv.Atoi(power)
	if exp >= digits || exp <= -5 {
		if strings.Contains(mantissa, ".") {
			mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
		}
		return mantissa + string(letter-'G'+'E') + power
	}
	s := strconv.FormatFloat(floating(v), 'f', max(digits-1-exp, 0), 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

func scientific(v float64, digits int, letter byte) string {
	if digits < 0 {
		digits = 6
	}
	mantissa, exp, found := strings.Cut(strconv.FormatFloat(v, 'E', digits, 64), "E")
	if !found {
		return floatText(v, 64)
	}
	return mantissa + string(letter) + exp[:1] + pad(exp[1:], 3)
}

// customNumber formats with a picture such as "#,##0.00".
func customNumber(v any, format string) string {
	sections := splitPicture(format)
	picture := sections[0]
	c, _ := compareNumbers(v, int32(0))
	if c < 0 && len(sections) > 1 && sections[1] != "" {
		picture = sections[1]
		v = arithmetic("-", int32(0), v, false)
	} else if c == 0 && len(sections) > 2 {
		picture = sections[2]
	}
	if f, ok := notFinite(v); ok {
		return f
	}
	p := readPicture(picture)
	if p.factor != 1 {
		v = percent(v, p.factor)
	}
	return p.apply(fixed(v, p.fraction))
}

func splitPicture(format string) []string {
	var sections []string
	start := 0
	var quote byte
	for i := 0; i < len(format); i++ {
		switch c := format[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '\\':
			i++
		case c == ';':
			sections = append(sections, format[start:i])
			start = i + 1
		}
	}
	return append(sections, format[start:])
}

// picture is a custom numeric format: marks are '0' and '#', the rest literal.
type picture struct {
	marks       []pictureMark
	whole       int // digit places before the point
	least       int // of them required
	fraction    int
	leastAfter  int
	thousands   bool
	factor      int64
	hasDecimals bool
}

type pictureMark struct {
	digit   bool
	point   bool
	literal string
}

func readPicture(s string) *picture {
	p := &picture{factor: 1}
	literal := func(text string) { p.marks = append(p.marks, pictureMark{literal: text}) }
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '0', '#':
			p.digit(c)
		case '.':
			if !p.hasDecimals {
				p.hasDecimals = true
				p.marks = append(p.marks, pictureMark{point: true})
			}
		case ',':
			p.thousands = p.thousands || p.whole > 0 && !p.hasDecimals
		case '%':
			p.factor *= 100
			literal("%")
		case '\\':
			if i++; i < len(s) {
				literal(s[i : i+1])
			}
		case '\'', '"':
			end := strings.IndexByte(s[i+1:], c)
			if end < 0 {
				end = len(s) - i - 1
			}
			literal(s[i+1 : i+1+end])
			i += end + 1
		default:
			literal(s[i : i+1])
		}
	}
	return p
}

func (p *picture) digit(c byte) {
	p.marks = append(p.marks, pictureMark{digit: true})
	if p.hasDecimals {
		p.fraction++
		if c == '0' {
			p.leastAfter = p.fraction
		}
		return
	}
	p.whole++
	if c == '0' || p.least > 0 {
		p.least++
	}
}

// apply writes a number with p.fraction decimals into the picture.
func (p *picture) apply(number string) string {
	sign := ""
	if strings.HasPrefix(number, "-") {
		sign, number = "-", number[1:]
	}
	whole, after, _ := strings.Cut(number, ".")
	whole = strings.TrimLeft(whole, "0")
	whole = strings.Repeat("0", max(p.least-len(whole), 0)) + whole
	for len(after) > p.leastAfter && after[len(after)-1] == '0' {
		after = after[:len(after)-1]
	}
	if strings.Trim(whole+after, "0") == "" {
		sign = ""
	}
	var b strings.Builder
	b.WriteString(sign)
	place, afterPoint, written := p.whole, false, 0
	for _, m := range p.marks {
		switch {
		case m.point:
			afterPoint = true
			if after != "" {
				b.WriteByte('.')
			}
		case !m.digit:
			b.WriteString(m.literal)
		case afterPoint:
			if written < len(after) {
				b.WriteByte(after[written])
				written++
			}
		default:
			p.wholeDigits(&b, whole, place)
			place--
		}
	}
	return b.String()
}

// wholeDigits writes the digit of a place; the first place takes all that are
// above it too.
func (p *picture) wholeDigits(b *strings.Builder, whole string, place int) {
	from, to := len(whole)-place, len(whole)-place+1
	if place == p.whole {
		from = 0
	}
	for i := max(from, 0); i < to; i++ {
		b.WriteByte(whole[i])
		if left := len(whole) - 1 - i; p.thousands && left > 0 && left%3 == 0 {
			b.WriteByte(',')
		}
	}
}

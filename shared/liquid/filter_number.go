package liquid

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

var numberFilters = []filter{
	{"Plus", 1, 1, plus},
	{"Minus", 1, 1, arithmetic('-')},
	{"Times", 1, 1, times},
	{"DividedBy", 1, 1, arithmetic('/')},
	{"Modulo", 1, 1, arithmetic('%')},
	{"Round", 0, 1, round},
	{"Ceil", 0, 0, towards(1)},
	{"Floor", 0, 0, towards(-1)},
	{"Abs", 0, 0, absolute},
	{"AtLeast", 1, 1, limit(-1)},
	{"AtMost", 1, 1, limit(1)},
	{"Currency", 0, 1, currency},
}

// plus joins a text with its argument, as DotLiquid 2.0 does.
func plus(s *state, in any, args []any) (any, *Error) {
	if own, ok := ownText(in).(string); ok {
		return s.joined(own, text(args[0]))
	}
	return arithmetic('+')(s, in, args)
}

// times repeats a text.
func times(s *state, in any, args []any) (any, *Error) {
	own, ok := ownText(in).(string)
	n, isWhole := args[0].(int64)
	if !ok || !isWhole {
		return arithmetic('*')(s, in, args)
	}
	if n < 0 || n > int64(s.maxOutput) || len(own) > 0 && int(n) > s.maxOutput/len(own) {
		return nil, s.tooLarge()
	}
	return strings.Repeat(own, int(n)), nil
}

// arithmetic is an operation on whole numbers, or on decimals where one operand
// has a fraction.
func arithmetic(operator byte) func(*state, any, []any) (any, *Error) {
	return func(_ *state, in any, args []any) (any, *Error) {
		in, other := ownText(in), ownText(args[0])
		if in == nil || other == nil {
			return nil, nil
		}
		a, ok := operandOf(in)
		b, also := operandOf(other)
		if !ok || !also {
			return nil, failure("use numbers, or read the text with Round first", "%q and %q are not both numbers", text(in), text(other))
		}
		if b.coefficient.Sign() == 0 && (operator == '/' || operator == '%') {
			return nil, failure("check the divisor with if", "the divisor is 0")
		}
		if isWhole(in) && isWhole(other) {
			return wholeResult(operator, a.coefficient, b.coefficient)
		}
		result := calculate(operator, a, b)
		if result.digits() > maxDigits {
			x, y := a.float(), b.float()
			return map[byte]float64{'+': x + y, '-': x - y, '*': x * y, '/': x / y, '%': math.Mod(x, y)}[operator], nil
		}
		return result, nil
	}
}

func (d decimal) float() float64 {
	f, _ := strconv.ParseFloat(d.String(), 64)
	return f
}

// operandOf is a number; texts are none.
func operandOf(v any) (decimal, bool) {
	switch v.(type) {
	case int64, float64, decimal:
		return number(v)
	}
	return decimal{}, false
}

func isWhole(v any) bool {
	_, ok := v.(int64)
	return ok
}

// wholeResult is that of 64-bit integers, whose overflow is an error.
func wholeResult(operator byte, a, b *big.Int) (any, *Error) {
	r := new(big.Int)
	switch operator {
	case '+':
		r.Add(a, b)
	case '-':
		r.Sub(a, b)
	case '*':
		r.Mul(a, b)
	case '/':
		r.Quo(a, b)
	default:
		r.Rem(a, b)
	}
	if !r.IsInt64() {
		return nil, failure("use smaller numbers", "the result %s is too large for a whole number", r)
	}
	return r.Int64(), nil
}

// round rounds halves to the even digit, as Math.Round; what is no number
// becomes nil.
func round(_ *state, in any, args []any) (any, *Error) {
	places, err := whole(args, 0, 0)
	if err != nil {
		return nil, err
	}
	d, ok := number(ownText(in))
	if !ok || places < 0 || places > maxScale {
		return nil, nil
	}
	return d.round(places).reduced(), nil
}

// towards is Ceil for 1 and Floor for -1.
func towards(direction int) func(*state, any, []any) (any, *Error) {
	return func(_ *state, in any, _ []any) (any, *Error) {
		d, ok := number(ownText(in))
		if !ok {
			return nil, nil
		}
		q, rest := new(big.Int).QuoRem(d.coefficient, power(max(d.scale, 0)), new(big.Int))
		if rest.Sign() == direction {
			q.Add(q, big.NewInt(int64(direction)))
		}
		return decimal{q, 0}.reduced(), nil
	}
}

// absolute is Abs: what is no number becomes 0.
func absolute(_ *state, in any, _ []any) (any, *Error) {
	d, ok := number(ownText(in))
	if !ok {
		return int64(0), nil
	}
	return simple(decimal{new(big.Int).Abs(d.coefficient), d.scale}), nil
}

// limit is AtLeast for -1 and AtMost for 1; what is no number passes.
func limit(direction int) func(*state, any, []any) (any, *Error) {
	return func(_ *state, in any, args []any) (any, *Error) {
		a, ok := number(ownText(in))
		b, also := number(ownText(args[0]))
		switch {
		case !ok || !also:
			return in, nil
		case a.cmp(b) == direction:
			return simple(b), nil
		}
		return simple(a), nil
	}
}

// simple is a number as a double prints: without zeros at the end.
func simple(d decimal) any {
	for d.scale > 0 {
		q, rest := new(big.Int).QuoRem(d.coefficient, big.NewInt(10), new(big.Int))
		if rest.Sign() != 0 {
			break
		}
		d = decimal{q, d.scale - 1}
	}
	return d.reduced()
}

// money is how a culture writes an amount: a pattern with n for the number.
type money struct{ pattern, group, point string }

// cultures are those that Currency knows; "" is the invariant culture.
var cultures = map[string]money{
	"": {"¤n", ",", "."}, "en-us": {"$n", ",", "."}, "en-gb": {"£n", ",", "."}, "en-ca": {"$n", ",", "."}, "en-au": {"$n", ",", "."},
	"de-de": {"n €", ".", ","}, "es-es": {"n €", ".", ","}, "it-it": {"n €", ".", ","}, "fr-fr": {"n €", "\u202f", ","}, "nl-nl": {"€ n", ".", ","},
}

// currency writes an amount with two decimals in the invariant culture, or in
// that of the argument. What is no number passes.
func currency(_ *state, in any, args []any) (any, *Error) {
	tag := argument(args, 0, "")
	m, ok := cultures[strings.ToLower(strings.TrimSpace(tag))]
	if !ok {
		return nil, failure("use en-US, en-GB, en-CA, en-AU, de-DE, es-ES, it-IT, fr-FR or nl-NL, or write the sign yourself", "the culture %q is not known", tag)
	}
	d, ok := number(ownText(in))
	if !ok {
		return in, nil
	}
	x, _, scale := aligned(d, decimal{new(big.Int), 2})
	cents := decimal{x, scale}.away(2).String()
	sign := ""
	if strings.HasPrefix(cents, "-") {
		sign, cents = "-", cents[1:]
	}
	units, fraction, _ := strings.Cut(cents, ".")
	for i := len(units) - 3; i > 0; i -= 3 {
		units = units[:i] + m.group + units[i:]
	}
	return sign + strings.Replace(m.pattern, "n", units+m.point+fraction, 1), nil
}

// away rounds halves away from zero.
func (d decimal) away(scale int) decimal {
	if d.scale <= scale {
		return d
	}
	half := new(big.Int).Mul(big.NewInt(5), power(d.scale-scale-1))
	if d.coefficient.Sign() < 0 {
		half.Neg(half)
	}
	sum := new(big.Int).Add(d.coefficient, half)
	return decimal{sum.Quo(sum, power(d.scale-scale)), scale}
}

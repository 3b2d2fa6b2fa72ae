package expr

import (
	"math/big"
	"strings"
)

// Decimal is a .NET decimal: an integer of up to 96 bits, divided by a power of
// ten. The zero value is 0.
type Decimal struct {
	n     *big.Int // nil: 0
	scale int      // 0 to 28
}

const maxScale = 28

var maxDecimal = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 96), big.NewInt(1))

func (d Decimal) int() *big.Int {
	if d.n == nil {
		return new(big.Int)
	}
	return d.n
}

func power10(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

func decimalOf(n int64) Decimal { return Decimal{n: big.NewInt(n)} }

// parseDecimal reads digits with an optional sign, fraction and exponent.
func parseDecimal(s string) (Decimal, bool) {
	mantissa, exp := s, 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa = s[:i]
		n, ok := new(big.Int).SetString(strings.TrimPrefix(s[i+1:], "+"), 10)
		if !ok || !n.IsInt64() || n.Int64() > 60 || n.Int64() < -60 {
			return Decimal{}, false
		}
		exp = int(n.Int64())
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if len(whole)+len(fraction) > 200 || strings.ContainsAny(fraction, "+-") {
		return Decimal{}, false
	}
	n, ok := new(big.Int).SetString(strings.TrimPrefix(whole, "+")+fraction, 10)
	if !ok {
		return Decimal{}, false
	}
	scale := len(fraction) - exp
	if scale < 0 {
		n.Mul(n, power10(-scale))
		scale = 0
	}
	return fitDecimal(n, scale)
}

// fitDecimal rounds half to even until the number fits; ok is false where it is
// too large.
func fitDecimal(n *big.Int, scale int) (Decimal, bool) {
	drop := max(scale-maxScale, 0)
	if over := n.BitLen() - 96; over > 0 {
		drop = max(drop, over*30103/100000)
	}
	for {
		r := roundQuotient(n, power10(drop), false)
		if scale-drop < 0 {
			return Decimal{}, false
		}
		if r.CmpAbs(maxDecimal) <= 0 {
			return Decimal{r, scale - drop}, true
		}
		drop++
	}
}

// roundQuotient is n/d rounded to the nearest, halves to even or away from zero.
func roundQuotient(n, d *big.Int, away bool) *big.Int {
	q, r := new(big.Int).QuoRem(n, d, new(big.Int))
	twice := new(big.Int).Abs(r)
	twice.Lsh(twice, 1)
	c := twice.CmpAbs(d)
	if c > 0 || c == 0 && (away || q.Bit(0) == 1) {
		q.Add(q, big.NewInt(int64(n.Sign()*d.Sign())))
	}
	return q
}

func (d Decimal) String() string {
	s := new(big.Int).Abs(d.int()).String()
	if d.scale > 0 {
		if pad := d.scale + 1 - len(s); pad > 0 {
			s = strings.Repeat("0", pad) + s
		}
		s = s[:len(s)-d.scale] + "." + s[len(s)-d.scale:]
	}
	if d.int().Sign() < 0 {
		return "-" + s
	}
	return s
}

func (Decimal) typeName() string { return "decimal" }

// normal has no trailing zeros.
func (d Decimal) normal() Decimal {
	n, scale := new(big.Int).Set(d.int()), d.scale
	ten, r := big.NewInt(10), new(big.Int)
	for scale > 0 {
		q, r := new(big.Int).QuoRem(n, ten, r)
		if r.Sign() != 0 {
			break
		}
		n, scale = q, scale-1
	}
	return Decimal{n, scale}
}

func (d Decimal) float() float64 {
	f, _ := new(big.Rat).SetFrac(d.int(), power10(d.scale)).Float64()
	return f
}

// whole is the part before the point.
func (d Decimal) whole() *big.Int { return new(big.Int).Quo(d.int(), power10(d.scale)) }

func alignDecimals(a, b Decimal) (x, y *big.Int, scale int) {
	scale = max(a.scale, b.scale)
	x = new(big.Int).Mul(a.int(), power10(scale-a.scale))
	y = new(big.Int).Mul(b.int(), power10(scale-b.scale))
	return x, y, scale
}

func (d Decimal) compare(b Decimal) int {
	x, y, _ := alignDecimals(d, b)
	return x.Cmp(y)
}

// round keeps digits after the point.
func (d Decimal) round(digits int, away bool) Decimal {
	if digits >= d.scale {
		return d
	}
	return Decimal{roundQuotient(d.int(), power10(d.scale-digits), away), digits}
}

func decimalArithmetic(op string, a, b Decimal) Decimal {
	var n *big.Int
	scale := 0
	switch op {
	case "+", "-", "%":
		var x, y *big.Int
		x, y, scale = alignDecimals(a, b)
		switch {
		case op == "+":
			n = x.Add(x, y)
		case op == "-":
			n = x.Sub(x, y)
		case y.Sign() == 0:
			throwZero()
		default:
			n = x.Rem(x, y)
		}
	case "*":
		n, scale = new(big.Int).Mul(a.int(), b.int()), a.scale+b.scale
	case "/":
		if b.int().Sign() == 0 {
			throwZero()
		}
		x := new(big.Int).Mul(a.int(), power10(2*maxScale))
		n, scale = roundQuotient(x, b.int(), false), 2*maxScale+a.scale-b.scale
	}
	d, ok := fitDecimal(n, scale)
	if !ok {
		throw("OverflowException", "Value was either too large or too small for a Decimal.")
	}
	if op == "/" {
		shortest := d.normal()
		if least := max(a.scale-b.scale, 0); shortest.scale < least && least <= d.scale {
			return d.round(least, false)
		}
		return shortest
	}
	return d
}

func throwZero() { throw("DivideByZeroException", "Attempted to divide by zero.") }

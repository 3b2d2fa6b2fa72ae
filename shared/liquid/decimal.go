package liquid

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// decimal is System.Decimal: coefficient × 10^-scale, with the digits that it
// was written with.
type decimal struct {
	coefficient *big.Int
	scale       int
}

// maxDigits are those of System.Decimal, and maxScale those after the point.
const (
	maxDigits = 29
	maxScale  = 28
)

// decimalOf reads digits with an optional sign, point and exponent; other text
// is 0.
func decimalOf(s string) decimal {
	d, _ := parseDecimal(s)
	return d
}

func parseDecimal(s string) (decimal, bool) {
	zero := decimal{new(big.Int), 0}
	s = strings.TrimSpace(s)
	if len(s) > 64 || strings.Trim(s, "+-.0123456789eE") != "" {
		return zero, false
	}
	mantissa, exponent, _ := strings.Cut(strings.ToUpper(s), "E")
	shift := 0
	if exponent != "" {
		n, err := strconv.Atoi(exponent)
		if err != nil || n > 400 || n < -400 {
			return zero, false
		}
		shift = n
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	c, ok := new(big.Int).SetString(whole+fraction, 10)
	if !ok {
		return zero, false
	}
	d := decimal{c, len(fraction) - shift}
	if d.scale < 0 {
		d = decimal{c.Mul(c, power(-d.scale)), 0}
	}
	return d.rounded(), true
}

func power(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// number is a value as a decimal; texts are read.
func number(v any) (decimal, bool) {
	switch v := v.(type) {
	case int64:
		return decimal{big.NewInt(v), 0}, true
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return decimal{}, false
		}
		return parseDecimal(strconv.FormatFloat(v, 'E', -1, 64))
	case decimal:
		return v, true
	case string:
		return parseDecimal(v)
	case bool:
		if v {
			return decimal{big.NewInt(1), 0}, true
		}
		return decimal{new(big.Int), 0}, true
	}
	return decimal{}, false
}

func (d decimal) digits() int { return len(new(big.Int).Abs(d.coefficient).String()) }

// rounded fits the digits after the point into System.Decimal.
func (d decimal) rounded() decimal {
	over := max(d.scale-maxScale, min(d.digits()-maxDigits, d.scale))
	if over <= 0 {
		return d
	}
	return d.round(d.scale - over)
}

// round rounds to a scale that is not larger, halves to the even digit.
func (d decimal) round(scale int) decimal {
	if scale >= d.scale {
		return d
	}
	divisor := power(d.scale - scale)
	quotient, rest := new(big.Int).QuoRem(d.coefficient, divisor, new(big.Int))
	half := new(big.Int).Abs(rest)
	switch half.Lsh(half, 1).Cmp(divisor) {
	case 1:
		quotient.Add(quotient, big.NewInt(int64(d.coefficient.Sign())))
	case 0:
		if quotient.Bit(0) == 1 {
			quotient.Add(quotient, big.NewInt(int64(d.coefficient.Sign())))
		}
	}
	return decimal{quotient, scale}
}

// String has all digits of the scale.
func (d decimal) String() string {
	digits := new(big.Int).Abs(d.coefficient).String()
	if len(digits) <= d.scale {
		digits = strings.Repeat("0", d.scale-len(digits)+1) + digits
	}
	if d.scale > 0 {
		digits = digits[:len(digits)-d.scale] + "." + digits[len(digits)-d.scale:]
	}
	if d.coefficient.Sign() < 0 {
		digits = "-" + digits
	}
	return digits
}

// reduced is an int64 where the number is a whole one that fits.
func (d decimal) reduced() any {
	if d.scale == 0 && d.coefficient.IsInt64() {
		return d.coefficient.Int64()
	}
	return d
}

func (d decimal) truncated() (int64, bool) {
	q := new(big.Int).Quo(d.coefficient, power(d.scale))
	return q.Int64(), q.IsInt64()
}

// aligned are the coefficients of both numbers at the larger scale.
func aligned(a, b decimal) (x, y *big.Int, scale int) {
	scale = max(a.scale, b.scale)
	x = new(big.Int).Mul(a.coefficient, power(scale-a.scale))
	y = new(big.Int).Mul(b.coefficient, power(scale-b.scale))
	return x, y, scale
}

func (d decimal) cmp(other decimal) int {
	x, y, _ := aligned(d, other)
	return x.Cmp(y)
}

// calculate applies one of + - * / % to decimals. The divisor is not 0.
func calculate(operator byte, a, b decimal) decimal {
	x, y, scale := aligned(a, b)
	switch operator {
	case '+':
		return decimal{x.Add(x, y), scale}.rounded()
	case '-':
		return decimal{x.Sub(x, y), scale}.rounded()
	case '*':
		return decimal{new(big.Int).Mul(a.coefficient, b.coefficient), a.scale + b.scale}.rounded()
	case '%':
		return decimal{x.Rem(x, y), scale}.rounded()
	}
	quotient := decimal{x.Quo(x.Mul(x, power(maxScale)), y), maxScale}.rounded()
	for quotient.scale > 0 { // a quotient has no more digits than it needs
		q, rest := new(big.Int).QuoRem(quotient.coefficient, big.NewInt(10), new(big.Int))
		if rest.Sign() != 0 {
			break
		}
		quotient = decimal{q, quotient.scale - 1}
	}
	return quotient
}

package policy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Money is an amount in millionths of the unit of a currency. It is a whole
// number, because sums of floating-point numbers drift.
type Money int64

// MaxMoney is the largest amount, a thousand million units. It leaves room for sums:
// counters hold a thousand times as much.
const MaxMoney Money = 1_000_000_000 * unit

const (
	unit           = 1_000_000
	moneyDecimals  = 6
	maxMoneyDigits = 64 // of a text, before and behind the point
)

// What a text may lack to be an amount.
var (
	errNoMoney       = errors.New("is no amount")
	errNegativeMoney = errors.New("is less than 0")
	errTooMuchMoney  = fmt.Errorf("is more than %s", MaxMoney)
)

// ParseMoney reads a decimal number, with or without an exponent, digit by digit.
// What is finer than a millionth is rounded to the nearest one, half of one up;
// exact tells whether nothing was.
func ParseMoney(text string) (m Money, exact bool, err error) {
	text = strings.TrimSpace(text)
	number, negative := strings.CutPrefix(text, "-")
	if !negative {
		number = strings.TrimPrefix(number, "+")
	}
	digits, point, ok := decimalDigits(number)
	switch {
	case !ok:
		return 0, false, fmt.Errorf("%.80q %w", text, errNoMoney)
	case digits == "": // zero
		return 0, true, nil
	case negative:
		return 0, false, fmt.Errorf("%.80q %w", text, errNegativeMoney)
	}
	end := point + moneyDecimals // of the digits that count
	if end > len("1000000000000000") {
		return 0, false, fmt.Errorf("%.80q %w", text, errTooMuchMoney)
	}
	if end < 0 {
		return 0, false, nil
	}
	var n Money
	for i := range end {
		n *= 10
		if i < len(digits) {
			n += Money(digits[i] - '0')
		}
	}
	if exact = end >= len(digits); !exact && digits[end] >= '5' {
		n++
	}
	if n > MaxMoney {
		return 0, false, fmt.Errorf("%.80q %w", text, errTooMuchMoney)
	}
	return n, exact, nil
}

// decimalDigits are the digits of a number, from the first to the last that is
// not 0, and how many of them are before the point: fewer than 0 when zeros follow
// it.
func decimalDigits(number string) (digits string, point int, ok bool) {
	mantissa, power := number, 0
	if i := strings.IndexAny(number, "eE"); i >= 0 {
		var err error
		if power, err = strconv.Atoi(number[i+1:]); err != nil || power < -1000 || power > 1000 {
			return "", 0, false
		}
		mantissa = number[:i]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits = whole + fraction
	if digits == "" || len(digits) > maxMoneyDigits || strings.Trim(digits, "0123456789") != "" {
		return "", 0, false
	}
	trimmed := strings.TrimLeft(digits, "0")
	point = len(whole) + power - (len(digits) - len(trimmed))
	return strings.TrimRight(trimmed, "0"), point, true
}

// String is the amount with two decimals, or as many more as it has: 5.00, 0.0025.
func (m Money) String() string {
	sign := ""
	n := uint64(m) //nolint:gosec // negative ones are turned around
	if m < 0 {
		sign, n = "-", -n
	}
	fraction := strings.TrimRight(fmt.Sprintf("%06d", n%unit), "0")
	for len(fraction) < 2 {
		fraction += "0"
	}
	return sign + strconv.FormatUint(n/unit, 10) + "." + fraction
}

// Plus is a sum, at most MaxMoney. Neither amount is negative.
func (m Money) Plus(n Money) Money { return min(m+n, MaxMoney) }

// Times is the price of n of something when m is that of so many: rounded up to a
// millionth, and at most MaxMoney. So many are at most a thousand or so.
func (m Money) Times(n, per int64) Money {
	if m <= 0 || n <= 0 {
		return 0
	}
	whole, rest := n/per, n%per
	if whole > int64(MaxMoney)/int64(m) {
		return MaxMoney
	}
	sum := int64(m) * whole
	sum += (int64(m)*rest + per - 1) / per
	return min(Money(sum), MaxMoney)
}

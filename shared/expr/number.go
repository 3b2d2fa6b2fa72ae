package expr

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// rank orders numeric types for promotion; 0: no number.
func rank(v any) int {
	switch v.(type) {
	case int8, uint8, int16, uint16, Char, int32:
		return 1
	case uint32:
		return 2
	case int64:
		return 3
	case uint64:
		return 4
	case float32:
		return 5
	case float64:
		return 6
	case Decimal:
		return 7
	}
	return 0
}

// integer is the value of an integral number or a character.
func integer(v any) int64 {
	switch v := v.(type) {
	case int32:
		return int64(v)
	case int64:
		return v
	case uint8:
		return int64(v)
	case int8:
		return int64(v)
	case int16:
		return int64(v)
	case uint16:
		return int64(v)
	case Char:
		return int64(v)
	case uint32:
		return int64(v)
	case uint64:
		return int64(v) //nolint:gosec // unchecked, as C# is
	case enumValue:
		return v.n
	}
	return 0
}

func floating(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case float32:
		return float64(v)
	case Decimal:
		return v.float()
	case uint64:
		return float64(v)
	}
	return float64(integer(v))
}

func toDecimal(v any) Decimal {
	switch v := v.(type) {
	case Decimal:
		return v
	case float32:
		return floatDecimal(float64(v), 7)
	case float64:
		return floatDecimal(v, 15)
	case uint64:
		return Decimal{n: new(big.Int).SetUint64(v)}
	}
	return decimalOf(integer(v))
}

func floatDecimal(v float64, digits int) Decimal {
	d, ok := parseDecimal(strconv.FormatFloat(v, 'e', digits-1, 64))
	if !ok && math.Abs(v) < 1 {
		return Decimal{}
	}
	if !ok {
		throw("OverflowException", "Value was either too large or too small for a Decimal.")
	}
	return d.normal()
}

// integerLimits are the ranges of the integral types.
var integerLimits = map[string]struct {
	low  int64
	high uint64
}{
	"sbyte": {math.MinInt8, math.MaxInt8}, "byte": {0, math.MaxUint8}, "short": {math.MinInt16, math.MaxInt16}, "ushort": {0, math.MaxUint16},
	"char": {0, math.MaxUint16}, "int": {math.MinInt32, math.MaxInt32}, "uint": {0, math.MaxUint32}, "long": {math.MinInt64, math.MaxInt64}, "ulong": {0, math.MaxUint64},
}

// toNumber converts a number to the named type without checks, as casts do; ok
// is false where v is no number or name no numeric type.
func toNumber(v any, name string) (n any, ok bool) {
	if e, is := v.(enumValue); is {
		v = e.n
	}
	if rank(v) == 0 {
		return nil, false
	}
	switch name {
	case "double":
		return floating(v), true
	case "float":
		return float32(floating(v)), true
	case "decimal":
		return toDecimal(v), true
	}
	if _, known := integerLimits[name]; !known {
		return nil, false
	}
	switch x := v.(type) {
	case Decimal:
		w := x.whole()
		if w.IsUint64() && name == "ulong" {
			return w.Uint64(), true
		}
		if n, in := narrow(w, name); in {
			return n, true
		}
		throw("OverflowException", "Value was either too large or too small for %s.", aliases[name])
	case float32, float64:
		d := floating(x)
		if name == "ulong" && d >= math.MaxInt64 && d < math.MaxUint64 {
			return uint64(d), true
		}
		if math.IsNaN(d) || d >= math.MaxInt64 || d <= math.MinInt64 {
			return wrap(math.MinInt64, name), true
		}
		return wrap(int64(d), name), true
	}
	return wrap(integer(v), name), true
}

// wrap keeps the low bits of n.
func wrap(n int64, name string) any {
	switch name {
	case "int":
		return int32(n) //nolint:gosec // unchecked, as C# is
	case "byte":
		return uint8(n) //nolint:gosec // unchecked, as C# is
	case "sbyte":
		return int8(n) //nolint:gosec // unchecked, as C# is
	case "short":
		return int16(n) //nolint:gosec // unchecked, as C# is
	case "ushort":
		return uint16(n) //nolint:gosec // unchecked, as C# is
	case "char":
		return Char(n) //nolint:gosec // unchecked, as C# is
	case "uint":
		return uint32(n) //nolint:gosec // unchecked, as C# is
	case "ulong":
		return uint64(n) //nolint:gosec // unchecked, as C# is
	}
	return n
}

// narrow converts an integer; in is false out of the type's range.
func narrow(n *big.Int, name string) (v any, in bool) {
	limit := integerLimits[name]
	if n.Cmp(big.NewInt(limit.low)) < 0 || n.Cmp(new(big.Int).SetUint64(limit.high)) > 0 {
		return nil, false
	}
	if n.IsInt64() {
		return wrap(n.Int64(), name), true
	}
	return n.Uint64(), true
}

// wide is an integral number of any type.
func wide(v any) *big.Int {
	if u, ok := v.(uint64); ok {
		return new(big.Int).SetUint64(u)
	}
	return big.NewInt(integer(v))
}

// arithmetic computes + - * / % after C#'s numeric promotion.
func arithmetic(op string, a, b any, checked bool) any {
	if x, ok := a.(int32); ok && !checked {
		if y, ok := b.(int32); ok {
			return int32(integers(op, int64(x), int64(y))) //nolint:gosec // unchecked, as C# is
		}
	}
	switch r := max(rank(a), rank(b)); {
	case r == 7:
		return decimalArithmetic(op, toDecimal(a), toDecimal(b))
	case r == 6:
		return floats(op, floating(a), floating(b))
	case r == 5:
		return float32(floats(op, floating(a), floating(b)))
	default:
		return integral(op, a, b, promoted(a, b), checked)
	}
}

// promoted is the type in which two integral operands are computed.
func promoted(a, b any) string {
	r := max(rank(a), rank(b))
	switch {
	case r == 4:
		return "ulong"
	case r == 3:
		return "long"
	case r == 2:
		if rank(a) == rank(b) || integer(a) >= 0 && integer(b) >= 0 {
			return "uint"
		}
		return "long"
	}
	return "int"
}

func integral(op string, a, b any, name string, checked bool) any {
	if !checked && name != "ulong" {
		return wrap(integers(op, integer(a), integer(b)), name)
	}
	x, y := wide(a), wide(b)
	switch op {
	case "+":
		x.Add(x, y)
	case "-":
		x.Sub(x, y)
	case "*":
		x.Mul(x, y)
	default:
		if y.Sign() == 0 {
			throwZero()
		}
		if op == "/" {
			x.Quo(x, y)
		} else {
			x.Rem(x, y)
		}
	}
	v, in := narrow(x, name)
	if !in && checked {
		throw("OverflowException", "Arithmetic operation resulted in an overflow.")
	}
	if !in {
		x.And(x, new(big.Int).SetUint64(math.MaxUint64))
		return x.Uint64()
	}
	return v
}

func integers(op string, a, b int64) int64 {
	switch op {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	}
	if b == 0 {
		throwZero()
	}
	if b == -1 { // the lowest number has no opposite
		if op == "%" {
			return 0
		}
		return -a
	}
	if op == "/" {
		return a / b
	}
	return a % b
}

func floats(op string, a, b float64) float64 {
	switch op {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	case "/":
		return a / b
	}
	return math.Mod(a, b)
}

// compareNumbers orders two numbers; ok is false where one is NaN.
func compareNumbers(a, b any) (c int, ok bool) {
	switch r := max(rank(a), rank(b)); {
	case r == 7:
		return toDecimal(a).compare(toDecimal(b)), true
	case r >= 5:
		x, y := floating(a), floating(b)
		switch {
		case x < y:
			return -1, true
		case x > y:
			return 1, true
		}
		return 0, x == y
	case r == 4:
		return wide(a).Cmp(wide(b)), true
	}
	x, y := integer(a), integer(b)
	switch {
	case x < y:
		return -1, true
	case x > y:
		return 1, true
	}
	return 0, true
}

// parseNumber reads text as .NET's Parse does with the invariant culture.
// Status is "" or the exception to throw.
func parseNumber(s, name string) (v any, status string) {
	t := strings.Trim(s, " \t\r\n\v\f\x00")
	switch name {
	case "double", "float":
		return parseFloat(t, name)
	case "decimal":
		d, ok := parseDecimal(strings.ReplaceAll(t, ",", ""))
		if !ok || strings.ContainsAny(t, "eE") {
			return nil, "FormatException"
		}
		return d, ""
	}
	n, ok := new(big.Int), t != "" && len(t) < 400
	if ok && !strings.ContainsAny(t, "_") {
		n, ok = n.SetString(t, 10)
	} else {
		ok = false
	}
	if !ok {
		return nil, "FormatException"
	}
	v, in := narrow(n, name)
	if !in {
		return nil, "OverflowException"
	}
	return v, ""
}

func parseFloat(t, name string) (v any, status string) {
	switch strings.ToLower(strings.TrimPrefix(t, "+")) {
	case "nan", "-nan":
		return fromFloat(math.NaN(), name), ""
	case "infinity", "∞":
		return fromFloat(math.Inf(1), name), ""
	case "-infinity", "-∞":
		return fromFloat(math.Inf(-1), name), ""
	}
	plain := strings.ReplaceAll(t, ",", "")
	if plain == "" || strings.Trim(plain, "0123456789.eE+-") != "" {
		return nil, "FormatException"
	}
	bits := 64
	if name == "float" {
		bits = 32
	}
	d, err := strconv.ParseFloat(plain, bits)
	if err != nil && !math.IsInf(d, 0) {
		return nil, "FormatException"
	}
	return fromFloat(d, name), ""
}

func fromFloat(d float64, name string) any {
	if name == "float" {
		return float32(d)
	}
	return d
}

package expr

import "math"

// compute applies an operator to values; null operands give null, or false in
// comparisons.
func compute(f *frame, op string, a, b any) any {
	f.step(1)
	if x, ok := a.(*JValue); ok {
		a = x.scalar()
	}
	if y, ok := b.(*JValue); ok {
		b = y.scalar()
	}
	if op == "+" {
		_, text := a.(string)
		_, too := b.(string)
		if text || too {
			return f.text(toText(a) + toText(b))
		}
	}
	if a == nil || b == nil {
		switch op {
		case "<", ">", "<=", ">=":
			return false
		}
		return nil
	}
	return operateOn(op, a, b)
}

func operateOn(op string, a, b any) any {
	switch op {
	case "<", ">", "<=", ">=":
		return relation(op, a, b)
	case "&", "|", "^":
		return bitwise(op, a, b)
	case "<<", ">>":
		return shift(op, a, integer(b))
	}
	if rank(a) > 0 && rank(b) > 0 {
		return arithmetic(op, a, b, false)
	}
	return calendar(op, a, b)
}

func relation(op string, a, b any) any {
	var c int
	switch {
	case rank(a) > 0 && rank(b) > 0:
		var ordered bool
		if c, ordered = compareNumbers(a, b); !ordered {
			return false
		}
	default:
		if d, ok := a.(DateTime); ok {
			if _, offset := b.(DateTimeOffset); offset {
				a = offsetOf(d)
			}
		}
		if d, ok := b.(DateTime); ok {
			if _, offset := a.(DateTimeOffset); offset {
				b = offsetOf(d)
			}
		}
		c = compareValues(a, b)
	}
	switch op {
	case "<":
		return c < 0
	case ">":
		return c > 0
	case "<=":
		return c <= 0
	}
	return c >= 0
}

func bitwise(op string, a, b any) any {
	if x, ok := a.(bool); ok {
		y, _ := b.(bool)
		switch op {
		case "&":
			return x && y
		case "|":
			return x || y
		}
		return x != y
	}
	x, y := integer(a), integer(b)
	switch op {
	case "&":
		x &= y
	case "|":
		x |= y
	default:
		x ^= y
	}
	if e, ok := a.(enumValue); ok {
		return enumValue{e.def, x}
	}
	return wrap(x, promoted(a, b))
}

// shift uses the low five or six bits of the count, as C# does.
func shift(op string, a any, count int64) any {
	name := promoted(a, int32(0))
	if rank(a) == 2 {
		name = "uint"
	}
	bits := int64(31)
	if name == "long" || name == "ulong" {
		bits = 63
	}
	n := integer(a)
	if op == "<<" {
		return wrap(n<<uint64(count&bits), name) //nolint:gosec // masked
	}
	if name == "ulong" {
		return uint64(n) >> uint64(count&bits) //nolint:gosec // masked
	}
	return wrap(n>>uint64(count&bits), name) //nolint:gosec // masked
}

// calendar computes with dates, durations and enumerations.
func calendar(op string, a, b any) any {
	sign := int64(1)
	if op == "-" {
		sign = -1
	}
	switch x := a.(type) {
	case DateTime:
		switch y := b.(type) {
		case TimeSpan:
			return x.add(sign * int64(y))
		case DateTime:
			return TimeSpan(x.ticks - y.ticks)
		case DateTimeOffset:
			return TimeSpan(x.ticks - y.utc())
		}
	case DateTimeOffset:
		switch y := b.(type) {
		case TimeSpan:
			return x.add(sign * int64(y))
		case DateTimeOffset:
			return TimeSpan(x.utc() - y.utc())
		case DateTime:
			return TimeSpan(x.utc() - y.ticks)
		}
	case TimeSpan:
		return durations(op, x, b)
	case enumValue:
		n := x.n + sign*integer(b)
		if e, ok := b.(enumValue); ok && op == "-" {
			return wrap(x.n-e.n, "int")
		}
		return enumValue{x.def, n}
	}
	if y, ok := b.(TimeSpan); ok && op == "*" && rank(a) > 0 {
		return spanOf(floating(a)*float64(y), 1)
	}
	throw("RuntimeBinderException", "Operator '%s' cannot be applied to operands of type '%v' and '%v'", op, typeOf(a), typeOf(b))
	return nil
}

func durations(op string, x TimeSpan, b any) any {
	y, ok := b.(TimeSpan)
	switch {
	case ok && op == "+":
		return spanSum(x, y)
	case ok && op == "-":
		return spanSum(x, -y)
	case ok && op == "/":
		return float64(x) / float64(y)
	case op == "*" && rank(b) > 0:
		return spanOf(math.Round(float64(x)*floating(b)), 1)
	case op == "/" && rank(b) > 0:
		return spanOf(math.Round(float64(x)/floating(b)), 1)
	}
	throw("RuntimeBinderException", "Operator '%s' cannot be applied to operands of type 'TimeSpan' and '%v'", op, typeOf(b))
	return nil
}

func spanSum(x, y TimeSpan) TimeSpan {
	sum := x + y
	if x > 0 && y > 0 && sum < 0 || x < 0 && y < 0 && sum >= 0 {
		throw("OverflowException", "TimeSpan overflowed because the duration is too long.")
	}
	return sum
}

package expr

import (
	"math"
	"strings"
)

// changeType converts a value as the Convert class does.
func changeType(v any, to *Type) any {
	to = to.underlying()
	if t, ok := v.(*JValue); ok {
		return convertToken(t, to)
	}
	if typeOf(v).equal(to) || to.is("object") || to.loose() {
		return v
	}
	if to.isEnum() {
		if s, ok := v.(string); ok {
			return parseEnum(to, s, true)
		}
		return enumValue{to.def, integer(v)}
	}
	s, isText := v.(string)
	switch to.def.name {
	case "string":
		return toText(v)
	case "bool":
		return toBool(v)
	case "char":
		if isText {
			if units(s) != 1 {
				throw("FormatException", "String must be exactly one character long.")
			}
			c, _ := slice(s, 0, 1)
			return Char([]rune(c)[0]) //nolint:gosec // one code unit
		}
	case "DateTime", "DateTimeOffset", "TimeSpan", "Guid", "Uri", "Array":
		return changeStruct(v, to)
	}
	if integerLimits[to.def.name].high != 0 || to.is("double") || to.is("float") || to.is("decimal") {
		return changeNumber(v, to)
	}
	throwCast(v, to)
	return nil
}

func changeNumber(v any, to *Type) any {
	name := to.def.name
	switch x := v.(type) {
	case nil:
		v = int32(0)
	case string:
		n, status := parseNumber(x, name)
		throwParse(status, x, name)
		return n
	case bool:
		v = int32(boolInt(x)) //nolint:gosec // 0 or 1
	case enumValue:
		v = x.n
	}
	if rank(v) == 0 {
		throwCast(v, to)
	}
	if _, integral := integerLimits[name]; !integral {
		n, _ := toNumber(v, name)
		return n
	}
	switch r := rank(v); {
	case r == 5 || r == 6: // halves go to the even neighbour
		d := math.RoundToEven(floating(v))
		if math.IsNaN(d) || d > 1.8446744073709552e19 || d < -9.3e18 {
			throwOverflow(name)
		}
		v = toDecimal(d)
	case r == 7:
		v = v.(Decimal).round(0, false)
	}
	n := wide(v)
	if d, ok := v.(Decimal); ok {
		n = d.whole()
	}
	x, in := narrow(n, name)
	if !in {
		throwOverflow(name)
	}
	return x
}

func throwOverflow(name string) {
	throw("OverflowException", "Value was either too large or too small for %s %s.", article(aliases[name]), aliases[name])
}

func article(s string) string {
	if strings.ContainsAny(s[:1], "IU") {
		return "an"
	}
	return "a"
}

// throwParse raises what parseNumber reports; "" is nothing.
func throwParse(status, s, name string) {
	switch status {
	case "FormatException":
		throwFormat(s)
	case "OverflowException":
		throwOverflow(name)
	}
}

func toBool(v any) bool {
	switch x := v.(type) {
	case nil:
		return false
	case bool:
		return x
	case string:
		b, ok := parseBool(x)
		if !ok {
			throw("FormatException", "String '%s' was not recognized as a valid Boolean.", x)
		}
		return b
	}
	if rank(v) == 0 {
		throwCast(v, types("bool"))
	}
	c, _ := compareNumbers(v, int32(0))
	return c != 0
}

func parseBool(s string) (v, ok bool) {
	s = strings.Trim(s, " \t\r\n\x00")
	if strings.EqualFold(s, "true") {
		return true, true
	}
	return false, strings.EqualFold(s, "false")
}

func changeStruct(v any, to *Type) any {
	s, isText := v.(string)
	switch x := v.(type) {
	case DateTime:
		if to.is("DateTimeOffset") {
			return offsetOf(x)
		}
	case DateTimeOffset:
		if to.is("DateTime") {
			return DateTime{x.utc(), kindLocal}
		}
	}
	if !isText {
		throwCast(v, to)
	}
	switch to.def.name {
	case "DateTime", "DateTimeOffset":
		p, ok := parseTime(s)
		if !ok {
			throw("FormatException", "String '%s' was not recognized as a valid DateTime.", s)
		}
		if to.is("DateTime") {
			return p.dateTime()
		}
		return p.dateTimeOffset()
	case "TimeSpan":
		span, ok := parseTimeSpan(s)
		if !ok {
			throw("FormatException", "String '%s' was not recognized as a valid TimeSpan.", s)
		}
		return span
	case "Guid":
		return mustGuid(s)
	case "Uri":
		return newURI(s)
	}
	return fromBase64(s)
}

// castTo is a cast from object: what is boxed must be of the type itself.
func castTo(v any, to *Type) any {
	if v == nil {
		if to.isValue() {
			throwNull()
		}
		return nil
	}
	if isInstance(v, to) {
		return v
	}
	u := to.underlying()
	if e, ok := v.(enumValue); ok && u.is("int") {
		return wrap(e.n, "int")
	}
	if n, ok := v.(int32); ok && u.isEnum() {
		return enumValue{u.def, int64(n)}
	}
	throwCast(v, to)
	return nil
}

// isInstance says whether v is of the type; type arguments count for arrays
// only.
func isInstance(v any, t *Type) bool {
	if v == nil {
		return false
	}
	t = t.underlying()
	if t.is("object") || t.loose() {
		return true
	}
	of := typeOf(v).as(t.def)
	if of == nil {
		return false
	}
	if t.is("Array") && len(t.args) == 1 && len(of.args) == 1 {
		return of.args[0].def == t.args[0].def || t.args[0].is("object") && !of.args[0].isValue()
	}
	return true
}

// coerce converts a value whose type was unknown to what is wanted, as dynamic
// does: implicit conversions, and those of JSON values.
func coerce(v any, to *Type) any {
	if to.loose() || v != nil && isInstance(v, to) {
		return v
	}
	if to.as(types("JToken").def) != nil && to.is("JToken") {
		if t, ok := tokenOf(v); ok && v != nil {
			return t
		}
	}
	if v == nil {
		return castTo(v, to)
	}
	if t, ok := v.(*JValue); ok {
		return convertToken(t, to)
	}
	if rank(v) > 0 {
		if n, ok := toNumber(v, to.underlying().def.name); ok {
			return n
		}
	}
	if d, ok := v.(DateTime); ok && to.underlying().is("DateTimeOffset") {
		return offsetOf(d)
	}
	if to.is("XName") || to.is("XNamespace") {
		return nameFrom(to.is("XName"))(nil, v)
	}
	return castTo(v, to)
}

package expr

import (
	"bytes"
	"math"
	"net/netip"
	"strings"
)

// toText is ToString() with the invariant culture; null is "", as in
// concatenations.
func toText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		if v {
			return "True"
		}
		return "False"
	case Char:
		return charString(v)
	case JToken:
		return display(v)
	case *thrownException:
		return v.t.fullName() + ": " + v.message
	case *record:
		return v.String()
	case *pair:
		return "[" + toText(v.key) + ", " + toText(v.value) + "]"
	case *tupleValue:
		parts := make([]string, len(v.items))
		for i, item := range v.items {
			parts[i] = toText(item)
		}
		return "(" + strings.Join(parts, ", ") + ")"
	case *typeValue:
		return v.t.fullName()
	case netip.Addr:
		return v.String()
	case interface{ String() string }:
		return v.String()
	}
	if rank(v) > 0 {
		return numberText(v)
	}
	return typeOf(v).fullName()
}

func (r *record) String() string {
	var b strings.Builder
	b.WriteString("{ ")
	for i, name := range r.names {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(name + " = " + toText(r.values[i]))
	}
	b.WriteString(" }")
	return b.String()
}

// fullName is the name that .NET reports in messages and GetType().
func (t *Type) fullName() string {
	if t == nil || t.def == nil {
		return "System.Object"
	}
	name := t.def.name
	if a := aliases[name]; a != "" {
		name = a
	}
	if name == "Array" && len(t.args) == 1 {
		return t.args[0].fullName() + "[]"
	}
	if t.def.namespace != "" {
		name = t.def.namespace + "." + name
	}
	if len(t.args) == 0 {
		return name
	}
	parts := make([]string, len(t.args))
	for i, a := range t.args {
		parts[i] = a.fullName()
	}
	return name + "`" + numberText(int32(len(parts))) + "[" + strings.Join(parts, ",") + "]" //nolint:gosec // a few arguments
}

// valuesEqual is ==. Text compares by value even where C# would compare
// references of type object, and a JSON value equals the scalar it holds.
func valuesEqual(a, b any) bool {
	if x, ok := a.(string); ok {
		if y, ok := b.(string); ok {
			return x == y
		}
	}
	x, okA := a.(JToken)
	y, okB := b.(JToken)
	switch {
	case okA && okB:
		return x == y
	case okA:
		a = scalarOf(x)
	case okB:
		b = scalarOf(y)
	}
	if okA && a == nil || okB && b == nil {
		return false
	}
	if rank(a) > 0 && rank(b) > 0 {
		c, ordered := compareNumbers(a, b)
		return ordered && c == 0
	}
	if e, ok := a.(enumValue); ok && rank(b) > 0 {
		return e.n == integer(b)
	}
	if e, ok := b.(enumValue); ok && rank(a) > 0 {
		return e.n == integer(a)
	}
	return same(a, b)
}

func scalarOf(t JToken) any {
	if v, ok := t.(*JValue); ok {
		return v.scalar()
	}
	return t
}

// same compares by value what .NET compares by value, and references otherwise.
func same(a, b any) bool {
	switch x := a.(type) {
	case DateTime:
		y, ok := b.(DateTime)
		return ok && x.ticks == y.ticks
	case DateTimeOffset:
		y, ok := b.(DateTimeOffset)
		return ok && x.utc() == y.utc()
	case Decimal:
		y, ok := b.(Decimal)
		return ok && x.compare(y) == 0
	case []byte:
		y, ok := b.([]byte)
		return ok && len(x) == len(y) && (len(x) == 0 || &x[0] == &y[0])
	case *record, *tupleValue, *pair:
		return hashKey(a) == hashKey(b)
	case *uriValue:
		y, ok := b.(*uriValue)
		return ok && x.String() == y.String()
	case *typeValue:
		y, ok := b.(*typeValue)
		return ok && x.t.equal(y.t)
	}
	return hashKey(a) == hashKey(b)
}

// equals is object.Equals: numbers are equal only in the same type.
func equals(a, b any) bool {
	if x, ok := a.(*JValue); ok {
		if y, ok := b.(*JValue); ok {
			return x == y || x.k == y.k && valuesEqual(x.scalar(), y.scalar()) || x.k == jsonNull && y.k == jsonNull
		}
		return false
	}
	if rank(a) > 0 && rank(b) > 0 {
		if goTypeName(a) != goTypeName(b) {
			return false
		}
		if x, ok := a.(float64); ok && math.IsNaN(x) {
			return math.IsNaN(b.(float64))
		}
		return valuesEqual(a, b)
	}
	return same(a, b)
}

// compareValues orders values as IComparable does; null comes first.
func compareValues(a, b any) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	if rank(a) > 0 && rank(b) > 0 {
		c, _ := compareNumbers(a, b)
		return c
	}
	switch x := a.(type) {
	case string:
		if y, ok := b.(string); ok {
			return compareText(x, y)
		}
	case bool:
		if y, ok := b.(bool); ok {
			return compareInts(boolInt(x), boolInt(y))
		}
	case DateTime:
		if y, ok := b.(DateTime); ok {
			return compareInts(x.ticks, y.ticks)
		}
	case DateTimeOffset:
		if y, ok := b.(DateTimeOffset); ok {
			return compareInts(x.utc(), y.utc())
		}
	case TimeSpan:
		if y, ok := b.(TimeSpan); ok {
			return compareInts(int64(x), int64(y))
		}
	case Guid:
		if y, ok := b.(Guid); ok {
			return bytes.Compare(x[:], y[:])
		}
	case enumValue:
		if y, ok := b.(enumValue); ok {
			return compareInts(x.n, y.n)
		}
	case *JValue:
		if y, ok := b.(*JValue); ok {
			return compareValues(x.scalar(), y.scalar())
		}
	case *tupleValue:
		if y, ok := b.(*tupleValue); ok {
			for i := range min(len(x.items), len(y.items)) {
				if c := compareValues(x.items[i], y.items[i]); c != 0 {
					return c
				}
			}
			return 0
		}
	}
	throw("ArgumentException", "At least one object must implement IComparable.")
	return 0
}

func boolInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func compareInts(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// compareText orders as the invariant culture does: by letters first, and small
// before large where only the case differs.
func compareText(a, b string) int {
	x, y := collation(a), collation(b)
	if c := strings.Compare(x, y); c != 0 {
		return c
	}
	return -strings.Compare(a, b)
}

// collation puts punctuation before digits before letters.
func collation(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 128 && r > ' ' && !(r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z') {
			return r%32 + 1 // before the space's successors
		}
		return r
	}, strings.ToLower(s))
}

package expr

import "strings"

// formatValue is ToString(format) of whatever has formats.
func formatValue(v any, format string) string {
	if format == "" {
		return toText(v)
	}
	switch v := v.(type) {
	case DateTime:
		return v.format(format)
	case DateTimeOffset:
		return v.format(format)
	case TimeSpan:
		return v.format(format)
	case Guid:
		return v.format(format)
	case enumValue:
		switch format {
		case "D", "d":
			return numberText(v.n)
		case "X", "x":
			return formatNumber(int32(v.n), "X8") //nolint:gosec // enumerations are small
		}
	case *JValue:
		if v.v != nil {
			return formatValue(v.scalar(), format)
		}
	}
	if rank(v) > 0 && goTypeName(v) != "char" {
		return formatNumber(v, format)
	}
	return toText(v)
}

// alignText pads on the left, or on the right where width is negative.
func alignText(s string, width int) string {
	n := units(s)
	if width < 0 {
		return s + strings.Repeat(" ", max(-width-n, 0))
	}
	return strings.Repeat(" ", max(width-n, 0)) + s
}

func hashCode(v any) int32 {
	h := uint32(2166136261)
	for _, c := range []byte(goTypeName(v) + toText(v)) {
		h = (h ^ uint32(c)) * 16777619
	}
	return int32(h) //nolint:gosec // any bits will do
}

var objectMembers = []memberTable{
	{"object", []row{
		{"new()", func(*frame, []any) any { return &record{} }, `new object() == null`, "False"},
		{"string ToString()", func(f *frame, a []any) any { return f.text(toText(a[0])) }, `true.ToString()`, "True"},
		{"bool Equals(object obj)", func(_ *frame, a []any) any { return a[1] != nil && equals(a[0], a[1]) }, `1.Equals(1L)`, "False"},
		{"int GetHashCode()", func(_ *frame, a []any) any {
			if n, ok := a[0].(int32); ok {
				return n
			}
			return hashCode(a[0])
		}, `5.GetHashCode()`, "5"},
		{"Type GetType()", func(_ *frame, a []any) any { return &typeValue{typeOf(a[0])} }, `"a".GetType().Name`, "String"},
		{"static bool Equals(object a, object b)", func(_ *frame, a []any) any {
			return a[0] == nil && a[1] == nil || a[0] != nil && a[1] != nil && equals(a[0], a[1])
		}, `object.Equals(null, null)`, "True"},
		{"static bool ReferenceEquals(object a, object b)", func(_ *frame, a []any) any {
			return a[0] == nil && a[1] == nil || a[0] != nil && a[1] != nil && same(a[0], a[1])
		}, `object.ReferenceEquals(null, "")`, "False"},
	}},
	{"Type", []row{
		{"string Name", func(_ *frame, a []any) any {
			s := a[0].(*typeValue).t.fullName()
			s, _, _ = strings.Cut(s, "[")
			return s[strings.LastIndexByte(s, '.')+1:]
		}, `typeof(int).Name`, "Int32"},
		{"string FullName", func(_ *frame, a []any) any { return a[0].(*typeValue).t.fullName() }, `typeof(string).FullName`, "System.String"},
	}},
	{"Nullable<T>", []row{
		{"bool HasValue", func(_ *frame, a []any) any { return a[0] != nil }, `((int?)5).HasValue`, "True"},
		{"T Value", func(_ *frame, a []any) any {
			if a[0] == nil {
				throw("InvalidOperationException", "Nullable object must have a value.")
			}
			return a[0]
		}, `((int?)5).Value`, "5"},
		{"T GetValueOrDefault<T>()", func(_ *frame, a []any) any {
			if a[0] == nil {
				return zero(a[1].(*Type))
			}
			return a[0]
		}, `((int?)null).GetValueOrDefault()`, "0"},
		{"T GetValueOrDefault(T defaultValue)", func(_ *frame, a []any) any {
			if a[0] == nil {
				return a[1]
			}
			return a[0]
		}, `((int?)null).GetValueOrDefault(7)`, "7"},
		{"extension string ToString()", func(_ *frame, a []any) any { return toText(a[0]) }, `((int?)null).ToString()`, ""},
		{"string ToString(string format)", func(_ *frame, a []any) any { return formatValue(a[0], text(a, 1)) }, `((DateTime?)new DateTime(2024, 1, 2)).Value.ToString("yyyy")`, "2024"},
	}},
	{"Exception", []row{
		{"new()", func(*frame, []any) any {
			return &thrownException{t: types("Exception"), message: "Exception of type 'System.Exception' was thrown."}
		}, `new Exception().Message`, "Exception of type 'System.Exception' was thrown."},
		{"new(string message, Exception innerException = null)", newException("Exception"), `new Exception("no").Message`, "no"},
		{"string Message", func(_ *frame, a []any) any { return a[0].(*thrownException).message }, `new Exception("no").Message`, "no"},
		{"Exception InnerException", func(_ *frame, a []any) any { return orNull(a[0].(*thrownException).inner) }, `new Exception("a", new Exception("b")).InnerException.Message`, "b"},
		{"string StackTrace", func(*frame, []any) any { return "" }, `new Exception("a").StackTrace`, ""},
		{"string Source", func(*frame, []any) any { return "" }, `new Exception("a").Source`, ""},
	}},
	{"ArgumentException", []row{{"new(string message)", newException("ArgumentException"), `new ArgumentException("a").Message`, "a"}}},
	{"InvalidOperationException", []row{{"new(string message)", newException("InvalidOperationException"), `new InvalidOperationException("a").Message`, "a"}}},
	{"FormatException", []row{{"new(string message)", newException("FormatException"), `new FormatException("a").Message`, "a"}}},
	{"Environment", []row{{"static string NewLine", func(*frame, []any) any { return "\r\n" }, `Environment.NewLine.Length`, "2"}}},
	{"Enum", []row{
		{"static T Parse<T>(string value, bool ignoreCase = false)", func(_ *frame, a []any) any { return parseEnum(a[2].(*Type), text(a, 0), a[1].(bool)) }, `Enum.Parse<DayOfWeek>("Monday").ToString()`, "Monday"},
		{"static object Parse(Type enumType, string value, bool ignoreCase = false)", func(_ *frame, a []any) any {
			return parseEnum(a[0].(*typeValue).t, text(a, 1), a[2].(bool))
		}, `Enum.Parse(typeof(DayOfWeek), "friday", true).ToString()`, "Friday"},
		{"static bool TryParse<T>(string value, out T result)", func(_ *frame, a []any) any {
			t := a[2].(*Type)
			if e := caught(&frame{}, func() { setOut(a[1], parseEnum(t, text(a, 0), false)) }); e != nil {
				setOut(a[1], zero(t))
				return false
			}
			return true
		}, `Enum.TryParse("Monday", out DayOfWeek d)`, "True"},
	}},
}

func newException(name string) func(f *frame, a []any) any {
	return func(_ *frame, a []any) any {
		e := &thrownException{t: types(name), message: toText(a[0])}
		if len(a) > 1 {
			e.inner, _ = a[1].(*thrownException)
		}
		return e
	}
}

func parseEnum(t *Type, s string, fold bool) any {
	var n int64
	for part := range strings.SplitSeq(s, ",") {
		part = strings.TrimSpace(part)
		found := false
		for _, e := range t.def.enum {
			if e.name == part || fold && strings.EqualFold(e.name, part) {
				n, found = n|e.value, true
			}
		}
		if v, status := parseNumber(part, "int"); !found && status == "" {
			n, found = n|integer(v), true
		}
		if !found {
			throw("ArgumentException", "Requested value '%s' was not found.", part)
		}
	}
	return enumValue{t.def, n}
}

// text is a string argument that must not be null.
func text(a []any, i int) string {
	s, ok := a[i].(string)
	if !ok {
		throwArgumentNull("value")
	}
	return s
}

// arguments are those of a params array, which must not be null.
func arguments(a []any, i int) []any {
	l, ok := a[i].(*List)
	if !ok {
		throwArgumentNull("args")
	}
	return l.items
}

// contents are those of a params array; a null stands for itself.
func contents(a []any, i int) []any {
	if a[i] == nil {
		return []any{nil}
	}
	return arguments(a, i)
}

// number is an int argument.
func number(a []any, i int) int { return int(integer(a[i])) }

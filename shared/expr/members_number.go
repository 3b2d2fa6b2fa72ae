package expr

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
)

// numeric makes the rows of one numeric type.
func numeric(name, low, high, example string) memberTable {
	t := func(sig string) string { return strings.ReplaceAll(sig, "N", name) }
	rows := []row{
		{t("static N Parse(string s)"), func(_ *frame, a []any) any { return changeType(text(a, 0), types(name)) }, name + `.Parse(" 12 ")`, "12"},
		{t("static N Parse(string s, NumberStyles style)"), func(_ *frame, a []any) any { return parseStyled(text(a, 0), name, a[1]) }, name + `.Parse("12", System.Globalization.NumberStyles.Any)`, "12"},
		{t("static N Parse(string s, NumberStyles style, CultureInfo provider)"), func(_ *frame, a []any) any { return parseStyled(text(a, 0), name, a[1]) }, name + `.Parse("12", System.Globalization.NumberStyles.Any, System.Globalization.CultureInfo.InvariantCulture)`, "12"},
		{t("static N Parse(string s, CultureInfo provider)"), func(_ *frame, a []any) any { return changeType(text(a, 0), types(name)) }, name + `.Parse("12", System.Globalization.CultureInfo.InvariantCulture)`, "12"},
		{t("static bool TryParse(string s, out N result)"), func(_ *frame, a []any) any {
			v, status := parseNumber(toText(a[0]), name)
			return tried(a[0], a[1], name, v, status)
		}, name + `.TryParse("x", out var n)`, "False"},
		{t("static bool TryParse(string s, NumberStyles style, CultureInfo provider, out N result)"), func(_ *frame, a []any) any {
			v, status := styledNumber(toText(a[0]), name, a[1])
			return tried(a[0], a[3], name, v, status)
		}, name + `.TryParse("12", System.Globalization.NumberStyles.Any, System.Globalization.CultureInfo.InvariantCulture, out var n)`, "True"},
		{t("string ToString(string format)"), func(f *frame, a []any) any { return f.text(formatNumber(a[0], toText(a[1]))) }, example, "007"},
		{t("string ToString(CultureInfo provider)"), func(f *frame, a []any) any { return f.text(numberText(a[0])) }, `((` + name + `)5).ToString(System.Globalization.CultureInfo.InvariantCulture)`, "5"},
		{t("string ToString(string format, CultureInfo provider)"), func(f *frame, a []any) any { return f.text(formatNumber(a[0], toText(a[1]))) }, `((` + name + `)5).ToString("00", System.Globalization.CultureInfo.InvariantCulture)`, "05"},
		{t("int CompareTo(N value)"), func(_ *frame, a []any) any { return int32(compareValues(a[0], a[1])) }, `((` + name + `)5).CompareTo((` + name + `)6)`, "-1"}, //nolint:gosec // -1 to 1
		{t("bool Equals(N obj)"), func(_ *frame, a []any) any { return valuesEqual(a[0], a[1]) }, `((` + name + `)5).Equals((` + name + `)5)`, "True"},
	}
	for _, limit := range []struct{ name, text string }{{"MinValue", low}, {"MaxValue", high}} {
		v, _ := parseNumber(limit.text, name)
		rows = append(rows, row{"static " + name + " " + limit.name, func(*frame, []any) any { return v }, name + "." + limit.name, toTextOf(v)})
	}
	return memberTable{name, rows}
}

func toTextOf(v any) string { return numberText(v) }

func parseStyled(s, name string, style any) any {
	v, status := styledNumber(s, name, style)
	switch status {
	case "":
	case "OverflowException":
		throwOverflow(name)
	default:
		throwFormat(s)
	}
	return v
}

// styledNumber reads a number as parseNumber does, in the style that
// NumberStyles says.
func styledNumber(s, name string, style any) (v any, status string) {
	if integer(style)&512 != 0 {
		n, ok := new(big.Int).SetString(strings.TrimSpace(s), 16)
		if !ok || strings.ContainsAny(s, "_+-") {
			return nil, "FormatException"
		}
		bits := map[string]uint{"byte": 8, "sbyte": 8, "short": 16, "ushort": 16, "int": 32, "uint": 32, "long": 64, "ulong": 64}[name]
		if n.BitLen() > int(bits) {
			return nil, "OverflowException"
		}
		return wrap(int64(n.Uint64()), name), "" //nolint:gosec // two's complement is wanted
	}
	if integer(style)&64 != 0 {
		s = strings.ReplaceAll(s, ",", "")
	}
	return parseNumber(s, name)
}

// tried is what TryParse returns: the number, or zero for what is none.
func tried(s, out any, name string, v any, status string) bool {
	if status != "" || s == nil {
		setOut(out, zero(types(name)))
		return false
	}
	setOut(out, v)
	return true
}

func char(is func(r rune) bool) func(*frame, []any) any {
	return func(_ *frame, a []any) any { return is(rune(a[0].(Char))) }
}

func alphanumeric(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

var numberMembers = []memberTable{
	numeric("int", "-2147483648", "2147483647", `7.ToString("D3")`),
	numeric("long", "-9223372036854775808", "9223372036854775807", `7L.ToString("000")`),
	numeric("short", "-32768", "32767", `((short)7).ToString("D3")`),
	numeric("byte", "0", "255", `((byte)7).ToString("D3")`),
	numeric("sbyte", "-128", "127", `((sbyte)7).ToString("D3")`),
	numeric("ushort", "0", "65535", `((ushort)7).ToString("D3")`),
	numeric("uint", "0", "4294967295", `7u.ToString("D3")`),
	numeric("ulong", "0", "18446744073709551615", `7ul.ToString("D3")`),
	numeric("float", "-3.4028235E+38", "3.4028235E+38", `7f.ToString("000")`),
	numeric("double", "-1.7976931348623157E+308", "1.7976931348623157E+308", `7.0.ToString("000")`),
	numeric("decimal", "-79228162514264337593543950335", "79228162514264337593543950335", `7m.ToString("000")`),
	{"double", []row{
		{"static double NaN", func(*frame, []any) any { return math.NaN() }, `double.NaN`, "NaN"},
		{"static double Epsilon", func(*frame, []any) any { return math.SmallestNonzeroFloat64 }, `double.Epsilon > 0`, "True"},
		{"static double PositiveInfinity", func(*frame, []any) any { return math.Inf(1) }, `double.PositiveInfinity`, "Infinity"},
		{"static double NegativeInfinity", func(*frame, []any) any { return math.Inf(-1) }, `double.NegativeInfinity`, "-Infinity"},
		{"static bool IsNaN(double d)", func(_ *frame, a []any) any { return math.IsNaN(a[0].(float64)) }, `double.IsNaN(0.0 / 0.0)`, "True"},
		{"static bool IsInfinity(double d)", func(_ *frame, a []any) any { return math.IsInf(a[0].(float64), 0) }, `double.IsInfinity(1 / 0.0)`, "True"},
	}},
	{"decimal", []row{
		{"static decimal Zero", func(*frame, []any) any { return decimalOf(0) }, `decimal.Zero`, "0"},
		{"static decimal One", func(*frame, []any) any { return decimalOf(1) }, `decimal.One`, "1"},
	}},
	{"bool", []row{
		{"static bool Parse(string value)", func(_ *frame, a []any) any { return toBool(text(a, 0)) }, `bool.Parse("true")`, "True"},
		{"static bool TryParse(string value, out bool result)", func(_ *frame, a []any) any {
			v, ok := parseBool(toText(a[0]))
			setOut(a[1], v)
			return ok
		}, `bool.TryParse("yes", out var b)`, "False"},
		{"static string TrueString", func(*frame, []any) any { return "True" }, `bool.TrueString`, "True"},
		{"static string FalseString", func(*frame, []any) any { return "False" }, `bool.FalseString`, "False"},
		{"int CompareTo(bool value)", func(_ *frame, a []any) any { return int32(compareValues(a[0], a[1])) }, `true.CompareTo(false)`, "1"},
	}},
	{"char", []row{
		{"static bool IsDigit(char c)", char(unicode.IsDigit), `char.IsDigit('7')`, "True"},
		{"static bool IsNumber(char c)", char(unicode.IsNumber), `char.IsNumber('½')`, "True"},
		{"static bool IsLetter(char c)", char(unicode.IsLetter), `char.IsLetter('é')`, "True"},
		{"static bool IsLetterOrDigit(char c)", char(alphanumeric), `char.IsLetterOrDigit('_')`, "False"},
		{"static bool IsWhiteSpace(char c)", char(unicode.IsSpace), `char.IsWhiteSpace(' ')`, "True"},
		{"static bool IsUpper(char c)", char(unicode.IsUpper), `char.IsUpper('A')`, "True"},
		{"static bool IsLower(char c)", char(unicode.IsLower), `char.IsLower('A')`, "False"},
		{"static bool IsPunctuation(char c)", char(unicode.IsPunct), `char.IsPunctuation('!')`, "True"},
		{"static bool IsControl(char c)", char(unicode.IsControl), `char.IsControl('\n')`, "True"},
		{"static char ToUpper(char c)", func(_ *frame, a []any) any { return Char(unicode.ToUpper(rune(a[0].(Char)))) }, `char.ToUpper('a')`, "A"},
		{"static char ToLower(char c)", func(_ *frame, a []any) any { return Char(unicode.ToLower(rune(a[0].(Char)))) }, `char.ToLower('A')`, "a"},
		{"static char ToUpperInvariant(char c)", func(_ *frame, a []any) any { return Char(unicode.ToUpper(rune(a[0].(Char)))) }, `char.ToUpperInvariant('a')`, "A"},
		{"static char ToLowerInvariant(char c)", func(_ *frame, a []any) any { return Char(unicode.ToLower(rune(a[0].(Char)))) }, `char.ToLowerInvariant('A')`, "a"},
		{"static double GetNumericValue(char c)", func(_ *frame, a []any) any {
			if c := a[0].(Char); c >= '0' && c <= '9' {
				return float64(c - '0')
			}
			return float64(-1)
		}, `char.GetNumericValue('7')`, "7"},
		{"static char MinValue", func(*frame, []any) any { return Char(0) }, `(int)char.MinValue`, "0"},
		{"static char MaxValue", func(*frame, []any) any { return Char(math.MaxUint16) }, `(int)char.MaxValue`, "65535"},
		{"static char Parse(string s)", func(_ *frame, a []any) any { return changeType(text(a, 0), types("char")) }, `char.Parse("a")`, "a"},
		{"int CompareTo(char value)", func(_ *frame, a []any) any { return int32(a[0].(Char)) - int32(a[1].(Char)) }, `'b'.CompareTo('a')`, "1"},
	}},
	{"CultureInfo", []row{
		{"static CultureInfo InvariantCulture", func(*frame, []any) any { return &culture{} }, "", ""},
		{"static CultureInfo CurrentCulture", func(*frame, []any) any { return &culture{} }, "", ""},
	}},
}

// culture is a CultureInfo; there is but the invariant one.
type culture struct{ _ byte }

func (*culture) typeName() string { return "CultureInfo" }

// toBase writes a number in base 2, 8 or 16, as two's complement.
func toBase(v any, base int) any {
	bits := 64
	if _, ok := v.(int32); ok {
		bits = 32
	}
	if base == 10 {
		return numberText(v)
	}
	if base != 2 && base != 8 && base != 16 {
		throw("ArgumentException", "Invalid Base.")
	}
	n := uint64(integer(v)) //nolint:gosec // two's complement is wanted
	if bits == 32 {
		n &= math.MaxUint32
	}
	return strconv.FormatUint(n, base)
}

// fromBase reads a number in base 2, 8, 10 or 16.
func fromBase(s string, base int, name string) any {
	if base == 10 {
		return changeType(s, types(name))
	}
	if base != 2 && base != 8 && base != 16 {
		throw("ArgumentException", "Invalid Base.")
	}
	digits := strings.ToLower(s)
	if base == 16 {
		digits = strings.TrimPrefix(digits, "0x")
	}
	bits := map[string]int{"int": 32, "byte": 8}[name]
	if bits == 0 {
		bits = 64
	}
	n, err := strconv.ParseUint(digits, base, 64)
	if err != nil {
		throw("FormatException", "Could not find any recognizable digits.")
	}
	if bits < 64 && n >= 1<<bits {
		throwOverflow(name)
	}
	return wrap(int64(n), name) //nolint:gosec // two's complement is wanted
}

// converts makes the rows of Convert.ToX.
func converts(method, name, example, want string) row {
	return row{"static " + name + " " + method + "(object value)", func(_ *frame, a []any) any {
		if a[0] == nil {
			return zero(types(name))
		}
		return changeType(a[0], types(name))
	}, example, want}
}

var convertMembers = []memberTable{
	{"Convert", []row{
		converts("ToBoolean", "bool", `Convert.ToBoolean("true")`, "True"),
		converts("ToInt16", "short", `Convert.ToInt16("5")`, "5"),
		converts("ToInt32", "int", `Convert.ToInt32(2.5)`, "2"),
		converts("ToInt64", "long", `Convert.ToInt64("5")`, "5"),
		converts("ToUInt16", "ushort", `Convert.ToUInt16("5")`, "5"),
		converts("ToUInt32", "uint", `Convert.ToUInt32("5")`, "5"),
		converts("ToUInt64", "ulong", `Convert.ToUInt64("5")`, "5"),
		converts("ToByte", "byte", `Convert.ToByte("255")`, "255"),
		converts("ToSByte", "sbyte", `Convert.ToSByte("-5")`, "-5"),
		converts("ToSingle", "float", `Convert.ToSingle("1.5")`, "1.5"),
		converts("ToDouble", "double", `Convert.ToDouble("1.5")`, "1.5"),
		converts("ToDecimal", "decimal", `Convert.ToDecimal("1.50")`, "1.50"),
		converts("ToDateTime", "DateTime", `Convert.ToDateTime("2024-01-02")`, "01/02/2024 00:00:00"),
		{"static char ToChar(object value)", func(_ *frame, a []any) any {
			if n, ok := toNumber(a[0], "char"); ok {
				return n
			}
			return changeType(a[0], types("char"))
		}, `Convert.ToChar(65)`, "A"},
		{"static string ToString(object value)", func(f *frame, a []any) any { return f.text(toText(a[0])) }, `Convert.ToString(5)`, "5"},
		{"static string ToString(int value, int toBase)", func(_ *frame, a []any) any { return toBase(a[0], number(a, 1)) }, `Convert.ToString(255, 16)`, "ff"},
		{"static string ToString(long value, int toBase)", func(_ *frame, a []any) any { return toBase(a[0], number(a, 1)) }, `Convert.ToString(5L, 2)`, "101"},
		{"static int ToInt32(string value, int fromBase)", func(_ *frame, a []any) any { return fromBase(text(a, 0), number(a, 1), "int") }, `Convert.ToInt32("ff", 16)`, "255"},
		{"static long ToInt64(string value, int fromBase)", func(_ *frame, a []any) any { return fromBase(text(a, 0), number(a, 1), "long") }, `Convert.ToInt64("ff", 16)`, "255"},
		{"static byte ToByte(string value, int fromBase)", func(_ *frame, a []any) any { return fromBase(text(a, 0), number(a, 1), "byte") }, `Convert.ToByte("7f", 16)`, "127"},
		{"static string ToBase64String(byte[] inArray)", func(f *frame, a []any) any { return f.text(base64Text(bytesArgument(a, 0))) }, `Convert.ToBase64String(new byte[] { 1, 2, 3 })`, "AQID"},
		{"static string ToBase64String(byte[] inArray, Base64FormattingOptions options)", func(f *frame, a []any) any { return f.text(base64Lines(bytesArgument(a, 0), a[1])) }, `Convert.ToBase64String(new byte[] { 1 }, Base64FormattingOptions.None)`, "AQ=="},
		{"static byte[] FromBase64String(string s)", func(f *frame, a []any) any {
			f.charge(len(text(a, 0)))
			return fromBase64(text(a, 0))
		}, `Encoding.UTF8.GetString(Convert.FromBase64String("YWJj"))`, "abc"},
		{"static string ToHexString(byte[] inArray)", func(f *frame, a []any) any { return f.text(hexText(bytesArgument(a, 0), "")) }, `Convert.ToHexString(new byte[] { 10, 255 })`, "0AFF"},
		{"static object ChangeType(object value, Type conversionType)", func(_ *frame, a []any) any { return changeType(a[0], a[1].(*typeValue).t) }, `Convert.ChangeType("5", typeof(int))`, "5"},
	}},
	{"BitConverter", []row{
		{"static string ToString(byte[] value)", func(f *frame, a []any) any { return f.text(hexText(bytesArgument(a, 0), "-")) }, `BitConverter.ToString(new byte[] { 10, 255 })`, "0A-FF"},
		{"static int ToInt32(byte[] value, int startIndex)", func(_ *frame, a []any) any { return wrap(littleEndian(bytesArgument(a, 0), number(a, 1), 4), "int") }, `BitConverter.ToInt32(new byte[] { 1, 1, 0, 0 }, 0)`, "257"},
		{"static long ToInt64(byte[] value, int startIndex)", func(_ *frame, a []any) any { return littleEndian(bytesArgument(a, 0), number(a, 1), 8) }, `BitConverter.ToInt64(new byte[] { 1, 0, 0, 0, 0, 0, 0, 0 }, 0)`, "1"},
		{"static short ToInt16(byte[] value, int startIndex)", func(_ *frame, a []any) any { return wrap(littleEndian(bytesArgument(a, 0), number(a, 1), 2), "short") }, `BitConverter.ToInt16(new byte[] { 1, 1 }, 0)`, "257"},
		{"static uint ToUInt32(byte[] value, int startIndex)", func(_ *frame, a []any) any { return wrap(littleEndian(bytesArgument(a, 0), number(a, 1), 4), "uint") }, `BitConverter.ToUInt32(new byte[] { 1, 0, 0, 0 }, 0)`, "1"},
		{"static byte[] GetBytes(int value)", func(_ *frame, a []any) any { return numberBytes(integer(a[0]), 4) }, `BitConverter.GetBytes(258)[0]`, "2"},
		{"static byte[] GetBytes(short value)", func(_ *frame, a []any) any { return numberBytes(integer(a[0]), 2) }, `BitConverter.GetBytes((short)258).Length`, "2"},
		{"static byte[] GetBytes(long value)", func(_ *frame, a []any) any { return numberBytes(integer(a[0]), 8) }, `BitConverter.GetBytes(258L).Length`, "8"},
		{"static bool IsLittleEndian", func(*frame, []any) any { return true }, `BitConverter.IsLittleEndian`, "True"},
	}},
}

func littleEndian(b []byte, start, n int) int64 {
	var v uint64
	for i, c := range byteRange(b, start, n) {
		v |= uint64(c) << (8 * i)
	}
	return int64(v)
}

func numberBytes(v int64, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(v >> (8 * i)) //nolint:gosec // one byte after the other
	}
	return b
}

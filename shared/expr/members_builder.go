package expr

import "strings"

// stringBuilder is a StringBuilder.
type stringBuilder struct{ b []byte }

func (*stringBuilder) typeName() string { return "StringBuilder" }
func (b *stringBuilder) String() string { return string(b.b) }

func (b *stringBuilder) add(f *frame, s string) any {
	f.charge(2 * len(s))
	b.b = append(b.b, s...)
	return b
}

func (b *stringBuilder) set(s any) any {
	b.b = []byte(s.(string))
	return b
}

// encoding is a text encoding.
type encoding struct{ name string }

func (*encoding) typeName() string { return "Encoding" }

func encodingNamed(name string) any {
	switch strings.ToLower(name) {
	case "utf-8", "utf8":
		return &encoding{"utf-8"}
	case "us-ascii", "ascii":
		return &encoding{"us-ascii"}
	case "utf-16", "unicode":
		return &encoding{"utf-16"}
	case "iso-8859-1", "latin1":
		return &encoding{"iso-8859-1"}
	}
	throw("ArgumentException", "'%s' is not a supported encoding name. (Parameter 'name')", name)
	return nil
}

func (e *encoding) encode(s string) []byte {
	switch e.name {
	case "utf-8":
		return []byte(s)
	case "utf-16":
		var b []byte
		for c := range (&frame{steps: defaultSteps}).items(s) {
			u := c.(Char)
			b = append(b, byte(u), byte(u>>8)) //nolint:gosec // the low and the high half
		}
		return b
	}
	limit := rune(0x80)
	if e.name == "iso-8859-1" {
		limit = 0x100
	}
	b := make([]byte, 0, len(s))
	for _, r := range s {
		if r >= limit {
			r = '?'
		}
		b = append(b, byte(r))
	}
	return b
}

func (e *encoding) decode(b []byte) string {
	switch e.name {
	case "utf-8":
		return strings.ToValidUTF8(string(b), "\ufffd")
	case "utf-16":
		var out textBuilder
		for i := 0; i+1 < len(b); i += 2 {
			out.unit(rune(b[i]) | rune(b[i+1])<<8)
		}
		return out.String()
	}
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
		if e.name == "us-ascii" && c >= 0x80 {
			runes[i] = '?'
		}
	}
	return string(runes)
}

func encodings(name string) func(*frame, []any) any {
	return func(*frame, []any) any { return &encoding{name} }
}

func bytesArgument(a []any, i int) []byte {
	b, ok := a[i].([]byte)
	if !ok {
		throwArgumentNull("bytes")
	}
	return b
}

var builderMembers = []memberTable{
	{"StringBuilder", []row{
		{"new()", func(*frame, []any) any { return &stringBuilder{} }, `new StringBuilder().Length`, "0"},
		{"new(int capacity)", func(*frame, []any) any { return &stringBuilder{} }, `new StringBuilder(16).ToString()`, ""},
		{"new(string value)", func(_ *frame, a []any) any { return &stringBuilder{[]byte(toText(a[0]))} }, `new StringBuilder("a").ToString()`, "a"},
		{"StringBuilder Append(object value)", func(f *frame, a []any) any { return a[0].(*stringBuilder).add(f, toText(a[1])) }, `new StringBuilder().Append("a").Append(1).ToString()`, "a1"},
		{"StringBuilder Append(char value, int repeatCount)", func(f *frame, a []any) any {
			return a[0].(*stringBuilder).add(f, padded(f, "", number(a, 2), a[1].(Char), false).(string))
		}, `new StringBuilder().Append('x', 2).ToString()`, "xx"},
		{"StringBuilder AppendLine(string value = null)", func(f *frame, a []any) any { return a[0].(*stringBuilder).add(f, toText(a[1])+"\r\n") }, `new StringBuilder().AppendLine("a").Length`, "3"},
		{"StringBuilder AppendFormat(string format, params object[] args)", func(f *frame, a []any) any {
			return a[0].(*stringBuilder).add(f, formatText(f, text(a, 1), arguments(a, 2)).(string))
		}, `new StringBuilder().AppendFormat("{0:x}", 255).ToString()`, "ff"},
		{"StringBuilder Insert(int index, object value)", func(f *frame, a []any) any {
			s := a[0].(*stringBuilder).String()
			before, ok := slice(s, 0, number(a, 1))
			if !ok {
				throwRange("index")
			}
			f.charge(len(s))
			return a[0].(*stringBuilder).set(before + toText(a[2]) + s[len(before):])
		}, `new StringBuilder("b").Insert(0, "a").ToString()`, "ab"},
		{"StringBuilder Replace(string oldValue, string newValue)", func(f *frame, a []any) any {
			return a[0].(*stringBuilder).set(replace(f, a[0].(*stringBuilder).String(), text(a, 1), toText(a[2])))
		}, `new StringBuilder("aba").Replace("a", "c").ToString()`, "cbc"},
		{"StringBuilder Remove(int startIndex, int length)", func(f *frame, a []any) any {
			s := a[0].(*stringBuilder).String()
			before, ok := slice(s, 0, number(a, 1))
			gone, too := slice(s, number(a, 1), number(a, 2))
			if !ok || !too {
				throwRange("length")
			}
			f.charge(len(s))
			return a[0].(*stringBuilder).set(before + s[len(before)+len(gone):])
		}, `new StringBuilder("abc").Remove(0, 1).ToString()`, "bc"},
		{"StringBuilder Clear()", func(_ *frame, a []any) any { return a[0].(*stringBuilder).set("") }, `new StringBuilder("a").Clear().Length`, "0"},
		{"int Length", func(_ *frame, a []any) any { return int32(units(a[0].(*stringBuilder).String())) }, `new StringBuilder("ab").Length`, "2"},
		{"set int Length", func(f *frame, a []any) any {
			return a[0].(*stringBuilder).set(substring(f, a[0].(*stringBuilder).String(), 0, number(a, 1)))
		}, "", ""},
		{"string ToString(int startIndex, int length)", func(f *frame, a []any) any {
			return substring(f, a[0].(*stringBuilder).String(), number(a, 1), number(a, 2))
		}, `new StringBuilder("abc").ToString(1, 2)`, "bc"},
	}},
	{"Encoding", []row{
		{"static Encoding UTF8", encodings("utf-8"), `Encoding.UTF8.GetBytes("ñ").Length`, "2"},
		{"static Encoding ASCII", encodings("us-ascii"), `Encoding.ASCII.GetString(Encoding.ASCII.GetBytes("añ"))`, "a?"},
		{"static Encoding Unicode", encodings("utf-16"), `Encoding.Unicode.GetBytes("a").Length`, "2"},
		{"static Encoding Default", encodings("utf-8"), `Encoding.Default.GetBytes("a").Length`, "1"},
		{"static Encoding Latin1", encodings("iso-8859-1"), `Encoding.Latin1.GetBytes("ñ").Length`, "1"},
		{"static Encoding GetEncoding(string name)", func(_ *frame, a []any) any { return encodingNamed(text(a, 0)) }, `Encoding.GetEncoding("iso-8859-1").GetBytes("ñ").Length`, "1"},
		{"byte[] GetBytes(string s)", func(f *frame, a []any) any {
			b := a[0].(*encoding).encode(text(a, 1))
			f.charge(len(b))
			return b
		}, `Encoding.UTF8.GetBytes("abc").Length`, "3"},
		{"string GetString(byte[] bytes)", func(f *frame, a []any) any { return f.text(a[0].(*encoding).decode(bytesArgument(a, 1))) }, `Encoding.UTF8.GetString(new byte[] { 97, 98 })`, "ab"},
		{"int GetByteCount(string s)", func(_ *frame, a []any) any { return int32(len(a[0].(*encoding).encode(text(a, 1)))) }, `Encoding.UTF8.GetByteCount("ñ")`, "2"},
		{"string GetString(byte[] bytes, int index, int count)", func(f *frame, a []any) any {
			return f.text(a[0].(*encoding).decode(byteRange(bytesArgument(a, 1), number(a, 2), number(a, 3))))
		}, `Encoding.UTF8.GetString(new byte[] { 97, 98, 99 }, 1, 2)`, "bc"},
	}},
}

func byteRange(b []byte, start, n int) []byte {
	if start < 0 || n < 0 || start > len(b)-n {
		throwRange("count")
	}
	return b[start : start+n]
}

package expr

import (
	"strings"
	"unicode"
)

// ignoresCase says whether a StringComparison or StringComparer does.
func ignoresCase(v any) bool {
	e, ok := v.(enumValue)
	return ok && e.n%2 == 1
}

func foldIf(s string, fold bool) string {
	if fold {
		return strings.ToLower(s)
	}
	return s
}

// charSet are the characters to trim or to split at; nil: white space.
func charSet(v any) []string {
	var set []string
	switch v := v.(type) {
	case *List:
		for _, c := range v.items {
			set = append(set, toText(c))
		}
	case Char:
		set = []string{charString(v)}
	case string:
		set = []string{v}
	}
	return set
}

func trims(v any) func(r rune) bool {
	set := charSet(v)
	if len(set) == 0 {
		return unicode.IsSpace
	}
	all := strings.Join(set, "")
	return func(r rune) bool { return strings.ContainsRune(all, r) }
}

// split cuts at the longest separator first where several match.
func split(f *frame, s string, separators []string, limit int, options any) any {
	var parts []string
	start := 0
	flags := integer(options)
	keep := func(part string) {
		if flags&2 != 0 {
			part = strings.TrimFunc(part, unicode.IsSpace)
		}
		if flags&1 == 0 || part != "" {
			parts = append(parts, part)
		}
	}
	f.step(len(s) / 8)
	for i := 0; i < len(s); {
		n := separatorAt(s[i:], separators)
		if n == 0 {
			i++
			continue
		}
		if limit > 0 && len(parts) == limit-1 {
			break
		}
		keep(s[start:i])
		i += n
		start = i
	}
	if limit != 0 {
		keep(s[start:])
	}
	f.charge(len(s) + 32*len(parts))
	return stringArray(parts)
}

func separatorAt(s string, separators []string) int {
	if len(separators) == 0 {
		for i, r := range s {
			if i > 0 {
				return 0
			}
			if unicode.IsSpace(r) {
				return len(string(r))
			}
		}
		return 0
	}
	for _, sep := range separators {
		if sep != "" && strings.HasPrefix(s, sep) {
			return len(sep)
		}
	}
	return 0
}

func splits(limit, options int) func(f *frame, a []any) any {
	return func(f *frame, a []any) any {
		n, o := -1, any(int32(0))
		if limit > 0 {
			n = number(a, limit)
		}
		if options > 0 {
			o = a[options]
		}
		return split(f, a[0].(string), charSet(a[1]), n, o)
	}
}

func substring(f *frame, s string, start, n int) any {
	sub, ok := slice(s, start, n)
	if !ok {
		throw("ArgumentOutOfRangeException", "Index and length must refer to a location within the string. (Parameter 'length')")
	}
	return f.text(sub)
}

// indexOf searches from a code unit on.
func indexOf(f *frame, s, find string, start int, fold bool) int {
	f.step(len(s) / 32)
	n := units(s)
	if start < 0 || start > n {
		throwRange("startIndex")
	}
	s, find = foldIf(s, fold), foldIf(find, fold)
	rest, _ := slice(s, start, units(s)-start)
	at := unitIndex(rest, strings.Index(rest, find))
	if at < 0 {
		return -1
	}
	return start + at
}

func lastIndexOf(s, find string, fold bool) int {
	s, find = foldIf(s, fold), foldIf(find, fold)
	return unitIndex(s, strings.LastIndex(s, find))
}

func indexOfAny(s string, set any) int {
	at := strings.IndexFunc(s, trims(set))
	return unitIndex(s, at)
}

// replace counts what it makes.
func replace(f *frame, s, from, to string) any {
	if from == "" {
		throw("ArgumentException", "String cannot be of zero length. (Parameter 'oldValue')")
	}
	f.step(len(s) / 16)
	n := strings.Count(s, from)
	f.charge(len(s) + n*max(len(to)-len(from), 0))
	return strings.ReplaceAll(s, from, to)
}

func padded(f *frame, s string, width int, c Char, right bool) any {
	n := width - units(s)
	if width < 0 {
		throwRange("totalWidth")
	}
	if n <= 0 {
		return s
	}
	f.charge(4 * n)
	fill := strings.Repeat(charString(c), n)
	if right {
		return s + fill
	}
	return fill + s
}

// formatText is string.Format.
func formatText(f *frame, format string, args []any) any {
	var b strings.Builder
	for i := 0; i < len(format); {
		c := format[i]
		if c != '{' && c != '}' {
			b.WriteByte(c)
			i++
			continue
		}
		if i+1 < len(format) && format[i+1] == c {
			b.WriteByte(c)
			i += 2
			continue
		}
		end := strings.IndexByte(format[i:], '}')
		if c == '}' || end < 0 {
			throw("FormatException", "Input string was not in a correct format.")
		}
		b.WriteString(formatItem(format[i+1:i+end], args))
		f.step(1)
		f.charge(b.Len() / 8)
		i += end + 1
	}
	return f.text(b.String())
}

func formatItem(item string, args []any) string {
	item, format, _ := strings.Cut(item, ":")
	at, width, aligned := strings.Cut(item, ",")
	n, status := parseNumber(at, "int")
	if status != "" {
		throw("FormatException", "Input string was not in a correct format.")
	}
	i := int(integer(n))
	if i < 0 || i >= len(args) {
		throw("FormatException", "Index (zero based) must be greater than or equal to zero and less than the size of the argument list.")
	}
	s := formatValue(args[i], format)
	if aligned {
		w, status := parseNumber(width, "short")
		if status != "" {
			throw("FormatException", "Input string was not in a correct format.")
		}
		s = alignText(s, int(integer(w)))
	}
	return s
}

func joinText(f *frame, separator any, list any) any {
	var b strings.Builder
	first := true
	for item := range f.each(list) {
		if !first {
			b.WriteString(toText(separator))
		}
		first = false
		s := toText(item)
		f.charge(len(s))
		b.WriteString(s)
	}
	return b.String()
}

func compareStrings(a, b any, fold bool) any {
	x, okA := a.(string)
	y, okB := b.(string)
	if !okA || !okB {
		return int32(boolInt(okA) - boolInt(okB)) //nolint:gosec // -1 to 1
	}
	if fold {
		return int32(strings.Compare(strings.ToUpper(x), strings.ToUpper(y))) //nolint:gosec // -1 to 1
	}
	return int32(compareText(x, y)) //nolint:gosec // -1 to 1
}

func equalText(a, b any, fold bool) bool {
	x, okA := a.(string)
	y, okB := b.(string)
	if !okA || !okB {
		return okA == okB
	}
	return x == y || fold && strings.EqualFold(x, y)
}

func affix(f *frame, a []any, has func(s, affix string) bool, comparison int) any {
	s, find := a[0].(string), toText(a[1])
	if a[1] == nil {
		throwArgumentNull("value")
	}
	fold := comparison > 0 && ignoresCase(a[comparison])
	f.step(len(find) / 32)
	return has(foldIf(s, fold), foldIf(find, fold))
}

func isBlank(v any) bool { return strings.TrimFunc(toText(v), unicode.IsSpace) == "" }

var stringMembers = []memberTable{
	{"string", []row{
		{"new(char c, int count)", func(f *frame, a []any) any { return padded(f, "", number(a, 1), a[0].(Char), false) }, `new string('x', 3)`, "xxx"},
		{"new(char[] value)", func(f *frame, a []any) any { return joinText(f, "", a[0]) }, `new string(new[] { 'a', 'b' })`, "ab"},
		{"static string Empty", func(*frame, []any) any { return "" }, `string.Empty`, ""},
		{"int Length", func(_ *frame, a []any) any { return int32(units(a[0].(string))) }, `"añ😀".Length`, "4"},
		{"char this[int index]", func(f *frame, a []any) any {
			s, ok := a[0].(string), false
			if i := number(a, 1); isASCII(s) && i >= 0 && i < len(s) {
				return Char(s[i])
			}
			n := 0
			for c := range f.items(s) {
				if ok = n == number(a, 1); ok {
					return c
				}
				n++
			}
			throw("IndexOutOfRangeException", "Index was outside the bounds of the array.")
			return nil
		}, `"abc"[1]`, "b"},
		{"string Substring(int startIndex)", func(f *frame, a []any) any {
			return substring(f, a[0].(string), number(a, 1), units(a[0].(string))-number(a, 1))
		}, `"Bearer x".Substring(7)`, "x"},
		{"string Substring(int startIndex, int length)", func(f *frame, a []any) any { return substring(f, a[0].(string), number(a, 1), number(a, 2)) }, `"abcdef".Substring(1, 3)`, "bcd"},
		{"bool Contains(string value)", func(f *frame, a []any) any { return affix(f, a, strings.Contains, 0) }, `"abc".Contains("bc")`, "True"},
		{"bool Contains(char value)", func(f *frame, a []any) any { return affix(f, a, strings.Contains, 0) }, `"abc".Contains('b')`, "True"},
		{"bool Contains(string value, StringComparison comparisonType)", func(f *frame, a []any) any { return affix(f, a, strings.Contains, 2) }, `"abc".Contains("BC", StringComparison.OrdinalIgnoreCase)`, "True"},
		{"bool StartsWith(string value)", func(f *frame, a []any) any { return affix(f, a, strings.HasPrefix, 0) }, `"abc".StartsWith("ab")`, "True"},
		{"bool StartsWith(char value)", func(f *frame, a []any) any { return affix(f, a, strings.HasPrefix, 0) }, `"abc".StartsWith('b')`, "False"},
		{"bool StartsWith(string value, StringComparison comparisonType)", func(f *frame, a []any) any { return affix(f, a, strings.HasPrefix, 2) }, `"Bearer x".StartsWith("bearer ", StringComparison.OrdinalIgnoreCase)`, "True"},
		{"bool EndsWith(string value)", func(f *frame, a []any) any { return affix(f, a, strings.HasSuffix, 0) }, `"abc".EndsWith("bc")`, "True"},
		{"bool EndsWith(char value)", func(f *frame, a []any) any { return affix(f, a, strings.HasSuffix, 0) }, `"abc".EndsWith('c')`, "True"},
		{"bool EndsWith(string value, StringComparison comparisonType)", func(f *frame, a []any) any { return affix(f, a, strings.HasSuffix, 2) }, `"abc".EndsWith("BC", StringComparison.Ordinal)`, "False"},
		{"int IndexOf(string value)", func(f *frame, a []any) any { return int32(indexOf(f, a[0].(string), text(a, 1), 0, false)) }, `"abcb".IndexOf("b")`, "1"},
		{"int IndexOf(char value)", func(f *frame, a []any) any { return int32(indexOf(f, a[0].(string), toText(a[1]), 0, false)) }, `"abc".IndexOf('z')`, "-1"},
		{"int IndexOf(string value, int startIndex)", func(f *frame, a []any) any { return int32(indexOf(f, a[0].(string), text(a, 1), number(a, 2), false)) }, `"abcb".IndexOf("b", 2)`, "3"},
		{"int IndexOf(char value, int startIndex)", func(f *frame, a []any) any {
			return int32(indexOf(f, a[0].(string), toText(a[1]), number(a, 2), false))
		}, `"abcb".IndexOf('b', 2)`, "3"},
		{"int IndexOf(string value, StringComparison comparisonType)", func(f *frame, a []any) any { return int32(indexOf(f, a[0].(string), text(a, 1), 0, ignoresCase(a[2]))) }, `"aBc".IndexOf("b", StringComparison.OrdinalIgnoreCase)`, "1"},
		{"int IndexOf(string value, int startIndex, StringComparison comparisonType)", func(f *frame, a []any) any {
			return int32(indexOf(f, a[0].(string), text(a, 1), number(a, 2), ignoresCase(a[3])))
		}, `"aBcB".IndexOf("b", 2, StringComparison.OrdinalIgnoreCase)`, "3"},
		{"int IndexOfAny(char[] anyOf)", func(_ *frame, a []any) any { return int32(indexOfAny(a[0].(string), a[1])) }, `"a-b_c".IndexOfAny(new[] { '_', '-' })`, "1"},
		{"int LastIndexOf(string value)", func(_ *frame, a []any) any { return int32(lastIndexOf(a[0].(string), text(a, 1), false)) }, `"abcb".LastIndexOf("b")`, "3"},
		{"int LastIndexOf(char value)", func(_ *frame, a []any) any { return int32(lastIndexOf(a[0].(string), toText(a[1]), false)) }, `"a/b/c".LastIndexOf('/')`, "3"},
		{"int LastIndexOf(string value, StringComparison comparisonType)", func(_ *frame, a []any) any { return int32(lastIndexOf(a[0].(string), text(a, 1), ignoresCase(a[2]))) }, `"aBb".LastIndexOf("B", StringComparison.OrdinalIgnoreCase)`, "2"},
		{"string Replace(string oldValue, string newValue)", func(f *frame, a []any) any { return replace(f, a[0].(string), text(a, 1), toText(a[2])) }, `"a-b-c".Replace("-", "")`, "abc"},
		{"string Replace(char oldChar, char newChar)", func(f *frame, a []any) any { return replace(f, a[0].(string), toText(a[1]), toText(a[2])) }, `"a+b".Replace('+', '-')`, "a-b"},
		{"string ToLower()", func(f *frame, a []any) any { return f.text(strings.ToLower(a[0].(string))) }, `"ÄB".ToLower()`, "äb"},
		{"string ToLowerInvariant()", func(f *frame, a []any) any { return f.text(strings.ToLower(a[0].(string))) }, `"AB".ToLowerInvariant()`, "ab"},
		{"string ToUpper()", func(f *frame, a []any) any { return f.text(strings.ToUpper(a[0].(string))) }, `"ab".ToUpper()`, "AB"},
		{"string ToUpperInvariant()", func(f *frame, a []any) any { return f.text(strings.ToUpper(a[0].(string))) }, `"ab".ToUpperInvariant()`, "AB"},
		{"string Trim()", func(_ *frame, a []any) any { return strings.TrimFunc(a[0].(string), unicode.IsSpace) }, `"  a ".Trim()`, "a"},
		{"string Trim(params char[] trimChars)", func(_ *frame, a []any) any { return strings.TrimFunc(a[0].(string), trims(a[1])) }, `"/a/".Trim('/')`, "a"},
		{"string TrimStart(params char[] trimChars)", func(_ *frame, a []any) any { return strings.TrimLeftFunc(a[0].(string), trims(a[1])) }, `"//a/".TrimStart('/')`, "a/"},
		{"string TrimEnd(params char[] trimChars)", func(_ *frame, a []any) any { return strings.TrimRightFunc(a[0].(string), trims(a[1])) }, `"a==".TrimEnd('=')`, "a"},
		{"string PadLeft(int totalWidth, char paddingChar = ' ')", func(f *frame, a []any) any { return padded(f, a[0].(string), number(a, 1), a[2].(Char), false) }, `"7".PadLeft(3, '0')`, "007"},
		{"string PadRight(int totalWidth, char paddingChar = ' ')", func(f *frame, a []any) any { return padded(f, a[0].(string), number(a, 1), a[2].(Char), true) }, `"7".PadRight(3, '=')`, "7=="},
		{"string Insert(int startIndex, string value)", func(f *frame, a []any) any {
			s := a[0].(string)
			before, ok := slice(s, 0, number(a, 1))
			if !ok {
				throwRange("startIndex")
			}
			return f.text(before + text(a, 2) + s[len(before):])
		}, `"ac".Insert(1, "b")`, "abc"},
		{"string Remove(int startIndex)", func(f *frame, a []any) any { return substring(f, a[0].(string), 0, number(a, 1)) }, `"abc".Remove(1)`, "a"},
		{"string Remove(int startIndex, int count)", func(f *frame, a []any) any {
			s := a[0].(string)
			before, ok := slice(s, 0, number(a, 1))
			gone, too := slice(s, number(a, 1), number(a, 2))
			if !ok || !too {
				throwRange("count")
			}
			return f.text(before + s[len(before)+len(gone):])
		}, `"abcd".Remove(1, 2)`, "ad"},
		{"string[] Split(params char[] separator)", splits(0, 0), `"a,b;c".Split(',', ';').Length`, "3"},
		{"string[] Split(char separator, StringSplitOptions options)", splits(0, 2), `"a,,b".Split(',', StringSplitOptions.RemoveEmptyEntries).Length`, "2"},
		{"string[] Split(char[] separator, int count)", splits(2, 0), `"a=b=c".Split(new[] { '=' }, 2)[1]`, "b=c"},
		{"string[] Split(char separator, int count)", splits(2, 0), `"a=b=c".Split('=', 2)[1]`, "b=c"},
		{"string[] Split(char[] separator, StringSplitOptions options)", splits(0, 2), `"a, b".Split(new char[] { ',', ' ' }, StringSplitOptions.RemoveEmptyEntries)[1]`, "b"},
		{"string[] Split(char[] separator, int count, StringSplitOptions options)", splits(2, 3), `"a,,b,c".Split(new[] { ',' }, 2, StringSplitOptions.RemoveEmptyEntries)[0]`, "a"},
		{"string[] Split(string[] separator, StringSplitOptions options)", splits(0, 2), `"a--b".Split(new[] { "--" }, StringSplitOptions.None)[1]`, "b"},
		{"string[] Split(string[] separator, int count, StringSplitOptions options)", splits(2, 3), `"a--b--c".Split(new[] { "--" }, 2, StringSplitOptions.None)[1]`, "b--c"},
		{"string[] Split(string separator, StringSplitOptions options = 0)", splits(0, 2), `"a--b".Split("--")[1]`, "b"},
		{"char[] ToCharArray()", func(f *frame, a []any) any { return newArray("char", f.collect(a[0])) }, `"abc".ToCharArray().Length`, "3"},
		{"extension bool Equals(string value)", func(_ *frame, a []any) any { notNull(a[0]); return a[1] != nil && equalText(a[0], a[1], false) }, `"a".Equals("a")`, "True"},
		{"extension bool Equals(string value, StringComparison comparisonType)", func(_ *frame, a []any) any {
			notNull(a[0])
			return a[1] != nil && equalText(a[0], a[1], ignoresCase(a[2]))
		}, `"a".Equals("A", StringComparison.OrdinalIgnoreCase)`, "True"},
		{"int CompareTo(string value)", func(_ *frame, a []any) any { return compareStrings(a[0], a[1], false) }, `"a".CompareTo("b")`, "-1"},
		{"string ToString()", func(_ *frame, a []any) any { return a[0] }, `"a".ToString()`, "a"},
		{"string Normalize()", func(_ *frame, a []any) any { return a[0] }, `"a".Normalize()`, "a"},
		{"static bool IsNullOrEmpty(string value)", func(_ *frame, a []any) any { return a[0] == nil || a[0] == "" }, `string.IsNullOrEmpty("")`, "True"},
		{"static bool IsNullOrWhiteSpace(string value)", func(_ *frame, a []any) any { return isBlank(a[0]) }, `string.IsNullOrWhiteSpace(" \t")`, "True"},
		{"static string Format(string format, params object[] args)", func(f *frame, a []any) any { return formatText(f, text(a, 0), arguments(a, 1)) }, `string.Format("{0}-{1:D3}|{2,4}", "a", 7, "b")`, "a-007|   b"},
		{"static string Concat(params object[] args)", func(f *frame, a []any) any { return joinText(f, "", a[0]) }, `string.Concat("a", 1, null, true)`, "a1True"},
		{"static string Concat<T>(IEnumerable<T> values)", func(f *frame, a []any) any { return joinText(f, "", a[0]) }, `string.Concat(new[] { "a", "b" })`, "ab"},
		{"static string Join(string separator, params object[] values)", func(f *frame, a []any) any { return joinText(f, a[0], a[1]) }, `string.Join("-", 1, "a")`, "1-a"},
		{"static string Join<T>(string separator, IEnumerable<T> values)", func(f *frame, a []any) any { return joinText(f, a[0], a[1]) }, `string.Join(",", new[] { "a", "b" })`, "a,b"},
		{"static string Join<T>(char separator, IEnumerable<T> values)", func(f *frame, a []any) any { return joinText(f, a[0], a[1]) }, `string.Join(',', new[] { 1, 2 })`, "1,2"},
		{"static bool Equals(string a, string b)", func(_ *frame, a []any) any { return equalText(a[0], a[1], false) }, `string.Equals("a", null)`, "False"},
		{"static bool Equals(string a, string b, StringComparison comparisonType)", func(_ *frame, a []any) any { return equalText(a[0], a[1], ignoresCase(a[2])) }, `string.Equals("a", "A", StringComparison.OrdinalIgnoreCase)`, "True"},
		{"static int Compare(string a, string b)", func(_ *frame, a []any) any { return compareStrings(a[0], a[1], false) }, `string.Compare("b", "a")`, "1"},
		{"static int Compare(string a, string b, bool ignoreCase)", func(_ *frame, a []any) any { return compareStrings(a[0], a[1], a[2].(bool)) }, `string.Compare("a", "A", true)`, "0"},
		{"static int Compare(string a, string b, StringComparison comparisonType)", func(_ *frame, a []any) any { return compareStrings(a[0], a[1], ignoresCase(a[2])) }, `string.Compare("a", "A", StringComparison.OrdinalIgnoreCase)`, "0"},
		{"static int CompareOrdinal(string a, string b)", func(_ *frame, a []any) any { return int32(strings.Compare(toText(a[0]), toText(a[1]))) }, `string.CompareOrdinal("a", "b")`, "-1"},
		{"static string Copy(string str)", func(_ *frame, a []any) any { return a[0] }, `string.Copy("a")`, "a"},
	}},
	{"StringComparer", []row{
		{"static StringComparer Ordinal", func(*frame, []any) any { return &comparer{false} }, "", ""},
		{"static StringComparer OrdinalIgnoreCase", func(*frame, []any) any { return &comparer{true} }, "", ""},
		{"static StringComparer InvariantCulture", func(*frame, []any) any { return &comparer{false} }, "", ""},
		{"static StringComparer InvariantCultureIgnoreCase", func(*frame, []any) any { return &comparer{true} }, "", ""},
		{"static StringComparer CurrentCulture", func(*frame, []any) any { return &comparer{false} }, "", ""},
		{"static StringComparer CurrentCultureIgnoreCase", func(*frame, []any) any { return &comparer{true} }, "", ""},
		{"bool Equals(string a, string b)", func(_ *frame, a []any) any { return equalText(a[1], a[2], a[0].(*comparer).fold) }, `StringComparer.OrdinalIgnoreCase.Equals("a", "A")`, "True"},
		{"int Compare(string a, string b)", func(_ *frame, a []any) any { return compareStrings(a[1], a[2], a[0].(*comparer).fold) }, `StringComparer.OrdinalIgnoreCase.Compare("a", "B")`, "-1"},
	}},
}

// comparer is a StringComparer.
type comparer struct{ fold bool }

func (*comparer) typeName() string { return "StringComparer" }

func folds(v any) bool {
	c, ok := v.(*comparer)
	return ok && c.fold
}

func notNull(v any) {
	if v == nil {
		throwNull()
	}
}

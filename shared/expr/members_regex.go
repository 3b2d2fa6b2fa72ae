package expr

import (
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
)

// regex is a Regex. Go's regular expressions take time in proportion to the
// text, so that a timeout never comes; the work counts as steps.
type regex struct {
	re   *regexp.Regexp
	cost int // instructions of the program
}

func (*regex) typeName() string { return "Regex" }

type regexKey struct {
	pattern string
	options int64
}

// regexes keeps compiled patterns; there are as many as policies have, or
// maxRegexes.
var regexes struct {
	sync.Mutex
	m map[regexKey]*regex
}

const (
	maxRegexes      = 512
	maxRegexPattern = 16 << 10
)

func compileRegex(f *frame, pattern string, options int64) *regex {
	f.step(4 + len(pattern)/8)
	key := regexKey{pattern, options}
	regexes.Lock()
	r := regexes.m[key]
	regexes.Unlock()
	if r != nil {
		return r
	}
	f.step(100 + len(pattern))
	f.charge(64 * len(pattern))
	r, problem := translate(pattern, options)
	if problem != "" {
		throw("ArgumentException", "Invalid pattern '%s': %s", pattern, problem)
	}
	regexes.Lock()
	defer regexes.Unlock()
	if regexes.m == nil || len(regexes.m) >= maxRegexes {
		regexes.m = map[regexKey]*regex{}
	}
	regexes.m[key] = r
	return r
}

// translate turns a .NET pattern into one of Go; problem says what it has that
// Go's cannot do.
func translate(pattern string, options int64) (r *regex, problem string) {
	if len(pattern) > maxRegexPattern {
		return nil, "it is too long"
	}
	source, problem := rewrite(pattern, options&32 != 0)
	if problem != "" {
		return nil, problem
	}
	for _, option := range []struct {
		bit  int64
		flag string
	}{{1, "(?i)"}, {2, "(?m)"}, {16, "(?s)"}} {
		if options&option.bit != 0 {
			source = option.flag + source
		}
	}
	parsed, err := syntax.Parse(source, syntax.Perl)
	if err != nil {
		return nil, err.Error()
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, err.Error()
	}
	re, err := regexp.Compile(source)
	if err != nil {
		return nil, err.Error()
	}
	return &regex{re, len(program.Inst)}, ""
}

// unsupported are beginnings of groups that look around or back.
var unsupported = []string{"(?=", "(?!", "(?<=", "(?<!", "(?>", "(?("}

// rewrite changes what .NET writes otherwise. $ and \Z also match before a final
// line break, and classes may subtract; \d and \w are those of Unicode.
func rewrite(p string, extended bool) (out, problem string) {
	var b strings.Builder
	class := false
	for i := 0; i < len(p); i++ {
		c := p[i]
		rest := p[i:]
		switch {
		case c == '\\' && i+1 < len(p):
			n, text, problem := rewriteEscape(rest, class)
			if problem != "" {
				return "", problem
			}
			b.WriteString(text)
			i += n - 1
		case class:
			if strings.HasPrefix(rest, "-[") {
				return "", "character class subtraction is not supported; list the characters"
			}
			if c == '[' && !strings.HasPrefix(rest, "[:") {
				b.WriteByte('\\')
			}
			b.WriteByte(c)
			class = c != ']'
		case c == '[':
			class = true
			n := 1
			for n < len(rest) && (rest[n] == '^' && n == 1) {
				n++
			}
			if n < len(rest) && rest[n] == ']' {
				b.WriteString(rest[:n] + `\]`)
				i += n
				continue
			}
			b.WriteString(rest[:n])
			i += n - 1
		case c == '(' && hasAnyPrefix(rest, unsupported):
			return "", "look-around, atomic and conditional groups are not supported; match more and take groups, or test in two steps"
		case strings.HasPrefix(rest, "(?'"):
			end := strings.IndexByte(rest[3:], '\'')
			if end < 0 {
				return "", "the group's name has no end"
			}
			b.WriteString("(?P<" + rest[3:3+end] + ">")
			i += 3 + end
		case strings.HasPrefix(rest, "(?#"):
			end := strings.IndexByte(rest, ')')
			if end < 0 {
				return "", "the comment has no end"
			}
			i += end
		case extended && strings.IndexByte(" \t\r\n", c) >= 0:
		case extended && c == '#':
			for i+1 < len(p) && p[i+1] != '\n' {
				i++
			}
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}

func hasAnyPrefix(s string, list []string) bool {
	for _, prefix := range list {
		if strings.HasPrefix(s, prefix) {
			return true
		}
	}
	return false
}

// rewriteEscape translates one escape; n is its length.
func rewriteEscape(s string, class bool) (n int, text, problem string) {
	switch c := s[1]; {
	case c >= '1' && c <= '9' && !class, c == 'k' && !class:
		return 0, "", "back-references are not supported; compare groups in C#"
	case c == 'u' && len(s) >= 6:
		return 6, `\x{` + s[2:6] + "}", ""
	case c == 'Z':
		return 2, `(?:\n?\z)`, ""
	case c == 'e':
		return 2, `\x1b`, ""
	case c == 'G':
		return 0, "", `\G is not supported`
	case c == 'd' && !class:
		return 2, `\p{Nd}`, ""
	case c == 'w' && !class:
		return 2, `[\p{L}\p{Mn}\p{Nd}\p{Pc}]`, ""
	case c == 's' && !class:
		return 2, `[\s\v\x{85}\p{Z}]`, ""
	case c == '_' || c == '"' || c == '\'' || c == '/' || c == '=' || c == '@' || c == '#' || c == ' ' || c == ',' || c == ';' || c == ':' || c == '<' || c == '>' || c == '%' || c == '&' || c == '!' || c == '~' || c == '`':
		return 2, regexp.QuoteMeta(string(c)), ""
	}
	return 2, s[:2], ""
}

// work charges for matching text.
func (r *regex) work(f *frame, text string) { f.step(1 + len(text)*min(r.cost, 64)/64) }

func (r *regex) match(f *frame, text string) bool {
	r.work(f, text)
	return r.re.MatchString(text)
}

// matched is a Match, Group or Capture.
type matched struct {
	r     *regex
	text  string
	loc   []int // of all groups; nil: no match
	group int
	class string
}

func (m *matched) typeName() string { return m.class }

func (m *matched) success() bool { return m.loc != nil && m.loc[2*m.group] >= 0 }

func (m *matched) String() string {
	if !m.success() {
		return ""
	}
	return m.text[m.loc[2*m.group]:m.loc[2*m.group+1]]
}

func (r *regex) first(f *frame, text string, from int) *matched {
	r.work(f, text[from:])
	m := &matched{r: r, text: text, class: "Match"}
	if loc := r.re.FindStringSubmatchIndex(text[from:]); loc != nil {
		m.loc = loc
		for i := range loc {
			if loc[i] >= 0 {
				loc[i] += from
			}
		}
	}
	return m
}

// matches are the MatchCollection, GroupCollection and CaptureCollection.
type matches struct {
	list  []*matched
	names []string // of groups
	class string
}

func (m *matches) typeName() string { return m.class }

func (m *matches) iterate(_ *frame, yield func(any) bool) {
	for _, x := range m.list {
		if !yield(x) {
			return
		}
	}
}

func (r *regex) all(f *frame, text string) *matches {
	r.work(f, text)
	out := &matches{class: "MatchCollection"}
	for _, loc := range r.re.FindAllStringSubmatchIndex(text, -1) {
		f.step(1)
		f.charge(96)
		out.list = append(out.list, &matched{r: r, text: text, loc: loc, class: "Match"})
	}
	return out
}

func (m *matched) groups() *matches {
	out := &matches{names: m.r.re.SubexpNames(), class: "GroupCollection"}
	for i := range m.r.re.NumSubexp() + 1 {
		out.list = append(out.list, &matched{m.r, m.text, m.loc, i, "Group"})
	}
	return out
}

// named is a group by name or number; unknown ones did not match.
func (m *matches) named(name string) any {
	for i, n := range m.names {
		if n == name || n == "" && numberText(int32(i)) == name {
			return m.list[i]
		}
	}
	return &matched{class: "Group"}
}

// expand replaces matches; $1, ${name} and $& refer to groups.
func (r *regex) expand(f *frame, text, by string, limit int) any {
	return r.rewriteText(f, text, limit, func(m *matched) string { return m.expand(by) })
}

func (r *regex) rewriteText(f *frame, text string, limit int, by func(m *matched) string) any {
	var b strings.Builder
	at := 0
	for i, m := range r.all(f, text).list {
		if limit >= 0 && i >= limit {
			break
		}
		b.WriteString(text[at:m.loc[0]])
		piece := by(m)
		f.charge(len(piece))
		b.WriteString(piece)
		at = m.loc[1]
	}
	b.WriteString(text[at:])
	return f.text(b.String())
}

func (m *matched) expand(by string) string {
	var b strings.Builder
	groups := m.groups()
	for i := 0; i < len(by); i++ {
		if by[i] != '$' || i+1 == len(by) {
			b.WriteByte(by[i])
			continue
		}
		n := i + 1
		for n < len(by) && by[n] >= '0' && by[n] <= '9' {
			n++
		}
		switch c := by[i+1]; {
		case c == '$':
			b.WriteByte('$')
			i++
		case c == '&':
			b.WriteString(m.String())
			i++
		case n > i+1 && groups.known(by[i+1:n]):
			b.WriteString(toText(groups.named(by[i+1 : n])))
			i = n - 1
		case c == '{' && strings.IndexByte(by[i:], '}') > 0 && groups.known(by[i+2:i+strings.IndexByte(by[i:], '}')]):
			end := i + strings.IndexByte(by[i:], '}')
			b.WriteString(toText(groups.named(by[i+2 : end])))
			i = end
		default:
			b.WriteByte('$')
		}
	}
	return b.String()
}

func (m *matches) known(name string) bool {
	g, _ := m.named(name).(*matched)
	return g.r != nil
}

func (r *regex) split(f *frame, text string) any {
	var parts []string
	at := 0
	for _, m := range r.all(f, text).list {
		parts = append(parts, text[at:m.loc[0]])
		for i := 2; i < len(m.loc); i += 2 {
			if m.loc[i] >= 0 {
				parts = append(parts, text[m.loc[i]:m.loc[i+1]])
			}
		}
		at = m.loc[1]
	}
	f.charge(len(text) + 32*len(parts))
	return stringArray(append(parts, text[at:]))
}

// regexRows are the methods, once static with a pattern and once of a Regex.
func regexRows() []row {
	rows := []row{
		{"new(string pattern)", func(f *frame, a []any) any { return compileRegex(f, text(a, 0), 0) }, `new Regex("^a+$").IsMatch("aa")`, "True"},
		{"new(string pattern, RegexOptions options)", func(f *frame, a []any) any { return compileRegex(f, text(a, 0), integer(a[1])) }, `new Regex("A", RegexOptions.IgnoreCase).IsMatch("a")`, "True"},
		{"new(string pattern, RegexOptions options, TimeSpan matchTimeout)", func(f *frame, a []any) any { return compileRegex(f, text(a, 0), integer(a[1])) }, `new Regex("a", RegexOptions.None, TimeSpan.FromSeconds(1)).IsMatch("b")`, "False"},
		{"static string Escape(string str)", func(f *frame, a []any) any { return f.text(escapeRegex(text(a, 0))) }, `Regex.Escape("a.b c")`, `a\.b\ c`},
		{"static string Unescape(string str)", func(f *frame, a []any) any { return f.text(unescapeRegex(text(a, 0))) }, `Regex.Unescape(@"a\.b")`, "a.b"},
		{"string Replace(string input, string replacement, int count)", func(f *frame, a []any) any { return a[0].(*regex).expand(f, text(a, 1), text(a, 2), number(a, 3)) }, `new Regex("a").Replace("aa", "b", 1)`, "ba"},
		{"static string Replace(string input, string pattern, Func<Match, string> evaluator)", func(f *frame, a []any) any {
			fn := a[2]
			return compileRegex(f, text(a, 1), 0).rewriteText(f, text(a, 0), -1, func(m *matched) string { return toText(f.invoke(fn, m)) })
		}, `Regex.Replace("a1", "[0-9]", m => "<" + m.Value + ">")`, "a<1>"},
		{"string Replace(string input, Func<Match, string> evaluator)", func(f *frame, a []any) any {
			fn := a[2]
			return a[0].(*regex).rewriteText(f, text(a, 1), -1, func(m *matched) string { return toText(f.invoke(fn, m)) })
		}, `new Regex("[0-9]").Replace("a1", m => "")`, "a"},
	}
	for _, m := range []struct {
		result, name, more string
		run                func(f *frame, r *regex, a []any) any
		static, instance   string
		want               string
	}{
		{"bool", "IsMatch", "", func(f *frame, r *regex, a []any) any { return r.match(f, text(a, 0)) }, `Regex.IsMatch("ab", "^a"%s)`, `new Regex("^a").IsMatch("ab")`, "True"},
		{"Match", "Match", "", func(f *frame, r *regex, a []any) any { return r.first(f, text(a, 0), 0) }, `Regex.Match("x=12", @"\d+"%s).Value`, `new Regex(@"\d+").Match("x=12").Value`, "12"},
		{"MatchCollection", "Matches", "", func(f *frame, r *regex, a []any) any { return r.all(f, text(a, 0)) }, `Regex.Matches("a1b2", @"\d"%s).Count`, `new Regex(@"\d").Matches("a1b2").Count`, "2"},
		{"string[]", "Split", "", func(f *frame, r *regex, a []any) any { return r.split(f, text(a, 0)) }, `Regex.Split("a, b", @",\s*"%s)[1]`, `new Regex(@",\s*").Split("a, b")[1]`, "b"},
		{"string", "Replace", ", string replacement", func(f *frame, r *regex, a []any) any { return r.expand(f, text(a, 0), text(a, len(a)-1), -1) }, `Regex.Replace("a-b", "(.)-(.)", "$2-$1"%s)`, `new Regex("(.)-(.)").Replace("a-b", "$2-$1")`, "b-a"},
	} {
		rows = append(rows, row{m.result + " " + m.name + "(string input" + m.more + ")", func(f *frame, a []any) any { return m.run(f, a[0].(*regex), a[1:]) }, m.instance, m.want})
		for extra, options := range []string{"", ", RegexOptions options", ", RegexOptions options, TimeSpan matchTimeout"} {
			given := []string{"", ", RegexOptions.IgnoreCase", ", RegexOptions.None, TimeSpan.FromSeconds(1)"}[extra]
			rows = append(rows, row{"static " + m.result + " " + m.name + "(string input, string pattern" + m.more + options + ")", func(f *frame, a []any) any {
				flags := int64(0)
				if extra > 0 {
					flags = integer(a[len(a)-extra])
				}
				return m.run(f, compileRegex(f, text(a, 1), flags), a[:len(a)-extra])
			}, strings.Replace(m.static, "%s", given, 1), m.want})
		}
	}
	return rows
}

func escapeRegex(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case strings.ContainsRune(`\*+?|{[()^$.# `, r):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func unescapeRegex(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
			if r, ok := escapes[s[i]]; ok {
				b.WriteRune(r)
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

var regexMembers = []memberTable{
	{"Regex", regexRows()},
	{"Capture", []row{
		{"string Value", func(_ *frame, a []any) any { return a[0].(*matched).String() }, `Regex.Match("ab", "b").Value`, "b"},
		{"int Index", func(_ *frame, a []any) any {
			m := a[0].(*matched)
			if !m.success() {
				return int32(0)
			}
			return int32(unitIndex(m.text, m.loc[2*m.group]))
		}, `Regex.Match("ab", "b").Index`, "1"},
		{"int Length", func(_ *frame, a []any) any { return int32(units(a[0].(*matched).String())) }, `Regex.Match("abb", "b+").Length`, "2"},
	}},
	{"Group", []row{
		{"bool Success", func(_ *frame, a []any) any { return a[0].(*matched).success() }, `Regex.Match("ab", "(c)?").Groups[1].Success`, "False"},
		{"string Name", func(_ *frame, a []any) any {
			m := a[0].(*matched)
			if m.r == nil || m.r.re.SubexpNames()[m.group] == "" {
				return numberText(int32(m.group))
			}
			return m.r.re.SubexpNames()[m.group]
		}, `Regex.Match("ab", "(?<x>b)").Groups["x"].Name`, "x"},
		{"CaptureCollection Captures", func(_ *frame, a []any) any {
			out := &matches{class: "CaptureCollection"}
			if m := a[0].(*matched); m.success() {
				out.list = []*matched{m}
			}
			return out
		}, `Regex.Match("ab", "b").Captures.Count`, "1"},
	}},
	{"Match", []row{
		{"GroupCollection Groups", func(_ *frame, a []any) any {
			if m := a[0].(*matched); m.r != nil {
				return m.groups()
			}
			return &matches{class: "GroupCollection"}
		}, `Regex.Match("ab", "a(?<rest>.)").Groups["rest"].Value`, "b"},
		{"Match NextMatch()", func(f *frame, a []any) any {
			m := a[0].(*matched)
			if !m.success() {
				return m
			}
			from := m.loc[1]
			if from == m.loc[0] {
				from++
			}
			if from > len(m.text) {
				return &matched{r: m.r, text: m.text, class: "Match"}
			}
			return m.r.first(f, m.text, from)
		}, `Regex.Match("a1b2", "[0-9]").NextMatch().Value`, "2"},
	}},
	{"GroupCollection", []row{
		{"Group this[string groupname]", func(_ *frame, a []any) any { return a[0].(*matches).named(text(a, 1)) }, `Regex.Match("ab", "(?<x>b)").Groups["y"].Success`, "False"},
		{"Group this[int groupnum]", func(_ *frame, a []any) any { return a[0].(*matches).named(numberText(a[1])) }, `Regex.Match("ab", "(b)").Groups[1].Value`, "b"},
	}},
}

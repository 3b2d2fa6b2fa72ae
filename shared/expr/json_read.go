package expr

import (
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// jsonReader reads JSON as leniently as Newtonsoft.Json does: names may be
// without quotes, strings in single quotes; comments and a comma before a
// closing bracket are allowed, and of equal names the last one counts. That is
// why it is not jsontext that reads here.
type jsonReader struct {
	src   string
	pos   int
	depth int
	f     *frame // pays; nil: nobody
}

const maxJSONDepth = 128

// ParseJSON reads a JSON document into the value that expressions see.
func ParseJSON(text string) (t JToken, err error) {
	defer func() {
		if e, ok := recover().(*thrownException); ok {
			t, err = nil, e.export()
		}
	}()
	return parseJSON(nil, text), nil
}

func parseJSON(f *frame, text string) JToken {
	r := &jsonReader{src: strings.TrimPrefix(text, "\ufeff"), f: f}
	if f != nil {
		f.charge(4 * len(text))
		f.step(len(text) / 16)
	}
	r.space()
	if r.pos >= len(r.src) {
		r.fail("Error reading JToken from JsonReader.")
	}
	t := r.token()
	if r.space(); r.pos < len(r.src) {
		r.fail("Additional text encountered after finished reading JSON content: %c.", r.char())
	}
	return t
}

// fail gives the place as Newtonsoft does: lines from 1, positions from 0, and
// line 0 where nothing was read.
func (r *jsonReader) fail(format string, args ...any) {
	line := 1 + strings.Count(r.src[:r.pos], "\n")
	column := r.pos - strings.LastIndexByte(r.src[:r.pos], '\n') - 1
	if r.pos == 0 {
		line = 0
	}
	throw("JsonReaderException", format+" Path '', line %d, position %d.", append(args, line, column)...)
}

func (r *jsonReader) char() rune {
	c, _ := utf8.DecodeRuneInString(r.src[min(r.pos, len(r.src)):])
	return c
}

func (r *jsonReader) space() {
	for r.pos < len(r.src) {
		rest := r.src[r.pos:]
		switch {
		case strings.IndexByte(" \t\r\n", rest[0]) >= 0:
			r.pos++
		case strings.HasPrefix(rest, "\u00a0"):
			r.pos += 2
		case strings.HasPrefix(rest, "//"):
			n := strings.IndexByte(rest, '\n')
			if n < 0 {
				n = len(rest)
			}
			r.pos += n
		case strings.HasPrefix(rest, "/*"):
			n := strings.Index(rest, "*/")
			if n < 0 {
				r.fail("Unexpected end while parsing comment.")
			}
			r.pos += n + 2
		default:
			return
		}
	}
}

// peek is the next byte that is no space; 0 at the end.
func (r *jsonReader) peek() byte {
	r.space()
	if r.pos >= len(r.src) {
		return 0
	}
	return r.src[r.pos]
}

func (r *jsonReader) token() JToken {
	if r.depth++; r.depth > maxJSONDepth {
		r.fail("The reader's MaxDepth of %d has been exceeded.", maxJSONDepth)
	}
	defer func() { r.depth-- }()
	if r.f != nil {
		r.f.charge(48)
	}
	switch c := r.peek(); {
	case c == '{':
		return r.object()
	case c == '[':
		return r.array()
	case c == '"' || c == '\'':
		return stringToken(r.str())
	case c == '-' || c == '.' || c >= '0' && c <= '9':
		return r.number()
	}
	return r.word()
}

func (r *jsonReader) object() JToken {
	o := &JObject{}
	r.pos++
	for {
		switch c := r.peek(); c {
		case '}':
			r.pos++
			return o
		case 0:
			r.fail("Unexpected end of content while loading JObject.")
		case ',':
			r.fail("Invalid property identifier character: ,.")
		}
		name := r.propertyName()
		if r.peek() != ':' {
			r.fail("Invalid character after parsing property name. Expected ':' but got: %c.", r.char())
		}
		r.pos++
		value := r.token()
		if i := o.find(name); i >= 0 {
			o.props[i].value = value
			value.attach(o.props[i])
		} else {
			p := &JProperty{name: name, value: value}
			value.attach(p)
			p.attach(o)
			o.props = append(o.props, p)
			if o.index != nil {
				o.index[name] = len(o.props) - 1
			} else if len(o.props) >= indexFrom {
				o.reindex()
			}
		}
		if r.separator('}') {
			return o
		}
	}
}

// separator takes a comma, or the closing bracket and says true.
func (r *jsonReader) separator(closing byte) bool {
	switch r.peek() {
	case ',':
		r.pos++
		return false
	case closing:
		r.pos++
		return true
	case 0:
		r.fail("Unexpected end of content.")
	}
	r.fail("After parsing a value an unexpected character was encountered: %c.", r.char())
	return true
}

func (r *jsonReader) propertyName() string {
	if c := r.src[r.pos]; c == '"' || c == '\'' {
		return r.str()
	}
	start := r.pos
	for r.pos < len(r.src) {
		c := r.src[r.pos]
		if c != '_' && c != '$' && (c < '0' || c > '9') && (c|32 < 'a' || c|32 > 'z') && c < utf8.RuneSelf {
			break
		}
		r.pos++
	}
	if r.pos == start {
		r.fail("Invalid property identifier character: %c.", r.char())
	}
	return r.src[start:r.pos]
}

func (r *jsonReader) array() JToken {
	a := &JArray{}
	r.pos++
	for {
		switch r.peek() {
		case ']':
			r.pos++
			return a
		case 0:
			r.fail("Unexpected end of content while loading JArray.")
		}
		value := r.token()
		value.attach(a)
		a.items = append(a.items, value)
		if r.separator(']') {
			return a
		}
	}
}

func (r *jsonReader) str() string {
	quote := r.src[r.pos]
	r.pos++
	start := r.pos
	if i := strings.IndexAny(r.src[start:], string(quote)+`\`); i >= 0 && r.src[start+i] == quote {
		r.pos += i + 1
		return r.src[start : start+i]
	}
	var b textBuilder
	for r.pos < len(r.src) {
		switch c := r.src[r.pos]; c {
		case quote:
			r.pos++
			return b.String()
		case '\\':
			r.escape(&b)
		default:
			n := strings.IndexAny(r.src[r.pos:], string(quote)+`\`)
			if n < 0 {
				n = len(r.src) - r.pos
			}
			b.text(r.src[r.pos : r.pos+n])
			r.pos += n
		}
	}
	r.fail("Unterminated string. Expected delimiter: %c.", quote)
	return ""
}

func (r *jsonReader) escape(b *textBuilder) {
	if r.pos+1 >= len(r.src) {
		r.fail("Unterminated string. Expected delimiter: \".")
	}
	c := r.src[r.pos+1]
	r.pos += 2
	if c == 'u' {
		if r.pos+4 > len(r.src) {
			r.fail("Unexpected end while parsing Unicode escape sequence.")
		}
		v, err := strconv.ParseUint(r.src[r.pos:r.pos+4], 16, 16)
		if err != nil {
			r.fail("Invalid Unicode escape sequence: \\u%s.", r.src[r.pos:r.pos+4])
		}
		r.pos += 4
		b.unit(rune(v))
		return
	}
	i := strings.IndexByte(`"'\/bfnrt`, c)
	if i < 0 {
		r.fail("Bad JSON escape sequence: \\%c.", c)
	}
	b.text("\"'\\/\b\f\n\r\t"[i : i+1])
}

func (r *jsonReader) number() JToken {
	start := r.pos
	for r.pos < len(r.src) && strings.IndexByte("+-.eE0123456789xXabcdfABCDFInity", r.src[r.pos]) >= 0 {
		r.pos++
	}
	text := r.src[start:r.pos]
	if text == "-Infinity" {
		return &JValue{v: mustFloat(text), k: jsonFloat}
	}
	if !strings.ContainsAny(text, ".eE") {
		if n, ok := new(big.Int).SetString(text, 0); ok && len(text) < 400 {
			if n.IsInt64() {
				return &JValue{v: n.Int64(), text: plainDigits(text), k: jsonInteger}
			}
			return &JValue{v: n, text: plainDigits(text), k: jsonInteger}
		}
	}
	d, err := strconv.ParseFloat(text, 64)
	if err != nil && d == 0 || strings.ContainsAny(text, "xXabcdfABCDFInity") {
		r.pos = start
		r.fail("Input string '%s' is not a valid number.", text)
	}
	return &JValue{v: d, text: text, k: jsonFloat}
}

func mustFloat(s string) float64 {
	d, _ := strconv.ParseFloat(s, 64)
	return d
}

// plainDigits keeps the text of numbers that are JSON; others are rewritten.
func plainDigits(s string) string {
	if strings.Trim(s, "-0123456789") != "" || len(strings.TrimLeft(s, "-0")) == 0 && s != "0" {
		return ""
	}
	if strings.HasPrefix(strings.TrimPrefix(s, "-"), "0") && s != "0" {
		return ""
	}
	return s
}

func (r *jsonReader) word() JToken {
	words := []struct {
		text string
		v    *JValue
	}{
		{"true", &JValue{v: true, k: jsonBoolean}}, {"false", &JValue{v: false, k: jsonBoolean}}, {"null", &JValue{k: jsonNull}},
		{"undefined", &JValue{k: jsonUndefined}}, {"NaN", &JValue{v: mustFloat("NaN"), k: jsonFloat}}, {"Infinity", &JValue{v: mustFloat("Inf"), k: jsonFloat}},
	}
	for _, w := range words {
		if strings.HasPrefix(r.src[r.pos:], w.text) {
			r.pos += len(w.text)
			return w.v
		}
	}
	if r.pos >= len(r.src) {
		r.fail("Unexpected end of content.")
	}
	r.fail("Unexpected character encountered while parsing value: %c.", r.char())
	return nil
}

// stringToken makes dates of strings that look like ISO 8601, as Newtonsoft does.
func stringToken(s string) JToken {
	if d, ok := jsonDateOf(s); ok {
		return &JValue{v: d, k: jsonDate}
	}
	return &JValue{v: s, k: jsonString}
}

func jsonDateOf(s string) (DateTime, bool) {
	if len(s) < 19 || len(s) > 40 || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return DateTime{}, false
	}
	p, ok := matchTime(s[:19], "yyyy-MM-ddTHH:mm:ss")
	if !ok {
		return DateTime{}, false
	}
	rest := s[19:]
	if strings.HasPrefix(rest, ".") {
		n := 1
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		if n == 1 {
			return DateTime{}, false
		}
		fraction, _ := strconv.ParseInt((rest[1:n] + "0000000")[:7], 10, 64)
		p.ticks += fraction
		rest = rest[n:]
	}
	switch {
	case rest == "":
		return DateTime{ticks: p.ticks}, true
	case rest == "Z":
		return DateTime{p.ticks, kindUTC}, true
	}
	if len(rest) != 6 || rest[3] != ':' {
		return DateTime{}, false
	}
	if _, p.offset, p.zoned, ok = cutZone(":" + rest); !ok || !p.zoned {
		return DateTime{}, false
	}
	ticks := p.ticks - int64(p.offset)*ticksPerMinute
	return DateTime{ticks, kindLocal}, ticks >= 0 && ticks <= maxTicks
}

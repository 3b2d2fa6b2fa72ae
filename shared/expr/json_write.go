package expr

import (
	"math/big"
	"strconv"
	"strings"
)

// display is ToString(): the plain text of values, indented JSON of others.
func display(t JToken) string {
	v, ok := t.(*JValue)
	if !ok {
		return writeJSON(t, true)
	}
	switch {
	case v.k == jsonNull:
		return ""
	case v.k == jsonRaw:
		return v.text
	case v.k == jsonBytes:
		return "System.Byte[]"
	}
	if n, ok := v.v.(*big.Int); ok {
		return n.String()
	}
	return toText(v.v)
}

// writeJSON writes a token as Newtonsoft does.
func writeJSON(t JToken, indented bool) string {
	w := jsonWriter{indented: indented}
	w.token(t)
	return w.String()
}

// jsonWriter writes JSON text.
type jsonWriter struct {
	strings.Builder
	indented bool
	level    int
}

func (w *jsonWriter) line() {
	if w.indented {
		w.WriteString("\r\n")
		for range w.level {
			w.WriteString("  ")
		}
	}
}

func (w *jsonWriter) token(t JToken) {
	switch t := t.(type) {
	case *JObject:
		writeList(w, '{', t.props, '}')
	case *JArray:
		writeList(w, '[', t.items, ']')
	case *JProperty:
		w.quote(t.name)
		w.WriteByte(':')
		if w.indented {
			w.WriteByte(' ')
		}
		w.token(t.value)
	case *JValue:
		w.value(t)
	}
}

// writeList writes the properties of an object or the items of an array, between
// brackets.
func writeList[T JToken](w *jsonWriter, begin byte, list []T, end byte) {
	w.WriteByte(begin)
	w.level++
	for i, t := range list {
		if i > 0 {
			w.WriteByte(',')
		}
		w.line()
		w.token(t)
	}
	w.level--
	if len(list) > 0 {
		w.line()
	}
	w.WriteByte(end)
}

func (w *jsonWriter) value(v *JValue) {
	switch {
	case v.text != "":
		w.WriteString(v.text)
		return
	case v.v == nil:
		w.WriteString("null")
		return
	}
	switch x := v.v.(type) {
	case string:
		w.quote(x)
	case bool:
		w.WriteString(strconv.FormatBool(x))
	case *big.Int:
		w.WriteString(x.String())
	case float64, float32, Decimal:
		w.WriteString(jsonNumber(x))
	case DateTime:
		w.quote(x.format("yyyy-MM-ddTHH:mm:ss.FFFFFFFK"))
	case DateTimeOffset:
		w.quote(x.format("yyyy-MM-ddTHH:mm:ss.FFFFFFFzzz"))
	case []byte:
		w.quote(base64Text(x))
	default:
		if v.k == jsonInteger {
			w.WriteString(toText(x))
		} else {
			w.quote(toText(x))
		}
	}
}

// jsonNumber has a point even where the fraction is zero.
func jsonNumber(v any) string {
	s := numberText(v)
	switch s {
	case "NaN", "Infinity", "-Infinity":
		return `"` + s + `"`
	}
	if !strings.ContainsAny(s, ".E") {
		s += ".0"
	}
	return s
}

const hexDigits = "0123456789abcdef"

// quote writes a string with the escapes that Newtonsoft uses.
func (w *jsonWriter) quote(s string) {
	w.WriteByte('"')
	start := 0
	for i, r := range s {
		var escaped string
		switch r {
		case '"':
			escaped = `\"`
		case '\\':
			escaped = `\\`
		case '\n':
			escaped = `\n`
		case '\r':
			escaped = `\r`
		case '\t':
			escaped = `\t`
		case '\b':
			escaped = `\b`
		case '\f':
			escaped = `\f`
		case '\u0085':
			escaped = `\u0085`
		case '\u2028':
			escaped = `\u2028`
		case '\u2029':
			escaped = `\u2029`
		default:
			if r >= ' ' {
				continue
			}
			escaped = `\u00` + string(hexDigits[r>>4]) + string(hexDigits[r&15])
		}
		w.WriteString(s[start:i] + escaped)
		start = i + len(string(r))
	}
	w.WriteString(s[start:])
	w.WriteByte('"')
}

package policies

import (
	"net/url"
	"strings"
)

// pair is a parameter of a query string as it stands there, between two &.
type pair struct {
	raw  string
	name string // decoded
}

// queryPairs are the parameters of a query string in order.
func queryPairs(raw string) []pair {
	if raw == "" {
		return nil
	}
	pairs := make([]pair, 0, 1+strings.Count(raw, "&"))
	for part := range strings.SplitSeq(raw, "&") {
		if part != "" {
			pairs = append(pairs, pair{part, nameOf(part)})
		}
	}
	return pairs
}

// nameOf is the decoded name of a parameter; what cannot be decoded stands as
// it is.
func nameOf(part string) string {
	name, _, _ := strings.Cut(part, "=")
	if plain, err := url.QueryUnescape(name); err == nil {
		return plain
	}
	return name
}

// queryString puts parameters together again.
func queryString(pairs []pair) string {
	var out strings.Builder
	for i, p := range pairs {
		if i > 0 {
			out.WriteByte('&')
		}
		out.WriteString(p.raw)
	}
	return out.String()
}

// newPair is a parameter of a name and a value.
func newPair(name, value string) pair {
	return pair{escapeQuery(name, "$'()*,:@/?!-._~") + "=" + escapeQuery(value, "=$'()*,:@/?!-._~"), name}
}

// escapeQuery escapes all but letters, digits and the characters of plain,
// which a query may hold as they are (RFC 3986, section 3.4).
func escapeQuery(text, plain string) string {
	return escape(text, func(c byte) bool { return isAlphanumeric(c) || strings.IndexByte(plain, c) >= 0 })
}

// cleanQuery escapes what must not stand in a query string, and nothing else.
func cleanQuery(raw string) string {
	return escape(raw, func(c byte) bool { return c > ' ' && c < 0x7f && strings.IndexByte("\"#<>", c) < 0 })
}

// escape writes the bytes that are not plain as %XX.
func escape(text string, plain func(byte) bool) string {
	const hex = "0123456789ABCDEF"
	var out []byte
	for i := range len(text) {
		c := text[i]
		if plain(c) {
			if out != nil {
				out = append(out, c)
			}
			continue
		}
		if out == nil {
			out = append(make([]byte, 0, len(text)+8), text[:i]...)
		}
		out = append(out, '%', hex[c>>4], hex[c&15])
	}
	if out == nil {
		return text
	}
	return string(out)
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

package openapi

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// byteSet is a set of ASCII characters.
type byteSet [2]uint64

func newByteSet(chars string) (s byteSet) {
	for i := range len(chars) {
		s[chars[i]>>6] |= 1 << (chars[i] & 63)
	}
	return s
}

func (s *byteSet) has(c byte) bool { return c < 0x80 && s[c>>6]&(1<<(c&63)) != 0 }

const (
	alphanumeric    = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	unreservedChars = alphanumeric + "-._~" // RFC 3986 section 2.3
)

var (
	// unreserved may stand anywhere in a URL.
	unreserved = newByteSet(unreservedChars)
	// pathChars are the characters of a path segment that need no escape (pchar
	// in RFC 3986 section 3.3).
	pathChars = newByteSet(unreservedChars + "!$&'()*+,;=:@")
	// reservedInQuery is what allowReserved leaves as it is. Of the reserved
	// characters it lacks those that would end the query or the pair or be read
	// as another character (# & = + and ; which many servers take for &), and
	// those that RFC 3986 does not allow in a query ([ and ]).
	reservedInQuery = newByteSet(unreservedChars + ":/?@!$'()*,")
	// cookieOctets are the characters of a cookie's value (RFC 6265 section
	// 4.1.1), without % and without the comma, which separates items.
	cookieOctets = newByteSet(unreservedChars + "!#$&'()*+/:<=>?@[]^`{|}")
	// tokenChars make up the names of headers and cookies (RFC 9110 section
	// 5.6.2).
	tokenChars = newByteSet(alphanumeric + "!#$%&'*+-.^_`|~")
)

const upperHex = "0123456789ABCDEF"

// appendEscaped appends text with every byte outside keep percent-encoded.
func appendEscaped[T []byte | string](dst []byte, text T, keep *byteSet) []byte {
	for i := range len(text) {
		c := text[i]
		if keep.has(c) {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return dst
}

// isToken reports whether name may name a header or a cookie.
func isToken[T []byte | string](name T) bool {
	for i := range len(name) {
		if !tokenChars.has(name[i]) {
			return false
		}
	}
	return len(name) > 0
}

// escapeLiteral escapes a literal part of a path template. An escape that is
// there already stays.
func escapeLiteral(literal string) string {
	for i := range len(literal) {
		if c := literal[i]; c != '/' && !pathChars.has(c) {
			return string(appendEscapedLiteral(nil, literal))
		}
	}
	return literal
}

func appendEscapedLiteral(dst []byte, literal string) []byte {
	for i := 0; i < len(literal); i++ {
		switch c := literal[i]; {
		case c == '/' || pathChars.has(c) || c == '%' && isTriplet(literal[i:]):
			dst = append(dst, c)
		default:
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return dst
}

// isTriplet reports whether s starts with a percent-encoded byte.
func isTriplet[T []byte | string](s T) bool {
	return len(s) >= 3 && s[0] == '%' && isHex(s[1]) && isHex(s[2])
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// unhex returns the value of a hexadecimal digit.
func unhex(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}

// decodeRounds is how often a value is percent-decoded when it is searched for
// path traversal: servers behind proxies are known to decode twice.
const decodeRounds = 3

// traversalFault says why text may not stand in a path. A slash in a value is
// sent as %2F, but a proxy or server that decodes before it routes would see
// the slash, and then dot segments would lead to another resource. So a value
// with a dot segment is refused, however often it was encoded.
func traversalFault(text []byte) error {
	for range decodeRounds {
		if err := dotSegmentFault(text); err != nil {
			return err
		}
		if bytes.IndexByte(text, '%') < 0 {
			return nil
		}
		decoded := appendDecoded(make([]byte, 0, len(text)), text)
		if len(decoded) == len(text) {
			return nil
		}
		text = decoded
	}
	return dotSegmentFault(text)
}

// overlong are UTF-8 forms of ".", "/" and "\" that RFC 3629 forbids but that
// lenient decoders accept.
var overlong = strings.NewReplacer(
	"\xc0\xae", ".", "\xe0\x80\xae", ".",
	"\xc0\xaf", "/", "\xe0\x80\xaf", "/",
	"\xc1\x9c", `\`, "\xe0\x81\x9c", `\`,
)

func dotSegmentFault(text []byte) error {
	for _, c := range text {
		if c < 0x20 || c == 0x7f {
			return unfitError("must not contain control characters, as it becomes a part of the path")
		}
	}
	if !utf8.Valid(text) {
		text = []byte(overlong.Replace(string(text)))
	}
	for len(text) > 0 {
		segment := text
		// A semicolon ends a segment too: servers with path parameters drop it
		// and what follows before they resolve dot segments.
		if end := bytes.IndexAny(text, `/\;`); end >= 0 {
			segment, text = text[:end], text[end+1:]
		} else {
			text = nil
		}
		if s := bytes.TrimSpace(segment); string(s) == "." || string(s) == ".." {
			return unfitError(`must not contain the path segments "." or ".."`)
		}
	}
	return nil
}

// appendDecoded appends text with its escapes decoded; what is not an escape
// stays.
func appendDecoded(dst, text []byte) []byte {
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && isTriplet(text[i:]) {
			dst = append(dst, unhex(text[i+1])<<4|unhex(text[i+2]))
			i += 2
			continue
		}
		dst = append(dst, text[i])
	}
	return dst
}

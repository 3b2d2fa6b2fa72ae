package openapi

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"toolgate/shared/pattern"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
)

// encodingByName returns the encoding of a charset label of the WHATWG Encoding
// Standard; nil for UTF-8 and for a label it does not know.
func encodingByName(label string) encoding.Encoding {
	enc, err := htmlindex.Get(label)
	if err != nil || enc == unicode.UTF8 {
		return nil
	}
	return enc
}

// xmlEncoding finds the encoding that an XML declaration names.
var xmlEncoding = pattern.Lazy(`^<\?xml[^>]*\bencoding\s*=\s*["']([A-Za-z0-9._-]+)["']`)

// decodeText returns a body as UTF-8: by its byte order mark, else by the
// charset of its content type, else by its XML declaration. Text without any
// of these that is not UTF-8 is read as windows-1252, as browsers do. The
// result is valid UTF-8 in every case; it may share memory with body.
func decodeText(contentType string, body []byte) []byte {
	if enc := markedEncoding(body); enc != nil {
		return decodeWith(enc, body)
	}
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	enc := charsetOf(contentType)
	if enc == nil {
		if utf8.Valid(body) {
			return body
		}
		enc = undeclaredEncoding(contentType, body)
	}
	return decodeWith(enc, body)
}

// markedEncoding returns the UTF-16 encoding whose byte order mark body starts
// with, or nil.
func markedEncoding(body []byte) encoding.Encoding {
	switch {
	case bytes.HasPrefix(body, []byte("\xfe\xff")):
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	case bytes.HasPrefix(body, []byte("\xff\xfe")):
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	}
	return nil
}

// undeclaredEncoding returns the encoding of text that is not UTF-8, where the
// content type names none.
func undeclaredEncoding(contentType string, body []byte) encoding.Encoding {
	if strings.Contains(strings.ToLower(contentType), "charset=") {
		return nil // it says UTF-8, or what nobody knows: a few bytes are wrong
	}
	if isXMLType(mediaType(contentType)) {
		if m := xmlEncoding().FindSubmatch(body); m != nil {
			return encodingByName(string(m[1]))
		}
	}
	return charmap.Windows1252
}

func decodeWith(enc encoding.Encoding, body []byte) []byte {
	if enc != nil {
		if text, err := enc.NewDecoder().Bytes(body); err == nil {
			body = text
		}
	}
	if utf8.Valid(body) {
		return body
	}
	return bytes.ToValidUTF8(body, []byte(string(utf8.RuneError)))
}

// cutText returns at most limit bytes of valid UTF-8, ending at the end of a
// character.
func cutText(text []byte, limit int) []byte {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}

// trimPartialRune removes the beginning of a character from the end of a body
// that was cut while it was read.
func trimPartialRune(body []byte) []byte {
	for i := 1; i <= min(utf8.UTFMax, len(body)); i++ {
		if start := len(body) - i; utf8.RuneStart(body[start]) {
			if !utf8.FullRune(body[start:]) {
				return body[:start]
			}
			break
		}
	}
	return body
}

// singleLine makes text that a backend wrote fit for a line of a message.
func singleLine(text string, limit int) string {
	text = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, ""))), " ")
	if len(text) > limit {
		text = string(cutText([]byte(text), limit)) + "…"
	}
	return text
}

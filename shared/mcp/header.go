package mcp

import (
	"encoding/base64"
	"strings"
)

const (
	base64Open  = "=?base64?"
	base64Close = "?="
)

// EncodeHeader writes a value of the body so that a header can carry it
// (2026-07-28, basic/transports): as it is where that is safe, and otherwise as
// base64 of its UTF-8 between markers. A value that looks like an encoded one
// is encoded too.
func EncodeHeader(value string) string {
	if plainHeader(value) {
		return value
	}
	return base64Open + base64.StdEncoding.EncodeToString([]byte(value)) + base64Close
}

func plainHeader(value string) bool {
	for i := range len(value) {
		if c := value[i]; c < 0x20 || c > 0x7e {
			return false
		}
	}
	return strings.TrimSpace(value) == value &&
		!(strings.HasPrefix(value, base64Open) && strings.HasSuffix(value, base64Close))
}

// DecodeHeader reads what [EncodeHeader] wrote. It reports false for markers
// around something that is no base64; a value without both markers is taken
// literally.
func DecodeHeader(value string) (string, bool) {
	inner, ok := strings.CutPrefix(value, base64Open)
	if !ok {
		return value, true
	}
	inner, ok = strings.CutSuffix(inner, base64Close)
	if !ok {
		return value, true
	}
	text, err := base64.StdEncoding.Strict().DecodeString(inner)
	return string(text), err == nil
}

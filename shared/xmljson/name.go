package xmljson

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// encodeName makes any text a name without colon, as .NET's
// XmlConvert.EncodeLocalName: what XML does not allow becomes _xHHHH_.
func encodeName(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == '_' && isEscape(s[i:]):
			b.WriteString("_x005F_")
		case isNameStart(r), i > 0 && isNameRune(r):
			b.WriteRune(r)
		case r > 0xFFFF:
			fmt.Fprintf(&b, "_x%08X_", r)
		default:
			fmt.Fprintf(&b, "_x%04X_", r)
		}
	}
	return b.String()
}

// decodeName undoes encodeName, as XmlConvert.DecodeName.
func decodeName(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		if !isEscape(s) {
			_, n := utf8.DecodeRuneInString(s)
			b.WriteString(s[:n])
			s = s[n:]
			continue
		}
		end := strings.IndexByte(s[1:], '_') + 1
		code, err := strconv.ParseUint(s[2:end], 16, 32)
		if err != nil || code > utf8.MaxRune || !utf8.ValidRune(rune(code)) {
			b.WriteString(s[:end])
			s = s[end:]
			continue
		}
		b.WriteRune(rune(code))
		s = s[end+1:]
	}
	return b.String()
}

// isEscape reports whether s begins with _xHHHH_ or _xHHHHHHHH_.
func isEscape(s string) bool {
	for _, n := range []int{4, 8} {
		if len(s) < n+3 || s[0] != '_' || s[1] != 'x' || s[n+2] != '_' {
			continue
		}
		if strings.Trim(s[2:n+2], "0123456789abcdefABCDEF") == "" {
			return true
		}
	}
	return false
}

// isNameStart follows NameStartChar of XML 1.0, fifth edition, without the colon.
func isNameStart(r rune) bool {
	switch {
	case r == '_', 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z':
		return true
	case r < 0xC0 || r == 0xD7 || r == 0xF7 || r == 0x37E:
		return false
	case r <= 0x2FF, 0x370 <= r && r <= 0x1FFF, r == 0x200C, r == 0x200D:
		return true
	}
	return 0x2070 <= r && r <= 0x218F || 0x2C00 <= r && r <= 0x2FEF || 0x3001 <= r && r <= 0xD7FF ||
		0xF900 <= r && r <= 0xFDCF || 0xFDF0 <= r && r <= 0xFFFC
}

// isNameRune follows NameChar.
func isNameRune(r rune) bool {
	return isNameStart(r) || r == '-' || r == '.' || '0' <= r && r <= '9' || r == 0xB7 ||
		0x300 <= r && r <= 0x36F || r == 0x203F || r == 0x2040
}

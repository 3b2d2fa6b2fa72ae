package openapi

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// readPattern keeps a pattern that every validator understands. One that only
// some do is moved to the description: a validator that cannot compile it
// refuses the whole schema.
func (s *schemaReader) readPattern(name string, value *node) {
	if value.kind != stringNode {
		s.drop(name, value, "it is not a string")
		return
	}
	pattern, why := portablePattern(value.text)
	if why == "" {
		s.out.set(name, newString(pattern))
		return
	}
	s.drop(name, value, strconv.Quote(value.text)+" "+why)
	if len(value.text) <= descriptionLimit/4 {
		s.remarks = append(s.remarks, "Pattern: "+visible(value.text))
	}
}

// portablePattern is a regular expression that means the same in ECMA-262,
// which JSON Schema asks for, and in RE2; why says what keeps it from that.
func portablePattern(pattern string) (portable, why string) {
	portable, why = portableEscapes(pattern)
	if why != "" {
		return "", why
	}
	if _, err := regexp.Compile(portable); err != nil {
		if strings.Contains(pattern, "(?=") || strings.Contains(pattern, "(?!") || strings.Contains(pattern, "(?<") {
			return "", "looks ahead or behind, which not every validator can"
		}
		return "", "is not a regular expression that every validator knows"
	}
	for _, stray := range []string{"[[:", "(?P<"} {
		if strings.Contains(portable, stray) {
			return "", "is not a regular expression of ECMA-262"
		}
	}
	for i := range portable {
		// Flags, as in (?i), are RE2's alone; groups may be (?: and (?<name>.
		if strings.HasPrefix(portable[i:], "(?") && (i == 0 || portable[i-1] != '\\') {
			if next := portable[i+2:]; next != "" && next[0] != ':' && next[0] != '<' {
				return "", "is not a regular expression of ECMA-262"
			}
		}
	}
	return portable, ""
}

// portableEscapes rewrites the escapes that only ECMA-262 has (\uXXXX, \cX) and
// finds those that only RE2 has.
func portableEscapes(pattern string) (portable, why string) {
	if !strings.Contains(pattern, `\`) {
		return pattern, ""
	}
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		if pattern[i] != '\\' || i+1 == len(pattern) {
			b.WriteByte(pattern[i])
			continue
		}
		i++
		switch c := pattern[i]; c {
		case 'u':
			r, length := escapedRune(pattern[i+1:])
			if length == 0 {
				return "", "is not a regular expression of ECMA-262"
			}
			b.WriteString(regexp.QuoteMeta(string(r)))
			if r == '-' || r == '^' || r == '/' {
				return "", "is not a regular expression that every validator knows"
			}
			i += length
		case 'A', 'z', 'Z', 'Q', 'E', 'a', 'C':
			return "", "is not a regular expression of ECMA-262"
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}

// escapedRune reads the digits after \u: four, or any number in braces. Halves
// of surrogate pairs have no meaning in UTF-8.
func escapedRune(text string) (r rune, length int) {
	digits := ""
	if inner, ok := strings.CutPrefix(text, "{"); ok {
		digits, _, ok = strings.Cut(inner, "}")
		if !ok {
			return 0, 0
		}
		length = len(digits) + 2
	} else if len(text) >= 4 {
		digits, length = text[:4], 4
	}
	code, err := strconv.ParseUint(digits, 16, 32)
	if err != nil || code > unicode.MaxRune || !utf8.ValidRune(rune(code)) {
		return 0, 0
	}
	return rune(code), length
}

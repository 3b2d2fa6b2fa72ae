package liquid

import (
	"fmt"
	"html"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf16"

	"toolgate/shared/pattern"
)

var textFilters = []filter{
	onText("Capitalize", titleCase),
	onText("Downcase", strings.ToLower),
	onText("Upcase", strings.ToUpper),
	onText("Escape", escapeHTML),
	onText("H", escapeHTML),
	onText("EscapeOnce", func(s string) string { return escapeHTML(html.UnescapeString(s)) }),
	onText("Strip", strings.TrimSpace),
	onText("Lstrip", func(s string) string { return strings.TrimLeftFunc(s, unicode.IsSpace) }),
	onText("Rstrip", func(s string) string { return strings.TrimRightFunc(s, unicode.IsSpace) }),
	onText("StripHtml", func(s string) string { return htmlTags().ReplaceAllString(htmlBlocks().ReplaceAllString(s, ""), "") }),
	onText("StripNewlines", func(s string) string { return lineBreaks().ReplaceAllString(s, "") }),
	onText("NewlineToBr", func(s string) string { return lineBreaks().ReplaceAllString(s, "<br />$0") }),
	onText("UrlEncode", encodeURL),
	onText("UrlDecode", decodeURL),
	{"Append", 1, 1, appendText},
	{"Prepend", 1, 1, prependText},
	{"Remove", 1, 1, removeText},
	{"RemoveFirst", 1, 1, func(s *state, in any, args []any) (any, *Error) { return s.replace(in, args, 1) }},
	{"Replace", 1, 2, func(s *state, in any, args []any) (any, *Error) { return s.replace(in, args, -1) }},
	{"ReplaceFirst", 1, 2, func(s *state, in any, args []any) (any, *Error) { return s.replace(in, args, 1) }},
	{"Slice", 1, 2, slice},
	{"Split", 1, 1, split},
	{"Truncate", 0, 2, truncate},
	{"TruncateWords", 0, 2, truncateWords},
	{"Default", 1, 1, otherwise},
	{"Date", 0, 1, date},
}

var (
	htmlBlocks = pattern.Lazy(`(?is)<script.*?</script>|<!--.*?-->|<style.*?</style>`)
	htmlTags   = pattern.Lazy(`(?s)<.*?>`)
	lineBreaks = pattern.Lazy(`\r?\n`)
)

// titleCase is TextInfo.ToTitleCase: every word begins with a capital, and words
// in capitals stay.
func titleCase(s string) string {
	return words().ReplaceAllStringFunc(s, func(word string) string {
		runes := []rune(word)
		if len(runes) > 1 && word == strings.ToUpper(word) {
			return word
		}
		return string(unicode.ToTitle(runes[0])) + strings.ToLower(string(runes[1:]))
	})
}

var words = pattern.Lazy(`\p{L}[\p{L}\p{Mn}\p{Nd}']*`)

// escapeHTML is WebUtility.HtmlEncode, which also writes the characters from
// U+00A0 to U+00FF and beyond U+FFFF by number.
func escapeHTML(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '"':
			b.WriteString("&quot;")
		case r == '\'', 0xA0 <= r && r <= 0xFF, r > 0xFFFF:
			fmt.Fprintf(&b, "&#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// encodeURL is WebUtility.UrlEncode: it leaves !*() and writes a space as +.
func encodeURL(s string) string {
	return urlMarks.Replace(url.QueryEscape(s))
}

var urlMarks = strings.NewReplacer("%21", "!", "%2A", "*", "%28", "(", "%29", ")", "~", "%7E")

// decodeURL leaves what is not an escape as it is.
func decodeURL(s string) string {
	decoded, err := url.QueryUnescape(percents().ReplaceAllString(s, "%25$1"))
	if err != nil {
		return s
	}
	return strings.ToValidUTF8(decoded, "\ufffd")
}

// percents are those that begin no escape.
var percents = pattern.Lazy(`%([^0-9A-Fa-f]|[0-9A-Fa-f][^0-9A-Fa-f]|[0-9A-Fa-f]?$)`)

func appendText(s *state, in any, args []any) (any, *Error) {
	if in == nil {
		return nil, nil
	}
	return s.joined(text(in), text(args[0]))
}

func prependText(s *state, in any, args []any) (any, *Error) {
	if in == nil {
		return nil, nil
	}
	return s.joined(text(args[0]), text(in))
}

func (s *state) joined(a, b string) (any, *Error) {
	if len(a)+len(b) > s.maxOutput {
		return nil, s.tooLarge()
	}
	return a + b, nil
}

func removeText(_ *state, in any, args []any) (any, *Error) {
	remove := text(args[0])
	if in == nil || remove == "" {
		return in, nil
	}
	return strings.ReplaceAll(text(in), remove, ""), nil
}

func slice(_ *state, in any, args []any) (any, *Error) {
	start, err := whole(args, 0, 0)
	if err != nil {
		return nil, err
	}
	length, err := whole(args, 1, 1)
	if err != nil || in == nil {
		return nil, err
	}
	if list, ok := items(in); ok && isList(in) {
		from, to := span(start, length, len(list))
		return list[from:to], nil
	}
	units := utf16.Encode([]rune(text(in)))
	if start > len(units) {
		return nil, nil
	}
	from, to := span(start, length, len(units))
	return string(utf16.Decode(units[from:to])), nil
}

// span is the part of n items from start, which counts from the end where it is
// negative.
func span(start, length, n int) (from, to int) {
	if start < 0 {
		start += n
		if start < 0 {
			length += start
			start = 0
		}
	}
	from = min(start, n)
	return from, min(from+max(length, 0), n)
}

// split leaves out empty parts, as DotLiquid does.
func split(_ *state, in any, args []any) (any, *Error) {
	whole, pattern := text(in), text(args[0])
	if strings.TrimSpace(whole) == "" {
		return []any{in}, nil
	}
	list := []any{}
	for part := range strings.SplitSeq(whole, pattern) {
		if part != "" {
			list = append(list, part)
		}
	}
	return list, nil
}

func truncate(s *state, in any, args []any) (any, *Error) {
	length, err := whole(args, 0, 50)
	if err != nil || in == nil {
		return nil, err
	}
	ellipsis := argument(args, 1, "...")
	units := utf16.Encode([]rune(text(in)))
	switch {
	case len(units) == 0:
		return in, nil
	case length < 0:
		return ellipsis, nil
	case len(units) <= length:
		return text(in), nil
	}
	keep := min(max(length-size(ellipsis), 0), len(units))
	return s.joined(string(utf16.Decode(units[:keep])), ellipsis)
}

func truncateWords(s *state, in any, args []any) (any, *Error) {
	count, err := whole(args, 0, 15)
	if err != nil || in == nil {
		return nil, err
	}
	ellipsis := argument(args, 1, "...")
	list := strings.Split(text(in), " ")
	switch {
	case text(in) == "":
		return in, nil
	case count <= 0:
		return ellipsis, nil
	case len(list) <= count:
		return text(in), nil
	}
	return s.joined(strings.Join(list[:count], " "), ellipsis)
}

// otherwise is Default: for nil, false, and what is blank.
func otherwise(_ *state, in any, args []any) (any, *Error) {
	if !truthy(in) || isEmpty(in) || strings.TrimSpace(text(in)) == "" {
		return args[0], nil
	}
	return in, nil
}

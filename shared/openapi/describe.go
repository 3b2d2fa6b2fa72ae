package openapi

import (
	"html"
	"strings"
	"unicode"
	"unicode/utf8"

	"toolgate/shared/pattern"
	"toolgate/shared/toolslock"
)

const (
	// titleLimit is the length of a title in characters.
	titleLimit = 64
	// descriptionLimit is the length of a description in characters, of tools
	// unless ToolOptions says otherwise, and of everything in a schema.
	descriptionLimit = 1024
)

// plainText makes the text of a document fit for a model to read: without what
// a reader of the rendered text would not see (comments, control and invisible
// characters, link targets), without HTML, and with the marks of Markdown that
// carry no meaning taken off. The text of a document is not to be trusted: what
// people cannot see, models should not read either.
func plainText(text string) string {
	if text == "" {
		return ""
	}
	if strings.ContainsAny(text, "<&") {
		text = dropComments(text)
		text = dropTags(text)
		text = dropComments(html.UnescapeString(text))
	}
	text = visible(text)
	return squeeze(dropMarkdown(text))
}

// dropComments removes HTML comments. One that does not end hides the rest, as
// it does when the text is rendered.
func dropComments(text string) string {
	for {
		start := strings.Index(text, "<!--")
		if start < 0 {
			return text
		}
		length := strings.Index(text[start+4:], "-->")
		if length < 0 {
			return text[:start]
		}
		text = text[:start] + text[start+4+length+3:]
	}
}

var (
	htmlHidden = pattern.Lazy(`(?is)<(script|style|template)\b[^>]*>.*?(</(script|style|template)\s*>|$)`)
	htmlBreak  = pattern.Lazy(`(?i)<(br|/p|/div|/li|/tr|/h[1-6]|/ul|/ol|/table|hr)\b[^>]*>`)
	// htmlTag lists the tags of HTML, since documents write placeholders such as
	// <owner> as well.
	htmlTag = pattern.Lazy(`(?i)</?(a|abbr|article|b|big|blockquote|body|br|caption|center|code|col|colgroup|dd|del|details|div|dl|dt|em|embed|font|footer|form|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|kbd|li|link|main|mark|meta|nav|object|ol|p|pre|q|s|samp|section|small|span|strike|strong|sub|summary|sup|svg|table|tbody|td|tfoot|th|thead|tr|tt|u|ul|var)(\s[^>]*)?/?>`)

	markdownDefinition = pattern.Lazy(`(?m)^[ \t]{0,3}\[[^\]\n]*\]:[^\n]*(\n|$)`)
	markdownImage      = pattern.Lazy(`!\[([^\]]*)\]\([^)]*\)`)
	markdownLink       = pattern.Lazy(`\[([^\[\]]+)\]\([^()]*(\([^()]*\)[^()]*)*\)`)
	markdownReference  = pattern.Lazy(`\[([^\[\]]+)\]\[[^\[\]]*\]`)
	markdownHeading    = pattern.Lazy(`(?m)^[ \t]{0,3}#{1,6}[ \t]+(.*?)[ \t]*#*$`)
	markdownStrong     = pattern.Lazy(`\*\*([^*\n]+)\*\*`)
	markdownUnderlined = pattern.Lazy(`\b__([^_\n]+)__\b`)
)

// dropTags removes HTML, keeping the text it marks up.
func dropTags(text string) string {
	text = htmlHidden().ReplaceAllString(text, "")
	text = htmlBreak().ReplaceAllString(text, "\n")
	return htmlTag().ReplaceAllString(text, "")
}

// dropMarkdown keeps the text of links, headings and strong words.
func dropMarkdown(text string) string {
	if strings.Contains(text, "](") || strings.Contains(text, "]:") || strings.Contains(text, "][") {
		text = markdownDefinition().ReplaceAllString(text, "")
		text = markdownImage().ReplaceAllString(text, "$1")
		text = markdownLink().ReplaceAllString(text, "$1")
		text = markdownReference().ReplaceAllString(text, "$1")
	}
	if strings.Contains(text, "# ") {
		text = markdownHeading().ReplaceAllString(text, "$1")
	}
	if strings.Contains(text, "**") {
		text = markdownStrong().ReplaceAllString(text, "$1")
	}
	if strings.Contains(text, "__") {
		text = markdownUnderlined().ReplaceAllString(text, "$1")
	}
	return text
}

// visible removes control characters and those that show nothing or reorder
// what is shown, as package toolslock has them, and blank letters.
func visible(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\n' || r > '~' }) {
		return text
	}
	return toolslock.Strip(strings.Map(func(r rune) rune {
		switch {
		case r == '\u2028' || r == '\u2029' || r == '\u0085':
			return '\n'
		case r == '\r', r == '\u2800', r == utf8.RuneError, unicode.Is(unicode.Noncharacter_Code_Point, r):
			return -1
		}
		return r
	}, text))
}

// squeeze takes off space at the ends of lines and of the text, and leaves at
// most one empty line.
func squeeze(text string) string {
	if !strings.Contains(text, "\n") {
		return strings.TrimSpace(text)
	}
	var b strings.Builder
	empty := 0
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		line = strings.TrimRight(line, " \t")
		if line == "" {
			empty++
			continue
		}
		switch {
		case b.Len() == 0:
		case empty > 0:
			b.WriteString("\n\n")
		default:
			b.WriteByte('\n')
		}
		empty = 0
		b.WriteString(line)
	}
	return b.String()
}

// shorten cuts text to limit characters, at a word where one ends near, and
// marks the cut with an ellipsis.
func shorten(text string, limit int) string {
	if len(text) <= limit || utf8.RuneCountInString(text) <= limit {
		return text
	}
	if limit <= 1 {
		return ""
	}
	end, count := 0, 0
	for i := range text {
		if count == limit-1 {
			end = i
			break
		}
		count++
	}
	cut := text[:end]
	if space := strings.LastIndexAny(cut, " \n"); space > len(cut)*3/4 {
		cut = cut[:space]
	}
	return strings.TrimRight(cut, " \n\t,;:") + "…"
}

// inOneLine is text with every run of space made one space.
func inOneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// describe is the description of a tool.
func (d *Document) describe(o *Operation, opt *ToolOptions) string {
	limit := opt.DescriptionLimit
	if limit == 0 {
		limit = descriptionLimit
	}
	if opt.Description != "" {
		return opt.Description
	}
	note := ""
	if o.Deprecated {
		note = "Deprecated."
	}
	text := plainText(o.extension.description)
	if text == "" {
		text = joinTexts(plainText(o.Summary), plainText(o.Description))
	}
	if text == "" {
		text = o.Method + " " + o.Path
	}
	if note == "" {
		return shorten(text, limit)
	}
	return strings.TrimSpace(shorten(text, max(limit-len(note)-2, 0)) + "\n\n" + note)
}

// joinTexts puts a summary before a description, unless that begins with it.
func joinTexts(summary, description string) string {
	switch {
	case summary == "":
		return description
	case description == "", strings.EqualFold(summary, description):
		return summary
	case strings.HasPrefix(description, strings.TrimRight(summary, ".")):
		return description
	default:
		return summary + "\n\n" + description
	}
}

// title is the title of a tool, or empty.
func (o *Operation) title(opt *ToolOptions) string {
	for _, text := range []string{opt.Title, o.extension.title, o.Summary} {
		if title := inOneLine(plainText(text)); title != "" {
			return shorten(title, titleLimit)
		}
	}
	return ""
}

package policy

import "strings"

// Documents are often templates of a deployment tool. What such a tool puts in
// is text here: Terraform's ${…} and %{…}, {name} and __NAME__.

// maxPlaceholder is the length up to which a placeholder is taken for one, in
// bytes.
const maxPlaceholder = 1000

// template returns the place behind the ${…} at a place, in which quotes do
// not end the value around it, or 0 when there is none.
func template(text string, at int, quote byte) int {
	if !strings.HasPrefix(text[at:], "${") {
		return 0
	}
	depth, inString := 0, false
	for i := at + 1; i < min(len(text), at+maxPlaceholder); i++ {
		switch text[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 && !inString {
				return i + 1
			}
		case '"', '\'':
			if text[i] == quote {
				inString = !inString
			}
		case '<', '\n':
			return 0
		}
	}
	return 0
}

// placeholders tells whether a text is made of templates and white space
// alone, at least one of them.
func placeholders(text string) bool {
	found := false
	for {
		text = strings.TrimSpace(text)
		if text == "" {
			return found
		}
		n := placeholder(text)
		if n == 0 {
			return false
		}
		found, text = true, text[n:]
	}
}

// placeholder is the length of the one with which a text begins, or 0.
func placeholder(text string) int {
	for _, form := range []struct{ begin, end string }{{"{{", "}}"}, {"$${", "}"}, {"${", "}"}, {"%{", "}"}, {"{", "}"}, {"__", "__"}, {"#{", "}#"}} {
		rest, ok := strings.CutPrefix(text, form.begin)
		if !ok {
			continue
		}
		end := strings.Index(rest[:min(len(rest), maxPlaceholder)], form.end)
		if end > 0 && !strings.ContainsAny(rest[:end], "<>\n") {
			return len(form.begin) + end + len(form.end)
		}
	}
	return 0
}

// hasPlaceholder tells whether a text holds what a deployment tool, or a named
// value that is not known here, will put in.
func hasPlaceholder(text string) bool {
	for at := range len(text) {
		if strings.IndexByte("{$%_#", text[at]) >= 0 && placeholder(text[at:]) > 0 {
			return true
		}
	}
	return false
}

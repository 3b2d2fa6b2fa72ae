package longrunning

import (
	"net/url"
	"strings"
)

// Expand makes the path and query of a template such as /jobs/{id}?full={full}. A name
// in braces, with dots between the names of members, stands for a member of the first
// of the bodies that has it as text or number. It reports false where one is missing,
// or would change which path is meant.
func Expand(template string, bodies ...[]byte) (string, bool) {
	var out strings.Builder
	escape := url.PathEscape
	for template != "" {
		literal, rest, found := strings.Cut(template, "{")
		if strings.Contains(literal, "?") {
			escape = url.QueryEscape
		}
		out.WriteString(literal)
		if !found {
			break
		}
		var name string
		if name, template, found = strings.Cut(rest, "}"); !found {
			return "", false
		}
		value := ""
		for _, body := range bodies {
			if value = textAt(body, name); value != "" {
				break
			}
		}
		if value == "" {
			return "", false
		}
		out.WriteString(escape(value))
	}
	return out.String(), !hasDotSegment(out.String())
}

// hasDotSegment tells whether a path, which may have a query, has a segment that
// servers resolve against the others.
func hasDotSegment(template string) bool {
	path, _, _ := strings.Cut(template, "?")
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// CheckTemplate says what is wrong with a template; empty: nothing.
func CheckTemplate(template string) string {
	if hasDotSegment(template) {
		return `has a "." or ".." segment`
	}
	plain := template
	for strings.Contains(plain, "{") {
		before, rest, _ := strings.Cut(plain, "{")
		name, after, closed := strings.Cut(rest, "}")
		if !closed || name == "" || strings.ContainsAny(name, "{/? ") {
			return "has a brace without a name"
		}
		plain = before + after
	}
	switch u, err := url.Parse(plain); {
	case !strings.HasPrefix(template, "/") || strings.HasPrefix(template, "//"):
		return "is not a path"
	case err != nil || u.Fragment != "" || strings.ContainsAny(plain, "}# "):
		return "is not the path of a URL"
	}
	return ""
}

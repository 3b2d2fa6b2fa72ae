package mcpproxy

import (
	"regexp"
	"strings"
)

// template is a URI template (RFC 6570) of a member. It is matched only as far
// as it takes to tell whose a URI is.
type template struct {
	member  int
	pattern *regexp.Regexp // nil: matches nothing
}

// Matching takes time in proportion to both lengths. Templates with more
// expressions, and longer templates and URIs, are left to the members to know.
const (
	maxExpressions = 16
	maxURI         = 4 << 10
)

// newTemplate compiles the template that an entry is named by. An expression
// without an operator stands for one segment; any other for anything, since it
// may add delimiters of its own.
func newTemplate(e entry) template {
	if len(e.name) > maxURI {
		return template{member: e.member}
	}
	var pattern strings.Builder
	pattern.WriteString("^")
	rest := e.name
	for n := 0; ; n++ {
		literal, expression, found := strings.Cut(rest, "{")
		pattern.WriteString(regexp.QuoteMeta(literal))
		if !found {
			break
		}
		expression, rest, found = strings.Cut(expression, "}")
		switch {
		case !found || expression == "" || n == maxExpressions:
			return template{member: e.member}
		case strings.ContainsRune("+#./;?&", rune(expression[0])):
			pattern.WriteString(".*")
		default:
			pattern.WriteString("[^/?#]*")
		}
	}
	re, err := regexp.Compile(pattern.String() + "$")
	if err != nil { // beyond the size that regexp allows
		return template{member: e.member}
	}
	return template{e.member, re}
}

func (t *template) matches(uri string) bool {
	return t.pattern != nil && len(uri) <= maxURI && t.pattern.MatchString(uri)
}

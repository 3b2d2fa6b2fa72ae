package openapi

import (
	"net/url"
	"slices"
	"strings"
)

// maxNote bounds what a note quotes from a response header, in bytes.
const maxNote = 500

// narrowingNames are names of query parameters that make a response smaller, in
// lower case without separators.
var narrowingNames = []string{
	"count", "cursor", "expand", "fields", "filter", "first", "include", "limit",
	"maxresults", "offset", "page", "pagesize", "perpage", "q", "query", "select",
	"since", "size", "skip", "take", "top", "until",
}

// narrowing says which arguments of the tool are likely to make its result
// smaller. It starts with a space.
func (w *resultWriter) narrowing() string {
	var args []string
	for i := range w.binding.Params {
		p := &w.binding.Params[i]
		plain := strings.ToLower(strings.NewReplacer("_", "", "-", "", "$", "", ".", "").Replace(p.Name))
		if p.In == InQuery && p.Arg != "" && slices.Contains(narrowingNames, plain) {
			args = append(args, p.Arg)
		}
	}
	if len(args) == 0 {
		return " Narrow the arguments to get less."
	}
	return " To get less, use: " + strings.Join(args, ", ") + "."
}

// locationNote tells where the resource is that the call made, or where the
// state of what it started can be read (RFC 9110 section 10.2.2).
func (w *resultWriter) locationNote() {
	if location := withoutQuery(w.response.Header.Get("Location")); location != "" {
		w.text([]byte("Location: " + location))
	}
}

// withoutQuery cuts a URL of a response header down to what may be shown. Its
// query may be the one that the gateway sent, with the gateway's credential.
func withoutQuery(address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return ""
	}
	u.User, u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = nil, "", false, "", ""
	return singleLine(u.String(), maxNote)
}

// nextPageNote tells how to get the next page when a Link header (RFC 8288)
// names one. Only the tool's own arguments are named: the rest of the link may
// hold the gateway's credential.
func (w *resultWriter) nextPageNote() {
	target, found := nextLink(w.response.Header.Values("Link"))
	if !found {
		return
	}
	var args []string
	if u, err := url.Parse(target); err == nil {
		query := u.Query()
		for i := range w.binding.Params {
			p := &w.binding.Params[i]
			if p.In == InQuery && p.Arg != "" && query.Has(p.Name) {
				args = append(args, p.Arg+"="+singleLine(query.Get(p.Name), maxNote))
			}
		}
	}
	if len(args) == 0 {
		w.text([]byte("[There is a next page, but none of this tool's arguments selects it: " + withoutQuery(target) + "]"))
		return
	}
	w.text([]byte("[There is a next page. To get it, call again with: " + strings.Join(args, ", ") + "]"))
}

// nextLink returns the target of the first link whose relation is next.
func nextLink(values []string) (target string, found bool) {
	for _, value := range values {
		for {
			_, after, ok := strings.Cut(value, "<")
			if !ok {
				break
			}
			link, params, ok := strings.Cut(after, ">")
			if !ok {
				break
			}
			var isNext bool
			isNext, value = linkParams(params)
			if isNext {
				return link, true
			}
		}
	}
	return "", false
}

// linkParams reads the parameters of one link up to the comma that ends it, and
// reports whether they say rel=next. It returns what follows.
func linkParams(params string) (isNext bool, rest string) {
	for params != "" {
		params = strings.TrimLeft(params, " \t;")
		if strings.HasPrefix(params, ",") {
			return isNext, params[1:]
		}
		end := strings.IndexAny(params, "=;,")
		if end < 0 {
			return isNext, ""
		}
		name := strings.TrimSpace(params[:end])
		if params[end] != '=' {
			params = params[end:]
			continue
		}
		var value string
		value, params = linkValue(strings.TrimLeft(params[end+1:], " \t"))
		if strings.EqualFold(name, "rel") && slices.ContainsFunc(strings.Fields(value), isNextRelation) {
			isNext = true
		}
	}
	return isNext, ""
}

func isNextRelation(relation string) bool { return strings.EqualFold(relation, "next") }

// linkValue reads a token or a quoted string and returns what follows it.
func linkValue(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, ";,")
		if end < 0 {
			return strings.TrimSpace(s), ""
		}
		return strings.TrimSpace(s[:end]), s[end:]
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return s[1:i], s[i+1:]
		}
	}
	return s[1:], ""
}

package gateway

import (
	"net/url"
	"slices"
	"strings"

	"toolgate/shared/snapshot"
)

// urlTemplate is the URL template of an operation, such as
// /orders/{id}/{*rest}?state={state}, in parts.
type urlTemplate struct {
	segments []segment
	query    []queryParameter
}

// segment is one between slashes: literal text, or text with one parameter in
// it.
type segment struct {
	before, parameter, after string // parameter is empty for literal text
	rest                     bool   // the parameter takes all segments that follow
}

// queryParameter is a parameter in the query of a template.
type queryParameter struct{ name, parameter, value string }

// parseTemplate reads a template. What it does not understand is literal text.
func parseTemplate(text string) urlTemplate {
	path, query, _ := strings.Cut(text, "?")
	var t urlTemplate
	for part := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		before, rest, found := strings.Cut(part, "{")
		name, after, closed := strings.Cut(rest, "}")
		if !found || !closed {
			t.segments = append(t.segments, segment{before: part})
			continue
		}
		name, all := strings.CutPrefix(name, "*")
		t.segments = append(t.segments, segment{before: before, parameter: name, after: after, rest: all})
	}
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if name == "" {
			continue
		}
		q := queryParameter{name: name, value: value}
		if inner, ok := strings.CutPrefix(value, "{"); ok {
			q.parameter = strings.TrimSuffix(inner, "}")
		}
		t.query = append(t.query, q)
	}
	return t
}

// match matches the segments of an escaped path, below that of the API, and a
// query. The values are without escapes.
func (t *urlTemplate) match(segments []string, query url.Values) (map[string]string, bool) {
	matched := make(map[string]string, 2)
	for i, s := range t.segments {
		if s.rest {
			if i > len(segments) {
				return nil, false
			}
			matched[s.parameter] = unescaped(strings.Join(segments[min(i, len(segments)):], "/"))
			segments = segments[:min(i, len(segments))]
			break
		}
		if i >= len(segments) || !s.match(segments[i], matched) {
			return nil, false
		}
	}
	if !t.endsWithRest() && len(segments) != len(t.segments) {
		return nil, false
	}
	for _, q := range t.query {
		if q.parameter == "" {
			if query.Get(q.name) != q.value {
				return nil, false
			}
		} else if query.Has(q.name) {
			matched[q.parameter] = query.Get(q.name)
		}
	}
	return matched, true
}

func (t *urlTemplate) endsWithRest() bool {
	return len(t.segments) > 0 && t.segments[len(t.segments)-1].rest
}

func (s *segment) match(text string, matched map[string]string) bool {
	if s.parameter == "" {
		return text == s.before || unescaped(text) == s.before
	}
	value, ok := strings.CutPrefix(text, s.before)
	if ok {
		value, ok = strings.CutSuffix(value, s.after)
	}
	if !ok || value == "" {
		return false
	}
	matched[s.parameter] = unescaped(value)
	return true
}

func unescaped(text string) string {
	if plain, err := url.PathUnescape(text); err == nil {
		return plain
	}
	return text
}

// climbs tells whether an escaped segment is a dot segment, or holds one between
// escaped slashes.
func climbs(segment string) bool {
	if !strings.ContainsAny(segment, ".%") {
		return false
	}
	for part := range strings.FieldsFuncSeq(unescaped(segment), func(r rune) bool { return r == '/' || r == '\\' }) {
		if part == "." || part == ".." {
			return true
		}
	}
	return false
}

// fixed is how many segments are literal, to tell the template that says most.
func (t *urlTemplate) fixed() int {
	n := 0
	for _, s := range t.segments {
		if s.parameter == "" {
			n++
		}
	}
	return n
}

// operation is an operation of an API that HTTP clients reach.
type operation struct {
	snapshot.Operation
	template urlTemplate
}

// operations are those of an API.
type operations []operation

func newOperations(list []snapshot.Operation) operations {
	made := make(operations, len(list))
	for i, o := range list {
		made[i] = operation{o, parseTemplate(o.URLTemplate)}
	}
	return made
}

// find finds the operation for a request: of several whose template matches,
// the one with the most literal text. A path with dot segments (RFC 3986, section
// 5.2.4), however they are escaped, has none: the backend might take it for one
// that is not below that of the API.
func (list operations) find(method, path string, query url.Values) (found *operation, matched map[string]string) {
	segments := strings.Split(strings.Trim(path, "/"), "/")
	if slices.ContainsFunc(segments, climbs) {
		return nil, nil
	}
	for i := range list {
		o := &list[i]
		if o.Method != method || found != nil && o.template.fixed() <= found.template.fixed() {
			continue
		}
		if m, ok := o.template.match(segments, query); ok {
			found, matched = o, m
		}
	}
	return found, matched
}

package policies

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"toolgate/shared/policy"
)

func init() { registered["rewrite-uri"] = func() policy.Statement { return &rewriteURI{} } }

// rewriteURI sets the path below the backend's URL, and the query. A {name} of
// the template stands for what the operation's own template matched; in the
// query, a parameter whose {name} matched nothing is left out.
type rewriteURI struct {
	Template            policy.Value[string] `attr:"template,required"`
	CopyUnmatchedParams policy.Value[bool]   `attr:"copy-unmatched-params"`

	parsed *uriTemplate // of a literal
}

func (p *rewriteURI) Prepare(*policy.Compilation) {
	if text, ok := p.Template.Literal(); ok {
		p.parsed = parseURITemplate(text)
	}
}

func (p *rewriteURI) Apply(_ context.Context, x *policy.Exchange) error {
	t := p.parsed
	if t == nil {
		text, err := p.Template.Get(x)
		if err != nil {
			return err
		}
		t = parseURITemplate(text)
	}
	copying, err := p.CopyUnmatchedParams.Get(x)
	if err != nil {
		return err
	}
	path, err := t.path(x)
	if err != nil {
		return err
	}
	query := t.query(x)
	if copying {
		query = append(query, unmatched(x, query)...)
	}
	x.SetPath(path, cleanQuery(queryString(query)))
	return nil
}

// unmatched are the parameters of the request that neither the template of the
// operation names nor the policy sets.
func unmatched(x *policy.Exchange, own []pair) []pair {
	var template []pair
	if x.Operation != nil {
		_, raw, _ := strings.Cut(x.Operation.URLTemplate, "?")
		template = queryPairs(raw)
	}
	named := func(list []pair, name string) bool {
		return slices.ContainsFunc(list, func(p pair) bool { return strings.EqualFold(p.name, name) })
	}
	return slices.DeleteFunc(queryPairs(x.Request.URL.RawQuery), func(p pair) bool { return named(template, p.name) || named(own, p.name) })
}

// uriTemplate is a path with a query, in which {name} and, for the rest of a
// path, {*name} stand for parameters.
type uriTemplate struct {
	pathParts  []uriPart
	queryPairs [][]uriPart
}

// uriPart is text as it stands, or a parameter.
type uriPart struct {
	text      string
	parameter string // empty for text
	rest      bool   // the parameter holds more than one segment
}

func parseURITemplate(text string) *uriTemplate {
	path, query, _ := strings.Cut(strings.TrimSpace(text), "?")
	t := &uriTemplate{pathParts: uriParts(path)}
	for part := range strings.SplitSeq(query, "&") {
		if part != "" {
			t.queryPairs = append(t.queryPairs, uriParts(part))
		}
	}
	return t
}

// uriParts divides text at its parameters.
func uriParts(text string) []uriPart {
	var parts []uriPart
	for text != "" {
		before, after, open := strings.Cut(text, "{")
		name, rest, closed := strings.Cut(after, "}")
		name, wild := strings.CutPrefix(name, "*")
		if !open || !closed || name == "" || strings.ContainsAny(name, "{/\"") { // braces that name nothing
			return append(parts, uriPart{text: text})
		}
		if before != "" {
			parts = append(parts, uriPart{text: before})
		}
		parts = append(parts, uriPart{parameter: name, rest: wild})
		text = rest
	}
	return parts
}

// matchedParameter is the decoded value of a parameter of the operation.
func matchedParameter(x *policy.Exchange, name string) (string, bool) {
	if value, ok := x.Request.MatchedParameters[name]; ok {
		return value, true
	}
	for known, value := range x.Request.MatchedParameters {
		if strings.EqualFold(known, name) {
			return value, true
		}
	}
	return "", false
}

// path is the escaped path. A parameter must not lead out of the place where it
// stands.
func (t *uriTemplate) path(x *policy.Exchange) (string, error) {
	var out strings.Builder
	checked := false
	for _, part := range t.pathParts {
		if part.parameter == "" {
			out.WriteString(part.text)
			continue
		}
		value, ok := matchedParameter(x, part.parameter)
		if !ok {
			return "", &policy.Error{
				Source: "rewrite-uri", Reason: "ParameterNotFound", Status: http.StatusInternalServerError,
				Message: "The operation has no parameter " + part.parameter + ".",
			}
		}
		checked = checked || strings.Contains(value, ".")
		if part.rest {
			for i, segment := range strings.Split(value, "/") {
				if i > 0 {
					out.WriteByte('/')
				}
				out.WriteString(url.PathEscape(segment))
			}
		} else {
			out.WriteString(url.PathEscape(value))
		}
	}
	path := out.String()
	if checked && hasDotSegment(path) {
		return "", &policy.Error{
			Source: "rewrite-uri", Reason: "ParameterNotAllowed", Status: http.StatusBadRequest,
			Message: "A parameter of the path must not be a dot segment.",
		}
	}
	return path, nil
}

// hasDotSegment tells whether a segment means this or the one above (RFC 3986,
// section 5.2.4).
func hasDotSegment(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// query are the parameters that the template sets.
func (t *uriTemplate) query(x *policy.Exchange) []pair {
	pairs := make([]pair, 0, len(t.queryPairs)+4)
	for _, parts := range t.queryPairs {
		var out strings.Builder
		found := true
		for _, part := range parts {
			if part.parameter == "" {
				out.WriteString(part.text)
			} else if value, ok := matchedParameter(x, part.parameter); ok {
				out.WriteString(escapeQuery(value, "$'()*,:@/?!-._~"))
			} else {
				found = false
			}
		}
		if found {
			pairs = append(pairs, pair{out.String(), nameOf(out.String())})
		}
	}
	return pairs
}

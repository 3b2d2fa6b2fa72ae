package importer

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// routed is a path that a route of ASP.NET, as Azure Functions has them, stands
// for.
type routed struct {
	path       string // of an OpenAPI document
	parameters []parameter
	without    string   // the optional parameter that this path leaves out; empty for none
	lost       []string // what OpenAPI, or the gateway, cannot say
}

// routes are the paths of a route, such as orders/{id:int?}: one more for each
// optional parameter that may be left out, which can only be the last ones.
func routes(route string) ([]routed, error) {
	r := routed{}
	var all []routed
	rest := strings.Trim(route, "/")
	var path strings.Builder
	path.WriteByte('/')
	for rest != "" {
		open := strings.IndexByte(rest, '{')
		if open < 0 {
			path.WriteString(rest)
			break
		}
		path.WriteString(rest[:open])
		end := closingBrace(rest, open)
		if end < 0 {
			return nil, fmt.Errorf("the route %q has a brace that is not closed", route)
		}
		p, kind, lost := routeParameter(rest[open+1 : end])
		if p.name == "" {
			return nil, fmt.Errorf("the route %q has braces without a name", route)
		}
		if kind == optionalParameter {
			all = append(all, routed{
				path: "/" + strings.Trim(path.String(), "/"), parameters: slices.Clip(r.parameters), without: p.name, lost: slices.Clip(r.lost),
			})
		}
		path.WriteString("{" + p.name + "}")
		r.parameters, r.lost = append(r.parameters, p), append(r.lost, lost...)
		rest = rest[end+1:]
	}
	r.path = "/" + strings.Trim(path.String(), "/")
	return append(all, r), nil
}

// closingBrace is the place of the brace that closes one; braces inside are
// written twice.
func closingBrace(s string, open int) int {
	for i := open + 1; i < len(s); i++ {
		switch {
		case strings.HasPrefix(s[i:], "{{"), strings.HasPrefix(s[i:], "}}") && strings.Contains(s[open:i], "{{") && i+2 < len(s):
			i++
		case s[i] == '}':
			return i
		}
	}
	return -1
}

// Kinds of parameters of a route.
const (
	requiredParameter = iota
	optionalParameter
)

var routeName = regexp.MustCompile(`^(\*{0,2})([A-Za-z0-9_-]+)`)

// routeParameter takes what stands between braces apart.
func routeParameter(text string) (p parameter, kind int, lost []string) {
	m := routeName.FindStringSubmatch(text)
	if m == nil {
		return parameter{}, kind, nil
	}
	p.name, text = m[2], text[len(m[0]):]
	if m[1] != "" {
		lost = append(lost, fmt.Sprintf("{*%s} takes the rest of a path, and the tool one segment", p.name))
		kind = optionalParameter
	}
	if before, optional := strings.CutSuffix(text, "?"); optional {
		text, kind = before, optionalParameter
	}
	if before, _, has := strings.Cut(text, "="); has && !strings.Contains(before, "(") {
		text, kind = before, optionalParameter
	}
	typed := false
	for _, c := range constraints(text) {
		name, argument, _ := strings.Cut(strings.TrimSuffix(c, ")"), "(")
		more, known := constraintSchema(name, argument)
		if !known {
			lost = append(lost, fmt.Sprintf("the constraint %s of {%s} is not in the schema", c, p.name))
			continue
		}
		for _, f := range more {
			if f.key == "type" {
				if typed {
					continue
				}
				typed = true
			}
			p.schema = append(p.schema, f)
		}
	}
	if !typed {
		p.schema = append(object{{"type", "string"}}, p.schema...)
	}
	return p, kind, lost
}

// constraints splits ":int:min(1)".
func constraints(text string) []string {
	var list []string
	depth, from := 0, 0
	for i := 0; i <= len(text); i++ {
		switch {
		case i == len(text), text[i] == ':' && depth == 0:
			if i > from {
				list = append(list, text[from:i])
			}
			from = i + 1
		case text[i] == '(':
			depth++
		case text[i] == ')':
			depth--
		}
	}
	return list
}

// constraintSchema is a constraint as JSON Schema.
func constraintSchema(name, argument string) (object, bool) {
	low, high, two := strings.Cut(argument, ",")
	number := func(key, text string) field { return field{key, jsontext.Value(strings.TrimSpace(text))} }
	numeric := func(texts ...string) bool {
		for _, t := range texts {
			if _, err := strconv.ParseInt(strings.TrimSpace(t), 10, 64); err != nil {
				return false
			}
		}
		return true
	}
	switch name {
	case "int", "long":
		return object{{"type", "integer"}}, true
	case "decimal", "double", "float":
		return object{{"type", "number"}}, true
	case "bool":
		return object{{"type", "boolean"}}, true
	case "guid":
		return object{{"type", "string"}, {"format", "uuid"}}, true
	case "datetime":
		return object{{"type", "string"}, {"format", "date-time"}}, true
	case "alpha":
		return object{{"type", "string"}, {"pattern", "^[A-Za-z]*$"}}, true
	case "required":
		return object{{"minLength", jsontext.Value("1")}}, true
	case "min", "max":
		key := map[string]string{"min": "minimum", "max": "maximum"}[name]
		return object{{"type", "integer"}, number(key, argument)}, numeric(argument)
	case "range":
		return object{{"type", "integer"}, number("minimum", low), number("maximum", high)}, two && numeric(low, high)
	case "minlength":
		return object{number("minLength", argument)}, numeric(argument)
	case "maxlength":
		return object{number("maxLength", argument)}, numeric(argument)
	case "length":
		if !two {
			high = low
		}
		return object{number("minLength", low), number("maxLength", high)}, numeric(low, high)
	case "regex":
		pattern := strings.NewReplacer("{{", "{", "}}", "}", "[[", "[", "]]", "]").Replace(argument)
		_, err := regexp.Compile(pattern)
		return object{{"pattern", pattern}}, err == nil
	}
	return nil, false
}

package mcp

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// ParamHeader says that an argument of a tool is repeated in the header
// Mcp-Param-{Name} (2026-07-28, server/tools, x-mcp-header).
type ParamHeader struct {
	// Path leads to the argument through nested objects.
	Path []string `json:"path"`
	// Name is the header without its prefix.
	Name string `json:"name"`
}

const keywordHeader = "x-mcp-header"

// ParamHeaders collects the x-mcp-header keywords of an inputSchema. A keyword
// that breaks a rule of the specification is an *[Error]: the tool must then not
// be offered to clients.
func ParamHeaders(inputSchema jsontext.Value) ([]ParamHeader, error) {
	c := paramCollector{seen: map[string]bool{}}
	if err := c.properties(inputSchema, nil); err != nil {
		return nil, err
	}
	return c.found, nil
}

type paramCollector struct {
	found []ParamHeader
	seen  map[string]bool // lower-case names
}

// properties visits what is statically reachable: a chain of "properties" only.
func (c *paramCollector) properties(schema jsontext.Value, path []string) error {
	span, ok := Lookup(schema, "properties")
	if !ok || schema[span.Start] != '{' {
		return nil
	}
	props := schema[span.Start:span.End]
	return EachMember(props, func(m Member) error {
		sub := props[m.Value.Start:m.Value.End]
		if sub.Kind() != '{' {
			return nil
		}
		here := append(slices.Clip(path), m.Name)
		if err := c.property(sub, here); err != nil {
			return err
		}
		return c.properties(sub, here)
	})
}

func (c *paramCollector) property(schema jsontext.Value, path []string) error {
	span, ok := Lookup(schema, keywordHeader)
	if !ok {
		return nil
	}
	m := Message{Raw: schema}
	name := m.Text(span)
	if !token(name) {
		return Errorf(CodeInvalidParams, "property %q: %s must be an HTTP token", strings.Join(path, "."), keywordHeader)
	}
	kind, _ := Lookup(schema, "type")
	switch m.Text(kind) {
	case "string", "integer", "boolean":
	default:
		return Errorf(CodeInvalidParams, "property %q: %s needs type string, integer or boolean", strings.Join(path, "."), keywordHeader)
	}
	lower := strings.ToLower(name)
	if c.seen[lower] {
		return Errorf(CodeInvalidParams, "property %q: %s %q is taken by another property", strings.Join(path, "."), keywordHeader, name)
	}
	c.seen[lower] = true
	c.found = append(c.found, ParamHeader{Path: path, Name: name})
	return nil
}

// token reports whether s is a token of RFC 9110, section 5.6.2.
func token(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

// Value returns what the header must say for the given arguments, before
// encoding; false when the argument is absent or null and the header must be
// absent too. The error is for a value of a type that no header can carry.
func (p *ParamHeader) Value(arguments jsontext.Value) (string, bool, error) {
	raw := arguments
	for _, name := range p.Path {
		span, ok := Lookup(raw, name)
		if !ok {
			return "", false, nil
		}
		raw = raw[span.Start:span.End]
	}
	switch raw.Kind() {
	case '"':
		m := Message{Raw: raw}
		return m.Text(Span{0, len(raw)}), true, nil
	case 't', 'f':
		return string(raw), true, nil
	case '0':
		return integerText(string(raw), strings.Join(p.Path, "."))
	case 'n':
		return "", false, nil
	}
	return "", false, Errorf(CodeInvalidParams, "argument %q must be a string, an integer or a boolean", strings.Join(p.Path, "."))
}

// integerText is the decimal text of an integer within ±(2^53-1), the range in
// which all clients agree on it.
func integerText(raw, path string) (string, bool, error) {
	f, err := strconv.ParseFloat(raw, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53-1 {
		return "", false, Errorf(CodeInvalidParams, "argument %q must be an integer within ±(2^53-1)", path)
	}
	return strconv.FormatInt(int64(f), 10), true, nil
}

// CheckParamHeaders compares the Mcp-Param- headers of a request with the
// arguments of its body. It is for servers that know the tool's schema.
func CheckParamHeaders(params []ParamHeader, arguments jsontext.Value, h http.Header) error {
	for i := range params {
		p := &params[i]
		want, present, err := p.Value(arguments)
		if err != nil {
			return err
		}
		name := http.CanonicalHeaderKey(HeaderParamPrefix + p.Name)
		got, err := single(h, name)
		if err != nil {
			return err
		}
		_, sent := h[name]
		decoded, ok := DecodeHeader(got)
		switch {
		case !ok:
			return Errorf(CodeHeaderMismatch, "the header %s is not valid base64", name)
		case sent != present && present:
			return mismatch(name, "", want)
		case sent != present:
			return Errorf(CodeHeaderMismatch, "the header %s is sent, the body has no such argument", name)
		case decoded != want:
			return mismatch(name, decoded, want)
		}
	}
	return nil
}

// SetParamHeaders sets the Mcp-Param- headers that the arguments ask for.
func SetParamHeaders(params []ParamHeader, arguments jsontext.Value, h http.Header) error {
	for i := range params {
		value, present, err := params[i].Value(arguments)
		if err != nil {
			return err
		}
		if present {
			h.Set(HeaderParamPrefix+params[i].Name, EncodeHeader(value))
		}
	}
	return nil
}

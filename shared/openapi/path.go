package openapi

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// maxPath bounds the path, in bytes. Servers refuse much shorter ones.
const maxPath = 16 << 10

// cutPlaceholder splits a path template, or a rest of one, at its first
// placeholder: the literal text before it, its name, and what follows it.
// Without one, found is false and literal is all of it.
func cutPlaceholder(template string) (literal, name, rest string, found bool) {
	start := strings.IndexByte(template, '{')
	if start < 0 {
		return template, "", "", false
	}
	end := strings.IndexByte(template[start:], '}')
	if end < 0 {
		return template, "", "", false
	}
	end += start
	return template[:start], template[start+1 : end], template[end+1:], true
}

// bindPath expands the path template into x.path.
func (x *binder) bindPath() error {
	if !strings.HasPrefix(x.binding.Path, "/") {
		return x.fault("the path template " + x.binding.Path + " does not start with a slash")
	}
	template := x.binding.Path
	segment := 0      // start of the segment that is being written
	var value *Param  // the last parameter in that segment
	var origin source // where its value came from
	for {
		literal, name, rest, found := cutPlaceholder(template)
		for len(literal) > 0 {
			end := strings.IndexByte(literal, '/') + 1
			if end == 0 {
				x.path = appendEscapedLiteral(x.path, literal)
				break
			}
			x.path = appendEscapedLiteral(x.path, literal[:end-1])
			if err := x.checkSegment(segment, value, origin); err != nil {
				return err
			}
			x.path = append(x.path, '/')
			segment, value = len(x.path), nil
			literal = literal[end:]
		}
		if !found {
			return x.checkSegment(segment, value, origin)
		}
		p := x.binding.param(InPath, name)
		if p == nil {
			return x.fault("the path template " + x.binding.Path + " names the parameter {" + name + "}, which the operation does not have")
		}
		v, from := x.argument(p.Arg, p.Value)
		if err := x.appendPathValue(p, v); err != nil {
			return x.refuse(p.Arg, p.Name, from, err)
		}
		template, value, origin = rest, p, from
	}
}

// checkSegment looks at a whole segment, as parameters and literals that are
// harmless alone may make up a dot segment together. A segment without a
// parameter is the document's own.
func (x *binder) checkSegment(start int, p *Param, from source) error {
	if p == nil {
		return nil
	}
	if err := traversalFault(x.path[start:]); err != nil {
		return x.refuse(p.Arg, p.Name, from, err)
	}
	return nil
}

// appendPathValue appends the value of a path parameter. Everything but
// unreserved characters is escaped, whatever allowReserved says: a value never
// ends its segment.
func (x *binder) appendPathValue(p *Param, v jsontext.Value) error {
	if isNull(v) {
		return unfitError("is required: give a value, as it is a part of the path")
	}
	start := len(x.path)
	n, err := x.appendPathStyle(p, v)
	switch {
	case err != nil:
		return err
	case len(x.path) > maxPath:
		return tooLong(maxPath)
	case n == 0:
		return unfitError("must have at least one item, as it is a part of the path")
	case len(x.path) == start+len(placeholderPrefix(p)):
		return unfitError("must not be empty, as it is a part of the path")
	}
	return nil
}

func (x *binder) appendPathStyle(p *Param, v jsontext.Value) (n int, err error) {
	if p.Content != "" {
		x.text = appendContent(x.text[:0], p.Content, v)
		x.path, err = escapePathText(x.path, x.text)
		return 1, err
	}
	format := listFormat{separator: ",", equals: ",", escape: escapePathText}
	if p.Explode {
		format.equals = "="
	}
	switch p.Style {
	case styleSimple:
	case styleLabel:
		if p.Explode {
			format.separator = "."
		}
	case styleMatrix:
		return x.appendMatrix(p, v, format)
	default:
		return 0, x.styleFault(p)
	}
	x.path = append(x.path, placeholderPrefix(p)...)
	x.path, n, err = x.appendValue(x.path, v, format)
	return n, err
}

// appendMatrix writes ;name=value; exploded, each item and each member of its
// own (RFC 6570 section 3.2.7).
func (x *binder) appendMatrix(p *Param, v jsontext.Value, format listFormat) (n int, err error) {
	x.path = append(x.path, ';')
	kind := v.Kind()
	if p.Explode && kind == '{' {
		format.separator = ";"
		x.path, n, err = x.appendValue(x.path, v, format)
		return n, err
	}
	x.path = appendEscaped(x.path, p.Name, &unreserved)
	x.path = append(x.path, '=')
	if p.Explode && kind == '[' {
		format.separator = ";" + string(appendEscaped(nil, p.Name, &unreserved)) + "="
	}
	start := len(x.path)
	x.path, n, err = x.appendValue(x.path, v, format)
	if err == nil && len(x.path) == start {
		return n, unfitError("must not be empty, as it is a part of the path")
	}
	return n, err
}

// placeholderPrefix is what the value of a path parameter always starts with.
func placeholderPrefix(p *Param) string {
	switch {
	case p.Content != "":
		return ""
	case p.Style == styleLabel:
		return "."
	case p.Style == styleMatrix:
		return ";"
	}
	return ""
}

func escapePathText(dst, text []byte) ([]byte, error) {
	if err := traversalFault(text); err != nil {
		return dst, err
	}
	return appendEscaped(dst, text, &unreserved), nil
}

// pathMatches reports whether an escaped path is one that the operation's
// template can expand to: the same number of segments, the literals in their
// places, something for every parameter, no dot segments, and nothing but the
// characters of a path.
func (b *Binding) pathMatches(escaped string) bool {
	if !isEscapedPath(escaped) {
		return false
	}
	template, more := b.Path, true
	for more {
		var want, have string
		var haveMore bool
		want, template, more = cutTemplateSegment(template)
		have, escaped, haveMore = strings.Cut(escaped, "/")
		if more != haveMore || !b.segmentMatches(want, have) || traversalFault([]byte(have)) != nil {
			return false
		}
	}
	return true
}

func isEscapedPath(path string) bool {
	for i := range len(path) {
		c := path[i]
		if c != '/' && !pathChars.has(c) && !isTriplet(path[i:]) {
			return false
		}
	}
	return true
}

// cutTemplateSegment cuts a template at the first slash outside a placeholder.
func cutTemplateSegment(template string) (segment, rest string, more bool) {
	end := 0
	for {
		literal, name, _, found := cutPlaceholder(template[end:])
		if slash := strings.IndexByte(literal, '/'); slash >= 0 {
			return template[:end+slash], template[end+slash+1:], true
		}
		if !found {
			return template, "", false
		}
		end += len(literal) + len(name) + len("{}")
	}
}

// segmentMatches reports whether one escaped segment is an expansion of one
// segment of the template. Taking the first place where the next literal fits
// is enough, because a parameter may stand for any characters of a segment.
func (b *Binding) segmentMatches(template, segment string) bool {
	literal, name, rest, found := cutPlaceholder(template)
	if !found {
		return segment == escapeLiteral(literal)
	}
	segment, ok := strings.CutPrefix(segment, b.literalBefore(literal, name))
	for ok {
		if segment == "" {
			return false // nothing for the parameter
		}
		literal, name, rest, found = cutPlaceholder(rest)
		if !found {
			return strings.HasSuffix(segment[1:], escapeLiteral(literal))
		}
		_, segment, ok = strings.Cut(segment[1:], b.literalBefore(literal, name))
	}
	return false
}

// literalBefore is the escaped literal before a placeholder, with the prefix
// that the style of its parameter adds.
func (b *Binding) literalBefore(literal, name string) string {
	escaped := escapeLiteral(literal)
	if p := b.param(InPath, name); p != nil {
		return escaped + placeholderPrefix(p)
	}
	return escaped
}

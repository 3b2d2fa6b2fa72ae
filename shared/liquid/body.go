package liquid

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"toolgate/shared/xmljson"

	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth bounds how deep a JSON body nests.
const maxDepth = 128

// Object is a JSON object or an XML element, with its members in the order of
// the document. Members are found without regard to case where none has the
// exact name: templates that API Management generates rely on it.
type Object struct {
	names    []string
	values   []any
	exact    map[string]int
	folded   map[string]int
	children []any            // of an XML element, in the order of the document
	element  *xmljson.Element // nil for JSON objects
	weight   int              // about the bytes that printing writes
}

// add appends a member; a name that is there already stays with its first value.
func (o *Object) add(name string, value any) {
	if o.exact == nil {
		o.exact, o.folded = map[string]int{}, map[string]int{}
	}
	if _, ok := o.exact[name]; ok {
		return
	}
	o.exact[name] = len(o.names)
	if folded := strings.ToLower(name); !contained(o.folded, folded) {
		o.folded[folded] = len(o.names)
	}
	o.weight += len(name) + weight(value)
	o.names = append(o.names, name)
	o.values = append(o.values, value)
}

func contained(m map[string]int, key string) bool {
	_, ok := m[key]
	return ok
}

func (o *Object) member(name string) (any, bool) {
	i, ok := o.exact[name]
	if !ok {
		i, ok = o.folded[strings.ToLower(name)]
	}
	if !ok {
		return nil, false
	}
	return o.values[i], true
}

// BodyFromJSON is the variable body of a JSON message. With parseDate, strings
// that are dates become points in time, which print as 03/21/2012 05:40:00. An
// error is an *Error without a place.
func BodyFromJSON(data []byte, parseDate bool) (any, error) {
	d := jsontext.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	r := &bodyReader{decoder: d, parseDate: parseDate}
	v, err := r.value(0)
	if err == nil {
		if _, end := d.ReadToken(); end == nil {
			return nil, failure("send one JSON value", "something follows the JSON value of the body")
		}
		return v, nil
	}
	if own, ok := errors.AsType[*Error](err); ok {
		return nil, own
	}
	return nil, failure("send JSON, or set the Content-Type that the body has", "the body is not JSON: %v", err)
}

type bodyReader struct {
	decoder   *jsontext.Decoder
	parseDate bool
}

func (r *bodyReader) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, failure("nest less deeply", "the body nests deeper than %d", maxDepth)
	}
	t, err := r.decoder.ReadToken()
	if err != nil {
		return nil, err
	}
	switch t.Kind() {
	case 't', 'f':
		return t.Bool(), nil
	case '0':
		return numberOf(t.String()), nil
	case '"':
		return r.textOf(t.String()), nil
	case '[':
		return r.array(depth)
	case '{':
		return r.object(depth)
	}
	return nil, nil
}

func (r *bodyReader) array(depth int) (any, error) {
	list := []any{}
	for r.decoder.PeekKind() != ']' {
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := r.decoder.ReadToken()
	return list, err
}

func (r *bodyReader) object(depth int) (any, error) {
	o := &Object{}
	for r.decoder.PeekKind() != '}' {
		t, err := r.decoder.ReadToken()
		if err != nil {
			return nil, err
		}
		name := t.String()
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		o.add(name, v)
	}
	_, err := r.decoder.ReadToken()
	return o, err
}

func (r *bodyReader) textOf(s string) any {
	if r.parseDate {
		if t, zoned, ok := xmljson.ParseDate(s); ok {
			return dateTime{t, zoned}
		}
	}
	return s
}

// numberOf is an integer that is one in JSON, and else a float64.
func numberOf(s string) any {
	if strings.ContainsAny(s, ".eE") {
		f, _ := strconv.ParseFloat(s, 64)
		return f
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return i
	}
	if d, ok := parseDecimal(s); ok && d.digits() < maxDigits {
		return d
	}
	f, _ := strconv.ParseFloat(s, 64)
	return f
}

// XSINil says what an element with xsi:nil="true" becomes.
type XSINil int

// The values of xsi-nil; blank is the default.
const (
	Blank XSINil = iota // ""
	Null                // nil, which conditions take for false
)

// BodyFromXML is the variable body of an XML message: an object with the root
// element as its member. An element with text alone is that text; another one
// has a member for each child element and attribute, by local names, where
// repeated children are a list, an attribute gives way to a child of the same
// name, and "@name" is the attribute in every case. An error is an
// *xmljson.Error.
func BodyFromXML(data []byte, missing XSINil) (any, error) {
	document, err := xmljson.ReadXML(data)
	if err != nil {
		return nil, err
	}
	root := document.Root()
	o := &Object{}
	o.add(root.Name.Local, elementOf(root, missing))
	o.children = []any{o.values[0]}
	return o, nil
}

func elementOf(e *xmljson.Element, missing XSINil) any {
	attributes := make([]xmljson.Attr, 0, len(e.Attrs))
	for _, a := range e.Attrs {
		switch {
		case a.Name.Space == xmljson.NamespaceOfInstances && a.Name.Local == "nil":
			if isTrue := strings.TrimSpace(a.Value); isTrue != "true" && isTrue != "1" {
				continue
			}
			if missing == Null {
				return nil
			}
			return ""
		case a.Name.Space != xmljson.NamespaceOfDeclarations:
			attributes = append(attributes, a)
		}
	}
	o := &Object{}
	for name, list := range childElements(e, missing, &o.children) {
		if len(list) == 1 {
			o.add(name, list[0])
		} else {
			o.add(name, list)
		}
	}
	if len(o.children) == 0 && len(attributes) == 0 {
		return e.Text()
	}
	for _, a := range attributes {
		o.add("@"+a.Name.Local, a.Value)
		if !contained(o.folded, strings.ToLower(a.Name.Local)) {
			o.add(a.Name.Local, a.Value)
		}
	}
	o.element = e
	o.weight += len(e.Nodes)
	for _, n := range e.Nodes {
		o.weight += len(n.Text)
	}
	return o
}

// childElements yields the children by local name, and appends all of them to
// children.
func childElements(e *xmljson.Element, missing XSINil, children *[]any) func(yield func(string, []any) bool) {
	var names []string
	byName := map[string][]any{}
	for _, n := range e.Nodes {
		if n.Kind != xmljson.ElementNode {
			continue
		}
		name := n.Element.Name.Local
		if _, ok := byName[name]; !ok {
			names = append(names, name)
		}
		child := elementOf(n.Element, missing)
		byName[name] = append(byName[name], child)
		*children = append(*children, child)
	}
	return func(yield func(string, []any) bool) {
		for _, name := range names {
			if !yield(name, byName[name]) {
				return
			}
		}
	}
}

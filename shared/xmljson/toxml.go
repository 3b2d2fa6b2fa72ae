package xmljson

import (
	"cmp"
	"strings"
	"time"
)

// documentName is the root element of what has not exactly one root.
const documentName = "Document"

// ToXML converts a JSON document to XML. An object with one member that is no
// array becomes the element of that name, and anything else an element
// Document. Arrays are repeated elements, or one empty element where they are
// empty; null is xsi:nil; true and false are True and False, as .NET prints
// them. Members that begin with "@" are attributes, "#text" and
// "#cdata-section" text, and a root member "?xml" the XML declaration, so that
// the JSON of ToJSON in kind Direct becomes XML again. Names that XML does not
// allow are encoded. An error is an *Error.
func ToXML(data []byte, o ToXMLOptions) ([]byte, error) {
	v, err := readJSON(data)
	if err != nil {
		return nil, err
	}
	o.NamespaceSeparator = cmp.Or(o.NamespaceSeparator, "_")
	w := &xmlWriter{options: o, spaces: map[string][]string{"xml": {NamespaceOfXML}}}
	if err := w.document(v); err != nil {
		return nil, err
	}
	return w.out, nil
}

// xmlWriter appends XML.
type xmlWriter struct {
	options ToXMLOptions
	out     []byte
	spaces  map[string][]string // by prefix, the innermost declaration last
}

func (w *xmlWriter) document(v *jsonValue) error {
	if v.kind != '{' {
		return w.wrapped(v)
	}
	rest := &jsonValue{kind: '{', offset: v.offset}
	for i, name := range v.names {
		if name == "?xml" && v.items[i].kind == '{' {
			w.declaration(v.items[i])
			continue
		}
		rest.names, rest.items = append(rest.names, name), append(rest.items, v.items[i])
	}
	if len(rest.items) == 1 && rest.items[0].kind != '[' && !w.speaks(rest.names[0]) {
		return w.element(rest.names[0], rest.items[0])
	}
	return w.wrapped(rest)
}

// wrapped writes the element Document; the items of an array stand in elements
// Array.
func (w *xmlWriter) wrapped(v *jsonValue) error {
	if v.kind == '[' {
		v = &jsonValue{kind: '{', offset: v.offset, names: []string{"Array"}, items: []*jsonValue{v}}
	}
	return w.element(documentName, v)
}

// speaks reports whether a member is not an element of its own.
func (w *xmlWriter) speaks(name string) bool {
	return strings.HasPrefix(name, "@") || name == "#text" || name == "#cdata-section" ||
		name == w.options.AttributeBlockName && name != "" || w.declares(name) != nil
}

func (w *xmlWriter) declaration(v *jsonValue) {
	w.out = append(w.out, `<?xml version="1.0"`...)
	for i, name := range v.names {
		if text := v.items[i].text; name == "@standalone" && (text == "yes" || text == "no") {
			w.out = append(w.out, ` standalone="`+text+`"`...)
		}
	}
	w.out = append(w.out, "?>"...)
}

// attribute is an attribute or a namespace declaration of an element. prefix is
// nil unless it declares one, which may be "".
type attribute struct {
	name   string
	value  *jsonValue
	prefix *string
}

func (w *xmlWriter) element(name string, v *jsonValue) error {
	if name == "" {
		return failure(v.offset, "give the member a name", "a member of the JSON document has the empty name")
	}
	if len(w.out) > maxOutput {
		return failure(v.offset, "convert smaller documents", "the XML document grows larger than %d bytes", maxOutput)
	}
	attributes, err := w.attributes(v)
	if err != nil {
		return err
	}
	for _, a := range attributes {
		if a.prefix != nil {
			w.spaces[*a.prefix] = append(w.spaces[*a.prefix], a.value.text)
			defer func() { w.spaces[*a.prefix] = w.spaces[*a.prefix][:len(w.spaces[*a.prefix])-1] }()
		}
	}
	tag := w.name(name)
	w.out = append(w.out, "<"+tag...)
	if err := w.writeAttributes(attributes); err != nil {
		return err
	}
	if v.kind == 'n' {
		w.out = append(w.out, ` xsi:nil="true" xmlns:xsi="`+NamespaceOfInstances+`" />`...)
		return nil
	}
	start := len(w.out)
	w.out = append(w.out, '>')
	if err := w.content(v); err != nil {
		return err
	}
	if len(w.out) == start+1 {
		w.out = append(w.out[:start], " />"...)
		return nil
	}
	w.out = append(w.out, "</"+tag+">"...)
	return nil
}

// attributes are those that members of an object give to its element.
func (w *xmlWriter) attributes(v *jsonValue) ([]attribute, error) {
	var list []attribute
	add := func(name string, value *jsonValue) error {
		if value.kind == '{' || value.kind == '[' {
			return failure(value.offset, "give it a string, a number, a boolean or null", "the attribute %s has a value that is an object or an array", name)
		}
		a := attribute{name: name, value: value, prefix: w.declares(name)}
		if name == "xmlns" || strings.HasPrefix(name, "xmlns:") {
			a.prefix = new(strings.TrimPrefix(strings.TrimPrefix(name, "xmlns"), ":"))
		}
		list = append(list, a)
		return nil
	}
	for i, name := range v.names {
		item := v.items[i]
		switch {
		case strings.HasPrefix(name, "@") && len(name) > 1:
			if err := add(name[1:], item); err != nil {
				return nil, err
			}
		case name == w.options.AttributeBlockName && name != "" && item.kind == '{':
			for j, inner := range item.names {
				if err := add(inner, item.items[j]); err != nil {
					return nil, err
				}
			}
		case w.declares(name) != nil && item.kind == '"':
			if err := add(name, item); err != nil {
				return nil, err
			}
		}
	}
	return list, nil
}

// declares is the prefix that a member declares by its name: NamespacePrefix
// alone, or with separator and prefix. It is nil for other members.
func (w *xmlWriter) declares(name string) *string {
	if w.options.NamespacePrefix == "" {
		return nil
	}
	rest, ok := strings.CutPrefix(name, w.options.NamespacePrefix)
	if !ok {
		return nil
	}
	if rest == "" {
		return &rest
	}
	prefix, ok := strings.CutPrefix(rest, w.options.NamespaceSeparator)
	if !ok || prefix == "" {
		return nil
	}
	return &prefix
}

func (w *xmlWriter) writeAttributes(attributes []attribute) error {
	seen := map[string]bool{}
	for _, a := range attributes {
		name := w.name(a.name)
		if a.prefix != nil {
			name = strings.TrimSuffix("xmlns:"+encodeName(*a.prefix), ":")
			if bad := w.undeclarable(*a.prefix, a.value); bad != nil {
				return bad
			}
		} else if name == "xmlns" {
			name = "_x0078_mlns" // a plain attribute cannot have this name
		}
		if seen[name] {
			return failure(a.value.offset, "give it once", "an element would have the attribute %s twice", name)
		}
		seen[name] = true
		w.out = append(w.out, " "+name+`="`...)
		if err := w.text(w.textOf(a.value), a.value.offset, true); err != nil {
			return err
		}
		w.out = append(w.out, '"')
	}
	return nil
}

func (w *xmlWriter) undeclarable(prefix string, v *jsonValue) error {
	if v.text != "" && v.kind == '"' && prefix != "xml" && prefix != "xmlns" && encodeName(prefix) == prefix ||
		prefix == "" && v.kind == '"' {
		return nil
	}
	return failure(v.offset, "give it the name of a namespace", "the prefix %q cannot be declared with this value", prefix)
}

// content writes what stands within an element.
func (w *xmlWriter) content(v *jsonValue) error {
	switch v.kind {
	case '{':
		for i, name := range v.names {
			if err := w.member(name, v.items[i]); err != nil {
				return err
			}
		}
		return nil
	case '[': // an array in an array
		for _, item := range v.items {
			if err := w.element("Array", item); err != nil {
				return err
			}
		}
		return nil
	}
	return w.text(w.textOf(v), v.offset, false)
}

func (w *xmlWriter) member(name string, v *jsonValue) error {
	switch {
	case name == "#text" && v.kind != '{':
		for _, one := range each(v) {
			if err := w.text(w.textOf(one), one.offset, false); err != nil {
				return err
			}
		}
		return nil
	case name == "#cdata-section" && v.kind != '{':
		for _, one := range each(v) {
			if err := w.cdata(w.textOf(one), one.offset); err != nil {
				return err
			}
		}
		return nil
	case w.isAttribute(name, v):
		return nil
	case v.kind != '[':
		return w.element(name, v)
	case len(v.items) == 0:
		return w.element(name, &jsonValue{kind: '"', offset: v.offset})
	}
	for _, item := range v.items {
		if err := w.element(name, item); err != nil {
			return err
		}
	}
	return nil
}

// isAttribute reports whether attributes has taken the member.
func (w *xmlWriter) isAttribute(name string, v *jsonValue) bool {
	return strings.HasPrefix(name, "@") && len(name) > 1 ||
		name == w.options.AttributeBlockName && name != "" && v.kind == '{' ||
		w.declares(name) != nil && v.kind == '"'
}

// each are the items of an array, or the value itself.
func each(v *jsonValue) []*jsonValue {
	if v.kind == '[' {
		return v.items
	}
	return []*jsonValue{v}
}

// name divides a name at the separator, or at the colon of XML, where the
// prefix is declared.
func (w *xmlWriter) name(s string) string {
	for _, separator := range []string{w.options.NamespaceSeparator, ":"} {
		prefix, local, ok := strings.Cut(s, separator)
		if ok && prefix != "" && local != "" && len(w.spaces[prefix]) > 0 {
			return prefix + ":" + encodeName(local)
		}
	}
	return encodeName(s)
}

func (w *xmlWriter) textOf(v *jsonValue) string {
	switch v.kind {
	case 't':
		return "True"
	case 'f':
		return "False"
	case '"':
		if w.options.ParseDate {
			return dateText(v.text)
		}
		return v.text
	case '0':
		return v.text
	}
	return ""
}

// dateText is a date in the form of XML Schema, and other text as it is.
func dateText(s string) string {
	t, zoned, ok := ParseDate(s)
	switch {
	case !ok:
		return s
	case zoned:
		return t.Format(time.RFC3339Nano)
	}
	return t.Format("2006-01-02T15:04:05.999999999")
}

// text writes escaped text. Characters that XML cannot hold are an error.
func (w *xmlWriter) text(s string, offset int, attribute bool) error {
	if err := w.representable(s, offset); err != nil {
		return err
	}
	start := 0
	for i := 0; i < len(s); i++ {
		escaped := ""
		switch c := s[i]; {
		case c == '&':
			escaped = "&amp;"
		case c == '<':
			escaped = "&lt;"
		case c == '>':
			escaped = "&gt;"
		case c == '\r':
			escaped = "&#xD;"
		case attribute && c == '"':
			escaped = "&quot;"
		case attribute && c == '\n':
			escaped = "&#xA;"
		case attribute && c == '\t':
			escaped = "&#x9;"
		default:
			continue
		}
		w.out = append(append(w.out, s[start:i]...), escaped...)
		start = i + 1
	}
	w.out = append(w.out, s[start:]...)
	return nil
}

func (w *xmlWriter) cdata(s string, offset int) error {
	if err := w.representable(s, offset); err != nil {
		return err
	}
	w.out = append(w.out, "<![CDATA["...)
	w.out = append(w.out, strings.ReplaceAll(s, "]]>", "]]]]><![CDATA[>")...)
	w.out = append(w.out, "]]>"...)
	return nil
}

func (w *xmlWriter) representable(s string, offset int) error {
	for _, r := range s {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return failure(offset, "remove it", "the JSON document has the character U+%04X, which XML cannot hold", r)
		}
	}
	return nil
}

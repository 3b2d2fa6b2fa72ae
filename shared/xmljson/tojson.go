package xmljson

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// namespaceOfJSON is that of json:Array, which makes an array of one element.
const namespaceOfJSON = "http://james.newtonking.com/projects/json"

// ToJSON converts an XML document to JSON. Comments are left out. An error is
// an *Error.
func ToJSON(data []byte, o ToJSONOptions) ([]byte, error) {
	document, err := ReadXML(data)
	if err != nil {
		return nil, err
	}
	w := jsonWriter{options: o, out: make([]byte, 0, len(data))}
	w.document(document)
	return w.out, nil
}

// jsonWriter appends JSON. The document has been read completely, so that
// nothing can fail.
type jsonWriter struct {
	options ToJSONOptions
	out     []byte
}

// member is a member of the object that is being written: text, or elements.
type member struct {
	name   string
	values []value
}

// value is an element, or text where element is nil.
type value struct {
	element *Element
	text    string
}

// members are the members of an object in the order of their first values.
type members struct {
	list  []member
	index map[string]int
}

func (m *members) add(name string, v value) {
	i, ok := m.index[name]
	if !ok {
		if m.index == nil {
			m.index = map[string]int{}
		}
		i = len(m.list)
		m.index[name] = i
		m.list = append(m.list, member{name: name})
	}
	m.list[i].values = append(m.list[i].values, v)
}

func (w *jsonWriter) document(d *Document) {
	w.out = append(w.out, '{')
	var m members
	if w.options.Kind == JavaScriptFriendly {
		if d.Declaration != nil {
			for _, part := range []struct{ name, text string }{{"version", d.Declaration.Version}, {"encoding", d.Declaration.Encoding}} {
				if part.text != "" {
					m.add(part.name, value{text: part.text})
				}
			}
		}
		m.add(w.elementName(d.Root().Name), value{element: d.Root()})
	} else {
		w.declaration(d.Declaration)
		w.group(&m, d.Nodes)
	}
	w.members(&m, true)
	w.out = append(w.out, '}')
}

// declaration writes the XML declaration as a member.
func (w *jsonWriter) declaration(d *Declaration) {
	if d == nil {
		return
	}
	w.quote("?xml")
	w.out = append(w.out, ":{"...)
	first := true
	for _, part := range []struct{ name, text string }{{"@version", d.Version}, {"@encoding", d.Encoding}, {"@standalone", d.Standalone}} {
		if part.text == "" {
			continue
		}
		if !first {
			w.out = append(w.out, ',')
		}
		first = false
		w.quote(part.name)
		w.out = append(w.out, ':')
		w.quote(part.text)
	}
	w.out = append(w.out, "},"...) // the root element follows
}

// group adds child nodes to the members of their names.
func (w *jsonWriter) group(m *members, nodes []Node) {
	friendly := w.options.Kind == JavaScriptFriendly
	for _, n := range nodes {
		switch {
		case n.Kind == ElementNode:
			m.add(w.elementName(n.Element.Name), value{element: n.Element})
		case n.Kind == InstructionNode:
			if !friendly {
				m.add("?"+decodeName(n.Target), value{text: n.Text})
			}
		case friendly:
			m.add("$t", value{text: n.Text})
		case n.Kind == CDATANode:
			m.add("#cdata-section", value{text: n.Text})
		default:
			m.add("#text", value{text: n.Text})
		}
	}
}

// members writes members without the braces; document is true for those of the
// document, of which the root element is never made an array.
func (w *jsonWriter) members(m *members, document bool) {
	for i, one := range m.list {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.quote(one.name)
		w.out = append(w.out, ':')
		w.values(one.values, document)
	}
}

// values writes one value as it is and more, or one that must be an array, as
// an array.
func (w *jsonWriter) values(values []value, document bool) {
	first := values[0].element
	single := len(values) == 1 && (first == nil || !isArray(first) && (document || !w.options.AlwaysArray))
	if !single {
		w.out = append(w.out, '[')
	}
	for i, v := range values {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		if v.element == nil {
			w.quote(v.text)
		} else {
			w.element(v.element)
		}
	}
	if !single {
		w.out = append(w.out, ']')
	}
}

func (w *jsonWriter) element(e *Element) {
	attrs := valueAttributes(e)
	switch {
	case isArray(e) && len(e.Nodes) > 0 && allNamed(e):
		// An array in an array: the elements stand directly in it.
		var m members
		w.group(&m, e.Nodes)
		for i, one := range m.list {
			if i > 0 {
				w.out = append(w.out, ',')
			}
			w.values(one.values, false)
		}
		return
	case len(attrs) == 0 && w.isText(e):
		w.quote(e.Text())
		return
	case len(e.Nodes) == 0 && len(e.Attrs) == 0:
		if e.SelfClosed {
			w.out = append(w.out, "null"...)
		} else {
			w.out = append(w.out, `""`...)
		}
		return
	}
	var m members
	for _, a := range attrs {
		m.add(w.attributeName(a), value{text: a.Value})
	}
	w.group(&m, e.Nodes)
	w.out = append(w.out, '{')
	w.members(&m, false)
	w.out = append(w.out, '}')
}

// isText reports whether an element without attributes is written as a string.
func (w *jsonWriter) isText(e *Element) bool {
	if w.options.Kind == Direct {
		return len(e.Nodes) == 1 && e.Nodes[0].Kind == TextNode
	}
	for _, n := range e.Nodes {
		if n.Kind != TextNode && n.Kind != CDATANode {
			return false
		}
	}
	return len(e.Nodes) > 0
}

// valueAttributes are the attributes without those that speak to the converter.
func valueAttributes(e *Element) []Attr {
	var attrs []Attr
	for _, a := range e.Attrs {
		if a.Name.Space == NamespaceOfDeclarations && a.Value == namespaceOfJSON ||
			a.Name.Space == namespaceOfJSON && a.Name.Local == "Array" {
			continue
		}
		attrs = append(attrs, a)
	}
	return attrs
}

func isArray(e *Element) bool {
	for _, a := range e.Attrs {
		if a.Name.Space == namespaceOfJSON && a.Name.Local == "Array" {
			v := strings.TrimSpace(a.Value)
			return v == "true" || v == "1"
		}
	}
	return false
}

func allNamed(e *Element) bool {
	for _, n := range e.Nodes {
		if n.Kind != ElementNode || n.Element.Name.Local != e.Name.Local {
			return false
		}
	}
	return true
}

func (w *jsonWriter) elementName(n Name) string {
	if n.Space == namespaceOfJSON {
		return "$" + n.Local
	}
	return w.prefixed(n)
}

func (w *jsonWriter) attributeName(a Attr) string {
	switch {
	case w.options.Kind == JavaScriptFriendly:
		return w.prefixed(a.Name)
	case a.Name.Space == namespaceOfJSON:
		return "$" + a.Name.Local
	}
	return "@" + w.prefixed(a.Name)
}

func (w *jsonWriter) prefixed(n Name) string {
	name := decodeName(n.Local)
	switch {
	case n.Prefix == "":
		return name
	case w.options.Kind == JavaScriptFriendly:
		return n.Prefix + "$" + name
	}
	return n.Prefix + ":" + name
}

func (w *jsonWriter) quote(s string) {
	out, err := jsontext.AppendQuote(w.out, s)
	if err != nil {
		out, _ = jsontext.AppendQuote(w.out, strings.ToValidUTF8(s, "\ufffd")) // the reader admits UTF-8 only
	}
	w.out = out
}

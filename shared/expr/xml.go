package expr

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
)

// xmlNode is a node of an XML document, as System.Xml.Linq has it.
type xmlNode struct {
	kind     xmlKind
	name     xmlQName
	value    string // of text, comments and attributes
	attrs    []*xmlNode
	children []*xmlNode
	parent   *xmlNode
	prefixes map[string]string // namespace → prefix that the element declares
	legacy   bool              // of an XmlDocument
	declared *xmlDeclaration   // of a document; nil: it has none
}

// xmlKind is XmlNodeType.
type xmlKind int64

const (
	xmlElement   xmlKind = 1
	xmlAttribute xmlKind = 2
	xmlText      xmlKind = 3
	xmlCData     xmlKind = 4
	xmlComment   xmlKind = 8
	xmlDocument  xmlKind = 9
)

func (n *xmlNode) typeName() string {
	if n.legacy {
		if n.kind == xmlDocument {
			return "XmlDocument"
		}
		return "XmlNode"
	}
	return map[xmlKind]string{xmlElement: "XElement", xmlAttribute: "XAttribute", xmlText: "XText", xmlCData: "XCData", xmlComment: "XComment", xmlDocument: "XDocument"}[n.kind]
}

// xmlQName is an XName.
type xmlQName struct{ space, local string }

func (xmlQName) typeName() string { return "XName" }

func (q xmlQName) String() string {
	if q.space == "" {
		return q.local
	}
	return "{" + q.space + "}" + q.local
}

// xmlSpace is an XNamespace.
type xmlSpace string

func (xmlSpace) typeName() string { return "XNamespace" }
func (s xmlSpace) String() string { return string(s) }

// xmlName reads {namespace}local.
func xmlName(s string) xmlQName {
	if strings.HasPrefix(s, "{") {
		if i := strings.LastIndexByte(s, '}'); i > 0 {
			return xmlQName{s[1:i], s[i+1:]}
		}
	}
	return xmlQName{"", s}
}

const maxXMLDepth = 256

// parseXML reads a document. Entities that a document declares are refused.
func parseXML(f *frame, text string) *xmlNode {
	f.charge(8 * len(text))
	f.step(len(text) / 16)
	d := xml.NewDecoder(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	d.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil } // it is text already
	doc := &xmlNode{kind: xmlDocument}
	at, depth := doc, 0
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			line, column := d.InputPos()
			throw("XmlException", "%v Line %d, position %d.", err, line, column)
		}
		switch t := t.(type) {
		case xml.StartElement:
			if depth++; depth > maxXMLDepth {
				throw("XmlException", "The document nests deeper than %d.", maxXMLDepth)
			}
			if at == doc && doc.root() != nil {
				throw("XmlException", "There are multiple root elements.")
			}
			at = at.append(f, startElement(t))
		case xml.EndElement:
			depth--
			at = at.parent
		case xml.CharData:
			if s := string(t); at != doc && (strings.TrimSpace(s) != "") {
				at.append(f, &xmlNode{kind: xmlText, value: s})
			}
		case xml.ProcInst:
			if t.Target == "xml" {
				doc.declared = readDeclaration(string(t.Inst))
			}
		case xml.Comment:
			at.append(f, &xmlNode{kind: xmlComment, value: string(t)})
		}
	}
	if doc.root() == nil {
		throw("XmlException", "Root element is missing.")
	}
	return doc
}

func startElement(t xml.StartElement) *xmlNode {
	e := &xmlNode{kind: xmlElement, name: xmlQName{t.Name.Space, t.Name.Local}}
	for _, a := range t.Attr {
		switch {
		case a.Name.Space == "xmlns":
			a.Name.Space = xmlnsSpace
			e.declare(a.Name.Local, a.Value)
		case a.Name.Space == "" && a.Name.Local == "xmlns":
			continue
		}
		e.attrs = append(e.attrs, &xmlNode{kind: xmlAttribute, name: xmlQName{a.Name.Space, a.Name.Local}, value: a.Value, parent: e})
	}
	return e
}

// xmlnsSpace is the namespace of the attributes that declare prefixes.
const xmlnsSpace = "http://www.w3.org/2000/xmlns/"

// declare makes a prefix that of a namespace.
func (n *xmlNode) declare(prefix, namespace string) {
	if n.prefixes == nil {
		n.prefixes = map[string]string{}
	}
	n.prefixes[namespace] = prefix
}

func (n *xmlNode) append(f *frame, c *xmlNode) *xmlNode {
	if c.parent != nil {
		c = c.copied(f)
	}
	for p := n; p != nil; p = p.parent {
		if p == c {
			c = c.copied(f)
			break
		}
	}
	c.parent = n
	if c.kind == xmlAttribute {
		if c.name.space == xmlnsSpace {
			n.declare(c.name.local, c.value)
		}
		n.attrs = append(n.attrs, c)
	} else {
		n.children = append(n.children, c)
	}
	return c
}

// copied is a copy without a parent.
func (n *xmlNode) copied(f *frame) *xmlNode {
	f.step(1)
	f.charge(160)
	c := &xmlNode{kind: n.kind, name: n.name, value: n.value, legacy: n.legacy, declared: n.declared}
	for _, a := range n.attrs {
		c.append(f, &xmlNode{kind: xmlAttribute, name: a.name, value: a.value})
	}
	for _, child := range n.children {
		c.append(f, child.copied(f))
	}
	return c
}

func (n *xmlNode) root() *xmlNode {
	for _, c := range n.children {
		if c.kind == xmlElement {
			return c
		}
	}
	return nil
}

// text is the text within.
func (n *xmlNode) text() string {
	switch n.kind {
	case xmlElement, xmlDocument:
		var b strings.Builder
		for _, c := range n.children {
			if c.kind != xmlComment {
				b.WriteString(c.text())
			}
		}
		return b.String()
	}
	return n.value
}

func (n *xmlNode) setText(f *frame, s string) {
	f.charge(len(s))
	if n.kind != xmlElement {
		n.value = s
		return
	}
	n.children = nil
	n.append(f, &xmlNode{kind: xmlText, value: s})
}

func (n *xmlNode) attribute(name xmlQName) *xmlNode {
	i := slices.IndexFunc(n.attrs, func(a *xmlNode) bool { return a.name == name })
	if i < 0 {
		return nil
	}
	return n.attrs[i]
}

// elements are the child elements of that name; nil: all.
func (n *xmlNode) elements(name any) []*xmlNode {
	var list []*xmlNode
	for _, c := range n.children {
		if c.kind == xmlElement && (name == nil || c.name == name) {
			list = append(list, c)
		}
	}
	return list
}

func (n *xmlNode) descendants(f *frame, name any) []*xmlNode {
	var list []*xmlNode
	for _, c := range n.children {
		f.step(1)
		if c.kind != xmlElement {
			continue
		}
		if name == nil || c.name == name {
			f.charge(16)
			list = append(list, c)
		}
		list = append(list, c.descendants(f, name)...)
	}
	return list
}

func (n *xmlNode) detach() {
	p := n.parent
	if p == nil {
		throw("InvalidOperationException", "The parent is missing.")
	}
	other := func(c *xmlNode) bool { return c == n }
	p.children, p.attrs = slices.DeleteFunc(p.children, other), slices.DeleteFunc(p.attrs, other)
	n.parent = nil
}

func xmlList(list []*xmlNode, elem string) any {
	items := make([]any, len(list))
	for i, n := range list {
		items[i] = n
	}
	return &List{items, types(elem), "List"}
}

// String is the node as XML, indented as .NET does.
func (n *xmlNode) String() string {
	w := xmlWriter{indented: !n.legacy}
	w.node(n, 0)
	return w.String()
}

// xmlWriter writes XML.
type xmlWriter struct {
	strings.Builder
	indented bool
}

var (
	textEscapes      = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	attributeEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")
)

func (w *xmlWriter) node(n *xmlNode, level int) {
	switch n.kind {
	case xmlDocument:
		for i, c := range n.children {
			if i > 0 && w.indented {
				w.WriteString("\r\n")
			}
			w.node(c, level)
		}
	case xmlText:
		w.WriteString(textEscapes.Replace(n.value))
	case xmlCData:
		w.WriteString("<![CDATA[" + n.value + "]]>")
	case xmlComment:
		w.WriteString("<!--" + n.value + "-->")
	case xmlAttribute:
		w.WriteString(n.prefixed(n.name) + `="` + attributeEscapes.Replace(n.value) + `"`)
	default:
		w.element(n, level)
	}
}

func (w *xmlWriter) element(n *xmlNode, level int) {
	tag := n.prefixed(n.name)
	w.WriteString("<" + tag)
	if tag == n.name.local && n.parent.defaultSpace() != n.name.space {
		w.WriteString(` xmlns="` + attributeEscapes.Replace(n.name.space) + `"`)
	}
	for _, a := range n.attrs {
		w.WriteByte(' ')
		w.node(a, level)
	}
	if len(n.children) == 0 {
		w.WriteString(" />")
		return
	}
	w.WriteByte('>')
	mixed := slices.ContainsFunc(n.children, func(c *xmlNode) bool { return c.kind == xmlText || c.kind == xmlCData })
	for _, c := range n.children {
		if w.indented && !mixed {
			w.WriteString("\r\n" + strings.Repeat("  ", level+1))
		}
		w.node(c, level+1)
	}
	if w.indented && !mixed {
		w.WriteString("\r\n" + strings.Repeat("  ", level))
	}
	w.WriteString("</" + tag + ">")
}

// defaultSpace is the namespace of names without a prefix in an element.
func (n *xmlNode) defaultSpace() string {
	for ; n != nil && n.kind == xmlElement; n = n.parent {
		if n.prefixed(n.name) == n.name.local {
			return n.name.space
		}
	}
	return ""
}

// prefixed writes a name with the prefix that is declared for its namespace.
func (n *xmlNode) prefixed(q xmlQName) string {
	if q.space == "" {
		return q.local
	}
	if q.space == xmlnsSpace {
		return "xmlns:" + q.local
	}
	if q.space == "xml" {
		return "xml:" + q.local
	}
	for p := n; p != nil; p = p.parent {
		if prefix := p.prefixes[q.space]; prefix != "" {
			return prefix + ":" + q.local
		}
	}
	return q.local
}

// xmlCast is (T)element and (T)attribute.
func xmlCast(v any, to *Type) any {
	n, ok := v.(*xmlNode)
	if !ok {
		if to.isValue() {
			throwArgumentNull("element")
		}
		return nil
	}
	if to.is("string") {
		return n.text()
	}
	return changeType(strings.TrimSpace(n.text()), to)
}

// xpath evaluates the paths /a/b, //a, @a, *, text() and a[1].
func xpath(f *frame, n *xmlNode, path string) []*xmlNode {
	set := []*xmlNode{n}
	rest := path
	if strings.HasPrefix(rest, "/") {
		for set[0].parent != nil {
			set[0] = set[0].parent
		}
	}
	for rest != "" {
		deep := strings.HasPrefix(rest, "//")
		rest = strings.TrimLeft(rest, "/")
		step := rest
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			step = rest[:i]
		}
		rest = rest[len(step):]
		set = xpathStep(f, set, step, deep)
	}
	return set
}

func xpathStep(f *frame, set []*xmlNode, step string, deep bool) []*xmlNode {
	name, position, indexed := strings.Cut(strings.TrimSuffix(step, "]"), "[")
	at, status := parseNumber(position, "int")
	if name == "" || strings.ContainsAny(name, "()|=") && name != "text()" || indexed && status != "" {
		throw("XmlException", "The XPath '%s' is not supported; use /a/b, //a, @a, text() or a[1].", step)
	}
	if i := strings.IndexByte(name, ':'); i >= 0 {
		name = name[i+1:]
	}
	var out []*xmlNode
	for _, n := range set {
		list := xpathNodes(f, n, name, deep)
		if i := int(integer(at)) - 1; indexed {
			if i < 0 || i >= len(list) {
				continue
			}
			list = list[i : i+1]
		}
		out = append(out, list...)
	}
	return out
}

func xpathNodes(f *frame, n *xmlNode, name string, deep bool) []*xmlNode {
	f.step(1 + len(n.children))
	if attr, ok := strings.CutPrefix(name, "@"); ok {
		return slices.DeleteFunc(slices.Clone(n.attrs), func(a *xmlNode) bool { return attr != "*" && a.name.local != attr })
	}
	var list []*xmlNode
	switch {
	case name == ".":
		return []*xmlNode{n}
	case name == ".." && n.parent != nil:
		return []*xmlNode{n.parent}
	case name == "text()":
		return slices.DeleteFunc(slices.Clone(n.children), func(c *xmlNode) bool { return c.kind != xmlText })
	case deep:
		list = n.descendants(f, nil)
	default:
		list = n.elements(nil)
	}
	return slices.DeleteFunc(list, func(c *xmlNode) bool { return name != "*" && c.name.local != name })
}

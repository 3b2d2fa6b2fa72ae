package xmljson

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"toolgate/shared/pattern"

	"golang.org/x/text/encoding/htmlindex"
)

// Document is an XML document without its comments.
type Document struct {
	// Declaration is the XML declaration; nil where there is none.
	Declaration *Declaration
	// Nodes are the root element and the processing instructions around it.
	Nodes []Node
}

// Declaration is <?xml …?>; what is not declared is "".
type Declaration struct{ Version, Encoding, Standalone string }

// Root is the root element; a Document that was read has one.
func (d *Document) Root() *Element {
	i := slices.IndexFunc(d.Nodes, func(n Node) bool { return n.Kind == ElementNode })
	return d.Nodes[i].Element
}

// NodeKind says what a Node is.
type NodeKind int

// The kinds of nodes.
const (
	ElementNode NodeKind = iota
	TextNode
	CDATANode
	InstructionNode
)

// Node is a child of an element or of the document.
type Node struct {
	Kind    NodeKind
	Element *Element // of ElementNode
	Target  string   // of InstructionNode
	Text    string   // of the other kinds
}

// Element is an XML element. Text that is only white space is left out, as .NET
// does.
type Element struct {
	Name  Name
	Attrs []Attr
	Nodes []Node
	// SelfClosed tells <a/> from <a></a>.
	SelfClosed bool
}

// Name is the name of an element or attribute. Space is the namespace that
// Prefix stands for; an attribute without prefix has none.
type Name struct{ Prefix, Local, Space string }

// String is the name as it stands in the document.
func (n Name) String() string {
	if n.Prefix == "" {
		return n.Local
	}
	return n.Prefix + ":" + n.Local
}

// Attr is an attribute. Namespace declarations are attributes in the namespace
// NamespaceOfDeclarations.
type Attr struct {
	Name  Name
	Value string
}

// Namespaces that XML itself defines.
const (
	NamespaceOfDeclarations = "http://www.w3.org/2000/xmlns/"
	NamespaceOfXML          = "http://www.w3.org/XML/1998/namespace"
	// NamespaceOfInstances is that of xsi:nil.
	NamespaceOfInstances = "http://www.w3.org/2001/XMLSchema-instance"
)

// Text is the text within the element, at any depth.
func (e *Element) Text() string {
	var b strings.Builder
	e.writeText(&b)
	return b.String()
}

func (e *Element) writeText(b *strings.Builder) {
	for _, n := range e.Nodes {
		switch n.Kind {
		case ElementNode:
			n.Element.writeText(b)
		case TextNode, CDATANode:
			b.WriteString(n.Text)
		}
	}
}

// ReadXML reads a document. It is UTF-8, or in the encoding that it declares.
func ReadXML(data []byte) (*Document, error) {
	if len(data) > maxInput {
		return nil, failure(maxInput, "convert smaller documents", "the XML document is larger than %d bytes", maxInput)
	}
	data, err := utf8Text(data)
	if err != nil {
		return nil, err
	}
	r := &xmlReader{data: data, decoder: xml.NewDecoder(bytes.NewReader(data)), document: &Document{}, spaces: map[string][]string{}}
	r.decoder.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil } // it is UTF-8 by now
	if err := r.read(); err != nil {
		return nil, err
	}
	return r.document, nil
}

var declaredEncoding = pattern.Lazy(`^<\?xml[^>]*\bencoding\s*=\s*["']([A-Za-z0-9._-]+)["']`)

// utf8Text is the document in UTF-8 without byte order mark. What is UTF-8 is
// taken so whatever it declares: it may have been decoded on the way.
func utf8Text(data []byte) ([]byte, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if utf8.Valid(data) {
		return data, nil
	}
	if m := declaredEncoding().FindSubmatch(data); m != nil {
		if enc, err := htmlindex.Get(string(m[1])); err == nil {
			if text, err := enc.NewDecoder().Bytes(data); err == nil && utf8.Valid(text) {
				return text, nil
			}
		}
	}
	return nil, failure(0, "send UTF-8, or declare the encoding", "the XML document is not text in UTF-8")
}

// xmlReader reads one document.
type xmlReader struct {
	data     []byte
	decoder  *xml.Decoder
	document *Document
	open     []*Element
	spaces   map[string][]string // by prefix, the innermost declaration last
	declared [][]string          // the prefixes that each open element declares
	pending  strings.Builder     // text before a comment, which may go on after it
}

func (r *xmlReader) fail(fix, format string, args ...any) error {
	return failure(int(r.decoder.InputOffset()), fix, format, args...)
}

func (r *xmlReader) read() error {
	for {
		start := int(r.decoder.InputOffset())
		token, err := r.decoder.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return r.fail("mend the document", "the XML document is not well-formed: %s", plain(err))
		}
		if err := r.token(token, start); err != nil {
			return err
		}
	}
	switch {
	case len(r.open) > 0:
		return r.fail("close the element", "the element %s is not closed", r.open[len(r.open)-1].Name)
	case !slices.ContainsFunc(r.document.Nodes, func(n Node) bool { return n.Kind == ElementNode }):
		return r.fail("send an XML document", "the XML document has no root element")
	}
	return nil
}

// plain is the message without the line, which the offset says better.
func plain(err error) string {
	if syntax, ok := errors.AsType[*xml.SyntaxError](err); ok {
		return syntax.Msg
	}
	return err.Error()
}

func (r *xmlReader) token(token xml.Token, start int) error {
	switch t := token.(type) {
	case xml.StartElement:
		return r.start(t)
	case xml.EndElement:
		return r.end(t)
	case xml.CharData:
		return r.text(string(t), bytes.HasPrefix(r.data[start:], []byte("<![CDATA[")))
	case xml.ProcInst:
		return r.instruction(t, start)
	case xml.Directive:
		return r.fail("remove <!…>", "the XML document has a document type declaration, which is not read")
	}
	return nil
}

func (r *xmlReader) start(t xml.StartElement) error {
	switch {
	case len(r.open) >= maxDepth:
		return r.fail("nest less deeply", "the XML document nests deeper than %d elements", maxDepth)
	case len(r.open) == 0 && slices.ContainsFunc(r.document.Nodes, func(n Node) bool { return n.Kind == ElementNode }):
		return r.fail("have one root element", "the XML document has more than one root element")
	}
	e := &Element{SelfClosed: bytes.HasSuffix(r.data[:r.decoder.InputOffset()], []byte("/>"))}
	r.declare(t)
	var err error
	if e.Name, err = r.name(t.Name, true); err != nil {
		return err
	}
	if e.Attrs, err = r.attributes(t); err != nil {
		return err
	}
	r.add(Node{Kind: ElementNode, Element: e})
	r.open = append(r.open, e)
	return nil
}

func (r *xmlReader) declare(t xml.StartElement) {
	var declared []string
	for _, a := range t.Attr {
		var prefix string
		switch {
		case a.Name.Space == "xmlns":
			prefix = a.Name.Local
		case a.Name.Space != "" || a.Name.Local != "xmlns":
			continue
		}
		r.spaces[prefix] = append(r.spaces[prefix], a.Value)
		declared = append(declared, prefix)
	}
	r.declared = append(r.declared, declared)
}

func (r *xmlReader) attributes(t xml.StartElement) ([]Attr, error) {
	attrs := make([]Attr, 0, len(t.Attr))
	seen := make(map[xml.Name]bool, len(t.Attr))
	for _, a := range t.Attr {
		if seen[a.Name] {
			return nil, r.fail("write it once", "the element %s has the attribute %s twice", t.Name.Local, a.Name.Local)
		}
		seen[a.Name] = true
		name, err := r.name(a.Name, false)
		if err != nil {
			return nil, err
		}
		attrs = append(attrs, Attr{name, a.Value})
	}
	return attrs, nil
}

// name resolves the prefix, which the decoder leaves in Space.
func (r *xmlReader) name(n xml.Name, element bool) (Name, error) {
	name := Name{Prefix: n.Space, Local: n.Local}
	switch {
	case n.Local == "" || strings.Contains(n.Local, ":"):
		return name, r.fail("write prefix:name", "%q is not a name", n.Space+":"+n.Local)
	case n.Space == "xml":
		name.Space = NamespaceOfXML
	case n.Space == "xmlns" || !element && n.Space == "" && n.Local == "xmlns":
		name.Space = NamespaceOfDeclarations
	case n.Space == "" && !element:
	default:
		stack := r.spaces[n.Space]
		if len(stack) == 0 && n.Space != "" {
			return name, r.fail("declare xmlns:"+n.Space, "the prefix of %s is not declared", name)
		}
		if len(stack) > 0 {
			name.Space = stack[len(stack)-1]
		}
	}
	return name, nil
}

func (r *xmlReader) end(t xml.EndElement) error {
	if len(r.open) == 0 {
		return r.fail("remove the end tag", "the end tag %s closes no element", Name{Prefix: t.Name.Space, Local: t.Name.Local})
	}
	depth := len(r.open)
	e := r.open[depth-1]
	if e.Name.Prefix != t.Name.Space || e.Name.Local != t.Name.Local {
		return r.fail("close elements in order", "the element %s is closed by %s", e.Name, Name{Prefix: t.Name.Space, Local: t.Name.Local})
	}
	r.flush()
	r.open = r.open[:depth-1]
	for _, prefix := range r.declared[depth-1] {
		r.spaces[prefix] = r.spaces[prefix][:len(r.spaces[prefix])-1]
	}
	r.declared = r.declared[:depth-1]
	return nil
}

func (r *xmlReader) text(s string, cdata bool) error {
	blank := strings.Trim(s, " \t\r\n") == ""
	switch {
	case len(r.open) == 0 && (cdata || !blank):
		return r.fail("have text in elements only", "the XML document has text outside of the root element")
	case blank && !cdata:
		return nil
	case cdata:
		r.add(Node{Kind: CDATANode, Text: s})
		return nil
	}
	r.pending.WriteString(s)
	return nil
}

func (r *xmlReader) instruction(t xml.ProcInst, start int) error {
	if t.Target != "xml" {
		r.add(Node{Kind: InstructionNode, Target: t.Target, Text: string(t.Inst)})
		return nil
	}
	if start != 0 {
		return r.fail("begin the document with it", "the XML declaration is not at the beginning of the document")
	}
	inst := string(t.Inst)
	r.document.Declaration = &Declaration{pseudoAttribute(inst, "version"), pseudoAttribute(inst, "encoding"), pseudoAttribute(inst, "standalone")}
	return nil
}

var pseudoAttributes = pattern.Lazy(`(version|encoding|standalone)\s*=\s*(?:"([^"]*)"|'([^']*)')`)

func pseudoAttribute(inst, name string) string {
	for _, m := range pseudoAttributes().FindAllStringSubmatch(inst, -1) {
		if m[1] == name {
			return m[2] + m[3]
		}
	}
	return ""
}

// flush adds the text that is complete.
func (r *xmlReader) flush() {
	if r.pending.Len() > 0 {
		e := r.open[len(r.open)-1]
		e.Nodes = append(e.Nodes, Node{Kind: TextNode, Text: r.pending.String()})
		r.pending.Reset()
	}
}

func (r *xmlReader) add(n Node) {
	r.flush()
	if len(r.open) == 0 {
		r.document.Nodes = append(r.document.Nodes, n)
		return
	}
	e := r.open[len(r.open)-1]
	e.Nodes = append(e.Nodes, n)
}

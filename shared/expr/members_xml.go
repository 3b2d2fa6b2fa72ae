package expr

import "strings"

func xnode(a []any) *xmlNode { return a[0].(*xmlNode) }

// addXML adds what constructors and Add are given.
func addXML(f *frame, to *xmlNode, content any) {
	f.charge(96)
	switch v := content.(type) {
	case nil:
	case *xmlNode:
		to.append(f, v)
	case *List, *sequence, *orderedSequence:
		for x := range f.each(v) {
			addXML(f, to, x)
		}
	case bool:
		to.append(f, &xmlNode{kind: xmlText, value: strings.ToLower(toText(v))})
	default:
		to.append(f, &xmlNode{kind: xmlText, value: toText(v)})
	}
}

func newElement(f *frame, a []any) any {
	n := &xmlNode{kind: xmlElement, name: a[0].(xmlQName)}
	addXML(f, n, a[1])
	return n
}

// steps makes Elements and Descendants.
func elementsOf(deep, named bool) func(f *frame, a []any) any {
	return func(f *frame, a []any) any {
		var name any
		if named {
			name = a[1]
		}
		if deep {
			return xmlList(xnode(a).descendants(f, name), "XElement")
		}
		return xmlList(xnode(a).elements(name), "XElement")
	}
}

func firstElement(_ *frame, a []any) any {
	if list := xnode(a).elements(a[1]); len(list) > 0 {
		return list[0]
	}
	return nil
}

func setAttribute(f *frame, a []any) any {
	n, name := xnode(a), a[1].(xmlQName)
	old := n.attribute(name)
	switch {
	case a[2] == nil && old != nil:
		old.detach()
	case a[2] == nil:
	case old != nil:
		old.value = toText(a[2])
	default:
		f.charge(96)
		n.append(f, &xmlNode{kind: xmlAttribute, name: name, value: toText(a[2])})
	}
	return nil
}

func parentElement(_ *frame, a []any) any {
	if p := xnode(a).parent; p != nil && p.kind == xmlElement {
		return p
	}
	return nil
}

func ancestors(_ *frame, a []any) any {
	var list []*xmlNode
	for p := xnode(a).parent; p != nil && p.kind == xmlElement; p = p.parent {
		if len(a) < 2 || p.name == a[1] {
			list = append(list, p)
		}
	}
	return xmlList(list, "XElement")
}

// many makes the extension methods over sequences of elements.
func many(deep, named bool) func(*frame, []any) any {
	return func(_ *frame, a []any) any {
		source := a[0]
		var name any
		if named {
			name = a[1]
		}
		return lazy(func(f *frame, yield func(any) bool) {
			for x := range f.each(source) {
				n, ok := x.(*xmlNode)
				if !ok {
					continue
				}
				list := n.elements(name)
				if deep {
					list = n.descendants(f, name)
				}
				for _, e := range list {
					if !yield(e) {
						return
					}
				}
			}
		})
	}
}

func plainXML(n *xmlNode) string {
	w := xmlWriter{}
	w.node(n, 0)
	return w.String()
}

func legacyNodes(list []*xmlNode) any { return xmlList(list, "XmlNode") }

// markLegacy makes a tree one of XmlDocument.
func markLegacy(n *xmlNode) *xmlNode {
	n.legacy = true
	for _, c := range n.children {
		markLegacy(c)
	}
	for _, a := range n.attrs {
		a.legacy = true
	}
	return n
}

func (n *xmlNode) inner() string {
	var b strings.Builder
	for _, c := range n.children {
		b.WriteString(plainXML(c))
	}
	return b.String()
}

var xmlMembers = []memberTable{
	{"XObject", []row{
		{"XElement Parent", parentElement, `XElement.Parse("<a><b/></a>").Element("b").Parent.Name`, "a"},
		{"XmlNodeType NodeType", func(_ *frame, a []any) any { return enumValue{types("XmlNodeType").def, int64(xnode(a).kind)} }, `XElement.Parse("<a/>").NodeType`, "Element"},
	}},
	{"XNode", []row{
		{"void Remove()", func(_ *frame, a []any) any { xnode(a).detach(); return nil }, "", ""},
		{"IEnumerable<XElement> Ancestors()", ancestors, `XElement.Parse("<a><b/></a>").Element("b").Ancestors().Count()`, "1"},
		{"IEnumerable<XElement> Ancestors(XName name)", ancestors, `XElement.Parse("<a><b/></a>").Element("b").Ancestors("x").Count()`, "0"},
		{"string ToString(SaveOptions options)", func(f *frame, a []any) any {
			if integer(a[1]) == 1 {
				return f.text(plainXML(xnode(a)))
			}
			return f.text(xnode(a).String())
		}, `XElement.Parse("<a> <b/> </a>").ToString(SaveOptions.DisableFormatting)`, "<a><b /></a>"},
	}},
	{"XContainer", []row{
		{"XElement Element(XName name)", firstElement, `XElement.Parse("<a><b>1</b></a>").Element("b").Value`, "1"},
		{"IEnumerable<XElement> Elements()", elementsOf(false, false), `XElement.Parse("<a><b/><c/></a>").Elements().Count()`, "2"},
		{"IEnumerable<XElement> Elements(XName name)", elementsOf(false, true), `XElement.Parse("<a><b/><c/></a>").Elements("b").Count()`, "1"},
		{"IEnumerable<XElement> Descendants()", elementsOf(true, false), `XElement.Parse("<a><b><c/></b></a>").Descendants().Count()`, "2"},
		{"IEnumerable<XElement> Descendants(XName name)", elementsOf(true, true), `XDocument.Parse("<a><b><c>5</c></b></a>").Descendants("c").First().Value`, "5"},
		{"IEnumerable<XNode> Nodes()", func(_ *frame, a []any) any { return xmlList(xnode(a).children, "XNode") }, `XElement.Parse("<a>x<b/></a>").Nodes().Count()`, "2"},
		{"void Add(object content)", func(f *frame, a []any) any { addXML(f, xnode(a), a[1]); return nil }, "", ""},
		{"void RemoveNodes()", func(_ *frame, a []any) any { xnode(a).children = nil; return nil }, "", ""},
	}},
	{"XElement", []row{
		{"new(XName name, params object[] content)", newElement, `new XElement("a", new XAttribute("b", 1), "x").ToString()`, `<a b="1">x</a>`},
		{"static XElement Parse(string text)", func(f *frame, a []any) any {
			root := parseXML(f, text(a, 0)).root()
			root.parent = nil
			return root
		}, `XElement.Parse("<a><b/></a>").ToString()`, "<a>\r\n  <b />\r\n</a>"},
		{"XName Name", func(_ *frame, a []any) any { return xnode(a).name }, `XElement.Parse("<a xmlns='urn:x'/>").Name`, "{urn:x}a"},
		{"string Value", func(_ *frame, a []any) any { return xnode(a).text() }, `XElement.Parse("<a>x<b>y</b></a>").Value`, "xy"},
		{"set string Value", func(f *frame, a []any) any { xnode(a).setText(f, text(a, 1)); return a[1] }, "", ""},
		{"void SetValue(object value)", func(f *frame, a []any) any { xnode(a).setText(f, toText(a[1])); return nil }, "", ""},
		{"XAttribute Attribute(XName name)", func(_ *frame, a []any) any { return orNull(xnode(a).attribute(a[1].(xmlQName))) }, `XElement.Parse("<a b='1'/>").Attribute("b").Value`, "1"},
		{"IEnumerable<XAttribute> Attributes()", func(_ *frame, a []any) any { return xmlList(xnode(a).attrs, "XAttribute") }, `XElement.Parse("<a b='1'/>").Attributes().First().Name`, "b"},
		{"void SetAttributeValue(XName name, object value)", setAttribute, "", ""},
		{"void SetElementValue(XName name, object value)", func(f *frame, a []any) any {
			list := xnode(a).elements(a[1])
			if len(list) == 0 {
				list = []*xmlNode{xnode(a).append(f, &xmlNode{kind: xmlElement, name: a[1].(xmlQName)})}
			}
			if a[2] == nil {
				list[0].detach()
			} else {
				list[0].setText(f, toText(a[2]))
			}
			return nil
		}, "", ""},
		{"bool HasElements", func(_ *frame, a []any) any { return len(xnode(a).elements(nil)) > 0 }, `XElement.Parse("<a/>").HasElements`, "False"},
		{"bool HasAttributes", func(_ *frame, a []any) any { return len(xnode(a).attrs) > 0 }, `XElement.Parse("<a b='1'/>").HasAttributes`, "True"},
		{"bool IsEmpty", func(_ *frame, a []any) any { return len(xnode(a).children) == 0 }, `XElement.Parse("<a/>").IsEmpty`, "True"},
		{"XNamespace GetDefaultNamespace()", func(_ *frame, a []any) any { return xmlSpace(xnode(a).name.space) }, `XElement.Parse("<a xmlns='urn:x'/>").GetDefaultNamespace()`, "urn:x"},
	}},
	{"XDocument", []row{
		{"new(params object[] content)", func(f *frame, a []any) any {
			n := &xmlNode{kind: xmlDocument}
			addXML(f, n, a[0])
			return n
		}, `new XDocument(new XElement("a")).ToString()`, "<a />"},
		{"new(XDeclaration declaration, params object[] content)", func(f *frame, a []any) any {
			n := &xmlNode{kind: xmlDocument}
			n.declared, _ = a[0].(*xmlDeclaration)
			addXML(f, n, a[1])
			return n
		}, `new XDocument(new XDeclaration("1.0", null, null), new XElement("a")).ToString()`, "<a />"},
		{"XDeclaration Declaration", func(_ *frame, a []any) any { return orNull(xnode(a).declared) }, `XDocument.Parse("<?xml version='1.0' encoding='utf-8'?><a/>").Declaration`, `<?xml version="1.0" encoding="utf-8"?>`},
		{"set XDeclaration Declaration", func(_ *frame, a []any) any {
			xnode(a).declared, _ = a[1].(*xmlDeclaration)
			return a[1]
		}, "", ""},
		{"static XDocument Parse(string text)", func(f *frame, a []any) any { return parseXML(f, text(a, 0)) }, `XDocument.Parse("<a/>").ToString()`, "<a />"},
		{"XElement Root", func(_ *frame, a []any) any { return orNull(xnode(a).root()) }, `XDocument.Parse("<a/>").Root.Name`, "a"},
	}},
	{"XAttribute", []row{
		{"new(XName name, object value)", func(_ *frame, a []any) any {
			return &xmlNode{kind: xmlAttribute, name: a[0].(xmlQName), value: toText(a[1])}
		}, `new XAttribute("a", 1).ToString()`, `a="1"`},
		{"XName Name", func(_ *frame, a []any) any { return xnode(a).name }, `new XAttribute("a", 1).Name`, "a"},
		{"string Value", func(_ *frame, a []any) any { return xnode(a).value }, `new XAttribute("a", 1).Value`, "1"},
		{"set string Value", func(_ *frame, a []any) any { xnode(a).value = text(a, 1); return a[1] }, "", ""},
		{"void Remove()", func(_ *frame, a []any) any { xnode(a).detach(); return nil }, "", ""},
	}},
	{"XText", []row{
		{"new(string value)", func(_ *frame, a []any) any { return &xmlNode{kind: xmlText, value: text(a, 0)} }, `new XText("a<b").ToString()`, "a&lt;b"},
		{"string Value", func(_ *frame, a []any) any { return xnode(a).value }, `new XText("a").Value`, "a"},
	}},
	{"XCData", []row{{"new(string value)", func(_ *frame, a []any) any { return &xmlNode{kind: xmlCData, value: text(a, 0)} }, `new XElement("a", new XCData("<")).ToString()`, "<a><![CDATA[<]]></a>"}}},
	{"XName", []row{
		{"static XName Get(string localName, string namespaceName)", func(_ *frame, a []any) any { return xmlQName{text(a, 1), text(a, 0)} }, `XName.Get("a", "urn:x")`, "{urn:x}a"},
		{"static XName Get(string expandedName)", func(_ *frame, a []any) any { return xmlName(text(a, 0)) }, `XName.Get("a").LocalName`, "a"},
		{"string LocalName", func(_ *frame, a []any) any { return a[0].(xmlQName).local }, `XElement.Parse("<a xmlns='urn:x'/>").Name.LocalName`, "a"},
		{"string NamespaceName", func(_ *frame, a []any) any { return a[0].(xmlQName).space }, `XElement.Parse("<a xmlns='urn:x'/>").Name.NamespaceName`, "urn:x"},
		{"XNamespace Namespace", func(_ *frame, a []any) any { return xmlSpace(a[0].(xmlQName).space) }, `XElement.Parse("<a xmlns='urn:x'/>").Name.Namespace`, "urn:x"},
	}},
	{"XNamespace", []row{
		{"static XNamespace Get(string namespaceName)", func(_ *frame, a []any) any { return xmlSpace(text(a, 0)) }, `XNamespace.Get("urn:x")`, "urn:x"},
		{"static XNamespace Xmlns", func(*frame, []any) any { return xmlSpace(xmlnsSpace) }, `new XAttribute(XNamespace.Xmlns + "a", "urn:x").ToString()`, `xmlns:a="urn:x"`},
		{"static XNamespace None", func(*frame, []any) any { return xmlSpace("") }, `XNamespace.None.NamespaceName`, ""},
		{"string NamespaceName", func(_ *frame, a []any) any { return toText(a[0]) }, `XNamespace.Get("urn:x").NamespaceName`, "urn:x"},
		{"XName GetName(string localName)", func(_ *frame, a []any) any { return xmlQName{toText(a[0]), text(a, 1)} }, `XNamespace.Get("urn:x").GetName("a")`, "{urn:x}a"},
	}},
	{"IEnumerable<T>", []row{
		{"IEnumerable<XElement> Elements()", many(false, false), `XElement.Parse("<a><b><c/></b></a>").Elements().Elements().Count()`, "1"},
		{"IEnumerable<XElement> Elements(XName name)", many(false, true), `XElement.Parse("<a><b><c/></b></a>").Elements("b").Elements("c").Count()`, "1"},
		{"IEnumerable<XElement> Descendants(XName name)", many(true, true), `XElement.Parse("<a><b><c/></b></a>").Elements().Descendants("c").Count()`, "1"},
	}},
	{"XmlDocument", []row{
		{"new()", func(*frame, []any) any { return &xmlNode{kind: xmlDocument, legacy: true} }, `new XmlDocument().OuterXml`, ""},
		{"void LoadXml(string xml)", func(f *frame, a []any) any {
			doc := markLegacy(parseXML(f, text(a, 1)))
			n := xnode(a)
			n.children = nil
			for _, c := range doc.children {
				c.parent = n
				n.children = append(n.children, c)
			}
			return nil
		}, "", ""},
		{"XmlNode DocumentElement", func(_ *frame, a []any) any { return orNull(xnode(a).root()) }, `new XmlDocument().DocumentElement == null`, "True"},
	}},
	{"XmlNode", []row{
		{"string InnerText", func(_ *frame, a []any) any { return xnode(a).text() }, `new XmlDocument().InnerText`, ""},
		{"string InnerXml", func(f *frame, a []any) any { return f.text(xnode(a).inner()) }, `new XmlDocument().InnerXml`, ""},
		{"string OuterXml", func(f *frame, a []any) any { return f.text(plainXML(xnode(a))) }, `new XmlDocument().OuterXml`, ""},
		{"string Value", func(_ *frame, a []any) any { return textOrNull(xnode(a).value) }, `new XmlDocument().Value == null`, "True"},
		{"string Name", func(_ *frame, a []any) any { return xnode(a).prefixed(xnode(a).name) }, `new XmlDocument().Name`, ""},
		{"string LocalName", func(_ *frame, a []any) any { return xnode(a).name.local }, `new XmlDocument().LocalName`, ""},
		{"IEnumerable<XmlNode> ChildNodes", func(_ *frame, a []any) any { return legacyNodes(xnode(a).children) }, `new XmlDocument().ChildNodes.Count()`, "0"},
		{"XmlNode SelectSingleNode(string xpath)", func(f *frame, a []any) any {
			if list := xpath(f, xnode(a), text(a, 1)); len(list) > 0 {
				return list[0]
			}
			return nil
		}, `new XmlDocument().SelectSingleNode("/a/b") == null`, "True"},
		{"IEnumerable<XmlNode> SelectNodes(string xpath)", func(f *frame, a []any) any { return legacyNodes(xpath(f, xnode(a), text(a, 1))) }, `new XmlDocument().SelectNodes("//a").Count()`, "0"},
	}},
}

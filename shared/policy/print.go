package policy

import "strings"

// Print writes a document in the form RawXML, indented. Parsing what it
// returns, without named values, gives the same document but for positions.
func Print(d *Document) string {
	p := &printer{}
	for _, e := range d.Elements {
		p.element(e, 0)
		p.out.WriteByte('\n')
	}
	return p.out.String()
}

type printer struct{ out strings.Builder }

func (p *printer) element(e *Element, depth int) {
	p.out.WriteString("<" + e.Name)
	for _, a := range e.Attributes {
		p.out.WriteString(" " + a.Name + `="`)
		p.text(a.Value, true)
		p.out.WriteByte('"')
	}
	text := e.Text.Source != "" || e.Text.Kind != Literal
	if !text && len(e.Children) == 0 {
		p.out.WriteString(" />")
		return
	}
	p.out.WriteByte('>')
	if text {
		p.text(e.Text, false)
	}
	for _, child := range e.Children {
		if !text { // white space beside a text would become part of it
			p.indent(depth + 1)
		}
		p.element(child, depth+1)
	}
	if !text {
		p.indent(depth)
	}
	p.out.WriteString("</" + e.Name + ">")
}

func (p *printer) indent(depth int) {
	p.out.WriteByte('\n')
	for range depth {
		p.out.WriteString("    ")
	}
}

func (p *printer) text(t Text, attribute bool) {
	switch {
	case t.Kind == Expression:
		p.out.WriteString("@(")
		p.expression(t.Source)
		p.out.WriteByte(')')
	case t.Kind == Statements:
		p.out.WriteString("@{")
		p.expression(t.Source)
		p.out.WriteByte('}')
	case t.Verbatim:
		p.out.WriteString(t.Source)
	default:
		escapes := textEscapes
		if attribute {
			escapes = attributeEscapes
		}
		source := t.Source
		if start := skipSpace(source, 0); strings.HasPrefix(source[start:], "@") { // not an expression, whatever follows
			p.out.WriteString(escapes.Replace(source[:start]) + "&#64;")
			source = source[start+1:]
		}
		p.out.WriteString(escapes.Replace(source))
	}
}

var (
	textEscapes      = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#13;")
	attributeEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#13;", "\n", "&#10;", "\t", "&#9;", `"`, "&quot;")
)

// expression writes C# as it is, but for what would be read as a reference.
func (p *printer) expression(source string) {
	for {
		n := strings.IndexAny(source, "&\r")
		if n < 0 {
			p.out.WriteString(source)
			return
		}
		p.out.WriteString(source[:n])
		if source[n] == '\r' {
			p.out.WriteString("&#13;")
		} else if _, width := reference(source[n:]); width > 0 {
			p.out.WriteString("&amp;")
		} else {
			p.out.WriteByte('&')
		}
		source = source[n+1:]
	}
}

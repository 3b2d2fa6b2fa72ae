package expr

import (
	"fmt"
	"iter"
	"slices"
	"strings"
)

// row is one member in a type's table: its signature as C# writes it, what it
// does, and an example with its result (as ToString has it), which is its test.
//
// Signatures begin with "new" for constructors, "static" for static members,
// "set" for assignments to a property or an indexer, and "extension" for
// instance members that may be called on null. Arguments arrive as the types of
// the signature; the receiver comes before and type arguments come after them.
type row struct {
	sig     string
	run     func(f *frame, a []any) any
	example string
	want    string
}

// memberTable holds the members of a type.
type memberTable struct {
	of   string
	rows []row
}

// typeTable declares the types of a namespace, one on a line.
type typeTable struct {
	namespace string
	ours      bool
	types     string
}

// member is a parsed row.
type member struct {
	row
	text       string
	owner      *typeDef
	name       string
	kind       memberKind
	static     bool
	extension  bool
	setter     bool
	typeParams []string
	params     []memberParam
	result     *Type // nil: void
}

type memberKind uint8

const (
	property memberKind = iota
	method
	constructor
	indexer
)

type memberParam struct {
	name     string
	t        *Type
	out      bool
	variadic bool
	optional bool
	value    any // of optional ones
}

// add reads a row's signature into the members of a type.
func (u *typeUniverse) add(d *typeDef, r row) {
	defer func() {
		if e := recover(); e != nil {
			panic(fmt.Sprintf("expr: the signature %q of %s: %v", r.sig, d.name, e))
		}
	}()
	m := &member{row: r, text: r.sig, owner: d}
	l := lexer{src: r.sig}
	p := &parser{tokens: l.tokens("")}
	m.static = p.acceptWord("static")
	m.extension = p.acceptWord("extension")
	m.setter = p.acceptWord("set")
	u.signature(m, p)
	key := m.name
	if m.setter {
		key = "=" + key
	}
	d.members[key] = append(d.members[key], m)
}

func (u *typeUniverse) signature(m *member, p *parser) {
	params := slices.Clone(m.owner.params)
	if p.acceptWord("new") {
		m.kind, m.name, m.static = constructor, "new", true
		m.params = u.parameters(p, params, ")")
		m.result = &Type{def: m.owner}
		for _, name := range m.owner.params {
			m.result.args = append(m.result.args, &Type{param: name})
		}
		return
	}
	result := p.typeName()
	if p.acceptWord("this") {
		m.kind, m.name = indexer, "this"
		m.params = u.parameters(p, params, "]")
	} else {
		m.name = p.take().text
		if p.accept("<") {
			for {
				m.typeParams = append(m.typeParams, p.name())
				if !p.accept(",") {
					break
				}
			}
			p.expect(">")
			params = append(params, m.typeParams...)
		}
		if p.is("(") {
			m.kind = method
			m.params = u.parameters(p, params, ")")
		}
	}
	if result.name != "void" {
		m.result = u.resolve(result, params)
	}
	if p.peek().kind != tEnd {
		p.unexpected(p.peek(), "the end")
	}
}

func (u *typeUniverse) parameters(p *parser, params []string, closing string) []memberParam {
	var list []memberParam
	p.pos++
	for !p.accept(closing) {
		m := memberParam{variadic: p.acceptWord("params"), out: p.acceptWord("out")}
		m.t = u.resolve(p.typeName(), params)
		m.name = p.take().text
		if p.accept("=") {
			m.optional = true
			if !p.acceptWord("null") {
				m.value = p.take().value
			}
		}
		list = append(list, m)
		p.accept(",")
	}
	return list
}

// named lists the members of that name of t and of what it derives from, the
// nearest first.
func (t *Type) named(name string, visit func(m *member, of *Type)) {
	seen := map[*typeDef]bool{}
	var walk func(t *Type)
	walk = func(t *Type) {
		if t == nil || t.def == nil || seen[t.def] {
			return
		}
		seen[t.def] = true
		for _, m := range t.def.own()[name] {
			visit(m, t)
		}
		b := t.bound()
		for _, s := range t.def.supers {
			walk(s.with(b))
		}
	}
	walk(t)
	walk(types("object"))
}

// memberNames lists what t has, to find the nearest name.
func (t *Type) memberNames() []string {
	seen := map[*typeDef]bool{}
	var names []string
	var walk func(d *typeDef)
	walk = func(d *typeDef) {
		if seen[d] {
			return
		}
		seen[d] = true
		for name := range d.own() {
			if name != "new" && name != "this" && name[0] != '=' {
				names = append(names, name)
			}
		}
		for _, e := range d.enum {
			names = append(names, e.name)
		}
		for _, s := range d.supers {
			walk(s.def)
		}
	}
	walk(t.def)
	walk(types("object").def)
	slices.Sort(names)
	return names
}

// Member describes one member that expressions can use.
type Member struct {
	Namespace string
	Type      string // as C# writes it, with type parameters
	Signature string
	Example   string // an expression, "" where it needs a request to show
	Result    string // of the example, as ToString has it
	Ours      bool   // unknown to API Management
	Differs   string // what differs from API Management, "" for nothing that is known
}

// Members yields every type's members in the order of their tables; enumeration
// values come as static members.
func Members() iter.Seq[Member] {
	return func(yield func(Member) bool) {
		u := universe()
		for _, d := range u.list {
			for _, e := range d.enum {
				if !yield(Member{
					Namespace: d.namespace, Type: d.name, Signature: fmt.Sprintf("static %s %s = %d", d.name, e.name, e.value),
					Differs: differences[d.name+"."+e.name],
				}) {
					return
				}
			}
		}
		for table := range memberTables() {
			name, _, _ := strings.Cut(table.of, "<")
			d := u.simple[name]
			for _, r := range table.rows {
				m := d.memberOf(r.sig)
				ours := d.ours || m.result != nil && m.result.def != nil && m.result.def.ours
				if !yield(Member{d.namespace, table.of, r.sig, r.example, r.want, ours, differences[d.name+"."+m.name]}) {
					return
				}
			}
		}
	}
}

// memberOf is the member that a row's signature declares.
func (d *typeDef) memberOf(sig string) *member {
	for _, list := range d.own() {
		for _, m := range list {
			if m.text == sig {
				return m
			}
		}
	}
	return nil
}

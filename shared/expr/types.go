package expr

import (
	"slices"
	"strings"
	"sync"
)

// Type is a .NET type as expressions know it.
type Type struct {
	def  *typeDef
	args []*Type
	// param is the name of a type parameter; def is nil then.
	param string
}

// typeDef is what a type's file declares.
type typeDef struct {
	name      string // as C# writes it, without type parameters
	namespace string
	params    []string
	supers    []*Type // what values convert to implicitly: base class and interfaces
	value     bool    // a struct or an enum: never null
	static    bool
	enum      []enumName
	members   map[string][]*member // by own, where there are tables
	ours      bool                 // not of API Management

	superTypes string // as declared
	tables     []memberTable
	read       sync.Once // of tables
}

// own are the members that the type itself declares, by name. The rows of its tables
// are read when it is first asked for them: documents use few of all types.
func (d *typeDef) own() map[string][]*member {
	d.read.Do(func() {
		for _, table := range d.tables {
			for _, r := range table.rows {
				universe().add(d, r)
			}
		}
	})
	return d.members
}

type enumName struct {
	name  string
	value int64
}

// String is the type as C# writes it.
func (t *Type) String() string {
	if t == nil {
		return "void"
	}
	if t.def == nil {
		return t.param
	}
	switch {
	case t.def.name == "Nullable" && len(t.args) == 1:
		return t.args[0].String() + "?"
	case t.def.name == "Array" && len(t.args) == 1:
		return t.args[0].String() + "[]"
	case len(t.args) == 0:
		return t.def.name
	}
	var b strings.Builder
	b.WriteString(t.def.name + "<")
	for i, a := range t.args {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(a.String())
	}
	return b.String() + ">"
}

func (t *Type) equal(u *Type) bool {
	if t == u {
		return true
	}
	return t != nil && u != nil && t.def == u.def && t.param == u.param && slices.EqualFunc(t.args, u.args, (*Type).equal)
}

func (t *Type) is(name string) bool { return t != nil && t.def != nil && t.def.name == name }

// isValue says whether the type has no null.
func (t *Type) isValue() bool {
	return t != nil && t.def != nil && t.def.value && t.def.name != "Nullable"
}

func (t *Type) isNullable() bool { return t.is("Nullable") && len(t.args) == 1 }

func (t *Type) isEnum() bool { return t != nil && t.def != nil && t.def.enum != nil }

// underlying is T of T?, and other types themselves.
func (t *Type) underlying() *Type {
	if t.isNullable() {
		return t.args[0]
	}
	return t
}

// loose says whether nothing is known before evaluation.
func (t *Type) loose() bool { return t == nil || t.is("dynamic") }

func (t *Type) isDelegate() bool {
	return t.is("Func") || t.is("Action") || t.is("Predicate") || t.is("Comparison")
}

// signature is what a delegate type takes and returns; result is nil for none.
func (t *Type) signature() (params []*Type, result *Type) {
	switch t.def.name {
	case "Func":
		return t.args[:len(t.args)-1], t.args[len(t.args)-1]
	case "Predicate":
		return t.args, types("bool")
	case "Comparison":
		return []*Type{t.args[0], t.args[0]}, types("int")
	}
	return t.args, nil
}

// bindings maps type parameters to types.
type bindings map[string]*Type

// with replaces type parameters; one without a binding stays.
func (t *Type) with(b bindings) *Type {
	if t == nil || len(b) == 0 {
		return t
	}
	if t.param != "" {
		if to := b[t.param]; to != nil {
			return to
		}
		return t
	}
	if len(t.args) == 0 {
		return t
	}
	u := &Type{def: t.def, args: make([]*Type, len(t.args))}
	for i, a := range t.args {
		u.args[i] = a.with(b)
	}
	return u
}

// open says whether type parameters are left.
func (t *Type) open() bool {
	return t != nil && (t.param != "" || slices.ContainsFunc(t.args, (*Type).open))
}

// as is t seen as the type that def declares, with its arguments; nil where t
// has no such super type.
func (t *Type) as(def *typeDef) *Type {
	if t == nil || t.def == nil {
		return nil
	}
	if t.def == def {
		return t
	}
	b := t.bound()
	for _, s := range t.def.supers {
		if found := s.with(b).as(def); found != nil {
			return found
		}
	}
	return nil
}

// bound binds the type parameters of the definition to t's arguments.
func (t *Type) bound() bindings {
	b := make(bindings, len(t.args))
	for i, p := range t.def.params {
		if i < len(t.args) {
			b[p] = t.args[i]
		}
	}
	return b
}

// element is what iterating over t yields; nil where it cannot be iterated.
func (t *Type) element() *Type {
	if t.loose() {
		return types("dynamic")
	}
	if e := t.as(universe().simple["IEnumerable"]); e != nil {
		return e.args[0]
	}
	return nil
}

// typeUniverse is every type that expressions may name.
type typeUniverse struct {
	simple     map[string]*typeDef // by name, and by alias such as String
	full       map[string]*typeDef // with namespace
	namespaces map[string]bool
	list       []*typeDef
}

// known is built once, from the tables of the member files, and never changes.
var known struct {
	sync.Once
	universe *typeUniverse
}

func universe() *typeUniverse {
	known.Do(func() { known.universe = newUniverse() })
	return known.universe
}

func newUniverse() *typeUniverse {
	u := &typeUniverse{simple: map[string]*typeDef{}, full: map[string]*typeDef{}, namespaces: map[string]bool{}}
	for _, group := range typeTables {
		for decl := range strings.Lines(group.types) {
			if decl = strings.TrimSpace(decl); decl != "" {
				u.declare(group, decl)
			}
		}
	}
	for _, d := range u.list {
		u.link(d)
	}
	for table := range memberTables() {
		name, _, _ := strings.Cut(table.of, "<")
		d := u.simple[name]
		if d == nil {
			panic("expr: members of the undeclared type " + table.of)
		}
		d.tables = append(d.tables, table)
	}
	return u
}

// aliases are the names in System of types that C# has keywords for.
var aliases = map[string]string{
	"bool": "Boolean", "byte": "Byte", "sbyte": "SByte", "char": "Char", "decimal": "Decimal", "double": "Double", "float": "Single",
	"int": "Int32", "uint": "UInt32", "long": "Int64", "ulong": "UInt64", "short": "Int16", "ushort": "UInt16", "object": "Object", "string": "String",
}

// declare reads "class Name<T> : Super", "struct Name", "static class Name" or
// "enum Name { A = 1, B }".
func (u *typeUniverse) declare(group typeTable, decl string) {
	d := &typeDef{namespace: group.namespace, members: map[string][]*member{}, ours: group.ours}
	words := strings.SplitN(decl, " ", 2)
	if words[0] == "static" {
		d.static = true
		words = strings.SplitN(words[1], " ", 2)
	}
	d.value = words[0] == "struct" || words[0] == "enum"
	rest := words[1]
	if words[0] == "enum" {
		name, list, _ := strings.Cut(strings.TrimSuffix(rest, "}"), "{")
		rest = name
		d.enum = enumNames(list)
	}
	head, supers, _ := strings.Cut(rest, ":")
	name, params, _ := strings.Cut(strings.TrimSpace(head), "<")
	d.name = name
	for p := range strings.SplitSeq(strings.TrimSuffix(params, ">"), ",") {
		if p = strings.TrimSpace(p); p != "" {
			d.params = append(d.params, p)
		}
	}
	d.superTypes = supers
	u.list = append(u.list, d)
	names := []string{name}
	if a := aliases[name]; a != "" {
		names = append(names, a)
	}
	for _, n := range names {
		u.simple[n] = d
		u.full[d.namespace+"."+n] = d
	}
	for ns := d.namespace; ns != ""; {
		u.namespaces[ns] = true
		i := strings.LastIndexByte(ns, '.')
		ns = ns[:max(i, 0)]
	}
}

func enumNames(list string) []enumName {
	var names []enumName
	next := int64(0)
	for item := range strings.SplitSeq(list, ",") {
		name, value, given := strings.Cut(strings.TrimSpace(item), "=")
		if given {
			next = 0
			for _, c := range strings.TrimSpace(value) {
				next = next*10 + int64(c-'0')
			}
		}
		names = append(names, enumName{strings.TrimSpace(name), next})
		next++
	}
	return names
}

// link resolves the super types of a declaration.
func (u *typeUniverse) link(d *typeDef) {
	if strings.TrimSpace(d.superTypes) == "" {
		return
	}
	l := lexer{src: d.superTypes}
	p := &parser{tokens: l.tokens("")}
	for {
		d.supers = append(d.supers, u.resolve(p.typeName(), d.params))
		if !p.accept(",") {
			return
		}
	}
}

// resolve makes the type that a table names; an unknown name is a type
// parameter.
func (u *typeUniverse) resolve(r typeRef, params []string) *Type {
	var t *Type
	if d := u.simple[r.name]; d != nil && !slices.Contains(params, r.name) {
		t = &Type{def: d}
		for _, a := range r.args {
			t.args = append(t.args, u.resolve(a, params))
		}
	} else {
		t = &Type{param: r.name}
	}
	if r.nullable {
		t = &Type{def: u.simple["Nullable"], args: []*Type{t}}
	}
	for range r.rank {
		t = &Type{def: u.simple["Array"], args: []*Type{t}}
	}
	return t
}

// types is a type by its C# name, with arguments.
func types(name string, args ...*Type) *Type {
	d := universe().simple[name]
	if len(args) == 0 && len(d.params) == 0 {
		return plainType(d)
	}
	return &Type{def: d, args: args}
}

var plainTypes sync.Map // *typeDef → *Type

// plainType is the one Type of a definition without parameters.
func plainType(d *typeDef) *Type {
	if t, ok := plainTypes.Load(d); ok {
		return t.(*Type)
	}
	t, _ := plainTypes.LoadOrStore(d, &Type{def: d})
	return t.(*Type)
}

// lookupType finds a type by its simple or full name. Arity tells Tuple<T> from
// Tuple; types that take any number of arguments match all.
func lookupType(name string, arity int) *typeDef {
	u := universe()
	d := u.simple[name]
	if strings.Contains(name, ".") {
		d = u.full[name]
	}
	if d == nil || arity > 0 && len(d.params) != arity && !variadicTypes[d.name] {
		return nil
	}
	return d
}

// variadicTypes have several definitions in .NET that differ in the number of
// type arguments.
var variadicTypes = map[string]bool{"Func": true, "Action": true, "Tuple": true, "ValueTuple": true, "IEnumerable": true}

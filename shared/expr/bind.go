package expr

import (
	"fmt"
	"slices"

	"toolgate/shared/fault"
)

// binder gives nodes their types and closures. It goes on after errors with the
// type dynamic, to report all of them.
type binder struct {
	program  *Program
	errors   []*syntaxError
	scope    *scope
	slots    int
	lambda   *lambdaScope // nil: the expression itself
	level    int          // of lambdas
	loops    int
	switches int
	catches  int
	checked  int     // of checked blocks and expressions around
	caught   int     // the slot of the exception in the innermost catch
	results  []*Type // types returned by the function that is being bound
	result   *Type   // what it must return; nil: to be found
	depth    int
	// anonymousTypes are those of the expression, by their members.
	anonymousTypes map[string]*typeDef
	last           int // where the last expression was bound
	// depthOfVariables is not 0 while context.Variables is bound with a known name.
	depthOfVariables int
}

// scope maps names to variables, up to the enclosing ones.
type scope struct {
	names map[string]*variable
	outer *scope
}

// variable is a local variable or parameter.
type variable struct {
	slot   int
	t      *Type
	level  int  // of the lambda that declares it
	inLoop bool // each iteration has its own
}

// lambdaScope gathers what a lambda captures.
type lambdaScope struct {
	outer    *lambdaScope
	level    int
	captures map[int]bool // by value: false where the lambda assigns it
}

// bound is an expression with its type and closure.
type bound struct {
	t        *Type // nil: no value
	run      eval
	constant bool
	value    any
	names    *Type  // the type that the expression names
	space    string // the namespace that it names
	assign   func(value eval) eval
	parts    []eval // of concatenations
	at       int
}

func constantOf(v any, t *Type, at int) *bound {
	return &bound{t: t, run: func(*frame) any { return v }, constant: true, value: v, at: at}
}

// nullType is the type of the literal null.
var nullType = &Type{def: &typeDef{name: "null", members: map[string][]*member{}}}

// neverType is the type of throw, which converts to every other.
var neverType = &Type{def: &typeDef{name: "never", members: map[string][]*member{}}}

// maxErrors bounds the errors of one expression that are told.
const maxErrors = 50

func (b *binder) fail(at int, fix, format string, args ...any) *bound {
	e := &syntaxError{at, fmt.Sprintf(format, args...), fix}
	if slices.ContainsFunc(b.errors, func(o *syntaxError) bool { return o.pos == at }) {
		return b.unknown(at) // one error for one place is enough
	}
	if len(b.errors) < maxErrors {
		b.errors = append(b.errors, e)
	}
	return b.unknown(at)
}

// unknown stands for what could not be bound.
func (b *binder) unknown(at int) *bound {
	return &bound{t: types("dynamic"), run: func(*frame) any { return nil }, at: at}
}

// bindProgram binds a whole expression.
func (b *binder) bindProgram(tree node, kind Kind) eval {
	b.push()
	if kind == Single {
		v := b.value(tree)
		if v.t == nil {
			b.fail(tree.at(), "an expression must have a value", "the expression has no value")
		}
		b.program.result = settle(v.t)
		return v.run
	}
	body := tree.(*block)
	run := b.statements(body.list)
	if ends(body) {
		b.fail(body.at(), "end every path with return", "not all code paths return a value")
	}
	b.program.result = b.resultType()
	return func(f *frame) any {
		run(f)
		return f.result
	}
}

// bindSafely is bindProgram with what constants throw as errors.
func (b *binder) bindSafely(tree node, kind Kind) (run eval) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case *thrownException:
			b.fail(b.last, "change the constant", "%s", e.message)
		default:
			b.fail(b.last, "simplify the expression", "the expression cannot be compiled: %v", e)
		}
	}()
	return b.bindProgram(tree, kind)
}

// settle is the type of a value that nothing else constrains.
func settle(t *Type) *Type {
	if t == nullType {
		return types("object")
	}
	return t
}

// resultType is the common type of what was returned.
func (b *binder) resultType() *Type {
	if b.result != nil {
		return b.result
	}
	var t *Type
	for _, r := range b.results {
		t = commonType(t, r)
	}
	return settle(t)
}

// commonType is the type that both convert to; object where none does.
func commonType(t, u *Type) *Type {
	switch {
	case t == nil || t == nullType && !u.isValue():
		return u
	case u == nil || u == nullType && !t.isValue():
		return t
	case u == nullType:
		return types("Nullable", t)
	case t == nullType:
		return types("Nullable", u)
	case t.equal(u):
		return t
	}
	if _, _, ok := implicit(u, t); ok {
		return t
	}
	if _, _, ok := implicit(t, u); ok {
		return u
	}
	return types("object")
}

func (b *binder) push() { b.scope = &scope{map[string]*variable{}, b.scope} }
func (b *binder) pop()  { b.scope = b.scope.outer }

func (b *binder) find(name string) *variable {
	for s := b.scope; s != nil; s = s.outer {
		if v := s.names[name]; v != nil {
			return v
		}
	}
	return nil
}

// declare adds a variable to the innermost scope.
func (b *binder) declare(name string, t *Type, at int) *variable {
	if b.find(name) != nil {
		b.fail(at, "choose another name", "the variable %q is declared already", name)
	}
	v := &variable{slot: b.slot(), t: t, level: b.level, inLoop: b.loops > 0}
	b.scope.names[name] = v
	return v
}

func (b *binder) slot() int {
	b.slots++
	return b.slots - 1
}

// captured notes that the lambdas around use a variable of outside.
func (b *binder) captured(v *variable, assigned bool) {
	for l := b.lambda; l != nil && l.level > v.level; l = l.outer {
		byValue := (v.inLoop || v.level > 0) && !assigned
		if old, seen := l.captures[v.slot]; seen {
			byValue = byValue && old
		}
		l.captures[v.slot] = byValue
	}
}

// value binds a node that must have a value.
func (b *binder) value(n node) *bound {
	x := b.bind(n)
	switch {
	case x.names != nil:
		return b.fail(n.at(), "name a member of it", "%v is a type, not a value", x.names)
	case x.space != "":
		return b.fail(n.at(), "name a type in it", "%s is a namespace, not a value", x.space)
	}
	return x
}

// needed is value for operands: void is no operand.
func (b *binder) needed(n node) *bound {
	x := b.value(n)
	if x.t == nil {
		return b.fail(n.at(), "use a member that returns something", "the call returns no value")
	}
	return x
}

func (b *binder) bind(n node) *bound {
	if b.depth++; b.depth > 12*maxNesting {
		b.depth--
		return b.fail(n.at(), "compute parts in variables first", "the expression nests too deeply")
	}
	defer func() { b.depth-- }()
	b.last = n.at()
	switch n := n.(type) {
	case *literal:
		return b.literal(n)
	case *interpolated:
		return b.interpolated(n)
	case *identifier:
		return b.identifier(n)
	case *access:
		return b.access(n)
	case *index:
		return b.index(n)
	case *call:
		return b.call(n)
	case *conditionalAccess:
		return b.conditionalAccess(n)
	case *hook:
		slot := n.slot
		return &bound{t: n.t, run: func(f *frame) any { return f.locals[slot] }, at: n.at()}
	case *creation:
		return b.creation(n)
	case *unary:
		return b.unary(n)
	case *step:
		return b.step(n)
	case *operation:
		return b.binary(n)
	case *ternary:
		return b.ternary(n)
	case *assignment:
		return b.assignment(n)
	}
	return b.bindType(n)
}

// bindType binds what has to do with types and functions.
func (b *binder) bindType(n node) *bound {
	switch n := n.(type) {
	case *cast:
		return b.cast(n)
	case *typeTest:
		return b.typeTest(n, b.needed(n.x))
	case *asType:
		return b.asType(n)
	case *lambda:
		return b.fail(n.at(), "declare a variable of type Func<…> for it", "a lambda stands where its type cannot be known")
	case *typeOfExpr:
		return constantOf(&typeValue{b.resolve(n.t)}, types("Type"), n.at())
	case *defaultOf:
		if n.t.name == "" {
			return &bound{t: nullType, run: func(*frame) any { return nil }, at: n.at()}
		}
		t := b.resolve(n.t)
		return &bound{t: t, run: func(*frame) any { return zero(t) }, at: n.at()}
	case *thrown:
		return b.thrown(n)
	case *tuple:
		return b.tuple(n)
	}
	return b.fail(n.at(), "", "a statement stands where a value should")
}

func (b *binder) literal(n *literal) *bound {
	if n.value == nil {
		return constantOf(nil, nullType, n.at())
	}
	return constantOf(n.value, typeOf(n.value), n.at())
}

// resolve finds the type that is written.
func (b *binder) resolve(r typeRef) *Type {
	d := lookupType(r.name, len(r.args))
	var t *Type
	switch {
	case r.name == "var":
		b.fail(r.at(), "name the type", "var stands where a type must be named")
		return types("dynamic")
	case d == nil:
		b.unknownType(r)
		return types("dynamic")
	case len(r.args) == 0 && len(d.params) == 0:
		t = plainType(d)
	case len(r.args) == 0:
		b.fail(r.at(), "add type arguments", "the type %s needs type arguments", r.name)
		return types("dynamic")
	default:
		t = &Type{def: d}
		for _, a := range r.args {
			t.args = append(t.args, b.resolve(a))
		}
	}
	if r.nullable && t.isValue() {
		t = types("Nullable", t)
	}
	for range r.rank {
		t = types("Array", t)
	}
	return t
}

func (b *binder) unknownType(r typeRef) {
	b.fail(r.at(), b.suggest(r.name, typeNames, "only the types that API Management allows exist"), "the type %s is unknown", r.name)
}

// typeNames are the names of all types.
func typeNames() (names []string) {
	for _, d := range universe().list {
		names = append(names, d.name)
	}
	return names
}

// valueNames are the names that may stand where a value does: those that are
// declared in the program, and those of types.
func (b *binder) valueNames() []string {
	names := []string{"context"}
	for s := b.scope; s != nil; s = s.outer {
		for name := range s.names {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return append(names, typeNames()...)
}

// suggest names the nearest known name, or else gives other advice. It looks for
// none where there are enough errors.
func (b *binder) suggest(name string, known func() []string, otherwise string) string {
	if len(b.errors) >= maxErrors {
		return otherwise
	}
	if n := fault.Nearest(name, known()); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	return otherwise
}

func (b *binder) identifier(n *identifier) *bound {
	if v := b.find(n.name); v != nil {
		return b.variable(v, n.at())
	}
	if n.name == "context" {
		return &bound{t: types("IContext"), run: func(f *frame) any { return f.x }, at: n.at()}
	}
	if d := lookupType(n.name, len(n.args)); d != nil {
		return &bound{names: b.named(d, n), at: n.at()}
	}
	if universe().namespaces[n.name] {
		return &bound{space: n.name, at: n.at()}
	}
	return b.fail(n.at(), b.suggest(n.name, b.valueNames, "declare it first"), "the name %q is unknown", n.name)
}

func (b *binder) named(d *typeDef, n *identifier) *Type {
	if len(n.args) == 0 {
		return plainType(d)
	}
	return b.resolve(typeRef{where: n.where, name: n.name, args: n.args})
}

func (b *binder) variable(v *variable, at int) *bound {
	b.captured(v, false)
	slot := v.slot
	return &bound{t: v.t, run: func(f *frame) any { return f.locals[slot] }, at: at, assign: func(value eval) eval {
		b.captured(v, true)
		return func(f *frame) any {
			x := value(f)
			f.locals[slot] = x
			return x
		}
	}}
}

// interpolated joins the parts of $"…".
func (b *binder) interpolated(n *interpolated) *bound {
	var parts []eval
	hole := 0
	for _, part := range n.parts {
		if part.hole == nil {
			if text := part.text; text != "" {
				parts = append(parts, func(*frame) any { return text })
			}
			continue
		}
		x := b.needed(n.holes[hole]).run
		hole++
		align, format := part.align, part.format
		if align != 0 || format != "" {
			inner := x
			x = func(f *frame) any { return alignText(formatValue(inner(f), format), align) }
		}
		parts = append(parts, x)
	}
	return concatenation(parts, n.at())
}

// concatenation joins the text of values.
func concatenation(parts []eval, at int) *bound {
	return &bound{t: types("string"), parts: parts, at: at, run: func(f *frame) any {
		base := len(f.stack)
		n := 0
		for _, p := range parts {
			v := p(f)
			s, ok := v.(string)
			if !ok {
				s = toText(v)
				v = s
			}
			n += len(s)
			f.stack = append(f.stack, v)
		}
		f.step(len(parts))
		f.charge(n)
		buffer := make([]byte, 0, n)
		for _, v := range f.stack[base:] {
			buffer = append(buffer, v.(string)...)
		}
		f.stack = f.stack[:base]
		return string(buffer)
	}}
}

package expr

import (
	"fmt"
	"slices"
	"strings"
)

// candidate is a member that a call may mean.
type candidate struct {
	m      *member
	of     *Type
	binds  bindings
	order  []int // for each argument, its parameter
	cost   int
	spread bool // the last arguments fill a params array
}

func (b *binder) call(n *call) *bound {
	switch fn := n.fn.(type) {
	case *identifier:
		if v := b.find(fn.name); v != nil {
			return b.invoke(b.variable(v, fn.at()), n)
		}
		if fn.name == "nameof" && len(n.args) == 1 {
			if name := lastName(n.args[0].x); name != "" {
				return constantOf(name, types("string"), n.at())
			}
		}
		return b.fail(fn.at(), "declare a local function, or name the type that has it", "the function %q is unknown", fn.name)
	case *access:
		return b.methodCall(fn, n.args)
	}
	return b.invoke(b.needed(n.fn), n)
}

// invoke calls a delegate.
func (b *binder) invoke(fn *bound, n *call) *bound {
	if fn.t.loose() {
		return b.fail(n.at(), "declare it as Func<…> or as a local function", "the value's type is not known to be a function")
	}
	if !fn.t.isDelegate() {
		return b.fail(n.at(), "only functions can be called", "%v is not a function", fn.t)
	}
	params, result := fn.t.signature()
	if len(params) != len(n.args) {
		return b.fail(n.at(), fmt.Sprintf("pass %d", len(params)), "the function takes %d arguments, not %d", len(params), len(n.args))
	}
	args := make([]eval, len(params))
	for i, a := range n.args {
		args[i] = b.target(a.x, params[i]).run
	}
	run := fn.run
	return &bound{t: result, at: n.at(), run: func(f *frame) any {
		g := run(f)
		list := make([]any, len(args))
		for i, a := range args {
			list[i] = a(f)
		}
		return f.invoke(g, list...)
	}}
}

// target binds a node that becomes a value of the type, lambdas among them.
func (b *binder) target(n node, t *Type) *bound {
	switch n := n.(type) {
	case *lambda:
		if t.isDelegate() {
			return b.function(n, t)
		}
	case *defaultOf:
		if n.t.name == "" {
			return &bound{t: t, run: func(*frame) any { return zero(t) }, at: n.at()}
		}
	case *ternary:
		if t.isNullable() || t.isDelegate() {
			return b.ternaryTo(n, t)
		}
	}
	if t.isDelegate() {
		if l := b.methodGroup(n, t); l != nil {
			return b.function(l, t)
		}
	}
	return b.converted(b.needed(n), t)
}

// methodGroup turns Type.Method or x.Method into a lambda; nil where n is none.
func (b *binder) methodGroup(n node, t *Type) *lambda {
	a, ok := n.(*access)
	if !ok {
		return nil
	}
	errors := len(b.errors)
	x := b.bind(a.x)
	b.errors = b.errors[:errors]
	of, static := x.t, false
	if x.names != nil {
		of, static = x.names, true
	}
	if of == nil || of.loose() {
		return nil
	}
	found := false
	of.named(a.name, func(m *member, _ *Type) { found = found || m.kind == method && m.static == static })
	if !found {
		return nil
	}
	params, _ := t.signature()
	l := &lambda{where: a.where}
	c := &call{where: a.where, fn: a}
	for i := range params {
		name := fmt.Sprintf("argument %d at %d", i, a.at())
		l.params = append(l.params, parameter{where: a.where, name: name})
		c.args = append(c.args, argument{x: &identifier{where: a.where, name: name}})
	}
	l.expr = c
	return l
}

func (b *binder) methodCall(fn *access, args []argument) *bound {
	known := flatten(fn.x) == "context.Variables" && b.variableName(args)
	var x *bound
	if known {
		x = b.variables(fn.x, true)
	} else {
		x = b.bind(fn.x)
	}
	switch {
	case x.space != "":
		return b.fail(fn.at(), "name a type in it", "%s is a namespace and has no method %q", x.space, fn.name)
	case x.names != nil:
		return b.overload(x.names, nil, fn, args)
	case x.t == nil:
		return b.fail(fn.at(), "", "the call before has no value to call %q of", fn.name)
	case x.t.loose():
		return b.dynamicCall(x, fn, args)
	case x.t == nullType:
		return b.fail(fn.at(), "", "null has no members")
	}
	if m, of := findProperty(x.t, fn.name, false); m != nil && m.result.with(of.bound()).isDelegate() {
		return b.invoke(b.access(fn), &call{fn.where, fn, args})
	}
	return b.overload(x.t, x, fn, args)
}

// overload chooses the member that arguments fit best, and calls it.
func (b *binder) overload(t *Type, x *bound, fn *access, args []argument) *bound {
	values := b.arguments(args)
	if values == nil {
		return &bound{t: types("dynamic"), run: func(*frame) any { return nil }, at: fn.at()}
	}
	explicitTypes := make([]*Type, len(fn.args))
	for i, a := range fn.args {
		explicitTypes[i] = b.resolve(a)
	}
	var best *candidate
	var named []*member
	t.named(fn.name, func(m *member, of *Type) {
		if m.kind != method || m.static != (x == nil) {
			return
		}
		named = append(named, m)
		if best != nil && best.m.owner != m.owner {
			return // what a type declares hides what it inherits
		}
		if c := match(m, of, args, values, explicitTypes); c != nil && (best == nil || c.cost < best.cost) {
			best = c
		}
	})
	switch {
	case best != nil:
		return b.apply(best, x, args, values, fn.at())
	case len(named) == 0:
		if m, _ := findProperty(t, fn.name, x == nil); m != nil {
			return b.fail(fn.at(), "leave the brackets out", "%s of %v is no method", fn.name, t)
		}
		return b.fail(fn.at(), b.suggest(fn.name, t.memberNames, "cast the value to the type that has it"), "%v has no method %q", t, fn.name)
	}
	return b.fail(fn.at(), "one of: "+signatures(named), "no %s of %v takes %s", fn.name, t, argumentTypes(args, values))
}

func signatures(list []*member) string {
	texts := make([]string, len(list))
	for i, m := range list {
		texts[i] = m.sig
	}
	return strings.Join(texts, "; ")
}

func argumentTypes(args []argument, values []*bound) string {
	if len(args) == 0 {
		return "no arguments"
	}
	texts := make([]string, len(values))
	for i, v := range values {
		switch {
		case args[i].out:
			texts[i] = "out"
		case v == nil:
			texts[i] = "a function"
		default:
			texts[i] = v.t.String()
		}
	}
	return "(" + strings.Join(texts, ", ") + ")"
}

// arguments binds what needs no target type; functions and out arguments stay
// nil. It returns nil after an error.
func (b *binder) arguments(args []argument) []*bound {
	errors := len(b.errors)
	values := make([]*bound, len(args))
	for i, a := range args {
		if a.out {
			values[i] = b.outType(a)
			continue
		}
		if _, ok := a.x.(*lambda); ok {
			continue
		}
		if acc, ok := a.x.(*access); ok && b.isGroup(acc) {
			continue
		}
		values[i] = b.needed(a.x)
	}
	if len(b.errors) > errors {
		return nil
	}
	return values
}

// outType is the type of an out argument that is known already; nil: it takes
// that of the parameter.
func (b *binder) outType(a argument) *bound {
	if a.declare != nil {
		if a.declare.name == "var" {
			return nil
		}
		return &bound{t: b.resolve(*a.declare)}
	}
	if id, ok := a.x.(*identifier); ok {
		if v := b.find(id.name); v != nil {
			return &bound{t: v.t}
		}
	}
	return nil
}

// isGroup says whether an access names a method without calling it.
func (b *binder) isGroup(a *access) bool {
	errors, reads := len(b.errors), b.program.reads
	defer func() { b.errors, b.program.reads = b.errors[:errors], reads }()
	x := b.bind(a.x)
	t, static := x.t, false
	if x.names != nil {
		t, static = x.names, true
	}
	if t == nil || t.loose() || t == nullType {
		return false
	}
	if m, _ := findProperty(t, a.name, static); m != nil {
		return false
	}
	found := false
	t.named(a.name, func(m *member, _ *Type) { found = found || m.kind == method && m.static == static })
	return found
}

// match tries to fit arguments to a member; nil where they do not.
func match(m *member, of *Type, args []argument, values []*bound, explicitTypes []*Type) *candidate {
	if len(explicitTypes) > 0 && len(explicitTypes) != len(m.typeParams) {
		return nil
	}
	c := &candidate{m: m, of: of, binds: of.bound()}
	for i, t := range explicitTypes {
		c.binds[m.typeParams[i]] = t
	}
	if len(explicitTypes) > 0 {
		c.cost--
	}
	if c.fit(args, values) {
		return c
	}
	if n := len(m.params); n > 0 && m.params[n-1].variadic {
		c = &candidate{m: m, of: of, binds: c.binds, cost: 1, spread: true}
		if c.fit(args, values) {
			return c
		}
	}
	return nil
}

// fit assigns arguments to parameters and adds the costs up.
func (c *candidate) fit(args []argument, values []*bound) bool {
	params := c.m.params
	used := make([]bool, len(params))
	functions := false
	for i, a := range args {
		at := i
		if a.name != "" {
			at = slices.IndexFunc(params, func(p memberParam) bool { return p.name == a.name })
		}
		if c.spread && at >= len(params)-1 {
			at = len(params) - 1
		}
		if at < 0 || at >= len(params) || used[at] && !(c.spread && at == len(params)-1) {
			return false
		}
		used[at] = true
		c.order = append(c.order, at)
		p := params[at]
		t := p.t
		if c.spread && at == len(params)-1 {
			t = t.args[0]
		}
		if a.out != p.out {
			return false
		}
		if a.out {
			if values[i] != nil {
				unify(t, values[i].t, c.binds)
			}
			continue
		}
		if values[i] == nil {
			functions = true
			if !takes(t.with(c.binds), a.x) {
				return false
			}
			continue
		}
		if !c.argument(values[i], t) {
			return false
		}
	}
	for i, p := range params {
		if !used[i] && !p.optional && !(c.spread && i == len(params)-1) {
			return false
		}
		if !used[i] {
			c.cost++
		}
	}
	for _, name := range c.m.typeParams {
		if t := c.binds[name]; (t == nil || t == nullType) && !functions {
			return false
		}
	}
	return true
}

// takes says whether a parameter accepts a function with as many parameters.
func takes(t *Type, n node) bool {
	if !t.isDelegate() {
		return false
	}
	l, ok := n.(*lambda)
	if !ok {
		return true // a method group
	}
	params, _ := t.signature()
	return len(params) == len(l.params)
}

func (c *candidate) argument(x *bound, t *Type) bool {
	unify(t, x.t, c.binds)
	to := t.with(c.binds)
	if to.open() {
		c.cost += 20
		return true
	}
	cost, _, ok := implicit(x.t, to)
	if !ok && x.constant && to.underlying().isIntegral() && x.t.is("int") {
		_, ok = narrow(wide(x.value), to.underlying().def.name)
		cost = 2 // a constant that fits
	}
	c.cost += 10 * cost // the rest only decides between equals
	return ok
}

// unify binds type parameters in t so that u fits.
func unify(t, u *Type, binds bindings) {
	if t == nil || u == nil || u == nullType || u == neverType {
		return
	}
	if t.param != "" {
		switch old := binds[t.param]; {
		case old == nil:
			binds[t.param] = u
		case old.param == t.param:
			binds[t.param] = u
		default:
			if wider := commonType(old, u); !old.equal(u) && !wider.is("object") {
				binds[t.param] = wider
			}
		}
		return
	}
	if t.isNullable() {
		unify(t.args[0], u.underlying(), binds)
		return
	}
	if len(t.args) == 0 {
		return
	}
	if u.loose() {
		for _, a := range t.args {
			unify(a, u, binds)
		}
		return
	}
	of := u.as(t.def)
	if of == nil || len(of.args) != len(t.args) {
		return
	}
	for i, a := range t.args {
		unify(a, of.args[i], binds)
	}
}

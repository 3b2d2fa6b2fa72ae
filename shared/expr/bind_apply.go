package expr

import "strings"

// apply binds functions and conversions of the chosen member and calls it.
func (b *binder) apply(c *candidate, x *bound, args []argument, values []*bound, at int) *bound {
	m := c.m
	list := make([]eval, len(m.params))
	var rest []eval
	var outs []outArgument
	for i, a := range args {
		p := m.params[c.order[i]]
		t := p.t
		spread := c.spread && c.order[i] == len(m.params)-1
		if spread {
			t = t.args[0]
		}
		var run eval
		switch {
		case a.out:
			o := b.out(a, t.with(c.binds))
			outs = append(outs, o)
			run = o.pass
		case values[i] == nil:
			run = b.functionArgument(a.x, t, c.binds).run
		default:
			b.pattern(m, p, values[i])
			run = b.argumentFor(m, c.order[i], values[i], closed(t.with(c.binds))).run
		}
		if spread {
			rest = append(rest, run)
		} else {
			list[c.order[i]] = run
		}
	}
	for i, p := range m.params {
		if list[i] == nil {
			list[i] = c.omitted(p, rest)
		}
	}
	for _, name := range m.typeParams {
		t := c.binds[name]
		if t == nil || t == nullType || t.param != "" {
			t = types("dynamic")
		}
		c.binds[name] = t
		list = append(list, func(*frame) any { return t })
	}
	out := b.callMember(m, x, list, m.result.with(c.binds), at)
	if out.t.open() {
		out.t = types("dynamic")
	}
	if len(outs) > 0 {
		out.run = assigning(out.run, outs)
	}
	return out
}

// pattern checks a regular expression that is constant.
func (b *binder) pattern(m *member, p memberParam, x *bound) {
	s, ok := x.value.(string)
	if !ok || p.name != "pattern" || m.owner.name != "Regex" {
		return
	}
	if _, problem := translate(s, 0); problem != "" {
		what, fix, _ := strings.Cut(problem, "; ")
		b.fail(x.at, fix, "the regular expression %q cannot be used: %s", s, what)
	}
}

// omitted is the value of a parameter without an argument.
func (c *candidate) omitted(p memberParam, rest []eval) eval {
	if p.variadic {
		elem := p.t.args[0].with(c.binds)
		return func(f *frame) any {
			items := make([]any, len(rest))
			for i, r := range rest {
				items[i] = r(f)
			}
			return arrayOf(items, elem)
		}
	}
	t := p.t.with(c.binds)
	if p.value == nil {
		return func(*frame) any { return zero(t) }
	}
	v := p.value
	if n, ok := toNumber(v, t.String()); ok {
		v = n
	}
	if n, ok := v.(int32); ok && t.isEnum() {
		v = enumValue{t.def, int64(n)}
	}
	return func(*frame) any { return v }
}

// arrayOf makes an array; one of bytes is a []byte.
func arrayOf(items []any, elem *Type) any {
	l := &List{items, elem, "Array"}
	if elem.is("byte") {
		return byteArray(l)
	}
	return l
}

// outArgument is a variable that a call assigns.
type outArgument struct {
	slot   int
	pass   eval
	assign func(f *frame, v any)
}

// out binds "out x", "out var x" and "out T x".
func (b *binder) out(a argument, t *Type) outArgument {
	slot := b.slot()
	o := outArgument{slot: slot, pass: func(f *frame) any {
		r := &ref{}
		f.locals[slot] = r
		return r
	}}
	var to *bound
	id, isName := a.x.(*identifier)
	switch {
	case a.declare != nil && isName:
		if id.name == "_" {
			o.assign = func(*frame, any) {}
			return o
		}
		vt := closed(t)
		if a.declare.name != "var" {
			vt = b.resolve(*a.declare)
		}
		to = b.variable(b.declare(id.name, vt, id.at()), id.at())
	case isName && id.name == "_" && b.find("_") == nil:
		o.assign = func(*frame, any) {}
		return o
	default:
		to = b.needed(a.x)
	}
	if to.assign == nil {
		b.fail(a.x.at(), "pass a variable", "out needs something that can be assigned")
		return o
	}
	from := slot
	run := to.assign(func(f *frame) any { return f.locals[from] })
	o.assign = func(f *frame, v any) {
		f.locals[from] = v
		run(f)
	}
	return o
}

func assigning(run eval, outs []outArgument) eval {
	return func(f *frame) any {
		v := run(f)
		for _, o := range outs {
			if r, ok := f.locals[o.slot].(*ref); ok {
				o.assign(f, r.v)
			}
		}
		return v
	}
}

// dynamicCall chooses the method when the values are known. Functions need a
// known type.
func (b *binder) dynamicCall(x *bound, fn *access, args []argument) *bound {
	var list []eval
	for _, a := range args {
		if _, ok := a.x.(*lambda); ok || a.out {
			return b.fail(a.x.at(), "cast the value before", "a function or an out argument cannot be passed to a member of a value whose type is unknown")
		}
		list = append(list, b.needed(a.x).run)
	}
	explicitTypes := make([]*Type, len(fn.args))
	for i, a := range fn.args {
		explicitTypes[i] = b.resolve(a)
	}
	b.reading(nil, fn)
	run, name := x.run, fn.name
	return &bound{t: types("dynamic"), at: fn.at(), run: func(f *frame) any {
		f.step(4)
		v := run(f)
		if v == nil {
			throwNull()
		}
		values := make([]*bound, len(list))
		for i, a := range list {
			value := a(f)
			t := typeOf(value)
			if value == nil {
				t = nullType
			}
			values[i] = constantOf(value, t, fn.at())
		}
		return lateCall(f, v, name, args, values, explicitTypes)
	}}
}

func lateCall(f *frame, v any, name string, args []argument, values []*bound, explicitTypes []*Type) any {
	var best *candidate
	typeOf(v).named(name, func(m *member, of *Type) {
		if m.kind != method || m.static || best != nil && best.m.owner != m.owner {
			return
		}
		if c := match(m, of, args, values, explicitTypes); c != nil && (best == nil || c.cost < best.cost) {
			best = c
		}
	})
	if best == nil {
		throw("RuntimeBinderException", "'%v' does not contain a definition for '%s' that takes these arguments", typeOf(v), name)
	}
	late := &binder{program: &Program{}}
	x := constantOf(v, typeOf(v), 0)
	out := late.apply(best, x, args, values, 0)
	if len(late.errors) > 0 {
		throw("RuntimeBinderException", "%s", late.errors[0].message)
	}
	return out.run(f)
}

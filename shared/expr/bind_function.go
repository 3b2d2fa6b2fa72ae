package expr

// functionArgument binds a lambda or method group for a parameter, whose type
// parameters its result may bind.
func (b *binder) functionArgument(n node, t *Type, binds bindings) *bound {
	to := t.with(binds)
	l, ok := n.(*lambda)
	if !ok {
		if l = b.methodGroup(n, to); l == nil {
			return b.fail(n.at(), "write a lambda", "a function should stand here")
		}
	}
	fn := b.function(l, to)
	if !t.isDelegate() {
		return fn // the parameter's own type is known only from the receiver
	}
	if _, result := t.signature(); result.open() && fn.t.isDelegate() {
		if _, found := fn.t.signature(); found != nil {
			unify(result, found, binds)
		}
	}
	return fn
}

// function binds a lambda as a value of a delegate type. Type parameters that are
// still open stand for dynamic in parameters, and are found in the result.
func (b *binder) function(l *lambda, t *Type) *bound {
	params, result := t.signature()
	if len(params) != len(l.params) {
		return b.fail(l.at(), "", "the function takes %d parameters, not %d", len(params), len(l.params))
	}
	s := &lambdaScope{outer: b.lambda, level: b.level + 1, captures: map[int]bool{}}
	outer := *b
	b.lambda, b.level, b.loops = s, s.level, 0
	b.push()
	first := b.slots
	slots := make([]int, len(params))
	actual := &Type{def: t.def}
	for i, p := range l.params {
		pt := params[i]
		if pt.open() {
			pt = types("dynamic")
		}
		if p.t != nil && p.t.name != "var" {
			pt = b.resolve(*p.t)
		}
		slots[i] = b.declareParameter(p, pt)
	}
	var run eval
	var found *Type
	run, found = b.functionBody(l, result)
	b.pop()
	b.lambda, b.level, b.loops, b.results, b.result = outer.lambda, outer.level, outer.loops, outer.results, outer.result
	actual.args = delegateArguments(t, params, found)
	return &bound{t: actual, at: l.at(), run: closure(actual, run, slots, first, b.slots, s)}
}

// declareParameter declares a lambda's parameter; "_" may be repeated.
func (b *binder) declareParameter(p parameter, t *Type) int {
	if p.name == "_" {
		v := &variable{slot: b.slot(), t: t, level: b.level}
		b.scope.names["_"] = v
		return v.slot
	}
	return b.declare(p.name, t, p.at()).slot
}

func delegateArguments(t *Type, params []*Type, result *Type) []*Type {
	switch t.def.name {
	case "Func":
		list := append([]*Type{}, params...)
		if result == nil {
			result = types("object")
		}
		return append(list, settle(result))
	case "Comparison":
		return params[:1]
	}
	return params
}

// functionBody binds what a lambda computes, and says of which type it is.
func (b *binder) functionBody(l *lambda, result *Type) (eval, *Type) {
	known := result != nil && !result.open()
	if l.expr != nil {
		if known && !result.loose() {
			return b.target(l.expr, result).run, result
		}
		x := b.value(l.expr)
		if result != nil && x.t == nil {
			x = b.needed(l.expr)
		}
		return x.run, x.t
	}
	b.results, b.result = nil, nil
	if known && !result.loose() {
		b.result = result
	}
	if result == nil {
		b.result = types("void")
	}
	run := b.statements(l.block.list)
	if result != nil && ends(l.block) {
		b.fail(l.at(), "end every path with return", "not all code paths of the function return a value")
	}
	t := b.resultType()
	return func(f *frame) any {
		saved := f.result
		f.result = nil
		run(f)
		v := f.result
		f.result = saved
		return v
	}, t
}

// closure makes the function value. Its variables have slots of their own; what
// they held is put back after a call, so that functions may call themselves.
// Captured variables of loops and of enclosing functions are kept by value.
func closure(t *Type, run eval, slots []int, first, last int, s *lambdaScope) eval {
	return func(f *frame) any {
		var captured []int
		var values []any
		for slot, byValue := range s.captures {
			if byValue {
				captured = append(captured, slot)
				values = append(values, f.locals[slot])
			}
		}
		f.charge(64 + 24*len(values))
		return &function{t, func(f *frame, args []any) any {
			base := len(f.stack)
			f.stack = append(f.stack, f.locals[first:last]...)
			for i, slot := range captured {
				f.stack = append(f.stack, f.locals[slot])
				f.locals[slot] = values[i]
			}
			for i, slot := range slots {
				f.locals[slot] = args[i]
			}
			defer func() {
				saved := f.stack[base : base+last-first+len(captured)]
				copy(f.locals[first:last], saved)
				for i, slot := range captured {
					f.locals[slot] = saved[last-first+i]
				}
				f.stack = f.stack[:base]
			}()
			return run(f)
		}}
	}
}

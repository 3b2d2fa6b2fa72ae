package expr

// flow says where execution goes after a statement.
type flow uint8

const (
	flowNext flow = iota
	flowBreak
	flowContinue
	flowReturn
)

// exec runs a statement.
type exec func(f *frame) flow

// statements binds a list of statements in the present scope.
func (b *binder) statements(list []node) exec {
	for _, n := range list { // local functions may be used before they stand
		if fn, ok := n.(*localFunction); ok {
			b.declareFunction(fn)
		}
	}
	var run, first []exec
	for i, n := range list {
		if u, ok := n.(*using); ok && u.body == nil {
			run = append(run, b.statement(u.resource))
			rest := b.statements(list[i+1:])
			run = append(run, rest)
			break
		}
		if _, ok := n.(*localFunction); ok {
			first = append(first, b.statement(n))
		} else {
			run = append(run, b.statement(n))
		}
	}
	run = append(first, run...)
	return func(f *frame) flow {
		for _, s := range run {
			f.step(1)
			if to := s(f); to != flowNext {
				return to
			}
		}
		return flowNext
	}
}

func (b *binder) scoped(n node) exec {
	b.push()
	defer b.pop()
	return b.statement(n)
}

func (b *binder) statement(n node) exec {
	if b.depth++; b.depth > 12*maxNesting {
		b.fail(n.at(), "use fewer blocks", "the statements nest too deeply")
		b.depth--
		return func(*frame) flow { return flowNext }
	}
	defer func() { b.depth-- }()
	switch n := n.(type) {
	case *block:
		b.push()
		defer b.pop()
		if n.checked {
			b.checked++
			defer func() { b.checked-- }()
		}
		return b.statements(n.list)
	case *declaration:
		return b.declaration(n)
	case *localFunction:
		return b.localFunction(n)
	case *expression:
		return b.expressionStatement(n)
	case *ifStatement:
		return b.ifStatement(n)
	case *loop:
		return b.loop(n)
	case *foreach:
		return b.foreach(n)
	case *returnStatement:
		return b.returnStatement(n)
	case *jump:
		to := flowBreak
		if n.what == "continue" {
			to = flowContinue
		}
		if b.loops == 0 && b.switches == 0 || to == flowContinue && b.loops == 0 {
			b.fail(n.at(), "remove it", "%s stands outside of a loop", n.what)
		}
		return func(*frame) flow { return to }
	case *switchStatement:
		return b.switchStatement(n)
	case *try:
		return b.try(n)
	case *using:
		return b.using(n)
	case *thrown:
		return b.throwStatement(n)
	}
	b.fail(n.at(), "", "no statement")
	return func(*frame) flow { return flowNext }
}

func (b *binder) declaration(n *declaration) exec {
	var run []eval
	for _, d := range n.names {
		var x *bound
		var t *Type
		if n.t.name == "var" {
			if d.value == nil {
				b.fail(d.at(), "name its type", "the variable %q has no value to take its type from", d.name)
				t = types("dynamic")
			} else {
				x = b.needed(d.value)
				t = x.t
				if t == nullType {
					b.fail(d.at(), "name its type", "the type of %q cannot be found from null", d.name)
				}
			}
		} else {
			t = b.resolve(n.t)
			if d.value != nil {
				x = b.target(d.value, t)
			}
		}
		v := b.declare(d.name, t, d.at())
		value := func(*frame) any { return zero(t) }
		if x != nil {
			value = x.run
		}
		slot := v.slot
		run = append(run, func(f *frame) any {
			f.locals[slot] = value(f)
			return nil
		})
	}
	return func(f *frame) flow {
		for _, r := range run {
			r(f)
		}
		return flowNext
	}
}

// declareFunction makes a local function's name known.
func (b *binder) declareFunction(n *localFunction) {
	t := &Type{def: universe().simple["Func"]}
	for _, p := range n.body.params {
		if p.t == nil {
			b.fail(p.at(), "name its type", "the parameter %q has no type", p.name)
			t.args = append(t.args, types("dynamic"))
			continue
		}
		t.args = append(t.args, b.resolve(*p.t))
	}
	if n.result.name == "void" {
		t.def = universe().simple["Action"]
	} else {
		t.args = append(t.args, b.resolve(n.result))
	}
	loops := b.loops
	b.loops = 0
	b.declare(n.name, t, n.at())
	b.loops = loops
}

func (b *binder) localFunction(n *localFunction) exec {
	v := b.find(n.name)
	x := b.function(n.body, v.t)
	slot, run := v.slot, x.run
	return func(f *frame) flow {
		f.locals[slot] = run(f)
		return flowNext
	}
}

func (b *binder) expressionStatement(n *expression) exec {
	switch x := n.x.(type) {
	case *assignment, *step, *call, *creation, *conditionalAccess, *thrown:
	default:
		b.fail(x.at(), "assign it or remove it", "the value is not used")
	}
	run := b.value(n.x).run
	return func(f *frame) flow {
		run(f)
		return flowNext
	}
}

func (b *binder) ifStatement(n *ifStatement) exec {
	cond := b.condition(b.needed(n.cond)).run
	yes := b.scoped(n.yes)
	not := func(*frame) flow { return flowNext }
	if n.not != nil {
		not = b.scoped(n.not)
	}
	return func(f *frame) flow {
		if v, _ := cond(f).(bool); v {
			return yes(f)
		}
		return not(f)
	}
}

func (b *binder) loop(n *loop) exec {
	b.push()
	defer b.pop()
	var init, next []exec
	for _, s := range n.init {
		init = append(init, b.statement(s))
	}
	cond := func(*frame) any { return true }
	if n.cond != nil {
		cond = b.condition(b.needed(n.cond)).run
	}
	for _, s := range n.next {
		next = append(next, b.statement(s))
	}
	b.loops++
	body := b.scoped(n.body)
	b.loops--
	late := n.late
	return func(f *frame) flow {
		for _, s := range init {
			s(f)
		}
		for first := true; ; first = false {
			f.step(1)
			if !(late && first) {
				if v, _ := cond(f).(bool); !v {
					return flowNext
				}
			}
			switch body(f) {
			case flowBreak:
				return flowNext
			case flowReturn:
				return flowReturn
			}
			for _, s := range next {
				s(f)
			}
		}
	}
}

func (b *binder) foreach(n *foreach) exec {
	seq := b.needed(n.seq)
	elem := seq.t.element()
	if elem == nil {
		b.fail(n.seq.at(), "iterate over a collection", "%v is not enumerable", seq.t)
		elem = types("dynamic")
	}
	b.push()
	defer b.pop()
	b.loops++
	defer func() { b.loops-- }()
	t := elem
	var change conversion
	if n.t.name != "var" {
		t = b.resolve(n.t)
		var ok bool
		if change, ok = explicit(elem, t); !ok {
			b.fail(n.at(), "use var", "%v cannot be cast to %v", elem, t)
		}
	}
	slot := b.declare(n.name, t, n.at()).slot
	body := b.statement(n.body)
	run := seq.run
	return func(f *frame) flow {
		to := flowNext
		for item := range f.each(run(f)) {
			if change != nil {
				item = change(f, item)
			}
			f.locals[slot] = item
			if to = body(f); to == flowBreak || to == flowReturn {
				break
			}
		}
		if to == flowReturn {
			return to
		}
		return flowNext
	}
}

func (b *binder) returnStatement(n *returnStatement) exec {
	if n.x == nil {
		if b.result == nil || !b.result.is("void") {
			b.fail(n.at(), "return a value", "return has no value")
		}
		return func(*frame) flow { return flowReturn }
	}
	var x *bound
	switch {
	case b.result != nil && b.result.is("void"):
		b.fail(n.at(), "write return;", "the function returns no value")
		x = b.needed(n.x)
	case b.result != nil:
		x = b.target(n.x, b.result)
	default:
		x = b.needed(n.x)
		b.results = append(b.results, x.t)
	}
	run := x.run
	return func(f *frame) flow {
		f.result = run(f)
		return flowReturn
	}
}

func (b *binder) throwStatement(n *thrown) exec {
	if n.x == nil {
		slot := b.caught
		if slot < 0 || b.catches == 0 {
			b.fail(n.at(), "throw an exception", "throw without an exception stands outside of catch")
			return func(*frame) flow { return flowNext }
		}
		return func(f *frame) flow { panic(f.locals[slot]) }
	}
	run := b.thrown(n).run
	return func(f *frame) flow {
		run(f)
		return flowNext
	}
}

func (b *binder) switchStatement(n *switchStatement) exec {
	x := b.needed(n.x)
	slot := b.slot()
	subject := &bound{t: x.t, run: func(f *frame) any { return f.locals[slot] }, at: x.at}
	type section struct {
		tests []eval // nil entry: default
		body  exec
	}
	var sections []section
	fallback := -1
	b.push()
	defer b.pop()
	b.switches++
	defer func() { b.switches-- }()
	for i, c := range n.cases {
		b.push()
		var s section
		for _, l := range c.labels {
			if l.test == nil {
				fallback = i
				continue
			}
			test := b.typeTest(l.test.(*typeTest), subject).run
			if l.guard != nil {
				inner, guard := test, b.condition(b.needed(l.guard)).run
				test = func(f *frame) any {
					if v, _ := inner(f).(bool); !v {
						return false
					}
					return guard(f)
				}
			}
			s.tests = append(s.tests, test)
		}
		s.body = b.statements(c.body)
		if len(c.body) == 0 || endsList(c.body) {
			b.fail(c.at(), "end it with break or return", "the case runs on into the next one")
		}
		b.pop()
		sections = append(sections, s)
	}
	run := x.run
	return func(f *frame) flow {
		f.locals[slot] = run(f)
		chosen := fallback
	search:
		for i, s := range sections {
			for _, t := range s.tests {
				if v, _ := t(f).(bool); v {
					chosen = i
					break search
				}
			}
		}
		if chosen < 0 {
			return flowNext
		}
		if to := sections[chosen].body(f); to != flowBreak {
			return to
		}
		return flowNext
	}
}

func (b *binder) using(n *using) exec {
	b.push()
	defer b.pop()
	var resource exec
	if e, ok := n.resource.(*expression); ok {
		run := b.needed(e.x).run
		resource = func(f *frame) flow { run(f); return flowNext }
	} else {
		resource = b.statement(n.resource)
	}
	body := b.statement(n.body)
	return func(f *frame) flow {
		resource(f)
		return body(f)
	}
}

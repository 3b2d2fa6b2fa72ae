package expr

func (b *binder) unary(n *unary) *bound {
	if n.op == "checked" {
		b.checked++
		defer func() { b.checked-- }()
		return b.needed(n.x)
	}
	x := b.needed(n.x)
	u := x.t.underlying()
	run := x.run
	switch n.op {
	case "!":
		if !u.is("bool") && !u.loose() {
			return b.fail(n.at(), "compare it with something", "! needs a bool, not %v", x.t)
		}
		return &bound{t: x.t, at: n.at(), run: func(f *frame) any {
			v, ok := run(f).(bool)
			if !ok {
				return nil
			}
			return !v
		}}
	}
	if u.is("TimeSpan") && n.op == "-" {
		return &bound{t: x.t, at: n.at(), run: func(f *frame) any { return -run(f).(TimeSpan) }}
	}
	if !u.isNumeric() && !u.loose() && !u.isEnum() || n.op == "~" && !u.isIntegral() && !u.loose() && !u.isEnum() {
		return b.fail(n.at(), "convert it to a number", "%s needs a number, not %v", n.op, x.t)
	}
	change := func(v any) any {
		if v == nil {
			return nil
		}
		if t, ok := v.(*JValue); ok {
			v = t.scalar()
		}
		return negate(n.op, v)
	}
	if x.constant && !u.isEnum() {
		v := change(x.value)
		return constantOf(v, typeOf(v), n.at())
	}
	t := x.t
	if rank := numericOrder[u.String()]; rank < 2 && u.isNumeric() {
		t = types("int")
	}
	return &bound{t: t, at: n.at(), run: func(f *frame) any { return change(run(f)) }}
}

func negate(op string, v any) any {
	switch op {
	case "-":
		switch x := v.(type) {
		case uint32:
			if x == 1<<31 {
				return int64(-1 << 31)
			}
			return -int64(x)
		case uint64:
			if x == 1<<63 {
				return int64(-1 << 63)
			}
		case float64:
			return -x
		case float32:
			return -x
		}
		return arithmetic("-", int32(0), v, false)
	case "~":
		if e, ok := v.(enumValue); ok {
			return enumValue{e.def, ^e.n}
		}
		return wrap(^integer(v), promoted(v, int32(0)))
	}
	return arithmetic("+", int32(0), v, false)
}

// assigned binds what can stand left of an assignment.
func (b *binder) assigned(n node) *bound {
	x := b.needed(n)
	if x.assign == nil {
		b.fail(n.at(), "assign to a variable; context and most members are read-only", "this cannot be assigned")
		x.assign = func(value eval) eval { return value }
	}
	return x
}

func (b *binder) step(n *step) *bound {
	x := b.assigned(n.x)
	if !x.t.underlying().isNumeric() && !x.t.loose() {
		return b.fail(n.at(), "use a number", "%s%s needs a number, not %v", n.op, n.op, x.t)
	}
	keep := b.slot()
	run, op, prefix := x.run, n.op, n.prefix
	next := x.assign(func(f *frame) any {
		v := run(f)
		f.locals[keep] = v
		if v == nil {
			return nil
		}
		w := arithmetic(op, v, int32(1), false)
		if r, ok := toNumber(w, goTypeName(v)); ok {
			return r
		}
		return w
	})
	return &bound{t: x.t, at: n.at(), run: func(f *frame) any {
		f.step(1)
		w := next(f)
		if prefix {
			return w
		}
		return f.locals[keep]
	}}
}

func (b *binder) assignment(n *assignment) *bound {
	x := b.assigned(n.l)
	if n.op == "" {
		v := b.target(n.r, x.t)
		return &bound{t: x.t, at: n.at(), run: x.assign(v.run)}
	}
	value := b.operate(n.op, x, b.needed(n.r), n.at())
	if !value.t.equal(x.t) {
		change, ok := explicit(value.t, x.t)
		if !ok {
			return b.fail(n.at(), "", "%v does not convert to %v", value.t, x.t)
		}
		value = value.changed(change, x.t)
	}
	return &bound{t: x.t, at: n.at(), run: x.assign(value.run)}
}

func (b *binder) binary(n *operation) *bound {
	x := b.needed(n.l)
	var y *bound
	if d, ok := n.r.(*defaultOf); ok && d.t.name == "" {
		y = b.target(d, x.t)
	} else {
		y = b.needed(n.r)
	}
	return b.operate(n.op, x, y, n.at())
}

// operate binds a binary operator over bound operands.
func (b *binder) operate(op string, x, y *bound, at int) *bound {
	switch op {
	case "&&", "||":
		return b.logical(op, x, y, at)
	case "??":
		return b.coalesce(x, y, at)
	case "==", "!=":
		return b.equality(op, x, y, at)
	case "+":
		if x.t.is("XNamespace") && y.t.is("string") {
			return qualified(x, y, at)
		}
		if x.t.is("string") || y.t.is("string") {
			return joined(x, y, at)
		}
	}
	t := b.resultOf(op, x.t, y.t)
	if t == nil {
		return b.fail(at, "convert one side to the type of the other", "the operator %s does not apply to %v and %v", op, x.t, y.t)
	}
	l, r := x.run, y.run
	if x.constant && y.constant && x.t.isNumeric() && y.t.isNumeric() && (op != "/" && op != "%" || floating(y.value) != 0) {
		v := operateOn(op, x.value, y.value)
		return constantOf(v, typeOf(v), at)
	}
	checked := b.checked > 0 && (op == "+" || op == "-" || op == "*")
	return &bound{t: t, at: at, run: func(f *frame) any {
		a := l(f)
		c := r(f)
		if checked && rank(a) > 0 && rank(c) > 0 {
			return arithmetic(op, a, c, true)
		}
		return compute(f, op, a, c)
	}}
}

// joined flattens "a" + b + "c" into one concatenation.
func joined(x, y *bound, at int) *bound {
	var parts []eval
	if x.parts != nil {
		parts = append(parts, x.parts...)
	} else {
		parts = append(parts, x.run)
	}
	if y.parts != nil {
		parts = append(parts, y.parts...)
	} else {
		parts = append(parts, y.run)
	}
	return concatenation(parts, at)
}

// qualified is XNamespace + name.
func qualified(x, y *bound, at int) *bound {
	space, name := x.run, y.run
	return &bound{t: types("XName"), at: at, run: func(f *frame) any {
		ns := space(f)
		return xmlQName{toText(ns), toText(name(f))}
	}}
}

func (b *binder) logical(op string, x, y *bound, at int) *bound {
	x, y = b.condition(x), b.condition(y)
	l, r, or := x.run, y.run, op == "||"
	return &bound{t: types("bool"), at: at, run: func(f *frame) any {
		if v, _ := l(f).(bool); v == or {
			return or
		}
		v, _ := r(f).(bool)
		return v
	}}
}

// condition is a value that must be a bool.
func (b *binder) condition(x *bound) *bound {
	if x.t.isNullable() && x.t.args[0].is("bool") {
		return b.fail(x.at, "compare it: … == true", "the condition is a bool? that may be null")
	}
	return b.converted(x, types("bool"))
}

func (b *binder) coalesce(x, y *bound, at int) *bound {
	if x.t.isValue() {
		return b.fail(at, "remove ?? and what follows", "%v is never null", x.t)
	}
	var t *Type
	change := conversion(nil)
	u := x.t.underlying()
	if _, c, ok := implicit(y.t, u); ok && x.t != nullType && (u.isValue() || !x.t.isNullable()) {
		t, change = u, c
	} else if _, c, ok := implicit(y.t, x.t); ok && x.t != nullType {
		t, change = x.t, c
	}
	l, r := x.run, y.run
	if t == nil {
		_, c, ok := implicit(x.t, y.t)
		if !ok {
			return b.fail(at, "convert one side", "?? needs one type on both sides, not %v and %v", x.t, y.t)
		}
		return &bound{t: y.t, at: at, run: func(f *frame) any {
			v := l(f)
			if v == nil {
				return r(f)
			}
			if c != nil {
				return c(f, v)
			}
			return v
		}}
	}
	return &bound{t: t, at: at, run: func(f *frame) any {
		if v := l(f); v != nil {
			return v
		}
		v := r(f)
		if change != nil {
			return change(f, v)
		}
		return v
	}}
}

// comparable says whether == applies to the types.
func (b *binder) comparable(t, u *Type) bool {
	x, y := t.underlying(), u.underlying()
	if t == nullType || u == nullType {
		return true // a value type is never null, which C# warns of
	}
	if x.isNumeric() && y.isNumeric() || x.isEnum() && y.isNumeric() || y.isEnum() && x.isNumeric() {
		return true
	}
	if x.isToken() && convertible(y) || y.isToken() && convertible(x) {
		return true
	}
	_, _, ok := implicit(x, y)
	_, _, back := implicit(y, x)
	return ok || back || isInterface(x) && !y.isValue() || isInterface(y) && !x.isValue()
}

func (b *binder) equality(op string, x, y *bound, at int) *bound {
	if !b.comparable(x.t, y.t) {
		return b.fail(at, "convert one side to the type of the other", "the operator %s does not apply to %v and %v", op, x.t, y.t)
	}
	l, r, equal := x.run, y.run, op == "=="
	if y.t == nullType || x.t == nullType {
		if x.t == nullType {
			l = r
		}
		return &bound{t: types("bool"), at: at, run: func(f *frame) any { return (l(f) == nil) == equal }}
	}
	return &bound{t: types("bool"), at: at, run: func(f *frame) any {
		a := l(f)
		c := r(f)
		if s, ok := a.(string); ok {
			if u, ok := c.(string); ok {
				f.step(1 + min(len(s), len(u))/64)
				return (s == u) == equal
			}
		}
		if a == nil || c == nil {
			return (a == nil && c == nil) == equal
		}
		return valuesEqual(a, c) == equal
	}}
}

// resultOf is the type of an arithmetic, relational or bitwise operation; nil
// where there is none.
func (b *binder) resultOf(op string, t, u *Type) *Type {
	if t.loose() || u.loose() {
		if op == "<" || op == ">" || op == "<=" || op == ">=" {
			return types("bool")
		}
		return types("dynamic")
	}
	x, y := t.underlying(), u.underlying()
	if t == nullType {
		x = y
	}
	if u == nullType {
		y = x
	}
	var r *Type
	switch op {
	case "<", ">", "<=", ">=":
		if x.isNumeric() && y.isNumeric() || x.equal(y) && (x.is("DateTime") || x.is("DateTimeOffset") || x.is("TimeSpan") || x.isEnum()) ||
			x.is("DateTime") && y.is("DateTimeOffset") || x.is("DateTimeOffset") && y.is("DateTime") {
			return types("bool")
		}
		return nil
	case "&", "|", "^":
		switch {
		case x.is("bool") && y.is("bool"), x.isEnum() && x.equal(y):
			r = x
		case x.isIntegral() && y.isIntegral():
			r = promotedType(x, y)
		}
	case "<<", ">>":
		if x.isIntegral() && y.isIntegral() {
			r = promotedType(x, x)
		}
	default:
		r = arithmeticType(op, x, y)
	}
	if r != nil && (t.isNullable() || u.isNullable()) {
		return types("Nullable", r)
	}
	return r
}

func arithmeticType(op string, x, y *Type) *Type {
	switch {
	case x.isNumeric() && y.isNumeric():
		if x.is("decimal") && (y.is("double") || y.is("float")) || y.is("decimal") && (x.is("double") || x.is("float")) {
			return nil
		}
		return promotedType(x, y)
	case op == "-" && (x.is("DateTime") || x.is("DateTimeOffset")) && (y.equal(x) || y.is("DateTime") || y.is("DateTimeOffset")):
		return types("TimeSpan")
	case (op == "+" || op == "-") && (x.is("DateTime") || x.is("DateTimeOffset") || x.is("TimeSpan")) && y.is("TimeSpan"):
		return x
	case x.is("TimeSpan") && y.isNumeric() && (op == "*" || op == "/"), op == "*" && y.is("TimeSpan") && x.isNumeric():
		return types("TimeSpan")
	case op == "/" && x.is("TimeSpan") && y.is("TimeSpan"):
		return types("double")
	case (op == "+" || op == "-") && x.isEnum() && y.isIntegral():
		return x
	case op == "-" && x.isEnum() && x.equal(y):
		return types("int")
	}
	return nil
}

// promotedType is C#'s binary numeric promotion.
func promotedType(x, y *Type) *Type {
	for _, name := range []string{"decimal", "double", "float", "ulong", "long"} {
		if x.is(name) || y.is(name) {
			return types(name)
		}
	}
	if x.is("uint") || y.is("uint") {
		if x.is("int") || y.is("int") || x.is("short") || y.is("short") || x.is("sbyte") || y.is("sbyte") {
			return types("long")
		}
		return types("uint")
	}
	return types("int")
}

func (b *binder) ternary(n *ternary) *bound {
	cond := b.condition(b.needed(n.cond))
	x, y := b.branch(n.yes), b.branch(n.no)
	if x == nil || y == nil { // default takes the type of the other side
		if x == nil && y != nil {
			x = b.target(n.yes, y.t)
		} else if x != nil {
			y = b.target(n.no, x.t)
		} else {
			return b.fail(n.at(), "name the type: default(T)", "the type of default is unknown")
		}
	}
	t := commonType(x.t, y.t)
	if x.t == neverType {
		t = y.t
	} else if y.t == neverType {
		t = x.t
	}
	if t.is("object") && !x.t.is("object") && !y.t.is("object") && !(x.t == nullType && y.t == nullType) {
		return b.fail(n.at(), "cast one side to the type of the other", "both sides of ?: need one type, not %v and %v", x.t, y.t)
	}
	if x.t == nullType && y.t.isValue() || y.t == nullType && x.t.isValue() {
		return b.fail(n.at(), "cast null to "+t.String(), "both sides of ?: need one type, not %v and %v", x.t, y.t)
	}
	return choose(cond, b.converted(x, t), b.converted(y, t), t, n.at())
}

// branch binds a side of ?:; nil for a bare default.
func (b *binder) branch(n node) *bound {
	if d, ok := n.(*defaultOf); ok && d.t.name == "" {
		return nil
	}
	return b.needed(n)
}

// ternaryTo binds both sides as values of a type.
func (b *binder) ternaryTo(n *ternary, t *Type) *bound {
	cond := b.condition(b.needed(n.cond))
	return choose(cond, b.target(n.yes, t), b.target(n.no, t), t, n.at())
}

func choose(cond, x, y *bound, t *Type, at int) *bound {
	c, yes, no := cond.run, x.run, y.run
	return &bound{t: t, at: at, run: func(f *frame) any {
		if v, _ := c(f).(bool); v {
			return yes(f)
		}
		return no(f)
	}}
}

func (b *binder) thrown(n *thrown) *bound {
	x := b.needed(n.x)
	if !derives(x.t, types("Exception")) && !x.t.loose() {
		return b.fail(n.at(), "throw new Exception(…)", "%v cannot be thrown", x.t)
	}
	run := x.run
	return &bound{t: neverType, at: n.at(), run: func(f *frame) any {
		e, ok := run(f).(*thrownException)
		if !ok {
			throwNull()
		}
		panic(e)
	}}
}

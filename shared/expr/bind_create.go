package expr

import "strings"

func (b *binder) creation(n *creation) *bound {
	switch n.kind {
	case createArray:
		return b.array(n)
	case createAnonymous:
		return b.anonymous(n)
	}
	t := b.resolve(n.t)
	if t.loose() {
		return b.fail(n.t.at(), "name a type", "the type of the new object is unknown")
	}
	if t.isDelegate() && len(n.args) == 1 {
		return b.target(n.args[0].x, t)
	}
	values := b.arguments(n.args)
	if values == nil {
		return &bound{t: t, run: func(*frame) any { return nil }, at: n.at()}
	}
	var best *candidate
	all := t.def.own()["new"]
	for _, m := range all {
		if c := match(m, t, n.args, values, nil); c != nil && (best == nil || c.cost < best.cost) {
			best = c
		}
	}
	if best == nil && len(n.args) == 0 && t.isValue() {
		return &bound{t: t, run: func(*frame) any { return zero(t) }, at: n.at()}
	}
	if best == nil {
		if len(all) == 0 {
			return b.fail(n.at(), "use a static method that makes one", "%v has no constructor", t)
		}
		return b.fail(n.at(), "one of: "+signatures(all), "no constructor of %v takes %s", t, argumentTypes(n.args, values))
	}
	x := b.apply(best, nil, n.args, values, n.at())
	x.t = t
	if args := typeConstants(t); args != nil {
		run := x.run
		x.run = func(f *frame) any { return args(run(f)) }
	}
	if len(n.init) > 0 {
		return b.initialized(x, n.init)
	}
	return x
}

// typeConstants gives a new collection the types of its elements.
func typeConstants(t *Type) func(v any) any {
	if len(t.args) == 0 {
		return nil
	}
	return func(v any) any {
		switch c := v.(type) {
		case *List:
			c.elem = t.args[0]
		case *Dictionary:
			c.k = t.args[0]
			if len(t.args) > 1 {
				c.v = t.args[1]
			}
		}
		return v
	}
}

// initialized runs { … } over a new object.
func (b *binder) initialized(x *bound, init []initializer) *bound {
	slot := b.slot()
	object := &bound{t: x.t, run: func(f *frame) any { return f.locals[slot] }, at: x.at}
	var steps []eval
	for _, one := range init {
		if s := b.initialize(object, one); s != nil {
			steps = append(steps, s)
		}
	}
	run := x.run
	return &bound{t: x.t, at: x.at, run: func(f *frame) any {
		v := run(f)
		for _, s := range steps {
			f.locals[slot] = v
			s(f)
		}
		return v
	}}
}

func (b *binder) initialize(object *bound, one initializer) eval {
	at := one.at()
	switch {
	case one.index != nil:
		args := make([]*bound, len(one.index))
		for i, a := range one.index {
			args[i] = b.needed(a.x)
		}
		m, of := b.indexer(object.t, args)
		set := b.setter(object, "this", args)
		if m == nil || set == nil {
			b.fail(at, "", "%v has no indexer that can be assigned", object.t)
			return nil
		}
		return set(b.target(one.values[0], m.result.with(of.bound())).run)
	case one.name != "":
		m, of := findProperty(object.t, one.name, false)
		if m == nil {
			b.unknownMember(object.t, &access{where: one.where, name: one.name}, false)
			return nil
		}
		t := m.result.with(of.bound())
		if one.nested != nil {
			return b.initialized(b.callMember(m, object, nil, t, at), one.nested).run
		}
		set := b.setter(object, one.name, nil)
		if set == nil {
			b.fail(at, "", "%s of %v cannot be assigned", one.name, object.t)
			return nil
		}
		return set(b.target(one.values[0], t).run)
	}
	args := make([]argument, len(one.values))
	for i, v := range one.values {
		args[i] = argument{x: v}
	}
	return b.overload(object.t, object, &access{where: one.where, name: "Add"}, args).run
}

func (b *binder) array(n *creation) *bound {
	var elem *Type
	if n.t.name != "" {
		elem = b.resolve(n.t)
	}
	if n.size != nil && n.init == nil {
		return b.sized(elem, b.converted(b.needed(n.size), types("int")), n.at())
	}
	values := make([]*bound, 0, len(n.init))
	for _, one := range n.init {
		if len(one.values) != 1 || one.name != "" || one.index != nil {
			return b.fail(one.at(), "list values", "an array is initialized with values")
		}
		if elem != nil {
			values = append(values, b.target(one.values[0], elem))
		} else {
			values = append(values, b.needed(one.values[0]))
		}
	}
	if elem == nil {
		for _, v := range values {
			elem = commonType(elem, v.t)
		}
		if elem == nil || elem == nullType {
			return b.fail(n.at(), "name the type: new string[] { … }", "the type of the array's elements is unknown")
		}
		for i, v := range values {
			values[i] = b.converted(v, elem)
		}
	}
	return &bound{t: types("Array", elem), at: n.at(), run: func(f *frame) any {
		f.charge(16 * len(values))
		items := make([]any, len(values))
		for i, v := range values {
			items[i] = v.run(f)
		}
		return arrayOf(items, elem)
	}}
}

func (b *binder) sized(elem *Type, size *bound, at int) *bound {
	run := size.run
	return &bound{t: types("Array", elem), at: at, run: func(f *frame) any {
		n := int(integer(run(f)))
		if n < 0 {
			throw("OverflowException", "Arithmetic operation resulted in an overflow.")
		}
		f.charge(16 * n)
		if elem.is("byte") {
			return make([]byte, n)
		}
		items := make([]any, n)
		if z := zero(elem); z != nil {
			for i := range items {
				items[i] = z
			}
		}
		return arrayOf(items, elem)
	}}
}

// anonymous binds new { A = 1 }. Those with the same members of the same types
// have one type.
func (b *binder) anonymous(n *creation) *bound {
	names := make([]string, len(n.init))
	values := make([]eval, len(n.init))
	d := &typeDef{name: "AnonymousType", members: map[string][]*member{}}
	shape := make([]string, len(n.init))
	for i, one := range n.init {
		x := b.needed(one.values[0])
		if len(d.members[one.name]) > 0 {
			b.fail(one.at(), "choose another name", "the anonymous type has two members %q", one.name)
		}
		names[i], values[i] = one.name, x.run
		shape[i] = one.name + " " + settle(x.t).String()
		d.members[one.name] = []*member{{owner: d, name: one.name, result: settle(x.t), row: row{run: func(_ *frame, a []any) any {
			return a[0].(*record).values[i]
		}}}}
	}
	if b.anonymousTypes == nil {
		b.anonymousTypes = map[string]*typeDef{}
	}
	key := strings.Join(shape, ";")
	if same := b.anonymousTypes[key]; same != nil {
		d = same
	}
	b.anonymousTypes[key] = d
	return &bound{t: &Type{def: d}, at: n.at(), run: func(f *frame) any {
		f.charge(32 + 16*len(values))
		list := make([]any, len(values))
		for i, v := range values {
			list[i] = v(f)
		}
		return &record{names, list}
	}}
}

func (b *binder) tuple(n *tuple) *bound {
	values := make([]eval, len(n.items))
	t := &Type{def: universe().simple["ValueTuple"]}
	d := &typeDef{name: "ValueTuple", namespace: "System", value: true, members: map[string][]*member{}, supers: []*Type{t}}
	for i, item := range n.items {
		if item.out {
			return b.fail(n.at(), "", "out has no place here")
		}
		x := b.needed(item.x)
		values[i] = x.run
		t.args = append(t.args, settle(x.t))
		d.members["Item"+numberText(int32(i+1))] = tupleMember(d, i, settle(x.t))
		if item.name != "" {
			d.members[item.name] = tupleMember(d, i, settle(x.t))
		}
	}
	return &bound{t: &Type{def: d}, at: n.at(), run: func(f *frame) any {
		list := make([]any, len(values))
		for i, v := range values {
			list[i] = v(f)
		}
		return &tupleValue{list}
	}}
}

func tupleMember(d *typeDef, i int, t *Type) []*member {
	return []*member{{owner: d, name: "Item", result: t, row: row{run: func(_ *frame, a []any) any { return a[0].(*tupleValue).items[i] }}}}
}

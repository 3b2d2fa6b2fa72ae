package expr

// widening lists what each numeric type converts to implicitly.
var widening = map[string]string{
	"sbyte": " short int long float double decimal ", "byte": " short ushort int uint long ulong float double decimal ",
	"short": " int long float double decimal ", "ushort": " int uint long ulong float double decimal ", "char": " ushort int uint long ulong float double decimal ",
	"int": " long float double decimal ", "uint": " long ulong float double decimal ", "long": " float double decimal ", "ulong": " float double decimal ", "float": " double ",
}

// numericOrder makes nearer types cheaper.
var numericOrder = map[string]int{"short": 1, "ushort": 1, "int": 2, "uint": 3, "long": 4, "ulong": 5, "float": 6, "double": 7, "decimal": 8}

func (t *Type) isNumeric() bool {
	return t != nil && t.def != nil && (integerLimits[t.def.name].high != 0 || t.is("float") || t.is("double") || t.is("decimal"))
}

func (t *Type) isIntegral() bool {
	return t != nil && t.def != nil && integerLimits[t.def.name].high != 0
}

func (t *Type) isToken() bool { return t != nil && t.def != nil && t.as(types("JToken").def) != nil }

// conversion changes a value; nil leaves it.
type conversion func(f *frame, v any) any

// implicit finds the implicit conversion from one type to another. Cost orders
// overloads.
func implicit(from, to *Type) (cost int, change conversion, ok bool) {
	switch {
	case from == nil:
		return 0, nil, false
	case from.equal(to):
		return 0, nil, true
	case to.loose():
		return 3, nil, true
	case to.is("object"):
		return 9, nil, true
	case from.loose():
		return 4, func(_ *frame, v any) any { return coerce(v, to) }, true
	case from == nullType:
		return 1, nil, !to.isValue()
	case from == neverType: // throw
		return 0, nil, true
	}
	if to.isNullable() {
		cost, change, ok := implicit(from.underlying(), to.args[0])
		return cost + 1, skipNull(change), ok
	}
	if widens(from, to) {
		name := to.def.name
		return numericOrder[name], func(_ *frame, v any) any { n, _ := toNumber(v, name); return n }, true
	}
	if derives(from, to) {
		return 1, nil, true
	}
	return userImplicit(from, to)
}

func skipNull(change conversion) conversion {
	if change == nil {
		return nil
	}
	return func(f *frame, v any) any {
		if v == nil {
			return nil
		}
		return change(f, v)
	}
}

func widens(from, to *Type) bool {
	if from.def == nil || to.def == nil {
		return false
	}
	list := widening[from.def.name]
	name := " " + to.def.name + " "
	for i := 0; i+len(name) <= len(list); i++ {
		if list[i:i+len(name)] == name {
			return true
		}
	}
	return false
}

// derives says whether from is to or one of its heirs.
func derives(from, to *Type) bool {
	if to.def == nil {
		return true
	}
	of := from.as(to.def)
	if of == nil {
		return false
	}
	if len(of.args) != len(to.args) {
		return len(to.args) == 0 || variadicTypes[to.def.name]
	}
	for i, a := range of.args {
		b := to.args[i]
		if a.equal(b) || a.loose() || b.loose() || b.open() || b.is("object") && !a.isValue() {
			continue
		}
		if a.isValue() || b.isValue() || !derives(a, b) {
			return false
		}
	}
	return true
}

// userImplicit knows the conversion operators that .NET types declare.
func userImplicit(from, to *Type) (cost int, change conversion, ok bool) {
	if to.def == nil {
		return 0, nil, false
	}
	switch to.def.name {
	case "JToken", "JValue":
		u := from.underlying()
		if u.isNumeric() || to.is("JToken") && (u.is("string") || u.is("bool") || u.is("DateTime") || u.is("DateTimeOffset") || u.is("Guid") || u.is("TimeSpan") || u.is("Uri") ||
			u.is("Array") && u.args[0].is("byte")) {
			return 8, func(_ *frame, v any) any { t, _ := tokenOf(v); return t }, to.is("JToken")
		}
	case "XName", "XNamespace":
		if from.is("string") {
			return 8, nameFrom(to.is("XName")), true
		}
	case "DateTimeOffset":
		if from.is("DateTime") {
			return 8, func(_ *frame, v any) any { return offsetOf(v.(DateTime)) }, true
		}
	case "RSASignaturePadding", "HashAlgorithmName":
		return 0, nil, false
	}
	return 0, nil, false
}

// nameFrom converts text to an XName or an XNamespace.
func nameFrom(name bool) conversion {
	return func(_ *frame, v any) any {
		s, ok := v.(string)
		switch {
		case !ok:
			return nil
		case name:
			return xmlName(s)
		}
		return xmlSpace(s)
	}
}

// explicit finds the conversion that a cast makes.
func explicit(from, to *Type) (change conversion, ok bool) {
	if _, change, ok := implicit(from, to); ok {
		return change, true
	}
	f, t := from.underlying(), to.underlying()
	switch {
	case from == nullType:
		return nil, false
	case from.isNullable() && !to.isNullable():
		change, ok := explicit(f, t)
		return func(fr *frame, v any) any {
			if v == nil {
				throw("InvalidOperationException", "Nullable object must have a value.")
			}
			if change == nil {
				return v
			}
			return change(fr, v)
		}, ok
	case (f.isNumeric() || f.isEnum()) && t.isNumeric():
		name := t.def.name
		return skipNull(func(_ *frame, v any) any { n, _ := toNumber(v, name); return n }), true
	case f.isNumeric() && t.isEnum():
		return skipNull(func(_ *frame, v any) any { return enumValue{t.def, integer(v)} }), true
	case from.isToken() && !to.isToken():
		return tokenCast(to), convertible(t)
	case (from.is("XElement") || from.is("XAttribute")) && convertible(t):
		return func(_ *frame, v any) any { return xmlCast(v, to) }, true
	}
	if from.is("object") || derives(to, from) || isInterface(from) && !to.isValue() || isInterface(to) && !from.isValue() {
		return func(_ *frame, v any) any { return castTo(v, to) }, true
	}
	return nil, false
}

func isInterface(t *Type) bool {
	return t.def != nil && len(t.def.name) > 1 && t.def.name[0] == 'I' && t.def.name[1] >= 'A' && t.def.name[1] <= 'Z' && t.def.name != "IPAddress"
}

// convertible says whether JSON and XML values have a cast to the type.
func convertible(t *Type) bool {
	return t.isNumeric() || t.is("string") || t.is("bool") || t.is("DateTime") || t.is("DateTimeOffset") || t.is("Guid") || t.is("TimeSpan") || t.is("Uri") ||
		t.is("Array") && t.args[0].is("byte")
}

func tokenCast(to *Type) conversion {
	return func(_ *frame, v any) any {
		if v == nil {
			if to.isValue() {
				throwArgumentNull("value")
			}
			return nil
		}
		return convertToken(v.(JToken), to)
	}
}

// converted binds the implicit conversion of a value, or reports that there is
// none.
func (b *binder) converted(x *bound, to *Type) *bound {
	if x.constant && to.underlying().isIntegral() && x.t.isIntegral() && !x.t.equal(to.underlying()) {
		if v, in := narrow(wide(x.value), to.underlying().def.name); in && (x.t.is("int") || widens(x.t, to.underlying())) {
			return constantOf(v, to, x.at)
		}
	}
	if n, ok := x.value.(int32); ok && x.constant && n == 0 && to.isEnum() {
		return constantOf(enumValue{to.def, 0}, to, x.at)
	}
	_, change, ok := implicit(x.t, to)
	if !ok {
		fix := "convert it"
		if _, cast := explicit(x.t, to); cast {
			fix = "cast it: (" + to.String() + ")"
		}
		return b.fail(x.at, fix, "%v does not convert to %v", x.t, to)
	}
	if to.isValue() && x.t == nullType {
		return b.fail(x.at, "use "+to.String()+"?", "%v cannot be null", to)
	}
	return x.changed(change, to)
}

func (x *bound) changed(change conversion, to *Type) *bound {
	if change == nil {
		return &bound{t: to, run: x.run, constant: x.constant, value: x.value, at: x.at}
	}
	if x.constant {
		return constantOf(change(nil, x.value), to, x.at)
	}
	run := x.run
	return &bound{t: to, run: func(f *frame) any { return change(f, run(f)) }, at: x.at}
}

func (b *binder) cast(n *cast) *bound {
	to := b.resolve(n.t)
	if d, ok := n.x.(*defaultOf); ok && d.t.name == "" {
		return &bound{t: to, run: func(*frame) any { return zero(to) }, at: n.at()}
	}
	if l, ok := n.x.(*lambda); ok && to.isDelegate() {
		return b.function(l, to)
	}
	x := b.needed(n.x)
	change, ok := explicit(x.t, to)
	if !ok {
		fix := "use ToString(), Parse or Convert"
		return b.fail(n.at(), fix, "%v cannot be cast to %v", x.t, to)
	}
	if x.constant && change != nil && x.t.isNumeric() && to.isNumeric() {
		v, _ := toNumber(x.value, to.def.name)
		return constantOf(v, to, n.at())
	}
	if change == nil {
		return &bound{t: to, run: x.run, at: n.at()}
	}
	run := x.run
	return &bound{t: to, run: func(f *frame) any { return change(f, run(f)) }, at: n.at()}
}

func (b *binder) typeTest(n *typeTest, x *bound) *bound {
	var holds func(f *frame, v any) bool
	if n.constant != nil {
		c := b.needed(n.constant)
		if !b.comparable(x.t, c.t) && c.t != nullType {
			b.fail(n.at(), "compare values of one type", "%v is never %v", x.t, c.t)
		}
		holds = func(f *frame, v any) bool {
			w := c.run(f)
			return v == nil && w == nil || v != nil && w != nil && valuesEqual(v, w)
		}
	} else {
		t := b.resolve(n.t)
		holds = func(_ *frame, v any) bool { return isInstance(v, t) }
		if n.name != "" {
			slot := b.declare(n.name, t, n.at()).slot
			holds = func(f *frame, v any) bool {
				ok := isInstance(v, t)
				if ok {
					f.locals[slot] = v
				}
				return ok
			}
		}
	}
	run, not := x.run, n.not
	return &bound{t: types("bool"), at: n.at(), run: func(f *frame) any { return holds(f, run(f)) != not }}
}

func (b *binder) asType(n *asType) *bound {
	x, to := b.needed(n.x), b.resolve(n.t)
	if to.isValue() {
		return b.fail(n.at(), "write "+to.String()+"? or a cast", "as needs a type that can be null, and %v cannot", to)
	}
	run := x.run
	return &bound{t: to, at: n.at(), run: func(f *frame) any {
		if v := run(f); isInstance(v, to) {
			return v
		}
		return nil
	}}
}

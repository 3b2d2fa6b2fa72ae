package expr

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// flatten is the dotted name that a node consists of, "" where it is more.
func flatten(n node) string {
	switch n := n.(type) {
	case *identifier:
		if len(n.args) == 0 {
			return n.name
		}
	case *access:
		if x := flatten(n.x); x != "" && len(n.args) == 0 {
			return x + "." + n.name
		}
	}
	return ""
}

// access binds x.name where it is not called.
func (b *binder) access(n *access) *bound {
	x := b.bind(n.x)
	if x.space != "" {
		return b.inNamespace(x.space, n)
	}
	if x.names != nil {
		return b.staticAccess(x.names, n)
	}
	if x.t == nil {
		return b.fail(n.at(), "", "the call before has no value to take %q of", n.name)
	}
	if x.t.loose() {
		b.reading(nil, n)
		return b.dynamicAccess(x, n)
	}
	m, of := findProperty(x.t, n.name, false)
	if m == nil {
		return b.unknownMember(x.t, n, false)
	}
	b.reading(m, n)
	out := b.callMember(m, x, nil, m.result.with(of.bound()), n.at())
	out.assign = b.setter(x, n.name, nil)
	return out
}

func (b *binder) inNamespace(space string, n *access) *bound {
	full := space + "." + n.name
	if d := lookupType(full, len(n.args)); d != nil {
		if len(n.args) > 0 {
			return &bound{names: b.resolve(typeRef{where: n.where, name: full, args: n.args}), at: n.at()}
		}
		return &bound{names: plainType(d), at: n.at()}
	}
	if universe().namespaces[full] {
		return &bound{space: full, at: n.at()}
	}
	known := func() (names []string) {
		for name := range universe().full {
			if rest, ok := strings.CutPrefix(name, space+"."); ok {
				names = append(names, rest)
			}
		}
		return names
	}
	return b.fail(n.at(), b.suggest(n.name, known, "only the types that API Management allows exist"), "the name %q is unknown in %s", n.name, space)
}

func (b *binder) staticAccess(t *Type, n *access) *bound {
	for _, e := range t.def.enum {
		if e.name == n.name {
			return constantOf(enumValue{t.def, e.value}, t, n.at())
		}
	}
	m, of := findProperty(t, n.name, true)
	if m == nil {
		return b.unknownMember(t, n, true)
	}
	return b.callMember(m, nil, nil, m.result.with(of.bound()), n.at())
}

// findProperty finds a property or field.
func findProperty(t *Type, name string, static bool) (found *member, of *Type) {
	t.named(name, func(m *member, in *Type) {
		if found == nil && m.kind == property && m.static == static {
			found, of = m, in
		}
	})
	return found, of
}

func (b *binder) unknownMember(t *Type, n *access, static bool) *bound {
	methods := false
	t.named(n.name, func(m *member, _ *Type) { methods = methods || m.kind == method && m.static == static })
	if methods {
		return b.fail(n.at(), fmt.Sprintf("call it: %s(…)", n.name), "%s of %v is a method, not a value", n.name, t)
	}
	if m, _ := findProperty(t, n.name, !static); m != nil {
		return b.fail(n.at(), map[bool]string{true: "take it of a value", false: "take it of the type"}[static], "%s of %v is %s member", n.name, t, map[bool]string{true: "no static", false: "a static"}[static])
	}
	return b.fail(n.at(), b.suggest(n.name, t.memberNames, "cast the value to the type that has it"), "%v has no member %q", t, n.name)
}

// reading notes which parts of the context an access reads.
func (b *binder) reading(m *member, n *access) {
	r := &b.program.reads
	if m == nil { // nothing is known of what it is
		if n.name == "Body" {
			r.requestBody, r.responseBody = true, true
		}
		return
	}
	switch m.owner.name + "." + n.name {
	case "IContext.Request":
		r.request = true
	case "IContext.Response":
		r.response = true
	case "IRequest.Body":
		r.requestBody = true
	case "IResponse.Body":
		r.responseBody = r.responseBody || !fromVariable(n.x)
	case "IContext.Variables":
		r.anyVariable = r.anyVariable || b.depthOfVariables == 0
	}
}

// fromVariable says whether a node is a cast or a generic read of a variable: its
// body is not that of context.Response.
func fromVariable(n node) bool {
	switch n := n.(type) {
	case *cast:
		return fromVariable(n.x)
	case *asType:
		return fromVariable(n.x)
	case *index:
		return strings.HasSuffix(flatten(n.x), "context.Variables")
	case *call:
		if a, ok := n.fn.(*access); ok {
			return flatten(a.x) == "context.Variables"
		}
	}
	return false
}

// variableName notes a variable that is read by a constant name.
func (b *binder) variableName(args []argument) bool {
	if len(args) == 0 {
		return false
	}
	l, ok := args[0].x.(*literal)
	if !ok {
		return false
	}
	name, ok := l.value.(string)
	if ok {
		b.program.reads.note(name)
	}
	return ok
}

func (r *reads) note(name string) {
	if !slices.Contains(r.variables, name) {
		r.variables = append(r.variables, name)
	}
}

// dynamicAccess looks a member up when the value is known.
func (b *binder) dynamicAccess(x *bound, n *access) *bound {
	name := n.name
	run := x.run
	return &bound{t: types("dynamic"), at: n.at(), run: func(f *frame) any {
		f.step(1)
		v := run(f)
		if v == nil {
			throwNull()
		}
		return dynamicMember(f, v, name)
	}, assign: func(value eval) eval {
		return func(f *frame) any {
			target, v := run(f), value(f)
			o, ok := target.(*JObject)
			if !ok {
				throw("RuntimeBinderException", "'%v' does not contain a definition for '%s' that can be set.", typeOf(target), name)
			}
			o.set(f, name, tokenFrom(f, v))
			return v
		}
	}}
}

func dynamicMember(f *frame, v any, name string) any {
	switch o := v.(type) {
	case *JObject:
		if t := o.get(name); t != nil {
			return t
		}
		if m, _ := findProperty(typeOf(v), name, false); m == nil {
			return nil
		}
	case *record:
		for i, n := range o.names {
			if n == name {
				return o.values[i]
			}
		}
	}
	m, _ := findProperty(typeOf(v), name, false)
	if m == nil {
		throw("RuntimeBinderException", "'%v' does not contain a definition for '%s'", typeOf(v), name)
	}
	return m.run(f, []any{v})
}

// callMember makes the closure of a member with its arguments.
func (b *binder) callMember(m *member, x *bound, args []eval, result *Type, at int) *bound {
	run, extension := m.run, m.extension
	if x == nil {
		if len(args) == 0 && m.kind == property {
			return &bound{t: result, at: at, run: func(f *frame) any { return run(f, nil) }}
		}
		return &bound{t: result, at: at, run: calls(run, args)}
	}
	receiver := x.run
	if extension || x.t.isNullable() {
		return &bound{t: result, at: at, run: calls(run, append([]eval{receiver}, args...))}
	}
	onNull := throwNull
	if m.owner.name == "IEnumerable" {
		onNull = func() { throwArgumentNull("source") }
	}
	if len(args) == 0 {
		return &bound{t: result, at: at, run: withoutArguments(run, receiver, onNull)}
	}
	return &bound{t: result, at: at, run: calls(run, append([]eval{func(f *frame) any {
		v := receiver(f)
		if v == nil {
			onNull()
		}
		return v
	}}, args...))}
}

// withoutArguments calls a member without arguments: most are properties of the context.
func withoutArguments(run func(f *frame, a []any) any, receiver eval, onNull func()) eval {
	return func(f *frame) any {
		if f.steps--; f.steps < 0 {
			panic(exhausted("steps"))
		}
		v := receiver(f)
		if v == nil {
			onNull()
		}
		base := len(f.stack)
		f.stack = append(f.stack, v)
		v = run(f, f.stack[base:base+1:base+1])
		f.stack = f.stack[:base]
		return v
	}
}

// calls evaluates arguments onto the stack and calls run with them. Run must not
// keep the slice.
func calls(run func(f *frame, a []any) any, args []eval) eval {
	return func(f *frame) any {
		if f.steps--; f.steps < 0 {
			panic(exhausted("steps"))
		}
		base := len(f.stack)
		for _, arg := range args {
			v := arg(f)
			f.stack = append(f.stack, v)
		}
		v := run(f, f.stack[base:len(f.stack):len(f.stack)])
		f.stack = f.stack[:base]
		return v
	}
}

// setter finds the "set" row of a property or of the indexer.
func (b *binder) setter(x *bound, name string, args []*bound) func(value eval) eval {
	var found *member
	x.t.named("="+name, func(m *member, _ *Type) {
		if found == nil && (args == nil || len(m.params) == len(args) && accepts(m, args)) {
			found = m
		}
	})
	if found == nil {
		return nil
	}
	return func(value eval) eval {
		list := make([]eval, 0, len(args)+1)
		for i, a := range args {
			list = append(list, b.converted(a, found.params[i].t.with(x.t.bound())).run)
		}
		return b.callMember(found, x, append(list, value), nil, x.at).run
	}
}

func accepts(m *member, args []*bound) bool {
	for i, p := range m.params {
		if !p.t.open() {
			if _, _, ok := implicit(args[i].t, p.t); !ok {
				return false
			}
		}
	}
	return true
}

// index binds x[…].
func (b *binder) index(n *index) *bound {
	known := flatten(n.x) == "context.Variables" && b.variableName(n.args)
	x := b.variables(n.x, known)
	if x.t == nil {
		return b.fail(n.at(), "", "there is no value to take an element of")
	}
	args := make([]*bound, len(n.args))
	for i, a := range n.args {
		args[i] = b.needed(a.x)
	}
	if x.t.loose() {
		return b.dynamicIndex(x, args, n.at())
	}
	m, of := b.indexer(x.t, args)
	if m == nil {
		return b.fail(n.at(), "cast the value to the type that has one", "%v has no indexer for %s", x.t, typeList(args))
	}
	list := make([]eval, len(args))
	for i, a := range args {
		list[i] = b.converted(a, m.params[i].t.with(of.bound())).run
	}
	out := b.callMember(m, x, list, m.result.with(of.bound()), n.at())
	out.assign = b.setter(x, "this", args)
	return out
}

// variables binds a node that may be context.Variables; known says that the
// variable's name is.
func (b *binder) variables(n node, known bool) *bound {
	if !known {
		return b.value(n)
	}
	b.depthOfVariables++
	defer func() { b.depthOfVariables-- }()
	return b.value(n)
}

func (b *binder) indexer(t *Type, args []*bound) (found *member, of *Type) {
	best := 1 << 20
	t.named("this", func(m *member, in *Type) {
		if len(m.params) != len(args) {
			return
		}
		total := 0
		for i, a := range args {
			cost, _, ok := implicit(a.t, m.params[i].t.with(in.bound()))
			if !ok {
				return
			}
			total += cost
		}
		if total < best {
			best, found, of = total, m, in
		}
	})
	return found, of
}

func typeList(args []*bound) string {
	names := make([]string, len(args))
	for i, a := range args {
		names[i] = a.t.String()
	}
	return strings.Join(names, ", ")
}

// argumentFor converts an argument; constant header names become canonical, so
// that looking them up is one access to the map.
func (b *binder) argumentFor(m *member, param int, a *bound, t *Type) *bound {
	if name, ok := a.value.(string); ok && a.constant && param == 0 && m.owner.name == "IHeaders" {
		return constantOf(http.CanonicalHeaderKey(name), a.t, a.at)
	}
	return b.converted(a, t)
}

// dynamicIndex finds the indexer when the values are known.
func (b *binder) dynamicIndex(x *bound, args []*bound, at int) *bound {
	run := x.run
	return &bound{t: types("dynamic"), at: at, run: func(f *frame) any {
		f.step(1)
		v := run(f)
		if v == nil {
			throwNull()
		}
		list := []any{v}
		for _, a := range args {
			list = append(list, a.run(f))
		}
		m := dynamicIndexer(v, "this", list[1:])
		for i := range m.params {
			list[i+1] = coerce(list[i+1], closed(m.params[i].t))
		}
		return m.run(f, list)
	}, assign: func(value eval) eval {
		return func(f *frame) any {
			list := []any{run(f)}
			for _, a := range args {
				list = append(list, a.run(f))
			}
			v := value(f)
			m := dynamicIndexer(list[0], "=this", list[1:])
			for i := range m.params {
				list[i+1] = coerce(list[i+1], closed(m.params[i].t))
			}
			to := v
			if _, ok := list[0].(JToken); ok {
				to = tokenFrom(f, v)
			}
			m.run(f, append(list, to))
			return v
		}
	}}
}

// closed is dynamic for a type parameter.
func closed(t *Type) *Type {
	if t.open() {
		return types("dynamic")
	}
	return t
}

func dynamicIndexer(v any, key string, args []any) (found *member) {
	best := 1 << 20
	typeOf(v).named(key, func(m *member, _ *Type) {
		if len(m.params) != len(args) {
			return
		}
		total := 0
		for i, p := range m.params {
			if cost, _, ok := implicit(typeOf(args[i]), closed(p.t)); ok {
				total += cost
			} else {
				total += 1000
			}
		}
		if total < best {
			best, found = total, m
		}
	})
	if found == nil || best >= 1000 {
		throw("RuntimeBinderException", "Cannot apply indexing with [] to an expression of type '%v'", typeOf(v))
	}
	return found
}

// conditionalAccess is null where what stands before ?. is.
func (b *binder) conditionalAccess(n *conditionalAccess) *bound {
	x := b.needed(n.x)
	slot := b.slot()
	n.hook.t, n.hook.slot = x.t.underlying(), slot
	rest := b.value(n.rest)
	run, then := x.run, rest.run
	t := rest.t
	if t.isValue() {
		t = types("Nullable", t)
	}
	return &bound{t: t, at: n.at(), run: func(f *frame) any {
		v := run(f)
		if v == nil {
			return nil
		}
		f.locals[slot] = v
		return then(f)
	}}
}

package expr

import "slices"

// lazy makes a sequence that is computed as it is read. Run must take what it
// needs of the arguments before.
func lazy(run func(f *frame, yield func(any) bool)) any { return &sequence{run: run} }

func throwEmpty() { throw("InvalidOperationException", "Sequence contains no elements") }

// choose1 finds one element: the first, last or only one for which fn holds (nil:
// any). ok is false where there is none.
func choose1(f *frame, v, fn any, which string) (x any, ok bool) {
	for item := range f.each(v) {
		if fn != nil && !f.holds(fn, item) {
			continue
		}
		if ok && which == "Single" {
			throw("InvalidOperationException", "Sequence contains more than one %s", map[bool]string{true: "matching element", false: "element"}[fn != nil])
		}
		x, ok = item, true
		if which == "First" {
			return x, true
		}
	}
	return x, ok
}

// picks makes the rows of First, Last and Single.
func picks(which, want string) []row {
	chosen := func(filtered, orDefault bool) func(f *frame, a []any) any {
		return func(f *frame, a []any) any {
			var fn any
			if filtered {
				fn = a[1]
			}
			x, ok := choose1(f, a[0], fn, which)
			switch {
			case ok:
				return x
			case orDefault:
				return zero(a[len(a)-1].(*Type))
			case filtered:
				throw("InvalidOperationException", "Sequence contains no matching element")
			}
			throwEmpty()
			return nil
		}
	}
	source := `new[] { 1, 2 }.`
	if which == "Single" {
		source = `new[] { 2 }.`
	}
	return []row{
		{"T " + which + "()", chosen(false, false), source + which + "()", want},
		{"T " + which + "(Func<T, bool> predicate)", chosen(true, false), source + which + "(x => x > 1)", "2"},
		{"T " + which + "OrDefault<T>()", chosen(false, true), `new int[0].` + which + "OrDefault()", "0"},
		{"T " + which + "OrDefault<T>(Func<T, bool> predicate)", chosen(true, true), source + which + "OrDefault(x => x > 5)", "0"},
	}
}

// selected applies fn (nil: none) to an element.
func selected(f *frame, a []any, x any) any {
	if len(a) > 1 {
		return f.invoke(a[1], x)
	}
	return x
}

func sum(f *frame, a []any, zeroOf *Type) any {
	total := zero(zeroOf.underlying())
	if total == nil {
		total = int32(0)
	}
	for x := range f.each(a[0]) {
		v := selected(f, a, x)
		if t, ok := v.(*JValue); ok {
			v = t.scalar()
		}
		if v == nil {
			continue
		}
		if rank(v) == 0 {
			throwCast(v, types("int"))
		}
		total = arithmetic("+", total, v, rank(total) <= 4 && rank(v) <= 4)
	}
	return total
}

func average(f *frame, a []any) any {
	var total any = int32(0)
	n := int64(0)
	for x := range f.each(a[0]) {
		v := selected(f, a, x)
		if v == nil {
			continue
		}
		if rank(v) < 5 {
			v = floating(v)
		}
		total = arithmetic("+", total, v, false)
		n++
	}
	if n == 0 {
		throwEmpty()
	}
	return arithmetic("/", total, n, false)
}

func extreme(f *frame, a []any, want int) any {
	var best any
	seen := false
	for x := range f.each(a[0]) {
		v := selected(f, a, x)
		if v == nil {
			continue
		}
		if c := 0; seen {
			if c = compareValues(v, best); c*want <= 0 {
				continue
			}
		}
		best, seen = v, true
	}
	if !seen {
		throwEmpty()
	}
	return best
}

func where1(f *frame, a []any) any {
	source, fn := a[0], a[1]
	return lazy(func(f *frame, yield func(any) bool) {
		for x := range f.each(source) {
			if f.holds(fn, x) && !yield(x) {
				return
			}
		}
	})
}

func indexed(source, fn any, keep bool) any {
	return lazy(func(f *frame, yield func(any) bool) {
		i := int32(0)
		for x := range f.each(source) {
			v := f.invoke(fn, x, i)
			i++
			if keep {
				if v != true {
					continue
				}
				v = x
			}
			if !yield(v) {
				return
			}
		}
	})
}

func selectEach(_ *frame, a []any) any {
	source, fn := a[0], a[1]
	return lazy(func(f *frame, yield func(any) bool) {
		for x := range f.each(source) {
			if !yield(f.invoke(fn, x)) {
				return
			}
		}
	})
}

func selectMany(_ *frame, a []any) any {
	source, fn := a[0], a[1]
	return lazy(func(f *frame, yield func(any) bool) {
		for x := range f.each(source) {
			for y := range f.each(f.invoke(fn, x)) {
				if !yield(y) {
					return
				}
			}
		}
	})
}

func skip(_ *frame, a []any) any {
	source, n := a[0], number(a, 1)
	return lazy(func(f *frame, yield func(any) bool) {
		i := 0
		for x := range f.each(source) {
			if i++; i > n && !yield(x) {
				return
			}
		}
	})
}

func take(_ *frame, a []any) any {
	source, n := a[0], number(a, 1)
	return lazy(func(f *frame, yield func(any) bool) {
		if n <= 0 {
			return
		}
		i := 0
		for x := range f.each(source) {
			if i++; !yield(x) || i >= n {
				return
			}
		}
	})
}

// whileHolds makes TakeWhile and SkipWhile.
func whileHolds(taking bool) func(*frame, []any) any {
	return func(_ *frame, a []any) any {
		source, fn := a[0], a[1]
		return lazy(func(f *frame, yield func(any) bool) {
			holding := true
			for x := range f.each(source) {
				holding = holding && f.holds(fn, x)
				if taking && !holding {
					return
				}
				if taking == holding && !yield(x) {
					return
				}
			}
		})
	}
}

// setOperation makes Distinct, Union, Except and Intersect.
func setOperation(keep func(inOther bool) bool, both bool) func(*frame, []any) any {
	return func(_ *frame, a []any) any {
		args := slices.Clone(a)
		return lazy(func(f *frame, yield func(any) bool) {
			seen, other := newDictionary(nil, nil), newDictionary(nil, nil)
			seen.fold = folds(args[len(args)-1])
			other.fold = seen.fold
			sources := args[:1]
			if len(args) > 1 && both {
				sources = args[:2]
			} else if len(args) > 1 && keep != nil {
				addAll(f, other, args[1])
			}
			for _, source := range sources {
				for x := range f.each(source) {
					_, in := other.get(x)
					if keep != nil && !keep(in) {
						continue
					}
					f.charge(64)
					if seen.put(x, nil) && !yield(x) {
						return
					}
				}
			}
		})
	}
}

func groupBy(_ *frame, a []any) any {
	args := slices.Clone(a)
	var element any
	if len(args) > 2 {
		element = args[2]
	}
	return lazy(func(f *frame, yield func(any) bool) {
		groups := newDictionary(nil, nil)
		for x := range f.each(args[0]) {
			k := f.invoke(args[1], x)
			v := x
			if _, ok := element.(*function); ok {
				v = f.invoke(element, x)
			}
			f.charge(64)
			g, ok := groups.get(k)
			if !ok {
				g = &List{class: "List"}
				groups.put(k, g)
			}
			g.(*List).add(f, v)
		}
		for k, g := range groups.All() {
			members := g
			if !yield(&sequence{key: &pair{key: k}, run: func(f *frame, yield func(any) bool) { iterateList(members.(*List), yield) }}) {
				return
			}
		}
	})
}

func toDictionary(f *frame, a []any) any {
	d := newDictionary(nil, nil)
	for _, arg := range a {
		d.fold = d.fold || folds(arg)
	}
	for x := range f.each(a[0]) {
		v := x
		if len(a) > 2 {
			if fn, ok := a[2].(*function); ok {
				v = f.invoke(fn, x)
			}
		}
		addEntry(f, []any{d, f.invoke(a[1], x), v})
	}
	return d
}

func concat(_ *frame, a []any) any {
	first, second := a[0], a[1]
	return lazy(func(f *frame, yield func(any) bool) {
		for _, source := range []any{first, second} {
			for x := range f.each(source) {
				if !yield(x) {
					return
				}
			}
		}
	})
}

func zip(_ *frame, a []any) any {
	first, second, fn := a[0], a[1], a[2]
	return lazy(func(f *frame, yield func(any) bool) {
		others := f.collect(second)
		i := 0
		for x := range f.each(first) {
			if i >= len(others) || !yield(f.invoke(fn, x, others[i])) {
				return
			}
			i++
		}
	})
}

func counts(f *frame, a []any) int {
	if len(a) < 2 {
		return length(f, a[0])
	}
	n := 0
	for x := range f.each(a[0]) {
		if f.holds(a[1], x) {
			n++
		}
	}
	return n
}

// of makes Cast and OfType.
func of(strict bool) func(*frame, []any) any {
	return func(_ *frame, a []any) any {
		source, t := a[0], a[1].(*Type)
		return lazy(func(f *frame, yield func(any) bool) {
			for x := range f.each(source) {
				if strict {
					x = castTo(x, t)
				} else if !isInstance(x, t) {
					continue
				}
				if !yield(x) {
					return
				}
			}
		})
	}
}

func elementAt(f *frame, a []any) (any, bool) {
	i := 0
	for x := range f.each(a[0]) {
		if i == number(a, 1) {
			return x, true
		}
		i++
	}
	return nil, false
}

func contains(f *frame, a []any) any {
	fold := folds(a[len(a)-1])
	for x := range f.each(a[0]) {
		if x == nil && a[1] == nil || x != nil && a[1] != nil && equals(x, a[1]) || fold && equalText(x, a[1], true) {
			return true
		}
	}
	return false
}

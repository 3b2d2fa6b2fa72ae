package expr

import "slices"

type boundCatch struct {
	t    *Type
	slot int
	when eval // nil: always
	body exec
}

func (b *binder) try(n *try) exec {
	body := b.statement(n.body)
	var catches []boundCatch
	for _, c := range n.catches {
		catches = append(catches, b.catch(c))
	}
	finally := func(*frame) flow { return flowNext }
	if n.finally != nil {
		finally = b.statement(n.finally)
	}
	return func(f *frame) flow {
		to := flowNext
		e := caught(f, func() { to = body(f) })
		if e != nil {
			e = caught(f, func() { to = handle(f, e, catches) })
		}
		if out := finally(f); out != flowNext {
			return out
		}
		if e != nil {
			panic(e)
		}
		return to
	}
}

// handle runs the first clause that catches e, or throws it again.
func handle(f *frame, e *thrownException, catches []boundCatch) flow {
	for _, c := range catches {
		if !derives(e.t, c.t) {
			continue
		}
		f.locals[c.slot] = e
		if c.when != nil {
			holds := false
			if failed := caught(f, func() { holds, _ = c.when(f).(bool) }); failed != nil || !holds {
				continue
			}
		}
		return c.body(f)
	}
	panic(e)
}

func (b *binder) catch(c catch) boundCatch {
	b.push()
	defer b.pop()
	out := boundCatch{t: types("Exception")}
	if c.t != nil {
		out.t = b.resolve(*c.t)
		if !derives(out.t, types("Exception")) && !out.t.loose() {
			b.fail(c.at(), "catch Exception", "%v is no exception", out.t)
		}
	}
	if c.name != "" {
		out.slot = b.declare(c.name, out.t, c.at()).slot
	} else {
		out.slot = b.slot()
	}
	if c.when != nil {
		out.when = b.condition(b.needed(c.when)).run
	}
	outer := b.caught
	b.caught = out.slot
	b.catches++
	out.body = b.statement(c.body)
	b.catches--
	b.caught = outer
	return out
}

// ends says whether execution can come to the end of a statement.
func ends(n node) bool {
	switch n := n.(type) {
	case *block:
		return endsList(n.list)
	case *returnStatement, *jump, *thrown:
		return false
	case *ifStatement:
		return n.not == nil || ends(n.yes) || ends(n.not)
	case *loop:
		forever := n.cond == nil
		if l, ok := n.cond.(*literal); ok && l.value == true {
			forever = true
		}
		return !forever || breaks(n.body)
	case *switchStatement:
		return switchEnds(n)
	case *try:
		if n.finally != nil && !ends(n.finally) {
			return false
		}
		end := ends(n.body)
		for _, c := range n.catches {
			end = end || ends(c.body)
		}
		return end
	case *using:
		return n.body == nil || ends(n.body)
	}
	return true
}

func endsList(list []node) bool {
	for _, n := range list {
		if !ends(n) {
			return false
		}
	}
	return true
}

func switchEnds(n *switchStatement) bool {
	fallback := false
	for _, c := range n.cases {
		for _, l := range c.labels {
			fallback = fallback || l.test == nil
		}
		if slices.ContainsFunc(c.body, breaks) {
			return true
		}
	}
	return !fallback
}

// breaks says whether a break within a statement leaves what encloses it.
func breaks(n node) bool {
	switch n := n.(type) {
	case *jump:
		return n.what == "break"
	case *block:
		return slices.ContainsFunc(n.list, breaks)
	case *ifStatement:
		return breaks(n.yes) || n.not != nil && breaks(n.not)
	case *try:
		for _, c := range n.catches {
			if breaks(c.body) {
				return true
			}
		}
		return breaks(n.body)
	case *using:
		return n.body != nil && breaks(n.body)
	}
	return false
}

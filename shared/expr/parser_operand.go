package expr

import "slices"

func (p *parser) unary() node {
	defer p.deeper()()
	t := p.peek()
	if t.kind == tOperator {
		switch t.text {
		case "-", "+", "!", "~":
			p.pos++
			return &unary{where(t.pos), t.text, p.unary()}
		case "++", "--":
			p.pos++
			return &step{where(t.pos), t.text[:1], p.unary(), true}
		case "(":
			if c := p.cast(); c != nil {
				return c
			}
		}
	}
	return p.postfix(p.operand())
}

// cast reads (T)x where the brackets hold a type and an operand follows; nil
// where they do not.
func (p *parser) cast() node {
	at := p.peek().pos
	var c *cast
	p.try(func() bool {
		p.expect("(")
		r := p.typeName()
		p.expect(")")
		t := p.peek()
		follows := t.kind == tLiteral || t.kind == tInterpolated || t.is("(") || t.is("!") || t.is("~") ||
			t.kind == tName && (!slices.Contains([]string{"is", "as", "in"}, t.text))
		if t.is("-") || t.is("+") {
			follows = slices.Contains(typeKeywords, r.name)
		}
		if !follows {
			return false
		}
		c = &cast{where: where(at), t: r}
		return true
	})
	if c == nil {
		return nil
	}
	c.x = p.unary()
	return c
}

// postfix reads members, calls, indexes and steps after x.
func (p *parser) postfix(x node) node {
	defer p.deeper()()
	for links := 0; ; links++ {
		if links > 5*maxNesting {
			failAt(p.peek().pos, "use variables", "the chain of members is longer than %d", 5*maxNesting)
		}
		t := p.peek()
		if t.kind != tOperator {
			return x
		}
		switch t.text {
		case ".":
			p.pos++
			x = p.member(x)
		case "(":
			x = &call{where(t.pos), x, p.arguments(")")}
		case "[":
			x = &index{where(t.pos), x, p.arguments("]")}
		case "?.", "?[":
			return p.conditional(x)
		case "++", "--":
			p.pos++
			x = &step{where(t.pos), t.text[:1], x, false}
		default:
			return x
		}
	}
}

func (p *parser) member(x node) node {
	at := p.peek().pos
	a := &access{where: where(at), x: x, name: p.name()}
	a.args = p.typeArguments()
	return a
}

func (p *parser) conditional(x node) node {
	t := p.peek()
	h := &hook{where: where(t.pos)}
	var rest node
	if t.text == "?." {
		p.pos++
		rest = p.member(h)
	} else {
		rest = &index{where(t.pos), h, p.arguments("]")}
	}
	return &conditionalAccess{where(t.pos), x, p.postfix(rest), h}
}

// typeArguments reads <A, B> where what follows shows that it is no comparison.
func (p *parser) typeArguments() (list []typeRef) {
	if !p.is("<") {
		return nil
	}
	p.try(func() bool {
		p.expect("<")
		for {
			list = append(list, p.typeName())
			if !p.accept(",") {
				break
			}
		}
		p.expect(">")
		t := p.peek()
		ok := t.kind == tEnd || t.kind == tOperator && slices.Contains([]string{"(", ")", "]", "}", ":", ";", ",", ".", "?", "==", "!=", "?.", "{", "["}, t.text)
		if !ok {
			list = nil
		}
		return ok
	})
	return list
}

// arguments reads a bracketed list; the opening bracket is the next token.
func (p *parser) arguments(closing string) []argument {
	p.pos++
	var list []argument
	if p.accept(closing) {
		return list
	}
	for {
		list = append(list, p.argument())
		if !p.accept(",") {
			break
		}
	}
	p.expect(closing)
	return list
}

func (p *parser) argument() argument {
	var a argument
	if p.peek().kind == tName && p.second().is(":") {
		a.name = p.name()
		p.pos++
	}
	if !p.acceptWord("out") {
		a.x = p.expression()
		return a
	}
	a.out = true
	declares := p.try(func() bool {
		r := p.typeName()
		at := p.peek().pos
		a.declare, a.x = &r, &identifier{where: where(at), name: p.name()}
		return true
	})
	if !declares {
		a.declare, a.x = nil, p.expression()
	}
	return a
}

// operand reads the beginning of an operand.
func (p *parser) operand() node {
	t := p.peek()
	at := where(t.pos)
	switch t.kind {
	case tLiteral:
		return &literal{at, p.take().value}
	case tInterpolated:
		return p.interpolated(p.take())
	case tOperator:
		if t.text != "(" {
			p.unexpected(t, "a value")
		}
		return p.parenthesized()
	case tEnd:
		p.unexpected(t, "a value")
	}
	switch t.text {
	case "null":
		p.pos++
		return &literal{at, nil}
	case "new":
		return p.creation()
	case "typeof":
		p.pos++
		p.expect("(")
		r := p.typeName()
		p.expect(")")
		return &typeOfExpr{at, r}
	case "default":
		p.pos++
		if !p.accept("(") {
			return &defaultOf{where: at}
		}
		r := p.typeName()
		p.expect(")")
		return &defaultOf{at, r}
	case "checked", "unchecked":
		p.pos++
		p.expect("(")
		x := p.expression()
		p.expect(")")
		if t.text == "checked" {
			return &unary{at, "checked", x}
		}
		return x
	}
	return p.identifier()
}

func (p *parser) identifier() node {
	t := p.take()
	n := &identifier{where: where(t.pos), name: t.text}
	if slices.Contains(keywords, t.text) && !slices.Contains(typeKeywords, t.text) {
		p.unexpected(t, "a value")
	}
	if p.accept("::") {
		n.name = p.name()
	}
	n.args = p.typeArguments()
	return n
}

// parenthesized reads (x) or a tuple (x, y).
func (p *parser) parenthesized() node {
	t := p.peek()
	items := p.arguments(")")
	if len(items) == 0 {
		p.unexpected(t, "a value")
	}
	if len(items) == 1 && items[0].name == "" && !items[0].out {
		// Brackets end a conditional access: (a?.b).c is no part of it.
		return items[0].x
	}
	return &tuple{where(t.pos), items}
}

func (p *parser) interpolated(t *token) node {
	n := &interpolated{where: where(t.pos), parts: t.parts}
	for _, part := range t.parts {
		if part.hole == nil {
			continue
		}
		inner := &parser{tokens: part.hole, depth: p.depth}
		x := inner.expression()
		if rest := inner.peek(); rest.kind != tEnd {
			inner.unexpected(rest, "the end of the interpolation")
		}
		n.holes = append(n.holes, x)
	}
	return n
}

// isLambda looks ahead for "x =>" or "(…) =>".
func (p *parser) isLambda() bool {
	t := p.peek()
	if t.kind == tName {
		return p.second().is("=>")
	}
	if !t.is("(") {
		return false
	}
	level := 0
	for i := p.pos; i < len(p.tokens); i++ {
		switch t := &p.tokens[i]; {
		case t.is("("):
			level++
		case t.is(")"):
			if level--; level == 0 {
				return i+1 < len(p.tokens) && p.tokens[i+1].is("=>")
			}
		case t.kind != tName && t.kind != tOperator:
			return false
		}
	}
	return false
}

func (p *parser) lambda() node {
	l := &lambda{where: where(p.peek().pos)}
	if p.accept("(") {
		l.params = p.parameters()
	} else {
		t := p.peek()
		l.params = []parameter{{where: where(t.pos), name: p.name()}}
	}
	p.expect("=>")
	if p.is("{") {
		l.block = p.block()
	} else {
		l.expr = p.expression()
	}
	return l
}

// parameters reads the rest of a parameter list.
func (p *parser) parameters() []parameter {
	var list []parameter
	if p.accept(")") {
		return list
	}
	for {
		one := parameter{where: where(p.peek().pos)}
		typed := p.try(func() bool {
			r := p.typeName()
			one.name = p.name()
			one.t = &r
			return true
		})
		if !typed {
			one.name = p.name()
		}
		list = append(list, one)
		if !p.accept(",") {
			break
		}
	}
	p.expect(")")
	return list
}

// creation reads new ….
func (p *parser) creation() node {
	c := &creation{where: where(p.take().pos)}
	switch {
	case p.is("{"):
		c.kind = createAnonymous
		c.init = p.anonymous()
		return c
	case p.is("["):
		p.pos++
		p.expect("]")
		c.kind = createArray
		c.init = p.initializers()
		return c
	}
	c.t = p.typeName()
	if c.t.rank > 0 {
		c.kind = createArray
		c.t.rank--
		c.init = p.initializers()
		return c
	}
	if p.accept("[") {
		c.kind = createArray
		c.size = p.expression()
		p.expect("]")
		for p.is("[") && p.second().is("]") {
			p.pos += 2
			c.t.rank++
		}
		if p.is("{") {
			c.init = p.initializers()
		}
		return c
	}
	if p.is("(") {
		c.args = p.arguments(")")
	} else if !p.is("{") {
		p.unexpected(p.peek(), "%q", "(")
	}
	if p.is("{") {
		c.init = p.initializers()
	}
	return c
}

func (p *parser) anonymous() []initializer {
	p.expect("{")
	list := []initializer{}
	for !p.accept("}") {
		t := p.peek()
		one := initializer{where: where(t.pos)}
		if t.kind == tName && p.second().is("=") {
			one.name = p.name()
			p.pos++
		}
		x := p.expression()
		one.values = []node{x}
		if one.name == "" {
			one.name = lastName(x)
		}
		if one.name == "" {
			failAt(t.pos, "write Name = value", "the member of the anonymous type has no name")
		}
		list = append(list, one)
		if !p.accept(",") {
			p.expect("}")
			break
		}
	}
	return list
}

// lastName is the name that an expression ends with, "" if with none.
func lastName(n node) string {
	switch n := n.(type) {
	case *identifier:
		return n.name
	case *access:
		return n.name
	case *conditionalAccess:
		return lastName(n.rest)
	}
	return ""
}

func (p *parser) initializers() []initializer {
	defer p.deeper()()
	p.expect("{")
	list := []initializer{}
	for !p.accept("}") {
		list = append(list, p.initializer())
		if !p.accept(",") {
			p.expect("}")
			break
		}
	}
	return list
}

func (p *parser) initializer() initializer {
	t := p.peek()
	one := initializer{where: where(t.pos)}
	switch {
	case t.is("["):
		one.index = p.arguments("]")
		p.expect("=")
	case t.kind == tName && p.second().is("="):
		one.name = p.name()
		p.pos++
		if p.is("{") {
			one.nested = p.initializers()
			return one
		}
	case t.is("{"):
		p.pos++
		for !p.accept("}") {
			one.values = append(one.values, p.expression())
			if !p.accept(",") {
				p.expect("}")
				break
			}
		}
		return one
	}
	one.values = []node{p.expression()}
	return one
}

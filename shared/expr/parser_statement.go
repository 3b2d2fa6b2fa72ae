package expr

func (p *parser) statement() node {
	defer p.deeper()()
	t := p.peek()
	at := where(t.pos)
	if t.is("{") {
		return p.block()
	}
	if p.accept(";") {
		return &block{where: at}
	}
	if t.kind == tName {
		if (t.text == "checked" || t.text == "unchecked") && p.second().is("{") {
			p.pos++
			b := p.block()
			b.checked = t.text == "checked"
			return b
		}
		if f := statements[t.text]; f != nil {
			p.pos++
			return f(p, at)
		}
	}
	if d := p.declaration(); d != nil {
		return d
	}
	x := p.expression()
	p.expect(";")
	return &expression{at, x}
}

// statements are read after their first word.
var statements map[string]func(p *parser, at where) node

func init() {
	statements = map[string]func(p *parser, at where) node{
		"if":       (*parser).ifStatement,
		"for":      (*parser).forStatement,
		"foreach":  (*parser).foreachStatement,
		"while":    (*parser).whileStatement,
		"do":       (*parser).doStatement,
		"switch":   (*parser).switchStatement,
		"try":      (*parser).tryStatement,
		"using":    (*parser).usingStatement,
		"return":   (*parser).returnStatement,
		"throw":    (*parser).throwStatement,
		"break":    func(p *parser, at where) node { p.expect(";"); return &jump{at, "break"} },
		"continue": func(p *parser, at where) node { p.expect(";"); return &jump{at, "continue"} },
		"const": func(p *parser, at where) node {
			d := p.declaration()
			if d == nil {
				p.unexpected(p.peek(), "a declaration")
			}
			return d
		},
	}
}

func (p *parser) block() *block {
	b := &block{where: where(p.expect("{").pos)}
	for !p.accept("}") {
		if p.peek().kind == tEnd {
			p.unexpected(p.peek(), "%q", "}")
		}
		b.list = append(b.list, p.statement())
	}
	return b
}

// declaration reads variables or a local function; nil where none begins.
func (p *parser) declaration() node {
	at := where(p.peek().pos)
	var r typeRef
	var first string
	var nameAt int
	if !p.try(func() bool {
		p.acceptWord("static")
		r = p.typeName()
		nameAt = p.peek().pos
		first = p.name()
		return p.is("=") || p.is(";") || p.is(",") || p.is("(")
	}) {
		return nil
	}
	if p.accept("(") {
		l := &lambda{where: at, params: p.parameters()}
		if p.accept("=>") {
			l.expr = p.expression()
			p.expect(";")
		} else {
			l.block = p.block()
		}
		return &localFunction{at, r, first, l}
	}
	d := &declaration{where: at, t: r}
	for {
		v := declarator{where: where(nameAt), name: first}
		if p.accept("=") {
			v.value = p.declared(r)
		}
		d.names = append(d.names, v)
		if !p.accept(",") {
			break
		}
		nameAt = p.peek().pos
		first = p.name()
	}
	p.expect(";")
	return d
}

// declared reads the value of a variable; arrays may be given as { a, b }.
func (p *parser) declared(r typeRef) node {
	if !p.is("{") || r.rank == 0 {
		return p.expression()
	}
	c := &creation{where: where(p.peek().pos), kind: createArray, t: r}
	c.t.rank--
	c.init = p.initializers()
	return c
}

func (p *parser) condition() node {
	p.expect("(")
	x := p.expression()
	p.expect(")")
	return x
}

func (p *parser) ifStatement(at where) node {
	s := &ifStatement{where: at, cond: p.condition()}
	s.yes = p.statement()
	if p.acceptWord("else") {
		s.not = p.statement()
	}
	return s
}

func (p *parser) forStatement(at where) node {
	l := &loop{where: at}
	p.expect("(")
	if !p.accept(";") {
		if d := p.declaration(); d != nil {
			l.init = []node{d}
		} else {
			l.init = p.list(";")
		}
	}
	if !p.accept(";") {
		l.cond = p.expression()
		p.expect(";")
	}
	if !p.accept(")") {
		l.next = p.list(")")
	}
	l.body = p.statement()
	return l
}

// list reads expressions up to closing as statements.
func (p *parser) list(closing string) []node {
	var list []node
	for {
		at := where(p.peek().pos)
		list = append(list, &expression{at, p.expression()})
		if !p.accept(",") {
			break
		}
	}
	p.expect(closing)
	return list
}

func (p *parser) foreachStatement(at where) node {
	f := &foreach{where: at}
	p.expect("(")
	f.t = p.typeName()
	f.name = p.name()
	if !p.acceptWord("in") {
		p.unexpected(p.peek(), "%q", "in")
	}
	f.seq = p.expression()
	p.expect(")")
	f.body = p.statement()
	return f
}

func (p *parser) whileStatement(at where) node {
	l := &loop{where: at, cond: p.condition()}
	l.body = p.statement()
	return l
}

func (p *parser) doStatement(at where) node {
	l := &loop{where: at, late: true, body: p.statement()}
	if !p.acceptWord("while") {
		p.unexpected(p.peek(), "%q", "while")
	}
	l.cond = p.condition()
	p.expect(";")
	return l
}

func (p *parser) returnStatement(at where) node {
	r := &returnStatement{where: at}
	if !p.accept(";") {
		r.x = p.expression()
		p.expect(";")
	}
	return r
}

func (p *parser) throwStatement(at where) node {
	t := &thrown{where: at}
	if !p.accept(";") {
		t.x = p.expression()
		p.expect(";")
	}
	return t
}

func (p *parser) switchStatement(at where) node {
	s := &switchStatement{where: at, x: p.condition()}
	p.expect("{")
	for !p.accept("}") {
		c := switchCase{where: where(p.peek().pos)}
		for p.word("case") || p.word("default") {
			c.labels = append(c.labels, p.label())
		}
		if len(c.labels) == 0 {
			p.unexpected(p.peek(), "%q", "case")
		}
		for !p.word("case") && !p.word("default") && !p.is("}") {
			c.body = append(c.body, p.statement())
		}
		s.cases = append(s.cases, c)
	}
	return s
}

func (p *parser) label() label {
	t := p.take()
	var l label
	if t.text == "case" {
		l.test = p.pattern(where(t.pos), nil)
		if p.acceptWord("when") {
			l.guard = p.expression()
		}
	}
	p.expect(":")
	return l
}

func (p *parser) tryStatement(at where) node {
	t := &try{where: at, body: p.block()}
	for p.word("catch") {
		c := catch{where: where(p.take().pos)}
		if p.accept("(") {
			r := p.typeName()
			c.t = &r
			if !p.is(")") {
				c.name = p.name()
			}
			p.expect(")")
		}
		if p.acceptWord("when") {
			c.when = p.condition()
		}
		c.body = p.block()
		t.catches = append(t.catches, c)
	}
	if p.acceptWord("finally") {
		t.finally = p.block()
	}
	if t.finally == nil && len(t.catches) == 0 {
		p.unexpected(p.peek(), "catch or finally")
	}
	return t
}

func (p *parser) usingStatement(at where) node {
	u := &using{where: at}
	if !p.is("(") { // using var x = …;
		u.resource = p.declaration()
		if u.resource == nil {
			p.unexpected(p.peek(), "a declaration")
		}
		return u
	}
	p.expect("(")
	if !p.try(func() bool {
		r := p.typeName()
		at := p.peek().pos
		d := &declaration{where: r.where, t: r, names: []declarator{{where: where(at), name: p.name()}}}
		p.expect("=")
		d.names[0].value = p.expression()
		u.resource = d
		return p.is(")")
	}) {
		u.resource = &expression{at, p.expression()}
	}
	p.expect(")")
	u.body = p.statement()
	return u
}

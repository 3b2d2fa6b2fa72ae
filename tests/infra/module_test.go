package infra_test

// module is what one Bicep file declares.
type module struct {
	targetScope  string // empty: resourceGroup
	declarations []*declaration
}

// declaration is a param, var, output, resource or module.
type declaration struct {
	keyword    string
	name       string
	decorators []*expression // calls
	typeName   string        // of a param or output
	value      *expression   // of a var, output, resource or module; of a param: its default, or nil
	of         *expression   // of a resource: its type and version; of a module: its path
	existing   bool          // of a resource
	at         position
}

// declaration reads one statement into m.
func (p *parser) declaration(m *module) {
	var decorators []*expression
	for p.is("@") {
		p.advance()
		call := p.postfix(p.primary())
		if call.form != callForm {
			p.failHere("a decorator is no call")
		}
		decorators = append(decorators, call)
	}
	if !p.token.fresh && p.token.at != (position{1, 1}) {
		p.failHere("got %q, want a new line", p.token.text)
	}
	keyword := p.identifier()
	d := &declaration{keyword: keyword.text, decorators: decorators, at: keyword.at}
	switch d.keyword {
	case "targetScope":
		p.expect("=")
		m.targetScope = p.primary().text
		return
	case "param":
		d.name, d.typeName = p.identifier().text, p.identifier().text
		if !p.token.fresh && p.accept("=") {
			d.value = p.expression()
		}
	case "output":
		d.name, d.typeName = p.identifier().text, p.identifier().text
		p.expect("=")
		d.value = p.expression()
	case "var":
		d.name = p.identifier().text
		p.expect("=")
		d.value = p.expression()
	case "resource", "module":
		d.name, d.of = p.identifier().text, p.primary()
		d.existing = d.keyword == "resource" && p.accept("existing")
		p.expect("=")
		d.value = p.body()
	default:
		panic(syntaxError{keyword.at, "there is no statement " + keyword.text + " here"})
	}
	m.declarations = append(m.declarations, d)
}

// named finds a declaration.
func (m *module) named(name string) *declaration {
	for _, d := range m.declarations {
		if d.name == name && d.keyword != "output" {
			return d
		}
	}
	return nil
}

// all are the declarations of a keyword.
func (m *module) all(keyword string) []*declaration {
	var list []*declaration
	for _, d := range m.declarations {
		if d.keyword == keyword {
			list = append(list, d)
		}
	}
	return list
}

// object is the object that a resource or module is, without its loop and condition.
func (d *declaration) object() *expression {
	e := d.value
	for e.form == loopForm || e.form == ifForm {
		e = e.args[1]
	}
	return e
}

// looped says whether the declaration is a list.
func (d *declaration) looped() bool { return d.value != nil && d.value.form == loopForm }

// decorator finds one by its name.
func (d *declaration) decorator(name string) *expression {
	for _, call := range d.decorators {
		if call.text == name {
			return call
		}
	}
	return nil
}

// property finds one of an object; nil if it has none of the name.
func (e *expression) property(name string) *expression {
	if e == nil {
		return nil
	}
	for _, p := range e.properties {
		if p.name == name && p.key == nil {
			return p.value
		}
	}
	return nil
}

// walk visits an expression and all in it, outermost first, until visit says no.
func (e *expression) walk(visit func(*expression) bool) {
	if e == nil || !visit(e) {
		return
	}
	for _, a := range e.args {
		a.walk(visit)
	}
	for _, p := range e.properties {
		p.key.walk(visit)
		p.value.walk(visit)
	}
}

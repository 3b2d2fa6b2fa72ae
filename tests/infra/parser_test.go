package infra_test

import (
	"errors"
	"fmt"
	"slices"
)

// An expression of Bicep. What its fields hold depends on its form.
type expression struct {
	form form
	text string // the name, the operator, the text of a string or number
	args []*expression
	// properties are those of an object.
	properties []property
	at         position
}

type property struct {
	name  string // empty where it is computed
	key   *expression
	value *expression
	at    position
}

type form int

const (
	textForm    form = iota // args: the interpolations
	numberForm              // text: the digits
	wordForm                // true, false, null
	nameForm                // text: a symbol
	memberForm              // args[0].text
	indexForm               // args[0][args[1]]
	callForm                // text: the function; args: the arguments
	methodForm              // args[0].text(args[1:])
	objectForm              // properties
	arrayForm               // args: the items
	loopForm                // [for text, … in args[0]: args[1]]; loop variables in args[2:]
	lambdaForm              // args[1:] => args[0]
	ifForm                  // if (args[0]) args[1]
	unaryForm               // text args[0]
	binaryForm              // args[0] text args[1]
	ternaryForm             // args[0] ? args[1] : args[2]
)

// parser reads expressions and declarations, one token ahead.
type parser struct {
	*lexer
	token token
	depth int // of parentheses, within which lines do not end an expression
}

func (p *parser) advance() token {
	t := p.token
	p.token = p.next()
	return t
}

func (p *parser) failHere(format string, args ...any) {
	panic(syntaxError{p.token.at, fmt.Sprintf(format, args...)})
}

// is says whether the next token is this sign or keyword.
func (p *parser) is(s string) bool {
	return (p.token.kind == sign || p.token.kind == word) && p.token.text == s
}

func (p *parser) accept(s string) bool {
	if !p.is(s) {
		return false
	}
	p.advance()
	return true
}

func (p *parser) expect(s string) token {
	if !p.is(s) {
		p.failHere("got %q, want %q", p.token.text, s)
	}
	return p.advance()
}

func (p *parser) identifier() token {
	if p.token.kind != word {
		p.failHere("got %q, want a name", p.token.text)
	}
	return p.advance()
}

// expression reads a whole expression: a lambda, or a ternary.
func (p *parser) expression() *expression {
	at := p.token.at
	e := p.binary(0)
	// A ternary may go on in the next line.
	if p.is("?") {
		p.advance()
		yes := p.expression()
		p.expect(":")
		no := p.expression()
		return &expression{form: ternaryForm, args: []*expression{e, yes, no}, at: at}
	}
	if p.is("=>") {
		if e.form != nameForm {
			p.failHere("the parameter of a lambda is no name")
		}
		p.advance()
		return &expression{form: lambdaForm, args: []*expression{p.expression(), e}, at: at}
	}
	return e
}

// precedence lists the binary operators, loosest first.
var precedence = [][]string{{"??"}, {"||"}, {"&&"}, {"==", "!=", "=~", "!~"}, {"<", ">", "<=", ">="}, {"+", "-"}, {"*", "/", "%"}}

func (p *parser) binary(level int) *expression {
	if level == len(precedence) {
		return p.unary()
	}
	left := p.binary(level + 1)
	for p.token.kind == sign && slices.Contains(precedence[level], p.token.text) && (p.depth > 0 || !p.token.fresh) {
		op := p.advance()
		left = &expression{form: binaryForm, text: op.text, args: []*expression{left, p.binary(level + 1)}, at: left.at}
	}
	return left
}

func (p *parser) unary() *expression {
	if p.is("!") || p.is("-") {
		op := p.advance()
		return &expression{form: unaryForm, text: op.text, args: []*expression{p.unary()}, at: op.at}
	}
	return p.postfix(p.primary())
}

// postfix reads what follows a primary expression.
func (p *parser) postfix(e *expression) *expression {
	for !p.token.fresh || p.depth > 0 {
		switch {
		case p.is(".") || p.is(".?"):
			p.advance()
			name := p.identifier()
			if p.is("(") {
				e = &expression{form: methodForm, text: name.text, args: append([]*expression{e}, p.arguments()...), at: name.at}
				continue
			}
			e = &expression{form: memberForm, text: name.text, args: []*expression{e}, at: name.at}
		case p.is("["):
			p.advance()
			p.depth++
			index := p.expression()
			p.depth--
			p.expect("]")
			e = &expression{form: indexForm, args: []*expression{e, index}, at: e.at}
		default:
			return e
		}
	}
	return e
}

func (p *parser) arguments() []*expression {
	p.expect("(")
	p.depth++
	var args []*expression
	for !p.is(")") {
		args = append(args, p.expression())
		if !p.accept(",") {
			break
		}
	}
	p.depth--
	p.expect(")")
	return args
}

func (p *parser) primary() *expression {
	t := p.token
	switch {
	case t.kind == text:
		p.advance()
		return &expression{form: textForm, text: t.text, args: t.parts, at: t.at}
	case t.kind == number:
		p.advance()
		return &expression{form: numberForm, text: t.text, at: t.at}
	case p.is("{"):
		return p.object()
	case p.is("["):
		return p.array()
	case p.is("("):
		p.advance()
		p.depth++
		e := p.expression()
		p.depth--
		p.expect(")")
		return e
	case p.is("true"), p.is("false"), p.is("null"):
		p.advance()
		return &expression{form: wordForm, text: t.text, at: t.at}
	case t.kind == word:
		p.advance()
		if p.is("(") && !p.token.fresh {
			return &expression{form: callForm, text: t.text, args: p.arguments(), at: t.at}
		}
		return &expression{form: nameForm, text: t.text, at: t.at}
	}
	p.failHere("got %q, want an expression", t.text)
	return nil
}

// items reads what stands between brackets, separated by commas or lines.
func (p *parser) items(closing string, item func()) {
	depth := p.depth
	p.depth = 0
	for !p.is(closing) {
		item()
		if !p.accept(",") && !p.is(closing) && !p.token.fresh {
			p.failHere("got %q, want a comma, a new line or %q", p.token.text, closing)
		}
	}
	p.depth = depth
	p.expect(closing)
}

func (p *parser) object() *expression {
	e := &expression{form: objectForm, at: p.expect("{").at}
	p.items("}", func() {
		at := p.token.at
		var one property
		switch {
		case p.token.kind == text:
			key := p.primary()
			if len(key.args) > 0 {
				one = property{key: key}
			} else {
				one = property{name: key.text}
			}
		default:
			one = property{name: p.identifier().text}
		}
		p.expect(":")
		one.value, one.at = p.expression(), at
		e.properties = append(e.properties, one)
	})
	return e
}

// array reads a list, or a loop.
func (p *parser) array() *expression {
	e := &expression{form: arrayForm, at: p.expect("[").at}
	if p.is("for") {
		return p.loop(e.at)
	}
	p.items("]", func() { e.args = append(e.args, p.expression()) })
	return e
}

// loop reads [for … in …: …] after its bracket.
func (p *parser) loop(at position) *expression {
	p.expect("for")
	var names []*expression
	name := func() {
		t := p.identifier()
		names = append(names, &expression{form: nameForm, text: t.text, at: t.at})
	}
	if p.accept("(") {
		name()
		p.expect(",")
		name()
		p.expect(")")
	} else {
		name()
	}
	p.expect("in")
	depth := p.depth
	p.depth = 0
	list := p.expression()
	p.expect(":")
	body := p.body()
	p.depth = depth
	p.expect("]")
	return &expression{form: loopForm, args: append([]*expression{list, body}, names...), at: at}
}

// body reads what a resource or module is: an object, a condition, a loop.
func (p *parser) body() *expression {
	if !p.is("if") {
		return p.expression()
	}
	at := p.advance().at
	p.expect("(")
	p.depth++
	condition := p.expression()
	p.depth--
	p.expect(")")
	return &expression{form: ifForm, args: []*expression{condition, p.object()}, at: at}
}

// parse reads a Bicep file.
func parse(source string) (m *module, err error) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(error)
			var syntax syntaxError
			if !ok || !errors.As(e, &syntax) {
				panic(r)
			}
			m, err = nil, syntax
		}
	}()
	p := &parser{lexer: &lexer{rest: source, at: position{1, 1}}}
	p.advance()
	m = &module{}
	for p.token.kind != end {
		p.declaration(m)
	}
	return m, nil
}

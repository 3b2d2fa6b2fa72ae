package expr

import "slices"

// parser is a Pratt parser over tokens. It stops at the first error.
type parser struct {
	tokens []token
	pos    int
	depth  int
}

// parse reads source as kind says.
func parse(source string, kind Kind) (n node, err *syntaxError) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case *syntaxError:
			n, err = nil, e
		default:
			panic(e)
		}
	}()
	l := lexer{src: source}
	p := &parser{tokens: l.tokens("")}
	if kind == Single {
		n = p.expression()
	} else {
		b := &block{where: 0}
		for p.peek().kind != tEnd {
			b.list = append(b.list, p.statement())
		}
		n = b
	}
	if t := p.peek(); t.kind != tEnd {
		p.unexpected(t, "an operator or the end")
	}
	return n, nil
}

func (p *parser) peek() *token { return &p.tokens[p.pos] }

// second is the token after the next one.
func (p *parser) second() *token {
	return &p.tokens[min(p.pos+1, len(p.tokens)-1)]
}

func (p *parser) take() *token {
	t := &p.tokens[p.pos]
	if t.kind != tEnd {
		p.pos++
	}
	return t
}

func (t *token) is(op string) bool   { return t.kind == tOperator && t.text == op }
func (t *token) word(s string) bool  { return t.kind == tName && t.text == s }
func (p *parser) is(op string) bool  { return p.peek().is(op) }
func (p *parser) word(s string) bool { return p.peek().word(s) }

func (p *parser) accept(op string) bool {
	if !p.is(op) {
		return false
	}
	p.pos++
	return true
}

func (p *parser) acceptWord(s string) bool {
	if !p.word(s) {
		return false
	}
	p.pos++
	return true
}

func (p *parser) expect(op string) *token {
	t := p.peek()
	if !t.is(op) {
		p.unexpected(t, "%q", op)
	}
	return p.take()
}

func (p *parser) unexpected(t *token, want string, args ...any) {
	fix := "check the brackets, quotes and operators before it"
	switch {
	case t.kind == tEnd:
		failAt(t.pos, fix, "the expression ends where "+want+" should follow", args...)
	case t.kind == tLiteral || t.kind == tInterpolated:
		failAt(t.pos, fix, "a constant stands where "+want+" should", args...)
	}
	failAt(t.pos, fix, "%q stands where "+want+" should", append([]any{t.text}, args...)...)
}

// deeper guards recursion; call its result when done.
func (p *parser) deeper() func() {
	if p.depth++; p.depth > maxNesting {
		failAt(p.peek().pos, "compute parts in variables first", "the expression nests deeper than %d", maxNesting)
	}
	return func() { p.depth-- }
}

var keywords = []string{
	"as", "base", "bool", "break", "byte", "case", "catch", "char", "checked", "class", "const", "continue", "decimal", "default", "do", "double",
	"else", "false", "finally", "float", "for", "foreach", "goto", "if", "in", "int", "is", "lock", "long", "new", "null", "object", "out", "params",
	"ref", "return", "sbyte", "short", "static", "string", "switch", "this", "throw", "true", "try", "typeof", "uint", "ulong", "unchecked", "ushort",
	"using", "void", "while",
}

// name takes an identifier that is not a keyword.
func (p *parser) name() string {
	t := p.peek()
	if t.kind != tName || slices.Contains(keywords, t.text) {
		p.unexpected(t, "a name")
	}
	return p.take().text
}

// try runs f and takes its tokens back where it stops or says false.
func (p *parser) try(f func() bool) (ok bool) {
	start, depth := p.pos, p.depth
	defer func() {
		switch e := recover().(type) {
		case nil:
		case *syntaxError:
			ok = false
		default:
			panic(e)
		}
		if !ok {
			p.pos, p.depth = start, depth
		}
	}()
	return f()
}

var typeKeywords = []string{"bool", "byte", "char", "decimal", "double", "float", "int", "long", "object", "sbyte", "short", "string", "uint", "ulong", "ushort", "void"}

// typeName reads a type.
func (p *parser) typeName() typeRef {
	defer p.deeper()()
	t := p.peek()
	r := typeRef{where: where(t.pos)}
	if t.kind != tName || slices.Contains(keywords, t.text) && !slices.Contains(typeKeywords, t.text) {
		p.unexpected(t, "a type")
	}
	r.name = p.take().text
	if p.accept("::") { // global::System
		r.name = p.name()
	}
	for p.is(".") && p.second().kind == tName {
		p.pos++
		r.name += "." + p.name()
	}
	if p.accept("<") {
		for {
			r.args = append(r.args, p.typeName())
			if !p.accept(",") {
				break
			}
		}
		p.expect(">")
	}
	if p.is("?") {
		p.pos++
		r.nullable = true
	}
	for p.is("[") && p.second().is("]") || p.is("?[") && p.second().is("]") {
		p.pos += 2
		r.rank++
	}
	return r
}

// binding strengths, loosest first.
var strengths = map[string]int{
	"??": 2, "||": 3, "&&": 4, "|": 5, "^": 6, "&": 7, "==": 8, "!=": 8, "<": 9, ">": 9, "<=": 9, ">=": 9,
	"<<": 10, ">>": 10, "+": 11, "-": 11, "*": 12, "/": 12, "%": 12,
}

var assignments = []string{"=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", "??="}

func (p *parser) expression() node {
	defer p.deeper()()
	if p.isLambda() {
		return p.lambda()
	}
	if p.word("throw") {
		t := p.take()
		return &thrown{where(t.pos), p.expression()}
	}
	left := p.ternary()
	t := p.peek()
	if t.kind == tOperator && slices.Contains(assignments, t.text) {
		p.pos++
		return &assignment{where(t.pos), t.text[:len(t.text)-1], left, p.expression()}
	}
	return left
}

func (p *parser) ternary() node {
	cond := p.binary(2)
	t := p.peek()
	// "?[" is also a condition whose first branch begins with a bracket, which
	// C# 7 has no expression for.
	if !p.accept("?") {
		return cond
	}
	yes := p.expression()
	p.expect(":")
	return &ternary{where(t.pos), cond, yes, p.expression()}
}

// binary reads operators that bind at least as tightly as least.
func (p *parser) binary(least int) node {
	defer p.deeper()()
	left := p.unary()
	for {
		t := p.peek()
		if t.kind == tName && least <= 9 && (t.text == "is" || t.text == "as") {
			left = p.typeOperator(left)
			continue
		}
		op := t.text
		if t.is(">") && p.second().is(">") && p.second().pos == t.end {
			op = ">>"
		}
		strength := strengths[op]
		if t.kind != tOperator || strength < least || strength == 0 {
			return left
		}
		p.pos++
		if op == ">>" {
			p.pos++
		}
		next := strength + 1
		if op == "??" { // from right to left
			next = strength
			if p.word("throw") {
				return &operation{where(t.pos), op, left, p.expression()}
			}
		}
		left = &operation{where(t.pos), op, left, p.binary(next)}
	}
}

// typeOperator reads "is …" or "as …" after left.
func (p *parser) typeOperator(left node) node {
	t := p.take()
	if t.text == "as" {
		return &asType{where(t.pos), left, p.testedType()}
	}
	return p.pattern(where(t.pos), left)
}

// testedType reads a type after "is" or "as", where "T ? a : b" is a condition
// and no nullable type.
func (p *parser) testedType() typeRef {
	r := p.typeName()
	if !r.nullable || r.rank > 0 {
		return r
	}
	start := p.pos
	condition := p.try(func() bool {
		p.expression()
		return p.is(":")
	})
	p.pos = start
	if condition {
		p.pos--
		r.nullable = false
	}
	return r
}

// pattern reads what follows "is" or "case".
func (p *parser) pattern(at where, x node) *typeTest {
	test := &typeTest{where: at, x: x}
	test.not = p.acceptWord("not")
	if p.acceptWord("null") {
		test.constant = &literal{at, nil}
		return test
	}
	isType := p.try(func() bool {
		test.t = p.testedType()
		if t := p.peek(); t.kind == tName && !slices.Contains(keywords, t.text) && t.text != "when" {
			test.name = p.take().text
			return true
		}
		return !p.is(".") && !p.is("(")
	})
	if !isType || test.name == "" && p.constantName(test.t) {
		if isType {
			test.constant = dotted(test.t)
		} else {
			test.constant = p.binary(9)
		}
		return test
	}
	if test.t.name == "var" && test.name != "" {
		test.t.name = "object"
	}
	return test
}

// constantName says whether what reads like a type is a constant, such as
// JTokenType.Null or int.MaxValue.
func (p *parser) constantName(r typeRef) bool {
	return len(r.args) == 0 && r.rank == 0 && !r.nullable && lookupType(r.name, 0) == nil
}

// dotted turns a.b.c into member accesses.
func dotted(r typeRef) node {
	var n node
	start := 0
	for i := 0; i <= len(r.name); i++ {
		if i < len(r.name) && r.name[i] != '.' {
			continue
		}
		if part := r.name[start:i]; n == nil {
			n = &identifier{where: r.where, name: part}
		} else {
			n = &access{where: r.where, x: n, name: part}
		}
		start = i + 1
	}
	return n
}

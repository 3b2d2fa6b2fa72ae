// Package expr compiles the C# of API Management policy expressions to Go
// closures and evaluates them with the semantics of .NET: the types and members
// that policies may use, the context object model, and a budget that no
// evaluation exceeds.
//
// An expression is scanned (lexer.go), parsed (parser*.go) and bound (bind*.go):
// binding finds types, checks them where they are known, and yields a closure.
// What is known of .NET stands in tables, one file for each family of types
// (members_*.go): a row is a member's C# signature, its implementation and an
// example that is its test.
package expr

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Kind is the form of an expression.
type Kind int

const (
	// Single is the text within @(…): one expression.
	Single Kind = iota
	// Statements is the text within @{…}: statements that return a value.
	Statements
)

// Position is a place in the policy document, both counted from 1. Columns count
// characters.
type Position struct{ Line, Column int }

func (p Position) String() string { return fmt.Sprintf("%d:%d", p.Line, p.Column) }

// Error says what is wrong in an expression, where, and how to mend it.
type Error struct {
	Position
	Message string
	Fix     string // "": there is no advice
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%v: %s", e.Position, e.Message)
	if e.Fix != "" {
		s += ": " + e.Fix
	}
	return s
}

// Exception is a .NET exception that an evaluation ended with.
type Exception struct { //nolint:errname // exception is .NET's term
	Type    string // with namespace
	Message string
}

func (e *Exception) Error() string { return e.Type + ": " + e.Message }

func (e *thrownException) export() *Exception { return &Exception{e.t.fullName(), e.message} }

// maxSource is the length of an expression that Compile accepts, that of the
// largest policy document.
const maxSource = 256 << 10

// Compile compiles an expression. Source has no brackets around it and its XML
// entities are decoded; at is where it begins in the document. On errors the
// program is nil.
func Compile(source string, kind Kind, at Position) (*Program, []*Error) {
	if len(source) > maxSource {
		return nil, []*Error{{at, fmt.Sprintf("the expression has %d bytes, more than %d", len(source), maxSource), "move parts of it to other policies"}}
	}
	tree, failed := parse(source, kind)
	if failed != nil {
		return nil, []*Error{{locate(source, at, failed.pos), failed.message, failed.fix}}
	}
	b := &binder{program: &Program{}}
	run := b.bindSafely(tree, kind)
	if len(b.errors) > 0 {
		list := make([]*Error, len(b.errors))
		for i, e := range b.errors {
			list[i] = &Error{locate(source, at, e.pos), e.message, e.fix}
		}
		slices.SortStableFunc(list, func(a, b *Error) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
		})
		return nil, list
	}
	p := b.program
	p.run, p.locals = run, b.slots
	return p, nil
}

// locate is the position in the document of a byte in source.
func locate(source string, at Position, pos int) Position {
	before := source[:min(pos, len(source))]
	line := strings.Count(before, "\n")
	if line == 0 {
		return Position{at.Line, at.Column + len([]rune(before))}
	}
	return Position{at.Line + line, 1 + len([]rune(before[strings.LastIndexByte(before, '\n')+1:]))}
}

// Program is a compiled expression. It does not change and serves any number of
// evaluations at a time.
type Program struct {
	run    eval
	locals int
	result *Type
	reads  reads
}

// reads are the parts of the context that an expression looks at.
type reads struct {
	request, response         bool // at all
	requestBody, responseBody bool
	anyVariable               bool
	variables                 []string
	whole                     bool // the context itself is handed on
}

// Type is the static type of the result as C# writes it; "dynamic" where it is
// known at evaluation only.
func (p *Program) Type() string { return p.result.String() }

// NeedsRequestBody says whether the expression may read the request's body.
func (p *Program) NeedsRequestBody() bool {
	return p.reads.requestBody && p.reads.request || p.reads.whole
}

// NeedsResponseBody says whether the expression may read the body of
// context.Response.
func (p *Program) NeedsResponseBody() bool {
	return p.reads.responseBody && p.reads.response || p.reads.whole
}

// ReadsVariables lists the variables that the expression names, and says whether
// it may read others too.
func (p *Program) ReadsVariables() (names []string, others bool) {
	return slices.Clone(p.reads.variables), p.reads.anyVariable || p.reads.whole
}

// Eval evaluates the program. The error is an *Exception or a *BudgetError. A nil
// budget is the default one.
func (p *Program) Eval(x *Context, b *Budget) (v any, err error) {
	f := frames.Get().(*frame)
	f.begin(x, b, p.locals)
	defer func() {
		if r := recover(); r != nil {
			v, err = nil, f.failure(r, b)
		}
		f.end()
	}()
	return p.run(f), nil
}

func (f *frame) begin(x *Context, b *Budget, locals int) {
	f.x = x
	f.steps, f.memory, f.depth = defaultSteps, defaultMemory, defaultDepth
	if b != nil {
		f.steps, f.memory, f.depth = cmp.Or(b.Steps, f.steps), cmp.Or(b.Memory, f.memory), cmp.Or(b.Depth, f.depth)
	}
	if cap(f.locals) < locals {
		f.locals = make([]any, locals)
	}
	f.locals = f.locals[:locals]
}

func (f *frame) end() {
	clear(f.locals)
	clear(f.stack[:cap(f.stack)])
	f.stack = f.stack[:0]
	f.x, f.result = nil, nil
	if cap(f.stack) <= 256 {
		frames.Put(f)
	}
}

// failure turns what stopped an evaluation into an error.
func (f *frame) failure(r any, b *Budget) error {
	switch r := r.(type) {
	case *thrownException:
		return r.export()
	case exhausted:
		limits := Budget{defaultSteps, defaultMemory, defaultDepth}
		if b != nil {
			limits = Budget{cmp.Or(b.Steps, limits.Steps), cmp.Or(b.Memory, limits.Memory), cmp.Or(b.Depth, limits.Depth)}
		}
		return &BudgetError{string(r), map[exhausted]int{"steps": limits.Steps, "memory": limits.Memory, "depth": limits.Depth}[r]}
	}
	return &Exception{"System.InvalidOperationException", fmt.Sprintf("The expression could not be evaluated: %v", r)}
}

// String evaluates to text as policies use it: ToString() with the invariant
// culture, "" for null.
func (p *Program) String(x *Context, b *Budget) (string, error) {
	v, err := p.Eval(x, b)
	if err != nil {
		return "", err
	}
	if s, ok := v.(string); ok {
		return s, nil
	}
	return Text(v)
}

// Text is a value as text, as policies use it.
func Text(v any) (s string, err error) {
	defer func() {
		if e, ok := recover().(*thrownException); ok {
			s, err = "", e.export()
		}
	}()
	return toText(v), nil
}

// Bool evaluates to a condition: a bool, or text that is "true" or "false".
func (p *Program) Bool(x *Context, b *Budget) (bool, error) {
	v, err := p.Eval(x, b)
	if err != nil {
		return false, err
	}
	if c, ok := v.(bool); ok {
		return c, nil
	}
	c, err := p.change(v, "bool")
	if err != nil {
		return false, err
	}
	return c.(bool), nil
}

// Int evaluates to a whole number, from a number or its text.
func (p *Program) Int(x *Context, b *Budget) (int, error) {
	v, err := p.Eval(x, b)
	if err != nil {
		return 0, err
	}
	if n, ok := v.(int32); ok {
		return int(n), nil
	}
	c, err := p.change(v, "int")
	if err != nil {
		return 0, err
	}
	return int(c.(int32)), nil
}

func (p *Program) change(v any, to string) (c any, err error) {
	defer func() {
		if e, ok := recover().(*thrownException); ok {
			c, err = nil, e.export()
		}
	}()
	if v == nil {
		return nil, &Exception{"System.InvalidCastException", "Null object cannot be converted to a value type."}
	}
	return changeType(v, types(to)), nil
}

// IsException says whether err is a .NET exception of the type with that simple
// or full name.
func IsException(err error, name string) bool {
	var e *Exception
	return errors.As(err, &e) && (e.Type == name || strings.HasSuffix(e.Type, "."+name))
}

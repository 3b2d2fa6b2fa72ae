package expr

import (
	"fmt"
	"iter"
	"sync"
)

// eval computes a value. .NET exceptions travel as panics with *thrownException
// and end in catch clauses or in Program.Eval: closures stay small that way, and
// what does not throw pays nothing.
type eval func(f *frame) any

// frame is the state of one evaluation.
type frame struct {
	x      *Context
	locals []any
	stack  []any // arguments of the calls under way
	result any   // of return
	steps  int   // left
	memory int   // left, in bytes
	depth  int   // left
}

var frames = sync.Pool{New: func() any { return &frame{stack: make([]any, 0, 16)} }}

// Budget bounds one evaluation. Zero fields have the defaults.
type Budget struct {
	Steps  int // operations, iterations and regular expression work; 0: 1 000 000
	Memory int // bytes of strings and collections; 0: 64 MiB
	Depth  int // calls of functions within each other; 0: 200
}

// BudgetError says that an evaluation was stopped.
type BudgetError struct {
	Resource string // "steps", "memory" or "depth"
	Limit    int
}

func (e *BudgetError) Error() string {
	return fmt.Sprintf("the expression was stopped: it used more than its budget of %d %s", e.Limit, map[string]string{
		"steps": "steps; make its loops shorter", "memory": "bytes; build less text and smaller collections", "depth": "calls within each other; end the recursion earlier",
	}[e.Resource])
}

const (
	defaultSteps  = 1_000_000
	defaultMemory = 64 << 20
	defaultDepth  = 200
)

// exhausted is what a panic carries where a budget ends; nothing catches it but
// Program.Eval.
type exhausted string

func (f *frame) step(n int) {
	if f.steps -= n; f.steps < 0 {
		panic(exhausted("steps"))
	}
}

// charge counts bytes of a new value.
func (f *frame) charge(n int) {
	if f.memory -= n; f.memory < 0 || n < 0 {
		panic(exhausted("memory"))
	}
}

// text charges for a string and returns it.
func (f *frame) text(s string) any {
	f.charge(len(s))
	return s
}

// thrownException is a .NET exception under way.
type thrownException struct { //nolint:errname // exception is .NET's term
	t       *Type
	message string
	inner   *thrownException
}

func (e *thrownException) Error() string { return e.message }

// throw raises an exception of the named type.
func throw(name, format string, args ...any) {
	panic(&thrownException{t: types(name), message: fmt.Sprintf(format, args...)})
}

func throwNull() {
	throw("NullReferenceException", "Object reference not set to an instance of an object.")
}

func throwArgumentNull(name string) {
	throw("ArgumentNullException", "Value cannot be null. (Parameter '%s')", name)
}

func throwRange(name string) {
	throw("ArgumentOutOfRangeException", "Specified argument was out of the range of valid values. (Parameter '%s')", name)
}

func throwIndex() {
	throw("ArgumentOutOfRangeException", "Index was out of range. Must be non-negative and less than the size of the collection. (Parameter 'index')")
}

func throwKey(key any) {
	throw("KeyNotFoundException", "The given key '%s' was not present in the dictionary.", toText(key))
}

func throwFormat(s string) {
	throw("FormatException", "The input string '%s' was not in a correct format.", s)
}

func throwCast(v any, to *Type) {
	throw("InvalidCastException", "Unable to cast object of type '%s' to type '%s'.", typeOf(v).fullName(), to.fullName())
}

// caught runs body and returns the exception that left it, if any. Faults of the
// Go runtime become exceptions too, so that no input can end the host.
func caught(f *frame, body func()) (e *thrownException) {
	stack, depth := len(f.stack), f.depth
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *thrownException:
			f.stack, f.depth = f.stack[:stack], depth
			e = r
		default:
			panic(r)
		}
	}()
	body()
	return nil
}

// function is a lambda, a local function or a member used as one.
type function struct {
	t    *Type // its delegate type
	call func(f *frame, args []any) any
}

// invoke calls a function value.
func (f *frame) invoke(fn any, args ...any) any {
	g, ok := fn.(*function)
	if !ok {
		throwNull()
	}
	f.step(1)
	if f.depth--; f.depth < 0 {
		panic(exhausted("depth"))
	}
	v := g.call(f, args)
	f.depth++
	return v
}

// holds is invoke for predicates.
func (f *frame) holds(fn any, args ...any) bool {
	b, _ := f.invoke(fn, args...).(bool)
	return b
}

// each iterates over an enumerable, counting steps.
func (f *frame) each(v any) iter.Seq[any] {
	return func(yield func(any) bool) {
		for item := range f.items(v) {
			f.step(1)
			if !yield(item) {
				return
			}
		}
	}
}

// collect gathers an enumerable. Later changes to it do not show.
func (f *frame) collect(v any) []any {
	if l, ok := v.(*List); ok {
		f.step(len(l.items))
		f.charge(16 * len(l.items))
		return append([]any(nil), l.items...)
	}
	var items []any
	for item := range f.each(v) {
		f.charge(16)
		items = append(items, item)
	}
	return items
}

// ref receives the value of an out argument.
type ref struct{ v any }

func setOut(a any, v any) { a.(*ref).v = v }

// Package liquid knows the Liquid templates of the policy set-body: those of
// DotLiquid in C# naming, as API Management runs them.
//
// A template reads nothing but its bindings, and every rendering is bounded in
// work and in size. The grammar of blocks and expressions is the library's;
// tags, filters and values are DotLiquid's and therefore our own.
package liquid

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"strings"
	"time"

	"github.com/osteele/liquid/parser"
	"github.com/osteele/liquid/render"
)

// Bindings are the variables of a rendering: nil, booleans, strings, numbers,
// time.Time, slices, maps with string keys, and what BodyFromJSON and
// BodyFromXML return. A rendering does not change them.
type Bindings map[string]any

// Options bound a rendering. A zero limit is the default.
type Options struct {
	// MaxOutput is the largest result, and the largest text that a variable
	// holds, in bytes; the default is 10 MiB, and 32 MiB are the most.
	MaxOutput int
	// MaxSteps is the number of tags and turns of loops, with a step more for
	// every 256 bytes or 64 items that are read or written at once; the default
	// is 2,000,000.
	MaxSteps int
	// Now is what the Date filter makes of "now" and "today"; where it is zero
	// they stay words.
	Now time.Time
}

const (
	defaultMaxOutput = 10 << 20
	maxText          = 32 << 20
	defaultMaxSteps  = 2_000_000
	maxSource        = 1 << 20
	maxNesting       = 80 // blocks in blocks, as DotLiquid
)

// Error says what in a template cannot be used, when it is compiled or when it
// is rendered.
type Error struct {
	// Line and Column count from 1 in the template, columns in characters;
	// they are that of the tag or output. They are 0 where the template as a
	// whole is meant.
	Line, Column int
	Message      string
	Fix          string
}

// Error is line, column, message and fix on one line.
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Message + ": " + e.Fix
	}
	return fmt.Sprintf("line %d, column %d: %s: %s", e.Line, e.Column, e.Message, e.Fix)
}

// at places the error unless it has a place.
func (e *Error) at(p *piece) *Error {
	if e.Line == 0 {
		e.Line, e.Column = p.line, p.column
	}
	return e
}

func failure(fix, format string, args ...any) *Error {
	return &Error{Message: fmt.Sprintf(format, args...), Fix: fix}
}

// Template is a compiled template. It does not change and can be rendered by
// many calls at once.
type Template struct {
	root   render.Node
	config render.Config
}

// Compile reads a template. Unknown tags and filters are errors here, although
// DotLiquid passes a value through a filter that it does not know.
func Compile(source string) (t *Template, failed *Error) {
	if len(source) > maxSource {
		return nil, failure("write a smaller template", "the template is larger than %d bytes", maxSource)
	}
	pieces, err := scan(source)
	if err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil { // the library panics on what it does not expect
			t, failed = nil, failure("write it in simpler parts", "the template cannot be read: %v", r)
		}
	}()
	c := &compiler{pieces: pieces, config: render.NewConfig()}
	c.define()
	root, broken := c.config.Compile(canonical(pieces), parser.SourceLoc{Pathname: "template"})
	if c.failed != nil {
		return nil, c.failed
	}
	if broken != nil {
		return nil, unbalanced(pieces, broken)
	}
	return &Template{root, c.config}, nil
}

// stateName is the variable that holds the state of a rendering. No template
// can name it.
const stateName = " state"

// Render renders the template. An error is an *Error; nothing is returned with
// it.
func (t *Template) Render(bindings Bindings, o Options) (result string, failed error) {
	st := &state{maxOutput: min(cmp.Or(o.MaxOutput, defaultMaxOutput), maxText), steps: cmp.Or(o.MaxSteps, defaultMaxSteps), now: o.Now, out: &strings.Builder{}}
	vars := map[string]any{"empty": variable{symbolEmpty, st}, "blank": variable{symbolEmpty, st}, stateName: st}
	for name, value := range maps.All(bindings) {
		vars[name] = variable{value, st}
	}
	defer func() {
		if r := recover(); r != nil { // the library panics on what it does not expect
			result, failed = "", failure("write it in simpler parts", "the template cannot be rendered: %v", r)
		}
	}()
	err := render.Render(t.root, io.Discard, vars, t.config)
	switch {
	case st.failed != nil:
		return "", st.failed
	case err != nil && st.interrupt == nil: // break and continue outside of loops end the rendering
		return "", failure("write it in simpler parts", "the template cannot be rendered: %v", err)
	}
	return st.out.String(), nil
}

// state is the state of one rendering.
type state struct {
	maxOutput int
	steps     int // that are left
	now       time.Time
	out       *strings.Builder
	captured  int // bytes in the results that captures interrupt
	failed    *Error
	interrupt *interruption
	cycles    map[string]int
	counters  map[string]int64
	progress  map[string]int // of loops, for offset:continue
	changed   map[*piece]string
	patterns  patterns
}

// interruption is what break and continue return.
type interruption struct{ again bool }

func (*interruption) Error() string { return "outside of a loop" }

// fail keeps the first error; the library is told to stop.
func (s *state) fail(e *Error, p *piece) error {
	if s.failed == nil {
		s.failed = e.at(p)
	}
	return s.failed
}

func (s *state) spend(n int) *Error {
	if s.steps -= n; s.steps < 0 {
		return failure("loop over less", "the template takes more work than a rendering may")
	}
	return nil
}

// write appends to the result, or to what is captured.
func (s *state) write(text string) *Error {
	if s.captured+s.out.Len()+len(text) > s.maxOutput {
		return s.tooLarge()
	}
	s.out.WriteString(text)
	return nil
}

func (s *state) tooLarge() *Error {
	return failure("write less", "the template writes more than %d bytes", s.maxOutput)
}

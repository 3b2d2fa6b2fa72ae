package expr

import (
	"errors"
	"testing"
)

func seeds(f *testing.F) {
	for _, e := range expressions {
		f.Add(e.source)
	}
	for m := range Members() {
		if m.Example != "" {
			f.Add(m.Example)
		}
	}
	f.Add(`((((((((((((((((((((`)
	f.Add(`$"{$"{$"{1}"}"}"`)
	f.Add(`context.Request.Headers.GetValueOrDefault("x", "")`)
}

// FuzzCompile finds inputs that make the compiler panic, or errors without a
// place.
func FuzzCompile(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, source string) {
		Extent("@(" + source + ")")
		for _, kind := range []Kind{Single, Statements} {
			p, errs := Compile(source, kind, Position{1, 1})
			if (p == nil) != (len(errs) > 0) {
				t.Fatalf("got a program %v with the errors %v", p, errs)
			}
			for _, e := range errs {
				if e.Line < 1 || e.Column < 1 || e.Message == "" {
					t.Errorf("got the error %#v, want one with a place", e)
				}
			}
		}
	})
}

// FuzzEval finds expressions that panic, or that their budget does not stop.
func FuzzEval(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, source string) {
		kind := Single
		if len(source) > 1 && source[0] == '{' {
			source, kind = source[1:len(source)-1], Statements
		}
		p, errs := Compile(source, kind, Position{1, 1})
		if len(errs) > 0 {
			return
		}
		_, err := p.String(requestContext(), &Budget{Steps: 20_000, Memory: 1 << 20, Depth: 50})
		var thrown *Exception
		var stopped *BudgetError
		if err != nil && !errors.As(err, &thrown) && !errors.As(err, &stopped) {
			t.Errorf("got the error %v of type %T, want an Exception or a BudgetError", err, err)
		}
	})
}

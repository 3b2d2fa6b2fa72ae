package policy

import "testing"

func TestCSharp(t *testing.T) {
	for _, c := range []struct {
		source string
		kind   Kind
		offset int // of the fault; -1 for none
	}{
		{`context.Request.Method == "GET"`, Expression, -1},
		{`return 1 + 1;`, Statements, -1},
		{`context.Reqest.Method`, Expression, 8},
		{"var a = 1;\nreturn a.Foo;", Statements, 20},
		{"\"ü\" + nothing", Expression, 7},
		{`{{limit}} * 2`, Expression, -1},
		{`"{{base-url}}/v1"`, Expression, -1},
		{`{{limit}} * nothing`, Expression, 12},
	} {
		faults := CSharp{}.CheckExpression(Text{Source: c.source, Kind: c.kind}, String)
		switch {
		case c.offset < 0 && len(faults) > 0:
			t.Errorf("%s: got %v, want none", c.source, faults)
		case c.offset >= 0 && (len(faults) == 0 || faults[0].Offset != c.offset):
			t.Errorf("%s: got %v, want a fault at %d", c.source, faults, c.offset)
		}
	}
}

package expr

import "testing"

// TestExpressions compares with what .NET documents. Rows whose source begins
// with a brace are statements.
func TestExpressions(t *testing.T) {
	for _, tt := range expressions {
		t.Run(tt.source, func(t *testing.T) {
			source, kind := tt.source, Single
			if source[0] == '{' {
				source, kind = source[1:len(source)-1], Statements
			}
			p, errs := Compile(source, kind, Position{1, 1})
			if len(errs) > 0 {
				t.Fatalf("compiling: %v", errs)
			}
			got, err := p.String(testContext(), nil)
			if err != nil {
				got = "! " + err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if len(expressions) < 300 {
		t.Errorf("got %d expressions, want at least 300", len(expressions))
	}
}

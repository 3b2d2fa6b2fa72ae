package policy

import (
	"strings"
	"unicode/utf8"

	"toolgate/shared/expr"
)

// CSharp checks expressions by compiling them with package expr. What an
// expression returns is converted when it is evaluated, as API Management does.
type CSharp struct{}

var _ ExpressionCompiler = CSharp{}

// CheckExpression returns what keeps an expression from compiling.
func (CSharp) CheckExpression(t Text, _ ValueType) []ExpressionFault {
	kind := expr.Single
	if t.Kind == Statements {
		kind = expr.Statements
	}
	_, errs := expr.Compile(withStandIns(t.Source), kind, expr.Position{Line: 1, Column: 1})
	faults := make([]ExpressionFault, 0, len(errs))
	for _, e := range errs {
		faults = append(faults, ExpressionFault{Offset: offsetOf(t.Source, e.Position), Message: e.Message, Fix: e.Fix})
	}
	return faults
}

// withStandIns is source with C# of the same length for each named value, of which
// an assessment has none to put in: a number, which can stand in a string as well as
// outside.
func withStandIns(source string) string {
	out := []byte(source)
	for at := range references(source) {
		copy(out[at.from:at.to], "0"+strings.Repeat(" ", at.to-at.from-1))
	}
	return string(out)
}

// offsetOf is the byte at a position in source, whose beginning is 1:1.
func offsetOf(source string, at expr.Position) int {
	offset := 0
	for range at.Line - 1 {
		end := strings.IndexByte(source[offset:], '\n')
		if end < 0 {
			return len(source)
		}
		offset += end + 1
	}
	for range at.Column - 1 {
		_, size := utf8.DecodeRuneInString(source[offset:])
		offset += size
	}
	return offset
}

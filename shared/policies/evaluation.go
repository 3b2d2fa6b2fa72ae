package policies

import "toolgate/shared/policy"

// evaluation evaluates the values of a policy one after another, up to the
// first error. Without an exchange it is that of Prepare, which only reads
// literals: expressions are noted, and are their zero value.
type evaluation struct {
	x      *policy.Exchange
	err    error
	varies bool // some value is an expression
}

// evaluate is the value, or the zero value after an error.
func evaluate[T any](e *evaluation, v *policy.Value[T]) T {
	literal, constant := v.Literal()
	if constant || !v.IsSet() {
		return literal
	}
	e.varies = true
	if e.x == nil || e.err != nil {
		return literal
	}
	value, err := v.Get(e.x)
	e.err = err
	return value
}

// evaluateTexts leaves out those that are empty: what an expression does not
// find must not match what a token does not have. The list is nil only when the
// document has no values.
func evaluateTexts(e *evaluation, values []policy.Value[string]) []string {
	if values == nil {
		return nil
	}
	list := make([]string, 0, len(values))
	for i := range values {
		if text := evaluate(e, &values[i]); text != "" {
			list = append(list, text)
		}
	}
	return list
}

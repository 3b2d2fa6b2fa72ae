package policy

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"toolgate/shared/expr"
)

// Value is what an attribute or a text says: a literal, or an expression that
// is evaluated for each call. The types are string, bool, int, float64,
// time.Duration (of seconds) and any, which keeps what an expression returns.
// The zero Value is one that was not written.
type Value[T any] struct {
	literal T
	program *expr.Program // nil for a literal
	eval    evaluator[T]
	domain  *Domain
	source  string // the policy, for errors
	set     bool
}

// evaluator evaluates a program to a T of a domain.
type evaluator[T any] func(*expr.Program, *Exchange, *Domain) (T, error)

// IsSet tells whether the value was written or has a default.
func (v *Value[T]) IsSet() bool { return v.set }

// Literal returns the value when it is no expression.
func (v *Value[T]) Literal() (T, bool) { return v.literal, v.set && v.program == nil }

// Reads says which bodies an expression reads.
func (v *Value[T]) Reads() Reads {
	if v.program == nil {
		return Reads{}
	}
	return Reads{Request: v.program.NeedsRequestBody(), Response: v.program.NeedsResponseBody()}
}

// Get evaluates the value; one that was not written is T's zero value. The error
// is an *Error.
func (v *Value[T]) Get(x *Exchange) (T, error) {
	if v.program == nil {
		return v.literal, nil
	}
	value, err := v.eval(v.program, x, v.domain)
	if err != nil {
		return value, v.failure(x, err)
	}
	return value, nil
}

// failure is that of an evaluation: of the body, where it is the request's that
// could not be read.
func (v *Value[T]) failure(x *Exchange, err error) *Error {
	if b := (Message{Request: x.Request}).Body(); b != nil && b.fault != nil && v.program.NeedsRequestBody() {
		return BodyError(v.source, b.fault)
	}
	return expressionError(v.source, err)
}

// expressionError is the failure of an evaluation.
func expressionError(source string, err error) *Error {
	e := NewError(source, ReasonExpressionValueEvaluationFailure, exceptionMessage(err))
	e.Cause = err
	return e
}

func exceptionMessage(err error) string {
	if e, ok := errors.AsType[*expr.Exception](err); ok {
		return e.Message
	}
	return err.Error()
}

// evaluators has an evaluator[T] for each T.
var evaluators = []any{
	evaluator[string](func(p *expr.Program, x *Exchange, d *Domain) (string, error) {
		text, err := p.String(&x.Context, nil)
		if err == nil && d.Type == Enum {
			return d.word(text)
		}
		return text, err
	}),
	evaluator[bool](func(p *expr.Program, x *Exchange, _ *Domain) (bool, error) { return p.Bool(&x.Context, nil) }),
	evaluator[int](func(p *expr.Program, x *Exchange, d *Domain) (int, error) {
		n, err := p.Int(&x.Context, nil)
		return n, cmp.Or(err, d.bounds(n))
	}),
	evaluator[time.Duration](func(p *expr.Program, x *Exchange, d *Domain) (time.Duration, error) {
		seconds, err := number(p, x)
		if err != nil {
			return 0, err
		}
		return durationOf(seconds, d)
	}),
	evaluator[float64](func(p *expr.Program, x *Exchange, _ *Domain) (float64, error) { return number(p, x) }),
	evaluator[any](func(p *expr.Program, x *Exchange, _ *Domain) (any, error) { return p.Eval(&x.Context, nil) }),
}

// evaluatorOf is the evaluator for T.
func evaluatorOf[T any]() evaluator[T] {
	for _, e := range evaluators {
		if typed, ok := e.(evaluator[T]); ok {
			return typed
		}
	}
	return nil
}

// number evaluates to a number, from any number or its text.
func number(p *expr.Program, x *Exchange) (float64, error) {
	text, err := p.String(&x.Context, nil)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || math.IsInf(n, 0) || math.IsNaN(n) {
		return 0, &expr.Exception{Type: "System.FormatException", Message: "Input string was not in a correct format."}
	}
	return n, nil
}

func durationOf(seconds float64, d *Domain) (time.Duration, error) {
	const longest = 100 * 365 * 24 * 3600
	if seconds < -longest || seconds > longest {
		return 0, fmt.Errorf("%v seconds are too long", seconds)
	}
	return time.Duration(seconds * float64(time.Second)), d.bounds(int(seconds))
}

// word is the word of an Enum as the vocabulary writes it.
func (d *Domain) word(text string) (string, error) {
	text = strings.TrimSpace(text)
	i := slices.IndexFunc(d.Enum, func(w string) bool { return strings.EqualFold(w, text) })
	if i < 0 {
		return "", fmt.Errorf("%q is none of %s", text, strings.Join(d.Enum, ", "))
	}
	return d.Enum[i], nil
}

// bounds checks a number against Min and Max.
func (d *Domain) bounds(n int) error {
	if n < d.Min || d.Max > 0 && n > d.Max {
		if d.Max > 0 {
			return fmt.Errorf("%d is not within %d and %d", n, d.Min, d.Max)
		}
		return fmt.Errorf("%d is less than %d", n, d.Min)
	}
	return nil
}

// parseLiteral reads a literal of a domain as a T.
func parseLiteral[T any](text string, d *Domain) (T, error) {
	var value T
	var err error
	switch to := any(&value).(type) {
	case *string:
		*to = text
		if d.Type == Enum {
			*to, err = d.word(text)
		}
	case *any:
		*to = text
	case *bool:
		*to, err = strconv.ParseBool(strings.ToLower(strings.TrimSpace(text)))
	case *int:
		if *to, err = strconv.Atoi(strings.TrimSpace(text)); err == nil {
			err = d.bounds(*to)
		}
	case *float64:
		*to, err = strconv.ParseFloat(strings.TrimSpace(text), 64)
	case *time.Duration:
		var seconds float64
		if seconds, err = strconv.ParseFloat(strings.TrimSpace(text), 64); err == nil {
			*to, err = durationOf(seconds, d)
		}
	}
	return value, err
}

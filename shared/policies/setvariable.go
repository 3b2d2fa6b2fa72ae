package policies

import (
	"context"
	"errors"
	"net/http"

	"toolgate/shared/expr"
	"toolgate/shared/policy"
)

func init() { registered["set-variable"] = func() policy.Statement { return &setVariable{} } }

// setVariable sets a variable of the context. A literal is text; an expression
// keeps its type, which must be one that a variable holds.
type setVariable struct {
	Name  string            `attr:"name,required"`
	Value policy.Value[any] `attr:"value,required"`
}

func (p *setVariable) Apply(_ context.Context, x *policy.Exchange) error {
	value, err := p.Value.Get(x)
	if err != nil {
		return err
	}
	if !storable(value) {
		return &policy.Error{
			Source: "set-variable", Reason: policy.ReasonExpressionValueEvaluationFailure, Status: http.StatusInternalServerError,
			Message: "Expression evaluation failed. A variable cannot hold a value of the type " + expr.TypeName(value) + ".",
			Cause:   errors.New("convert the value, such as by ToString()"),
		}
	}
	x.SetVariable(p.Name, value)
	return nil
}

// storable tells whether a variable holds values of a type: the basic types
// that API Management documents, their arrays of bytes, and JSON. Tokens and
// responses, which public documents put into variables, are as safe to keep.
func storable(value any) bool {
	switch value.(type) {
	case nil, bool, string, expr.Char, int8, uint8, int16, uint16, int32, uint32, int64, uint64, float32, float64, expr.Decimal,
		[]byte, expr.Guid, expr.DateTime, expr.TimeSpan, expr.JToken, *expr.Response:
		return true
	}
	return expr.TypeName(value) == "Jwt" || expr.TypeName(value) == "sbyte[]"
}

package policies

import (
	"context"
	"net/http"

	"toolgate/shared/expr"
	"toolgate/shared/policy"
)

func init() { registered["return-response"] = func() policy.Statement { return &returnResponse{} } }

// returnResponse ends the pipeline with a response of its own: empty with the
// status 200, or the one of a variable, as the policies inside change it.
type returnResponse struct {
	Variable string       `attr:"response-variable-name"`
	Policies policy.Block `policies:"set-status,set-header,set-body"`
}

func (p *returnResponse) Apply(ctx context.Context, x *policy.Exchange) error {
	response := &expr.Response{StatusCode: http.StatusOK, StatusReason: "OK", Headers: http.Header{}, Body: policy.NewBody(nil)}
	if p.Variable != "" {
		value, _ := x.Variable(p.Variable)
		if from, ok := value.(*expr.Response); ok && from != nil {
			copied := *from
			copied.Headers = from.Headers.Clone()
			response = &copied
		}
	}
	outer := x.Target
	x.Target = policy.Message{Response: response}
	err := p.Policies.Run(ctx, x)
	x.Target = outer
	if err != nil {
		return err
	}
	x.Respond(response)
	return policy.Returned
}

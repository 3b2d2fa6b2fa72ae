package policies

import (
	"context"
	"net/http"
	"strings"

	"toolgate/shared/policy"
)

func init() { registered["set-method"] = func() policy.Statement { return &setMethod{} } }

// setMethod sets the method of the request.
type setMethod struct {
	Method policy.Value[string] `text:""`
}

func (p *setMethod) Apply(_ context.Context, x *policy.Exchange) error {
	method, err := p.Method.Get(x)
	if err != nil {
		return err
	}
	request := x.Target.Request
	if request == nil {
		request = x.Request
	}
	request.Method = strings.ToUpper(strings.TrimSpace(method))
	if request.Method == http.MethodGet || request.Method == http.MethodHead {
		request.Body = nil // neither has a body
	}
	return nil
}

package policies

import (
	"cmp"
	"context"
	"net/http"

	"toolgate/shared/policy"
)

func init() { registered["set-status"] = func() policy.Statement { return &setStatus{} } }

// setStatus sets the status of the response. Without a reason it has the usual
// one.
type setStatus struct {
	Code   policy.Value[int]    `attr:"code,required"`
	Reason policy.Value[string] `attr:"reason"`
}

func (p *setStatus) Apply(_ context.Context, x *policy.Exchange) error {
	code, err := p.Code.Get(x)
	if err != nil {
		return err
	}
	reason, err := p.Reason.Get(x)
	if err != nil {
		return err
	}
	r := x.Target.Response
	if r == nil { // in inbound: of the response that an ending pipeline will send
		r = x.NewResponse(code)
	}
	r.StatusCode, r.StatusReason = code, cmp.Or(reason, http.StatusText(code))
	return nil
}

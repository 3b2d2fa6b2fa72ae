package policies

import (
	"context"
	"time"

	"toolgate/shared/policy"
)

func init() { registered["forward-request"] = func() policy.Statement { return &forwardRequest{} } }

// forwardRequest sends the request to the backend. The time-out is until the
// response's header has come; the body passes as a stream.
type forwardRequest struct {
	HTTPVersion       string                      `attr:"http-version"`
	Timeout           policy.Value[time.Duration] `attr:"timeout"`
	TimeoutMS         policy.Value[int]           `attr:"timeout-ms"`
	ContinueTimeout   policy.Value[time.Duration] `attr:"continue-timeout"`
	FollowRedirects   policy.Value[bool]          `attr:"follow-redirects"`
	BufferRequestBody bool                        `attr:"buffer-request-body"`
	BufferResponse    bool                        `attr:"buffer-response"`
	FailOnErrorStatus bool                        `attr:"fail-on-error-status-code"`

	ownTimeout bool // the document sets one
}

func (p *forwardRequest) Prepare(c *policy.Compilation) {
	_, seconds := c.Element.Attribute("timeout")
	_, milliseconds := c.Element.Attribute("timeout-ms")
	p.ownTimeout = seconds || milliseconds
	if p.BufferRequestBody {
		c.HoldRequest()
	}
}

// backendErrorStatus is the reason when the status of a response is a failure.
const backendErrorStatus = "BackendErrorStatusCode"

func (p *forwardRequest) Apply(ctx context.Context, x *policy.Exchange) error {
	o := policy.ForwardOptions{HTTPVersion: p.HTTPVersion}
	var err error
	if o.FollowRedirects, err = p.FollowRedirects.Get(x); err != nil {
		return err
	}
	if o.Timeout, err = p.timeout(x); err != nil {
		return err
	}
	if x.Forward == nil {
		return nil
	}
	if err := x.Forward(ctx, o); err != nil {
		return err
	}
	if p.FailOnErrorStatus && x.Response.StatusCode >= 400 {
		return &policy.Error{
			Source: "forward-request", Reason: backendErrorStatus, Status: x.Response.StatusCode, Public: true,
			Message: "The backend answered with an error.",
		}
	}
	return nil
}

// timeout is 0 unless the document sets one: the backend of the configuration
// has its own.
func (p *forwardRequest) timeout(x *policy.Exchange) (time.Duration, error) {
	if !p.ownTimeout {
		return 0, nil
	}
	if p.TimeoutMS.IsSet() {
		ms, err := p.TimeoutMS.Get(x)
		return time.Duration(ms) * time.Millisecond, err
	}
	return p.Timeout.Get(x)
}

package policies

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"toolgate/shared/expr"
	"toolgate/shared/policy"
)

// outgoing is a request of a policy's own: what send-request and
// send-one-way-request have in common. While the policies inside run, the
// request is the target of the exchange; the proxy and the certificate that
// they set are the request's.
type outgoing struct {
	Mode     policy.Value[string]        `attr:"mode"`
	Timeout  policy.Value[time.Duration] `attr:"timeout"`
	URL      policy.Value[string]        `element:"set-url"`
	Policies policy.Block                `policies:"set-method,set-header,set-query-parameter,set-body,authentication-basic,authentication-certificate,authentication-managed-identity,proxy"`

	source  string // the policy, for errors
	sender  policy.Sender
	literal *url.URL // of a literal URL; nil otherwise
}

// prepare is Prepare of the policies that embed it.
func (o *outgoing) prepare(c *policy.Compilation) {
	o.source, o.sender = c.Element.Name, c.Services.Sender
	if o.sender == nil {
		c.Fault(c.Element.At, "remove the policy", "%s cannot send: there is no connection to the outside", o.source)
	}
	mode, literal := o.Mode.Literal()
	if literal && mode == "new" && !o.URL.IsSet() {
		c.Fault(c.Element.At, "write <set-url> in it", "%s needs a URL", o.source)
	}
	if text, ok := o.URL.Literal(); ok && o.URL.IsSet() {
		u, err := httpURL(text)
		if err != nil {
			c.Fault(nthChild(c.Element, "set-url", 0), "write an absolute URL in <set-url>", "the URL of %s is %v", o.source, err)
		}
		o.literal = u
	}
	if !(literal && mode == "new") {
		c.ReadsRequest()
	}
}

// request makes the request.
func (o *outgoing) request(ctx context.Context, x *policy.Exchange) (*policy.Outgoing, error) {
	timeout, err := o.Timeout.Get(x)
	if err != nil {
		return nil, err
	}
	r, err := o.begin(x)
	if err != nil {
		return nil, err
	}
	out, err := made(ctx, x, r, &o.Policies)
	if err != nil {
		return nil, err
	}
	out.Timeout = timeout
	return out, nil
}

// begin is the request before the policies inside change it.
func (o *outgoing) begin(x *policy.Exchange) (*expr.Request, error) {
	mode, err := o.Mode.Get(x)
	if err != nil {
		return nil, err
	}
	r := &expr.Request{Method: http.MethodGet, Headers: http.Header{}}
	if mode == "copy" {
		if err := o.copy(x, r); err != nil {
			return nil, err
		}
	}
	if !o.URL.IsSet() {
		if r.URL == nil {
			return nil, notSendable(o.source, errors.New("there is no URL"))
		}
		return r, nil
	}
	if o.literal != nil {
		r.URL = o.literal
		return r, nil
	}
	text, err := o.URL.Get(x)
	if err != nil {
		return nil, err
	}
	if r.URL, err = httpURL(text); err != nil {
		return nil, notSendable(o.source, err)
	}
	return r, nil
}

// copy takes over the request of the call.
func (o *outgoing) copy(x *policy.Exchange, r *expr.Request) error {
	r.Method, r.URL, r.Headers = x.Request.Method, x.Request.URL, x.Request.Headers.Clone()
	if r.Headers == nil {
		r.Headers = http.Header{}
	}
	for _, name := range hopByHop {
		delete(r.Headers, name)
	}
	content, err := (policy.Message{Request: x.Request}).Body().Bytes(true)
	if err != nil {
		return policy.BodyError(o.source, err)
	}
	if len(content) > 0 {
		r.Body = policy.NewBody(content)
	}
	return nil
}

// hopByHop are the headers of one connection (RFC 9110, section 7.6.1), and
// those that follow from the URL and the body.
var hopByHop = slices.Concat(ownHeaders, []string{"Host", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Upgrade"})

// made runs policies with a request as their target, and returns what to send.
func made(ctx context.Context, x *policy.Exchange, r *expr.Request, policies *policy.Block) (*policy.Outgoing, error) {
	target, proxy, certificate := x.Target, x.Proxy, x.Certificate
	x.Target, x.Proxy, x.Certificate = policy.Message{Request: r}, nil, nil
	err := policies.Run(ctx, x)
	out := &policy.Outgoing{Method: r.Method, URL: r.URL, Header: r.Headers, Proxy: x.Proxy, Certificate: x.Certificate}
	x.Target, x.Proxy, x.Certificate = target, proxy, certificate
	if err != nil {
		return nil, err
	}
	out.Body, _ = (policy.Message{Request: r}).Body().Held()
	return out, nil
}

// send sends a request. The error is an *Error.
func send(ctx context.Context, sender policy.Sender, source string, r *policy.Outgoing) (*expr.Response, error) {
	response, err := sender.Send(ctx, r)
	if err == nil {
		return response, nil
	}
	if ctx.Err() != nil {
		failed := policy.Interrupted(ctx, source)
		failed.Cause = err
		return nil, failed
	}
	reason := policy.ReasonBackendConnectionFailure
	if failed, ok := errors.AsType[*policy.SendError](err); ok && failed.Timeout {
		reason = policy.ReasonTimeout
	}
	failed := policy.NewError(source, reason)
	failed.Cause = err
	return nil, failed
}

// notSendable is the failure of a request that could not be made.
func notSendable(source string, err error) error {
	failed := policy.NewError(source, policy.ReasonBackendConnectionFailure)
	failed.Cause = err
	return failed
}

// unsent tells whether an error says that a request had no response.
func unsent(err error) bool {
	e, ok := errors.AsType[*policy.Error](err)
	return ok && (e.Reason == policy.ReasonBackendConnectionFailure || e.Reason == policy.ReasonTimeout)
}

package policies

import (
	"context"
	"net/http"
	"strings"

	"toolgate/shared/policy"
)

func init() { registered["set-method"] = func() policy.Statement { return &setMethod{} } }

// setMethod sets the method of the request. GET and HEAD drop the body.
type setMethod struct {
	Method policy.Value[string] `text:""`
}

func (p *setMethod) Prepare(c *policy.Compilation) {
	if text, ok := p.Method.Literal(); ok && !isToken(text) {
		c.Fault(c.Element.Text.At, "write a method such as POST", "%q is no method", text)
	}
}

func (p *setMethod) Apply(_ context.Context, x *policy.Exchange) error {
	method, err := p.Method.Get(x)
	if err != nil {
		return err
	}
	method = strings.ToUpper(strings.TrimSpace(method))
	if !isToken(method) {
		return &policy.Error{
			Source: "set-method", Reason: "MethodInvalid", Status: http.StatusInternalServerError,
			Message: "The value is no method.",
		}
	}
	request := x.Target.Request
	if request == nil {
		request = x.Request
	}
	request.Method = method
	if method == http.MethodGet || method == http.MethodHead {
		_ = (policy.Message{Request: request}).Body().Close()
		request.Body = nil
	}
	return nil
}

// isToken tells whether a text is what methods and names of headers are made of
// (RFC 9110, section 5.6.2).
func isToken(text string) bool {
	for i := range len(text) {
		if c := text[i]; !isAlphanumeric(c) && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return text != ""
}

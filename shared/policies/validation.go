package policies

import (
	"net/http"
	"strings"

	"toolgate/shared/expr"
	"toolgate/shared/policy"

	"github.com/go-json-experiment/json/jsontext"
)

// What the policies that validate messages have in common: actions, errors, and
// how both become an outcome.

// The actions on what does not conform.
const (
	ignore  = "ignore"
	prevent = "prevent"
)

// internalFault is what clients read of errors that they did not make.
const internalFault = "The request could not be processed due to an internal error. Contact the API owner."

// validationError is one thing that does not conform, in the form of API
// Management's errors.
type validationError struct {
	name    string // of what does not conform
	kind    string // such as RequestBody
	rule    string // such as IncorrectMessage
	details string // not for clients
	// public is the message for the client; empty is internalFault, or details
	// when the client made the error.
	public string
}

// validation collects the errors of one run of a policy.
type validation struct {
	x        *policy.Exchange
	policy   string // its name
	variable string // for the errors; empty: none
	response bool   // it is a response that is validated

	errors  []byte // the objects, between commas
	blocked *validationError
	cause   []string // details of all that blocks
}

// add notes an error. One that prevents ends the validation, after the rest of
// the same set.
func (v *validation) add(action string, e validationError) {
	if action == ignore {
		return
	}
	if len(v.errors) > 0 {
		v.errors = append(v.errors, ',')
	}
	v.errors = e.append(v.errors, action)
	if action != prevent {
		return
	}
	if v.blocked == nil {
		v.blocked = &e
	}
	v.cause = append(v.cause, e.details)
}

// append writes the object that expressions see.
func (e *validationError) append(out []byte, action string) []byte {
	for i, member := range [...]struct{ name, value string }{
		{"Name", e.name}, {"Type", e.kind}, {"ValidationRule", e.rule}, {"Details", e.details}, {"Action", action},
	} {
		out = append(out, "{,"[min(i, 1)], '"')
		out = append(append(out, member.name...), '"', ':')
		out, _ = jsontext.AppendQuote(out, member.value) // the error is about invalid UTF-8, which is replaced
	}
	return append(out, '}')
}

// end keeps the errors in the variable, behind those of validations before, and
// returns the one that blocks the message.
func (v *validation) end() error {
	if len(v.errors) == 0 {
		return nil
	}
	if v.variable != "" {
		v.x.SetVariable(v.variable, v.list())
	}
	if v.blocked == nil {
		return nil
	}
	e := &policy.Error{
		Source: v.policy, Reason: "Bad request", Status: http.StatusBadRequest, Message: v.blocked.public,
		Public: true,
	}
	switch {
	case v.response:
		e.Reason, e.Status, e.Message = "Response not allowed", http.StatusBadGateway, internalFault
	case e.Message == "":
		e.Message = v.blocked.details
	}
	if cause := detailsError(strings.Join(v.cause, "; ")); string(cause) != e.Message {
		e.Cause = cause
	}
	return e
}

// list is the errors as a JArray of objects.
func (v *validation) list() any {
	text := append([]byte{'['}, v.errors...)
	if before, ok := v.x.Variable(v.variable); ok {
		if _, isList := before.(*expr.JArray); isList {
			if earlier, err := expr.Text(before); err == nil {
				earlier = strings.TrimSuffix(strings.TrimSpace(earlier), "]")
				text = append(append([]byte(earlier), ','), v.errors...)
			}
		}
	}
	list, err := expr.ParseJSON(string(text) + "]")
	if err != nil {
		return nil // cannot be: it was written here
	}
	return list
}

// detailsError is what is wrong, for the log.
type detailsError string

func (e detailsError) Error() string { return string(e) }

// validatesResponse tells whether the messages in the section of a policy are
// responses.
func validatesResponse(c *policy.Compilation) bool {
	return c.Element.Section == policy.Outbound || c.Element.Section == policy.OnError
}

// described is the operation as its document describes it, nil when there is
// none.
func described(s *policy.Services, x *policy.Exchange) *policy.OperationDescription {
	if s.Operations == nil || x.Api == nil || x.Operation == nil {
		return nil
	}
	return s.Operations.Described(x.Api.ID, x.Operation.ID)
}

// describedResponse is what the document says of responses with the status;
// nil when it says nothing.
func describedResponse(d *policy.OperationDescription, status int) *policy.ResponseDescription {
	for _, code := range [...]int{status, 0} {
		if r, ok := d.Responses[code]; ok {
			return &r
		}
	}
	return nil
}

// needsOperations notes the fault of a gateway that knows no operations.
func needsOperations(c *policy.Compilation) {
	if c.Services.Operations == nil {
		c.Fault(c.Element.At, "remove it", "%s is not run by this gateway: it knows no OpenAPI documents", c.Element.Name)
	}
}

// missingSchema is the error for an operation that no document describes.
var missingSchema = validationError{kind: "ApiSchema", details: "API's schema does not exist or it could not be resolved.", public: internalFault}

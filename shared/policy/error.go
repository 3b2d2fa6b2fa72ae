package policy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"toolgate/shared/expr"

	"github.com/go-json-experiment/json/jsontext"
)

// Error is a failure of a policy: what context.LastError shows inside on-error,
// and the status and message that the client gets when on-error sets no others.
type Error struct {
	Source   string  // the element that failed, or configuration, authorization, gateway
	Reason   Reason  // for machines
	Message  string  // for people; the client may see it
	Scope    Scope   // of the document in which the policy stands; 0 outside of policies
	Section  Section // in which it stands; 0 outside of policies
	Path     string  // of the policy within section and document, such as choose[1]/when[2]/set-header[1]
	PolicyID string  // the attribute id of the policy
	Status   int     // of the response; 0 when there is nobody to answer
	// Public lets the client see the message of a status from 500 on, which
	// otherwise tells of an internal error only.
	Public bool

	// Shown is what the client reads in place of Message; empty is the same.
	Shown string

	// Cause is what went wrong underneath. It is for the log and never for
	// the client.
	Cause error
}

// Error is source, reason and message on one line, then the cause.
func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %s: %s", e.Source, e.Reason, e.Message)
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// At returns the error with the place of the policy that failed, unless it has
// one: the innermost policy is the one that LastError names.
func (e *Error) At(policy *Element) *Error {
	if e.Section != 0 {
		return e
	}
	placed := *e
	placed.Scope, placed.Section, placed.Path, placed.PolicyID = policy.Scope, policy.Section, policy.Path, policy.ID
	return &placed
}

// Reason says why a policy failed. Those of API Management are constants.
type Reason string

// The predefined reasons.
const (
	ReasonOperationNotFound                Reason = "OperationNotFound"
	ReasonSubscriptionKeyNotFound          Reason = "SubscriptionKeyNotFound"
	ReasonSubscriptionKeyInvalid           Reason = "SubscriptionKeyInvalid"
	ReasonClientConnectionFailure          Reason = "ClientConnectionFailure"
	ReasonBackendConnectionFailure         Reason = "BackendConnectionFailure"
	ReasonExpressionValueEvaluationFailure Reason = "ExpressionValueEvaluationFailure"
	ReasonRateLimitExceeded                Reason = "RateLimitExceeded"
	ReasonQuotaExceeded                    Reason = "QuotaExceeded"
	ReasonFailedToParseCallerIP            Reason = "FailedToParseCallerIP"
	ReasonCallerIPNotAllowed               Reason = "CallerIpNotAllowed"
	ReasonCallerIPBlocked                  Reason = "CallerIpBlocked"
	ReasonHeaderNotFound                   Reason = "HeaderNotFound"
	ReasonHeaderValueNotAllowed            Reason = "HeaderValueNotAllowed"
	ReasonTokenNotPresent                  Reason = "TokenNotPresent"
	ReasonTokenSignatureInvalid            Reason = "TokenSignatureInvalid"
	ReasonTokenAudienceNotAllowed          Reason = "TokenAudienceNotAllowed"
	ReasonTokenIssuerNotAllowed            Reason = "TokenIssuerNotAllowed"
	ReasonTokenExpired                     Reason = "TokenExpired"
	ReasonTokenSignatureKeyNotFound        Reason = "TokenSignatureKeyNotFound"
	ReasonTokenClaimNotFound               Reason = "TokenClaimNotFound"
	ReasonTokenClaimValueNotAllowed        Reason = "TokenClaimValueNotAllowed"
	ReasonJWTInvalid                       Reason = "JwtInvalid"
	ReasonTimeout                          Reason = "Timeout"
)

// StatusClientClosedRequest is the status of a call whose client has gone before its
// response. Nobody is sent it: it is for policies and for the log. The IANA registry
// has none for that; it is the one that nginx logs.
const StatusClientClosedRequest = 499

// Failure is a row of the table of predefined failures.
type Failure struct {
	Sources []string // the policies, or configuration and authorization; nil for any
	Reason  Reason
	Status  int // policies with an attribute for it set another
	// Message has a verb of package fmt for each argument of NewError.
	Message string
}

var tokenPolicies = []string{"validate-jwt", "validate-azure-ad-token"}

var failures = []Failure{
	{[]string{"configuration"}, ReasonOperationNotFound, 404, "Unable to match incoming request to an operation."},
	{[]string{"authorization"}, ReasonSubscriptionKeyNotFound, 401, "Access denied due to missing subscription key. Make sure to include subscription key when making requests to an API."},
	{[]string{"authorization"}, ReasonSubscriptionKeyInvalid, 401, "Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription."},
	{nil, ReasonClientConnectionFailure, StatusClientClosedRequest, "The client closed the connection."},
	{nil, ReasonBackendConnectionFailure, 500, "The connection to the backend could not be made or was aborted."},
	{nil, ReasonExpressionValueEvaluationFailure, 500, "Expression evaluation failed. %s"},
	{[]string{"rate-limit", "rate-limit-by-key"}, ReasonRateLimitExceeded, 429, "Rate limit is exceeded. Try again in %d seconds."},
	{[]string{"quota", "quota-by-key"}, ReasonQuotaExceeded, 403, "Out of %s quota. Quota will be replenished in %s."},
	{[]string{"ip-filter"}, ReasonFailedToParseCallerIP, 403, "Failed to establish IP address for the caller. Access denied."},
	{[]string{"ip-filter"}, ReasonCallerIPNotAllowed, 403, "Caller IP address %s is not allowed. Access denied."},
	{[]string{"ip-filter"}, ReasonCallerIPBlocked, 403, "Caller IP address is blocked. Access denied."},
	{[]string{"check-header"}, ReasonHeaderNotFound, 401, "Header %s was not found in the request. Access denied."},
	{[]string{"check-header"}, ReasonHeaderValueNotAllowed, 401, "Header %s value of %s is not allowed. Access denied."},
	{tokenPolicies, ReasonTokenNotPresent, 401, "JWT not present."},
	{tokenPolicies, ReasonTokenSignatureInvalid, 401, "JWT signature verification failed."},
	{tokenPolicies, ReasonTokenAudienceNotAllowed, 401, "Invalid audience."},
	{tokenPolicies, ReasonTokenIssuerNotAllowed, 401, "Invalid issuer."},
	{tokenPolicies, ReasonTokenExpired, 401, "JWT expired."},
	{tokenPolicies, ReasonTokenSignatureKeyNotFound, 401, "JWT signing key is not found."},
	{tokenPolicies, ReasonTokenClaimNotFound, 401, "JWT is missing the required claim %s."},
	{tokenPolicies, ReasonTokenClaimValueNotAllowed, 401, "Claim %s value of %s is not allowed."},
	{tokenPolicies, ReasonJWTInvalid, 401, "JWT is invalid: %s"},
	{[]string{"forward-request", "send-request", "send-one-way-request", "invoke-request"}, ReasonTimeout, 500, "Request could not be sent to the backend service within the configured time limit."},
}

// Failures returns the table of predefined failures, for the reference.
func Failures() []Failure { return slices.Clone(failures) }

// NewError returns the predefined failure of a source and a reason, with the
// arguments in its message. An unknown pair is status 500 without arguments.
func NewError(source string, reason Reason, arguments ...any) *Error {
	for _, f := range failures {
		if f.Reason != reason || f.Sources != nil && !slices.Contains(f.Sources, source) {
			continue
		}
		message := f.Message
		if len(arguments) > 0 {
			message = fmt.Sprintf(f.Message, arguments...)
		}
		return &Error{Source: source, Reason: reason, Message: message, Status: f.Status}
	}
	return &Error{Source: source, Reason: reason, Message: "Internal server error", Status: 500}
}

// Interrupted is the failure of a policy that waited for something when the call
// ended: because the client has gone, or because the platform gives it no more time.
func Interrupted(ctx context.Context, source string) *Error {
	e := NewError(source, ReasonClientConnectionFailure)
	if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		e.Reason, e.Status, e.Message, e.Public = ReasonTimeout, http.StatusInternalServerError, "The gateway has no answer in the time that its platform gives a call.", true
	}
	e.Cause = context.Cause(ctx)
	return e
}

// LastError is the error as expressions see it.
func (e *Error) LastError() *expr.LastError {
	return &expr.LastError{
		Source: e.Source, Reason: string(e.Reason), Message: e.Message, Scope: e.Scope.String(), Section: e.Section.String(),
		Path: e.Path, PolicyID: e.PolicyID,
	}
}

// body is the response's body, in API Management's form. What failed inside the
// gateway or behind it is not told.
func (e *Error) body(requestID string) []byte {
	out := append(make([]byte, 0, 96+len(e.Message)), `{"statusCode":`...)
	out = strconv.AppendInt(out, int64(e.Status), 10)
	out = append(out, `,"message":`...)
	if e.Status >= 500 && !e.Public {
		out = append(out, `"Internal server error","activityId":`...)
		out, _ = jsontext.AppendQuote(out, requestID)
	} else {
		out, _ = jsontext.AppendQuote(out, cmp.Or(e.Shown, e.Message))
	}
	return append(out, '}')
}

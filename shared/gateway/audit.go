package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"toolgate/shared/audit"
	"toolgate/shared/mcp"
	"toolgate/shared/policy"
	"toolgate/shared/snapshot"
	"toolgate/shared/state"
	"toolgate/shared/telemetry"

	"github.com/go-json-experiment/json/jsontext"
)

// AuditOptions are what a host gives an audit.
type AuditOptions struct {
	// Store has the records, where the configuration says so. It stays open until
	// after the audit was closed.
	Store state.Store
	// Secrets resolves the sealing key; nil: it does not resolve.
	Secrets func(ref string) (string, error)
	// Log receives the lines of the audit, where the configuration says so, and that
	// records cannot be written; nil discards them.
	Log *slog.Logger
	// Lines receives the lines of the audit in place of Log; nil is Log.
	Lines *slog.Logger
}

// OpenAudit makes the audit of a configuration, for [Options]. It is nil where the
// configuration has none. The caller closes it after the gateway.
func OpenAudit(s *snapshot.Snapshot, o AuditOptions) (*audit.Trail, error) {
	settings := s.Audit
	if settings == nil {
		return nil, nil
	}
	made := audit.Options{Snapshot: s.Hash, Retention: settings.Retention, Refuse: settings.Refuse, Log: o.Log, Key: AuditKey(&s.Manifest, o.Secrets)}
	if settings.Store {
		if made.Store = o.Store; o.Store == nil {
			return nil, errors.New("the audit is kept in the store, and the gateway was given none: name one, such as by TOOLGATE_STORE, or keep it in the log alone: audit: { store: false, log: true }")
		}
	}
	if settings.Log {
		if made.Lines = o.Lines; o.Lines == nil {
			made.Lines = o.Log
		}
	}
	if settings.Arguments {
		made.Arguments = auditArguments(&s.Manifest, o.Secrets)
	}
	return audit.New(made), nil
}

// AuditKey finds the key of the audit of a configuration; nil where it names no
// sealing key, so that hashes have none.
func AuditKey(m *snapshot.Manifest, secrets func(ref string) (string, error)) func() ([]byte, error) {
	if len(m.SealingKey.Parts) == 0 {
		return nil
	}
	return func() ([]byte, error) {
		secret, err := resolve(m.SealingKey, Options{Secrets: secrets})
		if err != nil {
			return nil, fmt.Errorf("resolving the sealing key: %w", err)
		}
		return audit.DeriveKey([]byte(secret))
	}
}

// auditArguments writes arguments down without what the mask names and without the
// secrets of the configuration.
func auditArguments(m *snapshot.Manifest, secrets func(ref string) (string, error)) func([]byte) string {
	mask := telemetry.NewMask(nil, TelemetryOf(m).Diagnostics.Mask.Properties)
	hidden := &redactor{}
	lookup := hidden.recording(secrets)
	refs := m.SecretReferences()
	return func(arguments []byte) string {
		for _, ref := range refs {
			if lookup != nil {
				_, _ = lookup(ref) // what cannot be resolved was shown to nobody
			}
		}
		body := telemetry.Body{Limit: len(arguments), Path: []string{"params", "arguments"}}
		_, _ = body.Write(arguments) // never fails
		return hidden.text(body.Text(mask))
	}
}

// auditing is what a gateway records for the audit. It does not change.
type auditing struct {
	trail *audit.Trail
	all   bool
}

// newAuditing is nil for a gateway without audit.
func newAuditing(s *snapshot.Snapshot, t *audit.Trail) *auditing {
	if t == nil || s.Audit == nil {
		return nil
	}
	return &auditing{trail: t, all: s.Audit.All}
}

// auditNote is what is learned about a message on its way. Members of a federation
// may tell of it at once.
type auditNote struct {
	mu      sync.Mutex
	failure *policy.Error // of policies, the innermost first; nil: none
	err     error         // of the server; nil: none
	denied  bool          // the caller may not use it
}

type auditNoteKey struct{}

// withAuditNote gives the context of a message a note, where messages are recorded.
func (x *exchange) withAuditNote(ctx context.Context, reply replier) context.Context {
	if x.gateway.audit == nil {
		return ctx
	}
	note := &auditNote{}
	if c, ofBatch := reply.(*collector); ofBatch {
		c.note = note
	} else {
		x.note = note
	}
	return context.WithValue(ctx, auditNoteKey{}, note)
}

// noteDenied notes that a caller may not use what a message names.
func noteDenied(ctx context.Context) {
	if n, _ := ctx.Value(auditNoteKey{}).(*auditNote); n != nil {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.denied = true
	}
}

// noteOutcome notes how a message ended that went through policies.
func noteOutcome(ctx context.Context, failure *policy.Error, err error) {
	if n, _ := ctx.Value(auditNoteKey{}).(*auditNote); n != nil {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.failure = cmp.Or(n.failure, failure)
		if n.err == nil {
			n.err = err
		}
	}
}

// audited tells whether a message is recorded.
func (a *auditing) audited(req *mcp.Request) bool {
	return a.all || req != nil && req.Kind == mcp.KindRequest && req.Method == mcp.MethodCallTool
}

// auditUnavailable is shown to clients.
const auditUnavailable = "Calls cannot be recorded for the audit now, and are not made without. Try again later."

// unrecorded is the refusal of a message that cannot be recorded; nil: it can, or
// need not be.
func (x *exchange) unrecorded(req *mcp.Request) error {
	a := x.gateway.audit
	if a == nil || !a.audited(req) {
		return nil
	}
	if cause := a.trail.Unavailable(); cause != nil {
		return &auditError{cause}
	}
	return nil
}

// unrecordedAPI is unrecorded for a request to an API.
func (x *exchange) unrecordedAPI() *policy.Error {
	a := x.gateway.audit
	if a == nil || !a.all {
		return nil
	}
	cause := a.trail.Unavailable()
	if cause == nil {
		return nil
	}
	return &policy.Error{Source: "audit", Reason: reasonUnaudited, Status: http.StatusServiceUnavailable, Public: true, Message: auditUnavailable, Cause: cause}
}

const reasonUnaudited policy.Reason = "AuditUnavailable"

// auditError refuses a message that cannot be recorded.
type auditError struct{ cause error }

func (e *auditError) Error() string { return "the call cannot be recorded: " + e.cause.Error() }

// Unwrap is the error for the client, and the cause.
func (e *auditError) Unwrap() []error {
	return []error{&mcp.Error{Code: mcp.CodeInternalError, Message: auditUnavailable, Status: http.StatusServiceUnavailable}, e.cause}
}

// recordCall records the request, unless its messages were recorded one by one.
func (x *exchange) recordCall() {
	a := x.gateway.audit
	if x.batched || x.server == "" {
		return
	}
	c := audit.Call{Status: x.status, Approval: x.call.Approval, ApprovedBy: x.call.ApprovedBy}
	judge(&c, x.note, x.call.Err, x.call.Failed)
	if !a.audited(x.req) && c.ApprovedBy == "" && (x.req != nil || x.plain || c.Decision != audit.Refused || x.r.Method != http.MethodPost) {
		return // but a decision on the page of approvals, and who was turned away before a message was read
	}
	c.Method, c.Tool = x.call.Method, x.call.Name
	x.recordAs(&c, x.req)
}

// recordMessage records one message of a batch.
func (x *exchange) recordMessage(c *collector) {
	a := x.gateway.audit
	if a == nil || c.req == nil {
		return
	}
	x.batched = true
	if !a.audited(c.req) {
		return
	}
	call := audit.Call{Status: http.StatusOK} // the batch has one, and so far no other
	judge(&call, c.note, c.err, false)
	x.recordAs(&call, c.req)
}

// recordAs completes the record of a call. The request is nil where no message was
// read.
func (x *exchange) recordAs(c *audit.Call, req *mcp.Request) {
	c.Server, c.Subscription, c.ClientAddress, c.Snapshot = x.server, x.call.Subscription, x.clientAddress(), x.gateway.snapshot.Hash
	c.RequestID = x.id().String()
	if x.call.Span.Valid() {
		c.TraceID = x.call.Span.TraceID.String()
	}
	if p := x.caller.principal; p != nil {
		c.Issuer, c.ClientID = p.issuer, p.client
		if p.user != nil {
			c.Subject = p.user.ID
		}
	} else if u := x.caller.user; u != nil {
		c.Subject = u.ID
	}
	if p := x.caller.product; p != nil {
		c.Product = p.ID
	}
	var arguments jsontext.Value
	if req != nil {
		c.Method = req.Method
		c.Tool = req.Text(req.Name)
		arguments = req.Bytes(req.Arguments)
	}
	c.Method = cmp.Or(c.Method, x.r.Method)
	at := x.start
	if now := x.gateway.services.Now; now != nil {
		at = now().Add(-time.Since(x.start)) // by the clock that records are kept by
	}
	x.gateway.audit.trail.Add(at, *c, arguments)
}

// judge says what was decided of a call, and why.
func judge(c *audit.Call, n *auditNote, err error, failed bool) {
	failure, isFailure := errors.AsType[*policy.Error](err)
	denied := false
	if n != nil {
		denied = n.denied
		if err == nil {
			err = n.err
		}
		if !isFailure && n.failure != nil {
			failure, isFailure = n.failure, true
		}
	}
	few, lacksScopes := errors.AsType[*scopeError](err)
	unaudited, _ := errors.AsType[*auditError](err)
	switch {
	case unaudited != nil:
		c.Decision, c.Reason, c.Source = audit.Refused, string(reasonUnaudited), "audit"
	case lacksScopes:
		failure = few.refusal()
		c.Decision, c.Reason, c.Source = audit.Refused, string(failure.Reason), failure.Source
	case denied:
		c.Decision, c.Reason, c.Source = audit.Refused, "CallerNotAllowed", "authorization"
	case isFailure:
		c.Decision = decisionOf(failure)
		c.Reason, c.Source, c.PolicyID, c.Path = string(failure.Reason), failure.Source, failure.PolicyID, failure.Path
		if failure.Section != 0 {
			c.Section = failure.Section.String()
		}
		if failure.Scope != 0 {
			c.Scope = failure.Scope.String()
		}
	case c.Approval != "" && c.Approval != approvalApproved:
		c.Decision, c.Reason, c.Source = audit.Refused, c.Approval, "approval"
	case err != nil && !errors.Is(err, errToolFailed):
		c.Decision, c.Reason = audit.Failed, errorType(err)
	case err != nil || failed:
		c.Decision, c.Reason = audit.Failed, toolError
	default:
		c.Decision, c.Reason = byStatus(c.Status)
	}
}

// byStatus is what the status of an answer says, where nothing else does.
func byStatus(status int) (audit.Decision, string) {
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusTooManyRequests:
		return audit.Refused, strconv.Itoa(status)
	case status >= http.StatusBadRequest:
		return audit.Failed, strconv.Itoa(status)
	}
	return audit.Allowed, ""
}

// decisionOf is what a failure of policies is: refused by one, or by who may call;
// failed where something did not work.
func decisionOf(e *policy.Error) audit.Decision {
	switch {
	case e.Source == "authorization" || e.Source == "audit":
		return audit.Refused
	case e.Status >= http.StatusInternalServerError || e.Status == policy.StatusClientClosedRequest || e.Source == "configuration": // the last: it is for nothing that there is
		return audit.Failed
	}
	return audit.Refused
}

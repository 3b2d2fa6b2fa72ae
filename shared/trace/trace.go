// Package trace knows what happened to one request, step by step: what the gateway
// decided, what each policy did, which requests went to backends. It records that
// while the request is served, takes secrets out of it, and keeps it for an hour for
// whoever holds a debug token.
package trace

import (
	"time"

	"github.com/go-json-experiment/json"
)

// Trace is what happened to one request.
type Trace struct {
	ID        string    `json:"traceId"`
	RequestID string    `json:"requestId,omitzero"` // context.RequestId
	Time      time.Time `json:"time"`
	Server    string    `json:"server"`         // or the API
	Method    string    `json:"method"`         // JSON-RPC method, or the HTTP method where there is none
	Name      string    `json:"name,omitzero"`  // tool, prompt or resource
	Status    int       `json:"status"`         // HTTP status
	Failed    bool      `json:"failed"`         // a tool result with isError
	Error     string    `json:"error,omitzero"` // the cause, which the client need not have been told
	// Duration is that of the whole request, in microseconds.
	Duration int64  `json:"durationMicros"`
	Steps    []Step `json:"steps"`
	// Call is what was asked, where bodies are recorded; nil otherwise.
	Call *Call `json:"call,omitzero"`
	// Omitted is the number of steps that had no place.
	Omitted int `json:"omittedSteps,omitzero"`
}

// Step is one thing that happened.
type Step struct {
	Kind Kind   `json:"kind"`
	Name string `json:"name"` // of the policy, or what the gateway did
	// Of policies:
	ID      string `json:"id,omitzero"`
	Scope   string `json:"scope,omitzero"`
	Section string `json:"section,omitzero"`
	At      string `json:"at,omitzero"` // file:line:column
	Path    string `json:"path,omitzero"`

	Start    int64    `json:"startMicros"` // since the beginning of the request
	Duration int64    `json:"durationMicros"`
	Outcome  Outcome  `json:"outcome,omitzero"`
	Failure  *Failure `json:"lastError,omitzero"` // in the step that failed, not in those around it
	Effects  []Effect `json:"effects,omitzero"`
	Steps    []Step   `json:"steps,omitzero"` // what happened inside
}

// Kind says whose step it is.
type Kind string

// The kinds of steps.
const (
	Gateway Kind = "gateway" // a decision or a conversion of the gateway
	Policy  Kind = "policy"
	Request Kind = "request" // one that was sent to a backend
)

// Outcome is how a step ended; empty for one that let the request go on.
type Outcome string

// How steps end.
const (
	Returned Outcome = "returned" // the pipeline ended with the response that there was
	Answered Outcome = "answered" // the response goes through outbound, without the backend
	Failed   Outcome = "failed"
	Refused  Outcome = "refused"
)

// Failure is context.LastError, and the status that came with it; of what no policy
// and no rule refused, the message alone.
type Failure struct {
	Source  string `json:"source,omitzero"`
	Reason  string `json:"reason,omitzero"`
	Message string `json:"message"`
	Cause   string `json:"cause,omitzero"`
	Status  int    `json:"status,omitzero"`
}

// Effect is something that a step changed, or has to say.
type Effect struct {
	Kind   string `json:"kind"` // variable, header, status, body, method, url, backend, branch, limit, cache, retry, message, detail
	Name   string `json:"name,omitzero"`
	Before string `json:"before,omitzero"`
	After  string `json:"after,omitzero"`
}

// Parse reads a trace that was written as JSON.
func Parse(content []byte) (*Trace, error) {
	t := &Trace{}
	if err := json.Unmarshal(content, t); err != nil {
		return nil, &Error{Doing: "reading the trace", Err: err}
	}
	return t, nil
}

// JSON is the trace as JSON.
func (t *Trace) JSON() []byte {
	out, err := json.Marshal(t)
	if err != nil {
		return []byte("{}") // cannot be: nothing in it can fail, and text is made valid as it is recorded
	}
	return out
}

// All has each step, with what is inside of it behind it, and how deep it is.
func (t *Trace) All() func(yield func(depth int, s *Step) bool) {
	return func(yield func(int, *Step) bool) { each(t.Steps, 0, yield) }
}

func each(steps []Step, depth int, yield func(int, *Step) bool) bool {
	for i := range steps {
		if !yield(depth, &steps[i]) || !each(steps[i].Steps, depth+1, yield) {
			return false
		}
	}
	return true
}

// Error says what could not be done with a trace or a debug token, and why.
type Error struct {
	Doing string
	Err   error
}

// Error is both.
func (e *Error) Error() string { return e.Doing + ": " + e.Err.Error() }

// Unwrap is why.
func (e *Error) Unwrap() error { return e.Err }

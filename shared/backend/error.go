package backend

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Reason classifies what went wrong before there was a response.
type Reason string

const (
	Timeout     Reason = "timeout"
	Unreachable Reason = "unreachable"
	Cancelled   Reason = "cancelled" // the client went away, or broke off what it sent
	Refused     Reason = "refused"   // by this package
	// Tripped is the reason of a request that was not sent because the circuit
	// breaker is open. API Management answers 503 then.
	Tripped Reason = "tripped"
	// Unauthorized is the reason of a request that was not sent because its
	// credentials could not be obtained.
	Unauthorized Reason = "unauthorized"
)

// Error says why there is no response. Its text names no URL, since a URL may
// hold a key; Err is for the log.
type Error struct {
	Reason Reason
	Err    error
}

func (e *Error) Error() string { return fmt.Sprintf("backend %s: %v", e.Reason, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// Public is what a client may be told.
func (e *Error) Public() string {
	switch e.Reason {
	case Timeout:
		return "The backend did not answer in time."
	case Cancelled:
		return "The call was cancelled."
	case Refused:
		return "The request is not allowed to leave the gateway."
	case Tripped:
		return "The backend is left alone for a while after failures."
	case Unauthorized:
		if told, ok := errors.AsType[interface {
			error
			Public() string
		}](e.Err); ok {
			return told.Public()
		}
		return "The gateway could not obtain its credentials for the backend."
	}
	return "The backend could not be reached."
}

var (
	errTimeout = errors.New("no response header within the time limit")
	errWhole   = errors.New("no whole response within the time limit")
	errTripped = errors.New("the circuit breaker is open")
)

// asError makes an error of what a transport or a body returned; nil stays nil.
func asError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok { // a redirect's, or a guard's
		return e
	}
	cause := context.Cause(ctx)
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(cause, errTimeout), errors.Is(cause, errWhole), errors.Is(cause, context.DeadlineExceeded):
		return &Error{Timeout, cause}
	case cause != nil:
		return &Error{Cancelled, cause}
	case errors.As(err, &timeout) && timeout.Timeout():
		return &Error{Timeout, err}
	}
	return &Error{Unreachable, err}
}

// unauthorized is the reason of credentials that could not be obtained, unless
// the call ended meanwhile.
func unauthorized(ctx context.Context, err error) Reason {
	if e, ok := errors.AsType[*Error](asError(ctx, err)); ok && ctx.Err() != nil {
		return e.Reason
	}
	return Unauthorized
}

// blame tells what the destination is not to blame for from what it may be: a
// transport's error alone does not say who failed.
func blame(req *http.Request, u *upload, err error) *Error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = &Error{Unreachable, err}
	}
	if e.Reason != Unreachable {
		return e
	}
	if fault := u.fault(); fault != nil {
		return &Error{Cancelled, fmt.Errorf("reading what the client sends: %w", fault)}
	}
	if fault := malformed(req); fault != nil {
		return &Error{Refused, fault}
	}
	return e
}

// malformed finds what no transport sends (RFC 9110, 5.1, 5.5 and 9.1); nil for
// nothing.
func malformed(req *http.Request) error {
	if req.Method != "" && !token(req.Method) {
		return fmt.Errorf("%q is no method", req.Method)
	}
	for name, values := range req.Header {
		if !token(name) {
			return fmt.Errorf("%q is no name of a header", name)
		}
		for _, v := range values {
			if !text(v) {
				return fmt.Errorf("the header %s has a control character", name)
			}
		}
	}
	return nil
}

// token reports whether s is a token (RFC 9110, 5.6.2).
func token(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0:
			return false
		}
	}
	return s != ""
}

// text reports whether s can be the value of a header.
func text(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

package mcp

import (
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"
)

// Code is a JSON-RPC error code. The specification reserves -32020 to -32099;
// nothing here invents one.
type Code int

const (
	CodeParseError     Code = -32700
	CodeInvalidRequest Code = -32600
	CodeMethodNotFound Code = -32601
	CodeInvalidParams  Code = -32602
	CodeInternalError  Code = -32603

	// Codes of 2026-07-28.
	CodeHeaderMismatch             Code = -32020
	CodeMissingClientCapability    Code = -32021
	CodeUnsupportedProtocolVersion Code = -32022

	// CodeResourceNotFound is what revisions before 2026-07-28 answer for an
	// unknown resource.
	CodeResourceNotFound Code = -32002

	// CodeURLElicitationRequired is what revision 2025-11-25, and no other, answers
	// for a request that waits for a page in the user's browser.
	CodeURLElicitationRequired Code = -32042
)

// Error is a JSON-RPC error as a client may see it. Its message is public: it
// never holds a cause or a secret.
type Error struct {
	Code    Code
	Message string
	// Data is the member "data"; nil for none.
	Data jsontext.Value
	// Status overrides the HTTP status that follows from Code; 0 does not.
	Status int
}

// Errorf makes an *Error of a formatted message.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

func (e *Error) Error() string { return fmt.Sprintf("%s (%d)", e.Message, e.Code) }

// Is reports whether target is an *Error of the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// HTTPStatus is the status that carries e to a client of version v.
//
// 2026-07-28, basic/transports: 404 for an unknown method, 400 for invalid
// parameters and for what the -3202x codes report. Earlier revisions answer 200
// and leave the error to the body, except where no request could be read.
func (e *Error) HTTPStatus(v Version) int {
	if e.Status != 0 {
		return e.Status
	}
	switch e.Code {
	case CodeParseError, CodeInvalidRequest, CodeHeaderMismatch, CodeUnsupportedProtocolVersion:
		return http.StatusBadRequest
	}
	if !v.Modern() {
		return http.StatusOK
	}
	switch e.Code {
	case CodeMethodNotFound:
		return http.StatusNotFound
	case CodeInvalidParams, CodeMissingClientCapability:
		return http.StatusBadRequest
	}
	return http.StatusOK
}

// unsupportedVersion is the error for a revision that is not served.
func unsupportedVersion(requested string) *Error {
	data := append([]byte(`{"supported":`), appendVersions(nil)...)
	data = append(data, `,"requested":`...)
	data = AppendString(data, requested)
	data = append(data, '}')
	return &Error{
		Code:    CodeUnsupportedProtocolVersion,
		Message: fmt.Sprintf("protocol version %q is not supported", requested),
		Data:    data,
	}
}

func appendVersions(dst []byte) []byte {
	for i, v := range Versions {
		dst = append(dst, "[,"[min(i, 1)], '"')
		dst = append(dst, v...)
		dst = append(dst, '"')
	}
	return append(dst, ']')
}

package openapi

import "fmt"

// Error is a fault of a document: where it is, what is wrong, and how to mend
// it. Line and Column count from 1; both are 0 when the fault concerns the
// whole file.
type Error struct {
	File         string
	Line, Column int
	Message      string
	Fix          string // empty when the message says it all
}

// Error gives "file:line:column: message (fix)".
func (e *Error) Error() string {
	text := e.Message
	if at := e.at(); at != "" {
		text = at + ": " + text
	}
	if e.Fix != "" {
		text += " (" + e.Fix + ")"
	}
	return text
}

// at is the place of the fault, as compilers write it.
func (e *Error) at() string {
	switch {
	case e.Line == 0:
		return e.File
	case e.File == "":
		return fmt.Sprintf("%d:%d", e.Line, e.Column)
	default:
		return fmt.Sprintf("%s:%d:%d", e.File, e.Line, e.Column)
	}
}

// faultAt is an Error at the place of n.
func faultAt(n *node, fix, format string, args ...any) *Error {
	e := &Error{Message: fmt.Sprintf(format, args...), Fix: fix}
	if n == nil {
		return e
	}
	e.Line, e.Column = n.line, n.column
	if n.file != nil {
		e.File = n.file.location
	}
	return e
}

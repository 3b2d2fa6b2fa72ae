// Package fault knows what is wrong in what a user wrote: where it stands, what
// it is, and how to mend it. Everything that reads a user's files reports in
// this form, so that all faults of a folder can be shown together.
package fault

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Position is a place in a file; Line and Column count from 1, and are 0 when
// the fault concerns the whole file.
type Position struct {
	File   string `json:"file,omitzero"`
	Line   int    `json:"line,omitzero"`
	Column int    `json:"column,omitzero"` // in Unicode code points
	// Offset is in bytes from the beginning of the file, where that is known.
	Offset int `json:"offset,omitzero"`
}

// Fault is one thing that is wrong in a file.
type Fault struct {
	Position
	// Message says what is wrong, for example
	// `unknown key "toosl" in server "orders"`.
	Message string `json:"message"`
	// Fix says how to mend it, for example `did you mean "tools"?`; empty where
	// there is nothing to mend.
	Fix string `json:"fix"`
	// Warning marks what can be used, though perhaps not as its author means.
	Warning bool `json:"warning,omitzero"`
}

// String is the fault on one line: place, message, fix.
func (f Fault) String() string {
	kind := ""
	if f.Warning {
		kind = "warning: "
	}
	if f.Fix == "" {
		return fmt.Sprintf("%s: %s%s", f.Position, kind, f.Message)
	}
	return fmt.Sprintf("%s: %s%s: %s", f.Position, kind, f.Message, f.Fix)
}

// Faults are all faults of a folder, ordered by file, line and column. It is an
// error when it is not empty; a nil Faults must not be stored in a variable of
// type error, which would not be nil.
type Faults []Fault

// Error has one line for each fault.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

// Sorted orders the faults by place and drops repetitions, which arise where an
// anchor with a fault is used more than once.
func (f Faults) Sorted() Faults {
	slices.SortStableFunc(f, func(a, b Fault) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Message, b.Message),
		)
	})
	return slices.CompactFunc(f, func(a, b Fault) bool {
		return a.Position == b.Position && a.Message == b.Message
	})
}

// String is file:line:column, or the file alone when the position has no line.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Err is nil when there is no fault, or warnings only, and otherwise the
// faults, warnings among them.
func (f Faults) Err() error {
	if slices.ContainsFunc(f, func(one Fault) bool { return !one.Warning }) {
		return f
	}
	return nil
}

// Split separates what cannot be used from the warnings.
func (f Faults) Split() (faults, warnings Faults) {
	for _, one := range f {
		if one.Warning {
			warnings = append(warnings, one)
		} else {
			faults = append(faults, one)
		}
	}
	return faults, warnings
}

// MaxFaults bounds the faults of one document: after a hundred the next ones are
// consequences. Warnings leave room for faults.
const (
	MaxFaults   = 100
	maxWarnings = 50
)

// Add appends a fault unless there are too many already.
func (f *Faults) Add(at Position, message, fix string) {
	if len(*f) < MaxFaults {
		*f = append(*f, Fault{Position: at, Message: message, Fix: fix})
	}
}

// Warn appends a warning unless there are too many already.
func (f *Faults) Warn(at Position, message, fix string) {
	if len(*f) < maxWarnings {
		*f = append(*f, Fault{Position: at, Message: message, Fix: fix, Warning: true})
	}
}

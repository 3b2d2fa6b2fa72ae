package policytest

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"golang.org/x/tools/txtar"
)

// Section is one file of a test's archive.
type Section struct {
	Kind string // the first word of its name
	Rest string // the words behind it
	Data []byte
	Line int // of its marker in the test file, from 1
}

// Sections are the files of an archive, in order.
func Sections(a *txtar.Archive) []Section {
	list := make([]Section, 0, len(a.Files))
	line := bytes.Count(a.Comment, []byte("\n"))
	for _, f := range a.Files {
		line++
		kind, rest, _ := strings.Cut(f.Name, " ")
		list = append(list, Section{Kind: kind, Rest: strings.TrimSpace(rest), Data: f.Data, Line: line})
		line += bytes.Count(f.Data, []byte("\n"))
	}
	return list
}

// Name is the section's name as it is written.
func (s *Section) Name() string { return strings.TrimSpace(s.Kind + " " + s.Rest) }

// Error is something wrong in a test itself.
type Error struct {
	Line    int    // of the test file, from 1
	Section string // its name
	Err     error
}

// Error has line and section before what is wrong.
func (e *Error) Error() string { return fmt.Sprintf("line %d: -- %s --: %v", e.Line, e.Section, e.Err) }

// Unwrap returns what is wrong.
func (e *Error) Unwrap() error { return e.Err }

// Fault places an error in the section: at a line of its data, from 1, or at
// its marker for 0. It returns nil for nil.
func (s *Section) Fault(line int, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Line: s.Line + line, Section: s.Name(), Err: err}
}

// Pairs reads lines of a key and a value with a separator between, and has set
// take each. Empty lines are left out.
func (s *Section) Pairs(separator string, set func(key, value string) error) error {
	n := 0
	for line := range strings.Lines(string(s.Data)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		key, value, ok := strings.Cut(line, separator)
		if !ok {
			return s.Fault(n, fmt.Errorf("%q has no %q", line, separator))
		}
		key = strings.TrimSpace(key)
		if err := set(key, strings.TrimSpace(value)); err != nil {
			return s.Fault(n, fmt.Errorf("%s: %w", key, err))
		}
	}
	return nil
}

// Duration reads the words behind the kind, such as 10s.
func (s *Section) Duration() (time.Duration, error) {
	d, err := time.ParseDuration(s.Rest)
	return d, s.Fault(0, err)
}

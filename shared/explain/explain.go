// Package explain shows what happened to requests, from their traces: as a table in
// a terminal, and as a page with a timeline.
package explain

import (
	"strconv"
	"strings"
	"time"

	"toolgate/shared/trace"
)

// effect is an effect on one line.
func effect(e *trace.Effect) string {
	switch e.Kind {
	case "variable":
		return e.Name + " = " + quoted(e.After)
	case "header":
		return change(e.Name, e.Before, e.After)
	case "status", "method", "url", "backend":
		return change(e.Kind, e.Before, e.After)
	case "body":
		return change(bodyName(e.Name), e.Before, e.After)
	case "branch":
		if e.After == "null" {
			return "branch: " + e.Name
		}
		return "branch: " + e.Name + ", as " + e.After
	case "retry":
		return e.Name + " " + e.After
	}
	if e.Name == "" {
		return e.After
	}
	return e.Name + ": " + e.After
}

// bodyName names a body, and what became of it: "response replaced" is of the
// response's.
func bodyName(name string) string {
	for _, verb := range []string{"read", "replaced"} {
		if message, ok := strings.CutSuffix(name, verb); ok {
			return strings.TrimSpace(message + "body " + verb)
		}
	}
	return strings.TrimSpace(name + " body")
}

// change is what a value was and is.
func change(name, before, after string) string {
	switch {
	case before == "":
		return name + ": " + after
	case after == "":
		return name + ": removed (was " + before + ")"
	}
	return name + ": " + before + " → " + after
}

// quoted shows where a text begins and ends, unless it is a number or a word.
func quoted(text string) string {
	if text != "" && !strings.ContainsAny(text, " \t\r\n\"") {
		return text
	}
	return strconv.Quote(text)
}

// outcome is how a step ended; empty for one that let the request go on.
func outcome(s *trace.Step) string {
	f := s.Failure
	if f == nil {
		return string(s.Outcome)
	}
	var parts []string
	for _, text := range []string{f.Source, f.Reason, f.Message, f.Cause} {
		if text != "" {
			parts = append(parts, text)
		}
	}
	text := string(s.Outcome) + ": " + strings.Join(parts, ": ")
	if f.Status > 0 {
		text += " (" + strconv.Itoa(f.Status) + ")"
	}
	return text
}

// name is that of a step, with the id that its document gives it.
func name(s *trace.Step) string {
	if s.ID != "" {
		return s.Name + " #" + s.ID
	}
	return s.Name
}

// where is the scope and the section of a policy, or whose step it is.
func where(s *trace.Step) string {
	switch s.Kind {
	case trace.Policy:
		return s.Scope + " " + s.Section
	case trace.Request:
		return "to backend"
	case trace.Gateway:
	}
	return "gateway"
}

// millis is a number of microseconds as milliseconds.
func millis(micros int64) string {
	return strconv.FormatFloat(float64(micros)/1000, 'f', 2, 64)
}

// lines are what a step did, a line each.
func lines(s *trace.Step) []string {
	var list []string
	if text := outcome(s); text != "" {
		list = append(list, text)
	}
	return append(list, effects(s)...)
}

// effects are those of a step, a line each: of a request, what came back is first.
func effects(s *trace.Step) []string {
	var first, list []string
	for i := range s.Effects {
		e := &s.Effects[i]
		if s.Kind == trace.Request && e.Kind == "status" {
			first = append(first, effect(e))
		} else {
			list = append(list, effect(e))
		}
	}
	return append(first, list...)
}

// title says which request a trace is of.
func title(t *trace.Trace) string {
	return strings.TrimSpace(t.Server + " " + t.Method + " " + t.Name)
}

// ended says how the request ended.
func ended(t *trace.Trace) string {
	text := "status " + strconv.Itoa(t.Status)
	if t.Failed {
		text += ", isError"
	}
	text += " after " + millis(t.Duration) + " ms"
	if t.Error != "" {
		text += ": " + t.Error
	}
	return text
}

// began is when the request came.
func began(t *trace.Trace) string { return t.Time.UTC().Format(time.RFC3339) }

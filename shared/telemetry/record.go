package telemetry

import "time"

// Severity is the severity of a log record, with the numbers of OTLP.
type Severity uint8

// The severities that are used.
const (
	SeverityDebug       Severity = 5
	SeverityInformation Severity = 9
	SeverityWarn        Severity = 13
	SeverityError       Severity = 17
)

func (s Severity) text() string {
	switch s {
	case SeverityDebug:
		return "DEBUG"
	case SeverityWarn:
		return "WARN"
	case SeverityError:
		return "ERROR"
	case SeverityInformation:
	}
	return "INFO"
}

// Record is a log record.
type Record struct {
	Time     time.Time
	Severity Severity
	// Event is the name of the kind of event; Body is the message.
	Event, Body string
	Attrs       []Attr
	Context     Context // the span that it belongs to; may be none
}

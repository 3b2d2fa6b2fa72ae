package audit

import "log/slog"

// line is a record in a line of a log: JSON in logs of JSON, and text in others.
type line []byte

// MarshalJSON serves handlers of JSON.
func (l line) MarshalJSON() ([]byte, error) { return l, nil }

// String serves handlers of text.
func (l line) String() string { return string(l) }

func lineAttr(record []byte) slog.Attr { return slog.Any("audit", line(record)) }

// levelOf is the level of a record's line.
func levelOf(r *Record) slog.Level {
	if r.Kind == KindLost {
		return slog.LevelError
	}
	return slog.LevelInfo
}

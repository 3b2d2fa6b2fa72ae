package mcp

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"time"
)

// Event is one event of a server-sent event stream (HTML, section 9.2). Data
// joins the lines of the event with "\n". The bytes are valid until the next
// call of [EventReader.Next].
type Event struct {
	Type string // field "event"; empty means "message"
	ID   string
	Data []byte
}

// ErrEventTooLarge reports an event beyond the reader's limit.
var ErrEventTooLarge = errors.New("server-sent event is too large")

// EventReader splits a stream into events. It never holds more than one.
type EventReader struct {
	r     *bufio.Reader
	limit int
	line  []byte
	data  []byte
	begun bool // a byte order mark may stand at the beginning only
	cr    bool // the last line ended in "\r": a "\n" that follows belongs to it

	lastID string
	retry  time.Duration
}

// NewEventReader reads events of at most limit bytes from r.
func NewEventReader(r io.Reader, limit int) *EventReader {
	return &EventReader{r: bufio.NewReader(r), limit: limit}
}

// Next returns the next event that carries data. It returns io.EOF at the end
// of the stream, where an unfinished event is dropped as the standard asks,
// and [ErrEventTooLarge] for an event beyond the limit.
func (r *EventReader) Next() (Event, error) {
	var e Event
	r.data = r.data[:0]
	hasData := false
	for {
		line, err := r.readLine()
		if err != nil {
			return Event{}, err
		}
		if len(line) == 0 {
			r.lastID = cmp.Or(e.ID, r.lastID)
			if hasData {
				e.Data = r.data[:len(r.data)-1] // without the last line's "\n"
				return e, nil
			}
			e = Event{}
			continue
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "data":
			if len(r.data)+len(value) > r.limit {
				return Event{}, ErrEventTooLarge
			}
			r.data = append(append(r.data, value...), '\n')
			hasData = true
		case "event":
			e.Type = string(value)
		case "id":
			e.ID = string(value)
		case "retry":
			r.setRetry(value)
		}
	}
}

// readLine returns a line without its end: "\n", "\r\n" or "\r".
func (r *EventReader) readLine() ([]byte, error) {
	r.line = r.line[:0]
	for {
		c, err := r.r.ReadByte()
		if err != nil {
			return nil, err
		}
		after := r.cr
		r.cr = c == '\r'
		switch {
		case c == '\n' && after:
			continue
		case c == '\n' || c == '\r':
			return r.trimMark(r.line), nil
		}
		if len(r.line) >= r.limit+len("data: ") {
			return nil, ErrEventTooLarge
		}
		r.line = append(r.line, c)
	}
}

func (r *EventReader) trimMark(line []byte) []byte {
	if r.begun {
		return line
	}
	r.begun = true
	return bytes.TrimPrefix(line, []byte("\ufeff"))
}

// AppendEvent appends an event of type "message" that carries a JSON text. JSON
// that is indented becomes one data line for each of its lines; a carriage
// return, which ends a line of the stream but is white space to JSON, becomes a
// space.
func AppendEvent(dst []byte, id string, json []byte) []byte {
	dst = append(dst, "event: message\n"...)
	if id != "" {
		dst = append(append(append(dst, "id: "...), id...), '\n')
	}
	for line := range bytes.Lines(json) {
		dst = append(dst, "data: "...)
		for _, c := range bytes.TrimRight(line, "\r\n") {
			if c == '\r' {
				c = ' '
			}
			dst = append(dst, c)
		}
		dst = append(dst, '\n')
	}
	return append(dst, '\n')
}

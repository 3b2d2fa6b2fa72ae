package policies

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// judgedStream passes the events of a stream on after the text in them was
// judged, a window at a time. At the first that is refused it ends.
type judgedStream struct {
	from            io.ReadCloser
	window, overlap int // in characters
	judge           func(text string) error

	raw     []byte          // read, and no whole event yet
	held    []byte          // events that wait for their window
	text    strings.Builder // of these, behind the overlap
	fresh   bool            // text has more than the overlap
	pending []byte          // judged, to be read
	ended   bool
	err     error // of from; nil at its end
}

const (
	// streamPiece is how much of a stream is read at a time, in bytes.
	streamPiece = 8 << 10
	// maxHeld bounds the events that wait for a window, and one event, in bytes.
	maxHeld = 1 << 20
)

func newJudgedStream(from io.ReadCloser, window, overlap int, judge func(string) error) *judgedStream {
	return &judgedStream{from: from, window: window, overlap: overlap, judge: judge}
}

func (s *judgedStream) Read(p []byte) (int, error) {
	for len(s.pending) == 0 {
		if s.ended {
			if s.err != nil {
				return 0, s.err
			}
			return 0, io.EOF
		}
		s.fill()
	}
	n := copy(p, s.pending)
	s.pending = s.pending[n:]
	return n, nil
}

// fill reads a piece, and passes on what may go.
func (s *judgedStream) fill() {
	piece := make([]byte, streamPiece)
	n, err := s.from.Read(piece)
	s.raw = append(s.raw, piece[:n]...)
	for !s.ended {
		event, rest := nextEvent(s.raw)
		if event == nil {
			break
		}
		s.raw = rest
		s.hold(event)
	}
	switch {
	case s.ended:
	case err != nil:
		if len(s.raw) > 0 {
			s.hold(s.raw)
		}
		s.release()
		s.ended, s.raw = true, nil
		if !errors.Is(err, io.EOF) {
			s.err = err
		}
	case len(s.raw) > maxHeld:
		s.end() // an event that nobody can judge
	}
}

// hold takes an event, and releases it with those before it as soon as there is
// a window of text, or none.
func (s *judgedStream) hold(event []byte) {
	if text := eventText(eventData(event)); text != "" {
		s.text.WriteString(text)
		s.fresh = true
	}
	s.held = append(s.held, event...)
	if !s.fresh || characters(s.text.String()) >= s.window || len(s.held) > maxHeld {
		s.release()
	}
}

// release has the text judged, and passes the events on that wait for it.
func (s *judgedStream) release() {
	if s.fresh {
		text := s.text.String()
		if err := s.judge(text); err != nil {
			s.end()
			return
		}
		s.text.Reset()
		s.text.WriteString(lastCharacters(text, s.overlap))
		s.fresh = false
	}
	s.pending = append(s.pending, s.held...)
	s.held = s.held[:0]
}

// end drops what was not passed on.
func (s *judgedStream) end() {
	s.ended, s.held, s.raw = true, nil, nil
	_ = s.from.Close()
}

func (s *judgedStream) Close() error { return s.from.Close() }

// lastCharacters are the last n characters of a text.
func lastCharacters(text string, n int) string {
	skip := characters(text) - n
	if skip <= 0 {
		return text
	}
	for at := range text {
		if skip == 0 {
			return text[at:]
		}
		skip--
	}
	return ""
}

// eventText is the text in an event of a completion. The pieces of several make
// words together, so that nothing stands between them.
func eventText(data []byte) string {
	r := textReader{d: jsontext.NewDecoder(bytes.NewBuffer(data))}
	if r.members(completionMembers) != nil {
		if string(data) == "[DONE]" {
			return ""
		}
		return strings.ToValidUTF8(string(data), "\ufffd")
	}
	if !r.found { // of a form that is not known
		r = textReader{d: jsontext.NewDecoder(bytes.NewBuffer(data))}
		_ = r.document() // it was read before
	}
	return r.out.String()
}

package policytest

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
)

// Message is a request or a response as it is written: a first line, headers,
// an empty line and a body.
type Message struct {
	First  string // METHOD target, or a status
	Header http.Header
	Body   []byte
}

// Message reads the section as a message. The line end that closes the section
// is no part of the body.
func (s *Section) Message() (Message, error) {
	first, rest, _ := bytes.Cut(s.Data, []byte("\n"))
	m := Message{First: strings.TrimRight(string(first), "\r")}
	var err error
	m.Header, m.Body, err = s.headers(rest, 2)
	return m, err
}

// Headers reads the section as headers, an empty line and a body; without
// headers the empty line may be left out where the body begins with one of the
// characters of begin.
func (s *Section) Headers(begin string) (http.Header, []byte, error) {
	if text := bytes.TrimSpace(s.Data); len(text) == 0 || strings.IndexByte(begin, text[0]) >= 0 {
		return http.Header{}, text, nil
	}
	return s.headers(s.Data, 1)
}

// headers reads headers that begin at a line of the section, an empty line and a
// body.
func (s *Section) headers(data []byte, line int) (http.Header, []byte, error) {
	h := http.Header{}
	for len(data) > 0 {
		text, rest, _ := bytes.Cut(data, []byte("\n"))
		data = rest
		text = bytes.TrimRight(text, "\r")
		if len(text) == 0 {
			break
		}
		name, value, ok := strings.Cut(string(text), ":")
		if !ok {
			return nil, nil, s.Fault(line, fmt.Errorf("this is no header: %s", text))
		}
		h.Add(strings.TrimSpace(name), strings.TrimSpace(value))
		line++
	}
	return h, bytes.TrimSuffix(data, []byte("\n")), nil
}

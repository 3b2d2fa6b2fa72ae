package policytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"toolgate/shared/policy"
)

// Script has the responses of the backends of a test. It serves
// http.RoundTripper, for gateways whose requests would leave the machine.
type Script struct {
	// Out is where requests are written.
	Out *Writer

	mu       sync.Mutex
	answers  []*answer
	statuses []int
}

// answer is a scripted response.
type answer struct {
	method, url string // patterns; empty: any
	section     Section
	Message
	status int // 0: the request fails, with the first line as the reason
	used   bool
}

// Add reads a section "backend METHOD URL".
func (s *Script) Add(section Section) error {
	a := &answer{section: section}
	a.method, a.url, _ = strings.Cut(section.Rest, " ")
	var err error
	if a.Message, err = section.Message(); err != nil {
		return err
	}
	if a.First != "unreachable" && a.First != "timeout" {
		if a.status, err = statusOf(a.First); err != nil {
			return section.Fault(1, err)
		}
	}
	s.answers = append(s.answers, a)
	return nil
}

func statusOf(first string) (int, error) {
	text, _, _ := strings.Cut(first, " ")
	n, err := strconv.Atoi(text)
	if err != nil || n < 100 || n > 999 {
		return 0, fmt.Errorf("a scripted response begins with %q, which is no status", first)
	}
	return n, nil
}

// Statuses are what the next requests without a scripted response are answered
// with, in order, and an empty JSON object.
func (s *Script) Statuses(list []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.statuses = list
}

// Unused is an error for the first response that no request came for.
func (s *Script) Unused() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.answers {
		if !a.used {
			return a.section.Fault(0, errors.New("no request came for this response"))
		}
	}
	return nil
}

// sent is a request that a script answers.
type sent struct {
	kind, method, url string
	certificate       *policy.Certificate
	header            http.Header
	body              []byte
}

// respond writes a request into the transcript and finds the response to it: an
// empty one of status 200 where the script has none. The error is a
// *policy.SendError.
func (s *Script) respond(r sent) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := r.kind + " " + r.method + " " + r.url
	if r.certificate != nil {
		first += fmt.Sprintf("\n  presents %s", r.certificate.Public.Subject)
	}
	s.Out.Message(first, r.header, r.body)
	a := s.next(r.method, r.url)
	switch {
	case a == nil && len(s.statuses) > 0:
		a = &answer{status: s.statuses[0], Message: Message{Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte("{}")}}
		s.statuses = s.statuses[1:]
	case a == nil:
		a = &answer{status: http.StatusOK, Message: Message{Header: http.Header{}}}
	case a.status == 0:
		return nil, &policy.SendError{Timeout: a.First == "timeout", Err: errors.New(a.First)}
	}
	return &http.Response{
		StatusCode: a.status, Status: strconv.Itoa(a.status) + " " + http.StatusText(a.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.Header.Clone(), Body: io.NopCloser(bytes.NewReader(a.Body)), ContentLength: int64(len(a.Body)),
	}, nil
}

// RoundTrip serves http.RoundTripper.
func (s *Script) RoundTrip(req *http.Request) (*http.Response, error) {
	r := sent{kind: "backend", method: req.Method, url: req.URL.String(), header: req.Header.Clone()}
	if req.Body != nil {
		var err error
		r.body, err = io.ReadAll(req.Body)
		if err = errors.Join(err, req.Body.Close()); err != nil {
			return nil, err
		}
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	for _, name := range unvarying {
		r.header.Del(name)
	}
	res, err := s.respond(r)
	if failed, ok := errors.AsType[*policy.SendError](err); ok && failed.Timeout {
		return nil, context.DeadlineExceeded
	} else if ok {
		return nil, failed.Err
	}
	res.Request = req
	return res, nil
}

// unvarying are headers of the gateway's requests that say nothing of a call,
// or something else in each.
var unvarying = []string{"Accept-Encoding", "Content-Length", "Traceparent", "Tracestate", "User-Agent"}

// next is the next scripted response for a request, nil when the script has
// none that matches.
func (s *Script) next(method, u string) *answer {
	var last *answer
	for _, a := range s.answers {
		if a.method != "" && (!matches(a.method, method) || !matches(a.url, u)) {
			continue
		}
		last = a
		if !a.used {
			break
		}
	}
	if last != nil {
		last.used = true
	}
	return last
}

// matches tells whether a text matches a pattern, in which * stands for
// anything.
func matches(pattern, text string) bool {
	first, rest, more := strings.Cut(pattern, "*")
	if !more {
		return pattern == text
	}
	text, ok := strings.CutPrefix(text, first)
	if !ok {
		return false
	}
	for i := range len(text) + 1 {
		if matches(rest, text[i:]) {
			return true
		}
	}
	return false
}

package trace

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Call is what a message asked for, and the facts about its caller on which
// decisions depend, without credentials.
type Call struct {
	Params   jsontext.Value    `json:"params,omitzero"`
	Target   string            `json:"target,omitzero"`   // of a request to an API: path and query
	Revision string            `json:"revision,omitzero"` // of the protocol
	Headers  map[string]string `json:"headers,omitzero"`
	Claims   jsontext.Value    `json:"claims,omitzero"` // of the token; none: there was none
	// Subscription is the id of the subscription, and Product the one under which the
	// call ran.
	Subscription string `json:"subscription,omitzero"`
	Product      string `json:"product,omitzero"`
	IP           string `json:"ip,omitzero"`
}

// Record is a recorded call with what was decided of it: a line of a file of
// records.
type Record struct {
	Time   time.Time `json:"time"`
	Server string    `json:"server"`
	Method string    `json:"method"`
	Call
	Decision Decision `json:"decision"`
}

// Decision is what became of a call, as far as policies and rules have a say.
type Decision struct {
	Allowed bool   `json:"allowed"`
	Status  int    `json:"status"`
	Failed  bool   `json:"isError,omitzero"` // a tool result with isError
	Reason  string `json:"reason,omitzero"`  // as context.LastError has it
	Policy  string `json:"policy,omitzero"`  // that refused or answered: SCOPE/SECTION/PATH; or the step of the gateway
	// Requests are those that went to backends.
	Requests []Sent `json:"requests,omitzero"`
}

// Sent is a request to a backend, and the status that came back; 0 for none.
type Sent struct {
	Request string            `json:"request"` // method and URL
	Headers map[string]string `json:"headers,omitzero"`
	Body    string            `json:"body,omitzero"` // its size
	Status  int               `json:"status,omitzero"`
}

// ofConnection are headers that are another one in each call, or say nothing of
// what policies did.
var ofConnection = []string{"Accept-Encoding", "Content-Length", "Traceparent", "Tracestate", "User-Agent", "Request-Id", "X-Request-Id", "X-Correlation-Id"}

// Decision is what the trace says was decided.
func (t *Trace) Decision() Decision {
	d := Decision{Allowed: true, Status: t.Status, Failed: t.Failed}
	d.follow(t.Steps, false)
	if t.Status >= 400 {
		d.Allowed = false
	}
	return d
}

// follow takes down what steps decided: the first that failed, or else the first
// that ended the pipeline. Failures that a policy around them got over are none.
func (d *Decision) follow(list []Step, recovered bool) {
	for i := range list {
		s := &list[i]
		switch {
		case s.Kind == Request:
			d.Requests = append(d.Requests, sentBy(s))
		case s.Failure != nil && d.Allowed && !recovered:
			d.Allowed, d.Reason, d.Policy = false, s.Failure.Reason, s.place()
		case (s.Outcome == Returned || s.Outcome == Answered) && !s.endsInside() && d.Policy == "":
			d.Policy = s.place()
		}
		d.follow(s.Steps, recovered || (s.Name == "retry" || s.Name == "wait") && s.Outcome == "")
	}
}

// endsInside tells whether the pipeline was ended by a step inside of another.
func (s *Step) endsInside() bool {
	return slices.ContainsFunc(s.Steps, func(inner Step) bool { return inner.Outcome == s.Outcome })
}

// place is where a step stands, whatever the lines of its document.
func (s *Step) place() string {
	if s.Kind != Policy {
		return s.Name
	}
	return s.Scope + "/" + s.Section + "/" + s.Path
}

func sentBy(s *Step) Sent {
	sent := Sent{Request: s.Name}
	for _, e := range s.Effects {
		switch e.Kind {
		case "header":
			if slices.Contains(ofConnection, e.Name) {
				continue
			}
			if sent.Headers == nil {
				sent.Headers = map[string]string{}
			}
			sent.Headers[e.Name] = e.After
		case "body":
			sent.Body = e.After
		case "status":
			sent.Status, _ = strconv.Atoi(e.After)
		}
	}
	return sent
}

// Record is the call as a line of a file of records; nil where the trace has not
// recorded what was asked.
func (t *Trace) Record() *Record {
	if t.Call == nil {
		return nil
	}
	return &Record{Time: t.Time, Server: t.Server, Method: t.Method, Call: *t.Call, Decision: t.Decision()}
}

// AppendRecord appends the line of a record, with its end.
func AppendRecord(out []byte, r *Record) ([]byte, error) {
	line, err := json.Marshal(r)
	if err != nil {
		return out, &Error{Doing: "writing a record", Err: err}
	}
	return append(append(out, line...), '\n'), nil
}

// maxLine bounds one line of a file of records, in bytes.
const maxLine = 4 << 20

// ReadRecords reads a file of records. The error says in which line what is wrong.
func ReadRecords(r io.Reader) ([]Record, error) {
	var list []Record
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		var one Record
		err := json.Unmarshal(line, &one)
		if err == nil && (one.Server == "" || one.Method == "") {
			err = errors.New(`a record has a "server" and a "method"`)
		}
		if err != nil {
			return nil, &Error{Doing: "reading line " + strconv.Itoa(n), Err: err}
		}
		list = append(list, one)
	}
	if err := lines.Err(); err != nil {
		return nil, &Error{Doing: "reading the records", Err: err}
	}
	return list, nil
}

// Differences say how another decision differs, a line each; none: it does not.
func (d *Decision) Differences(other *Decision) []string {
	var list []string
	differ := func(what, a, b string) {
		if a != b {
			list = append(list, fmt.Sprintf("%s: %s → %s", what, shown(a), shown(b)))
		}
	}
	differ("decision", d.verdict(), other.verdict())
	differ("status", status(d.Status), status(other.Status))
	differ("reason", d.Reason, other.Reason)
	differ("policy", d.Policy, other.Policy)
	for i := range max(len(d.Requests), len(other.Requests)) {
		what := "request " + strconv.Itoa(i+1)
		switch {
		case i >= len(d.Requests):
			differ(what, "", other.Requests[i].Request)
		case i >= len(other.Requests):
			differ(what, d.Requests[i].Request, "")
		default:
			a, b := &d.Requests[i], &other.Requests[i]
			differ(what, a.Request, b.Request)
			differ(what+" body", a.Body, b.Body)
			for _, name := range headerNames(a.Headers, b.Headers) {
				differ(what+" header "+name, a.Headers[name], b.Headers[name])
			}
		}
	}
	return list
}

func (d *Decision) verdict() string {
	switch {
	case !d.Allowed:
		return "refused"
	case d.Failed:
		return "allowed, with isError"
	}
	return "allowed"
}

func shown(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

func headerNames(headers ...map[string]string) []string {
	var list []string
	for _, h := range headers {
		list = slices.AppendSeq(list, maps.Keys(h))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// AddHeader adds a header to what is recorded of a call, unless it may hold a
// credential.
func (c *Call) AddHeader(name string, values []string) {
	if sensitive(name) || slices.Contains(ofConnection, name) {
		return
	}
	if c.Headers == nil {
		c.Headers = map[string]string{}
	}
	c.Headers[name] = strings.Join(values, ", ")
}

package shadow

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"toolgate/shared/mcp"
	"toolgate/shared/trace"
)

// Kind says what differs.
type Kind string

// The kinds of differences.
const (
	Decision Kind = "decision" // allowed, refused or failed
	Reason   Kind = "reason"   // another reason, or another policy that decided
	Result   Kind = "result"   // the HTTP status, or whether the result of a tool is an error
	Request  Kind = "request"  // method or URL of a request to a backend, or whether there is one
	Header   Kind = "header"   // of a request to a backend
	Body     Kind = "body"     // the size of one
)

// Kinds are all of them, in the order of reports.
var Kinds = []Kind{Decision, Reason, Result, Request, Header, Body}

// Change is one thing that differs. Values of headers are not in it.
type Change struct {
	Kind      Kind   `json:"kind"`
	What      string `json:"what"`
	Live      string `json:"live"`
	Candidate string `json:"candidate"`
}

// Difference is a call that the candidate treats otherwise.
type Difference struct {
	Time      time.Time `json:"time"`
	Server    string    `json:"server"` // or the API
	Method    string    `json:"method"`
	Name      string    `json:"name,omitzero"` // tool, prompt, resource or operation
	RequestID string    `json:"requestId,omitzero"`
	Changes   []Change  `json:"changes"`
}

// Outcome is what a comparison came to.
type Outcome string

// The outcomes, as the metric toolgate.shadow.calls has them.
const (
	Same         Outcome = "same"
	Different    Outcome = "different"
	Incomparable Outcome = "incomparable" // something was missing that only an effect could have brought
	Dropped      Outcome = "dropped"      // not run: too many others were waiting
)

// Compare compares what became of a live call with what the candidate made of it.
// The difference has changes only with the outcome Different.
func (t *Transport) Compare(c *Call, live, candidate *trace.Trace, ignore []string) (Difference, Outcome) {
	d := Difference{Time: live.Time, Server: live.Server, Method: live.Method, Name: live.Name, RequestID: live.RequestID}
	before, after := live.Decision(), candidate.Decision()
	cached := fromCache(live) || fromCache(candidate)
	unanswered, uncertain := c.outcome()
	if !unanswered && !uncertain { // otherwise what follows from the answers says nothing
		d.decision(live, candidate, &before, &after)
	}
	if !cached {
		a, b := t.requests(before.Requests), t.requests(after.Requests)
		if !goesOn[live.Method] {
			a, b = t.asked(a, b), t.asked(b, a)
		}
		d.requests(a, b, ignore)
	}
	switch {
	case len(d.Changes) > 0:
		return d, Different
	case unanswered || uncertain:
		return d, Incomparable
	}
	return d, Same
}

// fromCache tells whether something was found in a cache: those of the live gateway
// and of the candidate have different content.
func fromCache(t *trace.Trace) bool {
	for _, s := range t.All() {
		if slices.ContainsFunc(s.Effects, func(e trace.Effect) bool { return e.Kind == "cache" && e.After == "found" }) {
			return true
		}
	}
	return false
}

// requests are those to backends as they are compared: members of pools stand for
// each other, and what belongs to the protocol of an MCP server is one request.
func (t *Transport) requests(list []trace.Sent) []trace.Sent {
	var made []trace.Sent
	for _, s := range list {
		s.Request = t.canonical(s.Request)
		if address, ok := strings.CutPrefix(s.Request, http.MethodPost+" "); ok && t.upstreams[address] {
			s.Headers, s.Body = ofPolicies(s.Headers), ""
			made = slices.DeleteFunc(made, func(other trace.Sent) bool { return other.Request == s.Request })
		}
		made = append(made, s)
	}
	return made
}

// goesOn are the methods whose every message goes on to an MCP server; others may be
// answered with what is known of it.
var goesOn = map[string]bool{
	mcp.MethodCallTool: true, mcp.MethodGetPrompt: true, mcp.MethodReadResource: true, mcp.MethodComplete: true,
	mcp.MethodGetTask: true, mcp.MethodUpdateTask: true, mcp.MethodCancelTask: true,
}

// asked are requests without those to MCP servers that the other list has not.
func (t *Transport) asked(list, other []trace.Sent) []trace.Sent {
	return slices.DeleteFunc(slices.Clone(list), func(s trace.Sent) bool {
		address, ok := strings.CutPrefix(s.Request, http.MethodPost+" ")
		return ok && t.upstreams[address] && !slices.ContainsFunc(other, func(o trace.Sent) bool { return o.Request == s.Request })
	})
}

// ofPolicies are headers of a request to an MCP server but for those of the
// protocol, which differ by the era that the server is taken for.
func ofPolicies(h map[string]string) map[string]string {
	made := map[string]string{}
	for name, value := range h {
		if !strings.HasPrefix(strings.ToLower(name), "mcp-") && name != "Last-Event-Id" {
			made[name] = value
		}
	}
	return made
}

// ofSigning are headers of signatures, which the candidate does not make.
var ofSigning = []string{"X-Amz-Date", "X-Amz-Content-Sha256", "X-Amz-Security-Token", "Authorization"}

// requests compares requests to backends. That there are none where a call was decided
// otherwise follows from that.
func (d *Difference) requests(live, candidate []trace.Sent, ignore []string) {
	decided := slices.ContainsFunc(d.Changes, func(c Change) bool { return c.Kind == Decision })
	for i := range max(len(live), len(candidate)) {
		what := "request " + strconv.Itoa(i+1)
		switch {
		case decided && (i >= len(live) || i >= len(candidate)):
		case i >= len(live):
			d.change(Request, what, "none", candidate[i].Request)
		case i >= len(candidate):
			d.change(Request, what, live[i].Request, "none")
		default:
			a, b := &live[i], &candidate[i]
			d.change(Request, what, a.Request, b.Request)
			d.change(Body, what, cmp.Or(a.Body, "none"), cmp.Or(b.Body, "none"))
			d.headers(what, a.Headers, b.Headers, ignore)
		}
	}
}

// headers compares headers. An Authorization counts by whether there is one: the
// candidate has something in the place of tokens.
func (d *Difference) headers(what string, live, candidate map[string]string, ignore []string) {
	var names []string
	for _, h := range []map[string]string{live, candidate} {
		for name := range h {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		a, inLive := live[name]
		b, inCandidate := candidate[name]
		switch {
		case slices.ContainsFunc(ignore, func(other string) bool { return strings.EqualFold(name, other) }):
		case inLive && inCandidate && a != b && !slices.Contains(ofSigning, name):
			d.change(Header, what+" "+name, "one value", "another value")
		case inLive != inCandidate && (name == "Authorization" || !slices.Contains(ofSigning, name)):
			d.change(Header, what+" "+name, presence(inLive), presence(inCandidate))
		}
	}
}

func presence(there bool) string {
	if there {
		return "set"
	}
	return "none"
}

func (d *Difference) decision(live, candidate *trace.Trace, before, after *trace.Decision) {
	a, b := verdict(before), verdict(after)
	if a != b {
		d.change(Decision, "decision", explained(a, live, before), explained(b, candidate, after))
	} else if before.Reason != after.Reason || before.Policy != after.Policy {
		d.change(Reason, "reason", explained(a, live, before), explained(b, candidate, after))
	}
	d.change(Result, "status", strconv.Itoa(before.Status), strconv.Itoa(after.Status))
	d.change(Result, "isError", strconv.FormatBool(before.Failed), strconv.FormatBool(after.Failed))
}

// change adds one, where there is one.
func (d *Difference) change(kind Kind, what, live, candidate string) {
	if live != candidate {
		d.Changes = append(d.Changes, Change{kind, what, live, candidate})
	}
}

// verdict is allowed, refused or failed: what a policy of the backend section ends
// on, or a status from 500, is no refusal.
func verdict(d *trace.Decision) string {
	last := d.Policy[strings.LastIndexByte(d.Policy, '/')+1:]
	name, _, _ := strings.Cut(last, "[")
	switch {
	case d.Status >= 500, name == "forward-request", name == "send-request":
		return "failed"
	case !d.Allowed:
		return "refused"
	case d.Failed:
		return "failed"
	}
	return "allowed"
}

// explained is a verdict with its reason, the policy, and where that stands.
func explained(verdict string, t *trace.Trace, d *trace.Decision) string {
	if d.Reason != "" {
		verdict += ": " + d.Reason
	}
	if d.Policy != "" {
		verdict += " by " + d.Policy
	}
	for _, s := range t.All() {
		if s.Kind == trace.Policy && s.At != "" && s.Scope+"/"+s.Section+"/"+s.Path == d.Policy {
			return verdict + " at " + s.At
		}
	}
	return verdict
}

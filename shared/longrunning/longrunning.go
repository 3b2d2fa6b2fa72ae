// Package longrunning knows what a REST API says of an operation that goes on after
// its answer: how the first answer names the place where to ask, and what is said
// there. It performs no I/O.
//
// Two ways are common. A status monitor (Operation-Location, Azure-AsyncOperation)
// answers 200 with a document that has the state. A location (202 with Location)
// answers 202 as long as the operation goes on, and its first other answer is the
// result.
package longrunning

import (
	"cmp"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Kind is the way in which a place says how an operation goes.
type Kind uint8

const (
	// Location answers 202 until the operation has ended; what it answers then is the
	// result.
	Location Kind = iota
	// Monitor answers with a document that has the state of the operation.
	Monitor
)

// Operation is one that goes on.
type Operation struct {
	Kind Kind
	URL  *url.URL // where to ask
	// Result is where the result is, once the operation has succeeded; nil where the
	// last answer has it.
	Result *url.URL
	// Wait is how long to wait before asking; 0 where nothing was said.
	Wait time.Duration
}

// Headers that name a status monitor, in their canonical forms.
const (
	operationLocation   = "Operation-Location"
	azureAsyncOperation = "Azure-Asyncoperation"
)

// Answer is an HTTP response, and what it answers.
type Answer struct {
	// Method and URL are those of the request.
	Method string
	URL    *url.URL
	Status int
	Header http.Header
	Body   []byte
}

// Started reads the first answer of an operation: 202 with Location, or any success
// with Operation-Location or Azure-AsyncOperation. It reports false where nothing
// goes on, or where that cannot be asked for.
func Started(a *Answer, now time.Time) (Operation, bool) {
	if a.Status < 200 || a.Status > 299 {
		return Operation{}, false
	}
	o := Operation{Kind: Monitor, Wait: RetryAfter(a.Header, now)}
	location := a.resolve("Location")
	o.URL = cmp.Or(a.resolve(operationLocation), a.resolve(azureAsyncOperation))
	switch {
	case o.URL != nil && (a.Method == http.MethodPut || a.Method == http.MethodPatch):
		o.Result = a.URL // the resource that was changed
	case o.URL != nil:
		o.Result = location
	case a.Status == http.StatusAccepted && location != nil:
		o.Kind, o.URL = Location, location
	}
	return o, o.URL != nil
}

// resolve is the URL that a header names; nil for none and for one that is no http
// URL.
func (a *Answer) resolve(name string) *url.URL {
	return Resolve(a.URL, a.Header.Get(name))
}

// Resolve is the http or https URL that a reference is, seen from base; nil where it
// is none. User information and fragments are not let pass.
func Resolve(base *url.URL, reference string) *url.URL {
	if reference == "" || strings.ContainsFunc(reference, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return nil
	}
	u, err := url.Parse(reference)
	if err != nil {
		return nil
	}
	if base != nil {
		u = base.ResolveReference(u)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.Opaque != "" {
		return nil
	}
	u.Fragment, u.RawFragment = "", ""
	return u
}

// State is how an operation goes.
type State uint8

const (
	Working State = iota
	Unknown       // the backend could not say it this time
	Succeeded
	Failed
	Cancelled
	Lost // the backend does not know the operation, or refuses to tell
)

// Progress is what was said of an operation.
type Progress struct {
	State State
	// Word is the backend's own word for the state; empty where it has none.
	Word string
	// Result is the part of the body that is the result of a success; nil for all of
	// it.
	Result jsontext.Value
	// Next is where the result is; nil: in the answer.
	Next *url.URL
	// Wait is how long to wait before asking again; 0 where nothing was said.
	Wait time.Duration
}

// Read reads an answer of the place where to ask. The member names the one that has
// the state, with dots between the names of members; empty: one of those that are
// common.
func (o *Operation) Read(a *Answer, member string, now time.Time) Progress {
	p := Progress{Wait: RetryAfter(a.Header, now)}
	durable, word := false, ""
	if o.Kind == Monitor {
		word, durable = stateOf(a.Body, member)
	} else if word = textAt(a.Body, "runtimeStatus"); word != "" { // of Durable Functions
		durable = true
	}
	p.Word = word
	said := stateOfWord(word)
	switch {
	case word != "" && (said == Failed || said == Cancelled):
		p.State = said // under whatever status
	case a.Status == http.StatusRequestTimeout, a.Status == http.StatusTooEarly, a.Status == http.StatusTooManyRequests, a.Status >= 500:
		p.State = Unknown
	case a.Status >= 300 && a.Status <= 399 && a.Status != http.StatusNotModified:
		p.State, p.Next = Succeeded, a.resolve("Location")
		if p.Next == nil {
			p.State = Lost
		}
	case a.Status == http.StatusNotModified:
	case a.Status >= 400:
		p.State = Lost
	case a.Status == http.StatusAccepted && said != Succeeded:
	case word == "":
		p.State, p.Next = Succeeded, o.Result
	default:
		p.State = said
	}
	if p.State == Succeeded && p.Next == nil && word != "" {
		p.Result, p.Next = o.result(a, durable)
	}
	return p
}

// result finds the result of an operation whose monitor says that it succeeded.
func (o *Operation) result(a *Answer, durable bool) (jsontext.Value, *url.URL) {
	if durable {
		return at(a.Body, "output"), nil
	}
	if next := Resolve(a.URL, textAt(a.Body, "resourceLocation")); next != nil {
		return nil, next
	}
	if result := at(a.Body, "result"); result != nil {
		return result, nil
	}
	return nil, o.Result
}

// commonMembers are those that have the state where nothing else is known.
var commonMembers = []string{"status", "state", "runtimeStatus", "provisioningState", "properties.provisioningState", "properties.status"}

// stateOf is the word for the state in a body, and whether it is one of Durable
// Functions.
func stateOf(body []byte, member string) (word string, durable bool) {
	if member != "" {
		return textAt(body, member), member == "runtimeStatus"
	}
	for _, name := range commonMembers {
		if word := textAt(body, name); word != "" {
			return word, name == "runtimeStatus"
		}
	}
	return "", false
}

// words are the states by the words that APIs have for them, in lower case and
// without what stands between words. All others are of an operation that goes on.
var words = map[string]State{
	"succeeded": Succeeded, "success": Succeeded, "successful": Succeeded, "completed": Succeeded, "complete": Succeeded,
	"done": Succeeded, "finished": Succeeded,
	"failed": Failed, "failure": Failed, "error": Failed, "errored": Failed, "faulted": Failed, "timedout": Failed,
	"canceled": Cancelled, "cancelled": Cancelled, "aborted": Cancelled, "terminated": Cancelled,
}

func stateOfWord(word string) State {
	plain := strings.Map(func(r rune) rune {
		if r == ' ' || r == '_' || r == '-' {
			return -1
		}
		return r
	}, strings.ToLower(word))
	return words[plain]
}

// at is the value of a member of a JSON object, with dots between the names of
// members; nil for none, and for null.
func at(body []byte, member string) jsontext.Value {
	value := jsontext.Value(body)
	for name := range strings.SplitSeq(member, ".") {
		var members map[string]jsontext.Value
		if value.Kind() != '{' || json.Unmarshal(value, &members) != nil {
			return nil
		}
		value = members[name]
	}
	if len(value) == 0 || value.Kind() == 'n' {
		return nil
	}
	return value
}

// textAt is the text of a member that is a string, or a number as it is written.
func textAt(body []byte, member string) string {
	value := at(body, member)
	switch value.Kind() {
	case '0':
		return string(value)
	case '"':
		text, err := jsontext.AppendUnquote(nil, value)
		if err == nil {
			return string(text)
		}
	}
	return ""
}

// maxWait bounds a Retry-After.
const maxWait = 24 * time.Hour

// RetryAfter reads seconds or a date (RFC 9110, section 10.2.3); 0 for neither.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(v, 10, 64); err == nil {
		return time.Duration(min(seconds, uint64(maxWait/time.Second))) * time.Second
	}
	if when, err := http.ParseTime(v); err == nil {
		return min(max(0, when.Sub(now)), maxWait)
	}
	return 0
}

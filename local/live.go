package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"toolgate/shared/gateway"
	"toolgate/shared/mcp"
	"toolgate/shared/trace"
)

// Bounds of what the live view keeps in memory.
const (
	keptCalls  = 500
	keptTraces = 200
	keptRows   = 200 // clients may make up names of tools: what comes later shares one row
	keptTimes  = 512 // durations of a tool, from which percentiles are
	// A row shows the calls of the last five minutes, in slices of time.
	activitySlices = 60
	activitySlice  = 5 * time.Second
)

// live has what the live view shows: the last calls, a row for each tool, and how the
// last requests went. It is safe for concurrent use.
type live struct {
	now func() time.Time
	// began tells this run from another one that had the same address.
	began string

	mu      sync.Mutex
	seq     int            // of the last call; the first has 1
	calls   []liveCall     // a ring: the call n is at n % keptCalls
	rows    []*liveRow     // in the order in which they came
	all     durations      // of all calls
	traces  []*trace.Trace // a ring
	traced  int
	changed chan struct{} // closed with the next call
}

// liveCall is a call as the page shows it.
type liveCall struct {
	Seq     int     `json:"seq"`
	Time    int64   `json:"time"` // milliseconds since 1970
	Server  string  `json:"server"`
	Method  string  `json:"method"`
	Name    string  `json:"name"` // of the tool, prompt or resource
	Status  int     `json:"status"`
	Millis  float64 `json:"ms"`
	Outcome outcome `json:"outcome"`
	Code    string  `json:"code,omitzero"`   // the reason as policies know it (context.LastError.Reason)
	Reason  string  `json:"reason,omitzero"` // for people
	Policy  string  `json:"policy,omitzero"` // that refused, failed or answered, or the step of the gateway
	At      string  `json:"at,omitzero"`     // where that policy stands: file:line:column
	Note    string  `json:"note,omitzero"`   // cached, or what became of an approval or a task
	Trace   string  `json:"trace,omitzero"`  // the id of a trace that is kept
}

// outcome is how a call ended, in a word.
type outcome string

const (
	wentWell outcome = "ok"
	refused  outcome = "refused" // by a policy, a rule, or because the request was wrong
	failed   outcome = "failed"
)

// liveRow counts the calls of a tool, or those of another method of a server.
type liveRow struct {
	server, name string
	tool         bool
	calls        int
	refused      int
	failed       int
	times        durations
	activity     [activitySlices]activity
}

// activity is what came in one slice of time, of which at is the number since 1970.
type activity struct {
	at         int64
	calls, bad int
}

// durations are the last ones, in milliseconds.
type durations struct {
	list []float64
	next int
}

func (d *durations) add(millis float64) {
	if len(d.list) < keptTimes {
		d.list = append(d.list, millis)
		return
	}
	d.list[d.next] = millis
	d.next = (d.next + 1) % keptTimes
}

// percentiles are the median and the 95th, by nearest rank; 0 without calls.
func (d *durations) percentiles() (p50, p95 float64) {
	if len(d.list) == 0 {
		return 0, 0
	}
	sorted := slices.Sorted(slices.Values(d.list))
	rank := func(percent int) float64 { return sorted[max(0, (len(sorted)*percent+99)/100-1)] }
	return rank(50), rank(95)
}

func newLive(now func() time.Time) *live {
	return &live{
		now: now, began: strconv.FormatInt(now().UnixNano(), 36),
		calls: make([]liveCall, keptCalls), traces: make([]*trace.Trace, keptTraces), changed: make(chan struct{}),
	}
}

// keep keeps how a request went, which comes before the call itself.
func (l *live) keep(t *trace.Trace) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.traces[l.traced%keptTraces] = t
	l.traced++
}

// trace finds a trace that is kept; nil for none.
func (l *live) trace(id string) *trace.Trace {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.find(id)
}

func (l *live) find(id string) *trace.Trace {
	if id == "" {
		return nil
	}
	for back := range min(l.traced, keptTraces) {
		if t := l.traces[(l.traced-1-back)%keptTraces]; t.ID == id {
			return t
		}
	}
	return nil
}

// add counts a call, and shows it to whoever looks.
func (l *live) add(c gateway.Call) {
	shown := liveCall{
		Time: c.Time.UnixMilli(), Server: c.Server, Method: c.Method, Name: c.Name, Status: c.Status,
		Millis: float64(c.Duration.Microseconds()) / 1000, Note: note(c),
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.find(c.TraceID)
	if t != nil {
		shown.Trace = t.ID
	}
	shown.judge(c, t)
	l.seq++
	shown.Seq = l.seq
	l.calls[l.seq%keptCalls] = shown
	l.count(&shown)
	close(l.changed)
	l.changed = make(chan struct{})
}

// note says in a few words what else there is to know of a call.
func note(c gateway.Call) string {
	var parts []string
	if c.Via != "" {
		parts = append(parts, "by "+c.Via)
	}
	if c.Cached {
		parts = append(parts, "cached")
	}
	if c.Approval != "" {
		parts = append(parts, "approval "+c.Approval)
	}
	if c.Task != "" {
		parts = append(parts, "task "+c.Task)
	}
	return strings.Join(parts, ", ")
}

// judge says how the call ended, and why: by its trace, or by its error where it has
// none.
func (c *liveCall) judge(of gateway.Call, t *trace.Trace) {
	c.Outcome = wentWell
	switch {
	case of.Status >= 500:
		c.Outcome = failed
	case of.Status == http.StatusMethodNotAllowed:
		return // how clients learn that there is no stream to be had by GET
	case of.Status >= 400:
		c.Outcome = refused
	case of.Failed || of.Err != nil:
		c.Outcome = failed
	}
	if clientFault(of.Err) && c.Outcome == failed {
		c.Outcome = refused
	}
	if of.Err != nil {
		c.Reason = of.Err.Error()
	}
	if t != nil {
		c.explain(t)
	}
}

// clientFault tells whether an error of JSON-RPC says that the request was wrong.
func clientFault(err error) bool {
	e, ok := errors.AsType[*mcp.Error](err)
	return ok && e.Code != mcp.CodeInternalError
}

// explain says which step decided, and why, as the trace has it.
func (c *liveCall) explain(t *trace.Trace) {
	s := decisive(t)
	if s == nil {
		if c.Outcome != wentWell && c.Reason == "" {
			c.Reason = answeredBy(t)
		}
		return
	}
	c.Policy, c.At = s.Name, s.At
	if s.ID != "" {
		c.Policy += " #" + s.ID
	}
	switch f := s.Failure; {
	case f != nil:
		c.Code, c.Reason = f.Reason, f.Message
		if c.Outcome == failed && f.Status >= 400 && f.Status < 500 {
			c.Outcome = refused // the model was told so by a result with isError
		}
	case c.Outcome != wentWell && c.Reason == "":
		c.Reason = "answered " + strconv.Itoa(t.Status)
	}
}

// answeredBy says what the last request to a backend came to; empty where there was
// none.
func answeredBy(t *trace.Trace) (text string) {
	for _, s := range t.All() {
		if s.Kind != trace.Request {
			continue
		}
		for i := range s.Effects {
			if e := &s.Effects[i]; e.Kind == "status" {
				text = "the backend answered " + e.After
			}
		}
	}
	return text
}

// decisive is the innermost step that failed, refused or ended the request; nil where
// all of them let it go on.
func decisive(t *trace.Trace) *trace.Step {
	var ended, broke *trace.Step
	for _, s := range t.All() {
		switch s.Outcome {
		case trace.Failed, trace.Refused:
			if s.Failure != nil && s.Kind != trace.Request {
				broke = s
			}
		case trace.Returned, trace.Answered:
			ended = s
		}
	}
	if t.Status < 400 && !t.Failed {
		return ended // what broke on the way, the policies got over
	}
	return cmp.Or(broke, ended)
}

// count adds a call to the row of its tool.
func (l *live) count(c *liveCall) {
	r := l.row(c)
	r.calls++
	switch c.Outcome {
	case refused:
		r.refused++
	case failed:
		r.failed++
	case wentWell:
	}
	r.times.add(c.Millis)
	l.all.add(c.Millis)
	at := l.slice()
	a := &r.activity[at%activitySlices]
	if a.at != at {
		*a = activity{at: at}
	}
	a.calls++
	if c.Outcome != wentWell {
		a.bad++
	}
}

// slice is the number of the slice of time that is now.
func (l *live) slice() int64 { return l.now().UnixNano() / int64(activitySlice) }

// row is that of the tool, or of the method where no tool was called.
func (l *live) row(c *liveCall) *liveRow {
	server, name, tool := c.Server, c.Method, false
	if c.Method == mcp.MethodCallTool && c.Name != "" {
		name, tool = c.Name, true
	}
	if len(l.rows) >= keptRows-1 && !slices.ContainsFunc(l.rows, func(r *liveRow) bool { return r.is(server, name, tool) }) {
		server, name, tool = "", "others", false
	}
	for _, r := range l.rows {
		if r.is(server, name, tool) {
			return r
		}
	}
	made := &liveRow{server: server, name: name, tool: tool}
	l.rows = append(l.rows, made)
	return made
}

func (r *liveRow) is(server, name string, tool bool) bool {
	return r.server == server && r.name == name && r.tool == tool
}

// liveView is what the live view shows at a time.
type liveView struct {
	Calls   int        `json:"calls"`
	Refused int        `json:"refused"`
	Failed  int        `json:"failed"`
	P50     float64    `json:"p50"`
	P95     float64    `json:"p95"`
	Rows    []shownRow `json:"rows"` // by server and name, tools first
	// Latest are the calls after the one that was asked for, the oldest first.
	Latest []liveCall `json:"latest"`
}

// shownRow is a row as it is shown.
type shownRow struct {
	Server  string  `json:"server"`
	Name    string  `json:"name"`
	Tool    bool    `json:"tool"`
	Calls   int     `json:"calls"`
	Refused int     `json:"refused"`
	Failed  int     `json:"failed"`
	P50     float64 `json:"p50"`
	P95     float64 `json:"p95"`
	// Activity is the number of calls in each slice of time, the oldest first; Bad is
	// how many of them were refused or failed.
	Activity []int `json:"activity"`
	Bad      []int `json:"bad"`
}

// view is what there is to show, with the calls after one of a number. The channel is
// closed with the next call.
func (l *live) view(after int) (v liveView, seq int, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	v.P50, v.P95 = l.all.percentiles()
	now := l.slice()
	for _, r := range l.rows {
		v.Calls, v.Refused, v.Failed = v.Calls+r.calls, v.Refused+r.refused, v.Failed+r.failed
		v.Rows = append(v.Rows, r.shown(now))
	}
	slices.SortFunc(v.Rows, func(a, b shownRow) int {
		return cmp.Or(cmp.Compare(a.Server, b.Server), compareBool(b.Tool, a.Tool), cmp.Compare(a.Name, b.Name))
	})
	for n := max(after, l.seq-keptCalls) + 1; n <= l.seq; n++ {
		v.Latest = append(v.Latest, l.calls[n%keptCalls])
	}
	return v, l.seq, l.changed
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func (r *liveRow) shown(now int64) shownRow {
	s := shownRow{
		Server: r.server, Name: r.name, Tool: r.tool, Calls: r.calls, Refused: r.refused, Failed: r.failed,
		Activity: make([]int, activitySlices), Bad: make([]int, activitySlices),
	}
	s.P50, s.P95 = r.times.percentiles()
	for i := range activitySlices {
		at := now - activitySlices + 1 + int64(i)
		if a := r.activity[at%activitySlices]; a.at == at {
			s.Activity[i], s.Bad[i] = a.calls, a.bad
		}
	}
	return s
}

// summary is the whole in a few words.
func (v *liveView) summary() string {
	return fmt.Sprintf("%s · %d refused · %d failed · p50 %.1f ms · p95 %.1f ms", count(v.Calls, "call"), v.Refused, v.Failed, v.P50, v.P95)
}

// age says what there is to show without making it: the number of the last call, and
// the slice of time, in which activity moves on.
func (l *live) age() (seq int, slice int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seq, l.slice()
}

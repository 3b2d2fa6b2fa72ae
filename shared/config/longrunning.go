package config

import (
	"cmp"
	"slices"
	"time"

	"toolgate/shared/fault"
	"toolgate/shared/longrunning"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// LongRunning says that calls of a tool may go on after the backend's first answer,
// and how they are followed.
type LongRunning struct {
	// Never says the opposite, whatever the document and the server say of the tool.
	Never bool `json:"never,omitzero"`
	// Poll is where to ask, below the URL of the backend, for backends whose answer does
	// not say so; empty: what the answer says. Names in braces are members of the
	// answer, or else arguments of the call.
	Poll string `json:"poll,omitzero"`
	// Status is the member that has the state, with dots between names; empty: one of
	// those that are common.
	Status string `json:"status,omitzero"`
	// Cancel sends DELETE where to ask when a task is cancelled.
	Cancel bool `json:"cancel,omitzero"`
	// TasksOnly refuses clients that do not know tasks.
	TasksOnly bool `json:"tasksOnly,omitzero"`
	// Origins are those besides the backend's own where to ask, such as
	// https://jobs.contoso.com.
	Origins []string `json:"origins,omitzero"`
	// Interval is how long clients wait before they ask again, where the backend does
	// not say; in JSON "5s".
	Interval time.Duration `json:"-"`
	// Expires is how long a task can be asked for; in JSON "24h0m0s".
	Expires time.Duration  `json:"-"`
	At      fault.Position `json:"-"`
}

const (
	defaultPollInterval = 5 * time.Second
	defaultTaskLife     = 24 * time.Hour
	minTaskLife         = time.Minute
	maxTaskLife         = 30 * 24 * time.Hour
)

// Over is what holds for a tool: what the tool itself says, and for what it leaves
// open that of its server. Both may be nil. A nil result leaves it to the document.
func (l *LongRunning) Over(server *LongRunning) *LongRunning {
	if l == nil {
		return server
	}
	if server == nil || l.Never || server.Never {
		return l
	}
	made := *l
	made.Poll, made.Status = cmp.Or(l.Poll, server.Poll), cmp.Or(l.Status, server.Status)
	made.Cancel, made.TasksOnly = l.Cancel || server.Cancel, l.TasksOnly || server.TasksOnly
	made.Origins = slices.Concat(l.Origins, server.Origins)
	made.Interval, made.Expires = cmp.Or(l.Interval, server.Interval), cmp.Or(l.Expires, server.Expires)
	return &made
}

// Complete is l with what applies where nothing is said; of nil, all of it.
func (l *LongRunning) Complete() *LongRunning {
	made := LongRunning{}
	if l != nil {
		made = *l
	}
	made.Interval, made.Expires = cmp.Or(made.Interval, defaultPollInterval), cmp.Or(made.Expires, defaultTaskLife)
	return &made
}

var longRunningKeys = vocabulary[LongRunning]{kind: "longRunning", check: notEmpty[LongRunning]("write true, or say how"), keys: []key[LongRunning]{
	{name: "poll", decode: func(d *decoder, v value, l *LongRunning) { l.Poll = d.pollTemplate(v) }},
	{name: "status", decode: func(d *decoder, v value, l *LongRunning) { l.Status = d.str(v) }},
	{name: "cancel", decode: func(d *decoder, v value, l *LongRunning) { d.flag(v, &l.Cancel) }},
	{name: "tasksOnly", decode: func(d *decoder, v value, l *LongRunning) { d.flag(v, &l.TasksOnly) }},
	{name: "origins", decode: func(d *decoder, v value, l *LongRunning) {
		for item := range d.list(v) {
			if origin := d.allowedOrigin(item); origin != "" {
				l.Origins = append(l.Origins, origin)
			}
		}
	}},
	{name: "interval", decode: func(d *decoder, v value, l *LongRunning) { d.timeout(v, &l.Interval) }},
	{name: "expires", decode: func(d *decoder, v value, l *LongRunning) { d.lifetime(v, minTaskLife, maxTaskLife, &l.Expires) }},
}}

// pollTemplate returns the path, with names in braces, at which operations are asked
// for.
func (d *decoder) pollTemplate(v value) string {
	s := d.str(v)
	if s == "" {
		return ""
	}
	if wrong := longrunning.CheckTemplate(s); wrong != "" {
		d.fault(v.at, "write a path below the URL of the backend, as in /jobs/{id}", "%s is %s, which %s", v.what, quote(s), wrong)
		return ""
	}
	return s
}

// longRunning decodes true, false or a mapping.
func (d *decoder) longRunning(v value) *LongRunning {
	l := &LongRunning{At: v.at}
	l.Never = !decodeChoice(d, v, longRunningKeys, l)
	return l
}

type longRunningFields LongRunning

// longRunningForm is LongRunning in JSON.
type longRunningForm struct {
	Fields   longRunningFields `json:",embed"`
	Interval duration          `json:"interval"`
	Expires  duration          `json:"expires"`
}

// MarshalJSONTo implements the json package's MarshalerTo.
func (l LongRunning) MarshalJSONTo(enc *jsontext.Encoder) error {
	return json.MarshalEncode(enc, longRunningForm{longRunningFields(l), duration(l.Interval), duration(l.Expires)})
}

// UnmarshalJSONFrom implements the json package's UnmarshalerFrom.
func (l *LongRunning) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var form longRunningForm
	err := json.UnmarshalDecode(dec, &form)
	*l = LongRunning(form.Fields)
	l.Interval, l.Expires = time.Duration(form.Interval), time.Duration(form.Expires)
	return err
}

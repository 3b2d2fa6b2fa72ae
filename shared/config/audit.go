package config

import (
	"strconv"
	"time"

	"toolgate/shared/pattern"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Audit says what is recorded of calls for the audit, and where.
type Audit struct {
	Store bool `json:"store,omitzero"` // in the store that instances share
	Log   bool `json:"log,omitzero"`   // as lines of the log
	// Retention is how long rows are kept, in whole days; in JSON "2160h0m0s".
	Retention time.Duration `json:"-"`
	// All records every request, and not only the calls of tools.
	All bool `json:"all,omitzero"`
	// Arguments records them, redacted, and not only their hash.
	Arguments bool `json:"arguments,omitzero"`
	// Refuse has calls refused while they cannot be recorded.
	Refuse bool `json:"refuse,omitzero"`
}

// What applies where the file says nothing, and the bounds.
const (
	auditRetention    = 90 * 24 * time.Hour
	maxAuditRetention = 3650 // days
)

var auditKeys = vocabulary[Audit]{kind: "audit", check: checkAudit, keys: []key[Audit]{
	{name: "store", decode: func(d *decoder, v value, a *Audit) { d.flag(v, &a.Store) }},
	{name: "log", decode: func(d *decoder, v value, a *Audit) { d.flag(v, &a.Log) }},
	{name: "retention", decode: func(d *decoder, v value, a *Audit) { d.days(v, maxAuditRetention, &a.Retention) }},
	{name: "include", decode: func(d *decoder, v value, a *Audit) { a.All = d.oneOf(v, "tools/call", "all") == "all" }},
	{name: "arguments", decode: func(d *decoder, v value, a *Audit) { a.Arguments = d.oneOf(v, "hash", "full") == "full" }},
	{name: "onStoreFailure", decode: func(d *decoder, v value, a *Audit) { a.Refuse = d.oneOf(v, "allow", "refuse") == "refuse" }},
}}

// checkAudit wants a place for records, and one that can fail where that matters.
func checkAudit(d *decoder, v value, present map[string]value, a *Audit) {
	if !a.Store && !a.Log {
		d.fault(v.key, "record in the store, in the log, or in both", "%s records nowhere", v.what)
	}
	if given, ok := present["onStoreFailure"]; ok && !a.Store && a.Log {
		d.fault(given.key, `leave it out, or set "store" to true`, "%s stands beside a store that is not written to", given.what)
	}
}

// audit decodes the settings.
func (d *decoder) audit(v value) *Audit {
	a := Audit{Store: true, Retention: auditRetention}
	decodeMapping(d, v, auditKeys, &a)
	return &a
}

var daysPattern = pattern.Lazy(`^([0-9]{1,4})d$`)

// days stores a number of whole days, such as 90d.
func (d *decoder) days(v value, most int, to *time.Duration) {
	wanted := "a number of days from 1d to " + strconv.Itoa(most) + "d, such as 90d"
	s, ok := d.scalar(v, wanted)
	if !ok {
		return
	}
	if m := daysPattern().FindStringSubmatch(s.text); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil && n >= 1 && n <= most {
			*to = time.Duration(n) * 24 * time.Hour
			return
		}
	}
	d.outOfRange(v, s, wanted)
}

type auditFields Audit

// auditForm is Audit in JSON.
type auditForm struct {
	Fields    auditFields `json:",embed"`
	Retention duration    `json:"retention"`
}

// MarshalJSONTo implements the json package's MarshalerTo.
func (a Audit) MarshalJSONTo(enc *jsontext.Encoder) error {
	return json.MarshalEncode(enc, auditForm{auditFields(a), duration(a.Retention)})
}

// UnmarshalJSONFrom implements the json package's UnmarshalerFrom.
func (a *Audit) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var form auditForm
	err := json.UnmarshalDecode(dec, &form)
	*a = Audit(form.Fields)
	a.Retention = time.Duration(form.Retention)
	return err
}

package config

import (
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// duration is a time.Duration in JSON, where it is the text of
// [time.Duration.String]; the JSON package gives time.Duration no form.
type duration time.Duration

// MarshalText writes for example "1m30s".
func (t duration) MarshalText() ([]byte, error) {
	return []byte(time.Duration(t).String()), nil
}

// UnmarshalText reads what MarshalText writes.
func (t *duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*t = duration(parsed)
	return err
}

// timed is a struct F in JSON together with its timeout, which F leaves out.
type timed[F any] struct {
	Fields  F        `json:",embed"`
	Timeout duration `json:"timeout,omitzero"`
}

// The same fields without methods, so that encoding them does not recur.
type (
	limitsFields   Limits
	backendFields  Backend
	upstreamFields Upstream
	breakerFields  CircuitBreaker
)

// limitsForm is Limits in JSON.
type limitsForm struct {
	Fields  limitsFields `json:",embed"`
	Timeout duration     `json:"timeout"`
	ListTTL duration     `json:"listTtl"`
}

// MarshalJSONTo implements the json package's MarshalerTo.
func (l Limits) MarshalJSONTo(enc *jsontext.Encoder) error {
	return json.MarshalEncode(enc, limitsForm{limitsFields(l), duration(l.Timeout), duration(l.ListTTL)})
}

// UnmarshalJSONFrom implements the json package's UnmarshalerFrom.
func (l *Limits) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var form limitsForm
	err := json.UnmarshalDecode(dec, &form)
	*l = Limits(form.Fields)
	l.Timeout, l.ListTTL = time.Duration(form.Timeout), time.Duration(form.ListTTL)
	return err
}

// MarshalJSONTo implements the json package's MarshalerTo.
func (b Backend) MarshalJSONTo(enc *jsontext.Encoder) error {
	return json.MarshalEncode(enc, timed[backendFields]{backendFields(b), duration(b.Timeout)})
}

// UnmarshalJSONFrom implements the json package's UnmarshalerFrom.
func (b *Backend) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var t timed[backendFields]
	err := json.UnmarshalDecode(dec, &t)
	*b = Backend(t.Fields)
	b.Timeout = time.Duration(t.Timeout)
	return err
}

// MarshalJSONTo implements the json package's MarshalerTo.
func (u Upstream) MarshalJSONTo(enc *jsontext.Encoder) error {
	return json.MarshalEncode(enc, timed[upstreamFields]{upstreamFields(u), duration(u.Timeout)})
}

// UnmarshalJSONFrom implements the json package's UnmarshalerFrom.
func (u *Upstream) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var t timed[upstreamFields]
	err := json.UnmarshalDecode(dec, &t)
	*u = Upstream(t.Fields)
	u.Timeout = time.Duration(t.Timeout)
	return err
}

// breakerForm is CircuitBreaker in JSON.
type breakerForm struct {
	Fields       breakerFields `json:",embed"`
	Interval     duration      `json:"interval"`
	TripDuration duration      `json:"tripDuration"`
}

// MarshalJSONTo implements the json package's MarshalerTo.
func (b CircuitBreaker) MarshalJSONTo(enc *jsontext.Encoder) error {
	return json.MarshalEncode(enc, breakerForm{breakerFields(b), duration(b.Interval), duration(b.TripDuration)})
}

// UnmarshalJSONFrom implements the json package's UnmarshalerFrom.
func (b *CircuitBreaker) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var form breakerForm
	err := json.UnmarshalDecode(dec, &form)
	*b = CircuitBreaker(form.Fields)
	b.Interval, b.TripDuration = time.Duration(form.Interval), time.Duration(form.TripDuration)
	return err
}

package config

import (
	"strings"

	"toolgate/shared/fault"

	"go.yaml.in/yaml/v4"
)

// Result says what of a tool's results a model is shown.
type Result struct {
	// Select is a JMESPath expression; empty: everything.
	Select string `json:"select,omitzero"`
	// PageSize is how many items a page has at most; 0: results have no pages.
	PageSize int `json:"pageSize,omitzero"`
	// MaxBytes bounds the JSON of a result; 0: as limits.resultBytes.
	MaxBytes int            `json:"maxBytes,omitzero"`
	At       fault.Position `json:"-"`
	SelectAt fault.Position `json:"-"` // of the first character of Select
}

const (
	maxPageItems  = 1000
	minResultSize = 1 << 10
	maxResultSize = 3 << 20
)

var resultKeys = vocabulary[Result]{kind: "result", check: notEmpty[Result](`give "select", "pageSize" or "maxBytes"`), keys: []key[Result]{
	{name: "select", decode: func(d *decoder, v value, r *Result) { r.Select, r.SelectAt = d.str(v), textAt(v) }},
	{name: "pageSize", decode: func(d *decoder, v value, r *Result) { d.integer(v, 1, maxPageItems, &r.PageSize) }},
	{name: "maxBytes", decode: func(d *decoder, v value, r *Result) { d.size(v, minResultSize, maxResultSize, &r.MaxBytes) }},
}}

// result decodes the mapping.
func (d *decoder) result(v value) *Result {
	r := &Result{At: v.at}
	decodeMapping(d, v, resultKeys, r)
	return r
}

// textAt is where the text of a scalar begins: behind its quotation mark.
func textAt(v value) fault.Position {
	at := v.at
	if strings.ContainsAny(v.node.Value, "\n") {
		return at
	}
	if v.node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		at.Column++
	}
	return at
}

package config

import (
	"math/big"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v4"
)

// jsonValues decodes a mapping of argument names to values.
func (d *decoder) jsonValues(v value) []Value {
	entries, _ := d.entries(v)
	var values []Value
	for _, e := range entries {
		if json, ok := d.appendJSON(nil, e.value); ok {
			values = append(values, Value{Name: e.name, JSON: json, At: e.value.key})
		}
	}
	return values
}

// appendJSON appends v as JSON. Numbers that are JSON already keep their text.
// It reports false after a fault.
func (d *decoder) appendJSON(b []byte, v value) ([]byte, bool) {
	switch v.node.Kind {
	case yaml.MappingNode:
		return d.appendObject(b, v)
	case yaml.SequenceNode:
		return d.appendArray(b, v)
	}
	if isText(v.node) {
		text, ok := d.possiblyEmpty(v)
		if !ok {
			return b, false
		}
		return d.appendString(b, v, text)
	}
	text := v.node.Value
	switch v.node.ShortTag() {
	case "!!null":
		return append(b, "null"...), true
	case "!!bool":
		if flag := d.boolean(v); flag != nil {
			return strconv.AppendBool(b, *flag), true
		}
		return b, false
	}
	if jsontext.Value(text).IsValid() && jsontext.Value(text).Kind() == '0' {
		return append(b, text...), true
	}
	if n, ok := new(big.Int).SetString(text, 0); ok && v.node.ShortTag() == "!!int" {
		return n.Append(b, 10), true
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil && f-f == 0 {
		return strconv.AppendFloat(b, f, 'g', -1, 64), true
	}
	d.fault(v.at, "give a number that JSON can hold", "%s is %s", v.what, describe(v.node))
	return b, false
}

func (d *decoder) appendObject(b []byte, v value) ([]byte, bool) {
	if unquotedReference(v.node) != "" {
		d.wrongType(v, "text")
		return b, false
	}
	entries, ok := d.entries(v)
	b = append(b, '{')
	for i, e := range entries {
		if i > 0 {
			b = append(b, ',')
		}
		var good bool
		if b, good = d.appendString(b, e.value, e.name); !good {
			return b, false
		}
		b, good = d.appendJSON(append(b, ':'), e.value)
		ok = ok && good
	}
	return append(b, '}'), ok
}

func (d *decoder) appendArray(b []byte, v value) ([]byte, bool) {
	b = append(b, '[')
	start, ok := len(b), true
	for item := range d.items(v) {
		if len(b) > start {
			b = append(b, ',')
		}
		var good bool
		b, good = d.appendJSON(b, item)
		ok = ok && good
	}
	return append(b, ']'), ok
}

func (d *decoder) appendString(b []byte, v value, text string) ([]byte, bool) {
	quoted, err := jsontext.AppendQuote(b, text)
	if err != nil {
		d.fault(v.at, "write it in UTF-8", "%s cannot be written as JSON", v.what)
		return b, false
	}
	return quoted, true
}

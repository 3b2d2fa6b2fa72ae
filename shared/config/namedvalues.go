package config

import (
	"errors"
	"strings"
	"unicode/utf8"

	"toolgate/shared/fault"
	"toolgate/shared/pattern"
	"toolgate/shared/secret"

	"go.yaml.in/yaml/v4"
)

// A named value of API Management holds at most 4,096 characters. All
// replacements of one file together may insert maxReplaced bytes.
const (
	maxNamedValue = 4096
	maxReplaced   = 16 << 20
)

var (
	namedValueName = pattern.Lazy(`^[A-Za-z0-9._-]{1,256}$`)
	variableName   = pattern.Lazy(`^[A-Za-z_][A-Za-z0-9_]*$`)
	// ValueReference is the pattern of {{name}}, where the text of a named value is
	// put; its group is the name. Anything else between braces is text, as it is to
	// API Management.
	ValueReference = pattern.Lazy(`\{\{([A-Za-z0-9._-]+)\}\}`)
)

// namedValue is what {{name}} stands for: text, or a reference to a secret.
type namedValue struct {
	literal string
	secret  string // such as "env:ORDERS_KEY"
	broken  bool   // its declaration has a fault already
}

// namedValueFields is the mapping form of a named value.
type namedValueFields struct {
	env, fallback, secret string
}

// namedValueKeys do not replace named values, since these would need an order.
var namedValueKeys = vocabulary[namedValueFields]{kind: "namedValue", keys: []key[namedValueFields]{
	{name: "env", decode: func(d *decoder, v value, to *namedValueFields) { to.env = d.variable(v) }},
	{name: "default", decode: func(d *decoder, v value, to *namedValueFields) { to.fallback, _ = d.verbatim(v) }},
	{name: "secret", decode: func(d *decoder, v value, to *namedValueFields) { to.secret = d.secretRef(v) }},
}}

func (d *decoder) decodeNamedValues(v value) {
	entries, _ := d.entries(v)
	for _, e := range entries {
		e.value.what = "named value " + quote(e.name)
		if !namedValueName().MatchString(e.name) {
			d.fault(e.value.key, `use letters, digits, ".", "_" and "-", 256 at most`,
				"%s has a name that {{}} cannot hold", e.value.what)
		}
		faults := len(d.faults)
		named := d.decodeNamedValue(e.value)
		named.broken = len(d.faults) > faults
		d.namedValues[e.name] = named
		d.namedValueNames = append(d.namedValueNames, e.name)
	}
}

func (d *decoder) decodeNamedValue(v value) namedValue {
	if !isMapping(v.node) {
		text, _ := d.verbatim(v)
		return namedValue{literal: text}
	}
	var fields namedValueFields
	present := decodeMapping(d, v, namedValueKeys, &fields)
	env, isEnv := present["env"]
	_, isSecret := present["secret"]
	fallback, hasDefault := present["default"]
	switch {
	case isEnv == isSecret:
		d.fault(v.key, "write text, or { env: NAME }, or { secret: env:NAME }",
			`%s must have exactly one of "env" and "secret"`, v.what)
	case isSecret && hasDefault:
		d.fault(fallback.key, "remove it: everyone who reads the file would know the secret",
			`%s stands beside "secret"`, fallback.what)
	case isSecret:
		return namedValue{secret: fields.secret}
	case fields.env != "":
		return namedValue{literal: d.fromEnvironment(env, fields, hasDefault)}
	}
	return namedValue{}
}

// listed returns all named values in the order of the file.
func (d *decoder) listed() []NamedValue {
	var list []NamedValue
	for _, name := range d.namedValueNames {
		named := d.namedValues[name]
		n := NamedValue{Name: name, Unknown: named.broken}
		if named.literal != "" || named.secret != "" {
			n.Value.Parts = []Part{{Literal: named.literal, Secret: named.secret}}
		}
		list = append(list, n)
	}
	return list
}

// fromEnvironment reads the variable that v names.
func (d *decoder) fromEnvironment(v value, fields namedValueFields, hasDefault bool) string {
	text, set := d.env(fields.env)
	switch {
	case !set && !hasDefault:
		d.fault(v.at, `set it, or give a "default"`, "%s is %s, which is not set", v.what, fields.env)
	case !set:
		return fields.fallback
	case !utf8.ValidString(text):
		d.fault(v.at, "correct the variable", "%s is %s, which does not hold UTF-8", v.what, fields.env)
	case len(text) > maxNamedValue:
		d.fault(v.at, "shorten it", "%s is %s, which holds %d bytes; a named value holds %d",
			v.what, fields.env, len(text), maxNamedValue)
	default:
		return text
	}
	return ""
}

// verbatim returns a scalar as it is written, numbers and booleans too. It may
// be empty.
func (d *decoder) verbatim(v value) (string, bool) {
	if v.node.Kind != yaml.ScalarNode || v.node.ShortTag() == "!!null" {
		d.wrongType(v, "text")
		return "", false
	}
	text := v.node.Value
	if ValueReference().MatchString(text) {
		d.fault(v.at, "write its text here as well", "%s refers to another named value", v.what)
		return "", false
	}
	if len(text) > maxNamedValue {
		d.fault(v.at, "shorten it", "%s is %d bytes long; a named value holds %d", v.what, len(text), maxNamedValue)
		return "", false
	}
	return text, true
}

// variable returns the name of an environment variable.
func (d *decoder) variable(v value) string {
	name, ok := d.verbatim(v)
	if ok && !variableName().MatchString(name) {
		d.fault(v.at, "use letters, digits and _", "%s is %s, which cannot name an environment variable", v.what, quote(name))
		return ""
	}
	return name
}

// secretRef returns a reference to a secret, such as "env:ORDERS_KEY".
func (d *decoder) secretRef(v value) string {
	ref, ok := d.verbatim(v)
	if !ok {
		return ""
	}
	_, err := secret.Parse(ref)
	if form, bad := errors.AsType[*secret.FormError](err); bad {
		d.fault(v.at, form.Fix, "%s %s", v.what, form.Problem)
		return ""
	}
	return ref
}

// replace returns text with the named values it refers to; secrets only where
// they may stand. It reports false after a fault.
func (d *decoder) replace(v value, text string, secrets bool) (Text, bool) {
	var result Text
	var literal strings.Builder
	flush := func() {
		if literal.Len() > 0 {
			result.Parts = append(result.Parts, Part{Literal: literal.String()})
			literal.Reset()
		}
	}
	end, ok := 0, true
	for _, at := range ValueReference().FindAllStringSubmatchIndex(text, -1) {
		literal.WriteString(text[end:at[0]])
		end = at[1]
		named, found := d.lookUp(v, text[at[2]:at[3]], secrets)
		ok = ok && found
		literal.WriteString(named.literal)
		if named.secret != "" {
			flush()
			result.Parts = append(result.Parts, Part{Secret: named.secret})
		}
	}
	literal.WriteString(text[end:])
	flush()
	return result, ok
}

func (d *decoder) lookUp(v value, name string, secrets bool) (namedValue, bool) {
	named, known := d.namedValues[name]
	switch {
	case !known:
		d.fault(v.at, fault.Suggest(name, d.namedValueNames, declareFirst),
			"unknown named value %s in %s", quote(name), v.what)
		return namedValue{}, false
	case named.broken:
		return namedValue{}, false
	case named.secret != "" && !secrets:
		d.fault(v.at, `secrets may stand in the values of "credentials" and in "sealingKey" only: elsewhere they would be shown`,
			"%s refers to the secret %s", v.what, quote(name))
		return namedValue{}, false
	}
	d.replaced += len(named.literal)
	if d.replaced > maxReplaced {
		d.fault(d.at(0, 0), "use fewer", "the named values of the file insert more than %d MiB", maxReplaced>>20)
		return namedValue{}, false
	}
	return named, true
}

package policies

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"

	"toolgate/shared/policy"

	"github.com/go-json-experiment/json/jsontext"
)

// checkParameter validates the values of a parameter or header that the
// operation describes. In is how errors name its place, and kind how they name
// its type.
func (v *validation) checkParameter(action string, d *policy.ParameterDescription, in, kind string, values []string) {
	if action == ignore {
		return
	}
	e := validationError{name: d.Name, kind: kind, rule: "IncorrectMessage"}
	switch {
	case len(values) == 0 && d.Required:
		e.details = fmt.Sprintf("Required %s %s is missing.", in, d.Name)
	case len(values) == 0 || d.Schema == nil:
		return
	default:
		wrong := violationsOf(d, values)
		if wrong == nil {
			return
		}
		if e.details = fmt.Sprintf("Value of the %s %s does not conform to the definition. %s", in, d.Name, violationText(wrong[0])); len(values) > 1 {
			e.details = fmt.Sprintf("%s cannot contain multiple values for the %s %s.", v.messageName(), in, d.Name)
		}
	}
	v.add(action, e)
}

func (v *validation) messageName() string {
	if v.response {
		return "Response"
	}
	return "Request"
}

// unspecified notes a parameter or header that the operation does not describe.
func (v *validation) unspecified(action, name, in, kind string) {
	text := fmt.Sprintf("Unspecified %s %s is not allowed.", in, name)
	v.add(action, validationError{name: name, kind: kind, rule: "Unspecified", details: text})
}

// violationsOf are what is wrong with the values of a parameter, nil when one of
// the ways to read them conforms to its schema: one value as what it looks like
// or as text, several as an array, and one with commas as an array too.
func violationsOf(d *policy.ParameterDescription, values []string) []policy.Violation {
	var first []policy.Violation
	for n, reading := range readings(values, d.Text) {
		wrong := d.Schema.Violations(reading)
		if len(wrong) == 0 {
			return nil
		}
		if n == 0 {
			first = wrong
		}
	}
	return first
}

// readings are the JSON values that the values of a parameter may stand for, the
// likeliest first.
func readings(values []string, text bool) []jsontext.Value {
	if len(values) > 1 {
		return []jsontext.Value{array(values, literal), array(values, quoted)}
	}
	one := values[0]
	if text {
		return []jsontext.Value{quoted(one)}
	}
	list := []jsontext.Value{literal(one), quoted(one)}
	parts := strings.Split(one, ",")
	return append(list, array(parts, literal), array(parts, quoted))
}

// array is an array of the values as JSON.
func array(values []string, as func(string) jsontext.Value) jsontext.Value {
	items := make([][]byte, len(values))
	for i, value := range values {
		items[i] = as(value)
	}
	return append(append(jsontext.Value{'['}, bytes.Join(items, []byte{','})...), ']')
}

// literal is a number, true, false or null as it is written, and other values as
// a string.
func literal(value string) jsontext.Value {
	v := jsontext.Value(value)
	if v.IsValid() && len(bytes.TrimSpace(v)) == len(v) {
		switch v.Kind() {
		case '0', 't', 'f', 'n':
			return v
		}
	}
	return quoted(value)
}

func quoted(value string) jsontext.Value {
	out, _ := jsontext.AppendQuote(nil, value) // the error is about invalid UTF-8, which is replaced
	return out
}

// valueOf is the decoded value of a parameter as it stands in a query; what
// cannot be decoded stands as it is.
func valueOf(part string) string {
	_, value, _ := strings.Cut(part, "=")
	if plain, err := url.QueryUnescape(value); err == nil {
		return plain
	}
	return value
}

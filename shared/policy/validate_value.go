package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"toolgate/shared/fault"
)

// attributes checks the attributes of an element that is no policy.
func (v *validator) attributes(e *Element, t *ElementType) { v.attributesOf(e, t, false) }

func (v *validator) attributesOf(e *Element, t *ElementType, policy bool) {
	for _, a := range e.Attributes {
		i := slices.IndexFunc(t.Attributes, func(known AttributeType) bool { return known.Name == a.Name })
		switch {
		case i >= 0 && t.Attributes[i].NotRun != "":
			if !v.Unchecked {
				v.faults.Add(a.At, "the attribute "+a.Name+" is not run: "+t.Attributes[i].NotRun, "remove it")
			}
		case i >= 0:
			v.value(a.Value, t.Attributes[i].Domain, "the attribute "+a.Name)
		case a.Name == "id" && (policy || e.Name == baseElement), strings.HasPrefix(a.Name, "xmlns"):
			// every policy may have an id
		default:
			v.unknownAttribute(e, a, t)
		}
	}
	for _, known := range t.Attributes {
		if _, ok := e.Attribute(known.Name); known.Required && !ok {
			v.faults.Add(e.At, e.Name+" needs the attribute "+known.Name, "write "+known.Name+`="…"`)
		}
	}
	v.sets(e, t)
}

func (v *validator) unknownAttribute(e *Element, a Attribute, t *ElementType) {
	var names []string
	for _, known := range t.Attributes {
		if known.NotRun == "" {
			names = append(names, known.Name)
		}
	}
	v.faults.Add(a.At, `unknown attribute "`+a.Name+`" of `+e.Name, fault.Suggest(a.Name, names, "remove it"))
}

// sets checks which attributes need or exclude each other.
func (v *validator) sets(e *Element, t *ElementType) {
	count := func(names []string) (n int, last Attribute) {
		for _, a := range e.Attributes {
			if slices.Contains(names, a.Name) {
				n, last = n+1, a
			}
		}
		return n, last
	}
	for _, names := range t.Any {
		if n, _ := count(names); n == 0 && !v.resolved(e) {
			v.faults.Add(e.At, e.Name+" needs one of the attributes "+fault.Alternatives(names), "write "+names[0]+`="…"`)
		}
	}
	for _, names := range t.One {
		if n, last := count(names); n > 1 {
			v.faults.Add(last.At, e.Name+" may have one of the attributes "+fault.Alternatives(names), "remove "+last.Name)
		}
	}
}

// resolved tells whether a Service Fabric attribute takes the place of what is
// needed, in a document whose policies that are not run do not matter.
func (v *validator) resolved(e *Element) bool {
	return v.Unchecked && slices.ContainsFunc(e.Attributes, func(a Attribute) bool { return strings.HasPrefix(a.Name, "sf-") })
}

// value checks an attribute or a text, which what names in messages.
func (v *validator) value(t Text, want Domain, what string) {
	if t.Kind != Literal {
		switch {
		case !want.Expression:
			v.faults.Add(t.At, what+" must not be an expression", "write "+describe(want))
		case v.Compiler != nil:
			for _, f := range v.Compiler.CheckExpression(t, want.Type) {
				v.faults.Add(t.Position(f.Offset), f.Message, f.Fix)
			}
		}
		return
	}
	text := strings.TrimSpace(t.Source)
	if v.Placeholders && hasPlaceholder(text) {
		return
	}
	wrong := false
	switch want.Type {
	case Int, Seconds:
		n, err := strconv.ParseInt(text, 10, 64)
		wrong = err != nil || n < int64(want.Min) || want.Max > 0 && n > int64(want.Max)
	case Decimal:
		n, err := strconv.ParseFloat(text, 64)
		wrong = err != nil || n < float64(want.Min) || want.Max > 0 && n > float64(want.Max)
	case Bool:
		wrong = !strings.EqualFold(text, "true") && !strings.EqualFold(text, "false")
	case Enum:
		if !contains(want.Enum, text) {
			v.faults.Add(t.At, fmt.Sprintf("%s is %q", what, t.shown()), fault.Suggest(text, want.Enum, ""))
		}
	case Timestamp:
		_, err := time.Parse(time.RFC3339, text)
		wrong = err != nil
	case String, List, Object:
	}
	if wrong {
		v.faults.Add(t.At, fmt.Sprintf("%s is %q", what, t.shown()), "write "+describe(want))
	}
}

func contains(words []string, word string) bool {
	return slices.ContainsFunc(words, func(known string) bool { return strings.EqualFold(known, word) })
}

// describe is what to write for a value.
func describe(want Domain) string {
	text := map[ValueType]string{
		String: "text", Int: "a whole number", Bool: "true or false", Seconds: "a whole number of seconds", Decimal: "a number",
		Enum: fault.Alternatives(want.Enum), List: "a list", Timestamp: "a time such as 2026-01-31T00:00:00Z", Object: "a value",
	}[want.Type]
	if want.Type != Int && want.Type != Seconds && want.Type != Decimal {
		return text
	}
	switch {
	case want.Max > 0:
		return fmt.Sprintf("%s from %d to %d", text, want.Min, want.Max)
	default:
		return fmt.Sprintf("%s from %d on", text, want.Min)
	}
}

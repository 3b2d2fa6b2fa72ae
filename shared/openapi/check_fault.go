package openapi

import (
	"cmp"
	stdjson "encoding/json" // for Number, by which jsonschema keeps the digits
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"toolgate/shared/fault"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// maxFaults is how many faults one message lists.
const maxFaults = 5

// schemaFault is one place where a value does not conform.
type schemaFault struct {
	pointer string
	message string
	keyword string // that the value breaks; empty where no single one says so
	// mismatch marks a value of the wrong type or constant: the alternative it
	// was compared with was probably not meant.
	mismatch bool
	want     []string // the types that would do, for a wrong type
}

// faults validates v and lists what is wrong with it, sorted by place.
func (s *Schema) faults(v any) []schemaFault {
	if s.recursive && !s.affordable(v) {
		return []schemaFault{{message: "is nested too deeply to be checked against the schema: make it flatter"}}
	}
	err := s.root.Validate(v)
	if err == nil {
		return nil
	}
	failure, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return []schemaFault{{message: err.Error()}}
	}
	faults := s.flatten(failure)
	slices.SortFunc(faults, func(a, b schemaFault) int {
		return cmp.Or(cmp.Compare(a.pointer, b.pointer), cmp.Compare(a.message, b.message))
	})
	return slices.CompactFunc(faults, func(a, b schemaFault) bool {
		return a.pointer == b.pointer && a.message == b.message
	})
}

// faultList writes the first faults, one on a line. Subject is what a pointer
// points to, with a space after it.
func faultList(faults []schemaFault, subject string) string {
	var lines []string
	for _, f := range faults[:min(len(faults), maxFaults)] {
		if f.pointer == "" {
			lines = append(lines, "the "+cmp.Or(strings.TrimSpace(subject), "value")+" object as a whole: "+f.message)
			continue
		}
		lines = append(lines, subject+quotedPath(f.pointer)+": "+f.message)
	}
	if more := len(faults) - maxFaults; more > 0 {
		lines = append(lines, fmt.Sprintf("… and %d more", more))
	}
	return strings.Join(lines, "\n")
}

// flatten turns a tree of errors into the faults at its leaves.
func (s *Schema) flatten(e *jsonschema.ValidationError) []schemaFault {
	switch k := e.ErrorKind.(type) {
	case *kind.Schema, *kind.Group, *kind.AllOf, *kind.Reference:
		var faults []schemaFault
		for _, cause := range e.Causes {
			faults = append(faults, s.flatten(cause)...)
		}
		return faults
	case *kind.AnyOf:
		return s.closest(e)
	case *kind.OneOf:
		if len(k.Subschemas) == 0 {
			return s.closest(e)
		}
	}
	return s.leaf(e)
}

// closest reports what would satisfy one of several alternatives.
func (s *Schema) closest(e *jsonschema.ValidationError) []schemaFault {
	here := pointerTo(e.InstanceLocation)
	var alternatives [][]schemaFault
	var want []string
	for _, cause := range e.Causes {
		faults := s.flatten(cause)
		if len(faults) == 1 && faults[0].pointer == here && len(faults[0].want) > 0 {
			want = append(want, faults[0].want...)
			continue
		}
		alternatives = append(alternatives, faults)
	}
	if len(alternatives) == 0 {
		want = slices.Compact(slices.Sorted(slices.Values(want)))
		return []schemaFault{{here, "must be " + typeNames(want), "type", true, want}}
	}
	if joined, ok := joinAlternatives(alternatives); ok {
		return joined
	}
	return slices.MinFunc(alternatives, func(a, b []schemaFault) int {
		return cmp.Or(cmp.Compare(mismatches(a), mismatches(b)), cmp.Compare(len(a), len(b)))
	})
}

// joinAlternatives makes one fault of alternatives that each have one.
func joinAlternatives(alternatives [][]schemaFault) ([]schemaFault, bool) {
	const most = 3
	if len(alternatives) < 2 || len(alternatives) > most {
		return nil, false
	}
	var messages []string
	for _, faults := range alternatives {
		if len(faults) != 1 || faults[0].mismatch {
			return nil, false
		}
		message := faults[0].message
		if pointer := faults[0].pointer; pointer != alternatives[0][0].pointer {
			message = quotedPath(pointer) + " " + message
		}
		if !slices.Contains(messages, message) {
			messages = append(messages, message)
		}
	}
	return []schemaFault{{pointer: alternatives[0][0].pointer, message: strings.Join(messages, ", or ")}}, true
}

func mismatches(faults []schemaFault) (n int) {
	for _, f := range faults {
		if f.mismatch {
			n++
		}
	}
	return n
}

// leaf words one error that has no further cause worth telling.
func (s *Schema) leaf(e *jsonschema.ValidationError) []schemaFault {
	faults := s.worded(e)
	if keywords := e.ErrorKind.KeywordPath(); len(keywords) > 0 {
		for i := range faults {
			faults[i].keyword = keywords[0]
		}
	}
	return faults
}

func (s *Schema) worded(e *jsonschema.ValidationError) []schemaFault {
	at := e.InstanceLocation
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		return missingFaults(at, k.Missing, "is required")
	case *kind.DependentRequired:
		return missingFaults(at, k.Missing, "is required together with "+quoted(k.Prop))
	case *kind.AdditionalProperties:
		var faults []schemaFault
		for _, name := range k.Properties {
			faults = append(faults, s.unknown(append(slices.Clone(at), name)))
		}
		return faults
	case *kind.FalseSchema:
		if len(at) > 0 {
			return []schemaFault{s.unknown(at)}
		}
	case *kind.PropertyNames:
		// jsonschema v6 gives a location here that later values overwrite.
		return []schemaFault{{message: "has a member named " + quoted(k.Property) + ", which is not an allowed name"}}
	case *kind.Type:
		return []schemaFault{{
			pointer: pointerTo(at), message: "must be " + typeNames(k.Want) + ", not " + typeNames([]string{k.Got}), mismatch: true, want: k.Want,
		}}
	}
	_, isEnum := e.ErrorKind.(*kind.Enum)
	_, isConst := e.ErrorKind.(*kind.Const)
	return []schemaFault{{pointer: pointerTo(at), message: wording(e.ErrorKind), mismatch: isEnum || isConst}}
}

func missingFaults(at, names []string, message string) []schemaFault {
	var faults []schemaFault
	for _, name := range names {
		faults = append(faults, schemaFault{pointer: pointerTo(append(slices.Clone(at), name)), message: message})
	}
	return faults
}

// unknown is the fault of a member that the schema does not have.
func (s *Schema) unknown(at []string) schemaFault {
	last := len(at) - 1
	return schemaFault{
		pointer: pointerTo(at),
		message: "is not known" + suggestion(at[last], s.memberNames(at[:last])),
	}
}

// memberNames lists the members that the schema has for the object at a place,
// as far as properties, items and references lead there.
func (s *Schema) memberNames(at []string) []string {
	sch := dereferenced(s.root)
	for _, token := range at {
		if sch == nil {
			return nil
		}
		next := sch.Properties[token]
		if next == nil && isIndex(token) {
			next = sch.Items2020
		}
		sch = dereferenced(next)
	}
	if sch == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(sch.Properties))
}

// dereferenced follows references that stand alone.
func dereferenced(sch *jsonschema.Schema) *jsonschema.Schema {
	const longest = 16 // references may form a circle
	for range longest {
		if sch == nil || sch.Ref == nil || len(sch.Properties) > 0 {
			return sch
		}
		sch = sch.Ref
	}
	return sch
}

// wording says what a value must be like.
func wording(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Enum:
		return "must be " + choices(k.Want)
	case *kind.Const:
		return "must be " + choices([]any{k.Want})
	case *kind.Minimum:
		return "must be ≥ " + numberText(k.Want)
	case *kind.Maximum:
		return "must be ≤ " + numberText(k.Want)
	case *kind.ExclusiveMinimum:
		return "must be > " + numberText(k.Want)
	case *kind.ExclusiveMaximum:
		return "must be < " + numberText(k.Want)
	case *kind.MultipleOf:
		return "must be a multiple of " + numberText(k.Want)
	case *kind.MinLength:
		return fmt.Sprintf("must have at least %d characters, has %d", k.Want, k.Got)
	case *kind.MaxLength:
		return fmt.Sprintf("must have at most %d characters, has %d", k.Want, k.Got)
	case *kind.MinItems:
		return fmt.Sprintf("must have at least %d items, has %d", k.Want, k.Got)
	case *kind.MaxItems:
		return fmt.Sprintf("must have at most %d items, has %d", k.Want, k.Got)
	case *kind.MinProperties:
		return fmt.Sprintf("must have at least %d members, has %d", k.Want, k.Got)
	case *kind.MaxProperties:
		return fmt.Sprintf("must have at most %d members, has %d", k.Want, k.Got)
	case *kind.UniqueItems:
		return fmt.Sprintf("must not have equal items: those at %d and %d are", k.Duplicates[0], k.Duplicates[1])
	case *kind.Pattern:
		return "must match the regular expression " + k.Want
	case *kind.Contains:
		return "must have an item of the kind that the schema asks for"
	case *kind.MinContains:
		return fmt.Sprintf("must have at least %d items of the kind that the schema asks for", k.Want)
	case *kind.MaxContains:
		return fmt.Sprintf("must have at most %d items of the kind that the schema asks for", k.Want)
	case *kind.OneOf:
		return "must fit exactly one of the alternatives of the schema, but fits several"
	case *kind.Not:
		return "is a value that the schema excludes"
	}
	return "does not conform to the schema"
}

// typeNames writes types with their articles, joined with "or".
func typeNames(types []string) string {
	var names []string
	for _, t := range types {
		switch t {
		case "null":
			names = append(names, t)
		case "integer", "array", "object":
			names = append(names, "an "+t)
		default:
			names = append(names, "a "+t)
		}
	}
	return strings.Join(names, " or ")
}

// choices lists the values of an enum, as many as can be read.
func choices(values []any) string {
	const most = 20
	var texts []string
	for _, v := range values[:min(len(values), most)] {
		texts = append(texts, constantText(v))
	}
	list := strings.Join(texts, ", ")
	if len(values) > most {
		list += fmt.Sprintf(" or one of %d more", len(values)-most)
	}
	if len(values) > 1 {
		return "one of " + list
	}
	return list
}

func constantText(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case string:
		return quoted(v)
	case stdjson.Number:
		return v.String()
	case []any:
		return "a certain array"
	}
	return "a certain object"
}

// numberText writes a bound of a schema.
func numberText(r *big.Rat) string {
	if r.IsInt() {
		return r.Num().String()
	}
	f, _ := r.Float64()
	return strconv.FormatFloat(f, 'g', -1, 64)
}

func pointerTo(tokens []string) string {
	var p jsontext.Pointer
	for _, token := range tokens {
		p = p.AppendToken(token)
	}
	return string(p)
}

// suggestion names the candidate that name was probably meant to be; all of
// them where there are few. It is a clause to append, or nothing.
func suggestion(name string, candidates []string) string {
	const few = 12
	if near := fault.Nearest(name, candidates); near != "" {
		return ": did you mean " + quoted(near) + "?"
	}
	switch {
	case len(candidates) == 0:
		return "; none is expected here"
	case len(candidates) <= few:
		return "; known are " + strings.Join(candidates, ", ")
	}
	return ""
}

package openapi

import (
	"reflect"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// jsonschema validates every alternative of anyOf and oneOf, each with all that
// is below it. With a schema that refers to itself in several alternatives the
// work doubles, or worse, with every level of the value: a few hundred bytes
// can keep a processor busy for years. So the work is counted first, where the
// schema is of that kind. Counting is cheap because every pair of a schema and
// a value is counted once.

const (
	// maxVisits is how many validations of one value against one schema a check
	// may take; a million take about a second.
	maxVisits = 500_000
	// maxPairs bounds the counting itself.
	maxPairs = 200_000
)

// isRecursive reports whether the work of validating against a schema may grow
// exponentially: it refers to itself, or it is so large written out that it
// might as well.
func isRecursive(root *jsonschema.Schema) bool {
	const large = 10_000
	w := schemaWalk{sizes: map[*jsonschema.Schema]int{}, large: large}
	return w.size(root) >= large || w.recursive
}

// schemaWalk measures a schema written out with all its references.
type schemaWalk struct {
	sizes     map[*jsonschema.Schema]int // 0 while it is being measured
	large     int
	recursive bool
}

func (w *schemaWalk) size(s *jsonschema.Schema) int {
	if size, seen := w.sizes[s]; seen {
		w.recursive = w.recursive || size == 0
		return size
	}
	w.sizes[s] = 0
	size := 1
	add := func(sub *jsonschema.Schema) { size = min(size+w.size(sub), w.large) }
	forSubschemas(s, add)
	for _, sub := range s.Properties {
		add(sub)
	}
	for _, sub := range s.PatternProperties {
		add(sub)
	}
	for _, sub := range s.PrefixItems {
		add(sub)
	}
	for _, sub := range []*jsonschema.Schema{schemaOf(s.AdditionalProperties), s.UnevaluatedProperties, s.Items2020, s.Contains, s.UnevaluatedItems} {
		if sub != nil {
			add(sub)
		}
	}
	w.sizes[s] = size
	return size
}

// forSubschemas calls f with the subschemas that apply to the same value.
func forSubschemas(s *jsonschema.Schema, f func(*jsonschema.Schema)) {
	single := []*jsonschema.Schema{s.Ref, s.RecursiveRef, s.Not, s.If, s.Then, s.Else}
	if s.DynamicRef != nil {
		single = append(single, s.DynamicRef.Ref)
	}
	for _, sub := range single {
		if sub != nil {
			f(sub)
		}
	}
	for _, list := range [][]*jsonschema.Schema{s.AllOf, s.AnyOf, s.OneOf} {
		for _, sub := range list {
			f(sub)
		}
	}
	for _, sub := range s.DependentSchemas {
		f(sub)
	}
}

func schemaOf(v any) *jsonschema.Schema {
	s, _ := v.(*jsonschema.Schema)
	return s
}

// affordable reports whether v can be validated with reasonable work.
func (s *Schema) affordable(v any) bool {
	c := visitCount{known: map[visit]int{}}
	return c.count(s.root, v) < maxVisits
}

// visit is a validation of one value against one schema.
type visit struct {
	schema *jsonschema.Schema
	// value identifies an object or array; zero stands for all other values,
	// which differ in nothing that counts.
	value uintptr
}

type visitCount struct {
	known map[visit]int // 0 while it is being counted
}

// count returns the number of validations that one takes, or maxVisits when it
// is not below that.
func (c *visitCount) count(s *jsonschema.Schema, v any) int {
	key := visit{schema: s, value: identity(v)}
	if n, seen := c.known[key]; seen {
		return n // a reference to itself is an error that costs nothing
	}
	if len(c.known) >= maxPairs {
		return maxVisits
	}
	c.known[key] = 0
	total := 1
	add := func(sub *jsonschema.Schema, v any) {
		if sub != nil && total < maxVisits {
			total = min(total+c.count(sub, v), maxVisits)
		}
	}
	forSubschemas(s, func(sub *jsonschema.Schema) { add(sub, v) })
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			if sub, ok := s.Properties[name]; ok {
				add(sub, member)
			} else {
				add(schemaOf(s.AdditionalProperties), member)
			}
			for _, sub := range s.PatternProperties {
				add(sub, member)
			}
			add(s.UnevaluatedProperties, member)
		}
	case []any:
		for i, item := range v {
			if i < len(s.PrefixItems) {
				add(s.PrefixItems[i], item)
			} else {
				add(s.Items2020, item)
			}
			add(s.Contains, item)
			add(s.UnevaluatedItems, item)
		}
	}
	c.known[key] = total
	return total
}

// identity identifies an object or array by its memory, which v keeps in place
// while it is counted.
func identity(v any) uintptr {
	switch v := v.(type) {
	case map[string]any:
		return reflect.ValueOf(v).Pointer()
	case []any:
		if len(v) > 0 {
			return reflect.ValueOf(v).Pointer()
		}
	}
	return 0
}

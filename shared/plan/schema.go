package plan

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// breaking says why a client of a tool may break: arguments that were valid may not
// be, or a result may be what the schema did not say. A keyword that is not known
// here breaks when it is another one: a change that was called harmless must be.
func breaking(before, after jsontext.Value) []string {
	a, b := membersOf(before), membersOf(after)
	in := inclusion{what: "parameter", narrow: schemaOf(a["inputSchema"]), wide: schemaOf(b["inputSchema"]), gone: true, spent: new(int)}
	in.schemas("", in.narrow, in.wide, 0)
	if a["outputSchema"] == nil {
		return in.reasons
	}
	if b["outputSchema"] == nil {
		return append(in.reasons, "the tool does not say any more what its result is")
	}
	out := inclusion{what: "result", narrow: schemaOf(b["outputSchema"]), wide: schemaOf(a["outputSchema"]), spent: new(int)}
	out.schemas("", out.narrow, out.wide, 0)
	out.removed("", out.wide, out.narrow, 0)
	return append(in.reasons, out.reasons...)
}

// schema is a JSON Schema, as JSON is decoded. The schema true has no members; the
// schema false is nil.
type schema map[string]any

func schemaOf(v any) schema {
	switch v := v.(type) {
	case map[string]any:
		return v
	case bool:
		if !v {
			return nil
		}
	}
	return schema{}
}

func membersOf(content jsontext.Value) map[string]any {
	var m map[string]any
	if json.Unmarshal(content, &m) != nil {
		return nil
	}
	return m
}

// inclusion finds out whether every value that is valid under one schema is valid
// under another, and why it may not be.
type inclusion struct {
	what         string // parameter or result: what properties are
	narrow, wide schema // the roots, for references
	gone         bool   // a property that only narrow has is a reason
	reasons      []string
	within       []string // pairs of references that are being compared
	spent        *int     // comparisons so far
}

// maxSchema is how deep schemas are compared, and maxComparisons how many of them: each
// alternative is compared with each.
const (
	maxSchema      = 32
	maxComparisons = 100_000
)

func (c *inclusion) because(path, format string, args ...any) {
	subject := c.what
	if path != "" {
		subject += fmt.Sprintf(" %q", path)
	} else if c.what == "parameter" {
		subject = "the arguments"
	} else {
		subject = "the result"
	}
	if reason := subject + " " + fmt.Sprintf(format, args...); !slices.Contains(c.reasons, reason) {
		c.reasons = append(c.reasons, reason)
	}
}

// annotations are the keywords that constrain nothing. $defs are looked at where they
// are referred to.
var annotations = []string{
	"title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly", "$comment", "$defs", "definitions",
	"$schema", "$id", "$anchor", "externalDocs", "xml", "discriminator", "contentMediaType",
}

// schemas compares two schemas: all that a allows, b must.
func (c *inclusion) schemas(path string, a, b schema, depth int) {
	if a == nil || len(b) == 0 && b != nil {
		return // nothing is valid under the one, or everything under the other
	}
	if b == nil {
		c.because(path, "is not allowed")
		return
	}
	if *c.spent++; depth > maxSchema || *c.spent > maxComparisons {
		if written(a) != written(b) {
			c.because(path, "is another, in more than is compared here")
		}
		return
	}
	if ref := written(a["$ref"]) + " " + written(b["$ref"]); a["$ref"] != nil || b["$ref"] != nil {
		if slices.Contains(c.within, ref) && a["$ref"] != nil && b["$ref"] != nil {
			return
		}
		c.within = append(c.within, ref)
		defer func() { c.within = c.within[:len(c.within)-1] }()
		a, b = resolved(c.narrow, a), resolved(c.wide, b)
	}
	c.types(path, a, b)
	c.values(path, a, b)
	c.required(path, a, b)
	c.members(path, a, b, depth)
	c.items(path, a, b, depth)
	c.bounds(path, a, b)
	c.alternatives(path, a, b, depth)
	for _, keyword := range slices.Sorted(maps.Keys(b)) {
		if !ownComparison[keyword] && !slices.Contains(annotations, keyword) && !strings.HasPrefix(keyword, "x-") && written(a[keyword]) != written(b[keyword]) {
			c.because(path, "has another %s: %s, was %s", keyword, shortened(written(b[keyword])), shortened(written(a[keyword])))
		}
	}
}

// ownComparison are the keywords that have a comparison of their own.
var ownComparison = map[string]bool{
	"type": true, "enum": true, "const": true, "required": true, "properties": true, "additionalProperties": true, "items": true,
	"minimum": true, "maximum": true, "exclusiveMinimum": true, "exclusiveMaximum": true, "minLength": true, "maxLength": true,
	"minItems": true, "maxItems": true, "minProperties": true, "maxProperties": true, "minContains": true, "maxContains": true,
	"anyOf": true, "oneOf": true, "allOf": true, "$ref": true,
}

// resolved follows references within a document. What stands beside one counts as
// well, as 2020-12 has it.
func resolved(root, s schema) schema {
	for range maxSchema {
		ref, ok := s["$ref"].(string)
		if !ok {
			return s
		}
		target := at(root, ref)
		merged := schema{}
		maps.Copy(merged, target)
		for keyword, value := range s {
			_, both := merged[keyword]
			switch {
			case keyword == "$ref":
			case !both || slices.Contains(annotations, keyword):
				merged[keyword] = value
			default:
				list, _ := merged["allOf"].([]any)
				merged["allOf"] = append(slices.Clone(list), map[string]any{keyword: value})
			}
		}
		if next, again := target["$ref"]; again {
			merged["$ref"] = next
		}
		s = merged
	}
	return schema{}
}

// at is the schema that a reference of the form #/a/b names; one that allows all
// where there is none.
func at(root schema, ref string) schema {
	pointer, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return schema{"$unresolved": ref}
	}
	var v any = map[string]any(root)
	for name := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if pointer == "" {
			break
		}
		name = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
		switch container := v.(type) {
		case map[string]any:
			v = container[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(container) {
				return schema{"$unresolved": ref}
			}
			v = container[i]
		default:
			return schema{"$unresolved": ref}
		}
	}
	if v == nil {
		return schema{"$unresolved": ref}
	}
	return schemaOf(v)
}

var allTypes = []string{"array", "boolean", "null", "number", "object", "string"}

// typesOf are the types that a schema allows; an integer is a number.
func typesOf(s schema) []string {
	switch t := s["type"].(type) {
	case string:
		return []string{t}
	case []any:
		var list []string
		for _, one := range t {
			if name, ok := one.(string); ok {
				list = append(list, name)
			}
		}
		return list
	}
	list, ok := valuesOf(s)
	if !ok {
		return allTypes
	}
	var types []string
	for _, v := range list {
		switch v.(type) {
		case nil:
			types = append(types, "null")
		case bool:
			types = append(types, "boolean")
		case float64:
			types = append(types, "number")
		case string:
			types = append(types, "string")
		case []any:
			types = append(types, "array")
		default:
			types = append(types, "object")
		}
	}
	return types
}

func (c *inclusion) types(path string, a, b schema) {
	if b["type"] == nil {
		return
	}
	wide := typesOf(b)
	var refused []string
	for _, t := range typesOf(a) {
		if !slices.Contains(wide, t) && !(t == "integer" && slices.Contains(wide, "number")) {
			refused = append(refused, t)
		}
	}
	if refused != nil {
		c.because(path, "is of type %s, was %s", c.order(wide, typesOf(a))...)
	}
}

// order puts what is new before what was, for a sentence: of a result the narrow
// schema is the new one.
func (c *inclusion) order(wide, narrow []string) []any {
	name := func(list []string) string {
		if len(list) == len(allTypes) {
			return "any"
		}
		return strings.Join(list, " or ")
	}
	if c.what == "result" {
		return []any{name(narrow), name(wide)}
	}
	return []any{name(wide), name(narrow)}
}

// valuesOf are the values that a schema lists; false where it lists none.
func valuesOf(s schema) ([]any, bool) {
	if v, ok := s["const"]; ok {
		return []any{v}, true
	}
	list, ok := s["enum"].([]any)
	return list, ok
}

func (c *inclusion) values(path string, a, b schema) {
	wide, ok := valuesOf(b)
	if !ok {
		return
	}
	narrow, listed := valuesOf(a)
	if !listed {
		if c.what == "result" {
			c.because(path, "may have other values than those that were listed")
		} else {
			c.because(path, "may only have listed values")
		}
		return
	}
	known := map[string]bool{}
	for _, v := range wide {
		known[written(v)] = true
	}
	var lost []string
	for _, v := range narrow {
		if !known[written(v)] {
			lost = append(lost, written(v))
		}
	}
	switch {
	case lost == nil:
	case c.what == "result":
		c.because(path, "may have the value %s", strings.Join(lost, ", "))
	default:
		c.because(path, "may not have the value %s any more", strings.Join(lost, ", "))
	}
}

func names(v any) []string {
	list, _ := v.([]any)
	var all []string
	for _, one := range list {
		if s, ok := one.(string); ok {
			all = append(all, s)
		}
	}
	return all
}

func (c *inclusion) required(path string, a, b schema) {
	for _, name := range missing(names(b["required"]), names(a["required"])) {
		if c.what == "result" {
			c.because(join(path, name), "may be missing")
		} else {
			c.because(join(path, name), "is required now")
		}
	}
}

func (c *inclusion) members(path string, a, b schema, depth int) {
	narrow, _ := a["properties"].(map[string]any)
	wide, _ := b["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(narrow)) {
		known, both := wide[name]
		switch {
		case both:
			c.schemas(join(path, name), schemaOf(narrow[name]), schemaOf(known), depth+1)
		case c.gone:
			c.because(join(path, name), "was removed")
		case b["additionalProperties"] != nil:
			c.schemas(join(path, name), schemaOf(narrow[name]), schemaOf(b["additionalProperties"]), depth+1)
		}
	}
	if more, ok := b["additionalProperties"]; ok {
		other := schemaOf(a["additionalProperties"])
		if additional := schemaOf(more); additional != nil || other != nil {
			c.others(path, other, additional, depth)
		}
	}
}

// others compares what is said of members that have no schema of their own.
func (c *inclusion) others(path string, a, b schema, depth int) {
	if b == nil {
		c.because(path, "may not have other members any more")
		return
	}
	c.schemas(join(path, "*"), a, b, depth+1)
}

func (c *inclusion) items(path string, a, b schema, depth int) {
	if wide, ok := b["items"]; ok {
		c.schemas(path+"[]", schemaOf(a["items"]), schemaOf(wide), depth+1)
	}
}

// bounds are the keywords that bound a number, and whether they do from above.
var bounds = []struct {
	name  string
	above bool
}{
	{"minimum", false}, {"exclusiveMinimum", false}, {"minLength", false}, {"minItems", false}, {"minProperties", false}, {"minContains", false},
	{"maximum", true}, {"exclusiveMaximum", true}, {"maxLength", true}, {"maxItems", true}, {"maxProperties", true}, {"maxContains", true},
}

func (c *inclusion) bounds(path string, a, b schema) {
	for _, k := range bounds {
		wide, ok := b[k.name].(float64)
		if !ok {
			if written(b[k.name]) != written(a[k.name]) && b[k.name] != nil {
				c.because(path, "has another %s", k.name) // of OpenAPI 3.0, where some are booleans
			}
			continue
		}
		narrow, bounded := a[k.name].(float64)
		if !bounded || k.above && narrow > wide || !k.above && narrow < wide {
			c.because(path, "has another bound: %s is %v in one and %s in the other", k.name, wide, shown(a[k.name]))
		}
	}
}

func shown(v any) string {
	if v == nil {
		return "not given"
	}
	return written(v)
}

// alternatives compares the keywords that put schemas together.
func (c *inclusion) alternatives(path string, a, b schema, depth int) {
	if all, ok := b["allOf"].([]any); ok {
		same, _ := a["allOf"].([]any)
		for _, one := range all {
			if !slices.ContainsFunc(same, func(other any) bool { return written(one) == written(other) }) {
				c.schemas(path, a, schemaOf(one), depth+1)
			}
		}
	}
	for _, keyword := range []string{"anyOf", "oneOf"} {
		wide, ok := b[keyword].([]any)
		if !ok {
			continue
		}
		narrow, listed := a[keyword].([]any)
		if !listed {
			narrow = []any{map[string]any(a)}
		}
		if keyword == "oneOf" && (!listed || len(narrow) != len(wide)) {
			c.because(path, "has other alternatives (oneOf)")
			continue
		}
		for _, one := range narrow {
			if !slices.ContainsFunc(wide, func(other any) bool { return c.includes(schemaOf(one), schemaOf(other), depth) }) {
				c.because(path, "has other alternatives (%s)", keyword)
				break
			}
		}
	}
}

// includes tells whether one schema allows all that another does.
func (c *inclusion) includes(a, b schema, depth int) bool {
	try := inclusion{what: c.what, narrow: c.narrow, wide: c.wide, gone: c.gone, within: slices.Clone(c.within), spent: c.spent}
	try.schemas("", a, b, depth+1)
	return len(try.reasons) == 0
}

// removed finds the members that a result does not have any more.
func (c *inclusion) removed(path string, before, after schema, depth int) {
	if depth > maxSchema {
		return
	}
	before, after = resolved(c.wide, before), resolved(c.narrow, after)
	was, _ := before["properties"].(map[string]any)
	is, _ := after["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(was)) {
		if now, ok := is[name]; ok {
			c.removed(join(path, name), schemaOf(was[name]), schemaOf(now), depth+1)
		} else {
			c.because(join(path, name), "was removed")
		}
	}
	if items, ok := before["items"].(map[string]any); ok {
		if now, ok := after["items"].(map[string]any); ok {
			c.removed(path+"[]", items, now, depth+1)
		}
	}
}

package openapi

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// The bounds of a sample: how deep it goes, and of how many values it is made.
const (
	sampleDepth  = 16
	sampleValues = 2000
	sampleItems  = 10 // of one array
	sampleLength = 1000
)

// sampleOf is a value that a normalized schema describes: the same one whenever
// it is asked for. It has all properties, as far as the bounds go, and takes
// examples, defaults and constants where the schema gives them. What a schema
// says by pattern, not, if or contains is not looked at.
func sampleOf(schema *node) *node {
	s := &sampler{left: sampleValues, open: map[*definition]bool{}}
	if value := s.value(schema, 0); value != nil {
		return value
	}
	return &node{kind: nullNode}
}

type sampler struct {
	left int
	open map[*definition]bool // those that the value is inside of
}

// value is nil when a bound is reached, or the schema contains itself here.
func (s *sampler) value(schema *node, depth int) *node {
	if s.left--; s.left < 0 || depth > sampleDepth {
		return nil
	}
	if !schema.is(objectNode) {
		return &node{kind: objectNode}
	}
	if given := givenValue(schema); given != nil {
		return given
	}
	parts, refers := s.parts(schema, depth)
	if refers && len(parts) == 0 {
		return nil
	}
	return joined(append(parts, s.typed(schema, depth)))
}

// givenValue is the first value that a schema names; nil for none.
func givenValue(schema *node) *node {
	for _, keyword := range []string{"const", "examples", "default", "enum"} {
		given := schema.get(keyword)
		switch {
		case given == nil:
		case keyword == "const" || keyword == "default":
			return given
		default:
			for _, m := range given.members {
				if m.value.kind != nullNode {
					return m.value
				}
			}
		}
	}
	return nil
}

// parts are values of the schemas that are about the same value: all that must
// hold, and one of each choice. refers says that there is a reference.
func (s *sampler) parts(schema *node, depth int) (values []*node, refers bool) {
	add := func(value *node) {
		if value != nil {
			values = append(values, value)
		}
	}
	if ref := schema.get("$ref"); ref != nil {
		refers = true
		if d := ref.definition; !s.open[d] {
			s.open[d] = true
			add(s.value(d.schema, depth))
			delete(s.open, d)
		}
	}
	for _, part := range schema.items("allOf") {
		add(s.value(part.value, depth))
	}
	for _, keyword := range []string{"oneOf", "anyOf"} {
		for _, part := range schema.items(keyword) {
			if isNullSchema(part.value) {
				continue
			}
			if value := s.value(part.value, depth); value != nil {
				add(value)
				break
			}
		}
	}
	return values, refers
}

// joined is the object with the members of all objects, the first of each name;
// where there are other values, the first value. It is nil without values.
func joined(values []*node) *node {
	values = slices.DeleteFunc(values, func(v *node) bool { return v == nil })
	if len(values) == 0 {
		return nil
	}
	if i := slices.IndexFunc(values, func(v *node) bool { return v.kind != objectNode }); i >= 0 {
		return values[i]
	}
	out := &node{kind: objectNode}
	known := map[string]bool{}
	for _, value := range values {
		for _, m := range value.members {
			if !known[m.name] {
				known[m.name] = true
				out.members = append(out.members, m)
			}
		}
	}
	return out
}

// typed is a value by the type of a schema; that of a schema without one shows
// in its keywords.
func (s *sampler) typed(schema *node, depth int) *node {
	kind := ""
	for _, name := range typesOf(schema) {
		if kind == "" || kind == "null" {
			kind = name
		}
	}
	switch {
	case kind != "":
	case schema.get("items") != nil || schema.get("prefixItems") != nil:
		kind = "array"
	default:
		kind = "object"
	}
	switch kind {
	case "array":
		return s.array(schema, depth)
	case "object":
		return s.object(schema, depth)
	case "string":
		return newString(sampleText(schema))
	case "boolean":
		return newBool(true)
	case "null":
		return &node{kind: nullNode}
	default:
		return sampleNumber(schema, kind == "integer")
	}
}

func (s *sampler) object(schema *node, depth int) *node {
	out := &node{kind: objectNode}
	for _, m := range schema.object("properties") {
		if m.value.is(boolNode) && m.value.text == "false" {
			continue // it must not be there
		}
		if value := s.value(m.value, depth+1); value != nil {
			out.add(m.name, value)
		}
	}
	if rest := schema.get("additionalProperties"); len(out.members) == 0 && rest.is(objectNode) && len(rest.members) > 0 {
		if value := s.value(rest, depth+1); value != nil {
			out.add("property", value)
		}
	}
	return out
}

func (s *sampler) array(schema *node, depth int) *node {
	out := &node{kind: arrayNode}
	for _, m := range schema.items("prefixItems") {
		value := s.value(m.value, depth+1)
		if value == nil {
			return out // the items after it would be out of place
		}
		out.add("", value)
	}
	items := schema.get("items")
	if !items.is(objectNode) || len(items.members) == 0 {
		return out
	}
	count := min(max(bound(schema, "minItems", 0), 1), bound(schema, "maxItems", sampleItems), sampleItems)
	for len(out.members) < count {
		value := s.value(items, depth+1)
		if value == nil {
			break
		}
		out.add("", value)
	}
	return out
}

// bound is a whole number of a schema.
func bound(schema *node, keyword string, otherwise int) int {
	if n, err := strconv.Atoi(schema.scalar(keyword)); err == nil {
		return n
	}
	return otherwise
}

// sampleTexts are texts by their format.
var sampleTexts = map[string]string{
	"date": "2026-01-01", "date-time": "2026-01-01T00:00:00Z", "time": "00:00:00Z", "duration": "PT1H",
	"uuid": "00000000-0000-0000-0000-000000000000", "email": "user@contoso.com", "idn-email": "user@contoso.com",
	"uri": "https://contoso.com", "url": "https://contoso.com", "iri": "https://contoso.com",
	"uri-reference": "/", "iri-reference": "/", "uri-template": "/{id}", "hostname": "contoso.com", "idn-hostname": "contoso.com",
	"ipv4": "192.0.2.1", "ipv6": "2001:db8::1", "byte": "c3RyaW5n", "json-pointer": "/", "regex": ".*",
}

// sampleText is a text of a schema: "string", repeated or cut to its length,
// where no format says more.
func sampleText(schema *node) string {
	if text, ok := sampleTexts[schema.str("format")]; ok {
		return text
	}
	if schema.str("contentEncoding") == "base64" {
		return sampleTexts["byte"]
	}
	const text = "string"
	least := min(bound(schema, "minLength", 0), sampleLength)
	most := max(bound(schema, "maxLength", len(text)), least, 0)
	long := strings.Repeat(text, 1+least/len(text))
	return long[:min(max(least, len(text)), most)]
}

// sampleNumber is the number that is nearest to 0 from above the lower bound, as
// far as the bounds go.
func sampleNumber(schema *node, whole bool) *node {
	value, one := new(big.Rat), big.NewRat(1, 1)
	least, above := lowerBound(schema)
	most, below := upperBound(schema)
	if least != nil && (value.Cmp(least) < 0 || above && value.Cmp(least) == 0) {
		value.Set(least)
		if above {
			value.Add(value, one)
		}
	}
	if most != nil && (value.Cmp(most) > 0 || below && value.Cmp(most) == 0) {
		value.Set(most)
		switch {
		case !below:
		case least != nil && !whole:
			value.Add(most, least).Quo(value, big.NewRat(2, 1))
		default:
			value.Sub(value, one)
		}
	}
	if step, ok := new(big.Rat).SetString(schema.scalar("multipleOf")); ok && step.Sign() > 0 {
		value = multipleFrom(value, step)
	} else if whole {
		value = multipleFrom(value, one)
	}
	if value.IsInt() {
		return &node{kind: numberNode, text: value.Num().String()}
	}
	f, _ := value.Float64()
	return &node{kind: numberNode, text: strconv.FormatFloat(f, 'g', -1, 64)}
}

// multipleFrom is the smallest multiple of step that is not below value.
func multipleFrom(value, step *big.Rat) *big.Rat {
	times := new(big.Rat).Quo(value, step)
	if times.IsInt() {
		return value
	}
	floor := new(big.Int).Div(times.Num(), times.Denom()) // Euclidean: down, since denominators are above 0
	return new(big.Rat).Mul(new(big.Rat).SetInt(floor.Add(floor, big.NewInt(1))), step)
}

// lowerBound is nil where a schema has none; exclusive says that it is no value
// itself.
func lowerBound(schema *node) (limit *big.Rat, exclusive bool) {
	return eitherBound(schema, "minimum", "exclusiveMinimum", 1)
}

func upperBound(schema *node) (limit *big.Rat, exclusive bool) {
	return eitherBound(schema, "maximum", "exclusiveMaximum", -1)
}

// eitherBound is the one of two bounds that excludes more, which is the larger
// one for a sign of 1.
func eitherBound(schema *node, keyword, exclusiveKeyword string, sign int) (limit *big.Rat, exclusive bool) {
	limit, ok := new(big.Rat).SetString(schema.scalar(keyword))
	if !ok {
		limit = nil
	}
	if other, ok := new(big.Rat).SetString(schema.scalar(exclusiveKeyword)); ok && (limit == nil || sign*other.Cmp(limit) >= 0) {
		return other, true
	}
	return limit, false
}

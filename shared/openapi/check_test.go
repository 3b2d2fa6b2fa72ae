package openapi

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

func compiled(t *testing.T, schema string) *Schema {
	t.Helper()
	s, err := CompileSchema(jsontext.Value(schema))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCheck(t *testing.T) {
	schema := compiled(t, `{
		"type": "object",
		"properties": {
			"id": {"type": "string", "minLength": 2, "maxLength": 4, "pattern": "^[a-z]+$"},
			"limit": {"type": "integer", "minimum": 1, "maximum": 100, "multipleOf": 5},
			"ratio": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1.5},
			"sort": {"enum": ["asc", "desc"]},
			"kind": {"const": "pet"},
			"tags": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 3, "uniqueItems": true},
			"owner": {"$ref": "#/$defs/Owner"},
			"when": {"anyOf": [{"type": "string"}, {"type": "null"}, {"type": "integer"}]},
			"shape": {"oneOf": [
				{"type": "object", "required": ["type", "radius"], "properties": {"type": {"const": "circle"}, "radius": {"type": "number"}}},
				{"type": "object", "required": ["type", "side"], "properties": {"type": {"const": "square"}, "side": {"type": "number"}}},
				{"type": "string"}]},
			"pair": {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
			"one": {"oneOf": [{"minimum": 1}, {"minimum": 2}]},
			"map": {"type": "object", "minProperties": 1, "maxProperties": 2, "propertyNames": {"pattern": "^x"}, "additionalProperties": {"type": "integer"}},
			"never": false,
			"some": {"contains": {"type": "integer"}},
			"not": {"not": {"type": "string"}},
			"dep": {"dependentRequired": {"a": ["b"]}}
		},
		"required": ["id"],
		"additionalProperties": false,
		"$defs": {"Owner": {"type": "object", "properties": {"name": {"type": "string"}, "pets": {"type": "array", "items": {"$ref": "#/$defs/Owner"}}}, "additionalProperties": false}}
	}`)
	tests := []struct{ name, args, pointer, message string }{
		{"valid", `{"id":"ab","limit":5,"ratio":0.5,"sort":"asc","kind":"pet","tags":["a"],"owner":{"name":"x","pets":[{}]},"when":null,"shape":{"type":"square","side":1},"pair":{"b":1},"map":{"x":1}}`, "", ""},
		{"missing", `{}`, "/id", `argument "id": is required`},
		{"no arguments", ``, "/id", `argument "id": is required`},
		{"null arguments", `null`, "/id", `argument "id": is required`},
		{"not an object", `[]`, "", `the argument object as a whole: must be an object, not an array`},
		{"type", `{"id":1}`, "/id", `argument "id": must be a string, not a number`},
		{"integer", `{"id":"ab","limit":5.5}`, "/limit", `argument "limit": must be an integer, not a number`},
		{"maximum", `{"id":"ab","limit":105}`, "/limit", `argument "limit": must be ≤ 100`},
		{"minimum", `{"id":"ab","limit":0}`, "/limit", `argument "limit": must be ≥ 1`},
		{"large number", `{"id":"ab","limit":100000000000000000000000000000005}`, "/limit", `argument "limit": must be ≤ 100`},
		{"multiple", `{"id":"ab","limit":7}`, "/limit", `argument "limit": must be a multiple of 5`},
		{"exclusive minimum", `{"id":"ab","ratio":0}`, "/ratio", `argument "ratio": must be > 0`},
		{"exclusive maximum", `{"id":"ab","ratio":1.5}`, "/ratio", `argument "ratio": must be < 1.5`},
		{"short", `{"id":"a"}`, "/id", `argument "id": must have at least 2 characters, has 1`},
		{"long", `{"id":"abcde"}`, "/id", `argument "id": must have at most 4 characters, has 5`},
		{"pattern", `{"id":"A1"}`, "/id", `argument "id": must match the regular expression ^[a-z]+$`},
		{"enum", `{"id":"ab","sort":"up"}`, "/sort", `argument "sort": must be one of "asc", "desc"`},
		{"const", `{"id":"ab","kind":"dog"}`, "/kind", `argument "kind": must be "pet"`},
		{"item", `{"id":"ab","tags":["a",1]}`, "/tags/1", `argument "tags[1]": must be a string, not a number`},
		{"few items", `{"id":"ab","tags":[]}`, "/tags", `argument "tags": must have at least 1 items, has 0`},
		{"many items", `{"id":"ab","tags":["a","b","c","d"]}`, "/tags", `argument "tags": must have at most 3 items, has 4`},
		{"equal items", `{"id":"ab","tags":["a","b","a"]}`, "/tags", `argument "tags": must not have equal items: those at 0 and 2 are`},
		{"unknown", `{"id":"ab","Limits":1}`, "/Limits", `argument "Limits": is not known: did you mean "limit"?`},
		{"unknown inside", `{"id":"ab","owner":{"pets":[{"Name":"x"}]}}`, "/owner/pets/0/Name", `argument "owner.pets[0].Name": is not known: did you mean "name"?`},
		{"never", `{"id":"ab","never":1}`, "/never", `argument "never": is not known: did you mean "never"?`},
		{"types", `{"id":"ab","when":[]}`, "/when", `argument "when": must be an integer or null or a string`},
		{"alternative by its constant", `{"id":"ab","shape":{"type":"circle"}}`, "/shape/radius", `argument "shape.radius": is required`},
		{"alternatives of one fault", `{"id":"ab","pair":{}}`, "/pair/a", `argument "pair.a": is required, or "pair.b" is required`},
		{"several alternatives", `{"id":"ab","one":3}`, "/one", `argument "one": must fit exactly one of the alternatives of the schema, but fits several`},
		{"few members", `{"id":"ab","map":{}}`, "/map", `argument "map": must have at least 1 members, has 0`},
		{"many members", `{"id":"ab","map":{"x":1,"xx":2,"xxx":3}}`, "/map", `argument "map": must have at most 2 members, has 3`},
		{"member name", `{"id":"ab","map":{"y":1}}`, "", `the argument object as a whole: has a member named "y", which is not an allowed name`},
		{"contains", `{"id":"ab","some":["a"]}`, "/some", `argument "some": must have an item of the kind that the schema asks for`},
		{"not", `{"id":"ab","not":"a"}`, "/not", `argument "not": is a value that the schema excludes`},
		{"dependent", `{"id":"ab","dep":{"a":1}}`, "/dep/b", `argument "dep.b": is required together with "a"`},
		{"several faults", `{"limit":-1,"sort":1}`, "/id", "argument \"id\": is required\nargument \"limit\": must be a multiple of 5\nargument \"limit\": must be ≥ 1\nargument \"sort\": must be one of \"asc\", \"desc\""},
		{"five of them", `{"a1":1,"b1":1,"c1":1,"d1":1,"e1":1,"f1":1}`, "/a1", ""},
		{"huge exponent", `{"id":"ab","limit":1e1000000000}`, "/limit", `argument "limit": is a number that is too large or too long: send one that a 64-bit floating point number can hold`},
		{"given twice", `{"id":"ab","id":"cd"}`, "/id", `argument "id": is given more than once; give it once`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := schema.Check(jsontext.Value(test.args))
			if err == nil {
				if test.pointer+test.message != "" {
					t.Errorf("got no error, want %s", test.message)
				}
				return
			}
			fault, ok := errors.AsType[*ArgumentError](err)
			if !ok {
				t.Fatalf("got %v, want an ArgumentError", err)
			}
			if fault.Pointer != test.pointer || test.message != "" && fault.Message != test.message {
				t.Errorf("got %q: %s\nwant %q: %s", fault.Pointer, fault.Message, test.pointer, test.message)
			}
			if test.message == "" && (strings.Count(fault.Message, "\n") != maxFaults || !strings.HasSuffix(fault.Message, "… and 2 more")) {
				t.Errorf("got %s, want %d faults and the number of the others", fault.Message, maxFaults)
			}
		})
	}
}

func TestCheckValue(t *testing.T) {
	schema := compiled(t, `{"type":"object","properties":{"items":{"type":"array","items":{"type":"object","properties":{"id":{"type":"string"}}}}}}`)
	tests := []struct{ name, value, want string }{
		{"valid", `{"items":[{"id":"a"}]}`, ""},
		{"inside", `{"items":[{"id":1}]}`, `"items[0].id": must be a string, not a number`},
		{"as a whole", `[]`, `the value object as a whole: must be an object, not an array`},
		{"no JSON", `{`, `not valid JSON: unexpected EOF after offset 1`},
		{"large", `{"items":1e999}`, `"items": is a number that is too large or too long: send one that a 64-bit floating point number can hold`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := schema.CheckValue(jsontext.Value(test.value))
			got := ""
			if err != nil {
				if _, ok := errors.AsType[*ValueError](err); !ok {
					t.Fatalf("got %v, want a ValueError", err)
				}
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestCompileSchema(t *testing.T) {
	tests := []struct {
		name, schema, valid, invalid string
	}{
		{"a pattern that RE2 cannot express", `{"type":"string","pattern":"^(?!x)"}`, `"x"`, `1`},
		{"a property pattern that RE2 cannot express", `{"patternProperties":{"(?<=a)b":{"type":"integer"}}}`, `{"b":1}`, `{"b":"x"}`},
		{"formats are annotations", `{"type":"string","format":"uuid"}`, `"x"`, `1`},
		{"exact numbers", `{"const":12345678901234567890}`, `12345678901234567890`, `12345678901234567891`},
		{"recursion", `{"$ref":"#/$defs/T","$defs":{"T":{"type":"object","additionalProperties":{"$ref":"#/$defs/T"}}}}`, `{"a":{"b":{}}}`, `{"a":{"b":1}}`},
		{"boolean", `true`, `1`, ``},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := compiled(t, test.schema)
			if err := s.CheckValue(jsontext.Value(test.valid)); err != nil {
				t.Errorf("%s: got %v, want no error", test.valid, err)
			}
			if test.invalid == "" {
				return
			}
			if err := s.CheckValue(jsontext.Value(test.invalid)); err == nil {
				t.Errorf("%s: got no error", test.invalid)
			}
		})
	}
	for _, schema := range []string{``, `{`, `1`, `{"type":1}`, `{"$ref":"https://contoso.com/schema.json"}`, `{"$ref":"other.json"}`, `{"$ref":"#/$defs/none"}`, `{"minimum":1e99999999}`} {
		if _, err := CompileSchema(jsontext.Value(schema)); err == nil {
			t.Errorf("%s: got no error", schema)
		}
	}
}

func TestCheckLargeValues(t *testing.T) {
	s := compiled(t, `{"$ref":"#/$defs/T","$defs":{"T":{"additionalProperties":{"$ref":"#/$defs/T"},"items":{"type":"string"}}}}`)
	const want = "the argument object as a whole: has too many or too deeply nested values to be checked: send less, or make it flatter"
	for _, args := range []string{
		`{"a":[` + strings.Repeat("1,", maxSteps) + `1]}`,
		strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000),
		strings.Repeat(`{"a":`, 500) + "[" + strings.Repeat("1,", 10_000) + "1]" + strings.Repeat("}", 500),
	} {
		if err := s.Check(jsontext.Value(args)); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if err := s.Check(jsontext.Value(`{"a":[` + strings.Repeat(`"x",`, 100_000) + `"x"]}`)); err != nil {
		t.Errorf("100,000 items: %v", err)
	}
}

// TestCheckIsAffordable has a schema whose alternatives both refer to itself:
// without a count of the work, each level of the value doubles the time.
func TestCheckIsAffordable(t *testing.T) {
	s := compiled(t, `{"$ref":"#/$defs/T","$defs":{"T":{"anyOf":[
		{"properties":{"a":{"$ref":"#/$defs/T"},"x":{"const":1}},"required":["x"]},
		{"properties":{"a":{"$ref":"#/$defs/T"},"y":{"const":1}},"required":["y"]}]}}}`)
	nested := func(depth int) jsontext.Value {
		return jsontext.Value(strings.Repeat(`{"a":`, depth) + "{}" + strings.Repeat("}", depth))
	}
	if err := s.Check(nested(4)); err == nil || strings.Contains(err.Error(), "too deeply") {
		t.Errorf("got %v, want that x or y is required", err)
	}
	start := time.Now()
	err := s.Check(nested(100))
	if err == nil || !strings.Contains(err.Error(), "is nested too deeply") {
		t.Errorf("got %v, want that it is nested too deeply", err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("the check took %v", took)
	}
	list := compiled(t, `{"$ref":"#/$defs/T","$defs":{"T":{"type":"object","properties":{"next":{"$ref":"#/$defs/T"}}}}}`)
	if err := list.Check(jsontext.Value(strings.Repeat(`{"next":`, 500) + "{}" + strings.Repeat("}", 500))); err != nil {
		t.Errorf("a recursion without alternatives: %v", err)
	}
}

func TestFaults(t *testing.T) {
	s, err := CompileSchema(jsontext.Value(`{"type":"object","required":["a"],"properties":{"a":{"type":"integer","minimum":1},"b":{"anyOf":[{"type":"string"},{"type":"integer"}]},"c":false,"d":{"enum":["x"]}},"additionalProperties":false}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ value, pointer, keyword string }{
		{`{}`, "/a", "required"},
		{`{"a":"x"}`, "/a", "type"},
		{`{"a":0}`, "/a", "minimum"},
		{`{"a":1,"b":null}`, "/b", "type"},
		{`{"a":1,"c":1}`, "/c", ""},
		{`{"a":1,"d":1}`, "/d", "enum"},
		{`{"a":1,"e":1}`, "/e", "additionalProperties"},
		{`{`, "", ""},
	} {
		got := s.Faults(jsontext.Value(c.value))
		if len(got) != 1 || got[0].Pointer != c.pointer || got[0].Keyword != c.keyword || got[0].Message == "" {
			t.Errorf("%s: got %+v, want %q by %q", c.value, got, c.pointer, c.keyword)
		}
	}
	if got := s.Faults(jsontext.Value(`{"a":1}`)); got != nil {
		t.Errorf("got %+v, want none", got)
	}
}

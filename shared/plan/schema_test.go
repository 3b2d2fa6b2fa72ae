package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// TestBreaking has pairs of input schemas, or of output schemas, and the reasons; none
// for a change that breaks nobody.
func TestBreaking(t *testing.T) {
	object := func(properties string, more ...string) string {
		return `{"type":"object","properties":{` + properties + `}` + strings.Join(more, "") + `}`
	}
	tests := []struct {
		name, before, after string
		output              bool
		want                []string
	}{
		{name: "the same", before: object(`"a":{"type":"string"}`), after: object(`"a":{"type":"string"}`)},
		{name: "a description", before: object(`"a":{"type":"string","description":"x"}`), after: object(`"a":{"type":"string","title":"y","default":"z"}`)},
		{name: "a new argument", before: object(``), after: object(`"a":{"type":"string"}`)},
		{name: "a new required argument", before: object(``), after: object(`"a":{"type":"string"}`, `,"required":["a"]`), want: []string{`parameter "a" is required now`}},
		{name: "an argument required now", before: object(`"a":{}`), after: object(`"a":{}`, `,"required":["a"]`), want: []string{`parameter "a" is required now`}},
		{name: "not required any more", before: object(`"a":{}`, `,"required":["a"]`), after: object(`"a":{}`)},
		{name: "an argument less", before: object(`"a":{}`), after: object(``), want: []string{`parameter "a" was removed`}},
		{name: "a narrower type", before: object(`"a":{"type":["string","null"]}`), after: object(`"a":{"type":"string"}`), want: []string{`parameter "a" is of type string, was string or null`}},
		{name: "a wider type", before: object(`"a":{"type":"integer"}`), after: object(`"a":{"type":"number"}`)},
		{name: "a number that is an integer now", before: object(`"a":{"type":"number"}`), after: object(`"a":{"type":"integer"}`), want: []string{`parameter "a" is of type integer, was number`}},
		{name: "a type now", before: object(`"a":{}`), after: object(`"a":{"type":"string"}`), want: []string{`parameter "a" is of type string, was any`}},
		{name: "a value less", before: object(`"a":{"enum":["x","y"]}`), after: object(`"a":{"enum":["x"]}`), want: []string{`parameter "a" may not have the value "y" any more`}},
		{name: "a value more", before: object(`"a":{"enum":["x"]}`), after: object(`"a":{"enum":["x","y"]}`)},
		{name: "values are listed now", before: object(`"a":{"type":"string"}`), after: object(`"a":{"type":"string","enum":["x"]}`), want: []string{`parameter "a" may only have listed values`}},
		{name: "one value of a type", before: object(`"a":{"const":1}`), after: object(`"a":{"type":"number"}`)},
		{name: "a lower bound", before: object(`"a":{"minimum":1}`), after: object(`"a":{"minimum":2}`), want: []string{`parameter "a" has another bound: minimum is 2 in one and 1 in the other`}},
		{name: "looser bounds", before: object(`"a":{"minimum":1,"maxLength":4}`), after: object(`"a":{"minimum":0}`)},
		{name: "a bound now", before: object(`"a":{}`), after: object(`"a":{"maxLength":3}`), want: []string{`parameter "a" has another bound: maxLength is 3 in one and not given in the other`}},
		{name: "another pattern", before: object(`"a":{"pattern":"a"}`), after: object(`"a":{"pattern":"b"}`), want: []string{`parameter "a" has another pattern: "b", was "a"`}},
		{name: "no pattern any more", before: object(`"a":{"pattern":"a"}`), after: object(`"a":{}`)},
		{name: "a keyword that nobody knows", before: object(`"a":{}`), after: object(`"a":{"odd":1}`), want: []string{`parameter "a" has another odd: 1, was null`}},
		{name: "an extension", before: object(`"a":{}`), after: object(`"a":{"x-odd":1}`)},
		{name: "no others", before: object(`"a":{}`), after: object(`"a":{}`, `,"additionalProperties":false`), want: []string{"the arguments may not have other members any more"}},
		{name: "others", before: object(`"a":{}`, `,"additionalProperties":false`), after: object(`"a":{}`)},
		{name: "items", before: object(`"a":{"items":{"type":"string"}}`), after: object(`"a":{"items":{"type":"number"}}`), want: []string{`parameter "a[]" is of type number, was string`}},
		{name: "deep", before: object(`"a":` + object(`"b":{}`)), after: object(`"a":` + object(`"b":{}`, `,"required":["b"]`)), want: []string{`parameter "a.b" is required now`}},
		{
			name:   "references",
			before: object(`"a":{"$ref":"#/$defs/A"}`, `,"$defs":{"A":{"type":"string"}}`), after: object(`"a":{"$ref":"#/$defs/B","description":"x"}`, `,"$defs":{"B":{"type":"string"}}`),
		},
		{
			name:   "what is referred to",
			before: object(`"a":{"$ref":"#/$defs/A"}`, `,"$defs":{"A":{"type":"string"}}`), after: object(`"a":{"$ref":"#/$defs/A"}`, `,"$defs":{"A":{"type":"number"}}`),
			want: []string{`parameter "a" is of type number, was string`},
		},
		{
			name:   "recursion",
			before: object(`"a":{"$ref":"#/$defs/A"}`, `,"$defs":{"A":`+object(`"n":{"$ref":"#/$defs/A"}`)+`}`),
			after:  object(`"a":{"$ref":"#/$defs/A"}`, `,"$defs":{"A":`+object(`"n":{"$ref":"#/$defs/A"},"m":{}`)+`}`),
		},
		{
			name:   "a loop of references",
			before: object(`"a":{"$ref":"#/$defs/A"}`, `,"$defs":{"A":{"$ref":"#/$defs/A"}}`), after: object(`"a":{"$ref":"#/$defs/A","type":"string"}`, `,"$defs":{"A":{"$ref":"#/$defs/A"}}`),
		},
		{name: "an alternative more", before: object(`"a":{"anyOf":[{"type":"string"}]}`), after: object(`"a":{"anyOf":[{"type":"number"},{"type":"string"}]}`)},
		{name: "an alternative less", before: object(`"a":{"anyOf":[{"type":"number"},{"type":"string"}]}`), after: object(`"a":{"anyOf":[{"type":"string"}]}`), want: []string{`parameter "a" has other alternatives (anyOf)`}},
		{name: "one of others", before: object(`"a":{"oneOf":[{"type":"number"}]}`), after: object(`"a":{"oneOf":[{"type":"number"},{"type":"integer"}]}`), want: []string{`parameter "a" has other alternatives (oneOf)`}},
		{name: "one schema more to hold", before: object(`"a":{"allOf":[{"minimum":1}]}`), after: object(`"a":{"allOf":[{"minimum":1},{"type":"number"}]}`), want: []string{`parameter "a" is of type number, was any`}},
		{name: "not allowed", before: object(`"a":{}`), after: object(`"a":false`), want: []string{`parameter "a" is not allowed`}},

		{name: "a result of more", output: true, before: object(`"a":{}`), after: object(`"a":{},"b":{}`)},
		{name: "a result of more that had to be all", output: true, before: object(`"a":{}`, `,"additionalProperties":false`), after: object(`"a":{},"b":{"type":"string"}`, `,"additionalProperties":false`), want: []string{`result "b" is not allowed`}},
		{name: "a result of less", output: true, before: object(`"a":{},"b":` + object(`"c":{}`)), after: object(`"b":` + object(``)), want: []string{`result "a" was removed`, `result "b.c" was removed`}},
		{name: "a result that may be missing", output: true, before: object(`"a":{}`, `,"required":["a"]`), after: object(`"a":{}`), want: []string{`result "a" may be missing`}},
		{name: "a result that is always there", output: true, before: object(`"a":{}`), after: object(`"a":{}`, `,"required":["a"]`)},
		{name: "a result of another type", output: true, before: object(`"a":{"type":"string"}`), after: object(`"a":{"type":["string","null"]}`), want: []string{`result "a" is of type string or null, was string`}},
		{name: "a result with another value", output: true, before: object(`"a":{"enum":["x"]}`), after: object(`"a":{"enum":["x","y"]}`), want: []string{`result "a" may have the value "y"`}},
		{name: "no result", output: true, before: object(``), want: []string{"the tool does not say any more what its result is"}},
		{name: "a result that is described now", output: true, after: object(`"a":{}`)},
	}
	for _, tt := range tests {
		definition := func(schema string) jsontext.Value {
			switch {
			case !tt.output:
				return jsontext.Value(`{"inputSchema":` + schema + `}`)
			case schema == "":
				return jsontext.Value(`{"inputSchema":{"type":"object"}}`)
			}
			return jsontext.Value(`{"inputSchema":{"type":"object"},"outputSchema":` + schema + `}`)
		}
		if got := breaking(definition(tt.before), definition(tt.after)); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestBreakingEnds has alternatives in alternatives, each of which may be any other.
func TestBreakingEnds(t *testing.T) {
	nested := func(leaf string) string {
		s := leaf
		for range 12 {
			s = `{"anyOf":[` + s + `,` + strings.Replace(s, "0", "1", 1) + `]}`
		}
		return s
	}
	definition := func(leaf string) jsontext.Value {
		return jsontext.Value(`{"inputSchema":{"type":"object","properties":{"a":` + nested(leaf) + `}}}`)
	}
	if got := breaking(definition(`{"const":0}`), definition(`{"const":2}`)); len(got) == 0 {
		t.Error("got nothing, want a reason")
	}
}

// FuzzBreaking asks for an end, whatever the schemas are, and that nothing breaks
// where nothing changes.
func FuzzBreaking(f *testing.F) {
	f.Add(`{"type":"object","properties":{"a":{"$ref":"#/$defs/A"}},"$defs":{"A":{"anyOf":[{"$ref":"#"},{"type":"string"}]}}}`, `{"oneOf":[true,false,{"$ref":"#/oneOf/2"}],"allOf":[{"minimum":1}]}`)
	f.Add(`{"enum":[1,null,"a",[],{}],"type":["a"]}`, `{"const":null,"maximum":true,"required":[1],"items":false,"additionalProperties":{"$ref":"x"}}`)
	f.Fuzz(func(t *testing.T, before, after string) {
		a, b := jsontext.Value(before), jsontext.Value(after)
		if !a.IsValid() || !b.IsValid() {
			return
		}
		of := func(schema string) jsontext.Value {
			return jsontext.Value(`{"inputSchema":` + schema + `,"outputSchema":` + schema + `}`)
		}
		breaking(of(before), of(after))
	})
}

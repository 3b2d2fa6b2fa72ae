package openapi

import (
	"strings"
	"testing"
)

// normalText normalizes components.schemas.X of a document whose components are
// schemas, and gives it as JSON with what was noted.
func normalText(t *testing.T, version string, dir direction, schemas string) (text string, notes []string) {
	t.Helper()
	head := "openapi: " + version + ".0\npaths: {}\ncomponents:\n  schemas:\n"
	pointer := []string{"components", "schemas", "X"}
	if version == "2.0" {
		head = "swagger: '2.0'\npaths: {}\ndefinitions:\n"
		pointer = []string{"definitions", "X"}
	}
	d := parseText(t, head+indent(schemas, 4))
	z := d.inputs
	if dir == response {
		z = d.outputs
	}
	out := z.schema(d.root.at(pointer...))
	c := &conversion{document: d}
	c.addNotes(&normalizer{notes: z.notes}, out)
	if out.kind == boolNode {
		return out.text, nil
	}
	rendered, ok := renderSchema(out, 1<<20)
	if !ok {
		t.Fatal("too long")
	}
	if _, err := CompileSchema(rendered); err != nil {
		t.Errorf("%v: %s", err, rendered)
	}
	return string(rendered), append(c.refused, c.lossy...)
}

type normalTest struct {
	name, version, in, want string
	notes                   []string
}

func runNormalTests(t *testing.T, dir direction, tests []normalTest) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			version := tt.version
			if version == "" {
				version = "3.0"
			}
			got, notes := normalText(t, version, dir, tt.in)
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if len(notes) != len(tt.notes) {
				t.Fatalf("got notes %q, want %q", notes, tt.notes)
			}
			for i, want := range tt.notes {
				if !strings.Contains(notes[i], want) {
					t.Errorf("got note %q, want %q in it", notes[i], want)
				}
			}
		})
	}
}

func TestNormalizeOlderKeywords(t *testing.T) {
	runNormalTests(t, request, []normalTest{
		{name: "nullable type", in: "X: {type: string, nullable: true}", want: `{"type":["string","null"]}`},
		{name: "nullable enum", in: "X: {type: string, nullable: true, enum: [a]}", want: `{"type":["string","null"],"enum":["a",null]}`},
		{name: "nullable without type", in: "X: {nullable: true, description: any}", want: `{"description":"any"}`},
		{
			name: "nullable reference", in: "X: {nullable: true, allOf: [{$ref: '#/components/schemas/Y'}], description: d}\nY: {type: object}",
			want: `{"description":"d","anyOf":[{"$ref":"#/$defs/Y"},{"type":"null"}],"$defs":{"Y":{"type":"object"}}}`,
		},
		{
			name: "nullable choice", in: "X: {nullable: true, oneOf: [{type: string}, {type: integer}]}",
			want: `{"oneOf":[{"type":"string"},{"type":"integer"},{"type":"null"}]}`,
		},
		{
			name: "nullable choice that may be null", in: "X: {nullable: true, oneOf: [{type: string, nullable: true}, {type: integer}]}",
			want: `{"anyOf":[{"oneOf":[{"type":["string","null"]},{"type":"integer"}]},{"type":"null"}]}`,
		},
		{name: "x-nullable", version: "2.0", in: "X: {type: string, x-nullable: true}", want: `{"type":["string","null"]}`},
		{
			name: "exclusive bounds", in: "X: {type: number, minimum: 1, exclusiveMinimum: true, maximum: 2, exclusiveMaximum: false}",
			want: `{"type":"number","exclusiveMinimum":1,"maximum":2}`,
		},
		{
			name: "exclusive without bound", in: "X: {exclusiveMaximum: true}", want: `{}`,
			notes: []string{"exclusiveMaximum is left out: there is no maximum"},
		},
		{name: "exclusive number", version: "3.1", in: "X: {exclusiveMinimum: 0}", want: `{"exclusiveMinimum":0}`},
		{name: "example", in: "X: {type: string, example: cat}", want: `{"type":"string","examples":["cat"]}`},
		{name: "example beside examples", version: "3.1", in: "X: {example: a, examples: [b, c, d, e]}", want: `{"examples":["b","c","d"]}`},
		{name: "byte", in: "X: {type: string, format: byte}", want: `{"type":"string","format":"byte","contentEncoding":"base64"}`},
		{name: "file", version: "2.0", in: "X: {type: file}", want: `{"format":"binary","type":"string"}`},
		{name: "examples that hide text", in: `X: {examples: ["a\u200bb", {"k\u202e": 1}, ["\U000e0041"], fine]}`, want: `{"examples":["fine"]}`},
		{name: "format that is prose", in: `X: {format: "a\u200bb"}`, want: `{}`, notes: []string{"format is left out"}},
		{name: "vendor keywords", in: "X: {type: object, xml: {name: x}, externalDocs: {url: u}, x-thing: 1}", want: `{"type":"object"}`},
		{
			name: "tuple", in: "X: {type: array, items: [{type: string}, {type: integer}], additionalItems: false}",
			want: `{"type":"array","prefixItems":[{"type":"string"},{"type":"integer"}],"items":false}`,
		},
		{
			name: "dependencies", in: "X: {dependencies: {a: [b], c: {required: [d]}}}",
			want: `{"dependentRequired":{"a":["b"]},"dependentSchemas":{"c":{"required":["d"]}}}`,
		},
		{
			name: "required of draft 3", in: "X: {properties: {a: {type: string, required: true}, b: {type: string, required: false}}}",
			want: `{"properties":{"a":{"type":"string"},"b":{"type":"string"}},"required":["a"]}`,
		},
	})
}

func TestNormalizeRepairs(t *testing.T) {
	runNormalTests(t, request, []normalTest{
		{name: "stray type", in: "X: {type: int}", want: `{"type":"integer"}`, notes: []string{`type "int" is taken as integer`}},
		{name: "type any", in: "X: {type: any, title: T}", want: `{"title":"T"}`},
		{name: "unknown type", in: "X: {type: Pet}", want: `{}`, notes: []string{"type Pet is left out"}},
		{name: "type null", in: "X: {type: null}", want: `{"type":"null"}`},
		{name: "types", version: "3.1", in: "X: {type: [string, 'null', string]}", want: `{"type":["string","null"]}`},
		{
			name: "enum of numbers for strings", in: "X: {type: string, enum: [1.0, two, true]}", want: `{"type":"string","enum":["1.0","two","true"]}`,
			notes: []string{"values of enum are taken as type string"},
		},
		{
			name: "enum of strings for numbers", in: "X: {type: integer, enum: ['1', x]}", want: `{"type":"integer","enum":[1,"x"]}`,
			notes: []string{"values of enum are taken as type integer"},
		},
		{name: "enum with duplicates", in: "X: {enum: [a, b, a, 1, '1']}", want: `{"enum":["a","b",1,"1"]}`},
		{
			name: "enum of a mixed list", in: "X: {type: [boolean, array, object, 'null'], enum: ['true', [1], {a: 1}, null, false]}",
			want:  `{"type":["boolean","array","object","null"],"enum":[true,[1],{"a":1},null,false]}`,
			notes: []string{"values of enum are taken as type boolean or array or object or null"},
		},
		{name: "empty types", in: "X: {type: []}", want: `{}`},
		{
			name: "odd lists", in: "X: {dependentRequired: {a: b, c: [d]}, dependencies: {e: f}, contentEncoding: [a], deprecated: x, patternProperties: [a]}",
			want:  `{"dependentRequired":{"c":["d"]}}`,
			notes: []string{"dependentRequired is left out", "dependencies is left out", "contentEncoding is left out", "deprecated is left out", "patternProperties is left out"},
		},
		{name: "tuple with a rest", in: "X: {items: [{}], additionalItems: {type: string}}", want: `{"prefixItems":[{}],"items":{"type":"string"}}`},
		{name: "empty enum", in: "X: {enum: []}", want: `{}`, notes: []string{"enum is left out"}},
		{name: "enum that is no list", in: "X: {enum: a}", want: `{}`, notes: []string{"enum is left out"}},
		{name: "quoted numbers", in: "X: {minimum: '1', maxLength: '20', minItems: 3.0}", want: `{"minimum":1,"maxLength":20,"minItems":3}`},
		{
			name: "impossible numbers", in: "X: {minLength: -1, maxItems: 1.5, multipleOf: 0, maximum: .inf}", want: `{}`,
			notes: []string{"minLength is left out", "maxItems is left out", "multipleOf is left out", "maximum is left out"},
		},
		{
			name: "number no validator should compute", in: "X: {maximum: 1e100000}", want: `{}`,
			notes: []string{"maximum is left out: it is too large"},
		},
		{name: "empty allOf", in: "X: {allOf: []}", want: `{}`, notes: []string{"allOf is left out"}},
		{name: "properties that are a list", in: "X: {properties: [a]}", want: `{}`, notes: []string{"properties is left out"}},
		{name: "property that is no schema", in: "X: {properties: {a: string}}", want: `{"properties":{"a":{}}}`, notes: []string{"a schema that is no object"}},
		{name: "required that is no list", in: "X: {required: {a: b}}", want: `{}`, notes: []string{"required is left out"}},
		{name: "required twice", in: "X: {required: [a, a]}", want: `{"required":["a"]}`},
		{name: "quoted booleans", in: "X: {uniqueItems: 'true', additionalProperties: 'false'}", want: `{"uniqueItems":true,"additionalProperties":false}`},
		{name: "unique strings", in: "X: {type: string, uniqueItems: true}", want: `{"type":"string"}`},
		{name: "additionalProperties that is text", in: "X: {additionalProperties: string}", want: `{}`, notes: []string{"additionalProperties is left out"}},
		{name: "not a schema", in: "X: text", want: `{}`, notes: []string{"a schema that is no object"}},
	})
}

func TestNormalizePatterns(t *testing.T) {
	runNormalTests(t, request, []normalTest{
		{name: "ordinary", in: `X: {pattern: '^[a-z]\d{2}(?:x|y)\.$'}`, want: `{"pattern":"^[a-z]\\d{2}(?:x|y)\\.$"}`},
		{name: "named group", in: `X: {pattern: '(?<year>\d+)'}`, want: `{"pattern":"(?<year>\\d+)"}`},
		{name: "unicode escapes", in: `X: {pattern: '^[\u00e0-\u00ff\u{1F600}]\u002e$'}`, want: `{"pattern":"^[à-ÿ😀]\\.$"}`},
		{
			name: "lookahead", in: `X: {pattern: '^(?!x).*$', description: Not x.}`,
			want:  `{"description":"Not x.\nPattern: ^(?!x).*$"}`,
			notes: []string{`pattern is left out: "^(?!x).*$" looks ahead or behind`},
		},
		{name: "flags of RE2", in: `X: {pattern: '(?i)abc'}`, want: `{"description":"Pattern: (?i)abc"}`, notes: []string{"not a regular expression of ECMA-262"}},
		{name: "posix class", in: `X: {pattern: '[[:alpha:]]'}`, want: `{"description":"Pattern: [[:alpha:]]"}`, notes: []string{"ECMA-262"}},
		{name: "anchors of RE2", in: `X: {pattern: '\Aab\z'}`, want: `{"description":"Pattern: \\Aab\\z"}`, notes: []string{"ECMA-262"}},
		{name: "half a pair", in: `X: {pattern: '\ud83d\ude00'}`, want: `{"description":"Pattern: \\ud83d\\ude00"}`, notes: []string{"ECMA-262"}},
		{name: "invalid", in: `X: {pattern: '[a'}`, want: `{"description":"Pattern: [a"}`, notes: []string{"every validator"}},
		{name: "not a string", in: `X: {pattern: [a]}`, want: `{}`, notes: []string{"not a string"}},
		{
			name: "of properties", in: `X: {patternProperties: {'^x-': {type: string}, '^(?!y)': {}}}`,
			want: `{"patternProperties":{"^x-":{"type":"string"}}}`, notes: []string{"patternProperties is left out"},
		},
	})
}

func TestNormalizeReferences(t *testing.T) {
	const y = "\nY: {type: object, properties: {a: {type: string}}}"
	runNormalTests(t, request, []normalTest{
		{name: "shared", in: "X: {properties: {a: {$ref: '#/components/schemas/Y'}, b: {$ref: '#/components/schemas/Y'}}}" + y, want: `{"properties":{"a":{"$ref":"#/$defs/Y"},"b":{"$ref":"#/$defs/Y"}},"$defs":{"Y":{"type":"object","properties":{"a":{"type":"string"}}}}}`},
		{name: "pruned", in: "X: {type: object}" + y, want: `{"type":"object"}`},
		{name: "siblings in 3.0", in: "X: {properties: {a: {$ref: '#/components/schemas/Y', description: A, required: [z]}}}" + y, want: `{"properties":{"a":{"$ref":"#/$defs/Y","description":"A"}},"$defs":{"Y":{"type":"object","properties":{"a":{"type":"string"}}}}}`},
		{name: "siblings in 3.1", version: "3.1", in: "X: {properties: {a: {$ref: '#/components/schemas/Y', description: A, required: [z]}}}" + y, want: `{"properties":{"a":{"$ref":"#/$defs/Y","description":"A","required":["z"]}},"$defs":{"Y":{"type":"object","properties":{"a":{"type":"string"}}}}}`},
		{name: "scalar", in: "X: {items: {$ref: '#/components/schemas/Y', description: Mine}}\nY: {type: string, description: Yours, enum: [a]}", want: `{"items":{"type":"string","description":"Mine","enum":["a"]}}`},
		{name: "scalar with constraints beside it", version: "3.1", in: "X: {items: {$ref: '#/components/schemas/Y', maxLength: 3}}\nY: {type: string}", want: `{"items":{"$ref":"#/$defs/Y","maxLength":3},"$defs":{"Y":{"type":"string"}}}`},
		{name: "chain", in: "X: {items: {$ref: '#/components/schemas/Z'}}\nZ: {$ref: '#/components/schemas/Y'}" + y, want: `{"items":{"$ref":"#/$defs/Y"},"$defs":{"Y":{"type":"object","properties":{"a":{"type":"string"}}}}}`},
		{name: "recursive", in: "X: {$ref: '#/components/schemas/Y'}\nY: {type: object, properties: {y: {$ref: '#/components/schemas/Y'}}}", want: `{"$ref":"#/$defs/Y","$defs":{"Y":{"type":"object","properties":{"y":{"$ref":"#/$defs/Y"}}}}}`},
		{name: "circle of nothing", in: "X: {items: {$ref: '#/components/schemas/Y'}}\nY: {$ref: '#/components/schemas/Y'}", want: `{"items":{}}`, notes: []string{`$ref "#/components/schemas/Y" leads back to itself`}},
		{name: "missing", in: "X: {items: {$ref: '#/components/schemas/Z'}}", want: `{"items":{}}`, notes: []string{`api.yaml:5:23: $ref "#/components/schemas/Z" names nothing`}},
		{name: "to what is no schema", in: "X: {items: {$ref: '#/openapi'}}", want: `{"items":{}}`, notes: []string{"names something that is not a schema"}},
		{name: "escapes", in: "X: {items: {$ref: '#/components/schemas/a~1b%20c~0'}}\n'a/b c~': {type: object}", want: `{"items":{"$ref":"#/$defs/a_b_c_"},"$defs":{"a_b_c_":{"type":"object"}}}`},
		{name: "through a reference", in: "X: {items: {$ref: '#/components/schemas/Z/properties/a'}}\nZ: {$ref: '#/components/schemas/Y'}\nY: {properties: {a: {type: object}}}", want: `{"items":{"$ref":"#/$defs/a"},"$defs":{"a":{"type":"object"}}}`},
		{name: "same name twice", in: "X: {allOf: [{$ref: '#/components/schemas/A/properties/n'}, {$ref: '#/components/schemas/B/properties/n'}]}\nA: {properties: {n: {type: object}}}\nB: {properties: {n: {type: array}}}", want: `{"allOf":[{"$ref":"#/$defs/n"},{"$ref":"#/$defs/n_2"}],"$defs":{"n":{"type":"object"},"n_2":{"type":"array"}}}`},
		{name: "bare name", version: "2.0", in: "X: {items: {$ref: Y}}" + y, want: `{"items":{"$ref":"#/$defs/Y"},"$defs":{"Y":{"type":"object","properties":{"a":{"type":"string"}}}}}`},
		{name: "allOf of one", in: "X: {properties: {a: {description: A, allOf: [{$ref: '#/components/schemas/Y'}]}}}" + y, want: `{"properties":{"a":{"description":"A","$ref":"#/$defs/Y"}},"$defs":{"Y":{"type":"object","properties":{"a":{"type":"string"}}}}}`},
		{name: "property called $ref", in: "X: {properties: {$ref: {type: string}}}", want: `{"properties":{"$ref":{"type":"string"}}}`},
		{name: "dynamic", version: "3.1", in: "X: {$dynamicAnchor: n, properties: {next: {$dynamicRef: '#n'}}}", want: `{"properties":{"next":{"$ref":"#/$defs/n"}},"$defs":{"n":{"properties":{"next":{"$ref":"#/$defs/n"}}}}}`, notes: []string{"$dynamicRef is taken as $ref"}},
		{name: "dynamic to nothing", version: "3.1", in: "X: {$dynamicRef: '#n'}", want: `{}`, notes: []string{`$ref "#n" names nothing`}},
		{name: "dynamic that is no text", version: "3.1", in: "X: {$dynamicRef: [n]}", want: `{}`, notes: []string{"$dynamicRef is left out"}},
		{name: "recursive of 2019-09", version: "3.1", in: "X: {items: {$ref: '#/components/schemas/Y'}}\nY: {$id: 'https://contoso.com/y', properties: {y: {$recursiveRef: '#'}}}", want: `{"items":{"$ref":"#/$defs/Y"},"$defs":{"Y":{"properties":{"y":{"$ref":"#/$defs/Y"}}}}}`, notes: []string{"$recursiveRef is taken as $ref"}},
		{name: "item of a list", in: "X: {items: {$ref: '#/components/schemas/Y/allOf/1'}}\nY: {allOf: [{}, {type: object}]}", want: `{"items":{"$ref":"#/$defs/Y_1"},"$defs":{"Y_1":{"type":"object"}}}`},
		{name: "item beyond a list", in: "X: {items: {$ref: '#/components/schemas/Y/allOf/2'}}\nY: {allOf: [{}, {type: object}]}", want: `{"items":{}}`, notes: []string{"names nothing"}},
		{name: "anchor", version: "3.1", in: "X: {items: {$ref: '#pet'}}\nY: {$anchor: pet, type: object}", want: `{"items":{"$ref":"#/$defs/pet"},"$defs":{"pet":{"type":"object"}}}`},
		{
			name: "schema with an id", version: "3.1",
			in: "X: {items: {$ref: 'https://contoso.com/tree'}}\n" +
				"Y: {$id: 'https://contoso.com/tree', $defs: {leaf: {type: object}}, properties: {l: {$ref: '#/$defs/leaf'}, t: {$ref: '#'}}}",
			want: `{"items":{"$ref":"#/$defs/tree"},"$defs":{"tree":{"properties":{"l":{"$ref":"#/$defs/leaf"},"t":{"$ref":"#/$defs/tree"}}},"leaf":{"type":"object"}}}`,
		},
		{name: "boolean", version: "3.1", in: "X: true", want: `true`},
		{name: "reference to a boolean", version: "3.1", in: "X: {not: {$ref: '#/components/schemas/Y'}}\nY: false", want: `{"not":{"$ref":"#/$defs/Y"},"$defs":{"Y":false}}`},
	})
}

func TestNormalize2020(t *testing.T) {
	runNormalTests(t, request, []normalTest{
		{
			name: "all keywords", version: "3.1",
			in:   "X: {$schema: 'https://json-schema.org/draft/2020-12/schema', $comment: c, const: 1, if: {}, then: {minimum: 1}, else: false, prefixItems: [{}], contains: {type: string}, minContains: 1, propertyNames: {maxLength: 3}, unevaluatedProperties: false, unevaluatedItems: {}, dependentRequired: {a: [b]}, dependentSchemas: {a: {}}, contentMediaType: image/png, contentEncoding: base64, contentSchema: {}}",
			want: `{"const":1,"if":{},"then":{"minimum":1},"else":false,"prefixItems":[{}],"contains":{"type":"string"},"minContains":1,"propertyNames":{"maxLength":3},"unevaluatedProperties":false,"unevaluatedItems":{},"dependentRequired":{"a":["b"]},"dependentSchemas":{"a":{}},"contentMediaType":"image/png","contentEncoding":"base64","contentSchema":{}}`,
		},
		{name: "another dialect", version: "3.1", in: "X: {$schema: 'https://contoso.com/dialect'}", want: `{}`, notes: []string{`the schema dialect "https://contoso.com/dialect"`}},
	})
}

func TestNormalizeDirections(t *testing.T) {
	const in = "X: {type: object, required: [id, secret, name], properties: {id: {type: string, readOnly: true}, secret: {type: string, writeOnly: true}, name: {type: string}, at: {$ref: '#/components/schemas/Y'}, in: {properties: {by: {readOnly: true}}}}}\nY: {type: string, readOnly: true}"
	runNormalTests(t, request, []normalTest{{
		name: "request", in: in,
		want: `{"type":"object","required":["secret","name"],"properties":{"secret":{"type":"string"},"name":{"type":"string"},"in":{}}}`,
	}})
	runNormalTests(t, response, []normalTest{{
		name: "response", in: in,
		want: `{"type":"object","required":["id","name"],"properties":{"id":{"type":"string"},"name":{"type":"string"},"at":{"type":"string"},"in":{"properties":{"by":{}}}}}`,
	}})
}

func TestNormalizeDiscriminator(t *testing.T) {
	runNormalTests(t, request, []normalTest{
		{
			name: "of a choice", in: "X: {oneOf: [{$ref: '#/components/schemas/Cat'}], discriminator: {propertyName: kind}}\nCat: {type: object}",
			want: `{"anyOf":[{"$ref":"#/$defs/Cat"}],"description":"The property kind selects the variant: Cat.","$defs":{"Cat":{"type":"object"}}}`,
		},
		{
			name: "with a mapping", in: "X: {description: Pets., oneOf: [{$ref: '#/components/schemas/Cat'}], discriminator: {propertyName: kind, mapping: {cat: '#/components/schemas/Cat'}}}\nCat: {type: object}",
			want: `{"description":"Pets.\nThe property kind selects the variant: cat = Cat.","anyOf":[{"$ref":"#/$defs/Cat"}],"$defs":{"Cat":{"type":"object"}}}`,
		},
		{
			name: "beside all compositions", in: "X: {oneOf: [{title: A}], anyOf: [{title: B}], allOf: [{title: C}], discriminator: {propertyName: kind}}",
			want: `{"anyOf":[{"title":"A"}],"allOf":[{"anyOf":[{"title":"B"}]},{"title":"C"}],"description":"The property kind selects the variant."}`,
		},
		{
			name: "of a base", version: "2.0", in: "X: {type: object, discriminator: kind, properties: {kind: {type: string}}}\nCat: {allOf: [{$ref: '#/definitions/X'}]}",
			want:  `{"type":"object","additionalProperties":true,"properties":{"kind":{"type":"string"}},"description":"The property kind selects the variant."}`,
			notes: []string{"the properties of the variants that kind selects are not described"},
		},
	})
}

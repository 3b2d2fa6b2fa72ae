package openapi

import (
	"bytes"
	stdjson "encoding/json" // for Number, by which jsonschema keeps the digits
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Schema is a compiled JSON Schema (2020-12). Any number of checks may use it
// at once.
type Schema struct {
	root *jsonschema.Schema
	// recursive makes the work of a check worth counting beforehand.
	recursive bool
}

// ValueError says where a value does not conform to its schema.
type ValueError struct {
	// Pointer is the JSON Pointer (RFC 6901) to the first fault.
	Pointer string
	// Message lists the first faults, and is public.
	Message string
}

func (e *ValueError) Error() string { return e.Message }

// schemaURL is the base of a schema's references. It is never fetched.
const schemaURL = "toolgate:///schema"

// CompileSchema compiles a schema, which is 2020-12 unless its $schema says
// otherwise. Nothing is loaded: references must be local. Formats are
// annotations. A pattern that Go's regexp package cannot express (lookaround,
// backreferences) accepts every string; the backend judges those.
func CompileSchema(schema jsontext.Value) (*Schema, error) {
	doc, err := decodeValue(schema)
	if err != nil {
		return nil, fmt.Errorf("reading a JSON Schema: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.UseLoader(refusingLoader{})
	c.UseRegexpEngine(compilePattern)
	if err := c.AddResource(schemaURL, doc); err != nil {
		return nil, fmt.Errorf("reading a JSON Schema: %w", err)
	}
	root, err := c.Compile(schemaURL)
	if err != nil {
		return nil, fmt.Errorf("compiling a JSON Schema: %w", err)
	}
	return &Schema{root: root, recursive: isRecursive(root)}, nil
}

// Check checks the arguments of a call, one JSON object; nil or empty arguments
// are an empty object. The error is an [*ArgumentError] that lists the first
// faults.
func (s *Schema) Check(args jsontext.Value) error {
	args = bytes.TrimSpace(args)
	if len(args) == 0 || string(args) == "null" {
		args = jsontext.Value("{}")
	}
	faults, err := s.check(args)
	if err != nil {
		return syntaxFault(err)
	}
	if len(faults) == 0 {
		return nil
	}
	return &ArgumentError{faults[0].pointer, faultList(faults, "argument ")}
}

// CheckValue checks any JSON value, for example structuredContent. The error is
// a [*ValueError] that lists the first faults.
func (s *Schema) CheckValue(value jsontext.Value) error {
	faults, err := s.check(value)
	if err != nil {
		return &ValueError{Message: "not valid JSON: " + strings.TrimPrefix(err.Error(), "jsontext: ")}
	}
	if len(faults) == 0 {
		return nil
	}
	return &ValueError{faults[0].pointer, faultList(faults, "")}
}

// ValueFault is one thing that is wrong in a value: where, as a JSON pointer,
// and what. Keyword is that of the schema which the value breaks; empty for an
// excluded value, several alternatives, or what is no JSON.
type ValueFault struct{ Pointer, Message, Keyword string }

// Faults lists all that is wrong in any JSON value; nil for nothing.
func (s *Schema) Faults(value jsontext.Value) []ValueFault {
	faults, err := s.check(value)
	if err != nil {
		return []ValueFault{{Message: "not valid JSON: " + strings.TrimPrefix(err.Error(), "jsontext: ")}}
	}
	var list []ValueFault
	for _, f := range faults {
		list = append(list, ValueFault{f.pointer, f.message, f.keyword})
	}
	return list
}

// check lists what is wrong with a value, or says that it is not JSON.
func (s *Schema) check(value jsontext.Value) ([]schemaFault, error) {
	v, err := decodeValue(value)
	if bound, ok := errors.AsType[*boundError](err); ok {
		return []schemaFault{{pointer: bound.pointer, message: bound.message}}, nil
	}
	if err != nil {
		return nil, err
	}
	return s.faults(v), nil
}

// refusingLoader loads nothing.
type refusingLoader struct{}

func (refusingLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("the reference to %s is not local", url)
}

// anyString is a pattern that matches every string.
type anyString string

func (anyString) MatchString(string) bool { return true }
func (p anyString) String() string        { return string(p) }

func compilePattern(pattern string) (jsonschema.Regexp, error) {
	if re, err := regexp.Compile(pattern); err == nil {
		return re, nil
	}
	return anyString(pattern), nil
}

// The bounds of a value. jsonschema computes with exact fractions, and one with
// a large exponent takes as much memory as it has digits written out. It also
// keeps an error for everything that does not conform, with the path to it.
const (
	maxDigits   = 1000
	maxExponent = 400       // beyond what a 64-bit floating point number can hold
	maxSteps    = 1_000_000 // the lengths of the paths to all values, together
)

// boundError is a value outside these bounds.
type boundError struct {
	pointer string
	message string
}

func (e *boundError) Error() string { return e.message }

// valueDecoder decodes JSON for jsonschema: objects, arrays, strings, booleans,
// nil, and numbers as they are written.
type valueDecoder struct {
	dec   *jsontext.Decoder
	steps int
}

func decodeValue(src []byte) (any, error) {
	r := rawReaders.Get().(*rawReader)
	defer releaseRawReader(r)
	d := valueDecoder{dec: r.open(src)}
	v, err := d.next()
	if err != nil {
		return nil, err
	}
	if _, err := d.dec.ReadToken(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errors.New("there is more than one JSON value")
		}
		return nil, err
	}
	return v, nil
}

func (d *valueDecoder) next() (any, error) {
	token, err := d.dec.ReadToken()
	if err != nil {
		return nil, err
	}
	if d.steps += 1 + d.dec.StackDepth(); d.steps > maxSteps {
		return nil, &boundError{message: "has too many or too deeply nested values to be checked: send less, or make it flatter"}
	}
	switch token.Kind() {
	case '{':
		return d.object()
	case '[':
		return d.array()
	case '"':
		return token.String(), nil
	case '0':
		return d.number(token.String())
	case 't', 'f':
		return token.Bool(), nil
	}
	return nil, nil
}

func (d *valueDecoder) object() (any, error) {
	object := map[string]any{}
	for d.dec.PeekKind() != '}' {
		name, err := d.dec.ReadToken()
		if err != nil {
			return nil, err
		}
		member := name.String()
		if object[member], err = d.next(); err != nil {
			return nil, err
		}
	}
	_, err := d.dec.ReadToken()
	return object, err
}

func (d *valueDecoder) array() (any, error) {
	array := []any{}
	for d.dec.PeekKind() != ']' {
		item, err := d.next()
		if err != nil {
			return nil, err
		}
		array = append(array, item)
	}
	_, err := d.dec.ReadToken()
	return array, err
}

func (d *valueDecoder) number(text string) (any, error) {
	if !isModest(text) {
		return nil, &boundError{
			pointer: string(d.dec.StackPointer()),
			message: "is a number that is too large or too long: send one that a 64-bit floating point number can hold",
		}
	}
	return stdjson.Number(text), nil
}

// isModest reports whether a number is within the bounds.
func isModest(number string) bool {
	if len(number) > maxDigits {
		return false
	}
	i := strings.IndexAny(number, "eE")
	if i < 0 {
		return true
	}
	exponent, err := strconv.Atoi(number[i+1:])
	return err == nil && -maxExponent <= exponent && exponent <= maxExponent
}

// Package projection knows what a model is shown of a JSON answer: the part that a
// JMESPath expression selects, in pages of whole items, of a size that leaves it
// valid JSON.
package projection

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/jmespath-community/go-jmespath/pkg/functions"
	"github.com/jmespath-community/go-jmespath/pkg/interpreter"
	"github.com/jmespath-community/go-jmespath/pkg/parsing"
)

// Expression is a compiled JMESPath expression. It is safe for concurrent use.
type Expression struct {
	text   string
	root   parsing.ASTNode
	caller interpreter.FunctionCaller
}

// Error says where a JMESPath expression is wrong.
type Error struct {
	// Column counts characters of the expression from 1.
	Column  int
	Message string
	// Near are the names among which the wrong one was looked for; nil where it is no
	// name that is wrong.
	Near []string
	Name string
}

func (e *Error) Error() string { return fmt.Sprintf("character %d: %s", e.Column, e.Message) }

// Compile reads an expression. The error is an [*Error].
func Compile(text string) (*Expression, error) {
	root, err := parse(text)
	if err != nil {
		return nil, err
	}
	known := functions.GetDefaultFunctions()
	names := make([]string, 0, len(known))
	for _, f := range known {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	if name := unknownFunction(root, names); name != "" {
		return nil, &Error{
			Column: column(text, strings.Index(text, name)), Name: name, Near: names,
			Message: fmt.Sprintf("there is no function %q", name),
		}
	}
	return &Expression{text: text, root: root, caller: interpreter.NewFunctionCaller(known...)}, nil
}

// maxText bounds an expression, in bytes. The library calls itself for each level
// that an expression is nested, and a stack that is full ends the process.
const maxText = 16 << 10

// parse has the library parse an expression. Its lexer panics on some characters
// that no expression may have.
func parse(text string) (root parsing.ASTNode, err error) {
	if len(text) > maxText {
		return root, &Error{Column: 1, Message: fmt.Sprintf("is %d bytes long; an expression has %d at most", len(text), maxText)}
	}
	for i, r := range text {
		if r >= 0x80 && r <= 0x9f { // controls; the library looks U+0080 up in a table that ends before it
			return root, &Error{Column: column(text, i), Message: fmt.Sprintf("has the control character %U", r)}
		}
	}
	defer func() {
		if caught := recover(); caught != nil {
			err = &Error{Column: 1, Message: fmt.Sprintf("is no JMESPath expression: %v", caught)}
		}
	}()
	root, err = parsing.NewParser().Parse(text)
	if err == nil {
		return root, nil
	}
	made := &Error{Column: 1, Message: err.Error()}
	if e, ok := errors.AsType[parsing.SyntaxError](err); ok {
		made.Column = column(text, e.Offset)
		made.Message = strings.ReplaceAll(strings.TrimPrefix(e.Error(), "SyntaxError: "), "TOK", "")
	}
	return root, made
}

// column is the character that a byte is of, from 1.
func column(text string, offset int) int {
	offset = max(0, min(offset, len(text)))
	for offset < len(text) && offset > 0 && !utf8.RuneStart(text[offset]) {
		offset--
	}
	return utf8.RuneCountInString(text[:offset]) + 1
}

// unknownFunction is the name of a function that is not known; empty where all are.
func unknownFunction(n parsing.ASTNode, names []string) string {
	if n.NodeType == parsing.ASTFunctionExpression {
		if name, _ := n.Value.(string); !slices.Contains(names, name) {
			return name
		}
	}
	for _, child := range n.Children {
		if name := unknownFunction(child, names); name != "" {
			return name
		}
	}
	return ""
}

// Apply is what the expression selects of a value. Numbers that a float64 cannot
// hold keep their digits, but no function takes them for numbers. The members of
// objects come in the order of their names.
func (e *Expression) Apply(value jsontext.Value) (selected jsontext.Value, err error) {
	decoded, err := decode(value)
	if err != nil {
		return nil, err
	}
	defer func() {
		if caught := recover(); caught != nil {
			selected, err = nil, fmt.Errorf("selecting by %q: %v", e.text, caught)
		}
	}()
	found, err := interpreter.NewInterpreter(decoded, e.caller, nil).Execute(e.root, decoded)
	if err != nil {
		return nil, fmt.Errorf("selecting by %q: %w", e.text, err)
	}
	if selected, err = json.Marshal(found, json.Deterministic(true), json.FormatNilSliceAsNull(false)); err != nil {
		return nil, fmt.Errorf("selecting by %q: the result is no JSON: %w", e.text, err)
	}
	return selected, nil
}

package approval

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"
)

// Question is what a person is shown of a call before it is made. No character in
// it hides another, moves it or breaks a line.
type Question struct {
	Server string `json:"server"`
	Tool   string `json:"tool"`
	// Message asks, in one line.
	Message   string     `json:"message"`
	Arguments []Argument `json:"arguments,omitzero"`
	// More is how many arguments are not shown.
	More int `json:"more,omitzero"`
}

// Argument is one argument of the call, shortened where it is long.
type Argument struct {
	Name  string `json:"name"`
	Value string `json:"value"` // as JSON
}

// Bounds of what is shown, in characters, so that a question fits into a link and
// on a screen. Each argument gets its share: none can push another out of sight.
const (
	maxMessage   = 300
	maxName      = 64
	maxArguments = 20
	allValues    = 1200
	maxValue     = 400
)

// placeholder is the name of an argument in braces.
var placeholder = regexp.MustCompile(`\{([^{}\s]+)\}`)

// Placeholders are the names of the arguments that a message shows.
func Placeholders(message string) []string {
	var names []string
	for _, match := range placeholder.FindAllStringSubmatch(message, -1) {
		if !slices.Contains(names, match[1]) {
			names = append(names, match[1])
		}
	}
	return names
}

// NewQuestion makes the question for a call. The message may name arguments in
// braces, as in "Delete pet {petId}?"; an empty one asks in general words. Arguments
// is an object, or nil for none.
func NewQuestion(server, tool, message string, arguments jsontext.Value) Question {
	q := Question{Server: clean(server), Tool: shorten(clean(tool), maxName)}
	var given []Argument
	eachArgument(arguments, func(name string, value jsontext.Value) {
		given = append(given, Argument{name, string(value)})
	})
	if message == "" {
		message = "Allow the tool " + q.Tool + " of " + server + " to be called?"
	} else {
		message = placeholder.ReplaceAllStringFunc(message, func(name string) string {
			i := slices.IndexFunc(given, func(a Argument) bool { return a.Name == name[1:len(name)-1] })
			if i < 0 {
				return "(none)"
			}
			return shorten(plainText(given[i].Value), maxName)
		})
	}
	q.Message = shorten(clean(message), maxMessage)
	q.More = max(0, len(given)-maxArguments)
	given = given[:len(given)-q.More]
	for _, a := range given {
		q.Arguments = append(q.Arguments, Argument{shorten(clean(a.Name), maxName), shorten(clean(a.Value), min(maxValue, allValues/len(given)))})
	}
	return q
}

// eachArgument visits the members of an object; nothing of what is none.
func eachArgument(raw jsontext.Value, visit func(name string, value jsontext.Value)) {
	dec := jsontext.NewDecoder(strings.NewReader(string(raw)))
	if token, err := dec.ReadToken(); err != nil || token.Kind() != '{' {
		return
	}
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			return
		}
		text := name.String()
		value, err := dec.ReadValue()
		if err != nil {
			return
		}
		value = value.Clone()
		// Line breaks and escapes are not the person's to read; a value that cannot be
		// rewritten is shown as it came.
		_ = value.Compact()
		visit(text, value)
	}
}

// plainText is a JSON string without its quotes, and any other value as it is.
func plainText(value string) string {
	if text, err := jsontext.AppendUnquote(nil, value); err == nil {
		return string(text)
	}
	return value
}

// Text is the question in plain text, as a client shows it: a line for each argument.
func (q *Question) Text() string {
	var b strings.Builder
	b.WriteString(q.Message)
	fmt.Fprintf(&b, "\n\nServer: %s\nTool: %s", q.Server, q.Tool)
	for _, a := range q.Arguments {
		fmt.Fprintf(&b, "\n- %s: %s", a.Name, a.Value)
	}
	if q.More > 0 {
		fmt.Fprintf(&b, "\n… and %d more arguments", q.More)
	}
	if len(q.Arguments) == 0 {
		b.WriteString("\nIt is called without arguments.")
	}
	return b.String()
}

// invisible are characters that a person does not see, or that change what others
// look like.
var invisible = []*unicode.RangeTable{
	unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp,
	unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point,
}

const brailleBlank = '\u2800'

// clean puts a visible mark in place of what is invisible.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r == brailleBlank || unicode.In(r, invisible...) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// shorten cuts a text to so many characters, and says how many it left out.
func shorten(text string, limit int) string {
	n := 0
	for i := range text {
		if n == limit {
			rest := 0
			for range text[i:] {
				rest++
			}
			return fmt.Sprintf("%s… (%d more characters)", text[:i], rest)
		}
		n++
	}
	return text
}

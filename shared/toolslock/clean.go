package toolslock

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Limits bound what one server gives a model to read. A field of 0 bounds nothing.
type Limits struct {
	// Description is in characters; a longer title or description of a tool is cut.
	Description int
	// SchemaBytes bounds each schema of a tool; one with a larger one is held back.
	SchemaBytes int
	// Tools bounds their number; those that the server lists later are held back.
	Tools int
}

// Change is what was done to one text of a definition.
type Change struct {
	// Pointer says where the text is (RFC 6901).
	Pointer string
	// Hidden and Comments count the characters and comments that were taken out.
	Hidden, Comments int
	// Cut says that the text was longer than the limit.
	Cut bool
}

// String says it in words.
func (c Change) String() string {
	var done []string
	if c.Hidden > 0 {
		done = append(done, fmt.Sprintf("hidden characters removed (%d)", c.Hidden))
	}
	if c.Comments > 0 {
		done = append(done, fmt.Sprintf("comments removed (%d)", c.Comments))
	}
	if c.Cut {
		done = append(done, "cut")
	}
	return c.Pointer + ": " + strings.Join(done, ", ")
}

// RefusedError reports a definition that cannot be cleaned: what is wrong with it is a
// part of what a call would say.
type RefusedError struct {
	Pointer string
	Reason  string // for example "holds hidden characters"
}

func (e *RefusedError) Error() string { return e.Pointer + " " + e.Reason }

const holdsHidden = "holds hidden characters"

// CleanName reports whether a name, a JSON string, can be shown as it is.
func CleanName(name jsontext.Value) bool {
	if !suspicious(name) {
		return true
	}
	_, hidden := strip(text(name))
	return hidden == 0
}

// Clean takes hidden characters and comments out of the texts of a definition that
// tell a model what the tool is for, and cuts them to the limits: titles and
// descriptions, and those of schemas. All other bytes stay as they are; a clean
// definition is returned itself. Hidden characters anywhere else, in the name of
// the tool or of a parameter or in a value, make it [RefusedError], as does a schema
// beyond the limit.
func Clean(definition jsontext.Value, limits Limits) (jsontext.Value, []Change, error) {
	if !suspicious(definition) && within(len(definition), limits.Description) && within(len(definition), limits.SchemaBytes) {
		return definition, nil, nil
	}
	c := cleaner{raw: definition, limits: limits}
	c.dec.Reset(bytes.NewBuffer(definition))
	if c.dec.PeekKind() != '{' {
		return nil, nil, &RefusedError{Reason: "is no object"}
	}
	if err := c.object(c.definition); err != nil {
		if _, refused := errors.AsType[*RefusedError](err); !refused {
			err = &RefusedError{Pointer: c.pointer(), Reason: "cannot be read: " + err.Error()}
		}
		return nil, nil, err
	}
	return c.spliced(), c.changes, nil
}

func within(n, limit int) bool { return limit <= 0 || n <= limit }

// suspicious reports whether JSON may hold something that is not seen. All that is
// not seen is beyond ASCII or escaped; an escaped slash or quotation mark is not.
func suspicious(raw []byte) bool {
	for i, c := range raw {
		switch {
		case c >= 0x7f:
			return true
		case c == '\\' && i+1 < len(raw) && (raw[i+1] == 'u' || raw[i+1] == 'b' || raw[i+1] == 'f'):
			return true
		case c == '<' && bytes.HasPrefix(raw[i:], []byte("<!--")):
			return true
		}
	}
	return false
}

// cleaner walks through one definition.
type cleaner struct {
	raw     jsontext.Value
	limits  Limits
	dec     jsontext.Decoder
	edits   []edit
	changes []Change
	path    []string
}

// edit is another text for the bytes from start to end.
type edit struct {
	start, end int
	text       jsontext.Value
}

func (c *cleaner) spliced() jsontext.Value {
	if len(c.edits) == 0 {
		return c.raw
	}
	out, at := make(jsontext.Value, 0, len(c.raw)), 0
	for _, e := range c.edits {
		out = append(append(out, c.raw[at:e.start]...), e.text...)
		at = e.end
	}
	return append(out, c.raw[at:]...)
}

func (c *cleaner) pointer() string {
	var b strings.Builder
	for _, name := range c.path {
		b.WriteByte('/')
		b.WriteString(strings.NewReplacer("~", "~0", "/", "~1").Replace(string(Visible([]byte(name)))))
	}
	return b.String()
}

func (c *cleaner) refuse(reason string) error { return &RefusedError{c.pointer(), reason} }

// object visits the members of an object, in whose names nothing may be hidden;
// member has to read the value.
func (c *cleaner) object(member func(name string) error) error {
	if _, err := c.dec.ReadToken(); err != nil {
		return err
	}
	for c.dec.PeekKind() != '}' {
		raw, err := c.dec.ReadValue()
		if err != nil {
			return err
		}
		name := text(raw)
		c.path = append(c.path, name)
		if _, hidden := strip(name); hidden > 0 {
			return c.refuse(holdsHidden)
		}
		if err := member(name); err != nil {
			return err
		}
		c.path = c.path[:len(c.path)-1]
	}
	_, err := c.dec.ReadToken()
	return err
}

// array visits the elements of an array; element has to read the value.
func (c *cleaner) array(element func() error) error {
	if _, err := c.dec.ReadToken(); err != nil {
		return err
	}
	for n := 0; c.dec.PeekKind() != ']'; n++ {
		c.path = append(c.path, fmt.Sprint(n))
		if err := element(); err != nil {
			return err
		}
		c.path = c.path[:len(c.path)-1]
	}
	_, err := c.dec.ReadToken()
	return err
}

// definition reads a member of a tool.
func (c *cleaner) definition(name string) error {
	switch name {
	case "title", "description":
		return c.text(c.limits.Description)
	case "inputSchema", "outputSchema":
		start := c.dec.InputOffset()
		if err := c.schema(); err != nil {
			return err
		}
		if !within(int(c.dec.InputOffset()-start), c.limits.SchemaBytes) {
			return c.refuse(fmt.Sprintf("is larger than %d bytes", c.limits.SchemaBytes))
		}
		return nil
	case "annotations":
		if c.dec.PeekKind() != '{' {
			return c.value()
		}
		return c.object(func(name string) error {
			if name == "title" {
				return c.text(c.limits.Description)
			}
			return c.value()
		})
	case "_meta", "icons":
		return c.dec.SkipValue() // for programs, not for models
	}
	return c.value()
}

// texts are the keywords of schemas whose values are for people and models to read.
var texts = []string{
	"title", "description", "$comment", "markdownDescription", "deprecationMessage", "errorMessage",
	"enumDescriptions", "enumNames", "enumTitles", "x-enumDescriptions", "x-enum-descriptions", "x-enumNames",
}

// named are the keywords whose values are schemas by names that the author chose.
var named = []string{"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"}

// values are the keywords whose values are data.
var values = []string{"default", "const", "enum", "examples", "example"}

// schema reads a schema, or the value of a keyword that may hold some.
func (c *cleaner) schema() error {
	switch c.dec.PeekKind() {
	case '{':
		return c.object(c.keyword)
	case '[':
		return c.array(c.schema)
	}
	return c.value()
}

func (c *cleaner) keyword(name string) error {
	switch kind := c.dec.PeekKind(); {
	case slices.Contains(texts, name) && kind == '"':
		return c.text(0)
	case slices.Contains(texts, name) && kind == '[':
		return c.array(func() error {
			if c.dec.PeekKind() == '"' {
				return c.text(0)
			}
			return c.value()
		})
	case slices.Contains(named, name) && kind == '{':
		return c.object(func(string) error { return c.schema() })
	case slices.Contains(values, name):
		return c.value()
	}
	return c.schema()
}

// value reads any value, in which nothing may be hidden.
func (c *cleaner) value() error {
	switch c.dec.PeekKind() {
	case '{':
		return c.object(func(string) error { return c.value() })
	case '[':
		return c.array(c.value)
	case '"':
		raw, err := c.dec.ReadValue()
		if err != nil {
			return err
		}
		if _, hidden := strip(text(raw)); hidden > 0 {
			return c.refuse(holdsHidden)
		}
		return nil
	}
	return c.dec.SkipValue()
}

// text reads a text, which may have limit characters; 0 for any number.
func (c *cleaner) text(limit int) error {
	if c.dec.PeekKind() != '"' {
		return c.value()
	}
	raw, err := c.dec.ReadValue()
	if err != nil {
		return err
	}
	before := text(raw)
	end := int(c.dec.InputOffset())
	start := end - len(raw)
	after, change := cleanText(before, limit)
	if after != before {
		change.Pointer = c.pointer()
		c.changes = append(c.changes, change)
		c.edits = append(c.edits, edit{start, end, quote(after)})
	}
	return nil
}

// ellipsis ends a text that was cut.
const ellipsis = "…"

func cleanText(s string, limit int) (string, Change) {
	var change Change
	s, change.Hidden = strip(s)
	s, change.Comments = uncomment(s)
	if len(s) > limit && !within(utf8.RuneCountInString(s), limit) {
		n := 0
		for i := range s {
			if n++; n == limit {
				s = Strip(s[:i]) + ellipsis // a cut may leave a joiner, or half of a flag
				break
			}
		}
		change.Cut = true
	}
	return s, change
}

package openapi

import (
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// inBody is the location of fields that are the body or a property of it.
const inBody = "body"

// field is one argument of a tool: a parameter, a property of the body, or the
// body as a whole.
type field struct {
	// arg is the name of the argument, wire that of the parameter or property.
	arg, wire string
	in        string
	schema    *node // normalized
	required  bool
	// hidden fields are not shown and always have value; others have a value
	// when the configuration gives a default.
	hidden bool
	value  jsontext.Value
	// param is the index of the parameter, property that of the body's property;
	// whole says that the field is the body instead.
	param, property int
	whole           bool
}

// maxKeyLength is the length that the model providers allow for the name of a
// property of an input schema; its characters are letters, digits, and "_.-".
const maxKeyLength = 64

// safeKey is a name made fit to be that of an argument.
func safeKey(name string) string {
	var b strings.Builder
	gap := false
	for _, r := range name {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '.' || r == '-' {
			if gap && b.Len() > 0 {
				b.WriteByte('_')
			}
			gap = false
			b.WriteRune(r)
			continue
		}
		gap = true
	}
	key := b.String()
	switch {
	case key == "":
		return "arg_" + shortHash(name, hashDigits)
	case len(key) > maxKeyLength:
		return hashedKey(key, name, hashDigits)
	}
	return key
}

// hashedKey ends a name in a hash of source.
func hashedKey(key, source string, digits int) string {
	hash := shortHash(source, min(digits, maxKeyLength-1))
	return key[:min(len(key), maxKeyLength-len(hash)-1)] + "_" + hash
}

// nameFields gives every field the name of its argument. A property of the body
// keeps its name; a parameter keeps its own unless the body or a parameter in
// another location has it too, and is then called name_in_location. Names that
// model providers do not accept are changed. The result depends on the
// operation alone and not on the order of its parameters.
func (c *conversion) nameFields() {
	claims := make(map[string]int, len(c.fields))
	for _, f := range c.fields {
		claims[f.wire]++
	}
	for _, f := range c.fields {
		f.arg = f.wire
		if f.in != inBody && claims[f.wire] > 1 {
			f.arg = f.wire + "_in_" + f.in
		}
		f.arg = safeKey(f.arg)
	}
	for digits := hashDigits; c.renameClashes(digits); digits += 2 {
	}
	for _, f := range c.fields {
		switch {
		case f.whole:
			c.binding.Body.Arg = f.arg
		case f.in == inBody:
			c.binding.Body.Properties[f.property].Arg = f.arg
		default:
			c.binding.Params[f.param].Arg = f.arg
		}
	}
}

// renameClashes adds a hash to the names that several fields have, except to
// one that has its name from the document. It tells whether there were any.
func (c *conversion) renameClashes(digits int) bool {
	holders := make(map[string][]*field, len(c.fields))
	for _, f := range c.fields {
		holders[f.arg] = append(holders[f.arg], f)
	}
	clash := false
	for _, key := range slices.Sorted(maps.Keys(holders)) {
		if len(holders[key]) == 1 {
			continue
		}
		for _, f := range holders[key] {
			if f.wire == key {
				continue
			}
			clash = true
			f.arg = hashedKey(safeKey(f.wire), f.in+":"+f.wire, digits)
		}
	}
	return clash && digits < maxKeyLength
}

// configure applies the defaults and the hidden values of the configuration.
func (c *conversion) configure() {
	for _, name := range slices.Sorted(maps.Keys(c.options.Hidden)) {
		if f := c.configured(name, "hidden value", c.options.Hidden[name]); f != nil {
			f.hidden = true
			c.setArg(f, "")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.options.Defaults)) {
		if _, hidden := c.options.Hidden[name]; hidden {
			c.refuse("%s has a default and is hidden as well", name)
			continue
		}
		value := c.options.Defaults[name]
		if f := c.configured(name, "default", value); f != nil {
			f.schema = c.vary(f.schema)
			f.schema.set("default", quoteJSON(value))
		}
	}
}

// configured finds the field that the configuration names and gives it a value;
// nil when it cannot have that.
func (c *conversion) configured(name, what string, value jsontext.Value) *field {
	f := c.find(name)
	if f == nil {
		c.refuse("%s for %q, which is not an argument of %s%s", what, name, c.operation.Key(), suggestion(name, c.argumentNames()))
		return nil
	}
	if f.whole {
		c.refuse("%s for %q, which is the whole body: only parameters and properties of the body can have one", what, name)
		return nil
	}
	if !value.IsValid() {
		c.refuse("%s for %q is not valid JSON", what, name)
		return nil
	}
	if err := c.checkConfigured(f, value); err != nil {
		c.refuse("%s for %q: %s", what, name, err)
		return nil
	}
	value = value.Clone()
	_ = value.Compact() // valid JSON compacts
	f.value = value
	if f.in == inBody {
		c.binding.Body.Properties[f.property].Value = value
	} else {
		c.binding.Params[f.param].Value = value
	}
	return f
}

// checkConfigured checks a value against the schema of its field, so that a
// wrong one shows at build and not in every call.
func (c *conversion) checkConfigured(f *field, value jsontext.Value) error {
	root, properties := typed("object"), &node{kind: objectNode}
	properties.add(f.arg, f.schema)
	root.add("properties", properties)
	rendered, ok := renderSchema(root, maxRendered)
	if !ok {
		return nil // what is too large to write is told by inputSchema
	}
	schema, err := CompileSchema(rendered)
	if err != nil {
		return err
	}
	object := append(appendString([]byte{'{'}, f.arg), ':')
	object = append(append(object, value...), '}')
	return schema.CheckValue(object)
}

// find is the field of an argument's name, or of the only parameter or property
// of that name.
func (c *conversion) find(name string) *field {
	var byWire *field
	several := false
	for _, f := range c.fields {
		if f.arg == name {
			return f
		}
		if f.wire == name {
			several = byWire != nil
			byWire = f
		}
	}
	if several {
		return nil
	}
	return byWire
}

func (c *conversion) argumentNames() []string {
	names := make([]string, 0, len(c.fields))
	for _, f := range c.fields {
		names = append(names, f.arg)
	}
	return names
}

// setArg renames the argument that the binding reads for a field; empty for
// none.
func (c *conversion) setArg(f *field, arg string) {
	if f.in == inBody {
		c.binding.Body.Properties[f.property].Arg = arg
	} else {
		c.binding.Params[f.param].Arg = arg
	}
}

// quoteJSON is a value of the configuration as a node.
func quoteJSON(value jsontext.Value) *node {
	f := &file{}
	if f.readJSON(value, string(value)) != nil {
		return &node{kind: nullNode}
	}
	return f.root
}

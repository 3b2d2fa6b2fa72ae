package openapi

import (
	"cmp"
	"net/http"
	"strings"

	"toolgate/shared/pattern"

	"github.com/go-json-experiment/json/jsontext"
)

// ToolOptions say how an operation is published. The zero value publishes it as
// the document describes it.
type ToolOptions struct {
	Title, Description string
	Annotations        Annotations
	// Defaults are values for arguments that a call does not give; Hidden are
	// values that are always sent, of arguments that are not shown. The names
	// are those of the arguments, or of the parameters where these are unique.
	Defaults, Hidden map[string]jsontext.Value
	// Output chooses the outputSchema; empty means OutputPermissive.
	Output OutputMode
	// DescriptionLimit is the length of the description in characters; 0 means
	// 1024. A Description given here is not cut.
	DescriptionLimit int
	// MaxSchemaBytes bounds the input schema and an exact output schema each; 0
	// means 64 KiB. A permissive output schema, which only describes, has a
	// quarter of it. A larger schema is written in less detail.
	MaxSchemaBytes int
}

// maxSchemaBytes is the bound on a schema where the options give none.
const maxSchemaBytes = 64 << 10

var toolName = pattern.Lazy(`^[A-Za-z0-9_-]{1,64}$`)

// Tool converts one operation of the document into a tool of that name. The
// tool is nil when the verdict is [Refused].
func (d *Document) Tool(o *Operation, name string, opt ToolOptions) (*Tool, Verdict) {
	opt.Output = cmp.Or(opt.Output, OutputPermissive)
	opt.MaxSchemaBytes = cmp.Or(opt.MaxSchemaBytes, maxSchemaBytes)
	c := &conversion{document: d, operation: o, options: &opt}
	if !toolName().MatchString(name) {
		c.refuse("the tool name %q does not match %s", name, toolName())
	}
	c.binding = Binding{Operation: o.Key(), Method: o.Method, Path: o.Path}
	c.checkTarget()
	c.readParameters()
	c.readBody()
	c.completePath()
	c.nameFields()
	c.configure()
	input := c.inputSchema()
	output := c.readResponses()
	verdict := c.verdict()
	if verdict.Kind == Refused {
		return nil, verdict
	}
	tool := &Tool{Name: name, InputSchema: input, Binding: c.binding}
	if opt.Output == OutputExact {
		tool.OutputSchema = output
	}
	tool.Definition = c.define(name, input, output)
	return tool, verdict
}

// conversion makes one tool.
type conversion struct {
	findings
	document  *Document
	operation *Operation
	options   *ToolOptions
	binding   Binding
	// fields are the arguments in the order of the document.
	fields []*field
	// rest is the schema of arguments beyond the fields; nil when there are none.
	rest *node
}

// checkTarget refuses operations that no request can address.
func (c *conversion) checkTarget() {
	o := c.operation
	switch {
	case !strings.HasPrefix(o.Path, "/"):
		c.refuse("the path %q does not start with a slash", o.Path)
	case strings.ContainsAny(o.Path, "?#"):
		c.refuse("the path %q has a query or fragment, which a path cannot", o.Path)
	}
	switch {
	case !isToken(o.Method):
		c.refuse("the method %q is not one of HTTP", o.Method)
	case o.Method == http.MethodConnect:
		c.refuse("the method CONNECT asks for a tunnel, not for a response")
	}
}

// define writes the Tool object of tools/list, always in the same order.
func (c *conversion) define(name string, input, output jsontext.Value) jsontext.Value {
	dst := make([]byte, 0, len(input)+len(output)+2048)
	dst = appendString(append(dst, `{"name":`...), name)
	if title := c.operation.title(c.options); title != "" {
		dst = appendString(append(dst, `,"title":`...), title)
	}
	dst = appendString(append(dst, `,"description":`...), c.document.describe(c.operation, c.options))
	dst = append(append(dst, `,"inputSchema":`...), input...)
	if output != nil {
		dst = append(append(dst, `,"outputSchema":`...), output...)
	}
	dst = append(dst, `,"annotations":`...)
	dst = annotate(c.operation, c.options.Annotations).append(dst)
	return append(dst, '}')
}

// inputSchema writes the schema of the arguments.
func (c *conversion) inputSchema() jsontext.Value {
	root := c.inputRoot()
	c.addNotes(c.document.inputs, root)
	if c.document.headerAnnotated() {
		root = c.checkHeaders(root)
	}
	schema, trimmed, ok := fitSchema(root, c.options.MaxSchemaBytes)
	switch {
	case !ok:
		c.refuse("the input schema exceeds %d bytes even without descriptions and nested schemas", c.options.MaxSchemaBytes)
	case trimmed != "":
		c.lose("the input schema exceeds %d bytes: %s", c.options.MaxSchemaBytes, trimmed)
	}
	return schema
}

// inputRoot is the object schema of all arguments.
func (c *conversion) inputRoot() *node {
	root, properties := typed("object"), &node{kind: objectNode}
	var required, ofBody, ofBodyRequired []string
	for _, f := range c.fields {
		if f.hidden {
			continue
		}
		properties.add(f.arg, f.schema)
		if f.in == inBody {
			ofBody = append(ofBody, f.arg)
		}
		switch {
		case !f.required || f.value != nil:
		case f.in == inBody && !c.binding.Body.Required:
			ofBodyRequired = append(ofBodyRequired, f.arg)
			properties.set(f.arg, c.requiredInBody(f.schema))
		default:
			required = append(required, f.arg)
		}
	}
	if len(properties.members) > 0 {
		root.add("properties", properties)
	}
	if len(required) > 0 {
		root.add("required", newStrings(required))
	}
	if dependent := dependentRequired(ofBody, ofBodyRequired); dependent != nil {
		root.add("dependentRequired", dependent)
	}
	if c.rest != nil {
		root.add("additionalProperties", c.rest)
	} else {
		root.add("additionalProperties", newBool(false))
	}
	return root
}

// dependentRequired says of an optional body that, when it is given at all, its
// required properties are; nil when there is nothing to say.
func dependentRequired(properties, required []string) *node {
	dependent := &node{kind: objectNode}
	for _, name := range properties {
		var others []string
		for _, r := range required {
			if r != name {
				others = append(others, r)
			}
		}
		if len(others) > 0 {
			dependent.add(name, newStrings(others))
		}
	}
	if len(dependent.members) == 0 {
		return nil
	}
	return dependent
}

// requiredInBody says in the description of a required property of an optional
// body what dependentRequired says, which is easily overlooked.
func (c *conversion) requiredInBody(schema *node) *node {
	out := c.vary(schema)
	text := descriptionOf(schema) + "\nRequired when any property of the body is given."
	out.set("description", newString(strings.TrimSpace(text)))
	return out
}

// addNotes takes over the notes of a normalized schema, of all below it and of
// the definitions it reaches. What keeps a response from being described does
// not keep it from being given, and is a loss only.
func (c *conversion) addNotes(z *normalizer, root *node) {
	if len(z.notes) == 0 {
		return
	}
	seen := make(map[*node]bool)
	var visit func(n *node)
	pending := []*node{root}
	visit = func(n *node) {
		switch {
		case n.kind == referenceNode:
			pending = append(pending, n.definition.schema)
			return
		case n.kind < arrayNode || n.file != nil || seen[n]: // scalars, and what is quoted from the document
			return
		}
		seen[n] = true
		c.add(z.notes[n], z.direction == response)
		for _, m := range n.members {
			visit(m.value)
		}
	}
	for len(pending) > 0 {
		next := pending[0]
		pending = pending[1:]
		visit(next)
	}
}

package openapi

import (
	"net/http"
	"slices"
	"strings"
)

// declared is a parameter of an operation, as the document declares it.
type declared struct {
	node *node // what a $ref to it leads to
	use  *node // where the operation names it
	in   string
	name string
}

// declaredParameters are those of the path and of the operation, which override
// the former by name and location.
func (c *conversion) declaredParameters() (all []declared) {
	o := c.operation
	for _, list := range [][]member{o.item.items("parameters"), o.node.items("parameters")} {
		own := len(all)
		for _, m := range list {
			p, fault := c.document.follow(m.value)
			if fault != nil {
				c.refuse("%s", fault)
				continue
			}
			d := declared{node: p, use: m.value, in: p.str("in"), name: p.scalar("name")}
			if d.in == "" || d.name == "" {
				c.losePart(p.flag("required"), p, "a parameter without name or location is left out")
				continue
			}
			i := slices.IndexFunc(all, func(known declared) bool { return known.in == d.in && known.name == d.name })
			switch {
			case i < 0:
				all = append(all, d)
			case i < own:
				all[i] = d
			default:
				c.lose("%s parameter %s is declared twice%s", d.in, d.name, placeOf(p))
			}
		}
	}
	return all
}

// placeOf is where n stands, to be appended to a reason.
func placeOf(n *node) string {
	if at := faultAt(n, "", "").at(); at != "" {
		return " (" + at + ")"
	}
	return ""
}

// losePart leaves something out of the tool: a loss, or the end of it when the
// backend requires what is left out.
func (c *conversion) losePart(required bool, n *node, format string, args ...any) {
	if required {
		c.refuse(format+placeOf(n), args...)
		return
	}
	c.lose(format+placeOf(n), args...)
}

// readParameters makes the fields and bindings of all parameters but the body.
func (c *conversion) readParameters() {
	for _, p := range c.declaredParameters() {
		switch In(p.in) {
		case InPath, InQuery, InHeader, InCookie:
			c.readParameter(p)
		case InQueryString:
			if c.document.Dialect >= "3.2" {
				c.readParameter(p)
				continue
			}
			c.losePart(p.node.flag("required"), p.node, "parameter %s is in querystring, which came with OpenAPI 3.2", p.name)
		default:
			if c.document.Dialect == "2.0" && (p.in == "body" || p.in == "formData") {
				continue
			}
			c.losePart(p.node.flag("required"), p.node, "parameter %s is in %q, which is not a location", p.name, p.in)
		}
	}
}

// readParameter makes one parameter an argument.
func (c *conversion) readParameter(p declared) {
	if c.supplied(p) {
		return
	}
	required := p.node.flag("required") || p.in == string(InPath)
	if (p.in == string(InHeader) || p.in == string(InCookie)) && !isToken(p.name) {
		c.losePart(required, p.node, "%s parameter %q has a name that HTTP does not allow", p.in, p.name)
		return
	}
	param := Param{Name: p.name, In: In(p.in), Required: required}
	schema := c.parameterSchema(p, &param)
	schema = c.annotated(schema, p.use, p.node)
	c.binding.Params = append(c.binding.Params, param)
	c.fields = append(c.fields, &field{
		in: p.in, wire: p.name, schema: schema, required: required, param: len(c.binding.Params) - 1,
	})
}

// supplied tells whether the gateway sends a parameter by itself: credentials,
// and the headers of the connection and of the content.
func (c *conversion) supplied(p declared) bool {
	if c.document.credentials[credentialKey(p.in, p.name)] {
		return true
	}
	if p.in != string(InHeader) {
		return false
	}
	name := http.CanonicalHeaderKey(p.name)
	return isReservedHeader(name) || name == "Accept-Encoding"
}

// parameterSchema gives the normalized schema of a parameter and sets how its
// value is serialized.
func (c *conversion) parameterSchema(p declared, param *Param) *node {
	if c.document.Dialect == "2.0" {
		c.setCollectionFormat(p.node, param)
		return c.document.inputs.schema(inlineSchema(p.node))
	}
	c.setStyle(p, param)
	content := p.node.object("content")
	if len(content) == 0 {
		schema := p.node.get("schema")
		if schema == nil && p.node.get("type") != nil { // as in 2.0
			schema = inlineSchema(p.node)
		}
		if param.In == InQueryString {
			param.Content = "application/x-www-form-urlencoded"
		}
		return c.document.inputs.schema(schema)
	}
	chosen := content[0]
	for _, m := range content {
		if isJSONType(mediaType(m.name)) {
			chosen = m
			break
		}
	}
	param.Content = chosen.name
	media, fault := c.document.follow(chosen.value)
	if fault != nil {
		c.refuse("%s", fault)
		return typed("string")
	}
	schema := c.document.inputs.schema(media.get("schema"))
	essence := mediaType(chosen.name)
	form := param.In == InQueryString && isFormType(essence)
	if !isJSONType(essence) && !form && !textual(schema) {
		c.lose("%s parameter %s is given as text of type %s, whose structure is not described%s", p.in, p.name, chosen.name, placeOf(p.node))
		return typed("string")
	}
	return schema
}

// textual tells whether a normalized schema describes text, or leaves open what
// it describes.
func textual(schema *node) bool {
	types := typesOf(schema)
	return len(types) == 1 && types[0] == "string" || allowsAnything(schema)
}

// styles are the serialization styles that each location knows, its default
// first.
var styles = map[In][]string{
	InPath:        {styleSimple, styleLabel, styleMatrix},
	InQuery:       {styleForm, styleSpaceDelimited, stylePipeDelimited, styleDeepObject},
	InHeader:      {styleSimple},
	InCookie:      {styleForm},
	InQueryString: {styleForm},
}

// setStyle reads style, explode and allowReserved, or sets their defaults.
func (c *conversion) setStyle(p declared, param *Param) {
	known := styles[param.In]
	param.Style = known[0]
	if style := p.node.str("style"); style != "" {
		switch {
		case slices.Contains(known, style):
			param.Style = style
		case style == "cookie" && param.In == InCookie && c.document.Dialect >= "3.2":
			// As form, but for characters that cookies cannot have anyway.
		default:
			c.lose("%s parameter %s has the style %q, which is not one of that location: it is sent as %s%s",
				p.in, p.name, style, param.Style, placeOf(p.node))
		}
	}
	param.Explode = param.Style == styleForm
	if explode, ok := p.node.boolean("explode"); ok {
		param.Explode = explode
	}
	param.AllowReserved = param.In == InQuery && p.node.flag("allowReserved")
}

// annotated is the schema of a parameter or body with the description and the
// examples that the document gives beside it, which say what it means in this
// place. use is where it is named, n what it is.
func (c *conversion) annotated(schema, use, n *node) *node {
	description := plainText(n.str("description"))
	if use != n && c.document.since31() {
		if own := plainText(use.str("description")); own != "" {
			description = own
		}
	}
	out := c.vary(schema)
	if description != "" {
		out.set("description", newString(shorten(description, descriptionLimit)))
	}
	if n.flag("deprecated") {
		out.set("deprecated", newBool(true))
	}
	if out.get("examples") == nil {
		if examples := c.mediaExamples(n); examples != nil {
			out.set("examples", examples)
		}
	}
	if header := n.get("x-mcp-header"); header != nil && out.get("x-mcp-header") == nil {
		out.add("x-mcp-header", header)
	}
	return out
}

// vary is a copy of a normalized schema that may be changed; true becomes the
// object that says the same.
func (c *conversion) vary(schema *node) *node {
	out := copyOf(schema)
	if schema.kind == boolNode {
		out = &node{kind: objectNode}
		if schema.text == "false" {
			out.add("not", &node{kind: objectNode})
		}
	}
	notes := c.document.inputs.notes
	if known := notes[schema]; known != nil {
		notes[out] = known
	}
	return out
}

// mediaExamples are the example and examples of a parameter or media type; nil
// for none.
func (c *conversion) mediaExamples(n *node) *node {
	var values []member
	if example := n.get("example"); example != nil {
		values = append(values, member{value: example})
	}
	for _, m := range n.object("examples") {
		if len(values) == maxExamples {
			break
		}
		example, fault := c.document.follow(m.value)
		if fault != nil {
			continue // an example more or less
		}
		for _, name := range []string{"value", "dataValue"} {
			if value := example.get(name); value != nil {
				values = append(values, member{value: value})
				break
			}
		}
	}
	return someExamples(values)
}

// completePath brings the parameters in the path and the placeholders of the
// template together.
func (c *conversion) completePath() {
	placeholders := placeholdersOf(c.binding.Path)
	for _, f := range slices.Clone(c.fields) {
		if f.in != string(InPath) || slices.Contains(placeholders, f.wire) {
			continue
		}
		param := &c.binding.Params[f.param]
		if i := slices.IndexFunc(placeholders, func(name string) bool { return strings.TrimRight(name, "+*") == f.wire }); i >= 0 {
			param.Name = placeholders[i]
			c.lose("path parameter %s may span several segments in the document; a slash in it is sent as %%2F", f.wire)
			continue
		}
		c.lose("path parameter %s is not in the path %s and is left out", f.wire, c.binding.Path)
		c.dropField(f)
	}
	for _, name := range placeholders {
		if slices.ContainsFunc(c.binding.Params, func(p Param) bool { return p.In == InPath && p.Name == name }) {
			continue
		}
		c.lose("path parameter %s is not declared and is taken as a string", name)
		c.binding.Params = append(c.binding.Params, Param{Name: name, In: InPath, Style: styleSimple, Required: true})
		c.fields = append(c.fields, &field{
			in: string(InPath), wire: name, schema: typed("string"), required: true, param: len(c.binding.Params) - 1,
		})
	}
}

// dropField takes a parameter out of the tool.
func (c *conversion) dropField(dropped *field) {
	c.fields = slices.DeleteFunc(c.fields, func(f *field) bool { return f == dropped })
	c.binding.Params = slices.Delete(c.binding.Params, dropped.param, dropped.param+1)
	for _, f := range c.fields {
		if f.in != inBody && f.param > dropped.param {
			f.param--
		}
	}
}

// placeholdersOf are the names in braces of a path template.
func placeholdersOf(template string) (names []string) {
	for {
		_, name, rest, found := cutPlaceholder(template)
		if !found {
			return names
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
		template = rest
	}
}

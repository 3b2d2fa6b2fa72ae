package openapi

import (
	"cmp"
	"slices"
	"strings"
)

// Operation is one method on one path of a document.
type Operation struct {
	ID string // operationId; may be empty
	// Method is in capitals, save for those of additionalOperations, which are
	// sent as they are written.
	Method               string
	Path                 string
	Tags                 []string
	Summary, Description string
	Deprecated           bool
	// Disabled says that x-mcp sets enabled to false, at the operation or above
	// it. Such an operation is published only when it is chosen by name.
	Disabled bool

	File         string
	Line, Column int

	node, item *node
	extension  extension
}

// Key is what configurations call the operation: its operationId, or "GET
// /pets" when it has none.
func (o *Operation) Key() string {
	if o.ID != "" {
		return o.ID
	}
	return o.Method + " " + o.Path
}

// fixedMethods are the members of a path item that are operations; query came
// with 3.2.
var fixedMethods = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace", "query"}

// collectOperations lists the operations of all paths.
func (d *Document) collectOperations() {
	rootExtension := d.readExtension(d.root)
	rootExtension.name, rootExtension.title, rootExtension.description = "", "", ""
	for _, p := range d.root.object("paths") {
		if strings.HasPrefix(p.name, "x-") {
			continue
		}
		item := p.value
		if item.get("$ref").is(stringNode) {
			followed, fault := d.follow(item)
			if fault != nil {
				fault.Message = "path " + p.name + ": " + fault.Message
				d.Warnings = append(d.Warnings, fault)
				continue
			}
			item = merged(followed, item)
		}
		if item.kind != objectNode {
			d.Warnings = append(d.Warnings, faultAt(item, "give an object", "path %s is not an object", p.name))
			continue
		}
		d.collectItem(p.name, item, d.readExtension(item).over(rootExtension))
	}
}

// merged is a path item with the members that stand beside its $ref, which win.
func merged(item, beside *node) *node {
	if len(beside.members) == 1 || item.kind != objectNode {
		return item
	}
	whole := copyOf(item)
	whole.file, whole.line, whole.column = item.file, item.line, item.column
	for _, m := range beside.members {
		if m.name != "$ref" {
			whole.set(m.name, m.value)
		}
	}
	return whole
}

// collectItem lists the operations of one path.
func (d *Document) collectItem(template string, item *node, ext extension) {
	for _, m := range item.members {
		switch {
		case m.name == "query" && d.Dialect < "3.2":
			d.Warnings = append(d.Warnings, faultAt(m.value, `write "openapi: 3.2.0"`, "path %s: query came with OpenAPI 3.2 and is left out", template))
		case slices.Contains(fixedMethods, m.name):
			d.addOperation(strings.ToUpper(m.name), template, item, m.value, ext)
		case m.name == "additionalOperations" && d.Dialect >= "3.2":
			for _, additional := range item.object(m.name) {
				if slices.Contains(fixedMethods, strings.ToLower(additional.name)) {
					d.Warnings = append(d.Warnings, faultAt(additional.value, "write it as a member of the path item",
						"path %s: %s is not an additional method and is left out", template, additional.name))
					continue
				}
				d.addOperation(additional.name, template, item, additional.value, ext)
			}
		}
	}
}

func (d *Document) addOperation(method, template string, item, n *node, ext extension) {
	if n.kind != objectNode {
		d.Warnings = append(d.Warnings, faultAt(n, "give an object", "operation %s %s is not an object", method, template))
		return
	}
	o := &Operation{
		ID: n.scalar("operationId"), Method: method, Path: template,
		Summary: n.scalar("summary"), Description: n.scalar("description"),
		Deprecated: n.flag("deprecated"),
		Line:       n.line, Column: n.column,
		node: n, item: item,
		extension: d.readExtension(n).over(ext),
	}
	if o.Summary == "" && o.Description == "" {
		o.Summary, o.Description = item.scalar("summary"), item.scalar("description")
	}
	o.Disabled = o.extension.enabled != nil && !*o.extension.enabled
	if n.file != nil {
		o.File = n.file.location
	}
	for _, tag := range n.items("tags") {
		if tag.value.is(stringNode) || tag.value.is(numberNode) {
			o.Tags = append(o.Tags, tag.value.text)
		}
	}
	d.Operations = append(d.Operations, o)
}

// extension is what "x-mcp" says about an operation, a path or the document.
type extension struct {
	enabled                  *bool
	name, title, description string
	annotations              Annotations
}

// readExtension reads "x-mcp": an object, or a boolean that stands for its
// member enabled.
func (d *Document) readExtension(n *node) (ext extension) {
	x := n.get("x-mcp")
	if x == nil {
		return ext
	}
	if enabled, ok := n.boolean("x-mcp"); ok {
		ext.enabled = &enabled
		return ext
	}
	if x.kind != objectNode {
		d.Warnings = append(d.Warnings, faultAt(x, "give true, false, or an object", "x-mcp is neither a boolean nor an object"))
		return ext
	}
	ext.enabled = x.hint("enabled")
	ext.name, ext.title, ext.description = x.scalar("name"), x.scalar("title"), x.scalar("description")
	if a := x.get("annotations"); a != nil {
		ext.annotations = Annotations{
			ReadOnly: a.hint("readOnlyHint"), Destructive: a.hint("destructiveHint"),
			Idempotent: a.hint("idempotentHint"), OpenWorld: a.hint("openWorldHint"),
		}
		if ext.title == "" {
			ext.title = a.scalar("title")
		}
	}
	return ext
}

// hint is a boolean member that may be absent.
func (n *node) hint(name string) *bool {
	if value, ok := n.boolean(name); ok {
		return &value
	}
	return nil
}

// over fills what x leaves open from the level above it.
func (x extension) over(above extension) extension {
	if x.enabled == nil {
		x.enabled = above.enabled
	}
	x.name = cmp.Or(x.name, above.name)
	x.title = cmp.Or(x.title, above.title)
	x.description = cmp.Or(x.description, above.description)
	x.annotations = x.annotations.over(above.annotations)
	return x
}

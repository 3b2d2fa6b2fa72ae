package openapi

import (
	"net/url"
	"path"
	"strconv"
	"strings"
)

// Loader reads another file of a document, which a $ref names by an absolute
// URL or a path. What may be read is for the loader to decide.
type Loader func(location string) ([]byte, error)

// resolution is what a $ref was found to name.
type resolution struct {
	target *node
	fault  *Error
}

// maxHops bounds chains of references to references.
const maxHops = 64

// follow gives what n stands for: n itself, or where its $ref leads in the end.
func (d *Document) follow(n *node) (*node, *Error) {
	start := n
	for range maxHops {
		ref := n.get("$ref")
		if !ref.is(stringNode) {
			return n, nil
		}
		next, fault := d.target(n, ref)
		if fault != nil {
			return nil, fault
		}
		n = next
	}
	return nil, faultAt(start, "let the chain of references end in an object", "$ref %q leads back to itself", start.str("$ref"))
}

// target is the node that ref, a string inside from, names. The answers are
// remembered for each file.
func (d *Document) target(from, ref *node) (*node, *Error) {
	f := from.file
	key := ref.text
	resource := d.resourceOf(from)
	if resource != f.root {
		target, fault := d.find(from, resource, ref)
		return target, fault
	}
	known, ok := f.targets[key]
	if !ok {
		known.target, known.fault = d.find(from, resource, ref)
		if f.targets == nil {
			f.targets = make(map[string]resolution)
		}
		f.targets[key] = known
	}
	if known.fault != nil {
		fault := *known.fault // each place of use is reported as itself
		fault.File, fault.Line, fault.Column = f.location, ref.line, ref.column
		return nil, &fault
	}
	return known.target, nil
}

// find resolves a reference that stands in a resource: a file, or a schema with
// an $id of its own.
func (d *Document) find(from, resource, ref *node) (*node, *Error) {
	address, fragment, _ := strings.Cut(ref.text, "#")
	if address != "" {
		if named := d.named(from.file, ref.text); named != nil {
			return named, nil
		}
		var fault *Error
		if resource, fault = d.resource(d.baseOf(resource), address, ref); fault != nil {
			return nil, fault
		}
	}
	decoded, err := url.PathUnescape(fragment)
	if err != nil {
		decoded = fragment
	}
	var target *node
	switch {
	case decoded == "":
		target = resource
	case decoded[0] == '/':
		target = d.point(resource, decoded)
		if target == nil && resource != resource.file.root {
			// Inside a schema with an $id, documents often still point from the
			// root of the file.
			target = d.point(resource.file.root, decoded)
		}
	default:
		resource.file.identify()
		target = resource.file.anchors[d.baseOf(resource)+"#"+decoded]
	}
	if target == nil {
		return nil, faultAt(ref, "define it, or mend the reference", "$ref %q names nothing", ref.text)
	}
	return target, nil
}

// named is a schema that a reference names by its bare name, as the first
// documents of 2.0 and the mappings of discriminators do.
func (d *Document) named(f *file, ref string) *node {
	if strings.ContainsAny(ref, "/#.:") {
		return nil
	}
	if schema := f.root.at("definitions", ref); schema != nil {
		return schema
	}
	return f.root.at("components", "schemas", ref)
}

// resource is the root of the file, or of the schema with an $id, that has the
// address, which may be relative to base.
func (d *Document) resource(base, address string, ref *node) (*node, *Error) {
	location := locate(base, address)
	if f := d.byLocation[location]; f != nil {
		return f.root, nil
	}
	for _, f := range d.files {
		f.identify()
		if root := f.anchors[location]; root != nil {
			return root, nil
		}
	}
	f, fault := d.loadFile(location)
	if fault != nil {
		return nil, faultAt(ref, fault.Fix, "$ref %q: %s", ref.text, describeFault(fault))
	}
	return f.root, nil
}

// describeFault is the message of a fault of another file, with its place.
func describeFault(fault *Error) string {
	if fault.Line == 0 {
		return fault.Message
	}
	return fault.at() + ": " + fault.Message
}

// loadFile reads another file once; a failure is remembered too.
func (d *Document) loadFile(location string) (*file, *Error) {
	if fault, ok := d.unreadable[location]; ok {
		return nil, fault
	}
	f, fault := d.readLocation(location)
	if fault != nil {
		d.unreadable[location] = fault
		return nil, fault
	}
	d.addFile(f)
	return f, nil
}

func (d *Document) readLocation(location string) (*file, *Error) {
	if d.load == nil {
		return nil, &Error{Message: location + " is another file, and only this one was given", Fix: "put the document into one file"}
	}
	data, err := d.load(location)
	if err != nil {
		return nil, &Error{Message: err.Error(), Fix: "put the file in its place, or mend the reference"}
	}
	f, err := readFile(location, data)
	if err != nil {
		return nil, asError(err)
	}
	return f, nil
}

// addFile takes a file that has been read into the document.
func (d *Document) addFile(f *file) {
	if self := f.root.str("$self"); self != "" && f.root.get("openapi") != nil {
		f.base = locate(f.location, strings.TrimSuffix(self, "#"))
	}
	d.files = append(d.files, f)
	d.byLocation[f.location] = f
	d.byLocation[f.base] = f
	if id := strings.TrimSuffix(f.root.str("$id"), "#"); id != "" {
		d.byLocation[locate(f.location, id)] = f
	}
	d.Warnings = append(d.Warnings, f.duplicates...)
}

// point walks a JSON Pointer from root, through references where they stand in
// the way; nil when it leads nowhere.
func (d *Document) point(root *node, pointer string) *node {
	n := root
	for token := range strings.SplitSeq(pointer[1:], "/") {
		name := strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		next := step(n, name)
		if next == nil && n.get("$ref").is(stringNode) {
			d.hops++
			if d.hops <= maxHops {
				if followed, fault := d.follow(n); fault == nil {
					next = step(followed, name)
				}
			}
			d.hops--
		}
		if next == nil {
			return nil
		}
		n = next
	}
	return n
}

// step is the member or item of n with that name or index.
func step(n *node, name string) *node {
	if n.is(arrayNode) {
		i, err := strconv.Atoi(name)
		if err != nil || i < 0 || i >= len(n.members) {
			return nil
		}
		return n.members[i].value
	}
	return n.get(name)
}

// identify finds the schemas of a file that have an $id and those that have an
// anchor, once. Files without either, nearly all, cost nothing.
func (f *file) identify() {
	if !f.identified || f.anchors != nil {
		return
	}
	f.anchors = make(map[string]*node)
	f.resources = make(map[*node]*node)
	f.bases = make(map[*node]string)
	f.collect(f.root, f.root, f.base, make(map[*node]bool))
}

// collect visits n and all below it; resource is the nearest node with an $id,
// and base its address.
func (f *file) collect(n, resource *node, base string, seen map[*node]bool) {
	if n.shared {
		if seen[n] {
			return
		}
		seen[n] = true
	}
	if n.kind == objectNode {
		if id := n.str("$id"); id != "" && n != f.root {
			resource, base = n, locate(base, strings.TrimSuffix(id, "#"))
			f.bases[n] = base
			f.setAnchor(base, n)
		}
		for _, name := range []string{"$anchor", "$dynamicAnchor"} {
			if anchor := n.str(name); anchor != "" {
				f.setAnchor(base+"#"+anchor, n)
			}
		}
	}
	if resource != f.root {
		f.resources[n] = resource
	}
	for _, m := range n.members {
		if m.value.kind >= arrayNode {
			f.collect(m.value, resource, base, seen)
		}
	}
}

// setAnchor keeps the first node that claims an address.
func (f *file) setAnchor(address string, n *node) {
	if f.anchors[address] == nil {
		f.anchors[address] = n
	}
}

// resourceOf is the root that references inside n are relative to.
func (d *Document) resourceOf(n *node) *node {
	n.file.identify()
	if resource := n.file.resources[n]; resource != nil {
		return resource
	}
	return n.file.root
}

// baseOf is the address of a resource.
func (d *Document) baseOf(resource *node) string {
	if base, ok := resource.file.bases[resource]; ok {
		return base
	}
	return resource.file.base
}

// locate resolves a reference against the base it is relative to: both are
// absolute URLs or paths with slashes.
func locate(base, ref string) string {
	u, err := url.Parse(ref)
	if err != nil {
		u = &url.URL{Path: ref}
	}
	if len(u.Scheme) > 1 { // one letter is a drive
		return ref
	}
	if b, err := url.Parse(base); err == nil && len(b.Scheme) > 1 {
		if b.Opaque != "" { // urn:…, which nothing is relative to
			return ref
		}
		return b.ResolveReference(u).String()
	}
	if u.Path == "" {
		return base
	}
	if path.IsAbs(u.Path) {
		return path.Clean(u.Path)
	}
	return path.Join(path.Dir(base), u.Path)
}
